"""An estimate whose intervals and p-values are made by one of several methods, chosen by what is known of its error."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._error_terms import ErrorTerms, Shape
from sklearn_ftr.rectification._inference import (
    Alternative,
    ConfidenceInterval,
    Estimate,
    check_order_of_names,
    efficiency_of,
    like,
)
from sklearn_ftr.rectification._intervals import Chosen, Inference, chosen
from sklearn_ftr.rectification._share_sums import efficiency_of_shares


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
    def efficiency(self) -> Any:
        """Variance of labels only over this variance: how often each label counts.

        Of shares, unless `interval` names another method, it is the number of labels alone that would know as much, over those that there are: few labels show
        few errors of a judge, or none, and an efficiency may not promise what the interval does not.
        """
        if not self.by_shares:
            return efficiency_of(self, self.labels_only)
        return like(efficiency_of_shares(self.shares, self.labels_shares), self.estimate)

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
