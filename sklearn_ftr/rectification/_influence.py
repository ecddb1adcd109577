"""How single rows move an estimate: what a bootstrap resamples instead of estimating anew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sklearn_ftr._short_repr import short_repr
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._error_terms import ErrorTerms, Term
from sklearn_ftr.rectification._evenness import Evenness, beside, of_sums
from sklearn_ftr.rectification._packed_rows import WithPackedRows


@dataclass(frozen=True, eq=False)
class Recycled(WithPackedRows):
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
    degrees : int
        Degrees of freedom of their variance.
    evenness : Evenness, default=None
        Of all labels.
    """

    weight: Array
    scales: tuple[Array, Array]
    rows: Array
    n_trained: int
    degrees: int
    evenness: Evenness | None = None


@short_repr
@dataclass(frozen=True, eq=False)
class Influence(WithPackedRows):
    """What a bootstrap needs: how each labeled row moves the estimate, and what the pool's mean adds.

    Parameters
    ----------
    rows : ndarray of shape (r, k)
        Centred influence values of the rectification rows: the estimate less its limit is their mean.
    pool_covariance : ndarray of shape (k, k)
        Covariance of the pool's part of the rectified estimate.
    degrees_of_freedom : int
        r - p of the labeled part.
    degrees : tuple of ndarray of shape (k,)
        Degrees of freedom of the variances of the labeled part, less what tuned weights cost, and of the pool's.
    labels, predictions : ndarray of shape (r, k)
        Deviations of labels, and lambda times those of predictions of the same rows.
    recycled : Recycled or None
        The part of labels that have trained.
    n_parameters : int, default=1
        How many numbers are fitted together.
    evenness : Evenness, default=None
        Of labeled rows.
    expected_third : ndarray of shape (k,), default=None
        Third moment of the labels' part of the error that predictions of the pool let expect; None is nothing.
    """

    rows: Array
    pool_covariance: Array
    degrees_of_freedom: int
    degrees: tuple[Array, Array]
    labels: Array
    predictions: Array
    recycled: Recycled | None = None
    n_parameters: int = 1
    evenness: Evenness | None = None
    expected_third: Array | None = None

    @cached_property
    def terms(self) -> ErrorTerms:
        """The independent parts of the estimate's error."""
        pool, third = self.pool_covariance, self._expected_third
        if self.recycled is not None:
            pool, third = np.outer(self._rest, self._rest) * pool, third * self._rest**3
        return ErrorTerms(self._of_labels, pool, self.n_parameters == 1, third)

    @property
    def _expected_third(self) -> Array:
        nothing = np.zeros(self.rows.shape[1])
        return nothing if self.expected_third is None else self.expected_third

    @property
    def _of_labels(self) -> tuple[Term, ...]:
        pieces = len(self.rows)
        stated = np.full(self.rows.shape[1], np.sqrt(pieces / self.degrees_of_freedom))
        of_rows = Term(self.rows, pieces, stated, self.evenness)
        if self.recycled is None:
            return (of_rows,)
        part = self.recycled
        own = Term(part.rows, part.n_trained, part.weight * part.scales[1], part.evenness)
        return of_rows.times(self._rest), own

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
        return replace(
            self,
            rows=factor * self.rows,
            pool_covariance=factor**2 * self.pool_covariance,
            expected_third=factor**3 * self._expected_third,
        )

    def beside(self, other: Influence) -> Influence:
        """Of both estimates together, without recycled labels, where they come from the same rows in the same order.

        Each knows the pool's part of its own. How these are correlated is what predictions of the labeled rows say, which are a sample like the pool.
        """
        unit = np.sqrt(self.degrees_of_freedom / other.degrees_of_freedom)
        predictions = np.hstack([self.predictions, other.predictions])
        errors = np.sqrt(np.concatenate([np.diag(one.pool_covariance) for one in (self, other)]))
        degrees = [np.concatenate(pair) for pair in zip(self.degrees, other.degrees, strict=True)]
        return Influence(
            rows=np.hstack([self.rows, unit * other.rows]),
            pool_covariance=_correlation(predictions) * np.outer(errors, errors),
            degrees_of_freedom=self.degrees_of_freedom,
            degrees=(degrees[0], degrees[1]),
            labels=np.hstack([self.labels, unit * other.labels]),
            predictions=predictions,
            n_parameters=max(self.n_parameters, other.n_parameters),
            evenness=beside(self.evenness, other.evenness),
            expected_third=np.concatenate([self._expected_third, other._expected_third]),
        )

    def labels_covariance(self) -> Array:
        """Of the answer (k,) of labels alone."""
        return np.asarray(self.labels.T @ self.labels / (len(self.labels) * self.degrees_of_freedom))

    def variance_terms(self) -> list[tuple[Array, Array]]:
        """Independent parts of the estimate's covariance (k, k), each with its degrees of freedom (k,)."""
        terms, k = self.terms, self.rows.shape[1]
        degrees = [self.degrees[0]]
        if self.recycled is not None:
            degrees.append(np.full(k, float(self.recycled.degrees)))
        of_labels = zip((term.covariance for term in terms.of_labels), degrees, strict=True)
        return [*of_labels, (terms.pool_covariance, self.degrees[1])]

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
            part,
            weight=weight,
            scales=(scales[0], scales[1]),
            rows=(part.rows @ own)[:, None],
            evenness=of_sums(part.evenness, own[None], part.rows),
        )
        return replace(self._sum(of_rows), recycled=recycled)

    def _sum(self, weights: Array) -> Influence:
        column, used = weights[:, None], weights != 0
        return replace(
            self,
            rows=self.rows @ column,
            pool_covariance=column.T @ self.pool_covariance @ column,
            degrees=tuple(of_part[used].min(keepdims=True) for of_part in self.degrees),
            labels=self.labels @ column,
            predictions=self.predictions @ column,
            evenness=of_sums(self.evenness, weights[None], self.rows),
            expected_third=(weights**3 @ self._expected_third)[None],
        )

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


def _correlation(columns: Array) -> Array:
    """Of deviations (r, k); of columns of zeros with themselves only."""
    lengths = np.sqrt(np.sum(columns**2, axis=0))
    units = columns / np.where(lengths > 0, lengths, 1.0)
    correlation = units.T @ units
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(correlation)


def _means(rows: Array, size: int, n_draws: int, rng: np.random.Generator) -> Array:
    """Means (n_draws, k) of `size` rows drawn with replacement."""
    means = np.empty((n_draws, rows.shape[1]))
    for draw in range(n_draws):
        means[draw] = rows[rng.integers(len(rows), size=size)].mean(axis=0)
    return means
