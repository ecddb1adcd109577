"""Rectified quantiles: the q where the rectified distribution function reaches a level.

    F(t) = F_R(y <= t) + lambda (F_U(f <= t) - F_R(f <= t))

(Angelopoulos et al. 2023, algorithm for quantiles, at lambda = 1). At a fixed t this is a rectified mean of indicators, which
gives its standard error and the lambda with the smallest. Intervals are those levels carried back through F: Woodruff
(1952), "Confidence intervals for medians and other position measures". No density is estimated, so ties are no trouble.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sklearn_ftr.rectification._checks import Array, check_finite, check_rectification_arrays
from sklearn_ftr.rectification._distribution import RectifiedDistribution, Share, TwoStageLabels, Vector
from sklearn_ftr.rectification._inference import (
    Alternative,
    ConfidenceInterval,
    Estimate,
    check_confidence_level,
    like,
    shaped,
)
from sklearn_ftr.rectification._mean import _check_enough_labels
from sklearn_ftr.rectification._result import RectifiedResult, warn_of_zero_width
from sklearn_ftr.rectification._stage_one import PREDICTED_ELSEWHERE, StageOne


@dataclass(frozen=True, eq=False)
class QuantileEstimate(Estimate):
    """Quantiles with intervals of their own: levels of F, carried back."""

    levels: Array
    curves: tuple[RectifiedDistribution, ...]
    errors_of_levels: Array

    def confidence_interval(
        self, confidence_level: float = 0.95, alternative: Alternative = "two-sided"
    ) -> ConfidenceInterval:
        """Where F reaches the level minus and plus its error (Woodruff 1952); see `Estimate.confidence_interval`."""
        of_levels = Estimate(self.levels, np.diag(self.errors_of_levels**2), self._degrees())
        ends = of_levels.confidence_interval(confidence_level, alternative)
        low, high = (
            [
                curve.quantile(end) if np.isfinite(end) else end
                for curve, end in zip(self.curves, side, strict=True)
            ]
            for side in ends
        )
        return ConfidenceInterval(like(low, self.estimate), like(high, self.estimate))

    def p_value(self, null: ArrayLike, alternative: Alternative = "two-sided") -> Any:
        """Test of F(null) = level, with the error that F has at the quantile, as in the interval; see `Estimate.p_value`.

        Where the null is far out, F's own error there is zero or nearly so, and would reject too often.
        """
        turned: dict[str, Alternative] = {"less": "greater", "greater": "less"}
        values = np.broadcast_to(np.asarray(null, dtype=float), self.levels.shape)
        shares = [curve(t) for curve, t in zip(self.curves, values, strict=True)]
        of_shares = Estimate(np.array(shares), np.diag(self.errors_of_levels**2), self._degrees())
        p = of_shares.p_value(self.levels, turned.get(alternative, alternative))
        return like(p if np.ndim(self.estimate) else p[0], self.estimate)

    def _degrees(self) -> Array:
        return np.atleast_1d(self.degrees_of_freedom)


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RectifiedQuantileResult(RectifiedResult):
    """A `RectifiedResult` whose intervals and tests go through the distribution function.

    Attributes
    ----------
    quantiles : QuantileEstimate
        The estimate with its distribution functions.
    """

    quantiles: QuantileEstimate

    @property
    def pool_covariance(self) -> Array:
        """Of F at the quantiles; see `RectifiedResult.pool_covariance`."""
        centers = np.atleast_1d(self.estimate)
        pairs = zip(self.quantiles.curves, centers, strict=True)
        terms = [curve.share(t, curve.lambda_).influence.pool_covariance[0, 0] for curve, t in pairs]
        return np.diag(terms)

    @property
    def zero_width(self) -> bool:
        """Whether F shows no variance at some level; an interval of one value can be right where labels have ties."""
        return bool(np.any(self.quantiles.errors_of_levels == 0))

    def confidence_interval(
        self, confidence_level: float | None = None, alternative: Alternative = "two-sided"
    ) -> ConfidenceInterval:
        """Levels of F, carried back; see `RectifiedResult.confidence_interval`."""
        level = self.confidence_level if confidence_level is None else confidence_level
        return self.quantiles.confidence_interval(level, alternative)

    def p_value(self, null: ArrayLike, alternative: Alternative = "two-sided") -> Any:
        """Test of F(null) = level; see `Estimate.p_value`."""
        return self.quantiles.p_value(null, alternative)

    def _draws(self, n_draws: int, rng: np.random.Generator) -> Array:
        """Draws of F at the estimate, carried back."""
        known = self.quantiles
        columns = []
        for curve, t, level in zip(
            known.curves, np.atleast_1d(self.estimate), known.levels, strict=True
        ):
            errors = curve.share(float(t), curve.lambda_).influence.draws(n_draws, rng)[:, 0]
            columns.append([curve.quantile(level - error) for error in errors])
        return np.array(columns[0]) if np.ndim(self.estimate) == 0 else np.array(columns).T


def rectify_quantile(
    y: ArrayLike,
    f: ArrayLike,
    f_unlabeled: ArrayLike,
    q: ArrayLike = 0.5,
    *,
    lambda_: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> RectifiedResult:
    """Quantiles of a population from few labels and many predictions; the median by default.

    Parameters
    ----------
    y : array-like of shape (r,)
        Labels of the rectification rows. The predictor must not have been trained on these rows.
    f : array-like of shape (r,)
        Predictions for the same rows.
    f_unlabeled : array-like of shape (m,)
        Predictions for the pool; a sorted copy is made in their own precision. May be empty.
    q : float or array-like of shape (k,), default=0.5
        Levels, between 0 and 1.
    lambda_ : float or array-like of shape (k,), default=None
        Weight of the predictions: 0 is labels only, 1 is plain rectification. None estimates, for each level, the
        weight with the smallest variance of F at the quantile; with fewer than 6 labels it is 0.
    confidence_level : float, default=0.95
        Level of the interval that the result shows.

    Returns
    -------
    RectifiedResult
        A float, or arrays of shape (k,). Intervals and p-values go through the distribution function, so that they
        need not be symmetric; `standard_error` is half the interval's width over the t quantile. Errors of several
        quantiles are correlated, of which `covariance` says nothing.

    Raises
    ------
    ValueError
        As for `rectify_mean`; levels of 0 or 1; several columns.

    Warns
    -----
    ZeroWidthIntervalWarning
        Labels so discrete that the interval is a single value.

    Notes
    -----
    The quantile is where F(t) = F_R(y <= t) + lambda (F_U(f <= t) - F_R(f <= t)) reaches q. F at a point is a
    rectified mean of indicators; its standard error there, carried back through F, gives the interval (Woodruff
    1952). Angelopoulos et al. (2023), Science 382, for lambda = 1.

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
    check_confidence_level(confidence_level)
    levels = check_levels(q)
    labels, predictions, pool = check_rectification_arrays(y, f, f_unlabeled)
    if labels.ndim == 2 and labels.shape[1] > 1:
        raise ValueError(f"y has shape {labels.shape}; expected (r,): call once for each output.")
    _check_enough_labels(len(labels))
    weights = _check_weights(lambda_, len(levels))
    y_, f_ = (one.reshape(-1).astype(np.float64) for one in (labels, predictions))
    result = quantiles_of_two_stages(
        y_, f_, pool.reshape(-1), q, levels, weights, confidence_level, PREDICTED_ELSEWHERE
    )
    warn_of_zero_width(result, stacklevel=3)
    return result


def quantiles_of_two_stages(
    y: Array,
    f: Array,
    pool: Vector,
    q: ArrayLike,
    levels: Array,
    weights: Sequence[float | None],
    confidence_level: float,
    stage_one: StageOne,
) -> RectifiedQuantileResult:
    """Rectified quantiles of labels (r,) in the shape of `q`; with an empty pool, quantiles of all labels."""
    ordered = np.sort(pool)
    if len(ordered):
        check_finite(ordered[[0, -1]], "f_unlabeled")  # where sorting has put NaN and infinite values
    every, nothing = stage_one.with_labels_of(y), np.empty(0)
    alone = _quantiles(
        TwoStageLabels(every, every, nothing, None),
        ordered[:0],
        levels,
        [0.0] * len(levels),
        q,
        confidence_level,
    )
    answer, labels = alone, TwoStageLabels(y, f, nothing, stage_one.degrees_of_freedom(len(y)))
    if len(ordered):
        if stage_one.recycle:
            labels = replace(labels, trained=every[len(y) :])
        answer = _quantiles(labels, ordered, levels, weights, q, confidence_level)
    curves, centers = answer.curves, np.atleast_1d(answer.estimate)
    of_pool = _pool_quantiles(ordered, levels, confidence_level) if len(ordered) > 1 else None
    chosen = np.array([curve.lambda_ for curve in curves])
    pool_center = of_pool.estimate if of_pool else np.zeros(len(levels))
    return RectifiedQuantileResult(
        estimate=answer.estimate,
        covariance=answer.covariance,
        degrees_of_freedom=answer.degrees_of_freedom,
        quantiles=answer,
        lambda_=like(chosen, q),
        rectifier=like(centers - chosen * pool_center, q),
        residual_variance=like([_residual_variance(y, f, t) for t in centers], q),
        recycled_weight=like([curve.recycled for curve in curves], q),
        n_labeled=len(every),
        n_finetune=stage_one.n_finetune,
        n_rectify=len(y) if len(ordered) else len(every),
        n_unlabeled=len(ordered),
        labels_only=alone,
        predictions_only=shaped(of_pool, q) if of_pool else None,
        confidence_level=confidence_level,
        estimand="median" if np.ndim(q) == 0 and q == 0.5 else "quantile",
        names=tuple(f"{level:g}" for level in levels),
    )


def _quantiles(
    labels: TwoStageLabels,
    pool: Vector,
    levels: Array,
    weights: Sequence[float | None],
    q: ArrayLike,
    confidence_level: float,
) -> QuantileEstimate:
    """Rectified quantiles; their errors are not said to be correlated, though they are."""
    answers = [_one_quantile(labels, pool, *pair) for pair in zip(levels, weights, strict=True)]
    centers, curves, shares = zip(*answers, strict=True)
    degrees = np.array([share.degrees_of_freedom for share in shares])
    errors = np.array([share.standard_error for share in shares])
    unknown = np.full((len(levels), len(levels)), np.nan)
    woodruff = QuantileEstimate(np.array(centers), unknown, degrees, levels, curves, errors)
    low, high = woodruff.confidence_interval(confidence_level)
    spread = stats.t.isf((1 - confidence_level) / 2, degrees)
    variance = ((high - low) / (2 * spread)) ** 2
    return QuantileEstimate(
        like(centers, q), np.diag(variance), like(degrees, q), levels, curves, errors
    )


def _one_quantile(
    labels: TwoStageLabels, pool: Vector, level: float, lambda_: float | None
) -> tuple[float, RectifiedDistribution, Share]:
    """The quantile, F, and F there. Weights are tuned at the labels' own quantile, then once more at the answer."""
    t = float(np.quantile(labels.every, level, method="inverted_cdf"))
    curve = RectifiedDistribution.of(labels, pool, 0.0, 0.0)
    for _ in range(2):
        share = curve.share(t, lambda_)
        curve = RectifiedDistribution.of(labels, pool, share.lambda_, share.recycled)
        t = curve.quantile(level)
    share = curve.share(t, lambda_)
    return t, curve.window(level, share.standard_error), share


def _residual_variance(y: Array, f: Array, t: float) -> float:
    return float(np.var((y <= t).astype(float) - (f <= t), ddof=1))


def _pool_quantiles(pool: Vector, levels: Array, confidence_level: float) -> Estimate:
    """Quantiles of the predictions, as if they were data."""
    spread = stats.norm.isf((1 - confidence_level) / 2)
    errors = spread * np.sqrt(levels * (1 - levels) / len(pool))
    low, center, high = (_order_statistic(pool, levels + sign * errors) for sign in (-1, 0, 1))
    variance = ((high - low) / (2 * spread)) ** 2
    return Estimate(center, np.diag(variance), np.full(len(levels), np.inf))


def _order_statistic(ordered: Vector, levels: Array) -> Array:
    rows = np.ceil(levels * len(ordered) - 1e-9).astype(int) - 1
    return ordered[np.clip(rows, 0, len(ordered) - 1)].astype(np.float64)


def _check_weights(lambda_: ArrayLike | None, k: int) -> list[float | None]:
    if lambda_ is None:
        return [None] * k
    weights = np.asarray(lambda_, dtype=float)
    if weights.shape not in ((), (1,), (k,)) or not np.isfinite(weights).all():
        raise ValueError(
            f"lambda_ is {lambda_!r}; expected None, a number, or one for each of {k} levels."
        )
    return list(np.broadcast_to(weights, (k,)))


def check_levels(q: ArrayLike) -> Array:
    levels = np.atleast_1d(np.asarray(q, dtype=float))
    if levels.ndim != 1 or not len(levels) or not np.all((levels > 0) & (levels < 1)):
        raise ValueError(f"q is {q!r}; expected levels between 0 and 1, both excluded, such as 0.5.")
    return levels
