"""Numbers as people and their programs write them, with a decimal point or a decimal comma.

One cell may be both: "1,234" is 1234 to some and 1.234 to others. So a cell is read both ways (`read_number`), and the
cells of a column, or of the whole file, say together which way is meant (`Evidence`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

# Beyond this fourth powers overflow, and no rating or price is meant.
LARGEST_NUMBER = 1e50

_BLANKS = " \u00a0\u2007\u2009\u202f"
_APOSTROPHES = "'\u2019"
_UNITS = "[%$\u20ac\u00a3\u00a5\u00a2\u20b9\u20bd\u20a9\u20ba\u20ab\u20b4\u20aa\u0e3f]"
_SIGN = "[+\u2212-]"


def _pattern(decimal: str, other: str) -> re.Pattern[str]:
    """A number with a decimal sign or without, either side of which may be empty, its digits in groups or not.

    Groups are of three, after a first that does not begin with 0 (so that 0,123 is no thousands); India's 12,34,567.
    """
    groups = rf"[1-9]\d{{0,2}}(?P<mark>[{other}{_BLANKS}{_APOSTROPHES}])\d{{3}}(?:(?P=mark)\d{{3}})*"
    indian = r"|[1-9]\d?(?:,\d\d)+,\d{3}" if other == "," else ""
    whole = rf"(?:{groups}{indian}|\d+)"
    amount = rf"(?:{whole}(?:{decimal}\d*)?|{decimal}\d+)(?:[eE]{_SIGN}?\d+)?"
    return re.compile(
        rf"(?P<sign>{_SIGN}?)[{_BLANKS}]?(?P<before>{_UNITS}?)[{_BLANKS}]?"
        rf"(?P<inner>{_SIGN}?)(?P<amount>{amount})[{_BLANKS}]?(?P<after>{_UNITS}?)"
    )


_POINT, _COMMA = _pattern(r"\.", ","), _pattern(",", r"\.")
_INFINITY = re.compile(rf"({_SIGN}?)(?:inf|infinity|\u221e)", re.IGNORECASE)
_TO_POINT, _TO_COMMA = (
    str.maketrans({**dict.fromkeys(_BLANKS + _APOSTROPHES + grouping), "\u2212": "-", decimal: "."})
    for decimal, grouping in ((".", ","), (",", "."))
)


@dataclass(frozen=True)
class Number:
    """A cell read with a decimal point and with a decimal comma; None where it cannot be read so."""

    point: float | None
    comma: float | None
    unit: str = ""

    def value(self, decimal: str) -> float | None:
        """The number that the cell is with this decimal sign."""
        return self.point if decimal == "." else self.comma


@lru_cache(maxsize=100_000)
def read_number(cell: str) -> Number | None:
    """Both readings of a cleaned cell, or None if it is no number."""
    if infinite := _INFINITY.fullmatch(cell):
        value = -math.inf if infinite[1] in ("-", "\u2212") else math.inf
        return Number(value, value)
    point, comma = _POINT.fullmatch(cell), _COMMA.fullmatch(cell)
    some = point or comma
    if not some or (some["before"] and some["after"]) or (some["sign"] and some["inner"]):
        return None
    unit = some["before"] or some["after"]
    return Number(_value(point, _TO_POINT), _value(comma, _TO_COMMA), unit)


def _value(match: re.Match[str] | None, table: dict[int, Any]) -> float | None:
    if match is None:
        return None
    return float((match["sign"] + match["inner"] + match["amount"]).translate(table))


@dataclass(frozen=True)
class Evidence:
    """How many cells can only be read with a decimal point, only with a comma, and differently with either."""

    point: int
    comma: int
    ambiguous: int

    @classmethod
    def of(cls, numbers: Iterable[Number]) -> Evidence:
        """Counts over the cells of a column."""
        point = comma = ambiguous = 0
        for number in numbers:
            point += number.comma is None
            comma += number.point is None
            ambiguous += is_ambiguous(number)
        return cls(point, comma, ambiguous)

    @property
    def decimal(self) -> str | None:
        """The sign that more cells need; None if none needs one."""
        if self.point == self.comma == 0:
            return None
        return "." if self.point >= self.comma else ","

    @property
    def clear(self) -> str | None:
        """The sign that some cells need and none contradicts."""
        return None if self.point and self.comma else self.decimal


def is_ambiguous(number: Number) -> bool:
    """Whether the cell is two different numbers, such as 1,234."""
    return None not in (number.point, number.comma) and number.point != number.comma
