"""From influence values to the result: the one way for every estimand and every sampling design.

Whatever is estimated, each row moves the estimate by its influence value (for a mean, by its distance from it), so that
variance, lambda and degrees of freedom are those of a rectified mean of influence values (`_rectify.rectify`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._deviations import Deviations
from sklearn_ftr.rectification._inference import Estimate, like, shaped
from sklearn_ftr.rectification._moments import Moments
from sklearn_ftr.rectification._power_tuning import shaped_weights, weighed
from sklearn_ftr.rectification._rectify import Rectification, rectify, with_known_rows
from sklearn_ftr.rectification._recycling import recycle_labels
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._sample import Sample
from sklearn_ftr.rectification._sampling import PoolPart
from sklearn_ftr.rectification._share_evidence import shares_of
from sklearn_ftr.rectification._tail_of_pool import with_tail_of_pool


@dataclass(frozen=True, eq=False)
class InfluenceValues:
    """How rows move an estimate of k numbers: the estimate plus each row's influence.

    Parameters
    ----------
    y : ndarray of shape (r, k)
        Of labels that rectify.
    f : ndarray of shape (r, k j)
        Of the predictions of these rows by j judges.
    pool : PoolPart
        Of predictions on the pool's side.
    every : ndarray of shape (n, k)
        Of all labels at their own estimate, those that rectify first.
    shift : float, default=None
        Mean predictions of labeled rows less those of the pool, in standard errors, where these are not f and the pool themselves.
    noise : tuple of ndarray of shape (k,) and (k j,), default=None
        How far rounding may have moved y and f, where that is more than their last places tell.
    n_parameters : int, default=1
        How many numbers are fitted together.
    are_shares : bool, default=False
        Whether the numbers are means of labels that are all 0 or 1.
    reach, reach_of_all : ndarray of shape (r, k), (n, k), default=None
        How far an error of each label, as large as it is expected to be, moves the numbers, for labels that rectify and all labels; None is the same
        for all rows, or not known.
    pool_skewness : ndarray of shape (k,), default=None
        Of the pool's predictions, if the numbers are means of independent rows.
    """

    y: Array
    f: Array
    pool: PoolPart
    every: Array
    shift: float | None = None
    noise: tuple[Array, Array] | None = None
    n_parameters: int = 1
    are_shares: bool = False
    reach: Array | None = None
    reach_of_all: Array | None = None
    pool_skewness: Array | None = None


def rectified_result(
    values: InfluenceValues,
    sample: Sample,
    lambda_: ArrayLike | str | None,
    confidence_level: float,
    template: Any,
    **told: Any,
) -> RectifiedResult:
    """The result in the shape of `template`, a single number or k of them; `told` are names and the like."""
    p = values.n_parameters
    every = here = sample.drawn.deviations(values.y, values.f, values.pool, values.noise, values.reach)
    if sample.trained is not None:
        every = sample.every.deviations_of_labels(values.every, values.reach_of_all)
    _check_pieces(here, p)
    own = _of_labels_that_trained(values, sample)
    if sample.has_pool:
        alone = rectify(here, lambda_, sample.cross_fitting_degrees(here, p), p)
        if values.pool_skewness is not None and isinstance(values.pool, Moments):
            alone = with_tail_of_pool(alone, values.pool_skewness, values.pool.variance)
        rectified = _with_labels_that_trained(alone, here, every, values, sample, own)
        n_rectify, effect = len(sample.y), sample.drawn.design_effect(values.y, here)
    else:  # the answer of all labels; predictions only tell their residual variance
        rectified = alone = _labels_alone(every, here, p)
        n_rectify, effect = sample.n_labeled, sample.every.design_effect(values.every, every)
    shares = labels_shares = None
    if values.are_shares:
        shares, labels_shares = shares_of(sample, here, every, alone, own, template)
    of_pool = sample.drawn.pool_estimate(values.pool, p)
    lambdas = rectified.lambda_.reshape(len(rectified.estimate.estimate), -1)
    return RectifiedResult(
        **vars(shaped(rectified.estimate, template)),
        lambda_=shaped_weights(rectified.lambda_, template),
        rectifier=like(rectified.estimate.estimate - weighed(values.pool.mean, lambdas), template),
        residual_variance=like(_residual_variance(rectified, values, sample), template),
        recycled_weight=like(rectified.influence.recycled_weight, template),
        n_labeled=sample.n_labeled,
        n_finetune=sample.n_finetune,
        n_rectify=n_rectify,
        n_unlabeled=len(sample.pool) if sample.n_unlabeled is None else sample.n_unlabeled,
        labels_only=shaped(every.labels_only(p), template),
        labels_error=every.error_of_labels(p),
        predictions_only=None
        if of_pool is None
        else shaped(_averaged(of_pool, *lambdas.shape, sample.n_indicators), template),
        confidence_level=confidence_level,
        prediction_shift=_shift(values, sample, here, template),
        influence=rectified.influence,
        design_effect=None if effect is None else like(effect, template),
        is_complete=sample.every.is_complete,
        is_tuned=lambda_ is None or isinstance(lambda_, str),
        is_finite=sample.drawn.is_finite,
        rows=None if sample.trained or len(sample.folds) else sample.drawn.rows,
        shares=shares,
        labels_shares=labels_shares,
        **told,
    )


def _check_pieces(sample: Deviations, n_parameters: int) -> None:
    """More clusters, less strata, than parameters."""
    strata = len(sample.y) - sample.spare
    if sample.spare < n_parameters:
        raise ValueError(
            f"The labels are in {len(sample.y)} clusters{f' in {strata} strata' * (strata > 1)} for {n_parameters} parameters; expected at least "
            f"{n_parameters + strata}. Label rows of more clusters or leave out columns."
        )


def _labels_alone(every: Deviations, here: Deviations, n_parameters: int) -> Rectification:
    alone = rectify(every, 0.0, None, n_parameters)
    j = here.f.shape[1] // here.y.shape[1]
    nothing = alone.lambda_ if j == 1 else np.zeros((len(alone.lambda_), j))
    return replace(
        alone,
        estimate=every.labels_only(n_parameters),
        lambda_=nothing,
        residual_variance=here.residual_variance,
    )


def _of_labels_that_trained(values: InfluenceValues, sample: Sample) -> tuple[Array, int] | None:
    """The own answer (k,) of labels that have trained only, and how many pieces they are; None without any that count."""
    trained, r = sample.trained, len(sample.y)
    if trained is None:
        return None
    weights = trained.weights
    if weights is None and trained.every.weights is not None:
        weights = trained.every.weights[r:]
    n_own = trained.every.n_pieces_among(slice(r, None))
    return (np.average(values.every[r:], axis=0, weights=weights), n_own) if n_own else None


def _with_labels_that_trained(
    rectified: Rectification,
    here: Deviations,
    every: Deviations,
    values: InfluenceValues,
    sample: Sample,
    own: tuple[Array, int] | None,
) -> Rectification:
    """With the answer of labels that have trained: recycled, or as the part of a finite population that is known."""
    trained = sample.trained
    if trained is None or own is None:
        return rectified
    if trained.share:
        return with_known_rows(rectified, own[0], trained.share)
    if not trained.recycle:
        return rectified
    of_rows = values.every[: len(sample.y)]
    of_rectify = here if sample.X is None else sample.drawn.deviations_of_labels(of_rows)
    estimate, recycled = recycle_labels(
        rectified.estimate, every, of_rectify, *own, values.n_parameters
    )
    influence = replace(rectified.influence, recycled=recycled)
    return replace(rectified, estimate=estimate, influence=influence)


def _residual_variance(rectified: Rectification, values: InfluenceValues, sample: Sample) -> Array:
    """V(y - f); of several judges, less what they are weighed with."""
    if rectified.lambda_.ndim == 1:
        return rectified.residual_variance
    return sample.drawn.variance_of_rows(values.y - weighed(values.f, rectified.lambda_))


def _shift(values: InfluenceValues, sample: Sample, here: Deviations, template: Any) -> Any:
    """Of the judge with the largest."""
    if values.shift is not None:
        return float(values.shift)
    shift = sample.drawn.shift_among(here, values.pool)
    if np.ndim(template) == 0:
        return max(shift.tolist(), key=abs)
    of_judges = shift.reshape(len(template), -1)
    return np.take_along_axis(of_judges, np.abs(of_judges).argmax(axis=1)[:, None], axis=1)[:, 0]


def _averaged(of_pool: Estimate, k: int, j: int, n_indicators: int) -> Estimate:
    """What the judges say on average; the last of the j are none."""
    if j == 1:
        return of_pool
    of_judges = np.where(np.arange(j) < j - n_indicators, 1 / (j - n_indicators), 0.0)
    mean = np.kron(np.eye(k), of_judges)
    covariance = mean @ of_pool.covariance @ mean.T
    return Estimate(mean @ of_pool.estimate, covariance, of_pool.degrees_of_freedom[::j])
