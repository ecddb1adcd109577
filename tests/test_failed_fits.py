"""A fit that fails or is stopped leaves an estimator exactly as it was, whatever it is and wherever that happens."""

import contextlib
import pickle
import sys
import warnings
from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    PredictionCorrector,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedMeanEstimator,
    RectifiedPoissonRegression,
    RectifiedQuantile,
    ScalingLawRegressor,
    ZeroWidthIntervalWarning,
)
from sklearn_ftr.datasets._population import LawfulRegressor
from sklearn_ftr.estimators import (
    _bound_difference,
    _bound_mean,
    _bound_quantile,
    _bound_regression,
)
from sklearn_ftr.estimators._labels import check_partial_labels

N, ROWS = 60, 200
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 3))
X[:, 2] = np.arange(ROWS) % 2
Y = 2 + X[:, 0] + 0.5 * RNG.normal(size=ROWS)
Y[N:] = np.nan
CLASSES = np.where(np.isnan(Y), np.nan, Y > 2)


class Fragile(LinearRegression):
    """Fails, or is stopped, in fit or predict when it is told to."""

    def __init__(self, fails_in=None, error=ValueError):
        super().__init__()
        self.fails_in = fails_in
        self.error = error

    def fit(self, X, y, sample_weight=None):
        if self.fails_in == "fit":
            raise self.error("told to fail")
        return super().fit(X, y)

    def predict(self, X):
        if self.fails_in == "predict":
            raise self.error("told to fail")
        return super().predict(X)


KINDS = {
    "mean": (RectifiedMeanEstimator, {}, Y, (_bound_mean, "mean_of")),
    "quantile": (RectifiedQuantile, {}, Y, (_bound_quantile, "quantiles_of")),
    "difference": (RectifiedDifference, {"group": 2}, Y, (_bound_difference, "mean_of")),
    "linear": (
        RectifiedLinearRegression,
        {"covariates": [0]},
        Y,
        (_bound_regression, "rectify_estimand"),
    ),
    "logistic": (
        RectifiedLogisticRegression,
        {"covariates": [1]},
        CLASSES,
        (_bound_regression, "rectify_estimand"),
    ),
    "poisson": (
        RectifiedPoissonRegression,
        {"covariates": [1]},
        np.round(np.abs(Y)),
        (_bound_regression, "rectify_estimand"),
    ),
}
kinds = pytest.mark.parametrize("kind", KINDS)
errors = pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MemoryError])


def make(kind, **parameters):
    cls, own, _, _ = KINDS[kind]
    return cls(Fragile(), random_state=0, **{"cv": 3} | own | parameters)


def state_of(estimator):
    return dict(vars(estimator))


def assert_same_state(estimator, before):
    after = vars(estimator)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)


@kinds
@errors
@pytest.mark.parametrize("place", ["fit", "predict", "stage 2"])
@pytest.mark.parametrize("fitted", [False, True])
def test_a_failed_fit_changes_nothing(kind, error, place, fitted, monkeypatch):
    model, y = make(kind), KINDS[kind][2]
    if fitted:
        model.fit(X, y)
        answers = model.predict(X)
    # Another number of columns, another split: whatever of them was kept would show.
    wider = np.column_stack([X, X[:, 0]])
    model.set_params(cv=None, estimator=Fragile(place, error))
    before = state_of(model)
    if place == "stage 2":
        module, name = KINDS[kind][3]

        def fail(*args, **kwargs):
            raise error("told to fail")

        monkeypatch.setattr(module, name, fail)
    with pytest.raises(error, match="told to fail"):
        model.fit(wider, y)
    assert_same_state(model, before)
    if fitted:
        np.testing.assert_array_equal(model.predict(X), answers)
    else:
        with pytest.raises(NotFittedError):
            model.predict(X)


class Interruptions:
    """Ctrl-C at the n-th line that this package runs; counts the lines, too."""

    def __init__(self, at=None):
        self.at = at
        self.count = 0

    def __call__(self, frame, event, argument):
        if "sklearn_ftr" not in frame.f_code.co_filename:
            return None
        if event == "line":
            self.count += 1
            if self.count == self.at:
                raise KeyboardInterrupt
        return self

    @contextlib.contextmanager
    def everywhere(self):
        earlier = sys.gettrace()
        sys.settrace(self)
        try:
            yield self
        finally:
            sys.settrace(earlier)


@pytest.mark.grid(4)
@kinds
def test_a_fit_stopped_anywhere_is_the_earlier_one_or_the_new_one(kind):
    y, wider = KINDS[kind][2], np.column_stack([X, X[:, 0]])
    fresh = make(kind, cv=None).fit(X, y).set_params(cv=3)
    with Interruptions().everywhere() as whole:
        fresh.fit(wider, y)
    model = make(kind, cv=None).fit(X, y).set_params(cv=3)
    before = state_of(model)
    for place in [*np.linspace(1, whole.count - 8, 15).astype(int), *whole.count + np.arange(-7, 1)]:
        with pytest.raises(KeyboardInterrupt), Interruptions(place).everywhere():
            model.fit(wider, y)
        if model.n_features_in_ == 4:
            break
        assert_same_state(model, before)
    assert place == whole.count  # that of `return self`
    assert vars(model).keys() == vars(fresh).keys()
    np.testing.assert_array_equal(model.predict(wider), fresh.predict(wider))


@pytest.mark.parametrize("kind", ["mean", "quantile", "difference"])
def test_a_warning_that_is_an_error_changes_nothing(kind):
    model = make(kind, cv=None).fit(X, KINDS[kind][2])
    before, constant = state_of(model), np.where(np.isnan(Y), np.nan, 2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ZeroWidthIntervalWarning):
            model.fit(X, constant)
    assert_same_state(model, before)
    with pytest.warns(ZeroWidthIntervalWarning) as caught:
        model.fit(X, constant)
    assert caught[0].filename == __file__  # the line of the user


CHANGED = {
    "mean": {"power_tuning": False, "recycle": False},
    "quantile": {"q": [0.2, 0.8]},
    "difference": {"group": 0},
    "linear": {"covariates": [0, 1], "fit_intercept": False},
    "logistic": {"covariates": [1, 0], "fit_intercept": False},
    "poisson": {"coefficient": 0, "fit_intercept": False, "covariates": lambda X: X[:, :2]},
}


@kinds
def test_changed_parameters_wait_for_the_next_fit(kind):
    y = KINDS[kind][2]
    model = make(kind).fit(X, y)
    predictions, score = model.predict(X), model.score(X, y)
    model.set_params(**CHANGED[kind])
    with pytest.raises(ValueError, match="expected"):
        model.fit(X, y[:-1])
    np.testing.assert_array_equal(model.predict(X), predictions)
    assert model.score(X, y) == score


@kinds
@pytest.mark.parametrize(
    "bad",
    [
        {"y": np.full(ROWS, np.nan)},
        {"y": Y[:-1]},
        {"finetune_rows": np.ones(3, dtype=bool)},
        {"X": X[:, :0]},
    ],
    ids=["no label", "length", "finetune_rows", "no column"],
)
def test_refused_data_change_nothing(kind, bad):
    model, y = make(kind), KINDS[kind][2]
    model.fit(X, y)
    before = state_of(model)
    with pytest.raises(ValueError):  # noqa: PT011 - the messages are tested elsewhere
        model.fit(**{"X": X, "y": y} | bad)
    assert_same_state(model, before)


@kinds
def test_another_fit_leaves_nothing_of_the_first(kind):
    y = KINDS[kind][2]
    again = make(kind).fit(X, y).set_params(cv=None).fit(X[:, [0, 1, 2, 0]], y)
    fresh = make(kind, cv=None).fit(X[:, [0, 1, 2, 0]], y)
    assert vars(again).keys() == vars(fresh).keys()
    assert not hasattr(again, "estimators_")
    assert again.n_features_in_ == 4
    np.testing.assert_array_equal(again.result_.estimate, fresh.result_.estimate)
    assert not hasattr(again.set_params(cv=3).fit(X, y), "estimator_")


@kinds
def test_a_question_that_is_bound_leaves_nothing_on_the_estimator(kind):
    model = make(kind)
    before = state_of(model)
    bound = model._bind(X, check_partial_labels(X, KINDS[kind][2], "test"))
    assert_same_state(model, before)
    with pytest.raises(FrozenInstanceError):
        bound.labels = None


@kinds
def test_what_is_kept_for_other_rows_does_not_grow_with_those_of_the_fit(kind):
    y, sizes = KINDS[kind][2], []
    for copies in (1, 20):
        rows = np.vstack([X, *[X[N:]] * copies])
        labels = np.concatenate([y, np.full(copies * (ROWS - N), np.nan)])
        answer = make(kind).fit(rows, labels)._answer_
        others = {name: value for name, value in vars(answer).items() if name != "result"}
        sizes.append(len(pickle.dumps(others)))
    assert sizes[1] < sizes[0] + 100


@kinds
def test_names_of_columns_are_those_of_the_last_fit_that_worked(kind):
    y, frame = KINDS[kind][2], pd.DataFrame(X, columns=["a", "b", "c"])
    model = make(kind).fit(frame, y)
    with pytest.raises(ValueError, match="expected"):
        model.fit(frame.rename(columns={"a": "z"}), y[:-1])
    assert list(model.feature_names_in_) == ["a", "b", "c"]
    model.predict(frame)
    assert not hasattr(model.fit(X, y), "feature_names_in_")


def test_one_output_after_several():
    several = np.column_stack([Y, Y**2])
    model = RectifiedMeanEstimator(Fragile(), cv=3, random_state=0).fit(X, several).fit(X, Y)
    assert np.ndim(model.mean_) == 0
    assert model.predict(X).shape == (ROWS,)
    corrector = PredictionCorrector(Fragile()).fit(X[:N], several[:N])
    with pytest.raises(ValueError, match="inconsistent"):
        corrector.fit(X[:N], Y[: N - 1])
    assert corrector.predict(X).shape == (ROWS, 2)
    assert corrector.fit(X[:N], Y[:N]).predict(X).shape == (ROWS,)


def test_what_users_and_scikit_learn_keep_on_an_estimator_stays():
    model = RectifiedMeanEstimator(Fragile(), random_state=np.random.RandomState(0))
    model.note = "mine"
    first = model.fit(X, Y).result_.estimate
    assert model.note == "mine"
    assert model.fit(X, Y).result_.estimate != first  # the generator has gone on
    assert clone(model).get_params()["split_ratio"] == 0.2


@errors
@pytest.mark.parametrize("fitted", [False, True])
def test_a_corrector_that_fails_changes_nothing(error, fitted):
    complete = X[:N], Y[:N]
    model = PredictionCorrector(Fragile())
    if fitted:
        model.fit(*complete)
        answers = model.predict(X)
    model.set_params(estimator=Fragile("fit", error))
    before = state_of(model)
    with pytest.raises(error, match="told to fail"):
        model.fit(X[:N, [0, 1, 2, 0]], np.column_stack([Y[:N], Y[:N]]))
    assert_same_state(model, before)
    with pytest.raises(ValueError, match="column"):
        model.set_params(column=9).initialize(X)
    if fitted:
        np.testing.assert_array_equal(model.predict(X), answers)
    assert_same_state(model.set_params(column=0), before)


@pytest.mark.parametrize(
    "changed",
    [{"column": 1}, {"column": [0, 1]}, {"features": "predictions"}, {"features": "remaining"}],
)
def test_a_corrector_predicts_as_it_was_fitted(changed):
    columns = [0]
    model = PredictionCorrector(Fragile(), column=columns).fit(X[:N], Y[:N])
    answers = model.predict(X)
    columns.append(2)
    np.testing.assert_array_equal(model.predict(X), answers)
    model.set_params(**{"column": 0} | changed)
    np.testing.assert_array_equal(model.predict(X), answers)
    if changed != {"column": [0, 1]}:
        assert not np.array_equal(model.fit(X[:N], Y[:N]).predict(X), answers)


@errors
def test_a_law_and_an_allocator_that_fail_change_nothing(error, monkeypatch):
    law = ScalingLawRegressor(n_bootstrap=5).fit([10, 20, 40], [1.0, 0.8, 0.7])
    before = state_of(law)
    with pytest.raises(ValueError, match="at least 2"):
        law.fit([10], [1.0])
    assert_same_state(law, before)
    allocator = FineTuneRectifyAllocator(make("mean", cv=None), n_bootstrap=5, random_state=0).fit(X, Y)
    before = state_of(allocator)

    def fail(*args, **kwargs):
        raise error("told to fail")

    monkeypatch.setattr(_bound_mean, "mean_of", fail)  # of the last step
    with pytest.raises(error, match="told to fail"):
        allocator.fit(X[:, :2], Y)
    assert_same_state(allocator, before)


def test_a_lawful_model_that_fails_changes_nothing():
    frame, y = pd.DataFrame(X[:N], columns=["a", "b", "c"]), Y[:N]
    model = LawfulRegressor(total_variance=9.0).fit(frame, y)
    before = state_of(model)
    with pytest.raises(ValueError, match="1 feature"):
        model.fit(X[:N, :1], y)
    assert_same_state(model, before)
    law = model.law
    model.set_params(law=(-1.0, 0.4, 0.3))
    before = state_of(model)
    with pytest.raises(ValueError, match="a out of range"):
        model.fit(X[:N, :2], y)
    assert_same_state(model, before)
    assert not hasattr(model.set_params(law=law).fit(X[:N], y), "feature_names_in_")
