"""What a small call costs: the time of importing a function, of means, quantiles, a difference and a regression, and the size of pickled quantiles.

python benchmarks/small_calls.py [--rows 1000000] [--rounds 10]
PYTHONPATH=OTHER_CHECKOUT python benchmarks/small_calls.py    the same of another version, to be run in turn
"""

import argparse
import os
import pickle
import subprocess
import sys
import time

import numpy as np

from sklearn_ftr import (
    rectify_difference,
    rectify_linear_regression,
    rectify_mean,
    rectify_quantile,
)

NINE = np.linspace(0.1, 0.9, 9)
CALLS = {
    "rectify_mean": rectify_mean,
    "rectify_mean and interval": lambda *rows: rectify_mean(*rows).confidence_interval(),
    "rectify_quantile, median": rectify_quantile,
    "rectify_quantile, median and interval": lambda *rows: rectify_quantile(
        *rows
    ).confidence_interval(),
    "rectify_quantile, nine levels": lambda *rows: rectify_quantile(*rows, NINE),
    "rectify_mean of shares and interval": lambda y, f, pool: rectify_mean(
        1.0 * (y > 0), _probability(f), _probability(pool)
    ).confidence_interval(),
    "rectify_mean of three outputs and intervals": lambda *rows: rectify_mean(
        *map(_three, rows)
    ).confidence_interval(),
    "rectify_mean of three judges and interval": lambda y, f, pool: rectify_mean(
        y, _three(f), _three(pool)
    ).confidence_interval(),
    "rectify_difference and interval": lambda y, f, pool: rectify_difference(
        y, f, pool, np.arange(len(y)) % 2, np.arange(len(pool)) % 2
    ).confidence_interval(),
    "rectify_linear_regression, two columns, and intervals": lambda y, f, pool: (
        rectify_linear_regression(_covariates(y), y, f, _covariates(pool), pool).confidence_interval()
    ),
}


def _probability(x):
    return 1 / (1 + np.exp(-x))


def _three(x):
    """Columns that are not alike."""
    return np.column_stack([x, np.roll(x, 1), x**2])


def _covariates(x):
    return np.column_stack([np.roll(x, 2), np.cos(np.arange(len(x)))])


def sample_of(r, m):
    rng = np.random.default_rng(0)
    f = rng.normal(size=r + m)
    return f[:r] + 0.5 * rng.normal(size=r), f[:r], f[r:]


def milliseconds(function, rounds, repeats=30):
    """Of the processor, in the best round."""
    best = np.inf
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(repeats):
            function()
        best = min(best, (time.process_time() - start) / repeats)
    return 1e3 * best


def seconds_of_import(code, rounds):
    """Of the processor, of a new Python, in the best round."""
    seconds = []
    for _ in range(rounds):
        before = os.times()
        subprocess.run([sys.executable, "-c", code], check=True)
        after = os.times()
        used = after.children_user + after.children_system
        seconds.append(used - before.children_user - before.children_system)
    return min(seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    for code in ("pass", "import numpy", "from sklearn_ftr import rectify_mean"):
        print(f"{code}: {seconds_of_import(code, options.rounds):.2f} s")
    sample = sample_of(100, 1_000)
    for name, function in CALLS.items():
        spent = milliseconds(lambda function=function: function(*sample), options.rounds)
        print(f"{name}, 100 labels, 1,000 rows: {spent:.2f} ms")
    for levels in (0.5, NINE):
        result = rectify_quantile(*sample_of(1_000, options.rows), levels)
        size = len(pickle.dumps(result)) / 1e3
        print(f"pickled, {np.size(levels)} levels, 1,000 labels, {options.rows:,} rows: {size:,.0f} kB")


if __name__ == "__main__":
    main()
