"""Code as users write it, for the type checker alone: `make types` fails where a mistake passes or a type is lost.

A mistake is marked by `type: ignore` with its kind; mypy reports the mark (warn_unused_ignores) when nothing is wrong.
"""

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import sklearn_ftr
import sklearn_ftr.datasets
import sklearn_ftr.estimators
import sklearn_ftr.model_selection
from sklearn_ftr import (
    CalibrationDisplay,
    FineTuneRectifyAllocator,
    FittedLaw,
    ForestDisplay,
    LabelsNeeded,
    OutOfSamplePredictions,
    Plan,
    PredictionCorrector,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedMeanEstimator,
    RectifiedPoissonRegression,
    RectifiedQuantile,
    RectifiedResult,
    RequiredLabels,
    ResidualDisplay,
    ScalingLaw,
    ScalingLawRegressor,
    TextVarianceRegressor,
    VarianceRegressor,
    rectify_mean,
)

X, y = np.zeros((9, 2)), np.zeros(9)


class OwnEstimator(RectifiedMeanEstimator):
    """A user's subclass."""

    def fit_twice(self) -> int:
        """Something that the base does not have."""
        return self.fit(X, y).fit(X, y).n_labeled_


def misspelled_imports() -> None:
    from sklearn_ftr import rectify_meann  # type: ignore[attr-defined]
    from sklearn_ftr.allocation import Pln  # type: ignore[attr-defined]
    from sklearn_ftr.datasets import fetch_vader_tweet  # type: ignore[attr-defined]
    from sklearn_ftr.estimators import RectifiedMean  # type: ignore[attr-defined]
    from sklearn_ftr.finetuning import VarianceRegresor  # type: ignore[attr-defined]
    from sklearn_ftr.model_selection import LabeledKFolds  # type: ignore[attr-defined]
    from sklearn_ftr.rectification import rectify_quantiles  # type: ignore[attr-defined]


def misspelled_attributes() -> None:
    sklearn_ftr.rectify_meann  # type: ignore[attr-defined]
    sklearn_ftr.datasets.fetch_tweets  # type: ignore[attr-defined]
    sklearn_ftr.estimators.RectifiedMean  # type: ignore[attr-defined]
    sklearn_ftr.model_selection.LabeledKFolds  # type: ignore[attr-defined]
    rectify_mean(y, y, y).estimates  # type: ignore[attr-defined]
    RectifiedMeanEstimator().fit(X, y).result_.estimates  # type: ignore[attr-defined]


def misspelled_arguments() -> None:
    RectifiedMeanEstimator(crossfit=5)  # type: ignore[call-arg]
    RectifiedMeanEstimator().fit(X, y, rows=y)  # type: ignore[call-arg]
    RectifiedMeanEstimator().fit(X)  # type: ignore[call-arg]
    VarianceRegressor().fit(X, y, weights=y)  # type: ignore[call-arg]
    PredictionCorrector().initialize()  # type: ignore[call-arg]
    FineTuneRectifyAllocator().fit(X, y, budget=3)  # type: ignore[call-arg]


def fit_returns_the_class() -> None:
    assert_type(RectifiedMeanEstimator(cv=5).fit(X, y), RectifiedMeanEstimator)
    assert_type(RectifiedQuantile().fit(X, y), RectifiedQuantile)
    assert_type(RectifiedDifference().fit(X, y), RectifiedDifference)
    assert_type(RectifiedLinearRegression().fit(X, y), RectifiedLinearRegression)
    assert_type(RectifiedLogisticRegression().fit(X, y), RectifiedLogisticRegression)
    assert_type(RectifiedPoissonRegression().fit(X, y), RectifiedPoissonRegression)
    assert_type(FineTuneRectifyAllocator().fit(X, y), FineTuneRectifyAllocator)
    assert_type(ScalingLawRegressor().fit(X, y), ScalingLawRegressor)
    assert_type(PredictionCorrector().fit(X, y).initialize(X), PredictionCorrector)
    assert_type(VarianceRegressor().fit(X, y).initialize(X), VarianceRegressor)
    assert_type(TextVarianceRegressor().fit(["a"], y), TextVarianceRegressor)
    assert_type(OwnEstimator().fit(X, y), OwnEstimator)


def fitted_attributes_have_types() -> None:
    model = OwnEstimator().fit(X, y)
    assert_type(model.result_, RectifiedResult)
    assert_type(model.n_labeled_, int)
    assert_type(model.finetune_rows_, NDArray[np.bool_])
    assert_type(model.out_of_sample_, OutOfSamplePredictions)
    assert_type(model.estimators_, list[Any])
    assert_type(model.result_.plot(), ForestDisplay)
    assert_type(CalibrationDisplay.from_estimator(model, X).plot(), CalibrationDisplay)
    assert_type(ResidualDisplay.from_predictions(y, y).plot(), ResidualDisplay)
    assert_type(model.result_.verdict(), str)
    assert_type(model.fit_twice(), int)
    allocator = FineTuneRectifyAllocator().fit(X, y)
    assert_type(allocator.plan_, Plan)
    assert_type(allocator.law_.optimal_split(100), Any)
    assert_type(allocator.law_fit_, FittedLaw | None)
    assert_type(allocator.result_, RectifiedResult)
    assert_type(allocator.required_labels(half_width=0.1), RequiredLabels)
    assert_type(allocator.required_labels(effect=0.1, power=0.9), RequiredLabels)
    assert_type(model.result_.required_labels(rank=True), LabelsNeeded)
    assert_type(ScalingLawRegressor().fit(X, y).law_, ScalingLaw)
    assert_type(VarianceRegressor().fit(X, y).predict(X), NDArray[np.float64])
