"""Ridge regression on blocks of columns, each with a penalty of its own: one price is not drowned in the 384 numbers of a vector.

The first block T may be wide, the others Z are narrow. Residuals are B y with B = (I + T T' / lambda + Z L^-1 Z')^-1, where L has
the penalties of the others, and errors of rows that are left out are those over the diagonal of B (Golub, Heath and Wahba 1979). By Woodbury's
identity B = A - A Z (L + Z' A Z)^-1 Z' A with A = (I + T T' / lambda)^-1, so that one decomposition of T serves all penalties.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.finetuning._ridge import (
    PENALTIES,
    Array,
    Decomposition,
    Ridge,
    centered,
    decomposed,
    fit_ridge,
    losses_of,
)

# Of the narrow blocks, in the units of `PENALTIES`, and where their choice begins.
_OF_BLOCKS = 10.0 ** np.arange(5.0, -1.0, -1.0)
_FIRST = 10.0
_SWEEPS = 2
# Every so many penalties of the wide block are tried with all those of the others, and those beside the best one with the best of these.
_EVERY = 4
# Random rows among which penalties of blocks are chosen.
_ROWS = 2_000


def fit_ridge_of_blocks(
    blocks: Sequence[Array],
    y: Array,
    weight: Array | None = None,
    output_factor: Array | None = None,
) -> Ridge:
    """Ridge regression on blocks side by side.

    Parameters
    ----------
    blocks : sequence of ndarray of shape (n, d_j)
        All but the first one narrow. Penalties have the smallest error of rows that are left out, one block chosen after another.
    y, weight, output_factor : as for `fit_ridge`

    Returns
    -------
    Ridge
        Coefficients (k, sum of d_j); the penalty is that of the first block.
    """
    if len(blocks) == 1:
        return fit_ridge(blocks[0], y, weight, output_factor)
    weight = np.ones(len(y)) if weight is None else weight
    whole = _Problem.of(blocks, y, weight, output_factor)
    some = whole if len(y) <= _ROWS else _Problem.of(*_some(blocks, y, weight), output_factor)
    solution = [
        whole.solution(group, *chosen)
        for group, chosen in zip(whole.groups, some.best_penalties(), strict=True)
    ]
    coefficients = np.concatenate([one.T for one, _ in solution])
    penalty = np.concatenate([np.full(one.shape[1], penalty) for one, penalty in solution])
    *centers, center = whole.means
    return Ridge(coefficients, center - coefficients @ np.concatenate(centers), penalty)


def _some(blocks: Sequence[Array], y: Array, weight: Array) -> tuple[list[Array], Array, Array]:
    """Random rows, which are the same in every fit."""
    rows = np.random.default_rng(0).choice(len(y), _ROWS, replace=False)
    return [block[rows] for block in blocks], y[rows], weight[rows] / weight[rows].mean()


@dataclass(frozen=True, eq=False)
class _Problem:
    """Centered rows, times the roots of their weights.

    Attributes
    ----------
    wide : Decomposition
    narrow : ndarray of shape (n, q)
    block_of : ndarray of int of shape (q,)
    targets : ndarray of shape (n, k)
    shares : ndarray of shape (n,)
        Weights with the sum 1.
    output_factor : ndarray of shape (k, s) or None
    means : list of ndarray
        Of the blocks, then of the targets.
    """

    wide: Decomposition
    narrow: Array
    block_of: NDArray[np.intp]
    targets: Array
    shares: Array
    output_factor: Array | None
    means: list[Array]

    @classmethod
    def of(
        cls, blocks: Sequence[Array], y: Array, weight: Array, output_factor: Array | None
    ) -> _Problem:
        """From rows as they are, and weights with mean one."""
        (wide, *narrow, targets), means = centered([*blocks, y], weight)
        block_of = np.repeat(np.arange(len(narrow)), [block.shape[1] for block in narrow])
        rows = np.hstack(narrow), block_of, targets, weight / weight.sum()
        return cls(decomposed(wide), *rows, output_factor, means)

    @cached_property
    def units(self) -> Array:
        """Of the penalties of narrow blocks: mean squared distances of rows from their mean; 1 where there are none."""
        squares = np.bincount(self.block_of, weights=(self.narrow**2).sum(axis=0))
        return np.where(squares > 0, squares / len(self.narrow), 1.0)

    @property
    def groups(self) -> list[NDArray[np.intp]]:
        """Outputs that have their penalties in common."""
        outputs = np.arange(self.targets.shape[1])
        return [outputs] if self.output_factor is not None else list(outputs[:, None])

    def at(self, number: int) -> _AtPenalty:
        """With one of `PENALTIES` of the wide block."""
        if number not in self._known:
            self._known[number] = _AtPenalty(self, PENALTIES[number] * self.wide.spread)
        return self._known[number]

    @cached_property
    def _known(self) -> dict[int, _AtPenalty]:
        return {}

    def best_penalties(self) -> list[tuple[int, Array]]:
        """Of each group of outputs, roughly the number of the wide block's penalty, and those of the narrow blocks (b,) in their units."""
        best: list[tuple[float, int, Array]] = [(np.inf, 0, np.empty(0))] * len(self.groups)
        for number in range(0, len(PENALTIES), _EVERY):
            for place, group in enumerate(self.groups):
                loss, penalties = self.at(number).best_blocks(group)
                if loss < best[place][0]:
                    best[place] = loss, number, penalties
        return [(number, penalties) for _, number, penalties in best]

    def solution(self, group: NDArray[np.intp], near: int, penalties: Array) -> tuple[Array, float]:
        """Coefficients (d + q, outputs) of a group, and the wide block's penalty: the best one near that which is known roughly."""
        numbers = range(max(near - _EVERY, 0), min(near + _EVERY + 1, len(PENALTIES)))
        best = min(numbers, key=lambda number: self.at(number).loss(group, penalties * self.units))
        return self.at(best).solution(group, penalties * self.units)


@dataclass(frozen=True, eq=False)
class _AtPenalty:
    """The problem with a penalty of the wide block: A times whatever is needed."""

    problem: _Problem
    penalty: float

    @cached_property
    def narrow(self) -> Array:
        """A Z (n, q)."""
        return self._times(self.problem.narrow)

    @cached_property
    def targets(self) -> Array:
        """A y (n, k)."""
        return self._times(self.problem.targets)

    @cached_property
    def inner(self) -> Array:
        """Z' A Z (q, q)."""
        return self.problem.narrow.T @ self.narrow

    @cached_property
    def own(self) -> Array:
        """The diagonal of A (n,), less what the mean takes."""
        return 1 - self.problem.wide.leverage(self.penalty) - self.problem.shares

    def best_blocks(self, group: NDArray[np.intp]) -> tuple[float, Array]:
        """Loss and penalties (b,) of the narrow blocks, chosen one after another."""
        n_blocks = len(self.problem.units)
        penalties, loss = np.full(n_blocks, _FIRST), np.inf
        for block in [*range(n_blocks)] * (_SWEEPS if n_blocks > 1 else 1):
            trials = [np.where(np.arange(n_blocks) == block, one, penalties) for one in _OF_BLOCKS]
            losses = [self.loss(group, trial * self.problem.units) for trial in trials]
            best = int(np.argmin(losses))
            loss, penalties = losses[best], trials[best]
        return loss, penalties

    def loss(self, group: NDArray[np.intp], penalties: Array) -> float:
        """Sum of squared errors of rows that are left out, of some outputs, with penalties (b,) of the narrow blocks."""
        solved = np.linalg.solve(self._penalized(penalties), self.narrow.T)
        errors = self.targets[:, group] - self.narrow @ (solved @ self.problem.targets[:, group])
        own = self.own - np.einsum("ij,ji->i", self.narrow, solved)
        return float(losses_of(errors / own[:, None], self.problem.output_factor).sum())

    def solution(self, group: NDArray[np.intp], penalties: Array) -> tuple[Array, float]:
        """Coefficients (d + q, outputs) of some outputs, and the penalty of the wide block."""
        wide, targets = self.problem.wide, self.problem.targets[:, group]
        of_narrow = np.linalg.solve(self._penalized(penalties), self.narrow.T @ targets)
        rest = targets - self.problem.narrow @ of_narrow
        of_wide = wide.coordinates(rest, np.full(len(group), self.penalty))
        return np.concatenate([wide.directions @ of_wide, of_narrow]), self.penalty

    def _penalized(self, penalties: Array) -> Array:
        return self.inner + np.diag(penalties[self.problem.block_of])

    def _times(self, values: Array) -> Array:
        wide = self.problem.wide
        return values - wide.scores @ wide.coordinates(values, np.full(values.shape[1], self.penalty))
