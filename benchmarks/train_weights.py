"""Whether the weights of a sampling design pay in the training of the predictor, and which power of them.

    OMP_NUM_THREADS=1 python benchmarks/train_weights.py [--data FOLDER] [--draws 60] [--tree-draws 20] [--network-draws 5]

A draw (seed i) makes n labels and a pool; the same rows and five folds (random_state i) serve every power p of the weights
h = sample_weight / labeling_probability (Hajek) with which the predictor is trained: 0 is the plain loss. Stage 2 always has the whole
design. Made populations have five covariates, standard normal, and noise .5:

* linear: y = x0 + x1 + x2 / 2; weights depend on x0, or on nothing that the predictor sees ("chance");
* noisy: the same with noise whose variance is proportional to the weights, .25 on average;
* curved: y = x0 + .7 x0^2 + x1 / 2, weights depend on x0;
* mixed: y = x1 + x0 x1 + x2 / 2, weights depend on x0.

Weights are lognormal with coefficient of variation .5, 1 or 2, the pool has 3,000 rows; or labels are drawn with probabilities
.02 to .4 that depend on x0 in place of weights, and the pool is whatever is not labeled.

Real sets: sentence vectors (--data, as for `real_ratings.py`), 60 draws of 300 labels, all others are the pool; weights lognormal with coefficient
of variation 1 that are made of noise and, in equal parts, of the rating itself or of the first principal component.

Each number is the variance of the estimate with weights in training over that without: below 1 weights help. First from squared standard errors
(geometric mean over draws), then from squared errors to the truth, each with its Monte Carlo error.
"""

import argparse
import warnings
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from scipy.special import ndtr
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

from sklearn_ftr import (
    PredictionShiftWarning,
    SamplingDesign,
    rectify_linear_regression,
    rectify_mean,
)

POWERS = (0.0, 0.5, 1.0, 2.0)
POOL = 3_000
FOLDS = 5
POPULATIONS = ("linear, chance", "linear", "noisy", "curved", "mixed")
DESIGNS = (0.5, 1.0, 2.0, "pi")
REAL = ("EmoBank V", "amazon", "wine points")


@dataclass(frozen=True)
class Rows:
    """What a draw consists of: labels y of all rows, of which `labeled` are known."""

    X: np.ndarray
    y: np.ndarray
    labeled: np.ndarray
    weights: np.ndarray | None = None
    probability: np.ndarray | None = None

    def hajek(self, rows):
        """Weights in the means, of some rows."""
        weights = np.ones(len(rows)) if self.weights is None else self.weights[rows]
        return weights if self.probability is None else weights / self.probability[rows]

    def design(self, rows):
        """What stage 2 is told of some rows."""
        columns = {"weights": self.weights, "labeling_probability": self.probability}
        return SamplingDesign(
            **{name: values[rows] for name, values in columns.items() if values is not None}
        )


def signal(name, X):
    if name == "curved":
        return X[:, 0] + 0.7 * X[:, 0] ** 2 + 0.5 * X[:, 1]
    if name == "mixed":
        return X[:, 1] + X[:, 0] * X[:, 1] + 0.5 * X[:, 2]
    return X[:, 0] + X[:, 1] + 0.5 * X[:, 2]


def lognormal(z, variation):
    """Weights of mean 1 from standard normal values."""
    sigma = np.sqrt(np.log1p(variation**2))
    return np.exp(sigma * z - sigma**2 / 2)


def made(name, design, n, rng):
    """A sample of n labels and a pool; with unequal probabilities n is their expected number."""
    size = n + POOL if design != "pi" else round(n / 0.1268)
    X = rng.normal(size=(size, 5)).astype(np.float32)
    z = rng.normal(size=size) if name == "linear, chance" else X[:, 0]
    noise = 0.5 * rng.normal(size=size)
    if design == "pi":
        probability = 0.02 * 20 ** ndtr(z)  # log-uniform from .02 to .4
        spread = 0.02 / probability
        labeled = rng.random(size) < probability
        rows = {"probability": probability}
    else:
        spread = weights = lognormal(z, design)
        labeled = np.arange(size) < n
        rows = {"weights": weights}
    if name == "noisy":
        noise *= np.sqrt(spread / spread.mean())
    return Rows(X, signal(name, X) + noise, labeled, **rows)


@cache
def truth(name, design):
    """Mean and coefficient of x0, from two million rows."""
    rng = np.random.default_rng(10**6)
    X = rng.normal(size=(2_000_000, 5))
    z = rng.normal(size=len(X)) if name == "linear, chance" else X[:, 0]
    weights = np.ones(len(X)) if design == "pi" else lognormal(z, design)
    return weighted_answers(X[:, 0], signal(name, X), weights)


def weighted_answers(x, y, weights):
    mean_x, mean = (np.average(values, weights=weights) for values in (x, y))
    slope = np.average((x - mean_x) * (y - mean), weights=weights) / np.average(
        (x - mean_x) ** 2, weights=weights
    )
    return {"mean": mean, "coefficient": slope}


def real(folder, name, related, n, rng):
    from _rating_sets import load_vectors

    rated = load_vectors(folder, name)
    centred = rated.X - rated.X.mean(axis=0)
    first = centred @ np.linalg.eigh(centred.T @ centred)[1][:, -1]
    values = rated.y if related == "rating" else first
    z = (values - values.mean()) / values.std()
    chance = np.random.default_rng(7).normal(size=len(z))  # the same in all draws
    weights = lognormal((z + chance) / np.sqrt(2), 1.0)
    labeled = np.isin(np.arange(len(z)), rng.choice(len(z), n, replace=False))
    X = np.column_stack([first / first.std(), rated.X]).astype(np.float32)
    return Rows(X, rated.y, labeled, weights)


def predictions(rows, model, power, seed):
    """Of labels by the models that have not seen them, and of the pool by all models."""
    labeled, pool = np.flatnonzero(rows.labeled), np.flatnonzero(~rows.labeled)
    f, f_pool = np.empty(len(labeled)), np.zeros(len(pool))
    folds = KFold(FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(labeled):
        weights = rows.hajek(labeled[train]) ** power
        one = clone(model).fit(
            rows.X[labeled[train]], rows.y[labeled[train]], sample_weight=weights / weights.mean()
        )
        f[test] = np.ravel(one.predict(rows.X[labeled[test]]))
        f_pool += np.ravel(one.predict(rows.X[pool])) / FOLDS
    return f, f_pool


def answers(rows, model, power, seed):
    """Estimate and standard error of the mean and of the coefficient of x0."""
    f, f_pool = predictions(rows, model, power, seed)
    labeled, pool = np.flatnonzero(rows.labeled), np.flatnonzero(~rows.labeled)
    designs = {"design": rows.design(labeled), "design_unlabeled": rows.design(pool)}
    x, y = rows.X[:, :1], rows.y[labeled]
    mean = rectify_mean(y, f, f_pool, **designs)
    slope = rectify_linear_regression(x[labeled], y, f, x[pool], f_pool, **designs)
    return [
        (mean.estimate, mean.standard_error),
        (slope.estimate[1], slope.standard_error[1]),
    ]


def measure(draw, model, draws, powers, truths):
    """(draws, powers, estimands, 2) of squared standard errors and squared errors."""
    told = []
    for seed in range(draws):
        rows = draw(np.random.default_rng(seed))
        told.append([answers(rows, model, power, seed) for power in powers])
    estimates, errors = np.moveaxis(np.array(told), -1, 0)
    return errors**2, (estimates - np.array(list(truths.values()))) ** 2


def of_standard_errors(plain, weighted):
    logs = np.log(weighted / plain)
    ratio = np.exp(logs.mean())
    return ratio, ratio * logs.std(ddof=1) / np.sqrt(len(logs))


def of_errors(plain, weighted):
    """The error by leaving out a draw each."""
    ratio = weighted.sum() / plain.sum()
    left_out = (weighted.sum() - weighted) / (plain.sum() - plain)
    return ratio, np.sqrt(len(plain) - 1) * left_out.std()


def header(*first):
    columns = [f"{kind}, p = {p:g}" for kind in ("SE^2", "error^2") for p in POWERS[1:]]
    columns = [*first, *columns]
    print(f"\n| {' | '.join(columns)} |\n|{' --- |' * len(columns)}", flush=True)


def report(names, squares, errors, powers, estimands):
    for j, estimand in enumerate(estimands):
        cells = []
        for values, ratio in ((squares, of_standard_errors), (errors, of_errors)):
            for power in POWERS[1:]:
                if power not in powers:
                    cells.append("")
                    continue
                told = ratio(values[:, 0, j], values[:, powers.index(power), j])
                cells.append("{:.3f} +- {:.3f}".format(*told))
        print(f"| {' | '.join((*names, estimand, *cells))} |", flush=True)


def logs_of(squares, powers):
    """Mean logarithms of ratios of squared standard errors (powers - 1, estimands)."""
    return dict(zip(powers[1:], np.log(squares[:, 1:] / squares[:, :1]).mean(axis=0), strict=True))


def summarize(kept, estimands):
    """Geometric means over sizes and weights of each population, and the best and worst cell."""
    columns = [f"p = {p:g}" for p in POWERS[1:]]
    print(
        f"\n| model | population | estimand | {' | '.join(columns)} |\n|{' --- |' * (3 + len(columns))}"
    )
    for model, name in dict.fromkeys((model, name) for model, name, *_ in kept):
        for j, estimand in enumerate(estimands):
            cells = []
            for power in POWERS[1:]:
                logs = [
                    of_cell[power][j]
                    for one, population, _, of_cell in kept
                    if (one, population) == (model, name) and power in of_cell
                ]
                span = np.exp([np.mean(logs), min(logs), max(logs)]) if logs else None
                cells.append("{:.3f} ({:.2f} to {:.2f})".format(*span) if logs else "")
            print(f"| {model} | {name} | {estimand} | {' | '.join(cells)} |", flush=True)


def shown(design):
    return "pi .02 to .4" if design == "pi" else f"CV {design:g}"


@dataclass(frozen=True)
class Trial:
    """A model, and what it is tried on."""

    model: BaseEstimator
    draws: int
    sizes: tuple = (300,)
    powers: tuple = (0.0, 1.0, 2.0)
    populations: tuple = POPULATIONS
    designs: tuple = DESIGNS


def trials(options):
    boosted = HistGradientBoostingRegressor(max_iter=40, max_leaf_nodes=6, min_samples_leaf=10)
    told = {
        "ridge": Trial(Ridge(), options.draws, (100, 300, 1000), POWERS),
        "boosted trees": Trial(boosted, options.tree_draws),
    }
    if options.network_draws:
        from sklearn_ftr import VarianceRegressor

        network = VarianceRegressor(weight_decay=1.0, max_epochs=20, random_state=0)
        told["network"] = Trial(
            network, options.network_draws, populations=("linear", "mixed"), designs=(1.0, "pi")
        )
    return {name: trial for name, trial in told.items() if trial.draws}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--draws", type=int, default=60)
    parser.add_argument("--tree-draws", type=int, default=20)
    parser.add_argument("--network-draws", type=int, default=5)
    parser.add_argument("--real-draws", type=int, default=60)
    options = parser.parse_args()
    # The rows of the pool and of the labels differ on purpose.
    warnings.simplefilter("ignore", PredictionShiftWarning)
    estimands, kept = ("mean", "coefficient"), []
    header("model", "population", "weights", "n", "estimand")
    for label, trial in trials(options).items():
        for name, design, n in product(trial.populations, trial.designs, trial.sizes):
            squares, errors = measure(
                lambda rng, name=name, design=design, n=n: made(name, design, n, rng),
                *(trial.model, trial.draws, trial.powers, truth(name, design)),
            )
            report((label, name, shown(design), f"{n:,}"), squares, errors, trial.powers, estimands)
            kept.append((label, name, design, logs_of(squares, trial.powers)))
    summarize(kept, estimands)
    if options.data is None or not options.real_draws:
        return
    header("set", "weights of", "estimand")
    for name in REAL:
        for related in ("rating", "first component"):
            whole = real(options.data, name, related, 2, np.random.default_rng(0))
            squares, errors = measure(
                lambda rng, name=name, related=related: real(options.data, name, related, 300, rng),
                *(Ridge(), options.real_draws, POWERS),
                weighted_answers(whole.X[:, 0], whole.y, whole.weights),
            )
            report((name, related), squares, errors, POWERS, estimands)


if __name__ == "__main__":
    main()
