"""Clusters stay whole and strata keep their shares where labels are divided between training and rectification."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._numbered import numbered

Rows = NDArray[np.intp]


def clusters_and_strata(labels: PartialLabels) -> tuple[Rows | None, Rows | None]:
    """Numbers, from 0 on, of the labeled rows' clusters and strata; None where there are none."""
    if labels.design is None:
        return None, None
    columns = labels.design.clusters, labels.design.strata
    clusters, strata = (None if one is None else _numbers(one[labels.labeled]) for one in columns)
    return clusters, strata


def whole_clusters(
    labels: PartialLabels, always: Rows, n_finetune: int, rng: np.random.RandomState
) -> tuple[Rows, Rows, int]:
    """Labeled rows in the order in which they train, those that train in any case, and the number next to `n_finetune` that divides no cluster.

    A cluster with a row that trains in any case trains as a whole. At least two clusters are left to rectify.
    """
    clusters, strata = clusters_and_strata(labels)
    alone = clusters is None
    clusters = np.arange(len(labels.labeled)) if clusters is None else clusters
    rank = rng.permutation(clusters.max() + 1).astype(float)
    if strata is not None:
        of_cluster = np.zeros(len(rank), dtype=np.intp)
        of_cluster[clusters] = strata
        in_order = np.argsort(rank)
        rank[in_order] = ranks_within(of_cluster[in_order])
    trains = np.isin(labels.labeled, always)
    rank[clusters[trains]] = -1.0
    order = np.lexsort((clusters, rank[clusters]))
    ordered = clusters[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)) + 1, len(ordered))
    first = int(np.isin(ordered, clusters[trains]).sum())
    possible = ends[:-2][ends[:-2] >= max(first, 1)]
    if not alone and not len(possible):
        raise ValueError(
            f"The labels are in {len(ends)} groups (n_samples={len(ordered)}), of which some train and at least 2 rectify; expected more. Label rows "
            "of other groups, or use cv."
        )
    cut = n_finetune if alone else int(possible[np.argmin(np.abs(possible - n_finetune))])
    rows = labels.labeled[order]
    return rows, rows[:first], max(cut, first)


def dealt(labels: PartialLabels, n_folds: int, rng: np.random.RandomState) -> list[Rows]:
    """Labeled rows of each fold: clusters in random order, those of a stratum one after the other, dealt like cards."""
    clusters, strata = clusters_and_strata(labels)
    clusters = np.arange(len(labels.labeled)) if clusters is None else clusters
    of_cluster = np.zeros(clusters.max() + 1, dtype=np.intp)
    of_cluster[clusters] = 0 if strata is None else strata
    order = np.lexsort((rng.permutation(len(of_cluster)), of_cluster))
    fold = np.empty(len(of_cluster), dtype=np.intp)
    fold[order] = np.arange(len(of_cluster)) % n_folds
    return [labels.labeled[fold[clusters] == number] for number in range(n_folds)]


def ranks_within(strata: Rows) -> Array:
    """Each row's rank within its stratum, as a share of that."""
    ranks = np.empty(len(strata))
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        ranks[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    return ranks


def _numbers(values: NDArray[np.generic]) -> Rows:
    (codes,), *_ = numbered([values], "groups")
    return np.unique(codes, return_inverse=True)[1].reshape(-1)
