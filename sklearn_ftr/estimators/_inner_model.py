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
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from sklearn_ftr._sklearn_private import safe_indexing
from sklearn_ftr.rectification._checks import Array, check_finite

_BLOCK_ROWS = 65_536
_RIDGE_PENALTIES = tuple(10.0**exponent for exponent in range(-2, 7))


def default_estimator() -> Pipeline:
    """Ridge regression on standardized features, its penalty chosen by leave-one-out.

    With an intercept, least squares minimises the variance of the errors: this is the linear predictor
    of the variance loss in closed form. Features are scaled but not centred, so that sparse X works.
    """
    return make_pipeline(StandardScaler(with_mean=False), RidgeCV(alphas=_RIDGE_PENALTIES))


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


def draw_seed(rng: np.random.RandomState) -> int:
    """A seed for somebody else's random numbers."""
    return int(rng.randint(np.iinfo(np.int32).max))


def seeded_clone(estimator: BaseEstimator, rng: np.random.RandomState) -> BaseEstimator:
    """A clone in which every `random_state` that was None is an integer drawn from `rng`."""
    copy = clone(estimator)
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
    X, target = safe_indexing(X, rows), y[rows]
    if target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    if is_classifier(model) and np.ptp(target, axis=0).max() == 0:
        # Classifiers refuse a single class; with rare classes it is what a few labels may show.
        return DummyRegressor().fit(X, target)
    weights = {} if weigh is None else {_weight_parameter(model): weigh(rows)}
    with _skorch_seed(model, seed):
        return model.fit(X, _skorch_target(model, target), **weights)


def _weight_parameter(model: BaseEstimator) -> str:
    """What the model's `fit` calls the weights of rows."""
    last_name, last = model.steps[-1] if isinstance(model, Pipeline) else ("", model)
    parameters = inspect.signature(last.fit).parameters.values()
    passes_on = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters)
    if not passes_on and not has_fit_parameter(last, "sample_weight"):
        raise ValueError(
            f"{type(last).__name__}.fit has no parameter sample_weight, so that the loss cannot be weighted; expected an "
            "estimator that has, such as VarianceRegressor. Leave finetune_weights at False."
        )
    return f"{last_name}__sample_weight" if last_name else "sample_weight"


def without_training(
    estimator: BaseEstimator, X: Any, y: Array, rng: np.random.RandomState
) -> BaseEstimator:
    """A predictor that has seen no label: an already fitted model, or one that can `initialize`."""
    model = seeded_clone(estimator, rng)
    if hasattr(model, "initialize") and not is_frozen(model):
        with _skorch_seed(model, draw_seed(rng)):
            accepts_data = bool(inspect.signature(model.initialize).parameters)
            return model.initialize(X, y) if accepts_data else model.initialize()
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


def mean_prediction(model: BaseEstimator, X: Any, rows: NDArray[np.intp], n_outputs: int) -> Array:
    """Predicted means (len(rows), n_outputs) of some rows of X, block by block."""
    blocks = [_predict(model, safe_indexing(X, block)) for block in _blocks(rows)]
    predictions = np.concatenate(blocks) if blocks else np.empty((0, n_outputs))
    if predictions.shape[1] != n_outputs:
        raise ValueError(
            f"{type(model).__name__} predicted {predictions.shape[1]} outputs for labels with "
            f"{n_outputs}; expected the same number."
        )
    check_finite(predictions, f"The prediction of {type(model).__name__}")
    return predictions


def _predict(model: BaseEstimator, X: Any) -> Array:
    with _skorch_seed(model, 0):  # skorch draws random numbers to predict, too
        return _predicted_mean(model, X)


def _predicted_mean(model: BaseEstimator, X: Any) -> Array:
    if is_classifier(model) and hasattr(model, "predict_proba"):
        predictions = np.asarray(model.predict_proba(X)) @ _numeric_classes(model)
    else:
        predictions = np.asarray(model.predict(X))
    return predictions.astype(np.float64, copy=False).reshape(len(predictions), -1)


def _numeric_classes(model: BaseEstimator) -> Array:
    """The classes as numbers: the mean of y is the sum of the classes times their probabilities."""
    classes = model.classes_
    if isinstance(classes, list):
        raise ValueError(
            f"{type(model).__name__} was trained on several outputs; expected one column of classes. "
            "Fit one estimator for each output."
        )
    try:
        return np.asarray(classes, dtype=np.float64)
    except ValueError as error:
        raise ValueError(
            f"{type(model).__name__} has the classes {list(classes)}; expected numbers, such as 0 and 1, whose "
            "mean is a share."
        ) from error


def _blocks(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp] | slice]:
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = rows[start : start + _BLOCK_ROWS]
        adjacent = bool(np.all(np.diff(block) == 1))
        yield slice(int(block[0]), int(block[-1]) + 1) if adjacent else block  # a slice is not copied


def _is_skorch_net(model: Any) -> bool:
    skorch = sys.modules.get("skorch")  # a model cannot be a net if nobody has imported skorch
    return skorch is not None and isinstance(model, skorch.NeuralNet)


def _skorch_seed(model: BaseEstimator, seed: int) -> AbstractContextManager[None]:
    """For models that are or hold a skorch net: torch's random state, seeded and then restored."""
    held = [model, *model.get_params(deep=True).values()] if "skorch" in sys.modules else []
    nets = [part for part in held if _is_skorch_net(part)]
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
