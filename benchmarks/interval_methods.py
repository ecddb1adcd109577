"""Coverage and width of 95 % intervals by method: skewed means, and coefficients of rare groups.

    python benchmarks/interval_methods.py [--draws 2000] [--group-draws 1000] [--write docs/which_interval_tables.md]
    python benchmarks/interval_methods.py --hall

Predictions are given; the pool has 1,000 rows (groups: 2,000). Means: y of the named population, f = y + normal noise; as many outputs as draws are one call,
100 at a time. Groups: the smaller one has exactly the stated number of labeled rows, a twentieth of all, and a twentieth of the pool on average. Draw i, or block i of
draws, uses seed i. `--hall` compares the correction with Hall's own interval, labels alone, 20,000 draws.
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np
from scipy import stats

from sklearn_ftr import (
    rectify_difference,
    rectify_linear_regression,
    rectify_logistic_regression,
    rectify_mean,
    rectify_poisson_regression,
)
from sklearn_ftr._printed_table import markdown_table
from sklearn_ftr.rectification._intervals import few_labels, of_labels_only

SIZES = (10, 20, 50, 100, 300)
RARE_ROWS = (5, 10, 20)
BLOCK, POOL, GROUP_POOL = 100, 1_000, 2_000
SHARES_OF_LIKERT = np.array([0.55, 0.30, 0.08, 0.04, 0.03])
LIKERT = np.arange(1, 6)
# Name: labels of a shape, their true mean, standard deviation of the judge's noise.
MEANS = {
    "normal": (lambda rng, shape: rng.standard_normal(shape), 0.0, 1.0),
    "t, 3 degrees": (lambda rng, shape: rng.standard_t(3, shape), 0.0, 1.5),
    "exponential": (lambda rng, shape: rng.exponential(size=shape), 1.0, 0.8),
    "lognormal": (lambda rng, shape: rng.lognormal(size=shape), np.exp(0.5), 1.5),
    "80 % zeros, else exponential": (
        lambda rng, shape: rng.exponential(size=shape) * (rng.random(shape) < 0.2),
        0.2,
        0.5,
    ),
    "80 % zeros, else lognormal": (
        lambda rng, shape: rng.lognormal(size=shape) * (rng.random(shape) < 0.2),
        0.2 * np.exp(0.5),
        0.8,
    ),
    "ratings 1 to 5, 3 % fives": (
        lambda rng, shape: rng.choice(LIKERT, shape, p=SHARES_OF_LIKERT).astype(float),
        float(LIKERT @ SHARES_OF_LIKERT),
        0.7,
    ),
}
ANSWERS = ("labels, t", "labels, auto", "rectified, t", "rectified, auto", "rectified, bootstrap-t")


def intervals_of(result, bootstrap=True):
    """Ends of the intervals, in the order of ANSWERS."""
    methods = ("t", "auto", "bootstrap-t") if bootstrap else ("t", "auto")
    alone = result.labels_only.confidence_interval(), of_labels_only(result).confidence_interval()
    return [*alone, *(result.confidence_interval(method=method) for method in methods)]


def of_mean(name, n, draws):
    """Whether each interval is too high or too low (answers, 2, draws), and how wide (answers, draws)."""
    labels, truth, noise = MEANS[name]
    missed, widths = [], []
    for seed in range(-(-draws // BLOCK)):
        rng = np.random.default_rng(seed)
        y = labels(rng, (n + POOL, BLOCK))
        f = y + noise * rng.standard_normal(y.shape)
        found = intervals_of(rectify_mean(y[:n], f[:n], f[n:]))
        missed.append([(low > truth, high < truth) for low, high in found])
        widths.append([high - low for low, high in found])
    return np.concatenate(missed, axis=-1), np.concatenate(widths, axis=-1)


def linear(rng, rare, x):
    mean = 0.5 * rare + x
    y = mean + rng.standard_normal(len(x))
    return y, (mean + y) / 2 + 0.5 * rng.standard_normal(len(x))


def skewed(rng, rare, x):
    y = rng.lognormal(0.5 * rare, 0.8)
    return y, y + rng.standard_normal(len(x))


def logistic(rng, rare, x):
    y = (rng.random(len(x)) < 1 / (1 + np.exp(0.3 - 0.7 * rare - 0.5 * x))).astype(float)
    return y, np.clip(0.7 * y + 0.3 * rng.random(len(x)), 0.01, 0.99)


def poisson(rng, rare, x):
    y = rng.poisson(np.exp(0.3 + 0.5 * rare + 0.3 * x)).astype(float)
    return y, np.maximum(y + 0.7 * rng.standard_normal(len(x)), 0.05)


# Name: labels and predictions, the regression (None for a difference of means), true effect of the rare group.
GROUPS = {
    "difference, normal": (linear, None, 0.5),
    "difference, lognormal": (skewed, None, np.exp(0.32) * (np.exp(0.5) - 1)),
    "linear regression": (linear, rectify_linear_regression, 0.5),
    "logistic regression": (logistic, rectify_logistic_regression, 0.7),
    "Poisson regression": (poisson, rectify_poisson_regression, 0.5),
}


def answer_of_group(name, rows, seed):
    """The result of one draw, and the position of the effect in it."""
    make, regression, _ = GROUPS[name]
    rng, n = np.random.default_rng(seed), 20 * rows
    rare = np.append(np.arange(n) < rows, rng.random(GROUP_POOL) < 0.05).astype(float)
    x = rng.standard_normal(len(rare))
    y, f = make(rng, rare, x)
    if regression is None:
        return rectify_difference(y[:n], f[:n], f[n:], rare[:n], rare[n:]), 0
    X = np.column_stack([rare, x])
    return regression(X[:n], y[:n], f[:n], X[n:], f[n:]), 1


def of_group(name, rows, draws):
    """As `of_mean`; how often the result says not to trust it, and draws that have no estimate are left out."""
    truth, missed, widths, distrusted = GROUPS[name][2], [], [], []
    for seed in range(draws):
        try:
            result, position = answer_of_group(name, rows, seed)
        except ValueError:
            continue
        found = [
            np.atleast_1d(ends)[..., position] if np.ndim(ends[0]) else ends
            for ends in map(np.array, intervals_of(result, bootstrap=False))
        ]
        missed.append([(low > truth, high < truth) for low, high in found])
        widths.append([high - low for low, high in found])
        told = "".join(few_labels(result))
        distrusted.append(result.names[1] in told if position else bool(told))
    return np.moveaxis(missed, 0, -1), np.transpose(widths), np.mean(distrusted), len(missed)


def cells(missed, widths):
    """Coverage, its Monte Carlo error, both one-sided misses, and width over that of labels alone."""
    coverage, sides = 1 - missed.sum(axis=1).mean(axis=-1), missed.mean(axis=-1)
    error = np.sqrt(coverage * (1 - coverage) / missed.shape[-1])
    width = widths.mean(axis=-1) / widths[0].mean()
    return [
        f"{100 * c:.1f} +- {100 * e:.1f} ({100 * s[0]:.1f}/{100 * s[1]:.1f}), {w:.2f}"
        for c, e, s, w in zip(coverage, error, sides, width, strict=True)
    ]


def run(draws, group_draws):
    """Both tables, with progress."""
    means, groups = [], []
    for name in MEANS:
        for n in SIZES:
            means.append([name, str(n), *cells(*of_mean(name, n, draws))])
            print(*means[-1], sep=" | ", file=sys.stderr, flush=True)
    for name in GROUPS:
        for rows in RARE_ROWS:
            missed, widths, distrusted, found = of_group(name, rows, group_draws)
            told = [f"{100 * distrusted:.0f} %", f"{found:,}"]
            groups.append([name, str(rows), *cells(missed, widths), *told])
            print(*groups[-1], sep=" | ", file=sys.stderr, flush=True)
    first = markdown_table(["labels", "n", *ANSWERS], means)
    second = markdown_table(["effect", "rare rows", *ANSWERS[:4], "not trusted", "draws"], groups)
    return f"{first}\n\n{second}\n"


def hall(n=50, blocks=200):
    """Coverage and width of means of n labels: Student's, Hall's own interval, and the correction of the package."""
    rows = []
    for name in ("lognormal", "t, 3 degrees"):
        labels, truth, _ = MEANS[name]
        found = []
        for seed in range(blocks):
            y = labels(np.random.default_rng(seed), (n, BLOCK))
            result = rectify_mean(y, y, y[:0])
            rho, q = result._shape.skewness, stats.t.ppf(0.975, n - 1)
            ends = [3 / rho * (np.cbrt(1 + rho * (x - rho / 6)) - 1) for x in (q, -q)]
            own = [result.estimate - end * result.standard_error for end in ends]
            found.append([result.confidence_interval(method="t"), own, result.confidence_interval()])
        low, high = np.moveaxis(found, 2, 0)
        held = ((low < truth) & (truth < high)).mean(axis=(0, 2))
        width = (high - low).mean(axis=(0, 2))
        cells = [f"{100 * h:.1f}, {w:.2f}" for h, w in zip(held, width / width[0], strict=True)]
        rows.append([name, *cells])
    return markdown_table([f"{n} labels", "Student", "Hall", "skewed"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=2_000)
    parser.add_argument("--group-draws", type=int, default=1_000)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--hall", action="store_true")
    options = parser.parse_args()
    if options.hall:
        print(hall())
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of zeros only, and of small pools
        text = run(options.draws, options.group_draws)
    print(text)
    if options.write:
        options.write.write_text(text)


if __name__ == "__main__":
    main()
