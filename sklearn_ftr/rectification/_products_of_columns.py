"""Second moments of a regression's rows as columns of a table, and what maps that table to another origin, or to scores.

With u = (1, x, f) of a row, d covariates less an origin and j judges' predictions less theirs, the table has the products u_i u_l, i <= l, of which one
factor is 1 or a covariate. Scores x (f - x'theta) of least squares at any theta, in any coordinates that are affine in x, are linear in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._moments import Moments, merge, no_moments

# Numbers of the table that are worked on at once, and rows at least: a merge costs as much as some of them.
_NUMBERS, _FEWEST_ROWS = 2**20, 256
# Products of columns, 200 MB of their covariances.
_MOST_PRODUCTS = 5_000


@dataclass(frozen=True)
class Products:
    """Of d covariates and j judges: the products, row by row of the upper triangle of u u'."""

    d: int
    j: int

    @cached_property
    def factors(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Numbers i and l (q,) of the two factors of each."""
        i, right = np.triu_indices(self.d + 1, 0, self.d + 1 + self.j)
        return i, right

    @property
    def q(self) -> int:
        """How many there are, the first of which is 1."""
        return (self.d + 1) * (self.d + 2) // 2 + self.j * (self.d + 1)

    @cached_property
    def place(self) -> NDArray[np.intp]:
        """Which product is that of u_i and u_l (d + 1, d + 1 + j)."""
        i, right = self.factors
        place = np.empty((self.d + 1, self.d + 1 + self.j), dtype=np.intp)
        place[i, right] = np.arange(self.q)
        square = place[:, : self.d + 1]
        square[right[right <= self.d], i[right <= self.d]] = np.arange(self.q)[right <= self.d]
        return place

    def tables(self, X: NDArray[Any], f: NDArray[Any], origin: Array) -> Iterator[tuple[slice, Array]]:
        """Products (n, q - 1) but the 1, of rows (n, d) and predictions (n, j) less an origin (d + j,), block by block; and which rows these are."""
        step = max(_FEWEST_ROWS, _NUMBERS // self.q)
        i, right = (factor[1:] for factor in self.factors)
        for start in range(0, len(X), step):
            u = np.ones((len(X[start : start + step]), 1 + self.d + self.j))
            np.subtract(X[start : start + step], origin[: self.d], out=u[:, 1 : self.d + 1])
            np.subtract(f[start : start + step], origin[self.d :], out=u[:, self.d + 1 :])
            yield slice(start, start + len(u)), u[:, i] * u[:, right]

    def moments(self, X: NDArray[Any], f: NDArray[Any], origin: Array) -> Moments:
        """Of such a table."""
        found = no_moments(self.q - 1)
        for _, table in self.tables(X, f, origin):
            mean = table.mean(axis=0)
            table -= mean
            found = merge(found, Moments(len(table), mean, table.T @ table))
        return found

    def moved(self, shift: Array) -> Array:
        """From products to those (q, q) of covariates and predictions that are larger by `shift` (d + j,): (u_i + a) (u_l + b) = u_i u_l + b u_i + a u_l + a b."""
        (i, right), by, eye = self.factors, np.append(0.0, shift), np.eye(self.q)
        a, b = by[i, None], by[right, None]
        of_i, of_right = eye[self.place[0, i]], eye[self.place[0, right]]
        return np.asarray(eye + b * of_i + a * of_right + a * b * eye[0])

    def scores(self, matrix: Array, theta: Array, judge: int, origin: float) -> Array:
        """From products to scores (k, q) of a judge's predictions, less an `origin`, where `matrix` (k, d + 1) makes coordinates of (1, x)."""
        residual = np.zeros(self.d + 1 + self.j)
        residual[: self.d + 1] = -(theta @ matrix)
        residual[0] += origin
        residual[self.d + 1 + judge] = 1.0
        found = np.zeros((self.q, len(matrix)))
        of_pairs = matrix[:, :, None] * residual
        np.add.at(found, self.place.ravel(), of_pairs.reshape(len(matrix), -1).T)
        return found.T


def products_that_fit(d: int, j: int) -> Products:
    """Those that fit."""
    products = Products(d, j)
    if products.q > _MOST_PRODUCTS:
        raise ValueError(
            f"X has {d} columns and f has {j}, which have {products.q:,} products, and so moments of {8e-6 * products.q**2:,.0f} MB; expected at most {_MOST_PRODUCTS:,} products (97 columns and "
            "one judge). Pass the rows in blocks."
        )
    return products
