"""Buying labels in rounds, on real ratings: label a pilot, ask how many more, label, refit, until it is enough.

    python docs/examples/buying_labels.py [--half-width 0.1] [--pilot 200] [--strategy split]

The "crowd" is the file of tweets with about 20 human ratings each: a label is looked up when it is bought. A row
that has trained keeps training and never rectifies; each label is bought once. Since everybody looks after every round, the
intervals are those of a confidence sequence: all rounds' intervals hold the truth together in 95 % of such studies.
"""

import argparse

import numpy as np
from sklearn.linear_model import RidgeCV

from sklearn_ftr import FineTuneRectifyAllocator, RectifiedMeanEstimator
from sklearn_ftr.datasets import fetch_vader_tweets
from sklearn_ftr.demo import text_features


def buy_until(X, answers, half_width, pilot, strategy, rounds=12, seed=0):
    """Buy labels in random order until the interval is narrow enough; yields each round's allocator."""
    # Rows in the order they are bought.
    waiting = list(np.random.default_rng(seed).permutation(len(answers)))
    y = np.full(len(answers), np.nan)
    trained = np.zeros(len(answers), dtype=bool)
    to_buy = pilot
    for _ in range(rounds):
        bought, waiting = waiting[:to_buy], waiting[to_buy:]
        y[bought] = answers[bought]
        allocator = FineTuneRectifyAllocator(
            RectifiedMeanEstimator(RidgeCV(alphas=np.logspace(-3, 3, 13))),
            strategy=strategy,
            random_state=seed,
        )
        allocator.fit(X, y, finetune_rows=trained)
        trained = allocator.finetune_rows_
        yield allocator
        low, high = allocator.confidence_sequence(n_first=pilot)
        if (high - low) / 2 <= half_width or not waiting:
            return
        purchase = allocator.next_purchase(half_width, always_valid=True, n_first=pilot)
        to_buy = max(purchase.n_more, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half-width", type=float, default=0.1)
    parser.add_argument("--pilot", type=int, default=200)
    parser.add_argument("--strategy", choices=["auto", "split", "cross-fitting"], default="split")
    options = parser.parse_args()
    texts, ratings = fetch_vader_tweets(return_X_y=True)
    X = text_features(texts)
    rounds = buy_until(X, ratings, options.half_width, options.pilot, options.strategy)
    for number, allocator in enumerate(rounds, 1):
        low, high = allocator.confidence_sequence(n_first=options.pilot)
        print(
            f"round {number}: {allocator.n_labeled_} labels, {allocator.finetune_rows_.sum()} of them train; mean "
            f"{allocator.mean_:.3f}, interval +- {(high - low) / 2:.3f}"
        )
        print(f"  {allocator.verdict_}")
        goal = allocator.next_purchase(
            options.half_width, always_valid=True, n_first=options.pilot
        ).required
        print(f"  {goal}")
    print(f"true mean {ratings.mean():.3f}")


if __name__ == "__main__":
    main()
