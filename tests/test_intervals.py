"""Which interval a result has, and that every test inverts its interval."""

import dataclasses

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import Ridge
from test_simulations import benchmark

from sklearn_ftr import (
    RectifiedDifference,
    RectifiedMeanEstimator,
    RectifiedQuantile,
    rectify_difference,
    rectify_linear_regression,
    rectify_mean,
    rectify_quantile,
)
from sklearn_ftr.rectification._bootstrap_t import BootstrapT
from sklearn_ftr.rectification._confidence_sequence import level_of_look
from sklearn_ftr.rectification._inference import Estimate
from sklearn_ftr.rectification._influence import Influence, Recycled
from sklearn_ftr.rectification._intervals import few_labels, of_labels_only
from sklearn_ftr.rectification._simultaneous import _holm
from sklearn_ftr.rectification._skewed import SkewedT

METHODS = ["t", "skewed", "bootstrap-t"]
ALTERNATIVES = ["two-sided", "less", "greater"]


def labels(kind="lognormal", n=40, k=None, seed=0):
    rng = np.random.default_rng(seed)
    shape = n + 500 if k is None else (n + 500, k)
    y = rng.lognormal(size=shape) if kind == "lognormal" else rng.standard_normal(shape)
    f = y + rng.standard_normal(shape)
    return y[:n], f[:n], f[n:]


def sample_of_groups(n=60, seed=0):
    y, f, pool = labels(n=n, seed=seed)
    return y, f, pool, np.arange(n) % 3 == 0, np.arange(len(pool)) % 3 == 0


RESULTS = {
    "mean": lambda **options: rectify_mean(*labels(), **options),
    "means": lambda **options: rectify_mean(*labels(k=3), **options),
    "difference": lambda **options: rectify_difference(*sample_of_groups(), **options),
    "recycled": lambda **options: recycled(**options),
}


def recycled(**options):
    y, f, pool = labels(n=80)
    X = np.append(f, pool)[:, None]
    hidden = np.append(y, np.full(len(pool), np.nan))
    return RectifiedMeanEstimator(Ridge(), random_state=0, **options).fit(X, hidden).result_


# Every method


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_p_values_invert_intervals(name, method, alternative):
    result = RESULTS[name]()
    low, high = map(np.array, result.confidence_interval(0.9, alternative, method=method))
    reach = 6 * np.array(result.standard_error)
    for step in np.linspace(-1, 1, 9 if method == "bootstrap-t" else 41) + 1e-3:
        null = result.estimate + step * reach
        p = result.p_value(null, alternative, method=method)
        np.testing.assert_array_equal(np.asarray(p) > 0.1, (low < null) & (null < high))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_infinite_nulls(method, alternative):
    result = RESULTS["means"]()
    for null in (np.inf, -np.inf):
        p = result.p_value(null, alternative, method=method)
        contradicts = {"less": null < 0, "greater": null > 0, "two-sided": False}[alternative]
        assert np.all(p > 0.99 if contradicts else p < 0.01)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", RESULTS)
def test_wider_levels_contain_narrower_ones(name, method):
    result = RESULTS[name]()
    inner, outer = (result.confidence_interval(level, method=method) for level in (0.8, 0.99))
    assert np.all(np.less(outer.low, inner.low) & np.less(inner.high, outer.high))
    assert np.isfinite(outer).all()


@pytest.mark.parametrize("name", RESULTS)
def test_bootstrap_t_has_no_ends_beyond_its_draws(name):
    """Of 1,999 draws the outermost leave out 1 / 2000 on each side, and no p-value is smaller."""
    result = RESULTS[name]()
    assert np.isfinite(result.confidence_interval(0.999, method="bootstrap-t")).all()
    ends = result.confidence_interval(0.9995, method="bootstrap-t")
    assert np.all(np.equal(ends.low, -np.inf) & np.equal(ends.high, np.inf))
    assert np.shape(ends.low) == np.shape(result.estimate)
    assert np.all(result.p_value(1e9, method="bootstrap-t") > 0.0005)


@pytest.mark.parametrize("scale", [1e-16, 1e-12, 1e-7, 1e-5])
def test_skewness_that_is_rounding_is_students_t(scale):
    student = Estimate(0.0, np.eye(1), 5.0)
    told = SkewedT(student, np.array([scale]))
    np.testing.assert_allclose(
        told.confidence_interval(0.9), student.confidence_interval(0.9), rtol=1e-4
    )
    np.testing.assert_allclose(told.p_value(2.0), student.p_value(2.0), rtol=1e-4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("factor", [1e-90, -1.0, -3.0, 1e90])
def test_units_do_not_matter(method, factor):
    y, f, pool = labels()
    here = rectify_mean(y, f, pool)
    there = rectify_mean(factor * y, factor * f, factor * pool)
    ends = factor * np.array(here.confidence_interval(method=method))
    np.testing.assert_allclose(np.sort(ends), there.confidence_interval(method=method), rtol=1e-9)
    p = [here.p_value(10.0, method=method), there.p_value(10.0 * factor, method=method)]
    np.testing.assert_allclose(p[0], p[1], rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_where_zero_is_does_not_matter(method):
    """Also for draws of one piece only, which have no variance but that of rounding."""
    y = np.array([1.0, 2.0, 3.0, 2.0])
    here = rectify_mean(y, y, []).confidence_interval(0.9, method=method)
    for shift in (0.1, -1 / 3, 1e5 / 3):
        there = rectify_mean(y + shift, y + shift, []).confidence_interval(0.9, method=method)
        np.testing.assert_allclose(np.add(here, shift), there, rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_numbers_beside_it_do_not_change_an_interval(method):
    """Neither how many they are nor their order."""
    rng = np.random.default_rng(3)
    y = rng.exponential(size=(120, 3))
    f = y + rng.normal(0.2, 0.3, size=y.shape)
    order = [2, 0, 1]
    whole = np.array(rectify_mean(y[:30], f[:30], f[30:]).confidence_interval(method=method))
    turned = rectify_mean(y[:30, order], f[:30, order], f[30:, order])
    np.testing.assert_allclose(whole[:, order], turned.confidence_interval(method=method), rtol=1e-9)
    for i in range(3):
        alone = rectify_mean(y[:30, i], f[:30, i], f[30:, i])
        np.testing.assert_allclose(whole[:, i], alone.confidence_interval(method=method), rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_no_variance_is_a_point(method):
    with pytest.warns(UserWarning, match="zero width"):
        result = rectify_mean(np.full(9, 3.0), np.full(9, 3.0), np.full(30, 3.0))
    assert result.confidence_interval(method=method) == (3.0, 3.0)
    assert (result.p_value(3.0, method=method), result.p_value(4.0, method=method) < 0.01) == (
        1.0,
        True,
    )


# What is asked for


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", RESULTS)
def test_the_interval_that_was_asked_for(name, method):
    asked, plain = RESULTS[name](interval=method), RESULTS[name]()
    assert asked.interval == method
    np.testing.assert_array_equal(asked.confidence_interval(), plain.confidence_interval(method=method))
    np.testing.assert_array_equal(asked.p_value(1.0), plain.p_value(1.0, method=method))
    assert np.all(asked.to_dict()["low"] == np.array(asked.confidence_interval().low))
    assert f"Intervals: {asked.interval_method}" in str(asked)
    assert asked.interval_method in asked.to_json()
    assert all(part.interval == method for part in asked.parts.values())
    assert dataclasses.replace(asked, interval="auto") == plain or asked.parts


def test_methods_without_evidence_are_refused():
    with pytest.raises(
        ValueError, match=r"'share' needs means of labels that are all 0 or 1; available .*: t, skewed"
    ):
        rectify_mean(*labels(), interval="share")
    with pytest.raises(ValueError, match="interval is 'median'; expected one of"):
        rectify_mean(*labels(), interval="median")
    with pytest.raises(ValueError, match="method is 3; expected one of"):
        rectify_mean(*labels()).confidence_interval(method=3)
    with pytest.raises(ValueError, match="quantiles have the interval of the sign test only"):
        rectify_quantile(*labels(), interval="t")
    assert "sign test" in rectify_quantile(*labels()).interval_method


@pytest.mark.parametrize("estimator", [RectifiedMeanEstimator, RectifiedDifference])
def test_estimators_forward_methods(estimator):
    y, f, pool = labels(n=80)
    X = np.column_stack([np.arange(580) % 2, np.append(f, pool)])
    model = estimator(Ridge(), interval="t", random_state=0).fit(X, np.append(y, np.full(500, np.nan)))
    assert model.result_.interval == "t"
    assert model.confidence_interval() == model.result_.confidence_interval(method="t")
    skewed = model.confidence_interval(method="skewed")
    assert skewed == model.result_.confidence_interval(method="skewed") != model.confidence_interval()
    assert model.p_value(1.0, method="skewed") == model.result_.p_value(1.0, method="skewed")


def test_estimators_refuse_unknown_methods():
    X, y = np.zeros((9, 1)), np.arange(9.0)
    with pytest.raises(ValueError, match="'interval' parameter"):
        RectifiedMeanEstimator(interval="median").fit(X, y)
    with pytest.raises(ValueError, match="sign test only"):
        RectifiedQuantile(Ridge(), interval="t", random_state=0).fit(np.arange(9.0)[:, None], y)


# What is automatic


def test_normal_labels_have_students_t():
    chosen = [rectify_mean(*labels("normal", n, k=200)) for n in (10, 30, 100)]
    for result in chosen:
        automatic, student = (
            np.subtract(*result.confidence_interval(method=method)[::-1]) for method in ("auto", "t")
        )
        assert np.mean(automatic) < 1.01 * np.mean(student)
    assert rectify_mean(*labels("normal", 100)).interval_method == "Student t"


def test_the_long_tail_has_more_room():
    y, f, pool = labels(n=50)
    for sign in (1, -1):
        result = rectify_mean(sign * y, f, pool, lambda_=0)
        automatic, student = (
            np.array(result.confidence_interval(method=method)) for method in ("auto", "t")
        )
        moved = np.array([False, True])[::sign]
        np.testing.assert_array_equal(~np.isclose(automatic, student, rtol=1e-12), moved)
        assert "corrected for skewness" in result.interval_method
        assert "corrected for skewness" in str(result)


def test_labels_alone_are_corrected_too():
    y, f, pool = labels(n=50)
    result = rectify_mean(y, f, pool)
    alone = rectify_mean(y, f, [], lambda_=0)
    np.testing.assert_allclose(
        of_labels_only(result).confidence_interval(), alone.confidence_interval(), rtol=1e-12
    )
    asked = result.with_interval("t")
    assert of_labels_only(asked).confidence_interval() == result.labels_only.confidence_interval()


def test_labels_alone_of_a_difference():
    y, f, pool, group, of_pool = sample_of_groups()
    result = rectify_difference(y, f, pool, group, of_pool)
    alone = rectify_difference(y, f, pool, group, of_pool, lambda_=0)
    np.testing.assert_allclose(
        of_labels_only(result).confidence_interval(), alone.confidence_interval(), rtol=1e-12
    )


def regression_on_a_rare_covariate():
    rng = np.random.default_rng(0)
    rare = np.arange(600) % 40 == 0
    x = rng.standard_normal(600)
    y = x + rng.standard_normal(600)
    X = np.column_stack([rare, x])
    return rectify_linear_regression(X[:200], y[:200], y[:200], X[200:], y[200:], lambda_=0)


def test_a_covariate_of_few_rows_has_their_degrees_of_freedom():
    result = regression_on_a_rare_covariate()
    assert "effective degrees of freedom" in result.interval_method
    student, automatic = (
        np.subtract(*result.confidence_interval(method=method)[::-1]) for method in ("t", "auto")
    )
    used = 2 * stats.t.ppf(0.975, 8) * result.standard_error[1]
    assert automatic[1] > max(used, 1.1 * student[1])
    assert automatic[2] < 1.1 * student[2]
    assert few_labels(result)[0].startswith("Too few labels to trust the interval: x0 (about ")
    assert few_labels(result)[0] in str(result)
    assert not few_labels(rectify_mean(*labels()))


def test_a_group_of_few_labels_is_not_to_be_trusted():
    y, f, pool, _, of_pool = sample_of_groups()
    group = np.arange(60) < 5
    result = rectify_difference(y, f, pool, group, of_pool)
    assert few_labels(result) == ["Too few labels to trust the interval: True (about 5)"]


# Contrasts, many numbers at once, many looks


@pytest.mark.parametrize("method", METHODS)
def test_contrasts_have_the_interval_of_the_mean_of_contrasts(method):
    y, f, pool = labels(k=2)
    C = np.array([-1.0, 1.0])
    at_once = rectify_mean(y, f, pool, lambda_=0.7).contrast(C)
    alone = rectify_mean(y @ C, f @ C, pool @ C, lambda_=0.7)
    options = {"alternative": "less", "method": method}
    np.testing.assert_allclose(
        at_once.confidence_interval(0.9, **options), alone.confidence_interval(0.9, **options)
    )
    np.testing.assert_allclose(at_once.p_value(0.3, **options), alone.p_value(0.3, **options))
    assert at_once.interval_method == alone.interval_method


def test_differences_of_two_results_are_corrected_for_skewness():
    y, f, pool = (one * [1, 0.1] for one in labels(k=2))
    first, second = (rectify_mean(y[:, i], f[:, i], pool[:, i], lambda_=0.2) for i in (0, 1))
    alone = rectify_mean(y @ [1, -1], f @ [1, -1], pool @ [1, -1], lambda_=0.2)
    told = first - second
    assert told._shape.skewness[0] == pytest.approx(alone._shape.skewness[0], rel=0.1)
    assert told.interval_method.startswith("Student t corrected for skewness")
    assert f"Intervals: {told.interval_method}" in str(told)


@pytest.mark.parametrize("interval", ["auto", "t", "skewed"])
@pytest.mark.parametrize("kind", ["means", "recycled"])
def test_selected_numbers_keep_their_interval(kind, interval):
    result = RESULTS[kind](interval=interval)
    told = result.select("0")
    expected = [np.atleast_1d(end)[0] for end in result.confidence_interval()]
    np.testing.assert_allclose(told.confidence_interval(), expected)
    assert told.p_value(0.5) == pytest.approx(np.atleast_1d(result.p_value(0.5))[0])


def test_contrasts_of_differences_and_of_coefficients():
    difference = RESULTS["difference"](interval="skewed")
    np.testing.assert_allclose(
        difference.contrast([-2.0]).confidence_interval(),
        [-2 * end for end in reversed(difference.confidence_interval())],
    )
    result = regression_on_a_rare_covariate()
    told = result.select("x0")
    np.testing.assert_allclose(told.confidence_interval()[0], result.confidence_interval()[0][1])
    assert told.interval_method.endswith("with effective degrees of freedom")


@pytest.mark.parametrize("method", METHODS)
def test_methods_at_the_level_of_many_numbers_and_of_many_looks(method):
    result = RESULTS["means"]()
    level = result._level_of_each(0.9, "two-sided", True)
    np.testing.assert_array_equal(
        result.confidence_interval(0.9, simultaneous=True, method=method),
        result.confidence_interval(level, method=method),
    )
    p = result.p_value(1.0, method=method)
    np.testing.assert_allclose(result.p_value(1.0, adjust="holm", method=method), _holm(p), rtol=1e-12)
    level = level_of_look(0.9, 2.0, "two-sided")
    np.testing.assert_array_equal(
        result.confidence_sequence(0.9, n_first=20, method=method),
        result.confidence_interval(level, method=method),
    )
    valid = result.always_valid_p_value(1.0, n_first=20, method=method)
    assert (valid >= p).all()


# The formulas


@pytest.mark.parametrize("skewness", [-0.9, -0.3, 0.0, 0.2, 0.5])
def test_hall_and_zhou_dinh(skewness):
    """The end of the long tail by both transformations, the smaller correction of the two; the other is Student's."""
    student = Estimate(0.0, np.eye(1), 30.0)
    low, high = SkewedT(student, np.array([skewness])).confidence_interval()
    q, rho = stats.t.ppf(0.975, 30), min(1.2 * abs(skewness), 0.65)
    moved = rho * (-q - rho / 6)
    cubic = 3 * (np.cbrt(1 + moved) - 1) / rho if rho else -q
    exponential = np.log(1 + 2 / 3 * moved) / (2 / 3 * rho) if rho else -q
    ends = -q, -max(cubic, exponential)
    expected = ends if skewness >= 0 else (-ends[1], -ends[0])
    np.testing.assert_allclose((low, high), expected, rtol=1e-12)


def test_skewness_is_that_of_a_mean():
    y, f, pool = labels(n=50)
    result = rectify_mean(y, f, pool, lambda_=0)
    assert result._shape.skewness[0] == pytest.approx(stats.skew(y) / 50**0.5, rel=1e-12)
    assert result._shape.effective_labels[0] == pytest.approx(
        150 / stats.kurtosis(y, fisher=False), rel=1e-12
    )


def test_bootstrap_t_by_hand():
    y, f, pool = labels(n=12)
    result = rectify_mean(y, f, pool, lambda_=0)
    drawn = np.random.default_rng(0)
    drawn.standard_normal((1999, 1))  # of the pool, which adds nothing here
    samples = y[drawn.integers(12, size=(1999, 12))]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = [(one.mean() - y.mean()) / (one.std(ddof=1) / 12**0.5) for one in samples]
    furthest = 4 * stats.t.ppf(0.975, 11)
    t = np.sort(np.clip(t, -furthest, furthest))
    spread = result.standard_error
    expected = y.mean() - spread * t[1949], y.mean() - spread * t[49]
    np.testing.assert_allclose(result.confidence_interval(method="bootstrap-t"), expected, rtol=1e-9)


def test_bootstrap_t_of_normal_errors_is_student():
    normal = Estimate(0.0, np.eye(1), 1e9)
    low, high = BootstrapT(normal, (), np.ones(1)).confidence_interval()
    np.testing.assert_allclose((low, high), stats.norm.interval(0.95), rtol=0.08)


def test_contrasts_of_influence_with_labels_that_have_trained():
    rng = np.random.default_rng(0)
    rows, every = rng.standard_normal((30, 2)), rng.standard_normal((40, 2))
    part = Recycled(np.array([0.2, 0.6]), (np.array([1.1, 1.2]), np.array([1.3, 1.4])), every, 10, 39)
    degrees = np.array([28.0, 27.0]), np.array([99.0, 98.0])
    both = Influence(rows, np.diag([0.5, 2.0]), 29, degrees, rows, rows / 2, part)
    difference = both.contrast(np.array([-1.0, 1.0]))
    one = both.contrast(np.array([0.0, 1.0]))
    for joint, alone in zip(both.terms.of_labels, one.terms.of_labels, strict=True):
        np.testing.assert_allclose(joint.scale[1] * joint.rows[:, 1], alone.scale * alone.rows[:, 0])
    for joint, single in zip(both.terms.of_labels, difference.terms.of_labels, strict=True):
        np.testing.assert_allclose(
            np.diff(joint.scale * joint.rows)[:, 0], single.scale * single.rows[:, 0]
        )
    np.testing.assert_allclose(difference.terms.pool_variance, both.terms.pool_variance.sum())
    for joint, single in zip(both.variance_terms(), difference.variance_terms(), strict=True):
        np.testing.assert_allclose(np.sum(joint[0] * [[1, -1], [-1, 1]]), single[0][0, 0])
        assert joint[1].min() == single[1][0]
    assert difference.draws(5, rng).shape == (5, 1)


# Coverage


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lognormal", "80 % zeros, else exponential", "t, 3 degrees"])
def test_coverage_of_skewed_means(name):
    missed, widths = benchmark("interval_methods").of_mean(name, 50, 2_000)
    coverage = 1 - missed.sum(axis=1).mean(axis=-1)
    assert coverage[3] > 0.93
    assert widths[3].mean() < 1.4 * widths[2].mean()
    assert np.isfinite(widths).all()


@pytest.mark.slow
def test_coverage_of_a_rare_group():
    missed, *_ = benchmark("interval_methods").of_group("linear regression", 20, 1_000)
    assert 1 - missed.sum(axis=1).mean(axis=-1)[3] > 0.925
