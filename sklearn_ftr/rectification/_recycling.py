"""Recycling: combine two uncorrelated estimates of the same number by inverse variance.

Graybill and Deal (1959), "Combining unbiased estimators"; the small-sample variance and degrees of
freedom are Meier's (1953), "Variance of a weighted mean", Biometrics 9. Here: the rectified mean and
the mean of the fine-tuning labels, which are uncorrelated because the former is unbiased whatever
predictor those labels produced.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._deviations import Deviations
from sklearn_ftr.rectification._inference import Estimate
from sklearn_ftr.rectification._influence import Recycled
from sklearn_ftr.rectification._moments import Moments


def recycle_labels(
    rectified: Estimate,
    every: Deviations,
    rectifying: Deviations,
    own_mean: Array,
    n_own: int,
    n_parameters: int = 1,
    one_weight: bool = False,
) -> tuple[Estimate, Recycled]:
    """The rectified estimate combined with the fine-tuning labels' own answer, and that one's part in it.

    Deviations are those of what the estimate is a mean of, labels or influence values: of all labels, and of those that rectify; the mean of the
    others, `n_own` pieces, is their own answer. All labels tell its variance better than they alone. With `one_weight` all k numbers
    share one weight.
    """
    of_all, of_rectify = _moments_of(every), _moments_of(rectifying)
    spare = every.spare - (n_parameters - 1)
    degrees = np.full(len(own_mean), float(spare))
    own = Estimate(own_mean, every.y.T @ every.y / spare / n_own, degrees)
    restated = with_variance_of_all_labels(rectified, of_all, of_rectify)
    combined, weight = recycle(restated, own, one_weight)
    stated, before = np.diag(restated.covariance), np.diag(rectified.covariance)
    scale = np.sqrt(np.divide(stated, before, out=np.ones_like(stated), where=before > 0))
    meier = np.sqrt(meier_factor(weight, restated.degrees_of_freedom, own.degrees_of_freedom))
    scales = meier * scale, meier * np.sqrt(len(every.y) / spare)
    return combined, Recycled(weight, scales, every.y, n_own, spare, every.evenness)


def _moments_of(pieces: Deviations) -> Moments:
    """Moments of which the covariance is that of one piece, within strata, with the degrees of freedom that it has."""
    count = len(pieces.y)
    return Moments(count, pieces.y_mean, pieces.y.T @ pieces.y * ((count - 1) / pieces.spare))


def with_variance_of_all_labels(
    rectified: Estimate, of_all: Moments, of_rectifying: Moments
) -> Estimate:
    """Let V_R(y - lambda f) / V_R(y) come from the rectification labels, but V(y) from all labels.

    The weights of the combination then no longer depend on whether the large labels of a skewed
    distribution, or the rare ones, happened to fine-tune or to rectify. Otherwise the half that missed
    them would look precise, win, and bias the combination.
    """
    seen = of_rectifying.variance > 0
    ratio = np.divide(
        of_all.variance, of_rectifying.variance, out=np.ones_like(of_all.mean), where=seen
    )
    covariance = rectified.covariance * np.outer(np.sqrt(ratio), np.sqrt(ratio))
    # Rectification labels that are all alike say nothing of a residual variance: that of labels only.
    blind = ~seen & (np.diag(covariance) == 0)
    covariance = covariance + np.diag(np.where(blind, of_all.variance / of_rectifying.count, 0.0))
    degrees = np.where(blind, of_all.count - 1, rectified.degrees_of_freedom)
    return Estimate(rectified.estimate, covariance, degrees)


def recycle(rectified: Estimate, own: Estimate, one_weight: bool = False) -> tuple[Estimate, Array]:
    """The combination, and the weight (k,) that the fine-tuning labels' `own` answer has in it."""
    variances = np.array([np.diag(rectified.covariance), np.diag(own.covariance)])
    if one_weight:  # that of the smallest sum of variances
        variances = np.broadcast_to(variances.sum(axis=1, keepdims=True), variances.shape)
    total = variances[0] + variances[1]
    weight = np.divide(variances[0], total, out=np.zeros_like(total), where=total > 0)
    rest = 1 - weight
    covariance = np.outer(rest, rest) * rectified.covariance + np.outer(weight, weight) * own.covariance
    degrees = rectified.degrees_of_freedom, own.degrees_of_freedom
    meier = np.sqrt(meier_factor(weight, *degrees))
    combined = Estimate(
        rest * rectified.estimate + weight * own.estimate,
        covariance * np.outer(meier, meier),
        1 / (rest**2 / degrees[0] + weight**2 / degrees[1]),
    )
    return combined, weight


def meier_factor(weight: Any, degrees: Any, own_degrees: Any) -> Any:
    """What it costs the variance that estimated weights are not the best weights."""
    return 1 + 4 * weight * (1 - weight) * (1 / degrees + 1 / own_degrees)
