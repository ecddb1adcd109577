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
from sklearn_ftr.rectification._counted_lambda import can_be_counted, counted_lambda
from sklearn_ftr.rectification._indicators import Indicators
from sklearn_ftr.rectification._pool import ArrayPool
from sklearn_ftr.rectification._sample import Sample
from sklearn_ftr.rectification._sampling import SimpleRandom
from sklearn_ftr.rectification._two_stage_shares import TwoStageShares

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
    sizes, degrees, _, efficiency = naive.known_from(y, f, pool, t, level, weight)
    assert result.degrees_of_freedom == pytest.approx(degrees.min(), rel=1e-9)
    assert result.efficiency == pytest.approx(efficiency, rel=1e-9)
    for confidence in (0.95, 0.6):
        ends = naive.quantile_interval(y, f, pool, level, weight, sizes, (1 - confidence) / 2)
        assert tuple(result.confidence_interval(confidence)) == tuple(ends)
    reach, errors = stats.t.ppf(0.975, 39), np.sqrt(level * (1 - level) / sizes)
    low, high = (
        naive.quantile(y, f, pool, level + sign * reach * error, weight)
        for sign, error in zip((-1, 1), errors, strict=True)
    )
    assert result.standard_error == pytest.approx((high - low) / (2 * reach), rel=1e-9)


@pytest.mark.parametrize("level", [0.2, 0.5, 0.9])
def test_tuned_lambda_is_the_best_for_both_sides_of_the_quantile_twice(level):
    """At the labels' own quantile first, then at the quantile with that lambda."""
    y, f, pool = sample_of(4)
    t = naive.quantile(y, f, pool, level, 0.0)
    for _ in range(2):
        weight = naive.known_from(y, f, pool, t, level)[2]
        t = naive.quantile(y, f, pool, level, weight)
    result = rectify_quantile(y, f, pool, level)
    assert result.lambda_ == pytest.approx(weight, rel=1e-12)
    assert result.estimate == t
    sizes, degrees, _, efficiency = naive.known_from(y, f, pool, t, level)
    assert result.degrees_of_freedom == pytest.approx(degrees.min(), rel=1e-9)
    assert result.efficiency == pytest.approx(efficiency, rel=1e-9)
    ends = naive.quantile_interval(y, f, pool, level, weight, sizes)
    assert tuple(result.confidence_interval()) == tuple(ends)


@pytest.mark.parametrize("decimals", [6, 0])
def test_p_value_is_the_sign_tests(decimals):
    """With the number of labels from which F is known as well, so that it agrees with the interval."""
    y, f, pool = sample_of(5, decimals=decimals)
    result = rectify_quantile(y, f, pool, 0.5, lambda_=0.7)
    sizes = naive.known_from(y, f, pool, result.estimate, 0.5, 0.7)[0]
    shares = naive.rectified_shares(y, f, pool, 0.7)
    for null in (-4.0, -0.4, 0.0, 0.1, 0.5, 9.0):
        # A quantile above the null has less than half of the population at or below the null.
        above, below = naive.quantile_p_values(*shares, 0.5, sizes, null)
        assert result.p_value(null, "greater") == pytest.approx(above, rel=1e-9, abs=1e-300)
        assert result.p_value(null, "less") == pytest.approx(below, rel=1e-9, abs=1e-300)
        assert result.p_value(null) == pytest.approx(
            min(2 * min(above, below), 1), rel=1e-9, abs=1e-300
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


@pytest.mark.parametrize("decimals", [6, 0])
@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("pool", [[], None])
def test_without_pool_or_weight_it_is_the_labels_alone(pool, level, decimals):
    """The order statistic (scipy's inverted_cdf) and the exact interval of order statistics; whatever the predictions."""
    y, f, other = sample_of(7, r=50, decimals=decimals)
    result = rectify_quantile(y, f, other if pool is None else [], level, lambda_=0.0)
    assert result.estimate == np.quantile(y, level, method="inverted_cdf")
    for confidence in (0.5, 0.9, 0.95):
        for answer in (result, result.labels_only):
            ends = answer.confidence_interval(confidence)
            assert tuple(ends) == naive.order_statistics(y, level, confidence)
    for null in (-0.5, 0.0, 1.0):
        for alternative in ("greater", "less"):
            expected = naive.sign_test(y, level, null, alternative)
            assert result.p_value(null, alternative) == pytest.approx(expected, rel=1e-9)


def test_an_end_that_labels_cannot_bound_is_infinite_and_says_so():
    y, f, pool = sample_of(7, r=10)
    absurd = rectify_quantile(y[:5], f[:5] - 0.5, pool, lambda_=0.0)
    assert tuple(absurd.confidence_interval()) == (-np.inf, np.inf)
    assert "from below and above" in str(absurd)
    upper = rectify_quantile(y, f, pool, [0.5, 0.9])
    for answer in (upper, upper.labels_only):
        low, high = answer.confidence_interval()
        assert np.isfinite(low).all()
        assert np.isinf(high).tolist() == [False, True]
        assert np.isfinite(answer.standard_error).all()
    assert "Too few labels to bound every quantile from above" in str(upper)
    assert "infinite" not in str(rectify_quantile(*sample_of(7)))
    assert "-inf" in str(rectify_quantile(y, f, pool, 0.1))


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
@pytest.mark.filterwarnings("ignore::sklearn_ftr.PredictionShiftWarning")
@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("r", [6, 60])
def test_a_judge_without_an_error_in_the_sample_does_not_make_labels_count_for_ever(level, r):
    """As if half a row were wrong, where the pool shows no variance either."""
    y = np.arange(r) % 3 == 0
    result = rectify_quantile(y, y, np.zeros(400), level, lambda_=1.0)
    assert result.efficiency == pytest.approx(2 * r * np.var(y), rel=1e-9)
    assert result.zero_width


@may_be_certain
@settings(max_examples=60, deadline=None)
@given(samples(), levels, weights)
def test_naive_quantiles_and_finite_answers_everywhere(sample, level, weight):
    y, f, pool = sample
    result = rectify_quantile(y, f, pool, level, lambda_=weight)
    assert result.estimate == naive.quantile(y, f, pool, level, result.lambda_)
    low, high = result.confidence_interval()
    assert low <= result.estimate <= high
    assert np.isfinite([result.standard_error, result.degrees_of_freedom, result.efficiency]).all()
    numbers = [value for name, value in result.to_dict().items() if "predictions_only" not in name]
    assert not np.isnan(numbers).any()


@may_be_certain
@settings(max_examples=60, deadline=None)
@given(samples(), levels, weights, st.sampled_from([0.5, 0.9, 0.95]), st.integers(0, 40))
def test_a_value_is_inside_the_interval_unless_its_test_refutes_it(
    sample, level, weight, confidence, pick
):
    result = rectify_quantile(*sample, level, lambda_=weight)
    every = np.unique(np.concatenate(sample))
    null = np.sort([*every, *(every[:-1] + np.diff(every) / 2), every[0] - 1, every[-1] + 1])[
        pick % (2 * len(every) + 1)
    ]
    for alternative in ("two-sided", "less", "greater"):
        low, high = result.confidence_interval(confidence, alternative)
        p = result.p_value(null, alternative)
        if abs(p - (1 - confidence)) > 1e-9:
            assert (low <= null <= high) == (p > 1 - confidence)


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


# Ties


def likert(rng, n, noise=0.2):
    """Shares .05 .15 .28 .42 .10: just below the median F is .48, at it .90."""
    y = np.searchsorted([0.05, 0.2, 0.48, 0.9], rng.random(n), side="right") + 1.0
    missed = rng.random(n) < noise
    return y, np.clip(y + missed * rng.choice([-1.0, 1.0], n), 1, 5)


@pytest.mark.thorough
@pytest.mark.parametrize(("level", "truth"), [(0.5, 4.0), (0.9, 4.0), (0.46, 3.0)])
def test_intervals_of_tied_data_cover(level, truth):
    """Where F just below or at the quantile is near the level; 400 draws of 50 labels, seeds 0 to 399."""
    held, alone, efficiencies = [], [], []
    for seed in range(400):
        y, f = likert(np.random.default_rng(seed), 1_050)
        result = rectify_quantile(y[:50], f[:50], f[50:], level)
        for answers, answer in ((held, result), (alone, result.labels_only)):
            low, high = answer.confidence_interval()
            answers.append(low <= truth <= high)
        efficiencies.append(result.efficiency)
    error = (0.95 * 0.05 / 400) ** 0.5
    assert min(np.mean(held), np.mean(alone)) > 0.95 - 3 * error
    assert np.isfinite(efficiencies).all()
    assert min(efficiencies) > 0.3
    assert 1.2 < np.median(efficiencies) < 6


def test_the_null_is_where_f_jumps_over_the_level():
    """F(3) = .30 and F(4) = .90: the median is 4, for any test."""
    stars = np.repeat([1.0, 2, 3, 4, 5], [10, 14, 36, 120, 20])
    judge = np.clip(stars + np.resize([0, 0, 0, 1, -1], 200), 1, 5)
    result = rectify_quantile(stars, judge, np.tile(judge, 25))
    for answer in (result, result.labels_only):
        assert tuple(answer.confidence_interval()) == (4.0, 4.0)
        assert answer.p_value(4) > 0.99
        assert min(answer.p_value(4, "less"), answer.p_value(4, "greater")) > 0.99
        assert max(answer.p_value(3), answer.p_value(5), answer.p_value(3.5)) < 1e-6
        assert answer.p_value(3, "greater") < 1e-6 < 0.99 < answer.p_value(3, "less")


def test_ratings_at_the_top_gain_from_predictions():
    """Six of ten are 5, the median: all that can be learned is how many are below it."""
    rng = np.random.default_rng(0)
    y = np.where(rng.random(4_100) < 0.6, 5.0, 4.0)
    f = np.where(rng.random(4_100) < 0.1, 9 - y, y)
    result = rectify_quantile(y[:100], f[:100], f[100:])
    assert result.estimate == 5.0
    assert result.efficiency > 1.5
    assert result.lambda_ > 0.5


@pytest.mark.parametrize("decimals", [6, 0])
def test_errors_and_efficiency_do_not_depend_on_the_confidence_level(decimals):
    sample = sample_of(12, r=80, m=900, decimals=decimals)
    wide, narrow = (rectify_quantile(*sample, [0.3, 0.8], confidence_level=c) for c in (0.99, 0.6))
    for name in ("standard_error", "covariance", "efficiency", "effective_sample_size"):
        np.testing.assert_array_equal(getattr(wide, name), getattr(narrow, name))
    one, other = (result.predictions_only.standard_error for result in (wide, narrow))
    np.testing.assert_array_equal(one, other)
    for ends in zip(wide.confidence_interval(0.6), narrow.confidence_interval(), strict=True):
        np.testing.assert_array_equal(*ends)


def test_many_labels_are_a_normal_distribution():
    """The sign test of 10^9 labels, in units of its error, is that of 20,000."""
    from sklearn_ftr.rectification._sign_test import at_least, at_most, lowest_share

    for size in (19_000.0, 21_000.0, 1e9):
        reach = 1.96 * (0.21 / size) ** 0.5
        assert at_most(0.7 - reach, 0.7, size) == pytest.approx(0.025, rel=0.05)
        assert at_least(0.7, 0.7, size) == pytest.approx(0.5, abs=5e-3)
        assert 0.7 - lowest_share(0.7, size, 0.025) == pytest.approx(reach, rel=1e-2)


def test_result_shows_its_levels():
    result = rectify_quantile(*sample_of(11), [0.25, 0.75])
    assert "0.25" in str(result)
    assert list(result.to_frame().index) == ["0.25", "0.75"]
    assert "median" in str(rectify_quantile(*sample_of(11)))


@pytest.mark.parametrize("decimals", [9, 1, 0])
@pytest.mark.parametrize("m", [3, 39, 40, 500])
@pytest.mark.parametrize("r", [5, 6, 40])
def test_lambda_by_counts_is_the_one_by_power_tuning(r, m, decimals):
    y, f, pool = sample_of(11, r, m, decimals)
    shares = TwoStageShares(Sample(y, f[:, None], ArrayPool([pool]), SimpleRandom(r)))
    assert can_be_counted(shares)
    for t in [*np.quantile(y, [0.0, 0.3, 0.5, 1.0], method="inverted_cdf"), -9.0, 0.05, 9.0]:
        tuned = Indicators.of(shares, t).rectified(None).lambda_
        assert counted_lambda(shares, t) == pytest.approx(tuned, rel=1e-12, abs=1e-15)
