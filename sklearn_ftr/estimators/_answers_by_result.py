"""What a fitted estimator says of its result: intervals, tests and tables, by one look or many."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sklearn_ftr.rectification._confidence_sequence import FIRST_LOOK
from sklearn_ftr.rectification._inference import Alternative, ConfidenceInterval
from sklearn_ftr.rectification._result import RectifiedResult


class AnswersByResult:
    """Base of estimators whose `fit` keeps a `result_`.

    An estimator answers what is asked of every fit by itself: intervals and tests, for one look or many, and the table. `result_` answers the rest: contrasts and
    Wald tests of its numbers, more labels for the model that it has (those of an allocator are for a model trained anew), draws, other formats.
    """

    result_: RectifiedResult

    @property
    def interval_method(self) -> str:
        """Which method the intervals are by, and why, in words; see `RectifiedResult`."""
        check_is_fitted(self, "result_")
        return self.result_.interval_method

    def confidence_interval(
        self,
        confidence_level: float | None = None,
        alternative: Alternative = "two-sided",
        *,
        simultaneous: bool = False,
        method: str | None = None,
    ) -> ConfidenceInterval:
        """Interval for what is estimated; see `RectifiedResult.confidence_interval`.

        Parameters
        ----------
        confidence_level : float, default=None
            Between 0 and 1; None means the estimator's `confidence_level`.
        alternative : {"two-sided", "less", "greater"}, default="two-sided"
            As in scipy: "less" has no lower end, "greater" has no upper end.
        simultaneous : bool, default=False
            Whether the intervals of all k numbers hold at once with this level (max-t).
        method : {"auto", "t", "skewed", "share", "bootstrap-t"}, default=None
            None means `interval` as it was in `fit`.

        Returns
        -------
        ConfidenceInterval
            `(low, high)`.
        """
        check_is_fitted(self, "result_")
        level = self._own_level() if confidence_level is None else confidence_level
        return self.result_.confidence_interval(
            level, alternative, simultaneous=simultaneous, method=method
        )

    def p_value(
        self,
        null: ArrayLike,
        alternative: Alternative = "two-sided",
        *,
        adjust: str | None = None,
        method: str | None = None,
    ) -> Any:
        """P-value of the test that what is estimated equals `null`; see `RectifiedResult.p_value`."""
        check_is_fitted(self, "result_")
        return self.result_.p_value(null, alternative, adjust=adjust, method=method)

    def confidence_sequence(
        self,
        confidence_level: float | None = None,
        alternative: Alternative = "two-sided",
        *,
        n_first: int = FIRST_LOOK,
        method: str | None = None,
    ) -> ConfidenceInterval:
        """Interval of this look, valid at all looks together; see `RectifiedResult.confidence_sequence`.

        Parameters
        ----------
        confidence_level : float, default=None
            Between 0 and 1; None means the estimator's `confidence_level`.
        alternative : {"two-sided", "less", "greater"}, default="two-sided"
            As in scipy: "less" has no lower end, "greater" has no upper end.
        n_first : int, default=50
            Labels at the first look, the same number at all looks.
        method : {"auto", "t", "skewed", "share", "bootstrap-t"}, default=None
            None means `interval` as it was in `fit`.

        Returns
        -------
        ConfidenceInterval
            `(low, high)`.
        """
        check_is_fitted(self, "result_")
        level = self._own_level() if confidence_level is None else confidence_level
        return self.result_.confidence_sequence(level, alternative, n_first=n_first, method=method)

    def always_valid_p_value(
        self,
        null: ArrayLike,
        alternative: Alternative = "two-sided",
        *,
        n_first: int = FIRST_LOOK,
        method: str | None = None,
    ) -> Any:
        """P-value of this look, valid at all looks together; see `RectifiedResult.always_valid_p_value`."""
        check_is_fitted(self, "result_")
        return self.result_.always_valid_p_value(null, alternative, n_first=n_first, method=method)

    def summary(
        self,
        confidence_level: float | None = None,
        null: ArrayLike = 0.0,
        *,
        simultaneous: bool = False,
        adjust: str | None = None,
    ) -> Any:
        """The answer as a pandas DataFrame with a row for each number (extra `frames`); see `RectifiedResult.summary`.

        Parameters
        ----------
        confidence_level : float, default=None
            Of the intervals; None means the estimator's.
        null : float or array-like of shape (k,), default=0.0
            Values that the p-values are about.
        simultaneous, adjust
            For several numbers at once; see `RectifiedResult.summary`.

        Returns
        -------
        DataFrame
        """
        check_is_fitted(self, "result_")
        level = self._own_level() if confidence_level is None else confidence_level
        return self.result_.summary(level, null, simultaneous=simultaneous, adjust=adjust)

    @abstractmethod
    def _own_level(self) -> float:
        """Confidence level where none is asked for."""
