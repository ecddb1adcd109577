"""Whether predictions say what labels say: means of labels in bins of the prediction, beside the diagonal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._arguments import check_confidence_level
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.displays._axes import artist_settings, axes_of, legend_above
from sklearn_ftr.displays._rows import (
    Array,
    LabeledRows,
    binned,
    bins_of,
    mean_label,
    one_column,
    predictions_of_rows,
    weights_of,
)
from sklearn_ftr.displays._styles import LABELS_ONLY, RECTIFIED, REFERENCE, ROWS

# Bars of the pool's density, the part of it at either end that has none, and the part of the axes' height that they take.
_BARS, _TAIL, _HEIGHT = 40, 0.005, 0.18
# Limits of both axes for labels that are 0 or 1.
_SHARES = (-0.03, 1.03)


class CalibrationDisplay(Versioned):
    """Labels against predictions: means of labels in bins of the prediction, with intervals, and where the pool's predictions are.

    Made by `from_estimator` or `from_predictions`. On the diagonal predictions are right on average; the rectifier is the mean distance from it. Where the pool is dense,
    points off the diagonal cost most.

    Parameters
    ----------
    prediction : ndarray of shape (b,)
        Mean prediction of the labeled rows in each bin.
    label : ndarray of shape (b, 3)
        Mean label of these rows with the ends of its interval; NaN where there is no interval.
    count : ndarray of shape (b,)
        How many labeled rows these are.
    labels_only : ndarray of shape (3,)
        Mean of all labels, with its interval.
    pool_edges, pool_density : ndarray of shape (bars + 1,) and (bars,), default=None
        Histogram of the pool's predictions, but for half a percent at either end; None draws nothing.
    is_share : bool, default=False
        Whether labels are 0 or 1.
    confidence_level : float, default=0.95

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Of the last `plot`.
    bins_ : ErrorbarContainer
        Means of labels.
    diagonal_, labels_only_ : Line2D
    pool_ : StepPatch or None
    legend_ : Legend

    See Also
    --------
    ResidualDisplay : The same less the prediction, against any column.
    OutOfSamplePredictions : What `from_estimator` draws.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import CalibrationDisplay, RectifiedMeanEstimator
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(2_000, 3))
    >>> y = np.where(np.arange(2_000) < 200, X.sum(axis=1) + rng.normal(size=2_000), np.nan)
    >>> model = RectifiedMeanEstimator(cv=5, random_state=0).fit(X, y)
    >>> display = CalibrationDisplay.from_estimator(model, X).plot()
    >>> display.count
    array([20, 20, 20, 20, 20, 20, 20, 20, 20, 20])
    >>> display.ax_.get_ylabel()
    'label (mean of a bin)'
    """

    def __init__(
        self,
        *,
        prediction: Array,
        label: Array,
        count: NDArray[np.intp],
        labels_only: Array,
        pool_edges: Array | None = None,
        pool_density: Array | None = None,
        is_share: bool = False,
        confidence_level: float = 0.95,
    ) -> None:
        self.prediction = prediction
        self.label = label
        self.count = count
        self.labels_only = labels_only
        self.pool_edges = pool_edges
        self.pool_density = pool_density
        self.is_share = is_share
        self.confidence_level = confidence_level

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        output: int = 0,
        n_bins: int | None = None,
        confidence_level: float = 0.95,
    ) -> Self:
        """Of a fit: its labels, each beside the prediction of a model that has not seen it (`out_of_sample_`).

        Parameters
        ----------
        estimator : rectified estimator or FineTuneRectifyAllocator
            Fitted. Labels that have trained every model, those of a split, are left out.
        X : as in `fit`, default=None
            Rows whose predictions are the density beneath: the pool, or all rows of the fit. None draws none, since a fit does not keep its pool.
        output : int, default=0
            Which of several outputs.
        n_bins, confidence_level
            As in `from_predictions`.

        Returns
        -------
        CalibrationDisplay
            To be drawn by `plot`.

        Raises
        ------
        ValueError
            An estimator that is not fitted; an output that it has not.
        """
        rows, _ = LabeledRows.of_estimator(estimator, output)
        pool = None if X is None else predictions_of_rows(estimator, X, output)
        return cls._of(rows, pool, None, n_bins, confidence_level)

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike,
        f: ArrayLike,
        f_unlabeled: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        sample_weight_unlabeled: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        n_bins: int | None = None,
        confidence_level: float = 0.95,
    ) -> Self:
        """Of labels and predictions that are there already: of a judge, for example.

        Parameters
        ----------
        y, f : array-like of shape (n_rows,)
            Labels and predictions of labeled rows that have not trained the predictor.
        f_unlabeled : array-like of shape (n_unlabeled,), default=None
            Predictions of the pool, for the density beneath.
        sample_weight, sample_weight_unlabeled : array-like of shape (n_rows,) and (n_unlabeled,), default=None
            How many members of the population rows stand for.
        groups : array-like of shape (n_rows,), default=None
            Clusters of labeled rows, for the intervals.
        n_bins : int, default=None
            Bins with as many labels in each; predictions of fewer different values have a bin for each. None is one for ten labels, up to 10.
        confidence_level : float, default=0.95
            Of the intervals: those of shares where labels are 0 or 1, else Student's, corrected for skewness that is beyond chance.

        Returns
        -------
        CalibrationDisplay
            To be drawn by `plot`.

        Raises
        ------
        ValueError
            Rows that differ in number, several outputs, numbers that are not finite.
        """
        rows = LabeledRows.read(y, f, sample_weight, groups)
        pool = None if f_unlabeled is None else one_column(f_unlabeled, "f_unlabeled")
        return cls._of(rows, pool, sample_weight_unlabeled, n_bins, confidence_level)

    @classmethod
    def _of(
        cls,
        rows: LabeledRows,
        pool: Array | None,
        pool_weights: Any,
        n_bins: int | None,
        confidence_level: float,
    ) -> Self:
        level, shares = check_confidence_level(confidence_level), rows.are_shares
        numbers = bins_of(rows.f, n_bins)
        prediction, label, count = binned(rows, rows.f, numbers, mean_label, level)
        edges, density = (None, None) if pool is None else density_of(pool, pool_weights)
        return cls(
            prediction=prediction,
            label=label,
            count=count,
            labels_only=mean_label(rows, level, shares),
            pool_edges=edges,
            pool_density=density,
            is_share=shares,
            confidence_level=level,
        )

    def plot(
        self,
        ax: Any = None,
        *,
        bins_kwargs: Mapping[str, Any] | None = None,
        diagonal_kwargs: Mapping[str, Any] | None = None,
        labels_only_kwargs: Mapping[str, Any] | None = None,
        pool_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.
        bins_kwargs : dict, default=None
            For `Axes.errorbar`: the means of labels.
        diagonal_kwargs, labels_only_kwargs : dict, default=None
            For `Axes.plot` and `Axes.axhline`.
        pool_kwargs : dict, default=None
            For `Axes.stairs`: the density of the pool's predictions.

        Returns
        -------
        CalibrationDisplay
            Itself.

        Raises
        ------
        ImportError
            Without matplotlib (extra `plot`).
        """
        ax = axes_of(ax, "CalibrationDisplay.plot()", (5.6, 4.9))
        self.bins_ = bars_of(ax, self.prediction, self.label, self._bins_label(), bins_kwargs)
        self._draw_lines(ax, diagonal_kwargs, labels_only_kwargs)
        self.pool_ = None
        if self.pool_edges is not None and self.pool_density is not None:
            self.pool_ = _beneath(ax, self.pool_edges, self.pool_density, pool_kwargs)
        ax.set(xlabel="prediction", ylabel=self._label_of_axis())
        if self.is_share:
            ax.set(xlim=_SHARES, ylim=_SHARES)
        self.legend_ = legend_above(ax, n_columns=2)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_lines(
        self, ax: Any, diagonal: Mapping[str, Any] | None, labels_only: Mapping[str, Any] | None
    ) -> None:
        ends = self._range()
        line = {**REFERENCE.line, "linewidth": 1.0, "zorder": 1, "label": "label = prediction"}
        (self.diagonal_,) = ax.plot(ends, ends, **artist_settings(line, diagonal))
        mean = {**LABELS_ONLY.line, "linewidth": 1.0, "linestyle": "dotted", "zorder": 1}
        mean["label"] = f"labels only: {self.labels_only[0]:.3g}"
        self.labels_only_ = ax.axhline(self.labels_only[0], **artist_settings(mean, labels_only))

    def _range(self) -> list[float]:
        """Of predictions."""
        if self.is_share:
            return [0.0, 1.0]
        values = self.prediction
        if self.pool_edges is not None:
            values = np.concatenate([values, self.pool_edges])
        low, high = float(values.min()), float(values.max())
        if low < high:
            return [low, high]
        room = float(np.nanmax(np.abs(self.label - low))) or 1.0
        return [low - room, high + room]

    def _label_of_axis(self) -> str:
        return "share of labels that are 1" if self.is_share else "label (mean of a bin)"

    def _bins_label(self) -> str:
        return f"means of bins, {100 * self.confidence_level:g} % intervals"


def bars_of(ax: Any, x: Array, means: Array, label: str, given: Mapping[str, Any] | None) -> Any:
    """Means (b, 3) with intervals, where they have any."""
    lengths = np.nan_to_num(np.abs(means[:, 1:] - means[:, :1])).T
    defaults = {**RECTIFIED.points_with_errors, "label": label}
    return ax.errorbar(x, means[:, 0], yerr=lengths, **artist_settings(defaults, given))


def density_of(values: Array, weights: Any = None) -> tuple[Array, Array]:
    """Edges and heights of a histogram of all but the tails; of few different values a bar each."""
    if weights is not None:
        weights = weights_of(weights, "sample_weight_unlabeled", len(values))
    different = np.unique(values)
    if len(different) <= _BARS / 2:
        density, edges = np.histogram(values, _around(different), weights=weights, density=True)
    else:
        inner = np.quantile(values, [_TAIL, 1 - _TAIL])
        ends = inner if inner[0] < inner[1] else different[[0, -1]]
        density, edges = np.histogram(values, _BARS, tuple(ends), weights=weights, density=True)
    return edges, density


def _around(values: Array) -> Array:
    """Edges of bars as wide as the smallest step, around each of some values, and of the gaps between them."""
    step = float(np.min(np.diff(values))) if len(values) > 1 else abs(float(values[0])) or 1.0
    edges = np.ravel(np.column_stack([values - 0.25 * step, values + 0.25 * step]))
    return np.unique(edges)


def _beneath(ax: Any, edges: Array, density: Array, given: Mapping[str, Any] | None) -> Any:
    """The pool at the bottom of the axes, whatever their limits are."""
    heights = density * (_HEIGHT / density.max())
    defaults = {
        "fill": True,
        "color": ROWS.color,
        "alpha": 0.45,
        "linewidth": 0.0,
        "zorder": 0,
        "label": "predictions of the pool",
    }
    settings = artist_settings(defaults, given, "Patch")
    return ax.stairs(heights, edges, transform=ax.get_xaxis_transform(), **settings)
