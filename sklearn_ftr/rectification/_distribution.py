"""The rectified distribution function F(t) = F_R(y <= t) + lambda (F_U(f <= t) - F_R(f <= t)) of one judge, and its inverse."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._shares import Shares
from sklearn_ftr.rectification._two_stage_shares import TwoStageShares

# Standard errors of F on each side of a quantile for which the pool's values are kept: enough for any interval.
_WINDOW_ERRORS = 12
# Sums of shares are exact to this.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class RectifiedDistribution:
    """F for one lambda. Of the pool, sorted, only the part that matters is kept, and how many rows are below it.

    `knots` are where labels or their predictions make F jump; the pool's share at and just below each is known, and so
    is `of_labels`, what does not change with the pool: before the first knot and from each one on. Labels that have
    only trained enter with the weight `recycled`.
    """

    pool: Shares
    lambda_: float
    recycled: float
    knots: Array
    at_knots: Array
    before_knots: Array
    of_labels: Array

    @classmethod
    def of(cls, shares: TwoStageShares, lambda_: float, recycled: float) -> RectifiedDistribution:
        """With all of the pool."""
        pool, rest = shares.of_pools[0], 1 - recycled
        weights = [
            (shares.of_y, rest),
            (shares.of_judges[0], -lambda_ * rest),
            (shares.of_recycled, recycled),
        ]
        steps = [(rows, weight) for rows, weight in weights if weight]
        knots = np.unique(np.concatenate([rows.values for rows, _ in steps]))
        at, before = (pool.at(knots, side) for side in ("right", "left"))
        of_labels = np.sum([weight * rows.at(knots) for rows, weight in steps], axis=0)
        return cls(pool, lambda_, recycled, knots, at, before, np.concatenate([[0.0], of_labels]))

    @property
    def pool_weight(self) -> float:
        """Weight of the pool's share in F."""
        return self.lambda_ * (1 - self.recycled)

    def quantile(self, level: float) -> float:
        """The smallest t with F(t) >= level; the largest value of all where F never gets there."""
        level, knots = level - _ROUNDING, self.knots
        weight = self.pool_weight
        at_knots = self.of_labels[1:] + weight * self.at_knots
        before = self.of_labels[:-1] + weight * self.before_knots
        reached = np.flatnonzero((at_knots >= level) | (before >= level))
        last = reached[0] if len(reached) else len(knots)
        end = knots[last] if last < len(knots) else np.inf
        if weight > 0 and len(self.pool.values):
            # Between two knots only the pool moves F: the row at which it reaches the level.
            t = self.pool.reaching((level - self.of_labels[last]) / weight)
            if t is not None and t < end:
                return t
            if last == len(knots):
                return float(max(knots[-1], self.pool.values[-1]))
        return float(knots[min(last, len(knots) - 1)])

    def first_above(self, level: float) -> float:
        """The smallest t with F(t) > level."""
        return self.quantile(level + 2 * _ROUNDING)

    def pool_share(self, t: float) -> float:
        """F_U(f <= t), 0 for an empty pool; where the pool was not kept, that of the knot beside t at worst."""
        after = int(np.searchsorted(self.knots, t, side="right"))
        low = self.at_knots[after - 1] if after else 0.0
        high = self.before_knots[after] if after < len(self.knots) else 1.0
        return float(np.clip(self.pool.at(np.array([t]))[0], low, high)) if self.pool.size else 0.0

    def __call__(self, t: float) -> float:
        """F(t)."""
        last = int(np.searchsorted(self.knots, t, side="right"))
        return float(self.of_labels[last] + self.pool_weight * self.pool_share(t))

    def highest(self, t: float) -> float:
        """The largest F up to t, from 0 to 1: with lambda above 0 F need not rise everywhere."""
        last = int(np.searchsorted(self.knots, t, side="right"))
        ends = self.of_labels[1:] + self.pool_weight * self.at_knots
        starts = self.of_labels[:-1] + self.pool_weight * self.before_knots
        return float(np.clip(np.max([*ends[:last], *starts[:last], self(t)]), 0.0, 1.0))

    def window(self, level: float, standard_error: float) -> RectifiedDistribution:
        """The same F with only as much of the pool as any interval may reach: so many standard errors to each side."""
        error = _WINDOW_ERRORS * standard_error
        low, high = (self.quantile(level + sign * error) for sign in (-1, 1))
        return replace(self, pool=self.pool.between(low, high))
