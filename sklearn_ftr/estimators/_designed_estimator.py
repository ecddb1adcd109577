"""A rectified estimator that knows how rows were drawn: `fit` and `score` of the mean and the regressions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sklearn_ftr._sklearn_private import fit_context
from sklearn_ftr.estimators._rectified_estimator import RectifiedEstimator
from sklearn_ftr.estimators._sampling import with_sampling


class DesignedEstimator(RectifiedEstimator):
    """Base of estimators whose `fit` takes a sampling design."""

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
    ) -> Self:
        """Fine-tune on some labels, rectify with the others, as rows were drawn.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or sequence of n_rows
            Labeled and unlabeled rows. Handed to `estimator` as they come, in copies.
        y : array-like of shape (n_rows,), or (n_rows, k) where several outputs are supported
            Labels; NaN marks unlabeled rows.
        sample_weight : array-like of shape (n_rows,), default=None
            How many members of the population each row stands for, labeled or not. Their scale does not matter. They weigh the means,
            not the training.
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

        Returns
        -------
        self
        """
        return self._fit_as_a_whole(
            X,
            y,
            finetune_rows,
            sample_weight=sample_weight,
            groups=groups,
            strata=strata,
            labeling_probability=labeling_probability,
        )

    def score(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Efficiency of this design, measured on labeled rows that were not seen in `fit`.

        On rows that `fit` has seen it is too high; `efficiency_` is the honest number for those.

        Parameters
        ----------
        X, y : as in `fit`
            At least 2 labels; unlabeled rows are left out.
        sample_weight : array-like of shape (n_rows,), default=None
            As in `fit`, for the variances of labels and residuals.

        Returns
        -------
        float
            Variance of the labels-only answer over the variance of this one, with those of labels and residuals taken
            from these rows, as if they were independent, and the numbers of labels and pool rows from `fit`. 1 means that labels alone
            are as good.
        """
        check_is_fitted(self, "result_")
        labels = with_sampling(self._known_labels(X, y), sample_weight=sample_weight)
        if labels.design is not None:
            counted = labels.design.weights[labels.labeled] > 0
            labels = replace(labels, labeled=labels.labeled[counted])
        return self._score(X, labels)
