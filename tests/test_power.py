"""How many labels for a half-width, an effect, an order: textbook limits, simulations, what is in hand, designs."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import Ridge

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    RectifiedMeanEstimator,
    SamplingDesign,
    ScalingLaw,
    rectify_difference,
    rectify_linear_regression,
    rectify_mean,
    rectify_quantile,
)
from sklearn_ftr.rectification._goal import Effect, HalfWidth, Order, bisect, power_of
from sklearn_ftr.rectification._more_labels import forecasts_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_ftr.PredictionShiftWarning")
INF = np.inf
LAW = ScalingLaw(0.0, 1.0, 0.4)


def sample(rows=3_000, columns=(), seed=0, noise=0.5):
    """Labels of variance 1 and predictions of all rows."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(rows, *columns))
    return y, y + 0.3 + noise * rng.normal(size=y.shape)


def rectified(n=200, rows=3_000, columns=(), seed=0, **settings):
    y, f = sample(rows, columns, seed)
    return rectify_mean(y[:n], f[:n], f[n:], **settings)


def width_of(result, level=0.95):
    low, high = map(np.atleast_1d, result.confidence_interval(level))
    return float(np.max(high - low)) / 2


def textbook(effect, sd, power, alpha):
    """Labels of a two-sided one-sample t test."""
    for n in range(3, 100_000):
        t = stats.t.isf(alpha / 2, n - 1)
        with np.errstate(all="ignore"):  # older scipy divides by 0 on its way
            found = stats.nct.sf(t, n - 1, effect / sd * np.sqrt(n))
        if found >= power:
            return n
    raise AssertionError


# The formula of power


@pytest.mark.parametrize("degrees", [8, 20, 100, 10_000])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("shift", [0.5, 2.0, 3.0, 5.0])
def test_power_is_that_of_the_noncentral_t(degrees, alpha, shift):
    with np.errstate(all="ignore"):
        exact = stats.nct.sf(stats.t.isf(alpha / 2, degrees), degrees, shift)
    assert power_of(shift, 1.0, degrees, alpha) == pytest.approx(exact, abs=0.004)


def test_power_with_endless_degrees_of_freedom_and_without_variance():
    exact = stats.norm.sf(stats.norm.isf(0.025) - 2.8)
    assert power_of(2.8, 1.0, INF, 0.05) == pytest.approx(exact, rel=1e-9)
    assert power_of(2.8, 0.0, 10.0, 0.05) == 1


@pytest.mark.parametrize("effect", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_without_predictions_the_textbook_says_so(effect, power, level):
    y, f = sample(40)
    alone = rectify_mean(y, f, [])
    exact = textbook(effect, y.std(ddof=1), power, 1 - level)
    needed = alone.required_labels(effect=effect, power=power, confidence_level=level)
    assert abs(needed.n_labeled - exact) <= 1
    assert needed.labels_only == needed.n_labeled
    law = LAW.required_labels(effect=effect, power=power, confidence_level=level, total_variance=1.0)
    least = max(textbook(effect, 1.0, power, 1 - level), 10)  # the smallest number that plans know
    assert abs(law.labels_only - least) <= 1


def test_bisection_is_exact():
    for wanted in (2, 3, 17, 1_000):
        assert bisect(lambda n, wanted=wanted: n >= wanted, 2, 1_000) == wanted
    assert bisect(lambda n: False, 2, 1_000) == INF


# Simulations: 1,000 columns are as many samples


def significant(result, effect, level=0.95):
    """Columns in which a null below the truth, which is 0, is refuted on the right side."""
    return (result.p_value(-effect) <= 1 - level) & (result.estimate > -effect)


@pytest.mark.thorough
@pytest.mark.parametrize(("effect", "rows"), [(0.2, 3_000), (0.2, 400)])
def test_an_effect_is_found_with_the_power(effect, rows):
    """A pool that is large, and one that labels use up."""
    held = rectified(4_000, 12_000, seed=1)
    n = held.required_labels(effect=effect, n_rows=rows).n_labeled
    assert n < rows / 2
    found = significant(rectified(n, rows, (1_000,), seed=2), effect)
    assert 0.76 <= found.mean() <= 0.84


def test_a_half_width_is_reached():
    held = rectified(4_000, 12_000, seed=1)
    needed = held.required_labels(0.1, n_rows=2_000)
    low, high = rectified(needed.n_labeled, 2_000, (500,), seed=2).confidence_interval()
    assert np.median(high - low) / 2 == pytest.approx(0.1, rel=0.02)


@pytest.mark.thorough
def test_an_order_is_certain_with_the_power():
    """Three systems that are 0.2 and 0.3 apart; Holm's method finds both differences in 80 % of samples, or somewhat more."""
    rng = np.random.default_rng(3)

    def systems(n, rows, draws):
        human = rng.normal(size=(draws, rows, 1)) + rng.normal(
            [0.0, 0.2, 0.5], 0.5, size=(draws, rows, 3)
        )
        judge = human + 0.5 * rng.normal(size=human.shape)
        return [rectify_mean(y[:n], f[:n], f[n:]) for y, f in zip(human, judge, strict=True)]

    (held,) = systems(4_000, 12_000, 1)
    as_they_are = replace(held, estimate=np.array([0.0, 0.2, 0.5]))
    needed = as_they_are.required_labels(rank=True, n_rows=1_500)
    assert "an order of 3 to be certain" in str(needed)
    certain = []
    for result in systems(needed.n_labeled, 1_500, 600):
        pairs = result.contrast([[-1, 1, 0], [0, -1, 1]])
        certain.append(np.all(pairs.p_value(adjust="holm") <= 0.05) and np.all(pairs.estimate > 0))
    assert 0.75 <= np.mean(certain) <= 0.87


def test_allocator_and_law_know_effects():
    y, f = sample(1_500, seed=4)
    labels = np.where(np.arange(1_500) < 150, y, np.nan)
    model = FineTuneRectifyAllocator(RectifiedMeanEstimator(Ridge()), random_state=0, n_bootstrap=30)
    model.fit(f[:, None], labels)
    needed = model.required_labels(effect=0.15)
    assert "for an effect of 0.15 to be found with a power of 0.8, cost" in str(needed)
    assert model.required_labels(effect=0.15, power=0.9).n_labeled > needed.n_labeled
    assert model.required_labels(effect=0.15, assurance=0.8).n_labeled > needed.n_labeled
    bought = model.next_purchase(effect=0.15)
    assert bought.required == needed
    assert model.next_purchase(effect=0.15, always_valid=True).required.n_labeled > needed.n_labeled
    # With many degrees of freedom an effect is a half-width, larger by (1.96 + 0.84) / 1.96.
    wide = LAW.required_labels(0.02, total_variance=1.0).n_labeled
    effect = 0.02 * (stats.norm.isf(0.025) + stats.norm.isf(0.2)) / stats.norm.isf(0.025)
    assert LAW.required_labels(effect=effect, total_variance=1.0).n_labeled == pytest.approx(
        wide, rel=0.002
    )
    with pytest.raises(ValueError, match=r"reaches an effect of 1e-09 .* allow a larger effect"):
        LAW.required_labels(effect=1e-9, total_variance=1.0)


# What is in hand


def results():
    y, f = sample()
    n, rng = 200, np.random.default_rng(5)
    sides = f[:n], f[n:]
    cluster = np.arange(3_000) // 4
    pieces = SamplingDesign(clusters=cluster[:n]), SamplingDesign(clusters=cluster[n:])
    group = rng.integers(0, 2, 3_000)
    X = np.column_stack([f, rng.normal(size=3_000)])
    hidden = np.where(np.arange(3_000) < n, y, np.nan)
    yield "mean", rectify_mean(y[:n], *sides)
    yield "lambda 1", rectify_mean(y[:n], *sides, lambda_=1.0)
    yield "lambda 0", rectify_mean(y[:n], *sides, lambda_=0.0)
    yield "finite", rectify_mean(y[:n], *sides, finite_population=True)
    yield "judges", rectify_mean(y[:n], *(np.column_stack([one, -(one**2)]) for one in sides))
    yield "clusters", rectify_mean(y[:n], *sides, design=pieces[0], design_unlabeled=pieces[1])
    yield "median", rectify_quantile(y[:n], *sides)
    yield "difference", rectify_difference(y[:n], *sides, group[:n], group[n:])
    drawn = {"design": pieces[0], "design_unlabeled": pieces[1]}
    yield "groups in clusters", rectify_difference(y[:n], *sides, group[:n], group[n:], **drawn)
    strata = (f > 0.3) * 1
    parts = {
        "design": SamplingDesign(strata=strata[:n]),
        "design_unlabeled": SamplingDesign(strata=strata[n:]),
    }
    yield "strata", rectify_mean(y[:n], *sides, **parts)
    yield (
        "slope",
        rectify_linear_regression(X[:n, 1:], y[:n], f[:n], X[n:, 1:], f[n:], fit_intercept=False),
    )
    yield "split", RectifiedMeanEstimator(Ridge(), random_state=0).fit(X, hidden).result_
    yield "folds", RectifiedMeanEstimator(Ridge(), cv=5, random_state=0).fit(X, hidden).result_


RESULTS = dict(results())


@pytest.mark.parametrize("name", RESULTS)
def test_the_width_in_hand_asks_for_the_labels_in_hand(name):
    result = RESULTS[name]
    needed = result.required_labels(width_of(result))
    assert abs(needed.n_labeled - 200) <= 1
    assert needed.labels_only > 200 or name == "lambda 0"
    double = result.required_labels(width_of(result) / np.sqrt(2), n_rows=1e7).n_labeled
    assert 250 <= double <= 435
    more = result.required_labels(width_of(result) / np.sqrt(2), n_rows=3_000).n_labeled
    assert more >= double or name == "finite"
    with pytest.raises(ValueError, match="No number of labels reaches an interval"):
        RESULTS["mean"].required_labels(1e-6)


@pytest.mark.parametrize("name", ["mean", "lambda 1", "finite", "clusters", "difference", "median"])
def test_more_labels_do_what_was_foretold(name):
    """Of the same rows, with 800 labels instead of 200: variances and degrees of freedom, on average of seeds."""
    ratios = []
    for seed in range(40 if name == "median" else 12):
        y, f = sample(seed=seed + 10)
        group = np.arange(3_000) // 2 % 2
        cluster = np.arange(3_000) // 4

        def of(n, y=y, f=f, group=group, cluster=cluster):
            if name == "difference":
                return rectify_difference(y[:n], f[:n], f[n:], group[:n], group[n:])
            if name == "median":
                return rectify_quantile(y[:n], f[:n], f[n:])
            designs = {
                "clusters": {
                    "design": SamplingDesign(clusters=cluster[:n]),
                    "design_unlabeled": SamplingDesign(clusters=cluster[n:]),
                },
                "finite": {"finite_population": True},
                "lambda 1": {"lambda_": 1.0},
            }
            return rectify_mean(y[:n], f[:n], f[n:], **designs.get(name, {}))

        few, many = of(200), of(800)
        parts = forecasts_of(few, few, few._movers)
        told = [one.at(800 / len(parts), 3_000 / len(parts)) for one in parts]
        variance = sum(variances.item() for variances, _ in told)
        degrees = sum(degrees.item() for _, degrees in told)
        ratios.append([variance / many.covariance.item(), degrees / many.degrees_of_freedom])
    # A median's interval from 200 labels is wide or narrow by chance.
    assert np.median(ratios, axis=0) == pytest.approx(1, abs=0.25 if name == "median" else 0.08)


def test_several_numbers_all_reach_the_goal():
    y, f = sample(columns=(3,), seed=6)
    y, f = (values * [1.0, 2.0, 0.5] for values in (y, f))
    every = rectify_mean(y[:200], f[:200], f[200:])
    alone = [rectify_mean(y[:200, k], f[:200, k], f[200:, k]).required_labels(0.2) for k in range(3)]
    assert every.required_labels(0.2).n_labeled == max(one.n_labeled for one in alone)
    assert every.required_labels(0.2).labels_only == max(one.labels_only for one in alone)


def test_an_order_of_two_is_an_effect():
    y, f = sample(columns=(2,), seed=7)
    y, f = (values + np.array([0.3, 0.0]) for values in (y, f))
    result = rectify_mean(y[:200], f[:200], f[200:])
    apart = float(result.contrast([1, -1]).estimate)
    between = rectify_mean(*(one[..., 0] - one[..., 1] for one in (y[:200], f[:200], f[200:])))
    order = result.required_labels(rank=True)
    assert isinstance(order.goal, Order)
    assert order.goal.differences == pytest.approx((apart,))
    by_itself = between.required_labels(effect=apart).n_labeled
    assert order.n_labeled == pytest.approx(by_itself, rel=0.1)


def test_an_order_is_as_certain_as_its_parts():
    """Chances to miss add up, and Holm's method tests the weakest of all at alpha."""
    goal = Order((1.0, 9.0, 9.0), 0.95, 0.8)
    assert goal.reached(np.full(3, 0.35**2), np.full(3, 500.0))
    assert not goal.reached(np.full(3, 0.365**2), np.full(3, 500.0))
    assert Effect(1.0, 0.95, 0.8).reached(0.35**2, 500.0)
    assert not Order((1.0, 1.0), 0.95, 0.8).reached(np.full(2, 0.35**2), np.full(2, 500.0))


def test_what_is_returned():
    result = RESULTS["mean"]
    needed = result.required_labels(effect=0.1)
    assert needed.goal == Effect(0.1, 0.95, 0.8)
    assert needed.n_more == needed.n_labeled - 200
    assert str(needed).startswith(
        f"{needed.n_labeled} labels, {needed.n_more} more, for an effect of 0.1"
    )
    assert result.required_labels(1.0).n_more == 0
    assert result.required_labels(0.1, confidence_level=0.9).goal == HalfWidth(0.1, 0.9)
    for name in ("mean", "lambda 1", "finite"):
        assert RESULTS[name].is_tuned == (name != "lambda 1")
        assert RESULTS[name].is_finite == (name == "finite")


def test_arguments():
    result = RESULTS["mean"]
    for arguments, message in [
        ({}, "half_width is None and effect None; expected a number"),
        ({"half_width": 0.1, "effect": 0.1}, "half_width is 0.1 and effect 0.1"),
        ({"half_width": 0}, "half_width is 0; expected a number above 0"),
        ({"effect": -0.1}, "effect is -0.1; expected a number above 0"),
        ({"effect": 0.1, "power": 1.0}, "power is 1.0; expected a probability"),
        ({"effect": 0.1, "power": "0.8"}, "power is '0.8'"),
        ({"half_width": 0.1, "confidence_level": 95}, "confidence_level is 95"),
        ({"half_width": 0.1, "n_rows": 0}, "n_rows is 0"),
        ({"rank": True}, "a single number"),
        ({"rank": "yes"}, "rank is 'yes'"),
        ({"rank": True, "effect": 0.1}, "expected neither half_width nor effect"),
    ]:
        with pytest.raises(ValueError, match=message):
            result.required_labels(**arguments)
    y, f = sample()
    with pytest.raises(ValueError, match="joint covariance of quantiles"):
        rectify_quantile(y[:99], f[:99], f[99:], q=[0.4, 0.6]).required_labels(rank=True)
    with pytest.raises(ValueError, match="endless or has zero width"):
        rectify_quantile(y[:20], f[:20], f[20:], q=0.99).required_labels(0.1)
    with pytest.raises(ValueError, match="endless or has zero width"):
        rectify_mean(y, f, [], finite_population=True).required_labels(0.1)


def test_an_order_of_a_finite_population_is_certain_in_the_end():
    """With labels of all rows nothing is uncertain; ties are in no order even then."""
    y, f = sample(rows=150, columns=(3,))
    y += np.array([0.0, 0.01, 0.5])
    result = rectify_mean(y[:60], f[:60], f[60:], finite_population=True)
    assert 60 < result.required_labels(rank=True, power=0.999).n_labeled <= 150
    assert Order((1.0, 2.0), 0.95, 0.8).reached(np.zeros(2), np.full(2, 50.0))
    assert not Order((0.0, 2.0), 0.95, 0.8).reached(np.zeros(2), np.full(2, 50.0))


@pytest.mark.parametrize("goal", [{"half_width": 0.03}, {"effect": 0.03}])
def test_shares_without_variance_foretell_how_rows_that_were_not_seen_become_fewer(goal):
    y = np.arange(3_000) % 3 == 0
    perfect = rectify_mean(y[:60], y[:60], y[60:], finite_population=True)
    one_class = rectify_mean(np.ones(50), np.ones(50), np.ones(3_000))
    for result in (perfect, one_class):
        needed = result.required_labels(**goal)
        assert result.n_labeled < needed.n_labeled < 600
        assert needed.n_labeled <= needed.labels_only


@pytest.mark.grid(3)
@pytest.mark.parametrize(("p", "error"), [(0.9, 0.0), (0.9, 0.05), (0.5, 0.1), (0.03, 0.02)])
def test_shares_have_the_width_that_was_foretold(p, error):
    def drawn(n, seed):
        rng = np.random.default_rng(seed)
        y = (rng.random(10_000) < p) * 1.0
        f = np.abs(y - (rng.random(10_000) < error))
        return rectify_mean(y[:n], f[:n], f[n:])

    needed = np.median([drawn(60, seed).required_labels(0.03).n_labeled for seed in range(40)])
    ends = [drawn(int(needed), seed).confidence_interval() for seed in range(100, 140)]
    assert needed > 60
    assert np.median(np.diff(ends)) / 2 == pytest.approx(0.03, rel=0.15)
