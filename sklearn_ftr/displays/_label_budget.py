"""What an interval costs: labels, or money, against its half-width, beside labels only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._arguments import check_choice
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.displays._axes import artist_settings, axes_of, legend_above
from sklearn_ftr.displays._fitted import attribute_of
from sklearn_ftr.displays._scales import finite, scale_axis, spans_much
from sklearn_ftr.displays._styles import CHOSEN, LABELS_ONLY, RECTIFIED

if TYPE_CHECKING:
    from sklearn_ftr.allocation import Costs, RequiredLabels
    from sklearn_ftr.allocation._planning_law import PlanningLaw

Array = NDArray[np.float64]
# Half-widths that an allocator is asked for, in units of the one in hand.
_ASKED = 1.25 ** np.arange(-4.0, 3.0)
# Labels only are drawn over the cheapest way, which they may be, and leave it to be seen.
_OVER = {"markerfacecolor": "none", "markersize": 9.0, "zorder": 3}
_UNITS = ("labels", "money")
_LABELS = {"labels": "labels", "money": "cost"}


class LabelBudgetDisplay(Versioned):
    """How many labels, or how much money, an interval of a half-width needs, with ranges, and how many labels would do without predictions.

    Made by `from_estimator`, `from_law` or `from_required`. Axes are logarithmic where their numbers span a factor of 8.

    Parameters
    ----------
    half_widths : ndarray of shape (j,)
        In units of the estimate.
    labels, low, high : ndarray of shape (j,)
        Labels that suffice, and between which the number lies, with 95 %. An end that is infinite is an arrow.
    labels_only : ndarray of shape (j,)
        Labels without predictions; infinite where there are not as many rows, and not drawn.
    cost, cost_low, cost_high, cost_labels_only : ndarray of shape (j,), default=None
        The same in money.
    in_hand : (float, float), default=None
        Half-width and number of the labels that are there.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Of the last `plot`.
    rectified_, labels_only_ : Line2D
    range_ : ErrorbarContainer
    in_hand_ : Line2D or None
        The labels that are there; not of money.
    legend_ : Legend

    See Also
    --------
    PlanDisplay : Every way to use labels that are there.
    FineTuneRectifyAllocator.required_labels : One number of them.

    Examples
    --------
    >>> from sklearn_ftr import Costs, LabelBudgetDisplay, ScalingLaw
    >>> law = ScalingLaw(a=0.287, alpha=0.297, b=0.042)
    >>> display = LabelBudgetDisplay.from_law(
    ...     law, [0.01, 0.02, 0.04], total_variance=0.1216, costs=Costs(label=0.5, training=0.01)
    ... )
    >>> display.labels.astype(int)
    array([2887,  809,  247])
    >>> display.plot(unit="money").ax_.get_ylabel()
    'cost'
    """

    def __init__(
        self,
        *,
        half_widths: Array,
        labels: Array,
        low: Array,
        high: Array,
        labels_only: Array,
        cost: Array | None = None,
        cost_low: Array | None = None,
        cost_high: Array | None = None,
        cost_labels_only: Array | None = None,
        in_hand: tuple[float, float] | None = None,
    ) -> None:
        self.half_widths = half_widths
        self.labels = labels
        self.low = low
        self.high = high
        self.labels_only = labels_only
        self.cost = cost
        self.cost_low = cost_low
        self.cost_high = cost_high
        self.cost_labels_only = cost_labels_only
        self.in_hand = in_hand

    @classmethod
    def from_required(
        cls,
        required: Iterable[RequiredLabels],
        *,
        costs: Costs | None = None,
        n_rows: float = np.inf,
        in_hand: tuple[float, float] | None = None,
    ) -> Self:
        """Answers of `required_labels` for several half-widths.

        Parameters
        ----------
        required : sequence of RequiredLabels
            Of half-widths, in any order.
        costs : Costs, default=None
            Prices that were asked with; None has no money.
        n_rows : float, default=inf
            Rows in all, as they were asked with: what costs of predictions count.
        in_hand : (float, float), default=None
            Half-width and number of the labels that are there.

        Returns
        -------
        LabelBudgetDisplay
            To be drawn by `plot`.

        Raises
        ------
        ValueError
            No answer; one for an effect.
        """
        required = list(required)
        if not required or not all(hasattr(one.goal, "half_width") for one in required):
            raise ValueError(
                "required has no answers, or some for effects; expected answers of required_labels(half_width)."
            )
        required.sort(key=lambda one: one.goal.half_width)  # type: ignore[union-attr]
        labels = {name: _column(required, name) for name in ("low", "high", "labels_only")}
        money = {} if costs is None else _money(required, costs, n_rows)
        widths = np.array([one.goal.half_width for one in required])  # type: ignore[union-attr]
        n = _column(required, "n_labeled")
        return cls(half_widths=widths, labels=n, **labels, **money, in_hand=in_hand)

    @classmethod
    def from_law(
        cls,
        law: PlanningLaw,
        half_widths: ArrayLike,
        *,
        costs: Costs | None = None,
        n_rows: float = np.inf,
        **settings: Any,
    ) -> Self:
        """A law that is known, asked for some half-widths.

        Parameters
        ----------
        law : ScalingLaw or any other law
        half_widths : array-like of shape (j,)
            In units of y. Those that no number of labels reaches are left out.
        costs : Costs, default=None
            Prices; None counts labels.
        n_rows : float, default=inf
            Rows in all.
        **settings
            Others of `ScalingLaw.required_labels`: `total_variance` is needed, `confidence_level` and `folds` for example are not.

        Returns
        -------
        LabelBudgetDisplay
            To be drawn by `plot`.

        Raises
        ------
        ValueError
            No half-width is reached; as for `ScalingLaw.required_labels`.
        """
        found = _answers(
            lambda one: law.required_labels(one, costs=costs, n_rows=n_rows, **settings), half_widths
        )
        return cls.from_required(found, costs=costs, n_rows=n_rows)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        half_widths: ArrayLike | None = None,
        *,
        confidence_level: float = 0.95,
        assurance: float = 0.5,
    ) -> Self:
        """A fitted `FineTuneRectifyAllocator`, asked for some half-widths at its prices.

        Parameters
        ----------
        estimator : FineTuneRectifyAllocator
        half_widths : array-like of shape (j,), default=None
            In units of the estimate; those that no number of labels reaches are left out. None takes 7, from 0.4 to 1.6 times the one in hand.
        confidence_level : float, default=0.95
        assurance : float, default=0.5
            As in `required_labels`.

        Returns
        -------
        LabelBudgetDisplay
            To be drawn by `plot`.

        Raises
        ------
        ValueError
            No half-width is reached; as for `required_labels` of the allocator.
        """
        required = attribute_of(estimator, "required_labels", "a FineTuneRectifyAllocator")
        half_width, n = estimator._in_hand(confidence_level)
        unit = half_width if 0 < half_width < np.inf else 1.0
        asked = unit * _ASKED if half_widths is None else half_widths
        found = _answers(lambda one: required(one, confidence_level, assurance=assurance), asked)
        rows = estimator.n_labeled_ + estimator.n_unlabeled_
        held = (half_width, float(n)) if half_width == unit else None
        return cls.from_required(found, costs=estimator._costs(), n_rows=rows, in_hand=held)

    def plot(
        self,
        ax: Any = None,
        *,
        unit: str = "labels",
        rectified_kwargs: Mapping[str, Any] | None = None,
        range_kwargs: Mapping[str, Any] | None = None,
        labels_only_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.
        unit : {"labels", "money"}, default="labels"
            What is counted.
        rectified_kwargs, labels_only_kwargs : dict, default=None
            For `Axes.plot`.
        range_kwargs : dict, default=None
            For `Axes.errorbar`: the ranges.

        Returns
        -------
        LabelBudgetDisplay
            Itself.

        Raises
        ------
        ImportError
            Without matplotlib (extra `plot`).
        ValueError
            Another unit; money without prices.
        """
        needed, low, high, alone = self._of(check_choice(unit, "unit", _UNITS))
        ax = axes_of(ax, "LabelBudgetDisplay.plot()")
        x, top = np.asarray(self.half_widths), self._scale(ax, unit)
        settings = {**LABELS_ONLY.line, **_marks(LABELS_ONLY), **_OVER, "label": "labels only"}
        there = np.where(np.isfinite(alone), alone, np.nan)
        (self.labels_only_,) = ax.plot(x, there, **artist_settings(settings, labels_only_kwargs))
        settings = {**RECTIFIED.line, **_marks(RECTIFIED), "label": "cheapest way"}
        (self.rectified_,) = ax.plot(x, needed, **artist_settings(settings, rectified_kwargs))
        self.range_ = _draw_range(ax, x, needed, low, high, top, range_kwargs)
        self.in_hand_ = None
        if self.in_hand is not None and unit == "labels":
            star = {**CHOSEN.star, "label": "labels in hand"}
            (self.in_hand_,) = ax.plot(*([one] for one in self.in_hand), **star)
        ax.set(xlabel="half-width of the interval", ylabel=_LABELS[unit])
        self.legend_ = legend_above(ax, n_columns=2)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _of(self, unit: str) -> tuple[Array, Array, Array, Array]:
        """What is needed, from, to, and without predictions, in a unit."""
        if unit == "labels":
            columns = self.labels, self.low, self.high, self.labels_only
        elif self.cost is None:
            raise ValueError("unit is 'money', but there are no prices; expected costs=Costs(...).")
        else:
            columns = self.cost, self.cost_low, self.cost_high, self.cost_labels_only  # type: ignore[assignment]
        needed, low, high, alone = (np.asarray(one, dtype=float) for one in columns)
        return needed, low, high, alone

    def _scale(self, ax: Any, unit: str) -> float:
        """Limits that hold all that is finite; the upper one is returned."""
        held = self.in_hand if self.in_hand is not None and unit == "labels" else (None, None)
        for name, values in (
            ("x", finite(self.half_widths, held[0])),
            ("y", finite(*self._of(unit), held[1])),
        ):
            if len(values):
                scale_axis(ax, name, values.min(), values.max(), spans_much(values))
        return float(ax.get_ylim()[1])


def _column(required: Sequence[RequiredLabels], name: str) -> Array:
    return np.array([getattr(one, name) for one in required], dtype=float)


def _answers(ask: Callable[[float], RequiredLabels], half_widths: ArrayLike) -> list[RequiredLabels]:
    """Those that there are; the error of the last question where there are none."""
    found, refused = [], None
    for half_width in np.atleast_1d(np.asarray(half_widths, dtype=float)).tolist():
        try:
            found.append(ask(half_width))
        except ValueError as error:
            refused = error
    if not found and refused is not None:
        raise refused
    return found


def _money(required: Sequence[RequiredLabels], costs: Costs, n_rows: float) -> dict[str, Array]:
    """Columns of the display; labels that train cost in proportion to all of them."""
    names = {"cost": "n_labeled", "cost_low": "low", "cost_high": "high"}
    columns = {
        name: np.array([_price(one, getattr(one, of), costs, n_rows) for one in required])
        for name, of in names.items()
    }
    return {**columns, "cost_labels_only": costs.label * _column(required, "labels_only")}


def _price(one: RequiredLabels, n: float, costs: Costs, n_rows: float) -> float:
    """Of n labels, used as this answer says."""
    from sklearn_ftr.allocation._best_option import strategy_of

    if np.isinf(n):
        return np.inf
    train = round(one.option.n_finetune * n / one.n_labeled)
    return strategy_of(one.option).cost(train, int(n), max(n_rows - n, 0.0), costs)


def _marks(style: Any) -> dict[str, Any]:
    """Those of points, on a line."""
    return {name: style.points[name] for name in ("marker", "markerfacecolor", "markersize")}


def _draw_range(
    ax: Any,
    x: Array,
    needed: Array,
    low: Array,
    high: Array,
    top: float,
    given: Mapping[str, Any] | None,
) -> Any:
    """Bars at all points; one that is endless ends in an arrow at the top."""
    style = {**RECTIFIED.points_with_errors, "marker": "none", "label": "95 % range"}
    settings = artist_settings(style, given)
    ends = np.array([needed - np.where(np.isfinite(low), low, needed), np.minimum(high, top) - needed])
    bars = ax.errorbar(x, needed, yerr=np.maximum(np.nan_to_num(ends), 0.0), **settings)
    endless = np.isinf(high)
    if endless.any():
        place = x[endless], np.full(endless.sum(), top)
        ax.plot(*place, marker="^", color=settings["color"], linestyle="none", clip_on=False)
    return bars
