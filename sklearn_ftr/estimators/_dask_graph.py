"""Functions of partitions of a collection of dask, on a cluster if there is one. Dask is imported by whoever has made a collection of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sklearn_ftr._progress import counted
from sklearn_ftr.rectification._dask_collections import with_whole_rows
from sklearn_ftr.rectification._pool_rows import PoolRows

# Partitions for each thread of a cluster that are sent at once, if columns of their rows go with them.
_AT_ONCE = 2


@dataclass(frozen=True, eq=False)
class Graph:
    """What makes the partitions of a collection, and their keys in it."""

    tasks: Any
    keys: list[Any]

    @classmethod
    def of(cls, values: Any) -> Graph:
        """Each partition with all of its columns."""
        values = with_whole_rows(values)
        if hasattr(values, "simplify"):
            # Only the columns that are asked for are read, but files one by one, since X and y have to be cut alike.
            values = values.simplify()
        keys = _flat(values.__dask_keys__())
        return cls(dict(values.__dask_graph__()), keys)

    def computed(
        self,
        tasks: list[Any],
        before: int = 0,
        of: str = "pool",
    ) -> Iterator[Any]:
        """Results of tasks (function, key of a partition, and more), in their order, as soon as they are there.

        They follow so many `before` them, which were known, and are `of` what is said. All are one graph, which grows with the number of partitions and not with its square;
        but those that bring columns of their rows along are sent a few at a time.
        """
        few = any(isinstance(one, PoolRows) for task in tasks[:1] for one in task)
        with counted(of, before + len(tasks), "partitions") as told:
            for number, one in enumerate(self._results(tasks, few), start=before + 1):
                yield one
                told.reach(number, 1)

    def _results(self, tasks: list[Any], few: bool) -> Iterator[Any]:
        """In their order; those that have been seen are kept nowhere."""
        client = _client()
        if client is None:
            for one in self._delayed(tasks):
                yield one.compute()
            return
        size = _AT_ONCE * max(sum(client.nthreads().values()), 1) if few else max(len(tasks), 1)
        parts = (tasks[start : start + size] for start in range(0, len(tasks), size))
        results = (client.compute(self._delayed(_with_sent_rows(part), few)) for part in parts)
        now: list[Any] = next(results, [])
        while now:
            following: list[Any] = next(results, [])
            for number, future in enumerate(now):
                yield future.result()
                now[number] = None  # so that the worker may forget it
            now = following

    def _delayed(self, tasks: list[Any], few: bool = False) -> list[Any]:
        """What reads a partition goes into the one task that needs it; of few tasks at a time others may need it later."""
        from dask.delayed import Delayed
        from dask.highlevelgraph import HighLevelGraph
        from dask.optimization import cull

        name, keys = f"pool-{uuid4().hex}", [key for _, key, *_ in tasks]
        needed, dependencies = cull(self.tasks, keys)
        chains = {} if few else _chains(needed, dependencies, keys)
        for key in [key for chain in chains.values() for key in chain]:
            del needed[key]
        layer: dict[Any, Any] = {
            (name, number): (ReadFirst(function, chains[key], key), *more)
            if key in chains
            else (function, key, *more)
            for number, (function, key, *more) in enumerate(tasks)
        }
        graph = HighLevelGraph({name: {**needed, **layer}}, {name: set()})
        return [Delayed(key, graph, layer=name) for key in layer]


@dataclass(frozen=True, eq=False)
class ReadFirst:
    """A function of a partition with the tasks that read it, so that they are one task: a scheduler takes milliseconds for each."""

    function: Any
    tasks: dict[Any, Any]
    key: Any

    def __call__(self, *more: Any) -> Any:
        """What it makes of the partition."""
        import dask

        return self.function(dask.get(self.tasks, self.key), *more)


def _chains(
    graph: Mapping[Any, Any], dependencies: Mapping[Any, Sequence[Any]], keys: Sequence[Any]
) -> dict[Any, dict[Any, Any]]:
    """Of partitions that nobody else needs a part of: the task that reads each, and one that takes columns of it, if there is one."""
    users = Counter(key for needed in dependencies.values() for key in set(needed))
    users.update(keys)
    chains = {key: [key, *dependencies[key]] for key in keys}
    return {
        key: {one: graph[one] for one in chain}
        for key, chain in chains.items()
        if len(chain) < 3
        and all(users[one] == 1 and _is_by_itself(graph[one], graph) for one in chain)
        and not dependencies[chain[-1]]
    }


def _is_by_itself(node: Any, graph: Mapping[Any, Any]) -> bool:
    """Whether it is a task of today's dask, which needs nothing that is not in the graph, such as a result that a cluster holds, and may be part of another."""
    needed = getattr(node, "dependencies", None)
    if needed is None or not callable(node) or getattr(node, "block_fusion", False):
        return False
    return all(key in graph for key in needed)


def _flat(keys: Any) -> list[Any]:
    """Of nested lists."""
    return [one for part in keys for one in _flat(part)] if isinstance(keys, list) else [keys]


def _with_sent_rows(tasks: list[Any]) -> list[Any]:
    """How rows were drawn is sent to workers by itself, since a graph is to be small."""
    return [
        tuple(sent(one, everywhere=False) if isinstance(one, PoolRows) else one for one in task)
        for task in tasks
    ]


def _client() -> Any:
    """That of a cluster, if there is one."""
    try:
        from distributed import get_client
    except ImportError:
        return None
    try:
        return get_client()
    except ValueError:
        return None


def sent(value: Any, everywhere: bool = True) -> Any:
    """A copy on every worker, so that it is sent once and not with each task, or on one."""
    client = _client()
    return value if client is None else client.scatter(value, broadcast=everywhere, hash=False)
