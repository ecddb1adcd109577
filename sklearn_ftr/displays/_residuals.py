"""Where predictions miss: labels less predictions, against the prediction or any column, with the rectifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._arguments import check_confidence_level
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.displays._axes import artist_settings, axes_of, legend_above
from sklearn_ftr.displays._calibration import bars_of
from sklearn_ftr.displays._rows import Array, LabeledRows, binned, bins_of, mean_residual, one_column
from sklearn_ftr.displays._styles import MEASURED, RECTIFIED, REFERENCE, ROWS

# Rows that are drawn at most, and the width of a category's.
_MOST_POINTS, _WIDTH = 2_000, 0.5


class ResidualDisplay(Versioned):
    """Labels less predictions, against the prediction or any column, with their mean: the rectifier.

    Made by `from_estimator` or `from_predictions`. A mean away from zero is what rectification corrects. Means of bins that differ from one another say where
    the predictor could learn more: such a column belongs into its features.

    Parameters
    ----------
    against : ndarray of shape (n,)
        What residuals are drawn against; positions of `categories`, if there are any.
    residual : ndarray of shape (n,)
        Labels less predictions.
    bin_against : ndarray of shape (b,)
        Mean of `against` in each bin.
    bin_residual : ndarray of shape (b, 3)
        Mean residual in each bin with the ends of its interval; NaN where there is no interval.
    rectifier : ndarray of shape (3,)
        Mean of all residuals, with its interval.
    against_name : str, default="prediction"
    categories : sequence of str, default=None
        Names of the values of a column that holds no numbers.
    confidence_level : float, default=0.95

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Of the last `plot`.
    points_ : Line2D
        Residuals; of more than 2,000 rows as many, evenly spread over `against`.
    bins_ : ErrorbarContainer
        Their means in bins.
    rectifier_ : Line2D
    band_ : PolyCollection, Polygon, Rectangle or None
        Its interval.
    zero_ : Line2D
    legend_ : Legend

    See Also
    --------
    CalibrationDisplay : Labels against predictions.
    OutOfSamplePredictions : What `from_estimator` draws.

    Notes
    -----
    The mean residual is the rectifier at lambda = 1; `rectifier_` of an estimator is that of the lambda which it has chosen.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import RectifiedMeanEstimator, ResidualDisplay
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(2_000, 3))
    >>> y = np.where(np.arange(2_000) < 200, X[:, 0] ** 2 + rng.normal(size=2_000), np.nan)
    >>> model = RectifiedMeanEstimator(cv=5, random_state=0).fit(X, y)

    The default predictor is linear: it knows nothing of the square.

    >>> display = ResidualDisplay.from_estimator(model, X[:, 0], column_name="x0").plot()
    >>> display.ax_.get_xlabel()
    'x0'
    >>> display.bin_residual[[0, 5, 9], 0].round(1)
    array([ 2.8, -1.4,  2.1])
    """

    def __init__(
        self,
        *,
        against: Array,
        residual: Array,
        bin_against: Array,
        bin_residual: Array,
        rectifier: Array,
        against_name: str = "prediction",
        categories: Sequence[str] | None = None,
        confidence_level: float = 0.95,
    ) -> None:
        self.against = against
        self.residual = residual
        self.bin_against = bin_against
        self.bin_residual = bin_residual
        self.rectifier = rectifier
        self.against_name = against_name
        self.categories = categories
        self.confidence_level = confidence_level

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        column: ArrayLike | None = None,
        *,
        column_name: str | None = None,
        output: int = 0,
        n_bins: int | None = None,
        confidence_level: float = 0.95,
    ) -> Self:
        """Of a fit: its labels less the predictions of models that have not seen them (`out_of_sample_`).

        Parameters
        ----------
        estimator : rectified estimator or FineTuneRectifyAllocator
            Fitted. Labels that have trained every model, those of a split, are left out.
        column : array-like of shape (n_rows,), default=None
            What residuals are drawn against, one entry for each row of `fit` (of collections of dask, for each labeled row): numbers, or categories. None is the prediction.
        column_name : str, default=None
            None is the name that a pandas Series has, or "column".
        output : int, default=0
            Which of several outputs.
        n_bins, confidence_level
            As in `from_predictions`.

        Returns
        -------
        ResidualDisplay
            To be drawn by `plot`.

        Raises
        ------
        ValueError
            An estimator that is not fitted; a column of another length.
        """
        rows, positions = LabeledRows.of_estimator(estimator, output)
        name = _name_of(column, column_name)
        if column is not None:
            column = _entries(column, len(estimator.finetune_rows_), "row of fit")[positions]
        return cls._of(rows, column, name, n_bins, confidence_level)

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike,
        f: ArrayLike,
        column: ArrayLike | None = None,
        *,
        column_name: str | None = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        n_bins: int | None = None,
        confidence_level: float = 0.95,
    ) -> Self:
        """Of labels and predictions that are there already: of a judge, for example.

        Parameters
        ----------
        y, f : array-like of shape (n_rows,)
            Labels and predictions of labeled rows that have not trained the predictor.
        column : array-like of shape (n_rows,), default=None
            What residuals are drawn against: numbers, or categories. None is the prediction.
        column_name : str, default=None
            None is the name that a pandas Series has, or "column".
        sample_weight : array-like of shape (n_rows,), default=None
            How many members of the population rows stand for.
        groups : array-like of shape (n_rows,), default=None
            Clusters, for the intervals.
        n_bins : int, default=None
            Bins with as many labels in each; a column of fewer different values has a bin for each, as categories have. None is one for ten labels, up to 10.
        confidence_level : float, default=0.95
            Of the intervals, which are Student's, corrected for skewness that is beyond chance.

        Returns
        -------
        ResidualDisplay
            To be drawn by `plot`.

        Raises
        ------
        ValueError
            Rows that differ in number, several outputs, numbers that are not finite.
        """
        rows = LabeledRows.read(y, f, sample_weight, groups)
        name = _name_of(column, column_name)
        if column is not None:
            column = _entries(column, len(one_column(y, "y")), "labeled row")
        if column is not None and sample_weight is not None:
            column = column[one_column(sample_weight, "sample_weight") > 0]
        return cls._of(rows, column, name, n_bins, confidence_level)

    @classmethod
    def _of(
        cls,
        rows: LabeledRows,
        column: Any,
        name: str,
        n_bins: int | None,
        confidence_level: float,
    ) -> Self:
        level = check_confidence_level(confidence_level)
        categories = None
        against, numbers = rows.f, None
        if column is not None and column.dtype.kind in "fiub":
            against = one_column(column, "column")
        elif column is not None:
            kinds, numbers = np.unique(column.astype(str), return_inverse=True)
            categories, against = kinds.tolist(), numbers.reshape(-1).astype(np.float64)
        numbers = bins_of(against, n_bins) if numbers is None else numbers.reshape(-1)
        centers, means, _ = binned(rows, against, numbers, mean_residual, level)
        return cls(
            against=against,
            residual=rows.y - rows.f,
            bin_against=centers,
            bin_residual=means,
            rectifier=mean_residual(rows, level, rows.are_shares),
            against_name=name,
            categories=categories,
            confidence_level=level,
        )

    def plot(
        self,
        ax: Any = None,
        *,
        points_kwargs: Mapping[str, Any] | None = None,
        bins_kwargs: Mapping[str, Any] | None = None,
        rectifier_kwargs: Mapping[str, Any] | None = None,
        band_kwargs: Mapping[str, Any] | None = None,
        zero_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.
        points_kwargs : dict, default=None
            For `Axes.plot`: residuals of rows.
        bins_kwargs : dict, default=None
            For `Axes.errorbar`: their means in bins.
        rectifier_kwargs, band_kwargs : dict, default=None
            For `Axes.axhline` and `Axes.axhspan`: their mean, and its interval.
        zero_kwargs : dict, default=None
            For `Axes.axhline`.

        Returns
        -------
        ResidualDisplay
            Itself.

        Raises
        ------
        ImportError
            Without matplotlib (extra `plot`).
        """
        ax = axes_of(ax, "ResidualDisplay.plot()")
        line = {**REFERENCE.line, "linewidth": 1.0, "zorder": 1}
        self.zero_ = ax.axhline(0.0, **artist_settings(line, zero_kwargs))
        self.points_ = self._draw_points(ax, points_kwargs)
        means = {"color": MEASURED.color, "ecolor": MEASURED.color, "markerfacecolor": MEASURED.color}
        label = f"means of bins, {100 * self.confidence_level:g} % intervals"
        given = artist_settings({**means, "marker": MEASURED.marker}, bins_kwargs)
        self.bins_ = bars_of(ax, self.bin_against, self.bin_residual, label, given)
        self._draw_rectifier(ax, rectifier_kwargs, band_kwargs)
        if self.categories is not None:
            ax.set_xticks(range(len(self.categories)), self.categories)
        ax.set(xlabel=self.against_name, ylabel="residual (label less prediction)")
        self.legend_ = legend_above(ax, n_columns=2)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_points(self, ax: Any, given: Mapping[str, Any] | None) -> Any:
        """Rows, of which not too many."""
        order = np.argsort(self.against, kind="stable")
        if len(order) > _MOST_POINTS:
            order = order[np.linspace(0, len(order) - 1, _MOST_POINTS).astype(np.intp)]
        x, y = self.against[order], self.residual[order]
        if self.categories is not None:
            x = x + _spread(x)
        defaults = {**ROWS.points, "markersize": 4.0, "alpha": 0.6, "zorder": 2, "label": "labels"}
        return ax.plot(x, y, **artist_settings(defaults, given))[0]

    def _draw_rectifier(
        self, ax: Any, given: Mapping[str, Any] | None, of_band: Mapping[str, Any] | None
    ) -> None:
        """The mean of all residuals, with its interval."""
        mean, low, high = self.rectifier
        line = {**RECTIFIED.line, "zorder": 2.5, "label": f"rectifier: {mean:.3g}"}
        self.rectifier_ = ax.axhline(mean, **artist_settings(line, given))
        self.band_ = None
        if np.isfinite([low, high]).all():
            band = artist_settings({**RECTIFIED.band, "zorder": 1}, of_band, "Patch")
            self.band_ = ax.axhspan(low, high, **band)


def _entries(column: Any, n_rows: int, whose: str) -> NDArray[Any]:
    """One for each row, of any kind."""
    values = np.asarray(column)
    if values.shape != (n_rows,):
        raise ValueError(
            f"column has shape {values.shape}; expected ({n_rows},), one entry for each {whose}."
        )
    return values


def _name_of(column: Any, name: str | None) -> str:
    if column is None:
        return "prediction" if name is None else name
    own = getattr(column, "name", None)
    return name or ("column" if own is None else str(own))


def _spread(positions: NDArray[Any]) -> Array:
    """How far each row is drawn beside its category, evenly in the order of rows."""
    moved = np.zeros(len(positions))
    for position in np.unique(positions):
        inside = np.flatnonzero(positions == position)
        moved[inside] = _WIDTH * ((np.arange(len(inside)) + 0.5) / len(inside) - 0.5)
    return moved
