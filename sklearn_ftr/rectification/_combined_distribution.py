"""The rectified distribution function of several judges: F(t) = F_R(y <= t) + sum over j of lambda_j (F_U(f_j <= t) - F_R(f_j <= t)), and its inverse.

All of its jumps in order; with weights of either sign F need not rise anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._fields_only import FieldsOnly
from sklearn_ftr.rectification._parts_of_f import PartsOfF
from sklearn_ftr.rectification._shares import Shares
from sklearn_ftr.rectification._thinned_shares import ThinnedShares

# Sums of shares are exact to this.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class CombinedDistribution(FieldsOnly):
    """F for weights (j,), of parts that all levels have in common; labels that have only trained enter with the weight `recycled`."""

    parts: PartsOfF
    lambda_: Array
    recycled: float

    @cached_property
    def _jumps(self) -> tuple[Array, Array]:
        """Where F jumps, in order, and how high it is from there on."""
        parts = [(values, weight * shares) for weight, (values, shares) in self._steps()]
        values, jumps = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.argsort(values, kind="stable")
        values, heights = values[order], np.cumsum(jumps[order])
        last = np.append(values[1:] != values[:-1], True)  # of values that are the same
        return values[last], heights[last]

    def _steps(self) -> Iterator[tuple[float, tuple[Array, Array]]]:
        """Weight and steps of each part of the sample."""
        rest, of = 1 - self.recycled, self.parts
        parts: list[tuple[float, Shares | ThinnedShares]]
        parts = [(rest, of.of_y), (self.recycled, of.of_recycled)]
        parts += [(-rest * one, of_f) for of_f, one in zip(of.of_judges, self.lambda_, strict=True)]
        parts += [(rest * one, of_pool) for of_pool, one in zip(of.of_pools, self.lambda_, strict=True)]
        return ((weight, part.steps) for weight, part in parts if weight and part.size)

    @property
    def values(self) -> Array:
        """Where F jumps."""
        return self._jumps[0]

    @cached_property
    def highest_so_far(self) -> Array:
        """The largest F up to each jump."""
        return np.maximum.accumulate(self._jumps[1])

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
        return float(self._jumps[1][at - 1]) if at else 0.0

    def highest(self, t: float) -> float:
        """The largest F up to t, from 0 to 1."""
        at = int(np.searchsorted(self.values, t, side="right"))
        return float(np.clip(self.highest_so_far[at - 1], 0.0, 1.0)) if at else 0.0
