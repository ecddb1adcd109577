"""Trains and tests what `_trials` draws: the learning curve, measured inside the labels at hand.

No model is tested on a row that it was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.parallel import delayed

from sklearn_ftr._callbacks import Part, around
from sklearn_ftr._progress import counted, note
from sklearn_ftr.estimators._as_they_come import as_they_come
from sklearn_ftr.estimators._bound_estimand import Weigh
from sklearn_ftr.estimators._fold_plan import FoldPlan, FoldTraining
from sklearn_ftr.estimators._inner_model import (
    is_frozen,
    mean_prediction,
    seeded_clone,
    train,
    without_training,
)
from sklearn_ftr.estimators._label_sets import LabelSet
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._learning_curve import LearningCurve, Tested, TrialTests
from sklearn_ftr.estimators._own_rows import own_rows
from sklearn_ftr.estimators._trials import Trial, Trials
from sklearn_ftr.rectification._checks import Array


@dataclass(frozen=True, eq=False)
class Measured:
    """A curve, and the models of the final cross-fitting that were trained for it, by their folds."""

    curve: LearningCurve
    models: Mapping[int, BaseEstimator]


@dataclass(frozen=True, eq=False)
class Measuring:
    """What is measured, and what it may cost.

    Parameters
    ----------
    estimator : estimator
    X : rows
    tests : TrialTests
        The labels, and what predictions are tested by.
    pilot_cost : float
        Trainings on all labels that the trials may cost.
    n_jobs : int or None
    rng : RandomState
    zero_shot : bool
        Whether the model before training is tested on all labels, too; a frozen one is only tested.
    weigh : callable or None
        Gives the weights of rows in training.
    plan : FoldPlan or None
        Of the cross-fitting that may win, folds of which are trained and tested.
    beyond_halves : bool
        Whether more than half of the labels train where there is no such plan, too.
    """

    estimator: BaseEstimator
    X: Any
    tests: TrialTests
    pilot_cost: float
    n_jobs: int | None
    rng: np.random.RandomState
    zero_shot: bool = False
    weigh: Weigh | None = None
    plan: FoldPlan | None = None
    beyond_halves: bool = True

    @property
    def labels(self) -> PartialLabels:
        """Those that train and test."""
        return self.tests.labels

    @cached_property
    def trials(self) -> Trials:
        """What draws them."""
        return Trials(self.labels.labeled, self.rng, self.tests.drawn)

    def measure(self) -> Measured:
        """Train and test."""
        drawn = [] if is_frozen(self.estimator) else self._drawn()
        if self.zero_shot:
            nothing, everything = (LabelSet.of(self.labels.labeled, slice(end)) for end in (0, None))
            drawn.append(Trial(0, nothing, everything))
        results = self._run(drawn)
        kept = _without_failures(results)
        models = {
            one.trial.fold: one.model
            for one in results
            if one.trial.fold is not None and one.model is not None
        }
        cost = sum(one.trial.size for one in results) / len(self.labels.labeled)
        curve = replace(self.tests.curve(kept, cost), smallest_training=_smallest_training(results))
        return Measured(curve, models)

    def _drawn(self) -> list[Trial]:
        """Folds or quarters with what they need, then halvings."""
        trials, budget = self.trials, self.pilot_cost * self.trials.n
        folds = [] if self.plan is None else self.plan.folds
        drawn = trials.beyond_halves(folds, budget) if folds or self.beyond_halves else []
        drawn += trials.halvings(budget - trials.cost(drawn))
        if not drawn:
            smallest = 2 * sum(trials.chain[-2:]) / trials.n
            raise ValueError(
                f"pilot_cost={self.pilot_cost} does not pay for a learning curve: its two smallest sizes cost {smallest:.3g}."
            )
        return drawn

    def _run(self, trials: Sequence[Trial]) -> list[_Result]:
        """Each training is tested as it comes: predictions of a million labels by every model would be 250 MB."""
        sizes = [max(trial.size, 1) for trial in trials]
        told = counted("learning curve", sum(sizes), "labels", n_parts=len(trials))
        seeds = self.rng.randint(np.iinfo(np.int32).max, size=len(trials)).tolist()
        of_all = self.estimator, self.X, self.labels, self.weigh
        parts = [told.part(number) for number in range(len(trials))]
        fits = as_they_come(self.n_jobs)(
            delayed(_fit)(*of_all, self._training(trial), trial, seed, part)
            for trial, seed, part in zip(trials, seeds, parts, strict=True)
        )
        fits = told.results(fits, sizes)
        results, tested = list[_Result](), list[Tested]()
        for trial, (model, found) in zip(trials, fits, strict=True):
            if isinstance(found, ValueError):
                results.append(_Result(trial, model, found))
                continue
            tested.append(self.tests.of(trial, found, self.tests.tells_the_draw(trial, tested)))
            results.append(_Result(trial, model, tested[-1]))
        return results

    def _training(self, trial: Trial) -> FoldTraining | None:
        return None if self.plan is None or trial.fold is None else self.plan.trainings[trial.fold]


@dataclass(frozen=True, eq=False)
class _Result:
    """What came of a trial: a test, or an error; and the model, if it is one of the final ones."""

    trial: Trial
    model: BaseEstimator | None
    found: Tested | ValueError


def _fit(
    estimator: BaseEstimator,
    X: Any,
    labels: PartialLabels,
    weigh: Weigh | None,
    training: FoldTraining | None,
    trial: Trial,
    seed: int,
    part: Part | None,
) -> tuple[BaseEstimator | None, Array | ValueError]:
    """The model, if it is one of the final ones, and predictions of the test rows, or the error of a model that needs more rows to train on."""
    rng, k = np.random.RandomState(seed), labels.n_outputs
    test = trial.test
    if not trial.size:
        model = without_training(estimator, own_rows(X, test), labels.of_labeled_rows, rng)
        return None, mean_prediction(model, X, test, k)
    try:
        if training is not None:
            with around(part, training.model):
                final = training.trained_model(X, labels, weigh)
            return final, mean_prediction(final, X, test, k)
        model = seeded_clone(estimator, rng)
        with around(part, model):
            model = train(model, X, labels.y, trial.train, seed, weigh)
        return None, mean_prediction(model, X, test, k)
    except ValueError as error:
        return None, error


def _without_failures(results: Sequence[_Result]) -> list[Tested]:
    """Leave out sizes that are too small for the model (its inner folds or neighbors, say); two sizes are needed, and halves, which others are compared with."""
    failures = {one.trial.size: one.found for one in results if isinstance(one.found, ValueError)}
    kept = [
        one.found for one in results if isinstance(one.found, Tested) and one.trial.size not in failures
    ]
    enough = len({one.size for one in kept if one.size}) >= 2 and any(one.is_half for one in kept)
    if failures and not enough:
        raise failures[max(failures)]
    for size, error in failures.items():
        note(f"learning curve: left out {size} labels ({error})")
    return kept


def _smallest_training(results: Sequence[_Result]) -> int:
    """The smallest size that has trained, above all that have not; 2 where all have."""
    failed = max((one.trial.size for one in results if isinstance(one.found, ValueError)), default=0)
    above = [one.trial.size for one in results if one.trial.size > failed]
    return min(above) if failed and above else 2
