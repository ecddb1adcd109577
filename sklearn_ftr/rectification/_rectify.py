"""The formulas: theta = lambda mean_U f + mean_R(y - lambda f), its variance, the best lambda, degrees of freedom.

lambda = 1: Angelopoulos et al. (2023), "Prediction-powered inference", mean estimation. Tuned lambda:
Angelopoulos, Duchi and Zrnic (2023), "PPI++", arXiv 2311.01453, power tuning. The two terms of the
variance: Wang, Ye and Zhao (2025), arXiv 2511.19486, section 4.1. R are the r rectification rows, U
the m rows of the pool. docs/statistics.md derives the small-sample forms. What is summed
are deviations of independent pieces: rows, or clusters of rows (`_deviations`, `_draw`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._deviations import Deviations, beyond_rounding
from sklearn_ftr.rectification._inference import Estimate, welch_satterthwaite
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._moments import Moments, merge, moments, rounding

# From fewer labels a tuned lambda costs more than good predictions bring, and its interval covers less
# than 94 % (docs/statistics.md).
MIN_LABELS_TO_TUNE = 6


@dataclass(frozen=True)
class Rectification:
    """A rectified mean before anything else is added to it; arrays have shape (k,)."""

    estimate: Estimate
    lambda_: Array
    residual_variance: Array
    influence: Influence


def prediction_shift(f: Array, pool: Moments) -> Array:
    """Mean prediction of the labeled rows less that of the pool (k,), in standard errors of the difference.

    Those of a permutation test: were labels missing at random, either sample would be a part of both. Labeled rows that several models
    have predicted vary more than the pool, which is predicted by their average.
    """
    of_labels = moments(f)
    if not pool.count:
        return np.zeros(f.shape[1])
    variance = np.maximum(merge(of_labels, pool).variance, of_labels.variance)
    error = np.sqrt(variance * (1 / of_labels.count + 1 / pool.count))
    gap = of_labels.mean - pool.mean
    return np.divide(gap, error, out=np.zeros_like(gap), where=error > rounding(f))


def shift_of(sample: Deviations) -> Array:
    """As `prediction_shift`, in standard errors under the sampling design."""
    gap = sample.f_mean - sample.pool_mean
    squares = np.sum(sample.f**2, axis=0) / (len(sample.f) * sample.spare)
    error = np.sqrt(squares + np.diag(sample.pool_covariance))
    known = sample.has_pool & (error > sample.noise[1])
    return np.divide(gap, error, out=np.zeros_like(gap), where=known)


def rectify(
    sample: Deviations,
    lambda_: ArrayLike | str | None,
    degrees_of_freedom: int | None = None,
    n_parameters: int = 1,
) -> Rectification:
    """The formulas, for k numbers.

    V_R has r - p degrees of freedom, p = `n_parameters`, one less where lambda is tuned, unless they are given.
    """
    dy, df, pieces = sample.y, sample.f, len(sample.y)
    of_y, of_f = sample.noise
    spare = sample.spare - (n_parameters - 1)
    tuned = lambda_ is None or isinstance(lambda_, str)
    given = 0.0 if not sample.has_pool or (tuned and spare < MIN_LABELS_TO_TUNE - 1) else lambda_
    pool_squares = pieces * sample.spare * np.diag(sample.pool_covariance)
    weight = _weight(dy, df, pool_squares, given, of_f)
    residuals = beyond_rounding(dy - weight.lambda_ * df, of_y + np.abs(weight.lambda_) * of_f)
    residuals = residuals * weight.influence
    labeled_term = residuals.T @ residuals / (spare * pieces)
    pool_term = np.outer(weight.lambda_, weight.lambda_) * sample.pool_covariance
    theta = sample.y_mean + weight.lambda_ * (
        sample.pool_mean - sample.f_mean if sample.has_pool else 0.0
    )
    degrees = spare - weight.n_tuned
    if degrees_of_freedom is not None:
        degrees = np.full_like(degrees, degrees_of_freedom)
    welch = welch_satterthwaite(
        [np.diag(labeled_term), np.diag(pool_term)],
        [degrees, np.full_like(degrees, sample.pool_degrees)],
    )
    return Rectification(
        Estimate(theta, labeled_term + pool_term, welch),
        weight.lambda_,
        sample.residual_variance,
        Influence(residuals, pool_term, spare),
    )


@dataclass(frozen=True)
class _Weight:
    """Lambda (k,), what each residual (G, k) grows by when its piece is left out, 1 where it was tuned."""

    lambda_: Array
    influence: Array | float
    n_tuned: Array


def _weight(
    dy: Array, df: Array, pool_squares: Array, lambda_: ArrayLike | str | None, noise: Array
) -> _Weight:
    """The given lambda, or the best one; predictions that vary by no more than `noise` get 0."""
    r, k = dy.shape
    if lambda_ is not None and not isinstance(lambda_, str):
        return _Weight(np.broadcast_to(np.asarray(lambda_, dtype=float), (k,)).copy(), 1.0, np.zeros(k))
    # Minimising V_R(y - lambda f)/r + lambda^2 V_U(f)/m over lambda is a ridge regression of dy on df
    # with this denominator, so that leave-one-out residuals are e / (1 - leverage).
    denominator = np.sum(df**2, axis=0) + pool_squares
    varies = denominator > r * noise**2
    covariance, leverage = np.sum(dy * df, axis=0), df**2
    if lambda_ == "overall":
        denominator, covariance = np.full(k, denominator.sum()), np.full(k, covariance.sum())
        leverage = np.repeat(leverage.sum(axis=1, keepdims=True), k, axis=1)
        varies = np.full(k, varies.any())
    safe = np.where(varies, denominator, 1.0)
    best = np.where(varies, covariance / safe, 0.0)
    return _Weight(best, 1 / (1 - np.where(varies, leverage / safe, 0.0)), varies.astype(float))
