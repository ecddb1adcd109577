"""What displays take of estimators that have been fitted."""

from __future__ import annotations

from typing import Any


def attribute_of(estimator: Any, name: str, expected: str) -> Any:
    """A fitted attribute, or an error that says which estimators have it."""
    found = getattr(estimator, name, None)
    if found is None:
        raise ValueError(
            f"{type(estimator).__name__} has no {name}; expected {expected} that has been fitted."
        )
    return found
