"""Fine-tuning then rectification of log odds, as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import NDArray
from sklearn.utils import ClassifierTags

from sklearn_ftr.estimators._rectified_regression import RectifiedRegression


class RectifiedLogisticRegression(RectifiedRegression):
    """Log odds of a population from few labels and many model predictions.

    Parameters
    ----------
    estimator : scikit-learn regressor or classifier, Pipeline or skorch net, default=None
        The predictor of y from all of X, as in `RectifiedMeanEstimator`. It predicts the mean of the classes, a
        probability for 0 and 1 (of a classifier, `predict_proba` is asked), which is clipped to shares of 0.001 and 0.999.
    covariates, fit_intercept, coefficient, finetune_weights, power_tuning, split_ratio, cv, train_weights, recycle, pool_prediction, \
finite_population, judges, missing_judgements, confidence_level, interval, n_jobs, random_state, verbose
        As in `RectifiedLinearRegression`.

    Attributes
    ----------
    coef_ : ndarray of shape (d,)
        Coefficients of the covariates, in log odds per unit.
    classes_ : ndarray of shape (2,)
        The two values of y, of which the second is the event; 0 and 1 where y has shares.
    All others
        As in `RectifiedLinearRegression`.

    Raises
    ------
    ValueError
        From `fit`: as for `RectifiedMeanEstimator`; covariates that are not finite numbers or collinear; fewer than k + 2
        labels that rectify, or a pool of 1 to k rows; separated classes; y with other than two values, unless all are from 0 to 1;
        a model that is not trained here with most predictions outside the classes.

    Notes
    -----
    y is two classes, of which the larger is the event (labels 1 and 2 are odds of 2), or shares from 0 to 1. The same estimate as
    in `RectifiedLinearRegression`, with the maximum-likelihood fit of a logistic regression, no penalty; see
    `rectify_logistic_regression`. It is an estimate of coefficients, not a classifier (whose y may not have NaN): `predict`
    gives probabilities.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import RectifiedLogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(5_000, 6))
    >>> y = (rng.random(5_000) < 1 / (1 + np.exp(-X[:, 0]))).astype(float)
    >>> X[:, 1] += 2 * y  # a judge's opinion, say
    >>> y[500:] = np.nan
    >>> model = RectifiedLogisticRegression(covariates=[0], cv=5, random_state=0).fit(X, y)
    >>> low, high = model.confidence_interval()
    >>> bool(low[1] < 1 < high[1]), bool(model.efficiency_.min() > 1.3)
    (True, True)
    """

    classes_: NDArray[Any]
    family: ClassVar[str] = "binomial"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # Two classes, but neither scikit-learn's regressor (any y) nor its classifier (no NaN in y).
        tags.estimator_type, tags.regressor_tags = None, None
        tags.classifier_tags = ClassifierTags(multi_class=False)
        return tags
