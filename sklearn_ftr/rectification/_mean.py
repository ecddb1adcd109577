"""Rectified mean of labels y with predictions f: theta = lambda mean_U f + mean_R(y - lambda f).

lambda = 1: Angelopoulos et al. (2023), "Prediction-powered inference", mean estimation. Tuned lambda:
Angelopoulos, Duchi and Zrnic (2023), "PPI++", arXiv 2311.01453, power tuning. The two terms of the
variance: Wang, Ye and Zhao (2025), arXiv 2511.19486, section 4.1. R are the r rectification rows, U
the m rows of the pool. docs/statistics.md derives the small-sample forms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._tables import column_names
from sklearn_ftr.rectification._checks import (
    Array,
    check_lambda,
    check_pool,
    check_rectification_arrays,
    pool_moments,
)
from sklearn_ftr.rectification._deviations import Deviations, beyond_rounding, deviations_of_rows
from sklearn_ftr.rectification._draw import Draw, check_sampling
from sklearn_ftr.rectification._inference import (
    Estimate,
    check_confidence_level,
    like,
    mean_estimate,
    welch_satterthwaite,
)
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._moments import Moments, centred, columns, merge, moments, rounding
from sklearn_ftr.rectification._recycling import recycle_labels
from sklearn_ftr.rectification._result import RectifiedResult, mean_result
from sklearn_ftr.rectification._sampling_design import SamplingDesign
from sklearn_ftr.rectification._stage_one import PREDICTED_ELSEWHERE, StageOne
from sklearn_ftr.rectification._warnings import warn_of_doubts

# From fewer labels a tuned lambda costs more than good predictions bring, and its interval covers less
# than 94 % (docs/statistics.md).
MIN_LABELS_TO_TUNE = 6
# Rows of the pool that are read at once under a sampling design.
_BLOCK_ROWS = 65_536


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
    design: SamplingDesign | None = None,
    design_unlabeled: SamplingDesign | None = None,
    finite_population: bool = False,
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
    design, design_unlabeled : SamplingDesign, default=None
        Weights, clusters, strata and labeling probabilities of labeled rows and of the pool. None: rows are independent and
        all alike.
    finite_population : bool, default=False
        The mean of exactly these rows, labeled and unlabeled, is asked for (a benchmark of 3,000 answers, say). Only which rows
        got a label is random then, and with all rows labeled the standard error is 0.
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
        different pandas indexes or columns of `y` and `f`; designs of another length, that one side has and the other has not,
        clusters that cross strata, strata without labels or with a single labeled cluster.
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

    With a design, means are weighted (Hajek): labels by w / pi, the pool by w; where labels were drawn with probabilities pi or within
    strata the pool's side is all rows. Influence values are summed within clusters and centred within strata (linearisation,
    Binder 1983), lambda is the best one for these sums, and r - 1 becomes clusters less strata. For a
    finite population the labels' part is multiplied by 1 - pi and the pool's part is 0.

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
    result = rectified_mean(
        *(y, f, f_unlabeled, lambda_, confidence_level),
        design=design,
        design_unlabeled=design_unlabeled,
        finite_population=finite_population,
    )
    warn_of_doubts(result, stacklevel=3)
    return result


def rectified_mean(
    y: ArrayLike,
    f: ArrayLike,
    f_unlabeled: ArrayLike,
    lambda_: ArrayLike | None,
    confidence_level: float,
    **sampling: Any,
) -> RectifiedResult:
    """`rectify_mean` without its warning, for whoever makes more of the result."""
    confidence_level = check_confidence_level(confidence_level)
    labels, predictions, pool_predictions = check_rectification_arrays(y, f, f_unlabeled)
    lambda_ = check_lambda(lambda_, columns(labels[:1]).shape[1])
    names = tuple(map(str, column_names(y) or ()))
    sizes = len(labels), len(pool_predictions)
    draw = check_sampling({"y": y, "f": f}, {"f_unlabeled": f_unlabeled}, sizes, **sampling)
    if draw is not None:
        return _mean_of_draw(
            draw, labels, columns(predictions), pool_predictions, lambda_, confidence_level, names
        )
    pool = pool_moments(pool_predictions, labels)
    return mean_of_two_stages(
        labels, columns(predictions), pool, lambda_, confidence_level, names=names
    )


def _mean_of_draw(
    draw: Draw,
    labels: NDArray[np.floating],
    f: Array,
    pool: NDArray[np.floating],
    lambda_: ArrayLike | None,
    confidence_level: float,
    names: tuple[str, ...],
) -> RectifiedResult:
    """The rectified mean under a sampling design."""
    y = columns(labels)
    with np.errstate(invalid="ignore", over="ignore"):
        side = draw.pool_side(_pool_blocks(draw, f, pool), f.shape[1], f[0])
        check_pool(np.sum(side.totals**2, axis=0), pool)
    sample = draw.deviations(y, f, side)
    return mean_result(
        rectify(sample, lambda_),
        labels[0],
        labels_only=sample.labels_only(),
        predictions_only=draw.pool_estimate(side),
        pool_mean=side.mean,
        n_labeled=len(y),
        n_finetune=0,
        n_rectify=len(y),
        n_unlabeled=len(pool),
        confidence_level=confidence_level,
        prediction_shift=like(shift_of(sample), labels[0]),
        design_effect=like(draw.design_effect(y, sample), labels[0]),
        is_complete=draw.is_complete,
        names=names,
    )


def _pool_blocks(draw: Draw, f: Array, pool: NDArray[np.floating]) -> Iterator[Array]:
    """Predictions of the rows on the pool's side."""
    if draw.own_weights is not None and len(pool):
        yield f
    for start in range(0, len(pool), _BLOCK_ROWS):
        yield columns(pool[start : start + _BLOCK_ROWS])


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
    y, every = columns(labels), columns(stage_one.with_labels_of(labels))
    degrees = stage_one.degrees_of_freedom(len(y))
    rectified, n_rectify = rectify(deviations_of_rows(y, predictions, pool), lambda_, degrees), len(y)
    labels_only = mean_estimate(moments(every))
    if not pool.count:
        n_rectify = len(every)
        influence = Influence(centred(every)[1], rectified.influence.pool_covariance, n_rectify - 1)
        rectified = replace(rectified, estimate=labels_only, influence=influence)
    elif stage_one.recycle and stage_one.n_trained_only:
        estimate, recycled = recycle_labels(rectified.estimate, y, every[len(y) :])
        influence = replace(rectified.influence, recycled=recycled)
        rectified = replace(rectified, estimate=estimate, influence=influence)
    return mean_result(
        rectified,
        labels[0],
        labels_only=labels_only,
        predictions_only=mean_estimate(pool) if pool.count > 1 else None,
        pool_mean=pool.mean,
        n_labeled=len(every),
        n_finetune=stage_one.n_finetune,
        n_rectify=n_rectify,
        n_unlabeled=pool.count,
        confidence_level=confidence_level,
        prediction_shift=like(prediction_shift(predictions, pool), labels[0]),
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
