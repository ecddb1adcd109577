"""How single rows move an estimate: what a bootstrap resamples instead of estimating anew."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

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
    """

    rows: Array
    pool_covariance: Array
    degrees_of_freedom: int
    recycled: Recycled | None = None

    @property
    def recycled_weight(self) -> Array:
        """Weight (k,) of the labels that have trained; 0 without them."""
        return np.zeros(self.rows.shape[1]) if self.recycled is None else self.recycled.weight

    def scaled(self, factor: float) -> Influence:
        """Of an estimate of which this one, without recycled labels, is a part."""
        return replace(self, rows=factor * self.rows, pool_covariance=factor**2 * self.pool_covariance)

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
