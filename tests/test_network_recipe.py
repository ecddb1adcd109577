"""Weight decay and batch size that follow the rows, where the user gives neither."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

from sklearn_ftr import VarianceRegressor
from sklearn_ftr.finetuning._mlp import MLP
from sklearn_ftr.finetuning._network_recipe import batch_size, weight_decay


def waves(n, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    return X, np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.3 * rng.normal(size=n)


def quick(**parameters):
    return VarianceRegressor(**{"max_epochs": 1, "random_state": 0} | parameters)


@pytest.mark.parametrize("n_columns", [1, 10, 768])
def test_decay_is_one_up_to_thirty_rows_a_column_and_then_falls_like_one_over_the_rows(n_columns):
    knee = 30 * n_columns
    assert [weight_decay(n, n_columns) for n in (2, knee // 2, knee)] == [1.0, 1.0, 1.0]
    for times in (2, 10, 1_000):
        assert weight_decay(times * knee, n_columns) == pytest.approx(1 / times)


def test_batches_grow_where_an_epoch_would_have_more_than_two_hundred_steps():
    sizes = {2: 64, 1_000: 64, 12_800: 64, 12_801: 65, 100_000: 500, 1_000_000: 5_000}
    assert {n: batch_size(n) for n in sizes} == sizes


def test_neither_jumps():
    """Laws are fitted across numbers of rows: a step of either would be a step of the curve."""
    rows = np.unique(np.geomspace(2, 10**7, 2_000).astype(int))
    decays = np.array([weight_decay(int(n), 10) for n in rows])
    sizes = np.array([batch_size(int(n)) for n in rows])
    growth = rows[1:] / rows[:-1]
    assert (np.diff(decays) <= 0).all()
    assert (np.diff(sizes) >= 0).all()
    assert (decays[:-1] / decays[1:] <= growth * (1 + 1e-9)).all()
    assert (np.diff(sizes) <= np.diff(rows) / 200 + 1).all()


def test_the_fit_trains_with_them_and_says_so():
    seen = {}

    def optimizer(parameters, lr, weight_decay):
        seen["decay"] = weight_decay
        return torch.optim.AdamW(parameters, lr=lr, weight_decay=weight_decay)

    class Watching(MLP):
        def forward(self, X):
            if self.training:
                seen.setdefault("batches", []).append(len(X))
            return super().forward(X)

    model = quick(module=Watching, optimizer=optimizer).fit(*waves(14_000))
    assert seen["decay"] == model.weight_decay_ == pytest.approx(180 / 14_000)
    assert model.batch_size_ == 70
    assert seen["batches"] == [70] * 200


def test_numbers_are_taken_as_they_are():
    model = quick(weight_decay=0.3, batch_size=32).fit(*waves(400))
    assert (model.weight_decay_, model.batch_size_) == (0.3, 32)


def test_pretrained_weights_are_hardly_pulled():
    weights = quick().fit(*waves(100)).net_.module_.state_dict()
    assert quick(weights=weights).fit(*waves(100)).weight_decay_ == 0.01
    assert quick(weights=weights, weight_decay=0.5).fit(*waves(100)).weight_decay_ == 0.5


def test_rows_of_weight_zero_do_not_count():
    X, y = waves(1_000)
    weighted = quick().fit(X, y, sample_weight=np.arange(1_000) < 400)
    assert weighted.weight_decay_ == pytest.approx(180 / 400)


def test_parameters_stay_as_given_and_every_fit_resolves_them_anew():
    model = quick().fit(*waves(100))
    assert (model.get_params()["weight_decay"], model.get_params()["batch_size"]) == ("auto", "auto")
    assert not hasattr(clone(model), "weight_decay_")
    assert model.weight_decay_ == 1.0
    assert model.fit(*waves(360)).weight_decay_ == pytest.approx(0.5)


def test_an_initialization_trains_with_neither():
    X, y = waves(100)
    model = quick().fit(X, y).initialize(X)
    assert not hasattr(model, "weight_decay_")
    assert not hasattr(model, "batch_size_")


@pytest.mark.parametrize("name", ["weight_decay", "batch_size"])
@pytest.mark.parametrize("value", ["automatic", None, -1])
def test_other_words_are_refused_with_the_one_that_is_known(name, value):
    with pytest.raises(ValueError, match=rf"'{name}' parameter of VarianceRegressor .*'auto'.*{value}"):
        quick(**{name: value}).fit(*waves(100))


@pytest.mark.thorough
def test_many_rows_are_learned_from():
    """As strong a pull as few rows need left twice as much of the variance at 3,000 (docs/benchmarks.md)."""
    X, y = waves(3_000)

    def left(**parameters):
        model = quick(max_epochs=20, learning_rate=3e-3, **parameters).fit(X[:1_500], y[:1_500])
        return np.var(y[1_500:] - model.predict(X[1_500:]))

    assert left() < 0.75 * left(weight_decay=1.0)
