"""What the two stages need of the user's model: train on some rows, predict a mean for others."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import StackingClassifier, StackingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_ftr._progress import counted_blocks
from sklearn_ftr._sklearn_private import HasMethods
from sklearn_ftr.estimators._harmless import leaves_rows_alone
from sklearn_ftr.estimators._own_rows import own_rows, rows_at_once, rows_of
from sklearn_ftr.estimators._predictions import predicted_means
from sklearn_ftr.estimators._row_numbers import RowNumbers
from sklearn_ftr.estimators._training_weights import fit_weighted
from sklearn_ftr.rectification._checks import Array


class CanPredictOnceFitted(HasMethods):
    """Constraint on a parameter: an estimator that predicts, if only after `fit` (a stack knows no sooner)."""

    def __init__(self) -> None:
        super().__init__(["fit", "predict"])

    def is_satisfied_by(self, val: Any) -> bool:
        """Whether val may be trained to predict."""
        return callable(getattr(val, "fit", None)) and _may_predict(val)


def _may_predict(model: Any) -> bool:
    """Whether the model, or its class under a condition that fitting may fulfil, has `predict`."""
    if callable(getattr(model, "predict", None)):
        return True
    if isinstance(model, Pipeline):
        return _may_predict(model.steps[-1][1])
    inner = getattr(model, "estimator", None)  # of a search
    return hasattr(type(model), "predict") and (inner is None or _may_predict(inner))


def is_frozen(estimator: BaseEstimator) -> bool:
    """Whether fitting would change nothing, so that no label needs to be spent on it."""
    if isinstance(estimator, Pipeline):
        return all(step in (None, "passthrough") or is_frozen(step) for _, step in estimator.steps)
    return isinstance(estimator, FrozenEstimator)


def predicts_untrained(estimator: BaseEstimator, n_outputs: int) -> bool:
    """Whether the model has predictions worth looking at before it has seen a label."""
    if is_frozen(estimator):
        return True
    pretrained = getattr(estimator, "is_pretrained", None)
    return pretrained is not None and bool(pretrained(n_outputs))


def clone_with_final_estimators(estimator: BaseEstimator) -> BaseEstimator:
    """A clone whose stacks name their default final estimator: without a name, wrappers of them see no `predict`."""
    copy = clone(estimator)
    if is_frozen(copy):
        return copy
    for part in [copy, *copy.get_params(deep=True).values()]:
        if isinstance(part, StackingRegressor | StackingClassifier) and part.final_estimator is None:
            default = RidgeCV() if isinstance(part, StackingRegressor) else LogisticRegression()
            part.set_params(final_estimator=default)
    return copy


def draw_seed(rng: np.random.RandomState) -> int:
    """A seed for somebody else's random numbers."""
    return int(rng.randint(np.iinfo(np.int32).max))


def seeded_clone(estimator: BaseEstimator, rng: np.random.RandomState) -> BaseEstimator:
    """A clone in which every `random_state` that was None is an integer drawn from `rng`."""
    copy = clone_with_final_estimators(estimator)
    if is_frozen(copy):
        return copy
    parameters = copy.get_params(deep=True)
    seeds = {
        name: draw_seed(rng)
        for name in sorted(parameters)
        if name.split("__")[-1] == "random_state" and parameters[name] is None
    }
    return copy.set_params(**seeds)


def train(
    model: BaseEstimator,
    X: Any,
    y: Array,
    rows: NDArray[np.intp],
    seed: int,
    weigh: Callable[[NDArray[np.intp]], Array] | None = None,
) -> BaseEstimator:
    """Fit the model to some rows and return it; only skorch nets have a use for the seed.

    `weigh` gives the weights of rows in the model's loss.
    """
    X, target = own_rows(X, rows), without_needless_axis(y[rows])
    if is_classifier(model) and np.ptp(target, axis=0).max() == 0:
        # Classifiers refuse a single class; with rare classes it is what a few labels may show.
        return DummyRegressor().fit(X, target)
    target = _skorch_target(model, target)
    with _skorch_seed(model, seed):
        fitted = model.fit(X, target) if weigh is None else fit_weighted(model, X, target, weigh(rows))
    return model if fitted is None else fitted  # some forget to return themselves


def without_needless_axis(y: Array) -> Array:
    """Targets (n,) of one output, as models and splitters expect them, also for y of shape (n, 1)."""
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def without_training(
    estimator: BaseEstimator, X: Any, y: Array, rng: np.random.RandomState
) -> BaseEstimator:
    """A predictor that has seen no label: an already fitted model, or one that can `initialize`."""
    model = seeded_clone(estimator, rng)
    if hasattr(model, "initialize") and not is_frozen(model):
        with _skorch_seed(model, draw_seed(rng)):
            accepts_data = bool(inspect.signature(model.initialize).parameters)
            ready = (
                model.initialize(X, without_needless_axis(y)) if accepts_data else model.initialize()
            )
        return model if ready is None else ready
    try:
        for part in [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]:
            if part not in (None, "passthrough"):
                check_is_fitted(part)
    except (NotFittedError, TypeError) as error:
        raise ValueError(
            f"split_ratio=0 trains nothing, but {type(estimator).__name__} cannot predict before it is "
            "trained. Use FrozenEstimator(fitted_model), a model with `initialize` such as "
            "VarianceRegressor(weights=...) or PredictionCorrector(), or a split_ratio above 0."
        ) from error
    return model


def mean_prediction(
    model: BaseEstimator,
    X: Any,
    rows: NDArray[np.intp] | RowNumbers | range,
    n_outputs: int,
    narrow: bool = False,
) -> Array:
    """Predicted means (len(rows), n_outputs) of some rows of X, block by block; of copies, unless the model surely leaves rows as they are.

    They may stay `narrow`, in the float32 of a model that has predicted all of them at once, for whoever puts them elsewhere.
    """
    is_known, size = leaves_rows_alone(model), rows_at_once(X)
    take = rows_of if is_known else own_rows
    if is_known and 0 < len(rows) <= size:  # others may return what is theirs, and fill it anew
        ((block, n),) = _blocks(rows, size)
        means: Any = _predict(model, take(X, block), n, n_outputs)
        return means if narrow else means.astype(np.float64, copy=False)
    means, start = np.empty((len(rows), n_outputs)), 0
    with counted_blocks("predicting", len(rows), size) as told:
        for block, n in _blocks(rows, size):
            means[start : start + n] = _predict(model, take(X, block), n, n_outputs)
            start += n
            told.advance(n)
    return means


def _predict(model: BaseEstimator, X: Any, n_rows: int, n_outputs: int) -> NDArray[Any]:
    with _skorch_seed(model, 0):  # skorch draws random numbers to predict, too
        return predicted_means(model, X, n_rows, n_outputs)


def _blocks(
    rows: NDArray[np.intp] | RowNumbers | range, size: int
) -> Iterator[tuple[NDArray[np.intp] | slice, int]]:
    """Rows, as a slice if they are adjacent, and their number."""
    for start in range(0, len(rows), size):
        block = rows[start : start + size]
        if isinstance(block, range) or bool(np.all(np.diff(block) == 1)):
            yield slice(int(block[0]), int(block[-1]) + 1), len(block)
        else:
            yield block, len(block)


def _is_skorch_net(model: Any) -> bool:
    skorch = sys.modules.get("skorch")
    return skorch is not None and isinstance(model, skorch.NeuralNet)


def _skorch_seed(model: BaseEstimator, seed: int) -> AbstractContextManager[None]:
    """For models that are or hold a skorch net: torch's random state, seeded and then restored."""
    skorch = sys.modules.get("skorch")  # a model cannot be a net if nobody has imported skorch
    if skorch is None:
        return nullcontext()
    held = [model, *model.get_params(deep=True).values()]
    nets = [part for part in held if isinstance(part, skorch.NeuralNet)]
    if not nets:
        return nullcontext()
    from sklearn_ftr.finetuning._torch_state import seeded_torch

    return seeded_torch(seed, nets[0].device or "cpu")


def _skorch_target(model: BaseEstimator, target: Array) -> NDArray[Any]:
    """Targets in the types that a skorch net's loss wants, if the model is or ends in one."""
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    if not _is_skorch_net(last):
        return target
    if not is_classifier(last):
        return target.reshape(len(target), -1).astype(np.float32)
    binary = isinstance(last, sys.modules["skorch"].NeuralNetBinaryClassifier)
    return target.astype(np.float32 if binary else np.int64)
