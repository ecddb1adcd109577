"""A distribution function: which share of some rows, of equal or other weights, is at or below a value, and where it reaches a share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array

Ordered = NDArray[np.floating[Any]]
# Sums of weights are exact to this.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Shares:
    """Ordered values of `size` rows, or those between two of them: `below` rows are smaller.

    `cumulative` is the share of rows at or below each of the values that are kept, after that of rows below all of them; None for rows that count alike.
    """

    values: Ordered
    below: int
    size: int
    cumulative: Array | None = None

    @classmethod
    def of(cls, values: Ordered, weights: Array | None) -> Shares:
        """Of values (n,) in any order; a sorted copy is made in their own precision."""
        if weights is None:
            return cls(np.sort(values), 0, len(values))
        order = np.argsort(values, kind="stable")
        sums = np.cumsum(weights[order])
        total = sums[-1] if len(sums) else 1.0
        return cls(values[order], 0, len(values), np.concatenate([[0.0], sums / total]))

    @property
    def jumps(self) -> Array:
        """Share of each of the values that are kept."""
        if self.cumulative is None:
            return np.full(len(self.values), 1 / max(self.size, 1))
        return np.diff(self.cumulative)

    def at(self, t: Array, side: Literal["left", "right"] = "right") -> Array:
        """Share (k,) of rows at most as large as t (k,), or ("left") smaller; 0 of no rows."""
        ranks = _rank(self.values, t, side)
        if self.cumulative is not None:
            return self.cumulative[ranks]
        return (self.below + ranks) / max(self.size, 1)

    def reaching(self, share: float) -> float | None:
        """The smallest value at which the share is reached; of those that are kept, the nearest one. None if it never is."""
        if self.cumulative is None:
            rank = np.ceil(share * self.size) - 1
            if not rank < self.size:
                return None
            row = int(np.clip(rank - self.below, 0, len(self.values) - 1))
        else:
            if share > 1 + _ROUNDING:
                return None
            reached = np.searchsorted(self.cumulative[1:], share - _ROUNDING)
            row = int(np.clip(reached, 0, len(self.values) - 1))
        return float(self.values[row])

    def between(self, low: float, high: float) -> Shares:
        """With the values between two numbers only, and the nearest one below."""
        first, last = (int(_rank(self.values, np.array([t]))[0]) for t in (low, high))
        first = max(first - 1, 0)
        kept = slice(first, last + 1)
        cumulative = None
        if self.cumulative is not None:
            cumulative = self.cumulative[first : last + 2].copy()
        return replace(
            self, values=self.values[kept].copy(), below=self.below + first, cumulative=cumulative
        )


def _rank(ordered: Ordered, t: Array, side: Literal["left", "right"] = "right") -> NDArray[np.intp]:
    """How many of the ordered values are at most t, or ("left") less; a float32 pool is not copied."""
    if ordered.dtype == t.dtype:
        return np.searchsorted(ordered, t, side)
    with np.errstate(over="ignore"):
        nearest = t.astype(ordered.dtype)
    above = nearest > t
    nearest = np.where(above, np.nextafter(nearest, -np.inf, dtype=ordered.dtype), nearest)
    if side == "left":  # of values that lie between two float32, both have the same rows below them
        exact = nearest == t
        return np.where(
            exact, *(np.searchsorted(ordered, nearest, side=one) for one in ("left", "right"))
        )
    return np.searchsorted(ordered, nearest, side="right")
