"""Quantiles of the labels of a sample's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_ftr.estimators._answer import Answer, Columns
from sklearn_ftr.estimators._bound_estimand import BoundEstimand
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._out_of_sample import OutOfSample
from sklearn_ftr.estimators._sampling import sample_of_stages
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._moments import as_table
from sklearn_ftr.rectification._pool import ArrayPool
from sklearn_ftr.rectification._power_tuning import weighed
from sklearn_ftr.rectification._quantile import quantiles_of
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._sample import Sample
from sklearn_ftr.rectification._sampling import SimpleRandom
from sklearn_ftr.rectification._two_stage_shares import indicators


@dataclass(frozen=True, eq=False)
class BoundQuantiles(BoundEstimand):
    """Quantiles at some levels.

    Parameters
    ----------
    q : float or array-like of shape (k,)
        Levels as the user gave them, whose shape is that of the answer.
    levels : ndarray of shape (k,)
    """

    q: Any
    levels: Array

    @property
    def whole_pools(self) -> bool:
        """Never: an average of models has another distribution than each, so that each row is predicted by one."""
        return False

    @property
    def each_row_by_one_model(self) -> bool:
        """Yes, likewise."""
        return True

    @property
    def smallest_part(self) -> int:
        """No part is too small."""
        return 0

    @property
    def columns(self) -> Columns:
        """Indicators of being below the labels' quantiles, in units of y: over the density there."""
        of_labels = self._of_labels_alone()
        below = _below(of_labels.estimate)
        levels, n = self.levels, len(self.labels.labeled)
        errors = np.sqrt(levels * (1 - levels) / n)
        if self.drawn is not None:
            rows = self.labels.labeled
            shares = self.drawn.alone.deviations_of_labels(below(rows, self.labels.y[rows]))
            errors = shares.labels_only().standard_error
        units = np.divide(of_labels.standard_error, errors, out=np.zeros_like(levels), where=errors > 0)
        units = np.where(units > 0, units, 1.0)  # where ties leave no error in units of y
        return lambda rows, values: units * below(rows, values)

    def rectify(self, stage_one: OutOfSample) -> QuantileAnswer:
        """Quantiles of the rectified distribution."""
        settings = self.settings
        sample = sample_of_stages(self.labels, stage_one, settings.recycle, settings.finite_population)
        weights = [settings.lambda_] * len(self.levels)
        result = quantiles_of(sample, self.q, self.levels, weights, settings.confidence_level)
        return QuantileAnswer(result, stage_one.fitted_models)

    def _of_labels_alone(self) -> RectifiedResult:
        y, levels = self.labels.of_labeled_rows, self.levels
        drawn = SimpleRandom(len(y)) if self.drawn is None else self.drawn.alone
        sample = Sample(y, y[:, None], ArrayPool([y[:0]]), drawn)
        return quantiles_of(sample, levels, levels, [0.0] * len(levels), self.settings.confidence_level)


@dataclass(frozen=True, eq=False)
class QuantileAnswer(Answer):
    """The quantile, or several."""

    @property
    def attributes(self) -> dict[str, Any]:
        """The quantile."""
        return {"quantile_": self.result.estimate}

    def predict(self, X: Any) -> Array:
        """Predictions moved by what makes the estimate of their quantile over the pool."""
        return self._rectified_predictions(X)

    def variances(self, X: Any, labels: PartialLabels) -> tuple[Array, Array]:
        """From indicators of being below the estimate."""
        thresholds = np.atleast_1d(self.result.estimate)
        below, lambdas = _below(thresholds), np.reshape(self.result.lambda_, (len(thresholds), -1))

        def weighted(rows: Any, values: Array) -> Array:
            return weighed(indicators(as_table(values), thresholds), lambdas)

        pool_variance = np.diag(self.result.pool_covariance)
        return self._variances_of(X, labels, below, weighted, pool_variance)


def _below(thresholds: Array) -> Columns:
    return lambda rows, values: (values.reshape(len(values), 1) <= thresholds).astype(float)
