"""The rectified mean of labels and predictions in arrays, and of what two stages have made of a sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr._tables import column_names
from sklearn_ftr.rectification._checks import (
    Array,
    check_judgements,
    check_labels,
)
from sklearn_ftr.rectification._deviations import check_enough_labels
from sklearn_ftr.rectification._inference import check_confidence_level
from sklearn_ftr.rectification._judgements import read_judgements
from sklearn_ftr.rectification._moments import columns
from sklearn_ftr.rectification._one_mean import mean_of_one
from sklearn_ftr.rectification._pool import Pool
from sklearn_ftr.rectification._rectified_result import InfluenceValues, rectified_result
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._sample import Sample
from sklearn_ftr.rectification._sampling import PoolPart
from sklearn_ftr.rectification._sampling_beside_moments import check_sampling_beside
from sklearn_ftr.rectification._sampling_design import SamplingDesign
from sklearn_ftr.rectification._sampling_of import check_sampling
from sklearn_ftr.rectification._share_evidence import are_shares
from sklearn_ftr.rectification._source_pool import SummarizedPool
from sklearn_ftr.rectification._tail_of_pool import skewness_of_pool
from sklearn_ftr.rectification._warnings import warn_of_doubts


def rectify_mean(
    y: ArrayLike,
    f: ArrayLike,
    f_unlabeled: ArrayLike,
    *,
    lambda_: ArrayLike | None = None,
    design: SamplingDesign | None = None,
    design_unlabeled: SamplingDesign | None = None,
    finite_population: bool = False,
    missing_judgements: str = "refuse",
    confidence_level: float = 0.95,
    interval: str = "auto",
) -> RectifiedResult:
    """Mean of a population from few labels and many predictions.

    Parameters
    ----------
    y : array-like of shape (r,) or (r, k)
        Labels of the rectification rows. The predictor must not have been trained on these rows. The columns of a data
        frame name the outputs.
    f : array-like of shape (r,) or (r, k)
        Predictions for the same rows. With one dimension more, (r, j) or (r, k, j), they are by j judges, 10 at most, which are all used at once.
    f_unlabeled : array-like of shape (m,) or (m, k), blocks of such, or PoolMoments
        Predictions for the pool, by as many judges. Read once and never copied whole. May be empty: the answer is then
        that of the labels alone. Blocks are what `PoolSource` takes: a function that returns an iterator over them, an object with a method `blocks`, an iterator, paths of
        files, a dataset of pyarrow (docs/large_pools.md).
    lambda_ : float or array-like of shape (k,), default=None
        Weight of the predictions: 0 is labels only, 1 is plain rectification. None estimates, for
        each output, the weight with the smallest variance (power tuning), which costs one degree of
        freedom; with fewer than 6 labels it is 0. Of several judges (j,) or (k, j); a number is the weight of each.
    design, design_unlabeled : SamplingDesign, default=None
        Weights, clusters, strata and labeling probabilities of labeled rows and of the pool. None: rows are independent and
        all alike. PoolMoments hold weights and clusters of the pool themselves.
    finite_population : bool, default=False
        The mean of exactly these rows, labeled and unlabeled, is asked for (a benchmark of 3,000 answers, say). Only which rows
        got a label is random then, and with all rows labeled the standard error is 0.
    missing_judgements : {"refuse", "indicator"}, default="refuse"
        What to do with NaN in predictions, of a judge who has not answered every row. "indicator" puts the judge's mean in their place and
        takes "has answered" for another judge, which is valid where labels were drawn at random. A judge who has answered labeled rows only, or
        none of them, is refused.
    confidence_level : float, default=0.95
        Level of the interval that the result shows.
    interval : {"auto", "t", "skewed", "share", "bootstrap-t"}, default="auto"
        Method of intervals and p-values; "auto" is what suits the labels (docs/which_interval.md).

    Returns
    -------
    RectifiedResult
        Estimate, covariance, degrees of freedom and lambda, with the labels-only and the
        predictions-only answers beside them for comparison. With several judges `lambda_` has one weight for each (and for each indicator),
        `residual_variance` is that of labels less the weighed predictions, and predictions only are the judges' average.

    Raises
    ------
    ValueError
        Shapes that do not match, NaN, infinite or overflowing values, text, dates, fewer than 2 labels,
        different pandas indexes or columns of `y` and `f`; designs of another length, that one side has and the other has not,
        clusters that cross strata, strata without labels or with a single labeled cluster.
    TypeError
        Masked arrays.

    Warns
    -----
    ZeroWidthIntervalWarning
        The data leave no variance at all, so that the interval has zero width.
    PredictionShiftWarning
        Mean predictions of labeled rows and of the pool differ by more than 4 standard errors.

    Notes
    -----
    With V the sample variance (ddof=1)::

        theta  = lambda mean_U f + mean_R(y - lambda f)
        var    = V_R(y - lambda f) / r + lambda^2 V_U(f) / m
        lambda = Cov_R(y, f) / (V_R(f) + (r / m) V_U(f))         the minimiser of var

    The first two lines are prediction-powered inference [1]_ [2]_. PPI++ estimates lambda with the
    variance of f over both samples in the denominator; the minimiser above has the same limit and a
    smaller error (measured in docs/statistics.md). A tuned lambda was fitted to the residuals, so
    their variance is taken after leaving each row out of that fit. Intervals are Student t with
    Welch-Satterthwaite degrees of freedom.

    For several judges f is a vector, and so is lambda: the average of the best weights of every set of judges, each set counting by how
    small its variance is and how few its judges are (docs/statistics.md), so that judges who are alike or useless do no
    harm beside a good one.

    With a design, means are weighted (Hajek): labels by w / pi, the pool by w; where labels were drawn with probabilities pi or within
    strata the pool's side is all rows. Influence values are summed within clusters and centred within strata (linearisation,
    Binder 1983), lambda is the best one for these sums, and r - 1 becomes clusters less strata. For a
    finite population the labels' part is multiplied by 1 - pi and the pool's part is 0.

    References
    ----------
    .. [1] Angelopoulos, Bates, Fannjiang, Jordan and Zrnic (2023), Prediction-powered inference,
       Science 382.
    .. [2] Angelopoulos, Duchi and Zrnic (2023), PPI++: Efficient prediction-powered inference,
       arXiv 2311.01453.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import rectify_mean
    >>> rng = np.random.default_rng(0)
    >>> human = rng.normal(3.0, 1.0, size=2_100)
    >>> judge = human + rng.normal(0.4, 0.5, size=2_100)  # a judge that is 0.4 too kind
    >>> result = rectify_mean(human[:100], judge[:100], judge[100:])
    >>> round(result.estimate, 2), round(result.standard_error, 3)
    (3.02, 0.05)
    >>> round(result.efficiency, 1)  # how often each label counts
    3.8
    """
    result = rectified_mean(
        *(y, f, f_unlabeled, lambda_, confidence_level, missing_judgements),
        design=design,
        design_unlabeled=design_unlabeled,
        finite_population=finite_population,
    )
    result = result.with_interval(interval)
    warn_of_doubts(result, stacklevel=3)
    return result


def rectified_mean(
    y: ArrayLike,
    f: ArrayLike,
    f_unlabeled: ArrayLike,
    lambda_: ArrayLike | None,
    confidence_level: float,
    missing_judgements: str = "refuse",
    **sampling: Any,
) -> RectifiedResult:
    """`rectify_mean` without its warning, for whoever makes more of the result."""
    confidence_level = check_confidence_level(confidence_level)
    labels = check_labels(y, f, f_unlabeled)
    judged = read_judgements(f, f_unlabeled, labels.shape, missing_judgements)
    lambda_ = judged.check_lambda(lambda_, columns(labels[:1]).shape[1])
    pool = judged.as_pool()
    if isinstance(pool, SummarizedPool):
        drawn = check_sampling_beside(pool.known, {"y": y, "f": f}, len(labels), **sampling)
    else:
        drawn = check_sampling(
            {"y": y, "f": f}, {"f_unlabeled": f_unlabeled}, len(labels), pool, **sampling
        )
    y_ = labels.astype(np.float64, copy=False)
    sample = Sample(y_, judged.f, pool, drawn, n_indicators=judged.n_indicators)
    names = tuple(map(str, column_names(y) or ()))
    return mean_of(sample, lambda_, confidence_level, names)


def mean_of(
    sample: Sample,
    lambda_: ArrayLike | str | None,
    confidence_level: float,
    names: tuple[str, ...] = (),
) -> RectifiedResult:
    """The rectified mean of a sample; without unlabeled rows, the mean of all labels.

    A row moves a mean by its distance from it.
    """
    check_enough_labels(len(sample.y))
    with np.errstate(invalid="ignore", over="ignore"):
        plain = mean_of_one(sample, lambda_, confidence_level, names)
        if plain is not None:
            return plain
        f, pool, rows = aligned_means(sample)
        _check_pool(pool.squares, sample.pool)
    shares = are_shares(sample.all_labels)
    values = InfluenceValues(
        y=columns(sample.y),
        f=f,
        pool=pool,
        every=columns(sample.all_labels),
        are_shares=shares,
        pool_skewness=None if shares else _skewness(sample, rows),
    )
    return rectified_result(values, sample, lambda_, confidence_level, sample.y[0], names=names)


def aligned_means(sample: Sample) -> tuple[Array, PoolPart, Array | None]:
    """Predictions (r, k) of labeled rows, the pool's, by models that agree on the pool's mean, and some rows of the pool."""
    folds, drawn, pool = sample.folds, sample.drawn, sample.pool
    if pool.is_empty:
        return sample.f, drawn.pool_part(iter(()), sample.f.shape[1]), None
    if pool.parts:
        return _aligned_parts(sample)
    seen = drawn.of_means(sample.f, pool)
    if not len(folds):
        return sample.f, seen.part, seen.even_rows
    f = np.concatenate(_moved(sample, seen.means, pool.shares))
    rows = seen.even_rows
    if rows is not None:
        rows = np.tensordot(pool.shares, np.split(rows, len(folds), axis=1), axes=1)
    return f, drawn.aligned(f, pool.shares, folds.rows, seen), rows


def _aligned_parts(sample: Sample) -> tuple[Array, PoolPart, Array | None]:
    """Of models each of which has predicted a part of the pool."""
    drawn, shares = sample.drawn, sample.drawn.shares(sample.folds.sizes)
    seen = [drawn.of_means(sample.f, part) for part in sample.pool.parts]
    means = np.concatenate([one.means for one in seen])
    common, unit = shares @ means, np.eye(means.shape[1])
    moved = [one.part.mapped(unit, common - mean) for one, mean in zip(seen, means, strict=True)]
    even = [
        one.even_rows + common - mean
        for one, mean in zip(seen, means, strict=True)
        if one.even_rows is not None
    ]
    f = np.concatenate(_moved(sample, means, shares))
    return f, drawn.joined(moved), np.concatenate(even)


def _moved(sample: Sample, means: Array, shares: Array) -> list[Array]:
    """Predictions of each fold, less its model's mean over the pool (K, k): a constant model becomes exactly the common constant."""
    parts = [sample.f[rows] for rows in sample.folds.rows]
    return [part - mean + shares @ means for part, mean in zip(parts, means, strict=True)]


def _skewness(sample: Sample, rows: Array | None) -> Array | None:
    """Of one judge's predictions of independent rows."""
    k = columns(sample.y[:1]).shape[1]
    if rows is None or len(rows) < 2 or sample.f.shape[1] != k:
        return None
    return skewness_of_pool(rows)


def _check_pool(sums: Array, pool: Pool) -> None:
    """What sums over the pool say of its values: all finite, or an error that counts those that are not."""
    if not np.isfinite(sums).all():
        check_judgements(pool.average, "f_unlabeled")
        raise ValueError("f_unlabeled has values whose squares overflow; divide by a power of ten.")
