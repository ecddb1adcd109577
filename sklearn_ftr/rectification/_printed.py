"""How a result looks: a table of text, of HTML, of pandas, and JSON."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._intervals import Inference, of_labels_only

if TYPE_CHECKING:
    from sklearn_ftr.rectification._estimate_in_tables import EstimateInTables
    from sklearn_ftr.rectification._inference import Estimate
    from sklearn_ftr.rectification._result import RectifiedResult


# Below this efficiency the gain is smaller than anybody would train a model for.
_WORTHWHILE_EFFICIENCY = 1.05


def text_table(title: str, rows: Sequence[Sequence[str]], notes: Sequence[str]) -> str:
    """Columns under the header that is the first of the rows, between rules."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    rule = "-" * len(lines[0])
    return "\n".join([title, rule, lines[0], rule, *lines[1:], rule, *notes])


def html_table(title: str, rows: Sequence[Sequence[str]], notes: Sequence[str]) -> str:
    """The same for notebooks."""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[1:]
    )
    below = "<br>".join(html.escape(note) for note in notes)
    return (
        f"<table><caption>{html.escape(title)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{below}</p>"
    )


def rows_of_result(result: EstimateInTables) -> list[list[str]]:
    """A header, and a row for each number of each answer."""
    header = ["", "estimate", "std. error", f"{100 * result.confidence_level:g} % interval"]
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
    return [header, *rows]


def _answer_rows(
    result: EstimateInTables, name: str, answer: Estimate, inference: Inference
) -> list[list[str]]:
    ends = inference.confidence_interval(result.confidence_level)
    low, high = (np.atleast_1d(end) for end in ends)
    center, error = np.atleast_1d(answer.estimate), np.atleast_1d(answer.standard_error)
    digits = _decimals(np.atleast_1d(result.standard_error))
    labels = [f"{name} [{i}]" for i in result.names or range(len(center))]
    return [
        [
            labels[i] if len(center) > 1 else name,
            f"{center[i]:.{d}f}",
            f"{error[i]:.{d + 1}f}",
            f"[{low[i]:.{d}f}, {high[i]:.{d}f}]",
        ]
        for i, d in enumerate(digits)
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
    span = _span_of(gains, ".2f")
    if gains.max() < 1 / _WORTHWHILE_EFFICIENCY:
        return f"Labels alone are better (efficiency {span}); tune lambda or fine-tune on fewer labels."
    if gains.max() < _WORTHWHILE_EFFICIENCY:
        return f"Labels alone are as good (efficiency {span})."
    sizes = np.atleast_1d(result.effective_sample_size)
    return (
        f"Each label counts {span} times: {result.n_labeled} labels do the work of "
        f"{_span_of(sizes, '.0f')}."
    )


def _decimals(standard_errors: Array) -> list[int]:
    """Decimals that show two significant digits of each standard error."""
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


def _span_of(values: Array, form: str) -> str:
    low, high = format(values.min(), form), format(values.max(), form)
    return low if low == high else f"{low} to {high}"
