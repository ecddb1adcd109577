"""How a network is trained: a skorch net with batches of equal size and a short inner loop.

skorch keeps modules, criterion, optimizer, devices and callbacks together; what is replaced is the
path of every single batch, which for small networks costs more than the arithmetic.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from math import ceil, isfinite
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import Tensor

from sklearn_ftr.finetuning._rows import (
    Batch,
    EqualBatches,
    Inputs,
    LabeledRows,
    n_batches,
)
from sklearn_ftr.finetuning._skorch_callbacks import listens, was_raised_by_a_callback
from sklearn_ftr.finetuning._stop_training import DivergenceError, StopTraining
from sklearn_ftr.finetuning._variance_loss import VarianceLoss


class TrainingNet(NeuralNet):
    """A skorch net for `LabeledRows`.

    Parameters beside skorch's: `accumulate_batches`, over how many batches gradients are averaged
    before a step; `whole_set_loss`, the loss that is reported on a whole data set, since the mean of
    the batches' variances is biased low; `warmup`, the share of all steps in which the learning rate rises
    from zero, before it falls to zero again (None: it stays); `max_gradient_norm`, to which longer
    gradients of the module are cut.
    """

    def __init__(
        self,
        *args: Any,
        accumulate_batches: int = 1,
        whole_set_loss: torch.nn.Module,
        warmup: float | None = None,
        max_gradient_norm: float | None = None,
        **kwargs: Any,
    ) -> None:
        self.accumulate_batches = accumulate_batches
        self.whole_set_loss = whole_set_loss
        self.warmup = warmup
        self.max_gradient_norm = max_gradient_norm
        super().__init__(*args, **kwargs)

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        return []  # skorch's print a table and record every batch

    def train(self, rows: LabeledRows) -> None:
        """What skorch's `fit` does after `initialize`, without its swallowing of Ctrl-C."""
        self._schedule = self._learning_rates(rows)
        self._tells_batches = listens(self.callbacks_, "on_batch_begin", "on_batch_end")
        self._tells_gradients = listens(self.callbacks_, "on_grad_computed")
        self.notify("on_train_begin", X=rows, y=None)
        try:
            with suppress(StopTraining):
                self.fit_loop(rows)
        except KeyboardInterrupt as error:
            if not was_raised_by_a_callback(error):
                raise
        finally:
            self._schedule = None  # not to be pickled, even after Ctrl-C
        self.notify("on_train_end", X=rows, y=None)

    def rest(self) -> None:
        """Drop what only training needs: it is not to be pickled."""
        self.train_split = None
        self.callbacks_: list[Any] = []
        self.optimizer_: Any = None

    def _learning_rates(self, rows: LabeledRows) -> torch.optim.lr_scheduler.LambdaLR | None:
        """Linear warm-up, then linear decay to zero after `max_epochs`."""
        if self.warmup is None:
            return None
        steps = self.max_epochs * ceil(n_batches(len(rows), self.batch_size) / self.accumulate_batches)
        rising = ceil(self.warmup * steps)

        def factor(step: int) -> float:
            return min((step + 1) / (rising + 1), (steps - step) / max(steps - rising, 1))

        return torch.optim.lr_scheduler.LambdaLR(self.optimizer_, factor)

    def get_iterator(self, dataset: LabeledRows, training: bool = False) -> EqualBatches:
        return EqualBatches(dataset, self.batch_size, shuffle=training)

    def batch_loss(self, y_pred: Tensor, y_true: Tensor, *weight: Tensor) -> Tensor:
        """The criterion, of matching shapes only."""
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
            self._validate(iterator.rows)
            return
        self._set_training(True)
        batches = iter(iterator)
        losses: list[Tensor] = []
        made: list[dict[str, Any]] = []
        while group := tuple(islice(batches, self.accumulate_batches)):
            if self._tells_batches:
                self.notify("on_batch_begin", batch=group[0][:2], training=True)
            self.optimizer_.step(lambda group=group: self._gradient(group, losses, made))
            for k, told in enumerate(made):
                self._tell_batch(group[k], begin=k > 0, **told)
            if self._schedule is not None:
                self._schedule.step()
        # Read once an epoch: an accelerator is not to wait for each batch.
        self.history.record(f"{prefix}_loss", float(torch.stack(losses).mean()))

    def _gradient(
        self, group: tuple[Batch, ...], seen: list[Tensor], made: list[dict[str, Any]]
    ) -> Tensor:
        """Mean loss of some batches, noted in `seen`; its gradient is accumulated one batch at a time. Callbacks of batches find what was `made`."""
        self.optimizer_.zero_grad()
        losses: list[Tensor] = []
        made.clear()
        for X, *columns in group:
            y_pred = self.module_(X)
            loss = self.batch_loss(y_pred, *columns) / len(group)
            loss.backward()
            losses.append(loss.detach())
            if self._tells_batches:
                made.append({"loss": losses[-1] * len(group), "y_pred": y_pred.detach()})
        total = torch.stack(losses).sum()
        seen.append(total)
        if self._tells_gradients:
            named = list(self.module_.named_parameters())
            self.notify("on_grad_computed", named_parameters=named, batch=group[-1][:2], training=True)
        if self.max_gradient_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.module_.parameters(), self.max_gradient_norm)
        return total

    def _validate(self, rows: LabeledRows) -> None:
        """`whole_set_loss` of all rows together; callbacks see one batch."""
        y_pred = self.outputs(rows.inputs)
        loss = self.whole_set_loss(y_pred, *rows.columns)
        self.history.record("valid_loss", float(loss))
        if self._tells_batches:
            batch = (rows.inputs, *rows.columns)
            self._tell_batch(batch, training=False, loss=loss, y_pred=y_pred)

    def _tell_batch(
        self, batch: Batch, *, training: bool = True, begin: bool = True, **made: Tensor
    ) -> None:
        """As skorch does, without weights."""
        told: dict[str, Any] = {"batch": batch[:2], "training": training}
        if begin:
            self.notify("on_batch_begin", **told)
        prefix = "train" if training else "valid"
        self.history.record_batch(f"{prefix}_loss", float(made["loss"]))
        self.history.record_batch(f"{prefix}_batch_size", len(batch[1]))
        self.notify("on_batch_end", **told, **made)

    def outputs(self, inputs: Inputs) -> Tensor:
        """Outputs (n, k) for all rows in evaluation mode, in blocks of bounded memory."""
        self._set_training(False)
        with torch.inference_mode():
            blocks = [(rows, self.module_(X)) for rows, X in inputs.blocks()]
            outputs = blocks[0][1].new_empty((len(inputs), *blocks[0][1].shape[1:]))
            for rows, block in blocks:
                outputs[rows] = block
        return outputs


def trainable_state(module: torch.nn.Module) -> dict[str, Tensor]:
    """A copy of the module's state without the parameters that are frozen."""
    frozen = {name for name, parameter in module.named_parameters() if not parameter.requires_grad}
    return {name: value.clone() for name, value in module.state_dict().items() if name not in frozen}


class EarlyStopping(Callback):
    """Stop after `patience` epochs without a smaller validation loss; go back to the best weights."""

    def __init__(self, patience: int) -> None:
        self.patience = patience

    def on_train_begin(self, net: TrainingNet, **kwargs: Any) -> None:
        self.best_loss = float("inf")
        self.best_weights = trainable_state(net.module_)
        self.epochs_since_best = 0

    def on_epoch_end(self, net: TrainingNet, **kwargs: Any) -> None:
        loss = net.history[-1, "valid_loss"]
        if not isfinite(loss):
            raise DivergenceError
        self.epochs_since_best += 1
        if loss < self.best_loss:
            self.best_loss, self.epochs_since_best = loss, 0
            self.best_weights = trainable_state(net.module_)
        if self.epochs_since_best >= self.patience:
            raise StopTraining

    def on_train_end(self, net: TrainingNet, **kwargs: Any) -> None:
        net.module_.load_state_dict(self.best_weights, strict=False)
        del self.best_weights  # not to be pickled with the net
