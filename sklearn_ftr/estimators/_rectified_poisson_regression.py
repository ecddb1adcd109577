"""Fine-tuning then rectification of the coefficients of a log-linear regression, as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any, ClassVar

from sklearn_ftr.estimators._rectified_regression import RectifiedRegression


class RectifiedPoissonRegression(RectifiedRegression):
    """Coefficients of a Poisson regression of a population, from few labels and many model predictions.

    Parameters
    ----------
    estimator : scikit-learn regressor or classifier, Pipeline or skorch net, default=None
        The predictor of y from all of X, as in `RectifiedMeanEstimator`. Predictions are
        clipped from below to a thousandth of the mean label.
    covariates, fit_intercept, coefficient, finetune_weights, power_tuning, split_ratio, cv, train_weights, recycle, pool_prediction, \
finite_population, judges, missing_judgements, confidence_level, interval, n_jobs, random_state, verbose
        As in `RectifiedLinearRegression`.

    Attributes
    ----------
    coef_ : ndarray of shape (d,)
        Coefficients of the covariates: logarithms of rate ratios per unit.
    All others
        As in `RectifiedLinearRegression`.

    Raises
    ------
    ValueError
        From `fit`: as for `RectifiedMeanEstimator`; covariates that are not finite numbers or collinear; fewer than k + 2
        labels that rectify, or a pool of 1 to k rows; negative labels, or all of them 0.

    Notes
    -----
    The same estimate as in `RectifiedLinearRegression`, with the maximum-likelihood fit of a log-linear Poisson regression. The sandwich
    covariance needs only that the log-linear mean is right: y need not be Poisson, nor whole numbers. See
    `rectify_poisson_regression`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import RectifiedPoissonRegression
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(5_000, 6))
    >>> y = rng.poisson(np.exp(1 + 0.3 * X[:, 0] + 0.5 * X[:, 1])).astype(float)
    >>> y[500:] = np.nan
    >>> model = RectifiedPoissonRegression(covariates=[0], cv=5, random_state=0).fit(X, y)
    >>> low, high = model.confidence_interval()
    >>> bool(low[1] < 0.3 < high[1]), bool(model.efficiency_.min() > 1.2)
    (True, True)
    """

    family: ClassVar[str] = "poisson"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags
