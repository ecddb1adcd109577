"""Ridge regression with an intercept, its penalty chosen by leave-one-out: a linear head under the variance loss, solved.

With an intercept, the mean error is zero for every vector of coefficients, so that the sum of squares is the variance of
the errors. Hoerl and Kennard (1970); leave-one-out errors from one decomposition: Golub, Heath and Wahba (1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# In units of the rows' mean squared distance from their mean; from hardly any penalty to the mean of y.
PENALTIES = 10.0 ** np.arange(5.0, -4.25, -0.25)
_SMALLEST_EIGENVALUE = 1e-12  # of the largest; below it, rounding


@dataclass(frozen=True)
class Ridge:
    """A linear function of d features with k outputs.

    Attributes
    ----------
    coefficients : ndarray of shape (k, d)
    intercept : ndarray of shape (k,)
    penalty : ndarray of shape (k,)
        Of the sum of squared coefficients, beside the weighted sum of squared errors of weights with mean one.
    """

    coefficients: Array
    intercept: Array
    penalty: Array


@dataclass(frozen=True)
class Decomposition:
    """Centered rows, times the roots of their weights, in coordinates without covariance.

    Attributes
    ----------
    scores : ndarray of shape (n, r)
    eigenvalues : ndarray of shape (r,)
        Sums of squares of the scores.
    directions : ndarray of shape (d, r)
    """

    scores: Array
    eigenvalues: Array
    directions: Array

    @property
    def spread(self) -> float:
        """Mean squared distance of rows from their mean: the unit of penalties; 1 if there is none."""
        return float(self.eigenvalues.sum() / len(self.scores)) or 1.0

    def coordinates(self, y: Array, penalty: Array) -> Array:
        """Coefficients (r, k) of ridge regression, with a penalty (k,) for each output."""
        return (self.scores.T @ y) / (self.eigenvalues[:, None] + penalty)

    def leverage(self, penalty: float) -> Array:
        """What each row (n,) has to say about its own prediction, without the intercept."""
        return self.scores**2 @ (1 / (self.eigenvalues + penalty))


def fit_ridge(
    X: Array, y: Array, weight: Array | None = None, output_factor: Array | None = None
) -> Ridge:
    """Ridge regression of all outputs.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    y : ndarray of shape (n, k)
    weight : ndarray of shape (n,), default=None
        Positive, with mean one. A row is left out with all of its weight.
    output_factor : ndarray of shape (k, q), default=None
        The penalty, one for all outputs, is best for the q combinations of errors e A. None: each output has its own.

    Returns
    -------
    Ridge
    """
    weight = np.ones(len(y)) if weight is None else weight
    (rows, targets), means = centered([X, y], weight)
    parts = decomposed(rows)
    penalty = _best_penalty(parts, targets, weight / weight.sum(), output_factor)
    coefficients = (parts.directions @ parts.coordinates(targets, penalty)).T
    return Ridge(coefficients, means[1] - coefficients @ means[0], penalty)


def centered(tables: Sequence[Array], weight: Array) -> tuple[list[Array], list[Array]]:
    """Deviations of rows from their weighted mean, times the roots of their weights; and the means."""
    means = [np.average(table, axis=0, weights=weight) for table in tables]
    root = np.sqrt(weight)[:, None]
    return [root * (table - mean) for table, mean in zip(tables, means, strict=True)], means


def decomposed(rows: Array) -> Decomposition:
    """By the smaller of the two matrices of products."""
    n, d = rows.shape
    values, vectors = np.linalg.eigh(rows @ rows.T if n <= d else rows.T @ rows)
    kept = values > _SMALLEST_EIGENVALUE * values[-1]
    values, vectors = values[kept], vectors[:, kept]
    if n > d:
        return Decomposition(rows @ vectors, values, vectors)
    lengths = np.sqrt(values)
    return Decomposition(vectors * lengths, values, rows.T @ (vectors / lengths))


def _best_penalty(
    parts: Decomposition, targets: Array, shares: Array, output_factor: Array | None
) -> Array:
    """The penalty (k,) with the smallest sum of squared leave-one-out errors; of equal ones the largest."""
    penalties = PENALTIES * parts.spread
    losses = np.array([_left_out(parts, targets, shares, one, output_factor) for one in penalties])
    best = penalties[losses.argmin(axis=0)]
    return np.broadcast_to(best, targets.shape[1:]).copy()


def _left_out(
    parts: Decomposition,
    targets: Array,
    shares: Array,
    penalty: float,
    output_factor: Array | None,
) -> Array:
    """Sums of squared errors of rows that are left out, for each output or for all together."""
    errors = targets - parts.scores @ parts.coordinates(targets, np.full(targets.shape[1], penalty))
    return losses_of(errors / (1 - shares - parts.leverage(penalty))[:, None], output_factor)


def losses_of(errors: Array, output_factor: Array | None) -> Array:
    """Sums of squares of errors (n, k): of each output (k,), or of all together (1,)."""
    if output_factor is None:
        return (errors**2).sum(axis=0)
    return ((errors @ output_factor) ** 2).sum(keepdims=True).ravel()
