"""Time of rectify_mean for a large pool against numpy's own mean plus variance of the same array.

python benchmarks/pool_time.py [--rows 10000000] [--pairs 7]
"""

import argparse
import time
import tracemalloc

import numpy as np

from sklearn_ftr import rectify_mean


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--pairs", type=int, default=7)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    y = rng.normal(size=1_000)
    f = y + rng.normal(size=1_000)
    for dtype in (np.float64, np.float32):
        pool = rng.normal(size=options.rows).astype(dtype)
        rectify_mean(y, f, pool)  # imports and first calls are not what is measured
        pairs = [
            (
                seconds(lambda pool=pool: rectify_mean(y, f, pool)),
                seconds(lambda pool=pool: (pool.mean(), pool.var(ddof=1))),
            )
            for _ in range(options.pairs)
        ]
        ratios = np.sort([a / b for a, b in pairs])
        tracemalloc.start()
        rectify_mean(y, f, pool)
        extra = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        ours, plain = np.median(pairs, axis=0)
        print(
            f"{options.rows:,} {pool.dtype} predictions: rectify_mean {ours:.4f} s, numpy mean and var "
            f"{plain:.4f} s, ratio {np.median(ratios):.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f} over "
            f"{options.pairs} pairs), {extra / 2**20:.1f} MiB beside the pool's {pool.nbytes / 2**20:.0f}"
        )


if __name__ == "__main__":
    main()
