"""An estimate whose intervals and p-values are made by one of several methods, chosen by what is known of its error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr._arguments import check_confidence_level
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._error_terms import ErrorTerms, Shape
from sklearn_ftr.rectification._inference import (
    Alternative,
    ConfidenceInterval,
    Estimate,
    check_order_of_names,
)
from sklearn_ftr.rectification._intervals import Chosen, Inference, check_method, chosen


class EstimateByMethod(Estimate):
    """Base of results: `interval` is the method that has been asked for, "auto" or one of its choices."""

    estimand: str
    names: tuple[str, ...]
    labels_only: Estimate
    confidence_level: float
    interval: str
    labels_shape: Shape | None = None
    shares: Inference | None = None
    labels_shares: Inference | None = None
    parts: Mapping[str, EstimateByMethod]

    def with_interval(self, interval: str) -> Self:
        """The same result, of which this is the method of intervals and p-values; an error where it has no evidence for it."""
        if check_method(interval, "interval") == self.interval == "auto" and not self.parts:
            return self
        parts = {name: part.with_interval(interval) for name, part in self.parts.items()}
        asked = self._with(interval=interval, parts=parts)
        if interval != "auto":
            asked._chosen(None)
        return asked

    def with_confidence_level(self, confidence_level: float) -> Self:
        """The same result, of which this is the level of intervals where none is asked for; between 0 and 1."""
        level = check_confidence_level(confidence_level)
        parts = {name: part.with_confidence_level(level) for name, part in self.parts.items()}
        return self._with(confidence_level=level, parts=parts)

    def _with(self, **changed: Any) -> Self:
        return replace(self, **changed)

    def confidence_interval(
        self,
        confidence_level: float | None = None,
        alternative: Alternative = "two-sided",
        *,
        simultaneous: bool = False,
        method: str | None = None,
    ) -> ConfidenceInterval:
        """An interval for each number, by itself or for all at once.

        Parameters
        ----------
        confidence_level : float, default=None
            Between 0 and 1; None means the result's own `confidence_level`.
        alternative : {"two-sided", "less", "greater"}, default="two-sided"
            As in scipy: "less" has no lower end, "greater" has no upper end.
        simultaneous : bool, default=False
            Whether all k intervals hold at once with this level (max-t): each is the interval of the method at a higher level.
        method : {"auto", "t", "skewed", "share", "bootstrap-t"}, default=None
            None means the result's own `interval`. "auto" chooses what suits the labels (docs/which_interval.md).

        Returns
        -------
        ConfidenceInterval
            `(low, high)`.

        Raises
        ------
        ValueError
            A method that this result has no evidence for; the message says which are available.
        """
        level = self.confidence_level if confidence_level is None else confidence_level
        level = self._level_of_each(level, alternative, simultaneous)
        return self._chosen(method).inference.confidence_interval(level, alternative)

    def p_value(
        self,
        null: ArrayLike,
        alternative: Alternative = "two-sided",
        *,
        adjust: str | None = None,
        method: str | None = None,
    ) -> Any:
        """P-value of the test that the estimated number equals `null`: the inversion of the interval by the same method.

        See `Estimate.p_value`, and `confidence_interval` for `method`.
        """
        check_order_of_names(null, self.names)
        p = self._chosen(method).inference.p_value(null, alternative)
        return self._adjusted(p, alternative, adjust)

    @property
    def interval_method(self) -> str:
        """Which method the intervals are by, and why, in words."""
        return self._chosen(None).words

    @property
    def by_shares(self) -> bool:
        """Whether intervals are those of shares."""
        return self.shares is not None and self.interval in ("auto", "share")

    @property
    def _joint_covariance(self) -> Array:
        """Shares of labels that are all alike have intervals, too: they are taken for independent."""
        alike = (np.diag(self.covariance) == 0) & (self.shares is not None)
        return self.covariance + np.diag(alike.astype(np.float64))

    @property
    def _error_terms(self) -> ErrorTerms | None:
        """The independent parts of the error; None where influence values are not kept."""
        raise NotImplementedError

    @property
    def _shape(self) -> Shape | None:
        """Of the error; None where influence values are not kept."""
        terms = self._error_terms
        return None if terms is None else terms.shape(self.standard_error)

    def _chosen(self, method: str | None) -> Chosen:
        return chosen(self, self.interval if method is None else method)
