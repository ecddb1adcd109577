"""Weights of contrasts, as users say them: names with weights, tables, arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_ftr._arguments import shown
from sklearn_ftr._tables import as_floats, column_names, row_index
from sklearn_ftr.rectification._checks import Array, as_settings

# Contrasts of more numbers are called by their position.
_MOST_NAMES = 4


@dataclass(frozen=True, eq=False)
class ContrastWeights:
    """Weights (q, k) and names of q contrasts of k numbers; `is_single` if one number is asked for, not an array of one."""

    rows: Array
    names: tuple[str, ...]
    is_single: bool


def read_contrast(C: Any, names: Iterable[str] | None, numbers: tuple[str, ...]) -> ContrastWeights:
    """Weights of the numbers that are called so."""
    rows, told, is_single = _rows_of(C, numbers)
    if rows.ndim != 2 or rows.shape[1] != len(numbers) or not len(rows):
        raise ValueError(
            f"C has shape {np.shape(C)}; expected a weight for each of the {len(numbers)} numbers, {_some(numbers)}."
        )
    if not np.isfinite(rows).all() or not rows.any(axis=1).all():
        raise ValueError(f"C is {shown(C)}; expected finite weights, some of which are not 0.")
    given = told if names is None else _as_names(names)
    given = given or tuple(_name(row, position, numbers) for position, row in enumerate(rows))
    if len(given) != len(rows):
        raise ValueError(
            f"names is {shown(names)}; expected one name for each of {len(rows)} contrasts."
        )
    return ContrastWeights(rows, given, is_single)


def _as_names(names: Iterable[Any]) -> tuple[str, ...]:
    """Of several contrasts, or of one."""
    return (names,) if isinstance(names, str) else tuple(map(str, names))


def _rows_of(C: Any, numbers: tuple[str, ...]) -> tuple[Array, tuple[str, ...], bool]:
    """Rows of weights, the names that come with them, and whether there is a single one."""
    if column_names(C) is not None:
        index = row_index(C)
        columns = column_names(C) or ()
        rows = [_by_name(columns, row, numbers) for row in as_floats(C, "C")]
        told = () if index is None or index.dtype.kind in "iu" else tuple(map(str, index))
        return np.array(rows), told, False
    if isinstance(C, Mapping) and C and all(isinstance(row, Mapping) for row in C.values()):
        rows = [_by_name(row.keys(), row.values(), numbers) for row in C.values()]
        return np.array(rows), tuple(map(str, C)), False
    if isinstance(C, Mapping) or row_index(C) is not None:
        names, values = zip(*C.items(), strict=True) if len(C) else ((), ())
        return _by_name(names, values, numbers)[None], (), True
    weights = as_settings(C, "C", "expected weights, by name or in an array")
    return np.atleast_2d(weights), (), weights.ndim < 2


def _by_name(names: Iterable[Any], weights: Iterable[Any], numbers: tuple[str, ...]) -> Array:
    named = list(names)
    positions = [_position(name, numbers) for name in named]
    if len(set(positions)) < len(positions):
        raise ValueError(
            f"C weighs a number more than once, {shown(named)}; expected one weight of each."
        )
    row = np.zeros(len(numbers))
    row[positions] = as_settings(list(weights), "C", "expected a weight for each name")
    return row


def positions_of(names: tuple[Any, ...], numbers: tuple[str, ...]) -> list[int]:
    """Where the numbers are that are called so; whole numbers that are no names are positions, those below 0 from the end."""
    if not names:
        raise ValueError(f"select() got no names; expected some of {_some(numbers)}, or positions.")
    return [_position(name, numbers) for name in names]


def _position(name: Any, numbers: tuple[str, ...]) -> int:
    k, count = len(numbers), numbers.count(str(name))
    if count == 1:
        return numbers.index(str(name))
    if count:
        raise ValueError(
            f"{count} numbers are called {shown(str(name))}; expected a name of one. Weigh all numbers by an array of {k}."
        )
    if isinstance(name, int | np.integer) and not isinstance(name, bool) and -k <= name < k:
        return int(name) % k
    raise ValueError(
        f"{shown(name)} is no number of this result; expected names, each by itself, {_some(numbers)}, or positions up to {k - 1}."
    )


def _name(row: Array, position: int, numbers: tuple[str, ...]) -> str:
    """The sum written out, such as "treated - control"."""
    involved = np.flatnonzero(row)
    if len(involved) > _MOST_NAMES:
        return f"contrast {position}"
    terms = [
        f"{'-' if row[i] < 0 else '+'} {'' if abs(row[i]) == 1 else f'{abs(row[i]):.4g} '}{numbers[i]}"
        for i in involved
    ]
    return " ".join(terms).removeprefix("+ ")


def _some(numbers: tuple[str, ...]) -> str:
    return shown(list(numbers))
