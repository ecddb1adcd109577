"""The answers of results as a forest plot: labels only, predictions only and rectified, one row for each number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._versioned import Versioned
from sklearn_ftr.displays._axes import artist_settings, axes_of, legend_above
from sklearn_ftr.displays._fitted import attribute_of
from sklearn_ftr.displays._styles import LABELS_ONLY, PREDICTIONS_ONLY, RECTIFIED, REFERENCE, Style

if TYPE_CHECKING:
    from sklearn_ftr.rectification._estimate_in_tables import EstimateInTables

Array = NDArray[np.float64]
_ANSWERS = ("labels_only", "predictions_only", "rectified")
_STYLES = {"labels_only": LABELS_ONLY, "predictions_only": PREDICTIONS_ONLY, "rectified": RECTIFIED}
# Between the answers of one number; numbers are 1 apart.
_STEP = 0.24
# Letters of a name in a line, and the part of the width that is left beside the longest interval.
_LETTERS, _MARGIN = 32, 0.05
_THIN = {**REFERENCE.line, "linewidth": 1.0, "zorder": 1}


class ForestDisplay(Versioned):
    """Forest plot: for each number what labels alone, predictions alone and both together say, with intervals.

    Made by `from_result`, by `from_estimator`, or by the method `plot` of a result.

    Parameters
    ----------
    names : sequence of str, length k
        Of the numbers, from top to bottom.
    rectified : ndarray of shape (k, 3)
        Estimates with the lower and the upper ends of their intervals, which need not be symmetric. NaN is not drawn; an end that is infinite is
        drawn as an arrow.
    labels_only, predictions_only : ndarray of shape (k, 3), default=None
        The same of the other answers; None draws nothing.
    confidence_level : float, default=0.95
        Of the intervals.
    simultaneous : bool, default=False
        Whether all k intervals of an answer hold at once.
    estimand : str, default="estimate"
        What the numbers are, for the axis.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Of the last `plot`.
    rectified_, labels_only_, predictions_only_ : ErrorbarContainer or None
        Marks and intervals of each answer.
    reference_ : Line2D or None
        The line at `reference`.
    legend_ : Legend or None

    See Also
    --------
    CalibrationDisplay : Labels against predictions.
    RectifiedResult.plot : The display of one result.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import ForestDisplay, rectify_difference, rectify_mean
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.normal(size=(1_000, 3))
    >>> f = truth + 0.4 * rng.normal(size=(1_000, 3)) + [0.0, 0.3, 0.0]
    >>> result = rectify_mean(truth[:60], f[:60], f[60:])
    >>> display = ForestDisplay.from_result(result, names=["a", "b", "c"], simultaneous=True)
    >>> display.plot(reference=0.0).ax_.get_xlabel()
    'mean (simultaneous 95 % intervals)'

    Several results, the parts of a difference and itself for example, stand one below the other:

    >>> group = np.arange(1_000) % 2
    >>> result = rectify_difference(truth[:60, 0], f[:60, 0], f[60:, 0], group[:60], group[60:])
    >>> ForestDisplay.from_result({**result.parts, "difference": result}).names
    ['0', '1', 'difference']
    """

    def __init__(
        self,
        *,
        names: Sequence[str],
        rectified: Array,
        labels_only: Array | None = None,
        predictions_only: Array | None = None,
        confidence_level: float = 0.95,
        simultaneous: bool = False,
        estimand: str = "estimate",
    ) -> None:
        self.names = names
        self.rectified = rectified
        self.labels_only = labels_only
        self.predictions_only = predictions_only
        self.confidence_level = confidence_level
        self.simultaneous = simultaneous
        self.estimand = estimand

    @classmethod
    def from_result(
        cls,
        result: EstimateInTables | Mapping[str, EstimateInTables] | Sequence[EstimateInTables],
        *,
        names: Sequence[str] | None = None,
        confidence_level: float | None = None,
        simultaneous: bool = False,
        method: str | None = None,
    ) -> Self:
        """The numbers of a result, or of several results one below the other.

        Parameters
        ----------
        result : RectifiedResult, ContrastResult, or a mapping or sequence of them
            With the keys of a mapping as names (before those of the numbers, where a result has several).
        names : sequence of str, default=None
            One for each number, in the place of those that results have.
        confidence_level : float, default=None
            None is that of the (first) result.
        simultaneous : bool, default=False
            Whether all intervals of a result hold at once; those of several results by themselves.
        method : {"auto", "t", "skewed", "share", "bootstrap-t"}, default=None
            Of intervals; None is that of each result.

        Returns
        -------
        ForestDisplay
            To be drawn by `plot`.

        Raises
        ------
        TypeError
            Something else than results.
        ValueError
            No result, or another number of names than of numbers.
        """
        from sklearn_ftr.rectification._three_answers import three_answers

        results = _named_results(result)
        first = next(iter(results.values()))
        level = first.confidence_level if confidence_level is None else confidence_level
        asked = [one if method is None else one.with_interval(method) for one in results.values()]
        answers = [three_answers(one, level, simultaneous) for one in asked]
        known = _names(results) if names is None else [str(name) for name in names]
        rows = {name: _stacked([one[name] for one in answers], answers) for name in _ANSWERS}
        assert rows["rectified"] is not None
        if len(known) != len(rows["rectified"]):
            raise ValueError(
                f"names has {len(known)} entries; expected one for each of the {len(rows['rectified'])} numbers."
            )
        estimands = {one.estimand for one in results.values()}
        return cls(
            names=known,
            rectified=rows["rectified"],
            labels_only=rows["labels_only"],
            predictions_only=rows["predictions_only"],
            confidence_level=level,
            simultaneous=simultaneous,
            estimand=estimands.pop() if len(estimands) == 1 else "estimate",
        )

    @classmethod
    def from_estimator(cls, estimator: Any, **settings: Any) -> Self:
        """The answer of a fitted estimator: that of its `result_`; `settings` are those of `from_result`."""
        result = attribute_of(estimator, "result_", "a rectified estimator or an allocator")
        return cls.from_result(result, **settings)

    def plot(
        self,
        ax: Any = None,
        *,
        labels_only: bool = True,
        predictions_only: bool = True,
        reference: float | None = None,
        rectified_kwargs: Mapping[str, Any] | None = None,
        labels_only_kwargs: Mapping[str, Any] | None = None,
        predictions_only_kwargs: Mapping[str, Any] | None = None,
        reference_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure that is as high as there are numbers.
        labels_only, predictions_only : bool, default=True
            Whether to draw these answers.
        reference : float, default=None
            Where a line is drawn: no effect, the truth, a threshold.
        rectified_kwargs, labels_only_kwargs, predictions_only_kwargs : dict, default=None
            For `Axes.errorbar` of each answer.
        reference_kwargs : dict, default=None
            For `Axes.axvline`.

        Returns
        -------
        ForestDisplay
            Itself.

        Raises
        ------
        ImportError
            Without matplotlib (extra `plot`).
        """
        shown = self._shown(labels_only, predictions_only)
        names = [fill(str(name), _LETTERS) for name in self.names]
        ax = axes_of(ax, "ForestDisplay.plot()", (6.4, _height(names, len(shown))))
        given = {
            "rectified": rectified_kwargs,
            "labels_only": labels_only_kwargs,
            "predictions_only": predictions_only_kwargs,
        }
        self._draw(ax, shown, given, _limits(list(shown.values()), reference))
        self.reference_ = None
        if reference is not None:
            line = artist_settings(_THIN, reference_kwargs)
            self.reference_ = ax.axvline(reference, **line)
        _label_rows(ax, names)
        ax.set_xlabel(self._label_of_axis())
        self.legend_ = legend_above(ax, side="right")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw(
        self,
        ax: Any,
        shown: Mapping[str, Array],
        given: Mapping[str, Mapping[str, Any] | None],
        limits: tuple[float, float],
    ) -> None:
        """Marks and intervals of all answers."""
        for name in _ANSWERS:
            setattr(self, f"{name}_", None)
        places = _places(len(self.names), len(shown))
        for (name, rows), y in zip(shown.items(), places, strict=True):
            setattr(self, f"{name}_", _drawn(ax, name, rows, y, limits, given[name]))

    def _shown(self, labels_only: bool, predictions_only: bool) -> dict[str, Array]:
        """Answers that are drawn, from top to bottom."""
        wanted = {
            "labels_only": self.labels_only if labels_only else None,
            "predictions_only": self.predictions_only if predictions_only else None,
            "rectified": self.rectified,
        }
        return {name: np.asarray(rows) for name, rows in wanted.items() if rows is not None}

    def _label_of_axis(self) -> str:
        together = "simultaneous " if self.simultaneous else ""
        what = f"{'coefficients of ' * self.estimand.endswith('regression')}{self.estimand}"
        return f"{what} ({together}{100 * self.confidence_level:g} % intervals)"


def _named_results(result: Any) -> dict[str, Any]:
    """Results by name; of one, or of a sequence, names are empty or numbers."""
    if isinstance(result, Mapping):
        results = {str(name): one for name, one in result.items()}
    elif isinstance(result, list | tuple):
        results = {str(number): one for number, one in enumerate(result)}
    else:
        results = {"": result}
    if not results:
        raise ValueError("result is empty; expected at least one result.")
    for one in results.values():
        if not hasattr(one, "labels_only"):
            raise TypeError(
                f"result holds a {type(one).__name__}; expected results, such as rectify_mean returns, or result_ of fitted estimators."
            )
    return results


def _names(results: Mapping[str, Any]) -> list[str]:
    """Of all numbers of all results."""
    from sklearn_ftr.rectification._three_answers import names_of

    names = []
    for key, result in results.items():
        own = names_of(result)
        if not key:
            names += own
        elif len(own) == 1:
            names.append(key)
        else:
            names += [f"{key}: {name}" for name in own]
    return names


def _stacked(parts: list[Array | None], answers: list[dict[str, Array | None]]) -> Array | None:
    """Rows of all results, NaN where a result has none of this answer; None if no result has."""
    if all(part is None for part in parts):
        return None
    sizes = [len(one["rectified"]) for one in answers if one["rectified"] is not None]
    rows = [
        np.full((size, 3), np.nan) if part is None else part
        for part, size in zip(parts, sizes, strict=True)
    ]
    return np.concatenate(rows)


def _height(names: list[str], n_answers: int) -> float:
    """Of a figure with so many rows, in inches."""
    lines = sum(name.count("\n") + 1 for name in names)
    return 1.3 + max((0.15 + 0.15 * n_answers) * len(names), 0.22 * lines)


def _places(k: int, n_answers: int) -> Array:
    """Vertical positions (n_answers, k), around those of the numbers."""
    offsets = _STEP * (np.arange(n_answers) - (n_answers - 1) / 2)
    return np.arange(k) + offsets[:, None]


def _limits(answers: list[Array], reference: float | None) -> tuple[float, float]:
    """Between which all that is finite has room."""
    values = np.concatenate(
        [*(rows.ravel() for rows in answers), [np.nan if reference is None else reference]]
    )
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    room = _MARGIN * (high - low) or 0.5 * abs(low) or 0.5
    return low - room, high + room


def _drawn(
    ax: Any,
    name: str,
    rows: Array,
    y: Array,
    limits: tuple[float, float],
    given: Mapping[str, Any] | None,
) -> Any:
    """Marks and intervals of one answer; an end that is infinite is an arrow at the limit of the axes."""
    known = np.isfinite(rows[:, 0])
    (center, low, high), y = rows[known].T, y[known]
    style: Style = _STYLES[name]
    settings = artist_settings(style.points_with_errors, given)
    settings.setdefault("label", name.replace("_", " "))
    lengths = [center - np.maximum(low, limits[0]), np.minimum(high, limits[1]) - center]
    bars = ax.errorbar(center, y, xerr=np.nan_to_num(np.abs(lengths)), **settings)
    arrows = {"color": settings.get("ecolor"), "linestyle": "none", "clip_on": False}
    for ends, place, mark in ((low, limits[0], "<"), (high, limits[1], ">")):
        endless = np.isinf(ends)
        if endless.any():
            ax.plot(np.full(endless.sum(), place), y[endless], marker=mark, **arrows)
            ax.set_xlim(*limits)
    return bars


def _label_rows(ax: Any, names: list[str]) -> None:
    """Names at the left, the first at the top."""
    ax.set_yticks(np.arange(len(names)), names)
    ax.set_ylim(len(names) - 0.45, -0.55)
    ax.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
