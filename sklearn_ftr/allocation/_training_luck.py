"""The luck of trainings: how far models differ that have been trained on as many labels.

Whoever trains twice gets two models, by the rows drawn and by the seed. A bootstrap of test rows knows nothing of it. Sizes that were trained more than once
show it, beside the noise of test rows; few as they are, what is known of models in general has its say: a single training of VarianceRegressor on 50 to 300
labels has .09 to .16 (24 trainings each), ridge regressions .02.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sklearn_ftr._short_repr import short_repr
from sklearn_ftr.allocation._law import Array

# Relative, of a single training: what is believed of a model that nobody has trained is log-normal.
_USUAL = 0.12
_SPREAD = 0.5
_GRID = _USUAL * np.exp(np.linspace(-4, 4, 161) * _SPREAD)
_PRIOR = -(np.linspace(-4, 4, 161) ** 2) / 2


@short_repr
@dataclass(frozen=True, eq=False)
class Luck:
    """What is believed of it: probabilities of each value of a grid.

    Parameters
    ----------
    log_likelihood : ndarray of shape (161,) or 0.0
        Of the grid, up to a constant.
    """

    log_likelihood: Array | float = 0.0

    @property
    def probabilities(self) -> Array:
        """Of the grid."""
        logarithms = _PRIOR + self.log_likelihood
        weights = np.exp(logarithms - logarithms.max())
        return weights / weights.sum()

    @property
    def size(self) -> float:
        """Root of the mean square, relative."""
        return float(np.sqrt(self.probabilities @ _GRID**2))

    def draws(self, count: int) -> Array:
        """As many values (count,), each with the same probability: small ones first."""
        at = (np.arange(count) + 0.5) / count
        return np.interp(at, np.cumsum(self.probabilities), _GRID)


def luck_of_trainings(curves: Sequence[Array]) -> Luck:
    """From variances of several trainings (t, b + 1) of each size, in b versions of the test rows after the first."""
    total: Array | float = 0.0
    for logarithms in (np.log(some) for some in curves if len(some) > 1 and some.min() > 0):
        centred = logarithms - logarithms.mean(axis=0)
        degrees = len(centred) - 1
        found = np.sum(centred[:, 0] ** 2) / degrees
        noise = np.sum(np.mean((centred[:, 1:] - centred[:, :1]) ** 2, axis=1)) / degrees
        expected = _GRID**2 + noise
        total = total - degrees / 2 * (np.log(expected) + found / expected)
    return Luck(total)
