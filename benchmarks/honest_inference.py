"""Coverage of the 95 % interval after the allocator has chosen on the same labels.

    python benchmarks/honest_inference.py [--draws 2000] [--jobs 2] [--data FOLDER] [--populations NAME ...] [--n 100 300 1000]

Made populations, whose true means are known, with 2,000 unlabeled rows. "d = 5, R^2 = 0.5" and the like: y = x'beta + noise, d standard normal features,
ridge regression. Then those where the choice is hard:

    least squares, d = 50     R^2 = 0.8; falls late: near 50 labels the residual variance is largest
    neighbors, late           y = 3 + sin(x0) + x1 x2 + .3 noise, six normal columns, 2 nearest neighbors
    split or folds, d = 1     R^2 = 0.5; a few labels teach all there is, so that a recycled split and cross-fitting are nearly as good
    noise, d = 10             nothing to learn

With --data: EmoBank V (see regret.py), n of its 10,062 rows as labels, 4,000 others as the pool, target the mean of all; with n = 1000 the interval is a
little too wide for that mean. Draw i uses seed i.
"""

import argparse
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _rating_sets import load_vectors
from _regret_sets import late
from joblib import Parallel, delayed
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor

from sklearn_ftr import FineTuneRectifyAllocator, MissedForecastWarning, RectifiedMeanEstimator

SIZES = (100, 300, 1000)
POOL = 2_000
STRATEGIES = {
    "split": {"strategy": "split"},
    "split, plain": {"strategy": "split", "recycle": False},
    "auto": {"strategy": "auto"},
}
CHOICES = ("labels only", "split", "cross-fitting")
Draw = tuple[np.ndarray, np.ndarray, float]  # X, y with NaN and the true mean


@dataclass(frozen=True)
class Population:
    """Draws n labels and a pool by a seed; a model that learns from them."""

    draw: Callable[[int, int], Draw]
    model: Any = field(default_factory=Ridge)


def linear(seed: int, n: int, d: int, r_squared: float) -> Draw:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n + POOL, d))
    y = X.sum(axis=1) * np.sqrt(r_squared / d) + np.sqrt(1 - r_squared) * rng.standard_normal(len(X))
    y[n:] = np.nan
    return X, y, 0.0


def falls_late(seed: int, n: int) -> Draw:
    X, y = late(np.random.default_rng(seed), n + POOL)
    y[n:] = np.nan
    return X, y, 3.0


def real(seed: int, n: int, X: np.ndarray, y: np.ndarray) -> Draw:
    rows = np.random.default_rng(seed).permutation(len(y))[: n + 4_000]
    labels = np.where(np.arange(len(rows)) < n, y[rows], np.nan)
    return X[rows], labels, y.mean()


POPULATIONS = {
    "d = 5, R^2 = 0.5": Population(partial(linear, d=5, r_squared=0.5)),
    "d = 30, R^2 = 0.8": Population(partial(linear, d=30, r_squared=0.8)),
    "d = 30, R^2 = 0.02": Population(partial(linear, d=30, r_squared=0.02)),
    "least squares, d = 50": Population(partial(linear, d=50, r_squared=0.8), LinearRegression()),
    "neighbors, late": Population(falls_late, KNeighborsRegressor(2)),
    "split or folds, d = 1": Population(partial(linear, d=1, r_squared=0.5)),
    "noise, d = 10": Population(partial(linear, d=10, r_squared=0.0)),
}


def holds(population: Population, n: int, seed: int) -> list[tuple[bool, int]]:
    """For each strategy: whether the interval holds the truth, and which option was chosen."""
    X, y, truth = population.draw(seed, n)
    answers = []
    for settings in STRATEGIES.values():
        inner = RectifiedMeanEstimator(population.model, recycle=settings.get("recycle", True))
        allocator = FineTuneRectifyAllocator(inner, strategy=settings["strategy"], random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MissedForecastWarning)
            low, high = allocator.fit(X, y).confidence_interval()
        answers.append((low <= truth <= high, CHOICES.index(allocator.best_option_.strategy)))
    return answers


def coverage(population: Population, n: int, draws: int, jobs: int) -> dict[str, Any]:
    """For each strategy: coverage, its Monte Carlo standard error, shares of draws that made each choice."""
    results = np.array(
        Parallel(n_jobs=jobs, batch_size=20)(
            delayed(holds)(population, n, seed) for seed in range(draws)
        )
    )
    table = {}
    for strategy, (inside, choice) in zip(STRATEGIES, results.transpose(1, 2, 0), strict=True):
        share = inside.mean()
        chosen = np.bincount(choice, minlength=len(CHOICES)) / draws
        table[strategy] = share, np.sqrt(share * (1 - share) / draws), chosen
    return table


def run(
    draws: int,
    jobs: int,
    folder: Path | None = None,
    names: Iterable[str] = tuple(POPULATIONS),
    sizes: Iterable[int] = SIZES,
) -> tuple[dict[tuple[str, int], Any], list[str]]:
    """Coverage tables of populations, as numbers and as lines of markdown."""
    populations = {name: POPULATIONS[name] for name in names}
    if folder is not None:
        rated = load_vectors(folder, "EmoBank V")
        populations["EmoBank V"] = Population(partial(real, X=rated.X, y=rated.y))
    choices = ["auto chose labels only, split, folds"]
    table, lines = {}, ["| " + " | ".join(["population", "n", *STRATEGIES, *choices]) + " |"]
    lines.append("| --- |" + " --- |" * (len(STRATEGIES) + 2))
    for name, population in populations.items():
        for n in sizes:
            row = table[name, n] = coverage(population, n, draws, jobs)
            cells = [f"{100 * share:.1f} +- {100 * error:.1f} %" for share, error, _ in row.values()]
            chosen = ", ".join(f"{100 * part:.0f} %" for part in row["auto"][2])
            lines.append("| " + " | ".join([name, f"{n:,}", *cells, chosen]) + " |")
            print(lines[-1], flush=True)
    return table, lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=2_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--populations", nargs="*", choices=POPULATIONS, default=list(POPULATIONS))
    parser.add_argument("--n", type=int, nargs="+", default=list(SIZES))
    options = parser.parse_args()
    lines = run(options.draws, options.jobs, options.data, options.populations, options.n)[1]
    print("\n".join(lines[:2]))


if __name__ == "__main__":
    main()
