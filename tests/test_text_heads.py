"""Heads that are solved: ridge regression on frozen vectors, with the penalty by leave-one-out."""

import pickle
from functools import cache
from itertools import product

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge

pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch
from language_models import WORDS, tiny_model

from sklearn_ftr import TextEmbedder, TextVarianceRegressor
from sklearn_ftr.finetuning._ridge import PENALTIES, fit_ridge


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {
        "encoder": tiny_model("BertModel", tmp_path_factory.mktemp("encoder")),
        "headed": tiny_model(
            "BertForSequenceClassification", tmp_path_factory.mktemp("headed"), num_labels=1
        ),
    }


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    numbers = [rng.integers(0, 40, size=rng.integers(1, 13)) for _ in range(80)]
    texts = np.array([" ".join(WORDS[number] for number in row) for row in numbers], dtype=object)
    return texts, np.array([3 + np.mean(row < 20) for row in numbers]) + rng.normal(scale=0.05, size=80)


def rows(n, d, k=1, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * np.linspace(1, 0.1, d) + 2
    return X, X @ rng.normal(size=(d, k)) + rng.normal(size=(n, k)), rng.uniform(0.5, 1.5, size=n)


# --- ridge regression


@pytest.mark.parametrize(("n", "d"), [(15, 40), (60, 8), (20, 20)])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_solution_is_that_of_ridge_with_its_penalty(n, d, weighted):
    X, y, weight = rows(n, d, 2)
    weight = weight / weight.mean() if weighted else None
    found = fit_ridge(X, y, weight)
    for output in range(2):
        expected = Ridge(found.penalty[output]).fit(X, y[:, output], sample_weight=weight)
        np.testing.assert_allclose(found.coefficients[output], expected.coef_, atol=1e-7)
        assert found.intercept[output] == pytest.approx(expected.intercept_, abs=1e-6)


@cache
def left_out(n, d, weighted):
    """Penalties, and what each misses (penalties, n, 2) of rows that were left out one by one."""
    X, y, weight = rows(n, d, 2)
    weight = weight / weight.mean() if weighted else np.ones(n)
    centered = X - np.average(X, axis=0, weights=weight)
    penalties = PENALTIES * np.average((centered**2).sum(axis=1), weights=weight)
    errors = np.empty((len(penalties), *y.shape))
    for (at, penalty), row in product(enumerate(penalties), range(n)):
        others = np.delete(np.arange(n), row)
        model = Ridge(penalty).fit(X[others], y[others], sample_weight=weight[others])
        errors[at, row] = y[row] - model.predict(X[[row]])[0]
    return penalties, errors


@pytest.mark.grid(4)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("factor", [None, np.array([[1.0], [-2.0]])])
@pytest.mark.parametrize(("n", "d"), [(12, 20), (25, 6)])
def test_the_penalty_has_the_smallest_error_of_rows_that_were_left_out(n, d, factor, weighted):
    X, y, weight = rows(n, d, 2)
    weight = weight / weight.mean() if weighted else np.ones(n)
    penalties, errors = left_out(n, d, weighted)
    losses = weight @ (errors if factor is None else errors @ factor) ** 2
    if factor is not None:
        losses = np.repeat(losses.sum(axis=1, keepdims=True), 2, axis=1)
    found = fit_ridge(X, y, weight if weighted else None, factor)
    np.testing.assert_allclose(found.penalty, penalties[losses.argmin(axis=0)], rtol=1e-9)


def test_a_row_of_twice_the_weight_is_two_rows_but_for_the_penalty():
    X, y, _ = rows(30, 5)
    twice = np.repeat(np.arange(30), np.where(np.arange(30) < 10, 2, 1))
    weight = np.where(np.arange(30) < 10, 2.0, 1.0)
    found = fit_ridge(X, y, weight / weight.mean())
    expected = Ridge(found.penalty[0] * weight.mean()).fit(X[twice], y[twice, 0])
    np.testing.assert_allclose(found.coefficients[0], expected.coef_, atol=1e-8)


def test_vectors_or_labels_that_are_all_the_same():
    X, y, _ = rows(10, 4)
    for columns, labels in ((np.ones((10, 4)), y), (X, np.full((10, 1), 7.0)), (X[:2], y[:2])):
        found = fit_ridge(columns, labels)
        predictions = columns @ found.coefficients.T + found.intercept
        assert np.isfinite(predictions).all()
        assert predictions.mean() == pytest.approx(labels.mean())


def test_noise_is_shrunk_and_signal_is_not():
    X, y, _ = rows(200, 5)
    noise = np.random.default_rng(1).normal(size=(200, 1))
    strong, weak = fit_ridge(X, y + 50 * X[:, :1]).penalty, fit_ridge(X, noise).penalty
    assert strong < weak / 10


# --- the regressor


def solved(folder, **parameters):
    return TextVarianceRegressor(folder, random_state=0, **parameters)


def test_a_head_that_is_solved_is_ridge_on_the_vectors(folders, data):
    texts, y = data
    model = solved(folders["encoder"]).fit(texts, y)
    assert model.n_epochs_ == 0
    assert not model.net_.history
    vectors = model.net_.module_.norm
    X = TextEmbedder(folders["encoder"]).fit_transform(texts)
    X = vectors(torch.as_tensor(X)).numpy().astype(float)
    expected = Ridge(model.penalty_).fit(X, y).predict(X)
    np.testing.assert_allclose(model.predict(texts), expected, atol=1e-4)
    assert model.residual_variance_ < 0.9 * y.var()
    restored = pickle.loads(pickle.dumps(model))
    assert restored.penalty_ == model.penalty_
    np.testing.assert_array_equal(restored.predict(texts), model.predict(texts))


@pytest.mark.grid(4)
@pytest.mark.parametrize(
    "training",
    [
        {"max_epochs": 2},
        {"learning_rate": 1e-3},
        {"early_stopping": True},
        {"hidden_layer_sizes": (3,)},
        {"criterion": "mse"},
    ],
)
def test_what_only_training_has_is_trained(training, folders, data):
    model = solved(folders["encoder"]).fit(*data)
    assert model.penalty_ > 0
    model.set_params(**training).fit(*data)
    assert model.n_epochs_ > 0
    assert not hasattr(model, "penalty_")


@pytest.mark.parametrize("criterion", ["profiled_variance", "centered_mse"])
def test_criteria_that_are_the_variance_are_solved_alike(criterion, folders, data):
    first, second = (
        solved(folders["encoder"], criterion=name).fit(*data).predict(data[0])
        for name in ("variance", criterion)
    )
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_outputs_have_their_own_penalties_or_one_for_what_is_weighted(folders, data):
    texts, y = data
    both = np.column_stack([y, np.random.default_rng(1).normal(size=80)])
    own = solved(folders["encoder"]).fit(texts, both).penalty_
    assert own.shape == (2,)
    assert own[0] < own[1]
    together = solved(folders["encoder"], output_weight=[1.0, 0.0]).fit(texts, both).penalty_
    np.testing.assert_allclose(together, own[0])


def test_the_models_own_head_is_corrected(folders, data):
    texts, y = data
    zero_shot = solved(folders["headed"]).initialize(texts).predict(texts)
    model = solved(folders["headed"]).fit(texts, 100 * zero_shot.var() + zero_shot)
    np.testing.assert_allclose(model.predict(texts), 100 * zero_shot.var() + zero_shot, atol=1e-3)
    assert solved(folders["headed"]).fit(texts, y).residual_variance_ < np.var(y - zero_shot)


def test_rows_of_weight_zero_are_left_out(folders, data):
    texts, y = data
    weight = np.repeat([1.0, 0.0], 40)
    weighted = solved(folders["encoder"]).fit(texts, y, sample_weight=weight).predict(texts)
    np.testing.assert_allclose(
        weighted, solved(folders["encoder"]).fit(texts[:40], y[:40]).predict(texts), atol=1e-5
    )


def test_solved_is_no_worse_than_least_squares_out_of_sample(folders, data):
    texts, y = data
    X = TextEmbedder(folders["encoder"]).fit_transform(texts)
    least = LinearRegression().fit(X[:30], y[:30]).predict(X[30:])
    own = solved(folders["encoder"]).fit(texts[:30], y[:30]).predict(texts[30:])
    assert np.var(y[30:] - own) < np.var(y[30:] - least)
