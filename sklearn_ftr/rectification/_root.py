"""Where a mean of psi is 0, and the inverse of its derivative there, in coordinates that the rows of psi give.

With R'R / n the second moments of these rows, R^-T mean psi has the same error in every direction, however near to each other
the components of psi are; steps P of theta that move it by one unit each, R^-T J P = 1, are what differences are taken along. No unit of
psi or of theta matters then (Deuflhard, 2011, Newton Methods for Nonlinear Problems, on affine invariance).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._coordinates import NoEstimateError, triangle_of
from sklearn_ftr.rectification._scipy import scipy_module

# Size of a central difference in standard deviations, and the weights of its multiples: of second order, and of fourth where
# components of psi are so near to each other that rounding asks for longer steps.
_SECOND_ORDER = float(np.cbrt(np.finfo(float).eps)), ((1.0, 0.5),)
_FOURTH_ORDER = 2e-3, ((1.0, 2 / 3), (2.0, -1 / 12))
_NEAR, _IDENTIFIED = 1e-3, 1e-11
# Of a first derivative, whose weakest direction may be noise; and of one along steps that were meant to be even.
_WEAKEST, _LEAST_EVEN = 1e-9, 1e-6
# Rows of psi that change as little as this part of theta changes them are nothing but rounding.
_ROUNDING = 1e-12
_LARGEST_NUMBER_OF_STEPS = 60
# What is left of mean psi, in standard deviations of its rows: at the root, where one step more does not help, and where none does.
_SOLVED, _NEARLY_SOLVED, _CONTENT = 1e-13, 1e-9, 1e-6


@dataclass(frozen=True, eq=False)
class MeanPsi:
    """The mean of psi over some rows, whose values come in blocks (n, k).

    Parameters
    ----------
    blocks : callable
        Values of psi at theta.
    jacobian : callable or None
        Mean derivative (k, k) at theta, a row for each component of psi.
    """

    blocks: Callable[[Array], Iterator[Array]]
    jacobian: Callable[[Array], Array] | None

    def __call__(self, theta: Array) -> Array:
        """Mean of psi (k,)."""
        total, count = np.zeros(len(theta)), 0
        with np.errstate(all="ignore"):
            for values in self.blocks(theta):
                total, count = total + values.sum(axis=0), count + len(values)
        return np.asarray(total / count)

    def scale(self, theta: Array) -> Scale:
        """How mean psi varies, as the rows tell."""
        with np.errstate(all="ignore"):
            count = sum(len(values) for values in self.blocks(theta))
            triangle = triangle_of(self.blocks(theta)) / np.sqrt(count)
            lengths = np.linalg.norm(triangle, axis=0)
        if not np.isfinite(lengths).all():
            raise _unsolved(self(theta))
        rounding = self._change(theta, _ROUNDING)
        if len(triangle) < len(theta) or not (lengths > rounding).all():
            size = np.where(lengths > rounding, lengths, rounding / _ROUNDING)
            return Scale(np.diag(np.where(size > 0, size, 1.0)), 1.0)
        smallest = float(np.linalg.svd(triangle / lengths, compute_uv=False)[-1])
        # Rows of one direction only tell no more than their size.
        return Scale(triangle, smallest) if smallest > _IDENTIFIED else Scale(np.diag(lengths), 1.0)

    def _change(self, theta: Array, part: float) -> Array:
        """Of mean psi, each by its size, where all of theta changes by that part."""
        signs = np.where(np.arange(len(theta)) % 2, -1.0, 1.0)
        change = np.abs(self(theta * (1 + part * signs)) - self(theta))
        return np.where(np.isfinite(change), change, 0.0)


@dataclass(frozen=True, eq=False)
class Scale:
    """The triangle R (k, k), and the smallest singular value of its columns brought to length 1."""

    triangle: Array
    smallest: float

    def of(self, mean: Array) -> Array:
        """R^-T times a mean (k,), or columns of such."""
        return np.asarray(scipy_module("linalg").solve_triangular(self.triangle, mean, trans="T"))

    def inverse(self, steps: Array) -> Array:
        """The inverse of the derivative of mean psi, from steps P."""
        return np.asarray(scipy_module("linalg").solve_triangular(self.triangle, steps.T).T)

    def size(self, mean: Array) -> float:
        """Largest component, infinite for what is not a number."""
        return float(np.abs(self.of(mean)).max()) if np.isfinite(mean).all() else np.inf


def find_root(psi: MeanPsi, start: Array, inverse: Array | None) -> tuple[Array, Array]:
    """The root, and the inverse of the derivative there; `inverse` is one from near by, to start from."""
    try:
        theta = _newton(psi, start, inverse)
    except NoEstimateError:
        theta = _newton(psi, scipy_module("optimize").root(psi, start, tol=1e-12).x, None)
    scale = psi.scale(theta)
    steps = _steps(psi, theta, scale, inverse)
    theta = theta - steps @ scale.of(psi(theta))
    return theta, scale.inverse(steps)


def _newton(psi: MeanPsi, theta: Array, inverse: Array | None) -> Array:
    """Newton's method with steps that are made anew where they no longer serve."""
    mean, scale = psi(theta), psi.scale(theta)
    steps, new = _steps(psi, theta, scale, inverse), True
    for _ in range(_LARGEST_NUMBER_OF_STEPS):
        size, step = scale.size(mean), steps @ scale.of(mean)
        left = psi(theta - step)
        improved = scale.size(left) < 0.1 * size
        if size <= _SOLVED or (size <= _NEARLY_SOLVED and not improved):  # rounding allows no less
            return theta
        if improved:
            theta, mean, new = theta - step, left, False
            continue
        if new:
            share = _share_of_step(psi, theta, step, scale, size)
            if not share:
                break
            theta = theta - share * step
            mean = psi(theta)
        inverse = scale.inverse(steps)
        scale = psi.scale(theta)
        steps, new = _steps(psi, theta, scale, inverse), True
    if scale.size(mean) > _CONTENT:
        raise _unsolved(mean)
    return theta


def _share_of_step(psi: MeanPsi, theta: Array, step: Array, scale: Scale, size: float) -> float:
    """1, or a half, a quarter ..., of a step after which less is left; 0 if there is none."""
    for halvings in range(20):
        share = 0.5**halvings
        if scale.size(psi(theta - share * step)) < (1 - share / 4) * size:
            return share
    return 0.0


def _steps(psi: MeanPsi, theta: Array, scale: Scale, inverse: Array | None) -> Array:
    """Steps P (k, k): from the user's derivative, or by differences along others that a guess or the axes give."""
    if psi.jacobian is not None:
        steps = _inverted(scale.of(psi.jacobian(theta)), _IDENTIFIED)
        if scale.smallest > _NEAR:
            return steps
    elif inverse is not None:
        steps = inverse @ scale.triangle.T
    else:
        steps = _along_axes(psi, theta, scale)
    for _ in range(4):
        derivative = _differences(psi, theta, steps, scale)
        values = np.linalg.svd(derivative, compute_uv=False)
        if not values[-1] > _LEAST_EVEN * values[0]:
            break
        steps = np.asarray(np.linalg.solve(derivative.T, steps.T).T, dtype=np.float64)
        if values[0] < 10 * values[-1]:
            return steps
    raise _unidentified()


def _differences(psi: MeanPsi, theta: Array, steps: Array, scale: Scale) -> Array:
    """Derivative (k, k) of R^-T mean psi along steps."""
    size, stencil = _SECOND_ORDER if scale.smallest > _NEAR else _FOURTH_ORDER
    columns = np.zeros((len(theta), len(theta)))
    for column, step in enumerate(size * steps.T):
        for far, weight in stencil:
            columns[:, column] += weight * (psi(theta + far * step) - psi(theta - far * step))
    derivative = scale.of(columns) / size
    if not np.isfinite(derivative).all():
        raise _unidentified()
    return derivative


def _along_axes(psi: MeanPsi, theta: Array, scale: Scale) -> Array:
    """First steps from differences along each component of theta, as long as its own effect on psi asks for."""
    size = 1e-4
    lengths = np.array([_length(psi, theta, axis, scale, size) for axis in np.eye(len(theta))])
    derivative = scale.of(
        np.transpose([psi(theta + step) - psi(theta - step) for step in np.diag(lengths)])
    )
    if not np.isfinite(derivative).all():
        raise _unidentified()
    return lengths[:, None] * _inverted(derivative / 2, _WEAKEST, floor=True)


def _length(psi: MeanPsi, theta: Array, axis: Array, scale: Scale, size: float) -> float:
    """Of a step along an axis that changes mean psi by about so many standard deviations."""
    length, mean = size * max(float(np.abs(theta @ axis)), 1.0), psi(theta)
    for _ in range(30):
        change = scale.size(psi(theta + length * axis) - mean)
        if 0.1 * size < change < 10 * size:
            return length
        length *= float(np.clip(size / max(change, 1e-300), 1e-6, 1e6))
    raise _unidentified()


def _inverted(matrix: Array, least: float, floor: bool = False) -> Array:
    """The inverse of a matrix whose columns are brought to one length first; weak directions are an error, or lifted to `least`."""
    lengths = np.linalg.norm(matrix, axis=0)
    if not (np.isfinite(matrix).all() and lengths.all()):
        raise _unidentified()
    left, values, right = np.linalg.svd(matrix / lengths)
    if values[-1] < least * values[0] and not floor:
        raise _unidentified()
    return (right.T / np.maximum(values, least * values[0])) @ left.T / lengths[:, None]


def _unsolved(mean: Array) -> NoEstimateError:
    left = ", ".join(f"{value:.3g}" for value in mean)
    return NoEstimateError(
        f"mean psi = 0 was not solved: no step makes it smaller than ({left}). Start nearer to the solution, or check psi."
    )


def _unidentified() -> NoEstimateError:
    return NoEstimateError(
        "The mean derivative of psi cannot be inverted at the solution; some parameter is not identified by the labels."
    )
