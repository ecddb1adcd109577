"""Fitting the scaling law to measured residual variances.

Weighted least squares with a >= 0, b >= 0, 0 < alpha <= 2. For given alpha and s0 the law is linear in a and b,
so that the best non-negative pair is known in closed form; what is left is a search over alpha (and s0), from
every point of a grid and then to the minimum between its neighbors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import Bounds, minimize, minimize_scalar

from sklearn_ftr._arguments import check_confidence_level, check_count, random_generator
from sklearn_ftr._tables import as_floats, check_same_rows
from sklearn_ftr.allocation._scaling_law import ScalingLaw

Array = NDArray[np.float64]
_ALPHAS = np.geomspace(0.01, 2.0, 80)
_SHIFTS = np.geomspace(1.0, 1e5, 16)
_PARAMETERS = ("a", "alpha", "b", "s0")
# Relative differences between variances that are rounding, and nothing for a law to explain.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class FittedLaw:
    """A scaling law with what is known of its uncertainty.

    Attributes
    ----------
    law : ScalingLaw
    standard_errors : dict of str to float
        Of a, alpha, b and s0, from the bootstrap; 0 for a curve without noise.
    covariance : ndarray of shape (4, 4)
        Of (a, alpha, b, s0), from the bootstrap.
    r_squared : float
        Weighted share of the curve's variation that the law explains; 1 for a flat curve that is met exactly.
    verdict : {"falling", "flat", "rising"}
        Whether training helps: "falling" when the variance falls from the smallest to the largest size by more than
        two standard errors of that difference; "rising" when it rises by more. Neither is an error.
    bootstrap : list of ScalingLaw
        Laws fitted to resampled curves.
    """

    law: ScalingLaw
    standard_errors: dict[str, float]
    covariance: Array
    r_squared: float
    verdict: str
    bootstrap: list[ScalingLaw] = field(repr=False)

    def band(self, s: ArrayLike, confidence_level: float = 0.95) -> tuple[Array, Array]:
        """Bootstrap band of the law.

        Parameters
        ----------
        s : array-like
            Numbers of labels.
        confidence_level : float, default=0.95

        Returns
        -------
        low, high : ndarray, as many as `s`
        """
        check_confidence_level(confidence_level)
        curves = np.array([law.predict(s) for law in self.bootstrap])
        tail = (1 - confidence_level) / 2
        return np.quantile(curves, tail, axis=0), np.quantile(curves, 1 - tail, axis=0)


def fit_scaling_law(
    sizes: ArrayLike,
    variances: ArrayLike,
    *,
    standard_errors: ArrayLike | None = None,
    resampled: ArrayLike | None = None,
    n_bootstrap: int = 200,
    random_state: int | None = None,
) -> FittedLaw:
    """Fit v(s) = a (s + s0)^-alpha + b to a learning curve.

    Parameters
    ----------
    sizes : array-like of shape (j,)
        Numbers of labels that trained. A size of 0 is a zero-shot value: the form with s0 > 0 is then fitted, too,
        and kept if its Akaike criterion (corrected for small samples) is better.
    variances : array-like of shape (j,)
        Residual variances, in squared units of y.
    standard_errors : array-like of shape (j,), default=None
        Of `variances`; the weights are their inverse squares. None takes them as proportional to the variances,
        as they are for equal numbers of test rows, with the scale estimated from the scatter.
    resampled : array-like of shape (n_curves, j), default=None
        Curves from a bootstrap of the rows behind `variances`. None draws normal errors with the standard errors.
    n_bootstrap : int, default=200
        Number of curves drawn when `resampled` is None.
    random_state : int, default=None
        Seeds these draws.

    Returns
    -------
    FittedLaw

    Raises
    ------
    ValueError
        Fewer than 2 sizes, lengths that differ, negative sizes, variances or standard errors, NaN, fewer than 2
        resampled curves; pandas indexes that differ.
    TypeError
        Masked arrays.

    Notes
    -----
    With two different sizes b is 0: three parameters are not identified.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import ScalingLaw, fit_scaling_law
    >>> sizes = np.array([50, 100, 200, 400, 800])
    >>> fit = fit_scaling_law(sizes, ScalingLaw(2.0, 0.5, 1.0).predict(sizes))
    >>> round(fit.law.alpha, 3), round(fit.law.b, 3), fit.verdict
    (0.5, 1.0, 'falling')
    """
    n_bootstrap = check_count(n_bootstrap, "n_bootstrap", 0)
    check_same_rows(sizes=sizes, standard_errors=standard_errors)
    s, v = _check_curve(sizes, variances)
    unit = float(v.max()) or 1.0  # any scale, without underflow
    v, errors = v / unit, _check_errors(standard_errors, v) / unit
    law = _select(s, v, errors)
    if standard_errors is None:
        errors = errors * _scatter(s, v, errors, law)
    curves = _draws(s, v, law, errors, n_bootstrap, random_state) if resampled is None else resampled
    curves = _check_resampled(curves, s) / (1.0 if resampled is None else unit)
    laws = [_scaled(one, unit) for one in _fit_all(s, curves, errors, law)]
    covariance = _covariance(laws)
    return FittedLaw(
        law=_scaled(law, unit),
        standard_errors=dict(zip(_PARAMETERS, np.sqrt(np.diag(covariance)).tolist(), strict=True)),
        covariance=covariance,
        r_squared=_r_squared(s, v, errors, law),
        verdict=_verdict(s, v, curves),
        bootstrap=laws,
    )


def _check_curve(sizes: ArrayLike, variances: ArrayLike) -> tuple[Array, Array]:
    check_same_rows(sizes=sizes, variances=variances)
    s, v = _numbers(sizes, "sizes"), _numbers(variances, "variances")
    if s.ndim != 1 or s.shape != v.shape or len(np.unique(s)) < 2:
        raise ValueError(
            f"sizes has shape {s.shape} with {len(np.unique(s))} different values, variances has shape {v.shape}; "
            "expected two columns of equal length and at least 2 different sizes."
        )
    if not (np.isfinite(s).all() and np.isfinite(v).all() and (s >= 0).all() and (v >= 0).all()):
        raise ValueError("sizes and variances must be finite and not negative.")
    return s, v


def _numbers(values: ArrayLike, name: str) -> Array:
    return as_floats(values, name, truth_values=False).astype(float)


def _check_errors(standard_errors: ArrayLike | None, v: Array) -> Array:
    if standard_errors is None:
        scale = v.max() or 1.0
        return np.maximum(v, _ROUNDING * scale)
    errors = _numbers(standard_errors, "standard_errors")
    if errors.shape != v.shape or not (np.isfinite(errors).all() and (errors > 0).all()):
        raise ValueError(
            f"standard_errors must be {len(v)} positive finite numbers, one for each size; got {standard_errors!r}."
        )
    return errors


def _check_resampled(curves: ArrayLike, s: Array) -> Array:
    table = _numbers(curves, "resampled")
    if table.ndim != 2 or table.shape[1] != len(s) or len(table) < 2 or not np.isfinite(table).all():
        raise ValueError(
            f"resampled has shape {table.shape}; expected at least 2 finite curves of {len(s)} variances "
            "(n_bootstrap is their number where they are drawn)."
        )
    return np.maximum(table, 0)


def _met(s: Array, law: ScalingLaw) -> NDArray[np.bool_]:
    """Which sizes the law speaks of: the plain form has nothing to say of a zero-shot value."""
    return s > (-1 if _is_shifted(s, law) else 0)


def _is_shifted(s: Array, law: ScalingLaw) -> bool:
    """Whether the law was fitted to a zero-shot value, too; a flat one has lost its s0."""
    return law.s0 > 0 or len(np.unique(s[s > 0])) < 2


def _scaled(law: ScalingLaw, unit: float) -> ScalingLaw:
    return ScalingLaw(law.a * unit, law.alpha, law.b * unit, law.s0)


def _select(s: Array, v: Array, errors: Array) -> ScalingLaw:
    """The plain form, or the shifted one where a zero-shot value makes it possible and it pays."""
    trained = s > 0
    if trained.all():
        return _fit(s, v, errors, shifted=False)
    shifted = _fit(s, v, errors, shifted=True)
    if len(np.unique(s[trained])) < 2:
        return shifted
    plain = _fit(s[trained], v[trained], errors[trained], shifted=False)
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


def _fit(s: Array, v: Array, errors: Array, shifted: bool) -> ScalingLaw:
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


def _fit_all(s: Array, curves: Array, errors: Array, law: ScalingLaw) -> list[ScalingLaw]:
    """Laws of the form of `law`, fitted to other curves."""
    fitted, shifted = _met(s, law), _is_shifted(s, law)
    safe = np.maximum(errors, 1e-300)[fitted]
    return [_fit(s[fitted], curve[fitted], safe, shifted) for curve in curves]


def _covariance(laws: list[ScalingLaw]) -> Array:
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
    flat = constant <= _ROUNDING**2 * (target**2).sum()
    only_b = (a < 0) | (losses > constant) | flat
    return np.where(only_b, 0.0, a), np.where(only_b, v1 / n1, b), np.where(only_b, constant, losses)


def _scatter(s: Array, v: Array, errors: Array, law: ScalingLaw) -> float:
    """Scale of standard errors that were only proportional."""
    met = _met(s, law)
    degrees = max(met.sum() - 3 - (law.s0 > 0), 1)
    scatter = float(np.sqrt(np.sum(((v - law.predict(s)) / errors)[met] ** 2) / degrees))
    return scatter if scatter > _ROUNDING else 0.0


def _draws(s: Array, v: Array, law: ScalingLaw, errors: Array, count: int, seed: int | None) -> Array:
    """Curves with normal errors around the law, or around what was measured where it says nothing."""
    center = np.where(_met(s, law), law.predict(s), v)
    return center + errors * random_generator(seed).standard_normal((count, len(s)))


def _r_squared(s: Array, v: Array, errors: Array, law: ScalingLaw) -> float:
    met = _met(s, law)
    v, errors, fitted = v[met], errors[met], law.predict(s[met])
    if np.ptp(v) <= _ROUNDING * v.max():
        return 1.0  # a flat curve, met exactly
    weights = (errors.min() / errors) ** 2 if errors.min() > 0 else np.ones_like(v)
    return float(
        1 - weights @ (v - fitted) ** 2 / (weights @ (v - np.average(v, weights=weights)) ** 2)
    )


def _verdict(s: Array, v: Array, curves: Array) -> str:
    """Does the variance fall from the smallest to the largest size, beyond two standard errors?"""
    first, last = np.argmin(s), np.argmax(s)
    change = v[last] - v[first]
    error = np.std(curves[:, last] - curves[:, first]) if len(curves) > 1 else 0.0
    threshold = max(2 * error, _ROUNDING * v.max())
    return "falling" if change < -threshold else "rising" if change > threshold else "flat"
