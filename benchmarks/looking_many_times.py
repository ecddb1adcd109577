"""How often intervals miss the truth at any of 29 looks: the ordinary interval, and the confidence sequence.

The ordinary interval is also taken where it stops: at the first look at which it is no wider than it is at the 15th on average.

    python benchmarks/looking_many_times.py [--runs 4000] [--jobs 2] [--first 50 20] [--method given] [--interval auto] [--data FOLDER]

Labels arrive in rounds: the first look is at 50 labels, the last, 29th, at 610 (from 20: at 20, 28, ... 244). "given" rectifies with predictions
that do not change; a split (0.2, recycled, rows that have trained keep training) and cross-fitting (K = 5) train a ridge regression anew
at each look. The pool has 1,000 rows that never get a label and, if models are trained, those that have none yet. 50 runs are so many outputs of one estimator, with data
of their own and one random split; batch i uses seed i. FOLDER has text/ and embeddings/ of EmoBank: 30 principal components of the vectors, labels and pool
drawn without replacement.
"""

import argparse
import warnings
from functools import cache
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import norm
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.decomposition import PCA

from sklearn_ftr import (
    PredictionShiftWarning,
    RectifiedMeanEstimator,
    ZeroWidthIntervalWarning,
    rectify_mean,
)

LOOKS, POOL, RUNS_AT_ONCE = 29, 1_000, 50
METHODS = {"given": None, "split": {"recycle": True}, "K = 5": {"cv": 5}}


class RidgeOfEachRun(RegressorMixin, BaseEstimator):
    """Ridge regressions (penalty 1) of the runs' labels (n, runs) on columns of their own: X is (n, runs d)."""

    def fit(self, X, y):
        """All runs at once."""
        X = X.reshape(*y.shape, -1)
        self.center_, self.mean_ = X.mean(axis=0), y.mean(axis=0)
        Z = (X - self.center_).transpose(1, 2, 0)
        products = Z @ Z.transpose(0, 2, 1) + np.eye(X.shape[2])
        self.coef_ = np.linalg.solve(products, Z @ (y - self.mean_).T[:, :, None])[:, :, 0]
        return self

    def predict(self, X):
        """One column for each run."""
        Z = X.reshape(len(X), *self.center_.shape) - self.center_
        return self.mean_ + np.einsum("nrd,rd->nr", Z, self.coef_)


# Each draws rows of an array of shape n: columns, labels and given predictions.


def linear(rng, n, link=lambda z: z):
    """Five columns, R^2 = 0.5 before the link; what the columns say is predicted."""
    X = rng.standard_normal((*n, 5))
    z = X.sum(axis=-1) / np.sqrt(10)
    return X, link(z + np.sqrt(0.5) * rng.standard_normal(n)), link(z)


def late(rng, n):
    """What six columns say together is learned late; given predictions know of the first only."""
    X = rng.standard_normal((*n, 6))
    alone = 3 + np.sin(X[..., 0])
    y = alone + X[..., 1] * X[..., 2] + 0.3 * rng.standard_normal(n)
    first, second = np.triu_indices(6)
    return np.concatenate([X, X[..., first] * X[..., second]], axis=-1), y, alone


def exponential(rng, n):
    """Skewness 2."""
    return linear(rng, n, lambda z: -norm.logsf(z))


def share(rng, n):
    """One label in ten is 1."""
    return linear(rng, n, lambda z: (z > norm.ppf(0.9)) * 1.0)


def lognormal(rng, n):
    """Skewness 6."""
    return linear(rng, n, np.exp)


# Name: how to draw it, its mean.
POPULATIONS = {
    "linear": (linear, 0.0),
    "late": (late, 3.0),
    "exponential": (exponential, 1.0),
    "a share of 0.1": (share, 0.1),
    "lognormal": (lognormal, np.exp(0.5)),
}


@cache
def emobank(folder):
    """Components of the vectors, and mean valence, of all sentences."""
    import pandas as pd

    vectors = np.load(folder / "embeddings" / "emobank.minilm_l6_v2.npz")
    table = pd.read_csv(folder / "text" / "emobank.csv.gz", keep_default_na=False)
    X = PCA(30, random_state=0).fit_transform(vectors["emb"].astype(float))
    y = table["V"].to_numpy(float)[vectors["row"]]
    return X, y, X @ np.linalg.lstsq(X, y - y.mean(), rcond=None)[0]


def with_emobank(folder):
    """All populations; given predictions of EmoBank are those of the best linear predictor."""
    X, y, f = emobank(folder)

    def draw(rng, n):
        columns = np.stack([rng.permutation(len(y))[: n[-1]] for _ in range(int(np.prod(n[:-1])))])
        rows = columns.reshape(n)
        return X[rows], y[rows], f[rows]

    return {**POPULATIONS, "EmoBank V": (draw, y.mean())}


def sizes_from(first):
    return first + first * 2 // 5 * np.arange(LOOKS)


def given(X, y, f, sizes):
    """Results of each look, with predictions that stay."""
    return [rectify_mean(y[:n], f[:n], f[sizes[-1] :]) for n in sizes]


def trained(X, y, sizes, seed, settings):
    """Results of each look, with models that are trained anew."""
    has_trained, results = np.zeros(len(y), dtype=bool), []
    for n in sizes:
        known = np.where(np.arange(len(y)) < n, y.T, np.nan).T
        rectified = RectifiedMeanEstimator(RidgeOfEachRun(), random_state=seed + int(n), **settings)
        rectified.fit(X.reshape(len(X), -1), known, finetune_rows=has_trained)
        has_trained = rectified.finetune_rows_
        results.append(rectified.result_)
    return results


def looks(population, seed, first, settings, interval):
    """Whether intervals miss, ordinary ones and those of the sequence (2, looks, runs), and their widths."""
    draw, truth = population
    sizes = first + first * 2 // 5 * np.arange(LOOKS)
    rows = draw(np.random.default_rng(seed), (RUNS_AT_ONCE, sizes[-1] + POOL))
    X, y, f = (np.swapaxes(array, 0, 1) for array in rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PredictionShiftWarning)  # by chance, in one of 16,000 looks
        warnings.simplefilter("ignore", ZeroWidthIntervalWarning)  # 20 labels of a share, all alike
        results = trained(X, y, sizes, seed, settings) if settings else given(X, y, f, sizes)
    ends = np.array(
        [
            [one.confidence_interval(method=interval) for one in results],
            [one.confidence_sequence(n_first=first, method=interval) for one in results],
        ]
    )
    low, high = np.moveaxis(ends, 2, 0)
    return (low > truth) | (high < truth), high - low


def simulate(population, first, settings, runs, jobs, interval="t"):
    """Shares of runs in which the interval and the sequence ever miss, and the interval when it stops; the sequence's width over the interval's, first, middle and last look."""
    found = Parallel(n_jobs=jobs)(
        delayed(looks)(population, seed, first, settings, interval)
        for seed in range(runs // RUNS_AT_ONCE)
    )
    missed, widths = (np.concatenate(part, axis=-1) for part in zip(*found, strict=True))
    of_interval, of_sequence = widths.mean(axis=-1)
    stops = first_narrow(widths[0], of_interval[LOOKS // 2])
    at_stop = np.take_along_axis(missed[0], stops[None], axis=0)
    shares = np.array([*missed.any(axis=1).mean(axis=-1), at_stop.mean()])
    return shares, (of_sequence / of_interval)[[0, LOOKS // 2, -1]]


def first_narrow(widths, goal):
    """The first look of each run at which the interval is no wider than the goal, or else the last one."""
    narrow = widths <= goal
    narrow[-1] = True
    return narrow.argmax(axis=0)


def monte_carlo_error(share, runs):
    """Of a share of runs."""
    return np.sqrt(share * (1 - share) / runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=4_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--first", type=int, nargs="+", default=[50])
    parser.add_argument("--method", choices=METHODS, nargs="+", default=list(METHODS))
    parser.add_argument("--interval", default="t")
    parser.add_argument("--population", nargs="+")
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    populations = with_emobank(options.data) if options.data else POPULATIONS
    columns = ["population", "method", "looks from", "interval ever misses", "sequence ever misses"]
    columns += ["interval misses when it stops", "width: first, 15th, last look"]
    print("|", " | ".join(columns), "|\n|", " | ".join(["---"] * len(columns)), "|")
    for name in options.population or populations:
        for method in options.method:
            for first in options.first:
                shares, ratios = simulate(
                    *(populations[name], first, METHODS[method]),
                    *(options.runs, options.jobs, options.interval),
                )
                errors = monte_carlo_error(shares, options.runs)
                cells = [
                    f"{100 * p:.1f} +- {100 * e:.1f} %" for p, e in zip(shares, errors, strict=True)
                ]
                width = ", ".join(f"{ratio:.2f}" for ratio in ratios)
                print("|", " | ".join([name, method, str(first), *cells, width]), "|", flush=True)


if __name__ == "__main__":
    main()
