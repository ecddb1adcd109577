"""Rows with columns beside what a language model reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_ftr.finetuning._rows import FeatureRows, Rows, TokenRows


class BesideColumns(NamedTuple):
    """A batch of a language model's inputs, and numbers (B, q) of the same rows."""

    inputs: Any
    columns: Tensor


class ColumnRows:
    """As `TokenRows`, with numbers (n, q) beside each text."""

    def __init__(self, rows: TokenRows, columns: Tensor) -> None:
        self.rows = rows
        self.columns = columns

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: NDArray[np.intp]) -> ColumnRows:
        return ColumnRows(self.rows[rows], self._of(torch.as_tensor(rows)))

    def batches(self, order: Tensor | None, n_batches: int) -> Iterator[BesideColumns]:
        """As `TokenRows.batches`."""
        columns = self.columns if order is None else self._of(order)
        batches = self.rows.batches(order, n_batches)
        return map(BesideColumns, batches, columns.tensor_split(n_batches))

    def blocks(self) -> Iterator[tuple[Rows, BesideColumns]]:
        """As `TokenRows.blocks`."""
        for rows, inputs in self.rows.blocks():
            yield rows, BesideColumns(inputs, self._of(rows))

    def _of(self, rows: Tensor) -> Tensor:
        return self.columns[rows.to(self.columns.device)]


def beside(inputs: FeatureRows | TokenRows, columns: Tensor) -> FeatureRows | ColumnRows:
    """The rows with numbers (n, q): further features, or beside the tokens."""
    if isinstance(inputs, FeatureRows):
        return FeatureRows(torch.cat([inputs.features, columns], dim=1))
    return ColumnRows(inputs, columns)
