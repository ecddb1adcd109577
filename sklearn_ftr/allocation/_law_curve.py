"""A law on a grid of training sizes, with its band: what pictures and tables show of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sklearn_ftr._tables import import_pandas
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.allocation._law import Array


@dataclass(frozen=True, eq=False)
class LawCurve(Versioned):
    """Residual variance by a law, at numbers of labels.

    Attributes
    ----------
    sizes : ndarray of shape (j,)
        Numbers of labels that train.
    variance : ndarray of shape (j,)
        By the law, in squared units of y.
    low, high : ndarray of shape (j,)
        Band of the law.
    """

    sizes: Array
    variance: Array
    low: Array
    high: Array

    def to_frame(self) -> Any:
        """A row for each size, as a pandas DataFrame (extra `frames`)."""
        pd = import_pandas("LawCurve.to_frame()")
        columns = {
            "size": self.sizes,
            "variance": self.variance,
            "low": self.low,
            "high": self.high,
        }
        return pd.DataFrame(columns)
