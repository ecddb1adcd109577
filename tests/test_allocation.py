"""The scaling law, the optimal split and plans: against brute force, known parameters and each other."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sklearn_ftr import Costs, ScalingLaw, ScalingLawRegressor, fit_scaling_law
from sklearn_ftr.allocation._optimal_split import SplitProblem, optimal_split
from sklearn_ftr.allocation._power_fit import fit_power

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


@pytest.mark.thorough
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


HARD = {
    "two roots meet": SplitProblem(ScalingLaw(0.0251, 1.14, 0.0, 1.05), 800_899, 7.136, False, True),
    "falls again": SplitProblem(ScalingLaw(2.571, 0.949, 0.02), 22.68, 0.524, False, True),
    "steep": SplitProblem(ScalingLaw(5.643, 1.611, 0.052), 12.25, 0.3402, False, True),
    "nothing is known before": SplitProblem(ScalingLaw(3.012, 0.9748, 0.0), 7.097, 0.6401, False, True),
    # v(s) = V(Y) at s = 50,000: more training makes predictions vary, and the pool is small.
    "kink": SplitProblem(ScalingLaw(50_000.0**0.5, 0.5, 0.0), 100, 1.0, False, False),
    "kink, recycled": SplitProblem(ScalingLaw(50_000.0**0.5, 0.5, 0.0), 100, 1.0, True, False),
    "kink between two": SplitProblem(ScalingLaw(50_000.5**0.5, 0.5, 0.0), 100, 1.0, False, False),
    "kink of a shifted law": SplitProblem(ScalingLaw(50_000.0, 1.0, 0.5, 1e4), 100, 1.0, False, False),
    "never worth it": SplitProblem(ScalingLaw(1.0, 0.5, 2.0), 100, 1.0, False, False),
}


@pytest.mark.parametrize("case", HARD)
@pytest.mark.parametrize("n", [1_585, 1_881, 5_518, 6_339, 10**6])
def test_hard_problems(case, n):
    problem = HARD[case]
    s = optimal_split(problem, n, 2, 2)
    every = problem.variance(np.arange(2, n - 1), n)
    assert problem.variance(s, n) <= every.min() * (1 + 1e-12)
    every = problem.variance(np.arange(n + 1), n)
    assert problem.variance(optimal_split(problem, n, 0, 0), n) <= np.nanmin(every) * (1 + 1e-12)


def test_the_variance_is_stationary_where_it_is_said_to_be():
    """Central differences of it at (s, n(s)), for both roots, before and after v(s) = V(Y)."""
    rng, checked = np.random.default_rng(2), set()
    for _ in range(300):
        problem, _ = random_problem(rng)
        s = 10 ** rng.uniform(0.3, 4, size=5)
        above = problem.law.predict(s) > problem.total_variance
        for pool in (True, False):
            for sign in (1, -1):
                n = problem.stationary_n(s, pool, sign)
                known = np.isfinite(n) & (above != pool)
                x, n, step = s[known], n[known], 1e-4 * np.minimum(s, n - s)[known]
                if not x.size:
                    continue
                left, here, right = (problem.variance(x + k * step, n) for k in (-1, 0, 1))
                slopes = np.maximum(np.abs(left - here), np.abs(right - here))
                assert (np.abs(right - left) <= 1e-2 * slopes + 1e-13 * here).all()
                checked.add((np.isfinite(problem.m), problem.recycle, problem.tuned, pool, sign))
    assert len(checked) > 10


class Exponential:
    """A law of another form: v(s) = b + a exp(-s / scale), with nothing but what the solver asks for."""

    def __init__(self, a, b, scale):
        self.a, self.b, self.scale = a, b, scale

    def predict(self, s):
        return self.b + self.a * np.exp(-np.asarray(s) / self.scale)

    def slope(self, s):
        return -self.a / self.scale * np.exp(-np.asarray(s) / self.scale)


def test_laws_of_another_form_have_an_optimal_split_too():
    rng = np.random.default_rng(3)
    for _ in range(300):
        problem, n = random_problem(rng)
        floor = problem.law.b + 1e-6  # less than that would soon be rounding
        law = Exponential(10 ** rng.uniform(-2, 1.5), floor, 10 ** rng.uniform(0.5, 3.5))
        problem = replace(problem, law=law)
        every = problem.variance(np.arange(2, n - 1), n)
        s = optimal_split(problem, n, 2, 2)
        assert problem.variance(s, n) <= every.min() * (1 + 1e-12), (problem, vars(law), n)


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


@pytest.mark.parametrize("ratio", [-2.2, -1.8, -0.5, 0.5, 1.8, 2.2])
def test_a_verdict_takes_two_standard_errors(ratio):
    """Of the change from the smallest size to the largest, whatever is between."""
    change = np.array([0.01, -0.01] * 10)
    resampled = (
        1 + np.array([change, 50 * change, -change]).T
    )  # changes with a standard deviation of 0.02
    verdict = fit_scaling_law([50, 100, 200], [1, 9, 1 + 0.02 * ratio], resampled=resampled).verdict
    assert verdict == ("falling" if ratio < -2 else "rising" if ratio > 2 else "flat")
    backwards = fit_scaling_law([200, 100, 50], [1 + 0.02 * ratio, 9, 1], resampled=resampled[:, ::-1])
    assert backwards.verdict == verdict


# Small formulas, by hand


def test_sizes_are_weighted_by_the_inverse_squares_of_their_errors():
    """A rising curve leaves a constant, the weighted mean; R^2 and its weights of a falling one."""
    s, errors = np.array([50, 100, 200, 400]), np.array([0.01, 0.02, 0.05, 0.1])
    rising = np.array([1.0, 1.1, 1.3, 1.2])
    fit = fit_scaling_law(s, rising, standard_errors=errors, n_bootstrap=5)
    assert fit.law.a == 0
    assert fit.law.b == pytest.approx(np.average(rising, weights=errors**-2.0))
    falling = np.array([2.0, 1.7, 1.2, 1.3])
    fit = fit_scaling_law(s, falling, standard_errors=errors, n_bootstrap=5)
    weights = errors**-2.0
    rest = weights @ (falling - fit.law.predict(s)) ** 2
    total = weights @ (falling - np.average(falling, weights=weights)) ** 2
    assert 0.9 < fit.r_squared < 1
    assert fit.r_squared == pytest.approx(1 - rest / total)


def test_a_flat_law_says_nothing_of_a_zero_shot_value_that_is_far_off():
    """Training makes a model from nothing: what it was before does not scatter around what it is after."""
    sizes, v = [0, 50, 100, 200, 400], np.array([5.0, 1.0, 1.02, 1.04, 1.03])
    fit = fit_scaling_law(sizes, v, n_bootstrap=50, random_state=0)
    without = fit_scaling_law(sizes[1:], v[1:], n_bootstrap=50, random_state=0)
    assert fit.law == without.law
    assert (fit.law.a, fit.r_squared) == (0, pytest.approx(without.r_squared))
    assert fit.standard_errors["b"] == pytest.approx(without.standard_errors["b"], rel=0.3)
    assert fit.verdict == "falling"  # from the zero-shot value on


def test_a_zero_shot_value_and_one_size():
    falling = fit_scaling_law([0, 50], [2.0, 1.0], n_bootstrap=20, random_state=0)
    np.testing.assert_allclose(falling.law.predict([0, 50]), [2, 1], rtol=1e-4)
    resampled = [[1.0, 1.2], [0.8, 1.4], [1.0, 2.0]]
    rising = fit_scaling_law([0, 50], [1.0, 1.2], standard_errors=[0.1, 0.1], resampled=resampled)
    assert (rising.law.a, rising.law.b) == (0, pytest.approx(1.1))
    np.testing.assert_allclose([law.predict(0) for law in rising.bootstrap], [1.1, 1.1, 1.5])


@pytest.mark.parametrize("s0", [0.0, 100.0])
def test_errors_that_are_not_given_have_the_scale_of_the_scatter(s0):
    """The root of the mean square of relative residuals, with a degree of freedom for each parameter."""
    sizes = np.array([0.0] * bool(s0) + [25, 50, 100, 200, 400, 800])
    noise = 1 + 0.003 * np.random.default_rng(0).standard_normal(len(sizes))
    v = ScalingLaw(3, 0.5, 0.2, s0).predict(sizes) * noise
    fit = fit_scaling_law(sizes, v, n_bootstrap=10, random_state=0)
    assert (fit.law.s0 > 0) == (s0 > 0)
    relative = (v - fit.law.predict(sizes)) / v
    scale = np.sqrt(np.sum(relative**2) / (6 - 3))  # 6 - 3, and 7 - 4 with s0
    given = fit_scaling_law(sizes, v, standard_errors=scale * v, n_bootstrap=10, random_state=0)
    assert fit.standard_errors["a"] == pytest.approx(given.standard_errors["a"], rel=1e-3)


def test_the_form_with_a_shift_has_to_pay_for_it():
    """By Akaike's criterion with the correction for small samples, from the residuals of both forms."""
    sizes, chosen = np.array([0, 25, 50, 100, 200, 400, 800]), []
    truth = ScalingLaw(3, 0.5, 0.2, 10).predict(sizes)

    def criterion(law, v, k):
        n, rest = 6, ((v - law.predict(sizes))[1:] / v[1:]) ** 2
        return n * np.log(np.mean(rest)) + 2 * k + 2 * k * (k + 1) / (n - k - 1)

    for seed, noise in enumerate(np.geomspace(1e-2, 1e-5, 12)):
        v = truth * (1 + noise * np.random.default_rng(seed).standard_normal(7))
        plain = fit_power(sizes[1:], v[1:], v[1:], shifted=False)
        shifted = fit_power(sizes, v, v, shifted=True)
        law = fit_scaling_law(sizes, v, n_bootstrap=2).law
        chosen.append(law.s0 > 0)
        assert chosen[-1] == (criterion(plain, v, 3) >= criterion(shifted, v, 4))
    assert 0 < sum(chosen) < 12


def test_the_band_has_quantiles_of_the_laws():
    """101 flat laws of 0.400, 0.401, ... 0.500."""
    resampled = np.repeat(np.linspace(0.4, 0.5, 101)[:, None], 3, axis=1)
    fit = fit_scaling_law([50, 100, 200], [0.45] * 3, resampled=resampled)
    for level, half in ((0.95, 0.0475), (0.8, 0.04)):
        low, high = fit.band([50, 1_000], level)
        np.testing.assert_allclose([low, high], [[0.45 - half] * 2, [0.45 + half] * 2])
    assert fit.standard_errors["b"] == pytest.approx(np.std(resampled[:, 0], ddof=1))


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_resampled_curves_are_in_units_of_the_variances_and_not_negative(unit):
    sizes, errors = [50, 100, 200], unit * np.ones(3)
    resampled = unit * np.array([[1.0, 0.5, 0.3], [1.2, 0.6, -0.4], [2.0, 2.0, 2.0]])
    curve = unit * np.array([1, 0.5, 0.3])
    fit = fit_scaling_law(sizes, curve, standard_errors=errors, resampled=resampled)
    cut = np.maximum(resampled, 0)
    for law, one in zip(fit.bootstrap, cut, strict=True):
        alone = fit_scaling_law(sizes, one, standard_errors=errors, n_bootstrap=2).law
        np.testing.assert_allclose(law.predict(sizes), alone.predict(sizes), rtol=1e-4)


@pytest.mark.parametrize("errors", [None, np.full(4, 0.1)])
@pytest.mark.parametrize("sizes", [[50, 100, 200, 400], [0, 50, 100, 200]])
def test_rounding_is_nothing_to_explain(sizes, errors):
    """A curve that is flat up to rounding is flat: no exponent is fitted to the last places."""
    for seed in range(5):
        noise = 1e-13 * np.random.default_rng(seed).standard_normal(4)
        fit = fit_scaling_law(sizes, 0.3 * (1 + noise), standard_errors=errors, n_bootstrap=20)
        assert (fit.law.a, fit.law.alpha, fit.law.s0) == (0, 1, 0)
        assert fit.law.b == pytest.approx(0.3)
        assert (fit.verdict, fit.r_squared) == ("flat", 1)
        if errors is None:
            assert fit.standard_errors == dict.fromkeys(("a", "alpha", "b", "s0"), 0)
    small = 0.3 + 1e-6 / np.sqrt(100 + np.array(sizes))
    small = fit_scaling_law(sizes, small, standard_errors=errors, n_bootstrap=2)
    assert small.law.a > 0


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
    with pytest.raises(ValueError, match=r"confidence_level is 1\.5"):
        EMOBANK.required_labels(0.1, total_variance=0.13, confidence_level=1.5)
    with pytest.raises(ValueError, match="half_width is 0"):
        EMOBANK.required_labels(0, total_variance=0.13)
    with pytest.raises(ValueError, match="n_labeled is 1 "):
        EMOBANK.plan(1, total_variance=0.13)
    with pytest.raises(ValueError, match="prices that are finite"):
        Costs(label=-1)
    with pytest.raises(ValueError, match="No allowed option reaches"):
        EMOBANK.required_labels(1e-9, total_variance=0.13)
