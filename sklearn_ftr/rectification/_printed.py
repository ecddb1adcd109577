"""How a result looks: a table of text, of HTML, of pandas, and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_ftr._short_repr import some_of
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._intervals import Inference, of_labels_only

if TYPE_CHECKING:
    from sklearn_ftr.rectification._estimate_in_tables import EstimateInTables
    from sklearn_ftr.rectification._inference import Estimate
    from sklearn_ftr.rectification._result import RectifiedResult


# Below this efficiency the gain is smaller than anybody would train a model for.
_WORTHWHILE_EFFICIENCY = 1.05


def rows_of_result(result: EstimateInTables) -> list[list[str]]:
    """A header, and a row for each number of each answer."""
    answers: dict[str, tuple[Estimate | None, Any]] = {
        "rectified": (result, result),
        "labels only": (result.labels_only, of_labels_only(result)),
        "predictions only": (result.predictions_only, result.predictions_only),
    }
    rows = [
        row
        for name, (answer, inference) in answers.items()
        if answer is not None
        for row in _answer_rows(result, name, answer, inference)
    ]
    return [_header_of(result), *rows]


def rows_for_papers(result: EstimateInTables) -> list[list[str]]:
    """A header, and a row for each number with its efficiency."""
    numbers = _numbers_of_answer(result, result, result)
    gains = (f"{one:.2f}" for one in np.atleast_1d(result.efficiency))
    names = map(str, index_of_result(result))
    rows = [[name, *told, gain] for name, told, gain in zip(names, numbers, gains, strict=True)]
    return [[*_header_of(result), "efficiency"], *rows]


def _header_of(result: EstimateInTables) -> list[str]:
    return ["", "estimate", "std. error", f"{100 * result.confidence_level:g} % interval"]


def _answer_rows(
    result: EstimateInTables, name: str, answer: Estimate, inference: Inference
) -> list[list[str]]:
    numbers = _numbers_of_answer(result, answer, inference)
    labels = [f"{name} [{i}]" for i in result.names or range(len(numbers))]
    return [
        [label if len(numbers) > 1 else name, *told]
        for label, told in zip(labels, numbers, strict=True)
    ]


def _numbers_of_answer(
    result: EstimateInTables, answer: Estimate, inference: Inference
) -> list[tuple[str, str, str]]:
    """Estimate, standard error and interval of each number."""
    ends = inference.confidence_interval(result.confidence_level)
    low, high = (np.atleast_1d(end) for end in ends)
    center, error = np.atleast_1d(answer.estimate), np.atleast_1d(answer.standard_error)
    return [
        (
            f"{center[i]:.{d}f}",
            f"{error[i]:.{d + 1}f}",
            f"[{low[i]:.{d}f}, {high[i]:.{d}f}]",
        )
        for i, d in enumerate(decimals_of(result))
    ]


def verdict_of(result: EstimateInTables) -> str:
    """One sentence on what the predictions were worth."""
    if result.is_complete:
        return "Every row of the population has a label: nothing is left to estimate."
    if result.n_unlabeled == 0:
        return "No unlabeled rows: this is the labels-only answer."
    if result.zero_width:
        return "Some interval has zero width: labels and predictions leave no variance, so it says nothing."
    gains = np.atleast_1d(result.efficiency)
    span = span_of(gains, ".2f")
    if gains.max() < 1 / _WORTHWHILE_EFFICIENCY:
        return f"Labels alone are better (efficiency {span}); tune lambda or fine-tune on fewer labels."
    if gains.max() < _WORTHWHILE_EFFICIENCY:
        return f"Labels alone are as good (efficiency {span})."
    sizes = np.atleast_1d(result.effective_sample_size)
    return (
        f"Each label counts {span} times: {result.n_labeled} labels do the work of "
        f"{span_of(sizes, '.0f')}."
    )


def decimals_of(result: EstimateInTables) -> list[int]:
    """Decimals that show two significant digits of each standard error."""
    standard_errors = np.atleast_1d(result.standard_error)
    usual = np.where((standard_errors > 0) & np.isfinite(standard_errors), standard_errors, 0.01)
    return [max(0, int(1 - np.floor(np.log10(error)))) for error in usual]


def index_of_result(result: Any) -> Any:
    """What rows of a data frame are called: the numbers' names, or what the only number is."""
    k = np.size(result.estimate)
    return list(result.names) or ([result.estimand] if k == 1 else range(k))


def as_json(result: RectifiedResult, indent: int | None) -> str:
    """All that a result says, in JSON as the standard has it, without NaN and Infinity."""
    return json_of(_told(result), indent)


def json_of(told: Mapping[str, Any], indent: int | None) -> str:
    """Numbers, texts and arrays by name, in JSON."""
    return json.dumps(_plain(told), indent=indent, allow_nan=False)


def _told(result: RectifiedResult) -> dict[str, Any]:
    levels = getattr(result, "quantiles", None)
    return {
        "estimand": result.estimand,
        "names": list(result.names),
        **({} if levels is None else {"levels": levels.levels}),
        **result.to_dict(),
        "interval_method": result.interval_method,
        "covariance": result.covariance,
        "verdict": result.verdict(),
        "parts": {name: _told(part) for name, part in result.parts.items()},
    }


def _plain(value: Any) -> Any:
    """Python's lists, numbers and texts; NaN is None, and infinite numbers are texts that `float` reads."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def numbers_of(values: Any) -> str:
    rows = np.atleast_1d(values)
    if rows.ndim == 2:
        return ", ".join(f"({numbers_of(row)})" for row in rows)
    return ", ".join(f"{value:.4g}" for value in rows)


def few_of(values: Any) -> str:
    """The first of many numbers."""
    return some_of(np.atleast_1d(values), ".4g")


def shown_span(values: Any) -> str | None:
    """From the smallest to the largest of several numbers, of judges as well; None if there are none."""
    return None if values is None else span_of(np.atleast_1d(values), ".2f")


def span_of(values: Array, form: str) -> str:
    low, high = format(values.min(), form), format(values.max(), form)
    return low if low == high else f"{low} to {high}"
