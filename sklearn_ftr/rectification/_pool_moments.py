"""A summary of predictions over a pool that takes the pool's place in a mean: how many, their mean, their covariance.

Summaries of parts merge to that of the whole (`_moments.merge`), wherever and in whatever order the parts were read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._arguments import ArgumentTypeError, check_count
from sklearn_ftr._printed_table import PrintedTable
from sklearn_ftr._short_repr import some_of
from sklearn_ftr._shows_table import InNotebooks, table_of_columns
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.rectification._checks import Array, as_pool_array, check_judgements
from sklearn_ftr.rectification._even_rows import EvenRows
from sklearn_ftr.rectification._moments import Moments, as_table, merge, moments, no_moments
from sklearn_ftr.rectification._pool import PoolBlock
from sklearn_ftr.rectification._summed_pieces import (
    SummedPieces,
    SummedRows,
    check_told,
    summed_pieces,
)
from sklearn_ftr.rectification._told_moments import read_count, read_moments
from sklearn_ftr.rectification._told_pieces import PIECES, read_pieces, told_pieces


class PoolMoments(InNotebooks, Versioned):
    """Count, mean and covariance of a pool's predictions, by which `rectify_mean` does as well as by the predictions themselves.

    Workers that each have read a part of the pool send theirs to be merged, and a database that knows count, mean and covariance
    needs to send no row at all (`from_dict`).

    Parameters
    ----------
    f : array-like of shape (m,) or (m, k), default=None
        Predictions to begin with.
    weights, clusters : array-like of shape (m,), default=None
        How their rows were drawn, as in a `SamplingDesign`. Whatever one update says of rows the others have to say as well.

    Attributes
    ----------
    count : int
        Rows that have been seen; those that weigh nothing are as if they were not there.
    n_pieces : int
        Rows, or clusters: what was drawn independently.
    mean : ndarray of shape (k,)
        By weights, if there are any.
    covariance : ndarray of shape (k, k)
        With ddof=1, as `numpy.cov` has it; zeros of fewer than two pieces. Of rows with weights, or in clusters, `n_pieces` times the covariance of `mean`
        (linearised), which of rows that are alike is the same.

    Notes
    -----
    Blocks are merged by the pairwise update of Chan, Golub and LeVeque (1983). A few thousand evenly spaced rows are kept, from whose skewness the intervals of
    few labels learn (docs/which_interval.md); without them, as from a database, these intervals do without. Of rows with weights second moments of weighted predictions and
    weights are kept; of clusters, some of which may have labels, a row of sums each.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import PoolMoments, rectify_mean
    >>> rng = np.random.default_rng(0)
    >>> human = rng.normal(3.0, 1.0, size=10_100)
    >>> judge = human + rng.normal(0.4, 0.5, size=10_100)
    >>> here, there = PoolMoments(judge[100:6_000]), PoolMoments(judge[6_000:])
    >>> pool = here.merge(there)
    >>> pool.count
    10000
    >>> result = rectify_mean(human[:100], judge[:100], pool)
    >>> bool(np.isclose(result.estimate, rectify_mean(human[:100], judge[:100], judge[100:]).estimate))
    True
    """

    _pieces: SummedPieces | None = None
    _told: frozenset[str] = frozenset()

    def __init__(
        self,
        f: ArrayLike | None = None,
        *,
        weights: ArrayLike | None = None,
        clusters: ArrayLike | None = None,
    ) -> None:
        self._moments: Moments | None = None
        self._even: EvenRows | None = EvenRows()
        if f is not None:
            self.update(f, weights, clusters)

    @classmethod
    def expecting(cls, n_rows: int | None) -> Self:
        """None yet of so many rows, if that is known."""
        seen = cls()
        seen._even = EvenRows(n_rows or 0)
        return seen

    @classmethod
    def of_moments(cls, known: Moments) -> Self:
        """Of rows that are alike, none of which is there."""
        found = cls()
        found._moments, found._even = known, None
        return found

    @classmethod
    def of_sums(cls, pieces: SummedPieces, told: frozenset[str]) -> Self:
        """Of rows none of which is there, with the columns that are `told`."""
        return cls()._take(pieces, told) if told else cls.of_moments(pieces.as_rows)

    @property
    def count(self) -> int:
        """See above."""
        if self._pieces is not None:
            return self._pieces.n_rows
        return 0 if self._moments is None else self._moments.count

    @property
    def n_pieces(self) -> int:
        """See above."""
        return self.count if self._pieces is None else self._pieces.n_pieces

    @property
    def mean(self) -> Array:
        """See above."""
        return self._known.mean if self._pieces is None else self._pieces.mean

    @property
    def covariance(self) -> Array:
        """See above."""
        if self._pieces is not None:
            return self._pieces.covariance
        known = self._known
        return known.covariance if known.count > 1 else np.zeros_like(known.cross_products)

    @property
    def _known(self) -> Moments:
        if self._moments is None:
            raise ValueError("These PoolMoments have seen no prediction; update them first.")
        return self._moments

    def update(
        self, f: ArrayLike, weights: ArrayLike | None = None, clusters: ArrayLike | None = None
    ) -> Self:
        """See predictions of more rows.

        Parameters
        ----------
        f : array-like of shape (n,) or (n, k)
        weights : array-like of shape (n,), default=None
            How many members of the population each row stands for, 0 or more, in the same units in all updates.
        clusters : array-like of shape (n,), default=None
            Labels of clusters, of any kind that can be hashed. Rows of one may come in several updates, and be seen by several workers.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            NaN, infinite or overflowing values; another number of columns; weights or clusters of another length, or that other rows do not have;
            negative weights, missing labels.
        """
        rows = as_table(as_pool_array(f, "f"))
        if not len(rows):
            return self
        self._check_columns(rows.shape[1])
        if weights is not None or clusters is not None:
            return self._take(*summed_pieces(f, rows, weights, clusters))
        with np.errstate(invalid="ignore", over="ignore"):
            of_rows = moments(rows)
        if not np.isfinite(of_rows.squares).all():
            check_judgements(rows, "f")
            raise ValueError("f has values whose squares overflow; divide by a power of ten.")
        self._check_told(frozenset())
        self._see(rows, of_rows, self.count)
        return self

    def merge(self, other: PoolMoments) -> Self:
        """See all that another one has seen.

        Parameters
        ----------
        other : PoolMoments
            Of other rows, of which the same is known; it may not be used any more.

        Returns
        -------
        self
        """
        if not isinstance(other, PoolMoments):
            raise ArgumentTypeError(
                f"other is of type {type(other).__name__}; expected PoolMoments. Rows are seen by update."
            )
        if not other.count:
            return self
        self._check_columns(other._n_columns)
        if other._pieces is not None:
            first = self._pieces is None
            return self._take(other._pieces.copied() if first else other._pieces, other._told)
        self._check_told(other._told)
        self._moments = merge(self._moments or no_moments(other._n_columns), other._known)
        if self._even is None or other._even is None:
            self._even = None
        else:
            self._even.merge(other._even)
        return self

    def add(self, block: PoolBlock) -> None:
        """See a block of a pool, all models side by side."""
        rows = block.side_by_side
        with np.errstate(invalid="ignore", over="ignore"):
            self._see(rows, moments(rows), block.start)

    def to_dict(self) -> dict[str, Any]:
        """Numbers and lists, as JSON has them, from which `from_dict` makes the same again.

        Returns
        -------
        dict
            `count`, `mean` (k numbers), `covariance` (k rows of k numbers) and, if they are known, `rows`: every `step`-th row of the pool. Of rows with
            weights `totals` in place of the last ones, of clusters their labels (JSON has texts and numbers) and sums; see `from_dict`. Of no rows the count only.
        """
        if not self.count:
            return {"count": 0}
        if self._pieces is not None:
            return told_pieces(self._pieces, self._told)
        told = {
            "count": self.count,
            "mean": self.mean.tolist(),
            "covariance": self.covariance.tolist(),
        }
        if self._even is None:
            return told
        return told | {"rows": self._even.rows.tolist(), "step": self._even.step}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Self:
        """From a count, a mean and a covariance, by whatever they were computed.

        Parameters
        ----------
        told : mapping
            As `to_dict` has it. `mean` may be a number, and `covariance` the variance, with ddof=1 (None, as databases have it, of a single row); `rows`
            may be missing. With a count of 0 nothing else is read.

            Of rows with weights, or in clusters without labels: `totals`, count, mean (k + 1) and covariance (k + 1, k + 1) of a table with a row for each of
            them, sum(w (f - origin)) and, last, sum(w); `origin`, k numbers, by default 0; `clustered`, whether these are clusters, by default
            False; `weighted`, whether rows had weights, by default True; and `count`, how many rows there are, by default those of the table.

            Of clusters with labels: `clusters` and, for each of them, `sums` (k numbers) and `sizes`, sum(w); `origin`, `weighted` and `count` as well.

        Raises
        ------
        ValueError
            A missing entry, or shapes that do not match; values that are not finite; a covariance that is none; pieces that weigh nothing.
        """
        found = cls()
        if isinstance(told, Mapping) and any(name in told for name in PIECES):
            return found if told.get("count") == 0 else found._take(*read_pieces(told))
        count = read_count(told)
        if not count:
            return found
        found = cls.of_moments(read_moments(told, count))
        if told.get("rows") is not None:
            found._even = EvenRows()
            rows = as_table(as_pool_array(told["rows"], "rows"))
            found._check_columns(rows.shape[1])
            found._even.step = check_count(told.get("step", 1), "step", 1)
            found._even.kept = [rows]
        return found

    def __repr__(self) -> str:
        if not self.count:
            return "PoolMoments()"
        spread = np.sqrt(np.diag(self.covariance))
        mean, deviation = (some_of(values, ".6g") for values in (self.mean, spread))
        pieces = f", n_pieces={self.n_pieces}" if "clusters" in self._told else ""
        return (
            f"PoolMoments(count={self.count}{pieces}, mean=[{mean}], standard deviation=[{deviation}])"
        )

    def _table(self) -> PrintedTable:
        if not self.count:
            return PrintedTable("Pool of no rows", ["", "value"], [])
        names = [f"prediction {i}" for i in range(len(self.mean))]
        spread = np.sqrt(np.diag(self.covariance))
        columns = {"": names, "mean": self.mean, "standard deviation": spread}
        return table_of_columns(f"Pool of {self.count:,} rows", columns, n_texts=1)

    @property
    def is_finite(self) -> bool:
        """Whether sums of squares are, and so all that has been seen."""
        return self._moments is None or bool(np.isfinite(self._moments.squares).all())

    @property
    def moments(self) -> Moments | None:
        """For stage 2; None if nothing has been seen."""
        return self._moments

    @property
    def even_rows(self) -> NDArray[Any] | None:
        """Some rows (n, k), evenly spaced, if they are known."""
        return None if self._even is None or not self.count else self._even.rows

    @property
    def of_pieces(self) -> SummedPieces:
        """For stage 2 under a sampling design; rows that are alike weigh 1 each."""
        return SummedRows.of_rows(self._known) if self._pieces is None else self._pieces

    def has(self, name: str) -> bool:
        """Whether rows have "weights" or "clusters"."""
        return name in self._told

    @property
    def as_rows(self) -> PoolMoments:
        """As many rows that are alike as there are pieces, where these weigh the same."""
        return self if self._pieces is None else self.of_moments(self._pieces.as_rows)

    @property
    def _n_columns(self) -> int:
        return len(self._known.mean if self._pieces is None else self._pieces.origin)

    def _check_columns(self, k: int) -> None:
        if self.count and self._n_columns != k:
            raise ValueError(
                f"f has {k} columns and there are {self._n_columns} in what was seen before; expected as many."
            )

    def _check_told(self, told: frozenset[str]) -> None:
        if self.count:
            check_told(told, self._told)

    def _take(self, pieces: SummedPieces, told: frozenset[str]) -> Self:
        if not pieces.n_rows:
            return self
        self._check_told(told)
        if self._pieces is None:
            self._pieces, self._told = pieces, told
        else:
            self._pieces.merge(pieces)
        return self

    def _see(self, rows: NDArray[Any], of_rows: Moments, start: int) -> None:
        self._moments = of_rows if self._moments is None else merge(self._moments, of_rows)
        if self._even is not None:
            self._even.add(rows, start)


def refuse_moments(**values: Any) -> None:
    """An error where an estimate needs rows."""
    for name, one in values.items():
        if isinstance(one, PoolMoments):
            raise ValueError(
                f"{name} is given as PoolMoments, from which means can be had, but nothing that needs its rows; pass them, in an array or in blocks."
            )
