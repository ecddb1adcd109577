"""What labels, training and predictions cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sklearn_ftr._arguments import ArgumentTypeError, check_number, shown
from sklearn_ftr._shows_table import ShowsFields
from sklearn_ftr._versioned import Versioned


@dataclass(frozen=True)
class Costs(ShowsFields, Versioned):
    """Prices, in any currency.

    Parameters
    ----------
    label : float, default=1.0
        Of one human label.
    training : float, default=0.0
        Of training on one row.
    inference : float, default=0.0
        Of one prediction.
    """

    label: float = 1.0
    training: float = 0.0
    inference: float = 0.0

    def __post_init__(self) -> None:
        for name, price in asdict(self).items():
            check_number(
                price, name, "prices that are finite and not negative", lambda one: 0 <= one < np.inf
            )


def check_costs(costs: Any) -> None:
    """Refuse what is not Costs."""
    if not isinstance(costs, Costs):
        raise ArgumentTypeError(
            f"costs is {shown(costs)}; expected Costs(label=..., training=..., inference=...)."
        )
