"""Coefficients of a regression of the labels of a sample's rows on covariates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from sklearn_ftr.estimators._answer import Answer, Columns
from sklearn_ftr.estimators._bound_estimand import BoundEstimand, Rows, Weigh
from sklearn_ftr.estimators._covariates import read_covariates
from sklearn_ftr.estimators._label_scale import LabelScale
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._out_of_sample import OutOfSample
from sklearn_ftr.estimators._sampling import check_no_known_part, sample_of_stages
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._estimand import Linearized
from sklearn_ftr.rectification._generalized_linear import GeneralizedLinear
from sklearn_ftr.rectification._linearize import rectify_estimand
from sklearn_ftr.rectification._regression_data import check_enough_rows


@dataclass(frozen=True, eq=False)
class Regression:
    """A regression without its rows.

    Parameters
    ----------
    reader : column names or positions, slice, mask, callable or transformer
        Reads the covariates of any X.
    estimand : GeneralizedLinear
        The family, the names of its coefficients and the coordinates in which it is solved.
    scale : LabelScale
    chosen : list of int
        Positions of the coefficients of interest.
    """

    reader: Any
    estimand: GeneralizedLinear
    scale: LabelScale
    chosen: list[int]

    @property
    def intercept(self) -> bool:
        """Whether the first coefficient is an intercept."""
        return self.estimand.coordinates.intercept

    @property
    def k(self) -> int:
        """Number of coefficients."""
        return self.estimand.n_parameters

    def design_of(self, X: Any) -> Design:
        """Covariates of another X, as they come."""
        rows, _ = read_covariates(self.reader, X)
        known = self.k - self.intercept
        if rows.shape[1] != known:
            raise ValueError(f"X has {rows.shape[1]} covariates; expected the {known} of fit.")
        return Design(rows, self.intercept)

    def seen(self, X: Any) -> Design:
        """Covariates of another X, in the coordinates of the regression."""
        return self.estimand.seen(self.design_of(X).rows)

    def bread_of_coefficients(self, inverse: Array) -> Array:
        """H^-1, so that it turns scores into influence values of the coefficients that are reported."""
        return self.estimand.reported(inverse.T).T

    def influence(self, X: Array, values: Array, at: Linearized) -> Array:
        """Of labels or predictions (n,) on the coefficients of interest."""
        scores = self.estimand.scores(X, self.scale.clipped(values)[:, 0], at.solution)
        return (scores @ at.bread.T)[:, self.chosen]


@dataclass(frozen=True, eq=False)
class BoundRegression(BoundEstimand):
    """Coefficients of a generalized linear regression.

    Parameters
    ----------
    regression : Regression
    design : Design
        Of all rows, in the coordinates of the regression.
    weighs_influence : bool
        Whether rows count in training by their influence on the coefficients of interest.
    """

    regression: Regression
    design: Design
    weighs_influence: bool

    @property
    def smallest_part(self) -> int:
        """Enough rows for coefficients of their own."""
        return 10 * self.regression.k

    @property
    def influence_weights(self) -> Weigh | None:
        """(c' H^-1 x)^2, summed over the coefficients of interest in units of their own variance."""
        return self._weights if self.weighs_influence else None

    @property
    def columns(self) -> Columns:
        """Influence values at the labels' own estimate, of coefficients made to count alike.

        From predictions whatever is linear in the covariates is taken away, since it costs the rectified estimate nothing.
        """
        self._check_enough_for_a_curve()
        estimand, scale, chosen = (
            self.regression.estimand,
            self.regression.scale,
            self.regression.chosen,
        )
        rows, k = self.labels.labeled, self.regression.k
        y = scale.coded(self.labels.of_labeled_rows)
        theta, inverse = estimand.solve(self.design.only(rows).weighted(self.weights(rows)), y, None)
        bread = self.regression.bread_of_coefficients(inverse)
        scores = estimand.scores(self.design.only(rows)[:], y, theta)
        units = _alike((scores @ bread.T).std(axis=0)[chosen])

        def columns(rows: Rows, values: Array) -> Array:
            X, pieces = self.design.only(rows)[:], self._n_pieces(rows)
            target = scale.clipped(values)[:, 0]
            residuals = estimand.residuals(X, target, theta, self.weights(rows))
            inflation = np.sqrt(pieces / (pieces - k))
            return (X * residuals[:, None] @ bread.T)[:, chosen] * units * inflation

        return columns

    @property
    def columns_fit_rows(self) -> bool:
        """Yes: coefficients."""
        return True

    @property
    def n_parameters(self) -> int:
        """All coefficients."""
        return self.regression.k

    @property
    def is_sum_of_parts(self) -> bool:
        """No: covariates are others in the rest."""
        return False

    def rectify(self, stage_one: OutOfSample) -> RegressionAnswer:
        """Coefficients of labels, rectified by those of predictions."""
        self.regression.scale.check_predictions(stage_one)
        clipped = stage_one.mapped(self.regression.scale.clipped)
        check_no_known_part(self.settings.finite_population, stage_one)
        self._check_enough_rows(clipped)
        labels, settings = replace(self.labels, y=self._coded), self.settings
        sample = sample_of_stages(
            labels,
            clipped,
            settings.recycle,
            settings.finite_population,
            self.design.only,
            covariates_of=self.regression.seen,
        )
        rectified = rectify_estimand(
            self.regression.estimand, sample, settings.lambda_, settings.confidence_level
        )
        at = rectified.of_labels, rectified.of_predictions
        return RegressionAnswer(rectified.result, stage_one.fitted_models, self.regression, *at)

    @property
    def _coded(self) -> Array:
        """Labels of all rows in units of the family."""
        return self.regression.scale.coded(self.labels.y)

    def _weights(self, rows: Rows) -> Array:
        estimand, chosen = self.regression.estimand, self.regression.chosen
        X = self.design.only(rows)
        try:
            theta, _ = estimand.solve(X, self._coded[rows], None)
        except ValueError:  # too few rows for coefficients: all means alike
            theta = np.zeros(self.regression.k)
        bread = self.regression.bread_of_coefficients(estimand.bread(self.design, theta))
        influence = (X[:] @ bread.T)[:, chosen]
        variances = np.diag(estimand.reported(bread))[chosen]
        weights = (influence**2 / variances).sum(axis=1)
        total = weights.sum()
        return weights * len(weights) / total if total > 0 else np.ones(len(weights))

    def _check_enough_rows(self, stage_one: OutOfSample) -> None:
        k = self.regression.k
        # Rows that come in blocks may not have been counted.
        m = k + 1 if stage_one.more else stage_one.n_pool
        check_enough_rows(len(stage_one.rectify_rows) if m else len(self.labels.labeled), m, k)

    def _n_pieces(self, rows: Rows) -> int:
        """How many independent pieces some labeled rows are."""
        return len(rows) if self.drawn is None else len(self.drawn.pieces_in(rows))

    def _check_enough_for_a_curve(self) -> None:
        n, k = len(self.labels.labeled), self.regression.k
        pieces = self._n_pieces(self.labels.labeled)
        if pieces < 4 * k:
            inside = f" in {pieces} groups" if pieces < n else ""
            raise ValueError(
                f"y has {n} labeled rows{inside} (n_samples={n}) for {k} coefficients; a learning curve needs at least {4 * k}. Use "
                "fewer covariates, or a rectified estimator by itself."
            )


@dataclass(frozen=True, eq=False)
class RegressionAnswer(Answer):
    """All coefficients; `at_labels` and `at_predictions` are where labels and each judge's predictions have their influence values."""

    regression: Regression
    at_labels: Linearized
    at_predictions: list[Linearized]

    @property
    def attributes(self) -> dict[str, Any]:
        """Coefficients, their names, and classes if there are any."""
        estimate, first = self.result.estimate, int(self.regression.intercept)
        return {
            "coefficients_": estimate,
            "coef_": estimate[first:],
            "intercept_": float(estimate[0]) if first else 0.0,
            "coefficient_names_": np.array(self.result.names, dtype=object),
            **self.regression.scale.attributes,
        }

    def read_labels(self, labels: PartialLabels) -> PartialLabels:
        """Of one output, and of the same classes."""
        return self.regression.scale.read(labels)

    def numbers_of_a_width(self) -> list[int]:
        """One: coefficients have units of their own."""
        chosen = self.regression.chosen
        if len(chosen) > 1:
            raise ValueError(
                f"There are {len(chosen)} coefficients ({', '.join(self.result.names)}), in units of their own; set "
                "coefficient= to the one whose interval is meant."
            )
        return chosen

    def predict(self, X: Any) -> Array:
        """Fitted means."""
        design = self.regression.design_of(X)
        return self.regression.estimand.family.mean(design[:] @ self.result.estimate)

    def variances(self, X: Any, labels: PartialLabels) -> tuple[Array, Array]:
        """From influence values on the coefficients of interest."""
        regression, chosen = self.regression, self.regression.chosen
        design = regression.seen(X)
        weights = np.reshape(self.result.lambda_, (regression.k, -1))[chosen]

        def of_labels(rows: Rows, values: Array) -> Array:
            return regression.influence(design.only(rows)[:], values, self.at_labels)

        def of_predictions(rows: Rows, values: Array) -> Array:
            X = design.only(rows)[:]
            judges = zip(values.reshape(len(X), -1).T, self.at_predictions, weights.T, strict=True)
            of_judges = (one * regression.influence(X, f, at) for f, at, one in judges)
            return reduce(np.add, of_judges)  # in the order in memory that one judge has

        pool_variance = np.diag(self.result.pool_covariance)[chosen]
        return self._variances_of(X, labels, of_labels, of_predictions, pool_variance)


def _alike(spread: Array) -> Array:
    """Factors with which numbers of different spread (k,) count alike, in units of all together."""
    return np.sqrt(np.mean(spread**2)) / np.where(spread > 0, spread, 1.0)
