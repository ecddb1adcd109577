"""Rows in dask collections: labeled ones come to the client, the others stay where they are, and what is known of them comes back.

A partition is read where it is predicted. The client sends every model once, and merges summaries of partitions in their order, so that neither the
number of workers nor one that dies changes any number. Dask is imported by whoever has made a collection of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._sklearn_private import num_samples
from sklearn_ftr._tables import as_floats, import_pandas, refuse_masked
from sklearn_ftr.estimators._dask_graph import Graph, sent
from sklearn_ftr.estimators._own_rows import aligned_rows, own_rows, rows_at_once, rows_of
from sklearn_ftr.estimators._packed_column import PackedColumn, joined_columns
from sklearn_ftr.rectification._checkpoint import Checkpoint
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._dask_collections import is_dask
from sklearn_ftr.rectification._pool import PoolBlock, S, runs_of_rows, within_block
from sklearn_ftr.rectification._pool_rows import PoolRows, drawn_between

Positions = NDArray[np.intp]
# From the number of the first row, some rows and how they were drawn, to what stage 2 reads of them.
MakeBlock = Callable[[int, Any, PoolRows | None], PoolBlock]
# First rows of a pool, which tell, as models see them, what the progress of a pass is of.
_FIRST_ROWS = 1_000


@dataclass(frozen=True, eq=False)
class Partition:
    """Rows that are read together: the key of a table or array in a graph, how many rows it has, and the positions of those with labels."""

    key: Any
    n_rows: int
    labeled: Positions

    def __len__(self) -> int:
        """Unlabeled rows."""
        return self.n_rows - len(self.labeled)


class DaskRows:
    """The unlabeled rows of some partitions, as `MoreRows` has them of a source."""

    def __init__(self, graph: Graph, partitions: Sequence[Partition]) -> None:
        self.graph, self.partitions = graph, partitions
        self.checkpoint: str | Path | None = None
        self.starts = [0, *accumulate(map(len, partitions))]

    def __len__(self) -> int:
        return self.starts[-1]

    @property
    def is_known(self) -> bool:
        """Yes: partitions have been counted."""
        return True

    def expect(self, n_rows: int) -> None:
        """Nothing to learn."""

    def made(self, make: MakeBlock, drawn: PoolRows | None) -> Iterator[PoolBlock]:
        """What workers make of rows, which were drawn as told, one partition after the other."""
        tasks = self._tasks(_make, sent(make), drawn)
        for blocks in self.graph.computed(tasks):
            for block in blocks:
                yield replace(block, drawn=drawn_between(drawn, block.start, len(block)))

    def some_rows(self, n: int) -> list[tuple[int, Any]]:
        """Runs of about n rows; partitions without any are not read."""
        runs, asked = runs_of_rows(len(self), n), []
        for start, partition in zip(self.starts, self.partitions, strict=False):
            for low, high in within_block(runs, start, len(partition)):
                told = partition.key, partition.labeled, low, high
                asked.append((start + low, (_take_unlabeled, *told)))
        tasks = [task for _, task in asked]
        found = self.graph.computed(tasks, of="rows to start from")
        return [(first, aligned_rows(rows)) for (first, _), rows in zip(asked, found, strict=True)]

    def summarized(self, make: MakeBlock, summary: S, drawn: PoolRows | None = None) -> S:
        """Each partition where it is; `drawn` is how its rows were drawn."""
        tasks = self._tasks(_summarize, sent(make), drawn, deepcopy(summary))

        def results(before: int) -> Iterator[S]:
            return self.graph.computed(tasks[before:], before)

        if self.checkpoint is not None and tasks:
            kept = Checkpoint(self.checkpoint, drawn, self._cut())
            return kept.merged(self._first_block(make, drawn), results, summary)
        for one in results(0):
            summary.merge(one)
        return summary

    def _first_block(self, make: MakeBlock, drawn: PoolRows | None) -> PoolBlock:
        """Made on the client: another machine may predict rows otherwise in the last digit."""
        one = next(one for one in self.partitions if len(one))
        n = min(len(one), _FIRST_ROWS)
        task = _take_unlabeled, one.key, one.labeled, 0, n
        (rows,) = self.graph.computed([task], of="first rows")
        return make(0, aligned_rows(rows), drawn_between(drawn, 0, n))

    def _cut(self) -> bytes:
        """How many rows each partition has, and which of them have labels."""
        told = [np.append(one.labeled, one.n_rows).tobytes() for one in self.partitions]
        return b"".join(told)

    def _tasks(
        self, function: Any, make: Any, drawn: PoolRows | None, *more: Any
    ) -> list[tuple[Any, ...]]:
        """A function of each partition with unlabeled rows."""
        return [
            (
                *(function, partition.key, make, start, partition.labeled),
                *(drawn_between(drawn, start, len(partition)), *more),
            )
            for start, partition in zip(self.starts, self.partitions, strict=False)
            if len(partition)
        ]


def gathered(
    X: Any, y: Any, pool: Any, sampling: Mapping[str, Any]
) -> tuple[Any, Array, DaskRows, dict[str, Any]]:
    """Labeled rows and their labels in memory, where the others are, and columns of a sampling design for both in this order, in memory."""
    if pool is not None:
        raise ValueError(
            "X and y are collections of dask, and pool is given; put all rows into X, with NaN in y."
        )
    columns = {"y": y, **{name: values for name, values in sampling.items() if values is not None}}
    _check_collections({"X": X, **columns})
    of_X = Graph.of(X)
    of_columns = {name: Graph.of(values) for name, values in columns.items()}
    for name, graph in of_columns.items():
        if len(of_X.keys) != len(graph.keys):
            raise ValueError(
                f"X has {len(of_X.keys)} partitions and {name} has {len(graph.keys)}; expected the same rows in each. Take both from one data frame, or "
                "rechunk one like the other."
            )
    of_y = of_columns.pop("y")
    tasks: list[Any] = [(_labels_in, key) for key in of_y.keys]
    told = list(of_y.computed(tasks, of="labels"))
    partitions = [
        Partition(key, n, labeled) for key, (n, labeled, _) in zip(of_X.keys, told, strict=True)
    ]
    with_labels = [one for one in partitions if len(one.labeled)]
    labels = np.concatenate([values for *_, values in told])
    if not with_labels:
        n_rows = sum(one.n_rows for one in partitions)
        raise ValueError(
            f"y has no label: all of its {n_rows} rows are NaN (n_samples=0 labeled). NaN marks unlabeled rows; at least some rows need a label."
        )
    tasks = [(_take, one.key, one.labeled, one.n_rows) for one in with_labels]
    rows = list(of_X.computed(tasks, of="labeled rows"))
    design = {name: _whole_column(graph, partitions, name) for name, graph in of_columns.items()}
    return _joined(rows), labels, DaskRows(of_X, partitions), design


def _check_collections(given: Mapping[str, Any]) -> None:
    others = [name for name, values in given.items() if not is_dask(values)]
    if others:
        told = " and ".join(f"{name} is of type {type(given[name]).__name__}" for name in others)
        raise TypeError(
            f"{told}, where the rest of {', '.join(given)} are collections of dask; expected collections of dask, with the same rows in each partition, or "
            "none of them."
        )


def _whole_column(graph: Graph, partitions: Sequence[Partition], name: str) -> NDArray[Any]:
    """A column of all rows, those with labels first."""
    tasks = [
        (_column_in, key, name, one.n_rows, one.labeled)
        for key, one in zip(graph.keys, partitions, strict=True)
    ]
    return joined_columns(list(graph.computed(tasks, of=name)))


def _column_in(
    values: Any, name: str, n_rows: int, labeled: Positions
) -> tuple[PackedColumn, PackedColumn]:
    """Of labeled and of unlabeled rows."""
    refuse_masked(values, name)
    column = np.asarray(values)
    if len(column) != n_rows:
        raise ValueError(
            f"A partition of {name} has {len(column)} rows and that of X {n_rows}; expected the same rows in each. Take both from one data frame."
        )
    rows = labeled, _unlabeled(n_rows, labeled)
    of_labeled, of_others = (PackedColumn.of(column[chosen]) for chosen in rows)
    return of_labeled, of_others


def _labels_in(y: Any) -> tuple[int, Positions, Array]:
    """How many rows, which have a label, and the labels."""
    values = as_floats(y, "y").astype(np.float64, copy=False)
    labeled = ~np.isnan(values) if values.ndim == 1 else ~np.isnan(values).all(axis=1)
    positions = np.flatnonzero(labeled)
    return len(values), positions, values[positions]


def _take(X: Any, rows: Positions, n_rows: int) -> Any:
    if num_samples(X) != n_rows:
        raise ValueError(
            f"A partition of X has {num_samples(X)} rows and that of y {n_rows}; expected the same rows in each. Take both from one data frame."
        )
    return own_rows(X, rows)


def _take_unlabeled(X: Any, labeled: Positions, start: int, stop: int) -> Any:
    return own_rows(X, _unlabeled(num_samples(X), labeled)[start:stop])


def _unlabeled(n: int, labeled: Positions) -> Positions:
    chosen = np.ones(n, dtype=bool)
    chosen[labeled] = False
    return np.flatnonzero(chosen)


def _unlabeled_blocks(X: Any, labeled: Positions, start: int) -> Iterator[tuple[int, Any]]:
    rows, size = _unlabeled(num_samples(X), labeled), rows_at_once(X)
    for first in range(0, len(rows), size):
        part = rows[first : first + size]
        low, high = int(part[0]), int(part[-1]) + 1
        adjacent = high - low == len(part)
        yield start + first, rows_of(X, slice(low, high) if adjacent else part)


def _make_blocks(
    X: Any, make: MakeBlock, start: int, labeled: Positions, drawn: PoolRows | None
) -> Iterator[PoolBlock]:
    """Of a partition, whose first unlabeled row has the number `start`."""
    for first, rows in _unlabeled_blocks(aligned_rows(X), labeled, start):
        yield make(first, rows, drawn_between(drawn, first - start, num_samples(rows)))


def _make(X: Any, *told: Any) -> list[PoolBlock]:
    """Blocks; the client knows how their rows were drawn."""
    return [replace(block, drawn=None) for block in _make_blocks(X, *told)]


def _summarize(
    X: Any, make: MakeBlock, start: int, labeled: Positions, drawn: PoolRows | None, empty: S
) -> S:
    """What is known of a partition."""
    summary = deepcopy(empty)
    for block in _make_blocks(X, make, start, labeled, drawn):
        summary.add(block)
    return summary


def _joined(parts: list[Any]) -> Any:
    """Rows of several partitions."""
    if len(parts) == 1:
        return aligned_rows(parts[0])
    if hasattr(parts[0], "iloc"):
        return import_pandas("A data frame of dask").concat(parts, ignore_index=True)
    return np.concatenate(parts)
