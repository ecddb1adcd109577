"""`LabelBudgetDisplay`: labels and money for half-widths, as `required_labels` has them."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from numpy.testing import assert_allclose, assert_array_equal
from rendering import assert_good_picture

from sklearn_ftr import (
    Costs,
    FineTuneRectifyAllocator,
    LabelBudgetDisplay,
    RectifiedLinearRegression,
    ScalingLaw,
    ZeroWidthIntervalWarning,
)

LAW = ScalingLaw(a=0.287, alpha=0.297, b=0.042)
V = 0.1216
COSTS = Costs(label=0.5, training=0.01, inference=1e-4)


def rows(n=200, n_rows=2_000, scale=1.0):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 8))
    y = scale * (X.sum(axis=1) + rng.normal(size=n_rows))
    y[n:] = np.nan
    return X, y


@pytest.fixture(scope="module")
def allocator():
    return FineTuneRectifyAllocator(random_state=0, training_cost=0.1).fit(*rows())


def test_labels_of_a_law_are_those_it_requires():
    display = LabelBudgetDisplay.from_law(LAW, [0.04, 0.01, 0.02], total_variance=V)
    needed = [LAW.required_labels(one, total_variance=V) for one in (0.01, 0.02, 0.04)]
    assert_array_equal(display.half_widths, [0.01, 0.02, 0.04])
    assert_array_equal(display.labels, [one.n_labeled for one in needed])
    assert_array_equal(display.high, [one.high for one in needed])
    assert_array_equal(display.labels_only, [one.labels_only for one in needed])
    display.plot()
    assert_allclose(display.rectified_.get_xydata(), np.c_[display.half_widths, display.labels])
    (bars,) = display.range_.lines[2]
    ends = np.array([bar.vertices[:, 1] for bar in bars.get_paths()])
    assert_allclose(ends, np.c_[display.low, display.high])
    assert display.ax_.get_ylabel() == "labels"
    assert display.in_hand_ is None
    assert_good_picture(display, "budget_law")


def test_money():
    settings = {"costs": COSTS, "n_rows": 10_000}
    display = LabelBudgetDisplay.from_law(LAW, [0.02, 0.04], total_variance=V, **settings)
    needed = [LAW.required_labels(one, total_variance=V, **settings) for one in (0.02, 0.04)]
    assert_allclose(display.cost, [one.option.cost for one in needed])
    assert_allclose(display.cost_labels_only, [0.5 * one.labels_only for one in needed])
    assert (display.cost_low < display.cost).all()
    assert (display.cost < display.cost_high).all()
    display.plot(unit="money")
    assert display.ax_.get_ylabel() == "cost"
    assert_good_picture(display, "budget_money")


@pytest.mark.thorough
def test_an_allocator_at_its_prices(allocator):
    display = LabelBudgetDisplay.from_estimator(allocator)
    low, high = allocator.confidence_interval()
    assert_allclose(display.in_hand, [(high - low) / 2, 200])
    needed = [allocator.required_labels(one) for one in display.half_widths]
    assert_array_equal(display.labels, [one.n_labeled for one in needed])
    assert_allclose(display.cost, [one.option.cost for one in needed])
    assert_good_picture(display.plot(), "budget_allocator")
    assert_allclose(display.in_hand_.get_xydata(), [display.in_hand])
    display.plot(unit="money")
    assert display.in_hand_ is None


def test_half_widths_that_are_out_of_reach_are_left_out(allocator):
    display = LabelBudgetDisplay.from_estimator(allocator, [1e-6, 0.2])
    assert_array_equal(display.half_widths, [0.2])
    assert_good_picture(display.plot())
    with pytest.raises(ValueError, match="No allowed option reaches"):
        LabelBudgetDisplay.from_estimator(allocator, [1e-6])


def test_more_assurance_takes_more_labels(allocator):
    some, surely = (
        LabelBudgetDisplay.from_estimator(allocator, [0.15], assurance=level) for level in (0.5, 0.9)
    )
    assert surely.labels[0] > some.labels[0]


def test_ranges_without_an_end_are_arrows():
    display = LabelBudgetDisplay(
        half_widths=np.array([0.1, 0.2]),
        labels=np.array([400.0, 100.0]),
        low=np.array([300.0, 80.0]),
        high=np.array([np.inf, 120.0]),
        labels_only=np.array([np.inf, 500.0]),
    ).plot()
    (arrow,) = (line for line in display.ax_.lines if line.get_marker() == "^")
    assert_allclose(arrow.get_xydata(), [[0.1, display.ax_.get_ylim()[1]]])
    assert np.isnan(display.labels_only_.get_ydata()[0])
    assert_good_picture(display, "budget_endless")


@pytest.mark.grid(2)
@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_other_units(scale):
    fitted = FineTuneRectifyAllocator(random_state=0, n_bootstrap=20).fit(*rows(60, scale=scale))
    assert_good_picture(LabelBudgetDisplay.from_estimator(fitted).plot())


def test_an_endless_pool_that_costs_cannot_be_paid():
    display = LabelBudgetDisplay.from_law(LAW, [0.01, 0.02], total_variance=V, costs=COSTS)
    assert_allclose(display.cost, display.cost_labels_only)  # the cheapest way
    assert_good_picture(display.plot(unit="money"))


def test_labels_without_variance():
    X, y = rows()
    with pytest.warns(ZeroWidthIntervalWarning):
        fitted = FineTuneRectifyAllocator(random_state=0).fit(X, np.where(np.isnan(y), y, 2.0))
    display = LabelBudgetDisplay.from_estimator(fitted)
    assert display.in_hand is None
    assert_good_picture(display.plot())


def test_what_is_refused(allocator):
    display = LabelBudgetDisplay.from_law(LAW, [0.02], total_variance=V)
    with pytest.raises(ValueError, match="there are no prices"):
        display.plot(unit="money")
    with pytest.raises(ValueError, match="unit is 'euro'"):
        display.plot(unit="euro")
    effect = LAW.required_labels(effect=0.05, total_variance=V)
    for required in ([], [effect]):
        with pytest.raises(ValueError, match=r"expected answers of required_labels\(half_width\)"):
            LabelBudgetDisplay.from_required(required)
    with pytest.raises(ValueError, match="has no required_labels"):
        LabelBudgetDisplay.from_estimator(LAW.predict)


def test_several_coefficients_have_no_common_half_width():
    X, y = rows(60)
    model = FineTuneRectifyAllocator(RectifiedLinearRegression(covariates=[0]), random_state=0)
    with pytest.raises(ValueError, match="set coefficient="):
        LabelBudgetDisplay.from_estimator(model.fit(X, y))
