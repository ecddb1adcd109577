"""Predictions out of sample, which stage 1 hands to stage 2: of labeled rows that did not train a model, and of the pool."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from sklearn_ftr._sklearn_private import num_samples
from sklearn_ftr.estimators._dask_rows import DaskRows
from sklearn_ftr.estimators._inner_model import mean_prediction
from sklearn_ftr.estimators._judges import BoundJudges, Judges
from sklearn_ftr.estimators._more_rows import MoreRows
from sklearn_ftr.estimators._predicted_pool import PredictedPart, PredictedPool
from sklearn_ftr.estimators._streamed_pool import ChainedPool, Predicting, StreamedPool
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._pool import Pool, PoolOfParts

Rows = NDArray[np.intp]
# A part of the pool with fewer rows has a mean too uncertain to align a model by.
SMALLEST_PART = 10


@dataclass(frozen=True)
class OutOfSample:
    """What stage 2 needs: each model's predictions of labeled rows that it has not seen, and of the pool.

    Attributes
    ----------
    models : sequence of estimators
        One, or one for each fold.
    finetune_rows : ndarray of int
        Rows that have only trained; empty under cross-fitting, where every label also rectifies.
    folds, of_folds : sequences of ndarray (r_k,) and (r_k, k)
        Rectification rows of each model, and its predictions of them.
    parts : sequence of PredictedPart
        Unlabeled rows: all of them, which all models predict, or a part for each model.
    predicting, more : Predicting and MoreRows, or None
        How rows beside those of the fit are predicted, and these rows.
    judges : BoundJudges or None
        Whose columns follow in the predictions.
    """

    models: Sequence[BaseEstimator]
    finetune_rows: Rows
    folds: Sequence[Rows]
    of_folds: Sequence[Array]
    parts: Sequence[PredictedPart]
    predicting: Predicting | None = None
    more: MoreRows | DaskRows | None = None
    judges: BoundJudges | None = None

    @property
    def n_finetune(self) -> int:
        """Labels that trained each model; under cross-fitting on average."""
        if len(self.models) == 1:
            return len(self.finetune_rows)
        sizes = [len(fold) for fold in self.folds]
        return round(sum(sizes) - np.mean(sizes))

    @property
    def shares(self) -> Array:
        """Weight (K,) of each model in a prediction for new rows."""
        return fold_shares(self.folds)

    @cached_property
    def rectify_rows(self) -> Rows:
        """Rows that rectify, fold by fold."""
        return np.concatenate(self.folds)

    @property
    def pool_rows(self) -> Rows:
        """Rows of the pool, in the order of their predictions."""
        rows = [part.rows for part in self.parts]
        return np.asarray(rows[0]) if len(rows) == 1 else np.concatenate(rows)

    @property
    def n_pool(self) -> int:
        """How many these are."""
        return sum(map(len, self.parts)) + (0 if self.more is None else len(self.more))

    @property
    def predictions(self) -> Array:
        """Predictions (r, k) of the rectification rows."""
        return np.concatenate(self.of_folds)

    def pool(
        self,
        shares: Array,
        kept: Any,
        design_of: Callable[[Rows], Design] | None,
        covariates_of: Callable[[Any], Design] | None = None,
        read_once: bool = False,
        own_models: Rows | None = None,
    ) -> Pool:
        """The pool as stage 2 reads it, of which some rows (m,) are `kept`, by the average of all models with the weights `shares`.

        Where each row is predicted by one model, `own_models` (n_pieces,) says which has not seen the labels in each cluster, or -1. With covariates,
        from `design_of` and, of rows beside those of the fit, `covariates_of`, it is read more than once, unless told otherwise.
        """
        parts, more = list(self.parts), self.more
        if not isinstance(kept, slice):  # one model only
            n = len(parts[0])
            parts, more = [parts[0].only(kept[:n])], more if kept[n:].any() else None
        if design_of and not read_once:
            parts = [part.in_memory_or_on_disk() for part in parts]
        if len(parts) == 1:
            pool: Pool = PredictedPool(parts[0], shares, design_of)
        else:
            pool = PoolOfParts([PredictedPool(part, np.ones(1), design_of) for part in parts])
        if more is None or self.predicting is None:
            return pool
        predicting = replace(self.predicting, covariates_of=covariates_of, own=own_models)
        if predicting.apart is None:
            predicting = replace(predicting, shares=shares)
        streamed = StreamedPool(more, predicting)
        return ChainedPool(pool, streamed) if len(pool) else streamed

    @property
    def n_indicators(self) -> int:
        """How many columns of the predictions say which rows a judge has answered."""
        return 0 if self.judges is None else len(self.judges.judges.indicators)

    @property
    def fold_sizes(self) -> tuple[int, ...]:
        """Rectification rows of each model; empty without cross-fitting."""
        return tuple(map(len, self.folds)) if len(self.models) > 1 else ()

    @property
    def fitted_models(self) -> FittedModels:
        """The models for other rows."""
        judges = None if self.judges is None else self.judges.judges
        n_outputs = 1 if judges else self.of_folds[0].shape[1]
        return FittedModels(self.models, self.shares, n_outputs, judges)

    def beside(self, judges: BoundJudges | None) -> OutOfSample:
        """With the judges' columns, if there are any, after those of the models."""
        if judges is None:
            return self
        of_folds = [
            np.hstack([f, judges.judgements[rows]])
            for f, rows in zip(self.of_folds, self.folds, strict=True)
        ]
        parts = [replace(part, judgements=judges.judgements) for part in self.parts]
        more = self.predicting and replace(self.predicting, judges=judges.judges)
        return replace(self, of_folds=of_folds, parts=parts, predicting=more, judges=judges)

    def within(self, rows: NDArray[np.bool_], with_pool: bool = True) -> OutOfSample:
        """The same for some rows only, of all (n_rows,); without rows of the pool, where what they say is known."""
        in_folds = [rows[fold] for fold in self.folds]
        return replace(
            self,
            finetune_rows=self.finetune_rows[rows[self.finetune_rows]],
            folds=[part[kept] for part, kept in zip(self.folds, in_folds, strict=True)],
            of_folds=[f[kept] for f, kept in zip(self.of_folds, in_folds, strict=True)],
            parts=[part.only(rows[np.asarray(part.rows)]) for part in self.parts] if with_pool else [],
        )

    def mapped(self, function: Callable[[Array], Array]) -> OutOfSample:
        """The same with a function of the predictions in their place."""
        of_folds = [function(f) for f in self.of_folds]
        parts = [replace(part, functions=[*part.functions, function]) for part in self.parts]
        more = self.predicting
        more = more and replace(more, functions=[*more.functions, function])
        return replace(self, of_folds=of_folds, parts=parts, predicting=more)


def fold_shares(folds: Sequence[Rows]) -> Array:
    """Share (K,) of the labels in each fold."""
    sizes = np.array([len(rows) for rows in folds], dtype=float)
    return sizes / sizes.sum()


@dataclass(frozen=True)
class FittedModels:
    """The models of a fit, and their weights (K,) in a prediction of k numbers for new rows."""

    models: Sequence[BaseEstimator]
    shares: Array
    n_outputs: int
    judges: Judges | None = None

    def predict(self, X: Any, rows: Rows) -> list[Array]:
        """Each model's predictions (len(rows), k), and beside them what judges say."""
        predictions = [mean_prediction(model, X, rows, self.n_outputs) for model in self.models]
        if self.judges is None:
            return predictions
        judged = self.judges.read(X)[rows]
        return [np.hstack([f, judged]) for f in predictions]

    def average_prediction(self, X: Any) -> Array:
        """Predictions (n_rows, k) of all models for all rows of X."""
        return np.tensordot(self.shares, self.predict(X, np.arange(num_samples(X))), axes=1)
