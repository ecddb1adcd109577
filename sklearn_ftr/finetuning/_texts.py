"""What counts as a sequence of texts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Texts = NDArray[np.object_]


def as_texts(X: Any) -> Texts:
    """A one-dimensional object array of str from a list, array, Series or one-column frame of texts."""
    if isinstance(X, str | bytes):
        raise ValueError(
            f"X is one {type(X).__name__}; expected a sequence of texts, such as a list or a column of a frame."
        )
    if hasattr(X, "toarray"):
        raise TypeError("X is a sparse matrix; expected a sequence of texts.")
    values = np.asarray(X, dtype=object)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(
            f"X has shape {values.shape}; expected one column of texts, (n,) or (n, 1). Select the text column, "
            "with a ColumnTransformer for example."
        )
    if not len(values):
        raise ValueError("X has no rows (0 texts); expected at least one text.")
    _check_str(values)
    return values


def _check_str(values: Texts) -> None:
    wrong = [row for row, value in enumerate(values) if not isinstance(value, str)]
    if wrong:
        value = values[wrong[0]]
        raise ValueError(
            f"X has {len(wrong)} of {len(values)} values that are not text, the first in row {wrong[0]} "
            f"({type(value).__name__}: {value!r}); expected str. Fill missing texts with '' or leave their rows out."
        )
