"""Columns of a csv file, checked by what they hold and not by the bytes of the file.

The checksum is over the parsed columns that are used: numbers as floats, texts with each run of white
space as one blank. It holds for every copy of the same table, however it is quoted or compressed.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sklearn_ftr.datasets._cache import ChecksumError

_GZIP = b"\x1f\x8b"
_UNREADABLE = (csv.Error, EOFError, OSError, ValueError, zlib.error)


@dataclass(frozen=True)
class Table:
    """Which columns of the first `n_rows` rows are used, and their checksum; call it to read a file."""

    texts: Sequence[str]
    numbers: Sequence[str]
    n_rows: int
    sha256: str

    def __call__(self, content: bytes, name: str) -> dict[str, list[Any]]:
        """The columns of a csv file, plain or gzipped; ChecksumError unless they are the expected ones."""
        try:
            columns = self._parse(content)
        except _UNREADABLE as error:
            wanted = ", ".join([*self.texts, *self.numbers])
            raise ChecksumError(
                f"{name} cannot be read ({error}); expected a csv file with the columns {wanted}."
            ) from error
        found = content_sha256(columns)
        if found != self.sha256:
            n_rows = len(next(iter(columns.values())))
            raise ChecksumError(
                f"{name} has {n_rows} rows, of which the content has sha256 {found}; expected "
                f"{self.n_rows} rows and {self.sha256}: the file is damaged or of another version."
            )
        return columns

    def _parse(self, content: bytes) -> dict[str, list[Any]]:
        plain = gzip.decompress(content) if content.startswith(_GZIP) else content
        lines = io.StringIO(plain.decode("utf-8-sig"), newline="")
        reader = csv.DictReader(lines, restval="")
        missing = {*self.texts, *self.numbers} - set(reader.fieldnames or ())
        if missing:
            raise ValueError(f"no column {', '.join(sorted(missing))}")
        rows = list(islice(reader, self.n_rows))
        texts = {name: [row[name] for row in rows] for name in self.texts}
        return texts | {name: [float(row[name]) for row in rows] for name in self.numbers}


def content_sha256(columns: Mapping[str, Sequence[Any]]) -> str:
    """Sha256 of the names and values, as JSON in ASCII."""
    canonical = [[name, [_canonical(value) for value in values]] for name, values in columns.items()]
    return hashlib.sha256(json.dumps(canonical).encode("ascii")).hexdigest()


def _canonical(value: str | float) -> str | float:
    return " ".join(value.split()) if isinstance(value, str) else value
