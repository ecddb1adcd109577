"""Many numbers at once: simultaneous intervals, adjusted p-values, contrasts, Wald tests, differences of results."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.special import ndtr, ndtri

from sklearn_ftr import (
    RectifiedMeanEstimator,
    SamplingDesign,
    m_estimate,
    rectify_difference,
    rectify_linear_regression,
    rectify_mean,
    rectify_quantile,
)
from sklearn_ftr.rectification import Estimate
from sklearn_ftr.rectification._simultaneous import LargestOfMany, adjusted, level_of_each

NAMES = ["control", "treated", "other"]


def equicorrelated(k, rho):
    return np.full((k, k), rho) + (1 - rho) * np.eye(k)


def critical(correlation, level=0.95, two_sided=True):
    return -ndtri((1 - level_of_each(correlation, level, two_sided)) / (1 + two_sided))


def made(k=3, r=60, m=900, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(r + m, 1)) + rng.normal(0.1 * np.arange(k), 0.6, size=(r + m, k))
    f = y + rng.normal(0.4, 0.5, size=(r + m, k))
    return y[:r], f[:r], f[r:]


@pytest.fixture(scope="module")
def result():
    y, f, pool = made()
    return rectify_mean(*(pd.DataFrame(one, columns=NAMES) for one in (y, f, pool)))


# Critical values


# Dunnett (1964), infinite degrees of freedom, correlation 1/2: two-sided and one-sided 5 %.
@pytest.mark.parametrize(
    ("k", "two_sided", "value"),
    [(2, 1, 2.21), (5, 1, 2.51), (9, 1, 2.69), (2, 0, 1.92), (5, 0, 2.23), (9, 0, 2.42)],
)
def test_critical_values_are_those_of_dunnett(k, two_sided, value):
    assert_allclose(critical(equicorrelated(k, 0.5), two_sided=bool(two_sided)), value, atol=0.012)


@pytest.mark.thorough
@pytest.mark.parametrize("k", [2, 5, 20, 200])
def test_independent_numbers_have_the_level_of_sidak(k):
    assert_allclose(1 - level_of_each(np.eye(k), 0.95, True), 1 - 0.95 ** (1 / k), rtol=0.01)
    assert_allclose(1 - level_of_each(np.eye(k), 0.9, False), 1 - 0.9 ** (1 / k), rtol=0.01)


def test_critical_values_are_those_of_scipy():
    rng = np.random.default_rng(1)
    for two_sided in (True, False):
        root = rng.normal(size=(4, 4))
        covariance = root @ root.T
        errors = np.sqrt(np.diag(covariance))
        c = critical(covariance, two_sided=two_sided)
        correlation = covariance / np.outer(errors, errors)
        low = np.full(4, -c if two_sided else -np.inf)
        normal = stats.multivariate_normal(cov=correlation, seed=0)
        assert_allclose(normal.cdf(np.full(4, c), lower_limit=low), 0.95, atol=0.001)


def test_one_number_and_copies_of_it_have_the_ordinary_interval():
    assert level_of_each(np.array([[4.0]]), 0.9, True) == 0.9
    assert_allclose(level_of_each(np.ones((5, 5)), 0.95, True), 0.95, rtol=1e-5)
    copies = np.outer([1.0, -2.0, 3.0], [1.0, -2.0, 3.0])
    assert_allclose(level_of_each(copies, 0.95, True), 0.95, rtol=1e-5)


def test_numbers_without_variance_do_not_count():
    covariance = np.zeros((3, 3))
    covariance[:2, :2] = equicorrelated(2, 0.3)
    assert level_of_each(covariance, 0.95, True) == level_of_each(equicorrelated(2, 0.3), 0.95, True)
    assert level_of_each(np.zeros((2, 2)), 0.95, True) == 0.95
    numbers = Estimate(np.zeros(3), covariance, np.full(3, 9.0))
    low, high = numbers.confidence_interval(simultaneous=True)
    assert low[2] == high[2] == 0
    assert_array_equal(adjusted([0.5, 0.5, 0.0], "max-t", covariance, True)[2], 0.0)


def test_singular_correlations():
    """k numbers from fewer rows, one of which is a sum of two others."""
    rows = np.random.default_rng(0).normal(size=(8, 30))
    assert 0.95 < level_of_each(rows.T @ rows, 0.95, True) < 1 - 0.05 / 30
    mixed = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    c = critical(mixed @ mixed.T)
    draws = np.random.default_rng(0).normal(size=(200_000, 2)) @ mixed.T
    largest = np.abs(draws / np.sqrt([1, 1, 2])).max(axis=1)
    assert_allclose(np.mean(largest > c), 0.05, atol=0.003)


def test_answers_are_the_same_every_time():
    first, second = (level_of_each(equicorrelated(7, 0.4), 0.95, True) for _ in range(2))
    assert first == second


def test_tails_far_out_are_exact():
    """Bonferroni's bound, which a sample of the maximum could not resolve."""
    assert_allclose(LargestOfMany.of(equicorrelated(5, 0.5), True).share_of_bound(6.0), 1.0, atol=0.03)


# Intervals


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_simultaneous_intervals_are_ordinary_ones_at_a_higher_level(result, alternative):
    low, high = result.confidence_interval(0.9, alternative, simultaneous=True)
    level = level_of_each(result.covariance, 0.9, alternative == "two-sided")
    assert 0.9 < level < 1 - 0.1 / 3
    assert_allclose((low, high), result.confidence_interval(level, alternative))


def test_every_number_keeps_its_own_degrees_of_freedom():
    numbers = Estimate(np.zeros(2), np.eye(2), np.array([5.0, 500.0]))
    _, high = numbers.confidence_interval(simultaneous=True)
    assert_allclose(2 * stats.t.sf(high, [5, 500]), 1 - np.sqrt(0.95), rtol=0.01)


def test_simultaneous_intervals_of_quantiles_are_those_of_independent_ones():
    y, f, pool = (one[:, 0] for one in made())
    quantiles = rectify_quantile(y, f, pool, q=[0.25, 0.5, 0.75])
    level = level_of_each(np.eye(3), 0.95, True)
    told = quantiles.confidence_interval(simultaneous=True)
    assert_array_equal(told, quantiles.confidence_interval(level))
    assert (quantiles.p_value([0, 0, 0], adjust="holm") >= quantiles.p_value([0, 0, 0])).all()


def test_estimators_and_summaries_forward(result):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = X + rng.normal(size=(200, 2))
    y[80:] = np.nan
    model = RectifiedMeanEstimator(random_state=0).fit(X, y)
    wide, narrow = model.confidence_interval(simultaneous=True), model.confidence_interval()
    assert (wide.high > narrow.high).all()
    for answer in (model, result):
        table = answer.summary(simultaneous=True, adjust="holm")
        assert_allclose(table["high"], answer.confidence_interval(simultaneous=True).high)
        assert_allclose(table["p_value"], answer.p_value(0, adjust="holm"))


# P-values


def test_holm_and_benjamini_hochberg_by_hand():
    p = np.array([0.01, 0.04, 0.03, 0.005])
    assert_allclose(adjusted(p, "holm", np.eye(4), True), [0.03, 0.06, 0.06, 0.02])
    assert_allclose(adjusted(p, "bh", np.eye(4), True), [0.02, 0.04, 0.04, 0.02])
    harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4
    assert_allclose(
        adjusted(p, "by", np.eye(4), True), np.minimum(harmonic * np.array([2, 4, 4, 2]) / 100, 1)
    )


@pytest.mark.parametrize("adjust", ["max-t", "holm", "bh", "by"])
def test_adjusted_p_values_are_no_smaller_and_of_one_the_same(result, adjust):
    p = result.p_value(0.1)
    more = result.p_value(0.1, adjust=adjust)
    assert (more >= p * (1 - 1e-12)).all()
    assert (more <= 1).all()
    one = rectify_mean(*(one[:, 0] for one in made()))
    assert isinstance(one.p_value(0, adjust=adjust), float)
    assert_allclose(one.p_value(0, adjust=adjust), one.p_value(0))


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_max_t_rejects_what_simultaneous_intervals_exclude(result, alternative):
    low, high = result.confidence_interval(0.95, alternative, simultaneous=True)
    for end in (low, high):
        if np.isfinite(end).all():
            for each in range(3):
                p = result.p_value(
                    np.where(np.arange(3) == each, end, result.estimate), alternative, adjust="max-t"
                )
                assert_allclose(p[each], 0.05, rtol=0.01)


def test_many_p_values_are_interpolated():
    p = np.exp(np.linspace(-12, -0.01, 30))
    correlation = equicorrelated(30, 0.5)
    largest = LargestOfMany.of(correlation, True)
    exact = [30 * one * largest.share_of_bound(-ndtri(one / 2)) for one in p]
    assert_allclose(adjusted(p, "max-t", correlation, True), np.minimum(exact, 1), rtol=0.04)


def test_unknown_adjustment(result):
    with pytest.raises(ValueError, match="adjust is 'tukey'; expected one of"):
        result.p_value(0, adjust="tukey")
    with pytest.raises(ValueError, match="simultaneous is 'yes'"):
        result.confidence_interval(simultaneous="yes")


# Contrasts


def test_contrast_is_the_linear_combination(result):
    C = np.array([[-1.0, 1.0, 0.0], [-1.0, 0.0, 1.0], [0.5, 0.5, -1.0]])
    told = result.contrast(C)
    assert_allclose(told.estimate, C @ result.estimate)
    assert_allclose(told.covariance, C @ result.covariance @ C.T)
    assert_allclose(told.labels_only.covariance, C @ result.labels_only.covariance @ C.T)
    assert_allclose(told.predictions_only.estimate, C @ result.predictions_only.estimate)
    assert told.names == (
        "- control + treated",
        "- control + other",
        "0.5 control + 0.5 treated - other",
    )


@pytest.mark.parametrize(
    "C",
    [
        {"treated": 1, "control": -1},
        pd.Series({"treated": 1, "control": -1}),
        [-1, 1, 0],
        np.array([-1.0, 1.0, 0.0]),
    ],
)
def test_ways_to_say_one_contrast(result, C):
    told = result.contrast(C)
    assert isinstance(told.estimate, float)
    assert_allclose(told.estimate, result.estimate[1] - result.estimate[0])
    assert told.names == ("- control + treated",)


@pytest.mark.parametrize(
    "C",
    [
        {"a": {"treated": 1, "control": -1}, "b": {"other": 1}},
        pd.DataFrame({"treated": [1, 0], "control": [-1, 0], "other": [0, 1]}, index=["a", "b"]),
    ],
)
def test_ways_to_say_several_contrasts(result, C):
    told = result.contrast(C)
    assert told.names == ("a", "b")
    assert_allclose(told.estimate, [result.estimate[1] - result.estimate[0], result.estimate[2]])
    assert result.contrast(C, names=["x", "y"]).names == ("x", "y")


@pytest.mark.parametrize(
    ("C", "message"),
    [
        ({"tested": 1}, r"'tested' is no number of this result; expected names, .* \['control'"),
        ([1, -1], "expected a weight for each of the 3 numbers"),
        ([[0, 0, 0]], "expected finite weights, some of which are not 0"),
        ([1, np.nan, 0], "expected finite weights"),
        ("treated", "C is 'treated'; expected weights"),
        ({"treated": "one"}, "expected a weight for each name"),
        ({}, "some of which are not 0"),
    ],
)
def test_bad_contrasts(result, C, message):
    with pytest.raises(ValueError, match=message):
        result.contrast(C)


def test_contrast_has_the_degrees_of_freedom_of_the_difference_itself():
    """Where weights are given, the contrast of two columns is the mean of their difference in everything."""
    y, f, pool = made(2)
    both = rectify_mean(y, f, pool, lambda_=0.7).contrast([1, -1])
    alone = rectify_mean(*(one @ [1, -1] for one in (y, f, pool)), lambda_=0.7)
    assert_allclose(both.estimate, alone.estimate)
    assert_allclose(both.standard_error, alone.standard_error)
    assert_allclose(both.degrees_of_freedom, alone.degrees_of_freedom)
    assert_allclose(both.efficiency, alone.efficiency)
    assert_allclose(both.confidence_interval(), alone.confidence_interval())
    assert_allclose(both.predictions_only.standard_error, alone.predictions_only.standard_error)


def labels_in_part(X, y, n):
    return X, np.where(np.arange(len(y))[:, None] < n, y, np.nan)


def test_one_number_of_a_result_has_its_own_degrees_of_freedom(result):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    rows = labels_in_part(X, X + rng.normal(size=(300, 2)), 90)
    answers = [RectifiedMeanEstimator(cv=cv, random_state=0).fit(*rows).result_ for cv in (None, 3)]
    for answer in (result, *answers):
        alone = answer.contrast(np.eye(np.size(answer.estimate)))
        for name in ("estimate", "covariance", "degrees_of_freedom", "efficiency"):
            assert_allclose(getattr(alone, name), getattr(answer, name))


def test_contrasts_of_other_estimands():
    rng = np.random.default_rng(0)
    X, noise = rng.normal(size=(500, 2)), rng.normal(size=500)
    y, f = X @ [1, 1] + noise, X @ [1, 1] + 0.8 * noise
    parts = X[:80], y[:80], f[:80], X[80:], f[80:]
    for answer in (
        rectify_linear_regression(*parts),
        m_estimate(lambda X, y, theta: (y - X @ theta)[:, None] * X, *parts, start=[0.0, 0.0]),
    ):
        told = answer.contrast(np.r_[np.zeros(np.size(answer.estimate) - 2), 1, -1])
        assert told.p_value() > 1e-4
        assert_allclose(told.estimate, answer.estimate[-2] - answer.estimate[-1])
    group = np.repeat(["a", "b"], 250)
    rng.shuffle(group)
    difference = rectify_difference(y[:80], f[:80], f[80:], group[:80], group[80:])
    twice = difference.contrast([2])
    assert_allclose(twice.standard_error, 2 * difference.standard_error)
    assert_allclose(twice.degrees_of_freedom, difference.degrees_of_freedom)
    assert_allclose(twice.bootstrap(9, 0), 2 * difference.bootstrap(9, 0))


def test_contrasts_under_a_design():
    y, f, pool = made(2)
    designs = {
        "design": SamplingDesign(clusters=np.arange(60) // 3),
        "design_unlabeled": SamplingDesign(clusters=100 + np.arange(900) // 3),
    }
    both = rectify_mean(y, f, pool, lambda_=1.0, **designs).contrast([1, -1])
    alone = rectify_mean(*(one @ [1, -1] for one in (y, f, pool)), lambda_=1.0, **designs)
    assert_allclose(both.standard_error, alone.standard_error)
    assert_allclose(both.degrees_of_freedom, alone.degrees_of_freedom)


def test_contrast_of_a_contrast_is_one_of_the_result(result):
    steps = result.contrast({"a": {"treated": 1, "control": -1}, "b": {"other": 1, "control": -1}})
    assert_allclose(
        steps.contrast({"b": 1, "a": -1}).covariance, result.contrast([0, -1, 1]).covariance
    )


def test_contrast_prints_and_converts(result):
    told = result.contrast({"treated": 1, "control": -1}, names=["effect"])
    assert str(told).splitlines()[0] == (
        "Contrast effect of rectified mean: 60 labeled rows, 900 unlabeled"
    )
    assert "predictions only" in str(told)
    assert repr(told).startswith("<ContrastResult: ")
    assert "<table>" in told._repr_html_()
    numbers = told.to_dict()
    assert isinstance(numbers["low"], float)
    assert json.loads(told.to_json())["weights"] == [[-1.0, 1.0, 0.0]]
    assert_allclose(told.to_frame().loc["effect", "estimate"], told.estimate)
    assert_allclose(told.summary(null=1.0)["p_value"], told.p_value(1.0))
    assert pickle.loads(pickle.dumps(told)) == told
    several = result.contrast(np.eye(3)[:2])
    assert str(several).splitlines()[0].startswith("Contrasts of rectified mean")


def test_bootstrap_of_a_contrast(result):
    told = result.contrast([[1, -1, 0], [0, 1, -1]])
    draws = told.bootstrap(4000, 0)
    assert draws.shape == (4000, 2)
    assert_allclose(draws.std(axis=0), told.standard_error, rtol=0.06)


def test_quantiles_have_no_contrasts():
    y, f, pool = (one[:, 0] for one in made())
    quantiles = rectify_quantile(y, f, pool, q=[0.25, 0.75])
    for ask in (
        lambda: quantiles.contrast([-1, 1]),
        quantiles.wald_test,
        lambda: quantiles - quantiles,
    ):
        with pytest.raises(ValueError, match="joint covariance of quantiles is not estimated"):
            ask()


# Wald tests


def test_wald_test_of_one_number_is_the_t_test(result):
    told = result.wald_test({"treated": 1, "control": -1}, null=0.05)
    contrast = result.contrast({"treated": 1, "control": -1})
    assert_allclose(told.p_value, contrast.p_value(0.05))
    assert_allclose(told.statistic, ((contrast.estimate - 0.05) / contrast.standard_error) ** 2)
    assert told.df_num == 1
    assert str(told).startswith("F(1, ")


def test_wald_test_of_labels_is_that_of_hotelling():
    """Without predictions it is the exact test of a mean vector of Gaussian rows."""
    y = made(3, r=12)[0]
    told = rectify_mean(y, y, np.empty((0, 3))).wald_test(null=[0.0, 0.1, 0.2])
    gap = y.mean(axis=0) - [0, 0.1, 0.2]
    square = 12 * gap @ np.linalg.solve(np.cov(y.T), gap)
    assert_allclose(told.statistic, square * 9 / (11 * 3))
    assert_allclose(told.p_value, stats.f.sf(square * 9 / 33, 3, 9))
    assert (told.df_num, told.df_denom) == (3, 9)


def test_wald_test_does_not_depend_on_units_or_redundant_contrasts(result):
    told = result.wald_test([[1, -1, 0], [0, 1, -1]])
    more = result.wald_test([[1, -1, 0], [0, 2e9, -2e9], [1, 0, -1]])
    assert more.df_num == 2
    assert_allclose(more.statistic, told.statistic)
    contradiction = result.wald_test([[1, -1, 0], [0, 1, -1], [1, 0, -1]], null=[0, 0, 1])
    assert contradiction.p_value == 0


def test_wald_test_of_numbers_without_variance():
    y = np.full((5, 2), 3.0)
    with pytest.warns(UserWarning, match="zero width"):
        told = rectify_mean(y, y, y)
    assert told.wald_test(null=3.0).p_value == 1
    assert told.wald_test(null=2.0).p_value == 0


def test_wald_test_needs_degrees_of_freedom():
    """With fewer rows than numbers some combination has no variance in the sample, which proves nothing."""
    y = np.random.default_rng(0).normal(size=(6, 7))
    labels = rectify_mean(y, y, np.empty((0, 7)))
    with pytest.raises(ValueError, match="7 numbers needs more than 6 degrees of freedom; got 5"):
        labels.wald_test()
    assert labels.wald_test(np.eye(7)[:2]).df_denom == 4


# Differences of results


def test_difference_of_selected_numbers_is_the_contrast(result):
    told = result.select("treated") - result.select("control")
    assert_allclose(told.standard_error, result.contrast([-1, 1, 0]).standard_error)
    assert told.names == ("treated - control",)
    assert isinstance(told.estimate, float)
    against_control = result.select("treated", "other") - result.select("control")
    assert_allclose(against_control.estimate, result.estimate[1:] - result.estimate[0])
    assert against_control.names == ("treated - control", "other - control")


def test_difference_of_two_calls_with_the_same_rows():
    """Exact for labels; the pool's part is correlated as the labeled rows' predictions are."""
    y, f, pool = made(2, r=400, m=4000)
    at_once = rectify_mean(y, f, pool).contrast([1, -1])
    first, second = (rectify_mean(y[:, i], f[:, i], pool[:, i]) for i in (0, 1))
    told = first - second
    assert_allclose(told.estimate, at_once.estimate)
    assert_allclose(told.labels_only.standard_error, at_once.labels_only.standard_error)
    assert_allclose(told.standard_error, at_once.standard_error, rtol=0.02)
    assert_allclose(told.degrees_of_freedom, at_once.degrees_of_freedom, rtol=0.05)
    assert told.predictions_only is None
    assert_allclose(told.bootstrap(4000, 0).std(), told.standard_error, rtol=0.05)
    assert "labels only" in str(told)
    assert_allclose((second - first).estimate, -told.estimate)


def test_difference_of_differences():
    y, f, pool = made(3)
    a, b, c = (rectify_mean(y[:, i], f[:, i], pool[:, i]) for i in range(3))
    told = (a - b) - (c - b)
    assert_allclose(told.estimate, (a - c).estimate)
    assert_allclose(told.standard_error, (a - c).standard_error)


def test_difference_of_regressions_of_two_outcomes():
    """Other numbers of parameters than the mean, so other small-sample factors."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 2))
    y = rng.normal(size=(900, 1)) + X @ [[1.0, 0.5], [0.0, 0.0]] + 0.5 * rng.normal(size=(900, 2))
    f = y + 0.5 * rng.normal(size=(900, 2))
    one, two, alone = (
        rectify_linear_regression(X[:90], y[:90] @ c, f[:90] @ c, X[90:], f[90:] @ c, lambda_=0.8)
        for c in ([1, 0], [0, 1], [1, -1])
    )
    told = one - two
    assert_allclose(told.labels_only.covariance, alone.labels_only.covariance)
    assert_allclose(told.standard_error, alone.standard_error, rtol=0.1)
    mean = rectify_mean(y[:90, 0], f[:90, 0], f[90:, 0])
    both = one.select("intercept") - mean
    assert_allclose(both.standard_error, (mean - one.select("intercept")).standard_error)


def test_a_result_less_itself_is_nothing():
    y, f, pool = (one[:, 0] for one in made())
    a, b = (rectify_mean(y, f, pool) for _ in range(2))
    told = a - b
    assert (told.estimate, told.standard_error, told.p_value()) == (0, 0, 1)


def test_results_of_other_rows_are_refused():
    y, f, pool = (one[:, 0] for one in made())
    a, b = rectify_mean(y, f, pool), rectify_mean(y[1:], f[1:], pool)
    with pytest.raises(ValueError, match=r"different rows: 60 labels and 900 .*column_stack"):
        a - b
    index = pd.Index([f"row {i}" for i in range(60)])
    frames = [
        rectify_mean(pd.Series(y, index=one), pd.Series(f, index=one), pool)
        for one in (index, index, index[::-1])
    ]
    assert (frames[0] - frames[1]).estimate == 0
    with pytest.raises(ValueError, match="indexes differ"):
        frames[0] - frames[2]
    assert frames[0] == a  # names of rows are no part of the answer


def test_results_whose_rows_are_not_known_are_refused():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    rows = labels_in_part(X, X + rng.normal(size=(100, 2)), 50)
    models = [RectifiedMeanEstimator(cv=2, random_state=seed).fit(*rows).result_ for seed in (0, 1)]
    y, f, pool = (one[:, 0] for one in made())
    designs = SamplingDesign(clusters=np.arange(60) // 2), SamplingDesign(clusters=99 + np.arange(900))
    designed = [
        rectify_mean(y, f, pool, design=designs[0], design_unlabeled=designs[1]) for _ in range(2)
    ]
    for a, b in (models, designed):
        with pytest.raises(ValueError, match="not known one by one"):
            a - b


def test_differences_of_other_things(result):
    with pytest.raises(TypeError):
        result - 1.0
    with pytest.raises(ValueError, match="difference of 3 and 2 numbers; expected as many, or one"):
        result - result.select("other", "control")


@pytest.mark.thorough
def test_a_thousand_numbers():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(150, 1)) + rng.normal(size=(150, 1000))
    many = rectify_mean(y[:50], y[:50], y[50:], lambda_=0.0)
    low, high = many.confidence_interval(simultaneous=True)
    assert (high - low > 2 * 3 * many.standard_error).all()
    assert many.contrast(np.eye(1000)).estimate.shape == (1000,)


def test_two_sided_normal_tails_add_up():
    """P(max >= 0) of absolute values is 1, whatever the correlation."""
    largest = LargestOfMany.of(equicorrelated(4, 0.2), True)
    assert_allclose(4 * 2 * ndtr(-0.0) * largest.share_of_bound(0.0), 1.0)
