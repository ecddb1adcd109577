"""What a model returns passes the same gate as what a user hands in: counted, finite, real numbers."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_classifier

from sklearn_ftr.rectification._checks import Array, as_real_array, check_finite
from sklearn_ftr.rectification._pool import Values

# Probabilities in half precision miss a sum of 1 by up to a few thousandths; scores and percentages by far more.
_ROUNDING_OF_PROBABILITIES = 1e-2


def predicted_means(model: BaseEstimator, X: Any, n_rows: int, n_outputs: int) -> Values:
    """Predicted means (n_rows, n_outputs) of all of X, in float32 if the model has computed in it, or an error that says what the model returned."""
    if is_classifier(model) and hasattr(model, "predict_proba"):
        means = _expected_classes(model, X, n_rows)
    elif hasattr(model, "predict"):
        means = _returned(model, "predict", X, n_rows, n_outputs)
    else:
        raise TypeError(
            f"{type(model).__name__} has no predict, not even now that it is fitted; expected a regressor or a classifier."
        )
    if means.shape[1] != n_outputs:
        raise ValueError(
            f"{type(model).__name__} predicted {means.shape[1]} outputs for labels with {n_outputs}; expected the same number."
        )
    return means


def _expected_classes(model: BaseEstimator, X: Any, n_rows: int) -> Values:
    """The mean of y is the sum of the classes times their probabilities."""
    classes = _numeric_classes(model)
    probabilities = _returned(model, "predict_proba", X, n_rows, len(classes))
    if probabilities.shape[1] != len(classes):
        raise ValueError(
            f"{type(model).__name__}.predict_proba returned {probabilities.shape[1]} columns for the {len(classes)} classes "
            f"{reprlib.repr(classes.tolist())}; expected one column of probabilities for each class in classes_."
        )
    _check_distributions(probabilities, f"{type(model).__name__}.predict_proba")
    return (probabilities @ classes)[:, None]


def _check_distributions(probabilities: Values, name: str) -> None:
    """Refuse decision values, percentages and whatever else is no probability."""
    sums = probabilities @ np.ones(probabilities.shape[1])  # several times as fast as their sum
    low, high = probabilities.min(), probabilities.max()
    if max(-low, high - 1, np.abs(sums - 1).max()) > _ROUNDING_OF_PROBABILITIES:
        raise ValueError(
            f"{name} returned values from {low:.3g} to {high:.3g} for {len(sums)} rows, with sums of a row from {sums.min():.3g} "
            f"to {sums.max():.3g}; expected probabilities from 0 to 1 with the sum 1."
        )


def _numeric_classes(model: BaseEstimator) -> Array:
    """The classes (k,) as numbers."""
    name = type(model).__name__
    classes: Any = getattr(model, "classes_", None)
    if isinstance(classes, list) and np.ndim(classes[0]):
        raise ValueError(
            f"{name} was trained on several outputs; expected one column of classes. Fit one estimator for each output."
        )
    try:
        numbers = check_finite(as_real_array(classes, "classes_"), "classes_").astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} has the classes {reprlib.repr(classes)}; expected numbers in classes_, such as 0 and 1, whose mean is a share."
        ) from error
    return numbers.reshape(-1)


def _returned(model: BaseEstimator, method: str, X: Any, n_rows: int, n_columns: int) -> Values:
    """What a method of the model returns for X, as finite numbers (n_rows, some columns)."""
    name = f"What {type(model).__name__}.{method} returned for {n_rows} row{'s' * (n_rows != 1)}"
    # How pandas names the rows of X, before a model renames them.
    index = getattr(X, "index", None) if hasattr(X, "iloc") else None
    returned = _unmasked(getattr(model, method)(X), name)
    array = _array(returned, name)
    if n_rows == 1 and array.shape in ((), (n_columns,)):
        # Squeezed, as some models do; the last block of a pool may have a single row.
        returned = array = array.reshape(1, n_columns)
    numbers = as_real_array(returned if hasattr(returned, "to_numpy") else array, name)
    if len(numbers) != n_rows:
        raise ValueError(f"{name} has shape {numbers.shape}; expected one prediction for each row.")
    _check_order(getattr(returned, "index", None), index, n_rows, name)
    check_finite(numbers, f"The prediction of {type(model).__name__}")
    return numbers.reshape(n_rows, -1)


def _unmasked(returned: Any, name: str) -> Any:
    """Dense and without a mask."""
    if not np.ma.isMaskedArray(returned):
        return returned.toarray() if hasattr(returned, "toarray") else returned
    if np.ma.is_masked(returned):
        raise TypeError(
            f"{name} is a masked array with {np.ma.count_masked(returned)} masked values; expected a prediction for every row."
        )
    return np.ma.getdata(returned)


def _array(returned: Any, name: str) -> NDArray[Any]:
    try:
        return np.asarray(returned)
    except (TypeError, ValueError, RuntimeError) as error:  # a ragged list, a tensor with a gradient
        raise ValueError(
            f"{name} is of type {type(returned).__name__} and makes no array ({error}); expected an array of numbers."
        ) from error


def _check_order(returned: Any, index: Any, n_rows: int, name: str) -> None:
    """Refuse a pandas object whose rows are named as those of X are, but come in another order."""
    if not hasattr(returned, "equals"):
        return
    index = np.arange(n_rows) if index is None else np.array(index)
    if np.array_equal(returned, index):
        return
    if not np.array_equal(returned, np.arange(len(index))) or set(returned) == set(index):
        raise ValueError(
            f"{name} has the index {reprlib.repr(list(returned))}; expected that of X, {reprlib.repr(list(index))}, in the same order. "
            "Return an array, or reindex it."
        )
