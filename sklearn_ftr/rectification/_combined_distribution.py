"""The rectified distribution function of several judges: F(t) = F_R(y <= t) + sum over j of lambda_j (F_U(f_j <= t) - F_R(f_j <= t)), and its inverse.

All of its jumps in order; with weights of either sign F need not rise anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._two_stage_shares import TwoStageShares

# Standard errors of F on each side of a quantile for which jumps are kept: enough for any interval.
_WINDOW_ERRORS = 12
# Sums of shares are exact to this.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class CombinedDistribution:
    """F at its jumps, `values` in order, and the largest F up to each; before the first it is `before`."""

    lambda_: Array
    recycled: float
    values: Array
    heights: Array
    highest_so_far: Array
    before: float = 0.0

    @classmethod
    def of(cls, shares: TwoStageShares, lambda_: Array, recycled: float) -> CombinedDistribution:
        """From labels, the predictions of all judges, and labels that are recycled with a weight."""
        parts = list(_jumps(shares, lambda_, recycled))
        values, jumps = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.argsort(values, kind="stable")
        values, heights = values[order], np.cumsum(jumps[order])
        last = np.append(values[1:] != values[:-1], True)  # of values that are the same
        heights = heights[last]
        return cls(lambda_, recycled, values[last], heights, np.maximum.accumulate(heights))

    def quantile(self, level: float) -> float:
        """The smallest t with F(t) >= level; the largest value of all where F never gets there."""
        reached = int(np.searchsorted(self.highest_so_far, level - _ROUNDING))
        return float(self.values[min(reached, len(self.values) - 1)])

    def first_above(self, level: float) -> float:
        """The smallest t with F(t) > level."""
        return self.quantile(level + 2 * _ROUNDING)

    def __call__(self, t: float) -> float:
        """F(t)."""
        at = int(np.searchsorted(self.values, t, side="right"))
        return float(self.heights[at - 1]) if at else self.before

    def highest(self, t: float) -> float:
        """The largest F up to t, from 0 to 1."""
        at = int(np.searchsorted(self.values, t, side="right"))
        return float(np.clip(self.highest_so_far[at - 1] if at else self.before, 0.0, 1.0))

    def window(self, level: float, standard_error: float) -> CombinedDistribution:
        """The same F where any interval may reach: so many standard errors to each side."""
        error = _WINDOW_ERRORS * standard_error
        low, high = (self.quantile(level + sign * error) for sign in (-1, 1))
        first, last = np.searchsorted(self.values, [low, high])
        first = max(first - 1, 0)
        kept = slice(first, last + 2)
        return replace(
            self,
            values=self.values[kept].copy(),
            heights=self.heights[kept].copy(),
            highest_so_far=self.highest_so_far[kept].copy(),
            before=float(self.heights[first - 1]) if first else self.before,
        )


def _jumps(shares: TwoStageShares, lambda_: Array, recycled: float) -> Iterator[tuple[Array, Array]]:
    """Where F jumps, and how high, for each part of the sample."""
    rest = 1 - recycled
    parts = [(shares.of_y, rest), (shares.of_recycled, recycled)]
    parts += [(of_f, -rest * one) for of_f, one in zip(shares.of_judges, lambda_, strict=True)]
    parts += [(of_pool, rest * one) for of_pool, one in zip(shares.of_pools, lambda_, strict=True)]
    for part, weight in parts:
        if weight and part.size:
            yield part.values.astype(np.float64), weight * part.jumps
