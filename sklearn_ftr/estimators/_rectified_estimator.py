"""What every rectified estimator has in common: `fit` binds the question, runs both stages and keeps the answer.

A subclass says what it asks of X and labels (`_bind`); everything else about an estimand is in the `BoundEstimand` that it makes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state, get_tags, indexable
from sklearn.utils.validation import check_is_fitted

from sklearn_ftr._callbacks import fit_watched
from sklearn_ftr._documentation_link import LinksDocumentation
from sklearn_ftr._sklearn_private import (
    BOOLEAN,
    CallbackSupportMixin,
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    fit_context,
)
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.estimators._answer import Answer
from sklearn_ftr.estimators._answers_by_result import AnswersByResult
from sklearn_ftr.estimators._bound_estimand import BoundEstimand
from sklearn_ftr.estimators._default_predictor import or_default
from sklearn_ftr.estimators._design_weights import TRAIN_WEIGHTS
from sklearn_ftr.estimators._fine_tuning import FineTuning
from sklearn_ftr.estimators._fold_plan import FoldPlan
from sklearn_ftr.estimators._inner_model import CanPredictOnceFitted
from sklearn_ftr.estimators._judges import BoundJudges
from sklearn_ftr.estimators._labels import PartialLabels, check_partial_labels
from sklearn_ftr.estimators._learned import replace_learned
from sklearn_ftr.estimators._out_of_sample import OutOfSample
from sklearn_ftr.estimators._out_of_sample_predictions import OutOfSamplePredictions
from sklearn_ftr.estimators._rows_of_fit import RowsOfFit
from sklearn_ftr.estimators._sampling import with_sampling
from sklearn_ftr.rectification._dask_collections import check_in_memory
from sklearn_ftr.rectification._intervals import METHODS
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._warnings import warn_of_doubts

Rows = NDArray[np.intp]


class RectifiedEstimator(
    Versioned,
    CallbackSupportMixin,
    LinksDocumentation,
    AnswersByResult,
    RegressorMixin,
    BaseEstimator,
    ABC,
):
    """Base of the rectified estimators."""

    result_: RectifiedResult
    estimator_: Any
    estimators_: list[Any]
    finetune_rows_: NDArray[np.bool_]
    out_of_sample_: OutOfSamplePredictions
    standard_error_: Any
    covariance_: NDArray[np.float64]
    lambda_: Any
    rectifier_: Any
    residual_variance_: Any
    efficiency_: Any
    n_labeled_: int
    n_finetune_: int
    n_rectify_: int
    n_unlabeled_: int
    _answer_: Answer
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "estimator": [CanPredictOnceFitted(), None],
        "split_ratio": [
            Interval(RealNotInt, 0, 1, closed="left"),
            Interval(Integral, 0, None, closed="left"),
        ],
        "cv": [Interval(Integral, 2, None, closed="left"), HasMethods(["split"]), "array-like", None],
        "train_weights": TRAIN_WEIGHTS,
        "power_tuning": BOOLEAN,
        "recycle": BOOLEAN,
        "pool_prediction": [StrOptions({"average", "split"})],
        "finite_population": BOOLEAN,
        "judges": "no_validation",
        "missing_judgements": [StrOptions({"refuse", "indicator"})],
        "confidence_level": [Interval(RealNotInt, 0, 1, closed="neither")],
        "interval": [StrOptions(set(METHODS))],
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
        train_weights: bool | str = False,
        power_tuning: bool | str = True,
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

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        strata: ArrayLike | None = None,
        labeling_probability: ArrayLike | None = None,
        finetune_rows: ArrayLike | None = None,
        pool: Any = None,
        checkpoint: str | Path | None = None,
    ) -> Self:
        """Fine-tune on some labels, rectify with the others, as rows were drawn.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or sequence of n_rows
            Labeled and unlabeled rows. Handed to `estimator` as they come, in copies; to predict, not if it is scikit-learn's throughout, whose
            estimators leave rows as they are.
        y : array-like of shape (n_rows,), or (n_rows, k) where several outputs are supported
            Labels; NaN marks unlabeled rows.
        sample_weight : array-like of shape (n_rows,), default=None
            How many members of the population each row stands for, labeled or not. Their scale does not matter. They weigh the means,
            and the training only with `train_weights`.
        groups : array-like of shape (n_rows,), default=None
            Clusters: rows that were drawn, or judged, together (households, conversations, raters). Rows of one cluster never train
            and rectify the same model, and the standard error is that of clusters.
        strata : array-like of shape (n_rows,), default=None
            Parts of the population from which rows were drawn, or labeled, separately. The probability of a label is the share of labeled
            rows in each, unless it is given.
        labeling_probability : array-like of shape (n_rows,), default=None
            Probability with which each row was chosen to be labeled, above 0 and at most 1. NaN where it is not known, of unlabeled
            rows with `cv` only.
        finetune_rows : array-like of bool, shape (n_rows,), default=None
            Labeled rows that fine-tune in any case; `split_ratio` draws others to them. For labels bought
            in rounds: a row that has trained never rectifies. Which rows these are may not depend on y. With
            `cv` they are remembered in `finetune_rows_`, but rectify the models that have not seen them.
        pool : blocks of rows like X, default=None
            More unlabeled rows, which need not fit into memory: a function that returns an iterator over blocks of rows, an object with a
            method `blocks`, paths of Parquet, Arrow, CSV or .npy files, a dataset of pyarrow, `PoolSource`, or a table. Means and differences read them once
            (a difference under a sampling design twice), quantiles twice, where they have to be counted (8 bytes a row are kept), regressions two or three times.
            `sample_weight`, `groups`, `strata` and `labeling_probability`, where they are given, have n_rows + m entries: those of the m rows of the pool
            after those of X.
        checkpoint : path of a folder, default=None
            Where the progress of passes over `pool`, or over collections of dask, is written down, every few seconds. The same call after a crash, with
            the same `random_state`, goes on where it was and has the same answer to the last bit. None is that of a `PoolSource`, if `pool` is one. Quantiles
            keep no progress. Files are read by pickle: nobody else may write to the folder.

        Returns
        -------
        self
        """
        return self._fit(
            X,
            y,
            finetune_rows,
            sample_weight=sample_weight,
            groups=groups,
            strata=strata,
            labeling_probability=labeling_probability,
            pool=pool,
            checkpoint=checkpoint,
        )

    def score(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Efficiency of this design, measured on labeled rows that were not seen in `fit`.

        On rows that `fit` has seen it is too high; `efficiency_` is the honest number for those.

        Parameters
        ----------
        X, y : as in `fit`
            At least 2 labels. Unlabeled rows are counted, not predicted.
        sample_weight : array-like of shape (n_rows,), default=None
            As in `fit`, for the variances of labels and residuals.

        Returns
        -------
        float
            Variance of the labels-only answer over the variance of this one, with those of labels and residuals taken
            from these rows, as if they were independent, and the numbers of labels and pool rows from `fit`. 1 means that labels alone
            are as good.

        Notes
        -----
        A fit that has seen a sample of its pool is scored as if it had seen all of it: where these rows have more than twice as many unlabeled rows
        to a label as those of `fit`, the pool is taken to be as large as in these rows, with the lambda that is best then. Folds of
        `LabeledKFold` are like that.
        """
        check_is_fitted(self, "result_")
        return self._score(X, y, sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(or_default(self.estimator))
        tags.input_tags = inner.input_tags
        # The default predictor fills gaps, though its pipeline's tags do not say so; covariates and groups have none.
        reads_x = hasattr(self, "covariates") or hasattr(self, "group")
        tags.input_tags.allow_nan |= self.estimator is None and not reads_x
        tags.target_tags.required = True
        tags.non_deterministic = inner.non_deterministic
        return tags

    def _own_level(self) -> float:
        return self.confidence_level

    @abstractmethod
    def _bind(self, X: Any, labels: PartialLabels) -> BoundEstimand:
        """What the parameters ask, bound to rows of which some have labels; it changes nothing here."""

    def _new_rows(self, X: Any) -> Any:
        """Rows that are not those of the fit."""
        check_in_memory(X)
        return indexable(X)[0]

    def _fit(
        self,
        X: Any,
        y: ArrayLike,
        finetune_rows: ArrayLike | None,
        plan: FoldPlan | None = None,
        pool: Any = None,
        checkpoint: str | Path | None = None,
        **sampling: ArrayLike | None,
    ) -> Self:
        """`sampling` is how rows were drawn, in the words of `fit`; `plan` is that of cross-fitting, if it has been drawn already."""
        given = X, y, pool, checkpoint, finetune_rows, sampling
        with fit_watched(self, X, y, self.estimator) as fitting:
            rows = RowsOfFit.read(self, *given, for_splitter=hasattr(self.cv, "split"))
            X, labels, always = rows.X, rows.labels, rows.always
            bound = self._bind(X, labels)
            judges = BoundJudges.of(self.judges, X, labels, self.missing_judgements)
            stage_one = self._fine_tune(X, bound, always, plan)
            answer = bound.rectify(stage_one.beside(judges))
            answer = replace(
                answer,
                result=answer.result.with_interval(self.interval),
                pool_holds_labels=labels.were_chosen,
            )
            # Before anything changes, since a warning may be an error; its level is that through scikit-learn's wrapper of fit.
            warn_of_doubts(answer.result, stacklevel=5)
            trained = np.zeros(len(labels.y), dtype=bool)
            trained[always] = trained[stage_one.finetune_rows] = True
            of_rows = {
                "finetune_rows_": trained,
                "out_of_sample_": OutOfSamplePredictions.of(bound.labels, stage_one),
            }
            learned = fitting.learned = rows.columns | self._learned(answer) | of_rows
        replace_learned(self, learned)
        return self

    def _fine_tune(
        self, X: Any, bound: BoundEstimand, always: Rows, plan: FoldPlan | None
    ) -> OutOfSample:
        """Stage 1."""
        tuning = FineTuning(
            or_default(self.estimator),
            self.split_ratio,
            self.cv,
            self.n_jobs,
            check_random_state(self.random_state),
            plan,
        )
        return tuning.run(X, bound, always)

    def _learned(self, answer: Answer) -> dict[str, Any]:
        """Fitted attributes: the answer, and the models that gave it."""
        models = list(answer.models.models)
        of_models = {"estimator_": models[0]} if self.cv is None else {"estimators_": models}
        return {"_answer_": answer, **of_models, **_of_result(answer.result), **answer.attributes}

    def _score(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None) -> float:
        check_in_memory(X)
        labels = self._answer_.read_labels(check_partial_labels(X, y, type(self).__name__))
        labels = with_sampling(labels, sample_weight=sample_weight)
        if labels.design is not None:
            counted = labels.design.weights[labels.labeled] > 0
            labels = replace(labels, labeled=labels.labeled[counted])
        return self._answer_.efficiency(self._new_rows(X), labels)


def _of_result(result: RectifiedResult) -> dict[str, Any]:
    """Fitted attributes that repeat what a result has."""
    return {
        "result_": result,
        "standard_error_": result.standard_error,
        "covariance_": result.covariance,
        "lambda_": result.lambda_,
        "rectifier_": result.rectifier,
        "residual_variance_": result.residual_variance,
        "efficiency_": result.efficiency,
        "n_labeled_": result.n_labeled,
        "n_finetune_": result.n_finetune,
        "n_rectify_": result.n_rectify,
        "n_unlabeled_": result.n_unlabeled,
    }
