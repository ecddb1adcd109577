"""What is left of predictions on the pool's side under a sampling design: their mean, and how far each independent piece moves it.

Clusters have a row of a table each, since those with labels move both sides at once. Of rows by themselves second moments within strata say all that
variances ask for, whatever their number.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._pool_rows import PoolRows
from sklearn_ftr.rectification._strata_moments import StrataMoments

# Pieces that are worked on at once.
BLOCK_PIECES = 65_536


@dataclass(frozen=True, eq=False)
class PoolTotals:
    """The mean of the pool's side, and how far pieces move it.

    Parameters
    ----------
    mean : ndarray of shape (k,)
    totals : ndarray of shape (n_pieces, k)
        How far each piece that has a number moves it.
    shares : ndarray of shape (n_pieces,)
        Of the pool's rows that are in each.
    alone : StrataMoments
        The same of rows by themselves: totals, and shares behind them.
    """

    mean: Array
    totals: Array
    shares: Array
    alone: StrataMoments

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which pieces with a number have rows there."""
        return self.shares > 0

    @property
    def n_seen(self) -> int:
        """How many pieces have, with rows by themselves."""
        return int(self.seen.sum()) + self.alone.count

    @property
    def squares(self) -> Array:
        """Sums of squares of what pieces move it by (k,)."""
        of_alone = np.diag(self.alone.products)[:-1]
        return np.asarray(np.einsum("ij,ij->j", self.totals, self.totals) + of_alone)

    def squared_shares(self, chosen: NDArray[np.bool_]) -> float:
        """Sum of squares of shares of some pieces with numbers, and of all rows by themselves."""
        return float(np.sum(self.shares[chosen] ** 2) + self.alone.products[-1, -1])

    def mapped(self, matrix: Array, shift: Array) -> PoolTotals:
        """Of values that are `shift` (j,) plus `matrix` (j, k) times these."""
        return PoolTotals(
            shift + matrix @ self.mean,
            self.totals @ matrix.T,
            self.shares,
            self.alone.mapped(beside_share(matrix)),
        )

    def without(self, noise: Array) -> PoolTotals:
        """The same, but columns (k,) in which nothing but rounding moves the mean do not move it at all."""
        flat = np.sqrt(self.squares * max(self.n_seen, 1)) <= noise
        return self.mapped(np.diag(1.0 - flat), flat * self.mean) if flat.any() else self

    def about(self, center: Array) -> Array:
        """How far each piece with a number (n_pieces, k) moves the mean away from another center."""
        return self.totals + self.shares[:, None] * (self.mean - center)

    @property
    def size(self) -> float:
        """Of all shares together."""
        return float(self.shares.sum() + self.alone.sums[-1])

    def centred(self) -> PoolTotals:
        """About the mean of all, from sums about another center; `totals` in their place."""
        size = self.size
        if not size:
            return self
        shift = (self.totals.sum(axis=0) + self.alone.sums[:-1]) / size
        for start in range(0, len(self.totals), BLOCK_PIECES):
            part = slice(start, start + BLOCK_PIECES)
            self.totals[part] -= self.shares[part, None] * shift
        alone = self.alone.shifted(-shift)
        return replace(self, mean=self.mean + shift, alone=alone)

    def in_shares(self) -> PoolTotals:
        """Of weights that add up to 1; `totals` in their place."""
        size = self.size or 1.0
        np.divide(self.totals, size, out=self.totals)
        alone = self.alone.mapped(np.eye(len(self.mean) + 1) / size)
        return replace(self, shares=self.shares / size, alone=alone)


def beside_share(matrix: Array) -> Array:
    """The same (j + 1, k + 1) of rows that have a share behind them, which stays."""
    j, k = matrix.shape
    wide = np.zeros((j + 1, k + 1))
    wide[:j, :k], wide[j, k] = matrix, 1.0
    return wide


@dataclass(eq=False)
class PieceSums:
    """Weighted values of unlabeled rows, summed within clusters about an `origin` (k,).

    Parameters
    ----------
    origin : ndarray of shape (k,)
    n_pieces : int
    sums : ndarray of shape (n_pieces, k)
        Made of zeros.
    """

    origin: Array
    n_pieces: int
    sums: Array = field(init=False)

    def __post_init__(self) -> None:
        self.sums = np.zeros((self.n_pieces, len(self.origin)))

    def add(self, values: Array, rows: PoolRows) -> None:
        """Values (n, k) of some rows."""
        values = values - self.origin
        if rows.weights is not None:
            values *= rows.weights[:, None]
        assert rows.pieces is not None
        for column in range(values.shape[1]):
            np.add.at(self.sums[:, column], rows.pieces, values[:, column])

    def merge(self, other: PieceSums) -> None:
        """Those of other rows of the same pool."""
        self.sums += other.sums

    def totals(self, rows: PoolRows, n_pieces: int) -> PoolTotals:
        """Of all rows of the pool, about the origin."""
        alone = StrataMoments.none(1, len(self.origin) + 1)
        return PoolTotals(self.origin, self.sums, rows.in_pieces(n_pieces), alone)

    def __getstate__(self) -> dict[str, Any]:
        """Without pieces of which nothing has been seen: a part of the pool has rows of few."""
        seen = np.flatnonzero(self.sums.any(axis=1))
        return {
            "origin": self.origin,
            "n_pieces": self.n_pieces,
            "seen": seen,
            "sums": self.sums[seen],
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        seen, sums = state.pop("seen"), state.pop("sums")
        self.__dict__.update(state)
        self.__post_init__()
        self.sums[seen] = sums


class RowSums:
    """Weighted values of rows by themselves about their mean, and their weights, as second moments within strata.

    The mean (k,) of all rows that came is where values are counted from: a shift to another one is small beside how they vary, or rounding would
    be all that is left of it.
    """

    def __init__(self, k: int, n_strata: int) -> None:
        self.k, self.n_strata, self.mean = k, n_strata, np.zeros(k)
        self.alone = StrataMoments.none(n_strata, k + 1)
        self.waiting: list[tuple[Array, Array | None, NDArray[np.intp] | None]] = []

    @classmethod
    def known(cls, alone: StrataMoments, mean: Array) -> RowSums:
        """From moments of values about a center (k,), and weights."""
        sums = cls(len(mean), len(alone.counts))
        sums.alone, sums.mean = alone, mean
        return sums

    @property
    def of_all(self) -> tuple[StrataMoments, Array]:
        """Moments of all rows that came, and the center (k,) about which their values are."""
        self._take_in()
        return self.alone, self.mean

    def add(self, values: Array, rows: PoolRows) -> None:
        """Values (n, k) of some rows; those that weigh nothing are as if they were not there."""
        told = values, rows.weights, rows.strata
        if not len(values):
            return
        if rows.weights is not None and not rows.weights.min() > 0:
            counted = rows.weights > 0
            told = values[counted], rows.weights[counted], _some(rows.strata, counted)
        n_waiting = sum(len(one) for one, *_ in self.waiting) + len(told[0])
        if n_waiting * (self.k + 1) >= 2 * self.alone.cross_products.size:
            self.waiting.append(told)
            self._take_in()
        elif len(told[0]):  # copied, since a source may fill the same memory again
            self.waiting.append((told[0].copy(), *told[1:]))

    def merge(self, other: RowSums) -> None:
        """Those of other rows of the same pool."""
        self._take_in()
        self._join(*other.of_all)

    def totals(self, rows: PoolRows, n_pieces: int) -> PoolTotals:
        """Of all rows of the pool, about their mean; pieces with numbers have none of them."""
        alone, mean = self.of_all
        return PoolTotals(mean, np.zeros((n_pieces, self.k)), np.zeros(n_pieces), alone)

    def __getstate__(self) -> dict[str, Any]:
        """Without rows."""
        self._take_in()
        return vars(self)

    def _take_in(self) -> None:
        """Rows that have waited until they were worth it: many strata cost as much for a few rows as for many."""
        if not self.waiting:
            return
        values, weights, strata = (_joined(column) for column in zip(*self.waiting, strict=True))
        self.waiting = []
        assert values is not None
        # A row of weight, since beside a very large one that counts for nothing the others would be rounded.
        row = values[0 if weights is None else int(np.argmax(weights))].astype(np.float64)
        table = np.empty((len(values), self.k + 1))
        moved = np.subtract(values, row, out=table[:, :-1])
        shift = moved.mean(axis=0) if weights is None else weights @ moved / weights.sum()
        moved -= shift
        table[:, -1] = 1.0 if weights is None else weights
        if weights is not None:
            moved *= weights[:, None]
        self._join(StrataMoments.of(table, strata, self.n_strata), row + shift)

    def _join(self, other: StrataMoments, mean: Array) -> None:
        """Rows about a mean of their own."""
        if not self.alone.count:
            self.alone, self.mean = other, mean
            return
        mine, its = self.alone.sums[-1], other.sums[-1]
        center = self.mean + (mean - self.mean) * (its / ((mine + its) or 1.0))
        moved = other.shifted(mean - center)
        self.alone = self.alone.shifted(self.mean - center).merged(moved)
        self.mean = center


def _some(values: NDArray[Any] | None, chosen: NDArray[np.bool_]) -> NDArray[Any] | None:
    return None if values is None else values[chosen]


def _joined(parts: tuple[NDArray[Any] | None, ...]) -> NDArray[Any] | None:
    known = [one for one in parts if one is not None]
    if len(known) < 2:
        return known[0] if known else None
    return np.concatenate(known)


def averaged(sides: PoolTotals, shares: Array, own: NDArray[np.intp] | None) -> PoolTotals:
    """Of the average of K models, each moved to their common mean, from those side by side (K k columns), each about its own mean.

    Pieces of which `own` (n_pieces,) names a model, and not -1, are predicted by this one.
    """
    k = len(sides.mean) // len(shares)
    average = np.kron(shares, np.eye(k)).astype(np.float64)
    found = sides.mapped(average, np.zeros(k))
    if own is None:
        return found
    totals = found.totals
    for model in range(len(shares)):
        inside = own == model
        totals[inside] = sides.totals[inside, model * k : (model + 1) * k]
    return replace(found, totals=totals)
