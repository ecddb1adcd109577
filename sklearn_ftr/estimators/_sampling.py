"""How the rows of a fit were drawn: read once, respected by folds and splits, and told to stage 2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._tables import check_same_index
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._draw import Draw
from sklearn_ftr.rectification._draw_of import draw_of, numbered
from sklearn_ftr.rectification._mean_of_draw import Trained
from sklearn_ftr.rectification._sampling_design import SamplingDesign

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
        check_same_index(labels, values, "the data", name)
    design = SamplingDesign.called({_COLUMNS[name]: (name, values) for name, values in given.items()})
    if len(design) != len(labels.y):
        raise ValueError(
            f"{' and '.join(given)} ha{'s' if len(given) == 1 else 've'} {len(design)} entries and X has {len(labels.y)} rows; "
            "expected one entry for each row."
        )
    design = _that_says_something(design, for_splitter)
    return labels if design.is_empty else replace(labels, design=design)


def _that_says_something(design: SamplingDesign, for_splitter: bool) -> SamplingDesign:
    """Without columns that are the same for all rows, and clusters of one row each: folds and splits are as if they were not given."""
    idle: list[str] = []
    for name, size in (("clusters", 0 if for_splitter else len(design)), ("strata", 1)):
        values = getattr(design, name)
        if values is not None and len(np.unique(numbered([values], name)[0][0])) == size:
            idle.append(name)
    # With strata a probability that is the same for all says that shares of labels are no accident of the sample.
    stratified = design.strata is not None and "strata" not in idle
    for name in ("weights", "labeling_probability"):
        values = getattr(design, name)
        counts = stratified and name == "labeling_probability"
        if values is not None and not counts and len(values) and np.ptp(values) == 0:
            idle.append(name)
    return replace_columns(design, **dict.fromkeys(idle))


@dataclass(frozen=True, eq=False)
class Draws:
    """How the rows of both stages were drawn.

    Parameters
    ----------
    of_rectify : Draw
        Of labels that rectify and of the unlabeled rows that stay in the pool.
    of_labels : Draw
        Of all labels, those that rectify first.
    in_pool : ndarray of bool, shape (m,)
        Which unlabeled rows stay: none of a cluster whose labels have trained.
    """

    of_rectify: Draw
    of_labels: Draw
    in_pool: NDArray[np.bool_]


def draws_of_stages(
    labels: PartialLabels, finetune: Rows, rectify: Rows, finite_population: bool
) -> Draws | None:
    """How both stages' rows were drawn; None if all rows are alike and by themselves.

    Rows that have trained, and the rest of their clusters, are not in the pool, since what a model predicts for them is no
    prediction. The others stand for them.
    """
    if labels.design is None and not finite_population:
        return None
    design, everything = labels.design or SamplingDesign(), np.ones(len(labels.unlabeled), dtype=bool)
    of_labels = draw_of(
        *(design.only(np.concatenate([rectify, finetune])), design.only(labels.unlabeled)),
        *(len(labels.labeled), len(labels.unlabeled)),
        finite_population,
    )
    if of_labels is None:
        return None
    if not len(finetune):
        return Draws(of_labels, of_labels, everything)
    in_pool = everything
    if design.clusters is not None:
        numbers = numbered([design.clusters], "groups")[0][0]
        in_pool = ~np.isin(numbers[labels.unlabeled], numbers[finetune])
    rest = labels.unlabeled[in_pool]
    if design.labeling_probability is not None:
        design = _less_probable(design, labels, finetune, bool(in_pool.all()), finite_population)
    elif design.strata is not None and not finite_population:
        design = _standing_for_all(design, np.concatenate([rectify, rest]))
    of_rectify = draw_of(
        *(design.only(rectify), design.only(rest)),
        *(len(rectify), len(rest)),
        finite_population,
        keep_simple=True,
    )
    return None if of_rectify is None else Draws(of_rectify, of_labels, in_pool)


def trained_labels(
    labels: PartialLabels,
    finetune: Rows,
    rectify: Rows,
    draws: Draws,
    recycle: bool,
    finite_population: bool,
) -> Trained:
    """What stage 2 of a mean must know of labels that have trained only."""
    s, draw = len(finetune), draws.of_labels
    if not s:
        return Trained()
    design, k = labels.design or SamplingDesign(), labels.n_outputs
    trained = np.arange(len(draw.pieces)) >= len(draw.pieces) - s
    weights, share = draw.weights[trained], 0.0
    if finite_population:  # of which they are a known part
        of_rows = _weights(design, len(labels.y))
        weights, share = of_rows[finetune], float(of_rows[finetune].sum() / of_rows.sum())
    y = labels.y[finetune].reshape(s, k)
    counts = weights.any() and (recycle or finite_population)
    of_all = labels.y[np.concatenate([rectify, finetune])].reshape(-1, k)
    return Trained(
        n_trained_only=s,
        every=draw.deviations_of_labels(of_all),
        own_mean=np.average(y, axis=0, weights=weights) if counts else None,
        n_own=len(np.unique(draw.pieces[trained & (draw.weights > 0)])),
        share=share,
    )


def folds_of_pool(labels: PartialLabels, folds: Sequence[Rows]) -> Rows | None:
    """Under cross-fitting, for each unlabeled row (m,) the model that has not seen the labels of its cluster, or -1; None without clusters."""
    if labels.design is None or labels.design.clusters is None or not len(labels.unlabeled):
        return None
    numbers = numbered([labels.design.clusters], "groups")[0][0]
    fold_of = np.full(numbers.max() + 1, -1, dtype=np.intp)
    for fold, rows in enumerate(folds):
        fold_of[numbers[rows]] = fold
    of_rows = fold_of[numbers[labels.unlabeled]]
    return of_rows if (of_rows >= 0).any() else None


def _less_probable(
    design: SamplingDesign,
    labels: PartialLabels,
    finetune: Rows,
    rows_train_alone: bool,
    finite_population: bool,
) -> SamplingDesign:
    """Of rows that are left: any labeled row, or cluster, trains with the same probability, and others stand for those that have."""
    pi, share = design.labeling_probability, len(finetune) / len(labels.labeled)
    unknown = int(np.isnan(pi[labels.unlabeled]).sum())
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
    return replace_columns(
        design,
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
    return replace_columns(design, weights=weights * factor[strata])


def _weights(design: SamplingDesign, n: int) -> Array:
    """Of n rows, 1 for each if the design has none."""
    return np.ones(n) if design.weights is None else np.asarray(design.weights)


def replace_columns(design: SamplingDesign, **columns: Any) -> SamplingDesign:
    """The same design with other columns, which are known to be right."""
    other = design.only(np.arange(len(design))) if len(design) else SamplingDesign()
    for name, values in columns.items():
        object.__setattr__(other, name, values)
    return other
