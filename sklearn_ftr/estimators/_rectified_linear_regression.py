"""Fine-tuning then rectification of least-squares coefficients, as a scikit-learn estimator."""

from __future__ import annotations

from typing import ClassVar

from sklearn_ftr.estimators._rectified_regression import RectifiedRegression


class RectifiedLinearRegression(RectifiedRegression):
    """Least-squares coefficients of a population from few labels and many model predictions.

    Some labels train a predictor on all of X, the others correct what its predictions say about the coefficients. With
    `cv`, every label does both.

    Parameters
    ----------
    estimator : scikit-learn regressor or classifier, Pipeline or skorch net, default=None
        The predictor of y from all of X, as in `RectifiedMeanEstimator`.
    covariates : int, str, list of them, slice, mask, callable or transformer, default=None
        The part of X that is the regression's design: columns by position or name; `covariates(X)` of a callable, (n_rows,) or
        (n_rows, d); or what a transformer, fitted to all rows, makes of X. [] is no covariate. None is all of X.
    fit_intercept : bool, default=True
        Put an intercept in front of the covariates.
    coefficient : int or str, default=None
        The coefficient of interest, by its position in `coef_` or its name: `score`, `finetune_weights` and the allocator are
        about it. None is all of them.
    finetune_weights : bool, default=False
        Weigh each row of the training loss by (c' H^-1 x)^2, its influence on the coefficient of interest; for all
        coefficients, by the sum over them in units of their variances. `estimator` must take sample_weight. On real ratings it
        cost precision, where a rare group follows a rule of its own it gained (docs/estimands.md). With `train_weights` both weights
        are multiplied.
    power_tuning : bool or "overall", default=True
        One weight lambda for each coefficient; "overall" is one for the sum of their variances. False is lambda = 1.
    split_ratio, cv, train_weights, recycle, pool_prediction, finite_population, judges, missing_judgements, confidence_level, interval, n_jobs, random_state, \
verbose
        As in `RectifiedMeanEstimator`. A finite population needs `cv`.

    Attributes
    ----------
    coef_ : ndarray of shape (d,)
        Coefficients of the covariates, in units of y per unit.
    intercept_ : float
        0 without `fit_intercept`.
    coefficients_, standard_error_, lambda_, rectifier_, residual_variance_, efficiency_ : ndarray of shape (k,)
        All coefficients, the intercept first, and what `RectifiedMeanEstimator` says of a mean.
    coefficient_names_ : ndarray of shape (k,)
        Their names: "intercept" and the covariates'.
    covariance_ : ndarray of shape (k, k)
        Of `coefficients_`.
    n_labeled_, n_unlabeled_, n_finetune_, n_rectify_, finetune_rows_, out_of_sample_, result_, estimator_, \
estimators_, n_features_in_, feature_names_in_
        As in `RectifiedMeanEstimator`.

    Raises
    ------
    ValueError
        From `fit`: as for `RectifiedMeanEstimator`; covariates that are not finite numbers or collinear; fewer than k + 2
        labels that rectify, or a pool of 1 to k rows; several outputs.

    Notes
    -----
    theta = theta_R(y) + lambda (theta_U(f) - theta_R(f)), with theta the usual estimate from rectification labels, from predictions
    of their rows, and from predictions of the pool (Kluger et al. 2025, arXiv 2501.18577); covariance by the sandwich of
    influence values (HC1). With no unlabeled rows, ordinary least squares of all labels. See `rectify_linear_regression`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import RectifiedLinearRegression
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(5_000, 6))
    >>> y = 3 + 0.5 * X[:, 0] + X[:, 1] + rng.normal(scale=0.5, size=5_000)
    >>> y[300:] = np.nan
    >>> model = RectifiedLinearRegression(covariates=[0], cv=5, random_state=0).fit(X, y)
    >>> print(model.summary()[["estimate", "standard_error", "efficiency"]].round(2))
               estimate  standard_error  efficiency
    intercept      3.02            0.03        3.47
    x0             0.49            0.03        3.45
    """

    family: ClassVar[str] = "gaussian"
