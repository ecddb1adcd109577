"""Low-rank updates (LoRA; Hu et al. 2022, arXiv 2106.09685) beside the linear layers of a language model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_ftr.finetuning._rows import Tokens


def add_adapters(encoder: Any, rank: int) -> None:
    """Freeze the encoder and put updates of rank `rank`, in float32, beside every linear layer of its language model.

    Layers are found by what they are, not by names, so that every architecture has some. Left out are the embeddings, a
    head that predicts words and what is no linear layer: experts that share one tensor, convolutions.

    Raises
    ------
    ValueError
        No vector of a text depends on any of these layers.
    """
    from peft import LoraConfig, inject_adapter_in_model

    encoder.requires_grad_(False)
    names = [f"model.{name}" for name in linear_layers(encoder.model)]
    if not names:
        raise _nothing_to_adapt(encoder)
    settings = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=names)
    with warnings.catch_warnings():
        # GPT-2's layers are stored transposed; peft says that it has noticed.
        warnings.filterwarnings("ignore", message=".*fan_in_fan_out")
        # Under a module without configuration, where peft does not put other layers in the place of those named.
        inject_adapter_in_model(settings, nn.ModuleDict({"model": encoder.model}))
    for parameter in _trainable(encoder):
        parameter.data = parameter.data.float()
    if not _some_decide(encoder):
        raise _nothing_to_adapt(encoder)


def linear_layers(model: Any) -> Iterator[str]:
    """Names of layers that compute what a linear layer computes, and are called to do so."""
    from transformers.pytorch_utils import Conv1D

    predicts_words = model.get_output_embeddings()
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | Conv1D) and module is not predicts_words:
            path, _, own = name.rpartition(".")
            if not _is_bypassed(model.get_submodule(path), own):
                yield name


def _is_bypassed(parent: nn.Module, name: str) -> bool:
    """Whether the parent computes with the layer's weights, on accelerators at least, where an update beside it is not seen."""
    kind = type(parent).__name__
    state_space = "Mamba" in kind or kind.endswith("Mixer")
    return (state_space and name != "in_proj") or isinstance(parent, nn.MultiheadAttention)


def _trainable(module: nn.Module) -> list[Tensor]:
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def _some_decide(encoder: Any) -> bool:
    """Whether the features of a text depend on some update."""
    one_piece = torch.zeros((1, 1), dtype=torch.long)
    features = encoder(Tokens(one_piece, torch.ones_like(one_piece)))
    if not features.requires_grad:
        return False
    slopes = torch.autograd.grad(features.sum(), _trainable(encoder), allow_unused=True)
    return any(slope is not None for slope in slopes)


def _nothing_to_adapt(encoder: Any) -> ValueError:
    source = encoder.checkpoint.source
    return ValueError(
        f"model={source.name!r} ({type(encoder.model).__name__}) has no linear layers that the vectors of texts depend on, beside "
        'which method="lora" puts its updates; expected at least one. Use method="head" or "full".'
    )
