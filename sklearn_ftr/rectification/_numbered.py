"""Labels of any hashable kind, of clusters and strata, as numbers from 0 on: the same label is the same number in all columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._arguments import shown
from sklearn_ftr.rectification._pool_rows import Codes

# Whole numbers serve as numbers of clusters themselves if the largest is not much larger than there are rows.
_SPARSEST = 4
# Labels that are sorted at once.
_BLOCK = 1_048_576


def numbered(
    columns: list[NDArray[Any]], name: str
) -> tuple[list[Codes], int, Sequence[Any] | NDArray[Any]]:
    """The same number, from 0 on, for the same label in all columns; how many there are; and what they are called."""
    kinds = {one.dtype.kind for one in columns}  # of which those that mix would round whole numbers
    total = sum(map(len, columns))
    if all(one.dtype.kind in "biu" for one in columns if len(one)):
        low, high = (
            getattr(np, side)([getattr(one, side)() for one in columns if len(one)])
            for side in ("min", "max")
        )
        if low >= 0 and high < _SPARSEST * total:
            return (
                [one.astype(np.intp, copy=False) for one in columns],
                int(high) + 1,
                range(int(high) + 1),
            )
    if len(kinds) == 1 and kinds != {"O"}:
        names = _kinds_of(columns)
        return [_places(one, names) for one in columns], len(names), names
    objects = [as_python(one) for one in columns]
    _check_kinds(objects, name)
    numbers: dict[Any, int] = {}
    told = [
        np.fromiter((numbers.setdefault(label, len(numbers)) for label in one), np.intp, len(one))
        for one in objects
    ]
    return told, len(numbers), list(numbers)


def _kinds_of(columns: list[NDArray[Any]]) -> NDArray[Any]:
    """Each value once, in their order."""
    parts = [np.unique(part) for one in columns for part in _in_blocks(one)]
    return np.unique(np.concatenate(parts)) if len(parts) > 1 else parts[0]


def _places(values: NDArray[Any], names: NDArray[Any]) -> Codes:
    """Of values (n,) among names in ascending order; a block at a time, since sorting all of them takes several times their memory."""
    codes = np.empty(len(values), dtype=np.intp)
    for places, part in zip(_in_blocks(codes), _in_blocks(values), strict=True):
        places[:] = np.searchsorted(names, part)
    return codes


def _in_blocks(values: NDArray[Any]) -> list[NDArray[Any]]:
    return [values[start : start + _BLOCK] for start in range(0, max(len(values), 1), _BLOCK)]


def as_python(labels: NDArray[Any]) -> list[Any]:
    """Python's; of dates with nanoseconds numpy would make whole numbers."""
    return list(labels.astype("M8[us]" if labels.dtype.kind == "M" else labels.dtype).tolist())


def _check_kinds(columns: list[list[Any]], name: str) -> None:
    """Labels that can be the same in both columns: not 1 here and "1" there."""
    kinds = [set(map(_kind, set(map(type, one)))) for one in columns if one]
    if len(kinds) == 2 and not kinds[0] & kinds[1]:
        of_labeled, of_pool = (f"{shown(one[0])} ({type(one[0]).__name__})" for one in columns)
        raise ValueError(
            f"{name} are labels of different kinds among labeled rows, such as {of_labeled}, and unlabeled rows, such as {of_pool}, none of which can be "
            "the same; expected one kind of label."
        )


def _kind(kind: type) -> Any:
    known = ((Real | Decimal, "number"), (str, "text"), (datetime, "time"))
    return next((word for types, word in known if issubclass(kind, types)), kind)
