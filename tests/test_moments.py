import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sklearn_ftr.rectification import _moments
from sklearn_ftr.rectification._moments import centred, moments


@pytest.mark.parametrize("n", [1, 2, 16_384, 16_385, 50_000])
@pytest.mark.parametrize("k", [None, 1, 3])
def test_agrees_with_numpy(rng, n, k):
    rows = rng.normal(3, 2, size=n if k is None else (n, k))
    found = moments(rows)
    assert found.count == n
    np.testing.assert_allclose(found.mean, np.atleast_1d(rows.mean(axis=0)), rtol=1e-13)
    if n > 1:
        expected = np.atleast_2d(np.cov(rows, rowvar=False))
        np.testing.assert_allclose(found.covariance, expected, rtol=1e-12, atol=1e-14)


def test_float32_is_accumulated_in_float64(rng):
    rows = rng.normal(100, 1, size=100_000).astype(np.float32)
    assert moments(rows).variance == pytest.approx(rows.astype(np.float64).var(ddof=1), rel=1e-12)


def test_empty():
    found = moments(np.empty((0, 2)))
    assert found.count == 0
    assert found.mean.shape == (2,)


@pytest.mark.parametrize("value", [0.1, 1e9 + 0.1, -1e-300])
def test_constant_columns_have_no_variance_at_all(value):
    assert moments(np.full(100_001, value)).variance == [0.0]
    assert not centred(np.full((101, 1), value))[1].any()


def test_a_shift_changes_only_the_mean(rng):
    rows = rng.integers(-1000, 1000, size=70_000) / 1024  # exact under the shift
    near, far = moments(rows), moments(rows + 1e9)
    assert far.variance == pytest.approx(near.variance, rel=1e-13)
    assert far.mean - 1e9 == pytest.approx(near.mean, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(2, 40), st.just(2)), elements=st.floats(-1e3, 1e3)))
def test_block_borders_do_not_matter(rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_moments, "_BLOCK_BYTES", 8 * 2 * 3)  # eight rows a block, four for each column
        found = moments(rows)
    np.testing.assert_allclose(found.mean, rows.mean(axis=0), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(found.covariance, np.cov(rows, rowvar=False), rtol=1e-9, atol=1e-7)
