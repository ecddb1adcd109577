"""How well the allocator picks the split: regret on real ratings, drawn as populations.

    python benchmarks/regret.py --data FOLDER [--draws 200] [--jobs 2] [--n 300 1000 2000] [--law auto]

FOLDER holds text/<set>.csv.gz and embeddings/<set>.minilm_l6_v2.npz (see the loader below). The predictor is ridge
regression, alpha = 1, on the sentence vectors. A draw (seed i) takes n rows as labels; the allocator measures its
learning curve inside them, with pilot_cost = 3, and picks a split. Regret is T(picked) / min T - 1, with T(s) the
variance of the estimate from the true curve v(s): residual variances on 40 random complements, interpolated in
logarithms. The pool is taken as infinite. Picked s: the middle 80 %. Efficiencies are against labels only, from the same true curve;
that of 5 folds is compared with what the law promises, too.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.linear_model import Ridge
from sklearn.utils import check_random_state

from sklearn_ftr import RectifiedMeanEstimator
from sklearn_ftr.estimators._labels import check_partial_labels
from sklearn_ftr.estimators._pilot import Pilot

SETS = {
    "EmoBank V": ("emobank", "V"),
    "EmoBank A": ("emobank", "A"),
    "EmoBank D": ("emobank", "D"),
    "tweets": ("vader_tweets", "y"),
    "wine points": ("wine_reviews_first10k", "points"),
}
CURVE_SIZES = np.unique(np.geomspace(4, 2400, 28).astype(int))


def load(folder, name):
    """Sentence vectors and ratings of the rows that have vectors."""
    file, column = SETS[name]
    frame = pd.read_csv(folder / "text" / f"{file}.csv.gz", keep_default_na=False)
    with np.load(folder / "embeddings" / f"{file}.minilm_l6_v2.npz") as vectors:
        return vectors["emb"].astype(np.float64), frame[column].to_numpy(float)[vectors["row"]]


def true_curve(X, y, repetitions=40):
    """v(s) on the grid of sizes, on random complements; tuned, as the estimator's residuals are."""
    rng = np.random.default_rng(0)
    table = []
    for _ in range(repetitions):
        order = rng.permutation(len(y))
        test = order[CURVE_SIZES[-1] :]
        row = []
        for s in CURVE_SIZES:
            f = Ridge().fit(X[order[:s]], y[order[:s]]).predict(X[test])
            row.append(y[test].var() * (1 - np.corrcoef(y[test], f)[0, 1] ** 2))
        table.append(row)
    return np.mean(table, axis=0)


def variances(curve, n, total, recycle):
    """T(s) for every s from 2 to n - 2."""
    s = np.arange(2, n - 1)
    v = np.exp(np.interp(np.log(s), np.log(CURVE_SIZES), np.log(curve)))
    plain = v / (n - s)
    return 1 / (1 / plain + s / total) if recycle else plain


def pick(X, y, n, seed, law="auto", strategy="auto"):
    """The splits that the allocator picks for n labels, plain and recycled."""
    rows = np.random.default_rng(seed).permutation(len(y))[:n]
    pool = np.full(40, np.nan)  # of no consequence: the law is asked about an infinite one
    sample = np.vstack([X[rows], X[: len(pool)]]), np.append(y[rows], pool)
    rectified = RectifiedMeanEstimator(Ridge(), random_state=seed)
    bound = rectified._bind(sample[0], check_partial_labels(*sample, "regret"))
    pilot = Pilot(law, 3.0, 50, None, check_random_state(seed), lambda message: None, strategy)
    foreseen = pilot.foresee(rectified, sample[0], bound, (2, 5, 10), 0)
    curve, fit = foreseen.curve, foreseen.law_fit
    splits = [
        fit.law.optimal_split(n, total_variance=curve.total_variance, recycle=recycle)
        for recycle in (False, True)
    ]
    return [*splits, curve.total_variance / fit.law.predict(float(n - n // 5))]


def study(X, y, sizes, draws, jobs, law="auto"):
    """For each n and objective: the best split, its efficiency, and picked splits with their regrets."""
    curve, total = true_curve(X, y), y.var()
    for n in sizes:
        picks = np.array(
            Parallel(n_jobs=jobs)(delayed(pick)(X, y, n, seed, law) for seed in range(draws))
        )
        of_five = total / np.exp(np.interp(np.log(0.8 * n), np.log(CURVE_SIZES), np.log(curve)))
        for column, recycle in enumerate((False, True)):
            T = variances(curve, n, total, recycle)
            yield {
                "n": n,
                "objective": "recycled" if recycle else "plain",
                "best": T.argmin() + 2,
                "efficiency": total / n / T.min(),
                "of_five": of_five,
                "picks": picks[:, column].astype(int),
                "promised": picks[:, 2] / of_five,
                "regret": T[picks[:, column].astype(int) - 2] / T.min() - 1,
            }


def line(name, cell):
    """A row of the table."""
    low, high = np.quantile(cell["picks"], [0.1, 0.9])
    middle, tail, worst = np.quantile(cell["regret"], [0.5, 0.9, 1.0])
    return (
        f"| {name} | {cell['n']} | {cell['objective']} | {cell['best']} | {cell['efficiency']:.2f} | "
        f"{cell['of_five']:.2f} | {100 * middle:.1f} % | {100 * tail:.1f} % | {100 * worst:.1f} % | "
        f"{low:.0f} to {high:.0f} | {np.median(cell['promised']):.2f} ({np.quantile(cell['promised'], 0.1):.2f} to {np.quantile(cell['promised'], 0.9):.2f}) |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--n", type=int, nargs="+", default=[300, 1000, 2000])
    parser.add_argument("--law", choices=["auto", "power"], default="auto")
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    options = parser.parse_args()
    print(
        "| set | n | objective | best s | efficiency at best | K = 5 | regret: median | 90 % | worst | picked s | K = 5, promised over true |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in options.sets:
        for cell in study(
            *load(options.data, name), options.n, options.draws, options.jobs, options.law
        ):
            print(line(name, cell), flush=True)


if __name__ == "__main__":
    main()
