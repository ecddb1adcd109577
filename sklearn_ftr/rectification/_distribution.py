"""The rectified distribution function F(t) = F_R(y <= t) + lambda (F_U(f <= t) - F_R(f <= t)), and its inverse.

At a fixed t it is a rectified mean of indicators, which gives its standard error; lambda is the one with which the variances of
F just below a quantile and at it are smallest together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._deviations import deviations_of_rows
from sklearn_ftr.rectification._inference import mean_estimate
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._moments import Moments, moments
from sklearn_ftr.rectification._rectify import rectify
from sklearn_ftr.rectification._recycling import recycle_labels

Vector = NDArray[np.floating[Any]]
# Standard errors of F on each side of a quantile for which the pool's values are kept: enough for any interval.
_WINDOW_ERRORS = 12
# Sums of shares are exact to this.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class TwoStageLabels:
    """Labels (r,) with predictions, and labels that have only trained and are recycled (none if they are not)."""

    y: Array
    f: Array
    trained: Array
    degrees_of_freedom: int | None

    @property
    def every(self) -> Array:
        """All of them."""
        return np.concatenate([self.y, self.trained])


@dataclass(frozen=True)
class Sides:
    """F just below a point and at it: its errors there, and the weights with which they are smallest.

    Below and at an atom F can be far apart, and so can its errors; elsewhere both are alike. Arrays are (2,), below first.
    """

    standard_errors: Array
    of_labels: Array  # the standard errors of F of all labels alone
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

    labels: TwoStageLabels
    pool: Vector
    below: int
    pool_size: int
    lambda_: float
    recycled: float
    knots: Array
    at_knots: Array
    before_knots: Array
    of_labels: Array

    @classmethod
    def of(
        cls, labels: TwoStageLabels, pool: Vector, lambda_: float, recycled: float
    ) -> RectifiedDistribution:
        """With all of the pool."""
        m = len(pool)
        weights = {"y": 1 - recycled, "f": -lambda_ * (1 - recycled), "trained": recycled}
        steps = [(getattr(labels, name), weight) for name, weight in weights.items() if weight]
        knots = np.unique(np.concatenate([rows for rows, _ in steps]))
        at, before = (_rank(pool, knots, side) / max(m, 1) for side in ("right", "left"))
        shares = [weight * _rank(np.sort(rows), knots) / len(rows) for rows, weight in steps]
        of_labels = np.concatenate([[0.0], np.sum(shares, axis=0)])
        return cls(labels, pool, 0, m, lambda_, recycled, knots, at, before, of_labels)

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
        if weight > 0 and len(self.pool):
            # Between two knots only the pool moves F: the row at which it reaches the level.
            rank = np.ceil((level - self.of_labels[last]) / weight * self.pool_size) - 1
            row = int(np.clip(rank - self.below, 0, len(self.pool) - 1))
            if rank < self.pool_size and self.pool[row] < end:
                return float(self.pool[row])
            if last == len(knots):
                return float(max(knots[-1], self.pool[-1]))
        return float(knots[min(last, len(knots) - 1)])

    def first_above(self, level: float) -> float:
        """The smallest t with F(t) > level."""
        return self.quantile(level + 2 * _ROUNDING)

    def pool_share(self, t: float) -> float:
        """F_U(f <= t), 0 for an empty pool; where the pool was not kept, that of the knot beside t at worst."""
        one = np.array([t])
        share = (self.below + _rank(self.pool, one)[0]) / max(self.pool_size, 1)
        after = int(np.searchsorted(self.knots, t, side="right"))
        low = self.at_knots[after - 1] if after else 0.0
        high = self.before_knots[after] if after < len(self.knots) else 1.0
        return float(np.clip(share, low, high)) if self.pool_size else 0.0

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

    def around(self, t: float, lambda_: float | None) -> Sides:
        """F(t-) and F(t) as rectified means of indicators, with the lambda and the weight of trained labels that are best for both."""
        sides = np.array([np.nextafter(t, -np.inf), t])
        labels, m = self.labels, self.pool_size
        of_y, of_f, of_trained = (
            (rows[:, None] <= sides).astype(float) for rows in (labels.y, labels.f, labels.trained)
        )
        weight = "overall" if lambda_ is None else lambda_
        degrees = labels.degrees_of_freedom
        exact = np.zeros(2), np.zeros(2)
        sample = deviations_of_rows(of_y, of_f, self._pool_moments(sides), exact)
        rectified = rectify(sample, weight, degrees)
        estimate, influence = rectified.estimate, rectified.influence
        if m and len(of_trained):
            estimate, recycled = recycle_labels(estimate, of_y, of_trained, one_weight=True)
            influence = replace(influence, recycled=recycled)
        return Sides(
            standard_errors=np.sqrt(np.diag(estimate.covariance)),
            of_labels=mean_estimate(moments(np.concatenate([of_y, of_trained]))).standard_error,
            degrees_of_freedom=estimate.degrees_of_freedom,
            lambda_=float(rectified.lambda_[0]),
            recycled=float(influence.recycled_weight[0]),
            influence=influence,
        )

    def _pool_moments(self, sides: Array) -> Moments:
        """Of the pool's indicators of being below t, and at most t."""
        below, at = shares = np.array([self.pool_share(side) for side in sides])
        both = below * (1 - at)
        covariance = np.array([[below * (1 - below), both], [both, at * (1 - at)]])
        return Moments(self.pool_size, shares, self.pool_size * covariance)

    def window(self, level: float, standard_error: float) -> RectifiedDistribution:
        """The same F with only as much of the pool as any interval may reach: so many standard errors to each side."""
        error = _WINDOW_ERRORS * standard_error
        low, high = (self.quantile(level + sign * error) for sign in (-1, 1))
        first, last = (int(_rank(self.pool, np.array([t]))[0]) for t in (low, high))
        first = max(first - 1, 0)
        return replace(self, pool=self.pool[first : last + 1].copy(), below=first)


def _rank(ordered: Vector, t: Array, side: Literal["left", "right"] = "right") -> NDArray[np.intp]:
    """How many of the ordered values are at most t, or ("left") less; a float32 pool is not copied."""
    if ordered.dtype == t.dtype:
        return np.searchsorted(ordered, t, side)
    with np.errstate(over="ignore"):
        nearest = t.astype(ordered.dtype)
    above = nearest > t
    nearest = np.where(above, np.nextafter(nearest, -np.inf, dtype=ordered.dtype), nearest)
    if side == "left":  # of values that lie between two float32, both have the same rows below them
        exact = nearest == t
        return np.where(
            exact, *(np.searchsorted(ordered, nearest, side=one) for one in ("left", "right"))
        )
    return np.searchsorted(ordered, nearest, side="right")
