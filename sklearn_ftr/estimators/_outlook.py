"""From a learning curve to what the plans are made of: the law, V(Y) and versions of both from the bootstrap."""

from __future__ import annotations

from typing import Any

from sklearn_ftr.allocation._law_fit import FittedLaw, fit_scaling_law
from sklearn_ftr.allocation._plan import Outlook
from sklearn_ftr.allocation._scaling_law import ScalingLaw
from sklearn_ftr.estimators._learning_curve import LearningCurve


def fit_law(curve: LearningCurve, frozen: bool) -> tuple[ScalingLaw, FittedLaw | None]:
    """The law, and what is known of it; a frozen model has one residual variance, whatever the labels."""
    if frozen:
        return ScalingLaw(0.0, 1.0, float(curve.variances[0])), None
    fitted = fit_scaling_law(
        curve.sizes,
        curve.variances,
        standard_errors=curve.standard_errors,
        resampled=curve.resampled,
    )
    return fitted.law, fitted


def outlook_of(
    rectified: Any,
    curve: LearningCurve,
    law: ScalingLaw,
    fitted: FittedLaw | None,
    folds: tuple[int, ...],
    n_trained: int,
    pool_share: float,
) -> Outlook:
    """What was learned, with as many versions of it as there are resampled curves."""
    zero_shot = curve.sizes[0] == 0

    def version(
        law: ScalingLaw, total: float, first: float, others: tuple[Outlook, ...] = ()
    ) -> Outlook:
        return Outlook(
            law,
            float(total),
            float(first) if zero_shot else None,
            rectified.recycle,
            bool(rectified.power_tuning),
            folds,
            trainable=fitted is not None,
            trained=n_trained,
            pool_share=pool_share,
            resampled=others,
        )

    laws = (
        [ScalingLaw(0.0, 1.0, v) for v in curve.resampled[:, 0]] if fitted is None else fitted.bootstrap
    )
    triples = zip(laws, curve.resampled_total, curve.resampled[:, 0], strict=True)
    others = tuple(version(*triple) for triple in triples if triple[1] > 0)
    return version(law, curve.total_variance, curve.variances[0], others)
