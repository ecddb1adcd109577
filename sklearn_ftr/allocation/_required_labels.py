"""How many labels a goal needs: what a goal asks for, and which of the ways to reach it is the cheapest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from sklearn_ftr._printed_table import PrintedTable
from sklearn_ftr._short_repr import told
from sklearn_ftr._shows_table import ForPapers
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.allocation._best_option import Option, least_work, strategy_of
from sklearn_ftr.allocation._costs import Costs
from sklearn_ftr.allocation._prospect import Prospect
from sklearn_ftr.allocation._strategies import Strategy, simplicity
from sklearn_ftr.rectification._goal import Effect, HalfWidth


@dataclass(frozen=True, repr=False)
class RequiredLabels(ForPapers, Versioned):
    """How many labels a goal needs: an interval of a half-width, or an effect that is to be found.

    Attributes
    ----------
    n_labeled : int
        Labels for the cheapest option.
    low, high : float
        So many labels suffice, for this option, with a probability of 2.5 % and of 97.5 %; infinite where no number does.
    option : Option
        The cheapest way, at that number.
    labels_only : float
        Labels that would do without any predictions; infinite if there are not as many rows.
    goal : HalfWidth or Effect
        What was asked for, in numbers: `goal.half_width`, or `goal.effect` and `goal.power`, and `goal.confidence_level`.
    n_clusters : int or None
        Clusters that so many labels are in, if each has as many as those with labels have now on average; None without clusters.
    assurance : float
        Probability with which `n_labeled`, and `labels_only`, suffice.
    """

    n_labeled: int
    low: float
    high: float
    option: Option
    labels_only: float
    goal: HalfWidth | Effect
    n_clusters: int | None = None
    assurance: float = 0.5

    def __str__(self) -> str:
        clusters = "" if self.n_clusters is None else f" in {self.n_clusters:,} clusters"
        assured = (
            "" if self.assurance == 0.5 else f", enough with a probability of {self.assurance:.0%}"
        )
        return (
            f"{self.n_labeled:,} labels{clusters} ({self.low:,.0f} to {self.high:,.0f}) by {strategy_of(self.option).label} for "
            f"{self.goal}{assured}, cost {self.option.cost:.4g}; labels only: {self.labels_only:,.0f}."
        )

    def __repr__(self) -> str:
        return told(self, str(self))

    def _table(self) -> PrintedTable:
        clusters = {} if self.n_clusters is None else {"clusters": f"{self.n_clusters:,}"}
        cells = {
            "goal": str(self.goal),
            "by": strategy_of(self.option).label,
            "labels": f"{self.n_labeled:,}",
            **clusters,
            "95 % range": f"[{self.low:,.0f}, {self.high:,.0f}]",
            "probability": f"{self.assurance:.0%}",
            "cost": f"{self.option.cost:.4g}",
            "labels only": f"{self.labels_only:,.0f}",
        }
        return PrintedTable("Labels for a goal", list(cells), [list(cells.values())], n_texts=2)


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


def offers(prospect: Prospect, strategy: Strategy, costs: Costs) -> Iterator[Offer]:
    """How a strategy reaches a goal: with the fewest labels, and in what ways that may cost less."""
    known, goal = prospect.known, prospect.goal
    fewest = prospect.smallest(strategy)
    if np.isinf(fewest):
        return
    best = strategy.n_finetune(known, int(fewest), goal.pool(int(fewest)))
    found = [(fewest, best)]
    if costs.training:
        fewer = strategy.cheaper_to_train(known, best)
        found += [(prospect.smallest(strategy, s), s) for s in fewer]
    for n, s in found:
        if np.isfinite(n):
            cost = strategy.cost(s, int(n), goal.pool(int(n)), costs)
            yield Offer(strategy, int(n), s, cost)
