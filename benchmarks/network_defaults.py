"""What `VarianceRegressor` leaves of the variance at every number of rows, by default and beside scikit-learn's network.

    OMP_NUM_THREADS=1 python benchmarks/network_defaults.py --data FOLDER --out FOLDER [--seeds 3] [--minutes 60]
        [--sizes 100 300 1000 3000 10000 100000] [--sets NAME ...] [--methods NAME ...] [--epoch ROWS]

Seed r draws n rows that train and 5,000 others (EmoBank: 2,000) that test. Features are standardized by the rows that train; for scikit-learn's
`MLPRegressor`, which centres nothing, targets as well. "fixed" is what the defaults were before they followed the rows, weight_decay=1.0 and
batch_size=64; "decay alone" has batches of 64 and the default weight decay.

* waves: 6 normal columns, sin(2 x0) + x1 x2 + .3 noise;
* friedman: `make_friedman1`, 10 uniform columns, noise 1;
* flights: delay on arrival by delay on departure, month, times, distance, carrier and airport, 24 columns;
* factors: 200 columns of 20 hidden factors and noise, z0 + z1 z2 + |z3| + .5 noise;
* sparse: 300 normal columns, the sum of ten of them, noise of a fifth of the variance;
* EmoBank 384 and 768: valence by vectors of MiniLM and of mpnet, 8,000 rows at most.

Each fit leaves a line in OUT/network_defaults.csv, and a second start goes on where the first ended. Printed: variance of the errors on the rows
that test over V(Y), mean of seeds +- one standard error of it, and seconds of the processor for the fit. "fixed" is left out where it is the default.
With --epoch instead the seconds that one epoch of so many rows of waves costs the processor.
"""

import argparse
import csv
import time
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_friedman1
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ftr import VarianceRegressor
from sklearn_ftr.finetuning._network_recipe import batch_size, weight_decay

KEYS = ["set", "method", "n", "seed"]
FIELDS = [*KEYS, "share", "seconds"]
TEST_ROWS = 5_000


def waves(rng, n):
    X = rng.normal(size=(n, 6))
    return X, np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.3 * rng.normal(size=n)


def friedman(rng, n):
    return make_friedman1(n, 10, noise=1.0, random_state=int(rng.integers(2**31)))


def factors(rng, n):
    loadings = np.random.default_rng(0).normal(size=(20, 200)) / np.sqrt(20)
    Z = rng.normal(size=(n, 20))
    y = Z[:, 0] + Z[:, 1] * Z[:, 2] + np.abs(Z[:, 3]) + 0.5 * rng.normal(size=n)
    return Z @ loadings + rng.normal(size=(n, 200)), y


def sparse(rng, n):
    X = rng.normal(size=(n, 300))
    return X, X[:, :10].sum(axis=1) + np.sqrt(2.5) * rng.normal(size=n)


MADE = {"waves": waves, "friedman": friedman, "factors": factors, "sparse": sparse}


@cache
def flights(folder):
    file = np.load(folder / "tabular" / "nycflights13.npz")
    known = np.isfinite(file["arr_delay"]) & np.isfinite(file["dep_delay"])
    numbers = ["month", "sched_dep_time", "sched_arr_time", "distance", "dep_delay"]
    columns = [file[name].astype(float)[:, None] for name in numbers]
    columns += [np.eye(len(file[f"{name}_levels"]))[file[name]] for name in ("carrier", "origin")]
    return np.hstack(columns)[known], file["arr_delay"].astype(float)[known]


@cache
def emobank(folder, model):
    file = np.load(folder / "embeddings" / f"emobank.{model}.npz")
    ratings = pd.read_csv(folder / "text" / "emobank.csv.gz")["V"].to_numpy(float)
    return file["emb"].astype(float), ratings[file["row"]]


REAL = {
    "flights": flights,
    "EmoBank 384": lambda folder: emobank(folder, "minilm_l6_v2"),
    "EmoBank 768": lambda folder: emobank(folder, "mpnet_base_v2"),
}
SETS = ["waves", "friedman", "flights", "factors", "sparse", "EmoBank 384", "EmoBank 768"]


def drawn(folder, name, n, seed):
    """Rows that train and rows that test; None where the set is too small."""
    rng = np.random.default_rng(seed)
    if name in MADE:
        return MADE[name](rng, n + TEST_ROWS)
    X, y = REAL[name](folder)
    n_test = TEST_ROWS if len(y) > 20_000 else 2_000
    rows = rng.permutation(len(y))[: n + n_test]
    return (X[rows], y[rows]) if len(rows) == n + n_test else None


def sklearn_network(seed, **settings):
    network = MLPRegressor(random_state=seed, **settings)
    return TransformedTargetRegressor(network, transformer=StandardScaler())


METHODS = {
    "default": lambda seed: VarianceRegressor(random_state=seed),
    "fixed": lambda seed: VarianceRegressor(weight_decay=1.0, batch_size=64, random_state=seed),
    "decay alone": lambda seed: VarianceRegressor(batch_size=64, random_state=seed),
    "MLP": sklearn_network,
    "MLP, stopping early": lambda seed: sklearn_network(seed, early_stopping=True),
}


def measured(X, y, method, n, seed):
    """Variance of the errors on rows that test over theirs, and seconds of the processor."""
    model = make_pipeline(StandardScaler(), METHODS[method](seed))
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, that 200 epochs are not enough
        model.fit(X[:n], y[:n])
    seconds = time.process_time() - start
    return np.var(y[n:] - model.predict(X[n:])) / np.var(y[n:]), seconds


def epoch_seconds(rows):
    X, y = waves(np.random.default_rng(0), rows)
    for settings in ({}, {"batch_size": 64}):
        model = VarianceRegressor(max_epochs=1, random_state=0, **settings)
        model.fit(X[:500], y[:500])  # imports and first calls are not what is measured
        start = time.process_time()
        model.fit(X, y)
        seconds = time.process_time() - start
        print(f"{rows:,} rows, batches of {model.batch_size_:,}: {seconds:.1f} s an epoch")


def cells(options):
    return [
        (name, method, n, seed)
        for n in options.sizes
        for name in options.sets
        for seed in range(options.seeds)
        for method in options.methods
    ]


def trained(name, n):
    """Rows that train: EmoBank has no more than 8,000 beside those that test."""
    return min(n, 8_000) if name.startswith("EmoBank") else n


def is_default(method, X, n):
    """Whether rows are so few that "fixed" is what is trained by default."""
    return method == "fixed" and (weight_decay(n, X.shape[1]), batch_size(n)) == (1.0, 64)


def run(options, path):
    """What is missing, until time is up."""
    if not path.exists():
        path.write_text(",".join(FIELDS) + "\n", "utf-8")
    done = set(pd.read_csv(path)[KEYS].itertuples(index=False, name=None))
    end = time.monotonic() + 60 * options.minutes
    for name, method, n, seed in cells(options):
        if (name, method, n, seed) in done or time.monotonic() > end:
            continue
        size = trained(name, n)
        data = drawn(options.data, name, size, seed) if size * 2 > n else None
        if data is not None and not is_default(method, data[0], size):
            share, seconds = measured(*data, method, size, seed)
            with path.open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow([name, method, n, seed, f"{share:.5f}", f"{seconds:.2f}"])


def cell(rows):
    error = f" +- {rows['share'].std(ddof=1) / np.sqrt(len(rows)):.3f}" if len(rows) > 1 else ""
    return f"{rows['share'].mean():.3f}{error} ({rows['seconds'].mean():.1f} s)"


def report(path):
    table = pd.read_csv(path)
    methods = [name for name in METHODS if name in set(table["method"])]
    print(f"| set | n | {' | '.join(methods)} |\n{'| --- ' * (len(methods) + 2)}|")
    for name in SETS:
        for n, rows in table[table["set"] == name].groupby("n"):
            told = [rows[rows["method"] == method] for method in methods]
            print(
                f"| {name} | {trained(name, n):,} | {' | '.join(cell(one) if len(one) else '' for one in told)} |"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[100, 300, 1_000, 3_000, 10_000, 100_000]
    )
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--epoch", type=int)
    options = parser.parse_args()
    if options.epoch:
        return epoch_seconds(options.epoch)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "network_defaults.csv"
    run(options, path)
    report(path)


if __name__ == "__main__":
    main()
