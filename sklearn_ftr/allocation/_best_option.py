"""Which way to use the labels is taken: the one rule behind `Plan.best`, the allocator and `required_labels`.

The smallest predicted variance wins. What is no better than rounding is a tie, and a tie goes to whatever is less work.
Predictions that correlate with labels too little to help lose against labels alone (arXiv 2505.20178).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from sklearn_ftr._short_repr import short_repr
from sklearn_ftr._shows_table import ShowsFields
from sklearn_ftr.allocation._strategies import Strategy, simplicity, strategy_named

# Rounding moves two equal options apart by some 1e-15; differences below 1e-9 are worth nobody's training.
_RELATIVE_TIE = 1e-9
# In units of the variance of labels alone: when a label counts a million million times, that is enough.
_ABSOLUTE_TIE = 1e-12
Candidate = TypeVar("Candidate")


@short_repr
@dataclass(frozen=True)
class Option(ShowsFields):
    """One way to use n labels.

    Attributes
    ----------
    strategy : {"labels only", "zero-shot", "split", "cross-fitting"}
    n_finetune : int
        Labels that train each model.
    n_folds : int
        Folds of cross-fitting; 0 otherwise.
    standard_error, efficiency : float
        Predicted; efficiency is against the mean of all n labels, infinite where no variance is left.
    n_trainings : int
    pool_passes : int
        How often the pool is predicted.
    cost : float
    low, high : float
        Interval of the predicted standard error that the law's uncertainty leaves; both equal to it for a known law.
    correlation : float
        Predicted, of labels and predictions; 0 for labels only.
    """

    strategy: str
    n_finetune: int
    n_folds: int
    standard_error: float
    efficiency: float
    n_trainings: int
    pool_passes: int
    cost: float
    low: float
    high: float
    correlation: float


def best_option(options: Iterable[Option], n_labeled: int, labels_per_piece: float = 1.0) -> Option:
    """The option that is taken; where labels alone are among them, the others have to help."""
    options = list(options)
    if not all(strategy_of(option).predicts for option in options):
        options = [option for option in options if can_help(option, n_labeled, labels_per_piece)]
    return smallest_variance(options)


def smallest_variance(options: Iterable[Option]) -> Option:
    """The option with the smallest predicted variance, or one that ties with it and is less work."""
    return least_work(options, _relative_variance, _work, _ABSOLUTE_TIE)


def least_work(
    candidates: Iterable[Candidate],
    value: Callable[[Candidate], float],
    work: Callable[[Candidate], tuple[float, ...]],
    absolute_tie: float = 0.0,
) -> Candidate:
    """Of all candidates whose value ties with the smallest, the one that is least work."""
    candidates = list(candidates)
    limit = min(map(value, candidates)) * (1 + _RELATIVE_TIE) + absolute_tie
    return min((one for one in candidates if value(one) <= limit), key=work)


def _relative_variance(option: Option) -> float:
    """In units of the variance of labels alone."""
    return 1 / option.efficiency if option.efficiency > 0 else np.inf


def _work(option: Option) -> tuple[float, ...]:
    """Trainings, then passes over the pool, then how much there is to explain, then money."""
    explained = simplicity(strategy_of(option))
    return option.n_trainings, option.pool_passes, explained, option.cost


def can_help(option: Option, n_labeled: int, labels_per_piece: float = 1.0) -> bool:
    """Whether predictions correlate enough with labels; what correlates just as much as it takes gains nothing."""
    needed = needed_correlation(option, n_labeled, labels_per_piece)
    return not strategy_of(option).predicts or option.correlation > needed * (1 + _RELATIVE_TIE)


def needed_correlation(option: Option, n_labeled: int, labels_per_piece: float = 1.0) -> float:
    """The stop rule of arXiv 2505.20178 for r rectification labels, or clusters of them: 1 / sqrt(r - 2). It says nothing of r <= 2."""
    r = strategy_of(option).n_rectify(option.n_finetune, n_labeled) / labels_per_piece
    return float(1 / np.sqrt(r - 2)) if r > 2 else 0.0


def strategy_of(option: Option) -> Strategy:
    """The object behind an option's name."""
    return strategy_named(option.strategy, option.n_folds)
