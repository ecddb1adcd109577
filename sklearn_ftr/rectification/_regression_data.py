"""Inputs of regressions: checked, labels and covariates in arrays, the pool's in arrays or in blocks."""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._arguments import check_truth_value
from sklearn_ftr._tables import check_same_rows, column_names, shape_of
from sklearn_ftr.rectification._checks import (
    Array,
    as_pool_array,
    as_real_array,
    check_column_order,
    check_finite,
    check_judgements,
    have_small_squares,
)
from sklearn_ftr.rectification._columns_of_blocks import ExpectedColumns
from sklearn_ftr.rectification._design import Clipped, Design
from sklearn_ftr.rectification._judgements import Judgements, read_judgements
from sklearn_ftr.rectification._linear_regression_moments import LinearRegressionMoments
from sklearn_ftr.rectification._moments import as_table
from sklearn_ftr.rectification._pool import ArrayPool, Pool
from sklearn_ftr.rectification._pool_moments import refuse_moments
from sklearn_ftr.rectification._pool_source import PoolSource, has_blocks, read_as_rows, source_of
from sklearn_ftr.rectification._regression_pool import (
    SummarizedRegression,
    refuse_regression_moments,
)
from sklearn_ftr.rectification._sample import Sample
from sklearn_ftr.rectification._sampling import Sampling
from sklearn_ftr.rectification._source_pool import Covariates


@dataclass(frozen=True)
class RegressionData:
    """Checked inputs: covariates and labels, covariates of the pool (a source if it comes in blocks, a summary if its rows are not there), predictions of both, the coefficients' names, the columns
    of X, and how many parameters are fitted.
    """

    X: Design
    y: Array
    X_pool: Design | PoolSource | SummarizedRegression
    judged: Judgements
    names: tuple[str, ...]
    columns: ExpectedColumns
    n_parameters: int

    @property
    def unlabeled(self) -> Sized:
        """The pool."""
        return self.judged.pool if isinstance(self.X_pool, PoolSource) else self.X_pool

    @property
    def some_predictions(self) -> NDArray[Any]:
        """Predictions (n, j) of the pool: all that are in memory, else those of the first block."""
        pool = self.judged.pool
        if isinstance(pool, SummarizedRegression):
            return self.judged.f[:0]
        return (
            next((one.f for one in pool.blocks()), self.judged.f[:0])
            if isinstance(pool, Pool)
            else as_table(pool)
        )

    def sample(
        self,
        drawn: Sampling,
        seen: Callable[[NDArray[Any]], Design] | None = None,
        limits: tuple[float, float] | None = None,
    ) -> Sample:
        """For stage 2, with designs as an estimand has them `seen` and predictions inside of limits."""
        judged, rows = self.judged, seen or (lambda X: Design(X, False))
        f = judged.f if limits is None else np.clip(judged.f, *limits)
        if isinstance(self.X_pool, PoolSource):
            covariates = Covariates(self.X_pool, self.columns, rows)
            pool: Pool = judged.pool.with_covariates(covariates, limits)
            check_enough_rows(len(self.y), len(pool), self.n_parameters)
        elif isinstance(self.X_pool, SummarizedRegression):
            pool = self.X_pool
        else:
            of_pool = judged.pool if limits is None else Clipped(judged.pool, *limits)
            pool = ArrayPool([of_pool], rows(self.X_pool.rows))
        return Sample(self.y, f, pool, drawn, rows(self.X.rows), n_indicators=judged.n_indicators)


def check_regression(
    X: ArrayLike,
    y: ArrayLike,
    f: ArrayLike,
    X_unlabeled: Any,
    f_unlabeled: Any,
    fit_intercept: bool,
    n_parameters: int | None = None,
    missing_judgements: str = "refuse",
    is_linear: bool = False,
) -> RegressionData:
    """Finite numbers of matching shapes, more labels than coefficients; of a linear regression the pool may be a summary."""
    fit_intercept = check_truth_value(fit_intercept, "fit_intercept")
    check_same_rows(X=X, y=y, f=f)
    check_same_rows(X_unlabeled=X_unlabeled, f_unlabeled=f_unlabeled)
    refuse_moments(X_unlabeled=X_unlabeled, f_unlabeled=f_unlabeled)
    refuse_regression_moments(f_unlabeled=f_unlabeled, X_unlabeled=None if is_linear else X_unlabeled)
    if isinstance(X_unlabeled, LinearRegressionMoments) and not X_unlabeled.count:
        X_unlabeled, f_unlabeled = np.empty((0, 1)), np.empty(0)
    check_column_order(X, X_unlabeled, "X", "X_unlabeled")
    rows = _matrix(X, "X")
    labels = _vector(y, len(rows), "y")
    _check_length(f, len(rows), "f")
    of_pool: Design | PoolSource | SummarizedRegression
    if isinstance(X_unlabeled, LinearRegressionMoments):
        _check_summary(X_unlabeled, f_unlabeled, X, rows.shape[1])
        of_pool = SummarizedRegression(X_unlabeled)
        judged = read_judgements(f, X_unlabeled.predictions, labels.shape, missing_judgements)
        judged = replace(judged, pool=of_pool)
    elif has_blocks(X_unlabeled) or has_blocks(f_unlabeled):
        of_pool = source_of(X_unlabeled)
        judged = read_judgements(f, source_of(f_unlabeled), labels.shape, missing_judgements)
    else:
        with read_as_rows(X_unlabeled):
            pool_rows = _matrix(X_unlabeled, "X_unlabeled", like=rows)
        judged = _judgements_in_memory(f, f_unlabeled, len(pool_rows), labels, missing_judgements)
        of_pool = Design(pool_rows, fit_intercept)
    names = ("intercept",) * fit_intercept + _column_names(X, rows.shape[1])
    k = len(names) if n_parameters is None else n_parameters
    # Rows that come in blocks are counted when they are read.
    check_enough_rows(len(rows), 0 if isinstance(of_pool, PoolSource) else len(of_pool), k)
    return RegressionData(
        Design(rows, fit_intercept),
        labels.astype(np.float64),
        of_pool,
        judged,
        names,
        ExpectedColumns.of(X, "X", rows.shape[1]),
        k,
    )


def _check_summary(known: LinearRegressionMoments, f_unlabeled: Any, X: Any, d: int) -> None:
    """Of as many columns, with the predictions in it."""
    if f_unlabeled is not None:
        raise ValueError(
            "X_unlabeled is given as LinearRegressionMoments, which hold the predictions, too, and f_unlabeled is given as well; leave it out."
        )
    if known.n_features != d:
        raise ValueError(
            f"X_unlabeled has {known.n_features} columns and X has {d}; expected the same."
        )
    check_column_order(X, SimpleNamespace(columns=known.names), "X", "X_unlabeled")


def _judgements_in_memory(
    f: Any, f_unlabeled: Any, m: int, labels: NDArray[Any], missing_judgements: str
) -> Judgements:
    """For m rows of a pool."""
    _check_length(f_unlabeled, m, "f_unlabeled")
    judged = read_judgements(f, f_unlabeled, labels.shape, missing_judgements)
    _finite(judged.pool, "f_unlabeled", check_judgements)
    return judged


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
    rows = as_real_array(X, name) if like is None else as_pool_array(X, name)
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
    return array if have_small_squares(array) else check(array, name)


def _column_names(X: Any, d: int) -> tuple[str, ...]:
    columns = column_names(X)
    if columns is None and getattr(X, "name", None) is not None:
        columns = [X.name]
    return tuple(map(str, columns)) if columns is not None else tuple(f"x{j}" for j in range(d))
