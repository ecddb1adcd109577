"""Copies of rows for code that is not ours: whatever a model, a transformer or a callable does to them, X stays as it is."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Callable, Iterable
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._sklearn_private import safe_indexing

# Values that nobody can alter, so that a copy of their container is enough.
_IMMUTABLE = (
    str,
    bytes,
    Number,
    np.generic,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    type(None),
)


_ROWS_OF_NO_COLUMNS, _NUMBERS_AT_ONCE, _FEWEST_ROWS, _MOST_ROWS = 65_536, 2**23, 16_384, 262_144


def own_rows(X: Any, rows: NDArray[np.intp] | slice) -> Any:
    """Some rows of X, by positions or a slice, that share no memory with it."""
    if isinstance(rows, slice) and not _can_be_cut(X):
        # The slice of a tensor, for example, is a view; rows by positions are a copy everywhere.
        rows = np.arange(rows.start, rows.stop)
    return _own(safe_indexing(X, rows), X)


def rows_at_once(X: Any) -> int:
    """How many rows models are handed at a time: 64 MiB of numbers, within reason; of texts and whatever has no columns 65,536."""
    shape = getattr(X, "shape", ())
    if not isinstance(shape, tuple) or len(shape) != 2 or not shape[1]:
        return _ROWS_OF_NO_COLUMNS
    return int(np.clip(_NUMBERS_AT_ONCE // shape[1], _FEWEST_ROWS, _MOST_ROWS))


def rows_of(X: Any, rows: NDArray[np.intp] | slice) -> Any:
    """Some rows of X, not copied where that is possible; nobody may alter them."""
    cannot_be_cut = isinstance(rows, slice) and not _can_be_cut(X)
    return own_rows(X, rows) if cannot_be_cut else safe_indexing(X, rows)


def aligned_rows(X: Any) -> Any:
    """X, or a copy if some of its numbers do not lie where the processor has them: those that came over a network may, and are then added up in another order."""
    arrays = [X] if isinstance(X, np.ndarray) else []
    if hasattr(X, "iloc") and hasattr(X, "columns"):
        numbers = [j for j, kind in enumerate(X.dtypes) if getattr(kind, "kind", "O") in "fiu"]
        arrays = [X.iloc[:, j].to_numpy() for j in numbers if isinstance(X.dtypes.iloc[j], np.dtype)]
    if all(one.flags.aligned for one in arrays):
        return X
    return X.copy()


def call_without_altering(function: Callable[[Any], Any], X: Any) -> Any:
    """function(X) with X safe from it, and not copied as long as nobody writes to it.

    X may be a pool too large to have twice. An array is handed over read-only; only a function that writes all the
    same gets a copy. Frames cannot be locked (scikit-learn unlocks their arrays) and are copied.
    """
    locked = _locked(X)
    if locked is None:
        return function(_own(X, X))
    try:
        return function(locked)
    except ValueError as error:
        if "read-only" not in str(error) and "not writeable" not in str(error):
            raise
    return function(X.copy())


def _can_be_cut(X: Any) -> bool:
    """Whether `_own` makes a copy of a slice of X, or nobody can alter it (columns of polars and pyarrow)."""
    return isinstance(X, np.ndarray | list) or any(
        hasattr(X, name) for name in ("iloc", "tocsr", "columns")
    )


def _own(part: Any, X: Any) -> Any:
    """A part of X without memory of X in it."""
    if hasattr(part, "iloc"):
        return _own_frame(part)
    if isinstance(part, np.ndarray):
        if part.dtype == object:
            return _own_values(part.copy(), part.flat)
        return np.array(part, subok=True) if np.may_share_memory(part, X) else part
    if hasattr(part, "tocsr"):
        return part.copy() if np.may_share_memory(part.data, X.data) else part
    return _own_values(list(part), part) if isinstance(part, list) else part


def _own_frame(part: Any) -> Any:
    """A pandas frame or series; where copies are lazy, a deep one is not."""
    own = part.copy(deep=True)
    if not hasattr(own, "columns"):
        return _own_series(own) if own.dtype == object else own
    for position in np.flatnonzero(
        [isinstance(kind, np.dtype) and kind.kind == "O" for kind in own.dtypes]
    ):
        column = own.iloc[:, position]
        if (own_column := _own_series(column)) is not column:
            own.isetitem(position, own_column)
    return own


def _own_series(series: Any) -> Any:
    """A series whose objects are copies, too: pandas copies the references to them."""
    values = series.tolist()
    own = _own_values(values, values)
    return series if own is values else type(series)(own, series.index, object, series.name)


def _own_values(container: Any, values: Iterable[Any]) -> Any:
    """The container, or a copy of it and all that is in it if any of its values could be altered."""
    if _are_immutable(values):
        return container
    try:
        return copy.deepcopy(container)
    except (TypeError, RuntimeError, NotImplementedError):
        return container  # an open file, say, of which there is only one


def _are_immutable(values: Iterable[Any]) -> bool:
    kinds = set(map(type, values))
    return all(issubclass(kind, _IMMUTABLE) or kind.__name__ == "NAType" for kind in kinds)


def _locked(X: Any) -> Any:
    """X read-only, without a copy; None if it cannot be locked."""
    if isinstance(X, np.ndarray) and X.dtype != object:
        view = X.view()
        view.flags.writeable = False
        return view
    if not hasattr(X, "tocsr") or not isinstance(getattr(X, "data", None), np.ndarray):
        return None
    locked = copy.copy(X)
    for name in ("data", "indices", "indptr"):
        if isinstance(values := getattr(X, name, None), np.ndarray):
            view = values.view()
            view.flags.writeable = False
            setattr(locked, name, view)
    return locked
