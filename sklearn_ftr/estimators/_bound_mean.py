"""The mean of the labels of a sample's rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sklearn_ftr.estimators._answer import Answer, Columns, raw
from sklearn_ftr.estimators._bound_estimand import BoundEstimand
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._out_of_sample import OutOfSample
from sklearn_ftr.estimators._sampling import Draws, draws_of_stages, folds_of_pool, trained_labels
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._mean import mean_of_two_stages
from sklearn_ftr.rectification._mean_of_draw import Trained, mean_of_draw
from sklearn_ftr.rectification._result import RectifiedResult


@dataclass(frozen=True, eq=False)
class BoundMean(BoundEstimand):
    """Means of all outputs.

    Parameters
    ----------
    finite_population : bool
        Whether the mean of exactly these rows is meant.
    """

    finite_population: bool

    @property
    def columns(self) -> Columns:
        """The values themselves."""
        return raw

    def rectify(self, stage_one: OutOfSample) -> MeanAnswer:
        """The rectified mean and, if labels that have trained are recycled, their own mean."""
        draws = draws_of_stages(
            self.labels, stage_one.finetune_rows, stage_one.rectify_rows, self.finite_population
        )
        result = self._of_rows_alike(stage_one) if draws is None else self._of_draws(stage_one, draws)
        return MeanAnswer(result, stage_one.fitted_models)

    def _of_rows_alike(self, stage_one: OutOfSample) -> RectifiedResult:
        return mean_of_two_stages(
            self.labels.y[stage_one.rectify_rows],
            *stage_one.aligned(),
            self.settings.lambda_,
            self.settings.confidence_level,
            stage_one.provenance(self.labels.y, self.settings.recycle),
            self.labels.names,
        )

    def _of_draws(self, stage_one: OutOfSample, draws: Draws) -> RectifiedResult:
        """The same under a sampling design."""
        labels, draw = self.labels, draws.of_rectify
        f, pool = stage_one.aligned_by(
            draw.weights, draw.pool_weights, folds_of_pool(labels, stage_one.folds)
        )
        result = mean_of_draw(
            draw,
            labels.y[stage_one.rectify_rows],
            f,
            pool[draws.in_pool],
            self.settings.lambda_,
            self.settings.confidence_level,
            labels.names,
            self._trained(stage_one, draws),
        )
        return replace(result, n_unlabeled=len(labels.unlabeled))

    def _trained(self, stage_one: OutOfSample, draws: Draws) -> Trained:
        """What stage 2 must know of labels that have trained."""
        rows = stage_one.finetune_rows, stage_one.rectify_rows
        recycle, finite = self.settings.recycle, self.finite_population
        return replace(
            trained_labels(self.labels, *rows, draws, recycle, finite),
            n_folds=len(stage_one.fold_sizes),
            n_finetune=stage_one.n_finetune,
        )


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
            return self.result.lambda_ * raw(rows, values)

        pool_variance = np.diag(self.result.pool_covariance)
        return self._variances_of(X, labels, raw, weighted, pool_variance)
