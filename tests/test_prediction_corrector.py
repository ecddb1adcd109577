"""Given predictions and a learned correction, alone and inside the rectified estimators."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    LabeledKFold,
    PredictionCorrector,
    RectifiedMeanEstimator,
    VarianceRegressor,
    rectify_mean,
)
from sklearn_ftr.datasets import make_ratings_population


@pytest.fixture
def judged(rng):
    """A judge that squeezes scores and overlooks something that a feature shows; 200 of 2,000 rows rated."""
    length = rng.normal(size=2_000)
    quality = rng.normal(size=2_000)
    human = 3 + quality + 0.5 * length
    judge = 2 + 0.5 * quality + rng.normal(scale=0.2, size=2_000)
    y = np.where(rng.permutation(2_000) < 200, human, np.nan)
    return np.column_stack([judge, length]), y, human


def labeled(judged):
    X, y, _ = judged
    return X[~np.isnan(y)], y[~np.isnan(y)]


def test_zero_shot_is_the_column(judged):
    X, y, _ = judged
    model = PredictionCorrector().initialize(X)
    np.testing.assert_array_equal(model.predict(X), X[:, 0])
    assert model.correction_ is None
    rectified = RectifiedMeanEstimator(PredictionCorrector(), split_ratio=0).fit(X, y)
    of = ~np.isnan(y)
    by_hand = rectify_mean(y[of], X[of, 0], X[~of, 0])
    assert rectified.mean_ == pytest.approx(by_hand.estimate, rel=1e-12)
    assert rectified.standard_error_ == pytest.approx(by_hand.standard_error, rel=1e-12)
    assert rectified.n_finetune_ == 0


def test_recalibration_is_least_squares_on_the_column(judged):
    X, y = labeled(judged)
    model = PredictionCorrector(LinearRegression(), features="predictions").fit(X, y)
    slope, intercept = np.polyfit(X[:, 0], y, 1)
    np.testing.assert_allclose(model.predict(X), intercept + slope * X[:, 0])


@pytest.mark.thorough
@pytest.mark.parametrize("estimator", [None, VarianceRegressor(random_state=0)])
def test_corrections_remove_residual_variance(estimator, judged):
    X, y = labeled(judged)
    held_out, human = judged[0], judged[2]
    variance = {
        features: np.var(
            human - PredictionCorrector(estimator, features=features).fit(X, y).predict(held_out)
        )
        for features in ("predictions", "remaining", "all")
    }
    raw = np.var(human - held_out[:, 0])
    assert variance["predictions"] < 0.8 * raw
    assert variance["remaining"] < 0.8 * raw
    assert variance["all"] < 0.5 * variance["predictions"]


def test_a_good_judge_is_left_alone(rng):
    """The ridge penalty shrinks the correction, not the prediction."""
    human = rng.normal(size=40)
    judge = human + rng.normal(scale=0.05, size=40)
    noise = rng.normal(size=(40, 30))
    X = np.column_stack([judge, noise])
    model = PredictionCorrector().fit(X[:20], human[:20])
    corrected = np.var(human[20:] - model.predict(X[20:]))
    from_scratch = clone(model.correction_).fit(X[:20], human[:20])
    assert corrected < 4 * 0.05**2
    assert corrected < np.var(human[20:] - from_scratch.predict(X[20:]))


def test_all_four_ways_of_using_labels(judged):
    X, y, human = judged
    corrector = PredictionCorrector()
    for settings in ({"split_ratio": 0}, {"split_ratio": 0.3}, {"cv": 5}):
        model = RectifiedMeanEstimator(corrector, random_state=0, **settings).fit(X, y)
        assert abs(model.mean_ - human.mean()) < 4 * model.standard_error_
    allocator = FineTuneRectifyAllocator(RectifiedMeanEstimator(corrector), random_state=0).fit(X, y)
    strategies = {option.strategy for option in allocator.plan_.options}
    assert strategies == {"labels only", "zero-shot", "split", "cross-fitting"}
    assert allocator.best_option_.strategy == "cross-fitting"
    search = GridSearchCV(
        RectifiedMeanEstimator(corrector, random_state=0),
        {"split_ratio": [0, 0.3], "estimator__features": ["predictions", "all"]},
        cv=LabeledKFold(3),
    ).fit(X, y)
    assert search.best_params_ == {"split_ratio": 0.3, "estimator__features": "all"}


def test_a_perfect_judge_needs_no_training():
    population = make_ratings_population(2_000, 100, judge_variance=0.0, bias=0.7, random_state=0)
    allocator = FineTuneRectifyAllocator(
        RectifiedMeanEstimator(PredictionCorrector()), random_state=0
    ).fit(population.judge[:, None], population.target)
    assert allocator.best_option_.strategy == "zero-shot"
    assert allocator.mean_ == pytest.approx(population.labels.mean(), abs=1e-4)


@pytest.mark.thorough
def test_coverage_with_200_labels():
    """300 samples, seeds 0 to 299, a biased judge: 95 % are 285, 4 binomial standard errors are 15."""
    covered = 0
    for seed in range(300):
        population = make_ratings_population(
            2_000, 200, judge_variance=0.8, bias=0.5, random_state=seed
        )
        model = RectifiedMeanEstimator(PredictionCorrector(), random_state=seed)
        low, high = model.fit(population.judge[:, None], population.target).confidence_interval()
        covered += low < population.mean < high
    assert covered >= 270


def test_columns_by_name_and_position(judged):
    pd = pytest.importorskip("pandas")
    X, y = labeled(judged)
    expected = PredictionCorrector().fit(X, y).predict(X)
    frame = pd.DataFrame({"length": X[:, 1], "judge": X[:, 0]})
    for column in ("judge", 1, -1):
        model = PredictionCorrector(column=column).fit(frame, y)
        np.testing.assert_allclose(model.predict(frame), expected)
    assert list(model.feature_names_in_) == ["length", "judge"]
    matrix = sparse.csr_matrix(X)
    np.testing.assert_allclose(PredictionCorrector().fit(matrix, y).predict(matrix), expected)
    integers = pd.DataFrame({"judge": pd.array(np.round(X[:, 0]), dtype="Int64"), "length": X[:, 1]})
    assert np.isfinite(PredictionCorrector().fit(integers, y).predict(integers)).all()


def test_texts_beside_the_judge(judged):
    pytest.importorskip("transformers")
    pd = pytest.importorskip("pandas")
    from sklearn_ftr import TextVarianceRegressor
    from sklearn_ftr.finetuning._text_model import installed_model

    if installed_model() is None:
        pytest.skip("no installed weights")
    X, y = labeled(judged)
    texts = np.where(X[:40, 1] > 0, "a long and winding answer", "short")
    frame = pd.DataFrame({"judge": X[:40, 0], "text": texts})
    model = PredictionCorrector(
        TextVarianceRegressor(random_state=0), column="judge", features="remaining"
    ).fit(frame, y[:40])
    assert np.var(y[:40] - model.predict(frame)) < np.var(y[:40] - X[:40, 0])


def test_several_outputs(judged):
    X, y = labeled(judged)
    Y = np.column_stack([y, -y])
    one = PredictionCorrector().fit(X, Y)
    np.testing.assert_allclose(
        one.predict(X)[:, 0], PredictionCorrector().fit(X, y).predict(X), rtol=1e-3
    )
    both = np.column_stack([X, -X[:, 0]])
    two = PredictionCorrector(column=[0, 2])
    np.testing.assert_array_equal(two.initialize(both, Y).predict(both), both[:, [0, 2]])
    with pytest.raises(ValueError, match="names 2 columns of predictions and y has 1 outputs"):
        PredictionCorrector(column=[0, 1]).fit(X, y)


def test_predictions_may_be_changed_afterwards(judged):
    X = judged[0].copy()
    PredictionCorrector().initialize(X).predict(X)[:] = 0
    np.testing.assert_array_equal(X, judged[0])


def test_clone_and_pickle(judged):
    X, y = labeled(judged)
    model = PredictionCorrector(VarianceRegressor(random_state=0, max_epochs=3)).fit(X, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    assert not hasattr(clone(model), "correction_")


def test_fit_parameters_reach_the_estimator(judged):
    X, y = labeled(judged)
    weight = np.repeat([1.0, 0.0], 100)
    for estimator in (LinearRegression(), make_pipeline(LinearRegression())):
        name = "linearregression__sample_weight" if hasattr(estimator, "steps") else "sample_weight"
        model = PredictionCorrector(estimator).fit(X, y, **{name: weight})
        few = PredictionCorrector(LinearRegression()).fit(X[:100], y[:100])
        np.testing.assert_allclose(model.predict(X), few.predict(X))
    weighted, plain = (PredictionCorrector().fit(X, y, **w) for w in ({"sample_weight": weight}, {}))
    assert np.abs(weighted.predict(X) - plain.predict(X)).max() > 1e-6


def test_an_estimator_with_predictions_of_its_own_would_correct_twice(judged):
    X, y = labeled(judged)
    weights = VarianceRegressor(random_state=0).fit(X, y).net_.module_.state_dict()
    for estimator in (
        VarianceRegressor(weights=weights),
        FrozenEstimator(LinearRegression().fit(X, y)),
    ):
        with pytest.raises(ValueError, match="comes with predictions of y from before training"):
            PredictionCorrector(estimator).fit(X, y)


def test_lengths_must_agree(judged):
    X, y = labeled(judged)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        PredictionCorrector().fit(X, y[:-1])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"column": 2}, r"X has no column 2; it has 2\. Set column="),
        ({"column": "judge"}, r"X has no column 'judge'; it has 2\."),
        ({"column": [0, 5]}, r"X has no column 5"),
        ({"column": True}, r"expected positions or names, not a mask"),
        ({"column": [0, 1], "features": "remaining"}, r"names 2 columns of predictions and y has 1"),
    ],
)
def test_columns_that_are_not_there(parameters, message, judged):
    with pytest.raises(ValueError, match=message):
        PredictionCorrector(**parameters).fit(*labeled(judged))


def test_nothing_remains(judged):
    X, y = labeled(judged)
    with pytest.raises(ValueError, match=r'features="remaining", but X has no column beside'):
        PredictionCorrector(features="remaining").fit(X[:, :1], y)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_missing_predictions_are_counted(bad, judged):
    X, y, _ = judged
    X[[3, 5], 0] = bad
    with pytest.raises(
        ValueError, match=r"The column of predictions \(0\) has .*2 (NaN|infinite)|2 infinite"
    ):
        PredictionCorrector().fit(X, np.nan_to_num(y))
