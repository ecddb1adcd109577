"""Infinite coefficients: which they are, and what the labels of the rows concerned have in common.

A maximum-likelihood estimate is infinite where some direction of the coefficients raises the likelihood for ever (Albert and
Anderson, 1984, Biometrika 71): a category without events, or a combination of covariates that tells ones from zeros. Newton's
method then walks in that direction by about one unit of the linear predictor at each step, while next to nothing is left to gain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._coordinates import NoEstimateError
from sklearn_ftr.rectification._families import Family

# Gains of the log likelihood, in units of the mean square of y, that are smaller than any finite estimate leaves at several steps: a
# single event among n rows leaves 1 / n.
_NOTHING_TO_GAIN = 1e-10
# Change of eta, in units of 1 + |eta|, of rows that still walk; where an estimate is finite, steps shrink quadratically.
STILL = 1e-2
_STEPS_UNTIL_SURE = 4


@dataclass
class Walk:
    """How many steps have gained nothing, and yet have moved some row's linear predictor."""

    mean_square: float
    steps: int = 0

    def goes_on(self, gain: float, moved: float) -> bool:
        """Count one more step; true when it is sure that there is no end."""
        aimless = gain <= _NOTHING_TO_GAIN * self.mean_square and moved > STILL
        self.steps = self.steps + 1 if aimless else 0
        return self.steps >= _STEPS_UNTIL_SURE


def infinite(
    family: Family, target: Array, moves: Array, columns: NDArray[np.intp], names: tuple[str, ...]
) -> NoEstimateError:
    """The error for rows whose linear predictor `moves` (n,) by a step for ever, along with some columns (positions)."""
    concerned = np.abs(moves) > STILL * np.abs(moves).max()
    listed, n = ", ".join(names[column] for column in columns), int(concerned.sum())
    which = (
        f"The coefficient of {listed} is" if len(columns) == 1 else f"The coefficients of {listed} are"
    )
    at_low, at_high = (np.all(target[concerned] == end) for end in (family.low, family.high))
    if not (at_low or at_high):
        return NoEstimateError(
            f"Classes are separated: {which[0].lower()}{which[1:]} infinite, because some combination of these columns of X "
            f"tells all ones from all zeros in {n} of {len(target)} rows. Leave out columns or label more rows."
        )
    what = f"no events (labels of {family.low:g} only)" if at_low else "events only (labels of 1)"
    rows = f"all {n} rows" if n == len(target) else f"the {n} of {len(target)} rows that are concerned"
    return NoEstimateError(
        f"{which} infinite: {rows} have {what}. Join a category without variation to another, leave out the column or label "
        "more rows."
    )
