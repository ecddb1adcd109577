"""Quantiles of predictions over the pool, by each judge and of all of them weighed."""

from __future__ import annotations

import numpy as np

from sklearn_ftr.rectification._checks import (
    Array,
)
from sklearn_ftr.rectification._inference import Estimate
from sklearn_ftr.rectification._sampling import SimpleRandom
from sklearn_ftr.rectification._scipy import ndtri
from sklearn_ftr.rectification._shares import Ordered, Shares
from sklearn_ftr.rectification._two_stage_shares import TwoStageShares


def pool_quantiles(shares: TwoStageShares, levels: Array) -> list[Estimate]:
    """Quantiles of each judge's predictions, as if they were data; none where their errors are not known."""
    drawn, spread, estimates = shares.sample.drawn, -ndtri(0.025), []
    for judge, pool in enumerate(shares.of_pools):
        if isinstance(drawn, SimpleRandom):
            errors = np.sqrt(levels * (1 - levels) / pool.size)
            around = levels + np.array([[-1.0], [0.0], [1.0]]) * (spread * errors)
            low, center, high = _order_statistics(pool.values, around)
        else:
            center = _reaching(pool, levels)
            of_judge = slice(judge, None, len(shares.of_pools))
            known = drawn.pool_estimate(shares.below(center), 1)
            if known is None:
                return []
            errors = known.standard_error[of_judge]
            low, high = (_reaching(pool, levels + sign * spread * errors) for sign in (-1, 1))
        variance = ((high - low) / (2 * spread)) ** 2
        estimates.append(Estimate(center, np.diag(variance), np.full(len(levels), np.inf)))
    return estimates


def quantiles_weighed(
    shares: TwoStageShares, levels: Array, lambdas: Array, of_pools: list[Estimate]
) -> Array:
    """Quantiles (k,) over the pool of predictions times their weights (k, j)."""
    if not of_pools:
        return np.zeros(len(levels))
    if lambdas.shape[1] == 1:
        return np.asarray(lambdas[:, 0] * of_pools[0].estimate)
    pool, weights = shares.pools_side
    found = [
        Shares.of(pool @ one, weights).reaching(float(level))
        for one, level in zip(lambdas, levels, strict=True)
    ]
    return np.array(found, dtype=np.float64)


def averaged(of_pools: list[Estimate]) -> Estimate:
    """What the judges say on average, whose errors may be the same."""
    if len(of_pools) == 1:
        return of_pools[0]
    errors = np.mean([one.standard_error for one in of_pools], axis=0)
    estimate = np.mean([one.estimate for one in of_pools], axis=0)
    return Estimate(estimate, np.diag(errors**2), of_pools[0].degrees_of_freedom)


def _reaching(pool: Shares, levels: Array) -> Array:
    found = [pool.reaching(float(level)) for level in np.clip(levels, 0.0, 1.0)]
    return np.array([pool.values[-1] if one is None else one for one in found], dtype=np.float64)


def _order_statistics(ordered: Ordered, levels: Array) -> Array:
    rows = np.ceil(levels * len(ordered) - 1e-9).astype(int) - 1
    return ordered[np.clip(rows, 0, len(ordered) - 1)].astype(np.float64)
