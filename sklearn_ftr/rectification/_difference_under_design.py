"""The difference of two groups under a sampling design: both means at once, since clusters may have rows of both groups.

Group means are a regression on the groups' indicators (domain estimation: Lohr 2021, chapter 4), which has the
covariance of both; a contrast subtracts them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._designed_sampling import DesignedSampling
from sklearn_ftr.rectification._families import FAMILIES
from sklearn_ftr.rectification._generalized_linear import GeneralizedLinear
from sklearn_ftr.rectification._inference import Estimate, welch_satterthwaite
from sklearn_ftr.rectification._linearize import rectify_estimand
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._sample import Sample
from sklearn_ftr.rectification._sampling import Sampling
from sklearn_ftr.rectification._share_evidence import are_shares, known_share, rows_of
from sklearn_ftr.rectification._share_interval import ShareInference
from sklearn_ftr.rectification._share_sums import difference_of_shares

_CONTRAST = np.array([-1.0, 1.0])


Numbers = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class GroupsOfRows:
    """Numbers, 0 or 1, of the group of each row that rectifies, has trained only, is in the pool, or has no label."""

    rectify: Numbers
    trained: Numbers
    pool: Numbers
    unlabeled: Numbers


def group_means(names: tuple[str, str], of_labels: Numbers) -> GeneralizedLinear:
    """Both means as coefficients, in coordinates that suit the groups of all labels."""
    return GeneralizedLinear.of(FAMILIES["gaussian"], names, Design(np.eye(2)[of_labels], False))


def difference_under_design(
    estimand: GeneralizedLinear,
    sample: Sample,
    groups: GroupsOfRows,
    lambda_: Any,
    confidence_level: float,
) -> RectifiedResult:
    """From `group_means` and a sample whose covariates are the indicators of both groups."""
    drawn, (first, second) = sample.drawn, estimand.names
    assert isinstance(drawn, DesignedSampling)
    rectify, trained = groups.rectify, groups.trained
    _check_weights((first, second), drawn, rectify, groups.pool)
    both = rectify_estimand(estimand, sample, lambda_, confidence_level).result
    both = _as_each_group_alone(both, drawn, rectify, groups.pool)
    counts = [np.bincount(numbers, minlength=2) for numbers in (rectify, trained, groups.unlabeled)]
    parts = {name: _part(both, position, *counts) for position, name in enumerate(estimand.names)}
    if are_shares(sample.all_labels):
        of_every = both.labels_only, sample.every, np.concatenate([rectify, trained])
        shares = _shares(both, both, drawn, rectify), _shares(both, *of_every)
        parts = {
            name: replace(part, shares=one, labels_shares=alone)
            for (name, part), one, alone in zip(parts.items(), *shares, strict=True)
        }
    return _difference(both, parts)


def _check_weights(
    names: tuple[str, str],
    draw: DesignedSampling,
    labeled: NDArray[np.intp],
    unlabeled: NDArray[np.intp],
) -> None:
    """Some weight in each group, of which the numbers of rows are given, among labels and on the pool's side."""
    sides = {"labeled": np.bincount(labeled, draw.weights, 2)}
    if len(unlabeled) and draw.own_weights is None:
        sides["unlabeled"] = np.bincount(unlabeled, draw.pool_weights, 2)
    for rows, sums in sides.items():
        if not sums.all():
            raise ValueError(
                f"Group {names[int(np.argmin(sums))]} has no {rows} row with a weight above 0; expected some of both groups."
            )


def _as_each_group_alone(
    both: RectifiedResult, draw: DesignedSampling, group: NDArray[np.intp], unlabeled: NDArray[np.intp]
) -> RectifiedResult:
    """With the small-sample factors and degrees of freedom that each group's own clusters give: all of both groups would be too many."""
    assert both.influence is not None
    counted = draw.weights > 0
    pieces = [np.unique(draw.pieces[(group == one) & counted]) for one in (0, 1)]
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
    tuned = np.count_nonzero(np.reshape(both.lambda_, (2, -1)), axis=1)
    known = np.maximum(spare - tuned, 1)
    degrees = welch_satterthwaite([of_labels, of_pool], [known, _pool_degrees(draw, unlabeled)])
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


def _pool_degrees(draw: DesignedSampling, group: NDArray[np.intp]) -> Array:
    """Of the pool's part of each group's mean, from the clusters without labels in which unlabeled rows of the group are."""
    rows, counted = draw.pool_rows, np.ones(len(group), dtype=bool)
    if rows.weights is not None:
        counted &= rows.weights > 0
    if rows.pieces is None:
        clusters = np.bincount(group[counted], minlength=2)
    else:
        counted &= ~np.isin(rows.pieces, draw.pieces[draw.weights > 0])
        inside = [rows.pieces[(group == one) & counted] for one in (0, 1)]
        clusters = np.array([len(np.unique(one)) for one in inside])
    return np.maximum(clusters.astype(np.float64) - len(draw.names), 1.0)


def _part(
    both: RectifiedResult,
    position: int,
    rectify: NDArray[np.intp],
    trained: NDArray[np.intp],
    unlabeled: NDArray[np.intp],
) -> RectifiedResult:
    """One group's mean; the last three are how many rows of each group there are."""
    assert both.influence is not None
    unit = np.eye(2)[position]
    return replace(
        both,
        **vars(_contrast(both, unit)),
        **_numbers(both, lambda values: values[position]),
        n_labeled=int(rectify[position] + trained[position]),
        n_finetune=int(trained[position]) or round(both.n_finetune * rectify[position] / rectify.sum()),
        n_rectify=int(rectify[position]),
        n_unlabeled=int(unlabeled[position]),
        labels_only=_contrast(both.labels_only, unit),
        labels_error=None,
        predictions_only=_contrast(both.predictions_only, unit) if both.predictions_only else None,
        estimand="mean",
        names=(),
        influence=both.influence.contrast(unit),
    )


def _difference(both: RectifiedResult, parts: dict[str, RectifiedResult]) -> RectifiedResult:
    """The second group's mean minus the first's, as `difference_of` has it for independent groups."""
    assert both.influence is not None
    first, second = parts
    return replace(
        both,
        **vars(_contrast(both, _CONTRAST)),
        **_numbers(both, lambda values: np.mean(values, axis=0))
        | {"rectifier": float(_CONTRAST @ both.rectifier)},
        labels_only=_contrast(both.labels_only, _CONTRAST),
        labels_error=None,
        predictions_only=_contrast(both.predictions_only, _CONTRAST) if both.predictions_only else None,
        estimand=f"difference {second} - {first}",
        names=(),
        parts=parts,
        influence=both.influence.contrast(_CONTRAST),
        shares=difference_of_shares(parts[first].shares, parts[second].shares, _correlation(both)),
        labels_shares=difference_of_shares(
            parts[first].labels_shares, parts[second].labels_shares, _correlation(both.labels_only)
        ),
    )


def _correlation(both: Estimate) -> float:
    """Of both means."""
    errors = np.sqrt(np.diag(both.covariance))
    return float(both.covariance[0, 1] / errors.prod()) if errors.all() else 0.0


def _shares(
    both: RectifiedResult, answer: Estimate, drawn: Sampling, group: NDArray[np.intp]
) -> list[ShareInference]:
    """What an answer says of each group, if labels are 0 or 1, of rows that have been drawn with their numbers of groups."""
    assert isinstance(drawn, DesignedSampling)
    of_labels, shares = both.labels_only, []
    for one in (0, 1):
        inside = (group == one) & (drawn.weights > 0)
        weights = drawn.weights[inside] / drawn.weights[inside].sum()
        part = 0.0
        if drawn.labeled_share is not None:
            part = float(np.average(drawn.labeled_share[inside], weights=weights))
        known = known_share(
            answer.estimate[one],
            answer.covariance[one, one],
            of_labels.estimate[one],
            rows_of(weights, len(weights)),
            int(of_labels.degrees_of_freedom[one]),
            part,
        )
        size = np.inf if both.is_complete else float(known.size)
        shares.append(ShareInference(float(known.share), size))
    return shares


def _numbers(both: RectifiedResult, of: Any) -> dict[str, Any]:
    names = ("lambda_", "rectifier", "residual_variance", "recycled_weight", "design_effect")
    found = {name: np.asarray(of(np.asarray(getattr(both, name)))) for name in names}
    return {name: one if one.ndim else float(one) for name, one in found.items()}


def _contrast(both: Estimate, weights: Array) -> Estimate:
    """A weighted sum of both means; degrees of freedom as in Welch's test."""
    variances = np.diag(both.covariance) * weights**2
    degrees = np.broadcast_to(both.degrees_of_freedom, (2,))
    combined = welch_satterthwaite(list(variances[:, None]), list(degrees[:, None]))
    # Groups that are alike in every cluster leave nothing but rounding, of either sign.
    covariance = np.array([[max(float(weights @ both.covariance @ weights), 0.0)]])
    return Estimate(float(weights @ both.estimate), covariance, float(combined[0]))
