"""Encoders saved by sentence-transformers, read as that library's `encode` reads them.

The library loads the modules and makes word pieces of texts, prompts included; batches, devices and precision are
those of all other models here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_ftr.finetuning._rows import TokenRows, Tokens
from sklearn_ftr.finetuning._sentence_format import SentenceFormat, unreadable
from sklearn_ftr.finetuning._text_model import (
    TOKENIZING,
    Checkpoint,
    Source,
    dtype_to_load,
    encodable,
    hold_in,
    quiet,
    tokenizer_rules,
    vocabulary,
)
from sklearn_ftr.finetuning._text_reader import TextReader

# The library's names of the poolings that a user can ask for.
_POOLINGS = {"mean": "mean", "last": "lasttoken", "first": "cls"}
# Texts whose word pieces are made at once: chat templates are padded to the longest.
_BLOCK_TEXTS = 1024


class SentenceEncoder(TextReader):
    """Texts to the vectors (B, d) that the folder's own library makes of them.

    Has the parameters, attributes and methods of `TextEncoder`, and the layout of the folder.
    """

    n_own = 0

    def __init__(
        self,
        checkpoint: Checkpoint,
        layout: SentenceFormat,
        precision: torch.dtype,
        weights: torch.dtype,
    ) -> None:
        super().__init__()
        self.checkpoint, self.layout, self.precision = checkpoint, layout, precision
        loaded = _load(checkpoint.source, weights if layout.only_pools else torch.float32)
        self.transformer: Any = loaded[0]
        self.others = nn.ModuleList(list(loaded)[1:])
        self.prompt = (
            loaded.prompts.get(loaded.default_prompt_name) if loaded.default_prompt_name else None
        )
        self.truncate_dim = loaded.truncate_dim
        self._choose_pooling()
        self.model.config.use_cache = False  # of decoders: memory for texts that would be continued
        hold_in(self.model, weights)
        self._beside = self._what_is_common_to_all_texts()
        self._leave_unpadded()
        self.transformer.max_seq_length = self._limit()
        self.n_features = self._count_features()
        self.look_for_padding(self._padding())

    @property
    def model(self) -> Any:
        """The language model alone, which adapters are added to."""
        return self.transformer.auto_model

    def read(self, tokens: Tokens) -> Tensor:
        """Features (B, n_features) in float32."""
        with self.autocast(tokens):
            features = self.transformer({**tokens._asdict(), **self._beside})
        features = {name: _in_float32(value) for name, value in features.items()}
        for module in self.others:
            features = module(features)
        return features["sentence_embedding"][:, : self.truncate_dim]

    def rows(self, texts: Iterable[str], device: torch.device) -> TokenRows:
        """The texts as `forward` reads them."""
        whole = encodable(texts)
        starts = range(0, len(whole), _BLOCK_TEXTS)
        blocks = (self._tokenize(whole[start : start + _BLOCK_TEXTS]) for start in starts)
        pieces = [own for block in blocks for own in block]
        return TokenRows(pieces, self._padding(), device)

    def reading(self) -> str:
        """All that decides what a text's vector is, beside the weights and their configuration."""
        tokenizer = self.transformer.tokenizer
        asked = (self.checkpoint.pooling, self.checkpoint.max_length)
        return json.dumps([self.layout.settings, asked, vocabulary(tokenizer)])

    def rules(self) -> str:
        """What decides it, too, but may be written differently by another version of the libraries."""
        from sentence_transformers import __version__

        return f"{__version__} {tokenizer_rules(self.transformer.tokenizer)}"

    def _choose_pooling(self) -> None:
        """Put the pooling that was asked for in the place of the folder's; prompts and other modules stay."""
        asked = _POOLINGS.get(self.checkpoint.pooling)
        for position, kind in enumerate(self.layout.kinds[1:]):
            if kind == "Pooling" and asked:
                own: Any = self.others[position]
                self.others[position] = type(own)(
                    own.embedding_dimension, asked, include_prompt=own.include_prompt
                )

    def _padding(self) -> int:
        return self.transformer.tokenizer.pad_token_id or 0

    def _limit(self) -> int:
        """Word pieces of a text, at most; at least one piece beside those that frame every text."""
        tokenizer = self.transformer.tokenizer
        own = min(self.transformer.max_seq_length or 10**9, _usable_positions(self.model))
        return max(min(self.checkpoint.max_length, own), tokenizer.num_special_tokens_to_add() + 1)

    def _preprocessed(self, texts: list[str]) -> dict[str, Any]:
        with TOKENIZING:
            return self.transformer.preprocess(texts, prompt=self.prompt)

    def _what_is_common_to_all_texts(self) -> dict[str, Any]:
        """What the modules are told beside the word pieces: where the prompt ends, for example."""
        name = self.checkpoint.source.name
        foreign = set(self.transformer.modalities) - {"text", "message"}
        if foreign:  # a text that looks like the address of an image would be fetched
            raise unreadable(name, f"it reads {', '.join(map(str, foreign))} as well as texts")
        read = self._preprocessed(["a"])
        if torch.as_tensor(read.get("token_type_ids", 0)).any():
            raise unreadable(name, "its tokenizer marks word pieces with types")
        self._check_prompt()
        return {key: read[key] for key in ("modality", "prompt_length") if key in read}

    def _check_prompt(self) -> None:
        """A text needs room beside a prompt that its vector leaves out."""
        if not self.prompt or all(getattr(module, "include_prompt", True) for module in self.others):
            return
        length = int(self._preprocessed([""])["attention_mask"].sum())
        if length >= self._limit():
            raise ValueError(
                f"max_length={self.checkpoint.max_length} leaves no word piece of a text beside the prompt "
                f"{self.prompt!r}, which takes {length}; raise it above {length}."
            )

    def _count_features(self) -> int:
        one_piece = torch.zeros((1, 1), dtype=torch.long)
        try:
            with torch.inference_mode():
                return self.eval().read(Tokens(one_piece, torch.ones_like(one_piece))).shape[1]
        except (RuntimeError, KeyError) as error:
            asked = (
                ""
                if self.checkpoint.pooling == "auto"
                else f" with pooling={self.checkpoint.pooling!r}"
            )
            raise unreadable(
                self.checkpoint.source.name,
                f"its modules {self.layout.kinds} do not fit together{asked} ({error})",
            ) from error

    def _leave_unpadded(self) -> None:
        """Lists of word pieces: padding a thousand texts at once to the longest takes as long as cutting them."""
        if self._beside.get("modality") == "text":
            own: dict[str, Any] = dict(self.transformer.processing_kwargs)
            own["common"] = {**own.get("common", {}), "return_tensors": None}
            own["text"] = {**own.get("text", {}), "padding": False}
            self.transformer.processing_kwargs = own

    def _tokenize(self, texts: list[str]) -> list[list[int]]:
        read = self._preprocessed(texts)
        pieces = read["input_ids"]
        if isinstance(pieces, Tensor):
            there = read["attention_mask"] > 0
            pieces = [row[kept].tolist() for row, kept in zip(pieces, there, strict=True)]
        # A decoder's tokenizer makes nothing of an empty text.
        nothing = [self.transformer.tokenizer.eos_token_id or 0]
        return [own or nothing for own in pieces]


def _load(source: Source, weights: torch.dtype) -> Any:
    """The library's model on the CPU in the precision `weights`; code that comes with it is not run."""
    try:
        from sentence_transformers import SentenceTransformer
    except ModuleNotFoundError as error:
        raise ImportError(
            f"model={source.name!r} was saved by sentence-transformers and needs {error.name}; "
            "pip install 'sklearn-ftr[text]' brings it."
        ) from error
    location = source.location()
    settings = {"dtype": dtype_to_load(weights), "use_safetensors": True}
    try:
        with quiet():
            return SentenceTransformer(
                location,
                device="cpu",
                revision=source.revision,
                trust_remote_code=False,
                local_files_only=source.is_folder(),
                model_kwargs=settings,
            )
    except Exception as error:  # whatever a damaged folder makes the library stumble over
        raise unreadable(source.name, f"sentence-transformers says: {error}") from error


def _usable_positions(model: Any) -> int:
    """How many positions the model has; RoBERTa's table begins with two that no word piece has."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            unused = 0 if module.padding_idx is None else module.padding_idx + 1
            return module.num_embeddings - unused
    return 10**9


def _in_float32(value: Any) -> Any:
    """Pooling, projection and normalisation are exact; only the language model's arithmetic may not be."""
    if isinstance(value, Tensor):
        return value.float() if value.is_floating_point() else value
    return tuple(map(_in_float32, value)) if isinstance(value, tuple | list) else value
