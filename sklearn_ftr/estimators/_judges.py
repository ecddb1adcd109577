"""Judges: columns of X that are predictions already, and are rectified beside those of the trained predictor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.estimators._covariates import fit_part, read_judges
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.rectification._checks import Array, count_non_finite
from sklearn_ftr.rectification._judge_weights import MOST_JUDGES
from sklearn_ftr.rectification._judgements import distinct_indicators


@dataclass(frozen=True, eq=False)
class Judges:
    """What reads the judges' columns of any X.

    Parameters
    ----------
    reader : column names or positions, slice, mask, callable or transformer
    means : ndarray of shape (j,)
        Of the rows of the fit: what stands for judgements that are missing.
    indicators : ndarray of int
        Judges whose having answered is a judge of its own.
    values : tuple of two float
        Of such a judge: not answered, and answered; the smallest and the largest label.
    fills : bool
        Whether rows of the fit may lack judgements.
    """

    reader: Any
    means: Array
    indicators: NDArray[np.intp]
    values: tuple[float, float]
    fills: bool = True

    def read_pool(self, X: Any) -> Array:
        """Judgements of unlabeled rows, some of which may be missing if they may be in the fit."""
        judged = self.read(X)
        if not self.fills:
            missing = int(np.isnan(read_judges(self.reader, X)).sum())
            if missing:
                raise ValueError(_told_of_missing(f"{missing} NaN"))
        return judged

    def read(self, X: Any) -> Array:
        """Judgements (n_rows, j) of any X, with indicators."""
        judged = read_judges(self.reader, X)
        if judged.shape[1] != len(self.means):
            raise ValueError(
                f"X has {judged.shape[1]} columns of judges; expected the {len(self.means)} of fit."
            )
        return self.filled(judged)

    def filled(self, judged: Array) -> Array:
        """Judgements, some of which are missing, and who has answered."""
        answered = ~np.isnan(judged)
        of_answers = np.where(answered[:, self.indicators], self.values[1], self.values[0])
        return np.hstack([np.where(answered, judged, self.means), of_answers])


@dataclass(frozen=True, eq=False)
class BoundJudges:
    """Judges, and their judgements (n_rows, j) of all rows of a fit."""

    judges: Judges
    judgements: Array

    @classmethod
    def of(
        cls, part: Any, X: Any, labels: PartialLabels, missing_judgements: str
    ) -> BoundJudges | None:
        """From the columns that a user names; None if there are none."""
        if part is None:
            return None
        if labels.n_outputs > 1:
            raise ValueError(
                f"y has {labels.n_outputs} outputs and judges are given; expected one. Fit one estimator for each output."
            )
        reader = fit_part(part, X)
        judged = read_judges(reader, X)
        missing = np.isnan(judged)
        _check_answers(judged, missing, labels, missing_judgements)
        means, indicators = np.nanmean(judged, axis=0), distinct_indicators(missing)
        _check_number(len(means), len(indicators))
        y = labels.of_labeled_rows
        values = float(y.min()), float(y.max())
        judges = Judges(reader, means, indicators, values, missing_judgements == "indicator")
        return cls(judges, judges.filled(judged))


def _check_answers(
    judged: Array, missing: NDArray[np.bool_], labels: PartialLabels, missing_judgements: str
) -> None:
    if not judged.shape[1]:
        raise ValueError("judges names no column; expected some, or None.")
    if missing.any() and missing_judgements != "indicator":
        raise ValueError(_told_of_missing(count_non_finite(judged)))
    for side, rows in (("labeled", labels.labeled), ("unlabeled", labels.unlabeled)):
        if len(rows) and missing[rows].all(axis=0).any():
            raise ValueError(
                f"judges names columns without any answer (of {len(rows)} {side} rows); leave them out."
            )


def _told_of_missing(count: str) -> str:
    return (
        f"The columns of judges have {count}; expected finite numbers only. For a judge who has not answered every "
        'row, set missing_judgements="indicator".'
    )


def _check_number(n_judges: int, n_indicators: int) -> None:
    if n_judges + n_indicators + 1 > MOST_JUDGES:
        raise ValueError(
            f"There are {n_judges} judges, {n_indicators} indicators of their answers and the trained predictor; expected at most {MOST_JUDGES} "
            "in all. Leave out the weakest, or average those that are alike."
        )
