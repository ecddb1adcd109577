"""Coverage of the 95 % interval of RectifiedMeanEstimator, by simulation.

    python benchmarks/interval_coverage.py [--draws 5000] [--jobs 2] [--write docs/coverage.md]

z = x'beta + noise with three standard normal features, variance 1 and the given R^2; y is z (Gaussian), whether z is
below 1.2816 (a share of 0.9), or exp(z) (lognormal). Ridge regression inside; a pool of 1,000 rows. A split trains on s = r / 4 (at least 2) labels and rectifies with r; cross-fitting uses n = r
labels and five folds. Draw i uses seed i. One simulated data set serves all methods of a row.
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import norm
from sklearn.linear_model import Ridge

from sklearn_ftr import RectifiedMeanEstimator, ZeroWidthIntervalWarning
from sklearn_ftr._printed_table import markdown_table

SIZES = (10, 20, 50, 200)
# Name: R^2 of z, y as a function of z, true mean of y.
POPULATIONS = {
    "Gaussian, R^2 = 0.1": (0.1, lambda z: z, 0.0),
    "Gaussian, R^2 = 0.5": (0.5, lambda z: z, 0.0),
    "a share of 0.9, R^2 = 0.5": (0.5, lambda z: (z < norm.ppf(0.9)) * 1.0, 0.9),
    "lognormal, R^2 = 0.5": (0.5, np.exp, np.exp(0.5)),
}
LABELS_ONLY = "labels only (r labels)"
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


def draw(seed, n, population):
    """Features and labels, labeled rows first."""
    r_squared, function, _ = POPULATIONS[population]
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n + POOL, 3))
    z = X.sum(axis=1) * np.sqrt(r_squared / 3)
    y = function(z + np.sqrt(1 - r_squared) * rng.standard_normal(len(z)))
    y[n:] = np.nan
    return X, y


def errors(seed, r, population):
    """Error of the estimate, standard error, and whether the interval holds the truth, for each method."""
    s = max(2, r // 4)
    X, y = draw(seed, r + s, population)
    truth = POPULATIONS[population][2]
    answers = []
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ZeroWidthIntervalWarning
        )  # all labels alike, among a few of a share
        for settings in METHODS.values():
            first = s if "cv" in settings else 0  # cross-fitting gets r labels in all
            model = RectifiedMeanEstimator(
                Ridge(), split_ratio=s, interval="t", random_state=seed, **settings
            )
            answers.append(model.fit(X[first:], y[first:]).result_)
    rows = []
    for answer in [answers[-1].labels_only, *answers]:
        low, high = answer.confidence_interval(LEVEL)
        rows.append((answer.estimate - truth, answer.standard_error, low <= truth <= high))
    return rows


def simulate(r, population, draws, jobs):
    """For each method: coverage, its Monte Carlo standard error, and mean variance over true variance."""
    results = np.array(
        Parallel(n_jobs=jobs, batch_size=50)(
            delayed(errors)(seed, r, population) for seed in range(draws)
        )
    )
    table = {}
    for method, (error, standard_error, held) in zip(
        [LABELS_ONLY, *METHODS], results.transpose(1, 2, 0), strict=True
    ):
        coverage = held.mean()
        table[method] = (
            coverage,
            np.sqrt(coverage * (1 - coverage) / draws),
            np.mean(standard_error**2) / np.mean(error**2),
        )
    return table


def markdown(tables, draws):
    """The tables as the page of the documentation."""
    lines = [
        "# Coverage of the intervals",
        "",
        f"Share of {draws:,} simulated data sets whose 95 % interval holds the true mean, in percent, with one",
        "Monte Carlo standard error; in brackets the mean of the estimated variance over the true one. r labels rectify;",
        "under cross-fitting (K = 5) and with labels only there are r labels in all. Features, sizes and seeds:",
        "`benchmarks/interval_coverage.py`.",
        "For shares near 0 or 1 and for skewed labels the t interval of labels only covers less than 95 % as well; the",
        "methods are to be compared with that row. Intervals are Student's here; [other methods](which_interval.md).",
        "Written by `python benchmarks/interval_coverage.py --write docs/coverage.md`.",
        "",
    ]
    for population, rows in tables.items():
        lines += [
            f"## {population[0].upper()}{population[1:]}",
            "",
            markdown_table(["method", *(f"r = {r}" for r in rows)], list(_cells(rows))),
            "",
        ]
    return "\n".join(lines)


def _cells(rows):
    """Of each method at each number of labels."""
    for method in [LABELS_ONLY, *METHODS]:
        found = (rows[r][method] for r in rows)
        yield [
            method,
            *(f"{100 * c:.1f} +- {100 * error:.1f} ({ratio:.2f})" for c, error, ratio in found),
        ]


def run(draws, jobs):
    """Simulate all populations and sizes, with progress."""
    tables = {population: {} for population in POPULATIONS}
    for population in POPULATIONS:
        for r in SIZES:
            tables[population][r] = simulate(r, population, draws, jobs)
            print(f"{population}, r = {r}: done", file=sys.stderr, flush=True)
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
