"""How the rows of a fit were drawn: read once, respected by folds and splits, and told to stage 2."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._tables import check_same_index
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.rectification._draw import Draw
from sklearn_ftr.rectification._draw_of import draw_of, numbered
from sklearn_ftr.rectification._inference import Estimate
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
    for name in ("weights", "labeling_probability"):
        values = getattr(design, name)
        known = [] if values is None else values[~np.isnan(values)]
        if len(known) and np.ptp(known) == 0:
            idle.append(name)
    for name, size in (("clusters", 0 if for_splitter else len(design)), ("strata", 1)):
        values = getattr(design, name)
        if values is not None and len(np.unique(numbered([values], name)[0][0])) == size:
            idle.append(name)
    return replace_columns(design, **dict.fromkeys(idle))


def draws_of_stages(
    labels: PartialLabels, finetune: Rows, rectify: Rows, recycle: bool, finite_population: bool
) -> tuple[Draw | None, Trained]:
    """The draw of the labels that rectify and of the unlabeled rows, and what is known of labels that have trained.

    Rows that have trained are not on the pool's side: what a model predicts for them is no prediction. The others stand for them.
    """
    design, n, s = labels.design or SamplingDesign(), len(labels.labeled), len(finetune)
    in_order = np.concatenate([rectify, finetune])
    of_labels, of_pool = design.only(in_order), design.only(labels.unlabeled)
    everything = draw_of(of_labels, of_pool, n, len(labels.unlabeled), finite_population)
    trained = Trained(n_finetune=s)
    if everything is None or not s:
        return everything, replace(trained, labels_only=_labels_only(everything, labels, in_order))
    if design.labeling_probability is not None:
        design = _less_probable(design, labels, s / n, finite_population)
    elif design.strata is not None and not finite_population:
        design = _standing_for_all(design, finetune)
    draw = draw_of(
        *(design.only(rectify), design.only(labels.unlabeled)),
        *(len(rectify), len(labels.unlabeled)),
        finite_population,
        keep_simple=True,
    )
    own, share = _own_draw(labels, everything, in_order, finetune, finite_population)
    return draw, Trained(
        n_finetune=s,
        y=labels.y[finetune].reshape(s, -1),
        draw=own if recycle or finite_population else None,
        share=share,
        everything=everything,
        labels_only=_labels_only(everything, labels, in_order),
    )


def _less_probable(
    design: SamplingDesign, labels: PartialLabels, share: float, finite_population: bool
) -> SamplingDesign:
    """Of rows that have not trained: any labeled one does so with the probability `share`, and others stand for those that have."""
    pi = design.labeling_probability
    unknown = int(np.isnan(pi[labels.unlabeled]).sum())
    if unknown:
        raise ValueError(
            f"labeling_probability is NaN for {unknown} unlabeled rows; where some labels train only, it is needed for all rows. Give it for "
            "all, or let every label rectify with cv=5."
        )
    left = 1 - share * pi
    weights = np.ones(len(pi)) if design.weights is None else design.weights
    return replace_columns(
        design,
        weights=weights if finite_population else weights / left,
        labeling_probability=np.minimum(pi * (1 - share) / left, 1.0),
    )


def _standing_for_all(design: SamplingDesign, finetune: Rows) -> SamplingDesign:
    """Rows of each stratum stand for those that have trained, so that strata keep their shares."""
    _, strata = np.unique(numbered([design.strata], "strata")[0][0], return_inverse=True)
    count, trained = np.bincount(strata), np.bincount(strata[finetune], minlength=strata.max() + 1)
    factor = count / np.maximum(count - trained, 1)
    weights = np.ones(len(strata)) if design.weights is None else design.weights
    return replace_columns(design, weights=weights * factor[strata])


def _own_draw(
    labels: PartialLabels, everything: Draw, in_order: Rows, finetune: Rows, finite_population: bool
) -> tuple[Draw | None, float]:
    """The draw of labels that have trained, by themselves, and which share of a finite population they are."""
    design = labels.design or SamplingDesign()
    weights = np.ones(len(labels.y)) if design.weights is None else design.weights
    share = float(weights[finetune].sum() / weights.sum()) if finite_population else 0.0
    if not finite_population:
        weights = np.zeros(len(labels.y))
        weights[in_order] = everything.weights
    alone = replace_columns(design, weights=weights, labeling_probability=None, lonely="center")
    none = SamplingDesign()
    return draw_of(alone.only(finetune), none, len(finetune), 0, False, keep_simple=True), share


def replace_columns(design: SamplingDesign, **columns: Any) -> SamplingDesign:
    """The same design with other columns, which are known to be right."""
    other = design.only(np.arange(len(design))) if len(design) else SamplingDesign()
    for name, values in columns.items():
        object.__setattr__(other, name, values)
    return other


def _labels_only(draw: Draw | None, labels: PartialLabels, rows: Rows) -> Estimate | None:
    if draw is None:
        return None
    y = labels.y[rows].reshape(len(rows), -1)
    return draw.deviations(y, y, draw.pool_side(iter(()), y.shape[1])).labels_only()
