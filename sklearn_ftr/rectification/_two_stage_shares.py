"""The sample of a quantile as distribution functions of its parts, and the indicators of being at or below a value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._moments import Moments, as_table
from sklearn_ftr.rectification._parts_of_f import PartsOfF
from sklearn_ftr.rectification._sample import Sample
from sklearn_ftr.rectification._sampling import PoolPart, Sampling, SimpleRandom
from sklearn_ftr.rectification._shares import Ordered, Shares

# Rows of the pool whose indicators are made at once.
_BLOCK_ROWS = 65_536


@dataclass(frozen=True, eq=False)
class TwoStageShares:
    """A sample of labels (r,), and the shares of its parts: of labels, of their predictions, of the pool's, of labels that are recycled."""

    sample: Sample

    @cached_property
    def recycled(self) -> Array:
        """Labels that have trained and enter the estimate, recycled or as a known part of a finite population."""
        trained = self.sample.trained
        return trained.y if trained is not None and (trained.recycle or trained.share) else np.empty(0)

    @cached_property
    def counted(self) -> Array:
        """Labels that enter the estimate, those that rectify first."""
        return np.concatenate([self.sample.y, self.recycled])

    @property
    def sampling(self) -> Sampling:
        """How these were drawn."""
        return self.sample.every if len(self.recycled) else self.sample.drawn

    @property
    def n_counted(self) -> int:
        """How many of these labels have a weight."""
        weights = self.sampling.weights
        return len(self.counted) if weights is None else int(np.count_nonzero(weights))

    @property
    def weights_of_recycled(self) -> Array | None:
        """Of labels that have trained and count."""
        trained, weights = self.sample.trained, self.sampling.weights
        if trained is not None and trained.weights is not None:
            return trained.weights
        return None if weights is None else weights[len(self.sample.y) :]

    @cached_property
    def of_y(self) -> Shares:
        """F_R(y <= t)."""
        return Shares.of(self.sample.y, self.sample.drawn.weights)

    @cached_property
    def of_judges(self) -> list[Shares]:
        """F_R(f <= t) of each judge."""
        return [Shares.of(f, self.sample.drawn.weights) for f in self.sample.f.T]

    @cached_property
    def parts(self) -> PartsOfF:
        """All of them."""
        return PartsOfF(self.of_y, tuple(self.of_judges), self.of_recycled, tuple(self.of_pools))

    @cached_property
    def of_recycled(self) -> Shares:
        """F of labels that have trained and count."""
        return Shares.of(self.recycled, self.weights_of_recycled)

    @cached_property
    def of_pools(self) -> list[Shares]:
        """F_U(f <= t) of each judge."""
        if isinstance(self.sample.drawn, SimpleRandom) and self.sample.pool.n_columns == 1:
            return [Shares(self.sample.pool.ordered)]
        pool, weights = self.pools_side
        return [Shares.of(f, weights) for f in pool.T]

    def quantile_of_labels(self, level: float) -> float:
        """Where F of all labels that count reaches the level."""
        t = self._of_counted.reaching(level)
        return float(self._of_counted.values[-1] if t is None else t)

    @cached_property
    def _of_counted(self) -> Shares:
        if not len(self.recycled):
            return self.of_y
        return Shares.of(self.counted, self.sampling.weights)

    @property
    def pools_side(self) -> tuple[Ordered, Array | None]:
        """Predictions (m, j) of unlabeled rows or, where labels were drawn with probabilities, of all rows; and weights."""
        drawn, pool = self.sample.drawn, as_table(self.sample.f_pool)
        # Whole numbers and truth values as the shortest floats that hold them.
        pool = pool.astype(np.result_type(pool.dtype, np.float32), copy=False)
        weights = drawn.weights_of_pools_side(len(pool))
        if drawn.own_weights is not None and len(pool):
            pool = np.concatenate([self.sample.f, pool])
        return pool, weights

    def below(self, sides: Array) -> PoolPart:
        """Of the pool's indicators of being at most as large as each of `sides` (k,), columns (k j) for j judges."""
        drawn, f, pool = self.sample.drawn, self.sample.f, self.sample.f_pool
        if isinstance(drawn, SimpleRandom) and f.shape[1] == 1:
            return _moments_of_indicators(self.of_pools[0].at(sides), self.of_pools[0].size)

        def blocks() -> Iterator[Array]:
            if drawn.own_weights is not None and len(pool):
                yield indicators(f, sides)
            for start in range(0, len(pool), _BLOCK_ROWS):
                yield indicators(as_table(pool[start : start + _BLOCK_ROWS]), sides)

        return drawn.pool_part(blocks(), len(sides) * f.shape[1])


def indicators(values: Ordered, sides: Array) -> Array:
    """Whether values (n, j) are at most as large as each of `sides` (k,): (n, k j), those of the first side first."""
    columns = len(sides) * values.shape[1]
    return (values[:, None, :] <= sides[:, None]).astype(float).reshape(len(values), columns)


def _moments_of_indicators(shares: Array, size: int) -> Moments:
    """Of indicators of being at most as large as two or more numbers in ascending order, from their means."""
    both = np.minimum.outer(shares, shares)
    return Moments(size, shares, size * (both - np.outer(shares, shares)))
