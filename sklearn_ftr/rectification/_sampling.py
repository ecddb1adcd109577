"""How rows were drawn: what brings values of rows to deviations of independent pieces, and so to variances.

Rows that are a simple random sample are here, those of a sampling design in `_designed_sampling`. Whoever estimates something asks no more of a
sample than this.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._cross_fitting import within_parts
from sklearn_ftr.rectification._deviations import Deviations, deviations_of_labels, deviations_of_rows
from sklearn_ftr.rectification._inference import Estimate
from sklearn_ftr.rectification._moments import Moments, RowMoments, columns, merge, moments, no_moments
from sklearn_ftr.rectification._pool import Pool
from sklearn_ftr.rectification._pool_moments import PoolMoments
from sklearn_ftr.rectification._pool_rows import Codes, PoolRows
from sklearn_ftr.rectification._rectify import prediction_shift, shift_of

# What the indexes of the labeled rows and of the pool are told by; empty where there are none.
RowNames = tuple[str, str]


class PoolPart(Protocol):
    """What is left of values (n, k) on the pool's side: their mean, and what its variance is made of."""

    @property
    def mean(self) -> Array:
        """Of all rows (k,)."""

    @property
    def squares(self) -> Array:
        """Sums of squares (k,), which are finite if the rows are."""

    def without(self, noise: Array) -> Self:
        """The same, but columns that vary by no more than `noise` (k,) do not vary at all."""

    def mapped(self, matrix: Array, shift: Array) -> Self:
        """Of values that are `shift` (j,) plus `matrix` (j, k) times these."""


@dataclass(frozen=True, eq=False)
class MeansOfPool:
    """What one pass over a pool tells a mean.

    Parameters
    ----------
    part : PoolPart
        Of one model; of several what `Sampling.aligned` makes one of.
    means : ndarray of shape (K, k)
        Each model's over the pool.
    even_rows : ndarray of shape (n, K k), default=None
        Predictions of some rows, those of the first model first, where they are asked for.
    """

    part: Any
    means: Array
    even_rows: NDArray[Any] | None = None


class Sampling(ABC):
    """How labeled rows and those of the pool were drawn.

    Attributes
    ----------
    weights : ndarray of shape (r,) or None
        Of labels, with the sum 1; None is the same for all.
    own_weights : ndarray of shape (r,) or None
        Of labeled rows on the pool's side; None if unlabeled rows alone are there.
    pool_rows : PoolRows or None
        How unlabeled rows were drawn; None is all alike and by themselves.
    pool_weights : ndarray of shape (m,) or None
        Of unlabeled rows; None is the same for all.
    labeled_share : ndarray of shape (r,) or None
        Of a finite population: with which probability each labeled row was labeled.
    is_finite : bool
        Whether exactly these rows are meant.
    is_complete : bool
        Whether the rows are a finite population of which every one has a label.
    rows : RowNames or None
        Names of independent rows that are in the order in which a user has given them; None for all others.
    """

    rows: RowNames | None = None

    weights: Array | None
    own_weights: Array | None
    labeled_share: Array | None
    pool_rows: PoolRows | None

    @property
    def pool_weights(self) -> Array | None:
        """See above."""
        return None

    @property
    def is_finite(self) -> bool:
        """See above."""
        return False

    @property
    def is_complete(self) -> bool:
        """See above."""
        return False

    @abstractmethod
    def pool_part(self, blocks: Iterator[Array], k: int) -> PoolPart:
        """From values (n, k) of the rows on the pool's side, block by block; labeled ones first where they are there."""

    @abstractmethod
    def summary(self, k: int, origin: Array | None = None) -> Any:
        """What sees values (n, k) of unlabeled rows, which are near an origin (k,), with `add(values, PoolBlock.drawn)` and `merge(other)`."""

    @abstractmethod
    def part(self, seen: Any, of_labeled: Array | None) -> PoolPart:
        """What such a summary has seen, and values (r, k) of labeled rows where they are on the pool's side."""

    @abstractmethod
    def of_means(self, f: Array, pool: Pool) -> MeansOfPool:
        """From a pass over predictions (m, k) of the pool by each of K models; with a single one, f (r, k) are those of the labeled rows."""

    @abstractmethod
    def aligned(self, f: Array, shares: Array, folds: Sequence[slice], seen: MeansOfPool) -> PoolPart:
        """The average, weighted by shares (K,), of models that agree on the pool's mean, beside which labeled rows, fold by fold, have the predictions f (r, k)."""

    def own_models(self, folds: Sequence[slice]) -> Codes | None:
        """Of each piece (n_pieces,) the model that has not seen the labels in it, or -1; None if no unlabeled row is in a piece with labels."""
        return None

    @abstractmethod
    def deviations(
        self,
        y: Array,
        f: Array,
        pool: Any,
        noise: tuple[Array, Array] | None = None,
        reach: Array | None = None,
    ) -> Deviations:
        """Of labels (r, k) and predictions of the rows that rectify, beside the pool's.

        `noise` is how far rounding may have moved them, where that is more than their last places tell; `reach` (r, k) how far an error of
        each row's label, as large as it is expected to be, moves the numbers (None: all alike).
        """

    @abstractmethod
    def deviations_of_labels(self, rows: Array, reach: Array | None = None) -> Deviations:
        """Of values (r, k) of labeled rows by themselves; see `deviations`."""

    @abstractmethod
    def pool_estimate(self, pool: Any, n_parameters: int) -> Estimate | None:
        """What the pool says if its predictions were data; None for too few rows."""

    @abstractmethod
    def shift(self, f: Array, pool: Any) -> Array:
        """Mean prediction of the labeled rows less that of the pool (k,), in standard errors of the difference."""

    def shift_among(self, sample: Deviations, pool: Any) -> Array:
        """The same of predictions whose deviations are known."""
        return shift_of(sample)

    @abstractmethod
    def variance_of_rows(self, rows: Array) -> Array:
        """V (k,) of values (r, k) of labeled rows."""

    @abstractmethod
    def n_pieces_among(self, rows: slice) -> int:
        """How many independent pieces some of the labeled rows are, of those that count."""

    def weights_of_pools_side(self, m: int) -> Array | None:
        """Of labeled rows, where they are there, and of m unlabeled ones; None is the same for all."""
        if self.own_weights is None or not m:
            return self.pool_weights
        others = np.ones(m) if self.pool_weights is None else self.pool_weights
        return np.concatenate([self.own_weights, others])

    def joined(self, parts: Sequence[Any], n_parameters: int = 1) -> PoolPart:
        """Of parts of the pool, each moved by a model of its own to the same place in all parameters."""
        raise NotImplementedError("Under a sampling design each model predicts the whole pool.")

    def design_effect(self, rows: Array, sample: Deviations) -> Array | None:
        """Variance (k,) of labels alone over that of as many independent rows; None for those."""
        return None

    def of_labels(self) -> Sampling:
        """How labels were drawn, without anything of the pool's rows."""
        return self

    def shares(self, fold_sizes: Sequence[int]) -> Array:
        """Weight (K,) of each model in a prediction of the pool: that of its fold's labels.

        With these an offset of one model adds as much to the pool's mean as it takes from the rectifier, whatever the sizes of folds.
        """
        if self.weights is None:
            sizes = np.asarray(fold_sizes, dtype=np.float64)
            return np.asarray(sizes / sizes.sum())
        ends = np.cumsum(fold_sizes)[:-1]
        return np.array([part.sum() for part in np.split(self.weights, ends)])


@dataclass(frozen=True, eq=False)
class SimpleRandom(Sampling):
    """Rows that are all alike and by themselves: `n_labeled` labels and the pool are a random sample each."""

    n_labeled: int
    rows: RowNames | None = None
    weights: None = None
    own_weights: None = None
    labeled_share: None = None
    pool_rows: None = None

    def pool_part(self, blocks: Iterator[Array], k: int) -> Moments:
        """Count, mean and covariance."""
        return reduce(merge, map(moments, blocks), no_moments(k))

    def summary(self, k: int, origin: Array | None = None) -> RowMoments:
        """Of rows that are all alike, wherever they are."""
        return RowMoments(k)

    def part(self, seen: RowMoments, of_labeled: Array | None) -> Moments:
        """Of unlabeled rows only."""
        return seen.moments

    def of_means(self, f: Array, pool: Pool) -> MeansOfPool:
        """Of all models side by side."""
        seen = pool.summarized(PoolMoments.expecting(pool.n_known))
        part = seen.moments or no_moments(f.shape[1] * pool.n_models)
        return MeansOfPool(part, part.mean.reshape(pool.n_models, -1), seen.even_rows)

    def aligned(self, f: Array, shares: Array, folds: Sequence[slice], seen: MeansOfPool) -> Moments:
        """Their moments are a linear map of those side by side."""
        assert isinstance(seen.part, Moments)
        average = np.kron(shares, np.eye(f.shape[1])).astype(np.float64)
        return seen.part.mapped(average, np.zeros(f.shape[1]))

    def joined(self, parts: Sequence[Moments], n_parameters: int = 1) -> Moments:
        """With the degrees of freedom that parts have within them."""
        return within_parts(parts, n_parameters)

    def deviations(
        self,
        y: Array,
        f: Array,
        pool: Moments,
        noise: tuple[Array, Array] | None = None,
        reach: Array | None = None,
    ) -> Deviations:
        """Every row is a piece."""
        return deviations_of_rows(y, f, pool, noise, reach)

    def deviations_of_labels(self, rows: Array, reach: Array | None = None) -> Deviations:
        """Every row is a piece."""
        return deviations_of_labels(rows, reach)

    def pool_estimate(self, pool: Moments, n_parameters: int) -> Estimate | None:
        """With the small-sample factor m / (m - p)."""
        degrees = pool.count - n_parameters
        if degrees < 1:
            return None
        covariance = pool.cross_products / degrees / pool.count
        return Estimate(pool.mean, covariance, np.full(len(pool.mean), float(degrees)))

    def shift(self, f: Array, pool: Moments) -> Array:
        """In those of a permutation test."""
        return prediction_shift(deviations_of_labels(f), pool)

    def shift_among(self, sample: Deviations, pool: Moments) -> Array:
        """In those of a permutation test."""
        return prediction_shift(sample, pool)

    def variance_of_rows(self, rows: Array) -> Array:
        """With r - 1 degrees of freedom."""
        return moments(columns(rows)).variance

    def n_pieces_among(self, rows: slice) -> int:
        """As many as rows."""
        return len(range(*rows.indices(self.n_labeled)))
