"""Coordinates in which the columns of a design are far from collinear, whatever their units and origins.

Years and their squares, or seconds since 1970, are nearly proportional to an intercept. What a product of such columns
loses to rounding is the square of what the columns lose (Golub and Van Loan, Matrix Computations, section 5.3): so a
regression is solved with Z in place of X, where [1, X - center] = Z factor, and only its answer is brought back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._scipy import scipy_module

Rows = NDArray[np.floating[Any]]
# Rows that are worked on at once.
_BLOCK_ROWS = 16_384
# Columns of length 1 whose smallest singular value is below this are combinations of each other but for rounding; the second is in
# units of the precision of the column's own type, because float32 rounds long before anything is computed.
_RESOLVED, _RESOLVED_BY_TYPE = 1e-13, 4
# From this singular value on, products of centred columns are exact to ten digits, and no further step is needed.
_WELL_CONDITIONED = 1e-3
# Outside of this range squares could overflow or vanish.
_ORDINARY = 1e-100, 1e100
# So many rows are enough to find the middle of a column. It is not the mean, which a single wild value would carry off.
_ROWS_FOR_CENTER = 1_000


class NoEstimateError(ValueError):
    """Rows from which there is no estimate, or none that is finite."""


class CollinearError(NoEstimateError):
    """Columns of which one is a combination of others."""


@dataclass(frozen=True, eq=False)
class Coordinates:
    """How rows X (n, d) are seen: Z (n, k) with [1, X - center] = Z factor; without the ones if there is no intercept.

    Parameters
    ----------
    intercept : bool
    center : ndarray of shape (d,)
        Zero without an intercept.
    factor : ndarray of shape (k, k) or None
        Upper triangular; None if it would be the identity.
    lengths : ndarray of shape (k,)
        Root mean square of each column of X, the intercept's first.
    """

    intercept: bool
    center: Array
    factor: Array | None
    lengths: Array

    def rows(self, X: Rows) -> Array:
        """Z of some rows, as float64."""
        first = int(self.intercept)
        if not first and self.factor is None:
            return X.astype(np.float64, copy=False)
        Z = np.empty(
            (len(X), X.shape[1] + first), order="F"
        )  # twice as fast to fill as the other order
        Z[:, :first] = 1.0
        np.subtract(X.T, self.center[:, None], out=Z.T[first:])
        # Column by column, so that their common part goes first; a product with the inverse would cancel.
        return (
            Z
            if self.factor is None
            else scipy_module("linalg.blas").dtrsm(1.0, self.factor, Z, side=1, overwrite_b=1)
        )

    def matrix(self, origin: Array) -> Array:
        """What makes Z of (1, x - origin) (k, d + 1)."""
        matrix = np.hstack([(origin - self.center)[:, None], np.eye(len(origin))])
        if self.intercept:
            matrix = np.vstack([np.eye(1, len(origin) + 1), matrix])
        if self.factor is None:
            return matrix
        return np.asarray(scipy_module("linalg").solve_triangular(self.factor, matrix, trans=1))

    def coefficients(self, values: Array) -> Array:
        """Coefficients of X (..., k) from coefficients of Z."""
        if self.factor is not None:
            values = scipy_module("linalg").solve_triangular(self.factor, values.T).T
        if not self.intercept:
            return values
        of_columns = values[..., 1:]
        return np.concatenate([values[..., :1] - (of_columns @ self.center)[..., None], of_columns], -1)

    def largest(self, Z: Array) -> Array:
        """No value of the columns of X (k,), whose Z are given, is larger than this."""
        largest = np.abs(Z).max(axis=0)
        if self.factor is not None:
            largest = largest @ np.abs(self.factor)
        return largest + np.append(np.zeros(int(self.intercept)), np.abs(self.center))

    def involved(self, direction: Array, least: float) -> NDArray[np.intp]:
        """Columns of X (positions among k) that take part in a direction of Z, in units of their lengths."""
        parts = np.abs(self.coefficients(direction)) * self.lengths
        return np.flatnonzero(parts > least * parts.max())


def find_coordinates(X: Rows, intercept: bool, names: tuple[str, ...]) -> Coordinates:
    """Coordinates from the rows of a sample; collinear columns are an error that gives their names.

    Columns are centred and, where that is not enough, orthogonalised by the QR factorisation of these rows.
    """
    n, d = X.shape
    first, center = int(intercept), np.zeros(d)
    if intercept and d:
        center = np.median(X[:: max(1, n // _ROWS_FOR_CENTER)].astype(np.float64), axis=0)
    shifted = Coordinates(intercept, center, None, np.ones(d + first))
    largest = np.max([np.abs(Z).max(axis=0) for Z in _blocks(shifted, X)], axis=0)
    unit = np.where(largest > 0, largest, 1.0)
    triangle = triangle_of(Z / unit for Z in _blocks(shifted, X))
    lengths = _check_columns(triangle, unit, center, intercept, names, X.dtype)
    own = np.linalg.norm(triangle, axis=0)
    smallest = np.linalg.svd(triangle / own, compute_uv=False)[-1]
    ordinary = np.all((unit > _ORDINARY[0]) & (unit < _ORDINARY[1]))
    factor = None if smallest > _WELL_CONDITIONED and ordinary else triangle * unit / np.sqrt(n)
    return Coordinates(intercept, center, factor, lengths / np.sqrt(n))


def collinear(columns: NDArray[np.intp], names: tuple[str, ...]) -> CollinearError:
    """The error for columns (positions) of which one is a combination of the others."""
    listed = ", ".join(names[column] for column in columns)
    return CollinearError(
        f"The columns {listed} of X are collinear, or fitted means leave nothing to learn from them; expected "
        "columns of which none is a combination of others (of the intercept, say). Leave one out."
    )


def _blocks(coordinates: Coordinates, X: Rows) -> Iterator[Array]:
    for start in range(0, len(X), _BLOCK_ROWS):
        yield coordinates.rows(X[start : start + _BLOCK_ROWS])


def triangle_of(blocks: Iterator[Array]) -> Array:
    """R of the QR factorisation of blocks below each other, without their products."""
    triangle = np.asarray(np.linalg.qr(next(blocks), mode="r"))
    for block in blocks:
        triangle = np.asarray(np.linalg.qr(np.concatenate([triangle, block]), mode="r"))
    return triangle


def _check_columns(
    triangle: Array,
    unit: Array,
    center: Array,
    intercept: bool,
    names: tuple[str, ...],
    kind: np.dtype[Any],
) -> Array:
    """Lengths (k,) of the columns as they came, if no combination of those, brought to length 1, vanishes."""
    as_they_came = triangle * unit
    if intercept:
        as_they_came[:, 1:] += np.outer(as_they_came[:, 0], center)
    scale = np.abs(as_they_came).max(axis=0)
    if not scale.all():
        raise collinear(np.flatnonzero(scale == 0)[:1], names)
    lengths = scale * np.linalg.norm(as_they_came / scale, axis=0)
    _, values, vectors = np.linalg.svd(as_they_came / lengths)
    if values[-1] < max(_RESOLVED, _RESOLVED_BY_TYPE * np.finfo(kind).eps):
        raise collinear(np.flatnonzero(np.abs(vectors[-1]) > 0.1), names)
    return lengths
