"""A made population of ratings whose mean, scaling law and bias are known exactly, to check methods on.

Y = mean + score + error, with a score that the features show and an error of variance b that they do not.
Predictions are best-calibrated mixtures of the score and of noise, with just the residual variance asked for.
"""

from __future__ import annotations

from dataclasses import astuple
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_ftr.allocation import ScalingLaw

Array = NDArray[np.float64]


def make_ratings_population(
    n_rows: int = 10_000,
    n_labeled: int = 500,
    *,
    mean: float = 3.0,
    total_variance: float = 2.0,
    law: ScalingLaw | tuple[float, ...] = (2.0, 0.4, 0.3),
    bias: float = 0.5,
    judge_variance: float = 1.0,
    n_features: int = 10,
    random_state: Any = None,
) -> Bunch:
    """A sample from a normal population of ratings with known mean, scaling law and bias.

    Parameters
    ----------
    n_rows : int, default=10_000
        Rows in all, at least 1.
    n_labeled : int, default=500
        How many of them have a label, drawn at random.
    mean : float, default=3.0
        Mean rating of the population, of which the rows are a random sample.
    total_variance : float, default=2.0
        V(Y), in squared units of the rating; above the `b` of `law`.
    law : ScalingLaw or tuple (a, alpha, b) or (a, alpha, b, s0), default=(2.0, 0.4, 0.3)
        Residual variance of `predictor` after it has been trained on s labels, v(s) = a (s + s0)^-alpha + b.
    bias : float, default=0.5
        How much higher the predictions are than the ratings on average, in units of the rating.
    judge_variance : float, default=1.0
        Residual variance of `judge`, in squared units of the rating; at least 0.
    n_features : int, default=10
        Columns of `data`, at least 2. The more there are, the less do two trainings' errors have in common.
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same sample each time.

    Returns
    -------
    Bunch
        `data` : ndarray of shape (n_rows, n_features), the score and `n_features` - 1 columns of noise.
        `target` : ndarray of shape (n_rows,), ratings, NaN where there is no label. `labels` : ndarray of
        shape (n_rows,), all ratings. `judge` : ndarray of shape (n_rows,), predictions by somebody who was
        never trained, with mean error `bias` and residual variance `judge_variance`. `predictor` : an
        unfitted regressor that follows `law` and has mean error `bias`. `mean`, `total_variance`, `bias`,
        `judge_variance` : float, as passed. `law` : ScalingLaw. `DESCR` : str.

    Raises
    ------
    ValueError
        Numbers out of their range, such as a `total_variance` that the law's `b` exceeds.

    Notes
    -----
    A predictor with residual variance v is mean + bias + w S + t Z, with S the score, V(S) = V(Y) - b, and Z
    standard normal noise; w = (V(Y) - v) / V(S) and t^2 = (V(Y) - v)(1 - w) give V(Y - f) = v and
    V(f) = Cov(f, Y) = V(Y) - v. Where v exceeds V(Y), w = 0 and t^2 = v - V(Y). Z is the direction among the
    columns of noise that the training labels happen to correlate with. So it is of unit variance on rows that
    were not trained on, fits better on those that were, and is the more alike for two trainings the more labels
    they share. The judge has Y - mean in place of S.

    Examples
    --------
    >>> from sklearn_ftr import RectifiedMeanEstimator
    >>> from sklearn_ftr.datasets import make_ratings_population
    >>> population = make_ratings_population(random_state=0)
    >>> predictions = population.predictor.fit(population.data, population.labels).predict(population.data)
    >>> round(float(predictions.mean()), 1)  # not 3.0: the predictor is biased
    3.5
    >>> model = RectifiedMeanEstimator(population.predictor, random_state=0)
    >>> low, high = model.fit(population.data, population.target).confidence_interval()
    >>> bool(low < population.mean < high)
    True
    """
    law = law if isinstance(law, ScalingLaw) else ScalingLaw(*law)
    _check_sizes(n_rows, n_labeled, n_features)
    _check_moments(mean, bias, total_variance, judge_variance, law)
    random = check_random_state(random_state)
    noise = random.normal(size=(n_rows, n_features - 1))
    score = random.normal(scale=np.sqrt(total_variance - law.b), size=n_rows)
    labels = mean + score + random.normal(scale=np.sqrt(law.b), size=n_rows)
    weight, scale = _mixture(total_variance, total_variance, judge_variance)
    judge = mean + bias + weight * (labels - mean) + random.normal(scale=scale, size=n_rows)
    return Bunch(
        data=np.column_stack([score, noise]),
        target=_partly_labeled(labels, n_labeled, random),
        labels=labels,
        judge=judge,
        predictor=LawfulRegressor(mean, total_variance, astuple(law), bias),
        mean=mean,
        total_variance=total_variance,
        law=law,
        bias=bias,
        judge_variance=judge_variance,
        DESCR=__doc__,
    )


class LawfulRegressor(RegressorMixin, BaseEstimator):
    """Predictions whose residual variance after s labels is v(s), on a population made for it.

    Parameters
    ----------
    mean, total_variance : float, default=3.0, 2.0
        Of the ratings.
    law : tuple (a, alpha, b, s0), default=(2.0, 0.4, 0.3, 0.0)
        v(s) = a (s + s0)^-alpha + b.
    bias : float, default=0.5
        Mean of the predictions less the mean of the ratings.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Weights of the score and of the columns of noise.
    intercept_ : float
        `mean` + `bias`.
    residual_variance_ : float
        v(s) of the s labels it was fitted on.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        When X has feature names.
    """

    def __init__(
        self,
        mean: float = 3.0,
        total_variance: float = 2.0,
        law: tuple[float, ...] = (2.0, 0.4, 0.3, 0.0),
        bias: float = 0.5,
    ) -> None:
        self.mean = mean
        self.total_variance = total_variance
        self.law = law
        self.bias = bias

    def fit(self, X: Any, y: Any) -> Self:
        """Learn as much of the score as the law allows for this many labels.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            The score and at least one column of noise.
        y : array-like of shape (n_rows,)
            Ratings.

        Returns
        -------
        self
        """
        witness = clone(self)  # on which scikit-learn sets what it learns of X
        X, y = validate_data(witness, X, y, y_numeric=True, dtype=np.float64)
        if X.shape[1] < 2:
            raise ValueError(
                "X has 1 feature(s); expected the score and at least one column of noise, as "
                "make_ratings_population makes them."
            )
        law = ScalingLaw(*self.law)
        residual_variance = float(law.predict(len(y)))
        weight, scale = _mixture(self.total_variance, self.total_variance - law.b, residual_variance)
        learned = {
            "residual_variance_": residual_variance,
            "coef_": np.array([weight, *(scale * _chance_direction(X[:, 1:], y))]),
            "intercept_": self.mean + self.bias,
        }
        seen = {name: value for name, value in vars(witness).items() if name.endswith("_")}
        kept = {name: value for name, value in vars(self).items() if not name.endswith("_")}
        self.__dict__ = kept | seen | learned
        return self

    def predict(self, X: Any) -> Array:
        """Predicted ratings.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return self.intercept_ + X @ self.coef_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # on data that have not been made for it
        return tags


def _mixture(total: float, known: float, residual: float) -> tuple[float, float]:
    """Weight of the known part of Y and scale of the noise that leave just this residual variance."""
    if residual >= total:
        return 0.0, float(np.sqrt(residual - total))
    weight = (total - residual) / known
    return weight, float(np.sqrt((total - residual) * max(1 - weight, 0.0)))


def _chance_direction(noise: Array, y: Array) -> Array:
    """The unit vector along which the noise correlates most with y: uniform, as they are independent."""
    direction = noise.T @ (y - y.mean())
    length = np.linalg.norm(direction)
    return direction / length if length > 0 else np.eye(noise.shape[1])[0]


def _partly_labeled(labels: Array, n_labeled: int, random: np.random.RandomState) -> Array:
    target = labels.copy()
    target[random.permutation(len(labels))[n_labeled:]] = np.nan
    return target


def _check_sizes(n_rows: int, n_labeled: int, n_features: int) -> None:
    if n_rows < 1:
        raise ValueError(f"n_rows is {n_rows}; expected at least 1.")
    if not 0 <= n_labeled <= n_rows:
        raise ValueError(
            f"n_labeled is {n_labeled}; expected 0 to n_rows = {n_rows}: label fewer rows or make more."
        )
    if n_features < 2:
        raise ValueError(
            f"n_features is {n_features}; expected at least 2, the score and a column of noise."
        )


def _check_moments(
    mean: float, bias: float, total_variance: float, judge_variance: float, law: ScalingLaw
) -> None:
    if not np.all(np.isfinite([mean, bias, total_variance, judge_variance])):
        raise ValueError(
            f"mean={mean}, bias={bias}, total_variance={total_variance}, judge_variance={judge_variance}; "
            "expected finite numbers."
        )
    if total_variance <= law.b:
        raise ValueError(
            f"total_variance is {total_variance}; expected more than b = {law.b} of {law!r}, which no "
            "training removes: raise the one or lower the other."
        )
    if judge_variance < 0:
        raise ValueError(f"judge_variance is {judge_variance}; expected a variance, at least 0.")
