"""`CalibrationDisplay` and `ResidualDisplay`: what is drawn is what labels and predictions say, and looks as it should."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("matplotlib")

from matplotlib import pyplot as plt
from numpy.testing import assert_allclose, assert_array_equal
from rendering import assert_good_picture
from sklearn.linear_model import LinearRegression, LogisticRegression

from sklearn_ftr import (
    CalibrationDisplay,
    FineTuneRectifyAllocator,
    RectifiedMeanEstimator,
    ResidualDisplay,
    SamplingDesign,
    rectify_mean,
)
from sklearn_ftr.displays._calibration import density_of

N, M = 200, 2_000
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N + M, 4))
TRUTH = X[:, 0] + np.sin(2 * X[:, 1])
Y = np.where(np.arange(N + M) < N, TRUTH + 0.7 * RNG.normal(size=N + M), np.nan)
SHARES = np.where(np.isnan(Y), np.nan, Y > 0)
# Scores from 1 to 5 by people and by a judge.
PEOPLE, JUDGE = np.clip(np.round(3 + TRUTH + 0.6 * RNG.normal(size=(2, N + M))), 1, 5)
SOURCES = pd.Series(np.array(["news", "forum", "reviews"])[np.arange(N) % 3], name="source")


@pytest.fixture(scope="module")
def model():
    return RectifiedMeanEstimator(cv=5, random_state=0).fit(X, Y)


@pytest.fixture(scope="module")
def classifier():
    return RectifiedMeanEstimator(LogisticRegression(), cv=5, random_state=0).fit(X, SHARES)


def of_the_judge(kind, *others, **settings):
    return kind.from_predictions(PEOPLE[:N], JUDGE[:N], *others, **settings)


# Calibration.


def test_bins_are_means_of_labels_with_intervals_of_labels_only():
    y, f = Y[:N], TRUTH[:N]
    display = CalibrationDisplay.from_predictions(y, f, n_bins=4, confidence_level=0.9)
    order = np.argsort(f)
    assert_array_equal(display.count, [50] * 4)
    for number, inside in enumerate(np.split(order, 4)):
        alone = rectify_mean(y[inside], f[inside], [], confidence_level=0.9)
        assert_allclose(display.prediction[number], f[inside].mean())
        assert_allclose(display.label[number], [alone.estimate, *alone.confidence_interval()])
    every = rectify_mean(y, f, [], confidence_level=0.9)
    assert_allclose(display.labels_only, [every.estimate, *every.confidence_interval()])


def test_predictions_of_few_values_have_a_bin_each():
    display = of_the_judge(CalibrationDisplay)
    assert_array_equal(display.prediction, [1, 2, 3, 4, 5])
    assert_array_equal(display.count, np.bincount(JUDGE[:N].astype(int))[1:])


def test_labels_of_one_class_have_the_interval_of_a_share():
    y = np.r_[np.zeros(20), np.ones(20)]
    display = CalibrationDisplay.from_predictions(y, np.linspace(0, 1, 40), n_bins=2)
    assert display.is_share
    assert_allclose(display.label[:, 0], [0, 1])
    assert_allclose(display.label[0, 1], 0, atol=1e-12)
    assert 0.1 < display.label[0, 2] < 0.3
    assert 0.7 < display.label[1, 1] < 0.9


def test_bins_without_two_rows_or_any_spread_have_no_interval():
    display = CalibrationDisplay.from_predictions([3.0, 5, 5, 5], [1.0, 2, 2, 2], n_bins=2)
    assert_allclose(display.label[:, 0], [3, 5])
    assert np.isnan(display.label[:, 1:]).all()
    assert_good_picture(display.plot())


@pytest.mark.parametrize("kind", [CalibrationDisplay, ResidualDisplay])
def test_weights_and_clusters_count(kind):
    w, groups = RNG.uniform(1, 3, N), np.arange(N) // 4
    w[::10] = 0
    display = of_the_judge(kind, sample_weight=w, groups=groups, n_bins=1)
    design = SamplingDesign(weights=w, clusters=groups)
    values = PEOPLE[:N] if kind is CalibrationDisplay else PEOPLE[:N] - JUDGE[:N]
    alone = rectify_mean(values, np.zeros(N), [], design=design)
    expected = [alone.estimate, *alone.confidence_interval()]
    rows = display.labels_only if kind is CalibrationDisplay else display.rectifier
    assert_allclose(rows, expected)


def test_the_density_of_the_pool():
    display = of_the_judge(CalibrationDisplay, JUDGE[N:]).plot()
    widths = np.diff(display.pool_edges)
    shares = display.pool_density * widths
    assert_allclose(shares.sum(), 1)
    expected = np.bincount(JUDGE[N:].astype(int))[1:] / M
    assert_allclose(shares[shares > 0], expected)
    assert display.pool_ is not None
    assert of_the_judge(CalibrationDisplay).plot().pool_ is None


def test_few_extreme_predictions_of_the_pool_do_not_make_the_picture_small():
    f = np.r_[np.linspace(0, 1, 1_000), 100.0]
    edges, density = density_of(f)
    assert_allclose([edges[0], edges[-1]], [0, 1], atol=0.02)
    assert_allclose((density * np.diff(edges)).sum(), 1)
    alike, _ = density_of(np.r_[np.zeros(10_000), np.linspace(1, 2, 30)])
    assert_allclose([alike[0], alike[-1]], [0, 2])


def test_weights_of_the_pool():
    edges, density = density_of(np.array([1.0, 2.0, 2.0]), [2.0, 1.0, 1.0])
    assert_allclose((density * np.diff(edges))[density > 0], [0.5, 0.5])
    with pytest.raises(ValueError, match=r"sample_weight_unlabeled has 2 entries; expected .* 3 rows"):
        density_of(np.arange(3.0), [1.0, 1.0])


def test_an_estimator_is_drawn_by_predictions_that_it_has_not_trained_on(model):
    display = CalibrationDisplay.from_estimator(model, X[N:])
    known = model.out_of_sample_
    same = CalibrationDisplay.from_predictions(known.y, known.prediction)
    assert_allclose(display.label, same.label)
    of_models = np.mean([one.predict(X[N:]) for one in model.estimators_], axis=0)
    edges, density = density_of(of_models)
    assert_allclose(display.pool_edges, edges)
    assert_allclose(display.pool_density, density)
    assert CalibrationDisplay.from_estimator(model).pool_density is None


def test_of_a_split_labels_that_rectify_are_drawn():
    model = RectifiedMeanEstimator(LinearRegression(), split_ratio=0.3, random_state=0).fit(X, Y)
    display = CalibrationDisplay.from_estimator(model)
    assert display.count.sum() == model.n_rectify_
    residuals = ResidualDisplay.from_estimator(model, X[:, 1])
    R = ~np.isnan(Y) & ~model.finetune_rows_
    assert_array_equal(residuals.against, X[R, 1])
    assert_allclose(residuals.residual, Y[R] - model.estimator_.predict(X[R]))


def test_outputs_are_drawn_one_at_a_time():
    both = RectifiedMeanEstimator(cv=5, random_state=0).fit(X, np.c_[Y, TRUTH + 0 * Y])
    for output in (0, 1):
        display = CalibrationDisplay.from_estimator(both, X[N:], output=output)
        assert_allclose(display.labels_only[0], both.result_.labels_only.estimate[output])
    with pytest.raises(ValueError, match="output is 2; expected a position up to 1"):
        ResidualDisplay.from_estimator(both, output=2)


def test_weights_and_judges_of_a_fit():
    w = RNG.uniform(1, 3, N + M)
    model = RectifiedMeanEstimator(cv=5, random_state=0, judges=[0]).fit(X, Y, sample_weight=w)
    display = CalibrationDisplay.from_estimator(model, X)
    assert_allclose(display.labels_only[0], model.result_.labels_only.estimate)
    assert display.pool_density is not None


def test_an_allocator_is_drawn():
    model = FineTuneRectifyAllocator(random_state=0).fit(X, Y)
    display = CalibrationDisplay.from_estimator(model, X[N:])
    predicted = np.isfinite(model.out_of_sample_.prediction)
    assert display.count.sum() == predicted.sum() > 0
    assert ResidualDisplay.from_estimator(model).plot().rectifier_ is not None


def test_the_picture_of_numbers(model):
    display = CalibrationDisplay.from_estimator(model, X[N:]).plot()
    assert display.ax_.get_xlabel() == "prediction"
    assert display.ax_.get_ylabel() == "label (mean of a bin)"
    assert_good_picture(display, "calibration_numbers")


def test_the_picture_of_shares(classifier):
    display = CalibrationDisplay.from_estimator(classifier, X[N:]).plot()
    assert display.ax_.get_ylabel() == "share of labels that are 1"
    assert display.ax_.get_xlim() == display.ax_.get_ylim() == (-0.03, 1.03)
    assert_good_picture(display, "calibration_shares")


def test_the_picture_of_a_judge():
    display = of_the_judge(CalibrationDisplay, JUDGE[N:]).plot()
    assert_good_picture(display, "calibration_judge")


@pytest.mark.grid(4)
@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("kind", [CalibrationDisplay, ResidualDisplay])
def test_pictures_of_few_labels(kind, n):
    assert_good_picture(kind.from_predictions(PEOPLE[:n], JUDGE[:n]).plot())


@pytest.mark.grid(3)
@pytest.mark.parametrize("kind", [CalibrationDisplay, ResidualDisplay])
@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_pictures_of_other_units(kind, scale):
    assert_good_picture(kind.from_predictions(scale * Y[:N], scale * TRUTH[:N]).plot())


@pytest.mark.parametrize("kind", [CalibrationDisplay, ResidualDisplay])
def test_predictions_that_are_all_alike(kind):
    display = kind.from_predictions(Y[:N], np.zeros(N)).plot()
    assert_good_picture(display)


# Residuals.


def test_means_of_residuals():
    y, f = Y[:N], TRUTH[:N] + 0.5
    display = ResidualDisplay.from_predictions(y, f, n_bins=1)
    alone = rectify_mean(y - f, f, [])
    expected = [alone.estimate, *alone.confidence_interval()]
    assert_allclose(display.rectifier, expected)
    assert_allclose(display.bin_residual, [expected])
    assert_allclose(display.residual, y - f)
    assert_allclose(display.against, f)


def test_the_rectifier_is_that_of_the_fit():
    plain = RectifiedMeanEstimator(cv=5, power_tuning=False, random_state=0).fit(X, Y)
    display = ResidualDisplay.from_estimator(plain).plot()
    assert_allclose(display.rectifier[0], plain.rectifier_)
    assert_allclose(display.rectifier_.get_ydata(), plain.rectifier_)


def test_against_a_column_with_categories():
    display = of_the_judge(ResidualDisplay, SOURCES).plot()
    assert display.categories == ["forum", "news", "reviews"]
    assert display.against_name == display.ax_.get_xlabel() == "source"
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == display.categories
    residual, source = PEOPLE[:N] - JUDGE[:N], SOURCES.to_numpy()
    expected = [residual[source == name].mean() for name in display.categories]
    assert_allclose(display.bin_residual[:, 0], expected)
    assert_good_picture(display, "residuals_categories")


def test_a_column_of_a_fit_has_an_entry_for_each_of_its_rows(model):
    display = ResidualDisplay.from_estimator(model, X[:, 1], column_name="x1").plot()
    assert_array_equal(display.against, X[:N, 1])
    assert display.ax_.get_xlabel() == "x1"
    assert_good_picture(display, "residuals_column")
    with pytest.raises(ValueError, match=r"column has shape \(200,\); expected \(2200,\)"):
        ResidualDisplay.from_estimator(model, X[:N, 1])


def test_a_column_keeps_to_rows_that_weigh_something():
    w = np.r_[0.0, np.ones(N - 1)]
    display = of_the_judge(ResidualDisplay, np.arange(N), sample_weight=w)
    assert_array_equal(display.against, np.arange(1, N))


def test_residuals_of_labels_of_one_class_have_the_interval_of_their_share():
    y, f = np.r_[np.zeros(20), np.ones(20)], np.linspace(0, 1, 40)
    display = ResidualDisplay.from_predictions(y, f, n_bins=2)
    shares = CalibrationDisplay.from_predictions(y, f, n_bins=2)
    assert_allclose(display.bin_residual, shares.label - shares.prediction[:, None])


def test_the_picture_of_shares_less_predictions(classifier):
    assert_good_picture(ResidualDisplay.from_estimator(classifier).plot(), "residuals_shares")


def test_many_rows_are_thinned():
    y = np.random.default_rng(1).normal(size=10_000)
    display = ResidualDisplay.from_predictions(y, np.linspace(-1, 1, 10_000)).plot()
    drawn = display.points_.get_xdata()
    assert len(drawn) == 2_000
    assert_allclose([drawn.min(), drawn.max()], [-1, 1])
    assert len(display.residual) == 10_000


# Both.


@pytest.mark.parametrize("kind", [CalibrationDisplay, ResidualDisplay])
def test_what_is_wrong_is_said(kind):
    with pytest.raises(ValueError, match="y 3, f 2; expected one entry for each labeled row"):
        kind.from_predictions([1.0, 2, 3], [1.0, 2])
    with pytest.raises(ValueError, match=r"f has shape \(2, 2\); expected \(n_rows,\), one output"):
        kind.from_predictions([1.0, 2], np.ones((2, 2)))
    with pytest.raises(ValueError, match="y has 1 values that are NaN or infinite"):
        kind.from_predictions([1.0, np.nan], [1.0, 2])
    with pytest.raises(ValueError, match="sample_weight has values from -1 to 2; expected 0 or more"):
        kind.from_predictions([1.0, 2], [1.0, 2], sample_weight=[-1.0, 2])
    with pytest.raises(ValueError, match="different indexes"):
        kind.from_predictions(pd.Series([1.0, 2]), pd.Series([1.0, 2], index=[1, 0]))
    with pytest.raises(ValueError, match=r"has no out_of_sample_; expected .* fitted"):
        kind.from_estimator(RectifiedMeanEstimator())
    with pytest.raises(ValueError, match="n_bins is 0"):
        of_the_judge(kind, n_bins=0)
    with pytest.raises(ValueError, match="confidence_level"):
        of_the_judge(kind, confidence_level=95)


def test_settings_of_artists_and_axes_that_are_given():
    ax = plt.subplots()[1]
    display = of_the_judge(CalibrationDisplay, JUDGE[N:]).plot(
        ax,
        bins_kwargs={"c": "red"},
        diagonal_kwargs={"lw": 3},
        labels_only_kwargs={"label": "people"},
        pool_kwargs={"color": "green"},
    )
    assert display.ax_ is ax
    assert display.bins_.lines[0].get_color() == "red"
    assert display.diagonal_.get_linewidth() == 3
    assert display.labels_only_.get_label() == "people"
    assert display.pool_.get_facecolor()[1] > 0.4
    residuals = of_the_judge(ResidualDisplay).plot(
        plt.subplots()[1],
        points_kwargs={"ms": 1},
        bins_kwargs={"ecolor": "red"},
        rectifier_kwargs={"c": "black"},
        band_kwargs={"alpha": 0.5},
        zero_kwargs={"ls": ":"},
    )
    assert residuals.points_.get_markersize() == 1
    assert residuals.rectifier_.get_color() == "black"
    assert residuals.band_.get_alpha() == 0.5
    assert residuals.zero_.get_linestyle() == ":"
