"""Rectified differences against two rectified means, another package and the laws that they must obey."""

import json
from pathlib import Path

import naive_rectification as naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sklearn_ftr import PoolMoments, ZeroWidthIntervalWarning, rectify_difference, rectify_mean

GOLDEN = json.loads((Path(__file__).parent / "golden" / "estimands.json").read_text())["difference"]


def sample_of(seed, r=50, m=200):
    """y, f, f_unlabeled, group, group_unlabeled; B is 0.5 above A."""
    rng = np.random.default_rng(seed)
    group = rng.choice(["A", "B"], size=r + m, p=[0.4, 0.6])
    group[:6] = ["A", "B"] * 3
    truth = rng.normal(size=r + m) + 0.5 * (group == "B")
    f = truth + 0.4 * rng.normal(size=r + m) + 0.3
    return truth[:r], f[:r], f[r:], group[:r], group[r:]


def of_groups(y, f, pool, group, group_pool):
    return [(y[group == g], f[group == g], pool[group_pool == g]) for g in ("A", "B")]


@pytest.mark.parametrize("weight", [None, 0.0, 0.6, 1.0])
def test_two_rectified_means_and_welch(weight):
    sample = sample_of(1)
    result = rectify_difference(*sample, lambda_=weight)
    first, second = (
        [column[0] for column in naive.rectify_columns(*(rows[:, None] for rows in one), weight)]
        for one in of_groups(*sample)
    )
    variance = first[1] + second[1]
    degrees = variance**2 / (first[1] ** 2 / first[2] + second[1] ** 2 / second[2])
    assert result.estimate == pytest.approx(second[0] - first[0], rel=1e-10)
    assert result.standard_error**2 == pytest.approx(variance, rel=1e-10)
    assert result.degrees_of_freedom == pytest.approx(degrees, rel=1e-9)
    assert result.lambda_ == pytest.approx((first[3] + second[3]) / 2, rel=1e-10)
    assert list(result.parts) == ["A", "B"]
    assert result.parts["B"].estimate == pytest.approx(second[0])
    assert result.estimand == "difference B - A"


@pytest.mark.parametrize("how", ["empty pool", "lambda_=0", "labels_only"])
def test_labels_only_is_the_test_of_welch(how):
    y, f, pool, group, group_pool = sample_of(2)
    pool, group_pool = (pool[:0], group_pool[:0]) if how == "empty pool" else (pool, group_pool)
    weight = 0.0 if how == "lambda_=0" else None
    result = rectify_difference(y, f, pool, group, group_pool, lambda_=weight)
    answer = result.labels_only if how == "labels_only" else result
    welch = stats.ttest_ind(y[group == "B"], y[group == "A"], equal_var=False)
    assert answer.estimate / answer.standard_error == pytest.approx(welch.statistic, rel=1e-10)
    assert answer.p_value(0) == pytest.approx(welch.pvalue, rel=1e-9)
    ends = welch.confidence_interval(0.9)  # to 8 digits in old versions of scipy
    np.testing.assert_allclose(answer.confidence_interval(0.9), ends, rtol=1e-7)


@pytest.mark.parametrize("golden", GOLDEN, ids=["larger", "smaller"])
def test_agrees_with_ppi_python_for_a_given_lambda(golden):
    """Two of its means. Its errors are of variances with ddof=0 and z quantiles, and so smaller than ours."""
    names = [np.repeat(["A", "B"], [len(one[column]) for one in golden["groups"]]) for column in (0, 2)]
    y, f, pool = (np.concatenate(parts) for parts in zip(*golden["groups"], strict=True))
    for given_ in golden["given"]:
        result = rectify_difference(y, f, pool, *names, lambda_=given_["lambda"])
        means = given_["means"]
        assert result.estimate == pytest.approx(means[1] - means[0], abs=1e-10)
        assert result.parts["A"].estimate == pytest.approx(means[0], abs=1e-10)
        z = stats.norm.ppf(0.95)
        errors = [(high - low) / (2 * z) for low, high in given_["intervals"]]
        assert 0.9 < np.hypot(*errors) / result.standard_error < 1


def test_perfect_predictions_and_useless_ones(rng):
    y, _, pool, group, group_pool = sample_of(3)
    perfect = rectify_difference(y, y, pool, group, group_pool, lambda_=1.0)
    expected = pool[group_pool == "B"].mean() - pool[group_pool == "A"].mean()
    assert perfect.estimate == pytest.approx(expected, rel=1e-12)
    y, f, pool, group, group_pool = sample_of(4, r=3_000, m=9_000)
    useless = rectify_difference(y, rng.permutation(f), rng.permutation(pool), group, group_pool)
    assert abs(useless.lambda_) < 0.1
    assert useless.efficiency == pytest.approx(1, abs=0.02)


# Laws


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(seed, random):
    y, f, pool, group, group_pool = sample_of(seed)
    order = random.sample(range(len(y)), len(y))
    one = rectify_difference(y, f, pool, group, group_pool)
    other = rectify_difference(y[order], f[order], pool[::-1], group[order], group_pool[::-1])
    assert other.estimate == pytest.approx(one.estimate, rel=1e-9)
    assert other.standard_error == pytest.approx(one.standard_error, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(-50, 50), st.floats(0.01, 100))
def test_units_do_not_matter(seed, shift, scale):
    y, f, pool, *groups = sample_of(seed)
    one = rectify_difference(y, f, pool, *groups)
    other = rectify_difference(*(shift + scale * rows for rows in (y, f, pool)), *groups)
    assert other.estimate == pytest.approx(scale * one.estimate, rel=1e-7, abs=1e-9)
    assert other.standard_error == pytest.approx(scale * one.standard_error, rel=1e-7)
    assert other.p_value(0) == pytest.approx(one.p_value(0), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(-50, 50), st.floats(-50, 50))
def test_a_bias_of_its_own_in_each_group_costs_nothing(seed, of_a, of_b):
    y, f, pool, group, group_pool = sample_of(seed)
    one = rectify_difference(y, f, pool, group, group_pool)
    f, pool = (
        rows + np.where(names == "A", of_a, of_b) for rows, names in ((f, group), (pool, group_pool))
    )
    other = rectify_difference(y, f, pool, group, group_pool)
    assert other.estimate == pytest.approx(one.estimate, rel=1e-7, abs=1e-9)
    assert other.standard_error == pytest.approx(one.standard_error, rel=1e-7)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_other_names_in_other_order_change_the_sign(seed):
    y, f, pool, group, group_pool = sample_of(seed)
    one = rectify_difference(y, f, pool, group, group_pool)
    names = [np.where(g == "A", 1, 0) for g in (group, group_pool)]
    other = rectify_difference(y, f, pool, *names)
    assert other.estimate == pytest.approx(-one.estimate, rel=1e-12)
    assert other.standard_error == pytest.approx(one.standard_error, rel=1e-12)
    assert list(other.parts) == ["0", "1"]


# Legal, if odd


@pytest.mark.parametrize("kind", [list, pd.Series, pd.Categorical, lambda g: g == "B"])
def test_groups_of_any_kind(kind):
    y, f, pool, group, group_pool = sample_of(5)
    expected = rectify_difference(y, f, pool, group, group_pool)
    result = rectify_difference(y, f, pool, kind(group), kind(group_pool))
    assert result.estimate == expected.estimate


def test_two_labels_each_and_a_pool_of_one_group():
    y, f, pool, group, group_pool = sample_of(6)
    few = rectify_difference(y[:4], f[:4], pool, group[:4], group_pool)
    assert few.lambda_ == 0
    assert np.isfinite([few.estimate, few.standard_error, few.degrees_of_freedom]).all()
    one = rectify_difference(y, f, pool, group, np.full(len(pool), "A"))
    assert one.parts["B"].n_unlabeled == 0
    assert one.predictions_only is None
    assert np.isfinite([one.estimate, *one.confidence_interval()]).all()
    assert "A" in str(one.parts) or str(one)


def test_only_a_difference_without_any_variance_is_flagged(recwarn):
    """A constant group beside one that varies leaves an honest error; nothing to warn of."""
    y, f, pool, group, group_pool = sample_of(7)
    one = rectify_difference(np.where(group == "A", 1.0, y), f, pool, group, group_pool)
    assert np.isfinite(one.standard_error)
    assert not one.zero_width
    assert not recwarn.list
    both = rectify_difference(np.where(group == "A", 1.0, 2.0), f, pool, group, group_pool)
    assert both.zero_width
    assert both.estimate == 1.0
    assert [warning.category for warning in recwarn.list] == [ZeroWidthIntervalWarning]
    assert recwarn.list[0].filename == __file__


@pytest.mark.parametrize("weight", [None, 0.7])
def test_parts_are_rectified_means(weight):
    sample = sample_of(8)
    result = rectify_difference(*sample, lambda_=weight, confidence_level=0.8)
    for part, one in zip(result.parts.values(), of_groups(*sample), strict=True):
        alone = rectify_mean(*one, lambda_=weight, confidence_level=0.8)
        assert part.to_dict() == pytest.approx(alone.to_dict(), rel=1e-9)
        y, f, pool = one
        summed = rectify_mean(y, f, PoolMoments(pool), lambda_=weight, confidence_level=0.8)
        assert part.to_dict() == summed.to_dict()
