"""Fitting the power law: the paper's, by least squares.

For given alpha and s0 the law is linear in a and b, so that the best non-negative pair is known in closed form; what is left is a search over
alpha (and s0), from every point of a grid and then to the minimum between its neighbors.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize, minimize_scalar

from sklearn_ftr.allocation._law import Array
from sklearn_ftr.allocation._scaling_law import ScalingLaw

_ALPHAS = np.geomspace(0.01, 2.0, 80)
_SHIFTS = np.geomspace(1.0, 1e5, 16)
# Relative differences between variances that are rounding, and nothing for a law to explain.
ROUNDING = 1e-9


def met(s: Array, law: ScalingLaw) -> NDArray[np.bool_]:
    """Which sizes the law speaks of: the plain form has nothing to say of a zero-shot value."""
    return s > (-1 if is_shifted(s, law) else 0)


def is_shifted(s: Array, law: ScalingLaw) -> bool:
    """Whether the law was fitted to a zero-shot value, too; a flat one has lost its s0."""
    return law.s0 > 0 or len(np.unique(s[s > 0])) < 2


def select_power(s: Array, v: Array, errors: Array) -> ScalingLaw:
    """The plain form, or the shifted one where a zero-shot value makes it possible and it pays."""
    trained = s > 0
    if trained.all():
        return fit_power(s, v, errors, shifted=False)
    shifted = fit_power(s, v, errors, shifted=True)
    if len(np.unique(s[trained])) < 2:
        return shifted
    plain = fit_power(s[trained], v[trained], errors[trained], shifted=False)
    scores = [
        _akaike(s[trained], v[trained], errors[trained], law, n_parameters)
        for law, n_parameters in ((plain, 3), (shifted, 4))
    ]
    return plain if scores[0] < scores[1] else shifted


def _akaike(s: Array, v: Array, errors: Array, law: ScalingLaw, n_parameters: int) -> float:
    n = len(s)
    mean_square = np.mean(((v - law.predict(s)) / errors) ** 2)
    correction = 2 * n_parameters * (n_parameters + 1) / max(n - n_parameters - 1, 1)
    return float(n * np.log(max(mean_square, 1e-20)) + 2 * n_parameters + correction)


def fit_power(s: Array, v: Array, errors: Array, shifted: bool) -> ScalingLaw:
    """Smallest weighted sum of squares, from every point of the grid."""
    weights = errors.min() / errors
    free_b = len(np.unique(s)) > 2
    shifts = _SHIFTS if shifted else np.zeros(1)
    pairs = np.array([(alpha, shift) for shift in shifts for alpha in _ALPHAS])
    losses = _linear_fit(s, v, weights, pairs, free_b)[2]
    start = pairs[np.argmin(losses)]
    alpha, s0 = _refine(s, v, weights, start, free_b)
    a, b, _ = _linear_fit(s, v, weights, np.array([[alpha, s0]]), free_b)
    if a[0] == 0:  # nothing to learn: any exponent will do
        alpha, s0 = 1.0, 0.0
    return ScalingLaw(float(a[0]), float(alpha), float(b[0]), float(s0))


def covariance_of(laws: list[ScalingLaw]) -> Array:
    """Of the parameters; laws that are all the same do not vary."""
    table = np.array([[one.a, one.alpha, one.b, one.s0] for one in laws])
    return np.cov((table - table[0]).T)


def _refine(s: Array, v: Array, weights: Array, start: Array, free_b: bool) -> tuple[float, float]:
    """The minimum near a grid point, in logarithms."""

    def loss(logarithms: Array) -> float:
        return float(_linear_fit(s, v, weights, np.exp(logarithms)[None], free_b)[2][0])

    def loss_without_shift(log_alpha: float) -> float:
        pair = np.array([[np.exp(log_alpha), 0.0]])
        return float(_linear_fit(s, v, weights, pair, free_b)[2][0])

    if start[1] == 0:
        return _best_exponent(loss_without_shift, start[0]), 0.0
    return _best_exponent_and_shift(loss, start)


def _best_exponent(loss: Callable[[float], float], start: float) -> float:
    """Between the neighbors of a point of the grid."""
    spacing, middle = np.log(_ALPHAS[1] / _ALPHAS[0]), np.log(start)
    limits = (max(middle - spacing, np.log(_ALPHAS[0])), min(middle + spacing, np.log(2.0)))
    found = minimize_scalar(loss, bounds=limits, method="bounded", options={"xatol": 1e-10})
    return float(np.exp(found.x))


def _best_exponent_and_shift(loss: Callable[[Array], float], start: Array) -> tuple[float, float]:
    """Downhill from a point of the grid."""
    box = Bounds(np.log([_ALPHAS[0], _SHIFTS[0] / 10]), np.log([2.0, _SHIFTS[-1] * 10]))
    found = minimize(
        loss,
        np.log(start),
        method="Nelder-Mead",
        bounds=box,
        options={"xatol": 1e-7, "fatol": 1e-14, "maxiter": 400},
    )
    alpha, s0 = np.exp(found.x).tolist()
    return alpha, s0


def _linear_fit(
    s: Array, v: Array, weights: Array, pairs: Array, free_b: bool
) -> tuple[Array, Array, Array]:
    """Best a >= 0, b >= 0 and the loss for each (alpha, s0) of `pairs`."""
    powers = (s + pairs[:, 1:]) ** -pairs[:, :1] * weights
    one, target = weights * np.ones_like(powers), weights * v
    uu, u1, uv = (powers**2).sum(1), (powers * one).sum(1), powers @ target
    n1, v1 = (weights**2).sum(), weights @ target
    determinant = uu * n1 - u1**2
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (uv * n1 - u1 * v1) / determinant, (uu * v1 - u1 * uv) / determinant
    solvable = np.isfinite(a) & np.isfinite(b) & free_b
    only_a = ~solvable | (b < 0)
    a, b = np.where(only_a, uv / uu, a), np.where(only_a, 0.0, b)
    residuals = a[:, None] * powers + b[:, None] * one - target
    losses = (residuals**2).sum(1)
    constant = ((v1 / n1 * weights - target) ** 2).sum()
    flat = constant <= ROUNDING**2 * (target**2).sum()
    only_b = (a < 0) | (losses > constant) | flat
    return np.where(only_b, 0.0, a), np.where(only_b, v1 / n1, b), np.where(only_b, constant, losses)


def scatter_of(s: Array, v: Array, errors: Array, law: ScalingLaw) -> float:
    """Scale of standard errors that were only proportional."""
    of_law = met(s, law)
    degrees = max(of_law.sum() - 3 - (law.s0 > 0), 1)
    scatter = float(np.sqrt(np.sum(((v - law.predict(s)) / errors)[of_law] ** 2) / degrees))
    return scatter if scatter > ROUNDING else 0.0
