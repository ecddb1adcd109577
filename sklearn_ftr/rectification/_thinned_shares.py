"""A distribution function of many rows that is known at some values: exactly there, and between them to the number of rows in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._fields_only import FieldsOnly
from sklearn_ftr.rectification._shares import Ordered, Shares

# Sums of weights are exact to this.
_ROUNDING = 1e-12
# Points that stand for the rows between two values where F is summed over its jumps.
_POINTS = 8


@dataclass(frozen=True, eq=False)
class ThinnedShares(FieldsOnly):
    """Shares of `size` rows at or below `values` (u,), in ascending order, and below the first of which there is no row, above the last none.

    `own` (u,) are the rows at each value, and `gaps` (u,) those strictly between it and the one before: counts of rows that are alike, else sums of
    weights with the sum 1. Rows within a gap are taken to be evenly spaced, so that no share is wrong by more than a gap. Where few values are
    distinct all of them are kept, and there are no gaps.
    """

    values: Array
    own: NDArray[Any]
    gaps: NDArray[Any]
    size: int

    @cached_property
    def _at(self) -> NDArray[Any]:
        """Rows at or below each value, after none."""
        kind = np.float64 if self.own.dtype.kind == "f" else np.int64
        return np.concatenate([[0], np.cumsum(self.own.astype(kind) + self.gaps)])

    @property
    def _unit(self) -> float:
        """The amount that a row adds to a gap's ends: counted ones have one place more than there are rows."""
        return 0.0 if self.own.dtype.kind == "f" else 1.0

    @property
    def largest_gap(self) -> float:
        """Share of rows between two values at most."""
        return float(self.gaps.max() / self._at[-1])

    def at(self, t: Array, side: Literal["left", "right"] = "right") -> Array:
        """As `Shares.at`."""
        after = np.searchsorted(self.values, t, "right")
        before, end = np.maximum(after - 1, 0), np.minimum(after, len(self.values) - 1)
        inside = (after > 0) & (after < len(self.values))
        width = np.where(inside, self.values[end] - self.values[before], 1.0)
        part = np.where(inside, (t - self.values[before]) / width, 0.0)
        gap = self.gaps[end].astype(np.float64)
        amount = self._at[after] + np.minimum(part * (gap + self._unit), gap)
        if side == "left":
            here = (after > 0) & (self.values[before] == t)
            amount = np.where(here, self._at[after] - self.own[before], amount)
        return np.asarray(amount / self._at[-1])

    def reaching(self, share: float) -> float | None:
        """As `Shares.reaching`."""
        if share > 1 + _ROUNDING:
            return None
        whole, unit = self._at[-1], self._unit
        amount = np.ceil(share * whole) if unit else share * whole - _ROUNDING
        row = int(np.clip(np.searchsorted(self._at[1:], amount), 0, len(self.values) - 1))
        into, gap = float(amount - self._at[row]), float(self.gaps[row])
        if not 0 < into <= gap or not row:
            return float(self.values[row])
        low, high = self.values[row - 1], self.values[row]
        return float(low + (high - low) * (into / (gap + unit)))

    @property
    def steps(self) -> tuple[Array, Array]:
        """Values, and the share of each, a few of them for each gap."""
        with_gap = np.flatnonzero(self.gaps)
        low, high = self.values[with_gap - 1, None], self.values[with_gap, None]
        between = low + (high - low) * (np.arange(1, _POINTS + 1) / (_POINTS + 1))
        each = np.repeat(self.gaps[with_gap] / (_POINTS * self._at[-1]), _POINTS)
        values = np.concatenate([self.values, between.ravel()])
        return values, np.concatenate([self.own / self._at[-1], each])


def thinned(
    shares: Shares | ThinnedShares, ranges: Sequence[tuple[float, float]], values: Array, most: int
) -> Shares | ThinnedShares:
    """Known at `values`, at the rows beside them, and at about `most` rows within `ranges`; as it is where it has no more rows.

    Parameters
    ----------
    shares : Shares
        Of all rows.
    ranges : sequence of (float, float)
        Between which values shares will be asked for.
    values : ndarray of shape (k,)
    most : int
    """
    if isinstance(shares, ThinnedShares) or shares.size <= most:
        return shares
    rows = shares.values[_rows_in(shares, ranges, most)]
    kept = np.concatenate([rows.astype(np.float64), values])
    kept = np.unique(kept)
    at, before = (shares.amounts(kept, side) for side in ("right", "left"))
    gaps = before - np.concatenate([[0], at[:-1]])
    return ThinnedShares(kept, _small(at - before), _small(gaps), shares.size)


def _rows_in(shares: Shares, ranges: Sequence[tuple[float, float]], most: int) -> NDArray[np.intp]:
    """About `most` rows, as many for each range, and the first and the last of all."""
    of_ends = np.array(ranges).T
    first, last = shares.ranks(of_ends[0], "left") - 1, shares.ranks(of_ends[1])
    ends = np.clip(np.stack([first, last], axis=1), 0, shares.size - 1)
    distinct = _distinct_rows(shares.values, int(ends.min()), int(ends.max()) + 1, most)
    if distinct is None:
        each = most // len(ends)
        distinct = np.concatenate([_spread(int(low), int(high), each) for low, high in ends])
    return np.concatenate([[0], distinct, [shares.size - 1]])


def _spread(first: int, last: int, most: int) -> NDArray[np.intp]:
    return np.linspace(first, last, min(most, last - first + 1)).astype(np.intp)


def _distinct_rows(rows: Ordered, first: int, last: int, most: int) -> NDArray[np.intp] | None:
    """The first row of each value from one row to another; None if there are more than `most`."""
    some = rows[np.linspace(first, last - 1, min(most + 2, last - first), dtype=np.intp)]
    if np.count_nonzero(some[1:] != some[:-1]) >= most:
        return None
    new = rows[first + 1 : last] != rows[first : last - 1]
    if np.count_nonzero(new) >= most:
        return None
    return first + np.concatenate([[0], np.flatnonzero(new) + 1])


def _small(amounts: NDArray[Any]) -> NDArray[Any]:
    """Counts in as few bytes as the largest needs; weights, that rounding may have made negative, as they are."""
    if amounts.dtype.kind == "f":
        return np.maximum(amounts, 0.0)
    return amounts.astype(np.min_scalar_type(int(amounts.max())))
