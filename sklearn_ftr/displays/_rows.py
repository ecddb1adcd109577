"""Labels beside predictions as displays read them, and means of them with intervals, in bins of another number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._arguments import check_count
from sklearn_ftr._tables import as_floats, check_same_rows
from sklearn_ftr.displays._fitted import attribute_of

Array = NDArray[np.float64]
# Rows that a bin holds at least, if a user does not say how many bins there are, and the most bins.
_ROWS_IN_BIN, _MOST_BINS = 10, 10


@dataclass(frozen=True, eq=False)
class LabeledRows:
    """Numbers (n,) of rows, and how these were drawn.

    Parameters
    ----------
    y, f : ndarray of shape (n,)
        Labels and predictions.
    weights : ndarray of shape (n,) or None
    groups : ndarray of shape (n,) or None
        Clusters.
    """

    y: Array
    f: Array
    weights: Array | None = None
    groups: NDArray[Any] | None = None

    @classmethod
    def read(cls, y: Any, f: Any, sample_weight: Any, groups: Any) -> LabeledRows:
        """What a user has, checked; rows that weigh nothing are left out."""
        given = {"y": y, "f": f, "sample_weight": sample_weight, "groups": groups}
        given = {name: values for name, values in given.items() if values is not None}
        check_same_rows(**given)
        columns = {name: one_column(given[name], name) for name in given if name != "groups"}
        if groups is not None:
            columns["groups"] = np.asarray(groups)
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise ValueError(f"Rows differ in number: {told}; expected one entry for each labeled row.")
        rows = cls(columns["y"], columns["f"], groups=columns.get("groups"))
        if sample_weight is None:
            return rows
        weights = weights_of(sample_weight, "sample_weight", len(rows.y))
        return replace(rows, weights=weights).only(weights > 0)

    @classmethod
    def of_estimator(cls, estimator: Any, output: int) -> tuple[LabeledRows, NDArray[np.intp]]:
        """Labels beside predictions out of sample, and their positions among the rows of the fit."""
        known = attribute_of(estimator, "out_of_sample_", "a rectified estimator or an allocator")
        y, f = (column_of(values, output) for values in (known.y, known.prediction))
        predicted = np.isfinite(f)
        if known.sample_weight is not None:
            predicted &= known.sample_weight > 0
        rows = cls(y, f, known.sample_weight, known.groups).only(predicted)
        return rows, known.rows[predicted]

    def only(self, chosen: NDArray[Any]) -> LabeledRows:
        """Some of the rows."""
        parts = self.y, self.f, self.weights, self.groups
        return LabeledRows(*(None if part is None else part[chosen] for part in parts))  # type: ignore[arg-type]

    @property
    def are_shares(self) -> bool:
        """Whether all labels are 0 or 1."""
        return _are_zero_or_one(self.y)

    def average(self, values: Array) -> float:
        """Mean of numbers (n,), weighted as rows are."""
        return float(np.average(values, weights=self.weights))

    def mean(self, values: Array, confidence_level: float, as_shares: bool = False) -> Array:
        """Mean of numbers (n,) of the rows with the ends (3,) of its interval; NaN where so few rows have none."""
        from sklearn_ftr.rectification import SamplingDesign, rectify_mean

        n_pieces = len(self.y) if self.groups is None else len(np.unique(self.groups))
        if n_pieces < 2 or (np.ptp(values) == 0 and not as_shares):
            return np.array([self.average(values), np.nan, np.nan])
        design = SamplingDesign(weights=self.weights, clusters=self.groups)
        told = None if design.is_empty else design
        result = rectify_mean(values, np.zeros(len(values)), [], design=told)
        method = "t" if _are_zero_or_one(values) and not as_shares else "auto"
        ends = result.confidence_interval(confidence_level, method=method)
        return np.array([result.estimate, *ends])


def mean_label(rows: LabeledRows, level: float, of_shares: bool) -> Array:
    """Mean label with the ends (3,) of its interval, that of a share if all labels of a sample are 0 or 1."""
    return rows.mean(rows.y, level, of_shares)


def mean_residual(rows: LabeledRows, level: float, of_shares: bool) -> Array:
    """Mean residual with the ends (3,) of its interval; where few labels are all 0, or all 1, residuals show too little, and it is that of their share."""
    if of_shares and np.ptp(rows.y) == 0:
        return rows.mean(rows.y, level, True) - rows.average(rows.f)
    return rows.mean(rows.y - rows.f, level)


def one_column(values: Any, name: str) -> Array:
    """Finite numbers (n,) of a list, array or column of a table."""
    column = as_floats(values, name).astype(np.float64)
    column = column[:, 0] if column.ndim == 2 and column.shape[1] == 1 else column
    if column.ndim != 1 or not len(column):
        raise ValueError(
            f"{name} has shape {column.shape}; expected (n_rows,), one output or judge at a time."
        )
    if not np.isfinite(column).all():
        raise ValueError(
            f"{name} has {np.count_nonzero(~np.isfinite(column))} values that are NaN or infinite; expected finite numbers of labeled rows."
        )
    return column


def weights_of(values: Any, name: str, n_rows: int) -> Array:
    """Weights (n,) of rows, 0 or more, not all 0."""
    weights = one_column(values, name)
    if len(weights) != n_rows:
        raise ValueError(f"{name} has {len(weights)} entries; expected one for each of {n_rows} rows.")
    if weights.min() < 0 or not weights.any():
        raise ValueError(
            f"{name} has values from {weights.min():.3g} to {weights.max():.3g}; expected 0 or more, and some above 0."
        )
    return weights


def column_of(values: Array, output: int) -> Array:
    """One of several outputs (n, k); of one output (n,) the values themselves."""
    k = 1 if values.ndim == 1 else values.shape[1]
    if check_count(output, "output", 0) >= k:
        raise ValueError(f"output is {output}; expected a position up to {k - 1}.")
    return values if values.ndim == 1 else values[:, output]


def predictions_of_rows(estimator: Any, X: Any, output: int) -> Array:
    """What the models of a fitted rectified estimator, or of an allocator, predict for other rows, not rectified."""
    fitted = getattr(estimator, "best_estimator_", estimator)
    predicted = fitted._answer_.models.average_prediction(fitted._new_rows(X))
    return column_of(predicted, output)


def bins_of(x: Array, n_bins: int | None) -> NDArray[np.intp]:
    """The number (n,) of each row's bin: as many rows in each, or one bin for each value where these are few."""
    if n_bins is None:
        n_bins = int(np.clip(len(x) // _ROWS_IN_BIN, 1, _MOST_BINS))
    check_count(n_bins, "n_bins", 1)
    values, numbers = np.unique(x, return_inverse=True)
    if len(values) > n_bins:
        inner = np.quantile(x, np.arange(1, n_bins) / n_bins)
        numbers = np.searchsorted(inner, x, side="right")
    return np.unique(numbers, return_inverse=True)[1].reshape(-1)


def binned(
    rows: LabeledRows,
    x: Array,
    numbers: NDArray[np.intp],
    mean: Callable[[LabeledRows, float, bool], Array],
    level: float,
) -> tuple[Array, Array, NDArray[np.intp]]:
    """Of each bin the mean of x (b,), what `mean` says of its rows (b, 3), and their number (b,)."""
    of_bins = [np.flatnonzero(numbers == number) for number in np.unique(numbers)]
    parts = [rows.only(inside) for inside in of_bins]
    centers = [part.average(x[inside]) for part, inside in zip(parts, of_bins, strict=True)]
    means = [mean(part, level, rows.are_shares) for part in parts]
    return np.array(centers), np.array(means), np.array([len(inside) for inside in of_bins])


def _are_zero_or_one(values: Array) -> bool:
    return bool(np.all((values == 0) | (values == 1)))
