"""Which interval a result has: the methods that its evidence allows, and the one that "auto" chooses.

A method is an object that has intervals and the tests that they invert (`Inference`); an `Estimate` is one by itself, of Student's t.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import ArrayLike

from sklearn_ftr._arguments import check_choice
from sklearn_ftr.rectification._bootstrap_t import BootstrapT
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._error_terms import Shape
from sklearn_ftr.rectification._inference import Alternative, ConfidenceInterval, Estimate
from sklearn_ftr.rectification._skewed import (
    SkewedT,
    skewed_beyond_chance,
    with_effective_degrees,
)

if TYPE_CHECKING:
    from sklearn_ftr.rectification._contrast import ContrastResult
    from sklearn_ftr.rectification._estimate_by_method import EstimateByMethod
    from sklearn_ftr.rectification._result import RectifiedResult

# From about this many labels on intervals of coefficients cover 93 % (docs/which_interval.md).
_TRUSTED = 18
METHODS = ("auto", "t", "skewed", "share", "bootstrap-t")
_NEEDS = {
    "skewed": "influence values of rows",
    "share": "means of labels that are all 0 or 1",
    "bootstrap-t": "influence values of rows",
}
_NAMES = {
    "t": "Student t",
    "skewed": "Student t corrected for skewness",
    "share": "share",
    "bootstrap-t": "bootstrap-t",
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


def chosen(answer: EstimateByMethod, method: str) -> Chosen:
    """The method that is asked for; "auto" is what suits the labels."""
    if check_method(method) == "auto":
        return _suitable(answer)
    available = _available(answer)
    if method not in available:
        raise ValueError(
            f"The interval {method!r} needs {_NEEDS[method]}; available for this {answer.estimand}: {', '.join(available)}."
        )
    return Chosen(method, _NAMES[method], available[method]())


def _available(answer: EstimateByMethod) -> Mapping[str, Callable[[], Inference]]:
    """What the evidence allows."""
    student, shares, terms = _student(answer), answer.shares, answer._error_terms
    methods: dict[str, Callable[[], Inference]] = {"t": lambda: student}
    if terms is not None:
        methods["skewed"] = lambda: _skewed(student, terms.shape(answer.standard_error))
        methods["bootstrap-t"] = lambda: BootstrapT(student, terms.of_labels, terms.pool_variance)
    return methods | ({} if shares is None else {"share": lambda: shares})


def _student(answer: Estimate) -> Estimate:
    return Estimate(answer.estimate, answer.covariance, answer.degrees_of_freedom)


def _skewed(student: Estimate, shape: Shape) -> SkewedT:
    """With all skewness that there is."""
    return SkewedT(with_effective_degrees(student, shape), shape.skewness)


def _suitable(answer: EstimateByMethod) -> Chosen:
    """What "auto" means, and why."""
    if answer.shares is not None:
        return Chosen("share", f"{_NAMES['share']} (labels are 0 or 1)", answer.shares)
    student, shape = _student(answer), answer._shape
    if shape is None:
        return Chosen("t", _NAMES["t"], student)
    unlike = "" if not shape.has_effective_degrees else " with effective degrees of freedom"
    skewed = skewed_beyond_chance(student, shape)
    if not skewed.skewness.any():
        return Chosen("t", f"{_NAMES['t']}{unlike}", skewed.student)
    told = _told(skewed.skewness, answer.names)
    return Chosen("skewed", f"{_NAMES['skewed']} ({told}){unlike}", skewed)


def _told(skewness: Array, names: tuple[str, ...]) -> str:
    """Skewness of which numbers; of others it is none beyond chance."""
    if len(skewness) == 1:
        return f"{skewness[0]:.2g}"
    labels = names or range(len(skewness))
    return ", ".join(f"{label}: {one:.2g}" for label, one in zip(labels, skewness, strict=True) if one)


def of_labels_only(result: EstimateByMethod) -> Inference:
    """What labels alone say, by the method that the result has been asked for where there is enough to know of them."""
    alone, shape = result.labels_only, result.labels_shape
    if result.labels_shares is not None and result.interval in ("auto", "share"):
        return result.labels_shares
    if shape is None or result.interval not in ("auto", "skewed"):
        return alone
    if result.interval == "auto":
        return skewed_beyond_chance(alone, shape)
    return _skewed(alone, shape)


def few_labels(result: RectifiedResult | ContrastResult) -> list[str]:
    """A sentence where few labels decide on a coefficient, or on a group of a difference."""
    shape = result._shape
    decide = {name: float(part.n_rectify) for name, part in result.parts.items()}
    if shape is not None and not shape.are_alike:
        decide = dict(zip(result.names, shape.effective_labels, strict=False))
    few = [f"{name} (about {number:.0f})" for name, number in decide.items() if number < _TRUSTED]
    return [f"Too few labels to trust the interval: {', '.join(few)}"] if few else []
