"""Collections of dask: labels come to the client, the pool stays where it is, and every answer is that of the same rows in memory."""

import os
import subprocess
import sys
import threading
import time
import tracemalloc
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.linear_model import LogisticRegression, Ridge

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    PoolSource,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedMeanEstimator,
    RectifiedPoissonRegression,
    RectifiedQuantile,
    rectify_linear_regression,
    rectify_mean,
    rectify_quantile,
)
from sklearn_ftr.estimators._dask_graph import Graph

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")

NAMES = list("abcd")
N, LABELED = 4_000, 200
ESTIMANDS = {
    "mean": (RectifiedMeanEstimator, {}, "number"),
    "difference": (RectifiedDifference, {"group": "d"}, "number"),
    "linear": (RectifiedLinearRegression, {"covariates": ["a", "b"]}, "number"),
    "logistic": (RectifiedLogisticRegression, {"covariates": ["a", "b"]}, "share"),
    "poisson": (RectifiedPoissonRegression, {"covariates": ["a"]}, "count"),
    "quantile": (RectifiedQuantile, {}, "number"),
}
WAYS = {"split": {"split_ratio": 0.3}, "cv": {"cv": 5}}
CASES = [(name, way) for name in ESTIMANDS for way in WAYS]


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(N, 4)), columns=NAMES)
    frame["d"] = (frame["d"] > 0).astype(float)
    eta = frame["a"] - 0.5 * frame["b"]
    frame["number"] = eta + rng.normal(size=N)
    frame["share"] = rng.binomial(1, 1 / (1 + np.exp(-eta))).astype(float)
    frame["count"] = rng.poisson(np.exp(eta / 2)).astype(float)
    hidden = rng.permutation(N)[LABELED:]
    frame.loc[hidden, ["number", "share", "count"]] = np.nan
    return frame


def estimator_of(name, way):
    cls, parameters, kind = ESTIMANDS[name]
    model = LogisticRegression() if kind == "share" else Ridge()
    return cls(model, **parameters, **WAYS[way], random_state=0), kind


def mean_estimator():
    return RectifiedMeanEstimator(Ridge(), cv=5, random_state=0)


def assert_same(one, other):
    for of in ("estimate", "standard_error"):
        np.testing.assert_allclose(getattr(one, of), getattr(other, of), rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(
        one.confidence_interval(), other.confidence_interval(), rtol=1e-10, atol=1e-12
    )
    assert (one.n_labeled, one.n_unlabeled) == (other.n_labeled, other.n_unlabeled)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
@pytest.mark.parametrize(("name", "way"), CASES)
def test_frames_give_what_they_give_in_memory(frame, name, way, scheduler):
    estimator, kind = estimator_of(name, way)
    in_memory = clone(estimator).fit(frame[NAMES], frame[kind]).result_
    parts = dd.from_pandas(frame, npartitions=5)
    with dask.config.set(scheduler=scheduler):
        assert_same(in_memory, estimator.fit(parts[NAMES], parts[kind]).result_)


@pytest.mark.parametrize("columns", [4, 2])
def test_arrays_give_what_they_give_in_memory(frame, columns):
    X, y = frame[NAMES].to_numpy(), frame["number"].to_numpy()
    in_memory = mean_estimator().fit(X, y).result_
    parts = da.from_array(X, chunks=(900, columns)), da.from_array(y, chunks=900)
    assert_same(in_memory, mean_estimator().fit(*parts).result_)


def test_chunks_of_unknown_sizes(frame):
    parts = dd.from_pandas(frame, npartitions=5)
    X, y = parts[NAMES].to_dask_array(), parts["number"].to_dask_array()
    assert np.isnan(X.shape[0])
    in_memory = mean_estimator().fit(frame[NAMES].to_numpy(), frame["number"].to_numpy()).result_
    assert_same(in_memory, mean_estimator().fit(X, y).result_)


def test_several_outputs(frame):
    X, y = frame[NAMES].to_numpy(), frame[["number", "count"]].to_numpy()
    in_memory = mean_estimator().fit(X, y).result_
    parts = da.from_array(X, chunks=(900, 4)), da.from_array(y, chunks=(900, 1))
    assert_same(in_memory, mean_estimator().fit(*parts).result_)


@pytest.mark.parametrize("order", ["labels last", "labels first"])
def test_partitions_without_labels(frame, order):
    """All labels are in one partition, and some partitions have no row."""
    ordered = frame.sort_values("number", na_position="first" if order == "labels last" else "last")
    ordered = ordered.reset_index(drop=True)
    cuts = [0, 0, 1_000, 3_800, 3_800, N] if order == "labels last" else [0, 200, 200, N, N]
    parts = [ordered[low:high] for low, high in pairwise(cuts)]
    joined = dd.from_delayed([dask.delayed(part) for part in parts], meta=ordered[:0])
    in_memory = mean_estimator().fit(ordered[NAMES], ordered["number"]).result_
    assert_same(in_memory, mean_estimator().fit(joined[NAMES], joined["number"]).result_)


def test_extension_types_of_pandas(frame):
    nullable = frame.convert_dtypes()
    parts = dd.from_pandas(nullable, npartitions=3)
    in_memory = mean_estimator().fit(frame[NAMES], frame["number"]).result_
    assert_same(in_memory, mean_estimator().fit(parts[NAMES], parts["number"]).result_)


class Lengths(RegressorMixin, BaseEstimator):
    """Predicts texts by how long they are."""

    def fit(self, X, y):
        self.ridge_ = Ridge().fit(self._read(X), y)
        return self

    def predict(self, X):
        return self.ridge_.predict(self._read(X))

    def _read(self, X):
        return np.array([[len(text)] for text in X["text"]])


def test_texts(frame):
    texts = frame.assign(text=["x" * int(10 + 3 * a) for a in frame["a"]])[["text", "number"]]
    parts = dd.from_pandas(texts, npartitions=3)
    estimator = RectifiedMeanEstimator(Lengths(), cv=4, random_state=0)
    in_memory = clone(estimator).fit(texts[["text"]], texts["number"]).result_
    assert_same(in_memory, estimator.fit(parts[["text"]], parts["number"]).result_)


def test_the_allocator(frame):
    parts = dd.from_pandas(frame, npartitions=4)
    in_memory = FineTuneRectifyAllocator(random_state=0).fit(frame[NAMES], frame["number"])
    streamed = FineTuneRectifyAllocator(random_state=0).fit(parts[NAMES], parts["number"])
    assert in_memory.verdict_ == streamed.verdict_
    np.testing.assert_allclose(in_memory.mean_, streamed.mean_, rtol=1e-10)


def test_both_have_to_be_collections(frame):
    parts = dd.from_pandas(frame, npartitions=2)
    with pytest.raises(TypeError, match="y is of type ndarray, where the rest of X, y are"):
        mean_estimator().fit(parts[NAMES], frame["number"].to_numpy())


def test_partitions_have_to_be_alike(frame):
    X, y = frame[NAMES].to_numpy(), frame["number"].to_numpy()
    with pytest.raises(ValueError, match="4 partitions and y has 2"):
        mean_estimator().fit(da.from_array(X, chunks=(1_000, 4)), da.from_array(y, chunks=2_000))
    with pytest.raises(ValueError, match="expected the same rows in each"):
        mean_estimator().fit(
            da.from_array(X, chunks=((1_000, 3_000), 4)), da.from_array(y, chunks=((3_000, 1_000),))
        )


def test_rows_beside_a_collection_are_refused(frame):
    parts = dd.from_pandas(frame, npartitions=2)
    with pytest.raises(ValueError, match="pool is given"):
        mean_estimator().fit(parts[NAMES], parts["number"], pool=frame[NAMES])


def test_no_label_is_refused(frame):
    parts = dd.from_pandas(frame.assign(number=np.nan), npartitions=2)
    with pytest.raises(ValueError, match="all of its 4000 rows are NaN"):
        mean_estimator().fit(parts[NAMES], parts["number"])


def test_dask_is_not_imported_unless_it_is_used():
    code = (
        "import sys, numpy as np, sklearn_ftr as s; from sklearn.linear_model import Ridge; rng = np.random.default_rng(0); "
        "X = rng.normal(size=(100, 2)); s.RectifiedMeanEstimator(Ridge(), cv=5).fit(X, X[:, 0], pool=X); "
        "assert not {'dask', 'distributed'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.fixture(scope="module")
def client():
    """Of two worker processes."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


class Slow(Ridge):
    """Takes its time, so that a worker can die meanwhile."""

    def predict(self, X):
        time.sleep(0.1)
        return super().predict(X)


@pytest.mark.thorough
def test_a_cluster_and_a_worker_that_is_killed(frame, client):
    """Change no bit."""
    parts = dd.from_pandas(frame, npartitions=20)
    estimator = RectifiedMeanEstimator(Slow(), split_ratio=0.3, random_state=0)
    in_memory = clone(estimator).fit(frame[NAMES], frame["number"]).result_
    whole = clone(estimator).fit(parts[NAMES], parts["number"]).result_
    assert_same(in_memory, whole)
    pid = next(iter(client.run(os.getpid).values()))
    killer = threading.Timer(0.4, os.kill, (pid, 9))
    killer.start()
    after = estimator.fit(parts[NAMES], parts["number"]).result_
    assert not killer.is_alive(), "the fit ended before a worker was killed"
    assert (after.estimate, after.standard_error) == (whole.estimate, whole.standard_error)


@pytest.mark.grid(4)
@pytest.mark.parametrize("name", ["mean", "linear", "quantile", "difference"])
def test_a_cluster_and_a_sampling_design(frame, client, name):
    rng = np.random.default_rng(2)
    table = frame.assign(
        weight=rng.uniform(1, 3, N), house=[f"house {one}" for one in rng.integers(0, 900, N)]
    )
    parts, (estimator, kind) = dd.from_pandas(table, npartitions=5), estimator_of(name, "cv")

    def fit(rows):
        columns = {"sample_weight": rows["weight"], "groups": rows["house"]}
        return clone(estimator).fit(rows[NAMES], rows[kind], **columns).result_

    assert_same(fit(table), fit(parts))


# Collections of dask for functions of arrays


def test_functions_read_one_partition_after_the_other(frame):
    rng = np.random.default_rng(1)
    y = frame["number"].dropna().to_numpy()
    f, X = y + rng.normal(size=LABELED), rng.normal(size=(LABELED, 2))
    pool, X_pool = rng.normal(size=3_000), rng.normal(size=(3_000, 2))
    table = dd.from_pandas(pd.DataFrame({"f": pool, "g": pool}), npartitions=4)
    in_chunks = da.from_array(pool, chunks=700)
    expected = rectify_mean(y, f, pool)
    for one in (
        in_chunks,
        table["f"],
        table[["f"]],
        PoolSource(table, columns="f"),
        in_chunks[in_chunks > -9],
    ):
        assert_same(rectify_mean(y, f, one), expected)
    found = rectify_linear_regression(X, y, f, da.from_array(X_pool, chunks=(800, 1)), in_chunks)
    assert_same(found, rectify_linear_regression(X, y, f, X_pool, pool))
    assert_same(
        rectify_quantile(y, f, table["f"], [0.2, 0.5]), rectify_quantile(y, f, pool, [0.2, 0.5])
    )


@pytest.mark.grid(2)
def test_an_array_of_dask_is_never_whole():
    rng = np.random.default_rng(0)
    y = rng.normal(size=100)
    pool = da.random.default_rng(0).normal(size=4_000_000, chunks=50_000)
    rectify_mean(y, y, pool[:100_000], lambda_=0.5)  # imports are not what is measured
    tracemalloc.start()
    rectify_mean(y, y, pool, lambda_=0.5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20 < pool.nbytes


def read_file(number, more=0.0):
    rng = np.random.default_rng(number)
    part = pd.DataFrame(rng.normal(size=(500, 2)) + more, columns=["a", "b"])
    part["y"] = np.where(np.arange(500) < 40, part["a"] + rng.normal(size=500), np.nan)
    return part


def test_a_file_is_read_and_worked_on_by_one_task():
    files = dd.from_map(read_file, range(4))
    graph = Graph.of(files)
    tasks = [(len, key) for key in graph.keys]
    apart, together = (graph._delayed(tasks, few) for few in (True, False))
    assert len(together[0].dask) == 4 < len(apart[0].dask)
    assert [one.compute() for one in together] == [500] * 4


def shuffled(client):
    return dd.from_map(read_file, [1]).shuffle("a", npartitions=4)


# Whatever a cluster has of its own.
COLLECTIONS = {
    "persisted": lambda client: dd.from_map(read_file, range(3)).persist(),
    "futures": lambda client: dd.from_delayed(client.map(read_file, range(3)), meta=read_file(0)),
    "a future in arguments": lambda client: dd.from_map(
        read_file, range(3), args=(client.scatter(2.0),), meta=read_file(0)
    ),
    "shuffled": shuffled,
    "shuffled to one": lambda client: shuffled(client).repartition(npartitions=1),
    "cut anew": lambda client: dd.from_map(read_file, [1]).repartition(npartitions=3),
}


@pytest.mark.grid(2)
@pytest.mark.parametrize("kind", COLLECTIONS)
def test_what_a_cluster_has_of_its_own(kind, client):
    parts = COLLECTIONS[kind](client)
    whole = parts.compute().reset_index(drop=True)
    in_memory = mean_estimator().fit(whole[["a", "b"]], whole["y"]).result_
    assert_same(in_memory, mean_estimator().fit(parts[["a", "b"]], parts["y"]).result_)


@pytest.mark.thorough
def test_rows_that_are_shuffled_keep_progress(client, tmp_path):
    parts = shuffled(client)
    X, y = parts[["a", "b"]], parts["y"]
    first, again = (mean_estimator().fit(X, y, checkpoint=tmp_path).result_ for _ in range(2))
    assert first == again
