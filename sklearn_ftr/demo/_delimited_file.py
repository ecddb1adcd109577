"""A delimited file as columns of text: which sign separates the cells, which row is the header, which rows are blank."""

from __future__ import annotations

import csv
import difflib
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sklearn_ftr.demo._cells import MISSING_MARKS, UserFileError, cleaned, counted, shortened, shown
from sklearn_ftr.demo._columns import Column
from sklearn_ftr.demo._encoding import decode

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
_N_SNIFFED_ROWS = 50
_N_NAMES_SHOWN = 20
# Excel's own hint, a first line such as "sep=;".
_EXCEL_HINT = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
_LARGEST_CELL = 2**31 - 1

Rows = list[tuple[int, list[str]]]


@dataclass(frozen=True)
class DelimitedFile:
    """Header and rows of cleaned cells.

    Attributes
    ----------
    path : str
    header : list of str
        Names without blanks around; "" for columns without a name.
    rows : list of list of str
        As many cells each as the header has names.
    row_numbers : list of int
        As a spreadsheet counts; rows that were left out count.
    n_blank : int
        Blank rows that were left out.
    encoding, delimiter : str
    """

    path: str
    header: list[str]
    rows: list[list[str]]
    row_numbers: list[int]
    n_blank: int
    encoding: str
    delimiter: str

    @property
    def names(self) -> list[str]:
        """Names of the columns that have one, each once."""
        return list(dict.fromkeys(filter(None, self.header)))

    def column(self, name: str, marks: Set[str] = MISSING_MARKS) -> Column:
        """The cells under a name."""
        place = self.header.index(name)
        return Column(name, [row[place] for row in self.rows], self.row_numbers, marks)

    def require(self, names: Sequence[str]) -> None:
        """Raise if the header lacks some of the names or has them twice."""
        missing = [name for name in names if name not in self.header]
        if missing:
            raise UserFileError(
                f"{self.path} has no column {', '.join(map(repr, missing))}; its columns are: "
                f"{_some(self.names)}{self._advice(missing[0])}"
            )
        if twice := next((name for name in names if self.header.count(name) > 1), None):
            raise UserFileError(
                f"{self.path} has two columns of the same name, {twice!r}; rename one of them."
            )

    def _advice(self, name: str) -> str:
        by_small_letters = {other.lower(): other for other in self.names}
        close = difflib.get_close_matches(name.lower(), by_small_letters, n=1)
        if close:
            return f". Did you mean {by_small_letters[close[0]]!r}?"
        return "." if len(self.names) > 1 else ". Is another --delimiter needed?"

    def described(self) -> str:
        """How the file was read."""
        blank = f"; {counted(self.n_blank, 'blank row')} left out" if self.n_blank else ""
        separator = DELIMITERS.get(self.delimiter, shown(self.delimiter))
        return f"{self.encoding}; columns separated by {separator}{blank}"


def read_delimited_file(
    path: str, wanted: Sequence[str], delimiter: str | None, encoding: str | None
) -> DelimitedFile:
    """Read a file; without a delimiter the one whose header has the names that are wanted."""
    text, encoding_name = decode(_bytes(path), encoding, path)
    if hint := _EXCEL_HINT.match(text):
        text, delimiter = text[hint.end() :], delimiter or hint[1]
    delimiter = delimiter or _sniffed_delimiter(text, wanted)
    (_, names), *rows = _parsed(text, delimiter, path)
    header = [clean_name(name) for name in names]
    kept = _without_blank_rows(rows)
    filled = [(number, _fitted(row, header, number, path)) for number, row in kept]
    return DelimitedFile(
        path,
        header,
        [row for _, row in filled],
        [number for number, _ in filled],
        len(rows) - len(filled),
        encoding_name,
        delimiter,
    )


def clean_name(name: str) -> str:
    """A column's name on one line, in one of the ways that Unicode has to write accents."""
    return unicodedata.normalize("NFC", " ".join(cleaned(name).split()))


def _bytes(path: str) -> bytes:
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserFileError(f"{path or shown(path)} cannot be opened: {reason}.") from error
    if not data.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0,;|"):
        raise UserFileError(f"{path} is empty or not a CSV file.")
    return data


def _sniffed_delimiter(text: str, wanted: Sequence[str]) -> str:
    """The sign whose header has the wanted names; else the one that cuts all rows into as many cells, most of them."""
    names = [clean_name(name) for name in wanted]

    def score(delimiter: str) -> tuple[int, float, int]:
        rows = _first_rows(text, delimiter)
        header = [clean_name(name) for name in rows[0]] if rows else []
        alike = sum(len(row) == len(header) for row in rows) / max(1, len(rows))
        return sum(name in header for name in names), alike * (len(header) > 1), len(header)

    return max(DELIMITERS, key=score)


def _first_rows(text: str, delimiter: str) -> list[list[str]]:
    """Rows up to the first that cannot be read."""
    rows: list[list[str]] = []
    with suppress(csv.Error):
        for _, row in islice(_records(text, delimiter), _N_SNIFFED_ROWS):
            rows.append(row)
    return [row for row in rows if any(row)]


def _parsed(text: str, delimiter: str, path: str) -> Rows:
    """All rows from the header on, by the first way to quote cells that the file keeps to."""
    failure: csv.Error | None = None
    for way in _ways_to_quote(text, delimiter):
        try:
            rows = list(_records(text, delimiter, **way))
        except csv.Error as error:
            failure = failure or error
            continue
        return _from_header_on(rows, path)
    raise UserFileError(f"{path}, {failure}.") from failure


def _from_header_on(rows: Rows, path: str) -> Rows:
    first = next((i for i, (_, row) in enumerate(rows) if any(row)), None)
    if first is None:
        raise UserFileError(f"{path} is empty or not a CSV file: no cell holds anything.")
    return rows[first:]


def _ways_to_quote(text: str, delimiter: str) -> Iterator[dict[str, Any]]:
    """A quote inside quotes is written twice; after a backslash; or, between tabs, quotes mean nothing."""
    yield {}
    if '\\"' in text:
        yield {"escapechar": "\\"}
    if delimiter == "\t":
        yield {"quoting": csv.QUOTE_NONE}


def _records(text: str, delimiter: str, **way: Any) -> Iterator[tuple[int, list[str]]]:
    """Row numbers and cleaned cells."""
    limit = csv.field_size_limit(_LARGEST_CELL)
    way |= {"delimiter": delimiter, "skipinitialspace": delimiter != " ", "strict": True}
    reader = csv.reader(io.StringIO(text, newline=""), **way)
    line = 1
    try:
        for number, row in enumerate(reader, 1):
            yield number, [cleaned(cell) for cell in row]
            line = reader.line_num + 1
    except csv.Error as error:
        raise csv.Error(
            f"line {line}: a cell begins with a quote that is not closed, or goes on after the closing one; a quote inside "
            "quotes is written twice"
        ) from error
    finally:
        csv.field_size_limit(limit)


def _without_blank_rows(rows: Rows) -> Rows:
    """Without empty lines, and without the rows of blank cells that spreadsheets leave at the end.

    Others with blank cells only stay: they are rows of which neither label nor features are known.
    """
    last = max((i for i, (_, row) in enumerate(rows) if any(row)), default=-1)
    return [(number, row) for number, row in rows[: last + 1] if any(row) or len(row) > 1]


def _fitted(row: list[str], header: list[str], number: int, path: str) -> list[str]:
    """The row with as many cells as the header: blank ones beyond it are cut, ones under no name may be lacking."""
    if not any(row[len(header) :]) and not any(header[len(row) :]):
        return row[: len(header)] + [""] * (len(header) - len(row))
    raise UserFileError(
        f"{path}, row {number}: {len(row)} cells under {len(header)} columns. Cells that hold the delimiter need quotes; "
        "cells may be blank, but not lacking."
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _N_NAMES_SHOWN:,} more" if len(names) > _N_NAMES_SHOWN else ""
    return f"{', '.join(map(shortened, names[:_N_NAMES_SHOWN]))}{more}"
