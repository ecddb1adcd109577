"""What estimators print where `verbose` is above 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def reporter(estimator: Any) -> Callable[[str], None]:
    """Prints messages in the name of an estimator, if it is to say what it does."""
    name, speaks = type(estimator).__name__, estimator.verbose > 0

    def report(message: str) -> None:
        if speaks:
            print(f"[{name}] {message}", flush=True)

    return report
