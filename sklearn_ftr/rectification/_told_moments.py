"""Count, mean and covariance as people, databases and JSON have them, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sklearn_ftr._arguments import ArgumentTypeError, check_count, is_number
from sklearn_ftr.rectification._checks import as_settings, check_finite
from sklearn_ftr.rectification._moments import Moments

# What they are of, for messages.
_OF_POOL = "PoolMoments are made of count, mean and covariance, or of count and totals or clusters"


def read_count(told: Mapping[str, Any], name: str = "told", made_of: str = _OF_POOL) -> int:
    """Whole numbers of any type, Decimals of databases as well."""
    if not isinstance(told, Mapping):
        raise ArgumentTypeError(
            f"{name} is of type {type(told).__name__}; expected a mapping with count, mean and covariance."
        )
    check_entries(told, "count", made_of=made_of)
    count = told["count"]
    is_whole = is_number(count) and count == count and count == int(count)
    return check_count(int(count) if is_whole else count, "count", 0)


def check_entries(told: Mapping[str, Any], *names: str, made_of: str = _OF_POOL) -> None:
    """That none of them is missing; `made_of` says of what, and of which."""
    missing = [name for name in names if name not in told]
    if missing:
        raise ValueError(
            f"{made_of}; {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing."
        )


def read_moments(told: Mapping[str, Any], count: int) -> Moments:
    """Of k columns."""
    check_entries(told, "mean", "covariance")
    mean = check_finite(np.atleast_1d(as_settings(told["mean"], "mean", "expected k numbers")), "mean")
    k = len(mean)
    covariance = np.zeros((k, k))
    if count > 1:
        covariance = as_settings(told["covariance"], "covariance", "expected k rows of k numbers")
        covariance = check_finite(np.atleast_2d(covariance), "covariance")
    if mean.ndim != 1 or covariance.shape != (k, k):
        raise ValueError(
            f"mean has shape {mean.shape} and covariance {covariance.shape}; expected ({k},) and ({k}, {k})."
        )
    smallest, size = np.linalg.eigvalsh(covariance)[0], np.abs(covariance).max()
    if not np.allclose(covariance, covariance.T) or smallest < -1e-8 * size:
        raise ValueError(
            "covariance is that of no values; expected a symmetric matrix without negative variances."
        )
    return Moments(count, mean, covariance * max(count - 1, 0))
