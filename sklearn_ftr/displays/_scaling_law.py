"""What training has been seen to give, and the law that goes through it: residual variance against labels that train."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._versioned import Versioned
from sklearn_ftr.displays._axes import artist_settings, axes_of, legend_above
from sklearn_ftr.displays._fitted import attribute_of
from sklearn_ftr.displays._plan import short_name
from sklearn_ftr.displays._scales import NORMAL_95, finite, number, scale_axis, spans_much
from sklearn_ftr.displays._styles import CHOSEN, CURVE, LABELS_ONLY, MEASURED, PREDICTIONS_ONLY

if TYPE_CHECKING:
    from sklearn_ftr.allocation import FittedLaw
    from sklearn_ftr.allocation._planning_law import PlanningLaw

Array = NDArray[np.float64]
_POINTS = 200
# Ends of bands and bars are seen up to so many times what has been measured.
_SEEN = 2.0


class ScalingLawDisplay(Versioned):
    """Residual variance against the number of labels that train: what was measured, the law, its band, the chosen number.

    Made by `from_estimator`, by `from_law`, or by the method `plot` of a law. Both axes are logarithmic where their numbers span a factor of 8.

    Parameters
    ----------
    grid, law : ndarray of shape (g,)
        Numbers of labels, above 0, and the variance by the law, in squared units of y.
    low, high : ndarray of shape (g,), default=None
        95 % band of the law.
    sizes, variances : ndarray of shape (j,), default=None
        What was measured. A size of 0, a model before training, is drawn as a line.
    errors : ndarray of shape (j,), default=None
        Standard errors of `variances`, by the rows that test.
    total_variance : float, default=None
        V(Y): above it a model predicts worse than the mean of the labels.
    chosen : float, default=None
        How many labels train each model by what was chosen; None marks nothing.
    chosen_name : str, default=""
        What was chosen, for the legend.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Of the last `plot`.
    law_, total_variance_, untrained_, chosen_ : Line2D or None
        The law, V(Y), the model before training, the chosen number.
    band_ : PolyCollection or None
    measured_ : ErrorbarContainer or None
        Points with 95 % intervals.
    legend_ : Legend

    See Also
    --------
    PlanDisplay : What follows from the law: the standard error of every split.
    FittedLaw.plot : The display of one law.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import ScalingLawDisplay, fit_scaling_law
    >>> sizes = np.array([25, 50, 100, 200, 400])
    >>> variances = [0.24, 0.17, 0.155, 0.11, 0.094]
    >>> fitted = fit_scaling_law(sizes, variances, random_state=0)
    >>> display = ScalingLawDisplay.from_law(fitted, total_variance=0.3).plot()
    >>> display.ax_.get_xscale()
    'log'
    >>> display.ax_.get_ylabel()
    'residual variance'
    """

    def __init__(
        self,
        *,
        grid: Array,
        law: Array,
        low: Array | None = None,
        high: Array | None = None,
        sizes: Array | None = None,
        variances: Array | None = None,
        errors: Array | None = None,
        total_variance: float | None = None,
        chosen: float | None = None,
        chosen_name: str = "",
    ) -> None:
        self.grid = grid
        self.law = law
        self.low = low
        self.high = high
        self.sizes = sizes
        self.variances = variances
        self.errors = errors
        self.total_variance = total_variance
        self.chosen = chosen
        self.chosen_name = chosen_name

    @classmethod
    def from_law(
        cls,
        law: FittedLaw | PlanningLaw,
        *,
        limits: tuple[float, float] | None = None,
        sizes: ArrayLike | None = None,
        variances: ArrayLike | None = None,
        standard_errors: ArrayLike | None = None,
        total_variance: float | None = None,
        chosen: float | None = None,
    ) -> Self:
        """A law, with what it was fitted to where it is a `FittedLaw`.

        Parameters
        ----------
        law : FittedLaw, ScalingLaw or any other law
        limits : (float, float), default=None
            Numbers of labels between which the law is drawn. None is from the smallest measured size above 0 to twice the largest, and
            without any from 10 to 10,000.
        sizes, variances, standard_errors : array-like of shape (j,), default=None
            What was measured, in the place of what the law was fitted to.
        total_variance : float, default=None
            V(Y).
        chosen : float, default=None
            A number of labels to be marked.

        Returns
        -------
        ScalingLawDisplay
            To be drawn by `plot`.

        Raises
        ------
        ValueError
            Limits that are not positive, or do not rise.
        """
        measured = [law if given is None else given for given in (sizes, variances, standard_errors)]
        names = ("sizes", "variances", "errors")
        points = [_array(one, name) for one, name in zip(measured, names, strict=True)]
        grid = np.geomspace(*_limits(limits, points[0], chosen), _POINTS)
        low = high = None
        known: Any = law
        if hasattr(known, "band"):
            low, high = known.band(grid)
            known = known.law
        return cls(
            grid=grid,
            law=np.asarray(known.predict(grid)),
            low=low,
            high=high,
            sizes=points[0],
            variances=points[1],
            errors=points[2],
            total_variance=total_variance,
            chosen=chosen,
        )

    @classmethod
    def from_estimator(cls, estimator: Any, *, limits: tuple[float, float] | None = None) -> Self:
        """The law of a fitted `FineTuneRectifyAllocator`, with its curve and choice, or of a fitted `ScalingLawRegressor`.

        Parameters
        ----------
        estimator : FineTuneRectifyAllocator or ScalingLawRegressor
        limits : (float, float), default=None
            As in `from_law`.

        Returns
        -------
        ScalingLawDisplay
            To be drawn by `plot`.

        Raises
        ------
        ValueError
            An estimator without `law_`, fitted or not.
        """
        law = attribute_of(estimator, "law_", "an allocator or a ScalingLawRegressor")
        fitted = getattr(estimator, "law_fit_", None)
        law = law if fitted is None else fitted
        curve = getattr(estimator, "learning_curve_", None)
        if curve is None:
            return cls.from_law(law, limits=limits)
        option = estimator.best_option_
        display = cls.from_law(
            law,
            limits=limits,
            sizes=curve.sizes,
            variances=curve.variances,
            standard_errors=curve.standard_errors,
            total_variance=curve.total_variance,
            chosen=option.n_finetune or None,
        )
        display.chosen_name = short_name(option)
        return display

    def plot(
        self,
        ax: Any = None,
        *,
        law_kwargs: Mapping[str, Any] | None = None,
        band_kwargs: Mapping[str, Any] | None = None,
        measured_kwargs: Mapping[str, Any] | None = None,
        chosen_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.
        law_kwargs, chosen_kwargs : dict, default=None
            For `Axes.plot` of the law and of the chosen number.
        band_kwargs : dict, default=None
            For `Axes.fill_between`.
        measured_kwargs : dict, default=None
            For `Axes.errorbar`.

        Returns
        -------
        ScalingLawDisplay
            Itself.

        Raises
        ------
        ImportError
            Without matplotlib (extra `plot`).
        """
        ax = axes_of(ax, "ScalingLawDisplay.plot()")
        self._scale(ax)
        self._draw_law(ax, law_kwargs, band_kwargs)
        self._draw_measured(ax, measured_kwargs)
        self._draw_chosen(ax, chosen_kwargs)
        ax.set(xlabel="labels that train", ylabel="residual variance")
        self.legend_ = legend_above(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _points(self) -> tuple[Array, Array, Array]:
        """Sizes, variances and half-widths of their intervals (j,)."""
        if self.sizes is None or self.variances is None:
            return np.zeros(0), np.zeros(0), np.zeros(0)
        sizes, variances = np.asarray(self.sizes, float), np.asarray(self.variances, float)
        errors = np.zeros(len(sizes)) if self.errors is None else np.asarray(self.errors, float)
        return sizes, variances, NORMAL_95 * errors

    def _scale(self, ax: Any) -> None:
        """Limits that hold all that was measured, and of bars and bands as much as is near."""
        sizes, variances, half = self._points()
        x = finite(self.grid, sizes[sizes > 0])
        if len(x):
            scale_axis(ax, "x", x.min(), x.max(), spans_much(x))
        middle = finite(variances, self.total_variance, self.law)
        if not len(middle):
            return
        logarithmic = spans_much(middle)
        near = finite(middle, variances - half, variances + half, self.low, self.high)
        near = near[near <= _SEEN * middle.max()]
        least = near[near >= middle.min() / _SEEN].min() if logarithmic else 0.0
        scale_axis(ax, "y", least, near.max(), logarithmic)
        if not logarithmic:
            ax.set_ylim(bottom=0.0)

    def _draw_law(self, ax: Any, law: Mapping[str, Any] | None, band: Mapping[str, Any] | None) -> None:
        settings = artist_settings({**CURVE.line, "label": "law"}, law)
        (self.law_,) = ax.plot(self.grid, self.law, **settings)
        self.band_ = None
        if self.low is not None and self.high is not None:
            settings = artist_settings({**CURVE.band, "label": "95 % of the law"}, band, "Collection")
            self.band_ = ax.fill_between(self.grid, self.low, self.high, **settings)
        self.total_variance_ = None
        if self.total_variance is not None:
            line = {**LABELS_ONLY.line, "linewidth": 1.0}
            self.total_variance_ = ax.axhline(self.total_variance, **line, label="variance of labels")

    def _draw_measured(self, ax: Any, given: Mapping[str, Any] | None) -> None:
        sizes, variances, half = self._points()
        trained = sizes > 0
        self.measured_ = self.untrained_ = None
        if trained.any():
            settings = artist_settings({**MEASURED.points_with_errors, "label": "measured"}, given)
            self.measured_ = ax.errorbar(
                sizes[trained], variances[trained], yerr=half[trained], **settings
            )
        for variance in variances[~trained]:
            self.untrained_ = ax.axhline(variance, **PREDICTIONS_ONLY.line, label="before training")

    def _draw_chosen(self, ax: Any, given: Mapping[str, Any] | None) -> None:
        self.chosen_ = None
        if self.chosen is None:
            return
        there = float(np.interp(self.chosen, self.grid, self.law))
        label = f"chosen: {number(self.chosen)}" + f" ({self.chosen_name})" * bool(self.chosen_name)
        star = {**CHOSEN.star, "label": label}
        (self.chosen_,) = ax.plot([self.chosen], [there], **artist_settings(star, given))


def _array(values: Any, name: str) -> Array | None:
    """Numbers that are given, or what a law says that it was fitted to."""
    if hasattr(values, "predict") or hasattr(values, "band"):
        values = getattr(values, name, None)
    return None if values is None else np.asarray(values, dtype=float)


def _limits(
    given: tuple[float, float] | None, sizes: Array | None, chosen: float | None
) -> tuple[float, float]:
    """Between which a law is drawn."""
    if given is not None:
        low, high = map(float, given)
        if not 0 < low < high < np.inf:
            raise ValueError(f"limits is {given}; expected two positive numbers that rise.")
        return low, high
    measured = finite(sizes)
    measured = measured[measured > 0]
    low, high = (measured.min(), 2 * measured.max()) if len(measured) else (10.0, 10_000.0)
    if chosen is None:
        return low, high
    return min(low, chosen), max(high, 1.25 * chosen)
