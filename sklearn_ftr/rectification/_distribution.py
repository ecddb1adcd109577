"""The rectified distribution function F(t) = F_R(y <= t) + lambda (F_U(f <= t) - F_R(f <= t)), and its inverse.

At a fixed t it is a rectified mean of indicators, which gives its standard error and the lambda with the smallest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._mean import rectify
from sklearn_ftr.rectification._moments import Moments
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
class Share:
    """The error of F at a point, and the weights that make it smallest."""

    standard_error: float
    degrees_of_freedom: float
    lambda_: float
    influence: Influence

    @property
    def recycled(self) -> float:
        """Weight of labels that have only trained."""
        return float(self.influence.recycled_weight[0])


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

    def share(self, t: float, lambda_: float | None) -> Share:
        """F(t) as a rectified mean of indicators, with a lambda of its own and the best weight of trained labels."""
        known, m, labels = np.array([self.pool_share(t)]), self.pool_size, self.labels
        products = np.diag(m * known * (1 - known))
        of_y, of_f, of_trained = (
            (rows <= t).astype(float)[:, None] for rows in (labels.y, labels.f, labels.trained)
        )
        rectified = rectify(of_y, of_f, Moments(m, known, products), lambda_, labels.degrees_of_freedom)
        estimate, influence = rectified.estimate, rectified.influence
        if m and len(of_trained):
            estimate, recycled = recycle_labels(estimate, of_y, of_trained)
            influence = replace(influence, recycled=recycled)
        return Share(
            float(np.sqrt(estimate.covariance[0, 0])),
            float(estimate.degrees_of_freedom[0]),
            float(rectified.lambda_[0]),
            influence,
        )

    def window(self, level: float, standard_error: float) -> RectifiedDistribution:
        """The same F with only as much of the pool as any interval may reach: so many standard errors to each side."""
        error = _WINDOW_ERRORS * standard_error
        low, high = (self.quantile(level + sign * error) for sign in (-1, 1))
        first, last = (int(_rank(self.pool, np.array([t]))[0]) for t in (low, high))
        first = max(first - 1, 0)
        return replace(self, pool=self.pool[first : last + 1].copy(), below=first)


def _rank(ordered: Vector, t: Array, side: Literal["left", "right"] = "right") -> NDArray[np.intp]:
    """How many of the ordered values are at most t, or ("left") less; a float32 pool is not copied."""
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
