"""How labels were drawn, as a learning curve and the plans that follow from it need to know it.

Variances are per label: over n they are those of a weighted mean (Hajek) under the design. What rows contribute is summed within clusters and
centred within strata by the draw that stage 2 uses, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.allocation._drawing import Drawing
from sklearn_ftr.estimators._clusters import clusters_and_strata, ranks_within
from sklearn_ftr.estimators._label_sets import LabelSet, Units
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._sampling import drawn_rows
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._designed_sampling import CountedPieces, DesignedSampling
from sklearn_ftr.rectification._pool_rows import PoolRows

Rows = NDArray[np.intp]
_FEWEST_CLUSTERS = 8
# A part of the pool, or of a sum of weights, that is no more than that is none.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class DrawnPart:
    """Some labels by themselves.

    Parameters
    ----------
    draw : DesignedSampling
    pieces : CountedPieces
        Of `draw`; among all labels their numbers are the same.
    part_left : float
        What deviations are divided by.
    """

    draw: DesignedSampling
    pieces: CountedPieces
    part_left: float

    def of_pieces(self, columns: Array) -> Array:
        """Deviations (G, k) of pieces, from columns (r, k) of rows, with the variance per label of the columns' mean."""
        spread, spare = self.draw.spread_of_labels(columns, self.pieces)
        n = len(spread)
        return np.asarray(spread * np.sqrt(len(columns) * (n - 1) / (n * spare)) / self.part_left)

    @cached_property
    def rounding_step(self) -> float:
        """How much larger rounding may be in a piece than in a row."""
        of_pieces = np.bincount(self.draw.pieces, self.draw.weights)
        return float(np.sqrt(len(self.draw.weights) * np.sum(of_pieces**2)) / self.part_left)


@dataclass(frozen=True, eq=False)
class DrawnLabels:
    """Labels of a sampling design.

    Parameters
    ----------
    labels : PartialLabels
    draw : DesignedSampling
        Of all labels and the pool.
    """

    labels: PartialLabels
    draw: DesignedSampling

    @classmethod
    def of(cls, labels: PartialLabels, finite_population: bool) -> DrawnLabels | None:
        """None if all rows are alike and by themselves, of a population that is not finite."""
        if labels.design is None and not finite_population:
            return None
        nothing = np.empty(0, dtype=np.intp)
        draw, *_ = drawn_rows(
            labels, nothing, labels.labeled, labels.pool_rows, finite_population, False
        )
        if not isinstance(draw, DesignedSampling):
            return None
        drawn = cls(labels, draw)
        replace(drawn.alone, lonely=draw.lonely).deviations_of_labels(
            labels.labeled[:, None].astype(np.float64)
        )
        return drawn

    # Rows, and the units that stay whole.

    @property
    def n_units(self) -> int:
        """Clusters with labels, enough of them for a learning curve; without clusters, labels."""
        clusters, n = self._clusters, len(self.labels.labeled)
        if clusters is None:
            return n
        count = int(clusters.max()) + 1
        if count < _FEWEST_CLUSTERS:
            raise ValueError(
                f"The labels are in {count} groups (n_samples={n}); a learning curve needs at least {_FEWEST_CLUSTERS}, since each is halved and groups "
                "stay whole. Label rows of other groups, or use a rectified estimator by itself."
            )
        return count

    def shuffled(self, rng: np.random.RandomState) -> Units:
        """All of them, in a random order of which every part has its share of every stratum."""
        order, clusters = rng.permutation(self.n_units), self._clusters
        if self._strata is not None:
            of_unit = np.zeros(len(order), dtype=np.intp)
            of_unit[slice(None) if clusters is None else clusters] = self._strata
            order = order[np.argsort(ranks_within(of_unit[order]), kind="stable")]
        return Units(order) if clusters is None else Units.numbered(clusters).take(order)

    def whole(self, rows: Rows) -> Rows:
        """Labeled rows in the clusters of some labeled rows."""
        if self._clusters is None:
            return rows
        inside = np.isin(self._clusters, self._clusters[self._positions(rows)])
        return self.labels.labeled[inside]

    @cached_property
    def _units(self) -> tuple[Rows | None, Rows | None]:
        return clusters_and_strata(self.labels)

    @property
    def _clusters(self) -> Rows | None:
        return self._units[0]

    @property
    def _strata(self) -> Rows | None:
        return self._units[1]

    def _positions(self, rows: Rows) -> Rows:
        """Of labeled rows among all of these."""
        return np.searchsorted(self.labels.labeled, rows)

    # Weights and independent pieces.

    @property
    def n_pieces(self) -> int:
        """Of labeled rows."""
        return self.alone.n_pieces

    def weights(self, rows: Rows) -> Array:
        """Of some labeled rows, with the sum 1."""
        weights = self.draw.weights[self._positions(rows)]
        return weights / weights.sum()

    def mean(self, rows: Rows, columns: Array) -> Array:
        """Weighted mean (k,) of columns (r, k)."""
        return self.weights(rows) @ columns

    def pieces_in(self, rows: Rows) -> Rows:
        """Numbers of the pieces that some labeled rows are, of those that count."""
        positions, seen = self._positions(rows), np.zeros(self.n_pieces, dtype=bool)
        seen[self.alone.pieces[positions][self.draw.weights[positions] > 0]] = True
        return np.flatnonzero(seen)

    def only(self, some: LabelSet) -> DrawnPart:
        """How some labels were drawn, by themselves."""
        positions, alone, share = some.positions, self.alone, self.alone.labeled_share
        weights, pieces = self.draw.weights[positions], alone.pieces[positions]
        counted = np.flatnonzero(np.bincount(pieces, weights > 0))
        draw = replace(
            alone,
            weights=weights / weights.sum(),
            pieces=pieces,
            strata=None if alone.strata is None else self._merged(counted),
            labeled_share=None if share is None else share[positions],
        )
        return DrawnPart(draw, draw.counted_pieces(), self._part_left)

    def _merged(self, pieces: Rows) -> Rows:
        """Strata of all pieces; those of which a single one is among some pieces are one stratum there."""
        strata = self.alone.strata
        assert strata is not None
        counts = np.bincount(strata[pieces], minlength=len(self.alone.names))
        single = np.flatnonzero(counts == 1)
        return np.where(np.isin(strata, single), single[0], strata) if len(single) else strata

    @cached_property
    def alone(self) -> DesignedSampling:
        """The draw of labels by themselves, whose pieces have numbers from 0 on."""
        draw = self.draw
        seen, pieces = np.unique(draw.pieces, return_inverse=True)
        return replace(
            draw,
            own_weights=None,
            pool_rows=PoolRows(0),
            pieces=pieces,
            n_pieces=len(seen),
            strata=None if draw.strata is None else draw.strata[seen],
            labeled_share=None if draw.is_complete else draw.labeled_share,
            lonely=True,
        )

    @property
    def _part_left(self) -> float:
        """Root of what plans multiply variances of a finite population by, which those of its draw have already."""
        n, m = len(self.labels.labeled), self.labels.n_unlabeled
        return 1.0 if self.alone.labeled_share is None else float(np.sqrt(m / (n + m)))

    # The pool.

    def beside_pool(self, rows: Rows, columns: Array) -> tuple[Drawing, float]:
        """What plans know of the draw, and how much a row of the pool tells beside a label; `columns` (n, k) are of predictions of all labels."""
        clusters, strata = self._clusters, self._strata
        n_strata = 1 if strata is None else int(strata.max()) + 1
        drawing = Drawing(
            cluster_size=None if clusters is None else len(rows) / (int(clusters.max()) + 1),
            n_strata=n_strata,
            pieces_to_rectify=n_strata + 1,
            part_to_rectify=0.0 if strata is None else min(3 / self._in_smallest_stratum, 1.0),
        )
        if not self.labels.n_unlabeled or self.draw.labeled_share is not None:
            return drawing, 1.0
        centred = np.empty_like(columns)
        centred[self._positions(rows)] = columns
        share, shared, lost = _of_pool(self.draw, self._within_strata(centred))
        own = self.draw.own_weights is not None
        return replace(drawing, shared=shared, lost=lost, labels_in_pool=own), share

    @property
    def _in_smallest_stratum(self) -> int:
        """How many pieces with labels are there."""
        strata = self.alone.strata
        return self.n_pieces if strata is None else int(np.unique(strata, return_counts=True)[1].min())

    def _within_strata(self, columns: Array) -> Array:
        if self._strata is None:
            return columns
        weights = self.draw.weights[:, None]
        means = np.empty_like(columns)
        for stratum in np.unique(self._strata):
            inside = self._strata == stratum
            total = max(weights[inside].sum(), np.finfo(float).tiny)
            means[inside] = (weights[inside] * columns[inside]).sum(axis=0) / total
        return columns - means


def _of_pool(draw: DesignedSampling, f: Array) -> tuple[float, float, float]:
    """How much a row of the pool tells, the covariance of both sides' means in units of the pool's variance, and the part of the pool in clusters of labels.

    From centred predictions f (n, k) of labels: their variance within clusters and between them, in clusters of the sizes that each side has.
    """
    w, rows = draw.weights, draw.pool_rows
    own, u = _shares_of_pools_side(draw)
    W = np.bincount(draw.pieces, w, draw.n_pieces)
    U = np.bincount(draw.pieces, own, draw.n_pieces)
    if rows.pieces is not None:
        U = U + np.bincount(rows.pieces, u, draw.n_pieces)
    of_own = np.sum(own**2) + np.sum(u**2)
    squares = np.sum(f**2, axis=1)
    of_rows, pairs = float(w**2 @ squares), _sum_of_pairs(W, w)
    variance = of_rows / np.sum(w**2)
    between = _between_clusters(draw, f, of_rows, pairs, variance)
    row_part = own @ (w * squares)
    of_labels = of_rows + between * pairs
    of_pairs = max(np.sum(U**2) - np.sum(own**2) - (0 if rows.pieces is None else np.sum(u**2)), 0.0)
    of_pool = between * of_pairs + (row_part or variance * of_own)
    if not (of_labels > 0 and of_pool > 0):
        return 1.0, 0.0, 0.0
    covariance = between * (W @ U - own @ w) + row_part
    n_rows = len(u) + (len(w) if draw.own_weights is not None else 0)
    share = len(w) * of_labels / of_pool / n_rows
    lost = float(U[W > 0].sum() - own.sum())
    return float(share), float(np.clip(covariance / of_pool, 0, 1)), lost if lost > _ROUNDING else 0.0


def _shares_of_pools_side(draw: DesignedSampling) -> tuple[Array, Array]:
    """Of labeled (r,) and unlabeled rows (m,), whose sum is 1."""
    m = len(draw.pool_rows)
    own = np.zeros(len(draw.weights)) if draw.own_weights is None else draw.own_weights
    others = np.ones(m) if draw.pool_weights is None else draw.pool_weights
    total = own.sum() + others.sum()
    return own / total, others / total


def _between_clusters(
    draw: DesignedSampling, f: Array, of_rows: float, pairs: float, variance: float
) -> float:
    """Variance between clusters, from pairs of rows within them; where there is none, nothing."""
    if pairs <= _ROUNDING * np.sum(draw.weights**2):
        return 0.0
    totals = [np.bincount(draw.pieces, draw.weights * column) for column in f.T]
    of_pairs = float(np.sum(np.square(totals))) - of_rows
    return float(np.clip(of_pairs / pairs, 0, variance))


def _sum_of_pairs(of_pieces: NDArray[Any], of_rows: Array) -> Any:
    """Sum of products of the weights of two rows of one piece."""
    return max(np.sum(of_pieces**2) - np.sum(of_rows**2), 0.0)
