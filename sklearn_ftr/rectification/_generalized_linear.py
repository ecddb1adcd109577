"""Coefficients of generalized linear models with canonical link: linear, logistic, Poisson.

psi = x (y - mean(x'theta)), H = mean of x x' variance(x'theta) (McCullagh and Nelder 1989, section 2.5); solved by
Newton's method, each step one pass over the rows in blocks, in coordinates in which columns are not nearly collinear.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._arguments import check_choice
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._coordinates import (
    CollinearError,
    Coordinates,
    NoEstimateError,
    collinear,
    find_coordinates,
)
from sklearn_ftr.rectification._design import Clipped, Design, check_regression, column_of
from sklearn_ftr.rectification._draw_of import check_sampling
from sklearn_ftr.rectification._estimand import (
    Estimand,
    Linearized,
    blocks,
    pieces,
    times,
    weighted_blocks,
)
from sklearn_ftr.rectification._families import FAMILIES, Family
from sklearn_ftr.rectification._inference import check_confidence_level
from sklearn_ftr.rectification._linearize import rectify_estimand
from sklearn_ftr.rectification._moments import rounding
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._sample import Sample, Vector
from sklearn_ftr.rectification._sampling_design import SamplingDesign
from sklearn_ftr.rectification._separation import STILL, Walk, infinite
from sklearn_ftr.rectification._warnings import warn_of_doubts

_LARGEST_NUMBER_OF_STEPS = 50
# Of H in coordinates whose own squared singular values are 1e-6 at least.
_SMALLEST_EIGENVALUE = 1e-13
# Of the mean square of y: what is left of a Newton decrement.
_NEGLIGIBLE = 1e-20
_ROUNDING = 64 * np.finfo(float).eps


class GeneralizedLinear(Estimand):
    """The coefficients of a generalized linear model; designs come in its `coordinates`."""

    def __init__(self, family: Family, names: tuple[str, ...], coordinates: Coordinates) -> None:
        self.family = family
        self.title = family.name
        self.names = names
        self.n_parameters = len(names)
        self.coordinates = coordinates

    @classmethod
    def of(cls, family: Family, names: tuple[str, ...], sample: Design) -> GeneralizedLinear:
        """In coordinates that suit the rows of a sample, of which no column is a combination of others."""
        return cls(family, names, find_coordinates(sample.rows, sample.intercept, names))

    def seen(self, rows: NDArray[np.floating[Any]]) -> Design:
        """Rows (n, d) of a design in the coordinates of this regression."""
        return Design(rows, self.coordinates.intercept, self.coordinates)

    def reported(self, values: Array) -> Array:
        """Coefficients of the columns as they came."""
        return self.coordinates.coefficients(values)

    def scores(self, X: Array, target: Array, theta: Array) -> Array:
        """X times residuals."""
        return X * (target - self.family.mean(X @ theta))[:, None]

    def rounding(self, X: Array, target: Array, theta: Array) -> Array:
        """Of X times a difference of target and fitted mean, both of which were made from the columns as they came."""
        of_eta = self.coordinates.largest(X) @ np.abs(self.reported(theta))
        of_mean = of_eta * self.family.variance(X @ theta).max()
        noise = _ROUNDING * np.abs(X).max(axis=0) * (np.abs(target).max() + of_mean)
        return np.maximum(noise, np.abs(X).mean(axis=0) * rounding(target[:, None]))

    def solve(self, X: Design, target: Vector, start: Linearized | None) -> tuple[Array, Array]:
        """Least squares, or Newton's method until no row's linear predictor moves."""
        if self.family.is_linear:
            return self._least_squares(X, target, None if start is None else start.solution)
        mean_square, bounded = self._describe(target)
        theta = self._first_guess(X, target) if start is None else start.solution
        gradient, bread = self._newton(X, target, theta)
        step, walk = bread @ gradient, Walk(mean_square)
        for _ in range(_LARGEST_NUMBER_OF_STEPS):
            ahead = self._uphill(X, target, theta + step, step, gradient, _NEGLIGIBLE * mean_square)
            if ahead is None:
                step = step / 2
                continue
            theta, (gradient, bread) = theta + step, ahead
            step = bread @ gradient
            gain, moved = float(gradient @ step), 0.0 if bounded else _largest_move(X, theta, step)
            if walk.goes_on(gain, moved):
                break
            if gain <= _NEGLIGIBLE * mean_square and moved <= STILL:
                return theta + step, bread
        raise self._infinite(X, target, step) if walk.steps else self._no_solution()

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

    def _least_squares(self, X: Design, target: Vector, start: Array | None) -> tuple[Array, Array]:
        """One step from anywhere, and a second one that takes away the first one's rounding."""
        theta = np.zeros(self.n_parameters) if start is None else start
        gradient, bread = self._newton(X, target, theta)
        theta = theta + bread @ gradient
        left = sum(
            rows.T @ times(w, y - rows @ theta) for rows, y, w in weighted_blocks(X, target)
        ) / len(target)
        return theta + bread @ left, bread

    def _uphill(
        self, X: Design, target: Vector, theta: Array, step: Array, gradient: Array, negligible: float
    ) -> tuple[Array, Array] | None:
        """Gradient and H^-1 where a step ends; None if it points back too steeply there, so that the step was too long.

        The log likelihood is concave, so that a slope that still points forward has led uphill all the way.
        """
        try:
            new_gradient, bread = self._newton(X, target, theta)
        except CollinearError:  # which the columns were not before this step: it goes too far
            return None
        ahead = new_gradient @ step >= -float(gradient @ step) / 2 - negligible
        return (new_gradient, bread) if ahead else None

    def _newton(self, X: Design, target: Vector, theta: Array) -> tuple[Array, Array]:
        """Mean gradient (k,) of the log likelihood and H^-1 at theta; not a number where a step has gone too far."""
        k = len(theta)
        gradient, hessian = np.zeros(k), np.zeros((k, k))
        with np.errstate(over="ignore", invalid="ignore"):
            for rows, y, w in weighted_blocks(X, target):
                eta = rows @ theta
                gradient += rows.T @ times(w, y - self.family.mean(eta))
                hessian += self._information(rows, eta, w)
        if not (np.isfinite(hessian).all() and np.isfinite(gradient).all()):
            return np.full(k, np.nan), np.eye(k)
        return gradient / len(target), self._inverse(hessian / len(target))

    def _information(self, rows: Array, eta: Array, weights: Array | None) -> Array:
        if self.family.is_linear and weights is None:
            return rows.T @ rows
        return (rows.T * times(weights, self.family.variance(eta))) @ rows

    def _inverse(self, hessian: Array) -> Array:
        """H^-1, of a matrix whose columns are brought to one scale first."""
        scale = np.sqrt(np.diag(hessian))
        if not scale.all():
            raise self._collinear((scale == 0).astype(float))
        values, vectors = np.linalg.eigh(hessian / np.outer(scale, scale))
        if values[0] < _SMALLEST_EIGENVALUE:
            raise self._collinear(vectors[:, 0] / scale)
        return (vectors / values) @ vectors.T / np.outer(scale, scale)

    def _collinear(self, direction: Array) -> CollinearError:
        return collinear(self.coordinates.involved(direction, 0.1), self.names)

    def _first_guess(self, X: Design, target: Vector) -> Array:
        """Least squares on a transform of the labels."""
        transformed = self.family.first_guess(target[:].astype(np.float64))
        roots = None if X.weights is None else np.sqrt(X.weights)
        return scipy.linalg.lstsq(times(roots, X[:]), times(roots, transformed))[0]

    def _describe(self, target: Vector) -> tuple[float, bool]:
        """Mean square of the target (1 if all of it is 0), and whether it is inside of the family's range, so that no coefficient is infinite."""
        squares, low, high = 0.0, np.inf, -np.inf
        for y in pieces(target):
            squares, low, high = squares + float(y @ y), min(low, y.min()), max(high, y.max())
        bounded = low > self.family.low and high < self.family.high
        return squares / len(target) or 1.0, bounded

    def _infinite(self, X: Design, target: Vector, step: Array) -> ValueError:
        columns = self.coordinates.involved(step, STILL)
        return infinite(self.family, target[:].astype(np.float64), X[:] @ step, columns, self.names)

    def _no_solution(self) -> ValueError:
        return NoEstimateError(
            f"The {self.title} did not converge within {_LARGEST_NUMBER_OF_STEPS} Newton steps; bring the columns of X "
            "to similar scales and check for outliers."
        )


def _largest_move(X: Design, theta: Array, step: Array) -> float:
    """Of linear predictors by a step, in units of one plus their size."""
    moves = (
        np.max(np.abs(rows @ step) / (1 + np.abs(rows @ theta)))
        for rows, _ in blocks(X, np.broadcast_to(0.0, len(X)))
    )
    return float(max(moves))


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
    design: SamplingDesign | None = None,
    design_unlabeled: SamplingDesign | None = None,
    finite_population: bool = False,
    missing_judgements: str = "refuse",
    confidence_level: float = 0.95,
) -> RectifiedResult:
    """Coefficients of a generalized linear model with canonical link.

    Parameters
    ----------
    X : array-like of shape (r, d)
        Covariates of the labeled rows; those of a data frame name the coefficients.
    y : array-like of shape (r,)
        Labels. For "binomial" from 0 to 1, for "poisson" not negative.
    f : array-like of shape (r,) or (r, j)
        Predictions of y for the same rows, by j judges, in the same range: for classes, probabilities of class 1. Those of "binomial" are clipped to
        shares of 0.001 and 0.999, those of "poisson" from below to a thousandth of the mean label, as in the estimators: a rule that says 0
        and 1 is a predictor as good as any, but has no logit.
    X_unlabeled : array-like of shape (m, d)
        Covariates of the pool. Read in blocks, never copied whole (data frames of mixed types are). May be empty.
    f_unlabeled : array-like of shape (m,) or (m, j)
        Predictions for the pool, clipped likewise.
    family : {"gaussian", "binomial", "poisson"}, default="gaussian"
        Distribution of y given X: linear, logistic or Poisson (log-linear) regression.
    fit_intercept : bool, default=True
        Put an intercept in front of the coefficients.
    lambda_ : float, array-like of shape (k,) or "overall", default=None
        Weight of the predictions: 0 is labels only, 1 is plain. None estimates the best one for each coefficient,
        "overall" one for the sum of their variances. Of several judges (j,) or (k, j); "overall" is for one judge only.
    design, design_unlabeled : SamplingDesign, default=None
        How labeled rows and the pool were drawn; see `rectify_mean`. With strata or labeling probabilities all rows are copied.
    finite_population : bool, default=False
        Coefficients of exactly these rows, labeled and unlabeled, are asked for; see `rectify_mean`.
    missing_judgements : {"refuse", "indicator"}, default="refuse"
        What to do with NaN in predictions; see `rectify_mean`.
    confidence_level : float, default=0.95
        Level of the intervals that the result shows.

    Returns
    -------
    RectifiedResult
        Arrays of shape (k,), k = d or d + 1; `names` are those of the columns, "intercept" first.

    Raises
    ------
    ValueError
        Shapes, indexes or columns that do not match; NaN, infinite or overflowing values; labels, or most predictions, out of range;
        fewer than k + 2 labels; collinear columns, to the precision of the columns as they came; infinite coefficients, by separated classes
        or a category without events; no convergence. The message says whether labels, predictions or the pool are meant.

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
        design=design,
        design_unlabeled=design_unlabeled,
        finite_population=finite_population,
        missing_judgements=missing_judgements,
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
    design: SamplingDesign | None = None,
    design_unlabeled: SamplingDesign | None = None,
    finite_population: bool = False,
    missing_judgements: str = "refuse",
    confidence_level: float = 0.95,
) -> RectifiedResult:
    """What all public functions here call, at one distance from their callers."""
    confidence_level = check_confidence_level(confidence_level)
    check_choice(family, "family", tuple(FAMILIES))
    kind = FAMILIES[family]
    data = check_regression(
        *(X, y, f, X_unlabeled, f_unlabeled, fit_intercept), missing_judgements=missing_judgements
    )
    judged = data.judged
    lambda_ = judged.check_lambda(lambda_, len(data.names), "coefficients", overall=True)
    kind.check_labels(data.y, "y")
    for name, predictions in (("f", judged.f), ("f_unlabeled", judged.pool)):
        for judge in range(judged.n_given):
            kind.check_predictions(column_of(predictions, judge), name)
    limits = kind.limits(data.y)
    estimand = GeneralizedLinear.of(kind, data.names, data.X)
    drawn = check_sampling(
        {"y": y, "f": f, "X": X},
        {"f_unlabeled": f_unlabeled, "X_unlabeled": X_unlabeled},
        (len(data.y), len(judged.pool)),
        *(design, design_unlabeled, finite_population),
    )
    sample = Sample(
        y=data.y,
        f=np.clip(judged.f, *limits),
        f_pool=judged.pool if kind.is_linear else Clipped(judged.pool, *limits),
        drawn=drawn,
        X=estimand.seen(data.X.rows),
        X_pool=estimand.seen(data.X_pool.rows),
        n_indicators=judged.n_indicators,
    )
    result = rectify_estimand(estimand, sample, lambda_, confidence_level).result
    warn_of_doubts(result, stacklevel=4)
    return result


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
