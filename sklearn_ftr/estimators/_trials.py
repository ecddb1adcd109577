"""Which trainings measure the curve, and what they may cost.

The labels are halved at random; models trained on growing parts of one half are tested on all of the other. So every label tests every size
(the sizes are compared on the same rows, whose luck cancels). Half of the labels is where halves end, and cross-fitting begins: what is left of the
cost trains on all but a fifth, as 5 folds do, and tests on that fifth, which the model of a half has been tested on, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sklearn_ftr.estimators._answer import Rows
from sklearn_ftr.estimators._drawn_labels import DrawnLabels

_SMALLEST_SIZE = 4
_FEWEST = 8
_LARGEST_REPEATS = 20
_PARTS = 4
# Rows or clusters of a fold; the variance of fewer is too noisy to be worth a training (+- 45 % of 10 Gaussian residuals).
_SMALLEST_PART = 10
# Each is a row, or all labeled rows of a cluster.
_Units = Rows | list[Rows]


@dataclass(frozen=True, eq=False)
class Trial:
    """Train on some rows, test on others; with size 0, test the model before training.

    `beside` is a smaller trial that was tested on these rows and more, all of which are tested with its size.
    """

    size: int
    train: Rows
    test: Rows
    beside: Trial | None = None


def trials_of(
    labeled: Rows,
    pilot_cost: float,
    rng: np.random.RandomState,
    drawn: DrawnLabels | None = None,
    folds: bool = False,
) -> list[Trial]:
    """As many halvings as the cost allows; what is left over pays for one with smaller sizes only.

    With `folds`, up to four trainings on all but a fifth come after the first halving. Sizes count rows that are shuffled, or clusters.
    """
    n = len(labeled) if drawn is None else drawn.n_units
    rows_each = len(labeled) / n
    chain = sizes_of_halves(n, rows_each)
    budget, trials = pilot_cost * n, list[Trial]()
    for _ in range(_LARGEST_REPEATS):
        units = rng.permutation(labeled) if drawn is None else drawn.shuffled(rng)
        found = _with_folds(units, chain, rows_each, budget) if folds and not trials else []
        found = found or _halving(units, _affordable(chain, budget), rows_each)
        if not found:
            break
        budget -= sum(round(trial.size / rows_each) for trial in found)
        trials += found
    if not trials:
        raise ValueError(
            f"pilot_cost={pilot_cost} does not pay for a learning curve: its two smallest sizes cost "
            f"{2 * sum(chain[-2:]) / n:.3g}."
        )
    return trials


def _affordable(chain: list[int], budget: float) -> list[int]:
    """Of the sizes those, from some on, that both halves can train on; two at least or none."""
    pairs = (chain[k:] for k in range(len(chain) - 1))
    return next((sizes for sizes in pairs if 2 * sum(sizes) <= budget), [])


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


def _halving(units: _Units, sizes: list[int], rows_each: float) -> list[Trial]:
    """Each half trains, and the other tests."""
    middle = len(units) // 2
    halves = units[:middle], units[middle:]
    return [
        Trial(round(size * rows_each), _rows_of(train[:size]), tested)
        for train, tested in ((halves[0], _rows_of(halves[1])), (halves[1], _rows_of(halves[0])))
        for size in sizes
    ]


def _with_folds(units: _Units, chain: list[int], rows_each: float, budget: float) -> list[Trial]:
    """Both halves train, smaller parts of one of them, and all but a quarter: nothing if not one such quarter is paid for."""
    n, part = len(units), len(units) // _PARTS
    count = int((budget - chain[0] - sum(chain)) // (n - part))
    if part < _SMALLEST_PART or count < 1:
        return []
    pair = _halving(units, chain, rows_each)
    first, *smaller, second = pair[: len(chain) + 1]
    # From either end towards the middle: the second half was tested by the first one's model.
    starts = ((n - part, first), (0, second), (n - 2 * part, first), (part, second))
    trials = [first, second, *(replace(trial, beside=first) for trial in smaller)]
    for start, beside in starts[:count]:
        train = _rows_of(units[:start], units[start + part :])
        test = _rows_of(units[start : start + part])
        trials.append(Trial(round((n - part) * rows_each), train, test, beside))
    return trials


def _rows_of(*parts: _Units) -> Rows:
    """Rows of units in their order."""
    rows = [row for part in parts for row in (part if isinstance(part, list) else [part])]
    return np.sort(np.concatenate(rows))
