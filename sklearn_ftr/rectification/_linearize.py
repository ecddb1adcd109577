"""From a sample to influence values of any estimand, for labels, predictions of labeled rows and the pool.

Under cross-fitting each model's are taken at the estimate that this model alone gives. What a model thinks of the parameters over the
whole pool has nothing to say about the rows that rectify it. It does depend on the labels of the other folds, and so would correlate
with the errors of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._design import Design, column_of
from sklearn_ftr.rectification._estimand import (
    Estimand,
    Linearized,
    influence_rows,
    linearize,
    pieces,
)
from sklearn_ftr.rectification._moments import columns
from sklearn_ftr.rectification._pool_influence import (
    LinearizedJudge,
    by_number,
    moves_of_models,
    pool_part_of_judges,
    scores_by_fold,
)
from sklearn_ftr.rectification._rectified_result import InfluenceValues, rectified_result
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._sample import Sample, Vector

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
    pool = pool_part_of_judges(estimand, sample, judges)
    smallest = _SMALLEST_ALIGNED_INFLUENCE if len(sample.folds) else _SMALLEST_INFLUENCE
    for one in judges:
        _drop_rounding(one.rows, one.at, np.maximum(one.noise, smallest * rows_y.std(axis=0)))
    rows_of_all = rows_y
    if sample.trained is not None:
        rows_of_all = influence_rows(estimand, *_all_labels(sample), every)
        _drop_rounding(rows_of_all, every, noise_y)
    _drop_rounding(rows_y, of_y, noise_y)
    rows_f, noise_f = (by_number([getattr(one, name) for one in judges]) for name in ("rows", "noise"))
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
        reach=_reach(estimand, sample, every),
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


def _reach(estimand: Estimand, sample: Sample, every: Linearized) -> Array | None:
    """Of influence values (n, k) of all labels."""
    X, _ = _all_labels(sample)
    of_scores = estimand.reach(X[:], every.solution)
    return None if of_scores is None else of_scores @ every.bread.T


def _all_labels(sample: Sample) -> tuple[Design, Array]:
    assert sample.X is not None
    rows = sample.X
    if sample.trained is not None:
        assert sample.trained.X is not None
        rows = rows.followed_by(sample.trained.X)
    return rows.weighted(sample.every.weights), sample.all_labels


def _judge(
    estimand: Estimand, sample: Sample, X: Design, column: int, of_y: Linearized
) -> LinearizedJudge:
    f, k = sample.f[:, column], len(of_y.theta)
    moves, common = np.zeros((len(sample.folds), k)), np.zeros(k)
    if not len(sample.f_pool):  # only how far predictions are from labels is asked
        rows = of_y.theta + estimand.scores(X[:], f, of_y.solution) @ of_y.bread.T
        return LinearizedJudge(of_y, rows, _noise_of(estimand, X, f, of_y), of_y, moves, common)
    at = linearize(estimand, X, f, of_y, "the predictions of labeled rows")
    of_pool = linearize(estimand, *_pools_side(sample, X, column), at, "the predictions of the pool")
    if not len(sample.folds):
        rows = influence_rows(estimand, X, f, at)
        return LinearizedJudge(at, rows, _noise_of(estimand, X, f, at), of_pool, moves, common)
    moves, common = moves_of_models(estimand, sample, column, of_pool)
    rows = at.theta + scores_by_fold(estimand, sample, X, column, at.solution, moves) @ at.bread.T
    return LinearizedJudge(at, rows, _noise_of(estimand, X, f, at), of_pool, moves, common)


def _pools_side(sample: Sample, X: Design, column: int) -> tuple[Design, Vector]:
    """Unlabeled rows or, where labels were drawn with probabilities, a copy of all rows."""
    assert sample.X_pool is not None
    rows, values = sample.X_pool, column_of(sample.f_pool, column)
    weights = sample.drawn.weights_of_pools_side(len(values))
    if sample.drawn.own_weights is not None:
        rows = X.followed_by(rows)
        values = np.concatenate([sample.f[:, column], values[:].astype(np.float64)])
    return rows.weighted(weights), values


def _shift(sample: Sample) -> Any:
    """Of mean predictions, between labeled rows and the pool's side."""
    f, drawn = sample.f, sample.drawn
    if not len(sample.f_pool):
        return 0.0
    pool = map(columns, pieces(sample.f_pool))
    own = iter([f]) if drawn.own_weights is not None else iter(())
    return max(drawn.shift(f, drawn.pool_part(chain(own, pool), f.shape[1])), key=abs)


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
