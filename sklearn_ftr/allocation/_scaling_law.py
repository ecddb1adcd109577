"""The scaling law of the residual variance: v(s) = a (s + s0)^-alpha + b after training on s labels.

Wang, Ye and Zhao (2025), arXiv 2511.19486, the fine-tuning scaling law; s0 shifts it for models that know
something before they are trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._arguments import (
    ArgumentTypeError,
    check_number,
    check_truth_value,
    is_number,
    shown,
)
from sklearn_ftr._tables import as_floats
from sklearn_ftr.allocation._optimal_split import SplitProblem, optimal_split

if TYPE_CHECKING:
    from sklearn_ftr.allocation._plan import Costs, Outlook, Plan
    from sklearn_ftr.allocation._required_labels import RequiredLabels

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ScalingLaw:
    """Residual variance after fine-tuning on s labels, v(s) = a (s + s0)^-alpha + b.

    Parameters
    ----------
    a : float
        Variance that training can remove, at s + s0 = 1; at least 0, in squared units of y.
    alpha : float
        How fast it does; above 0.
    b : float
        Variance that no amount of training removes; at least 0.
    s0 : float, default=0.0
        How many labels the model's knowledge before training is worth.

    Raises
    ------
    ValueError
        A parameter outside its range, or not a number (a TypeError, too).

    Notes
    -----
    Wang, Ye and Zhao (2025) report a = 0.287, alpha = 0.297, b = 0.042 for a language model on EmoBank.

    Examples
    --------
    >>> from sklearn_ftr import ScalingLaw
    >>> law = ScalingLaw(a=0.287, alpha=0.297, b=0.042)
    >>> round(float(law.predict(230)), 4)
    0.0991
    >>> law.optimal_split(1000)  # of 1,000 labels, how many should train?
    152
    """

    a: float
    alpha: float
    b: float
    s0: float = 0.0

    def __post_init__(self) -> None:
        values = {"a": self.a, "b": self.b, "s0": self.s0, "alpha": self.alpha}
        for name, value in values.items():
            if not isinstance(value, Real) or not is_number(value):
                raise ArgumentTypeError(
                    f"{name} is {shown(value)}, of type {type(value).__name__}; expected a number."
                )
        bad = [name for name, value in values.items() if not (np.isfinite(value) and value >= 0)]
        if bad or self.alpha == 0:
            raise ValueError(
                f"{self} has {', '.join(bad) or 'alpha'} out of range; expected a, b, s0 at least 0, alpha above "
                "0, all finite."
            )

    def predict(self, s: ArrayLike) -> Any:
        """Residual variance after training on s labels.

        Parameters
        ----------
        s : float or array-like
            Numbers of labels, at least 0.

        Returns
        -------
        float or ndarray
            Infinite at s = 0 unless s0 > 0 or a = 0.

        Raises
        ------
        ValueError
            Negative or missing numbers of labels.
        """
        size = _sizes(s) + self.s0
        with np.errstate(divide="ignore"):
            return self.a * size**-self.alpha + self.b if self.a else self.b + 0 * size

    def slope(self, s: ArrayLike) -> Any:
        """Derivative of `predict`, at most 0."""
        size = _sizes(s) + self.s0
        with np.errstate(divide="ignore"):
            return -self.a * self.alpha * size ** (-self.alpha - 1) if self.a else 0 * size

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
        from sklearn_ftr.allocation._plan import Costs

        outlook = self._outlook(total_variance, zero_shot_variance, folds, recycle, power_tuning)
        return outlook.plan(n_labeled, n_unlabeled, Costs() if costs is None else costs)

    def required_labels(
        self,
        half_width: float,
        *,
        total_variance: float,
        confidence_level: float = 0.95,
        n_rows: float = np.inf,
        zero_shot_variance: float | None = None,
        folds: tuple[int, ...] = (2, 5, 10),
        recycle: bool = True,
        power_tuning: bool = True,
        costs: Costs | None = None,
    ) -> RequiredLabels:
        """The cheapest way to an interval of half-width `half_width`; other parameters as in `plan`.

        Parameters
        ----------
        half_width : float
            In units of y.
        confidence_level : float, default=0.95
        n_rows : float, default=inf
            Rows in all: those that get no label are the pool.

        Returns
        -------
        RequiredLabels
        """
        from sklearn_ftr.allocation._plan import Costs

        outlook = self._outlook(total_variance, zero_shot_variance, folds, recycle, power_tuning)
        prices = Costs() if costs is None else costs
        return outlook.required_labels(half_width, confidence_level, n_rows, prices)

    def _outlook(
        self,
        total_variance: float,
        zero_shot_variance: float | None,
        folds: tuple[int, ...],
        recycle: bool,
        power_tuning: bool,
    ) -> Outlook:
        """What this law and some settings of a user promise."""
        from sklearn_ftr.allocation._plan import Outlook

        return Outlook(
            self,
            total_variance,
            zero_shot_variance,
            check_truth_value(recycle, "recycle"),
            check_truth_value(power_tuning, "power_tuning"),
            _folds(folds),
        )


def _sizes(s: ArrayLike) -> Array:
    """Numbers of labels; arrays of floats, which the search for a split makes, are known to be right."""
    if isinstance(s, float) or (
        isinstance(s, np.ndarray) and type(s) is np.ndarray and s.dtype == float
    ):
        return np.asarray(s)
    sizes = as_floats(s, "s", truth_values=False).astype(float)
    if not (sizes >= 0).all():
        raise ValueError(
            f"s is {shown(s)}; expected numbers of labels, none of them negative or missing."
        )
    return sizes


def _positive(value: Any, name: str) -> float:
    return check_number(value, name, "a positive finite number", lambda one: 0 < one < np.inf)


def _folds(folds: Any) -> tuple[int, ...]:
    if isinstance(folds, str) or not np.iterable(folds):
        raise ArgumentTypeError(
            f"folds is {shown(folds)}; expected whole numbers from 2 on, such as (2, 5, 10)."
        )
    return tuple(folds)
