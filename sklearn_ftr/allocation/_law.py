"""What the rest of the package asks of a law of the residual variance, and nothing more.

A law says how large the residual variance v(s) is after training on s labels, and how steeply it falls. Everything else, the
optimal split, the strategies, the plans, is made of these two, so that a law of another form is another object.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._arguments import shown
from sklearn_ftr._tables import as_floats

Array = NDArray[np.float64]
# A residual variance that is smaller, in units of V(Y), is rounding of the numbers it came from.
ROUNDING = 1e-25


class Law(Protocol):
    """Residual variance after training on s labels."""

    @abstractmethod
    def predict(self, s: ArrayLike) -> Any:
        """The variance, a float or an array like s."""

    @abstractmethod
    def slope(self, s: ArrayLike) -> Any:
        """Its derivative, at most 0."""


def numbers_of_labels(s: ArrayLike) -> Array:
    """What a law is asked for; arrays of floats, which the search for a split makes, are known to be right."""
    if isinstance(s, float) or (type(s) is np.ndarray and s.dtype == float):
        return np.asarray(s)
    sizes = as_floats(s, "s", truth_values=False).astype(float)
    if not (sizes >= 0).all():
        raise ValueError(
            f"s is {shown(s)}; expected numbers of labels, none of them negative or missing."
        )
    return sizes
