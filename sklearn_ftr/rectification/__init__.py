"""Stage 2, rectification: arrays of labels and predictions in, estimate and covariance out.

Knows numpy and scipy only. The functions `rectify_...` are the door for people who already have predictions.
"""

from sklearn_ftr.rectification._compare import compare
from sklearn_ftr.rectification._comparison import Comparison
from sklearn_ftr.rectification._contrast import ContrastResult
from sklearn_ftr.rectification._difference import rectify_difference
from sklearn_ftr.rectification._inference import ConfidenceInterval, Estimate
from sklearn_ftr.rectification._labels_needed import LabelsNeeded
from sklearn_ftr.rectification._linear_regression_moments import LinearRegressionMoments
from sklearn_ftr.rectification._m_estimate import m_estimate
from sklearn_ftr.rectification._mean import rectify_mean
from sklearn_ftr.rectification._pool_moments import PoolMoments
from sklearn_ftr.rectification._pool_source import PoolSource
from sklearn_ftr.rectification._quantile import rectify_quantile
from sklearn_ftr.rectification._regression import (
    rectify_glm,
    rectify_linear_regression,
    rectify_logistic_regression,
    rectify_poisson_regression,
)
from sklearn_ftr.rectification._result import RectifiedResult
from sklearn_ftr.rectification._sampling_design import SamplingDesign
from sklearn_ftr.rectification._wald import WaldTest
from sklearn_ftr.rectification._warnings import PredictionShiftWarning, ZeroWidthIntervalWarning

__all__ = [
    "Comparison",
    "ConfidenceInterval",
    "ContrastResult",
    "Estimate",
    "LabelsNeeded",
    "LinearRegressionMoments",
    "PoolMoments",
    "PoolSource",
    "PredictionShiftWarning",
    "RectifiedResult",
    "SamplingDesign",
    "WaldTest",
    "ZeroWidthIntervalWarning",
    "compare",
    "m_estimate",
    "rectify_difference",
    "rectify_glm",
    "rectify_linear_regression",
    "rectify_logistic_regression",
    "rectify_mean",
    "rectify_poisson_regression",
    "rectify_quantile",
]
