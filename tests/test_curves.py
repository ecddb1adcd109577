"""What pictures of plans and laws are made of, as data: `Plan.curve`, `FittedLaw.curve`, `LearningCurve.to_frame`."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    Plan,
    ScalingLaw,
    ScalingLawRegressor,
    fit_scaling_law,
)

LAW = ScalingLaw(a=0.287, alpha=0.297, b=0.042)
PLAIN = {"total_variance": 0.1216, "recycle": False, "power_tuning": False}
SIZES = np.array([0, 25, 50, 100, 200, 400])
VARIANCES = np.array([0.3, 0.24, 0.17, 0.155, 0.11, 0.094])


@pytest.fixture(scope="module")
def allocator():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2_000, 8))
    y = X.sum(axis=1) + rng.normal(size=2_000)
    y[200:] = np.nan
    return FineTuneRectifyAllocator(random_state=0).fit(X, y)


def test_the_curve_is_the_formula():
    curve = LAW.plan(1000, **PLAIN).curve()
    s = curve.n_finetune
    assert_allclose(curve.standard_error**2, LAW.predict(s) / (1000 - s))
    assert_array_equal(curve.low, curve.standard_error)  # of a law that is known
    assert_array_equal(curve.high, curve.standard_error)
    assert_allclose(curve.labels_only**2, 0.1216 / 1000)
    assert_allclose(curve.split_ratio, s / 1000)


def test_the_best_split_is_on_the_curve_and_lowest():
    for n in (4, 5, 30, 1000, 10**6):
        plan = LAW.plan(n, **PLAIN)
        (split,) = (one for one in plan.options if one.strategy == "split")
        curve = plan.curve()
        best = curve.n_finetune == split.n_finetune
        assert_allclose(curve.standard_error[best], split.standard_error)
        assert curve.standard_error.min() >= split.standard_error * (1 - 1e-9)


def test_few_labels_have_every_size_and_many_about_as_many_points_as_are_wanted():
    assert_array_equal(LAW.plan(20, **PLAIN).curve().n_finetune, np.arange(2, 19))
    sizes = LAW.plan(10**6, **PLAIN).curve(50).n_finetune
    assert 30 < len(sizes) <= 51
    assert (np.diff(sizes) > 0).all()
    assert sizes[0] == 2
    assert sizes[-1] == 10**6 - 2


def test_without_a_split_the_curve_is_empty():
    for plan in (LAW.plan(3, **PLAIN), LAW.plan(100, 0, **PLAIN)):
        curve = plan.curve()
        assert len(curve.n_finetune) == len(curve.near_best()) == 0
        assert curve.labels_only > 0


def test_ratios_that_are_nearly_as_good():
    curve = LAW.plan(1000, **PLAIN).curve()
    assert_array_equal(curve.n_finetune[curve.near_best(0)], [152])
    near = curve.standard_error[curve.near_best(0.02)]
    assert_array_equal(near <= 1.02 * curve.standard_error.min(), True)
    assert curve.standard_error[~curve.near_best(0.02)].min() > 1.02 * near.min()
    with pytest.raises(ValueError, match="within is -1"):
        curve.near_best(-1)


def test_ranges_are_those_of_the_options(allocator):
    curve = allocator.plan_.curve()
    (split,) = (one for one in allocator.plan_.options if one.strategy == "split")
    best = np.flatnonzero(curve.n_finetune == split.n_finetune)[0]
    # The curve takes half of the versions.
    assert_allclose([curve.low[best], curve.high[best]], [split.low, split.high], rtol=0.03)
    assert (curve.low <= curve.high).all()
    assert_allclose(curve.labels_only, allocator.plan_.options[0].standard_error)


def test_a_plan_of_labels_that_are_not_bought_has_its_own_curve(allocator):
    assert allocator.plan(1_000).curve().n_labeled == 1_000


def test_a_plan_that_was_put_together_by_hand_has_none():
    with pytest.raises(ValueError, match=r"expected one from plan\(\) of a law or an allocator"):
        Plan(100, 1000, LAW.plan(100, **PLAIN).options).curve()


def test_what_a_plan_was_made_from_is_neither_compared_nor_printed(allocator):
    plan = allocator.plan_
    assert "foreseen" not in repr(plan)
    assert replace(plan, foreseen=None) == plan


def test_a_pickled_plan_has_the_same_curve(allocator):
    again = pickle.loads(pickle.dumps(allocator.plan_)).curve()
    assert_array_equal(again.high, allocator.plan_.curve().high)


def test_too_few_points():
    with pytest.raises(ValueError, match="n_points is 1"):
        LAW.plan(100, **PLAIN).curve(1)


def test_a_fitted_law_keeps_what_it_was_fitted_to():
    errors = 0.1 * VARIANCES
    fitted = fit_scaling_law(SIZES, VARIANCES, standard_errors=errors, random_state=0)
    assert_array_equal(fitted.sizes, SIZES)
    assert_allclose(fitted.variances, VARIANCES)
    assert_allclose(fitted.errors, errors)
    unknown = fit_scaling_law(SIZES, VARIANCES, random_state=0)
    assert_allclose(unknown.errors / VARIANCES, unknown.errors[0] / VARIANCES[0])
    assert "sizes" not in repr(fitted)


def test_the_law_on_a_grid():
    fitted = fit_scaling_law(SIZES, VARIANCES, random_state=0)
    curve = fitted.curve()
    assert_allclose(curve.sizes[[0, -1]], [25, 800])
    assert_allclose(curve.variance, fitted.law.predict(curve.sizes))
    low, high = fitted.curve([10, 20], confidence_level=0.5).low, fitted.band([10, 20], 0.5)[1]
    assert_allclose(low, fitted.band([10, 20], 0.5)[0])
    assert (low < high).all()
    assert_array_equal(ScalingLawRegressor().fit(SIZES, VARIANCES).law_fit_.curve(7).sizes, [7])


def test_tables(allocator):
    pytest.importorskip("pandas")
    curve, plan, law = allocator.learning_curve_, allocator.plan_.curve(), allocator.law_fit_.curve()
    frame = curve.to_frame()
    assert list(frame) == ["size", "variance", "standard_error", "trainings"]
    assert_allclose(frame["standard_error"], curve.standard_errors)
    frame = plan.to_frame()
    assert_allclose(frame["split_ratio"], frame["n_finetune"] / 200)
    assert frame["labels_only"].nunique() == 1
    assert_allclose(law.to_frame()["high"], law.high)
