"""Bootstrap-t: quantiles of the t statistic of draws from the influence values of labeled pieces.

Hall (1988), "Theoretical comparison of bootstrap confidence intervals", Annals of Statistics 16; Davison and Hinkley (1997), section 5.2. Pieces are
drawn with replacement, the pool's mean is normal, and each draw is divided by a standard error of its own. Each draw of pieces counts twice, with an error of
the pool and with its mirror image, so that the interval of -y is that of y, mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._error_terms import Term
from sklearn_ftr.rectification._inference import (
    Alternative,
    ConfidenceInterval,
    Estimate,
    interval_between,
    like,
    p_value_of,
    t_statistic,
    tail_of,
)
from sklearn_ftr.rectification._student import t_quantile

# With this many draws and one more, the usual tails are whole numbers of draws.
_DRAWS = 1999
_SEED = 0
# Of positions among draws; errors and variances, in units of the estimate's own, that are none.
_ROUNDING, _NOTHING = 1e-9, 1e-12
# Numbers in a block of weights: 16 MiB.
_BLOCK = 2**21
# A draw of labels that are nearly all alike has no standard error to speak of: statistics end at so many 97.5 % quantiles of t.
_FURTHEST = 4.0


@dataclass(frozen=True)
class BootstrapT:
    """Intervals and tests of k numbers by drawing pieces anew; always with the same seed, so that they are the same each time.

    Parameters
    ----------
    student : Estimate
    terms : sequence of Term
        The independent parts of its error.
    pool_variance : ndarray of shape (k,)
        What the pool adds to their variance.
    """

    student: Estimate
    terms: Sequence[Term]
    pool_variance: Array

    def confidence_interval(
        self, confidence_level: float = 0.95, alternative: Alternative = "two-sided"
    ) -> ConfidenceInterval:
        """See `Estimate.confidence_interval`. Ends that leave out less than 1 / 2000 are infinite: draws do not tell them."""
        left_out = tail_of(confidence_level, alternative) * (_DRAWS + 1)
        center = np.asarray(self.student.estimate)
        if left_out < 1 - _ROUNDING:
            return ConfidenceInterval(like(center - np.inf, center), like(center + np.inf, center))
        position = min(int(np.floor(2 * (left_out - 1) + _ROUNDING)), _DRAWS - 1)
        lowest, highest = (
            self.statistics[at].reshape(center.shape) for at in (position, 2 * _DRAWS - 1 - position)
        )
        return interval_between(self.student, lowest, highest, alternative)

    def p_value(self, null: ArrayLike, alternative: Alternative = "two-sided") -> Any:
        """The inversion of the interval; see `Estimate.p_value`. At least 1 / 2000 on one side."""
        t = t_statistic(self.student, null)
        above, below = (
            ((1 + np.sum(beyond, axis=0) / 2) / (_DRAWS + 1)).reshape(t.shape)
            for beyond in (self.statistics >= t, self.statistics <= t)
        )
        return p_value_of(self.student, null, above, below, alternative)

    @cached_property
    def statistics(self) -> Array:
        """Sorted t statistics (2 draws, k): each draw of pieces with an error of the pool and with its mirror image.

        All numbers have the same draws, and errors are in units of the standard error, so that the interval of a number depends neither on its units and sign
        nor on the numbers beside it.
        """
        rng = np.random.default_rng(_SEED)
        error = np.atleast_1d(self.student.standard_error)
        unit = np.where(error > 0, error, 1.0)
        pool_variance = self.pool_variance / unit**2
        of_pool = rng.standard_normal((_DRAWS, 1)) * np.sqrt(pool_variance)
        errors, variances = np.zeros((_DRAWS, len(unit))), np.zeros((_DRAWS, len(unit)))
        for term in self.terms:
            means, of_means = _drawn(term.times(1 / unit), rng)
            errors, variances = errors + means, variances + of_means
        t = [_in_errors(errors + side * of_pool, variances + pool_variance) for side in (1, -1)]
        furthest = _FURTHEST * t_quantile(0.025, np.atleast_1d(self.student.degrees_of_freedom))
        return np.sort(np.clip(np.concatenate(t), -furthest, furthest), axis=0)


def _in_errors(errors: Array, variances: Array) -> Array:
    """T statistics (draws, k), 0 where an error is no more than rounding and endless where only the variance is."""
    varies = variances > _NOTHING
    with np.errstate(divide="ignore", invalid="ignore"):
        t = errors / np.sqrt(np.where(varies, variances, 0.0))
    return np.where(np.abs(errors) > _NOTHING, t, 0.0)


def _drawn(term: Term, rng: np.random.Generator) -> tuple[Array, Array]:
    """Errors (draws, k) of a term, and the variances that the drawn pieces say they have."""
    rows, g = term.rows * term.scale, len(term.rows)
    step, size = max(1, _BLOCK // max(g, term.size)), term.size
    blocks, squares = [], rows**2
    for start in range(0, _DRAWS, step):
        weights = _counts(g, size, min(step, _DRAWS - start), rng) / size
        blocks.append((weights @ rows, weights @ squares))
    means, mean_squares = (np.concatenate(part) for part in zip(*blocks, strict=True))
    spread = np.maximum(mean_squares - means**2, 0.0)
    return means, spread / max(size - 1, 1)


def _counts(g: int, size: int, n_draws: int, rng: np.random.Generator) -> Array:
    """How often each of g pieces is in each of `n_draws` samples of `size` with replacement (n_draws, g)."""
    drawn = rng.integers(g, size=(n_draws, size)) + g * np.arange(n_draws)[:, None]
    return np.bincount(drawn.ravel(), minlength=n_draws * g).reshape(n_draws, g).astype(np.float64)
