"""What results of quantiles keep: little of a large pool, and nothing that changes an answer by more than it says."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_ftr import SamplingDesign, rectify_mean, rectify_quantile
from sklearn_ftr.rectification import _parts_of_f
from sklearn_ftr.rectification._shares import Shares
from sklearn_ftr.rectification._thinned_shares import ThinnedShares, thinned

LEVELS = np.linspace(0.1, 0.9, 9)


def sample_of(seed, r, m, decimals=9, judges=1):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=r + m)
    f = np.stack([truth + 0.5 * rng.normal(size=r + m) for _ in range(judges)], axis=1)
    f = np.round(f if judges > 1 else f[:, 0], decimals)
    return np.round(truth[:r], decimals), f[:r], f[r:]


def weighted(seed, r, m):
    rng = np.random.default_rng(seed)
    return {
        "design": SamplingDesign(weights=rng.uniform(1, 3, r)),
        "design_unlabeled": SamplingDesign(weights=rng.uniform(1, 3, m)),
    }


def clustered(seed, r, m):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 400, r + m)
    return {
        "design": SamplingDesign(clusters=labels[:r]),
        "design_unlabeled": SamplingDesign(clusters=labels[r:]),
    }


def simple(seed, r, m):
    return {}


def test_a_pickled_result_is_small_whatever_the_pool_and_the_number_of_levels():
    sample = sample_of(0, 1_000, 1_000_000)
    one, nine = (rectify_quantile(*sample, q) for q in (0.5, LEVELS))
    sizes = [len(pickle.dumps(result)) for result in (one, nine)]
    assert sizes[1] < 200_000
    assert sizes[1] < 1.4 * sizes[0]
    str(nine)  # what has been looked at is not kept
    assert len(pickle.dumps(nine)) == sizes[1]


@pytest.mark.parametrize("judges", [1, 3])
@pytest.mark.parametrize("design", [simple, weighted, clustered])
def test_a_pickled_result_says_the_same(design, judges):
    r, m = 60, 9_000
    sample = sample_of(1, r, m, judges=judges)
    result = rectify_quantile(*sample, [0.2, 0.5], **design(2, r, m))
    again = pickle.loads(pickle.dumps(result))
    assert again == result
    assert str(again) == str(result)
    assert again.to_json() == result.to_json()
    assert_array_equal(again.p_value(0.1), result.p_value(0.1))
    assert_array_equal(again.pool_covariance, result.pool_covariance)
    assert_array_equal(again.bootstrap(50, random_state=3), result.bootstrap(50, random_state=3))


@pytest.mark.parametrize("decimals", [9, 2, 1])
@pytest.mark.parametrize("judges", [1, 2])
@pytest.mark.parametrize("design", [simple, weighted, clustered])
def test_thinning_moves_ends_by_less_than_it_says(monkeypatch, design, judges, decimals):
    """Against all rows of the pool: the estimate is the same, and ends are where F is the same but for a gap."""
    r, m = 80, 5_000
    sample = sample_of(4, r, m, decimals, judges)
    levels, told = [0.1, 0.5, 0.8], design(5, r, m)
    monkeypatch.setattr(_parts_of_f, "_ROWS_PER_LABEL", 0)
    monkeypatch.setattr(_parts_of_f, "_ROWS_KEPT", 10**6)
    whole = rectify_quantile(*sample, levels, **told)
    monkeypatch.setattr(_parts_of_f, "_ROWS_KEPT", 600 * judges)
    kept = rectify_quantile(*sample, levels, **told)
    for name in ("estimate", "covariance", "lambda_", "efficiency", "rectifier"):
        assert_array_equal(getattr(kept, name), getattr(whole, name))
    for j, (of_kept, of_whole) in enumerate(
        zip(kept.quantiles.curves, whole.quantiles.curves, strict=True)
    ):
        pools = of_kept.parts.of_pools
        assert all(isinstance(pool, ThinnedShares) for pool in pools)
        gap = sum(
            abs(weight) * pool.largest_gap
            for weight, pool in zip(np.atleast_1d(of_kept.lambda_), pools, strict=True)
        )
        assert (0 < gap < 0.02) if decimals == 9 else gap < 0.02
        if decimals == 1:
            assert gap == 0
        row = 1 / m
        for confidence in (0.5, 0.95, 0.9999):
            ends = (result.confidence_interval(confidence) for result in (kept, whole))
            for mine, exact in zip(*([low[j], high[j]] for low, high in ends), strict=True):
                if mine != exact:
                    shift = of_whole.highest(mine) - of_whole.highest(exact)
                    assert abs(shift) <= gap + 3 * row * judges
                assert mine == exact or gap > 0
        for null in np.random.default_rng(6).normal(size=5):
            assert of_kept(null) == pytest.approx(of_whole(null), abs=gap + 1e-12)


@pytest.mark.parametrize("weights", [None, np.random.default_rng(7).uniform(0, 2, 4_000)])
def test_thinned_shares_are_exact_where_they_are_known(weights):
    rows = np.round(np.random.default_rng(8).normal(size=4_000), 3)
    whole = Shares.of(rows, weights)
    values = np.array([-9.0, -0.5, 0.123, 0.1234, 0.8, 9.0])
    few = thinned(whole, [(-1.0, 1.0)], values, 300)
    assert isinstance(few, ThinnedShares)
    assert len(few.values) < 320
    for side in ("left", "right"):
        np.testing.assert_allclose(
            few.at(few.values, side), whole.at(few.values, side), rtol=0, atol=1e-12
        )
        between = np.random.default_rng(9).uniform(-1, 1, 500)
        gaps = few.at(between, side) - whole.at(between, side)
        assert np.abs(gaps).max() <= few.largest_gap + 1e-12
    for share in np.linspace(0.2, 0.8, 50):
        there = whole.at(np.array([few.reaching(share)]))[0]
        assert there == pytest.approx(share, abs=few.largest_gap + 0.01)
    assert few.reaching(1.1) is None
    values, steps = few.steps
    assert steps.sum() == pytest.approx(1)
    assert values.min() == min(rows.min(), -9.0)


@pytest.mark.parametrize("weights", [None, np.random.default_rng(10).uniform(1, 2, 5_000)])
def test_few_distinct_values_are_all_kept(weights):
    rows = np.random.default_rng(11).integers(0, 40, 5_000).astype(np.float32)
    whole = Shares.of(rows, weights)
    few = thinned(whole, [(0.0, 39.0)], np.array([3.5]), 60)
    assert few.largest_gap == 0
    t = np.linspace(-1, 41, 500)
    np.testing.assert_allclose(few.at(t), whole.at(t), rtol=0, atol=1e-12)
    shares = np.linspace(0.001, 1, 333)
    assert [few.reaching(one) for one in shares] == [whole.reaching(one) for one in shares]


def test_tables_of_few_different_rows_are_packed_to_the_last_bit(rng):
    y = (rng.uniform(size=2_000) < 0.3).astype(float)
    f = rng.uniform(size=3_000).round(1)
    result = rectify_mean(y, f[:2_000], f[2_000:])
    again = pickle.loads(pickle.dumps(result))
    assert again == result
    assert len(pickle.dumps(result.influence)) < 0.3 * result.influence.rows.nbytes * 3
    other = rectify_mean(rng.normal(size=300), rng.normal(size=300), rng.normal(size=300))
    assert pickle.loads(pickle.dumps(other)) == other
