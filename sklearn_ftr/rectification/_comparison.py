"""What `compare` returns: columns of results, and the table that they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from sklearn_ftr._printed_table import PrintedTable
from sklearn_ftr._short_repr import brief, told
from sklearn_ftr._shows_table import ForPapers
from sklearn_ftr._tables import import_pandas
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._estimate_in_tables import EstimateInTables
from sklearn_ftr.rectification._inference import ConfidenceInterval, Estimate
from sklearn_ftr.rectification._intervals import of_labels_only
from sklearn_ftr.rectification._printed import decimals_of, index_of_result, shown_span

BENEATH = ("standard error", "interval")


@dataclass(frozen=True, eq=False, repr=False)
class Column:
    """The numbers of one result.

    Attributes
    ----------
    name, estimand : str
    rows : tuple of str, of length k
        Names of the numbers.
    estimate, standard_error, low, high, efficiency : ndarray of shape (k,)
    decimals : list of int, of length k
    n_labeled : int
    n_unlabeled : int or None
        None of labels only.
    lambda_ : str or None
        From the smallest to the largest; None where there is none.
    """

    name: str
    estimand: str
    rows: tuple[str, ...]
    estimate: Array
    standard_error: Array
    low: Array
    high: Array
    efficiency: Array
    decimals: list[int]
    n_labeled: int
    n_unlabeled: int | None
    lambda_: str | None

    @classmethod
    def of(cls, result: EstimateInTables, name: str, level: float) -> Self:
        """The rectified answer."""
        ends = result.confidence_interval(level)
        lambdas = shown_span(getattr(result, "lambda_", None))
        return cls._made(result, name, result, ends, result.efficiency, result.n_unlabeled, lambdas)

    @classmethod
    def of_labels(cls, result: EstimateInTables, name: str, level: float) -> Self:
        """What labels alone say, with as many decimals."""
        ends = of_labels_only(result).confidence_interval(level)
        ones = np.ones(result.covariance.shape[0])
        return cls._made(result, name, result.labels_only, ends, ones, None, None)

    @classmethod
    def _made(
        cls,
        result: EstimateInTables,
        name: str,
        answer: Estimate,
        ends: ConfidenceInterval,
        efficiency: Any,
        n_unlabeled: int | None,
        lambda_: str | None,
    ) -> Self:
        numbers = (answer.estimate, answer.standard_error, *ends, efficiency)
        estimate, error, low, high, gains = map(np.atleast_1d, numbers)
        return cls(
            name=name,
            estimand=result.estimand,
            rows=tuple(map(str, index_of_result(result))),
            estimate=estimate,
            standard_error=error,
            low=low,
            high=high,
            efficiency=gains,
            decimals=decimals_of(result),
            n_labeled=result.n_labeled,
            n_unlabeled=n_unlabeled,
            lambda_=lambda_,
        )

    def cells(self, row: str, beneath: str) -> tuple[str, str]:
        """The estimate of a number, and what stands beneath it; nothing if it is not there."""
        if row not in self.rows:
            return "", ""
        i = self.rows.index(row)
        d = self.decimals[i]
        below = f"[{self.low[i]:.{d}f}, {self.high[i]:.{d}f}]"
        if beneath == "standard error":
            below = f"({self.standard_error[i]:.{d + 1}f})"
        return f"{self.estimate[i]:.{d}f}", below


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(ForPapers, Versioned):
    """Results side by side: what `compare` returns. Prints as a table.

    Attributes
    ----------
    columns : tuple of Column
        One for each result, with `name`, `rows` and numbers.
    confidence_level : float
        Of intervals.
    beneath : {"standard error", "interval"}
        What stands beneath each estimate.
    """

    columns: tuple[Column, ...]
    confidence_level: float
    beneath: str

    @property
    def rows(self) -> list[str]:
        """Names of all numbers, in the order in which they come."""
        return list(dict.fromkeys(row for column in self.columns for row in column.rows))

    def to_frame(self) -> Any:
        """The numbers as a pandas DataFrame (extra `frames`).

        Returns
        -------
        DataFrame
            A row for each number; columns are pairs of a result's name and "estimate", "standard error", "low", "high" or "efficiency". NaN where a
            result has no such number.
        """
        pandas = import_pandas("to_frame()")
        names = ("estimate", "standard_error", "low", "high", "efficiency")
        frames = {
            column.name: pandas.DataFrame(
                {name.replace("_", " "): getattr(column, name) for name in names}, index=column.rows
            ).reindex(self.rows)
            for column in self.columns
        }
        return pandas.concat(frames, axis=1)

    def __repr__(self) -> str:
        names = [column.name for column in self.columns]
        return told(self, f"{brief(names)}, numbers {brief(self.rows)}")

    def _table(self) -> PrintedTable:
        rows = []
        for row in self.rows:
            cells = [column.cells(row, self.beneath) for column in self.columns]
            rows += [[row, *(above for above, _ in cells)], ["", *(below for _, below in cells)]]
        header = ["", *(column.name for column in self.columns)]
        return PrintedTable("", header, rows, [self._note()], self._foot())

    def _foot(self) -> list[list[str]]:
        """What the columns are of, where they are not alike, and how large samples and gains are."""
        lines: dict[str, Callable[[Column], str]] = {
            "labels": lambda one: f"{one.n_labeled:,}",
            "pool": lambda one: "" if one.n_unlabeled is None else f"{one.n_unlabeled:,}",
            "lambda": lambda one: one.lambda_ or "",
            "efficiency": lambda one: shown_span(one.efficiency) or "",
        }
        if len({column.estimand for column in self.columns}) > 1:
            lines = {"estimand": lambda one: one.estimand, **lines}
        return [[name, *map(say, self.columns)] for name, say in lines.items()]

    def _note(self) -> str:
        if self.beneath == "interval":
            return f"In brackets: {100 * self.confidence_level:g} % intervals."
        return "In parentheses: standard errors."
