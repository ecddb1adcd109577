"""`out_of_sample_`: the labels of a fit beside predictions of models that have not seen them."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedMeanEstimator,
    RectifiedPoissonRegression,
    RectifiedQuantile,
)

N = 120


class Memory(RegressorMixin, BaseEstimator):
    """Predicts 1 for rows that it has trained on, and 0 for others."""

    def fit(self, X, y):
        self.seen_ = set(np.asarray(X)[:, 0].tolist())
        return self

    def predict(self, X):
        return np.array([float(x in self.seen_) for x in np.asarray(X)[:, 0].tolist()])


def test_cross_fitting_predicts_each_label_by_the_model_that_has_not_seen_it(population):
    X, y = population
    known = RectifiedMeanEstimator(Memory(), cv=5, random_state=0).fit(X, y).out_of_sample_
    assert_array_equal(known.rows, np.arange(N))
    assert_array_equal(known.y, y[:N])
    assert not known.prediction.any()


def test_folds_of_cross_fitting_are_put_back_in_their_rows(population):
    X, y = population
    order = np.random.default_rng(1).permutation(len(y))
    X, y = X[order], y[order]
    labeled = np.flatnonzero(~np.isnan(y))
    folds = list(KFold(4, shuffle=True, random_state=0).split(labeled))
    model = RectifiedMeanEstimator(LinearRegression(), cv=folds).fit(X, y)
    known = model.out_of_sample_
    assert_array_equal(known.rows, labeled)
    for (train, test), fitted in zip(folds, model.estimators_, strict=True):
        assert_allclose(known.prediction[test], fitted.predict(X[labeled[test]]))
        own = LinearRegression().fit(X[labeled[train]], y[labeled[train]])
        assert_allclose(known.prediction[test], own.predict(X[labeled[test]]))


def test_of_a_split_rows_that_trained_have_no_prediction(population):
    X, y = population
    model = RectifiedMeanEstimator(Memory(), split_ratio=0.3, random_state=0).fit(X, y)
    known, trained = model.out_of_sample_, model.finetune_rows_[:N]
    assert trained.sum() == 36
    assert_array_equal(np.isnan(known.prediction), trained)
    assert not known.prediction[~trained].any()
    assert_array_equal(np.isnan(known.residual), trained)


@pytest.mark.parametrize("frozen", [True, False])
def test_zero_shot_predicts_all(population, frozen):
    X, y = population
    inner = LinearRegression().fit(X[:20], y[:20])
    y = np.where(np.arange(len(y)) < 20, np.nan, y)
    model = RectifiedMeanEstimator(FrozenEstimator(inner), split_ratio=0.2 if frozen else 0)
    known = model.fit(X, y).out_of_sample_
    assert_array_equal(known.rows, np.arange(20, N))
    assert_allclose(known.prediction, inner.predict(X[20:N]))
    assert_allclose(known.residual, y[20:N] - known.prediction)


def test_the_rectifier_is_their_mean(population):
    X, y = population
    model = RectifiedMeanEstimator(cv=5, power_tuning=False, random_state=0).fit(X, y)
    assert_allclose(model.out_of_sample_.residual.mean(), model.rectifier_)


def test_several_outputs(population):
    X, y = population
    Y = np.c_[y, 2 * y + X[:, 0]]
    known = RectifiedMeanEstimator(cv=5, random_state=0).fit(X, Y).out_of_sample_
    one = RectifiedMeanEstimator(cv=5, random_state=0).fit(X, y).out_of_sample_
    assert known.prediction.shape == known.y.shape == (N, 2)
    assert np.corrcoef(known.prediction[:, 0], one.prediction)[0, 1] > 0.99
    frame = known.to_frame()
    assert list(frame) == ["y 0", "y 1", "prediction 0", "prediction 1", "residual 0", "residual 1"]


def test_judges_leave_it_that_of_the_trained_predictor(population):
    X, y = population
    model = RectifiedMeanEstimator(cv=5, random_state=0)
    alone = model.fit(X, y).out_of_sample_
    beside = clone(model).set_params(judges=[0]).fit(X, y).out_of_sample_
    assert_array_equal(beside.prediction, alone.prediction)


@pytest.mark.parametrize(
    "model",
    [
        RectifiedQuantile(q=[0.2, 0.5]),
        RectifiedDifference(group=4),
        RectifiedLinearRegression(covariates=[1]),
        RectifiedLogisticRegression(covariates=[1]),
        RectifiedPoissonRegression(covariates=[1]),
        FineTuneRectifyAllocator(RectifiedMeanEstimator()),
    ],
    ids=lambda model: type(model).__name__,
)
def test_every_estimator_has_them_in_units_of_y(population, model):
    X, y = population
    X = np.c_[X, X[:, 0] > 0]
    if "Logistic" in type(model).__name__:
        y = np.where(np.isnan(y), y, np.where(y > 3, 7.0, 5.0))
    if "Poisson" in type(model).__name__:
        y = np.round(np.exp(y / 2))
    model.set_params(random_state=0)
    if "Allocator" not in type(model).__name__:
        model.set_params(cv=3)
    known = model.fit(X, y).out_of_sample_
    assert_array_equal(known.y, y[:N])
    held = ~np.isnan(known.prediction)
    assert np.corrcoef(known.prediction[held], known.y[held])[0, 1] > 0.5
    assert abs(np.nanmean(known.residual)) < 0.5 * np.std(known.y)


def test_as_a_table(population):
    X, y = population
    frame = RectifiedMeanEstimator(cv=5, random_state=0).fit(X, y).out_of_sample_.to_frame()
    assert list(frame) == ["y", "prediction", "residual"]
    assert frame.index.name == "row"
    assert_allclose(frame["residual"], frame["y"] - frame["prediction"])


def test_a_frame_in_another_order_has_positions_of_rows(population):
    X, y = population
    order = np.random.default_rng(2).permutation(len(y))
    X, y = pd.DataFrame(X[order], index=order), pd.Series(y[order], index=order)
    known = RectifiedMeanEstimator(cv=5, random_state=0).fit(X, y).out_of_sample_
    assert_array_equal(known.y, y.to_numpy()[known.rows])


def test_weights_are_those_of_rows_over_the_probability_of_a_label(population, rng):
    X, y = population
    w, pi = rng.uniform(1, 3, len(y)), rng.uniform(0.1, 1, len(y))
    model, folds = RectifiedMeanEstimator(cv=5, random_state=0), rng.integers(0, 200, len(y))
    assert model.fit(X, y).out_of_sample_.sample_weight is None
    both = model.fit(X, y, sample_weight=w, labeling_probability=pi, groups=folds).out_of_sample_
    assert_allclose(both.sample_weight, w[:N] / pi[:N])
    labels_only = np.average(both.y, weights=both.sample_weight)
    assert_allclose(labels_only, model.result_.labels_only.estimate)
    same = both.groups[:, None] == both.groups
    assert_array_equal(same, folds[:N, None] == folds[:N])


@pytest.mark.parametrize("weighted", [True, False])
def test_labels_of_strata_stand_for_their_shares(population, rng, weighted):
    X, y = population
    strata = np.where(rng.uniform(size=len(y)) < np.where(np.arange(len(y)) < N, 0.7, 0.2), "a", "b")
    told = {"strata": strata}
    if weighted:
        told["sample_weight"] = np.where(np.arange(len(y)) % 10 == 0, 0.0, rng.uniform(1, 2, len(y)))
    model = RectifiedMeanEstimator(cv=5, random_state=0).fit(X, y, **told)
    known = model.out_of_sample_
    mean = np.average(known.y, weights=known.sample_weight)
    assert_allclose(mean, model.result_.labels_only.estimate)


def test_rows_in_collections_of_dask(population):
    dask = pytest.importorskip("dask.array")
    X, y = population
    order = np.random.default_rng(3).permutation(len(y))
    X, y = X[order], y[order]
    w = np.random.default_rng(4).uniform(1, 2, len(y))
    model = RectifiedMeanEstimator(LinearRegression(), cv=5, random_state=0)
    there = model.fit(
        *(dask.from_array(one, chunks=300) for one in (X, y)),
        sample_weight=dask.from_array(w, chunks=300),
    ).out_of_sample_
    assert_array_equal(there.rows, np.arange(N))
    here = np.flatnonzero(~np.isnan(y))
    assert_array_equal(there.y, y[here])
    assert_allclose(there.sample_weight, w[here])
    assert np.isfinite(there.prediction).all()


def test_it_holds_labeled_rows_only(population):
    X, y = population
    few, many = (
        RectifiedMeanEstimator(LinearRegression(), cv=5, random_state=0)
        .fit(np.tile(X, (times, 1)), np.r_[y, np.full((times - 1) * len(y), np.nan)])
        .out_of_sample_
        for times in (1, 20)
    )
    assert len(pickle.dumps(few)) == len(pickle.dumps(many)) < 5_000


def test_a_pickled_fit_has_the_same(population):
    model = RectifiedMeanEstimator(cv=5, random_state=0).fit(*population)
    again = pickle.loads(pickle.dumps(model)).out_of_sample_
    assert_array_equal(again.prediction, model.out_of_sample_.prediction)
