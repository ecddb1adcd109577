"""The rectified distribution function F(t) = F_R(y <= t) + lambda (F_U(f <= t) - F_R(f <= t)) of one judge, and its inverse."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sklearn_ftr._short_repr import short_repr
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._fields_only import FieldsOnly
from sklearn_ftr.rectification._parts_of_f import Knots, PartsOfF

# Sums of shares are exact to this.
_ROUNDING = 1e-12


@short_repr
@dataclass(frozen=True, eq=False)
class RectifiedDistribution(FieldsOnly):
    """F for one lambda, of parts that all levels have in common.

    Labels that have only trained enter with the weight `recycled`.
    """

    parts: PartsOfF
    lambda_: float
    recycled: float

    @cached_property
    def knots(self) -> Knots:
        """Where labels or their predictions make F jump."""
        return self.parts.knots(tuple(weight != 0 for weight in self._weights))

    @property
    def _weights(self) -> tuple[float, float, float]:
        """Of labels, of predictions of labeled rows, and of labels that are recycled."""
        rest = 1 - self.recycled
        return rest, -self.lambda_ * rest, self.recycled

    @cached_property
    def _heights(self) -> tuple[Array, Array]:
        """Before the first knot and from each one on: the part of F that does not change with the pool, and the largest F so far."""
        knots, weights = self.knots, [weight for weight in self._weights if weight]
        steps = zip(weights, knots.of_labels, strict=True)
        of_labels = np.zeros(len(knots.values) + 1)
        of_labels[1:] = sum(weight * shares for weight, shares in steps)
        at = of_labels[1:] + self.pool_weight * knots.of_pool
        before = of_labels[:-1] + self.pool_weight * knots.of_pool_before
        highest = np.full(len(of_labels), -np.inf)
        np.maximum.accumulate(np.maximum(at, before), out=highest[1:])
        return of_labels, highest

    @property
    def pool_weight(self) -> float:
        """Weight of the pool's share in F."""
        return self.lambda_ * (1 - self.recycled)

    def quantile(self, level: float) -> float:
        """The smallest t with F(t) >= level; the largest value of all where F never gets there."""
        level, knots, pool = level - _ROUNDING, self.knots.values, self.parts.of_pools[0]
        of_labels, highest = self._heights
        last = int(highest[1:].searchsorted(level))
        end = knots[last] if last < len(knots) else np.inf
        weight = self.pool_weight
        if weight > 0 and pool.size:
            # Between two knots only the pool moves F: the row at which it reaches the level.
            t = pool.reaching(float(level - of_labels[last]) / weight)
            if t is not None and t < end:
                return t
            if last == len(knots):
                return float(max(knots[-1], pool.values[-1]))
        return float(knots[min(last, len(knots) - 1)])

    def first_above(self, level: float) -> float:
        """The smallest t with F(t) > level."""
        return self.quantile(level + 2 * _ROUNDING)

    def __call__(self, t: float) -> float:
        """F(t)."""
        last = int(self.knots.values.searchsorted(t, side="right"))
        of_pool = self.parts.of_pools[0].at(np.array([t]))[0]
        return float(self._heights[0][last] + self.pool_weight * of_pool)

    def highest(self, t: float) -> float:
        """The largest F up to t, from 0 to 1: with lambda above 0 F need not rise everywhere."""
        last = int(self.knots.values.searchsorted(t, side="right"))
        return float(np.clip(max(self._heights[1][last], self(t)), 0.0, 1.0))
