"""How many labels a goal needs, for those who have predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_ftr._arguments import check_confidence_level, check_number, check_truth_value
from sklearn_ftr.rectification._goal import Effect, HalfWidth, Order, check_power, wanted
from sklearn_ftr.rectification._inference import Estimate
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._intervals import of_labels_only
from sklearn_ftr.rectification._more_labels import (
    Mover,
    check_foretells,
    forecasts_alone,
    forecasts_of,
    smallest,
)


@dataclass(frozen=True)
class LabelsNeeded:
    """How many labels a goal needs, with predictions that are there.

    Attributes
    ----------
    n_labeled : int
        Labels in all.
    n_more : int
        Those of them that are not in hand.
    labels_only : float
        Labels that would do without any predictions, by the method of the table's row of labels only; infinite if there are not as many rows.
    goal : HalfWidth, Effect or Order
        What was asked for, in numbers: `goal.half_width`; `goal.effect` and `goal.power`; or `goal.differences` and `goal.power`; and `goal.confidence_level`.
    """

    n_labeled: int
    n_more: int
    labels_only: float
    goal: HalfWidth | Effect | Order

    def __str__(self) -> str:
        return f"{self.n_labeled:,} labels, {self.n_more:,} more, for {self.goal}; labels only: {self.labels_only:,.0f}."


class EstimateToCome(Estimate):
    """An estimate that is to be made anew with more labels and the same predictions."""

    n_labeled: int
    n_unlabeled: int
    confidence_level: float
    influence: Influence | None

    def required_labels(
        self,
        half_width: float | None = None,
        *,
        effect: float | None = None,
        rank: bool = False,
        power: float = 0.8,
        confidence_level: float | None = None,
        n_rows: float | None = None,
    ) -> LabelsNeeded:
        """How many labels a half-width, an effect or an order needs, by the same judges: one of the three.

        Labels are drawn as those in hand were, out of the pool; in clusters as large as these, from strata and groups in the same proportions. All of them rectify: models
        that have been trained are not trained anew. Of several numbers each one is to reach the goal.

        Parameters
        ----------
        half_width : float, default=None
            Of the interval, in units of the estimate.
        effect : float, default=None
            Distance of a null hypothesis from the truth, which a two-sided test at one minus the confidence level is to find.
        rank : bool, default=False
            Whether all neighbors in the order of the k estimates are to be told apart, in two-sided tests with Holm's adjustment. The differences in hand are
            taken to be true. Those that are small in hand may well be smaller, or the other way round, and large ones are too large on average: take a number
            that comes from differences of less than two standard errors for no more than a guess, or name the smallest difference that matters as an `effect`.
        power : float, default=0.8
            Probability with which the test is significant, on the right side; of `rank`, all tests at once.
        confidence_level : float, default=None
            None means the result's own.
        n_rows : float, default=None
            Rows in all, labeled or not. None means as many as there are, or, if none is unlabeled, no end of rows.

        Returns
        -------
        LabelsNeeded

        Raises
        ------
        ValueError
            Not exactly one goal; numbers that are not positive, or a `power` not between 0 and 1; rows too few for the goal; `rank` of a single number or of quantiles;
            an interval without an end or of zero width, from which nothing can be foretold.

        Notes
        -----
        The interval in hand is foretold to the label: what it has beyond Student's t, of quantiles for example, stays in proportion. Formulas, and how often goals are
        reached: docs/statistics.md and docs/how_many_labels.md.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_ftr import rectify_mean
        >>> rng = np.random.default_rng(0)
        >>> human = rng.normal(3.0, 1.0, size=2_100)
        >>> judge = human + rng.normal(0.4, 0.5, size=2_100)
        >>> result = rectify_mean(human[:100], judge[:100], judge[100:])
        >>> print(result.required_labels(0.08))
        165 labels, 65 more, for an interval of +- 0.08; labels only: 564.
        >>> print(result.required_labels(effect=0.1, power=0.9))
        374 labels, 274 more, for an effect of 0.1 to be found with a power of 0.9; labels only: 985.
        """
        level = self.confidence_level if confidence_level is None else confidence_level
        if not check_truth_value(rank, "rank"):
            goal = wanted(half_width, effect, power, level)
            return _needed(self, goal, self, self._movers, n_rows)
        if half_width is not None or effect is not None:
            raise ValueError("rank is True; expected neither half_width nor effect beside it.")
        order, differences, movers = _order_of(self, power, level)
        return _needed(self, order, differences, movers, n_rows)

    @property
    def _movers(self) -> list[Mover]:
        """How rows move the numbers: influence values, and weights (q, k) in them."""
        return [] if self.influence is None else [(self.influence, np.eye(np.size(self.estimate)))]


def _order_of(result: Any, power: Any, level: float) -> tuple[Order, Any, list[Mover]]:
    """The goal to tell neighbors apart, their differences, and how rows move these."""
    k = np.size(result.estimate)
    if k < 2:
        raise ValueError("rank is True, but there is a single number; expected a result of several.")
    neighbors = np.diff(np.eye(k)[np.argsort(result.estimate)], axis=0)
    differences = result.contrast(neighbors)
    told = tuple(np.asarray(differences.estimate).tolist())
    goal = Order(told, check_confidence_level(level), check_power(power))
    return goal, differences, [(result.influence, neighbors)]


def _needed(
    result: Any,
    goal: HalfWidth | Effect | Order,
    answer: Any,
    movers: Sequence[Mover],
    n_rows: float | None,
) -> LabelsNeeded:
    """For an answer, of which the result is the source."""
    n, rows = result.n_labeled, _rows_of(result, n_rows)
    forecasts = forecasts_of(result, answer, movers)
    check_foretells(answer, forecasts, goal.confidence_level)
    needed = smallest(goal, answer, forecasts, rows)
    if np.isinf(needed):
        raise ValueError(
            f"No number of labels reaches {goal} with {rows:,.0f} rows; allow {goal.easier}."
        )
    of_labels = forecasts_alone(result, answer.labels_only, movers)
    alone = smallest(goal, of_labels_only(answer), of_labels, rows)
    return LabelsNeeded(int(needed), max(int(needed) - n, 0), alone, goal)


def _rows_of(result: Any, n_rows: float | None) -> float:
    """Rows in all."""
    if n_rows is not None:
        return check_number(n_rows, "n_rows", "a number of rows, or infinity", lambda rows: rows > 0)
    return result.n_labeled + result.n_unlabeled if result.n_unlabeled else np.inf
