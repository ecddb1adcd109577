"""The part of X that a user names: covariates of a regression, groups of a comparison, judges.

Columns (names, positions, a mask or a slice), a callable, or a transformer; None is all of X.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import check_array

from sklearn_ftr._arguments import shown
from sklearn_ftr._sklearn_private import num_samples, safe_indexing
from sklearn_ftr._tables import as_floats, check_same_index, column_names, shape_of
from sklearn_ftr.estimators._own_rows import call_without_altering
from sklearn_ftr.rectification._groups import GroupColumn
from sklearn_ftr.rectification._regression_data import check_design


def fit_part(part: Any, X: Any) -> Any:
    """What reads the part of any X: a transformer is fitted to all rows, labeled or not; all else stays as it is."""
    return call_without_altering(lambda X: clone(part).fit(X), X) if _is_transformer(part) else part


def read_covariates(part: Any, X: Any) -> tuple[NDArray[np.floating[Any]], tuple[str, ...]]:
    """Covariates (n_rows, d) as finite numbers, and their names."""
    read, names = _read_numbers(part, X, "covariates")
    rows, own_names = check_design(read, "The array of covariates")
    return rows, own_names if names is None or len(names) != rows.shape[1] else names


def read_judges(part: Any, X: Any) -> NDArray[np.float64]:
    """Columns (n_rows, j) of numbers, of which some may be missing (NaN)."""
    read, _ = _read_numbers(part, X, "judges")
    rows = as_floats(read, "The array of judges").astype(np.float64, copy=False)
    rows = rows[:, None] if rows.ndim == 1 else rows
    if np.isinf(rows).any():
        raise ValueError(
            f"The judges have {int(np.isinf(rows).sum())} infinite values; expected numbers, or NaN."
        )
    return rows


def _read_numbers(part: Any, X: Any, parameter: str) -> tuple[Any, tuple[str, ...] | None]:
    """The part of X as numbers of any library, and the names of its columns where it has none of its own."""
    read, names = _read(part, X, parameter)
    if any(map(_is_categorical, _kinds_of_columns(read))):
        raise ValueError(
            f"The {parameter} have a categorical column; expected numbers. {_how_to_encode(parameter)}"
        )
    read = read.toarray() if hasattr(read, "toarray") else read
    if np.asarray(read).dtype == object and np.size(read):
        names = names or tuple(map(str, column_names(read) or ())) or None
        read = _numbers(read, parameter)
    return read, names


def read_groups(part: Any, X: Any) -> GroupColumn:
    """The group of each row, whatever its type, and the order of groups that are ordered categories."""
    read, _ = _read(part, X, "group")
    read = read.toarray() if hasattr(read, "toarray") else read
    shape = shape_of(read)
    if shape[1:] not in ((), (1,)):
        raise ValueError(
            f"group={shown(part)} gives an array of shape {shape}; expected one column, the group of each row."
        )
    return GroupColumn.of(read, "group")


def has_one_dimension(X: Any) -> bool:
    """Whether X is a sequence of numbers or texts, not of rows."""
    return not hasattr(X, "toarray") and len(shape_of(X)) == 1


def _read(part: Any, X: Any, parameter: str) -> tuple[Any, tuple[str, ...] | None]:
    """The part of X, (n_rows, d) or (n_rows,), and the names of its columns where it has none of its own."""
    if part is None:
        return _table(X, f"{parameter}=None takes all of X"), None
    if not _is_transformer(part) and not callable(part):
        return _columns(X, part, parameter)
    read = call_without_altering(part.transform if _is_transformer(part) else part, X)
    if _names_columns(read, X):
        return _columns(X, read, parameter)
    if num_samples(read) != num_samples(X):
        raise ValueError(
            f"{parameter} made {num_samples(read)} rows of {num_samples(X)}; expected one for each row of X."
        )
    if not _is_transformer(part):
        check_same_index(X, read, "X", f"what {parameter} returns")
    return read, None if column_names(read) is not None else _names_of_outputs(part)


def _names_of_outputs(part: Any) -> tuple[str, ...] | None:
    """What a transformer calls its outputs, if it knows."""
    try:
        return tuple(map(str, part.get_feature_names_out()))
    except (AttributeError, ValueError):
        return None


def _is_transformer(part: Any) -> bool:
    return hasattr(part, "fit") and hasattr(part, "transform")


def _names_columns(read: Any, X: Any) -> bool:
    """Whether a callable has returned names of columns (as make_column_selector does) instead of the columns."""
    known = set(map(str, column_names(X) or ()))
    return isinstance(read, list) and all(isinstance(name, str) and name in known for name in read)


def _columns(X: Any, chosen: Any, parameter: str) -> tuple[Any, tuple[str, ...]]:
    """Columns by names, positions, mask or slice."""
    X = _table(X, f"{parameter}={shown(chosen)} names columns")
    names = column_names(X) or []
    try:
        positions = _positions(chosen, names, X.shape[1])
    except (IndexError, KeyError, TypeError, ValueError) as error:
        known = shown(names) if names else f"{X.shape[1]} without names"
        raise ValueError(
            f"{parameter}={shown(chosen)} is not among the columns of X ({known}); expected names or positions of "
            "columns, a callable or a transformer."
        ) from error
    if not positions:
        return np.empty((X.shape[0], 0)), ()
    read = safe_indexing(X, positions, axis=1)
    return read, tuple(str(names[j]) if names else f"x{j}" for j in positions)


def _positions(chosen: Any, names: list[Any], d: int) -> list[int]:
    """Of the chosen among d columns; what is not among them raises whatever numpy or the list of names raises."""
    if isinstance(chosen, slice):
        if isinstance(chosen.start, str):  # both ends included, as in pandas
            return list(range(names.index(chosen.start), names.index(chosen.stop) + 1))
        return list(range(d))[chosen]
    wanted = [chosen] if isinstance(chosen, str | int | np.integer) else list(chosen)
    if wanted and isinstance(wanted[0], str):
        return [names.index(name) for name in wanted]
    return np.arange(d)[np.asarray(wanted)].tolist() if wanted else []


def _table(X: Any, because: str) -> Any:
    """X with columns: as it came if it is a data frame, else an array or a sparse matrix."""
    if column_names(X) is not None:
        return X
    if has_one_dimension(X):
        raise ValueError(
            f"{because}, but X has one dimension; expected a data frame or an array of shape (n_rows, n_features). Reshape "
            "your data, or set it to a callable."
        )
    return check_array(X, accept_sparse="csc", dtype=None, ensure_all_finite=False)


def _kinds_of_columns(read: Any) -> list[Any]:
    """Types of the columns of a data frame or table."""
    if hasattr(read, "schema") and hasattr(read.schema, "types"):
        return list(read.schema.types)  # of pyarrow
    kinds = getattr(read, "dtypes", ())
    return list(kinds) if np.iterable(kinds) else [kinds]


def _is_categorical(kind: Any) -> bool:
    """Whether a type of columns is a category of pandas or polars, or a dictionary of pyarrow."""
    return str(kind).startswith(("category", "Categorical", "Enum", "dictionary"))


def _how_to_encode(parameter: str) -> str:
    if parameter == "judges":
        return "Turn verdicts into numbers first, such as 1 for yes and 0 for no."
    return "Encode groups as columns of 0 and 1, with OneHotEncoder(drop='first') as transformer, for example."


def _numbers(read: Any, parameter: str) -> NDArray[np.floating[Any]]:
    """Numbers that came as objects; pandas' NA is NaN."""
    try:
        return as_floats(read, f"The array of {parameter}")
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"The {parameter} have text or other objects ({error}); expected real numbers. {_how_to_encode(parameter)}"
        ) from error
