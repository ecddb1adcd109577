"""The allocator: what it measures, what it picks, what it says."""

import importlib.util
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    LabeledKFold,
    MissedForecastWarning,
    PredictionCorrector,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedMeanEstimator,
    RectifiedQuantile,
    ScalingLawRegressor,
    VarianceRegressor,
    ZeroWidthIntervalWarning,
    fit_scaling_law,
)

ROOT = Path(__file__).parents[1]


@pytest.fixture
def data(rng):
    """400 labels of 3,000 rows; least squares has v(s) = 1 + 10 / (s - 12)."""
    X = rng.normal(size=(3_000, 10))
    y = X.sum(axis=1) * 0.5 + rng.normal(size=3_000)
    y[400:] = np.nan
    return X, y


def allocator(estimator=None, rectified=None, **parameters):
    inner = RectifiedMeanEstimator(estimator or Ridge(), **(rectified or {}))
    return FineTuneRectifyAllocator(inner, **{"random_state": 0, "n_bootstrap": 20} | parameters)


class Counting(RegressorMixin, BaseEstimator):
    """Ridge regression that remembers the sizes it was trained on and which rows it has seen."""

    log = []  # noqa: RUF012 - shared by clones on purpose

    def fit(self, X, y):
        self.model_ = Ridge().fit(X, y)
        self.seen_ = set(X[:, 0])
        Counting.log.append(len(y))
        return self

    def predict(self, X):
        return self.model_.predict(X)


def test_learning_curve_costs_what_it_may(data):
    for pilot_cost in (0.5, 1.0, 3.0, 5.0):
        Counting.log.clear()
        model = allocator(Counting(), pilot_cost=pilot_cost, strategy="split").fit(*data)
        of_curve = Counting.log[:-1]  # the last one is the final training
        assert sum(of_curve) / 400 == pytest.approx(model.learning_curve_.cost)
        assert 0.8 * pilot_cost < model.learning_curve_.cost <= pilot_cost
        assert max(of_curve) == {0.5: 50, 1.0: 100, 3.0: 300, 5.0: 300}[pilot_cost]


def test_learning_curve_measures_the_residual_variance(rng):
    X = rng.normal(size=(4_000, 5))
    y = X.sum(axis=1) + rng.normal(size=4_000)
    curve = allocator(LinearRegression(), pilot_cost=10.0).fit(X, y).learning_curve_
    big = curve.sizes >= 60
    expected = 1 + 5 / (curve.sizes[big] - 7)
    np.testing.assert_allclose(curve.variances[big], expected, rtol=0.08)
    assert curve.total_variance == pytest.approx(y.var(ddof=1))
    assert (np.abs(curve.variances[big] - expected) < 4 * curve.standard_errors[big] + 0.03).all()


def test_no_row_is_tested_by_a_model_that_saw_it(data):
    class Leak(Counting):
        def predict(self, X):
            assert not self.seen_ & set(X[:, 0])
            return super().predict(X)

    X, y = data
    labels = allocator(Leak(), strategy="split")
    labels.fit(X, y)


def test_split_is_the_best_of_the_law(data):
    model = allocator(strategy="split").fit(*data)
    best = model.law_.optimal_split(
        400,
        2_600,
        total_variance=model.learning_curve_.total_variance,
        recycle=True,
        power_tuning=True,
    )
    assert model.best_option_.strategy == "split"
    assert model.best_option_.n_finetune == best == model.best_estimator_.n_finetune_
    assert model.best_split_ratio_ == best / 400
    assert model.finetune_rows_.sum() == best
    plain = allocator(strategy="split", rectified={"recycle": False}).fit(*data)
    assert plain.best_option_.n_finetune < best
    assert plain.best_estimator_.result_.recycled_weight == 0


def test_auto_cross_fits_within_the_allowed_trainings(data):
    model = allocator().fit(*data)
    assert (model.best_option_.strategy, model.best_option_.n_folds) == ("cross-fitting", 5)
    assert len(model.best_estimator_.estimators_) == 5
    assert "cross-fit with 5 folds" in model.verdict_
    assert allocator(max_fits=20).fit(*data).best_option_.n_folds == 10
    assert allocator(max_fits=1).fit(*data).best_option_.strategy == "split"
    assert allocator(strategy="cross-fitting", folds=(3, 4)).fit(*data).best_option_.n_folds == 4
    assert model.mean_ == model.best_estimator_.mean_
    assert model.score(*data) == model.best_estimator_.score(*data)
    assert model.p_value(0.0) == model.best_estimator_.p_value(0.0)
    assert model.confidence_interval() == model.best_estimator_.confidence_interval()
    np.testing.assert_array_equal(model.predict(data[0]), model.best_estimator_.predict(data[0]))


@pytest.mark.grid(4)
@pytest.mark.parametrize("m", [100, 400, 2_600])
@pytest.mark.parametrize("power_tuning", [True, False])
def test_predicted_and_reported_standard_errors_agree(data, m, power_tuning):
    """For pools smaller and larger than the labels, too."""
    X, y = data[0][: 400 + m], data[1][: 400 + m]
    for strategy in ("split", "cross-fitting"):
        model = allocator(strategy=strategy, rectified={"power_tuning": power_tuning}).fit(X, y)
        assert model.standard_error_ == pytest.approx(model.best_option_.standard_error, rel=0.12)
    assert allocator(rectified={"power_tuning": power_tuning}).fit(X, y).verdict_


def test_says_when_predictions_cannot_help(data, rng):
    X, y = data
    noise = np.where(np.isnan(y), np.nan, rng.normal(size=len(y)))
    model = allocator(DummyRegressor()).fit(X, noise)
    assert model.best_option_.strategy == "labels only"
    assert "Labels alone are as good" in model.verdict_
    assert model.mean_ == pytest.approx(np.nanmean(noise))
    np.testing.assert_allclose(
        model.confidence_interval(), model.result_.labels_only.confidence_interval(), rtol=1e-10
    )
    forced = allocator(DummyRegressor(), strategy="split").fit(X, noise)
    assert forced.best_option_.strategy == "split"
    assert "labels alone would be as good" in forced.verdict_


def test_frozen_model_is_rectified_as_it_is(data):
    X, y = data
    frozen = FrozenEstimator(Ridge().fit(X[:50], y[:50]))
    model = allocator(frozen).fit(X, y)
    assert model.best_option_.strategy == "zero-shot"
    assert model.best_estimator_.n_rectify_ == 400
    assert "as it is" in model.verdict_
    assert model.law_fit_ is None
    assert model.learning_curve_.cost == 0
    for strategy in ("split", "cross-fitting"):  # nothing can be trained, so nothing can be insisted on
        forced = allocator(frozen, strategy=strategy).fit(X, y)
        assert forced.best_option_.strategy == "zero-shot"
        assert forced.best_split_ratio_ == 0


def test_pretrained_network_has_a_zero_shot_option(data):
    X, y = data
    torch = pytest.importorskip("torch")
    weights = torch.nn.Linear(10, 1).state_dict()
    weights["weight"][:] = 0.5
    net = VarianceRegressor(
        torch.nn.Linear,
        module_kwargs={"in_features": 10, "out_features": 1},
        weights=weights,
        max_epochs=2,
    )
    model = allocator(net).fit(X, y)
    assert model.learning_curve_.sizes[0] == 0
    assert model.learning_curve_.variances[0] == pytest.approx(1.0, rel=0.2)
    assert "zero-shot" in str(model.plan_)
    # The weights are right already: there is nothing to train.
    assert model.best_option_.strategy in ("zero-shot", "cross-fitting")
    assert model.best_option_.efficiency > 2.2


def test_proportion(data):
    X, y = data
    shares = np.where(np.isnan(y), np.nan, y > 0)
    model = allocator(LogisticRegression()).fit(X, shares)
    assert 0.4 < model.mean_ < 0.6
    assert model.efficiency_ > 1.2


def test_several_outputs(data):
    X, y = data
    model = allocator().fit(X, np.column_stack([y, -2 * y]))
    assert model.mean_.shape == (2,)
    assert model.learning_curve_.total_variance == pytest.approx(2.5 * np.nanvar(y, ddof=1))
    same = allocator().fit(X, np.column_stack([y, y, y]))
    alone = allocator().fit(X, y)
    assert same.required_labels(0.08).n_labeled == alone.required_labels(0.08).n_labeled
    assert same.best_option_.standard_error == pytest.approx(alone.best_option_.standard_error)


def test_all_labeled(data):
    X, y = data
    model = allocator().fit(X[:400], y[:400])
    assert model.mean_ == pytest.approx(y[:400].mean())
    assert "No unlabeled rows" in model.verdict_
    assert (model.best_estimator_.cv, model.best_estimator_.split_ratio) == (None, 80)
    few = allocator(rectified={"cv": 5}).fit(X[:9], y[:9])
    assert (few.best_estimator_.cv, few.best_estimator_.split_ratio) == (None, 2)
    assert allocator(rectified={"split_ratio": 0}).fit(X[:400], y[:400]).mean_ == model.mean_
    assert model.plan(400, 5_000).best().strategy == "cross-fitting"  # if there were some


# Networks in processes are in test_composition; each process here would load torch for nothing else.
@pytest.mark.grid(2)
@pytest.mark.parametrize(
    ("model", "n_jobs"),
    [(VarianceRegressor(max_epochs=2), 1), (DecisionTreeRegressor(max_depth=4, max_features=2), 2)],
    ids=["network", "processes"],
)
def test_same_seed_same_numbers(data, model, n_jobs, new_processes):
    one = allocator(model, pilot_cost=1.0, n_jobs=n_jobs, strategy="split").fit(*data)
    other = allocator(model, pilot_cost=1.0, strategy="split").fit(*data)
    assert one.mean_ == other.mean_
    assert one.law_ == other.law_


def test_uncertainty_of_the_law_reaches_plans_and_goals(data):
    model = allocator(n_bootstrap=50).fit(*data)
    for option in model.plan_.options:
        assert option.low < option.standard_error < option.high
    needed = model.required_labels(0.08)
    assert needed.low < needed.n_labeled < needed.high
    assert needed.option.low < needed.option.standard_error < needed.option.high
    assert needed.option.n_folds <= 5
    assert model.required_labels(0.08, confidence_level=0.8).n_labeled < needed.n_labeled
    assert model.required_labels(0.08, n_rows=10**6).n_labeled < needed.n_labeled
    with pytest.raises(ValueError, match="No allowed option reaches"):
        model.required_labels(0.01)
    with pytest.raises(ValueError, match="3000 rows in all"):
        model.plan(4_000)
    assert model.plan(1_000).n_unlabeled == 2_000


def test_rounds_keep_every_row_in_its_stage(data, rng):
    """Rows that have trained keep training; each purchase says which stage it serves."""
    X, y = data
    known = np.where(np.arange(3_000) < 150, y, np.nan)
    model = allocator(strategy="split").fit(X, known)
    before = model.finetune_rows_
    purchase = model.next_purchase(0.09)
    assert purchase.n_more == purchase.n_finetune + purchase.n_rectify > 0
    assert purchase.n_more < purchase.required.n_labeled - 150
    assert not purchase.is_last
    more = min(150 + purchase.n_more, 400)
    model.fit(X, np.where(np.arange(3_000) < more, y, np.nan), finetune_rows=before)
    after = model.finetune_rows_
    assert after[before].all()
    assert model.n_labeled_ == more
    assert model.best_estimator_.n_finetune_ + model.best_estimator_.n_rectify_ == more
    both = allocator(strategy="cross-fitting").fit(X, known).next_purchase(0.09)
    assert both.n_more == both.n_finetune == both.n_rectify
    assert allocator(strategy="split").fit(X, known).next_purchase(10.0).n_more == 0


def test_more_rows_have_trained_than_the_best_split_asks_for(data):
    X, y = data
    mask = np.arange(3_000) < 300
    model = allocator(strategy="split").fit(X, y, finetune_rows=mask)
    assert model.best_option_.n_finetune == model.best_estimator_.n_finetune_ == 300
    assert "fine-tune on 300 labels, rectify with 100" in model.verdict_
    assert model.standard_error_ == pytest.approx(model.best_option_.standard_error, rel=0.15)
    purchase = model.next_purchase(0.14)
    assert purchase.n_more > 0
    assert purchase.n_finetune == 0


def test_rows_that_trained_are_remembered_through_other_rounds(data):
    X, y = data
    mask = np.arange(3_000) < 60
    for rectified in ({}, {"power_tuning": False}):
        crossed = allocator(rectified=rectified).fit(X, y, finetune_rows=mask)
        assert crossed.best_option_.strategy == "cross-fitting"
        np.testing.assert_array_equal(crossed.finetune_rows_, mask)


def test_rows_that_trained_are_remembered_where_nothing_trains(data, rng):
    """Labels alone, and a model as it is; whatever cv and split_ratio the user's estimator had."""
    X, y = data
    mask = np.arange(3_000) < 60
    noise = np.where(np.isnan(y), np.nan, rng.normal(size=len(y)))
    alone = allocator(DummyRegressor(), {"cv": 5}).fit(X, noise, finetune_rows=mask)
    assert alone.best_option_.strategy == "labels only"
    assert alone.best_estimator_.cv is None
    np.testing.assert_array_equal(alone.finetune_rows_, mask)
    judge = np.column_stack([np.where(np.isnan(y), X.sum(axis=1), y), X])
    with pytest.warns(MissedForecastWarning):  # judgements of the pool vary more than those of labels
        corrected = allocator(PredictionCorrector(), {"cv": 5}).fit(judge, y, finetune_rows=mask)
    assert corrected.best_option_.strategy == "zero-shot"
    assert (corrected.best_estimator_.cv, corrected.best_estimator_.split_ratio) == (None, 0)
    np.testing.assert_array_equal(corrected.finetune_rows_, mask)
    split = allocator(rectified={"cv": 5}, strategy="split").fit(X, y)
    assert split.best_estimator_.cv is None
    assert split.best_estimator_.n_finetune_ == split.best_option_.n_finetune


def test_the_outlook_knows_how_the_estimator_answers(data):
    """Recycling, a tuned lambda, rows that have trained, the curve's own errors and its bootstrap."""
    X, y = data
    for recycle in (True, False):
        for power_tuning in (True, False):
            outlook = (
                allocator(rectified={"recycle": recycle, "power_tuning": power_tuning})
                .fit(X, y)
                .outlook_
            )
            assert (outlook.recycle, outlook.tuned) == (recycle, power_tuning)
            assert (outlook.trained, outlook.trainable, outlook.zero_shot_variance) == (0, True, None)
    model = allocator().fit(X, y, finetune_rows=np.arange(3_000) < 60)
    curve, outlook = model.learning_curve_, model.outlook_
    assert (outlook.trained, len(outlook.resampled)) == (60, 20)
    assert outlook.law == model.law_ == model.law_fit_.law
    assert [one.law for one in outlook.resampled] == model.law_fit_.bootstrap
    totals = [one.total_variance for one in outlook.resampled]
    np.testing.assert_array_equal(totals, curve.resampled_total)
    expected = fit_scaling_law(
        curve.sizes,
        curve.variances,
        standard_errors=curve.standard_errors,
        resampled=curve.resampled,
        law="auto",
    )
    assert expected.law == model.law_
    paper = allocator(law="power").fit(X, y)
    curve = paper.learning_curve_
    expected = fit_scaling_law(
        curve.sizes,
        curve.variances,
        standard_errors=curve.standard_errors,
        resampled=curve.resampled,
    )
    assert curve.sizes.max() == 320
    assert expected.law == paper.law_ == paper.law_fit_.power
    assert expected.bootstrap != paper.law_fit_.bootstrap  # which have the luck of trainings, too
    frozen = allocator(FrozenEstimator(Ridge().fit(X[:50], y[:50]))).fit(X, y)
    assert frozen.outlook_.zero_shot_variance == frozen.learning_curve_.variances[0] == frozen.law_.b
    first = frozen.learning_curve_.resampled[:, 0]
    others = frozen.outlook_.resampled
    np.testing.assert_array_equal([one.zero_shot_variance for one in others], first)
    np.testing.assert_array_equal([one.law.b for one in others], first)


def test_models_that_need_more_rows_than_the_smallest_size(data):
    """Nearest neighbors refuse to learn from four rows: those sizes are left out."""
    X, y = data
    y = np.where(np.arange(3_000) < 256, y, np.nan)
    curve = allocator(KNeighborsRegressor()).fit(X, y).learning_curve_
    assert curve.sizes.min() > 4
    with pytest.raises(ValueError, match="n_neighbors"):
        allocator(KNeighborsRegressor(n_neighbors=200)).fit(X, y)


class FailsAt(Ridge):
    """Ridge regression that refuses 50 rows."""

    def fit(self, X, y):
        if len(y) == 50:
            raise ValueError("rows that it cannot learn from")
        return super().fit(X, y)


@pytest.mark.parametrize(
    ("rectified", "design"),
    [
        (RectifiedMeanEstimator(FailsAt()), {"strata": np.arange(3_000) % 2}),
        (RectifiedLinearRegression(FailsAt(), covariates=[0]), {}),
    ],
)
def test_models_that_fail_on_halves_say_so(data, rectified, design):
    """Nothing is left to compare smaller and larger trainings with."""
    X, y = data
    y = np.where(np.arange(3_000) < 100, y, np.nan)
    with pytest.raises(ValueError, match="rows that it cannot learn from"):
        FineTuneRectifyAllocator(rectified, n_bootstrap=2, random_state=0).fit(X, y, **design)


def test_strategies_that_too_small_strata_rule_out(data):
    """Three labels of each stratum have to rectify, and one has three."""
    X, y = data
    y = np.where(np.arange(3_000) < 60, y, np.nan)
    strata = np.where(np.arange(3_000) % 60 < 3, 0, 1)
    model = allocator(strategy="split", n_bootstrap=2)
    with pytest.raises(ValueError, match="at least 2 train and 60 of all strata rectify"):
        model.fit(X, y, strata=strata)


@pytest.mark.filterwarnings("error")
def test_plans_know_nothing_of_judges_and_say_so(rng):
    """Nothing is missed where a judge beside the model is what makes the answer good."""
    y = rng.normal(size=3_000)
    X = np.column_stack([rng.normal(size=3_000), y + 0.1 * rng.normal(size=3_000)])
    y[200:] = np.nan
    first = make_pipeline(FunctionTransformer(first_column), Ridge())
    model = allocator(first, {"judges": [1]}).fit(X, y)
    assert model.standard_error_ < 0.7 * model.best_option_.standard_error
    assert model.verdict_.endswith("Plans are of the model without its judges.")


def first_column(X):
    return X[:, :1]


@pytest.mark.parametrize("seed", range(5))
def test_no_split_trains_on_fewer_labels_than_the_model_needs(rng, seed):
    """Of noise the best split is the smallest; what was too little for the curve is no option, now or with more labels."""
    X = rng.normal(size=(600, 3))
    y = np.where(np.arange(600) < 128, rng.normal(size=600), np.nan)
    model = allocator(KNeighborsRegressor(), {"recycle": False}, strategy="split", random_state=seed)
    model.fit(X, y)
    assert model.learning_curve_.smallest_training == model.learning_curve_.sizes.min() == 8
    assert model.best_option_.n_finetune >= 8
    assert model.plan(40).best(strategies=("split",)).n_finetune >= 8
    assert all(option.strategy != "split" for option in model.plan(9).options)
    assert all(
        option.strategy != "cross-fitting"
        for option in model.plan(8, 100).options
        if option.n_folds < 5
    )


def test_a_failed_fit_leaves_the_earlier_one(data):
    X, y = data
    model = allocator().fit(X, y)
    before = model.mean_, model.n_labeled_
    with pytest.raises(ValueError, match="infinite"):
        model.fit(X, np.where(np.arange(3_000) == 3, np.inf, y))
    assert (model.mean_, model.n_labeled_, model.plan_.n_labeled) == (*before, 400)


class FailsAfter(Ridge):
    """Ridge regression whose class fails in the n-th fit from when `left` was set."""

    left = np.inf
    error = ValueError

    def fit(self, X, y):
        FailsAfter.left -= 1
        if FailsAfter.left < 0:
            raise FailsAfter.error("stopped")
        return super().fit(X, y)


def state_of(model):
    """Every attribute and its value, and what is inside of the objects that `fit` makes."""
    return {
        name: (id(value), str(vars(value)) if hasattr(value, "__dict__") else str(value))
        for name, value in vars(model).items()
    }


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("fits", [0, 3, 8])
@pytest.mark.parametrize("before", ["new", "fitted", "fitted to another kind"])
def test_a_fit_that_is_stopped_changes_nothing(data, error, fits, before, monkeypatch):
    """In the first or last of the four trainings of the curve, or in the last of five folds."""
    pd = pytest.importorskip("pandas")
    X, y = data[0][:600], data[1][:600]
    model = allocator(FailsAfter(), n_bootstrap=2, pilot_cost=0.1, strategy="cross-fitting", folds=(5,))
    monkeypatch.setattr(FailsAfter, "error", error)
    monkeypatch.setattr(FailsAfter, "left", np.inf)
    if before != "new":
        model.fit(pd.DataFrame(X[:, :5]).add_prefix("x"), y)
    if before == "fitted to another kind":
        model.set_params(estimator=RectifiedLinearRegression(FailsAfter(), covariates=[0]))
    earlier = state_of(model)
    monkeypatch.setattr(FailsAfter, "left", fits)
    with pytest.raises(error, match="stopped"):
        model.fit(X, y)
    assert state_of(model) == earlier
    if before == "fitted":
        assert list(model.feature_names_in_) == ["x0", "x1", "x2", "x3", "x4"]


def test_nothing_is_left_of_another_kind_of_fit(data):
    pd = pytest.importorskip("pandas")
    X, y = data[0][:600], data[1][:600]
    frame = pd.DataFrame(X).add_prefix("x")
    model = allocator(n_bootstrap=2, pilot_cost=0.5)
    with config_context(enable_metadata_routing=True):
        model.set_fit_request(finetune_rows=False)
    answers = {}
    for rows, estimator in (
        (frame, RectifiedMeanEstimator(Ridge())),
        (X, RectifiedLinearRegression(Ridge(), covariates=[0])),
        (X, RectifiedDifference(Ridge(), group=10)),
        (frame, RectifiedQuantile(Ridge())),
    ):
        if "group" in estimator.get_params():
            rows = np.column_stack([X, X[:, 0] > 0])
        model.set_params(estimator=estimator).fit(rows, y)
        fresh = clone(model).fit(rows, y)
        assert set(vars(model)) == set(vars(fresh))
        assert model.n_features_in_ == rows.shape[1]
        answers[type(estimator).__name__] = set(vars(model))
    assert "mean_" in answers["RectifiedMeanEstimator"]
    assert not {"mean_", "feature_names_in_"} & answers["RectifiedLinearRegression"]
    assert not {"coef_", "coefficient_names_"} & answers["RectifiedDifference"]
    assert "feature_names_in_" in answers["RectifiedQuantile"]
    assert "_metadata_request" in vars(model)  # the user's, not the fit's


def test_a_failed_fit_of_the_law_leaves_the_earlier_one():
    model = ScalingLawRegressor()
    with pytest.raises(ValueError, match="at least 2 different sizes"):
        model.fit([50, 50], [1.0, 2.0])
    assert set(vars(model)) == {"n_bootstrap", "random_state"}
    earlier = state_of(model.fit([50, 100], [2.0, 1.0]))
    with pytest.raises(ValueError, match="at least 2 different sizes"):
        model.fit([50, 50], [1.0, 2.0])
    assert state_of(model) == earlier


@pytest.mark.parametrize("folds", [(2, np.int64(5), 5), [2, 5], np.array([2, 5])[[0, 1]].tolist()])
def test_numbers_of_folds(data, folds):
    model = allocator(folds=folds, max_fits=np.int64(5), n_bootstrap=np.int32(2)).fit(*data)
    found = [option.n_folds for option in model.plan_.options if option.n_folds]
    assert found == [2, 5]
    assert {type(k) for k in found} == {int}
    assert type(model.best_estimator_.cv) is int
    assert model.get_params()["folds"] is folds


def test_no_folds_are_no_cross_fitting(data):
    model = allocator(folds=(), n_bootstrap=2).fit(*data)
    assert model.best_option_.strategy == "split"
    with pytest.raises(
        ValueError, match=r"'cross-fitting' with folds=\(\) and max_fits=5 leaves no option"
    ):
        allocator(folds=(), strategy="cross-fitting", n_bootstrap=2).fit(*data)


@pytest.mark.parametrize(
    "folds",
    [(True, 5), (np.True_, 5), (False,), (1,), (2.0,), ("5",), (None,), (2, np.nan), (-3,)],
    ids=str,
)
def test_folds_are_checked_before_anything_is_trained(data, folds):
    Counting.log.clear()
    with pytest.raises(
        ValueError, match=r"folds is .*; expected whole numbers from 2 on, such as \(2, 5, 10\)"
    ):
        allocator(Counting(), folds=folds).fit(*data)
    assert not Counting.log


def test_finetune_rows_of_the_rectified_mean(data):
    X, y = data
    mask = np.zeros(3_000, dtype=bool)
    mask[:30] = True
    model = RectifiedMeanEstimator(Counting(), split_ratio=50, random_state=0).fit(
        X, y, finetune_rows=mask
    )
    assert model.finetune_rows_[:30].all()
    assert model.finetune_rows_.sum() == 50
    assert model.estimator_.seen_ == set(X[model.finetune_rows_, 0])
    model.set_params(split_ratio=10).fit(X, y, finetune_rows=mask)
    assert model.n_finetune_ == 30
    frozen = RectifiedMeanEstimator(FrozenEstimator(Ridge().fit(X[:30], y[:30])))
    with pytest.raises(ValueError, match="marks 30 rows, but nothing is trained"):
        frozen.fit(X, y, finetune_rows=mask)
    for bad, message in [
        (mask[:-1], "one True or False for each of the 3000 rows"),
        (mask.astype(int), "one True or False"),
        (np.roll(mask, 1_000), "marks 30 rows without a label"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.fit(X, y, finetune_rows=bad)


@pytest.mark.slow
def test_the_example_buys_labels_in_rounds(data):
    path = ROOT / "docs" / "examples" / "buying_labels.py"
    spec = importlib.util.spec_from_file_location("buying_labels", path)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    X, _ = data
    answers = X.sum(axis=1) + np.random.default_rng(0).normal(size=len(X))
    trained = np.zeros(len(X), dtype=bool)
    sizes = []
    for model in example.buy_until(X, answers, half_width=0.25, pilot=100, strategy="split"):
        assert model.finetune_rows_[trained].all()
        trained = model.finetune_rows_
        sizes.append(model.n_labeled_)
    low, high = model.confidence_sequence(n_first=100)
    assert (high - low) / 2 <= 0.25
    assert sizes == sorted(set(sizes))


# Composition


@pytest.mark.thorough
def test_composition(data):
    X, y = data
    model = allocator(n_bootstrap=2, pilot_cost=1.0)
    folds = LabeledKFold(3, random_state=0)
    assert (cross_val_score(model, X, y, cv=folds) > 1.5).all()
    pipeline = make_pipeline(StandardScaler(), model).fit(X, y)
    assert pipeline[-1].efficiency_ > 1.5
    grid = {"estimator__estimator__alpha": [1.0, 1e6], "strategy": ["auto", "split"]}
    search = GridSearchCV(model, grid, cv=folds).fit(X, y)
    assert search.best_params_ == {"estimator__estimator__alpha": 1.0, "strategy": "auto"}
    fitted = clone(model).fit(X, y)
    twin = pickle.loads(pickle.dumps(fitted))
    assert str(twin.plan_) == str(fitted.plan_)
    assert twin.mean_ == fitted.mean_
    assert model.estimator.split_ratio == 0.2  # the user's estimator is left alone


BAD = {
    "7 labels": ({}, lambda X, y: (X, np.where(np.arange(3_000) < 7, y, np.nan)), "needs at least 8"),
    "no labels": ({}, lambda X, y: (X, y * np.nan), "y has no label"),
    "inf": ({}, lambda X, y: (X, np.where(np.arange(3_000) == 3, np.inf, y)), "1 infinite"),
    "text": ({}, lambda X, y: (X, y.astype(str)), "text or dates"),
    "short": ({}, lambda X, y: (X, y[:-1]), "X has 3000 rows and y has 2999"),
    "one size only": ({"pilot_cost": 0.04}, lambda X, y: (X, y), "does not pay for a learning curve"),
    "bad folds": ({"folds": (0,)}, lambda X, y: (X, y), "whole numbers from 2 on"),
    "nested": ({"estimator": FineTuneRectifyAllocator()}, lambda X, y: (X, y), "'estimator' parameter"),
    "cheap": ({"pilot_cost": 1e-3}, lambda X, y: (X, y), "does not pay for a learning curve"),
    "no folds": (
        {"strategy": "cross-fitting", "folds": (10,)},
        lambda X, y: (X, y),
        "leaves no option",
    ),
    "folds": ({"folds": 5}, lambda X, y: (X, y), "'folds' parameter"),
    "strategy": ({"strategy": "best"}, lambda X, y: (X, y), "'strategy' parameter"),
    "cost": ({"label_cost": -1.0}, lambda X, y: (X, y), "'label_cost' parameter"),
    "not rectified": ({"estimator": Ridge()}, lambda X, y: (X, y), "'estimator' parameter"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(data, case):
    parameters, change, message = BAD[case]
    model = allocator().set_params(**parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=message):
            model.fit(*change(*data))


def test_constant_labels(data):
    X, y = data
    with pytest.warns(ZeroWidthIntervalWarning):
        model = allocator().fit(X, np.where(np.isnan(y), np.nan, 2.0))
    assert model.mean_ == 2.0
    assert model.best_option_.strategy == "labels only"


def test_a_plain_fit_is_silent_and_verbose_is_not(data, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        allocator().fit(*data)
    assert capsys.readouterr() == ("", "")
    allocator(verbose=1).fit(*data)
    assert "learning curve: " in capsys.readouterr().err
