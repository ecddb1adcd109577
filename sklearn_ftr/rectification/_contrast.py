"""Weighted sums of the numbers of a result, or of results of the same rows, with an answer of their own.

Covariances are quadratic in the weights; degrees of freedom are Satterthwaite's (1946), of the independent parts of each sum's own variance: labeled
rows, pool, labels that have trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr._arguments import check_count, random_generator
from sklearn_ftr._short_repr import told
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._combinable import Combinable
from sklearn_ftr.rectification._confidence_sequence import FIRST_LOOK, EstimateInRounds
from sklearn_ftr.rectification._contrast_weights import ContrastWeights
from sklearn_ftr.rectification._error_terms import ErrorTerms, Shape
from sklearn_ftr.rectification._estimate_in_tables import EstimateInTables
from sklearn_ftr.rectification._inference import Alternative, Estimate, like
from sklearn_ftr.rectification._intervals import Inference, few_labels
from sklearn_ftr.rectification._labels_needed import EstimateToCome
from sklearn_ftr.rectification._more_labels import Mover
from sklearn_ftr.rectification._printed import json_of, numbers_of
from sklearn_ftr.rectification._share_sums import sums_of_shares
from sklearn_ftr.rectification._stacked import (
    joint_error_terms,
    joint_influence,
    shape_of_labels,
    stacked,
)
from sklearn_ftr.rectification._sums import degrees_of_sums, sums, sums_of_one_sample

if TYPE_CHECKING:
    from sklearn_ftr.rectification._result import RectifiedResult


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ContrastResult(EstimateInTables, EstimateInRounds, EstimateToCome, Combinable):
    """Weighted sums of the numbers of a result, beside what labels alone and predictions alone say of them.

    Attributes
    ----------
    estimate : float or ndarray of shape (q,)
    covariance : ndarray of shape (q, q)
    degrees_of_freedom : float or ndarray of shape (q,)
        Satterthwaite's, of each sum's own variance.
    standard_error : float or ndarray of shape (q,)
    weights : ndarray of shape (q, k)
        Of the k numbers of all `sources`.
    names : tuple of str
        Of the q sums.
    sources : tuple of RectifiedResult
        The result; of a difference of two results both.
    labels_only : Estimate
        The same sums of the answer of labels alone.
    predictions_only : Estimate or None
        And of predictions alone. None without a pool, and for the difference of two results.
    confidence_level : float
        Default level of `confidence_interval`.
    estimand : str
        What the sums are of.
    interval : str
        The method of intervals and p-values, that of the result; "auto" if it is the one for shares and some of the sources are none.
    shares, labels_shares : Inference or None
        Of sums of shares, as in `RectifiedResult`.
    labels_shape : Shape or None
        Of the error of `labels_only`, where it is known.
    n_labeled, n_rectify, n_unlabeled : int
        Counts of labels, of those that rectified, and of the pool, of each source.
    is_complete, is_tuned, is_finite : bool
        As in `RectifiedResult`, of any source.
    parts : dict of str to ContrastResult
        The same sums of each group, of a difference between groups; else empty.
    """

    weights: Array
    names: tuple[str, ...]
    sources: tuple[RectifiedResult, ...]
    labels_only: Estimate
    predictions_only: Estimate | None
    confidence_level: float
    estimand: str
    interval: str
    shares: Inference | None
    labels_shares: Inference | None
    labels_shape: Shape | None
    n_labeled: int
    n_rectify: int
    n_unlabeled: int
    is_complete: bool
    is_tuned: bool
    is_finite: bool
    parts: Mapping[str, ContrastResult]

    @classmethod
    def of(
        cls,
        sources: tuple[RectifiedResult, ...],
        of: ContrastWeights,
        interval: str,
        confidence_level: float,
    ) -> Self:
        """Sums of the numbers of results of the same rows, with the interval and confidence level of what they are asked of."""
        numbers = stacked(sources)
        template = 0.0 if of.is_single else of.rows[:, 0]
        degrees = degrees_of_sums(of.rows, numbers.terms)
        predictions, first = numbers.predictions_only, sources[0]
        shares, alone = (
            sums_of_shares(known, of.rows, answer.covariance, numbers.n_pieces, template)
            for known, answer in (
                ([one.shares for one in sources], numbers.answer),
                ([one.labels_shares for one in sources], numbers.labels_only),
            )
        )
        is_lost = interval == "share" and shares is None
        return cls(
            **vars(sums(numbers.answer, of.rows, degrees, template)),
            weights=of.rows,
            names=of.names,
            sources=sources,
            labels_only=sums_of_one_sample(numbers.labels_only, of.rows, template),
            predictions_only=None
            if predictions is None
            else sums_of_one_sample(predictions, of.rows, template),
            confidence_level=confidence_level,
            estimand=f"contrast of {first.estimand}",
            interval="auto" if is_lost else interval,
            shares=shares,
            labels_shares=alone,
            labels_shape=shape_of_labels(sources, of.rows),
            n_labeled=first.n_labeled,
            n_rectify=first.n_rectify,
            n_unlabeled=first.n_unlabeled,
            is_complete=first.is_complete,
            is_tuned=any(one.is_tuned for one in sources),
            is_finite=any(one.is_finite for one in sources),
            parts={
                name: cls.of((part,), of, interval, confidence_level)
                for name, part in first.parts.items()
            },
        )

    def p_value(
        self,
        null: ArrayLike = 0.0,
        alternative: Alternative = "two-sided",
        *,
        adjust: str | None = None,
        method: str | None = None,
    ) -> Any:
        """P-value of the test that the sum equals `null`; see `RectifiedResult.p_value`."""
        return super().p_value(null, alternative, adjust=adjust, method=method)

    def always_valid_p_value(
        self,
        null: ArrayLike = 0.0,
        alternative: Alternative = "two-sided",
        *,
        n_first: int = FIRST_LOOK,
        method: str | None = None,
    ) -> Any:
        """P-value of this look that the sum equals `null`; see `RectifiedResult.always_valid_p_value`."""
        return super().always_valid_p_value(null, alternative, n_first=n_first, method=method)

    @property
    def _error_terms(self) -> ErrorTerms | None:
        terms = joint_error_terms(self.sources)
        return None if terms is None else terms.sums(self.weights)

    def bootstrap(self, n_draws: int = 2000, random_state: Any = None) -> Array:
        """Draws (n_draws,) or (n_draws, q) of the sampling distribution; see `RectifiedResult.bootstrap`."""
        n_draws, rng = check_count(n_draws, "n_draws", 1), random_generator(random_state)
        if len(self.sources) == 1:
            draws = self.sources[0]._draws(n_draws, rng).reshape(n_draws, -1) @ self.weights.T
        else:
            errors = joint_influence(self.sources).draws(n_draws, rng) @ self.weights.T
            draws = np.atleast_1d(self.estimate) + errors
        return draws[:, 0] if np.ndim(self.estimate) == 0 else draws

    def to_dict(self) -> dict[str, Any]:
        """All numbers under flat names; Python's floats for one sum, arrays (q,) for several."""
        low, high = self.confidence_interval()
        nothing = like(np.full(np.shape(self.estimate), np.nan), self.estimate)
        predictions = self.predictions_only
        return {
            **self._numbers(low, high, self.p_value()),
            "confidence_level": self.confidence_level,
            "degrees_of_freedom": self.degrees_of_freedom,
            "n_labeled": self.n_labeled,
            "n_unlabeled": self.n_unlabeled,
            "predictions_only": predictions.estimate if predictions else nothing,
            "predictions_only_standard_error": predictions.standard_error if predictions else nothing,
        }

    def to_json(self, indent: int | None = None) -> str:
        """`to_dict`, names, weights, covariance and verdict as JSON; see `RectifiedResult.to_json`."""
        told = {"estimand": self.estimand, "names": self.names, "weights": self.weights}
        told |= {**self.to_dict(), "interval_method": self.interval_method}
        told |= {"covariance": self.covariance, "verdict": self.verdict()}
        return json_of(told, indent)

    def _numbers(self, low: Any, high: Any, p_value: Any) -> dict[str, Any]:
        return {
            "estimate": self.estimate,
            "standard_error": self.standard_error,
            "p_value": p_value,
            "low": low,
            "high": high,
            "efficiency": self.efficiency,
            "labels_only": self.labels_only.estimate,
            "labels_only_standard_error": self.labels_only.standard_error,
        }

    def __repr__(self) -> str:
        return told(self, self._in_short())

    def _title(self) -> str:
        which = f" {self.names[0]}" if len(self.names) == 1 else "s"
        return f"Contrast{which} of rectified {self.sources[0].estimand}: {self.n_labeled:,} labeled rows, {self.n_unlabeled:,} unlabeled"

    def _notes(self) -> list[str]:
        numbers = (
            f"degrees of freedom {numbers_of(self.degrees_of_freedom)}, p-value {numbers_of(self.p_value())}, "
            f"efficiency {numbers_of(self.efficiency)}"
        )
        return [numbers, f"Intervals: {self.interval_method}", *few_labels(self), self.verdict()]

    def _summed(self, of: ContrastWeights, sources: tuple[RectifiedResult, ...]) -> ContrastResult:
        return ContrastResult.of(sources, of, self.interval, self.confidence_level)

    @property
    def _movers(self) -> list[Mover]:
        if self.sources[0].influence is None:
            return []
        return [(joint_influence(self.sources), self.weights)]

    @property
    def _sources(self) -> tuple[RectifiedResult, ...]:
        return self.sources

    @property
    def _weights(self) -> Array:
        return self.weights
