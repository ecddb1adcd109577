"""Features from texts or from columns of a table; they look at X only, so the whole pool may be used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

_N_COMPONENTS = 100
_MAX_CATEGORIES = 50


def text_features(texts: ArrayLike) -> NDArray[np.float64]:
    """Latent semantic analysis of character n-grams: (n_rows, at most 100)."""
    n_grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True)
    weights = n_grams.fit_transform(texts)
    n_components = max(1, min(_N_COMPONENTS, *(size - 1 for size in weights.shape)))
    return TruncatedSVD(n_components, random_state=0).fit_transform(weights)


def table_features(columns: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """Columns of numbers as they are (with an indicator of missing ones), others one-hot."""
    return np.hstack([_encode(column) for column in columns])


def _encode(column: Sequence[str]) -> NDArray[np.float64]:
    try:
        numbers = np.array([[float(cell or "nan")] for cell in column])
    except ValueError:
        categories = np.array(column, dtype=object)[:, None]
        encoder = OneHotEncoder(sparse_output=False, max_categories=_MAX_CATEGORIES)
        return encoder.fit_transform(categories)
    numbers[~np.isfinite(numbers)] = np.nan
    return SimpleImputer(add_indicator=True, keep_empty_features=True).fit_transform(numbers)
