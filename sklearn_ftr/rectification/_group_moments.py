"""Moments of a pool's predictions in each of two groups, from one pass over the rows of both."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._groups import (
    GroupColumn,
    Numbers,
    check_no_strangers,
    count_missing,
    numbers_of_groups,
)
from sklearn_ftr.rectification._pool import Pool, PoolBlock
from sklearn_ftr.rectification._pool_moments import PoolMoments
from sklearn_ftr.rectification._pool_source import PoolSource
from sklearn_ftr.rectification._source_pool import BlockReader


class GroupMoments:
    """What a pass tells of each group; `numbers_of` gives the number, 0 or 1, of each row's."""

    def __init__(self, numbers_of: Callable[[PoolBlock], Numbers]) -> None:
        self.of_groups, self.numbers_of = (PoolMoments(), PoolMoments()), numbers_of

    def add(self, block: PoolBlock) -> None:
        """See a block more."""
        numbers, rows = self.numbers_of(block), block.side_by_side
        for group, seen in enumerate(self.of_groups):
            inside = numbers == group
            if inside.any():
                seen.add(PoolBlock(seen.count, _some(rows, inside), block.shares))

    def merge(self, other: GroupMoments) -> None:
        """See what another one has seen."""
        for mine, its in zip(self.of_groups, other.of_groups, strict=True):
            mine.merge(its)


def _some(rows: NDArray[Any], inside: NDArray[np.bool_]) -> NDArray[Any]:
    """Rows (n, k) by a mask, which is fastest of vectors."""
    return rows[:, 0][inside][:, None] if rows.shape[1] == 1 else rows[inside]


def moments_of_groups(pool: Pool, numbers: Numbers) -> tuple[PoolMoments, PoolMoments]:
    """Of a pool whose rows' groups (m,) are known."""
    return pool.summarized(
        GroupMoments(lambda block: numbers[block.start : block.start + len(block)])
    ).of_groups


def numbers_of_indicators(block: PoolBlock) -> Numbers:
    """Of rows whose covariates are the indicators of both groups."""
    assert block.X is not None
    return block.X.rows[:, 1].astype(np.intp)


def moments_of_groups_in_blocks(
    pool: Pool, groups: PoolSource, names: NDArray[Any]
) -> tuple[PoolMoments, PoolMoments]:
    """Of a pool whose rows' groups come in blocks, too."""
    reader = BlockReader(groups, "group_unlabeled", partial(_read, names))

    def numbers_of(block: PoolBlock) -> Numbers:
        values = reader.next(len(block), block.start)
        numbers = numbers_of_groups(values, names)
        check_no_strangers(values, numbers, names)
        return numbers

    found = pool.summarized(GroupMoments(numbers_of)).of_groups
    reader.check_end(len(pool))
    return found


def _read(names: NDArray[Any], block: Any, name: str) -> NDArray[Any]:
    """The group of each row (n,) of a block, whose categories, if they are ordered, have the two names in their order."""
    column = GroupColumn.of(block, name)
    missing = count_missing(column.values)
    if missing:
        raise ValueError(f"{name} has {missing} NaN; expected a group for each row.")
    order = [one for one in column.order or () if one in list(names)]
    if len(order) == 2 and order != list(names):
        raise ValueError(
            f"The categories of {name} are in the order {order} and the groups of labeled rows in the order {names.tolist()}; expected one order for both. Give "
            "group the same ordered categories."
        )
    return column.values
