"""Training time of VarianceRegressor against a plain torch loop that does the same arithmetic.

Both run in turn in one process, single-threaded; the ratio is taken pair by pair.

    python benchmarks/training_time.py [--rows 10000] [--features 50] [--epochs 20] [--pairs 7]
"""

import argparse
import time

import numpy as np
import torch

from sklearn_ftr import VarianceRegressor


def plain_loop(X, y, *, epochs, batch_size):
    """Same network, optimizer, batches, loss and precision, written by hand."""
    torch.manual_seed(0)
    X, y = torch.from_numpy(X), torch.from_numpy((y - y.mean()) / y.std())[:, None]
    network = torch.nn.Sequential(
        torch.nn.Linear(X.shape[1], 64), torch.nn.ReLU(), torch.nn.Dropout(0.0), torch.nn.Linear(64, 1)
    ).double()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1.0)
    n_batches = -(-len(X) // batch_size)
    for _ in range(epochs):
        order = torch.randperm(len(X))
        for rows in order.tensor_split(n_batches):
            optimizer.zero_grad()
            loss = (y[rows] - network(X[rows])).var(correction=0)
            loss.backward()
            optimizer.step()
    with torch.inference_mode():
        return float((y - network(X)).mean())


def seconds(function, *args, **kwargs):
    start = time.perf_counter()
    function(*args, **kwargs)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--pairs", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(options.rows, options.features))
    y = X[:, 0] + np.sin(X[:, 1]) + rng.normal(size=options.rows)
    settings = {"batch_size": options.batch_size}
    model = VarianceRegressor(weight_decay=1.0, max_epochs=options.epochs, random_state=0, **settings)
    model.fit(X[:200], y[:200])  # imports and first calls are not what is measured
    pairs = [
        (seconds(model.fit, X, y), seconds(plain_loop, X, y, epochs=options.epochs, **settings))
        for _ in range(options.pairs)
    ]
    ours, plain = np.median(pairs, axis=0)
    ratios = np.sort([a / b for a, b in pairs])
    print(
        f"{options.rows} x {options.features}, {options.epochs} epochs, batches of {options.batch_size}: "
        f"VarianceRegressor {ours:.2f} s, plain loop {plain:.2f} s, ratio {np.median(ratios):.2f} "
        f"(from {ratios[0]:.2f} to {ratios[-1]:.2f} over {options.pairs} pairs)"
    )


if __name__ == "__main__":
    main()
