"""What pieces that know unequally much of a number cost its interval."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from sklearn_ftr import (
    SamplingDesign,
    rectify_linear_regression,
    rectify_mean,
    rectify_poisson_regression,
)
from sklearn_ftr.rectification._evenness import Evenness
from sklearn_ftr.rectification._intervals import of_labels_only


def mean_of_labels(y, **design):
    """Of labels alone."""
    return rectify_mean(y, y, y[:0], design=SamplingDesign(**design) if design else None)


def half_width(interval):
    return (interval.high - interval.low) / 2


def quadratic_form(w, v):
    """Eigenvalues of the covariance of residuals (I - w 1') s, with sums s of variances v."""
    A = np.eye(len(w)) - np.outer(w, np.ones(len(w)))
    return np.linalg.eigvalsh(A @ np.diag(v) @ A.T)


def unequal(seed, n=15):
    weights = np.random.default_rng(seed).lognormal(size=n)
    return weights / weights.sum()


# The formulas


@pytest.mark.parametrize("seed", range(3))
def test_moments_of_the_quadratic_form(seed):
    """Trace and log determinant by their closed forms, and by eigenvalues."""
    w, v = unequal(seed), unequal(seed + 10)
    one = Evenness(w[:, None], v[:, None], np.zeros(15, dtype=int))
    understated, degrees = one.correct(np.ones((15, 1)))
    values = quadratic_form(w, v)
    assert understated[0] == pytest.approx(max(14 / 15 / values.sum(), 1), rel=1e-9)
    target = np.log1p(6 * values / values.sum()).sum()
    expected = brentq(lambda d: d * np.log1p(6 / d) - target, 0.1, 1e3)
    assert degrees[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("n", [3, 20, 2_000])
def test_even_pieces_have_one_degree_less_than_pieces(n):
    even = np.full((n, 1), 1 / n)
    one = Evenness(even, even, np.zeros(n, dtype=int))
    np.testing.assert_allclose(one.correct(np.arange(n)[:, None] * 1.0), [[1.0], [n - 1]], rtol=1e-6)


def test_even_clusters_are_the_t_interval():
    y, clusters = np.random.default_rng(0).standard_normal(40), np.repeat(np.arange(10), 4)
    result = mean_of_labels(y, clusters=clusters)
    np.testing.assert_array_equal(result.confidence_interval(), result.confidence_interval(method="t"))
    assert "effective" not in result.interval_method


def test_variances_of_strata_are_welchs():
    """Two strata of six, by hand."""
    rng = np.random.default_rng(0)
    y = np.concatenate([rng.standard_normal(6), 5 * rng.standard_normal(6)])
    result = mean_of_labels(y, strata=np.repeat([0, 1], 6))
    a, b = y[:6].var(ddof=1), y[6:].var(ddof=1)
    degrees = (a + b) ** 2 / ((a**2 + b**2) / 7) - 2
    student = stats.t.ppf(0.975, min(degrees, 10)) * result.standard_error
    assert half_width(result.confidence_interval()) == pytest.approx(student, rel=1e-9)


# Where it matters


def test_uneven_clusters_widen_the_interval_and_nothing_else():
    sizes = np.array([60, 20, 10, 5, 5, 4, 3, 3, 2, 2])
    clusters = np.repeat(np.arange(10), sizes)
    y = np.random.default_rng(1).standard_normal(sizes.sum())
    result = mean_of_labels(y, clusters=clusters)
    assert result.degrees_of_freedom == 9
    assert half_width(result.confidence_interval()) > 1.3 * half_width(
        result.confidence_interval(method="t")
    )
    assert "effective degrees of freedom" in result.interval_method


def test_nothing_depends_on_labels_within_one_stratum():
    """The ratio of both widths is that of the design."""
    clusters, ratios = np.repeat(np.arange(8), np.arange(1, 9)), []
    for seed in range(2):
        y = np.random.default_rng(seed).standard_normal(36)
        result = mean_of_labels(y, clusters=clusters)
        ratios.append(
            half_width(result.confidence_interval())
            / half_width(result.confidence_interval(method="t"))
        )
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-9)


def test_a_rare_dummy_has_the_degrees_of_its_rows():
    rng, X = np.random.default_rng(0), (np.arange(100) < 5)[:, None] * 1.0
    y = rng.standard_normal(100)
    result = rectify_linear_regression(X, y, y, X[:0], y[:0])
    reach = np.column_stack([np.ones(100), X]) @ np.linalg.inv(
        np.column_stack([np.ones(100), X]).T @ np.column_stack([np.ones(100), X])
    )
    w = (reach**2 / (reach**2).sum(axis=0))[:, 1]
    values = quadratic_form(w, w)
    target = np.log1p(6 * values / values.sum()).sum()
    degrees = brentq(lambda d: d * np.log1p(6 / d) - target, 0.1, 1e3)
    assert degrees < 6
    factor = stats.t.ppf(0.975, degrees) / stats.t.ppf(0.975, 98)
    factor *= np.sqrt(99 / 100 / values.sum())
    widths = [half_width(result.confidence_interval(method=one))[1] for one in ("auto", "t")]
    assert widths[0] / widths[1] == pytest.approx(factor, rel=1e-6)
    assert "Too few labels" in str(result)


def test_rows_of_a_balanced_regression_are_nearly_alike():
    rng, X = np.random.default_rng(0), (np.arange(100) % 2)[:, None] * 1.0
    y = rng.standard_normal(100)
    result = rectify_linear_regression(X, y, y, X[:0], y[:0])
    widths = [half_width(result.confidence_interval(method=one)) for one in ("auto", "t")]
    np.testing.assert_allclose(widths[0], widths[1], rtol=0.02)


@pytest.mark.parametrize("rectify", [rectify_linear_regression, rectify_poisson_regression])
def test_contrasts_and_units_of_columns(rectify):
    """A single coefficient as a contrast, and in other units, has the same interval."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.random(80) < 0.1, rng.standard_normal(80)]).astype(float)
    y = rng.poisson(2.0, size=80).astype(float)
    f = np.maximum(y + rng.standard_normal(80), 0.1)
    result = rectify(X[:60], y[:60], f[:60], X[60:], f[60:])
    scaled = rectify(1e3 * X[:60], y[:60], f[:60], 1e3 * X[60:], f[60:])
    low, high = result.confidence_interval()
    np.testing.assert_allclose(scaled.confidence_interval().low[1:] * 1e3, low[1:], rtol=1e-6)
    one = result.contrast([0.0, 1.0, 0.0]).confidence_interval()
    np.testing.assert_allclose(one, [low[1], high[1]], rtol=1e-9)


def test_p_values_invert_intervals():
    clusters = np.repeat(np.arange(8), np.arange(1, 9))
    y = np.random.default_rng(0).standard_normal(36)
    result = mean_of_labels(y, clusters=clusters)
    assert result.p_value(result.confidence_interval().high) == pytest.approx(0.05, rel=1e-6)


def test_extreme_designs_have_finite_intervals():
    """One cluster holds nearly all, strata of one piece, and weights of 0."""
    y = np.random.default_rng(0).standard_normal(60)
    designs = [
        {"clusters": np.r_[np.zeros(58), 1, 2]},
        {"weights": np.r_[1e6, np.ones(59)]},
        {"weights": np.r_[0.0, np.ones(59)], "clusters": np.arange(60) // 2},
        {"strata": np.r_[0, np.repeat(1, 59)], "lonely": "center"},
    ]
    for design in designs:
        result = mean_of_labels(y, **design)
        for interval in (result.confidence_interval(), of_labels_only(result).confidence_interval()):
            assert np.isfinite(interval).all()
            assert half_width(interval) >= half_width(result.confidence_interval(method="t")) * (
                1 - 1e-12
            )


@pytest.mark.slow
@pytest.mark.parametrize("correlation", [0.05, 0.3])
@pytest.mark.parametrize("n_clusters", [20, 40])
def test_coverage_of_uneven_clusters(n_clusters, correlation):
    """800 draws (0.8 %) of normal labels in clusters of lognormal sizes: Student's covers 91 to 92 %."""
    held = []
    for seed in range(800):
        rng = np.random.default_rng(seed)
        sizes = np.maximum(1, np.round(10 * rng.lognormal(size=n_clusters))).astype(int)
        clusters = np.repeat(np.arange(n_clusters), sizes)
        y = np.sqrt(correlation) * rng.standard_normal(n_clusters)[clusters]
        y += np.sqrt(1 - correlation) * rng.standard_normal(len(y))
        low, high = mean_of_labels(y, clusters=clusters).confidence_interval()
        held.append(low <= 0 <= high)
    assert np.mean(held) > 0.925
