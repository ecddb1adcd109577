"""Which of two groups each row belongs to, and which of them comes first: ordered categories say, all else is sorted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._arguments import is_missing
from sklearn_ftr._tables import column_at, column_names, order_of_categories, refuse_masked

Numbers = NDArray[np.signedinteger[Any]]


@dataclass(frozen=True)
class GroupColumn:
    """The group of each row (n,), and the categories in their order if they have one."""

    values: NDArray[Any]
    order: tuple[Any, ...] | None = None

    @classmethod
    def of(cls, column: Any, name: str) -> GroupColumn:
        """A column of any library, or a table of one column."""
        refuse_masked(column, name)
        if column_names(column) is not None and len(column_names(column) or ()) == 1:
            column = column_at(column, 0)
        order = order_of_categories(column)
        values = np.asarray(column)
        values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
        if values.ndim != 1:
            raise ValueError(
                f"{name} has shape {values.shape}; expected one column, the group of each row."
            )
        return cls(values, None if order is None else tuple(order))

    def __getitem__(self, rows: NDArray[np.intp]) -> GroupColumn:
        return GroupColumn(self.values[rows], self.order)


def check_groups(
    group: GroupColumn, group_unlabeled: GroupColumn, r: int, m: int
) -> tuple[NDArray[Any], Numbers, Numbers]:
    """The two groups' names, the first one first, and the number of each row's group."""
    of_rows, of_pool = group.values, group_unlabeled.values
    if len(of_rows) != r or len(of_pool) != m:
        raise ValueError(
            f"group has {len(of_rows)} and group_unlabeled {len(of_pool)} values; expected {r} and {m}, one for each row."
        )
    missing = count_missing(of_rows) + count_missing(of_pool)
    if missing:
        raise ValueError(
            f"group and group_unlabeled have {missing} NaN; expected a group for each row."
        )
    names = _in_order(_two_names(of_rows, group.order), group, group_unlabeled)
    codes = numbers_of_groups(of_rows, names), numbers_of_groups(of_pool, names)
    check_no_strangers(of_pool, codes[1], names)
    return names, *codes


def check_no_strangers(of_pool: NDArray[Any], numbers: Numbers, names: NDArray[Any]) -> None:
    """Refuse groups of the pool (m,) that are none of the two named ones, with the number -1."""
    strangers = of_pool[numbers < 0]
    if len(strangers):
        raise ValueError(
            f"group_unlabeled has {strangers[0]!s}, of which no row is labeled; expected {names[0]} and {names[1]} only."
        )


def numbers_of_groups(values: NDArray[Any], names: NDArray[Any]) -> Numbers:
    """0 or 1 for rows (n,) of the two named groups, -1 for strangers."""
    numbers = np.full(len(values), -1, dtype=np.int8)
    for number, name in enumerate(names):
        numbers[_equal(values, name)] = number
    return numbers


def _equal(values: NDArray[Any], name: Any) -> NDArray[np.bool_]:
    """Which values are the name; numpy has no answer for text beside numbers."""
    kinds = [
        "number" if kind in "biuf" else kind
        for kind in (values.dtype.kind, np.asarray(name).dtype.kind)
    ]
    return values == name if kinds[0] == kinds[1] else values.astype(object, copy=False) == name


def _two_names(of_rows: NDArray[Any], order: tuple[Any, ...] | None) -> NDArray[Any]:
    """What the labeled rows' groups are called, sorted unless categories say otherwise."""
    if order is not None:
        present = [category for category in order if _equal(of_rows, category).any()]
        names = np.empty(len(present), dtype=of_rows.dtype)
        names[:] = present
    else:
        try:
            names = np.unique(of_rows)
        except TypeError as error:
            raise ValueError(
                f"group has values that cannot be sorted ({error}); expected all numbers or all texts."
            ) from error
    if len(names) != 2 or str(names[0]) == str(names[1]):
        told = ", ".join(map(str, names[:5]))
        raise ValueError(
            f"The labeled rows are of {len(names)} groups ({told}); expected two. Compare two groups at a time "
            f"(n_samples={len(of_rows)})."
        )
    return names


def _in_order(names: NDArray[Any], *columns: GroupColumn) -> NDArray[Any]:
    """The two names as ordered categories have them, of labels, of the pool or of both alike."""
    orders = [
        [category for category in column.order if category in list(names)]
        for column in columns
        if column.order is not None
    ]
    known = [order for order in orders if len(order) == 2]
    if len(known) == 2 and known[0] != known[1]:
        raise ValueError(
            f"The categories of group are in the order {known[0]} and those of group_unlabeled in the order {known[1]}; "
            "expected one order for both."
        )
    return names[::-1] if known and known[0] != list(names) else names


def count_missing(groups: NDArray[Any]) -> int:
    """None, NaN and what pandas has for them."""
    if groups.dtype.kind != "O":
        return int(np.sum(groups != groups))
    return sum(is_missing(one) for one in groups)
