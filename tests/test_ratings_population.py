"""The made population of ratings: mean, scaling law and bias are what it says they are."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ftr import RectifiedMeanEstimator, ScalingLaw
from sklearn_ftr.datasets import make_ratings_population
from sklearn_ftr.datasets._population import LawfulRegressor

# Every case is for everybody.
pytestmark = pytest.mark.grid(1)

N_ROWS = 100_000
# Normal variances of n rows have the standard error v sqrt(2 / n); the bounds below are 4 of them.
RELATIVE_ERROR = 4 * np.sqrt(2 / N_ROWS)


@pytest.fixture(scope="module")
def large():
    """10^5 rows, seed 0; a law that starts above V(Y) and knows something before training."""
    return make_ratings_population(
        N_ROWS, 0, total_variance=1.0, law=(2.0, 0.4, 0.3, 1.5), n_features=4, random_state=0
    )


def trained(population, s, seed=0):
    """A predictor trained on s rows of another sample of the population."""
    other = make_ratings_population(
        s,
        s,
        total_variance=population.total_variance,
        law=population.law,
        n_features=population.data.shape[1],
        random_state=1_000 + seed,
    )
    return clone(population.predictor).fit(other.data, other.target)


@parametrize_with_checks([LawfulRegressor()])
def test_estimator_checks(estimator, check):
    check(estimator)


def test_layout():
    population = make_ratings_population(random_state=0)
    assert population.data.shape == (10_000, 10)
    assert population.target.shape == population.labels.shape == population.judge.shape == (10_000,)
    labeled = np.isfinite(population.target)
    assert labeled.sum() == 500
    assert not labeled[:500].all()
    np.testing.assert_array_equal(population.target[labeled], population.labels[labeled])
    assert population.law == ScalingLaw(2.0, 0.4, 0.3)
    assert not hasattr(population.predictor, "coef_")


def test_moments_of_the_ratings(large):
    standard_error = np.sqrt(large.total_variance / N_ROWS)
    assert large.labels.mean() == pytest.approx(large.mean, abs=4 * standard_error)
    assert large.labels.var() == pytest.approx(large.total_variance, rel=RELATIVE_ERROR)
    error = large.labels - large.mean - large.data[:, 0]
    assert error.var() == pytest.approx(large.law.b, rel=RELATIVE_ERROR)


@pytest.mark.parametrize("s", [1, 2, 5, 20, 100, 1_000])
def test_the_law_holds(large, s):
    predictions = trained(large, s).predict(large.data)
    error = predictions - large.labels
    v = large.law.predict(s)
    assert error.var() == pytest.approx(v, rel=RELATIVE_ERROR)
    assert error.mean() == pytest.approx(0.5, abs=4 * np.sqrt(v / N_ROWS))
    explained = abs(large.total_variance - v)  # as the plans of a law assume, where v < V(Y)
    assert predictions.var() == pytest.approx(explained, rel=RELATIVE_ERROR)


def test_a_law_at_its_floor(large):
    predictor = clone(large.predictor).set_params(law=(0.0, 1.0, 0.3)).fit(large.data, large.labels)
    residuals = large.labels - predictor.predict(large.data)
    assert residuals.var() == pytest.approx(0.3, rel=RELATIVE_ERROR)


def test_trainings_have_errors_of_their_own(large):
    directions = np.array([trained(large, 50, seed).coef_[1:] for seed in range(200)])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    # Uniform on the sphere in 3 dimensions: mean 0, second moment 1/3; 200 draws, 4 standard errors.
    assert np.abs(directions.mean(axis=0)).max() < 4 * np.sqrt(1 / 3 / 200)
    np.testing.assert_allclose(np.mean(directions**2, axis=0), 1 / 3, atol=4 * np.sqrt(4 / 45 / 200))


def test_it_fits_better_where_it_was_trained(large):
    rows = slice(0, 30)
    predictor = clone(large.predictor).fit(large.data[rows], large.labels[rows])
    residuals = large.labels - predictor.predict(large.data)
    assert residuals[rows].var() < residuals[30:].var()


def test_the_judge():
    population = make_ratings_population(N_ROWS, 0, judge_variance=0.6, bias=-0.2, random_state=1)
    error = population.judge - population.labels
    assert error.mean() == pytest.approx(-0.2, abs=4 * np.sqrt(0.6 / N_ROWS))
    assert error.var() == pytest.approx(0.6, rel=RELATIVE_ERROR)


@pytest.mark.parametrize("judge_variance", [0.0, 2.0, 5.0])
def test_the_judge_may_be_perfect_useless_or_worse(judge_variance):
    population = make_ratings_population(
        N_ROWS, 0, judge_variance=judge_variance, bias=0.0, random_state=1
    )
    error = population.judge - population.labels
    assert error.var() == pytest.approx(judge_variance, rel=RELATIVE_ERROR, abs=1e-12)


# By chance, 4.01 standard errors in one of the samples.
@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore::sklearn_ftr.PredictionShiftWarning")
def test_the_naive_mean_is_biased_and_the_rectified_one_covers():
    """200 samples, seeds 0 to 199; 95 % give 190 covered, 4 binomial standard errors are 12.3."""
    covered, naive = 0, []
    for seed in range(200):
        population = make_ratings_population(3_000, 300, random_state=seed)
        model = RectifiedMeanEstimator(population.predictor, random_state=seed)
        low, high = model.fit(population.data, population.target).confidence_interval()
        covered += low < population.mean < high
        naive.append(model.estimator_.predict(population.data).mean())
    assert covered >= 178
    assert np.mean(naive) == pytest.approx(3.5, abs=4 * np.std(naive) / np.sqrt(200))


def test_residual_variance_of_the_estimator_follows_the_law():
    population = make_ratings_population(22_000, 20_000, random_state=0)
    model = RectifiedMeanEstimator(population.predictor, split_ratio=200, random_state=0)
    model.fit(population.data, population.target)
    v = population.law.predict(200)
    assert model.residual_variance_ == pytest.approx(v, rel=4 * np.sqrt(2 / 19_800))


def test_reproducible():
    first, second, other = (make_ratings_population(50, 10, random_state=s) for s in (3, 3, 4))
    for name in ("data", "target", "labels", "judge"):
        np.testing.assert_array_equal(first[name], second[name])
        assert not np.array_equal(first[name], other[name])
    generator = np.random.RandomState(3)
    np.testing.assert_array_equal(
        first.data, make_ratings_population(50, 10, random_state=generator).data
    )


def test_clone_and_pickle():
    population = make_ratings_population(200, 100, random_state=0)
    predictor = clone(population.predictor)
    assert predictor.get_params() == population.predictor.get_params()
    expected = predictor.fit(population.data, population.labels).predict(population.data)
    again = pickle.loads(pickle.dumps(predictor)).predict(population.data)
    np.testing.assert_array_equal(again, expected)
    refitted = clone(predictor).fit(population.data, population.labels).predict(population.data)
    np.testing.assert_array_equal(refitted, expected)
    assert pickle.loads(pickle.dumps(population)).mean == population.mean


def test_a_law_may_be_passed():
    law = ScalingLaw(1.0, 0.5, 0.1, 2.0)
    population = make_ratings_population(50, 10, law=law, random_state=0)
    assert population.law == law
    assert population.predictor.law == (1.0, 0.5, 0.1, 2.0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"total_variance": 0.3}, r"total_variance is 0\.3; expected more than b = 0\.3"),
        ({"judge_variance": -1.0}, r"judge_variance is -1\.0; expected a variance, at least 0"),
        ({"n_labeled": 11}, "n_labeled is 11; expected 0 to n_rows = 10: label fewer rows"),
        ({"n_labeled": -1}, "n_labeled is -1; expected 0"),
        ({"n_rows": 0}, "n_rows is 0; expected at least 1"),
        ({"n_features": 1}, "n_features is 1; expected at least 2"),
        ({"mean": np.nan}, "mean=nan.*expected finite numbers"),
        ({"law": (-1.0, 0.4, 0.3)}, "out of range"),
    ],
)
def test_numbers_out_of_range(wrong, message):
    with pytest.raises(ValueError, match=message):
        make_ratings_population(**{"n_rows": 10, "n_labeled": 5, **wrong})
