"""Intervals of a difference of two shares, from those of both.

The squared distances from the estimate to the ends are put together as variances are (Newcombe 1998; Zou and Donner 2008, "MOVER"), so that
the interval is inside [-1, 1] and as skewed as its parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from sklearn_ftr.rectification._binomial_tests import Tail, exact_tail, mixed_tail
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._inference import (
    Alternative,
    ConfidenceInterval,
    check_alternative,
    check_null,
)
from sklearn_ftr.rectification._share_interval import ShareInference, sides_of

# The logarithm of the smallest p-value.
_SMALLEST = -690.0


@dataclass(frozen=True, eq=False)
class ShareDifferenceInference:
    """The second share minus the first.

    Parameters
    ----------
    first, second : ShareInference
        Of one number each.
    correlation : float, default=0
        Of both estimates, where clusters have rows of both groups.
    """

    first: ShareInference
    second: ShareInference
    correlation: float = 0.0

    @property
    def estimate(self) -> float:
        """In the middle of the interval."""
        return float(self.second.estimate[0] - self.first.estimate[0])

    def confidence_interval(
        self, confidence_level: float = 0.95, alternative: Alternative = "two-sided"
    ) -> ConfidenceInterval:
        """As `ShareInference.confidence_interval`, within [-1, 1]."""
        low, high = self._limits(*sides_of(confidence_level, alternative))
        return ConfidenceInterval(
            -1.0 if alternative == "less" else low, 1.0 if alternative == "greater" else high
        )

    def p_value(self, null: ArrayLike, alternative: Alternative = "two-sided") -> Any:
        """The largest level at which the interval does not hold `null`; as `ShareInference.p_value`."""
        check_alternative(alternative)
        value = float(check_null(null, self.estimate))
        if alternative == "two-sided":
            return min(1.0, 2 * self._level(value, value < self.estimate, mixed_tail))
        return self._level(value, alternative == "greater", exact_tail)

    def picked(self, weights: Array, template: Any) -> ShareDifferenceInference | None:
        """The single number; None where weights do anything else with it."""
        return self if np.ndim(template) == 0 and np.array_equal(weights, [[1.0]]) else None

    def _limits(self, level: float, tail: Tail) -> tuple[float, float]:
        first, second = self.first.estimate, self.second.estimate
        first_ends, second_ends = self.first.limits(level, tail), self.second.limits(level, tail)
        down = self._distance(first_ends[1] - first, second - second_ends[0])
        up = self._distance(first - first_ends[0], second_ends[1] - second)
        return max(-1.0, self.estimate - down), min(1.0, self.estimate + up)

    def _distance(self, first: Any, second: Any) -> float:
        """From the estimate to one end of the interval."""
        a, b = (max(float(one[0]), 0.0) for one in (first, second))
        return float(np.sqrt(max(a**2 + b**2 - 2 * self.correlation * a * b, 0.0)))

    def _level(self, null: float, above: bool, tail: Tail) -> float:
        """Of the one-sided interval from `null` up, or down to it."""

        def beyond(log_level: float) -> float:
            low, high = self._limits(float(np.exp(log_level)), tail)
            return low - null if above else null - high

        if beyond(_SMALLEST) > 0:
            return 0.0
        if beyond(0.0) <= 0:
            return 1.0
        return float(np.exp(brentq(beyond, _SMALLEST, 0.0, xtol=1e-12)))


def difference_of_shares(
    first: Any, second: Any, correlation: float = 0.0
) -> ShareDifferenceInference | None:
    """Of two parts that are shares."""
    if not (isinstance(first, ShareInference) and isinstance(second, ShareInference)):
        return None
    return ShareDifferenceInference(first, second, correlation)


def picked_shares(
    shares: object, weights: Array, template: Any
) -> ShareInference | ShareDifferenceInference | None:
    """What weights (q, k) pick of shares, or of their difference; None where they do anything else."""
    if isinstance(shares, ShareInference | ShareDifferenceInference):
        return shares.picked(weights, template)
    return None
