"""A fit that fails or is stopped leaves an estimator as it was.

It is done by an estimator of its own, which has the parameters and nothing learned; what that has learned is adopted at
the end, in one assignment. Learned attributes, private ones included, end in an underscore.
"""

from __future__ import annotations

from typing import TypeVar

E = TypeVar("E")


def is_learned(name: str) -> bool:
    """Whether an attribute is one that a fit has set."""
    return name.endswith("_") and not name.startswith("__")


def unfitted(estimator: E) -> E:
    """The same estimator without what a fit has learned; it shares its parameters."""
    fresh = object.__new__(type(estimator))
    fresh.__dict__ = {name: value for name, value in vars(estimator).items() if not is_learned(name)}
    return fresh


def adopt(estimator: E, fitted: E) -> None:
    """Let an estimator have learned what another one has; it is of the same kind and parameters."""
    estimator.__dict__ = vars(fitted)
