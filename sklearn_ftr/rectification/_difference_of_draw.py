"""The difference of two groups under a sampling design: both means at once, since clusters may have rows of both groups.

Group means are a regression on the groups' indicators (domain estimation: Lohr 2021, chapter 4), which has the
covariance of both; a contrast subtracts them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._draw import Draw
from sklearn_ftr.rectification._families import FAMILIES
from sklearn_ftr.rectification._generalized_linear import GeneralizedLinear
from sklearn_ftr.rectification._inference import Estimate, welch_satterthwaite
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._linearize import rectify_estimand
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._sample import Sample

_CONTRAST = np.array([-1.0, 1.0])
_NONE = np.empty(0, dtype=np.intp)


@dataclass(frozen=True, eq=False)
class Groups:
    """Number of the group, 0 or 1, of rows that rectify, of the pool's and of labels that have trained only; of all unlabeled rows, if not all are in the pool."""

    rectify: NDArray[np.intp]
    pool: NDArray[np.intp]
    trained: NDArray[np.intp] = field(default_factory=lambda: _NONE)
    unlabeled: NDArray[np.intp] | None = None

    def counts(self, group: int) -> dict[str, Any]:
        """Of one group's rows."""
        rectify, trained = (int(np.sum(rows == group)) for rows in (self.rectify, self.trained))
        unlabeled = self.pool if self.unlabeled is None else self.unlabeled
        return {
            "n_labeled": rectify + trained,
            "n_rectify": rectify,
            "n_unlabeled": int(np.sum(unlabeled == group)),
        }


def difference_of_draw(
    sample: Sample,
    groups: Groups,
    names: tuple[str, str],
    lambda_: Any,
    confidence_level: float,
) -> RectifiedResult:
    """From a sample under a design, and the number of each row's group."""
    drawn = sample.drawn
    assert isinstance(drawn, Draw)
    of_all = Design(np.eye(2)[np.concatenate([groups.rectify, groups.trained])], False)
    estimand = GeneralizedLinear.of(FAMILIES["gaussian"], names, of_all)
    rectify, pool, trained = (
        estimand.seen(np.eye(2)[numbers]) for numbers in (groups.rectify, groups.pool, groups.trained)
    )
    of_trained = None if sample.trained is None else replace(sample.trained, X=trained)
    sample = replace(sample, X=rectify, X_pool=pool, trained=of_trained)
    both = rectify_estimand(estimand, sample, lambda_, confidence_level).result
    both = _as_each_group_alone(both, drawn, groups.rectify)
    parts = {
        name: _part(both, position, groups.counts(position)) for position, name in enumerate(names)
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


def _part(both: RectifiedResult, position: int, counts: dict[str, Any]) -> RectifiedResult:
    """One group's mean."""
    assert both.influence is not None
    unit = np.eye(2)[position]
    return replace(
        both,
        **vars(_contrast(both, unit)),
        **_numbers(both, lambda values: float(values[position])),
        **counts,
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
