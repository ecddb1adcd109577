import copy
import dataclasses
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sklearn_ftr import Estimate, rectify_mean
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
