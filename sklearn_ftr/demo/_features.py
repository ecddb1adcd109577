"""Features from texts or from columns of a table; they look at X only, so the whole pool may be used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from sklearn_ftr.demo._columns import (
    MAX_CATEGORIES,
    Categories,
    Column,
    LeftOut,
    Numbers,
    read_feature,
)

_N_COMPONENTS = 100


def text_features(texts: ArrayLike) -> NDArray[np.float64]:
    """Latent semantic analysis of character n-grams: (n_rows, at most 100)."""
    n_grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True)
    weights = n_grams.fit_transform(texts)
    n_components = max(1, min(_N_COMPONENTS, *(size - 1 for size in weights.shape)))
    return TruncatedSVD(n_components, random_state=0).fit_transform(weights)


def table_features(columns: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """Columns of numbers as they are (with an indicator of missing ones), others one-hot.

    Columns from which nothing can be learned, such as one without a value, have no feature.
    """
    read = [read_feature(Column(str(i), cells), ".", lambda _: ".") for i, cells in enumerate(columns)]
    blocks = [encode(feature) for feature in read if not isinstance(feature, LeftOut)]
    return np.hstack([np.empty((len(columns[0]), 0)), *blocks])


def encode(feature: Numbers | Categories) -> NDArray[np.float64]:
    """Features (n_rows, d) of a column."""
    if isinstance(feature, Categories):
        encoder = OneHotEncoder(sparse_output=False, max_categories=MAX_CATEGORIES)
        return encoder.fit_transform(np.array(feature.values, dtype=object)[:, None])
    imputer = SimpleImputer(add_indicator=True, keep_empty_features=True)
    return imputer.fit_transform(feature.values[:, None])
