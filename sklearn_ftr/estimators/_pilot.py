"""What the allocator learns before it chooses: the learning curve, its law, and the outlook that they give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.allocation._best_option import Option
from sklearn_ftr.allocation._costs import Costs
from sklearn_ftr.allocation._forecast import Outlook
from sklearn_ftr.allocation._law_choice import names_of
from sklearn_ftr.allocation._law_fit import FittedLaw
from sklearn_ftr.allocation._plan import Plan
from sklearn_ftr.allocation._planning_law import PlanningLaw
from sklearn_ftr.estimators._bound_estimand import BoundEstimand
from sklearn_ftr.estimators._bound_quantile import BoundQuantiles
from sklearn_ftr.estimators._default_predictor import or_default
from sklearn_ftr.estimators._inner_model import is_frozen, predicts_untrained
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._learning_curve import LearningCurve, measure_learning_curve
from sklearn_ftr.estimators._outcome import Outcome
from sklearn_ftr.estimators._outlook import fit_law, outlook_of


@dataclass(frozen=True, eq=False)
class Foreseen:
    """What was measured, and what it promises."""

    curve: LearningCurve
    law: PlanningLaw
    law_fit: FittedLaw | None
    outlook: Outlook

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
        plan = self.outlook.plan(len(labels.labeled), len(labels.unlabeled), costs)
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
        if coefficients or isinstance(bound, BoundQuantiles) or not len(labels.unlabeled):
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
    law, pilot_cost, n_bootstrap, n_jobs
        As the allocator has them.
    rng : RandomState
    report : callable
        Is told what goes on.
    """

    law: str
    pilot_cost: float
    n_bootstrap: int
    n_jobs: int | None
    rng: np.random.RandomState
    report: Callable[[str], None]

    def foresee(
        self,
        rectified: Any,
        X: Any,
        bound: BoundEstimand,
        folds: tuple[int, ...],
        n_trained: int,
    ) -> Foreseen:
        """What a rectified estimator, whose question is `bound` to rows, can expect of each way to use the labels."""
        predictor = or_default(rectified.estimator)
        curve = self._measure(predictor, bool(rectified.power_tuning), X, bound)
        law, law_fit = fit_law(curve, is_frozen(predictor), self.law)
        outlook = outlook_of(rectified, curve, law, law_fit, folds, n_trained, bound)
        return Foreseen(curve, law, law_fit, outlook)

    def _measure(
        self, predictor: Any, power_tuning: bool, X: Any, bound: BoundEstimand
    ) -> LearningCurve:
        return measure_learning_curve(
            predictor,
            X,
            bound.labels,
            bound.columns,
            pilot_cost=self.pilot_cost,
            power_tuning=power_tuning,
            n_bootstrap=self.n_bootstrap,
            n_jobs=self.n_jobs,
            rng=self.rng,
            report=self.report,
            zero_shot=predicts_untrained(predictor, bound.labels.n_outputs),
            weigh=bound.training_weights,
            fits_rows=bound.columns_fit_rows,
            drawn=bound.drawn,
            folds=self.law != "power",
        )
