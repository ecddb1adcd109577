"""Coverage of 95 % intervals where models are trained on clusters, by simulation: split and cross-fitting of the estimators.

    python benchmarks/cluster_training.py [--reps 400] [--jobs 1] [--write FILE.md]

The populations of `design_coverage.py` in clusters: 8 labeled rows each, and a pool of 2,000 rows in other clusters of 8 (apart) or in the same ones
(shared). A ridge regression (logistic for logistic regression) is trained on x and on the judge's predictions, by a split of .3 with recycling,
or by cross-fitting with 5 folds; `groups` keeps clusters whole. Draw i uses seed i.
"""

import argparse
import itertools
import sys
from pathlib import Path

import design_coverage as given
import numpy as np
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression, Ridge

from sklearn_ftr import (
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedMeanEstimator,
    RectifiedQuantile,
)

given.POOL = 2_000
STAGES = {"split": {"split_ratio": 0.3}, "K = 5": {"cv": 5}}
CELLS = list(itertools.product((False, True), given.CLUSTERS, given.CORRELATIONS))
ESTIMATORS = {
    "mean": (RectifiedMeanEstimator, {}),
    "difference": (RectifiedDifference, {"group": 0}),
    "linear": (RectifiedLinearRegression, {"covariates": [1, 2]}),
    "logistic": (RectifiedLogisticRegression, {"covariates": [1, 2]}),
    "median": (RectifiedQuantile, {}),
}


def numbers_of_draw(seed, estimand, stages, shared, n_clusters, correlation):
    """Error, standard error, whether the interval holds the truth, efficiency; held of labels only."""
    rng = np.random.default_rng(seed)
    u, x, labeled, columns = given.clustered(rng, estimand, n_clusters, correlation, shared)
    y, f = given.outcomes(rng, estimand, u, x)
    X = np.column_stack([given.second_group(x), x, f])
    kind, parameters = ESTIMATORS[estimand]
    model = LogisticRegression() if estimand == "logistic" else Ridge()
    estimator = kind(model, random_state=seed, **parameters, **STAGES[stages])
    answer = estimator.fit(X, np.where(labeled, y, np.nan), groups=columns["clusters"]).result_
    truth = given.true_parameters(estimand)
    rows = [answer.estimate - truth, answer.standard_error, given.held(answer, truth)]
    rows += [answer.efficiency, given.held(answer.labels_only, truth)]
    return np.array([np.broadcast_to(one, truth.shape) for one in rows], dtype=float)


def row(name, table):
    """One line of the table, from numbers (5, reps, k)."""
    error, stated, within, efficiency, alone = table
    reps = len(within)
    coverage = within.mean(axis=0)
    numbers = [
        f"{100 * coverage.mean():.1f} +- {100 * within.mean(axis=1).std(ddof=1) / np.sqrt(reps):.1f}",
        f"{100 * coverage.min():.1f}",
        f"{np.mean(stated.mean(axis=0) / error.std(axis=0, ddof=1)):.2f}",
        f"{np.median(efficiency):.2f}",
        f"{100 * alone.mean():.1f}",
    ]
    return f"| {name} | " + " | ".join(numbers) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reps", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--estimands", nargs="*", default=list(ESTIMATORS))
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    lines = [
        f"{options.reps:,} draws (seeds 0 to {options.reps - 1:,}); coverage in percent, mean over coefficients and the worst one; SE / sd is the mean standard",
        "error over the standard deviation of the estimates; efficiency is the median.",
        "",
        "| estimand, stage 1, clusters, ICC | coverage | worst | SE / sd | efficiency | labels only |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for estimand, stages, cell in itertools.product(options.estimands, STAGES, CELLS):
        shared, n_clusters, correlation = cell
        table = Parallel(n_jobs=options.jobs, batch_size=10)(
            delayed(numbers_of_draw)(seed, estimand, stages, *cell) for seed in range(options.reps)
        )
        name = f"{estimand}, {stages}, {n_clusters} {'shared' if shared else 'apart'}, {correlation}"
        lines.append(row(name, np.array(table).transpose(1, 0, 2)))
        print(lines[-1], file=sys.stderr, flush=True)
    text = "\n".join(lines) + "\n"
    print(text)
    if options.write:
        options.write.write_text(text)


if __name__ == "__main__":
    main()
