"""Some rows of a pool, evenly spaced, wherever it was cut into blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Evenly spaced rows that are kept: all, if there are no more than these; else half as many at least.
MOST_ROWS = 8_192


class EvenRows:
    """Every so-many-th row of a pool, counted from its first one: all of a small pool, some thousands of a large one.

    The distance is a power of two, so that which rows are kept depends on the pool only, not on how it was cut into blocks.
    """

    def __init__(self, n_rows: int = 0) -> None:
        """Of so many rows in all, if that is known: then none is kept that would be dropped again."""
        self.step, self.first = 1, 0
        while -(-n_rows // self.step) > MOST_ROWS:
            self.step *= 2
        self.kept: list[NDArray[Any]] = []

    @property
    def rows(self) -> NDArray[Any]:
        """Those that are kept (n, k)."""
        return self.kept[0] if len(self.kept) == 1 else np.concatenate(self.kept)

    def add(self, rows: NDArray[Any], start: int) -> None:
        """See rows (n, k), of which the first one is number `start`."""
        offset = -start % self.step
        if not self.kept:
            self.first = start + offset
        self.kept.append(rows[offset :: self.step].copy())
        self._thin()

    def merge(self, other: EvenRows) -> None:
        """See what another one has kept of rows that follow."""
        step = max(self.step, other.step)
        for one in (self, other):
            one._widen(step)
        if not self.kept:
            self.first = other.first
        self.kept += other.kept
        self._thin()

    def _thin(self) -> None:
        while sum(map(len, self.kept)) > MOST_ROWS:
            self._widen(2 * self.step)

    def _widen(self, step: int) -> None:
        if self.kept:
            offset = (-self.first % step) // self.step
            self.first += offset * self.step
            self.kept = [self.rows[offset :: step // self.step]]
        self.step = step
