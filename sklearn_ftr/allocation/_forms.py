"""Fitting laws of any form to many curves at once.

A form is v(s) = a g(s) + b with a shape g of one to three more parameters. For given g the best a >= 0, b >= 0 are known in closed form;
what is left is a search over the parameters of g: a grid that all curves share, then smaller and smaller grids around the best point of each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from sklearn_ftr.allocation._law import Array, Law
from sklearn_ftr.allocation._other_laws import (
    BrokenLaw,
    ExponentialLaw,
    InterpolatedLaw,
    SigmoidLaw,
    broken,
    exponential,
    power,
    shifted,
    sigmoid,
)
from sklearn_ftr.allocation._scaling_law import ScalingLaw

_ROUNDS = 12  # each halves the grid: to 1 / 4,000 of the first one's spacing
_FALLS = 1e-9  # relative differences that are smaller are rounding


@dataclass(frozen=True)
class Form:
    """A form of law.

    Parameters
    ----------
    name : str
    shape : callable
        Of sizes and parameters, all of which broadcast.
    axes : callable
        From sizes to a grid for each parameter, evenly spaced in logarithms.
    law : callable
        Makes the law of a, b and parameters.
    at_zero : bool
        Whether it has a value before training.
    """

    name: str
    shape: Callable[..., Any]
    axes: Callable[[Array], list[Array]]
    law: Callable[..., Law]
    at_zero: bool = True

    def n_parameters(self, s: Array) -> int:
        """With a and b."""
        return 2 + len(self.axes(s))

    def fit(self, s: Array, curves: Array, errors: Array) -> list[Law]:
        """The law with the smallest weighted sum of squares, for each curve (b, j)."""
        weights = errors.min() / errors
        axes = [np.log(axis) for axis in self.axes(s)]
        grid = np.array(list(product(*axes)))
        free = len(np.unique(s)) > 2
        losses = _linear_fit(self._shapes(s, grid[None]), curves, weights, free)[2]
        best = grid[np.argmin(losses, axis=1)]
        limits = np.array([[axis[0], axis[-1]] for axis in axes]).T
        step = np.array([axis[1] - axis[0] for axis in axes])
        offsets = np.array(list(product((0.0, -0.5, 0.5, -1.0, 1.0), repeat=len(axes))))
        for _ in range(_ROUNDS):
            around = np.clip(best[:, None] + offsets * step, *limits)
            losses = _linear_fit(self._shapes(s, around), curves, weights, free)[2]
            best = np.take_along_axis(around, np.argmin(losses, axis=1)[:, None, None], axis=1)[:, 0]
            step = step / 2
        a, b, _ = _linear_fit(self._shapes(s, best[:, None]), curves, weights, free)
        found = np.column_stack([a[:, 0], b[:, 0], np.exp(best)]).tolist()
        return [self.law(*parameters) for parameters in found]

    def _shapes(self, s: Array, logarithms: Array) -> Array:
        """Shapes (b, g, j) for logarithms of parameters (b, g, p)."""
        return np.asarray(self.shape(s, *np.exp(np.moveaxis(logarithms, -1, 0)[..., None])))


def _linear_fit(shapes: Array, curves: Array, weights: Array, free: bool) -> tuple[Array, Array, Array]:
    """Best a >= 0, b >= 0 and the loss, each (b, g), for shapes (b or 1, g, j) and curves (b, j)."""
    w2 = weights**2
    n1 = w2.sum()
    v1, vv = curves @ w2 / n1, (curves**2) @ w2
    mean = shapes @ w2 / n1
    centred = shapes - mean[..., None]
    target = curves - v1[:, None]
    spread = (centred**2) @ w2
    shared = np.einsum(
        "bgj,bj->bg", np.broadcast_to(centred, (len(curves), *centred.shape[1:])), target * w2
    )
    constant = np.maximum((target**2) @ w2, 0)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        a = np.where(spread > 0, shared / spread, 0.0)
        b = v1[:, None] - a * mean
        square = spread + n1 * mean**2
        product_ = shared + n1 * mean * v1[:, None]
        only_a = (b < 0) | (not free)
        alone = np.where(square > 0, product_ / square, 0.0)
        loss = np.where(only_a, vv[:, None] - alone * product_, constant - a * shared)
    a, b = np.where(only_a, alone, a), np.where(only_a, 0.0, b)
    flat = (a <= 0) | (loss > constant) | (constant <= _FALLS**2 * vv[:, None])
    loss = np.where(flat, constant, np.maximum(loss, 0))
    return np.where(flat, 0.0, a), np.where(flat, v1[:, None], b), loss


def _power_law(a: float, b: float, alpha: float) -> Law:
    return ScalingLaw(a, alpha if a else 1.0, b)


def _shifted_law(a: float, b: float, alpha: float, s0: float) -> Law:
    return ScalingLaw(a * s0**alpha, alpha, b, s0) if a else ScalingLaw(0.0, 1.0, b)


def _around(s: Array, below: float, above: float, count: int) -> Array:
    """Numbers of labels from a part of the smallest size to a multiple of the largest."""
    trained = s[s > 0]
    return np.geomspace(trained.min() * below, trained.max() * above, count)


POWER = Form("power", power, lambda s: [np.geomspace(0.01, 2.0, 40)], _power_law, at_zero=False)
SHIFTED = Form(
    "shifted power",
    shifted,
    lambda s: [np.geomspace(0.05, 2.0, 16), _around(s, 0.25, 2, 12)],
    _shifted_law,
)
# A steepness above 4 is a step, and where it is nobody can tell from a curve that doubles its sizes.
OTHERS = (
    SHIFTED,
    Form("exponential", exponential, lambda s: [_around(s, 0.5, 2, 30)], ExponentialLaw),
    Form(
        "sigmoid",
        sigmoid,
        lambda s: [_around(s, 0.5, 2, 16), np.geomspace(0.3, 4.0, 12)],
        SigmoidLaw,
    ),
    Form(
        "broken power",
        broken,
        lambda s: [np.geomspace(0.01, 1.0, 6), _around(s, 2, 0.7, 8), np.geomspace(0.1, 3.0, 7)],
        BrokenLaw,
        at_zero=False,
    ),
)


class Interpolation:
    """The form that has no parameters: a curve itself, made monotone."""

    name = "interpolation"
    at_zero = False

    def n_parameters(self, s: Array) -> int:
        """One for each size."""
        return len(np.unique(s))

    def fit(self, s: Array, curves: Array, errors: Array) -> list[Law]:
        """Falling curves with the smallest weighted sums of squares: isotonic regression, f_k = min_{i <= k} max_{j >= k} mean(i..j)."""
        sizes, place = np.unique(s, return_inverse=True)
        weights = np.bincount(place, (errors.min() / errors) ** 2)
        sums = np.zeros((len(curves), len(sizes)))
        for column, at in enumerate(place):
            sums[:, at] += curves[:, column] * (errors.min() / errors[column]) ** 2
        before = np.pad(np.cumsum(sums, axis=1), ((0, 0), (1, 0)))
        mass = np.concatenate([[0.0], np.cumsum(weights)])
        fitted = np.empty_like(sums)
        for k in range(len(sizes)):
            means = [max_of_means(before, mass, i, k) for i in range(k + 1)]
            fitted[:, k] = np.min(means, axis=0)
        return [InterpolatedLaw(tuple(sizes.tolist()), tuple(curve)) for curve in fitted.tolist()]


def max_of_means(before: Array, mass: Array, i: int, k: int) -> Array:
    """Largest mean of the curves over i..j, j >= k, from cumulative sums."""
    return np.max((before[:, k + 1 :] - before[:, i : i + 1]) / (mass[k + 1 :] - mass[i]), axis=1)


INTERPOLATION = Interpolation()
