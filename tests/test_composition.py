"""The estimator inside scikit-learn: pipelines, searches, scores, copies."""

import pickle

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ftr import LabeledKFold, RectifiedMeanEstimator, VarianceRegressor, labeled_scorer


@pytest.fixture
def folds():
    return LabeledKFold(4, random_state=0)


def rectified(**parameters):
    return RectifiedMeanEstimator(Ridge(), random_state=0, **parameters)


def test_at_the_end_of_a_pipeline(population):
    X, y = population
    pipeline = make_pipeline(StandardScaler(), PCA(3), rectified()).fit(X, y)
    inner = make_pipeline(StandardScaler(), PCA(3)).fit(X)
    expected = rectified().fit(inner.transform(X), y)
    assert pipeline[-1].mean_ == expected.mean_
    assert pipeline.score(X, y) == expected.score(inner.transform(X), y)
    assert pipeline.predict(X).shape == (900,)


def test_with_pandas_output(population):
    X, y = population
    with sklearn.config_context(transform_output="pandas"):
        pipeline = make_pipeline(StandardScaler(), rectified(cv=3)).fit(X, y)
        assert list(pipeline[-1].feature_names_in_) == ["x0", "x1", "x2", "x3"]
        assert np.isfinite(pipeline.predict(X)).all()


def test_cross_validation(population, folds):
    X, y = population
    scores = cross_val_score(rectified(), X, y, cv=folds)
    assert scores.shape == (4,)
    assert (scores > 0.8).all()
    results = cross_validate(
        rectified(cv=3), X, y, cv=folds, scoring={"r2": labeled_scorer("r2")}, return_estimator=True
    )
    assert (results["test_r2"] > 0.3).all()
    assert all(estimator.n_labeled_ == 90 for estimator in results["estimator"])
    assert cross_val_predict(rectified(), X, y, cv=folds).shape == (900,)


def test_learning_curve(population, folds):
    X, y = population
    sizes, train_scores, test_scores = learning_curve(
        rectified(), X, y, cv=folds, train_sizes=[0.5, 1.0], shuffle=True, random_state=0
    )
    assert list(sizes) == [337, 675]
    assert np.isfinite(train_scores).all()
    assert np.isfinite(test_scores).all()


def test_grid_search_over_both_stages(population, folds):
    X, y = population
    grid = {"split_ratio": [0.1, 0.3, 0.6], "estimator__alpha": [1e-3, 1e6], "recycle": [True, False]}
    search = GridSearchCV(rectified(), grid, cv=folds).fit(X, y)
    assert search.best_params_["estimator__alpha"] == 1e-3
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.n_labeled_ == 120
    assert search.best_score_ > 1


def test_randomized_search_in_a_pipeline(population, folds, new_processes):
    X, y = population
    pipeline = make_pipeline(StandardScaler(), rectified())
    choices = {
        "rectifiedmeanestimator__split_ratio": np.linspace(0.05, 0.9, 50),
        "rectifiedmeanestimator__estimator__alpha": np.logspace(-3, 3, 50),
    }
    search = RandomizedSearchCV(pipeline, choices, n_iter=5, cv=folds, random_state=0, n_jobs=2)
    assert np.isfinite(search.fit(X, y).cv_results_["mean_test_score"]).all()


def test_search_over_splits_and_folds(population, folds):
    search = GridSearchCV(rectified(), [{"cv": [3, 5]}, {"split_ratio": [0.2, 5]}], cv=folds)
    assert search.fit(*population).best_params_["cv"] in (3, 5)


@pytest.mark.thorough
def test_search_over_a_network(population, folds):
    X, y = population
    network = RectifiedMeanEstimator(VarianceRegressor(max_epochs=40), split_ratio=0.5, random_state=0)
    grid = {"estimator__learning_rate": [1e-8, 3e-2], "estimator__criterion": ["variance", "mse"]}
    search = GridSearchCV(network, grid, cv=folds).fit(X, y)
    assert search.best_params_["estimator__learning_rate"] == 3e-2


def test_scikit_learn_scorers_alone_would_give_nan(population, folds):
    with pytest.warns(UserWarning, match="Scoring failed"):
        assert np.isnan(cross_val_score(rectified(), *population, cv=folds, scoring="r2")).all()


@pytest.mark.parametrize("parameters", [{}, {"cv": 3}, {"split_ratio": 30}], ids=str)
def test_clone_pickle_joblib(population, parameters, tmp_path):
    X, y = population
    model = rectified(**parameters).fit(X, y)
    copy = clone(model)
    assert copy.get_params()["estimator__alpha"] == 1.0
    assert not hasattr(copy, "mean_")
    assert copy.fit(X, y).mean_ == model.mean_
    joblib.dump(model, tmp_path / "model.joblib")
    for twin in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model.joblib")):
        assert str(twin.result_) == str(model.result_)
        np.testing.assert_array_equal(twin.predict(X), model.predict(X))


@pytest.mark.thorough
def test_parallel_folds_of_a_network(population, new_processes):
    X, y = population
    network = VarianceRegressor(max_epochs=5)
    one, two = (
        RectifiedMeanEstimator(network, cv=3, random_state=0, n_jobs=n_jobs).fit(X, y)
        for n_jobs in (1, 2)
    )
    assert one.mean_ == two.mean_


# Splitter and scorer


def test_labeled_k_fold(population):
    X, y = population
    folds = list(LabeledKFold(7, random_state=0).split(X, y))
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in folds])), np.arange(900))
    for train, test in folds:
        assert len(np.intersect1d(train, test)) == 0
        assert np.isfinite(y[test]).sum() in (17, 18)
        assert len(test) in (128, 129)
    again = list(LabeledKFold(7, random_state=0).split(X, y))
    assert all(np.array_equal(one[1], other[1]) for one, other in zip(folds, again, strict=True))
    assert LabeledKFold(7).get_n_splits() == 7
    assert "LabeledKFold(n_splits=7, pool_size='auto', random_state=0)" in repr(
        LabeledKFold(7, random_state=0)
    )


def test_labeled_scorer(population):
    X, y = population
    model = rectified().fit(X, y)
    expected = 1 - np.mean((y[:120] - model.predict(X[:120])) ** 2) / np.var(y[:120])
    assert labeled_scorer("r2")(model, X, y) == pytest.approx(expected)
    assert labeled_scorer(lambda estimator, X, y: len(y))(model, X, y) == 120
    assert "r2" in repr(labeled_scorer("r2"))
    pickle.loads(pickle.dumps(labeled_scorer("r2")))
    with pytest.raises(ValueError, match="nonsense"):
        labeled_scorer("nonsense")
    with pytest.raises(ValueError, match=r"is the metric .*r2_score.*expected a scorer"):
        labeled_scorer(r2_score)
    weight = np.arange(900.0)
    expected = make_scorer(r2_score)(model, X[:120], y[:120], sample_weight=weight[:120])
    assert labeled_scorer(make_scorer(r2_score))(model, X, y, sample_weight=weight) == expected
