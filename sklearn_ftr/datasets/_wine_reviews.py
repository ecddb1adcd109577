"""Wine reviews: the first 10,001 of the 129,971 reviews in Kaggle's "Wine Reviews" (winemag-data-130k-v2).

The text is the taster's description, the target the points that the taster gave, from 80 to 100. These
rows are the head of the table and no random sample of it (mean 88.40 against 88.45). The repository that
they are downloaded from states no licence; the texts are Wine Enthusiast's, so look up Kaggle's terms before
you pass them on. The checksum is of the parsed columns description, taster_name and points, not of the file.
"""

from __future__ import annotations

from typing import Any

from sklearn_ftr.datasets._cache import PathLike, download, obtain
from sklearn_ftr.datasets._csv import Table
from sklearn_ftr.datasets._texts import rated_texts

_URL = (
    "https://raw.githubusercontent.com/josecarlosleonu/winereviews/"
    "bbef1cf9d4d0b37d5b08297816c82a0051b03e24/wine-reviews.csv"
)
_TABLE = Table(
    texts=("description", "taster_name"),
    numbers=("points",),
    n_rows=10_001,
    sha256="06423fdb136620211ed04cc3f736af0c863ef3313832a5c2e4d51852a2a8ba86",
)


def fetch_wine_reviews(
    *,
    data_folder: PathLike | None = None,
    source: PathLike | None = None,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Any:
    """10,001 descriptions of wines with the points that the taster gave.

    Downloaded once from a public repository (4 MB), checked and cached.

    Parameters
    ----------
    data_folder : path, default=None
        Cache folder; None is $SKLEARN_FTR_DATA or ~/.cache/sklearn_ftr.
    source : path, default=None
        A local csv file, plain or gzipped, to read instead of downloading. Kaggle's own
        `winemag-data-130k-v2.csv` will do: only its first 10,001 rows are read.
    return_X_y : bool, default=False
        Return `(data, target)` instead of a Bunch.
    as_frame : bool, default=False
        Return pandas objects; needs pandas.

    Returns
    -------
    Bunch or tuple
        `data` : ndarray of str, shape (10001,), the descriptions. `target` : ndarray of shape (10001,),
        points from 80 to 100. `groups` : ndarray of str, shape (10001,), the taster's name; empty for 1,982
        reviews whose taster is not known. `target_names` : list of str. `frame` : None. `DESCR` : str. With
        `as_frame`, `data`, `target` and `groups` are Series, and `frame` a DataFrame of them all.

    Raises
    ------
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
    columns = obtain(
        "wine_reviews.csv", data_folder, source, fetch=lambda: download(_URL), check=_TABLE
    )
    ratings = {"points": columns["points"]}
    tasters = columns["taster_name"]
    return rated_texts(columns["description"], ratings, __doc__, return_X_y, as_frame, groups=tasters)
