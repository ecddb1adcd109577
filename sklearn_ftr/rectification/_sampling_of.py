"""What users say of how rows were drawn, brought to numbers: pieces, strata and weights of both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

import numpy as np

from sklearn_ftr._arguments import check_truth_value
from sklearn_ftr._tables import index_digest
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._designed_sampling import DesignedSampling, named
from sklearn_ftr.rectification._deviations import check_enough_labels
from sklearn_ftr.rectification._numbered import numbered
from sklearn_ftr.rectification._pool_rows import Codes, PoolRows
from sklearn_ftr.rectification._sampling import Sampling, SimpleRandom
from sklearn_ftr.rectification._sampling_design import SamplingDesign, check_design

# Weights of which sums of products are far from overflowing.
_LARGE = 1e30


def check_sampling(
    labeled: Mapping[str, Any],
    unlabeled: Mapping[str, Any],
    r: int,
    pool: Sized,
    design: Any = None,
    design_unlabeled: Any = None,
    finite_population: bool = False,
) -> Sampling:
    """How r labeled rows and the pool were drawn; the data as they came, by name."""
    finite_population = check_truth_value(finite_population, "finite_population")
    if design is None and design_unlabeled is None and not finite_population:
        return SimpleRandom(r, (index_digest(labeled), index_digest(unlabeled)))
    check_enough_labels(r)
    m = len(pool)
    return sampling_of(
        check_design(design, "design", r, labeled),
        check_design(design_unlabeled, "design_unlabeled", m, unlabeled),
        *(r, m, finite_population),
    )


def check_no_design(design: Any, design_unlabeled: Any, finite_population: bool) -> None:
    """Refuse one where the pool's groups come in blocks."""
    if design is not None or design_unlabeled is not None or finite_population:
        raise ValueError(
            "The pool comes in blocks and a sampling design is given; expected predictions and groups in arrays."
        )


def sampling_of(
    labeled: SamplingDesign,
    unlabeled: SamplingDesign,
    r: int,
    m: int,
    finite_population: bool,
    keep_design: bool = False,
) -> Sampling:
    """Both sides' designs in numbers; rows that are all alike and by themselves are simple, unless `keep_design`."""
    if not m:
        unlabeled = SamplingDesign(lonely=unlabeled.lonely)
    for name in ("weights", "strata", *(("clusters",) if finite_population else ())):
        if m:
            check_both_sides(name, getattr(labeled, name), getattr(unlabeled, name))
    return drawn_by(labeled, unlabeled, r, m, finite_population, keep_design)


def drawn_by(
    labeled: SamplingDesign,
    unlabeled: SamplingDesign,
    r: int,
    m: int,
    finite_population: bool,
    keep_design: bool = False,
) -> Sampling:
    """As `sampling_of`, of sides that say what each other says; m rows, or clusters without labels, of which the design says nothing weigh 1 each."""
    if labeled.labeling_probability is None and unlabeled.labeling_probability is not None:
        raise ValueError(
            "design_unlabeled has labeling_probability and design has none; expected it for labeled rows, since those count by it."
        )
    of_weights = _brought_to_one(_ones_unless(labeled.weights, r), unlabeled.weights)
    pieces, pool_pieces, n_pieces = _pieces(labeled.clusters, unlabeled.clusters, r)
    of_strata, names = _strata(labeled.strata, unlabeled.strata, r, m)
    strata = _of_pieces(of_strata, pieces, pool_pieces, n_pieces, names) if len(names) > 1 else None
    chance = _probabilities(labeled, of_weights, of_strata, names, r, m, finite_population)
    simple = _is_simple(labeled, unlabeled, pieces, pool_pieces, n_pieces, chance, names)
    if simple and not (finite_population or keep_design):
        return SimpleRandom(r)
    if m and of_weights[1] is not None and not of_weights[1].any():
        raise ValueError(f"The weights of all {m} unlabeled rows are zero; expected some above 0.")
    if not of_weights[0].any():
        raise ValueError(f"The weights of all {r} labeled rows are zero; expected some above 0.")
    weights = of_weights[0] * (1.0 if chance is None else _inverse(chance))
    own = of_weights[0] if chance is not None else None
    share = None
    if finite_population:
        share = _labeled_share(labeled, chance, of_strata, pieces, pool_pieces, n_pieces, names)
    return DesignedSampling(
        weights=weights / weights.sum(),
        own_weights=own,
        pool_rows=PoolRows(
            m,
            of_weights[1],
            pool_pieces,
            of_strata[1] if pool_pieces is None and len(names) > 1 else None,
        ),
        pieces=pieces,
        n_pieces=n_pieces,
        strata=strata,
        names=names,
        labeled_share=share,
        lonely="center" in (labeled.lonely, unlabeled.lonely),
        # Of a sample of clusters the shares of strata are an accident, too, of which rows with a label say more than enough.
        fixed_shares=finite_population
        and strata is not None
        and labeled.clusters is not None
        and labeled.labeling_probability is None,
    )


def check_both_sides(
    name: str, labeled: Any, unlabeled: Any, of_pool: str = "design_unlabeled"
) -> None:
    """That labeled rows have what unlabeled ones have, in what is called `of_pool`."""
    if (labeled is None) != (unlabeled is None):
        with_it, without = ("design", of_pool) if unlabeled is None else (of_pool, "design")
        raise ValueError(
            f"{with_it} has {name} and {without} has none; expected {name} for labeled and unlabeled rows, or for neither."
        )


def _inverse(chance: Array) -> Array:
    """In units of the largest; of rows that do not count, nothing."""
    smallest = chance[chance > 0].min()
    return np.divide(smallest, chance, out=np.zeros_like(chance), where=chance > 0)


def _ones_unless(values: Array | None, n: int) -> Array:
    return np.ones(n) if values is None else values


def _brought_to_one(labeled: Array, unlabeled: Array | None) -> tuple[Array, Array | None]:
    """Weights whose largest is 1 if it is very large or small, so that no sum of their products overflows; others are not copied."""
    largest = max(one.max() for one in (labeled, unlabeled) if one is not None and len(one)) or 1.0
    if 1 / _LARGE < largest < _LARGE:
        return labeled, unlabeled
    return labeled / largest, None if unlabeled is None else unlabeled / largest


def _pieces(labeled: Any, unlabeled: Any, r: int) -> tuple[Codes, Codes | None, int]:
    """Numbers of the clusters of both sides; labeled rows by themselves follow the clusters, unlabeled ones have none."""
    if labeled is None and unlabeled is None:
        return np.arange(r), None, r
    known = [one for one in (labeled, unlabeled) if one is not None]
    codes, size, _ = numbered(known, "clusters")
    if labeled is None:
        return np.arange(size, size + r), codes[0], size + r
    return codes[0], None if unlabeled is None else codes[1], size


def _strata(labeled: Any, unlabeled: Any, r: int, m: int) -> tuple[tuple[Codes, Codes], list[Any]]:
    """Numbers of all rows' strata, and their names; strata without labels are refused."""
    if labeled is None:
        first = np.zeros(1, dtype=np.intp)
        return (np.broadcast_to(first, r), np.broadcast_to(first, m)), [None]
    columns = [labeled] if unlabeled is None else [labeled, unlabeled]
    numbers, _, known = numbered(columns, "strata")
    names, codes = np.unique(np.concatenate(numbers), return_inverse=True)
    of_rows = codes.reshape(-1)[:r], codes.reshape(-1)[r:]
    told = [one.item() if isinstance(one := known[name], np.generic) else one for name in names]
    without = np.bincount(of_rows[0], minlength=len(names)) == 0
    if without.any():
        raise ValueError(
            f"{named(told, without)} no labeled row, so that nothing is known of labels there; label some, or merge it with a stratum "
            "that is like it."
        )
    return of_rows, told


def _of_pieces(
    of_rows: tuple[Codes, Codes],
    pieces: Codes,
    pool_pieces: Codes | None,
    n_pieces: int,
    names: list[Any],
) -> Codes:
    """Each piece's stratum, of which it has one only."""
    strata = np.zeros(n_pieces, dtype=np.intp)
    sides = list(zip((pool_pieces, pieces), of_rows[::-1], strict=True))
    sides = [(codes, rows) for codes, rows in sides if codes is not None]
    for codes, rows in sides:
        strata[codes] = rows
    crossing = sum(int(np.sum(strata[codes] != rows)) for codes, rows in sides)
    if crossing:
        raise ValueError(
            f"Clusters cross strata: {crossing} rows are in another stratum than other rows of their cluster; expected each cluster inside of "
            f"one of the {len(names)} strata. Make labels of clusters unique, or strata coarser."
        )
    return strata


def _probabilities(
    labeled: SamplingDesign,
    weights: tuple[Array, Array | None],
    strata: tuple[Codes, Codes],
    names: list[Any],
    r: int,
    m: int,
    finite: bool,
) -> Array | None:
    """Probability (r,) with which each labeled row got its label; None if they are all alike. Rows with weight 0 do not count."""
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
    of_labels, of_pool = (
        _counted(rows, one, len(names)) for rows, one in zip(strata, weights, strict=True)
    )
    return (of_labels / np.maximum(of_labels + of_pool, 1))[strata[0]]


def _counted(strata: Codes, weights: Array | None, n_strata: int) -> Codes:
    """How many rows with a weight are in each stratum; no row is looked at where all are."""
    if n_strata == 1:
        return np.array([len(strata) if weights is None else np.count_nonzero(weights)])
    return np.bincount(strata if weights is None else strata[weights > 0], minlength=n_strata)


def _is_simple(
    labeled: SamplingDesign,
    unlabeled: SamplingDesign,
    pieces: Codes,
    pool_pieces: Codes | None,
    n_pieces: int,
    chance: Array | None,
    names: list[Any],
) -> bool:
    """Whether rows are all alike and by themselves, so that the design says nothing."""
    weights = [one for one in (labeled.weights, unlabeled.weights) if one is not None and len(one)]
    ends = [(one.min(), one.max()) for one in weights]
    alike = not ends or np.ptp(ends) == 0
    equal_chance = chance is None or np.ptp(chance) == 0
    if not (alike and equal_chance and len(names) == 1):
        return False
    sides = [one for one in (pieces, pool_pieces) if one is not None]
    if n_pieces < sum(map(len, sides)):
        return False
    counts = np.sum([np.bincount(one, minlength=n_pieces) for one in sides], axis=0)
    return bool(counts.max() <= 1)


def _labeled_share(
    labeled: SamplingDesign,
    chance: Array | None,
    strata: tuple[Codes, Codes],
    pieces: Codes,
    pool_pieces: Codes | None,
    n_pieces: int,
    names: list[Any],
) -> Array:
    """Of a finite population: the probability with which each labeled row, or all of its cluster, was labeled."""
    assert chance is not None
    if labeled.clusters is None:
        return chance
    with_labels, without = (np.zeros(n_pieces, dtype=bool) for _ in range(2))
    with_labels[pieces] = True
    if pool_pieces is not None:
        without[pool_pieces] = True
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
    of_labels = _clusters_in(pieces, strata[0], len(names))
    if pool_pieces is None:  # clusters without labels, each of which is a row, or none at all
        of_pool = _counted(strata[1], None, len(names))
    else:
        of_pool = _clusters_in(pool_pieces, strata[1], len(names))
    return np.asarray((of_labels / (of_labels + of_pool))[strata[0]])


def _clusters_in(pieces: Codes, strata: Codes, n_strata: int) -> Codes:
    """How many are in each stratum (n_strata,)."""
    of_pieces = np.unique(np.stack([pieces, strata]), axis=1)[1]
    return np.bincount(of_pieces, minlength=n_strata)
