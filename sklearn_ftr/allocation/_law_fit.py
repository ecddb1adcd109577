"""Fitting a law to measured residual variances: checks of what was measured, the fit, and what is known of its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr._arguments import check_choice, check_confidence_level, check_count, random_generator
from sklearn_ftr._printed_table import PrintedTable
from sklearn_ftr._short_repr import told
from sklearn_ftr._shows_table import ShowsTable
from sklearn_ftr._tables import as_floats, check_same_rows
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.allocation._best_law import Best, ChosenForms, PowerAlone
from sklearn_ftr.allocation._law import Array
from sklearn_ftr.allocation._law_choice import choose_law
from sklearn_ftr.allocation._law_curve import LawCurve
from sklearn_ftr.allocation._other_laws import scaled
from sklearn_ftr.allocation._planning_law import PlanningLaw
from sklearn_ftr.allocation._power_fit import ROUNDING, covariance_of, met, select_power
from sklearn_ftr.allocation._scaling_law import ScalingLaw

if TYPE_CHECKING:
    from sklearn_ftr.displays import ScalingLawDisplay

KINDS = ("auto", "power")
_PARAMETERS = ("a", "alpha", "b", "s0")


@dataclass(frozen=True, repr=False)
class FittedLaw(ShowsTable, Versioned):
    """A law with what is known of its uncertainty.

    Attributes
    ----------
    law : law
        With `predict`, `slope`, `optimal_split`, `plan` and `required_labels`. A `ScalingLaw` with `law="power"`; else what was chosen, or a mean of
        several forms.
    standard_errors : dict of str to float
        Of a, alpha, b and s0 of `power`, from the bootstrap; 0 for a curve without noise.
    covariance : ndarray of shape (4, 4)
        Of (a, alpha, b, s0), from the bootstrap.
    r_squared : float
        Weighted share of the curve's variation that the law explains; 1 for a flat curve that is met exactly.
    verdict : str
        Whether training helps: "falling" when the variance falls from the smallest to the largest size by more than
        two standard errors of that difference; "rising" when it rises by more; "flat" otherwise. Neither is an error. Where the law misses a falling curve with
        known standard errors by more than they allow, it goes on ", but not as the law says" and names the size.
    bootstrap : list of laws
        Fitted to resampled curves; of several forms in proportion to `weights`.
    power : ScalingLaw
        The paper's law, whatever was chosen.
    weights : dict of str to float
        Of each form in `law`, the largest first.
    sizes, variances : ndarray of shape (j,)
        What the law was fitted to.
    errors : ndarray of shape (j,)
        Standard errors of `variances`; where they were not given, as large as the scatter around the closest form makes them.
    """

    law: PlanningLaw
    standard_errors: dict[str, float]
    covariance: Array
    r_squared: float
    verdict: str
    bootstrap: list[PlanningLaw] = field(repr=False)
    power: ScalingLaw
    weights: dict[str, float]
    sizes: Array = field(default_factory=lambda: np.zeros(0), repr=False)
    variances: Array = field(default_factory=lambda: np.zeros(0), repr=False)
    errors: Array = field(default_factory=lambda: np.zeros(0), repr=False)

    def __repr__(self) -> str:
        return told(self, f"{self.law}, {self.verdict}")

    def _table(self) -> PrintedTable:
        """The power law, and what is used in its place."""
        rows = [
            [name, f"{getattr(self.power, name):.4g}", f"{self.standard_errors[name]:.3g}"]
            for name in _PARAMETERS
        ]
        forms = ", ".join(f"{name} {weight:.2f}" for name, weight in self.weights.items())
        title = f"Scaling law, {self.verdict}, R^2 {self.r_squared:.3f}"
        notes = [f"Used: {self.law}", f"Forms by weight: {forms}"]
        return PrintedTable(title, ["power law", "estimate", "std. error"], rows, notes)

    @property
    def misfit(self) -> str:
        """Where the law misses the curve, in words; empty where it does not."""
        return self.verdict.partition(", ")[2]

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

    def curve(self, s: ArrayLike | None = None, confidence_level: float = 0.95) -> LawCurve:
        """The law and its band on a grid.

        Parameters
        ----------
        s : array-like of shape (j,), default=None
            Numbers of labels. None takes 100, evenly in logarithms, from the smallest size above 0 that was measured to twice the largest.
        confidence_level : float, default=0.95
            Of the band.

        Returns
        -------
        LawCurve
            With `sizes`, `variance`, `low`, `high` and `to_frame`.
        """
        sizes = self._grid() if s is None else np.atleast_1d(np.asarray(s, dtype=float))
        low, high = self.band(sizes, confidence_level)
        return LawCurve(sizes, np.asarray(self.law.predict(sizes)), low, high)

    def _grid(self) -> Array:
        return np.geomspace(*self._limits, 100)

    @property
    def _limits(self) -> tuple[float, float]:
        """From the smallest size above 0 that was measured to twice the largest."""
        measured = self.sizes[self.sizes > 0]
        return (float(measured.min()), 2 * float(measured.max())) if len(measured) else (10.0, 1e4)

    def plot(self, ax: Any = None, *, limits: tuple[float, float] | None = None) -> ScalingLawDisplay:
        """The law with its band, through what was measured (extra `plot`).

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.
        limits : (float, float), default=None
            Numbers of labels between which the law is drawn. None is from the smallest size that was measured to twice the largest.

        Returns
        -------
        ScalingLawDisplay
            Drawn; `ScalingLawDisplay.from_law` has more settings.
        """
        from sklearn_ftr.displays import ScalingLawDisplay

        return ScalingLawDisplay.from_law(self, limits=limits).plot(ax)


def fit_scaling_law(
    sizes: ArrayLike,
    variances: ArrayLike,
    *,
    standard_errors: ArrayLike | None = None,
    resampled: ArrayLike | None = None,
    n_bootstrap: int = 200,
    random_state: int | None = None,
    law: str = "power",
) -> FittedLaw:
    """Fit a law of the residual variance to a learning curve: v(s) = a (s + s0)^-alpha + b, or whatever form predicts it.

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
    law : {"power", "auto"}, default="power"
        "power" is the paper's. "auto" weighs it against shifted and broken power laws, exponential approach, a sigmoid in log s and the
        interpolated curve, by how well each predicts the largest sizes from the smaller ones; curves of networks need it. With fewer than 3
        sizes, and size 0 aside, both are the same.

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

    Forms of "auto" have the weights exp(-score / 2), up to a factor; the score adds squared errors of prediction of the two largest sizes from
    smaller ones and of the fit to all, in standard errors, and twice the number of parameters. What weighs little is left out, what is left is averaged
    (`FittedLaw.weights`). Without standard errors, the closest form says how large they are.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import ScalingLaw, fit_scaling_law
    >>> sizes = np.array([50, 100, 200, 400, 800])
    >>> fit = fit_scaling_law(sizes, ScalingLaw(2.0, 0.5, 1.0).predict(sizes))
    >>> round(fit.law.alpha, 3), round(fit.law.b, 3), fit.verdict
    (0.5, 1.0, 'falling')
    """
    check_choice(law, "law", KINDS)
    n_bootstrap = check_count(n_bootstrap, "n_bootstrap", 0)
    check_same_rows(sizes=sizes, standard_errors=standard_errors)
    s, v = _check_curve(sizes, variances)
    unit = float(v.max()) or 1.0  # any scale, without underflow
    v, errors = v / unit, _check_errors(standard_errors, v) / unit
    best = _best(law, s, v, errors, standard_errors is not None)
    if standard_errors is None:
        errors = errors * best.scatter(s, v, errors)
    curves = _draws(s, v, best, errors, n_bootstrap, random_state) if resampled is None else resampled
    curves = _check_resampled(curves, s) / (1.0 if resampled is None else unit)
    laws, powers = best.versions(s, curves, errors)
    covariance = covariance_of([scaled(one, unit) for one in powers])
    verdict = _verdict(s, v, curves)
    if verdict == "falling" and standard_errors is not None:  # no law rises
        verdict += best.misfit(s, v, errors)
    return FittedLaw(
        law=scaled(best.law, unit),
        standard_errors=dict(zip(_PARAMETERS, np.sqrt(np.diag(covariance)).tolist(), strict=True)),
        covariance=covariance,
        r_squared=_r_squared(s, v, errors, best),
        verdict=verdict,
        bootstrap=[scaled(one, unit) for one in laws],
        power=scaled(best.power, unit),
        weights=best.weights,
        sizes=s,
        variances=v * unit,
        errors=errors * unit,
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
        return np.maximum(v, ROUNDING * scale)
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


def _best(law: str, s: Array, v: Array, errors: Array, known: bool) -> Best:
    """The power law, or what is chosen among all forms where three sizes have trained, of two of which anything could be said."""
    power = select_power(s, v, errors)
    of_law = met(s, power)
    if law == "power" or len(np.unique(s[s > 0])) < 3:
        return PowerAlone(power)
    return ChosenForms(power, choose_law(s[of_law], v[of_law], errors[of_law], known))


def _draws(s: Array, v: Array, best: Best, errors: Array, count: int, seed: int | None) -> Array:
    """Curves with normal errors around the law, or around what was measured where it says nothing."""
    of_law = met(s, best.power)
    center = v.copy()
    center[of_law] = best.law.predict(s[of_law])
    return center + errors * random_generator(seed).standard_normal((count, len(s)))


def _r_squared(s: Array, v: Array, errors: Array, best: Best) -> float:
    of_law = met(s, best.power)
    v, errors, fitted = v[of_law], errors[of_law], best.law.predict(s[of_law])
    if np.ptp(v) <= ROUNDING * v.max():
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
    threshold = max(2 * error, ROUNDING * v.max())
    return "falling" if change < -threshold else "rising" if change > threshold else "flat"
