"""EmoBank: 10,062 English sentences rated for valence, arousal and dominance (licence CC-BY-SA 4.0).

Buechel and Hahn (2017), "EmoBank: Studying the impact of annotation perspective and representation format
on dimensional emotion analysis", EACL. Each rating is the weighted mean of the readers' and the writers'
perspectives, from 1 to 5. The checksum is of the parsed columns id, text, V, A and D, not of the file.
"""

from __future__ import annotations

from typing import Any

from sklearn_ftr.datasets._cache import PathLike, download, obtain
from sklearn_ftr.datasets._csv import Table
from sklearn_ftr.datasets._texts import rated_texts

_URL = (
    "https://raw.githubusercontent.com/JULIELab/EmoBank/"
    "248ce2a43e165a66d31aeaed83cff9641d6654e0/corpus/emobank.csv"
)
_TABLE = Table(
    texts=("id", "text"),
    numbers=("V", "A", "D"),
    n_rows=10_062,
    sha256="d170154ef6412c3592e66eb21f25be515ffdabcfc0a3522f05c320a6eaf2ecab",
)
_DIMENSIONS = {"V": ("V",), "A": ("A",), "D": ("D",), "all": ("V", "A", "D")}


def fetch_emobank(
    *,
    dimension: str = "V",
    data_folder: PathLike | None = None,
    source: PathLike | None = None,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Any:
    """10,062 sentences with mean human ratings of valence, arousal and dominance.

    Downloaded once from the corpus's repository (1.3 MB), checked and cached.

    Parameters
    ----------
    dimension : {"V", "A", "D", "all"}, default="V"
        The target: valence (negative to positive), arousal (calm to excited), dominance (being controlled
        to being in control), or all three.
    data_folder : path, default=None
        Cache folder; None is $SKLEARN_FTR_DATA or ~/.cache/sklearn_ftr.
    source : path, default=None
        A local copy of `emobank.csv`, plain or gzipped, to read instead of downloading.
    return_X_y : bool, default=False
        Return `(data, target)` instead of a Bunch.
    as_frame : bool, default=False
        Return pandas objects; needs pandas.

    Returns
    -------
    Bunch or tuple
        `data` : ndarray of str, shape (10062,), the sentences. `target` : ndarray of shape (10062,), or
        (10062, 3) with `dimension="all"`, mean ratings from 1 to 5. `groups` : ndarray of str, shape
        (10062,), which of 136 documents the sentence is from. `target_names` : list of str. `frame` : None.
        `DESCR` : str. With `as_frame`, `data` and `groups` are Series, `target` a Series or DataFrame, and
        `frame` a DataFrame of them all.

    Raises
    ------
    ValueError
        Another `dimension`.
    TypeError
        `data_folder` or `source` is no path.
    OSError
        It cannot be downloaded, and no local copy is there; or `source` cannot be read.
    ChecksumError
        A ValueError and an OSError: `source` or the download holds other content than this version was
        written for. A damaged copy in the cache is fetched again.
    ImportError
        `as_frame` without pandas.

    Warns
    -----
    CacheWarning
        It has been downloaded and checked, but cannot be kept in the cache folder.
    """
    if dimension not in _DIMENSIONS:
        raise ValueError(f"dimension is {dimension!r}; expected one of 'V', 'A', 'D' and 'all'.")
    columns = obtain("emobank.csv", data_folder, source, fetch=lambda: download(_URL), check=_TABLE)
    ratings = {name: columns[name] for name in _DIMENSIONS[dimension]}
    documents = [key.rsplit("_", 2)[0] for key in columns["id"]]
    return rated_texts(columns["text"], ratings, __doc__, return_X_y, as_frame, groups=documents)
