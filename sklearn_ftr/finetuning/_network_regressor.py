"""Train a network with the variance of its errors as the loss, then re-center it: what is common to all of stage 1.

Subclasses say what their rows are and which network reads them.
"""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from skorch.helper import predefined_split

from sklearn_ftr._sklearn_private import (
    Interval,
    StrOptions,
    check_sample_weight,
    fit_context,
    num_samples,
)
from sklearn_ftr.finetuning._network import CRITERIA, make_criterion, make_whole_set_loss
from sklearn_ftr.finetuning._rows import FeatureRows, LabeledRows, TokenRows
from sklearn_ftr.finetuning._torch_state import seeded_torch, suitable_threads
from sklearn_ftr.finetuning._training import DivergenceError, EarlyStopping, Progress, TrainingNet

Array = NDArray[np.float64]
Rows = NDArray[np.intp]
Inputs = FeatureRows | TokenRows
# Learning rate of the profiled mean error, in units of the network's.
_CENTER_RATE = 10


class NetworkRegressor(RegressorMixin, BaseEstimator):
    """Base of the regressors that train a network; not to be used by itself."""

    # Of the parameters that all of them have.
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "criterion": [StrOptions(set(CRITERIA)), callable],
        "output_weight": ["array-like", None],
        "optimizer": [callable, None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "accumulate_batches": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "random_state": ["random_state"],
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
    def _inputs(self, rows: Any) -> Inputs:
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
        rows, y = self._checked_rows_and_targets(X, y)
        self._single_output = y.ndim == 1
        rows, y, weight = self._weighted_rows(
            rows, y.reshape(len(y), -1).astype(np.float64), sample_weight
        )
        rng = check_random_state(self.random_state)
        held_out = self._hold_out(len(y), rng)
        with self._seeded(rng):
            self._initialize_net(rows, y.shape[1])
            inputs = self._inputs(rows)
            self._standardize(inputs, y, weight)
            self._train(inputs, (y - self.offset_) / self.scale_, weight, held_out)
        self._recenter(inputs, y, weight)
        return self

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
        rows = self._checked_rows(X, reset=True)
        self._single_output = y is None or np.ndim(y) == 1
        n_outputs = 1 if self._single_output else np.shape(y)[1]
        self._check_untrained(n_outputs)
        with self._seeded(check_random_state(self.random_state)):
            self._initialize_net(rows, n_outputs)
        self.offset_, self.scale_, self.n_epochs_ = np.zeros(n_outputs), 1.0, 0
        found = self._outputs(self._inputs(rows[:1])).shape[1]
        if found != n_outputs:
            raise ValueError(f"The module has {found} outputs; expected {n_outputs}, as many as y.")
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
        prediction = self.offset_ + self.scale_ * self._all_outputs(rows)
        return prediction[:, 0] if self._single_output else prediction

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _check_untrained(self, n_outputs: int) -> None:
        """Refuse to predict without training, where that would mean nothing."""

    def _weighted_rows(
        self, rows: Any, y: Array, sample_weight: ArrayLike | None
    ) -> tuple[Any, Array, Array | None]:
        """Rows of positive weight; at least two, since one error has no variance."""
        if sample_weight is None:
            return rows, y, None
        weight = check_sample_weight(sample_weight, y, dtype=np.float64, ensure_non_negative=True)
        kept = np.flatnonzero(weight > 0)
        if len(kept) < 2:
            raise ValueError(
                f"sample_weight is zero for all but {len(kept)} of {len(weight)} rows; expected at "
                "least 2 rows of positive weight."
            )
        return rows[kept], y[kept], weight[kept] / weight[kept].mean()

    def _hold_out(self, n: int, rng: np.random.RandomState) -> tuple[Rows, Rows | None]:
        """Rows that train and rows that early stopping watches."""
        if not self.early_stopping:
            return np.arange(n), None
        n_validation = max(2, round(self.validation_fraction * n))
        if n - n_validation < 2:
            raise ValueError(
                f"Early stopping would hold out {n_validation} of {n} rows; expected at least 2 left "
                "for training. Lower validation_fraction or set early_stopping=False."
            )
        order = rng.permutation(n)
        return order[n_validation:], order[:n_validation]

    def _seeded(self, rng: np.random.RandomState) -> AbstractContextManager[None]:
        return seeded_torch(int(rng.randint(np.iinfo(np.int32).max)), self._torch_device())

    def _torch_device(self) -> torch.device:
        try:
            device = torch.device(self.device)
            torch.empty(0, device=device, dtype=self._torch_dtype())
        except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
            raise ValueError(
                f"device is {self.device!r} and dtype {self.dtype!r}, which this machine or this build of "
                f'torch does not have; use device="cpu" or what it has. torch says: {error}'
            ) from error
        return device

    def _torch_dtype(self) -> torch.dtype:
        """Precision of the weights that train and of the targets."""
        return getattr(torch, self.dtype)

    def _initialize_net(self, rows: Any, n_outputs: int) -> None:
        criterion = make_criterion(self._criterion(), self.output_weight, self.batch_size, n_outputs)
        self.net_ = TrainingNet(
            # An instance is safe here: this net lives for one fit and is never cloned.
            self._make_module(rows, n_outputs),
            criterion=criterion.to(self._torch_dtype()),
            whole_set_loss=make_whole_set_loss(criterion, self.output_weight),
            optimizer=torch.optim.AdamW if self.optimizer is None else self.optimizer,
            batch_size=self.batch_size,
            accumulate_batches=self.accumulate_batches,
            train_split=None,
            device=self.device,
            verbose=0,
            **self._training_options(num_samples(rows)),
        ).initialize()
        self.net_.module = type(self.net_.module_)  # or skorch would pickle the instance twice

    def _criterion(self) -> Any:
        return self.criterion

    def _training_options(self, n_rows: int) -> dict[str, Any]:
        """Arguments of `TrainingNet`: epochs, rates, decay, schedule."""
        return {
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

    def _standardize(self, inputs: Inputs, y: Array, weight: Array | None) -> None:
        """Shift and scale of the targets while training, so that a learning rate means the same on every scale."""
        self.offset_, self.scale_ = np.zeros(y.shape[1]), 1.0
        if self.criterion == "mse" or callable(self.criterion):
            return
        pretrained = self.is_pretrained(y.shape[1])
        errors = y - self._outputs(inputs) if pretrained else y
        self.offset_ = np.average(errors, axis=0, weights=weight)
        if not pretrained:
            squares = np.average((y - self.offset_) ** 2, axis=0, weights=weight)
            self.scale_ = float(np.sqrt(squares.mean())) or 1.0

    def _train(
        self,
        inputs: Inputs,
        targets: Array,
        weight: Array | None,
        held_out: tuple[Rows, Rows | None],
    ) -> None:
        training, validation = (
            None if chosen is None else self._labeled(inputs, targets, weight, chosen)
            for chosen in held_out
        )
        callbacks: list[Any] = []
        if validation is not None:
            self.net_.train_split = predefined_split(validation)
            callbacks.append(("early_stopping", EarlyStopping(self.patience)))
        if self.verbose:
            callbacks.append(("progress", Progress(self.verbose)))
        self.net_.callbacks_ = callbacks
        try:
            with suitable_threads(self.net_.module_, self.batch_size):
                self.net_.train(training)
        except DivergenceError as error:
            raise self._diverged() from error
        self.net_.train_split, self.net_.callbacks_, self.net_.optimizer_ = None, [], None
        self.n_epochs_ = len(self.net_.history)

    def _labeled(
        self, inputs: Inputs, targets: Array, weight: Array | None, chosen: Rows
    ) -> LabeledRows:
        columns = [targets] if weight is None else [targets, weight]
        return LabeledRows(inputs[chosen], *(self._tensor(c[chosen]) for c in columns))

    def _recenter(self, inputs: Inputs, y: Array, weight: Array | None) -> None:
        """Give the errors mean zero: the variance loss has not learned it."""
        errors = y - self.offset_ - self.scale_ * self._outputs(inputs)
        if not np.isfinite(errors).all():
            raise self._diverged()
        self.offset_ = self.offset_ + np.average(errors, axis=0, weights=weight)
        centred = errors - np.average(errors, axis=0, weights=weight)
        variances = np.average(centred**2, axis=0, weights=weight)
        self.residual_variance_ = float(variances[0]) if self._single_output else variances

    def _diverged(self) -> ValueError:
        return ValueError(
            f"Training diverged: after {len(self.net_.history)} epochs the network's outputs are not finite. "
            f"Lower learning_rate ({self.learning_rate}) or scale the features."
        )

    def _all_outputs(self, rows: Any) -> Array:
        """Outputs (n, k) for rows that may be too many for one piece."""
        return self._outputs(self._inputs(rows))

    def _outputs(self, inputs: Inputs) -> Array:
        outputs = self.net_.outputs(inputs).cpu().numpy().astype(np.float64)
        return outputs.reshape(len(inputs), -1)

    def _tensor(self, values: NDArray[np.floating[Any]]) -> torch.Tensor:
        writable = np.require(values, requirements="W")  # torch warns of read-only memory
        return torch.as_tensor(writable, dtype=self._torch_dtype(), device=self._current_device())

    def _current_device(self) -> torch.device:
        """Where the module is now, which after unpickling elsewhere need not be `device`."""
        return next(self.net_.module_.parameters(), torch.empty(0)).device
