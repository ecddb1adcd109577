"""F at a quantile and just below it, as rectified means of indicators: its errors there, and the lambda with which they are smallest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._deviations import Deviations
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._movers import Moved, MovedLater, Mover
from sklearn_ftr.rectification._rectify import Rectification, rectify, with_known_rows
from sklearn_ftr.rectification._recycling import recycle_labels
from sklearn_ftr.rectification._sampling import SimpleRandom
from sklearn_ftr.rectification._two_stage_shares import TwoStageShares, indicators


@dataclass(frozen=True)
class Sides:
    """F just below a point and at it: its errors there, and the weights with which they are smallest.

    Below and at an atom F can be far apart, and so can its errors; elsewhere both are alike. Arrays are (2,), below first; `lambda_` is
    a number, or (j,) of several judges.
    """

    standard_errors: Array
    degrees_of_freedom: Array
    lambda_: Any
    recycled: float
    influence: Influence


@dataclass(frozen=True, eq=False)
class Indicators:
    """Of labels (r, 2) being below t and at most t, and their deviations beside those of predictions."""

    shares: TwoStageShares
    of_y: Array
    of_counted: Array
    here: Deviations

    @classmethod
    def of(cls, shares: TwoStageShares, t: float) -> Indicators:
        """At t."""
        sides, sample = np.array([np.nextafter(t, -np.inf), t]), shares.sample
        of_y, of_f = (indicators(rows, sides) for rows in (sample.y[:, None], sample.f))
        of_counted = of_y
        if len(shares.recycled):
            of_counted = np.concatenate([of_y, indicators(shares.recycled[:, None], sides)])
        exact = np.zeros(2), np.zeros(of_f.shape[1])
        here = sample.drawn.deviations(of_y, of_f, shares.below(sides), exact)
        return cls(shares, of_y, of_counted, here)

    @cached_property
    def every(self) -> Deviations:
        """Of all labels that count."""
        if not len(self.shares.recycled):
            return self.here
        return self.shares.sampling.deviations_of_labels(self.of_counted)

    @cached_property
    def of_rows(self) -> Array:
        """V (2,) of all labels that count."""
        if isinstance(self.shares.sampling, SimpleRandom):
            return np.einsum("gk,gk->k", self.every.y, self.every.y) / self.every.spare
        return self.shares.sampling.variance_of_rows(self.of_counted)

    @property
    def design_effect(self) -> Array | None:
        """Of labels that rectify."""
        return self.shares.sample.drawn.design_effect(self.of_y, self.here)

    def mover(self, lambda_: Any) -> Mover:
        """How rows move F with these weights."""
        sample = self.shares.sample
        if sample.trained is not None:
            return Moved(self.rectified(lambda_).influence)
        return MovedLater(self.here, lambda_, sample.cross_fitting_degrees(self.here, 1))

    def rectified(self, lambda_: Any) -> Sides:
        """F(t-) and F(t) as rectified means, with the lambda and the weight of trained labels that are best for both."""
        rectified = self._rectified(lambda_)
        weight = np.atleast_2d(rectified.lambda_)[-1]  # of several judges the one at t
        rectified, recycled = self._with_labels_that_trained(rectified)
        return Sides(
            standard_errors=np.sqrt(rectified.estimate.covariance.diagonal()),
            degrees_of_freedom=rectified.estimate.degrees_of_freedom,
            lambda_=float(rectified.lambda_[0]) if rectified.lambda_.ndim == 1 else weight,
            recycled=recycled,
            influence=rectified.influence,
        )

    def _rectified(self, lambda_: Any) -> Rectification:
        """With one lambda for both sides."""
        degrees = self.shares.sample.cross_fitting_degrees(self.here, 1)
        one_judge = self.here.f.shape[1] == 2
        if lambda_ is not None or one_judge:
            return rectify(self.here, "overall" if lambda_ is None else lambda_, degrees)
        # Each side has weights of its own; those at t are taken for both, and neither error may be smaller than with these.
        tuned = rectify(self.here, None, degrees)
        of_both = rectify(self.here, np.broadcast_to(tuned.lambda_[1], tuned.lambda_.shape), degrees)
        ratio = of_both.estimate.covariance.diagonal(), tuned.estimate.covariance.diagonal()
        larger = np.sqrt(np.maximum(np.divide(*ratio, out=np.ones(2), where=ratio[1] > 0), 1.0))
        estimate = replace(
            tuned.estimate, covariance=tuned.estimate.covariance * np.outer(larger, larger)
        )
        return replace(tuned, estimate=estimate)

    def _with_labels_that_trained(self, rectified: Rectification) -> tuple[Rectification, float]:
        """The same with labels that have trained, and their weight."""
        shares, r = self.shares, len(self.of_y)
        trained = shares.sample.trained
        n_own = shares.sampling.n_pieces_among(slice(r, None)) if len(shares.recycled) else 0
        if trained is None or not (len(shares.sample.pool) and n_own):
            return rectified, 0.0
        own_mean = np.average(self.of_counted[r:], axis=0, weights=shares.weights_of_recycled)
        if trained.share:
            return with_known_rows(rectified, own_mean, trained.share), trained.share
        estimate, recycled = recycle_labels(
            rectified.estimate, self.every, self.here, own_mean, n_own, one_weight=True
        )
        influence = replace(rectified.influence, recycled=recycled)
        return replace(rectified, estimate=estimate, influence=influence), float(recycled.weight[0])
