"""Weighted sums of estimated numbers: their covariance and Satterthwaite's degrees of freedom."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._inference import Estimate, like, welch_satterthwaite

# Of the size of what has been added and subtracted.
_ROUNDING = 8 * float(np.finfo(np.float64).eps)


def degrees_of_sums(weights: Array, terms: list[tuple[Array, Array]]) -> Array:
    """Of sums (q,): each part of their variance has the fewest degrees of freedom that any of their numbers has in it."""
    variances = [_variances(weights, covariance) for covariance, _ in terms]
    degrees = [np.where(weights != 0, of_part, np.inf).min(axis=1) for _, of_part in terms]
    return welch_satterthwaite(variances, degrees)


def _variances(weights: Array, covariance: Array) -> Array:
    return np.asarray(np.maximum(np.sum((weights @ covariance) * weights, axis=1), 0.0))


def sums(answer: Estimate, weights: Array, degrees: Array, template: Any) -> Estimate:
    """With sums, and their variances, that are no more than rounding taken for 0."""
    estimates, largest = weights @ answer.estimate, np.abs(weights) @ np.abs(answer.estimate)
    covariance = weights @ answer.covariance @ weights.T
    spans = np.abs(weights) @ np.sqrt(np.diag(answer.covariance))
    varies = np.diag(covariance) > _ROUNDING * spans**2
    return Estimate(
        like(np.where(np.abs(estimates) > _ROUNDING * largest, estimates, 0.0), template),
        covariance * np.outer(varies, varies),
        like(degrees, template),
    )


def sums_of_one_sample(answer: Estimate, weights: Array, template: Any) -> Estimate:
    degrees = degrees_of_sums(weights, [(answer.covariance, answer.degrees_of_freedom)])
    return sums(answer, weights, degrees, template)
