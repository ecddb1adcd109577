"""How many rows, their mean and their covariance, in one numerically stable pass.

Blocks that fit the processor's cache are shifted by the first row, centred by their own mean and merged
by the pairwise update of Chan, Golub and LeVeque (1983), "Algorithms for computing the sample
variance". A pool of any float type is read once and never copied whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK_BYTES = 128 * 1024
# What computing a value may cost, in units in its last place: a sum or two before it came here.
_ROUNDINGS = 4
_SINGLE, _DOUBLE = (float(np.finfo(dtype).eps) for dtype in (np.float32, np.float64))


@dataclass(frozen=True)
class Moments:
    """Count, mean (k,) and centred cross products (k, k) of rows with k columns."""

    count: int
    mean: NDArray[np.float64]
    cross_products: NDArray[np.float64]

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Sample covariance with ddof=1, shape (k, k); needs two rows."""
        return self.cross_products / (self.count - 1)

    @property
    def variance(self) -> NDArray[np.float64]:
        """Sample variance of each column with ddof=1, shape (k,)."""
        return self.covariance.diagonal()

    @property
    def squares(self) -> NDArray[np.float64]:
        """Sums of squares of deviations (k,)."""
        return self.cross_products.diagonal()

    def mapped(self, matrix: NDArray[np.float64], shift: NDArray[np.float64]) -> Moments:
        """Of rows that are `shift` (j,) plus `matrix` (j, k) times these."""
        return Moments(self.count, shift + matrix @ self.mean, matrix @ self.cross_products @ matrix.T)

    def without(self, noise: NDArray[np.float64]) -> Moments:
        """The same, but columns (k,) whose values differ by no more than `noise` do not vary at all."""
        if not self.count:
            return self
        # Roots, so that what has overflowed stays larger than any noise.
        flat = np.sqrt(self.squares / self.count) <= noise
        if not flat.any():
            return self
        products = np.where(flat[:, None] | flat, 0.0, self.cross_products)
        return Moments(self.count, self.mean, products)


def rounding(
    rows: NDArray[np.float64], mean_squares: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """How far rounding alone may have moved a typical value of each column (k,), a few units in the last place; from mean squares, if they are known."""
    if mean_squares is None:
        mean_squares = sums_of_squares(rows) / len(rows)
    return np.asarray(_ROUNDINGS * _precision(rows) * np.sqrt(mean_squares))


def _precision(rows: NDArray[np.float64]) -> Any:
    """Of each column (k,), or of all: values that float32 holds exactly, the first of which tells of most that it does not, are taken to have been computed in it."""
    with np.errstate(over="ignore"):
        if not _are_single(rows[:1]).any():
            return _DOUBLE
        return np.where(np.all(_are_single(rows), axis=0), _SINGLE, _DOUBLE)


def _are_single(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(rows == rows.astype(np.float32))


def sums_of_squares(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each column (k,) of rows (n, k)."""
    return sums_of_products(rows, rows)


def sums_of_products(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the columns of two tables (n, k), pair by pair: a dot product each, without an array of products."""
    if left.shape[1] == 1:
        return (left.T @ right)[0]
    return np.matmul(left.T[:, None, :], right.T[:, :, None])[:, 0, 0]


def moments(rows: NDArray[Any]) -> Moments:
    """Moments of an array (n,) or (n, k) of numbers or truth values; whatever is less than float64 is accumulated in float64."""
    table = as_table(rows)
    k = table.shape[1]
    if not len(table):
        return no_moments(k)
    # A merge of wide blocks costs as much as k of their rows.
    step = max(4 * k, _BLOCK_BYTES // (8 * k))
    origin = table[0].astype(np.float64)
    blocks = (table[start : start + step] for start in range(0, len(table), step))
    room = np.empty((k, min(step, len(table))))
    total = reduce(merge, (_block_moments(block, origin, room) for block in blocks))
    mean = origin + total.mean
    precision = float(np.finfo(table.dtype).eps) if table.dtype.kind == "f" else _DOUBLE
    # Values that differ by rounding only are all as large as their mean.
    noise = _ROUNDINGS * precision * np.abs(mean)
    return Moments(total.count, mean, total.cross_products).without(noise)


class RowMoments:
    """Moments of values (n, k), block by block."""

    def __init__(self, k: int) -> None:
        self.moments = no_moments(k)

    def add(self, values: NDArray[Any], rows: object = None) -> None:
        """See more of them; which rows they are does not matter."""
        self.moments = merge(self.moments, moments(values))

    def merge(self, other: RowMoments) -> None:
        """See what another one has seen."""
        self.moments = merge(self.moments, other.moments)


def no_moments(k: int) -> Moments:
    """Of no rows with k columns."""
    return Moments(0, np.zeros(k), np.zeros((k, k)))


def columns(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """A float64 array (n, k) from (n,) or (n, k)."""
    return as_table(rows).astype(np.float64, copy=False)


def as_table(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows (n,) as (n, 1), in their own precision; (n, k) as they are."""
    return rows[:, None] if rows.ndim == 1 else rows


def centred(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means (k,) and deviations from them (n, k), or those of a vector (n,); constant columns deviate by exactly zero."""
    deviations = rows - rows[0]
    shift = deviations.sum(axis=0) / len(rows)
    deviations -= shift
    return rows[0] + shift, deviations


def _block_moments(
    block: NDArray[Any], origin: NDArray[np.float64], room: NDArray[np.float64]
) -> Moments:
    # Subtracting the table's first row keeps constant columns exactly at variance zero and takes a large
    # common offset out before anything is summed. Columns are contiguous, so that sums along them are fast, and in the same
    # room (k, step) for all blocks: new memory costs more than what is computed in it.
    room = room[:, : len(block)]
    if block.shape[1] == 1:  # vectors: a dot product instead of a matrix product
        vector = np.subtract(block[:, 0], origin[0], out=room[0], dtype=np.float64)
        mean = np.add.reduce(vector, keepdims=True) / len(vector)
        vector -= mean
        return Moments(len(block), mean, np.array([[vector @ vector]]))
    centred = np.subtract(block.T, origin[:, None], out=room, dtype=np.float64)
    mean = np.add.reduce(centred, axis=1) / len(block)
    centred -= mean[:, None]
    return Moments(len(block), mean, centred @ centred.T)


def merge(left: Moments, right: Moments) -> Moments:
    """Moments of the rows of both."""
    if left.count == 0:
        return right
    count = left.count + right.count
    gap = right.mean - left.mean
    mean = left.mean + gap * (right.count / count)
    between = np.outer(gap, gap) * (left.count * right.count / count)
    return Moments(count, mean, left.cross_products + right.cross_products + between)
