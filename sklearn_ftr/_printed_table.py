"""The one place where tables are printed: as text, HTML, LaTeX and Markdown, all by tabulate, which is loaded when something is printed."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Rows = Sequence[Sequence[str]]
Clean = Callable[[Sequence[str]], list[str]]
# What has no place in a line of text, nor in XML.
_CONTROL = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")
# In GitHub's Markdown, of texts; numbers and intervals have none that would mean anything.
_MARKDOWN = re.compile(r"([\\`*_~|\[\]$#])")
# Cells of numbers follow a & and perhaps a bracket.
_MINUS, _INFINITE = re.compile(r"([\[(&,]\s*)-(?=\d)"), re.compile(r"([\[(&,]\s*)(-?)inf\b")
# After the \\ of the line before, LaTeX would take them for its option.
_OPTION = re.compile(r"^(\s*)([\[*])", re.M)


@dataclass(frozen=True)
class PrintedTable:
    """A title, columns of cells under a header, a foot below another rule, and notes.

    Attributes
    ----------
    title : str
        Empty for none.
    header : sequence of str
    rows : sequence of sequences of str
        As long as the header.
    notes : sequence of str, default=()
        Lines below the table, of text and HTML only.
    foot : sequence of sequences of str, default=()
        Rows below a rule.
    n_texts : int, default=1
        The first columns are of texts, which stand to the left; all others are of numbers, to the right.
    """

    title: str
    header: Sequence[str]
    rows: Rows
    notes: Sequence[str] = ()
    foot: Rows = ()
    n_texts: int = 1

    def text(self) -> str:
        """For a terminal, between rules."""
        from tabulate import SEPARATING_LINE, DataRow, Line, TableFormat

        rule, row = Line("", "-", "--", ""), DataRow("", "  ", "")
        form = TableFormat(rule, rule, None, rule, row, row, 0, None)
        # The header is a row: tabulate widens columns of others.
        lines: list[Any] = [_clean(self.header), SEPARATING_LINE, *map(_clean, self.rows)]
        lines += [SEPARATING_LINE, *map(_clean, self.foot)] if self.foot else []
        table = self._tabulated(lines, tablefmt=form)
        return "\n".join([*([self.title] if self.title else []), table, *self.notes])

    def html(self) -> str:
        """For a notebook: no colors, so that it is as light or dark as its page."""
        title = f"<p><strong>{_escaped(self.title)}</strong></p>" if self.title else ""
        below = f"<p>{'<br/>'.join(map(_escaped, self.notes))}</p>" if self.notes else ""
        return f"<div>{title}{self._headed(self._cells(_clean, _in_one_line), 'html')}{below}</div>"

    def latex(self, caption: str | None = None, label: str | None = None) -> str:
        r"""A `tabular` with the rules of booktabs, in a `table` if it has a caption or a label.

        Parameters
        ----------
        caption : str, default=None
            In LaTeX: it may hold commands.
        label : str, default=None
            For ``\ref``.
        """
        lines = self._headed(self._cells(_clean), "latex_booktabs").splitlines()
        if self.foot:
            lines.insert(-2 - len(self.foot), r"\midrule")
        table = _OPTION.sub(r"\1{}\2", "\n".join(lines))
        table = _INFINITE.sub(_infinite, _MINUS.sub(r"\1$-$", table))
        if caption is None and label is None:
            return table
        above = [r"\begin{table}", r"\centering"]
        above += [] if caption is None else [rf"\caption{{{caption}}}"]
        above += [] if label is None else [rf"\label{{{label}}}"]
        return "\n".join([*above, table, r"\end{table}"])

    def markdown(self) -> str:
        """As GitHub renders it."""
        return self._headed(self._cells(_in_markdown), "pipe")

    def _cells(self, texts: Clean, numbers: Clean | None = None) -> list[list[str]]:
        """The header and all rows."""
        n, rows = self.n_texts, (*self.rows, *self.foot)
        of_numbers = _clean if numbers is None else numbers
        return [texts(self.header), *([*texts(row[:n]), *of_numbers(row[n:])] for row in rows)]

    def _headed(self, cells: list[list[str]], form: str) -> str:
        return self._tabulated(cells[1:], headers=cells[0], tablefmt=form)

    def _tabulated(self, cells: list[Any], **how: Any) -> str:
        from tabulate import tabulate

        sides = ["left" if i < self.n_texts else "right" for i in range(len(self.header))]
        return str(tabulate(cells, **how, disable_numparse=True, colalign=sides if cells else None))


def markdown_table(header: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    """A table of cells that are Markdown themselves."""
    from tabulate import tabulate

    return str(tabulate(rows, headers=header, tablefmt="github", disable_numparse=True))


def _clean(cells: Sequence[str]) -> list[str]:
    return [_CONTROL.sub(" ", cell) for cell in cells]


def _in_one_line(cells: Sequence[str]) -> list[str]:
    """Intervals are not broken in narrow notebooks."""
    return [cell.replace(" ", "\N{NO-BREAK SPACE}") for cell in _clean(cells)]


def _escaped(text: str) -> str:
    return html.escape(_CONTROL.sub(" ", text))


def _in_markdown(cells: Sequence[str]) -> list[str]:
    return [_MARKDOWN.sub(r"\\\1", html.escape(cell, quote=False)) for cell in _clean(cells)]


def _infinite(found: re.Match[str]) -> str:
    return rf"{found[1]}${found[2]}\infty$"
