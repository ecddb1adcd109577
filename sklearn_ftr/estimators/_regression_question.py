"""A regression as a question to stage 2: the estimand, how covariates and labels are read, and which coefficients are meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.estimators._covariates import read_covariates
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._estimand import Linearized
from sklearn_ftr.rectification._generalized_linear import GeneralizedLinear

Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Regression:
    """What is the same for any rows.

    Parameters
    ----------
    estimand : GeneralizedLinear
    reader : object
        What reads covariates from X.
    chosen : list of int
        Coefficients of interest, among all k.
    limits : tuple of float
        Where predictions are clipped to.
    classes : ndarray of shape (2,) or None
        Labels that mean 0 and 1.
    """

    estimand: GeneralizedLinear
    reader: Any
    chosen: list[int]
    limits: tuple[float, float]
    classes: Array | None

    def design(self, X: Any) -> Design:
        """Covariates of any rows."""
        return self.estimand.seen(read_covariates(self.reader, X)[0])

    def coded(self, values: Array) -> Array:
        """Labels or predictions in the units of the regression."""
        if self.classes is None:
            return values
        low, high = self.classes
        return (values - low) / (high - low)

    def clipped(self, values: Array) -> Array:
        """Labels or predictions (n, 1) in these units, inside the range that the regression can have."""
        return np.clip(self.coded(values).reshape(len(values), 1), *self.limits)

    def influence(self, X: Array, values: Array, at: Linearized) -> Array:
        """Of labels or predictions of some rows, on the coefficients of interest."""
        scores = self.estimand.scores(X, self.clipped(values)[:, 0], at.solution)
        return (scores @ at.bread.T)[:, self.chosen]


@dataclass(frozen=True, eq=False)
class RegressionQuestion:
    """A regression with the covariates of all rows, and their labels (NaN where there are none) in its units."""

    regression: Regression
    covariates: Design
    y: Array

    def __getitem__(self, rows: Rows) -> Design:
        return self.covariates.only(rows)

    @property
    def estimand(self) -> GeneralizedLinear:
        """Of the regression."""
        return self.regression.estimand

    def weights(self, rows: Rows) -> Array:
        """(c' H^-1 x)^2, summed over the coefficients of interest in units of their own variance; their mean is 1."""
        estimand, chosen = self.estimand, self.regression.chosen
        try:
            theta, _ = estimand.solve(self[rows], self.y[rows], None)
        except ValueError:  # too few rows for coefficients: all means alike
            theta = np.zeros(len(estimand.names))
        inverse = estimand.bread(self.covariates, theta)
        bread = estimand.reported(inverse.T).T
        influence = (self[rows][:] @ bread.T)[:, chosen]
        variances = np.diag(estimand.reported(bread))[chosen]
        weights = (influence**2 / variances).sum(axis=1)
        total = weights.sum()
        return weights * len(weights) / total if total > 0 else np.ones(len(weights))

    def columns(self, labeled: Rows) -> Any:
        """A function of rows and values: influence on coefficients made to count alike, at the labels' own estimate.

        From predictions whatever is linear in the covariates is taken away, since it costs the rectified estimate nothing.
        """
        estimand, chosen, k = self.estimand, self.regression.chosen, len(self.estimand.names)
        theta, inverse = estimand.solve(self[labeled], self.y[labeled], None)
        bread = estimand.reported(inverse.T).T
        scores = estimand.scores(self[labeled][:], self.y[labeled], theta)
        spread = (scores @ bread.T).std(axis=0)[chosen]
        units = np.sqrt(np.mean(spread**2)) / np.where(spread > 0, spread, 1.0)

        def columns(rows: Rows, values: Array) -> Array:
            X = self[rows][:]
            residuals = estimand.residuals(X, self.regression.clipped(values)[:, 0], theta)
            inflation = np.sqrt(len(X) / (len(X) - k))
            return (X * residuals[:, None] @ bread.T)[:, chosen] * units * inflation

        return columns
