"""The default network: a small multilayer perceptron."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn


class MLP(nn.Module):
    """Fully connected ReLU network, linear at the end.

    Parameters
    ----------
    n_features, n_outputs : int
        Widths of the first and last layer; `VarianceRegressor` fills them in from the data.
    hidden_layer_sizes : sequence of int, default=(64,)
        Widths of the hidden layers; () is a linear model.
    dropout : float, default=0.0
        Probability of dropping a hidden unit in training.
    """

    def __init__(
        self,
        n_features: int,
        n_outputs: int = 1,
        hidden_layer_sizes: Sequence[int] = (64,),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        widths = [n_features, *hidden_layer_sizes]
        hidden = [
            layer
            for inward, outward in pairwise(widths)
            for layer in (nn.Linear(inward, outward), nn.ReLU(), nn.Dropout(dropout))
        ]
        self.layers = nn.Sequential(*hidden, nn.Linear(widths[-1], n_outputs))

    def forward(self, X: Tensor) -> Tensor:
        """Outputs of shape (B, n_outputs) for features of shape (B, n_features)."""
        return self.layers(X)
