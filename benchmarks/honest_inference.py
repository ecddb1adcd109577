"""Coverage of the 95 % interval after the allocator has chosen on the same labels.

    python benchmarks/honest_inference.py [--draws 2000] [--jobs 2] [--data FOLDER]

Synthetic: y = x'beta + noise, d standard normal features, R^2 as stated, so that the law of least squares is known;
2,000 unlabeled rows; true mean 0. With --data: EmoBank V (see regret.py), n of its 10,062 rows as labels, 4,000 others
as the pool, target the mean of all; with n = 1000 the interval is a little too wide for that mean. Ridge regression,
draw i uses seed i.
"""

import argparse
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from sklearn.linear_model import Ridge

from sklearn_ftr import FineTuneRectifyAllocator, RectifiedMeanEstimator

SIZES = (100, 300, 1000)
LAWS = {"d = 5, R^2 = 0.5": (5, 0.5), "d = 30, R^2 = 0.8": (30, 0.8), "d = 30, R^2 = 0.02": (30, 0.02)}
STRATEGIES = {
    "split": {"strategy": "split"},
    "split, plain": {"strategy": "split", "recycle": False},
    "auto": {"strategy": "auto"},
}


def synthetic(seed, n, law):
    d, r_squared = LAWS[law]
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n + 2_000, d))
    y = X.sum(axis=1) * np.sqrt(r_squared / d) + np.sqrt(1 - r_squared) * rng.standard_normal(len(X))
    y[n:] = np.nan
    return X, y, 0.0


def real(seed, n, population):
    X, y = population
    rows = np.random.default_rng(seed).permutation(len(y))[: n + 4_000]
    labels = np.where(np.arange(len(rows)) < n, y[rows], np.nan)
    return X[rows], labels, y.mean()


def holds(draw, seed, n, source):
    """For each strategy: whether the interval holds the truth, and which option was chosen."""
    X, y, truth = draw(seed, n, source)
    answers = []
    for settings in STRATEGIES.values():
        inner = RectifiedMeanEstimator(Ridge(), recycle=settings.get("recycle", True))
        allocator = FineTuneRectifyAllocator(
            inner, strategy=settings["strategy"], n_bootstrap=5, random_state=seed
        )
        low, high = allocator.fit(X, y).confidence_interval()
        answers.append((low <= truth <= high, allocator.best_option_.strategy == "labels only"))
    return answers


def coverage(draw, n, source, draws, jobs):
    """For each strategy: coverage, its Monte Carlo standard error, share of draws that chose labels only."""
    results = np.array(
        Parallel(n_jobs=jobs, batch_size=20)(
            delayed(holds)(draw, seed, n, source) for seed in range(draws)
        )
    )
    share = results[:, :, 0].mean(axis=0)
    error = np.sqrt(share * (1 - share) / draws)
    return dict(
        zip(STRATEGIES, zip(share, error, results[:, :, 1].mean(axis=0), strict=True), strict=True)
    )


def run(draws, jobs, folder=None):
    """Coverage tables of all populations, as lines of markdown and as numbers."""
    sources = [(law, synthetic, law) for law in LAWS]
    if folder is not None:
        from regret import load

        sources.append(("EmoBank V", real, load(folder, "EmoBank V")))
    table, lines = {}, ["| population | n | " + " | ".join(STRATEGIES) + " | auto chose labels only |"]
    lines.append("| --- |" + " --- |" * (len(STRATEGIES) + 2))
    for name, draw, source in sources:
        for n in SIZES:
            row = coverage(draw, n, source, draws, jobs)
            table[name, n] = row
            cells = " | ".join(
                f"{100 * share:.1f} +- {100 * error:.1f} %" for share, error, _ in row.values()
            )
            lines.append(f"| {name} | {n} | {cells} | {100 * row['auto'][2]:.0f} % |")
            print(lines[-1], flush=True)
    return table, lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=2_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    print("\n".join(run(options.draws, options.jobs, options.data)[1][:2]))


if __name__ == "__main__":
    main()
