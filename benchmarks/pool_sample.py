"""How far scores of a search move when training folds hold a sample of the pool, beside how uncertain these scores are.

    python benchmarks/pool_sample.py --data FOLDER [--draws 20] [--sizes 300 600 1200]

Real ratings (text/ and embeddings/, as `real_ratings.py` has them; tabular/nycflights13.npz, llm/amazon_stars_base_vs_tuned.csv.gz); draw i uses seed i and gives n random rows
labels; the others are the pool. Ridge regression, candidates of `split_ratio`, LabeledKFold(5). Of each size: root mean square of the change of a candidate's mean score, beside that
score's standard error over folds; how much of the best score with the whole pool the choice loses; pools predicted by a search without its refit.
"""

import argparse
from pathlib import Path

import numpy as np
from _rating_sets import load_judge, load_vectors
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from sklearn_ftr import (
    LabeledKFold,
    PredictionCorrector,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedMeanEstimator,
    RectifiedQuantile,
)

RATIOS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
SEARCHES = 5 * len(RATIOS)


def emobank(folder):
    """Valence from sentence vectors."""
    found = load_vectors(folder, "EmoBank V")
    return found.X, found.y, Ridge(1.0), found.X[:, 0] > np.median(found.X[:, 0])


def flights(folder):
    """Delays at arrival, capped at three hours, from the time of the year and day, distance and delay at departure."""
    with np.load(folder / "tabular" / "nycflights13.npz", allow_pickle=True) as file:
        names = "month", "sched_dep_time", "distance", "dep_delay"
        X = np.column_stack([file[name] for name in names]).astype(float)
        y, origin = file["arr_delay"].astype(float), file["origin"]
    known = np.isfinite(y) & np.isfinite(X).all(axis=1)
    return (
        StandardScaler().fit_transform(X[known]),
        np.minimum(y[known], 180.0),
        Ridge(1.0),
        origin[known] == 0,
    )


def stars(folder):
    """Stars from those that a language model gives, corrected."""
    found = load_judge(folder, "amazon stars, base")
    return found.judge[:, None], found.y, PredictionCorrector(), found.judge > np.median(found.judge)


# What to load, and how many labels.
SETS = {"EmoBank V": (emobank, 300), "amazon stars": (stars, 300), "flights": (flights, 1_000)}
QUESTIONS = {
    "mean": (RectifiedMeanEstimator, {}),
    "difference": (RectifiedDifference, {"group": -1}),
    "slope": (RectifiedLinearRegression, {"covariates": [0], "coefficient": 0}),
    "median": (RectifiedQuantile, {}),
    "0.9 quantile": (RectifiedQuantile, {"q": 0.9}),
}


def scores(question, model, X, y, seed, size):
    """Scores (6, 5) of candidates and folds."""
    make, settings = QUESTIONS[question]
    folds = LabeledKFold(5, pool_size=size, random_state=seed)
    rectified = make(model, random_state=seed, **settings)
    found = (
        GridSearchCV(rectified, {"split_ratio": RATIOS}, cv=folds, refit=False).fit(X, y).cv_results_
    )
    return np.column_stack([found[f"split{fold}_test_score"] for fold in range(5)])


def compare(question, loaded, n, seed, sizes):
    """Of each size: relative change of mean scores (6,), relative standard errors (6,), what the choice loses."""
    X, y, model, group = loaded
    labeled = np.random.default_rng(seed).permutation(len(y))[:n]
    y = np.where(np.isin(np.arange(len(y)), labeled), y, np.nan)
    X = np.column_stack([X, group])
    whole = scores(question, model, X, y, seed, None)
    means, errors = whole.mean(axis=1), whole.std(axis=1, ddof=1) / np.sqrt(5)
    for size in sizes:
        other = scores(question, model, X, y, seed, size).mean(axis=1)
        yield other / means - 1, errors / means, 1 - means[other.argmax()] / means.max()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--sizes", type=int, nargs="+", default=[300, 600, 1200])
    options = parser.parse_args()
    print(
        "| set | question | sample | change of score, rms | error of score | lost by the choice | pools |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, (load, n) in SETS.items():
        loaded = load(options.data)
        pools = SEARCHES / (len(loaded[1]) - n)
        for question in QUESTIONS:
            draws = [
                list(compare(question, loaded, n, seed, options.sizes)) for seed in range(options.draws)
            ]
            for size, of_size in zip(options.sizes, zip(*draws, strict=True), strict=True):
                changes, errors, lost = (np.array(part) for part in zip(*of_size, strict=True))
                rms, error = 100 * np.sqrt(np.mean(changes**2)), 100 * np.sqrt(np.mean(errors**2))
                print(
                    f"| {name} | {question} | {size:,} | {rms:.2f} % | {error:.0f} % | {100 * lost.mean():.1f} % | {size * pools:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
