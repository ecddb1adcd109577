"""How a network on columns is trained where the user says nothing, as measured in docs/benchmarks.md."""

from __future__ import annotations

# Up to so many rows a column, weights that are pulled as hard as this generalise best.
_STRONGEST_DECAY = 1.0
_ROWS_PER_COLUMN = 30
# The fewest rows of a batch, and the steps of an epoch beyond which batches grow instead.
_SMALLEST_BATCH = 64
_STEPS = 200
# Outputs that are predictions already are not to be pulled away.
PRETRAINED_DECAY = 0.01


def weight_decay(n_rows: int, n_columns: int) -> float:
    """1.0 up to 30 rows a column, from there in proportion to columns over rows."""
    return min(_STRONGEST_DECAY, _STRONGEST_DECAY * _ROWS_PER_COLUMN * n_columns / n_rows)


def batch_size(n_rows: int) -> int:
    """64 rows, or as many as make 200 steps an epoch if that is more."""
    return max(_SMALLEST_BATCH, -(-n_rows // _STEPS))
