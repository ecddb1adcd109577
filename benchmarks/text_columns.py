"""Reviews with and without their price: residual variance of a solved head, and of a fine-tuned model.

    python benchmarks/text_columns.py --data FOLDER [--draws 5] [--sizes 100 300 1000] [--method head] [--test 2000]

FOLDER has `text/wine_reviews_first10k.csv.gz`. The first 4,000 reviews that are no copies; draw r (seed r) trains on s of them and predicts `--test`
others, the last ones of its permutation. `TextVarianceRegressor(text_columns="text")` on tables with the text, with the price, with price, country
and variety; beside it the default predictor on the price alone. v / V(Y): variance of the errors over that of the points.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from sklearn_ftr import TextVarianceRegressor

TABLES = {
    "review": ["text"],
    "review, price": ["text", "price"],
    "review, price, country, variety": ["text", "price", "country", "variety"],
}


def load(folder):
    """A table and points."""
    frame = pd.read_csv(folder / "text" / "wine_reviews_first10k.csv.gz", keep_default_na=False)
    frame = frame[frame["dup_text"] == 0][:4000].reset_index(drop=True)
    frame["price"] = pd.to_numeric(frame["price"], errors="coerce")
    return frame, frame["points"].to_numpy(float)


def left(model, X, y, train, test):
    """Share of the variance that the model's errors have on other rows."""
    errors = y[test] - model.fit(X.iloc[train], y[train]).predict(X.iloc[test])
    return errors.var() / y[test].var()


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--test", type=int, default=2000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--method", default="head")
    options = parser.parse_args()
    frame, y = load(options.data)
    print("| columns | " + " | ".join(f"s = {size:,}" for size in options.sizes) + " |")
    print("| --- |" + " --- |" * len(options.sizes))
    for name, columns in TABLES.items():
        cells = []
        for size in options.sizes:
            found = []
            for draw in range(options.draws):
                order = np.random.default_rng(draw).permutation(len(y))
                model = TextVarianceRegressor(
                    text_columns="text", method=options.method, random_state=draw
                )
                rows = order[:size], order[-options.test :]
                found.append(left(model, frame[columns], y, *rows))
            error = np.std(found) / max(len(found) - 1, 1) ** 0.5
            cells.append(f"{np.mean(found):.3f} +- {error:.3f}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
