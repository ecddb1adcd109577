"""Rectified quantiles against the formula, another package and the laws that they must obey."""

import json
import tracemalloc
from pathlib import Path

import naive_rectification as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sklearn_ftr import ZeroWidthIntervalWarning, rectify_quantile

GOLDEN = json.loads((Path(__file__).parent / "golden" / "estimands.json").read_text())
# Small samples may show no variance of F at all: flagged, and legal.
may_be_certain = pytest.mark.filterwarnings("ignore::sklearn_ftr.ZeroWidthIntervalWarning")


def sample_of(seed, r=40, m=120, decimals=6, bias=0.4):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=r + m)
    f = 0.9 * truth + 0.5 * rng.normal(size=r + m) + bias
    return tuple(np.round(rows, decimals) for rows in (truth[:r], f[:r], f[r:]))


# Formulas


@may_be_certain
@pytest.mark.parametrize("decimals", [6, 1, 0])
@pytest.mark.parametrize("weight", [0.0, 0.6, 1.0, 1.3, -0.4])
@pytest.mark.parametrize("level", [0.1, 0.5, 0.85])
def test_given_lambda_is_the_smallest_t_where_f_reaches_the_level(level, weight, decimals):
    y, f, pool = sample_of(3, decimals=decimals)
    result = rectify_quantile(y, f, pool, level, lambda_=weight)
    t = naive.quantile(y, f, pool, level, weight)
    assert result.estimate == t
    _, variance, degrees, _ = naive.rectify_columns(*naive.indicators(y, f, pool, t), weight)
    assert result.degrees_of_freedom == pytest.approx(degrees[0], rel=1e-9)
    reach = stats.t.ppf(0.975, degrees[0])
    ends = [
        naive.quantile(y, f, pool, level + sign * reach * variance[0] ** 0.5, weight)
        for sign in (-1, 1)
    ]
    assert tuple(result.confidence_interval()) == tuple(ends)
    assert result.standard_error == pytest.approx((ends[1] - ends[0]) / (2 * reach), rel=1e-9)


@pytest.mark.parametrize("level", [0.2, 0.5, 0.9])
def test_tuned_lambda_is_the_best_for_the_indicator_twice(level):
    """At the labels' own quantile first, then at the quantile with that lambda."""
    y, f, pool = sample_of(4)
    t = naive.quantile(y, f, pool, level, 0.0)
    for _ in range(2):
        weight = naive.rectify_columns(*naive.indicators(y, f, pool, t))[3][0]
        t = naive.quantile(y, f, pool, level, weight)
    result = rectify_quantile(y, f, pool, level)
    assert result.lambda_ == pytest.approx(weight, rel=1e-12)
    assert result.estimate == t
    _, variance, degrees, _ = naive.rectify_columns(*naive.indicators(y, f, pool, t))
    assert result.degrees_of_freedom == pytest.approx(degrees[0], rel=1e-9)
    reach = stats.t.ppf(0.975, degrees[0]) * variance[0] ** 0.5
    ends = [naive.quantile(y, f, pool, level + sign * reach, weight) for sign in (-1, 1)]
    assert tuple(result.confidence_interval()) == tuple(ends)


def test_p_value_is_that_of_the_share_below_the_null():
    """With the error of F at the quantile, so that it agrees with the interval."""
    y, f, pool = sample_of(5)
    result = rectify_quantile(y, f, pool, 0.5, lambda_=0.7)
    _, variance, degrees, _ = naive.rectify_columns(*naive.indicators(y, f, pool, result.estimate), 0.7)
    for null in (-0.4, 0.1, 0.5):
        share = naive.rectify_columns(*naive.indicators(y, f, pool, null), 0.7)[0]
        distance = (share - 0.5) / variance**0.5
        assert result.p_value(null) == pytest.approx(
            2 * stats.t.sf(abs(distance), degrees)[0], rel=1e-9
        )
        # A quantile above the null has less than half of the population below the null.
        assert result.p_value(null, "greater") == pytest.approx(
            stats.t.cdf(distance, degrees)[0], rel=1e-9
        )


def test_p_values_of_nulls_outside_the_labels_are_not_zero():
    """Five labels cannot refute any median."""
    result = rectify_quantile([1.0, 2, 3, 4, 5], np.arange(5.0), np.arange(9.0))
    assert result.p_value(0.5) > 0.05
    several = rectify_quantile(*sample_of(5), [0.25, 0.5])
    assert several.p_value(0.1).shape == (2,)
    alone = rectify_quantile(*sample_of(5), 0.5).p_value(0.1)
    assert several.p_value([0.0, 0.1])[1] == pytest.approx(alone)


def test_several_levels_are_the_single_ones():
    sample, levels = sample_of(6), [0.25, 0.5, 0.9]
    together = rectify_quantile(*sample, levels, lambda_=[0.2, 0.5, 1.0])
    low, high = together.confidence_interval()
    for j, (level, weight) in enumerate(zip(levels, [0.2, 0.5, 1.0], strict=True)):
        alone = rectify_quantile(*sample, level, lambda_=weight)
        assert together.estimate[j] == alone.estimate
        assert (low[j], high[j]) == tuple(alone.confidence_interval())
        assert together.standard_error[j] == pytest.approx(alone.standard_error)
    assert together.names == ("0.25", "0.5", "0.9")
    assert isinstance(alone.estimate, float)


# Limits


@pytest.mark.parametrize("pool", [[], None])
def test_without_pool_or_weight_it_is_the_labels_alone(pool):
    """The order statistic (scipy's inverted_cdf), Woodruff's interval; whatever the predictions."""
    y, f, other = sample_of(7)
    result = rectify_quantile(y, f, other if pool is None else [], lambda_=0.0)
    assert result.estimate == np.quantile(y, 0.5, method="inverted_cdf")
    share = np.mean(y <= result.estimate)
    reach = stats.t.ppf(0.975, 39) * (share * (1 - share) / 39) ** 0.5
    ends = np.quantile(y, [0.5 - reach, 0.5 + reach], method="inverted_cdf")
    assert tuple(result.confidence_interval()) == tuple(ends)
    absurd = rectify_quantile(y[:5], f[:5] - 1e6, other, lambda_=0.0)
    assert absurd.confidence_interval().low == y[:5].min()
    assert absurd.labels_only.confidence_interval().low == y[:5].min()


def test_perfect_predictions_give_the_pools_quantile():
    """With lambda 1 labels and their predictions cancel exactly."""
    y, _, pool = sample_of(8, m=5_000)
    result = rectify_quantile(y, y, pool, [0.1, 0.5, 0.9], lambda_=1.0)
    np.testing.assert_array_equal(
        result.estimate, np.quantile(pool, [0.1, 0.5, 0.9], method="inverted_cdf")
    )
    tuned = rectify_quantile(y, y, pool)
    assert tuned.efficiency > 20


def test_useless_predictions_cost_next_to_nothing(rng):
    y, f, pool = rng.normal(size=2_000), rng.normal(size=2_000), rng.normal(size=20_000)
    result = rectify_quantile(y, f, pool)
    assert abs(result.lambda_) < 0.1
    assert result.estimate == pytest.approx(np.median(y), abs=3 * result.standard_error * 0.1)
    assert result.efficiency == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("bias", [-5.0, -1.0, 1.0, 5.0])
@pytest.mark.parametrize("weight", [0.7, 1.0])
def test_what_is_kept_of_the_pool_is_enough_for_a_biased_predictor(bias, weight):
    """Many labels make a narrow window; F far from it must not be mistaken for F inside."""
    y, f, pool = sample_of(9, r=600, m=3_000, bias=bias)
    result = rectify_quantile(y, f, pool, lambda_=weight)
    values, shares = naive.rectified_shares(y, f, pool, weight)
    first = {}
    for level in (0.45, 0.5, 0.55):
        first[level] = values[np.flatnonzero(np.array(shares) >= level - 1e-12)[0]]
    assert result.estimate == first[0.5]
    low, high = result.confidence_interval()
    assert -0.2 < low < result.estimate < high < 0.2
    curve = result.quantiles.curves[0]
    assert len(curve.pool) < len(pool) or bias != -1.0
    assert [curve.quantile(level) for level in first] == list(first.values())


def test_extreme_levels_have_an_interval_around_the_estimate():
    y, f, pool = sample_of(10, r=50, m=20_000)
    for level in (0.005, 0.01, 0.99, 0.995):
        result = rectify_quantile(y, f, pool, level, lambda_=0.8)
        low, high = result.confidence_interval()
        assert low <= result.estimate <= high


# Another package


@pytest.mark.parametrize("case", GOLDEN["quantile"], ids=lambda case: case["name"])
def test_agrees_with_ppi_python_where_its_rule_is_ours(case):
    """Its rule is the grid value with the smallest |F - q|, lambda 1. The levels here lie just
    below values that F takes once and exceeds at no smaller t, where both rules say the same. Elsewhere it may stop before F
    has reached q, or where F comes back to q. Its interval is made of the values that a z test does not reject, with
    variances of ddof=0; ours is Woodruff's."""
    y, f, pool = (np.array(case[name]) for name in ("y", "f", "f_unlabeled"))
    result = rectify_quantile(y, f, pool, case["levels"], lambda_=1.0)
    np.testing.assert_allclose(result.estimate, case["estimates"], atol=1e-10)


# Laws


values = st.floats(-100, 100, allow_nan=False).map(lambda value: round(value, 2))


@st.composite
def samples(draw):
    r, m = draw(st.integers(2, 15)), draw(st.integers(1, 25))
    rows = (draw(st.lists(values, min_size=size, max_size=size)) for size in (r, r, m))
    return tuple(np.array(one) for one in rows)


levels = st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9])
weights = st.sampled_from([None, 0.0, 0.5, 1.0, -0.5])


@may_be_certain
@settings(max_examples=60, deadline=None)
@given(samples(), levels, weights, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(sample, level, weight, random):
    y, f, pool = sample
    order = random.sample(range(len(y)), len(y))
    one = rectify_quantile(y, f, pool, level, lambda_=weight)
    other = rectify_quantile(y[order], f[order], pool[::-1], level, lambda_=weight)
    # Orders of summation differ: where F misses a level by rounding, the neighboring value is as good.
    assert other.lambda_ == pytest.approx(one.lambda_, rel=1e-9, abs=1e-12)
    assert other.estimate == one.estimate


@may_be_certain
@settings(max_examples=60, deadline=None)
@given(samples(), levels, weights, st.integers(-50, 50), st.sampled_from([0.25, 2.0, 64.0]))
def test_units_do_not_matter(sample, level, weight, shift, scale):
    moved = (shift + scale * rows for rows in sample)
    one = rectify_quantile(*sample, level, lambda_=weight)
    other = rectify_quantile(*moved, level, lambda_=weight)
    assert other.estimate == pytest.approx(shift + scale * one.estimate, abs=1e-9)
    ends = shift + scale * np.array(one.confidence_interval())
    np.testing.assert_allclose(other.confidence_interval(), ends, atol=1e-9)
    assert other.standard_error == pytest.approx(scale * one.standard_error, rel=1e-9, abs=1e-9)


@may_be_certain
@settings(max_examples=60, deadline=None)
@given(samples(), levels, weights)
def test_naive_quantiles_and_finite_answers_everywhere(sample, level, weight):
    y, f, pool = sample
    result = rectify_quantile(y, f, pool, level, lambda_=weight)
    assert result.estimate == naive.quantile(y, f, pool, level, result.lambda_)
    low, high = result.confidence_interval()
    assert low <= result.estimate <= high
    assert np.isfinite([low, high, result.standard_error, result.degrees_of_freedom]).all()
    numbers = [value for name, value in result.to_dict().items() if "predictions_only" not in name]
    assert not np.isnan(numbers).any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), levels)
def test_a_quantile_of_the_negative_is_the_negative_quantile(seed, level):
    """Up to one step: the smallest t with F(t) >= q turns into the largest with F(t) <= q."""
    y, f, pool = sample_of(seed, r=60, m=400)
    level += 1e-3
    for weight in (0.0, 0.5):
        one = rectify_quantile(y, f, pool, level, lambda_=weight).estimate
        other = -rectify_quantile(-y, -f, -pool, 1 - level, lambda_=weight).estimate
        ordered, shares = naive.rectified_shares(y, f, pool, weight)
        distance = abs(np.interp(one, ordered, shares) - np.interp(other, ordered, shares))
        assert distance <= 2 / 60


def test_float32_pools_are_not_copied_into_float64(rng):
    y = rng.normal(size=200)
    pool = rng.normal(size=2_000_000).astype(np.float32)
    tracemalloc.start()
    small = rectify_quantile(y, y, pool)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * pool.nbytes
    large = rectify_quantile(y, y, pool.astype(np.float64))
    assert small.estimate == pytest.approx(large.estimate, abs=1e-6)
    assert small.standard_error == pytest.approx(large.standard_error, rel=1e-4)


def test_values_between_two_float32_are_counted_as_in_float64(rng):
    pool = np.round(rng.normal(size=300), 1).astype(np.float32)
    # 0.1 as a float32 is not 0.1.
    y = np.concatenate([pool[:20].astype(np.float64), np.round(rng.normal(size=20), 1)])
    for weight in (0.5, 1.0):
        one, other = (
            rectify_quantile(y, y[::-1], p, lambda_=weight) for p in (pool, pool.astype(float))
        )
        assert one.estimate == other.estimate
        assert tuple(one.confidence_interval()) == tuple(other.confidence_interval())
    assert np.isfinite(rectify_quantile(y * 1e40, y * 1e40, pool, lambda_=0.5).estimate)


# Legal, if odd


def test_labels_without_variance_are_flagged():
    with pytest.warns(ZeroWidthIntervalWarning) as caught:
        result = rectify_quantile(np.full(8, 0.1), np.arange(8.0), np.arange(20.0))
    assert caught[0].filename == __file__
    assert result.zero_width
    assert result.estimate == 0.1
    assert not any(np.isnan(value) for value in result.to_dict().values())


def test_an_interval_of_one_value_can_be_right():
    """F at that value is far above the level, whatever its error: nothing to warn of."""
    result = rectify_quantile([0] * 58 + [1] * 2, [0] * 57 + [1] * 3, [0] * 90 + [1] * 4)
    assert tuple(result.confidence_interval()) == (0.0, 0.0)
    assert not result.zero_width
    assert not any(np.isnan(value) for value in result.to_dict().values())


def test_result_shows_its_levels():
    result = rectify_quantile(*sample_of(11), [0.25, 0.75])
    assert "0.25" in str(result)
    assert list(result.to_frame().index) == ["0.25", "0.75"]
    assert "median" in str(rectify_quantile(*sample_of(11)))
