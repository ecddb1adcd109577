"""What contrasts answer as results do: looks, labels needed, notes, settings; and ways to name numbers."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from sklearn_ftr import (
    RectifiedMeanEstimator,
    SamplingDesign,
    rectify_difference,
    rectify_linear_regression,
    rectify_mean,
    rectify_quantile,
)
from sklearn_ftr.rectification._intervals import of_labels_only

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_ftr.ZeroWidthIntervalWarning")
METHODS = ["auto", "t", "skewed", "bootstrap-t"]
N, ROWS = 150, 1_500


def sides(y, f, n=N):
    return y[:n], f[:n], f[n:]


def ratings(k=3, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.exponential(size=(ROWS, 1)) + rng.normal(0.2 * np.arange(k), 0.7, size=(ROWS, k))
    return y, y + rng.normal(0.3, 0.6, size=y.shape)


def passes(k=3, seed=0):
    rng = np.random.default_rng(seed)
    y = (rng.normal(size=(ROWS, 1)) + rng.normal(0.3 * np.arange(k), 1, size=(ROWS, k)) > 0) * 1.0
    return y, np.where(rng.random(y.shape) < 0.1, 1 - y, y)


def rated(**settings):
    return rectify_mean(*sides(*ratings()), **settings)


def half_width(answer, level=0.95):
    low, high = answer.confidence_interval(level)
    return float(np.max(np.subtract(high, low))) / 2


def several():
    y, f = ratings()
    cluster, stratum = np.arange(ROWS) // 3, (f[:, 0] > 1) * 1
    for name, values in {"clusters": cluster, "strata": stratum}.items():
        designs = (SamplingDesign(**{name: one}) for one in (values[:N], values[N:]))
        keys = ("design", "design_unlabeled")
        yield name, rectify_mean(*sides(y, f), **dict(zip(keys, designs, strict=True)))
    yield "ratings", rectify_mean(*sides(y, f))
    yield "passes", rectify_mean(*sides(*passes()))
    yield "finite", rectify_mean(*sides(y, f), finite_population=True)
    labels = np.where(np.arange(ROWS)[:, None] < N, y, np.nan)
    for cv in (None, 5):
        yield f"cv={cv}", RectifiedMeanEstimator(cv=cv, random_state=0).fit(f, labels).result_
    X = np.column_stack([np.ones(ROWS), y[:, 1], f[:, 2]])
    yield (
        "slopes",
        rectify_linear_regression(X[:N], y[:N, 0], f[:N, 0], X[N:], f[N:, 0], fit_intercept=False),
    )


RESULTS = dict(several())


# Looks


@pytest.mark.parametrize("name", RESULTS)
def test_numbers_that_are_picked_have_the_looks_of_the_result(name):
    result = RESULTS[name]
    picked = result.contrast(np.eye(3))
    for method in ("auto", "t"):
        told, expected = (
            one.confidence_sequence(0.9, n_first=60, method=method) for one in (picked, result)
        )
        assert_allclose(told, expected, rtol=1e-9, atol=1e-9)
        p = [one.always_valid_p_value(0.4, n_first=60, method=method) for one in (picked, result)]
        assert_allclose(*p, rtol=1e-6)


def test_a_look_at_a_difference_is_its_interval_at_another_level():
    told = rated().select(1) - rated().select(0)
    assert half_width(told) * 1.3 < np.diff(told.confidence_sequence(n_first=100))[0] / 2
    assert told.always_valid_p_value() == told.always_valid_p_value(0.0) > told.p_value()
    with pytest.raises(ValueError, match="n_first is 151, but there are 150 labels"):
        told.confidence_sequence(n_first=151)


# Labels needed


@pytest.mark.parametrize("name", RESULTS)
def test_the_half_width_in_hand_asks_for_the_labels_in_hand(name):
    told = RESULTS[name].contrast([1, -1, 0])
    needed = told.required_labels(half_width(told) * (1 + 1e-9))
    assert abs(needed.n_labeled - N) <= 1
    assert told.required_labels(half_width(told) / 1.2).n_labeled > N


def test_a_contrast_needs_the_labels_of_the_column_that_it_is():
    """Where weights are given, everything is that of the mean of the difference."""
    y, f = ratings(2)
    both = rectify_mean(*sides(y, f), lambda_=0.7).contrast([1, -1])
    alone = rectify_mean(*sides(y @ [1, -1], f @ [1, -1]), lambda_=0.7)
    for asked in ({"half_width": 0.1}, {"effect": 0.2}, {"effect": 0.2, "power": 0.9}):
        told, expected = (one.required_labels(**asked, n_rows=9_000) for one in (both, alone))
        assert abs(told.n_labeled - expected.n_labeled) <= 1
        assert abs(told.labels_only - expected.labels_only) <= 1


def test_units_of_a_contrast_are_those_of_what_it_needs():
    y, f = ratings()
    group = np.random.default_rng(1).integers(0, 2, ROWS)
    parts = rectify_difference(*sides(y[:, 0], f[:, 0]), group[:N], group[N:])
    for result, weights in ((rated(), np.array([1, -1, 0])), (parts, np.array([1]))):
        told = [result.contrast(factor * weights).required_labels(0.2 * factor) for factor in (1, 3)]
        assert abs(told[0].n_labeled - told[1].n_labeled) <= 1
    told, expected = (one.required_labels(0.2).n_labeled for one in (parts.select(0), parts))
    assert abs(told - expected) <= 1


def test_two_calls_need_about_as_many_labels_as_one():
    y, f = ratings(2)
    first, second = (rectify_mean(*sides(y[:, i], f[:, i])) for i in (0, 1))
    at_once = rectify_mean(*sides(y, f)).contrast([1, -1])
    told, expected = (one.required_labels(0.12) for one in (first - second, at_once))
    assert told.n_labeled == pytest.approx(expected.n_labeled, rel=0.1)
    assert abs(told.labels_only - expected.labels_only) <= 1


def test_the_order_of_contrasts():
    steps = rated().contrast([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    told, expected = (one.required_labels(rank=True).n_labeled for one in (steps, rated()))
    assert abs(told - expected) <= 1
    with pytest.raises(ValueError, match="rank is True, but there is a single number"):
        steps.select(0).required_labels(rank=True)


@pytest.mark.parametrize("method", [*METHODS, "share"])
def test_labels_only_are_those_of_the_interval_that_the_table_shows(method):
    share = rectify_mean(*sides(*(one[:, 0] for one in passes())), interval=method)
    answers = [share] if method == "share" else [share, rated(interval=method).select(0)]
    for answer in answers:
        in_hand = half_width(of_labels_only(answer))
        needed = answer.required_labels(in_hand * (1 + 1e-9), n_rows=1e9)
        assert abs(needed.labels_only - N) <= 1
    student = share.with_interval("t").required_labels(0.06).labels_only
    of_shares = share.required_labels(0.06).labels_only
    assert (of_shares < student) == (method in ("auto", "share"))


def test_labels_without_variance_tell_nothing_of_more_of_them():
    rng = np.random.default_rng(0)
    f = rng.normal(size=400)
    told = rectify_mean(np.full(100, 3.0), f[:100], f[100:], lambda_=0.5)
    needed = told.required_labels(half_width(told))
    assert np.isnan(needed.labels_only)
    assert str(needed).endswith("labels only: not known.")


# Notes


def test_few_labels_of_a_group_are_told_of():
    y, f = ratings()
    group = np.arange(ROWS) % 10 > 0
    told = rectify_difference(*sides(y[:, 0], f[:, 0], 60), group[:60], group[60:])
    note = "Too few labels to trust the interval: False (about 6)"
    for answer in (told, told.select(0), told.contrast([-2])):
        assert note in str(answer)
    assert "Too few" not in str(rated().select(0))


def test_labels_only_of_a_number_that_is_picked_are_as_in_the_result():
    for result in RESULTS.values():
        picked = result.contrast(np.eye(3))
        told, expected = (of_labels_only(one).confidence_interval(0.9) for one in (picked, result))
        if picked.labels_shape is not None or picked.labels_shares is not None:
            assert_allclose(told, expected, rtol=1e-9, atol=1e-12)


def test_verdict_of_a_contrast():
    y, f = ratings()
    both = rectify_mean(*sides(y, f), lambda_=0.5)
    assert both.contrast([1, 0, 0]).verdict() == both.select(0).verdict()
    assert "Each label counts" in str(both.contrast([1, -1, 0]))
    assert "zero width" in (both - both).verdict()
    assert json.loads(both.select(0).to_json())["verdict"] == both.select(0).verdict()
    assert list(both.select(0).to_frame()) == list(both.to_frame())


# Settings


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"interval": "t"}, r"interval 'auto' and 't'; .* result.with_interval\('auto'\)"),
        ({"confidence_level": 0.9}, r"confidence_level 0.95 and 0.9; .*with_confidence_level\(0.95\)"),
    ],
)
def test_settings_of_both_sides_of_a_difference(change, message):
    plain, other = rated(), rated(**change)
    with pytest.raises(ValueError, match=message):
        plain.select(0) - other.select(1)
    ((name, value),) = change.items()
    agreed = getattr(plain, f"with_{name}")(value).select(0) - other.select(1)
    assert getattr(agreed, name) == value
    assert getattr(agreed.select(0), name) == value
    assert getattr(agreed.contrast([2]), name) == value


def test_a_contrast_keeps_what_it_has_been_told():
    told = rated().contrast(np.eye(3)[:2]).with_interval("t").with_confidence_level(0.8)
    again = told.contrast([1, -1])
    assert (again.interval, again.confidence_level) == ("t", 0.8)
    assert_allclose(
        again.confidence_interval(), rated().contrast([1, -1, 0]).confidence_interval(0.8, method="t")
    )
    with pytest.raises(ValueError, match="confidence_level is 2"):
        told.with_confidence_level(2)


def test_shares_may_be_subtracted_whatever_they_are_called():
    """Whether one asked for the interval of shares or left the choice open."""
    y, f = passes()
    first, second = (
        rectify_mean(*sides(y[:, i], f[:, i]), interval=one) for i, one in ((0, "share"), (1, "auto"))
    )
    here, there = (first - second).confidence_interval(), (second - first).confidence_interval()
    assert_allclose(here, np.negative(there)[::-1], rtol=1e-6, atol=1e-9)
    with pytest.raises(ValueError, match="interval 'auto' and 't'"):
        first - second.with_interval("t")


def test_confidence_levels_of_groups_follow():
    y, f = ratings()
    group = np.arange(ROWS) % 2
    told = rectify_difference(*sides(y[:, 0], f[:, 0]), group[:N], group[N:]).with_confidence_level(0.8)
    assert {part.confidence_level for part in told.parts.values()} == {0.8}
    assert pickle.loads(pickle.dumps(told.select(0))) == told.select(0)


# Names


def named(columns):
    return rectify_mean(*(pd.DataFrame(one, columns=columns) for one in sides(*ratings())))


@pytest.mark.parametrize(
    ("names", "positions"),
    [
        (("b",), [1]),
        ((-1,), [2]),
        ((0, 0), [0, 0]),
        (("a", "a"), [0, 0]),
        (("b", 0), [1, 0]),
        ((np.int64(2), "a"), [2, 0]),
    ],
)
def test_ways_to_select(names, positions):
    result = named(list("abc"))
    told = result.select(*names)
    assert_allclose(told.estimate, np.squeeze(result.estimate[positions]))
    assert np.ndim(told.estimate) == (len(names) > 1)
    assert told.names == tuple("abc"[at] for at in positions)
    told.confidence_interval(simultaneous=True)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), r"select\(\) got no names; expected some of \['a', 'b', 'c'\], or positions"),
        ((3,), "3 is no number of this result; .* or positions up to 2"),
        ((-4,), "-4 is no number"),
        ((["a", "b"],), r"\['a', 'b'\] is no number of this result; expected names, each by itself"),
        ((True,), "True is no number"),
        ((1.0,), "1.0 is no number"),
    ],
)
def test_what_is_no_selection(names, message):
    with pytest.raises(ValueError, match=message):
        named(list("abc")).select(*names)


def test_names_that_are_whole_numbers_come_before_positions():
    result = named([2, 0, 2025])
    for name, position in ((0, 1), (2, 0), (1, 1), (2025, 2), (-1, 2)):
        assert_allclose(result.select(name).estimate, result.estimate[position])
    told = result.contrast({2025: 1, "2": -1})
    assert_allclose(told.estimate, result.estimate[2] - result.estimate[0])


def test_names_that_several_numbers_have():
    result = named(["a", "a", "b"])
    for ask in (lambda: result.select("a"), lambda: result.contrast({"a": 1, "b": -1})):
        with pytest.raises(ValueError, match=r"2 numbers are called 'a'; .* by an array of 3"):
            ask()
    assert_allclose(result.select(1).estimate, result.estimate[1])
    assert_allclose(result.contrast([1, -1, 0]).estimate, -np.diff(result.estimate)[0])


@pytest.mark.parametrize(
    "C", [{"a": 1, 0: -1}, {0: 1, "0": 1}, pd.DataFrame([[1, 2]], columns=["a", "a"])]
)
def test_a_number_is_weighed_once(C):
    result = rated() if "0" in C else named(list("abc"))
    with pytest.raises(ValueError, match="C weighs a number more than once"):
        result.contrast(C)


def test_the_name_of_one_contrast():
    result = rated()
    assert result.contrast([1, -1, 0], names="gain").names == ("gain",)
    with pytest.raises(ValueError, match="names is 'abc'; expected one name for each of 3 contrasts"):
        result.contrast(np.eye(3), names="abc")


def test_quantiles_refuse_in_plain_words():
    y, f = ratings()
    told = rectify_quantile(*sides(y[:, 0], f[:, 0]), q=[0.25, 0.75])
    for ask in (
        lambda: told.select(0),
        lambda: told.required_labels(rank=True),
        lambda: rated() - told,
    ):
        with pytest.raises(ValueError, match="joint covariance of quantiles is not estimated"):
            ask()
    narrow = told.with_confidence_level(0.8).confidence_interval()
    assert_allclose(narrow, told.confidence_interval(0.8))
