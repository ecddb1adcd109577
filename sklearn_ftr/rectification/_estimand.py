"""What an estimand is: the usual estimate from complete rows, and how each row moves it.

Predict-then-debias, Kluger, Lu, Zrnic, Wang and Bates (2025), arXiv 2501.18577: with theta_R(y) the usual estimate
from the labels, theta_R(f) and theta_U(f) the same from predictions,

    theta = theta_R(y) + lambda (theta_U(f) - theta_R(f)).

Each of the three is its limit plus a mean of influence values H^-1 psi. `_linearize` takes them from a sample, `_rectified_result` makes the result.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._coordinates import NoEstimateError
from sklearn_ftr.rectification._design import Clipped, Design

Vector = NDArray[np.floating[Any]] | Clipped

# Rows of the design that are worked on at once: their scores fit the processor's cache.
BLOCK_ROWS = 8_192


class Estimand(ABC):
    """What is estimated: theta with mean psi(target, x; theta) = 0.

    Attributes
    ----------
    title : str
        What the result's table calls it.
    names : tuple of str
        One for each of the k numbers.
    n_parameters : int
        How many numbers are fitted together: so many degrees of freedom do residuals lose.
    """

    title: str
    names: tuple[str, ...]
    n_parameters: int

    @property
    def is_linear(self) -> bool:
        """Whether psi is a linear function of theta."""
        return False

    @abstractmethod
    def solve(self, X: Design, target: Vector, start: Linearized | None) -> tuple[Array, Array]:
        """The usual estimate (k,) from complete rows, and H^-1 (k, k), H minus the mean derivative of psi there.

        `start` is what was found for other rows, to start from.
        """

    @abstractmethod
    def scores(self, X: Array, target: Array, theta: Array) -> Array:
        """The values of psi (n, k) for some rows."""

    def reach(self, X: Array, theta: Array) -> Array | None:
        """How far psi (n, k) of some rows moves by as much as their labels are expected to err, where that is known."""
        return None

    def information(self, X: Array, target: Array, theta: Array, weights: Array | None) -> Array:
        """The sum (k, k) of the rows' parts of H, where it is known without differences; else zeros."""
        return np.zeros((len(theta), len(theta)))

    def prepared(self, X: Design, target: Vector, at: Linearized) -> Estimand:
        """For passes over many rows, of which some have their estimate `at` hand."""
        return self

    def scores_and_information(
        self, X: Array, target: Array, theta: Array, weights: Array | None
    ) -> tuple[Array, Array]:
        """`scores` and `information` of the same rows."""
        return self.scores(X, target, theta), self.information(X, target, theta, weights)

    def inverse(self, information: Array, known: Array) -> Array:
        """H^-1 from the mean of `information`, or as it is `known` (k, k) of some rows."""
        return known

    def linearized(self, solution: Array, inverse: Array) -> Linearized:
        """What `solve` finds, in the units of the result, too."""
        return Linearized(solution, inverse, self.reported(solution), self.reported(inverse.T).T)

    def reported(self, values: Array) -> Array:
        """What `solve` finds, or its influence values (..., k), in the units of the result; it may work in others."""
        return values

    def rounding(self, X: Array, target: Array, theta: Array) -> Array:
        """How far rounding may put each component of psi (k,) from zero, where that is known."""
        return np.zeros(len(theta))


@dataclass(frozen=True, eq=False)
class Linearized:
    """The estimate from some complete rows, and what turns their scores into influence values.

    Parameters
    ----------
    solution : ndarray of shape (k,)
        As `solve` gives it, and `scores` takes it.
    inverse : ndarray of shape (k, k)
        H^-1, likewise.
    theta : ndarray of shape (k,)
        As the result reports it.
    bread : ndarray of shape (k, k)
        `inverse` for influence values of `theta`.
    """

    solution: Array
    inverse: Array
    theta: Array
    bread: Array


def linearize(
    estimand: Estimand, X: Design, target: Vector, start: Linearized | None, source: str
) -> Linearized:
    """The usual estimate; an error says which rows have none."""
    try:
        solution, inverse = estimand.solve(X, target, start)
    except NoEstimateError as error:
        raise type(error)(f"{error} (Estimated from {source}.)") from error
    return estimand.linearized(solution, inverse)


def influence_rows(estimand: Estimand, X: Design, target: Vector, one: Linearized) -> Array:
    """The estimate plus the influence of each row; their mean is theta."""
    influence = estimand.scores(X[:], target[:].astype(np.float64), one.solution) @ one.bread.T
    return one.theta + influence - times(X.weights, influence).mean(axis=0)


def blocks(X: Design, target: Vector, size: int | None = None) -> Iterator[tuple[Array, Array]]:
    """Consecutive rows as float64, a block at a time."""
    step = size or BLOCK_ROWS
    for start in range(0, len(target), step):
        rows = slice(start, start + step)
        yield X[rows], target[rows].astype(np.float64, copy=False)


def pieces(target: Vector) -> Iterator[Array]:
    """Consecutive targets as float64, a block at a time."""
    for start in range(0, len(target), BLOCK_ROWS):
        yield target[start : start + BLOCK_ROWS].astype(np.float64, copy=False)


def weighted_blocks(X: Design, target: Vector) -> Iterator[tuple[Array, Array, Array | None]]:
    """As `blocks`, with the rows' weights, if they have any."""
    for number, (rows, values) in enumerate(blocks(X, target)):
        start = number * BLOCK_ROWS
        yield rows, values, None if X.weights is None else X.weights[start : start + len(values)]


def times(weights: Array | None, values: Array) -> Array:
    """Values (n,) or (n, k) by weights (n,), if there are any."""
    if weights is None:
        return values
    return weights * values if values.ndim == 1 else weights[:, None] * values
