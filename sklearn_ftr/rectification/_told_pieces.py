"""Sums of a pool's pieces as dictionaries that are JSON, or that a query fills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sklearn_ftr._arguments import ArgumentTypeError, check_truth_value
from sklearn_ftr.rectification._checks import Array, as_settings, check_finite
from sklearn_ftr.rectification._sampling_design import read_labels, read_weights
from sklearn_ftr.rectification._summed_pieces import SummedClusters, SummedPieces, SummedRows
from sklearn_ftr.rectification._told_moments import check_entries, read_count, read_moments

# Either of which says that there are sums.
PIECES = ("totals", "clusters")
_LABELS = "labels of clusters"


def told_pieces(pieces: SummedPieces, told: frozenset[str]) -> dict[str, Any]:
    """See `PoolMoments.from_dict`."""
    known = {
        "count": pieces.n_rows,
        "weighted": "weights" in told,
        "origin": pieces.origin.tolist(),
    }
    if isinstance(pieces, SummedClusters):
        sums, sizes = pieces.table[:, :-1].tolist(), pieces.table[:, -1].tolist()
        return known | {"clusters": pieces.labels, "sums": sums, "sizes": sizes}
    table = pieces.of_table
    covariance = table.cross_products / max(table.count - 1, 1)
    totals = {"count": table.count, "mean": table.mean.tolist(), "covariance": covariance.tolist()}
    return known | {"clustered": "clusters" in told, "totals": totals}


def read_pieces(told: Mapping[str, Any]) -> tuple[SummedPieces, frozenset[str]]:
    """What there is, and which of weights, clusters and their labels."""
    weights = {"weights"} if check_truth_value(told.get("weighted", True), "weighted") else set()
    if "clusters" in told:
        return _read_clusters(told), frozenset({*weights, "clusters", _LABELS})
    clusters = {"clusters"} if check_truth_value(told.get("clustered", False), "clustered") else set()
    if not (weights or clusters):
        raise ValueError(
            "totals are of rows that are neither weighted nor clustered; expected count, mean and covariance of their predictions."
        )
    return _read_totals(told), frozenset({*weights, *clusters})


def _read_n_rows(told: Mapping[str, Any], n_pieces: int) -> int:
    """As many as pieces, if it is not told."""
    n_rows = read_count({"count": n_pieces, **told})
    if n_rows < n_pieces:
        raise ValueError(
            f"count is {n_rows} and there are {n_pieces} pieces; expected as many rows or more."
        )
    return n_rows


def _read_totals(told: Mapping[str, Any]) -> SummedRows:
    count = read_count(told["totals"], "totals")
    table = read_moments(told["totals"], count)
    if len(table.mean) < 2 or table.mean[-1] <= 0:
        raise ValueError(
            f"totals has the mean {table.mean.tolist()}; expected k sums and, last, what pieces weigh, above 0."
        )
    origin = read_origin(told, len(table.mean) - 1)
    return SummedRows.of_moments(table, origin, _read_n_rows(told, count))


def _read_clusters(told: Mapping[str, Any]) -> SummedClusters:
    check_entries(told, "sums", "sizes")
    labels = told["clusters"]
    if not isinstance(labels, list | tuple | np.ndarray):
        raise ArgumentTypeError(
            f"clusters is of type {type(labels).__name__}; expected a list of labels."
        )
    labels = list(map(_as_label, labels))
    read_labels(labels, "clusters")
    sizes = read_weights(told["sizes"], "sizes")
    sums = as_settings(told["sums"], "sums", "expected k numbers for each cluster")
    sums = check_finite(sums[:, None] if sums.ndim == 1 else sums, "sums")
    if not len(labels) == len(sizes) == len(sums) or not sizes.all():
        raise ValueError(
            f"There are {len(labels)} clusters, {len(sums)} sums and {np.count_nonzero(sizes)} sizes above 0; expected as many of each."
        )
    rows = _read_n_rows(told, len(labels))
    origin = read_origin(told, sums.shape[1])
    return SummedClusters.of_table_and_labels(np.column_stack([sums, sizes]), labels, origin, rows)


def _as_label(label: Any) -> Any:
    """JSON has lists for tuples."""
    return tuple(map(_as_label, label)) if isinstance(label, list) else label


def read_origin(told: Mapping[str, Any], k: int) -> Array:
    """What was subtracted from k columns, by default nothing."""
    origin = as_settings(told.get("origin", np.zeros(k)), "origin", f"expected {k} numbers")
    if origin.shape not in ((), (k,)):
        raise ValueError(f"origin has shape {origin.shape}; expected ({k},): a number for each column.")
    return check_finite(np.broadcast_to(origin, (k,)).copy(), "origin")
