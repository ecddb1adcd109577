"""Fine-tuning then rectification of the difference between two groups' means, as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from sklearn_ftr.estimators._bound_difference import BoundDifference, TwoGroups
from sklearn_ftr.estimators._bound_estimand import StageTwoSettings
from sklearn_ftr.estimators._design_weights import design_weights
from sklearn_ftr.estimators._labels import PartialLabels, one_column
from sklearn_ftr.estimators._rectified_estimator import RectifiedEstimator
from sklearn_ftr.rectification._checks import Array


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
    split_ratio, cv, train_weights, power_tuning, recycle, pool_prediction, finite_population, judges, missing_judgements, \
confidence_level, interval, n_jobs, random_state, verbose
        As in `RectifiedMeanEstimator`. A split takes the same share of both groups; each has a lambda of its own. A finite population
        needs `cv`.

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
finetune_rows_, out_of_sample_, result_, estimator_, estimators_, n_features_in_, feature_names_in_
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

    difference_: Any
    group_means_: Array
    groups_: NDArray[Any]
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
        train_weights: bool | str = False,
        power_tuning: bool = True,
        recycle: bool = True,
        pool_prediction: str = "average",
        finite_population: bool = False,
        judges: Any = None,
        missing_judgements: str = "refuse",
        confidence_level: float = 0.95,
        interval: str = "auto",
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.group = group
        self.split_ratio = split_ratio
        self.cv = cv
        self.train_weights = train_weights
        self.power_tuning = power_tuning
        self.recycle = recycle
        self.pool_prediction = pool_prediction
        self.finite_population = finite_population
        self.judges = judges
        self.missing_judgements = missing_judgements
        self.confidence_level = confidence_level
        self.interval = interval
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
        return self._answer_.predict(self._new_rows(X))

    def _bind(self, X: Any, labels: PartialLabels) -> BoundDifference:
        labels = one_column(labels)
        groups, of_rows = TwoGroups.of(self.group, X, labels)
        average_pool = self.pool_prediction == "average"
        return BoundDifference(
            labels,
            StageTwoSettings.of(self),
            average_pool,
            groups,
            of_rows,
            design_weights=design_weights(self, labels),
        )
