"""What counts as a sequence of texts, and as columns of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._tables import column_at, column_names

Texts = NDArray[np.object_]


class TextColumns(NamedTuple):
    """Columns of texts (n, c), and their names where all have one."""

    texts: Texts
    names: list[str] | None


def as_texts(X: Any, name: str = "X") -> Texts:
    """A one-dimensional object array of str from a list, array, Series or one-column frame of texts."""
    texts = _as_objects(X)
    if texts.ndim == 2 and texts.shape[1] == 1:
        texts = texts[:, 0]
    if texts.ndim != 1:
        raise ValueError(
            f"X has shape {texts.shape}; expected one column of texts, (n,) or (n, 1). Say by text_columns which columns hold "
            "texts: the others then count beside them; or pass the one."
        )
    return _checked(texts, name)


def text_columns(X: Any) -> TextColumns:
    """One or several columns of texts, from what `as_texts` reads or a table of them."""
    texts = _as_objects(X)
    if texts.ndim not in (1, 2) or (texts.ndim == 2 and not texts.shape[1]):
        raise ValueError(
            f"X has shape {texts.shape}; expected a sequence of texts, or a table with columns of texts."
        )
    names = column_names(X) or [getattr(X, "name", None)]
    named = all(isinstance(name, str) for name in names)
    checked = _checked(texts)
    return TextColumns(checked.reshape(len(checked), -1), names if named else None)


def _as_objects(X: Any) -> Texts:
    """Values of any shape; those of a table by column, which is how all libraries hand them over."""
    if isinstance(X, str | bytes):
        raise ValueError(
            f"X is one {type(X).__name__}; expected a sequence of texts, such as a list or a column of a frame."
        )
    if hasattr(X, "toarray"):
        raise TypeError("X is a sparse matrix; expected a sequence of texts.")
    names = column_names(X)
    if not names:
        return np.asarray(X, dtype=object)
    columns = [np.asarray(column_at(X, position), dtype=object) for position in range(len(names))]
    return np.column_stack(columns)


def _checked(texts: Texts, name: str = "X") -> Texts:
    if not len(texts):
        raise ValueError(f"{name} has no rows (0 texts); expected at least one text.")
    wrong = np.array([not isinstance(value, str) for value in texts.flat]).reshape(texts.shape)
    if wrong.any():
        first = tuple(np.argwhere(wrong)[0])
        value, n_wrong = texts[first], int(wrong.sum())
        column = "" if texts.ndim == 1 or texts.shape[1] == 1 else f" of column {first[1]}"
        raise ValueError(
            f"{name} has {n_wrong} of {texts.size} values that are not text, the first in row {first[0]}{column} "
            f"({type(value).__name__}: {value!r}); expected str. Fill missing texts with '' or leave their rows out."
        )
    return texts
