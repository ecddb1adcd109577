"""What stage 2 must know of stage 1: which labels only trained, and whose predictions are whose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._cross_fitting import cross_fitting_degrees_of_freedom
from sklearn_ftr.rectification._design import Design


@dataclass(frozen=True)
class StageOne:
    """How the predictions were made; by default elsewhere, without any of the labels.

    Parameters
    ----------
    y : ndarray of shape (s,) or (s, k), default=None
        Labels that trained and so cannot rectify.
    X : Design of s rows, default=None
        Their covariates, where the estimand has any.
    recycle : bool, default=False
        Whether their own answer enters the estimate.
    n_finetune : int, default=0
        Labels that trained each model.
    fold_sizes : sequence of int, default=()
        Under cross-fitting, how many of the rectification rows, which come fold by fold, each model has predicted.
    pools : sequence of ndarray of shape (m,) or (m_k,), default=()
        Under cross-fitting, each model's predictions of the whole pool, or of its part, which follow one another.
    """

    y: Array | None = None
    X: Design | None = None
    recycle: bool = False
    n_finetune: int = 0
    fold_sizes: Sequence[int] = ()
    pools: Sequence[Array] = ()

    @property
    def n_trained_only(self) -> int:
        """Number s of labels that cannot rectify."""
        return 0 if self.y is None else len(self.y)

    @property
    def shares(self) -> Array:
        """Weight (K,) of each model: its fold's share of the rectification rows."""
        sizes = np.asarray(self.fold_sizes, dtype=np.float64)
        return np.asarray(sizes / sizes.sum())

    def degrees_of_freedom(self, r: int, n_parameters: int = 1) -> int | None:
        """Of the residual variance of r rectification rows under cross-fitting; None leaves them to `rectify`."""
        if not self.fold_sizes:
            return None
        return cross_fitting_degrees_of_freedom(r, len(self.fold_sizes), n_parameters)

    def pools_of_models(self, pool: Design) -> Iterator[tuple[Design, Array]]:
        """Rows and predictions of each model's pool."""
        start = 0
        for target in self.pools:
            whole = len(target) == len(pool)
            yield (pool if whole else pool.between(start, start + len(target))), target
            start += len(target)

    def with_labels_of(self, y: NDArray[np.floating]) -> Array:
        """Rectification labels and those that only trained."""
        return y.astype(np.float64, copy=False) if self.y is None else np.concatenate([y, self.y])


PREDICTED_ELSEWHERE = StageOne()
