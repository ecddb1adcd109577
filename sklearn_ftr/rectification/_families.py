"""Distributions with canonical link, and where predictions must lie to have a finite linear predictor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._scipy import expit, logit

# Predicted shares of 0 have no logit, and predicted rates of 0 no logarithm.
LEAST_SHARE = 1e-3
Vector = NDArray[np.floating[Any]]


def _unlimited(y: Array) -> tuple[float, float]:
    return -np.inf, np.inf


@dataclass(frozen=True)
class Family:
    """A distribution with its canonical link, as functions of the linear predictor eta.

    Attributes
    ----------
    name : str
    mean : callable
        Of the response at eta.
    variance_at : callable
        Of the response from its mean, up to its scale: the derivative of `mean`.
    first_guess : callable
        A linear predictor from responses, to start from.
    limits : callable
        From labels, where predictions are clipped to.
    low, high : float
        Range of responses.
    """

    name: str
    mean: Callable[[Array], Array]
    variance_at: Callable[[Array], Array]
    first_guess: Callable[[Array], Array]
    limits: Callable[[Array], tuple[float, float]] = _unlimited
    low: float = -np.inf
    high: float = np.inf

    def variance(self, eta: Array) -> Array:
        """Of the response at eta, up to its scale."""
        return self.variance_at(self.mean(eta))

    @property
    def is_linear(self) -> bool:
        """Whether the mean is eta itself."""
        return self.low == -np.inf

    def check_labels(self, values: Vector, name: str) -> None:
        """Labels that the family can have."""
        if values.min() < self.low or values.max() > self.high:
            raise ValueError(
                f"{name} goes from {values.min():.6g} to {values.max():.6g}; expected {self.low:g} to {self.high:g} for a "
                f"{self.name}. Recode labels."
            )

    def check_predictions(self, values: Vector, name: str) -> None:
        """Predictions of which most mean what labels mean; the others will be clipped."""
        if not len(values) or (values.min() >= self.low and values.max() <= self.high):
            return
        outside = np.mean((values < self.low) | (values > self.high))
        if outside > 0.5:
            raise ValueError(
                f"{name} goes from {values.min():.6g} to {values.max():.6g}; expected {self.low:g} to {self.high:g} for a "
                f"{self.name}, and {outside:.0%} of it lies outside. Recode predictions in the units of labels."
            )


def _variance_of_share(mean: Array) -> Array:
    return mean * (1 - mean)


def _identity(values: Array) -> Array:
    return values


def _logit_of_middling_shares(y: Array) -> Array:
    return logit((y + 0.5) / 2)


def _log_above_zero(y: Array) -> Array:
    return np.log(y + 0.5)


def _shares_with_logit(y: Array) -> tuple[float, float]:
    return LEAST_SHARE, 1 - LEAST_SHARE


def _rates_with_logarithm(y: Array) -> tuple[float, float]:
    return LEAST_SHARE * float(np.mean(y)), np.inf


# Named functions, so that fitted estimators can be pickled.
FAMILIES = {
    "gaussian": Family("linear regression", _identity, np.ones_like, _identity),
    "binomial": Family(
        "logistic regression",
        expit,
        _variance_of_share,
        _logit_of_middling_shares,
        _shares_with_logit,
        0.0,
        1.0,
    ),
    "poisson": Family(
        "Poisson regression", np.exp, _identity, _log_above_zero, _rates_with_logarithm, 0.0
    ),
}
