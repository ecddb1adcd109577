"""The residual variance as a function of the fine-tuning size, measured inside the labels at hand.

The labels are halved at random; models trained on growing parts of one half are tested on all of the other.
So every label tests every size (the sizes are compared on the same rows, whose luck cancels), and no model is
tested on a row that it was trained on. Clusters stay whole, and each half has its share of every stratum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.parallel import Parallel, delayed

from sklearn_ftr.allocation._drawing import Drawing
from sklearn_ftr.estimators._answer import Columns, Rows
from sklearn_ftr.estimators._drawn_labels import DrawnLabels
from sklearn_ftr.estimators._inner_model import (
    is_frozen,
    mean_prediction,
    seeded_clone,
    train,
    without_training,
)
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._own_rows import own_rows
from sklearn_ftr.estimators._residual_variance import (
    CurveDeviations,
    deviations_of,
    residual_variances,
    total_variances,
)
from sklearn_ftr.rectification._checks import Array

_SMALLEST_SIZE = 4
_FEWEST = 8
_LARGEST_REPEATS = 20


@dataclass(frozen=True)
class LearningCurve:
    """Residual variance after training on each size.

    Attributes
    ----------
    sizes : ndarray of int, shape (j,)
        Numbers of labels that trained; 0 is the model before training.
    variances : ndarray of shape (j,)
        Residual variances; the mean over several outputs.
    resampled : ndarray of shape (n_bootstrap, j)
        The same for bootstrap samples of the test rows.
    total_variance : float
        V(Y), the mean over outputs.
    resampled_total : ndarray of shape (n_bootstrap,)
    cost : float
        Rows trained on, in units of one training on all labels.
    drawing : Drawing
        How rows were drawn, as far as plans need to know it.
    pool_share : float
        How much a row of the pool tells, beside a label.
    """

    sizes: NDArray[np.intp]
    variances: Array
    resampled: Array
    total_variance: float
    resampled_total: Array
    cost: float
    drawing: Drawing = field(default_factory=Drawing)
    pool_share: float = 1.0

    @property
    def standard_errors(self) -> Array:
        """Bootstrap standard errors of `variances`, as far as the test rows cause them; above 0."""
        errors = self.resampled.std(axis=0)
        return np.maximum(errors, 1e-9 * max(self.total_variance, 1e-300))


@dataclass(frozen=True)
class _Trial:
    """Train on some rows, test on others; with size 0, test the model before training."""

    size: int
    train: Rows
    test: Rows


def measure_learning_curve(
    estimator: BaseEstimator,
    X: Any,
    labels: PartialLabels,
    of_values: Columns,
    *,
    pilot_cost: float,
    power_tuning: bool,
    n_bootstrap: int,
    n_jobs: int | None,
    rng: np.random.RandomState,
    report: Callable[[str], None],
    zero_shot: bool = False,
    weigh: Callable[[Rows], Array] | None = None,
    fits_rows: bool = False,
    drawn: DrawnLabels | None = None,
) -> LearningCurve:
    """Measure; the trainings cost at most `pilot_cost` trainings on all labels.

    `of_values` turns labels and predictions of some rows into columns that the estimate is a mean of; with `fits_rows` it fits
    something to those rows, so that V(Y) must come from the same rows as the residual variances. `weigh` gives the weights of rows
    in training. `drawn` is how the labels were drawn, if not all alike and by themselves: clusters then stay whole, and variances
    are those of a mean under the design, times the number of labels.

    With `zero_shot`, the model before training is tested on all labels, too; a frozen one is only tested.
    """
    trials = [] if is_frozen(estimator) else _trials(labels.labeled, pilot_cost, rng, drawn)
    if zero_shot:
        trials.append(_Trial(0, labels.labeled[:0], labels.labeled))
    sizes = [trial.size for trial in trials]
    planned = ", ".join(map(str, sorted(set(sizes))))
    report(f"learning curve: {len(trials)} trainings on {planned} labels")
    seeds = rng.randint(np.iinfo(np.int32).max, size=len(trials))
    predictions = Parallel(n_jobs=n_jobs)(
        delayed(_test)(estimator, X, labels, trial, int(seed), weigh)
        for trial, seed in zip(trials, seeds, strict=True)
    )
    trials, predictions = _without_failures(trials, predictions, report)
    n_pieces = len(labels.labeled) if drawn is None else drawn.n_pieces
    weights = _bootstrap_weights(n_pieces, n_bootstrap, rng)
    tests = _Tests(labels, of_values, weights, power_tuning, fits_rows, drawn)
    cost = sum(sizes) / len(labels.labeled)
    return tests.curve(trials, predictions, cost)


@dataclass(frozen=True, eq=False)
class _Tests:
    """What trials are tested by: labels, and `weights` (b, n) of the labeled rows, or clusters, in each version of them, the first of which has equal ones."""

    labels: PartialLabels
    of_values: Columns
    weights: Array
    power_tuning: bool
    fits_rows: bool
    drawn: DrawnLabels | None

    def curve(self, trials: list[_Trial], predictions: list[Array], cost: float) -> LearningCurve:
        """Means over the trials of each size."""
        of_size = np.array([trial.size for trial in trials])
        sizes = np.unique(of_size).astype(np.intp)
        curves = np.array([self._residual(*pair) for pair in zip(trials, predictions, strict=True)])
        table = np.array([curves[of_size == size].mean(axis=0) for size in sizes]).T
        largest = [trial.test for trial in trials if trial.size == sizes[-1]]
        tested = largest if self.fits_rows else [self.labels.labeled]
        total = np.mean([self._total(rows) for rows in tested], axis=0)
        drawing, share = self._drawing(trials, predictions, int(sizes[-1]))
        return LearningCurve(
            sizes, table[0], table[1:], float(total[0]), total[1:], cost, drawing, share
        )

    def _drawing(
        self, trials: list[_Trial], predictions: list[Array], size: int
    ) -> tuple[Drawing, float]:
        """What plans know of how rows were drawn, from predictions of all labels by models that have not seen them."""
        if self.drawn is None:
            return Drawing(), 1.0
        largest = [pair for pair in zip(trials, predictions, strict=True) if pair[0].size == size]
        halves = largest[: 2 if size else 1]
        rows = np.concatenate([trial.test for trial, _ in halves])
        columns = [self.of_values(trial.test, f) for trial, f in halves]
        centred = [
            of_half - self.drawn.mean(trial.test, of_half)
            for (trial, _), of_half in zip(halves, columns, strict=True)
        ]
        return self.drawn.beside_pool(rows, np.concatenate(centred))

    def _residual(self, trial: _Trial, f: Array) -> Array:
        """Residual variance of a trial's predictions of its rows, in each version."""
        return residual_variances(
            self._labels_of(trial.test),
            deviations_of(self.of_values, trial.test, f, self.drawn),
            self._weights_of(trial.test),
            self.power_tuning,
            self.fits_rows or self.drawn is not None,
        )

    def _total(self, rows: Rows) -> Array:
        """Variance of what some labels contribute, in each version."""
        return total_variances(self._labels_of(rows), self._weights_of(rows))

    def _labels_of(self, rows: Rows) -> CurveDeviations:
        return deviations_of(self.of_values, rows, self.labels.y[rows], self.drawn)

    def _weights_of(self, rows: Rows) -> Array:
        if self.drawn is not None:
            return self.weights[:, self.drawn.pieces_in(rows)]
        return self.weights[:, np.searchsorted(self.labels.labeled, rows)]


def _trials(
    labeled: Rows, pilot_cost: float, rng: np.random.RandomState, drawn: DrawnLabels | None = None
) -> list[_Trial]:
    """As many halvings as the cost allows; what is left over pays for one with smaller sizes only.

    Sizes count rows that are shuffled, or clusters.
    """
    n = len(labeled) if drawn is None else drawn.n_units
    rows_each = len(labeled) / n
    chain = _sizes(n, rows_each)
    budget, trials = pilot_cost * n, []
    for _ in range(_LARGEST_REPEATS):
        affordable = [
            sizes for sizes in (chain[k:] for k in range(len(chain) - 1)) if 2 * sum(sizes) <= budget
        ]
        if not affordable:
            break
        sizes = affordable[0]
        budget -= 2 * sum(sizes)
        units = rng.permutation(labeled) if drawn is None else drawn.shuffled(rng)
        halves = units[: n // 2], units[n // 2 :]
        for train_half, test_half in (halves, halves[::-1]):
            trials += [
                _Trial(round(size * rows_each), _rows_of(train_half[:size]), _rows_of(test_half))
                for size in sizes
            ]
    if not trials:
        raise ValueError(
            f"pilot_cost={pilot_cost} does not pay for a learning curve: its two smallest sizes cost "
            f"{2 * sum(chain[-2:]) / n:.3g}."
        )
    return trials


def _rows_of(units: Rows | list[Rows]) -> Rows:
    """Rows of units, each of which is a row or all labeled rows of a cluster, in their order."""
    return np.sort(np.concatenate(units) if isinstance(units, list) else units)


def _sizes(n: int, rows_each: float = 1.0) -> list[int]:
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


def _test(
    estimator: BaseEstimator,
    X: Any,
    labels: PartialLabels,
    trial: _Trial,
    seed: int,
    weigh: Callable[[Rows], Array] | None,
) -> Array | ValueError:
    """Predictions of the test rows, or the error of a model that needs more rows to train on."""
    rng = np.random.RandomState(seed)
    k = labels.n_outputs
    if not trial.size:
        model = without_training(estimator, own_rows(X, trial.test), labels.of_labeled_rows, rng)
        return mean_prediction(model, X, trial.test, k)
    try:
        model = train(seeded_clone(estimator, rng), X, labels.y, trial.train, seed, weigh)
        return mean_prediction(model, X, trial.test, k)
    except ValueError as error:
        return error


def _without_failures(
    trials: list[_Trial], predictions: list[Array | ValueError], report: Callable[[str], None]
) -> tuple[list[_Trial], list[Array]]:
    """Leave out sizes that are too small for the model (its inner folds or neighbors, say)."""
    failures = {
        trial.size: error
        for trial, error in zip(trials, predictions, strict=True)
        if isinstance(error, ValueError)
    }
    kept = [
        (trial, f) for trial, f in zip(trials, predictions, strict=True) if trial.size not in failures
    ]
    if failures and len({trial.size for trial, _ in kept if trial.size}) < 2:
        raise failures[max(failures)]
    for size, error in failures.items():
        report(f"learning curve: left out {size} labels ({error})")
    return [trial for trial, _ in kept], [np.asarray(f) for _, f in kept]


def _bootstrap_weights(n: int, count: int, rng: np.random.RandomState) -> Array:
    """Ones first, then `count` draws of the Bayesian bootstrap, which leaves no part of the rows empty."""
    return np.vstack([np.ones((1, n)), rng.exponential(size=(count, n))])
