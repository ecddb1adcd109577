"""`ForestDisplay`: what is drawn is what results say, and looks as it should."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib import pyplot as plt
from numpy.testing import assert_allclose
from rendering import assert_good_picture

from sklearn_ftr import (
    ForestDisplay,
    RectifiedLinearRegression,
    RectifiedMeanEstimator,
    ZeroWidthIntervalWarning,
    rectify_difference,
    rectify_linear_regression,
    rectify_mean,
    rectify_quantile,
)

R, M = 50, 1_250
RNG = np.random.default_rng(0)
F = RNG.normal(size=R + M)
Y = F[:R] + 0.5 * RNG.normal(size=R) + 0.2
GROUP = np.arange(R + M) % 2


def mean():
    return rectify_mean(Y, F[:R], F[R:])


def several_means(k=3):
    noise = np.random.default_rng(1).normal(size=(2, R + M, k))
    f = F[:, None] + noise[0] + np.arange(k) / 2
    return rectify_mean(f[:R] + 0.6 * noise[1, :R], f[:R], f[R:])


def share():
    return rectify_mean(*(np.float64(values > 0) for values in (Y, F[:R], F[R:])))


def quantiles():
    return rectify_quantile(Y[:8], F[:8], F[R:], [0.01, 0.5, 0.99])


def difference():
    return rectify_difference(Y, F[:R], F[R:], GROUP[:R], GROUP[R:])


def coefficients():
    X = np.random.default_rng(2).normal(size=(R + M, 2))
    f = F + X[:, 0]
    return rectify_linear_regression(X[:R], Y + X[:R, 0], f[:R], X[R:], f[R:])


def ends_of(bars):
    """Centres, lower and upper ends that have been drawn."""
    points, _, (lines,) = bars.lines
    segments = np.array(lines.get_segments())
    return np.column_stack([points.get_xdata(), segments[:, 0, 0], segments[:, 1, 0]])


def assert_drawn_as_said(display, result, **settings):
    low, high = result.confidence_interval(**settings)
    told = np.column_stack([np.atleast_1d(one) for one in (result.estimate, low, high)])
    assert_allclose(ends_of(display.rectified_), told)


@pytest.mark.parametrize("result", [mean, several_means, share, difference, coefficients])
def test_intervals_are_those_of_the_result(result):
    answer = result()
    display = ForestDisplay.from_result(answer).plot()
    assert_drawn_as_said(display, answer)
    assert_allclose(display.labels_only[:, 0], answer.labels_only.estimate)
    assert_allclose(display.predictions_only[:, 0], answer.predictions_only.estimate)


def test_simultaneous_intervals_of_all_answers():
    answer = several_means()
    apart, together = (
        ForestDisplay.from_result(answer, simultaneous=simultaneous, confidence_level=0.9)
        for simultaneous in (False, True)
    )
    assert_drawn_as_said(together.plot(), answer, confidence_level=0.9, simultaneous=True)
    for name in ("rectified", "labels_only", "predictions_only"):
        wider, shorter = (getattr(one, name) for one in (together, apart))
        assert np.all(wider[:, 2] - wider[:, 1] > 1.05 * (shorter[:, 2] - shorter[:, 1]))
    assert together.ax_.get_xlabel() == "mean (simultaneous 90 % intervals)"


def test_methods_of_intervals_are_respected():
    f = np.exp(2 * F)
    answer = rectify_mean(np.exp(2 * Y), f[:R], f[R:])
    skewed, symmetric = (ForestDisplay.from_result(answer, method=one) for one in ("auto", "t"))
    for rows, is_symmetric in ((skewed.rectified, False), (symmetric.rectified, True)):
        left, right = rows[0, 0] - rows[0, 1], rows[0, 2] - rows[0, 0]
        assert (right < 1.01 * left) == is_symmetric
    for rows in (skewed.labels_only, share_rows()):
        assert not np.isclose(rows[0, 0] - rows[0, 1], rows[0, 2] - rows[0, 0], rtol=0.02)
    with pytest.raises(ValueError, match="share"):
        ForestDisplay.from_result(answer, method="share")


def share_rows():
    ones = rectify_mean(np.ones(R), np.float64(F[:R] > 0), np.float64(F[R:] > 0))
    rows = ForestDisplay.from_result(ones).labels_only
    assert rows[0, 2] <= 1
    assert rows[0, 1] < 1
    return rows


def test_names_of_numbers_and_results():
    one, three = mean(), several_means()
    assert ForestDisplay.from_result(one).names == ["mean"]
    assert ForestDisplay.from_result(three).names == ["0", "1", "2"]
    assert ForestDisplay.from_result(three, names="abc").names == ["a", "b", "c"]
    assert ForestDisplay.from_result([one, one]).names == ["0", "1"]
    named = ForestDisplay.from_result({"human": one, "model": three})
    assert named.names == ["human", "model: 0", "model: 1", "model: 2"]
    levels = ForestDisplay.from_result(quantiles())
    assert levels.names == ["0.01", "0.5", "0.99"]
    assert ForestDisplay.from_result(coefficients()).names[0] == "intercept"
    labels = [label.get_text() for label in named.plot().ax_.get_yticklabels()]
    assert labels == named.names


def test_contrasts_of_results():
    answer = several_means().contrast([-1, 0, 1])
    display = answer.plot(reference=0.0)
    assert display.names == ["- 0 + 2"]
    assert_drawn_as_said(display, answer)


def test_other_names_or_things_are_refused():
    with pytest.raises(ValueError, match="names has 2 entries; expected one for each of the 3"):
        ForestDisplay.from_result(several_means(), names=["a", "b"])
    with pytest.raises(TypeError, match="holds a float; expected results"):
        ForestDisplay.from_result([0.3])
    with pytest.raises(ValueError, match="result is empty"):
        ForestDisplay.from_result({})
    with pytest.raises(ValueError, match=r"RectifiedMeanEstimator has no result_.*fitted"):
        ForestDisplay.from_estimator(RectifiedMeanEstimator())


def test_of_an_estimator(population):
    X, y = population
    model = RectifiedLinearRegression(covariates=[0, 1], cv=3, random_state=0).fit(X, y)
    display = ForestDisplay.from_estimator(model, simultaneous=True).plot(reference=0.0)
    assert display.names == list(model.coefficient_names_)
    assert_drawn_as_said(display, model.result_, simultaneous=True)


def test_ends_that_are_infinite_are_arrows_at_the_edge():
    answer = quantiles()
    display = ForestDisplay.from_result(answer).plot()
    low, high = display.ax_.get_xlim()
    assert np.isfinite([low, high]).all()
    arrows = {line.get_marker(): line for line in display.ax_.lines if line.get_marker() in "<>"}
    assert np.isinf(answer.confidence_interval().low[0])
    assert_allclose(arrows["<"].get_xdata(), low)
    assert_allclose(arrows[">"].get_xdata(), high)
    assert_good_picture(display, "forest_quantiles")


def test_without_a_pool_there_are_no_predictions():
    answer = rectify_mean(Y, F[:R], [])
    display = ForestDisplay.from_result(answer).plot()
    assert display.predictions_only is display.predictions_only_ is None
    both = ForestDisplay.from_result({"none": answer, "some": mean()}).plot()
    assert len(ends_of(both.predictions_only_)) == 1
    assert_good_picture(both)


def test_answers_that_are_not_wanted_are_left_out():
    display = mean().plot()
    assert display.legend_ is not None
    alone = ForestDisplay.from_result(mean()).plot(labels_only=False, predictions_only=False)
    assert alone.labels_only_ is alone.predictions_only_ is None
    assert_allclose(alone.rectified_.lines[0].get_ydata(), 0, atol=1e-12)


def test_settings_of_artists_and_axes_that_are_given():
    ax = plt.subplots()[1]
    settings = {"rectified_kwargs": {"c": "red", "label": "both"}, "reference_kwargs": {"lw": 3}}
    display = ForestDisplay.from_result(mean()).plot(ax, reference=0.5, **settings)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert display.rectified_.lines[0].get_color() == "red"
    assert display.reference_.get_linewidth() == 3
    assert_allclose(display.reference_.get_xdata(), 0.5)
    labels = [text.get_text() for text in display.legend_.get_texts()]
    assert labels == ["labels only", "predictions only", "both"]


def test_the_picture_of_a_mean():
    display = mean().plot()
    assert display.ax_.get_xlabel() == "mean (95 % intervals)"
    assert_good_picture(display, "forest_mean")


def test_the_picture_of_simultaneous_intervals():
    assert_good_picture(several_means().plot(simultaneous=True), "forest_simultaneous")


def test_the_picture_of_a_difference_and_its_parts():
    answer = difference()
    display = ForestDisplay.from_result({**answer.parts, "difference": answer}).plot(reference=0)
    assert_good_picture(display, "forest_difference")


def test_the_picture_of_coefficients():
    display = coefficients().plot(reference=0)
    assert display.ax_.get_xlabel() == "coefficients of linear regression (95 % intervals)"
    assert_good_picture(display, "forest_coefficients")


@pytest.mark.grid(3)
@pytest.mark.parametrize("scale", [1e-9, 1e9])
@pytest.mark.parametrize("k", [1, 25])
def test_pictures_of_other_sizes(scale, k):
    f = 1e3 * scale + scale * (F[:, None] + np.zeros(k))
    answer = rectify_mean(f[:R] + scale * RNG.normal(size=(R, k)), f[:R], f[R:])
    display = ForestDisplay.from_result(answer, names=[f"output {number}" for number in range(k)])
    assert_good_picture(display.plot())


def test_the_picture_of_long_names():
    names = [
        "whether people say that the answer is helpful and not at all harmful",
        "short",
        "mid size",
    ]
    display = ForestDisplay.from_result(several_means(), names=names).plot()
    assert_good_picture(display, "forest_long_names")


def test_intervals_without_any_width():
    with pytest.warns(ZeroWidthIntervalWarning):
        answer = rectify_mean(np.full(R, 2.0), np.full(R, 2.0), np.full(M, 2.0))
    assert_good_picture(answer.plot())


def test_a_color_is_that_of_marks_and_bars():
    result = rectify_mean([0.0, 1.0, 3.0], [0.1, 1.2, 2.0], [0.5, 1.0, 2.0])
    bars = ForestDisplay.from_result(result).plot(rectified_kwargs={"c": "red"}).rectified_
    assert bars[0].get_markerfacecolor() == "red"
    assert_allclose(bars[2][0].get_color()[0], [1.0, 0.0, 0.0, 1.0])
    plt.close("all")
