"""Dates as numbers of days: 2024-12-31, 31.12.2024, 12/31/2024, with or without a time."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from functools import lru_cache

_DATE = re.compile(
    r"(\d{1,4})([-./])(\d{1,2})\2(\d{1,4})(?:[T ](\d\d?:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?))?"
)
# Where year, month and day stand.
ORDERS = {"year-month-day": (0, 1, 2), "day-month-year": (2, 1, 0), "month-day-year": (2, 0, 1)}


def read_dates(cells: Sequence[str], order: str) -> list[float | None]:
    """Days since 1970-01-01, None where a cell is no date in this order."""
    return [_days(cell, ORDERS[order]) for cell in cells]


def as_date(days: float) -> str:
    """The day as 2024-12-31."""
    ordinal = date(1970, 1, 1).toordinal() + math.floor(days)
    # Time zones can move the first and the last day that Python knows out of its calendar.
    return date.fromordinal(min(max(ordinal, 1), date.max.toordinal())).isoformat()


@lru_cache(maxsize=100_000)
def _days(cell: str, order: tuple[int, int, int]) -> float | None:
    match = _DATE.fullmatch(cell)
    if match is None:
        return None
    parts = (match[1], match[3], match[4])
    year, month, day = (parts[place] for place in order)
    if len(year) != 4:
        return None
    try:
        moment = datetime.combine(datetime(int(year), int(month), int(day)), _time(match[5]))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() / 86_400


def _time(written: str | None) -> time:
    if not written:
        return time()
    return time.fromisoformat(written if written[1] != ":" else f"0{written}")
