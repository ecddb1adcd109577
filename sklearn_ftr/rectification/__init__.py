"""Stage 2, rectification: arrays of labels and predictions in, estimate and covariance out.

Knows numpy and scipy only. `rectify_mean` is the door for people who already have predictions.
"""

from sklearn_ftr.rectification._inference import ConfidenceInterval, Estimate
from sklearn_ftr.rectification._mean import rectify_mean
from sklearn_ftr.rectification._result import RectifiedResult, ZeroWidthIntervalWarning

__all__ = [
    "ConfidenceInterval",
    "Estimate",
    "RectifiedResult",
    "ZeroWidthIntervalWarning",
    "rectify_mean",
]
