"""How many of n labels should fine-tune: the first-order condition, solved exactly.

Wang, Ye and Zhao (2025), arXiv 2511.19486, theorem 4.1, extended to finite pools, shifted laws, a tuned lambda and
recycling. With r = n - s, V = V(Y) and V(f) = max(V - v, 0), the variance of the rectified mean is

    lambda = 1       T = v / r + V(f) / m
    lambda tuned     T = v / r + V(f) / (m + r), since lambda = 1 / (1 + r/m) for calibrated predictions

and with recycling the condition T' = 0 becomes T' = T^2 / V. For given s each is a quadratic equation:

    lambda = 1       v q^2 + v' q - v'/m = 0, q = 1/r
      recycled       (v - v^2/V) q^2 + (v' - 2 v w/V) q - v'/m - w^2/V = 0, w = V(f)/m
    lambda tuned     (V + v' m) r^2 + (v' m^2 + 2 v m) r + v m^2 = 0
      recycled       v' r^2 + v' m r + m v (1 - v/V) = 0

so that n = s + r is an explicit function of the best s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr._arguments import check_count
from sklearn_ftr._tables import as_floats
from sklearn_ftr.allocation._law import ROUNDING, Array, Law
from sklearn_ftr.rectification._scipy import brentq

# Variances that differ by less are equal up to rounding: no training for it.
_TIE = 5e-13
_TINY = 1e-3  # the smallest s that is looked at, in labels
_TABLE_SIZE = 2048
_SEARCH_SIZE = 1024


@dataclass(frozen=True)
class SplitProblem:
    """A law, a pool of m rows, V(Y), whether fine-tuning labels are recycled and lambda is tuned."""

    law: Law
    m: float = np.inf
    total_variance: float = np.nan  # not needed for a plain split with an endless pool
    recycle: bool = False
    tuned: bool = False

    def __post_init__(self) -> None:
        if np.isnan(self.total_variance) and (self.recycle or np.isfinite(self.m)):
            raise ValueError(
                "A finite pool m, or recycle=True, needs total_variance: the variance of y."
            )
        if self.total_variance <= 0:
            raise ValueError(f"total_variance is {self.total_variance}; expected a positive number.")
        if not self.m > 0:
            raise ValueError(f"m is {self.m}; expected a positive number of unlabeled rows.")

    def variance(self, s: ArrayLike, n: ArrayLike) -> Any:
        """Variance of the estimate when s of n labels fine-tune (broadcast)."""
        s = np.asarray(s, dtype=float)
        residual = self.law.predict(s)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            plain = residual / (n - s) + self._pool_term(residual, n - s)
            return 1 / (1 / plain + s / self.total_variance) if self.recycle else plain

    def _pool_term(self, residual: Array, r: Any) -> Any:
        if np.isinf(self.m):
            return 0.0
        return np.maximum(self.total_variance - residual, 0) / (self.m + r * self.tuned)

    def stationary_n(self, s: Array, pool: bool, sign: int) -> Array:
        """For which n this s is stationary, by one of the two roots; NaN where for none.

        `pool` is False where v(s) > V(Y), so that V(f) = 0 and the pool does not matter.
        """
        v, slope = self.law.predict(s), self.law.slope(s)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            if pool and self.tuned and np.isfinite(self.m):
                r = _root(*self._tuned_equation(v, slope), sign)
            else:
                r = 1 / _root(*self._equation(v, slope, self.m if pool else np.inf), sign)
            return np.where((r > 0) & np.isfinite(r), s + r, np.nan)

    def _equation(self, v: Array, slope: Array, m: float) -> tuple[Any, Any, Any]:
        """Coefficients of the quadratic in q = 1 / r, lambda = 1 (or m infinite)."""
        w = (self.total_variance - v) / m if np.isfinite(m) else 0.0 * v
        over = 1 / self.total_variance if self.recycle else 0.0
        return v - over * v**2, slope - 2 * over * v * w, -slope / m - over * w**2

    def _tuned_equation(self, v: Array, slope: Array) -> tuple[Any, Any, Any]:
        """Coefficients of the quadratic in r, lambda tuned."""
        total, m = self.total_variance, self.m
        if self.recycle:
            return slope, slope * m, m * v * (1 - v / total)
        return total + slope * m, slope * m**2 + 2 * v * m, v * m**2


def _root(A: Any, B: Any, C: Any, sign: int) -> Any:
    """(-B + sign sqrt(B^2 - 4AC)) / 2A, without cancellation."""
    root = np.sqrt(B**2 - 4 * A * C)
    stable = -(B + np.where(B >= 0, root, -root)) / 2
    return np.where(np.where(B >= 0, -1, 1) == sign, stable / A, C / stable)


def optimal_split(problem: SplitProblem, n: ArrayLike, min_finetune: int, min_rectify: int) -> Any:
    """The whole number s with the smallest variance, for each n."""
    min_finetune = check_count(min_finetune, "min_finetune", 0)
    min_rectify = check_count(min_rectify, "min_rectify", 0)
    sizes = _whole_numbers(n)
    low, high = float(min_finetune), sizes - min_rectify
    if (high < low).any():
        raise ValueError(
            f"n is {sizes.min():g}; expected at least {min_finetune + min_rectify}: {min_finetune} labels to "
            f"fine-tune and {min_rectify} to rectify."
        )
    if getattr(problem.law, "searched", False):
        different, place = np.unique(sizes, return_inverse=True)
        found = [_search(problem, one, low, one - min_rectify) for one in different.tolist()]
        split = np.array(found, dtype=np.int64)[place]
    else:
        candidates = _candidates(problem, sizes, low, high)
        split = _fewest(problem, candidates, sizes).astype(np.int64)
    return int(split[0]) if np.ndim(n) == 0 else split.reshape(np.shape(n))


def _search(problem: SplitProblem, n: float, low: float, high: float) -> int:
    """The best whole number where the variance may have several minima: tables of many of them, each between the neighbors of the best of the last.

    Laws change by little from one entry of a table to the next, 1 % in s or less.
    """
    while True:
        table = _whole_table(low, high)
        variance = problem.variance(table, n)
        best = int(np.nanargmin(variance))
        if high - low < _SEARCH_SIZE:
            nothing = ROUNDING * problem.total_variance / n
            limit = variance[best] * (1 + _TIE) + (nothing if nothing > 0 else 0.0)
            return int(table[variance <= limit].min())
        low, high = table[max(best - 1, 0)], table[min(best + 1, len(table) - 1)]


def _whole_table(low: float, high: float) -> Array:
    """Whole numbers between both, all of them if they are few; else dense near either end, evenly in logarithms of the distance from it."""
    if high - low < _SEARCH_SIZE:
        return np.arange(low, high + 1)
    steps = np.geomspace(1, high - low, _SEARCH_SIZE // 2) - 1
    return np.unique(np.floor([low + steps, high - steps]))


def searched_split(variance: Callable[[int], float], low: int, high: int) -> int:
    """The whole number from `low` to `high` with the smallest variance, where no equation tells it: a grid, then downhill."""
    of_grid = np.geomspace(1, max(high - low, 1), 24)
    points = {*(low + of_grid - 1).astype(int).tolist(), *(high + 1 - of_grid).astype(int).tolist()}
    known = {s: variance(s) for s in points | {low, high}}
    step = max(1, (high - low) // 4)
    while step:
        best = min(known, key=lambda s: (known[s], s))
        around = {s for s in (best - step, best + step) if low <= s <= high and s not in known}
        known |= {s: variance(s) for s in around}
        improved = any(known[s] < known[best] for s in around)
        step = step if improved else step // 2
    smallest = min(known.values())
    return min(s for s, value in known.items() if value <= smallest * (1 + _TIE))


def _whole_numbers(n: ArrayLike) -> Array:
    """Numbers of labels, in one column."""
    sizes = as_floats(n, "n", truth_values=False).astype(float).reshape(-1)
    if not sizes.size or not (np.isfinite(sizes).all() and (sizes == np.floor(sizes)).all()):
        raise ValueError(f"n is {n!r}; expected a whole number of labels, or an array of them.")
    return sizes


def _candidates(problem: SplitProblem, sizes: Array, low: float, high: Array) -> Array:
    """Whole numbers (c, j), one of which is best for each n: the ends and the neighbors of every point that may be."""
    kink = _kink(problem, float(sizes.max()))
    points = list(_stationary_points(problem, sizes, kink))
    if np.isfinite(problem.m):
        points.append(np.full_like(sizes, kink))
    neighbors = [np.clip(edge(point), low, high) for point in points for edge in (np.floor, np.ceil)]
    candidates = np.array([np.full_like(sizes, low), high, *neighbors])
    if np.isinf(problem.m):
        return candidates
    # Two roots may meet, where their table is coarse.
    best = np.nanargmin(problem.variance(candidates, sizes), axis=0)
    split = np.take_along_axis(candidates, best[None], axis=0)[0]
    return np.array([*candidates, _downhill(problem, split, sizes, low, high)])


def _fewest(problem: SplitProblem, candidates: Array, sizes: Array) -> Array:
    """Of the candidates (c, j) with the smallest variance, up to rounding, the smallest for each n."""
    variance = problem.variance(candidates, sizes)
    known = np.isfinite(problem.total_variance)
    nothing = ROUNDING * problem.total_variance / sizes if known else 0.0
    limit = np.nanmin(variance, axis=0) * (1 + _TIE) + nothing
    return np.min(candidates, axis=0, where=variance <= limit, initial=np.inf)


def _downhill(problem: SplitProblem, split: Array, sizes: Array, low: float, high: Array) -> Array:
    """Steps of 512, 256, ... 1 labels in either direction for as long as the variance falls."""
    for step in 2.0 ** np.arange(9, -1, -1):
        around = np.array([split, np.clip(split - step, low, high), np.clip(split + step, low, high)])
        best = np.argmin(problem.variance(around, sizes), axis=0)
        split = np.take_along_axis(around, best[None], axis=0)[0]
    return split


def _kink(problem: SplitProblem, largest: float) -> float:
    """The s at which v(s) = V(Y): before it V(f) = 0. Infinite beyond `largest`, 0 where it makes no difference."""
    law, total = problem.law, problem.total_variance
    if np.isinf(problem.m) or law.predict(_TINY) <= total:
        return 0.0
    if law.predict(max(largest, _TINY)) > total:
        return np.inf

    def excess(log_s: float) -> float:
        """Power laws are nearly straight in logarithms; what has overflowed or vanished still has a side."""
        ratio = law.predict(math.exp(log_s)) / total
        return math.log(min(max(ratio, 1e-300), 1e300))

    return math.exp(brentq(excess, math.log(_TINY), math.log(largest), xtol=1e-14))


def _stationary_points(problem: SplitProblem, sizes: Array, kink: float) -> Iterator[Array]:
    """All s at which the variance is stationary and may be smallest, for each n (0 where there is none).

    There are several only for finite pools.
    """
    largest = float(sizes.max())
    for pool, first, last in ((True, max(kink, _TINY), largest), (False, _TINY, min(kink, largest))):
        if first < last:
            grid = np.geomspace(first, last, _TABLE_SIZE)
            for sign in (1, -1):
                function = partial(problem.stationary_n, pool=pool, sign=sign)
                yield from _where_it_takes(sizes, function, grid)


def _where_it_takes(values: Array, function: Callable[[Array], Array], grid: Array) -> Iterator[Array]:
    """Where a function takes each of the values: tabulated, and inverted on each of its monotone pieces."""
    of_grid = function(grid)
    for piece in _monotone_pieces(of_grid):
        x, known = grid[piece], of_grid[piece]
        # A little beyond the table's ends, too: the piece may turn between two of its points.
        inside = (values >= 0.8 * known[0]) & (values <= 1.25 * known[-1])
        if inside.any():
            point = np.zeros_like(values)
            point[inside] = _inverse(function, x, known, values[inside])
            yield point


def _monotone_pieces(values: Array) -> Iterator[slice]:
    """Runs of finite values that rise or fall strictly, two at least; falling ones are turned round."""
    with np.errstate(invalid="ignore"):
        steps = np.diff(values)
    for rising in (True, False):
        inside = np.concatenate([[False], steps > 0 if rising else steps < 0, [False]])
        edges = np.flatnonzero(inside[1:] != inside[:-1])
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            yield slice(start, stop + 1) if rising else slice(stop, start - 1 if start else None, -1)


def _inverse(function: Callable[[Array], Array], grid: Array, of_grid: Array, values: Array) -> Array:
    """Where the tabulated function takes the values: interpolation, then Newton, in logarithms."""
    x = np.exp(np.interp(np.log(values), np.log(of_grid), np.log(grid)))
    for _ in range(2):
        step = 1e-6 * x
        here, ahead = function(x), function(x + step)
        with np.errstate(invalid="ignore", divide="ignore"):
            change = (values - here) * step / (ahead - here)
        x = np.where(
            np.isfinite(change), np.clip(x + change, min(grid[0], grid[-1]), max(grid[0], grid[-1])), x
        )
    return x
