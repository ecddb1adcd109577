"""Predictions of labeled rows and of the pool as users have them: by one judge or by several, some of whom have not answered every row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._arguments import check_choice
from sklearn_ftr._tables import check_column_order
from sklearn_ftr.rectification._checks import (
    Array,
    as_pool_array,
    as_real_array,
    check_judgements,
    check_lambda,
)
from sklearn_ftr.rectification._columns_of_blocks import ExpectedColumns
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._judge_weights import MOST_JUDGES
from sklearn_ftr.rectification._pool import ArrayPool, Pool
from sklearn_ftr.rectification._pool_moments import PoolMoments
from sklearn_ftr.rectification._pool_source import has_blocks, read_as_rows, source_of
from sklearn_ftr.rectification._source_pool import SourcePool, SummarizedPool

Values = NDArray[np.floating[Any]]
_MISSING = ("refuse", "indicator")


@dataclass(frozen=True, eq=False)
class Judgements:
    """Predictions f (r, k j) of labeled rows by j judges, those of the first number first, and the pool's: an array (m, k j) or (m,), or a `Pool`.

    `n_given` of the j are judges; the others, indicators, say which rows a judge has answered.
    """

    f: Array
    pool: Any
    n_judges: int
    n_given: int

    @property
    def n_indicators(self) -> int:
        """How many of the j are no judges."""
        return self.n_judges - self.n_given

    def as_pool(self, X: Design | None = None) -> Pool:
        """As stage 2 reads it."""
        return self.pool if isinstance(self.pool, Pool) else ArrayPool([self.pool], X)

    def check_lambda(
        self, lambda_: ArrayLike | str | None, k: int, numbers: str = "outputs", overall: bool = False
    ) -> Array | str | None:
        """Weights (k,), or (k, j) of several judges; None to tune them. Indicators of answers get 0."""
        if self.n_judges == 1:
            return check_lambda(lambda_, k, numbers, overall)
        if isinstance(lambda_, str) and lambda_ == "overall" and overall:
            raise ValueError(
                f'lambda_ is "overall" and there are {self.n_judges} judges; expected None, which weighs them for each of the {numbers}, or weights.'
            )
        j = self.n_given
        if np.asarray(lambda_).shape == (k, j) or (j == 1 and np.asarray(lambda_).shape == (k,)):
            given = check_lambda(np.ravel(np.asarray(lambda_)), k * j, "weights")
        else:
            of_each = f" (or of shape ({k}, {j}), for each of the {numbers})" if k > 1 else ""
            given = check_lambda(lambda_, j, f"judges{of_each}")
        if given is None or isinstance(given, str):
            return given
        weights = np.broadcast_to(given.reshape(-1, j), (k, j))
        return np.hstack([weights, np.zeros((k, self.n_indicators))])


def read_judgements(
    f: ArrayLike,
    f_unlabeled: Any,
    labels: tuple[int, ...],
    missing_judgements: str = "refuse",
    several_outputs: bool = False,
) -> Judgements:
    """Predictions for labels of shape (r,) or (r, k): of the same shape, or with one dimension more, the last of which are judges."""
    check_choice(missing_judgements, "missing_judgements", _MISSING)
    check_column_order(f, f_unlabeled, "f", "f_unlabeled")
    most = len(labels) + 1
    of_rows = as_real_array(f, "f", most)
    in_rows = not (has_blocks(f_unlabeled) or isinstance(f_unlabeled, PoolMoments))
    with read_as_rows(f_unlabeled):
        pool = as_pool_array(f_unlabeled, "f_unlabeled", most) if in_rows else of_rows[:0]
        _check_shapes(of_rows, pool, labels)
    k = math.prod(labels[1:])
    n_given = of_rows.shape[-1] if of_rows.ndim == most else 1
    of_rows = of_rows.reshape(len(of_rows), k * n_given)
    pool = pool.reshape(len(pool), k * n_given) if len(pool) else np.empty((0, k * n_given))
    n_judges = n_given
    if missing_judgements == "indicator":
        _check_in_rows(in_rows)
        of_rows, pool, n_judges = _with_indicators(of_rows, pool, k)
    if n_judges > MOST_JUDGES:
        raise ValueError(
            f"f has {n_given} judges{f' and {n_judges - n_given} indicators of their answers' * (n_judges > n_given)}; expected at most {MOST_JUDGES}. Leave out the "
            "weakest, or average those that are alike."
        )
    numbers = check_judgements(of_rows, "f").astype(np.float64, copy=False)
    if isinstance(f_unlabeled, PoolMoments):
        return Judgements(numbers, SummarizedPool(f_unlabeled, k * n_given), n_judges, n_given)
    if not in_rows:
        expected = ExpectedColumns.of(f, "f", k * n_given)
        return Judgements(numbers, SourcePool(source_of(f_unlabeled), expected), n_judges, n_given)
    return Judgements(numbers, pool[:, 0] if pool.shape[1] == 1 else pool, n_judges, n_given)


def _check_in_rows(in_rows: bool) -> None:
    if not in_rows:
        raise ValueError(
            'missing_judgements="indicator" needs all predictions of the pool at once, and they come in blocks or as moments; pass an array, or fill what is missing.'
        )


def _check_shapes(f: Values, pool: Values, labels: tuple[int, ...]) -> None:
    if f.shape[: len(labels)] != labels:
        raise ValueError(
            f"y has shape {labels} and f has shape {f.shape}; expected the same "
            "shape: one prediction for each label, or a last dimension more for several judges."
        )
    alike = pool.shape[1:] == f.shape[1:] or {pool.shape[1:], f.shape[1:]} == {(), (1,)}
    if len(pool) and not alike:
        raise ValueError(
            f"f_unlabeled has shape {pool.shape} and f has shape {f.shape}; expected the same "
            "number of columns."
        )


def _with_indicators(f: Values, pool: Values, k: int) -> tuple[Values, Values, int]:
    """Missing judgements become the judge's mean, and who has answered a judge of its own: valid if labels were drawn at random.

    Indicators that say the same of all rows are one.
    """
    j = f.shape[1] // k
    answered, of_pool = ~np.isnan(f), ~np.isnan(pool)
    every = np.concatenate([answered, of_pool])
    for name, known in (("f", answered), ("f_unlabeled", of_pool)):
        if len(known) and not known.any(axis=0).all():
            raise ValueError(
                f"{name} has judges without any answer ({len(known)} rows); leave them out."
            )
    means = np.nansum(np.concatenate([f, pool]), axis=0, dtype=np.float64) / every.sum(axis=0)
    filled = [np.where(known, rows, means) for known, rows in ((answered, f), (of_pool, pool))]
    indicators = distinct_indicators(~every)
    if not len(indicators):
        return f, pool, j
    columns = [
        np.concatenate(
            [
                rows.reshape(len(rows), k, j),
                np.repeat(known[:, None, indicators].astype(float), k, axis=1),
            ],
            axis=2,
        ).reshape(len(rows), k * (j + len(indicators)))
        for rows, known in zip(filled, (answered, of_pool), strict=True)
    ]
    return columns[0], columns[1], j + len(indicators)


def distinct_indicators(missing: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Judges (columns) that have not answered some rows, one for all that have answered the same."""
    partly = np.flatnonzero(missing.any(axis=0))
    _, first = np.unique(missing[:, partly], axis=1, return_index=True)
    return partly[np.sort(first)]
