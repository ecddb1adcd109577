"""Quantiles whose intervals and tests invert each other: t can be the quantile unless F(t) is too low or F(t-) too high.

How low is too low is the sign test's answer (`_sign_test.py`) for the effective number of labels that F is known from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._short_repr import short_repr
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._combined_distribution import CombinedDistribution
from sklearn_ftr.rectification._distribution import RectifiedDistribution
from sklearn_ftr.rectification._fields_only import FieldsOnly
from sklearn_ftr.rectification._inference import (
    Alternative,
    ConfidenceInterval,
    Estimate,
    check_alternative,
    check_null,
    like,
    tail_of,
)
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._intervals import Chosen, check_method
from sklearn_ftr.rectification._movers import Mover
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._sign_test import at_least, at_most, lowest_share

Curve = RectifiedDistribution | CombinedDistribution


@short_repr
@dataclass(frozen=True, eq=False)
class QuantileEstimate(Estimate):
    """Quantiles with intervals of their own: levels of F, carried back.

    `sizes` (2, k): as many labels alone would know F just below each quantile, and at it, as well; endless ones if F is known. `efficiency` (k,) is how often each
    label counts. `movers` have the influence of rows on F just below and at each quantile.
    """

    levels: Array
    curves: tuple[Curve, ...]
    sizes: Array
    efficiency: Array
    shows_variance: NDArray[np.bool_]
    movers: tuple[Mover, ...]

    @property
    def influences(self) -> tuple[Influence, ...]:
        """Of rows on F just below and at each quantile."""
        return tuple(mover.influence for mover in self.movers)

    def confidence_interval(
        self,
        confidence_level: float = 0.95,
        alternative: Alternative = "two-sided",
        *,
        simultaneous: bool = False,
    ) -> ConfidenceInterval:
        """All t that are not too low or too high to be the quantile; an end that labels cannot bound is infinite.

        See `Estimate.confidence_interval`.
        """
        level = self._level_of_each(confidence_level, alternative, simultaneous)
        if np.isinf(self.sizes).all():
            return super().confidence_interval(level, alternative)
        tail = tail_of(level, alternative)
        columns = list(zip(self.curves, self.levels, *self.sizes, strict=True))
        low, high = [-np.inf] * len(columns), [np.inf] * len(columns)
        if alternative != "less":
            low = [_lower_end(curve, q, size, tail) for curve, q, size, _ in columns]
        if alternative != "greater":
            high = [_upper_end(curve, q, size, tail) for curve, q, _, size in columns]
        return ConfidenceInterval(like(low, self.estimate), like(high, self.estimate))

    def p_value(
        self, null: ArrayLike, alternative: Alternative = "two-sided", *, adjust: str | None = None
    ) -> Any:
        """Test of F(null-) <= level <= F(null), the inversion of the interval; see `Estimate.p_value`."""
        check_alternative(alternative)
        if np.isinf(self.sizes).all():
            return super().p_value(null, alternative, adjust=adjust)
        values = np.broadcast_to(check_null(null, self.estimate), self.levels.shape)
        columns = zip(self.curves, values, self.levels, *self.sizes, strict=True)
        sides = np.array([_one_sided(*column) for column in columns]).T
        p = {
            "greater": sides[0],
            "less": sides[1],
            "two-sided": np.minimum(2 * sides.min(axis=0), 1.0),
        }[alternative]
        p = like(p if np.ndim(self.estimate) else p[0], self.estimate)
        return self._adjusted(p, alternative, adjust)

    @property
    def _joint_covariance(self) -> Array:
        """As if quantiles were independent: they are positively dependent, so that intervals are too wide rather than too short."""
        return np.eye(len(self.levels))


def _one_sided(curve: Curve, t: float, level: float, below: float, at: float) -> tuple[float, float]:
    """P-values against a quantile above t, for which F(t) is too low, and below t, for which F(t-) is too high."""
    just_below = curve.highest(float(np.nextafter(t, -np.inf)))
    return at_most(curve.highest(t), level, below), at_least(just_below, level, at)


def _lower_end(curve: Curve, level: float, size: float, tail: float) -> float:
    """The smallest t at which F is not too low."""
    lowest = lowest_share(level, size, tail)
    return curve.quantile(lowest) if lowest > 0 else -np.inf


def _upper_end(curve: Curve, level: float, size: float, tail: float) -> float:
    """The largest t below which F is not too high."""
    highest = 1 - lowest_share(1 - level, size, tail)
    return curve.first_above(highest) if highest < 1 else np.inf


class QuantilesOfLabels(Protocol):
    """Whatever knows the answer of labels alone."""

    @property
    def answer(self) -> QuantileEstimate:
        """Made once."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RectifiedQuantileResult(FieldsOnly, RectifiedResult):
    """A `RectifiedResult` whose intervals and tests go through the distribution function.

    Attributes
    ----------
    quantiles : QuantileEstimate
        The estimate with its distribution functions.
    alone : QuantilesOfLabels
        What `labels_only` is made of when it is asked for.
    """

    quantiles: QuantileEstimate
    alone: QuantilesOfLabels = field(compare=False)
    labels_only: Estimate = field(
        init=False, default=cast(Any, cached_property(attrgetter("alone.answer")))
    )

    @property
    def _sources(self) -> tuple[RectifiedResult, ...]:
        raise ValueError(
            "The joint covariance of quantiles is not estimated, so that they have no contrasts, differences or Wald tests. Compare their "
            "intervals, simultaneous=True for all at once, or adjust their p-values."
        )

    @property
    def pool_covariance(self) -> Array:
        """Of F at the quantiles; see `RectifiedResult.pool_covariance`."""
        return np.diag([influence.pool_covariance[1, 1] for influence in self.quantiles.influences])

    @property
    def _movers(self) -> list[tuple[Influence, Array]]:
        """Of F at each quantile."""
        return [(influence, np.array([[0.0, 1.0]])) for influence in self.quantiles.influences]

    @property
    def efficiency(self) -> Any:
        """Variance of F of all labels over that of the rectified F, at the quantile: how often each label counts."""
        return like(self.quantiles.efficiency, self.estimate)

    @property
    def zero_width(self) -> bool:
        """Whether F shows no variance at some level; an interval of one value can be right where labels have ties."""
        return not self.is_complete and not self.quantiles.shows_variance.all()

    @property
    def _joint_covariance(self) -> Array:
        return self.quantiles._joint_covariance

    def _chosen(self, method: str | None) -> Chosen:
        """The sign test's, whatever is known of labels."""
        asked = self.interval if method is None else check_method(method)
        if asked != "auto":
            raise ValueError(
                f"interval is {asked!r}; quantiles have the interval of the sign test only: expected 'auto'."
            )
        return Chosen("sign test", "inverted sign tests of the distribution function", self.quantiles)

    def _notes(self) -> list[str]:
        ends = {"below": self.confidence_interval()[0], "above": self.confidence_interval()[1]}
        open_ends = " and ".join(side for side, end in ends.items() if np.isinf(end).any())
        if not open_ends:
            return super()._notes()
        return [
            *super()._notes(),
            f"Too few labels to bound every quantile from {open_ends}: that end is infinite.",
        ]

    def _draws(self, n_draws: int, rng: np.random.Generator) -> Array:
        """Draws of F around the estimate, carried back."""
        known = self.quantiles
        columns = []
        for curve, influence, t, level in zip(
            known.curves, known.influences, np.atleast_1d(self.estimate), known.levels, strict=True
        ):
            low, high = (level - influence.draws(n_draws, rng)).T
            # Within an atom F jumps over the level: only a draw that leaves the jump moves the quantile.
            below, at = curve(float(np.nextafter(t, -np.inf))), curve(float(t))
            moved = np.where(low <= below, low, np.where(high > at, high, level))
            columns.append([curve.quantile(one) for one in moved])
        return np.array(columns[0]) if np.ndim(self.estimate) == 0 else np.array(columns).T
