"""Time of a rectified mean with its interval, side by side with ppi-python, truescore and numpy's own mean and variance of the pool.

    pip install ppi-python==0.2.3 truescore==0.7.4
    python benchmarks/mean_peers.py [--rounds 9]

Seed 0, Gaussian labels and predictions; every round times all of them in turn, and what is printed are medians over rounds, in milliseconds, and their ratios to ours.
"""

import argparse
import time
import warnings

import numpy as np

from sklearn_ftr import rectify_mean

SIZES = ((100, 1_000, 100), (1_000, 100_000, 20), (1_000, 10_000_000, 1))


def calls(labels, rows):
    with warnings.catch_warnings():  # an import that would silence all warnings
        from ppi_py import ppi_mean_ci
    from truescore.correct import ppi_estimate

    rng = np.random.default_rng(0)
    y = rng.standard_normal(labels)
    f, pool = y + rng.standard_normal(labels), 1.4 * rng.standard_normal(rows)
    judged, labeled = np.concatenate([f, pool]), np.arange(labels)
    return {
        "sklearn_ftr": lambda: rectify_mean(y, f, pool).confidence_interval(),
        "ppi-python": lambda: ppi_mean_ci(y, f, pool, alpha=0.05),
        "truescore": lambda: ppi_estimate(judged, y, labeled),
        "numpy's mean and var": lambda: (pool.mean(), pool.var(ddof=1)),
    }


def milliseconds(function, repeats):
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - start) / repeats * 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    print("| labels, pool | " + " | ".join(calls(10, 10)) + " |")
    for labels, rows, repeats in SIZES:
        functions = calls(labels, rows)
        for function in functions.values():  # imports and first calls are not what is measured
            function()
        rounds = [
            [milliseconds(one, repeats) for one in functions.values()] for _ in range(options.rounds)
        ]
        times = np.median(rounds, axis=0)
        told = " | ".join(f"{one:.3g} ms ({one / times[0]:.2f})" for one in times)
        print(f"| {labels:,}, {rows:,} | {told} |", flush=True)


if __name__ == "__main__":
    main()
