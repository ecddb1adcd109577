"""A rectified estimator of an estimand that takes no sampling design yet, only simple random samples: `fit` and `score` of quantiles and a difference."""

from __future__ import annotations

from typing import Any, Self

from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sklearn_ftr._sklearn_private import fit_context
from sklearn_ftr.estimators._rectified_estimator import RectifiedEstimator


class SimpleSampleEstimator(RectifiedEstimator):
    """Base of estimators whose `fit` takes rows that are all alike; derived from `RectifiedEstimator` itself, they would take a design."""

    @fit_context(prefer_skip_nested_validation=False)
    def fit(  # type: ignore[override]
        self, X: Any, y: ArrayLike, *, finetune_rows: ArrayLike | None = None
    ) -> Self:
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
        return self._fit(X, y, finetune_rows)

    def score(self, X: Any, y: ArrayLike) -> float:  # type: ignore[override]
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
        return self._score(X, y, None)
