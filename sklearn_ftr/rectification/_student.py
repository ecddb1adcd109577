"""Student's t distribution: what `scipy.stats` says of it, without the second that loading that takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_ftr.rectification._scipy import ndtri, stdtr, stdtrit


def t_quantile(tail: Any, degrees: Any) -> Any:
    """The value that t exceeds with probability `tail`; normal with endless degrees of freedom, NaN without any."""
    tail, degrees = np.asarray(tail, dtype=float), np.asarray(degrees, dtype=float)
    if ((tail > 0) & (tail < 1) & (degrees < np.inf)).all():
        return -stdtrit(degrees, tail)
    endless, certain = np.isposinf(degrees), (tail == 0) | (tail == 1)
    finite = -stdtrit(np.where(endless, 1.0, degrees), np.where(certain, 0.5, tail))
    quantile = np.where(endless, -ndtri(tail), finite)
    return np.where(certain & (degrees > 0), np.where(tail > 0, -np.inf, np.inf), quantile)[()]


def t_above(t: Any, degrees: Any) -> Any:
    """The probability with which t is exceeded."""
    return stdtr(degrees, -np.asarray(t, dtype=float))
