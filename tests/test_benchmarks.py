"""The harness of benchmarks on made sets: they resume, repair and report; what they take for the truth is true."""

import ast
import importlib.util
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, RidgeCV
from test_simulations import benchmark

from sklearn_ftr import RectifiedMeanEstimator, ScalingLaw

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


def without_padding(markdown):
    return re.sub(" +", " ", markdown)


def imported_from(tree):
    """Modules and names of `from module import name`."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return [(str(node.module), alias.name) for node in nodes for alias in node.names]


def names_of(tree):
    """What a module defines or imports."""
    nodes = [
        node for node in ast.walk(tree) if isinstance(node, ast.Name | ast.ClassDef | ast.FunctionDef)
    ]
    own = {getattr(node, "name", getattr(node, "id", "")) for node in nodes}
    return own | {name for _, name in imported_from(tree)}


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.stem)
def test_what_benchmarks_import_is_there(file):
    """Without running them, which needs extras and hours."""
    for module, name in imported_from(ast.parse(file.read_text("utf-8"))):
        sibling = FOLDER / f"{module}.py"
        if sibling.exists():
            assert name in names_of(ast.parse(sibling.read_text("utf-8"))), (module, name)
        elif module.startswith("sklearn_ftr") and "finetuning" not in module:
            found = importlib.import_module(module)
            assert hasattr(found, name) or importlib.util.find_spec(f"{module}.{name}"), (module, name)


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


@pytest.mark.thorough
def test_regret_resumes_and_reports(tmp_path, capsys):
    regret = benchmark("regret")
    options = ["--cache", str(tmp_path), "--models", "ridge", "LoRA", "--sets", "noise", "--n", "60"]
    options += ["--repetitions", "5", "--jobs", "1"]
    regret.main([*options, "--draws", "1", "--minutes", "0"])
    assert not (tmp_path / "regret.jsonl").read_text()
    regret.main([*options, "--draws", "2"])
    path = tmp_path / "regret.jsonl"
    first = path.read_text()
    assert len(first.splitlines()) == 5 + 2
    path.write_text(first[:-40])  # as an interrupted run leaves it
    regret.main([*options, "--draws", "2"])
    assert sorted(path.read_text().splitlines()) == sorted(first.splitlines())
    assert "1 tasks to do" in capsys.readouterr().out
    regret.main(["--report", "--cache", str(tmp_path)])
    assert "| ridge | noise | 60 | 2 | " in without_padding(capsys.readouterr().out)
    with pytest.raises(SystemExit):
        regret.main(["--cache", str(tmp_path), "--sets", "tweets"])


def test_a_fit_that_fails_is_reported():
    report, cells = benchmark("_regret_report"), benchmark("_regret_cells")
    curve = {"model": "kNN", "set": "noise", "n": 0, "shares": [1.0] * 26}
    ways = {way: {"error": "too few rows"} for way in cells.WAYS}
    text = report.report([curve] * 5 + [curve | {"n": 60, "pool": 500} | ways])
    assert "3 fits fail: too few rows" in text


@pytest.mark.parametrize("recycle", [False, True])
def test_the_truth_of_regret_is_that_of_a_known_law(recycle):
    truth = benchmark("_regret_truth")
    law = ScalingLaw(2.0, 0.5, 0.2)
    of_law = truth.Truth(law, 300, 5_000)
    best = of_law.best_split(recycle)["n_finetune"]
    assert best == law.optimal_split(300, 5_000, total_variance=1.0, recycle=recycle, power_tuning=True)
    lucky = np.exp(0.1 * np.random.default_rng(0).standard_normal((100, len(truth.SIZES))))
    curve = truth.MeasuredCurve(np.minimum(law.predict(truth.SIZES.astype(float)), 1.0) * lucky)
    np.testing.assert_allclose(
        curve.predict(np.array([30.0, 100, 300])), law.predict([30, 100, 300]), rtol=0.03
    )
    measured = truth.Truth(curve, 300, 5_000)
    assert of_law.variance(measured.best_split(recycle), recycle) < 1.01 * of_law.variance(
        of_law.best_split(recycle), recycle
    )


def test_a_stored_curve_leaves_what_it_says():
    models, sets = benchmark("_regret_models"), benchmark("_regret_sets")
    X, y = sets.population(None, "stored", False).draw(np.random.default_rng(0), 100, 40_000)
    f = models.StoredCurve("full, EmoBank V", 0.0).fit(X[:100], y[:100]).predict(X[100:])
    assert 1 - np.corrcoef(f, y[100:])[0, 1] ** 2 == pytest.approx(0.796, rel=0.03)


@pytest.mark.thorough
def test_honest_inference_tells_choices():
    honest = benchmark("honest_inference")
    row = honest.coverage(honest.POPULATIONS["noise, d = 10"], 60, draws=3, jobs=1)
    assert set(row) == set(honest.STRATEGIES)
    assert all(
        0 <= share <= 1 and chosen.sum() == pytest.approx(1) for share, _, chosen in row.values()
    )


@pytest.fixture
def paper(sets):
    """Runs `paper.py` on a small set; the table that it leaves."""
    fixed = [
        "--data",
        sets,
        "--out",
        sets / "out",
        "--sets",
        "EmoBank V",
        "--n",
        60,
        "--sizes",
        10,
        20,
        40,
    ]

    def start(*options):
        benchmark("paper").main([str(option) for option in (*fixed, *options)])
        return sets / "out" / "paper.csv"

    benchmark("_paper_sets").population.cache_clear()
    return start, ["--vectors", sets / "embeddings", "--model", "minilm", "--allocator", "--folds", 2]


@pytest.mark.thorough
def test_the_papers_experiment_resumes(paper):
    start, options = paper
    whole = start(*options, "--seeds", 2).read_text()
    columns = ["job", "method", "draw", "estimate"]
    before = pd.read_csv(io.StringIO(whole))[columns]
    path = start(*options, "--seeds", 2, "--minutes", 0)
    assert path.read_text() == whole
    path.write_text(whole[: len(whole) * 2 // 3])  # as an interrupted run leaves it
    after = pd.read_csv(start(*options, "--seeds", 2))[columns]
    pd.testing.assert_frame_equal(after, before)


@pytest.mark.thorough
def test_the_papers_experiment_reports_what_was_made(paper, capsys):
    start, options = paper
    rows = pd.read_csv(start(*options, "--seeds", 20))
    report = without_padding(capsys.readouterr().out)
    lines = [line.split("|")[1:] for line in report.splitlines() if line.startswith("| ")]
    lines = [[cell.strip() for cell in line] for line in lines]
    fields = {tuple(line[:4]): line for line in lines}
    share = 0.09 / rows["total"].iloc[0]  # noise of variance 0.3^2 on one coordinate
    for of in ("law", "rows"):
        alone = float(fields["labels only", "", of, "0"][4].split()[0])
        assert abs(alone) < 0.1
    saved = float(fields["cross-fitting", "variance", "law", "K = 2"][6].split()[0])
    assert saved == pytest.approx(100 * (1 - share), abs=6)
    assert fields["cross-fitting", "variance", "rows", "K = 2"][6] == ""
    assert "| here | " in report
    assert "| published | 0.287 | 0.297 | 0.042 | " in report


@pytest.mark.thorough
def test_the_paper_tells_whether_goals_are_reached(paper):
    start, options = paper
    rows = pd.read_csv(start(*options, "--seeds", 3)).fillna({"loss": "", "size": 0})
    found = list(benchmark("_paper_figures").cases(rows))
    tables = benchmark("_paper_report")
    fold, split = tables.goals(("EmoBank V", "minilm", "ridge", 60), found)
    assert (fold["method"], fold["goal"], fold["reached"]) == ("K = 2", 50, "this pool")
    assert split["method"] in {"split 10", "split 20", "split 40"}
    assert split["reached"] == ""  # no goal for a split on this set
    part = pd.DataFrame({"reported": [50.0, 52.0], "endless pool": [58.0, 60.0]})
    assert [tables.verdict(part, goal) for goal in (51, 55, 60.9, 61.1)] == [
        "this pool",
        "endless pool",
        "within two errors, endless pool",
        "no",
    ]


def test_the_paper_covers_the_law_and_the_rows():
    """Half of the rows have labels: an interval of the law is far too wide for their mean, which has its own."""
    methods, tables = benchmark("_paper_methods"), benchmark("_paper_figures")
    rows = []
    for seed in range(400):
        draw = methods.Draw(seed, 100, None, np.random.default_rng(seed).normal(size=200))
        about = {"mean": draw.y.mean(), "rows": len(draw.y)}
        rows += [about | row for row in methods.labels_only(draw, None)]
    of = dict(iter(pd.DataFrame(rows).groupby("of")))
    assert tables.covered(of["law"], "law", 1 / 200).mean() == pytest.approx(0.95, abs=0.02)
    assert tables.covered(of["rows"], "rows", 1 / 200).mean() == pytest.approx(0.95, abs=0.04)
    assert tables.covered(of["law"], "rows", 1 / 200).mean() > 0.98


def test_the_paper_is_not_certain_of_intervals_that_all_hit():
    """Of 99 hits the error is that of one half of a miss in 100."""
    counted = benchmark("_paper_figures").counted
    assert counted(pd.Series([100.0] * 99)) == "100.0 +- 0.7"
    assert counted(pd.Series([100.0, 0.0] * 50)) == "50.0 +- 5.0"


def test_the_paper_asks_a_split_about_rows_that_have_not_trained():
    methods = benchmark("_paper_methods")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = X[:, 0] + 0.1 * rng.normal(size=300)
    y[:20] += 5  # whoever trains is far from the others
    draw = methods.Draw(0, 100, X, y)
    rows = list(methods.split(draw, lambda loss: LinearRegression(), 20, "variance"))
    for row in rows:
        if row["of"] == "rows":
            assert (row["mean"], row["rows"]) == (pytest.approx(y[20:].mean()), 280)
            assert row["low"] < row["mean"] < row["high"]
    assert sum(row["of"] == "rows" for row in rows) == 2


def test_the_paper_knows_what_an_endless_pool_would_save():
    """Of a split with recycling: two precisions that add up."""
    methods = benchmark("_paper_methods")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 1))
    draw = methods.Draw(0, 1000, X, X[:, 0] + rng.normal(size=20_000))
    estimator = RectifiedMeanEstimator(LinearRegression(), split_ratio=0.5, random_state=0)
    result = estimator.fit(draw.X, draw.labels).result_
    assert methods.known(result)["endless"] == pytest.approx(1000 / (500 / 1 + 500 / 2), rel=0.1)


def test_the_paper_trains_once_on_the_same_rows():
    make = benchmark("_paper_sets").on_vectors
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    first = make("ridge").fit(X, y)
    assert make("ridge").fit(X.copy(), y.copy()).coef_ is first.coef_
    for loss, other in (("variance", X[::-1].copy()), ("mse", X)):
        known = RidgeCV(first.alphas, fit_intercept=loss == "variance").fit(other, y)
        np.testing.assert_allclose(make("ridge", loss).fit(other, y).predict(X), known.predict(X))


def test_the_paper_refuses_a_table_with_other_columns(paper):
    start, options = paper
    path = start(*options, "--seeds", 1)
    pd.read_csv(path).drop(columns="of").to_csv(path, index=False)
    with pytest.raises(ValueError, match="other columns"):
        start(*options, "--seeds", 1)


def test_the_paper_fine_tunes_texts(paper, monkeypatch):
    """What is fine-tuned sees texts, a seed and the loss."""
    start, _ = paper
    seen = []

    class Lengths(LinearRegression):
        def fit(self, X, y):
            seen.append(X[0])
            return super().fit([[len(text)] for text in X], y)

        def predict(self, X):
            return super().predict([[len(text)] for text in X])

    made = []
    monkeypatch.setattr(benchmark("paper"), "on_texts", lambda *given: made.append(given) or Lengths())
    start("--model", "folder", "--method", "full", "--seeds", 1, "--allocator", "--folds")
    assert all(isinstance(text, str) for text in seen)
    assert set(made) == {("folder", "full", "cpu", "variance"), ("folder", "full", "cpu", "mse")}
