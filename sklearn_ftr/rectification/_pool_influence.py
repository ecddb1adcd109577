"""How predictions over the pool move an estimate: by several judges, and by several models each at its own estimate.

The estimate comes from some rows of the pool, and passes over all of them, each of which is a step of Newton's method that also takes down how
scores vary, correct it until nothing is left to correct: two for most pools, one where some rows are all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._coordinates import NoEstimateError
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._estimand import Estimand, Linearized, times
from sklearn_ftr.rectification._moments import columns
from sklearn_ftr.rectification._pool import PoolBlock
from sklearn_ftr.rectification._pool_rows import Codes
from sklearn_ftr.rectification._regression_pool import SummarizedRegression
from sklearn_ftr.rectification._sample import Sample
from sklearn_ftr.rectification._sampling import PoolPart, Sampling
from sklearn_ftr.rectification._some_rows import OF_POOL, SomeRows

# The square of a step, in standard deviations of labels' influence values, after which their standard error, times this over its root, notices nothing.
_SHORT, _SHORT_OF_SEVERAL = 3e-3, 3e-5
# Where information of some rows and of all differs by this part, steps have to be shorter.
_UNLIKE, _SHORTER = 0.1, 0.1
_MOST_PASSES = 20
# Rows whose scores are worked on at once, so that they fit the processor's cache.
_ROWS_AT_ONCE = 8_192


@dataclass(frozen=True, eq=False)
class PoolSide:
    """What a pool says of an estimate, by each of j judges.

    Parameters
    ----------
    at : list of Linearized
        Where each judge's predictions have their estimate.
    moves : list of ndarray of shape (K, k)
        How far the estimates of single models are from that of all together, for each judge.
    part : PoolPart
        The estimates, and how the pool's rows move them; k j columns, those of the first number first.
    of_predictions : PoolPart
        The predictions (m, j) themselves.
    """

    at: list[Linearized]
    moves: list[Array]
    part: PoolPart
    of_predictions: PoolPart


class PoolScores:
    """Scores of the pool's rows, summed over a pass.

    Parameters
    ----------
    estimand : Estimand
    drawn : Sampling
    points : ndarray of shape (j, k)
        Where each judge's scores are taken.
    moves : ndarray of shape (j, K, k)
        And how far from there those of rows that only one of K models may predict.
    f : ndarray of shape (j,)
        Predictions of some row.
    own : ndarray of int of shape (n_pieces,), default=None
        See `Sampling.own_models`.
    """

    def __init__(
        self,
        estimand: Estimand,
        drawn: Sampling,
        points: Array,
        moves: Array,
        f: Array,
        own: Codes | None = None,
    ) -> None:
        self.estimand, self.points, self.moves, self.own = estimand, points, moves, own
        j, k = points.shape
        self.scores, self.predictions = drawn.summary(j * k), drawn.summary(j, f)
        self.of_models = np.zeros((moves.shape[1], j * k))
        self.information = np.zeros((j, k, k))
        self.total = 0.0

    def add(self, block: PoolBlock) -> None:
        """See a block more."""
        for piece in block.pieces(_ROWS_AT_ONCE):
            self._add(piece)
        self.predictions.add(columns(block.f), block.drawn)

    def merge(self, other: PoolScores) -> None:
        """See what another one has seen."""
        self.scores.merge(other.scores)
        self.predictions.merge(other.predictions)
        self.of_models += other.of_models
        self.information += other.information
        self.total += other.total

    def _add(self, piece: PoolBlock) -> None:
        assert piece.X is not None
        X, f = piece.X[:], columns(piece.f)
        weights = None if piece.drawn is None else piece.drawn.weights
        self.total += len(piece) if weights is None else float(weights.sum())
        scores = self._with_information(X, f, weights)
        if len(piece.shares) > 1:
            for model, of_model in enumerate(piece.of_models):
                its = _scores(self.estimand, X, columns(of_model), self.points)
                self.of_models[model] += times(weights, its).sum(axis=0)
        if self.own is not None:
            self._take_own(scores, piece, X)
        self.scores.add(scores, piece.drawn)

    def _with_information(self, X: Array, f: Array, weights: Array | None) -> Array:
        """Scores (n, j k), while information is added up."""
        scores = []
        for judge, (values, at) in enumerate(zip(f.T, self.points, strict=True)):
            its, information = self.estimand.scores_and_information(X, values, at, weights)
            self.information[judge] += information
            scores.append(its)
        return scores[0] if len(scores) == 1 else np.hstack(scores)

    def _take_own(self, scores: Array, piece: PoolBlock, X: Array) -> None:
        """Scores (in place) of rows in clusters with labels become those of the model that has not seen these labels."""
        assert self.own is not None
        assert piece.drawn is not None
        own = self.own[piece.drawn.pieces]
        for model in np.unique(own[own >= 0]):
            rows, f = own == model, columns(piece.of_models[model])
            points = self.points + self.moves[:, model]
            scores[rows] = _scores(self.estimand, X[rows], f[rows], points)


def pool_side(
    estimand: Estimand, sample: Sample, X: Design, of_labeled: list[Linearized], spread: Array
) -> PoolSide:
    """From estimates of the predictions of labeled rows to those of the pool; `spread` (k,) is how influence values of labeled rows vary."""
    if isinstance(sample.pool, SummarizedRegression):
        start = _solved(estimand, sample, X, of_labeled)
        return _side_of_all(estimand, sample, X, start, np.full_like(spread, np.inf), None)
    some = SomeRows.of(estimand, sample, X)
    start = some.estimates(estimand, of_labeled)
    if not some.are_all:
        estimand = estimand.prepared(some.X, some.f[:, 0], start[0])
    # How far apart models are depends on where they are compared.
    short = _SHORT if sample.pool.n_models == 1 or estimand.is_linear else _SHORT_OF_SEVERAL
    limit = np.sqrt(short) / len(sample.y) ** 0.25 * spread
    if some.are_all:  # Newton's method has ended there
        limit = np.full_like(limit, np.inf)
    if sample.pool.parts:
        return _side_of_parts(estimand, sample, start, limit)
    return _side_of_all(estimand, sample, X, start, limit, some)


def _side_of_all(
    estimand: Estimand,
    sample: Sample,
    X: Design,
    at: list[Linearized],
    limit: Array,
    some: SomeRows | None,
) -> PoolSide:
    """Of one model, or of the average of several."""
    drawn, pool, shares = sample.drawn, sample.pool, sample.pool.shares
    own = drawn.own_models(sample.folds.rows)
    moves = np.zeros((len(at), pool.n_models, len(limit)))
    for number in range(_MOST_PASSES):
        points = np.array([one.solution for one in at])
        seen = pool.summarized(PoolScores(estimand, drawn, points, moves, sample.f[0], own))
        was, at = at, _with_inverse(estimand, sample, X, at, seen)
        alike = was[0].inverse is not at[0].inverse and _are_alike(was, at)
        if number == 0 and not (alike or estimand.is_linear):
            limit = _SHORTER * limit
        steps = _steps(at, seen.of_models / seen.total)
        moves = steps - np.tensordot(steps, shares, axes=(1, 0))[:, None]
        part = drawn.part(seen.scores, _scores_of_labeled(estimand, sample, X, points, moves))
        step = _steps(at, part.mean[None])[:, 0]
        if own is not None and not number:
            continue  # rows in clusters with labels were taken where all models are, not where their own is
        known = number > 1 or own is None
        if known and _are_short(estimand, step, limit):
            ends = list(points + step)
            if some is not None:
                ends = some.corrected(estimand, at, part.mean, points + step)
            theta = [estimand.reported(one) for one in ends]
            at = [replace(one, theta=its) for one, its in zip(at, theta, strict=True)]
            bread = _breads(at)
            part = part.mapped(bread, by_number(theta) - bread @ part.mean)
            return PoolSide(at, list(moves), part, drawn.part(seen.predictions, sample.f))
        at = _moved(estimand, at, step)
    raise _no_estimate()


def _solved(estimand: Estimand, sample: Sample, X: Design, at: list[Linearized]) -> list[Linearized]:
    """Least squares from moments: one step from anywhere, and a second one that takes away the first one's rounding."""
    moves = np.zeros((len(at), 1, len(at[0].solution)))
    for _ in range(2):
        points = np.array([one.solution for one in at])
        seen = sample.pool.summarized(PoolScores(estimand, sample.drawn, points, moves, sample.f[0]))
        at = _with_inverse(estimand, sample, X, at, seen)
        of_labeled = _scores_of_labeled(estimand, sample, X, points, moves)
        part = sample.drawn.part(seen.scores, of_labeled)
        at = _moved(estimand, at, _steps(at, part.mean[None])[:, 0])
    return at


def _side_of_parts(estimand: Estimand, sample: Sample, at: list[Linearized], limit: Array) -> PoolSide:
    """Of models each of which has predicted a part of the pool, one step away from the estimate of all parts."""
    drawn, shares = sample.drawn, sample.drawn.shares(sample.folds.sizes)
    for _ in range(_MOST_PASSES):
        together = np.array([[one.solution for one in at]] * len(shares))
        seen = _scores_of_parts(estimand, sample, together)
        means = np.array([drawn.part(one.scores, None).mean for one in seen])
        for one in seen[1:]:
            seen[0].merge(one)
        at = _with_inverse(estimand, sample, None, at, seen[0])
        step = _steps(at, drawn.part(seen[0].scores, None).mean[None])[:, 0]
        if _are_short(estimand, step, limit):
            break
        at = _moved(estimand, at, step)
    else:
        raise _no_estimate()
    steps = _steps(at, means)
    points = together + steps.swapaxes(0, 1)
    parts = [drawn.part(one.scores, None) for one in _scores_of_parts(estimand, sample, points)]
    common = np.tensordot(steps, shares, axes=(1, 0))
    at = _moved(estimand, at, common)
    bread, joined = _breads(at), drawn.joined(parts, estimand.n_parameters)
    theta = by_number([one.theta for one in at])
    part = joined.mapped(bread, theta - bread @ joined.mean)
    moves = list(steps - common[:, None])
    return PoolSide(at, moves, part, drawn.part(seen[0].predictions, sample.f))


def _scores_of_parts(estimand: Estimand, sample: Sample, points: Array) -> list[PoolScores]:
    """Of each part at its points (j, k)."""
    none = np.zeros((points.shape[1], 1, points.shape[2]))
    return [
        part.summarized(PoolScores(estimand, sample.drawn, of_part, none, sample.f[0]))
        for part, of_part in zip(sample.pool.parts, points, strict=True)
    ]


def _with_inverse(
    estimand: Estimand, sample: Sample, X: Design | None, at: list[Linearized], seen: PoolScores
) -> list[Linearized]:
    """With H^-1 as a pass has found it."""
    information, total, own = seen.information, seen.total, sample.drawn.own_weights
    if own is not None and X is not None:
        total += own.sum()
        of_labeled = [
            estimand.information(X[:], f, one.solution, own)
            for f, one in zip(sample.f.T, at, strict=True)
        ]
        information = information + np.array(of_labeled)
    return [
        estimand.linearized(one.solution, estimand.inverse(its / total, one.inverse))
        for one, its in zip(at, information, strict=True)
    ]


def _steps(at: list[Linearized], means: Array) -> Array:
    """Newton's (j, n, k) from mean scores (n, j k), those of the first judge first."""
    of_judges = means.reshape(len(means), len(at), -1)
    return np.array([of_judges[:, judge] @ one.inverse.T for judge, one in enumerate(at)])


def _are_short(estimand: Estimand, steps: Array, limit: Array) -> bool:
    """Whether nothing is left to correct, after these steps (j, k), that any label would notice."""
    if not np.isfinite(steps).all():
        raise _no_estimate()
    return all(np.all(np.abs(estimand.reported(step)) <= limit) for step in steps)


def _are_alike(of_some: list[Linearized], of_all: list[Linearized]) -> bool:
    """Whether some rows have the information of all, so that they tell what a step of Newton's method misses; heavy tails and rare categories do not."""
    ratios = [
        np.linalg.eigvals(np.linalg.solve(all_rows.inverse, some.inverse))
        for some, all_rows in zip(of_some, of_all, strict=True)
    ]
    return bool(np.abs(np.array(ratios) - 1).max() < _UNLIKE)


def _moved(estimand: Estimand, at: list[Linearized], steps: Array) -> list[Linearized]:
    return [
        estimand.linearized(one.solution + step, one.inverse)
        for one, step in zip(at, steps, strict=True)
    ]


def _no_estimate() -> NoEstimateError:
    return NoEstimateError(
        f"Newton's method did not converge within {_MOST_PASSES} passes; bring the columns of X to similar scales and check for outliers. "
        f"(Estimated from {OF_POOL}.)"
    )


def _scores(estimand: Estimand, X: Array, f: Array, points: Array) -> Array:
    """Of all judges (n, j k), each at its point (j, k)."""
    scores = [estimand.scores(X, values, at) for values, at in zip(f.T, points, strict=True)]
    return scores[0] if len(scores) == 1 else np.hstack(scores)


def _scores_of_labeled(
    estimand: Estimand, sample: Sample, X: Design, points: Array, moves: Array
) -> Array | None:
    """Of labeled rows on the pool's side (r, j k), by models that have not seen their labels."""
    if sample.drawn.own_weights is None:
        return None
    if not len(sample.folds):
        return _scores(estimand, X[:], sample.f, points)
    return np.hstack(
        [
            scores_by_fold(estimand, sample, X, judge, at, its)
            for judge, (at, its) in enumerate(zip(points, moves, strict=True))
        ]
    )


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


def _breads(judges: list[Linearized]) -> Array:
    """From scores, those of the first judge first, to influence values, those of the first number first."""
    k, j = len(judges[0].bread), len(judges)
    bread = np.zeros((k, j, j, k))
    for number, one in enumerate(judges):
        bread[:, number, number] = one.bread
    return bread.reshape(k * j, j * k)


def by_number(of_judges: list[Array]) -> Array:
    """Values (..., k) of each of j judges as (..., k j), those of the first number first."""
    stacked = np.stack(of_judges, axis=-1)
    return stacked.reshape(*stacked.shape[:-2], -1)
