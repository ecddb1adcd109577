"""The part of X that a user names: covariates of a regression, groups of a comparison.

Columns (names, positions, a mask or a slice), a callable, or a transformer; None is all of X.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import check_array

from sklearn_ftr._sklearn_private import num_samples, safe_indexing
from sklearn_ftr.rectification._design import check_design


def fit_part(part: Any, X: Any) -> Any:
    """What reads the part of any X: a transformer is fitted to all rows, labeled or not; all else stays as it is."""
    return clone(part).fit(X) if hasattr(part, "transform") else part


def read_part(part: Any, X: Any, parameter: str) -> Any:
    """The part of X, (n_rows, d) or (n_rows,), as a data frame if X is one."""
    if part is None:
        return _table(X, f"{parameter}=None takes all of X")
    if hasattr(part, "transform"):
        read = part.transform(X)
    else:
        read = part(X) if callable(part) else part
        if not callable(part) or _names_columns(read):
            return _columns(X, read, parameter)
    if num_samples(read) != num_samples(X):
        raise ValueError(
            f"{parameter} made {num_samples(read)} rows of {num_samples(X)}; expected one for each row of X."
        )
    return read


def read_covariates(part: Any, X: Any) -> tuple[NDArray[np.floating[Any]], tuple[str, ...]]:
    """Covariates (n_rows, d) as finite numbers, and their names."""
    read = read_part(part, X, "covariates")
    names = _names(part, read)
    read = read.toarray() if hasattr(read, "toarray") else read
    if np.asarray(read).dtype == object and np.size(read):
        values = _numbers(np.asarray(read))
        names = names or tuple(map(str, getattr(read, "columns", ()))) or None
        read = values
    rows, own_names = check_design(read, "The covariates")
    return rows, own_names if names is None or len(names) != rows.shape[1] else names


def read_groups(part: Any, X: Any) -> NDArray[Any]:
    """The group of each row, whatever its type."""
    read = read_part(part, X, "group")
    read = read.toarray() if hasattr(read, "toarray") else np.asarray(read)
    if read.ndim == 2 and read.shape[1] == 1:
        read = read[:, 0]
    if read.ndim != 1:
        raise ValueError(
            f"group={part!r} gives an array of shape {read.shape}; expected one column, the group of each row."
        )
    return read


def _names_columns(read: Any) -> bool:
    """Whether a callable has returned names of columns (as make_column_selector does) instead of covariates."""
    return isinstance(read, list) and all(isinstance(name, str) for name in read)


def _columns(X: Any, chosen: Any, parameter: str) -> Any:
    X = _table(X, f"{parameter}={chosen!r} names columns")
    one = isinstance(chosen, str) or (np.ndim(chosen) == 0 and not isinstance(chosen, slice))
    wanted = [chosen] if one else chosen
    if not one and not isinstance(chosen, slice) and not len(chosen):
        return np.empty((X.shape[0], 0))
    try:
        return safe_indexing(X, wanted, axis=1)
    except (ValueError, IndexError, KeyError) as error:
        known = list(getattr(X, "columns", [])) or f"{X.shape[1]} without names"
        raise ValueError(
            f"{parameter}={chosen!r} is not among the columns of X ({known}); expected names or positions of columns, a "
            "callable or a transformer."
        ) from error


def has_one_dimension(X: Any) -> bool:
    """Whether X is a sequence of numbers or texts, not of rows."""
    return not hasattr(X, "toarray") and np.asarray(X).ndim == 1


def _table(X: Any, because: str) -> Any:
    """X with columns: as it came if it is a data frame, else an array or a sparse matrix."""
    if hasattr(X, "columns"):
        return X
    if has_one_dimension(X):
        raise ValueError(
            f"{because}, but X has one dimension; expected a data frame or an array of shape (n_rows, n_features). Reshape "
            "your data, or set it to a callable."
        )
    return check_array(X, accept_sparse="csc", dtype=None, ensure_all_finite=False)


def _numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    """Numbers that came as objects."""
    try:
        return values.astype(np.float64)
    except ValueError as error:
        raise ValueError(
            f"The covariates have text or other objects ({error}); expected real numbers. Encode groups as columns of 0 and "
            "1, with OneHotEncoder(drop='first') as transformer, for example."
        ) from error


def _names(part: Any, read: Any) -> tuple[str, ...] | None:
    """Names that the part itself knows: those of a transformer, or positions."""
    if hasattr(read, "columns") or hasattr(read, "name"):
        return None
    if hasattr(part, "get_feature_names_out"):
        return tuple(map(str, part.get_feature_names_out()))
    if isinstance(part, int | np.integer):
        return (f"x{part}",)
    if isinstance(part, list | tuple) and all(
        isinstance(one, int | np.integer) and not isinstance(one, bool) for one in part
    ):
        return tuple(f"x{column}" for column in part)
    return None
