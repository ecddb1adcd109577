"""scikit-learn's own checks on every public estimator, with nothing expected to fail."""

import inspect

import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

import sklearn_ftr
from sklearn_ftr import RectifiedMeanEstimator, VarianceRegressor

PUBLIC = [
    value
    for value in (getattr(sklearn_ftr, name) for name in sklearn_ftr.__all__)
    if inspect.isclass(value) and issubclass(value, BaseEstimator)
]
VARIANTS = [
    RectifiedMeanEstimator(LinearRegression(), cv=3),
    RectifiedMeanEstimator(LinearRegression(), cv=3, pool_prediction="split"),
    RectifiedMeanEstimator(LinearRegression(), split_ratio=0.5, recycle=False, power_tuning=False),
    RectifiedMeanEstimator(VarianceRegressor(max_epochs=3)),
    VarianceRegressor(criterion="profiled_variance"),
    VarianceRegressor(criterion="centered_mse"),
]


def test_every_public_estimator_is_found():
    assert {estimator.__name__ for estimator in PUBLIC} >= {
        "RectifiedMeanEstimator",
        "VarianceRegressor",
    }


@parametrize_with_checks([estimator() for estimator in PUBLIC] + VARIANTS)
def test_estimator_checks(estimator, check):
    check(estimator)


def test_a_classifier_inside_keeps_the_outside_a_regressor():
    tags = RectifiedMeanEstimator(LogisticRegression()).__sklearn_tags__()
    assert tags.estimator_type == "regressor"
    assert not tags.target_tags.multi_output


@pytest.mark.parametrize("estimator", PUBLIC)
def test_constructor_only_assigns(estimator):
    for name, parameter in inspect.signature(estimator).parameters.items():
        assert getattr(estimator(), name) is parameter.default
