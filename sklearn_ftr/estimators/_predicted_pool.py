"""Predictions of unlabeled rows, kept where they are few and made block by block, as they are read, where they are not."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.parallel import Parallel, delayed

from sklearn_ftr._progress import Task, counted_blocks
from sklearn_ftr.estimators._inner_model import mean_prediction
from sklearn_ftr.estimators._own_rows import rows_at_once
from sklearn_ftr.estimators._row_numbers import RowNumbers
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._pool import Pool, PoolBlock, runs_of_rows, side_by_side

Rows = NDArray[np.intp]
# Predictions that are kept in memory; more of them are made when they are read or, for whoever reads them again, kept on disk.
KEPT_BYTES = 64 * 2**20
# Predictions of a block, and rows that it has in any case.
_NUMBERS_AT_ONCE, _FEWEST_ROWS = 2**20, 16_384


def are_few(n_rows: int, n_numbers: int) -> bool:
    """Whether so many predictions of each row may be kept in memory."""
    return 8 * n_rows * n_numbers <= KEPT_BYTES


@dataclass(frozen=True, eq=False)
class PredictedPart:
    """Unlabeled rows, and one or more models that predict all of them.

    Parameters
    ----------
    models : sequence of K estimators
    X : whatever the models read
        All rows of the fit.
    rows : ndarray of int of shape (m,)
        Those to predict.
    n_outputs : int
    n_jobs : int or None
        Models that predict at the same time.
    kept : sequence of K arrays (m, k), or `Spool`, default=None
        Predictions that have been made.
    judgements : ndarray of shape (n_rows, j), default=None
        What judges say of all rows of the fit, beside the models.
    functions : sequence of callable
        Applied to predictions, one after the other.
    """

    models: Sequence[BaseEstimator]
    X: Any
    rows: Rows | RowNumbers
    n_outputs: int
    n_jobs: int | None = None
    kept: Sequence[Any] | None = None
    judgements: Array | None = None
    functions: Sequence[Callable[[Array], Array]] = field(default=())

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_columns(self) -> int:
        """Of each model's predictions, with judges beside them."""
        return self.n_outputs + (0 if self.judgements is None else self.judgements.shape[1])

    @property
    def n_at_once(self) -> int:
        """Rows of a block: where models work side by side, as many as may be kept."""
        n_numbers = self.n_outputs * len(self.models)
        at_once = min(rows_at_once(self.X), max(_NUMBERS_AT_ONCE // n_numbers, _FEWEST_ROWS))
        if self.kept is not None or self.n_jobs in (None, 1):
            return at_once
        return max(KEPT_BYTES // (8 * n_numbers), at_once)

    def predictions(self, part: slice) -> Array:
        """Of some of the rows (n, K j), those of the first model first."""
        of_models = self._made(part) if self.kept is None else [f[part] for f in self.kept]
        judged = None if self.judgements is None else self.judgements[self.rows[part]]
        made = (finished(f, judged, self.functions) for f in of_models)
        return side_by_side(made, len(self.models), np.float64)

    def only(self, chosen: Any) -> PredictedPart:
        """Some of the rows, by a mask (m,)."""
        kept = None if self.kept is None else [f[chosen] for f in self.kept]
        return replace(self, rows=self.rows[chosen], kept=kept)

    def in_memory_or_on_disk(self) -> PredictedPart:
        """With predictions that are made now and kept, for whoever reads them more than once."""
        if self.kept is not None:
            return self
        few = are_few(len(self), self.n_outputs * len(self.models))
        kept: list[Any] = [Spool(self.n_outputs, in_memory=few) for _ in self.models]
        with self.counted() as told:
            for part in self.slices():
                for spool, f in zip(kept, self._made(part), strict=True):
                    spool.append(f)
                told.advance(part.stop - part.start)
        return replace(self, kept=kept)

    def counted(self) -> Task:
        """A pass over the rows; nothing if what it reads is in memory."""
        return counted_blocks("pool", 0 if self.kept is not None else len(self), self.n_at_once)

    def slices(self) -> Iterator[slice]:
        """All rows, block by block."""
        for start in range(0, len(self), self.n_at_once):
            yield slice(start, min(start + self.n_at_once, len(self)))

    def _made(self, part: slice) -> list[Array]:
        """Narrow: whoever keeps them widens them."""
        told = self.X, self.rows[part], self.n_outputs, True
        if self.n_jobs in (None, 1) or len(self.models) == 1:
            return [mean_prediction(model, *told) for model in self.models]
        parallel = Parallel(n_jobs=self.n_jobs)
        return list(parallel(delayed(mean_prediction)(model, *told) for model in self.models))


def finished(f: Array, judged: Array | None, functions: Sequence[Callable[[Array], Array]]) -> Array:
    """Predictions (n, k) of a model with what judges say beside them, after the functions."""
    if judged is not None:
        f = np.hstack([f, judged])
    for function in functions:
        f = function(f.astype(np.float64, copy=False))
    return f


class PredictedPool(Pool):
    """Unlabeled rows whose predictions are made, or looked up, as stage 2 reads them.

    Parameters
    ----------
    part : PredictedPart
    shares : ndarray of shape (K,)
        Weights of its models.
    design_of : callable, default=None
        Gives the covariates of some rows.
    """

    def __init__(
        self,
        part: PredictedPart,
        shares: Array,
        design_of: Callable[[Rows], Design] | None = None,
    ) -> None:
        self.part, self.shares, self.design_of = part, shares, design_of
        self.n_columns, self.n_models = part.n_columns, len(part.models)

    def __len__(self) -> int:
        return len(self.part)

    @cached_property
    def average(self) -> Any:
        """See `Pool`; what is kept of one model is not copied."""
        part, kept = self.part, self.part.kept
        as_kept = part.judgements is None and not part.functions and part.n_outputs == 1
        if kept is not None and len(kept) == 1 and as_kept and isinstance(kept[0], np.ndarray):
            return kept[0][:, 0]
        return super().average

    def blocks(self) -> Iterator[PoolBlock]:
        """Every model sees a block before any sees the next."""
        return self.part.counted().through(map(self._block, self.part.slices()), len)

    def some_rows(self, n: int) -> list[PoolBlock]:
        """See `Pool`; the others are not predicted."""
        return [self._block(slice(*run)) for run in runs_of_rows(len(self), n)]

    def _block(self, rows: slice) -> PoolBlock:
        return PoolBlock(
            rows.start,
            self.part.predictions(rows),
            self.shares,
            self.design_of(self.part.rows[rows]) if self.design_of else None,
            self.drawn_between(rows.start, rows.stop),
        )


class Spool:
    """Rows (m, k) of numbers that are written once and read often: in memory, or in a temporary file that goes when the spool does."""

    def __init__(self, k: int, in_memory: bool) -> None:
        self.k, self.blocks = k, list[Array]()
        self.file = None if in_memory else tempfile.TemporaryFile()  # noqa: SIM115
        if self.file is not None:
            weakref.finalize(self, self.file.close)

    def append(self, rows: Array) -> None:
        """After those that are there."""
        if self.file is None:
            self.blocks.append(rows.astype(np.float64, copy=False))
        else:
            self._write(np.ascontiguousarray(rows, dtype=np.float64).tobytes())

    def _write(self, told: bytes) -> None:
        assert self.file is not None
        try:
            self.file.write(told)
            self.file.flush()
        except OSError as error:
            raise OSError(
                f"Predictions of the pool could not be written to a temporary file in {tempfile.gettempdir()} ({error}); make room, or set TMPDIR to a folder "
                "that has some."
            ) from error

    def __getitem__(self, rows: slice) -> Array:
        if self.file is None:
            if len(self.blocks) > 1:
                self.blocks = [np.concatenate(self.blocks)]
            return self.blocks[0][rows]
        length = 8 * self.k
        told = os.pread(self.file.fileno(), length * (rows.stop - rows.start), length * rows.start)
        return np.frombuffer(told).reshape(-1, self.k)
