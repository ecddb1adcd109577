"""What a pass over a pool has seen so far, kept in a folder, so that one that is killed goes on where it was.

A file is named after what it is of: the first block as models see it, and the summary before anything was added. Another model, other rows or another
question have files of their own, and are never mixed up. Blocks are added in their order, before as after, so that no bit of the answer changes.
"""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_ftr.rectification._pool import PoolBlock, S

# Makes a block: reads it, and predicts it.
Make = Callable[[], PoolBlock]
# Seconds between two times at which progress is written down.
_SECONDS = 5.0


@dataclass(frozen=True)
class Progress:
    """After so many blocks, with so many rows, and whether these were all."""

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
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    def summarized(self, blocks: Iterator[Make], summary: S) -> tuple[S, int]:
        """The summary after a pass, and the number of rows; blocks that were added before are not made again."""
        first = next(blocks, None)
        if first is None:
            return summary, 0
        start = first()
        path = self.folder / f"{_name_of(start, summary)}.pass"
        known = self._read(path) or Progress(summary, 0, 0, is_complete=False)
        if known.is_complete:
            return known.summary, known.n_rows
        return self._go_on(chain([lambda: start], blocks), known, path)

    def _go_on(self, blocks: Iterator[Make], known: Progress, path: Path) -> tuple[Any, int]:
        summary, rows, number, written = known.summary, known.n_rows, 0, time.monotonic()
        for number, make in enumerate(blocks, start=1):
            if number <= known.n_blocks:
                continue
            block = make()
            summary.add(block)
            rows = block.start + len(block)
            if time.monotonic() - written >= _SECONDS:
                self._write(path, Progress(summary, number, rows, is_complete=False))
                written = time.monotonic()
        self._write(path, Progress(summary, number, rows, is_complete=True))
        return summary, rows

    def _read(self, path: Path) -> Progress | None:
        return pickle.loads(path.read_bytes()) if path.exists() else None

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


def _name_of(block: PoolBlock, summary: Any) -> str:
    digest = blake2b(pickle.dumps(summary), digest_size=16)
    for values in (block.side_by_side, *([] if block.X is None else [block.X.rows])):
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
