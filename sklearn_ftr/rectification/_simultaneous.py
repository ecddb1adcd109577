"""Many numbers at once: the level of each interval at which all hold, and p-values adjusted for how many there are.

Statistics are taken to be jointly normal with the correlation of the estimates, each brought to its own Student t (a normal copula): standard errors
come from each number's own residuals, so that a multivariate t, which shares one standard error among all, would be too short (docs/statistics.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_ftr._arguments import check_choice
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._scipy import brentq, ndtr, ndtri, scipy_module

ADJUSTMENTS = ("max-t", "holm", "bh", "by")
# Draws times numbers, and the fewest and most draws; the seed of all of them.
_ELEMENTS, _FEWEST_DRAWS, _MOST_DRAWS, _SEED = 2**21, 2**11, 2**14, 0
# More p-values than that are interpolated between as many.
_POINTS = 16
# Normal quantiles beyond which a tail is 1, or 0.
_LOWEST, _HIGHEST = -8.0, 37.0
# What rounding may take from numbers that are the same.
_ROUNDING = 1e-9


def level_of_each(covariance: Array, confidence_level: float, two_sided: bool) -> float:
    """The level of each interval at which the intervals of all numbers hold together with `confidence_level`."""
    correlation = _correlation(covariance)
    if len(correlation) < 2:
        return confidence_level
    sides = 1 + two_sided
    largest = LargestOfMany.of(correlation, two_sided)
    return 1 - float(sides * ndtr(-largest.critical_value(1 - confidence_level)))


def adjusted(p: Any, adjust: str, covariance: Array, two_sided: bool) -> Array:
    """P-values (k,), each adjusted for all of them."""
    check_choice(adjust, "adjust", ADJUSTMENTS)
    of_each = np.atleast_1d(p)
    if adjust == "max-t":
        return _max_t(of_each, covariance, two_sided)
    if adjust == "holm":
        return _holm(of_each)
    method = "bh" if adjust == "bh" else "by"
    return np.asarray(scipy_module("stats").false_discovery_control(of_each, method=method))


def _holm(p: Array) -> Array:
    """Holm (1979): the smallest times k, the next times k - 1, and so on, none below the one before."""
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return np.minimum(steps, 1.0)[np.argsort(order)]


def _max_t(p: Array, covariance: Array, two_sided: bool) -> Array:
    """Probability that the smallest of all p-values is at most each of these; numbers that do not vary are none of them."""
    varying = np.diag(covariance) > 0
    correlation, steps = _correlation(covariance), p.copy()
    if len(correlation) < 2:
        return steps
    largest = LargestOfMany.of(correlation, two_sided)
    statistics = np.clip(-ndtri(p[varying] / (1 + two_sided)), _LOWEST, _HIGHEST)
    points = np.unique(statistics)
    if len(points) > _POINTS:
        points = np.linspace(points[0], points[-1], _POINTS)
    shares = np.interp(statistics, points, [largest.share_of_bound(c) for c in points])
    steps[varying] = np.minimum(len(correlation) * p[varying] * shares, 1.0)
    return steps


def _correlation(covariance: Array) -> Array:
    """Of the numbers that vary."""
    errors = np.sqrt(np.diag(covariance))
    varying = errors > 0
    return covariance[np.ix_(varying, varying)] / np.outer(errors[varying], errors[varying])


@dataclass(frozen=True, eq=False)
class LargestOfMany:
    """Upper tail of the largest of k correlated standard normal variables, or of the largest absolute value.

    The probability that any exceeds c is the sum of k tails, Bonferroni's bound, times the mean of 1 / S, S counting those that exceed c where a
    given one does (Owen, Maximov and Chertkov 2019, "Importance sampling the union of rare events", Electronic Journal of Statistics 13).
    That mean is 1 for variables that never exceed c together and 1 / k for k times the same one, without error.

    Parameters
    ----------
    correlation : ndarray of shape (k, k)
    two_sided : bool
        Whether absolute values are meant.
    tails : ndarray of shape (b, k)
        Evenly spread in (0, 1): where in its tail the given variable is.
    others : ndarray of shape (b, k, k)
        Draws of all variables, less what the given one, the second axis, says of them.
    """

    correlation: Array
    two_sided: bool
    tails: Array
    others: Array

    @classmethod
    def of(cls, correlation: Array, two_sided: bool) -> LargestOfMany:
        """With as many draws as time allows, always the same ones."""
        k, rng = len(correlation), np.random.default_rng(_SEED)
        count = int(np.clip(_ELEMENTS // k, _FEWEST_DRAWS, _MOST_DRAWS))
        blocks = -(-count // k)
        root = _root(correlation)
        draws = rng.standard_normal((blocks * k, root.shape[1])) @ root.T
        of_blocks = draws.reshape(blocks, k, k)
        given = np.diagonal(of_blocks, axis1=1, axis2=2)
        tails = (rng.permutation(blocks * k) + 0.5) / (blocks * k)
        others = of_blocks - given[:, :, None] * correlation
        return cls(correlation, two_sided, tails.reshape(blocks, k), others)

    def share_of_bound(self, c: float) -> float:
        """Mean of 1 / S: the probability that any exceeds c over the sum of the k probabilities that each does."""
        given = -ndtri(self.tails * ndtr(-c))
        values = given[:, :, None] * self.correlation
        values += self.others
        if self.two_sided:
            np.abs(values, out=values)
        return float(np.mean(1 / np.maximum(np.count_nonzero(values >= c - _ROUNDING, axis=2), 1)))

    def critical_value(self, tail: float) -> float:
        """The c that any exceeds with probability `tail`: between that of one variable and Bonferroni's."""
        sides, k = 1 + self.two_sided, len(self.correlation)
        lowest, highest = (-float(ndtri(tail / sides / count)) for count in (1, k))

        def excess(c: float) -> float:
            return float(k * sides * ndtr(-c) * self.share_of_bound(c) - tail)

        return float(brentq(excess, lowest - 1e-6, highest + 1e-6, xtol=_ROUNDING))


def _root(correlation: Array) -> Array:
    """A matrix whose product with its transpose is the correlation, singular or not."""
    try:
        return np.asarray(np.linalg.cholesky(correlation))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(correlation)
        kept = values > values[-1] * 1e-12
        return np.asarray(vectors[:, kept] * np.sqrt(values[kept]))
