"""The scikit-learn estimators: validate, split or cross-fit, call the two stages, keep the result."""

from sklearn_ftr.estimators._rectified_mean import RectifiedMeanEstimator

__all__ = ["RectifiedMeanEstimator"]
