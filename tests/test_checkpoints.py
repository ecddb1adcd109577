"""Passes over a pool that are stopped, or killed, go on where they were, and the answer is the same to the last bit."""

import pickle
import subprocess
import sys
import textwrap
from functools import partial

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from sklearn_ftr import (
    PoolSource,
    RectifiedLogisticRegression,
    RectifiedMeanEstimator,
    rectify_linear_regression,
    rectify_mean,
)
from sklearn_ftr.rectification import _checkpoint

N_BLOCKS, ROWS = 12, 500


@pytest.fixture(autouse=True)
def every_block_is_written_down(monkeypatch):
    monkeypatch.setattr(_checkpoint, "_SECONDS", 0.0)


def labeled():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    return X, X.sum(axis=1) + rng.normal(size=200)


class Blocks:
    """Rows in blocks, the reading of which fails before one of them."""

    def __init__(self, width=3, fails_at=None):
        self.width, self.fails_at, self.n_read = width, fails_at, 0

    def __call__(self):
        for number in range(N_BLOCKS):
            if number == self.fails_at:
                raise ConnectionError("the line is dead")
            self.n_read += 1
            rows = np.random.default_rng(number + 1).normal(size=(ROWS, self.width))
            yield rows if self.width > 1 else rows[:, 0]


class CountingRidge(Ridge):
    """Counts the rows that it predicts."""

    n_predicted = 0

    def predict(self, X):
        CountingRidge.n_predicted += len(X)
        return super().predict(X)


def same_bits(one, other):
    assert pickle.dumps(one.estimate) == pickle.dumps(other.estimate)
    assert pickle.dumps(one.covariance) == pickle.dumps(other.covariance)
    np.testing.assert_array_equal(one.confidence_interval(), other.confidence_interval())
    assert one.n_unlabeled == other.n_unlabeled == N_BLOCKS * ROWS


def fitted_mean(pool, seed=0):
    X, y = labeled()
    return RectifiedMeanEstimator(CountingRidge(), cv=3, random_state=seed).fit(X, y, pool=pool)


@pytest.mark.parametrize("fails_at", [1, 7, N_BLOCKS - 1])
def test_a_mean_goes_on_where_reading_has_failed(tmp_path, fails_at):
    undisturbed = fitted_mean(PoolSource(Blocks())).result_
    with pytest.raises(ConnectionError, match="the line is dead"):
        fitted_mean(PoolSource(Blocks(fails_at=fails_at), checkpoint=tmp_path))
    CountingRidge.n_predicted = 0
    same_bits(fitted_mean(PoolSource(Blocks(), checkpoint=tmp_path)).result_, undisturbed)
    # Three models: the labels, the first block, which tells what the progress is of, and what was not seen before.
    assert CountingRidge.n_predicted == 200 + 3 * ROWS * (1 + N_BLOCKS - fails_at)


def test_a_pass_that_has_ended_is_not_made_again(tmp_path):
    first = fitted_mean(PoolSource(Blocks(), checkpoint=tmp_path)).result_
    again = Blocks()
    same_bits(fitted_mean(PoolSource(again, checkpoint=tmp_path)).result_, first)
    assert again.n_read == 1


def test_other_models_and_other_rows_have_a_progress_of_their_own(tmp_path):
    for pool in (Blocks(), lambda: (0.05 + block for block in Blocks()())):
        for seed in (0, 1):
            found = fitted_mean(PoolSource(pool, checkpoint=tmp_path), seed).result_
            same_bits(found, fitted_mean(PoolSource(pool), seed).result_)
    assert len(list(tmp_path.glob("*.pass"))) == 4
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.parametrize("name", ["sample_weight", "groups"])
def test_rows_that_were_drawn_otherwise_have_a_progress_of_their_own(tmp_path, name):
    (X, y), n = labeled(), 200 + N_BLOCKS * ROWS
    values = np.ones(n) if name == "sample_weight" else np.arange(n) // 2
    for last in (values[-1], values[-1] + 50):
        values[-1] = last
        model = RectifiedMeanEstimator(Ridge(), cv=3, random_state=0)
        fit = partial(model.fit, X, y, pool=Blocks(), **{name: values.copy()})
        same_bits(fit(checkpoint=tmp_path).result_, fit().result_)
    assert len(list(tmp_path.glob("*.pass"))) == 2


def test_the_folder_of_a_fit_is_that_of_its_source(tmp_path):
    """And takes its place where both are given."""
    X, y = labeled()
    model = RectifiedMeanEstimator(Ridge(), random_state=0)
    by_fit, by_source = tmp_path / "fit", tmp_path / "source"
    first = model.fit(X, y, pool=Blocks(), checkpoint=by_fit).result_
    same_bits(model.fit(X, y, pool=PoolSource(Blocks(), checkpoint=by_source)).result_, first)
    assert [one.name for one in by_fit.iterdir()] == [one.name for one in by_source.iterdir()]
    read = Blocks()
    source = PoolSource(read, checkpoint=tmp_path / "nothing")
    same_bits(model.fit(X, y, pool=source, checkpoint=str(by_fit)).result_, first)
    assert read.n_read == 1
    assert not (tmp_path / "nothing").exists()


def test_a_regression_goes_on_within_any_of_its_passes(tmp_path, monkeypatch):
    X, y = labeled()

    def fitted(pool):
        model = RectifiedLogisticRegression(LogisticRegression(), covariates=[0, 1], random_state=0)
        return model.fit(X, (y > 0) * 1.0, pool=pool).result_

    undisturbed = fitted(PoolSource(Blocks()))
    for fails_at in (3, 4):
        blocks = Blocks()
        source = PoolSource(blocks, n_rows=N_BLOCKS * ROWS, checkpoint=tmp_path)
        monkeypatch.setattr(_checkpoint.Checkpoint, "_write", failing_after(fails_at))
        with pytest.raises(InterruptedError):
            fitted(source)
        monkeypatch.undo()
        monkeypatch.setattr(_checkpoint, "_SECONDS", 0.0)
    same_bits(fitted(PoolSource(Blocks(), checkpoint=tmp_path)), undisturbed)


def failing_after(n):
    """Writes so many times, and then fails."""
    write, written = _checkpoint.Checkpoint._write, []

    def failing(self, path, progress):
        if len(written) == n:
            raise InterruptedError("stopped")
        written.append(path)
        write(self, path, progress)

    return failing


def test_functions_have_checkpoints_too(tmp_path):
    X, y = labeled()
    f = y + 0.5
    undisturbed = rectify_mean(y, f, Blocks(1))
    with pytest.raises(ConnectionError):
        rectify_mean(y, f, PoolSource(Blocks(1, fails_at=5), checkpoint=tmp_path))
    same_bits(rectify_mean(y, f, PoolSource(Blocks(1), checkpoint=tmp_path)), undisturbed)
    found = rectify_linear_regression(X, y, f, Blocks(), PoolSource(Blocks(1), checkpoint=tmp_path))
    same_bits(found, rectify_linear_regression(X, y, f, Blocks(), Blocks(1)))


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError, match=r"could not be written to .*file.*make room"):
        fitted_mean(PoolSource(Blocks(), checkpoint=tmp_path / "file" / "folder"))


SCRIPT = """
import os, signal, sys
import numpy as np
from sklearn_ftr import PoolSource, rectify_mean
from sklearn_ftr.rectification import _checkpoint
_checkpoint._SECONDS = 0.0
folder, dies_at = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(0)
y = rng.normal(size=100)
def blocks():
    for number in range(40):
        if number == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        yield np.random.default_rng(number + 1).exponential(size=1_000)
result = rectify_mean(y, y + 1, PoolSource(blocks, checkpoint=folder or None))
print(repr([result.estimate, result.standard_error, *result.confidence_interval(), result.n_unlabeled]))
"""


def run(folder, dies_at):
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(SCRIPT), str(folder), str(dies_at)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("times", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_random(tmp_path, times):
    undisturbed = run("", -1).stdout
    assert "40000" in undisturbed
    for dies_at in np.sort(np.random.default_rng(times).integers(1, 40, size=times)):
        assert run(tmp_path, dies_at).returncode == -9
    assert run(tmp_path, -1).stdout == undisturbed
