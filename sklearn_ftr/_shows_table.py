"""What is shown as a table: printed, in notebooks and in papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, cast

import numpy as np

from sklearn_ftr._printed_table import PrintedTable
from sklearn_ftr._short_repr import brief


class InNotebooks:
    """Base of what notebooks show as a table."""

    def _table(self) -> PrintedTable:
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return self._table().html()


class ShowsFields(InNotebooks):
    """Base of dataclasses whose table is of their fields."""

    def _heading(self) -> str:
        return type(self).__name__

    def _table(self) -> PrintedTable:
        told = [one.name for one in fields(cast(Any, self)) if one.repr]
        return table_of_values(self._heading(), {name: getattr(self, name) for name in told})


class ShowsTable(InNotebooks):
    """Base of what prints as a table, unless a subclass says it in a sentence."""

    def __str__(self) -> str:
        return self._table().text()


class ForPapers(ShowsTable):
    """Base of what has a table that papers show."""

    def to_latex(self, caption: str | None = None, label: str | None = None) -> str:
        r"""The table for a paper, with the rules of the package booktabs.

        Parameters
        ----------
        caption : str, default=None
            LaTeX, commands included. With it, or with a label, the `tabular` is in a `table`.
        label : str, default=None
            For ``\ref``.

        Returns
        -------
        str
            Special characters in names are escaped.
        """
        return self._table().latex(caption, label)

    def to_markdown(self) -> str:
        """The table in Markdown, as GitHub renders it."""
        return self._table().markdown()


def table_of_values(title: str, values: Mapping[str, Any]) -> PrintedTable:
    """A table of names, in which spaces take the place of underscores, and values."""
    rows = [[name.replace("_", " "), _cell(value)] for name, value in values.items()]
    return PrintedTable(title, ["", "value"], rows, n_texts=2)


def table_of_columns(
    title: str, columns: Mapping[str, Any], notes: Sequence[str] = (), n_texts: int = 0
) -> PrintedTable:
    """A table of columns as long as each other, the first of which are of texts."""
    cells = [[_cell(one) for one in np.atleast_1d(np.asarray(column))] for column in columns.values()]
    return PrintedTable(title, list(columns), list(zip(*cells, strict=True)), notes, n_texts=n_texts)


def _cell(value: Any) -> str:
    if isinstance(value, str) or is_dataclass(value):
        return str(value)
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return f"{value:,}" if is_whole else brief(value)
