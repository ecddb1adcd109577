"""Callbacks of scikit-learn 1.9 and later see the tasks of a fit; before, everything works without them."""

import pickle
from collections import Counter

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    LabeledKFold,
    PoolSource,
    RectifiedLinearRegression,
    RectifiedMeanEstimator,
)
from sklearn_ftr._sklearn_private import CallbackSupportMixin

has_callbacks = hasattr(CallbackSupportMixin, "set_callbacks")
needs_callbacks = pytest.mark.skipif(not has_callbacks, reason="scikit-learn before 1.9")
rng = np.random.default_rng(0)
X = rng.normal(size=(600, 3))
SCORES = X[:, 0] + rng.normal(size=600)
Y = np.where(np.arange(600) < 120, SCORES, np.nan)
CLASSES = np.where(np.isnan(Y), np.nan, Y > 0)


def network(**parameters):
    pytest.importorskip("torch")
    from sklearn_ftr import VarianceRegressor

    return VarianceRegressor(**parameters)


class Recorder:
    """Notes every hook; where tasks are in the tree of their fit."""

    def __init__(self, stop=None):
        self.told, self.stop = [], stop

    def setup(self, estimator, context):
        self.told.append(("setup", type(estimator).__name__))

    def teardown(self, estimator, context):
        self.told.append(("teardown", type(estimator).__name__))

    def on_fit_task_begin(self, estimator, context):
        self.told.append(("begin", path(context)))

    def on_fit_task_end(self, estimator, context):
        self.told.append(("end", path(context)))
        return self.stop is not None and context.task_id == self.stop


class Propagated(Recorder):
    """The same, given to estimators within."""

    max_propagation_depth = None


class Scores:
    """Of every task that has a fitted estimator."""

    def __init__(self):
        self.scores = []

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        if fitted_estimator is not None:
            self.scores.append(fitted_estimator.score(X, y))


def path(context):
    own = f"{context.estimator_name}: {context.task_name} {context.task_id}"
    return (*(path(context.parent) if context.parent is not None else ()), own)


def ends(recorder):
    return [place for hook, place in recorder.told if hook == "end"]


def assert_balanced(recorder):
    """What has begun has ended, within what is around it."""
    begun = Counter(place for hook, place in recorder.told if hook == "begin")
    assert begun == Counter(ends(recorder))
    assert set(begun.values()) == {1}


@needs_callbacks
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_folds_are_parts_of_a_task(n_jobs):
    recorder = Recorder()
    model = RectifiedMeanEstimator(Ridge(), cv=3, random_state=0, n_jobs=n_jobs)
    if n_jobs:  # in threads, whose hooks can be seen here
        import joblib

        with joblib.parallel_backend("threading"):
            model.set_callbacks(recorder).fit(X, Y)
    else:
        model.set_callbacks(recorder).fit(X, Y)
    root, name = "RectifiedMeanEstimator: fit 0", "RectifiedMeanEstimator"
    stage = f"{name}: cross-fitting 0"
    expected = {(root, stage, f"{name}: training {k}") for k in range(3)}
    assert set(ends(recorder)) == expected | {(root, stage), (root,)}
    assert_balanced(recorder)
    assert recorder.told[0] == ("setup", name)
    assert recorder.told[-2:] == [("end", (root,)), ("teardown", name)]
    assert model.result_ == RectifiedMeanEstimator(Ridge(), cv=3, random_state=0).fit(X, Y).result_


@pytest.mark.grid(2)
@needs_callbacks
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_model_with_callbacks_is_a_task_of_the_fold_that_trains_it(n_jobs):
    """In other processes, too; there scikit-learn's own callbacks report to this one."""
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    recorder = Propagated()
    model = RectifiedMeanEstimator(LogisticRegression(), cv=3, random_state=0, n_jobs=n_jobs)
    model.set_callbacks(ProgressBar(), *([] if n_jobs else [recorder])).fit(X, CLASSES)
    assert not any(hasattr(one, "_skl_callbacks") for one in model.estimators_)
    if n_jobs is None:
        assert_balanced(recorder)
        inner = [place for place in ends(recorder) if place[-1].startswith("LogisticRegression: fit")]
        assert [place[1] for place in inner] == 3 * ["RectifiedMeanEstimator: cross-fitting 0"]


@needs_callbacks
def test_the_bar_of_scikit_learn(capsys):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    pool = PoolSource([X, X], n_rows=1_200)
    model = RectifiedMeanEstimator(network(max_epochs=3), random_state=0)
    model.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X, Y, pool=pool)
    shown = capsys.readouterr().out
    for task in (
        "fit",
        "fine-tuning on 24 labels #0",
        "pool #1",
        "training | VarianceRegressor - fit #0",
    ):
        assert f"RectifiedMeanEstimator - {task}" in shown
    assert "VarianceRegressor - training #0" in shown


@needs_callbacks
def test_a_pass_over_a_pool_is_told_in_hundredths():
    recorder = Recorder()
    pool = PoolSource([X[:50]] * 20, n_rows=1_000)
    RectifiedMeanEstimator(Ridge(), random_state=0).set_callbacks(recorder).fit(X, Y, pool=pool)
    parts = [place for place in ends(recorder) if len(place) == 3 and "pool" in place[1]]
    assert len(parts) == 100
    assert_balanced(recorder)


@needs_callbacks
def test_each_pass_is_a_task_and_rows_that_nobody_has_counted_are_one_without_parts():
    recorder = Recorder()
    model = RectifiedLinearRegression(Ridge(), covariates=[0], random_state=0)
    model.set_callbacks(recorder).fit(X, Y, pool=lambda: iter([X, X]))
    stages = [place[1].rpartition(" ")[0] for place in ends(recorder) if len(place) == 2]
    assert "RectifiedLinearRegression: pool" in stages
    assert_balanced(recorder)


@needs_callbacks
def test_trials_and_refit_of_the_allocator():
    recorder = Propagated()
    allocator = FineTuneRectifyAllocator(RectifiedMeanEstimator(Ridge()), random_state=0)
    allocator.set_callbacks(recorder).fit(X, Y)
    root, refit = "FineTuneRectifyAllocator: fit 0", "RectifiedMeanEstimator: fit 1"
    places = ends(recorder)
    trials = [
        place for place in places if place[1:2] == ("FineTuneRectifyAllocator: learning curve 0",)
    ]
    assert len(trials) == allocator.learning_curve_.trainings.sum() + 1
    folds = [place for place in places if place[:2] == (root, refit) and len(place) == 4]
    assert len(folds) == len(allocator.best_estimator_.estimators_)
    assert_balanced(recorder)
    assert not hasattr(allocator.best_estimator_, "_skl_callbacks")


@needs_callbacks
def test_a_search_around_it():
    """Its fits are those of the search; the pool and the folds are below them."""
    recorder = Propagated()
    model = RectifiedMeanEstimator(Ridge(), cv=3, random_state=0)
    search = GridSearchCV(model, {"estimator__alpha": [1, 2]}, cv=LabeledKFold(2))
    search.set_callbacks(recorder).fit(X, Y)
    fits = [place for place in ends(recorder) if place[-1].startswith("RectifiedMeanEstimator: fit")]
    assert len(fits) == 5
    assert {place[0] for place in fits} == {"GridSearchCV: fit 0"}
    assert_balanced(recorder)


@needs_callbacks
def test_callbacks_of_the_model_alone_see_the_folds():
    scores = Scores()
    model = network(max_epochs=2, random_state=0).set_callbacks(scores)
    RectifiedMeanEstimator(model, cv=3, random_state=0).fit(X, Y)
    assert len(scores.scores) == 3 * (2 + 1)


@needs_callbacks
def test_epochs_can_be_scored():
    """As if the training had ended there: re-centered, in units of y."""
    scores = Scores()
    model = network(max_epochs=6, random_state=0).set_callbacks(scores).fit(X, SCORES)
    plain = [network(max_epochs=6, random_state=0).fit(X, SCORES).score(X, SCORES)]
    assert len(scores.scores) == 7
    assert scores.scores[-2:] == 2 * plain
    assert scores.scores[0] < scores.scores[-1]
    assert model.score(X, SCORES) == plain[0]


@needs_callbacks
def test_a_callback_may_end_the_training():
    recorder = Recorder(stop=2)
    model = network(max_epochs=20, random_state=0).set_callbacks(recorder).fit(X, SCORES)
    assert model.n_epochs_ == 3
    assert_balanced(recorder)


@needs_callbacks
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_callbacks_are_torn_down_after_an_error(error):
    class Fails(Ridge):
        def fit(self, X, y):
            raise error("told to fail")

    recorder = Recorder()
    model = RectifiedMeanEstimator(Fails(), random_state=0).set_callbacks(recorder)
    with pytest.raises(error, match="told to fail"):
        model.fit(X, Y)
    assert recorder.told[-1] == ("teardown", "RectifiedMeanEstimator")
    assert set(vars(model)) == {*model.get_params(deep=False), "_skl_callbacks"}


@needs_callbacks
def test_the_fitted_estimator_is_there_when_its_fit_ends():
    scores = Scores()
    model = RectifiedMeanEstimator(Ridge(), random_state=0).set_callbacks(scores).fit(X, Y)
    assert scores.scores == [model.score(X, Y)]


@needs_callbacks
def test_clones_and_pickles_keep_callbacks():
    model = RectifiedMeanEstimator(Ridge(), random_state=0).set_callbacks(recorder := Recorder())
    assert clone(model)._skl_callbacks == [recorder]
    copied = pickle.loads(pickle.dumps(model.fit(X, Y)))
    assert copied.mean_ == model.mean_
    assert len(copied._skl_callbacks) == 1
    assert "_callback_fit_ctx" not in vars(copied)


@needs_callbacks
def test_models_without_callbacks_are_not_complained_of():
    """Warnings are errors here; a pipeline passes callbacks on, ridge regression has none."""
    for model in (None, Ridge(), make_pipeline(StandardScaler(), Ridge())):
        RectifiedMeanEstimator(model, random_state=0).set_callbacks(recorder := Recorder()).fit(X, Y)
        assert_balanced(recorder)


def test_nothing_is_left_on_an_estimator_without_callbacks():
    model = RectifiedMeanEstimator(Ridge(), cv=2, random_state=0).fit(X, Y)
    assert not [name for name in vars(model) if "callback" in name]
    assert not [name for name in vars(model.estimators_[0]) if "callback" in name]


@pytest.mark.skipif(has_callbacks, reason="scikit-learn 1.9 or later")
@pytest.mark.parametrize("cls", [RectifiedMeanEstimator, FineTuneRectifyAllocator])
def test_before_there_are_callbacks_there_is_no_way_to_set_them(cls):
    assert not hasattr(cls(), "set_callbacks")
    assert isinstance(cls(), BaseEstimator)
