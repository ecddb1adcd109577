"""Labels that are not missing at random show in the predictions: a warning, where they differ by more than chance."""

import warnings

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression

import sklearn_ftr as ftr

N, M = 60, 600


def sample_of(seed, shift=0.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N + M, 2))
    X[:N, 0] += shift
    return X, X[:, 0] + 0.5 * rng.normal(size=N + M), X[:, 0]


def on_arrays(function, X, y, f):
    R, U = slice(0, N), slice(N, None)
    group = np.arange(N + M) % 2
    odds, rates = (np.clip(one, 0.01, 0.99) for one in (y, f)), (np.exp(one) for one in (y, f))
    return {
        "mean": lambda: ftr.rectify_mean(y[R], f[R], f[U]),
        "means": lambda: ftr.rectify_mean(np.c_[y, -y][R], np.c_[f, -f][R], np.c_[f, -f][U]),
        "median": lambda: ftr.rectify_quantile(y[R], f[R], f[U]),
        "difference": lambda: ftr.rectify_difference(y[R], f[R], f[U], group[R], group[U]),
        "linear": lambda: ftr.rectify_linear_regression(X[R, 1], y[R], f[R], X[U, 1], f[U]),
        "logistic": lambda: _glm("logistic", X, *odds),
        "poisson": lambda: _glm("poisson", X, *rates),
        "own": lambda: ftr.m_estimate(
            lambda X, y, theta: y - theta, X[R], y[R], f[R], X[U], f[U], start=[0.0]
        ),
    }[function]()


def _glm(name, X, y, f):
    rectify = getattr(ftr, f"rectify_{name}_regression")
    return rectify(X[:N, 1], y[:N], f[:N], X[N:, 1], f[N:])


FUNCTIONS = ("mean", "means", "median", "difference", "linear", "logistic", "poisson", "own")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_labels_of_other_rows_than_the_pools_are_warned_of(function):
    with pytest.warns(ftr.PredictionShiftWarning, match="standard errors above that of the") as caught:
        result = on_arrays(function, *sample_of(0, shift=1.5))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert np.max(np.abs(result.prediction_shift)) > 4


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_shift_of_labels_at_random_is_about_one(function):
    shifts = [np.ravel(on_arrays(function, *sample_of(seed)).prediction_shift)[0] for seed in range(40)]
    assert 0.6 < np.std(shifts) < 1.4


@pytest.mark.thorough
def test_skewed_predictions_and_few_labels_are_hardly_ever_warned_of():
    """5 labels, lognormal predictions; 2,000 draws, seeds 0 to 1,999."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ftr.PredictionShiftWarning)
        for seed in range(2_000):
            f = np.random.default_rng(seed).lognormal(size=305)
            ftr.rectify_mean(f[:5] ** 0.5, f[:5], f[5:])
    assert len(caught) <= 30


@pytest.mark.parametrize("parameters", [{}, {"cv": 3}], ids=str)
def test_estimators_warn_where_fit_is_called(parameters):
    X, y, _ = sample_of(1, shift=2.0)
    y[N:] = np.nan
    with pytest.warns(ftr.PredictionShiftWarning) as caught:
        ftr.RectifiedMeanEstimator(LinearRegression(), random_state=0, **parameters).fit(X, y)
    assert caught[0].filename == __file__
    X, y, _ = sample_of(1)
    model = FrozenEstimator(LinearRegression().fit(X, y))
    y[N:] = np.nan
    assert abs(ftr.RectifiedMeanEstimator(model).fit(X, y).result_.prediction_shift) < 4


def test_nothing_to_compare():
    y = np.arange(5.0)
    assert ftr.rectify_mean(y, y, []).prediction_shift == 0
    with pytest.warns(ftr.ZeroWidthIntervalWarning):
        assert ftr.rectify_mean(np.full(5, 2.0), np.full(5, 0.1), np.full(9, 0.1)).prediction_shift == 0
