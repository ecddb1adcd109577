"""The answer: an immutable estimate that knows its comparisons and prints as a readable table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import numpy as np

from sklearn_ftr._arguments import check_count, random_generator
from sklearn_ftr._short_repr import told
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._combinable import Combinable
from sklearn_ftr.rectification._confidence_sequence import EstimateInRounds
from sklearn_ftr.rectification._contrast import ContrastResult
from sklearn_ftr.rectification._contrast_weights import ContrastWeights
from sklearn_ftr.rectification._error_terms import ErrorOfLabels, ErrorTerms, KnownShape, Shape
from sklearn_ftr.rectification._estimate_in_tables import EstimateInTables
from sklearn_ftr.rectification._inference import Estimate, like
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._intervals import Inference, few_labels
from sklearn_ftr.rectification._labels_needed import EstimateToCome
from sklearn_ftr.rectification._more_labels import Mover
from sklearn_ftr.rectification._printed import as_json, few_of, numbers_of


def _shape_of_labels(result: RectifiedResult) -> Shape | None:
    """Found when it is asked for."""
    return None if result.labels_error is None else result.labels_error.shape


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RectifiedResult(EstimateInTables, EstimateInRounds, EstimateToCome, Combinable):
    """A rectified estimate beside what labels alone and predictions alone would say.

    One number each for labels of shape (n,); arrays of shape (k,) for labels of shape (n, k).

    Attributes
    ----------
    estimate : float or ndarray of shape (k,)
        The rectified estimate.
    covariance : ndarray of shape (k, k)
        Its covariance.
    degrees_of_freedom : float or ndarray of shape (k,)
        Of the Student t interval.
    standard_error : float or ndarray of shape (k,)
        Square root of the variance, in units of y.
    lambda_ : float or ndarray of shape (k,)
        Weight of the predictions; 0 is labels only, 1 plain rectification. Of j judges (j,) or (k, j).
    rectifier : float or ndarray of shape (k,)
        What is added to lambda times the mean prediction of the pool; with an empty pool the estimate
        itself.
    residual_variance : float or ndarray of shape (k,)
        v(s) = V_R(y - f), ddof=1; of several judges V_R(y - lambda'f).
    recycled_weight : float or ndarray of shape (k,)
        Weight of the fine-tuning labels' own mean in the estimate; 0 without recycling.
    n_labeled, n_finetune, n_rectify, n_unlabeled : int
        Counts of labels, of labels that trained and that rectified, and of the pool.
    labels_only : Estimate
        Mean of all labels.
    predictions_only : Estimate or None
        Mean prediction over the pool, of several judges their average. Its standard error knows nothing of the predictor's bias. None
        for a pool of fewer than two rows.
    confidence_level : float
        Default level of `confidence_interval`.
    estimand : str
        What has been estimated, such as "mean" or "linear regression".
    names : tuple of str
        Names of the k numbers; empty if they have none.
    parts : dict of str to RectifiedResult
        For a difference between groups, the rectified mean of each; else empty.
    prediction_shift : float or ndarray of shape (k,)
        Mean prediction of the rows that rectify less that of the pool, in standard errors of the difference: about -2 to 2 where
        labels are missing at random. 0 without a pool. Of a difference between groups, the larger of both groups'.
    influence : Influence or None
        What `bootstrap` needs; None where others have it (the independent parts of a difference, the curves of quantiles).
    design_effect : float, ndarray of shape (k,) or None
        Variance of labels alone under the sampling design over that of as many independent rows; None without a design.
    is_complete : bool
        Whether every row of a finite population has a label, so that nothing is uncertain.
    is_tuned : bool
        Whether lambda was estimated.
    is_finite : bool
        Whether exactly these rows are meant.
    rows : tuple of str or None
        What tells the rows from others when results are subtracted; None where they are not known one by one.
    labels_error : ErrorOfLabels, KnownShape or None
        The error of `labels_only`, where it is known.
    labels_shape : Shape or None
        Its shape.
    interval : str
        The method of intervals and p-values that was asked for: "auto" or one of its choices. `interval_method` says which it is.
    shares, labels_shares : Inference or None
        Intervals and tests of labels in {0, 1}, and those of labels only; None for others.
    """

    lambda_: Any
    rectifier: Any
    residual_variance: Any
    recycled_weight: Any
    n_labeled: int
    n_finetune: int
    n_rectify: int
    n_unlabeled: int
    labels_only: Estimate
    predictions_only: Estimate | None
    confidence_level: float
    estimand: str = "mean"
    names: tuple[str, ...] = ()
    parts: Mapping[str, RectifiedResult] = field(default_factory=dict)
    prediction_shift: Any = 0.0
    influence: Influence | None = None
    design_effect: Any = None
    is_complete: bool = False
    is_tuned: bool = False
    is_finite: bool = False
    rows: tuple[str, str] | None = field(default=None, compare=False)
    labels_error: ErrorOfLabels | KnownShape | None = field(default=None, compare=False)
    labels_shape: Shape | None = field(init=False, default=cast(Any, cached_property(_shape_of_labels)))
    interval: str = "auto"
    shares: Inference | None = None
    labels_shares: Inference | None = None

    @property
    def _error_terms(self) -> ErrorTerms | None:
        if self.influence is not None:
            return self.influence.terms
        if not self.parts:
            return None
        first, second = (part._error_terms for part in self.parts.values())
        return None if first is None or second is None else second.minus(first)

    def bootstrap(self, n_draws: int = 2000, random_state: Any = None) -> Array:
        """Draws of the estimate's sampling distribution: labeled rows are resampled, the pool is not touched.

        Parameters
        ----------
        n_draws : int, default=2000
        random_state : int, random generator of numpy or None, default=None
            Seed.

        Returns
        -------
        ndarray of shape (n_draws,) or (n_draws, k)
            Their standard deviation is a standard error, their quantiles an interval that need not be symmetric.

        Raises
        ------
        ValueError
            Less than one draw, or a number of draws or seed that is not a whole number.

        Notes
        -----
        Influence values (with lambda as estimated) are drawn with replacement; the mean of a large pool is normal, so
        that its part is drawn from its covariance, whatever the pool's size.
        """
        n_draws = check_count(n_draws, "n_draws", 1)
        return self._draws(n_draws, random_generator(random_state))

    def _draws(self, n_draws: int, rng: np.random.Generator) -> Array:
        if self.influence is None:
            first, second = (part._draws(n_draws, rng) for part in self.parts.values())
            return second - first
        draws = np.atleast_1d(self.estimate) + self.influence.draws(n_draws, rng)
        return draws[:, 0] if np.ndim(self.estimate) == 0 else draws

    def _summed(self, of: ContrastWeights, sources: tuple[RectifiedResult, ...]) -> ContrastResult:
        return ContrastResult.of(sources, of, self.interval, self.confidence_level)

    @property
    def _sources(self) -> tuple[RectifiedResult, ...]:
        return (self,)

    @property
    def _movers(self) -> list[Mover]:
        return [] if self.influence is None else [(self.influence, np.eye(np.size(self.estimate)))]

    @property
    def pool_covariance(self) -> Array:
        """What the pool's size adds to the covariance, of shape (k, k), before fine-tuning labels are recycled."""
        if self.influence is None:
            return np.sum([part.pool_covariance for part in self.parts.values()], axis=0)
        return self.influence.pool_covariance

    def to_dict(self) -> dict[str, Any]:
        """All numbers under flat names; Python's floats for one output, arrays (k,) for several. `to_json` has more."""
        low, high = self.confidence_interval()
        nothing = like(np.full(np.shape(self.estimate), np.nan), self.estimate)
        predictions = self.predictions_only
        return {
            "estimate": self.estimate,
            "standard_error": self.standard_error,
            "confidence_level": self.confidence_level,
            "low": low,
            "high": high,
            "degrees_of_freedom": self.degrees_of_freedom,
            "lambda": self.lambda_,
            "rectifier": self.rectifier,
            "residual_variance": self.residual_variance,
            "recycled_weight": self.recycled_weight,
            "efficiency": self.efficiency,
            "effective_sample_size": self.effective_sample_size,
            "n_labeled": self.n_labeled,
            "n_finetune": self.n_finetune,
            "n_rectify": self.n_rectify,
            "n_unlabeled": self.n_unlabeled,
            "labels_only": self.labels_only.estimate,
            "labels_only_standard_error": self.labels_only.standard_error,
            "predictions_only": predictions.estimate if predictions else nothing,
            "predictions_only_standard_error": predictions.standard_error if predictions else nothing,
            "prediction_shift": self.prediction_shift,
            **self._of_design(),
        }

    def _of_design(self) -> dict[str, Any]:
        return {} if self.design_effect is None else {"design_effect": self.design_effect}

    def to_json(self, indent: int | None = None) -> str:
        """All that the result says, as JSON.

        Parameters
        ----------
        indent : int, default=None
            Spaces for each level; None is a single line.

        Returns
        -------
        str
            An object with the entries of `to_dict`, arrays as lists, "estimand", "names", "covariance", "verdict", "parts" (one
            such object for each group of a difference) and, for quantiles, "levels". The standard has no NaN, which is null,
            and no infinite numbers, which are the texts "Infinity" and "-Infinity": the end of an interval that labels
            cannot bound, for example. Python's `float` reads them.
        """
        return as_json(self, indent)

    def _lambda_of_judges(self) -> dict[str, Any]:
        """Columns of lambda, one for each judge if there are several."""
        k = np.size(self.estimate)
        if np.size(self.lambda_) == k:
            return {"lambda": self.lambda_}
        of_judges = np.reshape(self.lambda_, (k, -1)).T
        return {f"lambda {number}": weights for number, weights in enumerate(of_judges, 1)}

    def __repr__(self) -> str:
        return told(self, f"{self._in_short()}, efficiency {few_of(self.efficiency)}")

    def _title(self) -> str:
        if self.n_unlabeled == 0:
            return f"{self.estimand.capitalize()} of {self.n_labeled:,} labeled rows, none unlabeled"
        return (
            f"Rectified {self.estimand}: {self.n_labeled:,} labeled rows ({self.n_finetune:,} fine-tune, "
            f"{self.n_rectify:,} rectify), {self.n_unlabeled:,} unlabeled"
        )

    def _notes(self) -> list[str]:
        numbers = f"lambda {numbers_of(self.lambda_)}, degrees of freedom {numbers_of(self.degrees_of_freedom)}"
        if np.any(self.recycled_weight):
            numbers += f", recycled weight {numbers_of(self.recycled_weight)}"
        if self.design_effect is not None:
            numbers += f", design effect {numbers_of(self.design_effect)}"
        return [numbers, f"Intervals: {self.interval_method}", *few_labels(self), self.verdict()]
