"""Coverage of 95 % intervals under sampling designs, with the design and without it, by simulation.

    python benchmarks/design_coverage.py [--reps 400] [--jobs 1] [--write FILE.md]

Every row has a latent number u, standard normal, and a score z that is known of all rows and has correlation .6 with u. Labels are
1 + u (mean, median), 1 + x b + u (linear regression), 1 + u and half as much again where the second column of x is above 0 (difference of these two
groups) or whether u is below the normal quantile of the logistic probability at x b (logistic regression), x two standard normal
columns, so that the true parameters are known exactly. In clusters, u and the first column have an intraclass
correlation. The judge is noisy and biased: 0.4 + 0.7 y and noise of sd 0.6, or 15 % of ones and 25 % of zeros turned around.

Clusters have 8 labeled rows each. Apart, the pool has other clusters of 8; shared, it has further rows of the same clusters. Strata are
z above and below its upper decile, 100 labels each, or, in a sample of 400 rows, above and below 0, 50 labels each. Labeling
probabilities are .06 exp(.7 z), at most .9. Weights are exp(-.7 z) for rows drawn with z shifted to match. A finite population is 2,000
rows drawn anew, of which the parameters themselves are asked. Draw i uses seed i, and serves all calls.
"""

import argparse
import functools
import sys
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import root
from scipy.special import expit, ndtri

from sklearn_ftr import (
    SamplingDesign,
    rectify_difference,
    rectify_linear_regression,
    rectify_logistic_regression,
    rectify_mean,
    rectify_quantile,
)

POOL = 3_000
POPULATION = 2_000
SMALL_SAMPLE = 400
LABELS = 300  # where no cell says otherwise
ROWS = 8  # labeled rows of a cluster
UPPER_DECILE = ndtri(0.9)
OF_SCORE = 0.6  # correlation of z and u
TILT = 0.7  # how strongly labeling and sampling depend on z
COEFFICIENTS = np.array([1.0, 0.5, -0.5])  # the intercept first
ESTIMANDS = ("mean", "difference", "linear", "logistic", "median")
DIFFERENCE = 0.5
CLUSTERS, CORRELATIONS = (20, 50, 200), (0.05, 0.2, 0.5)
SHARES = (0.05, 0.2, 0.5, 0.8, 0.95)
NUMBERS = 7  # of each coefficient and draw


def correlated(rng, clusters, correlation):
    """Standard normal numbers (n,) with an intraclass correlation."""
    of_cluster = rng.standard_normal(clusters.max() + 1)[clusters]
    return np.sqrt(correlation) * of_cluster + np.sqrt(1 - correlation) * rng.standard_normal(
        len(clusters)
    )


def outcomes(rng, estimand, u, x):
    """Labels and the judge's predictions of them."""
    eta = COEFFICIENTS[0] + x @ COEFFICIENTS[1:]
    if estimand == "logistic":
        y = (u < ndtri(expit(eta))) * 1.0
        return y, np.abs(y - (rng.random(len(y)) < np.where(y == 1, 0.15, 0.25)))
    y = eta + u if estimand == "linear" else COEFFICIENTS[0] + u
    if estimand == "difference":
        y = y + DIFFERENCE * second_group(x)
    return y, 0.4 + 0.7 * y + 0.6 * rng.standard_normal(len(y))


def clustered(rng, estimand, n_clusters, correlation, shared):
    """Labeled rows first: data, which rows are labeled, designs of both."""
    of_labels = np.repeat(np.arange(n_clusters), ROWS)
    of_pool = np.arange(POOL) % n_clusters if shared else n_clusters + np.arange(POOL) // ROWS
    clusters = np.concatenate([of_labels, of_pool])
    u = correlated(rng, clusters, correlation)
    x = np.column_stack([correlated(rng, clusters, correlation), rng.standard_normal(len(u))])
    labeled = np.arange(len(u)) < len(of_labels)
    return u, x, labeled, {"clusters": clusters}


def by_themselves(rng, n, shift=0.0):
    """Score, latent number and covariates of independent rows."""
    z = shift + rng.standard_normal(n)
    u = OF_SCORE * z + np.sqrt(1 - OF_SCORE**2) * rng.standard_normal(n)
    return z, u, rng.standard_normal((n, 2))


def stratified(rng, estimand):
    z, u, x = by_themselves(rng, POOL)
    strata, labeled = z > UPPER_DECILE, np.zeros(POOL, dtype=bool)
    for stratum in (False, True):
        labeled[rng.choice(np.flatnonzero(strata == stratum), 100, replace=False)] = True
    return u, x, labeled, {"strata": np.where(strata, "high", "low")}


def stratified_labels(rng, estimand, as_probability):
    """A small sample, of which only labels were drawn within strata."""
    z, u, x = by_themselves(rng, SMALL_SAMPLE)
    strata, labeled = (z > 0) * 1, np.zeros(SMALL_SAMPLE, dtype=bool)
    for stratum in (0, 1):
        labeled[rng.choice(np.flatnonzero(strata == stratum), 50, replace=False)] = True
    if as_probability:
        return u, x, labeled, {"labeling_probability": 50 / np.bincount(strata)[strata]}
    return u, x, labeled, {"strata": strata}


def unequal(rng, estimand):
    z, u, x = by_themselves(rng, POOL)
    probability = np.minimum(0.06 * np.exp(TILT * z), 0.9)
    return u, x, rng.random(POOL) < probability, {"labeling_probability": probability}


def weighted(rng, estimand):
    z, u, x = by_themselves(rng, POOL, shift=TILT)
    return u, x, np.arange(POOL) < LABELS, {"weights": np.exp(-TILT * z)}


def finite(rng, estimand, share):
    _, u, x = by_themselves(rng, POPULATION)
    labeled = np.zeros(POPULATION, dtype=bool)
    labeled[rng.choice(POPULATION, round(share * POPULATION), replace=False)] = True
    return u, x, labeled, {}


CELLS = {
    **{
        f"{n} clusters {'shared' if shared else 'apart'}, ICC {correlation}": functools.partial(
            clustered, n_clusters=n, correlation=correlation, shared=shared
        )
        for shared in (False, True)
        for n in CLUSTERS
        for correlation in CORRELATIONS
    },
    "strata .9/.1, labeled equally": stratified,
    f"{SMALL_SAMPLE} rows, strata of labels only": functools.partial(
        stratified_labels, as_probability=False
    ),
    "the same, as labeling probabilities": functools.partial(stratified_labels, as_probability=True),
    "unequal labeling probabilities": unequal,
    "weights": weighted,
    **{
        f"finite population, {share:.0%} labeled": functools.partial(finite, share=share)
        for share in SHARES
    },
}


def second_group(x):
    """Which rows are in the second of two groups."""
    return x[:, 1] > 0


def true_parameters(estimand):
    """Of the population."""
    known = {
        "mean": COEFFICIENTS[:1],
        "median": COEFFICIENTS[:1],
        "difference": np.array([DIFFERENCE]),
    }
    return known.get(estimand, COEFFICIENTS)


def parameters_of(estimand, x, y):
    """Of exactly these rows."""
    if estimand == "median":
        return np.quantile(y, [0.5], method="inverted_cdf")
    if estimand == "difference":
        group = second_group(x)
        return np.array([y[group].mean() - y[~group].mean()])
    X = np.column_stack([np.ones(len(y)), x])
    if estimand == "mean":
        return np.array([y.mean()])
    if estimand == "linear":
        return np.linalg.lstsq(X, y, rcond=None)[0]
    return root(lambda theta: X.T @ (y - expit(X @ theta)) / len(y), COEFFICIENTS, tol=1e-12).x


def call(estimand, data, **options):
    """The function's answer."""
    x, y, f, labeled = data
    if estimand == "mean":
        return rectify_mean(y[labeled], f[labeled], f[~labeled], **options)
    if estimand == "median":
        return rectify_quantile(y[labeled], f[labeled], f[~labeled], **options)
    if estimand == "difference":
        group = second_group(x)
        return rectify_difference(
            *(y[labeled], f[labeled], f[~labeled], group[labeled], group[~labeled]), **options
        )
    function = {"linear": rectify_linear_regression, "logistic": rectify_logistic_regression}[estimand]
    return function(x[labeled], y[labeled], f[labeled], x[~labeled], f[~labeled], **options)


def numbers_of_draw(seed, name, estimand):
    """Error, standard error, whether the interval holds the truth, efficiency; held of labels only; error and held without the design."""
    rng = np.random.default_rng(seed)
    u, x, labeled, columns = CELLS[name](rng, estimand)
    y, f = outcomes(rng, estimand, u, x)
    truth, options = true_parameters(estimand), {}
    if columns:
        options["design"] = SamplingDesign(**{key: one[labeled] for key, one in columns.items()})
        options["design_unlabeled"] = SamplingDesign(
            **{key: one[~labeled] for key, one in columns.items()}
        )
    else:
        truth, options = parameters_of(estimand, x, y), {"finite_population": True}
    data = x, y, f, labeled
    answer, without = call(estimand, data, **options), call(estimand, data)
    rows = [answer.estimate - truth, answer.standard_error, held(answer, truth), answer.efficiency]
    rows += [held(answer.labels_only, truth), without.estimate - truth, held(without, truth)]
    return np.array([np.broadcast_to(one, truth.shape) for one in rows], dtype=float)


def held(answer, truth):
    """Whether the interval holds the truth."""
    low, high = answer.confidence_interval(0.95)
    return (low <= truth) & (truth <= high)


def simulate(name, estimand, reps, jobs=1):
    """Measured numbers (k,) of all coefficients."""
    table = np.array(
        Parallel(n_jobs=jobs, batch_size=20)(
            delayed(numbers_of_draw)(seed, name, estimand) for seed in range(reps)
        )
    ).transpose(1, 0, 2)
    error, stated, within, efficiency, alone, _, without = table
    return {
        "coverage": within.mean(axis=0),
        "coverage error": within.mean(axis=1).std(ddof=1) / np.sqrt(reps),
        "ratio": stated.mean(axis=0) / error.std(axis=0, ddof=1),
        "efficiency": efficiency.mean(axis=0),
        "coverage alone": alone.mean(axis=0),
        "coverage without": without.mean(axis=0),
    }


def row(name, cell):
    """One line of the table."""
    shares, without = 100 * cell["coverage"], 100 * cell["coverage without"]
    numbers = [
        f"{shares.mean():.1f} +- {100 * cell['coverage error']:.1f}",
        f"{shares.min():.1f}",
        f"{cell['ratio'].mean():.2f}",
        f"{cell['efficiency'].mean():.2f}",
        f"{100 * cell['coverage alone'].mean():.1f}",
        f"{without.mean():.1f}",
        f"{without.min():.1f}",
    ]
    return f"| {name} | " + " | ".join(numbers) + " |"


def markdown(tables, reps):
    """The tables for a page of the documentation."""
    error = 100 * np.sqrt(0.95 * 0.05 / reps)
    lines = [
        f"Share of {reps:,} simulated data sets (seeds 0 to {reps - 1:,}) whose nominal 95 % interval holds the true parameter, in percent: mean",
        f"over the coefficients with one Monte Carlo standard error, and the worst coefficient (error of one: {error:.1f}). SE / sd is the mean",
        f"standard error over the standard deviation of the estimates (error {1 / np.sqrt(2 * reps):.2f} for one coefficient), efficiency the mean of",
        "`efficiency`. Labels only: coverage of `labels_only` with the design. Without: coverage of the same call without the design, or",
        "without `finite_population=True`; for a finite population, that is an interval for what it was drawn from, and so too wide.",
        "",
    ]
    names = ["coverage", "worst", "SE / sd", "efficiency", "labels only", "without", "worst"]
    for estimand, rows in tables.items():
        lines += [
            f"### {estimand.capitalize()}{' regression' * estimand.startswith(('lin', 'log'))}",
            "",
        ]
        lines += [
            "| design | " + " | ".join(names) + " |",
            "| --- |" + " --- |" * len(names),
        ]
        lines += [row(name, cell) for name, cell in rows.items()]
        lines.append("")
    return "\n".join(lines)


def run(reps, jobs=1):
    """Simulate everything, with progress."""
    tables = {}
    for estimand in ESTIMANDS:
        tables[estimand] = {}
        for name in CELLS:
            tables[estimand][name] = simulate(name, estimand, reps, jobs)
            print(row(f"{estimand}, {name}", tables[estimand][name]), file=sys.stderr, flush=True)
    return tables


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reps", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    text = markdown(run(options.reps, options.jobs), options.reps)
    print(text)
    if options.write:
        options.write.write_text(text)


if __name__ == "__main__":
    main()
