"""How the rows of a fit were drawn: read once, respected by folds and splits, and told to stage 2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._tables import check_same_index
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._out_of_sample import OutOfSample
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._numbered import numbered
from sklearn_ftr.rectification._pool_moments import PoolMoments
from sklearn_ftr.rectification._sample import Folds, Sample, Trained
from sklearn_ftr.rectification._sampling import Sampling, SimpleRandom
from sklearn_ftr.rectification._sampling_design import SamplingDesign
from sklearn_ftr.rectification._sampling_of import sampling_of
from sklearn_ftr.rectification._source_pool import SummarizedPool

Rows = NDArray[np.intp]
# What `fit` calls the columns of a sampling design.
_COLUMNS = {
    "sample_weight": "weights",
    "groups": "clusters",
    "strata": "strata",
    "labeling_probability": "labeling_probability",
}


def with_sampling(labels: PartialLabels, for_splitter: bool = False, **columns: Any) -> PartialLabels:
    """Labels that know how their rows were drawn, from what `fit` was given; a splitter of the user's gets any groups."""
    given = {name: values for name, values in columns.items() if values is not None}
    if not given:
        return labels
    for name, values in given.items():
        check_same_index(labels, _of_x(values, labels), "the data", name)
    design = SamplingDesign.called({_COLUMNS[name]: (name, values) for name, values in given.items()})
    _check_length(labels, len(design), given)
    design = _that_says_something(_with_numbers(design, labels), for_splitter)
    return labels if design.is_empty else replace(labels, design=design)


def _of_x(values: Any, labels: PartialLabels) -> Any:
    """Entries of the rows of X, before those of a pool."""
    is_cut = labels.more is not None and hasattr(values, "iloc")
    return values.iloc[: len(labels.y)] if is_cut else values


def _with_numbers(design: SamplingDesign, labels: PartialLabels) -> SamplingDesign:
    """With clusters as numbers from 0 on, in the order of those with labels, so that no other kind of label is sorted again and again."""
    clusters = design.clusters
    if clusters is None or clusters.dtype.kind in "bu":
        return design
    others = np.ones(len(clusters), dtype=bool)
    others[labels.labeled] = False
    sides = labels.labeled, others
    numbers = np.empty(len(clusters), dtype=np.intp)
    for rows, codes in zip(
        sides, numbered([clusters[rows] for rows in sides], "groups")[0], strict=True
    ):
        numbers[rows] = codes
    return design.with_columns(clusters=numbers)


def _check_length(labels: PartialLabels, n: int, given: Mapping[str, Any]) -> None:
    """An entry for each row of X and, after these, of the pool; of a pool that has not been counted n says how many it has."""
    called = f"{' and '.join(given)} ha{'s' if len(given) == 1 else 've'} {n} entries"
    of_X, more = len(labels.y), labels.more
    if more is None:
        if n != of_X:
            raise ValueError(f"{called} and X has {of_X} rows; expected one entry for each row.")
        return
    if n > of_X:
        more.expect(n - of_X)
    if n != of_X + len(more):
        raise ValueError(
            f"{called}, X has {of_X} rows and pool {len(more)}; expected one entry for each row of X and, after these, one for each row of pool."
        )


def _that_says_something(design: SamplingDesign, for_splitter: bool) -> SamplingDesign:
    """Without columns that are the same for all rows, and clusters of one row each: folds and splits are as if they were not given."""
    idle: list[str] = []
    for name, size in (("clusters", 0 if for_splitter else len(design)), ("strata", 1)):
        values = getattr(design, name)
        if values is not None and _n_kinds(values, name) == size:
            idle.append(name)
    # With strata a probability that is the same for all says that shares of labels are no accident of the sample.
    stratified = design.strata is not None and "strata" not in idle
    for name in ("weights", "labeling_probability"):
        values = getattr(design, name)
        counts = stratified and name == "labeling_probability"
        if values is not None and not counts and len(values) and np.ptp(values) == 0:
            idle.append(name)
    return design.with_columns(**dict.fromkeys(idle))


def _n_kinds(values: NDArray[Any], name: str) -> int:
    (codes,), size, _ = numbered([values], name)
    return int(np.count_nonzero(np.bincount(codes, minlength=size)))


def sample_of_stages(
    labels: PartialLabels,
    stage_one: OutOfSample,
    recycle: bool,
    finite_population: bool = False,
    design_of: Callable[[Rows], Design] | None = None,
    keep_design: bool = False,
    covariates_of: Callable[[Any], Design] | None = None,
    known: PoolMoments | None = None,
) -> Sample:
    """What stage 2 estimates from: labels, what stage 1 has predicted for them, and how all rows were drawn.

    `design_of` gives covariates of some rows of the fit, and `covariates_of` those of other rows, where the estimand has any; `known` is what is known of the pool already; with `keep_design` a design is one even if it says nothing. Unlabeled rows in clusters of labels that have trained are left out, since
    what the model says of them is no prediction; the others stand for them.
    """
    rectify, trained = stage_one.rectify_rows, stage_one.finetune_rows
    counted = labels.design is not None or finite_population
    drawn, every, kept = _drawn_of_stages(labels, stage_one, finite_population, keep_design)
    folds = Folds(stage_one.fold_sizes)
    shares = drawn.shares(folds.sizes) if len(folds) else np.ones(1)
    f = stage_one.predictions
    if known is None:
        own = drawn.own_models(folds.rows)
        pool = stage_one.pool(shares, kept, design_of, covariates_of, own_models=own)
    else:
        pool = SummarizedPool(known, f.shape[1], shares)
    return Sample(
        y=labels.y[rectify],
        f=f,
        pool=pool,
        drawn=drawn,
        X=design_of(rectify) if design_of else None,
        trained=_trained(labels, trained, every, recycle, finite_population, design_of),
        folds=folds,
        n_finetune=stage_one.n_finetune,
        n_unlabeled=None if known or not (counted or stage_one.more is None) else stage_one.n_pool,
        n_indicators=stage_one.n_indicators,
    )


def _drawn_of_stages(
    labels: PartialLabels, stage_one: OutOfSample, finite_population: bool, keep_design: bool
) -> tuple[Sampling, Sampling, Any]:
    """As `drawn_rows`; rows of the pool are looked up only where a design has something to say of them."""
    rectify, trained = stage_one.rectify_rows, stage_one.finetune_rows
    simple = labels.design is None and not finite_population
    pool: Rows | range = range(0)
    if not simple:
        of_x, behind = stage_one.pool_rows, labels.behind_x
        pool = np.concatenate([of_x, np.asarray(behind, np.intp)]) if len(of_x) else behind
    return drawn_rows(labels, trained, rectify, pool, finite_population, keep_design)


def check_no_known_part(finite_population: bool, stage_one: OutOfSample) -> None:
    """Refuse a split of a finite population where labels that have trained are no simple part of the answer."""
    if finite_population and len(stage_one.finetune_rows):
        raise ValueError(
            f"finite_population=True and {len(stage_one.finetune_rows)} labels that only train: what they are in the population is known, but coefficients and "
            "differences are no sum of parts. Let every label rectify, with cv=5 (or split_ratio=0 for a model that is trained already)."
        )


def drawn_rows(
    labels: PartialLabels,
    finetune: Rows,
    rectify: Rows,
    pool: Rows | range,
    finite_population: bool,
    keep_design: bool,
) -> tuple[Sampling, Sampling, Any]:
    """How labels that rectify and the pool were drawn; the same of all labels, those that rectify first; and which rows of the pool stay."""
    everything = slice(None)
    if labels.design is None and not finite_population:
        return SimpleRandom(len(rectify)), SimpleRandom(len(rectify) + len(finetune)), everything
    design = labels.design or SamplingDesign()
    every = sampling_of(
        *(design.only(np.concatenate([rectify, finetune])), design.only(pool)),
        *(len(rectify) + len(finetune), len(pool)),
        finite_population,
        keep_design,
    )
    if isinstance(every, SimpleRandom):
        return SimpleRandom(len(rectify)), every, everything
    if not len(finetune):
        return every, every, everything
    drawn, in_pool = _drawn_of_rest(
        design, labels, finetune, rectify, np.asarray(pool, dtype=np.intp), finite_population
    )
    return drawn, every, everything if in_pool.all() else in_pool


def _drawn_of_rest(
    design: SamplingDesign,
    labels: PartialLabels,
    finetune: Rows,
    rectify: Rows,
    pool: Rows,
    finite_population: bool,
) -> tuple[Sampling, NDArray[np.bool_]]:
    """Of labels that have not trained, and of the rows of the pool (m,) that stay beside them, with which these are."""
    in_pool = np.ones(len(pool), dtype=bool)
    if design.clusters is not None:
        numbers = numbered([design.clusters], "groups")[0][0]
        in_pool = ~np.isin(numbers[pool], numbers[finetune])
    rest, out = pool[in_pool], pool[~in_pool]
    if design.labeling_probability is not None:
        design = _less_probable(design, labels, finetune, bool(in_pool.all()), finite_population)
    elif design.strata is not None and not finite_population:
        design = _standing_for_all(design, np.concatenate([rectify, rest]))
    # Rows that come in blocks cannot be taken out of these: they weigh nothing there.
    out = out[out >= len(labels.y)]
    if len(out) and rest.max(initial=-1) >= len(labels.y):
        weights = _weights(design, labels.n_rows).copy()
        weights[out] = 0.0
        design = design.with_columns(weights=weights)
        in_pool = in_pool | (pool >= len(labels.y))
        rest = pool[in_pool]
    drawn = sampling_of(
        *(design.only(rectify), design.only(rest)),
        *(len(rectify), len(rest)),
        finite_population,
        keep_design=True,
    )
    return drawn, in_pool


def _trained(
    labels: PartialLabels,
    finetune: Rows,
    every: Sampling,
    recycle: bool,
    finite_population: bool,
    design_of: Callable[[Rows], Design] | None,
) -> Trained | None:
    """Labels that have trained only; of a finite population they are a known part."""
    if not len(finetune):
        return None
    weights, share = None, 0.0
    if finite_population:
        of_rows = _weights(labels.design or SamplingDesign(), labels.n_rows)
        weights, share = of_rows[finetune], float(of_rows[finetune].sum() / of_rows.sum())
    return Trained(
        y=labels.y[finetune],
        every=every,
        X=design_of(finetune) if design_of else None,
        recycle=recycle,
        share=share,
        weights=weights,
    )


def _less_probable(
    design: SamplingDesign,
    labels: PartialLabels,
    finetune: Rows,
    rows_train_alone: bool,
    finite_population: bool,
) -> SamplingDesign:
    """Of rows that are left: any labeled row, or cluster, trains with the same probability, and others stand for those that have."""
    pi, share = design.labeling_probability, len(finetune) / len(labels.labeled)
    unknown = int(np.isnan(pi[labels.pool_rows]).sum())
    if unknown:
        raise ValueError(
            f"labeling_probability is NaN for {unknown} unlabeled rows; where some labels train only, it is needed for all rows. Give it for "
            "all, or let every label rectify with cv=5."
        )
    in_question = pi
    if not rows_train_alone:  # the whole cluster goes if one of its rows has a label
        numbers = numbered([design.clusters], "groups")[0][0]
        counts = [len(np.unique(numbers[rows])) for rows in (finetune, labels.labeled)]
        share = counts[0] / counts[1]
        with np.errstate(divide="ignore"):
            none = np.exp(np.bincount(numbers, np.log1p(-pi)))
        in_question = 1 - none[numbers]
    left = 1 - share * in_question
    weights = _weights(design, len(pi))
    return design.with_columns(
        weights=weights if finite_population else weights / left,
        labeling_probability=np.minimum(pi * (1 - share) / left, 1.0),
    )


def _standing_for_all(design: SamplingDesign, left: Rows) -> SamplingDesign:
    """Rows of each stratum that are left stand for all of it, so that strata keep their shares."""
    _, strata = np.unique(numbered([design.strata], "strata")[0][0], return_inverse=True)
    weights = _weights(design, len(strata))
    of_all = np.bincount(strata, weights)
    of_left = np.bincount(strata[left], weights[left], len(of_all))
    factor = np.divide(of_all, of_left, out=np.ones_like(of_all), where=of_left > 0)
    return design.with_columns(weights=weights * factor[strata])


def _weights(design: SamplingDesign, n: int) -> Array:
    """Of n rows, 1 for each if the design has none."""
    return np.ones(n) if design.weights is None else np.asarray(design.weights)
