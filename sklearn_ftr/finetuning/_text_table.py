"""Tables in which some columns are texts: the text of each row, and what stands beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_ftr._sklearn_private import safe_indexing
from sklearn_ftr._table_encoder import as_table
from sklearn_ftr._tables import column_at, column_names
from sklearn_ftr.finetuning._texts import Texts, as_texts

# Between the texts of a row, as between a headline and what stands below it.
_BETWEEN = "\n"


@dataclass(frozen=True)
class TextTable:
    """Texts and the columns beside them; positions select rows, as they do of an array.

    Attributes
    ----------
    texts : ndarray of shape (n,)
    columns : table of shape (n, c)
        At least one column.
    """

    texts: Texts
    columns: Any

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, rows: Any) -> TextTable:
        chosen = np.arange(len(self))[rows]
        return TextTable(self.texts[chosen], safe_indexing(self.columns, chosen))


def text_table(X: Any, text_columns: Any) -> Texts | TextTable:
    """The texts of a table in one column, and its other columns; texts alone if there are none."""
    table = _table(X, text_columns)
    names = column_names(table)
    chosen = _positions(list(range(table.shape[1])) if names is None else names, text_columns)
    texts = [
        as_texts(_column(table, position), f"column {name!r} of X") for name, position in chosen.items()
    ]
    joined = np.array([_BETWEEN.join(row) for row in zip(*texts, strict=True)], dtype=object)
    others = [position for position in range(table.shape[1]) if position not in chosen.values()]
    return TextTable(joined, as_table(safe_indexing(table, others, axis=1))) if others else joined


def _table(X: Any, text_columns: Any) -> Any:
    """A frame, or an array (n, c) of whatever its rows hold."""
    if column_names(X) is not None and hasattr(X, "shape"):
        return X
    shape = getattr(X, "shape", None)
    if (
        shape is None
        and isinstance(X, list | tuple)
        and X
        and isinstance(X[0], list | tuple | np.ndarray)
    ):
        return _of_rows(X)
    if shape is None or len(shape) != 2 or hasattr(X, "tocsr") or np.ma.isMaskedArray(X):
        raise ValueError(
            f"X is a {type(X).__name__}{'' if shape is None else f' of shape {tuple(shape)}'}, and text_columns={text_columns!r} names "
            "columns; expected a data frame, or an array or rows of shape (n, c). For a sequence of texts leave text_columns at None; of "
            "dicts make a data frame, of a lazy frame collect one."
        )
    return X


def _of_rows(X: Any) -> Any:
    lengths = {len(row) for row in X}
    if len(lengths) > 1:
        raise ValueError(f"X has rows of {sorted(lengths)} values; expected as many in each.")
    table = np.empty((len(X), lengths.pop()), dtype=object)
    for number, row in enumerate(X):
        table[number] = row
    return table


def _column(table: Any, position: int) -> Any:
    return column_at(table, position) if column_names(table) else table[:, position]


def _positions(known: list[Any], text_columns: Any) -> dict[Any, int]:
    """Where the named columns are, in the order in which they are named."""
    alone = np.ndim(text_columns) == 0 or (isinstance(text_columns, tuple) and text_columns in known)
    wanted = [text_columns] if alone else list(text_columns)
    odd = not wanted or any(isinstance(name, bool | np.bool_ | np.ndarray) for name in wanted)
    if odd or any(name not in known for name in wanted) or len(set(wanted)) < len(wanted):
        raise ValueError(
            f"text_columns={text_columns!r} with a table whose columns are {known}; expected one of these or a list of some, each once."
        )
    twice = [name for name in wanted if known.count(name) > 1]
    if twice:
        raise ValueError(
            f"text_columns names {twice[0]!r}, which {known.count(twice[0])} columns of X are called; expected names of their own."
        )
    return {name: known.index(name) for name in wanted}
