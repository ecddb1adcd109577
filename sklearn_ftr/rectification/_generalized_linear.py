"""Coefficients of generalized linear models with canonical link: linear, logistic, Poisson.

psi = x (y - mean(x'theta)), H = mean of x x' variance(x'theta) (McCullagh and Nelder 1989, section 2.5); solved by
Newton's method, each step one pass over the rows in blocks, in coordinates in which columns are not nearly collinear.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._coordinates import (
    CollinearError,
    Coordinates,
    NoEstimateError,
    collinear,
    find_coordinates,
)
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._estimand import (
    Estimand,
    Linearized,
    Vector,
    blocks,
    pieces,
    times,
    weighted_blocks,
)
from sklearn_ftr.rectification._families import Family
from sklearn_ftr.rectification._moments import rounding
from sklearn_ftr.rectification._scipy import scipy_module
from sklearn_ftr.rectification._separation import STILL, Walk, infinite

_LARGEST_NUMBER_OF_STEPS = 50
# Of H in coordinates whose own squared singular values are 1e-6 at least.
_SMALLEST_EIGENVALUE = 1e-13
# Of the mean square of y: what is left of a Newton decrement.
_NEGLIGIBLE = 1e-20
_ROUNDING = 64 * np.finfo(float).eps


class GeneralizedLinear(Estimand):
    """The coefficients of a generalized linear model; designs come in its `coordinates`."""

    def __init__(self, family: Family, names: tuple[str, ...], coordinates: Coordinates) -> None:
        self.family = family
        self.title = family.name
        self.names = names
        self.n_parameters = len(names)
        self.coordinates = coordinates

    @property
    def is_linear(self) -> bool:
        """Of least squares it is."""
        return self.family.is_linear

    @classmethod
    def of(cls, family: Family, names: tuple[str, ...], sample: Design) -> GeneralizedLinear:
        """In coordinates that suit the rows of a sample, of which no column is a combination of others."""
        return cls(family, names, find_coordinates(sample.rows, sample.intercept, names))

    def seen(self, rows: NDArray[np.floating[Any]]) -> Design:
        """Rows (n, d) of a design in the coordinates of this regression."""
        return Design(rows, self.coordinates.intercept, self.coordinates)

    def reported(self, values: Array) -> Array:
        """Coefficients of the columns as they came."""
        return self.coordinates.coefficients(values)

    def scores(self, X: Array, target: Array, theta: Array) -> Array:
        """X times residuals."""
        return X * (target - self.family.mean(X @ theta))[:, None]

    def reach(self, X: Array, theta: Array) -> Array:
        """X times standard deviations."""
        return X * np.sqrt(self.family.variance(X @ theta))[:, None]

    def rounding(self, X: Array, target: Array, theta: Array) -> Array:
        """Of X times a difference of target and fitted mean, both of which were made from the columns as they came."""
        of_eta = self.coordinates.largest(X) @ np.abs(self.reported(theta))
        of_mean = of_eta * self.family.variance(X @ theta).max()
        noise = _ROUNDING * np.abs(X).max(axis=0) * (np.abs(target).max() + of_mean)
        return np.maximum(noise, np.abs(X).mean(axis=0) * rounding(target[:, None]))

    def solve(self, X: Design, target: Vector, start: Linearized | None) -> tuple[Array, Array]:
        """Least squares, or Newton's method until no row's linear predictor moves."""
        if self.family.is_linear:
            return self._least_squares(X, target, None if start is None else start.solution)
        mean_square, bounded = self._describe(target)
        theta = self._first_guess(X, target) if start is None else start.solution
        gradient, bread = self._newton(X, target, theta)
        step, walk = bread @ gradient, Walk(mean_square)
        for _ in range(_LARGEST_NUMBER_OF_STEPS):
            ahead = self._uphill(X, target, theta + step, step, gradient, _NEGLIGIBLE * mean_square)
            if ahead is None:
                step = step / 2
                continue
            theta, (gradient, bread) = theta + step, ahead
            step = bread @ gradient
            gain, moved = float(gradient @ step), 0.0 if bounded else _largest_move(X, theta, step)
            if walk.goes_on(gain, moved):
                break
            if gain <= _NEGLIGIBLE * mean_square and moved <= STILL:
                return theta + step, bread
        raise self._infinite(X, target, step) if walk.steps else self._no_solution()

    def information(self, X: Array, target: Array, theta: Array, weights: Array | None) -> Array:
        """X'WX."""
        return self._information(X, self.family.mean(X @ theta), weights)

    def scores_and_information(
        self, X: Array, target: Array, theta: Array, weights: Array | None
    ) -> tuple[Array, Array]:
        """From one linear predictor."""
        mean = self.family.mean(X @ theta)
        return X * (target - mean)[:, None], self._information(X, mean, weights)

    def inverse(self, information: Array, known: Array) -> Array:
        """As Newton's method has it."""
        return self._inverse(information)

    def bread(self, X: Design, theta: Array) -> Array:
        """H^-1 (k, k) at theta, which needs no labels."""
        return self._newton(X, np.zeros(len(X)), theta)[1]

    def residuals(self, X: Array, target: Array, theta: Array, weights: Array | None = None) -> Array:
        """Target less its mean at theta, and less what one Newton step would add to that mean."""
        mean = self.family.mean(X @ theta)
        variance, residuals = self.family.variance_at(mean), target - mean
        information = (X.T * times(weights, variance)) @ X
        step = np.linalg.lstsq(information, X.T @ times(weights, residuals), rcond=None)[0]
        return residuals - variance * (X @ step)

    def _least_squares(self, X: Design, target: Vector, start: Array | None) -> tuple[Array, Array]:
        """One step from anywhere, and a second one that takes away the first one's rounding."""
        theta = np.zeros(self.n_parameters) if start is None else start
        gradient, bread = self._newton(X, target, theta)
        theta = theta + bread @ gradient
        left = sum(
            rows.T @ times(w, y - rows @ theta) for rows, y, w in weighted_blocks(X, target)
        ) / len(target)
        return theta + bread @ left, bread

    def _uphill(
        self, X: Design, target: Vector, theta: Array, step: Array, gradient: Array, negligible: float
    ) -> tuple[Array, Array] | None:
        """Gradient and H^-1 where a step ends; None if it points back too steeply there, so that the step was too long.

        The log likelihood is concave, so that a slope that still points forward has led uphill all the way.
        """
        try:
            new_gradient, bread = self._newton(X, target, theta)
        except CollinearError:  # which the columns were not before this step: it goes too far
            return None
        ahead = new_gradient @ step >= -float(gradient @ step) / 2 - negligible
        return (new_gradient, bread) if ahead else None

    def _newton(self, X: Design, target: Vector, theta: Array) -> tuple[Array, Array]:
        """Mean gradient (k,) of the log likelihood and H^-1 at theta; not a number where a step has gone too far."""
        k = len(theta)
        gradient, hessian = np.zeros(k), np.zeros((k, k))
        with np.errstate(over="ignore", invalid="ignore"):
            for rows, y, w in weighted_blocks(X, target):
                mean = self.family.mean(rows @ theta)
                gradient += rows.T @ times(w, y - mean)
                hessian += self._information(rows, mean, w)
        if not (np.isfinite(hessian).all() and np.isfinite(gradient).all()):
            return np.full(k, np.nan), np.eye(k)
        return gradient / len(target), self._inverse(hessian / len(target))

    def _information(self, rows: Array, mean: Array, weights: Array | None) -> Array:
        if self.family.is_linear and weights is None:
            return rows.T @ rows
        return (rows.T * times(weights, self.family.variance_at(mean))) @ rows

    def _inverse(self, hessian: Array) -> Array:
        """H^-1, of a matrix whose columns are brought to one scale first."""
        scale = np.sqrt(np.diag(hessian))
        if not scale.all():
            raise self._collinear((scale == 0).astype(float))
        values, vectors = np.linalg.eigh(hessian / np.outer(scale, scale))
        if values[0] < _SMALLEST_EIGENVALUE:
            raise self._collinear(vectors[:, 0] / scale)
        return (vectors / values) @ vectors.T / np.outer(scale, scale)

    def _collinear(self, direction: Array) -> CollinearError:
        return collinear(self.coordinates.involved(direction, 0.1), self.names)

    def _first_guess(self, X: Design, target: Vector) -> Array:
        """Least squares on a transform of the labels."""
        transformed = self.family.first_guess(target[:].astype(np.float64))
        roots = None if X.weights is None else np.sqrt(X.weights)
        return scipy_module("linalg").lstsq(times(roots, X[:]), times(roots, transformed))[0]

    def _describe(self, target: Vector) -> tuple[float, bool]:
        """Mean square of the target (1 if all of it is 0), and whether it is inside of the family's range, so that no coefficient is infinite."""
        squares, low, high = 0.0, np.inf, -np.inf
        for y in pieces(target):
            squares, low, high = squares + float(y @ y), min(low, y.min()), max(high, y.max())
        bounded = low > self.family.low and high < self.family.high
        return squares / len(target) or 1.0, bounded

    def _infinite(self, X: Design, target: Vector, step: Array) -> ValueError:
        columns = self.coordinates.involved(step, STILL)
        return infinite(self.family, target[:].astype(np.float64), X[:] @ step, columns, self.names)

    def _no_solution(self) -> ValueError:
        return NoEstimateError(
            f"The {self.title} did not converge within {_LARGEST_NUMBER_OF_STEPS} Newton steps; bring the columns of X "
            "to similar scales and check for outliers."
        )


def _largest_move(X: Design, theta: Array, step: Array) -> float:
    """Of linear predictors by a step, in units of one plus their size."""
    moves = (
        np.max(np.abs(rows @ step) / (1 + np.abs(rows @ theta)))
        for rows, _ in blocks(X, np.broadcast_to(0.0, len(X)))
    )
    return float(max(moves))
