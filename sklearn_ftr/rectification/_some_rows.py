"""Some rows of a pool in memory: where an estimate starts from, and what they tell of how scores are curved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._coordinates import NoEstimateError
from sklearn_ftr.rectification._design import Design, joined_designs
from sklearn_ftr.rectification._estimand import (
    Estimand,
    Linearized,
    linearize,
    times,
    weighted_blocks,
)
from sklearn_ftr.rectification._moments import columns
from sklearn_ftr.rectification._pool import Pool
from sklearn_ftr.rectification._sample import Sample

# In messages.
OF_POOL = "the predictions of the pool"
# One row of so many, but so many at least, and not more than so many numbers.
_PART, _FEWEST, _MOST_NUMBERS = 50, 65_536, 2**23
# Corrections, and when one is as good as none.
_MOST_CORRECTIONS, _CORRECT = 8, 1e-6


@dataclass(frozen=True, eq=False)
class SomeRows:
    """Covariates, with weights, and predictions (n, j) of rows on the pool's side, and whether these are all."""

    X: Design
    f: Array
    are_all: bool

    @classmethod
    def of(cls, estimand: Estimand, sample: Sample, X: Design) -> SomeRows:
        """From all over the pool, behind labeled rows where these are on its side."""
        pool, drawn = sample.pool, sample.drawn
        blocks = pool.some_rows(_n_rows(pool, estimand))
        rows = joined_designs([block.X for block in blocks if block.X is not None])
        f, weights = np.concatenate([columns(block.f) for block in blocks]), None
        if drawn.pool_weights is not None:
            known = [drawn.pool_weights[one.start : one.start + len(one)] for one in blocks]
            weights = np.concatenate(known)
        if drawn.own_weights is not None:
            others = np.ones(len(f)) if weights is None else weights
            weights = np.concatenate([drawn.own_weights, others])
            rows, f = X.followed_by(rows), np.concatenate([sample.f, f])
        return cls(rows.weighted(weights), f, sum(map(len, blocks)) == len(pool))

    def estimates(self, estimand: Estimand, start: list[Linearized]) -> list[Linearized]:
        """Of each judge's predictions; as they were before where these rows have none, though all of the pool may."""
        found = []
        for f, one in zip(self.f.T, start, strict=True):
            try:
                found.append(linearize(estimand, self.X, f, one, OF_POOL))
            except NoEstimateError:
                if self.are_all:
                    raise
                found.append(one)
        return found

    def corrected(
        self, estimand: Estimand, at: list[Linearized], means: Array, ends: Array
    ) -> list[Array]:
        """Where Newton's steps from `at`, where scores have the `means` (j k,), end (j, k), less what these rows show that a step misses.

        Mean scores of the whole pool are their value and slope at one point, and beyond that curved as those of these rows are (Jordan, Lee and Yang 2019,
        Communication-efficient distributed statistical inference, JASA 114).
        """
        if self.are_all or estimand.is_linear:
            return list(ends)
        judges = zip(self.f.T, at, np.split(means, len(at)), ends, strict=True)
        return [self._corrected(estimand, *one) for one in judges]

    def _corrected(
        self, estimand: Estimand, f: Array, at: Linearized, mean: Array, end: Array
    ) -> Array:
        scores, information = self._sums(estimand, f, at.solution)
        slope = np.asarray(np.linalg.inv(at.inverse), dtype=np.float64)
        if not (information.any() and np.isfinite(information).all()):  # it is not known
            information = slope = np.zeros_like(information)
        for _ in range(_MOST_CORRECTIONS):
            moved = end - at.solution
            curved = self._sums(estimand, f, end)[0] - scores + information @ moved
            step = at.inverse @ (mean - slope @ moved + curved)
            end = end + step
            if np.all(np.abs(step) <= _CORRECT * np.abs(moved)):
                break
        return end

    def _sums(self, estimand: Estimand, f: Array, theta: Array) -> tuple[Array, Array]:
        """Mean scores (k,) and information (k, k)."""
        scores, information = np.zeros(len(theta)), np.zeros((len(theta), len(theta)))
        for X, values, weights in weighted_blocks(self.X, f):
            scores += times(weights, estimand.scores(X, values, theta)).sum(axis=0)
            information += estimand.information(X, values, theta, weights)
        return scores / len(f), information / len(f)


def _n_rows(pool: Pool, estimand: Estimand) -> int:
    """How many rows an estimate starts from."""
    width = estimand.n_parameters + pool.n_columns
    return min(max(len(pool) // _PART, _FEWEST), _MOST_NUMBERS // width)
