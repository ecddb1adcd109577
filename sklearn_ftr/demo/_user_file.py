"""The user's own CSV file: labels where they have them, blank cells elsewhere."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.demo._features import table_features, text_features

_MISSING = {"", "na", "nan", "null", "none"}


class UserFileError(ValueError):
    """The file cannot be used; the message says what to do."""


def read_user_file(
    path: str, label: str, text: str | None, features: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Features (n_rows, d) and labels (n_rows,) with NaN for blank cells."""
    header, rows = _read_csv(path)
    wanted = [label, *([text] if text else features)]
    if missing := [name for name in wanted if name not in header]:
        raise UserFileError(
            f"{path} has no column {', '.join(map(repr, missing))}; its columns are: {', '.join(header)}."
        )
    if len(set(header)) < len(header):
        raise UserFileError(f"{path} has two columns of the same name: {', '.join(header)}.")
    if label in wanted[1:]:
        raise UserFileError(f"{label!r} is the label; it cannot be predicted from itself.")
    columns = {name: [row[header.index(name)].strip() for row in rows] for name in wanted}
    y = _labels(columns[label], path, label)
    if not text:
        return table_features([columns[name] for name in features]), y
    try:
        return text_features(columns[text]), y
    except ValueError as error:
        raise UserFileError(f"Column {text!r} of {path} gives no text features: {error}") from error


def _read_csv(path: str) -> tuple[list[str], list[list[str]]]:
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            header, *rows = csv.reader(file)
    except OSError as error:
        raise UserFileError(f"{path} cannot be opened: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UserFileError(f"{path} is not UTF-8 text; save it as a CSV file in UTF-8.") from error
    except (csv.Error, ValueError) as error:
        raise UserFileError(f"{path} is empty or not a CSV file ({error}).") from error
    rows = [row for row in rows if row]
    if short := next((i for i, row in enumerate(rows, 2) if len(row) != len(header)), None):
        raise UserFileError(
            f"{path}, row {short}: {len(rows[short - 2])} cells under {len(header)} columns; is it "
            "separated by commas, with quotes around cells that hold one?"
        )
    return header, rows


def _labels(cells: Sequence[str], path: str, label: str) -> NDArray[np.float64]:
    y = np.full(len(cells), np.nan)
    for i, cell in enumerate(cells):
        if cell.lower() in _MISSING:
            continue
        y[i] = _number(cell)
        if not np.isfinite(y[i]):
            raise UserFileError(
                f"{path}, row {i + 2}: the label {cell!r} in column {label!r} is not a number. Write 1 and "
                "0 for yes and no, and leave cells without a label blank."
            )
    if np.isnan(y).all():
        raise UserFileError(f"Column {label!r} of {path} has no label in any of its {len(y)} rows.")
    return y


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return np.nan
