"""Train a network with the variance of its errors as the loss, then re-center it: what is common to all of stage 1.

Subclasses say what their rows are and which network reads them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import Callback
from skorch.helper import predefined_split

from sklearn_ftr._callbacks import fit_watched
from sklearn_ftr._documentation_link import LinksDocumentation
from sklearn_ftr._progress import is_watched, watched
from sklearn_ftr._sklearn_private import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    fit_context,
)
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.finetuning._epochs import Enough, Epochs
from sklearn_ftr.finetuning._network import CRITERIA, make_criterion, make_whole_set_loss
from sklearn_ftr.finetuning._rows import Inputs, LabeledRows
from sklearn_ftr.finetuning._skorch_callbacks import BestLosses, ready
from sklearn_ftr.finetuning._stop_training import DivergenceError
from sklearn_ftr.finetuning._torch_state import seeded_torch, suitable_threads, usable_device
from sklearn_ftr.finetuning._trained_network import Array, TrainedNetwork
from sklearn_ftr.finetuning._training import EarlyStopping, TrainingNet
from sklearn_ftr.finetuning._training_rows import Rows, hold_out, weighted_rows

Keep = Callable[["NetworkRegressor"], None]
# Learning rate of the profiled mean error, in units of the network's.
_CENTER_RATE = 10


class NetworkRegressor(
    Versioned, CallbackSupportMixin, LinksDocumentation, RegressorMixin, BaseEstimator
):
    """Base of the regressors that train a network; not to be used by itself."""

    # Of the parameters that all of them have.
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "criterion": [StrOptions(set(CRITERIA)), callable],
        "output_weight": ["array-like", None],
        "optimizer": [callable, None],
        "accumulate_batches": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "random_state": ["random_state"],
        "callbacks": [list, tuple, None],
        "verbose": ["verbose"],
    }

    @abstractmethod
    def _checked_rows(self, X: Any, *, reset: bool) -> Any:
        """Valid rows, which numpy arrays of positions can index."""

    @abstractmethod
    def _checked_rows_and_targets(self, X: Any, y: Any) -> tuple[Any, Array]:
        """Valid rows and targets (n,) or (n, k), at least two."""

    @abstractmethod
    def _make_module(self, rows: Any, n_outputs: int) -> torch.nn.Module:
        """A new network, in the precision it trains in."""

    @abstractmethod
    def _inputs(self, rows: Any, network: TrainedNetwork) -> Inputs:
        """What the network reads, where the network is."""

    @abstractmethod
    def is_pretrained(self, n_outputs: int = 1) -> bool:
        """Whether the untrained network's outputs are predictions, in units of y."""

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : see the class
            n rows.
        y : array-like of shape (n,) or (n, k)
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights. Rows of weight zero are left out; a weight of 2 is a repeated row.

        Returns
        -------
        self
        """
        with fit_watched(self, X, y, n_tasks=1) as fitting:
            keep = self._fit(X, y, sample_weight)
            fitting.learned = lambda: self._learned(keep)
        keep(self)
        return self

    def _fit(self, X: Any, y: Any, sample_weight: ArrayLike | None) -> Keep:
        """Train; what is returned sets the fitted attributes."""
        witness = copy(self)  # X's columns are noted on a copy: this one changes in the last line only
        rows, checked = witness._checked_rows_and_targets(X, y)
        targets = checked.reshape(len(checked), -1).astype(np.float64)
        rows, targets, weight = weighted_rows(rows, targets, sample_weight)
        rng = check_random_state(self.random_state)
        fraction = self.validation_fraction if self.early_stopping else 0.0
        held_out = hold_out(len(targets), fraction, rng)
        with self._seeded(rng):
            network = self._new_network(rows, targets.shape[1])
            inputs = self._inputs(rows, network)
            network = self._standardized(network, inputs, targets, weight)

            def keep() -> Keep:
                recentered, variances = self._recentered(network, inputs, targets, weight)
                told: dict[str, Any] = {"single_output": checked.ndim == 1, "variances": variances}
                return lambda by: by._keep(recentered, witness, **told)

            epochs = Epochs(lambda: self._learned(keep()), X, y) if is_watched() else None
            self._train(network, inputs, targets, weight, held_out, epochs)
        return keep()

    def _learned(self, keep: Keep) -> dict[str, Any]:
        """Attributes of a copy that is fitted."""
        fitted = copy(self)
        keep(fitted)
        return dict(vars(fitted))

    @fit_context(prefer_skip_nested_validation=True)
    def initialize(self, X: Any, y: Any = None) -> Self:
        """Build the network as it is before training, and do not train it: zero-shot prediction.

        Parameters
        ----------
        X : see the class
        y : array-like of shape (n,) or (n, k), default=None
            Only its number of columns is looked at; None means one output.

        Returns
        -------
        self
        """
        witness = copy(self)
        rows = witness._checked_rows(X, reset=True)
        single_output = y is None or np.ndim(y) == 1
        n_outputs = 1 if single_output else np.shape(y)[1]
        self._check_untrained(n_outputs)
        with self._seeded(check_random_state(self.random_state)):
            network = self._new_network(rows, n_outputs)
        found = network.outputs(self._inputs(rows[:1], network)).shape[1]
        if found != n_outputs:
            raise ValueError(f"The module has {found} outputs; expected {n_outputs}, as many as y.")
        self._keep(network, witness, single_output=single_output, variances=None)
        return self

    def predict(self, X: Any) -> Array:
        """Predictions in units of y.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n,) or (n, k)
        """
        check_is_fitted(self, "net_")
        rows = self._checked_rows(X, reset=False)
        with watched(self):
            prediction = self._predictions(rows, self._network)
        return prediction[:, 0] if self._single_output else prediction

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _check_untrained(self, n_outputs: int) -> None:
        """Refuse to predict without training, where that would mean nothing."""

    def _seeded(self, rng: np.random.RandomState) -> AbstractContextManager[None]:
        return seeded_torch(int(rng.randint(np.iinfo(np.int32).max)), self._torch_device())

    def _torch_device(self) -> torch.device:
        return usable_device(self.device, self.dtype, self._torch_dtype())

    def _torch_dtype(self) -> torch.dtype:
        """Precision of the weights that train and of the targets."""
        return getattr(torch, self.dtype)

    def _new_network(self, rows: Any, n_outputs: int) -> TrainedNetwork:
        """The network before training."""
        options = self._training_options(rows)
        criterion = make_criterion(
            self._criterion(), self.output_weight, options["batch_size"], n_outputs
        )
        net = TrainingNet(
            # An instance is safe here: this net lives for one fit and is never cloned.
            self._make_module(rows, n_outputs),
            criterion=criterion.to(self._torch_dtype()),
            whole_set_loss=make_whole_set_loss(criterion, self.output_weight),
            optimizer=torch.optim.AdamW if self.optimizer is None else self.optimizer,
            accumulate_batches=self.accumulate_batches,
            train_split=None,
            device=self.device,
            verbose=0,
            **options,
        ).initialize()
        net.module = type(net.module_)  # or skorch would pickle the instance twice
        return TrainedNetwork(net, np.zeros(n_outputs))

    def _criterion(self) -> Any:
        return self.criterion

    def _training_options(self, rows: Any) -> dict[str, Any]:
        """Arguments of `TrainingNet` for these rows: batches, epochs, rates, decay, schedule."""
        return {
            "batch_size": self.batch_size,
            "lr": self.learning_rate,
            "max_epochs": self.max_epochs,
            "optimizer__weight_decay": self.weight_decay,
            "optimizer__param_groups": self._center_group(self.learning_rate),
        }

    def _center_group(self, learning_rate: float) -> list[tuple[str, dict[str, float]]]:
        """The learnable mean error must keep up with the network and is not to be decayed."""
        if self._criterion() != "profiled_variance":
            return []
        return [("center", {"weight_decay": 0.0, "lr": _CENTER_RATE * learning_rate})]

    def _standardized(
        self, network: TrainedNetwork, inputs: Inputs, y: Array, weight: Array | None
    ) -> TrainedNetwork:
        """Shift and scale of the targets while training, so that a learning rate means the same on every scale."""
        if self.criterion == "mse" or callable(self.criterion):
            return network
        if self.is_pretrained(y.shape[1]):
            errors = y - network.outputs(inputs)
            return replace(network, offset=np.average(errors, axis=0, weights=weight))
        offset = np.average(y, axis=0, weights=weight)
        squares = np.average((y - offset) ** 2, axis=0, weights=weight)
        return replace(network, offset=offset, scale=float(np.sqrt(squares.mean())) or 1.0)

    def _train(
        self,
        network: TrainedNetwork,
        inputs: Inputs,
        y: Array,
        weight: Array | None,
        held_out: tuple[Rows, Rows | None],
        epochs: Epochs | None = None,
    ) -> None:
        targets = (y - network.offset) / network.scale
        training, watched = held_out
        net = network.net
        if watched is not None:
            validation = self._labeled(network, inputs, targets, weight, watched)
            net.train_split = predefined_split(validation)
        net.callbacks_ = self._skorch_callbacks(epochs)
        try:
            with suitable_threads(network.module, net.batch_size):
                net.train(self._labeled(network, inputs, targets, weight, training))
        except DivergenceError as error:
            raise self._diverged(network) from error
        finally:
            if epochs is not None:
                epochs.close()
        net.rest()

    def _skorch_callbacks(self, epochs: Epochs | None) -> list[tuple[str, Callback]]:
        """Those that may end the training come after those that see all of it."""
        callbacks: list[tuple[str, Callback]] = [] if epochs is None else [("epochs", epochs)]
        if self.callbacks:
            callbacks += [("best_losses", BestLosses()), *ready(self.callbacks)]
        if self.early_stopping:
            callbacks.append(("early_stopping", EarlyStopping(self.patience)))
        return callbacks if epochs is None else [*callbacks, ("enough", Enough(epochs))]

    def _labeled(
        self,
        network: TrainedNetwork,
        inputs: Inputs,
        targets: Array,
        weight: Array | None,
        chosen: Rows,
    ) -> LabeledRows:
        columns = [targets] if weight is None else [targets, weight]
        dtype = self._torch_dtype()
        return LabeledRows(
            inputs[chosen], *(network.tensor(column[chosen], dtype) for column in columns)
        )

    def _recentered(
        self, network: TrainedNetwork, inputs: Inputs, y: Array, weight: Array | None
    ) -> tuple[TrainedNetwork, Array]:
        """Errors of mean zero, which the variance loss has not learned, and their variances (k,)."""
        errors = y - network.predictions(inputs)
        if not np.isfinite(errors).all():
            raise self._diverged(network)
        mean = np.average(errors, axis=0, weights=weight)
        variances = np.average((errors - mean) ** 2, axis=0, weights=weight)
        return replace(network, offset=network.offset + mean), variances

    def _diverged(self, network: TrainedNetwork) -> ValueError:
        return ValueError(
            f"Training diverged: after {len(network.net.history)} epochs the network's outputs are not finite. "
            f"Lower learning_rate ({self.learning_rate}) or scale the features."
        )

    def _keep(
        self,
        network: TrainedNetwork,
        witness: NetworkRegressor,
        *,
        single_output: bool,
        variances: Array | None,
    ) -> None:
        """The fitted attributes, all at once: until here a fit that fails or is stopped has changed nothing."""
        for name in ("n_features_in_", "feature_names_in_"):
            if name in vars(witness):
                setattr(self, name, getattr(witness, name))
            elif name in vars(self):
                delattr(self, name)
        self._network, self._single_output = network, single_output
        self.net_, self.offset_, self.scale_ = network.net, network.offset, network.scale
        self.n_epochs_ = len(network.net.history)
        self.history_ = network.history(self.criterion != "mse" and not callable(self.criterion))
        self._keep_or_forget(residual_variance_=self._of_outputs(variances))

    def _of_outputs(self, values: Array | None) -> Any:
        """A number where y was one-dimensional, (k,) where it had columns."""
        return values if values is None or not self._single_output else float(values[0])

    def _keep_or_forget(self, **attributes: Any) -> None:
        """What this fit has learned, and nothing of an earlier one where it is None."""
        for name, value in attributes.items():
            if value is not None:
                setattr(self, name, value)
            elif name in vars(self):
                delattr(self, name)

    def _predictions(self, rows: Any, network: TrainedNetwork) -> Array:
        """Predictions (n, k) for rows that may be too many for one piece."""
        return network.predictions(self._inputs(rows, network))
