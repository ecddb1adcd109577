"""Folds that hold a sample of the pool: how many rows a search predicts, and that `score` is that of the whole pool."""

from collections import Counter
from typing import ClassVar

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_val_score

from sklearn_ftr import (
    LabeledKFold,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedMeanEstimator,
    RectifiedPoissonRegression,
    RectifiedQuantile,
)

RATIOS = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8]


def sample_of(n, m, seed=0):
    """Four features, of which the last is a group, a label that three of them tell of, and noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n + m, 4))
    X[:, 3] = rng.random(n + m) < 0.5
    y = X @ [1.0, 1.0, 0.5, 0.5] + rng.normal(size=n + m)
    y[n:] = np.nan
    return X, y


# Rows predicted


class Counting(RegressorMixin, BaseEstimator):
    """A ridge regression that counts the rows that it predicts."""

    rows: ClassVar[Counter[str]] = Counter()

    def fit(self, X, y):
        """Learn."""
        self.model_ = Ridge().fit(X, y)
        return self

    def predict(self, X):
        """Count, and predict."""
        self.rows["predicted"] += len(X)
        return self.model_.predict(X)


@pytest.fixture
def counted():
    Counting.rows.clear()
    return Counting.rows


def search_of(folds, kind=GridSearchCV, **settings):
    model = RectifiedMeanEstimator(Counting(), random_state=0)
    return kind(model, {"split_ratio": RATIOS}, cv=folds, **settings)


@pytest.mark.parametrize("m", [20_000, 50_000])
def test_a_search_predicts_at_most_two_pools(counted, m):
    """Labels aside, which are at most predicted once by each fit."""
    X, y = sample_of(300, m)
    search = search_of(LabeledKFold(5, random_state=0)).fit(X, y)
    assert counted["predicted"] <= 2 * m + 30 * 300
    assert search.best_estimator_.n_unlabeled_ == m


def test_the_old_way_predicts_the_pool_for_every_fit(counted):
    X, y = sample_of(300, 20_000)
    search_of(LabeledKFold(5, pool_size=None, random_state=0)).fit(X, y)
    assert counted["predicted"] > 25 * 20_000


def test_cross_validation_predicts_a_sample_for_each_fold(counted):
    X, y = sample_of(300, 20_000)
    model = RectifiedMeanEstimator(Counting(), random_state=0)
    cross_val_score(model, X, y, cv=LabeledKFold(5, random_state=0))
    assert counted["predicted"] <= 5 * 600 + 5 * 300


def test_a_halving_search_predicts_at_most_two_pools(counted):
    X, y = sample_of(600, 40_000)
    search = search_of(
        LabeledKFold(5, random_state=0), HalvingGridSearchCV, min_resources=10_000, random_state=0
    ).fit(X, y)
    assert counted["predicted"] <= 2 * 40_000
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.n_unlabeled_ == 40_000


# Folds


def folds_of(n, m, groups=None, **settings):
    X, y = sample_of(n, m)
    return y, list(LabeledKFold(random_state=0, **settings).split(X, y, groups))


@pytest.mark.parametrize(
    ("settings", "n", "m", "held"),
    [
        ({}, 300, 20_000, 600),
        ({}, 1_000, 20_000, 1_600),
        ({"pool_size": 900}, 300, 20_000, 900),
        ({"pool_size": np.int64(2)}, 300, 20_000, 2),
        ({"pool_size": None}, 300, 20_000, 16_000),
        ({}, 300, 2_995, 2_396),
        ({}, 300, 3_000, 600),
        ({"pool_size": 4_001}, 300, 20_000, 16_000),
    ],
)
def test_how_much_of_the_pool_training_folds_hold(settings, n, m, held):
    y, folds = folds_of(n, m, **settings)
    for train, test in folds:
        assert np.isnan(y[train]).sum() == held
        assert np.isfinite(y[train]).sum() == 0.8 * n
        assert not len(np.intersect1d(train, test))
    tests = np.concatenate([test for _, test in folds])
    np.testing.assert_array_equal(np.sort(tests), np.arange(n + m))


def test_samples_of_folds_have_no_row_in_common():
    y, folds = folds_of(100, 20_000)
    rows = np.concatenate([train[np.isnan(y[train])] for train, _ in folds])
    assert len(np.unique(rows)) == len(rows) == 5 * 600


def test_the_same_seed_gives_the_same_folds_and_any_sample_the_same_test_rows():
    first, again, whole = (folds_of(100, 5_000, **one)[1] for one in ({}, {}, {"pool_size": None}))
    for one, other, old in zip(first, again, whole, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], old[1])
        assert set(one[0]) < set(old[0])


def test_groups_are_sampled_whole():
    groups = np.array([f"house {row // 3}" for row in range(30_300)])
    y, folds = folds_of(300, 30_000, groups)
    for train, test in folds:
        pool = train[np.isnan(y[train])]
        assert len(np.unique(groups[pool])) == 600
        rest = np.setdiff1d(np.flatnonzero(np.isnan(y)), np.concatenate([pool, test]))
        assert not len(np.intersect1d(groups[pool], groups[rest]))


def test_metadata_routing_hands_groups_to_the_folds():
    X, y = sample_of(300, 30_000)
    model, asked = RectifiedMeanEstimator(Ridge(), random_state=0), []

    class Folds(LabeledKFold):
        def split(self, X, y, groups=None):
            asked.append(groups)
            return super().split(X, y, groups)

    with config_context(enable_metadata_routing=True):
        model.set_fit_request(groups=True)
        params = {"groups": np.arange(len(y)) // 3}
        cross_val_score(model, X, y, cv=Folds(2, random_state=0), params=params)
    assert asked[0] is not None


@pytest.mark.parametrize("size", [1.5, "all", True])
def test_a_size_that_is_no_whole_number_is_refused(size):
    with pytest.raises(TypeError, match=r'pool_size is .*; expected a whole number, .*"auto" or None'):
        LabeledKFold(pool_size=size)


def test_a_size_that_has_no_variance_is_refused():
    with pytest.raises(ValueError, match="pool_size=1; expected at least 2 rows"):
        folds_of(10, 10, pool_size=1)


# Scores


def with_labels_of(X, y, kind):
    """Labels that the estimand can have."""
    if kind == "logistic":
        return np.where(np.isnan(y), np.nan, y > 0)
    if kind == "poisson":
        return np.floor(np.exp(0.5 * y))
    return np.column_stack([y, 0.5 * y + X[:, 0] ** 2]) if kind == "means" else y


MODELS = {
    "mean": (RectifiedMeanEstimator, {}),
    "means": (RectifiedMeanEstimator, {}),
    "no recycling": (RectifiedMeanEstimator, {"recycle": False}),
    "plain": (RectifiedMeanEstimator, {"power_tuning": False}),
    "cross-fitting": (RectifiedMeanEstimator, {"cv": 3}),
    "judges": (RectifiedMeanEstimator, {"judges": [0, 1]}),
    "this population": (RectifiedMeanEstimator, {"finite_population": True, "cv": 3}),
    "difference": (RectifiedDifference, {"group": 3}),
    "median": (RectifiedQuantile, {}),
    "quantiles": (RectifiedQuantile, {"q": [0.2, 0.7]}),
    "judges of a median": (RectifiedQuantile, {"judges": [0, 1]}),
    "linear": (RectifiedLinearRegression, {"covariates": [0, 2]}),
    "one lambda": (RectifiedLinearRegression, {"covariates": [0, 2], "power_tuning": "overall"}),
    "one coefficient": (RectifiedLinearRegression, {"covariates": [0, 2], "coefficient": 1}),
    "logistic": (RectifiedLogisticRegression, {"covariates": [0, 2]}),
    "poisson": (RectifiedPoissonRegression, {"covariates": [0, 2]}),
}
# Scores of which more than the pool's size differs: weights of judges in other proportions, quantiles at another place.
ROUGH = {"judges": 0.05, "median": 0.15, "quantiles": 0.15, "judges of a median": 0.15}
kinds = pytest.mark.parametrize("kind", MODELS)


def model_of(kind):
    make, settings = MODELS[kind]
    return make(Ridge(), random_state=0, **settings)


def scores_of_a_sample(kind, fit=None, copies=20, n=150, m=600):
    """Of a fit to a pool that is there many times over, and of one to a single copy, on rows with as many as the first has to a label."""
    X, y = sample_of(n, m)
    rows = np.concatenate([np.arange(n), np.tile(np.arange(n, n + m), copies)])
    other, labels = sample_of(90, 90 * copies * m // n, seed=1)
    y, labels = (with_labels_of(*data, kind) for data in ((X, y), (other, labels)))
    told = {name: values[rows] for name, values in (fit or {}).items()}
    whole = model_of(kind).fit(X[rows], y[rows], **told)
    part = model_of(kind).fit(X, y, **(fit or {}))
    return whole.score(other[:90], labels[:90]), part.score(other, labels), part


@kinds
def test_the_score_is_that_of_the_pool_which_other_rows_tell_of(kind):
    """To what one row less says of the variance in a pool of 600."""
    whole, part, model = scores_of_a_sample(kind)
    assert part == pytest.approx(whole, rel=ROUGH.get(kind, 1 / 500))
    if kind != "this population":  # which leaves no more error to a small pool
        other, labels = sample_of(90, 0, seed=1)
        without = model.score(other, with_labels_of(other, labels, kind))
        assert without < 0.99 * part


def test_the_score_under_weights_is_that_of_the_pool_which_other_rows_tell_of():
    weights = np.random.default_rng(2).uniform(1, 3, size=750)
    whole, part, _ = scores_of_a_sample("mean", {"sample_weight": weights})
    assert part == pytest.approx(whole, rel=1 / 500)


@pytest.mark.parametrize("told", ["strata", "labeling_probability"])
@pytest.mark.parametrize("cv", [None, 3])
def test_the_score_where_labels_were_drawn_by_stratum_is_nearly_that_of_the_whole_pool(told, cv):
    """A stratum's share of labels is larger in a sample of the pool, so that it is not the same."""
    X, y = sample_of(400, 20_000)
    part_of = {"strata": X[:, 3], "labeling_probability": np.full(len(y), 400 / 20_400)}[told]
    model = RectifiedMeanEstimator(Ridge(), cv=cv, random_state=0)
    scores = [
        cross_val_score(model, X, y, cv=LabeledKFold(5, pool_size=size, random_state=0), params=params)
        for size in ("auto", None)
        for params in [{told: part_of}]
    ]
    assert np.mean(scores[0]) == pytest.approx(np.mean(scores[1]), rel=0.02)


@kinds
def test_a_search_scores_as_with_the_whole_pool(kind):
    X, y = sample_of(200, 10_000)
    y = with_labels_of(X, y, kind)
    scores = [
        cross_val_score(model_of(kind), X, y, cv=LabeledKFold(3, pool_size=size, random_state=0))
        for size in ("auto", None)
    ]
    assert np.mean(scores[0]) == pytest.approx(np.mean(scores[1]), rel=ROUGH.get(kind, 0.02))


def test_unlabeled_rows_of_a_pool_like_that_of_the_fit_change_nothing():
    X, y = sample_of(150, 600)
    model = RectifiedMeanEstimator(Ridge(), random_state=0).fit(X, y)
    other, labels = sample_of(90, 700, seed=1)
    assert model.score(X, y) == model.score(X[:150], y[:150])
    assert model.score(other, labels) == model.score(other[:90], labels[:90])


def test_a_fit_without_any_pool_is_scored_as_it_is():
    X, y = sample_of(150, 600)
    model = RectifiedMeanEstimator(Ridge(), random_state=0).fit(X[:150], y[:150])
    assert model.score(X, y) == model.score(X[:150], y[:150])


def test_a_larger_pool_leaves_the_fit_as_it_is():
    *_, model = scores_of_a_sample("mean")
    before = model.lambda_, model.standard_error_, model.result_.pool_covariance.copy()
    other, labels = sample_of(90, 10_000, seed=1)
    model.score(other, labels)
    assert (model.lambda_, model.standard_error_) == before[:2]
    np.testing.assert_array_equal(model.result_.pool_covariance, before[2])
