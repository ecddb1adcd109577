"""Tables of `regret.py`, from the lines of its cache."""

from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np
from _regret_cells import PROMISES, WAYS, Cell, Lines, cells_of, curves_of
from _regret_truth import POOL, SIZES, MeasuredCurve

from sklearn_ftr._printed_table import markdown_table

# Largest median and 90th percentile of regret.
REGRET = {"plain": (0.02, 0.06), "recycled": (0.02, 0.06), "auto": (0.02, 0.05)}
# Smallest and largest median of promised over true efficiency, and share of ranges that hold.
PROMISED = {"plain": (0.9, 1.1), "recycled": (0.9, 1.1), "K = 5": (0.85, 1.15)}
HOLDS = (0.9, 0.97)
CURVE_SIZES = (10, 30, 100, 300, 950)


def report(lines: Lines) -> str:
    """Cells, their summary by model and n, true curves, and what misses the limits."""
    curves = curves_of(lines)
    cells = list(cells_of(lines, curves))
    tables = [
        markdown_table(_CELL, list(map(_cell, cells))),
        markdown_table(_SUMMARY, list(_summary(cells))),
    ]
    tables.append(markdown_table(_CURVE, list(map(_curve, sorted(curves.items())))))
    return "\n\n".join([*tables, _misses(cells)])


_CELL = (
    *("model", "set", "n", "draws", "best s: plain, recycled"),
    *(f"regret, {way}: median, 90 %, worst" for way in WAYS),
    *(f"promised over true, {name}" for name in PROMISES),
    *(f"range holds, {name}" for name in PROMISES),
    "reached over true standard error, auto",
    "warned",
)


def _cell(cell: Cell) -> list[str]:
    best = ", ".join(str(one["n_finetune"]) for one in cell.best_splits.values())
    return [
        *(cell.model, cell.name, f"{cell.n:,}", str(len(cell.draws)), best),
        *(_percentages(_quantiles(cell.regrets[way], [0.5, 0.9, 1])) for way in WAYS),
        *(_middle(cell.promised[name]) for name in PROMISES),
        *(_share(cell.held[name]) for name in PROMISES),
        *(_middle(cell.reached), f"{100 * cell.warned:.0f} %"),
    ]


_SUMMARY = (
    *("model", "n", "cells", "draws"),
    *(f"regret, {way}: median, 90 % (worst cell's)" for way in WAYS),
    *(f"promised over true, {name}: cells' medians" for name in PROMISES),
    *(f"range holds, {name}" for name in PROMISES),
)


def _summary(cells: list[Cell]) -> Iterator[list[str]]:
    """A row for each model and n."""
    for (model, n), found in groupby(
        sorted(cells, key=lambda cell: (cell.model, cell.n)), lambda cell: (cell.model, cell.n)
    ):
        group = list(found)
        yield [
            *(model, f"{n:,}", str(len(group)), f"{sum(len(cell.draws) for cell in group):,}"),
            *(_worst(group, way) for way in WAYS),
            *(
                _span([_quantiles(cell.promised[name], [0.5])[0] for cell in group])
                for name in PROMISES
            ),
            *(_share(np.concatenate([cell.held[name] for cell in group])) for name in PROMISES),
        ]


_CURVE = (
    *("model", "set", "repetitions", *(f"v({s}) / V(Y)" for s in CURVE_SIZES)),
    "regret of one half's best split by the other half: n = 100, 300, 1,000",
    "Monte Carlo error before smoothing, from s = 30 on: median, largest",
)


def _curve(item: tuple[tuple[str, str], MeasuredCurve]) -> list[str]:
    (model, name), curve = item
    shares = [f"{float(curve.predict(s)):.3f}" for s in CURVE_SIZES]
    if not isinstance(curve, MeasuredCurve):
        return [model, name, "known", *shares, "", ""]
    errors = curve.errors[SIZES >= 30]
    return [
        *(model, name, str(len(curve.shares)), *shares),
        _percentages(curve.regret_of_halves(n, POOL) for n in (100, 300, 1000)),
        _percentages([np.median(errors), errors.max()]),
    ]


def _misses(cells: list[Cell]) -> str:
    """One line for each cell with something outside its limits."""
    found = [(cell, list(_outside(cell))) for cell in cells]
    lines = [
        f"* {cell.model}, {cell.name}, n = {cell.n:,}: {'; '.join(all_)}"
        for cell, all_ in found
        if all_
    ]
    title = f"{len(lines)} of {len(cells)} cells miss a limit (ranges: by more than two Monte Carlo errors)."
    return "\n".join([title, "", *lines])


def _outside(cell: Cell) -> Iterator[str]:
    """What misses the limits."""
    for way, limits in REGRET.items():
        middle, tail = _quantiles(cell.regrets[way], [0.5, 0.9])
        if middle > limits[0] or tail > limits[1]:
            yield f"regret {way} {_percentages([middle, tail])}"
    for name, (low, high) in PROMISED.items():
        middle = _quantiles(cell.promised[name], [0.5])[0]
        if middle < low or middle > high:
            yield f"promised over true {name} {middle:.2f}"
    for name, held in cell.held.items():
        if len(held) and np.abs(held.mean() - np.clip(held.mean(), *HOLDS)) > 2 * _error(held):
            yield f"range {name} holds in {100 * held.mean():.0f} %"
    if cell.failures:
        yield f"{len(cell.failures)} fits fail: {cell.failures[0]}"


def _error(held: np.ndarray) -> float:
    """Monte Carlo error of a share, as if two more had held and two had not (Agresti and Coull)."""
    share = (held.sum() + 2) / (len(held) + 4)
    return float(np.sqrt(share * (1 - share) / (len(held) + 4)))


def _quantiles(values: np.ndarray, parts: list[float]) -> np.ndarray:
    """NaN where every fit has failed."""
    return np.quantile(values if len(values) else [np.nan], parts)


def _percentages(values: Iterable[float]) -> str:
    return ", ".join(f"{100 * value:.1f} %" for value in values)


def _middle(values: np.ndarray) -> str:
    low, middle, high = _quantiles(values, [0.1, 0.5, 0.9])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _worst(cells: list[Cell], way: str) -> str:
    return _percentages(
        max(_quantiles(cell.regrets[way], [part])[0] for cell in cells) for part in (0.5, 0.9)
    )


def _span(values: list[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"


def _share(held: np.ndarray) -> str:
    return f"{100 * held.mean():.0f} +- {100 * _error(held):.0f} %" if len(held) else "all fits fail"
