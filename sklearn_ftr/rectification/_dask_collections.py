"""Collections of dask, which is imported by whoever has made one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def is_dask(values: Any) -> bool:
    """Whether it is an array or a frame of dask."""
    return hasattr(values, "__dask_graph__") and hasattr(values, "to_delayed")


def check_in_memory(X: Any) -> None:
    """Refuse new rows in a collection."""
    if is_dask(X):
        raise TypeError(
            f"X is a collection of dask ({type(X).__name__}); expected rows in memory. For predictions of all partitions: X.map_partitions(model.predict)."
        )


def with_whole_rows(collection: Any) -> Any:
    """The same, each partition of which has all columns."""
    has_chunks = hasattr(collection, "chunks") and collection.ndim > 1
    return collection.rechunk({1: -1}) if has_chunks else collection


def partitions(collection: Any, columns: Any) -> Iterator[Any]:
    """Rows of one partition after the other, of some columns."""
    if columns is not None and hasattr(collection, "columns"):
        collection = collection[[columns] if isinstance(columns, str) else list(columns)]
    delayed = with_whole_rows(collection).to_delayed()
    for part in delayed.ravel() if hasattr(delayed, "ravel") else delayed:
        yield part.compute()
