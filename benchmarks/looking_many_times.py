"""How often intervals miss the truth at any of 29 looks: the ordinary interval, and the confidence sequence.

    python benchmarks/looking_many_times.py [--runs 4000] [--jobs 2] [--first 50 20] [--method given] [--data FOLDER]

Labels arrive in rounds: the first look is at 50 labels, the last, 29th, at 610 (from 20: at 20, 28, ... 244). "given" rectifies with predictions
that do not change, in runs of 4,000; a split (0.2, recycled, rows that have trained keep training) and cross-fitting (K = 5) train a ridge regression anew
at each look, and need about 1 s for a run. The pool has 1,000 rows that never get a label, and those that have none yet if models are trained. Run i uses seed i; with given
predictions, 100 runs share a seed. FOLDER has text/ and embeddings/ of EmoBank: 30 principal components of the vectors, labels and pool drawn without
replacement.
"""

import argparse
import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import norm
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from sklearn_ftr import (
    PredictionShiftWarning,
    RectifiedMeanEstimator,
    ZeroWidthIntervalWarning,
    rectify_mean,
)

LOOKS, POOL, RUNS_AT_ONCE = 29, 1_000, 100
METHODS = {"given": None, "split": {"recycle": True}, "K = 5": {"cv": 5}}


def linear(rng, n, link=lambda z: z):
    """Five columns, R^2 = 0.5 before the link; what the columns say is predicted."""
    X = rng.standard_normal((*n, 5))
    z = X.sum(axis=-1) / np.sqrt(10)
    return X, link(z + np.sqrt(0.5) * rng.standard_normal(n)), link(z)


def late(rng, n):
    """What six columns say together is learned late; given predictions know of the first only."""
    X = rng.standard_normal((*n, 6))
    alone = 3 + np.sin(X[..., 0])
    return X, alone + X[..., 1] * X[..., 2] + 0.3 * rng.standard_normal(n), alone


def exponential(rng, n):
    """Skewness 2."""
    return linear(rng, n, lambda z: -norm.logsf(z))


def share(rng, n):
    """One label in ten is 1."""
    return linear(rng, n, lambda z: (z > norm.ppf(0.9)) * 1.0)


def lognormal(rng, n):
    """Skewness 6."""
    return linear(rng, n, np.exp)


QUADRATIC = make_pipeline(PolynomialFeatures(2, include_bias=False), Ridge())
# Name: how to draw it, its mean, the model that is trained.
POPULATIONS = {
    "linear": (linear, 0.0, Ridge()),
    "late": (late, 3.0, QUADRATIC),
    "exponential": (exponential, 1.0, Ridge()),
    "a share of 0.1": (share, 0.1, Ridge()),
    "lognormal": (lognormal, np.exp(0.5), Ridge()),
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

    return {**POPULATIONS, "EmoBank V": (draw, y.mean(), Ridge())}


def sizes_from(first):
    return first + first * 2 // 5 * np.arange(LOOKS)


def given(population, seed, first):
    """Results of each look, for many runs as so many outputs."""
    draw, *_ = population
    sizes = sizes_from(first)
    _, y, f = draw(np.random.default_rng(seed), (RUNS_AT_ONCE, sizes[-1] + POOL))
    return [rectify_mean(y[:, :n].T, f[:, :n].T, f[:, sizes[-1] :].T) for n in sizes]


def trained(population, seed, first, settings):
    """Results of each look, of one run whose model is trained anew."""
    draw, _, model = population
    sizes = sizes_from(first)
    X, y, _ = draw(np.random.default_rng(seed), (sizes[-1] + POOL,))
    has_trained, results = np.zeros(len(y), dtype=bool), []
    for n in sizes:
        rectified = RectifiedMeanEstimator(model, random_state=seed + int(n), **settings)
        known = np.where(np.arange(len(y)) < n, y, np.nan)
        rectified.fit(X, known, finetune_rows=has_trained)
        has_trained = rectified.finetune_rows_
        results.append(rectified.result_)
    return results


def looks(population, seed, first, settings):
    """Whether each run's intervals miss at each look, ordinary and of the sequence (2, looks, runs), and their widths."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PredictionShiftWarning)  # by chance, in one of 16,000 looks
        warnings.simplefilter("ignore", ZeroWidthIntervalWarning)  # 20 labels of a share, all alike
        if settings is None:
            results = given(population, seed, first)
        else:
            results = trained(population, seed, first, settings)
    ends = np.array(
        [
            [np.broadcast_arrays(*one.confidence_interval()) for one in results],
            [np.broadcast_arrays(*one.confidence_sequence(n_first=first)) for one in results],
        ]
    )
    low, high = np.moveaxis(ends, 2, 0).reshape(2, 2, LOOKS, -1)
    return (low > population[1]) | (high < population[1]), high - low


def simulate(population, first, settings, runs, jobs):
    """Shares of runs that ever miss, with Monte Carlo errors, and the sequence's width over the ordinary one, first, middle and last look."""
    seeds = range(runs // RUNS_AT_ONCE if settings is None else runs)
    found = Parallel(n_jobs=jobs)(delayed(looks)(population, s, first, settings) for s in seeds)
    missed, widths = (np.concatenate(part, axis=-1) for part in zip(*found, strict=True))
    ever = missed.any(axis=1).mean(axis=-1)
    mean_widths = widths.mean(axis=-1)
    ratios = (mean_widths[1] / mean_widths[0])[[0, LOOKS // 2, -1]]
    return ever, np.sqrt(ever * (1 - ever) / missed.shape[-1]), ratios, missed.shape[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=4_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--first", type=int, nargs="+", default=[50])
    parser.add_argument("--method", choices=METHODS, nargs="+", default=list(METHODS))
    parser.add_argument("--population", nargs="+")
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    populations = with_emobank(options.data) if options.data else POPULATIONS
    print(
        "| population | method | looks from | runs | interval ever misses | sequence ever misses | width: first, 15th, last look |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in options.population or populations:
        for method in options.method:
            for first in options.first:
                ever, errors, ratios, runs = simulate(
                    populations[name], first, METHODS[method], options.runs, options.jobs
                )
                cells = [f"{100 * e:.1f} +- {100 * s:.1f} %" for e, s in zip(ever, errors, strict=True)]
                width = ", ".join(f"{ratio:.2f}" for ratio in ratios)
                print(
                    "|",
                    " | ".join([name, method, str(first), f"{runs:,}", *cells, width]),
                    "|",
                    flush=True,
                )


if __name__ == "__main__":
    sys.exit(main())
