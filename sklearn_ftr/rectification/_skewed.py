"""Student's t for an estimate whose error is skewed: the end on the side of the long tail moves out.

The mean of skewed labels and its standard error are correlated: labels that miss the long tail have a low mean and look precise. To first order
the distribution of t has a tail that the skewness of the estimate tells (Hall 1992, "On the removal of skewness by
transformation", JRSS B 54), and two monotone transformations bring it to that of Student: Hall's cubic one, and the exponential one of Zhou and
Dinh (2005, Biostatistics 6). The smaller correction of the two is used: either explodes where the other does not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._error_terms import Shape
from sklearn_ftr.rectification._inference import (
    Alternative,
    ConfidenceInterval,
    Estimate,
    interval_between,
    like,
    p_value_of,
    t_statistic,
    tail_of,
)
from sklearn_ftr.rectification._student import t_above, t_quantile

# Measured in docs/which_interval.md. The skewness of few labels understates that of where they come from;
_UNDERSTATED = 1.2
# beyond the second number a correction is wider than it covers more.
_LARGEST = 0.65
# Skewness that moves a tail of 2.5 % by less than 1 %.
_NEGLIGIBLE = 0.1
# Less is none: formulas divide by it.
_NONE = 1e-6
# Over the degrees of freedom less 1: about two standard errors of the skewness of the mean of many normal labels, three of ten.
_CHANCE = 4.5
# In place of an infinite statistic; it has a cube.
_ENDLESS = 1e90


@dataclass(frozen=True, eq=False)
class SkewedT:
    """Intervals and tests of k numbers whose errors are skewed.

    Parameters
    ----------
    student : Estimate
    skewness : ndarray of shape (k,)
        Of the errors of these numbers; 0 is Student's t.
    """

    student: Estimate
    skewness: Array

    def confidence_interval(
        self, confidence_level: float = 0.95, alternative: Alternative = "two-sided"
    ) -> ConfidenceInterval:
        """See `Estimate.confidence_interval`."""
        tail = tail_of(confidence_level, alternative)
        degrees = np.atleast_1d(self.student.degrees_of_freedom)
        quantile = t_quantile(tail, degrees)
        lowest = np.minimum(_corrected(-quantile, self._used), -quantile)
        highest = np.maximum(_corrected(quantile, self._used), quantile)
        shape = np.shape(self.student.estimate)
        return interval_between(
            self.student, lowest.reshape(shape), highest.reshape(shape), alternative
        )

    def p_value(self, null: ArrayLike, alternative: Alternative = "two-sided") -> Any:
        """The inversion of the interval; see `Estimate.p_value`."""
        t = t_statistic(self.student, null)
        symmetric = _uncorrected(np.atleast_1d(t), self._used).reshape(t.shape)
        degrees = self.student.degrees_of_freedom
        above = t_above(np.minimum(t, symmetric), degrees)
        below = t_above(-np.maximum(t, symmetric), degrees)
        return p_value_of(self.student, null, above, below, alternative)

    @property
    def _used(self) -> Array:
        used = np.clip(_UNDERSTATED * self.skewness, -_LARGEST, _LARGEST)
        return np.where(np.abs(used) > _NONE, used, 0.0)


def skewed_beyond_chance(student: Estimate, shape: Shape) -> SkewedT:
    """With skewness that matters and is more than normal labels show by chance, or that predictions let expect; other numbers are Student's."""
    effective = with_effective_degrees(student, shape)
    degrees = effective.degrees_of_freedom if shape.are_alike else student.degrees_of_freedom
    chance = _CHANCE / np.maximum(np.atleast_1d(degrees) - 1, _NONE)
    seen = _beyond(shape.skewness, np.maximum(_NEGLIGIBLE, chance))
    expected = np.asarray(shape.expected_skewness)
    if expected.any():
        expected = _beyond(expected, _NEGLIGIBLE)
        seen = np.where(np.abs(expected) > np.abs(seen), expected, seen)
    return SkewedT(effective, seen)


def _beyond(skewness: Array, least: Any) -> Array:
    """Zero where it is not larger."""
    return skewness * (np.abs(skewness) > least)


def with_effective_degrees(student: Estimate, shape: Shape) -> Estimate:
    """With the variance and the degrees of freedom of the few pieces that decide on a number; labels of a mean that are all alike have their own."""
    if not shape.has_effective_degrees:
        return student
    degrees = np.minimum(student.degrees_of_freedom, shape.degrees_of_freedom)
    factor = np.sqrt(shape.inflation)
    return replace(
        student,
        covariance=student.covariance * np.outer(factor, factor),
        degrees_of_freedom=like(degrees, student.estimate),
    )


def _corrected(x: Array, skewness: Array) -> Array:
    """The quantile of t (k,) that the symmetric one becomes."""
    rho = np.where(skewness == 0, 1.0, skewness)
    moved = rho * (x - rho / 6)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponential = np.log(np.maximum(1 + 2 / 3 * moved, 0.0)) / (2 / 3 * rho)
    cubic = 3 / rho * (np.cbrt(1 + moved) - 1)
    return np.where(skewness == 0, x, _nearer(exponential, cubic))


def _uncorrected(t: Array, skewness: Array) -> Array:
    """The inverse of `_corrected`: what Student's distribution is asked about t (k,)."""
    rho = np.where(skewness == 0, 1.0, skewness)
    t = np.clip(t, -_ENDLESS, _ENDLESS)
    with np.errstate(over="ignore"):
        exponential = np.expm1(2 / 3 * rho * t) / (2 / 3 * rho)
        cubic = t + rho * t**2 / 3 + rho**2 * t**3 / 27
    further = np.where(np.abs(exponential) > np.abs(cubic), exponential, cubic)
    return np.where(skewness == 0, t, further + rho / 6)


def _nearer(first: Array, second: Array) -> Array:
    return np.where(np.abs(first) < np.abs(second), first, second)
