"""Fine-tuning then rectification of a mean, as a scikit-learn estimator.

Wang, Ye and Zhao (2025), arXiv 2511.19486, section 4.1; cross-fitting as in Zrnic and Candes (2024).
"""

from __future__ import annotations

from typing import Any

from sklearn.base import is_classifier
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from sklearn_ftr.estimators._bound_estimand import StageTwoSettings
from sklearn_ftr.estimators._bound_mean import BoundMean
from sklearn_ftr.estimators._default_predictor import or_default
from sklearn_ftr.estimators._design_weights import design_weights
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._rectified_estimator import RectifiedEstimator
from sklearn_ftr.rectification._checks import Array


class RectifiedMeanEstimator(RectifiedEstimator):
    """Mean of a population from few labels and many model predictions.

    Some labels train a predictor, the others correct its mean over the unlabeled rows. With `cv`, every
    label does both.

    Parameters
    ----------
    estimator : scikit-learn regressor or classifier, Pipeline or skorch net, default=None
        The predictor, trained on clones. A classifier with `predict_proba` predicts the mean of its
        (numeric) classes: for labels 0 and 1, a proportion; where its labels are all of one class, that
        class is predicted. A FrozenEstimator is used as it is, and all labels rectify it. None is ridge regression on
        standardized features, the linear predictor whose penalised error variance is smallest. It takes tables, too:
        numbers that are missing are filled with the mean and marked, dates become days, and text, booleans and
        categories one column for each of their values (the rarest together, at most 30); a frame with more than numbers is encoded
        by `skrub.tabular_pipeline` where skrub is installed. `VarianceRegressor` trains networks.
        Whatever the model does to its rows, they are copies.
    split_ratio : float or int, default=0.2
        Share of the labels, in [0, 1), that fine-tune, at least 2 of them; an int is their number. 0 is zero-shot
        rectification: `estimator` must then be able to predict untrained (FrozenEstimator, or a
        `VarianceRegressor` with pretrained weights). Ignored with `cv`.
    cv : int, splitter or iterable, default=None
        Cross-fitting: as many models as folds, each trained without the fold of labels that rectifies
        it. An int makes shuffled folds. The folds must hold every labeled row exactly once. None is one
        split. With `groups` in `fit` an int keeps them whole, with `strata` it gives each fold its share of each; a splitter gets
        `groups`, too.
    train_weights : bool or "auto", default=False
        Weigh rows in the training loss, too, as they count in the means: by `sample_weight` over the probability of a label. "auto" does where the `fit` of
        `estimator`, or of the model inside it, has a parameter sample_weight; True is an error where it has none.
        It cost precision more often than it gained (docs/training_weights.md), and the interval is right without it.
    power_tuning : bool, default=True
        Estimate the weight lambda of the predictions that gives the smallest variance (0 with fewer than
        6 rectification labels). False is lambda = 1.
    recycle : bool, default=True
        Let the mean of the fine-tuning labels enter the estimate, too, by inverse variance. It is
        uncorrelated with the rectified estimate, so that no label is lost. False is the paper to the
        letter. Ignored with `cv`, where every label rectifies.
    pool_prediction : {"average", "split"}, default="average"
        With `cv`: predict each unlabeled row by all models, or by one, for the cost of one model (a pool
        with fewer than 10 rows for some model is averaged all the same, and so is one under a sampling design).
    finite_population : bool, default=False
        The mean of exactly the rows of `fit` is asked for, labeled and unlabeled (a benchmark of 3,000 answers, say). Only which
        of them have a label is random then: with all rows labeled the mean is exact and the standard error 0.
    judges : int, str, list of them, slice, mask, callable or transformer, default=None
        Columns of X, by position or name, that are predictions of y already: by language models, say. They are rectified as they are, beside the trained
        predictor (which sees them among its features); each gets a weight in `lambda_`. One output only.
    missing_judgements : {"refuse", "indicator"}, default="refuse"
        What to do with NaN in columns of judges. "indicator" puts the judge's mean in their place and takes "has answered" for another
        judge; `estimator` still gets X as it is.
    confidence_level : float, default=0.95
        Default level of `confidence_interval`.
    interval : {"auto", "t", "skewed", "share", "bootstrap-t"}, default="auto"
        Method of intervals and p-values; "auto" is what suits the labels (docs/which_interval.md). Of quantiles "auto" only.
    n_jobs : int, default=None
        Parallel trainings under cross-fitting. Does not change any number.
    random_state : int, RandomState instance or None, default=None
        Decides which labels train, and seeds every `random_state` of `estimator` that is None.
    verbose : int, default=0
        Above 0, show one bar on standard error, with the time that is left: for trainings, epochs of networks within, and passes over a large pool. In a log,
        a line for each tenth.

    Attributes
    ----------
    mean_ : float or ndarray of shape (k,)
        The estimate.
    standard_error_ : float or ndarray of shape (k,)
        In units of y.
    covariance_ : ndarray of shape (k, k)
        Covariance of `mean_`.
    lambda_ : float or ndarray of shape (k,)
        Weight of the predictions; 0 if there are no unlabeled rows. With j `judges` (1 + j,): of the trained predictor, of each judge, and
        of each indicator.
    rectifier_ : float or ndarray of shape (k,)
        What is added to lambda times the mean prediction of the pool.
    residual_variance_ : float or ndarray of shape (k,)
        v(s): variance of y - f(x) over the rectification labels.
    efficiency_ : float or ndarray of shape (k,)
        Variance of the mean of all labels over the variance of `mean_`: 1.8 means that a label counts
        1.8 times.
    n_labeled_, n_unlabeled_ : int
        Rows with a label and rows of the pool.
    n_finetune_, n_rectify_ : int
        Labels that trained (of one model, under cross-fitting) and that rectified.
    finetune_rows_ : ndarray of bool, shape (n_rows,)
        Which rows trained, and those that `finetune_rows` marked.
    out_of_sample_ : OutOfSamplePredictions
        The labels, each beside the prediction of a model that has not seen it.
    result_ : RectifiedResult
        All of this as one object that prints as a table.
    estimator_ : estimator
        The trained predictor, without `cv`.
    estimators_ : list of estimators
        The trained predictors, with `cv`.
    n_features_in_ : int
        When X has a number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        When X has feature names.

    Raises
    ------
    ValueError
        From `fit`: no label, too few for the split, infinite labels, text, lengths or pandas indexes of
        X and y that disagree, predictions that are not one finite number for each row, a column that the
        default estimator cannot read in some row.
    TypeError
        From `fit`: a model that never gets a `predict`, masked predictions, a column of lists or other objects for
        the default estimator.

    Notes
    -----
    With f trained on s of the n labels, the others in R (r = n - s), the pool U (m rows)::

        theta = lambda mean_U f + mean_R(y - lambda f)
        var   = V_R(y - lambda f) / r + lambda^2 V_U(f) / m

    (Wang, Ye and Zhao, section 4.1, at lambda = 1). With no unlabeled rows the answer is the mean of all
    labels. Missing labels must be missing at random: which rows are labeled may not depend on y.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import RectifiedMeanEstimator
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(5_000, 5))
    >>> y = 3 + X @ [1.0, 0.5, 0.0, 0.0, 0.0] + rng.normal(scale=0.5, size=5_000)
    >>> y[300:] = np.nan  # only 300 rows have a label
    >>> model = RectifiedMeanEstimator(cv=5, random_state=0).fit(X, y)
    >>> low, high = model.confidence_interval()
    >>> bool(low < 3 < high)
    True
    >>> bool(model.efficiency_ > 3)
    True
    """

    mean_: Any

    def predict(self, X: Any) -> Array:
        """Predictions re-centered so that they average to `mean_` over the pool.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, k)
            lambda f(X) plus the rectifier; under cross-fitting f is the average of all models (with
            `pool_prediction="split"` they average to `mean_` up to which rows each model predicted).
            With no unlabeled rows in `fit`, lambda is 0 and so every prediction is the mean.
        """
        check_is_fitted(self, "result_")
        return self._answer_.predict(self._new_rows(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        predictor = or_default(self.estimator)
        several = get_tags(predictor).target_tags.multi_output
        tags.target_tags.multi_output = several and not is_classifier(predictor)
        return tags

    def _bind(self, X: Any, labels: PartialLabels) -> BoundMean:
        return BoundMean(
            labels,
            StageTwoSettings.of(self),
            self.pool_prediction == "average",
            design_weights=design_weights(self, labels),
        )
