"""A summary of covariates and predictions over a pool that takes the pool's place in a linear regression."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._arguments import ArgumentTypeError
from sklearn_ftr._tables import check_column_order, check_same_rows, column_names
from sklearn_ftr.rectification._checks import (
    Array,
    as_pool_array,
    as_settings,
    check_finite,
    check_judgements,
)
from sklearn_ftr.rectification._moments import Moments, as_table, merge
from sklearn_ftr.rectification._pool_moments import PoolMoments
from sklearn_ftr.rectification._products_of_columns import Products
from sklearn_ftr.rectification._told_moments import check_entries, read_count, read_moments

# Products of columns, 200 MB of their covariances.
_MOST_PRODUCTS = 5_000
_MADE_OF = "LinearRegressionMoments are made of count, n_features, mean and covariance"
# Of values whose fourth powers have a sum.
_LARGEST = 1e70


class LinearRegressionMoments:
    """Moments of a pool's covariates, predictions and their products, by which `rectify_linear_regression` does as well as by the rows themselves.

    It is passed as `X_unlabeled`, without `f_unlabeled`. Workers that each have read a part of the pool send theirs to be merged.

    Parameters
    ----------
    X : array-like of shape (m, d), default=None
        Covariates to begin with, without an intercept: what is kept suffices with one and without. Those of a data frame have to be those of the labeled rows.
    f : array-like of shape (m,) or (m, j), default=None
        Predictions of the same rows, by j judges.

    Attributes
    ----------
    count : int
        Rows that have been seen.
    n_features, n_judges : int
        d and j; 0 before any row.

    Notes
    -----
    Kept are count, mean and covariance of the q products u_i u_l of u = (1, x, f), x and f less an origin near them, of which one factor is 1 or a covariate: q = (d + 1) (d + 2) / 2 +
    j (d + 1), the 1 itself included. Scores x (f - x'theta) of least squares, whose covariance the standard error asks for, are linear in these at any theta, and X'X and X'f are among
    them; X'X and X'f alone would not do. q^2 numbers take 48 kB for 10 covariates, 15 MB for 50; more than 5,000 products (97 covariates) are refused. Moments of products are
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

    def __init__(self, X: ArrayLike | None = None, f: ArrayLike | None = None) -> None:
        self._moments: Moments | None = None
        self._products = Products(0, 0)
        self._origin: Array = np.zeros(0)
        self._names: list[Any] | None = None
        if X is not None or f is not None:
            self.update(X, f)

    @property
    def count(self) -> int:
        """See above."""
        return 0 if self._moments is None else self._moments.count

    @property
    def n_features(self) -> int:
        """See above."""
        return self._products.d

    @property
    def n_judges(self) -> int:
        """See above."""
        return self._products.j

    def update(self, X: Any, f: Any) -> Self:
        """See more rows.

        Parameters
        ----------
        X : array-like of shape (n, d)
        f : array-like of shape (n,) or (n, j)

        Returns
        -------
        self

        Raises
        ------
        ValueError
            NaN, infinite or overflowing values; other numbers of rows or columns; too many columns; columns of a data frame that are not those of
            what was seen before.
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
        check_finite(rows, "X")
        check_judgements(predictions, "f")
        part = LinearRegressionMoments()
        part._names = column_names(X)
        part._products = _products(rows.shape[1], predictions.shape[1])
        self._check_columns(part)
        part._see(rows, predictions)
        return self._take(part)

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
        if self._moments is None:
            return {"count": 0}
        d, products = self.n_features, self._moments.cross_products[1:, 1:]
        told = {
            "count": self.count,
            "n_features": d,
            "origin": self._origin.tolist(),
            "mean": self._moments.mean[1:].tolist(),
            "covariance": (products / max(self.count - 1, 1)).tolist(),
        }
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

        Raises
        ------
        ValueError
            A missing entry, or shapes that do not match; values that are not finite; a covariance that is none.
        """
        found, count = cls(), read_count(told, made_of=_MADE_OF)
        if not count:
            return found
        check_entries(told, "n_features", "mean", "covariance", made_of=_MADE_OF)
        of_products, d = read_moments(told, count), read_count({"count": told["n_features"]})
        q = len(of_products.mean) + 1
        j, left = divmod(q - (d + 1) * (d + 2) // 2, d + 1)
        if d < 1 or j < 1 or left:
            raise ValueError(
                f"mean has {q - 1} numbers and n_features is {d}; expected (d + 1) (d + 2) / 2 - 1 products of covariates and d + 1 for each judge."
            )
        found._products = _products(d, j)
        found._origin = _read_origin(told, d + j)
        found._names = list(told["names"]) if told.get("names") is not None else None
        products = np.zeros((q, q))
        products[1:, 1:] = of_products.cross_products
        found._moments = Moments(count, np.append(1.0, of_products.mean), products)
        return found

    def __repr__(self) -> str:
        if not self.count:
            return "LinearRegressionMoments()"
        return f"LinearRegressionMoments(count={self.count}, n_features={self.n_features}, n_judges={self.n_judges})"

    @property
    def names(self) -> list[Any] | None:
        """Of the covariates, if they came in data frames."""
        return self._names

    @property
    def predictions(self) -> PoolMoments:
        """Of the judges' predictions by themselves."""
        if self._moments is None:
            return PoolMoments()
        d, j = self.n_features, self.n_judges
        chosen = np.eye(self._products.q)[d + 1 : d + 1 + j]
        return PoolMoments.of_moments(self._moments.mapped(chosen, self._origin[d:]))

    def scores(self, matrix: Array, points: Array) -> Moments:
        """Of x (f - x'theta) (j k,), those of the first judge first, at points (j, k), with coordinates that `matrix` (k, d + 1) makes of (1, x - origin).

        Those that vary by no more than rounding of products do not vary at all.
        """
        assert self._moments is not None
        of_judges = [
            self._products.scores(matrix, theta, judge, self._origin[self.n_features + judge])
            for judge, theta in enumerate(points)
        ]
        rows = np.concatenate(of_judges)
        spread = np.sqrt(self._moments.squares / self.count)
        noise = np.sqrt(64 * np.finfo(float).eps) * (np.abs(rows) @ spread)
        found = self._moments.mapped(rows, np.zeros(len(rows)))
        np.fill_diagonal(found.cross_products, np.maximum(found.squares, 0.0))
        return found.without(noise)

    def lost(self, matrix: Array) -> float:
        """How much larger sums are than what is left of them in these coordinates, at most."""
        assert self._moments is not None
        largest = np.sqrt(np.diag(self.information(np.eye(self.n_features + 1))))
        left = np.sqrt(np.diag(self.information(matrix)))
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.nanmax(np.abs(matrix) @ largest / left))

    def information(self, matrix: Array) -> Array:
        """Mean of x x' (k, k), in these coordinates."""
        assert self._moments is not None
        square = self._moments.mean[self._products.place[:, : self.n_features + 1]]
        return np.asarray(matrix @ square @ matrix.T)

    @property
    def origin(self) -> Array:
        """What was subtracted from covariates (d,)."""
        return self._origin[: self.n_features]

    def _see(self, X: NDArray[Any], f: NDArray[Any]) -> None:
        means = [one.mean(axis=0, dtype=np.float64) for one in (X, f)]
        self._origin = np.concatenate(means)
        if max(float(one.max()) - float(one.min()) for one in (X, f)) > _LARGEST:
            raise ValueError(
                f"Products of X and f have squares that overflow, of values that are {_LARGEST:g} apart; divide by powers of ten."
            )
        self._moments = self._products.moments(X, f, self._origin)

    def _take(self, part: LinearRegressionMoments) -> Self:
        """About the origin of the larger part, which is nearer to the middle of all."""
        assert part._moments is not None
        if self._moments is None:
            vars(self).update(vars(part))
            return self
        mine, its, origin = self._moments, part._moments, self._origin
        if part.count > self.count:
            origin = part._origin
        mine = self._products.moved(mine, self._origin - origin)
        self._moments = merge(mine, self._products.moved(its, part._origin - origin))
        self._origin = origin
        return self

    def _check_columns(self, other: LinearRegressionMoments) -> None:
        if not self.count:
            return
        if self._products != other._products:
            raise ValueError(
                f"X and f have {other.n_features} and {other.n_judges} columns, and there are {self.n_features} and {self.n_judges} in what was seen before; "
                "expected as many."
            )
        before, now = (SimpleNamespace(columns=one._names) for one in (self, other))
        check_column_order(before, now, "what was seen before", "X")


def _products(d: int, j: int) -> Products:
    """Those that fit."""
    products = Products(d, j)
    if products.q > _MOST_PRODUCTS:
        raise ValueError(
            f"X has {d} columns and f has {j}, which have {products.q:,} products, and so moments of {8e-6 * products.q**2:,.0f} MB; expected at most {_MOST_PRODUCTS:,} products (97 columns and "
            "one judge). Pass the rows in blocks."
        )
    return products


def _read_origin(told: Mapping[str, Any], n: int) -> Array:
    origin = as_settings(told.get("origin", np.zeros(n)), "origin", f"expected {n} numbers")
    if origin.shape != (n,):
        raise ValueError(
            f"origin has shape {origin.shape}; expected ({n},): a number for each covariate and judge."
        )
    return check_finite(origin, "origin")
