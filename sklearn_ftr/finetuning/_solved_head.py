"""A linear head without training: ridge regression on the vectors that it would be trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_ftr.finetuning._ridge import Array, Ridge
from sklearn_ftr.finetuning._ridge_of_blocks import fit_ridge_of_blocks
from sklearn_ftr.finetuning._rows import Inputs
from sklearn_ftr.finetuning._text_network import RegressionHead, TextNetwork
from sklearn_ftr.finetuning._trained_network import TrainedNetwork


def solve_head(network: TrainedNetwork, inputs: Inputs, targets: Array, weight: Array | None) -> None:
    """Give the linear head of a text network the weights that minimise variance and penalty.

    Parameters
    ----------
    network : TrainedNetwork
        Its head begins at zero. What a head of the checkpoint's own predicts is subtracted from the targets.
    inputs : FeatureRows, TokenRows or ColumnRows
    targets : ndarray of shape (n, k)
        In units of the network's outputs.
    weight : ndarray of shape (n,) or None
        Positive, with mean one.
    """
    head = head_of(network.module)
    solution = _solution(head, network, inputs, targets, weight)
    head.set_linear(solution.coefficients, solution.intercept)
    if head.columns is not None:
        head.set_columns(solution.coefficients)
    head.penalty = solution.penalty


def solve_columns(
    network: TrainedNetwork, inputs: Inputs, targets: Array, weight: Array | None
) -> None:
    """Give the columns beside the texts the weights that they have beside vectors as they are: where training begins.

    Parameters
    ----------
    network, inputs, targets, weight : as for `solve_head`
        With columns. The weights of the vectors stay at zero.
    """
    head = head_of(network.module)
    head.set_columns(_solution(head, network, inputs, targets, weight).coefficients)


def _solution(
    head: RegressionHead,
    network: TrainedNetwork,
    inputs: Inputs,
    targets: Array,
    weight: Array | None,
) -> Ridge:
    factor = getattr(network.net.criterion_, "output_factor", None)
    with torch.inference_mode():
        features = _features(network, inputs)
        blocks, own = [_as_array(block) for block in head.blocks(features)], _as_array(head(features))
    factor = None if factor is None else _as_array(factor)
    return fit_ridge_of_blocks(blocks, targets - own, weight, factor)


def head_of(module: Any) -> RegressionHead:
    """The head, which may be all of the module."""
    return module.head if isinstance(module, TextNetwork) else module


def _features(network: TrainedNetwork, inputs: Inputs) -> Tensor:
    """What the head reads (n, n_features), in evaluation mode."""
    module = network.module.eval()
    if not isinstance(module, TextNetwork):
        blocks: list[Any] = [block for _, block in inputs.blocks()]
        return torch.cat(blocks)
    parts = [(rows, module.features(block)) for rows, block in inputs.blocks()]
    features = parts[0][1].new_empty((len(inputs), parts[0][1].shape[1]))
    for rows, part in parts:
        features[rows] = part
    return features


def _as_array(values: Tensor) -> Array:
    return values.cpu().numpy().astype(np.float64)
