"""The rectified mean under a sampling design, of arrays and of what the estimators' two stages have made of a sample."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr.rectification._checks import Array, check_pool
from sklearn_ftr.rectification._deviations import Deviations
from sklearn_ftr.rectification._draw import Draw
from sklearn_ftr.rectification._inference import Estimate, like
from sklearn_ftr.rectification._moments import columns
from sklearn_ftr.rectification._rectify import Rectification, rectify, shift_of
from sklearn_ftr.rectification._recycling import recycle_pieces
from sklearn_ftr.rectification._result import RectifiedResult, mean_result


@dataclass(frozen=True, eq=False)
class Trained:
    """Labels that have trained models, and so rectify in another fold or not at all.

    Parameters
    ----------
    n_finetune : int, default=0
        Labels that trained each model.
    n_folds : int, default=0
        Number of models under cross-fitting.
    n_trained_only : int, default=0
        Number s of labels that cannot rectify.
    every : Deviations, default=None
        Of all labels; None if those that rectify are all of them.
    own_mean : ndarray of shape (k,), default=None
        Mean of the labels that have trained, if it enters the estimate.
    n_own : int, default=0
        How many pieces these are.
    share : float, default=0.0
        Share of a finite population that they are.
    """

    n_finetune: int = 0
    n_folds: int = 0
    n_trained_only: int = 0
    every: Deviations | None = None
    own_mean: Array | None = None
    n_own: int = 0
    share: float = 0.0


def mean_of_draw(
    draw: Draw,
    labels: NDArray[np.floating],
    f: Array,
    pool: NDArray[np.floating],
    lambda_: ArrayLike | None,
    confidence_level: float,
    names: tuple[str, ...],
    trained: Trained | None = None,
) -> RectifiedResult:
    """From labels (r,) or (r, k) that rectify, their predictions (r, k) and those of the pool (m,) or (m, k)."""
    y, one, trained = columns(labels), labels[0], trained or Trained()
    with np.errstate(invalid="ignore", over="ignore"):
        side = draw.pool_side_of(f, pool)
        check_pool(np.einsum("ij,ij->j", side.totals, side.totals), pool)
    sample = draw.deviations(y, f, side)
    rectified = rectify(sample, lambda_, sample.cross_fitting_degrees(trained.n_folds))
    if trained.own_mean is not None:
        with_them = _with_known_rows if trained.share else _with_recycled
        rectified = with_them(rectified, sample, trained)
    labels_only = (trained.every or sample).labels_only()
    return mean_result(
        rectified,
        one,
        labels_only=labels_only,
        predictions_only=draw.pool_estimate(side),
        pool_mean=side.mean,
        n_labeled=len(y) + trained.n_trained_only,
        n_finetune=trained.n_finetune,
        n_rectify=len(y),
        n_unlabeled=len(pool),
        confidence_level=confidence_level,
        prediction_shift=like(shift_of(sample), one),
        design_effect=like(draw.design_effect(y, sample), one),
        is_complete=draw.is_complete,
        names=names,
    )


def _with_known_rows(rectified: Rectification, sample: Deviations, trained: Trained) -> Rectification:
    """The mean of a finite population, of which labels that have trained are a part that is known."""
    assert trained.own_mean is not None
    rest, estimate = 1 - trained.share, rectified.estimate
    theta = rest * estimate.estimate + trained.share * trained.own_mean
    influence = rectified.influence
    return replace(
        rectified,
        estimate=Estimate(theta, rest**2 * estimate.covariance, estimate.degrees_of_freedom),
        influence=replace(
            influence, rows=rest * influence.rows, pool_covariance=rest**2 * influence.pool_covariance
        ),
    )


def _with_recycled(rectified: Rectification, sample: Deviations, trained: Trained) -> Rectification:
    """With the answer of labels that have trained."""
    assert trained.every is not None
    assert trained.own_mean is not None
    estimate, recycled = recycle_pieces(
        rectified.estimate, trained.every, sample, trained.own_mean, trained.n_own
    )
    influence = replace(rectified.influence, recycled=recycled)
    return replace(rectified, estimate=estimate, influence=influence)
