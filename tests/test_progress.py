"""With verbose=1 one bar, or lines in a log, tell how far long work is; words and numbers are tested, never times."""

import re
import subprocess
import sys
from functools import partial
from io import StringIO
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from tqdm import tqdm

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    PoolSource,
    RectifiedLogisticRegression,
    RectifiedMeanEstimator,
    RectifiedQuantile,
)
from sklearn_ftr import _progress_display as display
from sklearn_ftr._progress import counted, counted_blocks, note, watched
from sklearn_ftr.estimators import _inner_model, _predicted_pool

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


def lines(capsys, what="pool", name="RectifiedMeanEstimator"):
    """What was said of some work, without times; nothing goes to standard output."""
    out, told = capsys.readouterr()
    assert out == ""
    found = [line.removeprefix(f"[{name}] ") for line in told.splitlines() if f"] {what}: " in line]
    return [re.sub(LEFT, " ...", line) for line in found]


def tenths(total, unit="rows", what="pool"):
    """All lines of work of which ten parts or more are equal."""
    ends = [(10 * tenth, total * tenth // 10) for tenth in range(1, 11)]
    return [
        f"{what}: {percent} %, {end:,} of {total:,} {unit}{' ...' * (end < total)}"
        for percent, end in ends
    ]


def test_a_pool_in_blocks_is_told_in_tenths(capsys):
    mean_estimator(verbose=1).fit(*data(), pool=PoolSource(blocks, n_rows=1_000))
    assert lines(capsys) == tenths(1_000)


def test_a_plain_fit_says_nothing(capsys):
    mean_estimator().fit(*data(), pool=PoolSource(blocks, n_rows=1_000))
    assert capsys.readouterr() == ("", "")


def test_rows_that_nobody_has_counted_are_told_when_they_have_doubled(capsys, monkeypatch):
    monkeypatch.setattr(display, "_MANY", 300)
    mean_estimator(verbose=1).fit(*data(), pool=blocks)
    ends = [50, 100, 200, 400, 700, 1_000]
    assert lines(capsys) == [f"pool: {end:,} rows so far" for end in ends]


def test_each_pass_of_a_regression_is_told(capsys):
    X, y = data()
    model = RectifiedLogisticRegression(LogisticRegression(), covariates=[0], random_state=0, verbose=1)
    model.fit(X, (y > 0) * 1.0, pool=PoolSource(blocks, n_rows=1_000))
    told = lines(capsys, name="RectifiedLogisticRegression")
    n_passes, rest = divmod(len(told), 10)
    assert n_passes >= 2
    assert rest == 0
    assert told == n_passes * tenths(1_000)


def test_a_quantile_tells_its_pass(capsys):
    model = RectifiedQuantile(Ridge(), random_state=0, verbose=1)
    model.fit(*data(), pool=PoolSource(blocks, n_rows=1_000))
    assert lines(capsys, name="RectifiedQuantile") == tenths(1_000)


def test_what_was_seen_before_is_not_told_again(capsys, tmp_path):
    pool = PoolSource(blocks, n_rows=1_000)
    mean_estimator().fit(*data(), pool=pool, checkpoint=tmp_path)
    mean_estimator(verbose=1).fit(*data(), pool=pool, checkpoint=tmp_path)
    assert lines(capsys) == []


@pytest.mark.parametrize("way", [{"split_ratio": 0.3}, {"cv": 3}])
@pytest.mark.parametrize("kept", [False, True])
def test_rows_in_memory(capsys, monkeypatch, way, kept):
    """Where these are more than some blocks: predictions that are kept, as part of a fold if there are folds, or the blocks of all models together."""
    X, y = data(1_100)
    y[100:] = np.nan
    monkeypatch.setattr(_inner_model, "rows_at_once", lambda X: 100)
    monkeypatch.setattr(_predicted_pool, "rows_at_once", lambda X: 100)
    monkeypatch.setattr(_predicted_pool, "KEPT_BYTES", 2**20 * kept)
    mean_estimator(verbose=1, **way).fit(X, y)
    what = "predicting" if kept else "pool"
    assert lines(capsys, what) == ([] if kept and "cv" in way else tenths(1_000, what=what))


def test_few_rows_in_memory_are_not_worth_a_word(capsys):
    X, y = data(1_100)
    y[100:] = np.nan
    mean_estimator(verbose=1).fit(X, y)
    assert lines(capsys) == []


@pytest.mark.parametrize(("own", "inner"), [(1, 0), (0, 1), (1, 1)])
def test_the_outermost_estimator_that_is_verbose_tells_all_of_it(capsys, own, inner):
    rectified = RectifiedMeanEstimator(Ridge(), verbose=inner)
    allocator = FineTuneRectifyAllocator(rectified, n_bootstrap=10, random_state=0, verbose=own)
    allocator.fit(*data(), pool=PoolSource(blocks, n_rows=1_000))
    name = "FineTuneRectifyAllocator" if own else "RectifiedMeanEstimator"
    assert lines(capsys, name=name) == tenths(1_000)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_folds(capsys, n_jobs):
    X, y = data(1_100)
    y[100:] = np.nan
    with joblib.parallel_backend("threading"):
        mean_estimator(verbose=1, cv=4, n_jobs=n_jobs).fit(X, y)
    percents = [25, 50, 75, 100]
    far = [f"cross-fitting: {p} %, {p // 25} of 4 models" for p in percents]
    assert lines(capsys, "cross-fitting") == [f"{line} ..." for line in far[:3]] + far[3:]


def test_one_training(capsys):
    mean_estimator(verbose=1).fit(*data(), pool=PoolSource(blocks, n_rows=1_000))
    assert lines(capsys, "fine-tuning on 20 labels") == ["fine-tuning on 20 labels: 100 %"]


def test_a_learning_curve_is_told_in_labels_that_have_trained(capsys):
    X, y = data(1_100)
    y[100:] = np.nan
    rectified = RectifiedMeanEstimator(Ridge())
    FineTuneRectifyAllocator(rectified, n_bootstrap=10, random_state=0, verbose=1).fit(X, y)
    told = lines(capsys, "learning curve", "FineTuneRectifyAllocator")
    totals = {re.search(r" of ([\d,]+) labels", line).group(1) for line in told}
    (total,) = totals
    assert 2 <= len(told) <= 10
    assert told[-1] == f"learning curve: 100 %, {total} of {total} labels"


def test_sizes_that_were_left_out_are_told(capsys):
    """Below the smallest training of the model."""
    X, y = data(200)
    y = np.where(np.arange(200) < 40, y, np.nan)
    model = make_pipeline(SelectKBest(f_regression, k=1), KNeighborsRegressor(n_neighbors=8))
    rectified = RectifiedMeanEstimator(model)
    FineTuneRectifyAllocator(rectified, n_bootstrap=10, random_state=0, verbose=1).fit(X, y)
    assert "learning curve: left out 5 labels (" in capsys.readouterr().err


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
    out, told = capsys.readouterr()
    assert out == ""
    told = [re.sub(LEFT, " ...", line) for line in told.splitlines()]
    told = [line.removeprefix("[RectifiedMeanEstimator] ") for line in told]
    assert [line for line in told if line.startswith("pool: ")] == tenths(10, "partitions")
    assert "labels: 100 %, 10 of 10 partitions" in told
    assert "labeled rows: 100 %" in told


# The words themselves


class Worker(BaseEstimator):
    """Counts what it is told to."""

    def __init__(self, verbose=1):
        self.verbose = verbose

    def work(self, function):
        with watched(self):
            return function()


@pytest.fixture
def clock(monkeypatch):
    """Stands still unless it is moved."""
    now = [5.0]
    monkeypatch.setattr(display, "monotonic", lambda: now[0])
    return now


def told_by(capsys, function):
    Worker().work(function)
    return [line.removeprefix("[Worker] ") for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize(
    ("elapsed", "words"),
    [(0.0, "1 s"), (7.0, "63 s"), (30.0, "4 min"), (2_000.0, "5 h"), (100_000.0, "10 d")],
)
def test_the_time_left_is_that_of_what_was_done(clock, capsys, elapsed, words):
    """A tenth was done in this time."""

    def work():
        with counted("pool", 30, "partitions") as task:
            clock[0] += elapsed
            task.advance(3)

    assert told_by(capsys, work) == [f"pool: 10 %, 3 of 30 partitions, about {words} left"]


def test_what_another_run_has_done_took_no_time(clock, capsys):
    def work():
        with counted("pool", 100) as task:
            clock[0] += 10
            task.reach(90, 5)

    assert told_by(capsys, work) == ["pool: 90 %, 90 of 100 rows, about 20 s left"]


@pytest.mark.parametrize("total", [1, 3, 7, 10, 11, 1_001])
def test_at_most_ten_lines_and_the_last_one_is_the_end(capsys, total):
    def work():
        with counted("pool", total) as task:
            for _ in range(total):
                task.advance()

    told = told_by(capsys, work)
    assert len(told) == min(total, 10)
    assert told[-1] == "pool: 100 %" + f", {total:,} of {total:,} rows" * (total > 1)


def test_empty_blocks_are_not_worth_a_word(capsys):
    def work():
        for total in (None, 0, 10):
            counted("pool", total).advance(0)
        counted_blocks("pool", 40, 10).advance(40)

    assert told_by(capsys, work) == []


def test_a_task_within_another_one_is_a_part_of_its_part(clock, capsys):
    """The first one; others of the same part do not move it."""

    def work():
        with counted("folds", 2, "models", weight=1) as folds:
            for _ in range(2):
                with counted("training", 10, "epochs") as epochs:
                    for _ in range(10):
                        clock[0] += 60
                        epochs.advance(remark="loss 1")
                counted("predicting", 10).advance(9)
                folds.advance()

    told = told_by(capsys, work)
    assert told[1] == "folds: 20 %, 0 of 2 models, 4 of 10 epochs, loss 1, about 16 min left"
    assert told[5] == "folds: 60 %, 1 of 2 models, 2 of 10 epochs, loss 1, about 8 min left"
    assert [int(re.search(r"(\d+) %", line).group(1)) for line in told] == list(range(10, 101, 10))


def test_a_task_that_nobody_has_closed_is_in_nobodys_way(capsys):
    def work():
        counted("first", 10).advance(1)
        counted("second", 10).advance(10)

    assert [line.partition(":")[0] for line in told_by(capsys, work)] == ["first", "second"]


def test_results_are_asked_for_to_the_end():
    """Of joblib's, which are made by processes that it would kill else."""
    ended = []

    def made():
        yield from ("a", "b")
        ended.append(True)

    assert list(counted("folds", 2).results(made(), [1, 1])) == ["a", "b"]
    assert ended == [True]


def test_without_verbose_nothing_is_told_or_kept(capsys):
    def work():
        note("a note")
        task = counted("pool", 10)
        task.advance(10)
        return task

    task = Worker(verbose=0).work(work)
    assert (task.display, task.hooks) == (None, None)
    assert capsys.readouterr() == ("", "")


def test_an_error_leaves_nothing_behind(capsys):
    def fail():
        with counted("pool", 10) as task:
            task.advance(1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Worker().work(fail)
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert counted("pool", 10).display is None


# A terminal


class Terminal(StringIO):
    def isatty(self):
        return True

    @property
    def shown(self):
        """What was on the line, one time after the other."""
        return [one.strip() for one in re.split(r"[\r\n]", self.getvalue()) if one.strip()]


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(display, "sys", SimpleNamespace(stderr=(found := Terminal())))
    return found


def test_a_terminal_shows_one_bar(terminal, capsys):
    X, y = data(1_100)
    y[100:] = np.nan
    mean_estimator(verbose=1, cv=4).fit(X, y, pool=PoolSource(blocks, n_rows=1_000))
    shown = terminal.shown
    assert terminal.getvalue().count("\n") == 1  # at the end: it has been one line
    assert any(one.startswith("RectifiedMeanEstimator: cross-fitting:") for one in shown)
    assert any(re.match(r"RectifiedMeanEstimator: pool: +0%\|", one) for one in shown)
    assert re.fullmatch(r"RectifiedMeanEstimator: 100%\|[^|]+\| \d\d:\d\d", shown[-1])
    assert capsys.readouterr().out == ""


def test_a_bar_says_how_far_and_how_long(terminal, monkeypatch):
    """Drawn each time it moves."""
    monkeypatch.setattr(display, "_EVERY", 0)

    def work():
        with counted("pool", 4, weight=1) as task:
            task.advance()
            with counted("training", 4, "epochs") as inner:
                inner.advance(2, remark="loss 1")
        with counted("counting", None) as task:
            task.advance(1_000)
        note("a note")

    Worker().work(work)
    shown = terminal.shown
    assert any(re.search(r"Worker: pool: +25%\|.*<\d\d:\d\d, 1 of 4 rows$", one) for one in shown)
    far = "1 of 4 rows, 2 of 4 epochs, loss 1"
    assert any(re.search(rf"Worker: pool: +38%\|.*{far}$", one) for one in shown)
    assert any(re.search(r"Worker: counting: \d\d:\d\d, 1,000 rows so far$", one) for one in shown)
    assert "[Worker] a note" in shown


def test_an_error_gives_the_line_back(terminal):
    def fail():
        with counted("pool", 10) as task:
            task.advance(1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Worker().work(fail)
    assert terminal.getvalue().endswith("\n")
    assert "100%" not in terminal.getvalue()


def test_where_nothing_is_counted_there_is_no_bar(terminal):
    Worker().work(lambda: None)
    assert terminal.getvalue() == ""


def test_a_notebook_is_no_log(monkeypatch):
    """Whatever it says of being a terminal."""
    stream = type("OutStream", (StringIO,), {"__module__": "ipykernel.iostream"})
    monkeypatch.setattr(display, "sys", SimpleNamespace(stderr=stream()))
    assert isinstance(display.open_display("name"), display.Bar)
    assert issubclass(display._bar_class(), tqdm)


def test_a_plain_fit_does_not_load_tqdm():
    code = (
        "import sys, numpy as np; from sklearn_ftr import RectifiedMeanEstimator as E;"
        "x = np.arange(20.)[:, None]; y = np.where(x[:, 0] < 15, x[:, 0], np.nan);"
        "E(random_state=0).fit(x, y); print('tqdm' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
