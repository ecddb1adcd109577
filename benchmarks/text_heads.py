"""Heads on frozen vectors: the solved head of `TextVarianceRegressor` beside scikit-learn's RidgeCV and a head that is trained.

    python benchmarks/text_heads.py --data FOLDER [--seeds 3] [--trained]

FOLDER/embeddings has vectors of all-MiniLM-L6-v2 and all-mpnet-base-v2. Residual variance over V(Y) on 1,500 other texts (the same for every run on a set) after
s labels, mean over seeds, each of which draws the labels: of the solved head, which reads vectors with mean 0 and mean square 1; of RidgeCV on the vectors as they are (13 penalties from 0.001 to
1,000); and with --trained of the same head trained for 30 epochs, 100 steps at least, as `VarianceRegressor` does it.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV

from sklearn_ftr import VarianceRegressor
from sklearn_ftr.finetuning._mlp import MLP
from sklearn_ftr.finetuning._ridge import fit_ridge

SETS = {
    "EmoBank V": ("emobank", "V"),
    "tweets": ("vader_tweets", "y"),
    "amazon": ("vader_amazon", "y"),
    "wine points": ("wine_reviews_first10k", "points"),
}
ENCODERS = {"MiniLM": "minilm_l6_v2", "mpnet": "mpnet_base_v2"}
SIZES = (100, 300, 1_000, 2_000)
N_TEST = 1_500


def load(folder, name, encoder):
    """Vectors with mean 0 and mean square 1, as they are, and ratings."""
    file, column = SETS[name]
    ratings = pd.read_csv(folder / "text" / f"{file}.csv.gz", keep_default_na=False)[column]
    stored = np.load(folder / "embeddings" / f"{file}.{ENCODERS[encoder]}.npz")
    vectors = stored["emb"].astype(float)
    centred = vectors - vectors.mean(axis=1, keepdims=True)
    normed = centred / np.sqrt(np.mean(centred**2, axis=1, keepdims=True))
    return normed, vectors, ratings.to_numpy(float)[stored["row"]]


def solved(X, y):
    """The head's predictions."""
    ridge = fit_ridge(X, (y[:, None] - y.mean()) / y.std())
    return lambda rows: y.std() * (rows @ ridge.coefficients.T + ridge.intercept)[:, 0]


def trained(X, y, seed):
    """Predictions of a linear network."""
    epochs = max(30, -(-100 // -(-len(y) // 16)))
    settings = {"module": MLP, "module_kwargs": {"hidden_layer_sizes": ()}, "batch_size": 16}
    model = VarianceRegressor(**settings, max_epochs=epochs, learning_rate=3e-4, random_state=seed)
    return model.fit(X, y).predict


def main():
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trained", action="store_true")
    options = parser.parse_args()
    print("| set | encoder | head | " + " | ".join(f"{size:,}" for size in SIZES) + " |")
    print("| --- |" + " --- |" * (2 + len(SIZES)))
    for name in SETS:
        for encoder in ENCODERS:
            normed, vectors, y = load(options.data, name, encoder)
            order = np.random.default_rng(12345).permutation(len(y))
            test, others = order[:N_TEST], order[N_TEST:]
            left = {}
            for seed in range(options.seeds):
                rows = np.random.default_rng(seed).permutation(others)
                for size in SIZES:
                    train = rows[:size]
                    heads = {
                        "solved": (solved(normed[train], y[train]), normed),
                        "RidgeCV": (
                            RidgeCV(np.logspace(-3, 3, 13)).fit(vectors[train], y[train]).predict,
                            vectors,
                        ),
                    }
                    if options.trained:
                        heads["trained"] = trained(normed[train], y[train], seed), normed
                    for head, (predict, X) in heads.items():
                        residuals = y[test] - predict(X[test])
                        left.setdefault((head, size), []).append(residuals.var() / y[test].var())
            for head in dict.fromkeys(head for head, _ in left):
                cells = " | ".join(f"{np.mean(left[head, size]):.3f}" for size in SIZES)
                print(f"| {name} | {encoder} | {head} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
