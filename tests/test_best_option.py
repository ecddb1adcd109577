"""Which option is taken: one rule, ties that rounding cannot decide, and the stop rule."""

from dataclasses import replace

import numpy as np
import pytest

from sklearn_ftr import Costs, ScalingLaw, fit_scaling_law
from sklearn_ftr.allocation import Option, Plan
from sklearn_ftr.allocation._best_option import strategy_of
from sklearn_ftr.allocation._forecast import Outlook
from sklearn_ftr.allocation._optimal_split import SplitProblem
from sklearn_ftr.allocation._prospect import Goal
from sklearn_ftr.allocation._strategies import (
    SIMPLE_FIRST,
    CrossFitting,
    LabelsOnly,
    Split,
    Stated,
    ZeroShot,
    available_strategies,
)
from sklearn_ftr.estimators._choice import STRATEGIES, choose, parameters_of
from sklearn_ftr.rectification._goal import HalfWidth

INF = float("inf")


def random_outlook(rng):
    """Few labels, and laws that make options tie: no residual variance, V(Y) whatever is learned, rounding."""
    total = 10 ** rng.uniform(-3, 3)
    a, b = (
        total * rng.choice([0.0, 1.0, rng.uniform(0, 3)]),
        total * rng.choice([0.0, 1.0, rng.random()]),
    )
    law = ScalingLaw(a * rng.choice([1.0, 1e-30]), rng.uniform(0.1, 2), b, rng.choice([0.0, 20.0]))
    zero_shot = rng.choice([None, 0.0, 1e-30, b, total, 2 * total])
    recycle, tuned, trainable = (rng.random(3) < 0.7).tolist()
    if not trainable:
        law, zero_shot = ScalingLaw(0.0, 1.0, b), b
    trained = int(rng.choice([0, 0, 5, 38]))
    folds = ((2, 5, 10), (3,), ())[rng.integers(3)]
    return Outlook(law, total, zero_shot, recycle, tuned, folds, trainable, trained)


def disturbed(outlook, rng):
    """The same with variances that are off by a few units in the last place."""

    def off(value):
        return None if value is None else float(value * (1 + 1e-13 * rng.uniform(-1, 1)))

    law = ScalingLaw(off(outlook.law.a), outlook.law.alpha, off(outlook.law.b), outlook.law.s0)
    total, zero_shot = off(outlook.total_variance), off(outlook.zero_shot_variance)
    return replace(outlook, law=law, total_variance=total, zero_shot_variance=zero_shot)


def work(option):
    return option.strategy, option.n_folds, option.n_finetune


@pytest.mark.thorough
def test_plan_and_allocator_take_the_same_option_and_rounding_decides_nothing():
    rng = np.random.default_rng(0)
    taken = set()
    for _ in range(1_000):
        outlook, n = random_outlook(rng), int(rng.integers(8, 41))
        m = float(rng.choice([0, 1, 5, 60, 3_000, INF]))
        plan, costs = outlook.plan(n, m, Costs(1, 0.1, 0.01)), Costs(1, 0.1, 0.01)
        for max_fits in (1, 2, 5, 10**6):
            option = choose(plan, outlook, "auto", max_fits, None).option
            assert plan.best(max_trainings=max_fits) == option
        assert plan.best() == option
        taken.add(option.strategy)
        other = disturbed(outlook, rng)
        assert [work(o) for o in other.plan(n, m, costs).options] == [work(o) for o in plan.options]
        assert work(other.plan(n, m, costs).best()) == work(option), (outlook, n, m)
        assert option.standard_error <= plan.options[0].standard_error * (1 + 1e-9)
    assert taken == set(STRATEGIES["auto"])


@pytest.mark.parametrize("strategy", ["split", "cross-fitting"])
def test_strategies_are_those_of_the_allocator(strategy):
    outlook = Outlook(ScalingLaw(1.0, 0.5, 0.9), 1.0, 0.99, True, True, (2, 5))
    plan = outlook.plan(40, 400, Costs())
    option = choose(plan, outlook, strategy, 2, None).option
    assert plan.best(2, strategies=STRATEGIES[strategy]) == option
    assert option.strategy == strategy
    assert option.n_folds == (2 if strategy == "cross-fitting" else 0)


# Strategies


def test_a_strategy_is_all_there_is_to_know_of_an_option():
    """Options of every kind hold the numbers of the object that they name, and no others."""
    outlook, costs = (
        Outlook(ScalingLaw(3.0, 0.8, 0.4), 2.0, 1.5, True, True, (2, 5)),
        Costs(1, 0.1, 0.01),
    )
    plan = outlook.plan(40, 400, costs)
    assert [strategy_of(o) for o in plan.options] == list(available_strategies(outlook, 40, 400))
    assert [type(strategy_of(o)) for o in plan.options] == [*SIMPLE_FIRST, CrossFitting]
    for o in plan.options:
        strategy, s = strategy_of(o), o.n_finetune
        assert (strategy.name, strategy.n_folds) == (o.strategy, o.n_folds)
        assert (strategy.n_trainings, strategy.pool_passes) == (o.n_trainings, o.pool_passes)
        assert strategy.n_finetune(outlook, 40, 400) == s
        assert strategy.variance(outlook, s, 40, 400) ** 0.5 == o.standard_error
        assert strategy.correlation(outlook, s) == o.correlation
        assert strategy.cost(s, 40, 400, costs) == o.cost
        assert strategy.label in str(plan)
        assert strategy.sentence(s, 40)
        assert strategy.trains == (s > 0)
        assert strategy.n_rectify(s, 40) == (40 - s if o.strategy == "split" else 40)


def test_a_residual_without_predictions_is_all_of_the_variance():
    outlook = Outlook(ScalingLaw(3.0, 0.8, 0.4), 2.0, 1.5, True, True, (2, 5))
    assert LabelsOnly().residual(outlook, 0) == 2.0


@pytest.mark.parametrize(
    ("strategy", "parameters"),
    [
        (LabelsOnly(), {"split_ratio": 0, "cv": None}),
        (ZeroShot(), {"split_ratio": 0, "cv": None}),
        (Split(), {"split_ratio": 12, "cv": None}),
        (CrossFitting(5), {"cv": 5}),
    ],
)
def test_an_estimator_is_told_how_to_follow_an_option(strategy, parameters):
    s = 12 if strategy.trains else 0
    assert strategy.parameters(s) == parameters
    told = parameters_of(option(strategy.name, n_finetune=s, n_folds=strategy.n_folds), 40, 400, ())
    zero = told.pop("estimator", None)
    assert told == parameters
    assert (zero is None) == strategy.predicts
    if zero is not None:
        assert zero.predict([[1.0], [2.0]]).tolist() == [0, 0]


def test_a_strategy_that_there_is_not():
    with pytest.raises(ValueError, match="strategy is 'guess'; expected one of"):
        Plan(40, 400, (option("labels only"), option("guess"))).best()


# Ties


def option(strategy="labels only", efficiency=1.0, **parameters):
    trainings, passes = {"labels only": (0, 0), "zero-shot": (0, 1), "split": (1, 1)}.get(
        strategy, (5, 5)
    )
    defaults = {
        "n_finetune": 0,
        "n_folds": 0,
        "standard_error": efficiency**-0.5,
        "n_trainings": trainings,
        "pool_passes": passes,
        "cost": 100.0,
        "low": 0.0,
        "high": 1.0,
        "correlation": 0.9,
    }
    return Option(strategy=strategy, efficiency=efficiency, **defaults | parameters)


TIES = {
    "fewer trainings": (option("cross-fitting", 4.0, n_folds=5), option("split", 4.0, cost=500.0)),
    "fewer passes": (
        option("cross-fitting", 4.0, n_trainings=1, pool_passes=5),
        option("split", 4.0, cost=500.0),
    ),
    "fewer trainings before fewer passes": (
        option("zero-shot", 4.0, n_trainings=2, pool_passes=1),
        option("cross-fitting", 4.0, n_trainings=1, pool_passes=5),
    ),
    "simpler": (
        option("split", 4.0, n_trainings=0),
        option("zero-shot", 4.0, cost=500.0),
    ),
    "cheaper": (option("split", 4.0), option("split", 4.0, cost=99.0)),
    "labels only": (option("zero-shot", 1.0), option()),
    "nothing left": (option("split", 1e29), option("zero-shot", 1e17)),
    "infinitely precise": (option("split", INF), option("zero-shot", 1e13)),
}


@pytest.mark.parametrize("case", TIES)
def test_ties_go_to_less_work(case):
    """By rounding in either direction, and whichever comes first."""
    more, less = TIES[case]
    for factor in (1 - 5e-10, 1.0, 1 + 5e-10):
        better = replace(more, efficiency=more.efficiency * factor)
        for options in ((better, less), (less, better)):
            assert Plan(100, 1e4, options).best() == less


def test_what_is_more_than_a_tie_is_worth_its_work():
    for case in ("fewer trainings", "fewer passes", "simpler", "cheaper", "labels only"):
        more, less = TIES[case]
        better = replace(more, efficiency=more.efficiency * (1 + 2e-9))
        assert Plan(100, 1e4, (less, better)).best() == better
    precise = option("split", 2e11), option("zero-shot", 1e11)
    assert Plan(100, 1e4, precise).best() == precise[0]


def test_an_option_that_is_worth_nothing():
    worthless = replace(option("split"), efficiency=0.0, standard_error=1e200)
    assert Plan(100, 1e4, (option(), worthless)).best() == option()
    assert Plan(100, 1e4, (worthless,)).best() == worthless


@pytest.mark.parametrize(
    "law", [ScalingLaw(0, 1, 0), ScalingLaw(1e-30, 0.3, 0), ScalingLaw(0, 1, 1e-31)]
)
@pytest.mark.parametrize("m", [1, 50, 5_000, INF])
@pytest.mark.parametrize("recycle", [True, False])
def test_a_perfect_judge_is_rectified_as_it_is(law, m, recycle):
    for n in (8, 9, 10, 40, 100):
        plan = law.plan(n, m, total_variance=2.0, zero_shot_variance=3e-31, recycle=recycle)
        assert plan.best().strategy == "zero-shot"
        assert plan.best(strategies=("split",)).n_finetune == 2
        assert plan.best(strategies=("cross-fitting",)).n_folds == 2
        assert plan.best().correlation == 1
        if m == INF:
            assert (plan.best().standard_error, plan.best().efficiency) == (0, INF)
    if m > 1_000:
        goal = law.required_labels(0.1, total_variance=2.0, zero_shot_variance=0.0, n_rows=m)
        assert (goal.option.strategy, goal.n_labeled) == ("zero-shot", 10)


def test_without_any_variance_labels_only_count_once():
    plan = ScalingLaw(0, 1, 0).plan(20, 100, total_variance=0.0)
    assert [(o.strategy, o.efficiency, o.correlation) for o in plan.options] == [("labels only", 1, 0)]


def test_splits_that_differ_by_rounding():
    """Predictions that are worth nothing recycle to the same variance whoever trains; perfect ones leave none."""
    for v in (1.0, 1 + 1e-13, 1 - 1e-13):
        law = ScalingLaw(0.0, 1.0, v)
        for m in (1.0, 77.0, 1e6, INF):
            assert law.optimal_split(100, m, total_variance=1.0, recycle=True, power_tuning=True) == 2
    for a in (0.0, 1e-40, 1e-28):
        law = ScalingLaw(a, 0.5, 0.0)
        assert law.optimal_split(100, total_variance=1.0, recycle=True) == 2
        assert law.optimal_split(100, 50, total_variance=1.0, power_tuning=True) == 2
    assert ScalingLaw(1e-22, 0.5, 0.0).optimal_split(99, total_variance=1.0) > 20
    # Where V(Y) is not known, all that varies counts.
    assert ScalingLaw(1e-28, 0.5, 0.0).optimal_split(99) == 33


@pytest.mark.parametrize("m", [INF, 500.0])
def test_of_two_neighbors_that_tie_the_smaller_split_is_taken(m):
    """Laws between two that ask for s and s + 1, until rounding cannot tell them apart."""
    low, high = 0.3, 0.5

    def split(alpha):
        law = ScalingLaw(1, alpha, 0.1)
        return law.optimal_split(60, m, total_variance=1.5, power_tuning=True)

    s = split(low)
    assert split(high) > s
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if split(middle) == s else (low, middle)
    assert split(high) == s + 1
    problem = SplitProblem(ScalingLaw(1, high, 0.1), m, 1.5, False, True)
    variance = problem.variance(np.array([s, s + 1]), 60)
    # The border lies where s + 1 is better by the tie, not where both are equal.
    assert variance[0] / variance[1] - 1 == pytest.approx(5e-13, abs=2e-14)


def test_prices_that_tie_by_rounding_buy_less_work():
    """0.1 + 0.2 is not 0.3 in binary: equal prices in other units choose the same way."""
    law, goal = ScalingLaw(2.0, 0.7, 0.3), {"total_variance": 1.0, "n_rows": 5_000.0}
    for price in (1.0, 0.1, 1 / 3, 1e-7, 0.0):
        found = law.required_labels(0.1, costs=Costs(price, price * 1e-13, price * 1e-14), **goal)
        if price:
            reference = law.required_labels(0.1, costs=Costs(price), **goal)
            assert work(found.option) == work(reference.option)
            assert found.n_labeled == reference.n_labeled
        else:
            assert found.option.strategy == "labels only"


@pytest.mark.parametrize("n", [10, 11, 50, 1_000])
@pytest.mark.parametrize("total", [0.1, 1 / 3, 1.0, 7.0])
def test_a_goal_that_is_met_exactly_is_met(n, total):
    from scipy import stats

    exact = float(stats.t.isf(0.025, n - 1) * np.sqrt(total / n))
    square = Goal(HalfWidth(1.0, 0.95), 100).square(Stated(total / n, n - 1))
    assert square == pytest.approx(exact**2)
    law = ScalingLaw(0.0, 1.0, total)
    for half_width in (exact * (1 - 1e-14), exact, exact * (1 + 1e-14)):
        assert law.required_labels(half_width, total_variance=total).labels_only == n
    narrower = law.required_labels(exact * (1 - 1e-9), total_variance=total)
    assert narrower.labels_only == n + 1


# The stop rule: correlations above 1 / sqrt(r - 2), r labels rectifying (arXiv 2505.20178)


@pytest.mark.parametrize("n", [10, 40, 400])
def test_correlations_that_cannot_help(n):
    """Just below and just above the bound, which is that of r - 2 and not of r."""
    for square, strategy in [
        (0.999 / (n - 2), "labels only"),
        (1 / (n - 2), "labels only"),
        (1.001 / (n - 2), "zero-shot"),
        (0.999 / n, "labels only"),
    ]:
        outlook = Outlook(ScalingLaw(0, 1, 1), 1.0, 1 - square, True, True, (), trainable=False)
        plan = outlook.plan(n, 1e6, Costs())
        assert plan.options[1].correlation == pytest.approx(square**0.5)
        assert plan.best().strategy == strategy
        choice = choose(plan, outlook, "split", 1, None)  # of a frozen model
        assert choice.option == plan.best()
        if strategy == "labels only":
            by, takes = square**0.5, (n - 2) ** -0.5
            assert f"correlate with labels by {by:.2f}, and it takes {takes:.2f}" in choice.verdict


def test_labels_that_train_do_not_count_for_the_stop_rule():
    """40 labels of which 20 train: 1 / sqrt(18) = 0.236; who insists on a split is told."""
    split = option("split", 1.06, n_finetune=20, correlation=0.235)
    assert Plan(40, 1e4, (option(), split)).best().strategy == "labels only"
    assert Plan(40, 1e4, (option(), replace(split, correlation=0.236))).best().strategy == "split"
    assert Plan(40, 1e4, (option(), split)).best(strategies=("split",)) == split
    folds = option("cross-fitting", 1.06, n_finetune=20, n_folds=2, correlation=0.235)
    assert Plan(40, 1e4, (option(), folds)).best() == folds  # all 40 rectify: 0.162
    outlook = Outlook(ScalingLaw(0, 1, 1), 1.0, None, True, True, (2,))
    for correlation, helps in ((0.235, False), (0.236, True)):
        plan = Plan(40, 1e4, (option(), replace(split, correlation=correlation)))
        verdict = choose(plan, outlook, "split", 5, None).verdict
        assert ("labels alone would be as good" not in verdict) == helps


def test_an_option_that_cannot_help_hides_none_that_does():
    split = option("split", 1.2, n_finetune=35, correlation=0.4)  # 5 rectify: it takes 0.58
    shot = option("zero-shot", 1.15, correlation=0.36)
    assert Plan(40, 1e4, (option(), shot, split)).best() == shot


def test_the_stop_rule_says_nothing_of_two_labels():
    """98 of 100 train: no bound, but no win by rounding either."""
    split = option("split", 4.0, n_finetune=98, correlation=0.9)
    assert Plan(100, 1e4, (option(), split)).best() == split
    shot = option("zero-shot", 4.0 * (1 - 1e-12))
    assert Plan(100, 1e4, (option(), shot, split)).best() == shot
    useless = replace(split, efficiency=1.1, correlation=0.0)
    assert Plan(100, 1e4, (option(), useless)).best().strategy == "labels only"
    three = replace(split, n_finetune=97)  # three rectify: it takes 1
    assert Plan(100, 1e4, (option(), three)).best().strategy == "labels only"


# Predictions


@pytest.mark.parametrize("tuned", [True, False])
def test_a_tuned_lambda_never_makes_it_worse_than_labels_only(tuned):
    """A residual variance above V(Y) is capped there, and only there."""
    outlook = Outlook(ScalingLaw(50.0, 0.5, 1.5), 2.0, 3.0, False, tuned, (2, 5))
    alone, shot, _, *folds = outlook.plan(40, 400, Costs()).options
    for one in (shot, *folds):
        expected = 2.0 if tuned else (3.0 if one is shot else outlook.law.predict(one.n_finetune))
        assert one.standard_error == pytest.approx((expected / 40) ** 0.5, rel=1e-12)
        assert one.correlation == 0
    assert alone.standard_error == pytest.approx((2 / 40) ** 0.5)


def test_which_options_a_number_of_labels_has():
    def ways(n, trainable=True):
        outlook = Outlook(ScalingLaw(1, 1, 1), 2.0, None, True, True, (2, 5, 7), trainable)
        return [(o.strategy, o.n_folds, o.n_finetune) for o in outlook.plan(n, 50, Costs()).options][1:]

    assert ways(3) == []
    assert [way[:2] for way in ways(4)] == [("split", 0), ("cross-fitting", 2)]
    assert ways(10)[1:] == [("cross-fitting", 2, 5), ("cross-fitting", 5, 8)]
    assert [way[1] for way in ways(13)] == [0, 2, 5]
    assert ways(14)[-1] == ("cross-fitting", 7, 12)
    assert ways(40, trainable=False) == []
    with pytest.raises(ValueError, match="n_labeled is 1 and"):
        ways(1)
    assert ways(2) == []


def test_a_pool_that_tells_less_is_a_smaller_pool():
    """For the split's size, too."""
    law = ScalingLaw(3.0, 0.8, 0.4)
    for share in (0.1, 3.0):
        shared = Outlook(law, 2.0, 1.5, True, True, (2,), pool_share=share).plan(200, 300, Costs())
        other = Outlook(law, 2.0, 1.5, True, True, (2,)).plan(200, 300 * share, Costs())
        for one, two in zip(shared.options, other.options, strict=True):
            assert one.n_finetune == two.n_finetune
            assert one.standard_error == pytest.approx(two.standard_error)


def test_labels_that_have_trained_keep_training_whatever_training_costs():
    outlook = Outlook(ScalingLaw(3.0, 0.8, 0.4), 2.0, None, True, True, (), trained=60)
    for costs in (Costs(), Costs(1, 0.5), Costs(1, 50.0)):
        found = outlook.required_labels(
            Goal(HalfWidth(0.2, 0.95), 5_000), costs, lambda way, folds: way == "split"
        )
        assert found.option.n_finetune >= 60
        assert found.n_labeled >= 62
    assert [o.n_finetune for o in outlook.plan(61, 300, Costs()).options] == [0, 59]


@pytest.mark.thorough
def test_uncertainty_is_that_of_resampled_laws():
    """2.5 % and 97.5 % of 101 laws whose residual variance is 0.400, 0.401, ... 0.500; of goals, of the first 100."""
    others = tuple(
        Outlook(ScalingLaw(0, 1, 0.4 + k / 1_000), 1.0, None, False, False, (2,)) for k in range(101)
    )
    outlook = replace(others[50], resampled=others)
    option = outlook.plan(100, INF, Costs()).options[2]
    variances = np.square([option.low, option.standard_error, option.high])
    np.testing.assert_allclose(variances, [0.4025 / 100, 0.45 / 100, 0.4975 / 100])
    needed = outlook.required_labels(Goal(HalfWidth(0.1, 0.95), INF), Costs())
    alone = [one.required_labels(Goal(HalfWidth(0.1, 0.95), INF), Costs()).n_labeled for one in others]
    assert needed.n_labeled == alone[50]
    assert (needed.low, needed.high) == pytest.approx((alone[2], alone[97]), abs=1)
    assert needed.low < needed.n_labeled < needed.high
    wide = Outlook(ScalingLaw(0, 1, 5.0), 5.0, None, False, False, (2,))
    hopeless = replace(outlook, resampled=(*others[:9], wide))
    assert hopeless.required_labels(Goal(HalfWidth(0.2, 0.95), 200), Costs()).high == INF


def test_verdicts():
    outlook = Outlook(ScalingLaw(0.0, 1.0, 0.5), 1.0, None, True, True, (2,))
    plan = outlook.plan(40, 0, Costs())
    assert choose(plan, outlook, "split", 5, None).verdict.startswith("No unlabeled rows")
    nothing = Plan(40, 1e4, (option(), option("split", 1.0, n_finetune=2)))
    assert "no other way promises" in choose(nothing, outlook, "auto", 5, None).verdict
    plan = outlook.plan(40, 400, Costs())
    assert "cross-fit with 2 folds" in choose(plan, outlook, "auto", 2, None).verdict
    for curve, verdict in (([1.0, 0.5], "falling"), ([0.5, 0.5], "flat"), ([0.5, 1.0], "rising")):
        fitted = fit_scaling_law([50, 100], curve, standard_errors=[1e-3] * 2, n_bootstrap=20)
        assert fitted.verdict == verdict
        said = choose(plan, outlook, "auto", 2, fitted).verdict
        assert (f"More training does not pay: the residual variance is {verdict}" in said) == (
            verdict != "falling"
        )
    with pytest.raises(
        ValueError, match=r"'cross-fitting' with folds=\(2,\) and max_fits=1 leaves no option"
    ):
        choose(plan, outlook, "cross-fitting", 1, None)
