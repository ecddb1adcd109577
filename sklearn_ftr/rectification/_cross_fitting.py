"""Cross-fitting: K predictors, each rectified only by the labels that it has not seen.

Zrnic and Candes (2024), "Cross-prediction-powered inference", PNAS 121. What is added here: each
model's predictions are aligned to a common mean over the pool, which leaves the estimate as it is and
takes the models' different offsets out of its variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._moments import Moments, merge, moments


def fold_shares(folds: Sequence[np.ndarray]) -> Array:
    """Share (K,) of the labels in each fold: the weight of each model in the pool's prediction.

    With these weights an offset of one model adds as much to the pool's mean as it takes from the
    rectifier, so that it cancels exactly whatever the fold sizes.
    """
    sizes = np.array([len(rows) for rows in folds], dtype=float)
    return sizes / sizes.sum()


def align(parts: Sequence[Array], of_pools: Sequence[Array], shares: Array) -> list[Array]:
    """Each model's predictions `parts` (rows, k), moved so that all models agree on the pool's mean."""
    means = np.array([moments(pool).mean for pool in of_pools])
    # The model's own mean goes first: a constant model then becomes exactly the common constant.
    return [part - mean + shares @ means for part, mean in zip(parts, means, strict=True)]


def pool_of_parts(parts: Sequence[Array]) -> Moments:
    """Moments of a pool each part of which was aligned by its own mean: K - 1 degrees fewer."""
    return within_parts([moments(part) for part in parts])


def within_parts(parts: Sequence[Moments], n_parameters: int = 1) -> Moments:
    """Moments of rows within parts, each of which was moved to the same place in all of its parameters."""
    merged, lost = reduce(merge, parts), (len(parts) - 1) * n_parameters
    products = np.sum([part.cross_products for part in parts], axis=0)
    inflation = (merged.count - 1) / (merged.count - 1 - lost)
    return Moments(merged.count, merged.mean, products * inflation)


def cross_fitting_degrees_of_freedom(n: int, n_folds: int, n_parameters: int = 1) -> int:
    """Degrees of freedom of the residual variance when each of K folds has a model of its own.

    Within the folds the residuals have n - K degrees, between them K - 1. Counting n - 1 is too many
    for few labels, since the models that make the residuals were fitted to the same labels; the larger
    of the two keeps both K = 2 and leave-one-out meaningful. A tuned lambda costs no further degree
    (measured in docs/coverage.md). Each parameter beyond the first costs one.
    """
    return min(max(n - n_folds - (n_parameters - 1), n_folds - 1), n - n_parameters)
