"""What predictions of the pool tell of a tail that few labels may have missed: how skewed the error of a mean should be at the least.

With R^2 of labels and predictions, labels are expected to have R^3 times the skewness of predictions, and what predictions leave of labels, if
these are labels with noise, (1 - R^2)^1.5 times that. Neither useless predictions nor perfect ones tell anything.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._moments import columns, sums_of_products, sums_of_squares
from sklearn_ftr.rectification._rectify import Rectification

# Skewness of predictions that is less is none, and so is what a normal pool shows by chance, in its standard errors.
_CLEAR, _STANDARD_ERRORS = 0.5, 3.0
# In place of 0, to be divided by.
_SMALLEST = 1e-200
# Measured in docs/which_interval.md: R^3 (1 - R^2)^1.5 is 1 / 8 at most, and predictions seldom are labels with noise.
_FACTOR = 4.0


def skewness_of_pool(rows: NDArray[Any]) -> Array:
    """Of predictions (n,) or (n, k), evenly spaced ones of a large pool, for each column; 0 where there is none to speak of."""
    rows, n = columns(rows), len(rows)
    units = rows - rows.sum(axis=0) / n
    units /= np.maximum(np.abs(units).max(axis=0), _SMALLEST)
    squares, cubes = sums_of_squares(units), sums_of_products(units * units, units)
    return np.asarray(clear_skewness(cubes, np.maximum(squares, _SMALLEST), n))


def clear_skewness(cubes: Any, squares: Any, n: int) -> Any:
    """From sums of cubes and squares (k,) of n deviations; 0 where there is none to speak of."""
    skewness = cubes * math.sqrt(n) / squares**1.5
    return skewness * (abs(skewness) > max(_CLEAR, _STANDARD_ERRORS * math.sqrt(6 / n)))


def with_tail_of_pool(rectified: Rectification, skewness: Array, variance: Array) -> Rectification:
    """With the third moment of the labels' part of the error that skewness and variance (k,) of the pool's predictions let expect."""
    if not skewness.any():
        return rectified
    influence = rectified.influence
    left = np.sum(influence.rows**2, axis=0) / influence.degrees_of_freedom
    third = expected_third(left, len(influence.rows), rectified.lambda_, skewness, variance)
    return replace(rectified, influence=replace(influence, expected_third=third))


def expected_third(left: Any, pieces: int, lambda_: Any, skewness: Any, variance: Any) -> Array:
    """That moment (k,), from the variance of what predictions leave of labels."""
    total = left + lambda_**2 * variance
    share = np.divide(left, total, out=np.zeros_like(total), where=total > 0)
    told = _FACTOR * np.sign(lambda_) * (share * (1 - share)) ** 1.5 * skewness
    return np.asarray(told * (left / pieces) ** 1.5 / np.sqrt(pieces))
