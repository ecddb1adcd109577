"""What is left of predictions on the pool's side under a sampling design: their mean, and how far each cluster moves it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array


@dataclass(frozen=True, eq=False)
class PieceSums:
    """Sums (n_pieces, k) of weighted values of unlabeled rows about an `origin` (k,), by the piece that each row belongs to.

    `pieces` and `weights` (m,) are those of all rows; without weights each counts once.
    """

    sums: Array
    origin: Array
    pieces: NDArray[np.intp]
    weights: Array | None

    @property
    def sizes(self) -> Array:
        """What rows of each piece weigh (n_pieces,)."""
        return np.bincount(self.pieces, self.weights, len(self.sums)).astype(np.float64, copy=False)

    @property
    def mean(self) -> Array:
        """Of all rows (k,)."""
        total = len(self.pieces) if self.weights is None else self.weights.sum()
        return self.origin + self.sums.sum(axis=0) / (total or 1)

    def add(self, values: Array, start: int) -> None:
        """Values (n, k) of the rows from number `start` on."""
        rows = slice(start, start + len(values))
        values = values - self.origin
        if self.weights is not None:
            values *= self.weights[rows, None]
        for column in range(values.shape[1]):
            np.add.at(self.sums[:, column], self.pieces[rows], values[:, column])

    def merge(self, other: PieceSums) -> None:
        """Those of other rows of the same pool."""
        self.sums[...] += other.sums


@dataclass(frozen=True, eq=False)
class PoolTotals:
    """The mean (k,) of the pool's side, how far each piece (n_pieces, k) moves it, and the pieces' shares (n_pieces,) of its rows."""

    mean: Array
    totals: Array
    shares: Array

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which pieces have rows there."""
        return self.shares > 0

    @property
    def squares(self) -> Array:
        """Sums of squares of what pieces move it by (k,)."""
        return np.einsum("ij,ij->j", self.totals, self.totals)

    def mapped(self, matrix: Array, shift: Array) -> PoolTotals:
        """Of values that are `shift` (j,) plus `matrix` (j, k) times these."""
        return PoolTotals(shift + matrix @ self.mean, self.totals @ matrix.T, self.shares)

    def without(self, noise: Array) -> PoolTotals:
        """The same, but columns (k,) in which nothing but rounding moves the mean do not move it at all."""
        flat = np.sqrt(self.squares * max(int(self.seen.sum()), 1)) <= noise
        return (
            PoolTotals(self.mean, np.where(flat, 0.0, self.totals), self.shares) if flat.any() else self
        )

    def about(self, center: Array) -> Array:
        """How far each piece (n_pieces, k) moves the mean away from another center."""
        return self.totals + self.shares[:, None] * (self.mean - center)
