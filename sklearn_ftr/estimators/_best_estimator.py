"""The answers of an estimator that has chosen another one and fitted it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._confidence_sequence import FIRST_LOOK
from sklearn_ftr.rectification._inference import Alternative, ConfidenceInterval


class AnswersByBestEstimator(RegressorMixin, BaseEstimator, ABC):
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

    def confidence_interval(
        self,
        confidence_level: float | None = None,
        alternative: Alternative = "two-sided",
        simultaneous: bool = False,
    ) -> ConfidenceInterval:
        """Interval of `best_estimator_`; see `RectifiedMeanEstimator.confidence_interval`."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.confidence_interval(confidence_level, alternative, simultaneous)

    def p_value(
        self, null: ArrayLike, alternative: Alternative = "two-sided", adjust: str | None = None
    ) -> Any:
        """P-value of `best_estimator_`; see `RectifiedMeanEstimator.p_value`."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.p_value(null, alternative, adjust)

    def confidence_sequence(
        self,
        confidence_level: float | None = None,
        alternative: Alternative = "two-sided",
        *,
        n_first: int = FIRST_LOOK,
    ) -> ConfidenceInterval:
        """Interval of this look, valid at all looks together; see `RectifiedMeanEstimator.confidence_sequence`."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.confidence_sequence(confidence_level, alternative, n_first=n_first)

    def always_valid_p_value(
        self, null: ArrayLike, alternative: Alternative = "two-sided", *, n_first: int = FIRST_LOOK
    ) -> Any:
        """P-value of this look, valid at all looks together; see `RectifiedResult.always_valid_p_value`."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.always_valid_p_value(null, alternative, n_first=n_first)

    def summary(
        self,
        confidence_level: float | None = None,
        null: ArrayLike = 0.0,
        *,
        simultaneous: bool = False,
        adjust: str | None = None,
    ) -> Any:
        """The answer of `best_estimator_` as a pandas DataFrame (extra `frames`); see `RectifiedResult.summary`."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.summary(
            confidence_level, null, simultaneous=simultaneous, adjust=adjust
        )

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

    @abstractmethod
    def _rectified(self) -> Any:
        """The estimator whose parameters are chosen."""
