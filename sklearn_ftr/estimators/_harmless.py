"""Models that are known to leave the rows that they predict as they are, so that these need not be copied for them."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Number
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

# Whose estimators leave rows as they are, which `tests/test_harmless_models.py` looks at.
_TESTED = ("sklearn", "sklearn_ftr._table_encoder", "sklearn_ftr.estimators._default_predictor")


def leaves_rows_alone(model: Any) -> bool:
    """Whether a model and its parts are scikit-learn's, call nothing of the user's, and have not been told to work in place."""
    if not isinstance(model, BaseEstimator) or not _is_tested(type(model)):
        return False
    if any(callable(getattr(type(model), name, None)) for name in vars(model)):
        return False  # a method of one model only
    parameters = model.get_params(deep=False)
    return all(
        _is_harmless(value) and (not name.startswith("copy") or bool(value))
        for name, value in parameters.items()
    )


def _is_tested(kind: type) -> bool:
    name = kind.__module__
    return any(name == one or name.startswith(f"{one}.") for one in _TESTED)


def _is_harmless(value: Any) -> bool:
    """Whether nothing in it could be called with rows and alter them."""
    if isinstance(value, BaseEstimator):
        return leaves_rows_alone(value)
    if isinstance(
        value, str | bytes | Number | np.generic | np.random.RandomState | slice | type | None
    ):
        return not isinstance(value, type) or value.__module__ == "numpy"
    if isinstance(value, np.ndarray):
        return value.dtype != object or all(map(_is_harmless, value.flat))
    if isinstance(value, Mapping):
        return all(map(_is_harmless, value.values()))
    return isinstance(value, list | tuple | set | frozenset) and all(map(_is_harmless, value))
