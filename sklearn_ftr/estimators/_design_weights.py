"""The weights of a sampling design in the training of a predictor: `train_weights` of the rectified estimators."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_ftr._sklearn_private import BOOLEAN, StrOptions
from sklearn_ftr.estimators._default_predictor import or_default
from sklearn_ftr.estimators._inner_model import is_frozen
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._training_weights import takes_weights, weight_parameter
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._numbered import numbered
from sklearn_ftr.rectification._sampling_design import SamplingDesign

TRAIN_WEIGHTS = [*BOOLEAN, StrOptions({"auto"})]
_ADVICE = 'Set train_weights to False, or to "auto", which trains such models without weights.'


def design_weights(rectified: Any, labels: PartialLabels) -> Array | None:
    """How much each row of a rectified estimator's fit is to count in training; None if all labels count alike.

    As its `train_weights` says: an error if the predictor must be told and cannot be.
    """
    predictor = or_default(rectified.estimator)
    if not rectified.train_weights or labels.design is None or is_frozen(predictor):
        return None
    weights = _hajek(labels.design, labels)
    if np.ptp(weights[labels.labeled]) == 0:
        return None
    if rectified.train_weights == "auto":
        return weights if takes_weights(predictor) else None
    if not takes_weights(predictor):
        weight_parameter(predictor, advice=_ADVICE)
    return weights


def _hajek(design: SamplingDesign, labels: PartialLabels) -> Array:
    """Weights over the probability of a label, as in the means; 0 where that is not known."""
    weights = np.ones(labels.n_rows) if design.weights is None else design.weights
    weights = weights / weights.max()
    chance = design.labeling_probability
    if chance is None:
        chance = _share_of_labels(design, labels, weights > 0)
    known = chance > 0
    return np.divide(
        weights * chance[known].min(initial=1.0), chance, out=np.zeros(len(weights)), where=known
    )


def _share_of_labels(design: SamplingDesign, labels: PartialLabels, counted: Any) -> Array:
    """Of the rows that count in each row's stratum."""
    if design.strata is None:
        return np.ones(labels.n_rows)
    strata = numbered([design.strata], "strata")[0][0]
    labeled = np.isin(np.arange(len(strata)), labels.labeled)
    of_labels, of_all = (np.bincount(strata, one) for one in (counted & labeled, counted))
    return (of_labels / np.maximum(of_all, 1))[strata]
