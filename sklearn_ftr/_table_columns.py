"""Columns of an ordinary table, from whichever kind of frame, as numbers, days or names of categories.

What cannot be any of these is one error that names the column.
"""

from __future__ import annotations

import datetime
import enum
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._sklearn_private import safe_indexing

Array = NDArray[np.float64]
NUMBERS, DAYS, CATEGORIES = "numbers", "days", "categories"
_MISSING = ("NoneType", "NAType", "NaTType")
_NAMEABLE = (
    str,
    bytes,
    Number,
    np.generic,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    enum.Enum,
    uuid.UUID,
    tuple,
)
_MAYBE_NAN = (float, Decimal, np.generic)
_DAY = datetime.timedelta(days=1)


def column_names(X: Any) -> list[str]:
    """Names for messages: those of a frame, or positions."""
    return [repr(name) for name in getattr(X, "columns", range(X.shape[1]))]


def kind_of_column(X: Any, position: int, name: str) -> str:
    """Whether a column holds NUMBERS, DAYS or CATEGORIES."""
    values = _column(X, position)
    if values.dtype.kind == "M":
        return DAYS
    kinds = _kinds(values, name)
    if all(issubclass(kind, datetime.date) or kind.__name__ == "Period" for kind in kinds):
        return DAYS if kinds else CATEGORIES
    counted = all(issubclass(kind, Number | datetime.timedelta) for kind in kinds)
    return NUMBERS if counted and not _is_categorical(X, position) else CATEGORIES


def columns_by_kind(kinds: Sequence[str]) -> dict[str, list[int]]:
    """Positions of the columns of each kind that there is: numbers, days, categories."""
    positions = {kind: [at for at, one in enumerate(kinds) if one == kind] for kind in READERS}
    return {kind: chosen for kind, chosen in positions.items() if chosen}


def as_numbers(X: Any, names: Sequence[str]) -> Array:
    """All columns as floats (n_rows, d), NaN where a value is missing."""
    return _as_floats(X, names, _number, "numbers")


def as_days(X: Any, names: Sequence[str]) -> Array:
    """All columns as days since 1970, with their fractions; NaN where a date is missing."""
    return _as_floats(X, names, _days, "dates")


def as_categories(X: Any, names: Sequence[str]) -> NDArray[np.object_]:
    """All columns as texts (n_rows, d), None where a value is missing."""
    columns = np.empty((X.shape[0], len(names)), dtype=object)
    for position, name in enumerate(names):
        values = _column(X, position)
        _kinds(values, name)
        columns[:, position] = [_category(value) for value in values.tolist()]
    return columns


READERS: dict[str, Callable[[Any, Sequence[str]], Any]] = {
    NUMBERS: as_numbers,
    DAYS: as_days,
    CATEGORIES: as_categories,
}


def check_columns(X: Any, kinds: Sequence[str], names: Sequence[str]) -> Any:
    """The table itself, or an error that names a column with values of another kind than in training."""
    for position, (kind, name) in enumerate(zip(kinds, names, strict=True)):
        READERS[kind](safe_indexing(X, [position], axis=1), [name])
    return X


def _kinds(values: NDArray[Any], name: str) -> set[type]:
    """Types of the values that are there, or an error if some cannot be read."""
    if values.dtype.kind in "biufm":
        return {float}
    kinds = {type(value) for value in values.tolist() if not _is_missing(value)}
    for kind in kinds:
        readable = issubclass(kind, _NAMEABLE) or kind.__name__ in ("Interval", "Period")
        if not readable or issubclass(kind, complex | np.complexfloating):
            raise TypeError(
                f"Column {name} of X has values of type {kind.__name__}; the argument must be a table of "
                "strings, dates, booleans or numbers. Leave the column out, or pass an estimator that can read it."
            )
    return kinds


def _as_floats(X: Any, names: Sequence[str], convert: Callable[[Any], float], expected: str) -> Array:
    columns = np.empty((X.shape[0], len(names)))
    for position, name in enumerate(names):
        values = _column(X, position)
        try:
            columns[:, position] = _floats(values, convert)
        except (TypeError, ValueError, AttributeError):
            _kinds(values, name)
            stranger = next(value for value in values if not _converts(value, convert))
            raise ValueError(
                f"Column {name} of X has the value {stranger!r}; expected {expected}, as in the rows that were trained on."
            ) from None
        if np.isinf(columns[:, position]).any():
            raise ValueError(
                f"Column {name} of X contains infinity; expected finite numbers, or NaN for missing ones."
            )
    return columns


def _floats(values: NDArray[Any], convert: Callable[[Any], float]) -> Any:
    if values.dtype.kind in "biuf" and convert is _number:
        return values.astype(np.float64)
    if values.dtype.kind == "m" and convert is _number:
        return values / np.timedelta64(1, "D")
    if values.dtype.kind == "M" and convert is _days:
        return (values - np.datetime64(0, "D")) / np.timedelta64(1, "D")
    return [np.nan if _is_missing(value) else convert(value) for value in values.tolist()]


def _converts(value: Any, convert: Callable[[Any], float]) -> bool:
    try:
        return _is_missing(value) or bool(np.isreal(convert(value)))
    except (TypeError, ValueError, AttributeError):
        return False


def _number(value: Any) -> float:
    if isinstance(value, datetime.timedelta):
        return value / _DAY
    if isinstance(value, str | bytes):
        raise TypeError("text")
    return float(value)


def _days(value: Any) -> float:
    """A date or point in time; where there is a time zone, in that of Greenwich."""
    value = value.to_timestamp() if hasattr(value, "to_timestamp") else value  # a period: its start
    if getattr(value, "tzinfo", None) is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    if not isinstance(value, datetime.datetime):
        return float(value.toordinal() - datetime.date(1970, 1, 1).toordinal())
    return (value - datetime.datetime(1970, 1, 1)) / _DAY


def _category(value: Any) -> str | None:
    """A name that does not depend on whether missing values have made floats of integers."""
    if _is_missing(value):
        return None
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)


def _is_missing(value: Any) -> bool:
    kind = type(value)
    if kind is str:
        return False
    return kind.__name__ in _MISSING or (isinstance(value, _MAYBE_NAN) and bool(value != value))


def _is_categorical(X: Any, position: int) -> bool:
    """Whether numbers are codes: a categorical column of pandas."""
    return hasattr(X, "iloc") and str(X.dtypes.iloc[position]) == "category"


def _column(X: Any, position: int) -> NDArray[Any]:
    """A column of a pandas or polars frame or of an array."""
    if hasattr(X, "iloc"):
        return _pandas_values(X.iloc[:, position])
    if hasattr(X, "columns"):
        return np.asarray(X[X.columns[position]].to_numpy())
    return np.asarray(X[:, position])


def _pandas_values(series: Any) -> NDArray[Any]:
    """In numpy's own types where pandas would make objects of them."""
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return series.to_numpy()
    if str(dtype).startswith("period"):
        return series.dt.to_timestamp().to_numpy()
    if getattr(dtype, "tz", None) is not None:
        return series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    if dtype.kind in "iufb":
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(series)
