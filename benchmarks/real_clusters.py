"""Real ratings whose rows come in clusters: standard errors and coverage with and without saying so.

    OMP_NUM_THREADS=1 python benchmarks/real_clusters.py --data FOLDER [--draws 2000] [--estimator-draws 300]

A file is the population and its mean the truth. Draw i (seed i) takes clusters, each as a whole and each as likely.

With predictions given: 20, 40 and 80 labeled clusters and a pool of 300, drawn WITH replacement, a cluster that comes twice being two. So
nothing of the population is used up, and an interval is neither too wide for a finite file nor too narrow. Predictions are GPT-4o's
answers (moral choices), a judge model's (battles), a fine-tuned BERT's (stars), else those of ridge regression on sentence vectors
trained on other clusters (5 folds): a fixed column of the file. "even" is the mean in which each cluster counts the same (weights 1 / size);
"by chance" has clusters of the same sizes whose rows are any rows of the file.

With an estimator that trains on the labels: clusters WITHOUT replacement, so that none is on both sides of a fold, all others are the pool,
and the mean is of exactly these rows (`finite_population=True`).

SD is the standard deviation of estimates over draws, which standard errors (medians over draws) should meet. Design effect: median
squared ratio of standard errors with and without clusters. Efficiency "stated": median of `efficiency`; "real": variance over draws of the labels'
own mean over that of the estimate.

"Evenness" (Kish): clusters that count, (sum of sizes)^2 / (sum of squared sizes), as a share of all. The third table says why coverage is
low where it is: mean error and root mean square of standard errors in units of SD, how often the interval lies above or below the truth, and
coverage if degrees of freedom were the labeled clusters that count, less 1. Seven minutes on one core.
"""

import argparse
import warnings
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from _rating_sets import _read, _with_vectors
from scipy.stats import t
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, cross_val_predict

from sklearn_ftr import (
    PredictionShiftWarning,
    RectifiedMeanEstimator,
    SamplingDesign,
    rectify_mean,
)

POOL = 300
LABELED = (20, 40, 80)


@dataclass(frozen=True)
class Population:
    """A file: ratings, predictions, what an estimator sees, and the rows of each cluster."""

    name: str
    y: np.ndarray
    f: np.ndarray
    X: np.ndarray | None
    rows: list[np.ndarray]
    by_chance: bool = False

    @property
    def sizes(self):
        """Number of rows of each cluster."""
        return np.array([len(rows) for rows in self.rows])

    @property
    def clusters(self):
        """Number of the cluster of each row."""
        number = np.empty(len(self.y), dtype=int)
        for i, rows in enumerate(self.rows):
            number[rows] = i
        return number


def population(name, y, f, X, labels):
    known = np.isfinite(y) & np.isfinite(f)
    _, number = np.unique(np.asarray(labels)[known], return_inverse=True)
    order = np.argsort(number, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(number))[:-1])
    return Population(name, y[known], f[known], None if X is None else X[known], rows)


def populations(data):
    for name, file, column, cluster_of in (
        ("EmoBank valence, documents", "emobank", "V", lambda frame: frame["document"]),
        ("Amazon sentences, reviews", "vader_amazon", "y", _review),
        ("wine points, tasters", "wine_reviews_first10k", "points", lambda frame: frame["taster_name"]),
    ):
        frame, X = _with_vectors(data, "text", file)
        labels, y = cluster_of(frame).to_numpy(str), frame[column].to_numpy(float)
        told = labels != ""
        X, y, labels = X[told], y[told], labels[told]
        f = cross_val_predict(Ridge(), X, y, groups=labels, cv=GroupKFold(5))
        yield population(name, y, f, X, labels)
    frame = _read(data / "llm" / "moral_machine_llm.csv.gz")
    y, f = numbers(frame, "y"), numbers(frame, "gpt4o")
    seen = ["gpt4o", "PedPed", "Barrier", "NumberOfCharacters", "DiffNumberOFCharacters"]
    seen += list(frame.columns[frame.columns.get_loc("Man") :])
    X = np.column_stack([numbers(frame, name) for name in seen])
    yield population("moral choices, respondents", y, f, X, frame["UserID"])
    frame = _read(data / "llm" / "amazon_stars_base_vs_tuned.csv.gz")
    y, f = numbers(frame, "y"), numbers(frame, "pred_tuned")
    yield population("Amazon stars, products", y, f, None, frame["product"])
    frame = _read(data / "llm" / "lmarena_pairs.csv.gz")
    y, f = numbers(frame, "winner"), numbers(frame, "prediction")
    yield population("battles, pairs of models", y, f, None, frame["group_id"])


def numbers(frame, name):
    return pd.to_numeric(frame[name], errors="coerce").to_numpy(float)


def _review(frame):
    return frame["id"].astype(str).str.rsplit("_", n=1).str[0]


def intraclass_correlation(values, rows):
    """Of clusters of different sizes, from the analysis of variance (Donner 1986)."""
    sizes = np.array([len(one) for one in rows])
    n, k = sizes.sum(), len(sizes)
    means = np.array([values[one].mean() for one in rows])
    within = sum(((values[one] - mean) ** 2).sum() for one, mean in zip(rows, means, strict=True))
    within /= n - k
    between = (sizes * (means - values.mean()) ** 2).sum() / (k - 1)
    size = (n - (sizes**2).sum() / n) / (k - 1)
    return (between - within) / (between + (size - 1) * within)


def describe(one):
    sizes = one.sizes
    even = sizes.sum() ** 2 / (sizes**2).sum() / len(sizes)
    cells = [
        one.name,
        f"{len(one.y):,}",
        f"{len(sizes):,}",
        f"{np.median(sizes):g} ({sizes.min()} to {sizes.max():,})",
        f"{even:.2f}",
        f"{intraclass_correlation(one.y, one.rows):.3f}",
        f"{intraclass_correlation(one.y - one.f, one.rows):.3f}",
        f"{np.corrcoef(one.y, one.f)[0, 1]:.2f}",
    ]
    print("| " + " | ".join(cells) + " |", flush=True)


# Predictions given.


def draw(one, n, seed):
    """Rows of n labeled clusters and of the pool's, and the number of each row's cluster."""
    rng = np.random.default_rng(seed)
    taken = rng.integers(len(one.rows), size=n + POOL)
    for part, numbered in ((taken[:n], np.arange(n)), (taken[n:], np.arange(n, n + POOL))):
        rows = np.concatenate([one.rows[i] for i in part])
        if one.by_chance:
            rows = rng.integers(len(one.y), size=len(rows))
        yield rows, np.repeat(numbered, one.sizes[part])


def answers(one, n, even, seed):
    """The result with clusters and the one without."""
    (labeled, houses), (pool, pool_houses) = draw(one, n, seed)
    count = one.sizes[one.clusters] if even else None
    weights, pool_weights = (None, None) if count is None else (1 / count[labeled], 1 / count[pool])
    arrays = one.y[labeled], one.f[labeled], one.f[pool]
    for clusters, pool_clusters in ((houses, pool_houses), (None, None)):
        yield rectify_mean(
            *arrays,
            design=SamplingDesign(weights=weights, clusters=clusters),
            design_unlabeled=SamplingDesign(weights=pool_weights, clusters=pool_clusters),
        )


def given(one, n, draws, even=False):
    truth = np.mean([one.y[rows].mean() for rows in one.rows]) if even else one.y.mean()
    results = [list(answers(one, n, even, seed)) for seed in range(draws)]
    report([one.name + (", even" if even else ""), str(n)], results, truth)


def cause(one, n, draws, name, lambda_):
    """What an interval of clusters misses: the mean, the standard error or the degrees of freedom."""
    truth, told = one.y.mean(), []
    for seed in range(draws):
        (labeled, houses), (pool, pool_houses) = draw(one, n, seed)
        result = rectify_mean(
            *(one.y[labeled], one.f[labeled], one.f[pool]),
            lambda_=lambda_,
            design=SamplingDesign(clusters=houses),
            design_unlabeled=SamplingDesign(clusters=pool_houses),
        )
        sizes = np.bincount(houses)
        kish = t.isf(0.025, sizes.sum() ** 2 / (sizes**2).sum() - 1)
        error, low_high = result.estimate - truth, result.confidence_interval()
        covered = abs(error) <= kish * result.standard_error
        told.append((error, result.standard_error, low_high[0] > truth, low_high[1] < truth, covered))
    error, standard, high, low, kish = np.array(told, dtype=float).T
    spread = error.std(ddof=1)
    shares = (100 * share.mean() for share in (high, low, high + low < 1, kish))
    cells = [f"{error.mean() / spread:.2f}", f"{np.sqrt((standard**2).mean()) / spread:.2f}"]
    cells = [one.name, name, *cells, *(f"{share:.1f}" for share in shares)]
    print("| " + " | ".join(cells) + " |", flush=True)


def report(cells, results, truth):
    """A line of the table from results with and without clusters (draws, 2)."""
    errors, estimates, efficiency, own = (
        np.array([[take(result) for result in pair] for pair in results])
        for take in (
            lambda result: result.standard_error,
            lambda result: result.estimate,
            lambda result: result.efficiency,
            lambda result: result.labels_only.estimate,
        )
    )
    ends = np.array([[result.confidence_interval() for result in pair] for pair in results])
    covered = 100 * ((ends[..., 0] <= truth) & (truth <= ends[..., 1])).mean(axis=0)
    spread = estimates.std(axis=0, ddof=1)
    real = (own.std(axis=0, ddof=1) / spread) ** 2
    digits = 4 if spread[0] < 0.1 else 3
    effect = np.median((errors[:, 0] / errors[:, 1]) ** 2)
    cells += [f"{spread[0]:.{digits}f}", *(f"{e:.{digits}f}" for e in np.median(errors, axis=0))]
    cells += [*(f"{c:.1f}" for c in covered), f"{effect:.1f}"]
    cells += [*(f"{e:.2f}" for e in np.median(efficiency, axis=0)), f"{real[0]:.2f}"]
    print("| " + " | ".join(cells) + " |", flush=True)


# An estimator that trains on the labels.


def fitted(one, n, seed):
    clusters = one.clusters
    chosen = np.random.default_rng(seed).choice(len(one.rows), n, replace=False)
    y = np.where(np.isin(clusters, chosen), one.y, np.nan)
    make = partial(RectifiedMeanEstimator, Ridge(), cv=5, random_state=seed, finite_population=True)
    return [make().fit(one.X, y, groups=groups).result_ for groups in (clusters, None)]


def trained(one, n, draws):
    results = [fitted(one, n, seed) for seed in range(draws)]
    report([one.name, str(n)], results, one.y.mean())


HEADER = (
    "SD | SE, clusters | SE, rows | coverage, clusters | coverage, rows | design effect "
    "| efficiency stated, clusters | stated, rows | real |"
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--estimator-draws", type=int, default=400)
    options = parser.parse_args()
    # Taken for independent rows, samples of clusters do look shifted.
    warnings.simplefilter("ignore", PredictionShiftWarning)
    sets = list(populations(options.data))
    print(
        "| set | rows | clusters | median size (range) | evenness | ICC of y | ICC of y - f | corr(y, f) |"
    )
    print("|" + " --- |" * 8)
    for one in sets:
        describe(one)
    print(f"\n| set | labeled clusters | {HEADER}\n|" + " --- |" * 11)
    for one in sets:
        for n in LABELED:
            given(one, n, options.draws)
    for one in sets[:3]:
        given(one, 40, options.draws, even=True)
    for one in (sets[0], sets[1], sets[3]):
        given(replace(one, name=one.name + ", by chance", by_chance=True), 40, options.draws)
    print(
        "\n| set, 40 labeled clusters | lambda | bias / SD | SE / SD | too high | too low | coverage | with Kish's degrees |"
    )
    print("|" + " --- |" * 8)
    for one in sets:
        for name, lambda_ in (("0, labels only", 0.0), ("1", 1.0), ("tuned", None)):
            cause(one, 40, options.draws, name, lambda_)
    print(f"\n| set | labeled clusters | {HEADER}\n|" + " --- |" * 11)
    trained(sets[1], 30, options.estimator_draws)
    trained(sets[3], 40, options.estimator_draws)
    trained(sets[3], 200, options.estimator_draws)


if __name__ == "__main__":
    main()
