"""The answer: an immutable estimate that knows its comparisons and prints as a readable table."""

from __future__ import annotations

import html
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._inference import (
    Alternative,
    ConfidenceInterval,
    Estimate,
    like,
    mean_estimate,
    shaped,
)
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._moments import Moments, columns, moments

# Standard errors by which mean predictions of labeled rows and of the pool hardly ever differ by chance.
_LARGEST_SHIFT = 4.0
# Below this efficiency the gain is smaller than anybody would train a model for.
_WORTHWHILE_EFFICIENCY = 1.05


class ZeroWidthIntervalWarning(UserWarning):
    """The data show no variance at all, so that the interval has zero width."""


class PredictionShiftWarning(UserWarning):
    """Predictions of labeled rows and of the pool differ by more than chance: labels are not missing at random."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RectifiedResult(Estimate):
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
        Weight of the predictions; 0 is labels only, 1 plain rectification.
    rectifier : float or ndarray of shape (k,)
        What is added to lambda times the mean prediction of the pool; with an empty pool the estimate
        itself.
    residual_variance : float or ndarray of shape (k,)
        v(s) = V_R(y - f), ddof=1.
    recycled_weight : float or ndarray of shape (k,)
        Weight of the fine-tuning labels' own mean in the estimate; 0 without recycling.
    n_labeled, n_finetune, n_rectify, n_unlabeled : int
        Counts of labels, of labels that trained and that rectified, and of the pool.
    labels_only : Estimate
        Mean of all labels.
    predictions_only : Estimate or None
        Mean prediction over the pool. Its standard error knows nothing of the predictor's bias. None
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
        What `bootstrap` needs; None where others have it (the parts of a difference, the curves of quantiles).
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

    def confidence_interval(
        self, confidence_level: float | None = None, alternative: Alternative = "two-sided"
    ) -> ConfidenceInterval:
        """Student t interval; see `Estimate.confidence_interval`.

        Parameters
        ----------
        confidence_level : float, default=None
            Between 0 and 1; None means the result's own `confidence_level`.
        alternative : {"two-sided", "less", "greater"}, default="two-sided"
            As in scipy: "less" has no lower end, "greater" has no upper end.
        """
        level = self.confidence_level if confidence_level is None else confidence_level
        return super().confidence_interval(level, alternative)

    def bootstrap(self, n_draws: int = 2000, random_state: int | None = None) -> Array:
        """Draws of the estimate's sampling distribution: labeled rows are resampled, the pool is not touched.

        Parameters
        ----------
        n_draws : int, default=2000
        random_state : int or None, default=None
            Seed.

        Returns
        -------
        ndarray of shape (n_draws,) or (n_draws, k)
            Their standard deviation is a standard error, their quantiles an interval that need not be symmetric.

        Raises
        ------
        ValueError
            Less than one draw.

        Notes
        -----
        Influence values (with lambda as estimated) are drawn with replacement; the mean of a large pool is normal, so
        that its part is drawn from its covariance, whatever the pool's size.
        """
        if n_draws < 1:
            raise ValueError(f"n_draws is {n_draws}; expected at least 1.")
        return self._draws(n_draws, np.random.default_rng(random_state))

    def _draws(self, n_draws: int, rng: np.random.Generator) -> Array:
        if self.parts:
            first, second = (part._draws(n_draws, rng) for part in self.parts.values())
            return second - first
        assert self.influence is not None
        draws = np.atleast_1d(self.estimate) + self.influence.draws(n_draws, rng)
        return draws[:, 0] if np.ndim(self.estimate) == 0 else draws

    @property
    def efficiency(self) -> Any:
        """Variance of the labels-only mean over this variance: how often each label counts."""
        labels = np.diag(self.labels_only.covariance)
        own = np.diag(self.covariance)
        ratio = np.divide(labels, own, out=np.where(labels > 0, np.inf, 1.0), where=own > 0)
        return like(ratio, self.estimate)

    @property
    def pool_covariance(self) -> Array:
        """What the pool's size adds to the covariance, of shape (k, k), before fine-tuning labels are recycled."""
        if self.parts:
            return np.sum([part.pool_covariance for part in self.parts.values()], axis=0)
        assert self.influence is not None
        return self.influence.pool_covariance

    @property
    def effective_sample_size(self) -> Any:
        """How many labels alone would give the same standard error."""
        return self.n_labeled * self.efficiency

    @property
    def zero_width(self) -> bool:
        """Whether some output shows no variance at all, so that its interval has zero width."""
        return bool(np.any(np.diag(self.covariance) == 0))

    def to_dict(self) -> dict[str, Any]:
        """All numbers under flat names; floats for one output, arrays (k,) for several."""
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
        }

    def to_frame(self) -> Any:
        """`to_dict` as a pandas DataFrame with one row for each output (needs pandas)."""
        import pandas as pd

        return pd.DataFrame(self.to_dict(), index=self._index())

    def summary(self, confidence_level: float | None = None) -> Any:
        """What a table of coefficients shows, as a pandas DataFrame with one row for each number (needs pandas).

        Parameters
        ----------
        confidence_level : float, default=None
            Of the intervals; None means the result's own `confidence_level`.

        Returns
        -------
        DataFrame
            Columns "estimate", "standard_error", "p_value" (of the test against 0), "low", "high", "lambda", "efficiency",
            "labels_only" and "labels_only_standard_error"; `names` are the index.
        """
        import pandas as pd

        low, high = self.confidence_interval(confidence_level)
        numbers = {
            "estimate": self.estimate,
            "standard_error": self.standard_error,
            "p_value": self.p_value(0.0),
            "low": low,
            "high": high,
            "lambda": self.lambda_,
            "efficiency": self.efficiency,
            "labels_only": self.labels_only.estimate,
            "labels_only_standard_error": self.labels_only.standard_error,
        }
        return pd.DataFrame(numbers, index=self._index())

    def _index(self) -> Any:
        return list(self.names) or range(np.size(self.estimate))

    def verdict(self) -> str:
        """One sentence on what the predictions were worth."""
        if self.n_unlabeled == 0:
            return "No unlabeled rows: this is the labels-only answer."
        if self.zero_width:
            return "Some interval has zero width: labels and predictions leave no variance, so it says nothing."
        gains = np.atleast_1d(self.efficiency)
        span = _span(gains, ".2f")
        if gains.max() < 1 / _WORTHWHILE_EFFICIENCY:
            return f"Labels alone are better (efficiency {span}); tune lambda or fine-tune on fewer labels."
        if gains.max() < _WORTHWHILE_EFFICIENCY:
            return f"Labels alone are as good (efficiency {span})."
        sizes = np.atleast_1d(self.effective_sample_size)
        return (
            f"Each label counts {span} times: {self.n_labeled} labels do the work of "
            f"{_span(sizes, '.0f')}."
        )

    def __str__(self) -> str:
        header, rows = self._table()
        widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
        lines = [
            "  ".join(
                cell.ljust(width) if i == 0 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in [header, *rows]
        ]
        rule = "-" * len(lines[0])
        return "\n".join([self._title(), rule, lines[0], rule, *lines[1:], rule, *self._notes()])

    def __repr__(self) -> str:
        low, high = (_numbers(end) for end in self.confidence_interval())
        return (
            f"<RectifiedResult: {_numbers(self.estimate)}, {100 * self.confidence_level:g} % interval "
            f"[{low}, {high}], efficiency {_numbers(self.efficiency)}>"
        )

    def _repr_html_(self) -> str:
        header, rows = self._table()
        head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
        )
        notes = "<br>".join(html.escape(note) for note in self._notes())
        return (
            f"<table><caption>{html.escape(self._title())}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{notes}</p>"
        )

    def _title(self) -> str:
        if self.n_unlabeled == 0:
            return f"{self.estimand.capitalize()} of {self.n_labeled:,} labeled rows, none unlabeled"
        return (
            f"Rectified {self.estimand}: {self.n_labeled:,} labeled rows ({self.n_finetune:,} fine-tune, "
            f"{self.n_rectify:,} rectify), {self.n_unlabeled:,} unlabeled"
        )

    def _table(self) -> tuple[list[str], list[list[str]]]:
        header = ["", "estimate", "std. error", f"{100 * self.confidence_level:g} % interval"]
        answers = {
            "rectified": self,
            "labels only": self.labels_only,
            "predictions only": self.predictions_only,
        }
        rows = [
            row
            for name, answer in answers.items()
            if answer is not None
            for row in self._answer_rows(name, answer)
        ]
        return header, rows

    def _answer_rows(self, name: str, answer: Estimate) -> list[list[str]]:
        low, high = (np.atleast_1d(end) for end in answer.confidence_interval(self.confidence_level))
        center, error = np.atleast_1d(answer.estimate), np.atleast_1d(answer.standard_error)
        digits = _decimals(np.atleast_1d(self.standard_error))
        labels = [f"{name} [{i}]" for i in self.names or range(len(center))]
        return [
            [
                labels[i] if len(center) > 1 else name,
                f"{center[i]:.{d}f}",
                f"{error[i]:.{d + 1}f}",
                f"[{low[i]:.{d}f}, {high[i]:.{d}f}]",
            ]
            for i, d in enumerate(digits)
        ]

    def _notes(self) -> list[str]:
        numbers = (
            f"lambda {_numbers(self.lambda_)}, degrees of freedom {_numbers(self.degrees_of_freedom)}"
        )
        if np.any(self.recycled_weight):
            numbers += f", recycled weight {_numbers(self.recycled_weight)}"
        return [numbers, self.verdict()]


def mean_result(
    estimate: Estimate,
    *,
    labels: NDArray[np.floating],
    pool: Moments,
    n_rectify: int,
    lambda_: Array,
    residual_variance: Array,
    confidence_level: float,
    n_finetune: int = 0,
    influence: Influence,
    prediction_shift: Array,
    names: tuple[str, ...] = (),
) -> RectifiedResult:
    """A result in the shape of the user's `labels`, (n,) or (n, k): all labels that were used."""
    one = labels[0]  # a single number or a row of k: the shape of every answer
    pool_mean = pool.mean if pool.count else np.zeros_like(lambda_)
    return RectifiedResult(
        **vars(shaped(estimate, one)),
        lambda_=like(lambda_, one),
        rectifier=like(estimate.estimate - lambda_ * pool_mean, one),
        residual_variance=like(residual_variance, one),
        recycled_weight=like(influence.recycled_weight, one),
        n_labeled=len(labels),
        n_finetune=n_finetune,
        n_rectify=n_rectify,
        n_unlabeled=pool.count,
        labels_only=shaped(mean_estimate(moments(columns(labels))), one),
        predictions_only=shaped(mean_estimate(pool), one) if pool.count > 1 else None,
        confidence_level=confidence_level,
        influence=influence,
        prediction_shift=like(prediction_shift, one),
        names=names,
    )


def warn_of_zero_width(result: RectifiedResult, stacklevel: int) -> None:
    """Tell the caller's caller that an interval shows no uncertainty, or that labeled rows are of another kind than the pool."""
    if result.zero_width:
        warnings.warn(
            f"The {result.n_rectify} labels that rectify leave no variance, so the interval has zero width "
            "and does not show how uncertain the estimate is; get more labels, or check how they were "
            "collected.",
            ZeroWidthIntervalWarning,
            stacklevel=stacklevel,
        )
    shift = np.atleast_1d(result.prediction_shift)
    largest = shift[np.argmax(np.abs(shift))]
    if abs(largest) > _LARGEST_SHIFT:
        warnings.warn(
            f"The mean prediction of the {result.n_rectify} rows that rectify is {abs(largest):.1f} standard errors "
            f"{'above' if largest > 0 else 'below'} that of the {result.n_unlabeled} unlabeled rows: labels do not seem to be missing at random, "
            "with the same probability for every row. The estimate and its interval can be wrong then; check how rows "
            "were chosen for labeling.",
            PredictionShiftWarning,
            stacklevel=stacklevel,
        )


def _decimals(standard_errors: Array) -> list[int]:
    """Decimals that show two significant digits of each standard error."""
    usual = np.where((standard_errors > 0) & np.isfinite(standard_errors), standard_errors, 0.01)
    return [max(0, int(1 - np.floor(np.log10(error)))) for error in usual]


def _numbers(values: Any) -> str:
    return ", ".join(f"{value:.4g}" for value in np.atleast_1d(values))


def _span(values: Array, form: str) -> str:
    low, high = format(values.min(), form), format(values.max(), form)
    return low if low == high else f"{low} to {high}"
