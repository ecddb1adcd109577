"""How rows are drawn, as far as a plan needs to know it: what independent pieces labels are, and what the pool adds.

With r labels that rectify and predictions f, let v_f = V(f) / r be the variance of their mean prediction, v_p that of the pool's side,
and c the covariance of both, which clusters that both sides share and labeled rows on the pool's side cause. Then

    lambda = 1       T = v / r + v_p
    lambda tuned     T = v / r + (v_f v_p - c^2) / (v_f + v_p - 2 c)

since lambda = (v_f - c) / (v_f + v_p - 2 c) for calibrated predictions; without c that is V(f) / (m + r). Of a finite population
there is no second term, and the first is that of the rows without a label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_ftr.rectification._cross_fitting import cross_fitting_degrees_of_freedom


@dataclass(frozen=True)
class Drawing:
    """How labels and the pool are drawn; by default all rows alike and by themselves.

    Variances in a law are per label: over n they are those of a mean under the design.

    Parameters
    ----------
    cluster_size : float, default=None
        Labels in each cluster that has any, on average; None if rows are by themselves.
    n_strata : int, default=1
        With labels.
    shared : float, default=0.0
        The covariance c in units of v_p.
    lost : float, default=0.0
        The part of the pool in clusters of labels, which goes when these train.
    labels_in_pool : bool, default=False
        Whether labels that rectify are on the pool's side, too.
    finite : bool, default=False
        Whether exactly the rows there are are meant.
    pieces_to_rectify : int, default=2
        How many a split has to leave.
    part_to_rectify : float, default=0.0
        Part of the labels that a split has to leave, so that no stratum is left with a single piece.
    no_split : str, default=""
        Why labels cannot be split; empty if they can.
    """

    cluster_size: float | None = None
    n_strata: int = 1
    shared: float = 0.0
    lost: float = 0.0
    labels_in_pool: bool = False
    finite: bool = False
    pieces_to_rectify: int = 2
    part_to_rectify: float = 0.0
    no_split: str = ""

    @property
    def is_simple(self) -> bool:
        """Whether the pool is by itself, so that the formulas without a design hold for pieces."""
        return not (self.finite or self.labels_in_pool or self.shared or self.lost)

    @property
    def labels_per_piece(self) -> float:
        """How many labels are one independent piece."""
        return 1.0 if self.cluster_size is None else self.cluster_size

    def degrees_of_freedom(self, n: float) -> float:
        """Of the variance of n labels: pieces less strata."""
        return max(n / self.labels_per_piece - self.n_strata, 1.0)

    def cross_fitting_degrees(self, n: int, n_folds: int) -> float:
        """Of the variance of n labels, each fold of which has a model of its own."""
        pieces = int(n / self.labels_per_piece)
        return float(max(cross_fitting_degrees_of_freedom(pieces, n_folds, self.n_strata), 1))

    def pool_degrees(self, r: float, m: float) -> float:
        """Of the pool's variance; one that is smaller than the labels beside it borrows theirs."""
        return self.degrees_of_freedom(m) + (self.degrees_of_freedom(r) if m < r else 0.0)

    def n_clusters(self, n: float) -> int | None:
        """Clusters of the average size that hold n labels; None if rows are by themselves."""
        return None if self.cluster_size is None else int(np.ceil(n / self.cluster_size - 1e-9))

    def labels_of(self, pieces: int) -> int:
        """The fewest labels that are so many pieces."""
        return int(np.ceil(pieces * self.labels_per_piece - 1e-9))

    def fewest_to_rectify(self, n: float) -> int:
        """Of n labels that are split."""
        of_strata = np.ceil(self.part_to_rectify * n) if self.part_to_rectify else 0
        return max(self.labels_of(self.pieces_to_rectify), int(of_strata))

    def part_left(self, n: float, m: float) -> float:
        """What the variance of n labels of a finite population is multiplied by; 1 for any other."""
        return m / (n + m) if self.finite and np.isfinite(m) else 1.0

    def of_rest(self, residual: float, r: float, m: float, aside: float) -> float:
        """Variance in a finite population of which r labels rectify and others are known, but have trained."""
        if np.isinf(m):
            return residual / r
        known = aside / (r + aside + m)
        return float((1 - known) ** 2 * m / (r + m) * residual / r)

    def pool_term(self, predicted: float, r: float, m: float, aside: float, tuned: bool) -> float:
        """What the pool's side adds to the variance of labels less predictions of variance `predicted`; m counts rows that tell as much as labels do."""
        size = m * (1 - self.lost * aside / (r + aside))
        if np.isinf(size) or not tuned:
            return predicted / size
        if self.shared * r >= size:  # the pool knows no more than the labels
            return predicted / r
        left = size - self.shared**2 * r
        return predicted * left / (size * (size + r - 2 * self.shared * r))
