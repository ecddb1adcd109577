"""What the variance in hand will be with other numbers of labels, and the same predictions.

With r labels that rectify, m rows in the pool and rho = r / m, the variance in hand is A + P: the labels' term, that of y - lambda f, and the pool's, that of
lambda f. A tuned lambda is c = (1 + rho) / (1 + rho') times as large with r' labels beside m' rows; a given one stays, c = 1. If K is the covariance of y - lambda f and
lambda f over r,

    T = r / r' (A + 2 (1 - c) K + (1 - c)^2 P / rho) + m / m' c^2 P

Of shares, rows that a sample has not shown add u = 1.6 / (r (r - 1)) times the squared weights of the shares in a number (`_share_evidence`).

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
from sklearn_ftr.rectification._intervals import Inference
from sklearn_ftr.rectification._power_tuning import MIN_LABELS_TO_TUNE
from sklearn_ftr.rectification._share_interval import unseen

# Influence values, and weights (q, k) of their columns in q numbers.
Mover = tuple[Influence, Array]
_MOST_LABELS = 10**9
# Rows of a pool that is used up.
_NONE = 1e-9


@dataclass(frozen=True, eq=False)
class Terms:
    """What the rectified part of a variance is made of, each of shape (q,): A, P, K, and the degrees of freedom of A and P."""

    labels: Array
    pool: Array
    mixed: Array
    degrees: tuple[Array, Array]

    @classmethod
    def of(cls, influence: Influence, weights: Array) -> Terms:
        """Of sums with weights (q, k)."""
        unit = len(influence.rows) * influence.degrees_of_freedom
        sides = influence.rows, influence.labels - influence.predictions, influence.predictions
        rows, rest, predictions = (side @ weights.T for side in sides)
        fewest = [np.where(weights != 0, one, np.inf).min(axis=1) for one in influence.degrees]
        return cls(
            labels=np.sum(rows**2, axis=0) / unit,
            pool=np.sum((weights @ influence.pool_covariance) * weights, axis=1),
            mixed=np.sum(rest * predictions, axis=0) / unit,
            degrees=(fewest[0], fewest[1]),
        )

    @classmethod
    def beside(cls, several: Sequence[Terms]) -> Terms:
        """Of all numbers together."""
        names = ("labels", "pool", "mixed")
        joined = {name: np.concatenate([getattr(one, name) for one in several]) for name in names}
        labels, pool = (
            np.concatenate(side) for side in zip(*(one.degrees for one in several), strict=True)
        )
        return cls(**joined, degrees=(labels, pool))

    @property
    def welch(self) -> Array:
        """Degrees of freedom of A + P."""
        return welch_satterthwaite([self.labels, self.pool], list(self.degrees))


@dataclass(frozen=True, eq=False)
class Forecast:
    """Variances (q,) with other numbers of labels, of an answer from one sample.

    Parameters
    ----------
    n, r, m : int
        Labels, those of them that rectify, and rows in the pool, all in hand.
    variance, degrees : ndarray of shape (q,)
        In hand.
    terms : Terms
        Of the rectified part.
    of_trained : ndarray of shape (q,)
        The share of labels that have trained in the variance.
    pieces : float
        Independent pieces that rectify.
    is_tuned, is_finite : bool
    unseen : ndarray of shape (q,)
        Of a sum of shares its squared weights, else 0.
    """

    n: int
    r: int
    m: int
    variance: Array
    degrees: Array
    terms: Terms
    of_trained: Array
    pieces: float
    is_tuned: bool
    is_finite: bool
    unseen: Array

    @property
    def fewest(self) -> int:
        """Labels with which this is foretold."""
        return self.n - self.r + (MIN_LABELS_TO_TUNE if self.is_tuned and self.m else 2)

    @property
    def in_hand(self) -> Array:
        """The variance, with what rows that were not seen add."""
        return self.variance + self.unseen * unseen(self.pieces)

    def at(self, n: float, n_rows: float) -> tuple[Array, Array]:
        """Such variances, and degrees of freedom, with n labels out of so many rows."""
        now, then = self.terms, self._terms_at(n, n_rows)
        whole, left = now.labels + now.pool, then.labels + then.pool
        grown = np.divide(whole, left, out=np.where(whole > 0, np.inf, 1.0), where=left > 0)
        precision = (1 - self.of_trained) * grown + self.of_trained
        pieces = self.pieces * (n - self.n + self.r) / self.r
        added = self.unseen * unseen(pieces) * self._left(n, n_rows)
        return self.variance / precision + added, self.degrees * then.welch / now.welch

    def _left(self, n: float, n_rows: float) -> float:
        """Of a finite population: the share of rows without a label, over that in hand."""
        return (1 - n / n_rows) / (1 - self.n / (self.n + self.m)) if self.is_finite else 1.0

    def _terms_at(self, n: float, n_rows: float) -> Terms:
        """Of the rectified part then."""
        now, rest = self.terms, max(n_rows - n, _NONE)
        grown = (n - self.n + self.r) / self.r
        of_labels = np.maximum(now.degrees[0] + self.pieces * (grown - 1), 1.0)
        if self.is_finite:
            left = self._left(n, n_rows) / grown
            return replace(now, labels=now.labels * left, degrees=(of_labels, now.degrees[1]))
        if not now.pool.any():
            return replace(now, labels=now.labels / grown, degrees=(of_labels, now.degrees[1]))
        before, after = self.r / self.m, grown * self.r / rest
        c = (1 + before) / (1 + after) if self.is_tuned else 1.0
        labels = now.labels + 2 * (1 - c) * now.mixed + (1 - c) ** 2 * now.pool / before
        return replace(
            now,
            labels=np.maximum(labels, 0.0) / grown,
            pool=c**2 * now.pool * self.m / rest,
            degrees=(of_labels, np.maximum(now.degrees[1] * rest / self.m, 1.0)),
        )


def forecasts_of(result: Any, answer: Estimate, movers: Sequence[Mover]) -> list[Forecast]:
    """Of an answer that a result gives; of the difference between independent groups one for each of them."""
    if not movers:
        parts = result.parts.values()
        return [one for part in parts for one in forecasts_of(part, part, part._movers)]
    return [
        Forecast(
            n=result.n_labeled,
            r=result.n_rectify,
            m=result.n_unlabeled,
            variance=np.diag(answer.covariance),
            degrees=np.atleast_1d(answer.degrees_of_freedom),
            terms=Terms.beside([Terms.of(*mover) for mover in movers]),
            of_trained=np.concatenate([_of_trained(*mover) for mover in movers]),
            pieces=len(movers[0][0].rows),
            is_tuned=result.is_tuned,
            is_finite=result.is_finite,
            unseen=_squared_weights(movers) * result.by_shares,
        )
    ]


def _squared_weights(movers: Sequence[Mover]) -> Array:
    """Of all numbers (q,)."""
    return np.concatenate([np.sum(weights**2, axis=1) for _, weights in movers])


def forecasts_alone(result: Any, answer: Estimate, movers: Sequence[Mover]) -> list[Forecast]:
    """Of the answer of labels alone."""
    if not movers:
        parts = result.parts.values()
        return [one for part in parts for one in forecasts_alone(part, part.labels_only, part._movers)]
    (told,) = forecasts_of(result, answer, movers)
    nothing = np.zeros_like(told.variance)
    return [
        replace(
            told,
            r=result.n_labeled,
            terms=Terms(told.variance, nothing, nothing, (told.degrees, told.degrees)),
            of_trained=nothing,
            pieces=told.pieces * result.n_labeled / result.n_rectify,
            is_tuned=False,
        )
    ]


def _of_trained(influence: Influence, weights: Array) -> Array:
    """The share of labels that have trained in the variance of sums with weights (q, k)."""
    terms = [np.diag(weights @ covariance @ weights.T) for covariance, _ in influence.variance_terms()]
    whole = np.sum(terms, axis=0)
    trained = whole - terms[0] - terms[1]
    return np.divide(trained, whole, out=np.zeros_like(whole), where=whole > 0)


def smallest(
    goal: HalfWidth | Effect | Order,
    inference: Inference,
    forecasts: Sequence[Forecast],
    n_rows: float,
) -> float:
    """Smallest number of labels with which an answer, whose intervals are given, reaches a goal; infinite if none does."""
    n_held = sum(one.n for one in forecasts)
    rows_held = sum(one.n + one.m for one in forecasts)
    rows = [n_rows * (one.n + one.m) / rows_held for one in forecasts]
    factor = _beyond_t(inference, forecasts, goal.confidence_level)

    def enough(n: int) -> bool:
        told = [one.at(n * one.n / n_held, of_one) for one, of_one in zip(forecasts, rows, strict=True)]
        variances, degrees = (list(column) for column in zip(*told, strict=True))
        return goal.reached(factor * np.sum(variances, axis=0), welch_satterthwaite(variances, degrees))

    fewest = max(-(-one.fewest * n_held // one.n) for one in forecasts)
    room = min(of_one * n_held / one.n for one, of_one in zip(forecasts, rows, strict=True))
    return bisect(enough, fewest, int(min(room, _MOST_LABELS)))


def _beyond_t(inference: Inference, forecasts: Sequence[Forecast], level: float) -> Array:
    """The squares of half-widths (q,) over those of Student's t, which what is foretold is multiplied by."""
    variances = [one.in_hand for one in forecasts]
    degrees = welch_satterthwaite(variances, [one.degrees for one in forecasts])
    squares = squared_half_width(np.sum(variances, axis=0), degrees, level)
    widths = _half_widths(inference, level)
    return np.divide(widths**2, squares, out=np.ones_like(squares), where=squares > 0)


def _half_widths(inference: Inference, level: float) -> Array:
    low, high = map(np.atleast_1d, inference.confidence_interval(level))
    return np.asarray((high - low) / 2)


def check_foretells(inference: Inference, forecasts: Sequence[Forecast], level: float) -> None:
    """Intervals in hand that end, and show some variance."""
    widths = _half_widths(inference, level)
    varies = np.sum([one.in_hand for one in forecasts], axis=0)
    if not (np.isfinite(widths).all() and widths.all() and varies.all()):
        raise ValueError(
            "An interval in hand is endless or has zero width, or labels show no variance, so that nothing can be foretold of more labels; expected "
            "labels that show some variance, and rows that have none."
        )
