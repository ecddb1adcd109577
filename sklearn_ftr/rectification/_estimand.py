"""One engine for every estimand: estimate, linearise, rectify the influence values like a mean.

Predict-then-debias, Kluger, Lu, Zrnic, Wang and Bates (2025), arXiv 2501.18577: with theta_R(y) the usual estimate
from the labels, theta_R(f) and theta_U(f) the same from predictions,

    theta = theta_R(y) + lambda (theta_U(f) - theta_R(f)).

Each of the three is its limit plus a mean of influence values H^-1 psi, so that covariance, lambda and degrees of freedom
are those of a rectified mean of influence values (`_mean.rectify`). For the mean itself this is the rectified mean.
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
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._inference import Estimate
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._mean import rectify
from sklearn_ftr.rectification._moments import Moments, merge, moments
from sklearn_ftr.rectification._recycling import recycle_labels
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._stage_one import PREDICTED_ELSEWHERE, StageOne

# Predictions whose influence is smaller than this part of the labels' are constant but for rounding; of models of folds, from
# which large parts have been taken away, than the second.
_SMALLEST_INFLUENCE, _SMALLEST_ALIGNED_INFLUENCE = 1e-12, 1e-8
# Rows of the design that are worked on at once: their scores fit the processor's cache.
BLOCK_ROWS = 16_384
Vector = NDArray[np.floating[Any]]


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
    def solve(self, X: Design, target: Vector, start: Array | None) -> tuple[Array, Array]:
        """The usual estimate (k,) from complete rows, and H^-1 (k, k), H minus the mean derivative of psi there.

        `start` is an estimate from other rows, to start from.
        """

    @abstractmethod
    def scores(self, X: Array, target: Array, theta: Array) -> Array:
        """The values of psi (n, k) for some rows."""

    def rounding(self, X: Array, target: Array, theta: Array) -> Array:
        """How far rounding may put each component of psi (k,) from zero, where that is known."""
        return np.zeros(len(theta))


@dataclass(frozen=True)
class _Linearized:
    """An estimate (k,) and its influence values' moments; those themselves (n, k) for labeled rows."""

    theta: Array
    bread: Array
    scores: Moments

    def influence(self) -> Moments:
        """Moments of influence values, with the estimate for their mean."""
        products = self.bread @ self.scores.cross_products @ self.bread.T
        return Moments(self.scores.count, self.theta, products)


def rectify_estimand(
    estimand: Estimand,
    labeled: tuple[Design, Array, Array],
    unlabeled: tuple[Design, Vector],
    lambda_: ArrayLike | str | None,
    confidence_level: float,
    stage_one: StageOne = PREDICTED_ELSEWHERE,
) -> RectifiedResult:
    """The rectified estimate from labeled (X, y, f) and unlabeled (X, f)."""
    X, y, f = labeled
    all_labels = (X if stage_one.X is None else X.followed_by(stage_one.X)), stage_one.with_labels_of(y)
    every = _linearize(estimand, *all_labels, None)
    if not len(unlabeled[1]):
        rows = _influence_rows(estimand, *all_labels, every)
        return _labels_alone(estimand, labeled, every, rows, confidence_level, stage_one)
    trained = stage_one.n_trained_only
    of_y = _linearize(estimand, X, y, every.theta) if trained else every
    of_f = _linearize(estimand, X, f, of_y.theta)
    of_pool = _linearize(estimand, *unlabeled, of_f.theta)
    rows_f, smallest = _influence_rows(estimand, X, f, of_f), _SMALLEST_INFLUENCE
    if stage_one.pools:
        rows_f = _aligned_rows(estimand, X, f, of_f, unlabeled[0], of_pool, stage_one)
        smallest = _SMALLEST_ALIGNED_INFLUENCE
    rows_y = _influence_rows(estimand, X, y, of_y)
    _drop_rounding(rows_f, f, estimand, X, of_f, smallest * rows_y.std(axis=0))
    _drop_rounding(rows_y, y, estimand, X, of_y, np.zeros(rows_y.shape[1]))
    p, pool = estimand.n_parameters, of_pool.influence()
    rectified = rectify(rows_y, rows_f, pool, lambda_, stage_one.degrees_of_freedom(len(y), p), p)
    estimate, influence = rectified.estimate, rectified.influence
    if stage_one.recycle and trained:
        rows = _influence_rows(estimand, *all_labels, every)
        estimate, recycled = recycle_labels(estimate, rows[: len(y)], rows[len(y) :], p)
        influence = replace(influence, recycled=recycled)
    return RectifiedResult(
        **vars(estimate),
        lambda_=rectified.lambda_,
        rectifier=estimate.estimate - rectified.lambda_ * pool.mean,
        residual_variance=rectified.residual_variance,
        recycled_weight=influence.recycled_weight,
        n_labeled=len(y) + trained,
        n_finetune=stage_one.n_finetune,
        n_rectify=len(y),
        n_unlabeled=pool.count,
        labels_only=_estimate(every.influence(), p),
        predictions_only=_estimate(pool, p) if pool.count > p else None,
        confidence_level=confidence_level,
        estimand=estimand.title,
        names=estimand.names,
        influence=influence,
    )


def _labels_alone(
    estimand: Estimand,
    labeled: tuple[Design, Array, Array],
    every: _Linearized,
    rows: Array,
    confidence_level: float,
    stage_one: StageOne,
) -> RectifiedResult:
    """With an empty pool, the usual estimate from all labels' `rows`; predictions only tell their residual variance."""
    X, y, f = labeled
    labels_only = _estimate(every.influence(), estimand.n_parameters)
    nothing = np.zeros_like(every.theta)
    of_y, of_f = (estimand.scores(X[:], target, every.theta) for target in (y, f))
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


def _aligned_rows(
    estimand: Estimand,
    X: Design,
    f: Array,
    of_f: _Linearized,
    pool: Design,
    of_pool: _Linearized,
    stage_one: StageOne,
) -> Array:
    """As `_influence_rows`, but each model's rows at the estimate that this model alone gives.

    What a model thinks of the coefficients over the whole pool has nothing to say about the rows that rectify it. It does depend on
    the labels of the other folds, and so would correlate with the errors of its own.
    """
    offsets = np.array(
        [
            of_pool.bread @ _score_moments(estimand, rows, target, of_pool.theta).mean
            for rows, target in stage_one.pools_of_models(pool)
        ]
    )
    sizes = np.asarray(stage_one.fold_sizes)
    offsets -= sizes @ offsets / sizes.sum()
    ends = np.cumsum(sizes)
    scores = [
        estimand.scores(X[end - size : end], f[end - size : end], of_f.theta + offset)
        for size, end, offset in zip(sizes, ends, offsets, strict=True)
    ]
    return of_f.theta + np.concatenate(scores) @ of_f.bread.T


def _score_moments(estimand: Estimand, X: Design, target: Vector, theta: Array) -> Moments:
    return reduce(merge, (moments(estimand.scores(*rows, theta)) for rows in blocks(X, target)))


def _linearize(estimand: Estimand, X: Design, target: Vector, start: Array | None) -> _Linearized:
    theta, bread = estimand.solve(X, target, start)
    return _Linearized(theta, bread, _score_moments(estimand, X, target, theta))


def _influence_rows(estimand: Estimand, X: Design, target: Vector, one: _Linearized) -> Array:
    """The estimate plus the influence of each row; their mean is theta."""
    influence = estimand.scores(X[:], target.astype(np.float64), one.theta) @ one.bread.T
    return one.theta + influence - influence.mean(axis=0)


def _drop_rounding(
    influence: Array, target: Array, estimand: Estimand, X: Design, one: _Linearized, least: Array
) -> None:
    """Influence values (in place) that are nothing but rounding become zero: a tuned lambda would blow them up.

    So are those of predictions that a linear model of the same X has made, in a linear regression.
    """
    noise = np.abs(one.bread) @ estimand.rounding(X[:], target, one.theta)
    flat = influence.std(axis=0) <= np.maximum(noise, least)
    influence[:, flat] = one.theta[flat]


def blocks(X: Design, target: Vector) -> Iterator[tuple[Array, Array]]:
    """Consecutive rows as float64, a block at a time."""
    for start in range(0, len(target), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        yield X[rows], target[rows].astype(np.float64, copy=False)
