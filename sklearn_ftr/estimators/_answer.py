"""What a fit has found, and how it answers about other rows: as it was asked, whatever becomes of the estimator's parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.estimators._labels import PartialLabels, one_column
from sklearn_ftr.estimators._other_pool import Pools, beside_other_pool
from sklearn_ftr.estimators._out_of_sample import FittedModels
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._moments import columns, moments
from sklearn_ftr.rectification._result import RectifiedResult

Rows = NDArray[np.intp]
# Values (n,) or (n, k) of some rows, labels or predictions, as columns (n, k) that the estimate is a mean of.
Columns = Callable[[Rows, Array], Array]
# A fit whose pool is fewer than one in so many of the rows that it stands for has seen a sample of them.
_OTHER_POOL = 2


@dataclass(frozen=True, eq=False)
class Answer(ABC):
    """The answer of stage 2, and what `predict` and `score` need of the fit; it holds none of its rows.

    Parameters
    ----------
    result : RectifiedResult
    models : FittedModels
        Of stage 1.
    pool_holds_labels : bool, default=False
        Whether labeled rows are on the pool's side, too, because labels were drawn with probabilities or within strata.
    """

    result: RectifiedResult
    models: FittedModels
    pool_holds_labels: bool = field(default=False, kw_only=True)

    @property
    @abstractmethod
    def attributes(self) -> dict[str, Any]:
        """The fitted attributes that are the estimate, by name."""

    @abstractmethod
    def predict(self, X: Any) -> Array:
        """Predictions for other rows."""

    @abstractmethod
    def variances(self, X: Any, labels: PartialLabels) -> tuple[Array, Array]:
        """Variances (k,) that labels alone and the design of the fit would have, as labels of other rows tell."""

    def read_labels(self, labels: PartialLabels) -> PartialLabels:
        """Labels of other rows, checked against those of the fit."""
        return one_column(labels)

    def numbers_of_a_width(self) -> slice | list[int]:
        """Positions of the numbers whose interval a single width is about; refused for numbers in different units."""
        return slice(None)

    def efficiency(self, X: Any, labels: PartialLabels) -> float:
        """Variance of the labels-only answer over that of this one, both as labels of other rows tell."""
        if len(labels.labeled) < 2:
            raise ValueError(
                f"score got {len(labels.labeled)} labeled row of {len(labels.y)}; expected at least 2, "
                "because one has no variance. LabeledKFold puts labels into every fold."
            )
        labels_only, variance = self._beside_pool_of(labels).variances(X, labels)
        # No variance left at all: as good as labels alone if those have none either.
        no_variance = np.where(labels_only > 0, np.inf, 1.0)
        return float(np.mean(np.divide(labels_only, variance, out=no_variance, where=variance > 0)))

    def _beside_pool_of(self, labels: PartialLabels) -> Answer:
        """The same with a pool as large, beside its labels, as that of other rows, where its own is a small part of that only."""
        result, n = self.result, len(labels.y) - len(labels.unlabeled)
        counted = result.n_labeled * len(labels.unlabeled) / n
        if counted <= _OTHER_POOL * result.n_unlabeled or not result.n_unlabeled:
            return self
        of_labels = result.n_rectify if self.pool_holds_labels and not result.is_finite else 0
        pools = Pools(result.n_unlabeled, counted, of_labels)
        return replace(self, result=beside_other_pool(result, pools))

    def _rectified_predictions(self, X: Any) -> Array:
        """Lambda f(X) plus the rectifier, in the shape of the user's y."""
        result = self.result
        predictions = self._weighed(self.models.average_prediction(X)) + result.rectifier
        return predictions[:, 0] if np.ndim(result.estimate) == 0 else predictions

    def _weighed(self, predictions: Array) -> Array:
        """Lambda f (n, k) from predictions (n, k), or (n, j) by j judges of one output."""
        k = np.size(self.result.estimate)
        lambdas = np.reshape(self.result.lambda_, (k, -1))
        if lambdas.shape[1] == 1:
            return predictions * lambdas[:, 0]
        return predictions @ lambdas.T

    def _variances_of(
        self,
        X: Any,
        labels: PartialLabels,
        of_labels: Columns,
        of_predictions: Columns,
        pool_variance: Array,
    ) -> tuple[Array, Array]:
        """From what labels contribute to the estimate, and lambda times what predictions do."""
        rows = labels.labeled
        target = of_labels(rows, labels.of_labeled_rows)
        weights = None if labels.design is None else labels.design.weights[rows]
        residual_variances = [
            variance(target - of_predictions(rows, f), weights) for f in self.models.predict(X, rows)
        ]
        residual_variance = self.models.shares @ residual_variances
        return variances_of_design(
            self.result, pool_variance, variance(target, weights), residual_variance
        )


def variances_of_design(
    result: RectifiedResult, pool_variance: Array, labels_variance: Array, residual_variance: Array
) -> tuple[Array, Array]:
    """Variances (k,) of labels alone and of a result's design, from V(y) and residual variances measured elsewhere."""
    variance = residual_variance / result.n_rectify + pool_variance
    if np.any(result.recycled_weight):
        own = labels_variance / result.n_finetune
        total = variance + own
        variance = np.divide(variance * own, total, out=np.zeros_like(total), where=total > 0)
    return labels_variance / result.n_labeled, variance


def variance(rows: Array, weights: Array | None = None) -> Array:
    """V (k,) of rows (n, k), of which each stands for so many members of the population."""
    if weights is None:
        return moments(rows).variance
    share, n = weights / weights.sum(), int(np.count_nonzero(weights))
    return np.asarray(share @ (rows - share @ rows) ** 2 * n / (n - 1))


def raw(rows: Rows, values: Array) -> Array:
    """Columns of an estimate that is the mean of the values themselves."""
    return columns(values)
