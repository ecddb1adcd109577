"""Columns of a sampling design on their way from workers: labels of few kinds are sent once each, with short numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class PackedColumn:
    """Values of some rows: `kinds[codes]`, or `kinds` themselves where there are no codes."""

    kinds: NDArray[Any]
    codes: NDArray[np.int32] | None = None

    @classmethod
    def of(cls, values: NDArray[Any]) -> Self:
        """Objects are packed, if they can be hashed; numbers, dates and texts of numpy stay as they are."""
        if values.dtype.kind != "O":
            return cls(values)
        numbers: dict[Any, int] = {}
        try:
            codes = [numbers.setdefault(one, len(numbers)) for one in values.tolist()]
        except TypeError:
            return cls(values)
        kinds = np.empty(len(numbers), dtype=object)
        kinds[:] = list(numbers)
        return cls(kinds, np.array(codes, dtype=np.int32))

    @property
    def values(self) -> NDArray[Any]:
        """Of each row; equal objects are one object."""
        return self.kinds if self.codes is None else self.kinds[self.codes]


def joined_columns(parts: Sequence[tuple[PackedColumn, PackedColumn]]) -> NDArray[Any]:
    """First values of all rows that come first in each part, then those of the others."""
    sides = [one for side in zip(*parts, strict=True) for one in side]
    return np.concatenate([one.values for one in sides])
