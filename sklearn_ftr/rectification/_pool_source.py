"""Where the rows of a pool come from, if not from an array: functions, files, datasets and whatever else gives blocks of rows one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import GEN_CLOSED, getgeneratorstate, isgenerator
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_ftr._arguments import ArgumentTypeError, check_count, shown
from sklearn_ftr._printed_table import PrintedTable
from sklearn_ftr._short_repr import brief
from sklearn_ftr._shows_table import InNotebooks, table_of_values
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.rectification._columns_of_blocks import chosen_columns
from sklearn_ftr.rectification._dask_collections import is_dask, partitions
from sklearn_ftr.rectification._pool_files import dataset_batches, file_blocks, rows_of_files

_PATHS = (str, Path)
_HINT = "A list is read as rows; if each member is a block of rows, pass PoolSource(the list)."


class PoolSource(InNotebooks, Versioned):
    """Rows of a pool that are read block by block, so that the pool need not fit into memory.

    The functions of this package make one of whatever has blocks; by itself it is needed to say more than that.

    Parameters
    ----------
    source : callable, iterator, path, list, dataset, array-like or object with `blocks`
        Where blocks, arrays or tables of a few thousand to a million rows each, come from:

        - a function without arguments that returns an iterator over them, a new one each time,
        - an object whose method `blocks` does, or over which one can iterate again and again, such as a list of blocks,
        - the path of a Parquet, Arrow (Feather), CSV or .npy file, of a folder of such files, or a list of paths: read by pyarrow (extra
          `files`), .npy by numpy, in the order of the list and of names inside of folders,
        - a dataset of pyarrow,
        - an array or a frame of dask, one partition after the other,
        - an iterator or generator, which can be read once: enough for a mean, a difference of means or a quantile,
        - an array or a table: a single block.
    columns : str or list of str, default=None
        Columns of the tables that are wanted, and in which order; a single name makes a vector of them. None is all.
    n_rows : int, default=None
        How many rows there are, where that is known and the source does not say; else they are counted, in a pass of its own where they are needed first.
    checkpoint : path of a folder, default=None
        Where the progress of passes over the pool is written down, every few seconds. The same call after a crash, with the same `random_state`, goes on where
        it was and has the same answer to the last bit; blocks are read again up to there, but not predicted. Files are read by pickle: nobody else
        may write to the folder. Quantiles keep no progress.

    Raises
    ------
    TypeError
        A source that has no blocks; columns of blocks that have no names.
    ValueError
        Columns that are not there, an iterator whose rows are gone, other numbers of rows than `n_rows` or than in an earlier pass.
    FileNotFoundError
        Files and folders that are not there, when they are read.
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
        if not (has_blocks(source) or hasattr(source, "__array__") or _is_iterable(source)):
            raise ArgumentTypeError(
                f"The source of a pool is {shown(source)}, of type {type(source).__name__}; expected a function that returns an iterator over blocks of "
                "rows, an iterator, paths of files, a dataset of pyarrow, or an object with a method `blocks`."
            )
        self.source = source
        self.columns = columns
        self.n_rows = None if n_rows is None else check_count(n_rows, "n_rows", 0)
        self.checkpoint = checkpoint
        self._last: Any = None

    @property
    def reads_once(self) -> bool:
        """Whether the rows are gone once they have been read."""
        return hasattr(self.source, "__next__")

    def __repr__(self) -> str:
        return f"PoolSource({shown(self.source)})"

    def _table(self) -> PrintedTable:
        rows = "not known" if self.n_rows is None else self.n_rows
        values = {"source": shown(self.source), "columns": brief(self.columns), "rows": rows}
        return table_of_values("Pool read in blocks", values)

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
        for block in self._all():
            yield block if self.columns is None else chosen_columns(block, self.columns)

    def _all(self) -> Iterator[Any]:
        source = self.source
        if is_dask(source):
            return partitions(source, self.columns)
        if _has_method(source):
            return self._new(source.blocks())
        if _are_paths(source):
            return file_blocks(_paths(source), self.columns)
        if _is_dataset(source):
            return dataset_batches(source, self.columns)
        if hasattr(source, "__array__"):
            return iter([source])
        return self._new(source() if _is_function(source) else source)

    def _new(self, blocks: Any) -> Iterator[Any]:
        """An iterator over what a source has given, which has to be another one each time if it can be read once."""
        if hasattr(blocks, "__array__"):  # a single block
            return iter([blocks])
        if not isinstance(blocks, Iterable) or isinstance(blocks, str | Mapping):
            raise ArgumentTypeError(
                f"The source of a pool returned {shown(blocks)}, of type {type(blocks).__name__}; expected an iterator over blocks of rows."
            )
        if hasattr(blocks, "__next__"):
            if blocks is self._last or (
                isgenerator(blocks) and getgeneratorstate(blocks) == GEN_CLOSED
            ):
                raise ValueError(
                    "The pool is an iterator, whose rows are gone once they have been read, and they are needed once more. Pass the function that makes "
                    "the iterator, without calling it; it has to make a new one each time."
                )
            self._last = blocks
        return iter(blocks)


def has_blocks(values: Any) -> bool:
    """Whether rows come in blocks, and not as an array, a table or a list of numbers."""
    if isinstance(values, np.ndarray):
        return False
    if isinstance(values, PoolSource) or _are_paths(values) or hasattr(values, "__next__"):
        return True
    return _has_method(values) or _is_dataset(values) or _is_function(values) or is_dask(values)


def source_of(values: Any) -> PoolSource:
    """What a user has passed, as a source; a list is a list of rows, unless it is one of paths."""
    if isinstance(values, PoolSource):
        return values
    if not isinstance(values, list | tuple) or _are_paths(values):
        return PoolSource(values)
    with read_as_rows(values):
        return PoolSource(np.asarray(values))


@contextmanager
def read_as_rows(values: Any) -> Iterator[None]:
    """Errors about a list say that it was read as rows, if its members may have been meant as blocks of them."""
    try:
        yield
    except ValueError as error:
        if isinstance(error, TypeError) or not is_list_of_arrays(values):
            raise
        raise ValueError(f"{error} {_HINT}") from error


def is_list_of_arrays(values: Any, n_dimensions: int = 1) -> bool:
    """Whether the first member of a list is an array or a table of so many dimensions, or more."""
    is_list = isinstance(values, list | tuple) and len(values) > 0
    return is_list and len(getattr(values[0], "shape", ())) >= n_dimensions


def check_rows(pool: Any, n_dimensions: int) -> None:
    """Refuse a list of blocks where rows of an X of so many dimensions are expected."""
    if is_list_of_arrays(pool, n_dimensions):
        raise ValueError(
            f"pool is a list of {len(pool)} arrays or tables, the first of shape {tuple(pool[0].shape)}; expected rows like those of X. {_HINT}"
        )


def _has_method(values: Any) -> bool:
    return callable(getattr(values, "blocks", None)) and not hasattr(values, "__array__")


def _is_function(values: Any) -> bool:
    return callable(values) and not hasattr(values, "__array__")


def _is_dataset(values: Any) -> bool:
    return hasattr(values, "get_fragments") and hasattr(values, "to_batches")


def _is_iterable(values: Any) -> bool:
    return isinstance(values, Iterable) and not isinstance(values, Mapping)


def _are_paths(values: Any) -> bool:
    if isinstance(values, list | tuple):
        return bool(values) and all(isinstance(one, _PATHS) for one in values)
    return isinstance(values, _PATHS)


def _paths(source: Any) -> list[Any]:
    return [source] if isinstance(source, _PATHS) else list(source)


def _known_count(source: Any) -> int | None:
    if isinstance(source, PoolSource):
        return source.count()
    if _are_paths(source):
        return rows_of_files(_paths(source))
    if _is_dataset(source):
        return int(source.count_rows())
    if is_dask(source):  # of which frames, and arrays after a selection, do not know
        n_rows = source.shape[0]
        return n_rows if isinstance(n_rows, int) else None
    return len(source) if hasattr(source, "__array__") else None
