"""Intervals and tests of shares: means of labels that are 0 or 1, inside [0, 1] and never of zero width.

What is known of a share is put as if so many labels had been drawn independently (`_share_evidence`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.rectification._binomial_tests import Tail, exact_tail, lowest, mixed_tail
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._inference import (
    Alternative,
    ConfidenceInterval,
    check_alternative,
    check_null,
    like,
    tail_of,
)

# Squared residuals of so many rows on which label and prediction differ, beside those that a sample shows (docs/statistics.md).
ROWS_UNSEEN = 1.6


def unseen(rows: float) -> float:
    """What rows that a sample of so many has not shown may add to a variance."""
    return float(ROWS_UNSEEN / (rows * max(rows - 1, 1.0)))


@dataclass(frozen=True, eq=False)
class ShareInference:
    """What is known of k shares: the share among so many independent labels.

    Parameters
    ----------
    share : float or ndarray of shape (k,)
        From 0 to 1.
    size : float or ndarray of shape (k,)
        The effective number of labels; infinite if nothing is uncertain.
    counted : tuple of float or ndarray of shape (k,), default=(0, 0)
        Of a finite population: which part of it is known to be ones, and which to be zeros.
    trained : tuple of float and ndarray of shape (k,), default=(0, 0)
        How large a part of a finite population has only trained, and the ones in it, as a part of all. Everything above is of the rest.
    """

    share: Any
    size: Any
    counted: tuple[Any, Any] = (0.0, 0.0)
    trained: tuple[float, Any] = (0.0, 0.0)

    @property
    def estimate(self) -> Array:
        """The share of the whole population, in the middle of the interval (k,)."""
        return self._of_all(np.clip(np.atleast_1d(self.share), *self._reach))

    @property
    def reach(self) -> tuple[Array, Array]:
        """The smallest and the largest share (k,) that what has been counted leaves possible."""
        least, most = (np.broadcast_to(end, np.shape(self.estimate)) for end in self._reach)
        return self._of_all(least), self._of_all(most)

    @property
    def spread(self) -> Array:
        """Variance (k,) of single labels, with one label that is half of either class, so that it is never 0."""
        size = np.atleast_1d(self.size)
        known = np.isinf(size)
        size = np.where(known, 1.0, size)
        share = np.where(known, self.share, (self.share * size + 0.5) / (size + 1))
        return np.asarray(share * (1 - share))

    def variance(self, spread: Array) -> Array:
        """Of the whole population's share (k,), if single labels vary by `spread`."""
        return np.asarray((1 - self.trained[0]) ** 2 * spread / np.atleast_1d(self.size))

    def limits(self, level: float, tail: Tail) -> tuple[Array, Array]:
        """The shares (k,) that tests of either side refute at `level`."""
        share, size = np.atleast_1d(self.share), np.atleast_1d(self.size)
        certain = np.isinf(size)
        size = np.where(certain, 1.0, size)
        counts = np.stack([share * size, (1 - share) * size])
        below, above = lowest(tail, counts, np.broadcast_to(size, counts.shape), level)
        low, high = np.where(certain, share, below), np.where(certain, share, 1 - above)
        return self._of_all(np.clip(low, *self._reach)), self._of_all(np.clip(high, *self._reach))

    def confidence_interval(
        self, confidence_level: float = 0.95, alternative: Alternative = "two-sided"
    ) -> ConfidenceInterval:
        """The shares that the test of the same `alternative` does not refute, within [0, 1].

        Parameters
        ----------
        confidence_level : float, default=0.95
        alternative : {"two-sided", "less", "greater"}, default="two-sided"
            "less" begins at 0, or at what has been counted of a finite population; "greater" ends at 1.

        Returns
        -------
        ConfidenceInterval
            `(low, high)`: floats, or arrays (k,).

        Raises
        ------
        ValueError
            A level that is not between 0 and 1; another `alternative`.
        """
        low, high = self.limits(*sides_of(confidence_level, alternative))
        least, most = self.reach
        return ConfidenceInterval(
            like(np.where(alternative == "less", least, low), self.share),
            like(np.where(alternative == "greater", most, high), self.share),
        )

    def p_value(self, null: ArrayLike, alternative: Alternative = "two-sided") -> Any:
        """P-value of the test that the interval inverts.

        Parameters
        ----------
        null : float or array-like of shape (k,)
        alternative : {"two-sided", "less", "greater"}, default="two-sided"

        Returns
        -------
        float or ndarray of shape (k,)
            Two-sided, 0 for shares that are impossible.
        """
        check_alternative(alternative)
        given = np.broadcast_to(check_null(null, self.share), np.shape(self.share))
        value, (least, most) = self._of_rest(np.atleast_1d(given)), self._reach
        inside = self._p_value(np.clip(value, least, most), alternative)
        below, above = float(alternative == "less"), float(alternative == "greater")
        return like(np.where(value < least, below, np.where(value > most, above, inside)), given)

    def picked(self, weights: Array, template: Any) -> ShareInference | None:
        """Of the shares that weights (q, k) pick; None where they do anything else."""
        k, at = np.size(self.share), weights.argmax(axis=1)
        if weights.shape[1] != k or not np.array_equal(weights, np.eye(k)[at]):
            return None

        def of(numbers: Any) -> Any:
            return like(np.broadcast_to(numbers, k)[at], template)

        counted, trained = tuple(map(of, self.counted)), (self.trained[0], of(self.trained[1]))
        return ShareInference(of(self.share), of(self.size), (counted[0], counted[1]), trained)

    def _p_value(self, null: Array, alternative: Alternative) -> Array:
        share, size = np.atleast_1d(self.share), np.atleast_1d(self.size)
        certain, size = np.isinf(size), np.where(np.isinf(size), 1.0, size)
        tail = mixed_tail if alternative == "two-sided" else exact_tail
        above = np.where(certain, null >= share, tail(share * size, size, null))
        below = np.where(certain, null <= share, tail((1 - share) * size, size, 1 - null))
        if alternative != "two-sided":
            return above if alternative == "greater" else below
        both = np.minimum(2 * np.where(null < share, above, below), 1.0)
        return np.where(null == share, 1.0, both)

    @property
    def _reach(self) -> tuple[Any, Any]:
        """Of the part that has not trained."""
        return self.counted[0], 1 - np.asarray(self.counted[1])

    def _of_all(self, share: Array) -> Array:
        part, ones = self.trained
        return np.asarray(ones + (1 - part) * share)

    def _of_rest(self, share: Array) -> Array:
        part, ones = self.trained
        return np.asarray((share - ones) / (1 - part))


def sides_of(confidence_level: float, alternative: Alternative) -> tuple[float, Tail]:
    """The level of each side, and the test: exact if there is one side, and its mean with the score test if there are two."""
    test = mixed_tail if alternative == "two-sided" else exact_tail
    return tail_of(confidence_level, alternative), test
