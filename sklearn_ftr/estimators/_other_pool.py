"""A result as it would be beside a larger pool, of which the one that it knows is a random sample."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._movers import Moved
from sklearn_ftr.rectification._quantile_result import RectifiedQuantileResult
from sklearn_ftr.rectification._result import RectifiedResult


@dataclass(frozen=True)
class Pools:
    """How many unlabeled rows there are, and are meant to be.

    Parameters
    ----------
    seen : int
        Rows whose predictions the result knows.
    meant : float
        Rows of the larger pool.
    labels : int, default=0
        Labeled rows that are on the pool's side, too.
    """

    seen: int
    meant: float
    labels: int = 0

    @property
    def growth(self) -> float:
        """How many times as many rows."""
        return self.meant / self.seen

    @property
    def distance(self) -> float:
        """How many times as far labeled rows are from the mean of their side of the pool, which they are a part of."""
        seen, meant = (rows / (self.labels + rows) for rows in (self.seen, self.meant))
        return meant / seen


def beside_other_pool(result: RectifiedResult, pools: Pools) -> RectifiedResult:
    """With the lambda and the pool's part of the variance that a larger pool would give; all else, the estimate too, is as it was.

    A tuned lambda of one judge is C / (A + B), where C and A are of labeled rows and B is the pool's part, which falls as the pool grows: from this it
    follows without another look at any row. The weights of several judges keep their proportions.
    """
    if isinstance(result, RectifiedQuantileResult):
        return _quantiles(result, pools)
    parts = {name: beside_other_pool(part, pools) for name, part in result.parts.items()}
    if result.influence is None:
        return replace(result, parts=parts)
    factors = _factors(result, result.influence, pools, _is_common(result.lambda_))
    return replace(
        result,
        parts=parts,
        lambda_=_times(result.lambda_, factors),
        influence=_with_pool(result.influence, factors, pools),
    )


def _quantiles(result: RectifiedQuantileResult, pools: Pools) -> RectifiedQuantileResult:
    """Of F just below and at each quantile, which have one lambda."""
    influences = result.quantiles.influences
    factors = [_factors(result, influence, pools, common=True) for influence in influences]
    others = [_with_pool(*pair, pools) for pair in zip(influences, factors, strict=True)]
    return replace(
        result,
        lambda_=_times(result.lambda_, np.array([both[1] for both in factors])),
        quantiles=replace(result.quantiles, movers=tuple(map(Moved, others))),
    )


def _factors(result: RectifiedResult, influence: Influence, pools: Pools, common: bool) -> Array:
    """What lambda (k,) is multiplied by; `common` is one lambda for all numbers."""
    k = len(influence.pool_covariance)
    if not result.is_tuned:
        return np.ones(k)
    spare = influence.degrees_of_freedom + influence.n_parameters - 1
    of_labels = np.sum(influence.predictions**2, axis=0)
    of_pool = len(influence.rows) * spare * np.diag(influence.pool_covariance)
    if common:
        of_labels, of_pool = np.full(k, of_labels.sum()), np.full(k, of_pool.sum())
    before, after = of_labels + of_pool, of_labels + of_pool / pools.growth
    return np.divide(before, after, out=np.ones(k), where=after > 0) / pools.distance


def _is_common(lambda_: Any) -> bool:
    """Whether several numbers have one lambda, as with power_tuning="overall"."""
    return np.ndim(lambda_) == 1 and bool(np.all(lambda_ == lambda_[0]))


def _times(lambda_: Any, factors: Array) -> Any:
    """Lambda of one number or k, and of one judge or j, in its shape."""
    scaled = np.reshape(lambda_, (len(factors), -1)) * factors[:, None]
    return scaled.reshape(np.shape(lambda_)) if np.ndim(lambda_) else float(scaled[0, 0])


def _with_pool(influence: Influence, factors: Array, pools: Pools) -> Influence:
    units = factors * pools.distance / np.sqrt(pools.growth)
    return replace(influence, pool_covariance=influence.pool_covariance * np.outer(units, units))
