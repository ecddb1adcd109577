"""Coverage of the intervals of shares where a classifier is fitted anew for each draw: split in halves, and cross-fitted.

    python benchmarks/share_refits.py [--draws 4000] [--large 1000] [--seed 10] [--keep refits.jsonl] [--write docs/interval_shares_refits.md]

y is 1 where the mean of two normal features and as much noise are below the quantile of p. The classifier is Gaussian naive Bayes, whose
probabilities are its predictions. `RectifiedMeanEstimator` does all else: a column of y is a draw with two features of its own, and one fit
makes `BATCH` draws, whose rows have the same folds. Statistics of columns do not depend on each other (a test compares them with one fit for
each). Cells that `--keep` has, from a run with the same seed and draws, are not measured again.
"""

import argparse
import json
from itertools import product
from pathlib import Path

import numpy as np
import share_coverage
from scipy.special import expit, ndtri
from sklearn.base import BaseEstimator, RegressorMixin

from sklearn_ftr import RectifiedMeanEstimator

BATCH = 50
# Draws of cells that are below what is asked for, the second time.
AGAIN = 4_000
DESIGNS = {"split": {"split_ratio": 0.5}, "K = 5": {"cv": 5}}


class ManyBayes(RegressorMixin, BaseEstimator):
    """Gaussian naive Bayes of each column of y with two columns of X of its own: predicts probabilities, and the only class where there is one."""

    def fit(self, X, y):
        """X (n, 2 k), y (n, k) or (n,)."""
        ones = np.asarray(y, dtype=float).reshape(len(X), -1)
        floor = 1e-9 * X.var(axis=0).reshape(-1, 2).max(axis=1)
        parts = [_class_of(X, rows, np.repeat(floor, 2)) for rows in (ones, 1 - ones)]
        self.square_, self.linear_, self.constant_ = (
            of_ones - of_zeros for of_ones, of_zeros in zip(*parts, strict=True)
        )
        self.single_ = np.ndim(y) == 1
        return self

    def predict(self, X):
        """Probabilities of a one (n, k) or (n,)."""
        terms = X * (X * self.square_ + self.linear_)
        said = expit(terms[:, ::2] + terms[:, 1::2] + self.constant_)
        return said[:, 0] if self.single_ else said


def _class_of(X, rows, floor):
    """Of one class, whose rows (n, k) are 1: the coefficients (2 k,) of squares and features in its log likelihood, and the constant (k,)."""
    count = rows.sum(axis=0)
    each = np.repeat(rows / np.maximum(count, 1.0), 2, axis=1)
    mean = np.sum(each * X, axis=0)
    variance = np.sum(each * (X - mean) ** 2, axis=0) + floor
    of_features = (mean**2 / variance + np.log(variance)).reshape(-1, 2).sum(axis=1) / 2
    with np.errstate(divide="ignore"):
        constant = np.where(count > 0, np.log(count), -np.inf) - of_features
    return -0.5 / variance, mean / variance, constant


def population(rng, p, rows, draws):
    """Features (rows, 2 draws) and labels (rows, draws)."""
    features = rng.standard_normal((rows, 2 * draws))
    latent = features.reshape(rows, draws, 2).sum(axis=2) / 2
    noise = np.sqrt(0.5) * rng.standard_normal((rows, draws))
    return features, (latent + noise < ndtri(p)) * 1.0


def shares(rng, p, n, m, design, draws):
    """Effective count and number of labels (draws,) that the package finds, n labels and m others."""
    features, y = population(rng, p, n + m, draws)
    y[n:] = np.nan
    seed = int(rng.integers(2**31))
    model = RectifiedMeanEstimator(ManyBayes(), random_state=seed, **DESIGNS[design])
    share = model.fit(features, y).result_.shares
    return share.share * share.size, share.size


def cell(p, n, m, design, draws, seed):
    """What `share_coverage.held` says of this cell."""
    key = [seed, list(DESIGNS).index(design), round(1000 * p), n, m]
    rng = np.random.default_rng(key)
    parts = [shares(rng, p, n, m, design, BATCH) for _ in range(-(-draws // BATCH))]
    counts, sizes = (np.concatenate(part)[:draws] for part in zip(*parts, strict=True))
    return tuple(map(float, share_coverage.held(counts, sizes, p)))


def table(design, m, draws, seed, keep=None):
    """Each cell (p, n, design, m) of a pool of m, in the order of the table."""
    return {
        (p, n, design, m): _kept(keep, p, n, m, design, draws, seed)
        for p in share_coverage.SHARES
        for n in share_coverage.SIZES
    }


def _kept(keep, *key):
    """The cell's numbers from the file, else measured and added to it."""
    lines = keep.read_text().splitlines() if keep and keep.exists() else []
    known = {tuple(one["key"]): one["held"] for one in map(json.loads, lines)}
    if key in known:
        return tuple(known[key])
    held = cell(*key)
    if keep:
        with keep.open("a") as file:
            file.write(json.dumps({"key": key, "held": held}) + "\n")
    return held


def report(options):
    """The page."""
    narrowest = share_coverage.narrowest_of_labels()
    command = f"--draws {options.draws} --large {options.large} --seed {options.seed}"
    lines = [
        "# Coverage of intervals of shares, with a classifier fitted for each draw",
        "",
        f"Written by `python benchmarks/share_refits.py {command} --write docs/interval_shares_refits.md`; what is drawn and fitted is said there.",
        "Coverage of 95 % intervals and of 95 % limits in percent. Labels alone: the narrower one of Wilson's and Clopper and Pearson's that is valid.",
        "",
    ]
    for design, m in product(DESIGNS, share_coverage.POOLS):
        draws = options.large if (design, m) == ("K = 5", 5_000) else options.draws
        cells = table(design, m, draws, options.seed, options.keep)
        lines += [f"## {design}, pool {m:,}", "", *share_coverage.failures(cells, draws)]
        lines += [*again(cells, design, options.seed), *share_coverage.summary(cells, narrowest), ""]
        lines += [*share_coverage.full(cells, narrowest), ""]
    return "\n".join(lines)


def again(cells, design, seed):
    """Cells that are below what is asked for, by other draws."""
    told = [
        f"p = {p}, n = {n}, pool {m:,}: {share_coverage.percent(cell(p, n, m, design, AGAIN, seed + 1)[:3])}"
        for p, n, _, m in share_coverage.below(cells)
    ]
    error = 100 * np.sqrt(0.94 * 0.06 / AGAIN)
    lines = f"These again, two-sided, lower and upper limit, by {AGAIN:,} draws of another seed (error {error:.2f}): {'; '.join(told) or 'none'}.\n"
    return [lines.replace(" | ", ", ")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=4_000)
    parser.add_argument("--large", type=int, default=1_000, help="K = 5, pool 5,000")
    parser.add_argument("--seed", type=int, default=10)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    text = report(options)
    print(text)
    if options.write:
        options.write.write_text(text)


if __name__ == "__main__":
    main()
