"""What estimators answer themselves, what contrasts answer, and what is asked of `result_` only."""

import inspect

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge

from sklearn_ftr import (
    ContrastResult,
    FineTuneRectifyAllocator,
    RectifiedMeanEstimator,
    RectifiedQuantile,
)
from sklearn_ftr.estimators._answers_by_result import AnswersByResult
from sklearn_ftr.rectification import RectifiedResult

OF_RESULT_ONLY = {
    "bootstrap",
    "by_shares",
    "contrast",
    "effective_sample_size",
    "efficiency",
    "plot",
    "pool_covariance",
    "required_labels",
    "select",
    "standard_error",
    "to_dict",
    "to_frame",
    "to_json",
    "to_latex",
    "to_markdown",
    "verdict",
    "wald_test",
    "with_confidence_level",
    "with_interval",
    "zero_width",
}
NOT_OF_CONTRASTS = {"pool_covariance"}


def asked_of(kind):
    """Public methods and properties; not the fields of a data class."""
    members = inspect.getmembers(kind, lambda one: callable(one) or isinstance(one, property))
    return {name for name, _ in members if not name.startswith("_")} - {"mro", "of"}


def parameters_of(kind, name):
    return inspect.signature(getattr(kind, name)).parameters


def rows(n=60):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2))
    y = X[:, 0] + rng.exponential(size=400)
    return X, np.where(np.arange(400) < n, y, np.nan)


def test_estimators_answer_all_that_is_not_left_to_the_result():
    assert asked_of(RectifiedResult) - asked_of(AnswersByResult) == OF_RESULT_ONLY
    assert asked_of(AnswersByResult) <= asked_of(RectifiedResult)


def test_contrasts_answer_what_results_answer():
    assert asked_of(RectifiedResult) - asked_of(ContrastResult) == NOT_OF_CONTRASTS


@pytest.mark.parametrize("kind", [AnswersByResult, ContrastResult])
def test_questions_have_the_same_parameters(kind):
    for name in asked_of(kind) & asked_of(RectifiedResult):
        if callable(getattr(RectifiedResult, name)):
            told, expected = (parameters_of(one, name) for one in (kind, RectifiedResult))
            assert list(told) == list(expected), name
            assert [one.kind for one in told.values()] == [one.kind for one in expected.values()], name


@pytest.mark.parametrize(
    "model",
    [
        RectifiedMeanEstimator(Ridge(), random_state=0),
        RectifiedMeanEstimator(Ridge(), interval="t", random_state=0),
        RectifiedQuantile(Ridge(), random_state=0),
        FineTuneRectifyAllocator(RectifiedMeanEstimator(Ridge()), n_bootstrap=10, random_state=0),
    ],
    ids=["auto", "t", "quantile", "allocator"],
)
def test_estimators_say_by_which_method(model):
    model = clone(model)
    with pytest.raises(NotFittedError):
        _ = model.interval_method
    assert not hasattr(model, "interval_method")
    model.fit(*rows())
    assert model.interval_method == model.result_.interval_method
    assert model.interval_method in str(model.result_)
