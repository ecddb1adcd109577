"""A network whose outputs are predictions: what training makes and a fitted regressor keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_ftr.finetuning._rows import Inputs
from sklearn_ftr.finetuning._training import TrainingNet

Array = NDArray[np.float64]
# What skorch calls them.
_LOSSES = {"training": "train_loss", "validation": "valid_loss"}


@dataclass(frozen=True)
class TrainedNetwork:
    """A network with the shift and the scale that turn its k outputs into units of y.

    Attributes
    ----------
    net : TrainingNet
    offset : ndarray of shape (k,)
    scale : float
    """

    net: TrainingNet
    offset: Array
    scale: float = 1.0

    @property
    def module(self) -> torch.nn.Module:
        """The torch module."""
        return self.net.module_

    @property
    def device(self) -> torch.device:
        """Where the module is now, which after unpickling elsewhere need not be where it was trained."""
        return next(self.module.parameters(), torch.empty(0)).device

    def outputs(self, inputs: Inputs) -> Array:
        """Outputs (n, k) in evaluation mode."""
        outputs = self.net.outputs(inputs).cpu().numpy().astype(np.float64)
        return outputs.reshape(len(inputs), -1)

    def predictions(self, inputs: Inputs) -> Array:
        """Predictions (n, k) in units of y."""
        return self.offset + self.scale * self.outputs(inputs)

    def history(self, is_variance: bool) -> dict[str, NDArray[Any]]:
        """Losses epoch by epoch; with `is_variance` they are variances of the errors, and told in units of y squared as well. What callbacks have recorded of every epoch comes after them."""
        rows = list(self.net.history)
        told: dict[str, NDArray[Any]] = {"epoch": np.arange(1, len(rows) + 1)}
        for name, key in _LOSSES.items():
            if key == "train_loss" or any(key in row for row in rows):
                losses = np.array([row[key] for row in rows], dtype=float)
                told[f"{name}_loss"] = losses
                if is_variance:
                    told[f"{name}_variance"] = self.scale**2 * losses
        others = {name for row in rows for name in row} - {"epoch", "batches", *_LOSSES.values()}
        # The callback that ends a training may come before another one.
        return told | {
            name: np.array([row.get(name, np.nan) for row in rows]) for name in sorted(others)
        }

    def tensor(self, values: NDArray[np.floating], dtype: torch.dtype) -> torch.Tensor:
        """The values where the module is."""
        writable = np.require(values, requirements="W")  # torch warns of read-only memory
        return torch.as_tensor(writable, dtype=dtype, device=self.device)
