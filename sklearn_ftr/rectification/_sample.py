"""What an estimate is made from: labels, predictions, how rows were drawn, and what two stages have done with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._short_repr import short_repr
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._cross_fitting import cross_fitting_degrees_of_freedom
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._deviations import Deviations
from sklearn_ftr.rectification._pool import Pool, as_wide
from sklearn_ftr.rectification._sampling import Sampling


@dataclass(frozen=True, eq=False)
class Trained:
    """Labels that have trained a model and so cannot rectify.

    Parameters
    ----------
    y : ndarray of shape (s,) or (s, k)
    every : Sampling
        How all labels were drawn, those that rectify first.
    X : Design of s rows, default=None
        Their covariates, where the estimand has any.
    recycle : bool, default=False
        Whether their own answer enters the estimate.
    share, weights : float and ndarray of shape (s,)
        Of a finite population: which part of it they are, and how many members each stands for.
    """

    y: Array
    every: Sampling
    X: Design | None = None
    recycle: bool = False
    share: float = 0.0
    weights: Array | None = None


@dataclass(frozen=True, eq=False)
class Folds:
    """Cross-fitting: several models, each of which has predicted labels that it has not seen.

    Parameters
    ----------
    sizes : sequence of int
        How many of the rectification rows, which come fold by fold, each model has predicted.
    """

    sizes: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def rows(self) -> list[slice]:
        """Rectification rows of each model."""
        ends = np.cumsum(self.sizes)
        return [slice(end - size, end) for size, end in zip(self.sizes, ends, strict=True)]


@short_repr
@dataclass(frozen=True, eq=False)
class Sample:
    """Labels and predictions of r rows that rectify, and predictions of the pool.

    Parameters
    ----------
    y : ndarray of shape (r,) or (r, k)
    f : ndarray of shape (r, j), or (r, k j) where y has k columns
        Predictions by j judges; those of the first number first.
    pool : Pool
        Of as many columns.
    drawn : Sampling
        How these rows were drawn.
    X : Design of r rows, default=None
        Their covariates, where the estimand has any.
    trained : Trained, default=None
        Labels that have trained only.
    folds : Folds
        Of cross-fitting.
    n_finetune : int, default=0
        Labels that trained each model.
    n_unlabeled : int, default=None
        Rows without a label, if there are more than those whose predictions may be used.
    n_indicators : int, default=0
        How many of the j are no judges, but say which rows a judge has answered: the last ones.
    """

    y: Array
    f: Array
    pool: Pool
    drawn: Sampling
    X: Design | None = None
    trained: Trained | None = None
    folds: Folds = field(default_factory=Folds)
    n_finetune: int = 0
    n_unlabeled: int | None = None
    n_indicators: int = 0

    def __post_init__(self) -> None:
        """Blocks of the pool have with them how their rows were drawn."""
        object.__setattr__(self, "pool", self.pool.drawn_as(self.drawn.pool_rows))

    @property
    def n_labeled(self) -> int:
        """All labels."""
        return len(self.y) + (0 if self.trained is None else len(self.trained.y))

    @property
    def has_pool(self) -> bool:
        """Whether there is any row without a label."""
        return bool(len(self.pool) or self.n_unlabeled)

    @property
    def f_pool(self) -> NDArray[np.floating[Any]]:
        """Predictions (m,) or (m, j) of the pool in an array of float32 or float64."""
        return as_wide(self.pool.average)

    @property
    def every(self) -> Sampling:
        """How all labels were drawn, those that rectify first."""
        return self.drawn if self.trained is None else self.trained.every

    @property
    def all_labels(self) -> Array:
        """Those that rectify, then those that have trained only."""
        return self.y if self.trained is None else np.concatenate([self.y, self.trained.y])

    def cross_fitting_degrees(self, deviations: Deviations, n_parameters: int) -> int | None:
        """Degrees of freedom where several models have predicted a fold each; without folds None leaves them to `rectify`."""
        if not len(self.folds):
            return None
        pieces = len(deviations.y)
        lost = n_parameters + pieces - deviations.spare - 1
        return cross_fitting_degrees_of_freedom(pieces, len(self.folds), lost)
