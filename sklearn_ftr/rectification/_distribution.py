"""The rectified distribution function F(t) = F_R(y <= t) + lambda (F_U(f <= t) - F_R(f <= t)), and its inverse.

At a fixed t it is a rectified mean of indicators, which gives its standard error; lambda is the one with which the variances of
F just below a quantile and at it are smallest together. Under a sampling design its parts are weighted shares.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._deviations import Deviations
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._moments import Moments
from sklearn_ftr.rectification._rectify import rectify
from sklearn_ftr.rectification._recycling import recycle_labels
from sklearn_ftr.rectification._sample import Sample
from sklearn_ftr.rectification._sampling import PoolPart, Sampling, SimpleRandom
from sklearn_ftr.rectification._shares import Ordered, Shares

# Standard errors of F on each side of a quantile for which the pool's values are kept: enough for any interval.
_WINDOW_ERRORS = 12
# Sums of shares are exact to this.
_ROUNDING = 1e-12
# Rows of the pool whose indicators are made at once.
_BLOCK_ROWS = 65_536


@dataclass(frozen=True, eq=False)
class TwoStageShares:
    """A sample of labels (r,), and the shares of its parts: of labels, of their predictions, of the pool's, of labels that are recycled.

    Labels of a finite population that have trained are a part of it that is known, and enter with its weight.
    """

    sample: Sample

    @cached_property
    def recycled(self) -> Array:
        """Labels that have trained and enter the estimate; none if they do not."""
        trained = self.sample.trained
        used = trained is not None and (trained.recycle or trained.share > 0)
        return trained.y if trained is not None and used else np.empty(0)

    @property
    def known_share(self) -> float:
        """Which part of a finite population these are; 0 of another."""
        return 0.0 if self.sample.trained is None else self.sample.trained.share

    @cached_property
    def counted(self) -> Array:
        """Labels that enter the estimate, those that rectify first."""
        return np.concatenate([self.sample.y, self.recycled])

    @property
    def sampling(self) -> Sampling:
        """How these were drawn."""
        if not len(self.recycled):
            return self.sample.drawn
        return self.sample.every

    @property
    def n_counted(self) -> int:
        """How many of these labels have a weight."""
        weights = self.sampling.weights
        return len(self.counted) if weights is None else int(np.count_nonzero(weights))

    @property
    def weights_of_recycled(self) -> Array | None:
        """Of labels that are recycled."""
        trained, weights = self.sample.trained, self.sampling.weights
        if trained is not None and trained.weights is not None:
            return trained.weights
        return None if weights is None else weights[len(self.sample.y) :]

    @cached_property
    def of_y(self) -> Shares:
        """F_R(y <= t)."""
        return Shares.of(self.sample.y, self.sample.drawn.weights)

    @cached_property
    def of_f(self) -> Shares:
        """F_R(f <= t)."""
        return Shares.of(self.sample.f[:, 0], self.sample.drawn.weights)

    @cached_property
    def of_recycled(self) -> Shares:
        """F of labels that are recycled."""
        return Shares.of(self.recycled, self.weights_of_recycled)

    @cached_property
    def of_pool(self) -> Shares:
        """F_U(f <= t), of unlabeled rows or, where labels were drawn with probabilities, of all rows."""
        sample, drawn = self.sample, self.sample.drawn
        values, weights = sample.f_pool[:].reshape(-1), drawn.pool_weights
        if drawn.own_weights is not None and len(values):
            others = np.ones(len(values)) if weights is None else weights
            weights = np.concatenate([drawn.own_weights, others])
            values = np.concatenate([sample.f[:, 0], values])
        return Shares.of(values, weights)

    def below(self, sides: Array, of_pool: Shares) -> PoolPart:
        """Of the pool's indicators of being at most as large as each of `sides` (k,)."""
        drawn = self.sample.drawn
        if isinstance(drawn, SimpleRandom):
            return _moments_of_indicators(of_pool.at(sides), of_pool.size)

        def blocks() -> Iterator[Array]:
            if drawn.own_weights is not None and len(self.sample.f_pool):
                yield _indicators(self.sample.f[:, 0], sides)
            for start in range(0, len(self.sample.f_pool), _BLOCK_ROWS):
                rows = self.sample.f_pool[start : start + _BLOCK_ROWS]
                yield _indicators(rows.reshape(-1), sides)

        return drawn.pool_part(blocks(), len(sides))


def _indicators(values: Ordered, sides: Array) -> Array:
    return (values[:, None] <= sides).astype(float)


def _moments_of_indicators(shares: Array, size: int) -> Moments:
    """Of indicators of being at most as large as two or more numbers in ascending order, from their means."""
    both = np.minimum.outer(shares, shares)
    return Moments(size, shares, size * (both - np.outer(shares, shares)))


@dataclass(frozen=True)
class Sides:
    """F just below a point and at it: its errors there, and the weights with which they are smallest.

    Below and at an atom F can be far apart, and so can its errors; elsewhere both are alike. Arrays are (2,), below first.
    """

    standard_errors: Array
    degrees_of_freedom: Array
    lambda_: float
    recycled: float
    influence: Influence


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
        pool = shares.of_pool
        weights = {
            "of_y": 1 - recycled,
            "of_f": -lambda_ * (1 - recycled),
            "of_recycled": recycled,
        }
        steps = [(getattr(shares, name), weight) for name, weight in weights.items() if weight]
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


@dataclass(frozen=True, eq=False)
class Indicators:
    """Of labels (r, 2) being below t and at most t, and their deviations beside those of predictions."""

    shares: TwoStageShares
    of_y: Array
    of_counted: Array
    here: Deviations

    @classmethod
    def of(cls, shares: TwoStageShares, t: float) -> Indicators:
        """At t."""
        sides, sample = np.array([np.nextafter(t, -np.inf), t]), shares.sample
        of_y, of_f = (_indicators(rows, sides) for rows in (sample.y, sample.f[:, 0]))
        of_counted = of_y
        if len(shares.recycled):
            of_counted = np.concatenate([of_y, _indicators(shares.recycled, sides)])
        exact = np.zeros(2), np.zeros(2)
        here = sample.drawn.deviations(of_y, of_f, shares.below(sides, shares.of_pool), exact)
        return cls(shares, of_y, of_counted, here)

    @cached_property
    def every(self) -> Deviations:
        """Of all labels that count."""
        return self.shares.sampling.deviations_of_labels(self.of_counted)

    @cached_property
    def of_rows(self) -> Array:
        """V (2,) of all labels that count."""
        return self.shares.sampling.variance_of_rows(self.of_counted)

    @property
    def design_effect(self) -> Array | None:
        """Of labels that rectify."""
        return self.shares.sample.drawn.design_effect(self.of_y, self.here)

    def rectified(self, lambda_: float | None) -> Sides:
        """F(t-) and F(t) as rectified means, with the lambda and the weight of trained labels that are best for both."""
        weight, sample = "overall" if lambda_ is None else lambda_, self.shares.sample
        rectified = rectify(self.here, weight, sample.cross_fitting_degrees(self.here, 1))
        estimate, influence = rectified.estimate, rectified.influence
        known = self.shares.known_share if len(sample.f_pool) else 0.0
        own = slice(len(self.of_y), None)
        n_own = self.shares.sampling.n_pieces_among(own) if len(self.shares.recycled) else 0
        if known:
            estimate = replace(estimate, covariance=(1 - known) ** 2 * estimate.covariance)
            influence = influence.scaled(1 - known)
        elif len(sample.f_pool) and n_own:
            own_mean = np.average(self.of_counted[own], axis=0, weights=self.shares.weights_of_recycled)
            estimate, recycled = recycle_labels(
                estimate, self.every, self.here, own_mean, n_own, one_weight=True
            )
            influence = replace(influence, recycled=recycled)
        return Sides(
            standard_errors=np.sqrt(np.diag(estimate.covariance)),
            degrees_of_freedom=estimate.degrees_of_freedom,
            lambda_=float(rectified.lambda_[0]),
            recycled=known or float(influence.recycled_weight[0]),
            influence=influence,
        )
