"""What is trained on texts: a head on a language model's vectors, adapters inside the model, or all of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sklearn_ftr.finetuning._adapters import add_adapters
from sklearn_ftr.finetuning._mlp import MLP
from sklearn_ftr.finetuning._rows import Tokens
from sklearn_ftr.finetuning._sentence_encoder import SentenceEncoder
from sklearn_ftr.finetuning._text_encoder import TextEncoder
from sklearn_ftr.finetuning._text_model import Checkpoint, Source
from sklearn_ftr.finetuning._torch_state import seeded_torch
from sklearn_ftr.finetuning._training import trainable_state

Array = NDArray[np.float64]
METHODS = ("head", "lora", "full")
Encoder = TextEncoder | SentenceEncoder


def make_encoder(checkpoint: Checkpoint, precision: torch.dtype, *, frozen: bool) -> Encoder:
    """The checkpoint's language model, read as it was saved to be read; weights that stay frozen are held in `precision`."""
    layout = checkpoint.source.sentence_format
    weights = precision if frozen else torch.float32
    # Weights are drawn before those of the files take their place: the random state of whoever trains is not to
    # depend on whether a model was loaded or known already.
    with seeded_torch(0):
        if layout is None:
            return TextEncoder(checkpoint, precision, weights)
        return SentenceEncoder(checkpoint, layout, precision, weights)


class RegressionHead(nn.Module):
    """Features to predictions: the checkpoint's own outputs, if any, plus a network that starts at zero.

    `penalty` (k,) is that of ridge regression where the head was solved; None where it was trained.
    """

    def __init__(
        self, n_features: int, n_own: int, n_outputs: int, hidden_layer_sizes: Sequence[int]
    ) -> None:
        super().__init__()
        self.n_own = n_own
        self.penalty: Array | None = None
        # Pooled vectors come on every scale, of length one for example; a learning rate is to mean the same for
        # all, so that what keeps the norm from dividing by zero is far below their variance.
        self.norm = nn.LayerNorm(n_features - n_own, eps=1e-12, elementwise_affine=False)
        self.network = MLP(n_features - n_own, n_outputs, hidden_layer_sizes)
        last: Any = self.network.layers[-1]
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Predictions (B, n_outputs)."""
        predictions = self.network(self.vectors(features))
        return predictions + features[:, -self.n_own :] if self.n_own else predictions

    def vectors(self, features: Tensor) -> Tensor:
        """What the network reads (B, d): pooled vectors with mean zero and mean square one."""
        return self.norm(features[:, : features.shape[1] - self.n_own])

    def set_linear(self, coefficients: Array, intercept: Array) -> None:
        """Weights (k, d) and bias (k,) of a network without hidden layers."""
        layer: Any = self.network.layers[-1]
        with torch.no_grad():
            layer.weight.copy_(torch.as_tensor(coefficients))
            layer.bias.copy_(torch.as_tensor(intercept))


class VectorHead(RegressionHead):
    """A head that is trained alone, on the vectors of a frozen checkpoint; knows which weights made them."""

    def __init__(self, checkpoint: Checkpoint, fingerprint: str, n_features: int, *sizes: Any) -> None:
        super().__init__(n_features, checkpoint.n_own, *sizes)
        self.checkpoint = checkpoint
        self.fingerprint = fingerprint


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
    gradient_checkpointing : bool
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        method: str,
        lora_rank: int,
        hidden_layer_sizes: tuple[int, ...],
        n_outputs: int,
        precision: torch.dtype,
        gradient_checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.recipe = (
            checkpoint,
            method,
            lora_rank,
            hidden_layer_sizes,
            n_outputs,
            precision,
            gradient_checkpointing,
        )
        self.encoder = make_encoder(checkpoint, precision, frozen=method == "lora")
        if method == "lora":
            add_adapters(self.encoder, lora_rank)
        if gradient_checkpointing:
            _compute_twice(self.encoder)
        self.head = RegressionHead(
            self.encoder.n_features, self.encoder.n_own, n_outputs, hidden_layer_sizes
        )

    def forward(self, tokens: Tokens) -> Tensor:
        """Predictions (B, n_outputs)."""
        return self.head(self.encoder(tokens))

    def __reduce__(self) -> Any:
        state = {name: value.cpu() for name, value in trainable_state(self).items()}
        device = next(self.parameters()).device
        return _rebuilt, (self.recipe, state, frozen_fingerprint(self, self.encoder), device)

    def __deepcopy__(self, memo: dict[int, Any]) -> TextNetwork:
        function, arguments = self.__reduce__()
        return function(*arguments)


def _compute_twice(encoder: Encoder) -> None:
    """Training computes what is within a layer again for its gradient, instead of keeping it (gradient checkpointing)."""
    model = encoder.model
    if not model.supports_gradient_checkpointing:
        raise ValueError(
            f"model={encoder.checkpoint.source.name!r} ({type(model).__name__}) has no gradient checkpointing; "
            "set gradient_checkpointing=False, and a smaller batch_size with accumulate_batches to save memory."
        )
    older = getattr(model, "gradient_checkpointing_enable", None)
    enable: Any = getattr(model, "activation_checkpointing_enable", older)
    # Not reentrant: the first layer's input has no gradient where the embeddings are frozen.
    enable({"use_reentrant": False})


def _rebuilt(
    recipe: Any, state: dict[str, Tensor], fingerprint: str, device: torch.device
) -> TextNetwork:
    """The network that was pickled: its frozen weights come from the source, where they have stayed."""
    network = TextNetwork(*recipe)
    check_fingerprint(frozen_fingerprint(network, network.encoder), fingerprint, recipe[0].source)
    network.load_state_dict(state, strict=False)
    with suppress(RuntimeError, AssertionError):  # an accelerator that this machine does not have
        network = network.to(device)
    return network.eval()


def frozen_fingerprint(module: nn.Module, encoder: Encoder) -> str:
    """A digest of some numbers of each frozen parameter, and of how texts are read: others, another fingerprint."""
    digest = blake2b(encoder.reading().encode(), digest_size=16)
    for name, parameter in sorted(module.named_parameters()):
        if not parameter.requires_grad:
            values = parameter.detach().reshape(-1)
            sample = values[:: max(1, len(values) // 64)].float().cpu().numpy()
            digest.update(f"{name}{tuple(parameter.shape)}".encode() + sample.tobytes())
    return digest.hexdigest()


def check_fingerprint(found: str, expected: str, source: Source, fitted: str = "regressor") -> None:
    """Refuse to go on with other frozen weights than those that `fitted` was fitted with."""
    if found != expected:
        raise ValueError(
            f"model={source.name!r} has changed since this {fitted} was fitted: the frozen weights and the way in which "
            f"texts are read have the fingerprint {found}; expected {expected}. Fit again, or restore the model; on the hub, name a revision."
        )
