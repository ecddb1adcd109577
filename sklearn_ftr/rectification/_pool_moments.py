"""A summary of predictions over a pool that takes the pool's place in a mean: how many, their mean, their covariance.

Summaries of parts merge to that of the whole (`_moments.merge`), wherever and in whatever order the parts were read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._arguments import ArgumentTypeError, check_count, is_number
from sklearn_ftr.rectification._checks import (
    Array,
    as_pool_array,
    as_settings,
    check_finite,
    check_judgements,
)
from sklearn_ftr.rectification._moments import Moments, as_table, merge, moments, no_moments
from sklearn_ftr.rectification._pool import PoolBlock

# Evenly spaced rows of which as many are kept as this, or up to twice as many.
_ROWS = 4_096


class EvenRows:
    """Every so-many-th row of a pool, counted from its first one: all of a small pool, some thousands of a large one.

    The distance is a power of two, so that which rows are kept depends on the pool only, not on how it was cut into blocks.
    """

    def __init__(self, n_rows: int = 0) -> None:
        """Of so many rows in all, if that is known: then none is kept that would be dropped again."""
        self.step, self.first = 1, 0
        while -(-n_rows // self.step) > 2 * _ROWS:
            self.step *= 2
        self.kept: list[NDArray[Any]] = []

    @property
    def rows(self) -> NDArray[Any]:
        """Those that are kept (n, k)."""
        return self.kept[0] if len(self.kept) == 1 else np.concatenate(self.kept)

    def add(self, rows: NDArray[Any], start: int) -> None:
        """See rows (n, k), of which the first one is number `start`."""
        offset = -start % self.step
        if not self.kept:
            self.first = start + offset
        self.kept.append(rows[offset :: self.step].copy())
        self._thin()

    def merge(self, other: EvenRows) -> None:
        """See what another one has kept of rows that follow."""
        step = max(self.step, other.step)
        for one in (self, other):
            one._widen(step)
        if not self.kept:
            self.first = other.first
        self.kept += other.kept
        self._thin()

    def _thin(self) -> None:
        while sum(map(len, self.kept)) > 2 * _ROWS:
            self._widen(2 * self.step)

    def _widen(self, step: int) -> None:
        if self.kept:
            offset = (-self.first % step) // self.step
            self.first += offset * self.step
            self.kept = [self.rows[offset :: step // self.step]]
        self.step = step


class PoolMoments:
    """Count, mean and covariance of a pool's predictions, by which `rectify_mean` does as well as by the predictions themselves.

    Workers that each have read a part of the pool send theirs to be merged, and a database that knows count, mean and covariance
    needs to send no row at all (`from_dict`).

    Parameters
    ----------
    f : array-like of shape (m,) or (m, k), default=None
        Predictions to begin with.

    Attributes
    ----------
    count : int
        Rows that have been seen.
    mean : ndarray of shape (k,)
    covariance : ndarray of shape (k, k)
        With ddof=1, as `numpy.cov` has it; zeros of fewer than two rows.

    Notes
    -----
    Blocks are merged by the pairwise update of Chan, Golub and LeVeque (1983). A few thousand evenly spaced rows are kept, from whose skewness the intervals of
    few labels learn (docs/which_interval.md); without them, as from a database, these intervals do without.

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

    def __init__(self, f: ArrayLike | None = None) -> None:
        self._moments: Moments | None = None
        self._even: EvenRows | None = EvenRows()
        if f is not None:
            self.update(f)

    @classmethod
    def expecting(cls, n_rows: int | None) -> Self:
        """None yet of so many rows, if that is known."""
        seen = cls()
        seen._even = EvenRows(n_rows or 0)
        return seen

    @property
    def count(self) -> int:
        """See above."""
        return 0 if self._moments is None else self._moments.count

    @property
    def mean(self) -> Array:
        """See above."""
        return self._known.mean

    @property
    def covariance(self) -> Array:
        """See above."""
        known = self._known
        return known.covariance if known.count > 1 else np.zeros_like(known.cross_products)

    @property
    def _known(self) -> Moments:
        if self._moments is None:
            raise ValueError("These PoolMoments have seen no prediction; update them first.")
        return self._moments

    def update(self, f: ArrayLike) -> Self:
        """See predictions of more rows.

        Parameters
        ----------
        f : array-like of shape (n,) or (n, k)

        Returns
        -------
        self

        Raises
        ------
        ValueError
            NaN, infinite or overflowing values; another number of columns.
        """
        rows = as_table(as_pool_array(f, "f"))
        if not len(rows):
            return self
        self._check_columns(rows.shape[1])
        with np.errstate(invalid="ignore", over="ignore"):
            of_rows = moments(rows)
        if not np.isfinite(of_rows.squares).all():
            check_judgements(rows, "f")
            raise ValueError("f has values whose squares overflow; divide by a power of ten.")
        self._see(rows, of_rows, self.count)
        return self

    def merge(self, other: PoolMoments) -> Self:
        """See all that another one has seen.

        Parameters
        ----------
        other : PoolMoments
            Of other rows; it may not be used any more.

        Returns
        -------
        self
        """
        if not isinstance(other, PoolMoments):
            raise ArgumentTypeError(
                f"other is of type {type(other).__name__}; expected PoolMoments. Rows are seen by update."
            )
        if other._moments is None:
            return self
        self._check_columns(len(other.mean))
        mine = no_moments(len(other.mean)) if self._moments is None else self._moments
        self._moments = merge(mine, other._moments)
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
            `count`, `mean` (k numbers), `covariance` (k rows of k numbers) and, if they are known, `rows`: every `step`-th row of the pool. Of no
            rows the count only.
        """
        if not self.count:
            return {"count": 0}
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

        Raises
        ------
        ValueError
            A missing entry, or shapes that do not match; values that are not finite; a covariance that is none.
        """
        found = cls()
        count = _read_count(told)
        if not count:
            return found
        mean, covariance = _read(told, count)
        found._moments = Moments(count, mean, covariance * max(count - 1, 0))
        found._even = None
        if told.get("rows") is not None:
            found._even = EvenRows()
            rows = as_table(as_pool_array(told["rows"], "rows"))
            found._check_columns(rows.shape[1])
            found._even.step = check_count(told.get("step", 1), "step", 1)
            found._even.kept = [rows]
        return found

    def __repr__(self) -> str:
        if self._moments is None:
            return "PoolMoments()"
        spread = np.sqrt(np.diag(self.covariance))
        mean, deviation = (", ".join(f"{one:.6g}" for one in values) for values in (self.mean, spread))
        return f"PoolMoments(count={self.count}, mean=[{mean}], standard deviation=[{deviation}])"

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

    def _check_columns(self, k: int) -> None:
        if self._moments is not None and len(self.mean) != k:
            raise ValueError(
                f"f has {k} columns and there are {len(self.mean)} in what was seen before; expected as many."
            )

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


def _read_count(told: Mapping[str, Any]) -> int:
    """Whole numbers of any type, Decimals of databases as well."""
    if not isinstance(told, Mapping):
        raise ArgumentTypeError(
            f"told is of type {type(told).__name__}; expected a mapping with count, mean and covariance."
        )
    _check_entries(told, "count")
    count = told["count"]
    is_whole = is_number(count) and count == count and count == int(count)
    return check_count(int(count) if is_whole else count, "count", 0)


def _check_entries(told: Mapping[str, Any], *names: str) -> None:
    missing = [name for name in names if name not in told]
    if missing:
        raise ValueError(
            f"PoolMoments are made of count, mean and covariance; {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing."
        )


def _read(told: Mapping[str, Any], count: int) -> tuple[Array, Array]:
    """Mean (k,) and covariance (k, k)."""
    _check_entries(told, "mean", "covariance")
    mean = check_finite(np.atleast_1d(as_settings(told["mean"], "mean", "expected k numbers")), "mean")
    k = len(mean)
    covariance = np.zeros((k, k))
    if count > 1:
        covariance = as_settings(told["covariance"], "covariance", "expected k rows of k numbers")
        covariance = check_finite(np.atleast_2d(covariance), "covariance")
    if mean.ndim != 1 or covariance.shape != (k, k):
        raise ValueError(
            f"mean has shape {mean.shape} and covariance {covariance.shape}; expected ({k},) and ({k}, {k})."
        )
    smallest, size = np.linalg.eigvalsh(covariance)[0], np.abs(covariance).max()
    if not np.allclose(covariance, covariance.T) or smallest < -1e-8 * size:
        raise ValueError(
            "covariance is that of no values; expected a symmetric matrix without negative variances."
        )
    return mean, covariance
