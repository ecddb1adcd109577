"""Cross-fitting: K predictors, each rectified only by the labels that it has not seen.

Zrnic and Candes (2024), "Cross-prediction-powered inference", PNAS 121. What is added here: each
model's predictions are aligned to a common mean over the pool, which leaves the estimate as it is and
takes the models' different offsets out of its variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from sklearn_ftr.rectification._moments import Moments, merge


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
