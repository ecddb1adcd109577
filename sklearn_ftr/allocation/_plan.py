"""What every way to use the labels would give, predicted from a scaling law, and the cheapest for a goal.

Variances: Wang, Ye and Zhao (2025), section 4.1, for a split; v((1 - 1/K) n) / n + V(f) / m under cross-fitting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import stats

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
        prices = asdict(self)
        if not all(np.isfinite(price) and price >= 0 for price in prices.values()):
            raise ValueError(f"{self}; expected prices that are finite and not negative.")


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
        """The options as a pandas DataFrame (needs pandas)."""
        import pandas as pd

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
        95 % interval of that number that the law's uncertainty leaves; both equal to it for a known law, `high`
        infinite where some laws never reach the goal.
    option : Option
        The cheapest way, at that number.
    labels_only : int
        Labels that would do without any predictions.
    half_width : float
    """

    n_labeled: int
    low: float
    high: float
    option: Option
    labels_only: int
    half_width: float

    def __str__(self) -> str:
        return (
            f"{self.n_labeled:,} labels ({self.low:,.0f} to {self.high:,.0f}) by {_name(self.option)} for an interval of "
            f"+- {self.half_width:g}, cost {self.option.cost:.4g}; labels only: {self.labels_only:,}."
        )


@dataclass(frozen=True)
class Outlook:
    """What is known before labels are spent: a law, V(Y), and perhaps the zero-shot variance.

    `resampled` holds outlooks from the bootstrap, for intervals.
    """

    law: ScalingLaw
    total_variance: float
    zero_shot_variance: float | None
    recycle: bool
    folds: tuple[int, ...]
    resampled: tuple[Outlook, ...] = ()

    def plan(self, n: int, m: float, costs: Costs) -> Plan:
        """All options at n labels."""
        if n < 4 and self.total_variance > 0 and m > 0:
            raise ValueError(f"n_labeled is {n}; expected at least 4: 2 labels for each stage.")
        options = []
        for strategy, folds in self._strategies(n, m):
            variance = self.variance(strategy, folds, n, m)
            others = [one.variance(strategy, folds, n, m) for one in self.resampled] or [variance]
            low, high = np.sqrt(np.quantile(others, [0.025, 0.975])).tolist()
            options.append(self._option(strategy, folds, n, m, variance, (low, high), costs))
        return Plan(n, m, tuple(options))

    def variance(self, strategy: str, folds: int, n: int, m: float) -> float:
        """Predicted variance of the estimate."""
        if strategy == LABELS_ONLY:
            return self.total_variance / n
        if strategy == ZERO_SHOT:
            return self._rectified(self._zero_shot(), n, m)
        if strategy == CROSS_FITTING:
            return self._rectified(self._residual(n * (1 - 1 / folds)), n, m)
        s = self._split(n, m)
        plain = self._rectified(self._residual(s), n - s, m)
        return 1 / (1 / plain + s / self.total_variance) if self.recycle else plain

    def required_labels(
        self,
        half_width: float,
        confidence_level: float,
        m: float,
        costs: Costs,
        allowed: Callable[[str, int], bool] = lambda strategy, folds: True,
    ) -> RequiredLabels:
        """Cheapest option whose interval is at most +- half_width, among labels only and the allowed ones."""
        if not half_width > 0:
            raise ValueError(f"half_width is {half_width}; expected a positive number, in units of y.")
        goal = (half_width, confidence_level, m, costs, allowed)
        n, strategy, folds = self._cheapest(*goal)
        others = [one._cheapest(*goal)[0] for one in self.resampled[:_RESAMPLED_GOALS]] or [n]
        low, high = np.quantile(others, [0.025, 0.975], method="nearest").tolist()
        variance = self.variance(strategy, folds, n, m)
        option = self._option(strategy, folds, n, m, variance, (variance**0.5,) * 2, costs)
        labels_only = self._smallest(LABELS_ONLY, 0, half_width, confidence_level, m)
        return RequiredLabels(n, low, high, option, labels_only, half_width)

    def _strategies(self, n: int, m: float) -> Iterator[tuple[str, int]]:
        yield LABELS_ONLY, 0
        if not (self.total_variance > 0 and m > 0):
            return  # nothing to predict
        if self.zero_shot_variance is not None:
            yield ZERO_SHOT, 0
        yield SPLIT, 0
        yield from ((CROSS_FITTING, folds) for folds in self.folds if folds <= n // 2)

    def _option(
        self,
        strategy: str,
        folds: int,
        n: int,
        m: float,
        variance: float,
        bounds: tuple[float, float],
        costs: Costs,
    ) -> Option:
        trainings = {LABELS_ONLY: 0, ZERO_SHOT: 0, SPLIT: 1, CROSS_FITTING: folds}[strategy]
        passes = {LABELS_ONLY: 0, ZERO_SHOT: 1, SPLIT: 1, CROSS_FITTING: folds}[strategy]
        s = self._split(n, m) if strategy == SPLIT else n - n // folds if folds else 0
        return Option(
            strategy=strategy,
            n_finetune=s,
            n_folds=folds,
            standard_error=float(np.sqrt(variance)),
            efficiency=float(self.total_variance / n / variance) if variance > 0 else 1.0,
            n_trainings=trainings,
            pool_passes=passes,
            cost=self._cost(n, s * trainings, passes, m, costs),
            low=bounds[0],
            high=bounds[1],
        )

    def _cost(self, n: int, trained_rows: int, passes: int, m: float, costs: Costs) -> float:
        predictions = costs.inference * passes * m if costs.inference and passes else 0.0
        return float(costs.label * n + costs.training * trained_rows + predictions)

    def _cheapest(
        self,
        half_width: float,
        confidence_level: float,
        m: float,
        costs: Costs,
        allowed: Callable[[str, int], bool],
    ) -> tuple[int, str, int]:
        """Labels, strategy and folds with the lowest cost."""
        found = []
        for strategy, folds in self._strategies(_LARGEST_BUDGET, m):
            if strategy != LABELS_ONLY and not allowed(strategy, folds):
                continue
            n = self._smallest(strategy, folds, half_width, confidence_level, m)
            if n <= _LARGEST_BUDGET:
                cost = self._option(strategy, folds, n, m, 1.0, (0.0, 0.0), costs).cost
                found.append((cost, n, strategy, folds))
        if not found:
            raise ValueError(
                f"No option reaches +- {half_width:g} with fewer than {_LARGEST_BUDGET:,} labels."
            )
        _, n, strategy, folds = min(found)
        return n, strategy, folds

    def _smallest(
        self, strategy: str, folds: int, half_width: float, confidence_level: float, m: float
    ) -> int:
        """Smallest n whose half-width is small enough; one more than the largest budget if there is none."""

        def enough(n: int) -> bool:
            quantile = float(stats.t.isf((1 - confidence_level) / 2, n - 1))
            return bool(quantile**2 * self.variance(strategy, folds, n, m) <= half_width**2)

        return _bisect(enough, max(_SMALLEST_BUDGET, 2 * folds), _LARGEST_BUDGET)

    def _residual(self, s: float) -> float:
        """v(s), but never above V(Y): lambda would be tuned down."""
        return float(min(self.law.predict(s), self.total_variance))

    def _zero_shot(self) -> float:
        assert self.zero_shot_variance is not None
        return min(self.zero_shot_variance, self.total_variance)

    def _rectified(self, residual: float, r: float, m: float) -> float:
        return residual / r + (self.total_variance - residual) / m

    def _split(self, n: int, m: float) -> int:
        return int(
            self.law.optimal_split(n, m, total_variance=self.total_variance, recycle=self.recycle)
        )


def _bisect(enough: Callable[[int], bool], low: int, high: int) -> int:
    """Smallest n in [low, high] for which a condition that stays true becomes true; high + 1 if it never does."""
    if enough(low):
        return low
    step = low
    while step < high and not enough(step):
        low, step = step, min(2 * step, high)
        if step == high and not enough(high):
            return high + 1
    while step - low > 1:
        middle = (low + step) // 2
        low, step = (low, middle) if enough(middle) else (middle, step)
    return step
