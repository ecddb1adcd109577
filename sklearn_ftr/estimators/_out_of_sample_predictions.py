"""What models of a fit predict for labels that they have not seen, kept for pictures and checks: of labeled rows only, never of the pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._tables import import_pandas
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._out_of_sample import OutOfSample
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._numbered import numbered


@dataclass(frozen=True, eq=False)
class OutOfSamplePredictions(Versioned):
    """The labels of a fit, each beside the prediction of a model that has not seen it: `out_of_sample_` of rectified estimators.

    Attributes
    ----------
    rows : ndarray of int, shape (n,)
        Positions of the labeled rows in the X and y of `fit`, in increasing order; of a collection of dask, among its labeled rows.
    y : ndarray of shape (n,) or (n, k)
        Their labels.
    prediction : ndarray of shape (n,) or (n, k)
        Under cross-fitting of the model that was trained without the row's fold, else of the one model; in units of y, of the trained predictor without
        any `judges`. NaN for rows that have trained every model (`finetune_rows_` of a split).
    sample_weight : ndarray of shape (n,) or None
        How many members of the population each label stands for, up to a factor: the weight of the row over the probability of its label.
        None where labels are all alike.
    groups : ndarray of shape (n,) or None
        Numbers of the clusters, if there are any.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import RectifiedMeanEstimator
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2))
    >>> y = np.where(np.arange(300) < 60, X[:, 0] + rng.normal(size=300), np.nan)
    >>> known = RectifiedMeanEstimator(cv=5, random_state=0).fit(X, y).out_of_sample_
    >>> known.prediction.shape
    (60,)
    >>> float(np.var(known.residual, ddof=1) / np.var(known.y, ddof=1)) < 0.7
    True
    """

    rows: NDArray[np.intp]
    y: Array
    prediction: Array
    sample_weight: Array | None = None
    groups: NDArray[Any] | None = None

    @classmethod
    def of(cls, labels: PartialLabels, stage_one: OutOfSample) -> OutOfSamplePredictions:
        """From what stage 1 has predicted for the labels of a fit."""
        rows, design = labels.labeled, labels.design
        f = np.full((len(rows), labels.n_outputs), np.nan)
        f[np.searchsorted(rows, stage_one.rectify_rows)] = stage_one.predictions
        y = labels.of_labeled_rows
        clusters = None if design is None or design.clusters is None else design.clusters[rows]
        return cls(rows, y, f.reshape(y.shape), _weights(labels), clusters)

    @property
    def residual(self) -> Array:
        """Labels less predictions, (n,) or (n, k); NaN where there is no prediction."""
        return self.y - self.prediction

    def to_frame(self) -> Any:
        """A pandas DataFrame (extra `frames`) with the rows' positions as index and columns "y", "prediction" and "residual", of k outputs "y 0" and so on."""
        pandas = import_pandas("to_frame()")
        columns = {"y": self.y, "prediction": self.prediction, "residual": self.residual}
        if self.y.ndim == 2:
            columns = {
                f"{name} {output}": values[:, output]
                for name, values in columns.items()
                for output in range(self.y.shape[1])
            }
        return pandas.DataFrame(columns, index=pandas.Index(self.rows, name="row"))


def _weights(labels: PartialLabels) -> Array | None:
    """Of labeled rows, by what is told of how they were drawn."""
    design, rows = labels.design, labels.labeled
    if design is None:
        return None
    weights, chance = design.weights, design.labeling_probability
    if chance is not None:
        chance = chance[rows]
    elif design.strata is not None:
        chance = _share_with_label(labels, weights)
    if weights is None and chance is None:
        return None
    of_rows = np.ones(len(rows)) if weights is None else weights[rows]
    return np.asarray(of_rows if chance is None else of_rows / chance)


def _share_with_label(labels: PartialLabels, weights: Array | None) -> Array:
    """Of the rows of each labeled row's stratum, of those that count."""
    assert labels.design is not None
    strata = numbered([labels.design.strata], "strata")[0][0]
    counted = np.ones(len(strata)) if weights is None else np.asarray(weights > 0, dtype=np.float64)
    rows = labels.labeled
    of_labels = np.bincount(strata[rows], counted[rows], int(strata.max()) + 1)
    shares = of_labels / np.maximum(np.bincount(strata, counted), 1.0)
    return np.where(counted[rows] > 0, shares[strata[rows]], 1.0)
