"""Beyond the mean on real ratings: what drives a moral choice, the median wine score, valence by kind of document.

    python benchmarks/estimands_real.py --data FOLDER [--draws 200]

Each draw (seed i) takes 1,000 rows as labels, the rest is the pool. Efficiency is the median over draws of the squared ratio of
standard errors, labels only over rectified; coverage of the 95 % intervals is of the estimate from all rows, for which an interval made for the
population is a little too wide. Predictions: GPT-4o's answers for the moral choice; else cross-fitted ridge regression on
sentence vectors (trained on half of the rows that are never labeled, so that it has seen none of the labels).
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from _rating_sets import load_judge, load_vectors
from sklearn.linear_model import Ridge

from sklearn_ftr import (
    rectify_difference,
    rectify_linear_regression,
    rectify_logistic_regression,
    rectify_quantile,
)

MORAL = ["Barrier", "CrossingSignal_2", "DiffNumberOFCharacters", "NumberOfCharacters", "Review_age"]
N = 1000


def study(name, answer, rows, truth, draws):
    """Efficiency and coverage of tuned and plain rectification."""
    for variant, weight in (("tuned", None), ("lambda = 1", 1.0)):
        efficiency, covered = [], []
        for seed in range(draws):
            order = np.random.default_rng(seed).permutation(rows)
            result = answer(order[:N], order[N:], weight)
            low, high = result.confidence_interval()
            covered.append((low <= truth) & (truth <= high))
            efficiency.append(result.efficiency)
        names = result.names or (result.estimand,)
        for j, label in enumerate(names):
            gain = np.median(np.reshape(efficiency, (draws, -1))[:, j])
            share = 100 * np.mean(np.reshape(covered, (draws, -1))[:, j])
            print(f"| {name} | {label} | {variant} | {gain:.2f} | {share:.1f} |", flush=True)


def moral_choice(data, draws):
    judge = load_judge(data, "moral machine, GPT-4o")
    X = judge.features[[name for name in MORAL if name in judge.features]]
    X, y, f = (X - X.mean()) / X.std(), judge.y, judge.judge
    truth = rectify_logistic_regression(X, y, y, X.iloc[:0], []).estimate

    def answer(rated, pool, weight):
        X_rated, X_pool = (X.iloc[rows].reset_index(drop=True) for rows in (rated, pool))
        return rectify_logistic_regression(X_rated, y[rated], f[rated], X_pool, f[pool], lambda_=weight)

    study("moral choice, log odds", answer, len(y), truth, draws)


def with_predictions(data, name):
    """Vectors' ridge predictions for the half of a set that has not trained it, and the positions of that half."""
    rated = load_vectors(data, name)
    order = np.random.default_rng(0).permutation(len(rated.y))
    half = len(order) // 2
    model = Ridge().fit(rated.X[order[:half]], rated.y[order[:half]])
    return rated.y[order[half:]], model.predict(rated.X[order[half:]]), order[half:]


def wine_median(data, draws):
    y, f, _ = with_predictions(data, "wine points")
    truth = np.quantile(y, 0.5, method="inverted_cdf")

    def answer(rated, pool, weight):
        return rectify_quantile(y[rated], f[rated], f[pool], lambda_=weight)

    study("median wine score", answer, len(y), truth, draws)


def emobank(data, draws):
    y, f, rows = with_predictions(data, "EmoBank V")
    frame = pd.read_csv(data / "text" / "emobank.csv.gz", keep_default_na=False)
    category = frame["category"].to_numpy()[rows]
    fiction = category == "fiction"
    X = pd.get_dummies(pd.Series(category), dtype=float).drop(columns="newspaper")
    truth = rectify_linear_regression(X, y, y, X.iloc[:0], []).estimate

    def regression(rated, pool, weight):
        X_rated, X_pool = (X.iloc[rows].reset_index(drop=True) for rows in (rated, pool))
        return rectify_linear_regression(X_rated, y[rated], f[rated], X_pool, f[pool], lambda_=weight)

    study("valence by category", regression, len(y), truth, draws)
    group = np.where(fiction, "fiction", "other")

    def difference(rated, pool, weight):
        return rectify_difference(
            y[rated], f[rated], f[pool], group[rated], group[pool], lambda_=weight
        )

    study("valence", difference, len(y), y[~fiction].mean() - y[fiction].mean(), draws)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=200)
    options = parser.parse_args()
    print(
        "| estimand | coefficient | lambda | efficiency | coverage |\n| --- | --- | --- | --- | --- |"
    )
    moral_choice(options.data, options.draws)
    wine_median(options.data, options.draws)
    emobank(options.data, options.draws)


if __name__ == "__main__":
    main()
