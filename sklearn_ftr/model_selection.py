"""Splitters and scorers that know that NaN in y marks an unlabeled row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import get_scorer
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state, indexable

from sklearn_ftr._arguments import ArgumentTypeError, shown
from sklearn_ftr._sklearn_private import safe_indexing
from sklearn_ftr._tables import check_same_index
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.estimators._labels import check_partial_labels
from sklearn_ftr.rectification._numbered import numbered

__all__ = ["LabeledKFold", "labeled_scorer"]

Rows = NDArray[np.intp]
# Rows of the pool that a training fold holds at least: their variance is known well enough for a score (docs/benchmarks.md).
_SMALLEST_SAMPLE = 600
# From so many times its size on a pool is sampled, and `score` sees that it was.
_WORTH_SAMPLING = 4


class LabeledKFold(Versioned, BaseCrossValidator):
    """Shuffled K folds with the same share of labeled rows in each.

    Plain KFold on data whose labeled rows come first makes folds without any label. Of a large pool training folds hold a sample, so
    that a search does not predict all of it for every candidate and fold: `score` of a rectified estimator knows how large the pool is.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    pool_size : int, "auto" or None, default="auto"
        How many unlabeled rows each training fold holds at most, or, where `groups` are given, how many groups of them, at least 2. "auto" is
        600, or twice the labeled rows (groups) of the fold if these are more. None is all. A pool that has fewer than four times as many stays
        whole.
    random_state : int, RandomState instance or None, default=None
        Seeds the shuffle.

    Raises
    ------
    TypeError
        A number of folds or a size of the pool that is not a whole number.
    ValueError
        From `split`: fewer than 2 folds, or fewer labeled rows than folds. A size of the pool below 2.

    Notes
    -----
    Test folds share out all rows. Samples of the pool have no row in common, as long as the pool suffices.

    In a training fold lambda is tuned for the sample. `score` tunes it anew for the whole pool. Whatever else asks a fit about its pool
    needs `pool_size=None`: other scorers, which look at predictions with this lambda (`labeled_scorer`), and `FineTuneRectifyAllocator`,
    which plans for the pool that it sees.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import LabeledKFold
    >>> y = np.array([1.0, 2.0, 3.0, 4.0] + [np.nan] * 8)
    >>> for train, test in LabeledKFold(4, random_state=0).split(np.zeros((12, 1)), y):
    ...     print(int(np.isfinite(y[test]).sum()), "labeled of", len(test))
    1 labeled of 3
    1 labeled of 3
    1 labeled of 3
    1 labeled of 3

    Of 20,000 unlabeled rows each fit predicts 600, and the refit all of them:

    >>> y = np.concatenate([np.arange(100.0), np.full(20_000, np.nan)])
    >>> for train, test in LabeledKFold(2, random_state=0).split(np.zeros((len(y), 1)), y):
    ...     print(len(train), len(test))
    650 10050
    650 10050
    """

    # Whole groups are sampled from the pool, wherever metadata routing has them.
    __metadata_request__split = {"groups": True}  # noqa: RUF012

    def __init__(
        self, n_splits: int = 5, *, pool_size: int | str | None = "auto", random_state: Any = None
    ) -> None:
        _check_whole(n_splits, "n_splits")
        if pool_size is not None and pool_size != "auto":
            _check_whole(pool_size, "pool_size")
        self.n_splits = n_splits
        self.pool_size: Any = pool_size
        self.random_state = random_state

    def split(self, X: Any, y: ArrayLike, groups: Any = None) -> Iterator[tuple[Rows, Rows]]:
        """Indices of training and test rows.

        Parameters
        ----------
        X : array-like of n_rows
        y : array-like of shape (n_rows,) or (n_rows, k)
            NaN marks unlabeled rows.
        groups : array-like of shape (n_rows,), default=None
            Clusters of rows, which are sampled whole from the pool; folds do not look at them.

        Yields
        ------
        train, test : ndarray of int
        """
        X, y, groups = indexable(X, y, groups)
        rng = check_random_state(self.random_state)
        labeled, unlabeled = self._parts(X, y, rng)
        for fold in range(self.n_splits):
            known, pool = (_all_but(parts, fold) for parts in (labeled, unlabeled))
            sample = self._sample(pool, known, groups, rng)
            test = np.concatenate([labeled[fold], unlabeled[fold]])
            yield np.sort(np.concatenate([known, sample])), np.sort(test)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds."""
        return self.n_splits

    def _parts(self, X: Any, y: ArrayLike, rng: np.random.RandomState) -> tuple[list[Rows], list[Rows]]:
        """Labeled and unlabeled rows of each test fold."""
        labels = check_partial_labels(X, y, type(self).__name__)
        self._check_sizes(len(labels.labeled))
        labeled, unlabeled = (
            np.array_split(rng.permutation(rows), self.n_splits)
            for rows in (labels.labeled, labels.unlabeled)
        )
        # array_split makes the first parts longer: reversing one list keeps the folds equal.
        return labeled, unlabeled[::-1]

    def _check_sizes(self, n_labeled: int) -> None:
        if self.n_splits < 2 or n_labeled < self.n_splits:
            raise ValueError(
                f"n_splits={self.n_splits} with {n_labeled} labeled rows; expected at least 2 "
                "folds and at least one labeled row for each."
            )
        if self.pool_size not in (None, "auto") and self.pool_size < 2:
            raise ValueError(
                f'pool_size={self.pool_size}; expected at least 2 rows, "auto", or None for the whole pool.'
            )

    def _sample(self, pool: Rows, labeled: Rows, groups: Any, rng: np.random.RandomState) -> Rows:
        """Some of the pool's rows, which come shuffled, or all rows of some groups."""
        if self.pool_size is None:
            return pool
        if groups is None:
            return pool[: self._n_sampled(len(pool), len(labeled))]
        numbers = numbered([np.asarray(groups)], "groups")[0][0]
        present, of_rows = np.unique(numbers[pool], return_inverse=True)
        n_sampled = self._n_sampled(len(present), len(np.unique(numbers[labeled])))
        return pool[rng.permutation(len(present))[of_rows] < n_sampled]

    def _n_sampled(self, n_pool: int, n_labeled: int) -> int:
        """How many rows, or groups, of the pool to take."""
        size = max(_SMALLEST_SAMPLE, 2 * n_labeled) if self.pool_size == "auto" else self.pool_size
        return n_pool if _WORTH_SAMPLING * size > n_pool else size


def _all_but(parts: list[Rows], one: int) -> Rows:
    """All other parts in a row, beginning after this one, so that samples from the beginning differ."""
    return np.concatenate([*parts[one + 1 :], *parts[:one]])


def _check_whole(value: Any, name: str) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool):
        also = "" if name == "n_splits" else ', "auto" or None'
        raise ArgumentTypeError(
            f"{name} is {shown(value)}, of type {type(value).__name__}; expected a whole number, 2 at least{also}."
        )


class _LabeledScorer:
    """Calls another scorer with the labeled rows only."""

    def __init__(self, scorer: Callable[..., float]) -> None:
        self._scorer = scorer

    def __call__(self, estimator: Any, X: Any, y: ArrayLike, **kwargs: Any) -> float:
        labels = check_partial_labels(X, y, "labeled_scorer")
        (X,) = indexable(X)
        for name, value in kwargs.items():
            check_same_index(X, value, "X", name)
        of_rows = {name: safe_indexing(value, labels.labeled) for name, value in kwargs.items()}
        rows = safe_indexing(X, labels.labeled)
        return self._scorer(estimator, rows, labels.of_labeled_rows, **of_rows)

    def __repr__(self) -> str:
        return f"labeled_scorer({self._scorer!r})"


def labeled_scorer(scoring: str | Callable[..., float]) -> Callable[..., float]:
    """A scorer that leaves unlabeled rows out.

    scikit-learn's own scorers give NaN when y holds NaN, and a grid search then returns its first
    candidate. A rectified estimator's own `score` needs no such help.

    Parameters
    ----------
    scoring : str or callable
        A scikit-learn scorer, such as "r2", or a callable of (estimator, X, y).

    Returns
    -------
    callable
        For `scoring=` of cross_val_score, GridSearchCV and the like; for predictions of rectified estimators with
        `LabeledKFold(pool_size=None)`, whose folds have the lambda of the whole pool.

    Raises
    ------
    ValueError
        From this function: an unknown name, or a metric of scikit-learn that is not a scorer. From the
        scorer: no labeled row.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn_ftr import LabeledKFold, RectifiedMeanEstimator, labeled_scorer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 2))
    >>> y = np.where(np.arange(400) < 100, X @ [1.0, 2.0] + rng.normal(size=400), np.nan)
    >>> scores = cross_val_score(
    ...     RectifiedMeanEstimator(random_state=0), X, y,
    ...     cv=LabeledKFold(random_state=0), scoring=labeled_scorer("r2"),
    ... )
    >>> bool(scores.mean() > 0.6)
    True
    """
    metric = getattr(scoring, "__module__", "").startswith("sklearn.metrics.")
    if metric and not hasattr(scoring, "_score_func"):
        raise ValueError(
            f"scoring is the metric {scoring!r}; expected a scorer, which make_scorer makes of it, or a name "
            'such as "r2".'
        )
    return _LabeledScorer(get_scorer(scoring))
