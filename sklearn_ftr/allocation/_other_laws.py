"""Laws of the residual variance beside the power law: curves that fall late, or in two stages, or as was measured.

Networks and fine-tuned language models learn nothing from the first labels and nearly everything from the next; a power law has no such
place. Forms: Alabdulmohsin, Neyshabur and Zhai (2022), arXiv 2209.06640 (a sigmoid in log s); Caballero et al. (2022), arXiv 2210.14891
(smoothly broken power laws); Viering and Loog (2023), "The shape of learning curves" (exponential approach).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator

from sklearn_ftr._printed_table import PrintedTable
from sklearn_ftr._short_repr import short_repr
from sklearn_ftr._shows_table import table_of_columns
from sklearn_ftr.allocation._law import Law, numbers_of_labels
from sklearn_ftr.allocation._planning_law import PlanningLaw

_SMOOTHNESS = (
    0.25  # of the break; more of it than that, and a break cannot be told from a smaller exponent
)
_SMALLEST = 1e-300


class SearchedLaw(PlanningLaw):
    """A law whose best split is searched over whole numbers: its variance may have several minima."""

    searched = True


@dataclass(frozen=True)
class ExponentialLaw(SearchedLaw):
    """Exponential approach, v(s) = a exp(-s / scale) + b.

    Parameters
    ----------
    a : float
        Variance that training can remove.
    b : float
        Variance that no amount of training removes.
    scale : float
        Labels after which 63 % of a is gone.
    """

    a: float
    b: float
    scale: float

    def __str__(self) -> str:
        return f"v(s) = {self.a:.4g} exp(-s / {self.scale:.4g}) + {self.b:.4g}"

    def predict(self, s: ArrayLike) -> Any:
        """Residual variance after training on s labels."""
        return self.a * exponential(numbers_of_labels(s), self.scale) + self.b

    def slope(self, s: ArrayLike) -> Any:
        """Derivative of `predict`."""
        return -self.a / self.scale * exponential(numbers_of_labels(s), self.scale)


@dataclass(frozen=True)
class SigmoidLaw(SearchedLaw):
    """A sigmoid in log s, v(s) = a / (1 + (s / middle)^steepness) + b.

    Parameters
    ----------
    a, b : float
        As in `ExponentialLaw`; a + b is the variance before training.
    middle : float
        Labels after which half of a is gone.
    steepness : float
        The exponent of the power law that it becomes.
    """

    a: float
    b: float
    middle: float
    steepness: float

    def __str__(self) -> str:
        return (
            f"v(s) = {self.a:.4g} / (1 + (s / {self.middle:.4g})^{self.steepness:.4g}) + {self.b:.4g}"
        )

    def predict(self, s: ArrayLike) -> Any:
        """Residual variance after training on s labels."""
        return self.a * sigmoid(numbers_of_labels(s), self.middle, self.steepness) + self.b

    def slope(self, s: ArrayLike) -> Any:
        """Derivative of `predict`."""
        size = np.maximum(numbers_of_labels(s), _SMALLEST)
        part = sigmoid(size, self.middle, self.steepness)
        return -self.a * self.steepness / size * part * (1 - part)


@dataclass(frozen=True)
class BrokenLaw(SearchedLaw):
    """A smoothly broken power law, v(s) = a s^-alpha (1 + (s / turn)^4)^(-extra / 4) + b.

    Parameters
    ----------
    a, b : float
        As in `ScalingLaw`.
    alpha : float
        Exponent before the break.
    turn : float
        Labels at which it breaks.
    extra : float
        What the exponent gains there.
    """

    a: float
    b: float
    alpha: float
    turn: float
    extra: float

    def __str__(self) -> str:
        broken = f"(1 + (s / {self.turn:.4g})^{1 / _SMOOTHNESS:g})^-{self.extra * _SMOOTHNESS:.4g}"
        return f"v(s) = {self.a:.4g} s^-{self.alpha:.4g} {broken} + {self.b:.4g}"

    def predict(self, s: ArrayLike) -> Any:
        """Residual variance after training on s labels; infinite at 0."""
        return self.a * broken(numbers_of_labels(s), self.alpha, self.turn, self.extra) + self.b

    def slope(self, s: ArrayLike) -> Any:
        """Derivative of `predict`."""
        size = np.maximum(numbers_of_labels(s), _SMALLEST)
        after = 1 - sigmoid(size, self.turn, 1 / _SMOOTHNESS)
        exponent = self.alpha + self.extra * after
        return -self.a * broken(size, self.alpha, self.turn, self.extra) * exponent / size


@short_repr
@dataclass(frozen=True)
class InterpolatedLaw(SearchedLaw):
    """What was measured, made monotone: between the sizes a monotone cubic in logarithms, beyond them a power law.

    Parameters
    ----------
    sizes, variances : tuple of float
        Of the curve; sizes rise, variances do not.
    """

    sizes: tuple[float, ...]
    variances: tuple[float, ...]

    def __str__(self) -> str:
        return f"v(s) between {len(self.sizes)} measured sizes, {self.sizes[0]:g} to {self.sizes[-1]:g} labels"

    def _table(self) -> PrintedTable:
        columns = {"labels": self.sizes, "variance": self.variances}
        return table_of_columns("Interpolated law", columns)

    def predict(self, s: ArrayLike) -> Any:
        """Residual variance after training on s labels."""
        x = _logarithm(s)
        first, last = self._ends
        inside = self._curve(np.clip(x, *self._limits))
        below, above = (
            np.minimum(x - self._limits[0], 0.0),
            np.maximum(x - self._limits[1], 0.0),
        )
        value = np.exp(inside + first * below + last * above)
        return value if np.ndim(value) else float(value)

    def slope(self, s: ArrayLike) -> Any:
        """Derivative of `predict`."""
        x, (first, last), (low, high) = _logarithm(s), self._ends, self._limits
        exponent = np.where(x < low, first, np.where(x > high, last, self._rate(np.clip(x, low, high))))
        return self.predict(s) * exponent * np.exp(-x)

    @cached_property
    def _curve(self) -> PchipInterpolator:
        values = np.log(np.maximum(self.variances, _SMALLEST))
        return PchipInterpolator(np.log(self.sizes), values)

    @cached_property
    def _rate(self) -> Any:
        return self._curve.derivative()

    @property
    def _limits(self) -> tuple[float, float]:
        return float(np.log(self.sizes[0])), float(np.log(self.sizes[-1]))

    @cached_property
    def _ends(self) -> tuple[float, float]:
        """Exponents before the first size and beyond the last: of the last steps, the flattest of two, since the last is the noisiest."""
        values = np.log(np.maximum(self.variances, _SMALLEST))
        steps = np.diff(values) / np.diff(np.log(self.sizes))
        return float(max(steps[0], -2.0)), float(max(steps[-2:].max(), -2.0))


@short_repr
@dataclass(frozen=True)
class AveragedLaw(SearchedLaw):
    """A weighted mean of laws.

    Parameters
    ----------
    laws : tuple of laws
    weights : tuple of float
        Positive, with the sum 1.
    """

    laws: tuple[Law, ...]
    weights: tuple[float, ...]

    def __str__(self) -> str:
        return "; ".join(
            f"{weight:.0%} {law}" for weight, law in zip(self.weights, self.laws, strict=True)
        )

    def _table(self) -> PrintedTable:
        columns = {"law": [str(law) for law in self.laws], "weight": self.weights}
        return table_of_columns("Mean of laws", columns, n_texts=1)

    def predict(self, s: ArrayLike) -> Any:
        """Residual variance after training on s labels."""
        return sum(w * law.predict(s) for w, law in zip(self.weights, self.laws, strict=True))

    def slope(self, s: ArrayLike) -> Any:
        """Derivative of `predict`."""
        return sum(w * law.slope(s) for w, law in zip(self.weights, self.laws, strict=True))


def scaled(law: Any, unit: float) -> Any:
    """The law of a variance in units that are smaller by that factor."""
    if isinstance(law, AveragedLaw):
        return replace(law, laws=tuple(scaled(one, unit) for one in law.laws))
    if isinstance(law, InterpolatedLaw):
        return replace(law, variances=tuple(unit * one for one in law.variances))
    return replace(law, a=law.a * unit, b=law.b * unit)


def power(s: Any, alpha: Any) -> Any:
    """Shape of the power law."""
    return s**-alpha


def shifted(s: Any, alpha: Any, s0: Any) -> Any:
    """Shape of the shifted power law; its unit keeps large shifts within what numbers hold."""
    return (1 + s / s0) ** -alpha


def exponential(s: Any, scale: Any) -> Any:
    """Shape of the exponential approach."""
    return np.exp(-s / scale)


def sigmoid(s: Any, middle: Any, steepness: Any) -> Any:
    """Shape of the sigmoid in log s."""
    with np.errstate(over="ignore"):
        return 1 / (1 + (s / middle) ** steepness)


def broken(s: Any, alpha: Any, turn: Any, extra: Any) -> Any:
    """Shape of the smoothly broken power law."""
    with np.errstate(over="ignore", divide="ignore"):
        return s**-alpha * (1 + (s / turn) ** (1 / _SMOOTHNESS)) ** (-extra * _SMOOTHNESS)


def _logarithm(s: ArrayLike) -> Any:
    return np.log(np.maximum(numbers_of_labels(s), 1e-3))
