"""Your own estimand: any theta that solves mean psi(x, y; theta) = 0.

M-estimation and its sandwich covariance: Huber (1967); Stefanski and Boos (2002), "The calculus of M-estimation".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._design import Design, check_regression
from sklearn_ftr.rectification._estimand import (
    Estimand,
    Linearized,
    Vector,
    blocks,
    rectify_estimand,
)
from sklearn_ftr.rectification._inference import check_confidence_level
from sklearn_ftr.rectification._result import RectifiedResult, warn_of_zero_width
from sklearn_ftr.rectification._root import MeanPsi, find_root

Psi = Callable[[Array, Array, Array], ArrayLike]


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

    def solve(self, X: Design, target: Vector, start: Linearized | None) -> tuple[Array, Array]:
        """The root of mean psi, from where other rows have theirs."""

        def values(theta: Array) -> Iterator[Array]:
            return (self.scores(*rows, theta) for rows in blocks(X, target))

        def derivative(theta: Array) -> Array:
            return self._derivative(X, target, theta)

        psi = MeanPsi(values, None if self.jacobian is None else derivative)
        if start is None:
            theta, inverse = find_root(psi, self.start, None)
        else:
            theta, inverse = find_root(psi, start.solution, -start.inverse)
        return theta, -inverse

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
    confidence_level: float = 0.95,
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
    f : array-like of shape (r,)
        Predictions for the same rows.
    X_unlabeled : array-like of shape (m, d)
        The same of the pool; may be empty.
    f_unlabeled : array-like of shape (m,)
        Predictions for the pool.
    start : array-like of shape (k,)
        Where the root finder starts.
    jacobian : callable, default=None
        `jacobian(X, y, theta)` returns the mean derivative (k, k) of psi with respect to theta, a row for each
        component of psi. None takes central differences.
    names : sequence of str, default=None
        Names of the k parameters.
    title : str, default="M-estimate"
        What the result's table calls the estimand.
    lambda_ : float, array-like of shape (k,) or "overall", default=None
        Weight of the predictions; None estimates one for each parameter.
    confidence_level : float, default=0.95
        Level of the intervals that the result shows.

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
    check_confidence_level(confidence_level)
    theta = np.atleast_1d(np.asarray(start, dtype=np.float64))
    if theta.ndim != 1 or not len(theta) or not np.isfinite(theta).all():
        raise ValueError(f"start is {start!r}; expected a finite number for each parameter.")
    if names is not None and len(names) != len(theta):
        raise ValueError(
            f"names has {len(names)} entries for {len(theta)} parameters; expected as many."
        )
    data = check_regression(
        X, y, f, X_unlabeled, f_unlabeled, fit_intercept=False, n_parameters=len(theta)
    )
    labels = tuple(names) if names is not None else tuple(f"theta{j}" for j in range(len(theta)))
    estimand = MEstimand(psi, jacobian, theta, labels, title)
    result = rectify_estimand(estimand, data.labeled, data.unlabeled, lambda_, confidence_level)
    warn_of_zero_width(result, stacklevel=3)
    return result
