"""The predictor of `estimator=None`: ridge regression, on the columns of whatever table comes.

Numbers without gaps go to the ridge as they are; only for the others does `TableEncoder` do anything.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ftr._table_encoder import TableEncoder

_RIDGE_PENALTIES = tuple(10.0**exponent for exponent in range(-2, 7))


def default_estimator() -> Pipeline:
    """Ridge regression on standardized features, its penalty chosen by leave-one-out.

    With an intercept, least squares minimises the variance of the errors: this is the linear predictor
    of the variance loss in closed form. Features are scaled but not centred, so that sparse X works.
    """
    ridge = QuietRidgeCV(alphas=_RIDGE_PENALTIES)
    return make_pipeline(TableEncoder(), StandardScaler(with_mean=False), ridge)


def or_default(estimator: Any) -> Any:
    """The user's predictor, or the default one in place of None."""
    return default_estimator() if estimator is None else estimator


class QuietRidgeCV(RidgeCV):
    """Ridge regression that says nothing where two equal labels leave 0 / 0 for leave-one-out (scikit-learn before 1.7)."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Any:
        """As `RidgeCV`, whose penalty is then the smallest: the prediction is that label, whatever it is."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return super().fit(X, y, sample_weight=sample_weight, **params)
