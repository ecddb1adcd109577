"""From a sampling design to deviations: influence values summed within clusters, centred within strata.

Binder (1983), "On the variances of asymptotically normal estimators from complex surveys"; the same linearisation as R's
`survey` (Lumley 2004). Means are weighted (Hajek): labels by w / pi, the pool by w. Where labels were drawn with
probabilities or within strata, unlabeled rows alone are no random sample, and so the pool's side takes all rows by w. Clusters that hold
labeled and unlabeled rows move both sides of the control variate at once, which sums over both account for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._deviations import Deviations, beyond_rounding
from sklearn_ftr.rectification._evenness import Evenness
from sklearn_ftr.rectification._inference import Estimate
from sklearn_ftr.rectification._moments import columns, rounding
from sklearn_ftr.rectification._pool import Pool, PoolBlock
from sklearn_ftr.rectification._pool_rows import Codes, PoolRows
from sklearn_ftr.rectification._pool_totals import (
    BLOCK_PIECES,
    PieceSums,
    PoolTotals,
    RowSums,
    averaged,
)
from sklearn_ftr.rectification._power_tuning import MIN_LABELS_TO_TUNE
from sklearn_ftr.rectification._rectify import shift_of
from sklearn_ftr.rectification._sampling import MeansOfPool, Sampling
from sklearn_ftr.rectification._strata_moments import StrataMoments, sums_of

# Sums of rows that differ by less than this part of their size are the same.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class CountedPieces:
    """Numbers (G,) of the pieces that labels with a weight are in, which of these each label (r,) is in, and strata (G,)."""

    numbers: Codes
    of_rows: Codes
    strata: Codes


@dataclass(frozen=True, eq=False)
class DesignedSampling(Sampling):
    """How r labeled and m unlabeled rows were drawn, in numbers.

    Parameters
    ----------
    weights : ndarray of shape (r,)
        Of labels, with the sum 1.
    own_weights : ndarray of shape (r,) or None
        Of labeled rows on the pool's side, in units of `pool_weights`; None if unlabeled rows alone are there.
    pool_rows : PoolRows
        How the m unlabeled rows were drawn.
    pieces : ndarray of int of shape (r,)
        Numbers, from 0 to `n_pieces` - 1, of the clusters that labeled rows belong to; a row by itself is one. Unlabeled rows by themselves have none.
    strata : ndarray of int of shape (n_pieces,)
        Stratum of each piece that has a number.
    names : list
        What the strata are called.
    labeled_share : ndarray of shape (r,) or None
        For a finite population, the probability with which each labeled row got its label.
    lonely : bool
        Whether a stratum with a single labeled piece is taken at its distance from the mean of all.
    fixed_shares : bool, default=False
        Whether labels of each stratum stand for as many rows as it has, however many rows the clusters have that were labeled.
    """

    weights: Array
    own_weights: Array | None
    pool_rows: PoolRows
    pieces: Codes
    n_pieces: int
    strata: Codes | None
    names: list[Any]
    labeled_share: Array | None
    lonely: bool
    fixed_shares: bool = False

    @property
    def pool_weights(self) -> Array | None:
        """Of unlabeled rows (m,); None is 1 for each."""
        return self.pool_rows.weights

    def mean(self, rows: Array) -> Array:
        """Weighted mean (k,) of values (r, k) of labeled rows."""
        return rows[0] + self.weights @ (rows - rows[0])

    def deviations(
        self,
        y: Array,
        f: Array,
        pool: PoolTotals,
        noise: tuple[Array, Array] | None = None,
        reach: Array | None = None,
    ) -> Deviations:
        """Of labels and predictions (r, k), beside the pool's; see `Sampling.deviations`.

        Rows with weight 0 say nothing, and so do not count.
        """
        k, pieces = y.shape[1], self.counted_pieces()
        labeled, of_rows, strata = pieces.numbers, pieces.of_rows, pieces.strata
        noise = noise or (rounding(y), rounding(f))
        y_mean, f_mean = self.mean(y), self.mean(f)
        dy, df = beyond_rounding(y - y_mean, noise[0]), beyond_rounding(f - f_mean, noise[1])
        of_y, of_f = (self._summed(one, pieces) for one in (dy, df))
        alone, can_tune = of_f, True
        if self.labeled_share is None:
            # A handful of pieces is too near to its own mean.
            few = 0 < pool.n_seen < len(labeled)
            can_tune = not (few and pool.n_seen < MIN_LABELS_TO_TUNE and pool.seen[labeled].any())
            of_f = _difference(of_f, (pool.about(f_mean) if few else pool.totals)[labeled])
        spread, spare = self._within_strata(np.hstack([of_y, of_f]), strata, of_rows)
        spread *= np.sqrt(len(labeled) * spare)
        sizes = np.bincount(of_rows, self.weights[self.weights > 0]).astype(np.float64, copy=False)
        covariance, degrees = self._pool_covariance(pool, labeled, alone, sizes)
        step = np.sqrt(spare * np.sum(self.weights**2))
        return Deviations(
            y_mean=y_mean,
            f_mean=f_mean,
            pool_mean=pool.mean,
            y=spread[:, :k],
            f=spread[:, k:],
            spare=spare,
            pool_covariance=covariance,
            pool_covariance_of_both=covariance,
            pool_degrees=degrees,
            noise=(noise[0] * step, noise[1] * step),
            residual_variance=self._residual_variance(dy, df, noise),
            has_pool=pool.n_seen > 0,
            can_tune=can_tune,
            evenness=self._evenness(np.ones(y.shape) if reach is None else reach, of_rows, strata),
        )

    def _evenness(self, reach: Array, of_rows: Codes, strata: Codes) -> Evenness | None:
        counted, left = self.weights > 0, np.ones(len(strata))
        if self.labeled_share is not None:
            left[of_rows] = 1 - self.labeled_share[counted]
        return Evenness.of_pieces(reach[counted], self.weights[counted], of_rows, strata, left)

    def _residual_variance(self, dy: Array, df: Array, noise: tuple[Array, Array]) -> Array:
        """V(y - f) of rows; of several judges it is known with their weights only."""
        if dy.shape != df.shape:
            return np.full(dy.shape[1], np.nan)
        return self._variance(beyond_rounding(dy - df, noise[0] + noise[1]))

    def variance_of_rows(self, rows: Array) -> Array:
        """V (k,) of values (r, k) of labeled rows, by their weights."""
        return self._variance(rows - self.mean(rows))

    def _variance(self, deviations: Array) -> Array:
        r = self.n_counted
        return np.asarray(self.weights @ deviations**2 * r / max(r - 1, 1))

    def of_labels(self) -> DesignedSampling:
        """Labels and their pieces only; of a pool there is one row, so that labels are not taken for all rows."""
        labeled, pieces = np.unique(self.pieces, return_inverse=True)
        return replace(
            self,
            own_weights=None,
            pool_rows=PoolRows(min(len(self.pool_rows), 1)),
            pieces=pieces.reshape(-1),
            n_pieces=len(labeled),
            strata=None if self.strata is None else self.strata[labeled],
        )

    def deviations_of_labels(self, rows: Array, reach: Array | None = None) -> Deviations:
        """Of values (r, k) of the labeled rows by themselves."""
        return self.deviations(rows, rows, self.pool_part(iter(()), rows.shape[1]), reach=reach)

    def counted_pieces(self) -> CountedPieces:
        """The pieces of labels that have a weight."""
        numbers, of_rows = np.unique(self.pieces[self.weights > 0], return_inverse=True)
        alone = np.zeros(len(numbers), dtype=np.intp)
        return CountedPieces(numbers, of_rows, alone if self.strata is None else self.strata[numbers])

    def spread_of_labels(self, rows: Array, pieces: CountedPieces) -> tuple[Array, int]:
        """`y` (G, k) and `spare` of `deviations_of_labels`, without what else it makes of values (r, k)."""
        deviations = beyond_rounding(rows - self.mean(rows), rounding(rows))
        sums = self._summed(deviations, pieces)
        spread, spare = self._within_strata(sums, pieces.strata, pieces.of_rows)
        return spread * np.sqrt(len(spread) * spare), spare

    def _summed(self, deviations: Array, pieces: CountedPieces) -> Array:
        """Sums (G, k) over pieces of the weighted deviations (r, k) of labels."""
        moved = (self.weights[:, None] * deviations)[self.weights > 0]
        if self.fixed_shares:
            moved = moved - _means(pieces.strata[pieces.of_rows], moved)
        return sums_of(pieces.of_rows, moved, len(pieces.numbers))

    def n_pieces_among(self, rows: slice) -> int:
        """Clusters among some of the labeled rows that have a weight."""
        return len(np.unique(self.pieces[rows][self.weights[rows] > 0]))

    def shift(self, f: Array, pool: PoolTotals) -> Array:
        """Mean prediction of the labeled rows less that of the pool (k,), in standard errors under the design."""
        return shift_of(self.deviations(f, f, pool))

    def of_means(self, f: Array, pool: Pool) -> MeansOfPool:
        """Of all models side by side, from unlabeled rows; with a single one labeled rows join them where they are on the pool's side."""
        sums = self.summary(pool.n_models * f.shape[1], np.tile(f[0], pool.n_models))
        sums = pool.summarized(SideBySide(sums)).sums
        if pool.n_models == 1:
            part = self.part(sums, f)
            return MeansOfPool(part, part.mean[None])
        sides = sums.totals(self.pool_rows, self.n_pieces).centred()
        return MeansOfPool(sides, sides.mean.reshape(pool.n_models, -1))

    def aligned(self, f: Array, shares: Array, folds: Sequence[slice], seen: MeansOfPool) -> PoolTotals:
        """Pieces with labels are predicted by the model that has not seen these."""
        return self._with_labeled(averaged(seen.part, shares, self.own_models(folds)), f)

    def own_models(self, folds: Sequence[slice]) -> Codes | None:
        """Of each piece (n_pieces,) the model that has not seen the labels in it, or -1; None if no unlabeled row is in a piece with labels."""
        if self.pool_rows.pieces is None or not folds:
            return None
        models = np.full(self.n_pieces, -1)
        for number, rows in enumerate(folds):
            models[self.pieces[rows]] = number
        inside = np.bincount(self.pool_rows.pieces, minlength=self.n_pieces) > 0
        return models if (models[inside] >= 0).any() else None

    def pool_part(self, blocks: Iterator[Array], k: int) -> PoolTotals:
        """From values (n, k), block by block, of the rows on the pool's side: labeled rows first where they are there, then unlabeled ones."""
        of_labeled = None if self.own_weights is None else next(blocks, None)
        sums, start = self.summary(k), 0
        for block in blocks:
            sums.add(block, self.pool_rows.between(start, start + len(block)))
            start += len(block)
        if not start:
            return RowSums(k, 1).totals(PoolRows(0), self.n_pieces)
        return self.part(sums, of_labeled)

    def summary(self, k: int, origin: Array | None = None) -> PieceSums | RowSums:
        """What adds up values (n, k) of unlabeled rows, those of clusters about an origin (k,)."""
        if self.pool_rows.pieces is None:
            return RowSums(k, len(self.names))
        return PieceSums(np.zeros(k) if origin is None else origin, self.n_pieces)

    def part(self, sums: PieceSums | RowSums, of_labeled: Array | None) -> PoolTotals:
        """Of unlabeled rows, and of labeled ones (r, k) where they are on the pool's side."""
        return self._with_labeled(sums.totals(self.pool_rows, self.n_pieces), of_labeled)

    def _with_labeled(self, pool: PoolTotals, of_labeled: Array | None) -> PoolTotals:
        if pool.size and self.own_weights is not None and of_labeled is not None:
            weighted = self.own_weights[:, None] * (of_labeled - pool.mean)
            totals = pool.totals + sums_of(self.pieces, weighted, self.n_pieces)
            weights = pool.shares + np.bincount(self.pieces, self.own_weights, self.n_pieces)
            pool = replace(pool, totals=totals, shares=weights)
        return pool.centred().in_shares()

    def design_effect(self, y: Array, sample: Deviations) -> Array:
        """Variance (k,) of labels alone over that of as many independent rows; of a finite population, drawn from it likewise."""
        r = len(y)
        alone = self.weights @ (y - sample.y_mean) ** 2 / max(self.n_counted - 1, 1)
        if self.labeled_share is not None:
            alone = alone * (1 - r / (r + len(self.pool_rows)))
        return np.divide(
            np.diag(sample.labels_only().covariance), alone, out=np.ones_like(alone), where=alone > 0
        )

    @property
    def n_counted(self) -> int:
        """Number of labeled rows that have a weight."""
        return int(np.count_nonzero(self.weights))

    @property
    def is_finite(self) -> bool:
        """Whether the population is these rows."""
        return self.labeled_share is not None

    @property
    def is_complete(self) -> bool:
        """Whether every row of a finite population has a label."""
        share = self.labeled_share
        return share is not None and not len(self.pool_rows) and bool(np.all(share == 1))

    def pool_estimate(self, pool: PoolTotals, n_parameters: int) -> Estimate | None:
        """The mean of the predictions on the pool's side as if they were data; None for as few pieces as parameters."""
        if pool.n_seen <= n_parameters:
            return None
        covariance, degrees = self._covariance_of(pool.totals, pool.seen, pool.alone)
        return Estimate(pool.mean, covariance, np.full(len(pool.mean), float(degrees)))

    def _within_strata(self, totals: Array, strata: Codes, of_rows: Codes) -> tuple[Array, int]:
        """Totals (G, k) about their stratum's mean, so that their squares add up to a variance; degrees of freedom."""
        counts = np.bincount(strata, minlength=len(self.names))
        spread, alone = _centred(totals, strata, counts), counts == 1
        if self.labeled_share is not None:
            share = np.empty(len(totals))
            share[of_rows] = self.labeled_share[self.weights > 0]
            spread *= np.sqrt(1 - share)[:, None]
            alone[strata[share == 1]] = False
        if len(totals) < 2 and alone.any():
            raise ValueError(
                f"All {len(of_rows)} labels with a weight are in 1 cluster (n_samples=1); expected at least 2, because one shows no variance."
            )
        if alone.any() and not self.lonely:
            raise ValueError(
                f"{named(self.names, alone)} a single cluster with labels (n_samples={len(of_rows)}), so that nothing shows how labels vary there; "
                'merge it with a stratum that is like it, label more, or (of the functions) pass SamplingDesign(..., lonely="center").'
            )
        spare = len(totals) - int((counts > 0).sum())
        return spread, max(spare, 1)

    def _pool_covariance(
        self, pool: PoolTotals, labeled: Codes, of_f: Array, sizes: Array
    ) -> tuple[Array, int]:
        """Of the part of the pool's mean that pieces without labels make, and its degrees of freedom.

        Fewer pieces than those with labels (G of them, with totals `of_f` (G, k) and `sizes` (G,)) borrow these, as `deviations_of_rows` does. Pieces
        of other sizes may vary less than the pool's, so that the variance is never smaller than what the pool itself shows.
        """
        unlabeled = pool.seen.copy()
        unlabeled[labeled] = False
        n_pool, spare = int(unlabeled.sum()) + pool.alone.count, len(labeled) - len(self.names)
        if self.labeled_share is not None or not n_pool:
            return np.zeros((len(pool.mean), len(pool.mean))), 1
        own, degrees = self._covariance_of(pool.totals, unlabeled, pool.alone)
        if n_pool >= len(labeled) or spare < 1:
            return own, degrees
        every, lend = np.zeros((self.n_pieces, of_f.shape[1])), np.zeros(self.n_pieces, dtype=bool)
        every[labeled], lend[labeled] = of_f, True
        if pool.n_seen >= len(labeled):
            # Clusters with labels show as many of the pool's rows as others do; of labels they may have one or two.
            every, lend = pool.totals, lend & pool.seen
            sizes, spare = pool.shares[lend], int(lend.sum()) - len(self.names)
            if spare < 1:
                return own, degrees
        borrowed, _ = self._covariance_of(every, lend)
        unit = pool.squared_shares(unlabeled)
        degrees = max(n_pool - len(self.names), 0)
        both = (degrees * own + spare * borrowed * unit / np.sum(sizes**2)) / (degrees + spare)
        variance = np.diag(both)
        larger = np.divide(np.diag(own), variance, out=np.ones_like(variance), where=variance > 0)
        scale = np.sqrt(np.maximum(larger, 1.0))
        return both * np.outer(scale, scale), degrees + spare

    def _covariance_of(
        self, totals: Array, seen: NDArray[np.bool_], alone: StrataMoments | None = None
    ) -> tuple[Array, int]:
        """Of the sum of some pieces' totals, and of those of rows by themselves; and its degrees of freedom."""
        found = StrataMoments.none(len(self.names), totals.shape[1])
        for start in range(0, len(totals), BLOCK_PIECES):
            part = slice(start, start + BLOCK_PIECES)
            chosen = seen[part]
            strata = None if self.strata is None else self.strata[part][chosen]
            found = found.merged(StrataMoments.of(totals[part][chosen], strata, len(self.names)))
        if alone is not None and alone.count:
            found = found.merged(alone.only(slice(0, -1)))
        degrees = found.count - int((found.counts > 0).sum())
        return found.covariance_of_sum, max(degrees, 1)


def _difference(left: Array, right: Array) -> Array:
    """Left less right (G, k); of columns in which both are the same but for rounding, nothing."""
    difference, size = left - right, np.abs(left) + np.abs(right)
    flat = np.sum(difference**2, axis=0) <= (_ROUNDING**2) * np.sum(size**2, axis=0)
    return np.where(flat, 0.0, difference)


def _means(codes: Codes, values: Array) -> Array:
    """The mean (n, k) of all rows (n, k) with the same number, for each of them."""
    counts = np.bincount(codes)
    return np.asarray((sums_of(codes, values, len(counts)) / np.maximum(counts, 1)[:, None])[codes])


@dataclass
class SideBySide:
    """Sums of the predictions of all models, those of the first one first."""

    sums: PieceSums | RowSums

    def add(self, block: PoolBlock) -> None:
        """See a block more."""
        assert block.drawn is not None
        self.sums.add(columns(block.side_by_side), block.drawn)

    def merge(self, other: SideBySide) -> None:
        """See what another one has seen."""
        self.sums.merge(other.sums)  # type: ignore[arg-type]


def _centred(totals: Array, strata: Codes, counts: Codes) -> Array:
    """Totals less their stratum's mean, larger by n / (n - 1); of a stratum with one only, as it is."""
    if len(counts) == 1 and counts[0] > 1:
        return (totals - totals.mean(axis=0)) * np.sqrt(counts[0] / (counts[0] - 1))
    means = sums_of(strata, totals, len(counts)) / np.maximum(counts, 1)[:, None]
    means[counts == 1] = 0.0
    factor = np.sqrt(counts / np.maximum(counts - 1, 1))
    return (totals - means[strata]) * factor[strata, None]


def named(names: list[Any], chosen: NDArray[np.bool_]) -> str:
    """For messages: "Strata A, B and 3 more have"."""
    told = [str(name) for name, one in zip(names, chosen, strict=True) if one]
    more = f" and {len(told) - 5} more" if len(told) > 5 else ""
    return f"Strat{'um' if len(told) == 1 else 'a'} {', '.join(told[:5])}{more} {'has' if len(told) == 1 else 'have'}"
