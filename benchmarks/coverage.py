"""Coverage of the 95 % interval of RectifiedMeanEstimator on Gaussian data, by simulation.

    python benchmarks/coverage.py [--draws 5000] [--jobs 2] [--write docs/coverage.md]

y = x'beta + noise with three standard normal features, variance 1 and the given R^2; ridge regression inside; a
pool of 1,000 rows. A split trains on s = r / 4 (at least 2) labels and rectifies with r; cross-fitting uses n = r
labels and five folds. Draw i uses seed i. One simulated data set serves all methods of a row.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from sklearn.linear_model import Ridge

from sklearn_ftr import RectifiedMeanEstimator

SIZES = (10, 20, 50, 200)
R_SQUARED = (0.1, 0.5)
POOL = 1_000
LEVEL = 0.95
METHODS = {
    f"{name}, {'tuned' if tuned else 'lambda = 1'}": {**settings, "power_tuning": tuned}
    for name, settings in {
        "split": {"recycle": False},
        "split, recycled": {"recycle": True},
        "K = 5": {"cv": 5},
    }.items()
    for tuned in (True, False)
}


def draw(seed, n, r_squared):
    """Labeled rows first; the true mean is 0."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n + POOL, 3))
    y = X.sum(axis=1) * np.sqrt(r_squared / 3)
    y += np.sqrt(1 - r_squared) * rng.standard_normal(len(y))
    y[n:] = np.nan
    return X, y


def errors(seed, r, r_squared):
    """Estimate and standard error, and whether the interval holds 0, for each method."""
    s = max(2, r // 4)
    X, y = draw(seed, r + s, r_squared)
    rows = []
    for settings in METHODS.values():
        first = s if "cv" in settings else 0  # cross-fitting gets r labels in all
        model = RectifiedMeanEstimator(Ridge(), split_ratio=s, random_state=seed, **settings)
        model.fit(X[first:], y[first:])
        low, high = model.confidence_interval(LEVEL)
        rows.append((model.mean_, model.standard_error_, low <= 0 <= high))
    return rows


def simulate(r, r_squared, draws, jobs):
    """For each method: coverage, its Monte Carlo standard error, and mean variance over true variance."""
    results = np.array(
        Parallel(n_jobs=jobs, batch_size=50)(
            delayed(errors)(seed, r, r_squared) for seed in range(draws)
        )
    )
    table = {}
    for method, (estimate, error, held) in zip(METHODS, results.transpose(1, 2, 0), strict=True):
        coverage = held.mean()
        table[method] = (
            coverage,
            np.sqrt(coverage * (1 - coverage) / draws),
            np.mean(error**2) / np.mean(estimate**2),
        )
    return table


def markdown(tables, draws):
    """The tables as the page of the documentation."""
    lines = [
        "# Coverage of the intervals",
        "",
        f"Share of {draws:,} simulated Gaussian data sets whose 95 % interval holds the true mean, in percent, with one",
        "Monte Carlo standard error; in brackets the mean of the estimated variance over the true one. r labels rectify;",
        "under cross-fitting (K = 5) there are r labels in all. Features, sizes and seeds: `benchmarks/coverage.py`.",
        "Written by `python benchmarks/coverage.py --write docs/coverage.md`.",
        "",
    ]
    for r_squared, rows in tables.items():
        lines += [
            f"## R^2 of the best predictor: {r_squared}",
            "",
            "| method | " + " | ".join(f"r = {r}" for r in rows) + " |",
            "| --- |" + " --- |" * len(rows),
        ]
        for method in METHODS:
            cells = [
                f"{100 * coverage:.1f} +- {100 * error:.1f} ({ratio:.2f})"
                for coverage, error, ratio in (rows[r][method] for r in rows)
            ]
            lines.append(f"| {method} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def run(draws, jobs):
    """Simulate all sizes, with progress."""
    tables = {r_squared: {} for r_squared in R_SQUARED}
    for r_squared in R_SQUARED:
        for r in SIZES:
            tables[r_squared][r] = simulate(r, r_squared, draws, jobs)
            print(f"R^2 = {r_squared}, r = {r}: done", file=sys.stderr, flush=True)
    return tables


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=5_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    text = markdown(run(options.draws, options.jobs), options.draws)
    print(text)
    if options.write:
        options.write.write_text(text)


if __name__ == "__main__":
    main()
