"""Fine-tuning then rectification of the difference between two groups' means, as a scikit-learn estimator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import indexable
from sklearn.utils.validation import check_is_fitted

from sklearn_ftr.estimators._covariates import fit_part, read_groups
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._rectified_estimator import (
    Columns,
    RectifiedEstimator,
    variances_of_design,
)
from sklearn_ftr.estimators._sampling import sample_of_stages
from sklearn_ftr.estimators._two_stages import OutOfSample
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._difference import difference_of
from sklearn_ftr.rectification._groups import check_groups, numbers_of_groups
from sklearn_ftr.rectification._mean import mean_of
from sklearn_ftr.rectification._result import RectifiedResult


@dataclass(frozen=True)
class _Groups:
    """The two groups' names, and each row's group, 0 or 1."""

    names: NDArray[Any]
    of_rows: NDArray[np.intp]


class RectifiedDifference(RectifiedEstimator):
    """Difference between the means of two groups from few labels and many model predictions: an A/B test.

    One predictor serves both groups; each group's mean is rectified by its own labels over its own unlabeled rows.

    Parameters
    ----------
    estimator : scikit-learn regressor or classifier, Pipeline or skorch net, default=None
        The predictor, as in `RectifiedMeanEstimator`. It is handed all of X, the column of groups included.
    group : int, str, callable or transformer, default=0
        The part of X that holds each row's group: a column's position or name; `group(X)` of a callable; or what a
        transformer, fitted to all rows, makes of X. It must have two values, "A" and "B" or 0 and 1. Ordered categories (of
        pandas, an Enum of polars) keep their order, so that "before" can be the first; all else is sorted.
    split_ratio, cv, power_tuning, recycle, pool_prediction, confidence_level, n_jobs, random_state, verbose
        As in `RectifiedMeanEstimator`. A split takes the same share of both groups; each has a lambda of its own.

    Attributes
    ----------
    difference_ : float
        Mean of the second group minus mean of the first, in units of y.
    groups_ : ndarray of shape (2,)
        The groups in that order.
    group_means_ : ndarray of shape (2,)
        Their rectified means; `result_.parts` has all about them.
    lambda_ : float
        Mean of the groups' weights; likewise `residual_variance_` and `recycled_weight` of the result.
    standard_error_, covariance_, rectifier_, efficiency_, n_labeled_, n_unlabeled_, n_finetune_, n_rectify_, \
finetune_rows_, result_, estimator_, estimators_, n_features_in_, feature_names_in_
        As in `RectifiedMeanEstimator`.

    Raises
    ------
    ValueError
        From `fit`: as for `RectifiedMeanEstimator`; other than two groups; a group with fewer than 2 labels that rectify.

    Notes
    -----
    Rows of the groups are independent, so that variances add; degrees of freedom as in Welch's test.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import RectifiedDifference
    >>> rng = np.random.default_rng(0)
    >>> version = rng.integers(2, size=5_000)
    >>> X = np.column_stack([version, rng.normal(size=(5_000, 3))])
    >>> y = 3 + 0.5 * version + X[:, 1] + rng.normal(scale=0.5, size=5_000)
    >>> y[300:] = np.nan
    >>> model = RectifiedDifference(group=0, cv=5, random_state=0).fit(X, y)
    >>> low, high = model.confidence_interval()
    >>> bool(low < 0.5 < high), bool(model.efficiency_ > 2)
    (True, True)
    """

    _answers: ClassVar[tuple[str, ...]] = ("difference_", "group_means_", "groups_")

    _columns_fit_rows: ClassVar[bool] = True

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **RectifiedEstimator._parameter_constraints,
        "group": "no_validation",
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        group: Any = 0,
        split_ratio: float = 0.2,
        cv: Any = None,
        power_tuning: bool = True,
        recycle: bool = True,
        pool_prediction: str = "average",
        confidence_level: float = 0.95,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.group = group
        self.split_ratio = split_ratio
        self.cv = cv
        self.power_tuning = power_tuning
        self.recycle = recycle
        self.pool_prediction = pool_prediction
        self.confidence_level = confidence_level
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def predict(self, X: Any) -> Array:
        """Predictions re-centered so that they average to each group's rectified mean over its pool.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        check_is_fitted(self, "result_")
        (X,) = indexable(X)
        group = self._known_groups(X)
        weights, rectifiers = (
            np.array([getattr(part, name) for part in self.result_.parts.values()])
            for name in ("lambda_", "rectifier")
        )
        return weights[group] * self._average_prediction(X)[:, 0] + rectifiers[group]

    def _question(self, X: Any, labels: PartialLabels) -> _Groups:
        self._group_reader_ = fit_part(self.group, X)
        groups = read_groups(self._group_reader_, X)
        counts = len(labels.labeled), len(labels.unlabeled)
        names, *codes = check_groups(groups[labels.labeled], groups[labels.unlabeled], *counts)
        of_rows = np.empty(len(groups.values), dtype=np.intp)
        of_rows[labels.labeled], of_rows[labels.unlabeled] = codes
        return _Groups(names, of_rows)

    def _strata(self, question: _Groups) -> NDArray[np.intp]:
        return question.of_rows

    def _rectify(
        self, labels: PartialLabels, stage_one: OutOfSample, question: _Groups
    ) -> RectifiedResult:
        self.groups_ = question.names
        parts = {
            str(name): self._rectified_mean(labels, stage_one.within(question.of_rows == i), str(name))
            for i, name in enumerate(question.names)
        }
        return difference_of(parts, self.confidence_level)

    def _rectified_mean(
        self, labels: PartialLabels, stage_one: OutOfSample, name: str
    ) -> RectifiedResult:
        rows = stage_one.rectify_rows
        if len(rows) < 2:
            raise ValueError(
                f"Group {name} has {len(rows)} labels that rectify (n_samples={len(labels.labeled)}); expected at least 2. "
                "Label more of its rows, lower split_ratio, or use cv."
            )
        sample = sample_of_stages(labels, stage_one, self.recycle)
        return mean_of(sample, self._given_lambda, self.confidence_level)

    def _keep_answer(self, result: RectifiedResult) -> None:
        self.difference_ = result.estimate
        self.group_means_ = np.array([part.estimate for part in result.parts.values()])

    def _columns(self, labels: PartialLabels, question: _Groups) -> Columns:
        return _contrast(question.of_rows, np.bincount(question.of_rows[labels.labeled]))

    def _pool_share(self, labels: PartialLabels, question: _Groups) -> float:
        """From the variance of a difference of the pool's group means, if both groups vary alike."""
        if not len(labels.unlabeled):
            return 1.0
        of_labels, of_pool = (
            np.bincount(question.of_rows[rows], minlength=2)
            for rows in (labels.labeled, labels.unlabeled)
        )
        as_labels = len(labels.unlabeled) * of_labels / of_labels.sum()
        return float(np.sum(1 / as_labels) / np.sum(1 / np.maximum(of_pool, 1)))

    def _measured_variances(self, X: Any, labels: PartialLabels) -> tuple[Array, Array]:
        """The sums over both groups."""
        group, rows, y = self._known_groups(X), labels.labeled, labels.of_labeled_rows
        predictions, shares = self._models_.predict(X, rows), self._models_.shares
        totals = []
        for i, (name, part) in enumerate(self.result_.parts.items()):
            chosen = group[rows] == i
            if chosen.sum() < 2:
                raise ValueError(
                    f"score got {chosen.sum()} labeled rows of group {name}; expected at least 2 of each group."
                )
            residuals = [np.var(y[chosen] - part.lambda_ * f[chosen, 0], ddof=1) for f in predictions]
            pool_variance = part.pool_covariance[0]
            of_labels = np.var(y[chosen], ddof=1, keepdims=True)
            totals.append(
                variances_of_design(part, pool_variance, of_labels, np.array([shares @ residuals]))
            )
        labels_only, variance = np.sum(totals, axis=0)
        return labels_only, variance

    def _known_groups(self, X: Any) -> NDArray[np.intp]:
        """The number of each row's group."""
        groups = read_groups(self._group_reader_, X).values
        numbers = numbers_of_groups(groups, self.groups_)
        strangers = groups[numbers < 0]
        if len(strangers):
            raise ValueError(
                f"X has rows of group {strangers[0]}; expected {self.groups_[0]} and {self.groups_[1]} only."
            )
        return numbers


def _contrast(group: NDArray[np.intp], counts: NDArray[Any]) -> Columns:
    """Deviations from the group's mean over the group's share, with a minus in the first group."""
    signs = np.array([-1.0, 1.0]) * counts.sum() / np.maximum(counts, 1)

    def columns(rows: NDArray[np.intp], values: Array) -> Array:
        of_rows, flat = group[rows], values.reshape(len(values))
        present = np.bincount(of_rows, minlength=2)
        means = np.bincount(of_rows, weights=flat, minlength=2) / np.maximum(present, 1)
        return (signs[of_rows] * (flat - means[of_rows]))[:, None]

    return columns
