"""One column of a file as numbers, dates or categories, decided by all of its cells, and in words.

A column of which more than half is numbers is a column of numbers: what else stands in it is refused rather than
taken for categories, because a number with a typing error would silently become 50 of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.demo._cells import MISSING_MARKS, UserFileError, counted, is_missing, shown
from sklearn_ftr.demo._dates import ORDERS, as_date, read_dates
from sklearn_ftr.demo._numbers import LARGEST_NUMBER, Evidence, Number, is_ambiguous, read_number

Array = NDArray[np.float64]
# Beyond these the rarest categories share one indicator.
MAX_CATEGORIES = 50
_WAYS_OUT = (
    "Correct such cells or leave them blank, name what stands for a missing value with --missing, or read the column as "
    "categories with --categories."
)
_SIGN_NAMES = {".": "decimal point", ",": "decimal comma"}


@dataclass(frozen=True)
class Column:
    """The cleaned cells under one name, and where they stand.

    Attributes
    ----------
    name : str
    cells : sequence of str
    row_numbers : sequence of int
        As a spreadsheet counts; the header is row 1.
    marks : set of str
        What counts as missing, in lower case.
    """

    name: str
    cells: Sequence[str]
    row_numbers: Sequence[int] = ()
    marks: Set[str] = field(default=MISSING_MARKS)

    @cached_property
    def present(self) -> list[int]:
        """Positions of the cells that are not missing."""
        missing = {cell: is_missing(cell, self.marks) for cell in set(self.cells)}
        return [i for i, cell in enumerate(self.cells) if not missing[cell]]

    @property
    def n_missing(self) -> int:
        """How many cells are missing."""
        return len(self.cells) - len(self.present)

    @property
    def known(self) -> list[str]:
        """All cells, "" for the missing ones."""
        known = [""] * len(self.cells)
        for i in self.present:
            known[i] = self.cells[i]
        return known

    @cached_property
    def numbers(self) -> dict[int, Number]:
        """The cells that are numbers of some kind, by position."""
        read = {i: read_number(self.cells[i]) for i in self.present}
        return {i: number for i, number in read.items() if number is not None}

    @property
    def mostly_numbers(self) -> bool:
        """Whether more than half of what is not missing is numbers."""
        return 2 * len(self.numbers) > len(self.present)

    def cell(self, i: int) -> str:
        """A cell and its row, for messages."""
        return f"{shown(self.cells[i])} in row {self.row(i)}"

    def row(self, i: int) -> int:
        """The row of a cell; without row numbers as if under a header."""
        return self.row_numbers[i] if self.row_numbers else i + 2

    def described(self, what: str, *notes: str) -> str:
        """What the report says: the name, how it was read, how much is missing, what else to know."""
        missing = [f"{self.n_missing:,} missing"] if self.n_missing else []
        return f"{self.name}: {', '.join([what, *missing, *filter(None, notes)])}"


@dataclass(frozen=True)
class Numbers:
    """A column of numbers or dates, NaN where nothing is known."""

    values: Array
    description: str


@dataclass(frozen=True)
class Categories:
    """A column of categories, "" where nothing is known."""

    values: list[str]
    description: str


@dataclass(frozen=True)
class LeftOut:
    """A column from which nothing can be learned."""

    description: str


Feature = Numbers | Categories | LeftOut
# The decimal sign that the other columns of the file agree on, asked only where a column does not tell.
FileSign = Callable[[Column], str | None]


@dataclass(frozen=True)
class NumberReading:
    """The cells of a column as numbers: which they are, and which cells are none."""

    values: Array
    failed: list[int]
    decimal: str | None
    unit: str

    @property
    def note(self) -> str:
        """The decimal sign, where it is not the usual one."""
        return _SIGN_NAMES[","] if self.decimal == "," else ""

    @property
    def manner(self) -> str:
        """How numbers are written in this column, for messages."""
        sign = f" with a {_SIGN_NAMES[self.decimal]}" if self.decimal else ""
        return f"{sign}{f' in {self.unit}' if self.unit else ''}"


def read_feature(column: Column, decimal: str | None, file_sign: FileSign) -> Feature:
    """Numbers, dates or categories, whichever all cells are."""
    if nothing := _nothing_to_learn(column):
        return nothing
    if column.mostly_numbers:
        reading = read_numbers(column, decimal, file_sign)
        refuse_failures(column, reading)
        return _numbers(column, reading)
    return _dates(column) or read_categories(column)


def read_categories(column: Column) -> Feature:
    """Categories, whatever the cells look like."""
    if nothing := _nothing_to_learn(column):
        return nothing
    n_categories = len({column.cells[i] for i in column.present})
    if _looks_like_identifiers(n_categories, len(column.present)):
        what = f"left out, {counted(n_categories, 'different value')} in {counted(len(column.present), 'cell')}"
        return LeftOut(column.described(what, "so that nothing recurs (texts are read with --text)"))
    return Categories(column.known, _describe_categories(column, n_categories))


def read_numbers(column: Column, decimal: str | None, file_sign: FileSign) -> NumberReading:
    """The numbers of a column with the given decimal sign, or with the one that its cells agree on."""
    if not decimal:
        decimal = Evidence.of(column.numbers.values()).decimal or _undecided(column, file_sign)
    unit = _usual_unit(column)
    values = np.full(len(column.cells), np.nan)
    failed = []
    for i in column.present:
        number = column.numbers.get(i)
        value = None if number is None or number.unit != unit else number.value(decimal or ".")
        if value is None:
            failed.append(i)
        else:
            values[i] = value
    return NumberReading(values, failed, decimal, unit)


def refuse_failures(column: Column, reading: NumberReading) -> None:
    """Raise where a column of numbers holds something else."""
    if not reading.failed:
        return
    n_numbers = len(column.present) - len(reading.failed)
    verb = "is" if len(reading.failed) == 1 else "are"
    raise UserFileError(
        f"Column {column.name!r}: {counted(n_numbers, 'cell')} can be read as numbers"
        f"{reading.manner}, {len(reading.failed):,} {verb} not; the first is "
        f"{column.cell(reading.failed[0])}. {_WAYS_OUT}"
    )


def _undecided(column: Column, file_sign: FileSign) -> str | None:
    """The file's decimal sign for a column that does not tell; None where it does not matter."""
    unclear = [i for i, number in column.numbers.items() if is_ambiguous(number)]
    if not unclear:
        return None
    if sign := file_sign(column):
        return sign
    number = column.numbers[unclear[0]]
    raise UserFileError(
        f"Column {column.name!r}: {column.cell(unclear[0])} may be {number.point:.15g} or {number.comma:.15g}, and the "
        "file does not tell which. Pass --decimal . if a point stands before decimals, --decimal , if a comma does."
    )


def _usual_unit(column: Column) -> str:
    units = Counter(number.unit for number in column.numbers.values())
    return units.most_common(1)[0][0] if units else ""


def _nothing_to_learn(column: Column) -> LeftOut | None:
    if not column.present:
        return LeftOut(f"{column.name}: left out, all {len(column.cells):,} cells are missing")
    first = column.cells[column.present[0]]
    if len(set(column.cells)) == 1:
        return LeftOut(f"{column.name}: left out, every cell is {shown(first)}")
    return None


def _numbers(column: Column, reading: NumberReading) -> Feature:
    values = reading.values
    infinite = np.abs(values) > LARGEST_NUMBER
    values[infinite] = np.nan
    known = values[np.isfinite(values)]
    if not len(known):
        return LeftOut(f"{column.name}: left out, no cell is a finite number")
    note = f"{infinite.sum():,} infinite, taken as missing" if infinite.any() else ""
    kind = f"numbers in {reading.unit}" if reading.unit else "numbers"
    span = f"from {known.min():,.6g} to {known.max():,.6g}"
    return Numbers(values, column.described(kind, note, reading.note, span))


def _dates(column: Column) -> Numbers | None:
    """Days, if all cells are dates in one order of day, month and year."""
    cells = [column.cells[i] for i in column.present]
    readings = {order: read_dates(cells, order) for order in ORDERS}
    order = min(readings, key=lambda name: readings[name].count(None))
    days = readings.pop(order)
    if 2 * days.count(None) >= len(days):
        return None
    _refuse_unclear_dates(column, days, list(readings.values()))
    values = np.full(len(column.cells), np.nan)
    values[column.present] = days
    span = f"from {as_date(np.nanmin(values))} to {as_date(np.nanmax(values))}"
    return Numbers(values, column.described("dates", f"written {order}", span))


def _refuse_unclear_dates(
    column: Column, days: list[float | None], others: list[list[float | None]]
) -> None:
    if None in days:
        first = column.cell(column.present[days.index(None)])
        raise UserFileError(
            f"Column {column.name!r}: {counted(len(days) - days.count(None), 'cell')} can be read as dates, "
            f"{days.count(None):,} cannot; the first is {first}. {_WAYS_OUT}"
        )
    if any(None not in other and other != days for other in others):
        raise UserFileError(
            f"Column {column.name!r} holds dates such as {column.cell(column.present[0])}, in which day and month cannot "
            "be told apart. Write them as 2024-12-31, or leave the column out."
        )


def _looks_like_identifiers(n_categories: int, n_present: int) -> bool:
    """Whether no value recurs, or more than half of very many do not."""
    return n_categories == n_present > 2 or n_categories > max(MAX_CATEGORIES, n_present / 2)


def _describe_categories(column: Column, n_categories: int) -> str:
    rare = ""
    if n_categories > MAX_CATEGORIES:
        rare = f"the {MAX_CATEGORIES - 1} most frequent kept apart"
    numbers = f"numbers in {counted(len(column.numbers), 'cell')}" if column.numbers else ""
    what = f"{n_categories:,} categor{'y' if n_categories == 1 else 'ies'}"
    return column.described(what, rare, numbers)
