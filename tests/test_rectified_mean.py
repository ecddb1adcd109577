"""The estimator: the stages put together, checked against stage 2 on arrays."""

import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from scipy import stats
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, KFold, LeaveOneOut, RepeatedKFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ftr import RectifiedMeanEstimator, VarianceRegressor, rectify_mean

try:
    import torch
    from skorch import NeuralNetBinaryClassifier, NeuralNetClassifier, NeuralNetRegressor
except ImportError:  # `make newest`
    from conftest import NeedsTorch

    torch = NeedsTorch()


def fitted(X, y, estimator=None, **parameters):
    estimator = LinearRegression() if estimator is None else estimator
    return RectifiedMeanEstimator(estimator, random_state=0, **parameters).fit(X, y)


class Remembering(RegressorMixin, BaseEstimator):
    """A linear model that remembers which rows it was trained on, by their first feature."""

    def fit(self, X, y):
        self.seen_ = set(X[:, 0])
        self.model_ = LinearRegression().fit(X, y)
        return self

    def predict(self, X):
        return self.model_.predict(X)


# One split


@pytest.mark.parametrize("split_ratio", [0.2, 0.5, 30])
@pytest.mark.parametrize("power_tuning", [True, False])
def test_split_is_stage_one_then_stage_two(population, split_ratio, power_tuning):
    X, y = population
    model = fitted(
        X, y, Remembering(), split_ratio=split_ratio, recycle=False, power_tuning=power_tuning
    )
    labeled = np.arange(120)
    trained = np.isin(X[labeled, 0], list(model.estimator_.seen_))
    rectify = labeled[~trained]
    expected = rectify_mean(
        y[rectify],
        model.estimator_.predict(X[rectify]),
        model.estimator_.predict(X[120:]),
        lambda_=None if power_tuning else 1.0,
    )
    s = split_ratio if split_ratio > 1 else round(120 * split_ratio)
    assert trained.sum() == len(model.estimator_.seen_) == model.n_finetune_ == s
    assert model.n_rectify_ == 120 - s
    assert (model.n_labeled_, model.n_unlabeled_) == (120, 780)
    assert model.mean_ == pytest.approx(expected.estimate, rel=1e-12)
    assert model.standard_error_ == pytest.approx(expected.standard_error, rel=1e-12)
    assert model.lambda_ == pytest.approx(expected.lambda_)
    np.testing.assert_allclose(model.confidence_interval(), expected.confidence_interval(), rtol=1e-12)
    assert model.p_value(3.0, "less") == pytest.approx(expected.p_value(3.0, "less"))
    assert model.residual_variance_ == pytest.approx(expected.residual_variance)


def test_efficiency_compares_with_all_labels(population):
    X, y = population
    model = fitted(X, y)
    assert model.efficiency_ == pytest.approx((stats.sem(y[:120]) / model.standard_error_) ** 2)
    assert model.result_.labels_only.estimate == pytest.approx(y[:120].mean())


def test_recycling_adds_the_fine_tuning_labels(population):
    X, y = population
    plain, recycled = (fitted(X, y, Remembering(), split_ratio=0.5, recycle=r) for r in (False, True))
    trained = np.isin(X[:120, 0], list(recycled.estimator_.seen_))
    # V_R(y - lambda f) / V_R(y) from the rectification labels, V(y) from all.
    ratio = y[:120].var(ddof=1) / y[:120][~trained].var(ddof=1)
    variances = ratio * plain.standard_error_**2, y[:120].var(ddof=1) / 60
    weight = variances[0] / sum(variances)
    assert recycled.result_.recycled_weight == pytest.approx(weight)
    expected = (1 - weight) * plain.mean_ + weight * y[:120][trained].mean()
    assert recycled.mean_ == pytest.approx(expected, rel=1e-12)
    assert recycled.standard_error_ < plain.standard_error_


@pytest.mark.parametrize(
    "parameters",
    [{}, {"recycle": False}, {"cv": 4}, {"power_tuning": False}, {"cv": 7, "power_tuning": False}],
    ids=str,
)
def test_predictions_average_to_the_mean_over_the_pool(population, parameters):
    X, y = population
    model = fitted(X, y, **parameters)
    assert model.predict(X[120:]).mean() == pytest.approx(model.mean_, rel=1e-12)
    assert model.lambda_ * model.result_.predictions_only.estimate + model.rectifier_ == pytest.approx(
        model.mean_
    )


# Cross-fitting


def test_cross_fitting_by_hand(population):
    X, y = population
    folds = [np.flatnonzero(np.arange(120) % 3 == k) for k in range(3)]
    cv = [(np.setdiff1d(np.arange(120), fold), fold) for fold in folds]
    model = fitted(X, y, cv=cv, power_tuning=False)
    of_pool, residuals = [], []
    for (train, test), inner in zip(cv, model.estimators_, strict=True):
        by_hand = LinearRegression().fit(X[train], y[train])
        np.testing.assert_allclose(inner.predict(X[test]), by_hand.predict(X[test]))
        of_pool.append(by_hand.predict(X[120:]))
        # Each model's residuals around what it says of the pool: unbiased for the mean, fold by fold.
        residuals.append(y[test] - by_hand.predict(X[test]) + of_pool[-1].mean())
    residuals = np.concatenate(residuals)
    variance = residuals.var(ddof=1) / 120 + np.mean(of_pool, axis=0).var(ddof=1) / 780
    assert model.mean_ == pytest.approx(residuals.mean(), rel=1e-12)
    assert model.standard_error_ == pytest.approx(variance**0.5, rel=1e-12)
    assert (model.n_finetune_, model.n_rectify_) == (80, 120)


def test_offsets_of_the_models_cancel(population):
    """A model that adds a constant of its own to everything changes neither estimate nor interval."""

    class Offset(LinearRegression):
        def fit(self, X, y):
            super().fit(X, y)
            self.intercept_ += 1000 * y[0]  # differs between folds
            return self

    X, y = population
    for pool_prediction in ("average", "split"):
        plain = fitted(X, y, cv=7, pool_prediction=pool_prediction)
        shifted = fitted(X, y, Offset(), cv=7, pool_prediction=pool_prediction)
        assert shifted.mean_ == pytest.approx(plain.mean_, rel=1e-9)
        assert shifted.standard_error_ == pytest.approx(plain.standard_error_, rel=1e-6)


def test_pool_predicted_by_one_model_each(population):
    X, y = population

    class Counting(LinearRegression):
        predicted = 0

        def predict(self, X):
            Counting.predicted += len(X)
            return super().predict(X)

    average = fitted(X, y, Counting(), cv=5)
    assert Counting.predicted == 5 * 780 + 120
    Counting.predicted = 0
    split = fitted(X, y, Counting(), cv=5, pool_prediction="split")
    assert Counting.predicted == 780 + 120
    assert split.mean_ == pytest.approx(average.mean_, abs=0.3 * average.standard_error_)
    assert split.standard_error_ == pytest.approx(average.standard_error_, rel=0.1)


def test_a_pool_too_small_to_be_divided_is_averaged(population):
    X, y = population
    rows = slice(0, 150)
    one, other = (fitted(X[rows], y[rows], cv=5, pool_prediction=way) for way in ("average", "split"))
    assert one.mean_ == other.mean_


@pytest.mark.parametrize(
    "cv",
    [
        2,
        10,
        KFold(4),
        LeaveOneOut(),
        [(np.arange(60), np.arange(60, 120)), (np.arange(60, 120), np.arange(60))],
    ],
)
def test_splitters(population, cv):
    X, y = population
    model = fitted(X, y, cv=cv)
    assert model.mean_ == pytest.approx(3, abs=4 * model.standard_error_)
    assert model.efficiency_ > 2


@pytest.mark.parametrize("cv", [ShuffleSplit(3), RepeatedKFold(n_splits=3, n_repeats=2)])
def test_splitters_that_do_not_partition(population, cv):
    with pytest.raises(ValueError, match="do not hold each of the 120 labeled rows exactly once"):
        fitted(*population, cv=cv)


def test_splitter_that_needs_groups(population):
    with pytest.raises(ValueError, match="groups"):
        fitted(*population, cv=GroupKFold(3))


@pytest.mark.grid(2)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_n_jobs_and_random_state(population, n_jobs):
    X, y = population
    forest = RandomForestRegressor(n_estimators=10)
    model, again = (fitted(X, y, forest, cv=3, n_jobs=n_jobs) for _ in range(2))
    assert model.mean_ == again.mean_
    assert model.mean_ == fitted(X, y, forest, cv=3).mean_
    assert model.mean_ != RectifiedMeanEstimator(forest, cv=3, random_state=1).fit(X, y).mean_
    assert forest.random_state is None


def test_threads_give_the_same_numbers(population):
    """Torch's random state belongs to the process, so that threads have to take turns."""
    X, y = population
    network = VarianceRegressor(max_epochs=3, module_kwargs={"dropout": 0.5})
    expected = fitted(X, y, network, cv=4).mean_
    state = torch.get_rng_state()
    with joblib.parallel_backend("threading"):
        assert fitted(X, y, network, cv=4, n_jobs=4).mean_ == expected
    assert torch.equal(torch.get_rng_state(), state)


def test_attributes_of_an_earlier_fit_go(population):
    model = fitted(*population)
    model.set_params(cv=3).fit(*population)
    assert not hasattr(model, "estimator_")
    model.set_params(cv=None).fit(*population)
    assert not hasattr(model, "estimators_")


def test_predictions_are_of_the_rows_they_are_used_for(rng):
    """With y = x exactly, any confusion of rows shows as residual variance, whatever the permutation."""
    X = rng.normal(size=(15, 1))
    y = np.where(np.arange(15) < 10, X[:, 0], np.nan)
    for seed in range(300):
        order = rng.permutation(15)
        model = RectifiedMeanEstimator(LinearRegression(), random_state=seed).fit(X[order], y[order])
        assert model.residual_variance_ < 1e-20
    unsorted = [
        (np.arange(5, 10), np.array([2, 0, 3, 1, 4])),
        (np.arange(5), np.array([9, 7, 5, 6, 8])),
    ]
    model = RectifiedMeanEstimator(LinearRegression(), cv=unsorted).fit(X, y)
    assert model.residual_variance_ < 1e-20


@pytest.mark.thorough
@pytest.mark.parametrize("draw", ["rare", "lognormal"])
def test_recycling_does_not_favour_the_half_without_the_large_labels(draw):
    """With useless features the answer is near the mean of all labels, for skewed labels too."""
    gaps, X = [], np.random.default_rng(0).normal(size=(400, 1))
    for seed in range(200):
        rng = np.random.default_rng(seed)
        y = rng.random(400) < 0.1 if draw == "rare" else rng.lognormal(size=400)
        y = np.where(np.arange(400) < 60, y, np.nan)
        if np.nanstd(y) == 0:
            continue  # no rare label among the 60
        model = RectifiedMeanEstimator(DummyRegressor(), split_ratio=0.5, random_state=seed).fit(X, y)
        gaps.append((model.mean_ - np.nanmean(y)) / model.result_.labels_only.standard_error)
        assert model.standard_error_ > 0.9 * model.result_.labels_only.standard_error
    assert abs(np.mean(gaps)) < 0.05


def test_rectification_labels_that_are_all_alike(rng):
    """Not a zero width: the fine-tuning labels show that labels vary."""
    X = rng.normal(size=(500, 2))
    y = np.where(np.arange(500) < 50, 0.0, np.nan)
    for seed in range(50):
        y[:50] = 0
        y[seed] = 1  # sometimes in one half, sometimes in the other
        model = fitted(X, y, DummyRegressor(), split_ratio=0.5)
        low, high = model.confidence_interval()
        assert low < 1 / 50 < high
        assert model.efficiency_ == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("folds", [[1, 119], [60, 60]])
def test_divided_pool_with_uneven_folds(population, folds):
    X, y = population
    cuts = np.split(np.arange(120), [folds[0]])
    cv = [(np.setdiff1d(np.arange(120), fold), fold) for fold in cuts]
    for m in (10, 300):
        rows = slice(0, 120 + m)
        one, other = (
            fitted(X[rows], y[rows], cv=cv, pool_prediction=way, power_tuning=False)
            for way in ("average", "split")
        )
        assert other.mean_ == pytest.approx(one.mean_, abs=one.standard_error_)


# Inner models


def test_a_frozen_network_stays_as_it_is(population):
    X, y = population
    network = VarianceRegressor(max_epochs=30, random_state=0).fit(X[:120], y[:120])
    before = network.predict(X)
    model = fitted(X, y, FrozenEstimator(network), split_ratio=0)
    np.testing.assert_array_equal(network.predict(X), before)
    assert model.result_.predictions_only.estimate == pytest.approx(before[120:].mean())
    frozen = FrozenEstimator(
        make_pipeline(FrozenEstimator(StandardScaler().fit(X)), FrozenEstimator(network))
    )
    assert fitted(X, y, frozen).n_finetune_ == 0


def test_a_pipeline_of_frozen_steps_spends_no_label(population):
    X, y = population
    scaler = StandardScaler().fit(X)
    steps = (
        FrozenEstimator(scaler),
        "passthrough",
        FrozenEstimator(LinearRegression().fit(X[:50], y[:50])),
    )
    assert fitted(X, y, make_pipeline(*steps)).n_finetune_ == 0


def test_frozen_models_work_with_few_labels(population):
    X, y = population
    frozen = FrozenEstimator(LinearRegression().fit(X[:120], y[:120]))
    few = np.where(np.arange(900) < 3, y, np.nan)
    assert np.isfinite(fitted(X, few, frozen, power_tuning=False).confidence_interval()).all()


def test_zero_shot_is_reproducible(population):
    X, y = population
    torch.manual_seed(0)
    one, other = (fitted(X, y, VarianceRegressor(), split_ratio=0).mean_ for _ in range(2))
    assert one == other


def test_zero_shot_module_with_too_many_outputs(population):
    module = {"module": torch.nn.Linear, "module_kwargs": {"in_features": 4, "out_features": 3}}
    with pytest.raises(ValueError, match="3 outputs; expected 1"):
        fitted(*population, VarianceRegressor(**module), split_ratio=0)


def test_classifier_that_sees_one_class_only(rng):
    """Rare classes: a constant prediction, so labels only, instead of the classifier's refusal."""
    X = rng.normal(size=(300, 2))
    y = np.where(np.arange(300) < 60, 0.0, np.nan)
    y[:2] = 1
    for cv in (None, 5):
        for seed in range(10):
            model = RectifiedMeanEstimator(LogisticRegression(), cv=cv, random_state=seed).fit(X, y)
            assert 0 < model.mean_ < 0.15
            low, high = model.confidence_interval()
            assert high > low


def test_classifier_of_text_classes(population):
    X, y = population
    words = np.where(y[:120] > 3, "yes", "no")
    frozen = FrozenEstimator(LogisticRegression().fit(X[:120], words))
    with pytest.raises(ValueError, match=r"has the classes .*expected numbers"):
        fitted(X, np.where(np.isnan(y), np.nan, y > 3), frozen)


def test_one_column_of_labels(population):
    """Warns of nothing, although models want one dimension."""
    X, y = population
    model = fitted(X, y[:, None], RandomForestRegressor(n_estimators=5), cv=3)
    assert model.mean_.shape == (1,)
    assert model.predict(X).shape == (900, 1)


def test_zero_shot_with_a_frozen_model(population, rng):
    X, y = population
    old = rng.normal(size=(50, 4))
    frozen = FrozenEstimator(LinearRegression().fit(old, old[:, 0]))
    model = fitted(X, y, frozen, split_ratio=0)
    expected = rectify_mean(y[:120], frozen.predict(X[:120]), frozen.predict(X[120:]))
    assert model.mean_ == pytest.approx(expected.estimate, rel=1e-12)
    assert (model.n_finetune_, model.n_rectify_) == (0, 120)
    # Nothing can be trained: no label is spent on it, and nothing is recycled.
    assert fitted(X, y, frozen).mean_ == model.mean_
    assert fitted(X, y, frozen, cv=5).mean_ == model.mean_
    assert hasattr(fitted(X, y, frozen, cv=5), "estimators_")


def test_zero_shot_with_pretrained_weights(population):
    X, y = population
    net = VarianceRegressor(torch.nn.Linear, module_kwargs={"in_features": 4, "out_features": 1})
    weights = torch.nn.Linear(4, 1).state_dict()
    model = fitted(X, y, net.set_params(weights=weights), split_ratio=0)
    assert model.estimator_.n_epochs_ == 0
    assert model.n_rectify_ == 120


def test_zero_shot_needs_a_model_that_predicts(population):
    for model in (LinearRegression(), make_pipeline(StandardScaler(), VarianceRegressor())):
        with pytest.raises(ValueError, match=r"split_ratio=0 trains nothing, but (Linear|Pipeline)"):
            fitted(*population, model, split_ratio=0)


def test_classifier_gives_a_proportion(population):
    X, y = population
    y = np.where(np.isnan(y), np.nan, y > 3)
    model = fitted(X, y, LogisticRegression(), split_ratio=0.4, recycle=False)
    assert 0.4 < model.mean_ < 0.6
    probability = model.estimator_.predict_proba(X[120:])[:, 1]
    assert model.result_.predictions_only.estimate == pytest.approx(probability.mean())
    assert fitted(X, y, LogisticRegression(), cv=5).efficiency_ > 1.2


def test_classifier_of_several_numeric_classes(population):
    X, y = population
    ratings = np.clip(np.round(y), 1, 5)
    model = fitted(X, ratings, LogisticRegression(), cv=4)
    assert model.mean_ == pytest.approx(np.nanmean(ratings), abs=4 * np.nanstd(ratings) / 120**0.5)
    two_columns = np.column_stack([y > 3, y > 2]) + 0 * y[:, None]
    with pytest.raises(ValueError, match="one column of classes"):
        fitted(X, two_columns, RandomForestClassifier(n_estimators=3))


@pytest.mark.parametrize("cv", [None, 3])
def test_raw_skorch_net(population, cv):
    X, y = population
    X = X.astype(np.float32)

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def forward(self, X):
            return self.layer(X)

    net = NeuralNetRegressor(Module, max_epochs=20, lr=0.1, verbose=0)
    torch.manual_seed(3)
    state = torch.get_rng_state()
    for estimator in (net, make_pipeline(StandardScaler(), net)):
        model, again = (fitted(X, y, estimator, split_ratio=0.5, cv=cv) for _ in range(2))
        assert model.efficiency_ > 1.5
        assert model.mean_ == again.mean_
    assert torch.equal(torch.get_rng_state(), state)
    assert not hasattr(net, "module_")


def test_raw_skorch_classifiers(population):
    X, y = population
    X, y = X.astype(np.float32), np.where(np.isnan(y), np.nan, y > 3)

    class Logits(torch.nn.Module):
        def __init__(self, n):
            super().__init__()
            self.layer = torch.nn.Linear(4, n)

        def forward(self, X):
            return self.layer(X).squeeze(-1)

    settings = {"max_epochs": 20, "lr": 0.3, "verbose": 0, "train_split": None}
    binary = NeuralNetBinaryClassifier(Logits, module__n=1, **settings)
    several = NeuralNetClassifier(
        Logits, module__n=2, criterion=torch.nn.CrossEntropyLoss, classes=[0, 1], **settings
    )
    for net in (binary, several):
        assert 0.4 < fitted(X, y, net, split_ratio=0.5).mean_ < 0.6


def test_seeds_reach_nested_random_states(population):
    X, y = population
    inner = make_pipeline(StandardScaler(), RandomForestRegressor(n_estimators=5))
    assert fitted(X, y, inner).mean_ == fitted(X, y, inner).mean_
    fixed = fitted(X, y, RandomForestRegressor(n_estimators=5, random_state=7)).estimator_
    assert fixed.random_state == 7


# Kinds of X


def test_texts_reach_the_model_untouched(rng):
    words = np.array(["good", "bad", "fine", "awful"])
    texts = [" ".join(rng.choice(words, size=6)) for _ in range(400)]
    y = np.array([text.count("good") - text.count("awful") for text in texts]) + rng.normal(size=400)
    y[100:] = np.nan
    inner = make_pipeline(CountVectorizer(), Ridge())
    results = [
        fitted(kind, y, inner, cv=4).mean_
        for kind in (texts, np.array(texts), np.array(texts, dtype=object), pd.Series(texts))
    ]
    assert len(set(results)) == 1


def test_frames_keep_their_columns(population):
    X, y = population
    frame = pd.DataFrame(X, columns=list("abcd"), index=np.arange(900) * 2)
    model = fitted(frame, pd.Series(y, index=frame.index), cv=3)
    assert list(model.feature_names_in_) == list("abcd")
    assert list(model.estimators_[0].feature_names_in_) == list("abcd")
    assert model.mean_ == pytest.approx(fitted(X, y, cv=3).mean_)


@pytest.mark.parametrize(
    "container", [scipy.sparse.csr_array, scipy.sparse.csc_matrix, scipy.sparse.coo_array]
)
def test_sparse(population, container):
    X, y = population
    assert fitted(container(X), y).mean_ == pytest.approx(fitted(X, y).mean_)
    assert RectifiedMeanEstimator(random_state=0).fit(container(X), y).efficiency_ > 1


def test_nullable_and_object_labels(population):
    X, y = population
    y = np.round(y)
    expected = fitted(X, y).mean_
    nullable = pd.array([None if np.isnan(v) else int(v) for v in y], dtype="Int64")
    for labels in (pd.Series(nullable), [None if np.isnan(v) else v for v in y], y.astype(np.float32)):
        assert fitted(X, labels).mean_ == expected


def test_blocks_of_the_pool_do_not_matter(population, monkeypatch):
    X, y = population
    expected = fitted(X, y)
    monkeypatch.setattr("sklearn_ftr.estimators._inner_model.rows_at_once", lambda X: 100)
    assert fitted(X, y).mean_ == pytest.approx(expected.mean_, rel=1e-12)


# Several outputs


@pytest.mark.parametrize("parameters", [{}, {"cv": 4}], ids=["split", "cv"])
def test_several_outputs(population, parameters):
    X, y = population
    Y = np.column_stack([y, X[:, 0] + 0 * y, -y])
    model = fitted(X, Y, **parameters)
    assert model.mean_.shape == model.standard_error_.shape == model.lambda_.shape == (3,)
    assert model.covariance_.shape == (3, 3)
    assert model.mean_[0] == pytest.approx(-model.mean_[2])
    assert model.covariance_[0, 2] == pytest.approx(-model.covariance_[0, 0])
    assert model.mean_[0] == pytest.approx(fitted(X, y, **parameters).mean_)
    assert model.predict(X).shape == (900, 3)
    assert np.isfinite(model.score(X, Y))


# No pool, score, verbosity


def test_all_labeled_is_the_labels_only_answer(population):
    X, y = population
    X, y = X[:120], y[:120]
    for parameters in ({}, {"recycle": False}, {"cv": 5}, {"power_tuning": False}):
        model = fitted(X, y, **parameters)
        assert model.mean_ == pytest.approx(y.mean())
        np.testing.assert_allclose(
            model.confidence_interval(), stats.t.interval(0.95, 119, y.mean(), stats.sem(y))
        )
        assert (model.lambda_, model.n_unlabeled_, model.efficiency_) == (0, 0, 1)
        assert model.score(X, y) == pytest.approx(1)
        np.testing.assert_allclose(model.predict(X), y.mean())


@pytest.mark.parametrize(
    "parameters",
    [{"recycle": False}, {}, {"cv": 5}, {"power_tuning": False, "cv": 5}, {"split_ratio": 0.7}],
    ids=str,
)
def test_score_on_new_rows_agrees_with_efficiency(rng, parameters):
    """The same design measured on 20,000 other labels: near the estimate from its own 500."""
    X = rng.normal(size=(30_000, 4))
    y = X @ [1.0, 0.5, 0.0, -0.5] + rng.normal(size=30_000)
    hidden = np.where(np.arange(10_000) < 500, y[:10_000], np.nan)
    model = fitted(X[:10_000], hidden, **parameters)
    assert model.score(X[10_000:], y[10_000:]) == pytest.approx(model.efficiency_, rel=0.15)


def test_score_ignores_unlabeled_rows_and_needs_two_labels(population):
    X, y = population
    model = fitted(X, y)
    assert model.score(X, y) == pytest.approx(model.score(X[:120], y[:120]))
    with pytest.raises(ValueError, match="1 labeled row of 781; expected at least 2"):
        model.score(X[119:], y[119:])


def test_score_with_a_pool_of_one_row(population):
    X, y = population
    model = fitted(X[:121], y[:121])
    assert 0 < model.score(X[:120], y[:120]) < 2


def test_verbose_tells_what_happens(population, capsys):
    fitted(*population, verbose=1)
    assert "fine-tuning on 24 labels: 100 %" in capsys.readouterr().err
    fitted(*population, cv=3, verbose=1)
    assert "cross-fitting: 100 %, 3 of 3 models" in capsys.readouterr().err


def test_a_plain_fit_is_silent(population, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RectifiedMeanEstimator().fit(*population)
    assert capsys.readouterr() == ("", "")


def test_useless_model_is_no_worse_than_labels_alone(population):
    X, y = population
    model = fitted(X, y, DummyRegressor(), cv=5)
    assert model.lambda_ == 0
    assert model.mean_ == pytest.approx(np.nanmean(y))
    assert "Labels alone are as good" in model.result_.verdict()
