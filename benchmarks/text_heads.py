"""A linear head on frozen vectors: solved, trained, and RidgeCV on the same vectors.

    python benchmarks/text_heads.py --data FOLDER [--seeds 3] [--sizes 100 300 1000 2000] [--skip-trained]

FOLDER holds text/<file>.csv.gz and embeddings/<file>.<model>.npz. Test rows are 2,000 of each set, the same for all; seed r
shuffles the others, of which the first s train. Printed: variance of the errors on the test rows over that of their
ratings, the mean of the seeds. `solved` is what `TextVarianceRegressor()` does with these vectors, `trained` what it does
with max_epochs given, 30 or as many as make 100 steps of 16 texts. RidgeCV chooses from 33 penalties by leave-one-out.
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ftr import VarianceRegressor
from sklearn_ftr.finetuning._ridge import fit_ridge
from sklearn_ftr.finetuning._text_network import RegressionHead

SETS = {
    "EmoBank V": ("emobank", "V"),
    "tweets": ("vader_tweets", "y"),
    "wine points": ("wine_reviews_first10k", "points"),
}
MODELS = {"MiniLM": "minilm_l6_v2", "mpnet": "mpnet_base_v2"}
N_TEST = 2000
PENALTIES = 10.0 ** np.arange(-4, 4.25, 0.25)


def load(folder, name, model):
    """Vectors (n, d) and ratings (n,) of a set; repeated reviews are left out."""
    file, column = SETS[name]
    frame = pd.read_csv(folder / "text" / f"{file}.csv.gz", keep_default_na=False)
    with np.load(folder / "embeddings" / f"{file}.{MODELS[model]}.npz") as arrays:
        vectors, frame = arrays["emb"].astype(np.float64), frame.iloc[arrays["row"]]
    first = frame["dup_text"].to_numpy() == 0 if "dup_text" in frame else np.ones(len(frame), bool)
    return vectors[first], frame[column].to_numpy(float)[first]


def normalized(X):
    """What a head reads: `RegressionHead.vectors`."""
    head = RegressionHead(X.shape[1], 0, 1, ())
    return head.vectors(torch.as_tensor(X, dtype=torch.float32)).numpy().astype(np.float64)


class Head(RegressionHead):
    """The head that `TextVarianceRegressor` trains."""

    def __init__(self, n_features, n_outputs):
        super().__init__(n_features, 0, n_outputs, ())


def solved(X, y, test, seed):
    """A head that is solved."""
    ridge = fit_ridge(normalized(X), y[:, None])
    return (normalized(test) @ ridge.coefficients.T + ridge.intercept)[:, 0]


def trained(X, y, test, seed):
    """A head that is trained, but for warm-up and decay of the rate, which end at the same rate on average."""
    settings = {"learning_rate": 3e-4, "weight_decay": 0.01, "batch_size": 16, "dtype": "float32"}
    epochs = max(30, -(-100 * 16 // len(y)))
    model = VarianceRegressor(Head, max_epochs=epochs, random_state=seed, **settings)
    return model.fit(X, y).predict(test)


def ridge_cv(X, y, test, seed):
    """RidgeCV on the vectors as they are."""
    return RidgeCV(PENALTIES).fit(X, y).predict(test)


def ridge_cv_standardized(X, y, test, seed):
    """RidgeCV on standardized vectors."""
    penalties = PENALTIES * X.shape[1]
    return make_pipeline(StandardScaler(), RidgeCV(penalties)).fit(X, y).predict(test)


WAYS = [ridge_cv, ridge_cv_standardized, solved, trained]


def shares(X, y, size, seeds, ways):
    """v(s) / V(Y), of each seed and way."""
    order = np.random.default_rng(12345).permutation(len(y))
    test, others = order[:N_TEST], order[N_TEST:]
    found = np.empty((seeds, len(ways)))
    for seed, (column, way) in product(range(seeds), enumerate(ways)):
        train = np.random.default_rng(seed).permutation(others)[:size]
        errors = y[test] - way(X[train], y[train], X[test], seed)
        found[seed, column] = errors.var() / y[test].var()
    return found


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=(100, 300, 1000, 2000))
    parser.add_argument("--skip-trained", action="store_true")
    options = parser.parse_args()
    ways = WAYS[:-1] if options.skip_trained else WAYS
    print("| set | model | s |", " | ".join(way.__name__ for way in ways), "| solved - ridge_cv |")
    print("| --- " * (4 + len(ways)) + "|")
    for name, model in product(SETS, MODELS):
        X, y = load(options.data, name, model)
        for size in options.sizes:
            if size > len(y) - N_TEST:
                continue
            found = shares(X, y, size, options.seeds, ways)
            gain = found[:, 2] - found[:, 0]
            error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.nan
            numbers = " | ".join(f"{value:.3f}" for value in found.mean(axis=0))
            print(
                f"| {name} | {model} | {size} | {numbers} | {gain.mean():.4f} +- {error:.4f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
