"""Fetching, against local files: a real archive where one is at hand, a small one made here otherwise."""

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest

from sklearn_ftr.datasets import _cache, _vader, fetch_vader_tweets, load_vader_lexicon

TEXTS = "1\t0.5\tGood 100% day\r\n2\t-1.0\tBad\tday with a tab\r\n"
RATINGS = "1\t0.5\t0.5\t[1, 0, 2]\r\n2\t-1.0\t0.0\t[-1, -1]\r\n"
SHARED = Path(__file__).parents[2] / "shared" / "data" / "text" / "vader_tweets.csv.gz"


def archive(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as files:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            files.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A small archive of the real layout, whose checksum is the expected one."""
    content = archive(
        {
            "hutto_ICWSM_2014/tweets_GroundTruth.txt": TEXTS.encode(),
            "hutto_ICWSM_2014/tweets_anonDataRatings.txt": RATINGS.encode(),
        }
    )
    monkeypatch.setattr(_vader, "_ARCHIVE_SHA256", hashlib.sha256(content).hexdigest())
    return content


def test_tweets_from_an_archive(small, tmp_path):
    (tmp_path / "archive.tar.gz").write_bytes(small)
    tweets = fetch_vader_tweets(source=tmp_path / "archive.tar.gz", data_folder=tmp_path / "cache")
    assert list(tweets.data) == ["Good 100% day", "Bad\tday with a tab"]
    np.testing.assert_array_equal(tweets.target, [1.0, -1.0])  # the mean of the ratings, not 0.5
    np.testing.assert_array_equal(tweets.n_raters, [3, 2])
    assert not list((tmp_path / "cache").iterdir())


def test_tweets_from_a_source_distribution(small, tmp_path):
    path = tmp_path / "sdist.tar.gz"
    path.write_bytes(
        archive({"vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz": small})
    )
    texts, target = fetch_vader_tweets(source=path, data_folder=tmp_path, return_X_y=True)
    assert texts.shape == target.shape == (2,)


def test_fetched_once_then_cached(small, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(_vader, "pip_download", lambda *arguments: calls.append(arguments) or small)
    for _ in range(2):
        assert len(fetch_vader_tweets(data_folder=tmp_path).target) == 2
    assert calls == [(_vader._RELEASE, _vader._RELEASE_SHA256)]
    assert [path.name for path in tmp_path.iterdir()] == ["hutto_ICWSM_2014.tar.gz"]


@pytest.mark.parametrize(
    "content", [b"not an archive", archive({"other": b"content"})], ids=["text", "tar"]
)
def test_wrong_file(content, tmp_path):
    (tmp_path / "hutto_ICWSM_2014.tar.gz").write_bytes(content)
    with pytest.raises(ValueError, match=r"has sha256 .*expected d5bb07d8.*damaged"):
        fetch_vader_tweets(source=tmp_path / "hutto_ICWSM_2014.tar.gz", data_folder=tmp_path)


def test_a_damaged_copy_is_fetched_again(small, tmp_path, monkeypatch):
    cached = tmp_path / "hutto_ICWSM_2014.tar.gz"
    cached.write_bytes(small[:-5])
    monkeypatch.setattr(_vader, "pip_download", lambda *arguments: small)
    assert len(fetch_vader_tweets(data_folder=tmp_path).target) == 2
    assert cached.read_bytes() == small


def test_pip_that_hangs(monkeypatch):
    def hang(command, timeout, **options):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(OSError, match="within 300 s"):
        _cache.pip_download("some==1.0", "0" * 64)


def test_nothing_can_be_fetched(tmp_path):
    with pytest.raises(OSError, match=r"pip could not download no-such-package-sklearn-ftr==1\.0"):
        _cache.pip_download("no-such-package-sklearn-ftr==1.0", "0" * 64)


def test_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("SKLEARN_FTR_DATA", str(tmp_path / "chosen"))
    assert _cache.data_home() == tmp_path / "chosen"
    monkeypatch.delenv("SKLEARN_FTR_DATA")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert _cache.data_home() == tmp_path / ".cache" / "sklearn_ftr"


def test_lexicon():
    pytest.importorskip("vaderSentiment")
    lexicon = load_vader_lexicon()
    assert 7_000 < len(lexicon.data) < 8_000
    assert set(lexicon.n_raters) == {10}
    assert -4 <= lexicon.target.min() < lexicon.target.max() <= 4
    assert lexicon.target[list(lexicon.data).index("awesome")] > 2
    assert len(load_vader_lexicon(return_X_y=True)) == 2


def test_lexicon_without_the_package(monkeypatch):
    monkeypatch.setattr(_vader, "find_spec", lambda name: None)
    with pytest.raises(OSError, match="vaderSentiment is not installed"):
        load_vader_lexicon()


@pytest.fixture(scope="module")
def tweets():
    """The real tweets, where pip can bring them."""
    try:
        return fetch_vader_tweets()
    except OSError as error:
        pytest.skip(str(error))


def test_the_real_tweets(tweets):
    assert tweets.data.shape == tweets.target.shape == (4200,)
    assert tweets.n_raters.min() >= 20
    assert tweets.target.mean() == pytest.approx(0.50698, abs=1e-5)


@pytest.mark.skipif(not SHARED.exists(), reason="the independent copy of the ratings is not here")
def test_the_real_tweets_agree_with_an_independent_copy(tweets):
    pd = pytest.importorskip("pandas")
    frame = pd.read_csv(SHARED, keep_default_na=False)
    np.testing.assert_allclose(tweets.target, frame["y"], atol=1e-6)
    assert [text.strip() for text in tweets.data] == [text.strip() for text in frame["text"]]
