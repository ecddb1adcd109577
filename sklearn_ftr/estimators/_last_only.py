"""What a function made of the last thing it was asked about, kept for whoever asks about that very thing again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class LastOnly:
    """A function of one object, told apart by identity; there is never more than one answer in memory that nobody has."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function
        self._last: tuple[Any, Any] = (None, None)

    def __call__(self, asked: Any) -> Any:
        """As the function has it; the pair is replaced at once, so that threads never mix two."""
        last = self._last
        if last[0] is not asked:
            last = self._last = (asked, self.function(asked))
        return last[1]
