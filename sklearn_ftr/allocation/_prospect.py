"""What labels to come will show: whether a number of them reaches a goal, and how sure that is.

n labels will state a half-width W. What the law promises is multiplied twice:

* by what labels in hand have reached over what they were promised. Where a model has turned out better or worse than its learning curve, it stays so;
* by exp(z), where z is what may happen. Let tau^2 / n0 be the variance of the logarithm of a variance that n0 labels have shown, which the bootstrap tells. n labels, n0 of
  them the same, show the mean of both, which differs from what n0 have shown with the variance tau^2 (1 / n0 - 1 / n): nothing at n0, all of the bootstrap's far from it.
  So each version of the law counts with its difference from the middle one times sqrt(1 - n0 / n).

Of a law that is known, without labels, W varies by itself: its square has the relative variance 2 / (degrees of freedom), that of normal labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sklearn_ftr._arguments import check_number
from sklearn_ftr.allocation._best_option import Option, strategy_of
from sklearn_ftr.allocation._premises import Premises
from sklearn_ftr.allocation._strategies import Stated, Strategy
from sklearn_ftr.rectification._goal import Effect, HalfWidth, bisect, squared_half_width, wanted
from sklearn_ftr.rectification._scipy import ndtri

_SMALLEST_BUDGET, _LARGEST_BUDGET = 10, 10**9
_MEDIAN = 0.5


@dataclass(frozen=True)
class Goal:
    """What is wanted, out of n_rows rows."""

    wanted: HalfWidth | Effect
    n_rows: float

    @property
    def largest(self) -> int:
        """Most labels that may be bought."""
        return int(min(self.n_rows, _LARGEST_BUDGET))

    def pool(self, n: int) -> float:
        """Rows without a label when n have one."""
        return max(self.n_rows - n, 0)

    def square(self, stated: Stated) -> float:
        """Of the half-width that an interval has at this confidence level."""
        level = self.wanted.confidence_level
        return float(squared_half_width(stated.variance, stated.degrees, level))


def checked_goal(
    half_width: float | None,
    effect: float | None,
    power: float,
    confidence_level: float,
    n_rows: float,
) -> Goal:
    """The goal that a user names."""
    goal = wanted(half_width, effect, power, confidence_level)
    n_rows = check_number(n_rows, "n_rows", "a number of rows, or infinity", lambda rows: rows >= 0)
    return Goal(goal, n_rows)


def check_assurance(assurance: float) -> float:
    """A probability between 0 and 1."""
    return check_number(
        assurance, "assurance", "a probability between 0 and 1", lambda one: 0 < one < 1
    )


@dataclass(frozen=True)
class InHand:
    """Labels that are there: how many, beside what pool, how they are used, and the half-width that they have reached."""

    n: int
    m: float
    option: Option
    half_width: float


@dataclass(frozen=True)
class Prospect:
    """A goal, what is known, versions of that from the bootstrap, and labels in hand, if there are any."""

    known: Premises
    versions: tuple[Premises, ...]
    goal: Goal
    held: InHand | None = None
    assurance: float = _MEDIAN

    def smallest(self, strategy: Strategy, s: int | None = None) -> float:
        """Smallest n that reaches the goal, with s labels training if given; infinite if none does."""
        known, goal = self.known, self.goal
        lowest = max(_SMALLEST_BUDGET, _fewest(known, strategy), known.trained + 2, (s or 0) + 2)

        def enough(n: int) -> bool:
            used = strategy.n_finetune(known, n, goal.pool(n)) if s is None else s
            return self._suffices(strategy, used, n)

        largest = goal.largest - strategy.predicts
        if self.held is not None and lowest <= self.held.n <= largest and enough(self.held.n):
            largest = self.held.n  # labels in hand are sure, a few more are not
        return bisect(enough, lowest, largest)

    def _suffices(self, strategy: Strategy, s: int, n: int) -> bool:
        """Whether n labels reach the goal as surely as is wanted."""
        stated = strategy.stated(self.known, s, n, self.goal.pool(n))
        factor = self._reached(strategy) * self._excess(strategy, s, n, stated)
        return self.goal.wanted.reached(stated.variance * factor, stated.degrees)

    def _reached(self, strategy: Strategy) -> float:
        """The square of the half-width that was reached over what was promised, for strategies that are like the one in hand."""
        if self.held is None:
            return 1.0
        used = strategy_of(self.held.option)
        alike = (used.trains, used.predicts) == (strategy.trains, strategy.predicts)
        return self._kept if alike else 1.0

    @cached_property
    def _kept(self) -> float:
        held = self.held
        assert held is not None
        stated = strategy_of(held.option).stated(self.known, held.option.n_finetune, held.n, held.m)
        promised = self.goal.square(stated)
        known = 0 < promised < np.inf and 0 < held.half_width < np.inf
        return held.half_width**2 / promised if known else 1.0

    def _excess(self, strategy: Strategy, s: int, n: int, stated: Stated) -> float:
        """What the promised square is multiplied by to be no smaller than what comes, as surely as is wanted."""
        if self.assurance == _MEDIAN:
            return 1.0
        if not self.versions:
            return float(np.exp(ndtri(self.assurance) * np.sqrt(2 / stated.degrees)))
        m = self.goal.pool(n)
        variances = [strategy.variance(one, s, n, m) for one in self.versions]
        middle, wanted = np.quantile(variances, [_MEDIAN, self.assurance])
        n_held = 0 if self.held is None else self.held.n
        return float((wanted / middle) ** np.sqrt(abs(1 - n_held / n))) if middle > 0 else 1.0


def _fewest(known: Premises, strategy: Strategy) -> int:
    """Labels that a strategy takes at least, in as many clusters as it needs."""
    drawing = known.drawing
    rectify = drawing.fewest_to_rectify(0)
    if strategy.n_folds or not strategy.trains:
        return max(rectify, drawing.labels_of(2 * strategy.n_folds))
    return known.fewest_for_a_model + rectify
