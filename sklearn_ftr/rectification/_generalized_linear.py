"""Coefficients of generalized linear models with canonical link: linear, logistic, Poisson.

psi = x (y - mean(x'theta)), H = mean of x x' variance(x'theta) (McCullagh and Nelder 1989, section 2.5); solved by
Newton's method, each step one pass over the rows in blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from sklearn_ftr._arguments import check_choice
from sklearn_ftr.rectification._checks import Array, check_lambda
from sklearn_ftr.rectification._design import Design, RegressionData, check_regression
from sklearn_ftr.rectification._estimand import Estimand, Vector, blocks, rectify_estimand
from sklearn_ftr.rectification._inference import check_confidence_level
from sklearn_ftr.rectification._result import RectifiedResult, warn_of_zero_width

_LARGEST_NUMBER_OF_STEPS = 50
# Beyond this a fitted probability is 0 or 1 to double precision.
_LARGEST_LOGIT = 36.0
_SMALLEST_EIGENVALUE = 1e-10
# Of the mean square of y: what is left of a Newton decrement.
_NEGLIGIBLE = 1e-20
_ROUNDING = 64 * np.finfo(float).eps


@dataclass(frozen=True)
class Family:
    """A distribution with its canonical link, as functions of the linear predictor eta.

    Attributes
    ----------
    name : str
    mean, variance : callable
        Of the response at eta, the second up to its scale: the first's derivative.
    first_guess : callable
        A linear predictor from responses, to start from.
    low, high : float
        Range of responses.
    """

    name: str
    mean: Callable[[Array], Array]
    variance: Callable[[Array], Array]
    first_guess: Callable[[Array], Array]
    low: float = -np.inf
    high: float = np.inf


def _bernoulli_variance(eta: Array) -> Array:
    mean = expit(eta)
    return mean * (1 - mean)


FAMILIES = {
    "gaussian": Family("linear regression", lambda eta: eta, np.ones_like, lambda y: y),
    "binomial": Family(
        "logistic regression", expit, _bernoulli_variance, lambda y: logit((y + 0.5) / 2), 0.0, 1.0
    ),
    "poisson": Family("Poisson regression", np.exp, np.exp, lambda y: np.log(y + 0.5), 0.0),
}


class _CollinearError(ValueError):
    """H has no inverse."""


class GeneralizedLinear(Estimand):
    """The coefficients of a generalized linear model."""

    def __init__(self, family: Family, names: tuple[str, ...]) -> None:
        self.family = family
        self.title = family.name
        self.names = names
        self.n_parameters = len(names)

    def scores(self, X: Array, target: Array, theta: Array) -> Array:
        """X times residuals."""
        return X * (target - self.family.mean(X @ theta))[:, None]

    def rounding(self, X: Array, target: Array, theta: Array) -> Array:
        """Of X times a difference of target and fitted mean."""
        largest = np.abs(X).max(axis=0)
        of_mean = largest @ np.abs(theta) * self.family.variance(X @ theta).max()
        return _ROUNDING * largest * (np.abs(target).max() + of_mean)

    def solve(self, X: Design, target: Vector, start: Array | None) -> tuple[Array, Array]:
        """Newton's method; a step is halved until the slope along it, where it ends, does not point back too steeply.

        The log likelihood is concave, so that a slope that still points forward has led uphill all the way.
        """
        theta = self._first_guess(X, target) if start is None else start
        gradient, bread = self._newton(X, target, theta)
        step = bread @ gradient
        mean_square = np.einsum("i,i->", target, target, dtype=np.float64) / len(target)
        for _ in range(_LARGEST_NUMBER_OF_STEPS):
            trial = theta + step
            try:
                new_gradient, new_bread = self._newton(X, target, trial)
            except _CollinearError:  # which the columns were not before this step: it goes too far
                step = step / 2
                continue
            rise = float(gradient @ step)
            if not new_gradient @ step >= -rise / 2 - _NEGLIGIBLE * mean_square:
                step = step / 2
                continue
            theta, gradient, bread = trial, new_gradient, new_bread
            step = bread @ gradient
            if gradient @ step <= _NEGLIGIBLE * mean_square:
                return theta + step, bread
        raise self._no_solution(X, theta)

    def bread(self, X: Design, theta: Array) -> Array:
        """H^-1 (k, k) at theta, which needs no labels."""
        return self._newton(X, np.zeros(len(X)), theta)[1]

    def residuals(self, X: Array, target: Array, theta: Array) -> Array:
        """Target less its mean at theta, and less what one Newton step would add to that mean."""
        eta = X @ theta
        variance = self.family.variance(eta)
        residuals = target - self.family.mean(eta)
        step = np.linalg.lstsq((X.T * variance) @ X, X.T @ residuals, rcond=None)[0]
        return residuals - variance * (X @ step)

    def _newton(self, X: Design, target: Vector, theta: Array) -> tuple[Array, Array]:
        """Mean gradient (k,) of the log likelihood and H^-1 at theta; not a number where a step has gone too far."""
        k = len(theta)
        gradient, hessian = np.zeros(k), np.zeros((k, k))
        with np.errstate(over="ignore", invalid="ignore"):
            for rows, y in blocks(X, target):
                eta = rows @ theta
                gradient += rows.T @ (y - self.family.mean(eta))
                hessian += (rows.T * self.family.variance(eta)) @ rows
        if not (np.isfinite(hessian).all() and np.isfinite(gradient).all()):
            return np.full(k, np.nan), np.eye(k)
        return gradient / len(target), self._inverse(hessian / len(target))

    def _inverse(self, hessian: Array) -> Array:
        """H^-1, of a matrix whose columns are brought to one scale first."""
        scale = np.sqrt(np.diag(hessian))
        if not scale.all():
            raise self._collinear(np.flatnonzero(scale == 0)[:1])
        values, vectors = np.linalg.eigh(hessian / np.outer(scale, scale))
        if values[0] < _SMALLEST_EIGENVALUE:
            raise self._collinear(np.flatnonzero(np.abs(vectors[:, 0]) > 0.1))
        return (vectors / values) @ vectors.T / np.outer(scale, scale)

    def _collinear(self, columns: Any) -> _CollinearError:
        names = ", ".join(self.names[column] for column in columns)
        return _CollinearError(
            f"The columns {names} of X are collinear, or fitted means leave nothing to learn from them; expected "
            "columns of which none is a combination of others (of the intercept, say). Leave one out."
        )

    def _first_guess(self, X: Design, target: Vector) -> Array:
        """Least squares on a transform of the labels."""
        transformed = self.family.first_guess(target.astype(np.float64))
        return scipy.linalg.lstsq(X[:], transformed)[0]

    def _no_solution(self, X: Design, theta: Array) -> ValueError:
        largest = max(np.abs(rows @ theta).max() for rows, _ in blocks(X, np.broadcast_to(0.0, len(X))))
        if self.family.high == 1.0 and largest > _LARGEST_LOGIT / 2:
            return ValueError(
                "Classes are separated: some combination of the columns of X tells all ones from all zeros, so that "
                "coefficients are infinite. Leave out columns or label more rows."
            )
        return ValueError(
            f"The {self.title} did not converge within {_LARGEST_NUMBER_OF_STEPS} Newton steps; bring the columns of X "
            "to similar scales and check for outliers."
        )


def rectify_glm(
    X: ArrayLike,
    y: ArrayLike,
    f: ArrayLike,
    X_unlabeled: ArrayLike,
    f_unlabeled: ArrayLike,
    *,
    family: str = "gaussian",
    fit_intercept: bool = True,
    lambda_: ArrayLike | str | None = None,
    confidence_level: float = 0.95,
) -> RectifiedResult:
    """Coefficients of a generalized linear model with canonical link.

    Parameters
    ----------
    X : array-like of shape (r, d)
        Covariates of the labeled rows; those of a data frame name the coefficients.
    y : array-like of shape (r,)
        Labels. For "binomial" from 0 to 1, for "poisson" not negative.
    f : array-like of shape (r,)
        Predictions of y for the same rows, in the same range: for classes, probabilities of class 1.
    X_unlabeled : array-like of shape (m, d)
        Covariates of the pool. Read in blocks, never copied whole (data frames of mixed types are). May be empty.
    f_unlabeled : array-like of shape (m,)
        Predictions for the pool.
    family : {"gaussian", "binomial", "poisson"}, default="gaussian"
        Distribution of y given X: linear, logistic or Poisson (log-linear) regression.
    fit_intercept : bool, default=True
        Put an intercept in front of the coefficients.
    lambda_ : float, array-like of shape (k,) or "overall", default=None
        Weight of the predictions: 0 is labels only, 1 is plain. None estimates the best one for each coefficient,
        "overall" one for the sum of their variances.
    confidence_level : float, default=0.95
        Level of the intervals that the result shows.

    Returns
    -------
    RectifiedResult
        Arrays of shape (k,), k = d or d + 1; `names` are those of the columns, "intercept" first.

    Raises
    ------
    ValueError
        Shapes, indexes or columns that do not match; NaN or infinite values; labels out of range; fewer than k + 2
        labels; collinear columns; separated classes; no convergence.

    Warns
    -----
    ZeroWidthIntervalWarning
        The labels leave no variance at all.

    Notes
    -----
    With theta_R(y), theta_R(f), theta_U(f) the usual maximum-likelihood estimates from labels, from predictions of
    the labeled rows and from those of the pool::

        theta = theta_R(y) + lambda (theta_U(f) - theta_R(f))

    Predict-then-debias: Kluger, Lu, Zrnic, Wang and Bates (2025), arXiv 2501.18577. Its influence values
    H^-1 x (y - mean(x'theta)) are taken at each estimate's own theta, so that a bias of f that is linear in x costs
    nothing. The covariance is the sandwich of those, with the factor r / (r - k) (HC1); intervals are Student t.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import rectify_glm
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(5_000, 2))
    >>> human = (rng.random(5_000) < 1 / (1 + np.exp(-X[:, 0]))).astype(float)
    >>> judge = np.where(rng.random(5_000) < 0.9, human, 1 - human)  # wrong in one of ten
    >>> result = rectify_glm(
    ...     X[:500], human[:500], judge[:500], X[500:], judge[500:], family="binomial"
    ... )
    >>> bool(np.all(np.abs(result.estimate - [0, 1, 0]) < 3 * result.standard_error))
    True
    >>> bool(np.all(result.efficiency > 1.5))
    True
    """
    return _rectify(
        *(X, y, f, X_unlabeled, f_unlabeled),
        family=family,
        fit_intercept=fit_intercept,
        lambda_=lambda_,
        confidence_level=confidence_level,
    )


def _rectify(
    X: ArrayLike,
    y: ArrayLike,
    f: ArrayLike,
    X_unlabeled: ArrayLike,
    f_unlabeled: ArrayLike,
    *,
    family: str,
    fit_intercept: bool = True,
    lambda_: ArrayLike | str | None = None,
    confidence_level: float = 0.95,
) -> RectifiedResult:
    """What all public functions here call, at one distance from their callers."""
    confidence_level = check_confidence_level(confidence_level)
    check_choice(family, "family", tuple(FAMILIES))
    data = check_regression(X, y, f, X_unlabeled, f_unlabeled, fit_intercept)
    lambda_ = check_lambda(lambda_, len(data.names), "coefficients", overall=True)
    _check_range(data, FAMILIES[family])
    estimand = GeneralizedLinear(FAMILIES[family], data.names)
    result = rectify_estimand(estimand, data.labeled, data.unlabeled, lambda_, confidence_level)
    warn_of_zero_width(result, stacklevel=4)
    return result


def _check_range(data: RegressionData, family: Family) -> None:
    """Labels and predictions that the family can have."""
    named = {"y": data.labeled[1], "f": data.labeled[2], "f_unlabeled": data.unlabeled[1]}
    for name, values in named.items():
        if len(values) and (values.min() < family.low or values.max() > family.high):
            raise ValueError(
                f"{name} goes from {values.min():.6g} to {values.max():.6g}; expected {family.low:g} to {family.high:g} for "
                f"a {family.name}. Recode labels, or clip predictions."
            )


def rectify_linear_regression(
    X: ArrayLike,
    y: ArrayLike,
    f: ArrayLike,
    X_unlabeled: ArrayLike,
    f_unlabeled: ArrayLike,
    **options: Any,
) -> RectifiedResult:
    """Coefficients of a linear regression by least squares: `rectify_glm` with family="gaussian", whose arguments it takes."""
    return _rectify(X, y, f, X_unlabeled, f_unlabeled, family="gaussian", **options)


def rectify_logistic_regression(
    X: ArrayLike,
    y: ArrayLike,
    f: ArrayLike,
    X_unlabeled: ArrayLike,
    f_unlabeled: ArrayLike,
    **options: Any,
) -> RectifiedResult:
    """Coefficients of a logistic regression, log odds per unit: `rectify_glm` with family="binomial", whose arguments it takes."""
    return _rectify(X, y, f, X_unlabeled, f_unlabeled, family="binomial", **options)


def rectify_poisson_regression(
    X: ArrayLike,
    y: ArrayLike,
    f: ArrayLike,
    X_unlabeled: ArrayLike,
    f_unlabeled: ArrayLike,
    **options: Any,
) -> RectifiedResult:
    """Coefficients of a Poisson regression, logarithms of rate ratios: `rectify_glm` with family="poisson", whose arguments it takes."""
    return _rectify(X, y, f, X_unlabeled, f_unlabeled, family="poisson", **options)
