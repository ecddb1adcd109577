"""Unlabeled rows beside those of X, which are read block by block and never held at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any

from sklearn_ftr._progress import Task, counted
from sklearn_ftr._sklearn_private import num_samples
from sklearn_ftr._tables import column_names, shape_of
from sklearn_ftr.estimators._dask_rows import DaskRows, MakeBlock
from sklearn_ftr.estimators._own_rows import own_rows, rows_at_once, rows_of
from sklearn_ftr.rectification._checkpoint import Checkpoint
from sklearn_ftr.rectification._pool import PoolBlock, S, runs_of_rows, within_block
from sklearn_ftr.rectification._pool_rows import PoolRows, drawn_between
from sklearn_ftr.rectification._pool_source import PoolSource, check_rows, has_blocks, source_of


class MoreRows:
    """Rows of a source, as models read them.

    Parameters
    ----------
    source : PoolSource
    like : sequence of str or None
        Names of the columns that every block is to have, if X has any.
    frame : type or None
        A data frame of pandas or polars, if X is one: tables of pyarrow become the same.
    checkpoint : path or None
        Of a folder for the progress of passes; None is that of the source, if it has one.
    """

    def __init__(
        self,
        source: PoolSource,
        like: list[Any] | None,
        frame: type[Any] | None,
        checkpoint: str | Path | None,
    ) -> None:
        self.source, self.like, self.frame = source, like, frame
        self.checkpoint = source.checkpoint if checkpoint is None else checkpoint
        self._n_rows: int | None = None

    def __len__(self) -> int:
        if self._n_rows is None:
            self._n_rows = self.source.count()
        if self._n_rows is None:
            self._count()
        return int(self._n_rows or 0)

    @property
    def is_known(self) -> bool:
        """Whether the number of rows is, without reading them."""
        return self._n_rows is not None or self.source.count() is not None

    def blocks(self) -> Iterator[tuple[int, Any]]:
        """The number of the first row, and rows; large blocks in pieces."""
        return self._pass().through(self._blocks(), lambda block: num_samples(block[1]))

    def _blocks(self) -> Iterator[tuple[int, Any]]:
        start = 0
        for number, block in enumerate(map(self._as_frame, self.source.blocks())):
            self._check_columns(number, block)
            n = num_samples(block)
            self._check_count(start + n, is_all=False)
            size = rows_at_once(block)
            for first in range(0, n, size):
                rows = slice(first, min(first + size, n))
                yield start + first, rows_of(block, rows)
            start += n
        self._counted(start)

    def some_rows(self, n: int) -> list[tuple[int, Any]]:
        """Runs of about n rows from all over the pool."""
        found, runs = [], runs_of_rows(len(self), n)
        for start, block in self.blocks():
            for low, high in within_block(runs, start, num_samples(block)):
                found.append((start + low, own_rows(block, slice(low, high))))
        return found

    def made(self, make: MakeBlock, drawn: PoolRows | None) -> Iterator[PoolBlock]:
        """What is made of all rows, which were drawn as told."""
        for block in self._makers(make, drawn):
            yield block()

    def summarized(self, make: MakeBlock, summary: S, drawn: PoolRows | None = None) -> S:
        """After a pass over all rows, which were drawn as told."""
        blocks = self._makers(make, drawn)
        if self.checkpoint is not None:
            found, n_rows = Checkpoint(self.checkpoint, drawn).summarized(blocks, summary)
            self._counted(n_rows)
            return found
        for block in blocks:
            summary.add(block())
        return summary

    def _makers(self, make: MakeBlock, drawn: PoolRows | None) -> Iterator[Callable[[], PoolBlock]]:
        """Each makes a block, and says that it is done."""
        with self._pass() as told:
            for start, rows in self._blocks():
                yield partial(_made, make, start, rows, drawn, told)

    def _pass(self) -> Task:
        """That is counted."""
        return counted("pool", len(self) if self.is_known else None)

    def _count(self) -> None:
        """In a pass of its own."""
        with counted("counting the pool", None) as told:
            for block in self.source.blocks():
                told.advance(num_samples(block))
        self._counted(told.done)

    def expect(self, n_rows: int) -> None:
        """That there are so many, unless it is known how many there are."""
        if not self.is_known:
            self._n_rows = n_rows

    def _counted(self, n_rows: int) -> None:
        """So that nobody has to count them again."""
        self._check_count(n_rows, is_all=True)
        self._n_rows = self.source.n_rows = n_rows

    def _check_count(self, n_rows: int, is_all: bool) -> None:
        known = self._n_rows
        if known is not None and (n_rows > known or (is_all and n_rows < known)):
            raise ValueError(
                f"pool has {n_rows}{'' if is_all else ' or more'} rows, and {known} by n_rows, by the entries of the sampling design or when it was read before; "
                "expected as many each time."
            )

    def _as_frame(self, block: Any) -> Any:
        if self.frame is None or type(block).__module__.partition(".")[0] != "pyarrow":
            return block
        return block.to_pandas() if hasattr(self.frame, "iloc") else self.frame(block)

    def _check_columns(self, number: int, block: Any) -> None:
        names = column_names(block)
        if self.like is not None and names is not None and list(names) != self.like:
            raise ValueError(
                f"Block {number} of pool has the columns {names} and X has {self.like}; expected the same in the same order."
            )


def _made(make: MakeBlock, start: int, rows: Any, drawn: PoolRows | None, told: Task) -> PoolBlock:
    n = num_samples(rows)
    block = make(start, rows, drawn_between(drawn, start, n))
    told.reach(start + n, n)
    return block


def more_rows(pool: Any, X: Any, checkpoint: str | Path | None) -> MoreRows | DaskRows | None:
    """The rows that a user has passed beside X: in blocks, or all at once."""
    if pool is None:
        if checkpoint is not None:
            raise ValueError(
                f"checkpoint={str(checkpoint)!r} is given and all rows are in memory, where no progress is kept; expected unlabeled rows in pool=, "
                "or collections of dask. Leave checkpoint out, or pass the unlabeled rows as pool=."
            )
        return None
    if isinstance(pool, DaskRows | MoreRows):
        return _once_more(pool, checkpoint)
    if hasattr(pool, "__len__") and not has_blocks(pool):
        check_rows(pool, len(shape_of(X)))
        pool = PoolSource([pool], n_rows=num_samples(pool))  # a single block
    is_frame = type(X).__module__.partition(".")[0] in ("pandas", "polars")
    frame = type(X) if is_frame else None
    return MoreRows(source_of(pool), column_names(X), frame, checkpoint)


def _once_more(rows: MoreRows | DaskRows, checkpoint: str | Path | None) -> MoreRows | DaskRows:
    """What has been read for another estimator, for this one."""
    rows = copy(rows)
    rows.checkpoint = rows.checkpoint if checkpoint is None else checkpoint
    return rows
