"""Quantiles of the rectified distribution, and how many labels alone would know it as well: what their intervals invert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr._short_repr import short_repr
from sklearn_ftr.rectification._checks import (
    Array,
)
from sklearn_ftr.rectification._combined_distribution import CombinedDistribution
from sklearn_ftr.rectification._counted_lambda import can_be_counted, counted_lambda
from sklearn_ftr.rectification._distribution import RectifiedDistribution
from sklearn_ftr.rectification._fields_only import FieldsOnly
from sklearn_ftr.rectification._indicators import Indicators, Sides
from sklearn_ftr.rectification._inference import like
from sklearn_ftr.rectification._moments import columns
from sklearn_ftr.rectification._pool import ArrayPool
from sklearn_ftr.rectification._quantile_result import (
    Curve,
    QuantileEstimate,
)
from sklearn_ftr.rectification._sample import Sample
from sklearn_ftr.rectification._sampling import SimpleRandom
from sklearn_ftr.rectification._scipy import stdtrit
from sklearn_ftr.rectification._two_stage_shares import TwoStageShares

# On which label and prediction are on different sides of a quantile: added to those that the sample shows.
_ROWS_UNSEEN = 0.5
# Standard errors of F on each side of a quantile for which the pool's values are kept: enough for any interval.
_WINDOW_ERRORS = 12


@short_repr
@dataclass(frozen=True, eq=False)
class QuantilesOfLabelsAlone(FieldsOnly):
    """Quantiles of labels by themselves, at `levels` (k,) and in the shape of `q`."""

    labels: Sample
    levels: Array
    q: Any

    @classmethod
    def of(cls, sample: Sample, levels: Array, q: Any) -> QuantilesOfLabelsAlone:
        """Of all labels of a sample; nothing of its pool is kept."""
        y, f = sample.all_labels, columns(sample.all_labels)
        return cls(Sample(y, f, ArrayPool([f[:0]]), sample.every.of_labels()), levels, q)

    @cached_property
    def shares(self) -> TwoStageShares:
        """Without a pool."""
        return TwoStageShares(self.labels)

    @cached_property
    def answer(self) -> QuantileEstimate:
        """As from labels without predictions."""
        return self.with_indicators[0]

    @cached_property
    def with_indicators(self) -> tuple[QuantileEstimate, tuple[Indicators, ...]]:
        """And what is known of F at each."""
        return quantile_estimate(self.shares, self.levels, [0.0] * len(self.levels), self.q)


def quantile_estimate(
    shares: TwoStageShares, levels: Array, weights: Sequence[Any], q: ArrayLike
) -> tuple[QuantileEstimate, tuple[Indicators, ...]]:
    """Rectified quantiles, whose errors are not said to be correlated, though they are; and what is known of F at each."""
    answers = [_one_quantile(shares, *pair) for pair in zip(levels, weights, strict=True)]
    centers, curves, known = zip(*answers, strict=True)
    around = [at.rectified(weight) for at, weight in zip(known, weights, strict=True)]
    n, degrees = shares.n_counted, np.array([sides.degrees_of_freedom for sides in around]).T
    own = [_effective_sizes(*one, n) for one in zip(levels, around, known, strict=True)]
    # A variance known from fewer degrees of freedom than n labels have is worth less (Korn and Graubard 1998).
    reach = -stdtrit(n - 1, 0.025)
    # A t quantile of n - 1 degrees serves where rows are by themselves: theirs is nearly the same. That of few clusters is not.
    few = not isinstance(shares.sampling, SimpleRandom)
    reach_of_errors = -stdtrit(degrees.min(axis=0), 0.025) if few else reach
    sizes = np.transpose(own) * (reach / stdtrit(degrees, 0.025)) ** 2
    errors = np.sqrt(levels * (1 - levels) / sizes)
    low, high = levels - reach * errors[0], levels + reach * errors[1]
    widths = [
        curve.quantile(above) - curve.quantile(below)
        for curve, below, above in zip(curves, low, high, strict=True)
    ]
    estimate = QuantileEstimate(
        estimate=like(centers, q),
        covariance=np.diag((np.array(widths) / (2 * reach_of_errors)) ** 2),
        degrees_of_freedom=like(degrees.min(axis=0), q),
        levels=levels,
        curves=_kept(shares, curves, levels, errors.max(axis=0), np.array(centers)),
        sizes=sizes,
        efficiency=np.array([_efficiency(*one) for one in zip(around, known, strict=True)]),
        shows_variance=np.array([sides.standard_errors.any() for sides in around]),
        movers=tuple(at.mover(curve.lambda_) for at, curve in zip(known, curves, strict=True)),
    )
    return estimate, known


def _effective_sizes(level: float, sides: Sides, at: Indicators, n: int) -> Array:
    """As many labels alone would know F as well, just below a quantile and at it (2,).

    Where label and prediction are rarely on different sides of t, a sample may show no such row at all; half a row more keeps
    the interval honest (docs/statistics.md). Of a population whose rows all have labels F is known, as from endless labels.
    """
    if at.shares.sampling.is_complete:
        return np.full(2, np.inf)
    variances = sides.standard_errors**2 + _variance_unseen(sides, at)
    # Labels that are all on one side of t do not say what predictions are worth there.
    seen = at.every.y.any(axis=0)
    known = np.where(seen, at.of_rows, np.minimum(n * variances, level * (1 - level)))
    return np.divide(known, variances, out=np.full(2, float(n)), where=variances > 0)


def _variance_unseen(sides: Sides, at: Indicators) -> float:
    """Of F, from half a row more on which label and prediction are on different sides of t.

    Under a design it is half of one of as many rows as their weights make of them, alike within clusters as labels are.
    """
    weights, effect = at.shares.sample.drawn.weights, at.design_effect
    r = len(at.of_y) if weights is None else float(1 / np.sum(weights**2))
    larger = 1.0 if effect is None else float(np.maximum(effect, 1.0).max())
    reach = float(np.sum(np.abs(sides.lambda_))) * (1 - sides.recycled)
    return _ROWS_UNSEEN * reach**2 * larger / (r * max(r - 1, 1.0))


def _efficiency(sides: Sides, at: Indicators) -> float:
    """Variance of F of all labels over that of the rectified F, where labels lie on both sides of t."""
    of_labels = at.every.labels_only().standard_error
    seen = of_labels > 0
    if not seen.any():
        return 1.0
    variances = sides.standard_errors[seen] ** 2
    if (
        not variances.any()
    ):  # no such row in the sample and a pool all on one side of t: not as many labels as one likes
        variances = variances + _variance_unseen(sides, at)
    return float(1 / np.mean(variances / of_labels[seen] ** 2))


def _one_quantile(
    shares: TwoStageShares, level: float, lambda_: Any
) -> tuple[float, Curve, Indicators]:
    """The quantile, F, and what is known of it there. Weights are tuned at the labels' own quantile, then once more at the answer."""
    if lambda_ is not None and not len(shares.recycled):
        curve = _curve(shares, lambda_, 0.0)
        t = curve.quantile(level)
        return t, curve, Indicators.of(shares, t)
    t = shares.quantile_of_labels(level)
    for _ in range(2):
        curve = _curve(shares, *_best_weights(shares, t, lambda_))
        t = curve.quantile(level)
    return t, curve, Indicators.of(shares, t)


def _best_weights(shares: TwoStageShares, t: float, lambda_: Any) -> tuple[Any, float]:
    """Of predictions, and of labels that are recycled, at t."""
    if lambda_ is None and can_be_counted(shares):
        return counted_lambda(shares, t), 0.0
    sides = Indicators.of(shares, t).rectified(lambda_)
    return sides.lambda_, sides.recycled


def _curve(shares: TwoStageShares, lambda_: Any, recycled: float) -> Curve:
    n_judges = shares.sample.f.shape[1]
    if n_judges == 1:
        return RectifiedDistribution(shares.parts, float(lambda_), recycled)
    return CombinedDistribution(shares.parts, np.broadcast_to(lambda_, n_judges).copy(), recycled)


def _kept(
    shares: TwoStageShares, curves: Sequence[Curve], levels: Array, errors: Array, centers: Array
) -> tuple[Curve, ...]:
    """Curves with no more of a large pool than any interval may reach: so many standard errors of F to each side."""
    if not shares.of_pools or not shares.parts.is_large:
        return tuple(curves)
    ends = levels + _WINDOW_ERRORS * np.array([-errors, errors])
    ranges = [
        (curve.quantile(low), curve.quantile(high))
        for curve, low, high in zip(curves, *ends, strict=True)
    ]
    parts = shares.parts.around(ranges, centers)
    return tuple(replace(curve, parts=parts) for curve in curves)
