"""Files with rows of a pool: Parquet, Arrow (Feather) and CSV, which pyarrow reads, and .npy, which numpy does; in pieces, so that none is ever held whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_ftr.rectification._columns_of_blocks import check_columns

# Rows that are read at once.
FILE_ROWS = 65_536
_FORMATS = {".npy": "npy", ".feather": "feather", ".arrow": "feather", ".csv": "csv"}
_COMPRESSIONS = (".gz", ".bz2", ".zst", ".lz4")


def file_blocks(paths: Sequence[Any], columns: Any) -> Iterator[Any]:
    """Rows of all files, one after the other, those of a folder in the order of their names."""
    for kind, files in _by_format(paths):
        if kind == "npy":
            for path in files:
                yield from _slices(path)
        else:
            yield from dataset_batches(_dataset(files, kind), columns)


def dataset_batches(dataset: Any, columns: Any) -> Iterator[Any]:
    """One after the other: reading ahead would hold more of the pool than is asked for."""
    names = [columns] if isinstance(columns, str) else columns
    check_columns(names, dataset.schema.names)
    for batch in dataset.to_batches(
        columns=names, batch_size=FILE_ROWS, batch_readahead=1, fragment_readahead=1
    ):
        if len(batch):
            yield batch


def rows_of_files(paths: Sequence[Any]) -> int:
    """How many rows the files have; those of CSV have to be read for it."""
    return sum(
        sum(len(np.load(path, mmap_mode="r")) for path in files)
        if kind == "npy"
        else int(_dataset(files, kind).count_rows())
        for kind, files in _by_format(paths)
    )


def _slices(path: Path) -> Iterator[Any]:
    rows = np.load(path, mmap_mode="r")
    for start in range(0, len(rows), FILE_ROWS):
        yield rows[start : start + FILE_ROWS]


def _by_format(paths: Sequence[Any]) -> list[tuple[str, list[Path]]]:
    """Adjacent files of one format together."""
    files = [file for path in paths for file in _files_of(Path(path))]
    return [(kind, list(some)) for kind, some in groupby(files, _format_of)]


def _files_of(path: Path) -> list[Path]:
    """The file itself, or all files in a folder and its folders that are not hidden."""
    if not path.exists():
        raise FileNotFoundError(f"There is no file or folder {str(path)!r} with rows of the pool.")
    if not path.is_dir():
        return [path]
    inside = (one for one in sorted(path.rglob("*")) if one.is_file())
    files = [one for one in inside if not _is_hidden(one.relative_to(path))]
    if not files:
        raise FileNotFoundError(f"The folder {str(path)!r} has no files with rows of the pool.")
    return files


def _is_hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _format_of(path: Path) -> str:
    suffixes = path.suffixes
    if suffixes and suffixes[-1] in _COMPRESSIONS:
        suffixes = suffixes[:-1]
    return _FORMATS.get(suffixes[-1] if suffixes else "", "parquet")


def _dataset(files: Sequence[Path], kind: str) -> Any:
    try:
        from pyarrow import dataset  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError(
            "Files of a pool need pyarrow, which is not installed; pip install 'sklearn-ftr[files]' brings it."
        ) from error
    return dataset.dataset([str(file) for file in files], format=kind)
