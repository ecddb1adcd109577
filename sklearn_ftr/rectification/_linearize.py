"""From a sample to influence values of any estimand, for labels, predictions of labeled rows and the pool.

Under cross-fitting each model's are taken at the estimate that this model alone gives. What a model thinks of the parameters over the
whole pool has nothing to say about the rows that rectify it. It does depend on the labels of the other folds, and so would correlate
with the errors of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.rectification._answer import InfluenceValues, rectified_result
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._design import Design, column_of
from sklearn_ftr.rectification._estimand import (
    Estimand,
    Linearized,
    blocks,
    influence_rows,
    linearize,
    pieces,
    times,
    weighted_blocks,
)
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._sample import Sample, Vector
from sklearn_ftr.rectification._sampling import PoolPart

# Predictions whose influence is smaller than this part of the labels' are constant but for rounding; of models of folds, from
# which large parts have been taken away, than the second.
_SMALLEST_INFLUENCE, _SMALLEST_ALIGNED_INFLUENCE = 1e-12, 1e-8
# The pool's covariates may be so much larger than those of labeled rows, on which rounding is measured.
_NOISE_OF_POOL = 8


@dataclass(frozen=True, eq=False)
class RectifiedEstimand:
    """The result, and the estimates from labels and from predictions of labeled rows (from labels again without a pool)."""

    result: RectifiedResult
    of_labels: Linearized
    of_predictions: list[Linearized]


@dataclass(frozen=True, eq=False)
class _Judge:
    """One judge's predictions: influence values (r, k) of labeled rows, and how to linearise those of the pool.

    `moves` (K, k) is how far each model's estimate over the pool is from that of all models together, which is `common` (k,) away from `of_pool`.
    """

    at: Linearized
    rows: Array
    noise: Array
    of_pool: Linearized
    moves: Array
    common: Array


def rectify_estimand(
    estimand: Estimand, sample: Sample, lambda_: ArrayLike | str | None, confidence_level: float
) -> RectifiedEstimand:
    """The rectified estimate, and what `score` needs beside the result."""
    values, of_labels, of_predictions = _influence_values(estimand, sample)
    result = rectified_result(
        values,
        sample,
        lambda_,
        confidence_level,
        of_labels.theta,
        estimand=estimand.title,
        names=estimand.names,
    )
    return RectifiedEstimand(result, of_labels, of_predictions)


def _influence_values(
    estimand: Estimand, sample: Sample
) -> tuple[InfluenceValues, Linearized, list[Linearized]]:
    every, of_y, X = _of_labels(estimand, sample)
    rows_y, noise_y = (
        influence_rows(estimand, X, sample.y, of_y),
        _noise_of(estimand, X, sample.y, of_y),
    )
    judges = [_judge(estimand, sample, X, column, of_y) for column in range(sample.f.shape[1])]
    pool = _pool_part(estimand, sample, judges)
    smallest = _SMALLEST_ALIGNED_INFLUENCE if len(sample.folds) else _SMALLEST_INFLUENCE
    for one in judges:
        _drop_rounding(one.rows, one.at, np.maximum(one.noise, smallest * rows_y.std(axis=0)))
    rows_of_all = rows_y
    if sample.trained is not None:
        rows_of_all = influence_rows(estimand, *_all_labels(sample), every)
        _drop_rounding(rows_of_all, every, noise_y)
    _drop_rounding(rows_y, of_y, noise_y)
    rows_f, noise_f = (_by_number([getattr(one, name) for one in judges]) for name in ("rows", "noise"))
    pool = pool.without(_NOISE_OF_POOL * noise_f)
    _check_squares(rows_y, rows_f, pool.squares)
    values = InfluenceValues(
        y=rows_y,
        f=rows_f,
        pool=pool,
        every=rows_of_all,
        shift=_shift(sample),
        noise=(noise_y, noise_f),
        n_parameters=estimand.n_parameters,
    )
    return values, of_y, [one.at for one in judges]


def _of_labels(estimand: Estimand, sample: Sample) -> tuple[Linearized, Linearized, Design]:
    """The estimates of all labels and of those that rectify, and the rows of the latter."""
    assert sample.X is not None
    X, y = sample.X.weighted(sample.drawn.weights), sample.y
    rows, labels = _all_labels(sample)
    every = linearize(estimand, rows, labels, None, f"all {len(labels)} labels")
    if sample.trained is None or not sample.has_pool:
        return every, every, X
    return every, linearize(estimand, X, y, every, f"the {len(y)} labels that rectify"), X


def _all_labels(sample: Sample) -> tuple[Design, Array]:
    assert sample.X is not None
    rows = sample.X
    if sample.trained is not None:
        assert sample.trained.X is not None
        rows = rows.followed_by(sample.trained.X)
    return rows.weighted(sample.every.weights), sample.all_labels


def _judge(estimand: Estimand, sample: Sample, X: Design, column: int, of_y: Linearized) -> _Judge:
    f, k = sample.f[:, column], len(of_y.theta)
    moves, common = np.zeros((len(sample.folds), k)), np.zeros(k)
    if not len(sample.f_pool):  # only how far predictions are from labels is asked
        rows = of_y.theta + estimand.scores(X[:], f, of_y.solution) @ of_y.bread.T
        return _Judge(of_y, rows, _noise_of(estimand, X, f, of_y), of_y, moves, common)
    at = linearize(estimand, X, f, of_y, "the predictions of labeled rows")
    of_pool = linearize(estimand, *_pools_side(sample, X, column), at, "the predictions of the pool")
    if not len(sample.folds):
        rows = influence_rows(estimand, X, f, at)
        return _Judge(at, rows, _noise_of(estimand, X, f, at), of_pool, moves, common)
    moves, common = _moves_of_models(estimand, sample, column, of_pool)
    rows = at.theta + _scores_by_fold(estimand, sample, X, column, at.solution, moves) @ at.bread.T
    return _Judge(at, rows, _noise_of(estimand, X, f, at), of_pool, moves, common)


def _pools_side(sample: Sample, X: Design, column: int) -> tuple[Design, Vector]:
    """Unlabeled rows or, where labels were drawn with probabilities, a copy of all rows."""
    assert sample.X_pool is not None
    rows, values, weights = sample.X_pool, column_of(sample.f_pool, column), sample.drawn.pool_weights
    if sample.drawn.own_weights is not None:
        rows = X.followed_by(rows)
        values = np.concatenate([sample.f[:, column], values[:].astype(np.float64)])
        others = np.ones(len(sample.f_pool)) if weights is None else weights
        weights = np.concatenate([sample.drawn.own_weights, others])
    return rows.weighted(weights), values


def _moves_of_models(
    estimand: Estimand, sample: Sample, column: int, of_pool: Linearized
) -> tuple[Array, Array]:
    """How far (K, k) each model's estimate over the pool is from that of all models together, and (k,) that one from the pool's."""
    steps = []
    for rows, f in _pools_of_models(sample):
        total = np.zeros(len(of_pool.theta))
        for X, values, weights in weighted_blocks(rows, column_of(f, column)):
            total += times(weights, estimand.scores(X, values, of_pool.solution)).sum(axis=0)
        steps.append(of_pool.inverse @ total / len(f))
    common = sample.drawn.shares(sample.folds.sizes) @ np.array(steps)
    return np.array(steps) - common, common


def _pools_of_models(sample: Sample) -> Iterator[tuple[Design, Vector]]:
    """Rows and predictions of each model's pool: all of it or, one after the other, its parts."""
    assert sample.X_pool is not None
    rows, start = sample.X_pool.weighted(sample.drawn.pool_weights), 0
    for f in sample.folds.pools:
        whole = len(f) == len(rows)
        yield (rows if whole else rows.between(start, start + len(f))), f
        start += len(f)


def _scores_by_fold(
    estimand: Estimand, sample: Sample, X: Design, column: int, solution: Array, moves: Array
) -> Array:
    """Of predictions of labeled rows, each model's at its own estimate."""
    return np.concatenate(
        [
            estimand.scores(X[rows], sample.f[rows, column], solution + move)
            for rows, move in zip(sample.folds.rows, moves, strict=True)
        ]
    )


def _pool_part(estimand: Estimand, sample: Sample, judges: list[_Judge]) -> PoolPart:
    """The estimates from predictions on the pool's side, and how its rows move them."""
    k = len(judges[0].at.theta)
    drawn, columns = sample.drawn, k * len(judges)
    if not len(sample.f_pool):
        return drawn.pool_part(iter(()), columns)
    bread = _breads(judges)
    if not sample.folds.are_parts_of(len(sample.f_pool)):
        if sample.folds.of_pool is not None:
            mean = drawn.pool_part(_pool_scores(estimand, sample, judges), columns).mean
            judges = _stepped(estimand, judges, mean)
        scores = _pool_scores(estimand, sample, judges)
        theta = _by_number([one.of_pool.theta for one in judges])
        return drawn.pool_part(scores, columns).mapped(bread, theta)
    parts = [
        drawn.pool_part(_scores(estimand, *part, at), columns)
        for part, at in zip(_pools_of_models(sample), _at_each_model(judges), strict=True)
    ]
    together = drawn.joined(parts, estimand.n_parameters)
    moved = [estimand.reported(one.of_pool.solution + one.common) for one in judges]
    return together.mapped(bread, _by_number(moved) - bread @ together.mean)


def _stepped(estimand: Estimand, judges: list[_Judge], scores: Array) -> list[_Judge]:
    """One step of Newton's method, from mean scores (j k), those of the first judge first.

    The estimates were those of all models' average for all rows, also for rows of which one model's predictions are taken in its place.
    """
    stepped = []
    for one, score in zip(judges, scores.reshape(len(judges), -1), strict=True):
        solution = one.of_pool.solution + one.of_pool.inverse @ score
        of_pool = replace(one.of_pool, solution=solution, theta=estimand.reported(solution))
        stepped.append(replace(one, of_pool=of_pool))
    return stepped


def _at_each_model(judges: list[_Judge]) -> list[list[Array]]:
    """Where each model by itself has the estimates over the pool."""
    n_models = len(judges[0].moves)
    return [
        [one.of_pool.solution + one.moves[model] + one.common for one in judges]
        for model in range(n_models)
    ]


def _breads(judges: list[_Judge]) -> Array:
    """From scores, those of the first judge first, to influence values, those of the first number first."""
    k, j = len(judges[0].of_pool.bread), len(judges)
    bread = np.zeros((k, j, j, k))
    for number, one in enumerate(judges):
        bread[:, number, number] = one.of_pool.bread
    return bread.reshape(k * j, j * k)


def _pool_scores(estimand: Estimand, sample: Sample, judges: list[_Judge]) -> Iterator[Array]:
    """Of the rows on the pool's side, block by block; of labeled ones first where they are there."""
    assert sample.X is not None
    assert sample.X_pool is not None
    if sample.drawn.own_weights is not None:
        yield _scores_of_labeled_rows(estimand, sample, judges)
    start = 0
    for block in _scores(
        estimand, sample.X_pool, sample.f_pool, [one.of_pool.solution for one in judges]
    ):
        _by_models_that_have_not_seen_it(block, estimand, sample, judges, start)
        yield block
        start += len(block)


def _scores_of_labeled_rows(estimand: Estimand, sample: Sample, judges: list[_Judge]) -> Array:
    X = sample.X
    assert X is not None
    if not len(sample.folds):
        at = [one.of_pool.solution for one in judges]
        return next(_scores(estimand, X, sample.f, at, size=len(sample.f)))
    scores = [
        _scores_by_fold(estimand, sample, X, column, one.of_pool.solution, one.moves)
        for column, one in enumerate(judges)
    ]
    return np.hstack(scores)


def _scores(
    estimand: Estimand,
    X: Design,
    f: Vector,
    at: list[Array],
    size: int | None = None,
) -> Iterator[Array]:
    """Of all judges (n, j k), block by block, each at one point of `at`."""
    for rows, values in blocks(X, f, size):
        of_judges = values.reshape(len(values), -1).T
        yield _beside([estimand.scores(rows, *one) for one in zip(of_judges, at, strict=True)])


def _by_models_that_have_not_seen_it(
    scores: Array, estimand: Estimand, sample: Sample, judges: list[_Judge], start: int
) -> None:
    """Scores of unlabeled rows in clusters with labels become (in place) those of the model that has not seen these labels."""
    if sample.folds.of_pool is None:
        return
    assert sample.X_pool is not None
    folds = sample.folds.of_pool[start : start + len(scores)]
    for fold in np.unique(folds[folds >= 0]):
        rows = np.flatnonzero(folds == fold)
        X, f = sample.X_pool.only(start + rows), sample.folds.pools[fold][start + rows]
        scores[rows] = next(
            _scores(estimand, X, f, [one.of_pool.solution + one.moves[fold] for one in judges])
        )


def _beside(scores: list[Array]) -> Array:
    return scores[0] if len(scores) == 1 else np.hstack(scores)


def _by_number(of_judges: list[Array]) -> Array:
    """Values (..., k) of each of j judges as (..., k j), those of the first number first."""
    stacked = np.stack(of_judges, axis=-1)
    return stacked.reshape(*stacked.shape[:-2], -1)


def _shift(sample: Sample) -> Any:
    """Of mean predictions, between labeled rows and the pool's side."""
    f, drawn = sample.f, sample.drawn
    if not len(sample.f_pool):
        return 0.0
    pool = (block.reshape(len(block), -1) for block in pieces(sample.f_pool))
    own = iter([f]) if drawn.own_weights is not None else iter(())
    return max(drawn.shift(f, drawn.pool_part(_chain(own, pool), f.shape[1])), key=abs)


def _chain(*parts: Iterator[Array]) -> Iterator[Array]:
    for part in parts:
        yield from part


def _noise_of(estimand: Estimand, X: Design, target: Array, one: Linearized) -> Array:
    """How far rounding may have moved influence values (k,)."""
    return np.abs(one.bread) @ estimand.rounding(X[:], target, one.solution)


def _drop_rounding(influence: Array, one: Linearized, noise: Array) -> None:
    """Influence values (in place) that are nothing but rounding become zero: a tuned lambda would blow them up.

    So are those of predictions that a linear model of the same X has made, in a linear regression.
    """
    flat = influence.std(axis=0) <= noise
    influence[:, flat] = one.theta[flat]


def _check_squares(rows_y: Array, rows_f: Array, of_pool: Array) -> None:
    """Influence values whose squares have a sum."""
    with np.errstate(all="ignore"):
        sums = [np.sum((rows - rows[0]) ** 2) for rows in (rows_y, rows_f)]
    if not (np.isfinite(sums).all() and np.isfinite(of_pool).all()):
        raise ValueError(
            "Influence values have squares that overflow; divide y and f, or the columns of X, by a power of ten."
        )
