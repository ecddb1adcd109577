"""How many labels a goal needs: what a goal asks for, and which of the ways to reach it is the cheapest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from sklearn_ftr._arguments import check_number
from sklearn_ftr.allocation._best_option import Option, least_work, strategy_of
from sklearn_ftr.allocation._costs import Costs
from sklearn_ftr.allocation._drawing import Drawing
from sklearn_ftr.allocation._premises import Premises
from sklearn_ftr.allocation._strategies import Strategy, simplicity

_SMALLEST_BUDGET, _LARGEST_BUDGET = 10, 10**9


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
    n_clusters : int or None
        Clusters that so many labels are in, if each has as many as those with labels have now on average; None without clusters.
    """

    n_labeled: int
    low: float
    high: float
    option: Option
    labels_only: float
    half_width: float
    n_clusters: int | None = None

    def __str__(self) -> str:
        clusters = "" if self.n_clusters is None else f" in {self.n_clusters:,} clusters"
        return (
            f"{self.n_labeled:,} labels{clusters} ({self.low:,.0f} to {self.high:,.0f}) by {strategy_of(self.option).label} for an interval of "
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

    def quantile(self, n: int, drawing: Drawing | None = None) -> float:
        """Half-width of the interval in standard errors, with n labels; without a drawing they are by themselves."""
        degrees = n - 1 if drawing is None else drawing.degrees_of_freedom(n)
        return float(stats.t.isf((1 - self.confidence_level) / 2, degrees))


def checked_goal(half_width: float, confidence_level: float, n_rows: float) -> Goal:
    """The goal that a user names."""
    for name, value in {"half_width": half_width, "confidence_level": confidence_level}.items():
        check_number(value, name, "a number")
    if not (half_width > 0 and 0 < confidence_level < 1):
        raise ValueError(
            f"half_width is {half_width} and confidence_level {confidence_level}; expected a positive number, in units "
            "of y, and one between 0 and 1."
        )
    n_rows = check_number(n_rows, "n_rows", "a number of rows, or infinity", lambda rows: rows >= 0)
    return Goal(half_width, confidence_level, n_rows)


@dataclass(frozen=True)
class Offer:
    """A goal reached with n labels, s of which train each model, at a price."""

    strategy: Strategy
    n: int
    s: int
    cost: float

    @property
    def work(self) -> tuple[int, ...]:
        """What decides between offers of one cost."""
        one = self.strategy
        return one.n_trainings, one.pool_passes, simplicity(one), self.n, self.s


def cheapest(offers: Iterable[Offer]) -> Offer:
    """The lowest cost; of those that tie with it, the one that is least work."""
    return least_work(offers, lambda one: one.cost, lambda one: one.work)


def offers(known: Premises, strategy: Strategy, goal: Goal, costs: Costs) -> Iterator[Offer]:
    """How a strategy reaches a goal: with the fewest labels, and in what ways that may cost less."""
    fewest = smallest(known, strategy, goal)
    if np.isinf(fewest):
        return
    best = strategy.n_finetune(known, int(fewest), goal.pool(int(fewest)))
    found = [(fewest, best)]
    if costs.training:
        fewer = strategy.cheaper_to_train(known, best)
        found += [(smallest(known, strategy, goal, s), s) for s in fewer]
    for n, s in found:
        if np.isfinite(n):
            cost = strategy.cost(s, int(n), goal.pool(int(n)), costs)
            yield Offer(strategy, int(n), s, cost)


def smallest(known: Premises, strategy: Strategy, goal: Goal, s: int | None = None) -> float:
    """Smallest n that reaches the goal, with s labels training if given; infinite if none does."""
    # A goal that is met exactly is met, whatever rounding says.
    limit = goal.half_width**2 * (1 + 1e-12)

    def enough(n: int) -> bool:
        m = goal.pool(n)
        used = strategy.n_finetune(known, n, m) if s is None else s
        return strategy.variance(known, used, n, m) * goal.quantile(n, known.drawing) ** 2 <= limit

    lowest = max(_SMALLEST_BUDGET, _fewest(known.drawing, strategy), known.trained + 2, (s or 0) + 2)
    return bisect(enough, lowest, goal.largest - strategy.predicts)


def _fewest(drawing: Drawing, strategy: Strategy) -> int:
    """Labels that a strategy takes at least, in as many clusters as it needs."""
    rectify = drawing.fewest_to_rectify(0)
    if strategy.n_folds or not strategy.trains:
        return max(rectify, drawing.labels_of(2 * strategy.n_folds))
    return drawing.labels_of(1) + rectify


def bisect(enough: Callable[[int], bool], low: int, high: int) -> float:
    """Smallest n in [low, high] for which a condition that stays true becomes true; infinite if it never does."""
    if high < low or not enough(high):
        return np.inf
    while low < high:
        middle = min((low + high) // 2, 4 * low)  # goals are usually near the lower end
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low
