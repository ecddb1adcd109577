"""The mean of the labels of a sample's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_ftr.estimators._answer import Answer, Columns, raw
from sklearn_ftr.estimators._bound_estimand import BoundEstimand
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._out_of_sample import OutOfSample
from sklearn_ftr.estimators._sampling import sample_of_stages
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._mean import mean_of


@dataclass(frozen=True, eq=False)
class BoundMean(BoundEstimand):
    """Means of all outputs."""

    @property
    def columns(self) -> Columns:
        """The values themselves."""
        return raw

    def rectify(self, stage_one: OutOfSample) -> MeanAnswer:
        """The rectified mean and, if labels that have trained are recycled, their own mean."""
        settings = self.settings
        sample = sample_of_stages(self.labels, stage_one, settings.recycle, settings.finite_population)
        result = mean_of(sample, settings.lambda_, settings.confidence_level, self.labels.names)
        return MeanAnswer(result, stage_one.fitted_models)


@dataclass(frozen=True, eq=False)
class MeanAnswer(Answer):
    """The mean, or those of several outputs."""

    @property
    def attributes(self) -> dict[str, Any]:
        """The mean."""
        return {"mean_": self.result.estimate}

    def read_labels(self, labels: PartialLabels) -> PartialLabels:
        """Of as many outputs as there are."""
        return labels

    def predict(self, X: Any) -> Array:
        """Predictions that average to the mean over the pool."""
        return self._rectified_predictions(X)

    def variances(self, X: Any, labels: PartialLabels) -> tuple[Array, Array]:
        """From V(y) and V(y - lambda f)."""

        def weighted(rows: Any, values: Array) -> Array:
            return self._weighed(raw(rows, values))

        pool_variance = np.diag(self.result.pool_covariance)
        return self._variances_of(X, labels, raw, weighted, pool_variance)
