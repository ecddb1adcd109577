"""Tables of which many rows are the same, such as what 0/1 numbers become, in less room and to the last bit."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Tables with more different rows are left as they are; as many rows at first are looked at.
_MOST_DIFFERENT = 256
_FIRST_ROWS = 1_024


@dataclass(frozen=True, eq=False)
class PackedRows:
    """The different rows (u, k), and which of them each row (n,) is."""

    different: NDArray[np.float64]
    codes: NDArray[np.uint8]

    def unpacked(self) -> NDArray[np.float64]:
        """The table (n, k)."""
        return self.different[self.codes]


class WithPackedRows:
    """Base of dataclasses whose tables are packed where they are pickled."""

    def __getstate__(self) -> dict[str, Any]:
        """Fields by name."""
        return {one.name: packed(getattr(self, one.name)) for one in fields(self)}  # type: ignore[arg-type]

    def __setstate__(self, state: dict[str, Any]) -> None:
        """As they were."""
        whole = {
            name: one.unpacked() if isinstance(one, PackedRows) else one for name, one in state.items()
        }
        self.__dict__.update(whole)


def packed(value: Any) -> Any:
    """A table in less room, if few of its rows differ; anything else as it is."""
    is_table = isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype == np.float64
    if not is_table or _different(value[:_FIRST_ROWS]) is None:
        return value
    found = _different(value)
    return value if found is None or len(found[0]) >= len(value) else PackedRows(*found)


def _different(table: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.uint8]] | None:
    """Rows by their bits, so that -0.0 stays what it is; None if too many differ."""
    bits = np.ascontiguousarray(table).view(np.uint64)
    rows, codes = np.unique(bits, axis=0, return_inverse=True)
    if len(rows) > _MOST_DIFFERENT:
        return None
    return rows.view(np.float64), codes.reshape(-1).astype(np.uint8)
