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
from sklearn_ftr.estimators._label_sets import LabelSet, Units

_SMALLEST_SIZE = 4
_FEWEST = 8
_LARGEST_REPEATS = 20
# Rows or clusters of a fold; the variance of fewer is too noisy to be worth a training (+- 45 % of 10 Gaussian residuals).
SMALLEST_TEST = 10
_QUARTERS = 4


@dataclass(frozen=True, eq=False)
class Trial:
    """Train on some labels, test on others; with size 0, test the model before training.

    `beside` is a smaller trial that was tested on these labels and more, all of which are tested with its size; `fold` is the fold of the final
    cross-fitting that the training leaves out, if it is one of its trainings. Predictions of trials that others are beside are kept.
    """

    size: int
    training: LabelSet
    testing: LabelSet
    beside: Trial | None = None
    fold: int | None = None
    is_kept: bool = False

    @property
    def train(self) -> Rows:
        """Rows that train, rising."""
        return self.training.rows

    @property
    def test(self) -> Rows:
        """Rows that test, rising."""
        return self.testing.rows


@dataclass(frozen=True, eq=False)
class Halves:
    """Two halves of the units, each in random order, and the trials in which all of one train and the other tests."""

    labeled: Rows
    units: tuple[Units, Units]
    rows_each: float
    pair: tuple[Trial, Trial]

    @classmethod
    def of(cls, labeled: Rows, one: Units, other: Units, size: int, rows_each: float) -> Halves:
        """`size` units of either train."""
        pair = tuple(
            Trial(
                round(size * rows_each),
                LabelSet.of(labeled, here.between(0, size)),
                LabelSet.of(labeled, there.positions),
                is_kept=True,
            )
            for here, there in ((one, other), (other, one))
        )
        return cls(labeled, (one, other), rows_each, (pair[0], pair[1]))

    def as_folds(self, folds: Sequence[LabelSet]) -> Halves:
        """The same as the trainings of two folds, either of which is the other's labels."""
        first, second = self.pair
        pair = replace(first, training=folds[0], fold=1), replace(second, training=folds[1], fold=0)
        return replace(self, pair=pair)

    def trials(self, sizes: Sequence[int]) -> list[Trial]:
        """Parts of either half train, and the other half tests."""
        return [trial for half in (0, 1) for trial in self._parts(half, sizes)]

    def with_parts(self, sizes: Sequence[int]) -> list[Trial]:
        """Both, and then parts of one half train."""
        parts = self._parts(0, sizes)
        return [*self.pair, *(replace(trial, beside=self.pair[0]) for trial in parts)]

    def _parts(self, half: int, sizes: Sequence[int]) -> list[Trial]:
        units, testing = self.units[half], self.pair[half].testing
        return [
            Trial(round(size * self.rows_each), self._set(units.between(0, size)), testing)
            for size in sizes
        ]

    def quarters(self, size: int) -> list[Trial]:
        """A half and half of the other train, and the other half of that tests."""
        one, other = self.units
        first, second = self.pair
        front, back = (
            (half.between(0, len(half) // 2), half.between(len(half) // 2)) for half in (one, other)
        )
        return [
            Trial(size, self._set(np.concatenate([whole.positions, train])), self._set(test), beside)
            for whole, train, test, beside in (
                (one, back[0], back[1], first),
                (other, front[1], front[0], second),
                (one, back[1], back[0], first),
                (other, front[0], front[1], second),
            )
        ]

    def _set(self, positions: Rows) -> LabelSet:
        return LabelSet.of(self.labeled, positions)

    def folds(self, folds: Sequence[LabelSet], size: int) -> list[Trial]:
        """All but one fold train and it tests, for those that lie in one half, from either side."""
        ends = sorted(range(len(folds)), key=lambda k: (min(k, len(folds) - 1 - k), -k))
        return [
            Trial(size, folds[k].others, folds[k], beside, k)
            for k in ends
            for beside in self.pair
            if folds[k].is_within(beside.testing)
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
        sets = [LabelSet.of(self.labeled, np.searchsorted(self.labeled, fold)) for fold in folds]
        halves, size = self._halves(sets), round((self.n - part) * self.rows_each)
        found = halves.folds(sets, size) if len(folds) > 2 else halves.quarters(size)
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

    def _halves(self, folds: Sequence[LabelSet] = ()) -> Halves:
        """At random; each fold, if there are any, in one half, but for the one in the middle of an odd number."""
        drawn, rng = self.drawn, self.rng
        units = Units(rng.permutation(self.n)) if drawn is None else drawn.shuffled(rng)
        order, middle = np.arange(len(units)), len(units) // 2
        if folds:
            numbers = _numbers_of_folds(folds)[units.first]
            order = np.argsort(numbers, kind="stable")
            middle = int(np.sum(numbers == 0)) if len(folds) == 2 else middle
        one, other = (units.take(np.sort(part)) for part in (order[:middle], order[middle:]))
        halves = Halves.of(self.labeled, one, other, self.chain[0], self.rows_each)
        return halves.as_folds(folds) if len(folds) == 2 else halves


def _numbers_of_folds(folds: Sequence[LabelSet]) -> Rows:
    """Which fold each label is in."""
    numbers = np.empty(len(folds[0].labeled), dtype=np.intp)
    for number, fold in enumerate(folds):
        numbers[fold.mask] = number
    return numbers


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
