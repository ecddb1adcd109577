"""Passes over collections of dask go on where they were when the client is stopped, or killed, and the answer is the same to the last bit."""

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    RectifiedLogisticRegression,
    RectifiedMeanEstimator,
)
from sklearn_ftr.rectification import _checkpoint

dask = pytest.importorskip("dask")
dd = pytest.importorskip("dask.dataframe")

NAMES, PARTITIONS, ROWS, LABELED = list("abc"), 12, 300, 200
UNLABELED = PARTITIONS * ROWS - LABELED


@pytest.fixture(autouse=True)
def every_partition_is_written_down(monkeypatch):
    monkeypatch.setattr(_checkpoint, "_SECONDS", 0.0)


def frame_of(seed=0):
    """Labels are in the first partitions, and the first one has nothing else."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(PARTITIONS * ROWS, 3)), columns=NAMES)
    frame["y"] = frame["a"] + rng.normal(size=len(frame))
    labeled = np.r_[: LABELED - 50, ROWS : ROWS + 50]
    frame.loc[~frame.index.isin(labeled), "y"] = np.nan
    return frame


def parts_of(frame, n=PARTITIONS):
    table = dd.from_pandas(frame, npartitions=n)
    return table[NAMES], table["y"]


class CountingRidge(Ridge):
    """Counts the rows that it predicts, and fails where it has predicted too many."""

    n_predicted, most = 0, np.inf

    def predict(self, X):
        if CountingRidge.n_predicted + len(X) > CountingRidge.most:
            raise ConnectionError("the line is dead")
        CountingRidge.n_predicted += len(X)
        return super().predict(X)

    @classmethod
    def count(cls, most=np.inf):
        cls.n_predicted, cls.most = 0, most


def same_bits(one, other):
    assert pickle.dumps(one.estimate) == pickle.dumps(other.estimate)
    assert pickle.dumps(one.covariance) == pickle.dumps(other.covariance)
    np.testing.assert_array_equal(one.confidence_interval(), other.confidence_interval())
    assert one.n_unlabeled == other.n_unlabeled


def fitted_mean(parts, checkpoint=None, seed=0):
    model = RectifiedMeanEstimator(CountingRidge(), split_ratio=0.5, random_state=seed)
    with dask.config.set(scheduler="synchronous"):
        return model.fit(*parts, checkpoint=checkpoint)


# Rows that a fit predicts before the first partition of the pool, when its progress is kept: labels, and the first rows.
BEFORE = LABELED // 2 + ROWS - (LABELED - 50)


@pytest.mark.parametrize("seen", [1, 5, PARTITIONS - 1])
def test_a_mean_goes_on_after_the_partitions_that_were_merged(tmp_path, seen):
    parts = parts_of(frame_of())
    CountingRidge.count()
    undisturbed = fitted_mean(parts).result_
    known = sum([ROWS - (LABELED - 50), ROWS - 50, *[ROWS] * PARTITIONS][:seen])
    CountingRidge.count(most=BEFORE + known)
    with pytest.raises(ConnectionError, match="the line is dead"):
        fitted_mean(parts, tmp_path)
    CountingRidge.count()
    same_bits(fitted_mean(parts, tmp_path).result_, undisturbed)
    assert CountingRidge.n_predicted == BEFORE + UNLABELED - known


def test_a_pass_that_has_ended_is_not_made_again(tmp_path):
    parts = parts_of(frame_of())
    CountingRidge.count()
    first = fitted_mean(parts, tmp_path).result_
    CountingRidge.count()
    same_bits(fitted_mean(parts, str(tmp_path)).result_, first)
    assert CountingRidge.n_predicted == BEFORE
    assert not list(tmp_path.glob("*.new"))


def test_other_models_other_rows_and_other_partitions_have_a_progress_of_their_own(tmp_path):
    CountingRidge.count()
    frame = frame_of()
    moved = frame.copy()
    moved.loc[ROWS - 1, "a"] += 1.0
    shorter = frame[:-1]
    cases = [(frame, PARTITIONS, 1), (moved, PARTITIONS, 0), (shorter, PARTITIONS, 0), (frame, 7, 0)]
    for data, n, seed in [(frame, PARTITIONS, 0), *cases]:
        found = fitted_mean(parts_of(data, n), tmp_path, seed).result_
        same_bits(found, fitted_mean(parts_of(data, n), None, seed).result_)
    assert len(list(tmp_path.glob("*.pass"))) == 1 + len(cases)


def test_rows_that_were_drawn_otherwise_have_a_progress_of_their_own(tmp_path):
    frame = frame_of().assign(weight=1.0)
    CountingRidge.count()
    for last_weight in (1.0, 50.0):
        frame.loc[len(frame) - 1, "weight"] = last_weight
        table = dd.from_pandas(frame, npartitions=PARTITIONS)
        model = RectifiedMeanEstimator(CountingRidge(), split_ratio=0.5, random_state=0)
        fit = partial(model.fit, table[NAMES], table["y"], sample_weight=table["weight"])
        same_bits(fit(checkpoint=tmp_path).result_, fit().result_)
    assert len(list(tmp_path.glob("*.pass"))) == 2


def test_the_allocator_keeps_progress_too(tmp_path):
    parts, CountingRidge.most = parts_of(frame_of()), np.inf
    allocator = FineTuneRectifyAllocator(
        RectifiedMeanEstimator(CountingRidge()), n_bootstrap=10, random_state=0
    )
    first = allocator.fit(*parts, checkpoint=tmp_path).result_
    (kept,) = tmp_path.glob("*.pass")
    assert pickle.loads(kept.read_bytes()).is_complete
    same_bits(allocator.fit(*parts, checkpoint=tmp_path).result_, first)
    same_bits(allocator.fit(*parts).result_, first)
    assert list(tmp_path.glob("*.pass")) == [kept]


def test_rows_in_memory_have_no_progress_to_keep(tmp_path):
    frame = frame_of()
    with pytest.raises(ValueError, match=r"checkpoint=.* all rows are in memory.*pass the unlabeled"):
        fitted_mean((frame[NAMES], frame["y"]), tmp_path)


def of_cluster(address):
    return pytest.importorskip("distributed").Client(address)


def fitted_in_steps(kind, address, folder, n_partitions, dies_at):
    """The answer, and how often progress was written down, unless the process is killed while it does that once more."""
    frame, fsync, writes = frame_of(), os.fsync, []

    def dying(file):
        writes.append(file)
        if len(writes) == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        fsync(file)

    model = RectifiedMeanEstimator(Ridge(), cv=3, random_state=0)
    if kind == "logistic":
        model = RectifiedLogisticRegression(LogisticRegression(), covariates=["a"], random_state=0)
        frame["y"] = (frame["y"] > 0).where(frame["y"].notna()).astype(float)
    patched = mock.patch.multiple(_checkpoint, _SECONDS=0.0), mock.patch.object(os, "fsync", dying)
    with patched[0], patched[1], of_cluster(address) if address else contextlib.nullcontext():
        result = model.fit(*parts_of(frame, n_partitions), checkpoint=folder).result_
    told = result.estimate, result.covariance, result.confidence_interval(), result.n_unlabeled
    return [[np.ravel(one).tolist() for one in told], len(writes)]


def run(*given):
    """The same in a new process, or how that ended."""
    code = (
        f"import json, sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
        f"from {Path(__file__).stem} import fitted_in_steps as run; print(json.dumps(run(*{given!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    return done.returncode if done.returncode < 0 else done.stderr


@pytest.fixture(scope="module")
def address():
    """Of a cluster of one worker process with two threads, which outlives its clients."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=True, dashboard_address=":0"
    ) as cluster:
        yield cluster.scheduler_address


def killed_and_run_again(kind, address, folder, n_partitions, times):
    """Whatever a client has written before it dies is not done again."""
    answer, n_writes = fitted_in_steps(kind, address, str(folder / "undisturbed"), n_partitions, -1)
    assert answer[-1] == [UNLABELED]
    given = kind, address, str(folder / "disturbed"), n_partitions
    most = n_writes // times
    for dies_at in np.random.default_rng(times).integers(1, most + 1, size=times).tolist():
        assert run(*given, dies_at) == -signal.SIGKILL
        n_writes -= dies_at - 1
    assert run(*given, -1) == [answer, n_writes]


needs_sigkill = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")


@pytest.mark.thorough
@needs_sigkill
def test_a_client_without_a_cluster_that_is_killed(tmp_path):
    killed_and_run_again("logistic", "", tmp_path, PARTITIONS, 1)


@pytest.mark.slow  # a client without one is killed above
@needs_sigkill
def test_a_client_of_a_cluster_that_is_killed(tmp_path, address):
    killed_and_run_again("mean", address, tmp_path, PARTITIONS, 1)


@pytest.mark.slow
@needs_sigkill
@pytest.mark.parametrize("on_a_cluster", [False, True])
@pytest.mark.parametrize("kind", ["mean", "logistic"])
def test_killed_at_random(tmp_path, request, kind, on_a_cluster):
    address = request.getfixturevalue("address") if on_a_cluster else ""
    killed_and_run_again(kind, address, tmp_path, 100, 20)
