"""What every way to use the labels would give, and the cheapest for a goal, with what the uncertainty of a law leaves open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sklearn_ftr._arguments import check_count, check_number
from sklearn_ftr._short_repr import short_repr
from sklearn_ftr.allocation._best_option import Option
from sklearn_ftr.allocation._costs import Costs, check_costs
from sklearn_ftr.allocation._plan import Plan
from sklearn_ftr.allocation._premises import Premises
from sklearn_ftr.allocation._prospect import Goal, InHand, Prospect, check_assurance
from sklearn_ftr.allocation._required_labels import Offer, RequiredLabels, cheapest, offers
from sklearn_ftr.allocation._split_curve import Foreseen
from sklearn_ftr.allocation._strategies import LabelsOnly, Strategy, available_strategies

_VERSIONS = 100  # a goal asks so many at each step of a search
_MIDDLE = (0.025, 0.975)  # 95 %


@short_repr
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
        foreseen = Foreseen(self, self.resampled)
        return Plan(n, m, tuple(options), self.drawing.n_clusters(n), foreseen=foreseen)

    def required_labels(
        self,
        goal: Goal,
        costs: Costs,
        allowed: Callable[[str, int], bool] = lambda name, folds: True,
        assurance: float = 0.5,
        held: InHand | None = None,
    ) -> RequiredLabels:
        """Cheapest allowed option that reaches the goal; rows without a label are the pool.

        The cheapest is that of the middle forecast; how many labels it takes follows from the assurance.
        """
        assurance = check_assurance(assurance)
        check_costs(costs)
        middle = Prospect(self, self.resampled[:_VERSIONS], goal, held)
        cheap = self._cheapest(middle, costs, allowed)
        assured = replace(middle, assurance=assurance)
        strategy, given = cheap.strategy, None
        if cheap.s != strategy.n_finetune(self, cheap.n, goal.pool(cheap.n)):
            given = cheap.s
        needed = assured.smallest(strategy, given)
        if np.isinf(needed):
            raise ValueError(_out_of_reach(goal, f" with a probability of {assurance:.0%}"))
        n = int(needed)
        s = strategy.n_finetune(self, n, goal.pool(n)) if given is None else given
        low, high = (replace(middle, assurance=bound).smallest(strategy, given) for bound in _MIDDLE)
        option = self._option(strategy, s, n, goal.pool(n), costs)
        alone = assured.smallest(LabelsOnly())
        clusters = self.drawing.n_clusters(n)
        return RequiredLabels(n, low, high, option, alone, goal.wanted, clusters, assurance)

    def _cheapest(self, prospect: Prospect, costs: Costs, allowed: Callable[[str, int], bool]) -> Offer:
        goal = prospect.goal
        found = [
            offer
            for strategy in available_strategies(self, goal.largest, goal.pool(2))
            if allowed(strategy.name, strategy.n_folds)
            for offer in offers(prospect, strategy, costs)
        ]
        if not found:
            raise ValueError(_out_of_reach(goal))
        return cheapest(found)

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


def _out_of_reach(goal: Goal, assured: str = "") -> str:
    return f"No allowed option reaches {goal.wanted} with {goal.largest:,} labels{assured}; allow {goal.wanted.easier}."
