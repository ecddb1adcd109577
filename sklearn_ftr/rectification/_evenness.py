"""How unevenly labeled pieces know a number, and what that costs its interval.

A piece that knows much of a number draws the estimate to itself, so that its own residual is too small; and a variance that few pieces decide on has few
degrees of freedom, whatever the number of pieces. Bell and McCaffrey (2002), "Bias reduction in standard errors for linear regression with
multi-stage samples", Survey Methodology 28; strata as in Welch (1947). Both follow from the design and the covariates alone: no label is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._short_repr import short_repr
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._scipy import lambertw

Codes = NDArray[np.intp]
# Parts that differ by less are the same.
_ROUNDING = 1e-9
# A piece that knows a number all by itself has no residual: squares are never taken for smaller than this part of what they should be.
_SEEN = 0.05
# About the square of a 95 % quantile of t: where the tail of a sum of squares matters.
_TAIL = 6.0
_NEARLY_NORMAL = 0.9999


@short_repr
@dataclass(frozen=True, eq=False)
class Evenness:
    """What is known of G pieces and k numbers before any label is looked at.

    Parameters
    ----------
    information : ndarray of shape (G, k)
        The part of each piece in what is known of a number; the sum over pieces is 1.
    variances : ndarray of shape (G, k)
        Expected, of what pieces add to the estimate; the sum over pieces is 1.
    strata : ndarray of int of shape (G,)
        Stratum of each piece.
    """

    information: Array
    variances: Array
    strata: Codes

    @classmethod
    def of_rows(cls, reach: Array) -> Self | None:
        """Of rows that are pieces, from how far a residual moves each number (r, k); None where all are alike."""
        parts = _parts(reach**2)
        return cls._unless_even(parts, parts, np.zeros(len(parts), dtype=np.intp))

    @classmethod
    def of_pieces(
        cls, reach: Array, weights: Array, of_rows: Codes, strata: Codes, left: Array
    ) -> Self | None:
        """Of sums of rows (r, k) with `weights` (r,) over pieces `of_rows` (r,); `left` (G,) is the part of their variance that counts.

        Half of the variance is taken to be where the information is, as if weights and sums were the best ones, half to be that of rows that are
        alike and have all in common (less, where what they add to a piece cancels).
        """
        moved = weights[:, None] * reach
        information, apart, together = (
            _sums(of_rows, one, len(strata)) for one in (moved * reach, moved**2, moved)
        )
        together = together**2
        larger = np.maximum(np.sum(together, axis=0), np.sum(apart, axis=0))
        information = _parts(information)
        variances = information + together / _above_zero(larger)
        return cls._unless_even(information, _parts(left[:, None] * variances), strata)

    @classmethod
    def _unless_even(cls, information: Array, variances: Array, strata: Codes) -> Self | None:
        alike = all(np.ptp(one) <= _ROUNDING * one.max() for one in (information, variances))
        return None if alike and not strata.any() else cls(information, variances, strata)

    def correct(self, rows: Array) -> tuple[Array, Array]:
        """Of residuals `rows` (G, k): by how much the sum of their squares is too small (k,), 1 or more, and its degrees of freedom (k,), 1 or more.

        Squares of estimated variances of strata are too large by 1 + 2 / d.
        """
        seen, degrees = self._of_strata()
        squares = _sums(self.strata, rows**2)
        total, expected = np.sum(squares, axis=0), np.sum(squares / seen, axis=0)
        parts = squares / seen / np.where(total > 0, expected, 1.0)
        welch = 1 / np.where(total > 0, np.sum(parts**2 / (degrees + 2), axis=0), 1.0) - 2
        understated = np.where(total > 0, expected / np.where(total > 0, total, 1.0), 1.0)
        return np.maximum(understated, 1.0), np.where(total > 0, np.maximum(welch, 1.0), np.inf)

    def _of_strata(self) -> tuple[Array, Array]:
        """Expected squares of residuals over variances, and degrees of freedom, of strata (H, k).

        Residuals are A s, A = I - w 1', with pieces' parts w of the information in a stratum and their sums s, of variances v.
        """
        counts = np.bincount(self.strata)[:, None]
        w = self.information / _above_zero(self._summed(self.information))[self.strata]
        v = self.variances / _above_zero(self._summed(self.variances))[self.strata]
        trace = 1 - 2 * self._summed(w * v) + self._summed(w**2)
        several = (counts > 1) & (trace > _ROUNDING)
        trace = np.where(several, trace, 1.0)
        degrees = np.where(several, _matched(self._log_determinant(w, v, _TAIL / trace)), 1.0)
        seen = np.where(several, trace * counts / np.maximum(counts - 1, 1), 1.0)
        return np.maximum(seen, _SEEN), np.maximum(degrees, 1.0)

    def _log_determinant(self, w: Array, v: Array, x: Array) -> Array:
        """Of I + x A V A' in each stratum (H, k)."""
        of_pieces = 1 + x[self.strata] * v
        ww, wv, vv = (self._summed(one / of_pieces) for one in (w**2, w * v, v**2))
        rest = (1 + x * (ww - wv)) * (1 - x * wv) + x**2 * ww * (wv - vv)
        return np.asarray(self._summed(np.log(of_pieces)) + np.log(np.maximum(rest, _ROUNDING)))

    def _summed(self, values: Array) -> Array:
        return _sums(self.strata, values)


def _matched(log_determinant: Array) -> Array:
    """Degrees of freedom d with d log(1 + x / d) equal to this."""
    ratio = np.clip(log_determinant / _TAIL, _ROUNDING, 1 - _ROUNDING)
    inverse = -lambertw(-ratio * np.exp(-ratio), -1).real / ratio - 1
    # Close to 1, where that is all rounding, the first term of its series.
    return np.where(ratio > _NEARLY_NORMAL, _TAIL / (2 * (1 - ratio)), _TAIL / inverse)


def of_sums(evenness: Evenness | None, weights: Array, rows: Array) -> Evenness | None:
    """Of sums (q,) of numbers by weights (q, k), with residuals `rows` (G, k)."""
    if evenness is None:
        return None
    portions = _parts((weights**2 * np.sum(rows**2, axis=0)).T)
    return Evenness(evenness.information @ portions, evenness.variances @ portions, evenness.strata)


def beside(left: Evenness | None, right: Evenness | None) -> Evenness | None:
    """Of all numbers of both; None where that is not known of both."""
    if left is None or right is None:
        return None
    return Evenness(
        np.hstack([left.information, right.information]),
        np.hstack([left.variances, right.variances]),
        left.strata,
    )


def _parts(values: Array) -> Array:
    """Values (n, k) over their sums; 0 of nothing."""
    return np.asarray(values / _above_zero(values.sum(axis=0)))


def _above_zero(values: Array) -> Array:
    return np.where(values > 0, values, 1.0)


def _sums(codes: Codes, values: Array, size: int = 0) -> Array:
    """Sums (size, k) of rows (n, k) with the same number."""
    return np.stack([np.bincount(codes, column, size) for column in values.T], axis=1)
