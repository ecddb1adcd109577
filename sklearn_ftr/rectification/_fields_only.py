"""Objects that derive arrays from their fields when these are asked for, and are pickled without them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any


class FieldsOnly:
    """Base of dataclasses with cached properties."""

    def __getstate__(self) -> dict[str, Any]:
        """What `__init__` was given."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.init}  # type: ignore[arg-type]
