"""Draws of the sampling distribution agree with the stated errors, and never touch the pool."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression

from sklearn_ftr import (
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedMeanEstimator,
    RectifiedQuantile,
    m_estimate,
    rectify_difference,
    rectify_linear_regression,
    rectify_logistic_regression,
    rectify_mean,
    rectify_quantile,
)

rng = np.random.default_rng(0)
X = rng.normal(size=(2_300, 2))
Y = 3 + X @ [1.0, -0.5] + rng.normal(size=2_300)
F = Y + 0.5 * rng.normal(size=2_300) + 0.4
GROUP = np.where(rng.random(2_300) < 0.4, "A", "B")
R, U = slice(0, 300), slice(300, None)


def psi(rows, y, theta):
    return np.column_stack([y - theta[0], (y - theta[0]) ** 2 - theta[1]])


RESULTS = {
    "mean": rectify_mean(Y[R], F[R], F[U]),
    "means": rectify_mean(
        np.column_stack([Y, -Y])[R], np.column_stack([F, F])[R], np.column_stack([F, F])[U]
    ),
    "no pool": rectify_mean(Y[R], F[R], []),
    "linear": rectify_linear_regression(X[R], Y[R], F[R], X[U], F[U]),
    "logistic": rectify_logistic_regression(X[R], Y[R] > 3.0, F[R] > 3.0, X[U], F[U] > 3.0),
    "difference": rectify_difference(Y[R], F[R], F[U], GROUP[R], GROUP[U]),
    "m-estimate": m_estimate(psi, X[R], Y[R], F[R], X[U], F[U], start=[3.0, 2.0]),
    "median": rectify_quantile(Y[R], F[R], F[U]),
    "quantiles": rectify_quantile(Y[R], F[R], F[U], [0.25, 0.5, 0.9]),
}


@pytest.mark.parametrize("name", RESULTS)
def test_spread_and_center(name):
    """2,000 draws: a standard deviation has an error of 1.6 %; quantiles are coarse, and their errors half a width."""
    result = RESULTS[name]
    draws = result.bootstrap(random_state=0)
    assert draws.shape == (2_000, *np.shape(result.estimate))
    tolerance = 0.25 if "quantile" in name or name == "median" else 0.08
    np.testing.assert_allclose(draws.std(axis=0), result.standard_error, rtol=tolerance)
    shift = (draws.mean(axis=0) - result.estimate) / result.standard_error
    assert np.abs(shift).max() < 0.3 if tolerance > 0.2 else np.abs(shift).max() < 5 / np.sqrt(2_000)


FEW = {
    "labels": rectify_mean(Y[:8], F[:8], []),
    "mean": rectify_mean(Y[:8], F[:8], F[U]),
    "linear": rectify_linear_regression(X[:12], Y[:12], F[:12], X[U], F[U]),
}


@pytest.mark.grid(3)
@pytest.mark.parametrize("name", FEW)
def test_few_labels_have_their_degrees_of_freedom(name):
    """20,000 draws: an error of 0.5 %; without the factor standard deviations would be 6 % (labels) to 13 % too small."""
    spread = FEW[name].bootstrap(20_000, random_state=0).std(axis=0)
    np.testing.assert_allclose(spread, FEW[name].standard_error, rtol=0.025)


def test_correlations():
    result = RESULTS["linear"]
    draws = result.bootstrap(random_state=0)
    scale = np.outer(result.standard_error, result.standard_error)
    np.testing.assert_allclose(np.cov(draws.T) / scale, result.covariance / scale, atol=0.1)


def test_units_of_columns_do_not_matter():
    units = np.array([1e-40, 1e40])
    other = rectify_linear_regression(X[R] * units, Y[R], F[R], X[U] * units, F[U])
    draws = other.bootstrap(random_state=0)[:, 1:] * units
    errors = RESULTS["linear"].standard_error[1:]
    np.testing.assert_allclose(draws.std(axis=0), errors, rtol=0.08)


def test_the_seed_decides():
    first, second = (RESULTS["linear"].bootstrap(50, random_state=1) for _ in "ab")
    np.testing.assert_array_equal(first, second)
    assert RESULTS["linear"].bootstrap(50).shape == (50, 3)


def skewed_population():
    """Labels with a tail, a group in the last column; 300 of 2,300 rows have a label."""
    rng = np.random.default_rng(1)
    X = np.column_stack([rng.normal(size=(2_300, 3)), rng.random(2_300) < 0.4])
    y = X @ [1.0, 0.5, -1.0, 0.7] + rng.exponential(size=2_300)
    return X, np.where(np.arange(2_300) < 300, y, np.nan)


ESTIMATORS = {
    "mean": RectifiedMeanEstimator(LinearRegression()),
    "median": RectifiedQuantile(LinearRegression()),
    "quantiles": RectifiedQuantile(LinearRegression(), q=[0.2, 0.3, 0.4, 0.6, 0.7, 0.8]),
    "linear": RectifiedLinearRegression(LinearRegression(), covariates=[0, 1]),
    "difference": RectifiedDifference(LinearRegression(), group=3),
}


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize(
    "parameters",
    [{"split_ratio": 0.5}, {"split_ratio": 0.5, "recycle": False}, {"cv": 5}],
    ids=["recycled", "split", "cv"],
)
def test_estimators(name, parameters):
    """With labels that have trained, and with several models."""
    model = clone(ESTIMATORS[name]).set_params(random_state=0, **parameters)
    result = model.fit(*skewed_population()).result_
    assert np.all((result.recycled_weight > 0) == (parameters == {"split_ratio": 0.5}))
    draws = result.bootstrap(random_state=0)
    assert draws.shape == (2_000, *np.shape(result.estimate))
    ratio = draws.std(axis=0) / result.standard_error
    shift = (draws.mean(axis=0) - result.estimate) / result.standard_error
    if name in ("median", "quantiles"):  # of which each is coarse
        np.testing.assert_allclose(ratio, np.ones_like(ratio), atol=0.5)
        assert np.mean(ratio) == pytest.approx(1, abs=0.2)
        assert np.abs(np.mean(shift)) < 0.3
    else:
        np.testing.assert_allclose(ratio, np.ones_like(ratio), atol=0.08)
        assert np.abs(shift).max() < 5 / np.sqrt(2_000)


def test_at_least_one_draw():
    with pytest.raises(ValueError, match="n_draws is 0; expected at least 1"):
        RESULTS["mean"].bootstrap(0)


def test_a_skewed_estimate_has_a_skewed_interval():
    """Variances of 30 lognormal labels: the upper quantile is further away than the lower."""
    y = np.random.default_rng(1).lognormal(size=30)
    result = m_estimate(psi, np.empty((30, 0)), y, 0 * y, np.empty((0, 0)), [], start=[1.0, 1.0])
    low, middle, high = np.quantile(result.bootstrap(random_state=0)[:, 1], [0.025, 0.5, 0.975])
    assert high - middle > 1.2 * (middle - low)
