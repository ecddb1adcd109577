"""The error of an estimate: sums of independent pieces that labels tell, a normal part of the pool, and its shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr._short_repr import short_repr
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._evenness import Evenness, of_sums
from sklearn_ftr.rectification._fields_only import FieldsOnly
from sklearn_ftr.rectification._inference import welch_satterthwaite
from sklearn_ftr.rectification._moments import sums_of_products, sums_of_squares


@dataclass(frozen=True, eq=False)
class Term:
    """A part of an estimate's error: the mean of `size` independent pieces like these, times `scale`.

    Parameters
    ----------
    rows : ndarray of shape (g, k)
        Centred influence values of pieces.
    size : int
    scale : ndarray of shape (k,)
    evenness : Evenness, default=None
        How unevenly pieces know the numbers.
    """

    rows: Array
    size: int
    scale: Array
    evenness: Evenness | None = None

    def times(self, factor: Any) -> Term:
        """Of `factor` times the estimate."""
        return replace(self, scale=factor * self.scale)

    def sums(self, weights: Array) -> Term:
        """Of sums (q,) of the k numbers with weights (q, k)."""
        scaled = self.rows * self.scale
        return replace(
            self,
            rows=scaled @ weights.T,
            scale=np.ones(len(weights)),
            evenness=of_sums(self.evenness, weights, scaled),
        )

    @property
    def covariance(self) -> Array:
        """Covariance (k, k) of this part."""
        rows = self.rows * self.scale
        return np.asarray(rows.T @ rows / (len(rows) * self.size))

    def correction(self) -> tuple[Array, Array]:
        """By how much the variance of this part is too small (k,), and its effective degrees of freedom (k,)."""
        if self.evenness is not None:
            return self.evenness.correct(self.rows)
        k = self.rows.shape[1]
        return np.ones(k), np.full(k, np.inf)

    def moments(self, unit: Array) -> Array:
        """Sums (3, k) of second, third and fourth powers of what each of the `size` pieces adds to the error, measured in `unit` (k,)."""
        factor = np.divide(self.scale, unit, out=np.zeros_like(unit), where=unit > 0)
        pieces = self.rows * (factor / self.size)
        squares = pieces * pieces
        pairs = (pieces, pieces), (squares, pieces), (squares, squares)
        sums = [sums_of_products(*pair) for pair in pairs]
        return np.array(sums) * (self.size / len(pieces))


@short_repr
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
    understated : ndarray of shape (k,) or float, default=1.0
        The labels' part of the variance that is expected, over the one that residuals show.
    spare : ndarray of shape (k,) or float, default=inf
        Degrees of freedom of that part, by how unevenly pieces know the numbers.
    expected_skewness : ndarray of shape (k,) or float, default=0.0
        The one that predictions of the pool let expect at least.
    """

    skewness: Array
    effective_labels: Array
    share: Array
    are_alike: bool
    understated: Any = 1.0
    spare: Any = np.inf
    expected_skewness: Any = 0.0

    @classmethod
    def of(cls, terms: Sequence[Term], standard_error: ArrayLike, are_alike: bool) -> Shape:
        """Of the sum of some terms and of what is normal."""
        unit = np.atleast_1d(standard_error)
        of_terms = [term.moments(unit) for term in terms]
        second, third, fourth = sum(of_terms[1:], of_terms[0])
        effective = np.divide(3 * second**2, fourth, out=np.full_like(fourth, np.inf), where=fourth > 0)
        if all(term.evenness is None for term in terms):
            return cls(third, effective, second, are_alike)
        corrections = [term.correction() for term in terms]
        variances = [moments[0] * by for moments, (by, _) in zip(of_terms, corrections, strict=True)]
        expected = np.sum(variances, axis=0)
        understated = np.divide(expected, second, out=np.ones_like(second), where=second > 0)
        spare = welch_satterthwaite(variances, [degrees for _, degrees in corrections])
        skewness = third / _inflation(second, understated) ** 1.5
        effective = np.where(np.isfinite(spare), spare + 1, effective)
        return cls(skewness, effective, second, are_alike, understated, spare)

    @property
    def has_effective_degrees(self) -> bool:
        """Whether degrees of freedom are fewer than pieces tell."""
        return not self.are_alike or bool(np.isfinite(self.spare).any())

    @property
    def degrees_of_freedom(self) -> Array:
        """Effective ones (k,), as if all but the labels' part of the variance was known; inf where pieces are all alike."""
        known = self.are_alike | np.isfinite(self.spare)
        of_labels = np.where(known, self.spare, self.effective_labels)
        share = self.share * self.understated / self.inflation
        with np.errstate(divide="ignore"):
            return np.asarray(of_labels / share**2)

    @property
    def inflation(self) -> Array:
        """The variance (k,) that is expected, over the one that residuals show."""
        return _inflation(self.share, self.understated)


def _inflation(share: Array, understated: Any) -> Array:
    return np.asarray(1 + share * (understated - 1))


@short_repr
@dataclass(frozen=True, eq=False)
class ErrorOfLabels(FieldsOnly):
    """The error of a mean of `rows` (g, k), centred, of pieces that know it as evenly as `evenness` says; its shape is found when it is asked for."""

    rows: Array
    evenness: Evenness | None
    are_alike: bool

    @cached_property
    def shape(self) -> Shape:
        """Of the error."""
        g = len(self.rows)
        error = np.sqrt(sums_of_squares(self.rows)) / g
        term = Term(self.rows, g, np.ones(self.rows.shape[1]), self.evenness)
        return Shape.of([term], error, self.are_alike)


@dataclass(frozen=True, eq=False)
class KnownShape:
    """The shape of an error of which no more is known."""

    shape: Shape


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
    expected_third : ndarray of shape (k,) or float, default=0.0
        Third moment of the error that predictions of the pool let expect.
    """

    of_labels: tuple[Term, ...]
    pool_covariance: Array
    are_alike: bool
    expected_third: Any = 0.0

    @property
    def pool_variance(self) -> Array:
        """Variance (k,) of the pool's part."""
        return self.pool_covariance.diagonal()

    def shape(self, standard_error: ArrayLike) -> Shape:
        """Of the whole error."""
        shape = Shape.of(self.of_labels, standard_error, self.are_alike)
        if not np.asarray(self.expected_third).any():
            return shape
        cube = np.atleast_1d(standard_error) ** 3
        expected = np.divide(self.expected_third, cube, out=np.zeros_like(cube), where=cube > 0)
        return replace(shape, expected_skewness=expected / shape.inflation**1.5)

    def sums(self, weights: Array) -> ErrorTerms:
        """Of sums (q,) of the k numbers with weights (q, k)."""
        return ErrorTerms(
            tuple(term.sums(weights) for term in self.of_labels),
            weights @ self.pool_covariance @ weights.T,
            self.are_alike,
            weights**3 @ np.broadcast_to(self.expected_third, weights.shape[1]),
        )

    def minus(self, other: ErrorTerms) -> ErrorTerms:
        """Of the difference of two independent estimates."""
        return ErrorTerms(
            (*self.of_labels, *(term.times(-1.0) for term in other.of_labels)),
            self.pool_covariance + other.pool_covariance,
            self.are_alike and other.are_alike,
            self.expected_third - other.expected_third,
        )
