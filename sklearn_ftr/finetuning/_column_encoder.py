"""Columns beside a text as numbers for a linear head: values and their ranks, dates as days, categories one-hot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, StandardScaler

from sklearn_ftr._table_columns import (
    DAYS,
    NUMBERS,
    as_days,
    as_numbers,
    column_names,
    kind_of_column,
)
from sklearn_ftr._table_encoder import PLAIN_OUTPUT, categories_one_hot, gaps_filled, reader
from sklearn_ftr.finetuning._ridge import Array

_QUANTILES = 1000


class ColumnEncoder:
    """What was learned of the columns (n, c) of training rows.

    A number counts by its rank as much as by itself, so that a linear head can follow prices that differ a
    hundredfold; beyond those of training it counts as the nearest of them. Missing numbers are the mean, and noted.

    Attributes
    ----------
    blocks : list of slice
        Columns that come of categories, of 0 and 1, of dates and of numbers, with mean zero and variance one in
        training: of those that there are.
    width : int
        All of them.
    """

    def __init__(self, X: Any) -> None:
        names, quantiles = column_names(X), min(X.shape[0], _QUANTILES)
        kinds = [kind_of_column(X, position, name) for position, name in enumerate(names)]
        encoders = []
        for kind in sorted(set(kinds)):
            chosen = [position for position, found in enumerate(kinds) if found == kind]
            named = [names[position] for position in chosen]
            numbers = kind in _READERS
            encoder = _numbers(kind, named, quantiles) if numbers else categories_one_hot(named)
            encoders.append((kind, encoder, chosen))
        self._encoder = ColumnTransformer(encoders, sparse_threshold=0)
        with PLAIN_OUTPUT():
            self.width = self._encoder.fit_transform(X).shape[1]
        self.blocks = [self._encoder.output_indices_[kind] for kind, *_ in encoders]

    def __call__(self, X: Any) -> Array:
        """Numbers (n, width)."""
        with PLAIN_OUTPUT():
            return np.asarray(self._encoder.transform(X), dtype=np.float64)


_READERS: dict[str, Callable[..., Any]] = {NUMBERS: as_numbers, DAYS: as_days}


def _numbers(kind: str, names: list[str], quantiles: int) -> Pipeline:
    ranks = QuantileTransformer(n_quantiles=quantiles, random_state=0)
    filled = SimpleImputer(strategy="median", keep_empty_features=True)
    values = make_pipeline(gaps_filled(), MinMaxScaler(clip=True))
    both = make_union(values, make_pipeline(filled, ranks))
    return make_pipeline(reader(_READERS[kind], names), both, StandardScaler())
