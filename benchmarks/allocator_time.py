"""The allocator's own work beside trainings: time and memory with a model that costs nothing.

    python benchmarks/allocator_time.py [--n 1000 100000 1000000] [--law auto]

The model predicts X0 + X1 / sqrt(s), so that its curve falls; a fit includes the refit by what is chosen. Memory is what a fit adds to the process at its peak.
"""

import argparse
import resource
import time

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from sklearn_ftr import FineTuneRectifyAllocator, RectifiedMeanEstimator

POOL = 5_000


class Free(RegressorMixin, BaseEstimator):
    """Learns by counting."""

    def fit(self, X, y):
        """Count."""
        self.n_ = len(y)
        return self

    def predict(self, X):
        """More exactly the more labels there were."""
        return X[:, 0] + 5 * X[:, 1] / self.n_**0.5


def peak():
    """Largest memory of the process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, nargs="+", default=[1_000, 100_000, 1_000_000])
    parser.add_argument("--law", choices=["auto", "power"], default="auto")
    options = parser.parse_args()
    print("| labels | seconds, median of 5 | MiB added |\n| --- | --- | --- |")
    for n in options.n:
        X = np.random.default_rng(0).normal(size=(n + POOL, 2))
        y = X[:, 0] + 0.5 * np.random.default_rng(1).normal(size=n + POOL)
        y[n:] = np.nan
        before, seconds = peak(), []
        for _ in range(5):
            start = time.perf_counter()
            model = FineTuneRectifyAllocator(
                RectifiedMeanEstimator(Free()), law=options.law, random_state=0
            )
            model.fit(X, y)
            seconds.append(time.perf_counter() - start)
        print(f"| {n:,} | {np.median(seconds):.2f} | {peak() - before:.0f} |", flush=True)


if __name__ == "__main__":
    main()
