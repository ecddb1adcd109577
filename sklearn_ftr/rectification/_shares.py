"""A distribution function: which share of some rows, of equal or other weights, is at or below a value, and where it reaches a share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._short_repr import short_repr
from sklearn_ftr.rectification._checks import Array

Ordered = NDArray[np.floating[Any]]
# Sums of weights are exact to this.
_ROUNDING = 1e-12


@short_repr
@dataclass(frozen=True, eq=False)
class Shares:
    """Ordered values of `size` rows.

    `cumulative` is the share of rows at or below each of the values, after 0; None for rows that count alike.
    """

    values: Ordered
    cumulative: Array | None = None

    @classmethod
    def of(cls, values: Ordered, weights: Array | None) -> Shares:
        """Of values (n,) in any order; a sorted copy is made in their own precision."""
        if weights is None:
            return cls(np.sort(values))
        order = np.argsort(values, kind="stable")
        sums = np.cumsum(weights[order])
        total = sums[-1] if len(sums) else 1.0
        return cls(values[order], np.concatenate([[0.0], sums / total]))

    @property
    def size(self) -> int:
        """How many rows."""
        return len(self.values)

    @property
    def steps(self) -> tuple[Array, Array]:
        """Values, and the share of each."""
        values = self.values.astype(np.float64)
        if self.cumulative is None:
            return values, np.full(self.size, 1 / max(self.size, 1))
        return values, np.diff(self.cumulative)

    def at(self, t: Array, side: Literal["left", "right"] = "right") -> Array:
        """Share (k,) of rows at most as large as t (k,), or ("left") smaller; 0 of no rows."""
        amounts = self.amounts(t, side)
        return amounts if self.cumulative is not None else amounts / (len(self.values) or 1)

    def amounts(self, t: Array, side: Literal["left", "right"] = "right") -> NDArray[Any]:
        """As `at`, but the number of rows where they count alike."""
        ranks = self.ranks(t, side)
        return ranks if self.cumulative is None else self.cumulative[ranks]

    def ranks(self, t: Array, side: Literal["left", "right"] = "right") -> NDArray[np.intp]:
        """The number (k,) of rows at most as large as t (k,), or ("left") smaller."""
        return _rank(self.values, t, side)

    def reaching(self, share: float) -> float | None:
        """The smallest value at which the share is reached. None if it never is."""
        if self.cumulative is None:
            rows = share * self.size
            row = math.ceil(rows) - 1 if rows <= self.size else self.size
        elif share > 1 + _ROUNDING:
            return None
        else:
            row = int(np.searchsorted(self.cumulative[1:], share - _ROUNDING))
            row = min(row, self.size - 1)
        return float(self.values[max(row, 0)]) if row < self.size else None


def _rank(ordered: Ordered, t: Array, side: Literal["left", "right"] = "right") -> NDArray[np.intp]:
    """How many of the ordered values are at most t, or ("left") less; a float32 pool is not copied."""
    if ordered.dtype == t.dtype:
        return ordered.searchsorted(t, side)
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
