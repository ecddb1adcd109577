"""Residual variances of a learning curve, for as many versions of the labels as there are weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sklearn_ftr.estimators._answer import Columns, Rows
from sklearn_ftr.estimators._bootstrap import BootstrapWeights
from sklearn_ftr.estimators._drawn_labels import DrawnPart
from sklearn_ftr.rectification._checks import Array

_ROUNDING_STEPS = 8  # as many may add up in a prediction before it is compared with a label


@dataclass(frozen=True)
class CurveDeviations:
    """Columns (r, k) less their means, and how far rounding alone may take each away from them (k,)."""

    values: Array
    rounding: Array

    def less(self, other: CurveDeviations, weight: Array) -> CurveDeviations:
        """These less `weight` (k,) times others."""
        rounding = np.maximum(self.rounding, np.abs(weight) * other.rounding)
        return CurveDeviations(_beyond(self.values - weight * other.values, rounding), rounding)


def deviations_of(
    of_values: Columns, rows: Rows, values: Array, drawn: DrawnPart | None
) -> CurveDeviations:
    """Of what the values of some rows contribute; columns that vary by no more than rounding are zero.

    Of a sampling design they are those of its independent pieces, such that their variance over the number of rows is that of a mean.
    """
    columns = of_values(rows, values)
    scale = np.maximum(_largest(columns), _largest(of_values(rows, _of_the_size_of(values))))
    rounding = _ROUNDING_STEPS * np.finfo(float).eps * scale
    deviations = _beyond(columns - columns.mean(axis=0), rounding)
    if drawn is None:
        return CurveDeviations(deviations, rounding)
    return CurveDeviations(drawn.of_pieces(deviations), rounding * drawn.rounding_step)


def _of_the_size_of(values: Array) -> Array:
    """Other values: what is left of a constant is small, but rounded like what it is a difference of, and these show how."""
    signs = np.random.RandomState(0).choice([-1.0, 1.0], size=len(values))
    signs = signs.reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray(_largest(values) * signs)


def _largest(values: Array) -> Array:
    """Largest size of each column, without a copy."""
    return np.maximum(values.max(axis=0), -values.min(axis=0))


def _beyond(deviations: Array, rounding: Array) -> Array:
    varies = np.sqrt(np.mean(deviations**2, axis=0)) > rounding
    return deviations if varies.all() else np.where(varies, deviations, 0.0)


def total_variances(y: CurveDeviations, weights: BootstrapWeights, pieces: Rows) -> Array:
    """V(y) in each version of the weights, averaged over outputs."""
    nothing = CurveDeviations(np.zeros_like(y.values), np.zeros_like(y.rounding))
    return residual_variances(y, nothing, weights, pieces, False)


def residual_variances(
    y: CurveDeviations,
    f: CurveDeviations,
    weights: BootstrapWeights,
    pieces: Rows,
    power_tuning: bool,
    leave_one_out: bool = False,
) -> Array:
    """V(y - lambda f) in each version of the weights, averaged over outputs; lambda is 1 or the best one.

    What tuning takes off too much is given back by degrees of freedom, or by leaving each row out: values that are residuals times
    covariates have long tails, and lambda fits more than its share of them.
    """
    n, k = y.values.shape
    # The best lambda for equal weights first: what is left is small where predictions are good, and squared without cancellation.
    square = np.sum(f.values**2, axis=0)
    product = np.sum(y.values * f.values, axis=0)
    best = np.divide(product, square, out=np.zeros_like(square), where=square > 0)
    rest = y.less(f, best if power_tuning else np.ones_like(best)).values
    means = weights.means(_products(rest, f.values, power_tuning), pieces)
    m, mm, *of_f = (means[:, at : at + k] for at in range(0, means.shape[1], k))
    residual = mm - m**2
    if power_tuning:
        f1, f2, shared = of_f[0], of_f[1] - of_f[0] ** 2, of_f[2] - m * of_f[0]
        residual -= np.divide(shared**2, f2, out=np.zeros_like(f1), where=f2 > 0)
        residual *= _inflation(rest, f.values) if leave_one_out else n / max(n - 2, 1)
    else:
        residual *= n / max(n - 1, 1)
    # The Bayesian bootstrap's variances about a mean are n / (n + 1) of those of equal weights on average; about a mean and a
    # tuned lambda, (n - 1) / (n + 1).
    residual[1:] *= (n + 1) / (n - power_tuning)
    return np.maximum(residual, 0).mean(axis=1)


def _products(rest: Array, f: Array, power_tuning: bool) -> Iterator[Array]:
    """Columns whose means are asked for, k of each kind, made one at a time."""
    yield from rest.T
    yield from (one**2 for one in rest.T)
    if power_tuning:
        yield from f.T
        yield from (one**2 for one in f.T)
        yield from (one * other for one, other in zip(rest.T, f.T, strict=True))


def _inflation(rest: Array, f: Array) -> Array:
    """Mean square of leave-one-out residuals of a regression on f, both centred, over that of residuals (k,)."""
    square = np.sum(f**2, axis=0)
    leverage = np.divide(f**2, square, out=np.zeros_like(f), where=square > 0)
    left_out = rest / np.maximum(1 - leverage, 1e-3)
    before = np.sum(rest**2, axis=0)
    ratio = np.divide(np.sum(left_out**2, axis=0), before, out=np.ones_like(before), where=before > 0)
    return ratio * len(f) / (len(f) - 1)
