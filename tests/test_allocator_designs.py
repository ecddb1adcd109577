"""The allocator under sampling designs: curves of whole clusters, variances per label, plans of clusters and finite populations, routing."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn import config_context
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_validate

from sklearn_ftr import (
    Costs,
    FineTuneRectifyAllocator,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedMeanEstimator,
    RectifiedQuantile,
    ScalingLaw,
)
from sklearn_ftr.allocation._drawing import Drawing
from sklearn_ftr.allocation._forecast import Outlook
from sklearn_ftr.allocation._optimal_split import searched_split
from sklearn_ftr.allocation._prospect import Goal
from sklearn_ftr.allocation._strategies import CrossFitting, LabelsOnly, Split
from sklearn_ftr.estimators._drawn_labels import DrawnLabels
from sklearn_ftr.estimators._label_sets import LabelSet
from sklearn_ftr.estimators._labels import check_partial_labels
from sklearn_ftr.estimators._sampling import with_sampling
from sklearn_ftr.estimators._trials import Trials
from sklearn_ftr.rectification._goal import HalfWidth

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_ftr.PredictionShiftWarning")
ESTIMANDS = {
    "mean": lambda: RectifiedMeanEstimator(Ridge()),
    "median": lambda: RectifiedQuantile(Ridge()),
    "difference": lambda: RectifiedDifference(Ridge(), group=3),
    "coefficient": lambda: RectifiedLinearRegression(Ridge(), covariates=[0], coefficient=0),
}


def clusters(seed=0, icc=0.3, n_clusters=120, n_labeled=30, shared=False):
    """Clusters of 3 to 9 rows, those of labels first; `shared`: labels are every third row of all."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_clusters), rng.integers(3, 10, n_clusters))
    n = len(groups)

    def of_clusters(k):
        between, within = rng.normal(size=(n_clusters, k)), rng.normal(size=(n, k))
        return np.sqrt(icc) * between[groups] + np.sqrt(1 - icc) * within

    X = of_clusters(3)
    y = X.sum(axis=1) + 1.5 * of_clusters(1)[:, 0]
    labeled = np.arange(n) % 3 == 0 if shared else groups < n_labeled
    X = np.column_stack([X, X[:, 0] > 0])
    return X, np.where(labeled, y, np.nan), {"groups": groups}


def rows(seed=0, n=600, share=0.2):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    y = X.sum(axis=1) + 1.5 * rng.normal(size=n)
    X = np.column_stack([X, X[:, 0] > 0])
    return X, np.where(rng.random(n) < share, y, np.nan), rng


def weighted(seed=0):
    X, y, rng = rows(seed, 1_000)
    return X, y, {"sample_weight": rng.exponential(size=len(y)) + 0.2}


def unequally_labeled(seed=0):
    X, y, rng = rows(seed, 1_500, share=1)
    pi = np.clip(0.15 * np.exp(0.7 * X[:, 0]), 0.03, 0.9)
    return X, np.where(rng.random(len(y)) < pi, y, np.nan), {"labeling_probability": pi}


def stratified(seed=0):
    X, y, rng = rows(seed, 1_500, share=1)
    strata = (np.arange(1_500) % 10 < 2) * 1
    y = y * (1 + strata) + 3 * strata
    chosen = [rng.choice(np.flatnonzero(strata == h), 100, replace=False) for h in (0, 1)]
    labeled = np.isin(np.arange(1_500), np.concatenate(chosen))
    return X, np.where(labeled, y, np.nan), {"strata": strata}


def everything(seed=0):
    """Clusters within strata, with weights."""
    X, y, told = clusters(seed)
    rng = np.random.default_rng(seed)
    told["strata"] = told["groups"] % 3
    told["sample_weight"] = rng.uniform(0.5, 2, len(y))
    return X, y, told


DESIGNS = {
    "clusters apart": clusters,
    "clusters shared": lambda seed=0: clusters(seed, shared=True),
    "weights": weighted,
    "labeling probabilities": unequally_labeled,
    "strata": stratified,
    "clusters, strata and weights": everything,
}
designs = pytest.mark.parametrize("name", DESIGNS)


def fitted(sample, estimand="mean", **parameters):
    X, y, told = sample
    parameters = {"random_state": 0, "n_bootstrap": 10} | parameters
    return FineTuneRectifyAllocator(ESTIMANDS[estimand](), **parameters).fit(X, y, **told)


def drawn(sample):
    X, y, told = sample
    return DrawnLabels.of(with_sampling(check_partial_labels(X, y, "test"), **told), False)


# Predicted is what is reported


@designs
@pytest.mark.parametrize("estimand", ["mean", "median"])
def test_labels_alone_are_predicted_exactly(name, estimand):
    model = fitted(DESIGNS[name](), estimand)
    alone = model.plan_.options[0]
    assert alone.strategy == "labels only"
    assert alone.standard_error == pytest.approx(
        np.max(model.result_.labels_only.standard_error), rel=1e-9
    )


@pytest.mark.parametrize("estimand", ["mean", "median"])
def test_labels_alone_of_a_finite_population_are_predicted_exactly(estimand):
    for X, y, told in ((*rows()[:2], {}), clusters(), stratified()):
        model = fitted((X, y, told), estimand, finite_population=True)
        alone = model.plan_.options[0].standard_error
        assert alone == pytest.approx(np.max(model.result_.labels_only.standard_error), rel=1e-9)


@designs
@pytest.mark.parametrize("strategy", ["auto", "split"])
def test_the_best_option_is_predicted_about_as_it_is_reported(name, strategy):
    ratios = []
    for seed in range(4):
        model = fitted(DESIGNS[name](seed), strategy=strategy, random_state=seed)
        ratios.append(model.best_option_.standard_error / model.result_.standard_error)
    assert np.mean(ratios) == pytest.approx(1, abs=0.15)


@pytest.mark.grid(3)
@pytest.mark.parametrize("estimand", ESTIMANDS)
def test_every_estimand_plans_for_clusters(estimand):
    model = fitted(clusters(), estimand)
    reported = np.ravel(model.result_.standard_error)[-1]
    assert 0.6 < model.best_option_.standard_error / reported < 1.6
    assert model.plan_.n_clusters == 30
    # Without the design the same numbers are too small.
    X, y, _ = clusters()
    assert fitted((X, y, {}), "mean").plan_.options[0].standard_error < (
        0.8 * fitted(clusters(), "mean").plan_.options[0].standard_error
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("ICC .2", lambda seed: clusters(seed, 0.2)),
        ("ICC .5", lambda seed: clusters(seed, 0.5)),
        ("ICC .2, shared", lambda seed: clusters(seed, 0.2, 60, shared=True)),
        ("ICC .5, shared", lambda seed: clusters(seed, 0.5, 60, shared=True)),
        ("weights", weighted),
        ("labeling probabilities", unequally_labeled),
        ("strata", stratified),
        ("clusters, strata and weights", everything),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
@pytest.mark.parametrize("strategy", ["auto", "split"])
def test_predicted_and_reported_standard_errors_agree_on_average(name, sample, strategy):
    """100 samples, seeds 0 to 99: the mean ratio is within .1 of 1; its Monte Carlo error is printed, .003 to .009."""
    ratios = np.empty(100)
    for seed in range(100):
        model = fitted(sample(seed), strategy=strategy, random_state=seed)
        ratios[seed] = model.best_option_.standard_error / model.result_.standard_error
    print(f"{name}, {strategy}: {ratios.mean():.3f} +- {ratios.std() / 10:.3f}, sd {ratios.std():.2f}")
    assert ratios.mean() == pytest.approx(1, abs=0.1)


# The curve


def halvings(labeled, one):
    trials = Trials(labeled, np.random.RandomState(0), one)
    return trials.halvings(3.0 * trials.n)


def test_no_cluster_trains_and_tests_one_model_and_sizes_are_those_of_whole_clusters():
    sample = clusters()
    one = drawn(sample)
    groups, labeled = sample[2]["groups"], one.labels.labeled
    trials = halvings(labeled, one)
    for trial in trials:
        inside = np.unique(groups[trial.train])
        assert not set(inside) & set(groups[trial.test])
        assert len(trial.train) == np.isin(groups[labeled], inside).sum()
        assert (np.diff(trial.train) > 0).all()
    average = len(labeled) / 30
    assert [trial.size for trial in trials[:4]] == [round(k * average) for k in (15, 7, 3, 1)]
    assert set(trials[0].test) | set(trials[4].test) == set(labeled)


def test_halves_and_sizes_take_their_share_of_each_stratum():
    one = drawn(stratified())
    strata = stratified()[2]["strata"]
    for trial in halvings(one.labels.labeled, one):
        for part in (trial.train, trial.test):
            assert strata[part].mean() == pytest.approx(0.5, abs=0.6 / len(part))


def test_variances_per_label_are_those_of_a_mean_under_the_design():
    """By hand: weighted sums over clusters about their stratum's mean."""
    sample = everything()
    one, values = drawn(sample), np.random.default_rng(1).normal(size=(400, 1))
    some = one.labels.labeled[:90]
    w, groups, strata = (sample[2][name][some] for name in ("sample_weight", "groups", "strata"))
    # Of labeled rows in each stratum, the share is the probability of a label.
    labeled = ~np.isnan(sample[1])
    pi = np.array([labeled[sample[2]["strata"] == h].mean() for h in range(3)])[strata]
    w = w / pi / (w / pi).sum()
    deviations = w * (values[:90, 0] - w @ values[:90, 0])
    expected = 0.0
    for h in range(3):
        totals = [deviations[groups == g].sum() for g in np.unique(groups[strata == h])]
        expected += len(totals) * np.var(totals, ddof=1)
    pieces = one.only(LabelSet.of(one.labels.labeled, slice(90))).of_pieces(values[:90])
    assert 90 * expected == pytest.approx(np.var(pieces, axis=0, ddof=1)[0], rel=1e-9)
    np.testing.assert_allclose(one.weights(some), w)


def test_strata_with_one_cluster_in_a_half_are_one_there():
    X, y, told = clusters(n_labeled=24)
    told["strata"] = told["groups"] % 11
    assert 0 < fitted((X, y, told)).best_option_.standard_error < np.inf
    told["strata"] = np.where(told["groups"] == 0, 1, 0)
    with pytest.raises(ValueError, match="Stratum 1 has a single cluster"):
        fitted((X, y, told))


def test_too_few_clusters_are_told():
    with pytest.raises(ValueError, match=r"The labels are in 7 groups .*needs at least 8"):
        fitted(clusters(n_labeled=7))
    assert fitted(clusters(n_labeled=8)).plan_.n_clusters == 8
    X, y, told = clusters(n_labeled=9)
    model = FineTuneRectifyAllocator(RectifiedLinearRegression(Ridge(), covariates=[0, 1]))
    with pytest.raises(ValueError, match=r"in 9 groups .* for 3 coefficients; .* at least 12"):
        model.fit(X, y, **told)


def test_clusters_of_one_row_and_columns_that_are_the_same_for_all_change_nothing():
    X, y, _ = rows()
    told = {"groups": np.arange(len(y)), "sample_weight": np.full(len(y), 3.0), "strata": y * 0 > 1}
    plain, idle = fitted((X, y, {})), fitted((X, y, told))
    assert idle.plan_ == plain.plan_
    assert idle.plan_.n_clusters is None
    assert idle.standard_error_ == plain.standard_error_


# Plans


def law_of(drawing, tuned=True, recycle=True):
    return Outlook(ScalingLaw(3.0, 0.7, 0.8), 2.0, None, recycle, tuned, (2, 5, 10), drawing=drawing)


def test_pool_terms_are_those_of_the_best_lambda():
    rng = np.random.default_rng(0)
    for _ in range(50):
        r, m, shared = rng.integers(10, 200), rng.integers(10, 900), rng.uniform(0, 1)
        v_f, v_p = 1 / r, 1 / m
        c = shared * v_p
        lambdas = np.linspace(0, 1.2, 2_001)
        best = np.min(v_f - 2 * lambdas * (v_f - c) + lambdas**2 * (v_f + v_p - 2 * c))
        drawing = Drawing(shared=shared)
        assert drawing.pool_term(1.0, r, m, 0, True) == pytest.approx(best, rel=1e-3)
        assert drawing.pool_term(1.0, r, m, 0, False) == v_p
    assert Drawing().pool_term(2.0, 30, 70, 0, True) == pytest.approx(2 / 100)
    # A pool in the very clusters of the labels tells nothing of other clusters, and goes with those that train.
    assert Drawing(shared=1.0).pool_term(2.0, 30, 20, 0, True) == pytest.approx(2 / 30)
    half = Drawing(lost=1.0).pool_term(2.0, 15, 100, 15, True)
    assert half == pytest.approx(2 / (50 + 15))


def test_searched_splits_are_those_of_a_loop():
    drawing = Drawing(shared=0.6, lost=0.5)
    for recycle in (True, False):
        for finite in (False, True):
            known = law_of(replace(drawing, finite=finite), recycle=recycle)
            for n, m in ((20, 50), (157, 400), (600, 3_000)):
                found = Split().n_finetune(known, n, m)
                variances = {s: Split().variance(known, s, n, m) for s in range(2, n - 1)}
                assert variances[found] == pytest.approx(min(variances.values()), rel=1e-9)
    assert searched_split(lambda s: abs(s - 7), 2, 40) == 7
    assert searched_split(lambda s: 1.0, 2, 40) == 2
    assert searched_split(lambda s: 1.0, 5, 5) == 5


def test_degrees_of_freedom_are_clusters_less_strata():
    known = law_of(Drawing(cluster_size=8.0, n_strata=3))
    required = known.required_labels(Goal(HalfWidth(0.3, 0.95), np.inf), Costs())
    n = int(required.labels_only)

    def half_width(n):
        return stats.t.isf(0.025, n / 8 - 3) * np.sqrt(2.0 / n)

    assert half_width(n) <= 0.3 < half_width(n - 1)
    assert required.n_clusters == int(np.ceil(required.n_labeled / 8))
    assert f"labels in {required.n_clusters} clusters" in str(required)
    assert known.plan(80, np.inf, Costs()).n_clusters == 10
    alone = law_of(Drawing()).required_labels(Goal(HalfWidth(0.3, 0.95), np.inf), Costs())
    assert alone.n_clusters is None
    assert "clusters" not in str(alone)
    assert alone.labels_only < n


def test_folds_and_splits_need_clusters_enough():
    known = law_of(Drawing(cluster_size=10.0))
    assert [one.n_folds for one in CrossFitting.ways(known, 100, 50)] == [2, 5]
    assert not list(CrossFitting.ways(known, 30, 50))
    assert list(Split.ways(known, 30, 50))
    assert not list(Split.ways(known, 29, 50))
    assert Split().n_finetune(known, 30, 50) >= 10
    assert not list(Split.ways(law_of(Drawing(no_split="told")), 30, 50))
    assert not list(Split.ways(law_of(Drawing(part_to_rectify=1.0)), 30, 50))


def test_the_stop_rule_counts_clusters():
    weak = Outlook(ScalingLaw(0, 1, 0.95), 1.0, None, True, True, (2,))
    assert weak.plan(100, 1_000, Costs()).best().strategy != "labels only"  # .22 is above 1 / sqrt(98)
    clustered = replace(weak, drawing=Drawing(cluster_size=5.0))
    assert (
        clustered.plan(100, 1_000, Costs()).best().strategy == "labels only"
    )  # and below 1 / sqrt(18)


def test_next_purchase_and_other_budgets():
    model = fitted(clusters())
    required = model.required_labels(0.4)
    assert required.n_clusters is not None
    purchase = model.next_purchase(0.4)
    assert purchase.required == required
    assert 0 < purchase.n_more <= required.n_labeled - model.n_labeled_
    twice = model.plan(2 * model.n_labeled_, np.inf)
    assert twice.n_clusters == 60
    assert "(in 60 clusters)" in str(twice)
    assert twice.options[0].standard_error == pytest.approx(
        model.plan_.options[0].standard_error / np.sqrt(2)
    )
    assert model.required_labels(0.4, n_rows=1e6).n_labeled <= required.n_labeled


def test_rounds_train_whole_clusters():
    X, y, told = clusters()
    trained = np.zeros(len(y), dtype=bool)
    trained[0] = True
    model = FineTuneRectifyAllocator(
        RectifiedMeanEstimator(Ridge()), strategy="split", n_bootstrap=5, random_state=0
    ).fit(X, y, finetune_rows=trained, **told)
    assert model.outlook_.trained == (told["groups"] == told["groups"][0]).sum()
    assert model.finetune_rows_[told["groups"] == told["groups"][0]].all()
    both = set(told["groups"][model.finetune_rows_])
    assert not both & set(told["groups"][~np.isnan(y) & ~model.finetune_rows_])


# Finite populations


def test_variances_of_a_finite_population():
    known = law_of(Drawing(finite=True))
    n, m = 60, 140
    assert LabelsOnly().variance(known, 0, n, m) == pytest.approx(0.7 * 2.0 / n)
    v = known.law.predict(48.0)
    assert CrossFitting(5).variance(known, 48, n, m) == pytest.approx(0.7 * v / n)
    s, r = 20, 40
    v, part = known.law.predict(20.0), 180 / 200  # labels that have trained are a known tenth
    assert Split().variance(known, s, n, m) == pytest.approx(part**2 * (1 - r / 180) * v / r)
    assert LabelsOnly().variance(known, 0, n, np.inf) == pytest.approx(2.0 / n)
    assert CrossFitting(5).variance(known, 48, n, np.inf) == pytest.approx(known.law.predict(48.0) / n)


@pytest.mark.grid(3)
@pytest.mark.parametrize("estimand", ESTIMANDS)
def test_every_goal_of_a_finite_population_can_be_reached(estimand):
    X, y, _ = rows(n=400)
    population, sample = (fitted((X, y, {}), estimand, finite_population=one) for one in (True, False))
    with pytest.raises(ValueError, match="No allowed option reaches"):
        sample.required_labels(1e-3)
    assert population.required_labels(1e-9).n_labeled == 400
    assert population.required_labels(0.2).n_labeled < 400
    assert population.plan(400).options[0].standard_error == 0
    assert population.best_estimator_.finite_population
    sums = estimand in ("mean", "median")
    assert ("split" in [option.strategy for option in population.plan_.options]) == sums
    reported = np.ravel(population.result_.standard_error)[-1]
    assert population.best_option_.standard_error / reported == pytest.approx(1, abs=0.4)


def test_who_says_that_a_population_is_finite():
    X, y, _ = rows()
    inner = RectifiedMeanEstimator(Ridge(), finite_population=True)
    by_estimator = FineTuneRectifyAllocator(inner, n_bootstrap=5, random_state=0).fit(X, y)
    by_both = fitted((X, y, {}), n_bootstrap=5, finite_population=True)
    assert by_estimator.plan_ == by_both.plan_
    assert by_estimator.standard_error_ == by_both.standard_error_
    assert not ESTIMANDS["mean"]().finite_population


@pytest.mark.parametrize("estimand", ["coefficient", "difference"])
def test_what_is_no_sum_of_parts_is_not_split(estimand):
    X, y, _ = rows()
    with pytest.raises(ValueError, match=r"cannot be split: .* no sum of parts"):
        fitted((X, y, {}), estimand, finite_population=True, strategy="split")
    labeled = ~np.isnan(y)
    complete = fitted((X[labeled], y[labeled], {}), estimand, finite_population=True)
    np.testing.assert_allclose(complete.result_.standard_error, 0, atol=1e-12)


def test_probabilities_that_are_not_known_of_unlabeled_rows_leave_folds():
    X, y, told = unequally_labeled()
    told["labeling_probability"] = np.where(np.isnan(y), np.nan, told["labeling_probability"])
    assert fitted((X, y, told)).best_option_.n_folds
    with pytest.raises(ValueError, match="labeling_probability is NaN"):
        fitted((X, y, told), strategy="split")


# scikit-learn


def test_routing():
    X, y, told = clusters()
    weights = np.random.default_rng(0).uniform(0.5, 2, len(y))
    with config_context(enable_metadata_routing=True):
        model = (
            FineTuneRectifyAllocator(
                RectifiedMeanEstimator(Ridge()), n_bootstrap=3, max_fits=2, random_state=0
            )
            .set_fit_request(groups=True, sample_weight=True)
            .set_score_request(sample_weight=True)
        )
        params = {"groups": told["groups"], "sample_weight": weights}
        folds = KFold(2, shuffle=True, random_state=0)
        scores = cross_validate(model, X, y, cv=folds, params=params, return_estimator=True)
        assert np.isfinite(scores["test_score"]).all()
        assert all(one.plan_.n_clusters for one in scores["estimator"])
        grid = {"estimator__estimator__alpha": [0.1, 10.0]}
        search = GridSearchCV(model, grid, cv=folds).fit(X, y, **params)
    assert search.best_estimator_.plan_.n_clusters == 30


def test_score_takes_weights():
    X, y, told = weighted()
    model = fitted((X, y, told))
    weights = told["sample_weight"]
    assert model.score(X, y, sample_weight=weights) != model.score(X, y)
    assert model.score(X, y, sample_weight=weights) == model.best_estimator_.score(
        X, y, sample_weight=weights
    )


def test_no_cluster_is_torn_by_trainings_on_three_quarters():
    sample = clusters(n_labeled=80)
    one = drawn(sample)
    groups, labeled = sample[2]["groups"], one.labels.labeled
    drawing = Trials(labeled, np.random.RandomState(0), one)
    trials = drawing.beyond_halves([], 3.0 * drawing.n)
    assert max(len(trial.train) for trial in trials) > 0.7 * len(labeled)
    for trial in trials:
        assert not set(groups[trial.train]) & set(groups[trial.test])
        for part in (trial.train, trial.test):
            assert len(part) == np.isin(groups[labeled], np.unique(groups[part])).sum()
