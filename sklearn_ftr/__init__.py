"""Fine-tuning then rectification: one trustworthy number from few labels and many predictions.

The question: what is this number of a population, if people labeled only some rows and a model predicts all of them? The answer
is an estimate with an interval that is right however bad the model is (Wang, Ye and Zhao, arXiv 2511.19486).

Which name
----------
Predictions are there (y, f: labeled rows; f_unlabeled: all others)
    `rectify_mean`, `rectify_quantile`, `rectify_difference`, `rectify_linear_regression`, `rectify_logistic_regression`,
    `rectify_poisson_regression`, `m_estimate`
Features X of all rows, y with NaN where nobody labeled
    `RectifiedMeanEstimator`, `RectifiedQuantile`, `RectifiedDifference`, `RectifiedLinearRegression`, ...: `fit(X, y)`, `result_`
The model inside of these
    any regressor, classifier or pipeline; `VarianceRegressor`, `TextVarianceRegressor` (texts), `PredictionCorrector` (a judge's column)
How to use the labels, how many more to buy
    `FineTuneRectifyAllocator`: `plan_`, `required_labels`, `next_purchase`; `ScalingLaw` without data
Clusters, weights, strata, labeling probabilities
    `fit(X, y, groups=, sample_weight=, strata=, labeling_probability=)`; `SamplingDesign` for functions

Examples
--------
A judge has scored 2,200 answers, people 200 of them:

>>> import numpy as np
>>> from sklearn_ftr import RectifiedMeanEstimator, rectify_mean
>>> rng = np.random.default_rng(0)
>>> human = rng.normal(3.0, 1.0, size=2_200)
>>> judge = human + rng.normal(0.4, 0.5, size=2_200)
>>> result = rectify_mean(human[:200], judge[:200], judge[200:])
>>> low, high = result.confidence_interval(0.95)
>>> print(f"{result.estimate:.2f} [{low:.2f}, {high:.2f}]. {result.verdict()}")
2.99 [2.92, 3.06]. Each label counts 3.50 times: 200 labels do the work of 701.

Features instead of predictions; NaN is a row without a label:

>>> X = rng.normal(size=(2_000, 3))
>>> y = 3 + X @ [1.0, 0.5, 0.0] + rng.normal(scale=0.5, size=2_000)
>>> y[200:] = np.nan
>>> model = RectifiedMeanEstimator(cv=5, random_state=0).fit(X, y)
>>> print(f"{model.mean_:.2f}, efficiency {model.result_.efficiency:.1f}")
3.08, efficiency 4.2

Do not
------
* pass predictions that a model makes of its own training labels as `f`: give the model to an estimator;
* fill NaN or drop unlabeled rows: they are the population;
* report `predictions_only`: it is as biased as the model; report `estimate`, its interval and `verdict()`;
* leave out `groups=` where a person or conversation has several rows;
* use scikit-learn's `KFold` and scorers around these estimators: `LabeledKFold`, `labeled_scorer`;
* stop buying labels when an ordinary interval looks good: `confidence_sequence`.

docs/agents.md has this with more patterns, and common errors with their fix. Names are loaded when they are first used, so that
`import sklearn_ftr` needs neither torch nor skorch.
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
        Comparison,
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
        compare,
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
    "Comparison": "rectification",
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
    "compare": "rectification",
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
    "Comparison",
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
    "compare",
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
