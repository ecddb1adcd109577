"""The scaling law as a scikit-learn regressor of residual variances on training sizes."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted, column_or_1d

from sklearn_ftr._documentation_link import LinksDocumentation
from sklearn_ftr._sklearn_private import Interval, check_sample_weight, fit_context
from sklearn_ftr._tables import refuse_masked
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.allocation._law_fit import FittedLaw, fit_scaling_law
from sklearn_ftr.allocation._scaling_law import ScalingLaw
from sklearn_ftr.estimators._inner_model import draw_seed
from sklearn_ftr.estimators._learned import replace_learned
from sklearn_ftr.rectification._checks import Array


class ScalingLawRegressor(Versioned, LinksDocumentation, RegressorMixin, BaseEstimator):
    """Regression of residual variances on training sizes: v(s) = a (s + s0)^-alpha + b.

    For learning curves that were measured elsewhere; `FineTuneRectifyAllocator` measures and fits by itself.

    Parameters
    ----------
    n_bootstrap : int, default=200
        Curves drawn for standard errors and band.
    random_state : int, RandomState instance or None, default=None
        Seeds the bootstrap.

    Attributes
    ----------
    law_ : ScalingLaw
        The fitted law.
    law_fit_ : FittedLaw
        The law with standard errors, covariance, R^2, verdict and band.

    Raises
    ------
    ValueError
        From `fit`: fewer than 2 different sizes, negative sizes or variances, NaN.

    Notes
    -----
    Weighted least squares with a >= 0, b >= 0, 0 < alpha <= 2; see `fit_scaling_law`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import ScalingLawRegressor
    >>> sizes = np.array([50, 100, 200, 400])
    >>> regressor = ScalingLawRegressor().fit(sizes, 1 + 2 / np.sqrt(sizes))
    >>> regressor.predict([1600]).round(3)
    array([1.05])
    """

    law_: ScalingLaw
    law_fit_: FittedLaw
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_bootstrap": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(self, n_bootstrap: int = 200, *, random_state: Any = None) -> None:
        self.n_bootstrap = n_bootstrap
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the law.

        Parameters
        ----------
        X : array-like of shape (j,) or (j, 1)
            Numbers of labels that trained; 0 is a zero-shot value.
        y : array-like of shape (j,)
            Residual variances.
        sample_weight : array-like of shape (j,), default=None
            Inverse squares of the standard errors of `y`, up to a factor. None weighs relative errors equally.

        Returns
        -------
        self
        """
        for values, name in ((X, "X"), (y, "y"), (sample_weight, "sample_weight")):
            refuse_masked(values, name)
        sizes = self._sizes(X)
        y = column_or_1d(check_array(y, ensure_2d=False, dtype=np.float64), warn=True)
        check_consistent_length(sizes, y)
        errors = None
        if sample_weight is not None:
            weight = check_sample_weight(
                sample_weight, sizes, dtype=np.float64, ensure_non_negative=True
            )
            if not weight.any():
                raise ValueError("sample_weight is zero for every row; expected some positive weight.")
            sizes, y, errors = sizes[weight > 0], y[weight > 0], weight[weight > 0] ** -0.5
        fitted = fit_scaling_law(
            sizes,
            y,
            standard_errors=errors,
            n_bootstrap=self.n_bootstrap,
            random_state=draw_seed(check_random_state(self.random_state)),
        )
        replace_learned(self, {"law_": fitted.law, "law_fit_": fitted})
        return self

    def predict(self, X: Any) -> Array:
        """Residual variances after training on `X` labels.

        Parameters
        ----------
        X : array-like of shape (j,) or (j, 1)

        Returns
        -------
        ndarray of shape (j,)
        """
        check_is_fitted(self, "law_")
        return np.asarray(self.law_.predict(self._sizes(X)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.positive_only = True
        tags.target_tags.positive_only = True
        tags.regressor_tags.poor_score = True
        return tags

    def _sizes(self, X: Any) -> Array:
        sizes = check_array(X, ensure_2d=False, dtype=np.float64, input_name="X")
        if sizes.ndim == 2 and sizes.shape[1] == 1:
            sizes = sizes[:, 0]
        if sizes.ndim != 1:
            raise ValueError(f"X has shape {sizes.shape}; expected one column of training sizes.")
        if (sizes < 0).any():
            raise ValueError("Negative values in data passed to X: training sizes cannot be negative.")
        return sizes
