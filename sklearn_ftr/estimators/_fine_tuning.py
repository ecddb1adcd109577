"""Stage 1 for every rectified estimator: zero-shot trains no model, a split one, cross-fitting K; all three give `OutOfSample`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.parallel import delayed

from sklearn_ftr._callbacks import Part, around
from sklearn_ftr._progress import counted
from sklearn_ftr.estimators._as_they_come import as_they_come
from sklearn_ftr.estimators._bound_estimand import BoundEstimand, Weigh
from sklearn_ftr.estimators._clusters import ranks_within, whole_clusters
from sklearn_ftr.estimators._fold_plan import FoldPlan, FoldTraining
from sklearn_ftr.estimators._inner_model import (
    draw_seed,
    is_frozen,
    mean_prediction,
    seeded_clone,
    train,
    without_training,
)
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._out_of_sample import OutOfSample, fold_shares
from sklearn_ftr.estimators._own_rows import own_rows
from sklearn_ftr.estimators._predicted_pool import PredictedPart, are_few
from sklearn_ftr.estimators._row_numbers import RowNumbers
from sklearn_ftr.estimators._streamed_pool import Predicting
from sklearn_ftr.rectification._checks import Array

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class FineTuning:
    """How an estimator trains its predictor.

    Parameters
    ----------
    predictor : estimator
        Trained on clones.
    split_ratio, cv, n_jobs
        As the estimator has them.
    rng : RandomState
    plan : FoldPlan, default=None
        Of cross-fitting, if it has been drawn already.
    """

    predictor: BaseEstimator
    split_ratio: float
    cv: Any
    n_jobs: int | None
    rng: np.random.RandomState
    plan: FoldPlan | None = None

    def run(self, X: Any, bound: BoundEstimand, always: Rows) -> OutOfSample:
        """Train on some labels, predict the others and the pool. `always` are rows that train in any case, unless all rows do."""
        if is_frozen(self.predictor) or (self.cv is None and self.split_ratio == 0):
            return self._zero_shot(X, bound.labels, always)
        return self._split(X, bound, always) if self.cv is None else self._cross_fit(X, bound)

    def _zero_shot(self, X: Any, labels: PartialLabels, always: Rows) -> OutOfSample:
        """No training: every label rectifies a model that has seen none of them."""
        if len(always):
            raise ValueError(
                f"finetune_rows marks {len(always)} rows, but nothing is trained here; if the model was trained on "
                "them, set their labels to NaN."
            )
        X_labeled = own_rows(X, labels.labeled)
        model = without_training(self.predictor, X_labeled, labels.of_labeled_rows, self.rng)
        return self._one_model(model, X, labels, np.empty(0, dtype=np.intp), labels.labeled)

    def _split(self, X: Any, bound: BoundEstimand, always: Rows) -> OutOfSample:
        """The paper's way: some of the labels train one model, the others rectify it."""
        labels = bound.labels
        finetune, rectify = self._divided(bound, always)
        model, seed = seeded_clone(self.predictor, self.rng), draw_seed(self.rng)
        what = f"fine-tuning on {len(finetune):,} labels"
        with counted(what, 1, "models", n_parts=1, weight=1) as told:
            with around(told.part(0), model):
                model = train(model, X, labels.y, finetune, seed, bound.training_weights)
            told.advance()
        return self._one_model(model, X, labels, finetune, rectify)

    def _divided(self, bound: BoundEstimand, always: Rows) -> tuple[Rows, Rows]:
        """Rows that train and rows that rectify, at random: the same share of each stratum trains, and clusters stay whole."""
        labels, strata = bound.labels, bound.strata
        n_finetune = self._n_finetune(len(labels.labeled), len(always))
        order = self.rng.permutation(labels.labeled)
        if strata is not None:
            order = order[np.argsort(ranks_within(strata[order]), kind="stable")]
        if labels.design is not None:
            order, always, n_finetune = whole_clusters(labels, always, n_finetune, self.rng)
        order = np.concatenate([always, order[~np.isin(order, always)]])
        return np.sort(order[:n_finetune]), np.sort(order[n_finetune:])

    def _n_finetune(self, n: int, at_least: int) -> int:
        """s: the user's count, or their share of n but at least two labels."""
        counted = isinstance(self.split_ratio, Integral)
        s = int(self.split_ratio) if counted else max(2, round(self.split_ratio * n))
        s = max(s, at_least)
        if s < 2 or n - s < 2:
            raise ValueError(
                f"y has {n} labeled row{'s' * (n != 1)} (n_samples={n}); split_ratio={self.split_ratio}"
                f"{' with finetune_rows' * (at_least > 0)} lets {s} of them fine-tune and {max(n - s, 0)} rectify; expected at least 2 and 2. Label more "
                "rows or change split_ratio."
            )
        return s

    def _cross_fit(self, X: Any, bound: BoundEstimand) -> OutOfSample:
        """K models, each trained without one fold of the labels and rectified by that fold."""
        labels, plan = bound.labels, self.plan
        if plan is None:
            plan = FoldPlan.draw(self.cv, self.predictor, X, bound, self.rng)
        numbers = sum(len(one.pool) for one in plan.trainings) * labels.n_outputs
        n_models, few = len(plan.trainings), are_few(numbers, 1)
        told = counted("cross-fitting", n_models, "models", n_parts=n_models)
        parts_told = [told.part(number) for number in range(n_models)]
        fits = as_they_come(self.n_jobs)(
            delayed(_fit_fold)(one, X, labels, bound.training_weights, few, part)
            for one, part in zip(plan.trainings, parts_told, strict=True)
        )
        fits = told.results(fits, [1] * n_models)
        models, of_folds, of_pools = (list(part) for part in zip(*fits, strict=True))
        nothing = np.empty(0, dtype=np.intp)
        several = [(models, plan.pools[0], of_pools)]
        if not plan.whole_pools:
            several = [
                ([one], rows, [f]) for one, rows, f in zip(models, plan.pools, of_pools, strict=True)
            ]
        parts = [self._part(*one, X, labels) for one in several]
        more = self._more(models, labels, fold_shares(plan.folds))
        if more is not None and bound.each_row_by_one_model:
            more = replace(more, apart=plan.seed)
        return OutOfSample(models, nothing, plan.folds, of_folds, parts, more, labels.more)

    def _one_model(
        self, model: BaseEstimator, X: Any, labels: PartialLabels, finetune: Rows, rectify: Rows
    ) -> OutOfSample:
        k, pool = labels.n_outputs, labels.unlabeled
        of_rectify = mean_prediction(model, X, rectify, k)
        few = are_few(len(pool), k)
        of_pool = mean_prediction(model, X, pool, k) if few else None
        part = self._part([model], pool, [of_pool], X, labels)
        more = self._more([model], labels, np.ones(1))
        return OutOfSample([model], finetune, [rectify], [of_rectify], [part], more, labels.more)

    def _more(self, models: list[Any], labels: PartialLabels, shares: Array) -> Predicting | None:
        """How rows beside those of X are predicted, if there are any."""
        return None if labels.more is None else Predicting(models, labels.n_outputs, shares)

    def _part(
        self,
        models: list[Any],
        rows: Rows | RowNumbers,
        predicted: list[Any],
        X: Any,
        labels: PartialLabels,
    ) -> PredictedPart:
        kept = None if predicted[0] is None else predicted
        return PredictedPart(models, X, rows, labels.n_outputs, self.n_jobs, kept)


def _fit_fold(
    training: FoldTraining,
    X: Any,
    labels: PartialLabels,
    weigh: Weigh | None,
    keep: bool,
    part: Part | None,
) -> tuple[BaseEstimator, Array, Array | None]:
    """A model, and its predictions of its fold and, if they are few, of its pool."""
    with around(part, None if training.is_made else training.model):
        model, k = training.trained_model(X, labels, weigh), labels.n_outputs
    of_pool = mean_prediction(model, X, training.pool, k) if keep else None
    return model, mean_prediction(model, X, training.fold, k), of_pool
