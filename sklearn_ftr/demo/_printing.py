"""Tables and notes that the command line prints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sklearn_ftr._printed_table import PrintedTable
from sklearn_ftr.demo._study import LABELS_ONLY, PREDICTIONS_ONLY, Answer, Calibration, holds

_HEADER = ("", "estimate", "95 % interval", "efficiency")
# A number longer than this would break every table.
_LARGEST_PLAIN = 1e15


def print_answers(answers: Sequence[Answer], truth: float | None) -> None:
    """One line for each method; with a truth also whether the interval holds it."""
    decimals = _decimals(answers)
    rows = [_HEADER, *(_cells(answer, decimals) for answer in answers)]
    if truth is not None:
        verdicts = ("yes" if holds(answer.estimate, truth) else "NO" for answer in answers)
        rows = [(*row, last) for row, last in zip(rows, ("holds truth", *verdicts), strict=True)]
    header, *cells = rows
    print(PrintedTable("", header, cells).text())
    if any(answer.method == PREDICTIONS_ONLY for answer in answers):
        print("The interval of predictions only does not know how biased the predictions are.")


def print_calibration(rows: Sequence[Calibration]) -> None:
    """How often each method's interval held the truth, and what its labels were worth."""
    cells = [
        [
            row.method,
            f"{100 * row.coverage:.1f} % +- {100 * row.coverage_error:.1f}",
            "" if row.method == LABELS_ONLY else f"{row.efficiency:.2f} +- {row.efficiency_error:.2f}",
        ]
        for row in rows
    ]
    print(PrintedTable("", ["", "interval holds truth", "efficiency"], cells).text())
    print(
        "\nEfficiency: the squared error of labels only over this method's; 1.5 means that each label\n"
        "counts 1.5 times. +- is one Monte Carlo standard error. Intervals are for the population that the\n"
        "texts come from; for the mean of just these they are a little too wide, so 95 % or more is right."
    )


def _decimals(answers: Sequence[Answer]) -> int:
    """Three, but more where standard errors are small and fewer where they are large."""
    error = answers[0].estimate.standard_error
    if not np.isfinite(error) or error <= 0:
        return 3
    return 0 if error >= 1_000 else int(np.clip(1 - np.floor(np.log10(error)), 3, 12))


def _cells(answer: Answer, decimals: int) -> tuple[str, ...]:
    low, high = answer.estimate.confidence_interval(0.95)
    estimate, low, high = (_number(value, decimals) for value in (answer.estimate.estimate, low, high))
    efficiency = "" if np.isnan(answer.efficiency) else f"{answer.efficiency:.2f}"
    return answer.method, estimate, f"[{low}, {high}]", efficiency


def _number(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if abs(value) < _LARGEST_PLAIN else f"{value:.6g}"
