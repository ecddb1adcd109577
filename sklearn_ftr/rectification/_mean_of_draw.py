"""The rectified mean under a sampling design, of arrays and of what the estimators' two stages have made of a sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr.rectification._checks import Array, check_pool
from sklearn_ftr.rectification._cross_fitting import cross_fitting_degrees_of_freedom
from sklearn_ftr.rectification._draw import Draw
from sklearn_ftr.rectification._inference import Estimate, like
from sklearn_ftr.rectification._moments import columns
from sklearn_ftr.rectification._rectify import Rectification, rectify, shift_of
from sklearn_ftr.rectification._recycling import recycle_labels
from sklearn_ftr.rectification._result import RectifiedResult, mean_result

# Rows of the pool that are read at once.
_BLOCK_ROWS = 65_536


@dataclass(frozen=True, eq=False)
class Trained:
    """Labels that have trained models, and so rectify in another fold or not at all.

    Parameters
    ----------
    n_finetune : int
        Labels that trained each model.
    n_folds : int, default=0
        Number of models under cross-fitting.
    y : ndarray of shape (s, k), default=None
        Labels that have trained only.
    draw : Draw, default=None
        How these were drawn.
    share : float, default=0.0
        Share of a finite population that they are.
    everything : Draw, default=None
        How all labels were drawn, those that rectify first.
    labels_only : Estimate, default=None
        The mean of all labels.
    """

    n_finetune: int = 0
    n_folds: int = 0
    y: Array | None = None
    draw: Draw | None = None
    share: float = 0.0
    everything: Draw | None = None
    labels_only: Estimate | None = None

    @property
    def n_trained_only(self) -> int:
        """Number s of labels that cannot rectify."""
        return 0 if self.y is None else len(self.y)


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
        side = draw.pool_side(_pool_blocks(draw, f, pool), f.shape[1], f[0])
        check_pool(np.einsum("ij,ij->j", side.totals, side.totals), pool)
    sample = draw.deviations(y, f, side)
    degrees = None
    if trained.n_folds:
        n_strata = len(sample.y) - sample.spare
        degrees = cross_fitting_degrees_of_freedom(len(sample.y), trained.n_folds, n_strata)
    rectified = rectify(sample, lambda_, degrees)
    if trained.share:
        rectified = _with_known_rows(rectified, trained)
    elif trained.draw is not None:
        rectified = _with_recycled(rectified, sample.y_mean + sample.y, trained)
    labels_only = trained.labels_only or sample.labels_only()
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


def _with_known_rows(rectified: Rectification, trained: Trained) -> Rectification:
    """The mean of a finite population, of which labels that have trained are a part that is known."""
    assert trained.y is not None
    assert trained.draw is not None
    rest, estimate = 1 - trained.share, rectified.estimate
    theta = rest * estimate.estimate + trained.share * trained.draw.mean(trained.y)
    influence = rectified.influence
    return replace(
        rectified,
        estimate=Estimate(theta, rest**2 * estimate.covariance, estimate.degrees_of_freedom),
        influence=replace(
            influence, rows=rest * influence.rows, pool_covariance=rest**2 * influence.pool_covariance
        ),
    )


def _with_recycled(rectified: Rectification, of_rectify: Array, trained: Trained) -> Rectification:
    """With the answer of labels that have trained: both are means of their clusters' `of_rectify` (G, k), as recycling wants them."""
    assert trained.y is not None
    assert trained.draw is not None
    nothing = trained.draw.pool_side(iter(()), trained.y.shape[1])
    own = trained.draw.deviations(trained.y, trained.y, nothing)
    n_strata = len(own.y) - own.spare
    estimate, recycled = recycle_labels(rectified.estimate, of_rectify, own.y_mean + own.y, n_strata)
    return replace(
        rectified, estimate=estimate, influence=replace(rectified.influence, recycled=recycled)
    )


def _pool_blocks(draw: Draw, f: Array, pool: NDArray[np.floating]) -> Iterator[Array]:
    """Predictions of the rows on the pool's side."""
    if draw.own_weights is not None and len(pool):
        yield f
    for start in range(0, len(pool), _BLOCK_ROWS):
        yield columns(pool[start : start + _BLOCK_ROWS])
