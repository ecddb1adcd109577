"""Vectors of texts from a frozen language model, computed once for each text.

Folds, pilot sizes and split ratios train on the same texts again and again; with a frozen model only the head
changes, so the vectors are kept, in memory or in a file that processes share.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sklearn_ftr._progress import counted
from sklearn_ftr.finetuning._text_model import Checkpoint
from sklearn_ftr.finetuning._text_network import frozen_fingerprint, make_encoder
from sklearn_ftr.finetuning._texts import Texts
from sklearn_ftr.finetuning._vector_store import FileStore, MemoryStore, Vectors, memory_store

# Texts that are tokenized, sorted by length and embedded together: what streaming holds in memory.
BLOCK_TEXTS = 4096


class Embedder:
    """A frozen model on a device, with the vectors of texts that it has read.

    Parameters
    ----------
    checkpoint : Checkpoint
    device : str
    precision : torch.dtype
    cache : {"memory"}, path of a folder or None
        Where vectors are kept. In memory, up to 1 GiB; the first ones stay.
    """

    def __init__(
        self, checkpoint: Checkpoint, device: str, precision: torch.dtype, cache: str | None
    ) -> None:
        self.checkpoint = checkpoint
        self.encoder = (
            make_encoder(checkpoint, precision, frozen=True).to(device).requires_grad_(False).eval()
        )
        self.fingerprint = frozen_fingerprint(self.encoder, self.encoder)
        self.device = torch.device(device)
        self.n_features, self.n_own = self.encoder.n_features, self.encoder.n_own
        self.store = self._open(cache)

    def __call__(self, texts: Texts) -> Vectors:
        """Vectors (n, n_features) of the texts."""
        vectors = np.empty((len(texts), self.n_features), dtype=np.float32)
        with counted("reading texts", len(texts), "texts", is_task=False) as told:
            for start in range(0, len(texts), BLOCK_TEXTS):
                rows = slice(start, start + BLOCK_TEXTS)
                told.weight = len(texts[rows])
                vectors[rows] = self._block(texts[rows])
                told.advance(told.weight)
        return vectors

    def _block(self, texts: Texts) -> Vectors:
        """Known vectors from the store; new ones are computed, each text once, and stored."""
        keys = [
            blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts
        ]
        known = self.store.find(keys)
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            computed = dict(zip(new, self._compute(list(new.values())), strict=True))
            self.store.add(computed)
            known |= computed
        return np.array([known[key] for key in keys], dtype=np.float32).reshape(len(texts), -1)

    def _compute(self, texts: Sequence[str]) -> Vectors:
        rows = self.encoder.rows(texts, self.device)
        vectors = np.empty((len(texts), self.n_features), dtype=np.float32)
        with (
            torch.inference_mode(),
            counted("embedding", len(texts), "new ones", is_task=False) as told,
        ):
            for chosen, tokens in rows.blocks():
                vectors[chosen.cpu().numpy()] = self.encoder(tokens).cpu().numpy()
                told.advance(len(chosen))
        return vectors

    def _open(self, cache: str | None) -> MemoryStore | FileStore:
        if cache is None:
            return MemoryStore(limit=0)
        if cache == "memory":
            return memory_store(self.n_features)
        return FileStore(Path(cache), self._identity(), self.n_features)

    def _identity(self) -> str:
        """All that decides what a text's vector is."""
        config, precision = self.encoder.model.config.to_json_string(), str(self.encoder.precision)
        everything = json.dumps([self.fingerprint, config, precision, self.encoder.rules()])
        return blake2b(everything.encode(), digest_size=16).hexdigest()


@lru_cache(maxsize=2)  # one model at a time, but a second one for whoever compares two
def _shared(
    checkpoint: Checkpoint, device: str, precision: torch.dtype, cache: str | None, stamp: Any
) -> Embedder:
    return Embedder(checkpoint, device, precision, cache)


def embedder(
    checkpoint: Checkpoint, device: str, precision: torch.dtype, cache: str | None
) -> Embedder:
    """The embedder that this process shares; a new one when the model's files have changed."""
    return _shared(checkpoint, device, precision, cache, checkpoint.source.stamp())


def forget() -> None:
    """Drop all embedders of this process, with their vectors in memory."""
    _shared.cache_clear()
