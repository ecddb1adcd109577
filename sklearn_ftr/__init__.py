"""Fine-tuning then rectification: one trustworthy number from few labels and many predictions.

Names are loaded when they are first used, so that `import sklearn_ftr` needs neither torch nor skorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn_ftr.allocation import (
        Costs,
        FittedLaw,
        LawCurve,
        MissedForecastWarning,
        Plan,
        RequiredLabels,
        ScalingLaw,
        SplitCurve,
        fit_scaling_law,
    )
    from sklearn_ftr.displays import (
        CalibrationDisplay,
        CoverageDisplay,
        ForestDisplay,
        LabelBudgetDisplay,
        PlanDisplay,
        ResidualDisplay,
        ScalingLawDisplay,
        SequenceDisplay,
    )
    from sklearn_ftr.estimators import (
        FineTuneRectifyAllocator,
        LearningCurve,
        OutOfSamplePredictions,
        PredictionCorrector,
        RectifiedDifference,
        RectifiedLinearRegression,
        RectifiedLogisticRegression,
        RectifiedMeanEstimator,
        RectifiedPoissonRegression,
        RectifiedQuantile,
        ScalingLawRegressor,
    )
    from sklearn_ftr.finetuning import (
        EmbeddingCacheWarning,
        TextEmbedder,
        TextVarianceRegressor,
        VarianceLoss,
        VarianceRegressor,
    )
    from sklearn_ftr.model_selection import LabeledKFold, labeled_scorer
    from sklearn_ftr.rectification import (
        ConfidenceInterval,
        ContrastResult,
        Estimate,
        LabelsNeeded,
        LinearRegressionMoments,
        PoolMoments,
        PoolSource,
        PredictionShiftWarning,
        RectifiedResult,
        SamplingDesign,
        WaldTest,
        ZeroWidthIntervalWarning,
        m_estimate,
        rectify_difference,
        rectify_glm,
        rectify_linear_regression,
        rectify_logistic_regression,
        rectify_mean,
        rectify_poisson_regression,
        rectify_quantile,
    )

__version__ = "0.1.0"

_HOMES = {
    "CalibrationDisplay": "displays",
    "ConfidenceInterval": "rectification",
    "ContrastResult": "rectification",
    "Costs": "allocation",
    "CoverageDisplay": "displays",
    "EmbeddingCacheWarning": "finetuning",
    "Estimate": "rectification",
    "FineTuneRectifyAllocator": "estimators",
    "FittedLaw": "allocation",
    "ForestDisplay": "displays",
    "LabelBudgetDisplay": "displays",
    "LabeledKFold": "model_selection",
    "LabelsNeeded": "rectification",
    "LawCurve": "allocation",
    "LearningCurve": "estimators",
    "LinearRegressionMoments": "rectification",
    "MissedForecastWarning": "allocation",
    "OutOfSamplePredictions": "estimators",
    "Plan": "allocation",
    "PlanDisplay": "displays",
    "PoolMoments": "rectification",
    "PoolSource": "rectification",
    "PredictionCorrector": "estimators",
    "PredictionShiftWarning": "rectification",
    "RectifiedDifference": "estimators",
    "RectifiedLinearRegression": "estimators",
    "RectifiedLogisticRegression": "estimators",
    "RectifiedMeanEstimator": "estimators",
    "RectifiedPoissonRegression": "estimators",
    "RectifiedQuantile": "estimators",
    "RectifiedResult": "rectification",
    "RequiredLabels": "allocation",
    "ResidualDisplay": "displays",
    "SamplingDesign": "rectification",
    "ScalingLaw": "allocation",
    "ScalingLawDisplay": "displays",
    "ScalingLawRegressor": "estimators",
    "SequenceDisplay": "displays",
    "SplitCurve": "allocation",
    "TextEmbedder": "finetuning",
    "TextVarianceRegressor": "finetuning",
    "VarianceLoss": "finetuning",
    "VarianceRegressor": "finetuning",
    "WaldTest": "rectification",
    "ZeroWidthIntervalWarning": "rectification",
    "fit_scaling_law": "allocation",
    "labeled_scorer": "model_selection",
    "m_estimate": "rectification",
    "rectify_difference": "rectification",
    "rectify_glm": "rectification",
    "rectify_linear_regression": "rectification",
    "rectify_logistic_regression": "rectification",
    "rectify_mean": "rectification",
    "rectify_poisson_regression": "rectification",
    "rectify_quantile": "rectification",
}

__all__ = [
    "CalibrationDisplay",
    "ConfidenceInterval",
    "ContrastResult",
    "Costs",
    "CoverageDisplay",
    "EmbeddingCacheWarning",
    "Estimate",
    "FineTuneRectifyAllocator",
    "FittedLaw",
    "ForestDisplay",
    "LabelBudgetDisplay",
    "LabeledKFold",
    "LabelsNeeded",
    "LawCurve",
    "LearningCurve",
    "LinearRegressionMoments",
    "MissedForecastWarning",
    "OutOfSamplePredictions",
    "Plan",
    "PlanDisplay",
    "PoolMoments",
    "PoolSource",
    "PredictionCorrector",
    "PredictionShiftWarning",
    "RectifiedDifference",
    "RectifiedLinearRegression",
    "RectifiedLogisticRegression",
    "RectifiedMeanEstimator",
    "RectifiedPoissonRegression",
    "RectifiedQuantile",
    "RectifiedResult",
    "RequiredLabels",
    "ResidualDisplay",
    "SamplingDesign",
    "ScalingLaw",
    "ScalingLawDisplay",
    "ScalingLawRegressor",
    "SequenceDisplay",
    "SplitCurve",
    "TextEmbedder",
    "TextVarianceRegressor",
    "VarianceLoss",
    "VarianceRegressor",
    "WaldTest",
    "ZeroWidthIntervalWarning",
    "fit_scaling_law",
    "labeled_scorer",
    "m_estimate",
    "rectify_difference",
    "rectify_glm",
    "rectify_linear_regression",
    "rectify_logistic_regression",
    "rectify_mean",
    "rectify_poisson_regression",
    "rectify_quantile",
]


# A type checker knows the names from above; with this function it would believe in any other name, too.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
