"""The column of labels: numbers, or 0 and 1 from words for no and yes; NaN where nobody has labeled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.demo._cells import UserFileError, counted, shown, truth
from sklearn_ftr.demo._columns import Column, FileSign, NumberReading, read_numbers
from sklearn_ftr.demo._numbers import LARGEST_NUMBER

# With fewer nothing can be trained and checked.
FEWEST_LABELS = 10


@dataclass(frozen=True)
class Labels:
    """Values (n_rows,), NaN where unlabeled, and how they were read."""

    values: NDArray[np.float64]
    description: str


def refuse_constant(labels: NDArray[np.float64], name: str) -> None:
    """Raise if labels do not vary, so that no interval can be told."""
    known = labels[np.isfinite(labels)]
    if np.ptp(known) == 0:
        raise UserFileError(
            f"Column {name!r}: all {len(known):,} labels are {known[0]:g}; labels that do not vary give no interval."
        )


def read_labels(column: Column, decimal: str | None, file_sign: FileSign) -> Labels:
    """Numbers, or 0 and 1 from words; anything else is refused with its row."""
    if not column.present:
        raise UserFileError(
            f"Column {column.name!r} has no label in any of its {len(column.cells):,} rows."
        )
    truths = {i: value for i in column.present if (value := truth(column.cells[i])) is not None}
    labels = (
        _from_words(column, truths)
        if 2 * len(truths) > len(column.present)
        else _from_numbers(column, read_numbers(column, decimal, file_sign))
    )
    _refuse_few(column)
    return labels


def _from_words(column: Column, truths: dict[int, float]) -> Labels:
    others = [i for i in column.present if i not in truths]
    if others:
        raise UserFileError(
            f"Column {column.name!r}: the label {column.cell(others[0])} is neither yes nor no, as "
            f"{counted(len(truths), 'other label')} are, such as {shown(column.cells[next(iter(truths))])}. "
            "Write all labels in one way, and leave cells without a label blank."
        )
    values = np.full(len(column.cells), np.nan)
    values[list(truths)] = list(truths.values())
    no, yes = (_words(column, truths, value) for value in (0.0, 1.0))
    meaning = ", ".join(f"{words} = {value}" for words, value in ((yes, 1), (no, 0)) if words)
    words = "/".join(filter(None, (yes, no)))
    return Labels(values, column.described(f"labels, 0/1 from {words} ({meaning})"))


def _words(column: Column, truths: dict[int, float], value: float) -> str:
    return "/".join(sorted({column.cells[i].lower() for i in truths if truths[i] == value}))


def _from_numbers(column: Column, reading: NumberReading) -> Labels:
    infinite = np.flatnonzero(np.abs(reading.values) > LARGEST_NUMBER)
    if failed := sorted([*reading.failed, *infinite]):
        raise UserFileError(_not_a_number(column, failed, reading))
    known = reading.values[column.present]
    kind = f"labels, numbers{f' in {reading.unit}' if reading.unit else ''}"
    span = f"from {known.min():,.6g} to {known.max():,.6g}"
    return Labels(reading.values, column.described(kind, reading.note, span))


def _not_a_number(column: Column, failed: Sequence[int], reading: NumberReading) -> str:
    others = f" (nor are {counted(len(failed) - 1, 'other')})" if len(failed) > 1 else ""
    return (
        f"row {column.row(failed[0])}: the label {shown(column.cells[failed[0]])} in column {column.name!r} is not a "
        f"number{reading.manner}{others}. Write 1 and 0 for yes and no, leave cells without a label blank, or name what "
        "stands for a missing value with --missing."
    )


def _refuse_few(column: Column) -> None:
    if len(column.present) < FEWEST_LABELS:
        raise UserFileError(
            f"Column {column.name!r} has {counted(len(column.present), 'label')}; with fewer than {FEWEST_LABELS} nothing "
            "can be trained and checked."
        )
