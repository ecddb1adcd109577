"""`ScalingLawDisplay` and `PlanDisplay`: what is drawn is what was fitted, for whatever a fit can make, and looks as it should."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib import pyplot as plt
from numpy.testing import assert_allclose
from rendering import assert_good_picture
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    PlanDisplay,
    RectifiedMeanEstimator,
    RectifiedQuantile,
    ScalingLaw,
    ScalingLawDisplay,
    ScalingLawRegressor,
    ZeroWidthIntervalWarning,
    fit_scaling_law,
)

LAW = ScalingLaw(a=0.287, alpha=0.297, b=0.042)
V = 0.1216
PLAIN = {"total_variance": V, "recycle": False, "power_tuning": False}
SIZES = np.array([0, 25, 50, 100, 200, 400])
VARIANCES = np.array([0.3, 0.24, 0.17, 0.155, 0.11, 0.094])


def rows(n=200, n_rows=2_000, signal=1.0, noise=1.0, scale=1.0):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 8))
    y = scale * (signal * X.sum(axis=1) + noise * rng.normal(size=n_rows))
    y[n:] = np.nan
    return X, y


@pytest.fixture(scope="module")
def allocator():
    return FineTuneRectifyAllocator(random_state=0).fit(*rows())


def labels_of(display):
    return [text.get_text() for text in display.legend_.get_texts()]


def test_the_law_of_an_allocator(allocator):
    display = ScalingLawDisplay.from_estimator(allocator).plot()
    curve = allocator.learning_curve_
    points, _, (bars,) = display.measured_.lines
    assert_allclose(points.get_xydata(), np.c_[curve.sizes, curve.variances])
    ends = np.array([bar.vertices[:, 1] for bar in bars.get_paths()])
    assert_allclose(np.ptp(ends, axis=1), 2 * 1.959964 * curve.standard_errors, rtol=1e-6)
    x, y = display.law_.get_data()
    assert_allclose(y, allocator.law_.predict(x))
    assert_allclose(display.low, allocator.law_fit_.band(x)[0])
    assert_allclose(display.total_variance_.get_ydata(), curve.total_variance)
    (chosen,) = display.chosen_.get_xdata()
    assert chosen == allocator.best_option_.n_finetune
    assert "chosen: 160 (K = 5)" in labels_of(display)
    assert display.ax_.get_xscale() == display.ax_.get_yscale() == "log"
    assert_good_picture(display, "law_allocator")


def test_a_fitted_law_has_its_points():
    fitted = fit_scaling_law(SIZES, VARIANCES, random_state=0)
    display = fitted.plot()
    assert_allclose(display.measured_.lines[0].get_xdata(), SIZES[1:])
    assert_allclose(display.untrained_.get_ydata(), 0.3)
    assert display.ax_.get_yscale() == "linear"
    assert_allclose(display.ax_.get_ylim()[0], 0, atol=1e-12)
    assert labels_of(display) == ["law", "95 % of the law", "before training", "measured"]
    assert_good_picture(display, "law_fitted")


def test_a_regressor():
    regressor = ScalingLawRegressor(random_state=0).fit(SIZES[1:], VARIANCES[1:])
    display = ScalingLawDisplay.from_estimator(regressor).plot()
    assert_allclose(display.law_.get_ydata(), regressor.predict(display.grid))
    assert_good_picture(display)


def test_a_law_that_is_known():
    display = LAW.plot(total_variance=V, limits=(20, 2_000))
    assert display.band_ is display.measured_ is display.chosen_ is None
    assert_allclose(display.grid[[0, -1]], [20, 2_000])
    assert labels_of(display) == ["law", "variance of labels"]
    assert_good_picture(display, "law_known")


def test_other_points_may_be_given():
    display = ScalingLawDisplay.from_law(
        LAW, sizes=SIZES[1:], variances=VARIANCES[1:], standard_errors=0.1 * VARIANCES[1:], chosen=900
    )
    assert display.grid[-1] > 900
    assert_allclose(display.errors, 0.1 * VARIANCES[1:])
    assert "chosen: 900" in labels_of(display.plot())
    assert_good_picture(display)


@pytest.mark.thorough
def test_variances_that_span_much_are_on_a_logarithmic_axis():
    sizes = 10.0 ** np.arange(1, 8)
    fitted = fit_scaling_law(sizes, 0.1 + 10 * sizes**-0.5, random_state=0)
    display = fitted.plot()
    assert display.ax_.get_yscale() == display.ax_.get_xscale() == "log"
    texts = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert {"10", "1,000", "100,000", "10M"} <= set(texts)
    assert_good_picture(display, "law_wide")


@pytest.mark.grid(4)
@pytest.mark.parametrize(
    ("sizes", "variances", "law"),
    [
        ([25, 50], [0.2, 0.1], "power"),
        ([0, 100], [1.0, 0.5], "power"),
        (SIZES, 0 * VARIANCES, "power"),
        ([1_000, 2_000, 3_000], [0.1, 0.2, 0.3], "auto"),
        ([100, 110, 120, 130], [1, 0.99, 0.98, 0.7], "auto"),
        (SIZES, 1e-18 * VARIANCES, "auto"),
        (SIZES, 1e18 * VARIANCES, "auto"),
    ],
)
def test_whatever_is_fitted_is_drawn(sizes, variances, law):
    display = fit_scaling_law(sizes, variances, law=law, random_state=0).plot()
    assert np.isfinite(display.law).all()
    assert_good_picture(display)


@pytest.mark.thorough
def test_a_late_curve():
    sizes, variances = [10, 20, 40, 80, 160, 320], [1, 1, 0.98, 0.5, 0.1, 0.08]
    fitted = fit_scaling_law(sizes, variances, law="auto", random_state=0)
    assert_good_picture(fitted.plot(limits=(1, 1e5)), "law_late")


def test_limits_have_to_rise():
    for limits in ((0, 10), (10, 10), (1, np.inf)):
        with pytest.raises(ValueError, match=r"limits is \(.*two positive numbers that rise"):
            LAW.plot(limits=limits)


def test_a_plan_of_a_known_law():
    plan = LAW.plan(1_000, **PLAIN, zero_shot_variance=0.11)
    display = plan.plot(within=0.01)
    assert_allclose(display.split_.get_ydata(), plan.curve().standard_error)
    assert_allclose(display.labels_only_.get_ydata(), plan.options[0].standard_error)
    assert_allclose(display.best_split_.get_xdata(), 0.152)
    assert display.band_ is None
    assert_allclose(display.cross_fitting_.lines[0].get_xdata(), [0.5, 0.8, 0.9])
    point = display.zero_shot_.lines[0].get_xydata()
    assert_allclose(point, [[0, plan.options[1].standard_error]])
    assert "best: K = 10" in labels_of(display)
    assert "within 1 % of the best" in labels_of(display)
    shaded = display.near_best_.get_paths()[0].vertices[:, 0]
    near = display.curve.split_ratio[display.curve.near_best(0.01)]
    assert_allclose([shaded.min(), shaded.max()], [near.min(), near.max()])
    assert_good_picture(display, "plan_known")


def test_the_plan_of_an_allocator(allocator):
    display = PlanDisplay.from_estimator(allocator).plot()
    option = allocator.best_option_
    assert_allclose(display.chosen_.get_data(), [[0.8], [option.standard_error]])
    assert "chosen: K = 5" in labels_of(display)
    (bars,) = display.cross_fitting_.lines[2]
    ends = np.array([bar.vertices[:, 1] for bar in bars.get_paths()])
    assert_allclose(ends, [[one.low, one.high] for one in allocator.plan_.options if one.n_folds])
    assert display.ax_.get_xlabel() == "share of the labels that train each model"
    assert_allclose(display.ax_.get_xlim(), [-0.03, 1.03])
    names = [text.get_text() for text in display.ax_.texts]
    assert names == ["K=2", "K=5", "K=10"]
    assert_good_picture(display, "plan_allocator")


def test_names_of_folds_that_are_near_each_other_are_left_out():
    display = LAW.plan(1_000, total_variance=V, folds=(2, 5, 10, 20, 50)).plot()
    assert [text.get_text() for text in display.ax_.texts] == ["K=2", "K=5", "K=10"]
    assert_good_picture(display)


@pytest.mark.grid(3)
@pytest.mark.parametrize(("n", "m"), [(2, 10), (4, 10), (10**9, np.inf), (1_000, 5)])
def test_any_number_of_labels(n, m):
    assert_good_picture(LAW.plan(n, m, total_variance=V).plot())


@pytest.mark.grid(3)
@pytest.mark.parametrize(
    ("law", "settings"),
    [
        (ScalingLaw(0, 1, 0), {"total_variance": 1.0}),
        (ScalingLaw(5, 0.1, 1), PLAIN),
        (LAW, {"total_variance": V, "folds": (3,)}),
        (LAW, {"total_variance": V, "folds": ()}),
    ],
)
def test_laws_of_any_kind(law, settings):
    assert_good_picture(law.plan(100, 1_000, **settings).plot())


def test_a_plan_where_labels_alone_win():
    display = ScalingLaw(5, 0.1, 1).plan(100, 1_000, **PLAIN).plot()
    assert "best: labels only" in labels_of(display)
    assert_allclose(display.chosen_.get_xdata(), 0)
    assert_good_picture(display, "plan_labels_only")


@pytest.mark.grid(4)
@pytest.mark.parametrize(
    ("settings", "case"),
    [
        ({}, {"n": 12, "n_rows": 200}),
        ({}, {"signal": 0.0}),
        ({"folds": (2,)}, {"scale": 1e-9}),
        ({}, {"scale": 1e9}),
        ({"strategy": "split", "law": "power"}, {"noise": 0.0}),
        ({"finite_population": True}, {"n_rows": 300}),
        ({"estimator": RectifiedQuantile(q=[0.1, 0.5])}, {}),
    ],
)
def test_whatever_an_allocator_finds_is_drawn(settings, case):
    fitted = FineTuneRectifyAllocator(random_state=0, n_bootstrap=20, **settings).fit(*rows(**case))
    assert_good_pictures_side_by_side(fitted)


def assert_good_pictures_side_by_side(fitted):
    axes = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")[1]
    ScalingLawDisplay.from_estimator(fitted).plot(axes[0])
    assert_good_picture(PlanDisplay.from_estimator(fitted).plot(axes[1]))


def test_a_frozen_model_has_neither_band_nor_split():
    X, y = rows()
    known = FrozenEstimator(LinearRegression().fit(X[:50], y[:50]))
    fitted = FineTuneRectifyAllocator(RectifiedMeanEstimator(known), random_state=0)
    fitted.fit(X, np.where(np.arange(len(y)) < 50, np.nan, y))
    law = ScalingLawDisplay.from_estimator(fitted).plot()
    assert law.band_ is law.measured_ is law.chosen_ is None
    assert_allclose(law.untrained_.get_ydata(), fitted.learning_curve_.variances[0])
    assert_good_picture(law)
    plan = PlanDisplay.from_estimator(fitted).plot()
    assert plan.split_ is plan.near_best_ is plan.cross_fitting_ is None
    assert "chosen: zero-shot" in labels_of(plan)
    assert_good_picture(plan, "plan_frozen")


@pytest.mark.thorough
def test_labels_without_variance():
    X, y = rows()
    with pytest.warns(ZeroWidthIntervalWarning):
        fitted = FineTuneRectifyAllocator(random_state=0).fit(X, np.where(np.isnan(y), y, 2.0))
    assert_good_pictures_side_by_side(fitted)


def test_settings_of_artists_and_axes_that_are_given(allocator):
    left, right = plt.subplots(1, 2)[1]
    law = ScalingLawDisplay.from_estimator(allocator)
    law.plot(left, law_kwargs={"c": "red"}, measured_kwargs={"label": "seen"}, band_kwargs={"fc": "k"})
    assert law.ax_ is left
    assert law.law_.get_color() == "red"
    assert "seen" in labels_of(law)
    plan = PlanDisplay.from_estimator(allocator)
    plan.plot(right, split_kwargs={"lw": 4}, labels_only_kwargs={"c": "red"})
    assert plan.split_.get_linewidth() == 4
    assert plan.labels_only_.get_color() == "red"
    assert plan.figure_ is law.figure_


@pytest.mark.parametrize("display", [ScalingLawDisplay, PlanDisplay])
def test_estimators_that_are_not_fitted(display):
    with pytest.raises(ValueError, match=r"FineTuneRectifyAllocator has no (law|plan)_; expected"):
        display.from_estimator(FineTuneRectifyAllocator())
