"""Coverage of intervals of shares under sampling designs and of differences, beside Student's t.

    python benchmarks/share_designs.py [--draws 300] [--write docs/interval_shares_designs.md]

The judge is the label with 5 % or 20 % turned over. Clusters: 30 labeled ones of 4 rows, 200 without labels, a latent correlation of 0.3 within.
Weights: 60 labels, 500 unlabeled, weights 0.3 + x and P(y = 1) = 2 p x, x uniform. Finite: 60 of 200 rows have labels. Strata: three, with shares 0.5 p, p
and 1.5 p, 60 labels, 600 unlabeled. Difference: 50 labels and 500 unlabeled rows in each group, shares p and 1.5 p; of clusters: 30 labeled clusters of 4 rows,
half of each group, 300 without labels. Two systems: the same 50 rows and a pool of 500, shares p and 1.5 p, the difference of both; one number decides in four of
five rows whether either passes. Mean of two: that of their shares.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from sklearn_ftr import SamplingDesign, rectify_difference, rectify_mean


def _designs(**columns):
    """Of labeled rows and of the pool; the columns are those of labeled rows, then of others."""
    (name, (labeled, pool)), *_ = columns.items()
    return {
        "design": SamplingDesign(**{name: labeled}),
        "design_unlabeled": SamplingDesign(**{name: pool}),
    }


def _judged(rng, y, error):
    return np.abs(y - (rng.random(len(y)) < error))


def _latent(rng, n_clusters, share):
    """Ones in clusters of 4 rows, and their clusters."""
    of_clusters = rng.standard_normal(n_clusters).repeat(4)
    z = np.sqrt(0.3) * of_clusters + np.sqrt(0.7) * rng.standard_normal(4 * n_clusters)
    return (z < ndtri(share)) * 1.0, np.arange(n_clusters).repeat(4)


def clusters(rng, p, error):
    """The result, and the truth."""
    y, codes = _latent(rng, 230, p)
    f = _judged(rng, y, error)
    designs = _designs(clusters=(codes[:120], codes[120:]))
    return rectify_mean(y[:120], f[:120], f[120:], **designs), p


def weights(rng, p, error):
    """The result, and the truth."""
    x, grid = rng.random(560), (np.arange(20_000) + 0.5) / 20_000
    y = (rng.random(560) < 2 * p * x) * 1.0
    f = _judged(rng, y, error)
    designs = _designs(weights=(0.3 + x[:60], 0.3 + x[60:]))
    return rectify_mean(y[:60], f[:60], f[60:], **designs), np.average(2 * p * grid, weights=0.3 + grid)


def finite(rng, p, error):
    """The result, and the truth."""
    y = rng.permutation((np.arange(200) < 200 * p) * 1.0)
    f = _judged(rng, y, error)
    return rectify_mean(y[:60], f[:60], f[60:], finite_population=True), y.mean()


def strata(rng, p, error):
    """The result, and the truth."""
    of_rows = np.arange(660) % 3
    y = (rng.random(660) < p * np.array([0.5, 1.0, 1.5])[of_rows]) * 1.0
    f = _judged(rng, y, error)
    designs = _designs(strata=(of_rows[:60], of_rows[60:]))
    return rectify_mean(y[:60], f[:60], f[60:], **designs), p


def difference(rng, p, error):
    """The result, and the truth."""
    group = np.arange(1_100) % 2
    y = (rng.random(1_100) < np.where(group, 1.5 * p, p)) * 1.0
    f = _judged(rng, y, error)
    return rectify_difference(y[:100], f[:100], f[100:], group[:100], group[100:]), 0.5 * p


def difference_of_clusters(rng, p, error):
    """The result, and the truth."""
    group = np.arange(1_320) % 2
    y, codes = _latent(rng, 330, np.where(group, 1.5 * p, p))
    f = _judged(rng, y, error)
    designs = _designs(clusters=(codes[:120], codes[120:]))
    rows = y[:120], f[:120], f[120:], group[:120], group[120:]
    return rectify_difference(*rows, **designs), 0.5 * p


def _two_systems(rng, p, error):
    own, common = rng.random((550, 2)), rng.random((550, 1))
    u = np.where(rng.random((550, 1)) < 0.8, common, own)
    y = (u < [p, 1.5 * p]) * 1.0
    f = np.abs(y - (rng.random(y.shape) < error))
    return rectify_mean(y[:50], f[:50], f[50:])


def two_systems(rng, p, error):
    """The result, and the truth."""
    return _two_systems(rng, p, error).contrast([-1.0, 1.0]), 0.5 * p


def mean_of_two(rng, p, error):
    """The result, and the truth."""
    return _two_systems(rng, p, error).contrast([0.5, 0.5]), 1.25 * p


KINDS = (
    *(clusters, weights, finite, strata),
    *(difference, difference_of_clusters, two_systems, mean_of_two),
)


def cell(kind, p, error, draws):
    """Coverage of the interval, of both limits, of Student's t; mean widths of both."""
    rows = []
    for draw in range(draws):
        result, truth = kind(np.random.default_rng([draw, round(1_000 * p)]), p, error)
        low, high = result.confidence_interval()
        least, most = result.confidence_interval(method="t")
        one_sided = [result.p_value(truth, side) >= 0.05 for side in ("greater", "less")]
        held = [a - 1e-12 <= truth <= b + 1e-12 for a, b in ((low, high), (least, most))]
        rows.append((held[0], *one_sided, held[1], high - low, most - least))
    return np.mean(rows, axis=0)


def report(draws):
    """The page."""
    lines = [
        "# Intervals of shares under designs",
        "",
        f"Written by `python benchmarks/share_designs.py --draws {draws} --write docs/interval_shares_designs.md`, which says what is simulated. Percent of 95 % intervals, and of",
        f"95 % limits, that hold the truth; {draws} draws, so that a Monte Carlo error is {100 * np.sqrt(0.95 * 0.05 / draws):.1f} points.",
        "",
        "| | p | errors of the judge | two-sided | lower | upper | Student t | width | width of t |",
        "| --- |" + " --- |" * 8,
    ]
    for kind in KINDS:
        for p in (0.02, 0.1, 0.5):
            for error in (0.05, 0.2):
                row = cell(kind, p, error, draws)
                told = " | ".join(f"{100 * value:.1f}" for value in row[:4])
                name = kind.__name__.replace("_", " ")
                lines.append(
                    f"| {name} | {p} | {100 * error:.0f} % | {told} | {row[4]:.3f} | {row[5]:.3f} |"
                )
    return "\n".join([*lines, ""])


def main():
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=300)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = report(options.draws)
    print(text)
    if options.write:
        options.write.write_text(text)


if __name__ == "__main__":
    main()
