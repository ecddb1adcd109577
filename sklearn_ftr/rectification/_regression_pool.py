"""Moments of covariates and predictions in the place of a regression's pool."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn_ftr.rectification._linear_regression_moments import LinearRegressionMoments
from sklearn_ftr.rectification._moments import RowMoments
from sklearn_ftr.rectification._pool import Pool, PoolBlock
from sklearn_ftr.rectification._summed_pieces import SummedPieces

# Variances of scores lose the fourth power of this to rounding.
_MOST_LOST = 500.0


class SummarizedRegression(Pool):
    """A pool of which scores of least squares can be had at any coefficients."""

    def __init__(self, known: LinearRegressionMoments) -> None:
        self.known, self.n_columns = known, known.n_judges

    def __len__(self) -> int:
        return self.known.count

    def blocks(self) -> Iterator[PoolBlock]:
        """There are none any more."""
        raise ValueError(
            "The pool is given as LinearRegressionMoments, from which linear regressions can be had, but nothing that needs its rows; pass covariates and predictions."
        )

    def summarized(self, summary: Any) -> Any:
        """Scores, information and predictions, as `_pool_influence.PoolScores` adds them up."""
        known, points = self.known, summary.points
        matrix = summary.estimand.coordinates.matrix(known.origin)
        if known.lost(matrix) > _MOST_LOST:
            raise ValueError(
                "The columns of X are so nearly collinear, or so far from those of the pool, that products of them do not tell them apart; subtract a number that is near to "
                "a column before it is squared or multiplied, or pass rows, in arrays or in blocks."
            )
        scores, predictions = known.scores(matrix, points), known.predictions.of_pieces
        total = float(len(self)) if self.drawn is None else self.drawn.total
        self._see(summary.scores, scores)
        self._see(summary.predictions, predictions)
        summary.of_models += total * scores.mean
        summary.information += total * known.information(matrix)
        summary.total += total
        return summary

    def _see(self, sums: Any, pieces: SummedPieces) -> None:
        if self.drawn is None:
            of_rows = RowMoments(len(pieces.origin))
            of_rows.moments = pieces.as_rows
            sums.merge(of_rows)
        else:
            pieces.put_into(sums, self.drawn)


def refuse_regression_moments(**values: Any) -> None:
    """An error where an estimate needs rows."""
    for name, one in values.items():
        if isinstance(one, LinearRegressionMoments):
            raise ValueError(
                f"{name} is given as LinearRegressionMoments, from which linear regressions can be had, but nothing else; pass rows, in an array or in blocks."
            )
