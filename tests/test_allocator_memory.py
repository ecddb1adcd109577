"""What the allocator needs beside X, y and trainings: bounded, and the same numbers whatever holds its sets of labels."""

import tracemalloc

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin

from sklearn_ftr import FineTuneRectifyAllocator, RectifiedMeanEstimator
from sklearn_ftr.allocation._forms import INTERPOLATION, OTHERS, POWER
from sklearn_ftr.estimators._label_sets import LabelSet, Units
from sklearn_ftr.estimators._last_only import LastOnly
from sklearn_ftr.estimators._pilot import Pilot
from sklearn_ftr.estimators._trials import Trials


class Free(RegressorMixin, BaseEstimator):
    """Learns by counting."""

    def fit(self, X, y):
        self.n_ = len(y)
        return self

    def predict(self, X):
        return X[:, 0] + 5 * X[:, 1] / self.n_**0.5


def memory_of(function):
    """Peak and what is left, in bytes."""
    tracemalloc.start()
    made = function()
    left, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return made, peak, left


@pytest.mark.grid(2)
@pytest.mark.parametrize("design", ["weights", "strata"])
def test_memory_of_a_pilot_with_a_design(design, monkeypatch):
    """Measured: 149 bytes a label; 483 when each label was an array and predictions of all trials were kept."""
    n, rng = 30_000, np.random.default_rng(0)
    X = rng.normal(size=(n + 500, 2))
    y = X[:, 0] + 0.5 * rng.normal(size=n + 500)
    y[n:] = np.nan
    told = {"sample_weight": rng.uniform(0.5, 2, len(y))}
    if design == "strata":
        told = {"strata": rng.integers(3, size=len(y))}
    foresee, peaks = Pilot.foresee, []

    def measured(*arguments):
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        foreseen = foresee(*arguments)
        peaks.append(tracemalloc.get_traced_memory()[1] - before)
        return foreseen

    monkeypatch.setattr(Pilot, "foresee", measured)
    allocator = FineTuneRectifyAllocator(RectifiedMeanEstimator(Free()), n_bootstrap=2, random_state=0)
    memory_of(lambda: allocator.fit(X, y, **told))
    assert peaks[0] < 160 * n


def test_memory_of_trials():
    """A bit for each label and set: 8 bytes a label in 58 trials, and 35 at the peak; 48 and 84 as indices."""
    n = 100_000
    drawing = Trials(np.arange(n), np.random.RandomState(0))
    _, peak, left = memory_of(lambda: drawing.halvings(3.0 * n))
    assert left < 12 * n
    assert peak < 50 * n


def test_sets_of_labels():
    labeled = np.array([3, 5, 6, 10, 11, 12, 15, 20, 21])
    some = LabelSet.of(labeled, np.array([7, 0, 2]))
    np.testing.assert_array_equal(some.rows, [3, 6, 20])
    np.testing.assert_array_equal(some.positions, [0, 2, 7])
    np.testing.assert_array_equal(some.others.rows, np.setdiff1d(labeled, some.rows))
    assert LabelSet.of(labeled, slice(0, 1)).is_within(some)
    assert not LabelSet.of(labeled, slice(0, 2)).is_within(some)
    assert not len(LabelSet.of(labeled, slice(0)).rows)


def test_units_are_lists_of_positions_in_any_order():
    rng = np.random.default_rng(0)
    numbers = np.concatenate([np.arange(7), rng.integers(7, size=30)])
    order = rng.permutation(7)
    units = Units.numbered(numbers).take(order)
    naive = [np.flatnonzero(numbers == unit) for unit in order]
    np.testing.assert_array_equal(units.positions, np.concatenate(naive))
    np.testing.assert_array_equal(units.first, [unit[0] for unit in naive])
    np.testing.assert_array_equal(units.between(2, 5), np.concatenate(naive[2:5]))
    np.testing.assert_array_equal(units.between(4), np.concatenate(naive[4:]))
    np.testing.assert_array_equal(units.take(np.array([1])).positions, naive[1])
    assert len(units) == 7
    assert not len(units.between(0, 0))


def test_the_last_answer_is_kept_for_the_same_object_alone():
    asked, last = [], LastOnly()

    def length(one):
        asked.append(one)
        return len(one)

    one, equal = [1, 2], [1, 2]
    assert [last(length, one), last(length, one), last(length, equal), last(length, one)] == [2] * 4
    assert len(asked) == 3


@pytest.mark.parametrize("form", [POWER, *OTHERS, INTERPOLATION], ids=lambda form: form.name)
def test_parts_of_a_curve_are_fitted_at_once_as_one_by_one(form):
    """An infinite error leaves a size out, its place on the grid as well."""
    s = np.array([5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0])
    rng = np.random.default_rng(0)
    v = (0.3 + s**-0.4) * np.exp(0.05 * rng.normal(size=7))
    errors = 0.1 * v * np.exp(0.2 * rng.normal(size=7))
    ends = (7, 6, 5)
    table = np.array([np.where(np.arange(7) < end, errors, np.inf) for end in ends])
    together = form.fit(s, np.broadcast_to(v, table.shape), table)
    for law, end in zip(together, ends, strict=True):
        (alone,) = form.fit(s[:end], v[None, :end], errors[:end])
        np.testing.assert_allclose(law.predict(s), alone.predict(s), rtol=1e-9)
