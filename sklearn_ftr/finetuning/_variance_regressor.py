"""A scikit-learn regressor that trains a torch module with the variance of its errors as the loss."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils.validation import validate_data

from sklearn_ftr._sklearn_private import Interval, StrOptions
from sklearn_ftr.finetuning._network import make_module
from sklearn_ftr.finetuning._network_recipe import PRETRAINED_DECAY, batch_size, weight_decay
from sklearn_ftr.finetuning._network_regressor import NetworkRegressor
from sklearn_ftr.finetuning._rows import FeatureRows
from sklearn_ftr.finetuning._trained_network import Array, TrainedNetwork


class VarianceRegressor(NetworkRegressor):
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
        Measured (docs/benchmarks.md), "variance" and "centered_mse" are within 3 % of each other in batches of 32 or 64, "profiled_variance" and
        "centered_mse" 2 to 3 % better in batches of 8, and "mse" far behind where targets, or the errors of a pretrained network, have a mean
        far from zero.
    output_weight : array-like of shape (k,) or (k, k), default=None
        For k outputs: see `VarianceLoss`. None adds up the outputs' losses.
    optimizer : callable returning a torch optimizer, default=None
        Called with parameters, `lr` and `weight_decay`. None is `torch.optim.AdamW`.
    learning_rate : float, default=1e-3
    weight_decay : float or "auto", default="auto"
        Pull of the weights towards zero. "auto" is 0.01 for pretrained `weights`. For networks that start from
        random ones it is 1.0 up to 30 rows a column, since few rows tell little, and from there 30 columns / rows (docs/benchmarks.md).
    max_epochs : int, default=100
        Passes over the training rows. On a few hundred sentence vectors 20 generalise better (docs/benchmarks.md);
        `early_stopping` finds out, at the price of some rows.
    batch_size : int or "auto", default="auto"
        Number of rows in a batch, at most; all batches have that size or one row less. At least 2 for
        the variance, any for the profiled variance. "auto" is 64, and from 12,800 rows on as many as make 200 steps an
        epoch: 500 for 100,000 rows.
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
    callbacks : list of skorch callbacks, or of pairs (name, callback), default=None
        Called while the network trains, as skorch calls them: `EarlyStopping`, `EpochScoring`, `LRScheduler`, `Checkpoint`, your own. Copies are, so that
        nothing is kept on the ones given; what they record is in `history_`. Losses, targets and predictions that they see are those of the training: standardized, and
        without the re-centering. "valid_loss" is there with `early_stopping=True` only.
    random_state : int, RandomState instance or None, default=None
        Seeds initial weights, batches, dropout and held-out rows. The global torch state is untouched.
    verbose : int, default=0
        Above 0, show one bar on standard error, with epochs, losses and the time that is left; in a log, a line for each tenth.

    Attributes
    ----------
    net_ : skorch.NeuralNet
        The trained network; `net_.module_` is the torch module.
    offset_ : ndarray of shape (k,)
        Added to the network's (rescaled) output: the re-centering.
    scale_ : float
        Factor of the network's output, in units of y.
    residual_variance_ : float or ndarray of shape (k,)
        Variance (weighted, ddof=0) of the errors on the rows given to `fit`, in squared units of y. Too
        small to judge the model by, since it was trained on them.
    weight_decay_ : float
    batch_size_ : int
        What the network was trained with: what "auto" has become, or the number given. Not after `initialize`.
    n_epochs_ : int
        Epochs trained; 0 after `initialize`.
    history_ : dict of ndarray of shape (n_epochs_,)
        What `pandas.DataFrame` and plots take: "epoch", "training_loss" (mean over the epoch's batches, on standardized targets, while
        weights still moved) and, unless the loss is "mse" or your own, "training_variance", the same in squared units of y (of k
        outputs what `output_weight` makes of their variances). With early stopping "validation_loss" and "validation_variance", of the held-out
        rows after each epoch. What `callbacks` record comes after them, by skorch's names.
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
    batch, a weight of 2 and a repeated row give exactly the same network, of the same `weight_decay`. A criterion of your own gets
    weights whose mean over the training set is one.

    A fit that fails or is stopped (Ctrl-C) leaves the regressor as it was: without a network, or with the one that it
    had.

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
        **NetworkRegressor._parameter_constraints,
        "module": [callable, None],
        "module_kwargs": [dict, None],
        "weights": [dict, str, Path, callable, None],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "dtype": [StrOptions({"float64", "float32"})],
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
        weight_decay: float | str = "auto",
        max_epochs: int = 100,
        batch_size: int | str = "auto",
        accumulate_batches: int = 1,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        device: str = "cpu",
        dtype: str = "float64",
        callbacks: Sequence[Any] | None = None,
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
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def is_pretrained(self, n_outputs: int = 1) -> bool:
        """Whether there are `weights`, so that `initialize` gives predictions in units of y."""
        return self.weights is not None

    def _checked_rows(self, X: Any, *, reset: bool) -> Array:
        return validate_data(self, X, dtype=np.float64, reset=reset)

    def _checked_rows_and_targets(self, X: Any, y: Any) -> tuple[Array, Array]:
        return validate_data(
            self, X, y, dtype=np.float64, y_numeric=True, multi_output=True, ensure_min_samples=2
        )

    def _make_module(self, rows: Array, n_outputs: int) -> torch.nn.Module:
        sizes = rows.shape[1], n_outputs
        module = make_module(self.module, self.module_kwargs, self.weights, *sizes)
        return module.to(self._torch_dtype())

    def _inputs(self, rows: Array, network: TrainedNetwork) -> FeatureRows:
        return FeatureRows(network.tensor(rows, self._torch_dtype()))

    def _training_options(self, rows: Array) -> dict[str, Any]:
        options = super()._training_options(rows)
        if self.batch_size == "auto":
            options["batch_size"] = batch_size(len(rows))
        if self.weight_decay == "auto":
            options["optimizer__weight_decay"] = self._decay(rows)
        return options

    def _decay(self, rows: Array) -> float:
        return PRETRAINED_DECAY if self.is_pretrained() else weight_decay(*rows.shape)

    def _keep(self, network: TrainedNetwork, *args: Any, **told: Any) -> None:
        super()._keep(network, *args, **told)
        net: Any = network.net if self.n_epochs_ else None
        self._keep_or_forget(
            weight_decay_=getattr(net, "optimizer__weight_decay", None),
            batch_size_=getattr(net, "batch_size", None),
        )
