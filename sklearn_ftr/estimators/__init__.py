"""The scikit-learn estimators: validate, split or cross-fit, call the two stages, keep the result."""

from sklearn_ftr.estimators._allocator import FineTuneRectifyAllocator
from sklearn_ftr.estimators._learning_curve import LearningCurve
from sklearn_ftr.estimators._out_of_sample_predictions import OutOfSamplePredictions
from sklearn_ftr.estimators._prediction_corrector import PredictionCorrector
from sklearn_ftr.estimators._purchase import Purchase
from sklearn_ftr.estimators._rectified_difference import RectifiedDifference
from sklearn_ftr.estimators._rectified_linear_regression import RectifiedLinearRegression
from sklearn_ftr.estimators._rectified_logistic_regression import RectifiedLogisticRegression
from sklearn_ftr.estimators._rectified_mean import RectifiedMeanEstimator
from sklearn_ftr.estimators._rectified_poisson_regression import RectifiedPoissonRegression
from sklearn_ftr.estimators._rectified_quantile import RectifiedQuantile
from sklearn_ftr.estimators._scaling_law_regressor import ScalingLawRegressor

__all__ = [
    "FineTuneRectifyAllocator",
    "LearningCurve",
    "OutOfSamplePredictions",
    "PredictionCorrector",
    "Purchase",
    "RectifiedDifference",
    "RectifiedLinearRegression",
    "RectifiedLogisticRegression",
    "RectifiedMeanEstimator",
    "RectifiedPoissonRegression",
    "RectifiedQuantile",
    "ScalingLawRegressor",
]
