"""A scikit-learn regressor that trains a torch module with the variance of its errors as the loss."""

from __future__ import annotations

from contextlib import AbstractContextManager
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from skorch.helper import predefined_split
from torch.utils.data import TensorDataset

from sklearn_ftr._sklearn_private import Interval, StrOptions, check_sample_weight, fit_context
from sklearn_ftr.finetuning._network import (
    CRITERIA,
    make_criterion,
    make_module,
    make_whole_set_loss,
)
from sklearn_ftr.finetuning._torch_state import seeded_torch, suitable_threads
from sklearn_ftr.finetuning._training import DivergenceError, EarlyStopping, Progress, TrainingNet

Array = NDArray[np.float64]
# Learning rate of the profiled mean error, in units of the network's.
_CENTER_RATE = 10


class VarianceRegressor(RegressorMixin, BaseEstimator):
    """Regressor whose errors have the smallest variance: the fine-tuning stage.

    Trains any torch module on mini-batches with `VarianceLoss`, then re-centers it so that the mean
    training error is zero. The rivals are one argument away: `criterion="mse"`.

    Parameters
    ----------
    module : callable returning a torch.nn.Module, default=None
        Class of the network, or a function that makes one; never an instance, whose weights would leak
        through `clone`. Called with `module_kwargs`, and with `n_features` and `n_outputs` where its
        signature has them. It maps (B, n_features) to (B, n_outputs). None is a multilayer perceptron
        with the parameters `hidden_layer_sizes=(64,)` and `dropout=0.0`.
    module_kwargs : dict, default=None
        Arguments of `module`.
    weights : dict, path or callable, default=None
        Pretrained weights to start from: a state dict, a file that holds one, or a function that
        returns one. They are copied, so that clones and folds all start from the same weights. None
        starts from random ones.
    criterion : {"variance", "profiled_variance", "centered_mse", "mse"} or callable, \
            default="variance"
        Training loss. "profiled_variance" is the variance with a learnable mean error, for batches of
        any size. "centered_mse" is the squared error of targets whose mean is subtracted first, "mse"
        of targets as they come. A class of torch module, or a function that makes one, is called with
        (prediction, target) or (prediction, target, sample_weight) and also gets targets as they come.
    output_weight : array-like of shape (k,) or (k, k), default=None
        For k outputs: see `VarianceLoss`. None adds up the outputs' losses.
    optimizer : callable returning a torch optimizer, default=None
        Called with parameters, `lr` and `weight_decay`. None is `torch.optim.AdamW`.
    learning_rate : float, default=1e-3
    weight_decay : float, default=None
        Pull of the weights towards zero. None is 1.0 for networks that start from random weights, since
        there are few labels, and 0.01 for pretrained `weights`.
    max_epochs : int, default=100
        Passes over the training rows.
    batch_size : int, default=64
        Number of rows in a batch, at most; all batches have that size or one row less. At least 2 for
        the variance, any for the profiled variance.
    accumulate_batches : int, default=1
        Average the gradients of so many batches before a step of the optimizer.
    early_stopping : bool, default=False
        Hold out rows, stop when their loss has not fallen for `patience` epochs, and keep the weights
        of the best epoch.
    validation_fraction : float, default=0.1
        Share of the rows that early stopping holds out, at least 2 rows.
    patience : int, default=10
        Epochs without progress that early stopping accepts.
    device : str, default="cpu"
        Any torch device, such as "cuda" or "mps". Nothing is moved to an accelerator unasked.
    dtype : {"float64", "float32"}, default="float64"
        Precision of training and prediction. In float32 a row's prediction depends, in its last digits,
        on the rows beside it.
    random_state : int, RandomState instance or None, default=None
        Seeds initial weights, batches, dropout and held-out rows. The global torch state is untouched.
    verbose : int, default=0
        1 prints the loss of about ten epochs, 2 that of every epoch.

    Attributes
    ----------
    net_ : skorch.NeuralNet
        The trained network; `net_.module_` is the torch module, `net_.history` has validation losses.
    offset_ : ndarray of shape (k,)
        Added to the network's (rescaled) output: the re-centering.
    scale_ : float
        Factor of the network's output, in units of y.
    residual_variance_ : float or ndarray of shape (k,)
        Variance (weighted, ddof=0) of the errors on the rows given to `fit`, in squared units of y. Too
        small to judge the model by, since it was trained on them.
    n_epochs_ : int
        Epochs trained; 0 after `initialize`.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only when X had feature names.

    Raises
    ------
    ValueError
        From `fit`: NaN in X or y, fewer than 2 rows, weights that do not fit the module, a device that
        this machine does not have, training that diverges.
    TypeError
        From `fit`: a module instance.

    Notes
    -----
    Targets are shifted and divided by their overall standard deviation before training (one number for
    all outputs), so that the learning rate means the same on every scale. The variance loss is
    indifferent to this. Not done for "mse", for criteria of your own, and never divided when `weights`
    are given, whose outputs are in units of y already.

    A row counts in proportion to its weight, whatever rows share its batch. When all rows fit into one
    batch, a weight of 2 and a repeated row give exactly the same network. A criterion of your own gets
    weights whose mean over the training set is one.

    Source: Wang, Ye and Zhao (2025), arXiv 2511.19486.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import VarianceRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 3))
    >>> y = X @ [1.0, -1.0, 0.5] + 3 + rng.normal(scale=0.1, size=400)
    >>> model = VarianceRegressor(random_state=0).fit(X[:200], y[:200])
    >>> bool(np.var(y[200:] - model.predict(X[200:])) < 0.1)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "module": [callable, None],
        "module_kwargs": [dict, None],
        "weights": [dict, str, Path, callable, None],
        "criterion": [StrOptions(set(CRITERIA)), callable],
        "output_weight": ["array-like", None],
        "optimizer": [callable, None],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left"), None],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "accumulate_batches": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "dtype": [StrOptions({"float64", "float32"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        module: Any = None,
        *,
        module_kwargs: dict[str, Any] | None = None,
        weights: Any = None,
        criterion: Any = "variance",
        output_weight: ArrayLike | None = None,
        optimizer: Any = None,
        learning_rate: float = 1e-3,
        weight_decay: float | None = None,
        max_epochs: int = 100,
        batch_size: int = 64,
        accumulate_batches: int = 1,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        device: str = "cpu",
        dtype: str = "float64",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.module = module
        self.module_kwargs = module_kwargs
        self.weights = weights
        self.criterion = criterion
        self.output_weight = output_weight
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.accumulate_batches = accumulate_batches
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.device = device
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Any:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,) or (n, k)
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights. Rows of weight zero are left out; a weight of 2 is a repeated row.

        Returns
        -------
        self
        """
        X, y = validate_data(
            self, X, y, dtype=np.float64, y_numeric=True, multi_output=True, ensure_min_samples=2
        )
        self._single_output = y.ndim == 1
        X, y, weight = self._weighted_rows(X, y.reshape(len(y), -1).astype(np.float64), sample_weight)
        rng = check_random_state(self.random_state)
        rows = self._hold_out(len(y), rng)
        with self._seeded(rng):
            self._initialize_net(X.shape[1], y.shape[1])
            self._standardize(X, y, weight)
            self._train(X, (y - self.offset_) / self.scale_, weight, rows)
        self._recenter(X, y, weight)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def initialize(self, X: Any, y: Any = None) -> Any:
        """Build the network, with `weights` if given, and do not train it: zero-shot prediction.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,) or (n, k), default=None
            Only its number of columns is looked at; None means one output.

        Returns
        -------
        self
        """
        X = validate_data(self, X, dtype=np.float64)
        self._single_output = y is None or np.ndim(y) == 1
        n_outputs = 1 if self._single_output else np.shape(y)[1]
        with self._seeded(check_random_state(self.random_state)):
            self._initialize_net(X.shape[1], n_outputs)
        self.offset_, self.scale_, self.n_epochs_ = np.zeros(n_outputs), 1.0, 0
        found = self._outputs(X[:1]).shape[1]
        if found != n_outputs:
            raise ValueError(f"The module has {found} outputs; expected {n_outputs}, as many as y.")
        return self

    def predict(self, X: Any) -> Array:
        """Predictions in units of y.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        ndarray of shape (n,) or (n, k)
        """
        check_is_fitted(self, "net_")
        X = validate_data(self, X, dtype=np.float64, reset=False)
        prediction = self.offset_ + self.scale_ * self._outputs(X)
        return prediction[:, 0] if self._single_output else prediction

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _weighted_rows(
        self, X: Array, y: Array, sample_weight: ArrayLike | None
    ) -> tuple[Array, Array, Array | None]:
        """Rows of positive weight; at least two, since one error has no variance."""
        if sample_weight is None:
            return X, y, None
        weight = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        kept = weight > 0
        if kept.sum() < 2:
            raise ValueError(
                f"sample_weight is zero for all but {kept.sum()} of {len(weight)} rows; expected at "
                "least 2 rows of positive weight."
            )
        return X[kept], y[kept], weight[kept] / weight[kept].mean()

    def _hold_out(
        self, n: int, rng: np.random.RandomState
    ) -> tuple[NDArray[np.intp], NDArray[np.intp] | None]:
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
            torch.empty(0, device=device, dtype=getattr(torch, self.dtype))
        except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
            raise ValueError(
                f"device is {self.device!r} and dtype {self.dtype!r}, which this machine or this build of "
                f'torch does not have; use device="cpu" or what it has. torch says: {error}'
            ) from error
        return device

    def _initialize_net(self, n_features: int, n_outputs: int) -> None:
        kind = getattr(torch, self.dtype)
        module = make_module(self.module, self.module_kwargs, self.weights, n_features, n_outputs)
        criterion = make_criterion(self.criterion, self.output_weight, self.batch_size, n_outputs)
        self.net_ = TrainingNet(
            module.to(kind),  # an instance is safe here: this net lives for one fit and is never cloned
            criterion=criterion.to(kind),
            whole_set_loss=make_whole_set_loss(criterion, self.output_weight),
            optimizer=torch.optim.AdamW if self.optimizer is None else self.optimizer,
            optimizer__weight_decay=self._weight_decay(),
            lr=self.learning_rate,
            max_epochs=self.max_epochs,
            batch_size=self.batch_size,
            accumulate_batches=self.accumulate_batches,
            train_split=None,
            device=self.device,
            verbose=0,
            **self._profiled_parameter_group(),
        ).initialize()

    def _weight_decay(self) -> float:
        if self.weight_decay is not None:
            return self.weight_decay
        return 1.0 if self.weights is None else 0.01

    def _profiled_parameter_group(self) -> dict[str, Any]:
        """The learnable mean error must keep up with the network and is not to be decayed."""
        if self.criterion != "profiled_variance":
            return {}
        settings = {"weight_decay": 0.0, "lr": _CENTER_RATE * self.learning_rate}
        return {"optimizer__param_groups": [("center", settings)]}

    def _standardize(self, X: Array, y: Array, weight: Array | None) -> None:
        """Shift and scale of the targets while training; see Notes."""
        self.offset_, self.scale_ = np.zeros(y.shape[1]), 1.0
        if self.criterion == "mse" or callable(self.criterion):
            return
        errors = y if self.weights is None else y - self._outputs(X)
        self.offset_ = np.average(errors, axis=0, weights=weight)
        if self.weights is None:
            squares = np.average((y - self.offset_) ** 2, axis=0, weights=weight)
            self.scale_ = float(np.sqrt(squares.mean())) or 1.0

    def _train(
        self,
        X: Array,
        targets: Array,
        weight: Array | None,
        rows: tuple[NDArray[np.intp], NDArray[np.intp] | None],
    ) -> None:
        training, validation = (
            None if chosen is None else self._dataset(chosen, X, targets, weight) for chosen in rows
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
        self.net_.train_split, self.net_.callbacks_ = None, []
        self.n_epochs_ = len(self.net_.history)

    def _dataset(
        self, rows: NDArray[np.intp], X: Array, targets: Array, weight: Array | None
    ) -> TensorDataset:
        columns = [X, targets] if weight is None else [X, targets, weight]
        return TensorDataset(*(self._tensor(column[rows]) for column in columns))

    def _recenter(self, X: Array, y: Array, weight: Array | None) -> None:
        """Give the errors mean zero: the variance loss has not learned it."""
        errors = y - self.offset_ - self.scale_ * self._outputs(X)
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

    def _outputs(self, X: Array) -> Array:
        outputs = self.net_.outputs(self._tensor(X)).cpu().numpy().astype(np.float64)
        return outputs.reshape(len(X), -1)

    def _tensor(self, values: Array) -> torch.Tensor:
        # Where the module is now, which after unpickling elsewhere need not be `device`.
        parameter = next(
            self.net_.module_.parameters(), torch.empty(0, dtype=getattr(torch, self.dtype))
        )
        writable = np.require(values, requirements="W")  # torch warns of read-only memory
        return torch.as_tensor(writable, dtype=parameter.dtype, device=parameter.device)
