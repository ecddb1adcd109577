"""What all language models have in common when they read a batch of texts: precision, and what is padded beside a text."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from sklearn_ftr.finetuning._rows import Tokens, block_tokens, length_buckets

# A text and what is padded beside it, to see whether that is read: word pieces of which every vocabulary has as many.
_TEXT, _PADDED = 4, 12


class TextReader(nn.Module):
    """Texts to features (B, d) that do not depend on the texts beside them.

    Most models leave out what is padded. Those that read it (convolutions over all positions, Fourier transforms, heads that take the
    last position) are given the texts of each length by themselves.

    Attributes
    ----------
    precision : torch.dtype
        Of the arithmetic.
    reads_padding : bool
        Whether the model's answer for a text depends on what is padded beside it.
    """

    precision: torch.dtype
    reads_padding = False

    @abstractmethod
    def read(self, tokens: Tokens) -> Tensor:
        """Features (B, d) in float32 of padded texts, all in one batch."""

    def forward(self, tokens: Tokens) -> Tensor:
        """Features (B, d) in float32.

        A batch of training is a random sample: where that pads less, short texts are read apart from long ones.
        """
        if self.reads_padding:
            return read_in_parts(self.read, tokens, _by_length(tokens))
        if self.training:
            return read_in_parts(self.read, tokens, _by_similar_length(tokens))
        return self.read(tokens)

    def autocast(self, tokens: Tokens) -> torch.autocast:
        """The context in which the language model computes."""
        low = self.precision != torch.float32
        kind = tokens.input_ids.device.type
        return torch.autocast(kind, dtype=self.precision if low else None, enabled=low)

    def look_for_padding(self, padding: int) -> None:
        """Find out whether the model reads what is padded, beyond rounding."""
        pieces = torch.tensor([[piece for piece in range(_TEXT + 1) if piece != padding][:_TEXT]])
        beside = torch.full((1, _PADDED), padding)
        here, away = torch.ones_like(pieces), torch.zeros_like(beside)
        with torch.inference_mode():
            alone = self.read(Tokens(pieces, here))
            padded = self.read(Tokens(torch.cat([pieces, beside], 1), torch.cat([here, away], 1)))
        rounding = torch.finfo(self.precision).eps ** 0.5
        self.reads_padding = bool((padded - alone).norm() > rounding * alone.norm())


def read_in_parts(read: Callable[[Tokens], Tensor], tokens: Tokens, parts: Sequence[Tensor]) -> Tensor:
    """Features (B, d) of texts that are read part by part, each padded no further than its longest.

    `parts` has positions of texts, all of them together each once.
    """
    if len(parts) == 1:
        return read(tokens)
    features = torch.cat([read(_cut(tokens, rows)) for rows in parts])
    return features[torch.argsort(torch.cat(list(parts)))]


def _by_length(tokens: Tokens) -> list[Tensor]:
    lengths = tokens.attention_mask.sum(dim=1)
    return [torch.nonzero(lengths == length)[:, 0] for length in lengths.unique()]


def _by_similar_length(tokens: Tokens) -> list[Tensor]:
    lengths = tokens.attention_mask.sum(dim=1).cpu().numpy()
    device = tokens.input_ids.device
    return [
        torch.as_tensor(rows, device=device) for rows in length_buckets(lengths, *block_tokens(device))
    ]


def _cut(tokens: Tokens, rows: Tensor) -> Tokens:
    mask = tokens.attention_mask[rows]
    width = int(mask.sum(dim=1).max())
    return Tokens(tokens.input_ids[rows, :width], mask[:, :width])
