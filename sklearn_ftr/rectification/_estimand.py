"""One engine for every estimand: estimate, linearise, rectify the influence values like a mean.

Predict-then-debias, Kluger, Lu, Zrnic, Wang and Bates (2025), arXiv 2501.18577: with theta_R(y) the usual estimate
from the labels, theta_R(f) and theta_U(f) the same from predictions,

    theta = theta_R(y) + lambda (theta_U(f) - theta_R(f)).

Each of the three is its limit plus a mean of influence values H^-1 psi, so that covariance, lambda and degrees of freedom
are those of a rectified mean of influence values (`_rectify.rectify`). For the mean itself this is the rectified mean.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._coordinates import NoEstimateError
from sklearn_ftr.rectification._cross_fitting import within_parts
from sklearn_ftr.rectification._design import Clipped, Design
from sklearn_ftr.rectification._deviations import deviations_of_rows
from sklearn_ftr.rectification._inference import Estimate
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._moments import Moments, merge, moments
from sklearn_ftr.rectification._rectify import Rectification, prediction_shift, rectify
from sklearn_ftr.rectification._recycling import recycle_labels
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._stage_one import PREDICTED_ELSEWHERE, StageOne

# Predictions whose influence is smaller than this part of the labels' are constant but for rounding; of models of folds, from
# which large parts have been taken away, than the second.
SMALLEST_INFLUENCE, _SMALLEST_ALIGNED_INFLUENCE = 1e-12, 1e-8
# The pool's covariates may be so much larger than those of labeled rows, on which rounding is measured.
NOISE_OF_POOL = 8
# Rows of the design that are worked on at once: their scores fit the processor's cache.
BLOCK_ROWS = 8_192
Vector = NDArray[np.floating[Any]] | Clipped


class Estimand(ABC):
    """What is estimated: theta with mean psi(target, x; theta) = 0.

    Attributes
    ----------
    title : str
        What the result's table calls it.
    names : tuple of str
        One for each of the k numbers.
    n_parameters : int
        How many numbers are fitted together: so many degrees of freedom do residuals lose.
    """

    title: str
    names: tuple[str, ...]
    n_parameters: int

    @abstractmethod
    def solve(self, X: Design, target: Vector, start: Linearized | None) -> tuple[Array, Array]:
        """The usual estimate (k,) from complete rows, and H^-1 (k, k), H minus the mean derivative of psi there.

        `start` is what was found for other rows, to start from.
        """

    @abstractmethod
    def scores(self, X: Array, target: Array, theta: Array) -> Array:
        """The values of psi (n, k) for some rows."""

    def reported(self, values: Array) -> Array:
        """What `solve` finds, or its influence values (..., k), in the units of the result; it may work in others."""
        return values

    def rounding(self, X: Array, target: Array, theta: Array) -> Array:
        """How far rounding may put each component of psi (k,) from zero, where that is known."""
        return np.zeros(len(theta))


@dataclass(frozen=True, eq=False)
class Linearized:
    """The estimate from some complete rows, and what turns their scores into influence values.

    Parameters
    ----------
    solution : ndarray of shape (k,)
        As `solve` gives it, and `scores` takes it.
    inverse : ndarray of shape (k, k)
        H^-1, likewise.
    theta : ndarray of shape (k,)
        As the result reports it.
    bread : ndarray of shape (k, k)
        `inverse` for influence values of `theta`.
    """

    solution: Array
    inverse: Array
    theta: Array
    bread: Array

    def influence(self, scores: Moments) -> Moments:
        """Moments of influence values, with the estimate for their mean, from those of scores."""
        return Moments(scores.count, self.theta, self.bread @ scores.cross_products @ self.bread.T)


@dataclass(frozen=True, eq=False)
class RectifiedEstimand:
    """The result, and the estimates from labels and from predictions of labeled rows (from labels again without a pool)."""

    result: RectifiedResult
    of_labels: Linearized
    of_predictions: Linearized


def rectify_estimand(
    estimand: Estimand,
    labeled: tuple[Design, Array, Array],
    unlabeled: tuple[Design, Vector],
    lambda_: ArrayLike | str | None,
    confidence_level: float,
    stage_one: StageOne = PREDICTED_ELSEWHERE,
) -> RectifiedResult:
    """The rectified estimate from labeled (X, y, f) and unlabeled (X, f)."""
    return estimand_of_two_stages(
        estimand, labeled, unlabeled, lambda_, confidence_level, stage_one
    ).result


def estimand_of_two_stages(
    estimand: Estimand,
    labeled: tuple[Design, Array, Array],
    unlabeled: tuple[Design, Vector],
    lambda_: ArrayLike | str | None,
    confidence_level: float,
    stage_one: StageOne,
) -> RectifiedEstimand:
    """As `rectify_estimand`, and what `score` needs beside the result."""
    X, y, f = labeled
    all_labels = (X if stage_one.X is None else X.followed_by(stage_one.X)), stage_one.with_labels_of(y)
    every = linearize(estimand, *all_labels, None, f"all {len(all_labels[1])} labels")
    scores = _score_moments(estimand, *all_labels, every.solution)
    labels_only = _estimate(every.influence(scores), estimand.n_parameters)
    if not len(unlabeled[1]):
        rows = influence_rows(estimand, *all_labels, every)
        alone = _labels_alone(estimand, labeled, every, rows, labels_only, confidence_level, stage_one)
        return RectifiedEstimand(alone, every, every)
    of_y = every
    if stage_one.n_trained_only:
        of_y = linearize(estimand, X, y, every, f"the {len(y)} labels that rectify")
    of_f = linearize(estimand, X, f, of_y, "the predictions of labeled rows")
    rows_y = influence_rows(estimand, X, y, of_y)
    rows_f, pool = _influence_of_predictions(estimand, X, f, of_f, unlabeled, stage_one)
    smallest = _SMALLEST_ALIGNED_INFLUENCE if stage_one.pools else SMALLEST_INFLUENCE
    noise = noise_of(estimand, X, y, of_y), noise_of(estimand, X, f, of_f)
    drop_rounding(rows_f, of_f, np.maximum(noise[1], smallest * rows_y.std(axis=0)))
    drop_rounding(rows_y, of_y, noise[0])
    pool = pool.without(NOISE_OF_POOL * noise[1])
    check_squares(rows_y, rows_f, pool.cross_products)
    p = estimand.n_parameters
    degrees = stage_one.degrees_of_freedom(len(y), p)
    sample = deviations_of_rows(rows_y, rows_f, pool, noise)
    rectified = rectify(sample, lambda_, degrees, p)
    if stage_one.recycle and stage_one.n_trained_only:
        rows = influence_rows(estimand, *all_labels, every)
        drop_rounding(rows, every, noise[0])
        rectified = _with_recycled(rectified, rows, len(y), p)
    of_pool = reduce(merge, map(moments, pieces(unlabeled[1])))
    result = estimand_result(
        estimand,
        rectified,
        pool.mean,
        n_labeled=len(y) + stage_one.n_trained_only,
        n_finetune=stage_one.n_finetune,
        n_rectify=len(y),
        n_unlabeled=pool.count,
        labels_only=labels_only,
        predictions_only=_estimate(pool, p) if pool.count > p else None,
        confidence_level=confidence_level,
        prediction_shift=float(prediction_shift(f[:, None], of_pool)[0]),
    )
    return RectifiedEstimand(result, of_y, of_f)


def check_squares(rows_y: Array, rows_f: Array, of_pool: Array) -> None:
    """Influence values whose squares have a sum."""
    with np.errstate(all="ignore"):
        sums = [np.sum((rows - rows[0]) ** 2) for rows in (rows_y, rows_f)]
    if not (np.isfinite(sums).all() and np.isfinite(of_pool).all()):
        raise ValueError(
            "Influence values have squares that overflow; divide y and f, or the columns of X, by a power of ten."
        )


def _with_recycled(rectified: Rectification, rows: Array, r: int, p: int) -> Rectification:
    """With the answer of labels that have trained, which follow the r that rectify."""
    estimate, recycled = recycle_labels(rectified.estimate, rows[:r], rows[r:], p)
    influence = replace(rectified.influence, recycled=recycled)
    return replace(rectified, estimate=estimate, influence=influence)


def estimand_result(
    estimand: Estimand, rectified: Rectification, pool_mean: Array, **fields: Any
) -> RectifiedResult:
    """The result in the estimand's names; `fields` are what else it says."""
    estimate = rectified.estimate
    return RectifiedResult(
        **vars(estimate),
        lambda_=rectified.lambda_,
        rectifier=estimate.estimate - rectified.lambda_ * pool_mean,
        residual_variance=rectified.residual_variance,
        recycled_weight=rectified.influence.recycled_weight,
        estimand=estimand.title,
        names=estimand.names,
        influence=rectified.influence,
        **fields,
    )


def _labels_alone(
    estimand: Estimand,
    labeled: tuple[Design, Array, Array],
    every: Linearized,
    rows: Array,
    labels_only: Estimate,
    confidence_level: float,
    stage_one: StageOne,
) -> RectifiedResult:
    """With an empty pool, the usual estimate from all labels' `rows`; predictions only tell their residual variance."""
    X, y, f = labeled
    nothing = np.zeros_like(every.theta)
    of_y, of_f = (estimand.scores(X[:], target, every.solution) for target in (y, f))
    degrees = len(rows) - estimand.n_parameters
    return RectifiedResult(
        **vars(labels_only),
        lambda_=nothing,
        rectifier=every.theta,
        residual_variance=moments((of_y - of_f) @ every.bread.T).variance,
        recycled_weight=nothing,
        n_labeled=len(rows),
        n_finetune=stage_one.n_finetune,
        n_rectify=len(rows),
        n_unlabeled=0,
        labels_only=labels_only,
        predictions_only=None,
        confidence_level=confidence_level,
        estimand=estimand.title,
        names=estimand.names,
        influence=Influence(rows - every.theta, np.zeros_like(every.bread), degrees),
    )


def _estimate(influence: Moments, n_parameters: int) -> Estimate:
    """Estimate with the covariance of influence values, small-sample factor n / (n - p) (HC1)."""
    degrees = influence.count - n_parameters
    covariance = influence.cross_products / degrees / influence.count
    return Estimate(influence.mean, covariance, np.full(len(influence.mean), float(degrees)))


def _influence_of_predictions(
    estimand: Estimand,
    X: Design,
    f: Array,
    of_f: Linearized,
    unlabeled: tuple[Design, Vector],
    stage_one: StageOne,
) -> tuple[Array, Moments]:
    """Influence values (r, k) of predictions of labeled rows, and the moments of those of the pool.

    Under cross-fitting each model's are taken at the estimate that this model alone gives. What a model thinks of the coefficients
    over the whole pool has nothing to say about the rows that rectify it. It does depend on the labels of the other folds, and so would
    correlate with the errors of its own.
    """
    of_pool = linearize(estimand, *unlabeled, of_f, "the predictions of the pool")
    if not stage_one.pools:
        scores = _score_moments(estimand, *unlabeled, of_pool.solution)
        return influence_rows(estimand, X, f, of_f), of_pool.influence(scores)
    parts = list(stage_one.pools_of_models(unlabeled[0]))
    steps = [of_pool.inverse @ _score_moments(estimand, *part, of_pool.solution).mean for part in parts]
    offsets = np.array(steps)
    common = stage_one.shares @ offsets
    rows = _aligned_rows(estimand, X, f, of_f, offsets - common, stage_one)
    if len(parts[0][1]) == len(unlabeled[1]):  # each model has predicted the whole pool
        return rows, of_pool.influence(_score_moments(estimand, *unlabeled, of_pool.solution))
    within = [
        _score_moments(estimand, *part, of_pool.solution + offset)
        for part, offset in zip(parts, offsets, strict=True)
    ]
    moved = replace(of_pool, theta=estimand.reported(of_pool.solution + common))
    return rows, moved.influence(within_parts(within, estimand.n_parameters))


def _aligned_rows(
    estimand: Estimand, X: Design, f: Array, of_f: Linearized, offsets: Array, stage_one: StageOne
) -> Array:
    """As `_influence_rows`, but each model's rows at an estimate moved by that model's offset."""
    sizes = stage_one.fold_sizes
    scores = [
        estimand.scores(X[end - size : end], f[end - size : end], of_f.solution + offset)
        for size, end, offset in zip(sizes, np.cumsum(sizes), offsets, strict=True)
    ]
    return of_f.theta + np.concatenate(scores) @ of_f.bread.T


def _score_moments(estimand: Estimand, X: Design, target: Vector, theta: Array) -> Moments:
    return reduce(merge, (moments(estimand.scores(*rows, theta)) for rows in blocks(X, target)))


def linearize(
    estimand: Estimand, X: Design, target: Vector, start: Linearized | None, source: str
) -> Linearized:
    """The usual estimate; an error says which rows have none."""
    try:
        solution, inverse = estimand.solve(X, target, start)
    except NoEstimateError as error:
        raise type(error)(f"{error} (Estimated from {source}.)") from error
    bread = estimand.reported(inverse.T).T
    return Linearized(solution, inverse, estimand.reported(solution), bread)


def influence_rows(estimand: Estimand, X: Design, target: Vector, one: Linearized) -> Array:
    """The estimate plus the influence of each row; their mean is theta."""
    influence = estimand.scores(X[:], target[:].astype(np.float64), one.solution) @ one.bread.T
    return one.theta + influence - times(X.weights, influence).mean(axis=0)


def noise_of(estimand: Estimand, X: Design, target: Array, one: Linearized) -> Array:
    """How far rounding may have moved influence values (k,)."""
    return np.abs(one.bread) @ estimand.rounding(X[:], target, one.solution)


def drop_rounding(influence: Array, one: Linearized, noise: Array) -> None:
    """Influence values (in place) that are nothing but rounding become zero: a tuned lambda would blow them up.

    So are those of predictions that a linear model of the same X has made, in a linear regression.
    """
    flat = influence.std(axis=0) <= noise
    influence[:, flat] = one.theta[flat]


def blocks(X: Design, target: Vector) -> Iterator[tuple[Array, Array]]:
    """Consecutive rows as float64, a block at a time."""
    for start in range(0, len(target), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        yield X[rows], target[rows].astype(np.float64, copy=False)


def pieces(target: Vector) -> Iterator[Array]:
    """Consecutive targets as float64, a block at a time."""
    for start in range(0, len(target), BLOCK_ROWS):
        yield target[start : start + BLOCK_ROWS].astype(np.float64, copy=False)


def weighted_blocks(X: Design, target: Vector) -> Iterator[tuple[Array, Array, Array | None]]:
    """As `blocks`, with the rows' weights, if they have any."""
    for number, (rows, values) in enumerate(blocks(X, target)):
        start = number * BLOCK_ROWS
        yield rows, values, None if X.weights is None else X.weights[start : start + len(values)]


def times(weights: Array | None, values: Array) -> Array:
    """Values (n,) or (n, k) by weights (n,), if there are any."""
    if weights is None:
        return values
    return weights * values if values.ndim == 1 else weights[:, None] * values
