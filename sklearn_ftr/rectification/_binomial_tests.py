"""Tests of a share of `size` independent labels, of which `count` are ones, and the intervals that invert them.

Neither number need be whole: effective numbers take their place (Korn and Graubard 1998), the binomial being continued by the incomplete
beta function. Tests are of the side on which the share is larger than the null; swap ones and zeros for the other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._scipy import betainc, ndtr

Tail = Callable[[Array, Array, Array], Array]
# How much of P(X = count) counts as "as extreme"; between Clopper-Pearson (all) and the mid-p test (half).
_ATOM = 0.8
# The weight of the beta tail in a two-sided test, and the variance of the count below which it rises to 1.
_LEAST_WEIGHT, _FEW = 0.28, 0.8
# Each step halves the bracket at least; most limits need ten.
_LARGEST_STEPS = 60
_PRECISION = 1e-12
# In place of 0, to be divided by.
_SMALLEST = 1e-200


def exact_tail(count: Array, size: Array, null: Array) -> Array:
    """P(X >= count) under the null (Clopper and Pearson 1934)."""
    return beta_tail(count, size, null, 1.0)


def score_tail(count: Array, size: Array, null: Array) -> Array:
    """Normal, with the variance under the null (Wilson 1927)."""
    error = np.maximum(np.sqrt(size * null * (1 - null)), _SMALLEST)
    return np.where(count > 0, ndtr((size * null - count) / error), 1.0)


def beta_tail(count: Array, size: Array, null: Array, atom: float) -> Array:
    """P(X > count) and about so much of P(X = count)."""
    return np.where(count > 0, betainc(count + 1 - atom, size - count + atom, null), 1.0)


def mixed_tail(count: Array, size: Array, null: Array) -> Array:
    """A mean of the score and the beta tail: the latter alone near 0 and 1, little of it where both classes have many labels.

    The weight is no function of the null, so that the test inverts the interval.
    """
    variance = count * (size - count) / size
    weight = _LEAST_WEIGHT + (1 - _LEAST_WEIGHT) / (1 + (variance / _FEW) ** 2)
    of_beta, of_score = beta_tail(count, size, null, _ATOM), score_tail(count, size, null)
    return np.asarray(weight * of_beta + (1 - weight) * of_score)


def lowest(tail: Tail, count: Array, size: Array, level: float) -> Array:
    """The smallest share up to count / size at which the tail is `level` or more, by Ridders' method (1979)."""
    low, high = np.zeros_like(count), count / size
    at_low, at_high = (tail(count, size, end) - level for end in (low, high))
    root, few = high, at_high <= 0  # refuted nowhere below the share itself
    for _ in range(_LARGEST_STEPS):
        middle = (low + high) / 2
        at_middle = tail(count, size, middle) - level
        scale = np.sqrt(np.maximum(at_middle**2 - at_low * at_high, 0.0))
        step = np.divide(at_middle, scale, out=np.zeros_like(scale), where=scale > 0)
        last, root = root, _between(middle - (middle - low) * step, low, high)
        for null, value in ((middle, at_middle), (root, tail(count, size, root) - level)):
            above, below = (value >= 0) & (null < high), (value < 0) & (null > low)
            high, at_high = np.where(above, null, high), np.where(above, value, at_high)
            low, at_low = np.where(below, null, low), np.where(below, value, at_low)
        if (np.abs(root - last) <= _PRECISION * root).all():
            break
    return np.where(few, count / size, root)


def _between(values: Array, low: Array, high: Array) -> Array:
    return np.minimum(np.maximum(values, low), high)
