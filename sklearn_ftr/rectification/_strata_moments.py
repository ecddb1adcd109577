"""Count, mean and cross products of rows in each of several strata, which merge as those of a single sample do (`_moments.merge`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._moments import moments, no_moments


@dataclass(frozen=True, eq=False)
class StrataMoments:
    """Counts (H,), means (H, k) and centred cross products (H, k, k) of rows in H strata."""

    counts: Array
    means: Array
    cross_products: Array

    @classmethod
    def none(cls, n_strata: int, k: int) -> StrataMoments:
        """Of no rows."""
        return cls(np.zeros(n_strata), np.zeros((n_strata, k)), np.zeros((n_strata, k, k)))

    @classmethod
    def of(cls, rows: Array, strata: NDArray[np.intp] | None, n_strata: int) -> StrataMoments:
        """Of rows (n, k) and their strata (n,); None if there is one."""
        if strata is None or n_strata == 1:
            found = moments(rows) if len(rows) else no_moments(rows.shape[1])
            return cls(np.array([float(found.count)]), found.mean[None], found.cross_products[None])
        counts = np.bincount(strata, minlength=n_strata).astype(np.float64)
        means = sums_of(strata, rows, n_strata) / np.maximum(counts, 1)[:, None]
        # Columns are contiguous, so that products of them are fast.
        deviations, k = np.subtract(rows.T, means.T[:, strata], order="C"), rows.shape[1]
        products = np.empty((k, k, n_strata))
        for i in range(k):
            for j in range(i + 1):
                of_pair = np.bincount(strata, deviations[i] * deviations[j], n_strata)
                products[i, j] = products[j, i] = of_pair
        return cls(counts, means, np.ascontiguousarray(products.transpose(2, 0, 1)))

    @property
    def count(self) -> int:
        """Of all rows."""
        return int(self.counts.sum())

    @property
    def sums(self) -> Array:
        """Of all rows (k,)."""
        return self.counts @ self.means

    @property
    def products(self) -> Array:
        """Sums of products (k, k) of all rows, as they are."""
        weighted = self.counts[:, None] * self.means
        return np.asarray(self.cross_products.sum(axis=0) + weighted.T @ self.means)

    @property
    def covariance_of_sum(self) -> Array:
        """Of the sum (k, k) of rows that are drawn within strata: n / (n - 1) times the products about each mean; of a single row as it is."""
        alone = (self.counts == 1)[:, None] * self.means
        factor = self.counts / np.maximum(self.counts - 1, 1)
        return np.asarray(np.tensordot(factor, self.cross_products, axes=1) + alone.T @ alone)

    def only(self, columns: slice) -> StrataMoments:
        """Of some columns."""
        return StrataMoments(
            self.counts, self.means[:, columns], self.cross_products[:, columns, columns]
        )

    def merged(self, other: StrataMoments) -> StrataMoments:
        """Of the rows of both."""
        counts = self.counts + other.counts
        gap, total = other.means - self.means, np.maximum(counts, 1)
        means = self.means + gap * (other.counts / total)[:, None]
        between = (
            gap[:, :, None] * gap[:, None, :] * (self.counts * other.counts / total)[:, None, None]
        )
        return StrataMoments(counts, means, self.cross_products + other.cross_products + between)

    def shifted(self, shift: Array) -> StrataMoments:
        """Of rows whose first k - 1 values are larger by `shift` (k - 1,) times the last one."""
        one, last = np.append(shift, 0.0), self.cross_products[:, -1]
        crossed = one[:, None] * (last + 0.5 * last[:, -1:] * one)[:, None, :]
        products = self.cross_products + crossed + crossed.swapaxes(1, 2)
        return StrataMoments(self.counts, self.means + self.means[:, -1:] * one, products)

    def mapped(self, matrix: Array) -> StrataMoments:
        """Of rows that are `matrix` (j, k) times these."""
        return StrataMoments(
            self.counts, self.means @ matrix.T, matrix @ self.cross_products @ matrix.T
        )


def sums_of(codes: NDArray[np.intp], values: Array, size: int) -> Array:
    """Sums (size, k) of rows (n, k) with the same number."""
    return np.stack([np.bincount(codes, column, size) for column in values.T], axis=1)
