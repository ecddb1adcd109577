"""Lambda for F at a quantile from counts of rows at or below it: what `_power_tuning` finds for both sides together, where rows are alike and have one judge."""

from __future__ import annotations

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._power_tuning import MIN_LABELS_TO_TUNE
from sklearn_ftr.rectification._sampling import SimpleRandom
from sklearn_ftr.rectification._two_stage_shares import TwoStageShares


def can_be_counted(shares: TwoStageShares) -> bool:
    """Whether this sample's lambda follows from counts: one judge of a simple random sample and its pool, no labels that have trained."""
    sample = shares.sample
    simple = isinstance(sample.drawn, SimpleRandom) and sample.trained is None
    return simple and sample.f.shape[1] == 1 and len(sample.pool) > 0


def counted_lambda(shares: TwoStageShares, t: float) -> float:
    """The lambda with the smallest sum of the variances of F(t-) and F(t); 0 of few labels, and where no prediction varies."""
    y, f, pool = shares.sample.y, shares.sample.f[:, 0], shares.of_pools[0]
    r, m = len(y), pool.size
    if r < MIN_LABELS_TO_TUNE:
        return 0.0
    sides = np.array([np.nextafter(t, -np.inf), t])
    of_y, of_f = shares.of_y.ranks(sides), shares.of_judges[0].ranks(sides)
    of_both = np.array([np.count_nonzero((y <= t) & (f <= t)) for t in sides])
    squares, products = of_f * (r - of_f) / r, of_both - of_y * of_f / r
    of_pool = _squares_of_pool(pool.at(sides), m, squares, r)
    total = float(np.sum(squares + of_pool))
    return float(np.sum(products)) / total if total > 0 else 0.0


def _squares_of_pool(share: Array, m: int, squares: Array, r: int) -> Array:
    """The pool's variances in the units of sums of squares over labels; few rows borrow those, as in `deviations_of_rows`."""
    own = m * share * (1 - share)
    variance = own / (m - 1) if m >= r else (own + squares) / (m - 1 + r - 1)
    return r * (r - 1) * variance / m
