"""The harness of benchmarks/real_ratings.py on made sets: it resumes, repairs and reports."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_simulations import benchmark

pd = pytest.importorskip("pandas")
FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def sets(tmp_path):
    """Two small sets in the layout that the loaders read."""
    rng = np.random.default_rng(0)
    for file, column in (("vader_tweets", "y"), ("emobank", "V")):
        vectors = rng.normal(size=(400, 8)).astype(np.float16)
        ratings = vectors[:, 0] + 0.3 * rng.normal(size=400)
        for kind in ("text", "embeddings"):
            (tmp_path / kind).mkdir(exist_ok=True)
        frame = pd.DataFrame({"text": [f"text {row}" for row in range(400)], column: ratings})
        frame.to_csv(tmp_path / "text" / f"{file}.csv.gz", index=False)
        np.savez(tmp_path / "embeddings" / f"{file}.minilm_l6_v2.npz", emb=vectors, row=np.arange(400))
    return tmp_path


def run(script, *arguments):
    command = [sys.executable, FOLDER / script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)


@pytest.mark.slow
def test_the_harness_resumes_and_reports(sets):
    options = ["--data", sets, "--out", sets / "out", "--sets", "tweets", "--n", 100, "--jobs", 1]
    options += ["--methods", "labels-only", "plug-in", "zero-shot", "split"]
    run("real_ratings.py", *options, "--reps", 2)
    path = sets / "out" / "ridge.csv"
    two = path.read_text()
    assert pd.read_csv(path)["draw"].nunique() == 2
    path.write_text(two[: len(two) * 2 // 3])  # as an interrupted run leaves it
    assert "1 draws to do" in run("real_ratings.py", *options, "--reps", 2).stderr
    assert path.read_text() == two
    assert "20 draws to do" in run("real_ratings.py", *options, "--reps", 22).stderr
    run("real_ratings_report.py", "--out", sets / "out")
    summary = pd.read_csv(sets / "out" / "summary.csv")
    recycled = summary.query("variant == 'recycled' and split_ratio == 0.2 and loss == 'variance'")
    assert recycled["reported_efficiency"].item() > 2
    assert summary.query("method == 'plug in'")["draws"].item() == 22


def test_regret_picks_a_split():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 5))
    y = X.sum(axis=1) + rng.normal(size=600)
    for law in ("auto", "power"):
        *splits, promised = benchmark("regret").pick(X, y, 100, 0, law)
        assert all(2 <= s <= 98 for s in splits)
        assert promised >= 1
