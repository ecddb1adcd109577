"""A plan as a picture: the predicted standard error against the share of labels that train, and what stands beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from sklearn_ftr._versioned import Versioned
from sklearn_ftr.displays._axes import artist_settings, axes_of, legend_above
from sklearn_ftr.displays._fitted import attribute_of
from sklearn_ftr.displays._scales import finite, number, scale_axis
from sklearn_ftr.displays._styles import (
    CHOSEN,
    CURVE,
    LABELS_ONLY,
    PREDICTIONS_ONLY,
    SERIES,
    Style,
)

if TYPE_CHECKING:
    from sklearn_ftr.allocation import Option, Plan, SplitCurve

# Names of marks that are nearer are left out.
_APART = 0.08
# The curve, which rises at both ends, is seen up to so many times its lowest point at least.
_SEEN = 1.25
_FOLDS = SERIES[2]


class PlanDisplay(Versioned):
    """Predicted standard error against the share of labels that train: every split, labels only, cross-fitting, what was chosen.

    Made by `from_estimator`, by `from_plan`, or by the method `plot` of a plan. Cross-fitting with K folds stands at (K - 1) / K, the share
    that trains each model, and a model as it is at 0.

    Parameters
    ----------
    curve : SplitCurve
        Of `Plan.curve`.
    options : sequence of Option
        What else there is: zero-shot and cross-fitting are drawn as marks with their ranges.
    chosen : Option, default=None
        What is marked; None marks nothing.
    chosen_label : str, default="chosen"
        What the legend says before its name.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Of the last `plot`.
    split_, labels_only_, best_split_, chosen_ : Line2D or None
    band_ : PolyCollection or None
        Where the uncertainty of the law leaves the curve, with 95 %.
    near_best_ : PolyCollection or None
        Split ratios that are nearly as good as the best one.
    zero_shot_, cross_fitting_ : ErrorbarContainer or None
    legend_ : Legend

    See Also
    --------
    ScalingLawDisplay : The law behind it.
    LabelBudgetDisplay : How many labels a goal needs.

    Examples
    --------
    >>> from sklearn_ftr import PlanDisplay, ScalingLaw
    >>> law = ScalingLaw(a=0.287, alpha=0.297, b=0.042)
    >>> plan = law.plan(1000, total_variance=0.1216)
    >>> display = PlanDisplay.from_plan(plan).plot(within=0.02)
    >>> display.ax_.get_ylabel()
    'predicted standard error'
    >>> display.chosen.n_folds
    10
    """

    def __init__(
        self,
        *,
        curve: SplitCurve,
        options: Sequence[Option] = (),
        chosen: Option | None = None,
        chosen_label: str = "chosen",
    ) -> None:
        self.curve = curve
        self.options = options
        self.chosen = chosen
        self.chosen_label = chosen_label

    @classmethod
    def from_plan(cls, plan: Plan, *, chosen: Option | None = None, n_points: int = 200) -> Self:
        """All that a plan has.

        Parameters
        ----------
        plan : Plan
        chosen : Option, default=None
            None is `plan.best()`, which the legend calls the best.
        n_points : int, default=200
            About so many split ratios.

        Returns
        -------
        PlanDisplay
            To be drawn by `plot`.
        """
        return cls(
            curve=plan.curve(n_points),
            options=plan.options,
            chosen=plan.best() if chosen is None else chosen,
            chosen_label="best" if chosen is None else "chosen",
        )

    @classmethod
    def from_estimator(cls, estimator: Any, *, n_points: int = 200) -> Self:
        """The plan of a fitted `FineTuneRectifyAllocator`, with what it chose."""
        plan = attribute_of(estimator, "plan_", "a FineTuneRectifyAllocator")
        return cls.from_plan(plan, chosen=estimator.best_option_, n_points=n_points)

    def plot(
        self,
        ax: Any = None,
        *,
        within: float = 0.05,
        split_kwargs: Mapping[str, Any] | None = None,
        band_kwargs: Mapping[str, Any] | None = None,
        labels_only_kwargs: Mapping[str, Any] | None = None,
        cross_fitting_kwargs: Mapping[str, Any] | None = None,
        chosen_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.
        within : float, default=0.05
            Split ratios whose standard error is at most so much above the best split's, relatively, are shaded.
        split_kwargs, chosen_kwargs : dict, default=None
            For `Axes.plot`.
        band_kwargs : dict, default=None
            For `Axes.fill_between`.
        labels_only_kwargs : dict, default=None
            For `Axes.axhline`.
        cross_fitting_kwargs : dict, default=None
            For `Axes.errorbar`.

        Returns
        -------
        PlanDisplay
            Itself.

        Raises
        ------
        ImportError
            Without matplotlib (extra `plot`).
        ValueError
            A negative `within`.
        """
        near = self.curve.near_best(within)
        ax = axes_of(ax, "PlanDisplay.plot()")
        self._draw_labels_only(ax, labels_only_kwargs)
        self._draw_splits(ax, near, within, split_kwargs, band_kwargs)
        self._draw_marks(ax, cross_fitting_kwargs)
        self._draw_chosen(ax, chosen_kwargs)
        self._scale(ax)
        self.legend_ = legend_above(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_labels_only(self, ax: Any, given: Mapping[str, Any] | None) -> None:
        settings = artist_settings({**LABELS_ONLY.line, "label": "labels only"}, given)
        self.labels_only_ = ax.axhline(self.curve.labels_only, **settings)

    def _draw_splits(
        self,
        ax: Any,
        near: Any,
        within: float,
        split: Mapping[str, Any] | None,
        band: Mapping[str, Any] | None,
    ) -> None:
        """The curve, its band, its lowest point, and where it is nearly as low."""
        self.split_ = self.band_ = self.best_split_ = self.near_best_ = None
        curve, x = self.curve, self.curve.split_ratio
        if not len(x):
            return
        settings = artist_settings({**CURVE.line, "label": "split"}, split)
        (self.split_,) = ax.plot(x, curve.standard_error, **settings)
        if (curve.high > curve.low).any():
            settings = artist_settings({**CURVE.band, "label": "95 % of the law"}, band, "Collection")
            self.band_ = ax.fill_between(x, curve.low, curve.high, **settings)
        self.near_best_ = _shaded(ax, x, near, f"within {100 * within:g} % of the best")
        best = int(curve.standard_error.argmin())
        label = f"best split: {number(curve.n_finetune[best])}"
        point = {**CURVE.points, "label": label}
        (self.best_split_,) = ax.plot([x[best]], [curve.standard_error[best]], **point)

    def _draw_marks(self, ax: Any, given: Mapping[str, Any] | None) -> None:
        """Zero-shot and cross-fitting, with ranges; folds are named where there is room."""
        zero = [one for one in self.options if one.strategy == "zero-shot"]
        folds = [one for one in self.options if one.n_folds]
        self.zero_shot_ = self._marks(ax, zero, PREDICTIONS_ONLY, "zero-shot", None)
        self.cross_fitting_ = self._marks(ax, folds, _FOLDS, "cross-fitting", given)
        last = -np.inf
        for one in sorted(folds, key=self._ratio):
            if self._ratio(one) - last >= _APART:
                last = self._ratio(one)
                _named_below(ax, last, min(one.low, one.standard_error), f"K={one.n_folds}")

    def _marks(
        self, ax: Any, options: list[Option], style: Style, label: str, given: Mapping[str, Any] | None
    ) -> Any:
        if not options:
            return None
        settings = artist_settings({**style.points_with_errors, "label": label}, given)
        rows = np.array([[one.standard_error, one.low, one.high] for one in options])
        center, low, high = np.where(np.isfinite(rows), rows, rows[:, :1]).T
        lengths = np.maximum([center - low, high - center], 0.0)
        return ax.errorbar(
            np.array([self._ratio(one) for one in options]), center, yerr=lengths, **settings
        )

    def _draw_chosen(self, ax: Any, given: Mapping[str, Any] | None) -> None:
        """A star; on the line of labels only at its left end."""
        self.chosen_ = None
        if self.chosen is None:
            return
        star = {**CHOSEN.star, "label": f"{self.chosen_label}: {short_name(self.chosen)}"}
        place = [self._ratio(self.chosen)], [self.chosen.standard_error]
        (self.chosen_,) = ax.plot(*place, **artist_settings(star, given))

    def _ratio(self, option: Option) -> float:
        """The share of labels that train each model."""
        return option.n_finetune / self.curve.n_labeled

    def _scale(self, ax: Any) -> None:
        curve = self.curve
        marks = [(one.standard_error, one.low, one.high) for one in self.options]
        best = curve.low[curve.near_best(0.0)]
        least = curve.standard_error.min(initial=np.inf)
        shape = least, np.minimum(_SEEN * least, curve.standard_error.max(initial=least))
        seen = finite(curve.labels_only, marks, shape, best)
        low, high = (seen.min(), seen.max()) if len(seen) else (0.0, 1.0)
        room = 0.06 * (high - low)  # for names of folds
        scale_axis(ax, "y", low - room, high + room or 1.0, logarithmic=False)
        ax.set_xlim(-0.03, 1.03)
        ax.set(xlabel="share of the labels that train each model", ylabel="predicted standard error")


def short_name(option: Option) -> str:
    """What legends call it."""
    return f"K = {option.n_folds}" if option.n_folds else option.strategy


def _shaded(ax: Any, x: Any, where: Any, label: str) -> Any:
    """From top to bottom, where it is said; a single ratio is a line."""
    style = {"color": CHOSEN.color, "alpha": 0.15, "linewidth": 1.0, "zorder": 0}
    return ax.fill_between(
        x, 0, 1, where=where, transform=ax.get_xaxis_transform(), label=label, **style
    )


def _named_below(ax: Any, x: float, y: float, name: str) -> None:
    place = {"xytext": (0, -9), "textcoords": "offset points", "ha": "center", "va": "top"}
    ax.annotate(name, (x, y), **place, fontsize="small", annotation_clip=True)
