"""What rectification needs of a sample: means, and how far each independent piece of it moves them.

A piece is a row, or all rows of a cluster. Everything that follows (`_rectify.rectify`: lambda, variance, degrees of freedom) is sums of
squares over pieces, so that it is the same for any sampling design. The formulas for pieces that are rows with equal
weights are here; those for designs are in `_designed_sampling`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._short_repr import short_repr
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._cross_fitting import cross_fitting_degrees_of_freedom
from sklearn_ftr.rectification._error_terms import ErrorOfLabels
from sklearn_ftr.rectification._evenness import Evenness
from sklearn_ftr.rectification._inference import Estimate
from sklearn_ftr.rectification._moments import Moments, centred, rounding, sums_of_squares
from sklearn_ftr.rectification._packed_rows import WithPackedRows


@short_repr
@dataclass(frozen=True, eq=False)
class Deviations(WithPackedRows):
    """Means of labels y, their predictions f and the pool's predictions, all (k,), and deviations of G labeled pieces.

    With j judges f and the pool have k j columns: those of the first number first.

    Parameters
    ----------
    y_mean, f_mean, pool_mean : ndarray of shape (k,)
    y, f : ndarray of shape (G, k)
        Scaled so that sums of squares over G `spare` are the variances of y_mean, and of the labeled pieces' part of
        f_mean - pool_mean.
    spare : int
        Degrees of freedom of these: G - 1, or G less the number of strata.
    pool_covariance : ndarray of shape (k, k)
        Of pool_mean, as far as pieces without labels make it.
    pool_covariance_of_both : ndarray of shape (k, k)
        The same, if predictions of labeled rows tell how the pool's vary, too.
    pool_degrees : int
        Of that.
    noise : tuple of ndarray of shape (k,)
        How far rounding alone may have moved a deviation of y, and of f.
    residual_variance : ndarray of shape (k,)
        V(y - f) of rows.
    has_pool : bool
        Whether there are predictions of unlabeled rows.
    can_tune : bool, default=True
        Whether the pool is more than a handful of pieces with labels, any of which would decide on lambda.
    evenness : Evenness, default=None
        How unevenly pieces know the numbers; None where they do so evenly, or where that is not known.
    """

    y_mean: Array
    f_mean: Array
    pool_mean: Array
    y: Array
    f: Array
    spare: int
    pool_covariance: Array
    pool_covariance_of_both: Array
    pool_degrees: int
    noise: tuple[Array, Array]
    residual_variance: Array
    has_pool: bool
    can_tune: bool = True
    evenness: Evenness | None = None

    def cross_fitting_degrees(self, n_folds: int, n_parameters: int = 1) -> int | None:
        """Degrees of freedom where so many models have predicted a fold each; without folds None leaves them to `rectify`."""
        lost = n_parameters + len(self.y) - self.spare - 1
        return cross_fitting_degrees_of_freedom(len(self.y), n_folds, lost) if n_folds else None

    def labels_only(self, n_parameters: int = 1) -> Estimate:
        """The mean of the labels by themselves; `n_parameters` are fitted together."""
        spare = self.spare - (n_parameters - 1)
        covariance = self.y.T @ self.y / (len(self.y) * spare)
        return Estimate(self.y_mean, covariance, np.full(len(self.y_mean), float(spare)))

    def error_of_labels(self, n_parameters: int = 1) -> ErrorOfLabels:
        """Of the mean of the labels; `n_parameters` are fitted together."""
        return ErrorOfLabels(self.y, self.evenness, n_parameters == 1)


def deviations_of_rows(
    y: Array,
    f: Array,
    pool: Moments,
    noise: tuple[Array, Array] | None = None,
    reach: Array | None = None,
) -> Deviations:
    """Of rows (r, k), and (r, k j) for j judges, that are a simple random sample; `noise` where that is more than the rows' last places tell, `reach`
    as for `Sampling.deviations`.
    """
    check_enough_labels(len(y))
    k, known = y.shape[1], None if noise is None else np.concatenate(noise)
    # All columns at once, each of them in one piece.
    mean, deviations, known = _centred(np.concatenate([y.T, f.T]).T, known)
    dy, df, of_y, of_f = deviations[:, :k], deviations[:, k:], known[:k], known[k:]
    covariance, of_both, degrees = _pool_covariance(df, pool)
    return Deviations(
        y_mean=mean[:k],
        f_mean=mean[k:],
        pool_mean=pool.mean,
        y=dy,
        f=df,
        spare=len(y) - 1,
        pool_covariance=covariance,
        pool_covariance_of_both=of_both,
        pool_degrees=degrees,
        noise=(of_y, of_f),
        residual_variance=_residual_variance(dy, df, of_y, of_f),
        has_pool=pool.count > 0,
        evenness=_evenness(reach),
    )


def _evenness(reach: Array | None) -> Evenness | None:
    return None if reach is None else Evenness.of_rows(reach)


def deviations_of_labels(rows: Array, reach: Array | None = None) -> Deviations:
    """Of rows (r, k) that are a simple random sample, without a pool."""
    check_enough_labels(len(rows))
    mean, deviations, noise = _centred(rows)
    k = rows.shape[1]
    return Deviations(
        y_mean=mean,
        f_mean=mean,
        pool_mean=np.zeros(k),
        y=deviations,
        f=deviations,
        spare=len(rows) - 1,
        pool_covariance=np.zeros((k, k)),
        pool_covariance_of_both=np.zeros((k, k)),
        pool_degrees=1,
        noise=(noise, noise),
        residual_variance=np.zeros(k),
        has_pool=False,
        evenness=_evenness(reach),
    )


def _residual_variance(dy: Array, df: Array, of_y: Array, of_f: Array) -> Array:
    """V(y - f); of several judges it is known with their weights only."""
    if dy.shape != df.shape:
        return np.full(dy.shape[1], np.nan)
    squares, r = sums_of_squares(dy - df), len(dy)
    return squares * (squares > r * (of_y + of_f) ** 2) / (r - 1)


def beyond_rounding(residuals: Array, noise: Array) -> Array:
    """Residuals (r, k), or zeros in columns where they are no larger than rounding makes them."""
    return _beyond(residuals, sums_of_squares(residuals) <= len(residuals) * noise**2)


def _beyond(residuals: Array, flat: NDArray[np.bool_]) -> Array:
    return np.where(flat, 0.0, residuals) if flat.any() else residuals


def check_enough_labels(r: int) -> None:
    """Two labels, at least."""
    if r < 2:
        raise ValueError(
            f"Rectification got {r} labeled row{'s' * (r != 1)} (n_samples={r}); expected at least 2, "
            "because one shows no variance."
        )


def _centred(values: Array, noise: Array | None = None) -> tuple[Array, Array, Array]:
    """Means (k,), deviations (r, k) from them that are more than rounding, and how far that may have moved them (k,): `noise`, if it is known."""
    mean, deviations = centred(values)
    mean_squares = sums_of_squares(deviations) / len(values)
    if noise is None:
        noise = rounding(values, mean**2 + mean_squares)
    return mean, _beyond(deviations, mean_squares <= noise**2), noise


def _pool_covariance(df: Array, pool: Moments) -> tuple[Array, Array, int]:
    """V_U(f) / m, the same with V(f) of both samples, and the degrees of freedom of the former.

    A pool smaller than the rectification set borrows the deviations `df` (r, k) of its predictions:
    from a handful of rows V_U(f) is too uncertain to weigh predictions by.
    """
    r, m = len(df), pool.count
    if m == 0:
        return np.zeros_like(pool.cross_products), np.zeros_like(pool.cross_products), 1
    of_both = (pool.cross_products + df.T @ df) / (m - 1 + r - 1) / m
    if m < r:
        return of_both, of_both, m - 1 + r - 1
    return pool.covariance / m, of_both, m - 1
