"""Coverage of the 95 % interval where trainings of the learning curve are those of the final cross-fitting.

    python benchmarks/honest_reuse.py [--draws 1000] [--jobs 2]

y = x'beta + noise with R^2 as stated, d standard normal features, 2,000 unlabeled rows, true mean 0; ridge regression, draw i uses seed i. With
R^2 = 0.02 labels alone are nearly as good, so that what the folds themselves have shown decides.
"""

import argparse

import numpy as np
from honest_inference import POPULATIONS
from joblib import Parallel, delayed

from sklearn_ftr import FineTuneRectifyAllocator, RectifiedMeanEstimator

CASES = (("d = 30, R^2 = 0.8", 100, 5), ("d = 5, R^2 = 0.5", 60, 2), ("d = 30, R^2 = 0.02", 100, 5))


def holds(seed, name, n, max_fits):
    """Whether the interval holds 0, z, and whether cross-fitting was chosen."""
    population = POPULATIONS[name]
    X, y, truth = population.draw(seed, n)
    model = FineTuneRectifyAllocator(
        RectifiedMeanEstimator(population.model), max_fits=max_fits, n_bootstrap=20, random_state=seed
    ).fit(X, y)
    low, high = model.confidence_interval()
    crossed = model.best_option_.strategy == "cross-fitting"
    return low <= truth <= high, (model.mean_ - truth) / model.standard_error_, crossed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    print("| population | n | max_fits | coverage | chose cross-fitting | of these |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, n, max_fits in CASES:
        table = np.array(
            Parallel(n_jobs=options.jobs, batch_size=20)(
                delayed(holds)(seed, name, n, max_fits) for seed in range(options.draws)
            )
        )
        held, crossed = table[:, 0], table[:, 2] > 0
        cells = (held, held[crossed])
        all_, some = (
            f"{100 * one.mean():.1f} +- {100 * one.std() / len(one) ** 0.5:.1f} %" for one in cells
        )
        print(
            f"| {name} | {n} | {max_fits} | {all_} | {100 * crossed.mean():.0f} % | {some} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
