"""The scaling law of the residual variance: v(s) = a (s + s0)^-alpha + b after training on s labels.

Wang, Ye and Zhao (2025), arXiv 2511.19486, the fine-tuning scaling law; s0 shifts it for models that know
something before they are trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr._arguments import ArgumentTypeError, is_number, shown
from sklearn_ftr.allocation._law import numbers_of_labels
from sklearn_ftr.allocation._planning_law import PlanningLaw


@dataclass(frozen=True)
class ScalingLaw(PlanningLaw):
    """Residual variance after fine-tuning on s labels, v(s) = a (s + s0)^-alpha + b.

    Parameters
    ----------
    a : float
        Variance that training can remove, at s + s0 = 1; at least 0, in squared units of y.
    alpha : float
        How fast it does; above 0.
    b : float
        Variance that no amount of training removes; at least 0.
    s0 : float, default=0.0
        How many labels the model's knowledge before training is worth.

    Raises
    ------
    ValueError
        A parameter outside its range, or not a number (a TypeError, too).

    Notes
    -----
    Wang, Ye and Zhao (2025) report a = 0.287, alpha = 0.297, b = 0.042 for a language model on EmoBank.

    Examples
    --------
    >>> from sklearn_ftr import ScalingLaw
    >>> law = ScalingLaw(a=0.287, alpha=0.297, b=0.042)
    >>> round(float(law.predict(230)), 4)
    0.0991
    >>> law.optimal_split(1000)  # of 1,000 labels, how many should train?
    152
    """

    a: float
    alpha: float
    b: float
    s0: float = 0.0

    def __post_init__(self) -> None:
        values = {"a": self.a, "b": self.b, "s0": self.s0, "alpha": self.alpha}
        for name, value in values.items():
            if isinstance(value, float):
                continue  # what every fit makes
            if not isinstance(value, Real) or not is_number(value):
                raise ArgumentTypeError(
                    f"{name} is {shown(value)}, of type {type(value).__name__}; expected a number."
                )
        bad = [name for name, value in values.items() if not (np.isfinite(value) and value >= 0)]
        if bad or self.alpha == 0:
            raise ValueError(
                f"{self!r} has {', '.join(bad) or 'alpha'} out of range; expected a, b, s0 at least 0, alpha above "
                "0, all finite."
            )

    def __str__(self) -> str:
        size = f"(s + {self.s0:.4g})" if self.s0 else "s"
        return f"v(s) = {self.a:.4g} {size}^-{self.alpha:.4g} + {self.b:.4g}"

    def predict(self, s: ArrayLike) -> Any:
        """Residual variance after training on s labels.

        Parameters
        ----------
        s : float or array-like
            Numbers of labels, at least 0.

        Returns
        -------
        float or ndarray
            Infinite at s = 0 unless s0 > 0 or a = 0.

        Raises
        ------
        ValueError
            Negative or missing numbers of labels.
        """
        size = numbers_of_labels(s) + self.s0
        with np.errstate(divide="ignore"):
            return self.a * size**-self.alpha + self.b if self.a else self.b + 0 * size

    def slope(self, s: ArrayLike) -> Any:
        """Derivative of `predict`, at most 0."""
        size = numbers_of_labels(s) + self.s0
        with np.errstate(divide="ignore"):
            return -self.a * self.alpha * size ** (-self.alpha - 1) if self.a else 0 * size
