"""Many numbers at once, by simulation: do simultaneous intervals hold together, and do adjusted p-values keep their error rates?

    python benchmarks/many_numbers.py [--draws 2000] [--jobs 2] [--interval auto] [--write docs/many_numbers.md]
    python benchmarks/many_numbers.py --critical-values          # their own error

Labels of k outputs and the errors of their predictions, both correlated by 0.7; predictions and labels are correlated by 0.8. Gaussian or lognormal (their
exponentials); a pool of 2,000 rows; lambda is tuned. A row of the first table is a number of outputs and of labels: the share of draws in which all k intervals hold, 95 % nominal, of ordinary ones, max-t and Bonferroni; how wide max-t
is over Bonferroni; and how often a Wald test of the truth of five outputs rejects at 5 %. The second has half of the nulls false, by three standard errors: the share of
draws with any false rejection, and the mean share of false ones among all. The third is the difference of two outputs: at once, of two calls of the same
rows, and of two calls with independent rows of the same numbers, which are paired though nothing pairs them. Draw i uses seed i. The last, of labels alone,
compares critical values: of a multivariate t, which shares one standard error among all numbers, and of normal statistics that are each brought to their own t.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from scipy import stats

from sklearn_ftr import PredictionShiftWarning, rectify_mean
from sklearn_ftr.rectification import _simultaneous

SIZES = (5, 20)
POOL = 2_000
ADJUSTMENTS = ("holm", "bh", "by")
POPULATIONS = {"Gaussian": (lambda z: z, 0.0), "lognormal": (np.exp, np.exp(0.5))}
CASES = [("Gaussian", k, r) for k in SIZES for r in (20, 50, 200)] + [
    ("lognormal", k, r) for k in SIZES for r in (50, 200)
]
# Of the critical value, which is computed 20,000 times here: its error is a hundredth of the tail more.
MOST_DRAWS, _simultaneous._MOST_DRAWS = _simultaneous._MOST_DRAWS, 2**11


def made(rng, k, r, function):
    """Labels, predictions and the pool's predictions of k outputs."""
    z, noise = (
        np.sqrt(0.7) * rng.standard_normal((r + POOL, 1))
        + np.sqrt(0.3) * rng.standard_normal((r + POOL, k))
        for _ in range(2)
    )
    f = 0.8 * z + 0.6 * noise
    return function(z[:r]), function(f[:r]), function(f[r:])


def one_draw(seed, k, r, population, interval):
    """Whether all intervals hold, by method; widths; the Wald test; false and all rejections by adjustment."""
    function, truth = POPULATIONS[population]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PredictionShiftWarning)  # by chance, in some of 20,000 draws
        data = made(np.random.default_rng(seed), k, r, function)
        result = rectify_mean(*data, interval=interval)
    intervals = {
        "ordinary": result.confidence_interval(),
        "max-t": result.confidence_interval(simultaneous=True),
        "Bonferroni": result.confidence_interval(1 - 0.05 / k),
    }
    held = [bool(np.all((low <= truth) & (truth <= high))) for low, high in intervals.values()]
    wide, bonferroni = (
        np.mean(intervals[name].high - intervals[name].low) for name in ("max-t", "Bonferroni")
    )
    is_true = np.arange(k) % 2 == 0
    nulls = truth - np.where(is_true, 0.0, 3.0 * result.standard_error)
    errors = []
    for adjust in ADJUSTMENTS:
        rejected = result.p_value(nulls, adjust=adjust) <= 0.05
        false = np.count_nonzero(rejected & is_true)
        error = false > 0 if adjust == "holm" else false / max(1, np.count_nonzero(rejected))
        errors += [error, np.mean(rejected[~is_true])]
    rejected = result.wald_test(np.eye(k)[:5], null=truth).p_value <= 0.05
    return [*held, wide / bonferroni, rejected, *errors]


def one_difference(seed, r):
    """Whether intervals of differences hold, and variances that are stated over squared errors."""
    rng = np.random.default_rng(seed)
    y, f, pool = made(rng, 2, r, lambda z: z)
    other = [columns[:, 0] for columns in made(rng, 2, r, lambda z: z)]
    first, second = ([columns[:, i] for columns in (y, f, pool)] for i in (0, 1))
    differences = [
        rectify_mean(y, f, pool).contrast([1, -1]),
        rectify_mean(*first) - rectify_mean(*second),
        rectify_mean(*first) - rectify_mean(*other),
    ]
    rows = []
    for one in differences:
        low, high = one.confidence_interval(method="t")
        rows.append([low <= 0 <= high, one.standard_error**2, one.estimate**2])
    return rows


def errors_of_critical_values(r, k, rho, draws=20_000):
    """How often any of k means of labels is beyond a multivariate t's critical value, and ours; seed 0."""
    rng = np.random.default_rng(0)
    correlation = np.full((k, k), rho) + (1 - rho) * np.eye(k)
    root = np.linalg.cholesky(correlation)
    largest = []
    for _ in range(draws // 500):
        y = rng.standard_normal((500, r, k)) @ root.T
        largest.append(np.abs(y.mean(axis=1) / (y.std(axis=1, ddof=1) / np.sqrt(r))).max(axis=1))
    normal = np.abs(rng.standard_normal((200_000, k)) @ root.T).max(axis=1)
    shared = np.sqrt(rng.chisquare(r - 1, len(normal)) / (r - 1))
    level = _simultaneous.level_of_each(correlation, 0.95, True)
    values = np.quantile(normal / shared, 0.95), stats.t.isf((1 - level) / 2, r - 1)
    return [percent(np.concatenate(largest) > value) for value in values]


def print_errors_over_seeds():
    """How much the joint tail of one number's interval varies with the seed of the draws, relative to its mean."""
    _simultaneous._MOST_DRAWS = MOST_DRAWS
    for k in (5, 20, 100, 1000):
        for rho in (0.0, 0.3, 0.6, 0.9, 0.99):
            correlation = np.full((k, k), rho) + (1 - rho) * np.eye(k)
            tails, started = [], time.process_time()
            for _simultaneous._SEED in range(4 if k == 1000 else 8):
                tails.append(1 - _simultaneous.level_of_each(correlation, 0.95, True))
            spread = 100 * np.std(tails, ddof=1) / np.mean(tails)
            seconds = (time.process_time() - started) / len(tails)
            print(
                f"k = {k}, correlation {rho:g}: {np.mean(tails):.6f} +- {spread:.1f} %, {seconds:.2f} s"
            )


def percent(hits):
    """A share in percent with its Monte Carlo error."""
    values = np.asarray(hits, dtype=float)
    return f"{100 * values.mean():.1f} +- {100 * values.std() / np.sqrt(len(values)):.1f}"


def simulate(draws, jobs, interval="t"):
    """The page, table by table."""
    run = Parallel(n_jobs=jobs, batch_size=50)
    tables = {
        (population, k, r): np.array(
            run(delayed(one_draw)(seed, k, r, population, interval) for seed in range(draws)),
            dtype=float,
        )
        for population, k, r in CASES
    }
    lines = [
        "# Many numbers at once, measured",
        "",
        f"{draws:,} draws, intervals by {interval!r}, in percent with one Monte Carlo error. Populations, seeds: `benchmarks/many_numbers.py`, which wrote this page:",
        "`python benchmarks/many_numbers.py --write docs/many_numbers.md`.",
        "",
        "## All k intervals hold (95 % nominal), and Wald tests of the truth of five outputs at 5 %",
        "",
        "| population | k | labels | ordinary | max-t | Bonferroni | width of max-t over Bonferroni | Wald test rejects |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (population, k, r), table in tables.items():
        shares = " | ".join(percent(column) for column in table.T[:3])
        lines.append(
            f"| {population} | {k} | {r} | {shares} | {table.T[3].mean():.3f} | {percent(table.T[4])} |"
        )
    header = " | ".join(
        f"{name}: {'any' if name == 'holm' else 'share'} false | {name}: found" for name in ADJUSTMENTS
    )
    lines += [
        "",
        "## Half of the nulls false: any false rejection, or the mean share of false rejections (5 % nominal), and share of false nulls found",
        "",
        f"| population | k | labels | {header} |",
        "| --- " * (3 + 2 * len(ADJUSTMENTS)) + "|",
    ]
    for (population, k, r), table in tables.items():
        cells = " | ".join(percent(column) for column in table.T[5:])
        lines.append(f"| {population} | {k} | {r} | {cells} |")
    lines += [
        "",
        "## Difference of two outputs: coverage (95 % nominal; mean stated variance over true variance)",
        "",
        "| labels | at once, `contrast` | two calls, the same rows | two calls, independent rows |",
        "| --- | --- | --- | --- |",
    ]
    for r in (20, 50, 200):
        told = np.array(run(delayed(one_difference)(seed, r) for seed in range(draws)), dtype=float)
        cells = [
            f"{percent(held)} ({stated.mean() / squares.mean():.2f})"
            for held, stated, squares in told.transpose(1, 2, 0)
        ]
        lines.append(f"| {r} | {' | '.join(cells)} |")
    lines += [
        "",
        "## Any of k means of Gaussian labels beyond the critical value (5 % nominal; 20,000 draws)",
        "",
        "| k | correlation | labels | multivariate t | each number's own t |",
        "| --- | --- | --- | --- | --- |",
    ]
    cases = [(k, rho, r) for k in SIZES for rho in (0.0, 0.5) for r in (10, 20, 50)]
    told = run(delayed(errors_of_critical_values)(r, k, rho) for k, rho, r in cases)
    lines += [
        f"| {k} | {rho:g} | {r} | {' | '.join(cells)} |"
        for (k, rho, r), cells in zip(cases, told, strict=True)
    ]
    return "\n".join([*lines, ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=2_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--interval", default="t")
    parser.add_argument("--write", type=Path)
    parser.add_argument("--critical-values", action="store_true")
    options = parser.parse_args()
    if options.critical_values:
        print_errors_over_seeds()
        return
    text = simulate(options.draws, options.jobs, options.interval)
    print(text)
    if options.write:
        options.write.write_text(text)


if __name__ == "__main__":
    main()
