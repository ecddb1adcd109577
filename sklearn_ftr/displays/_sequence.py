"""Looks at an estimate while labels arrive: intervals that hold together, against the labels bought."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._versioned import Versioned
from sklearn_ftr.displays._axes import artist_settings, axes_of, legend_above
from sklearn_ftr.displays._scales import finite, scale_axis, spans_much
from sklearn_ftr.displays._styles import CURVE, RECTIFIED, REFERENCE, SERIES

Array = NDArray[np.float64]
_ORDINARY = SERIES[1]


class SequenceDisplay(Versioned):
    """Estimates and their intervals against the labels bought: the confidence sequence, which holds at all looks, and ordinary intervals.

    Made by `from_results`, of the result or the fitted estimator of each look. The number of labels is on a logarithmic axis where it grows by a
    factor of 8.

    Parameters
    ----------
    n_labeled : ndarray of shape (j,)
        Labels at each look, rising.
    estimates : ndarray of shape (j,)
    low, high : ndarray of shape (j,)
        Confidence sequence. Ends that are infinite reach to the edge.
    interval_low, interval_high : ndarray of shape (j,), default=None
        Ordinary intervals, each of which holds alone.
    confidence_level : float, default=0.95

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Of the last `plot`.
    sequence_, interval_ : ErrorbarContainer or None
    running_ : PolyCollection or None
        What all looks so far have in common, which is a valid interval as well.
    goal_, reference_ : Line2D or None
    legend_ : Legend

    See Also
    --------
    RectifiedResult.confidence_sequence : The interval of one look.
    FineTuneRectifyAllocator.next_purchase : How many labels to buy next.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import SequenceDisplay, rectify_mean
    >>> rng = np.random.default_rng(0)
    >>> human = rng.normal(3.0, 1.0, size=2_400)
    >>> judge = human + rng.normal(0.4, 0.5, size=2_400)
    >>> looks = [rectify_mean(human[:n], judge[:n], judge[400:]) for n in (100, 200, 400)]
    >>> display = SequenceDisplay.from_results(looks).plot(half_width=0.1)
    >>> display.low.round(2), display.high.round(2)
    (array([2.92, 2.92, 2.92]), array([3.19, 3.13, 3.09]))
    >>> display.ax_.get_xlabel()
    'labels'
    """

    def __init__(
        self,
        *,
        n_labeled: Array,
        estimates: Array,
        low: Array,
        high: Array,
        interval_low: Array | None = None,
        interval_high: Array | None = None,
        confidence_level: float = 0.95,
    ) -> None:
        self.n_labeled = n_labeled
        self.estimates = estimates
        self.low = low
        self.high = high
        self.interval_low = interval_low
        self.interval_high = interval_high
        self.confidence_level = confidence_level

    @classmethod
    def from_results(
        cls,
        results: Iterable[Any],
        *,
        n_first: int | None = None,
        confidence_level: float | None = None,
        number: int = 0,
        method: str | None = None,
    ) -> Self:
        """Results, or fitted estimators that have one, of growing numbers of labels.

        Parameters
        ----------
        results : sequence of RectifiedResult, ContrastResult or fitted estimators
            One of each look, in any order.
        n_first : int, default=None
            Labels at the first look, as in `confidence_sequence`; None is the smallest number of labels among the results.
        confidence_level : float, default=None
            None is that of the (first) result.
        number : int, default=0
            Which number, where results have several.
        method : {"auto", "t", "skewed", "share", "bootstrap-t"}, default=None
            Of intervals; None is that of each result.

        Returns
        -------
        SequenceDisplay
            To be drawn by `plot`.

        Raises
        ------
        ValueError
            No results; a `number` that they do not have; as for `confidence_sequence`.
        TypeError
            Something else than results and fitted estimators.
        """
        if not isinstance(results, Iterable):
            raise TypeError(
                f"results is a {type(results).__name__}; expected a list of results or fitted estimators, one of each look."
            )
        looks = sorted(map(_result_of, results), key=lambda one: one.n_labeled)
        if not looks:
            raise ValueError("results is empty; expected the result of at least one look.")
        level = looks[0].confidence_level if confidence_level is None else confidence_level
        first = looks[0].n_labeled if n_first is None else n_first
        together = [one.confidence_sequence(level, n_first=first, method=method) for one in looks]
        alone = [one.confidence_interval(level, method=method) for one in looks]
        (low, high), (from_, to) = (_ends(some, number) for some in (together, alone))
        return cls(
            n_labeled=np.array([one.n_labeled for one in looks]),
            estimates=_numbers([one.estimate for one in looks], number),
            low=low,
            high=high,
            interval_low=from_,
            interval_high=to,
            confidence_level=level,
        )

    @property
    def running(self) -> tuple[Array, Array]:
        """What the sequence's intervals of all looks so far have in common: `(low, high)`, (j,) each."""
        return np.maximum.accumulate(self.low), np.minimum.accumulate(self.high)

    def plot(
        self,
        ax: Any = None,
        *,
        half_width: float | None = None,
        reference: float | None = None,
        running: bool = True,
        sequence_kwargs: Mapping[str, Any] | None = None,
        interval_kwargs: Mapping[str, Any] | None = None,
        running_kwargs: Mapping[str, Any] | None = None,
        reference_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.
        half_width : float, default=None
            A goal, drawn on both sides of the last estimate.
        reference : float, default=None
            Where a line is drawn: no effect, the truth, a threshold.
        running : bool, default=True
            Whether to draw what all looks so far have in common.
        sequence_kwargs, interval_kwargs : dict, default=None
            For `Axes.errorbar`.
        running_kwargs : dict, default=None
            For `Axes.fill_between`.
        reference_kwargs : dict, default=None
            For `Axes.axhline`.

        Returns
        -------
        SequenceDisplay
            Itself.

        Raises
        ------
        ImportError
            Without matplotlib (extra `plot`).
        """
        ax = axes_of(ax, "SequenceDisplay.plot()")
        self._scale(ax, half_width, reference)
        self._draw_lines(ax, half_width, reference, reference_kwargs)
        self.running_ = self._draw_running(ax, running_kwargs) if running else None
        level = f"{100 * self.confidence_level:g} %"
        style = {**_ORDINARY.points_with_errors, "marker": "none", "capsize": 0.0}
        style.update(zorder=2, elinewidth=_width(len(self.n_labeled)), label=f"{level} interval")
        self.interval_ = None
        if self.interval_low is not None and self.interval_high is not None:
            self.interval_ = self._bars(
                ax, self.interval_low, self.interval_high, style, interval_kwargs
            )
        style = {**RECTIFIED.points_with_errors, "label": f"{level} at all looks"}
        self.sequence_ = self._bars(ax, self.low, self.high, style, sequence_kwargs)
        ax.set(xlabel="labels", ylabel="estimate")
        self.legend_ = legend_above(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _scale(self, ax: Any, half_width: float | None, reference: float | None) -> None:
        n = finite(self.n_labeled)
        scale_axis(ax, "x", n.min(), n.max(), spans_much(n))
        ends = self.low, self.high, self.interval_low, self.interval_high
        goal = self._goal(half_width)
        seen = finite(self.estimates, *ends, reference, goal)
        if len(seen):
            scale_axis(ax, "y", seen.min(), seen.max(), logarithmic=False)

    def _goal(self, half_width: float | None) -> Array | None:
        """Both ends of the interval that is wanted."""
        if half_width is None:
            return None
        return float(np.asarray(self.estimates)[-1]) + np.array([-half_width, half_width])

    def _draw_lines(
        self,
        ax: Any,
        half_width: float | None,
        reference: float | None,
        given: Mapping[str, Any] | None,
    ) -> None:
        self.goal_ = self.reference_ = None
        goal = self._goal(half_width)
        if goal is not None:
            style = {"color": SERIES[2].color, "linestyle": SERIES[2].linestyle, "linewidth": 1.2}
            self.goal_ = ax.axhline(goal[0], **style, label=f"goal: \u00b1 {half_width:g}")
            ax.axhline(goal[1], **style)
        if reference is not None:
            style = artist_settings({**REFERENCE.line, "linewidth": 1.0, "zorder": 1}, given)
            self.reference_ = ax.axhline(reference, **style)

    def _draw_running(self, ax: Any, given: Mapping[str, Any] | None) -> Any:
        """From each look to the next; nothing of a single look."""
        low, high = (np.clip(one, *ax.get_ylim()) for one in self.running)
        if len(low) < 2:
            return None
        style = {**CURVE.band, "step": "post", "label": "all looks so far"}
        settings = artist_settings(style, given, "Collection")
        return ax.fill_between(self.n_labeled, low, np.maximum(low, high), **settings)

    def _bars(
        self, ax: Any, low: Array, high: Array, style: dict[str, Any], given: Mapping[str, Any] | None
    ) -> Any:
        """Estimates with intervals, which end at the edge of the axes."""
        bottom, top = ax.get_ylim()
        center = np.asarray(self.estimates, dtype=float)
        lengths = center - np.maximum(low, bottom), np.minimum(high, top) - center
        lengths = np.maximum(np.nan_to_num(lengths), 0.0)
        return ax.errorbar(self.n_labeled, center, yerr=lengths, **artist_settings(style, given))


def _width(n_looks: int) -> float:
    """Of bars that stay apart, in points."""
    return float(np.clip(60 / n_looks, 2.0, 6.0))


def _result_of(one: Any) -> Any:
    """A result, or that of a fitted estimator."""
    result = getattr(one, "result_", one)
    if not hasattr(result, "confidence_sequence") or not hasattr(result, "estimate"):
        raise TypeError(
            f"results holds a {type(one).__name__}; expected results, such as rectify_mean returns, or fitted estimators."
        )
    return result


def _ends(intervals: Iterable[Any], number: int) -> tuple[Array, Array]:
    lows, highs = zip(*intervals, strict=True)
    return _numbers(lows, number), _numbers(highs, number)


def _numbers(values: Iterable[Any], number: int) -> Array:
    """One of several numbers of each result (j,)."""
    rows = [np.ravel(one) for one in values]
    for row in rows:
        if not -len(row) <= number < len(row):
            raise ValueError(f"number is {number}; expected one from 0 to {len(row) - 1}.")
    return np.array([row[number] for row in rows], dtype=float)
