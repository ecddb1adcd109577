"""`train_weights`: the weights of a sampling design in the training of the predictor."""

from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, StackingRegressor, VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ftr import (
    PredictionCorrector,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedMeanEstimator,
    RectifiedPoissonRegression,
    RectifiedQuantile,
)
from sklearn_ftr.estimators._labels import check_partial_labels
from sklearn_ftr.estimators._pilot import Pilot
from sklearn_ftr.estimators._sampling import with_sampling
from sklearn_ftr.estimators._training_weights import takes_weights

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_ftr.PredictionShiftWarning")
EVERY = [
    RectifiedMeanEstimator,
    RectifiedQuantile,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedPoissonRegression,
]
WAYS = [{"cv": 3}, {"split_ratio": 0.5}]
every = pytest.mark.parametrize("kind", EVERY)
ways = pytest.mark.parametrize("way", WAYS, ids=["cv", "split"])


class Spy(RegressorMixin, BaseEstimator):
    """Keeps the numbers of the rows (the last column of X) that it was trained on, and their weights."""

    seen: ClassVar[list] = []

    def fit(self, X, y, sample_weight=None):
        Spy.seen.append((X[:, -1].astype(int), sample_weight))
        self.mean_ = np.mean(y)
        return self

    def predict(self, X):
        return self.mean_ + 0.1 * X[:, 1]


@pytest.fixture
def sample():
    """X with a column of groups and, last, numbers of rows; counts; half of them labeled; columns of a design."""
    rng = np.random.default_rng(0)
    n = 120
    X = np.column_stack([np.arange(n) % 2, rng.normal(size=(n, 2)), np.arange(n)])
    y = np.where(rng.permutation(n) < 60, rng.integers(0, 2, n).astype(float), np.nan)
    told = {
        "sample_weight": rng.uniform(0.5, 4, n),
        "labeling_probability": rng.uniform(0.1, 0.9, n),
        "strata": rng.integers(0, 2, n // 2)[np.arange(n) // 2],
        "groups": np.arange(n) // 2,
    }
    return X, y, told


def spied(kind, sample, names, train_weights, **parameters):
    """What the predictor was trained on."""
    X, y, told = sample
    if "covariates" in kind().get_params():
        parameters = {"covariates": [1], **parameters}
    Spy.seen = []
    model = kind(Spy(), train_weights=train_weights, random_state=0, **parameters)
    model.fit(X, y, **{name: told[name] for name in names})
    return Spy.seen


@ways
@every
@pytest.mark.parametrize("train_weights", ["auto", True, 1])
def test_weights_over_probabilities_reach_the_model(kind, way, train_weights, sample):
    told = sample[2]
    seen = spied(kind, sample, ["sample_weight", "labeling_probability"], train_weights, **way)
    assert len(seen) == way.get("cv", 1)
    for rows, weights in seen:
        expected = told["sample_weight"][rows] / told["labeling_probability"][rows]
        np.testing.assert_allclose(weights, expected / expected.mean(), rtol=1e-12)


@ways
@every
def test_the_same_rows_train_with_weights_and_without(kind, way, sample):
    told, plain = (
        spied(kind, sample, ["sample_weight", "groups", "strata"], weigh, **way)
        for weigh in (True, False)
    )
    for (rows, weights), (others, nothing) in zip(told, plain, strict=True):
        np.testing.assert_array_equal(rows, others)
        assert nothing is None
        assert weights is not None


def test_without_weights_and_by_default_nothing_is_weighed(sample):
    for names, weigh in (([], True), (["groups"], True), (["groups"], "auto")):
        assert all(one is None for _, one in spied(RectifiedMeanEstimator, sample, names, weigh))
    assert RectifiedMeanEstimator().train_weights is False
    X, y, told = sample
    models = [
        RectifiedMeanEstimator(Ridge(), random_state=0, **one) for one in ({}, {"train_weights": False})
    ]
    told = {"sample_weight": told["sample_weight"]}
    assert models[0].fit(X, y, **told).mean_ == models[1].fit(X, y, **told).mean_


def test_strata_count_by_their_shares_of_labels(sample):
    _, y, told = sample
    (rows, weights), *_ = spied(RectifiedMeanEstimator, sample, ["strata"], True, cv=3)
    share = np.array([np.isfinite(y[told["strata"] == s]).mean() for s in (0, 1)])
    expected = 1 / share[told["strata"][rows]]
    np.testing.assert_allclose(weights, expected / expected.mean(), rtol=1e-12)
    # Rows without a weight are not there, and do not train.
    told["sample_weight"] = np.where(np.arange(len(y)) % 5 == 0, 0.0, 1.0)
    counted = told["sample_weight"] > 0
    share = [np.isfinite(y[counted & (told["strata"] == s)]).mean() for s in (0, 1)]
    for rows, weights in spied(RectifiedMeanEstimator, sample, ["strata", "sample_weight"], True, cv=3):
        expected = counted[rows] / np.array(share)[told["strata"][rows]]
        np.testing.assert_allclose(weights, expected / expected.mean(), rtol=1e-12)


def test_rows_that_train_without_any_weight_all_count_alike(sample):
    X, y, _ = sample
    always = np.isfinite(y) & (np.cumsum(np.isfinite(y)) <= 20)
    Spy.seen = []
    model = RectifiedMeanEstimator(Spy(), train_weights=True, split_ratio=20, random_state=0)
    model.fit(X, y, sample_weight=np.where(always, 0.0, 1.0 + X[:, 0]), finetune_rows=always)
    np.testing.assert_array_equal(Spy.seen[0][1], np.ones(20))


def test_probabilities_that_are_missing_are_an_error_of_their_own(sample):
    X, y, told = sample
    chance = told["labeling_probability"].copy()
    chance[np.flatnonzero(np.isfinite(y))[0]] = np.nan
    with pytest.raises(ValueError, match="labeling_probability is NaN for 1 labeled rows"):
        RectifiedMeanEstimator(Ridge(), train_weights=True, cv=3).fit(X, y, labeling_probability=chance)


@every
@pytest.mark.parametrize("factor", [1e-300, 1e-3, 1e300])
def test_scale_does_not_matter(kind, factor, sample):
    X, y, told = sample
    names = ["sample_weight", "labeling_probability"]
    plain = spied(kind, sample, names, True, cv=3)
    scaled = spied(
        kind, (X, y, {**told, "sample_weight": factor * told["sample_weight"]}), names, True, cv=3
    )
    for (_, one), (_, other) in zip(plain, scaled, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


@pytest.mark.parametrize(
    "kind", [RectifiedLinearRegression, RectifiedLogisticRegression, RectifiedPoissonRegression]
)
@ways
def test_a_product_with_the_weights_of_influence(kind, way, sample):
    names = ["sample_weight"]
    both = spied(kind, sample, names, True, finetune_weights=True, coefficient=0, **way)
    influence = spied(kind, sample, names, False, finetune_weights=True, coefficient=0, **way)
    for (rows, product), (_, weights) in zip(both, influence, strict=True):
        expected = weights * sample[2]["sample_weight"][rows]
        np.testing.assert_allclose(product, expected / expected.mean(), rtol=1e-12)


@every
def test_the_learning_curve_weighs_alike(kind, sample):
    X, y, told = sample
    options = {"covariates": [1]} if "covariates" in kind().get_params() else {}
    rectified = kind(Spy(), train_weights=True, **options)
    labels = with_sampling(check_partial_labels(X, y, "this"), sample_weight=told["sample_weight"])
    bound = rectified._bind(X, labels)
    Spy.seen = []
    Pilot("power", 3.0, 10, None, np.random.RandomState(0)).foresee(rectified, X, bound, (5,), 0)
    assert len(Spy.seen) > 4
    for rows, weights in Spy.seen:
        expected = told["sample_weight"][rows]
        np.testing.assert_allclose(weights, expected / expected.mean(), rtol=1e-12)


# Models


MODELS = {
    "ridge": (Ridge(), True),
    "default": (None, True),
    "pipeline": (make_pipeline(StandardScaler(), Ridge()), True),
    "search": (GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {}, cv=2), True),
    "target": (TransformedTargetRegressor(Ridge()), True),
    "correction": (PredictionCorrector(Ridge(), column=1), True),
    "bagging": (BaggingRegressor(Ridge(), 3), True),
    "votes": (VotingRegressor([("a", Ridge()), ("b", Ridge(10))]), True),
    "stack": (StackingRegressor([("a", Ridge()), ("b", Ridge(10))]), True),
    "neighbors": (KNeighborsRegressor(3), False),
    "pipeline of neighbors": (make_pipeline(StandardScaler(), KNeighborsRegressor(3)), False),
    "search of neighbors": (GridSearchCV(KNeighborsRegressor(3), {}, cv=2), False),
    "correction by neighbors": (PredictionCorrector(KNeighborsRegressor(3), column=1), False),
    "bagging of neighbors": (BaggingRegressor(KNeighborsRegressor(3), 3), False),
    "votes with neighbors": (VotingRegressor([("a", Ridge()), ("b", KNeighborsRegressor(3))]), False),
    "votes of pipelines": (VotingRegressor([("a", make_pipeline(StandardScaler(), Ridge()))]), False),
    "stack of neighbors": (StackingRegressor([("b", KNeighborsRegressor(3))]), False),
}


@pytest.mark.parametrize("name", MODELS)
def test_auto_weighs_what_can_be_weighed(name, sample):
    X, y, told = sample
    model, can = MODELS[name]
    plain, auto = (
        RectifiedMeanEstimator(model, train_weights=weigh, cv=3, random_state=0).fit(
            X, y, sample_weight=told["sample_weight"]
        )
        for weigh in (False, "auto")
    )
    assert (plain.mean_ != auto.mean_) == can
    if model is not None:
        assert takes_weights(model) == can


# Bagging resamples by weights in new versions of scikit-learn.
@pytest.mark.parametrize(
    "name",
    [
        name
        for name, (_, can) in MODELS.items()
        if not can and "neighbors" in name and "bagging" not in name
    ],
)
@ways
def test_true_refuses_what_cannot_be_weighed(name, way, sample):
    X, y, told = sample
    model = RectifiedMeanEstimator(MODELS[name][0], train_weights=True, **way)
    message = 'KNeighborsRegressor.fit has no parameter sample_weight.* Set train_weights to False, or to "auto"'
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, sample_weight=told["sample_weight"])
    model.fit(X, y)  # there is nothing that could get lost


def test_a_frozen_model_is_not_trained_and_needs_no_weights(sample):
    X, y, told = sample
    frozen = FrozenEstimator(KNeighborsRegressor(3).fit(X, X[:, 1]))
    models = [RectifiedMeanEstimator(frozen, train_weights=weigh) for weigh in (True, False)]
    assert len({model.fit(X, y, sample_weight=told["sample_weight"]).mean_ for model in models}) == 1


def test_a_model_with_fit_parameters_of_any_name(sample):
    """True hands weights on; "auto" does not guess."""

    class Anything(LinearRegression):
        def fit(self, X, y, **told):
            assert set(told) <= {"sample_weight"}
            self.told_ = told
            return super().fit(X, y, **told)

    X, y, told = sample
    for weigh in (True, "auto"):
        model = RectifiedMeanEstimator(Anything(), train_weights=weigh, random_state=0)
        model.fit(X, y, sample_weight=told["sample_weight"])
        assert bool(model.estimator_.told_) == (weigh is True)


class Own(Spy):
    """Has a parameter `estimators` that is nothing that scikit-learn knows."""

    def __init__(self, estimators=3):
        self.estimators = estimators


@pytest.mark.parametrize("estimators", [3, ["a", 2], [Ridge()], {"a": Ridge()}, None], ids=str)
def test_a_parameter_of_that_name_that_holds_no_members(estimators):
    assert takes_weights(Own(estimators))


def test_networks(sample):
    pytest.importorskip("skorch")
    from sklearn_ftr import VarianceRegressor

    X, y, told = sample
    X = X[:, :3].astype(np.float32)
    network = VarianceRegressor(max_epochs=2, random_state=0)
    for model in (network, make_pipeline(StandardScaler(), network)):
        assert takes_weights(model)
        means = [
            RectifiedMeanEstimator(model, train_weights=weigh, split_ratio=0.5, random_state=0)
            .fit(X, y, sample_weight=told["sample_weight"])
            .mean_
            for weigh in (False, "auto", True)
        ]
        assert means[0] != means[1] == means[2]


@every
def test_a_parameter_like_others(kind, sample):
    model = kind(train_weights="auto")
    assert clone(model).get_params()["train_weights"] == "auto"
    model.set_params(train_weights="always")
    with pytest.raises(ValueError, match="train_weights"):
        model.fit(*sample[:2])
