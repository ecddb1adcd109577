"""The formulas: theta = lambda mean_U f + mean_R(y - lambda f), its variance, the best lambda, degrees of freedom.

lambda = 1: Angelopoulos et al. (2023), "Prediction-powered inference", mean estimation. Tuned lambda:
Angelopoulos, Duchi and Zrnic (2023), "PPI++", arXiv 2311.01453, power tuning. The two terms of the
variance: Wang, Ye and Zhao (2025), arXiv 2511.19486, section 4.1. R are the r rectification rows, U
the m rows of the pool. docs/statistics.md derives the small-sample forms. What is summed
are deviations of independent pieces: rows, or clusters of rows (`_deviations`, `_designed_sampling`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._deviations import Deviations, beyond_rounding
from sklearn_ftr.rectification._inference import Estimate, welch_satterthwaite
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._moments import Moments, sums_of_squares
from sklearn_ftr.rectification._power_tuning import MIN_LABELS_TO_TUNE, Weights, weighed, weights_of
from sklearn_ftr.rectification._scipy import ndtri, stdtr


@dataclass(frozen=True)
class Rectification:
    """A rectified mean before anything else is added to it; arrays have shape (k,), lambda of j judges (k, j).

    `n_tuned` is how many weights have been tuned for each number.
    """

    estimate: Estimate
    lambda_: Array
    residual_variance: Array
    influence: Influence
    n_tuned: Array


def prediction_shift(sample: Deviations, pool: Moments) -> Array:
    """Mean prediction of the labeled rows less that of the pool (k,), in standard errors of the difference.

    Those of a permutation test: were labels missing at random, either sample would be a part of both. Labeled rows that several models
    have predicted vary more than the pool, which is predicted by their average.
    """
    r, m = len(sample.f), pool.count
    if not m:
        return np.zeros(sample.f.shape[1])
    gap, squares = sample.f_mean - pool.mean, sums_of_squares(sample.f)
    of_both = squares + pool.squares + gap**2 * (r * m / (r + m))
    variance = np.maximum(of_both / (r + m - 1), squares / (r - 1))
    return _in_errors(gap, np.sqrt(variance * (1 / r + 1 / m)), sample.noise[1])


def _in_errors(gap: Array, error: Array, noise: Array) -> Array:
    """A difference (k,) over its standard error; 0 where that is no more than `noise`."""
    known = error > noise
    return gap / error if known.all() else np.divide(gap, error, out=np.zeros_like(gap), where=known)


def shift_of(sample: Deviations) -> Array:
    """As `prediction_shift`, in standard errors under the sampling design; those of few clusters are brought to what they would be of many."""
    gap = sample.f_mean - sample.pool_mean
    squares = sums_of_squares(sample.f) / (len(sample.f) * sample.spare)
    error = np.sqrt(squares + sample.pool_covariance.diagonal())
    known = sample.has_pool & (error > sample.noise[1])
    student = np.divide(gap, error, out=np.zeros_like(gap), where=known)
    tail = stdtr(sample.spare, -np.abs(student))
    normal = np.where(tail > 0, -ndtri(np.where(tail > 0, tail, 0.5)), np.abs(student))
    return np.asarray(np.sign(student) * normal)


def rectify(
    sample: Deviations,
    lambda_: ArrayLike | str | None,
    degrees_of_freedom: int | None = None,
    n_parameters: int = 1,
) -> Rectification:
    """The formulas, for k numbers.

    V_R has r - p degrees of freedom, p = `n_parameters`, one less for each lambda that is tuned, unless they are given.
    """
    pieces, spare = len(sample.y), sample.spare - (n_parameters - 1)
    weights = _weights(sample, lambda_, spare)
    predictions = weighed(sample.f, weights.lambda_)
    residuals = _residuals(sample, weights, predictions)
    labeled_term = residuals.T @ residuals / (spare * pieces)
    of_pool = pool_term(sample.pool_covariance, weights.lambda_)
    theta = sample.y_mean
    if sample.has_pool:
        theta = theta + weighed(sample.pool_mean - sample.f_mean, weights.lambda_)
    degrees = spare - weights.n_tuned
    if degrees_of_freedom is not None:
        degrees = np.full(len(degrees), float(degrees_of_freedom))
    of_terms = degrees, np.full(len(degrees), float(sample.pool_degrees))
    welch = welch_satterthwaite([labeled_term.diagonal(), of_pool.diagonal()], list(of_terms))
    return Rectification(
        Estimate(theta, labeled_term + of_pool, welch),
        weights.lambda_[:, 0] if weights.lambda_.shape[1] == 1 else weights.lambda_,
        sample.residual_variance,
        Influence(
            residuals,
            of_pool,
            spare,
            of_terms,
            labels=sample.y,
            predictions=predictions,
            n_parameters=n_parameters,
            evenness=sample.evenness,
        ),
        weights.n_tuned,
    )


def _weights(sample: Deviations, lambda_: ArrayLike | str | None, spare: int) -> Weights:
    """The given weights; the best ones, if there are labels enough; none without a pool."""
    tuned = lambda_ is None or isinstance(lambda_, str)
    if not sample.has_pool or (tuned and (spare < MIN_LABELS_TO_TUNE - 1 or not sample.can_tune)):
        lambda_ = 0.0
    pool_squares = len(sample.y) * sample.spare * sample.pool_covariance
    return weights_of(sample.y, sample.f, pool_squares, lambda_, sample.noise[1], spare)


def _residuals(sample: Deviations, weights: Weights, predictions: Array) -> Array:
    """Y - lambda f (G, k), each as if its piece had not tuned lambda."""
    of_y, of_f = sample.noise
    noise = of_y + weighed(of_f, np.abs(weights.lambda_))
    if weights.residuals is not None:
        return beyond_rounding(weights.residuals, noise)
    residuals = beyond_rounding(sample.y - predictions, noise)
    return np.asarray(residuals * weights.left_out)


def pool_term(covariance: Array, lambda_: Array) -> Array:
    """Covariance (k, k) of the pool's part, lambda (k, j) times that of its predictions (k j, k j)."""
    k, j = lambda_.shape
    if j == 1:
        return lambda_ * covariance * lambda_[:, 0]
    return np.einsum("ai,aibj,bj->ab", lambda_, covariance.reshape(k, j, k, j), lambda_)


def with_known_rows(rectified: Rectification, known: Array, share: float) -> Rectification:
    """Of a finite population, of which a `share` is known to have the mean `known` (k,), and the rest is estimated."""
    rest, estimate, influence = 1 - share, rectified.estimate, rectified.influence
    theta = rest * estimate.estimate + share * known
    return replace(
        rectified,
        estimate=Estimate(theta, rest**2 * estimate.covariance, estimate.degrees_of_freedom),
        influence=influence.scaled(rest),
    )
