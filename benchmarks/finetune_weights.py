"""What the fine-tuning weights (c' H^-1 x)^2 of the rectified regressions gain over the plain loss, on real ratings.

    OMP_NUM_THREADS=1 python benchmarks/finetune_weights.py --data FOLDER [--draws 100] [--network-draws 20]

A draw (seed i) takes n rows as labels, the others are the pool. The same draws, folds and splits (random_state i) serve the
plain loss, weights for all coefficients (`finetune_weights=True`) and weights for one (`coefficient=`), fixed beforehand. Five folds, or
one split that trains on 30 % and does not recycle. The predictor is the default, ridge regression with a chosen penalty, on sentence
vectors (moral machine: respondents, scenarios and GPT-4o's answers) and the covariates; 20 draws of one set with VarianceRegressor, 20 epochs.

`made` is a control where weights must help: 10,000 rows, 10 % of them in a rare group, y = z1 + noise in the common and z2 + noise in
the rare group, which a linear predictor without interactions cannot both learn; the coefficient is that of the group.

The first table is the median over draws of squared standard errors, plain over weighted, with its standard error: above 1 weights
help. The second has geometric means over coefficients and draws, with Monte Carlo errors; the third, of draws, of the sum over coefficients of variances in
units of the labels' own, which is what weights for all coefficients make small; the fourth of squared errors to the
estimate from all rows instead of squared standard errors. The fifth is coverage of the 95 % intervals, mean over coefficients, and lowest to highest:
of the estimate from all rows, and of the population that they are a sample of (see `estimands_real.py`). Twelve minutes on one core.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _rating_sets import load_judge, load_vectors
from estimands_real import (
    categories,
    covers,
    covers_population,
    draw_labels,
    kinds_of_document,
    moral_covariates,
    texts,
)

from sklearn_ftr import (
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedPoissonRegression,
    VarianceRegressor,
    rectify_linear_regression,
    rectify_logistic_regression,
    rectify_poisson_regression,
)

LINEAR = (RectifiedLinearRegression, rectify_linear_regression)
LOGISTIC = (RectifiedLogisticRegression, rectify_logistic_regression)
POISSON = (RectifiedPoissonRegression, rectify_poisson_regression)
DESIGNS = {
    (n, way): settings
    for n in (300, 1000)
    for way, settings in {"K = 5": {"cv": 5}, "split": {"split_ratio": 0.3, "recycle": False}}.items()
}
PLAIN, ALL, ONE = "plain", "all", "one"
MADE = "made"


@dataclass(frozen=True)
class Problem:
    """Covariates, what else the predictor sees, labels, the coefficient of interest."""

    name: str
    family: tuple[type, Callable[..., Any]]
    covariates: pd.DataFrame
    features: np.ndarray
    y: np.ndarray
    one: str
    predictor: Any = None

    @cached_property
    def all_columns(self):
        """What the predictor sees."""
        return np.column_stack([self.covariates, self.features])

    @cached_property
    def whole(self):
        """The result from all labels."""
        Z, y = self.covariates, self.y
        return self.family[1](Z, y, y, Z.iloc[:0], [])

    def chosen(self, weights):
        """Positions, the intercept's included, of the coefficients that the weights are for."""
        names = self.whole.names
        return [names.index(self.one)] if weights == ONE else list(range(len(names)))

    def fit(self, n, settings, weights, seed):
        """The result of a draw."""
        k = self.covariates.shape[1]
        model = self.family[0](
            self.predictor,
            covariates=list(range(k)),
            coefficient=list(self.covariates).index(self.one) if weights == ONE else None,
            finetune_weights=weights != PLAIN,
            random_state=seed,
            **settings,
        )
        return model.fit(self.all_columns, draw_labels(self.y, n, seed)).result_


@dataclass(frozen=True)
class Cell:
    """Squared standard errors, the same in units of those of labels alone, squared errors, both kinds of coverage.

    Each of shape (draws, coefficients).
    """

    variance: np.ndarray
    relative: np.ndarray
    squared_error: np.ndarray
    holds: np.ndarray
    likely: np.ndarray


def measure(problem, n, settings, weights, draws):
    results = [problem.fit(n, settings, weights, seed) for seed in range(draws)]
    estimates, errors = (
        np.array([getattr(r, name) for r in results]) for name in ("estimate", "standard_error")
    )
    low, high = np.moveaxis([r.confidence_interval() for r in results], 1, 0)
    return Cell(
        errors**2,
        1 / np.array([r.efficiency for r in results]),
        (estimates - problem.whole.estimate) ** 2,
        covers(low, high, problem.whole),
        covers_population(low, high, problem.whole),
    )


# Problems.


def emobank(data):
    rated, kinds = load_vectors(data, "EmoBank V"), kinds_of_document(categories(data))
    return Problem("EmoBank V, linear", LINEAR, kinds, rated.X, rated.y, "fiction")


def tweets(data):
    """The mean rating, linear; and how many of 20 raters find a tweet negative, Poisson."""
    rated, frame = load_vectors(data, "tweets"), texts(data, "tweets")
    text = frame["text"]
    covariates = pd.DataFrame(
        {
            "words / 10": text.str.split().str.len() / 10,
            "capitals x 10": [10 * np.mean([letter.isupper() for letter in one]) for one in text],
            "exclamation marks": text.str.count("!").astype(float),
        }
    )
    shares = [np.mean(np.array(json.loads(ratings)) < 0) for ratings in frame["ratings_raw"]]
    marks = "exclamation marks"
    yield Problem("tweets, linear", LINEAR, covariates, rated.X, rated.y, marks)
    negative = np.round(20 * np.array(shares))
    yield Problem("tweets, Poisson", POISSON, covariates, rated.X, negative, marks)
    network = VarianceRegressor(max_epochs=20)
    yield Problem("tweets, linear, network", LINEAR, covariates, rated.X, rated.y, marks, network)


def wine(data):
    """Points on price and country, of wines with a price."""
    rated, frame = load_vectors(data, "wine points"), texts(data, "wine points")
    priced = (frame["price"] != "").to_numpy()
    frame = frame[priced]
    covariates = pd.DataFrame({"log price": np.log(frame["price"].astype(float))})
    for country in ("US", "France", "Italy"):
        covariates[country] = (frame["country"] == country).astype(float)
    return Problem(
        "wine points, linear", LINEAR, covariates, rated.X[priced], rated.y[priced], "log price"
    )


def moral(data):
    judge = load_judge(data, "moral machine, GPT-4o")
    covariates = moral_covariates(judge)
    features = np.column_stack([judge.judge, judge.features.drop(columns=list(covariates))])
    one = "DiffNumberOFCharacters"
    return Problem("moral choice, logistic", LOGISTIC, covariates, features, judge.y, one)


def made():
    rng = np.random.default_rng(0)
    rare, z = (rng.random(10_000) < 0.1).astype(float), rng.normal(size=(10_000, 2))
    y = np.where(rare == 1, z[:, 1], z[:, 0]) + rng.normal(scale=0.3, size=10_000)
    return Problem(MADE, LINEAR, pd.DataFrame({"rare group": rare}), z, y, "rare group")


def problems(data):
    yield emobank(data)
    yield from tweets(data)
    yield wine(data)
    yield moral(data)
    yield made()


# What is reported, as (value, Monte Carlo standard error).


def median_ratio(plain, weighted, j):
    ratios = plain.variance[:, j] / weighted.variance[:, j]
    half = 0.5 / np.sqrt(len(ratios))  # the standard error of a share of one half
    low, high = np.quantile(ratios, [0.5 - half, 0.5 + half])
    return np.median(ratios), (high - low) / 2


def log_variance_ratio(plain, weighted, chosen):
    """Mean logarithm over coefficients and draws."""
    of_draws = np.log(plain.variance / weighted.variance)[:, chosen].mean(axis=1)
    return of_draws.mean(), of_draws.std(ddof=1) / np.sqrt(len(of_draws))


def log_sum_ratio(plain, weighted, chosen):
    """Mean logarithm over draws of the ratio of sums over coefficients, each in units of the labels' own."""
    of_draws = np.log(plain.relative[:, chosen].sum(axis=1) / weighted.relative[:, chosen].sum(axis=1))
    return of_draws.mean(), of_draws.std(ddof=1) / np.sqrt(len(of_draws))


def log_error_ratio(plain, weighted, chosen):
    """Logarithm of mean squared errors' ratio, mean over coefficients; the error by leaving out a draw each."""
    errors = np.array([plain.squared_error[:, chosen], weighted.squared_error[:, chosen]])
    draws = errors.shape[1]

    def answer(sums):
        return np.log(sums[0] / sums[1]).mean(axis=-1)

    left_out = answer(errors.sum(axis=1, keepdims=True) - errors)
    return answer(errors.sum(axis=1)), np.sqrt(draws - 1) * left_out.std()


def cell(value, error):
    return f"{value:.3f} +- {error:.3f}"


def header(*columns):
    designs = [f"{n:,}, {way}" for n, way in DESIGNS]
    print(f"\n| {' | '.join((*columns, *designs))} |\n|{' --- |' * (len(columns) + len(designs))}")


def line(*cells):
    print(f"| {' | '.join(cells)} |", flush=True)


def print_coefficients(results):
    header("set", "coefficient", "weights for")
    for problem, cells in results:
        for weights in (ALL, ONE):
            for j in problem.chosen(weights):
                ratios = [
                    cell(*median_ratio(cells[design, PLAIN], cells[design, weights], j))
                    for design in DESIGNS
                ]
                line(problem.name, problem.whole.names[j], weights, *ratios)


def print_overall(results, log_ratio):
    """Geometric means of each problem, and of the real ones with ridge regression."""
    header("set", "weights for")
    for weights in (ALL, ONE):
        counted = []
        for problem, cells in results:
            logs = [
                log_ratio(cells[design, PLAIN], cells[design, weights], problem.chosen(weights))
                for design in DESIGNS
            ]
            line(problem.name, weights, *(geometric(*one) for one in logs))
            if problem.predictor is None and problem.name != MADE:
                counted.append(logs)
        means, errors = np.moveaxis(counted, -1, 0)
        together = np.sqrt((errors**2).sum(axis=0)) / len(counted)
        line("real sets, ridge", weights, *map(geometric, means.mean(axis=0), together))


def geometric(log, error):
    return cell(np.exp(log), np.exp(log) * error)


def print_coverage(results):
    header("set", "weights for", "coverage of")
    for problem, cells in results:
        for weights in (PLAIN, ALL, ONE):
            chosen = problem.chosen(weights)
            for target, name in (("all rows", "holds"), ("population", "likely")):
                shares = [
                    100 * getattr(cells[design, weights], name).mean(axis=0)[chosen]
                    for design in DESIGNS
                ]
                line(problem.name, weights, target, *map(span, shares))


def span(shares):
    if len(shares) == 1:
        return f"{shares[0]:.1f}"
    return f"{shares.mean():.1f} ({shares.min():.1f} to {shares.max():.1f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--network-draws", type=int, default=20)
    options = parser.parse_args()
    results = []
    for problem in problems(options.data):
        draws = options.draws if problem.predictor is None else options.network_draws
        cells = {
            (design, weights): measure(problem, design[0], settings, weights, draws)
            for design, settings in DESIGNS.items()
            for weights in (PLAIN, ALL, ONE)
        }
        results.append((problem, cells))
    print_coefficients(results)
    print_overall(results, log_variance_ratio)
    print_overall(results, log_sum_ratio)
    print_overall(results, log_error_ratio)
    print_coverage(results)


if __name__ == "__main__":
    main()
