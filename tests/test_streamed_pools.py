"""Pools that estimators read block by block: every answer is that of the same rows in X, with labels that are missing."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    PoolSource,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedMeanEstimator,
    RectifiedPoissonRegression,
    RectifiedQuantile,
)
from sklearn_ftr.estimators import _predicted_pool

LABELED, POOL, BLOCK = 150, 2_003, 401
NAMES = list("abcd")
ESTIMANDS = {
    "mean": (RectifiedMeanEstimator, {}, "number"),
    "difference": (RectifiedDifference, {"group": 3}, "number"),
    "linear": (RectifiedLinearRegression, {"covariates": [0, 1]}, "number"),
    "logistic": (RectifiedLogisticRegression, {"covariates": [0, 1]}, "share"),
    "poisson": (RectifiedPoissonRegression, {"covariates": [0]}, "count"),
    "quantile": (RectifiedQuantile, {"q": [0.3, 0.5]}, "number"),
}
WAYS = {"split": {"split_ratio": 0.3}, "cv": {"cv": 5}, "zero-shot": {}}
CASES = [(name, way) for name in ESTIMANDS for way in WAYS]
REGRESSIONS = ["linear", "logistic", "poisson"]


class Rows:
    """Rows, labels of the first of them, and the others as a pool."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(LABELED + POOL, 4))
        X[:, 3] = X[:, 3] > 0
        eta = X[:, 0] - 0.5 * X[:, 1]
        self.y = {
            "number": eta + rng.normal(size=len(X)),
            "share": rng.binomial(1, 1 / (1 + np.exp(-eta))).astype(float),
            "count": rng.poisson(np.exp(eta / 2)).astype(float),
        }
        self.X, self.kinds = X, list(self.y)

    def partial(self, kind):
        y = self.y[kind].copy()
        y[LABELED:] = np.nan
        return y

    def estimator(self, name, way):
        cls, parameters, kind = ESTIMANDS[name]
        model = LogisticRegression() if kind == "share" else Ridge()
        if way == "zero-shot":
            other = Rows(seed=1)
            model = FrozenEstimator(model.fit(other.X, other.y[kind]))
        return cls(model, **parameters, **WAYS[way], random_state=0), kind

    def blocks(self, first=LABELED, size=BLOCK):
        return lambda: (self.X[i : i + size] for i in range(first, len(self.X), size))


@pytest.fixture(scope="module")
def rows():
    return Rows()


class Source:
    """An object with blocks."""

    def __init__(self, make):
        self.make = make

    def blocks(self):
        return self.make()


def assert_same(one, other, rtol=1e-10):
    for of in ("estimate", "standard_error"):
        np.testing.assert_allclose(getattr(one, of), getattr(other, of), rtol=rtol, atol=1e-13)
    np.testing.assert_allclose(
        one.confidence_interval(), other.confidence_interval(), rtol=rtol, atol=1e-12
    )
    assert (one.n_labeled, one.n_unlabeled) == (other.n_labeled, other.n_unlabeled)


@pytest.mark.parametrize(("name", "way"), CASES)
def test_pools_in_blocks_are_rows_without_labels(rows, name, way):
    estimator, kind = rows.estimator(name, way)
    y = rows.partial(kind)
    in_X = clone(estimator).fit(rows.X, y).result_
    X, labels = rows.X[:LABELED], y[:LABELED]
    assert_same(in_X, clone(estimator).fit(X, labels, pool=rows.blocks()).result_)
    assert_same(in_X, clone(estimator).fit(X, labels, pool=Source(rows.blocks())).result_)
    assert_same(in_X, clone(estimator).fit(X, labels, pool=rows.X[LABELED:]).result_)


@pytest.mark.parametrize(("name", "way"), CASES)
def test_rows_without_labels_come_before_those_in_blocks(rows, name, way):
    estimator, kind = rows.estimator(name, way)
    y, first = rows.partial(kind), LABELED + 333
    in_X = clone(estimator).fit(rows.X, y).result_
    assert_same(in_X, clone(estimator).fit(rows.X[:first], y[:first], pool=rows.blocks(first)).result_)


@pytest.mark.parametrize("name", ["mean", *REGRESSIONS])
@pytest.mark.parametrize("way", ["split", "cv"])
def test_predictions_that_are_not_kept_change_nothing(rows, name, way, monkeypatch):
    """Nor those that are kept on disk."""
    estimator, kind = rows.estimator(name, way)
    kept = clone(estimator).fit(rows.X, rows.partial(kind)).result_
    monkeypatch.setattr(_predicted_pool, "KEPT_BYTES", 1_000)
    assert_same(kept, clone(estimator).fit(rows.X, rows.partial(kind)).result_, rtol=1e-12)


def test_tables_in_files_are_pools(rows, tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(rows.X, columns=NAMES)
    frame[LABELED:].to_parquet(tmp_path / "pool.parquet", index=False)
    estimator, y = RectifiedMeanEstimator(Ridge(), cv=5, random_state=0), rows.partial("number")
    in_X = clone(estimator).fit(frame, y).result_
    streamed = estimator.fit(frame[:LABELED], y[:LABELED], pool=tmp_path / "pool.parquet").result_
    assert_same(in_X, streamed)


def test_tables_in_files_become_frames_like_those_of_x(rows, tmp_path):
    pl = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    frame = pl.DataFrame(dict(zip(NAMES, rows.X.T, strict=True)))
    pd.DataFrame(rows.X[LABELED:], columns=NAMES).to_parquet(tmp_path / "pool.parquet", index=False)
    estimator, y = RectifiedMeanEstimator(NeedsPolars(), cv=5, random_state=0), rows.partial("number")
    streamed = estimator.fit(frame[:LABELED], y[:LABELED], pool=tmp_path / "pool.parquet").result_
    assert streamed.n_unlabeled == POOL


class NeedsPolars(Ridge):
    """Reads data frames of polars only."""

    def fit(self, X, y):
        return super().fit(X.to_numpy(), y)

    def predict(self, X):
        assert type(X).__module__.startswith("polars")
        return super().predict(X.to_numpy())


def test_several_outputs(rows):
    y = np.column_stack([rows.partial("number"), rows.partial("count")])
    estimator = RectifiedMeanEstimator(Ridge(), cv=4, random_state=0)
    in_X = clone(estimator).fit(rows.X, y).result_
    assert_same(in_X, estimator.fit(rows.X[:LABELED], y[:LABELED], pool=rows.blocks()).result_)


def test_pipelines(rows):
    model = make_pipeline(StandardScaler(), LinearRegression())
    estimator, y = (
        RectifiedMeanEstimator(model, split_ratio=0.4, random_state=0),
        rows.partial("number"),
    )
    in_X = clone(estimator).fit(rows.X, y).result_
    assert_same(in_X, estimator.fit(rows.X[:LABELED], y[:LABELED], pool=rows.blocks()).result_)


def test_the_allocator(rows):
    y = rows.partial("number")
    in_X = FineTuneRectifyAllocator(random_state=0).fit(rows.X, y)
    streamed = FineTuneRectifyAllocator(random_state=0)
    streamed.fit(rows.X[:LABELED], y[:LABELED], pool=rows.blocks())
    assert in_X.verdict_ == streamed.verdict_
    np.testing.assert_allclose(in_X.mean_, streamed.mean_, rtol=1e-10)


@pytest.mark.parametrize("name", ["mean", "difference"])
def test_a_generator_suffices_for_one_pass(rows, name):
    estimator, kind = rows.estimator(name, "cv")
    X, y = rows.X[:LABELED], rows.y[kind][:LABELED]
    again = clone(estimator).fit(X, y, pool=rows.blocks()).result_
    assert_same(again, clone(estimator).fit(X, y, pool=rows.blocks()()).result_)


@pytest.mark.parametrize("way", WAYS)
def test_a_mean_reads_its_pool_once(rows, way):
    read = []

    def counted():
        read.append(1)
        return rows.blocks()()

    estimator, kind = rows.estimator("mean", way)
    estimator.fit(rows.X[:LABELED], rows.y[kind][:LABELED], pool=counted)
    assert len(read) == 1


@pytest.mark.parametrize("name", REGRESSIONS)
def test_regressions_say_that_a_generator_is_not_enough(rows, name):
    estimator, kind = rows.estimator(name, "cv")
    with pytest.raises(ValueError, match="gone once they have been read"):
        estimator.fit(rows.X[:LABELED], rows.y[kind][:LABELED], pool=rows.blocks()())


def test_columns_in_another_order_are_refused(rows):
    frame = pd.DataFrame(rows.X, columns=NAMES)
    estimator = RectifiedMeanEstimator(Ridge(), cv=5)
    with pytest.raises(ValueError, match="expected the same in the same order"):
        estimator.fit(
            frame[:LABELED],
            rows.y["number"][:LABELED],
            pool=lambda: iter([frame[LABELED:1000], frame[1000:][NAMES[::-1]]]),
        )


@pytest.mark.parametrize("frames", [False, True])
@pytest.mark.parametrize("size", [BLOCK, 2_003], ids=["several", "one"])
def test_lists_of_blocks_say_how_to_pass_them(rows, size, frames):
    estimator, kind = rows.estimator("mean", "cv")
    table = pd.DataFrame(rows.X, columns=NAMES) if frames else rows.X
    blocks = [table[i : i + size] for i in range(LABELED, len(table), size)]
    labeled = table[:LABELED], rows.y[kind][:LABELED]
    with pytest.raises(ValueError, match=r"pool is a list of .* pass PoolSource"):
        clone(estimator).fit(*labeled, pool=blocks)
    assert_same(
        clone(estimator).fit(*labeled, pool=PoolSource(blocks)).result_,
        clone(estimator).fit(*labeled, pool=table[LABELED:]).result_,
    )


def test_a_list_of_rows_is_a_pool(rows):
    estimator, kind = rows.estimator("mean", "cv")
    labeled = rows.X[:LABELED], rows.y[kind][:LABELED]
    as_array = clone(estimator).fit(*labeled, pool=rows.X[LABELED:]).result_
    assert_same(clone(estimator).fit(*labeled, pool=list(rows.X[LABELED:])).result_, as_array)


class FailsLate(Ridge):
    """Predicts NaN for a row that has a large number."""

    def predict(self, X):
        return np.where(X[:, 0] > 1e6, np.nan, super().predict(X))


def test_a_failed_fit_leaves_the_estimator_as_it_was(rows):
    X, y = rows.X[:LABELED], rows.y["number"][:LABELED]
    estimator = RectifiedMeanEstimator(FailsLate(), cv=5, random_state=0)
    before = estimator.fit(X, y, pool=rows.blocks()).result_
    bad = rows.X[LABELED:].copy()
    bad[1_500, 0] = 1e7
    with pytest.raises(ValueError, match="FailsLate") as error:
        estimator.fit(X, y, pool=lambda: (bad[i : i + BLOCK] for i in range(0, len(bad), BLOCK)))
    assert estimator.result_ is before
    assert "rows 1,203 to 1,603 of the pool" in error.value.__notes__[0]


class AltersRows(Ridge):
    """Writes into what it is given."""

    def predict(self, X):
        f = super().predict(X)
        X *= 0
        return f


def test_models_that_alter_their_rows_alter_no_pool(rows):
    X, y, pool = rows.X[:LABELED], rows.y["number"][:LABELED], rows.X[LABELED:].copy()
    plain = RectifiedMeanEstimator(Ridge(), cv=5, random_state=0).fit(X, y, pool=pool).result_
    altered = RectifiedMeanEstimator(AltersRows(), cv=5, random_state=0).fit(X, y, pool=pool).result_
    assert_same(plain, altered)
    np.testing.assert_array_equal(pool, rows.X[LABELED:])


def test_no_pool_is_no_pool(rows):
    estimator, y = RectifiedMeanEstimator(Ridge(), cv=5, random_state=0), rows.partial("number")
    assert_same(
        clone(estimator).fit(rows.X, y).result_, clone(estimator).fit(rows.X, y, pool=None).result_
    )


def test_a_pool_is_no_parameter(rows):
    estimator = RectifiedMeanEstimator(Ridge(), cv=5, random_state=0)
    before = estimator.get_params()
    estimator.fit(rows.X[:LABELED], rows.y["number"][:LABELED], pool=rows.blocks())
    assert estimator.get_params().keys() == before.keys()
    assert not hasattr(clone(estimator), "result_")


@pytest.mark.grid(2)
@pytest.mark.parametrize(("name", "way"), [("mean", "cv"), ("logistic", "split")])
def test_memory_is_that_of_a_block(name, way):
    """1.5 million rows of four numbers, 48 MB together, in blocks of 0.4."""
    rows, n_blocks, size = Rows(), 120, 12_500

    def blocks():
        for seed in range(n_blocks):
            yield np.random.default_rng(seed).normal(size=(size, 4))

    estimator, kind = rows.estimator(name, way)
    tracemalloc.start()
    try:
        result = estimator.fit(rows.X[:LABELED], rows.y[kind][:LABELED], pool=blocks).result_
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.n_unlabeled == n_blocks * size
    assert peak < 24 * 2**20
