"""With verbose=1 long passes over a pool say how far they are; the words and the numbers are tested, never the times."""

import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    PoolSource,
    RectifiedLogisticRegression,
    RectifiedMeanEstimator,
    RectifiedQuantile,
)
from sklearn_ftr.estimators import _inner_model, _pass_report, _predicted_pool
from sklearn_ftr.estimators._pass_report import PassReport

LEFT = r", about \d+ (s|min|h|d) left"


def data(n=100):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 2))
    return X, X[:, 0] + rng.normal(size=n)


def blocks(n_blocks=20, rows=50):
    for seed in range(n_blocks):
        yield np.random.default_rng(seed).normal(size=(rows, 2))


def mean_estimator(**parameters):
    return RectifiedMeanEstimator(Ridge(), random_state=0, **parameters)


def pool_lines(capsys, name="RectifiedMeanEstimator"):
    """What was said of the pool, without times."""
    told = capsys.readouterr().out.splitlines()
    lines = [line.removeprefix(f"[{name}] ") for line in told if "] pool: " in line]
    return [re.sub(LEFT, " ...", line) for line in lines]


def tenths(total, unit="rows"):
    """All lines of a pass of which ten blocks or more are equal parts."""
    ends = [total * tenth // 10 for tenth in range(1, 11)]
    return [f"pool: {end:,} of {total:,} {unit}{' ...' * (end < total)}" for end in ends]


def test_a_pool_in_blocks_is_told_in_tenths(capsys):
    mean_estimator(verbose=1).fit(*data(), pool=PoolSource(blocks, n_rows=1_000))
    assert pool_lines(capsys) == tenths(1_000)


def test_a_plain_fit_says_nothing(capsys):
    mean_estimator().fit(*data(), pool=PoolSource(blocks, n_rows=1_000))
    assert capsys.readouterr() == ("", "")


def test_rows_that_nobody_has_counted_are_told_when_they_have_doubled(capsys, monkeypatch):
    monkeypatch.setattr(_pass_report, "_MANY_ROWS", 300)
    mean_estimator(verbose=1).fit(*data(), pool=blocks)
    ends = [50, 100, 200, 400, 700, 1_000]
    assert pool_lines(capsys) == [f"pool: {end:,} rows so far" for end in ends]


def test_each_pass_of_a_regression_is_told(capsys):
    X, y = data()
    model = RectifiedLogisticRegression(LogisticRegression(), covariates=[0], random_state=0, verbose=1)
    model.fit(X, (y > 0) * 1.0, pool=PoolSource(blocks, n_rows=1_000))
    lines = pool_lines(capsys, "RectifiedLogisticRegression")
    n_passes, rest = divmod(len(lines), 10)
    assert n_passes >= 2
    assert rest == 0
    assert lines == n_passes * tenths(1_000)


def test_a_quantile_tells_its_pass(capsys):
    model = RectifiedQuantile(Ridge(), random_state=0, verbose=1)
    model.fit(*data(), pool=PoolSource(blocks, n_rows=1_000))
    assert pool_lines(capsys, "RectifiedQuantile") == tenths(1_000)


def test_what_was_seen_before_is_not_told_again(capsys, tmp_path):
    pool = PoolSource(blocks, n_rows=1_000)
    mean_estimator().fit(*data(), pool=pool, checkpoint=tmp_path)
    mean_estimator(verbose=1).fit(*data(), pool=pool, checkpoint=tmp_path)
    assert pool_lines(capsys) == []


@pytest.mark.parametrize("way", [{"split_ratio": 0.3}, {"cv": 3}])
@pytest.mark.parametrize("kept", [False, True])
def test_rows_in_memory(capsys, monkeypatch, way, kept):
    """Where these are more than some blocks: each model's predictions that are kept, or the blocks of all models together."""
    X, y = data(1_100)
    y[100:] = np.nan
    monkeypatch.setattr(_inner_model, "rows_at_once", lambda X: 100)
    monkeypatch.setattr(_predicted_pool, "rows_at_once", lambda X: 100)
    monkeypatch.setattr(_predicted_pool, "KEPT_BYTES", 2**20 * kept)
    mean_estimator(verbose=1, **way).fit(X, y)
    assert pool_lines(capsys) == (way.get("cv", 1) if kept else 1) * tenths(1_000)


def test_few_rows_in_memory_are_not_worth_a_word(capsys):
    X, y = data(1_100)
    y[100:] = np.nan
    mean_estimator(verbose=1).fit(X, y)
    assert pool_lines(capsys) == []


def test_an_allocator_tells_the_pass_of_its_estimator(capsys):
    """In its own name, and where the estimator speaks, in the name of that."""
    for own, inner, name in [
        (1, 0, "FineTuneRectifyAllocator"),
        (0, 1, "RectifiedMeanEstimator"),
        (1, 1, "RectifiedMeanEstimator"),
    ]:
        rectified = RectifiedMeanEstimator(Ridge(), verbose=inner)
        allocator = FineTuneRectifyAllocator(rectified, n_bootstrap=10, random_state=0, verbose=own)
        allocator.fit(*data(), pool=PoolSource(blocks, n_rows=1_000))
        assert pool_lines(capsys, name) == tenths(1_000)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
@pytest.mark.parametrize("checkpoint", [False, True])
def test_partitions_of_dask(capsys, tmp_path, scheduler, checkpoint):
    dask, dd = pytest.importorskip("dask"), pytest.importorskip("dask.dataframe")
    X, y = data(1_000)
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(y=np.where(np.arange(1_000) < 90, y, np.nan))
    parts = dd.from_pandas(frame, npartitions=10)
    fit = partial(
        mean_estimator(verbose=1).fit,
        parts[["a", "b"]],
        parts["y"],
        checkpoint=tmp_path if checkpoint else None,
    )
    with dask.config.set(scheduler=scheduler):
        fit()
    told = capsys.readouterr().out
    print(told)
    assert pool_lines(capsys) == tenths(10, "partitions")
    lines = [re.sub(LEFT, "", line) for line in told.splitlines()]
    assert "[RectifiedMeanEstimator] labels: 10 of 10 partitions" in lines
    assert "[RectifiedMeanEstimator] labeled rows: 1 of 1 partitions" in lines


# The words themselves


@pytest.mark.parametrize(
    ("elapsed", "words"),
    [(0.0, "1 s"), (7.0, "63 s"), (30.0, "4 min"), (2_000.0, "5 h"), (100_000.0, "10 d")],
)
def test_the_time_left_is_that_of_what_was_done(monkeypatch, elapsed, words):
    """A tenth was done in this time."""
    now = [5.0]
    monkeypatch.setattr(_pass_report, "monotonic", lambda: now[0])
    told = []
    report = PassReport(told.append, 30, "partitions")
    now[0] += elapsed
    report.seen(3, 3)
    assert told == [f"pool: 3 of 30 partitions, about {words} left"]


def test_what_another_run_has_done_took_no_time(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(_pass_report, "monotonic", lambda: now[0])
    told = []
    report = PassReport(told.append, 100)
    now[0] = 10.0
    report.seen(90, 5)
    assert told == ["pool: 90 of 100 rows, about 20 s left"]


@pytest.mark.parametrize("total", [1, 3, 7, 10, 11, 1_001])
def test_at_most_ten_lines_and_the_last_one_is_the_end(total):
    told = []
    report = PassReport(told.append, total)
    for end in range(1, total + 1):
        report.seen(end, 1)
    assert len(told) == min(total, 10)
    assert told[-1] == f"pool: {total:,} of {total:,} rows"


def test_empty_blocks_are_not_worth_a_word():
    told = []
    for total in (None, 0, 10):
        PassReport(told.append, total).seen(0, 0)
    assert told == []
