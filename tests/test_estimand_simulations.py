"""Coverage of the 95 % intervals of every estimand (`make slow`): true parameters known, draw i uses seed i.

First of the functions on arrays, then of the estimators, whose population is that of benchmarks/estimand_coverage.py.
"""

import functools
import warnings

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit
from sklearn.linear_model import LinearRegression
from test_simulations import benchmark

from sklearn_ftr import (
    RectifiedQuantile,
    ZeroWidthIntervalWarning,
    m_estimate,
    rectify_difference,
    rectify_glm,
    rectify_quantile,
)

pytestmark = pytest.mark.slow
DRAWS, POOL = 1_500, 3_000
COEFFICIENTS = np.array([0.3, 0.5, -0.4])


def regression(family, rng, r):
    X = rng.normal(size=(r + POOL, 2))
    eta = COEFFICIENTS[0] + X @ COEFFICIENTS[1:]
    if family == "gaussian":  # errors that grow with x
        y = eta + rng.normal(size=r + POOL) * (0.5 + 0.5 * np.abs(X[:, 0]))
        f = 0.8 * y + 0.4 * rng.normal(size=r + POOL) + 0.5 * X[:, 1]
    elif family == "binomial":
        y = (rng.random(r + POOL) < expit(eta)) * 1.0
        f = np.where(rng.random(r + POOL) < 0.85, y, 1 - y)
    else:
        y = rng.poisson(np.exp(eta)) * 1.0
        f = 0.8 * y + 0.5 * rng.random(r + POOL)
    result = rectify_glm(X[:r], y[:r], f[:r], X[r:], f[r:], family=family)
    return result, COEFFICIENTS


def labels(rng, n):
    y = rng.normal(size=n)
    return y, 0.8 * y + 0.5 * rng.normal(size=n) + 0.4


def quantile(rng, r):
    levels = [0.25, 0.5, 0.8]
    y, f = labels(rng, r + POOL)
    return rectify_quantile(y[:r], f[:r], f[r:], levels), stats.norm.ppf(levels)


def difference(rng, r):
    group = np.arange(r + POOL) % 2
    y, f = labels(rng, r + POOL)
    y, f = y * (1 + group) + 0.3 * group, f * (1 + group)
    return rectify_difference(y[:r], f[:r], f[r:], group[:r], group[r:]), 0.3


def mean_and_variance(rng, r):
    def psi(X, y, theta):
        return np.column_stack([y - theta[0], (y - theta[0]) ** 2 - theta[1]])

    y, f = labels(rng, r + POOL)
    nothing = np.empty((r + POOL, 0))
    result = m_estimate(psi, nothing[:r], y[:r], f[:r], nothing[r:], f[r:], start=[0, 1])
    return result, np.array([0.0, 1.0])


CASES = {
    "linear": lambda rng, r: regression("gaussian", rng, r),
    "logistic": lambda rng, r: regression("binomial", rng, r),
    "Poisson": lambda rng, r: regression("poisson", rng, r),
    "quantile": quantile,
    "difference": difference,
    "mean and variance": mean_and_variance,
}
# With few labels sandwich errors, of squares above all, are too small for labels alone as well.
LACK = {50: 0.03, 200: 0.01, 1000: 0.0}


@pytest.mark.parametrize("r", LACK)
@pytest.mark.parametrize("case", CASES)
def test_intervals_cover_as_often_as_they_say(case, r):
    """Each number's coverage within 4 Monte Carlo errors of 95 %, but for what labels alone lack with few of them."""
    covered, alone, better = [], [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZeroWidthIntervalWarning)
        for seed in range(DRAWS):
            result, truth = CASES[case](np.random.default_rng(seed), r)
            for answer, hits in ((result, covered), (result.labels_only, alone)):
                low, high = answer.confidence_interval()
                hits.append(np.atleast_1d((low <= truth) & (truth <= high)))
            better.append(np.atleast_1d(result.efficiency))
    shares, usual = np.mean(covered, axis=0), np.mean(alone, axis=0)
    error = (0.95 * 0.05 / DRAWS) ** 0.5
    print(case, r, shares.round(3), usual.round(3), np.median(better, axis=0).round(2))
    assert (shares < 0.95 + 4 * error + (0.02 if case == "quantile" else 0)).all()
    assert (shares > np.minimum(0.95, usual) - 4 * error - LACK[r]).all()
    assert (np.median(better, axis=0) > 1.05).all()


study = benchmark("estimand_coverage")
ESTIMATOR_DRAWS = 1_000
CELLS = [(r, way) for r, way in study.cells() if r < 1_000]


@functools.cache
def cell(estimand, r, way):
    return study.simulate(r, estimand, way, ESTIMATOR_DRAWS)


# Stars are mostly estimated without any error: there is no spread to compare with.
CONTINUOUS = [estimand for estimand in study.ESTIMANDS if "stars" not in estimand]


@pytest.mark.parametrize("estimand", CONTINUOUS)
def test_true_parameters(estimand):
    """Those of 500,000 labels, but for 4 standard errors."""
    labels_only = study.result(0, 400_000, estimand, "split").labels_only
    gap = np.abs(labels_only.estimate - study.truth(estimand))
    assert np.all(gap < 4 * labels_only.standard_error)


@pytest.mark.parametrize(("r", "way"), CELLS)
@pytest.mark.parametrize("estimand", study.ESTIMANDS)
def test_intervals_of_estimators_cover_as_often_as_they_say(estimand, r, way):
    """Each number between 92.5 and 97.5 %, or at most 2 % off labels alone where those cover too rarely or too often.

    Order statistics cover more than they say where labels are few or shared by many rows.
    """
    shares, alone = (cell(estimand, r, way)[name] for name in ("coverage", "coverage alone"))
    most = 0.99 if "median" in estimand or "quantile" in estimand else 0.975
    assert (shares >= np.minimum(0.925, alone - 0.02)).all()
    assert (shares <= np.maximum(most, alone + 0.02)).all() or "stars" in estimand


@pytest.mark.parametrize(("r", "way"), CELLS)
@pytest.mark.parametrize("estimand", CONTINUOUS)
def test_estimators_are_no_more_biased_than_labels_alone(estimand, r, way):
    """But for 4 Monte Carlo errors. Quantiles of few labels and maximum likelihood have some, in units of their error."""
    bias, alone = (np.abs(cell(estimand, r, way)[name]) for name in ("bias", "bias alone"))
    assert (alone < 0.35).all()
    assert (bias < alone + 4 / np.sqrt(ESTIMATOR_DRAWS)).all()


@pytest.mark.parametrize("way", ["split", "split, recycled", "K = 5"])
@pytest.mark.parametrize("estimand", CONTINUOUS)
def test_bootstraps_agree_with_standard_errors_on_average(estimand, way):
    """Of a quantile, half the width of an interval and a standard deviation are not the same."""
    results = [study.result(seed, 200, estimand, way) for seed in range(100)]
    draws = [result.bootstrap(400, random_state=0).std(axis=0, ddof=1) for result in results]
    stated = np.mean([result.standard_error for result in results], axis=0)
    tolerance = 0.1 if estimand in ("median", "quantile 0.9") else 0.02
    np.testing.assert_allclose(np.mean(draws, axis=0), stated, rtol=tolerance)


@pytest.mark.parametrize("way", ["split", "split, recycled", "K = 5"])
def test_several_quantiles_at_once(way):
    """Each as if it were alone, in order, and its interval as often right."""
    levels = [0.1, 0.25, 0.5, 0.9]
    truth = [study.true_quantile(level) for level in levels]
    held = []
    for seed in range(ESTIMATOR_DRAWS):
        X, y = study.draw(seed, 50, "normal")
        model = RectifiedQuantile(LinearRegression(), q=levels, random_state=seed, **study.WAYS[way])
        result = model.fit(X, y).result_
        assert (np.diff(result.estimate) >= 0).all()
        if seed < 10:
            alone = [model.set_params(q=level).fit(X, y).result_ for level in levels]
            for name in ("estimate", "standard_error", "efficiency"):
                together = getattr(result, name)
                np.testing.assert_array_equal(together, [getattr(one, name) for one in alone])
        low, high = result.confidence_interval()
        held.append((low <= truth) & (truth <= high))
    shares = np.mean(held, axis=0)
    assert ((shares > 0.925) & (shares < 0.99)).all()
