"""`SequenceDisplay` and `CoverageDisplay`."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from numpy.testing import assert_allclose, assert_array_equal
from rendering import assert_good_picture

from sklearn_ftr import (
    CoverageDisplay,
    FineTuneRectifyAllocator,
    SequenceDisplay,
    rectify_mean,
    rectify_quantile,
)


def looks(sizes=(100, 200, 400), scale=1.0, share=False):
    rng = np.random.default_rng(0)
    last = max(sizes)
    human = scale * rng.normal(3.0, 1.0, size=3 * last)
    judge = human + scale * rng.normal(0.4, 0.5, size=3 * last)
    if share:
        human = np.float64(human > 3.5)
    return [rectify_mean(human[:n], judge[:n], judge[last:]) for n in sizes]


def ends_of(bars):
    (lines,) = bars.lines[2]
    ends = [path.vertices[:, 1] for path in lines.get_paths()]
    return np.array(ends)


def test_what_is_drawn_is_what_looks_say():
    results = looks()
    display = SequenceDisplay.from_results(results[::-1]).plot(half_width=0.1, reference=3.0)
    together = [one.confidence_sequence(n_first=100) for one in results]
    assert_array_equal(display.n_labeled, [100, 200, 400])
    assert_allclose(ends_of(display.sequence_), together)
    assert_allclose(ends_of(display.interval_), [one.confidence_interval() for one in results])
    assert_allclose(display.reference_.get_ydata(), 3)
    assert_allclose(display.goal_.get_ydata(), results[-1].estimate - 0.1)
    low, high = display.running
    assert_allclose(low, np.maximum.accumulate([one.low for one in together]))
    assert_allclose(high, np.minimum.accumulate([one.high for one in together]))
    names = [text.get_text() for text in display.legend_.get_texts()]
    expected = ["goal: \u00b1 0.1", "all looks so far", "95 % interval", "95 % at all looks"]
    assert sorted(names) == sorted(expected)
    assert_good_picture(display, "sequence_three")


def test_a_level_a_method_and_a_first_look_may_be_given():
    results = looks()
    display = SequenceDisplay.from_results(results, confidence_level=0.8, n_first=50, method="t")
    last = results[-1].confidence_sequence(0.8, n_first=50, method="t")
    assert_allclose([display.low[-1], display.high[-1]], last)
    assert "80 % at all looks" in display.plot().sequence_.get_label()


def test_fitted_estimators_have_results():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    y = X.sum(axis=1) + rng.normal(size=600)
    fits = [
        FineTuneRectifyAllocator(random_state=0, n_bootstrap=20).fit(
            X, np.where(np.arange(600) < n, y, np.nan)
        )
        for n in (60, 120)
    ]
    display = SequenceDisplay.from_results(fits)
    assert_allclose(display.estimates, [one.mean_ for one in fits])
    assert_good_picture(display.plot())


def test_one_of_several_numbers():
    rng = np.random.default_rng(0)
    y = rng.normal(size=2_000)
    results = [rectify_quantile(y[:n], y[:n], y[n:], q=[0.5, 0.99]) for n in (20, 60, 200)]
    display = SequenceDisplay.from_results(results, number=1)
    assert_allclose(display.estimates, [one.estimate[1] for one in results])
    assert np.isinf(display.high[0])
    assert_good_picture(display.plot(), "sequence_endless")
    assert np.isfinite(ends_of(display.sequence_)).all()
    with pytest.raises(ValueError, match="number is 2; expected one from 0 to 1"):
        SequenceDisplay.from_results(results, number=2)


@pytest.mark.grid(4)
@pytest.mark.parametrize(
    "settings",
    [
        {"sizes": (100,)},
        {"sizes": (3, 4, 5)},
        {"sizes": (100, 100, 400), "share": True},
        {"sizes": tuple(range(50, 1_000, 25))},
        {"sizes": (50, 500, 5_000, 50_000)},
        {"scale": 1e-9},
        {"scale": 1e9},
    ],
)
def test_looks_of_any_number_and_size(settings):
    display = SequenceDisplay.from_results(looks(**settings)).plot()
    assert_good_picture(display)
    spans = max(display.n_labeled) >= 8 * min(display.n_labeled)
    assert display.ax_.get_xscale() == ("log" if spans else "linear")


def test_what_is_left_out():
    display = SequenceDisplay.from_results(looks())
    display.interval_low = None
    display.plot(running=False, sequence_kwargs={"c": "red"})
    assert display.running_ is display.interval_ is display.goal_ is None
    assert display.sequence_.lines[0].get_color() == "red"


def test_what_is_no_look():
    with pytest.raises(ValueError, match="results is empty"):
        SequenceDisplay.from_results([])
    with pytest.raises(TypeError, match="results holds a float"):
        SequenceDisplay.from_results([0.5])


COUNTS = {"t": [461, 472, 478], "bootstrap-t": [470, 474, np.nan]}


def coverage(**settings):
    return CoverageDisplay.from_counts(COUNTS, n=[20, 50, 100], n_draws=500, **settings)


def test_coverage_and_what_chance_makes_of_it():
    display = coverage().plot()
    assert_allclose(display.coverage["t"], np.array(COUNTS["t"]) / 500)
    assert_allclose(ends_of(display.coverage_["t"])[:, 0], 100 * display.low["t"])
    assert len(ends_of(display.coverage_["bootstrap-t"])) == 2
    assert_allclose(display.nominal_.get_ydata(), 95)
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["20", "50", "100"]
    assert_good_picture(display, "coverage_two")


def test_intervals_are_wilsons():
    """Roots of (p - share)^2 = z^2 p (1 - p) / n."""
    display = coverage()
    for p in (display.low["t"], display.high["t"]):
        square = 500 * (p - display.coverage["t"]) ** 2 / (p * (1 - p))
        assert_allclose(np.sqrt(square), 1.959964, rtol=1e-6)


def test_intervals_hold_the_truth():
    draws = np.random.default_rng(0).binomial(500, 0.95, size=2_000)
    display = CoverageDisplay.from_counts({"": draws}, n=range(2_000), n_draws=500)
    held = np.mean((display.low[""] <= 0.95) & (display.high[""] >= 0.95))
    assert abs(held - 0.95) < 0.02


def test_draws_one_by_one():
    covered = np.arange(20).reshape(2, 10) % 5 > 0
    display = CoverageDisplay.from_covered({"a": covered}, n=[10, 20], nominal=0.9)
    assert_allclose(display.coverage["a"], [0.8, 0.8])
    with pytest.raises(ValueError, match=r"shapes \[\(10,\)\]; expected one shape"):
        CoverageDisplay.from_covered({"a": covered[0]}, n=[10])


@pytest.mark.grid(3)
@pytest.mark.parametrize(
    ("counts", "n", "n_draws"),
    [
        ({"t": [10]}, [20], 10),
        ({"t": [0, 5]}, [20, 30], [5, 10]),
        ({f"method {i}": 10 * np.arange(90, 104)[: 10 + 4] - 40 for i in range(7)}, range(14), 1_000),
        ({"a method with quite a long name that goes on": [94], "b" * 50: [90]}, ["few"], 100),
        ({"t": [np.nan, np.nan]}, [1e6, 2e9], 10),
    ],
)
def test_coverage_of_any_kind(counts, n, n_draws):
    assert_good_picture(CoverageDisplay.from_counts(counts, n=n, n_draws=n_draws).plot())


def test_counts_that_cannot_be():
    for counts in ([501], [-1], [1, 2]):
        with pytest.raises(ValueError, match=r"counts\['t'\] has shape .* expected 1 numbers from 0"):
            CoverageDisplay.from_counts({"t": counts}, n=[10], n_draws=500)
    with pytest.raises(ValueError, match="expected at least one of each"):
        CoverageDisplay.from_counts({}, n=[10], n_draws=500)


def test_coverage_of_none_or_all_draws_is_a_share():
    display = CoverageDisplay.from_counts({"t": [10, 0]}, n=[20, 50], n_draws=10)
    assert display.low["t"].min() >= 0.0
    assert display.high["t"].max() <= 1.0


def test_coverage_without_settings_or_with_unknown_draws_is_refused():
    with pytest.raises(ValueError, match="n 0 entries"):
        CoverageDisplay.from_counts({"t": []}, n=[], n_draws=10)
    with pytest.raises(ValueError, match="other than True and False"):
        CoverageDisplay.from_covered({"t": [[np.nan, 1.0]]}, n=[20])


def test_a_single_look_has_to_be_in_a_list():
    with pytest.raises(TypeError, match="expected a list of results"):
        SequenceDisplay.from_results(object())
