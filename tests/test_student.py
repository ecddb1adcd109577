"""Student's t without scipy.stats: the same numbers."""

import numpy as np
import pytest
from scipy import stats

from sklearn_ftr.rectification._student import t_above, t_quantile

DEGREES = np.array([-1.0, 0.0, 0.3, 1, 1.5, 2, 4.7, 30, 1e4, 1e8, np.inf, np.nan])[:, None]


def test_quantiles_are_those_of_scipy():
    tails = np.array([0, 1e-20, 1e-5, 0.025, 0.3, 0.5, 0.7, 0.975, 1, np.nan])
    np.testing.assert_allclose(
        t_quantile(tails, DEGREES), stats.t.isf(tails, DEGREES), rtol=1e-8, atol=1e-12
    )


def test_probabilities_are_those_of_scipy():
    t = np.array([-np.inf, -50, -3, -0.5, 0, 1e-3, 2, 40, 1e10, np.inf, np.nan])
    np.testing.assert_allclose(t_above(t, DEGREES), stats.t.sf(t, DEGREES), rtol=1e-8, atol=1e-300)


@pytest.mark.parametrize("degrees", [7, 7.5, np.inf])
def test_numbers_stay_numbers(degrees):
    assert np.ndim(t_quantile(0.025, degrees)) == np.ndim(t_above(2, degrees)) == 0
    assert t_above(t_quantile(0.025, degrees), degrees) == pytest.approx(0.025)
