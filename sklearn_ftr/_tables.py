"""Columns and tables of numbers as users have them: lists, numpy, pandas, polars, pyarrow.

None of those libraries is imported before a user has done so; numpy only, so that every folder may use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from hashlib import blake2b
from numbers import Real
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._arguments import ArgumentTypeError, is_truth_value, shown

_NUMBERS = "expected real numbers. Convert labels such as 'yes' and 'no' to 1 and 0 first"

_DATES = ("Timestamp", "Timedelta", "date", "datetime", "timedelta", "Period")


def import_pandas(what: str) -> ModuleType:
    """Pandas, for `what` needs it; or an error that says which extra brings it."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            f"{what} needs pandas, which is not installed; pip install 'sklearn-ftr[frames]' brings it."
        ) from error
    return pandas


def column_names(table: Any) -> list[Any] | None:
    """Names of the columns of a data frame (pandas, polars) or a table (pyarrow); None for what has none."""
    names = getattr(
        table, "column_names", None
    )  # of pyarrow, whose `columns` are the columns themselves
    names = getattr(table, "columns", None) if names is None else names
    return None if names is None or callable(names) else list(names)


def column_at(table: Any, position: int) -> Any:
    """One column of a data frame or table, in its library's own type."""
    if hasattr(table, "iloc"):
        return table.iloc[:, position]
    return table.column(position) if hasattr(table, "column_names") else table[:, position]


def as_floats(values: Any, name: str, truth_values: bool = True) -> NDArray[np.floating[Any]]:
    """An array of floats of any shape, missing values as NaN; float32 and float64 are not copied.

    Masked and sparse arrays, complex numbers, text (even "1.5"), dates and other objects are errors; with
    `truth_values=False` so are True and False.
    """
    refuse_masked(values, name)
    if hasattr(values, "toarray") and hasattr(values, "nnz"):
        raise ArgumentTypeError(f"{name} is a sparse matrix; expected numbers. Pass {name}.toarray().")
    array = np.asarray(values)
    if array.dtype.kind == "b" and not truth_values:
        raise ArgumentTypeError(f"{name} is {shown(values)}; expected numbers, not True or False.")
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: {name} has dtype {array.dtype}.")
    if array.dtype.kind not in "fiub":
        array = _table_as_floats(values, array, name, truth_values)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def refuse_masked(values: Any, name: str) -> None:
    """An error for masked arrays, whose mask numpy silently drops."""
    if np.ma.isMaskedArray(values):
        instead = f"the unmasked rows, for example {name}.compressed()"
        if values.ndim > 1:
            instead = f"the unmasked rows, or {name}.filled(numpy.nan)"
        raise TypeError(f"{name} is a masked array, whose mask numpy silently drops; pass {instead}.")


def _table_as_floats(
    values: Any, array: NDArray[Any], name: str, truth_values: bool
) -> NDArray[np.float64]:
    """Of a table column by column, so that an error names the column and only columns of objects are slow."""
    names = column_names(values)
    if names is None or array.ndim != 2:
        return _objects_as_floats(array, name, truth_values)
    floats = np.empty(array.shape)
    for j, column in enumerate(names):
        of_column = np.asarray(column_at(values, j))
        numbers = of_column.dtype.kind in "fiub"
        where = f" in column {shown(column)}"
        floats[:, j] = (
            of_column if numbers else _objects_as_floats(of_column, name, truth_values, where)
        )
    return floats


def _objects_as_floats(
    array: NDArray[Any], name: str, truth_values: bool, where: str = ""
) -> NDArray[np.float64]:
    """Python's numbers, Decimals and Fractions as floats, missing values as NaN."""
    if array.dtype.kind != "O":
        raise ValueError(f"{name} holds text or dates{where} (dtype {array.dtype}); {_NUMBERS}.")
    known = _without_missing(array)
    if not all(_is_of_numbers(kind, truth_values) for kind in set(map(type, known.flat))):
        known = _told_by_objects(known, name, truth_values, where)
    try:
        return known.astype(np.float64)
    except OverflowError as error:
        raise ValueError(
            f"{name} has values beyond all floats, whose squares overflow; divide by a power of ten."
        ) from error


def _without_missing(array: NDArray[Any]) -> NDArray[Any]:
    """Objects with NaN where there is no value. Types are looked at, since there are few of them."""
    nothing = {kind for kind in set(map(type, array.flat)) if _is_of_missing(kind)}
    if not nothing:
        return array
    missing = np.fromiter((type(value) in nothing for value in array.flat), bool, array.size)
    return np.where(missing.reshape(array.shape), np.nan, array)


def _is_of_missing(kind: type) -> bool:
    """Whether values of this type are no values: None, and what pandas has for it."""
    return kind is type(None) or kind.__name__ in ("NAType", "NaTType")


def _is_of_numbers(kind: type, truth_values: bool) -> bool:
    """Whether values of this type are real numbers, as `is_number` has it, or truth values where they may be."""
    if issubclass(kind, bool | np.bool_):
        return truth_values
    return issubclass(kind, Real | Decimal) and not issubclass(kind, np.timedelta64)


def _told_by_objects(array: NDArray[Any], name: str, truth_values: bool, where: str) -> NDArray[Any]:
    """Values one by one, some of which are not of a type of numbers."""
    floats = [
        value if _is_of_numbers(type(value), truth_values) else _object_as_float(value, name, where)
        for value in array.flat
    ]
    told = np.empty(array.size, dtype=object)
    told[:] = floats
    return told.reshape(array.shape)


def _object_as_float(value: Any, name: str, where: str) -> float:
    """What an object says that it is as a number, such as a tensor of one; text and dates are none, whatever they say."""
    such = f"{where} (dtype object), such as {shown(value)}; {_NUMBERS}."
    if (
        isinstance(value, str | bytes | np.datetime64 | np.timedelta64)
        or type(value).__name__ in _DATES
    ):
        raise ValueError(f"{name} holds text or dates{such}")
    if isinstance(value, complex):
        raise ValueError(f"{name} holds complex numbers{such}")
    kind = f"{name} holds objects of type {type(value).__name__}"
    if is_truth_value(value) or getattr(value, "ndim", 0) != 0:
        raise ArgumentTypeError(f"{kind}{such}")
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"{kind} ({error}){such}") from error


def shape_of(values: Any) -> tuple[int, ...]:
    """As numpy's, which converts whole tables to find out."""
    shape = getattr(values, "shape", None)
    return tuple(shape) if isinstance(shape, tuple) else np.asarray(values).shape


def check_same_index(left: Any, right: Any, left_name: str, right_name: str) -> None:
    """Refuse two data frame columns whose rows are labeled differently: no silent alignment."""
    left_index, right_index = row_index(left), row_index(right)
    if left_index is None or right_index is None:
        return
    if len(left_index) == len(right_index) and not left_index.equals(right_index):
        raise ValueError(
            f"{left_name} and {right_name} have the same length but different indexes, so it is not "
            f"clear which rows belong together; reindex one of them, or pass {right_name}.to_numpy() if "
            "the order is right."
        )


def check_same_rows(**vectors: Any) -> None:
    """Refuse data frame columns, of which some have rows that are labeled differently."""
    indexed = [name for name, values in vectors.items() if row_index(values) is not None]
    for name in indexed[1:]:
        check_same_index(vectors[indexed[0]], vectors[name], indexed[0], name)


def row_index(values: Any) -> Any:
    """The labels of the rows of a pandas object; None for all else (a list's `index` is a method)."""
    index = getattr(values, "index", None)
    return index if hasattr(index, "equals") else None


def index_digest(tables: Mapping[str, Any]) -> str:
    """What the labels of rows, up to a thousand of them, are told by; empty where no table has any."""
    for table in tables.values():
        index = row_index(table)
        if index is not None:
            some = list(index[:: -(-len(index) // 1_000) or 1])
            return blake2b(repr((len(index), some)).encode(), digest_size=16).hexdigest()
    return ""


def check_column_order(left: Any, right: Any, left_name: str, right_name: str) -> None:
    """Refuse two data frames with the same columns in another order."""
    columns = [column_names(side) or [] for side in (left, right)]
    if columns[0] != columns[1] and set(columns[0]) == set(columns[1]):
        raise ValueError(
            f"{left_name} has columns {columns[0]} and {right_name} has {columns[1]}; expected the same order."
        )


def order_of_categories(column: Any) -> list[Any] | None:
    """The categories of an ordered column, lowest first: pandas' ordered category, polars' Enum, pyarrow's ordered dictionary."""
    kind: Any = getattr(column, "dtype", None)
    if getattr(kind, "ordered", False):
        return list(np.asarray(kind.categories))
    if type(kind).__name__ == "Enum" and hasattr(kind, "categories"):
        return list(kind.categories)
    if getattr(getattr(column, "type", None), "ordered", False):
        chunks = column.unify_dictionaries().chunks if hasattr(column, "chunks") else [column]
        return chunks[0].dictionary.to_pylist() if chunks else None
    return None
