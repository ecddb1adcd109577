"""A test of several numbers at once: Hotelling's T^2 as an F test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr._shows_table import ShowsFields
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._inference import Estimate, check_null
from sklearn_ftr.rectification._scipy import fdtrc

# Directions of a correlation matrix with less variance have none; distances, in standard errors, that are no more than rounding.
_SMALLEST_VARIANCE, _ROUNDING = 1e-10, 1e-6


@dataclass(frozen=True)
class WaldTest(ShowsFields, Versioned):
    """Answer to the question whether several numbers all are what a null hypothesis says.

    Attributes
    ----------
    statistic : float
        F.
    p_value : float
    df_num : int
        How many independent numbers are tested.
    df_denom : float
        Degrees of freedom of their covariance, less those that its size costs.
    """

    statistic: float
    p_value: float
    df_num: int
    df_denom: float

    def __str__(self) -> str:
        return f"F({self.df_num}, {self.df_denom:.1f}) = {self.statistic:.4g}, p = {self.p_value:.3g}"


def wald_test(tested: Estimate, weights: Array, null: ArrayLike) -> WaldTest:
    """That all numbers, sums of others with `weights` (q, k), equal `null`."""
    distance = np.atleast_1d(tested.estimate - check_null(null, tested.estimate))
    errors = np.sqrt(np.diag(tested.covariance))
    units = np.where(errors > 0, errors, 1.0)
    values, vectors = np.linalg.eigh(tested.covariance / np.outer(units, units))
    varies = values > _SMALLEST_VARIANCE * max(float(values[-1]), 1.0)
    along = vectors.T @ (distance / units)
    q = int(varies.sum())
    d = float(np.min(tested.degrees_of_freedom))
    _check_degrees(d, weights)
    if _contradicts(along[~varies], distance / units):
        return WaldTest(np.inf, 0.0, q, d - q + 1)
    if not q:
        return WaldTest(0.0, 1.0, 0, d)
    square = float(np.sum(along[varies] ** 2 / values[varies]))
    statistic = square * (d - q + 1) / (d * q)
    return WaldTest(statistic, float(fdtrc(q, d - q + 1, statistic)), q, d - q + 1)


def _check_degrees(d: float, weights: Array) -> None:
    """More than numbers that are not sums of others: fewer leave combinations without variance that have some."""
    lengths = np.linalg.norm(weights, axis=1, keepdims=True)
    q = int(np.linalg.matrix_rank(weights / np.where(lengths > 0, lengths, 1.0)))
    if d <= q - 1:
        raise ValueError(
            f"A test of {q} numbers needs more than {q - 1} degrees of freedom; got {d:.1f}. Test fewer at once, or each by itself: "
            'p_value(adjust="holm").'
        )


def _contradicts(without_variance: Array, distance: Array) -> bool:
    """Whether numbers that do not vary differ from the null."""
    return bool(np.any(np.abs(without_variance) > _ROUNDING * max(1.0, float(np.abs(distance).max()))))
