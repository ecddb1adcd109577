"""What the user asked for, made: the module with its weights, and the training criterion."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from sklearn_ftr.finetuning._mlp import MLP
from sklearn_ftr.finetuning._variance_loss import SquaredErrorLoss, VarianceLoss

CRITERIA = ("variance", "profiled_variance", "centered_mse", "mse")


def make_module(
    module: Any, kwargs: dict[str, Any] | None, weights: Any, n_features: int, n_outputs: int
) -> torch.nn.Module:
    """A new module of the class `module` (default: MLP), with pretrained weights if there are some."""
    make = MLP if module is None else module
    if isinstance(make, torch.nn.Module):
        raise TypeError(
            f"module is an instance of {type(make).__name__}; expected its class, with arguments in "
            "module_kwargs and trained weights in weights: an instance would carry what one fold learned "
            "into the next."
        )
    sizes = {"n_features": n_features, "n_outputs": n_outputs}
    accepted = inspect.signature(make).parameters
    made = make(**{name: sizes[name] for name in sizes if name in accepted} | (kwargs or {}))
    if weights is not None:
        _load_weights(made, weights)
    return made


def _load_weights(module: torch.nn.Module, weights: Any) -> None:
    state = weights() if callable(weights) else weights
    if isinstance(state, str | Path):
        state = torch.load(state, map_location="cpu", weights_only=True)
    try:
        module.load_state_dict(state)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"weights do not fit {type(module).__name__}; expected its state dict. torch says: {error}"
        ) from error


def make_criterion(
    criterion: Any, output_weight: ArrayLike | None, batch_size: int, n_outputs: int
) -> torch.nn.Module:
    """The loss of a batch."""
    if isinstance(criterion, torch.nn.Module):
        raise TypeError(
            f"criterion is an instance of {type(criterion).__name__}; expected its class or a function that "
            "makes one."
        )
    if callable(criterion):
        return criterion()
    if output_weight is not None and len(np.asarray(output_weight)) != n_outputs:
        raise ValueError(
            f"output_weight has {len(np.asarray(output_weight))} rows for {n_outputs} outputs; expected one "
            "for each output."
        )
    if criterion == "variance":
        if batch_size == 1:
            raise ValueError(
                "batch_size=1 leaves no variance within a batch; use larger batches or "
                'criterion="profiled_variance".'
            )
        # Batches have equal sizes, so that the correction would be a constant factor; without it a weight
        # of 2 is exactly a repeated row.
        return VarianceLoss(output_weight, correction=0)
    if criterion == "profiled_variance":
        return VarianceLoss(output_weight, profiled=True, n_outputs=n_outputs)
    return SquaredErrorLoss(output_weight)


def make_whole_set_loss(criterion: torch.nn.Module, output_weight: ArrayLike | None) -> torch.nn.Module:
    """The loss of all rows together, for which a profiled mean error is not needed."""
    if getattr(criterion, "profiled", False):
        return VarianceLoss(output_weight, correction=0)
    return criterion
