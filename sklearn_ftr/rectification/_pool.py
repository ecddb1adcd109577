"""The pool's side of a sample, read in blocks from front to back: predictions of rows without labels, and their covariates where an estimand has any.

Blocks are outside and models inside: what K models say of a row is there at once, so that one pass serves all of them. Whatever is to be known of
a pool is a summary of its blocks (`Summary`): empty at first, it adds one block after the other, and merges with that of other blocks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._moments import as_table
from sklearn_ftr.rectification._pool_rows import PoolRows, drawn_between

Values = NDArray[np.floating[Any]]
# Rows that are read at once, and from how many places some rows of a pool come.
BLOCK_ROWS = 65_536
_RUNS = 16


@dataclass(frozen=True, eq=False)
class PoolBlock:
    """Some adjacent rows of a pool.

    Parameters
    ----------
    start : int
        Number of its first row in the pool.
    side_by_side : ndarray of shape (n, K j)
        Predictions by each of K models (one, unless they are cross-fitted) in j columns, those of the first model first.
    shares : ndarray of shape (K,)
        Weight of each model in the prediction of a row.
    X : Design of n rows, default=None
        Covariates.
    drawn : PoolRows of n rows, default=None
        How they were drawn, under a sampling design.
    """

    start: int
    side_by_side: Values
    shares: Array
    X: Design | None = None
    drawn: PoolRows | None = None

    def __len__(self) -> int:
        return len(self.side_by_side)

    @property
    def of_models(self) -> tuple[Values, ...]:
        """Predictions (n, j) of each model."""
        return tuple(np.split(self.side_by_side, len(self.shares), axis=1))

    @cached_property
    def f(self) -> Values:
        """Predictions (n, j): the average of the models."""
        if len(self.shares) == 1:
            return self.side_by_side
        j = self.side_by_side.shape[1] // len(self.shares)
        return np.asarray(self.side_by_side @ np.kron(self.shares, np.eye(j)).T)

    def pieces(self, size: int) -> Iterator[PoolBlock]:
        """The same rows in blocks of at most so many."""
        for start in range(0, len(self), size):
            yield self.part(slice(start, min(start + size, len(self))))

    def part(self, rows: slice) -> PoolBlock:
        """Some of the rows."""
        return replace(
            self,
            start=self.start + rows.start,
            side_by_side=self.side_by_side[rows],
            X=None if self.X is None else self.X.between(rows.start, rows.stop),
            drawn=drawn_between(self.drawn, rows.start, rows.stop - rows.start),
        )

    def copied(self) -> PoolBlock:
        """The rows by themselves: a view keeps the whole block that it is of."""
        X = None if self.X is None else replace(self.X, rows=self.X.rows.copy())
        return replace(self, side_by_side=self.side_by_side.copy(), X=X)


class Summary(Protocol):
    """What is kept of blocks; it can be pickled."""

    def add(self, block: PoolBlock) -> None:
        """See one block more."""

    def merge(self, other: Self) -> object:
        """See all that another one has seen, whose rows come after these."""


S = TypeVar("S", bound=Summary)


class Pool(ABC):
    """Rows without labels, as stage 2 reads them.

    Attributes
    ----------
    n_columns : int
        Columns j of each model's predictions.
    n_models : int
    shares : ndarray of shape (K,)
        Weight of each model.
    drawn : PoolRows or None
        How rows were drawn, under a sampling design, which blocks have with them.
    """

    n_columns: int
    n_models: int = 1
    shares: Array = np.ones(1)
    drawn: PoolRows | None = None

    @abstractmethod
    def __len__(self) -> int:
        """How many rows there are."""

    def __getstate__(self) -> dict[str, Any]:
        """Without what can be had again from the rows."""
        kept = vars(self).items()
        return {name: value for name, value in kept if name not in ("average", "ordered")}

    @property
    def is_empty(self) -> bool:
        """Whether there is surely no row; a pool that has not been read yet may turn out to have none."""
        return self.n_known == 0

    @property
    def n_known(self) -> int | None:
        """How many rows there are, where that is known before any is read."""
        return len(self)

    @abstractmethod
    def blocks(self) -> Iterator[PoolBlock]:
        """All rows, once more from the first one on."""

    def drawn_as(self, rows: PoolRows | None) -> Self:
        """The same rows, with what is known of how they were drawn."""
        if self.drawn is rows:
            return self
        pool = object.__new__(type(self))
        vars(pool).update(vars(self), drawn=rows)
        return pool

    def drawn_between(self, start: int, stop: int) -> PoolRows | None:
        """How some of them were drawn."""
        return drawn_between(self.drawn, start, stop - start)

    @property
    def parts(self) -> Sequence[Pool]:
        """The rows that each of several models has predicted, if each of them has predicted a part; else nothing."""
        return ()

    def summarized(self, summary: S) -> S:
        """The summary, after a pass over all rows."""
        for block in self.blocks():
            summary.add(block)
        return summary

    def some_rows(self, n: int) -> list[PoolBlock]:
        """All rows, if there are at most n, or as many, in some runs of adjacent ones from all over the pool."""
        found, runs = list[PoolBlock](), runs_of_rows(len(self), n)
        for block in self.blocks():
            found += [
                block.part(slice(low, high)).copied()
                for low, high in within_block(runs, block.start, len(block))
            ]
        return found

    @cached_property
    def average(self) -> Values:
        """Predictions (m, j), or (m,) if there is one column, by all models: 8 bytes a number."""
        return joined((block.f for block in self.blocks()), self.n_columns, len(self))

    @cached_property
    def ordered(self) -> Values:
        """Predictions (m,) of a single column in ascending order, as float32 or float64: the array of `average` itself, in its place."""
        f = as_wide(self.average)
        f.sort()
        return f


def side_by_side(of_models: Iterable[NDArray[Any]], n_models: int, dtype: Any = None) -> NDArray[Any]:
    """Predictions (n, K j) from those of K models (n, j), each of which is made when its columns, which are contiguous, are filled; of the first one's type, if no other is
    asked for, and not copied if it is a single one.
    """
    models = iter(of_models)
    first = next(models)
    dtype = first.dtype if dtype is None else dtype
    if n_models == 1:
        return first.astype(dtype, copy=False)
    n, j = first.shape
    table = np.empty((n, n_models * j), dtype=dtype, order="F")
    table[:, :j] = first
    for number, f in enumerate(models, start=1):
        table[:, number * j : (number + 1) * j] = f
    return table


def as_wide(f: Values) -> Values:
    """As float32 or float64; what is one of them is not copied."""
    return f if f.dtype in (np.float32, np.float64) else f.astype(np.float64)


def joined(blocks: Iterable[Values], k: int, m: int | None) -> Values:
    """All rows (m, k), or (m,) of a single column, in the widest type of any; if it is known how many there are, none is held twice."""
    if m is None:
        blocks = list(blocks)
        m = sum(map(len, blocks))
    f, end = np.empty((0, k)), 0
    for block in blocks:
        dtype = np.result_type(f, block) if end else block.dtype
        if not end or dtype != f.dtype:
            f, seen = np.empty((m, k), dtype), f
            f[:end] = seen[:end]
        f[end : end + len(block)] = block[: m - end]
        end += len(block)
    return f[:, 0] if k == 1 else f


def runs_of_rows(m: int, n: int) -> list[tuple[int, int]]:
    """First rows and ends of evenly spaced runs, about n of m rows in all."""
    if m <= n:
        return [(0, m)]
    length = n // _RUNS
    starts = [number * (m - length) // (_RUNS - 1) for number in range(_RUNS)]
    return [(start, start + length) for start in starts]


def within_block(runs: Sequence[tuple[int, int]], start: int, n: int) -> list[tuple[int, int]]:
    """Which of n rows, the first of which is number `start`, are in each run that has any of them."""
    ends = [(max(first, start) - start, min(stop, start + n) - start) for first, stop in runs]
    return [(low, high) for low, high in ends if low < high]


class ArrayPool(Pool):
    """A pool in memory, of which nothing is copied.

    Parameters
    ----------
    of_models : sequence of K arrays, or `Clipped`, of shape (m,) or (m, j)
    X : Design of m rows, default=None
    shares : ndarray of shape (K,), default=None
        Weights of the models; None for one.
    """

    def __init__(
        self,
        of_models: Sequence[Any],
        X: Design | None = None,
        shares: Array | None = None,
    ) -> None:
        self.of_models, self.X = of_models, X
        self.shares = np.ones(1) if shares is None else shares
        self.n_models = len(of_models)
        self.n_columns = as_table(of_models[0][:1]).shape[1]

    def __len__(self) -> int:
        return len(self.of_models[0])

    def blocks(self) -> Iterator[PoolBlock]:
        """Slices of the arrays."""
        for start in range(0, len(self), BLOCK_ROWS):
            rows = slice(start, min(start + BLOCK_ROWS, len(self)))
            yield PoolBlock(
                start,
                side_by_side((as_table(f[rows]) for f in self.of_models), self.n_models),
                self.shares,
                None if self.X is None else self.X.between(rows.start, rows.stop),
                self.drawn_between(rows.start, rows.stop),
            )

    @cached_property
    def average(self) -> Values:
        """The array itself, if there is one model."""
        if self.n_models > 1 or not isinstance(self.of_models[0], np.ndarray):
            return super().average
        f = self.of_models[0]
        return f[:, 0] if f.ndim == 2 and f.shape[1] == 1 else f

    @cached_property
    def ordered(self) -> Values:
        """A copy: the array is the user's."""
        return np.sort(as_wide(self.average))


class PoolOfParts(Pool):
    """Rows of which each of several models has predicted a part, one part after the other."""

    def __init__(self, parts: Sequence[Pool]) -> None:
        self._parts = parts
        self.n_columns = parts[0].n_columns

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    @property
    def parts(self) -> Sequence[Pool]:
        """See `Pool`."""
        return self._parts

    def blocks(self) -> Iterator[PoolBlock]:
        """Those of the first part first."""
        first = 0
        for part in self._parts:
            for block in part.blocks():
                start = first + block.start
                yield replace(block, start=start, drawn=self.drawn_between(start, start + len(block)))
            first += len(part)
