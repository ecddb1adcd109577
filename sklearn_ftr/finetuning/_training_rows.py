"""Which rows train a network, and which early stopping watches."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._sklearn_private import check_sample_weight

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


def weighted_rows(
    rows: Any, y: Array, sample_weight: ArrayLike | None
) -> tuple[Any, Array, Array | None]:
    """Rows of positive weight, and weights with mean one; at least two, since one error has no variance."""
    if sample_weight is None:
        return rows, y, None
    weight = check_sample_weight(sample_weight, y, dtype=np.float64, ensure_non_negative=True)
    kept = np.flatnonzero(weight > 0)
    if len(kept) < 2:
        raise ValueError(
            f"sample_weight is zero for all but {len(kept)} of {len(weight)} rows; expected at "
            "least 2 rows of positive weight."
        )
    return rows[kept], y[kept], weight[kept] / weight[kept].mean()


def hold_out(n: int, fraction: float, rng: np.random.RandomState) -> tuple[Rows, Rows | None]:
    """Of n rows those that train, and a fraction for early stopping; none are drawn for a fraction of 0."""
    if not fraction:
        return np.arange(n), None
    n_validation = max(2, round(fraction * n))
    if n - n_validation < 2:
        raise ValueError(
            f"Early stopping would hold out {n_validation} of {n} rows; expected at least 2 left "
            "for training. Lower validation_fraction or set early_stopping=False."
        )
    order = rng.permutation(n)
    return order[n_validation:], order[:n_validation]
