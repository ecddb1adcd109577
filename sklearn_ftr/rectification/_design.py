"""Inputs of regressions on arrays: designs with an intercept that is never copied into a pool."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._arguments import check_truth_value
from sklearn_ftr._tables import check_same_rows, column_names, shape_of
from sklearn_ftr.rectification._checks import (
    _LARGEST,
    Array,
    as_real_array,
    check_column_order,
    check_finite,
    check_judgements,
)
from sklearn_ftr.rectification._coordinates import Coordinates
from sklearn_ftr.rectification._judgements import Judgements, read_judgements

# Rows of which squares are summed at once.
_PIECE_ROWS = 16_384


@dataclass(frozen=True)
class Design:
    """Rows (n, d) of a design; slices of it come as float64 with a first column of ones, if it has an intercept.

    With `coordinates` slices come in those. `weights` (n,) have the mean 1; None is 1 for every row.
    """

    rows: NDArray[np.floating[Any]]
    intercept: bool
    coordinates: Coordinates | None = None
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, chosen: slice) -> Array:
        block = self.rows[chosen]
        if self.coordinates is not None:
            return self.coordinates.rows(block)
        if not self.intercept:
            return block.astype(np.float64, copy=False)
        with_ones = np.empty((len(block), block.shape[1] + 1))
        with_ones[:, 0] = 1.0
        with_ones[:, 1:] = block
        return with_ones

    def only(self, rows: NDArray[np.intp]) -> Design:
        """Some of its rows; adjacent ones are not copied."""
        if len(rows) and np.all(np.diff(rows) == 1):
            return self.between(rows[0], rows[-1] + 1)
        return self._part(rows)

    def between(self, start: int, stop: int) -> Design:
        """Adjacent rows, not copied."""
        return self._part(slice(start, stop))

    def followed_by(self, other: Design) -> Design:
        """The rows of both, without weights."""
        return replace(self, rows=np.concatenate([self.rows, other.rows]), weights=None)

    def _part(self, chosen: Any) -> Design:
        weights = None if self.weights is None else self.weights[chosen]
        return replace(self, rows=self.rows[chosen], weights=weights)

    def weighted(self, weights: Array | None) -> Design:
        """The same rows with weights of any scale."""
        return replace(self, weights=None if weights is None else weights / weights.mean())


def joined_designs(parts: Sequence[Design]) -> Design:
    """Rows of several parts of one design, without weights; a single one is not copied."""
    first, *others = parts
    rows = np.concatenate([one.rows for one in parts]) if others else first.rows
    return replace(first, rows=rows, weights=None)


@dataclass(frozen=True, eq=False)
class Clipped:
    """Predictions (n,) inside the limits that a regression can have; a pool is clipped slice by slice, never copied whole."""

    values: NDArray[np.floating[Any]]
    low: float
    high: float

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice) -> Array:
        return np.clip(self.values[rows].astype(np.float64, copy=False), self.low, self.high)


def column_of(f: Any, judge: int) -> Any:
    """One judge's predictions, from (m,) or (m, j)."""
    if isinstance(f, Clipped):
        return Clipped(column_of(f.values, judge), f.low, f.high)
    return f if f.ndim == 1 else f[:, judge]


@dataclass(frozen=True)
class RegressionData:
    """Checked inputs: covariates and labels, covariates of the pool, predictions of both, and the coefficients' names."""

    X: Design
    y: Array
    X_pool: Design
    judged: Judgements
    names: tuple[str, ...]


def check_regression(
    X: ArrayLike,
    y: ArrayLike,
    f: ArrayLike,
    X_unlabeled: ArrayLike,
    f_unlabeled: ArrayLike,
    fit_intercept: bool,
    n_parameters: int | None = None,
    missing_judgements: str = "refuse",
) -> RegressionData:
    """Finite numbers of matching shapes, more labels than coefficients."""
    fit_intercept = check_truth_value(fit_intercept, "fit_intercept")
    check_same_rows(X=X, y=y, f=f)
    check_same_rows(X_unlabeled=X_unlabeled, f_unlabeled=f_unlabeled)
    check_column_order(X, X_unlabeled, "X", "X_unlabeled")
    rows = _matrix(X, "X")
    labels = _vector(y, len(rows), "y")
    pool_rows = _matrix(X_unlabeled, "X_unlabeled", like=rows)
    _check_length(f, len(rows), "f")
    _check_length(f_unlabeled, len(pool_rows), "f_unlabeled")
    judged = read_judgements(f, f_unlabeled, labels.shape, missing_judgements)
    _finite(judged.pool, "f_unlabeled", check_judgements)
    names = ("intercept",) * fit_intercept + _column_names(X, rows.shape[1])
    k = len(names) if n_parameters is None else n_parameters
    check_enough_rows(len(rows), len(pool_rows), k)
    return RegressionData(
        Design(rows, fit_intercept),
        labels.astype(np.float64),
        Design(pool_rows, fit_intercept),
        judged,
        names,
    )


def check_design(X: Any, name: str) -> tuple[NDArray[np.floating[Any]], tuple[str, ...]]:
    """Rows (n, d) as finite numbers, and the columns' names."""
    rows = _matrix(X, name)
    return rows, _column_names(X, rows.shape[1])


def check_enough_rows(r: int, m: int, k: int) -> None:
    """Rows from which k parameters and their errors can be estimated."""
    # A single parameter needs no more than a mean does: few labels leave lambda at 0, and a pool of one row borrows their variance.
    least = k + 2 if m and k > 1 else k + 1
    if r < least:
        raise ValueError(
            f"There are {r} labeled rows for {k} parameters (n_samples={r}); expected at least {least}. "
            "Label more rows or leave out columns."
        )
    if 0 < m <= k and k > 1:
        raise ValueError(
            f"The pool has {m} rows for {k} parameters; expected at least {k + 1}, or none at all."
        )


def _matrix(X: Any, name: str, like: Any = None) -> NDArray[np.floating[Any]]:
    if like is not None and shape_of(X)[:1] == (0,):
        return np.empty((0, like.shape[1]))
    if len(shape_of(X)) == 2 and shape_of(X)[1] == 0:
        return np.empty(shape_of(X))
    rows = as_real_array(X, name)
    rows = rows[:, None] if rows.ndim == 1 else rows
    if like is not None and rows.shape[1] != like.shape[1]:
        raise ValueError(
            f"X_unlabeled has {rows.shape[1]} columns and X has {like.shape[1]}; expected the same."
        )
    return _finite(rows, name)


def _vector(values: Any, n: int, name: str) -> NDArray[np.floating[Any]]:
    if not n and shape_of(values)[:1] == (0,):
        return np.empty(0)
    vector = as_real_array(values, name)
    if vector.shape not in ((n,), (n, 1)):
        raise ValueError(
            f"{name} has shape {vector.shape}; expected ({n},): one number for each row of its design."
        )
    return _finite(vector.reshape(-1), name)


def _check_length(f: Any, n: int, name: str) -> None:
    shape = shape_of(f)
    if len(shape) in (1, 2) and shape[0] != n:
        raise ValueError(
            f"{name} has shape {shape}; expected ({n},): one number for each row of its design, or ({n}, n_judges)."
        )


def _finite(
    array: NDArray[np.floating[Any]], name: str, check: Callable[..., Any] = check_finite
) -> NDArray[np.floating[Any]]:
    """As `check_finite`, but without an array of truth values when all is well."""
    # Squares do not cancel, as 1e200 and -1e200 would; what is not finite makes their sum so.
    with np.errstate(all="ignore"):
        squares = sum(_sum_of_squares(block) for block in _pieces(array))
    return array if squares < _LARGEST**2 else check(array, name)


def _sum_of_squares(block: NDArray[np.floating[Any]]) -> float:
    flat = np.ravel(block).astype(np.float64, copy=False)
    return float(flat @ flat)


def _pieces(array: NDArray[np.floating[Any]]) -> Iterator[NDArray[np.floating[Any]]]:
    for start in range(0, len(array), _PIECE_ROWS):
        yield array[start : start + _PIECE_ROWS]


def _column_names(X: Any, d: int) -> tuple[str, ...]:
    columns = column_names(X)
    if columns is None and getattr(X, "name", None) is not None:
        columns = [X.name]
    return tuple(map(str, columns)) if columns is not None else tuple(f"x{j}" for j in range(d))
