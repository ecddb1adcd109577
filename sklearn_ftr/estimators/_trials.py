"""Which trainings measure the curve, and what they may cost.

The labels are halved at random, and each half trains a model that the other tests; smaller parts of one half train, too. Half of the labels is where
halves end. What is left of the cost goes to where the decision is: to folds of the cross-fitting that may follow, the very ones, or to sizes
around the best split; the rest to further halvings with small sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sklearn_ftr.estimators._answer import Rows
from sklearn_ftr.estimators._drawn_labels import DrawnLabels

_SMALLEST_SIZE = 4
_FEWEST = 8
_LARGEST_REPEATS = 20
# Rows or clusters of a fold; the variance of fewer is too noisy to be worth a training (+- 45 % of 10 Gaussian residuals).
SMALLEST_TEST = 10
_QUARTERS = 4
# Each is a row, or all labeled rows of a cluster.
_Units = Rows | list[Rows]


@dataclass(frozen=True, eq=False)
class Trial:
    """Train on some rows, test on others; with size 0, test the model before training.

    `beside` is a smaller trial that was tested on these rows and more, all of which are tested with its size; `fold` is the fold of the final
    cross-fitting that the training leaves out, if it is one of its trainings. Predictions of trials that others are beside are kept.
    """

    size: int
    train: Rows
    test: Rows
    beside: Trial | None = None
    fold: int | None = None
    is_kept: bool = False


@dataclass(frozen=True, eq=False)
class Halves:
    """Two halves of the units, each in random order, and the trials in which all of one train and the other tests."""

    units: tuple[_Units, _Units]
    rows_each: float
    pair: tuple[Trial, Trial]

    @classmethod
    def of(cls, one: _Units, other: _Units, size: int, rows_each: float) -> Halves:
        """`size` units of either train."""
        pair = (
            Trial(round(size * rows_each), _rows_of(one[:size]), _rows_of(other), is_kept=True),
            Trial(round(size * rows_each), _rows_of(other[:size]), _rows_of(one), is_kept=True),
        )
        return cls((one, other), rows_each, pair)

    def as_folds(self, folds: Sequence[Rows]) -> Halves:
        """The same as the trainings of two folds, either of which is the other's labels."""
        first, second = self.pair
        pair = replace(first, train=folds[0], fold=1), replace(second, train=folds[1], fold=0)
        return replace(self, pair=pair)

    def trials(self, sizes: Sequence[int]) -> list[Trial]:
        """Parts of either half train, and the other half tests."""
        return [
            Trial(round(size * self.rows_each), _rows_of(units[:size]), whole.test)
            for units, whole in zip(self.units, self.pair, strict=True)
            for size in sizes
        ]

    def with_parts(self, sizes: Sequence[int]) -> list[Trial]:
        """Both, and then parts of one half train."""
        parts = self.trials(sizes)[: len(sizes)]
        return [*self.pair, *(replace(trial, beside=self.pair[0]) for trial in parts)]

    def quarters(self, size: int) -> list[Trial]:
        """A half and half of the other train, and the other half of that tests."""
        one, other = self.units
        at, beside_at = len(one) // 2, len(other) // 2
        first, second = self.pair
        return [
            Trial(size, _rows_of(*train), _rows_of(test), beside)
            for train, test, beside in (
                ((one, other[:beside_at]), other[beside_at:], first),
                ((one[at:], other), one[:at], second),
                ((one, other[beside_at:]), other[:beside_at], first),
                ((one[:at], other), one[at:], second),
            )
        ]

    def folds(self, folds: Sequence[Rows], size: int) -> list[Trial]:
        """All but one fold train and it tests, for those that lie in one half, from either side."""
        labeled = np.sort(np.concatenate(folds))
        ends = sorted(range(len(folds)), key=lambda k: (min(k, len(folds) - 1 - k), -k))
        return [
            Trial(size, np.setdiff1d(labeled, folds[k]), np.sort(folds[k]), beside, k)
            for k in ends
            for beside in self.pair
            if np.isin(folds[k], beside.test).all()
        ]


@dataclass(frozen=True, eq=False)
class Trials:
    """Draws trials, within budgets that count units trained on.

    Parameters
    ----------
    labeled : ndarray of int
    rng : RandomState
    drawn : DrawnLabels, default=None
        How the labels were drawn: units are clusters, which stay whole, and parts have their share of every stratum.
    """

    labeled: Rows
    rng: np.random.RandomState
    drawn: DrawnLabels | None = None

    @property
    def n(self) -> int:
        """Units: labels, or clusters."""
        return len(self.labeled) if self.drawn is None else self.drawn.n_units

    @property
    def rows_each(self) -> float:
        """Labels of a unit."""
        return len(self.labeled) / self.n

    @property
    def chain(self) -> list[int]:
        """Units that halves and parts of them have."""
        return sizes_of_halves(self.n, self.rows_each)

    def cost(self, trials: Sequence[Trial]) -> int:
        """Units trained on."""
        return sum(round(trial.size / self.rows_each) for trial in trials)

    def beyond_halves(self, folds: Sequence[Rows], budget: float) -> list[Trial]:
        """Halves, parts of one of them, and folds, or quarters if there are not more than two folds; nothing if the budget does not allow one of these."""
        half, quarter, *smaller = self.chain
        part = self.n // (len(folds) if len(folds) > 2 else _QUARTERS)
        left = budget - 2 * half - quarter
        count = int(left // (self.n - part))
        if part < SMALLEST_TEST or count < 1:
            return []
        halves, size = self._halves(folds), round((self.n - part) * self.rows_each)
        found = halves.folds(folds, size) if len(folds) > 2 else halves.quarters(size)
        parts = _affordable(smaller, left - self.cost(found[:count]))
        return [*halves.with_parts([quarter, *parts]), *found[:count]]

    def halvings(self, budget: float) -> list[Trial]:
        """As many as the budget allows, the last of them with small sizes only."""
        trials = list[Trial]()
        for _ in range(_LARGEST_REPEATS):
            sizes = _affordable(self.chain, (budget - self.cost(trials)) / 2)
            if len(sizes) < 2:
                break
            trials += self._halves().trials(sizes)
        return trials

    def _halves(self, folds: Sequence[Rows] = ()) -> Halves:
        """At random; each fold, if there are any, in one half, but for the one in the middle of an odd number."""
        drawn, rng = self.drawn, self.rng
        units = rng.permutation(self.labeled) if drawn is None else drawn.shuffled(rng)
        order = numbers = np.arange(len(units))
        if folds:
            rows = np.array([unit[0] for unit in units]) if isinstance(units, list) else units
            numbers = _numbers_of_folds(folds, rows)
            order = np.argsort(numbers, kind="stable")
        middle = int(np.sum(numbers == 0)) if len(folds) == 2 else len(units) // 2
        one, other = (
            [units[at] for at in np.sort(part)] if isinstance(units, list) else units[np.sort(part)]
            for part in (order[:middle], order[middle:])
        )
        halves = Halves.of(one, other, self.chain[0], self.rows_each)
        return halves.as_folds(folds) if len(folds) == 2 else halves


def _numbers_of_folds(folds: Sequence[Rows], rows: Rows) -> Rows:
    """Which fold each row is in."""
    numbers = np.repeat(np.arange(len(folds)), [len(fold) for fold in folds])
    inside = np.concatenate(folds)
    in_order = np.argsort(inside)
    return numbers[in_order][np.searchsorted(inside, rows, sorter=in_order)]


def _affordable(chain: list[int], budget: float) -> list[int]:
    """Of the sizes those, from some on, that can train."""
    tails = (chain[k:] for k in range(len(chain)))
    return next((sizes for sizes in tails if sum(sizes) <= budget), [])


def sizes_of_halves(n: int, rows_each: float = 1.0) -> list[int]:
    """Half of the labels, or clusters of so many labels, a quarter, ... down to a few: largest first, two sizes at least."""
    sizes = [n // 2]
    while sizes[-1] // 2 >= max(_SMALLEST_SIZE / rows_each, 1) or len(sizes) < 2:
        sizes.append(sizes[-1] // 2)
    if n < _FEWEST:
        raise ValueError(
            f"y has {n} labeled rows (n_samples={n}); a learning curve needs at least {_FEWEST}. Use a rectified "
            "estimator by itself."
        )
    return sizes


def _rows_of(*parts: _Units) -> Rows:
    """Rows of units in their order."""
    rows = [row for part in parts for row in (part if isinstance(part, list) else [part])]
    return np.sort(np.concatenate(rows))
