"""The error of an estimate: sums of independent pieces that labels tell, a normal part of the pool, and its shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.rectification._checks import Array


@dataclass(frozen=True, eq=False)
class Term:
    """A part of an estimate's error: the mean of `size` independent pieces like these, times `scale`.

    Parameters
    ----------
    rows : ndarray of shape (g, k)
        Centred influence values of pieces.
    size : int
    scale : ndarray of shape (k,)
    """

    rows: Array
    size: int
    scale: Array

    def times(self, factor: Any) -> Term:
        """Of `factor` times the estimate."""
        return replace(self, scale=factor * self.scale)

    def sums(self, weights: Array) -> Term:
        """Of sums (q,) of the k numbers with weights (q, k)."""
        return replace(self, rows=self.rows * self.scale @ weights.T, scale=np.ones(len(weights)))

    @property
    def covariance(self) -> Array:
        """Covariance (k, k) of this part."""
        rows = self.rows * self.scale
        return np.asarray(rows.T @ rows / (len(rows) * self.size))

    def moments(self, unit: Array) -> Array:
        """Sums (3, k) of second, third and fourth powers of what each of the `size` pieces adds to the error, measured in `unit` (k,)."""
        factor = np.divide(self.scale, unit, out=np.zeros_like(unit), where=unit > 0)
        pieces = factor * self.rows / self.size
        squares = pieces**2
        pairs = (pieces, pieces), (squares, pieces), (squares, squares)
        sums = [np.einsum("gk,gk->k", *pair) for pair in pairs]
        return np.array(sums) * (self.size / len(pieces))


@dataclass(frozen=True, eq=False)
class Shape:
    """How far the distribution of an error is from that of the mean of many normal labels.

    Parameters
    ----------
    skewness : ndarray of shape (k,)
        0 where nothing varies.
    effective_labels : ndarray of shape (k,)
        As many normal labels that are all alike would tell the labels' part of the variance as well (Satterthwaite 1946, with fourth moments
        for squared variances): of a covariate that few rows have about those few.
    share : ndarray of shape (k,)
        The labels' part of the variance.
    are_alike : bool
        Whether pieces are labels of one distribution, as those of a mean are.
    """

    skewness: Array
    effective_labels: Array
    share: Array
    are_alike: bool

    @classmethod
    def of(cls, terms: Sequence[Term], standard_error: ArrayLike, are_alike: bool) -> Shape:
        """Of the sum of some terms and of what is normal."""
        unit = np.atleast_1d(standard_error)
        second, third, fourth = np.sum([term.moments(unit) for term in terms], axis=0)
        effective = np.divide(3 * second**2, fourth, out=np.full_like(fourth, np.inf), where=fourth > 0)
        return cls(third, effective, second, are_alike)

    @property
    def degrees_of_freedom(self) -> Array:
        """Effective ones (k,), as if all but the labels' part of the variance was known."""
        with np.errstate(divide="ignore"):
            return self.effective_labels / self.share**2


@dataclass(frozen=True, eq=False)
class ErrorTerms:
    """The independent parts of an estimate's error.

    Parameters
    ----------
    of_labels : tuple of Term
    pool_covariance : ndarray of shape (k, k)
        Of the pool's part, which is normal.
    are_alike : bool
        As in `Shape`.
    """

    of_labels: tuple[Term, ...]
    pool_covariance: Array
    are_alike: bool

    @property
    def pool_variance(self) -> Array:
        """Variance (k,) of the pool's part."""
        return np.diag(self.pool_covariance)

    def shape(self, standard_error: ArrayLike) -> Shape:
        """Of the whole error."""
        return Shape.of(self.of_labels, standard_error, self.are_alike)

    def sums(self, weights: Array) -> ErrorTerms:
        """Of sums (q,) of the k numbers with weights (q, k)."""
        return ErrorTerms(
            tuple(term.sums(weights) for term in self.of_labels),
            weights @ self.pool_covariance @ weights.T,
            self.are_alike,
        )

    def minus(self, other: ErrorTerms) -> ErrorTerms:
        """Of the difference of two independent estimates."""
        return ErrorTerms(
            (*self.of_labels, *(term.times(-1.0) for term in other.of_labels)),
            self.pool_covariance + other.pool_covariance,
            self.are_alike and other.are_alike,
        )
