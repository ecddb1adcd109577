"""Fine-tuning then rectification of regression coefficients, as scikit-learn estimators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import ClassifierTags, indexable
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_ftr._sklearn_private import BOOLEAN, StrOptions
from sklearn_ftr.estimators._covariates import fit_part, has_one_dimension, read_covariates
from sklearn_ftr.estimators._designed_estimator import DesignedEstimator
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._rectified_estimator import Columns, Rows
from sklearn_ftr.estimators._sampling import sample_of_stages
from sklearn_ftr.estimators._two_stages import OutOfSample
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._coordinates import Coordinates
from sklearn_ftr.rectification._design import Design, check_enough_rows
from sklearn_ftr.rectification._estimand import Linearized
from sklearn_ftr.rectification._families import FAMILIES
from sklearn_ftr.rectification._generalized_linear import GeneralizedLinear
from sklearn_ftr.rectification._linearize import rectify_estimand
from sklearn_ftr.rectification._result import RectifiedResult


@dataclass(frozen=True)
class _Regression:
    """The estimand, and the design of all rows."""

    estimand: GeneralizedLinear
    design: Design

    def __getitem__(self, rows: Rows) -> Design:
        return self.design.only(rows)


@dataclass(frozen=True)
class _Asked:
    """What a fit asks of its rows, and `predict` and `score` ask of others, whatever becomes of the parameters.

    `reader` reads covariates, `chosen` are the positions of the coefficients of interest, and `limits` those of predictions.
    """

    reader: Any
    chosen: list[int]
    limits: tuple[float, float]
    coordinates: Coordinates


class RectifiedRegression(DesignedEstimator):
    """Base of the regressions; `family` is a key of FAMILIES."""

    family: ClassVar[str]
    _answers: ClassVar[tuple[str, ...]] = (
        "coef_",
        "intercept_",
        "coefficients_",
        "coefficient_names_",
    )

    _columns_fit_rows: ClassVar[bool] = True

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **DesignedEstimator._parameter_constraints,
        "covariates": "no_validation",
        "fit_intercept": BOOLEAN,
        "coefficient": [Integral, str, None],
        "finetune_weights": BOOLEAN,
        "power_tuning": [*BOOLEAN, StrOptions({"overall"})],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        covariates: Any = None,
        fit_intercept: bool = True,
        coefficient: int | str | None = None,
        finetune_weights: bool = False,
        split_ratio: float = 0.2,
        cv: Any = None,
        power_tuning: bool | str = True,
        recycle: bool = True,
        pool_prediction: str = "average",
        confidence_level: float = 0.95,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.covariates = covariates
        self.fit_intercept = fit_intercept
        self.coefficient = coefficient
        self.finetune_weights = finetune_weights
        self.split_ratio = split_ratio
        self.cv = cv
        self.power_tuning = power_tuning
        self.recycle = recycle
        self.pool_prediction = pool_prediction
        self.confidence_level = confidence_level
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def predict(self, X: Any) -> Array:
        """The regression's fitted means.

        Parameters
        ----------
        X : as in `fit`
            Only the covariates are looked at.

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        check_is_fitted(self, "result_")
        design = self._new_design(X)
        return FAMILIES[self.family].mean(design[:] @ self.coefficients_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self.covariates is None:  # which may not have NaN, whatever the predictor can do
            tags.input_tags.allow_nan = False
        return tags

    def _question(self, X: Any, labels: PartialLabels) -> _Regression:
        """The design, with enough rows for its coefficients."""
        reader = fit_part(self.covariates, X)
        rows, names = read_covariates(reader, X)
        names = ("intercept",) * bool(self.fit_intercept) + names
        if not names:
            raise ValueError(
                "covariates names no column and fit_intercept is False; expected something to estimate."
            )
        check_enough_rows(len(labels.labeled), len(labels.unlabeled), len(names))
        chosen = self._coefficients_of_interest(names)
        family, y = FAMILIES[self.family], self._coded(labels.of_labeled_rows)
        self._check_labels(y)
        # Collinear covariates are an error before anything is trained.
        sample = Design(rows[labels.labeled], self.fit_intercept)
        estimand = GeneralizedLinear.of(family, names, sample)
        # Predictions clipped to limits are those of another predictor, as good as any.
        self._asked_ = _Asked(reader, chosen, family.limits(y), estimand.coordinates)
        return _Regression(estimand, estimand.seen(rows))

    def _check_labels(self, y: Array) -> None:
        """Labels that the family can have."""

    def _coefficients_of_interest(self, names: tuple[str, ...]) -> list[int]:
        if self.coefficient is None:
            return list(range(len(names)))
        first = int(self.fit_intercept)
        if names.count(self.coefficient) == 1:
            return [names.index(self.coefficient)]
        if not isinstance(self.coefficient, str | bool) and 0 <= self.coefficient < len(names) - first:
            return [first + int(self.coefficient)]
        raise ValueError(
            f"coefficient is {self.coefficient!r}; expected one of {list(names)}, if no other has its name, or a position "
            "in coef_."
        )

    def _rectify(
        self, labels: PartialLabels, stage_one: OutOfSample, question: _Regression
    ) -> RectifiedResult:
        self._check_predictions(stage_one)
        stage_one = stage_one.mapped(self._clipped)
        rectify, pool = stage_one.rectify_rows, stage_one.pool_rows
        check_enough_rows(
            len(rectify) if len(pool) else len(labels.labeled), len(pool), len(question.estimand.names)
        )
        coded = replace(labels, y=self._coded(labels.y))
        sample = sample_of_stages(coded, stage_one, self.recycle, False, question.__getitem__)
        rectified = rectify_estimand(
            question.estimand, sample, self._given_lambda, self.confidence_level
        )
        # Where `score` takes influence values.
        self._linearized_ = rectified.of_labels, *rectified.of_predictions
        return rectified.result

    @property
    def _given_lambda(self) -> Any:
        return "overall" if self.power_tuning == "overall" else super()._given_lambda

    def _weigh(self, question: _Regression, labels: PartialLabels) -> Callable[[Rows], Array] | None:
        """(c' H^-1 x)^2, summed over the coefficients of interest in units of their own variance."""
        if not self.finetune_weights:
            return None
        y, estimand = self._coded(labels.y), question.estimand

        def weigh(rows: Rows) -> Array:
            try:
                theta, _ = estimand.solve(question[rows], y[rows], None)
            except ValueError:  # too few rows for coefficients: all means alike
                theta = np.zeros(len(estimand.names))
            bread = _of_coefficients(estimand, estimand.bread(question.design, theta))
            influence = (question[rows][:] @ bread.T)[:, self._asked_.chosen]
            variances = np.diag(estimand.reported(bread))[self._asked_.chosen]
            weights = (influence**2 / variances).sum(axis=1)
            total = weights.sum()
            return weights * len(weights) / total if total > 0 else np.ones(len(weights))

        return weigh

    def _columns(self, labels: PartialLabels, question: _Regression) -> Columns:
        """Influence values at the labels' own estimate, of coefficients made to count alike.

        From predictions whatever is linear in the covariates is taken away, since it costs the rectified estimate nothing.
        """
        estimand, rows = question.estimand, labels.labeled
        n, k = len(rows), len(estimand.names)
        if n < 4 * k:
            raise ValueError(
                f"y has {n} labeled rows (n_samples={n}) for {k} coefficients; a learning curve needs at least {4 * k}. Use "
                "fewer covariates, or a rectified estimator by itself."
            )
        y = self._coded(labels.of_labeled_rows)
        theta, inverse = estimand.solve(question[rows], y, None)
        bread = _of_coefficients(estimand, inverse)
        spread = (estimand.scores(question[rows][:], y, theta) @ bread.T).std(axis=0)
        spread = spread[self._asked_.chosen]
        units = np.sqrt(np.mean(spread**2)) / np.where(spread > 0, spread, 1.0)

        def columns(rows: Rows, values: Array) -> Array:
            X = question[rows][:]
            residuals = estimand.residuals(X, self._clipped(values)[:, 0], theta)
            inflation = np.sqrt(len(X) / (len(X) - k))
            return (X * residuals[:, None] @ bread.T)[:, self._asked_.chosen] * units * inflation

        return columns

    def _scored_columns(self, X: Any, labels: PartialLabels) -> tuple[Columns, Columns]:
        estimand = GeneralizedLinear(FAMILIES[self.family], (), self._asked_.coordinates)
        design = estimand.seen(self._new_design(X).rows)
        weights = np.atleast_1d(self.lambda_)[self._asked_.chosen]

        def influence(rows: Rows, values: Array, at: Linearized) -> Array:
            scores = estimand.scores(design.only(rows)[:], self._clipped(values)[:, 0], at.solution)
            return (scores @ at.bread.T)[:, self._asked_.chosen]

        return (
            lambda rows, values: influence(rows, values, self._linearized_[0]),
            lambda rows, values: weights * influence(rows, values, self._linearized_[-1]),
        )

    @property
    def _pool_variance(self) -> Array:
        return super()._pool_variance[self._asked_.chosen]

    def _check_units(self) -> None:
        if len(self._asked_.chosen) > 1:
            raise ValueError(
                f"There are {len(self._asked_.chosen)} coefficients ({', '.join(self.result_.names)}), in units of their own; set "
                "coefficient= to the one whose interval is meant."
            )

    def _smallest_part(self, question: _Regression) -> int:
        return 10 * len(question.estimand.names)

    def _coded(self, values: Array) -> Array:
        """Labels or predictions in the units of the regression."""
        return values

    def _clipped(self, values: Array) -> Array:
        """Labels or predictions (n, 1) in these units, inside the range that the regression can have."""
        return np.clip(self._coded(values).reshape(len(values), 1), *self._asked_.limits)

    def _check_predictions(self, stage_one: OutOfSample) -> None:
        """Predictions that mean what labels mean."""

    def _keep_answer(self, result: RectifiedResult) -> None:
        first = int(self.fit_intercept)
        self.coefficients_ = result.estimate
        self.coef_ = result.estimate[first:]
        self.intercept_ = float(result.estimate[0]) if first else 0.0
        self.coefficient_names_ = np.array(result.names, dtype=object)

    def _new_design(self, X: Any) -> Design:
        if hasattr(self, "n_features_in_") and has_one_dimension(X):
            raise ValueError(
                f"X has one dimension; expected {self.n_features_in_} features. Reshape your data."
            )
        validate_data(self, X, reset=False, skip_check_array=True)
        (X,) = indexable(X)
        rows, _ = read_covariates(self._asked_.reader, X)
        known = len(self.coef_)
        if rows.shape[1] != known:
            raise ValueError(f"X has {rows.shape[1]} covariates; expected the {known} of fit.")
        return Design(rows, self._asked_.coordinates.intercept)


def _of_coefficients(estimand: GeneralizedLinear, inverse: Array) -> Array:
    """H^-1, so that it turns scores into influence values of the coefficients that are reported."""
    return estimand.reported(inverse.T).T


class RectifiedLinearRegression(RectifiedRegression):
    """Least-squares coefficients of a population from few labels and many model predictions.

    Some labels train a predictor on all of X, the others correct what its predictions say about the coefficients. With
    `cv`, every label does both.

    Parameters
    ----------
    estimator : scikit-learn regressor or classifier, Pipeline or skorch net, default=None
        The predictor of y from all of X, as in `RectifiedMeanEstimator`.
    covariates : int, str, list of them, slice, mask, callable or transformer, default=None
        The part of X that is the regression's design: columns by position or name; `covariates(X)` of a callable, (n_rows,) or
        (n_rows, d); or what a transformer, fitted to all rows, makes of X. [] is no covariate. None is all of X.
    fit_intercept : bool, default=True
        Put an intercept in front of the covariates.
    coefficient : int or str, default=None
        The coefficient of interest, by its position in `coef_` or its name: `score`, `finetune_weights` and the allocator are
        about it. None is all of them.
    finetune_weights : bool, default=False
        Weigh each row of the training loss by (c' H^-1 x)^2, its influence on the coefficient of interest; for all
        coefficients, by the sum over them in units of their variances. `estimator` must take sample_weight. On real ratings it
        cost precision, where a rare group follows a rule of its own it gained (docs/estimands.md).
    power_tuning : bool or "overall", default=True
        One weight lambda for each coefficient; "overall" is one for the sum of their variances. False is lambda = 1.
    split_ratio, cv, recycle, pool_prediction, confidence_level, n_jobs, random_state, verbose
        As in `RectifiedMeanEstimator`.

    Attributes
    ----------
    coef_ : ndarray of shape (d,)
        Coefficients of the covariates, in units of y per unit.
    intercept_ : float
        0 without `fit_intercept`.
    coefficients_, standard_error_, lambda_, rectifier_, residual_variance_, efficiency_ : ndarray of shape (k,)
        All coefficients, the intercept first, and what `RectifiedMeanEstimator` says of a mean.
    coefficient_names_ : ndarray of shape (k,)
        Their names: "intercept" and the covariates'.
    covariance_ : ndarray of shape (k, k)
        Of `coefficients_`.
    n_labeled_, n_unlabeled_, n_finetune_, n_rectify_, finetune_rows_, result_, estimator_, estimators_, n_features_in_, \
feature_names_in_
        As in `RectifiedMeanEstimator`.

    Raises
    ------
    ValueError
        From `fit`: as for `RectifiedMeanEstimator`; covariates that are not finite numbers or collinear; fewer than k + 2
        labels that rectify, or a pool of 1 to k rows; several outputs.

    Notes
    -----
    theta = theta_R(y) + lambda (theta_U(f) - theta_R(f)), with theta the usual estimate from rectification labels, from predictions
    of their rows, and from predictions of the pool (Kluger et al. 2025, arXiv 2501.18577); covariance by the sandwich of
    influence values (HC1). With no unlabeled rows, ordinary least squares of all labels. See `rectify_linear_regression`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import RectifiedLinearRegression
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(5_000, 6))
    >>> y = 3 + 0.5 * X[:, 0] + X[:, 1] + rng.normal(scale=0.5, size=5_000)
    >>> y[300:] = np.nan
    >>> model = RectifiedLinearRegression(covariates=[0], cv=5, random_state=0).fit(X, y)
    >>> print(model.summary()[["estimate", "standard_error", "efficiency"]].round(2))
               estimate  standard_error  efficiency
    intercept      3.02            0.03        3.47
    x0             0.49            0.03        3.45
    """

    family: ClassVar[str] = "gaussian"


class RectifiedLogisticRegression(RectifiedRegression):
    """Log odds of a population from few labels and many model predictions.

    Parameters
    ----------
    estimator : scikit-learn regressor or classifier, Pipeline or skorch net, default=None
        The predictor of y from all of X, as in `RectifiedMeanEstimator`. It predicts the mean of the classes, a
        probability for 0 and 1 (of a classifier, `predict_proba` is asked), which is clipped to shares of 0.001 and 0.999.
    covariates, fit_intercept, coefficient, finetune_weights, power_tuning, split_ratio, cv, recycle, pool_prediction, \
confidence_level, n_jobs, random_state, verbose
        As in `RectifiedLinearRegression`.

    Attributes
    ----------
    coef_ : ndarray of shape (d,)
        Coefficients of the covariates, in log odds per unit.
    classes_ : ndarray of shape (2,)
        The two values of y, of which the second is the event; 0 and 1 where y has shares.
    All others
        As in `RectifiedLinearRegression`.

    Raises
    ------
    ValueError
        From `fit`: as for `RectifiedMeanEstimator`; covariates that are not finite numbers or collinear; fewer than k + 2
        labels that rectify, or a pool of 1 to k rows; separated classes; y with other than two values, unless all are from 0 to 1;
        a model that is not trained here with most predictions outside the classes.

    Notes
    -----
    y is two classes, of which the larger is the event (labels 1 and 2 are odds of 2), or shares from 0 to 1. The same estimate as
    in `RectifiedLinearRegression`, with the maximum-likelihood fit of a logistic regression, no penalty; see
    `rectify_logistic_regression`. It is an estimate of coefficients, not a classifier (whose y may not have NaN): `predict`
    gives probabilities.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import RectifiedLogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(5_000, 6))
    >>> y = (rng.random(5_000) < 1 / (1 + np.exp(-X[:, 0]))).astype(float)
    >>> X[:, 1] += 2 * y  # a judge's opinion, say
    >>> y[500:] = np.nan
    >>> model = RectifiedLogisticRegression(covariates=[0], cv=5, random_state=0).fit(X, y)
    >>> low, high = model.confidence_interval()
    >>> bool(low[1] < 1 < high[1]), bool(model.efficiency_.min() > 1.3)
    (True, True)
    """

    family: ClassVar[str] = "binomial"
    _answers: ClassVar[tuple[str, ...]] = (*RectifiedRegression._answers, "classes_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # Two classes, but neither scikit-learn's regressor (any y) nor its classifier (no NaN in y).
        tags.estimator_type, tags.regressor_tags = None, None
        tags.classifier_tags = ClassifierTags(multi_class=False)
        return tags

    def _labels(self, X: Any, y: ArrayLike) -> PartialLabels:
        """Labels as they are; learns the classes."""
        labels = super()._labels(X, y)
        values = np.unique(labels.of_labeled_rows)
        shares = values[0] >= 0 and values[-1] <= 1
        if len(values) == 1 and (not shares or values[0] in (0, 1)):
            raise ValueError(
                f"y has one class, {values[0]:g} (n_samples={len(labels.labeled)}); expected two."
            )
        if len(values) > 2 and not shares:
            raise ValueError(
                f"y has {len(values)} values from {values[0]:g} to {values[-1]:g}: Only binary classification is supported "
                "here; expected two classes, or shares from 0 to 1."
            )
        self.classes_ = np.array([0.0, 1.0]) if shares else values
        return labels

    def _known_labels(self, X: Any, y: ArrayLike) -> PartialLabels:
        labels = RectifiedRegression._labels(self, X, y)
        values, (low, high) = labels.of_labeled_rows, self.classes_
        known = np.isin(values, self.classes_)
        if (low, high) == (0, 1):  # or shares
            known = (values >= 0) & (values <= 1)
        if not known.all():
            raise ValueError(f"y has {values[~known][0]:g}; expected {low:g} and {high:g}, as in fit.")
        return labels

    def _coded(self, values: Array) -> Array:
        """0 and 1, or what lies between."""
        low, high = self.classes_
        return (values - low) / (high - low)

    def _check_predictions(self, stage_one: OutOfSample) -> None:
        low, high = self.classes_
        f = stage_one.predictions
        outside = np.mean((f < low) | (f > high))
        if outside > 0.5 and not stage_one.n_finetune:
            raise ValueError(
                f"{outside:.0%} of the predictions lie outside {low:g} to {high:g}, the classes of y; expected their mean: "
                f"{low:g} + {high - low:g} times the probability of class {high:g}. Recode predictions, or labels as 0 and 1."
            )


class RectifiedPoissonRegression(RectifiedRegression):
    """Coefficients of a Poisson regression of a population, from few labels and many model predictions.

    Parameters
    ----------
    estimator : scikit-learn regressor or classifier, Pipeline or skorch net, default=None
        The predictor of y from all of X, as in `RectifiedMeanEstimator`. Predictions are
        clipped from below to a thousandth of the mean label.
    covariates, fit_intercept, coefficient, finetune_weights, power_tuning, split_ratio, cv, recycle, pool_prediction, \
confidence_level, n_jobs, random_state, verbose
        As in `RectifiedLinearRegression`.

    Attributes
    ----------
    coef_ : ndarray of shape (d,)
        Coefficients of the covariates: logarithms of rate ratios per unit.
    All others
        As in `RectifiedLinearRegression`.

    Raises
    ------
    ValueError
        From `fit`: as for `RectifiedMeanEstimator`; covariates that are not finite numbers or collinear; fewer than k + 2
        labels that rectify, or a pool of 1 to k rows; negative labels, or all of them 0.

    Notes
    -----
    The same estimate as in `RectifiedLinearRegression`, with the maximum-likelihood fit of a log-linear Poisson regression. The sandwich
    covariance needs only that the log-linear mean is right: y need not be Poisson, nor whole numbers. See
    `rectify_poisson_regression`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import RectifiedPoissonRegression
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(5_000, 6))
    >>> y = rng.poisson(np.exp(1 + 0.3 * X[:, 0] + 0.5 * X[:, 1])).astype(float)
    >>> y[500:] = np.nan
    >>> model = RectifiedPoissonRegression(covariates=[0], cv=5, random_state=0).fit(X, y)
    >>> low, high = model.confidence_interval()
    >>> bool(low[1] < 0.3 < high[1]), bool(model.efficiency_.min() > 1.2)
    (True, True)
    """

    family: ClassVar[str] = "poisson"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags

    def _check_labels(self, y: Array) -> None:
        if y.min() < 0:
            raise ValueError(f"y goes down to {y.min():g}; expected counts or rates, 0 at least.")
        if not y.any():
            raise ValueError(
                f"All {len(y)} labels are 0; expected some above, because a rate of 0 has no logarithm."
            )
