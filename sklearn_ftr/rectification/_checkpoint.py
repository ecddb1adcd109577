"""What a pass over a pool has seen so far, kept in a folder, so that one that is killed goes on where it was.

A file is named after what it is of: the first block as models see it, and the summary before anything was added. Another model, other rows or another
question have files of their own, and are never mixed up. Blocks are added in their order, before as after, so that no bit of the answer changes; of
rows that are summarized elsewhere, it is the summaries of parts that are merged in their order.
"""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_ftr.rectification._pool import PoolBlock, S
from sklearn_ftr.rectification._pool_rows import PoolRows

# Makes a block: reads it, and predicts it.
Make = Callable[[], PoolBlock]
# Seconds between two times at which progress is written down.
_SECONDS = 5.0


@dataclass(frozen=True)
class Progress:
    """After so many blocks or parts, with so many rows, and whether these were all."""

    summary: Any
    n_blocks: int
    n_rows: int
    is_complete: bool


class Checkpoint:
    """A folder for the progress of passes.

    Parameters
    ----------
    folder : path
        Made if it is not there. Files in it are read by pickle: nobody else may write to it.
    drawn : PoolRows, default=None
        How all rows were drawn, under a sampling design.
    cut : bytes, default=b""
        How rows are cut into parts.
    """

    def __init__(
        self, folder: str | os.PathLike[str], drawn: PoolRows | None = None, cut: bytes = b""
    ) -> None:
        self.folder, self.drawn, self.cut = Path(folder), drawn, cut

    def summarized(self, blocks: Iterator[Make], summary: S) -> tuple[S, int]:
        """The summary after a pass, and the number of rows; blocks that were added before are not made again."""
        first = next(blocks, None)
        if first is None:
            return summary, 0
        start = first()
        path = self._path_of(start, summary)
        known = self._read(path, summary)
        if known.is_complete:
            return known.summary, known.n_rows
        steps = _added(chain([lambda: start], blocks), known)
        ended = self._write_along(path, known, steps)
        return ended.summary, ended.n_rows

    def merged(self, first: PoolBlock, results: Callable[[int], Iterator[S]], summary: S) -> S:
        """The summary after those of all parts have been merged into it, in their order; parts that were merged before are not asked for again.

        Parameters
        ----------
        first : PoolBlock
            Some first rows, as models see them.
        results : callable
            Gives the summaries of all parts but the first k.
        summary : Summary
        """
        path = self._path_of(first, summary)
        known = self._read(path, summary)
        if known.is_complete:
            return known.summary
        return self._write_along(path, known, _merged(results, known)).summary

    def _path_of(self, block: PoolBlock, summary: Any) -> Path:
        digest = blake2b(pickle.dumps(summary) + self.cut, digest_size=16)
        covariates = [] if block.X is None else [block.X.rows]
        for values in (block.side_by_side, *covariates, *_columns_of(self.drawn)):
            digest.update(np.ascontiguousarray(values).data)
        return self.folder / f"{digest.hexdigest()}.pass"

    def _write_along(self, path: Path, known: Progress, steps: Iterator[Progress]) -> Progress:
        """The last step, when all are done; they are written down now and then."""
        written = time.monotonic()
        for known in steps:
            if time.monotonic() - written >= _SECONDS:
                self._write(path, known)
                written = time.monotonic()
        ended = replace(known, is_complete=True)
        self._write(path, ended)
        return ended

    def _read(self, path: Path, summary: Any) -> Progress:
        if path.exists():
            known: Progress = pickle.loads(path.read_bytes())
            return known
        return Progress(summary, 0, 0, is_complete=False)

    def _write(self, path: Path, progress: Progress) -> None:
        """All of it or nothing: under another name first, which then takes the place of the old file."""
        new = path.with_suffix(".new")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with new.open("wb") as file:
                file.write(pickle.dumps(progress))
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except OSError as error:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise OSError(
                f"The progress of a pass over the pool could not be written to {self.folder} ({error}). What was written before is still there: make room, or "
                "give another folder, and run the same again."
            ) from error


def _added(blocks: Iterator[Make], known: Progress) -> Iterator[Progress]:
    """After each block that is not known."""
    for number, make in enumerate(blocks, start=1):
        if number > known.n_blocks:
            block = make()
            known.summary.add(block)
            rows = block.start + len(block)
            yield replace(known, n_blocks=number, n_rows=rows)


def _merged(results: Callable[[int], Iterator[Any]], known: Progress) -> Iterator[Progress]:
    """After each part that is not known."""
    for number, one in enumerate(results(known.n_blocks), start=known.n_blocks + 1):
        known.summary.merge(one)
        yield replace(known, n_blocks=number)


def _columns_of(drawn: PoolRows | None) -> list[Any]:
    """Each that there is after its own letter, so that none is taken for another."""
    if drawn is None:
        return []
    named = {"w": drawn.weights, "p": drawn.pieces, "s": drawn.strata}
    found = [(np.array([ord(name)]), one) for name, one in named.items() if one is not None]
    return [values for pair in found for values in pair]
