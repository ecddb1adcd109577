"""Rectified quantiles: the q where the rectified distribution function reaches a level.

    F(t) = F_R(y <= t) + lambda (F_U(f <= t) - F_R(f <= t))

(Angelopoulos et al. 2023, algorithm for quantiles, at lambda = 1). At a fixed t this is a rectified mean of indicators, so that
F is as well known there as from an effective number of labels. Tests and intervals are those of order statistics (the sign
test; David and Nagaraja 2003, "Order Statistics", section 7.1) with that number; for labels alone they are exact. They invert
each other: t can be the quantile unless F(t) is too low or F(t-) too high, so that ties are no trouble.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit

from sklearn_ftr.rectification._checks import (
    _LARGEST,
    Array,
    as_settings,
    check_judgements,
    check_labels,
)
from sklearn_ftr.rectification._combined_distribution import CombinedDistribution
from sklearn_ftr.rectification._deviations import check_enough_labels
from sklearn_ftr.rectification._distribution import RectifiedDistribution
from sklearn_ftr.rectification._draw_of import check_sampling
from sklearn_ftr.rectification._indicators import Indicators, Sides
from sklearn_ftr.rectification._inference import Estimate, check_confidence_level, like, shaped
from sklearn_ftr.rectification._judgements import read_judgements
from sklearn_ftr.rectification._moments import columns, moments
from sklearn_ftr.rectification._power_tuning import shaped_weights, weighed
from sklearn_ftr.rectification._quantile_result import (
    Curve,
    QuantileEstimate,
    RectifiedQuantileResult,
)
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._sample import Sample
from sklearn_ftr.rectification._sampling import SimpleRandom
from sklearn_ftr.rectification._sampling_design import SamplingDesign
from sklearn_ftr.rectification._shares import Ordered, Shares
from sklearn_ftr.rectification._two_stage_shares import TwoStageShares, indicators
from sklearn_ftr.rectification._warnings import warn_of_doubts

# On which label and prediction are on different sides of a quantile: added to those that the sample shows.
_ROWS_UNSEEN = 0.5
# Of so many of the pool's predictions is known whether they are like those of the labels.
_ROWS_OF_A_SHIFT = 100_000


def rectify_quantile(
    y: ArrayLike,
    f: ArrayLike,
    f_unlabeled: ArrayLike,
    q: ArrayLike = 0.5,
    *,
    lambda_: ArrayLike | None = None,
    design: SamplingDesign | None = None,
    design_unlabeled: SamplingDesign | None = None,
    finite_population: bool = False,
    missing_judgements: str = "refuse",
    confidence_level: float = 0.95,
) -> RectifiedResult:
    """Quantiles of a population from few labels and many predictions; the median by default.

    Parameters
    ----------
    y : array-like of shape (r,)
        Labels of the rectification rows. The predictor must not have been trained on these rows.
    f : array-like of shape (r,) or (r, j)
        Predictions for the same rows, by j judges.
    f_unlabeled : array-like of shape (m,) or (m, j)
        Predictions for the pool; a sorted copy is made in their own precision. May be empty.
    q : float or array-like of shape (k,), default=0.5
        Levels, between 0 and 1.
    lambda_ : float or array-like of shape (k,), default=None
        Weight of the predictions: 0 is labels only, 1 is plain rectification. None estimates, for each level, the
        weight with the smallest variance of F at the quantile; with fewer than 6 labels it is 0. Of several judges (j,) or (k, j).
    design, design_unlabeled : SamplingDesign, default=None
        How labeled rows and the pool were drawn; see `rectify_mean`. The pool's shares are then counted once more for each level.
    finite_population : bool, default=False
        Quantiles of exactly these rows, labeled and unlabeled, are asked for; see `rectify_mean`.
    missing_judgements : {"refuse", "indicator"}, default="refuse"
        What to do with NaN in predictions; see `rectify_mean`.
    confidence_level : float, default=0.95
        Level of the interval that the result shows.

    Returns
    -------
    RectifiedResult
        A float, or arrays of shape (k,). Intervals and p-values go through the distribution function, so that they
        need not be symmetric, and an end that the labels cannot bound is infinite (0.9 of 10 labels from above, say).
        `standard_error` is half the width of the 95 % interval over the t quantile, whatever `confidence_level` is, and 0 where
        that interval is a single value. `efficiency` is about the variance of the distribution function. Errors of
        several quantiles are correlated, of which `covariance` says nothing.

    Raises
    ------
    ValueError
        As for `rectify_mean`; levels of 0 or 1; several columns.

    Warns
    -----
    ZeroWidthIntervalWarning
        Labels and predictions show no variance around a quantile: all labels are alike, say.

    Notes
    -----
    The quantile is where F(t) = F_R(y <= t) + lambda (F_U(f <= t) - F_R(f <= t)) reaches q (Angelopoulos et al.
    2023, Science 382, for lambda = 1). F at a point is a rectified mean of indicators, and so is known as well as from an
    effective number of labels. t is inside the interval unless so many labels with a share F(t) at or below t, or F(t-) below
    it, would refute q by the sign test. Just below and at a value that many labels share F is another, and so is its error. With
    lambda = 0 this is the exact interval of order statistics (David and Nagaraja 2003, section 7.1).

    Under a sampling design F is made of weighted shares, and its error is that of the design: intervals are the test's with
    as many labels as independent rows would know F as well (Korn and Graubard 1998; Woodruff 1952).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import rectify_quantile
    >>> rng = np.random.default_rng(0)
    >>> income = rng.lognormal(10.0, 0.5, size=5_000)
    >>> guess = income * rng.lognormal(0.1, 0.2, size=5_000)
    >>> result = rectify_quantile(income[:300], guess[:300], guess[300:])
    >>> low, high = result.confidence_interval()
    >>> bool(low < np.exp(10.0) < high)
    True
    >>> bool(result.efficiency > 1.5)
    True
    """
    confidence_level = check_confidence_level(confidence_level)
    levels = check_levels(q)
    labels = check_labels(y, f, f_unlabeled)
    if labels.ndim == 2 and labels.shape[1] > 1:
        raise ValueError(f"y has shape {labels.shape}; expected (r,): call once for each output.")
    judged = read_judgements(f, f_unlabeled, labels.shape, missing_judgements)
    check_enough_labels(len(labels))
    given = judged.check_lambda(lambda_, len(levels), "levels")
    weights = [None] * len(levels) if given is None else list(given)
    drawn = check_sampling(
        {"y": y, "f": f},
        {"f_unlabeled": f_unlabeled},
        (len(labels), len(judged.pool)),
        *(design, design_unlabeled, finite_population),
    )
    y_ = columns(labels).reshape(len(labels))
    sample = Sample(y_, judged.f, judged.pool, drawn, n_indicators=judged.n_indicators)
    result = quantiles_of(sample, q, levels, weights, confidence_level)
    warn_of_doubts(result, stacklevel=3)
    return result


def quantiles_of(
    sample: Sample,
    q: ArrayLike,
    levels: Array,
    weights: Sequence[Any],
    confidence_level: float,
) -> RectifiedQuantileResult:
    """Rectified quantiles of a sample in the shape of `q`; with an empty pool, quantiles of all labels."""
    labels = Sample(sample.all_labels, columns(sample.all_labels), np.empty(0), sample.every)
    alone, effect = _quantiles(TwoStageShares(labels), levels, [0.0] * len(levels), q)
    answer, shares = alone, TwoStageShares(sample)
    if len(sample.f_pool):
        # Where sorting has put NaN and the largest values.
        ends = [float(np.abs(of_pool.values[[0, -1]]).max()) for of_pool in shares.of_pools]
        if not max(ends) <= _LARGEST or np.isnan(ends).any():
            check_judgements(sample.f_pool[:], "f_unlabeled")
        answer, effect = _quantiles(shares, levels, weights, q)
        # Labels that have only trained, and are not recycled, would count for labels alone.
        used = shares.n_counted / TwoStageShares(labels).n_counted
        answer = replace(answer, efficiency=used * answer.efficiency)
    curves, centers = answer.curves, np.atleast_1d(answer.estimate)
    of_pools = _pool_quantiles(shares, levels) if len(sample.f_pool) > 1 else []
    chosen = np.array([curve.lambda_ for curve in curves]).reshape(len(levels), -1)
    chosen = np.broadcast_to(chosen, (len(levels), sample.f.shape[1]))  # no pool, no weights
    lambda_ = chosen[:, 0] if chosen.shape[1] == 1 else chosen
    judges_only = of_pools[: len(of_pools) - sample.n_indicators]
    return RectifiedQuantileResult(
        **{name: getattr(answer, name) for name in ("estimate", "covariance", "degrees_of_freedom")},
        quantiles=answer,
        lambda_=shaped_weights(lambda_, q),
        rectifier=like(centers - _quantiles_weighed(shares, levels, chosen, of_pools), q),
        residual_variance=like(_residual_variance(sample, centers, chosen), q),
        recycled_weight=like([curve.recycled for curve in curves], q),
        n_labeled=sample.n_labeled,
        n_finetune=sample.n_finetune,
        n_rectify=len(sample.y) if len(sample.f_pool) else sample.n_labeled,
        n_unlabeled=len(sample.f_pool) if sample.n_unlabeled is None else sample.n_unlabeled,
        labels_only=alone,
        predictions_only=shaped(_averaged(judges_only), q) if of_pools else None,
        confidence_level=confidence_level,
        estimand="median" if np.ndim(q) == 0 and q == 0.5 else "quantile",
        names=tuple(f"{level:g}" for level in levels),
        prediction_shift=_shift(shares),
        design_effect=None if effect is None else like(effect, q),
        is_complete=sample.every.is_complete,
    )


def _quantiles(
    shares: TwoStageShares, levels: Array, weights: Sequence[Any], q: ArrayLike
) -> tuple[QuantileEstimate, Array | None]:
    """Rectified quantiles, whose errors are not said to be correlated, though they are; and the design effects (k,) of F."""
    answers = [_one_quantile(shares, *pair) for pair in zip(levels, weights, strict=True)]
    centers, curves, known = zip(*answers, strict=True)
    around = [at.rectified(weight) for at, weight in zip(known, weights, strict=True)]
    n, degrees = shares.n_counted, np.array([sides.degrees_of_freedom for sides in around]).T
    own = [_effective_sizes(*one, n) for one in zip(levels, around, known, strict=True)]
    # A variance known from fewer degrees of freedom than n labels have is worth less (Korn and Graubard 1998).
    reach = -stdtrit(n - 1, 0.025)
    sizes = np.transpose(own) * (reach / stdtrit(degrees, 0.025)) ** 2
    errors = np.sqrt(levels * (1 - levels) / sizes)
    low, high = levels - reach * errors[0], levels + reach * errors[1]
    widths = [
        curve.quantile(above) - curve.quantile(below)
        for curve, below, above in zip(curves, low, high, strict=True)
    ]
    estimate = QuantileEstimate(
        estimate=like(centers, q),
        covariance=np.diag((np.array(widths) / (2 * reach)) ** 2),
        degrees_of_freedom=like(degrees.min(axis=0), q),
        levels=levels,
        curves=tuple(
            curve.window(*one) for curve, *one in zip(curves, levels, errors.max(axis=0), strict=True)
        ),
        sizes=sizes,
        efficiency=np.array([_efficiency(*one) for one in zip(around, known, strict=True)]),
        shows_variance=np.array([sides.standard_errors.any() for sides in around]),
        influences=tuple(
            sides.influence if weight is not None else at.rectified(curve.lambda_).influence
            for sides, weight, at, curve in zip(around, weights, known, curves, strict=True)
        ),
    )
    effects = [at.design_effect for at in known]
    return estimate, None if effects[0] is None else np.array(effects)[:, 1]


def _effective_sizes(level: float, sides: Sides, at: Indicators, n: int) -> Array:
    """As many labels alone would know F as well, just below a quantile and at it (2,).

    Where label and prediction are rarely on different sides of t, a sample may show no such row at all; half a row more keeps
    the interval honest (docs/statistics.md). Of a population whose rows all have labels F is known, as from endless labels.
    """
    if at.shares.sampling.is_complete:
        return np.full(2, np.inf)
    variances = sides.standard_errors**2 + _variance_unseen(sides)
    # Labels that are all on one side of t do not say what predictions are worth there.
    seen = at.every.y.any(axis=0)
    known = np.where(seen, at.of_rows, np.minimum(n * variances, level * (1 - level)))
    return np.divide(known, variances, out=np.full(2, float(n)), where=variances > 0)


def _variance_unseen(sides: Sides) -> float:
    """Of F, from half a row (or cluster) more on which label and prediction are on different sides of t."""
    r = len(sides.influence.rows)
    reach = float(np.sum(np.abs(sides.lambda_))) * (1 - sides.recycled)
    return _ROWS_UNSEEN * reach**2 / (r * (r - 1))


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
        variances = variances + _variance_unseen(sides)
    return float(1 / np.mean(variances / of_labels[seen] ** 2))


def _one_quantile(
    shares: TwoStageShares, level: float, lambda_: Any
) -> tuple[float, Curve, Indicators]:
    """The quantile, F, and what is known of it there. Weights are tuned at the labels' own quantile, then once more at the answer."""
    if lambda_ is not None and not len(shares.recycled):
        curve = _curve(shares, lambda_, 0.0)
        t = curve.quantile(level)
        return t, curve, Indicators.of(shares, t)
    t = _quantile_of_labels(shares, level)
    for _ in range(2):
        sides = Indicators.of(shares, t).rectified(lambda_)
        curve = _curve(shares, sides.lambda_, sides.recycled)
        t = curve.quantile(level)
    return t, curve, Indicators.of(shares, t)


def _curve(shares: TwoStageShares, lambda_: Any, recycled: float) -> Curve:
    n_judges = shares.sample.f.shape[1]
    if n_judges == 1:
        return RectifiedDistribution.of(shares, lambda_, recycled)
    return CombinedDistribution.of(shares, np.broadcast_to(lambda_, n_judges), recycled)


def _quantile_of_labels(shares: TwoStageShares, level: float) -> float:
    if shares.sampling.weights is None:
        return float(np.quantile(shares.counted, level, method="inverted_cdf"))
    t = Shares.of(shares.counted, shares.sampling.weights).reaching(level)
    return float(shares.counted.max() if t is None else t)


def _residual_variance(sample: Sample, centers: Array, lambdas: Array) -> Array:
    """Of indicators of label and prediction being at most as large as each quantile (k,); of several judges by their weights."""
    weights = lambdas if lambdas.shape[1] > 1 else np.ones_like(lambdas)
    of_f = weighed(indicators(sample.f, centers), weights)
    return sample.drawn.variance_of_rows(indicators(sample.y[:, None], centers) - of_f)


def _pool_quantiles(shares: TwoStageShares, levels: Array) -> list[Estimate]:
    """Quantiles of each judge's predictions, as if they were data; none where their errors are not known."""
    drawn, spread, estimates = shares.sample.drawn, -ndtri(0.025), []
    for judge, pool in enumerate(shares.of_pools):
        if isinstance(drawn, SimpleRandom):
            errors = np.sqrt(levels * (1 - levels) / pool.size)
            low, center, high = (
                _order_statistic(pool.values, levels + sign * spread * errors) for sign in (-1, 0, 1)
            )
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


def _quantiles_weighed(
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


def _averaged(of_pools: list[Estimate]) -> Estimate:
    """What the judges say on average, whose errors may be the same."""
    errors = np.mean([one.standard_error for one in of_pools], axis=0)
    estimate = np.mean([one.estimate for one in of_pools], axis=0)
    return Estimate(estimate, np.diag(errors**2), of_pools[0].degrees_of_freedom)


def _reaching(pool: Shares, levels: Array) -> Array:
    found = [pool.reaching(float(level)) for level in np.clip(levels, 0.0, 1.0)]
    return np.array([pool.values[-1] if one is None else one for one in found], dtype=np.float64)


def _shift(shares: TwoStageShares) -> float:
    """Of mean predictions; of a large pool every so many, which have its mean and variance to far less than an error of the labels."""
    sample, drawn = shares.sample, shares.sample.drawn
    if not len(sample.f_pool):
        return 0.0
    if not isinstance(drawn, SimpleRandom):
        return float(max(drawn.shift(sample.f, drawn.pool_part_of(sample.f, sample.f_pool)), key=abs))
    shifts = []
    for f, pool in zip(sample.f.T, shares.of_pools, strict=True):
        step = max(1, len(pool.values) // _ROWS_OF_A_SHIFT)
        shifts.append(float(drawn.shift(f[:, None], moments(pool.values[step // 2 :: step]))[0]))
    return max(shifts, key=abs)


def _order_statistic(ordered: Ordered, levels: Array) -> Array:
    rows = np.ceil(levels * len(ordered) - 1e-9).astype(int) - 1
    return ordered[np.clip(rows, 0, len(ordered) - 1)].astype(np.float64)


def check_levels(q: ArrayLike) -> Array:
    """Levels of quantiles (k,)."""
    expected = "expected levels between 0 and 1, both excluded, such as 0.5"
    levels = np.atleast_1d(as_settings(q, "q", expected))
    if levels.ndim != 1 or not len(levels) or not np.all((levels > 0) & (levels < 1)):
        raise ValueError(f"q is {q!r}; {expected}.")
    return levels
