"""Time of the best split for a million numbers of labels at once, with an endless and with a finite pool.

python benchmarks/split_time.py [--numbers 1000000] [--repeats 7]
"""

import argparse
import time

import numpy as np

from sklearn_ftr import ScalingLaw

LAW = ScalingLaw(0.287, 0.297, 0.042)  # of EmoBank, Wang, Ye and Zhao (2025)
POOLS = {"an endless pool": {}, "a finite pool": {"m": 10_000, "total_variance": 0.3}}


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--numbers", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    n = np.arange(10, 10 + options.numbers)
    for pool, arguments in POOLS.items():
        LAW.optimal_split(n[:10], **arguments)  # imports and first calls are not what is measured
        taken = np.sort(
            [
                seconds(lambda arguments=arguments: LAW.optimal_split(n, **arguments))
                for _ in range(options.repeats)
            ]
        )
        print(
            f"{options.numbers:,} numbers of labels, {pool}: {np.median(taken):.2f} s "
            f"(from {taken[0]:.2f} to {taken[-1]:.2f} over {options.repeats} runs)"
        )


if __name__ == "__main__":
    main()
