"""The input checks of the functions on arrays: a float array or an error that says what came."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._arguments import ArgumentTypeError, shown
from sklearn_ftr._tables import as_floats, check_column_order, check_same_index

Array = NDArray[np.float64]
_LARGEST = 1e150
# Rows of which squares are summed at once.
_PIECE_ROWS = 16_384


def check_labels(y: ArrayLike, f: ArrayLike, f_unlabeled: ArrayLike) -> NDArray[np.floating]:
    """Labels (r,) or (r, k), of the same rows and outputs as their predictions."""
    check_same_index(y, f, "y", "f")
    check_column_order(y, f, "y", "f")
    check_column_order(y, f_unlabeled, "y", "f_unlabeled")
    return check_finite(as_real_array(y, "y"), "y")


def as_real_array(values: ArrayLike, name: str, most_dimensions: int = 2) -> NDArray[np.floating]:
    """An array of floats with one or two dimensions, or three where judges are the third; float input is not copied."""
    array = as_floats(values, name)
    if not _has_dimensions(array, most_dimensions):
        value = f" ({shown(values)})" if array.ndim == 0 else ""
        of_judges = " or (n_rows, n_outputs, n_judges)" * (most_dimensions == 3)
        raise ValueError(
            f"{name} has shape {array.shape}{value}; expected (n_rows,) or (n_rows, n_outputs){of_judges}."
        )
    return array


def as_pool_array(values: ArrayLike, name: str, most_dimensions: int = 2) -> NDArray[Any]:
    """As `as_real_array`, but numbers and truth values that take less room than float64 are left as they are."""
    array = np.asarray(values)
    narrow = array.dtype.kind in "iub" or array.dtype == np.float16
    if narrow and not np.ma.isMaskedArray(values) and _has_dimensions(array, most_dimensions):
        return array
    return as_real_array(values, name, most_dimensions)


def _has_dimensions(array: NDArray[Any], most: int) -> bool:
    return 1 <= array.ndim <= most and 0 not in array.shape[1:]


def check_lambda(
    lambda_: ArrayLike | str | None, k: int, numbers: str = "outputs", overall: bool = False
) -> Array | str | None:
    """Weights (k,) of predictions; None to tune them, and "overall", where it is allowed, to tune one."""
    if lambda_ is None or (overall and isinstance(lambda_, str) and lambda_ == "overall"):
        return lambda_
    of_each = f", or one for each of the {k} {numbers}" if k > 1 else ""
    word = '"overall", ' if overall else ""
    expected = f"expected None, {word}a finite number{of_each}"
    weights = as_settings(lambda_, "lambda_", expected)
    if weights.shape not in ((), (1,), (k,)) or not np.isfinite(weights).all():
        raise ValueError(f"lambda_ is {shown(lambda_)}; {expected}.")
    return np.broadcast_to(weights, (k,)).copy()


def as_settings(values: ArrayLike, name: str, expected: str) -> Array:
    """Numbers that say how to estimate, not what from: no truth values, and an error that tells what was expected."""
    try:
        return as_floats(values, name, truth_values=False).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"{name} is {shown(values)}; {expected}.") from error


def _are_moderate(array: NDArray[Any]) -> bool:
    """Whether all values are finite and have squares."""
    return not array.size or (float(array.min()) >= -_LARGEST and float(array.max()) <= _LARGEST)


def have_small_squares(array: NDArray[Any]) -> bool:
    """Whether the sum of all squares is finite, and far from overflowing: one pass, without an array of truth values.

    Squares do not cancel, as 1e200 and -1e200 would; what is not finite makes their sum so.
    """
    total = 0.0
    with np.errstate(all="ignore"):
        for start in range(0, len(array), _PIECE_ROWS):
            piece = np.ravel(array[start : start + _PIECE_ROWS], order="K")
            flat = piece.astype(np.float64, copy=False)
            total += float(flat @ flat)
    return total < _LARGEST**2


def check_finite(array: NDArray[Any], name: str) -> NDArray[Any]:
    """The array itself, or an error that counts NaN, infinite and too large values."""
    if _are_moderate(array):
        return array
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has {count_non_finite(array)}; expected finite numbers only.")
    largest = float(np.abs(array).max()) if array.size else 0.0
    if largest > _LARGEST:
        raise ValueError(
            f"{name} has values up to {largest:.3g}, whose squares overflow; divide by a power of ten."
        )
    return array


def check_judgements(array: NDArray[Any], name: str) -> NDArray[Any]:
    """As `check_finite`, with advice for judges who have not answered every row."""
    if _are_moderate(array):
        return array
    if np.isnan(array).any():
        raise ValueError(
            f"{name} has {count_non_finite(array)}; expected finite numbers only. For a judge who has not answered every row, pass "
            'missing_judgements="indicator".'
        )
    return check_finite(array, name)


def count_non_finite(array: NDArray[Any]) -> str:
    """For messages: how many values of how many are NaN or infinite."""
    nan, infinite = int(np.isnan(array).sum()), int(np.isinf(array).sum())
    return f"{nan} NaN and {infinite} infinite values among {array.size}"
