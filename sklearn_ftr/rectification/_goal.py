"""What labels are to reach: an interval, an effect that is found, an order that is certain; and the smallest number that does.

The power of a t test is that of the noncentral t distribution, by formula 26.7.10 of Abramowitz and Stegun (1964), "Handbook of mathematical functions": labels
that it asks for are within 1 % of the exact number from 8 degrees of freedom on, and endless degrees of freedom are no exception.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sklearn_ftr._arguments import check_confidence_level, check_number
from sklearn_ftr._short_repr import short_repr
from sklearn_ftr._shows_table import ShowsFields
from sklearn_ftr.rectification._scipy import ndtr
from sklearn_ftr.rectification._student import t_quantile

# A goal that is met exactly is met, whatever rounding says.
_ROUNDING = 1e-12


class Wanted(ShowsFields, ABC):
    """A goal for variances (k,) with their degrees of freedom (k,); `str` says it in words."""

    easier: ClassVar[str]

    @abstractmethod
    def reached(self, variance: Any, degrees: Any) -> bool:
        """Whether such variances reach it, all of them."""


@dataclass(frozen=True)
class HalfWidth(Wanted):
    """An interval of +- `half_width`.

    Attributes
    ----------
    half_width, confidence_level : float
    """

    half_width: float
    confidence_level: float
    easier: ClassVar[str] = "a wider interval"

    def reached(self, variance: Any, degrees: Any) -> bool:
        """Whether no interval is wider."""
        square = squared_half_width(variance, degrees, self.confidence_level)
        return bool(np.all(square <= self.half_width**2 * (1 + _ROUNDING)))

    def __str__(self) -> str:
        return f"an interval of +- {self.half_width:g}"


@dataclass(frozen=True)
class Effect(Wanted):
    """A two-sided test of a null that is `effect` away, which is significant on the right side with the probability `power`.

    Attributes
    ----------
    effect, confidence_level, power : float
        Significant: p at or below one minus the confidence level.
    """

    effect: float
    confidence_level: float
    power: float
    easier: ClassVar[str] = "a larger effect"

    def reached(self, variance: Any, degrees: Any) -> bool:
        """Whether each test has that power."""
        power = power_of(self.effect, variance, degrees, 1 - self.confidence_level)
        return bool(np.all(power >= self.power - _ROUNDING))

    def __str__(self) -> str:
        return f"an effect of {self.effect:g} to be found with a power of {self.power:.4g}"


@short_repr
@dataclass(frozen=True)
class Order(Wanted):
    """All neighbors of an order, `differences` (k - 1) apart, found different at once with the probability `power`, p-values adjusted by Holm's method.

    Attributes
    ----------
    differences : tuple of float
    confidence_level, power : float
    """

    differences: tuple[float, ...]
    confidence_level: float
    power: float
    easier: ClassVar[str] = "less power"

    def reached(self, variance: Any, degrees: Any) -> bool:
        """Whether the chances to miss a pair add up to less than one minus the power.

        Holm's method finds all pairs if the weakest has p <= alpha, the next one p <= alpha / 2 and so on.
        """
        weakest_first = np.argsort(_in_errors(self.differences, variance))
        alpha = np.empty(len(weakest_first))
        alpha[weakest_first] = (1 - self.confidence_level) / np.arange(1, len(alpha) + 1)
        missed = 1 - power_of(np.array(self.differences), variance, degrees, alpha)
        return bool(missed.sum() <= 1 - self.power + _ROUNDING)

    def __str__(self) -> str:
        return f"an order of {len(self.differences) + 1} to be certain with a power of {self.power:.4g}"


def wanted(half_width: Any, effect: Any, power: Any, confidence_level: Any) -> HalfWidth | Effect:
    """The goal that a user names: one of `half_width` and `effect`."""
    level = check_confidence_level(confidence_level)
    if (half_width is None) == (effect is None):
        raise ValueError(
            f"half_width is {half_width!r} and effect {effect!r}; expected a number for one of them, and None for the other."
        )
    if effect is None:
        return HalfWidth(_positive(half_width, "half_width"), level)
    return Effect(_positive(effect, "effect"), level, check_power(power))


def check_power(power: Any) -> float:
    """A probability between 0 and 1."""
    expected = "a probability between 0 and 1, such as 0.8"
    return check_number(power, "power", expected, lambda one: 0 < one < 1)


def _positive(size: Any, name: str) -> float:
    expected = "a number above 0, in units of the estimate"
    return check_number(size, name, expected, lambda one: 0 < one < np.inf)


def squared_half_width(variance: Any, degrees: Any, confidence_level: float) -> Any:
    """Of Student t intervals."""
    return variance * t_quantile((1 - confidence_level) / 2, degrees) ** 2


def power_of(effect: Any, variance: Any, degrees: Any, alpha: Any) -> Any:
    """The chance that two-sided t tests of a null `effect` away are significant, on the right side."""
    t = t_quantile(alpha / 2, degrees)
    shift = _in_errors(effect, variance)
    return ndtr((shift - t * (1 - 1 / (4 * degrees))) / np.sqrt(1 + t**2 / (2 * degrees)))


def _in_errors(effect: Any, variance: Any) -> Any:
    """In standard errors; endless where nothing varies, and NaN, which reaches nothing, where there is no effect either."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(effect, np.sqrt(variance))


def bisect(enough: Callable[[int], bool], low: int, high: int) -> float:
    """Smallest n in [low, high] for which a condition becomes true, which then is for some time; infinite if it never is."""
    if high < low:
        return np.inf
    if not enough(high):  # without power tuning the last rows of a pool are worth more as a pool
        tried = np.unique(np.geomspace(low, high, 40).astype(int)).tolist()
        high = next(filter(enough, tried), 0)
        if not high:
            return np.inf
    while low < high:
        middle = min((low + high) // 2, 4 * low)  # goals are usually near the lower end
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low
