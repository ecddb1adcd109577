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

from sklearn_ftr.rectification._checks import (
    _LARGEST,
    Array,
    as_settings,
    check_judgements,
    check_labels,
)
from sklearn_ftr.rectification._deviations import check_enough_labels
from sklearn_ftr.rectification._indicators import Indicators
from sklearn_ftr.rectification._inference import check_confidence_level, like, shaped
from sklearn_ftr.rectification._judgements import read_judgements
from sklearn_ftr.rectification._moments import columns, moments
from sklearn_ftr.rectification._pool_quantiles import averaged, pool_quantiles, quantiles_weighed
from sklearn_ftr.rectification._power_tuning import shaped_weights, weighed
from sklearn_ftr.rectification._quantile_estimate import QuantilesOfLabelsAlone, quantile_estimate
from sklearn_ftr.rectification._quantile_result import (
    RectifiedQuantileResult,
)
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._sample import Sample
from sklearn_ftr.rectification._sampling import SimpleRandom
from sklearn_ftr.rectification._sampling_design import SamplingDesign
from sklearn_ftr.rectification._sampling_of import check_sampling
from sklearn_ftr.rectification._two_stage_shares import TwoStageShares, indicators
from sklearn_ftr.rectification._warnings import warn_of_doubts

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
    interval: str = "auto",
) -> RectifiedResult:
    """Quantiles of a population from few labels and many predictions; the median by default.

    Parameters
    ----------
    y : array-like of shape (r,)
        Labels of the rectification rows. The predictor must not have been trained on these rows.
    f : array-like of shape (r,) or (r, j)
        Predictions for the same rows, by j judges.
    f_unlabeled : array-like of shape (m,) or (m, j), or blocks of such
        Predictions for the pool; a sorted copy is made in their own precision. May be empty. Blocks as in `rectify_mean`.
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
    interval : {"auto"}, default="auto"
        Method of intervals and p-values: quantiles have the sign test's only, see Notes.

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
        len(labels),
        judged.pool,
        *(design, design_unlabeled, finite_population),
    )
    y_ = columns(labels).reshape(len(labels))
    sample = Sample(y_, judged.f, judged.as_pool(), drawn, n_indicators=judged.n_indicators)
    result = quantiles_of(sample, q, levels, weights, confidence_level)
    result = result.with_interval(interval)
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
    alone, shares = QuantilesOfLabelsAlone.of(sample, levels, q), TwoStageShares(sample)
    if len(sample.pool):
        # Where sorting has put NaN and the largest values.
        ends = [float(np.abs(of_pool.values[[0, -1]]).max()) for of_pool in shares.of_pools]
        if not max(ends) <= _LARGEST or np.isnan(ends).any():
            check_judgements(sample.f_pool, "f_unlabeled")
        answer, known = quantile_estimate(shares, levels, weights, q)
        # Labels that have only trained, and are not recycled, would count for labels alone.
        used = shares.n_counted / alone.shares.n_counted
        answer = replace(answer, efficiency=used * answer.efficiency)
    else:
        answer, known = alone.with_indicators
    effects = [at.design_effect for at in known]
    effect = None if effects[0] is None else np.array(effects)[:, 1]
    curves, centers = answer.curves, np.atleast_1d(answer.estimate)
    of_pools = pool_quantiles(shares, levels) if len(sample.pool) > 1 else []
    chosen = np.array([curve.lambda_ for curve in curves]).reshape(len(levels), -1)
    chosen = np.broadcast_to(chosen, (len(levels), sample.f.shape[1]))  # no pool, no weights
    lambda_ = chosen[:, 0] if chosen.shape[1] == 1 else chosen
    judges_only = of_pools[: len(of_pools) - sample.n_indicators]
    return RectifiedQuantileResult(
        **{name: getattr(answer, name) for name in ("estimate", "covariance", "degrees_of_freedom")},
        quantiles=answer,
        lambda_=shaped_weights(lambda_, q),
        rectifier=like(centers - quantiles_weighed(shares, levels, chosen, of_pools), q),
        residual_variance=like(_residual_variance(sample, known, centers, chosen), q),
        recycled_weight=like([curve.recycled for curve in curves], q),
        n_labeled=sample.n_labeled,
        n_finetune=sample.n_finetune,
        n_rectify=len(sample.y) if len(sample.pool) else sample.n_labeled,
        n_unlabeled=len(sample.pool) if sample.n_unlabeled is None else sample.n_unlabeled,
        alone=alone,
        predictions_only=shaped(averaged(judges_only), q) if of_pools else None,
        confidence_level=confidence_level,
        estimand="median" if np.ndim(q) == 0 and q == 0.5 else "quantile",
        names=tuple(f"{level:g}" for level in levels),
        prediction_shift=_shift(shares),
        design_effect=None if effect is None else like(effect, q),
        is_complete=sample.every.is_complete,
        is_tuned=any(one is None for one in weights),
        is_finite=sample.drawn.is_finite,
    )


def _residual_variance(
    sample: Sample, known: Sequence[Indicators], centers: Array, lambdas: Array
) -> Array:
    """Of indicators of label and prediction being at most as large as each quantile (k,); of several judges by their weights."""
    if lambdas.shape[1] == 1 and len(sample.f_pool):
        return np.array([at.here.residual_variance[1] for at in known])
    weights = lambdas if lambdas.shape[1] > 1 else np.ones_like(lambdas)
    of_f = weighed(indicators(sample.f, centers), weights)
    return sample.drawn.variance_of_rows(indicators(sample.y[:, None], centers) - of_f)


def _shift(shares: TwoStageShares) -> float:
    """Of mean predictions; of a large pool every so many, which have its mean and variance to far less than an error of the labels."""
    sample, drawn = shares.sample, shares.sample.drawn
    if not len(sample.pool):
        return 0.0
    if not isinstance(drawn, SimpleRandom):
        return float(max(drawn.shift(sample.f, drawn.of_means(sample.f, sample.pool).part), key=abs))
    shifts = []
    for f, pool in zip(sample.f.T, shares.of_pools, strict=True):
        step = max(1, len(pool.values) // _ROWS_OF_A_SHIFT)
        shifts.append(float(drawn.shift(f[:, None], moments(pool.values[step // 2 :: step]))[0]))
    return max(shifts, key=abs)


def check_levels(q: ArrayLike) -> Array:
    """Levels of quantiles (k,)."""
    expected = "expected levels between 0 and 1, both excluded, such as 0.5"
    levels = np.atleast_1d(as_settings(q, "q", expected))
    if levels.ndim != 1 or not len(levels) or not np.all((levels > 0) & (levels < 1)):
        raise ValueError(f"q is {q!r}; {expected}.")
    return levels
