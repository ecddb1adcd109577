"""Beyond the mean on real ratings: what drives a moral choice, quantiles of ratings, valence by kind of document.

    OMP_NUM_THREADS=1 python benchmarks/estimands_real.py --data FOLDER [--draws 200] [--estimator-draws 100]

Each draw (seed i) takes 1,000 rows as labels, the rest is the pool. Efficiency is the median over draws of the squared ratio of
standard errors, labels only over rectified; coverage of the 95 % intervals is of the estimate from all rows, for which an interval made for the
population is a little too wide.

The first table is of functions, 200 draws. Predictions: GPT-4o's answers for the moral choice; else ridge regression on
sentence vectors, trained on a half of the rows that is never labeled, so that it has seen none of the labels.

The second table is of estimators, which train on the labels themselves, 100 draws (random_state i): all rows, ridge regression on
sentence vectors and covariates, for the moral choice as a correction of GPT-4o's answers (`PredictionCorrector`). "of the population" is
coverage of what all rows themselves are a sample of: their estimate plus a Gaussian error with its own standard error, which
is independent of the draw; empty for quantiles of ratings, which come in steps. The last lines say what the allocator took. Ten minutes on one core.
"""

import argparse
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from _rating_sets import RATINGS, _with_vectors, load_judge, load_vectors
from scipy.stats import norm
from sklearn.linear_model import Ridge

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    PredictionCorrector,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedQuantile,
    RectifiedResult,
    ZeroWidthIntervalWarning,
    rectify_difference,
    rectify_linear_regression,
    rectify_logistic_regression,
    rectify_quantile,
)

MORAL = ["Barrier", "CrossingSignal_2", "DiffNumberOFCharacters", "NumberOfCharacters", "Review_age"]
N = 1000
# Way: parameters of the rectified estimator; None lets the allocator choose.
WAYS = {
    "split 20 %, recycled": {"split_ratio": 0.2},
    "split 20 %, plain": {"split_ratio": 0.2, "recycle": False},
    "K = 5": {"cv": 5},
    "allocator, `auto`": None,
}


# Functions: predictions are there already.


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
    X, y, f = moral_covariates(judge), judge.y, judge.judge
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
    category = categories(data)[rows]
    fiction = category == "fiction"
    X = kinds_of_document(category)
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


# Covariates.


def moral_covariates(judge):
    """Standardized covariates of the moral choice."""
    X = judge.features[[name for name in MORAL if name in judge.features]]
    return (X - X.mean()) / X.std()


def texts(data, name):
    """The table of a set's rows that have vectors."""
    return _with_vectors(data, "text", RATINGS[name][0])[0]


def categories(data):
    """EmoBank's kinds of document."""
    return texts(data, "EmoBank V")["category"].to_numpy()


def kinds_of_document(category):
    """One column for each kind but newspapers."""
    return pd.get_dummies(pd.Series(category), dtype=float).drop(columns="newspaper")


# Estimators: the labels train.


@dataclass(frozen=True)
class Example:
    """An estimator, its data, the result from all labels, and what its numbers are called."""

    name: str
    make: partial
    X: np.ndarray
    y: np.ndarray
    whole: RectifiedResult
    names: tuple[str, ...]
    steps: bool = False  # a quantile of ratings that come in steps, whose error is not Gaussian


def covers(low, high, whole):
    """Whether intervals (draws, k) hold the estimate from all rows."""
    return (low <= whole.estimate) & (whole.estimate <= high)


def covers_population(low, high, whole):
    """How likely they hold the population's, from which the estimate from all rows is a Gaussian error away."""
    to_high, to_low = ((end - whole.estimate) / whole.standard_error for end in (high, low))
    return norm.cdf(to_high) - norm.cdf(to_low)


def draw_labels(y, n, seed):
    """Labels of n random rows, NaN for all others."""
    rated = np.random.default_rng(seed).permutation(len(y))[:n]
    return np.where(np.isin(np.arange(len(y)), rated), y, np.nan)


def fits(example, settings, draws):
    """Efficiencies (draws, k), lower and upper ends of intervals (draws, k), and what the allocator took."""
    efficiency, low, high, taken = [], [], [], Counter()
    for seed in range(draws):
        model = example.make(random_state=seed, **(settings or {}))
        if settings is None:
            model = FineTuneRectifyAllocator(model, random_state=seed)
        model.fit(example.X, draw_labels(example.y, N, seed))
        if settings is None:
            taken[option_name(model.best_option_)] += 1
        for values, value in zip(
            (efficiency, low, high), (model.efficiency_, *model.confidence_interval()), strict=True
        ):
            values.append(np.atleast_1d(value))
    return np.array(efficiency), np.array(low), np.array(high), taken


def estimators(example, draws):
    """Print efficiency and coverage of each way; return what the allocator, the last of them, took."""
    for way, settings in WAYS.items():
        efficiency, low, high, taken = fits(example, settings, draws)
        gains = np.median(efficiency, axis=0)
        of_rows = 100 * covers(low, high, example.whole).mean(axis=0)
        likely = None if example.steps else covers_population(low, high, example.whole)
        for j, name in enumerate(example.names):
            of_population = "" if likely is None else f"{100 * likely[:, j].mean():.1f}"
            cells = f"{gains[j]:.2f} | {of_rows[j]:.1f} | {of_population}"
            print(f"| {example.name} | {name} | {way} | {cells} |", flush=True)
    return taken


def option_name(option):
    return f"K = {option.n_folds}" if option.strategy == "cross-fitting" else option.strategy


def moral_example(data):
    judge = load_judge(data, "moral machine, GPT-4o")
    covariates, y = moral_covariates(judge), judge.y
    k = covariates.shape[1]
    X = np.column_stack([covariates, judge.judge, judge.features.drop(columns=list(covariates))])
    corrector = PredictionCorrector(column=k)
    make = partial(RectifiedLogisticRegression, corrector, covariates=list(range(k)))
    whole = rectify_logistic_regression(covariates, y, y, covariates.iloc[:0], [])
    return Example("moral choice, log odds", make, X, y, whole, whole.names)


def emobank_examples(data):
    rated, category = load_vectors(data, "EmoBank V"), categories(data)
    kinds, y = kinds_of_document(category), rated.y
    make = partial(RectifiedLinearRegression, covariates=list(range(kinds.shape[1])))
    whole = rectify_linear_regression(kinds, y, y, kinds.iloc[:0], [])
    X = np.column_stack([kinds, rated.X])
    yield Example("valence by category", make, X, y, whole, whole.names)
    other = (category != "fiction").astype(float)
    whole = rectify_difference(y, y, [], other, [])
    X = np.column_stack([other, rated.X])
    make = partial(RectifiedDifference, group=0)
    yield Example("valence", make, X, y, whole, ("difference other - fiction",))


def quantile_example(data, name):
    rated, q = load_vectors(data, name), (0.5, 0.9)
    whole = rectify_quantile(rated.y, rated.y, [], q)
    make, names = partial(RectifiedQuantile, q=q), tuple(map(str, q))
    return Example(f"quantile, {name}", make, rated.X, rated.y, whole, names, steps=True)


def examples(data):
    yield moral_example(data)
    yield from emobank_examples(data)
    yield quantile_example(data, "tweets")
    yield quantile_example(data, "wine points")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--estimator-draws", type=int, default=100)
    options = parser.parse_args()
    print(
        "| estimand | coefficient | lambda | efficiency | coverage |\n| --- | --- | --- | --- | --- |"
    )
    moral_choice(options.data, options.draws)
    wine_median(options.data, options.draws)
    emobank(options.data, options.draws)
    print("\n| estimand | coefficient | estimator | efficiency | coverage | of the population |")
    print("| --- | --- | --- | --- | --- | --- |")
    warnings.simplefilter("ignore", ZeroWidthIntervalWarning)  # the median wine score is certain
    choices = []
    for example in examples(options.data):
        taken = dict(estimators(example, options.estimator_draws))
        choices.append(f"{example.name} ({len(example.names)}): {taken}")
    print("\nThe allocator took\n\n* " + "\n* ".join(choices))


if __name__ == "__main__":
    main()
