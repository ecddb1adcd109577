"""Fitting laws of any form to many curves at once.

A form is v(s) = a g(s) + b with a shape g of one to three more parameters. For given g the best a >= 0, b >= 0 are known in closed form;
what is left is a search over the parameters of g: a grid that all curves share, then smaller and smaller grids around the best point of each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
_OFFSETS = (0.0, -0.5, 0.5, -1.0, 1.0)
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
        """The law with the smallest weighted sum of squares, for each curve (b, j).

        Errors are those of all curves (j,), or of each (b, j); where they are infinite, a curve does not know the size.
        """
        known = np.isfinite(np.atleast_2d(errors))
        targets = Targets.of(s, curves, np.atleast_2d(errors), known)
        axes = [[np.log(axis) for axis in self.axes(s[some])] for some in known]
        grid = np.array([_points(of_curve) for of_curve in axes])
        best = _smallest(grid, targets.fit(self._shapes(s, grid))[2])
        low, high, second = (
            np.array([[axis[at] for axis in one] for one in axes]) for at in (0, -1, 1)
        )
        step, offsets = (second - low)[:, None], _points([np.array(_OFFSETS)] * len(axes[0]))
        for _ in range(_ROUNDS):
            around = np.clip(best[:, None] + offsets * step, low[:, None], high[:, None])
            best = _smallest(around, targets.fit(self._shapes(s, around))[2])
            step = step / 2
        a, b, _ = targets.fit(self._shapes(s, best[:, None]))
        found = np.column_stack([a[:, 0], b[:, 0], np.exp(best)]).tolist()
        return [self.law(*parameters) for parameters in found]

    def _shapes(self, s: Array, logarithms: Array) -> Array:
        """Shapes (b, g, j) for logarithms of parameters (b, g, p)."""
        return np.asarray(self.shape(s, *np.exp(np.moveaxis(logarithms, -1, 0)[..., None])))


def _points(axes: list[Array]) -> Array:
    """All points (g, p) of a grid."""
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


def _smallest(points: Array, losses: Array) -> Array:
    """For each curve the point (b, p), of its own (b, g, p) or of those of all (1, g, p), with the smallest loss (b, g)."""
    at, curve = np.argmin(losses, axis=1), np.arange(len(losses))
    return points[curve if len(points) > 1 else 0, at]


@dataclass(frozen=True, eq=False)
class Targets:
    """Curves, and what of them every fit of a g + b needs: made once, since a search fits hundreds of times.

    Parameters
    ----------
    w2 : ndarray of shape (1 or b, j, 1)
        Squared weights.
    n1, vv, constant : ndarray of shape (1 or b, 1)
        Their sum, the weighted sum of squares of a curve, and of its deviations from its mean.
    mean : ndarray of shape (b, 1)
    weighted : ndarray of shape (b, j)
        Deviations from the mean times squared weights.
    free : ndarray of bool, shape (1 or b, 1)
        Whether b is looked for, too: three sizes or more.
    """

    w2: Array
    n1: Array
    vv: Array
    constant: Array
    mean: Array
    weighted: Array
    free: NDArray[np.bool_]

    @classmethod
    def of(cls, s: Array, curves: Array, errors: Array, known: NDArray[np.bool_]) -> Targets:
        """Curves (b, j) with errors and known sizes (1 or b, j)."""
        w2 = (errors.min(axis=1, keepdims=True) / errors) ** 2
        n1 = w2.sum(axis=1, keepdims=True)
        mean = np.sum(curves * w2, axis=1, keepdims=True) / n1
        target = curves - mean
        return cls(
            w2[..., None],
            n1,
            np.sum(curves**2 * w2, axis=1, keepdims=True),
            np.sum(target**2 * w2, axis=1, keepdims=True),
            mean,
            target * w2,
            np.array([[len(np.unique(s[some])) > 2] for some in known]),
        )

    def fit(self, shapes: Array) -> tuple[Array, Array, Array]:
        """Best a >= 0, b >= 0 and the loss, each (b, g), for shapes (1 or b, g, j)."""
        mean = (shapes @ self.w2)[..., 0] / self.n1
        centred = shapes - mean[..., None]
        spread = (centred**2 @ self.w2)[..., 0]
        shared = (centred @ self.weighted[..., None])[..., 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            a = np.where(spread > 0, shared / spread, 0.0)
            b = self.mean - a * mean
            square = spread + self.n1 * mean**2
            product = shared + self.n1 * mean * self.mean
            only_a = (b < 0) | ~self.free
            alone = np.where(square > 0, product / square, 0.0)
            loss = np.where(only_a, self.vv - alone * product, self.constant - a * shared)
        a, b = np.where(only_a, alone, a), np.where(only_a, 0.0, b)
        flat = (a <= 0) | (loss > self.constant) | (self.constant <= _FALLS**2 * self.vv)
        loss = np.where(flat, self.constant, np.maximum(loss, 0))
        return np.where(flat, 0.0, a), np.where(flat, self.mean, b), loss


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
        """Falling curves with the smallest weighted sums of squares: isotonic regression, f_k = min_{i <= k} max_{j >= k} mean(i..j).

        Errors are as in `Form.fit`.
        """
        if errors.ndim == 2:
            known = np.isfinite(errors)
            return [
                self.fit(s[some], curve[some][None], error[some])[0]
                for some, curve, error in zip(known, curves, errors, strict=True)
            ]
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
