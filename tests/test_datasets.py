"""Fetching, against local files: a real archive where one is at hand, a small one made here otherwise."""

import csv
import errno
import gzip
import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sklearn_ftr.datasets import (
    CacheWarning,
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


@pytest.mark.parametrize(
    "content", [gzip.compress(WINE.encode())[:-20], b"\xff\xfe\x00"], ids=["cut off", "no text"]
)
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


# What goes wrong on other people's machines: full disks, folders of others, many fetching at a time


def refuse(monkeypatch, module, step, folder, code=errno.EACCES):
    """Let the operating system refuse one kind of step below a folder; a file is half written by then."""
    real = getattr(module, step)

    def refusing(path, *arguments, **options):
        if not Path(path).is_relative_to(folder) or arguments[:1] == ("rb",):
            return real(path, *arguments, **options)
        if step == "open":
            with real(path, "wb") as half:
                half.write(b"half")
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr(module, step, refusing)


@pytest.mark.parametrize("step", [(io, "open"), (os, "replace")], ids=["open", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_what_cannot_be_kept_is_returned(emobank, tmp_path, monkeypatch, step, code):
    cache = tmp_path / "cache"
    refuse(monkeypatch, *step, cache, code)
    reason = re.escape(os.strerror(code))
    with pytest.warns(CacheWarning, match=rf"{cache}.*{reason}.*as data_folder=") as caught:
        bank = fetch_emobank(data_folder=cache)
    assert len(bank.target) == 2
    assert [warning.filename for warning in caught] == [__file__]
    assert not list(cache.iterdir())


def test_a_cache_folder_that_cannot_be_made(emobank, tmp_path, monkeypatch):
    refuse(monkeypatch, os, "mkdir", tmp_path / "cache")
    with pytest.warns(CacheWarning, match=r"cache/deep/emobank\.csv \(Permission denied\)"):
        assert len(fetch_emobank(data_folder=tmp_path / "cache" / "deep").target) == 2


@pytest.mark.parametrize("fetch", [fetch_vader_tweets, fetch_vader_amazon])
def test_the_archive_that_cannot_be_kept_is_returned(small, tmp_path, monkeypatch, fetch):
    monkeypatch.setattr(_vader, "pip_download", lambda *arguments: small)
    refuse(monkeypatch, os, "replace", tmp_path, errno.ENOSPC)
    with pytest.warns(CacheWarning, match="No space left") as caught:
        assert len(fetch(data_folder=tmp_path).target) >= 2
    assert [warning.filename for warning in caught] == [__file__]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("below", ["", "folder"])
def test_a_file_in_the_place_of_the_cache_folder(emobank, tmp_path, below):
    (tmp_path / "cache").write_text("not a folder")
    with pytest.warns(CacheWarning, match="cache"):
        assert len(fetch_emobank(data_folder=tmp_path / "cache" / below).target) == 2
    assert (tmp_path / "cache").read_text() == "not a folder"


def test_a_link_to_nowhere_in_the_place_of_the_cache_folder(emobank, tmp_path):
    (tmp_path / "cache").symlink_to(tmp_path / "gone")
    with pytest.warns(CacheWarning, match="cache"):
        assert len(fetch_emobank(data_folder=tmp_path / "cache").target) == 2


def test_a_folder_in_the_place_of_the_cached_file(emobank, tmp_path):
    cache = tmp_path / "cache"
    (cache / "emobank.csv").mkdir(parents=True)
    with pytest.warns(CacheWarning, match=r"emobank\.csv \(Is a directory\)"):
        assert len(fetch_emobank(data_folder=cache).target) == 2
    assert [path.name for path in cache.iterdir()] == ["emobank.csv"]


def test_no_home_folder_is_known(emobank, tmp_path, monkeypatch):
    pwd = pytest.importorskip("pwd")
    for name in ("HOME", "SKLEARN_FTR_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", lambda number: pwd.getpwnam("no-such-user-here"))
    monkeypatch.chdir(tmp_path)
    for folder in (None, "~/cache", "~no-such-user-here/cache"):
        with pytest.warns(CacheWarning, match="home folder is not known.*SKLEARN_FTR_DATA"):
            assert len(fetch_emobank(data_folder=folder).target) == 2
    with pytest.raises(OSError, match="home folder is not known"):
        fetch_emobank(source="~/emobank.csv")
    emobank.unlink()
    with pytest.raises(OSError, match=r"Pass a local copy as source=; .*home folder is not known"):
        fetch_emobank()
    assert not list(tmp_path.iterdir())


def test_a_cached_copy_that_cannot_be_read_is_fetched_again(emobank, tmp_path, monkeypatch):
    cached = tmp_path / "cache" / "emobank.csv"
    cached.parent.mkdir()
    cached.write_text("somebody else's", "utf-8")
    read = Path.read_bytes

    def read_others(path):
        if path == cached:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_others)
    assert len(fetch_emobank(data_folder=cached.parent).target) == 2
    assert cached.read_text("utf-8") == EMOBANK
    emobank.unlink()
    with pytest.raises(OSError, match=r"could not be downloaded.*cannot be used: Permission denied"):
        fetch_emobank(data_folder=cached.parent)


def test_a_cached_copy_is_read_where_nothing_can_be_written(emobank, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    fetch_emobank(data_folder=cache)
    emobank.unlink()
    for module, step in ((io, "open"), (os, "replace"), (os, "mkdir")):
        refuse(monkeypatch, module, step, cache, errno.EROFS)
    assert len(fetch_emobank(data_folder=cache).target) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupt_leaves_nothing_half_written(tmp_path, monkeypatch, error):
    def stop(*paths):
        raise error

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(error):
        _cache._write(tmp_path / "data.csv", b"content")
    assert not list(tmp_path.iterdir())


def test_a_download_that_is_interrupted_leaves_nothing(emobank, tmp_path, monkeypatch):
    def stop(url, timeout):
        raise KeyboardInterrupt

    monkeypatch.setattr(_cache, "urlopen", stop)
    with pytest.raises(KeyboardInterrupt):
        fetch_emobank(data_folder=tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_many_threads_fetch_at_a_time(emobank, tmp_path):
    barrier = threading.Barrier(20)

    def fetch(folder):
        barrier.wait()
        return fetch_emobank(data_folder=folder, return_X_y=True)[1]

    for attempt in range(5):
        cache = tmp_path / f"cache {attempt}"
        with ThreadPoolExecutor(20) as threads:
            for target in threads.map(fetch, [cache] * 20):
                np.testing.assert_array_equal(target, [3.0, 1.5])
        assert [path.name for path in cache.iterdir()] == ["emobank.csv"]


@pytest.mark.thorough
def test_many_processes_write_at_a_time(tmp_path):
    """Each checks after each of its writes that the file is whole, whoever wrote it."""
    code = (
        "import sys; from pathlib import Path; from runpy import run_path\n"
        f"_write = run_path({_cache.__file__!r})['_write']  # without the libraries that other files load\n"
        "path, letter = Path(sys.argv[1]), sys.argv[2].encode()\n"
        "for _ in range(200):\n"
        "    _write(path, letter * 100_000)\n"
        "    found = path.read_bytes()\n"
        "    assert found == found[:1] * 100_000, len(found)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "data.csv")]
    writers = [subprocess.Popen([*command, letter]) for letter in "abc"]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]


def test_the_cached_file_is_readable_as_the_umask_says(emobank, tmp_path):
    fetch_emobank(data_folder=tmp_path / "cache")
    (tmp_path / "plain").write_bytes(b"")
    cached = tmp_path / "cache" / "emobank.csv"
    assert cached.stat().st_mode == (tmp_path / "plain").stat().st_mode


# What is passed


@pytest.mark.parametrize("name", ["missing.csv", "missing/file.csv", ""])
def test_a_source_that_is_not_there(emobank, tmp_path, name):
    path = tmp_path / name
    error = FileNotFoundError if name else IsADirectoryError
    with pytest.raises(
        error, match=rf"source='{path}' cannot be read .*local copy of emobank\.csv"
    ) as caught:
        fetch_emobank(source=path, data_folder=tmp_path)
    assert not isinstance(caught.value, _cache.ChecksumError)


def test_source_may_lie_in_the_home_folder(emobank, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(fetch_emobank(source="~/served.csv").target) == 2


@pytest.mark.parametrize("argument", ["source", "data_folder"])
@pytest.mark.parametrize("value", [3, b"folder", io.BytesIO(b"id"), True])
def test_no_paths(emobank, argument, value):
    with pytest.raises(
        TypeError, match=f"{argument} is of type {type(value).__name__}; expected a path"
    ):
        fetch_emobank(**{argument: value})


# pip runs apart from the user's folder


@pytest.fixture
def hostile_folder(tmp_path, monkeypatch):
    """The working folder holds modules named like pip and the standard library."""
    folder = tmp_path / "user"
    folder.mkdir()
    for name in ("pip", "json", "tempfile", "sitecustomize", "encodings", "setuptools"):
        (folder / f"{name}.py").write_text(
            f"print('ran {name}.py'); open({str(tmp_path / 'ran')!r}, 'w')"
        )
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.grid(4)
@pytest.mark.parametrize("search_path", [None, "", ".", ":/no/such/folder"])
def test_pip_runs_nothing_of_the_working_folder(hostile_folder, tmp_path, monkeypatch, search_path):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    if search_path is not None:
        monkeypatch.setenv("PYTHONPATH", search_path)
    with pytest.raises(
        OSError, match=r"pip could not download no-such-package-sklearn-ftr==1\.0: ERROR"
    ):
        _cache.pip_download("no-such-package-sklearn-ftr==1.0", "0" * 64)
    assert not (tmp_path / "ran").exists()


@pytest.mark.thorough
def test_pip_reads_its_settings(tmp_path, monkeypatch):
    """A folder of the user's own serves as the index; the hash is what decides."""
    content = archive(
        {
            "tiny-1.0/PKG-INFO": b"Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
            "tiny-1.0/setup.py": b"from setuptools import setup; setup(name='tiny', version='1.0')",
        }
    )
    (tmp_path / "tiny-1.0.tar.gz").write_bytes(content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(OSError, match=r"pip could not download tiny==1\.0: ERROR: .*HASHES"):
        _cache.pip_download("tiny==1.0", "0" * 64)


def test_without_pip(monkeypatch):
    def no_pip(command, **options):
        return subprocess.CompletedProcess(command, 1, "", "/usr/bin/python: No module named pip\n")

    monkeypatch.setattr(subprocess, "run", no_pip)
    with pytest.raises(OSError, match=r"could not download some==1\.0: .*No module named pip"):
        _cache.pip_download("some==1.0", "0" * 64)


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
