"""The residual variance of each size: against naive loops, and rounding that is no variance."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    PredictionCorrector,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedMeanEstimator,
    RectifiedQuantile,
)
from sklearn_ftr.estimators._bootstrap import BootstrapWeights
from sklearn_ftr.estimators._labels import check_partial_labels
from sklearn_ftr.estimators._learning_curve import TrialTests
from sklearn_ftr.estimators._measuring import Measuring
from sklearn_ftr.estimators._trials import Trials, sizes_of_halves


class Given(RegressorMixin, BaseEstimator):
    """Predicts what X holds, whatever it has seen."""

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        return X


def as_they_are(rows, values):
    return values.reshape(len(values), -1)


def measured(
    model, X, y, columns, *, power_tuning=True, n_bootstrap, fits_rows=False, seed=0, **options
):
    """The curve of a model, with bootstrap weights drawn first, from the same seed as all else."""
    labels, rng = check_partial_labels(X, y, "test"), np.random.RandomState(seed)
    weights = BootstrapWeights.draw(len(labels.labeled), n_bootstrap, rng)
    tests = TrialTests(labels, columns, weights, power_tuning, fits_rows, None)
    return Measuring(model, X, tests, n_jobs=None, rng=rng, **options).measure().curve


def curve_of(y, f, power_tuning=True, n_bootstrap=3, fits_rows=False, columns=as_they_are):
    """One trial: predictions f that all labels test."""
    X = f.reshape(len(f), -1)
    return measured(
        FrozenEstimator(Given().fit(X, y)),
        X,
        y,
        columns,
        power_tuning=power_tuning,
        n_bootstrap=n_bootstrap,
        fits_rows=fits_rows,
        pilot_cost=1.0,
        zero_shot=True,
    )


def drawn_trials(labeled, cost, seed=0, folds=(), beyond_halves=False, n_bootstrap=0):
    """What a fit with this seed draws."""
    rng = np.random.RandomState(seed)
    BootstrapWeights.draw(len(labeled), n_bootstrap, rng)
    trials = Trials(labeled, rng)
    found = trials.beyond_halves(folds, cost * trials.n) if beyond_halves else []
    return found + trials.halvings(cost * trials.n - trials.cost(found))


def sample(n, seed=0):
    rng = np.random.default_rng(seed)
    y = 5 + rng.normal(size=n)
    return y, 2 + 0.6 * y + rng.normal(size=n)


def test_variances_are_those_of_a_regression_and_of_a_difference():
    y, f = sample(15)
    tuned, untuned = curve_of(y, f), curve_of(y, f, power_tuning=False)
    lambda_ = np.cov(y, f)[0, 1] / np.var(f, ddof=1)
    e = y - lambda_ * f
    assert tuned.variances[0] == pytest.approx(np.sum((e - e.mean()) ** 2) / 13)
    assert untuned.variances[0] == pytest.approx(np.var(y - f, ddof=1))
    for curve in (tuned, untuned):
        assert curve.total_variance == pytest.approx(np.var(y, ddof=1))
        assert curve.sizes == [0]
        assert curve.cost == 0


def test_leaving_rows_out_is_a_loop_over_rows():
    """Where columns are fitted to the rows, lambda is found without the row that it is tried on."""
    y, f = sample(12)
    y, f = y - y.mean(), f - f.mean()
    left_out = []
    for i in range(12):
        others = np.arange(12) != i
        lambda_ = (
            y[others] @ f[others] / (f[others] @ f[others])
        )  # through the origin: both are centred
        left_out.append((y[i] - lambda_ * f[i]) ** 2)
    assert curve_of(y, f, fits_rows=True).variances[0] == pytest.approx(np.sum(left_out) / 11)


@pytest.mark.parametrize("n", [10, 40])
@pytest.mark.parametrize("power_tuning", [True, False])
def test_bootstrap_variances_have_the_mean_of_what_they_resample(n, power_tuning):
    """4,000 draws for each of 20 samples; a factor of n / (n - 1) too many would be 2.6 % at n = 40."""
    curves = [curve_of(*sample(n, seed), power_tuning, n_bootstrap=4_000) for seed in range(20)]
    ratios = [curve.resampled.mean() / curve.variances[0] for curve in curves]
    totals = [curve.resampled_total.mean() / curve.total_variance for curve in curves]
    assert np.mean(totals) == pytest.approx(1, abs=0.01)
    # With a tuned lambda the leverage of single rows is left over.
    assert np.mean(ratios) == pytest.approx(1, abs=0.04 if power_tuning and n == 10 else 0.01)


def test_bootstrap_errors_are_those_of_a_variance():
    """Of Gaussian labels: sqrt(2 / (n - 1)) of the variance."""
    curve = curve_of(*sample(400), power_tuning=False, n_bootstrap=2_000)
    assert curve.standard_errors[0] / curve.variances[0] == pytest.approx((2 / 399) ** 0.5, rel=0.1)


def test_what_is_fitted_to_rows_is_compared_on_the_same_rows():
    """V(Y) comes from the test halves of the largest size; each value counts as often as there are rows, to see which."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(64, 1))
    y = X[:, 0] + rng.normal(size=64)

    def total(fits_rows):
        return measured(
            LinearRegression(),
            X,
            y,
            lambda rows, values: len(rows) * as_they_are(rows, values),
            n_bootstrap=2,
            fits_rows=fits_rows,
            pilot_cost=3.0,
            beyond_halves=False,
        ).total_variance

    trials = drawn_trials(np.arange(64), 3.0, n_bootstrap=2)
    halves = [np.var(32 * y[trial.test], ddof=1) for trial in trials if trial.size == 32]
    assert len({tuple(trial.test) for trial in trials}) > len(halves)
    assert total(fits_rows=True) == pytest.approx(np.mean(halves))
    assert total(fits_rows=False) == pytest.approx(np.var(64 * y, ddof=1))


def test_several_outputs_are_averaged():
    y, f = (np.column_stack(pair) for pair in zip(sample(20, 0), sample(20, 1), strict=True))
    both = curve_of(y, f, power_tuning=False)
    assert both.variances[0] == pytest.approx(np.var(y - f, axis=0, ddof=1).mean())
    assert both.total_variance == pytest.approx(np.var(y, axis=0, ddof=1).mean())


@pytest.mark.parametrize("n", [12, 40])
def test_influence_on_a_coefficient_has_the_degrees_of_freedom_of_its_regression(n):
    """Three coefficients: at n = 12 their variance without that would be 9 / 12 of what it is."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    y = np.where(np.arange(100) < n, X[:, 0] + rng.normal(size=100), np.nan)
    model = RectifiedLinearRegression(
        LinearRegression(), covariates=[0, 1], coefficient=0, random_state=0
    )
    labels = check_partial_labels(X, y, "test")
    values = model._bind(X, labels).columns(labels.labeled, y[:n])
    error = model.fit(X, y).result_.labels_only.standard_error[1]
    assert np.sqrt(np.mean(values**2) / n) == pytest.approx(error)


# Rounding is no variance


JUDGES = {
    "y": lambda y: y,
    "y + 2": lambda y: y + 2,
    "2 y": lambda y: 2 * y,
    "-y": lambda y: -y,
    "y + 1e6": lambda y: y + 1e6,
    "1e9 - 3 y": lambda y: 1e9 - 3 * y,
    "y / 1e9": lambda y: y / 1e9,
}


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("fits_rows", [True, False])
def test_a_perfect_judge_leaves_nothing(judge, fits_rows):
    y, _ = sample(40)
    for unit in (1.0, 1e-8, 1e100):
        curve = curve_of(y * unit, JUDGES[judge](y) * unit, fits_rows=fits_rows)
        assert curve.variances[0] == 0
        assert (curve.resampled == 0).all()
        assert curve.total_variance > 0
        assert curve.standard_errors[0] > 0  # a weight, for fits
    shifted = curve_of(y, y + 1e6, power_tuning=False)
    assert shifted.variances[0] == 0
    assert curve_of(y, 2 * y, power_tuning=False).variances[0] == pytest.approx(np.var(y, ddof=1))


def test_a_small_residual_is_not_nothing():
    y, noise = sample(40)
    for scale in (1e-3, 1e-6, 1e-9, 1e-12):
        found = curve_of(y, y + scale * noise, power_tuning=False).variances[0]
        assert found == pytest.approx(scale**2 * np.var(noise, ddof=1), rel=1e-2, abs=0)


@pytest.mark.parametrize("constant", [0.1, 1 / 3, 1e9, -7e-200, 0.0])
def test_constant_predictions_take_nothing_away(constant):
    y, _ = sample(40)
    rounded = constant * (1 + 2e-16 * np.random.default_rng(0).integers(-1, 2, size=40))
    for f in (np.full(40, constant), rounded):
        for fits_rows in (True, False):
            found = curve_of(y, f, fits_rows=fits_rows).variances[0]
            square = np.var(y, ddof=1) * 39
            assert found == pytest.approx(square / (39 if fits_rows else 38))
        assert curve_of(f, y).total_variance == 0
        assert (curve_of(f, y).resampled_total == 0).all()


ESTIMATORS = {
    "mean": RectifiedMeanEstimator(PredictionCorrector()),
    "difference": RectifiedDifference(PredictionCorrector(), group=2),
    "linear": RectifiedLinearRegression(PredictionCorrector(), covariates=[1]),
    "median": RectifiedQuantile(PredictionCorrector()),
}


def allocated(name, human, n=24, **parameters):
    rng = np.random.default_rng(1)
    X = np.column_stack([human, rng.normal(size=len(human)), rng.random(len(human)) < 0.5])
    X[:2, 2], X[-2:, 2] = (0, 1), (0, 1)
    y = np.where(np.arange(len(human)) < n, human, np.nan)
    return FineTuneRectifyAllocator(ESTIMATORS[name], random_state=0, n_bootstrap=5, **parameters).fit(
        X, y
    )


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("constant", [0.1, 1e9])
@pytest.mark.filterwarnings("ignore::sklearn_ftr.ZeroWidthIntervalWarning")
def test_labels_that_do_not_vary(name, constant):
    """Residuals of a constant are rounding, however they were centred."""
    model = allocated(name, np.full(200, constant))
    assert model.learning_curve_.total_variance == 0
    assert model.best_option_.strategy == "labels only"
    assert model.best_split_ratio_ == 0
    assert "no variance in y" in model.verdict_


@pytest.mark.parametrize("name", ["mean", "difference", "linear"])
@pytest.mark.parametrize("n", [8, 24, 40])
@pytest.mark.parametrize("judge", ["y", "y + 2", "2 y", "1e9 - 3 y"])
def test_a_perfect_judge_needs_no_training(name, n, judge):
    y = np.random.default_rng(0).normal(size=200)
    if name == "difference" and n == 8:
        n = 10
    model = allocated(name, y, n)
    X = np.column_stack([JUDGES[judge](y), *np.random.default_rng(1).normal(size=(2, 200))])
    X[:, 2] = X[:, 2] > 0
    X[:2, 2], X[-2:, 2] = (0, 1), (0, 1)
    model = model.fit(X, np.where(np.arange(200) < n, y, np.nan))
    assert model.best_option_.strategy == "zero-shot"
    assert model.best_option_ == model.plan_.best(max_trainings=5) == model.plan_.best()
    assert model.learning_curve_.variances[0] == 0


# Trials


def test_sizes_are_halved_down_to_four():
    assert sizes_of_halves(64) == [32, 16, 8, 4]
    assert sizes_of_halves(63) == [31, 15, 7]
    assert sizes_of_halves(9) == sizes_of_halves(8) == [4, 2]
    assert sizes_of_halves(16) == [8, 4]
    assert sizes_of_halves(31) == [15, 7]
    with pytest.raises(ValueError, match="y has 7 labeled rows"):
        sizes_of_halves(7)


def test_halves_test_each_other_and_the_cost_is_kept():
    labeled = np.arange(10, 74)
    trials = drawn_trials(labeled, 3.0)
    assert [trial.size for trial in trials] == [32, 16, 8, 4] * 2 + [16, 8, 4] * 2
    for trial in trials:
        assert trial.size == len(trial.train)
        assert len(trial.test) == 32
        assert not set(trial.train) & set(trial.test)
        assert (np.diff(trial.train) > 0).all()
        assert (np.diff(trial.test) > 0).all()
    for first, second in zip(trials[:4], trials[4:8], strict=True):
        assert set(first.test) | set(second.test) == set(labeled)
    assert len(drawn_trials(labeled, 1e6)) == 20 * 2 * 4
    cheapest = 2 * (8 + 4) / 64
    assert len(drawn_trials(labeled, cheapest)) == 4
    assert not drawn_trials(labeled, cheapest - 1e-9)
    X = np.arange(64.0)[:, None]
    with pytest.raises(ValueError, match=r"two smallest sizes cost 0\.375"):
        measured(LinearRegression(), X, X[:, 0], as_they_are, n_bootstrap=2, pilot_cost=0.37)


def test_the_curve_is_the_mean_over_its_trials():
    """Of least squares on one feature: the same halves, by hand."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(32, 1))
    y = X[:, 0] + rng.normal(size=32)
    model = FineTuneRectifyAllocator(
        RectifiedMeanEstimator(LinearRegression(), power_tuning=False), random_state=0, pilot_cost=1.8
    ).fit(X, np.append(y[:31], np.nan))
    curve = model.learning_curve_
    rng = np.random.RandomState(0)
    rng.randint(np.iinfo(np.int32).max)  # the seed of the rectified estimator
    BootstrapWeights.draw(31, 200, rng)
    trials = Trials(np.arange(31), rng).halvings(1.8 * 31)
    for size, variance in zip(curve.sizes, curve.variances, strict=True):
        expected = [
            np.var(
                y[trial.test]
                - LinearRegression().fit(X[trial.train], y[trial.train]).predict(X[trial.test]),
                ddof=1,
            )
            for trial in trials
            if trial.size == size
        ]
        assert variance == pytest.approx(np.mean(expected))
    assert curve.total_variance == pytest.approx(np.var(y[:31], ddof=1))
    assert curve.cost == pytest.approx(sum(trial.size for trial in trials) / 31)


def check_trials(trials, labeled, cost):
    assert sum(trial.size for trial in trials) <= cost * len(labeled)
    for trial in trials:
        assert trial.size == len(trial.train)
        assert not set(trial.train) & set(trial.test)
        if trial.beside is not None:
            assert set(trial.test) <= set(trial.beside.test)
            assert not set(trial.test) & set(trial.beside.train)


def test_trainings_on_three_quarters_follow_what_they_cost():
    """Both halves, smaller parts of one, then quarters that other models have tested; whatever is left pays for small halvings."""
    labeled = np.arange(10, 74)
    trials = drawn_trials(labeled, 3.0, beyond_halves=True)
    assert [trial.size for trial in trials] == [32, 32, 16, 8, 4, 48, 48]
    check_trials(trials, labeled, 3.0)
    assert set(trials[5].train) | set(trials[5].test) == set(labeled)
    assert not set(trials[5].test) & set(trials[6].test)
    many = drawn_trials(labeled, 5.0, beyond_halves=True)
    assert set().union(*(trial.test for trial in many if trial.size == 48)) == set(labeled)
    for cost, n in ((1.9, 64), (3.0, 39)):  # too little money, too few labels for a quarter
        plain = drawn_trials(labeled[:n], cost)
        quarters = drawn_trials(labeled[:n], cost, beyond_halves=True)
        assert [trial.size for trial in plain] == [trial.size for trial in quarters]


@pytest.mark.parametrize(
    ("n_folds", "cost", "sizes"),
    [
        (5, 3.0, [60, 60, 30, 7, 96, 96]),
        (5, 2.1, [60, 60, 30, 96]),
        (5, 5.0, [60, 60, 30, 15, 7, 96, 96, 96, 96, 15, 7, 15, 7]),
        (10, 3.0, [60, 60, 30, 15, 7, 108, 15, 7, 15, 7]),
        (3, 3.0, [60, 60, 30, 15, 7, 80, 80]),
        (2, 3.0, [60, 60, 30, 15, 7, 90, 90]),
    ],
)
def test_folds_of_the_final_cross_fitting_are_trained_and_tested(n_folds, cost, sizes):
    """All but one of an odd number lie in a half; half of a half and smaller parts are what is left of the cost."""
    labeled = np.arange(10, 130)
    folds = [
        np.sort(one) for one in np.array_split(np.random.default_rng(0).permutation(labeled), n_folds)
    ]
    trials = drawn_trials(labeled, cost, folds=folds, beyond_halves=True)
    assert [trial.size for trial in trials] == sizes
    check_trials(trials, labeled, cost)
    of_folds = [trial for trial in trials if trial.fold is not None]
    assert len({trial.fold for trial in of_folds}) == len(of_folds)
    assert len(of_folds) == (2 if n_folds == 2 else sum(size > 60 for size in sizes))
    for trial in of_folds:
        np.testing.assert_array_equal(trial.test, folds[trial.fold])
        np.testing.assert_array_equal(trial.train, np.setdiff1d(labeled, trial.test))


class Scripted(RegressorMixin, BaseEstimator):
    """Of a signal X0 and noise X1: predictions whose residual variance is 1 - s / 400, half of their noise being that of every model."""

    def fit(self, X, y):
        left = 1 - len(y) / 400
        self.noise_ = (0.9 * (0.9 / (1 - left) - 1)) ** 0.5 if left < 0.9 else 0.0
        self.n_features_in_ = 2
        return self

    def predict(self, X):
        return X[:, 0] + self.noise_ * X[:, 1]


def test_what_some_rows_have_tested_is_told_of_all():
    """A quarter's luck is taken off: 100 draws, the spread of what 300 labels leave, with and without."""
    found, naive = [], []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(200, 2)) * [0.9**0.5, 1.0]
        y = X[:, 0] + 0.1**0.5 * rng.standard_t(5, size=200) / (5 / 3) ** 0.5
        curve = measured(Scripted(), X, y, as_they_are, n_bootstrap=30, seed=seed, pilot_cost=2.3)
        assert curve.sizes[-1] == 150
        found.append(curve.variances[-1])
        trial = drawn_trials(np.arange(200), 2.3, seed, beyond_halves=True, n_bootstrap=30)
        (last,) = (one for one in trial if one.size == 150)
        f = Scripted().fit(X[last.train], y[last.train]).predict(X[last.test])
        naive.append(np.var(y[last.test]) * (1 - np.corrcoef(y[last.test], f)[0, 1] ** 2) * 50 / 48)
    print(np.mean(found), np.std(found), np.mean(naive), np.std(naive))
    assert np.mean(found) == pytest.approx(1 - 150 / 400, rel=0.05)
    assert np.std(found) < 0.8 * np.std(naive)


def test_weights_of_many_rows_are_those_of_bundles():
    """25,000 rows share 10,000 weights: variances of means as if each had its own."""
    weights = BootstrapWeights.draw(25_000, 300, np.random.RandomState(0))
    assert weights.table.shape == (301, 10_000)
    values = np.random.default_rng(0).normal(size=(25_000, 1))
    means = weights.means(values.T, np.arange(25_000))
    assert means[0] == pytest.approx(values.mean())
    assert means[1:].std() == pytest.approx(25_000**-0.5, rel=0.15)
    few = BootstrapWeights.draw(50, 3, np.random.RandomState(0))
    rows = np.array([3, 7, 20])
    expected = few.table[:, rows] @ values[rows] / few.table[:, rows].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(few.means(values[rows].T, rows), expected)
