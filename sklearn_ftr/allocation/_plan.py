"""What every way to use the labels would give, predicted from a scaling law, and the cheapest for a goal.

Variances: Wang, Ye and Zhao (2025), section 4.1, for a split; v((1 - 1/K) n) / n + V(f) / m under cross-fitting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from numbers import Integral
from typing import Any

import numpy as np
from scipy import stats

from sklearn_ftr._arguments import (
    ArgumentTypeError,
    check_count,
    check_number,
    shown,
)
from sklearn_ftr._tables import import_pandas
from sklearn_ftr.allocation._scaling_law import ScalingLaw

LABELS_ONLY, ZERO_SHOT, SPLIT, CROSS_FITTING = "labels only", "zero-shot", "split", "cross-fitting"
_SMALLEST_BUDGET, _LARGEST_BUDGET = 10, 10**9
_RESAMPLED_GOALS = 100  # a goal costs a search for each resampled law


@dataclass(frozen=True)
class Costs:
    """Prices, in any currency.

    Parameters
    ----------
    label : float, default=1.0
        Of one human label.
    training : float, default=0.0
        Of training on one row.
    inference : float, default=0.0
        Of one prediction.
    """

    label: float = 1.0
    training: float = 0.0
    inference: float = 0.0

    def __post_init__(self) -> None:
        for name, price in asdict(self).items():
            check_number(
                price, name, "prices that are finite and not negative", lambda one: 0 <= one < np.inf
            )


def check_costs(costs: Any) -> None:
    """Refuse what is not Costs."""
    if not isinstance(costs, Costs):
        raise ArgumentTypeError(
            f"costs is {shown(costs)}; expected Costs(label=..., training=..., inference=...)."
        )


@dataclass(frozen=True)
class Option:
    """One way to use n labels.

    Attributes
    ----------
    strategy : {"labels only", "zero-shot", "split", "cross-fitting"}
    n_finetune : int
        Labels that train each model.
    n_folds : int
        Folds of cross-fitting; 0 otherwise.
    standard_error, efficiency : float
        Predicted; efficiency is against the mean of all n labels.
    n_trainings : int
    pool_passes : int
        How often the pool is predicted.
    cost : float
    low, high : float
        Interval of the predicted standard error that the law's uncertainty leaves; both equal to it for a known law.
    """

    strategy: str
    n_finetune: int
    n_folds: int
    standard_error: float
    efficiency: float
    n_trainings: int
    pool_passes: int
    cost: float
    low: float
    high: float


@dataclass(frozen=True)
class Plan:
    """Every option for a number of labels; prints as a table.

    Attributes
    ----------
    n_labeled : int
    n_unlabeled : float
    options : tuple of Option
        In the order labels only, zero-shot, split, cross-fitting.
    """

    n_labeled: int
    n_unlabeled: float
    options: tuple[Option, ...]

    def best(self, max_trainings: float = np.inf, strategies: tuple[str, ...] | None = None) -> Option:
        """The option with the smallest predicted standard error.

        Parameters
        ----------
        max_trainings : float, default=inf
            Options with more trainings are left out.
        strategies : tuple of str, default=None
            Strategies that are allowed; None is all.
        """
        allowed = [
            option
            for option in self.options
            if option.n_trainings <= max_trainings
            and (strategies is None or option.strategy in strategies)
        ]
        if not allowed:
            raise ValueError(f"No option with {strategies} and at most {max_trainings} trainings.")
        return min(allowed, key=lambda option: (option.standard_error, option.cost))

    def to_frame(self) -> Any:
        """The options as a pandas DataFrame (extra `frames`)."""
        pd = import_pandas("Plan.to_frame()")
        return pd.DataFrame([asdict(option) for option in self.options])

    def __str__(self) -> str:
        pool = f"{self.n_unlabeled:,.0f}" if np.isfinite(self.n_unlabeled) else "any number of"
        header = f"{'':22}{'fine-tune':>10}{'std. error':>12}{'95 % of the law':>22}{'efficiency':>12}{'trainings':>11}{'cost':>10}"
        rule = "-" * len(header)
        rows = [
            f"{_name(option):22}{option.n_finetune:>10,}{option.standard_error:>12.4g}"
            f"{f'[{option.low:.4g}, {option.high:.4g}]':>22}{option.efficiency:>12.2f}{option.n_trainings:>11}"
            f"{option.cost:>10.4g}"
            for option in self.options
        ]
        title = f"Plan for {self.n_labeled:,} labeled and {pool} unlabeled rows"
        return "\n".join([title, rule, header, rule, *rows, rule])


def _name(option: Option) -> str:
    return f"{option.strategy}, K = {option.n_folds}" if option.n_folds else option.strategy


@dataclass(frozen=True)
class RequiredLabels:
    """How many labels an interval of the wanted half-width needs.

    Attributes
    ----------
    n_labeled : int
        Labels for the cheapest option.
    low, high : float
        95 % interval, for this option, that the law's uncertainty leaves; both equal to it for a known law, infinite
        where laws never reach the goal.
    option : Option
        The cheapest way, at that number.
    labels_only : float
        Labels that would do without any predictions; infinite if there are not as many rows.
    half_width : float
    """

    n_labeled: int
    low: float
    high: float
    option: Option
    labels_only: float
    half_width: float

    def __str__(self) -> str:
        return (
            f"{self.n_labeled:,} labels ({self.low:,.0f} to {self.high:,.0f}) by {_name(self.option)} for an interval of "
            f"+- {self.half_width:g}, cost {self.option.cost:.4g}; labels only: {self.labels_only:,.0f}."
        )


@dataclass(frozen=True)
class Outlook:
    """What is known before labels are spent: a law, V(Y), and perhaps the zero-shot variance.

    `trainable` is False for a frozen model; `trained` labels fine-tune in any case; a row of the pool tells `pool_share` times as
    much as one of a pool that is made up as the labels are; `resampled` holds outlooks from the bootstrap, for intervals.
    """

    law: ScalingLaw
    total_variance: float
    zero_shot_variance: float | None
    recycle: bool
    tuned: bool
    folds: tuple[int, ...]
    trainable: bool = True
    trained: int = 0
    pool_share: float = 1.0
    resampled: tuple[Outlook, ...] = ()

    def __post_init__(self) -> None:
        for name in ("total_variance", "zero_shot_variance"):
            value = getattr(self, name)
            if name == "total_variance" or value is not None:
                check_number(value, name, "a finite number, not negative")
        variances = [self.total_variance, self.zero_shot_variance or 0.0]
        if not (np.isfinite(variances).all() and min(variances) >= 0):
            raise ValueError(
                f"total_variance is {self.total_variance} and zero_shot_variance {self.zero_shot_variance}; expected "
                "finite numbers, not negative."
            )
        if not all(isinstance(k, Integral) and k >= 2 for k in self.folds):
            raise ValueError(f"folds is {self.folds!r}; expected whole numbers from 2 on.")

    def plan(self, n: int, m: float, costs: Costs) -> Plan:
        """All options at n labels."""
        n = check_count(n, "n_labeled", 0)
        m = check_number(m, "n_unlabeled", "a number of rows, or infinity", lambda rows: True)
        check_costs(costs)
        if not (n >= 2 and m >= 0):
            raise ValueError(
                f"n_labeled is {n} and n_unlabeled {m}; expected at least 2 labels, and no negative pool."
            )
        options = [
            self._option(strategy, folds, self.n_finetune(strategy, folds, n, m), n, m, costs)
            for strategy, folds in self._strategies(n, m)
        ]
        return Plan(n, m, tuple(options))

    def n_finetune(self, strategy: str, folds: int, n: int, m: float) -> int:
        """Labels that train each model."""
        if strategy == CROSS_FITTING:
            return n - n // folds
        if strategy != SPLIT:
            return 0
        return int(
            self.law.optimal_split(
                n,
                m * self.pool_share,
                total_variance=self.total_variance,
                recycle=self.recycle,
                power_tuning=self.tuned,
                min_finetune=max(2, min(self.trained, n - 2)),
            )
        )

    def variance(self, strategy: str, s: int, n: int, m: float) -> float:
        """Predicted variance of the estimate when s labels train each model."""
        if strategy == LABELS_ONLY:
            return self.total_variance / n
        if strategy == ZERO_SHOT:
            assert self.zero_shot_variance is not None
            return self._rectified(self.zero_shot_variance, n, m)
        if strategy == CROSS_FITTING:
            return self._rectified(float(self.law.predict(s)), n, m)
        plain = self._rectified(float(self.law.predict(s)), n - s, m)
        return 1 / (1 / plain + s / self.total_variance) if self.recycle else plain

    def required_labels(
        self,
        half_width: float,
        confidence_level: float,
        n_rows: float,
        costs: Costs,
        allowed: Callable[[str, int], bool] = lambda strategy, folds: True,
    ) -> RequiredLabels:
        """Cheapest allowed option whose interval is at most +- half_width; rows without a label are the pool."""
        for name, value in {"half_width": half_width, "confidence_level": confidence_level}.items():
            check_number(value, name, "a number")
        if not (half_width > 0 and 0 < confidence_level < 1):
            raise ValueError(
                f"half_width is {half_width} and confidence_level {confidence_level}; expected a positive number, in units "
                "of y, and one between 0 and 1."
            )
        n_rows = check_number(n_rows, "n_rows", "a number of rows, or infinity", lambda rows: rows >= 0)
        check_costs(costs)
        goal = _Goal(half_width, confidence_level, n_rows)
        ways = [way for way in self._strategies(goal.largest, goal.pool(2)) if allowed(*way)]
        found = [(self._price(*way, goal, costs), *way) for way in ways]
        (cost, needed, s), strategy, folds = min(found, default=((np.inf, 0, 0), "", 0))
        if not np.isfinite(cost):
            raise ValueError(
                f"No allowed option reaches +- {half_width:g} with {goal.largest:,} labels; allow a wider interval."
            )
        n = int(needed)
        others = [
            one._price(strategy, folds, goal, costs)[1] for one in self.resampled[:_RESAMPLED_GOALS]
        ] or [n]
        low, high = np.quantile(others, [0.025, 0.975], method="nearest").tolist()
        option = self._option(strategy, folds, s, n, goal.pool(n), costs)
        labels_only = self._smallest(LABELS_ONLY, 0, None, goal)
        return RequiredLabels(n, low, high, option, labels_only, half_width)

    def _strategies(self, n: float, m: float) -> Iterator[tuple[str, int]]:
        yield LABELS_ONLY, 0
        if not (self.total_variance > 0 and m > 0):
            return  # nothing to predict
        if self.zero_shot_variance is not None:
            yield ZERO_SHOT, 0
        if self.trainable and n >= 4:
            yield SPLIT, 0
            yield from ((CROSS_FITTING, folds) for folds in self.folds if folds <= n // 2)

    def _option(self, strategy: str, folds: int, s: int, n: int, m: float, costs: Costs) -> Option:
        variance = self.variance(strategy, s, n, m)
        others = [one.variance(strategy, s, n, m) for one in self.resampled] or [variance]
        low, high = np.sqrt(np.quantile(others, [0.025, 0.975])).tolist()
        trainings, passes = _work(strategy, folds)
        return Option(
            strategy=strategy,
            n_finetune=s,
            n_folds=folds,
            standard_error=float(np.sqrt(variance)),
            efficiency=float(self.total_variance / n / variance) if variance > 0 else 1.0,
            n_trainings=trainings,
            pool_passes=passes,
            cost=_cost(strategy, folds, s, n, m, costs),
            low=low,
            high=high,
        )

    def _price(self, strategy: str, folds: int, goal: _Goal, costs: Costs) -> tuple[float, float, int]:
        """Lowest cost of reaching the goal, with how many labels, and how many of them training."""
        n = self._smallest(strategy, folds, None, goal)
        if np.isinf(n):
            return np.inf, n, 0
        best = self.n_finetune(strategy, folds, int(n), goal.pool(int(n)))
        ways = [(n, best)]
        if strategy == SPLIT and costs.training:
            # Training on fewer labels than the variance alone would ask for may cost less.
            fewer = np.unique(np.geomspace(max(2, self.trained), max(best, 2), 25).astype(int))
            ways += [(self._smallest(strategy, folds, s, goal), s) for s in fewer.tolist()]
        return min(
            (_cost(strategy, folds, s, int(n), goal.pool(int(n)), costs), n, s)
            for n, s in ways
            if np.isfinite(n)
        )

    def _smallest(self, strategy: str, folds: int, s: int | None, goal: _Goal) -> float:
        """Smallest n that reaches the goal, with s labels training if given; infinite if none does."""

        def enough(n: int) -> bool:
            m = goal.pool(n)
            used = self.n_finetune(strategy, folds, n, m) if s is None else s
            return self.variance(strategy, used, n, m) * goal.quantile(n) ** 2 <= goal.half_width**2

        lowest = max(_SMALLEST_BUDGET, 2 * folds, (s or 0) + 2, self.trained + 2)
        return _bisect(enough, lowest, goal.largest - (strategy != LABELS_ONLY))

    def _rectified(self, residual: float, r: float, m: float) -> float:
        """V(y - lambda f) / r + lambda^2 V(f) / m; a tuned lambda falls where v exceeds V(Y) or the pool is small."""
        if self.tuned:
            residual = min(residual, self.total_variance)
        predicted = max(self.total_variance - residual, 0.0)
        return residual / r + predicted / (m * self.pool_share + r * self.tuned)


@dataclass(frozen=True)
class _Goal:
    """An interval of +- half_width out of n_rows rows."""

    half_width: float
    confidence_level: float
    n_rows: float

    @property
    def largest(self) -> int:
        return int(min(self.n_rows, _LARGEST_BUDGET))

    def pool(self, n: int) -> float:
        return max(self.n_rows - n, 0)

    def quantile(self, n: int) -> float:
        return float(stats.t.isf((1 - self.confidence_level) / 2, n - 1))


def _work(strategy: str, folds: int) -> tuple[int, int]:
    """Trainings and passes over the pool."""
    trainings = {SPLIT: 1, CROSS_FITTING: folds}.get(strategy, 0)
    return trainings, 0 if strategy == LABELS_ONLY else max(trainings, 1)


def _cost(strategy: str, folds: int, s: int, n: int, m: float, costs: Costs) -> float:
    trainings, passes = _work(strategy, folds)
    # Nothing times an endless pool is nothing.
    inference = costs.inference * passes * m if costs.inference and passes else 0.0
    return float(costs.label * n + costs.training * s * trainings + inference)


def _bisect(enough: Callable[[int], bool], low: int, high: int) -> float:
    """Smallest n in [low, high] for which a condition that stays true becomes true; infinite if it never does."""
    if high < low or not enough(high):
        return np.inf
    while low < high:
        middle = min((low + high) // 2, 4 * low)  # goals are usually near the lower end
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low
