"""Lambda of several judges: the average of the best weights of every set of them, and exact leave-one-out residuals of this average.

With A = df'df + P and c = df'dy, P the pool's term, lambda_S = A_S^-1 c_S minimises the estimated variance for a set S of judges: a ridge regression. Q_S =
dy'dy - c_S'lambda_S is this minimum, h_iS = df_iS'A_S^-1 df_iS the leverage of piece i, d_S the sum over pieces. A set counts with

    w_S ~ Q_S^(-spare / 2) exp(-2 d_S (spare + 1) / (spare - 1 - |S|)) / number of sets of |S| judges,

twice the penalty of Akaike's criterion with the correction of Hurvich and Tsai (1989), Biometrika 76, for few labels, and effective numbers of
parameters; averaging as in Buckland, Burnham and Augustin (1997), Biometrics 53. Alike judges and few labels then do
no harm (docs/judges_coverage.md: how much, and what other rules do). Without piece i, Q_S is smaller by exactly e_iS^2 / (1 - h_iS), so that weights and
residuals without it cost no other fit, and pay for the choice among sets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sklearn_ftr.rectification._checks import Array

# Sets double with each judge.
MOST_JUDGES = 10
# A judge of whom the others in a set leave less than this share of its squares is a copy of them.
_COPY = 1e-7
# Of each weight that is tuned, in units of log likelihood: twice Akaike's.
_PENALTY = 2.0
# What is left of squares when sums of them cancel.
_ROUNDING = 1e-13
_BLOCK_PIECES = 4_096


@dataclass(frozen=True, eq=False)
class JudgeWeights:
    """Lambda (j,), leave-one-out residuals (G,) and the number of weights that count as tuned."""

    lambda_: Array
    residuals: Array
    n_tuned: float


@dataclass(frozen=True, eq=False)
class _Sets:
    """All sets of judges that can be told apart: sizes (n,), for how much of a set each counts (n,), A_S^-1 (n, j, j), lambda_S (n, j), Q_S (n,) and d_S (n,)."""

    sizes: Array
    counts: Array
    inverses: Array
    lambdas: Array
    minima: Array
    tuned: Array

    @property
    def log_weights(self) -> Array:
        """Logarithm of w_S (n,) but for Q_S."""
        _, alike = np.unique(self.sizes, return_inverse=True)
        return np.log(self.counts / np.bincount(alike, self.counts)[alike])


def judge_weights(dy: Array, df: Array, pool_squares: Array, spare: int) -> JudgeWeights:
    """From deviations of labels (G,) and of predictions (G, j) of G pieces with `spare` degrees of freedom; `pool_squares` (j, j) is the pool's term.

    Judges that do not vary, and copies of another, are as if they were not there: copies share its weight.
    """
    unit = np.sqrt(np.sum(df**2, axis=0) + np.diag(pool_squares))
    unit = np.where(unit > 0, unit, 1.0)
    scaled, total = df / unit, float(dy @ dy)
    sets = _sets_of(dy, scaled, pool_squares / np.outer(unit, unit), spare)
    if not len(sets.sizes):
        return JudgeWeights(np.zeros(df.shape[1]), dy, 0.0)
    floor = _ROUNDING * total if total else 1.0
    minima = np.maximum(sets.minima, floor)
    penalty = _PENALTY * sets.tuned * (spare + 1) / (spare - 1 - sets.sizes)
    logs = sets.log_weights - spare / 2 * np.log(minima / (total or 1.0)) - penalty
    shares = _normalized(logs)
    residuals = np.concatenate(
        [
            np.sum(_normalized(logs - spare / 2 * np.log(smaller)) * left_out, axis=1)
            for left_out, smaller in _without_each_piece(sets, dy, scaled, minima)
        ]
    )
    n_tuned = max(1.0, float(shares @ sets.tuned))
    return JudgeWeights(shares @ sets.lambdas / unit, residuals, n_tuned)


def _sets_of(dy: Array, df: Array, pool_squares: Array, spare: int) -> _Sets:
    """Of judges in units of their own; the inverse of each set from that of the set without its last judge."""
    squares, covariance = df.T @ df, df.T @ dy
    matrix, j = squares + pool_squares, df.shape[1]
    inverses, sizes, counts = np.zeros((1, j, j)), np.zeros(1), np.ones(1)
    twins = np.maximum(np.sum(1 - matrix**2 <= _COPY, axis=1), 1)
    for judge in range(j):
        others = inverses @ matrix[:, judge]
        left = matrix[judge, judge] - others @ matrix[:, judge]
        own = left > _COPY
        others[:, judge] -= 1
        larger = (
            inverses + others[:, :, None] * others[:, None, :] / np.where(own, left, 1.0)[:, None, None]
        )
        inverses = np.concatenate([inverses, larger[own]])
        sizes = np.concatenate([sizes, sizes[own] + 1])
        counts = np.concatenate([counts, counts[own] / twins[judge]])
    # Without the empty set, and with a degree of freedom to spare.
    kept = (sizes > 0) & (sizes < spare - 1)
    inverses, sizes, counts = inverses[kept], sizes[kept], counts[kept]
    lambdas = inverses @ covariance
    minima = float(dy @ dy) - lambdas @ covariance
    tuned = np.einsum("nij,ij->n", inverses, squares)
    return _Sets(sizes, counts, inverses, lambdas, minima, tuned)


def _without_each_piece(
    sets: _Sets, dy: Array, df: Array, minima: Array
) -> Iterator[tuple[Array, Array]]:
    """For blocks of pieces, residuals (g, n) of each set without the piece itself, and by what share Q_S (g, n) is smaller then."""
    i, k = np.triu_indices(df.shape[1])
    of_pairs = sets.inverses[:, i, k] * np.where(i == k, 1.0, 2.0)
    for start in range(0, len(dy), _BLOCK_PIECES):
        y, f = dy[start : start + _BLOCK_PIECES], df[start : start + _BLOCK_PIECES]
        leverage = (f[:, i] * f[:, k]) @ of_pairs.T
        residuals = y[:, None] - f @ sets.lambdas.T
        left_out = residuals / np.maximum(1 - leverage, _ROUNDING)
        yield left_out, np.maximum(1 - residuals * left_out / minima, _ROUNDING)


def _normalized(logarithms: Array) -> Array:
    """Exponentials whose sum along the last axis is 1."""
    weights = np.exp(logarithms - logarithms.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
