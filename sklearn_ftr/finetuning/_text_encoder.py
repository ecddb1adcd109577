"""A plain language model as a module: texts to vectors, and to the outputs of the checkpoint's own head."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from inspect import signature
from threading import local
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_ftr.finetuning._rows import TokenRows, Tokens
from sklearn_ftr.finetuning._text_model import Checkpoint, load_model, tokenizer_rules, vocabulary
from sklearn_ftr.finetuning._text_reader import TextReader


class TextEncoder(TextReader):
    """Texts to features (B, d): the pooled vector and, if it is used, the outputs of the checkpoint's own head.

    Parameters
    ----------
    checkpoint : Checkpoint
    precision : torch.dtype
        Of the arithmetic.
    weights : torch.dtype
        that matrices are held in; float32 if they are to be trained.
    """

    model: Any

    def __init__(self, checkpoint: Checkpoint, precision: torch.dtype, weights: torch.dtype) -> None:
        super().__init__()
        self.checkpoint, self.precision = checkpoint, precision
        self.model = load_model(checkpoint, weights)
        self.pooling = _pooling(checkpoint)
        self.n_own = checkpoint.n_own
        self._last = local()  # threads may share an encoder
        self._takes = [
            name for name in Tokens._fields if name in signature(self.model.forward).parameters
        ]
        base = self.model.base_model if self.n_own else self.model
        base.register_forward_hook(self._keep_last_hidden_state)
        self.look_for_padding(checkpoint.padding())
        with torch.inference_mode():
            one_piece = torch.full((1, 1), checkpoint.padding())
            self.n_features = self.read(Tokens(one_piece, torch.ones_like(one_piece))).shape[1]

    def read(self, tokens: Tokens) -> Tensor:
        """Features (B, n_features) in float32."""
        with self.autocast(tokens):
            read = self.model(**{name: getattr(tokens, name) for name in self._takes})
        hidden, self._last.hidden = self._last.hidden, None
        pooled = _pool(hidden.float(), tokens.attention_mask, self.pooling)
        return torch.cat([pooled, read.logits.float()], dim=1) if self.n_own else pooled

    def rows(self, texts: Iterable[str], device: torch.device) -> TokenRows:
        """The texts as `forward` reads them."""
        return self.checkpoint.rows(texts, device)

    def reading(self) -> str:
        """All that decides what a text's vector is, beside the weights and their configuration."""
        asked = (self.pooling, self.checkpoint.max_length)
        return json.dumps([asked, vocabulary(self.checkpoint.source.tokenizer)])

    def rules(self) -> str:
        """What decides it, too, but may be written differently by another version of the libraries."""
        return tokenizer_rules(self.checkpoint.source.tokenizer)

    def _keep_last_hidden_state(self, module: nn.Module, given: Any, read: Any) -> None:
        self._last.hidden = read.last_hidden_state


def _takes(function: Callable[..., Any], name: str) -> bool:
    """Whether there is such an argument; FNet has had no mask, for example."""
    arguments = signature(function).parameters.values()
    return any(one.name == name or one.kind is one.VAR_KEYWORD for one in arguments)


def _pool(hidden: Tensor, mask: Tensor, pooling: str) -> Tensor:
    if pooling == "first":
        return hidden[:, 0]
    if pooling == "last":
        return hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(dim=1) - 1]
    weight = mask.unsqueeze(-1).to(hidden)
    return (hidden * weight).sum(dim=1) / weight.sum(dim=1)


def _pooling(checkpoint: Checkpoint) -> str:
    """Decoders are the models that transformers knows for generating text, but not for filling gaps."""
    config = checkpoint.source.config
    if checkpoint.pooling != "auto" or config.is_encoder_decoder:
        return "mean" if checkpoint.pooling == "auto" else checkpoint.pooling
    from transformers.models.auto import modeling_auto

    decoder = config.model_type in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    fills_gaps = config.model_type in modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    return "last" if decoder and not fills_gaps else "mean"
