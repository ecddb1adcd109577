"""Tells whoever watches how far a training is, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from skorch.callbacks import Callback

from sklearn_ftr._progress import Task, counted
from sklearn_ftr.finetuning._stop_training import StopTraining

_LOSSES = {"train_loss": "loss", "valid_loss": "validation loss"}


class Epochs(Callback):
    """Counts epochs, with their losses.

    Parameters
    ----------
    fitted : callable
        Gives attributes that make a fitted regressor of one that is in training; asked by callbacks that score it.
    X, y
        What they score it on.
    """

    def __init__(self, fitted: Callable[[], dict[str, Any]], X: Any, y: Any) -> None:
        self.fitted, self.X, self.y = fitted, X, y
        self.task: Task | None = None
        self.has_enough = False

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        self.task = counted("training", net.max_epochs, "epochs", n_parts=net.max_epochs, part="epoch")

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        assert self.task is not None
        self.part = self.task.part(len(net.history) - 1)
        if self.part is not None:
            self.part.begin()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        assert self.task is not None
        row = net.history[-1]
        told = (f"{name} {row[key]:.4g}" for key, name in _LOSSES.items() if key in row)
        self.task.advance(remark=", ".join(told))
        if self.part is not None:
            self.has_enough = self.part.end(self.fitted, X=self.X, y=self.y)

    def close(self) -> None:
        """However the training has ended."""
        if self.task is not None:
            self.task.close()


class Enough(Callback):
    """Ends the training after an epoch that all callbacks have seen, if one that watches it asks for that."""

    def __init__(self, epochs: Epochs) -> None:
        self.epochs = epochs

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        if self.epochs.has_enough:
            raise StopTraining
