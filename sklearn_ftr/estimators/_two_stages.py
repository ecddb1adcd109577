"""Stage 1 for every rectified estimator: predictions for labeled rows that did not train, and the pool.

A split trains one model, cross-fitting trains K, zero-shot trains none. All three hand the same thing
to stage 2: `OutOfSample`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_classifier
from sklearn.model_selection import KFold, StratifiedKFold, check_cv
from sklearn.utils.parallel import Parallel, delayed

from sklearn_ftr._sklearn_private import safe_indexing
from sklearn_ftr.estimators._inner_model import (
    draw_seed,
    mean_prediction,
    seeded_clone,
    train,
    without_training,
)
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._cross_fitting import (
    align,
    cross_fitting_degrees_of_freedom,
    fold_shares,
    pool_of_parts,
)
from sklearn_ftr.rectification._moments import Moments, moments

Rows = NDArray[np.intp]
# Rows of the pool for one model; where there are fewer, every model predicts the whole pool.
_SMALLEST_PART = 10


@dataclass(frozen=True)
class OutOfSample:
    """What stage 2 needs: predictions (r, k) of rectification rows, and the pool's moments."""

    models: Sequence[BaseEstimator]
    shares: Array  # weight (K,) of each model in a prediction for new rows
    finetune_rows: Rows  # empty under cross-fitting, where every label also rectifies
    n_finetune: int
    rectify_rows: Rows
    predictions: Array
    pool: Moments
    degrees_of_freedom: int | None = None  # of the residual variance under cross-fitting

    def predict(self, X: Any, rows: Rows) -> list[Array]:
        """Each model's predictions (len(rows), k)."""
        k = self.predictions.shape[1]
        return [mean_prediction(model, X, rows, k) for model in self.models]


def zero_shot(
    estimator: BaseEstimator, X: Any, labels: PartialLabels, rng: np.random.RandomState
) -> OutOfSample:
    """No training: every label rectifies a model that has seen none of them."""
    X_labeled = safe_indexing(X, labels.labeled)
    model = without_training(estimator, X_labeled, labels.of_labeled_rows, rng)
    return _one_model(model, X, labels, np.empty(0, dtype=np.intp), labels.labeled)


def split(
    estimator: BaseEstimator,
    X: Any,
    labels: PartialLabels,
    n_finetune: int,
    rng: np.random.RandomState,
    report: Callable[[str], None],
    always: Rows,
) -> OutOfSample:
    """The paper's way: a random n_finetune of the labels train one model, the others rectify it.

    `always` are rows that train in any case: they come first, and random others follow.
    """
    order = rng.permutation(labels.labeled)
    order = np.concatenate([always, order[~np.isin(order, always)]])
    finetune, rectify = np.sort(order[:n_finetune]), np.sort(order[n_finetune:])
    report(f"fine-tuning on {len(finetune):,} labels, {len(rectify):,} rectify")
    model, seed = seeded_clone(estimator, rng), draw_seed(rng)
    model = train(model, X, labels.y, finetune, seed)
    report(f"predicting {len(labels.unlabeled):,} unlabeled rows")
    return _one_model(model, X, labels, finetune, rectify)


def cross_fit(
    estimator: BaseEstimator,
    X: Any,
    labels: PartialLabels,
    cv: Any,
    pool_prediction: str,
    n_jobs: int | None,
    rng: np.random.RandomState,
    report: Callable[[str], None],
) -> OutOfSample:
    """K models, each trained without one fold of the labels and rectified by that fold."""
    folds = _folds(cv, estimator, X, labels, rng)
    shares = fold_shares(folds)
    parts = _parts(labels.unlabeled, shares, rng)
    average = pool_prediction == "average" or min(map(len, parts)) < _SMALLEST_PART
    pools = [labels.unlabeled] * len(folds) if average else parts
    seeds = rng.randint(np.iinfo(np.int32).max, size=len(folds))
    report(f"cross-fitting {len(folds)} models on {len(labels.labeled):,} labels")
    fits = Parallel(n_jobs=n_jobs)(
        delayed(_fit_fold)(seeded_clone(estimator, rng), X, labels, fold, pool, int(seed))
        for fold, pool, seed in zip(folds, pools, seeds, strict=True)
    )
    models, of_folds, of_pools = (list(part) for part in zip(*fits, strict=True))
    if len(labels.unlabeled):
        of_folds, of_pools = (align(parts, of_pools, shares) for parts in (of_folds, of_pools))
    pool = moments(np.tensordot(shares, of_pools, axes=1)) if average else pool_of_parts(of_pools)
    n = len(labels.labeled)
    return OutOfSample(
        models=models,
        shares=shares,
        finetune_rows=np.empty(0, dtype=np.intp),
        n_finetune=round(n - np.mean([len(fold) for fold in folds])),
        rectify_rows=np.concatenate(folds),
        predictions=np.concatenate(of_folds),
        pool=pool,
        degrees_of_freedom=cross_fitting_degrees_of_freedom(n, len(folds)),
    )


def _one_model(
    model: BaseEstimator, X: Any, labels: PartialLabels, finetune: Rows, rectify: Rows
) -> OutOfSample:
    k = labels.n_outputs
    return OutOfSample(
        models=[model],
        shares=np.ones(1),
        finetune_rows=finetune,
        n_finetune=len(finetune),
        rectify_rows=rectify,
        predictions=mean_prediction(model, X, rectify, k),
        pool=moments(mean_prediction(model, X, labels.unlabeled, k)),
    )


def _fit_fold(
    model: BaseEstimator, X: Any, labels: PartialLabels, fold: Rows, pool: Rows, seed: int
) -> tuple[BaseEstimator, Array, Array]:
    k = labels.n_outputs
    model = train(model, X, labels.y, np.setdiff1d(labels.labeled, fold), seed)
    return model, mean_prediction(model, X, fold, k), mean_prediction(model, X, pool, k)


def _folds(
    cv: Any, estimator: BaseEstimator, X: Any, labels: PartialLabels, rng: np.random.RandomState
) -> list[Rows]:
    """The rows of each fold; together they must hold every labeled row exactly once."""
    y, n = labels.of_labeled_rows, len(labels.labeled)
    if isinstance(cv, int | np.integer):
        if n < cv:
            raise ValueError(
                f"cv={cv} needs at least {cv} labeled rows; y has {n} (n_samples={n}). Label more rows or "
                "lower cv."
            )
        kind = StratifiedKFold if _has_classes(estimator, y, int(cv)) else KFold
        cv = kind(int(cv), shuffle=True, random_state=draw_seed(rng))
    splitter = check_cv(cv, y, classifier=is_classifier(estimator))
    X_labeled = safe_indexing(X, labels.labeled)
    folds = [np.asarray(test) for _, test in splitter.split(X_labeled, y)]
    if len(folds) < 2 or not np.array_equal(np.sort(np.concatenate(folds)), np.arange(n)):
        raise ValueError(
            f"cv gave {len(folds)} test folds that do not hold each of the {n} labeled rows exactly once; "
            "expected a partition, such as KFold(5, shuffle=True) makes."
        )
    return [np.sort(labels.labeled[fold]) for fold in folds]


def _has_classes(estimator: BaseEstimator, y: Array, n_folds: int) -> bool:
    """Whether folds can be stratified by class: each class at least once in every fold."""
    if not is_classifier(estimator) or y.ndim == 2:
        return False
    return bool(np.unique(y, return_counts=True)[1].min() >= n_folds)


def _parts(unlabeled: Rows, shares: Array, rng: np.random.RandomState) -> list[Rows]:
    """A random part of the pool for each model, as large as its fold's share of the labels."""
    cuts = np.round(np.cumsum(shares)[:-1] * len(unlabeled)).astype(int)
    return [np.sort(part) for part in np.split(rng.permutation(unlabeled), cuts)]
