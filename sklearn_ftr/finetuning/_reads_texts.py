"""What the regressor and the transformer of texts have in common: which language model reads them, and how."""

from __future__ import annotations

from importlib.util import find_spec
from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar

import torch

from sklearn_ftr._sklearn_private import Interval, StrOptions
from sklearn_ftr.finetuning._embedding import Embedder, embedder
from sklearn_ftr.finetuning._text_model import DEFAULT_MODEL, POOLINGS, Checkpoint, Source
from sklearn_ftr.finetuning._torch_state import usable_device


class ReadsTexts:
    """Parameters that name a language model; not to be used by itself."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "model": [str, Path, None],
        "revision": [str, None],
        "pooling": [StrOptions(set(POOLINGS))],
        "max_length": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "dtype": [StrOptions({"auto", "float32", "bfloat16"})],
        "embedding_cache": [str, Path, None],
    }
    model: str | Path | None
    revision: str | None
    pooling: str
    max_length: int
    device: str
    dtype: str
    embedding_cache: str | Path | None

    def _source(self) -> Source:
        return Source(DEFAULT_MODEL if self.model is None else str(self.model), self.revision)

    def _checkpoint(self, n_own: int = 0) -> Checkpoint:
        return Checkpoint(self._source(), self.pooling, self.max_length, n_own)

    def _precision(self) -> torch.dtype:
        if self.dtype != "auto":
            return getattr(torch, self.dtype)
        return torch.float32 if torch.device(self.device).type == "cpu" else torch.bfloat16

    def _embedder(self, checkpoint: Checkpoint, device: str) -> Embedder:
        """The frozen model, which this process shares."""
        cache = None if self.embedding_cache is None else str(self.embedding_cache)
        exact = usable_device(device, self.dtype, torch.float32)
        return embedder(checkpoint, str(exact), self._precision(), cache)

    def _check_extra(self) -> None:
        missing = [name for name in ("transformers", "peft", "safetensors") if find_spec(name) is None]
        if missing:
            raise ImportError(
                f"{type(self).__name__} needs {', '.join(missing)}; pip install 'sklearn-ftr[text]' brings it."
            )
