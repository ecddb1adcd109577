"""How the rows of a pool were drawn, in numbers: what they weigh, which cluster each is in, and which stratum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array

Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class PoolRows:
    """Adjacent unlabeled rows under a sampling design.

    Parameters
    ----------
    n_rows : int
    weights : ndarray of shape (n_rows,), default=None
        None is the same for all.
    pieces : ndarray of int of shape (n_rows,), default=None
        Numbers of the clusters that rows are in; None if each row is by itself, and so in no cluster with labels.
    strata : ndarray of int of shape (n_rows,), default=None
        Numbers of strata of rows by themselves; None if there is one. Those of clusters are known to the sampling.
    unit, size : float, default=1.0 and None
        Of rows that are known by a summary: in which units their weights are counted, and how much they weigh together. Of clusters with labels
        there are a weight and a number each, then, not one for each row.
    """

    n_rows: int
    weights: Array | None = None
    pieces: Codes | None = None
    strata: Codes | None = None
    unit: float = 1.0
    size: float | None = None

    def __len__(self) -> int:
        return self.n_rows

    def between(self, start: int, stop: int) -> PoolRows:
        """Rows from number `start` on, before `stop`."""
        columns: dict[str, Any] = {
            name: None if (values := getattr(self, name)) is None else values[start:stop]
            for name in ("weights", "pieces", "strata")
        }
        return replace(self, n_rows=stop - start, **columns)

    @property
    def total(self) -> float:
        """What all rows weigh."""
        if self.size is not None:
            return self.size
        return float(self.n_rows if self.weights is None else self.weights.sum())

    def in_pieces(self, n_pieces: int) -> Array:
        """What rows of each cluster weigh (n_pieces,); nothing of rows by themselves."""
        if self.pieces is None:
            return np.zeros(n_pieces)
        return np.bincount(self.pieces, self.weights, n_pieces).astype(np.float64, copy=False)


def drawn_between(drawn: PoolRows | None, start: int, n_rows: int) -> PoolRows | None:
    """How some rows were drawn, the first of which has the number `start`, where that is known of all."""
    return None if drawn is None else drawn.between(start, start + n_rows)
