"""Trainings of folds that the learning curve has made are not made again, and no number changes."""

from typing import ClassVar

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedMeanEstimator,
    RectifiedQuantile,
)


class Counting(Ridge):
    """Counts trainings, by rows."""

    sizes: ClassVar[list[int]] = []

    def fit(self, X, y, sample_weight=None):
        Counting.sizes.append(len(y))
        return super().fit(X, y, sample_weight)


class Unseeded(RegressorMixin, BaseEstimator):
    """Draws from numpy's own state, which nobody seeds."""

    def fit(self, X, y):
        noise = np.random.standard_normal(X.shape)  # noqa: NPY002
        self.model_ = Ridge().fit(X + 0.1 * noise, y)
        return self

    def predict(self, X):
        return self.model_.predict(X)


def sample(n=120, rows=600, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 4))
    X[:, 3] = rng.random(rows) < 0.5
    y = X[:, :3].sum(axis=1) + rng.normal(size=rows)
    labeled = rng.permutation(rows) < n
    return X, np.where(labeled, y, np.nan), rng


def allocated(estimator, X, y, **options):
    fit = {name: options.pop(name) for name in ("groups", "strata", "sample_weight") if name in options}
    allocator = FineTuneRectifyAllocator(
        estimator, strategy="cross-fitting", random_state=0, n_bootstrap=5, **options
    )
    return allocator.fit(X, y, **fit), fit


def assert_the_same(model, X, y, told):
    """As if the chosen estimator had been fitted by itself."""
    again = clone(model.best_estimator_).fit(X, y, **told)
    for name in ("estimate", "standard_error"):
        one, other = (getattr(each.result_, name) for each in (model.best_estimator_, again))
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(model.predict(X), again.predict(X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("folds", "reused"), [((2, 5, 10), 2), ((2,), 2), ((3,), 2), ((4,), 2)])
def test_trainings_of_the_curve_are_reused(folds, reused):
    X, y, _ = sample()
    Counting.sizes = []
    model, told = allocated(RectifiedMeanEstimator(Counting()), X, y, folds=folds)
    n_folds = model.best_option_.n_folds
    pilot = round(model.learning_curve_.trainings.sum())
    assert len(Counting.sizes) == pilot + n_folds - reused
    assert model.learning_curve_.cost <= 3
    assert_the_same(model, X, y, told)


def test_another_choice_than_the_folds_trains_what_it_needs():
    X, y, _ = sample()
    Counting.sizes = []
    model = FineTuneRectifyAllocator(
        RectifiedMeanEstimator(Counting()), strategy="split", random_state=0, n_bootstrap=5
    ).fit(X, y)
    assert len(Counting.sizes) == model.learning_curve_.trainings.sum() + 1


@pytest.mark.parametrize(
    "estimator",
    [
        RectifiedMeanEstimator(),
        RectifiedMeanEstimator(RandomForestRegressor(3)),
        RectifiedMeanEstimator(Ridge(), pool_prediction="split"),
        RectifiedMeanEstimator(Ridge(), random_state=np.random.RandomState(3)),
        RectifiedQuantile(Ridge()),
        RectifiedDifference(Ridge(), group=3),
        RectifiedLinearRegression(Ridge(), covariates=[1, 2]),
    ],
    ids=["default", "forest", "parts", "state", "median", "difference", "regression"],
)
def test_reuse_changes_no_number(estimator):
    X, y, _ = sample()
    model, told = allocated(estimator, X, y)
    if isinstance(estimator.random_state, np.random.RandomState):
        assert np.isfinite(model.standard_error_)  # the state has moved on: no two fits are the same
    else:
        assert_the_same(model, X, y, told)


def test_reuse_in_parallel():
    X, y, _ = sample()
    with parallel_config(backend="threading"):
        model, told = allocated(RectifiedMeanEstimator(Ridge(), n_jobs=2), X, y, n_jobs=2)
        assert_the_same(model, X, y, told)


def test_reuse_under_designs_with_weights_in_training():
    X, y, rng = sample(200, 900)
    groups = np.repeat(np.arange(300), 3)
    y = np.where(np.repeat(rng.random(300) < 0.5, 3), np.nan_to_num(y), np.nan)
    told = {"groups": groups, "strata": groups % 2, "sample_weight": 1 + rng.random(900)}
    model, told = allocated(RectifiedMeanEstimator(Ridge(), train_weights=True), X, y, **told)
    assert model.best_option_.n_folds == 5
    assert_the_same(model, X, y, told)


def test_reuse_of_classifiers_and_several_outputs():
    X, y, _ = sample(200)
    binary = np.where(np.isnan(y), np.nan, y > 0)
    assert_the_same(*_and_sample(RectifiedMeanEstimator(LogisticRegression()), X, binary))
    assert_the_same(*_and_sample(RectifiedMeanEstimator(Ridge()), X, np.column_stack([y, -2 * y])))


def _and_sample(estimator, X, y):
    model, told = allocated(estimator, X, y)
    return model, X, y, told


def test_models_that_nobody_can_seed_are_reused_as_they_are():
    X, y, _ = sample()
    model, _ = allocated(RectifiedMeanEstimator(Unseeded()), X, y)
    assert model.result_.standard_error > 0
    n_models = len({id(one) for one in model.best_estimator_.estimators_})
    assert n_models == model.best_option_.n_folds >= 2  # 2 folds may look better than 5 by chance
