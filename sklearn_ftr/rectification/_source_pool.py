"""A pool whose predictions, and covariates, are read from sources: block by block, checked as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checkpoint import Checkpoint
from sklearn_ftr.rectification._checks import Array, as_pool_array, count_non_finite, have_small_squares
from sklearn_ftr.rectification._columns_of_blocks import ExpectedColumns
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._designed_sampling import SideBySide
from sklearn_ftr.rectification._moments import as_table
from sklearn_ftr.rectification._pool import BLOCK_ROWS, Pool, PoolBlock, S, joined
from sklearn_ftr.rectification._pool_moments import PoolMoments
from sklearn_ftr.rectification._pool_source import PoolSource

Values = NDArray[Any]


class SourcePool(Pool):
    """Rows of a source.

    Parameters
    ----------
    f : PoolSource
        Of predictions, in arrays or tables (n,) or (n, j), or (n, k, j).
    expected : ExpectedColumns
        Numbers that they have for each row.
    """

    def __init__(self, f: PoolSource, expected: ExpectedColumns) -> None:
        self.f, self.expected, self.n_columns = f, expected, expected.n
        self.X: Covariates | None = None
        self.limits: tuple[float, float] | None = None
        self._n_rows = f.n_rows

    def with_covariates(self, X: Covariates, limits: tuple[float, float] | None) -> SourcePool:
        """The same rows with covariates, and predictions that are clipped to limits."""
        pool = SourcePool(self.f, self.expected)
        pool.X, pool.limits = X, limits
        return pool

    def __len__(self) -> int:
        if self._n_rows is None:
            self._n_rows = self.f.count()
        if self._n_rows is None and self.f.reads_once and self.X is None:
            self._n_rows = len(self.average)  # which is kept, since it cannot be had once more
        if self._n_rows is None:
            self._n_rows = sum(len(block) for block in self._blocks())
        return self._n_rows

    @property
    def n_known(self) -> int | None:
        """Not of every source."""
        return self._n_rows

    def blocks(self) -> Iterator[PoolBlock]:
        """As the sources give them, those that are large in pieces."""
        end = 0
        for block in self._blocks():
            end = block.start + len(block)
            yield from block.pieces(BLOCK_ROWS)
        self._check_count(end)
        self._n_rows = end

    def summarized(self, summary: S) -> S:
        """From where an earlier run has come to, if its progress is kept."""
        if self.f.checkpoint is None:
            return super().summarized(summary)
        blocks = (partial(_itself, block) for block in self.blocks())
        found, m = Checkpoint(self.f.checkpoint, self.drawn).summarized(blocks, summary)
        self._check_count(m)
        self._n_rows = m
        return found

    def _check_count(self, m: int) -> None:
        if self._n_rows not in (None, m):
            raise ValueError(
                f"f_unlabeled has {m} rows and had {self._n_rows} by n_rows or when it was read before; expected as many each time. "
                "A function has to make a new iterator over the same rows each time it is called."
            )

    def _blocks(self) -> Iterator[PoolBlock]:
        start, covariates = 0, None if self.X is None else self.X.reader()
        for block, name in _named_blocks(self.f, "f_unlabeled"):
            f = self._numbers(block, f"{name} (from row {start} on)")
            if len(f):
                X = None if covariates is None else covariates.next(len(f), start)
                drawn = self.drawn_between(start, start + len(f))
                yield PoolBlock(start, f, self.shares, X, drawn)
            start += len(f)
        if covariates is not None:
            covariates.check_end(start)

    @cached_property
    def average(self) -> Values:
        """See `Pool`; of rows that have not been counted, 16 bytes a number while they are put together."""
        return joined((block.f for block in self.blocks()), self.n_columns, self._n_rows)

    def _numbers(self, block: Any, name: str) -> Values:
        f = as_pool_array(block, name, 3)
        if not len(f):
            return np.empty((0, self.n_columns))
        f = f.reshape(len(f), -1)
        self.expected.check(block, f.shape[1], name)
        f = check_block(f, name)
        return f if self.limits is None else np.clip(f.astype(np.float64, copy=False), *self.limits)


@dataclass(frozen=True)
class Covariates:
    """Of a pool, in blocks of any size; `seen` makes a Design of rows (n, d)."""

    source: PoolSource
    expected: ExpectedColumns
    seen: Callable[[Values], Design]

    def reader(self) -> BlockReader:
        """From the first row on."""
        return BlockReader(self.source, "X_unlabeled", self._read, self.seen)

    def _read(self, block: Any, name: str) -> Values:
        rows = as_table(as_pool_array(block, name))
        self.expected.check(block, rows.shape[1], name)
        return check_block(rows, name)


def _itself(block: PoolBlock) -> PoolBlock:
    return block


class BlockReader:
    """Rows of a source, as many as are asked for, from blocks of any size, which are `read` and checked; as they are `seen`."""

    def __init__(
        self,
        source: PoolSource,
        name: str,
        read: Callable[[Any, str], Values],
        seen: Callable[[Values], Any] = np.asarray,
    ) -> None:
        self.blocks, self.name, self.read, self.seen = _named_blocks(source, name), name, read, seen
        self.ready: list[Values] = []
        self.n_ready = self.n_seen = 0

    def next(self, n: int, start: int) -> Any:
        """Those that follow the first `start` rows."""
        while self.n_ready < n and self._takes_one_more():
            pass
        if self.n_ready < n:
            raise ValueError(
                f"{self.name} has {self.n_seen} rows and f_unlabeled has {start + n} or more; expected as many rows of both, in the same order."
            )
        rows = self.ready[0] if len(self.ready) == 1 else np.concatenate(self.ready)
        self.ready, self.n_ready = [rows[n:]], len(rows) - n
        return self.seen(rows[:n])

    def check_end(self, m: int) -> None:
        """That no row is left after m of them."""
        if self.n_ready or self._takes_one_more():
            raise ValueError(
                f"{self.name} has more rows than the {m} of f_unlabeled; expected as many rows of both, in the same order."
            )

    def _takes_one_more(self) -> bool:
        for block, name in self.blocks:
            if len(block):
                rows = self.read(block, f"{name} (from row {self.n_seen} on)")
                self.ready.append(rows)
                self.n_ready, self.n_seen = self.n_ready + len(rows), self.n_seen + len(rows)
                return True
        return False


def _named_blocks(source: PoolSource, name: str) -> Iterator[tuple[Any, str]]:
    """Blocks and what they are called; an error of the source says which one could not be read."""
    blocks = source.blocks()
    for number in count():
        called = f"Block {number} of {name}"
        try:
            block = next(blocks)
        except StopIteration:
            return
        except Exception as error:
            error.add_note(f"{called} could not be read.")
            raise
        yield block, called


class SummarizedPool(Pool):
    """Moments in the place of a pool, of all models side by side: enough for a mean."""

    def __init__(self, known: PoolMoments, n_columns: int, shares: Array | None = None) -> None:
        self.known, self.n_columns = known, n_columns
        self.shares = np.ones(1) if shares is None else shares
        self.n_models = len(self.shares)
        if known.count and len(known.mean) != n_columns * self.n_models:
            raise ValueError(
                f"The PoolMoments have {len(known.mean)} columns and f has {n_columns}; expected the same number of columns."
            )

    def __len__(self) -> int:
        return self.known.count

    def blocks(self) -> Iterator[PoolBlock]:
        """There are none any more."""
        raise ValueError(
            "The pool is given as PoolMoments, from which means can be had, but nothing that needs its rows; pass predictions."
        )

    def summarized(self, summary: S) -> S:
        """What is known."""
        if isinstance(summary, PoolMoments):
            summary.merge(self.known.as_rows)
        elif isinstance(summary, SideBySide) and self.drawn is not None:
            self.known.of_pieces.put_into(summary.sums, self.drawn)
        else:
            self.blocks()
        return summary


def check_block(rows: Values, name: str) -> Values:
    """Finite numbers, whose squares do not overflow; no array is made where all is well."""
    if have_small_squares(rows):
        return rows
    if not np.isfinite(rows).all():
        raise ValueError(f"{name} has {count_non_finite(rows)}; expected finite numbers only.")
    raise ValueError(f"{name} has values whose squares overflow; divide by a power of ten.")
