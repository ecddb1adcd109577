"""Fine-tuning then rectification: one trustworthy number from few labels and many predictions.

Names are loaded when they are first used, so that `import sklearn_ftr` needs neither torch nor skorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn_ftr.estimators import RectifiedMeanEstimator
    from sklearn_ftr.finetuning import VarianceLoss, VarianceRegressor
    from sklearn_ftr.model_selection import LabeledKFold, labeled_scorer
    from sklearn_ftr.rectification import (
        ConfidenceInterval,
        Estimate,
        RectifiedResult,
        ZeroWidthIntervalWarning,
        rectify_mean,
    )

__version__ = "0.1.0"

_HOMES = {
    "ConfidenceInterval": "rectification",
    "Estimate": "rectification",
    "LabeledKFold": "model_selection",
    "RectifiedMeanEstimator": "estimators",
    "RectifiedResult": "rectification",
    "VarianceLoss": "finetuning",
    "VarianceRegressor": "finetuning",
    "ZeroWidthIntervalWarning": "rectification",
    "labeled_scorer": "model_selection",
    "rectify_mean": "rectification",
}

__all__ = [
    "ConfidenceInterval",
    "Estimate",
    "LabeledKFold",
    "RectifiedMeanEstimator",
    "RectifiedResult",
    "VarianceLoss",
    "VarianceRegressor",
    "ZeroWidthIntervalWarning",
    "labeled_scorer",
    "rectify_mean",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
