"""The sign test of a quantile: how likely is a share as low, or as high, if a share q of the population is below?

Binomial tails (David and Nagaraja 2003, "Order Statistics", section 7.1), continued to numbers of labels that are not whole by
the incomplete beta function, as Korn and Graubard (1998) do for shares from surveys.
"""

from __future__ import annotations

import math

from sklearn_ftr.rectification._scipy import betainc, brentq

# More labels than this are scaled down to so many: their binomial is a normal distribution, and the beta function slow.
_LARGEST_SIZE = 20_000.0
# Sums of shares are exact to this.
_ROUNDING = 1e-12


def at_most(share: float, level: float, size: float) -> float:
    """P(B <= size share) for B binomial(size, level); of endless sizes B / size is the level."""
    if math.isinf(size):
        return float(share >= level - _ROUNDING)
    share, size = _scaled(share, level, size)
    count = size * share
    if not -1 < count < size:
        return float(count >= size)
    return float(betainc(size - count, count + 1, 1 - level))


def at_least(share: float, level: float, size: float) -> float:
    """P(B >= size share)."""
    return at_most(1 - share, 1 - level, size)


def lowest_share(level: float, size: float, tail: float) -> float:
    """The share at which `at_most` is `tail`; 0 or less if shares of 0 are as likely as that."""
    if math.isinf(size):
        return level
    if at_most(0.0, level, size) >= tail:
        return 0.0
    return float(brentq(lambda share: at_most(share, level, size) - tail, 0.0, 1.0, xtol=1e-15))


def _scaled(share: float, level: float, size: float) -> tuple[float, float]:
    """Share and size of a smaller sample that is as far from the level in units of its error."""
    if size <= _LARGEST_SIZE:
        return share, size
    return level + (share - level) * math.sqrt(size / _LARGEST_SIZE), _LARGEST_SIZE
