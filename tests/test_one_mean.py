"""One number by one judge in plain floats: the same as by the way of all estimands, and left to it wherever anything is not plain."""

from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_ftr import SamplingDesign, rectify_mean
from sklearn_ftr.rectification import _mean


def sample_of(seed, r, m, scale=1.0, offset=0.0, skewed=False):
    rng = np.random.default_rng(seed)
    draw = rng.exponential if skewed else rng.normal
    truth = draw(size=r + m)
    judge = 0.7 * truth + 0.5 * rng.normal(size=r + m) + 0.2
    return tuple(scale * (values + offset) for values in (truth[:r], judge[:r], judge[r:]))


def both_ways(*arguments, **settings):
    """The result, whether it was made in floats, and the result of the way of all estimands."""
    taken, plainly = [], _mean.mean_of_one

    def noted(*given):
        taken.append(plainly(*given))
        return taken[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_mean, "mean_of_one", noted)
        result = rectify_mean(*arguments, **settings)
        patch.setattr(_mean, "mean_of_one", lambda *given: None)
        return result, taken[0] is not None, rectify_mean(*arguments, **settings)


def told(value, name=""):
    """Every number in a result by its place."""
    if is_dataclass(value):
        for one in fields(value):
            yield from told(getattr(value, one.name), f"{name}.{one.name}")
    elif isinstance(value, tuple):
        for number, one in enumerate(value):
            yield from told(one, f"{name}[{number}]")
    else:
        yield name, value


# What can be next to nothing, beside the labels; other numbers are equal in all but their last digits.
IN_UNITS = ("estimate", "rectifier", "rows", "labels", "predictions")


def assert_same(left, right, unit):
    """Up to rounding; labels are as large as `unit`. Types and shapes as well."""
    left, right = dict(told(left)), dict(told(right))
    assert list(left) == list(right)
    for name, value in left.items():
        assert type(value) is type(right[name]), name
        if not isinstance(value, float | np.ndarray):
            assert value == right[name], name
            continue
        assert np.shape(value) == np.shape(right[name]), name
        small = 1e-12 * unit if name.endswith(IN_UNITS) else 1e-10 * name.endswith("shift")
        np.testing.assert_allclose(value, right[name], rtol=1e-9, atol=small, err_msg=name)


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(
    seed=st.integers(0, 2**32 - 1),
    r=st.integers(6, 80),
    more=st.integers(0, 400),
    power=st.integers(-20, 20),
    offset=st.sampled_from([0.0, 1.0, -50.0]),
    skewed=st.booleans(),
    weight=st.sampled_from([None, 0.0, 0.4, 1.0, -2.0]),
)
def test_the_same_as_all_estimands(seed, r, more, power, offset, skewed, weight):
    sample = sample_of(seed, r, r + more, 10.0**power, offset, skewed)
    result, plain, general = both_ways(*sample, lambda_=weight)
    assert plain
    unit = float(np.abs(sample[0]).max())
    assert_same(result, general, unit)
    intervals = [one.confidence_interval() for one in (result, general)]
    np.testing.assert_allclose(*intervals, rtol=1e-9, atol=1e-12 * unit)


def test_skewed_pools_count_in_both():
    rng = np.random.default_rng(3)
    judge = rng.exponential(size=1_012)
    truth = judge + 0.3 * rng.normal(size=1_012)
    result, plain, general = both_ways(truth[:12], judge[:12], judge[12:])
    assert plain
    assert result.influence.expected_third[0] > 0
    assert result.interval_method == general.interval_method
    assert result.influence.expected_third[0] == pytest.approx(general.influence.expected_third[0])


PLAIN = sample_of(0, 40, 200)
Y, F, POOL = PLAIN
NOT_PLAIN = {
    "shares": ((Y > 0).astype(float), F, POOL),
    "few labels": (Y[:5], F[:5], POOL),
    "a pool smaller than the labels": (Y, F, POOL[:39]),
    "a large pool": (Y, F, np.resize(POOL, 8_193)),
    "no pool": (Y, F, POOL[:0]),
    "numbers in float32": (Y, F, POOL.astype(np.float32)),
    "whole numbers": (Y, F, np.round(POOL).astype(int)),
    "a column": (Y[:, None], F[:, None], POOL[:, None]),
    "two outputs": tuple(np.stack([one, 2 * one], axis=1) for one in PLAIN),
    "two judges": (Y, np.stack([F, -F], axis=1), np.stack([POOL, -POOL], axis=1)),
    "constant predictions": (Y, np.ones_like(F), np.ones_like(POOL)),
    "constant predictions of the pool": (Y, F, np.ones_like(POOL)),
    "constant labels": (np.full_like(Y, 3.0), F, POOL),
    "perfect predictions": (Y, Y, POOL),
    "perfect predictions, moved and stretched": (Y, 3 * Y + 1, POOL),
    "labels that differ by rounding": (1e9 + 1e-6 * Y, F, POOL),
    "tiny numbers": tuple(1e-40 * one for one in PLAIN),
    "large numbers": tuple(1e40 * one for one in PLAIN),
}


@pytest.mark.grid(len(NOT_PLAIN))
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("what", NOT_PLAIN)
def test_what_is_not_plain(what):
    weight = 1 / 3 if what.endswith("stretched") else None
    result, plain, general = both_ways(*NOT_PLAIN[what], lambda_=weight)
    assert not plain
    assert result == general


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("weight", [-1e6, 1e155, 1e308])
def test_large_weights_are_not_plain(weight):
    result, plain, general = both_ways(*PLAIN, lambda_=weight)
    assert not plain
    assert result == general


def test_designs_are_not_plain():
    design, of_pool = SamplingDesign(weights=np.arange(1, 41)), SamplingDesign(weights=np.ones(200))
    for settings in ({"design": design, "design_unlabeled": of_pool}, {"finite_population": True}):
        result, plain, general = both_ways(*PLAIN, **settings)
        assert not plain
        assert result == general


def test_ratings_that_begin_with_one_are_plain():
    y = np.resize([1.0, 2.0, 5.0, 0.0], 40)
    assert both_ways(y, F, POOL)[1]


@pytest.mark.parametrize(("where", "value"), [(0, np.nan), (7, np.inf), (199, 1e200)])
def test_what_is_wrong_with_a_pool_is_said(where, value):
    pool = POOL.copy()
    pool[where] = value
    with pytest.raises(ValueError, match="f_unlabeled has"):
        rectify_mean(Y, F, pool)
