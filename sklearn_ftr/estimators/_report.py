"""What estimators print where `verbose` is above 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reporter:
    """Prints messages in the name of an estimator, if it is to say what it does."""

    name: str
    speaks: bool

    def __call__(self, message: str) -> None:
        """Say it."""
        if self.speaks:
            print(f"[{self.name}] {message}", flush=True)


def reporter(estimator: Any) -> Reporter:
    """Of an estimator, by its class and `verbose`."""
    return Reporter(type(estimator).__name__, estimator.verbose > 0)
