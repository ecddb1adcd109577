"""The trainings of cross-fitting, drawn before any of them is made, so that one which has been made need not be made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_ftr.estimators._bound_estimand import BoundEstimand, Rows, Weigh
from sklearn_ftr.estimators._folds import folds_of, parts_of_pool
from sklearn_ftr.estimators._inner_model import draw_seed, seeded_clone, train
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._out_of_sample import fold_shares
from sklearn_ftr.estimators._row_numbers import RowNumbers


@dataclass(frozen=True, eq=False)
class FoldTraining:
    """One of the trainings.

    Parameters
    ----------
    fold, pool : ndarray of int, or `RowNumbers`
        Labeled rows that are left out, and rows of the pool that the model predicts.
    model : estimator
        With seeds; trained if `is_made`.
    seed : int
        For random numbers that no `random_state` of the model is for.
    is_made : bool
    """

    fold: Rows
    pool: Rows | RowNumbers
    model: BaseEstimator
    seed: int
    is_made: bool = False

    def trained_model(self, X: Any, labels: PartialLabels, weigh: Weigh | None) -> BaseEstimator:
        """The model that has seen all labels but those of the fold."""
        if self.is_made:
            return self.model
        rows = np.setdiff1d(labels.labeled, self.fold, assume_unique=True)
        return train(self.model, X, labels.y, rows, self.seed, weigh)


@dataclass(frozen=True, eq=False)
class FoldPlan:
    """All of the trainings; with `whole_pools` each model predicts all of the pool, else parts that `seed` has drawn."""

    trainings: tuple[FoldTraining, ...]
    whole_pools: bool
    seed: int = 0

    @classmethod
    def draw(
        cls, cv: Any, predictor: BaseEstimator, X: Any, bound: BoundEstimand, rng: np.random.RandomState
    ) -> FoldPlan:
        """At random; models predict parts of the pool unless some part would be too small."""
        labels = bound.labels
        folds = folds_of(cv, predictor, X, labels, rng)
        # Of numbers of rows, so that it does not matter where they are.
        seed = draw_seed(rng)
        whole = bound.whole_pools or (labels.more is not None and not bound.each_row_by_one_model)
        parts = [] if whole else parts_of_pool(labels, folds, fold_shares(folds), seed)
        whole = whole or min(map(len, parts)) < bound.smallest_part
        pools = [labels.unlabeled] * len(folds) if whole else parts
        seeds = rng.randint(np.iinfo(np.int32).max, size=len(folds)).tolist()
        models = [seeded_clone(predictor, rng) for _ in folds]
        return cls(tuple(map(FoldTraining, folds, pools, models, seeds)), whole, seed)

    @property
    def folds(self) -> list[Rows]:
        """Labeled rows that each model leaves out."""
        return [one.fold for one in self.trainings]

    @property
    def pools(self) -> list[Rows | RowNumbers]:
        """Rows that each model predicts."""
        return [one.pool for one in self.trainings]

    def with_models(self, models: Mapping[int, BaseEstimator]) -> FoldPlan:
        """The same with models of some folds that have been trained."""
        made = {k: replace(self.trainings[k], model=model, is_made=True) for k, model in models.items()}
        return replace(self, trainings=tuple(made.get(k, one) for k, one in enumerate(self.trainings)))
