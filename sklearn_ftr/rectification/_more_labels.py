"""What the variance in hand will be with other numbers of labels, and the same predictions.

With r labels that rectify, m rows in the pool and rho = r / m, let A be the labels' term of the variance in hand and P the pool's. That lambda is the best one in
hand says how labels and predictions vary together, so that for r' and rho'

    T = r / r' (A + P h / rho),  h = 1 + 2 rho - (1 + rho)^2 / (1 + rho')   lambda tuned anew
                                 h = rho'                                  lambda kept

Of a finite population P is 0, and A falls with the share of rows without a label. Labels that have trained keep the precision that they add.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._goal import Effect, HalfWidth, Order, bisect, squared_half_width
from sklearn_ftr.rectification._inference import Estimate, welch_satterthwaite
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._power_tuning import MIN_LABELS_TO_TUNE

# Influence values, and weights (q, k) of their columns in q numbers.
Mover = tuple[Influence, Array]
_MOST_LABELS = 10**9


@dataclass(frozen=True, eq=False)
class Forecast:
    """Variances (q,) with other numbers of labels, of an answer from one sample.

    Parameters
    ----------
    n, r, m : int
        Labels, those of them that rectify, and rows in the pool, all in hand.
    variance, degrees : ndarray of shape (q,)
        In hand.
    of_pool, of_trained : ndarray of shape (q,)
        The pool's share in the rectified part of the variance, and that of labels that have trained in all of it.
    spread : float
        Independent pieces of labels for each degree of freedom.
    is_tuned, is_finite : bool
    """

    n: int
    r: int
    m: int
    variance: Array
    degrees: Array
    of_pool: Array
    of_trained: Array
    spread: float
    is_tuned: bool
    is_finite: bool

    @property
    def fewest(self) -> int:
        """Labels with which this is foretold."""
        return self.n - self.r + (MIN_LABELS_TO_TUNE if self.is_tuned and self.m else 2)

    @property
    def keeps_a_row(self) -> bool:
        """Whether a row has to stay in the pool: nothing else says what labels alone vary like."""
        return bool(np.any(self.of_pool > 0)) and not self.is_tuned

    def at(self, n: float, n_rows: float) -> tuple[Array, Array]:
        """Variances and degrees of freedom with n labels out of so many rows."""
        grown = (n - self.n + self.r) / self.r
        rectified = self._rectified(grown, n, n_rows) / grown
        with np.errstate(divide="ignore"):
            precision = (1 - self.of_trained) / rectified + self.of_trained
        degrees = self.degrees * (1 + self.spread * (grown - 1))
        return self.variance / precision, np.maximum(degrees, 1.0)

    def _rectified(self, grown: float, n: float, n_rows: float) -> Array:
        """Variance of the rectified part over that in hand, times the growth of labels."""
        if self.is_finite:
            return np.full_like(self.variance, (1 - n / n_rows) / (1 - self.n / (self.n + self.m)))
        if not self.of_pool.any():
            return np.ones_like(self.variance)
        before, rest = self.r / self.m, n_rows - n
        after = grown * self.r / rest if rest > 0 else np.inf
        kept = 1 + 2 * before - (1 + before) ** 2 / (1 + after) if self.is_tuned else after
        return 1 - self.of_pool + self.of_pool * kept / before


def forecasts_of(result: Any, answer: Estimate, movers: Sequence[Mover]) -> list[Forecast]:
    """Of an answer that a result gives; of the difference between independent groups one for each of them."""
    if not movers:
        parts = result.parts.values()
        return [one for part in parts for one in forecasts_of(part, part, part._movers)]
    of_pool, of_trained = np.concatenate([_shares(*mover) for mover in movers], axis=1)
    return [
        Forecast(
            n=result.n_labeled,
            r=result.n_rectify,
            m=result.n_unlabeled,
            variance=np.diag(answer.covariance),
            degrees=np.atleast_1d(answer.degrees_of_freedom),
            of_pool=of_pool,
            of_trained=of_trained,
            spread=len(movers[0][0].rows) / movers[0][0].degrees_of_freedom,
            is_tuned=result.is_tuned,
            is_finite=result.is_finite,
        )
    ]


def forecasts_alone(result: Any, answer: Estimate, movers: Sequence[Mover]) -> list[Forecast]:
    """Of the answer of labels alone."""
    if not movers:
        parts = result.parts.values()
        return [one for part in parts for one in forecasts_alone(part, part.labels_only, part._movers)]
    (of_result,) = forecasts_of(result, answer, movers)
    pieces = len(movers[0][0].rows) * result.n_labeled / result.n_rectify
    nothing = np.zeros_like(of_result.of_pool)
    return [
        replace(
            of_result,
            r=result.n_labeled,
            of_pool=nothing,
            of_trained=nothing,
            spread=pieces / float(np.min(of_result.degrees)),
            is_tuned=False,
        )
    ]


def _shares(influence: Influence, weights: Array) -> Array:
    """The pool's share in the rectified part of the variance of sums, and that of labels that have trained in all of it (2, q)."""
    terms = [np.diag(weights @ covariance @ weights.T) for covariance, _ in influence.variance_terms()]
    rectified = terms[0] + terms[1]
    whole = np.sum(terms, axis=0)
    parts, wholes = np.array([terms[1], whole - rectified]), np.array([rectified, whole])
    return np.divide(parts, wholes, out=np.zeros_like(parts), where=wholes > 0)


def smallest(
    goal: HalfWidth | Effect | Order, answer: Estimate, forecasts: Sequence[Forecast], n_rows: float
) -> float:
    """Smallest number of labels with which an answer reaches a goal; infinite if none does."""
    n_held = sum(one.n for one in forecasts)
    rows_held = sum(one.n + one.m for one in forecasts)
    rows = [n_rows * (one.n + one.m) / rows_held for one in forecasts]
    factor = _beyond_t(answer, goal.confidence_level)

    def enough(n: int) -> bool:
        told = [one.at(n * one.n / n_held, of_one) for one, of_one in zip(forecasts, rows, strict=True)]
        variances, degrees = (list(column) for column in zip(*told, strict=True))
        return goal.reached(factor * np.sum(variances, axis=0), welch_satterthwaite(variances, degrees))

    fewest = max(-(-one.fewest * n_held // one.n) for one in forecasts)
    room = min(of_one * n_held / one.n for one, of_one in zip(forecasts, rows, strict=True))
    keep = any(one.keeps_a_row for one in forecasts)
    return bisect(enough, fewest, int(min(room, _MOST_LABELS)) - int(keep))


def _beyond_t(answer: Estimate, level: float) -> Array:
    """The squares of half-widths (q,) over those of Student's t, which what is foretold is multiplied by."""
    squares = squared_half_width(np.diag(answer.covariance), answer.degrees_of_freedom, level)
    widths = _half_widths(answer, level)
    return np.divide(widths**2, squares, out=np.ones_like(squares), where=squares > 0)


def _half_widths(answer: Estimate, level: float) -> Array:
    low, high = map(np.atleast_1d, answer.confidence_interval(level))
    return np.asarray((high - low) / 2)


def check_foretells(answer: Estimate, level: float) -> None:
    """Intervals in hand that end, and show some variance."""
    widths = _half_widths(answer, level)
    if not (np.isfinite(widths).all() and widths.all()):
        raise ValueError(
            "An interval in hand is endless or has zero width, so that nothing can be foretold of more labels; expected labels that show some "
            "variance, and rows that have none."
        )
