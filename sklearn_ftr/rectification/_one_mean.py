"""The rectified mean of one number by one judge, of rows that are all alike: the formulas of `_rectify` and `_deviations`, in plain floats.

Simulations ask for it by the hundred thousand, and an operation on an array of one number takes numpy ten times as long as Python one on a float.
Whatever is not plain (a design, folds, labels of 0 and 1, hardly any variance, a large pool) goes the way of all estimands; tests hold the two together.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._error_terms import ErrorOfLabels
from sklearn_ftr.rectification._even_rows import MOST_ROWS
from sklearn_ftr.rectification._inference import Estimate
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._moments import centred
from sklearn_ftr.rectification._pool import ArrayPool
from sklearn_ftr.rectification._power_tuning import MIN_LABELS_TO_TUNE
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._sample import Sample
from sklearn_ftr.rectification._sampling import SimpleRandom
from sklearn_ftr.rectification._share_evidence import are_shares
from sklearn_ftr.rectification._tail_of_pool import clear_skewness, expected_third

# Standard deviations over the root mean square that are far more than rounding, also of numbers that were computed in float32.
_VARIES = 1e-4
# Sums of squares of which no power overflows, and weights whose squares leave them so.
_LEAST, _MOST, _LARGEST_WEIGHT = 1e-60, 1e60, 1e6


class Column(NamedTuple):
    """Numbers (n,): their mean, deviations from it, and the sum of squares of these."""

    mean: float
    deviations: Array
    squares: float

    @property
    def variance_of_mean(self) -> float:
        """V / n."""
        n = len(self.deviations)
        return self.squares / (n - 1) / n

    @property
    def scale(self) -> float:
        """Root mean square."""
        return math.sqrt(self.mean**2 + self.squares / len(self.deviations))

    @property
    def varies(self) -> bool:
        """By far more than rounding."""
        n = len(self.deviations)
        return _LEAST < self.squares < _MOST and self.squares > n * (_VARIES * self.scale) ** 2

    @property
    def alone(self) -> Estimate:
        """What these numbers say of their mean."""
        covariance = np.array([[self.variance_of_mean]])
        return Estimate(self.mean, covariance, float(len(self.deviations) - 1))


class Weighed(NamedTuple):
    """What lambda makes of labels and predictions: y - lambda f of each row (r,), the two parts of the variance, and degrees of freedom of the first."""

    lambda_: float
    rows: Array
    of_labels: float
    of_pool: float
    degrees: int


def mean_of_one(
    sample: Sample, lambda_: ArrayLike | None, confidence_level: float, names: tuple[str, ...]
) -> RectifiedResult | None:
    """As `_mean.mean_of`; None where the sample is not plain."""
    rows = _plain_pool(sample)
    if rows is None or not (lambda_ is None or np.abs(lambda_) < _LARGEST_WEIGHT):
        return None
    y, f, pool = _column(sample.y), _column(sample.f[:, 0]), _column(rows)
    if not (y.varies and f.varies and pool.varies):
        return None
    weighed = _weighed(y, f, pool, lambda_)
    differences = y.deviations - f.deviations
    residual_variance = float(differences @ differences) / (len(differences) - 1)
    least = len(differences) * weighed.of_labels, residual_variance
    if min(least) < (_VARIES * (y.scale + max(1.0, abs(weighed.lambda_)) * f.scale)) ** 2:
        return None
    theta = y.mean + weighed.lambda_ * (pool.mean - f.mean)
    return RectifiedResult(
        estimate=theta,
        covariance=np.array([[weighed.of_labels + weighed.of_pool]]),
        degrees_of_freedom=_welch_satterthwaite(weighed, len(rows) - 1),
        lambda_=weighed.lambda_,
        rectifier=theta - weighed.lambda_ * pool.mean,
        residual_variance=residual_variance,
        recycled_weight=0.0,
        n_labeled=len(differences),
        n_finetune=sample.n_finetune,
        n_rectify=len(differences),
        n_unlabeled=len(rows),
        labels_only=y.alone,
        labels_error=ErrorOfLabels(y.deviations[:, None], None, True),
        predictions_only=pool.alone,
        confidence_level=confidence_level,
        names=names,
        prediction_shift=_shift(f, pool),
        influence=_influence(y, f, pool, weighed),
        is_tuned=lambda_ is None,
        rows=sample.drawn.rows,
    )


def _plain_pool(sample: Sample) -> NDArray[Any] | None:
    """Predictions (m,) of the pool, if all is plain."""
    drawn, pool, r = sample.drawn, sample.pool, len(sample.y)
    if not (type(drawn) is SimpleRandom and type(pool) is ArrayPool and sample.trained is None):
        return None
    if len(sample.folds) or sample.n_unlabeled is not None or len(pool.of_models) > 1:
        return None
    rows = pool.of_models[0]
    of_one = sample.y.ndim == sample.f.shape[1] == 1 and getattr(rows, "ndim", 0) == 1
    if not of_one or rows.dtype != np.float64 or (sample.y[0] in (0.0, 1.0) and are_shares(sample.y)):
        return None
    return rows if MIN_LABELS_TO_TUNE <= r <= len(rows) <= MOST_ROWS else None


def _column(values: Array) -> Column:
    mean, deviations = centred(values)
    return Column(float(mean), deviations, float(deviations @ deviations))


def _weighed(y: Column, f: Column, pool: Column, lambda_: ArrayLike | None) -> Weighed:
    """By the given lambda, or by the best one, with residuals as if each row had not tuned it."""
    r, of_pool = len(y.deviations), pool.variance_of_mean
    if lambda_ is None:
        denominator = f.squares + r * (r - 1) * of_pool
        weight = float(y.deviations @ f.deviations) / denominator
        rows = (y.deviations - weight * f.deviations) / (1 - f.deviations**2 / denominator)
    else:
        weight = float(np.asarray(lambda_).item())
        rows = y.deviations - weight * f.deviations
    of_labels = float(rows @ rows) / (r - 1) / r
    return Weighed(weight, rows, of_labels, weight**2 * of_pool, r - 1 - (lambda_ is None))


def _welch_satterthwaite(weighed: Weighed, of_pool: int) -> float:
    share = weighed.of_labels / (weighed.of_labels + weighed.of_pool)
    return 1 / (share**2 / weighed.degrees + (1 - share) ** 2 / of_pool)


def _shift(f: Column, pool: Column) -> float:
    """See `_rectify.prediction_shift`."""
    r, m, gap = len(f.deviations), len(pool.deviations), f.mean - pool.mean
    of_both = f.squares + pool.squares + gap**2 * (r * m / (r + m))
    variance = max(of_both / (r + m - 1), f.squares / (r - 1))
    return gap / math.sqrt(variance * (1 / r + 1 / m))


def _influence(y: Column, f: Column, pool: Column, weighed: Weighed) -> Influence:
    r, m = len(y.deviations), len(pool.deviations)
    return Influence(
        weighed.rows[:, None],
        np.array([[weighed.of_pool]]),
        r - 1,
        (np.array([float(weighed.degrees)]), np.array([float(m - 1)])),
        labels=y.deviations[:, None],
        predictions=(weighed.lambda_ * f.deviations)[:, None],
        expected_third=_expected_third(pool, weighed, r),
    )


def _expected_third(pool: Column, weighed: Weighed, r: int) -> Array | None:
    """See `_tail_of_pool`."""
    m, u = len(pool.deviations), pool.deviations
    skewness = clear_skewness(float(u * u @ u), pool.squares, m)
    if not skewness:
        return None
    of_one = pool.squares / (m - 1)
    return expected_third(weighed.of_labels * r, r, weighed.lambda_, skewness, of_one)[None]
