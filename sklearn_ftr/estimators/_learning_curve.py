"""The residual variance as a function of the fine-tuning size, measured inside the labels at hand.

Which trainings measure it is said in `_trials`. No model is tested on a row that it was trained on; clusters stay whole, and each part has its share of
every stratum.
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
from sklearn_ftr.estimators._bootstrap import BootstrapWeights
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
from sklearn_ftr.estimators._trials import Trial, trials_of
from sklearn_ftr.rectification._checks import Array


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
    folds: bool = False,
) -> LearningCurve:
    """Measure; the trainings cost at most `pilot_cost` trainings on all labels.

    `of_values` turns labels and predictions of some rows into columns that the estimate is a mean of; with `fits_rows` it fits
    something to those rows, so that V(Y) must come from the same rows as the residual variances. `weigh` gives the weights of rows
    in training. `drawn` is how the labels were drawn, if not all alike and by themselves: clusters then stay whole, and variances
    are those of a mean under the design, times the number of labels.

    With `folds`, trainings on 80 % of the labels follow the first halving. With `zero_shot`, the model before training is tested on all labels, too; a frozen one is only tested.
    """
    trials = [] if is_frozen(estimator) else trials_of(labels.labeled, pilot_cost, rng, drawn, folds)
    if zero_shot:
        trials.append(Trial(0, labels.labeled[:0], labels.labeled))
    sizes = [trial.size for trial in trials]
    planned = ", ".join(map(str, sorted(set(sizes))))
    report(f"learning curve: {len(trials)} trainings on {planned} labels")
    seeds = rng.randint(np.iinfo(np.int32).max, size=len(trials))
    # Each prediction is looked at as it comes: those of a million labels by every model would be 250 MB.
    predictions = _as_they_come(n_jobs)(
        delayed(_test)(estimator, X, labels, trial, int(seed), weigh)
        for trial, seed in zip(trials, seeds, strict=True)
    )
    n_pieces = len(labels.labeled) if drawn is None else drawn.n_pieces
    weights = BootstrapWeights.draw(n_pieces, n_bootstrap, rng)
    tests = _Tests(labels, of_values, weights, power_tuning, fits_rows, drawn)
    needed = {id(trial.beside) for trial in trials}
    tested = [
        f if isinstance(f, ValueError) else tests.of(trial, f, drawn is not None or id(trial) in needed)
        for trial, f in zip(trials, predictions, strict=True)
    ]
    cost = sum(sizes) / len(labels.labeled)
    return tests.curve(_without_failures(trials, tested, report), cost)


def _as_they_come(n_jobs: int | None) -> Parallel:
    """Results one after the other; joblib before 1.3 has them all at once."""
    try:
        return Parallel(n_jobs=n_jobs, return_as="generator")
    except TypeError:
        return Parallel(n_jobs=n_jobs)


@dataclass(frozen=True, eq=False)
class _Tested:
    """A trial, its residual variance in each version, and its predictions if something else is made of them."""

    trial: Trial
    residual: Array
    f: Array | None

    @property
    def size(self) -> int:
        """Labels that trained."""
        return self.trial.size

    @property
    def is_half(self) -> bool:
        """Whether one half, or nothing, has trained, and all others test."""
        return self.trial.beside is None


@dataclass(frozen=True, eq=False)
class _Tests:
    """What trials are tested by: labels, and versions of the labeled rows, or clusters, the first of which weighs all alike."""

    labels: PartialLabels
    of_values: Columns
    weights: BootstrapWeights
    power_tuning: bool
    fits_rows: bool
    drawn: DrawnLabels | None

    def of(self, trial: Trial, f: Array, keep: bool) -> _Tested:
        """What predictions f of its rows say of a trial."""
        return _Tested(trial, self._residual(trial.test, f), f if keep else None)

    def curve(self, tested: list[_Tested], cost: float) -> LearningCurve:
        """Means over the trials of each size."""
        of_size = np.array([one.size for one in tested])
        sizes = np.unique(of_size).astype(np.intp)
        curves = np.array([self._of_all_rows(one, tested) for one in tested])
        table = np.array([curves[of_size == size].mean(axis=0) for size in sizes]).T
        halves = [one for one in tested if one.is_half]
        largest = [one for one in halves if one.size == max(half.size for half in halves)]
        rows = [one.trial.test for one in largest] if self.fits_rows else [self.labels.labeled]
        total = np.mean([self._total(one) for one in rows], axis=0)
        drawing, share = self._drawing(largest)
        return LearningCurve(
            sizes, table[0], table[1:], float(total[0]), total[1:], cost, drawing, share
        )

    def _drawing(self, largest: list[_Tested]) -> tuple[Drawing, float]:
        """What plans know of how rows were drawn, from predictions of all labels by models that have not seen them."""
        if self.drawn is None:
            return Drawing(), 1.0
        rows, centred = [], []
        for one in largest[: 2 if largest[0].size else 1]:
            assert one.f is not None
            columns = self.of_values(one.trial.test, one.f)
            rows.append(one.trial.test)
            centred.append(columns - self.drawn.mean(one.trial.test, columns))
        return self.drawn.beside_pool(np.concatenate(rows), np.concatenate(centred))

    def _of_all_rows(self, one: _Tested, tested: list[_Tested]) -> Array:
        """Residual variance of a trial; one that some rows have tested, as if all had.

        A fifth of the labels may be an easy one. How easy it was for the model of a half is known, and taken off as far as both agree over the bootstrap: the
        usual control variate, in logarithms.
        """
        beside = next((other for other in tested if other.trial is one.trial.beside), None)
        if beside is None or beside.f is None:  # half of the labels, or these are too few for the model
            return one.residual
        rows = one.trial.test
        here = self._residual(rows, beside.f[np.isin(beside.trial.test, rows)])
        alike = [other for other in tested if other.is_half and other.size == beside.size]
        everywhere = np.mean([other.residual for other in alike], axis=0)
        if min(one.residual.min(), here.min(), everywhere.min()) <= 0:
            return one.residual
        agreement = _agreement(np.log(one.residual[1:]), np.log(here[1:]))
        return one.residual * (everywhere / here) ** agreement

    def _residual(self, rows: Rows, f: Array) -> Array:
        """Residual variance of predictions of some rows, in each version."""
        return residual_variances(
            self._labels_of(rows),
            deviations_of(self.of_values, rows, f, self.drawn),
            self.weights,
            self._pieces(rows),
            self.power_tuning,
            self.fits_rows or self.drawn is not None,
        )

    def _total(self, rows: Rows) -> Array:
        """Variance of what some labels contribute, in each version."""
        return total_variances(self._labels_of(rows), self.weights, self._pieces(rows))

    def _labels_of(self, rows: Rows) -> CurveDeviations:
        return deviations_of(self.of_values, rows, self.labels.y[rows], self.drawn)

    def _pieces(self, rows: Rows) -> Rows:
        """Which labels, or pieces of a design, rows are."""
        if self.drawn is not None:
            return self.drawn.pieces_in(rows)
        return np.searchsorted(self.labels.labeled, rows)


def _agreement(one: Array, other: Array) -> float:
    """Slope of a regression of one on the other, between 0 and 1."""
    centred = other - other.mean()
    square = float(centred @ centred)
    return float(np.clip(centred @ one / square, 0, 1)) if square > 0 else 0.0


def _test(
    estimator: BaseEstimator,
    X: Any,
    labels: PartialLabels,
    trial: Trial,
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
    trials: list[Trial], tested: list[_Tested | ValueError], report: Callable[[str], None]
) -> list[_Tested]:
    """Leave out sizes that are too small for the model (its inner folds or neighbors, say)."""
    failures = {
        trial.size: error
        for trial, error in zip(trials, tested, strict=True)
        if isinstance(error, ValueError)
    }
    kept = [one for one in tested if isinstance(one, _Tested) and one.size not in failures]
    if failures and len({one.size for one in kept if one.size}) < 2:
        raise failures[max(failures)]
    for size, error in failures.items():
        report(f"learning curve: left out {size} labels ({error})")
    return kept
