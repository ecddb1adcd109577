"""What is known before labels are spent, and the variances that follow from it whatever they are spent on.

Variances: Wang, Ye and Zhao (2025), section 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Integral

import numpy as np

from sklearn_ftr._arguments import check_number
from sklearn_ftr._short_repr import short_repr
from sklearn_ftr._shows_table import ShowsFields
from sklearn_ftr.allocation._drawing import Drawing
from sklearn_ftr.allocation._law import ROUNDING, Law
from sklearn_ftr.allocation._optimal_split import SplitProblem, optimal_split


@short_repr
@dataclass(frozen=True)
class Premises(ShowsFields):
    """A law, V(Y), perhaps the zero-shot variance, and how the estimator uses its labels.

    `trainable` is False for a frozen model; `trained` labels fine-tune in any case; a row of the pool tells `pool_share` times as
    much as one of a pool that is made up as the labels are; `drawing` is how both are drawn. No model is trained on fewer labels than
    `smallest_training`: with fewer it has failed.
    """

    law: Law
    total_variance: float
    zero_shot_variance: float | None
    recycle: bool
    tuned: bool
    folds: tuple[int, ...]
    trainable: bool = True
    trained: int = 0
    pool_share: float = 1.0
    drawing: Drawing = field(default_factory=Drawing)
    smallest_training: int = 2

    def __post_init__(self) -> None:
        for name in ("total_variance", "zero_shot_variance"):
            value = getattr(self, name)
            if name == "total_variance" or value is not None:
                check_number(value, name, "a finite number, not negative")
        first = self.zero_shot_variance or 0.0
        if not (0 <= self.total_variance < np.inf and 0 <= first < np.inf):
            raise ValueError(
                f"total_variance is {self.total_variance} and zero_shot_variance {self.zero_shot_variance}; expected "
                "finite numbers, not negative."
            )
        if [k for k in self.folds if not (isinstance(k, Integral) and k >= 2)]:
            raise ValueError(f"folds is {self.folds!r}; expected whole numbers from 2 on.")

    def can_predict(self, m: float) -> bool:
        """Whether there is anything to predict."""
        return self.total_variance > 0 and m > 0

    def correlation(self, residual: float) -> float:
        """Of labels with predictions that leave this variance."""
        return float(np.sqrt(max(1 - residual / self.total_variance, 0.0)))

    def alone(self, n: float, m: float) -> float:
        """Variance of the mean of n labels, beside m rows that have none."""
        return self.total_variance / n * self.drawing.part_left(n, m)

    def rectified(self, residual: float, r: float, m: float, aside: float = 0) -> float:
        """V(y - lambda f) / r + lambda^2 V(f) / m; a tuned lambda falls where v exceeds V(Y) or the pool is small.

        `aside` labels have trained and do not rectify.
        """
        return sum(self.terms(residual, r, m, aside))

    def terms(self, residual: float, r: float, m: float, aside: float = 0) -> tuple[float, float]:
        """Both terms of it: of the labels that rectify, and of the pool."""
        if residual <= ROUNDING * self.total_variance:
            residual = 0.0  # nothing, beside V(Y)
        if self.tuned:
            residual = min(residual, self.total_variance)
        predicted = max(self.total_variance - residual, 0.0)
        if self.drawing.finite:
            return self.drawing.of_rest(residual, r, m, aside), 0.0
        size = (m + (r if self.drawing.labels_in_pool else 0)) * self.pool_share
        if self.drawing.is_simple:
            pool = predicted / (size + r * self.tuned)
        else:
            pool = self.drawing.pool_term(predicted, r, size, aside, self.tuned)
        # A lambda below 1 leaves a part of V(f) in the residuals.
        left = pool * r / (size + r) if self.tuned else 0.0
        return residual / r + left, pool - left

    def recycled(self, variance: float, s: int) -> float:
        """After the mean of the s labels that have trained has been added, where it is."""
        if not self.recycle or self.drawing.finite:  # of a finite population they are known
            return variance
        return variance / (1 + variance * s / self.total_variance)

    def best_split(self, n: int, m: float) -> int:
        """How many of n labels should train by the closed form; those that have trained do so in any case."""
        problem = SplitProblem(
            self.law, m * self.pool_share, self.total_variance, self.recycle, self.tuned
        )
        fewest = self.drawing.fewest_to_rectify(n)
        return int(optimal_split(problem, n, self.fewest_to_train(n), fewest))

    @property
    def fewest_for_a_model(self) -> int:
        """Labels that a model needs, in whole clusters."""
        return max(self.smallest_training, self.drawing.labels_of(1))

    def fewest_to_train(self, n: float | None = None) -> int:
        """Of n labels; some are left to rectify."""
        fewest = max(self.trained, self.fewest_for_a_model)
        if n is not None:
            fewest = int(min(fewest, n - self.drawing.fewest_to_rectify(n)))
        return max(2, fewest)
