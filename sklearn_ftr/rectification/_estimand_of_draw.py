"""Any estimand under a sampling design: weighted estimates, and influence values summed as the draw says (`_draw`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._deviations import Deviations
from sklearn_ftr.rectification._draw import Draw, PoolSide
from sklearn_ftr.rectification._estimand import (
    BLOCK_ROWS,
    NOISE_OF_POOL,
    SMALLEST_INFLUENCE,
    Estimand,
    Linearized,
    RectifiedEstimand,
    Vector,
    blocks,
    check_squares,
    drop_rounding,
    estimand_result,
    influence_rows,
    linearize,
    noise_of,
    times,
    weighted_blocks,
)
from sklearn_ftr.rectification._inference import Estimate
from sklearn_ftr.rectification._rectify import Rectification, rectify, shift_of
from sklearn_ftr.rectification._recycling import recycle_pieces
from sklearn_ftr.rectification._result import RectifiedResult


@dataclass(frozen=True, eq=False)
class DrawnStages:
    """What two stages add to a draw of the rows that rectify.

    Parameters
    ----------
    n_finetune : int, default=0
        Labels that trained each model.
    fold_sizes : sequence of int, default=()
        Under cross-fitting, how many of the labeled rows, which come fold by fold, each model has predicted.
    pools : sequence of ndarray of shape (m,), default=()
        Under cross-fitting, each model's predictions of the unlabeled rows.
    X : Design of s rows, default=None
        Covariates of labels that have trained only.
    y : ndarray of shape (s,), default=None
        These labels.
    everything : Draw, default=None
        Of all labels, those that rectify first.
    recycle : bool, default=False
        Whether the answer of labels that have trained enters the estimate.
    pool_folds : ndarray of int of shape (m,), default=None
        Under cross-fitting, the model that has not seen the cluster of an unlabeled row; -1 if none has.
    """

    n_finetune: int = 0
    fold_sizes: Sequence[int] = ()
    pools: Sequence[Array] = ()
    X: Design | None = None
    y: Array | None = None
    everything: Draw | None = None
    recycle: bool = False
    pool_folds: NDArray[np.intp] | None = None


def rectify_draw(
    estimand: Estimand,
    labeled: tuple[Design, Array, Array],
    unlabeled: tuple[Design, Vector],
    lambda_: ArrayLike | str | None,
    confidence_level: float,
    draw: Draw,
) -> RectifiedResult:
    """As `rectify_estimand`, for rows of which `draw` tells how they were drawn."""
    return estimand_of_draw(
        estimand, labeled, unlabeled, lambda_, confidence_level, draw, DrawnStages()
    ).result


def estimand_of_draw(
    estimand: Estimand,
    labeled: tuple[Design, Array, Array],
    unlabeled: tuple[Design, Vector],
    lambda_: ArrayLike | str | None,
    confidence_level: float,
    draw: Draw,
    stages: DrawnStages,
) -> RectifiedEstimand:
    """As `estimand_of_two_stages`, for rows of which `draw` tells how they were drawn."""
    X, y, f = labeled[0].weighted(draw.weights), *labeled[1:]
    of_y = linearize(estimand, X, y, None, f"the {len(y)} labels that rectify")
    rows_y, noise_y = influence_rows(estimand, X, y, of_y), noise_of(estimand, X, y, of_y)
    of_f, side = of_y, draw.pool_side(iter(()), len(of_y.theta))
    moves = np.zeros((len(stages.fold_sizes), len(of_y.theta)))
    if len(unlabeled[1]):
        of_f = linearize(estimand, X, f, of_y, "the predictions of labeled rows")
        pool = _on_the_pools_side(X, f, unlabeled, draw)
        of_pool = linearize(estimand, *pool, of_f, "the predictions of the pool")
        moves = _moves_of_models(
            estimand, unlabeled[0].weighted(draw.pool_weights), of_pool, draw, stages
        )
        side = _pool_side(estimand, pool, of_pool, draw, stages, moves)
    rows_f, noise_f = _aligned(estimand, X, f, of_f, stages, moves), noise_of(estimand, X, f, of_f)
    drop_rounding(rows_f, of_f, np.maximum(noise_f, SMALLEST_INFLUENCE * rows_y.std(axis=0)))
    drop_rounding(rows_y, of_y, noise_y)
    side = _without_rounding(side, NOISE_OF_POOL * noise_f)
    check_squares(rows_y, rows_f, side.totals)
    p = estimand.n_parameters
    sample = draw.deviations(rows_y, rows_f, side, (noise_y, noise_f))
    _check_pieces(sample.spare, p, draw)
    degrees = sample.cross_fitting_degrees(len(stages.fold_sizes), p)
    rectified = rectify(sample, lambda_, degrees, p)
    labels_only, rectified = _with_labels_that_trained(
        estimand, (X, y), rectified, sample, draw, stages
    )
    result = estimand_result(
        estimand,
        rectified,
        side.mean,
        n_labeled=len(y) + (0 if stages.y is None else len(stages.y)),
        n_finetune=stages.n_finetune,
        n_rectify=len(y),
        n_unlabeled=len(unlabeled[1]),
        labels_only=labels_only,
        predictions_only=_predictions_only(draw, side),
        confidence_level=confidence_level,
        prediction_shift=_shift(f, unlabeled[1], draw),
        design_effect=draw.design_effect(rows_y, sample),
        is_complete=draw.is_complete,
    )
    return RectifiedEstimand(result, of_y, of_f)


def _with_labels_that_trained(
    estimand: Estimand,
    rectifying: tuple[Design, Array],
    rectified: Rectification,
    sample: Deviations,
    draw: Draw,
    stages: DrawnStages,
) -> tuple[Estimate, Rectification]:
    """The answer of all labels by themselves, and the rectified one with that of labels that have trained, if they are recycled."""
    p = estimand.n_parameters
    if stages.everything is None or stages.X is None or stages.y is None:
        return sample.labels_only(p), rectified
    (X, y), every = rectifying, stages.everything
    rows_of_all = X.followed_by(stages.X).weighted(every.weights), np.concatenate([y, stages.y])
    at = linearize(estimand, *rows_of_all, None, f"all {len(rows_of_all[1])} labels")
    rows = influence_rows(estimand, *rows_of_all, at)
    of_all = every.deviations_of_labels(rows)
    labels_only, trained = of_all.labels_only(p), np.arange(len(rows)) >= len(y)
    n_own = len(np.unique(every.pieces[trained & (every.weights > 0)]))
    if not (stages.recycle and n_own):
        return labels_only, rectified
    of_rectify = draw.deviations_of_labels(rows[: len(y)])
    own_mean = np.average(rows[trained], axis=0, weights=every.weights[trained])
    estimate, recycled = recycle_pieces(rectified.estimate, of_all, of_rectify, own_mean, n_own, p)
    influence = replace(rectified.influence, recycled=recycled)
    return labels_only, replace(rectified, estimate=estimate, influence=influence)


def _moves_of_models(
    estimand: Estimand, rows: Design, of_pool: Linearized, draw: Draw, stages: DrawnStages
) -> Array:
    """How far (K, k) each model's estimate over the pool is from that of all models together; see `_estimand`."""
    k = len(of_pool.theta)
    if not stages.pools:
        return np.zeros((0, k))
    steps = []
    for f in stages.pools:
        total = np.zeros(k)
        for X, values, weights in weighted_blocks(rows, f):
            total += times(weights, estimand.scores(X, values, of_pool.solution)).sum(axis=0)
        steps.append(of_pool.inverse @ total / len(f))
    return np.array(steps) - shares_of_folds(draw, stages.fold_sizes) @ np.array(steps)


def shares_of_folds(draw: Draw, fold_sizes: Sequence[int]) -> Array:
    """Weight (K,) of each model in the pool's prediction: that of its fold's labels."""
    ends = np.cumsum(fold_sizes)[:-1]
    return np.array([part.sum() for part in np.split(draw.weights, ends)])


def _aligned(
    estimand: Estimand, X: Design, f: Array, at: Linearized, stages: DrawnStages, moves: Array
) -> Array:
    """Influence values (r, k) of predictions of labeled rows, each model's at its own estimate."""
    if not stages.fold_sizes:
        return influence_rows(estimand, X, f, at)
    rows = _scores_by_fold(estimand, X, f, at.solution, stages, moves) @ at.bread.T
    return at.theta + rows


def _scores_by_fold(
    estimand: Estimand, X: Design, f: Array, solution: Array, stages: DrawnStages, moves: Array
) -> Array:
    scores = [
        estimand.scores(X[end - size : end], f[end - size : end], solution + move)
        for size, end, move in zip(stages.fold_sizes, np.cumsum(stages.fold_sizes), moves, strict=True)
    ]
    return np.concatenate(scores)


def _check_pieces(spare: int, n_parameters: int, draw: Draw) -> None:
    """More clusters, less strata, than parameters."""
    if spare < n_parameters:
        strata = f" in {len(draw.names)} strata" if len(draw.names) > 1 else ""
        raise ValueError(
            f"The labels are in {len(np.unique(draw.pieces[draw.weights > 0]))} clusters{strata} for {n_parameters} parameters; expected at least "
            f"{n_parameters + len(draw.names)}. Label rows of more clusters or leave out columns."
        )


def _on_the_pools_side(
    X: Design, f: Array, unlabeled: tuple[Design, Vector], draw: Draw
) -> tuple[Design, Vector]:
    """Unlabeled rows or, where labels were drawn with probabilities, a copy of all rows."""
    rows, values = unlabeled
    if draw.own_weights is not None:
        rows, values = X.followed_by(rows), np.concatenate([f, values[:].astype(np.float64)])
    return rows.weighted(draw.pool_rows[1]), values


def _pool_side(
    estimand: Estimand,
    pool: tuple[Design, Vector],
    of_pool: Linearized,
    draw: Draw,
    stages: DrawnStages,
    moves: Array,
) -> PoolSide:
    """The estimate from predictions of the pool's side, and how far each piece moves it."""
    X, f = pool
    r = len(draw.pieces) if draw.own_weights is not None and stages.fold_sizes else 0

    def scores() -> Iterator[Array]:
        if r:  # labeled rows, whose predictions are those of single models
            yield _scores_by_fold(
                estimand, X.between(0, r), np.asarray(f[:r]), of_pool.solution, stages, moves
            )
        rest = X.between(r, len(f)), f[r:]
        for start, rows in enumerate(blocks(*rest)):
            block = estimand.scores(*rows, of_pool.solution)
            yield _of_own_models(estimand, rows[0], block, start * BLOCK_ROWS, of_pool, stages, moves)

    influence = (block @ of_pool.bread.T for block in scores())
    side = draw.pool_side(influence, len(of_pool.theta))
    # Influence values of labeled rows that have been moved need not have the mean 0.
    return replace(side, mean=of_pool.theta + side.mean)


def _of_own_models(
    estimand: Estimand,
    X: Array,
    scores: Array,
    start: int,
    of_pool: Linearized,
    stages: DrawnStages,
    moves: Array,
) -> Array:
    """Scores of unlabeled rows, those in clusters with labels by the model that has not seen these labels."""
    if stages.pool_folds is None:
        return scores
    folds = stages.pool_folds[start : start + len(scores)]
    for fold in np.unique(folds[folds >= 0]):
        rows = np.flatnonzero(folds == fold)
        f = stages.pools[fold][start + rows]
        scores[rows] = estimand.scores(X[rows], f, of_pool.solution + moves[fold])
    return scores


def _without_rounding(side: PoolSide, noise: Array) -> PoolSide:
    """The same, but columns in which nothing but rounding moves the estimate do not move it at all."""
    size = np.sqrt(np.sum(side.totals**2, axis=0) * max(int(side.seen.sum()), 1))
    return replace(side, totals=np.where(size <= noise, 0.0, side.totals))


def _predictions_only(draw: Draw, side: PoolSide) -> Estimate | None:
    return draw.pool_estimate(side) if side.seen.sum() > len(side.mean) else None


def _shift(f: Array, pool: Vector, draw: Draw) -> float:
    """Of mean predictions, between labeled rows and the pool's side."""
    side = draw.pool_side_of(f[:, None], pool)
    return float(shift_of(draw.deviations(f[:, None], f[:, None], side))[0])
