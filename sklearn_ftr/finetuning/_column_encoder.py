"""Columns beside a text as numbers for a linear head: values and their ranks, dates as days, categories one-hot."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, StandardScaler

from sklearn_ftr._table_columns import CATEGORIES, column_names, columns_by_kind, kind_of_column
from sklearn_ftr._table_encoder import PLAIN_OUTPUT, one_hot, reader
from sklearn_ftr.finetuning._ridge import Array

_QUANTILES = 1000


class ColumnEncoder:
    """What was learned of the columns (n, c) of training rows.

    A number counts by its rank as much as by itself, so that a linear head can follow prices that differ a
    hundredfold; beyond those of training it counts as the nearest of them. Missing numbers are the mean, and noted.

    Attributes
    ----------
    blocks : list of slice
        Columns that come of categories, of gaps, both of 0 and 1, of dates and of numbers, with mean zero and variance one
        in training: of those that there are.
    width : int
        All of them.
    """

    def __init__(self, X: Any) -> None:
        names, n_rows = column_names(X), X.shape[0]
        kinds = [kind_of_column(X, position, name) for position, name in enumerate(names)]
        encoders: list[tuple[str, Any, list[int]]] = []
        for kind, chosen in sorted(columns_by_kind(kinds).items()):
            read = reader(kind, [names[position] for position in chosen])
            encoder = one_hot() if kind == CATEGORIES else _numbers(n_rows)
            encoders.append((kind, make_pipeline(read, encoder), chosen))
            if kind != CATEGORIES:
                encoders.append((f"gaps in {kind}", make_pipeline(read, _Gaps()), chosen))
        self._encoder = ColumnTransformer(encoders, sparse_threshold=0)
        with PLAIN_OUTPUT():
            self.width = self._encoder.fit_transform(X).shape[1]
        slices = (self._encoder.output_indices_[kind] for kind, *_ in encoders)
        self.blocks = [block for block in slices if block.stop > block.start]

    def __call__(self, X: Any) -> Array:
        """Numbers (n, width)."""
        with PLAIN_OUTPUT():
            return np.asarray(self._encoder.transform(X), dtype=np.float64)


def _numbers(n_rows: int) -> Pipeline:
    """Values within those of training, and their ranks."""
    ranks = QuantileTransformer(n_quantiles=min(n_rows, _QUANTILES), random_state=0)
    values = make_pipeline(_filled("mean"), MinMaxScaler(clip=True))
    return make_pipeline(make_union(values, make_pipeline(_filled("median"), ranks)), StandardScaler())


def _filled(strategy: str) -> SimpleImputer:
    return SimpleImputer(strategy=strategy, keep_empty_features=True)


class _Gaps(TransformerMixin, BaseEstimator):
    """Where numbers are missing, in columns in which they are, and are not, in more than one row of training."""

    def fit(self, X: Array, y: Any = None) -> Any:
        n_missing = np.isnan(X).sum(axis=0)
        self.columns_ = np.flatnonzero((n_missing > 1) & (len(X) - n_missing > 1))
        return self

    def transform(self, X: Array) -> Array:
        return np.isnan(X[:, self.columns_]).astype(np.float64)
