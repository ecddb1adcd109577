"""Rectified mean of labels y with predictions f: theta = lambda mean_U f + mean_R(y - lambda f).

lambda = 1: Angelopoulos et al. (2023), "Prediction-powered inference", mean estimation. Tuned lambda:
Angelopoulos, Duchi and Zrnic (2023), "PPI++", arXiv 2311.01453, power tuning. The two terms of the
variance: Wang, Ye and Zhao (2025), arXiv 2511.19486, section 4.1. R are the r rectification rows, U
the m rows of the pool. docs/statistics.md derives the small-sample forms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._tables import column_names
from sklearn_ftr.rectification._checks import (
    Array,
    check_lambda,
    check_rectification_arrays,
    pool_moments,
)
from sklearn_ftr.rectification._deviations import Deviations, beyond_rounding, deviations_of_rows
from sklearn_ftr.rectification._inference import (
    Estimate,
    check_confidence_level,
    mean_estimate,
    welch_satterthwaite,
)
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._moments import Moments, centred, columns, merge, moments, rounding
from sklearn_ftr.rectification._recycling import recycle_labels
from sklearn_ftr.rectification._result import RectifiedResult, mean_result
from sklearn_ftr.rectification._stage_one import PREDICTED_ELSEWHERE, StageOne
from sklearn_ftr.rectification._warnings import warn_of_doubts

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


def rectify_mean(
    y: ArrayLike,
    f: ArrayLike,
    f_unlabeled: ArrayLike,
    *,
    lambda_: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> RectifiedResult:
    """Mean of a population from few labels and many predictions.

    Parameters
    ----------
    y : array-like of shape (r,) or (r, k)
        Labels of the rectification rows. The predictor must not have been trained on these rows. The columns of a data
        frame name the outputs.
    f : array-like of shape (r,) or (r, k)
        Predictions for the same rows.
    f_unlabeled : array-like of shape (m,) or (m, k)
        Predictions for the pool. Read once and never copied whole. May be empty: the answer is then
        that of the labels alone.
    lambda_ : float or array-like of shape (k,), default=None
        Weight of the predictions: 0 is labels only, 1 is plain rectification. None estimates, for
        each output, the weight with the smallest variance (power tuning), which costs one degree of
        freedom; with fewer than 6 labels it is 0.
    confidence_level : float, default=0.95
        Level of the interval that the result shows.

    Returns
    -------
    RectifiedResult
        Estimate, covariance, degrees of freedom and lambda, with the labels-only and the
        predictions-only answers beside them for comparison.

    Raises
    ------
    ValueError
        Shapes that do not match, NaN, infinite or overflowing values, text, dates, fewer than 2 labels,
        different pandas indexes or columns of `y` and `f`.
    TypeError
        Masked arrays.

    Warns
    -----
    ZeroWidthIntervalWarning
        The data leave no variance at all, so that the interval has zero width.
    PredictionShiftWarning
        Mean predictions of labeled rows and of the pool differ by more than 4 standard errors.

    Notes
    -----
    With V the sample variance (ddof=1)::

        theta  = lambda mean_U f + mean_R(y - lambda f)
        var    = V_R(y - lambda f) / r + lambda^2 V_U(f) / m
        lambda = Cov_R(y, f) / (V_R(f) + (r / m) V_U(f))         the minimiser of var

    The first two lines are prediction-powered inference [1]_ [2]_. PPI++ estimates lambda with the
    variance of f over both samples in the denominator; the minimiser above has the same limit and a
    smaller error (measured in docs/statistics.md). A tuned lambda was fitted to the residuals, so
    their variance is taken after leaving each row out of that fit. Intervals are Student t with
    Welch-Satterthwaite degrees of freedom.

    References
    ----------
    .. [1] Angelopoulos, Bates, Fannjiang, Jordan and Zrnic (2023), Prediction-powered inference,
       Science 382.
    .. [2] Angelopoulos, Duchi and Zrnic (2023), PPI++: Efficient prediction-powered inference,
       arXiv 2311.01453.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import rectify_mean
    >>> rng = np.random.default_rng(0)
    >>> human = rng.normal(3.0, 1.0, size=2_100)
    >>> judge = human + rng.normal(0.4, 0.5, size=2_100)  # a judge that is 0.4 too kind
    >>> result = rectify_mean(human[:100], judge[:100], judge[100:])
    >>> round(result.estimate, 2), round(result.standard_error, 3)
    (3.02, 0.05)
    >>> round(result.efficiency, 1)  # how often each label counts
    3.8
    """
    result = rectified_mean(y, f, f_unlabeled, lambda_, confidence_level)
    warn_of_doubts(result, stacklevel=3)
    return result


def rectified_mean(
    y: ArrayLike,
    f: ArrayLike,
    f_unlabeled: ArrayLike,
    lambda_: ArrayLike | None,
    confidence_level: float,
) -> RectifiedResult:
    """`rectify_mean` without its warning, for whoever makes more of the result."""
    confidence_level = check_confidence_level(confidence_level)
    labels, predictions, pool_predictions = check_rectification_arrays(y, f, f_unlabeled)
    lambda_ = check_lambda(lambda_, columns(labels[:1]).shape[1])
    pool = pool_moments(pool_predictions, labels)
    names = tuple(map(str, column_names(y) or ()))
    return mean_of_two_stages(
        labels, columns(predictions), pool, lambda_, confidence_level, names=names
    )


def mean_of_two_stages(
    labels: NDArray[np.floating],
    predictions: Array,
    pool: Moments,
    lambda_: ArrayLike | None,
    confidence_level: float,
    stage_one: StageOne = PREDICTED_ELSEWHERE,
    names: tuple[str, ...] = (),
) -> RectifiedResult:
    """The rectified mean from labels (r,) or (r, k) and predictions (r, k); with an empty pool, the mean of all labels."""
    y, every = columns(labels), stage_one.with_labels_of(labels)
    degrees = stage_one.degrees_of_freedom(len(y))
    rectified = rectify(deviations_of_rows(y, predictions, pool), lambda_, degrees)
    estimate, n_rectify, influence = rectified.estimate, len(y), rectified.influence
    if not pool.count:
        estimate, n_rectify = mean_estimate(moments(columns(every))), len(every)
        deviations = centred(columns(every))[1]
        influence = Influence(deviations, influence.pool_covariance, n_rectify - 1)
    elif stage_one.recycle and stage_one.n_trained_only:
        estimate, recycled = recycle_labels(estimate, y, columns(every[len(y) :]))
        influence = replace(influence, recycled=recycled)
    return mean_result(
        estimate,
        labels=every,
        pool=pool,
        n_rectify=n_rectify,
        n_finetune=stage_one.n_finetune,
        lambda_=rectified.lambda_,
        residual_variance=rectified.residual_variance,
        confidence_level=confidence_level,
        influence=influence,
        prediction_shift=prediction_shift(predictions, pool),
        names=names,
    )


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
