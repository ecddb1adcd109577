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
from sklearn_ftr.estimators._labels import check_partial_labels

__all__ = ["LabeledKFold", "labeled_scorer"]


class LabeledKFold(BaseCrossValidator):
    """Shuffled K folds with the same share of labeled rows in each.

    Plain KFold on data whose labeled rows come first makes folds without any label.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    random_state : int, RandomState instance or None, default=None
        Seeds the shuffle.

    Raises
    ------
    TypeError
        A number of folds that is not a whole number.
    ValueError
        From `split`: fewer than 2 folds, or fewer labeled rows than folds.

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
    """

    def __init__(self, n_splits: int = 5, *, random_state: Any = None) -> None:
        _check_whole(n_splits)
        self.n_splits = n_splits
        self.random_state = random_state

    def split(
        self, X: Any, y: ArrayLike, groups: Any = None
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Indices of training and test rows.

        Parameters
        ----------
        X : array-like of n_rows
        y : array-like of shape (n_rows,) or (n_rows, k)
            NaN marks unlabeled rows.
        groups : ignored

        Yields
        ------
        train, test : ndarray of int
        """
        return super().split(X, y, groups)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds."""
        return self.n_splits

    def _iter_test_indices(
        self, X: Any, y: ArrayLike, groups: Any = None
    ) -> Iterator[NDArray[np.intp]]:
        labels = check_partial_labels(X, y, type(self).__name__)
        if self.n_splits < 2 or len(labels.labeled) < self.n_splits:
            raise ValueError(
                f"n_splits={self.n_splits} with {len(labels.labeled)} labeled rows; expected at least 2 "
                "folds and at least one labeled row for each."
            )
        rng = check_random_state(self.random_state)
        labeled, unlabeled = (
            np.array_split(rng.permutation(rows), self.n_splits)
            for rows in (labels.labeled, labels.unlabeled)
        )
        # array_split makes the first parts longer: reversing one list keeps the folds equal.
        for parts in zip(labeled, reversed(unlabeled), strict=True):
            yield np.sort(np.concatenate(parts))


def _check_whole(n_splits: Any) -> None:
    if not isinstance(n_splits, Integral) or isinstance(n_splits, bool):
        raise ArgumentTypeError(
            f"n_splits is {shown(n_splits)}, of type {type(n_splits).__name__}; expected a whole number, 2 at least."
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
        For `scoring=` of cross_val_score, GridSearchCV and the like.

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
