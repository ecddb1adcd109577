"""What a law lets its owner ask: the best split, every option for a budget of labels, the labels that a goal needs.

The top of the folder: a law inherits these questions, and nothing that answers them knows more of it than `_law.Law`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr._arguments import ArgumentTypeError, check_number, check_truth_value, shown
from sklearn_ftr._shows_table import ShowsFields
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.allocation._costs import Costs
from sklearn_ftr.allocation._forecast import Outlook
from sklearn_ftr.allocation._law import Law
from sklearn_ftr.allocation._optimal_split import SplitProblem, optimal_split
from sklearn_ftr.allocation._plan import Plan
from sklearn_ftr.allocation._prospect import checked_goal
from sklearn_ftr.allocation._required_labels import RequiredLabels

if TYPE_CHECKING:
    from sklearn_ftr.displays import ScalingLawDisplay


class PlanningLaw(ShowsFields, Versioned, Law):
    """A law that plans; its subclasses say `predict` and `slope`."""

    def _heading(self) -> str:
        return f"{type(self).__name__}: {self}"

    def optimal_split(
        self,
        n: ArrayLike,
        m: float = np.inf,
        *,
        total_variance: float | None = None,
        recycle: bool = False,
        power_tuning: bool = False,
        min_finetune: int = 2,
        min_rectify: int = 2,
    ) -> Any:
        """How many of n labels should fine-tune.

        Minimises v(s) / (n - s) + V(f) / m over whole numbers s, or, with `recycle`, the variance after
        the s labels' own mean has been added by inverse variance.

        Parameters
        ----------
        n : int or array-like of int
            Labels in all.
        m : float, default=inf
            Unlabeled rows. When finite, V(f) = max(V(Y) - v(s), 0).
        total_variance : float, default=None
            V(Y); needed for a finite pool or `recycle`.
        recycle : bool, default=False
            Whether the fine-tuning labels' mean enters the estimate.
        power_tuning : bool, default=False
            Whether lambda is tuned, which makes the pool's term V(f) / (m + n - s). False is the paper's.
        min_finetune, min_rectify : int, default=2
            Smallest numbers of labels for the two stages.

        Returns
        -------
        int or ndarray of int
            The best s between `min_finetune` and n - `min_rectify`; the smaller of two whose variances differ by rounding.

        Raises
        ------
        ValueError
            n smaller than both minima together; `total_variance` missing where it is needed; numbers of labels or rows
            that are negative, missing or not numbers.

        Notes
        -----
        Setting the derivative to zero gives a quadratic equation in 1 / (n - s) for each s, so that n is
        an explicit, rising function of the best s; it is inverted numerically and rounded to the better
        neighbour. With m infinite and s0 = 0 it is b s^(1 + alpha) + a (1 + alpha) s = a alpha n (Wang, Ye
        and Zhao, theorem 4.1), and with b = 0 the closed form s = n alpha / (1 + alpha).
        """
        total = np.nan if total_variance is None else _positive(total_variance, "total_variance")
        m = check_number(
            m, "m", "a positive number of unlabeled rows, or infinity", lambda rows: rows > 0
        )
        recycle = check_truth_value(recycle, "recycle")
        power_tuning = check_truth_value(power_tuning, "power_tuning")
        problem = SplitProblem(self, m, total, recycle, power_tuning)
        return optimal_split(problem, n, min_finetune, min_rectify)

    def plan(
        self,
        n_labeled: int,
        n_unlabeled: float = np.inf,
        *,
        total_variance: float,
        zero_shot_variance: float | None = None,
        folds: tuple[int, ...] = (2, 5, 10),
        recycle: bool = True,
        power_tuning: bool = True,
        costs: Costs | None = None,
    ) -> Plan:
        """Every option for a budget of labels, from a known law.

        Parameters
        ----------
        n_labeled : int
        n_unlabeled : float, default=inf
        total_variance : float
            V(Y).
        zero_shot_variance : float, default=None
            V(Y - f) of the model before training, if it can predict then.
        folds : tuple of int, default=(2, 5, 10)
            Numbers of folds to consider for cross-fitting.
        recycle, power_tuning : bool, default=True
            As in `RectifiedMeanEstimator`.
        costs : Costs, default=None
            Prices; None counts labels only.

        Returns
        -------
        Plan

        Raises
        ------
        ValueError
            Variances that are not positive, folds below 2, fewer than 2 labels.
        """
        outlook = self._outlook(total_variance, zero_shot_variance, folds, recycle, power_tuning)
        return outlook.plan(n_labeled, n_unlabeled, Costs() if costs is None else costs)

    def required_labels(
        self,
        half_width: float | None = None,
        *,
        effect: float | None = None,
        power: float = 0.8,
        total_variance: float,
        confidence_level: float = 0.95,
        n_rows: float = np.inf,
        zero_shot_variance: float | None = None,
        folds: tuple[int, ...] = (2, 5, 10),
        recycle: bool = True,
        power_tuning: bool = True,
        costs: Costs | None = None,
        assurance: float = 0.5,
    ) -> RequiredLabels:
        """The cheapest way to an interval of half-width `half_width`, or to finding an effect; other parameters as in `plan`.

        Parameters
        ----------
        half_width : float, default=None
            In units of y. Either this or `effect`.
        effect : float, default=None
            Distance of a null hypothesis from the truth, which a two-sided test at one minus the confidence level is to find.
        power : float, default=0.8
            Probability with which it does: that the test is significant, on the right side.
        confidence_level : float, default=0.95
        n_rows : float, default=inf
            Rows in all: those that get no label are the pool.
        assurance : float, default=0.5
            Probability with which so many labels suffice. The law is known, but a standard error is an estimate: its square is taken to vary as that of normal
            labels does. 0.5 takes it as the law has it.

        Returns
        -------
        RequiredLabels

        Raises
        ------
        ValueError
            No option reaches the goal; both or none of `half_width` and `effect`; a `power` or an `assurance` that is not between 0 and 1.
        """
        outlook = self._outlook(total_variance, zero_shot_variance, folds, recycle, power_tuning)
        prices = Costs() if costs is None else costs
        goal = checked_goal(half_width, effect, power, confidence_level, n_rows)
        return outlook.required_labels(goal, prices, assurance=assurance)

    def plot(
        self,
        ax: Any = None,
        *,
        limits: tuple[float, float] = (10, 10_000),
        total_variance: float | None = None,
    ) -> ScalingLawDisplay:
        """The residual variance against numbers of labels (extra `plot`).

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.
        limits : (float, float), default=(10, 10_000)
            Numbers of labels between which the law is drawn.
        total_variance : float, default=None
            V(Y), drawn as a line: above it a model predicts worse than the mean.

        Returns
        -------
        ScalingLawDisplay
            Drawn; `ScalingLawDisplay.from_law` has more settings.
        """
        from sklearn_ftr.displays import ScalingLawDisplay

        display = ScalingLawDisplay.from_law(self, limits=limits, total_variance=total_variance)
        return display.plot(ax)

    def _outlook(
        self,
        total_variance: float,
        zero_shot_variance: float | None,
        folds: tuple[int, ...],
        recycle: bool,
        power_tuning: bool,
    ) -> Outlook:
        """What this law and some settings of a user promise."""
        return Outlook(
            self,
            total_variance,
            zero_shot_variance,
            check_truth_value(recycle, "recycle"),
            check_truth_value(power_tuning, "power_tuning"),
            _folds(folds),
        )


def _positive(value: Any, name: str) -> float:
    return check_number(value, name, "a positive finite number", lambda one: 0 < one < np.inf)


def _folds(folds: Any) -> tuple[int, ...]:
    if isinstance(folds, str) or not np.iterable(folds):
        raise ArgumentTypeError(
            f"folds is {shown(folds)}; expected whole numbers from 2 on, such as (2, 5, 10)."
        )
    return tuple(folds)
