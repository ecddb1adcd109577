"""The difference of two groups under a sampling design: both means at once, since clusters may have rows of both groups.

Group means are a regression on the groups' indicators (domain estimation: Lohr 2021, chapter 4), which has the
covariance of both; a contrast subtracts them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._draw import Draw
from sklearn_ftr.rectification._estimand_of_draw import rectify_draw
from sklearn_ftr.rectification._families import FAMILIES
from sklearn_ftr.rectification._generalized_linear import GeneralizedLinear
from sklearn_ftr.rectification._inference import Estimate, welch_satterthwaite
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._result import RectifiedResult

_CONTRAST = np.array([-1.0, 1.0])


def difference_of_draw(
    draw: Draw,
    labeled: tuple[Array, Array, NDArray[np.intp]],
    unlabeled: tuple[NDArray[np.floating], NDArray[np.intp]],
    names: tuple[str, str],
    lambda_: Any,
    confidence_level: float,
) -> RectifiedResult:
    """From labels, predictions and the number of the group of labeled rows, and the latter two of the pool."""
    y, f, group = labeled
    rows, pool_rows = (Design(np.eye(2)[numbers], False) for numbers in (group, unlabeled[1]))
    estimand = GeneralizedLinear.of(FAMILIES["gaussian"], names, rows)
    seen = estimand.seen(rows.rows), y, f
    both = rectify_draw(
        estimand, seen, (estimand.seen(pool_rows.rows), unlabeled[0]), lambda_, confidence_level, draw
    )
    both = _as_each_group_alone(both, draw, group)
    counts = np.bincount(group, minlength=2), np.bincount(unlabeled[1], minlength=2)
    parts = {
        name: _part(both, position, int(counts[0][position]), int(counts[1][position]))
        for position, name in enumerate(names)
    }
    return _difference(both, parts)


def _as_each_group_alone(both: RectifiedResult, draw: Draw, group: NDArray[np.intp]) -> RectifiedResult:
    """With the small-sample factors and degrees of freedom that each group's own clusters give: all of both groups would be too many."""
    assert both.influence is not None
    pieces = [np.unique(draw.pieces[group == one]) for one in (0, 1)]
    strata = [1 if draw.strata is None else len(np.unique(draw.strata[inside])) for inside in pieces]
    spare = np.array([len(inside) for inside in pieces]) - strata
    if (spare < 1).any():
        few = int(np.argmin(spare))
        raise ValueError(
            f"Group {both.names[few]} has labels in {len(pieces[few])} clusters and {strata[few]} strata; expected more clusters than strata, because "
            "one shows no variance. Label rows of other clusters."
        )
    influence = both.influence
    own, all_ = (spare + 1) / spare, len(influence.rows) / influence.degrees_of_freedom
    factor = np.sqrt(np.maximum(own / all_, 1.0))
    of_pool = np.diag(influence.pool_covariance)
    of_labels = np.maximum(np.diag(both.covariance) - of_pool, 0.0)
    known = np.maximum(spare - (np.array(both.lambda_) != 0), 1)
    unlabeled = max(draw.n_pieces - len(np.unique(draw.pieces)) - 1, 1)
    degrees = welch_satterthwaite([of_labels, of_pool], [known, np.full(2, unlabeled)])
    scale, share = np.outer(factor, factor), np.bincount(group, draw.weights, 2)
    alone = both.labels_only
    return replace(
        both,
        covariance=both.covariance * scale,
        degrees_of_freedom=degrees,
        # Of rows of all groups, of which those of another one have no influence.
        residual_variance=both.residual_variance * share,
        influence=replace(influence, rows=influence.rows * factor),
        labels_only=Estimate(alone.estimate, alone.covariance * scale, spare.astype(float)),
    )


def _part(both: RectifiedResult, position: int, n_labeled: int, n_unlabeled: int) -> RectifiedResult:
    """One group's mean."""
    assert both.influence is not None
    unit = np.eye(2)[position]
    return replace(
        both,
        **vars(_contrast(both, unit)),
        **_numbers(both, lambda values: float(values[position])),
        n_labeled=n_labeled,
        n_rectify=n_labeled,
        n_unlabeled=n_unlabeled,
        labels_only=_contrast(both.labels_only, unit),
        predictions_only=_contrast(both.predictions_only, unit) if both.predictions_only else None,
        estimand="mean",
        names=(),
        influence=_contrast_influence(both.influence, unit),
    )


def _difference(both: RectifiedResult, parts: dict[str, RectifiedResult]) -> RectifiedResult:
    """The second group's mean minus the first's, as `difference_of` has it for independent groups."""
    assert both.influence is not None
    first, second = parts
    return replace(
        both,
        **vars(_contrast(both, _CONTRAST)),
        **_numbers(both, lambda values: float(np.mean(values)))
        | {"rectifier": float(_CONTRAST @ both.rectifier)},
        labels_only=_contrast(both.labels_only, _CONTRAST),
        predictions_only=_contrast(both.predictions_only, _CONTRAST) if both.predictions_only else None,
        estimand=f"difference {second} - {first}",
        names=(),
        parts=parts,
        influence=_contrast_influence(both.influence, _CONTRAST),
    )


def _numbers(both: RectifiedResult, of: Any) -> dict[str, Any]:
    names = ("lambda_", "rectifier", "residual_variance", "recycled_weight", "design_effect")
    return {name: of(getattr(both, name)) for name in names}


def _contrast(both: Estimate, weights: Array) -> Estimate:
    """A weighted sum of both means; degrees of freedom as in Welch's test."""
    variances = np.diag(both.covariance) * weights**2
    degrees = np.broadcast_to(both.degrees_of_freedom, (2,))
    combined = welch_satterthwaite(list(variances[:, None]), list(degrees[:, None]))
    covariance = np.array([[weights @ both.covariance @ weights]])
    return Estimate(float(weights @ both.estimate), covariance, float(combined[0]))


def _contrast_influence(influence: Influence, weights: Array) -> Influence:
    return replace(
        influence,
        rows=(influence.rows @ weights)[:, None],
        pool_covariance=np.array([[weights @ influence.pool_covariance @ weights]]),
    )
