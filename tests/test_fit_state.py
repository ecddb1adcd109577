"""A fit that fails or is stopped leaves an estimator as it was: not fitted, or with the whole of its earlier answer."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from sklearn_ftr import (
    PredictionCorrector,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedMeanEstimator,
    RectifiedPoissonRegression,
    RectifiedQuantile,
)
from sklearn_ftr.estimators import _rectified_estimator

N, LABELED = 60, 24


class Failing(LinearRegression):
    """Raises what it is told, in `fit` or in `predict`; told once for all clones."""

    told = None, None

    def fit(self, X, y, sample_weight=None):
        self._obey("fit")
        return super().fit(X, y, sample_weight)

    def predict(self, X):
        self._obey("predict")
        return super().predict(X)

    def _obey(self, where):
        place, error = Failing.told
        if place == where:
            raise error


@pytest.fixture
def tell():
    def told(where, error):
        Failing.told = where, error

    yield told
    Failing.told = None, None


KINDS = {
    "mean": (RectifiedMeanEstimator, {}),
    "quantile": (RectifiedQuantile, {}),
    "difference": (RectifiedDifference, {"group": 2}),
    "linear": (RectifiedLinearRegression, {"covariates": [0]}),
    "logistic": (RectifiedLogisticRegression, {"covariates": [0]}),
    "poisson": (RectifiedPoissonRegression, {"covariates": [0]}),
}


def data(kind, seed=0):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(N, 2)), np.arange(N) % 2])
    y = {"logistic": (rng.random(N) < 0.5) * 1.0, "poisson": rng.poisson(2, N) * 1.0}
    y = y.get(kind, X[:, 0] + rng.normal(size=N))
    return X, np.where(np.arange(N) < LABELED, y, np.nan)


def other_data(kind):
    """Of other width, with names, and other classes: nothing of it may be seen after a failure."""
    X, y = data(kind, seed=1)
    if kind == "logistic":
        y = y + 1
    return pd.DataFrame(np.column_stack([X, X[:, 0] ** 2]), columns=list("abcd")), y


def fail_in_stage_two(monkeypatch, model, error):
    def interrupted(self, *arguments):
        raise error

    monkeypatch.setattr(type(model), "_rectify", interrupted)


def fail_in_the_last_line(monkeypatch, model, error):
    def interrupted(*arguments, **options):
        raise error

    monkeypatch.setattr(_rectified_estimator, "warn_of_zero_width", interrupted)


STAGES = {"stage two": fail_in_stage_two, "the last line": fail_in_the_last_line}


def assert_unchanged(model, before, predictions, X):
    after = vars(model)
    assert list(after) == list(before)
    assert all(after[name] is before[name] for name in before)
    if predictions is None:
        with pytest.raises(NotFittedError):
            model.predict(X)
    else:
        np.testing.assert_array_equal(model.predict(X), predictions)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("where", ["fit", "predict", *STAGES])
@pytest.mark.parametrize("error", [ValueError("told to"), KeyboardInterrupt()], ids=["error", "Ctrl-C"])
@pytest.mark.parametrize("fitted", [False, True], ids=["not fitted", "fitted"])
@pytest.mark.parametrize("parameters", [{}, {"cv": 2}], ids=["split", "cv"])
def test_a_failed_fit_leaves_no_trace(kind, where, error, fitted, parameters, tell, monkeypatch):
    cls, own = KINDS[kind]
    model = cls(Failing(), random_state=0, **own, **parameters)
    X, y = data(kind)
    if fitted:
        model.fit(X, y)
        model.score(X, y)
    predictions, before = model.predict(X) if fitted else None, dict(vars(model))
    tell(where, error)
    if where in STAGES:
        STAGES[where](monkeypatch, model, error)
    with pytest.raises(type(error)):
        model.fit(*other_data(kind))
    tell(None, None)
    assert_unchanged(model, before, predictions, X)


INPUTS = {
    "labels": lambda X, y: (X, y * np.nan),
    "infinite labels": lambda X, y: (X, np.where(np.arange(N) == 1, np.inf, y)),
    "one label": lambda X, y: (X, np.where(np.arange(N) == 1, y, np.nan)),
    "lengths": lambda X, y: (X, y[:-1]),
    "names that are not all texts": lambda X, y: (pd.DataFrame(X, columns=["a", 1, 2]), y),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", INPUTS)
def test_input_that_is_refused_leaves_no_trace(kind, case):
    cls, own = KINDS[kind]
    X, y = data(kind)
    for fitted in (False, True):
        model = cls(LinearRegression(), random_state=0, **own)
        if fitted:
            model.fit(X, y)
        predictions, before = model.predict(X) if fitted else None, dict(vars(model))
        with pytest.raises((TypeError, ValueError)):
            model.fit(*INPUTS[case](X, y))
        assert_unchanged(model, before, predictions, X)


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_fit_leaves_nothing_of_an_earlier_one(kind):
    cls, own = KINDS[kind]
    model = cls(LinearRegression(), random_state=0, **own)
    model.fit(*other_data(kind))
    assert list(model.feature_names_in_) == list("abcd")
    X, y = data(kind)
    alone = cls(LinearRegression(), random_state=0, cv=2, **own).fit(X, y)
    model.set_params(cv=2).fit(X, y)
    assert sorted(vars(model)) == sorted(vars(alone))
    assert not hasattr(model, "feature_names_in_")
    np.testing.assert_array_equal(model.predict(X), alone.predict(X))


@pytest.mark.parametrize("where", ["fit", "two columns of predictions"])
@pytest.mark.parametrize("fitted", [None, "fit", "initialize"])
@pytest.mark.parametrize("error", [ValueError("told to"), KeyboardInterrupt()], ids=["error", "Ctrl-C"])
def test_a_corrector_that_fails_to_fit(where, fitted, error, tell):
    X = np.random.default_rng(0).normal(size=(20, 3))
    model = PredictionCorrector(Failing(), column=[0, 1])
    if fitted:
        getattr(model, fitted)(X, X[:, :2] + 0.1)
    predictions, before = model.predict(X) if fitted else None, dict(vars(model))
    if where == "fit":
        tell(where, error)
    with pytest.raises(type(error) if where == "fit" else ValueError):
        model.fit(pd.DataFrame(X, columns=list("abc")), X[:, :2] if where == "fit" else X)
    if where != "fit":
        with pytest.raises(ValueError, match="names 2 columns"):
            model.initialize(pd.DataFrame(X, columns=list("abc")), X)
    tell(None, None)
    assert_unchanged(model, before, predictions, X)


def test_these_tests_can_fail(monkeypatch):
    """An estimator that keeps something before all has worked."""
    original = RectifiedLogisticRegression._labels

    def leaky(self, X, y):
        self.classes_ = np.unique(y)
        return original(self, X, y)

    monkeypatch.setattr(RectifiedLogisticRegression, "_labels", leaky)
    with pytest.raises(AssertionError):
        test_input_that_is_refused_leaves_no_trace("logistic", "one label")
