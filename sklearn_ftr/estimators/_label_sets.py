"""Sets of labels in a bit each: a learning curve draws hundreds of them, of as many labels as there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class LabelSet:
    """Some of the labels.

    Parameters
    ----------
    labeled : ndarray of int, shape (n,)
        Rows of all labels, rising.
    bits : ndarray of uint8, shape (ceil(n / 8),)
        Of each label whether it is one of them, as `np.packbits` has it.
    """

    labeled: Rows
    bits: NDArray[np.uint8]

    @classmethod
    def of(cls, labeled: Rows, chosen: Rows | slice | NDArray[np.bool_]) -> LabelSet:
        """Labels in these positions among all, or those that a mask marks."""
        mask = np.zeros(len(labeled), dtype=bool)
        mask[chosen] = True
        return cls(labeled, np.packbits(mask))

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which of all labels they are (n,)."""
        return np.unpackbits(self.bits, count=len(self.labeled)).view(bool)

    @property
    def positions(self) -> Rows:
        """Theirs among all labels, rising."""
        return np.flatnonzero(self.mask)

    @property
    def rows(self) -> Rows:
        """Of X, rising."""
        return self.labeled[self.mask]

    @property
    def others(self) -> LabelSet:
        """All labels but these."""
        return LabelSet.of(self.labeled, ~self.mask)

    def is_within(self, other: LabelSet) -> bool:
        """Whether all of them are among others of the same labels."""
        return not np.any(self.bits & ~other.bits)


@dataclass(frozen=True, eq=False)
class Units:
    """Clusters, or labels, in some order; each is the positions of its labels.

    Parameters
    ----------
    positions : ndarray of int, shape (n,)
        One unit after the other.
    starts : ndarray of int, shape (u + 1,), or None
        Where each unit begins, and where the last one ends; None is one label each.
    """

    positions: Rows
    starts: Rows | None = None

    @classmethod
    def numbered(cls, numbers: Rows) -> Units:
        """Labels (n,) by the numbers of their units, which are all from 0 on."""
        starts = np.concatenate([[0], np.cumsum(np.bincount(numbers))])
        return cls(np.argsort(numbers, kind="stable"), starts)

    def __len__(self) -> int:
        return len(self.positions) if self.starts is None else len(self.starts) - 1

    @property
    def first(self) -> Rows:
        """Position of the first label of each."""
        return self.positions if self.starts is None else self.positions[self.starts[:-1]]

    def between(self, start: int, stop: int | None = None) -> Rows:
        """Positions of the labels of some that follow each other."""
        if self.starts is None:
            return self.positions[start:stop]
        return self.positions[self.starts[start] : self.starts[len(self) if stop is None else stop]]

    def take(self, order: Rows) -> Units:
        """Some of them, in this order."""
        if self.starts is None:
            return Units(self.positions[order])
        sizes = np.diff(self.starts)[order]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        shift = np.repeat(self.starts[order] - starts[:-1], sizes)
        return Units(self.positions[shift + np.arange(starts[-1])], starts)
