"""The answers of an estimator that has chosen another one and fitted it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from sklearn_ftr._documentation_link import LinksDocumentation
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.estimators._answers_by_result import AnswersByResult
from sklearn_ftr.rectification._checks import Array


class AnswersByBestEstimator(
    Versioned, LinksDocumentation, AnswersByResult, RegressorMixin, BaseEstimator, ABC
):
    """Base of estimators whose `fit` keeps a fitted rectified estimator as `best_estimator_`."""

    best_estimator_: Any

    def predict(self, X: Any) -> Array:
        """Predictions of `best_estimator_`.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, k)
        """
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.predict(X)

    def score(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Efficiency of `best_estimator_` on labeled rows that were not seen in `fit`.

        Parameters
        ----------
        X, y : as in `fit`
        sample_weight : array-like of shape (n_rows,), default=None
            As in `fit`, for the variances of labels and residuals.

        Returns
        -------
        float
        """
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.score(X, y, sample_weight=sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._rectified())
        for name in (
            "input_tags",
            "target_tags",
            "estimator_type",
            "regressor_tags",
            "classifier_tags",
        ):
            setattr(tags, name, getattr(inner, name))
        tags.non_deterministic = inner.non_deterministic
        return tags

    def _own_level(self) -> float:
        return float(self.best_estimator_.confidence_level)

    @abstractmethod
    def _rectified(self) -> Any:
        """The estimator whose parameters are chosen."""
