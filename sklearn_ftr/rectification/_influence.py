"""How single rows move an estimate: what a bootstrap resamples instead of estimating anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.rectification._checks import Array


@dataclass(frozen=True, eq=False)
class Recycled:
    """The part that labels which have trained take in an estimate.

    Parameters
    ----------
    weight : ndarray of shape (k,)
        Of their own answer.
    scales : tuple of ndarray of shape (k,)
        What the errors of the rectified part, and those of means of `rows`, are multiplied by to be those of the combination.
    rows : ndarray of shape (n, k)
        Centred influence values of all labels.
    n_trained : int
        How many of them their own answer is a mean of.
    """

    weight: Array
    scales: tuple[Array, Array]
    rows: Array
    n_trained: int


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
class Influence:
    """What a bootstrap needs: how each labeled row moves the estimate, and what the pool's mean adds.

    Parameters
    ----------
    rows : ndarray of shape (r, k)
        Centred influence values of the rectification rows: the estimate less its limit is their mean.
    pool_covariance : ndarray of shape (k, k)
        Covariance of the pool's part of the rectified estimate.
    degrees_of_freedom : int
        r - p of the labeled part.
    recycled : Recycled or None
        The part of labels that have trained.
    n_parameters : int, default=1
        How many numbers are fitted together.
    """

    rows: Array
    pool_covariance: Array
    degrees_of_freedom: int
    recycled: Recycled | None = None
    n_parameters: int = 1

    @property
    def terms(self) -> tuple[Term, ...]:
        """The independent parts of the labels' error."""
        pieces = len(self.rows)
        stated = np.full(self.rows.shape[1], np.sqrt(pieces / self.degrees_of_freedom))
        of_rows = Term(self.rows, pieces, stated)
        if self.recycled is None:
            return (of_rows,)
        part = self.recycled
        own = Term(part.rows, part.n_trained, part.weight * part.scales[1])
        return of_rows.times(self._rest), own

    @property
    def pool_variance(self) -> Array:
        """Variance (k,) that the pool adds to that of the terms."""
        return np.diag(self.pool_covariance) * self._rest**2

    @property
    def _rest(self) -> Array:
        """What is left for the rectified part, beside that of labels that have trained."""
        return (
            np.ones(self.rows.shape[1])
            if self.recycled is None
            else (1 - self.recycled.weight) * self.recycled.scales[0]
        )

    @property
    def recycled_weight(self) -> Array:
        """Weight (k,) of the labels that have trained; 0 without them."""
        return np.zeros(self.rows.shape[1]) if self.recycled is None else self.recycled.weight

    def scaled(self, factor: float) -> Influence:
        """Of an estimate of which this one, without recycled labels, is a part."""
        return replace(self, rows=factor * self.rows, pool_covariance=factor**2 * self.pool_covariance)

    def contrast(self, weights: Array) -> Influence:
        """Of the sum of the k numbers with these weights (k,)."""
        if self.recycled is None:
            return self._sum(weights)
        part, share = self.recycled, np.abs(weights) / np.abs(weights).sum()
        weight, *scales = (share[None] @ values for values in (part.weight, *part.scales))
        of_rows = weights * self._rest / ((1 - weight) * scales[0])
        own = weights * part.weight * part.scales[1]
        # A part without any weight has nothing to be scaled by.
        own = own / np.where(weight > 0, weight * scales[1], 1.0)
        recycled = replace(
            part, weight=weight, scales=(scales[0], scales[1]), rows=(part.rows @ own)[:, None]
        )
        return replace(self._sum(of_rows), recycled=recycled)

    def _sum(self, weights: Array) -> Influence:
        rows, pool = self.rows @ weights, weights @ self.pool_covariance @ weights
        return replace(self, rows=rows[:, None], pool_covariance=np.array([[pool]]))

    def draws(self, n_draws: int, rng: np.random.Generator) -> Array:
        """Errors (n_draws, k): labeled rows drawn with replacement, and a normal error of the pool's mean."""
        r = len(self.rows)
        # Scaled to the stated variance, which divides by fewer than r.
        of_rows = _means(self.rows, r, n_draws, rng) * np.sqrt(r / self.degrees_of_freedom)
        # In units of each number's own error: coefficients may differ by any power of ten.
        units = np.sqrt(np.diag(self.pool_covariance))
        units = np.where(units > 0, units, 1.0)
        values, vectors = np.linalg.eigh(self.pool_covariance / units / units[:, None])
        normal = rng.standard_normal(of_rows.shape) * np.sqrt(np.maximum(values, 0.0))
        errors = of_rows + normal @ vectors.T * units
        if self.recycled is None:
            return errors
        part = self.recycled
        own = _means(part.rows, part.n_trained, n_draws, rng)
        return (1 - part.weight) * part.scales[0] * errors + part.weight * part.scales[1] * own


def _means(rows: Array, size: int, n_draws: int, rng: np.random.Generator) -> Array:
    """Means (n_draws, k) of `size` rows drawn with replacement."""
    means = np.empty((n_draws, rows.shape[1]))
    for draw in range(n_draws):
        means[draw] = rows[rng.integers(len(rows), size=size)].mean(axis=0)
    return means
