"""What one cell of a file holds when it is no number: nothing, a yes, a no. How cells are shown to people."""

from __future__ import annotations

from collections.abc import Set

# Compared in lower case, without blanks around. A country code "NA" or an honest "none" is the price of one set
# for every column; what was missing is counted for each column, so that it shows.
MISSING_MARKS = frozenset(
    {"", "na", "n/a", "n.a.", "n.a", "<na>", "#na", "#n/a", "#n/a n/a", "nan", "-nan", "+nan", "nat"}
    | {"null", "(null)", "none", "\\n", "-", "--", "\u2013", "\u2014", ".", "..", "...", "\u2026", "?"}
    | {"#null!", "#div/0!", "#value!", "#ref!", "#name?", "#num!"}
    | {"1.#qnan", "-1.#qnan", "1.#ind", "-1.#ind"}
)
# People write "none", "?" and "..." in texts: there only an empty cell is missing.
MISSING_TEXTS = frozenset({""})

YES = frozenset({"true", "t", "yes", "y", "on", "wahr", "ja", "vrai", "oui"})
NO = frozenset({"false", "f", "no", "n", "off", "falsch", "nein", "faux", "non"})

_INVISIBLE = "\u200b\u200e\u200f\u2060\ufeff"
_LONGEST_SHOWN = 40


class UserFileError(ValueError):
    """The file cannot be used; the message says what to do."""


def cleaned(cell: str) -> str:
    """The cell without blanks and invisible characters around it."""
    return cell.strip().strip(_INVISIBLE).strip()


def is_missing(cell: str, marks: Set[str]) -> bool:
    """Whether a cleaned cell is one of the marks, in capitals or not."""
    return cell.lower() in marks


def truth(cell: str) -> float | None:
    """1 for yes and true, 0 for no and false, None for anything else."""
    word = cell.lower()
    return 1.0 if word in YES else 0.0 if word in NO else None


def shown(cell: str) -> str:
    """The cell in quotes, on one line and not too long."""
    return repr(shortened(cell))


def shortened(text: str) -> str:
    """The beginning of a text that is too long to be shown."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def counted(count: int, noun: str) -> str:
    """1 cell, 2 cells, 1,000 cells."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
