"""The benchmark of losses on made sets: it resumes and reports, and finds what must be so."""

import io

import numpy as np
import pytest
from test_simulations import benchmark

pytest.importorskip("torch")
pd = pytest.importorskip("pandas")
TEXTS = {"emobank": "V", "vader_tweets": "y", "vader_amazon": "y", "wine_reviews_first10k": "points"}


@pytest.fixture
def sets(tmp_path):
    """All sets of the benchmark, small."""
    for folder in ("text", "embeddings", "tabular"):
        (tmp_path / folder).mkdir()
    rng = np.random.default_rng(0)
    for file, column in TEXTS.items():
        vectors = rng.normal(size=(1100, 4)).astype(np.float16)
        frame = pd.DataFrame({"text": [row * "x" for row in range(1100)]})
        frame[column] = 3 + vectors[:, 0] + 0.3 * rng.normal(size=1100)
        frame["category"] = np.arange(1100) % 3
        frame.to_csv(tmp_path / "text" / f"{file}.csv.gz", index=False)
        rows = np.arange(1100)
        np.savez(tmp_path / "embeddings" / f"{file}.minilm_l6_v2.npz", emb=vectors, row=rows)
    table = pd.DataFrame({"price": rng.choice([10, 20, 200], 1100), "points": rng.normal(88, 3, 1100)})
    table["country"] = table["variety"] = rng.choice(["a", "b"], 1100)
    table.to_csv(tmp_path / "tabular" / "wine_points_130k.csv.gz", index=False)
    yield tmp_path
    benchmark("_rating_sets").load_vectors.cache_clear()
    benchmark("_loss_settings").wine_table.cache_clear()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(benchmark("_loss_settings"), "EPOCHS", 1)


def start(sets, *options):
    arguments = ["--data", sets, "--out", sets / "out", *options]
    benchmark("losses").main([str(argument) for argument in arguments])
    return sets / "out" / "losses.csv"


@pytest.mark.thorough
def test_it_resumes_and_reports(sets, quick, capsys):
    chosen = ["--settings", "drifting raters"]
    path = start(sets, *chosen, "--seeds", 2)
    whole = path.read_text()
    path.write_text(whole[: len(whole) * 2 // 3])  # as an interrupted run leaves it
    again = pd.read_csv(start(sets, *chosen, "--seeds", 2))
    pd.testing.assert_frame_equal(again, pd.read_csv(io.StringIO(whole)))
    report = capsys.readouterr().out
    assert "drifting raters, v, 2 seeds" in report
    assert "nan" not in report
    whole = path.read_text()
    assert start(sets, *chosen, "--seeds", 3, "--minutes", 0).read_text() == whole
    start(sets, *chosen, "--seeds", 1)
    assert "drifting raters, v, 1 seeds" in capsys.readouterr().out


@pytest.mark.thorough
def test_every_setting_can_be_measured(sets, quick):
    """The first case of each, under all of its criteria."""
    for setting in benchmark("_loss_settings").SETTINGS.values():
        case = next(iter(setting(sets)))
        for criterion in case.fits:
            measured = case.measure(criterion, seed=0)
            assert 0 < measured["tuned"] <= measured["total"] + 1e-12
            assert np.isfinite(measured["variance"])


def test_a_ratio_has_its_error():
    logs = pd.Series(np.log([1.1, 1.21, 1.331]))
    assert benchmark("losses").ratio(logs) == "1.210 +- 0.067"  # 1.21 log(1.1) / sqrt(3)


def test_what_is_learned_is_in_units_of_the_ratings(rng):
    settings = benchmark("_loss_settings")
    X = rng.normal(size=(300, 2))
    weights = settings.learned(X, 5000 + 100 * X[:, 0])
    model = settings.VarianceRegressor(weights=weights).initialize(X)
    assert np.std(5000 + 100 * X[:, 0] - model.predict(X)) < 90
    assert np.mean(model.predict(X)) == pytest.approx(5000, abs=20)


def measured(rng, **case):
    """Residual variance of a linear function of two features under both losses, batches as they are given."""
    settings = benchmark("_loss_settings")
    X = rng.normal(size=(1000, 2))
    order = X[:, 0] if case.pop("is_sorted") else None
    fits = settings.batched(16, in_time=False)
    made = settings.Case("", "", X, X.sum(axis=1), 320, fits, order=order, **case)
    return [made.measure(name, seed=0)["variance"] for name in ("variance", "centered MSE")]


@pytest.mark.thorough
def test_batches_that_are_alike_hide_what_they_share(rng):
    variance, squared_error = measured(rng, is_sorted=True)
    assert variance > 2 * squared_error


@pytest.mark.thorough
def test_the_variance_of_batches_forgives_what_raters_of_a_batch_share(rng):
    drift = np.linspace(-9, 9, 320)
    variance, squared_error = measured(rng, is_sorted=False, drift=drift)
    assert squared_error > 2 * variance
