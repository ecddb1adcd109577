"""Several judges: against brute force, by the laws that they obey, and beside one judge."""

import copy
import json
import pickle
import warnings

import naive_judges as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_rectification import fit_glm
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from test_simulations import ROOT, benchmark

from sklearn_ftr import (
    LabeledKFold,
    PredictionShiftWarning,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedMeanEstimator,
    RectifiedPoissonRegression,
    RectifiedQuantile,
    SamplingDesign,
    ZeroWidthIntervalWarning,
    m_estimate,
    rectify_difference,
    rectify_linear_regression,
    rectify_logistic_regression,
    rectify_mean,
    rectify_poisson_regression,
    rectify_quantile,
)
from sklearn_ftr.rectification._judge_weights import judge_weights

R, M = 40, 300
ADVICE = 'missing_judgements="indicator"'
INDICATOR = {"missing_judgements": "indicator"}


def sample(seed=0, r=R, m=M, noise=(0.5, 0.8, 1.2), shared=0.3):
    """Labels (r,), judgements (r, j) of their rows and of the pool, by judges who err alike in part."""
    rng = np.random.default_rng(seed)
    n = r + m
    y = rng.normal(2, 1, size=n)
    common = shared * rng.normal(size=n)
    f = np.column_stack([y + common + scale * rng.normal(size=n) + 0.2 for scale in noise])
    return y[:r], f[:r], f[r:]


def numbers(result):
    return np.array([result.estimate, result.standard_error, result.degrees_of_freedom])


def same(one, other, rtol=1e-9, atol=1e-12):
    """All that an interval is made of."""
    np.testing.assert_allclose(numbers(one), numbers(other), rtol=rtol, atol=atol)


def with_gaps(f, judge=1, every=3):
    """One judge has not answered every so many rows."""
    f = f.copy()
    f[::every, judge] = np.nan
    return f


# The rule


@pytest.mark.parametrize("n_judges", [1, 2, 3, 4])
@pytest.mark.parametrize("r", [6, 7, 12])
@pytest.mark.parametrize("of_pool", [0.0, 0.01, 1.0])
def test_the_rule_by_brute_force(n_judges, r, of_pool):
    rng = np.random.default_rng([n_judges, r])
    dy, df = rng.normal(size=r), rng.normal(size=(r, n_judges)) * [1, 10, 0.1, 1][:n_judges]
    dy = dy + df[:, 0] + df[:, -1]
    root = rng.normal(size=(n_judges, n_judges)) * df.std(axis=0)
    pool_squares = of_pool * r * root.T @ root
    weights = judge_weights(dy, df, pool_squares, r - 1)
    lambda_, residuals, n_tuned = naive.rule(dy, df, pool_squares, r - 1)
    np.testing.assert_allclose(weights.lambda_, lambda_, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(weights.residuals, residuals, rtol=1e-6, atol=1e-8)
    assert weights.n_tuned == pytest.approx(n_tuned)


def test_many_labels_are_read_in_blocks():
    rng = np.random.default_rng(0)
    df = rng.normal(size=(9_000, 2))
    dy = df @ [0.4, 0.3] + rng.normal(size=9_000)
    weights = judge_weights(dy, df, np.zeros((2, 2)), 8_999)
    both = np.linalg.lstsq(df, dy, rcond=None)[0]
    np.testing.assert_allclose(weights.lambda_, both, atol=1e-8)
    np.testing.assert_allclose(weights.residuals, dy - df @ both, atol=0.01)


@pytest.mark.parametrize(("r", "m"), [(40, 300), (6, 50), (8, 400), (40, 15), (30, 2)])
def test_a_mean_by_brute_force(r, m):
    y, f, pool = sample(r=r, m=m)
    result = rectify_mean(y, f, pool)
    estimate, error, degrees, lambda_ = naive.mean_of(y, f, pool)
    np.testing.assert_allclose(numbers(result), [estimate, error, degrees], rtol=1e-7)
    np.testing.assert_allclose(result.lambda_, lambda_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(
        result.confidence_interval(), naive.interval(estimate, error, degrees), rtol=1e-7
    )
    assert result.residual_variance == pytest.approx(np.var(y - f @ lambda_, ddof=1), rel=1e-6)
    assert result.rectifier == pytest.approx(estimate - lambda_ @ pool.mean(axis=0))
    judged = result.predictions_only
    assert judged.estimate == pytest.approx(pool.mean())
    assert judged.standard_error == pytest.approx(pool.mean(axis=1).std(ddof=1) / np.sqrt(m))


def test_weights_that_are_given():
    y, f, pool = sample()
    for given_, lambda_ in (
        (0.3, [0.3] * 3),
        ([0.5, 0.2, -0.1],) * 2,
        ([[0.5, 0.2, 0.0]], [0.5, 0.2, 0]),
    ):
        result = rectify_mean(y, f, pool, lambda_=given_)
        expected = naive.mean_of(y, f, pool, lambda_)
        np.testing.assert_allclose(numbers(result), expected[:3])
        np.testing.assert_array_equal(result.lambda_, lambda_)


@pytest.mark.parametrize(
    "lambda_", [[0.5, 0.2], [1.0] * 4, np.ones((3, 1)), [np.nan, 0, 0], "overall", "best", [True] * 3]
)
def test_weights_that_are_refused(lambda_):
    with pytest.raises(
        ValueError, match=r"lambda_ is .*expected None, a finite number, or one for each of the 3"
    ):
        rectify_mean(*sample(), lambda_=lambda_)


# Beside one judge


def one_of_each():
    """Calls with the predictions (r,) or (r, j) of both sides, of every function."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(R + M, 2))
    group = np.where(rng.random(R + M) < 0.5, "A", "B")
    psi = lambda X, y, theta: np.column_stack([y - theta[0], (y - theta[0]) ** 2 - theta[1]])  # noqa: E731

    def regression(function, change=lambda values: values):
        def call(y, f, pool, **options):
            m = len(pool)
            rows = X[R : R + m]
            return function(X[:R], change(y), change(f), rows, change(pool), **options)

        return call

    return {
        "mean": rectify_mean,
        "quantile": rectify_quantile,
        "quantiles": lambda *data, **o: rectify_quantile(*data, [0.3, 0.6], **o),
        "difference": lambda y, f, pool, **o: rectify_difference(
            y, f, pool, group[:R], group[R : R + len(pool)], **o
        ),
        "linear": regression(rectify_linear_regression),
        "logistic": regression(rectify_logistic_regression, lambda y: 1 / (1 + np.exp(2 - y))),
        "Poisson": regression(rectify_poisson_regression, np.exp),
        "m": regression(lambda *data, **o: m_estimate(psi, *data, start=[2, 1], **o)),
    }


CALLS = one_of_each()
EVERY = pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))


@EVERY
@pytest.mark.parametrize("lambda_", [None, 0.6])
def test_a_column_of_one_judge_is_the_judge(call, lambda_):
    y, f, pool = sample()
    one, other = (call(y, f[:, part], pool[:, part], lambda_=lambda_) for part in (0, [0]))
    assert one.to_json() == other.to_json()
    assert np.shape(one.lambda_) == np.shape(other.lambda_)


@EVERY
def test_a_judge_with_weight_0_is_not_there(call):
    y, f, pool = sample()
    both = call(y, f[:, :2], pool[:, :2], lambda_=[0, 1])
    alone = call(y, f[:, 1], pool[:, 1], lambda_=1)
    np.testing.assert_allclose(both.estimate, alone.estimate, rtol=1e-9)
    np.testing.assert_allclose(both.standard_error, alone.standard_error, rtol=1e-9)
    np.testing.assert_allclose(
        np.array(both.confidence_interval()), np.array(alone.confidence_interval()), rtol=1e-9
    )
    np.testing.assert_allclose(both.residual_variance, alone.residual_variance, rtol=1e-9)
    np.testing.assert_allclose(both.efficiency, alone.efficiency, rtol=1e-9)
    np.testing.assert_allclose(both.p_value(1.8), alone.p_value(1.8), rtol=1e-9)
    np.testing.assert_allclose(both.rectifier, alone.rectifier, rtol=1e-9)


@EVERY
def test_without_a_pool_labels_are_alone(call):
    y, f, pool = sample()
    results = [call(y, f[:, part], pool[:0, part]) for part in (slice(None), 0)]
    for name in ("estimate", "covariance", "residual_variance"):
        several, one = (getattr(result, name) for result in results)
        if name != "residual_variance":
            np.testing.assert_allclose(several, one)
    shape = np.shape(results[1].lambda_)
    assert results[0].lambda_.shape == (*shape, 3)
    assert not results[0].lambda_.any()
    assert results[0].predictions_only is None


@EVERY
@pytest.mark.parametrize("side", [1, 2])
def test_judges_who_have_not_answered_are_refused_with_advice(call, side):
    data = list(sample())
    data[side] = with_gaps(data[side])
    with pytest.raises(ValueError, match=ADVICE) as error:
        call(*data)
    assert ("f has", "f_unlabeled has")[side - 1] in str(error.value)


@EVERY
def test_an_indicator_is_a_judge(call):
    y, f, pool = sample()
    gaps = with_gaps(f), with_gaps(pool)
    result = call(y, *gaps, **INDICATOR)
    mean = np.nanmean(np.concatenate(gaps)[:, 1])
    filled = [
        np.column_stack([np.where(np.isnan(part), mean, part), ~np.isnan(part[:, 1])]) for part in gaps
    ]
    assert result.lambda_.shape[-1] == 4
    if call is rectify_mean or call is rectify_quantile:
        plain = call(y, *filled)
        same(result, plain)
        np.testing.assert_allclose(result.lambda_, plain.lambda_)
    # What judges say has nothing of who has answered.
    of_judges = call(y, filled[0][:, :3], filled[1][:, :3]).predictions_only
    gap = result.predictions_only.estimate - of_judges.estimate
    assert np.all(np.abs(gap) < 0.5 * of_judges.standard_error + 0.1)
    weights = call(y, *gaps, **INDICATOR, lambda_=[0.5, 0.2, 0.1]).lambda_
    np.testing.assert_array_equal(weights, np.broadcast_to([0.5, 0.2, 0.1, 0.0], weights.shape))


@EVERY
def test_the_order_and_copies_of_judges_do_not_matter(call):
    y, f, pool = sample()
    plain = call(y, f, pool)
    other = call(y, f[:, [2, 0, 1]], pool[:, [2, 0, 1]])
    np.testing.assert_allclose(other.lambda_[..., [1, 2, 0]], plain.lambda_, rtol=1e-6, atol=1e-9)
    twice = call(y, f[:, [0, 1, 2, 0]], pool[:, [0, 1, 2, 0]])
    together = twice.lambda_[..., :3] + twice.lambda_[..., [3]] * [1, 0, 0]
    np.testing.assert_allclose(together, plain.lambda_, rtol=1e-6, atol=1e-9)
    for one in (other, twice):
        np.testing.assert_allclose(one.estimate, plain.estimate, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(one.standard_error, plain.standard_error, rtol=1e-6)


@EVERY
def test_results_are_kept_told_and_drawn(call):
    y, f, pool = sample()
    result = call(y, f, pool)
    told = json.loads(result.to_json())
    assert np.shape(told["lambda"]) == np.shape(result.lambda_)
    for other in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert other.to_json() == result.to_json()
    assert "lambda " in str(result)
    assert repr(result)
    pytest.importorskip("pandas")
    k = np.size(result.estimate)
    table = result.summary()
    assert [f"lambda {judge}" for judge in (1, 2, 3)] == [
        name for name in table.columns if name.startswith("lambda")
    ]
    np.testing.assert_allclose(
        table[["lambda 1", "lambda 2", "lambda 3"]].to_numpy()[:k], np.atleast_2d(result.lambda_)
    )
    assert len(result.to_frame()) == k
    draws = result.bootstrap(400, random_state=0)
    assert draws.shape == (400, *np.shape(result.estimate))
    spread = draws.std(axis=0) / result.standard_error
    assert np.all((spread > 0.6) & (spread < 1.4))


# Means


def test_several_outputs_are_each_by_itself():
    y, f, pool = sample()
    y2, f2, pool2 = sample(5)
    result = rectify_mean(
        np.column_stack([y, y2]), np.stack([f, f2], axis=1), np.stack([pool, pool2], axis=1)
    )
    parts = rectify_mean(y, f, pool), rectify_mean(y2, f2, pool2)
    assert result.lambda_.shape == (2, 3)
    for i, part in enumerate(parts):
        np.testing.assert_allclose(result.lambda_[i], part.lambda_)
        assert result.estimate[i] == pytest.approx(part.estimate)
        assert result.standard_error[i] == pytest.approx(part.standard_error)
        assert result.degrees_of_freedom[i] == pytest.approx(part.degrees_of_freedom)
        assert result.residual_variance[i] == pytest.approx(part.residual_variance)
        assert result.prediction_shift[i] == pytest.approx(part.prediction_shift)
        judged = result.predictions_only
        assert judged.estimate[i] == pytest.approx(part.predictions_only.estimate)
        assert judged.standard_error[i] == pytest.approx(part.predictions_only.standard_error)
    joint = result.bootstrap(20_000, random_state=0)
    np.testing.assert_allclose(np.cov(joint.T), result.covariance, atol=0.1 * result.covariance.max())


def test_weights_of_several_outputs():
    y, f, pool = sample()
    data = np.column_stack([y, -y]), np.stack([f, -f], axis=1), np.stack([pool, -pool], axis=1)
    for lambda_ in (0.4, [0.4, 0.1, 0.2], np.arange(6).reshape(2, 3) / 10):
        result = rectify_mean(*data, lambda_=lambda_)
        np.testing.assert_array_equal(result.lambda_, np.broadcast_to(lambda_, (2, 3)))
    for lambda_ in ([0.4, 0.1], np.ones((3, 2)), np.ones((1, 3))):
        with pytest.raises(ValueError, match=r"one for each of the 3 judges \(or of shape \(2, 3\)"):
            rectify_mean(*data, lambda_=lambda_)


def test_one_judge_with_gaps_of_several_outputs():
    y, f, pool = sample()
    data = np.column_stack([y, -y]), with_gaps(f[:, :2], 0), with_gaps(pool[:, :2], 0)
    result = rectify_mean(*data, **INDICATOR)
    assert result.lambda_.shape == (2, 2)
    given_ = rectify_mean(*data, **INDICATOR, lambda_=[0.5, 0.2])
    np.testing.assert_array_equal(given_.lambda_, [[0.5, 0], [0.2, 0]])


@pytest.mark.parametrize("r", [2, 5])
def test_few_labels_tune_nothing(r):
    y, f, pool = sample(r=r)
    result = rectify_mean(y, f, pool)
    assert not result.lambda_.any()
    assert result.estimate == pytest.approx(y.mean())
    assert result.standard_error == pytest.approx(y.std(ddof=1) / np.sqrt(r))


def test_constant_judges_are_not_there():
    y, f, pool = sample()
    plain = rectify_mean(y, f, pool)
    for constant in (0.0, 0.1, 1e9):
        wider = (np.column_stack([np.full(len(part), constant), part]) for part in (f, pool))
        result = rectify_mean(y, *wider)
        same(result, plain, rtol=1e-12)
        assert result.lambda_[0] == 0
    nothing = rectify_mean(y, np.ones((R, 2)), np.ones((M, 2)))
    assert not nothing.lambda_.any()
    assert nothing.standard_error == pytest.approx(y.std(ddof=1) / np.sqrt(R))


@pytest.mark.parametrize("copies", [[0, 0], [1, 1, 1, 1], [0, 1, 2, 2, 1, 1]])
def test_scaled_copies_are_one_judge(copies):
    y, f, pool = sample()
    scales = np.array([1.0, -3.0, 1e-3, 7.0, 1e6, 2.0])[: len(copies)]
    result = rectify_mean(y, f[:, copies] * scales - 5, pool[:, copies] * scales - 5)
    judges = sorted(set(copies))
    plain = rectify_mean(y, f[:, judges], pool[:, judges])
    if len(judges) == 1:  # the average of one set, where one judge has its own way
        plain = rectify_mean(y, f[:, judges[0]], pool[:, judges[0]])
    same(result, plain, rtol=1e-7)


def test_scales_of_judges_do_not_matter():
    y, f, pool = sample()
    scales, plain = np.array([1e-100, -1e100, 1e3]), rectify_mean(y, f, pool)
    result = rectify_mean(y, f * scales, pool * scales)
    same(result, plain)
    np.testing.assert_allclose(result.lambda_ * scales, plain.lambda_)


def test_a_perfect_judge_has_nearly_all_the_weight():
    y, f, pool = sample()
    result = rectify_mean(y, np.column_stack([y, f]), np.column_stack([pool[:, 0] - 0.2, pool]))
    assert np.isfinite(numbers(result)).all()
    assert result.lambda_[0] > 0.7
    assert np.all(np.abs(result.lambda_[1:]) < 0.02)


def test_constant_labels():
    _, f, pool = sample()
    with pytest.warns(ZeroWidthIntervalWarning):
        constant = rectify_mean(np.full(R, 2.0), f, pool)
    assert constant.estimate == 2
    assert not constant.lambda_.any()


def test_float32_is_read_as_it_is():
    y, f, pool = (part.astype(np.float32) for part in sample())
    wide = (part.astype(np.float64) for part in (y, f, pool))
    same(rectify_mean(y, f, pool), rectify_mean(*wide), rtol=1e-6)


def test_labels_of_years_and_of_large_numbers():
    y, f, pool = sample()
    plain = rectify_mean(y, f, pool)
    moved = rectify_mean(y + 2e6, f - 1e6, pool - 1e6)
    assert moved.standard_error == pytest.approx(plain.standard_error, rel=1e-6)
    np.testing.assert_allclose(moved.lambda_, plain.lambda_, atol=1e-6)


def test_data_frames():
    pd = pytest.importorskip("pandas")
    y, f, pool = sample()
    names = ["gpt", "claude", "llama"]
    frames = pd.DataFrame(f, columns=names), pd.DataFrame(pool, columns=names)
    same(rectify_mean(pd.Series(y), *frames), rectify_mean(y, f, pool), rtol=0)
    with pytest.raises(ValueError, match=r"f has columns .*f_unlabeled has"):
        rectify_mean(y, frames[0], frames[1][names[::-1]])
    with pytest.raises(ValueError, match="f_unlabeled has shape"):
        rectify_mean(y, f, pool[:, :2])
    with pytest.raises(ValueError, match="index"):
        rectify_mean(pd.Series(y, index=np.arange(R) + 1), *frames)


def test_shapes_that_are_refused():
    y, f, pool = sample()
    for data in (
        (y, f, pool[:, 0]),
        (y, f[:, 0], pool),
        (y, f[1:], pool),
        (y[:, None], f, pool),
        (y, f[..., None], pool[..., None]),
        (y, f[:, :0], pool[:, :0]),
        (np.column_stack([y, y]), np.stack([f, f], axis=2), np.stack([pool, pool], axis=2)),
    ):
        with pytest.raises(ValueError, match="expected"):
            rectify_mean(*data)


def test_eleven_judges_are_too_many():
    rng = np.random.default_rng(0)
    y, f, pool = rng.normal(size=R), rng.normal(size=(R, 11)), rng.normal(size=(M, 11))
    assert rectify_mean(y, f[:, :10], pool[:, :10]).lambda_.shape == (10,)
    with pytest.raises(ValueError, match="f has 11 judges; expected at most 10"):
        rectify_mean(y, f, pool)
    with pytest.raises(ValueError, match="f has 10 judges and 1 indicators of their answers"):
        rectify_mean(y, with_gaps(f[:, :10]), pool[:, :10], **INDICATOR)


def test_overall_is_for_one_judge():
    y, f, pool = sample()
    for name in ("linear", "logistic", "Poisson", "m"):
        assert np.ptp(CALLS[name](y, f[:, 0], pool[:, 0], lambda_="overall").lambda_) == 0
        with pytest.raises(ValueError, match='lambda_ is "overall" and there are 3 judges'):
            CALLS[name](y, f, pool, lambda_="overall")


# Judges who have not answered


def test_one_indicator_for_the_same_answers():
    y, f, pool = sample()
    f, pool = (with_gaps(with_gaps(part, 0), 1) for part in (f, pool))
    assert rectify_mean(y, f, pool, **INDICATOR).lambda_.shape == (4,)
    pool[1, 1] = np.nan  # one row more, in the pool only
    assert rectify_mean(y, f, pool, **INDICATOR).lambda_.shape == (5,)


def test_with_all_answers_an_indicator_is_nothing():
    y, f, pool = sample()
    assert rectify_mean(y, f, pool, **INDICATOR).to_json() == rectify_mean(y, f, pool).to_json()


def test_answers_that_cannot_be_used():
    y, f, pool = sample()
    nobody = [np.where(np.arange(3) == 2, np.nan, part) for part in (f, pool)]
    with pytest.raises(ValueError, match=r"f has judges without any answer \(40 rows\)"):
        rectify_mean(y, nobody[0], pool, **INDICATOR)
    # Predictions of the pool that are all made up would not move the estimate, and yet its error.
    with pytest.raises(ValueError, match=r"f_unlabeled has judges without any answer \(300 rows\)"):
        rectify_mean(y, f, nobody[1], **INDICATOR)
    for part in (f, pool):
        changed = [with_gaps(f), with_gaps(pool)]
        changed[part is pool][1, 0] = np.inf
        with pytest.raises(ValueError, match="infinite"):
            rectify_mean(y, *changed, **INDICATOR)
    with pytest.raises(ValueError, match="missing_judgements is 'drop'"):
        rectify_mean(y, f, pool, missing_judgements="drop")


@pytest.mark.slow
@pytest.mark.parametrize("informative", [False, True])
def test_intervals_with_indicators_cover(informative):
    """Whether a judge answers may depend on the label, as long as who got a label does not."""
    rng, covered, draws = np.random.default_rng(0), 0, 1_500
    widths = []
    for _ in range(draws):
        y = rng.normal(size=600)
        f = np.column_stack([y + rng.normal(size=600), y + 0.5 * rng.normal(size=600)])
        chance = 1 / (1 + np.exp(-2 * y)) if informative else np.full(600, 0.6)
        f[rng.random(600) > chance, 1] = np.nan
        result = rectify_mean(y[:50], f[:50], f[50:], **INDICATOR)
        low, high = result.confidence_interval()
        covered += low <= 0 <= high
        widths.append(result.standard_error / result.labels_only.standard_error)
    assert abs(covered / draws - 0.95) < 0.018
    assert np.mean(widths) < 0.85


# Measured


@pytest.mark.parametrize(
    ("cell", "widest"),
    [
        (("one good, the others noise", 3, 50, 0.9, 5000), -10.0),
        (("one good, the others a little worse", 5, 30, 0.5, 15), 2.0),
        (("one twice", 2, 30, 0.5, 30), 1e-6),
        (("useless", 8, 50, 0.9, 5000), 1.0),
    ],
    ids=str,
)
def test_intervals_are_no_wider_than_with_the_best_judge(cell, widest):
    """Beside the best single judge in hindsight, in percent; docs/judges_coverage.md has the whole grid."""
    result = benchmark("judges").measure(*cell, 60, 0)["the rule"]
    (width, sd, coverage, honest), _ = result
    assert max(width, sd) < widest
    assert 93.5 < coverage < 96.5
    assert 0.94 < honest < 1.06


def test_votes_on_answers_by_people_and_three_models():
    pd = pytest.importorskip("pandas")
    path = ROOT.parent / "shared" / "data" / "llm" / "chatbot_arena_judges.csv.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    votes = pd.read_csv(path)[["y_human", "y_gpt4", "y_claude3opus", "y_gpt35"]].dropna()
    y, f = votes.pop("y_human").to_numpy(), votes.to_numpy()
    rows = np.random.default_rng(0).permutation(len(y))
    labeled, pool = rows[:300], rows[300:6_000]
    result = rectify_mean(y[labeled], f[labeled], f[pool])
    singles = [rectify_mean(y[labeled], f[labeled, j], f[pool, j]).standard_error for j in range(3)]
    low, high = result.confidence_interval(0.99)
    assert low < y.mean() < high
    assert result.standard_error < 1.01 * min(singles)
    assert result.efficiency > 1.15
    assert result.lambda_[2] < 0.3 * result.lambda_[:2].sum()  # prefers the first answer


# Sampling designs

COLUMNS = {"w": "weights", "pi": "labeling_probability", "clusters": "clusters", "strata": "strata"}


def population(seed=0, r=60, m=300):
    """Labels, judgements, which rows are labeled, and all that a design may say."""
    rng = np.random.default_rng(seed)
    n = r + m
    clusters = rng.integers(0, 200, n)
    strata = clusters % 2
    y = rng.normal(size=200)[clusters] + rng.normal(size=n) + strata
    f = np.column_stack([y + scale * rng.normal(size=n) for scale in (0.6, 0.9)])
    labeled = rng.permutation(np.arange(n) < r)
    told = {"w": rng.uniform(0.2, 3, n), "pi": rng.uniform(0.05, 1, n)}
    return y, f, labeled, {**told, "clusters": clusters, "strata": strata}


def designs(labeled, said):
    return {
        name: SamplingDesign(**{COLUMNS[key]: values[side] for key, values in said.items()})
        for name, side in (("design", labeled), ("design_unlabeled", ~labeled))
    }


@pytest.mark.parametrize("lambda_", [None, [0.4, 0.3]])
@pytest.mark.parametrize(
    "said",
    [
        ("w",),
        ("clusters",),
        ("strata",),
        ("pi",),
        ("w", "clusters"),
        ("clusters", "strata"),
        ("w", "pi", "clusters", "strata"),
    ],
    ids=" ".join,
)
def test_designs_by_totals_of_clusters(said, lambda_):
    y, f, labeled, told = population()
    said = {name: told[name] for name in said}
    result = rectify_mean(
        *(y[labeled], f[labeled], f[~labeled]), lambda_=lambda_, **designs(labeled, said)
    )
    estimate, error, _, weights = naive.mean_under_design(y, f, labeled, lambda_, **said)
    np.testing.assert_allclose(result.lambda_, weights, rtol=1e-6)
    np.testing.assert_allclose([result.estimate, result.standard_error], [estimate, error], rtol=1e-7)
    assert result.design_effect > 0


@pytest.mark.parametrize("lambda_", [None, [0.4, 0.3]])
def test_finite_populations(lambda_):
    y, f, labeled, _ = population()
    result = rectify_mean(
        *(y[labeled], f[labeled], f[~labeled]), lambda_=lambda_, finite_population=True
    )
    estimate, error, _, weights = naive.mean_under_design(y, f, labeled, lambda_, finite=True)
    np.testing.assert_allclose(result.lambda_, weights, rtol=1e-6)
    np.testing.assert_allclose([result.estimate, result.standard_error], [estimate, error], rtol=1e-7)


@pytest.mark.parametrize("name", ["quantile", "difference", "linear", "m"])
def test_rows_as_clusters_are_rows(name):
    y, f, pool = sample()
    rows = {
        "design": SamplingDesign(clusters=np.arange(R)),
        "design_unlabeled": SamplingDesign(clusters=np.arange(R, R + M)),
    }
    plain, clustered = CALLS[name](y, f, pool), CALLS[name](y, f, pool, **rows)
    np.testing.assert_allclose(clustered.estimate, plain.estimate, rtol=1e-6)
    np.testing.assert_allclose(clustered.standard_error, plain.standard_error, rtol=0.02)
    assert clustered.lambda_.shape == plain.lambda_.shape


@pytest.mark.parametrize("name", ["quantile", "difference", "linear", "logistic", "m"])
def test_a_judge_with_weight_0_is_not_there_under_a_design(name):
    y, f, pool = sample()
    clusters = np.random.default_rng(0).integers(0, 70, R + M)
    w = np.random.default_rng(1).uniform(0.5, 2, R + M)
    design = {
        "design": SamplingDesign(clusters=clusters[:R], weights=w[:R]),
        "design_unlabeled": SamplingDesign(clusters=clusters[R:], weights=w[R:]),
    }
    both = CALLS[name](y, f[:, :2], pool[:, :2], lambda_=[0, 1], **design)
    alone = CALLS[name](y, f[:, 1], pool[:, 1], lambda_=1, **design)
    for one in ("estimate", "standard_error", "residual_variance", "rectifier"):
        np.testing.assert_allclose(getattr(both, one), getattr(alone, one), rtol=1e-7)


# Quantiles


@pytest.mark.parametrize("lambda_", [[0.5, 0.3, -0.2], [1.0, -1.0, 0.4], 0.3])
@pytest.mark.parametrize("level", [0.1, 0.5, 0.85])
@pytest.mark.parametrize("decimals", [0, 8])
def test_a_quantile_is_where_the_signed_curve_gets_there(lambda_, level, decimals):
    y, f, pool = (np.round(part, decimals) for part in sample())
    result = rectify_quantile(y, f, pool, level, lambda_=lambda_)
    weights = np.broadcast_to(lambda_, 3)
    assert result.estimate == naive.quantile(y, f, pool, level, weights)


@pytest.mark.parametrize("level", [0.3, 0.5])
def test_weights_of_a_quantile_are_those_of_indicators(level):
    y, f, pool = sample()
    t = np.quantile(y, level, method="inverted_cdf")
    for _ in range(2):
        lambda_ = naive.mean_of(*naive.below(y, f, pool, t))[3]
        t = naive.quantile(y, f, pool, level, lambda_)
    result = rectify_quantile(y, f, pool, level)
    np.testing.assert_allclose(result.lambda_, lambda_, rtol=1e-7)
    assert result.estimate == t
    low, high = result.confidence_interval()
    assert low < t < high


def test_predictions_have_the_quantile_over_the_pool():
    y, f, pool = sample()
    result = rectify_quantile(y, f, pool, [0.3, 0.7])
    for level, lambda_, rectifier, t in zip(
        [0.3, 0.7], result.lambda_, result.rectifier, result.estimate, strict=True
    ):
        moved = pool @ lambda_ + rectifier
        assert np.quantile(moved, level, method="inverted_cdf") == pytest.approx(t)


# Differences, regressions, M-estimates


def test_parts_of_a_difference():
    y, f, pool = sample()
    rng = np.random.default_rng(0)
    group, of_pool = (np.where(rng.random(n) < 0.5, "A", "B") for n in (R, M))
    result = rectify_difference(y, f, pool, group, of_pool)
    means = [rectify_mean(y[group == g], f[group == g], pool[of_pool == g]) for g in "AB"]
    for part, mean in zip(result.parts.values(), means, strict=True):
        assert part.to_json() == mean.to_json()
    assert result.estimate == means[1].estimate - means[0].estimate
    np.testing.assert_allclose(result.lambda_, (means[0].lambda_ + means[1].lambda_) / 2)
    given_ = rectify_difference(y, f, pool, group, of_pool, lambda_=[0.2, 0.1, 0.3])
    np.testing.assert_allclose(given_.parts["A"].lambda_, [0.2, 0.1, 0.3])


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson"])
def test_regressions_by_influence_values(family):
    rng = np.random.default_rng(0)
    r, m = 80, 300
    X = np.column_stack([np.ones(r + m), rng.normal(size=r + m)])
    eta = X @ [0.3, 0.5] + 0.6 * rng.normal(size=r + m)
    link = {"gaussian": lambda t: t, "binomial": lambda t: 1 / (1 + np.exp(-t)), "poisson": np.exp}
    f = link[family](eta[:, None] + rng.normal(size=(r + m, 2)) * [0.3, 0.6])
    y = {
        "gaussian": lambda mean: mean + 0.3 * rng.normal(size=len(mean)),
        "binomial": lambda mean: (rng.random(len(mean)) < mean) * 1.0,
        "poisson": lambda mean: rng.poisson(mean) * 1.0,
    }[family](link[family](eta))
    functions = {
        "gaussian": rectify_linear_regression,
        "binomial": rectify_logistic_regression,
        "poisson": rectify_poisson_regression,
    }
    result = functions[family](X[:r, 1:], y[:r], f[:r], X[r:, 1:], f[r:])
    of_y = fit_glm(X[:r], y[:r], family)
    of_f, of_pool = (
        np.stack([fit_glm(X[part], f[part, judge], family) for judge in (0, 1)], axis=2)
        for part in (slice(r), slice(r, None))
    )
    for number in (0, 1):
        estimate, error, degrees, lambda_ = naive.mean_of(
            of_y[:, number], of_f[:, number], of_pool[:, number], lost=2
        )
        np.testing.assert_allclose(result.lambda_[number], lambda_, rtol=1e-4, atol=1e-6)
        assert result.estimate[number] == pytest.approx(estimate, rel=1e-5)
        assert result.standard_error[number] == pytest.approx(error, rel=1e-5)
        assert result.degrees_of_freedom[number] == pytest.approx(degrees, rel=1e-4)


def test_an_m_estimate_of_a_mean_is_the_mean():
    y, f, pool = sample()
    nothing = np.empty((R, 0)), np.empty((M, 0))
    for options in ({}, {"lambda_": [0.5, 0.2, 0.1]}):
        result = m_estimate(
            lambda X, y, theta: y - theta[0], nothing[0], y, f, nothing[1], pool, start=[0], **options
        )
        mean = rectify_mean(y, f, pool, **options)
        same_lambda = np.reshape(result.lambda_, -1)
        np.testing.assert_allclose(same_lambda, mean.lambda_, rtol=1e-6)
        np.testing.assert_allclose(np.squeeze(numbers_of_one(result)), numbers(mean), rtol=1e-6)


def numbers_of_one(result):
    return np.array([result.estimate[0], result.standard_error[0], result.degrees_of_freedom[0]])


# Laws


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    order=st.permutations(range(4)),
    shift=st.floats(-1e3, 1e3),
    scale=st.floats(1e-3, 1e3),
    sign=st.sampled_from([-1, 1]),
)
def test_laws(seed, order, shift, scale, sign):
    y, f, pool = sample(seed, r=25, m=80, noise=(0.3, 0.5, 1.0, 5.0))
    plain = rectify_mean(y, f, pool)
    order, tolerance = list(order), 1e-6 * plain.standard_error
    shuffled = rectify_mean(y, f[:, order], pool[:, order])
    np.testing.assert_allclose(shuffled.lambda_, plain.lambda_[order], atol=1e-7)
    same(shuffled, plain, rtol=1e-6)
    factor = sign * scale
    moved = rectify_mean(factor * y + shift, f - shift, pool - shift)
    assert (moved.estimate - shift) / factor == pytest.approx(plain.estimate, abs=tolerance * 100)
    assert moved.standard_error / scale == pytest.approx(plain.standard_error, rel=1e-5)
    np.testing.assert_allclose(moved.lambda_ / factor, plain.lambda_, atol=1e-5)
    rows = np.random.default_rng(seed).permutation(25)
    same(rectify_mean(y[rows], f[rows], pool), plain, rtol=1e-6)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), n_judges=st.integers(2, 10), r=st.integers(6, 40))
def test_more_judges_are_no_disaster(seed, n_judges, r):
    """Of useless judges: an interval that is a number, and no shorter than it may be."""
    rng = np.random.default_rng(seed)
    y, f = rng.normal(size=r), rng.normal(size=(r, n_judges))
    result = rectify_mean(y, f, rng.normal(size=(300, n_judges)))
    assert np.isfinite(numbers(result)).all()
    assert 0.5 < result.standard_error / result.labels_only.standard_error < 1.6
    assert result.degrees_of_freedom > 0


# Estimators


def table(seed=0, n=500, n_labeled=80):
    """Features and, in the last two columns, judges; labels of some rows."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    y = X @ [1, 0.5, 0] + rng.normal(size=n)
    judges = np.column_stack([y + 0.7 * rng.normal(size=n), y + rng.normal(size=n)])
    labels = np.where(np.arange(n) < n_labeled, y, np.nan)
    return np.hstack([X, judges]), labels


def rectified(**options):
    return RectifiedMeanEstimator(Ridge(), **{"judges": [3, 4], "random_state": 0} | options)


def frozen(X, y):
    known = ~np.isnan(y)
    return FrozenEstimator(Ridge(alpha=100).fit(X[known], y[known]))


def test_a_frozen_model_is_a_judge_beside_others():
    X, y = table()
    model = frozen(*table(1))
    fitted = RectifiedMeanEstimator(model, judges=[3, 4], split_ratio=0).fit(X, y)
    f = np.column_stack([model.predict(X), X[:, 3:]])
    same(fitted.result_, rectify_mean(y[:80], f[:80], f[80:]), rtol=1e-12)
    np.testing.assert_allclose(fitted.predict(X), f @ fitted.lambda_ + fitted.rectifier_)
    assert fitted.predict(X[80:]).mean() == pytest.approx(fitted.mean_)


@pytest.mark.parametrize(
    "options",
    [
        {"cv": 4},
        {"recycle": False},
        {"cv": 4, "pool_prediction": "split"},
        {"cv": 4, "finite_population": True},
        {"power_tuning": False},
    ],
    ids=str,
)
def test_estimators_with_judges(options):
    X, y = table()
    fitted = rectified(**options).fit(X, y)
    assert fitted.lambda_.shape == (3,)
    assert abs(fitted.mean_) < 5 * fitted.standard_error_
    assert fitted.score(X, y) > 0
    if options == {"cv": 4}:
        assert fitted.predict(X[80:]).mean() == pytest.approx(fitted.mean_)
        assert fitted.standard_error_ < fitted.result_.labels_only.standard_error
    if options == {"power_tuning": False}:
        np.testing.assert_array_equal(fitted.lambda_, np.ones(3))
    assert clone(fitted).judges == [3, 4]
    other = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(other.predict(X), fitted.predict(X))


def test_groups_strata_and_weights_of_an_estimator():
    X, y = table()
    groups, w = np.arange(500) // 2, np.linspace(0.5, 2, 500)
    model = RectifiedMeanEstimator(frozen(*table(1)), judges=[3, 4], split_ratio=0)
    fitted = model.fit(X, y, groups=groups, sample_weight=w)
    f = np.column_stack([fitted.estimator_.predict(X), X[:, 3:]])
    design, of_pool = (
        SamplingDesign(clusters=groups[part], weights=w[part]) for part in (slice(80), slice(80, None))
    )
    plain = rectify_mean(y[:80], f[:80], f[80:], design=design, design_unlabeled=of_pool)
    same(fitted.result_, plain)
    crossed = rectified(cv=4).fit(X, y, groups=groups, strata=groups % 2)
    assert crossed.result_.design_effect > 0


def test_ways_to_name_judges():
    pd = pytest.importorskip("pandas")
    X, y = table()
    frame = pd.DataFrame(X, columns=["a", "b", "c", "gpt", "claude"])
    plain = rectified().fit(X, y)
    for data, judges in (
        (frame, ["gpt", "claude"]),
        (frame, slice("gpt", "claude")),
        (frame, lambda X: X[["gpt", "claude"]]),
        (frame, FunctionTransformer(lambda X: X[["gpt", "claude"]])),
        (X, slice(3, None)),
        (X, np.arange(5) > 2),
    ):
        fitted = rectified(judges=judges).fit(data, y)
        assert fitted.mean_ == pytest.approx(plain.mean_, rel=1e-12)
        np.testing.assert_allclose(fitted.predict(data), plain.predict(X))
    shuffled = frame[["claude", "c", "gpt", "b", "a"]]
    one = rectified(judges="gpt").fit(frame, y)
    assert one.lambda_.shape == (2,)
    assert rectified(judges="gpt").fit(shuffled, y).mean_ == pytest.approx(one.mean_)
    for judges, message in (
        (["gpt", "nobody"], "not among the columns"),
        ([], "names no column"),
        ([7], "not among the columns"),
    ):
        with pytest.raises(ValueError, match=message):
            rectified(judges=judges).fit(frame, y)


def test_what_judges_refuse():
    X, y = table()
    with pytest.raises(ValueError, match="y has 2 outputs and judges are given"):
        rectified().fit(X, np.column_stack([y, y]))
    many = np.hstack([X, np.random.default_rng(0).normal(size=(500, 8))])
    with pytest.raises(ValueError, match="There are 10 judges, 0 indicators"):
        rectified(judges=slice(3, None)).fit(many, y)
    with pytest.raises(ValueError, match="infinite"):
        rectified().fit(np.where(X[5, 3] == X, np.inf, X), y)
    with pytest.raises(ValueError, match="missing_judgements"):
        rectified(missing_judgements="drop").fit(X, y)
    model = RectifiedMeanEstimator(judges=[3, 4], random_state=0, **INDICATOR)
    for side, rows in (("80 labeled", slice(80)), ("420 unlabeled", slice(80, None))):
        nobody = X.copy()
        nobody[rows, 4] = np.nan
        with pytest.raises(ValueError, match=f"without any answer .of {side} rows"):
            model.fit(nobody, y)


def test_a_judge_of_labels_in_one_group_only_is_told():
    y, f, pool = sample(r=200)
    group, of_pool = (np.where(np.arange(n) % 2, "A", "B") for n in (200, M))
    pool[of_pool == "A", 1] = np.nan
    with pytest.warns(PredictionShiftWarning):
        rectify_difference(y, f, pool, group, of_pool, **INDICATOR)


@pytest.mark.parametrize(
    "make",
    [
        RectifiedMeanEstimator,
        RectifiedQuantile,
        RectifiedLinearRegression,
        RectifiedLogisticRegression,
        RectifiedPoissonRegression,
        RectifiedDifference,
    ],
)
def test_estimators_with_judges_who_have_not_answered(make):
    X, y = table()
    if make is RectifiedLogisticRegression:
        y = np.where(np.isnan(y), np.nan, y > 0)
        X[:, 3:] = 1 / (1 + np.exp(-X[:, 3:]))
    if make is RectifiedPoissonRegression:
        y, X[:, 3:] = np.round(np.exp(y / 2)), np.exp(X[:, 3:] / 2)
    gaps = with_gaps(X, 4)
    options = {"judges": [3, 4], "random_state": 0}
    if make is RectifiedDifference:
        options["group"] = lambda X: np.where(X[:, 0] > 0, "A", "B")
    if hasattr(make(), "covariates"):
        options["covariates"] = [0, 1]
    with pytest.raises(ValueError, match=ADVICE):
        make(**options).fit(gaps, y)
    fitted = make(**options, **INDICATOR).fit(gaps, y)
    assert fitted.lambda_.shape[-1] == 4
    assert np.isfinite(fitted.predict(gaps)).all()
    assert np.isfinite(fitted.predict(X)).all()
    assert fitted.score(gaps, y) > 0
    judged = fitted.result_.predictions_only
    plain = make(**options).fit(X, y).result_.predictions_only
    assert np.all(np.abs(judged.estimate - plain.estimate) < 0.5)
    if make is RectifiedMeanEstimator:
        own = make(**options, **INDICATOR, recycle=False).fit(gaps, y)
        assert own.predict(gaps[80:]).mean() == pytest.approx(own.mean_)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"cv": 5}, {}], ids=str)
def test_intervals_of_estimators_with_judges_cover(options):
    covered, draws = 0, 600
    for seed in range(draws):
        fitted = rectified(**options).fit(*table(seed, n_labeled=60))
        low, high = fitted.confidence_interval()
        covered += low <= 0 <= high
    assert abs(covered / draws - 0.95) < 0.027


def test_searching_among_judges():
    X, y = table()
    grid = {"judges": [None, [3], [3, 4]], "cv": [3]}
    search = GridSearchCV(rectified(), grid, cv=LabeledKFold(3, random_state=0)).fit(X, y)
    assert search.best_params_["judges"] in grid["judges"]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_judges_in_a_pipeline():
    X, y = table()
    same_columns = FunctionTransformer()
    fitted = make_pipeline(same_columns, rectified(cv=3)).fit(X, y)
    assert fitted[-1].mean_ == rectified(cv=3).fit(X, y).mean_
    assert fitted.predict(X).shape == (500,)


def test_nothing_is_printed_or_changed():
    X, y = table()
    before = X.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rectified(cv=3).fit(X, y).predict(X)
        rectify_mean(*sample())
    np.testing.assert_array_equal(X, before)
