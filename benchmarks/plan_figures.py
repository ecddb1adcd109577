"""Figures of docs/how_many_labels.md and docs/tutorial_late_curves.md: a curve that falls late, its laws and what they promise.

    python benchmarks/plan_figures.py [--folder docs/figures] [--repetitions 12]

The population is that of the tutorial (seed 5), 400 labels of 5,000 rows; the law is fitted to one learning curve, measured inside these labels
(random_state=0). What is true comes from several trainings at each size, tested on 20,000 rows (seeds 0, 1, ...; 12 take 20 s), and is printed. The second figure asks
the same fit how many labels it takes.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _rating_figures import CHOSEN, FOLDS, INK, PLAIN, RECYCLED, STYLE

from sklearn_ftr import FineTuneRectifyAllocator, RectifiedMeanEstimator, VarianceRegressor

N, ROWS = 400, 5_000
SIZES = np.array([12, 25, 50, 75, 100, 125, 150, 175, 200, 225, 250, 265, 280, 320, 360])


def draw(seed, n):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    return X, 3 + np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.3 * rng.normal(size=n)


def network(seed=None):
    return VarianceRegressor(max_epochs=60, weight_decay=1.0, random_state=seed)


def true_curve(repetitions):
    """v(s) / V(Y), and the standard error of its mean over trainings."""
    X_test, y_test = draw(999, 20_000)
    table = np.empty((repetitions, len(SIZES)))
    for seed in range(repetitions):
        X, y = draw(1_000 + seed, SIZES[-1])
        for column, s in enumerate(SIZES):
            f = network(seed).fit(X[:s], y[:s]).predict(X_test)
            table[seed, column] = 1 - np.corrcoef(y_test, f)[0, 1] ** 2
    return table.mean(axis=0), table.std(axis=0, ddof=1) / repetitions**0.5


def fitted():
    """The allocator of the tutorial."""
    X, y = draw(5, ROWS)
    labels = np.full(ROWS, np.nan)
    rows = np.random.default_rng(0).permutation(ROWS)[:N]
    labels[rows] = y[rows]
    model = RectifiedMeanEstimator(network())
    return FineTuneRectifyAllocator(model, strategy="cross-fitting", random_state=0).fit(X, labels)


def standard_errors(residual, total, sizes):
    """Of a recycled split, from v(s) at some sizes."""
    plain = residual / (N - sizes) + (total - residual) / (ROWS - sizes)
    return np.sqrt(1 / (1 / plain + sizes / total))


def late_curve(allocator, truth, errors):
    """The curve with both laws, and the standard error of a split that follows from each."""
    curve, law_fit = allocator.learning_curve_, allocator.law_fit_
    total = curve.total_variance
    s = np.arange(12, 381)
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2))
    low, high = law_fit.band(s)
    left.fill_between(s, low / total, high / total, color=RECYCLED, alpha=0.15, lw=0)
    left.errorbar(SIZES, truth, errors, color=INK, fmt=".", ms=4, lw=1, label="true")
    left.plot(s, law_fit.law.predict(s) / total, color=RECYCLED, label='law="auto"')
    left.plot(s, law_fit.power.predict(s) / total, color=PLAIN, ls="--", label="power law")
    left.errorbar(
        curve.sizes,
        curve.variances / total,
        curve.standard_errors / total,
        color=CHOSEN,
        fmt="o",
        ms=4,
        lw=1,
        label="measured inside 400 labels",
    )
    left.set(xscale="log", xlabel="labels that train, s", ylabel="v(s) / V(Y)", ylim=(0, 1.1))
    left.legend(fontsize=8)
    inside = np.arange(50, 361)
    of_truth = np.exp(np.interp(np.log(inside), np.log(SIZES), np.log(truth))) * total
    for residual, color, style, name in (
        (of_truth, INK, "-", "true"),
        (law_fit.law.predict(inside), RECYCLED, "-", 'law="auto"'),
        (law_fit.power.predict(inside), PLAIN, "--", "power law"),
    ):
        T = standard_errors(residual, total, inside)
        right.plot(inside, T, color=color, ls=style, label=name)
        right.plot(inside[T.argmin()], T.min(), "o", color=color, ms=5)
    right.axhline(np.sqrt(total / N), color=INK, lw=0.8, ls=":", label="labels only")
    right.set(xlabel="labels that train, s", ylabel="standard error of a split")
    right.legend(fontsize=8)
    figure.tight_layout()
    return figure


def labels_for_a_width(allocator):
    """How many labels a half-width takes: labels only, the best allowed way, and the range that the law leaves."""
    widths = np.geomspace(0.04, 0.2, 17)
    needed = [allocator.required_labels(width) for width in widths]
    figure, ax = plt.subplots(figsize=(4.6, 3.2))
    ax.fill_between(
        widths, *np.array([(one.low, one.high) for one in needed]).T, color=FOLDS, alpha=0.15, lw=0
    )
    ax.plot(widths, [one.labels_only for one in needed], color=INK, ls=":", label="labels only")
    ax.plot(
        widths,
        [one.n_labeled for one in needed],
        color=FOLDS,
        label="cross-fitting, with 95 % of the law",
    )
    reached = np.ptp(allocator.confidence_interval()) / 2
    ax.plot(reached, N, "o", color=CHOSEN, label="reached with 400 labels")
    ax.set(xscale="log", yscale="log", xlabel="half-width of the 95 % interval", ylabel="labels")
    ax.set_xticks([0.05, 0.1, 0.2], ["0.05", "0.1", "0.2"])
    ax.minorticks_off()
    ax.legend(fontsize=8)
    figure.tight_layout()
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("docs/figures"))
    parser.add_argument("--repetitions", type=int, default=12)
    options = parser.parse_args()
    plt.switch_backend("agg")
    allocator, (truth, errors) = fitted(), true_curve(options.repetitions)
    print(allocator.plan_)
    for s, v, error in zip(SIZES, truth, errors, strict=True):
        print(f"{s:4d} labels: v(s) / V(Y) = {v:.3f} +- {error:.3f}")
    with plt.rc_context(STYLE):
        figures = {
            "late_curve": late_curve(allocator, truth, errors),
            "labels_for_a_width": labels_for_a_width(allocator),
        }
        for name, figure in figures.items():
            figure.savefig(options.folder / f"{name}.svg", metadata={"Date": None}, bbox_inches="tight")
            plt.close(figure)


if __name__ == "__main__":
    main()
