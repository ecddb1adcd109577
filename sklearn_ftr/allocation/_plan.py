"""What every way to use the labels would give, predicted from a scaling law, and the cheapest for a goal.

Variances: Wang, Ye and Zhao (2025), section 4.1, for a split; v((1 - 1/K) n) / n + V(f) / m under cross-fitting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from numbers import Integral
from typing import Any

import numpy as np

from sklearn_ftr._arguments import (
    ArgumentTypeError,
    check_count,
    check_number,
    shown,
)
from sklearn_ftr._tables import import_pandas
from sklearn_ftr.allocation._best_option import (
    CROSS_FITTING,
    LABELS_ONLY,
    SPLIT,
    ZERO_SHOT,
    Option,
    best_option,
    name_of,
    work_of,
)
from sklearn_ftr.allocation._law import ROUNDING, Law
from sklearn_ftr.allocation._optimal_split import SplitProblem, optimal_split
from sklearn_ftr.allocation._required_labels import (
    Goal,
    Purchase,
    RequiredLabels,
    bisect,
    cheapest,
)

_SMALLEST_BUDGET = 10
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
        """The option that `FineTuneRectifyAllocator` takes: the smallest predicted standard error.

        Parameters
        ----------
        max_trainings : float, default=inf
            Options with more trainings are left out; `max_fits` of the allocator.
        strategies : tuple of str, default=None
            Strategies that are allowed; None is all, the allocator's "auto".

        Returns
        -------
        Option
            Of options that differ by rounding (1e-9 of the variance, 1e-12 of that of labels alone) the one with fewer
            trainings; then with fewer passes over the pool; then the first of labels only, zero-shot, split and
            cross-fitting; then the cheaper one. Where labels only are allowed, an option with r > 2 rectification labels
            has to have a correlation above 1 / sqrt(r - 2).

        Raises
        ------
        ValueError
            No option is left.
        """
        allowed = [
            option
            for option in self.options
            if option.n_trainings <= max_trainings
            and (strategies is None or option.strategy in strategies)
        ]
        if not allowed:
            raise ValueError(f"No option with {strategies} and at most {max_trainings} trainings.")
        return best_option(allowed, self.n_labeled)

    def to_frame(self) -> Any:
        """The options as a pandas DataFrame (extra `frames`)."""
        pd = import_pandas("Plan.to_frame()")
        return pd.DataFrame([asdict(option) for option in self.options])

    def __str__(self) -> str:
        pool = f"{self.n_unlabeled:,.0f}" if np.isfinite(self.n_unlabeled) else "any number of"
        header = f"{'':22}{'fine-tune':>10}{'std. error':>12}{'95 % of the law':>22}{'efficiency':>12}{'trainings':>11}{'cost':>10}"
        rule = "-" * len(header)
        rows = [
            f"{name_of(option):22}{option.n_finetune:>10,}{option.standard_error:>12.4g}"
            f"{f'[{option.low:.4g}, {option.high:.4g}]':>22}{option.efficiency:>12.2f}{option.n_trainings:>11}"
            f"{option.cost:>10.4g}"
            for option in self.options
        ]
        title = f"Plan for {self.n_labeled:,} labeled and {pool} unlabeled rows"
        return "\n".join([title, rule, header, rule, *rows, rule])


@dataclass(frozen=True)
class Outlook:
    """What is known before labels are spent: a law, V(Y), and perhaps the zero-shot variance.

    `trainable` is False for a frozen model; `trained` labels fine-tune in any case; a row of the pool tells `pool_share` times as
    much as one of a pool that is made up as the labels are; `resampled` holds outlooks from the bootstrap, for intervals.
    """

    law: Law
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
        problem = SplitProblem(
            self.law, m * self.pool_share, self.total_variance, self.recycle, self.tuned
        )
        return int(optimal_split(problem, n, max(2, min(self.trained, n - 2)), 2))

    def variance(self, strategy: str, s: int, n: int, m: float) -> float:
        """Predicted variance of the estimate when s labels train each model."""
        if strategy == LABELS_ONLY:
            return self.total_variance / n
        plain = self._rectified(self._residual(strategy, s), n - s if strategy == SPLIT else n, m)
        if strategy != SPLIT or not self.recycle:
            return plain
        return plain / (1 + plain * s / self.total_variance)

    def correlation(self, strategy: str, s: int) -> float:
        """Predicted correlation of labels with predictions of a model that s labels have trained."""
        if strategy == LABELS_ONLY:
            return 0.0
        return float(np.sqrt(max(1 - self._residual(strategy, s) / self.total_variance, 0.0)))

    def _residual(self, strategy: str, s: int) -> float:
        """Residual variance; what is only rounding beside V(Y) is nothing."""
        untrained = strategy == ZERO_SHOT
        residual = self.zero_shot_variance if untrained else self.law.predict(s)
        assert residual is not None
        return float(residual) if residual > ROUNDING * self.total_variance else 0.0

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
        goal = Goal(half_width, confidence_level, n_rows)
        ways = [way for way in self._strategies(goal.largest, goal.pool(2)) if allowed(*way)]
        found = [one for way in ways for one in self._purchases(*way, goal, costs)]
        if not found:
            raise ValueError(
                f"No allowed option reaches +- {half_width:g} with {goal.largest:,} labels; allow a wider interval."
            )
        best = cheapest(found)
        strategy, folds, n = best.strategy, best.folds, best.n
        others = [
            list(one._purchases(strategy, folds, goal, costs))
            for one in self.resampled[:_RESAMPLED_GOALS]
        ]
        needed = [cheapest(purchases).n if purchases else np.inf for purchases in others] or [n]
        low, high = np.quantile(needed, [0.025, 0.975], method="nearest").tolist()
        option = self._option(strategy, folds, best.s, n, goal.pool(n), costs)
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
            yield from ((CROSS_FITTING, int(folds)) for folds in self.folds if folds <= n // 2)

    def _option(self, strategy: str, folds: int, s: int, n: int, m: float, costs: Costs) -> Option:
        variance = self.variance(strategy, s, n, m)
        others = [one.variance(strategy, s, n, m) for one in self.resampled] or [variance]
        low, high = np.sqrt(np.quantile(others, [0.025, 0.975])).tolist()
        trainings, passes = work_of(strategy, folds)
        alone = self.total_variance / n
        no_variance = np.inf if alone > 0 else 1.0
        return Option(
            strategy=strategy,
            n_finetune=s,
            n_folds=folds,
            standard_error=float(np.sqrt(variance)),
            efficiency=float(alone / variance) if variance > 0 else no_variance,
            n_trainings=trainings,
            pool_passes=passes,
            cost=_cost(strategy, folds, s, n, m, costs),
            low=low,
            high=high,
            correlation=self.correlation(strategy, s),
        )

    def _purchases(self, strategy: str, folds: int, goal: Goal, costs: Costs) -> Iterator[Purchase]:
        """Numbers of labels that reach the goal, and how many of them train: the fewest, and what may cost less."""
        fewest = self._smallest(strategy, folds, None, goal)
        if np.isinf(fewest):
            return
        best = self.n_finetune(strategy, folds, int(fewest), goal.pool(int(fewest)))
        ways = [(fewest, best)]
        if strategy == SPLIT and costs.training:
            # Training on fewer labels than the variance alone would ask for may cost less.
            fewer = np.unique(np.geomspace(max(2, self.trained), max(best, 2), 25).astype(int))
            ways += [(self._smallest(strategy, folds, s, goal), s) for s in fewer.tolist()]
        for n, s in ways:
            if np.isfinite(n):
                cost = _cost(strategy, folds, s, int(n), goal.pool(int(n)), costs)
                yield Purchase(strategy, folds, int(n), s, cost)

    def _smallest(self, strategy: str, folds: int, s: int | None, goal: Goal) -> float:
        """Smallest n that reaches the goal, with s labels training if given; infinite if none does."""

        def enough(n: int) -> bool:
            m = goal.pool(n)
            used = self.n_finetune(strategy, folds, n, m) if s is None else s
            # A goal that is met exactly is met, whatever rounding says.
            limit = goal.half_width**2 * (1 + 1e-12)
            return self.variance(strategy, used, n, m) * goal.quantile(n) ** 2 <= limit

        lowest = max(_SMALLEST_BUDGET, 2 * folds, (s or 0) + 2, self.trained + 2)
        return bisect(enough, lowest, goal.largest - (strategy != LABELS_ONLY))

    def _rectified(self, residual: float, r: float, m: float) -> float:
        """V(y - lambda f) / r + lambda^2 V(f) / m; a tuned lambda falls where v exceeds V(Y) or the pool is small."""
        if self.tuned:
            residual = min(residual, self.total_variance)
        predicted = max(self.total_variance - residual, 0.0)
        return residual / r + predicted / (m * self.pool_share + r * self.tuned)


def _cost(strategy: str, folds: int, s: int, n: int, m: float, costs: Costs) -> float:
    trainings, passes = work_of(strategy, folds)
    # Nothing times an endless pool is nothing.
    inference = costs.inference * passes * m if costs.inference and passes else 0.0
    return float(costs.label * n + costs.training * s * trainings + inference)
