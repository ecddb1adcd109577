"""Designs of regressions, with an intercept that is never copied into a pool, and predictions inside limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._coordinates import Coordinates


@dataclass(frozen=True)
class Design:
    """Rows (n, d) of a design; slices of it come as float64 with a first column of ones, if it has an intercept.

    With `coordinates` slices come in those. `weights` (n,) have the mean 1; None is 1 for every row.
    """

    rows: NDArray[np.floating[Any]]
    intercept: bool
    coordinates: Coordinates | None = None
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, chosen: slice) -> Array:
        block = self.rows[chosen]
        if self.coordinates is not None:
            return self.coordinates.rows(block)
        if not self.intercept:
            return block.astype(np.float64, copy=False)
        with_ones = np.empty((len(block), block.shape[1] + 1))
        with_ones[:, 0] = 1.0
        with_ones[:, 1:] = block
        return with_ones

    def only(self, rows: NDArray[np.intp]) -> Design:
        """Some of its rows; adjacent ones are not copied."""
        if len(rows) and np.all(np.diff(rows) == 1):
            return self.between(rows[0], rows[-1] + 1)
        return self._part(rows)

    def between(self, start: int, stop: int) -> Design:
        """Adjacent rows, not copied."""
        return self._part(slice(start, stop))

    def followed_by(self, other: Design) -> Design:
        """The rows of both, without weights."""
        return replace(self, rows=np.concatenate([self.rows, other.rows]), weights=None)

    def _part(self, chosen: Any) -> Design:
        weights = None if self.weights is None else self.weights[chosen]
        return replace(self, rows=self.rows[chosen], weights=weights)

    def weighted(self, weights: Array | None) -> Design:
        """The same rows with weights of any scale."""
        return replace(self, weights=None if weights is None else weights / weights.mean())


def joined_designs(parts: Sequence[Design]) -> Design:
    """Rows of several parts of one design, without weights; a single one is not copied."""
    first, *others = parts
    rows = np.concatenate([one.rows for one in parts]) if others else first.rows
    return replace(first, rows=rows, weights=None)


@dataclass(frozen=True, eq=False)
class Clipped:
    """Predictions (n,) inside the limits that a regression can have; a pool is clipped slice by slice, never copied whole."""

    values: NDArray[np.floating[Any]]
    low: float
    high: float

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice) -> Array:
        return np.clip(self.values[rows].astype(np.float64, copy=False), self.low, self.high)


def column_of(f: Any, judge: int) -> Any:
    """One judge's predictions, from (m,) or (m, j)."""
    if isinstance(f, Clipped):
        return Clipped(column_of(f.values, judge), f.low, f.high)
    return f if f.ndim == 1 else f[:, judge]
