"""The residual variance as a function of the fine-tuning size, measured inside the labels at hand.

The labels are halved at random; models trained on growing parts of one half are tested on all of the other.
So every label tests every size (the sizes are compared on the same rows, whose luck cancels), and no model is
tested on a row that it was trained on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.parallel import Parallel, delayed

from sklearn_ftr.estimators._answer import Columns, Rows
from sklearn_ftr.estimators._inner_model import (
    is_frozen,
    mean_prediction,
    seeded_clone,
    train,
    without_training,
)
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._own_rows import own_rows
from sklearn_ftr.rectification._checks import Array

_SMALLEST_SIZE = 4
_LARGEST_REPEATS = 20
_ROUNDING_STEPS = 8  # as many may add up in a prediction before it is compared with a label


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
    """

    sizes: NDArray[np.intp]
    variances: Array
    resampled: Array
    total_variance: float
    resampled_total: Array
    cost: float

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
) -> LearningCurve:
    """Measure; the trainings cost at most `pilot_cost` trainings on all labels.

    `of_values` turns labels and predictions of some rows into columns that the estimate is a mean of; with `fits_rows` it fits
    something to those rows, so that V(Y) must come from the same rows as the residual variances. `weigh` gives the weights of rows
    in training.

    With `zero_shot`, the model before training is tested on all labels, too; a frozen one is only tested.
    """
    trials = [] if is_frozen(estimator) else _trials(labels.labeled, pilot_cost, rng)
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
    weights = _bootstrap_weights(len(labels.labeled), n_bootstrap, rng)
    tests = _Tests(labels, of_values, weights, power_tuning, fits_rows)
    cost = sum(sizes) / len(labels.labeled)
    return tests.curve(trials, predictions, cost)


@dataclass(frozen=True, eq=False)
class _Tests:
    """What trials are tested by: labels, and `weights` (b, n) of the labeled rows in each version of them, the first of which has equal ones."""

    labels: PartialLabels
    of_values: Columns
    weights: Array
    power_tuning: bool
    fits_rows: bool

    def curve(self, trials: list[_Trial], predictions: list[Array], cost: float) -> LearningCurve:
        """Means over the trials of each size."""
        of_size = np.array([trial.size for trial in trials])
        sizes = np.unique(of_size).astype(np.intp)
        curves = np.array([self._residual(*pair) for pair in zip(trials, predictions, strict=True)])
        table = np.array([curves[of_size == size].mean(axis=0) for size in sizes]).T
        largest = [trial.test for trial in trials if trial.size == sizes[-1]]
        tested = largest if self.fits_rows else [self.labels.labeled]
        total = np.mean([self._total(rows) for rows in tested], axis=0)
        return LearningCurve(sizes, table[0], table[1:], float(total[0]), total[1:], cost)

    def _residual(self, trial: _Trial, f: Array) -> Array:
        """Residual variance of a trial's predictions of its rows, in each version."""
        return _residual_variances(
            self._labels_of(trial.test),
            _deviations(self.of_values, trial.test, f),
            self._weights_of(trial.test),
            self.power_tuning,
            self.fits_rows,
        )

    def _total(self, rows: Rows) -> Array:
        """Variance of what some labels contribute, in each version."""
        return _total_variances(self._labels_of(rows), self._weights_of(rows))

    def _labels_of(self, rows: Rows) -> _Deviations:
        return _deviations(self.of_values, rows, self.labels.y[rows])

    def _weights_of(self, rows: Rows) -> Array:
        return self.weights[:, np.searchsorted(self.labels.labeled, rows)]


def _trials(labeled: Rows, pilot_cost: float, rng: np.random.RandomState) -> list[_Trial]:
    """As many halvings as the cost allows; what is left over pays for one with smaller sizes only."""
    n = len(labeled)
    chain = _sizes(n)
    budget, trials = pilot_cost * n, []
    for _ in range(_LARGEST_REPEATS):
        affordable = [
            sizes for sizes in (chain[k:] for k in range(len(chain) - 1)) if 2 * sum(sizes) <= budget
        ]
        if not affordable:
            break
        sizes = affordable[0]
        budget -= 2 * sum(sizes)
        order = rng.permutation(labeled)
        halves = order[: n // 2], order[n // 2 :]
        for train_half, test_half in (halves, halves[::-1]):
            trials += [_Trial(size, np.sort(train_half[:size]), np.sort(test_half)) for size in sizes]
    if not trials:
        raise ValueError(
            f"pilot_cost={pilot_cost} does not pay for a learning curve: its two smallest sizes cost "
            f"{2 * sum(chain[-2:]) / n:.3g}."
        )
    return trials


def _sizes(n: int) -> list[int]:
    """Half of the labels, a quarter, ... down to a few: largest first, two sizes at least."""
    sizes = [n // 2]
    while sizes[-1] // 2 >= _SMALLEST_SIZE or len(sizes) < 2:
        sizes.append(sizes[-1] // 2)
    if sizes[-1] < 2:
        raise ValueError(
            f"y has {n} labeled rows (n_samples={n}); a learning curve needs at least 8. Use a rectified "
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


@dataclass(frozen=True)
class _Deviations:
    """Columns (r, k) less their means, and how far rounding alone may take each away from them (k,)."""

    values: Array
    rounding: Array

    def less(self, other: _Deviations, weight: Array) -> _Deviations:
        """These less `weight` (k,) times others."""
        rounding = np.maximum(self.rounding, np.abs(weight) * other.rounding)
        return _Deviations(_beyond(self.values - weight * other.values, rounding), rounding)


def _deviations(of_values: Columns, rows: Rows, values: Array) -> _Deviations:
    """Of what the values of some rows contribute; columns that vary by no more than rounding are zero."""
    columns = of_values(rows, values)
    # What is left of a constant is small, but rounded like what it is a difference of: other values of its size show how.
    signs = np.random.RandomState(0).choice([-1.0, 1.0], size=len(values))
    others = of_values(rows, (np.abs(values).max(axis=0) * signs[:, None]).reshape(values.shape))
    scale = np.maximum(np.abs(columns), np.abs(others)).max(axis=0)
    rounding = _ROUNDING_STEPS * np.finfo(float).eps * scale
    return _Deviations(_beyond(columns - columns.mean(axis=0), rounding), rounding)


def _beyond(deviations: Array, rounding: Array) -> Array:
    spread = np.sqrt(np.mean(deviations**2, axis=0))
    return np.where(spread > rounding, deviations, 0.0)


def _total_variances(y: _Deviations, weights: Array) -> Array:
    nothing = _Deviations(np.zeros_like(y.values), np.zeros_like(y.rounding))
    return _residual_variances(y, nothing, weights, False)


def _residual_variances(
    y: _Deviations,
    f: _Deviations,
    weights: Array,
    power_tuning: bool,
    leave_one_out: bool = False,
) -> Array:
    """V(y - lambda f) for each row of weights, averaged over outputs; lambda is 1 or the best one.

    What tuning takes off too much is given back by degrees of freedom, or by leaving each row out: values that are residuals times
    covariates have long tails, and lambda fits more than its share of them.
    """
    n, weights = len(y.values), weights / weights.sum(axis=1, keepdims=True)
    # The best lambda for equal weights first: what is left is small where predictions are good, and squared without cancellation.
    square = np.sum(f.values**2, axis=0)
    product = np.sum(y.values * f.values, axis=0)
    best = np.divide(product, square, out=np.zeros_like(square), where=square > 0)
    rest = y.less(f, best if power_tuning else np.ones_like(best)).values
    residual = _covariance(rest, rest, weights)
    if power_tuning:
        spread, shared = _covariance(f.values, f.values, weights), _covariance(rest, f.values, weights)
        residual -= np.divide(shared**2, spread, out=np.zeros_like(spread), where=spread > 0)
        residual *= _inflation(rest, f.values) if leave_one_out else n / max(n - 2, 1)
    else:
        residual *= n / max(n - 1, 1)
    # The Bayesian bootstrap's variances about a mean are n / (n + 1) of those of equal weights on average; about a mean and a
    # tuned lambda, (n - 1) / (n + 1).
    residual[1:] *= (n + 1) / (n - power_tuning)
    return np.maximum(residual, 0).mean(axis=1)


def _covariance(left: Array, right: Array, weights: Array) -> Array:
    """For each row of weights, which add up to 1, and each column."""
    return weights @ (left * right) - (weights @ left) * (weights @ right)


def _inflation(rest: Array, f: Array) -> Array:
    """Mean square of leave-one-out residuals of a regression on f, both centred, over that of residuals (k,)."""
    square = np.sum(f**2, axis=0)
    leverage = np.divide(f**2, square, out=np.zeros_like(f), where=square > 0)
    left_out = rest / np.maximum(1 - leverage, 1e-3)
    before = np.sum(rest**2, axis=0)
    ratio = np.divide(np.sum(left_out**2, axis=0), before, out=np.ones_like(before), where=before > 0)
    return ratio * len(f) / (len(f) - 1)
