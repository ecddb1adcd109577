"""How many of n labels should fine-tune: the first-order condition, solved exactly.

Wang, Ye and Zhao (2025), arXiv 2511.19486, theorem 4.1, extended to finite pools, shifted laws and recycling.
With r = n - s and q = 1 / r the variance of the rectified mean is T = v q + w, w = max(V(Y) - v, 0) / m. Both
conditions, T' = 0 and, with recycling, T' = T^2 / V(Y), are quadratic in q for given s:

    plain      v q^2 + v' q - v'/m = 0
    recycled   (v - v^2/V(Y)) q^2 + (v' - 2 v w/V(Y)) q - v'/m - w^2/V(Y) = 0
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from sklearn_ftr.allocation._scaling_law import ScalingLaw

Array = NDArray[np.float64]
_TINY = 1e-3  # the smallest s that is looked at, in labels
_TABLE_SIZE = 2048


@dataclass(frozen=True)
class SplitProblem:
    """A law, a pool of m rows, V(Y), and whether fine-tuning labels are recycled."""

    law: ScalingLaw
    m: float = np.inf
    total_variance: float = np.nan  # not needed for a plain split with an endless pool
    recycle: bool = False

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
        plain = residual / (n - s) + self._pool_term(residual)
        if not self.recycle:
            return plain
        return 1 / (1 / plain + s / self.total_variance)

    def _pool_term(self, residual: Array) -> Any:
        if np.isinf(self.m):
            return 0.0 * residual
        return np.maximum(self.total_variance - residual, 0) / self.m

    def stationary_n(self, s: Array, pool: bool, sign: int) -> Array:
        """For which n this s is stationary, by one of the two roots; NaN where for none.

        `pool` is False where v(s) > V(Y), so that V(f) = 0 and the pool does not matter.
        """
        v, slope = self.law.predict(s), self.law.slope(s)
        m = self.m if pool else np.inf
        w = (self.total_variance - v) / m if np.isfinite(m) else 0.0 * v
        over = 1 / self.total_variance if self.recycle else 0.0
        A, B, C = v - over * v**2, slope - 2 * over * v * w, -slope / m - over * w**2
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            q = (-B + sign * np.sqrt(B**2 - 4 * A * C)) / (2 * A)
            return np.where(q > 0, s + 1 / q, np.nan)


def optimal_split(problem: SplitProblem, n: ArrayLike, min_finetune: int, min_rectify: int) -> Any:
    """The whole number s with the smallest variance, for each n."""
    sizes = np.atleast_1d(np.asarray(n, dtype=float))
    low, high = float(min_finetune), sizes - min_rectify
    if (high < low).any():
        raise ValueError(
            f"n is {sizes.min():g}; expected at least {min_finetune + min_rectify}: {min_finetune} labels to "
            f"fine-tune and {min_rectify} to rectify."
        )
    points = list(_stationary_points(problem, sizes))
    if np.isfinite(problem.m):
        points.append(np.full_like(sizes, _kink(problem)))
    neighbors = [np.clip(edge(point), low, high) for point in points for edge in (np.floor, np.ceil)]
    candidates = np.array([np.full_like(sizes, low), high, *neighbors])
    best = np.argmin(problem.variance(candidates, sizes), axis=0)
    split = np.take_along_axis(candidates, best[None], axis=0)[0]
    near = 4 * sizes > problem.m  # the two roots may meet there, and their table is coarse
    split[near] = _downhill(problem, split[near], sizes[near], low, high[near])
    split = split.astype(np.int64)
    return int(split[0]) if np.ndim(n) == 0 else split.reshape(np.shape(n))


def _downhill(problem: SplitProblem, split: Array, sizes: Array, low: float, high: Array) -> Array:
    """Steps of 512, 256, ... 1 labels in either direction for as long as the variance falls."""
    for step in 2.0 ** np.arange(9, -1, -1):
        around = np.array([split, np.clip(split - step, low, high), np.clip(split + step, low, high)])
        best = np.argmin(problem.variance(around, sizes), axis=0)
        split = np.take_along_axis(around, best[None], axis=0)[0]
    return split


def _kink(problem: SplitProblem) -> float:
    """The s at which v(s) = V(Y): before it V(f) = 0. 0 for an infinite pool, where it makes no difference."""
    law, total = problem.law, problem.total_variance
    if np.isinf(problem.m):
        return 0.0
    if law.predict(_TINY) <= total:
        return 0.0
    if law.b >= total:
        return np.inf
    return max((law.a / (total - law.b)) ** (1 / law.alpha) - law.s0, 0.0)


def _stationary_points(problem: SplitProblem, sizes: Array) -> Iterator[Array]:
    """All s at which the variance is stationary and may be smallest, for each n (0 where there is none).

    n as a function of the stationary s is tabulated and inverted on each of its rising pieces; there is
    more than one only for pools that are not larger than the labels.
    """
    largest, kink = float(sizes.max()), _kink(problem)
    for pool, first, last in ((True, max(kink, _TINY), largest), (False, _TINY, min(kink, largest))):
        if first >= last:
            continue
        grid = np.geomspace(first, last, _TABLE_SIZE)
        for sign in (1, -1) if pool and np.isfinite(problem.m) else (1,):
            function = partial(problem.stationary_n, pool=pool, sign=sign)
            of_grid = function(grid)
            for piece in _rising_pieces(of_grid):
                yield _inverse(function, grid[piece], of_grid[piece], sizes)


def _rising_pieces(values: Array) -> Iterator[slice]:
    """Runs of finite, strictly rising values, two at least."""
    with np.errstate(invalid="ignore"):
        rising = np.concatenate([[False], np.diff(values) > 0, [False]])
    edges = np.flatnonzero(rising[1:] != rising[:-1])
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        yield slice(start, stop + 1)


def _inverse(function: Callable[[Array], Array], grid: Array, of_grid: Array, values: Array) -> Array:
    """Where the tabulated function takes the values: interpolation, then Newton, in logarithms."""
    x = np.exp(np.interp(np.log(values), np.log(of_grid), np.log(grid)))
    for _ in range(2):
        step = 1e-6 * x
        here, ahead = function(x), function(x + step)
        with np.errstate(invalid="ignore", divide="ignore"):
            change = (values - here) * step / (ahead - here)
        x = np.where(np.isfinite(change), np.clip(x + change, grid[0], grid[-1]), x)
    return x
