"""Ridge regression with an intercept, its penalty chosen by leave-one-out: a linear head under the variance loss, solved.

With an intercept, the mean error is zero for every vector of coefficients, so that the sum of squares is the variance of
the errors. Hoerl and Kennard (1970); leave-one-out errors from one decomposition: Golub, Heath and Wahba (1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# In units of the rows' mean squared distance from their mean; from hardly any penalty to the mean of y.
_PENALTIES = 10.0 ** np.arange(5.0, -4.25, -0.25)
_SMALLEST_EIGENVALUE = 1e-12  # of the largest; below it, rounding
# Of a block of columns, beside the first one: a block that is times as large has a penalty that is 1 / times^2 as large.
_BLOCK_SIZES = 4.0 ** np.arange(-3, 3)
_SWEEPS = 2
# Among so many rows, evenly taken, the sizes of blocks are chosen.
_ROWS_FOR_SIZES = 2_000


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
class _Decomposition:
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
    return _fitted(X, y, weight, output_factor)[0]


def fit_ridge_of_blocks(
    blocks: Sequence[Array],
    y: Array,
    weight: Array | None = None,
    output_factor: Array | None = None,
) -> Ridge:
    """Ridge regression on blocks of columns side by side, each with a penalty of its own: what is scarce is not drowned.

    Parameters
    ----------
    blocks : sequence of ndarray of shape (n, d_j)
        The sizes of all but the first are chosen one after another, by the error of rows that are left out, all outputs together.
    y, weight, output_factor : as for `fit_ridge`

    Returns
    -------
    Ridge
        Coefficients (k, sum of d_j); the penalty is that of the first block.
    """
    if len(blocks) == 1:
        return fit_ridge(blocks[0], y, weight, output_factor)
    sizes = _best_sizes(blocks, y, weight, output_factor)
    solution = fit_ridge(_beside(blocks, sizes), y, weight, output_factor)
    widths = [block.shape[1] for block in blocks]
    return replace(solution, coefficients=solution.coefficients * np.repeat(sizes, widths))


def _best_sizes(
    blocks: Sequence[Array], y: Array, weight: Array | None, output_factor: Array | None
) -> Array:
    """What each block (b,) is multiplied by; the first by one."""
    some = slice(None, None, -(-len(y) // _ROWS_FOR_SIZES))
    weight = None if weight is None else weight[some] / weight[some].mean()
    y, blocks = y[some], [block[some] for block in blocks]
    spreads = np.array([np.sqrt(block.var(axis=0).sum()) for block in blocks])
    equal = spreads[0] / np.where(spreads > 0, spreads, spreads[0] or 1.0)
    losses: dict[tuple[float, ...], float] = {}

    def loss(sizes: Array) -> float:
        if (key := tuple(sizes)) not in losses:
            _, left_out = _fitted(_beside(blocks, equal * sizes), y, weight, output_factor)
            losses[key] = float(left_out.sum())
        return losses[key]

    sizes = np.ones(len(blocks))
    for block in [*range(1, len(blocks))] * _SWEEPS:
        trials = [np.where(np.arange(len(blocks)) == block, size, sizes) for size in _BLOCK_SIZES]
        sizes = min(trials, key=loss)
    return np.where(spreads > 0, equal * sizes, 1.0)


def _beside(blocks: Sequence[Array], sizes: Array) -> Array:
    return np.hstack([size * block for size, block in zip(sizes, blocks, strict=True)])


def _fitted(
    X: Array, y: Array, weight: Array | None, output_factor: Array | None
) -> tuple[Ridge, Array]:
    """The regression, and its sums of squared errors of rows that are left out."""
    weight = np.ones(len(y)) if weight is None else weight
    means = [np.average(columns, axis=0, weights=weight) for columns in (X, y)]
    root = np.sqrt(weight)[:, None]
    parts, targets = _decomposed(root * (X - means[0])), root * (y - means[1])
    penalty, losses = _best_penalty(parts, targets, weight / weight.sum(), output_factor)
    coefficients = (parts.directions @ parts.coordinates(targets, penalty)).T
    return Ridge(coefficients, means[1] - coefficients @ means[0], penalty), losses


def _decomposed(rows: Array) -> _Decomposition:
    """By the smaller of the two matrices of products."""
    n, d = rows.shape
    values, vectors = np.linalg.eigh(rows @ rows.T if n <= d else rows.T @ rows)
    kept = values > _SMALLEST_EIGENVALUE * values[-1]
    values, vectors = values[kept], vectors[:, kept]
    if n > d:
        return _Decomposition(rows @ vectors, values, vectors)
    lengths = np.sqrt(values)
    return _Decomposition(vectors * lengths, values, rows.T @ (vectors / lengths))


def _best_penalty(
    parts: _Decomposition, targets: Array, shares: Array, output_factor: Array | None
) -> tuple[Array, Array]:
    """The penalty (k,) with the smallest sum of squared leave-one-out errors, and these; of equal ones the largest."""
    penalties = _PENALTIES * (parts.eigenvalues.sum() / len(targets) or 1.0)
    losses = np.array([_left_out(parts, targets, shares, one, output_factor) for one in penalties])
    best = penalties[losses.argmin(axis=0)]
    return np.broadcast_to(best, targets.shape[1:]).copy(), losses.min(axis=0)


def _left_out(
    parts: _Decomposition,
    targets: Array,
    shares: Array,
    penalty: float,
    output_factor: Array | None,
) -> Array:
    """Sums of squared errors of rows that are left out, for each output or for all together."""
    errors = targets - parts.scores @ parts.coordinates(targets, np.full(targets.shape[1], penalty))
    errors /= (1 - shares - parts.leverage(penalty))[:, None]
    if output_factor is None:
        return (errors**2).sum(axis=0)
    return ((errors @ output_factor) ** 2).sum(keepdims=True).ravel()
