"""How rows move F at a quantile: their influence values, made when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sklearn_ftr._short_repr import short_repr
from sklearn_ftr.rectification._deviations import Deviations
from sklearn_ftr.rectification._fields_only import FieldsOnly
from sklearn_ftr.rectification._influence import Influence
from sklearn_ftr.rectification._rectify import rectify


@dataclass(frozen=True, eq=False)
class Moved:
    """Influence values that are there."""

    influence: Influence


@short_repr
@dataclass(frozen=True, eq=False)
class MovedLater(FieldsOnly):
    """What `rectify` makes them of."""

    here: Deviations
    lambda_: Any
    degrees: int | None

    @cached_property
    def influence(self) -> Influence:
        """Of rows on F just below the quantile and at it."""
        return rectify(self.here, self.lambda_, self.degrees).influence


Mover = Moved | MovedLater
