"""How a network is trained: a skorch net with batches of equal size and a short inner loop.

skorch keeps modules, criterion, optimizer, devices and callbacks together; what is replaced is the
path of every single batch, which for small networks costs more than the arithmetic.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from math import ceil, isfinite
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import Tensor
from torch.utils.data import TensorDataset

from sklearn_ftr.finetuning._variance_loss import VarianceLoss

Batch = tuple[Tensor, ...]  # features, targets and, if rows are weighted, weights


class EqualBatches:
    """Batches of sizes that differ by one row at most, cut from tensors in memory.

    Every row of an epoch is in exactly one batch, and none is left alone in one, where it would have no
    variance, unless `batch_size` is 1.
    """

    def __init__(self, dataset: TensorDataset, batch_size: int, shuffle: bool) -> None:
        self.tensors = dataset.tensors
        pairs = len(dataset) // 2 if batch_size > 1 else len(dataset)
        self.n_batches = max(1, min(ceil(len(dataset) / batch_size), pairs))
        self.shuffle = shuffle

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[Batch]:
        tensors = self.tensors
        if self.shuffle and len(self) > 1:
            order = torch.randperm(len(tensors[0])).to(tensors[0].device)
            tensors = tuple(tensor[order] for tensor in tensors)
        yield from zip(*(tensor.tensor_split(len(self)) for tensor in tensors), strict=True)


class TrainingNet(NeuralNet):
    """A skorch net for `TensorDataset`s of features, targets and, optionally, weights of the rows.

    Parameters beside skorch's: `accumulate_batches`, over how many batches gradients are averaged
    before a step; `whole_set_loss`, the loss that is reported on a whole data set, since the mean of
    the batches' variances is biased low.
    """

    def __init__(
        self,
        *args: Any,
        accumulate_batches: int = 1,
        whole_set_loss: torch.nn.Module,
        **kwargs: Any,
    ) -> None:
        self.accumulate_batches = accumulate_batches
        self.whole_set_loss = whole_set_loss
        super().__init__(*args, **kwargs)

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        return []  # skorch's print a table and record every batch

    def train(self, dataset: TensorDataset) -> None:
        """What skorch's `fit` does after `initialize`, without its swallowing of Ctrl-C."""
        self.notify("on_train_begin", X=dataset)
        with suppress(StopTraining):
            self.fit_loop(dataset)
        self.notify("on_train_end", X=dataset)

    def get_iterator(self, dataset: TensorDataset, training: bool = False) -> EqualBatches:
        return EqualBatches(dataset, self.batch_size, shuffle=training)

    def batch_loss(self, X: Tensor, y_true: Tensor, *weight: Tensor) -> Tensor:
        """The criterion, of matching shapes only."""
        y_pred = self.module_(X)
        if y_pred.shape != y_true.shape:
            raise ValueError(
                f"The module returned shape {tuple(y_pred.shape)} for targets of shape "
                f"{tuple(y_true.shape)}; expected the same shape. Let it return (n_rows, n_outputs)."
            )
        loss = self.criterion_(y_pred, y_true, *weight)
        if weight and isinstance(self.criterion_, VarianceLoss):
            # The loss divides by the batch's weights; multiplied back (their mean over the training set is
            # one), a row counts by its weight, whatever rows happen to share its batch.
            loss = loss * weight[0].mean() ** self.criterion_.weight_degree
        return loss

    def run_single_epoch(
        self,
        iterator: EqualBatches | None,
        training: bool,
        prefix: str,
        step_fn: Any,
        **fit_params: Any,
    ) -> None:
        """Steps of a training epoch, or the loss of a whole validation set."""
        if iterator is None:
            return
        if not training:
            self.history.record(f"{prefix}_loss", self.loss_of(iterator.tensors))
            return
        self._set_training(True)
        batches = iter(iterator)
        while group := tuple(islice(batches, self.accumulate_batches)):
            self.optimizer_.step(lambda group=group: self._gradient(group))

    def _gradient(self, group: tuple[Batch, ...]) -> Tensor:
        """Mean loss of some batches; its gradient is accumulated one batch at a time."""
        self.optimizer_.zero_grad()
        losses = []
        for batch in group:
            loss = self.batch_loss(*batch) / len(group)
            loss.backward()
            losses.append(loss.detach())
        return torch.stack(losses).sum()

    def loss_of(self, tensors: Batch) -> float:
        """`whole_set_loss` of all rows together."""
        X, y, *weight = tensors
        return float(self.whole_set_loss(self.outputs(X), y, *weight))

    def outputs(self, X: Tensor, block_rows: int = 8192) -> Tensor:
        """Outputs for all rows in evaluation mode, in blocks of bounded memory."""
        self._set_training(False)
        with torch.inference_mode():
            return torch.cat([self.module_(block) for block in X.split(block_rows)])


class StopTraining(Exception):  # noqa: N818 - a signal, like StopIteration
    """Raised by a callback to end training early; skorch's own signal is Ctrl-C's."""


class DivergenceError(Exception):
    """The loss is no number any more."""


class EarlyStopping(Callback):
    """Stop after `patience` epochs without a smaller validation loss; go back to the best weights."""

    def __init__(self, patience: int) -> None:
        self.patience = patience

    def on_train_begin(self, net: TrainingNet, **kwargs: Any) -> None:
        self.best_loss = float("inf")
        self.best_weights = copy.deepcopy(net.module_.state_dict())
        self.epochs_since_best = 0

    def on_epoch_end(self, net: TrainingNet, **kwargs: Any) -> None:
        loss = net.history[-1, "valid_loss"]
        if not isfinite(loss):
            raise DivergenceError
        self.epochs_since_best += 1
        if loss < self.best_loss:
            self.best_loss, self.epochs_since_best = loss, 0
            self.best_weights = copy.deepcopy(net.module_.state_dict())
        if self.epochs_since_best >= self.patience:
            raise StopTraining

    def on_train_end(self, net: TrainingNet, **kwargs: Any) -> None:
        net.module_.load_state_dict(self.best_weights)
        del self.best_weights  # not to be pickled with the net


class Progress(Callback):
    """Print the loss of the whole training set, for about ten epochs or (verbose > 1) for all."""

    def __init__(self, verbose: int) -> None:
        self.verbose = verbose

    def on_epoch_end(self, net: TrainingNet, dataset_train: TensorDataset, **kwargs: Any) -> None:
        epoch = len(net.history)
        every = 1 if self.verbose > 1 else max(1, net.max_epochs // 10)
        if epoch % every and epoch != net.max_epochs:
            return
        line = (
            f"epoch {epoch:>4}/{net.max_epochs}  training loss {net.loss_of(dataset_train.tensors):.6g}"
        )
        row = net.history[-1]
        print(f"{line}  validation loss {row['valid_loss']:.6g}" if "valid_loss" in row else line)
