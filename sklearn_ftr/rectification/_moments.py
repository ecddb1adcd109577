"""How many rows, their mean and their covariance, in one numerically stable pass.

Blocks that fit the processor's cache are shifted by their first row, centred by their own mean and
merged by the pairwise update of Chan, Golub and LeVeque (1983), "Algorithms for computing the sample
variance", eq. 2.1. A pool of any float type is read once and never copied whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

_BLOCK_BYTES = 128 * 1024


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
        return np.diag(self.covariance)


def moments(rows: NDArray[np.floating]) -> Moments:
    """Moments of an array (n,) or (n, k); float32 is accumulated in float64."""
    table = _as_table(rows)
    step = max(1, _BLOCK_BYTES // (8 * table.shape[1]))
    blocks = (table[start : start + step] for start in range(0, len(table), step))
    empty = np.zeros(table.shape[1])
    return reduce(_merge, map(_block_moments, blocks), Moments(0, empty, np.diag(empty)))


def columns(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """A float64 array (n, k) from (n,) or (n, k)."""
    return _as_table(rows).astype(np.float64, copy=False)


def _as_table(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    return rows[:, None] if rows.ndim == 1 else rows


def centred(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means (k,) and deviations from them (n, k); constant columns deviate by exactly zero."""
    deviations = rows - rows[0]
    shift = deviations.mean(axis=0)
    return rows[0] + shift, deviations - shift


def _block_moments(block: NDArray[np.floating]) -> Moments:
    # Subtracting the first row first keeps constant columns exactly at variance zero and takes a
    # large common offset out before anything is summed.
    origin = block[0].astype(np.float64)
    centred = np.subtract(block, origin, dtype=np.float64)
    if centred.shape[1] == 1:  # contiguous vectors: a dot product instead of a matrix product
        vector = centred[:, 0]
        shift = vector.mean(keepdims=True)
        vector -= shift
        return Moments(len(block), origin + shift, np.array([[vector @ vector]]))
    shift = centred.mean(axis=0)
    centred -= shift
    return Moments(len(block), origin + shift, centred.T @ centred)


def _merge(left: Moments, right: Moments) -> Moments:
    if left.count == 0:
        return right
    count = left.count + right.count
    gap = right.mean - left.mean
    mean = left.mean + gap * (right.count / count)
    between = np.outer(gap, gap) * (left.count * right.count / count)
    return Moments(count, mean, left.cross_products + right.cross_products + between)
