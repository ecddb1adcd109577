"""Are effects found, and half-widths reached, with as many labels as `required_labels` of a result asks for?

    python benchmarks/power.py [--draws 1000] [--pilots 50 100 200]

Each draw has 5,000 rows. Those first labeled are the pilot, whose result is asked how many labels find an effect with a power of 0.8, and how many reach a half-width; so many
are labeled then, the pilot's among them. Goals are those that three times the pilot's labels reach, of draws of their own. "normal": labels of variance 1,
judge = label + 0.3 + 0.5 noise. "share": labels 0 or 1, 30 % of them 1, judge right in 85 %. "no judge": normal labels, a judge of noise. "found": the test is
significant on the right side. "asked over needed": median (10 % to 90 %), for the effect. "order": three systems, 0.1 and 0.2 apart, with a common difficulty of rows; the
pilot takes its own differences to be true.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sklearn_ftr import RectifiedResult, rectify_mean

ROWS = 5_000
Rows = tuple[NDArray[np.float64], NDArray[np.float64]]


def normal(rng: np.random.Generator) -> Rows:
    y = rng.normal(size=ROWS)
    return y, y + 0.3 + 0.5 * rng.normal(size=ROWS)


def share(rng: np.random.Generator) -> Rows:
    y = rng.random(ROWS) < 0.3
    return y * 1.0, (y ^ (rng.random(ROWS) < 0.15)) * 1.0


def no_judge(rng: np.random.Generator) -> Rows:
    return rng.normal(size=ROWS), rng.normal(size=ROWS)


def systems(rng: np.random.Generator) -> Rows:
    y = rng.normal(size=(ROWS, 1)) + rng.normal([0.0, 0.1, 0.3], 0.5, size=(ROWS, 3))
    return y, y + 0.3 + 0.5 * rng.normal(size=y.shape)


POPULATIONS: dict[str, tuple[Callable[[np.random.Generator], Rows], float]] = {
    "normal": (normal, 0.0),
    "share": (share, 0.3),
    "no judge": (no_judge, 0.0),
}


def labeled(rows: Rows, n: int) -> RectifiedResult:
    y, f = rows
    return rectify_mean(y[:n], f[:n], f[n:])


def half_width(result: RectifiedResult) -> float:
    low, high = result.confidence_interval()
    return float(high - low) / 2


def of_one_number(name: str, pilot: int, draws: int) -> str:
    draw, truth = POPULATIONS[name]
    others = [labeled(draw(np.random.default_rng(10_000 + seed)), 3 * pilot) for seed in range(60)]
    goal = float(np.mean([half_width(one) for one in others]))
    error, degrees = (
        np.mean([getattr(one, name) for one in others])
        for name in ("standard_error", "degrees_of_freedom")
    )
    effect = float(error * (stats.t.isf(0.025, degrees) + stats.t.isf(0.2, degrees)))
    found, reached, asked = [], [], []
    for seed in range(draws):
        rows = draw(np.random.default_rng(seed))
        first = labeled(rows, pilot)
        asked.append(first.required_labels(effect=effect, power=0.8).n_labeled)
        last = labeled(rows, max(asked[-1], pilot))
        found.append(last.p_value(truth - effect) <= 0.05 and last.estimate > truth - effect)
        n = first.required_labels(goal).n_labeled
        reached.append(half_width(labeled(rows, max(n, pilot))) <= goal)
    low, middle, high = np.quantile(asked, [0.1, 0.5, 0.9]) / (3 * pilot)
    return f"| {name} | {pilot} | {percent(found)} | {percent(reached)} | {middle:.2f} ({low:.2f} to {high:.2f}) |"


def of_an_order(pilot: int, draws: int) -> str:
    certain, asked = [], []
    for seed in range(draws):
        rows = systems(np.random.default_rng(seed))
        try:
            asked.append(labeled(rows, pilot).required_labels(rank=True).n_labeled)
        except ValueError:  # out of reach: a difference in hand is nearly 0
            asked.append(ROWS // 2)
        pairs = labeled(rows, max(asked[-1], pilot)).contrast([[-1, 1, 0], [0, -1, 1]])
        certain.append(np.all(pairs.p_value(adjust="holm") <= 0.05) and np.all(pairs.estimate > 0))
    low, middle, high = np.quantile(asked, [0.1, 0.5, 0.9])
    return f"| {pilot} | {percent(certain)} | {middle:.0f} ({low:.0f} to {high:.0f}) |"


def percent(hits: list[bool]) -> str:
    rate = float(np.mean(hits))
    return f"{100 * rate:.1f} +- {100 * np.sqrt(rate * (1 - rate) / len(hits)):.1f} %"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--pilots", type=int, nargs="+", default=[50, 100, 200])
    options = parser.parse_args()
    print(
        "| labels | pilot | effect found | half-width reached | asked over needed |\n| --- | --- | --- | --- | --- |"
    )
    for name in POPULATIONS:
        for pilot in options.pilots:
            print(of_one_number(name, pilot, options.draws), flush=True)
    print("\n| pilot | order certain | labels asked for |\n| --- | --- | --- |")
    for pilot in options.pilots:
        print(of_an_order(pilot, options.draws), flush=True)


if __name__ == "__main__":
    main()
