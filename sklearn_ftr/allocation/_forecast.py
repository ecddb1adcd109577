"""What every way to use the labels would give, and the cheapest for a goal, with what the uncertainty of a law leaves open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sklearn_ftr._arguments import check_count, check_number
from sklearn_ftr.allocation._best_option import Option
from sklearn_ftr.allocation._costs import Costs, check_costs
from sklearn_ftr.allocation._plan import Plan
from sklearn_ftr.allocation._premises import Premises
from sklearn_ftr.allocation._required_labels import (
    Goal,
    Offer,
    RequiredLabels,
    cheapest,
    checked_goal,
    offers,
    smallest,
)
from sklearn_ftr.allocation._strategies import LabelsOnly, Strategy, available_strategies

_RESAMPLED_GOALS = 100  # a goal costs a search for each resampled law
_MIDDLE = (0.025, 0.975)  # 95 %


@dataclass(frozen=True)
class Outlook(Premises):
    """Premises, and what they foretell; `resampled` holds outlooks from the bootstrap, for intervals."""

    resampled: tuple[Outlook, ...] = ()

    def plan(self, n: int, m: float, costs: Costs) -> Plan:
        """All options at n labels."""
        n = check_count(n, "n_labeled", 0)
        m = check_number(m, "n_unlabeled", "a number of rows, or infinity", lambda rows: True)
        check_costs(costs)
        if not (n >= 2 and m >= 0):
            raise ValueError(
                f"n_labeled is {n} and n_unlabeled {m}; expected at least 2 labels, and no negative pool."
            )
        options = [
            self._option(strategy, strategy.n_finetune(self, n, m), n, m, costs)
            for strategy in available_strategies(self, n, m)
        ]
        return Plan(n, m, tuple(options), self.drawing.n_clusters(n))

    def required_labels(
        self,
        half_width: float,
        confidence_level: float,
        n_rows: float,
        costs: Costs,
        allowed: Callable[[str, int], bool] = lambda name, folds: True,
    ) -> RequiredLabels:
        """Cheapest allowed option whose interval is at most +- half_width; rows without a label are the pool."""
        goal = checked_goal(half_width, confidence_level, n_rows)
        check_costs(costs)
        best = self._cheapest(goal, costs, allowed)
        low, high = self._needed_by_resampled(best, goal, costs)
        option = self._option(best.strategy, best.s, best.n, goal.pool(best.n), costs)
        alone = smallest(self, LabelsOnly(), goal)
        clusters = self.drawing.n_clusters(best.n)
        return RequiredLabels(best.n, low, high, option, alone, half_width, clusters)

    def _cheapest(self, goal: Goal, costs: Costs, allowed: Callable[[str, int], bool]) -> Offer:
        found = [
            offer
            for strategy in available_strategies(self, goal.largest, goal.pool(2))
            if allowed(strategy.name, strategy.n_folds)
            for offer in offers(self, strategy, goal, costs)
        ]
        if not found:
            raise ValueError(
                f"No allowed option reaches +- {goal.half_width:g} with {goal.largest:,} labels; allow a wider interval."
            )
        return cheapest(found)

    def _needed_by_resampled(self, best: Offer, goal: Goal, costs: Costs) -> tuple[float, float]:
        """Numbers of labels that the same strategy would need by the middle 95 % of the laws."""
        needed = []
        for one in self.resampled[:_RESAMPLED_GOALS]:
            found = list(offers(one, best.strategy, goal, costs))
            needed.append(cheapest(found).n if found else np.inf)
        low, high = np.quantile(needed or [best.n], _MIDDLE, method="nearest").tolist()
        return low, high

    def _option(self, strategy: Strategy, s: int, n: int, m: float, costs: Costs) -> Option:
        variance = strategy.variance(self, s, n, m)
        others = [strategy.variance(one, s, n, m) for one in self.resampled] or [variance]
        low, high = np.sqrt(np.quantile(others, _MIDDLE)).tolist()
        return Option(
            strategy=strategy.name,
            n_finetune=s,
            n_folds=strategy.n_folds,
            standard_error=float(np.sqrt(variance)),
            efficiency=_efficiency(self.alone(n, m), variance),
            n_trainings=strategy.n_trainings,
            pool_passes=strategy.pool_passes,
            cost=strategy.cost(s, n, m, costs),
            low=low,
            high=high,
            correlation=strategy.correlation(self, s),
        )


def _efficiency(alone: float, variance: float) -> float:
    """Against the variance of labels alone; infinite where something was left and nothing is."""
    if variance > 0:
        return float(alone / variance)
    return np.inf if alone > 0 else 1.0
