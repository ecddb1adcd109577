"""The numbers of one result, or of several that come from the same rows, with their joint covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._error_terms import ErrorTerms, Shape, Term
from sklearn_ftr.rectification._inference import Estimate
from sklearn_ftr.rectification._influence import Influence

if TYPE_CHECKING:
    from sklearn_ftr.rectification._result import RectifiedResult


@dataclass(frozen=True, eq=False)
class Stacked:
    """All k numbers, as arrays.

    Parameters
    ----------
    answer, labels_only : Estimate
    predictions_only : Estimate or None
    terms : list of tuple of ndarray of shape (k, k) and (k,)
        Independent parts of the covariance, with their degrees of freedom.
    n_pieces : int
        Labeled rows, or clusters of them, that rectify.
    """

    answer: Estimate
    labels_only: Estimate
    predictions_only: Estimate | None
    terms: list[tuple[Array, Array]]
    n_pieces: int


def stacked(sources: Sequence[RectifiedResult]) -> Stacked:
    """Of one result, or of results of the same rows; an error where those are not known to be the same."""
    if len(sources) > 1:
        return _of_same_rows(sources)
    (source,) = sources
    answer, labels_only = _in_columns(source), _in_columns(source.labels_only)
    predictions = source.predictions_only
    terms = [(answer.covariance, answer.degrees_of_freedom)]
    if source.influence is not None and len(answer.estimate) > 1:
        terms = source.influence.variance_terms()
    n_pieces = source.n_rectify if source.influence is None else len(source.influence.rows)
    predictions = None if predictions is None else _in_columns(predictions)
    return Stacked(answer, labels_only, predictions, terms, n_pieces)


def joint_influence(sources: Sequence[RectifiedResult]) -> Influence:
    """How rows move the numbers of several results that they all come from."""
    for other in sources[1:]:
        _check_same_rows(sources[0], other)
    return reduce(Influence.beside, (one.influence for one in sources if one.influence is not None))


def joint_error_terms(sources: Sequence[RectifiedResult]) -> ErrorTerms | None:
    """The independent parts of the error of all numbers; None where influence values are not kept."""
    return sources[0]._error_terms if len(sources) == 1 else joint_influence(sources).terms


def shape_of_labels(sources: Sequence[RectifiedResult], weights: Array) -> Shape | None:
    """Of the errors of sums (q,) of all numbers in the answer of labels alone; None where influence values of all labels are not kept."""
    first = sources[0]
    if first.influence is None:
        return _scaled(first.labels_shape, weights)
    influence = joint_influence(sources)
    recycled = influence.recycled
    if recycled is None and first.n_rectify < first.n_labeled:
        return None
    rows, evenness = (
        (influence.labels, influence.evenness)
        if recycled is None
        else (recycled.rows, recycled.evenness)
    )
    of_labels = Term(rows, len(rows), np.ones(rows.shape[1]), evenness).sums(weights)
    error = np.sqrt(np.einsum("gk,gk->k", of_labels.rows, of_labels.rows)) / len(rows)
    return Shape.of([of_labels], error, influence.n_parameters == 1)


def _scaled(shape: Shape | None, weights: Array) -> Shape | None:
    """Of multiples of a single number."""
    if shape is None or len(shape.skewness) != 1:
        return None
    sign, alike = np.sign(weights[:, 0]), np.ones(len(weights))
    return replace(
        shape,
        skewness=sign * shape.skewness,
        effective_labels=alike * shape.effective_labels,
        share=alike * shape.share,
        expected_skewness=sign * shape.expected_skewness,
    )


def _of_same_rows(sources: Sequence[RectifiedResult]) -> Stacked:
    influence = joint_influence(sources)
    terms = influence.variance_terms()
    covariance = np.sum([covariance for covariance, _ in terms], axis=0)
    answer = _concatenated(sources, covariance)
    labels = _concatenated([one.labels_only for one in sources], influence.labels_covariance())
    return Stacked(answer, labels, None, terms, len(influence.rows))


def _concatenated(answers: Sequence[Estimate], covariance: Array) -> Estimate:
    estimates, degrees = (
        np.concatenate([getattr(_in_columns(one), name) for one in answers])
        for name in ("estimate", "degrees_of_freedom")
    )
    return Estimate(estimates, covariance, degrees)


def _in_columns(answer: Estimate) -> Estimate:
    return Estimate(
        np.atleast_1d(answer.estimate), answer.covariance, np.atleast_1d(answer.degrees_of_freedom)
    )


_AT_ONCE = (
    "For results of the same rows estimate both at once and take a contrast: rectify_mean(numpy.column_stack([y_a, y_b]), ...).contrast([1, -1]), or fit "
    "with a y of two columns. Results of separate samples are independent: their variances add, and rectify_difference compares two groups."
)


def _check_same_rows(left: RectifiedResult, right: RectifiedResult) -> None:
    """Refuse results that are not known to come from the same rows in the same order."""
    if left.rows is None or right.rows is None or left.influence is None or right.influence is None:
        raise ValueError(
            "Which rows these results come from is not known one by one (of estimators, sampling designs and differences between groups it is not), "
            f"so neither is the covariance of both. {_AT_ONCE}"
        )
    sizes = [(one.n_labeled, one.n_unlabeled) for one in (left, right)]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"The results come from different rows: {sizes[0][0]:,} labels and {sizes[0][1]:,} unlabeled rows, and {sizes[1][0]:,} and "
            f"{sizes[1][1]:,}. {_AT_ONCE}"
        )
    if any(a and b and a != b for a, b in zip(left.rows, right.rows, strict=True)):
        raise ValueError(
            f"The results come from different rows, or from the same in another order: their indexes differ. {_AT_ONCE}"
        )
