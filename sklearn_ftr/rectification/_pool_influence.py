"""How predictions over the pool move an estimate: by several judges, and by several models each at its own estimate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._design import Design, column_of
from sklearn_ftr.rectification._estimand import (
    Estimand,
    Linearized,
    blocks,
    times,
    weighted_blocks,
)
from sklearn_ftr.rectification._moments import as_table
from sklearn_ftr.rectification._sample import Sample, Vector
from sklearn_ftr.rectification._sampling import PoolPart


@dataclass(frozen=True, eq=False)
class LinearizedJudge:
    """One judge's predictions: influence values (r, k) of labeled rows, and how to linearise those of the pool.

    `moves` (K, k) is how far each model's estimate over the pool is from that of all models together, which is `common` (k,) away from `of_pool`.
    """

    at: Linearized
    rows: Array
    noise: Array
    of_pool: Linearized
    moves: Array
    common: Array


def moves_of_models(
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


def scores_by_fold(
    estimand: Estimand, sample: Sample, X: Design, column: int, solution: Array, moves: Array
) -> Array:
    """Of predictions of labeled rows, each model's at its own estimate."""
    return np.concatenate(
        [
            estimand.scores(X[rows], sample.f[rows, column], solution + move)
            for rows, move in zip(sample.folds.rows, moves, strict=True)
        ]
    )


def pool_part_of_judges(estimand: Estimand, sample: Sample, judges: list[LinearizedJudge]) -> PoolPart:
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
        theta = by_number([one.of_pool.theta for one in judges])
        return drawn.pool_part(scores, columns).mapped(bread, theta)
    parts = [
        drawn.pool_part(_scores(estimand, *part, at), columns)
        for part, at in zip(_pools_of_models(sample), _at_each_model(judges), strict=True)
    ]
    together = drawn.joined(parts, estimand.n_parameters)
    moved = [estimand.reported(one.of_pool.solution + one.common) for one in judges]
    return together.mapped(bread, by_number(moved) - bread @ together.mean)


def _stepped(estimand: Estimand, judges: list[LinearizedJudge], scores: Array) -> list[LinearizedJudge]:
    """One step of Newton's method, from mean scores (j k), those of the first judge first.

    The estimates were those of all models' average for all rows, also for rows of which one model's predictions are taken in its place.
    """
    stepped = []
    for one, score in zip(judges, scores.reshape(len(judges), -1), strict=True):
        solution = one.of_pool.solution + one.of_pool.inverse @ score
        of_pool = replace(one.of_pool, solution=solution, theta=estimand.reported(solution))
        stepped.append(replace(one, of_pool=of_pool))
    return stepped


def _at_each_model(judges: list[LinearizedJudge]) -> list[list[Array]]:
    """Where each model by itself has the estimates over the pool."""
    n_models = len(judges[0].moves)
    return [
        [one.of_pool.solution + one.moves[model] + one.common for one in judges]
        for model in range(n_models)
    ]


def _breads(judges: list[LinearizedJudge]) -> Array:
    """From scores, those of the first judge first, to influence values, those of the first number first."""
    k, j = len(judges[0].of_pool.bread), len(judges)
    bread = np.zeros((k, j, j, k))
    for number, one in enumerate(judges):
        bread[:, number, number] = one.of_pool.bread
    return bread.reshape(k * j, j * k)


def _pool_scores(estimand: Estimand, sample: Sample, judges: list[LinearizedJudge]) -> Iterator[Array]:
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


def _scores_of_labeled_rows(estimand: Estimand, sample: Sample, judges: list[LinearizedJudge]) -> Array:
    X = sample.X
    assert X is not None
    if not len(sample.folds):
        at = [one.of_pool.solution for one in judges]
        return next(_scores(estimand, X, sample.f, at, size=len(sample.f)))
    scores = [
        scores_by_fold(estimand, sample, X, column, one.of_pool.solution, one.moves)
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
        of_judges = as_table(values).T
        yield _beside([estimand.scores(rows, *one) for one in zip(of_judges, at, strict=True)])


def _by_models_that_have_not_seen_it(
    scores: Array, estimand: Estimand, sample: Sample, judges: list[LinearizedJudge], start: int
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


def by_number(of_judges: list[Array]) -> Array:
    """Values (..., k) of each of j judges as (..., k j), those of the first number first."""
    stacked = np.stack(of_judges, axis=-1)
    return stacked.reshape(*stacked.shape[:-2], -1)
