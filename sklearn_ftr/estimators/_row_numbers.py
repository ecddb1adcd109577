"""Numbers of many rows, of which a byte is kept for each row there is, and eight only for those that are looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Rows that are counted together.
_PIECE = 65_536


class RowNumbers:
    """The numbers, in ascending order, of the rows that a mask (n_rows,) chooses; slices of it and `numpy.asarray` are arrays of them."""

    def __init__(self, chosen: NDArray[np.bool_]) -> None:
        self.chosen = chosen
        counts = [np.count_nonzero(chosen[at : at + _PIECE]) for at in range(0, len(chosen), _PIECE)]
        self.ends = np.cumsum(counts, dtype=np.intp) if counts else np.zeros(1, dtype=np.intp)

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, part: Any) -> NDArray[np.intp]:
        if not isinstance(part, slice):
            return np.asarray(self)[part]
        start, stop, step = part.indices(len(self))
        if step != 1 or start >= stop:
            return np.asarray(self)[part]
        first, last = np.searchsorted(self.ends, [start, stop - 1], side="right")
        before = int(self.ends[first - 1]) if first else 0
        numbers = np.flatnonzero(self.chosen[first * _PIECE : (last + 1) * _PIECE]) + first * _PIECE
        return numbers[start - before : stop - before]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.flatnonzero(self.chosen).astype(dtype or np.intp, copy=False)
