"""Intervals of shares: exact sums, classical limits, and what must hold for any labels that are 0 or 1."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.naive_bayes import GaussianNB
from test_simulations import benchmark

from sklearn_ftr import (
    RectifiedDifference,
    RectifiedMeanEstimator,
    SamplingDesign,
    rectify_difference,
    rectify_mean,
)
from sklearn_ftr.rectification._binomial_tests import exact_tail, lowest, mixed_tail, score_tail
from sklearn_ftr.rectification._intervals import of_labels_only
from sklearn_ftr.rectification._share_interval import ShareInference

share_coverage = benchmark("share_coverage")
share_refits = benchmark("share_refits")
SIDES = ("two-sided", "less", "greater")
NULLS = np.linspace(0.01, 0.99, 23)


def made(n=40, m=300, p=0.15, error=0.1, seed=0):
    """Labels, predictions and the pool's."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n + m) < p) * 1.0
    f = np.abs(y - (rng.random(n + m) < error))
    return y[:n], f[:n], f[n:]


def clustered(n_rows, n_clusters, seed=0):
    rng = np.random.default_rng(seed)
    return SamplingDesign(clusters=rng.integers(n_clusters, size=n_rows))


def grouped(design=False, p=0.15):
    y, f, pool = made(80, 400, p)
    group, of_pool = np.arange(80) % 2, np.arange(400) % 2
    extra = {}
    if design:
        extra = {
            "design": SamplingDesign(clusters=np.arange(80) // 3),
            "design_unlabeled": SamplingDesign(clusters=100 + np.arange(400) // 3),
        }
    return rectify_difference(y, f, pool, group, of_pool, **extra)


RESULTS = {
    "mean": lambda: rectify_mean(*made()),
    "labels only": lambda: rectify_mean(*made()[:2], []),
    "plain": lambda: rectify_mean(*made(), lambda_=1.0),
    "one class": lambda: rectify_mean(np.ones(12), made(12)[1], made()[2]),
    "judges": lambda: rectify_mean(
        made()[0], np.column_stack([made()[1], made(seed=1)[1]]), np.column_stack([made()[2]] * 2)
    ),
    "finite": lambda: rectify_mean(*made(), finite_population=True),
    "clusters": lambda: rectify_mean(
        *made(),
        design=clustered(40, 15),
        design_unlabeled=SamplingDesign(clusters=100 + np.arange(300) // 4),
    ),
    "strata": lambda: rectify_mean(
        *made(),
        design=SamplingDesign(strata=np.arange(40) % 2),
        design_unlabeled=SamplingDesign(strata=np.arange(300) % 2),
    ),
    "difference": grouped,
    "difference of clusters": lambda: grouped(design=True),
    "difference of ones": lambda: rectify_difference(
        np.ones(20), np.ones(20), np.ones(60), np.arange(20) % 2, np.arange(60) % 2
    ),
}


@pytest.fixture(scope="module", params=RESULTS)
def result(request):
    return RESULTS[request.param]()


def test_exact_coverage_of_labels_alone():
    """Two-sided 94 % (93 % where hardly a label of the rarer class is expected), one-sided 93.5 %; widths beside the narrowest valid classic."""
    narrowest = share_coverage.narrowest_of_labels()
    table = share_coverage.exact_rows(mixed_tail, exact_tail)
    for cell, (both, lower, upper, width) in table.items():
        assert both > share_coverage.needed(*cell), cell
        assert min(lower, upper) > 0.945, cell
        # Wilson covers 97.9 % there; any smooth rule that mends p = 0.3 is wider.
        assert width / narrowest[cell] < (1.052 if cell == (0.5, 10) else 1.03), cell


@pytest.mark.parametrize(("tail", "method"), [(exact_tail, "exact"), (score_tail, "wilson")])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
def test_classical_intervals(tail, method, level):
    for n in (1, 7, 60, 2_000):
        count = np.unique(np.linspace(0, n, 9).round())
        known = [stats.binomtest(int(x), n).proportion_ci(level, method) for x in count]
        low, high = share_coverage.limits(count, np.full(len(count), n), tail, (1 - level) / 2)
        np.testing.assert_allclose(low, [one.low for one in known], rtol=0, atol=1e-11)
        np.testing.assert_allclose(high, [one.high for one in known], rtol=0, atol=1e-11)


def test_one_sided_limits_of_labels_alone_are_clopper_and_pearsons():
    y, f, _ = made()
    result = rectify_mean(y, f, [])
    count, n = int(y.sum()), len(y)
    low = result.confidence_interval(0.9, "greater").low
    high = result.confidence_interval(0.9, "less").high
    assert low == pytest.approx(stats.beta.ppf(0.1, count, n - count + 1), abs=1e-12)
    assert high == pytest.approx(stats.beta.ppf(0.9, count + 1, n - count), abs=1e-12)
    p_value = stats.binomtest(count, n, 0.1, "greater").pvalue
    assert result.p_value(0.1, "greater") == pytest.approx(p_value, rel=1e-12)


def test_limits_reach_the_level():
    rng = np.random.default_rng(0)
    size = 10 ** rng.uniform(0.5, 6, 300)
    count = 0.2 + (size - 0.4) * rng.random(300) ** 4
    for tail in (exact_tail, mixed_tail):
        found = lowest(tail, count, size, 0.025)
        np.testing.assert_allclose(tail(count, size, found), 0.025, rtol=1e-9)


def test_inside_and_never_of_zero_width(result):
    least = -1.0 if result.parts else 0.0
    for level in (0.5, 0.95, 0.9999):
        low, high = result.confidence_interval(level)
        assert least <= low < high <= 1.0
    assert not result.zero_width
    assert result.confidence_interval(alternative="greater").high == 1.0 or result.n_unlabeled
    assert "share" in result.interval_method


@pytest.mark.parametrize("alternative", SIDES)
def test_p_value_inverts_the_interval(result, alternative):
    low, high = result.confidence_interval(0.9, alternative)
    for null in NULLS - 0.5 * bool(result.parts):
        if min(abs(null - low), abs(null - high)) > 1e-9:
            below, above = alternative != "less", alternative != "greater"
            refuted = (below and null < low) or (above and null > high)
            assert (result.p_value(null, alternative) > 0.1) != refuted, null


def test_p_value_of_the_estimate_and_of_what_is_impossible():
    result = rectify_mean(*made())
    assert result.p_value(result.shares.share) == 1.0
    assert [result.p_value(-0.1, side) for side in SIDES] == [0.0, 1.0, 0.0]
    assert [result.p_value(np.inf, side) for side in SIDES] == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("pool", [0, 50])
def test_labels_of_one_class(value, pool):
    """As labels alone; the rule of three is not far."""
    result = rectify_mean(np.full(30, value), np.linspace(0, 1, 30), np.linspace(0, 1, pool))
    low, high = result.confidence_interval()
    far = high if value == 0 else 1 - low
    assert (low if value == 0 else 1 - high) == 0
    assert 3 / 30 < far < 4 / 30


def test_relabeling_mirrors_the_interval():
    y, f, pool = made()
    low, high = rectify_mean(y, f, pool).confidence_interval()
    mirrored = rectify_mean(1 - y, 1 - f, 1 - pool).confidence_interval()
    np.testing.assert_allclose((1 - high, 1 - low), mirrored, atol=1e-12)


def test_several_shares_at_once():
    one, other = made(p=0.1), made(p=0.6, seed=5)
    both = rectify_mean(*(np.column_stack(columns) for columns in zip(one, other, strict=True)))
    alone = [rectify_mean(*columns) for columns in (one, other)]
    for side in SIDES:
        ends = [single.confidence_interval(0.9, side) for single in alone]
        np.testing.assert_allclose(both.confidence_interval(0.9, side), np.transpose(ends), rtol=1e-12)
        tests = [single.p_value(0.3, side) for single in alone]
        np.testing.assert_allclose(both.p_value(0.3, side), tests, rtol=1e-9)
    assert both.shares.share.shape == (2,)


def test_the_benchmark_has_the_packages_numbers():
    for n, m, p in ((10, 60, 0.3), (40, 30, 0.1), (60, 400, 0.02)):
        sets = [made(n, m, p, seed=seed) for seed in range(12)]
        y, f, pool = (np.array(part) for part in zip(*sets, strict=True))
        count, size = share_coverage.effective(y, f, pool.mean(axis=1), m * pool.var(axis=1), m)
        shares = [rectify_mean(*one).shares for one in sets]
        np.testing.assert_allclose(size, [one.size for one in shares], rtol=1e-9)
        np.testing.assert_allclose(count / size, [one.share for one in shares], atol=1e-12)


@pytest.mark.parametrize("design", share_refits.DESIGNS)
def test_many_draws_in_one_fit_are_fits_of_their_own(design):
    features, y = share_refits.population(np.random.default_rng(4), 0.3, 90, 3)
    y[30:] = np.nan
    model = RectifiedMeanEstimator(
        share_refits.ManyBayes(), random_state=1, **share_refits.DESIGNS[design]
    )
    many = model.fit(features, y).result_.shares
    for k in range(3):
        one = model.fit(features[:, 2 * k : 2 * k + 2], y[:, k]).result_.shares
        np.testing.assert_allclose(
            (many.share[k], many.size[k]), (one.share, one.size), rtol=1e-9, atol=1e-12
        )


@pytest.mark.thorough
def test_residuals_of_cross_fitting_do_not_look_too_small():
    """With the degrees of freedom of given predictions 91 % of these intervals hold the truth."""
    both, lower, upper, _ = share_refits.cell(0.1, 10, 500, "K = 5", 2_000, 3)
    assert both > 0.945
    assert min(lower, upper) > 0.945


def test_many_bayes_is_naive_bayes():
    features, y = share_refits.population(np.random.default_rng(5), 0.3, 60, 2)
    said = share_refits.ManyBayes().fit(features, y).predict(features)
    for k in range(2):
        own = features[:, 2 * k : 2 * k + 2]
        one = GaussianNB().fit(own, y[:, k]).predict_proba(own)[:, 1]
        np.testing.assert_allclose(said[:, k], one, atol=1e-9)
    np.testing.assert_array_equal(
        share_refits.ManyBayes().fit(features[:, :2], np.ones(60)).predict(features[:, :2]), 1.0
    )


def test_cells_that_were_kept_are_not_measured_again(tmp_path, monkeypatch):
    keep = tmp_path / "cells"
    share_refits._kept(keep, 0.3, 10, 20, "split", 5, 0)
    monkeypatch.setattr(share_refits, "cell", None)
    both, *_ = share_refits._kept(keep, 0.3, 10, 20, "split", 5, 0)
    assert 0 <= both <= 1


@pytest.mark.parametrize(
    "cell", [(0.02, 50, "binary, 5 %"), (0.1, 20, "perfect"), (0.97, 20, "useless")]
)
def test_coverage_where_student_t_fails(cell):
    """Of labels alone 64 % of t intervals of the first, and 46 % of the last, hold the truth."""
    p, n, judge = cell
    rng = np.random.default_rng(0)
    mean, squares = share_coverage.pool_moments(rng, p, judge, 5_000, 2_000)
    rows = share_coverage.labeled_rows(rng, p, judge, n, 2_000)
    both, lower, upper, _ = share_coverage.held(
        *share_coverage.effective(*rows, mean, squares, 5_000), p
    )
    assert both > 0.925
    assert min(lower, upper) > 0.92


def test_a_useless_judge_costs_no_width():
    y, _, pool = made(60, 500, 0.3)
    rng = np.random.default_rng(3)
    widths = [
        np.diff(rectify_mean(y, rng.random(60), rng.random(500)).confidence_interval())
        for _ in range(30)
    ]
    alone = np.diff(rectify_mean(y, y, pool[:0]).confidence_interval())
    assert np.mean(widths) < 1.02 * alone


def test_a_judge_that_was_never_wrong_is_not_believed_at_once():
    """50 labels exclude no error rate below 5 %, and the interval must say so."""
    y = np.r_[np.ones(5), np.zeros(45)]
    result = rectify_mean(y, y, np.r_[np.ones(500), np.zeros(4_500)])
    low, high = result.confidence_interval()
    assert low < 0.075
    assert high > 0.14
    assert high - low < 0.7 * np.diff(rectify_mean(y, y, []).confidence_interval())


def test_census_is_a_point():
    y, f, _ = made()
    result = rectify_mean(y, f, [], finite_population=True)
    assert result.confidence_interval() == pytest.approx((y.mean(), y.mean()))
    assert result.p_value(result.estimate) == 1.0
    assert result.p_value(0.5) == 0.0


def test_a_census_of_two_groups_is_a_point():
    y = made()[0]
    result = rectify_difference(y, y, [], np.arange(40) % 2, [], finite_population=True)
    assert result.confidence_interval() == pytest.approx((result.estimate, result.estimate))
    for alternative in SIDES:
        assert result.p_value(result.estimate, alternative) == 1.0
    assert result.p_value(0.9) == 0.0


def test_a_group_whose_rows_all_have_labels_is_certain():
    y, _, pool = made()
    group, of_pool = np.repeat(["A", "B"], 20), np.full(300, "B")
    result = rectify_difference(
        *(y, y, pool, group, of_pool),
        design=SamplingDesign(strata=group),
        design_unlabeled=SamplingDesign(strata=of_pool),
        finite_population=True,
    )
    first, second = result.parts.values()
    assert first.confidence_interval() == pytest.approx((y[:20].mean(), y[:20].mean()))
    np.testing.assert_allclose(
        result.confidence_interval(), np.array(second.confidence_interval()) - y[:20].mean()
    )


@pytest.mark.filterwarnings("ignore::sklearn_ftr.ZeroWidthIntervalWarning")
@pytest.mark.parametrize("seed", range(30))
def test_no_variance_of_a_difference_is_negative(seed):
    """Groups that are alike in every cluster differ by rounding, whose sign is anybody's guess."""
    clusters = np.arange(60) // 4
    y = np.where(np.random.default_rng(seed).random(15) < 0.3, 1.0, 0.0)[clusters]
    group, design = np.arange(60) % 4 == 3, SamplingDesign(clusters=clusters)
    result = rectify_difference(y, y, [], group, [], design=design)
    assert 0 <= result.standard_error < 1e-7
    assert np.isfinite(result.confidence_interval(method="t")).all()


@pytest.mark.parametrize("p", [0.0, 0.3])
def test_labels_only_of_groups_of_a_design_are_shares_too(p):
    """As without one, where a design says nothing."""
    y, f, pool = made(60, p=p)
    groups = np.arange(60) % 2, np.arange(300) % 2
    said = rectify_difference(
        *(y, f, pool, *groups),
        design=SamplingDesign(clusters=np.arange(60)),
        design_unlabeled=SamplingDesign(clusters=100 + np.arange(300)),
    )
    plain = rectify_difference(y, f, pool, *groups)
    for one, other in zip((said, *said.parts.values()), (plain, *plain.parts.values()), strict=True):
        np.testing.assert_allclose(
            of_labels_only(one).confidence_interval(), of_labels_only(other).confidence_interval()
        )


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_largest_difference_is_not_refuted_by_itself(sign):
    y = np.repeat([0.0, 1.0], 6)
    group = np.repeat(["A", "B"], 6) if sign > 0 else np.repeat(["B", "A"], 6)
    result = rectify_difference(y, y, [], group, [])
    assert result.estimate == sign
    for alternative in SIDES:
        assert result.p_value(sign, alternative) == 1.0
    assert result.p_value(2 * sign) == 0.0


def test_almost_a_census_is_almost_a_point():
    """What has been counted is never excluded, and unseen errors are in the rest only."""
    y, f, _ = made(200)
    widths = []
    for m in (200, 20, 2):
        result = rectify_mean(y, f, f[:m], finite_population=True)
        low, high = result.confidence_interval(0.99999)
        assert y.sum() / (200 + m) - 1e-12 <= low
        assert high <= (y.sum() + m) / (200 + m) + 1e-12
        widths.append(high - low)
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


def test_perfect_predictions_of_a_finite_population_are_a_point_by_student_t():
    """The share's own interval adds rows that were not seen, so that it is none."""
    y = np.tile([0.0, 1.0, 0.0], 20)
    result = rectify_mean(y, y, np.tile(y, 3), lambda_=1.0, finite_population=True)
    assert np.ptp(result.confidence_interval(method="t")) < 1e-12
    assert np.ptp(result.confidence_interval()) > 0.01


def test_designs_that_say_nothing_change_nothing():
    y, f, pool = made()
    plain = rectify_mean(y, f, pool)
    designs = {
        "design": SamplingDesign(clusters=np.arange(40), weights=np.full(40, 2.0)),
        "design_unlabeled": SamplingDesign(clusters=np.arange(40, 340), weights=np.full(300, 2.0)),
    }
    np.testing.assert_allclose(
        rectify_mean(y, f, pool, **designs).confidence_interval(),
        plain.confidence_interval(),
        rtol=1e-12,
    )


def test_weights_count_as_fewer_rows():
    y = np.zeros(40)
    weights = np.r_[np.full(20, 3.0), np.ones(20)]
    result = rectify_mean(y, y, [], design=SamplingDesign(weights=weights))
    assert result.shares.size == pytest.approx(weights.sum() ** 2 / np.sum(weights**2))


def test_clusters_that_are_alike_count_once():
    """40 rows in 10 clusters without variance within: about 10 labels, with the t quantile of 9 degrees of freedom."""
    y = np.repeat([0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0], 4)
    result = rectify_mean(y, y, [], design=SamplingDesign(clusters=np.arange(40) // 4))
    assert 7 < result.shares.size < 10.5


@pytest.mark.parametrize("settings", [{"split_ratio": 0.5}, {"cv": 5}])
def test_estimators(settings):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((460, 2))
    y = (X[:, 0] + rng.standard_normal(460) > 1.5) * 1.0
    y[60:] = np.nan
    model = RectifiedMeanEstimator(share_refits.ManyBayes(), random_state=0, **settings).fit(X, y)
    low, high = model.confidence_interval()
    assert 0 < low < model.mean_ < high < 1
    assert model.result_.shares.size > 50
    labels = model.result_.labels_shares
    assert labels.size == pytest.approx(60)
    assert labels.share == pytest.approx(np.nanmean(y))


def test_estimator_of_a_difference():
    rng = np.random.default_rng(1)
    X = np.column_stack([np.arange(400) % 2, rng.standard_normal(400)])
    y = (X[:, 1] + rng.standard_normal(400) > 1.5) * 1.0
    y[120:] = np.nan
    model = RectifiedDifference(GaussianNB(), group=0, random_state=0, cv=5).fit(X, y)
    low, high = model.confidence_interval()
    assert -1 < low < model.difference_ < high < 1
    assert (model.p_value(0) > 0.05) == (low < 0 < high)


def test_evidence_is_small_and_can_be_pickled():
    result = rectify_mean(*made())
    copy = pickle.loads(pickle.dumps(result.shares))
    assert copy.confidence_interval() == result.confidence_interval()
    assert len(pickle.dumps(result.shares)) < 1_000


def test_bad_alternative_level_and_null():
    shares = ShareInference(0.3, 20.0)
    with pytest.raises(ValueError, match="alternative"):
        shares.p_value(0.3, "larger")
    with pytest.raises(ValueError, match="between 0 and 1"):
        shares.confidence_interval(95)
    with pytest.raises(ValueError, match="null"):
        shares.p_value(np.nan)


# Several shares


def test_selected_shares_keep_their_interval():
    y, f, pool = (np.column_stack([made(seed=seed)[i] for seed in (0, 1, 2)]) for i in range(3))
    result = rectify_mean(y, f, pool, interval="share", finite_population=True)
    one, two = result.select("1"), result.select("2", "0")
    ends = np.array(result.confidence_interval())
    np.testing.assert_array_equal(one.confidence_interval(), ends[:, 1])
    np.testing.assert_array_equal(two.confidence_interval(), ends[:, [2, 0]])
    np.testing.assert_array_equal(two.p_value(0.1, "less"), result.p_value(0.1, "less")[[2, 0]])
    assert one.interval_method == result.interval_method
    rest = one - result.select("0")
    assert rest.interval_method == result.interval_method


@pytest.mark.parametrize("name", ["difference", "difference of clusters", "difference of ones"])
def test_a_selected_difference_keeps_its_interval(name):
    result = RESULTS[name]()
    told = result.select(0)
    assert told.confidence_interval() == result.confidence_interval()
    assert told.p_value(0.1) == result.p_value(0.1)
    assert told.interval_method == result.interval_method
    assert "no variance" not in str(told)
    doubled = result.contrast([2.0])
    assert doubled.confidence_interval() == pytest.approx(2 * np.array(result.confidence_interval()))
    assert doubled.p_value(0.2) == pytest.approx(result.p_value(0.1), rel=1e-6)


def test_shares_of_one_class_count_among_many():
    y, f, pool = (np.column_stack([made(seed=seed)[i] for seed in (0, 1)]) for i in range(3))
    one_class = np.array([1.0, 0.0])
    result = rectify_mean(y * one_class, f * one_class, pool * one_class)
    wide, narrow = (
        np.diff(result.confidence_interval(simultaneous=simultaneous), axis=0)[0]
        for simultaneous in (True, False)
    )
    assert (wide > narrow).all()
    assert (narrow > 0).all()


def test_sums_of_shares_of_one_class_are_not_certain():
    y, f, pool = (np.zeros((size, 2)) for size in (20, 20, 100))
    for told in (
        rectify_mean(y, f, pool).contrast([-1, 1]),
        rectify_mean(y, f, pool).contrast([0.5, 0.5]),
    ):
        low, high = told.confidence_interval()
        assert high - low > 0.1
        assert told.p_value(0.01) > 0.05
        assert "no variance" not in str(told)
    by_t = rectify_mean(y, f, pool).with_interval("t").contrast([-1, 1])
    assert "Some interval has zero width" in str(by_t)


# Sums of shares


def systems(n=30, m=200, p=(0.1, 0.2), alike=0.8, seed=0):
    """Labels of as many systems of the same rows, their predictions and the pool's."""
    rng = np.random.default_rng(seed)
    own, common = rng.random((n + m, len(p))), rng.random((n + m, 1))
    y = (np.where(rng.random((n + m, 1)) < alike, common, own) < p) * 1.0
    f = np.abs(y - (rng.random(y.shape) < 0.1))
    return y[:n], f[:n], f[n:]


shares_of_labels = st.tuples(
    st.floats(0.02, 0.98), st.floats(0.02, 0.98), st.floats(0, 1), st.integers(0, 99)
)
WEIGHTS = ([-1.0, 1.0], [0.5, 0.5], [1.0, -2.0], [0.25, 0.75])


@pytest.mark.grid(4)
@pytest.mark.parametrize("weights", WEIGHTS)
@given(drawn=shares_of_labels)
@settings(max_examples=15, deadline=None)
def test_sums_are_possible_nested_and_inverted(weights, drawn):
    first, second, alike, seed = drawn
    told = rectify_mean(*systems(12, 40, (first, second), alike, seed)).contrast(weights)
    least, most = sum(min(one, 0) for one in weights), sum(max(one, 0) for one in weights)
    ends = np.array([told.confidence_interval(level) for level in (0.5, 0.8, 0.95, 0.999)])
    assert (np.diff(ends[:, 0]) <= 1e-12).all()
    assert (np.diff(ends[:, 1]) >= -1e-12).all()
    assert least - 1e-12 <= ends[-1, 0] < ends[-1, 1] <= most + 1e-12
    for (low, high), level in zip(ends, (0.5, 0.8, 0.95, 0.999), strict=True):
        for end, edge in ((low, least), (high, most)):
            if abs(end - edge) > 1e-9:
                assert told.p_value(end) == pytest.approx(1 - level, abs=1e-6)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_sums_of_other_signs_are_mirrored(weights):
    result = rectify_mean(*systems())
    one, other = result.contrast(weights), result.contrast(-np.array(weights))
    assert np.array(one.confidence_interval()) == pytest.approx(
        -np.array(other.confidence_interval())[::-1]
    )
    assert one.p_value(0.1, "less") == pytest.approx(other.p_value(-0.1, "greater"))


def test_shares_of_one_sum_at_a_time_are_those_of_several_at_once():
    result = rectify_mean(*systems(p=(0.1, 0.3, 0.5)))
    together = result.contrast([[-1, 1, 0], [0, 0, 1], [1 / 3, 1 / 3, 1 / 3]])
    for at, weights in enumerate(([-1, 1, 0], [0, 0, 1], [1 / 3, 1 / 3, 1 / 3])):
        alone = result.contrast(weights)
        assert [end[at] for end in together.confidence_interval()] == pytest.approx(
            alone.confidence_interval()
        )
        assert together.p_value(0.2)[at] == pytest.approx(alone.p_value(0.2), rel=1e-5)


def test_systems_that_are_alike_are_told_apart_better_than_independent_ones():
    """Paired rows count, and systems without any difference in the sample may have one in others."""
    y, f, pool = systems(100, 400, (0.3, 0.3), alike=1.0)
    alike = rectify_mean(y, f, pool).contrast([-1, 1])
    apart = rectify_mean(*systems(100, 400, (0.3, 0.3), alike=0.0)).contrast([-1, 1])
    widths = [np.diff(one.confidence_interval())[0] for one in (alike, apart)]
    assert 0 < widths[0] < 0.7 * widths[1]
    same = rectify_mean(
        np.repeat(y[:, :1], 2, axis=1),
        np.repeat(f[:, :1], 2, axis=1),
        np.repeat(pool[:, :1], 2, axis=1),
    )
    low, high = same.contrast([-1, 1]).confidence_interval()
    assert 2 / 100 < high < 6 / 100
    assert low == pytest.approx(-high)


def test_results_of_the_same_rows_are_subtracted_as_shares():
    y, f, pool = systems()
    results = [rectify_mean(y[:, at], f[:, at], pool[:, at]) for at in (0, 1)]
    told = results[1] - results[0]
    assert told.interval_method.startswith("share")
    at_once = rectify_mean(y, f, pool).contrast([-1, 1])
    assert np.array(told.confidence_interval()) == pytest.approx(
        np.array(at_once.confidence_interval()), abs=0.03
    )
    numbers = rectify_mean(y[:, 0] + 0.5, f[:, 0], pool[:, 0])
    assert (results[1] - numbers).shares is None


@pytest.mark.parametrize("name", ["mean", "difference", "difference of clusters", "one class"])
def test_a_result_less_itself_is_nothing(name):
    result = RESULTS[name]()
    told = result - result
    assert told.confidence_interval() == (0, 0)
    assert (told.p_value(0.0), told.p_value(0.1), told.efficiency) == (1, 0, 1)


# Efficiency


def test_efficiency_promises_what_the_interval_shows():
    """A judge without an error among 40 labels."""
    y = (np.random.default_rng(0).random(1_040) < 0.9) * 1.0
    result = rectify_mean(y[:40], y[:40], y[40:])
    assert result.efficiency == pytest.approx(result.shares.size / result.labels_shares.size)
    assert 1.5 < result.efficiency < 5
    assert f"{result.efficiency:.2f} times" in result.verdict()
    assert result.with_interval("t").efficiency > 20
    assert result.effective_sample_size == pytest.approx(40 * result.efficiency)
    census = rectify_mean(y[:40], y[:40], y[40:], finite_population=True)
    assert np.isfinite(census.efficiency)
    assert "zero width" not in census.verdict()
    assert result.select(0).efficiency == pytest.approx(result.efficiency)


@pytest.mark.parametrize("name", ["difference", "difference of clusters", "difference of ones"])
def test_efficiency_of_differences(name):
    result = RESULTS[name]()
    assert 0.5 < result.efficiency < 6
    assert result.contrast([-3.0]).efficiency == pytest.approx(result.efficiency)


def test_without_predictions_a_share_is_worth_its_labels():
    assert RESULTS["labels only"]().efficiency == pytest.approx(1.0)
    everybody = rectify_mean(np.tile([0.0, 1.0], 10), np.zeros(20), np.empty(0), finite_population=True)
    assert everybody.efficiency == 1.0
