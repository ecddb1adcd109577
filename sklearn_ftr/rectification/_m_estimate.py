"""Your own estimand: any theta that solves mean psi(x, y; theta) = 0.

M-estimation and its sandwich covariance: Huber (1967); Stefanski and Boos (2002), "The calculus of M-estimation".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr._arguments import ArgumentTypeError, shown
from sklearn_ftr.rectification._checks import Array, as_settings
from sklearn_ftr.rectification._coordinates import NoEstimateError
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._estimand import (
    Estimand,
    Linearized,
    Vector,
    blocks,
    times,
    weighted_blocks,
)
from sklearn_ftr.rectification._inference import check_confidence_level
from sklearn_ftr.rectification._linearize import rectify_estimand
from sklearn_ftr.rectification._moments import rounding
from sklearn_ftr.rectification._regression_data import check_regression
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._root import MeanPsi, find_root
from sklearn_ftr.rectification._sampling_design import SamplingDesign
from sklearn_ftr.rectification._sampling_of import check_sampling
from sklearn_ftr.rectification._warnings import warn_of_doubts

Psi = Callable[[Array, Array, Array], ArrayLike]
# Of central differences, which then are as exact as they can be.
_PART_OF_SPREAD = float(np.cbrt(np.finfo(float).eps))


class MEstimand(Estimand):
    """Theta defined by a function psi."""

    def __init__(
        self, psi: Psi, jacobian: Psi | None, start: Array, names: tuple[str, ...], title: str
    ) -> None:
        self.psi = psi
        self.jacobian = jacobian
        self.start = start
        self.names = names
        self.title = title
        self.n_parameters = len(start)
        self.steps: Array | None = None

    def scores(self, X: Array, target: Array, theta: Array) -> Array:
        """What the user's psi gives, as columns (n, k)."""
        values = np.asarray(self.psi(X, target, theta), dtype=np.float64)
        values = values[:, None] if values.ndim == 1 else values
        if values.shape != (len(target), len(theta)):
            raise ValueError(
                f"psi returned shape {values.shape} for {len(target)} rows and {len(theta)} parameters; expected "
                f"({len(target)}, {len(theta)})."
            )
        return values

    def rounding(self, X: Array, target: Array, theta: Array) -> Array:
        """What a few units in the last place of target and theta change in a typical row; psi may jump in others."""
        scores, little = self.scores(X, target, theta), 64 * np.finfo(float).eps
        moved = target + np.maximum(little * np.abs(target), rounding(target[:, None]))
        of_target = np.abs(self.scores(X, moved, theta) - scores)
        of_theta = np.abs(self.scores(X, target, theta * (1 + little)) - scores)
        return np.median(of_target, axis=0) + np.median(of_theta, axis=0)

    def solve(self, X: Design, target: Vector, start: Linearized | None) -> tuple[Array, Array]:
        """The root of mean psi, from where other rows have theirs."""

        def values(theta: Array) -> Iterator[Array]:
            return (times(w, self.scores(rows, y, theta)) for rows, y, w in weighted_blocks(X, target))

        def derivative(theta: Array) -> Array:
            return self._derivative(X, target, theta)

        # The user's derivative is a mean over rows that are all alike.
        known = self.jacobian is not None and X.weights is None
        psi = MeanPsi(values, derivative if known else None)
        if start is None:
            theta, inverse = find_root(psi, self.start, None)
        else:
            theta, inverse = find_root(psi, start.solution, -start.inverse)
        return theta, -inverse

    def information(self, X: Array, target: Array, theta: Array, weights: Array | None) -> Array:
        """Minus the user's derivative, which is a mean over rows that are all alike, or differences along steps, if there are any."""
        if self.jacobian is not None and weights is None:
            derivative = self._derivative(Design(X, False), target, theta)
            return np.asarray(-len(target) * derivative)
        if self.steps is None:
            return super().information(X, target, theta, weights)
        changes = [
            self._sum(X, target, theta - step, weights) - self._sum(X, target, theta + step, weights)
            for step in self.steps.T
        ]
        return np.asarray(np.linalg.solve(2 * self.steps.T, np.array(changes)).T)

    def prepared(self, X: Design, target: Vector, at: Linearized) -> MEstimand:
        """With steps each of which moves one component of mean psi, by as small a part of its standard deviation as differences ask for."""
        squares = np.zeros(len(at.solution))
        for rows, values, weights in weighted_blocks(X, target):
            scores = self.scores(rows, values, at.solution)
            squares += times(weights, scores**2).sum(axis=0)
        spread = np.sqrt(squares / len(target))
        if not (spread > 0).all():
            return self
        prepared = copy(self)
        prepared.steps = _PART_OF_SPREAD * at.inverse * spread
        return prepared

    def _sum(self, X: Array, target: Array, theta: Array, weights: Array | None) -> Array:
        return np.asarray(times(weights, self.scores(X, target, theta)).sum(axis=0))

    def inverse(self, information: Array, known: Array) -> Array:
        """Of the derivative, where it is known."""
        if not (information.any() and np.isfinite(information).all()):
            return known
        return _inverted(information)

    def _derivative(self, X: Design, target: Vector, theta: Array) -> Array:
        """Mean derivative of psi (k, k), as the user has it."""
        assert self.jacobian is not None
        k, total = len(theta), np.zeros(len(theta) ** 2)
        for rows in blocks(X, target):
            derivative = np.asarray(self.jacobian(*rows, theta), dtype=np.float64)
            if derivative.shape not in ((k, k), (k**2,)):
                raise ValueError(
                    f"jacobian returned shape {derivative.shape} for {k} parameters; expected ({k}, {k})."
                )
            total += len(rows[1]) * derivative.reshape(-1)
        return total.reshape(k, k) / len(target)


def _inverted(information: Array) -> Array:
    try:
        return np.asarray(np.linalg.inv(information), dtype=np.float64)
    except np.linalg.LinAlgError as error:
        raise NoEstimateError(
            "The mean derivative of psi cannot be inverted; some parameter is not identified by the predictions of the pool."
        ) from error


def m_estimate(
    psi: Psi,
    X: ArrayLike,
    y: ArrayLike,
    f: ArrayLike,
    X_unlabeled: ArrayLike,
    f_unlabeled: ArrayLike,
    *,
    start: ArrayLike,
    jacobian: Psi | None = None,
    names: Sequence[str] | None = None,
    title: str = "M-estimate",
    lambda_: ArrayLike | str | None = None,
    design: SamplingDesign | None = None,
    design_unlabeled: SamplingDesign | None = None,
    finite_population: bool = False,
    missing_judgements: str = "refuse",
    confidence_level: float = 0.95,
    interval: str = "auto",
) -> RectifiedResult:
    """Rectified estimate of any parameter that solves mean psi(x, y; theta) = 0.

    Parameters
    ----------
    psi : callable
        `psi(X, y, theta)` returns the values (n, k), or (n,) if k is 1, for rows X (n, d), y (n,) and theta (k,). It
        is called with blocks of rows, and with predictions in place of labels.
    X : array-like of shape (r, d)
        Whatever psi needs of the labeled rows beside y.
    y : array-like of shape (r,)
        Labels.
    f : array-like of shape (r,) or (r, j)
        Predictions for the same rows, by j judges.
    X_unlabeled : array-like of shape (m, d), or blocks of such
        The same of the pool; may be empty. Blocks as in `rectify_glm`.
    f_unlabeled : array-like of shape (m,) or (m, j), or blocks of such
        Predictions for the pool.
    start : array-like of shape (k,)
        Where the root finder starts.
    jacobian : callable, default=None
        `jacobian(X, y, theta)` returns the mean derivative (k, k) of psi with respect to theta, a row for each
        component of psi. None takes central differences, of a large pool those of some rows (docs/large_pools.md).
    names : sequence of str, default=None
        Names of the k parameters.
    title : str, default="M-estimate"
        What the result's table calls the estimand.
    lambda_ : float, array-like of shape (k,) or "overall", default=None
        Weight of the predictions; None estimates one for each parameter. Of several judges (j,) or (k, j); "overall" is for one judge only.
    design, design_unlabeled : SamplingDesign, default=None
        How labeled rows and the pool were drawn; see `rectify_mean`. With strata or labeling probabilities all rows are copied.
    finite_population : bool, default=False
        Parameters of exactly these rows, labeled and unlabeled, are asked for; see `rectify_mean`.
    missing_judgements : {"refuse", "indicator"}, default="refuse"
        What to do with NaN in predictions; see `rectify_mean`.
    confidence_level : float, default=0.95
        Level of the intervals that the result shows.
    interval : {"auto", "t", "skewed", "share", "bootstrap-t"}, default="auto"
        Method of intervals and p-values; "auto" is what suits the labels (docs/which_interval.md).

    Returns
    -------
    RectifiedResult

    Raises
    ------
    ValueError
        As for `rectify_linear_regression`; psi of a wrong shape, no root found, a derivative that cannot be inverted.

    Notes
    -----
    With theta_R(y), theta_R(f), theta_U(f) the roots for labels, predictions of labeled rows, and predictions of the
    pool, theta = theta_R(y) + lambda (theta_U(f) - theta_R(f)); covariance from influence values -(E psi')^-1 psi.
    Kluger et al. (2025), arXiv 2501.18577.

    Examples
    --------
    The variance of a rating, beside its mean:

    >>> import numpy as np
    >>> from sklearn_ftr import m_estimate
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(3.0, 1.0, size=5_000)
    >>> f = y + rng.normal(0.5, 0.3, size=5_000)
    >>> def psi(X, y, theta):
    ...     mean, variance = theta
    ...     return np.column_stack([y - mean, (y - mean) ** 2 - variance])
    >>> nothing = np.empty((5_000, 0))
    >>> result = m_estimate(
    ...     psi, nothing[:200], y[:200], f[:200], nothing[200:], f[200:], start=[0, 1], names=["mean", "variance"]
    ... )
    >>> bool(np.all(np.abs(result.estimate - [3, 1]) < 3 * result.standard_error))
    True
    >>> bool(np.all(result.efficiency > 3))
    True
    """
    confidence_level = check_confidence_level(confidence_level)
    for function, name in ((psi, "psi"), (jacobian, "jacobian")):
        if not callable(function) and (function is not None or name == "psi"):
            raise ArgumentTypeError(
                f"{name} is {shown(function)}; expected a function of (X, y, theta)."
            )
    theta = _check_start(start)
    labels = _check_names(names, len(theta))
    data = check_regression(
        *(X, y, f, X_unlabeled, f_unlabeled),
        fit_intercept=False,
        n_parameters=len(theta),
        missing_judgements=missing_judgements,
    )
    lambda_ = data.judged.check_lambda(lambda_, len(theta), "parameters", overall=True)
    estimand = MEstimand(psi, jacobian, theta, labels, str(title))
    drawn = check_sampling(
        {"y": y, "f": f, "X": X},
        {"f_unlabeled": f_unlabeled, "X_unlabeled": X_unlabeled},
        len(data.y),
        data.unlabeled,
        *(design, design_unlabeled, finite_population),
    )
    result = rectify_estimand(estimand, data.sample(drawn), lambda_, confidence_level).result
    result = result.with_interval(interval)
    warn_of_doubts(result, stacklevel=3)
    return result


def _check_start(start: ArrayLike) -> Array:
    expected = "expected a finite number for each parameter"
    theta = np.atleast_1d(as_settings(start, "start", expected))
    if theta.ndim != 1 or not len(theta) or not np.isfinite(theta).all():
        raise ValueError(f"start is {start!r}; {expected}.")
    return theta


def _check_names(names: Sequence[str] | None, k: int) -> tuple[str, ...]:
    if names is None:
        return tuple(f"theta{j}" for j in range(k))
    if isinstance(names, str) or not np.iterable(names):
        raise ArgumentTypeError(f"names is {shown(names)}; expected a sequence of {k} texts.")
    labels = tuple(names)
    if len(labels) != k:
        raise ValueError(f"names has {len(labels)} entries for {k} parameters; expected as many.")
    if not all(isinstance(name, str) for name in labels):
        raise ArgumentTypeError(f"names is {shown(names)}; expected texts.")
    return tuple(map(str, labels))
