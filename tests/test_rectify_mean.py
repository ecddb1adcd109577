"""The rectified mean against the papers' formulas, another package and the laws that it must obey."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from sklearn_ftr import ZeroWidthIntervalWarning, rectify_mean

GOLDEN = json.loads((Path(__file__).parent / "golden" / "ppi_python_mean.json").read_text())
TOLERANCE = 1e-10


@pytest.fixture
def sample(rng):
    y = rng.normal(2, 1, size=40)
    return y, 0.7 * y + 0.5 * rng.normal(size=40) + 1, rng.normal(2.4, 0.9, size=300)


def naive(y, f, f_unlabeled, weight):
    """Wang, Ye and Zhao (2025), section 4.1, with a weight; one loop a term."""
    r, m = len(y), len(f_unlabeled)
    theta = (
        sum(weight * v for v in f_unlabeled) / m
        + sum(a - weight * b for a, b in zip(y, f, strict=True)) / r
    )
    residuals = [a - weight * b for a, b in zip(y, f, strict=True)]
    center, pool_center = sum(residuals) / r, sum(f_unlabeled) / m
    labeled = sum((e - center) ** 2 for e in residuals) / (r - 1) / r
    pool = weight**2 * sum((v - pool_center) ** 2 for v in f_unlabeled) / (m - 1) / m
    degrees = (labeled + pool) ** 2 / (labeled**2 / (r - 1) + pool**2 / (m - 1))
    return theta, labeled + pool, degrees


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0, -0.5])
def test_given_lambda_is_the_papers_formula(sample, weight):
    theta, variance, degrees = naive(*sample, weight)
    result = rectify_mean(*sample, lambda_=weight)
    assert result.estimate == pytest.approx(theta, rel=1e-12)
    assert result.standard_error**2 == pytest.approx(variance, rel=1e-12)
    assert result.degrees_of_freedom == pytest.approx(degrees, rel=1e-10)
    half_width = stats.t.ppf(0.975, degrees) * variance**0.5
    np.testing.assert_allclose(
        result.confidence_interval(), (theta - half_width, theta + half_width), rtol=1e-12
    )


def test_tuned_lambda_minimises_the_estimated_variance(sample):
    result = rectify_mean(*sample)
    around = [naive(*sample, result.lambda_ + step)[1] for step in (-1e-3, 0, 1e-3)]
    assert around[1] == min(around)


def test_tuned_variance_leaves_each_row_out_of_lambda(sample):
    """Leave-one-out by brute force: the same ridge regression through the centre, without row i."""
    y, f, f_unlabeled = sample
    result, r, m = rectify_mean(*sample), len(y), len(f_unlabeled)
    dy, df = y - y.mean(), f - f.mean()
    penalty = r / m * (r - 1) * f_unlabeled.var(ddof=1)
    left_out = []
    for i in range(r):
        others = np.arange(r) != i
        weight = (dy[others] @ df[others]) / (df[others] @ df[others] + penalty)
        left_out.append(dy[i] - weight * df[i])
    variance = np.sum(np.square(left_out)) / ((r - 1) * r)
    variance += result.lambda_**2 * f_unlabeled.var(ddof=1) / m
    assert result.standard_error**2 == pytest.approx(variance, rel=1e-12)


def test_with_an_endless_pool_lambda_is_the_regression_slope(rng):
    y, f = rng.normal(size=(2, 30))
    pool = rng.normal(size=1_000_000)
    slope = np.cov(y, f)[0, 1] / f.var(ddof=1)
    assert rectify_mean(y, f, pool).lambda_ == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
def test_agrees_with_ppi_python_for_a_given_lambda(case):
    """Same estimate. Its interval differs by design: variances with ddof=0, and normal quantiles."""
    y, f, f_unlabeled = (np.array(case[name]) for name in ("y", "f", "f_unlabeled"))
    for golden in case["given"]:
        weight = golden["lambda"]
        result = rectify_mean(y, f, f_unlabeled, lambda_=weight)
        assert result.estimate == pytest.approx(golden["estimate"], abs=TOLERANCE)
        biased = (y - weight * f).var() / len(y) + weight**2 * f_unlabeled.var() / len(f_unlabeled)
        half_width = stats.norm.ppf(0.95) * biased**0.5
        np.testing.assert_allclose(
            golden["interval"],
            (result.estimate - half_width, result.estimate + half_width),
            atol=TOLERANCE,
        )
        distance = abs(result.estimate - y.mean() - 0.1) / biased**0.5
        assert golden["p_value"] == pytest.approx(2 * stats.norm.sf(distance), abs=TOLERANCE)
        assert result.p_value(y.mean() + 0.1, method="t") > golden["p_value"]
        assert result.standard_error**2 > biased


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
def test_differs_from_ppi_python_only_in_how_lambda_is_tuned(case):
    """PPI++: ddof=0 covariance, variance over both samples, clipped to [0, 1]."""
    y, f, f_unlabeled = (np.array(case[name]) for name in ("y", "f", "f_unlabeled"))
    r, m = len(y), len(f_unlabeled)
    covariance = np.mean((y - y.mean()) * (f - f.mean()))
    weight = covariance / ((1 + r / m) * np.concatenate([f, f_unlabeled]).var(ddof=1))
    result = rectify_mean(y, f, f_unlabeled, lambda_=np.clip(weight, 0, 1))
    assert result.estimate == pytest.approx(case["tuned"]["estimate"], abs=TOLERANCE)


def test_several_outputs_have_a_joint_covariance(rng):
    y = rng.normal(size=(50, 3)) @ rng.normal(size=(3, 3))
    f, pool = y + rng.normal(size=(50, 3)), rng.normal(size=(400, 3))
    result = rectify_mean(y, f, pool, lambda_=[0.5, 1.0, 0.2])
    weight = np.diag([0.5, 1.0, 0.2])
    expected = np.cov((y - f @ weight).T) / 50 + weight @ np.cov(pool.T) @ weight / 400
    np.testing.assert_allclose(result.covariance, expected, rtol=1e-12)
    for j in range(3):
        alone = rectify_mean(y[:, j], f[:, j], pool[:, j])
        together = rectify_mean(y, f, pool)
        assert together.estimate[j] == pytest.approx(alone.estimate)
        assert together.standard_error[j] == pytest.approx(alone.standard_error)
        assert together.lambda_[j] == pytest.approx(alone.lambda_)


def test_one_column_stays_a_column(sample):
    columns = rectify_mean(*(values[:, None] for values in sample))
    flat = rectify_mean(*sample)
    assert columns.estimate.shape == (1,)
    assert columns.estimate[0] == flat.estimate
    assert isinstance(flat.estimate, float)


# Laws


# Perfect predictions of a constant pool may turn up: flagged, and legal.
may_be_certain = pytest.mark.filterwarnings("ignore::sklearn_ftr.ZeroWidthIntervalWarning")
finite = st.floats(-100, 100, allow_nan=False).map(lambda value: round(value, 3))


@st.composite
def samples(draw):
    r, m = draw(st.integers(4, 15)), draw(st.integers(2, 20))
    y, f = (np.array(draw(st.lists(finite, min_size=r, max_size=r))) for _ in range(2))
    pool = np.array(draw(st.lists(finite, min_size=m, max_size=m)))
    assume(y.std() > 0.01)
    assume(f.std() > 0.01)
    return y, f, pool


@may_be_certain
@settings(max_examples=100, deadline=None)
@given(samples(), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(sample, random):
    y, f, pool = sample
    order = random.sample(range(len(y)), len(y))
    one, other = rectify_mean(y, f, pool), rectify_mean(y[order], f[order], pool[::-1])
    assert other.estimate == pytest.approx(one.estimate, rel=1e-9, abs=1e-9)
    assert other.standard_error == pytest.approx(one.standard_error, rel=1e-6, abs=1e-9)


@may_be_certain
@settings(max_examples=100, deadline=None)
@given(samples(), st.floats(-50, 50), st.floats(0.1, 20))
def test_units_do_not_matter(sample, shift, scale):
    """Labels and predictions in other units: the answer is in those units, the p-value the same."""
    y, f, pool = sample
    one = rectify_mean(y, f, pool)
    other = rectify_mean(shift + scale * y, shift + scale * f, shift + scale * pool)
    assert other.estimate == pytest.approx(shift + scale * one.estimate, rel=1e-6, abs=1e-6)
    assert other.standard_error == pytest.approx(scale * one.standard_error, rel=1e-5, abs=1e-7)
    assert other.lambda_ == pytest.approx(one.lambda_, rel=1e-5, abs=1e-7)


@may_be_certain
@settings(max_examples=100, deadline=None)
@given(samples(), st.floats(-50, 50))
def test_a_biased_predictor_is_as_good_as_an_unbiased_one(sample, bias):
    y, f, pool = sample
    one, other = rectify_mean(y, f, pool), rectify_mean(y, f + bias, pool + bias)
    assert other.estimate == pytest.approx(one.estimate, rel=1e-6, abs=1e-6)
    assert other.standard_error == pytest.approx(one.standard_error, rel=1e-5, abs=1e-7)


@may_be_certain
@settings(max_examples=50, deadline=None)
@given(samples())
def test_perfect_predictions_give_the_mean_of_both_samples_information(sample):
    y, _, pool = sample
    pool = np.resize(pool, len(y) + len(pool))  # smaller pools borrow the variance of f
    result = rectify_mean(y, y, pool, lambda_=1.0)
    assert result.estimate == pytest.approx(pool.mean(), rel=1e-9, abs=1e-9)
    assume(pool.std() > 1e-3)  # less is rounding where values are those of float32
    expected = np.sqrt(pool.var(ddof=1) / len(pool))
    assert result.standard_error == pytest.approx(expected, rel=1e-9)


def test_useless_predictions_cost_next_to_nothing(rng):
    y, f, pool = rng.normal(size=2_000), rng.normal(size=2_000), rng.normal(size=20_000)
    result = rectify_mean(y, f, pool)
    assert abs(result.lambda_) < 0.1
    assert result.efficiency == pytest.approx(1, abs=0.01)
    assert "Labels alone are as good" in str(result)
    worse = rectify_mean(y, 3 * f, 3 * pool, lambda_=1.0)
    assert "Labels alone are better (efficiency 0." in worse.verdict()


def test_a_shift_of_a_billion_does_not_change_the_interval(rng):
    y, f, pool = (np.round(rng.normal(size=size), 3) for size in (50, 50, 100_000))
    near = rectify_mean(y, f, pool)
    far = rectify_mean(y + 1e9, f + 1e9, pool + 1e9)
    np.testing.assert_allclose(
        np.array(far.confidence_interval()) - 1e9, near.confidence_interval(), atol=1e-6
    )
    assert far.standard_error == pytest.approx(near.standard_error, rel=1e-6)


# Edges


@pytest.mark.parametrize("lambda_", [None, 0.3, 1.0])
def test_an_empty_pool_is_labels_only(sample, lambda_):
    y, f, _ = sample
    result = rectify_mean(y, f, [], lambda_=lambda_)
    assert result.lambda_ == 0
    assert result.n_unlabeled == 0
    assert result.predictions_only is None
    assert result.estimate == pytest.approx(y.mean())
    np.testing.assert_allclose(
        result.confidence_interval(), stats.t.interval(0.95, 39, y.mean(), stats.sem(y)), rtol=1e-12
    )


def test_a_pool_of_one_row_borrows_the_variance_of_f(sample):
    y, f, pool = sample
    result = rectify_mean(y, f, pool[:1], lambda_=1.0)
    expected = (y - f).var(ddof=1) / 40 + f.var(ddof=1)
    assert result.standard_error**2 == pytest.approx(expected)
    assert np.isfinite(result.confidence_interval()).all()


@pytest.mark.parametrize("m", [2, 5, 39])
def test_a_small_pool_borrows_from_the_rectification_set(sample, m):
    y, f, pool = sample
    pool = pool[:m]
    result = rectify_mean(y, f, pool, lambda_=1.0)
    variance = (np.sum((f - f.mean()) ** 2) + np.sum((pool - pool.mean()) ** 2)) / (38 + m)
    assert result.standard_error**2 == pytest.approx((y - f).var(ddof=1) / 40 + variance / m)


@pytest.mark.parametrize("r", [2, 3, 5])
def test_lambda_is_not_tuned_on_a_handful_of_labels(sample, r):
    y, f, pool = sample
    result = rectify_mean(y[:r], f[:r], pool)
    assert result.lambda_ == 0
    np.testing.assert_allclose(
        result.confidence_interval(), stats.t.interval(0.95, r - 1, y[:r].mean(), stats.sem(y[:r]))
    )
    assert rectify_mean(y[:6], f[:6], pool).lambda_ != 0


@pytest.mark.parametrize("f", [1e16 + 2.0 * np.arange(40) % 4, 1e9 + 2e-7 * (np.arange(40) % 2)])
def test_predictions_that_vary_only_by_rounding_are_constant(sample, f):
    y, _, _ = sample
    result = rectify_mean(y, f, np.full(100, f.mean()))
    assert result.lambda_ == 0
    assert result.standard_error == pytest.approx(stats.sem(y))


def test_constant_labels_are_flagged():
    with pytest.warns(ZeroWidthIntervalWarning, match="no variance"):
        result = rectify_mean([0.1] * 5, [0.1, 0.2, 0.3, 0.2, 0.1], [0.3, 0.4])
    assert result.zero_width
    assert result.estimate == 0.1
    assert result.standard_error == 0
    assert result.efficiency == 1
    assert "says nothing" in result.verdict()
    assert all(np.isfinite(value) for value in result.to_dict().values())


def test_constant_predictions_are_ignored(sample):
    y, _, _ = sample
    result = rectify_mean(y, np.full(40, 0.1), np.full(70, 0.1))
    assert result.lambda_ == 0
    assert result.degrees_of_freedom == 39
    assert result.standard_error == pytest.approx(stats.sem(y))


def test_float32_integers_lists_and_frames(sample):
    y, f, pool = sample
    expected = rectify_mean(y, f, pool)
    same = rectify_mean(y.tolist(), pd.Series(f), pd.DataFrame({"f": pool})["f"])
    assert same.estimate == expected.estimate
    near = rectify_mean(*(values.astype(np.float32) for values in sample))
    assert near.estimate == pytest.approx(expected.estimate, rel=1e-5)
    assert rectify_mean([0, 1, 1, 0], [False, True, True, True], [1, 0]).estimate >= 0


BAD = {
    "1 label": ([1.0], [1.0], [1.0, 2.0], ValueError, "1 labeled row .*at least 2"),
    "no labels": ([], [], [1.0, 2.0], ValueError, "0 labeled rows"),
    "NaN label": ([1.0, np.nan, 2.0], [1.0, 2.0, 3.0], [1.0], ValueError, "y has 1 NaN"),
    "NaN prediction": ([1.0, 3.0, 2.0], [1.0, 2.0, np.nan], [1.0], ValueError, "f has 1 NaN"),
    "NaN in the pool": (
        [1.0, 3.0, 2.0],
        [1.0, 2.0, 3.0],
        [1.0, np.nan],
        ValueError,
        "f_unlabeled has 1 NaN",
    ),
    "inf in the pool": ([1.0, 3.0, 2.0], [1.0, 2.0, 3.0], [1.0, np.inf], ValueError, "1 infinite"),
    "huge pool": ([1.0, 3.0, 2.0], [1.0, 2.0, 3.0], [1e300, -1e300], ValueError, "squares overflow"),
    "lengths": ([1.0, 3.0, 2.0], [1.0, 2.0], [1.0], ValueError, r"shape \(3,\) and f has shape \(2,\)"),
    "columns": (
        np.ones((4, 2)),
        np.ones((4, 2)),
        np.ones((4, 3)),
        ValueError,
        "same number of columns",
    ),
    "mixed dimensions": (np.ones((4, 1)), np.ones(4), np.ones(4), ValueError, "same shape"),
    "3-D": (np.ones((4, 1, 1)), np.ones((4, 1, 1)), np.ones(4), ValueError, "n_rows, n_outputs"),
    "text": (["a", "b", "c"], [1.0, 2.0, 3.0], [1.0], ValueError, "y holds text or dates"),
    "complex": ([1j, 2, 3], [1.0, 2.0, 3.0], [1.0], ValueError, "Complex"),
    "masked": (np.ma.array([1, 2, 3], mask=[0, 1, 0]), [1.0, 2, 3], [1.0], TypeError, "masked array"),
    "huge labels": (
        [1e200, 3e200, -1e200],
        [1.0, 2.0, 3.0],
        [1.0, 2.0],
        ValueError,
        "squares overflow",
    ),
    "huge predictions": (
        [1.0, 3.0, 2.0],
        [1e200, -1e200, 1.0],
        [1.0, 2.0],
        ValueError,
        "squares overflow",
    ),
    "dates": (
        np.array([1, "NaT", 3], "m8[s]"),
        [1.0, 2.0, 3.0],
        [1.0],
        ValueError,
        "y holds text or dates",
    ),
    "columns swapped": (
        pd.DataFrame(np.eye(3)[:, :2], columns=["a", "b"]),
        pd.DataFrame(np.eye(3)[:, :2], columns=["b", "a"]),
        np.eye(2),
        ValueError,
        "expected the same order",
    ),
    "indexes": (
        pd.Series([1.0, 2.0, 3.0]),
        pd.Series([1.0, 2.0, 3.0], index=[2, 1, 0]),
        [1.0],
        ValueError,
        "different indexes",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    *arguments, error, message = BAD[case]
    with pytest.raises(error, match=message):
        rectify_mean(*arguments)


def test_zero_width_warning_points_at_the_caller():
    with pytest.warns(ZeroWidthIntervalWarning) as caught:
        rectify_mean(np.full(9, 2.0), np.arange(9.0), np.arange(20.0))
    assert caught[0].filename == __file__


@pytest.mark.parametrize("level", [0, 1, 95, -0.5])
def test_bad_confidence_level(sample, level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        rectify_mean(*sample, confidence_level=level)


@pytest.mark.parametrize("lambda_", [np.nan, [1.0, 2.0], np.inf])
def test_bad_lambda(sample, lambda_):
    with pytest.raises(ValueError, match="expected None, a finite number"):
        rectify_mean(*sample, lambda_=lambda_)
