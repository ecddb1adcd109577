"""Whether forecasts of labels that are not bought yet come true, and what buying in rounds buys.

    python benchmarks/labels_to_come.py forecasts [--data FOLDER] [--draws 200] [--populations linear-10 tweets] [--pilots 50 150 300]
    python benchmarks/labels_to_come.py rounds [...]
    python benchmarks/labels_to_come.py spread [...]

Populations: linear-d, y = b'x + e with d normal columns, R^2 = 0.8 and 8,000 rows, made anew for each draw (seed i); tweets, 4,200 rows in random order (seed i), whose
sentence vectors FOLDER holds (see regret.py). The predictor is ridge regression, alpha = 1. Goals are half-widths that n labels, cross-fitted with 5 folds, reach: the
geometric mean over 60 other draws, for n = 1.5, 3 and 10 times the pilot.

forecasts: a pilot is fitted, `required_labels` asked for the goal, so many labels are taken, and the estimator that the pilot chose is refitted: is its half-width no
larger than the goal? Asked for over needed: n of `required_labels` over the n that made the goal, median (10 % to 90 %). Numbers of labels beyond 90 % of the rows, or
out of reach, count as 90 % of the rows.

spread: the variance that 5 folds state over the one that a pilot's plan promises, in logarithms. Its slope on the same at the pilot's own labels; and the spread of the
difference of both over draws, against the bootstrap's times sqrt(1 - n0 / n).

rounds: `next_purchase` until the goal is reached, with a new fit each time; labels over the n that made the goal, and coverage of the last 95 % interval.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
from _rating_sets import load_vectors
from sklearn.base import clone
from sklearn.linear_model import Ridge

from sklearn_ftr import FineTuneRectifyAllocator, RectifiedMeanEstimator

ROWS = 8_000
FACTORS = (1.5, 3, 10)
REFERENCE_SEED = 10_000


def linear(seed, d, r2=0.8):
    """Rows, their labels and the true mean."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(ROWS, d))
    y = X.sum(axis=1) * np.sqrt(r2 / d) + np.sqrt(1 - r2) * rng.normal(size=ROWS)
    return X, y, 0.0


def in_random_order(seed, X, y):
    """The same of rows that there are."""
    order = np.random.default_rng(seed).permutation(len(y))
    return X[order], y[order], y.mean()


def population(name, data):
    """What draws it."""
    kind, _, d = name.partition("-")
    if kind == "linear":
        return partial(linear, d=int(d))
    rated = load_vectors(data, name)
    return partial(in_random_order, X=rated.X, y=rated.y)


def labels(y, n):
    """The first n."""
    return np.where(np.arange(len(y)) < n, y, np.nan)


def half_width(model):
    """Of the 95 % interval."""
    low, high = model.confidence_interval()
    return (high - low) / 2


def goal_of(draw, n, draws=60):
    """Half-width that n labels reach."""
    reached = []
    for seed in range(REFERENCE_SEED, REFERENCE_SEED + draws):
        X, y, _ = draw(seed)
        model = RectifiedMeanEstimator(Ridge(), cv=5, random_state=seed)
        reached.append(half_width(model.fit(X, labels(y, n))))
    return np.exp(np.mean(np.log(reached)))


def fitted(X, y, n, seed):
    """The allocator, with n labels."""
    model = FineTuneRectifyAllocator(RectifiedMeanEstimator(Ridge()), random_state=seed)
    return model.fit(X, labels(y, n))


def asked_for(model, goal, most, assurance):
    """Labels that the allocator asks for."""
    try:
        return min(model.required_labels(goal, assurance=assurance).n_labeled, most)
    except ValueError:
        return most


def forecasts(draw, pilot, draws):
    """Lines of the table for a pilot."""
    goals = {factor: goal_of(draw, int(factor * pilot)) for factor in FACTORS}
    found = {(factor, sure): [] for factor in FACTORS for sure in (0.5, 0.8)}
    for seed in range(draws):
        X, y, _ = draw(seed)
        model = fitted(X, y, pilot, seed)
        for factor, sure in found:
            n = asked_for(model, goals[factor], int(0.9 * len(y)), sure)
            refitted = clone(model.best_estimator_).fit(X, labels(y, n))
            found[factor, sure].append((half_width(refitted) <= goals[factor], n / factor / pilot))
    for factor in FACTORS:
        cells = [shares(found[factor, sure]) for sure in (0.5, 0.8)]
        yield f"| {pilot} | {factor:g} | {goals[factor]:.3f} | {' | '.join(cells)} |"


def shares(pairs):
    """How often the goal was reached, and how many labels were asked for."""
    reached, ratio = np.array(pairs).T
    error = np.sqrt(reached.mean() * (1 - reached.mean()) / len(reached))
    low, middle, high = np.quantile(ratio, [0.1, 0.5, 0.9])
    return f"{100 * reached.mean():.0f} +- {100 * error:.0f} % | {middle:.2f} ({low:.2f} to {high:.2f})"


def surprises(model, X, y, sizes, seed):
    """Logarithms of stated over promised variances of 5 folds, and the bootstrap's spread of the latter."""
    for n in sizes:
        promised = next(one for one in model.plan(n).options if one.n_folds == 5)
        stated = RectifiedMeanEstimator(Ridge(), cv=5, random_state=seed).fit(X, labels(y, n))
        surprise = 2 * np.log(stated.standard_error_ / promised.standard_error)
        yield surprise, 2 * np.log(promised.high / promised.low) / (2 * 1.96)


def spread(draw, pilot, draws):
    """Lines of the table for a pilot."""
    sizes = [pilot, *(int(factor * pilot) for factor in FACTORS)]
    found = []
    for seed in range(draws):
        X, y, _ = draw(seed)
        found.append(list(surprises(fitted(X, y, pilot, seed), X, y, sizes, seed)))
    surprise, of_law = np.moveaxis(np.array(found), 2, 0)
    for column, factor in enumerate(FACTORS, 1):
        slope = np.polyfit(surprise[:, 0], surprise[:, column], 1)[0]
        observed = (surprise[:, column] - surprise[:, 0]).std()
        foreseen = of_law[:, column].mean() * np.sqrt(1 - 1 / factor)
        error = observed / np.sqrt(2 * draws)
        yield f"| {pilot} | {factor:g} | {slope:.2f} | {observed:.3f} +- {error:.3f} | {foreseen:.3f} |"


def bought(draw, seed, pilot, goal):
    """Rounds after the pilot, labels at the end, and whether the last interval covers."""
    X, y, truth = draw(seed)
    n, rounds = pilot, 0
    model = fitted(X, y, n, seed)
    while half_width(model) > goal and n < len(y):
        n = min(n + max(model.next_purchase(goal).n_more, 1), int(0.9 * len(y)))
        rounds += 1
        model = fitted(X, y, n, seed)
    low, high = model.confidence_interval()
    return rounds, n, low <= truth <= high


def buying(draw, pilot, draws):
    """Lines of the table for a pilot."""
    for factor in FACTORS[1:]:
        needed = int(factor * pilot)
        goal = goal_of(draw, needed)
        rounds, n, covers = np.array([bought(draw, seed, pilot, goal) for seed in range(draws)]).T
        error = np.sqrt(covers.mean() * (1 - covers.mean()) / draws)
        low, middle, high = np.quantile(n / needed, [0.1, 0.5, 0.9])
        yield (
            f"| {pilot} | {factor:g} | {goal:.3f} | {np.median(rounds):.0f} ({rounds.max():.0f}) | "
            f"{middle:.2f} ({low:.2f} to {high:.2f}) | {100 * covers.mean():.1f} +- {100 * error:.1f} % |"
        )


TABLES = {
    "forecasts": (
        forecasts,
        "pilot | needed over pilot | goal | reached, assurance 0.5 | asked for over needed | reached, 0.8 | asked for over needed",
    ),
    "spread": (
        spread,
        "pilot | labels over pilot | slope | observed spread | foreseen spread",
    ),
    "rounds": (
        buying,
        "pilot | needed over pilot | goal | rounds: median (most) | bought over needed | coverage",
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", choices=list(TABLES))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--populations", nargs="+", default=["linear-10", "linear-30", "tweets"])
    parser.add_argument("--pilots", type=int, nargs="+", default=[50, 150, 300])
    options = parser.parse_args()
    lines, head = TABLES[options.table]
    print(f"| population | {head} |\n{'| --- ' * (head.count('|') + 2)}|")
    for name in options.populations:
        draw = population(name, options.data)
        for pilot in options.pilots:
            for line in lines(draw, pilot, options.draws):
                print(f"| {name} {line}", flush=True)


if __name__ == "__main__":
    main()
