"""Which labels each model of cross-fitting does not see, and which part of the pool it predicts."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_classifier
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, check_cv

from sklearn_ftr.estimators._clusters import clusters_and_strata, dealt
from sklearn_ftr.estimators._inner_model import draw_seed, without_needless_axis
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._own_rows import own_rows
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._numbered import numbered

Rows = NDArray[np.intp]


def folds_of(
    cv: Any, estimator: BaseEstimator, X: Any, labels: PartialLabels, rng: np.random.RandomState
) -> list[Rows]:
    """The rows of each fold; together they hold every labeled row exactly once."""
    y, (groups, strata) = (
        without_needless_axis(labels.of_labeled_rows),
        clusters_and_strata(labels),
    )
    if isinstance(cv, int | np.integer):
        _check_enough_to_divide(len(y), groups, int(cv))
        if strata is not None:
            return dealt(labels, int(cv), rng)
        cv = _shuffled(groups is not None, _has_classes(estimator, y, int(cv)), int(cv), draw_seed(rng))
    splitter = check_cv(cv, y, classifier=is_classifier(estimator))
    folds = _test_folds(splitter, own_rows(X, labels.labeled), y, groups)
    _check_partition(folds, len(y))
    if groups is not None:
        _check_whole_groups(groups, folds, type(splitter).__name__)
    return [np.sort(labels.labeled[fold]) for fold in folds]


def parts_of_pool(labels: PartialLabels, folds: Sequence[Rows], shares: Array, seed: int) -> list[Rows]:
    """A random part of the pool for each model, about as large as its fold's share of the labels.

    Rows in a cluster with labels are predicted by the model that has not seen these.
    """
    rows = labels.unlabeled[:]
    numbers = model_of_rows(seed, shares, 0, len(rows))
    of_pool = folds_of_clusters(labels, folds, rows)
    if of_pool is not None:
        numbers = np.where(of_pool < 0, numbers, of_pool)
    return [rows[numbers == model] for model in range(len(folds))]


def model_of_rows(seed: int, shares: Array, start: int, n: int) -> Rows:
    """Which model predicts each of n rows, at random in proportion to `shares`; what is drawn for a row depends on its number only."""
    first = start // 4 * 4  # the generator counts in fours
    draws = np.random.Generator(np.random.Philox(key=seed, counter=first // 4)).random(
        start - first + n
    )
    numbers = np.searchsorted(np.cumsum(shares)[:-1], draws[start - first :], side="right")
    return np.asarray(numbers, dtype=np.intp)


def folds_of_clusters(labels: PartialLabels, folds: Sequence[Rows], pool: Rows) -> Rows | None:
    """For each row of the pool (m,) the model that has not seen the labels of its cluster, or -1; None without such clusters."""
    if labels.design is None or labels.design.clusters is None or not len(pool):
        return None
    numbers = numbered([labels.design.clusters], "groups")[0][0]
    fold_of = np.full(numbers.max() + 1, -1, dtype=np.intp)
    for fold, rows in enumerate(folds):
        fold_of[numbers[rows]] = fold
    of_rows = fold_of[numbers[pool]]
    return of_rows if (of_rows >= 0).any() else None


def _check_enough_to_divide(n: int, groups: Rows | None, n_folds: int) -> None:
    """Rows, or groups of rows, for so many folds."""
    units, n_units = ("rows", n) if groups is None else ("groups", groups.max() + 1)
    if n_units < n_folds:
        raise ValueError(
            f"cv={n_folds} needs at least {n_folds} labeled {units}; y has {n_units} (n_samples={n}). Label more {units} or "
            "lower cv."
        )


def _check_partition(folds: Sequence[Rows], n: int) -> None:
    """Each of the n labeled rows is in one fold."""
    if len(folds) < 2 or not np.array_equal(np.sort(np.concatenate(folds)), np.arange(n)):
        raise ValueError(
            f"cv gave {len(folds)} test folds that do not hold each of the {n} labeled rows exactly once; "
            "expected a partition, such as KFold(5, shuffle=True) makes."
        )


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
