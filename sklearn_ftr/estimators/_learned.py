"""What a fit sets on an estimator: all of it at once, at the end, so that a fit that fails or is stopped changes nothing."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data


def replace_learned(estimator: Any, attributes: dict[str, Any]) -> None:
    """Let an estimator have learned these attributes and nothing else; what users and scikit-learn keep on it stays."""
    earlier = _learned(estimator)
    kept = {name: value for name, value in vars(estimator).items() if name not in earlier}
    estimator.__dict__ = kept | attributes


def columns_learned(estimator: BaseEstimator, X: Any, y: Any = "no_validation") -> dict[str, Any]:
    """`n_features_in_` and `feature_names_in_`, where X has them, as scikit-learn would set them on the estimator."""
    witness = type(estimator)(**estimator.get_params(deep=False))
    validate_data(witness, X, y, skip_check_array=True)
    return _learned(witness)


def _learned(estimator: Any) -> dict[str, Any]:
    """Attributes whose names end in an underscore."""
    return {
        name: value
        for name, value in vars(estimator).items()
        if name.endswith("_") and not name.startswith("__")
    }
