"""The predicted standard error as a function of the split ratio: the curve whose lowest point a plan takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._arguments import check_count, check_number
from sklearn_ftr._tables import import_pandas
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.allocation._law import Array
from sklearn_ftr.allocation._premises import Premises
from sklearn_ftr.allocation._strategies import Split

# Versions of the law that make the range: each is asked at every size.
_VERSIONS = 100
_MIDDLE = (0.025, 0.975)  # 95 %


@dataclass(frozen=True, eq=False)
class SplitCurve(Versioned):
    """Predicted standard error for each number of labels that may fine-tune; the other labels rectify.

    Attributes
    ----------
    n_labeled : int
        Labels in all.
    n_finetune : ndarray of int, shape (j,)
        Numbers of labels that train, rising; the best is among them. None where no split is possible.
    standard_error : ndarray of shape (j,)
        In units of the estimate.
    low, high : ndarray of shape (j,)
        Between which the uncertainty of the law leaves it, with 95 %; both equal to it for a known law.
    labels_only : float
        Standard error of the mean of all labels.
    """

    n_labeled: int
    n_finetune: NDArray[np.intp]
    standard_error: Array
    low: Array
    high: Array
    labels_only: float

    @property
    def split_ratio(self) -> Array:
        """Shares of the labels that train (j,)."""
        return self.n_finetune / self.n_labeled

    def near_best(self, within: float = 0.05) -> NDArray[np.bool_]:
        """Where the standard error is at most so much larger than that of the best split, relatively.

        Parameters
        ----------
        within : float, default=0.05
            At least 0.

        Returns
        -------
        ndarray of bool, shape (j,)
        """
        within = check_number(within, "within", "a number, at least 0", lambda one: one >= 0)
        best = self.standard_error.min(initial=np.inf)
        return self.standard_error <= best * (1 + within)

    def to_frame(self) -> Any:
        """A row for each number of labels that train, as a pandas DataFrame (extra `frames`)."""
        pd = import_pandas("SplitCurve.to_frame()")
        return pd.DataFrame(
            {
                "n_finetune": self.n_finetune,
                "split_ratio": self.split_ratio,
                "standard_error": self.standard_error,
                "low": self.low,
                "high": self.high,
                "labels_only": self.labels_only,
            }
        )


@dataclass(frozen=True, eq=False)
class Foreseen:
    """What a plan was made from: what is known, and versions of that from the bootstrap."""

    known: Premises
    versions: tuple[Premises, ...] = ()

    def split_curve(self, n: int, m: float, n_points: int) -> SplitCurve:
        """Of n labels beside m rows, at about so many sizes."""
        known, split = self.known, Split()
        sizes = _sizes(known, n, m, check_count(n_points, "n_points", 2))
        errors = [_errors(one, split, sizes, n, m) for one in (known, *self.versions[:_VERSIONS])]
        low, high = np.quantile(errors[1:] or errors, _MIDDLE, axis=0)
        return SplitCurve(n, sizes, errors[0], low, high, float(np.sqrt(known.alone(n, m))))


def _sizes(known: Premises, n: int, m: float, n_points: int) -> NDArray[np.intp]:
    """From the fewest labels that train a model to the fewest that rectify, dense at both ends; none where there is no split."""
    if not list(Split.ways(known, n, m)):
        return np.zeros(0, dtype=np.intp)
    low, high = known.fewest_to_train(n), n - known.drawing.fewest_to_rectify(n)
    high = max(low, high)
    half = -(-n_points // 2)
    steps = np.geomspace(1, high - low + 1, half) - 1
    even = np.linspace(low, high, half)
    best = Split().n_finetune(known, n, m)
    sizes = np.concatenate([even, low + steps[: half // 2], [best]])
    return np.unique(np.rint(sizes)).astype(np.intp)


def _errors(known: Premises, split: Split, sizes: NDArray[np.intp], n: int, m: float) -> Array:
    """Standard errors (j,) by one version of what is known."""
    return np.sqrt([split.variance(known, s, n, m) for s in sizes.tolist()])
