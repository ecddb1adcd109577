"""Models, transformers and callables that alter what they are given: the user's X and y stay as they were."""

import copy
from contextlib import nullcontext

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    PredictionCorrector,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedMeanEstimator,
    RectifiedQuantile,
)


def doubled(X):
    """Doubles X itself, as a model must not."""
    if hasattr(X, "columns"):
        for name in X.columns:
            X[name] *= 2
    elif isinstance(X, list):
        for row in X:
            row[:] = [2 * value for value in row]
    elif hasattr(X, "tocsr"):
        X.data *= 2
    else:
        X *= 2
    return X


class Altering(RegressorMixin, BaseEstimator):
    """Alters X and y in `fit`, X in `predict` and in `initialize`; right in spite of it."""

    def initialize(self, X, y):
        y *= 3
        self.model_ = LinearRegression().fit(doubled(X), np.zeros(len(y)))
        return self

    def fit(self, X, y, sample_weight=None):
        self.model_ = LinearRegression().fit(doubled(X), y.copy())
        y *= 3
        if sample_weight is not None:
            sample_weight *= 0
        return self

    def predict(self, X):
        return self.model_.predict(doubled(X))


class AlteringClassifier(ClassifierMixin, Altering):
    def fit(self, X, y):
        super().fit(X, y)
        self.classes_ = np.array([0.0, 1.0])
        return self

    def predict_proba(self, X):
        share = np.clip(super().predict(X), 0, 1)
        return np.column_stack([1 - share, share])


class Scaler(TransformerMixin, BaseEstimator):
    """Doubles X itself, in `fit` and in `transform`."""

    def fit(self, X, y=None):
        doubled(X)
        return self

    def transform(self, X):
        return doubled(X)


@pytest.fixture
def data(rng):
    """Labels first, so that all rows that anybody gets are adjacent: slices."""
    X = rng.normal(2, 3, size=(300, 3))
    return X, np.where(np.arange(300) < 60, X[:, 0] + rng.normal(size=300), np.nan)


CONTAINERS = {
    "C": np.array,
    "F": np.asfortranarray,
    "float32": lambda X: X.astype(np.float32),
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "frame": lambda X: pd.DataFrame(X, columns=list("abc")),
    "frame of columns": lambda X: pd.DataFrame(dict(zip("abc", X.T, strict=True))),
    "frame of objects": lambda X: pd.DataFrame(X, columns=list("abc"), dtype=object),
    "objects": lambda X: X.astype(object),
    "csr": sparse.csr_matrix,
    "csc": sparse.csc_array,
    "lists": lambda X: X.tolist(),
}


def as_array(X):
    if hasattr(X, "toarray"):
        return X.toarray()
    return np.array(X, dtype=float)


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
@pytest.mark.parametrize(
    "parameters", [{}, {"cv": 3}, {"split_ratio": 0}, {"cv": 3, "pool_prediction": "split"}], ids=str
)
def test_x_and_y_stay_as_they_are(container, parameters, data):
    X, y = container(data[0]), data[1].copy()
    before = as_array(X)
    model = RectifiedMeanEstimator(Altering(), random_state=0, **parameters).fit(X, y)
    model.predict(X)
    model.score(X, y)
    np.testing.assert_array_equal(as_array(X), before)
    np.testing.assert_array_equal(y, data[1])
    if model.n_finetune_:  # doubled rows or not, least squares predicts the same
        expected = RectifiedMeanEstimator(LinearRegression(), random_state=0, **parameters).fit(*data)
        assert model.mean_ == pytest.approx(expected.mean_, rel=1e-4)
        assert model.score(X, y) == pytest.approx(expected.score(*data), rel=1e-4)


@pytest.mark.parametrize("lazy", [True, False])
def test_frames_with_and_without_lazy_copies(lazy, data):
    """All rows are labeled: taking all rows of a frame is no copy where copies are lazy."""
    always_lazy = int(pd.__version__.split(".")[0]) >= 3
    if always_lazy and not lazy:
        pytest.skip("copies are always lazy")
    X, y = pd.DataFrame(data[0][:60], columns=list("abc")), data[1][:60]
    before = X.to_numpy().copy()
    with nullcontext() if always_lazy else pd.option_context("mode.copy_on_write", lazy):
        for estimator in (Altering(), make_pipeline(StandardScaler(copy=False), Ridge())):
            fitted = FrozenEstimator(estimator.fit(X.copy(), y.copy()))
            for model in (fitted, estimator):
                RectifiedMeanEstimator(model, cv=3).fit(X, y).predict(X)
    np.testing.assert_array_equal(X.to_numpy(), before)


@pytest.mark.parametrize("scaler", [StandardScaler(copy=False), MaxAbsScaler(copy=False)], ids=str)
def test_scaling_in_place_gives_the_answer_of_copies(scaler, data):
    X, y = data[0].copy(), data[1]
    by_copies = RectifiedMeanEstimator(
        make_pipeline(type(scaler)(), Ridge()), cv=3, random_state=0
    ).fit(X, y)
    in_place = RectifiedMeanEstimator(make_pipeline(scaler, Ridge()), cv=3, random_state=0).fit(X, y)
    assert in_place.result_.estimate == by_copies.result_.estimate
    assert in_place.standard_error_ == by_copies.standard_error_
    np.testing.assert_array_equal(X, data[0])


def test_frozen_models_and_classifiers(data):
    X, y = data[0].copy(), data[1].copy()
    frozen = FrozenEstimator(Altering().fit(X[:60].copy(), y[:60].copy()))
    RectifiedMeanEstimator(frozen).fit(X, y).predict(X)
    shares = np.where(np.isnan(y), y, y > 2)
    RectifiedMeanEstimator(AlteringClassifier(), cv=3, random_state=0).fit(X, shares).predict(X)
    np.testing.assert_array_equal(X, data[0])


@pytest.mark.grid(2)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_memory_maps_that_are_read_only(n_jobs, data, tmp_path):
    joblib.dump(np.tile(data[0], (600, 1)), tmp_path / "X")  # 4 MB: joblib maps it for its processes
    X = joblib.load(tmp_path / "X", mmap_mode="r")
    y = np.concatenate([data[1], np.full(len(X) - 300, np.nan)])
    scaling = make_pipeline(StandardScaler(copy=False), Ridge())
    model = RectifiedMeanEstimator(scaling, cv=2, n_jobs=n_jobs, random_state=0).fit(X, y)
    by_copies = make_pipeline(StandardScaler(), Ridge())
    expected = RectifiedMeanEstimator(by_copies, cv=2, random_state=0).fit(np.array(X), y)
    assert model.mean_ == expected.mean_
    model.predict(X)
    RectifiedLinearRegression(Altering(), covariates=StandardScaler(copy=False)).fit(X, y)


def test_learning_curve(data):
    X, y = data[0].copy(), data[1].copy()
    for estimator in (Altering(), PredictionCorrector(Altering())):
        FineTuneRectifyAllocator(RectifiedMeanEstimator(estimator), random_state=0).fit(X, y)
    RectifiedQuantile(Altering(), cv=3).fit(X, y)
    np.testing.assert_array_equal(X, data[0])
    np.testing.assert_array_equal(y, data[1])


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
@pytest.mark.parametrize(
    "part",
    [doubled, Scaler(), StandardScaler(copy=False, with_mean=False)],
    ids=["function", "own transformer", "scaler"],
)
def test_covariates(part, container, data):
    X, y = container(data[0]), data[1]
    before = as_array(X)
    model = RectifiedLinearRegression(Ridge(), covariates=part, random_state=0, cv=3).fit(X, y)
    model.predict(X)
    model.score(X, y)
    np.testing.assert_array_equal(as_array(X), before)
    if part is doubled:
        expected = RectifiedLinearRegression(Ridge(), covariates=[0, 1, 2], random_state=0, cv=3).fit(
            *data
        )
        np.testing.assert_allclose(2 * model.coef_, expected.coef_, rtol=1e-3)


def test_groups(data):
    X, y = data[0].copy(), data[1]
    X[:, 1] = np.arange(300) % 2

    def second(X):
        return doubled(X)[:, 1]

    model = RectifiedDifference(Ridge(), group=second, random_state=0).fit(X, y)
    model.predict(X)
    np.testing.assert_array_equal(X[:, [0, 2]], data[0][:, [0, 2]])
    assert list(model.groups_) == [0, 2]


@pytest.mark.parametrize("features", ["all", "remaining", "predictions"])
@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_prediction_corrector_by_itself(features, container, data):
    X, y = container(data[0]), data[1][:60].copy()
    if isinstance(X, list):
        pytest.skip("becomes an array")
    before = as_array(X)
    first = X.tocsr()[:60] if hasattr(X, "tocsr") else X[:60]
    model = PredictionCorrector(Altering(), features=features).fit(first, y)
    plain = PredictionCorrector(LinearRegression(), features=features).fit(first, y)
    np.testing.assert_allclose(model.predict(X), plain.predict(X), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(as_array(X), before)
    np.testing.assert_array_equal(y, data[1][:60])


def test_weights_and_values_that_are_objects(rng):
    """Rows that are lists or dictionaries: a list of them is a copy only if they are."""

    class Emptying(RegressorMixin, BaseEstimator):
        def fit(self, X, y):
            self.mean_ = np.mean([row.pop("a") for row in X])
            return self

        def predict(self, X):
            return np.array([row.pop("a") for row in X])

    rows = [{"a": value} for value in rng.normal(size=100)]
    y = np.where(np.arange(100) < 40, [row["a"] for row in rows], np.nan)
    for X in (rows, np.array(rows, dtype=object), pd.Series(rows)):
        before = copy.deepcopy(X)
        RectifiedMeanEstimator(Emptying(), cv=3).fit(X, y).predict(X)
        assert list(X) == list(before)


def test_training_weights(data):
    X, y = data[0].copy(), data[1]
    RectifiedLinearRegression(Altering(), covariates=[0], finetune_weights=True, cv=3).fit(X, y)
    np.testing.assert_array_equal(X, data[0])


def test_a_pool_is_not_copied_whole(data, monkeypatch):
    """Not more than a block at once is handed to the model."""
    monkeypatch.setattr("sklearn_ftr.estimators._inner_model.rows_at_once", lambda X: 100)
    sizes = []

    class Counting(Ridge):
        def predict(self, X):
            sizes.append(len(X))
            assert not np.may_share_memory(X, data[0])
            return super().predict(X)

    RectifiedMeanEstimator(Counting()).fit(*data)
    assert sorted(sizes) == [40, 48, 100, 100]


def test_covariates_that_nobody_writes_to_are_not_copied(data):
    X, y = data
    seen = []

    def first(X):
        seen.append(X)
        return X[:, :1]

    RectifiedLinearRegression(Ridge(), covariates=first).fit(X, y)
    assert np.may_share_memory(seen[0], X)
    assert not seen[0].flags.writeable
