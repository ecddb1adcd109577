"""From a learning curve to what the plans are made of: the law, V(Y) and versions of both from the bootstrap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from sklearn_ftr.allocation._forecast import Outlook
from sklearn_ftr.allocation._law_fit import FittedLaw, fit_scaling_law
from sklearn_ftr.allocation._planning_law import PlanningLaw
from sklearn_ftr.allocation._scaling_law import ScalingLaw
from sklearn_ftr.estimators._bound_estimand import BoundEstimand
from sklearn_ftr.estimators._learning_curve import LearningCurve
from sklearn_ftr.rectification._checks import Array


def fit_law(curve: LearningCurve, frozen: bool, law: str) -> tuple[PlanningLaw, FittedLaw | None]:
    """The law, and what is known of it; a frozen model has one residual variance, whatever the labels."""
    if frozen:
        return _flat_law(curve.variances[0]), None
    fitted = fit_scaling_law(
        curve.sizes,
        curve.variances,
        standard_errors=curve.standard_errors,
        resampled=_with_luck(curve),
        law=law,
    )
    return fitted.law, fitted


def _with_luck(curve: LearningCurve) -> Array:
    """Resampled curves with the luck of trainings, too; the same for every fit."""
    sizes = curve.luck.draws(len(curve.resampled))[:, None] / np.sqrt(curve.trainings)
    return curve.resampled * np.exp(sizes * np.random.RandomState(0).standard_normal(sizes.shape))


def _flat_law(variance: float) -> ScalingLaw:
    return ScalingLaw(0.0, 1.0, float(variance))


def outlook_of(
    rectified: Any,
    curve: LearningCurve,
    law: PlanningLaw,
    fitted: FittedLaw | None,
    folds: tuple[int, ...],
    n_trained: int,
    bound: BoundEstimand,
) -> Outlook:
    """What was learned, with as many versions of it as there are resampled curves."""
    finite = bound.settings.finite_population
    drawing = replace(curve.drawing, finite=finite, no_split=bound.no_split)
    if bound.drawn is not None and bound.n_parameters > 1:
        drawing = replace(drawing, pieces_to_rectify=drawing.n_strata + bound.n_parameters + 1)
    outlook = Outlook(
        law,
        float(curve.total_variance),
        float(curve.variances[0]) if curve.sizes[0] == 0 else None,
        rectified.recycle,
        bool(rectified.power_tuning),
        folds,
        trainable=fitted is not None,
        trained=n_trained,
        pool_share=bound.pool_share * curve.pool_share,
        drawing=drawing,
        smallest_training=curve.smallest_training,
    )
    return replace(outlook, resampled=tuple(_versions(outlook, curve, fitted)))


def _versions(outlook: Outlook, curve: LearningCurve, fitted: FittedLaw | None) -> Iterator[Outlook]:
    """The same with the law and the variances of each resampled curve; none without a variance of labels."""
    first = curve.resampled[:, 0].tolist()
    laws = map(_flat_law, first) if fitted is None else fitted.bootstrap
    for law, total, zero_shot in zip(laws, curve.resampled_total.tolist(), first, strict=True):
        if total > 0:
            untrained = None if outlook.zero_shot_variance is None else zero_shot
            yield replace(outlook, law=law, total_variance=total, zero_shot_variance=untrained)
