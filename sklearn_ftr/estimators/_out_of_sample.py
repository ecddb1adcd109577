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
from sklearn_ftr.estimators._inner_model import mean_prediction
from sklearn_ftr.estimators._judges import BoundJudges, Judges
from sklearn_ftr.rectification._checks import Array

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
    pools, of_pools : sequences of ndarray (m_k,) and (m_k, k)
        The same for unlabeled rows: all of them, or a part for each model.
    whole_pools : bool
        Whether each model has predicted the whole pool.
    judges : BoundJudges or None
        Whose columns follow in the predictions.
    """

    models: Sequence[BaseEstimator]
    finetune_rows: Rows
    folds: Sequence[Rows]
    of_folds: Sequence[Array]
    pools: Sequence[Rows]
    of_pools: Sequence[Array]
    whole_pools: bool = True
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
        return self.pools[0] if self.whole_pools else np.concatenate(self.pools)

    @property
    def predictions(self) -> Array:
        """Predictions (r, k) of the rectification rows."""
        return np.concatenate(self.of_folds)

    def pool_predictions(self, shares: Array | None) -> Array:
        """Predictions (m, k) of the pool: by each row's own model, or the average of all with the weights `shares` (K,)."""
        if not self.whole_pools:
            return np.concatenate(self.of_pools)
        return self.of_pools[0] if shares is None else np.tensordot(shares, self.of_pools, axes=1)

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
        of_folds, of_pools = (
            [
                np.hstack([f, judges.judgements[part]])
                for f, part in zip(predictions, parts, strict=True)
            ]
            for predictions, parts in ((self.of_folds, self.folds), (self.of_pools, self.pools))
        )
        return replace(self, of_folds=of_folds, of_pools=of_pools, judges=judges)

    def within(self, rows: NDArray[np.bool_]) -> OutOfSample:
        """The same for some rows only, of all (n_rows,)."""
        in_folds, in_pools = ([rows[part] for part in parts] for parts in (self.folds, self.pools))
        return replace(
            self,
            finetune_rows=self.finetune_rows[rows[self.finetune_rows]],
            folds=[part[kept] for part, kept in zip(self.folds, in_folds, strict=True)],
            of_folds=[f[kept] for f, kept in zip(self.of_folds, in_folds, strict=True)],
            pools=[part[kept] for part, kept in zip(self.pools, in_pools, strict=True)],
            of_pools=[f[kept] for f, kept in zip(self.of_pools, in_pools, strict=True)],
        )

    def mapped(self, function: Callable[[Array], Array]) -> OutOfSample:
        """The same with a function of the predictions in their place."""
        of_folds, of_pools = ([function(f) for f in parts] for parts in (self.of_folds, self.of_pools))
        return replace(self, of_folds=of_folds, of_pools=of_pools)


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
