"""From a sampling design to deviations: influence values summed within clusters, centred within strata.

Binder (1983), "On the variances of asymptotically normal estimators from complex surveys"; the same linearisation as R's
`survey` (Lumley 2004). Means are weighted (Hajek): labels by w / pi, the pool by w. Where labels were drawn with
probabilities or within strata, unlabeled rows alone are no random sample, and so the pool's side takes all rows by w. Clusters that hold
labeled and unlabeled rows move both sides of the control variate at once, which sums over both account for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._arguments import check_truth_value, shown
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._deviations import Deviations, beyond_rounding, check_enough_labels
from sklearn_ftr.rectification._inference import Estimate
from sklearn_ftr.rectification._moments import rounding
from sklearn_ftr.rectification._sampling_design import SamplingDesign, check_design

Codes = NDArray[np.intp]
# Whole numbers serve as numbers of clusters themselves if the largest is not much larger than there are rows.
_SPARSEST = 4


@dataclass(frozen=True, eq=False)
class PoolSide:
    """The mean (k,) of the pool's side, how far each piece (n_pieces, k) moves it, and the pieces' shares (n_pieces,) of its rows."""

    mean: Array
    totals: Array
    shares: Array

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which pieces have rows there."""
        return self.shares > 0

    def about(self, center: Array) -> Array:
        """How far each piece (n_pieces, k) moves the mean away from another center."""
        return self.totals + self.shares[:, None] * (self.mean - center)


@dataclass(frozen=True, eq=False)
class Draw:
    """How r labeled and m unlabeled rows were drawn, in numbers.

    Parameters
    ----------
    weights : ndarray of shape (r,)
        Of labels, with the sum 1.
    own_weights : ndarray of shape (r,) or None
        Of labeled rows on the pool's side, in units of `pool_weights`; None if unlabeled rows alone are there.
    pool_weights : ndarray of shape (m,) or None
        Of unlabeled rows; None is 1 for each.
    pieces, pool_pieces : ndarray of int of shape (r,), (m,)
        Numbers, from 0 to `n_pieces` - 1, of the clusters that rows belong to; a row by itself is one.
    strata : ndarray of int of shape (n_pieces,)
        Stratum of each piece.
    names : list
        What the strata are called.
    labeled_share : ndarray of shape (r,) or None
        For a finite population, the probability with which each labeled row got its label.
    lonely : bool
        Whether a stratum with a single labeled piece is taken at its distance from the mean of all.
    """

    weights: Array
    own_weights: Array | None
    pool_weights: Array | None
    pieces: Codes
    pool_pieces: Codes
    n_pieces: int
    strata: Codes | None
    names: list[Any]
    labeled_share: Array | None
    lonely: bool

    def mean(self, rows: Array) -> Array:
        """Weighted mean (k,) of values (r, k) of labeled rows."""
        return rows[0] + self.weights @ (rows - rows[0])

    def deviations(
        self, y: Array, f: Array, pool: PoolSide, noise: tuple[Array, Array] | None = None
    ) -> Deviations:
        """Of labels and predictions (r, k), beside the pool's; `noise` as for `deviations_of_rows`.

        Rows with weight 0 say nothing, and so do not count.
        """
        k, counted, r = y.shape[1], self.weights > 0, self.n_counted
        noise = noise or (rounding(y), rounding(f))
        y_mean, f_mean = self.mean(y), self.mean(f)
        dy, df = beyond_rounding(y - y_mean, noise[0]), beyond_rounding(f - f_mean, noise[1])
        residuals = beyond_rounding(dy - df, noise[0] + noise[1])
        labeled, of_rows = np.unique(self.pieces[counted], return_inverse=True)
        of_y, of_f = (
            _sums(of_rows, (self.weights[:, None] * one)[counted], len(labeled)) for one in (dy, df)
        )
        alone = of_f
        if self.labeled_share is None:
            # A handful of pieces is too near to its own mean.
            few = 0 < pool.seen.sum() < len(labeled)
            of_f = of_f - (pool.about(f_mean) if few else pool.totals)[labeled]
        strata = np.zeros(len(labeled), dtype=np.intp) if self.strata is None else self.strata[labeled]
        spread, spare = self._within_strata(np.hstack([of_y, of_f]), strata, of_rows)
        spread *= np.sqrt(len(labeled) * spare)
        sizes = np.bincount(of_rows, self.weights[counted]).astype(np.float64, copy=False)
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
            pool_degrees=degrees,
            noise=(noise[0] * step, noise[1] * step),
            residual_variance=self.weights @ residuals**2 * r / max(r - 1, 1),
            has_pool=bool(pool.seen.any()),
        )

    def pool_side(self, blocks: Iterator[Array], k: int, origin: Array | None = None) -> PoolSide:
        """From values (n, k), block by block, of the rows on the pool's side: labeled rows first where they are there, then unlabeled ones."""
        pieces, weights = self.pool_rows
        origin = np.zeros(k) if origin is None else origin
        totals, start = np.zeros((self.n_pieces, k)), 0
        for block in blocks:
            rows = slice(start, start + len(block))
            values = block - origin
            if weights is not None:
                values *= weights[rows, None]
            for column in range(k):
                np.add.at(totals[:, column], pieces[rows], values[:, column])
            start = rows.stop
        if not start:
            return PoolSide(origin, totals, np.zeros(self.n_pieces))
        sizes = np.bincount(pieces, weights, self.n_pieces).astype(np.float64, copy=False)
        size = sizes.sum()
        shift = totals.sum(axis=0) / size
        for column in range(k):
            totals[:, column] -= shift[column] * sizes
        totals /= size
        return PoolSide(origin + shift, totals, sizes / size)

    @property
    def pool_rows(self) -> tuple[Codes, Array | None]:
        """Pieces and weights (n,) of the rows on the pool's side; without weights they are all alike."""
        if self.own_weights is None or not len(self.pool_pieces):
            return self.pool_pieces, self.pool_weights
        weights = np.ones(len(self.pool_pieces)) if self.pool_weights is None else self.pool_weights
        pieces = np.concatenate([self.pieces, self.pool_pieces])
        return pieces, np.concatenate([self.own_weights, weights])

    def design_effect(self, y: Array, sample: Deviations) -> Array:
        """Variance (k,) of labels alone over that of as many independent rows; of a finite population, drawn from it likewise."""
        r = len(y)
        alone = self.weights @ (y - sample.y_mean) ** 2 / max(self.n_counted - 1, 1)
        if self.labeled_share is not None:
            alone = alone * (1 - r / (r + len(self.pool_pieces)))
        return np.divide(
            np.diag(sample.labels_only().covariance), alone, out=np.ones_like(alone), where=alone > 0
        )

    @property
    def n_counted(self) -> int:
        """Number of labeled rows that have a weight."""
        return int(np.count_nonzero(self.weights))

    @property
    def is_complete(self) -> bool:
        """Whether every row of a finite population has a label."""
        return self.labeled_share is not None and not len(self.pool_pieces)

    def pool_estimate(self, pool: PoolSide) -> Estimate | None:
        """The mean of the predictions on the pool's side as if they were data; None for fewer than two pieces."""
        if pool.seen.sum() < 2:
            return None
        covariance, degrees = self._covariance_of(pool.totals, pool.seen)
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
                f"{_named(self.names, alone)} a single cluster with labels (n_samples={len(of_rows)}), so that nothing shows how labels vary there; "
                'merge it with a stratum that is like it, label more, or pass SamplingDesign(..., lonely="center").'
            )
        spare = len(totals) - int((counts > 0).sum())
        return spread, max(spare, 1)

    def _pool_covariance(
        self, pool: PoolSide, labeled: Codes, of_f: Array, sizes: Array
    ) -> tuple[Array, int]:
        """Of the part of the pool's mean that pieces without labels make, and its degrees of freedom.

        Fewer pieces than those with labels (G of them, with totals `of_f` (G, k) and `sizes` (G,)) borrow these, as `deviations_of_rows` does. Pieces
        of other sizes may vary less than the pool's, so that the variance is never smaller than what the pool itself shows.
        """
        unlabeled = pool.seen.copy()
        unlabeled[labeled] = False
        if self.labeled_share is not None or not unlabeled.any():
            return np.zeros((len(pool.mean), len(pool.mean))), 1
        own, degrees = self._covariance_of(pool.totals, unlabeled)
        n_pool, spare = int(unlabeled.sum()), len(labeled) - len(self.names)
        if n_pool >= len(labeled) or spare < 1:
            return own, degrees
        every = np.zeros((self.n_pieces, of_f.shape[1]))
        every[labeled] = of_f
        borrowed, _ = self._covariance_of(every, np.isin(np.arange(self.n_pieces), labeled))
        unit = np.sum(pool.shares[unlabeled] ** 2)
        degrees = max(n_pool - len(self.names), 0)
        both = (degrees * own + spare * borrowed * unit / np.sum(sizes**2)) / (degrees + spare)
        variance = np.diag(both)
        larger = np.divide(np.diag(own), variance, out=np.ones_like(variance), where=variance > 0)
        scale = np.sqrt(np.maximum(larger, 1.0))
        return both * np.outer(scale, scale), degrees + spare

    def _covariance_of(self, totals: Array, seen: NDArray[np.bool_]) -> tuple[Array, int]:
        """Of the sum of some pieces' totals, and its degrees of freedom."""
        chosen = totals[seen] if not seen.all() else totals
        strata = np.zeros(len(chosen), dtype=np.intp) if self.strata is None else self.strata[seen]
        counts = np.bincount(strata, minlength=len(self.names))
        spread = _centred(chosen, strata, counts)
        return spread.T @ spread, max(len(chosen) - int((counts > 0).sum()), 1)


def check_sampling(
    labeled: Mapping[str, Any],
    unlabeled: Mapping[str, Any],
    sizes: tuple[int, int],
    design: Any = None,
    design_unlabeled: Any = None,
    finite_population: bool = False,
) -> Draw | None:
    """The draw of labeled rows and of the pool, of which there are `sizes`; the data as they came, by name."""
    finite_population = check_truth_value(finite_population, "finite_population")
    if design is None and design_unlabeled is None and not finite_population:
        return None
    r, m = sizes
    check_enough_labels(r)
    return draw_of(
        check_design(design, "design", r, labeled),
        check_design(design_unlabeled, "design_unlabeled", m, unlabeled),
        *(r, m, finite_population),
    )


def draw_of(
    labeled: SamplingDesign,
    unlabeled: SamplingDesign,
    r: int,
    m: int,
    finite_population: bool,
    keep_simple: bool = False,
) -> Draw | None:
    """Both sides' designs in numbers; None for rows that are all alike and by themselves, unless `keep_simple`."""
    if not m:
        unlabeled = SamplingDesign(lonely=unlabeled.lonely)
    for name in ("weights", "strata", *(("clusters",) if finite_population else ())):
        _check_both_sides(name, getattr(labeled, name), getattr(unlabeled, name), m)
    if labeled.labeling_probability is None and unlabeled.labeling_probability is not None:
        raise ValueError(
            "design_unlabeled has labeling_probability and design has none; expected it for labeled rows, since those count by it."
        )
    of_weights = _brought_to_one(_ones_unless(labeled.weights, r), unlabeled.weights)
    pieces, pool_pieces, n_pieces = _pieces(labeled.clusters, unlabeled.clusters, r, m)
    of_strata, names = _strata(labeled.strata, unlabeled.strata, r, m)
    strata = _of_pieces(of_strata, pieces, pool_pieces, n_pieces, names) if len(names) > 1 else None
    chance = _probabilities(labeled, of_strata, names, r, m, finite_population)
    simple = _is_simple(labeled, unlabeled, pieces, pool_pieces, n_pieces, chance, names)
    if simple and not (finite_population or keep_simple):
        return None
    if not of_weights[0].any():
        raise ValueError(f"The weights of all {r} labeled rows are zero; expected some above 0.")
    weights = of_weights[0] * (1.0 if chance is None else chance.min() / chance)
    own = of_weights[0] if chance is not None else None
    share = None
    if finite_population:
        share = _labeled_share(labeled, chance, of_strata, pieces, pool_pieces, n_pieces, names)
    return Draw(
        weights=weights / weights.sum(),
        own_weights=own,
        pool_weights=of_weights[1],
        pieces=pieces,
        pool_pieces=pool_pieces,
        n_pieces=n_pieces,
        strata=strata,
        names=names,
        labeled_share=share,
        lonely="center" in (labeled.lonely, unlabeled.lonely),
    )


def _check_both_sides(name: str, labeled: Any, unlabeled: Any, m: int) -> None:
    if m and (labeled is None) != (unlabeled is None):
        with_it, without = (
            ("design", "design_unlabeled") if unlabeled is None else ("design_unlabeled", "design")
        )
        raise ValueError(
            f"{with_it} has {name} and {without} has none; expected {name} for labeled and unlabeled rows, or for neither."
        )


def _ones_unless(values: Array | None, n: int) -> Array:
    return np.ones(n) if values is None else values


def _brought_to_one(labeled: Array, unlabeled: Array | None) -> tuple[Array, Array | None]:
    """Weights whose largest is 1, so that no sum of them overflows."""
    largest = max(one.max() for one in (labeled, unlabeled) if one is not None)
    return labeled / largest, None if unlabeled is None else unlabeled / largest


def _pieces(labeled: Any, unlabeled: Any, r: int, m: int) -> tuple[Codes, Codes, int]:
    """Numbers of the clusters of both sides; rows by themselves follow the clusters."""
    if labeled is None and unlabeled is None:
        return np.arange(r), np.arange(r, r + m), r + m
    known = [one for one in (labeled, unlabeled) if one is not None]
    codes, size, _ = numbered(known, "clusters")
    if labeled is None:
        return np.arange(size, size + r), codes[0], size + r
    if unlabeled is None:
        return codes[0], np.arange(size, size + m), size + m
    return codes[0], codes[1], size


def numbered(columns: list[NDArray[Any]], name: str) -> tuple[list[Codes], int, list[Any]]:
    """The same number, from 0 on, for the same label in all columns; how many there are; and what they are called."""
    kinds = {one.dtype.kind for one in columns}  # of which those that mix would round whole numbers
    total = sum(map(len, columns))
    if all(one.dtype.kind in "biu" for one in columns if len(one)):
        low, high = (
            getattr(np, side)([getattr(one, side)() for one in columns if len(one)])
            for side in ("min", "max")
        )
        if low >= 0 and high < _SPARSEST * total:
            return (
                [one.astype(np.intp, copy=False) for one in columns],
                int(high) + 1,
                list(range(int(high) + 1)),
            )
    if len(kinds) == 1 and kinds != {"O"}:
        names, codes = np.unique(np.concatenate(columns), return_inverse=True)
        codes = codes.reshape(-1)
        return (
            np.split(codes, np.cumsum([len(one) for one in columns])[:-1]),
            len(names),
            names.tolist(),
        )
    objects = [_as_python(one) for one in columns]
    _check_kinds(objects, name)
    numbers: dict[Any, int] = {}
    told = [
        np.fromiter((numbers.setdefault(label, len(numbers)) for label in one), np.intp, len(one))
        for one in objects
    ]
    return told, len(numbers), list(numbers)


def _as_python(labels: NDArray[Any]) -> list[Any]:
    """Python's; of dates with nanoseconds numpy would make whole numbers."""
    return list(labels.astype("M8[us]" if labels.dtype.kind == "M" else labels.dtype).tolist())


def _check_kinds(columns: list[list[Any]], name: str) -> None:
    """Labels that can be the same in both columns: not 1 here and "1" there."""
    kinds = [set(map(_kind, set(map(type, one)))) for one in columns if one]
    if len(kinds) == 2 and not kinds[0] & kinds[1]:
        of_labeled, of_pool = (f"{shown(one[0])} ({type(one[0]).__name__})" for one in columns)
        raise ValueError(
            f"{name} are labels of different kinds among labeled rows, such as {of_labeled}, and unlabeled rows, such as {of_pool}, none of which can be "
            "the same; expected one kind of label."
        )


def _kind(kind: type) -> Any:
    known = ((Real | Decimal, "number"), (str, "text"), (datetime, "time"))
    return next((word for types, word in known if issubclass(kind, types)), kind)


def _strata(labeled: Any, unlabeled: Any, r: int, m: int) -> tuple[tuple[Codes, Codes], list[Any]]:
    """Numbers of all rows' strata, and their names; strata without labels are refused."""
    if labeled is None:
        return (np.zeros(r, dtype=np.intp), np.zeros(m, dtype=np.intp)), [None]
    columns = [labeled] if unlabeled is None else [labeled, unlabeled]
    numbers, _, known = numbered(columns, "strata")
    names, codes = np.unique(np.concatenate(numbers), return_inverse=True)
    of_rows = codes.reshape(-1)[:r], codes.reshape(-1)[r:]
    told = [known[name] for name in names]
    without = np.bincount(of_rows[0], minlength=len(names)) == 0
    if without.any():
        raise ValueError(
            f"{_named(told, without)} no labeled row, so that nothing is known of labels there; label some, or merge it with a stratum "
            "that is like it."
        )
    return of_rows, told


def _of_pieces(
    of_rows: tuple[Codes, Codes], pieces: Codes, pool_pieces: Codes, n_pieces: int, names: list[Any]
) -> Codes:
    """Each piece's stratum, of which it has one only."""
    strata = np.zeros(n_pieces, dtype=np.intp)
    strata[pool_pieces] = of_rows[1]
    strata[pieces] = of_rows[0]
    crossing = sum(
        int(np.sum(strata[codes] != rows))
        for codes, rows in ((pieces, of_rows[0]), (pool_pieces, of_rows[1]))
    )
    if crossing:
        raise ValueError(
            f"Clusters cross strata: {crossing} rows are in another stratum than other rows of their cluster; expected each cluster inside of "
            f"one of the {len(names)} strata. Make labels of clusters unique, or strata coarser."
        )
    return strata


def _probabilities(
    labeled: SamplingDesign, strata: tuple[Codes, Codes], names: list[Any], r: int, m: int, finite: bool
) -> Array | None:
    """Probability (r,) with which each labeled row got its label; None if they are all alike."""
    given: Array | None = labeled.labeling_probability
    if finite and not m:
        return np.ones(r)
    if given is not None:
        unknown = int(np.isnan(given).sum())
        if unknown:
            raise ValueError(
                f"labeling_probability is NaN for {unknown} labeled rows; expected the probability with which each was chosen."
            )
        return given
    if len(names) == 1 and not finite:
        return None
    of_labels, of_pool = (np.bincount(rows, minlength=len(names)) for rows in strata)
    return (of_labels / (of_labels + of_pool))[strata[0]]


def _is_simple(
    labeled: SamplingDesign,
    unlabeled: SamplingDesign,
    pieces: Codes,
    pool_pieces: Codes,
    n_pieces: int,
    chance: Array | None,
    names: list[Any],
) -> bool:
    """Whether rows are all alike and by themselves, so that the design says nothing."""
    weights = [one for one in (labeled.weights, unlabeled.weights) if one is not None]
    alike = not weights or np.ptp(np.concatenate(weights)) == 0
    equal_chance = chance is None or np.ptp(chance) == 0
    if not (alike and equal_chance and len(names) == 1):
        return False
    counts = np.bincount(pieces, minlength=n_pieces) + np.bincount(pool_pieces, minlength=n_pieces)
    return bool(counts.max() <= 1)


def _labeled_share(
    labeled: SamplingDesign,
    chance: Array | None,
    strata: tuple[Codes, Codes],
    pieces: Codes,
    pool_pieces: Codes,
    n_pieces: int,
    names: list[Any],
) -> Array:
    """Of a finite population: the probability with which each labeled row, or all of its cluster, was labeled."""
    assert chance is not None
    if labeled.clusters is None:
        return chance
    with_labels, without = (np.zeros(n_pieces, dtype=bool) for _ in range(2))
    with_labels[pieces], without[pool_pieces] = True, True
    if (with_labels & without).any():
        raise ValueError(
            f"{int((with_labels & without).sum())} clusters have labeled and unlabeled rows, and the population is finite; expected clusters that were labeled "
            "as a whole or not at all. Where rows were chosen one by one, leave clusters out: nothing else is random."
        )
    if labeled.labeling_probability is not None:
        largest = np.zeros(n_pieces)
        np.maximum.at(largest, pieces, chance)
        differ = np.unique(pieces[chance != largest[pieces]])
        if len(differ):
            raise ValueError(
                f"labeling_probability differs within {len(differ)} clusters, and the population is finite; expected the probability with which the whole "
                "cluster was labeled."
            )
        return chance
    of_pieces = [
        np.unique(np.stack([codes, rows]), axis=1)[1]
        for codes, rows in ((pieces, strata[0]), (pool_pieces, strata[1]))
    ]
    of_labels, of_pool = (np.bincount(rows, minlength=len(names)) for rows in of_pieces)
    return (of_labels / (of_labels + of_pool))[strata[0]]


def _sums(codes: Codes, values: Array, size: int) -> Array:
    """Sums (size, k) of rows (n, k) with the same number."""
    return np.stack([np.bincount(codes, column, size) for column in values.T], axis=1)


def _centred(totals: Array, strata: Codes, counts: Codes) -> Array:
    """Totals less their stratum's mean, larger by n / (n - 1); of a stratum with one only, as it is."""
    if len(counts) == 1 and counts[0] > 1:
        return (totals - totals.mean(axis=0)) * np.sqrt(counts[0] / (counts[0] - 1))
    means = _sums(strata, totals, len(counts)) / np.maximum(counts, 1)[:, None]
    means[counts == 1] = 0.0
    factor = np.sqrt(counts / np.maximum(counts - 1, 1))
    return (totals - means[strata]) * factor[strata, None]


def _named(names: list[Any], chosen: NDArray[np.bool_]) -> str:
    """For messages: "Strata A, B and 3 more have"."""
    told = [str(name) for name, one in zip(names, chosen, strict=True) if one]
    more = f" and {len(told) - 5} more" if len(told) > 5 else ""
    return f"Strat{'um' if len(told) == 1 else 'a'} {', '.join(told[:5])}{more} {'has' if len(told) == 1 else 'have'}"
