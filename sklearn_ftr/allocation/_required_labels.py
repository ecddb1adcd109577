"""How many labels a goal needs: what a goal asks for, and which of the ways to reach it is the cheapest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from sklearn_ftr.allocation._best_option import SIMPLE_FIRST, Option, least_work, name_of, work_of

_LARGEST_BUDGET = 10**9


@dataclass(frozen=True)
class RequiredLabels:
    """How many labels an interval of the wanted half-width needs.

    Attributes
    ----------
    n_labeled : int
        Labels for the cheapest option.
    low, high : float
        95 % interval, for this option, that the law's uncertainty leaves; both equal to it for a known law, infinite
        where laws never reach the goal.
    option : Option
        The cheapest way, at that number.
    labels_only : float
        Labels that would do without any predictions; infinite if there are not as many rows.
    half_width : float
    """

    n_labeled: int
    low: float
    high: float
    option: Option
    labels_only: float
    half_width: float

    def __str__(self) -> str:
        return (
            f"{self.n_labeled:,} labels ({self.low:,.0f} to {self.high:,.0f}) by {name_of(self.option)} for an interval of "
            f"+- {self.half_width:g}, cost {self.option.cost:.4g}; labels only: {self.labels_only:,.0f}."
        )


@dataclass(frozen=True)
class Goal:
    """An interval of +- half_width out of n_rows rows."""

    half_width: float
    confidence_level: float
    n_rows: float

    @property
    def largest(self) -> int:
        """Most labels that may be bought."""
        return int(min(self.n_rows, _LARGEST_BUDGET))

    def pool(self, n: int) -> float:
        """Rows without a label when n have one."""
        return max(self.n_rows - n, 0)

    def quantile(self, n: int) -> float:
        """Half-width of the interval in standard errors, with n labels."""
        return float(stats.t.isf((1 - self.confidence_level) / 2, n - 1))


@dataclass(frozen=True)
class Purchase:
    """n labels, s of which train each model, for a goal."""

    strategy: str
    folds: int
    n: int
    s: int
    cost: float

    @property
    def work(self) -> tuple[int, ...]:
        """What decides between purchases of one cost."""
        simple = SIMPLE_FIRST.index(self.strategy)
        return *work_of(self.strategy, self.folds), simple, self.n, self.s


def cheapest(purchases: Iterable[Purchase]) -> Purchase:
    """The lowest cost; of those that tie with it, the one that is least work."""
    return least_work(purchases, lambda one: one.cost, lambda one: one.work)


def bisect(enough: Callable[[int], bool], low: int, high: int) -> float:
    """Smallest n in [low, high] for which a condition that stays true becomes true; infinite if it never does."""
    if high < low or not enough(high):
        return np.inf
    while low < high:
        middle = min((low + high) // 2, 4 * low)  # goals are usually near the lower end
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low
