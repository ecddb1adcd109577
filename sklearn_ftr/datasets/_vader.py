"""Human ratings of sentiment that come with the PyPI package vaderSentiment 3.3.2 (MIT licence).

Hutto and Gilbert (2014), "VADER: A parsimonious rule-based model for sentiment analysis of social media
text", ICWSM. The source distribution holds 4,200 tweets and 3,708 sentences of Amazon reviews with at least
20 ratings each, the wheel a lexicon of about 7,500 words with 10 ratings each; all ratings are from -4 (most
negative) to 4. The checksum is of the archive's bytes.
"""

from __future__ import annotations

import io
import json
import tarfile
import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_ftr.datasets._cache import PathLike, check_sha256, obtain, pip_download
from sklearn_ftr.datasets._texts import rated_texts

_RELEASE = "vaderSentiment==3.3.2"
_RELEASE_SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
_ARCHIVE = "hutto_ICWSM_2014.tar.gz"
_ARCHIVE_SHA256 = "d5bb07d87474b3eb8d30b4deccbc23f19d742a6c5718fbacc65485b70b95c5fa"


def fetch_vader_tweets(
    *,
    data_folder: PathLike | None = None,
    source: PathLike | None = None,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Any:
    """4,200 tweets with the mean of their human sentiment ratings.

    Downloaded once by pip from the package index that the machine is set up for, checked against a
    sha256, and cached.

    Parameters
    ----------
    data_folder : path, default=None
        Cache folder; None is $SKLEARN_FTR_DATA or ~/.cache/sklearn_ftr.
    source : path, default=None
        A local copy of `hutto_ICWSM_2014.tar.gz` or of vaderSentiment's source distribution to read
        instead of downloading; the archive must have the same checksum.
    return_X_y : bool, default=False
        Return `(data, target)` instead of a Bunch.
    as_frame : bool, default=False
        Return pandas objects; needs pandas.

    Returns
    -------
    Bunch or tuple
        `data` : ndarray of str, shape (4200,), the texts. `target` : ndarray of shape (4200,), mean
        rating from -4 to 4. `n_raters` : ndarray of int, shape (4200,). `target_names` : list of str.
        `frame` : None. `DESCR` : str. With `as_frame`, `data`, `target` and `n_raters` are Series, and
        `frame` a DataFrame of them all.

    Raises
    ------
    TypeError
        `data_folder` or `source` is no path.
    OSError
        It cannot be downloaded, and no local copy is there; or `source` cannot be read.
    ChecksumError
        A ValueError and an OSError: `source` is another file than this version was written for. A damaged
        copy in the cache is fetched again.
    ImportError
        `as_frame` without pandas.

    Warns
    -----
    CacheWarning
        It has been downloaded and checked, but cannot be kept in the cache folder.

    Notes
    -----
    The target is the mean of the shipped raw ratings. For 199 tweets the mean that is shipped beside
    them is another one.
    """
    archive = obtain(_ARCHIVE, data_folder, source, fetch=_fetched, check=_checked)
    texts, scores = _rated(archive, "tweets")
    return _scored(list(texts.values()), scores, return_X_y, as_frame)


def fetch_vader_amazon(
    *,
    data_folder: PathLike | None = None,
    source: PathLike | None = None,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Any:
    """3,708 sentences of 300 Amazon reviews with the mean of their human sentiment ratings.

    From the same archive as `fetch_vader_tweets`, which is downloaded once for both.

    Parameters
    ----------
    data_folder : path, default=None
        Cache folder; None is $SKLEARN_FTR_DATA or ~/.cache/sklearn_ftr.
    source : path, default=None
        A local copy of `hutto_ICWSM_2014.tar.gz` or of vaderSentiment's source distribution to read
        instead of downloading; the archive must have the same checksum.
    return_X_y : bool, default=False
        Return `(data, target)` instead of a Bunch.
    as_frame : bool, default=False
        Return pandas objects; needs pandas.

    Returns
    -------
    Bunch or tuple
        `data` : ndarray of str, shape (3708,), the sentences. `target` : ndarray of shape (3708,), mean
        rating from -4 to 4. `n_raters` : ndarray of int, shape (3708,). `groups` : ndarray of str, shape
        (3708,), which review the sentence is from. `target_names` : list of str. `frame` : None. `DESCR` :
        str. With `as_frame`, `data`, `target`, `n_raters` and `groups` are Series, and `frame` a DataFrame
        of them all.

    Raises
    ------
    TypeError
        `data_folder` or `source` is no path.
    OSError
        It cannot be downloaded, and no local copy is there; or `source` cannot be read.
    ChecksumError
        A ValueError and an OSError: `source` is another file than this version was written for. A damaged
        copy in the cache is fetched again.
    ImportError
        `as_frame` without pandas.

    Warns
    -----
    CacheWarning
        It has been downloaded and checked, but cannot be kept in the cache folder.

    Notes
    -----
    Sentences of one review resemble each other: standard errors that take them for
    independent are too small; let folds at least follow `groups`.
    """
    archive = obtain(_ARCHIVE, data_folder, source, fetch=_fetched, check=_checked)
    texts, scores = _rated(archive, "amazonReviewSnippets")
    reviews = [key.partition("_")[0] for key in texts]
    return _scored(list(texts.values()), scores, return_X_y, as_frame, groups=reviews)


def load_vader_lexicon(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """About 7,500 words and emoticons with the mean of ten human sentiment ratings each.

    Read from the installed package vaderSentiment (extra `demo`); needs no network.

    Parameters
    ----------
    return_X_y : bool, default=False
        Return `(data, target)` instead of a Bunch.
    as_frame : bool, default=False
        Return pandas objects; needs pandas.

    Returns
    -------
    Bunch or tuple
        `data` : ndarray of str, the words. `target` : ndarray, mean rating from -4 to 4. `n_raters` :
        ndarray of int. `target_names` : list of str. `frame` : None. `DESCR` : str. With `as_frame`, `data`,
        `target` and `n_raters` are Series, and `frame` a DataFrame of them all.

    Raises
    ------
    OSError
        vaderSentiment is not installed.
    ImportError
        `as_frame` without pandas.
    """
    package = find_spec("vaderSentiment")
    if package is None or package.origin is None:
        raise OSError("vaderSentiment is not installed; pip install 'sklearn-ftr[demo]' brings it.")
    lines = (Path(package.origin).parent / "vader_lexicon.txt").read_text("utf-8").splitlines()
    entries = [line.split("\t") for line in lines if line.count("\t") >= 3]
    scores = [json.loads(entry[3]) for entry in entries]
    return _scored([entry[0] for entry in entries], scores, return_X_y, as_frame)


def _scored(
    texts: list[str], scores: list[list[int]], return_X_y: bool, as_frame: bool, **others: list[str]
) -> Any:
    ratings = {"sentiment": [float(np.mean(score)) for score in scores]}
    counts = [len(score) for score in scores]
    return rated_texts(texts, ratings, __doc__, return_X_y, as_frame, n_raters=counts, **others)


def _rated(archive: bytes, name: str) -> tuple[dict[str, str], list[list[int]]]:
    """Texts by their key, and each text's ratings in the same order."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        texts = dict(_rows(files, f"{name}_GroundTruth.txt", 3))
        ratings = dict(_rows(files, f"{name}_anonDataRatings.txt", 4))
    return texts, [json.loads(ratings[key]) for key in texts]


def _fetched() -> bytes:
    return _unpacked(pip_download(_RELEASE, _RELEASE_SHA256))


def _checked(content: bytes, name: str) -> bytes:
    return check_sha256(_unpacked(content), _ARCHIVE_SHA256, name)


def _unpacked(content: bytes) -> bytes:
    """The archive itself, out of the source distribution if that is what came."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as files:
            inner = [name for name in files.getnames() if name.endswith(f"/{_ARCHIVE}")]
            member = files.extractfile(inner[0]) if inner else None
            return member.read() if member else content
    except (tarfile.TarError, EOFError, OSError, zlib.error):
        return content  # the checksum says what is wrong


def _rows(files: tarfile.TarFile, name: str, n_fields: int) -> list[tuple[str, str]]:
    """First and last field of each line of a tab-separated member."""
    member = next(m for m in files.getmembers() if m.name.endswith(f"/{name}"))
    content = files.extractfile(member)
    assert content is not None
    lines = content.read().decode("utf-8-sig").split("\r\n")  # some members open with a byte order mark
    fields = [line.split("\t", n_fields - 1) for line in lines if line]
    return [(row[0], row[-1]) for row in fields]
