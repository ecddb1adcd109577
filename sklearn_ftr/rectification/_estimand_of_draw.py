"""Any estimand under a sampling design: weighted estimates, and influence values summed as the draw says (`_draw`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._draw import Draw, PoolSide
from sklearn_ftr.rectification._estimand import (
    NOISE_OF_POOL,
    SMALLEST_INFLUENCE,
    Estimand,
    Linearized,
    Vector,
    blocks,
    check_squares,
    drop_rounding,
    estimand_result,
    influence_rows,
    linearize,
    noise_of,
    pieces,
)
from sklearn_ftr.rectification._inference import Estimate
from sklearn_ftr.rectification._rectify import rectify, shift_of
from sklearn_ftr.rectification._result import RectifiedResult


def rectify_draw(
    estimand: Estimand,
    labeled: tuple[Design, Array, Array],
    unlabeled: tuple[Design, Vector],
    lambda_: ArrayLike | str | None,
    confidence_level: float,
    draw: Draw,
) -> RectifiedResult:
    """As `rectify_estimand`, for rows of which `draw` tells how they were drawn."""
    X, y, f = labeled[0].weighted(draw.weights), *labeled[1:]
    of_y = linearize(estimand, X, y, None, f"all {len(y)} labels")
    rows_y, noise_y = influence_rows(estimand, X, y, of_y), noise_of(estimand, X, y, of_y)
    of_f, side = of_y, draw.pool_side(iter(()), len(of_y.theta))
    if len(unlabeled[1]):
        of_f = linearize(estimand, X, f, of_y, "the predictions of labeled rows")
        side = _pool_side(estimand, _on_the_pools_side(X, f, unlabeled, draw), of_f, draw)
    rows_f, noise_f = influence_rows(estimand, X, f, of_f), noise_of(estimand, X, f, of_f)
    drop_rounding(rows_f, of_f, np.maximum(noise_f, SMALLEST_INFLUENCE * rows_y.std(axis=0)))
    drop_rounding(rows_y, of_y, noise_y)
    side = _without_rounding(side, NOISE_OF_POOL * noise_f)
    check_squares(rows_y, rows_f, side.totals)
    p = estimand.n_parameters
    sample = draw.deviations(rows_y, rows_f, side, (noise_y, noise_f))
    _check_pieces(sample.spare, p, draw)
    return estimand_result(
        estimand,
        rectify(sample, lambda_, n_parameters=p),
        side.mean,
        n_labeled=len(y),
        n_finetune=0,
        n_rectify=len(y),
        n_unlabeled=len(unlabeled[1]),
        labels_only=sample.labels_only(p),
        predictions_only=_predictions_only(draw, side),
        confidence_level=confidence_level,
        prediction_shift=_shift(f, unlabeled[1], draw),
        design_effect=draw.design_effect(rows_y, sample),
        is_complete=draw.is_complete,
    )


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
    estimand: Estimand, pool: tuple[Design, Vector], of_f: Linearized, draw: Draw
) -> PoolSide:
    """The estimate from predictions of the pool's side, and how far each piece moves it."""
    of_pool = linearize(estimand, *pool, of_f, "the predictions of the pool")
    influence = (estimand.scores(*rows, of_pool.solution) @ of_pool.bread.T for rows in blocks(*pool))
    return replace(draw.pool_side(influence, len(of_pool.theta)), mean=of_pool.theta)


def _without_rounding(side: PoolSide, noise: Array) -> PoolSide:
    """The same, but columns in which nothing but rounding moves the estimate do not move it at all."""
    size = np.sqrt(np.sum(side.totals**2, axis=0) * max(int(side.seen.sum()), 1))
    return replace(side, totals=np.where(size <= noise, 0.0, side.totals))


def _predictions_only(draw: Draw, side: PoolSide) -> Estimate | None:
    return draw.pool_estimate(side) if side.seen.sum() > len(side.mean) else None


def _shift(f: Array, pool: Vector, draw: Draw) -> float:
    """Of mean predictions, between labeled rows and the pool's side."""

    def values() -> Iterator[Array]:
        if draw.own_weights is not None and len(pool):
            yield f[:, None]
        yield from (piece[:, None] for piece in pieces(pool))

    side = draw.pool_side(values(), 1, f[:1])
    return float(shift_of(draw.deviations(f[:, None], f[:, None], side))[0])
