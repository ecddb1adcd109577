"""How often a default-scored grid search over split_ratio finds the split with the smallest true variance.

    python benchmarks/grid_search.py [--draws 400] [--jobs 2] [--whole-pool]

Ordinary least squares on d = 10 Gaussian features and noise of variance sigma^2 has the residual variance
v(s) = sigma^2 (1 + d / (s - d - 2)) after training on s labels, so that the true variance of every split is known:
v(s) / (n - s) + V(f) / m, and by inverse variance with that of the s labels when they are recycled. Draw i uses
seed i; n = 300 labels, m = 3,000, R^2 = 0.75, LabeledKFold(5), whose training folds hold 600 unlabeled rows, or all of them with --whole-pool.
"""

import argparse

import numpy as np
from joblib import Parallel, delayed
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV

from sklearn_ftr import LabeledKFold, RectifiedMeanEstimator

N, POOL, D, NOISE, SIGNAL = 300, 3_000, 10, 1.0, 3.0
RATIOS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8)


def true_variance(ratio, recycle):
    s = round(ratio * N)
    residual = NOISE * (1 + D / (s - D - 2))
    variance = residual / (N - s) + SIGNAL / POOL
    return 1 / (1 / variance + s / (SIGNAL + NOISE)) if recycle else variance


class Counting(LinearRegression):
    """Least squares that counts the rows it predicts."""

    n_predicted = 0

    def predict(self, X):
        """Count, and predict."""
        Counting.n_predicted += len(X)
        return super().predict(X)


def chosen_ratio(seed, recycle, pool_size):
    """The best candidate, and how many rows were predicted."""
    Counting.n_predicted = 0
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N + POOL, D))
    y = X.sum(axis=1) * np.sqrt(SIGNAL / D) + np.sqrt(NOISE) * rng.standard_normal(len(X))
    y[N:] = np.nan
    model = RectifiedMeanEstimator(Counting(), recycle=recycle, random_state=seed)
    folds = LabeledKFold(5, pool_size=pool_size, random_state=seed)
    search = GridSearchCV(model, {"split_ratio": RATIOS}, cv=folds, refit=False).fit(X, y)
    return search.cv_results_["param_split_ratio"][search.best_index_], Counting.n_predicted


def study(draws, jobs, recycle, pool_size="auto"):
    """Share of draws that pick each ratio, and each ratio's true variance over the smallest."""
    picks = searches(draws, jobs, recycle, pool_size)[:, 0]
    variances = np.array([true_variance(ratio, recycle) for ratio in RATIOS])
    return {
        ratio: (np.mean(picks == ratio), excess)
        for ratio, excess in zip(RATIOS, variances / variances.min() - 1, strict=True)
    }


def searches(draws, jobs, recycle, pool_size):
    """The ratio chosen by each draw, and how many rows its search has predicted (draws, 2)."""
    calls = (delayed(chosen_ratio)(seed, recycle, pool_size) for seed in range(draws))
    return np.array(Parallel(n_jobs=jobs)(calls), dtype=float)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--whole-pool", action="store_true")
    options = parser.parse_args()
    pool_size = None if options.whole_pool else "auto"
    _, predicted = chosen_ratio(0, False, pool_size)
    print(f"pool_size={pool_size}, {predicted:,} rows predicted by a search, {POOL:,} in the pool")
    for recycle in (False, True):
        table = study(options.draws, options.jobs, recycle, pool_size)
        print(f"recycle={recycle}, {options.draws} draws")
        for ratio, (share, excess) in table.items():
            print(
                f"  split_ratio {ratio:4}: chosen {100 * share:5.1f} %, variance {100 * excess:6.1f} % over best"
            )
        best = next(share for share, excess in table.values() if excess == 0)
        regret = sum(share * excess for share, excess in table.values())
        error = np.sqrt(best * (1 - best) / options.draws)
        print(
            f"  best split chosen {100 * best:.1f} +- {100 * error:.1f} %, mean regret {100 * regret:.1f} %"
        )


if __name__ == "__main__":
    main()
