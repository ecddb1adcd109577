"""Coefficients of linear, logistic and Poisson regressions of labels and predictions in arrays."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from sklearn_ftr._arguments import check_choice
from sklearn_ftr.rectification._families import FAMILIES
from sklearn_ftr.rectification._generalized_linear import GeneralizedLinear
from sklearn_ftr.rectification._inference import check_confidence_level
from sklearn_ftr.rectification._linear_regression_moments import LinearRegressionMoments
from sklearn_ftr.rectification._linearize import rectify_estimand
from sklearn_ftr.rectification._regression_data import check_regression
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._sampling_beside_moments import check_sampling_beside
from sklearn_ftr.rectification._sampling_design import SamplingDesign
from sklearn_ftr.rectification._sampling_of import check_sampling
from sklearn_ftr.rectification._warnings import warn_of_doubts


def rectify_glm(
    X: ArrayLike,
    y: ArrayLike,
    f: ArrayLike,
    X_unlabeled: ArrayLike | LinearRegressionMoments,
    f_unlabeled: ArrayLike | None = None,
    *,
    family: str = "gaussian",
    fit_intercept: bool = True,
    lambda_: ArrayLike | str | None = None,
    design: SamplingDesign | None = None,
    design_unlabeled: SamplingDesign | None = None,
    finite_population: bool = False,
    missing_judgements: str = "refuse",
    confidence_level: float = 0.95,
    interval: str = "auto",
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
    X_unlabeled : array-like of shape (m, d), blocks of such, or LinearRegressionMoments
        Covariates of the pool. Read in blocks, never copied whole (data frames of mixed types are). May be empty. Blocks as in `rectify_mean`; they are read several
        times, so that an iterator is not enough. For "gaussian" a summary of covariates and predictions takes the place of both.
    f_unlabeled : array-like of shape (m,) or (m, j), or blocks of such; None beside a summary
        Predictions for the pool, clipped likewise. Blocks need not be cut as those of `X_unlabeled` are.
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
    interval : {"auto", "t", "skewed", "share", "bootstrap-t"}, default="auto"
        Method of intervals and p-values; "auto" is what suits the labels (docs/which_interval.md).

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
    nothing. The covariance is the sandwich of those, with the factor r / (r - k) (HC1); intervals are
    Student t, those of "auto" with effective degrees of freedom (Bell and McCaffrey 2002).

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
        interval=interval,
    )


def _rectify(
    X: ArrayLike,
    y: ArrayLike,
    f: ArrayLike,
    X_unlabeled: ArrayLike | LinearRegressionMoments,
    f_unlabeled: ArrayLike | None,
    *,
    family: str,
    fit_intercept: bool = True,
    lambda_: ArrayLike | str | None = None,
    design: SamplingDesign | None = None,
    design_unlabeled: SamplingDesign | None = None,
    finite_population: bool = False,
    missing_judgements: str = "refuse",
    confidence_level: float = 0.95,
    interval: str = "auto",
) -> RectifiedResult:
    """What all public functions here call, at one distance from their callers."""
    confidence_level = check_confidence_level(confidence_level)
    check_choice(family, "family", tuple(FAMILIES))
    kind = FAMILIES[family]
    data = check_regression(
        *(X, y, f, X_unlabeled, f_unlabeled, fit_intercept),
        missing_judgements=missing_judgements,
        is_linear=kind.is_linear,
    )
    judged = data.judged
    lambda_ = judged.check_lambda(lambda_, len(data.names), "coefficients", overall=True)
    kind.check_labels(data.y, "y")
    for name, predictions in (("f", judged.f), ("f_unlabeled", data.some_predictions)):
        for judge in range(judged.n_given):
            kind.check_predictions(predictions[:, judge], name)
    limits = None if kind.is_linear else kind.limits(data.y)
    estimand = GeneralizedLinear.of(kind, data.names, data.X)
    of_labels, designs = {"y": y, "f": f, "X": X}, (design, design_unlabeled, finite_population)
    if isinstance(X_unlabeled, LinearRegressionMoments):
        drawn = check_sampling_beside(X_unlabeled.predictions, of_labels, len(data.y), *designs)
    else:
        of_pool = {"f_unlabeled": f_unlabeled, "X_unlabeled": X_unlabeled}
        drawn = check_sampling(of_labels, of_pool, len(data.y), data.unlabeled, *designs)
    sample = data.sample(drawn, estimand.seen, limits)
    result = rectify_estimand(estimand, sample, lambda_, confidence_level).result
    result = result.with_interval(interval)
    warn_of_doubts(result, stacklevel=4)
    return result


def rectify_linear_regression(
    X: ArrayLike,
    y: ArrayLike,
    f: ArrayLike,
    X_unlabeled: ArrayLike | LinearRegressionMoments,
    f_unlabeled: ArrayLike | None = None,
    **options: Any,
) -> RectifiedResult:
    """Coefficients of a linear regression by least squares: `rectify_glm` with family="gaussian", whose arguments it takes.

    `X_unlabeled` may be `LinearRegressionMoments`, which hold predictions as well; `f_unlabeled` is left out then.
    """
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
