"""Where vectors of texts are kept: in this process, or in a file that others share and that may come to harm."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Found = dict[bytes, Vectors]
_LARGEST_MEMORY = 2**30  # bytes of vectors kept in memory, for each model
_BYTES_BESIDE = 300  # what Python needs beside the numbers of a vector
_LOCK_SECONDS = 20  # to wait for others that write; a block of vectors is written in a fraction of one
# What SQLite says when a file is sound but the disk or others do not let us use it; all else means damage.
_NO_FAULT_OF_THE_FILE = (
    "READONLY",
    "FULL",
    "BUSY",
    "LOCKED",
    "CANTOPEN",
    "PERM",
    "AUTH",
    "IOERR",
    "NOMEM",
)


class EmbeddingCacheWarning(UserWarning):
    """Vectors of texts could not be kept in the folder named by `embedding_cache`."""


class MemoryStore:
    """Vectors by the digest of their text, in this process."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.vectors: Found = {}

    def find(self, keys: Sequence[bytes]) -> Found:
        """Those that are here."""
        return {key: self.vectors[key] for key in keys if key in self.vectors}

    def add(self, vectors: Found) -> None:
        """Keep them until the limit. What came first stays: a pool read over and over is partly known, not never."""
        for key, vector in vectors.items():
            if len(self.vectors) >= self.limit:
                return
            self.vectors[key] = vector.copy()  # not a view that keeps its whole block


def memory_store(n_features: int) -> MemoryStore:
    """A store of at most 1 GiB."""
    return MemoryStore(_LARGEST_MEMORY // (4 * n_features + _BYTES_BESIDE))


class FileStore:
    """The same in an SQLite file, for all processes and sessions that name the folder.

    A vector that is not as it was written is not found. A damaged file is set aside and begun anew. Where the
    file cannot be used (no room, no permission, locked for long), vectors stay in memory, with one warning.
    """

    def __init__(self, folder: Path, name: str, n_features: int) -> None:
        self.path = folder.expanduser().resolve() / f"{name}.sqlite"
        self.given_up = False
        self.memory = memory_store(n_features)

    def find(self, keys: Sequence[bytes]) -> Found:
        """Those that are here, as they were written."""
        return self.memory.find(keys) | (self._attempt(self._read, keys) or {})

    def add(self, vectors: Found) -> None:
        """Keep them."""
        if self._attempt(self._write, vectors) is None:
            self.memory.add(vectors)

    def _attempt(self, action: Callable[[Any], Any], argument: Any) -> Any:
        """The action's result, after a second attempt where the file was damaged; None if the file cannot be used."""
        if self.given_up:
            return None
        try:
            try:
                return action(argument)
            except sqlite3.Error as error:
                if not _is_damage(error):
                    raise
                self._set_aside()
                return action(argument)
        except (sqlite3.Error, OSError) as error:
            self.given_up = True
            warnings.warn(
                f"Vectors of texts cannot be kept in {self.path} ({error}); they stay in this process. Make room or "
                "name another folder in embedding_cache.",
                EmbeddingCacheWarning,
                stacklevel=2,
            )
            return None

    def _read(self, keys: Sequence[bytes]) -> Found:
        found: Found = {}
        if not self.path.exists():
            return found
        with closing(self._connect("rw")) as file:
            # Another process may have made the file, but not yet its table.
            if not file.execute("SELECT 1 FROM sqlite_master WHERE name = 'vectors'").fetchone():
                return found
            for part in _parts(keys):
                marks = ",".join("?" * len(part))
                query = f"SELECT text, vector, checksum FROM vectors WHERE text IN ({marks})"
                for key, vector, checksum in file.execute(query, part):
                    if isinstance(vector, bytes) and checksum == _checksum(key, vector):
                        found[key] = np.frombuffer(vector, dtype=np.float32)
        return found

    def _write(self, vectors: Found) -> bool:
        contents = ((key, vector.astype(np.float32).tobytes()) for key, vector in vectors.items())
        rows = [(key, content, _checksum(key, content)) for key, content in contents]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect("rwc")) as file, file:
            file.execute(
                "CREATE TABLE IF NOT EXISTS vectors (text BLOB PRIMARY KEY, vector BLOB, checksum BLOB)"
            )
            file.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
        return True

    def _connect(self, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(f"{self.path.as_uri()}?mode={mode}", uri=True, timeout=_LOCK_SECONDS)

    def _set_aside(self) -> None:
        """Move the file out of the way of a new one, and its journal, which SQLite would play back into the new one."""
        for ending in ("", "-journal", "-wal", "-shm"):
            path = self.path.with_name(self.path.name + ending)
            with suppress(FileNotFoundError):  # another process was faster
                path.replace(path.with_name(f"{path.name}.damaged"))


def _is_damage(error: sqlite3.Error) -> bool:
    name = getattr(error, "sqlite_errorname", "").removeprefix("SQLITE_")
    return name == "IOERR_SHORT_READ" or not name.startswith(_NO_FAULT_OF_THE_FILE)


def _checksum(key: bytes, vector: bytes) -> bytes:
    return blake2b(vector, key=key, digest_size=8).digest()


def _parts(keys: Sequence[bytes], size: int = 500) -> Iterator[list[bytes]]:
    for start in range(0, len(keys), size):
        yield list(keys[start : start + size])
