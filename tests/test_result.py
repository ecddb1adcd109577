import copy
import dataclasses
import json
import pickle
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sklearn_ftr import (
    Estimate,
    ScalingLaw,
    rectify_difference,
    rectify_linear_regression,
    rectify_mean,
    rectify_quantile,
)
from sklearn_ftr.rectification._inference import welch_satterthwaite
from sklearn_ftr.rectification._recycling import recycle


@pytest.fixture
def result(rng):
    y = rng.normal(2, 1, size=60)
    return rectify_mean(y, y + rng.normal(size=60), rng.normal(2, 1.4, size=500))


@pytest.fixture
def two_outputs(rng):
    y = rng.normal(size=(60, 2))
    return rectify_mean(y, y + rng.normal(size=(60, 2)), rng.normal(size=(500, 2)))


def test_one_and_two_sided_intervals_agree_with_t(result):
    t = stats.t(result.degrees_of_freedom, result.estimate, result.standard_error)
    np.testing.assert_allclose(result.confidence_interval(0.9), (t.ppf(0.05), t.ppf(0.95)), rtol=1e-10)
    assert result.confidence_interval(0.9, "greater") == pytest.approx((t.ppf(0.1), np.inf))
    assert result.confidence_interval(0.9, "less") == pytest.approx((-np.inf, t.ppf(0.9)))


@settings(max_examples=50, deadline=None)
@given(level=st.floats(0.5, 0.999), alternative=st.sampled_from(["two-sided", "less", "greater"]))
def test_p_values_and_intervals_are_two_sides_of_one_test(level, alternative):
    estimate = Estimate(1.3, np.array([[0.04]]), 17.0)
    for end in estimate.confidence_interval(level, alternative):
        if np.isfinite(end):  # the ends of an interval are the nulls that its test just rejects
            assert estimate.p_value(end, alternative) == pytest.approx(1 - level, rel=1e-6)


def test_p_value_without_variance():
    sure = Estimate(2.0, np.zeros((1, 1)), 3.0)
    assert sure.p_value(2.0) == 1
    assert sure.p_value(2.0, "less") == 1
    assert sure.p_value(1.0) == 0
    assert sure.p_value(1.0, "greater") == 0
    assert sure.p_value(1.0, "less") == 1


def test_p_value_of_several_outputs(two_outputs):
    assert two_outputs.p_value(0).shape == (2,)
    assert two_outputs.p_value([0, two_outputs.estimate[1]])[1] == 1


def test_bad_alternative(result):
    for method in (result.confidence_interval, result.p_value):
        with pytest.raises(ValueError, match="alternative is 'larger'"):
            method(0.5, "larger")


def test_is_immutable(result):
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.estimate = 0.0


def test_copies_and_pickles(result):
    for twin in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert twin.to_dict() == result.to_dict()


def test_prints_a_table(result):
    text = str(result)
    lines = text.splitlines()
    assert "60 labeled rows" in lines[0]
    assert all(
        name in text for name in ("rectified", "labels only", "predictions only", "95 % interval")
    )
    assert f"{result.efficiency:.2f} times" in text
    low, high = result.confidence_interval()
    assert f"[{low:.3f}, {high:.3f}]" in text
    assert "RectifiedResult" in repr(result)


def test_html(two_outputs):
    html = two_outputs._repr_html_()
    assert html.count("<tr>") == 7  # the header, and two rows for each of three answers
    assert "labels only [1]" in html


def test_frame(result, two_outputs):
    frame = result.to_frame()
    assert frame.shape[0] == 1
    assert frame["estimate"].item() == result.estimate
    assert isinstance(frame, pd.DataFrame)
    assert list(two_outputs.to_frame()["estimate"]) == list(two_outputs.estimate)


SHORT = ["estimate", "standard error", "low", "high", "efficiency"]


def test_frame_is_short_and_fit_for_a_paper(result, two_outputs):
    pytest.importorskip("jinja2")  # of pandas' to_latex
    frame = result.to_frame()
    assert list(frame.columns) == SHORT
    assert list(frame.index) == ["mean"]
    assert frame["standard error"].item() == result.standard_error
    assert (frame["low"].item(), frame["high"].item()) == result.confidence_interval()
    for one in (result, two_outputs):
        latex = one.to_frame().to_latex(float_format="%.2f")
        assert "_" not in latex  # which LaTeX takes for a subscript
        assert f"& {' & '.join(SHORT)}" in latex


def test_summary_of_a_mean(result, two_outputs):
    table = result.summary(0.9, null=2.0)
    assert list(table.index) == ["mean"]
    assert table["p_value"].item() == result.p_value(2.0)
    assert (table["low"].item(), table["high"].item()) == result.confidence_interval(0.9)
    null = [0.1, two_outputs.estimate[1]]
    assert list(two_outputs.summary(null=null)["p_value"]) == list(two_outputs.p_value(null))
    assert two_outputs.summary(null=null)["p_value"][1] == 1


# JSON


def strict(text):
    """What a parser without extensions of its own reads."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_json_has_all_numbers(result, two_outputs):
    for one in (result, two_outputs):
        read = strict(one.to_json())
        for name, value in one.to_dict().items():
            np.testing.assert_array_equal(read[name], value, err_msg=name)
        np.testing.assert_array_equal(read["covariance"], one.covariance)
        assert read["verdict"] == one.verdict()
        assert read["estimand"] == "mean"
        assert read["names"] == []
        assert strict(one.to_json(indent=2)) == read
    assert "\n" in result.to_json(indent=2)
    assert "\n" not in result.to_json()


def test_json_of_names_and_parts(rng):
    y = pd.DataFrame(rng.normal(size=(60, 2)), columns=["good", 3])
    assert strict(rectify_mean(y, y + 1, y.to_numpy() + 1).to_json())["names"] == ["good", "3"]
    group = np.arange(60) % 2
    result = rectify_difference(y["good"], y["good"], y["good"], group, group)
    parts = strict(result.to_json())["parts"]
    assert list(parts) == ["0", "1"]
    assert parts["1"]["estimate"] - parts["0"]["estimate"] == result.estimate


def test_json_of_what_is_not_finite(rng):
    y = rng.normal(size=12)
    read = strict(rectify_quantile(y, y, y[:0], q=[0.05, 0.5, 0.95]).to_json())
    assert read["levels"] == [0.05, 0.5, 0.95]
    assert read["low"][0] == "-Infinity"
    assert read["high"][2] == "Infinity"
    assert float(read["high"][2]) == np.inf
    assert read["predictions_only"] == [None] * 3


def test_dict_of_one_number_is_plain_python(result):
    assert {type(value) for value in result.to_dict().values()} == {float, int}
    assert json.loads(json.dumps(result.to_dict())) == result.to_dict()


# Equality


def results(rng):
    y = rng.normal(size=(60, 2))
    group = np.arange(60) % 2
    yield rectify_mean(y, y + 1, y + 1)
    yield rectify_mean(y[:, 0], y[:, 1], y[:0, 0])
    yield rectify_quantile(y[:, 0], y[:, 1], y[:, 0], q=[0.1, 0.5])
    yield rectify_difference(y[:, 0], y[:, 1], y[:, 0], group, group)
    yield rectify_linear_regression(y[:, :1], y[:, 1], y[:, 1] + 1, y[:, :1], y[:, 1] + 1)


def test_equal_results_are_equal_and_others_are_not(rng):
    every = list(results(rng))
    for i, one in enumerate(every):
        for twin in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one), copy.copy(one)):
            assert twin == one
            assert hash(twin) == hash(one)
            assert str(twin) == str(one)
            assert twin.to_json() == one.to_json()
            assert twin.bootstrap(2, 0).tolist() == one.bootstrap(2, 0).tolist()
        assert all((one == other) == (i == j) for j, other in enumerate(every))
        assert dataclasses.replace(one, confidence_level=0.9) != one
        assert dataclasses.replace(one, estimate=one.estimate + 1e-12) != one
        assert one != one.estimate


# Without pandas


def test_what_needs_pandas_says_how_to_get_it(result, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    plan = ScalingLaw(2.0, 0.5, 1.0).plan(100, total_variance=3.0)
    for function, name in (
        (result.to_frame, r"to_frame\(\)"),
        (result.summary, r"summary\(\)"),
        (plan.to_frame, r"Plan.to_frame\(\)"),
    ):
        with pytest.raises(
            ImportError, match=rf"{name} needs pandas.*pip install 'sklearn-ftr\[frames\]'"
        ):
            function()
    assert result.to_json()
    assert "rectified" in str(result)


def test_numbers_hang_together(result):
    assert result.efficiency == pytest.approx(
        (result.labels_only.standard_error / result.standard_error) ** 2
    )
    assert result.effective_sample_size == pytest.approx(60 * result.efficiency)
    pool_mean = result.predictions_only.estimate
    assert result.lambda_ * pool_mean + result.rectifier == pytest.approx(result.estimate)


def test_welch_satterthwaite_limits():
    nine, many = np.array([9.0]), np.array([999.0])
    assert welch_satterthwaite([np.ones(1), np.zeros(1)], [nine, many]) == 9
    assert welch_satterthwaite([np.zeros(1), np.ones(1)], [nine, many]) == 999
    assert welch_satterthwaite([np.zeros(1), np.zeros(1)], [nine, many]) == 9
    assert welch_satterthwaite([np.full(1, 1e-200)] * 2, [nine, nine]) == pytest.approx(18)


# Recycling


def estimate(value, variance, degrees):
    return Estimate(np.array([value]), np.array([[variance]]), np.array([degrees]))


def test_recycling_is_inverse_variance_with_meiers_factor():
    combined, weight = recycle(estimate(1.0, 1.0, 30.0), estimate(2.0, 3.0, 10.0))
    assert weight == pytest.approx(0.25)
    assert combined.estimate == pytest.approx(1.25)
    meier = 1 + 4 * 0.25 * 0.75 * (1 / 30 + 1 / 10)
    assert combined.covariance[0, 0] == pytest.approx(0.75 * meier)
    assert combined.degrees_of_freedom == pytest.approx(1 / (0.75**2 / 30 + 0.25**2 / 10))


def test_recycling_of_certain_and_useless_answers():
    combined, weight = recycle(estimate(1.0, 0.0, 5.0), estimate(2.0, 3.0, 5.0))
    assert (weight, combined.estimate, combined.covariance) == (0, 1, 0)
    combined, weight = recycle(estimate(1.0, 0.0, 5.0), estimate(1.0, 0.0, 5.0))
    assert (weight, combined.estimate, combined.covariance) == (0, 1, 0)


def test_recycling_keeps_covariances(rng):
    A, B = (np.cov(rng.normal(size=(2, 50))) for _ in range(2))
    big = np.full(2, 1e9)  # so that Meier's factor is one
    combined, weight = recycle(Estimate(np.zeros(2), A, big), Estimate(np.ones(2), B, big))
    rest = np.diag(1 - weight)
    np.testing.assert_allclose(
        combined.covariance, rest @ A @ rest + np.diag(weight) @ B @ np.diag(weight)
    )
    np.testing.assert_allclose(combined.estimate, weight)
