"""Where the rows of a pool come from, if not from an array: functions, files, datasets and whatever else gives blocks of rows one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from sklearn_ftr._arguments import ArgumentTypeError, shown

# Rows of a file that are read at once.
_FILE_ROWS = 65_536
_PATHS = (str, Path)


@runtime_checkable
class Blocks(Protocol):
    """Anything that gives all rows of a pool in blocks, and gives them again when it is asked again."""

    def blocks(self) -> Iterator[Any]:
        """Arrays or tables, one after the other."""


class PoolSource:
    """Rows of a pool that are read block by block, so that the pool need not fit into memory.

    The functions of this package make one of whatever has blocks; by itself it is needed to say more than that.

    Parameters
    ----------
    source : callable, iterator, path, list of paths, dataset, array-like or object with `blocks`
        Where blocks, arrays or tables of a few thousand to a million rows each, come from:

        - a function without arguments that returns an iterator over them,
        - an object whose method `blocks` does,
        - the path of a Parquet, Arrow (Feather), CSV or .npy file, or of a folder of such files, or a list of paths: read by pyarrow (extra
          `files`), .npy by numpy,
        - a dataset of pyarrow,
        - an iterator or generator, which can be read once: enough for a mean or a difference of means.
    columns : str or list of str, default=None
        Columns of the tables that are wanted, and in which order; a single name makes a vector of them. None is all.
    n_rows : int, default=None
        How many rows there are, where that is known and the source does not say; else they are counted, in a pass of its own where they are needed first.

    checkpoint : path of a folder, default=None
        Where the progress of passes over the pool is written down, every few seconds. The same call after a crash, with the same `random_state`, goes on where
        it was and has the same answer to the last bit; blocks are read again up to there, but not predicted. Files are read by pickle: nobody else
        may write to the folder.

    Raises
    ------
    TypeError
        A source that has no blocks.
    ImportError
        Files without pyarrow.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import PoolSource, rectify_mean
    >>> rng = np.random.default_rng(0)
    >>> human = rng.normal(3.0, 1.0, size=100)
    >>> judge = human + rng.normal(0.4, 0.5, size=100)
    >>> def blocks():
    ...     for seed in range(10):
    ...         yield np.random.default_rng(seed + 1).normal(3.4, 1.1, size=100_000)
    >>> rectify_mean(human, judge, PoolSource(blocks)).n_unlabeled
    1000000
    """

    def __init__(
        self,
        source: Any,
        *,
        columns: str | Sequence[str] | None = None,
        n_rows: int | None = None,
        checkpoint: str | Path | None = None,
    ) -> None:
        if not (has_blocks(source) or hasattr(source, "__array__") or isinstance(source, list)):
            raise ArgumentTypeError(
                f"The source of a pool is {shown(source)}, of type {type(source).__name__}; expected a function that returns an iterator over blocks of "
                "rows, an iterator, paths of files, a dataset of pyarrow, or an object with a method `blocks`."
            )
        self.source = source
        self.columns = columns
        self.n_rows = n_rows
        self.checkpoint = checkpoint
        self._is_used_up = False

    @property
    def reads_once(self) -> bool:
        """Whether the rows are gone once they have been read."""
        return hasattr(self.source, "__next__")

    def __repr__(self) -> str:
        return f"PoolSource({shown(self.source)})"

    def count(self) -> int | None:
        """How many rows there are, as far as that is known without reading them.

        Returns
        -------
        int or None
        """
        if self.n_rows is None and not self.reads_once:
            self.n_rows = _known_count(self.source)
        return self.n_rows

    def blocks(self) -> Iterator[Any]:
        """All blocks, from the first one on.

        Yields
        ------
        array or table

        Raises
        ------
        ValueError
            An iterator that has been read already.
        """
        if self.reads_once:
            if self._is_used_up:
                raise ValueError(
                    "The pool is an iterator, whose rows are gone once they have been read, and they are needed once more. Pass the function that makes "
                    "the iterator, without calling it."
                )
            self._is_used_up = True
        for block in _blocks_of(self.source, self.columns):
            yield block if self.columns is None else _chosen(block, self.columns)


def has_blocks(values: Any) -> bool:
    """Whether rows come in blocks, and not as an array, a table or a list of numbers."""
    if isinstance(values, PoolSource | str | Path | Blocks) or hasattr(values, "__next__"):
        return True
    if _is_dataset(values):
        return True
    if isinstance(values, list | tuple):
        return bool(values) and all(isinstance(one, _PATHS) for one in values)
    return callable(values) and not hasattr(values, "__array__")


def source_of(values: Any) -> PoolSource:
    """What a user has passed, as a source."""
    return values if isinstance(values, PoolSource) else PoolSource(values)


def _is_dataset(values: Any) -> bool:
    return hasattr(values, "to_batches") and hasattr(values, "count_rows")


def _known_count(source: Any) -> int | None:
    if _is_file(source) and not _is_numpy(source):
        return int(_dataset(source).count_rows())
    if _is_dataset(source):
        return int(source.count_rows())
    if _is_file(source):
        return sum(len(np.load(path, mmap_mode="r")) for path in _paths(source))
    return len(source) if hasattr(source, "__len__") and not isinstance(source, Blocks) else None


def _blocks_of(source: Any, columns: Any) -> Iterator[Any]:
    if isinstance(source, Blocks):
        yield from source.blocks()
    elif _is_file(source) and _is_numpy(source):
        for path in _paths(source):
            yield np.load(path, mmap_mode="r")
    elif _is_file(source) or _is_dataset(source):
        names = [columns] if isinstance(columns, str) else columns
        yield from _batches(source if _is_dataset(source) else _dataset(source), names)
    elif hasattr(source, "__next__"):
        yield from source
    elif callable(source) and not hasattr(source, "__array__"):
        yield from source()
    else:
        yield source


def _batches(dataset: Any, columns: Any) -> Iterator[Any]:
    """One after the other: reading ahead would hold more of the pool than is asked for."""
    for batch in dataset.to_batches(
        columns=columns, batch_size=_FILE_ROWS, batch_readahead=1, fragment_readahead=1
    ):
        if len(batch):
            yield batch


def _is_file(source: Any) -> bool:
    return isinstance(source, _PATHS) or (isinstance(source, list | tuple) and has_blocks(source))


def _paths(source: Any) -> list[Any]:
    return [source] if isinstance(source, _PATHS) else list(source)


def _is_numpy(source: Any) -> bool:
    return all(Path(path).suffix == ".npy" for path in _paths(source))


def _dataset(source: Any) -> Any:
    try:
        from pyarrow import dataset  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError(
            "Files of a pool need pyarrow, which is not installed; pip install 'sklearn-ftr[files]' brings it."
        ) from error
    paths = _paths(source)
    missing = [str(path) for path in paths if not Path(path).exists()]
    if missing:
        raise FileNotFoundError(f"There is no file or folder {missing[0]!r} with rows of the pool.")
    kind = _format_of(paths[0])
    return dataset.dataset(
        str(paths[0]) if len(paths) == 1 else [str(path) for path in paths], format=kind
    )


def _format_of(path: Any) -> str:
    path = Path(path)
    if path.is_dir():
        path = next((one for one in sorted(path.rglob("*")) if one.is_file() and one.suffix), path)
    formats = {".feather": "feather", ".arrow": "feather", ".csv": "csv"}
    return formats.get(path.suffix, "parquet")


def _chosen(block: Any, columns: str | Sequence[str]) -> Any:
    """The columns of a table; a vector of a single one."""
    if not hasattr(block, "column_names"):
        return block[columns if isinstance(columns, str) else list(columns)]
    block = block.select([columns] if isinstance(columns, str) else list(columns))
    return block.column(0) if isinstance(columns, str) else block
