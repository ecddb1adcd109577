"""Fine-tuning then rectification of a mean, as a scikit-learn estimator.

Wang, Ye and Zhao (2025), arXiv 2511.19486, section 4.1; cross-fitting as in Zrnic and Candes (2024).
"""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin, is_classifier
from sklearn.utils import check_random_state, get_tags, indexable
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_ftr._sklearn_private import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    fit_context,
    num_samples,
)
from sklearn_ftr.estimators import _two_stages
from sklearn_ftr.estimators._inner_model import default_estimator, is_frozen
from sklearn_ftr.estimators._labels import (
    PartialLabels,
    check_finetune_rows,
    check_partial_labels,
)
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._inference import (
    Alternative,
    ConfidenceInterval,
    Estimate,
    mean_estimate,
)
from sklearn_ftr.rectification._mean import pool_mean_covariance, rectify
from sklearn_ftr.rectification._moments import Moments, centred, columns, moments
from sklearn_ftr.rectification._recycling import recycle, with_variance_of_all_labels
from sklearn_ftr.rectification._result import RectifiedResult, mean_result, warn_of_zero_width


class RectifiedMeanEstimator(RegressorMixin, BaseEstimator):
    """Mean of a population from few labels and many model predictions.

    Some labels train a predictor, the others correct its mean over the unlabeled rows. With `cv`, every
    label does both.

    Parameters
    ----------
    estimator : scikit-learn regressor or classifier, Pipeline or skorch net, default=None
        The predictor, trained on clones. A classifier with `predict_proba` predicts the mean of its
        (numeric) classes: for labels 0 and 1, a proportion; where its labels are all of one class, that
        class is predicted. A FrozenEstimator is used as it is, and all labels rectify it. None is ridge regression on standardized features, the linear predictor
        whose penalised error variance is smallest. `VarianceRegressor` trains networks.
    split_ratio : float or int, default=0.2
        Share of the labels, in [0, 1), that fine-tune, at least 2 of them; an int is their number. 0 is zero-shot
        rectification: `estimator` must then be able to predict untrained (FrozenEstimator, or a
        `VarianceRegressor` with pretrained weights). Ignored with `cv`.
    cv : int, splitter or iterable, default=None
        Cross-fitting: as many models as folds, each trained without the fold of labels that rectifies
        it. An int makes shuffled folds. The folds must hold every labeled row exactly once. None is one
        split.
    power_tuning : bool, default=True
        Estimate the weight lambda of the predictions that gives the smallest variance (0 with fewer than
        6 rectification labels). False is lambda = 1.
    recycle : bool, default=True
        Let the mean of the fine-tuning labels enter the estimate, too, by inverse variance. It is
        uncorrelated with the rectified estimate, so that no label is lost. False is the paper to the
        letter. Ignored with `cv`, where every label rectifies.
    pool_prediction : {"average", "split"}, default="average"
        With `cv`: predict each unlabeled row by all models, or by one, for the cost of one model (a pool
        with fewer than 10 rows for some model is averaged all the same).
    confidence_level : float, default=0.95
        Default level of `confidence_interval`.
    n_jobs : int, default=None
        Parallel trainings under cross-fitting. Does not change any number.
    random_state : int, RandomState instance or None, default=None
        Decides which labels train, and seeds every `random_state` of `estimator` that is None.
    verbose : int, default=0
        Above 0, say what is being trained and predicted.

    Attributes
    ----------
    mean_ : float or ndarray of shape (k,)
        The estimate.
    standard_error_ : float or ndarray of shape (k,)
        In units of y.
    covariance_ : ndarray of shape (k, k)
        Covariance of `mean_`.
    lambda_ : float or ndarray of shape (k,)
        Weight of the predictions; 0 if there are no unlabeled rows.
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
        X and y that disagree, predictions that are not finite.

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

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "split_ratio": [
            Interval(RealNotInt, 0, 1, closed="left"),
            Interval(Integral, 0, None, closed="left"),
        ],
        "cv": [Interval(Integral, 2, None, closed="left"), HasMethods(["split"]), "array-like", None],
        "power_tuning": ["boolean"],
        "recycle": ["boolean"],
        "pool_prediction": [StrOptions({"average", "split"})],
        "confidence_level": [Interval(RealNotInt, 0, 1, closed="neither")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
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
        self.split_ratio = split_ratio
        self.cv = cv
        self.power_tuning = power_tuning
        self.recycle = recycle
        self.pool_prediction = pool_prediction
        self.confidence_level = confidence_level
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: ArrayLike, finetune_rows: ArrayLike | None = None) -> Any:
        """Fine-tune on some labels, rectify with the others.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or sequence of n_rows
            Labeled and unlabeled rows. Handed to `estimator` as it is.
        y : array-like of shape (n_rows,) or (n_rows, k)
            Labels; NaN marks unlabeled rows.
        finetune_rows : array-like of bool, shape (n_rows,), default=None
            Labeled rows that fine-tune in any case; `split_ratio` draws others to them. For labels bought
            in rounds: a row that has trained never rectifies. Which rows these are may not depend on y. With
            `cv` they are remembered in `finetune_rows_`, but rectify the models that have not seen them.

        Returns
        -------
        self
        """
        validate_data(self, X, skip_check_array=True)
        (X,) = indexable(X)
        labels = check_partial_labels(X, y, type(self).__name__)
        always = check_finetune_rows(finetune_rows, labels)
        stage_one = self._fine_tune(X, labels, always)
        self._keep_models(stage_one)
        self.finetune_rows_ = np.isin(np.arange(len(labels.y)), [*always, *stage_one.finetune_rows])
        self._keep_result(self._rectify(labels, stage_one))
        warn_of_zero_width(self.result_, stacklevel=4)  # through scikit-learn's wrapper of fit
        return self

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
        average = np.tensordot(self._stage_one.shares, self._model_predictions(X), axes=1)
        predictions = self.lambda_ * average + self.rectifier_
        return predictions[:, 0] if np.ndim(self.mean_) == 0 else predictions

    def score(self, X: Any, y: ArrayLike) -> float:
        """Efficiency of this design, measured on labeled rows that were not seen in `fit`.

        On rows that `fit` has seen it is too high; `efficiency_` is the honest number for those.

        Parameters
        ----------
        X : as in `fit`
        y : array-like of shape (n_rows,) or (n_rows, k)
            At least 2 labels; unlabeled rows are left out.

        Returns
        -------
        float
            Variance of the labels-only mean over the variance of `mean_`, with V(y) and the residual
            variance taken from these rows, and the numbers of labels and pool rows from `fit`. The mean
            over several outputs. 1 means that labels alone are as good.
        """
        check_is_fitted(self, "result_")
        labels = check_partial_labels(X, y, type(self).__name__)
        if len(labels.labeled) < 2:
            raise ValueError(
                f"score got {len(labels.labeled)} labeled row of {len(labels.y)}; expected at least 2, "
                "because one has no variance. LabeledKFold puts labels into every fold."
            )
        (X,) = indexable(X)
        target = columns(labels.of_labeled_rows)
        residuals = [
            target - self.lambda_ * predictions
            for predictions in self._stage_one.predict(X, labels.labeled)
        ]
        return self._efficiency(
            moments(target).variance,
            self._stage_one.shares @ [moments(residual).variance for residual in residuals],
        )

    def confidence_interval(
        self, confidence_level: float | None = None, alternative: Alternative = "two-sided"
    ) -> ConfidenceInterval:
        """Student t interval for the population mean.

        Parameters
        ----------
        confidence_level : float, default=None
            Between 0 and 1; None means the estimator's `confidence_level`.
        alternative : {"two-sided", "less", "greater"}, default="two-sided"
            As in scipy: "less" has no lower end, "greater" has no upper end.

        Returns
        -------
        ConfidenceInterval
            `(low, high)`.
        """
        check_is_fitted(self, "result_")
        level = self.confidence_level if confidence_level is None else confidence_level
        return self.result_.confidence_interval(level, alternative)

    def p_value(self, null: ArrayLike, alternative: Alternative = "two-sided") -> Any:
        """P-value of the test that the population mean equals `null`; see `RectifiedResult.p_value`."""
        check_is_fitted(self, "result_")
        return self.result_.p_value(null, alternative)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._inner_estimator())
        tags.input_tags = inner.input_tags
        tags.target_tags.multi_output = inner.target_tags.multi_output and not is_classifier(
            self._inner_estimator()
        )
        tags.non_deterministic = inner.non_deterministic
        return tags

    def _inner_estimator(self) -> BaseEstimator:
        return default_estimator() if self.estimator is None else self.estimator

    def _fine_tune(
        self, X: Any, labels: PartialLabels, always: NDArray[np.intp]
    ) -> _two_stages.OutOfSample:
        """Stage 1: zero-shot, cross-fitting or one split."""
        estimator, rng = self._inner_estimator(), check_random_state(self.random_state)
        if is_frozen(estimator) or (self.cv is None and self.split_ratio == 0):
            if len(always):
                raise ValueError(
                    f"finetune_rows marks {len(always)} rows, but nothing is trained here; if the model was trained on "
                    "them, set their labels to NaN."
                )
            return _two_stages.zero_shot(estimator, X, labels, rng)
        if self.cv is None:
            s = self._n_finetune(len(labels.labeled), len(always))
            return _two_stages.split(estimator, X, labels, s, rng, self._report, always)
        return _two_stages.cross_fit(
            estimator, X, labels, self.cv, self.pool_prediction, self.n_jobs, rng, self._report
        )

    def _n_finetune(self, n: int, at_least: int) -> int:
        """s: the user's count, or their share of n but at least two labels."""
        counted = isinstance(self.split_ratio, Integral)
        s = int(self.split_ratio) if counted else max(2, round(self.split_ratio * n))
        s = max(s, at_least)
        if s < 2 or n - s < 2:
            raise ValueError(
                f"y has {n} labeled row{'s' * (n != 1)} (n_samples={n}); split_ratio={self.split_ratio}"
                f"{' with finetune_rows' * (at_least > 0)} lets {s} of them fine-tune and {max(n - s, 0)} rectify; expected at least 2 and 2. Label more "
                "rows or change split_ratio."
            )
        return s

    def _rectify(self, labels: PartialLabels, stage_one: _two_stages.OutOfSample) -> RectifiedResult:
        """Stage 2: the rectified mean and, with `recycle`, the fine-tuning labels' own mean."""
        y, every = columns(labels.y), moments(columns(labels.of_labeled_rows))
        pool, rectify_rows = stage_one.pool, stage_one.rectify_rows
        rectified = rectify(
            y[rectify_rows],
            stage_one.predictions,
            pool,
            None if self.power_tuning else 1.0,
            stage_one.degrees_of_freedom,
        )
        estimate, n_rectify = rectified.estimate, len(rectify_rows)
        weight: Array | float = 0.0
        if not pool.count:
            estimate, n_rectify = mean_estimate(every), every.count
        elif self.recycle and len(stage_one.finetune_rows):
            estimate = with_variance_of_all_labels(estimate, every, moments(y[rectify_rows]))
            estimate, weight = recycle(estimate, self._own_mean(y, stage_one, every))
        return mean_result(
            estimate,
            labels=labels.of_labeled_rows,
            pool=pool,
            n_rectify=n_rectify,
            n_finetune=stage_one.n_finetune,
            lambda_=rectified.lambda_,
            residual_variance=rectified.residual_variance,
            recycled_weight=weight,
            confidence_level=self.confidence_level,
        )

    @staticmethod
    def _own_mean(y: Array, stage_one: _two_stages.OutOfSample, every: Moments) -> Estimate:
        """Mean of the fine-tuning labels; all n labels tell its variance better than s of them."""
        s = len(stage_one.finetune_rows)
        degrees = np.full(y.shape[1], every.count - 1.0)
        return Estimate(y[stage_one.finetune_rows].mean(axis=0), every.covariance / s, degrees)

    def _efficiency(self, labels_variance: Array, residual_variance: Array) -> float:
        """Of the design of `fit`, at variances measured elsewhere (each of shape (k,))."""
        stage_one, result = self._stage_one, self.result_
        pool_term = pool_mean_covariance(centred(stage_one.predictions)[1], stage_one.pool)[0]
        variance = residual_variance / result.n_rectify
        variance = variance + np.atleast_1d(self.lambda_) ** 2 * np.diag(pool_term)
        if np.any(result.recycled_weight):
            own = labels_variance / stage_one.n_finetune
            variance = variance * own / (variance + own)
        labels_only = labels_variance / result.n_labeled
        # No variance left at all: as good as labels alone if those have none either.
        no_variance = np.where(labels_only > 0, np.inf, 1.0)
        return float(np.mean(np.divide(labels_only, variance, out=no_variance, where=variance > 0)))

    def _model_predictions(self, X: Any) -> list[Array]:
        (X,) = indexable(X)
        return self._stage_one.predict(X, np.arange(num_samples(X)))

    def _keep_models(self, stage_one: _two_stages.OutOfSample) -> None:
        self._stage_one = stage_one
        self.__dict__.pop("estimator_", None)  # of an earlier fit with another cv
        self.__dict__.pop("estimators_", None)
        if self.cv is None:
            self.estimator_ = stage_one.models[0]
        else:
            self.estimators_ = list(stage_one.models)

    def _keep_result(self, result: RectifiedResult) -> None:
        self.result_ = result
        self.mean_ = result.estimate
        self.standard_error_ = result.standard_error
        self.covariance_ = result.covariance
        self.lambda_ = result.lambda_
        self.rectifier_ = result.rectifier
        self.residual_variance_ = result.residual_variance
        self.efficiency_ = result.efficiency
        self.n_labeled_ = result.n_labeled
        self.n_finetune_ = result.n_finetune
        self.n_rectify_ = result.n_rectify
        self.n_unlabeled_ = result.n_unlabeled

    def _report(self, message: str) -> None:
        if self.verbose:
            print(f"[{type(self).__name__}] {message}", flush=True)
