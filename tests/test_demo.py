"""The command line, on small data: what it prints, and what it says of bad files."""

import csv
import re
import runpy
import sys

import numpy as np
import pytest

from sklearn_ftr.demo import _command_line, _study, main
from sklearn_ftr.demo._features import table_features, text_features


@pytest.fixture
def ratings(rng):
    """600 short texts whose rating is the number of good minus the number of bad words."""
    words = rng.choice(["great", "awful", "the", "cat", "sat"], size=(600, 8))
    y = (words == "great").sum(axis=1) - (words == "awful").sum(axis=1) + 0.3 * rng.normal(size=600)
    return np.array([" ".join(row) for row in words]), y


@pytest.fixture
def file(tmp_path, ratings):
    """The same as a CSV file with 200 labels, a number with gaps and a category."""
    path = tmp_path / "ratings.csv"
    texts, y = ratings
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["id", "text", "stars", "price", "kind"])
        for i, (text, rating) in enumerate(zip(texts, y, strict=True)):
            label = f"{rating:.3f}" if i % 3 == 0 else ("", "NA", " nan ")[i % 3]
            writer.writerow(
                [i, text, label, "" if i % 5 == 0 else f"{rating:.0f}", "ab"[int(rating > 0)]]
            )
    return path


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    return status, *capsys.readouterr()


def test_demo_on_the_tweets_or_their_stand_in(monkeypatch, capsys, ratings):
    pytest.importorskip("torch")
    monkeypatch.setattr(_command_line, "fetch_vader_tweets", lambda return_X_y: ratings)
    status, out, err = run(capsys, "--labels", 150, "--draws", 20)
    assert status == 0
    assert f"True mean: {ratings[1].mean():.3f}" in out
    methods = ["labels only", "predictions only", "split 20 %", "split 20 %, recycled", "cross-fitting"]
    for method in [*methods, "cross-fitting, network"]:
        assert re.search(rf"^{re.escape(method)} +-?\d\.\d+ +\[.*\]", out, re.M), method
    for method in methods:
        assert re.search(rf"^{re.escape(method)} +\d+\.\d % \+- \d+\.\d", out, re.M), method
    assert err.count("draw ") == 10


def test_demo_falls_back_to_the_lexicon(monkeypatch, capsys, ratings):
    pytest.importorskip("torch")

    def offline(return_X_y):
        raise OSError("pip could not download vaderSentiment")

    monkeypatch.setattr(_command_line, "fetch_vader_tweets", offline)
    monkeypatch.setattr(_command_line, "load_vader_lexicon", lambda return_X_y: ratings)
    status, out, err = run(capsys, "--labels", 100, "--draws", 2)
    assert status == 0
    assert "Using the lexicon" in err
    assert out.startswith("600 words")


def test_demo_offline_without_the_lexicon(monkeypatch, capsys):
    def offline(return_X_y):
        raise OSError("nothing here")

    monkeypatch.setattr(_command_line, "fetch_vader_tweets", offline)
    monkeypatch.setattr(_command_line, "load_vader_lexicon", offline)
    status, _, err = run(capsys)
    assert status == 2
    assert err.endswith("error: nothing here\n")


@pytest.mark.parametrize(
    "source", [["--text", "text"], ["--features", "price,kind"]], ids=["text", "table"]
)
def test_own_file(capsys, file, ratings, source):
    status, out, _ = run(capsys, "--data", file, "--label", "stars", *source)
    assert status == 0
    assert "600 rows, 200 with a label in 'stars'" in out
    low, high = re.search(r"^cross-fitting .*\[(.*), (.*)\]", out, re.M).groups()
    assert float(low) < ratings[1].mean() < float(high)
    assert "Each label counts" in out


def test_own_file_with_every_label(capsys, tmp_path):
    path = tmp_path / "all.csv"
    path.write_text("x,y\n" + "\n".join(f"{i},{i % 7}" for i in range(30)))
    status, out, _ = run(capsys, "--data", path, "--label", "y", "--features", "x")
    assert status == 0
    assert "nothing to predict" in out


BAD_FILES = {
    "missing": (None, "cannot be opened: No such file"),
    "empty": (b"", "is empty or not a CSV file"),
    "not text": (b"\xff\xfe\x00\x01,b\n", "is not UTF-8 text"),
    "no such column": (b"a,b\n1,2\n", "has no column 'y', 'x'; its columns are: a, b"),
    "two columns of a name": (b"x,x,y\n1,2,3\n", "two columns of the same name"),
    "no labels": (b"x,y\n1,\n2,NA\n", "no label in any of its 2 rows"),
    "label in words": (b"x,y\n1,2\n2,yes\n", "row 3: the label 'yes' in column 'y' is not a number"),
    "infinite label": (b"x,y\n1,2\n2,inf\n", "row 3: the label 'inf' in column 'y' is not a number"),
    "few labels": (b"x,y\n1,2\n2,3\n5,\n", "has 2 labels; with fewer than 10"),
    "ragged": (b"x,y\n1,2\n1;3\n", "row 3: 1 cells under 2 columns"),
    "header only": (b"x,y\n", "no label in any of its 0 rows"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files(capsys, tmp_path, case):
    content, message = BAD_FILES[case]
    path = tmp_path / "bad.csv"
    if content is not None:
        path.write_bytes(content)
    status, _, err = run(capsys, "--data", path, "--label", "y", "--features", "x")
    assert status == 2
    assert err.startswith("error: ")
    assert message in err


def test_label_among_the_features(capsys, file):
    status, _, err = run(capsys, "--data", file, "--label", "stars", "--features", "price,stars")
    assert status == 2
    assert "'stars' is the label" in err


def test_texts_without_words(capsys, tmp_path):
    path = tmp_path / "blank.csv"
    path.write_text("text,y\n" + ",1\n" * 20 + ",\n" * 20)
    status, _, err = run(capsys, "--data", path, "--label", "y", "--text", "text")
    assert status == 2
    assert "Column 'text'" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "f.csv"], "--data needs --label COLUMN and --text"),
        (["--data", "f.csv", "--label", "y"], "--data needs --label COLUMN and --text"),
        (["--data", "f.csv", "--label", "y", "--text", "a", "--features", "b"], "not allowed with"),
        (["--label", "y"], "--label, --text and --features need --data"),
        (["--labels", "5000"], "--labels must be between"),
        (["--draws", "1"], "--draws at least 2"),
    ],
)
def test_bad_arguments(monkeypatch, capsys, ratings, arguments, message):
    monkeypatch.setattr(_command_line, "fetch_vader_tweets", lambda return_X_y: ratings)
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_python_dash_m(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["sklearn_ftr", "--help"])
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("sklearn_ftr", run_name="__main__")
    assert stop.value.code == 0
    assert "python -m sklearn_ftr" in capsys.readouterr().out


def test_progress_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert list(_command_line._progress(iter("abc"), 3)) == ["a", "b", "c"]
    assert "draw 3 of 3\r" in capsys.readouterr().err


def test_features():
    texts = text_features(["one two", "two three", "three four", "four one"])
    assert texts.shape[0] == 4
    table = table_features([["1", "", "3"], ["a", "b", "a"], ["", "", ""], ["1", "inf", "2"]])
    assert table.shape[0] == 3
    assert np.isfinite(table).all()
    np.testing.assert_array_equal(table[:, 0], [1, 2, 3])  # the gap is filled with the mean


@pytest.mark.thorough
def test_calibration_is_what_it_says(rng):
    """On a useless X, coverage is near 95 % and recycled efficiency near one."""
    X, truth = rng.normal(size=(2_000, 2)), rng.normal(size=2_000)
    rows = _study.calibrate(X, truth, 100, 60, lambda draws, total: draws)
    by_name = {row.method: row for row in rows}
    assert by_name["labels only"].efficiency == 1
    assert by_name["labels only"].coverage > 0.85
    assert by_name["cross-fitting"].efficiency == pytest.approx(1, abs=0.3)
