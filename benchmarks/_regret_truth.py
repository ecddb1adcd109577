"""True curves of `regret.py`, and what they say of every way to use n labels."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from _regret_models import LUCK, stored_curve
from _regret_sets import Population
from scipy.interpolate import UnivariateSpline
from sklearn.base import clone

from sklearn_ftr.allocation._premises import Premises
from sklearn_ftr.allocation._strategies import strategy_named

SIZES = np.unique(np.geomspace(2, 950, 28).astype(int))
N_TEST = 2_500
POOL = 5_000  # rows of the pool
SMALLEST_ERROR = 1e-4  # of a mean share; below it, what is left is the test rows' choice


def measure(model: Any, population: Population, repetition: int) -> list[float]:
    """v(s) / V(Y) of one training on each size, each on its own draw and tested on 2,500 other rows."""
    rngs = np.random.default_rng([repetition, 1]).spawn(len(SIZES))
    return [_share(model, population, int(s), rng) for s, rng in zip(SIZES, rngs, strict=True)]


def _share(model: Any, population: Population, s: int, rng: np.random.Generator) -> float:
    """What the best multiple of the predictions leaves of V(Y); all of it where s rows are too few to train on."""
    X, y = population.draw(rng, s, N_TEST)
    trained = clone(model)
    if "random_state" in trained.get_params():
        trained.set_params(random_state=int(rng.integers(2**31)))
    try:
        f = trained.fit(X[:s], y[:s]).predict(X[s:])
    except ValueError:
        return 1.0
    if np.ptp(f) == 0:
        return 1.0
    left = 1 - np.corrcoef(f, y[s:])[0, 1] ** 2
    return float(left * (N_TEST - 1) / (N_TEST - 2))


@dataclass(frozen=True)
class MeasuredCurve:
    """Means of repetitions (r, sizes), smoothed.

    The smoothing spline in logarithms misses the means by no more than their Monte Carlo errors, on average (chi^2 = number of sizes): neighboring sizes,
    whose draws are independent, share their noise.
    """

    shares: np.ndarray

    @cached_property
    def errors(self) -> np.ndarray:
        """Relative Monte Carlo errors of the means, before smoothing."""
        spread = self.shares.std(axis=0, ddof=1) / np.sqrt(len(self.shares))
        return np.maximum(spread / self.shares.mean(axis=0), SMALLEST_ERROR)

    @cached_property
    def _spline(self) -> UnivariateSpline:
        means = np.log(self.shares.mean(axis=0))
        return UnivariateSpline(np.log(SIZES), means, w=1 / self.errors, s=len(SIZES))

    def predict(self, s: Any) -> Any:
        """V(Y) = 1 is the most."""
        return np.minimum(np.exp(self._spline(np.log(s))), 1.0)

    def regret_of_halves(self, n: int, m: float) -> float:
        """Of the best split by every second repetition, recycled, judged by the others: what the noise of curves of half as many adds to regret."""
        judged, judging = (Truth(MeasuredCurve(self.shares[k::2]), n, m) for k in (0, 1))
        picked, best = judged.best_split(True), judging.best_split(True)
        return judging.variance(picked, True) / judging.variance(best, True) - 1


@dataclass(frozen=True)
class KnownCurve:
    """That of a `StoredCurve`, mean over its luck."""

    model: str
    name: str

    def predict(self, s: Any) -> Any:
        """Of one training, on average."""
        return stored_curve(f"{self.model}, {self.name}", s) * np.exp(LUCK[self.model] ** 2 / 2)


@dataclass(frozen=True)
class Truth:
    """Variances in units of V(Y) for n labels beside a pool of m rows, by a true curve."""

    curve: MeasuredCurve | KnownCurve
    n: int
    m: float

    def variance(self, option: dict[str, Any], recycle: bool) -> float:
        """Of what an option says to do."""
        strategy = strategy_named(option["strategy"], option["n_folds"])
        known = Premises(self.curve, 1.0, None, recycle, True, ())
        return strategy.variance(known, option["n_finetune"], self.n, self.m)

    def best_split(self, recycle: bool) -> dict[str, Any]:
        """In hindsight."""
        options = (_option("split", s) for s in range(2, self.n - 1))
        return min(options, key=lambda option: self.variance(option, recycle))

    def without_split(self, folds: Iterable[int]) -> list[float]:
        """Variances of labels only, and of so many folds."""
        options = [_option("labels only", 0)]
        options += [_option("cross-fitting", self.n - self.n // k, k) for k in folds]
        return [self.variance(option, True) for option in options]


def _option(strategy: str, s: int, folds: int = 0) -> dict[str, Any]:
    return {"strategy": strategy, "n_finetune": s, "n_folds": folds}
