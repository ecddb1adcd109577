"""Rectified difference of the means of two groups: each group's mean rectified by itself, then subtracted.

The groups are independent samples, so that variances add; degrees of freedom as in Welch's test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._tables import check_same_rows
from sklearn_ftr.rectification._checks import Array, as_real_array, check_finite, check_judgements
from sklearn_ftr.rectification._difference_under_design import (
    GroupsOfRows,
    difference_under_design,
    group_means,
)
from sklearn_ftr.rectification._error_terms import KnownShape, Shape
from sklearn_ftr.rectification._group_moments import (
    moments_of_groups,
    moments_of_groups_in_blocks,
)
from sklearn_ftr.rectification._groups import GroupColumn, Numbers, check_groups
from sklearn_ftr.rectification._inference import (
    Estimate,
    check_confidence_level,
    welch_satterthwaite,
)
from sklearn_ftr.rectification._judgements import Judgements, read_judgements
from sklearn_ftr.rectification._mean import mean_of
from sklearn_ftr.rectification._pool_moments import refuse_moments
from sklearn_ftr.rectification._pool_source import PoolSource, has_blocks, read_as_rows, source_of
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._sample import Sample
from sklearn_ftr.rectification._sampling import Sampling, SimpleRandom
from sklearn_ftr.rectification._sampling_design import SamplingDesign
from sklearn_ftr.rectification._sampling_of import check_no_design, check_sampling
from sklearn_ftr.rectification._share_sums import difference_of_shares
from sklearn_ftr.rectification._source_pool import SummarizedPool
from sklearn_ftr.rectification._warnings import warn_of_doubts


def rectify_difference(
    y: ArrayLike,
    f: ArrayLike,
    f_unlabeled: ArrayLike,
    group: ArrayLike,
    group_unlabeled: ArrayLike,
    *,
    lambda_: ArrayLike | None = None,
    design: SamplingDesign | None = None,
    design_unlabeled: SamplingDesign | None = None,
    finite_population: bool = False,
    missing_judgements: str = "refuse",
    confidence_level: float = 0.95,
    interval: str = "auto",
) -> RectifiedResult:
    """Difference of the means of two groups, the second minus the first: an A/B test.

    Parameters
    ----------
    y : array-like of shape (r,)
        Labels of the rectification rows.
    f : array-like of shape (r,) or (r, j)
        Predictions for the same rows, by j judges.
    f_unlabeled : array-like of shape (m,) or (m, j), or blocks of such
        Predictions for the pool; may be empty. Blocks as in `rectify_mean`.
    group : array-like of shape (r,)
        Group of each labeled row: two different values, such as "A" and "B" or 0 and 1, at least 2 labels each. Ordered
        categories (of pandas, an Enum of polars) keep their order, so that "before" can be the first; all else is sorted.
    group_unlabeled : array-like of shape (m,), or blocks of such
        Group of each row of the pool, in the same order; a list of texts is one of groups, not of paths. Ordered categories in blocks need the same in `group`.
    lambda_ : float or array-like of shape (j,), default=None
        Weight of the predictions in both groups. None estimates one for each group.
    design, design_unlabeled : SamplingDesign, default=None
        How labeled rows and the pool were drawn; see `rectify_mean`. Clusters may have rows of both groups.
    finite_population : bool, default=False
        The difference within exactly these rows, labeled and unlabeled, is asked for; see `rectify_mean`.
    missing_judgements : {"refuse", "indicator"}, default="refuse"
        What to do with NaN in predictions; see `rectify_mean`.
    confidence_level : float, default=0.95
        Level of the interval that the result shows.
    interval : {"auto", "t", "skewed", "share", "bootstrap-t"}, default="auto"
        Method of intervals and p-values; "auto" is what suits the labels (docs/which_interval.md).

    Returns
    -------
    RectifiedResult
        One number; `parts` has the rectified mean of each group, under the group's name. `lambda_` is the mean of
        the groups' weights, `residual_variance` the mean of their residual variances.

    Raises
    ------
    ValueError
        As for `rectify_mean`; other than two groups, a group without labels or one that only the pool has; categories in one
        order in `group` and in another in `group_unlabeled`.

    Warns
    -----
    ZeroWidthIntervalWarning
        Both groups leave no variance at all.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import rectify_difference
    >>> rng = np.random.default_rng(1)
    >>> version = rng.choice(["A", "B"], size=4_000)
    >>> human = rng.normal(3.0, 1.0, size=4_000) + 0.3 * (version == "B")
    >>> judge = human + rng.normal(0.4, 0.5, size=4_000)
    >>> rated, others = slice(0, 300), slice(300, None)
    >>> result = rectify_difference(
    ...     human[rated], judge[rated], judge[others], version[rated], version[others]
    ... )
    >>> round(result.estimate, 2), round(result.labels_only.standard_error / result.standard_error, 1)
    (0.3, 2.0)
    >>> bool(result.p_value(0) < 0.001)
    True
    """
    confidence_level = check_confidence_level(confidence_level)
    check_same_rows(y=y, f=f, group=group)
    check_same_rows(f_unlabeled=f_unlabeled, group_unlabeled=group_unlabeled)
    refuse_moments(f_unlabeled=f_unlabeled, group_unlabeled=group_unlabeled)
    y, of_labeled = _vector(y, "y"), GroupColumn.of(group, "group")
    if isinstance(group_unlabeled, list | tuple):  # of texts: groups, not paths
        with read_as_rows(group_unlabeled):
            group_unlabeled = np.asarray(group_unlabeled)
    if has_blocks(f_unlabeled) or has_blocks(group_unlabeled):
        check_no_design(design, design_unlabeled, finite_population)
        judged = read_judgements(f, source_of(f_unlabeled), y.shape, missing_judgements)
        of_groups = _groups_in_blocks(judged, of_labeled, source_of(group_unlabeled))
        drawn: Sampling = SimpleRandom(len(y))
    else:
        judged = read_judgements(f, f_unlabeled, y.shape, missing_judgements)
        columns = of_labeled, GroupColumn.of(group_unlabeled, "group_unlabeled")
        of_groups = _TwoGroups(*check_groups(*columns, len(y), len(judged.pool)))
        drawn = check_sampling(
            {"group": group},
            {"group_unlabeled": group_unlabeled},
            len(y),
            judged.pool,
            *(design, design_unlabeled, finite_population),
        )
    y = check_finite(y, "y").astype(np.float64)
    estimate = _of_random_rows if isinstance(drawn, SimpleRandom) else _of_design
    result = estimate(y, judged, of_groups, drawn, judged.check_lambda(lambda_, 1), confidence_level)
    result = result.with_interval(interval)
    warn_of_doubts(result, stacklevel=3)
    return result


@dataclass(frozen=True, eq=False)
class _TwoGroups:
    """What both are called, the number of each labeled row's, and those of the pool or, where it came in blocks, what is known of its groups."""

    names: NDArray[Any]
    of_rows: Numbers
    of_pool: Any


def _groups_in_blocks(judged: Judgements, of_labeled: GroupColumn, of_pool: PoolSource) -> _TwoGroups:
    names, of_rows, _ = check_groups(
        of_labeled, GroupColumn(of_labeled.values[:0]), len(of_labeled.values), 0
    )
    return _TwoGroups(names, of_rows, moments_of_groups_in_blocks(judged.as_pool(), of_pool, names))


def _of_random_rows(
    y: Array,
    judged: Judgements,
    groups: _TwoGroups,
    drawn: Sampling,
    lambda_: Any,
    confidence_level: float,
) -> RectifiedResult:
    """Each group by itself."""
    of_pool = groups.of_pool
    if isinstance(of_pool, np.ndarray):
        of_pool = moments_of_groups(judged.as_pool(), of_pool)
        if not all(one.is_finite for one in of_pool):
            check_judgements(judged.pool, "f_unlabeled")
    parts = {}
    for number, (name, known) in enumerate(zip(groups.names, of_pool, strict=True)):
        rows = groups.of_rows == number
        sample = Sample(
            y[rows],
            judged.f[rows],
            SummarizedPool(known, judged.f.shape[1]),
            SimpleRandom(int(rows.sum())),
            n_indicators=judged.n_indicators,
        )
        # One group alone without variance is nothing to warn of.
        parts[str(name)] = mean_of(sample, lambda_, confidence_level)
    return difference_of(parts, confidence_level)


def _of_design(
    y: Array,
    judged: Judgements,
    groups: _TwoGroups,
    drawn: Sampling,
    lambda_: Any,
    confidence_level: float,
) -> RectifiedResult:
    """Both groups at once."""
    of_rows, of_pool = groups.of_rows, groups.of_pool
    estimand = group_means((str(groups.names[0]), str(groups.names[1])), of_rows)
    X, X_pool = (estimand.seen(np.eye(2)[numbers]) for numbers in (of_rows, of_pool))
    check_judgements(judged.pool, "f_unlabeled")
    sample = Sample(y, judged.f, judged.as_pool(X_pool), drawn, X, n_indicators=judged.n_indicators)
    numbers = GroupsOfRows(of_rows, of_rows[:0], of_pool, of_pool)
    return difference_under_design(estimand, sample, numbers, lambda_, confidence_level)


def difference_of(parts: Mapping[str, RectifiedResult], confidence_level: float) -> RectifiedResult:
    """The second part's mean minus the first's."""
    first, second = parts.values()
    names = list(parts)
    return RectifiedResult(
        **vars(_minus(second, first)),
        lambda_=(first.lambda_ + second.lambda_) / 2,
        rectifier=second.rectifier - first.rectifier,
        residual_variance=(first.residual_variance + second.residual_variance) / 2,
        recycled_weight=(first.recycled_weight + second.recycled_weight) / 2,
        n_labeled=first.n_labeled + second.n_labeled,
        n_finetune=first.n_finetune + second.n_finetune,
        n_rectify=first.n_rectify + second.n_rectify,
        n_unlabeled=first.n_unlabeled + second.n_unlabeled,
        labels_only=_minus(second.labels_only, first.labels_only),
        labels_error=KnownShape(_shape_of_difference(second, first)),
        predictions_only=_predictions_only(second, first),
        confidence_level=confidence_level,
        estimand=f"difference {names[1]} - {names[0]}",
        parts=parts,
        prediction_shift=max((part.prediction_shift for part in parts.values()), key=abs),
        shares=difference_of_shares(first.shares, second.shares),
        labels_shares=difference_of_shares(first.labels_shares, second.labels_shares),
    )


def _minus(left: Estimate, right: Estimate) -> Estimate:
    terms = [left.covariance[0], right.covariance[0]]
    degrees = [np.array([side.degrees_of_freedom]) for side in (left, right)]
    combined = float(welch_satterthwaite(terms, degrees)[0])
    return Estimate(left.estimate - right.estimate, left.covariance + right.covariance, combined)


def _shape_of_difference(left: RectifiedResult, right: RectifiedResult) -> Shape:
    """Of the error of labels alone: cumulants of independent errors add."""
    errors = np.array([[side.labels_only.standard_error] for side in (left, right)])
    total = np.hypot(*errors)
    of_left, of_right = np.divide(errors, total, out=np.zeros_like(errors), where=total > 0)
    assert left.labels_shape is not None
    assert right.labels_shape is not None
    third = of_left**3 * left.labels_shape.skewness - of_right**3 * right.labels_shape.skewness
    fourth = of_left**4 / left.labels_shape.effective_labels
    fourth = fourth + of_right**4 / right.labels_shape.effective_labels
    with np.errstate(divide="ignore"):
        return Shape(third, 1 / fourth, np.ones(1), True)


def _predictions_only(left: RectifiedResult, right: RectifiedResult) -> Estimate | None:
    if left.predictions_only is None or right.predictions_only is None:
        return None
    return _minus(left.predictions_only, right.predictions_only)


def _vector(values: Any, name: str) -> NDArray[np.floating[Any]]:
    array = as_real_array(values, name) if np.size(values) else np.empty(0)
    if array.ndim == 2 and array.shape[1] > 1:
        raise ValueError(f"{name} has shape {array.shape}; expected one column of numbers.")
    return array.reshape(-1)
