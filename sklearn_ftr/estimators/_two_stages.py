"""Stage 1 for every rectified estimator: predictions for labeled rows that did not train, and the pool.

A split trains one model, cross-fitting trains K, zero-shot trains none. All three hand the same thing
to stage 2: `OutOfSample`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_classifier
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, check_cv
from sklearn.utils.parallel import Parallel, delayed

from sklearn_ftr.estimators._clusters import clusters_and_strata, dealt, ranks_within, whole_clusters
from sklearn_ftr.estimators._inner_model import (
    draw_seed,
    mean_prediction,
    seeded_clone,
    train,
    without_needless_axis,
    without_training,
)
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._own_rows import own_rows
from sklearn_ftr.rectification._checks import Array

Rows = NDArray[np.intp]
Weigh = Callable[[Rows], Array]
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
    """

    models: Sequence[BaseEstimator]
    finetune_rows: Rows
    folds: Sequence[Rows]
    of_folds: Sequence[Array]
    pools: Sequence[Rows]
    of_pools: Sequence[Array]
    whole_pools: bool = True

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
        return _shares(self.folds)

    @property
    def rectify_rows(self) -> Rows:
        """Rows that rectify, fold by fold."""
        return np.concatenate(self.folds)

    @property
    def pool_rows(self) -> Rows:
        """Rows of the pool, in the order of `pool_predictions`."""
        return self.pools[0] if self.whole_pools else np.concatenate(self.pools)

    @property
    def predictions(self) -> Array:
        """Predictions (r, k) of the rectification rows."""
        return np.concatenate(self.of_folds)

    def pool_predictions_by(self, shares: Array | None) -> Array:
        """Predictions (m, k) of the pool: by each row's own model, or the average of all with the weights `shares` (K,)."""
        if not self.whole_pools:
            return np.concatenate(self.of_pools)
        return self.of_pools[0] if shares is None else np.tensordot(shares, self.of_pools, axes=1)

    @property
    def fold_sizes(self) -> tuple[int, ...]:
        """Rectification rows of each model; empty without cross-fitting."""
        return tuple(map(len, self.folds)) if len(self.models) > 1 else ()

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


def _shares(folds: Sequence[Rows]) -> Array:
    """Share (K,) of the labels in each fold."""
    sizes = np.array([len(rows) for rows in folds], dtype=float)
    return sizes / sizes.sum()


@dataclass(frozen=True)
class FittedModels:
    """The models of a fit, and their weights (K,) in a prediction of k numbers for new rows."""

    models: Sequence[BaseEstimator]
    shares: Array
    n_outputs: int

    def predict(self, X: Any, rows: Rows) -> list[Array]:
        """Each model's predictions (len(rows), k)."""
        return [mean_prediction(model, X, rows, self.n_outputs) for model in self.models]


def zero_shot(
    estimator: BaseEstimator, X: Any, labels: PartialLabels, rng: np.random.RandomState
) -> OutOfSample:
    """No training: every label rectifies a model that has seen none of them."""
    X_labeled = own_rows(X, labels.labeled)
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
    weigh: Weigh | None = None,
    strata: Rows | None = None,
) -> OutOfSample:
    """The paper's way: a random n_finetune of the labels train one model, the others rectify it.

    `always` are rows that train in any case: they come first, and random others follow. `weigh` gives the weights of
    rows in training. Of each of the `strata`, numbered for all rows, the same share trains.
    """
    order = rng.permutation(labels.labeled)
    if strata is not None:
        order = order[np.argsort(ranks_within(strata[order]), kind="stable")]
    if labels.design is not None:
        order, always, n_finetune = whole_clusters(labels, always, n_finetune, rng)
    order = np.concatenate([always, order[~np.isin(order, always)]])
    finetune, rectify = np.sort(order[:n_finetune]), np.sort(order[n_finetune:])
    report(f"fine-tuning on {len(finetune):,} labels, {len(rectify):,} rectify")
    model, seed = seeded_clone(estimator, rng), draw_seed(rng)
    model = train(model, X, labels.y, finetune, seed, weigh)
    report(f"predicting {len(labels.unlabeled):,} unlabeled rows")
    return _one_model(model, X, labels, finetune, rectify)


def cross_fit(
    estimator: BaseEstimator,
    X: Any,
    labels: PartialLabels,
    cv: Any,
    *,
    whole_pools: bool,
    smallest_part: int,
    n_jobs: int | None,
    rng: np.random.RandomState,
    report: Callable[[str], None],
    weigh: Weigh | None = None,
) -> OutOfSample:
    """K models, each trained without one fold of the labels and rectified by that fold.

    Each predicts the whole pool, or a part of it unless that has fewer rows than `smallest_part`.
    """
    folds = _folds(cv, estimator, X, labels, rng)
    parts = _parts(labels.unlabeled, _shares(folds), rng)
    whole = whole_pools or min(map(len, parts)) < smallest_part
    pools = [labels.unlabeled] * len(folds) if whole else parts
    seeds = rng.randint(np.iinfo(np.int32).max, size=len(folds))
    report(f"cross-fitting {len(folds)} models on {len(labels.labeled):,} labels")
    fits = Parallel(n_jobs=n_jobs)(
        delayed(_fit_fold)(seeded_clone(estimator, rng), X, labels, fold, pool, int(seed), weigh)
        for fold, pool, seed in zip(folds, pools, seeds, strict=True)
    )
    models, of_folds, of_pools = (list(part) for part in zip(*fits, strict=True))
    return OutOfSample(models, np.empty(0, dtype=np.intp), folds, of_folds, pools, of_pools, whole)


def _one_model(
    model: BaseEstimator, X: Any, labels: PartialLabels, finetune: Rows, rectify: Rows
) -> OutOfSample:
    of_rectify, of_pool = (
        mean_prediction(model, X, rows, labels.n_outputs) for rows in (rectify, labels.unlabeled)
    )
    return OutOfSample([model], finetune, [rectify], [of_rectify], [labels.unlabeled], [of_pool])


def _fit_fold(
    model: BaseEstimator,
    X: Any,
    labels: PartialLabels,
    fold: Rows,
    pool: Rows,
    seed: int,
    weigh: Weigh | None,
) -> tuple[BaseEstimator, Array, Array]:
    k = labels.n_outputs
    model = train(model, X, labels.y, np.setdiff1d(labels.labeled, fold), seed, weigh)
    return model, mean_prediction(model, X, fold, k), mean_prediction(model, X, pool, k)


def _folds(
    cv: Any, estimator: BaseEstimator, X: Any, labels: PartialLabels, rng: np.random.RandomState
) -> list[Rows]:
    """The rows of each fold; together they must hold every labeled row exactly once."""
    y, n = without_needless_axis(labels.of_labeled_rows), len(labels.labeled)
    groups, strata = clusters_and_strata(labels)
    if isinstance(cv, int | np.integer):
        n_units = n if groups is None else groups.max() + 1
        if n_units < cv:
            units = "rows" if groups is None else "groups"
            raise ValueError(
                f"cv={cv} needs at least {cv} labeled {units}; y has {n_units} (n_samples={n}). Label more {units} or "
                "lower cv."
            )
        if strata is not None:
            return dealt(labels, int(cv), rng)
        cv = _shuffled(groups is not None, _has_classes(estimator, y, int(cv)), int(cv), draw_seed(rng))
    splitter = check_cv(cv, y, classifier=is_classifier(estimator))
    folds = _test_folds(splitter, own_rows(X, labels.labeled), y, groups)
    if len(folds) < 2 or not np.array_equal(np.sort(np.concatenate(folds)), np.arange(n)):
        raise ValueError(
            f"cv gave {len(folds)} test folds that do not hold each of the {n} labeled rows exactly once; "
            "expected a partition, such as KFold(5, shuffle=True) makes."
        )
    if groups is not None:
        _check_whole_groups(groups, folds, type(splitter).__name__)
    return [np.sort(labels.labeled[fold]) for fold in folds]


def _check_whole_groups(groups: Rows, folds: Sequence[Rows], name: str) -> None:
    """Rows of one group never train and rectify the same model."""
    number = sum(len(np.unique(groups[fold])) for fold in folds) - len(np.unique(groups))
    if number:
        raise ValueError(
            f"cv={name} divides groups between folds ({number} times); expected whole groups. Pass cv={len(folds)}, which keeps them whole, or a splitter "
            "by groups such as GroupKFold."
        )


def _shuffled(by_group: bool, stratified: bool, n_folds: int, seed: int) -> Any:
    """Folds of an int: of whole groups, with the same share of each class."""
    kinds = {
        (False, False): KFold,
        (False, True): StratifiedKFold,
        (True, False): GroupKFold,
        (True, True): StratifiedGroupKFold,
    }
    return kinds[by_group, stratified](n_folds, shuffle=True, random_state=seed)


def _test_folds(splitter: Any, X: Any, y: Array, groups: Rows | None) -> list[Rows]:
    """Positions among the labeled rows."""
    name, reason = type(splitter).__name__, None
    try:
        # Some versions of it split without groups as they like.
        if groups is not None or not isinstance(splitter, StratifiedGroupKFold):
            with warnings.catch_warnings():  # an error follows if groups are ignored
                warnings.filterwarnings("ignore", "The groups parameter is ignored")
                return [np.asarray(test) for _, test in splitter.split(X, y, groups)]
    except (TypeError, ValueError) as error:
        if "groups" not in str(error) or groups is not None:
            raise
        reason = error
    raise ValueError(
        f"cv={name} splits by groups, and fit got none. Pass groups= to fit where it takes them, or the folds themselves: with "
        f"labeled = ~np.isnan(y), cv=list({name}(...).split(X[labeled], y[labeled], groups[labeled])), each labeled row "
        "in one test fold."
    ) from reason


def _has_classes(estimator: BaseEstimator, y: Array, n_folds: int) -> bool:
    """Whether folds can be stratified by class: each class at least once in every fold."""
    if not is_classifier(estimator) or y.ndim == 2:
        return False
    return bool(np.unique(y, return_counts=True)[1].min() >= n_folds)


def _parts(unlabeled: Rows, shares: Array, rng: np.random.RandomState) -> list[Rows]:
    """A random part of the pool for each model, as large as its fold's share of the labels."""
    cuts = np.round(np.cumsum(shares)[:-1] * len(unlabeled)).astype(int)
    return [np.sort(part) for part in np.split(rng.permutation(unlabeled), cuts)]
