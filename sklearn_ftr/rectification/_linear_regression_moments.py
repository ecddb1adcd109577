"""A summary of covariates and predictions over a pool that takes the pool's place in a linear regression."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._arguments import ArgumentTypeError
from sklearn_ftr._printed_table import PrintedTable
from sklearn_ftr._shows_table import InNotebooks, table_of_values
from sklearn_ftr._tables import check_column_order, check_same_rows, column_names
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.rectification._checks import (
    Array,
    as_pool_array,
    check_finite,
    check_judgements,
)
from sklearn_ftr.rectification._moments import as_table
from sklearn_ftr.rectification._pool_moments import PoolMoments
from sklearn_ftr.rectification._products_of_columns import Products, products_that_fit
from sklearn_ftr.rectification._summed_pieces import (
    SummedPieces,
    SummedRows,
    check_sums,
    check_told,
    no_pieces,
    read_pieces_of,
)
from sklearn_ftr.rectification._told_moments import check_entries, read_count, read_moments
from sklearn_ftr.rectification._told_pieces import read_origin, read_pieces, told_pieces

_MADE_OF = "LinearRegressionMoments are made of count, n_features, mean and covariance"
# Of values whose fourth powers have a sum.
_LARGEST = 1e70


class LinearRegressionMoments(InNotebooks, Versioned):
    """Moments of a pool's covariates, predictions and their products, by which `rectify_linear_regression` does as well as by the rows themselves.

    It is passed as `X_unlabeled`, without `f_unlabeled`. Workers that each have read a part of the pool send theirs to be merged.

    Parameters
    ----------
    X : array-like of shape (m, d), default=None
        Covariates to begin with, without an intercept: what is kept suffices with one and without. Those of a data frame have to be those of the labeled rows.
    f : array-like of shape (m,) or (m, j), default=None
        Predictions of the same rows, by j judges.
    weights, clusters : array-like of shape (m,), default=None
        How their rows were drawn, as in a `SamplingDesign`. Whatever one update says of rows the others have to say as well.

    Attributes
    ----------
    count : int
        Rows that have been seen; those that weigh nothing are as if they were not there.
    n_features, n_judges : int
        d and j; 0 before any row.

    Notes
    -----
    Kept are count, mean and covariance of the q products u_i u_l of u = (1, x, f), x and f less an origin near them, of which one factor is 1 or a covariate: q = (d + 1) (d + 2) / 2 +
    j (d + 1), the 1 itself included. Scores x (f - x'theta) of least squares, whose covariance the standard error asks for, are linear in these at any theta, and X'X and X'f are among
    them; X'X and X'f alone would not do. q^2 numbers take 48 kB for 10 covariates, 15 MB for 50; more than 5,000 products (97 covariates) are refused. Of rows with weights these are
    moments of weighted products and weights; of clusters, some of which may have labels, there is a row of q sums each. Moments of products are
    less exact than rows where predictions are nearly a linear function of the covariates: residuals of a part s of the predictions' spread are known to 1e-16 / s^2, and
    residuals of less than 1e-7 of it are taken for none.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import LinearRegressionMoments, rectify_linear_regression
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(10_100, 2))
    >>> human = X @ [1.0, 0.5] + rng.normal(size=10_100)
    >>> judge = human + rng.normal(size=10_100)
    >>> here, there = (LinearRegressionMoments(X[rows], judge[rows]) for rows in (slice(100, 6_000), slice(6_000, None)))
    >>> result = rectify_linear_regression(X[:100], human[:100], judge[:100], here.merge(there))
    >>> by_rows = rectify_linear_regression(X[:100], human[:100], judge[:100], X[100:], judge[100:])
    >>> bool(np.allclose(result.standard_error, by_rows.standard_error, rtol=1e-9))
    True
    """

    def __init__(
        self,
        X: ArrayLike | None = None,
        f: ArrayLike | None = None,
        *,
        weights: ArrayLike | None = None,
        clusters: ArrayLike | None = None,
    ) -> None:
        self._pieces: SummedPieces | None = None
        self._told: frozenset[str] = frozenset()
        self._products = Products(0, 0)
        self._origin: Array = np.zeros(0)
        self._names: list[Any] | None = None
        if X is not None or f is not None:
            self.update(X, f, weights, clusters)

    @property
    def count(self) -> int:
        """See above."""
        return 0 if self._pieces is None else self._pieces.n_rows

    @property
    def n_features(self) -> int:
        """See above."""
        return self._products.d

    @property
    def n_judges(self) -> int:
        """See above."""
        return self._products.j

    def update(
        self, X: Any, f: Any, weights: ArrayLike | None = None, clusters: ArrayLike | None = None
    ) -> Self:
        """See more rows.

        Parameters
        ----------
        X : array-like of shape (n, d)
        f : array-like of shape (n,) or (n, j)
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
            NaN, infinite or overflowing values; other numbers of rows or columns; too many columns; columns of a data frame that are not those of
            what was seen before; weights or clusters of another length, or that other rows do not have; negative weights, missing labels.
        """
        if X is None or f is None:
            raise ArgumentTypeError(
                f"{'X' if X is None else 'f'} is None; expected covariates and predictions of the same rows."
            )
        check_same_rows(X=X, f=f)
        rows, predictions = (as_table(as_pool_array(one, name)) for one, name in ((X, "X"), (f, "f")))
        if len(rows) != len(predictions):
            raise ValueError(
                f"X has {len(rows)} rows and f has {len(predictions)}; expected as many of both."
            )
        if not len(rows):
            return self
        read, told = read_pieces_of({"X": X, "f": f}, len(rows), weights, clusters)
        check_finite(rows, "X")
        check_judgements(predictions, "f")
        part = LinearRegressionMoments()
        part._names, part._told = column_names(X), told
        part._products = products_that_fit(rows.shape[1], predictions.shape[1])
        self._check_columns(part)
        part._see(rows, predictions, **read)
        return self._take(part) if part.count else self

    def merge(self, other: LinearRegressionMoments) -> Self:
        """See all that another one has seen, of other rows.

        Returns
        -------
        self
        """
        if not isinstance(other, LinearRegressionMoments):
            raise ArgumentTypeError(
                f"other is of type {type(other).__name__}; expected LinearRegressionMoments. Rows are seen by update."
            )
        if not other.count:
            return self
        self._check_columns(other)
        return self._take(other)

    def to_dict(self) -> dict[str, Any]:
        """Numbers and lists, as JSON has them, from which `from_dict` makes the same again.

        Returns
        -------
        dict
            See `from_dict`. Of no rows the count only.
        """
        if self._pieces is None:
            return {"count": 0}
        told = {
            "count": self.count,
            "n_features": self.n_features,
            "origin": self._origin.tolist(),
        }
        if self._told:
            told["pieces"] = told_pieces(self._pieces, self._told)
        else:
            told["mean"] = self._pieces.mean.tolist()
            told["covariance"] = self._pieces.covariance.tolist()
        return told if self._names is None else told | {"names": [str(name) for name in self._names]}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Self:
        """From moments of products, by whatever they were computed.

        Parameters
        ----------
        told : mapping
            `count`; `n_features`, d; `origin`, d + j numbers that were subtracted from covariates and predictions, by default 0; `mean` (q - 1 numbers) and
            `covariance` (q - 1 rows of as many, ddof=1) of the products, without the 1: of u = ``[1, *x, *f]`` less the origin ``[u[i] * u[l] for i in range(d + 1)
            for l in range(i, d + 1 + j)][1:]``, so that x and f come first; `names` of covariates, if they have any. With a count of 0 nothing else is read.

            Of rows with weights, or in clusters: `pieces` in the place of mean and covariance, which has of these products what `PoolMoments.from_dict` has of predictions.

        Raises
        ------
        ValueError
            A missing entry, or shapes that do not match; values that are not finite; a covariance that is none.
        """
        found, count = cls(), read_count(told, made_of=_MADE_OF)
        if not count:
            return found
        needed = ("pieces",) if "pieces" in told else ("mean", "covariance")
        check_entries(told, "n_features", *needed, made_of=_MADE_OF)
        found._pieces, found._told = _read_sums(told, count)
        d, q = read_count({"count": told["n_features"]}), len(found._pieces.origin) + 1
        j, left = divmod(q - (d + 1) * (d + 2) // 2, d + 1)
        if d < 1 or j < 1 or left:
            raise ValueError(
                f"There are {q - 1} products and n_features is {d}; expected (d + 1) (d + 2) / 2 - 1 products of covariates and d + 1 for each judge."
            )
        found._products = products_that_fit(d, j)
        found._origin = read_origin(told, d + j)
        found._names = list(told["names"]) if told.get("names") is not None else None
        return found

    def __repr__(self) -> str:
        if not self.count:
            return "LinearRegressionMoments()"
        return f"LinearRegressionMoments(count={self.count}, n_features={self.n_features}, n_judges={self.n_judges})"

    def _table(self) -> PrintedTable:
        counts = {"rows": self.count}
        if self.count:
            counts |= {"covariates": self.n_features, "judges": self.n_judges}
        return table_of_values("Pool of a linear regression", counts)

    @property
    def names(self) -> list[Any] | None:
        """Of the covariates, if they came in data frames."""
        return self._names

    @property
    def predictions(self) -> PoolMoments:
        """Of the judges' predictions by themselves."""
        if self._pieces is None:
            return PoolMoments()
        d, j = self.n_features, self.n_judges
        chosen = np.eye(self._products.q - 1)[d : d + j]
        return PoolMoments.of_sums(self._pieces.mapped(chosen, self._origin[d:]), self._told)

    def scores(self, matrix: Array, points: Array) -> SummedPieces:
        """Of x (f - x'theta) (j k,), those of the first judge first, at points (j, k), with coordinates that `matrix` (k, d + 1) makes of (1, x - origin).

        Those that vary by no more than rounding of products do not vary at all.
        """
        assert self._pieces is not None
        of_judges = [
            self._products.scores(matrix, theta, judge, self._origin[self.n_features + judge])
            for judge, theta in enumerate(points)
        ]
        of_one, of_products = np.split(np.concatenate(of_judges), [1], axis=1)
        found = self._pieces.mapped(of_products, of_one[:, 0])
        noise = np.sqrt(64 * np.finfo(float).eps) * (
            np.abs(of_products) @ self._pieces.standard_deviation
        )
        flat = found.standard_deviation <= noise
        return found.mapped(np.diag(1.0 - flat), flat * found.mean) if flat.any() else found

    def lost(self, matrix: Array) -> float:
        """How much larger sums are than what is left of them in these coordinates, at most."""
        largest = np.sqrt(np.diag(self.information(np.eye(self.n_features + 1))))
        left = np.sqrt(np.diag(self.information(matrix)))
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.nanmax(np.abs(matrix) @ largest / left))

    def information(self, matrix: Array) -> Array:
        """Mean of x x' (k, k), in these coordinates."""
        assert self._pieces is not None
        square = np.append(1.0, self._pieces.mean)[self._products.place[:, : self.n_features + 1]]
        return np.asarray(matrix @ square @ matrix.T)

    @property
    def origin(self) -> Array:
        """What was subtracted from covariates (d,)."""
        return self._origin[: self.n_features]

    def _see(
        self,
        X: NDArray[Any],
        f: NDArray[Any],
        weights: Array | None = None,
        clusters: NDArray[Any] | None = None,
    ) -> None:
        means = [one.mean(axis=0, dtype=np.float64) for one in (X, f)]
        self._origin = np.concatenate(means)
        if max(float(one.max()) - float(one.min()) for one in (X, f)) > _LARGEST:
            raise ValueError(
                f"Products of X and f have squares that overflow, of values that are {_LARGEST:g} apart; divide by powers of ten."
            )
        if not self._told:
            self._pieces = SummedRows.of_rows(self._products.moments(X, f, self._origin))
            return
        self._pieces = no_pieces(np.zeros(self._products.q - 1), self._told)
        with np.errstate(over="ignore", invalid="ignore"):
            for rows, table in self._products.tables(X, f, self._origin):
                of_rows = (None if one is None else one[rows] for one in (weights, clusters))
                self._pieces.add(table, *of_rows)
        check_sums(self._pieces, "Products of X and f")

    def _take(self, part: LinearRegressionMoments) -> Self:
        """About the origin of the larger part, which is nearer to the middle of all."""
        if self._pieces is None:
            vars(self).update(vars(part))
            return self
        origin = self._origin if part.count <= self.count else part._origin
        mine, its = self._about(origin), part._about(origin)
        mine.merge(its)
        self._pieces, self._origin = mine, origin
        return self

    def _about(self, origin: Array) -> SummedPieces:
        """Of products of covariates and predictions less another origin (d + j,)."""
        assert self._pieces is not None
        matrix = self._products.moved(self._origin - origin)
        return self._pieces.mapped(matrix[1:, 1:], matrix[1:, 0])

    def _check_columns(self, other: LinearRegressionMoments) -> None:
        if not self.count:
            return
        if self._products != other._products:
            raise ValueError(
                f"X and f have {other.n_features} and {other.n_judges} columns, and there are {self.n_features} and {self.n_judges} in what was seen before; "
                "expected as many."
            )
        check_told(other._told, self._told, "X")
        before, now = (SimpleNamespace(columns=one._names) for one in (self, other))
        check_column_order(before, now, "what was seen before", "X")


def _read_sums(told: Mapping[str, Any], count: int) -> tuple[SummedPieces, frozenset[str]]:
    """Of the products but the 1; and which of weights, clusters and their labels there are."""
    if "pieces" in told:
        return read_pieces({"count": count, **told["pieces"]})
    return SummedRows.of_rows(read_moments(told, count)), frozenset()
