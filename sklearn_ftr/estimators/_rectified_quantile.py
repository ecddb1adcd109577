"""Fine-tuning then rectification of quantiles, as a scikit-learn estimator."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

from sklearn.utils.validation import check_is_fitted

from sklearn_ftr.estimators._bound_estimand import StageTwoSettings
from sklearn_ftr.estimators._bound_quantile import BoundQuantiles
from sklearn_ftr.estimators._design_weights import design_weights
from sklearn_ftr.estimators._labels import PartialLabels, one_column
from sklearn_ftr.estimators._rectified_estimator import RectifiedEstimator
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._quantile import check_levels


class RectifiedQuantile(RectifiedEstimator):
    """Quantiles of a population from few labels and many model predictions; the median by default.

    Some labels train a predictor, the others correct the distribution of its predictions over the unlabeled rows.
    With `cv`, every label does both.

    Parameters
    ----------
    estimator : scikit-learn regressor or classifier, Pipeline or skorch net, default=None
        The predictor, as in `RectifiedMeanEstimator`.
    q : float or array-like of shape (k,), default=0.5
        Levels, between 0 and 1.
    split_ratio, cv, train_weights, power_tuning, recycle, finite_population, judges, missing_judgements, \
confidence_level, interval, n_jobs, random_state, verbose
        As in `RectifiedMeanEstimator`. With `cv` each unlabeled row is predicted by one of the models, in proportion to their
        folds: an average of models has another distribution than each.

    Attributes
    ----------
    quantile_ : float or ndarray of shape (k,)
        The estimate, in units of y.
    standard_error_ : float or ndarray of shape (k,)
        Half the width of the 95 % interval over the t quantile, whatever `confidence_level` is.
    covariance_ : ndarray of shape (k, k)
        Its diagonal; the errors of several quantiles are correlated, of which it says nothing.
    residual_variance_ : float or ndarray of shape (k,)
        Variance of 1(y <= quantile) - 1(f <= quantile).
    lambda_, rectifier_, efficiency_, n_labeled_, n_unlabeled_, n_finetune_, n_rectify_, finetune_rows_, \
out_of_sample_, result_, estimator_, estimators_, n_features_in_, feature_names_in_
        As in `RectifiedMeanEstimator`.

    Raises
    ------
    ValueError
        From `fit`: as for `RectifiedMeanEstimator`; levels of 0 or 1; several outputs.

    Notes
    -----
    The quantile is where F(t) = F_R(y <= t) + lambda (F_U(f <= t) - F_R(f <= t)) reaches q (Angelopoulos et al. 2023, Science
    382, at lambda = 1); with `recycle`, the fine-tuning labels' F enters with the weight that makes the error of F smallest. Intervals
    are Woodruff's (1952); see `rectify_quantile`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import RectifiedQuantile
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(5_000, 5))
    >>> y = np.exp(1 + X @ [0.5, 0.3, 0.0, 0.0, 0.0] + rng.normal(scale=0.2, size=5_000))  # median e
    >>> y[300:] = np.nan
    >>> model = RectifiedQuantile(cv=5, random_state=0).fit(X, y)
    >>> low, high = model.confidence_interval()
    >>> bool(low < np.e < high)
    True
    """

    quantile_: Any
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **{
            name: constraint
            for name, constraint in RectifiedEstimator._parameter_constraints.items()
            if name != "pool_prediction"
        },
        "q": [Real, "array-like"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        q: Any = 0.5,
        split_ratio: float = 0.2,
        cv: Any = None,
        train_weights: bool | str = False,
        power_tuning: bool = True,
        recycle: bool = True,
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
        self.q = q
        self.split_ratio = split_ratio
        self.cv = cv
        self.train_weights = train_weights
        self.power_tuning = power_tuning
        self.recycle = recycle
        self.finite_population = finite_population
        self.judges = judges
        self.missing_judgements = missing_judgements
        self.confidence_level = confidence_level
        self.interval = interval
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def predict(self, X: Any) -> Array:
        """Predictions moved by what makes `quantile_` of their quantile over the pool.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, k)
            lambda f(X) plus the rectifier; under cross-fitting f is the average of all models. With no unlabeled rows in
            `fit`, every prediction is the quantile.
        """
        check_is_fitted(self, "result_")
        return self._answer_.predict(self._new_rows(X))

    def _bind(self, X: Any, labels: PartialLabels) -> BoundQuantiles:
        # An average of models has another distribution than each: each row is predicted by one.
        return BoundQuantiles(
            one_column(labels),
            StageTwoSettings.of(self),
            average_pool=False,
            q=self.q,
            levels=check_levels(self.q),
            design_weights=design_weights(self, labels),
        )
