"""What every rectified estimator has in common: `fit` is stage 1, stage 2 and keeping the answer.

A subclass says what it needs of X beside the predictor (`_question`), how labels and predictions become an estimate
(`_rectify`), what that is called (`_keep_answer`), and which values it is a mean of (`_columns`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state, column_or_1d, get_tags, indexable
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_ftr._sklearn_private import (
    BOOLEAN,
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    fit_context,
    num_samples,
)
from sklearn_ftr.estimators import _two_stages
from sklearn_ftr.estimators._default_predictor import default_estimator
from sklearn_ftr.estimators._fitted_state import adopt, unfitted
from sklearn_ftr.estimators._inner_model import CanPredictOnceFitted, is_frozen
from sklearn_ftr.estimators._labels import (
    PartialLabels,
    check_finetune_rows,
    check_partial_labels,
)
from sklearn_ftr.estimators._sampling import with_sampling
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._inference import Alternative, ConfidenceInterval
from sklearn_ftr.rectification._moments import columns, moments
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._warnings import warn_of_doubts

Rows = NDArray[np.intp]
# Values (n,) or (n, k) of some rows, labels or predictions, as columns (n, k) that the estimate is a mean of.
Columns = Callable[[Rows, Array], Array]


class RectifiedEstimator(RegressorMixin, BaseEstimator, ABC):
    """Base of the rectified estimators. `_answers` are the fitted attributes that hold the estimate."""

    result_: RectifiedResult
    estimator_: Any
    estimators_: list[Any]
    finetune_rows_: NDArray[np.bool_]
    _answers: ClassVar[tuple[str, ...]]
    # Whether the function that `_columns` returns fits something to the rows it is given.
    _columns_fit_rows: ClassVar[bool] = False
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "estimator": [CanPredictOnceFitted(), None],
        "split_ratio": [
            Interval(RealNotInt, 0, 1, closed="left"),
            Interval(Integral, 0, None, closed="left"),
        ],
        "cv": [Interval(Integral, 2, None, closed="left"), HasMethods(["split"]), "array-like", None],
        "power_tuning": BOOLEAN,
        "recycle": BOOLEAN,
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
        power_tuning: bool | str = True,
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
    def fit(self, X: Any, y: ArrayLike, *, finetune_rows: ArrayLike | None = None) -> Self:
        """Fine-tune on some labels, rectify with the others.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or sequence of n_rows
            Labeled and unlabeled rows. Handed to `estimator` as they come, in copies.
        y : array-like of shape (n_rows,), or (n_rows, k) where several outputs are supported
            Labels; NaN marks unlabeled rows.
        finetune_rows : array-like of bool, shape (n_rows,), default=None
            Labeled rows that fine-tune in any case; `split_ratio` draws others to them. For labels bought
            in rounds: a row that has trained never rectifies. Which rows these are may not depend on y. With
            `cv` they are remembered in `finetune_rows_`, but rectify the models that have not seen them.

        Returns
        -------
        self
        """
        return self._fit_as_a_whole(X, y, finetune_rows)

    def _fit_as_a_whole(
        self, X: Any, y: ArrayLike, finetune_rows: ArrayLike | None, **sampling: Any
    ) -> Self:
        """`sampling` is how rows were drawn, in the words of `fit`."""
        fitted = unfitted(self)
        fitted._fit(X, y, finetune_rows, sampling)
        # Before anything changes, since a warning may be an error; its level is that through scikit-learn's wrapper of fit.
        warn_of_doubts(fitted.result_, stacklevel=5)
        adopt(self, fitted)
        return self

    def _fit(
        self, X: Any, y: ArrayLike, finetune_rows: ArrayLike | None, sampling: dict[str, Any]
    ) -> None:
        validate_data(self, X, skip_check_array=True)
        (X,) = indexable(X)
        labels = with_sampling(self._labels(X, y), hasattr(self.cv, "split"), **sampling)
        always = check_finetune_rows(finetune_rows, labels)
        question = self._question(X, labels)
        stage_one = self._fine_tune(X, labels, always, question)
        self._keep_models(stage_one)
        self.finetune_rows_ = np.isin(np.arange(len(labels.y)), [*always, *stage_one.finetune_rows])
        self._keep_result(self._rectify(labels, stage_one, question))

    def score(self, X: Any, y: ArrayLike) -> float:
        """Efficiency of this design, measured on labeled rows that were not seen in `fit`.

        On rows that `fit` has seen it is too high; `efficiency_` is the honest number for those.

        Parameters
        ----------
        X, y : as in `fit`
            At least 2 labels; unlabeled rows are left out.

        Returns
        -------
        float
            Variance of the labels-only answer over the variance of this one, with those of labels and residuals taken
            from these rows, and the numbers of labels and pool rows from `fit`. The mean over several numbers. 1
            means that labels alone are as good.
        """
        check_is_fitted(self, "result_")
        return self._score(X, self._known_labels(X, y))

    def _score(self, X: Any, labels: PartialLabels) -> float:
        if len(labels.labeled) < 2:
            raise ValueError(
                f"score got {len(labels.labeled)} labeled row of {len(labels.y)}; expected at least 2, "
                "because one has no variance. LabeledKFold puts labels into every fold."
            )
        (X,) = indexable(X)
        labels_only, variance = self._measured_variances(X, labels)
        # No variance left at all: as good as labels alone if those have none either.
        no_variance = np.where(labels_only > 0, np.inf, 1.0)
        return float(np.mean(np.divide(labels_only, variance, out=no_variance, where=variance > 0)))

    def confidence_interval(
        self, confidence_level: float | None = None, alternative: Alternative = "two-sided"
    ) -> ConfidenceInterval:
        """Interval for what is estimated; see `RectifiedResult.confidence_interval`.

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
        """P-value of the test that what is estimated equals `null`; see `RectifiedResult.p_value`."""
        check_is_fitted(self, "result_")
        return self.result_.p_value(null, alternative)

    def summary(self, confidence_level: float | None = None, null: ArrayLike = 0.0) -> Any:
        """The answer as a pandas DataFrame with a row for each number (extra `frames`); see `RectifiedResult.summary`.

        Parameters
        ----------
        confidence_level : float, default=None
            Of the intervals; None means the estimator's.
        null : float or array-like of shape (k,), default=0.0
            Values that the p-values are about.

        Returns
        -------
        DataFrame
        """
        check_is_fitted(self, "result_")
        level = self.confidence_level if confidence_level is None else confidence_level
        return self.result_.summary(level, null)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._inner_estimator())
        tags.input_tags = inner.input_tags
        # The default predictor fills gaps, though its pipeline's tags do not say so; covariates and groups have none.
        reads_x = hasattr(self, "covariates") or hasattr(self, "group")
        tags.input_tags.allow_nan |= self.estimator is None and not reads_x
        tags.target_tags.required = True
        tags.non_deterministic = inner.non_deterministic
        return tags

    # What a subclass answers.

    def _labels(self, X: Any, y: ArrayLike) -> PartialLabels:
        """Labels, one column of them."""
        labels = check_partial_labels(X, y, type(self).__name__)
        return replace(labels, y=column_or_1d(labels.y, warn=True))

    def _known_labels(self, X: Any, y: ArrayLike) -> PartialLabels:
        """Labels of rows that are not those of the fit."""
        return self._labels(X, y)

    def _question(self, X: Any, labels: PartialLabels) -> Any:
        """What stage 2 needs of X: covariates or groups, checked before anything is trained."""
        return None

    def _weigh(self, question: Any, labels: PartialLabels) -> Callable[[Rows], Array] | None:
        """Weights of some rows in training."""
        return None

    def _smallest_part(self, question: Any) -> int:
        """Below so many pool rows for some model, under cross-fitting, every model predicts the whole pool."""
        return _two_stages.SMALLEST_PART

    def _pool_share(self, labels: PartialLabels, question: Any) -> float:
        """How much a row of the pool tells, beside one of a pool that is made up as the labels are."""
        return 1.0

    def _check_units(self) -> None:
        """Refuse to name a width for numbers in different units."""

    def _strata(self, question: Any) -> Rows | None:
        """Numbers of all rows' groups, if a split is to take the same share of each."""
        return None

    @abstractmethod
    def _rectify(
        self, labels: PartialLabels, stage_one: _two_stages.OutOfSample, question: Any
    ) -> RectifiedResult:
        """Stage 2."""

    @abstractmethod
    def _keep_answer(self, result: RectifiedResult) -> None:
        """Set the attributes `_answers`."""

    @abstractmethod
    def _columns(self, labels: PartialLabels, question: Any) -> Columns:
        """Before the fit: what labels or predictions of some rows contribute to the estimate, up to a constant."""

    def _scored_columns(self, X: Any, labels: PartialLabels) -> tuple[Columns, Columns]:
        """After the fit, for rows of another X: the same for labels, and lambda times it for predictions.

        A subclass with `_measured_variances` of its own has no need of it.
        """
        raise NotImplementedError

    # The two stages.

    def _inner_estimator(self) -> BaseEstimator:
        return default_estimator() if self.estimator is None else self.estimator

    def _fine_tune(
        self,
        X: Any,
        labels: PartialLabels,
        always: Rows,
        question: Any = None,
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
        weigh = self._weigh(question, labels)
        if self.cv is None:
            s = self._n_finetune(len(labels.labeled), len(always))
            strata = self._strata(question)
            return _two_stages.split(estimator, X, labels, s, rng, self._report, always, weigh, strata)
        return _two_stages.cross_fit(
            estimator,
            X,
            labels,
            self.cv,
            whole_pools=self._whole_pools or labels.design is not None,
            smallest_part=self._smallest_part(question),
            n_jobs=self.n_jobs,
            rng=rng,
            report=self._report,
            weigh=weigh,
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

    @property
    def _whole_pools(self) -> bool:
        """Whether each of several models predicts the whole pool."""
        return self.pool_prediction == "average"

    @property
    def _given_lambda(self) -> Any:
        """None to tune it."""
        return None if self.power_tuning else 1.0

    def _measured_variances(self, X: Any, labels: PartialLabels) -> tuple[Array, Array]:
        """Variances (k,) that labels alone and the design of `fit` would have, as labels of other rows tell."""
        of_y, of_f = self._scored_columns(X, labels)
        target = of_y(labels.labeled, labels.of_labeled_rows)
        residuals = [
            target - of_f(labels.labeled, predictions)
            for predictions in self._models_.predict(X, labels.labeled)
        ]
        weights = None if labels.design is None else labels.design.weights[labels.labeled]
        residual_variance = self._models_.shares @ [variance(rows, weights) for rows in residuals]
        return variances_of_design(
            self.result_, self._pool_variance, variance(target, weights), residual_variance
        )

    @property
    def _pool_variance(self) -> Array:
        """What the pool's size adds to the variances (k,) that `score` is about."""
        return np.diag(self.result_.pool_covariance)

    def _average_prediction(self, X: Any) -> Array:
        """Predictions (n_rows, k) of all models for new rows."""
        (X,) = indexable(X)
        predictions = self._models_.predict(X, np.arange(num_samples(X)))
        return np.tensordot(self._models_.shares, predictions, axes=1)

    # What is kept.

    def _keep_models(self, stage_one: _two_stages.OutOfSample) -> None:
        self._models_ = _two_stages.FittedModels(
            stage_one.models, stage_one.shares, stage_one.of_folds[0].shape[1]
        )
        if self.cv is None:
            self.estimator_ = stage_one.models[0]
        else:
            self.estimators_ = list(stage_one.models)

    def _keep_result(self, result: RectifiedResult) -> None:
        self.result_ = result
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
        self._keep_answer(result)

    def _report(self, message: str) -> None:
        if self.verbose:
            print(f"[{type(self).__name__}] {message}", flush=True)


def variances_of_design(
    result: RectifiedResult, pool_variance: Array, labels_variance: Array, residual_variance: Array
) -> tuple[Array, Array]:
    """Variances (k,) of labels alone and of a result's design, from V(y) and residual variances measured elsewhere."""
    variance = residual_variance / result.n_rectify + pool_variance
    if np.any(result.recycled_weight):
        own = labels_variance / result.n_finetune
        total = variance + own
        variance = np.divide(variance * own, total, out=np.zeros_like(total), where=total > 0)
    return labels_variance / result.n_labeled, variance


def variance(rows: Array, weights: Array | None = None) -> Array:
    """V (k,) of rows (n, k), of which each stands for so many members of the population."""
    if weights is None:
        return moments(rows).variance
    share, n = weights / weights.sum(), int(np.count_nonzero(weights))
    return np.asarray(share @ (rows - share @ rows) ** 2 * n / (n - 1))


def raw(rows: Rows, values: Array) -> Array:
    """Columns of an estimate that is the mean of the values themselves."""
    return columns(values)
