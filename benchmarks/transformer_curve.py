"""Fine-tune a real transformer on real ratings: residual variance against labels, the law, what it would save.

    python benchmarks/transformer_curve.py --data FOLDER --out FOLDER [--minutes 60] [--threads 1] [--sets ...] [--models minilm FOLDER]
        [--methods head lora full] [--criteria variance] [--settings default learning_rate=1e-4,batch_size=16]
        [--sizes 100 300 1000 2000] [--seeds 3] [--test 2500]

A model, all-MiniLM-L6-v2 (22.7 million weights) or any other, is trained by `TextVarianceRegressor` with its default settings, or others, on s random
texts and predicts others (the same for every run on a set): v(s) is the variance of its errors there. Seed r
shuffles the training rows, nested in s, and seeds the training. "wine points, price" has the price beside the review. Runs are done seed by seed,
small sizes first, until the minutes
are over; each leaves one line in OUT/curve.csv, and a second start goes on where the first one ended. 2,500 test rows cause a
standard error of about 3 % in each v(s), the same rows for all, so that differences between methods are more certain.
"""

import argparse
import csv
import time
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sklearn_ftr import ScalingLaw, TextVarianceRegressor, fit_scaling_law
from sklearn_ftr._printed_table import markdown_table

SETS = {
    "EmoBank V": ("emobank", "V"),
    "tweets": ("vader_tweets", "y"),
    "amazon": ("vader_amazon", "y"),
    "wine points": ("wine_reviews_first10k", "points"),
    "wine points, price": ("wine_reviews_first10k", "points"),
}
# The paper's law for EmoBank valence (v1): v(s) = 0.287 s^-0.297 + 0.042.
PAPER = ScalingLaw(0.287, 0.297, 0.042)
ABOUT = ["set", "model", "method", "criterion", "settings", "seed", "size"]
DEFAULT = "default"
FIELDS = [*ABOUT, "test", "variance", "total", "train_s", "predict_s"]


def schedule(options):
    """Runs seed by seed: what `ABOUT` names."""
    for seed, size in product(range(options.seeds), options.sizes):
        trainings = options.methods, options.criteria, options.settings
        cells = product(options.sets, options.models, *trainings)
        yield from ((*cell, seed, size) for cell in cells)


def load(folder, name):
    """A table whose first column are texts, and ratings."""
    file, column = SETS[name]
    frame = pd.read_csv(folder / "text" / f"{file}.csv.gz", keep_default_na=False)
    if "dup_text" in frame:
        frame = frame[frame["dup_text"] == 0]
    table = frame[["text"]].reset_index(drop=True)
    if name.endswith(", price"):
        table["price"] = pd.to_numeric(frame["price"].to_numpy(), errors="coerce")
    return table, frame[column].to_numpy(float)


def parameters(settings):
    """Of the regressor, from name=number,name=number."""
    pairs = (pair.split("=") for pair in settings.split(",") if settings != DEFAULT)
    return {name: float(value) if "." in value or "e" in value else int(value) for name, value in pairs}


def run(data, options, name, model, method, criterion, settings, seed, size):
    """Train on `size` rows, test on the set's test rows."""
    table, y = data[name]
    order = np.random.default_rng(12345).permutation(len(y))
    test, others = order[: options.test], order[options.test :]
    train = np.random.default_rng(seed).permutation(others)[:size]
    regressor = TextVarianceRegressor(
        None if model == "minilm" else model,
        text_columns="text",
        method=method,
        criterion=criterion,
        random_state=seed,
        embedding_cache=options.out / "vectors",
        **parameters(settings),
    )
    start = time.perf_counter()
    regressor.fit(table.iloc[train], y[train])
    trained = time.perf_counter()
    residuals = y[test] - regressor.predict(table.iloc[test])
    seconds = trained - start, time.perf_counter() - trained
    return [len(test), residuals.var(ddof=1), y[test].var(ddof=1), *seconds]


def work(options):
    """Do what has not been done until the time is over."""
    path = options.out / "curve.csv"
    done = set()
    if path.exists():
        frame = pd.read_csv(path)
        done = set(frame[ABOUT].itertuples(index=False, name=None))
    else:
        path.write_text(",".join(FIELDS) + "\n")
    data = {name: load(options.data, name) for name in options.sets}
    end = time.monotonic() + 60 * options.minutes
    for job in schedule(options):
        if job in done:
            continue
        if time.monotonic() > end:
            return
        row = [*job, *run(data, options, *job)]
        with path.open("a", newline="") as file:
            csv.writer(file).writerow(row)
        print(*(f"{value:.4g}" if isinstance(value, float) else value for value in row), flush=True)


def report(folder):
    """Tables: v(s) / V(Y), losses side by side, and laws with what they promise."""
    frame = pd.read_csv(folder / "curve.csv")
    frame["ratio"] = frame["variance"] / frame["total"]
    yield "Residual variance over V(Y), mean over seeds (number of seeds):\n"
    cell = ["set", "model", "method", "settings", "size"]
    table = frame[frame["criterion"] == "variance"].groupby(cell)["ratio"]
    yield _markdown(table.agg(["mean", "count"]).apply(lambda row: _cell(*row), axis=1).unstack("size"))
    if frame["criterion"].nunique() > 1:
        yield "\nLosses, same rows and seeds, residual variance over that of the variance loss:\n"
        yield _markdown(_losses(frame))
    yield "\nFitted laws and what they promise, endless pool:\n"
    yield _markdown(pd.DataFrame(_laws(frame)).set_index(["set", "model", "method"]))


def _losses(frame):
    keys = ["set", "model", "method", "settings", "size", "seed"]
    wide = frame.pivot_table(index=keys, columns="criterion", values="variance")
    relative = wide.div(wide["variance"], axis=0).drop(columns="variance").dropna(how="all")
    relative = relative.groupby(["set", "model", "method", "settings", "size"]).agg(["mean", "count"])
    losses = relative.columns.get_level_values(0).unique()
    cells = {loss: relative[loss].apply(lambda row: _cell(*row), axis=1) for loss in losses}
    return pd.DataFrame(cells)


def _laws(frame):
    chosen = frame[(frame["criterion"] == "variance") & (frame["settings"] == DEFAULT)]
    for cell, rows in chosen.groupby(["set", "model", "method"]):
        curve = rows.groupby("size")["variance"].mean()
        if len(curve) >= 3:
            fit = fit_scaling_law(curve.index.to_numpy(), curve.to_numpy())
            yield _promise(*cell, fit.law, rows["total"].iloc[0])
    yield _promise("EmoBank V", "", "the paper's", PAPER, 0.1216)


def _promise(name, model, method, law, total, n=1000):
    """What a split and five folds make of 1,000 labels."""
    best = law.optimal_split(n, total_variance=total)
    plain = total / n / (law.predict(best) / (n - best))
    folds = total / law.predict(0.8 * n)
    saved = f"{100 * (1 - 1 / max(plain, 1)):.0f} %", f"{100 * (1 - 1 / max(folds, 1)):.0f} %"
    return {
        "set": name,
        "model": model,
        "method": method,
        "a": f"{law.a:.3g}",
        "alpha": f"{law.alpha:.3f}",
        "b": f"{law.b:.3g}",
        "best s of 1,000": best,
        "labels saved, best split": saved[0],
        "labels saved, K = 5": saved[1],
    }


def _cell(mean, count):
    return f"{mean:.3f} ({count:.0f})" if count == count and mean == mean else ""


def _markdown(frame):
    frame = frame.fillna("").reset_index()
    return markdown_table(list(map(str, frame.columns)), frame.astype(str).to_numpy().tolist())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--models", nargs="+", default=["minilm"])
    parser.add_argument("--methods", nargs="+", default=["head", "lora", "full"])
    parser.add_argument("--criteria", nargs="+", default=["variance"])
    parser.add_argument("--settings", nargs="+", default=[DEFAULT])
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 300, 1000, 2000])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--test", type=int, default=2500)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.data:
        work(options)
    print("\n".join(report(options.out)))


if __name__ == "__main__":
    main()
