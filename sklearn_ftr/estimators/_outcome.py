"""How it went: the standard error that a plan promised against the one that was reached."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.allocation._best_option import Option, strategy_of
from sklearn_ftr.allocation._warnings import MissedForecastWarning

_WORTH_WARNING = np.log(1.15)
# Of the variance of a standard error with so many degrees of freedom, for residuals with a kurtosis of 6: twice the chi-square's.
_TAILS = 2.0
# Under a sampling design: with 2 or 6, weights, strata or labeling probabilities of 200 labels brought a warning in one of 100 fits whose promise was right.
_TAILS_OF_DESIGN = 12.0
_SURE = 2.8  # standard errors: one warning in 200 fits whose promise was right
_Z95 = 1.96
_FEWEST = 20  # degrees of freedom; standard errors of fewer are no verdict on anything


@dataclass(frozen=True)
class Outcome:
    """What was promised, and what was reached.

    Parameters
    ----------
    option : Option
        With the promise, and what the law's uncertainty left open.
    reached : float
        Standard error; for several outputs the root of their mean variance.
    degrees : float
        Of freedom, of the rows that rectify.
    tails : float
        Variance of a standard error, in units of a chi-square's.
    """

    option: Option
    reached: float
    degrees: float
    tails: float = _TAILS

    @classmethod
    def of(
        cls,
        option: Option,
        standard_error: ArrayLike,
        n_labeled: int,
        degrees_of_all: float,
        designed: bool = False,
    ) -> Outcome | None:
        """None where nothing was promised that could be compared: no variance is left, or labels alone are used."""
        reached = float(np.sqrt(np.mean(np.square(np.asarray(standard_error, dtype=float)))))
        if not (reached > 0 and option.standard_error > 0 and strategy_of(option).predicts):
            return None
        share = strategy_of(option).n_rectify(option.n_finetune, n_labeled) / n_labeled
        degrees = max(degrees_of_all * share, 1.0)
        return cls(option, reached, degrees, _TAILS_OF_DESIGN if designed else _TAILS)

    @property
    def sentence(self) -> str:
        """In words."""
        change = 100 * (self.reached / self.option.standard_error - 1)
        return f"Reached: {self.reached:.4g}, {change:+.0f} % against what was promised."

    @property
    def is_missed(self) -> bool:
        """Whether promise and outcome differ by more than 15 %, and by more than chance and the law's own range allow."""
        difference = abs(np.log(self.reached / self.option.standard_error))
        of_law = np.log(max(self.option.high, 1e-300) / max(self.option.low, 1e-300)) / (2 * _Z95)
        chance = np.sqrt(self.tails / (2 * self.degrees) + of_law**2)
        return self.degrees >= _FEWEST and bool(difference > max(_WORTH_WARNING, _SURE * chance))

    def warn(self, stacklevel: int) -> None:
        """Tell the caller if the promise was not kept."""
        if self.is_missed:
            warnings.warn(
                f"The plan promised a standard error of {self.option.standard_error:.4g}, and {self.reached:.4g} was reached: the learning curve is not as the law has "
                "it, so that other options of this plan, and numbers of labels that follow from it, are off as well. A larger pilot_cost measures it better.",
                MissedForecastWarning,
                stacklevel=stacklevel,
            )
