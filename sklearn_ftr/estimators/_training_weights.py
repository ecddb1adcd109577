"""The way of the rows' weights through pipelines, searches and wrappers to the loss of the model inside."""

from __future__ import annotations

import inspect
from typing import Any

from sklearn import config_context, get_config
from sklearn.base import BaseEstimator
from sklearn.ensemble import BaggingClassifier, BaggingRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from sklearn_ftr.rectification._checks import Array

# What fit calls weights of rows, nearly everywhere.
_USUAL = "sample_weight"


def fit_weighted(model: BaseEstimator, X: Any, y: Any, weights: Array) -> Any:
    """What fit returns, with weights in the loss: by scikit-learn's routing if the user has requested them somewhere, else by name."""
    if requested := _requested_names(model):
        _request_nowhere_else(model)
        return model.fit(X, y, **dict.fromkeys(requested, weights))
    # Without requests, routing would ask every step whether it wants weights; names ask the last one only.
    with config_context(enable_metadata_routing=False):
        return model.fit(X, y, **{weight_parameter(model): weights})


def takes_weights(model: BaseEstimator) -> bool:
    """Whether weights of rows are known to find a loss: something requests them, or all that is trained inside names them."""
    if _requested_names(model):
        return True
    inner = model.steps[-1][1] if isinstance(model, Pipeline) else _handed_on_to(model)
    if inner is not None:
        return takes_weights(inner)
    members = [*_members(model), *_held(model, "estimator", "regressor")]
    named = has_fit_parameter(model, _USUAL) or (bool(members) and _takes_anything(model))
    return named and all(takes_weights(one) and weight_parameter(one) == _USUAL for one in members)


def weight_parameter(
    model: BaseEstimator, where: str = "", advice: str = "Leave finetune_weights at False."
) -> str:
    """What the model's `fit` calls the weights of rows, as in `pipeline__ridge__sample_weight`."""
    if isinstance(model, Pipeline):
        name, last = model.steps[-1]
        return f"{name}__{weight_parameter(last, f' (step {name!r} of Pipeline{where})', advice)}"
    if (inner := _handed_on_to(model)) is not None:
        return weight_parameter(inner, f" (inside {type(model).__name__}{where})", advice)
    for member in _members(model):
        weight_parameter(member, f" (inside {type(model).__name__}{where})", advice)
    if has_fit_parameter(model, _USUAL) or _takes_anything(model):
        return _USUAL
    raise ValueError(
        f"{type(model).__name__}.fit has no parameter sample_weight{where}, so that the loss cannot be weighted; expected an "
        f"estimator that has, such as VarianceRegressor. {advice}"
    )


def _handed_on_to(model: BaseEstimator) -> BaseEstimator | None:
    """The estimator that a search or a wrapper hands all parameters of its fit on to."""
    if isinstance(model, BaggingClassifier | BaggingRegressor) or not _takes_anything(model):
        return None  # bagging has weights of its own
    parameters = model.get_params(deep=False)
    inner = parameters.get("estimator", parameters.get("regressor"))
    return inner if hasattr(inner, "fit") else None


def _members(model: BaseEstimator) -> list[Any]:
    """What votes and stacks train: the models in their pairs of a name and a model, and the last one."""
    listed = model.get_params(deep=False).get("estimators")
    pairs = listed if isinstance(listed, list | tuple) else ()
    named = [pair[1] for pair in pairs if isinstance(pair, tuple) and len(pair) == 2]
    return [one for one in named if hasattr(one, "fit")] + _held(model, "final_estimator")


def _held(model: BaseEstimator, *names: str) -> list[Any]:
    """Estimators under some names of parameters."""
    parameters = model.get_params(deep=False)
    return [one for name in names if hasattr(one := parameters.get(name), "fit")]


def _takes_anything(model: BaseEstimator) -> bool:
    parameters = inspect.signature(model.fit).parameters.values()
    return any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters)


def _requested_names(model: BaseEstimator) -> set[str]:
    """The names under which `set_fit_request` has asked for weights, here or in a part of the model."""
    if not get_config()["enable_metadata_routing"]:
        return set()
    wishes = [_requests(part, "fit").get("sample_weight") for part in _parts(model)]
    return {wish if isinstance(wish, str) else "sample_weight" for wish in wishes if wish}


def _request_nowhere_else(model: BaseEstimator) -> None:
    """Parts that were not asked get no weights; a search scores by weights what is trained by them."""
    for part in _parts(model):
        of_fit = _requests(part, "fit").get("sample_weight") or False
        for method, wish in (("fit", False), ("score", of_fit)):
            if _requests(part, method).get("sample_weight", wish) is None:
                getattr(part, f"set_{method}_request")(sample_weight=wish)


def _parts(model: BaseEstimator) -> list[Any]:
    held = [model, *model.get_params(deep=True).values()]
    return [part for part in held if hasattr(part, "get_metadata_routing")]


def _requests(part: Any, method: str) -> dict[str, Any]:
    """What a part that uses metadata itself has requested; nothing for one that only hands them on."""
    try:
        return getattr(part.get_metadata_routing(), method).requests
    except (AttributeError, NotImplementedError):
        return {}
