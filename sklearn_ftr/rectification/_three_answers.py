"""What labels alone, predictions alone and both together say, each with the interval that it has: numbers for pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._estimate_by_method import EstimateByMethod
from sklearn_ftr.rectification._inference import Estimate
from sklearn_ftr.rectification._intervals import Inference, of_labels_only


def three_answers(
    result: Any, confidence_level: float | None, simultaneous: bool
) -> dict[str, Array | None]:
    """Estimate and both ends (k, 3) of "rectified", "labels_only" and "predictions_only", by the result's own method of intervals; None for what there is not.

    With `simultaneous` the k intervals of each answer hold at once, by the correlation of its own estimates.
    """
    level = result.confidence_level if confidence_level is None else confidence_level
    answers: dict[str, tuple[Estimate | None, Inference | None]] = {
        "rectified": (result, None),
        "labels_only": (result.labels_only, of_labels_only(result)),
        "predictions_only": (result.predictions_only, result.predictions_only),
    }
    return {
        name: None if answer is None else _with_ends(answer, inference, level, simultaneous)
        for name, (answer, inference) in answers.items()
    }


def _with_ends(
    answer: Estimate, inference: Inference | None, level: float, simultaneous: bool
) -> Array:
    if inference is None:
        ends = answer.confidence_interval(level, simultaneous=simultaneous)
    else:
        of_each = answer._level_of_each(level, "two-sided", simultaneous)
        ends = inference.confidence_interval(of_each)
    return np.column_stack([np.atleast_1d(values) for values in (answer.estimate, *ends)])


def names_of(result: EstimateByMethod) -> list[str]:
    """A name (k,) for each number: its own, the estimand's of a single one, else their positions."""
    k = np.size(result.estimate)
    if len(result.names) == k:
        return list(result.names)
    return [result.estimand] if k == 1 else [str(number) for number in range(k)]
