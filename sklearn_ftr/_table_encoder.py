"""Any table as numbers, for predictors that want numbers: gaps filled, dates as days, categories one-hot."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.utils import check_array
from sklearn.utils.validation import FLOAT_DTYPES, validate_data

from sklearn_ftr._table_columns import (
    CATEGORIES,
    READERS,
    as_numbers,
    check_columns,
    column_names,
    columns_by_kind,
    kind_of_column,
)

# Whatever the user has set for transformers in general: between the parts of an encoder there are arrays, maybe sparse.
PLAIN_OUTPUT = partial(config_context, transform_output="default")
# Of a column: others are one category together, so that a column of names or texts does not become a thousand.
_LARGEST_NUMBER_OF_CATEGORIES = 30
# A category in one training row alone says nothing that the other rows could confirm.
_LEAST_ROWS_OF_CATEGORY = 2


class TableEncoder(TransformerMixin, BaseEstimator):
    """Any table as numbers: those without gaps unchanged, else imputed, dates as days, categories one-hot.

    Attributes
    ----------
    encoder_ : transformer
        What encodes; an imputer where all columns are numbers.
    """

    def fit(self, X: Any, y: Any = None) -> Any:
        """Look at the columns."""
        X = as_table(X)
        validate_data(self, X, skip_check_array=True)
        names = column_names(X)
        self._is_numeric = _is_numeric(X)
        with PLAIN_OUTPUT():
            if self._is_numeric:
                self.encoder_ = _imputer().fit(_numbers(X, names))
            else:
                self.encoder_ = _encoder(X, names).fit(X, y)
        return self

    def transform(self, X: Any) -> Any:
        """The columns as numbers without gaps."""
        X = as_table(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        numbers = _numbers(X, column_names(X)) if self._is_numeric else X
        if self._is_numeric and not self.encoder_.indicator_.features_.size and not _has_gaps(numbers):
            # Without its names: the next steps must not miss them where gaps have been filled.
            return (
                check_array(X, dtype=FLOAT_DTYPES, ensure_all_finite=False)
                if hasattr(X, "columns")
                else X
            )
        with PLAIN_OUTPUT():
            return self.encoder_.transform(numbers)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags


def _imputer() -> SimpleImputer:
    return SimpleImputer(add_indicator=True, keep_empty_features=True)


def _encoder(X: Any, names: list[str]) -> BaseEstimator:
    """For a table with other columns than numbers; skrub's, for frames, where it is installed."""
    kinds = [kind_of_column(X, position, name) for position, name in enumerate(names)]
    if hasattr(X, "columns") and importlib.util.find_spec("skrub") is not None:
        # skrub takes what is not of a column's kind for missing.
        check = FunctionTransformer(check_columns, kw_args={"kinds": kinds, "names": names})
        return make_pipeline(check, _encoder_of_skrub())
    encoders = []
    for kind, chosen in columns_by_kind(kinds).items():
        encoder = one_hot() if kind == CATEGORIES else _imputer()
        read = reader(kind, [names[position] for position in chosen])
        encoders.append((kind, make_pipeline(read, encoder), chosen))
    return ColumnTransformer(encoders)


def reader(kind: str, names: Sequence[str]) -> FunctionTransformer:
    """Columns of a kind, with errors that name them."""
    return FunctionTransformer(READERS[kind], kw_args={"names": names})


def one_hot() -> OneHotEncoder:
    """Categories as 0 and 1; rare ones are one category together, which is what unknown ones are, too."""
    return OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        max_categories=_LARGEST_NUMBER_OF_CATEGORIES,
        min_frequency=_LEAST_ROWS_OF_CATEGORY,
    )


def _encoder_of_skrub() -> Pipeline:
    """What skrub puts before a linear model, with its random numbers fixed."""
    encoder = importlib.import_module("skrub").tabular_pipeline(RidgeCV())[:-1]
    # Its own one-hot encoder drops a category of two, and warns of each that training has not seen.
    low = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    encoder[0].set_params(low_cardinality=low)
    seeds = {name: 0 for name in encoder.get_params() if name.split("__")[-1] == "random_state"}
    return encoder.set_params(**seeds)


def as_table(X: Any) -> Any:
    """X with columns: a frame of pandas or polars, a sparse matrix, or an array of numbers or objects."""
    if hasattr(X, "column_names") and hasattr(X, "to_pandas"):  # pyarrow
        return X.to_pandas()
    if hasattr(X, "columns") or hasattr(X, "tocsr"):
        return X
    if np.ma.is_masked(X):
        return X.astype(np.float64).filled(np.nan)
    array = np.asarray(X)
    if array.ndim != 2:
        _refuse_texts(array)
        return check_array(array)  # says what it expects of the shape
    if array.dtype.kind not in "US":
        return array
    return _unquoted(array if isinstance(X, np.ndarray) else np.asarray(X, dtype=object))


def _refuse_texts(array: Any) -> None:
    if array.ndim == 1 and len(array) and isinstance(array[0], str):
        raise ValueError(
            f"X is a sequence of {len(array)} texts; the default estimator expected a table with columns. Use "
            "estimator=TextVarianceRegressor() or a pipeline that begins with a vectorizer; a table of one column is X[:, None]."
        )


def _unquoted(array: Any) -> Any:
    """Objects, where numpy has made texts of numbers because there were texts beside them."""
    objects = array.astype(object)
    if array.dtype != object:
        objects.ravel()[:] = [_unquoted_value(value) for value in array.ravel().tolist()]
    return objects


def _unquoted_value(text: Any) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _is_numeric(X: Any) -> bool:
    """Whether all columns are numbers, missing or not."""
    if hasattr(X, "iloc"):
        return all(dtype.kind in "biufc" for dtype in X.dtypes)
    if hasattr(X, "columns"):
        return all(X[name].to_numpy().dtype.kind in "biuf" for name in X.columns)
    if X.dtype != object:
        return X.dtype.kind in "biufc"
    try:
        X.astype(np.float64)
    except (TypeError, ValueError):
        return False
    return True


def _numbers(X: Any, names: list[str]) -> Any:
    """Columns that are numbers, as a matrix of them."""
    return as_numbers(X, names) if hasattr(X, "columns") or X.dtype == object else X


def _has_gaps(numbers: Any) -> bool:
    values = numbers.data if hasattr(numbers, "tocsr") else numbers
    if values.dtype.kind != "f":
        return False
    with np.errstate(all="ignore"):  # an overflow only means a closer look
        total = values.sum()
    return not np.isfinite(total) and bool(np.isnan(values).any())
