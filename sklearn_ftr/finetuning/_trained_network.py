"""A network whose outputs are predictions: what training makes and a fitted regressor keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_ftr.finetuning._rows import FeatureRows, TokenRows
from sklearn_ftr.finetuning._training import TrainingNet

Array = NDArray[np.float64]
Inputs = FeatureRows | TokenRows


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

    def tensor(self, values: NDArray[np.floating], dtype: torch.dtype) -> torch.Tensor:
        """The values where the module is."""
        writable = np.require(values, requirements="W")  # torch warns of read-only memory
        return torch.as_tensor(writable, dtype=dtype, device=self.device)
