"""The scaling law, the optimal split and plans: against brute force, known parameters and each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sklearn_ftr import Costs, ScalingLaw, ScalingLawRegressor, fit_scaling_law
from sklearn_ftr.allocation._optimal_split import SplitProblem

EMOBANK = ScalingLaw(a=0.287, alpha=0.297, b=0.042)  # as published by Wang, Ye and Zhao (2025)
SIZES = np.array([25, 50, 100, 200, 400, 800, 1600])


def random_problem(rng):
    """Laws over four decades, pools from tiny to endless, plain and recycled."""
    law = ScalingLaw(
        a=10 ** rng.uniform(-2, 1.5),
        alpha=rng.uniform(0.02, 2),
        b=rng.choice([0, 10 ** rng.uniform(-3, 0.5)]),
        s0=rng.choice([0, 10 ** rng.uniform(0, 3)]),
    )
    m = rng.choice([np.inf, 10 ** rng.uniform(0.5, 6)])
    total = 10 ** rng.uniform(-1, 1.5) + rng.choice([0, law.b])
    recycle, tuned = rng.integers(2, size=2).astype(bool).tolist()
    return SplitProblem(law, m, total, recycle, tuned), int(10 ** rng.uniform(0.7, 4))


# Optimal split


def test_optimal_split_is_that_of_brute_force():
    """Every whole number s, for 1,000 random laws: the same variance to 1e-12."""
    rng = np.random.default_rng(0)
    for _ in range(1_000):
        problem, n = random_problem(rng)
        s = problem.law.optimal_split(
            n,
            problem.m,
            total_variance=problem.total_variance,
            recycle=problem.recycle,
            power_tuning=problem.tuned,
        )
        every = problem.variance(np.arange(2, n - 1), n)
        assert problem.variance(s, n) <= every.min() * (1 + 1e-12), (problem, n)
        assert 2 <= s <= n - 2


def test_first_order_condition_of_the_paper():
    """b s^(1 + alpha) + a (1 + alpha) s = a alpha n, up to rounding."""
    n = np.array([500, 5_000, 500_000])
    s = EMOBANK.optimal_split(n)
    a, alpha, b = EMOBANK.a, EMOBANK.alpha, EMOBANK.b
    for below, above in [(s - 1.0, s + 1.0)]:
        left = [b * x ** (1 + alpha) + a * (1 + alpha) * x for x in (below, above)]
        assert (left[0] < a * alpha * n).all()
        assert (left[1] > a * alpha * n).all()


@pytest.mark.parametrize("alpha", [0.1, 0.5, 2.0])
def test_closed_form_without_a_floor(alpha):
    n = 10**6
    assert ScalingLaw(1.0, alpha, 0.0).optimal_split(n) == pytest.approx(n * alpha / (1 + alpha), abs=1)


def test_arrays_of_n():
    n = np.arange(10, 1_000_010)
    s = EMOBANK.optimal_split(n)
    assert s.shape == n.shape
    assert (np.diff(s) >= 0).all()
    chosen = [10, 990, 54_321]
    assert list(s[chosen]) == [EMOBANK.optimal_split(int(n[i])) for i in chosen]


def test_no_fine_tuning_at_all_is_a_legal_minimum():
    assert EMOBANK.optimal_split(1000, min_finetune=0) == EMOBANK.optimal_split(1000)
    assert ScalingLaw(0.0, 1.0, 0.3).optimal_split(1000, min_finetune=0) == 0


def test_shape_of_n_is_kept():
    assert isinstance(EMOBANK.optimal_split(100), int)
    assert EMOBANK.optimal_split([[100, 200], [300, 400]]).shape == (2, 2)


def test_recycling_is_never_worse_than_labels_only():
    """For every split of laws that stay below V(Y)."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        problem, n = random_problem(rng)
        total = float(problem.law.predict(2)) * 1.01
        recycled = SplitProblem(problem.law, np.inf, total, True)
        assert (recycled.variance(np.arange(2, n - 1), n) <= total / n * (1 + 1e-12)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({"n": 3}), "n is 3; expected at least 4"),
        (({"n": 100, "m": 50}), "needs total_variance"),
        (({"n": 100, "recycle": True}), "needs total_variance"),
        (({"n": 100, "m": 50, "total_variance": -1.0}), "total_variance is -1.0"),
        (({"n": 100, "m": 0, "total_variance": 1.0}), "m is 0"),
        (({"n": np.nan}), "n is nan; expected a whole number"),
        (({"n": []}), "expected a whole number"),
        (({"n": 100.5}), "n is 100.5; expected a whole number"),
    ],
)
def test_bad_split(arguments, message):
    with pytest.raises(ValueError, match=message):
        EMOBANK.optimal_split(**arguments)


@pytest.mark.parametrize(
    "parameters",
    [{"a": -1}, {"b": -0.1}, {"alpha": 0}, {"alpha": -1}, {"s0": -1}, {"a": np.nan}, {"alpha": np.inf}],
    ids=str,
)
def test_bad_law(parameters):
    with pytest.raises(ValueError, match="out of range; expected"):
        ScalingLaw(**{"a": 1.0, "alpha": 0.5, "b": 0.1} | parameters)


def test_prediction_and_slope():
    s = np.array([10.0, 100.0])
    law = ScalingLaw(2.0, 0.5, 0.3, s0=20.0)
    np.testing.assert_allclose(law.predict(s), 2 / np.sqrt(s + 20) + 0.3)
    np.testing.assert_allclose(
        law.slope(s), (law.predict(s + 1e-4) - law.predict(s - 1e-4)) / 2e-4, rtol=1e-6
    )
    assert EMOBANK.predict(0) == np.inf
    assert ScalingLaw(0, 1, 0.3).predict(0) == 0.3


# Fitting


@settings(max_examples=30, deadline=None)
@given(
    a=st.floats(0.1, 10), alpha=st.floats(0.1, 1.5), b=st.floats(0.01, 2), scale=st.floats(1e-6, 1e6)
)
def test_noiseless_curves_are_met_exactly_on_any_scale(a, alpha, b, scale):
    fit = fit_scaling_law(SIZES, scale * ScalingLaw(a, alpha, b).predict(SIZES), n_bootstrap=2)
    assert fit.law.alpha == pytest.approx(alpha, rel=1e-3)
    assert fit.law.a == pytest.approx(scale * a, rel=1e-2)
    assert fit.law.b == pytest.approx(scale * b, rel=1e-2)
    assert fit.r_squared == pytest.approx(1)
    assert fit.verdict == "falling"


@pytest.mark.slow
@pytest.mark.parametrize("law", [EMOBANK, ScalingLaw(4.4, 0.457, 0.585)], ids=["EmoBank", "tweets"])
def test_recovers_known_parameters_from_noisy_curves(law):
    """500 curves with 2 % noise: bias below a third of the spread, coverage of +- 2 standard errors 92 to 98 %."""
    errors = 0.02 * law.predict(SIZES)
    names, truth = ("a", "alpha", "b"), np.array([law.a, law.alpha, law.b])
    found, covered = [], []
    for seed in range(500):
        noise = errors * np.random.default_rng(seed).standard_normal(len(SIZES))
        fit = fit_scaling_law(
            SIZES, law.predict(SIZES) + noise, standard_errors=errors, random_state=seed
        )
        found.append([getattr(fit.law, name) for name in names])
        covered.append(
            np.abs(found[-1] - truth) < 1.96 * np.array([fit.standard_errors[n] for n in names])
        )
    bias, spread = np.mean(found, axis=0) - truth, np.std(found, axis=0)
    print(f"{law}: bias {bias}, spread {spread}, coverage {np.mean(covered, axis=0)}")
    assert (np.abs(bias) < spread / 3).all()
    assert (np.abs(np.mean(covered, axis=0) - 0.95) < 0.035).all()


def test_band_holds_the_law_and_widens_outside():
    errors = 0.02 * EMOBANK.predict(SIZES)
    noisy = EMOBANK.predict(SIZES) + errors * np.random.default_rng(3).standard_normal(len(SIZES))
    fit = fit_scaling_law(SIZES, noisy, standard_errors=errors, random_state=0)
    low, high = fit.band([100, 10_000])
    assert low[0] < EMOBANK.predict(100) < high[0]
    assert (high - low)[1] > (high - low)[0]
    assert fit.covariance.shape == (4, 4)


@pytest.mark.parametrize("unit", [1e-100, 1e100])
def test_extreme_units(unit):
    fit = fit_scaling_law(SIZES, unit * ScalingLaw(2, 0.5, 1).predict(SIZES), n_bootstrap=3)
    assert fit.law.alpha == pytest.approx(0.5, rel=1e-3)
    assert fit.r_squared == pytest.approx(1)


def test_flat_rising_and_two_point_curves_have_a_verdict():
    rng = np.random.default_rng(0)
    errors = np.full(4, 0.01)
    flat = fit_scaling_law(
        [50, 100, 200, 400], 1 + errors * rng.standard_normal(4), standard_errors=errors
    )
    rising = fit_scaling_law([50, 100, 200, 400], [1, 1.1, 1.2, 1.3], standard_errors=errors)
    assert (flat.verdict, rising.verdict) == ("flat", "rising")
    assert rising.law.a == 0
    assert rising.law.optimal_split(1000) == 2
    two = fit_scaling_law([50, 100], [1.0, 0.5])
    assert (two.verdict, two.law.b) == ("falling", 0)
    assert two.law.alpha == pytest.approx(1)
    two_rising = fit_scaling_law([50, 100], [0.5, 1.0])
    assert two_rising.law.a == 0
    zero = fit_scaling_law([50, 100, 200], [0, 0, 0])
    assert (zero.verdict, zero.law.predict(10), zero.r_squared) == ("flat", 0, 1)


def test_zero_shot_values_choose_between_the_two_forms():
    """A model that knows 100 labels' worth of the task; and one whose zero-shot value says nothing."""
    sizes = np.array([0, 25, 50, 100, 200, 400, 800])
    shifted = fit_scaling_law(sizes, ScalingLaw(3, 0.5, 0.2, 100).predict(sizes), n_bootstrap=5)
    assert shifted.law.s0 == pytest.approx(100, rel=1e-3)
    unrelated = np.concatenate([[0.5], ScalingLaw(3, 0.5, 0.2).predict(sizes[1:])])
    noise = 1 + 0.01 * np.random.default_rng(0).standard_normal(len(sizes))
    for errors in (None, 0.01 * unrelated):
        plain = fit_scaling_law(sizes, unrelated * noise, standard_errors=errors, random_state=0)
        without = fit_scaling_law(
            sizes[1:],
            (unrelated * noise)[1:],
            standard_errors=None if errors is None else errors[1:],
            random_state=0,
        )
        assert plain.law == without.law
        assert plain.r_squared == pytest.approx(without.r_squared)
        assert plain.standard_errors["alpha"] == pytest.approx(
            without.standard_errors["alpha"], rel=0.5
        )


@pytest.mark.parametrize(
    "resampled", [np.ones((1, 2)), np.ones((5, 3)), np.ones(2), np.full((3, 2), np.nan)]
)
def test_bad_resampled_curves(resampled):
    with pytest.raises(ValueError, match="at least 2 finite curves of 2 variances"):
        fit_scaling_law([50, 100], [1.0, 0.5], resampled=resampled)


@pytest.mark.parametrize(
    ("sizes", "variances", "errors", "message"),
    [
        ([50], [1.0], None, "at least 2 different sizes"),
        ([50, 50], [1.0, 1.1], None, "at least 2 different sizes"),
        ([50, 100], [1.0], None, "two columns of equal length"),
        ([50, -1], [1.0, 2.0], None, "finite and not negative"),
        ([50, 100], [1.0, np.nan], None, "finite and not negative"),
        ([50, 100], [1.0, -1.0], None, "finite and not negative"),
        ([50, 100], [1.0, 2.0], [0.1], "2 positive finite numbers"),
        ([50, 100], [1.0, 2.0], [0.1, 0.0], "2 positive finite numbers"),
    ],
)
def test_bad_curves(sizes, variances, errors, message):
    with pytest.raises(ValueError, match=message):
        fit_scaling_law(sizes, variances, standard_errors=errors)


def test_regressor_is_the_function():
    noisy = EMOBANK.predict(SIZES) * (1 + 0.01 * np.random.default_rng(0).standard_normal(len(SIZES)))
    weight = 1 / noisy**2
    regressor = ScalingLawRegressor(random_state=0).fit(SIZES[:, None], noisy, sample_weight=weight)
    expected = fit_scaling_law(SIZES, noisy, standard_errors=noisy).law
    np.testing.assert_allclose(regressor.predict(SIZES), expected.predict(SIZES), rtol=1e-6)
    assert regressor.score(SIZES, noisy) > 0.98


# Plans


def test_plan_holds_every_option():
    plan = EMOBANK.plan(1000, 10_000, total_variance=0.13, zero_shot_variance=0.11)
    by_name = {(option.strategy, option.n_folds): option for option in plan.options}
    assert set(by_name) == {
        ("labels only", 0),
        ("zero-shot", 0),
        ("split", 0),
        *(("cross-fitting", k) for k in (2, 5, 10)),
    }
    assert by_name["labels only", 0].standard_error == pytest.approx((0.13 / 1000) ** 0.5)
    assert by_name["zero-shot", 0].standard_error == pytest.approx((0.11 / 1000 + 0.02 / 11_000) ** 0.5)
    v = EMOBANK.predict(800)
    five = by_name["cross-fitting", 5]
    assert five.standard_error == pytest.approx((v / 1000 + (0.13 - v) / 11_000) ** 0.5)
    untuned = EMOBANK.plan(1000, 10_000, total_variance=0.13, power_tuning=False).options[3]
    assert untuned.n_folds == 5
    assert untuned.standard_error == pytest.approx((v / 1000 + (0.13 - v) / 10_000) ** 0.5)
    assert (five.n_finetune, five.n_trainings, five.pool_passes) == (800, 5, 5)
    split = by_name["split", 0]
    problem = SplitProblem(EMOBANK, 10_000, 0.13, True, True)
    assert split.standard_error == pytest.approx(problem.variance(split.n_finetune, 1000) ** 0.5)
    assert split.efficiency == pytest.approx(0.13 / 1000 / split.standard_error**2)
    assert plan.best().n_folds == 10
    assert plan.best(max_trainings=1).strategy == "split"
    assert plan.best(strategies=("labels only",)).strategy == "labels only"
    assert len(plan.to_frame()) == 6
    assert "cross-fitting, K = 10" in str(plan)
    with pytest.raises(ValueError, match="No option"):
        plan.best(max_trainings=1, strategies=("cross-fitting",))


def test_required_labels_is_the_smallest_number():
    for half_width in (0.01, 0.05):
        needed = EMOBANK.required_labels(half_width, total_variance=0.13, n_rows=100_000)
        assert needed.n_labeled < needed.labels_only

        def width(n, half_width=half_width):
            best = EMOBANK.plan(n, 100_000 - n, total_variance=0.13).best()
            return stats.t.isf(0.025, n - 1) * best.standard_error

        assert width(needed.n_labeled) <= half_width < width(needed.n_labeled - 1)
        assert f"{needed.n_labeled:,} labels" in str(needed)


def test_costs_change_the_cheapest_way():
    goal = {"total_variance": 0.13, "n_rows": 100_000}
    few = EMOBANK.required_labels(0.02, **goal)
    dear_training = EMOBANK.required_labels(0.02, costs=Costs(label=1, training=0.2), **goal)
    dear_pool = EMOBANK.required_labels(0.02, costs=Costs(label=1, inference=0.001), **goal)
    all_dear = EMOBANK.required_labels(0.02, costs=Costs(label=1, training=5, inference=1), **goal)
    assert few.option.n_folds == 10
    assert dear_training.option.n_folds in (0, 2)
    assert dear_training.n_labeled > few.n_labeled
    assert dear_training.option.cost < 0.2 * 10 * 0.9 * few.n_labeled + few.n_labeled
    assert dear_pool.option.pool_passes <= 2
    assert all_dear.option.strategy == "labels only"
    assert all_dear.n_labeled == all_dear.labels_only


def test_training_on_less_may_cost_less():
    """At a high price of training the cheapest split is not the one with the smallest variance."""
    law = ScalingLaw(3, 0.9, 1)
    goal = {"total_variance": 4.0, "folds": ()}
    costs = Costs(label=1, training=5)
    cheap = law.required_labels(0.1, costs=costs, **goal)
    few = law.required_labels(0.1, **goal)
    assert few.option.n_finetune > cheap.option.n_finetune
    assert cheap.option.cost < 0.9 * (few.n_labeled + 5 * few.option.n_finetune)


def test_labels_come_out_of_the_pool():
    """160 rows cannot give 4,000 labels; labeling all of them is the most that can be done."""
    law = ScalingLaw(1.0, 0.5, 0.5)
    with pytest.raises(ValueError, match="with 160 labels"):
        law.required_labels(0.05, total_variance=1.0, n_rows=160)
    everything = stats.t.isf(0.025, 159) / 160**0.5
    assert law.required_labels(everything * 1.001, total_variance=1.0, n_rows=160).n_labeled <= 160


@pytest.mark.slow
@pytest.mark.parametrize("m", [100, 400, 1200])
def test_predicted_standard_errors_are_those_of_the_estimator(m):
    """Against the spread of 2,000 estimates, for pools smaller and larger than the labels; 5 %."""
    from sklearn.frozen import FrozenEstimator
    from sklearn.linear_model import LinearRegression

    from sklearn_ftr import RectifiedMeanEstimator

    perfect = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    for tuned in (True, False):
        means = []
        for seed in range(2_000):
            rng = np.random.default_rng(seed)
            X = 3**0.5 * rng.standard_normal((400 + m, 1))
            y = X[:, 0] + rng.standard_normal(400 + m)
            y[400:] = np.nan
            model = RectifiedMeanEstimator(FrozenEstimator(perfect), power_tuning=tuned)
            means.append(model.fit(X, y).mean_)
        plan = ScalingLaw(0.0, 1.0, 1.0).plan(
            400, m, total_variance=4.0, zero_shot_variance=1.0, power_tuning=tuned
        )
        assert plan.options[1].strategy == "zero-shot"
        assert plan.options[1].standard_error == pytest.approx(np.std(means), rel=0.05)


def test_bad_plans():
    for arguments, message in [
        ({"total_variance": -1.0}, "total_variance is -1.0"),
        ({"total_variance": np.nan}, "total_variance is nan"),
        ({"total_variance": 1.0, "zero_shot_variance": -1.0}, "zero_shot_variance -1.0"),
        ({"total_variance": 1.0, "folds": (1,)}, "whole numbers from 2 on"),
        ({"total_variance": 1.0, "folds": (2.5,)}, "whole numbers from 2 on"),
        ({"total_variance": 1.0, "n_unlabeled": -5}, "no negative pool"),
    ]:
        with pytest.raises(ValueError, match=message):
            EMOBANK.plan(100, **arguments)
    with pytest.raises(ValueError, match=r"confidence_level 1.5"):
        EMOBANK.required_labels(0.1, total_variance=0.13, confidence_level=1.5)
    with pytest.raises(ValueError, match="half_width is 0"):
        EMOBANK.required_labels(0, total_variance=0.13)
    with pytest.raises(ValueError, match="n_labeled is 1 "):
        EMOBANK.plan(1, total_variance=0.13)
    with pytest.raises(ValueError, match="prices that are finite"):
        Costs(label=-1)
    with pytest.raises(ValueError, match="No allowed option reaches"):
        EMOBANK.required_labels(1e-9, total_variance=0.13)
