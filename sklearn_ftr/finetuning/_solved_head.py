"""A linear head without training: ridge regression on the vectors that it would be trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_ftr.finetuning._ridge import Array, fit_ridge
from sklearn_ftr.finetuning._text_network import RegressionHead, TextNetwork
from sklearn_ftr.finetuning._trained_network import Inputs, TrainedNetwork


def solve_head(network: TrainedNetwork, inputs: Inputs, targets: Array, weight: Array | None) -> None:
    """Give the linear head of a text network the weights that minimise variance and penalty.

    Parameters
    ----------
    network : TrainedNetwork
        Its head begins at zero. What a head of the checkpoint's own predicts is subtracted from the targets.
    inputs : FeatureRows or TokenRows
    targets : ndarray of shape (n, k)
        In units of the network's outputs.
    weight : ndarray of shape (n,) or None
        Positive, with mean one.
    """
    head, factor = _head_of(network.module), getattr(network.net.criterion_, "output_factor", None)
    with torch.inference_mode():
        features = _features(network, inputs)
        vectors, own = _as_array(head.vectors(features)), _as_array(head(features))
    solution = fit_ridge(vectors, targets - own, weight, None if factor is None else _as_array(factor))
    head.set_linear(solution.coefficients, solution.intercept)
    head.penalty = solution.penalty


def _head_of(module: Any) -> RegressionHead:
    return module.head if isinstance(module, TextNetwork) else module


def _features(network: TrainedNetwork, inputs: Inputs) -> Tensor:
    """What the head reads (n, n_features), in evaluation mode."""
    module = network.module.eval()
    if not isinstance(module, TextNetwork):
        blocks: list[Any] = [block for _, block in inputs.blocks()]
        return torch.cat(blocks)
    features = torch.empty((len(inputs), module.encoder.n_features), device=network.device)
    for rows, block in inputs.blocks():
        features[rows] = module.encoder(block)
    return features


def _as_array(values: Tensor) -> Array:
    return values.cpu().numpy().astype(np.float64)
