"""What a rectified distribution function is a sum of: the shares of labels, of their predictions and of the pool's, for all levels at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sklearn_ftr._short_repr import short_repr
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._fields_only import FieldsOnly
from sklearn_ftr.rectification._shares import Ordered, Shares
from sklearn_ftr.rectification._thinned_shares import ThinnedShares, thinned

# Rows that are kept of pools with more than twice as many, and as many more for each label.
_ROWS_KEPT, _ROWS_PER_LABEL = 4_096, 4


@dataclass(frozen=True, eq=False)
class Knots:
    """Values (u,) at which labels or their predictions make F jump.

    `of_labels` are the shares (u,) of each part of the labels there, `of_pool` and `of_pool_before` those of the pool there and just below.
    """

    values: Array
    of_labels: tuple[Array, ...]
    of_pool: Array
    of_pool_before: Array


@short_repr
@dataclass(frozen=True, eq=False)
class PartsOfF(FieldsOnly):
    """Shares of labels, of their predictions by each judge, of labels that are recycled, and of each judge's predictions of the pool."""

    of_y: Shares
    of_judges: tuple[Shares, ...]
    of_recycled: Shares
    of_pools: tuple[Shares | ThinnedShares, ...]

    @cached_property
    def _found(self) -> dict[tuple[bool, ...], Knots]:
        return {}

    def knots(self, counted: tuple[bool, ...]) -> Knots:
        """Of one judge, where some of labels, their predictions and recycled labels are counted; found once."""
        if counted not in self._found:
            labels = self.of_y, self.of_judges[0], self.of_recycled
            self._found[counted] = self._knots(
                [one for one, is_in in zip(labels, counted, strict=True) if is_in]
            )
        return self._found[counted]

    def _knots(self, labels: Sequence[Shares]) -> Knots:
        values, pool = _distinct([one.values for one in labels]), self.of_pools[0]
        of_labels = tuple(one.at(values) for one in labels)
        return Knots(values, of_labels, pool.at(values), pool.at(values, "left"))

    @property
    def is_large(self) -> bool:
        """Whether a pool has more rows than are kept."""
        return any(pool.size > 2 * self._most for pool in self.of_pools)

    @property
    def _most(self) -> int:
        """Rows of each judge's pool."""
        labels = self.of_y.size + self.of_recycled.size
        return (_ROWS_KEPT + _ROWS_PER_LABEL * labels) // max(len(self.of_pools), 1)

    def around(self, ranges: Sequence[tuple[float, float]], estimates: Array) -> PartsOfF:
        """The same with no more of large pools than intervals need, which lie in `ranges`.

        It is exact at every label and prediction of one, and at `estimates` (k,); `ThinnedShares` says what lies between.
        """
        labels = self.of_y, *self.of_judges, self.of_recycled
        known = _distinct([*(one.values for one in labels), estimates])
        pools = tuple(thinned(one, ranges, known, self._most) for one in self.of_pools)
        return replace(self, of_pools=pools)


def _distinct(columns: Sequence[Ordered]) -> Array:
    """All values in order, each once."""
    ordered = np.sort(np.concatenate(columns)).astype(np.float64, copy=False)
    is_new = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    return ordered[is_new]
