"""Fetching, against local files: a real archive where one is at hand, a small one made here otherwise."""

import csv
import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sklearn_ftr.datasets import (
    _cache,
    _csv,
    _emobank,
    _vader,
    _wine_reviews,
    fetch_emobank,
    fetch_vader_amazon,
    fetch_vader_tweets,
    fetch_wine_reviews,
    load_vader_lexicon,
)

TEXTS = "1\t0.5\tGood 100% day\r\n2\t-1.0\tBad\tday with a tab\r\n"
RATINGS = "1\t0.5\t0.5\t[1, 0, 2]\r\n2\t-1.0\t0.0\t[-1, -1]\r\n"
SENTENCES = "1_1\t0.5\tworks .\r\n1_2\t-1.0\tno picture .\r\n12_1\t0.0\tok ."
SENTENCE_RATINGS = "\ufeff1_1\t0.5\t0.5\t[1, 0]\r\n1_2\t-1.0\t0.0\t[-1]\r\n12_1\t0\t0\t[0, 0, 0]"
EMOBANK = (
    "id,split,V,A,D,text\n"
    'a_b_1_5,train,3.0,2.5,3.25,"He said: ""Go,  now!"" "\n'
    "c_7_9,test,1.5,4,3.1,null\n"
)
WINE = (
    ",country,description,points,taster_name\n"
    '0,Italy,"Plum; oak, ""big"".",87,Zoë\n'
    "1,US,Crisp.,90,\n"
    "2,US,Not read.,91,\n"
)
SHARED = Path(__file__).parents[2] / "shared" / "data" / "text"
needs_copies = pytest.mark.skipif(
    not SHARED.exists(), reason="the independent copies of the ratings are not here"
)


def archive(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as files:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            files.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def small(monkeypatch):
    """A small archive of the real layout, whose checksum is the expected one."""
    content = archive(
        {
            "hutto_ICWSM_2014/tweets_GroundTruth.txt": TEXTS.encode(),
            "hutto_ICWSM_2014/tweets_anonDataRatings.txt": RATINGS.encode(),
            "hutto_ICWSM_2014/amazonReviewSnippets_GroundTruth.txt": SENTENCES.encode(),
            "hutto_ICWSM_2014/amazonReviewSnippets_anonDataRatings.txt": SENTENCE_RATINGS.encode(),
        }
    )
    monkeypatch.setattr(_vader, "_ARCHIVE_SHA256", hashlib.sha256(content).hexdigest())
    return content


def expect(monkeypatch, module, content, n_rows=2):
    """Let the content of this csv be the expected one."""
    table = replace(module._TABLE, n_rows=n_rows)
    sha256 = _csv.content_sha256(table._parse(content.encode()))
    monkeypatch.setattr(module, "_TABLE", replace(table, sha256=sha256))


@pytest.fixture
def emobank(monkeypatch, tmp_path):
    """Where a small EmoBank is; it is also what its address leads to."""
    expect(monkeypatch, _emobank, EMOBANK)
    path = tmp_path / "served.csv"
    path.write_text(EMOBANK, "utf-8")
    monkeypatch.setattr(_emobank, "_URL", path.as_uri())
    return path


@pytest.fixture
def wine(monkeypatch, tmp_path):
    expect(monkeypatch, _wine_reviews, WINE)
    path = tmp_path / "served.csv"
    path.write_text(WINE, "utf-8")
    monkeypatch.setattr(_wine_reviews, "_URL", path.as_uri())
    return path


# VADER: the archive


def test_tweets_from_an_archive(small, tmp_path):
    (tmp_path / "archive.tar.gz").write_bytes(small)
    tweets = fetch_vader_tweets(source=tmp_path / "archive.tar.gz", data_folder=tmp_path / "cache")
    assert list(tweets.data) == ["Good 100% day", "Bad\tday with a tab"]
    np.testing.assert_array_equal(tweets.target, [1.0, -1.0])  # the mean of the ratings, not 0.5
    np.testing.assert_array_equal(tweets.n_raters, [3, 2])
    assert not (tmp_path / "cache").exists()


def test_sentences_of_reviews_from_an_archive(small, tmp_path):
    (tmp_path / "archive.tar.gz").write_bytes(small)
    amazon = fetch_vader_amazon(source=tmp_path / "archive.tar.gz", data_folder=tmp_path)
    assert list(amazon.data) == ["works .", "no picture .", "ok ."]
    np.testing.assert_array_equal(amazon.target, [0.5, -1.0, 0.0])
    np.testing.assert_array_equal(amazon.n_raters, [2, 1, 3])
    assert list(amazon.groups) == ["1", "1", "12"]


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
        assert len(fetch_vader_amazon(data_folder=tmp_path).target) == 3
    assert calls == [(_vader._RELEASE, _vader._RELEASE_SHA256)]
    assert [path.name for path in tmp_path.iterdir()] == ["hutto_ICWSM_2014.tar.gz"]


HALF = archive({"other": np.random.default_rng(0).bytes(50_000)})[:25_000]


@pytest.mark.parametrize(
    "content",
    [b"not an archive", archive({"other": b"content"}), HALF],
    ids=["text", "tar", "half a tar"],
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


# EmoBank and the wine reviews: csv files behind an address


@pytest.mark.parametrize(
    "packed",
    [bytes, gzip.compress, b"\xef\xbb\xbf".__add__],
    ids=["plain", "gzip", "byte order mark"],
)
def test_sentences_from_a_local_copy(emobank, tmp_path, packed):
    path = tmp_path / "copy"
    path.write_bytes(packed(EMOBANK.encode()))
    bank = fetch_emobank(source=path, data_folder=tmp_path / "cache")
    assert list(bank.data) == ['He said: "Go,  now!" ', "null"]  # the text itself is left as it is
    np.testing.assert_array_equal(bank.target, [3.0, 1.5])
    assert list(bank.groups) == ["a_b", "c"]
    assert bank.target_names == ["V"]
    assert "CC-BY-SA" in bank.DESCR
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        ("V", [3.0, 1.5]),
        ("A", [2.5, 4.0]),
        ("D", [3.25, 3.1]),
        ("all", [[3.0, 2.5, 3.25], [1.5, 4.0, 3.1]]),
    ],
)
def test_dimensions(emobank, tmp_path, dimension, expected):
    X, y = fetch_emobank(dimension=dimension, source=emobank, data_folder=tmp_path, return_X_y=True)
    assert X.shape == (2,)
    np.testing.assert_array_equal(y, expected)


def test_unknown_dimension():
    with pytest.raises(
        ValueError, match="dimension is 'valence'; expected one of 'V', 'A', 'D' and 'all'"
    ):
        fetch_emobank(dimension="valence")


def test_only_the_first_wine_reviews_are_read(wine, tmp_path):
    reviews = fetch_wine_reviews(source=wine, data_folder=tmp_path)
    assert list(reviews.data) == ['Plum; oak, "big".', "Crisp."]
    np.testing.assert_array_equal(reviews.target, [87.0, 90.0])
    assert list(reviews.groups) == ["Zoë", ""]


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(WINE.replace("\n", "\r\n"), id="line ends"),
        pytest.param(WINE.replace("Crisp.", '" Crisp.\u00a0"'), id="blanks and quotes"),
        pytest.param(WINE.replace(",87,", ",87.0,"), id="numbers"),
        pytest.param(WINE.replace(",country,", "id,nation,"), id="other columns"),
    ],
)
def test_the_checksum_is_of_what_the_columns_hold(wine, tmp_path, variant):
    wine.write_bytes(variant.encode())
    assert len(fetch_wine_reviews(source=wine, data_folder=tmp_path).target) == 2


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        pytest.param(WINE.replace("Crisp", "Crips"), "has 2 rows, of which .* damaged", id="text"),
        pytest.param(WINE.replace(",90,", ",91,"), "damaged or of another version", id="rating"),
        pytest.param(WINE.replace(",90,\n", ",90,Me\n"), "damaged or of another version", id="taster"),
        pytest.param(WINE.partition("1,US")[0], "has 1 rows", id="half a file"),
        pytest.param(WINE.replace("points", "score"), "cannot be read .no column points", id="column"),
        pytest.param(
            WINE.replace(",90,", ",high,"), "cannot be read .could not convert", id="no number"
        ),
        pytest.param("<html>Not found</html>", "expected a csv file with the columns", id="html"),
        pytest.param("", "no column description, points, taster_name", id="empty"),
    ],
)
def test_wrong_content(wine, tmp_path, variant, message):
    wine.write_text(variant, "utf-8")
    for error in (OSError, ValueError):
        with pytest.raises(error, match=message):
            fetch_wine_reviews(source=wine, data_folder=tmp_path)


@pytest.mark.parametrize("content", [gzip.compress(WINE.encode())[:-20], b"\xff\xfe\x00"])
def test_unreadable_content(wine, tmp_path, content):
    wine.write_bytes(content)
    with pytest.raises(_cache.ChecksumError, match="cannot be read"):
        fetch_wine_reviews(source=wine, data_folder=tmp_path)


def test_downloaded_once_then_cached(emobank, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    fetched = fetch_emobank(data_folder=cache)
    assert [path.name for path in cache.iterdir()] == ["emobank.csv"]
    emobank.unlink()
    np.testing.assert_array_equal(fetch_emobank(data_folder=cache).data, fetched.data)


def test_a_damaged_copy_is_downloaded_again(wine, tmp_path):
    cached = tmp_path / "wine_reviews.csv"
    cached.write_text(WINE[:60], "utf-8")
    assert len(fetch_wine_reviews(data_folder=tmp_path).target) == 2
    assert cached.read_text("utf-8") == WINE


def test_what_has_the_wrong_checksum_is_not_cached(emobank, tmp_path):
    emobank.write_text(EMOBANK.replace("null", "none"), "utf-8")
    with pytest.raises(_cache.ChecksumError, match=r"the fetched emobank\.csv has 2 rows"):
        fetch_emobank(data_folder=tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.parametrize("url", ["https://localhost:1/reviews.csv", "file:///no/such/file.csv"])
def test_offline(monkeypatch, tmp_path, url):
    monkeypatch.setattr(_wine_reviews, "_URL", url)
    with pytest.raises(OSError, match=f"{url} could not be downloaded.*source=.*{tmp_path}") as caught:
        fetch_wine_reviews(data_folder=tmp_path)
    assert not isinstance(caught.value, _cache.ChecksumError)


def test_a_connection_that_breaks_off(monkeypatch):
    class Broken(io.BytesIO):
        def read(self, *arguments):
            raise _cache.HTTPException("IncompleteRead")

    monkeypatch.setattr(_cache, "urlopen", lambda url, timeout: Broken())
    with pytest.raises(
        OSError, match=r"https://example\.org/a could not be downloaded.*IncompleteRead"
    ):
        _cache.download("https://example.org/a")


@pytest.mark.parametrize("url", ["http://example.org/a", "ftp://example.org/a", "data:,a"])
def test_other_addresses_are_refused(url):
    with pytest.raises(ValueError, match="expected an address with https:// or file://"):
        _cache.download(url)


def test_the_addresses_are_pinned():
    for module in (_emobank, _wine_reviews):
        assert module._URL.startswith("https://raw.githubusercontent.com/")
        assert len(module._URL.split("/")[5]) == 40


# pandas


def test_frames(emobank, small, tmp_path):
    pd = pytest.importorskip("pandas")
    (tmp_path / "archive.tar.gz").write_bytes(small)
    amazon = fetch_vader_amazon(source=tmp_path / "archive.tar.gz", data_folder=tmp_path, as_frame=True)
    assert list(amazon.frame.columns) == ["text", "sentiment", "n_raters", "groups"]
    pd.testing.assert_series_equal(amazon.data, amazon.frame["text"])
    pd.testing.assert_series_equal(amazon.target, amazon.frame["sentiment"])
    pd.testing.assert_series_equal(amazon.groups, amazon.frame["groups"])
    X, y = fetch_emobank(
        dimension="all", source=emobank, data_folder=tmp_path, as_frame=True, return_X_y=True
    )
    assert isinstance(X, pd.Series)
    assert list(y.columns) == ["V", "A", "D"]
    assert y.shape == (2, 3)


@pytest.mark.parametrize("fetch", [fetch_emobank, fetch_wine_reviews, fetch_vader_tweets])
def test_frames_hold_what_the_arrays_hold(fetch, emobank, wine, small, tmp_path):
    pytest.importorskip("pandas")
    content = {fetch_emobank: EMOBANK.encode(), fetch_wine_reviews: WINE.encode()}.get(fetch, small)
    (tmp_path / "copy").write_bytes(content)
    arguments = {"source": tmp_path / "copy", "data_folder": tmp_path}
    arrays, frame = fetch(**arguments), fetch(**arguments, as_frame=True)
    assert arrays.frame is None
    assert set(arrays) == set(frame)
    for name in set(arrays) - {"DESCR", "frame", "target_names"}:
        np.testing.assert_array_equal(np.asarray(frame[name], arrays[name].dtype), arrays[name])


def test_frames_without_pandas(emobank, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert fetch_emobank(source=emobank, data_folder=tmp_path).frame is None
    with pytest.raises(ImportError, match=r"as_frame=True needs pandas.*sklearn-ftr\[frames\]"):
        fetch_emobank(source=emobank, data_folder=tmp_path, as_frame=True)


# The lexicon


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


# The real ratings


@pytest.fixture(scope="module")
def tweets():
    """The real tweets, where pip can bring them."""
    try:
        return fetch_vader_tweets()
    except OSError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def amazon(tweets):
    """The real sentences of reviews, from the archive that the tweets are in."""
    return fetch_vader_amazon()


def independent_copy(name):
    with gzip.open(SHARED / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def stripped(texts):
    return [text.strip() for text in texts]


def test_the_real_tweets(tweets):
    assert tweets.data.shape == tweets.target.shape == (4200,)
    assert tweets.n_raters.min() >= 20
    assert tweets.target.mean() == pytest.approx(0.50698, abs=1e-5)


def test_the_real_reviews(amazon):
    assert amazon.data.shape == amazon.target.shape == amazon.groups.shape == (3708,)
    assert amazon.n_raters.min() >= 20
    assert len(set(amazon.groups)) == 300


@needs_copies
@pytest.mark.parametrize("name", ["tweets", "amazon"])
def test_real_sentiments_agree_with_an_independent_copy(name, request):
    rated, rows = request.getfixturevalue(name), independent_copy(f"vader_{name}")
    np.testing.assert_allclose(rated.target, [float(row["y"]) for row in rows], atol=1e-6)
    np.testing.assert_array_equal(rated.n_raters, [int(row["n_raters"]) for row in rows])
    assert stripped(rated.data) == stripped(row["text"] for row in rows)


@needs_copies
def test_the_real_emobank(tmp_path):
    rows = independent_copy("emobank")
    bank = fetch_emobank(dimension="all", source=SHARED / "emobank.csv.gz", data_folder=tmp_path)
    assert bank.target.shape == (10_062, 3)
    assert 1 <= bank.target.min() < bank.target.max() <= 5
    np.testing.assert_array_equal(bank.target[:, 0], [float(row["V"]) for row in rows])
    assert list(bank.data) == [row["text"] for row in rows]
    assert list(bank.groups) == [row["document"] for row in rows]
    assert len(set(bank.groups)) == 136


@needs_copies
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL], ids=["minimal", "all"])
def test_the_real_wine_reviews(tmp_path, quoting):
    rows = independent_copy("wine_reviews_first10k")
    path = tmp_path / "wine-reviews.csv"
    with path.open("w", encoding="utf-8", newline="") as lines:
        table = csv.writer(lines, quoting=quoting)
        table.writerow(["", "description", "points", "price", "taster_name"])
        for row in rows:
            table.writerow([row["id"], row["text"], row["points"], row["price"], row["taster_name"]])
    reviews = fetch_wine_reviews(source=path, data_folder=tmp_path)
    assert reviews.data.shape == (10_001,)
    assert reviews.target.mean() == pytest.approx(88.40, abs=0.005)
    assert list(reviews.data) == [row["text"] for row in rows]
    assert len(set(reviews.groups)) == 19
