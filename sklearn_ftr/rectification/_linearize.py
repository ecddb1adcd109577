"""From a sample to influence values of any estimand, for labels, predictions of labeled rows and the pool.

Under cross-fitting each model's are taken at the estimate that this model alone gives. What a model thinks of the parameters over the
whole pool has nothing to say about the rows that rectify it. It does depend on the labels of the other folds, and so would correlate
with the errors of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._estimand import Estimand, Linearized, influence_rows, linearize
from sklearn_ftr.rectification._pool_influence import by_number, pool_side, scores_by_fold
from sklearn_ftr.rectification._rectified_result import InfluenceValues, rectified_result
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._sample import Sample
from sklearn_ftr.rectification._sampling import PoolPart

# Predictions whose influence is smaller than this part of the labels' are constant but for rounding; of models of folds, from
# which large parts have been taken away, than the second.
_SMALLEST_INFLUENCE, _SMALLEST_ALIGNED_INFLUENCE = 1e-12, 1e-8
# The pool's covariates may be so much larger than those of labeled rows, on which rounding is measured.
_NOISE_OF_POOL = 8
# An estimate that is known to this part of it is known.
_ROUNDING = 1e-10


@dataclass(frozen=True, eq=False)
class RectifiedEstimand:
    """The result, and the estimates from labels and from predictions of labeled rows (from labels again without a pool)."""

    result: RectifiedResult
    of_labels: Linearized
    of_predictions: list[Linearized]


@dataclass(frozen=True, eq=False)
class _Judges:
    """Where j judges' predictions of labeled rows have their estimates, their influence values (r, k) there, and the pool's side."""

    at: list[Linearized]
    rows: list[Array]
    pool: PoolPart
    shift: Any


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
    judges = _of_judges(estimand, sample, X, of_y, rows_y.std(axis=0))
    noise = [_noise_of(estimand, X, f, at) for f, at in zip(sample.f.T, judges.at, strict=True)]
    smallest = _SMALLEST_ALIGNED_INFLUENCE if len(sample.folds) else _SMALLEST_INFLUENCE
    for rows, at, its in zip(judges.rows, judges.at, noise, strict=True):
        _drop_rounding(rows, at, np.maximum(its, smallest * rows_y.std(axis=0)))
    rows_of_all = rows_y
    if sample.trained is not None:
        rows_of_all = influence_rows(estimand, *_all_labels(sample), every)
        _drop_rounding(rows_of_all, every, noise_y)
    _drop_rounding(rows_y, of_y, noise_y)
    rows_f, noise_f = by_number(judges.rows), by_number(noise)
    pool = judges.pool.without(_NOISE_OF_POOL * noise_f)
    _check_squares(rows_y, rows_f, pool.squares)
    values = InfluenceValues(
        y=rows_y,
        f=rows_f,
        pool=pool,
        every=rows_of_all,
        shift=judges.shift,
        noise=(noise_y, noise_f),
        n_parameters=estimand.n_parameters,
        reach=_reach(estimand, X, of_y),
        reach_of_all=_reach(estimand, _all_labels(sample)[0], every),
    )
    return values, of_y, judges.at


def _of_labels(estimand: Estimand, sample: Sample) -> tuple[Linearized, Linearized, Design]:
    """The estimates of all labels and of those that rectify, and the rows of the latter."""
    assert sample.X is not None
    X, y = sample.X.weighted(sample.drawn.weights), sample.y
    rows, labels = _all_labels(sample)
    every = linearize(estimand, rows, labels, None, f"all {len(labels)} labels")
    if sample.trained is None or not sample.has_pool:
        return every, every, X
    return every, linearize(estimand, X, y, every, f"the {len(y)} labels that rectify"), X


def _reach(estimand: Estimand, X: Design, one: Linearized) -> Array | None:
    """How far influence values (n, k) move by what labels of some rows are expected to err."""
    of_scores = estimand.reach(X[:], one.solution)
    return None if of_scores is None else of_scores @ one.bread.T


def _all_labels(sample: Sample) -> tuple[Design, Array]:
    assert sample.X is not None
    rows = sample.X
    if sample.trained is not None:
        assert sample.trained.X is not None
        rows = rows.followed_by(sample.trained.X)
    return rows.weighted(sample.every.weights), sample.all_labels


def _of_judges(
    estimand: Estimand, sample: Sample, X: Design, of_y: Linearized, spread: Array
) -> _Judges:
    """`spread` (k,) is how labels' influence values vary."""
    k, j = len(of_y.theta), sample.f.shape[1]
    if not len(sample.pool):  # only how far predictions are from labels is asked
        scores = [estimand.scores(X[:], f, of_y.solution) for f in sample.f.T]
        rows = [of_y.theta + one @ of_y.bread.T for one in scores]
        return _Judges([of_y] * j, rows, sample.drawn.pool_part(iter(()), k * j), 0.0)
    at = [linearize(estimand, X, f, of_y, "the predictions of labeled rows") for f in sample.f.T]
    own = [influence_rows(estimand, X, f, one) for f, one in zip(sample.f.T, at, strict=True)]
    spread = np.max([spread, *(rows.std(axis=0) for rows in own)], axis=0)
    side = pool_side(estimand, sample, X, at, spread + _ROUNDING * np.abs(of_y.theta))
    rows = (
        own
        if not len(sample.folds)
        else [
            _of_predictions(estimand, sample, X, column, one, moves)
            for column, (one, moves) in enumerate(zip(at, side.moves, strict=True))
        ]
    )
    shift = max(sample.drawn.shift(sample.f, side.of_predictions), key=abs)
    return _Judges(at, rows, side.part, shift)


def _of_predictions(
    estimand: Estimand, sample: Sample, X: Design, column: int, at: Linearized, moves: Array
) -> Array:
    """Influence values (r, k) of one judge's predictions of labeled rows, each model's at its own estimate."""
    scores = scores_by_fold(estimand, sample, X, column, at.solution, moves)
    return at.theta + scores @ at.bread.T


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
