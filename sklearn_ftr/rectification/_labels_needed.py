"""How many labels a goal needs, for those who have predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_ftr._arguments import check_confidence_level, check_number, check_truth_value
from sklearn_ftr._printed_table import PrintedTable
from sklearn_ftr._short_repr import told
from sklearn_ftr._shows_table import ForPapers
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.rectification._estimate_by_method import EstimateByMethod
from sklearn_ftr.rectification._goal import Effect, HalfWidth, Order, check_power, wanted
from sklearn_ftr.rectification._intervals import of_labels_only
from sklearn_ftr.rectification._more_labels import (
    Mover,
    check_foretells,
    forecasts_alone,
    forecasts_of,
    smallest,
)


@dataclass(frozen=True, repr=False)
class LabelsNeeded(ForPapers, Versioned):
    """How many labels a goal needs, with predictions that are there.

    Attributes
    ----------
    n_labeled : int
        Labels in all.
    n_more : int
        Those of them that are not in hand.
    labels_only : float
        Labels that would do without any predictions, by the interval that the table shows of them; infinite if there are not as many rows, NaN where labels
        show no variance.
    goal : HalfWidth, Effect or Order
        What was asked for, in numbers: `goal.half_width`; `goal.effect` and `goal.power`; or `goal.differences` and `goal.power`; and `goal.confidence_level`.
    """

    n_labeled: int
    n_more: int
    labels_only: float
    goal: HalfWidth | Effect | Order

    def __str__(self) -> str:
        return f"{self.n_labeled:,} labels, {self.n_more:,} more, for {self.goal}; labels only: {self._alone}."

    def __repr__(self) -> str:
        return told(self, str(self))

    @property
    def _alone(self) -> str:
        return "not known" if np.isnan(self.labels_only) else f"{self.labels_only:,.0f}"

    def _table(self) -> PrintedTable:
        counts = [f"{self.n_labeled:,}", f"{self.n_more:,}", self._alone]
        header = ["goal", "labels", "more", "labels only"]
        return PrintedTable("Labels for a goal", header, [[str(self.goal), *counts]])


class EstimateToCome(EstimateByMethod):
    """An estimate that is to be made anew with more labels and the same predictions."""

    n_labeled: int
    n_unlabeled: int

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
            return _needed(self, wanted(half_width, effect, power, level), n_rows)
        if half_width is not None or effect is not None:
            raise ValueError("rank is True; expected neither half_width nor effect beside it.")
        differences = _neighbors_of(self)
        told = tuple(np.asarray(differences.estimate).tolist())
        return _needed(
            differences, Order(told, check_confidence_level(level), check_power(power)), n_rows
        )

    @property
    def _movers(self) -> list[Mover]:
        """How rows move the numbers: influence values, and weights (q, k) in them; none where parts have them."""
        raise NotImplementedError


def _neighbors_of(result: Any) -> Any:
    """Each number in the order of the estimates less the one below it."""
    k = np.size(result.estimate)
    if k < 2:
        raise ValueError("rank is True, but there is a single number; expected a result of several.")
    return result.contrast(np.diff(np.eye(k)[np.argsort(result.estimate)], axis=0))


def _needed(answer: Any, goal: HalfWidth | Effect | Order, n_rows: float | None) -> LabelsNeeded:
    rows, forecasts = _rows_of(answer, n_rows), forecasts_of(answer, answer, answer._movers)
    check_foretells(answer, forecasts, goal.confidence_level)
    needed = smallest(goal, answer, forecasts, rows)
    if np.isinf(needed):
        raise ValueError(
            f"No number of labels reaches {goal} with {rows:,.0f} rows; allow {goal.easier}."
        )
    n_more = max(int(needed) - answer.n_labeled, 0)
    return LabelsNeeded(int(needed), n_more, _labels_alone(answer, goal, rows), goal)


def _labels_alone(answer: Any, goal: HalfWidth | Effect | Order, rows: float) -> float:
    """Labels that would do without predictions; NaN where those in hand show no variance."""
    forecasts = forecasts_alone(answer, answer.labels_only, answer._movers)
    if not np.sum([one.in_hand for one in forecasts], axis=0).all():
        return np.nan
    return smallest(goal, of_labels_only(answer), forecasts, rows)


def _rows_of(result: Any, n_rows: float | None) -> float:
    """Rows in all."""
    if n_rows is not None:
        return check_number(n_rows, "n_rows", "a number of rows, or infinity", lambda rows: rows > 0)
    return result.n_labeled + result.n_unlabeled if result.n_unlabeled else np.inf
