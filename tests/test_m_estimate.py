"""Your own estimand against the formula, the estimands that have names, and what psi can do wrong."""

import naive_rectification as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from sklearn_ftr import (
    ZeroWidthIntervalWarning,
    m_estimate,
    rectify_linear_regression,
    rectify_logistic_regression,
    rectify_mean,
)
from sklearn_ftr.rectification import _estimand, _pool_influence


def mean_and_variance(X, y, theta):
    return np.column_stack([y - theta[0], (y - theta[0]) ** 2 - theta[1]])


def least_squares(X, y, theta):
    return X * (y - X @ theta)[:, None]


def logistic(X, y, theta):
    return X * (y - expit(X @ theta))[:, None]


def sample_of(seed, r=40, m=150):
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(r + m), rng.normal(size=r + m)])
    y = X @ [0.5, 1.0] + rng.normal(size=r + m)
    f = 0.8 * y + 0.4 * rng.normal(size=r + m) + 0.3
    return X[:r], y[:r], f[:r], X[r:], f[r:]


@pytest.mark.parametrize("weight", [None, 0.0, 0.6, 1.0])
def test_mean_and_variance_by_hand(weight):
    """H is the identity there, so that influence values are y - mean and (y - mean)^2 - variance."""
    X, y, f, X_pool, pool = sample_of(1)
    values = [np.column_stack([rows, (rows - rows.mean()) ** 2]) for rows in (y, f, pool)]
    theta, variance, degrees, lambda_ = naive.rectify_columns(*values, weight, lost=2)
    result = m_estimate(mean_and_variance, X, y, f, X_pool, pool, start=[0, 1], lambda_=weight)
    np.testing.assert_allclose(result.estimate, theta, rtol=1e-8)
    np.testing.assert_allclose(result.lambda_, lambda_, rtol=1e-6)
    np.testing.assert_allclose(result.standard_error**2, variance, rtol=1e-6)
    np.testing.assert_allclose(result.degrees_of_freedom, degrees, rtol=1e-6)
    assert result.names == ("theta0", "theta1")


def test_a_derivative_that_is_not_symmetric():
    """b = E y^2 / E y has, by the delta method, the influence (y^2 - b y) / E y."""

    def psi(X, y, theta):
        return np.column_stack([y - theta[0], y**2 - theta[1] * theta[0]])

    X, *targets = sample_of(11)
    X_pool = targets.pop(2)
    y, f, pool = targets = [rows + 5 for rows in targets]
    columns = []
    for rows in targets:
        b = np.mean(rows**2) / rows.mean()
        columns.append(np.column_stack([rows, b + (rows**2 - b * rows) / rows.mean()]))
    theta, variance, _, _ = naive.rectify_columns(*columns, lost=2)
    result = m_estimate(psi, X, y, f, X_pool, pool, start=[4, 6])
    np.testing.assert_allclose(result.estimate, theta, rtol=1e-8)
    np.testing.assert_allclose(result.standard_error**2, variance, rtol=1e-6)


@pytest.mark.parametrize("weight", [None, 0.7])
@pytest.mark.parametrize("jacobian", [None, lambda X, y, theta: -np.ones((1, 1))])
def test_the_mean_is_the_rectified_mean(weight, jacobian):
    X, y, f, X_pool, pool = sample_of(2)
    result = m_estimate(
        lambda X, y, theta: y - theta[0],
        *(X, y, f, X_pool, pool),
        start=5.0,
        jacobian=jacobian,
        lambda_=weight,
    )
    mean = rectify_mean(y, f, pool, lambda_=weight)
    assert result.estimate[0] == pytest.approx(mean.estimate, rel=1e-9)
    assert result.standard_error[0] == pytest.approx(mean.standard_error, rel=1e-7)
    assert result.degrees_of_freedom[0] == pytest.approx(mean.degrees_of_freedom, rel=1e-6)


@pytest.mark.parametrize("analytic", [True, False])
def test_regressions_are_the_named_ones(analytic):
    X, y, f, X_pool, f_pool = sample = sample_of(3)
    jacobian = (lambda X, y, theta: -X.T @ X / len(X)) if analytic else None
    linear = m_estimate(least_squares, *sample, start=[0, 0], jacobian=jacobian)
    expected = rectify_linear_regression(*sample, fit_intercept=False)
    np.testing.assert_allclose(linear.estimate, expected.estimate, rtol=1e-8)
    np.testing.assert_allclose(linear.covariance, expected.covariance, rtol=1e-7)
    y, f, f_pool = ((rows > 0.5) * 1.0 for rows in (y, f, f_pool))
    f, f_pool = (np.clip(rows, 0.001, 0.999) for rows in (f, f_pool))  # as the named one does by itself
    classes = X, y, f, X_pool, f_pool
    odds = m_estimate(logistic, *classes, start=[0, 0], names=["base", "slope"], title="log odds")
    expected = rectify_logistic_regression(*classes, fit_intercept=False)
    np.testing.assert_allclose(odds.estimate, expected.estimate, rtol=1e-6)
    np.testing.assert_allclose(odds.covariance, expected.covariance, rtol=1e-6)
    assert odds.names == ("base", "slope")
    assert "log odds" in str(odds)


def test_limits():
    """No pool and lambda 0 are the labels alone; perfect predictions at lambda 1 are the pool."""
    X, y, f, X_pool, pool = sample_of(4)
    alone = np.array([y.mean(), y.var()])
    for answer in (
        m_estimate(mean_and_variance, X, y, f, X_pool, pool, start=[0, 1], lambda_=0.0),
        m_estimate(mean_and_variance, X, y, f, X_pool[:0], [], start=[0, 1]),
    ):
        np.testing.assert_allclose(answer.estimate, alone, rtol=1e-9)
        np.testing.assert_allclose(answer.covariance, answer.labels_only.covariance, rtol=1e-9)
    perfect = m_estimate(mean_and_variance, X, y, y, X_pool, pool, start=[0, 1], lambda_=1.0)
    np.testing.assert_allclose(perfect.estimate, [pool.mean(), pool.var()], rtol=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(seed, random):
    X, y, f, X_pool, pool = sample_of(seed)
    order = random.sample(range(len(y)), len(y))
    one = m_estimate(least_squares, X, y, f, X_pool, pool, start=[0, 0])
    other = m_estimate(
        least_squares, X[order], y[order], f[order], X_pool[::-1], pool[::-1], start=[0, 0]
    )
    np.testing.assert_allclose(other.estimate, one.estimate, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(other.covariance, one.covariance, rtol=1e-7, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(-20, 20), st.floats(0.05, 20))
def test_units_do_not_matter(seed, shift, scale):
    X, y, f, X_pool, pool = sample_of(seed)
    one = m_estimate(mean_and_variance, X, y, f, X_pool, pool, start=[0, 1])
    moved = (shift + scale * rows for rows in (y, f))
    other = m_estimate(
        mean_and_variance, X, *moved, X_pool, shift + scale * pool, start=[shift, scale**2]
    )
    expected = [shift + scale * one.estimate[0], scale**2 * one.estimate[1]]
    np.testing.assert_allclose(other.estimate, expected, rtol=1e-6, atol=1e-6)
    errors = one.standard_error * [scale, scale**2]
    np.testing.assert_allclose(other.standard_error, errors, rtol=1e-5)


def test_units_of_the_parameters_do_not_matter():
    X, y, f, X_pool, pool = sample_of(5)
    scale = np.array([1e-5, 1e5])
    one = m_estimate(least_squares, X, y, f, X_pool, pool, start=[0, 0])
    other = m_estimate(least_squares, X * scale, y, f, X_pool * scale, pool, start=[0, 0])
    np.testing.assert_allclose(other.estimate * scale, one.estimate, rtol=1e-5)
    np.testing.assert_allclose(other.standard_error * scale, one.standard_error, rtol=1e-5)


@pytest.mark.parametrize("start", ["zero", "solution"])
@pytest.mark.parametrize("analytic", [True, False])
@pytest.mark.parametrize("name", ["year", "seconds", "near copy", "large", "small"])
def test_uncentred_columns_are_those_of_the_named_regression(name, analytic, start):
    """What psi itself loses to rounding, with X theta of such columns, is far below a standard error."""
    rng = np.random.default_rng(0)
    year, t, u = rng.integers(2000, 2025, 900), rng.normal(size=900), rng.normal(size=900)
    columns = {
        "year": [year, year**2.0],
        "seconds": [1.7e9 + 6_000 * t],
        "near copy": [t, t + 1e-5 * u],
        "large": [t * 1e12],
        "small": [t * 1e-12],
    }[name]
    X = np.column_stack([np.ones(900), *columns])
    y = 0.2 * (year - 2012) + t + rng.normal(size=900)
    f = y + 0.5 * rng.normal(size=900)
    jacobian = (lambda X, y, theta: -X.T @ X / len(X)) if analytic else None
    sample = X[:300], y[:300], f[:300], X[300:], f[300:]
    expected = rectify_linear_regression(*sample, fit_intercept=False)
    first = np.zeros(X.shape[1]) if start == "zero" else expected.estimate
    result = m_estimate(least_squares, *sample, start=first, jacobian=jacobian)
    gap = np.abs(result.estimate - expected.estimate) / expected.standard_error
    assert gap.max() < 1e-3
    np.testing.assert_allclose(result.standard_error, expected.standard_error, rtol=1e-3)
    np.testing.assert_allclose(result.lambda_, expected.lambda_, atol=1e-3)


def test_collinear_columns_are_not_identified():
    X, y, f, X_pool, f_pool = sample_of(10)
    X, X_pool = (np.column_stack([rows, rows @ [0.3, 0.7]]) for rows in (X, X_pool))
    with pytest.raises(ValueError, match=r"not identified by the labels.*Estimated from all 40 labels"):
        m_estimate(least_squares, X, y, f, X_pool, f_pool, start=[0, 0, 0])


def test_blocks_do_not_matter(monkeypatch):
    sample = sample_of(6)
    whole = m_estimate(least_squares, *sample, start=[0, 0])
    monkeypatch.setattr(_estimand, "BLOCK_ROWS", 7)
    monkeypatch.setattr(_pool_influence, "_ROWS_AT_ONCE", 7)
    seen = []

    def watched(X, y, theta):
        seen.append(len(y))
        return least_squares(X, y, theta)

    pieces = m_estimate(watched, *sample, start=[0, 0])
    np.testing.assert_allclose(pieces.estimate, whole.estimate, rtol=1e-9)
    np.testing.assert_allclose(pieces.covariance, whole.covariance, rtol=1e-8)
    assert set(seen) <= {40, 7, 40 % 7, 150 % 7}


def test_constant_labels_are_flagged():
    X, _, f, X_pool, pool = sample_of(7)
    with pytest.warns(ZeroWidthIntervalWarning) as caught:
        result = m_estimate(lambda X, y, theta: y - theta[0], X, np.ones(40), f, X_pool, pool, start=0)
    assert caught[0].filename == __file__
    assert result.estimate[0] == pytest.approx(1, rel=1e-12)


# What psi can do wrong


def same_twice(X, y, theta):
    e = y - theta[0] - theta[1]
    return np.column_stack([e, 2.7 * e])


BAD = {
    "too short": (lambda X, y, t: y[:5], [1.0], r"psi returned shape \(5, 1\) for 40 rows"),
    "one column for two": (lambda X, y, t: y - t[0], [0, 1], r"psi returned shape \(40, 1\)"),
    "a sum": (lambda X, y, t: np.sum(y - t[0]), [1.0], "psi returned shape"),
    "no root": (lambda X, y, t: y**2 + t[0] ** 2 + 1, [1.0], "was not solved"),
    "NaN": (lambda X, y, t: y * np.nan, [1.0], "was not solved"),
    "unidentified": (same_twice, [0, 1], "not identified"),
    "not a function of theta": (lambda X, y, t: y - y.mean() + 0 * t[0], [0.0], "not identified"),
    "start of NaN": (mean_and_variance, [0, np.nan], "start is"),
    "no start": (mean_and_variance, [], "start is"),
    "start of two dimensions": (mean_and_variance, [[0, 1]], "start is"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_psi(case):
    psi, start, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        m_estimate(psi, *sample_of(8), start=start)


def test_bad_jacobian_and_names():
    sample = sample_of(9)
    with pytest.raises(ValueError, match="names has 1 entries for 2 parameters"):
        m_estimate(mean_and_variance, *sample, start=[0, 1], names=["mean"])
    with pytest.raises(ValueError, match="shape"):
        m_estimate(mean_and_variance, *sample, start=[0, 1], jacobian=lambda X, y, t: np.ones(3))
    with pytest.raises(ValueError, match="not identified"):
        m_estimate(mean_and_variance, *sample, start=[0, 1], jacobian=lambda X, y, t: np.ones((2, 2)))
