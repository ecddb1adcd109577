"""PoolMoments in the place of a pool: however they were made, a mean is the same."""

import json
import pickle
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_ftr import (
    PoolMoments,
    m_estimate,
    rectify_difference,
    rectify_linear_regression,
    rectify_mean,
    rectify_quantile,
)


@pytest.fixture
def rows(rng):
    """Labels (60,), predictions of them, and predictions (940,) of the pool."""
    y = rng.normal(size=1_000)
    f = y + rng.normal(scale=0.5, size=1_000)
    return y[:60], f[:60], f[60:]


def assert_same(one, other):
    told, expected = one.to_dict(), other.to_dict()
    assert told.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, int | float | np.ndarray):
            np.testing.assert_allclose(told[name], value, rtol=1e-11, atol=1e-13, err_msg=name)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 60), min_size=1, max_size=8),
    st.integers(1, 3),
    st.booleans(),
)
def test_any_partition_and_order_is_the_whole(seed, sizes, k, merges):
    rng = np.random.default_rng(seed)
    parts = [rng.normal(5, 2, size=(size, k)) for size in sizes]
    whole, found = np.concatenate(parts), PoolMoments()
    for part in rng.permutation(len(parts)):
        if merges:
            found.merge(PoolMoments(parts[part]))
        else:
            found.update(parts[part])
    assert found.count == len(whole)
    if len(whole):
        np.testing.assert_allclose(found.mean, whole.mean(axis=0), rtol=1e-12)
    if len(whole) > 1:
        expected = np.atleast_2d(np.cov(whole, rowvar=False))
        np.testing.assert_allclose(found.covariance, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.float16, np.float32, np.float64])
def test_numbers_of_any_type(rng, dtype):
    rows = (10 * rng.random(5_000)).astype(dtype)
    found = PoolMoments(rows[:1_000]).update(rows[1_000:])
    assert found.mean == pytest.approx(rows.astype(float).mean(), rel=1e-12)
    assert found.covariance[0] == pytest.approx(rows.astype(float).var(ddof=1), rel=1e-12)


def test_a_mean_is_that_of_the_rows(rows):
    y, f, pool = rows
    assert_same(rectify_mean(y, f, PoolMoments(pool)), rectify_mean(y, f, pool))


def test_several_outputs_and_judges(rng):
    y = rng.normal(size=(60, 2))
    judges = rng.normal(size=(60, 2, 3)) + y[:, :, None]
    pool = rng.normal(size=(500, 2, 3))
    moments = PoolMoments(pool.reshape(500, 6))
    assert_same(rectify_mean(y, judges, moments), rectify_mean(y, judges, pool))
    of_judges = rectify_mean(y[:, 0], judges[:, 0], PoolMoments(pool[:, 0]))
    assert_same(of_judges, rectify_mean(y[:, 0], judges[:, 0], pool[:, 0]))


def test_moments_serve_more_than_once(rows):
    """Nor does an estimate change them."""
    y, f, pool = rows
    moments = PoolMoments(pool)
    first = rectify_mean(y, f, moments)
    assert_same(rectify_mean(y, f, moments), first)
    assert moments.count == len(pool)


def test_skewed_pools_move_intervals_as_their_rows_do(rng):
    """Intervals of few labels learn from a few thousand rows, which are kept, packed and sent."""
    pool = rng.lognormal(sigma=1.2, size=30_000)
    y = pool[:25] * rng.lognormal(sigma=0.6, size=25)
    moments = PoolMoments()
    for block in np.split(pool[25:29_975], 10):
        moments.update(block)
    expected = rectify_mean(y, pool[:25], pool[25:29_975])
    without = {name: value for name, value in moments.to_dict().items() if name != "rows"}
    plain = rectify_mean(y, pool[:25], PoolMoments.from_dict(without))
    assert plain.confidence_interval().high < 0.99 * expected.confidence_interval().high
    sent = PoolMoments.from_dict(json.loads(json.dumps(moments.to_dict())))
    for one in (moments, sent):
        found = rectify_mean(y, pool[:25], one)
        assert found.interval_method == expected.interval_method
        np.testing.assert_allclose(
            found.confidence_interval(), expected.confidence_interval(), rtol=1e-10
        )


def test_which_rows_are_kept_depends_on_the_pool_only(rng):
    pool = rng.normal(size=50_000)
    whole = PoolMoments(pool).even_rows
    assert 4_096 < len(whole) <= 8_192
    cut = PoolMoments()
    for start in range(0, len(pool), 777):
        cut.update(pool[start : start + 777])
    np.testing.assert_array_equal(cut.even_rows, whole)


def test_merged_parts_keep_rows_from_everywhere(rng):
    parts = [PoolMoments(np.full(20_000, float(number))) for number in range(5)]
    found = parts[0]
    for part in parts[1:]:
        found.merge(part)
    kept, counts = np.unique(found.even_rows, return_counts=True)
    assert kept.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert counts.max() <= counts.min() + 2
    assert len(found.even_rows) <= 8_192


@pytest.mark.parametrize("sent", [pickle.loads, json.loads])
def test_workers_send_theirs(rows, sent):
    y, f, pool = rows
    total = PoolMoments()
    for part in np.array_split(pool, 7):
        if sent is pickle.loads:
            total.merge(sent(pickle.dumps(PoolMoments(part))))
        else:
            total.merge(PoolMoments.from_dict(sent(json.dumps(PoolMoments(part).to_dict()))))
    assert_same(rectify_mean(y, f, total), rectify_mean(y, f, pool))


def test_a_worker_without_rows_sends_nothing(rows):
    y, f, pool = rows
    empty = PoolMoments.from_dict(json.loads(json.dumps(PoolMoments(np.empty((0, 2))).to_dict())))
    assert empty.count == 0
    assert repr(empty) == "PoolMoments()"
    for total in (PoolMoments(pool).merge(empty), empty.merge(PoolMoments(pool))):
        assert_same(rectify_mean(y, f, total), rectify_mean(y, f, pool))


def test_nothing_seen_is_an_empty_pool(rows):
    y, f, _ = rows
    assert_same(rectify_mean(y, f, PoolMoments()), rectify_mean(y, f, []))
    with pytest.raises(ValueError, match="have seen no prediction; update them first"):
        _ = PoolMoments().mean


@pytest.mark.parametrize("kind", [float, np.float64, Decimal, lambda value: [[float(value)]]])
def test_a_query_is_enough(rows, kind):
    """COUNT, AVG and VAR_SAMP, of whatever type a database has them."""
    y, f, pool = rows
    count = Decimal(len(pool)) if kind is Decimal else np.int64(len(pool))
    told = {"count": count, "mean": float(pool.mean()), "covariance": kind(pool.var(ddof=1))}
    assert_same(rectify_mean(y, f, PoolMoments.from_dict(told)), rectify_mean(y, f, pool))


def test_a_single_row_has_no_variance(rows):
    y, f, pool = rows
    one = PoolMoments.from_dict({"count": 1, "mean": pool[0], "covariance": None})
    assert_same(rectify_mean(y, f, one), rectify_mean(y, f, pool[:1]))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"mean": 1, "covariance": 1}, "count is missing"),
        ({"count": 3}, "mean and covariance are missing"),
        ({"count": -1, "mean": 1, "covariance": 1}, "count is -1; expected at least 0"),
        ({"count": 2.5, "mean": 1, "covariance": 1}, r"count is 2.5.*expected a whole number"),
        ({"count": None, "mean": 1, "covariance": 1}, r"count is None.*expected a whole number"),
        ({"count": float("nan"), "mean": 1, "covariance": 1}, r"count is nan.*expected a whole number"),
        (
            {"count": 3, "mean": [1, 2], "covariance": 1},
            r"covariance \(1, 1\); expected \(2,\) and \(2, 2\)",
        ),
        ({"count": 3, "mean": 1, "covariance": None}, "covariance has 1 NaN"),
        ({"count": 3, "mean": np.inf, "covariance": 1}, "mean has 0 NaN and 1 infinite"),
        ({"count": 3, "mean": 1, "covariance": -1}, "without negative variances"),
        ({"count": 3, "mean": [1, 2], "covariance": [[1, 2], [2, 1]]}, "without negative variances"),
        ({"count": 3, "mean": [1, 2], "covariance": [[1, 0.5], [0, 1]]}, "expected a symmetric matrix"),
        ({"count": 3, "mean": "a", "covariance": 1}, "mean is 'a'; expected k numbers"),
        ({"count": 3, "mean": 1, "covariance": 1, "rows": [[1, 2]]}, "f has 2 columns and there are 1"),
        (
            {"count": 3, "mean": 1, "covariance": 1, "rows": [1], "step": 0},
            "step is 0; expected at least 1",
        ),
        ("count", "told is of type str; expected a mapping"),
    ],
)
def test_what_are_no_moments(told, message):
    with pytest.raises(ValueError, match=message):
        PoolMoments.from_dict(told)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([1.0, np.nan], "f has 1 NaN"),
        ([[1.0, np.inf]], "f has 0 NaN and 1 infinite"),
        ([1e200, 1.0], "squares overflow"),
        (["a"], "text or dates"),
        (np.ones((2, 2, 2)), r"shape \(2, 2, 2\)"),
        (3.0, r"shape \(\)"),
    ],
)
def test_what_are_no_predictions(rows, message):
    with pytest.raises(ValueError, match=message):
        PoolMoments(rows)


def test_rows_that_are_refused_leave_what_was_seen(rows):
    moments = PoolMoments(rows[2])
    before = moments.to_dict()
    for wrong in ([np.nan], np.ones((3, 2)), [1e200, 0.0]):
        with pytest.raises(ValueError, match="f has"):
            moments.update(wrong)
    assert moments.to_dict() == before


def test_columns_have_to_match(rows):
    y, f, pool = rows
    both = PoolMoments(np.column_stack([pool, pool]))
    with pytest.raises(ValueError, match="PoolMoments have 2 columns and f has 1"):
        rectify_mean(y, f, both)
    with pytest.raises(ValueError, match="2 columns and there are 1"):
        PoolMoments(pool).merge(both)
    with pytest.raises(TypeError, match="other is of type ndarray; expected PoolMoments"):
        PoolMoments(pool).merge(pool)


def test_estimates_that_need_rows_say_so(rows):
    y, f, pool = rows
    X, X_pool, moments = y[:, None], pool[:, None], PoolMoments(pool)
    group, group_pool = np.arange(60) % 2, np.arange(940) % 2
    for ask in (
        lambda: rectify_quantile(y, f, moments),
        lambda: rectify_linear_regression(X, y, f, X_pool, moments),
        lambda: rectify_linear_regression(X, y, f, lambda: iter([X_pool]), moments),
        lambda: rectify_linear_regression(X, y, f, moments, pool),
        lambda: m_estimate(lambda X, y, t: y - t, X, y, f, X_pool, moments, start=0),
        lambda: rectify_difference(y, f, moments, group, group_pool),
        lambda: rectify_difference(y, f, moments, group, lambda: iter([group_pool])),
    ):
        with pytest.raises(ValueError, match="PoolMoments, from which means can be had, but nothing"):
            ask()
    with pytest.raises(ValueError, match="or as moments; pass an array"):
        rectify_mean(y, f, moments, missing_judgements="indicator")
