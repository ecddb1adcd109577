"""From an estimate with a covariance to intervals and p-values: Student t, one- or two-sided.

Degrees of freedom: Welch (1947) and Satterthwaite (1946) for a sum of independent variances.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._arguments import (
    check_choice,
    check_confidence_level,
    check_truth_value,
    shown,
)
from sklearn_ftr._printed_table import PrintedTable
from sklearn_ftr._short_repr import brief, short_repr
from sklearn_ftr._shows_table import InNotebooks, table_of_columns
from sklearn_ftr._tables import row_index
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.rectification._checks import as_settings
from sklearn_ftr.rectification._simultaneous import adjusted, level_of_each
from sklearn_ftr.rectification._student import t_above, t_quantile

Alternative = Literal["two-sided", "less", "greater"]
# In place of 0, to be divided by.
_SMALLEST = 5e-324
_ALTERNATIVES = ("two-sided", "less", "greater")


class ConfidenceInterval(NamedTuple):
    """Lower and upper end of a confidence interval: floats, or arrays (k,) for k outputs."""

    low: Any
    high: Any

    def __repr__(self) -> str:
        ends = [repr(end) if np.ndim(end) == 0 else brief(end) for end in self]
        return f"ConfidenceInterval(low={ends[0]}, high={ends[1]})"


@short_repr
@dataclass(frozen=True, eq=False)
class Estimate(InNotebooks, Versioned):
    """An estimate of k numbers with its covariance and degrees of freedom.

    Parameters
    ----------
    estimate : float or ndarray of shape (k,)
        The point estimate.
    covariance : ndarray of shape (k, k)
        Its covariance.
    degrees_of_freedom : float or ndarray of shape (k,)
        Of the Student t distribution that each standardised estimate follows.
    """

    estimate: Any
    covariance: NDArray[np.float64]
    degrees_of_freedom: Any

    def __eq__(self, other: object) -> bool:
        """Whether both say the same of everything, to the last bit; NaN is the same as NaN."""
        return _same(self, other)

    def __hash__(self) -> int:
        return hash((type(self).__name__, np.shape(self.estimate)))

    def _table(self) -> PrintedTable:
        columns = {
            "estimate": self.estimate,
            "std. error": self.standard_error,
            "degrees of freedom": self.degrees_of_freedom,
        }
        return table_of_columns("Estimate", columns)

    @property
    def standard_error(self) -> Any:
        """Square root of the variance: float, or ndarray of shape (k,)."""
        return like(np.sqrt(self.covariance.diagonal()), self.estimate)

    def confidence_interval(
        self,
        confidence_level: float = 0.95,
        alternative: Alternative = "two-sided",
        *,
        simultaneous: bool = False,
    ) -> ConfidenceInterval:
        """Student t interval.

        Parameters
        ----------
        confidence_level : float, default=0.95
            Between 0 and 1.
        alternative : {"two-sided", "less", "greater"}, default="two-sided"
            As in scipy: "less" has no lower end, "greater" has no upper end.
        simultaneous : bool, default=False
            Whether the intervals of all k numbers hold at once with this level, by max-t: their common critical value is that of the largest
            of k statistics with the correlation of the estimates.

        Returns
        -------
        ConfidenceInterval
            `(low, high)`.
        """
        level = self._level_of_each(confidence_level, alternative, simultaneous)
        quantile = t_quantile(tail_of(level, alternative), self.degrees_of_freedom)
        return interval_between(self, -quantile, quantile, alternative)

    def p_value(
        self, null: ArrayLike, alternative: Alternative = "two-sided", *, adjust: str | None = None
    ) -> Any:
        """P-value of the t test that the estimated number equals `null`.

        Parameters
        ----------
        null : float or array-like of shape (k,)
            Value under the null hypothesis; may be infinite.
        alternative : {"two-sided", "less", "greater"}, default="two-sided"
            "greater" means that the estimated number is greater than `null`.
        adjust : {"max-t", "holm", "bh", "by"}, default=None
            For k tests at once. "max-t" and "holm" (Holm 1979) keep the probability of any false rejection; "max-t" rejects what the
            simultaneous interval excludes. "bh" (Benjamini and Hochberg 1995) keeps the expected share of false rejections among all, of tests
            that are independent or positively dependent, "by" (Benjamini and Yekutieli 2001) of any.

        Returns
        -------
        float or ndarray of shape (k,)
            A standard error of zero gives 1 where the estimate equals `null`; elsewhere 0, or 1 on
            the side that contradicts `alternative`.

        Raises
        ------
        ValueError
            A null that is not a number or of another shape; another `alternative` or `adjust`.
        """
        statistic = t_statistic(self, null)
        above, below = (t_above(sign * statistic, self.degrees_of_freedom) for sign in (1, -1))
        p = p_value_of(self, null, above, below, alternative)
        return self._adjusted(p, alternative, adjust)

    def _level_of_each(
        self, confidence_level: float, alternative: Alternative, simultaneous: bool
    ) -> float:
        """The level of each interval, by itself or so that all hold at once."""
        level = check_confidence_level(confidence_level)
        check_alternative(alternative)
        if not check_truth_value(simultaneous, "simultaneous"):
            return level
        return level_of_each(self._joint_covariance, level, alternative == "two-sided")

    def _adjusted(self, p: Any, alternative: Alternative, adjust: str | None) -> Any:
        """P-values for as many tests."""
        if adjust is None:
            return p
        return like(adjusted(p, adjust, self._joint_covariance, alternative == "two-sided"), p)

    @property
    def _joint_covariance(self) -> NDArray[np.float64]:
        """What the numbers' correlation is known from."""
        return self.covariance


def efficiency_of(answer: Estimate, labels_only: Estimate) -> Any:
    """Variance of the labels-only answer over that of another."""
    labels, own = labels_only.covariance.diagonal(), answer.covariance.diagonal()
    ratio = np.divide(labels, own, out=np.where(labels > 0, np.inf, 1.0), where=own > 0)
    return like(ratio, answer.estimate)


def welch_satterthwaite(
    terms: list[NDArray[np.float64]], degrees: list[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Degrees of freedom of a sum of independent variance estimates, per output."""
    total = sum(terms[1:], terms[0])
    # Relative sizes first: squares of tiny variances would underflow.
    unit = np.maximum(total, _SMALLEST)
    parts = [(term / unit) ** 2 / of_term for term, of_term in zip(terms, degrees, strict=True)]
    # With a total of zero any value serves, and the first term's is the honest one.
    with np.errstate(divide="ignore"):
        return np.where(total > 0, 1 / sum(parts[1:], parts[0]), degrees[0])


def tail_of(confidence_level: float, alternative: Alternative) -> float:
    """Probability that an interval leaves out on each side that it has."""
    check_alternative(alternative)
    sides = 2 if alternative == "two-sided" else 1
    return (1 - check_confidence_level(confidence_level)) / sides


def interval_between(
    estimate: Estimate, lowest: ArrayLike, highest: ArrayLike, alternative: Alternative
) -> ConfidenceInterval:
    """All values whose t statistic is between two quantiles (k,)."""
    center, error = estimate.estimate, estimate.standard_error
    low = center - highest * error if alternative != "less" else center * 0 - np.inf
    high = center - lowest * error if alternative != "greater" else center * 0 + np.inf
    return ConfidenceInterval(like(low, center), like(high, center))


def t_statistic(estimate: Estimate, null: ArrayLike) -> NDArray[np.float64]:
    """Distance from `null` (k,) in standard errors; 0 where there is no distance."""
    distance = np.asarray(estimate.estimate - check_null(null, estimate.estimate))
    error = np.broadcast_to(estimate.standard_error, distance.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(distance == 0, 0.0, distance / error)


def p_value_of(
    estimate: Estimate, null: ArrayLike, above: Any, below: Any, alternative: Alternative
) -> Any:
    """From the p-values (k,) of tests against numbers above and below `null`; 1 where nothing is uncertain and `null` is right."""
    check_alternative(alternative)
    two_sided = np.minimum(2 * np.minimum(above, below), 1.0)
    p = {"greater": above, "less": below, "two-sided": two_sided}[alternative]
    distance = np.asarray(estimate.estimate - check_null(null, estimate.estimate))
    certain = (distance == 0) & (np.asarray(estimate.standard_error) == 0)
    return like(np.where(certain, 1.0, p), distance)


def shaped(estimate: Estimate, template: Any) -> Estimate:
    """An estimate in columns as floats where `template` is a single number."""
    return Estimate(
        like(estimate.estimate, template),
        estimate.covariance,
        like(estimate.degrees_of_freedom, template),
    )


def _same(left: Any, right: Any) -> bool:
    """Equality of results and of what they hold: of dataclasses, containers and arrays field by field."""
    if type(left) is not type(right):
        return False
    if is_dataclass(left):
        names = [field.name for field in fields(left) if field.compare]
        return all(_same(getattr(left, name), getattr(right, name)) for name in names)
    if isinstance(left, Mapping):
        return list(left) == list(right) and all(_same(left[name], right[name]) for name in left)
    if isinstance(left, tuple | list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, np.ndarray):
        return np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
    return bool(left == right or (left != left and right != right))


def like(values: ArrayLike, template: Any) -> Any:
    """A float where `template` is a single number, else an array."""
    single = isinstance(template, float) or np.ndim(template) == 0
    return np.asarray(values, dtype=float).item() if single else np.asarray(values)


def check_null(null: ArrayLike, estimate: Any) -> NDArray[np.float64]:
    """Values under a null hypothesis, which may be infinite: one, or one for each number that is estimated."""
    k = np.size(estimate)
    expected = f"expected a number{f', or {k} of them' * (k > 1)}"
    values = as_settings(null, "null", expected)
    if values.shape not in ((), np.shape(estimate)) or np.isnan(values).any():
        raise ValueError(f"null is {shown(null)}; {expected}.")
    return values


def check_order_of_names(null: Any, names: tuple[str, ...]) -> None:
    """Refuse a pandas Series with the names of the estimated numbers in another order."""
    index = row_index(null)
    order = [] if index is None else [str(name) for name in index]
    if order != list(names) and sorted(order) == sorted(names):
        raise ValueError(
            f"null has the index {order}; expected the order of the estimated numbers, {list(names)}."
        )


def check_alternative(alternative: str) -> None:
    """One of the three of scipy."""
    check_choice(alternative, "alternative", _ALTERNATIVES)
