"""How many labels a goal needs if the interval is looked at whenever labels arrive."""

from __future__ import annotations

from collections.abc import Callable

from sklearn_ftr.allocation._required_labels import RequiredLabels
from sklearn_ftr.rectification._confidence_sequence import growth_since, level_of_look

# Each step is about a tenth of the one before.
_MOST_STEPS = 20


def required_at_all_looks(
    required: Callable[[float], RequiredLabels], confidence_level: float, n_labeled: int, n_first: int
) -> RequiredLabels:
    """Labels for a confidence sequence, from what intervals of a level need to those who have `n_labeled`.

    The more labels there are, the higher is the level of their look: from those in hand on, until they are enough.
    """
    n = n_labeled
    for _ in range(_MOST_STEPS):
        found = required(level_of_look(confidence_level, growth_since(n_first, n), "two-sided"))
        if found.n_labeled <= n:
            break
        n = found.n_labeled
    return found
