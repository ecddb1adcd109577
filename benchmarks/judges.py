"""How wide intervals are with several judges, beside the best single judge known in hindsight, and whether they cover.

    python benchmarks/judges.py [--draws 2000] [--seed 0] [--real FOLDER] [--write docs/judges_coverage.md]
    python benchmarks/judges.py --only-real --real FOLDER   # human labels and language models: FOLDER/llm/*.csv.gz
    python benchmarks/judges.py --hard [--draws 400]   # how bad it can be made where one judge is better than the others, all alike
    python benchmarks/judges.py --check [--draws 200]   # some cells again by `rectify_mean` from rows; leaving rows out; time

r labels y with the predictions F (r, J) of J judges, and a pool of m rows with predictions only; the mean of y is asked. What is measured is the
package's own way from labels, predictions and the pool's moments to an interval. Beside its rule for lambda stand others in its place: all judges
without a penalty, the single judge and the set of judges with the smallest leave-one-out variance, and a ridge on standardised judges whose
penalty has the smallest leave-one-out variance.

Gaussian cells: labels have variance 1, judge j has R^2_j with them, and the judges' errors have correlation rho; noise is judges of R^2 = 0.
Binary cells: labels are 0 or 1, a judge turns them around, and rho is the correlation of the normal numbers that decide which. Only the mean and
the covariance of the pool's predictions matter, and are drawn: a normal and a Wishart matrix, or counts of a multinomial.

A Gaussian cell counts nothing: given the deviations from their means, which are all that lambda and the interval's half width are made of, the
means are normal with known variance, so that each draw has a chance of covering and a variance. Binary cells count. The best single judge has
the largest R^2, and the weight that this package tunes for one judge; judges that are equally good are averaged. All rules see the same draws.
"""

import argparse
import csv
import gzip
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
from scipy import stats
from scipy.special import ndtr, ndtri

from sklearn_ftr import rectify_mean
from sklearn_ftr.rectification import _power_tuning
from sklearn_ftr.rectification._deviations import deviations_of_rows
from sklearn_ftr.rectification._judge_weights import (
    JudgeWeights,
    _sets_of,
    _without_each_piece,
    judge_weights,
)
from sklearn_ftr.rectification._moments import Moments
from sklearn_ftr.rectification._rectify import rectify

LEVEL = 0.95
RIDGES = (0, *10 ** np.arange(-3, 2.1, 0.5))


# What the package's rule is compared with: the same arguments and answer.


def without_penalty(dy, df, pool_squares, spare):
    """All judges."""
    return _chosen(dy, df, pool_squares, spare, lambda sets, _: -sets.sizes)


def single_by_loo(dy, df, pool_squares, spare):
    """The judge with the smallest leave-one-out variance."""
    return _chosen(
        *(dy, df, pool_squares, spare), lambda sets, loss: np.where(sets.sizes == 1, loss, np.inf)
    )


def set_by_loo(dy, df, pool_squares, spare):
    """The set of judges with the smallest leave-one-out variance."""
    return _chosen(dy, df, pool_squares, spare, lambda _, loss: loss)


def _chosen(dy, df, pool_squares, spare, score):
    unit, x, pool = _standardised(df, pool_squares)
    sets = _sets_of(dy, x, pool, spare)
    minima = np.maximum(sets.minima, 1e-13 * (dy @ dy))
    left_out = np.concatenate([rows for rows, _ in _without_each_piece(sets, dy, x, minima)])
    residuals = dy[:, None] - x @ sets.lambdas.T
    loss = np.sum(left_out**2, axis=0) + minima - np.sum(residuals**2, axis=0)
    best = np.argmin(score(sets, loss))
    return JudgeWeights(sets.lambdas[best] / unit, left_out[:, best], max(1.0, sets.tuned[best]))


def ridge_by_loo(dy, df, pool_squares, spare):
    """A ridge on judges of equal variance."""
    unit, x, pool = _standardised(df, pool_squares)
    values, vectors = np.linalg.eigh(x.T @ x + pool)
    options = []
    for penalty in RIDGES:
        root = vectors / np.sqrt(np.maximum(values, 1e-7) + penalty)
        weights, leverage = root @ (root.T @ (x.T @ dy)), np.sum((x @ root) ** 2, axis=1)
        left_out = (dy - x @ weights) / (1 - leverage)
        loss = np.sum(left_out**2) + weights @ pool @ weights
        options.append((loss, JudgeWeights(weights / unit, left_out, max(1.0, leverage.sum()))))
    return min(options, key=lambda option: option[0])[1]


def _standardised(df, pool_squares):
    unit = np.sqrt(np.sum(df**2, axis=0) + np.diag(pool_squares))
    unit = np.where(unit > 0, unit, 1.0)
    return unit, df / unit, pool_squares / np.outer(unit, unit)


RULES = {
    "the rule": judge_weights,
    "all judges, no penalty": without_penalty,
    "single judge by LOO": single_by_loo,
    "set of judges by LOO": set_by_loo,
    "ridge by LOO": ridge_by_loo,
}


@dataclass(frozen=True)
class Pool:
    """What stage 2 needs of m predicted rows: means (N, J) and covariances (N, J, J) of N draws."""

    mean: np.ndarray
    covariance: np.ndarray
    count: int

    def moments(self, draw):
        """What the package makes of a pool's rows."""
        return Moments(self.count, self.mean[draw], (self.count - 1) * self.covariance[draw])

    def of(self, judges):
        """Of some judges only."""
        return Pool(self.mean[:, judges], self.covariance[:, judges][..., judges], self.count)

    def rows(self, draw):
        """Predictions (m, J) with exactly this mean and covariance, for functions that ask for rows."""
        J = self.mean.shape[1]
        start = np.column_stack(
            [np.ones(self.count), np.random.default_rng(0).standard_normal((self.count, J))]
        )
        orthonormal = np.linalg.qr(start)[0][:, 1:]
        values, vectors = np.linalg.eigh(self.covariance[draw])
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        return self.mean[draw] + np.sqrt(self.count - 1) * orthonormal @ root.T


@dataclass(frozen=True)
class Answers:
    """Of N draws: weights (N, J), estimates, standard errors and half widths (N,)."""

    lambda_: np.ndarray
    estimate: np.ndarray
    standard_error: np.ndarray
    half_width: np.ndarray


def answers(y, F, pool, rule=judge_weights):
    """Of all judges: `rectify_mean(y[i], F[i], pool.rows(i))` is to say the same of draw i."""
    with patch.object(_power_tuning, "judge_weights", rule):
        found = [
            rectify(deviations_of_rows(y[i][:, None], F[i], pool.moments(i)), None)
            for i in range(len(y))
        ]
    return _answers(found, [one.lambda_.reshape(-1) for one in found], 0)


def answers_of_each(y, F, pool):
    """Of each judge alone."""
    found, J = [], F.shape[2]
    for i in range(len(y)):
        rows = np.repeat(y[i][:, None], J, axis=1), F[i], pool.moments(i)
        found.append(rectify(deviations_of_rows(*rows), None))
    units = np.eye(J)
    return [_answers(found, [one.lambda_[j] * units[j] for one in found], j) for j in range(J)]


def _answers(found, lambdas, number):
    """One of the numbers that are estimated together."""
    estimate, error, degrees = (
        np.array([getattr(one.estimate, name)[number] for one in found])
        for name in ("estimate", "standard_error", "degrees_of_freedom")
    )
    reach = stats.t.isf((1 - LEVEL) / 2, degrees)
    return Answers(np.array(lambdas), estimate, error, reach * error)


# The cells.

SIZES, LABELS, CORRELATIONS = (2, 3, 5, 8), (30, 50, 100, 300), (0.0, 0.5, 0.9, 0.99)
ONE_CORRELATION = 0.5
QUALITY, SHARE = 0.5, 0.4
QUALITIES = {
    "equally good": lambda J: np.full(J, QUALITY),
    "one good, the others noise": lambda J: np.r_[QUALITY, np.zeros(J - 1)],
    "one good, the others a little worse": lambda J: np.r_[QUALITY, np.full(J - 1, QUALITY - 0.1)],
    "better to worse": lambda J: np.linspace(0.6, 0.1, J),
    "useless": np.zeros,
    "excellent": lambda J: np.full(J, 0.9),
    # Cells with one correlation.
    "copies with a little noise": lambda J: np.full(J, QUALITY),
    "scales from 1e-6 to 1e3": lambda J: np.full(J, QUALITY),
    "one constant": lambda J: np.full(J, QUALITY),
    "one twice": lambda J: np.full(J, QUALITY),
}
BINARY = {"binary, accuracy .95 to .6": 0.95, "binary, accuracy .85 to .6": 0.85}
SCENARIOS = (*QUALITIES, *BINARY)
DEGENERATE = tuple(QUALITIES)[-4:]
BEST = "best single judge in hindsight"


def cells(labels=LABELS):
    """Scenario, J, r, correlation, m: all of them for the fewest labels, a part for more, where there is less to see."""
    for r in labels:
        for J in SIZES:
            for scenario in SCENARIOS:
                for rho in _correlations(scenario, r):
                    for m in (5000, r, r // 2)[: {30: 3, 50: 2}.get(r, 1)]:
                        yield scenario, J, r, rho, m


def _correlations(scenario, r):
    if scenario in DEGENERATE:
        return (ONE_CORRELATION,)
    if scenario in BINARY:
        return (0.0, 0.9) if r < 300 else (0.9,)
    return CORRELATIONS if r == 30 else (0.0, 0.9) if r < 300 else (0.9,)


def gaussian_covariance(scenario, J, rho):
    """Of label and predictions, and R^2 of the judges."""
    quality = QUALITIES[scenario](J)
    covariance = covariance_of(quality, 1 - 1e-6 if scenario.startswith("copies") else rho)
    scale = np.ones(J + 1)
    if scenario.startswith("scales"):
        scale[1:] = np.resize([1e3, 1.0, 1e-6], J)
    if scenario == "one constant":
        scale[-1], quality[-1] = 0.0, -1.0
    if scenario == "one twice":
        covariance[-1], covariance[:, -1] = covariance[-2], covariance[:, -2]
    return covariance * np.outer(scale, scale), quality


def covariance_of(quality, rho):
    """Variances are 1."""
    slope, noise = np.sqrt(quality), np.sqrt(1 - quality)
    covariance = np.ones((len(quality) + 1, len(quality) + 1))
    covariance[0, 1:] = covariance[1:, 0] = slope
    correlation = np.where(np.eye(len(quality), dtype=bool), 1.0, rho)
    covariance[1:, 1:] = np.outer(slope, slope) + np.outer(noise, noise) * correlation
    return covariance


def square_root(covariance):
    """L with L L' = covariance, which may be singular and badly scaled."""
    scale = np.sqrt(np.diag(covariance))
    safe = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(covariance / np.outer(safe, safe))
    return scale[:, None] * vectors * np.sqrt(np.maximum(values, 0.0))


def gaussian(rng, covariance, n, r, m):
    J = len(covariance) - 1
    rows = rng.standard_normal((n, r, J + 1)) @ square_root(covariance).T
    of_pool = square_root(covariance[1:, 1:])
    mean = rng.standard_normal((n, J)) @ of_pool.T / np.sqrt(m)
    if m - 1 >= J:  # Bartlett (1933): a triangle whose product with itself is Wishart
        half = np.tril(rng.standard_normal((n, J, J)), -1)
        half[:, np.arange(J), np.arange(J)] = np.sqrt(rng.chisquare(m - 1 - np.arange(J), (n, J)))
    else:
        half = rng.standard_normal((n, J, m - 1))
    half = of_pool @ half
    y, F = rows[..., 0], rows[..., 1:]
    if np.array_equal(covariance[-1], covariance[-2]):
        F[..., -1] = F[..., -2]
    return y, F, Pool(mean, half @ np.swapaxes(half, 1, 2) / (m - 1), m)


def binary_population(J, rho, accuracy):
    """Chances of all patterns of label and predictions, from a million rows that are the population."""
    rng, n = np.random.default_rng(J), 1_000_000
    flips = np.sqrt(rho) * rng.standard_normal(n)[:, None] + np.sqrt(1 - rho) * rng.standard_normal(
        (n, J)
    )
    y = rng.random(n) < SHARE
    wrong = flips < ndtri(1 - np.linspace(accuracy, 0.6, J))
    code = y + (y[:, None] ^ wrong) @ 2 ** np.arange(1, J + 1)
    return np.bincount(code, minlength=2 ** (J + 1)) / n


def binary(rng, chances, n, r, m):
    patterns = (np.arange(len(chances))[:, None] >> np.arange(len(chances).bit_length() - 1)) & 1
    patterns = patterns.astype(float)
    rows = patterns[rng.choice(len(chances), (n, r), p=chances)]
    shares, f = rng.multinomial(m, chances, n) / m, patterns[:, 1:]
    return rows[..., 0], rows[..., 1:], pool_of(shares, f, m)


def pool_of(shares, f, m):
    """A pool of m rows, of which `shares` (N, c) have the predictions f (c, J)."""
    mean = shares @ f
    second = (shares @ (f[:, :, None] * f[:, None, :]).reshape(len(f), -1)).reshape(
        len(mean), f.shape[1], -1
    )
    return Pool(mean, (second - mean[:, :, None] * mean[:, None, :]) * m / (m - 1), m)


def draw(scenario, J, r, rho, m, draws, seed):
    """Labels, predictions and pools, the best judges, and what tells the truth of answers."""
    rng = np.random.default_rng([seed, J, r, int(100 * rho), m, SCENARIOS.index(scenario)])
    if scenario in BINARY:
        chances = binary_population(J, rho, BINARY[scenario])
        return *binary(rng, chances, draws, r, m), 0, counting(chances[1::2].sum())
    covariance, quality = gaussian_covariance(scenario, J, rho)
    best = np.flatnonzero(quality == quality.max())
    return *gaussian(rng, covariance, draws, r, m), best, knowing(covariance, r, m)


def measure(*cell, names=("the rule",)):
    """{rule: (excess half width in %, excess sd in %, coverage in %, SE / sd) and their Monte Carlo errors (2, 4)} of what `draw` draws."""
    return compared(*draw(*cell), names)


def counting(truth):
    """Squared errors and whether the intervals hold the truth."""

    def of(answer):
        error = answer.estimate - truth
        return error**2, (np.abs(error) <= answer.half_width) * 1.0

    return of


def knowing(covariance, r, m):
    """Variances given lambda, and chances that the intervals hold the truth."""

    def of(answer):
        weights = np.column_stack([np.ones(len(answer.lambda_)), -answer.lambda_])
        variance = np.einsum("ni,ij,nj->n", weights, covariance, weights) / r
        variance += np.einsum("ni,ij,nj->n", weights[:, 1:], covariance[1:, 1:], weights[:, 1:]) / m
        return variance, 2 * ndtr(answer.half_width / np.sqrt(variance)) - 1

    return of


def compared(y, F, pool, best, truth_of, names):
    """Each rule beside the best judges, of whom each is alone."""
    best = np.atleast_1d(best)
    singles = []
    for one in answers_of_each(y, F[..., best], pool.of(best)):
        weights = np.zeros((len(y), F.shape[2]))
        weights[:, best] = one.lambda_
        one = Answers(weights, one.estimate, one.standard_error, one.half_width)
        singles.append((one.half_width, one.standard_error**2, *truth_of(one)))
    width, _, variance, _ = reference = np.mean(singles, axis=0)
    result = {BEST: _numbers(*reference, width, variance)}
    for name in names:
        answer = answers(y, F, pool, RULES[name])
        own = answer.half_width, answer.standard_error**2, *truth_of(answer)
        result[name] = _numbers(*own, width, variance)
    return result


def _numbers(half_width, stated, own, covered, width, variance):
    ratio, sd_ratio = half_width.mean() / width.mean(), np.sqrt(own.mean() / variance.mean())
    honest = np.sqrt(stated.mean() / own.mean())
    spread = (
        ratio * (half_width / half_width.mean() - width / width.mean()),
        sd_ratio * (own / own.mean() - variance / variance.mean()) / 2,
        covered,
        honest * (stated / stated.mean() - own / own.mean()) / 2,
    )
    values = 100 * (ratio - 1), 100 * (sd_ratio - 1), 100 * covered.mean(), honest
    errors = np.std(spread, axis=1, ddof=1) / np.sqrt(len(covered)) * [100, 100, 100, 1]
    return np.array([values, errors])


# R^2 of the best judge, and how much less the others have.
HARD = (
    (0.5, 0.1),
    (0.5, 0.05),
    (0.5, 0.2),
    (0.8, 0.05),
    (0.8, 0.1),
    (0.3, 0.1),
    (0.2, 0.15),
    (0.2, 0.2),
)


def hard(draws, seed):
    """The worst that was found where one judge is better than the others, who are equally good; 5,000 rows in the pool."""
    lines = _table("labels", "judges", "worst width, %", "its error", "worst sd, %", "coverage, %")
    for r, J in ((30, 2), (30, 3), (30, 5), (30, 8), (50, 5), (50, 8), (70, 8)):
        found = []
        for best, gap in HARD:
            for rho in (0.0, 0.5, 0.8, 0.9):
                covariance = covariance_of(np.r_[best, np.full(J - 1, best - gap)], rho)
                sample = gaussian(np.random.default_rng([seed, r, J]), covariance, draws, r, 5000)
                result = compared(*sample, 0, knowing(covariance, r, 5000), ("the rule",))["the rule"]
                found.append([*result[0, :3], result[1, 0]])
        found = np.array(found)
        worst = found[found[:, 0].argmax()]
        lines.append(
            f"| {r} | {J} | {worst[0]:+.1f} | {worst[3]:.1f} | {found[:, 1].max():+.1f} "
            f"| {found[:, 2].min():.1f} to {found[:, 2].max():.1f} |"
        )
    return lines


# Real judges.

REAL = {
    "arena votes": ("chatbot_arena_judges.csv.gz", ("y_human", "y_gpt4", "y_claude3opus", "y_gpt35")),
    "moral machine": ("moral_machine_llm.csv.gz", ("y", "gpt4o", "gpt35")),
}


def real(folder, draws, seed):
    """A table: rows drawn with replacement, so that the set is the population."""
    lines = _table(
        "set",
        "r",
        "width / labels only: best single",
        "the rule",
        "sd / best single, %",
        "coverage: best single",
        "the rule",
        "efficiency: best single",
        "the rule",
    )
    for name, (file, columns) in REAL.items():
        with gzip.open(folder / "llm" / file, "rt", newline="") as stream:
            rows = [[row[column] for column in columns] for row in csv.DictReader(stream)]
        table = np.array([row for row in rows if "" not in row], dtype=float)
        best = np.argmax(np.abs(np.corrcoef(table.T)[0, 1:]))
        f, codes = np.unique(table[:, 1:], axis=0, return_inverse=True)
        chances = np.bincount(codes.ravel()) / len(table)
        for r in (30, 100, 300):
            rng = np.random.default_rng([seed, r])
            sample = table[rng.integers(len(table), size=(draws, r))]
            y, F = sample[..., 0], sample[..., 1:]
            pool = pool_of(rng.multinomial(5000, chances, draws) / 5000, f, 5000)
            alone = stats.t.isf((1 - LEVEL) / 2, r - 1) * y.std(axis=1, ddof=1) / np.sqrt(r)
            one, all_ = answers(y, F[..., [best]], pool.of([best])), answers(y, F, pool)
            squares, covered = zip(
                *(counting(table[:, 0].mean())(answer) for answer in (one, all_)), strict=True
            )
            only = np.mean((y.mean(axis=1) - table[:, 0].mean()) ** 2)
            sd = 100 * (np.sqrt(squares[1].mean() / squares[0].mean()) - 1)
            numbers = [
                *(f"{answer.half_width.mean() / alone.mean():.3f}" for answer in (one, all_)),
                f"{sd:+.1f}",
                *(f"{100 * one.mean():.1f}" for one in covered),
                *(f"{only / one.mean():.2f}" for one in squares),
            ]
            lines.append(f"| {name} | {r} | " + " | ".join(numbers) + " |")
    return lines


# Tables.


def _table(*columns):
    return ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]


def _summary(values):
    """Numbers (n, 4) of cells as columns."""
    return [
        f"{values[:, 0].max():+.1f}",
        f"{values[:, 1].max():+.1f}",
        f"{values[:, 0].mean():+.1f}",
        f"{values[:, 1].mean():+.1f}",
        f"{values[:, 2].min():.1f} to {values[:, 2].max():.1f}",
        f"{values[:, 3].min():.2f} to {values[:, 3].max():.2f}",
    ]


SUMMARY = ("worst width, %", "worst sd, %", "mean width", "mean sd", "coverage, %", "SE / sd")
FEW = (6, 10, 15, 20)
LIMIT = 2.0
MARKER = "<!-- below: written by benchmarks/judges.py -->"


def by(results, keys, name="the rule"):
    """Rows of the cells that share what `keys` takes from a cell: what they share and their numbers."""
    groups = {}
    for cell, result in results.items():
        groups.setdefault(keys(cell), []).append(result[name][0])
    return [(key, np.array(values)) for key, values in groups.items()]


def run(draws, seed):
    """{cell: {rule: numbers}} of the grid, and of few labels."""
    grid, few, start = {}, {}, time.perf_counter()
    for cell in cells():
        compare = cell[2] == LABELS[0] and cell[4] == 5000
        names = RULES if compare and (cell[3] in (0.0, 0.9) or cell[0] in DEGENERATE) else ("the rule",)
        grid[cell] = measure(*cell, draws, seed, names=names)
        if cell[0] == SCENARIOS[-1] and cell[3:] == (0.9, 5000):
            seconds = time.perf_counter() - start
            print(f"{cell[1]} judges, {cell[2]} labels: {seconds:.0f} s", file=sys.stderr, flush=True)
    for r in FEW:
        for J in (2, 8):
            for scenario in QUALITIES:
                rho = ONE_CORRELATION if scenario in DEGENERATE else 0.9
                few[scenario, J, r, rho, 5000] = measure(scenario, J, r, rho, 5000, draws, seed)
    return grid, few


def markdown(grid, few, draws, seed):
    """The tables for a page of the documentation."""
    smooth = {cell: result for cell, result in grid.items() if cell[0] in QUALITIES}
    counted = {cell: result for cell, result in grid.items() if cell[0] in BINARY}
    errors = [
        "{:.2f} (width), {:.2f} (sd), {:.2f} (coverage) and {:.3f} (SE / sd)".format(
            *np.max([result["the rule"][1] for result in part.values()], axis=0)
        )
        for part in (smooth, counted)
    ]
    lines = [
        f"{draws:,} draws of each of {len(grid):,} cells, base seed {seed}; a cell's seed is made of that and its numbers. Widths are mean half",
        "widths of 95 % intervals and sd the true standard deviations of the estimates, in percent above the best single judge known in hindsight.",
        f"Largest Monte Carlo standard errors of one cell: {errors[0]} where cells are Gaussian, {errors[1]} where they are binary.",
        "",
        f"## Rules, {LABELS[0]} labels, 5,000 rows in the pool, Gaussian",
        "",
        *_table("rule", *SUMMARY),
    ]
    with_rules = {cell: result for cell, result in smooth.items() if len(result) > 2}
    for name in (BEST, *RULES):
        lines += _rows(with_rules, lambda _: (), name)
    few_many = f"{LABELS[0]}, {LABELS[1]}", f"{LABELS[2]}, {LABELS[3]}"
    lines += _section(
        smooth, "labels and judges", ("labels", "judges"), lambda cell: (cell[2], cell[1])
    )
    for what, column in (("scenario", 0), ("correlation", 3)):
        lines += _section(
            smooth, what, (what, "labels"), lambda cell, c=column: (cell[c], few_many[cell[2] >= 100])
        )
    lines += ["", "## Binary labels and judges", "", *_table("scenario", "labels", "rule", *SUMMARY)]
    for name in (BEST, "the rule"):
        lines += _rows(counted, lambda cell: (cell[0], cell[2]), name)
    lines += _exceptions(smooth)
    lines += [
        "",
        "## Fewer than 30 labels, Gaussian",
        "",
        *_table("labels", "judges", "rule", *SUMMARY),
    ]
    for name in (BEST, "the rule"):
        lines += _rows(few, lambda cell: (cell[2], cell[1]), name)
    return lines


def _section(results, what, columns, keys):
    """Of the rule."""
    return [
        "",
        f"## The rule by {what}, Gaussian",
        "",
        *_table(*columns, *SUMMARY),
        *_rows(results, keys),
    ]


def _rows(results, keys, name=None):
    """Lines of cells that share what `keys` takes of them, in order; with the name of a rule unless it is THE rule."""
    lines = []
    for key, values in sorted(
        by(results, keys, name or "the rule"), key=lambda one: [_sortable(part) for part in one[0]]
    ):
        cells_of_line = [*map(str, key), *([name] if name else []), *_summary(values)]
        lines.append("| " + " | ".join(cells_of_line) + " |")
    return lines


def _sortable(part):
    """Scenarios in their order, numbers in theirs."""
    return SCENARIOS.index(part) if part in SCENARIOS else float(str(part).split(",")[0])


def _exceptions(results):
    """Cells that are not as they should be."""
    lines = [
        "",
        f"## Gaussian cells more than {LIMIT:.0f} % wider or less precise, or that cover less than 94 or more than 96 %",
        "",
        *_table(
            "scenario", "judges", "labels", "correlation", "pool", "width", "sd", "coverage", "SE / sd"
        ),
    ]
    for cell, result in results.items():
        width, sd, coverage, honest = result["the rule"][0]
        if max(width, sd) > LIMIT or abs(coverage - 95) > 1:
            numbers = f"{width:+.1f} | {sd:+.1f} | {coverage:.1f} | {honest:.2f}"
            lines.append("| " + " | ".join(map(str, cell)) + f" | {numbers} |")
    return lines


# One cell of each kind.
CHECKED = (
    ("one good, the others a little worse", 8, 30, 0.9, 5000),
    ("better to worse", 5, 30, 0.5, 15),
    ("scales from 1e-6 to 1e3", 3, 50, 0.5, 5000),
    ("one twice", 3, 30, 0.5, 30),
    ("equally good", 2, 100, 0.9, 5000),
    ("binary, accuracy .95 to .6", 8, 30, 0.0, 5000),
)


def check(draws, seed):
    """What must hold whatever the numbers say."""
    for cell in CHECKED:
        y, F, pool = draw(*cell, draws, seed)[:3]
        ours = answers(y, F, pool)
        results = [rectify_mean(y[i], F[i], pool.rows(i)) for i in range(len(y))]
        theirs = np.array(
            [
                (one.estimate, one.standard_error, one.estimate - one.confidence_interval(LEVEL).low)
                for one in results
            ]
        )
        found = np.column_stack([ours.estimate, ours.standard_error, ours.half_width])
        gap = np.max(np.abs(found - theirs) / theirs[:, [1]])
        print(f"{cell}: {draws} draws by rectify_mean, largest difference {gap:.0e} standard errors")
    # `n_tuned` in the penalty is that of all rows: the only difference to leaving a row out and fitting again.
    y, F, pool = draw("better to worse", 5, 30, 0.9, 100, 1, seed)[:3]
    dy, df, squares = y[0] - y[0].mean(), F[0] - F[0].mean(axis=0), 30 * 29 * pool.covariance[0] / 100
    quick = judge_weights(dy, df, squares, 29).residuals
    slow = [
        dy[i] - df[i] @ judge_weights(_without(dy, i), _without(df, i), squares, 29).lambda_
        for i in range(30)
    ]
    gap = np.max(np.abs(quick - slow)) / dy.std()
    print(f"leaving rows out by fitting again: largest difference {gap:.1e} standard deviations of y")
    rng = np.random.default_rng(seed)
    for r in (1_000, 100_000):
        dy, df = rng.standard_normal(r), rng.standard_normal((r, 8))
        start = time.perf_counter()
        judge_weights(dy, df, np.eye(8), r - 1)
        print(f"{r:,} labels, 8 judges: {time.perf_counter() - start:.2f} s")


def _without(values, i):
    """Row i set to zero, which takes it out of all sums."""
    values = values.copy()
    values[i] = 0.0
    return values


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", type=Path, metavar="FOLDER")
    parser.add_argument("--hard", action="store_true")
    parser.add_argument("--only-real", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write", type=Path, help="replaces what follows the line of the marker")
    options = parser.parse_args()
    if options.check:
        check(options.draws, options.seed)
        return
    if options.hard:
        print("\n".join(hard(options.draws, options.seed)))
        return
    lines = []
    if not options.only_real:
        lines = markdown(*run(options.draws, options.seed), options.draws, options.seed)
    if options.real:
        lines += [
            "",
            "## Real judges, 5,000 rows in the pool",
            "",
            *real(options.real, options.draws, options.seed),
        ]
    text = "\n".join(lines) + "\n"
    print(text)
    if options.write:
        above = options.write.read_text().split(MARKER)[0] if options.write.exists() else ""
        options.write.write_text(f"{above}{MARKER}\n\n{text}")


if __name__ == "__main__":
    main()
