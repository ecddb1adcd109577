"""Coverage of the 95 % intervals of the estimators beyond the mean, by simulation.

    python benchmarks/estimand_coverage.py [--draws 1000] [--jobs 1] [--ridge] [--write docs/FILE.md]

Four features: a group, a skewed covariate (standardised Beta(1, 6), skewness 1.28), two standard normal ones. Labels
depend on eta, which is not linear in them, so that a linear predictor is wrong: normal with mean eta, Bernoulli with log
odds 2 eta, or Poisson with logarithm 1.5 + 0.3 eta; stars are the normal ones cut into five at levels .05, .2, .48 and .9, so
that just below the median, 4, the distribution function is .48, and at it .9. Regressions are on the second and third feature only. True parameters
are from Gauss quadrature (to seven digits). Least squares inside, or the default ridge with --ridge; a pool of 2,000 rows.
A split of 20 % trains on r / 4 labels and rectifies with r; cross-fitting has r labels in all. Draw i uses seed i, and
serves all ways.
"""

import argparse
import functools
import sys
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import brentq, root
from scipy.special import expit, ndtr, roots_hermitenorm, roots_jacobi
from sklearn.linear_model import LinearRegression

from sklearn_ftr import (
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedPoissonRegression,
    RectifiedQuantile,
)

SIZES = (50, 200, 1_000)
POOL = 2_000
NOISE = 0.7
SHAPE = (1, 6)  # of the Beta distribution
COVARIATES = [1, 2]
STARS = (0.05, 0.2, 0.48, 0.9)
INSIDE = {"least squares": LinearRegression(), "the default ridge": None}
# Name: estimator, and the kind of its labels.
ESTIMANDS = {
    "median": (functools.partial(RectifiedQuantile, q=0.5), "normal"),
    "quantile 0.9": (functools.partial(RectifiedQuantile, q=0.9), "normal"),
    "median of stars": (functools.partial(RectifiedQuantile, q=0.5), "stars"),
    "quantile 0.9 of stars": (functools.partial(RectifiedQuantile, q=0.9), "stars"),
    "difference": (functools.partial(RectifiedDifference, group=0), "normal"),
    "linear": (functools.partial(RectifiedLinearRegression, covariates=COVARIATES), "normal"),
    "logistic": (functools.partial(RectifiedLogisticRegression, covariates=COVARIATES), "Bernoulli"),
    "Poisson": (functools.partial(RectifiedPoissonRegression, covariates=COVARIATES), "Poisson"),
}
WAYS = {
    "split": {"recycle": False},
    "split, recycled": {"recycle": True},
    "K = 5": {"cv": 5},
    "K = 2": {"cv": 2},
    "K = 10": {"cv": 10},
}
MEANS = {
    "normal": lambda eta: eta,
    "stars": lambda eta: eta,
    "Bernoulli": lambda eta: expit(2 * eta),
    "Poisson": lambda eta: np.exp(1.5 + 0.3 * eta),
}
LINKS = {"linear": lambda eta: eta, "logistic": expit, "Poisson": np.exp}


def linear_predictor(X):
    """eta: curved in the third feature, with interactions of that."""
    group, skewed, third, fourth = X.T
    slope = 0.8 + 0.2 * group + 0.2 * skewed
    return 0.3 * group + 0.4 * skewed + 0.4 * third + slope * fourth + 0.15 * (fourth**2 - 1)


def standardized(share):
    """Beta(1, 6) variables with mean 0 and variance 1."""
    a, b = SHAPE
    return (share - a / (a + b)) * (a + b) * np.sqrt((a + b + 1) / (a * b))


def draw(seed, r, kind):
    """Features and labels: r / 4 rows that only a split uses, r rows for all, and the pool."""
    rng = np.random.default_rng(seed)
    n = r + r // 4
    X = rng.standard_normal((n + POOL, 4))
    X[:, 0], X[:, 1] = X[:, 0] > 0, standardized(rng.beta(*SHAPE, size=len(X)))
    mean = MEANS[kind](linear_predictor(X))
    y = {
        "normal": lambda: mean + NOISE * rng.standard_normal(len(X)),
        "stars": lambda: 1.0 + np.searchsorted(cuts(), mean + NOISE * rng.standard_normal(len(X))),
        "Bernoulli": lambda: (rng.random(len(X)) < mean) * 1.0,
        "Poisson": lambda: rng.poisson(mean) * 1.0,
    }[kind]()
    y[n:] = np.nan
    return X, y


def quadrature(points=40):
    """Nodes (all features) and weights of the population."""
    a, b = SHAPE
    jacobi, of_skewed = roots_jacobi(points, b - 1, a - 1)
    normal, of_normal = roots_hermitenorm(points)
    nodes = np.meshgrid([0.0, 1.0], standardized((1 + jacobi) / 2), normal, normal, indexing="ij")
    weights = [np.ones(2), of_skewed, of_normal, of_normal]
    product = functools.reduce(np.multiply.outer, [one / one.sum() for one in weights])
    return np.stack(nodes, axis=-1).reshape(-1, 4), product.ravel()


@functools.cache
def true_quantile(level):
    """Where the labels' distribution function reaches the level."""
    X, weights = quadrature()
    eta = linear_predictor(X)
    return brentq(lambda t: weights @ ndtr((t - eta) / NOISE) - level, -10, 10, xtol=1e-12)


def cuts():
    """Between the stars."""
    return [true_quantile(level) for level in STARS]


@functools.cache
def truth(estimand):
    """The population's parameters."""
    make, kind = ESTIMANDS[estimand]
    if kind == "stars":
        return 1.0 + np.searchsorted(STARS, make.keywords["q"])
    if "q" in make.keywords:
        return true_quantile(make.keywords["q"])
    X, weights = quadrature()
    mean = MEANS[kind](linear_predictor(X))
    if "group" in make.keywords:
        return 2 * np.sum(weights * mean * (2 * X[:, 0] - 1))
    design, link = np.column_stack([np.ones(len(X)), X[:, COVARIATES]]), LINKS[estimand]
    return root(lambda theta: (weights * (mean - link(design @ theta))) @ design, np.zeros(3)).x


def result(seed, r, estimand, way, inside="least squares"):
    """The estimator's answer on one draw."""
    make, kind = ESTIMANDS[estimand]
    X, y = draw(seed, r, kind)
    first = r // 4 if "cv" in WAYS[way] else 0  # cross-fitting gets r labels in all
    model = make(INSIDE[inside], split_ratio=r // 4, random_state=seed, **WAYS[way])
    return model.fit(X[first:], y[first:]).result_


def errors(seed, r, estimand, way, inside):
    """Of the estimate and of labels only: error, standard error, whether the interval holds the truth; efficiency."""
    answer = result(seed, r, estimand, way, inside)
    rows, true = [answer.efficiency], truth(estimand)
    for one in (answer, answer.labels_only):
        low, high = one.confidence_interval(0.95)
        rows += [one.estimate - true, one.standard_error, (low <= true) & (true <= high)]
    return np.array(rows, dtype=float).reshape(7, -1)


def simulate(r, estimand, way, draws, jobs=1, inside="least squares"):
    """Measured numbers (k,) of all coefficients, and one Monte Carlo standard error of their mean coverage."""
    table = np.array(
        Parallel(n_jobs=jobs, batch_size=20)(
            delayed(errors)(seed, r, estimand, way, inside) for seed in range(draws)
        )
    )
    efficiency, error, stated, held, error_alone, stated_alone, held_alone = table.transpose(1, 0, 2)
    # An estimate that is the same in all draws (of stars) has no spread.
    spread, spread_alone = (
        np.where(e.std(axis=0) > 0, e.std(axis=0, ddof=1), np.nan) for e in (error, error_alone)
    )
    return {
        "coverage": held.mean(axis=0),
        "coverage alone": held_alone.mean(axis=0),
        "coverage error": held.mean(axis=1).std(ddof=1) / np.sqrt(draws),
        "ratio": stated.mean(axis=0) / spread,
        "ratio alone": stated_alone.mean(axis=0) / spread_alone,
        "bias": error.mean(axis=0) / spread,
        "bias alone": error_alone.mean(axis=0) / spread_alone,
        "efficiency": np.median(efficiency, axis=0),
        "true efficiency": (spread_alone / spread) ** 2,
    }


def largest(values):
    """The one furthest from zero."""
    return values[np.argmax(np.abs(values))]


def row(name, cell):
    """One line of the table."""
    shares, alone = 100 * cell["coverage"], 100 * cell["coverage alone"]
    numbers = [
        f"{shares.mean():.1f} +- {100 * cell['coverage error']:.1f}",
        f"{shares.min():.1f}",
        f"{alone.mean():.1f}",
        f"{alone.min():.1f}",
        f"{cell['ratio'].mean():.2f}",
        f"{cell['ratio alone'].mean():.2f}",
        f"{largest(cell['bias']):+.2f}",
        f"{largest(cell['bias alone']):+.2f}",
        f"{cell['efficiency'].mean():.2f}",
        f"{cell['true efficiency'].mean():.2f}",
    ]
    return f"| {name} | " + " | ".join(numbers) + " |"


def markdown(tables, draws, inside):
    """The tables as a page of the documentation."""
    error = 100 * np.sqrt(0.95 * 0.05 / draws)
    lines = [
        "# Coverage of the estimators beyond the mean",
        "",
        f"Share of {draws:,} simulated data sets whose 95 % interval holds the true parameter, in percent: mean over the",
        f"coefficients with one Monte Carlo standard error, and the worst coefficient (error of one: {error:.1f}); the same for",
        "labels only on the same draws (all of a way's labels). SE / sd is the mean standard error over the standard deviation",
        f"of the estimates (error {1 / np.sqrt(2 * draws):.2f}), bias that of the worst coefficient over the same (error",
        f"{1 / np.sqrt(draws):.2f}). Efficiency is the median of `efficiency_`, and the true one the ratio of the estimates'",
        "variances. Means over coefficients unless said otherwise.",
        f"Inside: {inside}. Population, sizes and seeds: `benchmarks/estimand_coverage.py`.",
        "",
    ]
    names = ["coverage", "worst", "labels only", "worst", "SE / sd", "labels only", "bias / sd"]
    names += ["labels only", "efficiency", "true"]
    for estimand, rows in tables.items():
        lines += [f"## {estimand[0].upper()}{estimand[1:]}", ""]
        lines += ["| r, way | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
        lines += [row(f"{r}, {way}", cell) for (r, way), cell in rows.items()]
        lines.append("")
    return "\n".join(lines)


def cells():
    """Sizes and ways; other numbers of folds than 5 for few labels only."""
    return [(r, way) for r in SIZES for way in WAYS if r < 1_000 or way not in ("K = 2", "K = 10")]


def run(draws, jobs=1, inside="least squares"):
    """Simulate everything, with progress."""
    tables = {}
    for estimand in ESTIMANDS:
        tables[estimand] = {}
        for r, way in cells():
            tables[estimand][r, way] = simulate(r, estimand, way, draws, jobs, inside)
            print(f"{estimand}, r = {r}, {way}: done", file=sys.stderr, flush=True)
    return tables


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--ridge", action="store_true")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    inside = "the default ridge" if options.ridge else "least squares"
    text = markdown(run(options.draws, options.jobs, inside), options.draws, inside)
    print(text)
    if options.write:
        options.write.write_text(text)


if __name__ == "__main__":
    main()
