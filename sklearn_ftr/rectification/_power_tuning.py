"""Lambda, the weight of the predictions: given, or the one with the smallest variance (power tuning).

Angelopoulos, Duchi and Zrnic (2023), "PPI++", arXiv 2311.01453, for one source of predictions. Minimising
V_R(y - lambda'f)/r + lambda' V_U(f) lambda/m over lambda is a ridge regression of labels on predictions with the pool's term as its
penalty, so that leave-one-out residuals are e / (1 - leverage).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._inference import like
from sklearn_ftr.rectification._judge_weights import judge_weights
from sklearn_ftr.rectification._moments import sums_of_products, sums_of_squares

# From fewer labels a tuned lambda costs more than good predictions bring, and its interval covers less
# than 94 % (docs/statistics.md).
MIN_LABELS_TO_TUNE = 6


@dataclass(frozen=True)
class Weights:
    """Lambda (k, j) of j judges, how many of each were tuned (k,), and what that does to residuals.

    Each residual (G, k) grows by `left_out` when its piece is left out; of several judges `residuals` are what they are then.
    """

    lambda_: Array
    n_tuned: Array
    left_out: Array | float = 1.0
    residuals: Array | None = None


def weighed(f: Array, lambda_: Array) -> Array:
    """Lambda'f (..., k) from predictions (..., k j) and weights (k, j)."""
    k, j = lambda_.shape
    if j == 1:
        return f * lambda_[:, 0]
    return np.einsum("...aj,aj->...a", f.reshape(*f.shape[:-1], k, j), lambda_)


def weights_of(
    dy: Array,
    df: Array,
    pool_squares: Array,
    lambda_: ArrayLike | str | None,
    noise: Array,
    spare: int,
) -> Weights:
    """The given lambda, or the best one; predictions that vary by no more than `noise` get 0."""
    k = dy.shape[1]
    j = df.shape[1] // k
    if lambda_ is not None and not isinstance(lambda_, str):
        given = np.asarray(lambda_, dtype=float)
        given = given[:, None] if given.shape == (k,) and j == 1 else given
        return Weights(np.broadcast_to(given, (k, j)).copy(), np.zeros(k))
    if j == 1:
        return _one_judge(dy, df, pool_squares.diagonal(), noise, lambda_ == "overall")
    return _several_judges(dy, df, pool_squares, noise, spare)


def _one_judge(dy: Array, df: Array, pool_squares: Array, noise: Array, overall: bool) -> Weights:
    """The best lambda for each number, or one for the sum of their variances."""
    r, k = dy.shape
    denominator = sums_of_squares(df) + pool_squares
    varies = denominator > r * noise**2
    covariance, leverage = sums_of_products(dy, df), df**2
    if overall:
        denominator, covariance = np.full(k, denominator.sum()), np.full(k, covariance.sum())
        leverage = np.repeat(leverage.sum(axis=1, keepdims=True), k, axis=1)
        varies = np.full(k, varies.any())
    counted = np.where(varies, denominator, np.inf)
    left_out = 1 / (1 - leverage / counted)
    return Weights((covariance / counted)[:, None], varies.astype(float), left_out)


def _several_judges(dy: Array, df: Array, pool_squares: Array, noise: Array, spare: int) -> Weights:
    """The best weights of all judges for each number."""
    r, k = dy.shape
    j = df.shape[1] // k
    varies = sums_of_squares(df) + pool_squares.diagonal() > r * noise**2
    df, pool_squares = df * varies, pool_squares * np.outer(varies, varies)
    blocks = [slice(number * j, (number + 1) * j) for number in range(k)]
    tuned = [
        judge_weights(dy[:, number], df[:, block], pool_squares[block, block], spare)
        for number, block in enumerate(blocks)
    ]
    return Weights(
        np.array([one.lambda_ for one in tuned]),
        np.array([one.n_tuned for one in tuned]),
        residuals=np.stack([one.residuals for one in tuned], axis=1),
    )


def shaped_weights(lambda_: Array, template: Any) -> Any:
    """Lambda (k,) like the estimate; of j judges (j,) or (k, j)."""
    if lambda_.ndim == 1:
        return like(lambda_, template)
    return lambda_[0] if np.ndim(template) == 0 else lambda_
