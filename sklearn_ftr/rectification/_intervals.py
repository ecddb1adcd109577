"""Which interval a result has: the methods that its evidence allows, and the one that "auto" chooses.

A method is an object that has intervals and the tests that they invert (`Inference`); an `Estimate` is one by itself, of Student's t.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import ArrayLike

from sklearn_ftr._arguments import check_choice
from sklearn_ftr.rectification._inference import Alternative, ConfidenceInterval, Estimate

if TYPE_CHECKING:
    from sklearn_ftr.rectification._result import RectifiedResult

METHODS = ("auto", "t", "skewed", "share", "bootstrap-t")
_NEEDS = {
    "t": "an estimate with a standard error",
    "share": "labels that are all 0 or 1",
    "skewed": "influence values of rows",
    "bootstrap-t": "influence values of rows",
}


class Inference(Protocol):
    """Intervals, and tests that invert them, of k numbers at once."""

    def confidence_interval(
        self, confidence_level: float = 0.95, alternative: Alternative = "two-sided"
    ) -> ConfidenceInterval:
        """As `Estimate.confidence_interval`."""

    def p_value(self, null: ArrayLike, alternative: Alternative = "two-sided") -> Any:
        """As `Estimate.p_value`."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """A method, why it is this one, and what it says.

    Parameters
    ----------
    method : str
        One of METHODS, but "auto".
    words : str
        What it is called, and why it has been chosen, for the notes of a table.
    inference : Inference
    """

    method: str
    words: str
    inference: Inference


def check_method(method: Any, name: str = "method") -> str:
    """One of METHODS."""
    return check_choice(method, name, METHODS)


def chosen(result: RectifiedResult, method: str) -> Chosen:
    """The method that is asked for; "auto" is what suits the labels."""
    available = _available(result)
    if method == "auto":
        method, words = _suitable(available)
        return Chosen(method, words, available[method]())
    if check_method(method) not in available:
        raise ValueError(
            f"The interval {method!r} needs {_NEEDS[method]}; available for this {result.estimand}: {', '.join(available)}."
        )
    return Chosen(method, _NAMES[method], available[method]())


def _available(result: RectifiedResult) -> Mapping[str, Callable[[], Inference]]:
    """What the result's evidence allows."""
    student = Estimate(result.estimate, result.covariance, result.degrees_of_freedom)
    shares = result.shares
    return {"t": lambda: student} | ({} if shares is None else {"share": lambda: shares})


_NAMES = {"t": "Student t", "share": "share"}


def _suitable(available: Mapping[str, Any]) -> tuple[str, str]:
    """What "auto" means, and why."""
    if "share" in available:
        return "share", "share (labels are 0 or 1)"
    return "t", "Student t"
