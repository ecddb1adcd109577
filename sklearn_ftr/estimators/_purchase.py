"""How many labels to buy next, to those who have some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_ftr._printed_table import PrintedTable
from sklearn_ftr._short_repr import told
from sklearn_ftr._shows_table import InNotebooks, table_of_columns
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.allocation._prospect import InHand
from sklearn_ftr.allocation._required_labels import RequiredLabels

# Of the labels in hand: a smaller step to the goal is foreseen well enough to be the last.
_LAST_STEP = 0.1


@dataclass(frozen=True, repr=False)
class Purchase(InNotebooks, Versioned):
    """How many labels to buy next, and what for.

    Attributes
    ----------
    n_more : int
        Labels to buy.
    n_finetune, n_rectify : int
        How many of them fine-tune and how many rectify. Under cross-fitting both are `n_more`: each does both.
    required : RequiredLabels
        The goal behind it.
    is_last : bool
        Whether this is all that is missing. Otherwise it is half of that, or as many as are missing almost surely if they are more; the next fit knows better.
    """

    n_more: int
    n_finetune: int
    n_rectify: int
    required: RequiredLabels
    is_last: bool

    def __str__(self) -> str:
        also = "both fine-tune and rectify"
        if not self.required.option.n_folds:
            also = f"{self.n_finetune:,} fine-tune, {self.n_rectify:,} rectify"
        last = "the last" if self.is_last else "more will follow"
        return f"Buy {self.n_more:,} labels ({also}; {last}). Needed: {self.required}"

    def __repr__(self) -> str:
        return told(self, str(self))

    def _table(self) -> PrintedTable:
        counts = {
            "buy": self.n_more,
            "fine-tune": self.n_finetune,
            "rectify": self.n_rectify,
            "last": "yes" if self.is_last else "no",
            "labels in all": self.required.n_labeled,
        }
        columns = {"goal": str(self.required.goal), **counts}
        return table_of_columns("Labels to buy", columns, n_texts=1)

    @classmethod
    def towards(cls, required: RequiredLabels, n_labeled: int, n_trained: int) -> Purchase:
        """What to buy next for a goal to those who have so many labels, of which some have trained."""
        missing = max(required.n_labeled - n_labeled, 0)
        is_last = missing <= max(_LAST_STEP * n_labeled, 1)
        surely = int(min(required.low - n_labeled, missing))
        more = missing if is_last else max(surely, -(-missing // 2))
        if required.option.n_folds:
            return cls(more, more, more, required, is_last)
        finetune = min(max(required.option.n_finetune - n_trained, 0), missing)
        finetune = round(finetune * more / max(missing, 1))
        return cls(more, finetune, more - finetune, required, is_last)


def labels_in_hand(allocator: Any, confidence_level: float) -> InHand:
    """Of a fitted allocator; the half-width of several outputs is the root of their mean square."""
    best = allocator.best_estimator_
    meant = best._answer_.numbers_of_a_width()
    low, high = map(np.atleast_1d, best.confidence_interval(confidence_level))
    half_width = float(np.sqrt(np.mean(((high - low)[meant] / 2) ** 2)))
    sizes = allocator.n_labeled_, allocator.n_unlabeled_
    return InHand(*sizes, allocator.best_option_, half_width)
