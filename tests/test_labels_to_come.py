"""Forecasts of labels that are not bought yet: degrees of freedom, what was reached, how sure they are, and purchases towards a goal."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import Ridge

from sklearn_ftr import (
    Costs,
    FineTuneRectifyAllocator,
    RectifiedLinearRegression,
    RectifiedMeanEstimator,
    RectifiedQuantile,
    ScalingLaw,
)
from sklearn_ftr.allocation._drawing import Drawing
from sklearn_ftr.allocation._forecast import Outlook
from sklearn_ftr.allocation._prospect import Goal, InHand, Prospect
from sklearn_ftr.allocation._strategies import CrossFitting, LabelsOnly, Split, ZeroShot
from sklearn_ftr.estimators._purchase import Purchase
from sklearn_ftr.rectification._goal import HalfWidth

INF = np.inf
FLAT = Outlook(ScalingLaw(0.0, 1.0, 0.5), 1.0, 0.5, True, True, (2, 5))


def sample(n, rows=2_000, d=5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, d))
    y = X.sum(axis=1) / np.sqrt(d) + 0.5 * rng.normal(size=rows)
    return X, np.where(np.arange(rows) < n, y, np.nan), y


def fitted(n=120, rectified=None, sampling=None, seed=0, rows=2_000, **parameters):
    X, y, _ = sample(n, rows, seed=seed)
    model = FineTuneRectifyAllocator(
        rectified or RectifiedMeanEstimator(Ridge()), random_state=0, **{"n_bootstrap": 30} | parameters
    )
    return model.fit(X, y, **(sampling or {}))


def width_of(model, level=0.95):
    """Of the last number: of coefficients that of x0."""
    low, high = map(np.atleast_1d, model.confidence_interval(level))
    return float((high - low)[-1]) / 2


# Degrees of freedom


@pytest.mark.parametrize(
    "strategy", [Split(), CrossFitting(2), CrossFitting(5), ZeroShot(), LabelsOnly()]
)
@pytest.mark.parametrize(("n", "rows"), [(40, 4_000), (120, 2_000), (150, 250)])
@pytest.mark.parametrize("recycle", [True, False])
def test_degrees_of_freedom_are_those_of_results(strategy, n, rows, recycle):
    """With the residual variance that a fit has; it estimates how much of its variance is whose."""
    X, y, _ = sample(n, rows)
    s = 15 if isinstance(strategy, Split) else strategy.n_finetune(FLAT, n, rows - n)
    predictor = RectifiedMeanEstimator(
        Ridge(), recycle=recycle, random_state=0, **strategy.parameters(s)
    )
    if isinstance(strategy, ZeroShot | LabelsOnly):
        from sklearn.dummy import DummyRegressor
        from sklearn.frozen import FrozenEstimator

        model = DummyRegressor() if isinstance(strategy, LabelsOnly) else Ridge()
        model.fit(X[n:], X[n:].sum(axis=1) / 5**0.5 if isinstance(strategy, ZeroShot) else X[n:, 0] * 0)
        predictor.set_params(estimator=FrozenEstimator(model))
    result = predictor.fit(X, y).result_
    law = ScalingLaw(0.0, 1.0, result.residual_variance)
    total = np.nanvar(y, ddof=1)
    known = replace(FLAT, law=law, total_variance=total, zero_shot_variance=law.b, recycle=recycle)
    stated = strategy.stated(known, s, n, rows - n)
    assert stated.degrees == pytest.approx(result.degrees_of_freedom, rel=0.15)
    assert stated.variance == pytest.approx(result.standard_error**2, rel=0.25)


def test_degrees_of_freedom_of_clusters_and_strata():
    known = replace(FLAT, drawing=Drawing(cluster_size=4.0, n_strata=2))
    assert LabelsOnly().stated(known, 0, 80, INF).degrees == 20 - 2
    assert ZeroShot().stated(known, 0, 80, INF).degrees == 20 - 2 - 1
    assert CrossFitting(5).stated(known, 64, 80, INF).degrees == 20 - 5 - 1
    assert Split().stated(replace(known, recycle=False), 20, 80, INF).degrees == 15 - 2 - 1
    untuned = replace(known, tuned=False)
    assert ZeroShot().stated(untuned, 0, 80, INF).degrees == 20 - 2


def test_recycled_labels_cost_what_meier_says():
    plain, own = 0.5 / 60, 1 / 40
    weight = plain / (plain + own)
    stated = Split().stated(FLAT, 40, 100, INF)
    assert stated.variance == pytest.approx(
        plain * own / (plain + own) * (1 + 4 * weight * (1 - weight) * (1 / 58 + 1 / 99))
    )
    assert stated.degrees == pytest.approx(1 / ((1 - weight) ** 2 / 58 + weight**2 / 99))


# What labels in hand have reached


@pytest.mark.grid(4)
@pytest.mark.parametrize(
    "question",
    [
        {},
        {"strategy": "split"},
        {"strategy": "cross-fitting", "rectified": RectifiedMeanEstimator(Ridge(), power_tuning=False)},
        {"finite_population": True, "rows": 400},
        {"sampling": {"groups": np.arange(2_000) // 3}},
        {"sampling": {"strata": np.arange(2_000) % 3}},
        {"rectified": RectifiedQuantile(Ridge(), q=0.5)},
        {"rectified": RectifiedLinearRegression(Ridge(), covariates=[0], coefficient=0)},
    ],
    ids=["auto", "split", "untuned", "finite", "clusters", "strata", "quantile", "coefficient"],
)
def test_the_half_width_in_hand_asks_for_the_labels_in_hand(question):
    model = fitted(**question)
    for level in (0.95, 0.8):
        for assurance in (0.5, 0.8):
            needed = model.required_labels(width_of(model, level), level, assurance=assurance)
            assert 0.98 * 120 <= needed.n_labeled <= 1.02 * 120
    assert model.next_purchase(width_of(model)).is_last


def test_what_was_reached_lasts():
    """Half-widths 10 % narrower than promised take 19 % fewer labels, of strategies that train; others are as they were."""
    option = FLAT.plan(100, INF, Costs()).options[3]
    assert option.strategy == "cross-fitting"
    goal = Goal(HalfWidth(0.05, 0.95), INF)
    promised = np.sqrt(goal.square(CrossFitting(2).stated(FLAT, 50, 100, INF)))
    held = InHand(100, INF, option, 0.9 * promised)
    for strategy, ratio in (
        (CrossFitting(5), 0.81),
        (Split(), 0.81),
        (ZeroShot(), 1),
        (LabelsOnly(), 1),
    ):
        before, after = (Prospect(FLAT, (), goal, one).smallest(strategy) for one in (None, held))
        assert after / before == pytest.approx(ratio, abs=0.01)
    for nothing in (0.0, INF, np.nan):
        unknown = Prospect(FLAT, (), goal, replace(held, half_width=nothing))
        assert unknown.smallest(CrossFitting(5)) == Prospect(FLAT, (), goal).smallest(CrossFitting(5))


# Assurance


def test_worlds_part_as_the_goal_moves_away():
    """Versions of V(Y), labels alone: at n labels they count with their difference in logarithms times sqrt(1 - n0 / n)."""
    versions = tuple(replace(FLAT, total_variance=np.exp((k - 50) / 100)) for k in range(101))
    option = FLAT.plan(100, INF, Costs()).options[0]
    for half_width in (0.15, 0.1, 0.03):
        goal = Goal(HalfWidth(half_width, 0.95), INF)
        held = InHand(100, INF, option, np.sqrt(goal.square(LabelsOnly().stated(FLAT, 0, 100, INF))))
        sure = {
            assurance: Prospect(FLAT, versions, goal, held, assurance).smallest(LabelsOnly())
            for assurance in (0.2, 0.5, 0.8)
        }
        assert sure[0.2] < sure[0.5] < sure[0.8]
        n = sure[0.8]
        variance = np.exp(0.3 * np.sqrt(1 - 100 / n)) / n
        narrow = goal.square(replace(LabelsOnly().stated(FLAT, 0, n, INF), variance=variance))
        assert np.sqrt(narrow) == pytest.approx(half_width, rel=0.01)


def test_assurance_of_a_known_law_is_that_of_normal_labels():
    """Labels alone: so many reach the goal in 80 % of 20,000 draws, whose variances are chi-square; half of them by default."""
    law = ScalingLaw(0.0, 1.0, 1.0)
    rng = np.random.default_rng(0)
    for half_width in (0.2, 0.1):
        for assurance in (0.5, 0.8, 0.95):
            needed = law.required_labels(half_width, total_variance=1.0, assurance=assurance)
            n = needed.labels_only
            degrees = int(n) - 1
            error = np.sqrt(rng.chisquare(degrees, size=20_000) / degrees / n)
            reached = np.mean(error * stats.t.isf(0.025, degrees) <= half_width)
            assert reached == pytest.approx(assurance, abs=0.05)
    default = law.required_labels(0.1, total_variance=1.0)
    assert default.low < default.n_labeled < default.high
    assert default.n_labeled == law.required_labels(0.1, total_variance=1.0, assurance=0.5).n_labeled


def test_assurance_in_words():
    model = fitted()
    half_width = 0.6 * width_of(model)
    middle, sure = (model.required_labels(half_width, assurance=one) for one in (0.5, 0.8))
    assert middle.low < middle.n_labeled < sure.n_labeled < sure.high
    assert (middle.low, middle.high) == (sure.low, sure.high)
    assert sure.assurance == 0.8
    assert sure.labels_only > middle.labels_only
    assert "enough with a probability of 80%" in str(sure)
    assert "probability" not in str(middle)
    for wrong in (0, 1, np.nan):
        with pytest.raises(
            ValueError, match=r"assurance is .*; expected a probability between 0 and 1"
        ):
            model.required_labels(half_width, assurance=wrong)
    with pytest.raises(TypeError, match=r"assurance is .0.8."):
        model.next_purchase(half_width, assurance="0.8")


def test_a_goal_that_is_sure_may_be_out_of_reach():
    wide = replace(FLAT, law=ScalingLaw(0.0, 1.0, 0.9), total_variance=1.3)
    outlook = replace(FLAT, resampled=(FLAT, FLAT, wide))
    half_width = np.sqrt(
        Goal(HalfWidth(1, 0.95), 400).square(CrossFitting(5).stated(FLAT, 280, 350, 50))
    )
    goal = Goal(HalfWidth(1.001 * half_width, 0.95), 400)
    asked = goal, Costs(), lambda name, folds: name == "cross-fitting"
    assert outlook.required_labels(*asked).n_labeled in (349, 350)
    with pytest.raises(ValueError, match="with 400 labels with a probability of 99%; allow a wider"):
        outlook.required_labels(*asked, assurance=0.99)


# Purchases


@pytest.mark.parametrize(
    ("needed", "low", "more", "is_last"),
    [
        (1_000, 150.0, 450, False),  # half of what is missing
        (1_000, 700.0, 600, False),  # as much as is missing almost surely
        (110, 105.0, 10, True),
        (112, 108.0, 8, False),
        (90, 85.0, 0, True),
        (1_000, INF, 900, False),
    ],
)
def test_purchases(needed, low, more, is_last):
    option = FLAT.plan(needed, INF, Costs()).options[3]
    required = FLAT.required_labels(Goal(HalfWidth(0.1, 0.95), INF), Costs())
    required = replace(required, n_labeled=needed, low=low, option=option)
    purchase = Purchase.towards(required, 100, 0)
    assert (purchase.n_more, purchase.is_last) == (more, is_last)
    assert purchase.n_finetune == purchase.n_rectify == more
    split = replace(option, strategy="split", n_folds=0, n_finetune=needed // 2)
    shared = Purchase.towards(replace(required, option=split), 100, needed // 4)
    assert shared.n_finetune + shared.n_rectify == more
    if more:
        assert (
            shared.n_finetune / more
            == pytest.approx((needed // 2 - needed // 4) / (needed - 100), abs=0.07)
            or needed < 120
        )


@pytest.mark.thorough
def test_rounds_end_near_the_goal():
    """From 60 labels to what about 400 reach."""
    X, _, y = sample(0, rows=4_000)
    reference = RectifiedMeanEstimator(Ridge(), cv=5, random_state=0)
    goal = width_of(reference.fit(X, np.where(np.arange(4_000) < 400, y, np.nan)))
    n, sizes = 60, []
    while len(sizes) < 12:
        sizes.append(n)
        model = FineTuneRectifyAllocator(
            RectifiedMeanEstimator(Ridge()), random_state=0, n_bootstrap=30
        ).fit(X, np.where(np.arange(4_000) < n, y, np.nan))
        if width_of(model) <= goal:
            break
        n += max(model.next_purchase(goal).n_more, 1)
    assert len(sizes) < 12
    assert 320 < n < 480
