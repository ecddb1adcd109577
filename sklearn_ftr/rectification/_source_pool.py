"""A pool whose predictions, and covariates, are read from sources: block by block, checked as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checkpoint import Checkpoint
from sklearn_ftr.rectification._checks import Array, as_pool_array, count_non_finite
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._moments import as_table
from sklearn_ftr.rectification._pool import BLOCK_ROWS, Pool, PoolBlock, S
from sklearn_ftr.rectification._pool_moments import PoolMoments
from sklearn_ftr.rectification._pool_source import PoolSource

Values = NDArray[Any]
_LARGEST = 1e150


class SourcePool(Pool):
    """Rows of a source.

    Parameters
    ----------
    f : PoolSource
        Of predictions, in arrays or tables (n,) or (n, j), or (n, k, j).
    n_columns : int
        Numbers that they have for each row.
    X : PoolSource, default=None
        Of covariates of the same rows, in blocks of any size.
    seen : callable, default=None
        Makes a Design of covariates (n, d).
    limits : tuple of two float, default=None
        Where predictions are clipped to.
    """

    def __init__(
        self,
        f: PoolSource,
        n_columns: int,
        X: PoolSource | None = None,
        seen: Callable[[Values], Design] | None = None,
        limits: tuple[float, float] | None = None,
    ) -> None:
        self.f, self.n_columns, self.X, self.seen, self.limits = f, n_columns, X, seen, limits
        self._n_rows: int | None = None

    def __len__(self) -> int:
        if self._n_rows is None:
            self._n_rows = self.f.count()
        if self._n_rows is None:
            self._n_rows = self.f.n_rows = sum(len(block) for block in self._blocks())
        return self._n_rows

    @property
    def is_empty(self) -> bool:
        """Not before it has been read."""
        return self._n_rows == 0

    def blocks(self) -> Iterator[PoolBlock]:
        """As the sources give them, those that are large in pieces."""
        end = 0
        for block in self._blocks():
            end = block.start + len(block)
            yield from block.pieces(BLOCK_ROWS)
        self._n_rows = self.f.n_rows = end

    def summarized(self, summary: S) -> S:
        """From where an earlier run has come to, if its progress is kept."""
        if self.f.checkpoint is None:
            return super().summarized(summary)
        blocks = (partial(_itself, block) for block in self.blocks())
        found, self._n_rows = Checkpoint(self.f.checkpoint).summarized(blocks, summary)
        return found

    def _blocks(self) -> Iterator[PoolBlock]:
        start, rows = 0, None
        if self.X is not None:
            rows = BlockReader(self.X, "X_unlabeled", _covariates)
        for number, block in enumerate(self.f.blocks()):
            f = self._numbers(block, number, start)
            yield PoolBlock(start, (f,), self.shares, self._design(rows, len(f), start))
            start += len(f)
        if rows is not None:
            rows.check_end(start)

    def _numbers(self, block: Any, number: int, start: int) -> Values:
        name = f"Block {number} of f_unlabeled (from row {start} on)"
        f = as_pool_array(block, name, 3)
        f = f.reshape(len(f), -1) if len(f) else np.empty((0, self.n_columns))
        if f.shape[1] != self.n_columns:
            raise ValueError(
                f"{name} has {f.shape[1]} columns and f has {self.n_columns}; expected the same number of columns. "
                "PoolSource(..., columns=...) chooses some."
            )
        f = check_block(f, name)
        return f if self.limits is None else np.clip(f.astype(np.float64, copy=False), *self.limits)

    def _design(self, rows: BlockReader | None, n: int, start: int) -> Design | None:
        if rows is None or self.seen is None:
            return None
        return self.seen(rows.next(n, start))


def _itself(block: PoolBlock) -> PoolBlock:
    return block


class BlockReader:
    """Rows of a source, as many as are asked for, from blocks of any size."""

    def __init__(self, source: PoolSource, name: str, read: Callable[[Any, str], Values]) -> None:
        self.blocks, self.name, self.read = enumerate(source.blocks()), name, read
        self.ready: list[Values] = []

    def next(self, n: int, start: int) -> Values:
        """Those that follow the first `start` rows."""
        while sum(map(len, self.ready)) < n and self._takes_one_more():
            pass
        known = sum(map(len, self.ready))
        if known < n:
            raise ValueError(
                f"{self.name} has {start + known} rows and f_unlabeled has {start + n} or more; expected as many rows of both, in the same order."
            )
        rows = self.ready[0] if len(self.ready) == 1 else np.concatenate(self.ready or [np.empty(0)])
        self.ready = [rows[n:]] if len(rows) > n else []
        return rows[:n]

    def check_end(self, m: int) -> None:
        """That no row is left after m of them."""
        if self.ready or self._takes_one_more():
            raise ValueError(
                f"{self.name} has more rows than the {m} of f_unlabeled; expected as many rows of both, in the same order."
            )

    def _takes_one_more(self) -> bool:
        for number, block in self.blocks:
            if len(block):
                self.ready.append(self.read(block, f"Block {number} of {self.name}"))
                return True
        return False


def _covariates(block: Any, name: str) -> Values:
    return check_block(as_table(as_pool_array(block, name)), name)


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
        if not isinstance(summary, PoolMoments):
            self.blocks()
        summary.merge(self.known)  # type: ignore[arg-type]
        return summary


def check_block(rows: Values, name: str) -> Values:
    """Finite numbers, whose squares do not overflow; no array is made where all is well."""
    flat = rows.reshape(-1)
    with np.errstate(all="ignore"):
        squares = float(np.einsum("i,i->", flat, flat, dtype=np.float64)) if flat.size else 0.0
    if squares < _LARGEST**2:
        return rows
    if not np.isfinite(rows).all():
        raise ValueError(f"{name} has {count_non_finite(rows)}; expected finite numbers only.")
    raise ValueError(f"{name} has values whose squares overflow; divide by a power of ten.")
