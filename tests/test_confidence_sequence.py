"""Confidence sequences: what they are in the limit, that intervals and p-values invert each other, and that 29 looks hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from test_simulations import benchmark

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    RectifiedMeanEstimator,
    rectify_difference,
    rectify_linear_regression,
    rectify_mean,
    rectify_quantile,
)
from sklearn_ftr.rectification._confidence_sequence import always_valid, level_of_look

ALTERNATIVES = ("two-sided", "less", "greater")


@pytest.fixture
def rows(rng):
    y = rng.exponential(size=120)
    return y, y + rng.normal(size=120), rng.exponential(size=500)


@pytest.fixture
def result(rows):
    return rectify_mean(*rows)


def test_a_brownian_motion_crosses_as_often_as_it_should(rng):
    """From time 1 to 150; the rest of eternity and the gaps between looks take less than a fifth of the chance."""
    times = np.geomspace(1, 150, 600)
    steps = rng.standard_normal((600, 4_000)) * np.sqrt(np.diff(times, prepend=0.0))[:, None]
    z = np.abs(np.cumsum(steps, axis=0)) / np.sqrt(times)[:, None]
    limits = [stats.norm.isf((1 - level_of_look(0.8, t, "two-sided")) / 2) for t in times]
    crossed = (z > np.array(limits)[:, None]).any(axis=0).mean()
    assert 0.14 < crossed < 0.2


def test_limits_at_the_first_look_and_later():
    at_first = stats.norm.isf((1 - level_of_look(0.95, 1.0, "two-sided")) / 2)
    assert at_first == pytest.approx(np.sqrt(stats.chi2.isf(0.05, 3)))
    later = stats.norm.isf((1 - level_of_look(0.95, 12.0, "two-sided")) / 2)
    assert later**2 - at_first**2 == pytest.approx(np.log(12))


@settings(max_examples=50, deadline=None)
@given(p=st.floats(1e-12, 1.0), growth=st.floats(1.0, 1e4), alternative=st.sampled_from(ALTERNATIVES))
def test_p_values_never_fall_by_looking(p, growth, alternative):
    sequential = always_valid(p, growth, alternative)
    assert p * (1 - 1e-9) <= sequential <= 1
    assert sequential <= always_valid(p, 2 * growth, alternative)


@settings(max_examples=50, deadline=None)
@given(
    level=st.floats(0.55, 0.999), growth=st.floats(1.0, 1e3), alternative=st.sampled_from(ALTERNATIVES)
)
def test_p_values_and_levels_invert_each_other(level, growth, alternative):
    ordinary = 1 - level_of_look(level, growth, alternative)
    assert always_valid(ordinary, growth, alternative) == pytest.approx(1 - level, rel=1e-6)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_the_ends_are_the_nulls_that_are_just_refuted(result, alternative):
    for end in result.confidence_sequence(0.9, alternative):
        if np.isfinite(end):
            assert result.always_valid_p_value(end, alternative) == pytest.approx(0.1, rel=1e-6)
    assert result.always_valid_p_value(result.estimate) == 1


def test_open_ends(result):
    assert result.confidence_sequence(alternative="less")[0] == -np.inf
    assert result.confidence_sequence(alternative="greater")[1] == np.inf


def test_it_is_the_ordinary_interval_at_a_higher_level(result):
    level = level_of_look(0.95, 120 / 50, "two-sided")
    assert result.confidence_sequence() == result.confidence_interval(level)
    (low, high), (first, last) = result.confidence_interval(), result.confidence_sequence(n_first=120)
    assert 1.4 < (last - first) / (high - low) < 1.5
    assert np.diff(result.confidence_sequence(n_first=10)) > last - first


def test_the_level_of_the_result_is_the_default(rows):
    narrow = rectify_mean(*rows, confidence_level=0.8)
    assert narrow.confidence_sequence() == rectify_mean(*rows).confidence_sequence(0.8)


def test_a_one_sided_level_below_one_half_stays_at_one_half(result):
    assert result.confidence_sequence(0.3, "less") == result.confidence_sequence(0.5, "less")


def test_other_estimands(rows, rng):
    y, f, f_unlabeled = rows
    X, X_unlabeled = rng.normal(size=(120, 2)), rng.normal(size=(500, 2))
    group, group_unlabeled = np.arange(120) % 2, np.arange(500) % 2
    for result in (
        rectify_quantile(y, f, f_unlabeled, q=[0.25, 0.5]),
        rectify_linear_regression(X, y, f, X_unlabeled, f_unlabeled),
        rectify_difference(y, f, f_unlabeled, group, group_unlabeled),
    ):
        (low, high), (first, last) = result.confidence_interval(), result.confidence_sequence()
        assert np.all((first < low) & (last > high))
        assert np.all(np.asarray(result.always_valid_p_value(first - 1e-9)) <= 0.05 + 1e-6)
        assert np.all(np.asarray(result.always_valid_p_value(result.estimate)) > 0.5)
        assert np.shape(result.always_valid_p_value(0)) == np.shape(result.estimate)


def test_everything_is_known_of_a_complete_population(rng):
    y = rng.normal(size=60)
    result = rectify_mean(y, y, [], finite_population=True)
    assert result.confidence_sequence() == (result.estimate, result.estimate)
    assert result.always_valid_p_value(result.estimate) == 1
    assert result.always_valid_p_value(result.estimate + 1) == 0


@pytest.mark.parametrize("method", ["confidence_sequence", "always_valid_p_value"])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"n_first": 121},
            "n_first is 121, but there are 120 labels; expected the number of labels at",
        ),
        ({"n_first": 0}, "n_first is 0; expected at least 1"),
        ({"n_first": 50.0}, "n_first is 50.0, of type float; expected a whole number"),
        ({"alternative": "larger"}, "alternative is 'larger'"),
    ],
)
def test_refused(result, method, settings, message):
    null = [0] * (method == "always_valid_p_value")
    with pytest.raises(ValueError, match=message):
        getattr(result, method)(*null, **settings)


def test_a_bad_level(result):
    with pytest.raises(ValueError, match="confidence_level is 2; expected a number between 0 and 1"):
        result.confidence_sequence(2)


def test_estimators_answer_as_their_results_do(population):
    X, y = population
    for model in (
        RectifiedMeanEstimator(confidence_level=0.9, random_state=0),
        FineTuneRectifyAllocator(RectifiedMeanEstimator(confidence_level=0.9), random_state=0),
    ):
        model.fit(X, y)
        expected = model.result_.confidence_sequence(0.9, n_first=100)
        assert model.confidence_sequence(n_first=100) == expected
        expected = model.result_.always_valid_p_value(2.5, "greater", n_first=100)
        assert model.always_valid_p_value(2.5, "greater", n_first=100) == expected


@pytest.fixture(scope="module")
def allocator():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 3))
    y = X.sum(axis=1) + rng.normal(size=20_000)
    y[200:] = np.nan
    return FineTuneRectifyAllocator(n_bootstrap=10, random_state=0).fit(X, y)


def test_the_next_purchase_is_for_the_sequence(allocator):
    goal = 0.1
    once = allocator.next_purchase(goal)
    often = allocator.next_purchase(goal, always_valid=True, n_first=200)
    needed = often.required.n_labeled
    level = level_of_look(0.95, needed / 200, "two-sided")
    assert allocator.required_labels(goal, level).n_labeled == pytest.approx(needed, abs=1)
    assert 1.8 < needed / once.required.n_labeled < 3
    later = allocator.next_purchase(goal, always_valid=True)
    assert later.required.n_labeled > needed


def test_nothing_to_buy_for_a_sequence_that_is_narrow_enough(allocator):
    low, high = allocator.confidence_sequence()
    assert allocator.next_purchase(0.75 * (high - low), always_valid=True).n_more == 0
    assert allocator.next_purchase(0.3 * (high - low), always_valid=True).n_more > 0
    reached = allocator.next_purchase((high - low) / 2, always_valid=True).required
    assert 196 <= reached.n_labeled <= 204


def test_purchases_that_are_refused(allocator):
    with pytest.raises(ValueError, match="n_first is 201, but there are 200 labels"):
        allocator.next_purchase(0.1, always_valid=True, n_first=201)
    with pytest.raises(ValueError, match="always_valid is 'yes'"):
        allocator.next_purchase(0.1, always_valid="yes")
    with pytest.raises(ValueError, match="confidence_level is 2; expected a number between 0 and 1"):
        allocator.next_purchase(0.1, 2, always_valid=True)


def ever_missed(name, first, method, runs, jobs=1):
    looking = benchmark("looking_many_times")
    population, settings = looking.POPULATIONS[name], looking.METHODS[method]
    (interval, sequence, _), _ = looking.simulate(population, first, settings, runs, jobs)
    return interval, sequence, looking.monte_carlo_error(0.05, runs)


@pytest.mark.thorough
def test_29_looks_with_given_predictions():
    interval, sequence, error = ever_missed("linear", 50, "given", 400)
    assert interval > 0.15
    assert sequence < 0.05 + error


@pytest.mark.thorough
def test_29_looks_with_models_that_are_trained_anew():
    """The harness; what it finds is measured in docs/statistics.md."""
    for method in ("split", "K = 5"):
        interval, sequence, _ = ever_missed("linear", 50, method, 50)
        assert sequence < interval


@pytest.mark.slow
@pytest.mark.parametrize("name", ["linear", "late", "exponential"])
@pytest.mark.parametrize("method", ["given", "split", "K = 5"])
def test_29_looks_miss_at_most_as_often_as_they_say(name, method):
    _, sequence, error = ever_missed(name, 50, method, 4_000, jobs=2)
    assert sequence < 0.05 + 2 * error
