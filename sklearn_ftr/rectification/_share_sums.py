"""Intervals of weighted sums of shares, such as differences of pass rates, from those of the shares.

The squared distances from the estimate to the ends are put together as variances are (Newcombe 1998; Zou, Huang and Zhang 2009, "MOVER"), so
that the interval is as skewed as its parts and holds nothing that is impossible. Shares of the same rows are correlated: all distances are then
multiplied by one factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.rectification._binomial_tests import Tail, exact_tail, mixed_tail
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._inference import (
    Alternative,
    ConfidenceInterval,
    check_alternative,
    check_null,
    like,
)
from sklearn_ftr.rectification._scipy import brentq
from sklearn_ftr.rectification._share_interval import ShareInference, sides_of, unseen

# The logarithm of the smallest p-value.
_SMALLEST = -690.0


@dataclass(frozen=True, eq=False)
class ShareSums:
    """Sums of k shares, or of such sums.

    Parameters
    ----------
    weights : ndarray of shape (q, k)
    parts : tuple of ShareInference and ShareSums
        With k numbers in all.
    factor : ndarray of shape (q,)
        Standard error of each sum over that of a sum of independent parts.
    template : float or ndarray of shape (q,)
        Its shape is that of what is returned.
    """

    weights: Array
    parts: tuple[ShareInference | ShareSums, ...]
    factor: Array
    template: Any

    @property
    def estimate(self) -> Array:
        """In the middle of the interval (q,)."""
        return np.asarray(self.weights @ self._beside([part.estimate for part in self.parts]))

    @property
    def reach(self) -> tuple[Array, Array]:
        """The smallest and the largest sums (q,) that are possible."""
        ends = zip(*(part.reach for part in self.parts), strict=True)
        least, most = map(self._beside, ends)
        above, below = np.maximum(self.weights, 0.0), np.maximum(-self.weights, 0.0)
        return above @ least - below @ most, above @ most - below @ least

    def limits(self, level: float, tail: Tail) -> tuple[Array, Array]:
        """The sums (q,) that lie at the ends of intervals which leave out `level` on either side."""
        ends = zip(*(part.limits(level, tail) for part in self.parts), strict=True)
        low, high = map(self._beside, ends)
        middle = self._beside([part.estimate for part in self.parts])
        down, up = (np.maximum(one, 0.0) ** 2 for one in (middle - low, high - middle))
        above, below = np.maximum(self.weights, 0.0) ** 2, np.minimum(self.weights, 0.0) ** 2
        least, most = self.reach
        estimate = self.weights @ middle
        return (
            np.maximum(estimate - self.factor * np.sqrt(above @ down + below @ up), least),
            np.minimum(estimate + self.factor * np.sqrt(above @ up + below @ down), most),
        )

    def confidence_interval(
        self, confidence_level: float = 0.95, alternative: Alternative = "two-sided"
    ) -> ConfidenceInterval:
        """As `ShareInference.confidence_interval`, within what is possible: [-1, 1] of a difference."""
        low, high = self.limits(*sides_of(confidence_level, alternative))
        least, most = self.reach
        return ConfidenceInterval(
            like(np.where(alternative == "less", least, low), self.template),
            like(np.where(alternative == "greater", most, high), self.template),
        )

    def p_value(self, null: ArrayLike, alternative: Alternative = "two-sided") -> Any:
        """The largest level at which the interval does not hold `null`; as `ShareInference.p_value`."""
        check_alternative(alternative)
        nulls = np.broadcast_to(check_null(null, self.template), self.estimate.shape)
        values = [self._p_value(at, value, alternative) for at, value in enumerate(nulls)]
        return like(np.array(values), self.template)

    @property
    def spread(self) -> Array:
        """Of the k parts; see `ShareInference.spread`."""
        return self._beside([part.spread for part in self.parts])

    def variance(self, spread: Array) -> Array:
        """See `ShareInference.variance`."""
        ends = np.cumsum([len(part.spread) for part in self.parts])
        own = zip(self.parts, np.split(spread, ends[:-1]), strict=True)
        variances = self._beside([part.variance(one) for part, one in own])
        return np.asarray(self.factor**2 * (self.weights**2 @ variances))

    def picked(self, weights: Array, template: Any) -> ShareSums | None:
        """As `ShareInference.picked`."""
        at = weights.argmax(axis=1)
        if not np.array_equal(weights, np.eye(len(self.weights))[at]):
            return None
        return ShareSums(self.weights[at], self.parts, self.factor[at], template)

    def _p_value(self, at: int, null: float, alternative: Alternative) -> float:
        if alternative == "two-sided":
            return min(1.0, 2 * self._level(at, null, null < self.estimate[at], mixed_tail))
        return self._level(at, null, alternative == "greater", exact_tail)

    def _level(self, at: int, null: float, above: bool, tail: Tail) -> float:
        """Of the one-sided interval from `null` up, or down to it."""

        def beyond(log_level: float) -> float:
            low, high = self.limits(float(np.exp(log_level)), tail)
            return float(low[at] - null if above else null - high[at])

        if beyond(_SMALLEST) > 0:
            return 0.0
        if beyond(0.0) <= 0:
            return 1.0
        return float(np.exp(brentq(beyond, _SMALLEST, 0.0, xtol=1e-12)))

    @staticmethod
    def _beside(columns: Sequence[Array]) -> Array:
        return np.concatenate(columns)


def difference_of_shares(first: Any, second: Any, correlation: float = 0.0) -> ShareSums | None:
    """The second part minus the first, where both are shares; they are correlated where clusters have rows of both."""
    if not (isinstance(first, ShareInference) and isinstance(second, ShareInference)):
        return None
    variances = np.concatenate([one.variance(one.spread) for one in (first, second)])
    total = variances.sum()
    shared = 2 * correlation * np.sqrt(variances.prod()) / total if total > 0 else 0.0
    factor = np.sqrt([max(1 - shared, 0.0)])
    return ShareSums(np.array([[-1.0, 1.0]]), (first, second), factor, 0.0)


def sums_of_shares(
    shares: Sequence[Any], weights: Array, covariance: Array, rows: int, template: Any
) -> ShareInference | ShareSums | None:
    """Sums, with weights (q, k), of the k numbers of results that are shares; None where some are not.

    Parameters
    ----------
    shares : sequence of ShareInference, ShareSums or None
        Of each result.
    weights : ndarray of shape (q, k)
    covariance : ndarray of shape (k, k)
        Of all numbers.
    rows : int
        How many labeled pieces the covariance comes from: few of them show few rows, or none, on which the numbers differ.
    template : float or ndarray of shape (q,)
    """
    parts = tuple(one for one in shares if isinstance(one, ShareInference | ShareSums))
    if len(parts) < len(shares):
        return None
    if len(parts) == 1 and (picked := parts[0].picked(weights, template)) is not None:
        return picked
    return ShareSums(weights, parts, _factor(weights, covariance, unseen(rows)), template)


def _factor(weights: Array, covariance: Array, added: float) -> Array:
    """Standard errors of sums over those of sums of independent numbers, to whose variances `added` is added.

    A row that was not seen adds to the sum what its numbers add together, at worst all those of one sign; to a difference of numbers that are alike what one of them adds.
    """
    squares = weights**2
    joint = np.maximum(np.sum((weights @ covariance) * weights, axis=1), 0.0)
    apart = squares @ np.diag(covariance)
    unlike = np.divide(np.minimum(joint, apart), apart, out=np.ones_like(apart), where=apart > 0)
    sides = np.maximum(weights, 0.0).sum(axis=1), np.minimum(weights, 0.0).sum(axis=1)
    least, most = np.square(sides).max(axis=0), np.square(sides).sum(axis=0)
    rows = least + unlike * (most - least)
    whole = apart + squares.sum(axis=1) * added
    ratio = np.divide(joint + rows * added, whole, out=np.ones_like(whole), where=whole > 0)
    return np.sqrt(ratio)


def efficiency_of_shares(shares: Any, alone: Any) -> Array:
    """Variance of what labels alone say over that of what is known (q,), were shares the same."""
    spread = shares.spread
    labels, own = alone.variance(spread), shares.variance(spread)
    return np.divide(labels, own, out=np.ones_like(own), where=own > 0)
