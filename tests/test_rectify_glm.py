"""Rectified regressions against the formula, statsmodels, ppi-python and the laws that they must obey.

What ppi-python 0.2.3 says otherwise, by design:

* logistic and Poisson estimates: it solves one equation that combines labels and predictions, we subtract two fits;
* lambda: from variances over both samples, clipped to [0, 1], one for all coefficients;
* intervals: normal quantiles, and the scores of predictions taken at the labels' theta, so that a bias of f that is linear
  in x widens them.
"""

import json
import tracemalloc
from pathlib import Path

import naive_rectification as naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from sklearn_ftr import (
    ZeroWidthIntervalWarning,
    rectify_glm,
    rectify_linear_regression,
    rectify_logistic_regression,
    rectify_mean,
    rectify_poisson_regression,
)
from sklearn_ftr.rectification import _estimand, _pool

GOLDEN = json.loads((Path(__file__).parent / "golden" / "estimands.json").read_text())["regression"]
FUNCTIONS = {
    "gaussian": rectify_linear_regression,
    "binomial": rectify_logistic_regression,
    "poisson": rectify_poisson_regression,
}
families = pytest.mark.parametrize("family", FUNCTIONS)


def sample_of(family, seed=0, r=45, m=150):
    """X, y, f of labeled rows, X and f of the pool; coefficients 0.3, 0.8, -0.4."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(r + m, 2))
    eta = 0.3 + X @ [0.8, -0.4]
    if family == "gaussian":
        y = eta + rng.normal(size=r + m)
        f = y + 0.5 * rng.normal(size=r + m) + 0.4
    elif family == "binomial":
        y = (rng.random(r + m) < naive.MEANS[family](eta)).astype(float)
        f = np.where(rng.random(r + m) < 0.85, 0.1 + 0.8 * y, 0.9 - 0.8 * y)
    else:
        y = rng.poisson(np.exp(eta)).astype(float)
        f = 0.7 * y + 0.5 * rng.random(r + m)
    return X[:r], y[:r], f[:r], X[r:], f[r:]


def with_ones(X):
    return np.column_stack([np.ones(len(X)), X])


# Formulas


@families
@pytest.mark.parametrize("weight", [None, 0.0, 0.6, 1.0, -0.5])
def test_rectified_influence_values(family, weight):
    X, y, f, X_pool, f_pool = sample_of(family)
    result = rectify_glm(X, y, f, X_pool, f_pool, family=family, lambda_=weight)
    of_y, of_f = (naive.fit_glm(with_ones(X), target, family) for target in (y, f))
    of_pool = naive.fit_glm(with_ones(X_pool), f_pool, family)
    theta, variance, degrees, lambda_ = naive.rectify_columns(of_y, of_f, of_pool, weight, lost=3)
    np.testing.assert_allclose(result.estimate, theta, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(result.lambda_, lambda_, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(result.standard_error**2, variance, rtol=1e-7)
    np.testing.assert_allclose(result.degrees_of_freedom, degrees, rtol=1e-7)
    if weight is not None:
        residuals = of_y - weight * of_f
        expected = np.cov(residuals.T) * (44 / 42) / 45 + weight**2 * np.cov(of_pool.T) / 150
        np.testing.assert_allclose(result.covariance, expected, rtol=1e-6, atol=1e-12)
    reach = stats.t.ppf(0.975, degrees) * variance**0.5
    np.testing.assert_allclose(result.confidence_interval(method="t").high, theta + reach, rtol=1e-7)


def test_one_lambda_for_all_minimises_the_sum_of_variances():
    X, y, f, X_pool, f_pool = sample = sample_of("gaussian")
    of_y, of_f = (naive.fit_glm(with_ones(X), target, "gaussian") for target in (y, f))
    of_pool = naive.fit_glm(with_ones(X_pool), f_pool, "gaussian")
    dy, df = of_y - of_y.mean(axis=0), of_f - of_f.mean(axis=0)
    penalty = 45 * 44 * of_pool.var(axis=0, ddof=1).sum() / 150
    expected = np.sum(dy * df) / (np.sum(df**2) + penalty)
    result = rectify_linear_regression(*sample, lambda_="overall")
    np.testing.assert_allclose(result.lambda_, np.full(3, expected), rtol=1e-9)
    fixed = rectify_linear_regression(*sample, lambda_=expected)
    np.testing.assert_allclose(result.estimate, fixed.estimate, rtol=1e-9)


@pytest.mark.parametrize("weight", [None, 0.0, 0.7, 1.0])
def test_an_intercept_alone_is_the_rectified_mean(weight):
    _, y, f, _, pool = sample_of("gaussian")
    mean = rectify_mean(y, f, pool, lambda_=weight)
    nothing = np.empty((len(y), 0)), np.empty((len(pool), 0))
    result = rectify_linear_regression(nothing[0], y, f, nothing[1], pool, lambda_=weight)
    assert result.estimate[0] == pytest.approx(mean.estimate, rel=1e-12)
    assert result.standard_error[0] == pytest.approx(mean.standard_error, rel=1e-10)
    assert result.degrees_of_freedom[0] == pytest.approx(mean.degrees_of_freedom, rel=1e-10)
    assert result.lambda_[0] == pytest.approx(mean.lambda_, rel=1e-10)
    assert result.names == ("intercept",)


# Limits


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["family"])
@pytest.mark.parametrize("how", ["empty pool", "lambda_=0", "labels_only"])
def test_labels_only_is_the_usual_fit_with_hc1_errors(case, how):
    """statsmodels to 1e-8; its HC0 errors times the factor of HC1."""
    X, y, f = (np.array(case[name]) for name in ("X", "y", "f"))
    r, k = len(y), 3
    X_pool, f_pool = (X[:0], f[:0]) if how == "empty pool" else (X[r:], f[r:])
    weight = 0.0 if how == "lambda_=0" else None
    result = rectify_glm(X[:r], y, f[:r], X_pool, f_pool, family=case["family"], lambda_=weight)
    answer = result.labels_only if how == "labels_only" else result
    golden = case["statsmodels"]
    np.testing.assert_allclose(answer.estimate, golden["coefficients"], rtol=1e-8)
    errors = np.array(golden["hc0"]) * (r / (r - k)) ** 0.5
    np.testing.assert_allclose(answer.standard_error, errors, rtol=1e-8)
    np.testing.assert_allclose(golden.get("hc1", errors), errors, rtol=1e-8)
    np.testing.assert_array_equal(answer.degrees_of_freedom, r - k)
    if how != "labels_only":
        assert not result.lambda_.any()
        np.testing.assert_allclose(result.covariance, result.labels_only.covariance, rtol=1e-9)


@families
def test_perfect_predictions_are_nearly_as_good_as_all_labels(family):
    """At lambda 1 the labeled fits cancel exactly and the answer is the pool's fit. A tuned lambda is near 1 / (1 + r / m),
    and the answer the full data's fit but for the error of lambda, a small part of the standard error."""
    X, y, *_ = sample_of(family, r=3_300, m=1)
    # As predictions, labels must not be clipped.
    y = {"binomial": 0.05 + 0.9 * y, "poisson": y + 0.1}.get(family, y)
    split = X[:300], y[:300], y[:300], X[300:], y[300:]
    plain = rectify_glm(*split, family=family, lambda_=1.0)
    np.testing.assert_allclose(plain.estimate, plain.predictions_only.estimate, rtol=1e-9)
    tuned = rectify_glm(*split, family=family)
    np.testing.assert_allclose(tuned.lambda_, 1 / 1.1, atol=0.07)
    full = rectify_glm(X, y, y, X[:0], y[:0], family=family)
    distance = np.abs(tuned.estimate - full.estimate) / full.standard_error
    assert distance.max() < 0.3
    np.testing.assert_allclose(tuned.standard_error, full.standard_error, rtol=0.1)


@families
def test_useless_predictions_cost_next_to_nothing(family):
    X, y, f, X_pool, f_pool = sample_of(family, r=1_500, m=10_000)
    rng = np.random.default_rng(5)
    result = rectify_glm(X, y, rng.permutation(f), X_pool, rng.permutation(f_pool), family=family)
    # Lambda is a regression slope without signal: four of its standard errors.
    assert np.abs(result.lambda_).max() < 4 * 3 / 1_500**0.5
    np.testing.assert_allclose(result.efficiency, 1, atol=0.02)
    shift = np.abs(result.estimate - result.labels_only.estimate) / result.standard_error
    assert shift.max() < 0.25


# Predictions are clipped, as any other predictor is as good


LIMITS = {"binomial": lambda y: (0.001, 0.999), "poisson": lambda y: (0.001 * y.mean(), np.inf)}


@pytest.mark.parametrize("family", LIMITS)
@pytest.mark.parametrize(
    "judge",
    [
        lambda X: X[:, 0] > 0,
        lambda X: 0 * X[:, 0],
        lambda X: 0 * X[:, 0] + 1,
        lambda X: (X[:, 0] > 2) - 0.1,
    ],
    ids=["a rule", "never", "always", "seldom, and out of range"],
)
def test_judges_by_a_rule_are_clipped(family, judge):
    X, y, _, X_pool, _ = sample_of(family, r=200)
    f, f_pool = (np.clip(judge(rows), -0.1, 1.0) for rows in (X, X_pool))
    if (f < 0).mean() > 0.5:  # a judge that does not mean what labels mean
        with pytest.raises(ValueError, match=r"f goes from -0\.1"):
            rectify_glm(X, y, f, X_pool, f_pool, family=family)
        f, f_pool = np.maximum(f, 0), np.maximum(f_pool, 0)
    limits = LIMITS[family](y)
    clipped = rectify_glm(X, y, np.clip(f, *limits), X_pool, np.clip(f_pool, *limits), family=family)
    for kind in (np.float64, np.float32):
        result = rectify_glm(X, y, f.astype(kind), X_pool, f_pool.astype(kind), family=family)
        tolerance = 1e-9 if kind is np.float64 else 1e-4
        np.testing.assert_allclose(result.estimate, clipped.estimate, rtol=tolerance)
        np.testing.assert_allclose(result.standard_error, clipped.standard_error, rtol=tolerance)
        np.testing.assert_allclose(result.lambda_, clipped.lambda_, rtol=tolerance, atol=tolerance)


# Infinite coefficients


def has_no_finite_estimate(X, y, family):
    """By linear programming: whether some direction raises the likelihood for ever (Albert and Anderson 1984)."""
    zero, one = y == 0, (y == 1) & (family == "binomial")
    outside = np.concatenate([X[zero], -X[one]])
    inside = X[~zero & ~one]
    found = optimize.linprog(
        outside.sum(axis=0),
        A_ub=outside if len(outside) else None,
        b_ub=np.zeros(len(outside)) if len(outside) else None,
        A_eq=inside if len(inside) else None,
        b_eq=np.zeros(len(inside)) if len(inside) else None,
        bounds=(-1, 1),
    )
    return found.fun < -1e-7


@pytest.mark.grid(2)
@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_infinite_coefficients_are_told_from_large_ones(family):
    counts = {True: 0, False: 0}
    for seed in range(150):
        rng = np.random.default_rng(seed)
        n, d = rng.integers(8, 50), rng.integers(1, 4)
        X = rng.integers(0, 3, (n, d)).astype(float) if seed % 2 else rng.normal(size=(n, d))
        X[:, 0] = np.round(10 * X[:, 0]) if seed % 3 else X[:, 0] * 1e4 + 1e6
        z = (X - X.mean(axis=0)) / X.std(axis=0)
        eta = np.clip(rng.normal(-1) + z @ rng.normal(0, 1.5, d), -20, 4)
        draws = rng.random(n) < naive.MEANS["binomial"](eta), rng.poisson(np.exp(eta))
        y = draws[family == "poisson"].astype(float)
        refusal = refusal_of(X, y, family)
        expected = has_no_finite_estimate(with_ones(z), y, family)
        assert ("infinite" in refusal) == expected, (seed, refusal)
        assert expected or not refusal
        counts[bool(expected)] += 1
    assert min(counts.values()) > 10


def refusal_of(X, y, family):
    try:
        rectify_glm(X, y, np.clip(y, 0.1, 0.9), X[:0], y[:0], family=family)
    except ValueError as error:
        return str(error)
    return ""


def with_levels(family, without=None, value=0.0):
    """Four levels as three columns and a number; no other label than `value` in one of them."""
    rng = np.random.default_rng(1)
    level, x = rng.integers(0, 4, 900), rng.normal(size=900)
    y = {"binomial": (rng.random(900) < 0.5) * 1.0, "poisson": rng.poisson(1.5, 900) * 1.0}[family]
    f = np.clip(0.2 + 0.5 * y + 0.1 * rng.random(900), 0, 1)
    if without is not None:
        y[(level == without) & (np.arange(900) < 300)] = value
    X = np.column_stack([level == 1, level == 2, level == 3, x]).astype(float)
    return X[:300], y[:300], f[:300], X[300:], f[300:]


@pytest.mark.parametrize("family", ["binomial", "poisson"])
@pytest.mark.parametrize(
    ("without", "names"),
    [(1, "coefficient of x0 is infinite"), (0, "coefficients of intercept, x0, x1, x2 are infinite")],
)
@pytest.mark.parametrize("scale", [1.0, 1e-9])
def test_a_category_without_events_is_named(family, without, names, scale):
    X, y, f, X_pool, f_pool = with_levels(family, without)
    n = np.sum(X[:, 0] == 1) if without else np.sum(X[:, :3].sum(axis=1) == 0)
    message = f"The {names}: the {n} of 300 rows that are concerned have no events .labels of 0 only.*all 300 labels"
    with pytest.raises(ValueError, match=message):
        rectify_glm(X * scale, y, f, X_pool * scale, f_pool, family=family)
    # One event is enough.
    y[np.flatnonzero((X[:, 0] == 1) if without else (X[:, :3].sum(axis=1) == 0))[0]] = 1.0
    result = rectify_glm(X, y, f, X_pool, f_pool, family=family)
    assert np.isfinite(result.estimate).all()
    assert result.standard_error.max() < 3


def test_a_category_of_events_only_is_named():
    X, y, f, X_pool, f_pool = with_levels("binomial", 2, 1.0)
    with pytest.raises(ValueError, match=r"The coefficient of x1 is infinite.*events only"):
        rectify_logistic_regression(X, y, f, X_pool, f_pool)
    both = np.where(X[:, 0] == 1, 0.0, y)
    with pytest.raises(
        ValueError, match="Classes are separated: the coefficients of x0, x1 are infinite"
    ):
        rectify_logistic_regression(X, both, f, X_pool, f_pool)


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_one_event_among_a_thousand_is_finite(family):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X, X_pool = rng.normal(size=(1_000, 2)), rng.normal(size=(3_000, 2))
        y = (np.arange(1_000) == 7) * 1.0
        f, f_pool = 0.01 * rng.random(1_000), 0.01 * rng.random(3_000)
        result = rectify_glm(X, y, f, X_pool, f_pool, family=family)
        assert result.standard_error.max() < 10


# Another package


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["family"])
def test_agrees_with_ppi_python_for_a_given_lambda(case):
    """Linear: to 1e-10. The others solve another equation, the same to first order: with 60 labels up to half a standard error apart."""
    X, y, f = (np.array(case[name]) for name in ("X", "y", "f"))
    r = len(y)
    for golden in case["ppi_python"]:
        weight = golden["lambda"]
        result = rectify_glm(X[:r], y, f[:r], X[r:], f[r:], family=case["family"], lambda_=weight)
        if case["family"] == "gaussian":
            np.testing.assert_allclose(result.estimate, golden["estimate"], atol=1e-10)
        else:
            gap = np.abs(result.estimate - golden["estimate"]) / result.standard_error
            assert gap.max() < (0.01 if weight == 0 else 0.75)


def test_why_the_errors_of_ppi_python_differ():
    """Its interval for least squares, rebuilt: scores of predictions at the labels' theta, one H over both samples, z."""
    case = next(case for case in GOLDEN if case["family"] == "gaussian")
    X, y, f = (np.array(case[name]) for name in ("X", "y", "f"))
    r, m, design = len(y), len(f) - len(y), with_ones(X)
    for golden in case["ppi_python"]:
        weight, theta = golden["lambda"], np.array(golden["estimate"])
        used = design if weight else design[:r]
        bread = np.linalg.inv(used.T @ used / len(used))
        of_y, of_f = (
            design[: len(target)] * (target - design[: len(target)] @ theta)[:, None]
            for target in (y, f)
        )
        meat = np.cov((of_y - weight * of_f[:r]).T) + weight**2 * r / m * np.cov(of_f[r:].T)
        reach = stats.norm.ppf(0.95) * np.sqrt(np.diag(bread @ meat @ bread) / r)
        np.testing.assert_allclose(golden["interval"], [theta - reach, theta + reach], atol=1e-10)


# Laws


@families
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), random=st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(family, seed, random):
    X, y, f, X_pool, f_pool = sample_of(family, seed)
    order = random.sample(range(len(y)), len(y))
    one = rectify_glm(X, y, f, X_pool, f_pool, family=family)
    other = rectify_glm(X[order], y[order], f[order], X_pool[::-1], f_pool[::-1], family=family)
    np.testing.assert_allclose(other.estimate, one.estimate, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(other.covariance, one.covariance, rtol=1e-6, atol=1e-11)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(-50, 50), st.floats(0.01, 1e6))
def test_units_of_the_labels_do_not_matter(seed, shift, scale):
    X, y, f, X_pool, f_pool = sample_of("gaussian", seed)
    one = rectify_linear_regression(X, y, f, X_pool, f_pool)
    other = rectify_linear_regression(
        X, shift + scale * y, shift + scale * f, X_pool, shift + scale * f_pool
    )
    moved = scale * one.estimate + [shift, 0, 0]
    np.testing.assert_allclose(other.estimate, moved, rtol=1e-7, atol=1e-8 * (scale + abs(shift)))
    np.testing.assert_allclose(other.standard_error, scale * one.standard_error, rtol=1e-6)
    np.testing.assert_allclose(other.lambda_, one.lambda_, rtol=1e-6, atol=1e-8)


@families
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_other_coordinates_transform_the_coefficients(family, seed):
    """X A has the coefficients A^-1 theta, at any lambda that is the same for all coefficients."""
    X, y, f, X_pool, f_pool = sample_of(family, seed)
    A = np.random.default_rng(seed).normal(size=(3, 3)) + 3 * np.eye(3)
    X, X_pool = with_ones(X), with_ones(X_pool)
    one = rectify_glm(X, y, f, X_pool, f_pool, family=family, fit_intercept=False, lambda_=0.7)
    other = rectify_glm(
        X @ A, y, f, X_pool @ A, f_pool, family=family, fit_intercept=False, lambda_=0.7
    )
    inverse = np.linalg.inv(A)
    np.testing.assert_allclose(other.estimate, inverse @ one.estimate, rtol=1e-6, atol=1e-8)
    expected = inverse @ one.covariance @ inverse.T
    np.testing.assert_allclose(other.covariance, expected, rtol=1e-6, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.floats(-20, 20), min_size=3, max_size=3))
def test_a_bias_that_is_linear_in_x_costs_nothing(seed, c):
    X, y, f, X_pool, f_pool = sample_of("gaussian", seed)
    one = rectify_linear_regression(X, y, f, X_pool, f_pool)
    other = rectify_linear_regression(
        X, y, f + with_ones(X) @ c, X_pool, f_pool + with_ones(X_pool) @ c
    )
    np.testing.assert_allclose(other.estimate, one.estimate, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(other.covariance, one.covariance, rtol=1e-7, atol=1e-11)


@families
def test_columns_of_any_scale(family):
    X, y, f, X_pool, f_pool = sample_of(family)
    scale = np.array([1e6, 1e-6])
    one = rectify_glm(X, y, f, X_pool, f_pool, family=family)
    other = rectify_glm(X * scale, y, f, X_pool * scale, f_pool, family=family)
    np.testing.assert_allclose(other.estimate[1:] * scale, one.estimate[1:], rtol=1e-7)
    np.testing.assert_allclose(other.standard_error[1:] * scale, one.standard_error[1:], rtol=1e-6)


def uncentred(name, rng, rows):
    """Columns as they come, the same centred and scaled, and which coefficient is which, with its unit."""
    t, u = rng.normal(size=(2, rows))
    year, x = rng.integers(2000, 2025, rows).astype(float), rng.uniform(0, 700, rows)
    ticks = np.round(rng.uniform(0, 2.0**20, rows))
    d, z = year - 2012, (x - 350) / 200
    fine = np.round(t * 2.0**20) / 2.0**20
    near = np.round(u * 2.0**10) / 2.0**10
    return {
        "year and its square": ([year, year**2], [d, d**2], {2: 1.0}),
        "three powers of year": ([year, year**2, year**3], [d, d**2, d**3], {3: 1.0}),
        "three powers to 700": ([x, x**2, x**3], [z, z**2, z**3], {3: 200.0**-3}),
        "seconds since 1970": ([1.7e9 + ticks / 32, t], [ticks / 2**15, t], {1: 2.0**-10, 2: 1.0}),
        "nanoseconds since 1970": (
            [1.7e18 // 2**30 * 2**30 + ticks * 2.0**25, t],
            [ticks / 2**15, t],
            {1: 2.0**-40, 2: 1.0},
        ),
        "copies but for 1e-6": ([fine, fine + near * 2.0**-20], [fine, near], {2: 2.0**20}),
        "units": ([t * 1e-12, u * 1e12], [t, u], {1: 1e12, 2: 1e-12}),
        "extreme units": ([t * 1e-140, u * 1e140], [t, u], {1: 1e140, 2: 1e-140}),
    }[name]


UNCENTRED = [
    "year and its square",
    "three powers of year",
    "three powers to 700",
    "seconds since 1970",
    "nanoseconds since 1970",
    "copies but for 1e-6",
    "units",
    "extreme units",
]


@families
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("name", UNCENTRED)
def test_origins_and_units_of_columns_do_not_matter(family, intercept, name):
    rng, r, rows = np.random.default_rng(3), 150, 1_000
    raw, centred, same = uncentred(name, rng, rows)
    raw, centred = np.transpose(raw), np.transpose(centred)
    z = (centred - centred.mean(axis=0)) / centred.std(axis=0)
    eta = 0.3 + z.mean(axis=1)
    draws = {"binomial": rng.random(rows) < naive.MEANS["binomial"](eta)}
    draws["poisson"] = rng.poisson(np.exp(np.clip(eta, -5, 4)))
    y = draws.get(family, eta + rng.normal(size=rows)).astype(float)
    f = 0.2 + 0.6 * y + 0.2 * rng.random(rows)
    results = []
    for X in (raw, centred):
        X = X if intercept else np.column_stack([X, np.ones(rows)])
        results.append(
            rectify_glm(X[:r], y[:r], f[:r], X[r:], f[r:], family=family, fit_intercept=intercept)
        )
    one, other = results
    for position, unit in same.items():
        j = position - (not intercept)
        for attribute, scale in (
            ("estimate", unit),
            ("standard_error", unit),
            ("lambda_", 1),
            ("efficiency", 1),
        ):
            expected = scale * getattr(other, attribute)[j]
            assert getattr(one, attribute)[j] == pytest.approx(expected, rel=1e-6), attribute


def test_a_pool_that_is_centred_elsewhere():
    """One wild label row moves neither the middle nor the scale of a column."""
    X, y, f, X_pool, f_pool = sample_of("gaussian")
    X[3, 0] = 1e9
    result = rectify_linear_regression(X, y, f, X_pool, f_pool)
    of_pool = naive.fit_glm(with_ones(X_pool), f_pool, "gaussian").mean(axis=0)
    np.testing.assert_allclose(result.predictions_only.estimate, of_pool, rtol=1e-7)
    design = with_ones(X) / [1, 1e9, 1]
    alone = np.linalg.lstsq(design, y, rcond=None)[0] / [1, 1e9, 1]
    np.testing.assert_allclose(result.labels_only.estimate, alone, rtol=1e-6)


COLLINEAR = {
    "a copy": (lambda X: [X[:, 0], X[:, 0]], "x0, x1"),
    "twice": (lambda X: [X[:, 0], 2 * X[:, 0]], "x0, x1"),
    "every class": (lambda X: [X[:, 0] > 0, X[:, 0] <= 0], "intercept, x0, x1"),
    "constant": (lambda X: [X[:, 0], np.full(len(X), 7.3)], "intercept, x1"),
    "large constant": (lambda X: [np.full(len(X), 1.7e18), X[:, 0]], "intercept, x0"),
    "zero": (lambda X: [X[:, 0], 0 * X[:, 1]], "x1"),
    "a sum": (lambda X: [X[:, 0], X[:, 1], X[:, 0] + X[:, 1]], "x0, x1, x2"),
    "thirds": (lambda X: [X[:, 0] / 3, X[:, 1] / 7, X[:, 0] / 11 - X[:, 1] / 13], "x0, x1, x2"),
    "dates": (lambda X: [1.7e9 + X[:, 0], X[:, 1], 0.1 * (1.7e9 + X[:, 0])], "x0, x2"),
    "large sum": (lambda X: [1e12 + X[:, 0], X[:, 1], 1e12 + X[:, 0] + X[:, 1]], "x0, x2"),
    "tiny copy": (lambda X: [X[:, 0], X[:, 1], 1e-12 * X[:, 1]], "x1, x2"),
    "single precision": (lambda X: np.float32([X[:, 0], X[:, 1], X[:, 0] + X[:, 1]]), "x0, x1, x2"),
}


@families
@pytest.mark.parametrize("case", COLLINEAR)
def test_collinear_columns_are_named(family, case):
    make, names = COLLINEAR[case]
    X, y, f, X_pool, f_pool = sample_of(family)
    design, pool = (np.transpose(make(rows)) for rows in (X, X_pool))
    with pytest.raises(ValueError, match=f"The columns {names} of X are collinear"):
        rectify_glm(design, y, f, pool, f_pool, family=family)


def test_columns_that_only_the_pool_has_collinear():
    X, y, f, X_pool, f_pool = sample_of("gaussian")
    for last, names in ((X_pool[:, 0], "x0, x1"), (np.full(150, 0.3), "intercept, x1")):
        pool = np.column_stack([X_pool[:, 0], last])
        with pytest.raises(
            ValueError, match=f"columns {names} of X are collinear.*predictions of the pool"
        ):
            rectify_linear_regression(X, y, f, pool, f_pool)


@families
def test_blocks_do_not_matter(family, monkeypatch):
    sample = sample_of(family)
    whole = rectify_glm(*sample, family=family)
    monkeypatch.setattr(_estimand, "BLOCK_ROWS", 7)
    pieces = rectify_glm(*sample, family=family)
    np.testing.assert_allclose(pieces.estimate, whole.estimate, rtol=1e-9)
    np.testing.assert_allclose(pieces.covariance, whole.covariance, rtol=1e-8)


# Large pools


@families
def test_pools_are_read_in_blocks(family):
    rng = np.random.default_rng(0)
    X, y, f, _, f_pool = sample_of(family, r=200)
    pool = (
        rng.normal(size=(600_000, 2)).astype(np.float32),
        np.resize(f_pool, 600_000).astype(np.float32),
    )
    tracemalloc.start()
    small = rectify_glm(X, y, f, *pool, family=family)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Rows to start from and a block, in float64: far less than the pool.
    assert peak < 8 * 8 * _pool.BLOCK_ROWS < pool[0].nbytes
    large = rectify_glm(X, y, f, *(rows.astype(np.float64) for rows in pool), family=family)
    np.testing.assert_allclose(small.estimate, large.estimate, rtol=1e-9)


# Sorted, so that the labeled rows are of another kind than the pool.
@pytest.mark.filterwarnings("ignore::sklearn_ftr.PredictionShiftWarning")
def test_a_long_sorted_pool_converges():
    """Its first million rows are all of one class."""
    X, y, f, _, _ = sample_of("binomial", r=100)
    x = np.resize(np.random.default_rng(1).normal(size=4_001), (1_300_000, 1)).astype(np.float32)
    target = (np.arange(len(x)) >= 1_100_000).astype(np.float32)
    result = rectify_logistic_regression(X[:, :1], y, f, x, target)
    share = result.predictions_only.estimate
    np.testing.assert_allclose(share, [np.log(2 / 11), 0], atol=0.02)


# Legal, if odd


def test_names_come_from_columns():
    X, y, f, X_pool, f_pool = sample_of("gaussian")
    frame, pool = (pd.DataFrame(rows, columns=["age", "income"]) for rows in (X, X_pool))
    result = rectify_linear_regression(frame, pd.Series(y), pd.Series(f), pool, pd.Series(f_pool))
    assert result.names == ("intercept", "age", "income")
    assert "[income]" in str(result)
    assert list(result.to_frame().index) == ["intercept", "age", "income"]
    plain = rectify_linear_regression(X, y, f, X_pool, f_pool)
    np.testing.assert_array_equal(result.estimate, plain.estimate)
    assert plain.names == ("intercept", "x0", "x1")
    alone = rectify_linear_regression(frame["age"], y, f, pool["age"], f_pool, fit_intercept=False)
    assert alone.names == ("age",)


def test_constant_labels_are_flagged():
    X, _, f, X_pool, f_pool = sample_of("gaussian")
    with pytest.warns(ZeroWidthIntervalWarning) as caught:
        result = rectify_linear_regression(X, np.zeros(45), f, X_pool, f_pool)
    assert caught[0].filename == __file__
    assert result.zero_width
    np.testing.assert_array_equal(result.estimate, 0)
    with pytest.warns(ZeroWidthIntervalWarning) as caught:
        rectify_glm(X, np.zeros(45), f, X_pool, f_pool)
    assert caught[0].filename == __file__


@families
def test_constant_predictions_are_ignored(family):
    X, y, _, X_pool, _ = sample_of(family)
    result = rectify_glm(X, y, np.full(45, 0.1), X_pool, np.full(150, 0.1), family=family)
    np.testing.assert_allclose(result.estimate, result.labels_only.estimate, rtol=1e-9)
    np.testing.assert_allclose(result.efficiency, 1, rtol=0.05)


@pytest.mark.parametrize("offset", [0.1, 1e6])
@pytest.mark.parametrize("in_sample", [False, True])
def test_predictions_that_are_linear_in_x_are_ignored(offset, in_sample):
    """Their influence values are rounding errors, by which no lambda may be tuned."""
    X, y, _, X_pool, _ = sample_of("gaussian")
    design, of_pool = with_ones(X), with_ones(X_pool)
    theta = np.linalg.lstsq(design, y, rcond=None)[0] if in_sample else np.array([0.3, 17.1, -0.7])
    theta[0] += offset
    result = rectify_linear_regression(X, y + offset, design @ theta, X_pool, of_pool @ theta)
    np.testing.assert_array_equal(result.lambda_, 0)
    np.testing.assert_allclose(result.estimate, result.labels_only.estimate, rtol=1e-9)
    np.testing.assert_allclose(result.efficiency, 1, rtol=0.05)


def test_labels_that_are_linear_in_x_are_flagged():
    X, _, f, X_pool, f_pool = sample_of("gaussian")
    with pytest.warns(ZeroWidthIntervalWarning):
        result = rectify_linear_regression(X, 0.1 + X @ [3.1, 0.7], f, X_pool, f_pool)
    np.testing.assert_allclose(result.estimate, [0.1, 3.1, 0.7], atol=1e-12)
    assert result.zero_width
