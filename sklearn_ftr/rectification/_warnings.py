"""What a result tells its reader unasked: no variance at all, or labels that are not missing at random."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn_ftr.rectification._result import RectifiedResult

# Standard errors by which mean predictions of labeled rows and of the pool hardly ever differ by chance.
_LARGEST_SHIFT = 4.0


class ZeroWidthIntervalWarning(UserWarning):
    """The data show no variance at all, so that the interval has zero width."""


class PredictionShiftWarning(UserWarning):
    """Predictions of labeled rows and of the pool differ by more than chance: labels are not missing at random."""


def warn_of_doubts(result: RectifiedResult, stacklevel: int) -> None:
    """Tell the caller's caller that an interval shows no uncertainty, or that labeled rows are of another kind than the pool."""
    if result.zero_width:
        warnings.warn(
            f"The {result.n_rectify} labels that rectify leave no variance, so the interval has zero width "
            "and does not show how uncertain the estimate is; get more labels, or check how they were "
            "collected.",
            ZeroWidthIntervalWarning,
            stacklevel=stacklevel,
        )
    largest = max(np.atleast_1d(result.prediction_shift).tolist(), key=abs)
    if abs(largest) > _LARGEST_SHIFT:
        warnings.warn(
            f"The mean prediction of the {result.n_rectify} rows that rectify is {abs(largest):.1f} standard errors "
            f"{'above' if largest > 0 else 'below'} that of the {result.n_unlabeled} unlabeled rows: labels do not seem to be missing at random, "
            "with the same probability for every row. The estimate and its interval can be wrong then; check how rows "
            "were chosen for labeling. If they were drawn within strata, or with known probabilities, a SamplingDesign with strata= or "
            "labeling_probability= takes account of it.",
            PredictionShiftWarning,
            stacklevel=stacklevel,
        )
