"""Tables in which some columns are texts: the text of each row, and what stands beside it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
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


def text_table(X: Any, text_columns: Hashable | Sequence[Hashable]) -> Texts | TextTable:
    """The texts of a table in one column, and its other columns; texts alone if there are none."""
    if np.ndim(X) == 1 or isinstance(X, str | bytes):
        raise ValueError(
            f"X has no columns, and text_columns={text_columns!r} names some; expected a data frame or a table of shape "
            "(n, c). For a sequence of texts leave text_columns at None."
        )
    table = as_table(X)
    chosen = _positions(table, text_columns)
    texts = [as_texts(_column(table, position)) for position in chosen]
    joined = np.array([_BETWEEN.join(row) for row in zip(*texts, strict=True)], dtype=object)
    others = [position for position in range(table.shape[1]) if position not in chosen]
    return TextTable(joined, safe_indexing(table, others, axis=1)) if others else joined


def _column(table: Any, position: int) -> Any:
    return column_at(table, position) if column_names(table) else table[:, position]


def _positions(table: Any, text_columns: Any) -> list[int]:
    """Where the named columns are, in the order in which they are named."""
    one = isinstance(text_columns, str | int | np.integer)
    names = column_names(table)
    known = list(range(table.shape[1])) if names is None else names
    wanted = [text_columns] if one else list(text_columns)
    missing = [name for name in wanted if name not in known]
    if missing or not wanted or len(set(wanted)) < len(wanted):
        raise ValueError(
            f"text_columns={text_columns!r} with a table whose columns are {known}; expected one of these or some of these, "
            "each once."
        )
    return [known.index(name) for name in wanted]
