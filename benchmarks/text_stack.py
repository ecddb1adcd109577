"""Several predictors at once, cross-fitted: coverage of a stack, and of two encoders' vectors side by side.

    python benchmarks/text_stack.py --data FOLDER [--draws 400] [--n 300]

FOLDER as for `text_heads.py`. Draw i (seed i) takes n of the 10,062 sentences of EmoBank as labels, all others are the
pool, and the truth is the mean valence of all. `RectifiedMeanEstimator(cv=5, finite_population=True)` with RidgeCV on
the vectors of MiniLM, of both models side by side, and with a StackingRegressor of a RidgeCV on each, whose own folds are
within the training labels. Efficiency: variance of labels only over that of the estimate, by their standard errors.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.ensemble import StackingRegressor
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from text_heads import load

from sklearn_ftr import RectifiedMeanEstimator

PENALTIES = 10.0 ** np.arange(-2, 3.5, 0.5)
MINILM, MPNET = slice(0, 384), slice(384, 1152)


def ridge(columns):
    """Ridge regression on some columns."""
    return make_pipeline(make_column_transformer(("passthrough", columns)), RidgeCV(PENALTIES))


def predictors():
    """By name."""
    both = [("MiniLM", ridge(MINILM)), ("mpnet", ridge(MPNET))]
    return {
        "MiniLM": ridge(MINILM),
        "side by side": RidgeCV(PENALTIES),
        "stack": StackingRegressor(both, LinearRegression(positive=True)),
    }


def answer(model, X, y, n, draw):
    """Whether the interval holds the truth, and the efficiency."""
    rows = np.random.default_rng(draw).permutation(len(y))[:n]
    known = np.full(len(y), np.nan)
    known[rows] = y[rows]
    fitted = RectifiedMeanEstimator(model, cv=5, finite_population=True, random_state=draw).fit(
        X, known
    )
    low, high = fitted.confidence_interval()
    ratio = fitted.result_.labels_only.standard_error / fitted.result_.standard_error
    return low <= y.mean() <= high, float(np.squeeze(ratio)) ** 2


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--n", type=int, default=300)
    options = parser.parse_args()
    parts = [load(options.data, "EmoBank V", model) for model in ("MiniLM", "mpnet")]
    X, y = np.hstack([part[0] for part in parts]), parts[0][1]
    print("| predictor | coverage of 95 % | efficiency | seconds of a fit |\n| --- | --- | --- | --- |")
    for name, model in predictors().items():
        start = time.perf_counter()
        found = np.array([answer(model, X, y, options.n, draw) for draw in range(options.draws)])
        seconds = (time.perf_counter() - start) / options.draws
        errors = found.std(axis=0) / np.sqrt(options.draws)
        cells = [
            f"{mean:.3f} +- {error:.3f}" for mean, error in zip(found.mean(axis=0), errors, strict=True)
        ]
        print(f"| {name} | {cells[0]} | {cells[1]} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
