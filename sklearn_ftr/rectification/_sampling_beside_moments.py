"""How labeled rows were drawn, beside a pool of which a summary is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from sklearn_ftr._arguments import check_truth_value
from sklearn_ftr._tables import index_digest
from sklearn_ftr.rectification._designed_sampling import DesignedSampling
from sklearn_ftr.rectification._deviations import check_enough_labels
from sklearn_ftr.rectification._pool_moments import PoolMoments
from sklearn_ftr.rectification._pool_rows import PoolRows
from sklearn_ftr.rectification._sampling import Sampling, SimpleRandom
from sklearn_ftr.rectification._sampling_design import SamplingDesign, check_design
from sklearn_ftr.rectification._sampling_of import check_both_sides, drawn_by, sampling_of
from sklearn_ftr.rectification._summed_pieces import SummedClusters, SummedPieces

_POOL = "the summary of the pool"


def check_sampling_beside(
    known: PoolMoments,
    labeled: Mapping[str, Any],
    r: int,
    design: Any = None,
    design_unlabeled: Any = None,
    finite_population: bool = False,
) -> Sampling:
    """As `check_sampling`, with a pool that has been summed up."""
    finite = check_truth_value(finite_population, "finite_population")
    alike = not (known.has("weights") or known.has("clusters"))
    if design is None and design_unlabeled is None and not finite and alike:
        return SimpleRandom(r, (index_digest(labeled), ""))
    check_enough_labels(r)
    design = check_design(design, "design", r, labeled)
    _check_no_strata(
        design, check_design(design_unlabeled, "design_unlabeled", known.count, {_POOL: ()})
    )
    if not known.count:
        return sampling_of(design, SamplingDesign(), r, 0, finite)
    for name in ("weights", *(("clusters",) if finite else ())):
        check_both_sides(name, getattr(design, name), known.has(name) or None, _POOL)
    if isinstance(known.of_pieces, SummedClusters):
        return _beside_clusters(design, known.of_pieces, r, finite)
    return _beside_rows(design, known.of_pieces, r, finite)


def _check_no_strata(design: SamplingDesign, of_pool: SamplingDesign) -> None:
    if not of_pool.is_empty:
        raise ValueError(
            "The pool is given as a summary and design_unlabeled says how its rows were drawn; expected weights and clusters in PoolMoments.update."
        )
    if design.strata is not None:
        raise ValueError(
            "design has strata and the pool is given as a summary, which does not know those of its rows; pass rows, in arrays or in blocks, with their strata in "
            "design_unlabeled."
        )


def _beside_clusters(
    design: SamplingDesign, clusters: SummedClusters, r: int, finite: bool
) -> Sampling:
    """Each is a row of the pool, with the weight of all of its rows."""
    weighted = SamplingDesign(
        weights=np.ones(r) if design.weights is None else design.weights,
        clusters=design.clusters,
        labeling_probability=design.labeling_probability,
        lonely=design.lonely,
    )
    of_pool = SamplingDesign(weights=clusters.table[:, -1], clusters=clusters.labels)
    drawn = drawn_by(weighted, of_pool, r, len(of_pool), finite)
    if not isinstance(drawn, DesignedSampling):
        return drawn
    return replace(drawn, pool_rows=replace(drawn.pool_rows, n_rows=clusters.n_rows))


def _beside_rows(design: SamplingDesign, pieces: SummedPieces, r: int, finite: bool) -> Sampling:
    """Pieces that are none of labeled rows'; of those that weigh what labeled ones do nothing is left to say."""
    table, weights = pieces.of_table, design.weights
    given = np.ones(1) if weights is None else weights
    alike = not np.any(table.squares[-1:]) and bool(np.all(given == table.mean[-1]))
    drawn = drawn_by(design, SamplingDesign(), r, table.count, finite, keep_design=not alike)
    if not isinstance(drawn, DesignedSampling):
        return drawn
    unit = max(float(given.max()), float(table.mean[-1]))
    size = table.count * float(table.mean[-1]) / unit
    own = None if drawn.own_weights is None else np.broadcast_to(given / unit, r)
    return replace(drawn, own_weights=own, pool_rows=PoolRows(pieces.n_rows, unit=unit, size=size))
