"""Labels that are not bought yet: what a fitted allocator foresees of them."""

from __future__ import annotations

from functools import partial
from typing import Any

from sklearn.utils.validation import check_is_fitted

from sklearn_ftr._arguments import check_truth_value
from sklearn_ftr._sklearn_private import CallbackSupportMixin
from sklearn_ftr.allocation._costs import Costs
from sklearn_ftr.allocation._forecast import Outlook
from sklearn_ftr.allocation._plan import Plan
from sklearn_ftr.allocation._prospect import checked_goal
from sklearn_ftr.allocation._required_labels import RequiredLabels
from sklearn_ftr.estimators._best_estimator import AnswersByBestEstimator
from sklearn_ftr.estimators._choice import is_allowed, pool_beside
from sklearn_ftr.estimators._looks import required_at_all_looks
from sklearn_ftr.estimators._purchase import Purchase, labels_in_hand
from sklearn_ftr.rectification._confidence_sequence import FIRST_LOOK


class PlansLabels(CallbackSupportMixin, AnswersByBestEstimator):
    """Base of estimators whose `fit` keeps an `outlook_`."""

    strategy: str
    max_fits: int
    label_cost: float
    training_cost: float
    inference_cost: float
    outlook_: Outlook
    n_labeled_: int
    n_unlabeled_: int
    finetune_rows_: Any

    def plan(self, n_labeled: int, n_unlabeled: float | None = None) -> Plan:
        """Every option for a number of labels, bought or not.

        Parameters
        ----------
        n_labeled : int
        n_unlabeled : float, default=None
            Rows of the pool; None means the rows of `fit` that get no label.

        Returns
        -------
        Plan
        """
        check_is_fitted(self, "outlook_")
        m = pool_beside(n_labeled, n_unlabeled, self.n_labeled_ + self.n_unlabeled_)
        return self.outlook_.plan(n_labeled, m, self._costs())

    def required_labels(
        self,
        half_width: float | None = None,
        confidence_level: float = 0.95,
        n_rows: float | None = None,
        assurance: float = 0.5,
        *,
        effect: float | None = None,
        power: float = 0.8,
    ) -> RequiredLabels:
        """The cheapest number of labels, and of clusters that hold them, for an interval of half-width `half_width`, or to find an effect.

        Among the allowed strategies, at the prices given. With prices of training and inference the cheapest way
        need not be the one with the fewest labels.

        Parameters
        ----------
        half_width : float, default=None
            In units of the estimate. Either this or `effect`. For several outputs, of one with their mean variance; of several coefficients, set
            `coefficient` to the one that is meant.
        confidence_level : float, default=0.95
        n_rows : float, default=None
            Rows in all, labeled or not: labels are taken out of the pool. None means as many as in `fit`.
        assurance : float, default=0.5
            Probability with which so many labels reach the goal. What labels in hand have reached is known; the further away the goal, the less.
        effect : float, default=None
            Distance of a null hypothesis from the truth, in units of the estimate, which a two-sided test at one minus the confidence level is to find.
        power : float, default=0.8
            Probability with which it does: that the test is significant, on the right side.

        Returns
        -------
        RequiredLabels

        Raises
        ------
        ValueError
            No allowed option reaches the goal with the rows there are; both or none of `half_width` and `effect`; several coefficients; an `assurance`
            or a `power` not between 0 and 1.
        """
        check_is_fitted(self, "outlook_")
        rows = self.n_labeled_ + self.n_unlabeled_ if n_rows is None else n_rows
        goal = checked_goal(half_width, effect, power, confidence_level, rows)
        held = labels_in_hand(self, confidence_level)
        return self.outlook_.required_labels(goal, self._costs(), self._allowed, assurance, held)

    def next_purchase(
        self,
        half_width: float | None = None,
        confidence_level: float = 0.95,
        assurance: float = 0.5,
        *,
        effect: float | None = None,
        power: float = 0.8,
        always_valid: bool = False,
        n_first: int = FIRST_LOOK,
    ) -> Purchase:
        """How many labels to buy now, and which stage they serve, to reach an interval of +- half_width, or to find an effect.

        Half of what is missing, or as much as is missing almost surely; all of it where that is a tenth of the labels in hand or less.

        Parameters
        ----------
        half_width : float, default=None
            In units of y. Either this or `effect`.
        confidence_level : float, default=0.95
        assurance : float, default=0.5
            Of all labels together, as in `required_labels`.
        effect : float, default=None
        power : float, default=0.8
            As in `required_labels`; with `always_valid` the test is `always_valid_p_value` at the last look.
        always_valid : bool, default=False
            Whether the interval is that of `confidence_sequence`, which may be looked at after every purchase.
        n_first : int, default=50
            Labels at its first look, as in `confidence_sequence`; not used by others.

        Returns
        -------
        Purchase
            Labels that have trained keep training. The stages are a forecast: the next `fit` draws the labels that
            it adds to the fine-tuning set from all that have not trained.
        """
        required_at = partial(
            self.required_labels, half_width, assurance=assurance, effect=effect, power=power
        )
        if check_truth_value(always_valid, "always_valid"):
            required = required_at_all_looks(required_at, confidence_level, self.n_labeled_, n_first)
        else:
            required = required_at(confidence_level)
        return Purchase.towards(required, self.n_labeled_, int(self.finetune_rows_.sum()))

    def _in_hand(self, confidence_level: float) -> tuple[float, int]:
        """The half-width that has been reached, and with how many labels."""
        check_is_fitted(self, "outlook_")
        held = labels_in_hand(self, confidence_level)
        return held.half_width, held.n

    def _costs(self) -> Costs:
        return Costs(self.label_cost, self.training_cost, self.inference_cost)

    def _allowed(self, strategy: str, folds: int) -> bool:
        return is_allowed(strategy, folds, self.strategy, self.max_fits)
