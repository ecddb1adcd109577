"""Coverage and width of the 95 % intervals of shares, by simulation and by exact sums.

    python benchmarks/share_coverage.py [--draws 4000] [--seed 10] [--write docs/interval_shares_table.md]

y is 1 with probability p. Judges: y with 5 % or 20 % of the labels turned over ("binary"); Phi(x + c) where y is 1 with this probability and x
is normal, R^2 = 0.5 of the latent variable ("probabilistic"); a coin ("useless"); y itself ("perfect"). Labels and pool are drawn anew for each draw
("given predictions"). "Split": half of the labels are the recycled ones of a model that is as good as the judge. Both are computed for all draws
at once, by the formulas of docs/statistics.md; a test compares these with `rectify_mean`. Cells below what is
asked for are measured again, with 20,000 draws of another seed. share_refits.py fits a classifier for each draw.

Reference widths: Wilson and Clopper-Pearson on labels alone, the narrower one whose exact coverage is 94 % (93 % where n p (1 - p) < 1); for
binary judges also the posterior of the chain rule with Jeffreys' priors (arXiv 2405.06034) where that covers two- and one-sided.
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import binom

from sklearn_ftr.rectification._binomial_tests import exact_tail, lowest, mixed_tail, score_tail
from sklearn_ftr.rectification._share_interval import ROWS_UNSEEN

SHARES = (0.005, 0.02, 0.05, 0.1, 0.3, 0.5, 0.9, 0.97)
SIZES = (10, 20, 50, 100, 300)
POOLS = (60, 5_000)
JUDGES = {
    "binary, 5 %": 0.05,
    "binary, 20 %": 0.2,
    "probabilistic": None,
    "useless": 0.5,
    "perfect": 0.0,
}
CHAIN_DRAWS, CHAIN_POSTERIOR = 1_000, 600
BINARY = [judge for judge, error in JUDGES.items() if error is not None]
CHAIN_CELLS = [(p, n, m) for p in SHARES for n in SIZES for m in POOLS]
# Of cells below what is asked for, so many in parts of this size.
AGAIN, PART = 20_000, 4_000


def needed(p, n):
    """Two-sided coverage that is asked for."""
    return 0.94 if n * p * (1 - p) >= 1 else 0.93


def limits(count, size, tail, level=0.025):
    """Both limits."""
    counts = np.stack([count, size - count])
    low, high = lowest(tail, counts, np.broadcast_to(size, counts.shape).astype(float), level)
    return low, 1 - high


def exact_rows(tail, one_sided):
    """For labels alone, each (p, n): coverage, that of the lower and of the upper limit, and mean width."""
    table = {}
    for n in SIZES:
        count = np.arange(n + 1.0)
        low, high = limits(count, np.full(n + 1, float(n)), tail)
        least, most = limits(count, np.full(n + 1, float(n)), one_sided, 0.05)
        for p in SHARES:
            chance = binom.pmf(count, n, p)
            held = (low <= p) & (p <= high), least <= p, p <= most, high - low
            table[p, n] = tuple(float(chance @ one) for one in held)
    return table


def narrowest_of_labels():
    """Mean width of the narrower one of Wilson and Clopper-Pearson that is valid."""
    tables = exact_rows(score_tail, score_tail), exact_rows(exact_tail, exact_tail)
    return {
        cell: min(table[cell][3] for table in tables if table[cell][0] >= needed(*cell))
        for cell in tables[0]
    }


def predictions(rng, p, shape):
    """Of the probabilistic judge."""
    x = rng.standard_normal(shape, dtype=np.float32)
    return ndtr(x + np.float32(ndtri(p) * np.sqrt(2)))


def pool_moments(rng, p, judge, m, draws):
    """Mean and sum of squares about it of the pool's predictions."""
    error = JUDGES[judge]
    if error is not None:
        mean = rng.binomial(m, p * (1 - error) + (1 - p) * error, draws) / m
        return mean, m * mean * (1 - mean)
    means, squares = np.empty(draws), np.empty(draws)
    for start in range(0, draws, 500):
        f = predictions(rng, p, (min(500, draws - start), m))
        part = slice(start, start + len(f))
        means[part], squares[part] = f.mean(axis=1), m * f.var(axis=1)
    return means, squares


def labeled_rows(rng, p, judge, n, draws):
    """Labels and predictions (draws, n)."""
    error = JUDGES[judge]
    if error is None:
        f = predictions(rng, p, (draws, n)).astype(float)
        return (rng.random((draws, n)) < f) * 1.0, f
    y = (rng.random((draws, n)) < p) * 1.0
    return y, np.abs(y - (rng.random((draws, n)) < error))


def effective(y, f, mean, squares, m):
    """Effective count and number of labels for each draw, as the package has them for given predictions."""
    n = y.shape[1]
    dy, df = y - y.mean(axis=1, keepdims=True), f - f.mean(axis=1, keepdims=True)
    of_y, of_f, both = (np.sum(one, axis=1) for one in (dy**2, df**2, dy * df))
    shared = n * (n - 1) * (squares + of_f) / (m + n - 2) / m
    pool = shared if m < n else n * (n - 1) * squares / (m - 1) / m
    scale = of_f + pool
    lambda_ = np.divide(both, scale, out=np.zeros(len(y)), where=scale > 1e-12)
    leverage = np.divide(df**2, scale[:, None], out=np.zeros_like(df), where=scale[:, None] > 1e-12)
    left_out = np.sum(((dy - lambda_[:, None] * df) / (1 - leverage)) ** 2, axis=1)
    full, gain, unlike = left_out + lambda_**2 * shared, both * lambda_, lambda_**2 * (shared - pool)
    noise = np.divide(of_y - gain, gain * (n - 2), out=np.ones(len(y)), where=gain > 0)
    least = np.divide(gain, gain + np.maximum(unlike, 0), out=np.ones(len(y)), where=gain > 0)
    weight = np.clip(1 - noise, 0, 1) * least
    variance = of_y - weight * (of_y - full) - weight * (1 - weight) * (gain + unlike)
    size = n * (of_y + ROWS_UNSEEN) / (variance + ROWS_UNSEEN)
    share = y.mean(axis=1) + weight * lambda_ * (mean - f.mean(axis=1))
    return size * np.clip(share, 0, 1), size


def recycled(y, f, mean, squares, m):
    """The same where half of the labels have trained and are recycled; fewer than 6 labels do not tune."""
    draws, n = y.shape
    r = n - n // 2
    if r <= 5:
        return y.sum(axis=1), np.full(draws, float(n))
    count, size = effective(y[:, :r], f[:, :r], mean, squares, m)
    return count + y[:, r:].sum(axis=1), size + n // 2


def held(count, size, p):
    """Coverage two-sided, of the lower and of the upper 95 % limit; mean width."""
    null = np.full(len(count), p)
    above, below = (
        (tail(count, size, null), tail(size - count, size, 1 - null))
        for tail in (mixed_tail, exact_tail)
    )
    inside = np.minimum(above[0], above[1]) >= 0.025
    low, high = limits(count, size, mixed_tail)
    return inside.mean(), np.mean(below[0] >= 0.05), np.mean(below[1] >= 0.05), np.mean(high - low)


def chain(rng, y, f, mean, m, p):
    """The same of the chain rule's posterior: P(f) P(y | f), each with Jeffreys' prior."""
    y, f, mean = y[:CHAIN_DRAWS], f[:CHAIN_DRAWS], mean[:CHAIN_DRAWS]
    n, shape = y.shape[1], (len(y), CHAIN_POSTERIOR)
    ones = np.sum(f, axis=1)
    right, wrong = np.sum(y * f, axis=1), np.sum(y * (1 - f), axis=1)

    def posterior(hits, misses):
        hits, misses = (rng.standard_gamma(one[:, None] + 0.5, shape) for one in (hits, misses))
        return hits / (hits + misses)

    said = posterior(mean * m + ones, (1 - mean) * m + n - ones)
    share = said * posterior(right, ones - right) + (1 - said) * posterior(wrong, n - ones - wrong)
    low, high, least, most = np.quantile(share, [0.025, 0.975, 0.05, 0.95], axis=1)
    return (
        np.mean((low <= p) & (p <= high)),
        np.mean(least <= p),
        np.mean(p <= most),
        np.mean(high - low),
    )


def given_and_split(draws, seed):
    """For each cell with given predictions, and split: what `held` says; and what `chain` says of the former."""
    given, split, chains = {}, {}, {}
    for number, judge in enumerate(JUDGES):
        for p in SHARES:
            for m in POOLS:
                rng = np.random.default_rng([seed, number, round(1000 * p), m])
                mean, squares = pool_moments(rng, p, judge, m, draws)
                for n in SIZES:
                    y, f = labeled_rows(rng, p, judge, n, draws)
                    cell = p, n, judge, m
                    given[cell] = held(*effective(y, f, mean, squares, m), p)
                    split[cell] = held(*recycled(y, f, mean, squares, m), p)
                    if JUDGES[judge] is not None:
                        chains[cell] = chain(rng, y, f, mean, m, p)
        print(f"{judge}: done", file=sys.stderr, flush=True)
    return given, split, chains


def again(cell, of_rows, seed):
    """What `held` says of one cell, by other draws."""
    p, n, judge, m = cell
    rng = np.random.default_rng([seed + 1, list(JUDGES).index(judge), round(1000 * p), m, n])
    parts = []
    for _ in range(AGAIN // PART):
        pool = pool_moments(rng, p, judge, m, PART)
        rows = labeled_rows(rng, p, judge, n, PART)
        parts.append(held(*of_rows(*rows, *pool, m), p))
    return tuple(np.mean(parts, axis=0))


def below(table):
    """Cells that cover less than is asked for, two- or one-sided."""
    return [cell for cell, row in table.items() if row[0] < needed(*cell[:2]) or min(row[1:3]) < 0.935]


def percent(values):
    """Numbers of a row."""
    return " | ".join(f"{100 * value:.1f}" for value in values)


def summary(table, narrowest):
    """The worst of each judge and n."""
    lines = [
        "| judge | n | two-sided, least | lower limit | upper limit | widest / labels alone | mean of that |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for judge in dict.fromkeys(cell[2] for cell in table):
        for n in SIZES:
            cells = [cell for cell in table if cell[1:3] == (n, judge)]
            if not cells:
                continue
            worst = np.min([table[cell][:3] for cell in cells], axis=0)
            widths = [table[cell][3] / narrowest[cell[:2]] for cell in cells]
            lines.append(
                f"| {judge} | {n} | {percent(worst)} | {max(widths):.3f} | {np.mean(widths):.3f} |"
            )
    return lines


def failures(table, draws):
    """Cells below what is asked for, in words."""
    error = np.sqrt(0.94 * 0.06 / draws)
    two = [(cell, row[0]) for cell, row in table.items() if row[0] < needed(*cell[:2])]
    one = [(cell, min(row[1:3])) for cell, row in table.items() if min(row[1:3]) < 0.935]
    lines = [f"{len(table)} cells, {draws:,} draws each (Monte Carlo error {100 * error:.2f} points)."]
    for name, cells in (("two-sided 94 % (93 %)", two), ("one-sided 93.5 %", one)):
        told = "; ".join(
            f"p = {c[0]}, n = {c[1]}, {c[2]}, pool {c[3]:,}: {100 * v:.1f}" for c, v in cells
        )
        lines.append(f"Below {name}: {told or 'none'}.")
    return [line + "\n" for line in lines]


def told_again(table, of_rows, seed):
    """Cells that were below, by more draws."""
    told = "; ".join(
        f"p = {c[0]}, n = {c[1]}, {c[2]}, pool {c[3]:,}: {percent(again(c, of_rows, seed)[:3])}"
        for c in below(table)
    )
    error = 100 * np.sqrt(0.94 * 0.06 / AGAIN)
    lines = f"These again, two-sided, lower and upper limit, by {AGAIN:,} draws of another seed (error {error:.2f}): {told or 'none'}.\n"
    return [lines.replace(" | ", ", ")]


def against_chain(given, chains):
    """Where the chain rule is valid, ours may be wider."""
    valid = [c for c, row in chains.items() if row[0] >= needed(*c[:2]) and min(row[1:3]) >= 0.935]
    ratios = {cell: given[cell][3] / chains[cell][3] for cell in valid}
    wide = sorted((cell for cell in valid if ratios[cell] > 1.15), key=lambda cell: -ratios[cell])
    lines = [
        f"The chain rule is valid two- and one-sided in {len(valid)} of {len(chains)} cells; there our mean width is {np.median(list(ratios.values())):.2f} "
        f"times its (median), and more than 1.15 times in {len(wide)}:\n"
    ]
    told = [f"p = {c[0]}, n = {c[1]}, {c[2]}, pool {c[3]:,}: {ratios[c]:.2f}" for c in wide]
    return [*lines, "; ".join(told) + ".\n", chain_everywhere(chains, valid, wide)]


def chain_everywhere(chains, valid, wide):
    """Where the chain rule is valid whatever the judge, in words."""
    sure = [c for c in CHAIN_CELLS if all((*c[:2], judge, c[2]) in valid for judge in BINARY)]
    ours = [cell for cell in wide if (*cell[:2], cell[3]) in sure]
    two = min(row[0] for row in chains.values())
    one = min(min(row[1:3]) for row in chains.values())
    return (
        f"The chain rule covers {100 * two:.1f} two-sided and {100 * one:.1f} one-sided at the least. Before there are labels nobody knows the judge: "
        f"it is valid for all four in {len(sure)} of the {len(CHAIN_CELLS)} cells of p, n and pool, among them {len(ours)} of those where ours is wider.\n"
    )


def full(table, narrowest):
    """Every cell."""
    lines = [
        "| p | n | judge | pool | two-sided | lower | upper | width | / labels alone |",
        "| --- |" + " --- |" * 8,
    ]
    for cell, row in table.items():
        p, n, judge, m = cell
        lines.append(
            f"| {p} | {n} | {judge} | {m:,} | {percent(row[:3])} | {row[3]:.4f} | {row[3] / narrowest[p, n]:.3f} |"
        )
    return lines


def exact_lines(narrowest):
    """Labels alone."""
    rows = exact_rows(mixed_tail, exact_tail)
    lines = [
        "| p | n | two-sided | lower | upper | width / narrowest valid |",
        "| --- |" + " --- |" * 5,
    ]
    for (p, n), row in rows.items():
        lines.append(f"| {p} | {n} | {percent(row[:3])} | {row[3] / narrowest[p, n]:.3f} |")
    return lines


def report(options):
    """The page."""
    narrowest = narrowest_of_labels()
    given, split, chains = given_and_split(options.draws, options.seed)
    command = f"--draws {options.draws} --seed {options.seed}"
    lines = [
        "# Coverage of intervals of shares",
        "",
        f"Written by `python benchmarks/share_coverage.py {command} --write docs/interval_shares_table.md`; what the columns are is said there.",
        "Coverage of 95 % intervals and of 95 % limits in percent.",
        "",
        *("## Labels alone, exact sums", "", *exact_lines(narrowest), ""),
        *(
            "## Given predictions, summary",
            "",
            *failures(given, options.draws),
            *told_again(given, effective, options.seed),
            *summary(given, narrowest),
            "",
        ),
        *(
            "## Given predictions, binary judges, beside the chain rule",
            "",
            *against_chain(given, chains),
        ),
        "## Split, summary",
        "",
        *failures(split, options.draws),
        *told_again(split, recycled, options.seed),
        *summary(split, narrowest),
        "",
    ]
    lines += ["## Given predictions, all cells", "", *full(given, narrowest), ""]
    lines += ["## Split, all cells", "", *full(split, narrowest), ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=10)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = report(options)
    print(text[:6_000])
    if options.write:
        options.write.write_text(text)


if __name__ == "__main__":
    main()
