"""What the allocator learns before it chooses: the learning curve, its law, and the outlook that they give."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from sklearn_ftr.allocation._best_option import Option
from sklearn_ftr.allocation._costs import Costs
from sklearn_ftr.allocation._forecast import Outlook
from sklearn_ftr.allocation._law_choice import names_of
from sklearn_ftr.allocation._law_fit import FittedLaw
from sklearn_ftr.allocation._plan import Plan
from sklearn_ftr.allocation._planning_law import PlanningLaw
from sklearn_ftr.allocation._strategies import CrossFitting
from sklearn_ftr.estimators._bootstrap import BootstrapWeights
from sklearn_ftr.estimators._bound_estimand import BoundEstimand
from sklearn_ftr.estimators._bound_quantile import BoundQuantiles
from sklearn_ftr.estimators._choice import is_allowed
from sklearn_ftr.estimators._default_predictor import or_default
from sklearn_ftr.estimators._fold_plan import FoldPlan
from sklearn_ftr.estimators._inner_model import is_frozen, predicts_untrained
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._learning_curve import LearningCurve, TrialTests
from sklearn_ftr.estimators._measuring import Measuring
from sklearn_ftr.estimators._outcome import Outcome
from sklearn_ftr.estimators._outlook import fit_law, outlook_of
from sklearn_ftr.estimators._trials import SMALLEST_TEST


@dataclass(frozen=True, eq=False)
class Foreseen:
    """What was measured, and what it promises."""

    curve: LearningCurve
    law: PlanningLaw
    law_fit: FittedLaw | None
    outlook: Outlook
    fold_plan: FoldPlan | None

    def plan_of_folds(self, option: Option) -> FoldPlan | None:
        """Of the cross-fitting that an option is, if trainings of it have been made."""
        plan = self.fold_plan
        return plan if plan is not None and option.n_folds == len(plan.trainings) else None

    @property
    def note(self) -> str:
        """What forms the law has, and where it misses what was measured; nothing of the paper's that fits."""
        fit = self.law_fit
        if fit is None or (fit.weights == {"power": 1.0} and not fit.misfit):
            return ""
        verdict = f"; the residual variance is {fit.verdict}" if fit.misfit else ""
        return f"Law: {names_of(fit.weights)}{verdict}."

    def plan(self, labels: PartialLabels, costs: Costs) -> Plan:
        """Every option for the labels at hand."""
        plan = self.outlook.plan(len(labels.labeled), labels.n_unlabeled, costs)
        return plan.with_note(self.note)

    def outcome(
        self, bound: BoundEstimand, option: Option, standard_error: ArrayLike
    ) -> Outcome | None:
        """Promised against reached.

        None for several coefficients, which plans have in other units; for quantiles, whose standard errors are those of a density at one point; and
        where nothing was promised.
        """
        labels = bound.labels
        coefficients = np.size(standard_error) > labels.n_outputs
        if coefficients or isinstance(bound, BoundQuantiles) or not labels.n_unlabeled:
            return None
        n = len(labels.labeled)
        degrees = self.outlook.drawing.degrees_of_freedom(n)
        return Outcome.of(option, standard_error, n, degrees, bound.drawn is not None)

    @property
    def attributes(self) -> dict[str, Any]:
        """The fitted attributes that are about it."""
        return {
            "learning_curve_": self.curve,
            "law_": self.law,
            "law_fit_": self.law_fit,
            "outlook_": self.outlook,
        }


@dataclass(frozen=True, eq=False)
class Pilot:
    """How a learning curve is measured.

    Parameters
    ----------
    law, pilot_cost, n_bootstrap, n_jobs, strategy, max_fits
        As the allocator has them.
    rng : RandomState
    """

    law: str
    pilot_cost: float
    n_bootstrap: int
    n_jobs: int | None
    rng: np.random.RandomState
    strategy: str = "auto"
    max_fits: int = 5

    def foresee(
        self,
        rectified: Any,
        X: Any,
        bound: BoundEstimand,
        folds: tuple[int, ...],
        n_trained: int,
    ) -> Foreseen:
        """What a rectified estimator, whose question is `bound` to rows, can expect of each way to use the labels."""
        predictor, labels = or_default(rectified.estimator), bound.labels
        frozen = is_frozen(predictor)
        n_folds = 0 if frozen else self._n_folds(bound, folds)
        plan = _plan_of(rectified, predictor, n_folds, X, bound) if n_folds else None
        measured = Measuring(
            predictor,
            X,
            self._tests(bool(rectified.power_tuning), bound),
            self.pilot_cost,
            self.n_jobs,
            self.rng,
            zero_shot=predicts_untrained(predictor, labels.n_outputs),
            weigh=bound.training_weights,
            plan=plan,
            beyond_halves=self.law != "power",
        ).measure()
        curve = measured.curve
        law, law_fit = fit_law(curve, frozen, self.law)
        outlook = outlook_of(rectified, curve, law, law_fit, folds, n_trained, bound)
        made = None if plan is None else plan.with_models(measured.models)
        return Foreseen(curve, law, law_fit, outlook, made)

    def _n_folds(self, bound: BoundEstimand, folds: tuple[int, ...]) -> int:
        """The most that are allowed and whose folds are large enough to test on: no law rises, so that no fewer can win; 0 if there are none."""
        pieces = len(bound.labels.labeled) if bound.drawn is None else bound.drawn.n_units
        allowed = (
            k
            for k in folds
            if is_allowed(CrossFitting.name, k, self.strategy, self.max_fits)
            and pieces // k >= SMALLEST_TEST
        )
        return max(allowed, default=0)

    def _tests(self, power_tuning: bool, bound: BoundEstimand) -> TrialTests:
        labels, drawn = bound.labels, bound.drawn
        n_pieces = len(labels.labeled) if drawn is None else drawn.n_pieces
        weights = BootstrapWeights.draw(n_pieces, self.n_bootstrap, self.rng)
        return TrialTests(labels, bound.columns, weights, power_tuning, bound.columns_fit_rows, drawn)


def _plan_of(
    rectified: Any, predictor: BaseEstimator, n_folds: int, X: Any, bound: BoundEstimand
) -> FoldPlan | None:
    """What `fit` of the rectified estimator would draw; of no pool there is no cross-fitting."""
    if not bound.labels.n_unlabeled:
        return None
    rng = check_random_state(deepcopy(rectified.random_state))
    return FoldPlan.draw(n_folds, predictor, X, bound, rng)
