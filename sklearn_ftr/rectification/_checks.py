"""The input checks of the functions on arrays: a float array or an error that says what came."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr.rectification._moments import Moments, moments

Array = NDArray[np.float64]
_LARGEST = 1e150


def check_rectification_arrays(
    y: ArrayLike, f: ArrayLike, f_unlabeled: ArrayLike
) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]:
    """Labels, their predictions and the pool's predictions: same columns, y and f same rows."""
    check_same_index(y, f, "y", "f")
    check_column_order(y, f, "y", "f")
    check_column_order(f, f_unlabeled, "f", "f_unlabeled")
    labels = check_finite(as_real_array(y, "y"), "y")
    predictions = check_finite(as_real_array(f, "f"), "f")
    pool = as_real_array(f_unlabeled, "f_unlabeled")
    if labels.shape != predictions.shape:
        raise ValueError(
            f"y has shape {labels.shape} and f has shape {predictions.shape}; expected the same "
            "shape: one prediction for each label."
        )
    if len(pool) and pool.shape[1:] != labels.shape[1:]:
        raise ValueError(
            f"f_unlabeled has shape {pool.shape} and y has shape {labels.shape}; expected the same "
            "number of columns."
        )
    return labels, predictions, pool


def pool_moments(f_unlabeled: NDArray[np.floating], labels: NDArray[np.floating]) -> Moments:
    """Moments of the pool; not finite ones are looked into only when they occur (one pass)."""
    if not len(f_unlabeled):
        return moments(np.empty((0, *labels.shape[1:])))
    with np.errstate(invalid="ignore", over="ignore"):
        pool = moments(f_unlabeled)
    if not np.isfinite(pool.cross_products).all():
        check_finite(f_unlabeled, "f_unlabeled")
        raise ValueError("f_unlabeled has values whose squares overflow; divide by a power of ten.")
    return pool


def as_real_array(values: ArrayLike, name: str) -> NDArray[np.floating]:
    """An array of floats with one or two dimensions; float input is not copied."""
    if np.ma.isMaskedArray(values):
        raise TypeError(
            f"{name} is a masked array, whose mask numpy silently drops; pass the unmasked rows, "
            f"for example {name}.compressed()."
        )
    array = np.asarray(values)
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: {name} has dtype {array.dtype}.")
    if array.dtype.kind not in "fiub":
        array = _objects_as_floats(values, array, name)
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] == 0):
        raise ValueError(f"{name} has shape {array.shape}; expected (n_rows,) or (n_rows, n_outputs).")
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _objects_as_floats(values: Any, array: NDArray[Any], name: str) -> NDArray[np.float64]:
    """Object and nullable columns as floats, missing values as NaN; text, even "1.5", is refused."""
    expected = "expected real numbers. Convert labels such as 'yes' and 'no' to 1 and 0 first"
    if array.dtype.kind != "O" or any(isinstance(value, str) for value in array.flat):
        raise ValueError(f"{name} holds text or dates (dtype {array.dtype}); {expected}.")
    try:
        if hasattr(values, "to_numpy"):
            return values.to_numpy(dtype=float, na_value=np.nan)
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} has dtype {array.dtype}; {expected}.") from error


def check_finite(array: NDArray[np.floating], name: str) -> NDArray[np.floating]:
    """The array itself, or an error that counts NaN, infinite and too large values."""
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has {count_non_finite(array)}; expected finite numbers only.")
    largest = float(np.abs(array).max()) if array.size else 0.0
    if largest > _LARGEST:
        raise ValueError(
            f"{name} has values up to {largest:.3g}, whose squares overflow; divide by a power of ten."
        )
    return array


def count_non_finite(array: NDArray[np.floating]) -> str:
    """For messages: how many values of how many are NaN or infinite."""
    nan, infinite = int(np.isnan(array).sum()), int(np.isinf(array).sum())
    return f"{nan} NaN and {infinite} infinite values among {array.size}"


def check_same_index(left: Any, right: Any, left_name: str, right_name: str) -> None:
    """Refuse two data frame columns whose rows are labeled differently: no silent alignment."""
    left_index, right_index = getattr(left, "index", None), getattr(right, "index", None)
    if left_index is None or not hasattr(left_index, "equals") or not hasattr(right_index, "equals"):
        return  # not from a data frame; a list's `index` is a method
    if len(left) == len(right) and not left_index.equals(right_index):
        raise ValueError(
            f"{left_name} and {right_name} have the same length but different indexes, so it is not "
            f"clear which rows belong together; reindex one of them, or pass {right_name}.to_numpy() if "
            "the order is right."
        )


def check_column_order(left: Any, right: Any, left_name: str, right_name: str) -> None:
    """Refuse two data frames with the same columns in another order."""
    columns = [list(getattr(side, "columns", [])) for side in (left, right)]
    if columns[0] != columns[1] and set(columns[0]) == set(columns[1]):
        raise ValueError(
            f"{left_name} has columns {columns[0]} and {right_name} has {columns[1]}; expected the same order."
        )
