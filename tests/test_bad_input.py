"""What users get wrong: each case one clear error and nothing else, or a documented answer."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score

from sklearn_ftr import LabeledKFold, RectifiedMeanEstimator, ZeroWidthIntervalWarning, labeled_scorer

N = 40
X = np.random.default_rng(0).normal(size=(N, 2))
Y = np.where(np.arange(N) < 12, X[:, 0] + 1 + 0.1 * X[:, 1], np.nan)


def labels(**changes):
    y = Y.copy()
    for row, value in changes.items():
        y[int(row[1:])] = value
    return y


def only(n):
    return np.where(np.arange(N) < n, Y, np.nan)


class NaNModel(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.where(X[:, 0] > 0, np.nan, 1.0)


class WrongWidth(NaNModel):
    def predict(self, X):
        return np.ones((len(X), 3))


CASES = {
    "no y": ({}, X, None, ValueError, "requires y to be passed"),
    "no labels": ({}, X, np.full(N, np.nan), ValueError, "y has no label: all of its 40 rows are NaN"),
    "1 label": (
        {},
        X,
        only(1),
        ValueError,
        "y has 1 labeled row .*0 rectify; expected at least 2 and 2",
    ),
    "2 labels": (
        {},
        X,
        only(2),
        ValueError,
        "y has 2 labeled rows .*0 rectify; expected at least 2 and 2",
    ),
    "1 label, cv": ({"cv": 2}, X, only(1), ValueError, "cv=2 needs at least 2 labeled rows; y has 1"),
    "count too large": (
        {"split_ratio": 50},
        X,
        Y,
        ValueError,
        "lets 50 of them fine-tune and 0 rectify",
    ),
    "count of 1": ({"split_ratio": 1}, X, Y, ValueError, "lets 1 of them fine-tune"),
    "ratio too large": (
        {"split_ratio": 0.9},
        X,
        Y,
        ValueError,
        "lets 11 of them fine-tune and 1 rectify",
    ),
    "too few for cv": ({"cv": 20}, X, Y, ValueError, "cv=20 needs at least 20 labeled rows; y has 12"),
    "inf": ({}, X, labels(_3=np.inf), ValueError, "y .* has 0 NaN and 1 infinite values among 12"),
    "masked y": ({}, X, np.ma.masked_invalid(Y), TypeError, "y is a masked array"),
    "3-D y": ({}, X, Y[:, None, None], ValueError, "expected \\(n_rows,\\) or"),
    "partial rows": (
        {},
        X,
        np.column_stack([Y, labels(_3=np.nan)]),
        ValueError,
        "1 rows with some outputs",
    ),
    "short y": ({}, X, Y[:-1], ValueError, "X has 40 rows and y has 39"),
    "text": ({}, X, np.where(np.isnan(Y), "", "yes"), ValueError, "y holds text or dates"),
    "numbers as text": ({}, X, Y.astype(str), ValueError, "y holds text or dates"),
    "numbers as text objects": (
        {},
        X,
        Y.astype(str).astype(object),
        ValueError,
        "y holds text or dates",
    ),
    "numbers as pandas text": ({}, X, pd.Series(Y.astype(str)), ValueError, "y holds text or dates"),
    "categories": ({}, X, pd.Categorical(["yes", "no"] * 20), ValueError, "y holds text or dates"),
    "dates": (
        {},
        X,
        np.where(np.isnan(Y), "NaT", "2026-01-01").astype("M8[D]"),
        ValueError,
        "text or dates",
    ),
    "durations": ({}, X, np.ones(N).astype("m8[s]"), ValueError, "y holds text or dates"),
    "huge": ({}, X, Y * 1e200, ValueError, "squares overflow"),
    "mixed objects": (
        {},
        X,
        np.array(["a", *Y[1:]], dtype=object),
        ValueError,
        "expected real numbers",
    ),
    "empty X": ({}, np.empty((0, 2)), np.empty(0), ValueError, "y has no label|0 sample"),
    "no features": ({}, np.empty((N, 0)), Y, ValueError, "0 feature"),
    "NaN in X": ({}, np.where(X > 1, np.nan, X), Y, ValueError, "NaN"),
    "indexes": (
        {},
        pd.DataFrame(X),
        pd.Series(Y, index=np.arange(N)[::-1]),
        ValueError,
        "X and y have the same length but different indexes",
    ),
    "NaN predictions": (
        {"estimator": NaNModel()},
        X,
        Y,
        ValueError,
        "prediction of NaNModel has .* NaN",
    ),
    "NaN predictions, cv": (
        {"estimator": NaNModel(), "cv": 3},
        X,
        Y,
        ValueError,
        "prediction of NaNModel has",
    ),
    "wrong width": (
        {"estimator": WrongWidth()},
        X,
        Y,
        ValueError,
        "predicted 3 outputs for labels with 1",
    ),
    "negative ratio": ({"split_ratio": -0.1}, X, Y, ValueError, "'split_ratio' parameter"),
    "ratio of 1.0": ({"split_ratio": 1.0}, X, Y, ValueError, "'split_ratio' parameter"),
    "cv of 1": ({"cv": 1}, X, Y, ValueError, "'cv' parameter"),
    "level in percent": ({"confidence_level": 95}, X, Y, ValueError, "'confidence_level' parameter"),
    "not a model": ({"estimator": "ridge"}, X, Y, ValueError, "'estimator' parameter"),
    "pool prediction": ({"pool_prediction": "both"}, X, Y, ValueError, "'pool_prediction' parameter"),
}


@pytest.mark.parametrize("case", CASES)
def test_clear_error_and_nothing_else(case, capsys):
    parameters, features, y, error, message = CASES[case]
    estimator = RectifiedMeanEstimator(
        **{"estimator": LinearRegression(), "random_state": 0} | parameters
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error, match=message):
            estimator.fit(features, y)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("n", range(3, 9))
@pytest.mark.parametrize(
    "parameters", [{}, {"recycle": False}, {"cv": 2}, {"power_tuning": False}], ids=str
)
def test_few_labels_never_give_nan_or_a_zero_width(n, parameters):
    model = RectifiedMeanEstimator(LinearRegression(), random_state=0, **parameters)
    if n < 4 and "cv" not in parameters:
        with pytest.raises(ValueError, match=f"y has {n} labeled rows"):
            model.fit(X, only(n))
        return
    low, high = model.fit(X, only(n)).confidence_interval()
    assert np.isfinite([low, high, model.mean_, model.score(X, Y)]).all()
    assert high > low


@pytest.mark.parametrize(
    "parameters", [{}, {"recycle": False}, {"cv": 3}, {"power_tuning": False}], ids=str
)
def test_constant_labels_are_legal_and_flagged(parameters):
    model = RectifiedMeanEstimator(LinearRegression(), random_state=0, **parameters)
    with pytest.warns(ZeroWidthIntervalWarning):
        model.fit(X, np.where(np.isnan(Y), np.nan, 0.1))
    assert model.result_.zero_width
    assert model.mean_ == pytest.approx(0.1, rel=1e-14)
    assert all(np.isfinite(value) for value in model.result_.to_dict().values())
    assert np.isfinite(model.score(X, np.where(np.isnan(Y), np.nan, 0.1)))


def test_methods_before_fit_say_so():
    from sklearn.exceptions import NotFittedError

    model = RectifiedMeanEstimator()
    for call in (
        lambda: model.predict(X),
        lambda: model.score(X, Y),
        model.confidence_interval,
        lambda: model.p_value(0),
    ):
        with pytest.raises(NotFittedError):
            call()


def test_score_without_labels():
    model = RectifiedMeanEstimator(random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match="y has no label"):
        model.score(X[20:], Y[20:])
    with pytest.raises(ValueError, match="y has no label"):
        labeled_scorer("r2")(model, X[20:], Y[20:])


def test_folds_without_labels_fail_loudly():
    """Unshuffled folds on labeled-first data hold no labels; LabeledKFold puts some into each."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scores = cross_val_score(RectifiedMeanEstimator(random_state=0), X, Y, cv=5)
    assert any("y has no label" in str(warning.message) for warning in caught)
    assert np.isnan(scores).any()
    scores = cross_val_score(
        RectifiedMeanEstimator(random_state=0), X, Y, cv=LabeledKFold(5, random_state=0)
    )
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("n_splits", [1, 13])
def test_labeled_k_fold_with_too_few_labels(n_splits):
    with pytest.raises(ValueError, match=f"n_splits={n_splits} with 12 labeled rows"):
        list(LabeledKFold(n_splits).split(X, Y))
