"""What a network sees: rows of features or of tokens, cut into batches for training and blocks for prediction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

Batch = tuple[Any, ...]  # network inputs, targets and, if rows are weighted, weights
Rows = Any  # whatever selects rows of a tensor
_BLOCK_ROWS = 8192
# Tokens, padding included, that are read at once: as few as keep the hardware busy where more would have to be padded, as many as
# memory is to hold where texts are of similar length.
_BLOCK_TOKENS = (256, 8192)
_BLOCK_TOKENS_OF_ACCELERATORS = (8192, 65_536)
# Texts are similar in length down to this share of the longest.
_SIMILAR = 0.9


class Tokens(NamedTuple):
    """Padded texts: word pieces (B, width) and which of them are there."""

    input_ids: Tensor
    attention_mask: Tensor


class FeatureRows:
    """Rows of a matrix of features."""

    def __init__(self, features: Tensor) -> None:
        self.features = features

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: NDArray[np.intp]) -> FeatureRows:
        return FeatureRows(self.features[torch.as_tensor(rows, device=self.features.device)])

    def batches(self, order: Tensor | None, n_batches: int) -> Iterator[Tensor]:
        """Network inputs for consecutive parts of `order`; None is the order as it is."""
        ordered = self.features if order is None else self.features[order.to(self.features.device)]
        yield from ordered.tensor_split(n_batches)

    def blocks(self) -> Iterator[tuple[Rows, Tensor]]:
        """All rows, for prediction: which ones, and the network inputs."""
        for start in range(0, len(self), _BLOCK_ROWS):
            rows = slice(start, start + _BLOCK_ROWS)
            yield rows, self.features[rows]


class TokenRows:
    """Texts as word pieces, padded no further than the longest text beside them."""

    def __init__(self, pieces: Sequence[Sequence[int]], padding: int, device: torch.device) -> None:
        self.pieces = pieces
        self.padding = padding
        self.device = device

    def __len__(self) -> int:
        return len(self.pieces)

    def __getitem__(self, rows: NDArray[np.intp]) -> TokenRows:
        return TokenRows([self.pieces[row] for row in rows], self.padding, self.device)

    def batches(self, order: Tensor | None, n_batches: int) -> Iterator[Tokens]:
        """As `FeatureRows.batches`. Not of equal lengths: a batch is to be a random sample of the rows."""
        order = torch.arange(len(self)) if order is None else order
        for rows in order.tensor_split(n_batches):
            yield self._padded(rows.tolist())

    def blocks(self) -> Iterator[tuple[Rows, Tokens]]:
        """As `FeatureRows.blocks`, long texts with long texts, so that little is padded."""
        lengths = np.array([len(pieces) for pieces in self.pieces])
        for rows in length_buckets(lengths, *block_tokens(self.device)):
            yield torch.as_tensor(rows, device=self.device), self._padded(rows.tolist())

    def _padded(self, rows: list[int]) -> Tokens:
        chosen = [self.pieces[row] for row in rows]
        width = max(map(len, chosen))
        ids = np.full((len(chosen), width), self.padding)
        mask = np.zeros_like(ids)
        for row, pieces in enumerate(chosen):
            ids[row, : len(pieces)] = pieces
            mask[row, : len(pieces)] = 1
        return Tokens(torch.as_tensor(ids).to(self.device), torch.as_tensor(mask).to(self.device))


def block_tokens(device: torch.device) -> tuple[int, int]:
    """The fewest and the most tokens that are worth reading at once."""
    return _BLOCK_TOKENS if device.type == "cpu" else _BLOCK_TOKENS_OF_ACCELERATORS


def length_buckets(lengths: NDArray[np.intp], fewest: int, most: int) -> Iterator[NDArray[np.intp]]:
    """Rows in buckets of similar lengths, longest first.

    A bucket has at most `most` tokens with their padding, and beyond `fewest` no text that is much shorter than its longest.
    """
    order = np.argsort(-lengths, kind="stable")
    while len(order):
        longest = max(int(lengths[order[0]]), 1)
        similar = int(np.searchsorted(-lengths[order], -_SIMILAR * longest, side="right"))
        n_rows = min(max(similar, ceil(fewest / longest)), max(1, most // longest))
        yield order[:n_rows]
        order = order[n_rows:]


class Inputs(Protocol):
    """Rows that a network reads: of features, of tokens, or of tokens with columns beside them."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: NDArray[np.intp]) -> Inputs:
        """Some rows, by position."""

    def batches(self, order: Tensor | None, n_batches: int) -> Iterator[Any]:
        """See `FeatureRows`."""

    def blocks(self) -> Iterator[tuple[Rows, Any]]:
        """See `FeatureRows`."""


class LabeledRows(Dataset):
    """Rows with their targets (n, k) and, if they are weighted, weights (n,)."""

    def __init__(self, inputs: Inputs, *columns: Tensor) -> None:
        self.inputs = inputs
        self.columns = columns

    def __len__(self) -> int:
        return len(self.inputs)

    def batches(self, order: Tensor | None, n_batches: int) -> Iterator[Batch]:
        """Inputs, targets and weights of consecutive parts of `order`."""
        columns = self.columns
        if order is not None:
            columns = tuple(column[order.to(column.device)] for column in columns)
        parts = (column.tensor_split(n_batches) for column in columns)
        return zip(self.inputs.batches(order, n_batches), *parts, strict=True)


class EqualBatches:
    """Batches of sizes that differ by one row at most.

    Every row of an epoch is in exactly one batch, and none is left alone in one, where it would have no
    variance, unless `batch_size` is 1.
    """

    def __init__(self, rows: LabeledRows, batch_size: int, shuffle: bool) -> None:
        self.rows = rows
        self.n_batches = n_batches(len(rows), batch_size)
        self.shuffle = shuffle

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[Batch]:
        order = torch.randperm(len(self.rows)) if self.shuffle and len(self) > 1 else None
        return self.rows.batches(order, len(self))


def n_batches(n_rows: int, batch_size: int) -> int:
    """How many batches of at most `batch_size` rows, and (if it is above 1) at least two."""
    pairs = n_rows // 2 if batch_size > 1 else n_rows
    return max(1, min(ceil(n_rows / batch_size), pairs))
