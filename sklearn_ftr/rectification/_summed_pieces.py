"""Weighted predictions of a pool, summed within the pieces that were drawn: rows by themselves, or clusters.

Of pieces that cannot be found among labeled rows second moments say all that a mean asks for: those of a table with a row (T, S) for each, the
weighted sum of its predictions and what it weighs. Clusters with labels, of which some rows may have labels, stay in that table.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._tables import check_same_rows
from sklearn_ftr.rectification._checks import Array, check_judgements
from sklearn_ftr.rectification._moments import Moments, moments
from sklearn_ftr.rectification._numbered import as_python, numbered
from sklearn_ftr.rectification._pool_rows import PoolRows
from sklearn_ftr.rectification._pool_totals import PieceSums, RowSums, beside_share
from sklearn_ftr.rectification._sampling_design import read_labels, read_weights
from sklearn_ftr.rectification._strata_moments import StrataMoments

# Rows that are worked on at once.
_ROWS = 65_536
_READ: dict[str, Callable[[Any, str], NDArray[Any]]] = {
    "weights": read_weights,
    "clusters": read_labels,
}


class SummedPieces(ABC):
    """What has been seen of pieces' sums.

    Attributes
    ----------
    n_rows : int
        Rows with a weight.
    origin : ndarray of shape (k,)
        Which sums are about.
    labels : list or None
        Of clusters, in the order of the table, if they are known.
    """

    n_rows: int
    origin: Array

    @property
    def labels(self) -> list[Any] | None:
        """See above."""
        return None

    @property
    @abstractmethod
    def of_table(self) -> Moments:
        """Count, mean and cross products of (T, S), k + 1 columns."""

    @abstractmethod
    def merge(self, other: Any) -> None:
        """See what another one has seen, of the same kind."""

    @abstractmethod
    def copied(self) -> Self:
        """The same, which may be changed."""

    @abstractmethod
    def mapped(self, matrix: Array, shift: Array) -> SummedPieces:
        """Of values that are `shift` (j,) plus `matrix` (j, k) times these."""

    @abstractmethod
    def put_into(self, sums: Any, rows: PoolRows) -> None:
        """All, with weights in the units of `rows`."""

    @abstractmethod
    def _add(self, values: NDArray[Any], weights: Array, clusters: NDArray[Any] | None) -> None:
        """Rows all of which have a weight."""

    def add(self, values: NDArray[Any], weights: Array | None, clusters: NDArray[Any] | None) -> None:
        """See values (n, k) of rows, of which those that weigh nothing are as if they were not there."""
        for start in range(0, len(values), _ROWS):
            rows = slice(start, start + _ROWS)
            some, its = values[rows], None if clusters is None else clusters[rows]
            weighs = np.ones(len(some)) if weights is None else weights[rows]
            counted = weighs > 0
            if not counted.all():
                some, weighs = some[counted], weighs[counted]
                its = None if its is None else its[counted]
            if len(some):
                self._add(some, weighs, its)

    @property
    def n_pieces(self) -> int:
        """Rows of the table."""
        return self.of_table.count

    @property
    def table_mean(self) -> Array:
        """Of (T, S)."""
        return self.of_table.mean

    @property
    def mean(self) -> Array:
        """The ratio of sums of T and S (k,)."""
        return self.origin + self.table_mean[:-1] / self.table_mean[-1]

    @property
    def covariance(self) -> Array:
        """n_pieces times that of the mean (k, k): linearisation of a ratio of two means."""
        table = self.of_table
        k, size = len(self.origin), table.mean[-1]
        matrix = np.hstack([np.eye(k), -table.mean[:-1, None] / size]) / size
        return np.asarray(matrix @ table.cross_products @ matrix.T / max(table.count - 1, 1))

    @property
    def standard_deviation(self) -> Array:
        """Roots of its diagonal (k,), at the cost of the diagonal."""
        row = self.table_mean
        squares = self.squares_less(row[:-1] / row[-1])
        return np.asarray(np.sqrt(squares / max(self.n_pieces - 1, 1)) / row[-1])

    def squares_less(self, shift: Array) -> Array:
        """Sums of squares (k,) of T less `shift` (k,) times S, about their mean."""
        table, of_sizes = self.of_table, self.of_table.cross_products[-1]
        squares = table.squares[:-1] - shift * (2 * of_sizes[:-1] - shift * of_sizes[-1])
        return np.maximum(squares, 0.0)

    @property
    def as_rows(self) -> Moments:
        """Of as many rows that are alike as there are pieces, where these weigh the same."""
        return Moments(self.n_pieces, self.mean, self.covariance * (self.n_pieces - 1))


class SummedRows(SummedPieces):
    """Pieces without labels: rows by themselves, or clusters of which only sums are told."""

    def __init__(self, sums: RowSums, n_rows: int = 0) -> None:
        self.sums, self.n_rows = sums, n_rows
        _, self.origin = sums.of_all

    @classmethod
    def of_moments(cls, known: Moments, origin: Array, n_rows: int) -> SummedRows:
        """From those of the table (T, S)."""
        count = np.array([float(known.count)])
        alone = StrataMoments(count, known.mean[None], known.cross_products[None])
        return cls(RowSums.known(alone, origin), n_rows)

    @classmethod
    def of_rows(cls, known: Moments) -> SummedRows:
        """From moments of predictions of rows that weigh 1 each."""
        k = len(known.mean)
        products = np.zeros((k + 1, k + 1))
        products[:k, :k] = known.cross_products
        table = Moments(known.count, np.append(np.zeros(k), 1.0), products)
        return cls.of_moments(table, known.mean, known.count)

    @property
    def of_table(self) -> Moments:
        """See `SummedPieces`."""
        alone, _ = self.sums.of_all
        return Moments(alone.count, alone.means[0], alone.cross_products[0])

    def _add(self, values: NDArray[Any], weights: Array, clusters: NDArray[Any] | None) -> None:
        self.sums.add(values, PoolRows(len(values), weights))
        _, self.origin = self.sums.of_all
        self.n_rows += len(values)

    def merge(self, other: SummedRows) -> None:
        """See `SummedPieces`."""
        self.sums.merge(other.sums)
        _, self.origin = self.sums.of_all
        self.n_rows += other.n_rows

    def copied(self) -> SummedRows:
        """See `SummedPieces`."""
        return self.of_moments(self.of_table, self.origin, self.n_rows)

    def mapped(self, matrix: Array, shift: Array) -> SummedRows:
        """See `SummedPieces`."""
        table = self.of_table.mapped(beside_share(matrix), np.zeros(len(matrix) + 1))
        return self.of_moments(table, shift + matrix @ self.origin, self.n_rows)

    def put_into(self, sums: RowSums, rows: PoolRows) -> None:
        """Sums, with weights in the units of `rows`."""
        table = self.of_table.mapped(np.eye(sums.k + 1) / rows.unit, np.zeros(sums.k + 1))
        sums.merge(self.of_moments(table, self.origin, self.n_rows).sums)


@dataclass(eq=False)
class SummedClusters(SummedPieces):
    """Clusters with labels: numbers of their rows in a table of sums about an origin (k,), which weigh the last column."""

    origin: Array
    n_rows: int = 0
    numbers: dict[Any, int] = field(default_factory=dict)
    room: Array = field(init=False)

    def __post_init__(self) -> None:
        self.room = np.zeros((0, len(self.origin) + 1))

    @classmethod
    def of_table_and_labels(
        cls, table: Array, labels: list[Any], origin: Array, n_rows: int
    ) -> SummedClusters:
        """From rows (T, S) of clusters, of which a label that comes twice is one."""
        found = cls(origin, n_rows)
        found._see(labels, table)
        return found

    @property
    def labels(self) -> list[Any]:
        """See `SummedPieces`."""
        return list(self.numbers)

    @property
    def table(self) -> Array:
        """Sums and weights (n_pieces, k + 1)."""
        return self.room[: len(self.numbers)]

    @property
    def of_table(self) -> Moments:
        """See `SummedPieces`."""
        return moments(self.table)

    @property
    def table_mean(self) -> Array:
        """See `SummedPieces`."""
        return np.asarray(self.table.mean(axis=0))

    @property
    def n_pieces(self) -> int:
        """See `SummedPieces`."""
        return len(self.numbers)

    def squares_less(self, shift: Array) -> Array:
        """See `SummedPieces`; without a covariance of all columns."""
        rows = self.table[:, :-1] - self.table[:, -1:] * shift
        return np.asarray(np.square(rows - rows.mean(axis=0)).sum(axis=0))

    def _add(self, values: NDArray[Any], weights: Array, clusters: NDArray[Any] | None) -> None:
        assert clusters is not None
        (codes,), size, names = numbered([clusters], "clusters")
        columns = [*(weights[:, None] * (values - self.origin)).T, weights]
        sums: Array = np.stack([np.bincount(codes, column, size) for column in columns], axis=1)
        seen = np.flatnonzero(sums[:, -1] > 0)
        self._see(_labels(names, seen), sums[seen])
        self.n_rows += len(values)

    def merge(self, other: SummedClusters) -> None:
        """See `SummedPieces`."""
        table = other.table.copy()
        table[:, :-1] += table[:, -1:] * (other.origin - self.origin)
        self._see(other.labels, table)
        self.n_rows += other.n_rows

    def copied(self) -> SummedClusters:
        """See `SummedPieces`."""
        return self.of_table_and_labels(self.table, self.labels, self.origin, self.n_rows)

    def mapped(self, matrix: Array, shift: Array) -> SummedClusters:
        """See `SummedPieces`."""
        table = np.column_stack([self.table[:, :-1] @ matrix.T, self.table[:, -1]])
        origin = shift + matrix @ self.origin
        return self.of_table_and_labels(table, self.labels, origin, self.n_rows)

    def put_into(self, sums: PieceSums, rows: PoolRows) -> None:
        """Sums, with weights and numbers as in `rows`."""
        sums.add(self.origin + self.table[:, :-1] / self.table[:, -1:], rows)

    def _see(self, labels: list[Any], sums: Array) -> None:
        numbers = [self.numbers.setdefault(label, len(self.numbers)) for label in labels]
        if len(self.numbers) > len(self.room):
            room = np.zeros((2 * len(self.numbers), len(self.origin) + 1))
            room[: len(self.room)] = self.room
            self.room = room
        np.add.at(self.room, numbers, sums)

    def __getstate__(self) -> dict[str, Any]:
        """Without empty room."""
        return vars(self) | {"room": self.table.copy()}


def _labels(names: Any, numbers: NDArray[np.intp]) -> list[Any]:
    """As Python has them, which JSON and dictionaries know."""
    if isinstance(names, np.ndarray):
        return as_python(names[numbers])
    return [names[int(number)] for number in numbers]


def summed_pieces(
    f: Any, rows: NDArray[Any], weights: ArrayLike | None, clusters: ArrayLike | None
) -> tuple[SummedPieces, frozenset[str]]:
    """Of rows (n, k) and their columns as a user has them, `f` the rows as they came; and which of them there are."""
    read, told = read_pieces_of({"f": f}, len(rows), weights, clusters)
    check_judgements(rows, "f")
    seen = no_pieces(rows[0].astype(np.float64), told)
    with np.errstate(over="ignore", invalid="ignore"):
        seen.add(rows, read.get("weights"), read.get("clusters"))
    check_sums(seen, "f")
    return seen, told


def read_pieces_of(
    rows: Mapping[str, Any], n: int, weights: ArrayLike | None, clusters: ArrayLike | None
) -> tuple[dict[str, NDArray[Any]], frozenset[str]]:
    """Weights and clusters (n,) of rows, which are here as they came, by name; and which of them there are."""
    given = {"weights": weights, "clusters": clusters}
    given = {name: values for name, values in given.items() if values is not None}
    check_same_rows(**rows, **given)
    read = {name: _READ[name](values, name) for name, values in given.items()}
    for name, values in read.items():
        if len(values) != n:
            raise ValueError(
                f"{name} has {len(values)} rows and {next(iter(rows))} has {n}; expected one entry for each row."
            )
    labeled = {"labels of clusters"} if clusters is not None else set()
    return read, frozenset({*given, *labeled})


def no_pieces(origin: Array, told: frozenset[str]) -> SummedPieces:
    """To see values that are near an origin (k,)."""
    return SummedClusters(origin) if "clusters" in told else SummedRows(RowSums(len(origin), 1))


def check_sums(seen: SummedPieces, name: str) -> None:
    """That no square of a sum overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = seen.of_table.squares
    if not np.isfinite(squares).all():
        raise ValueError(
            f"{name} times weights has values whose squares overflow; divide {name}, or weights, by a power of ten."
        )


def check_told(told: frozenset[str], before: frozenset[str], rows: str = "f") -> None:
    """That rows come with the same columns, or none, as those that were seen before."""
    if told == before:
        return
    name = min(told ^ before)
    here, there = ("has", "none") if name in told else ("has no", "some")
    raise ValueError(
        f"{rows} {here} {name} and what was seen before has {there}; expected {name} of all rows, or of none."
    )
