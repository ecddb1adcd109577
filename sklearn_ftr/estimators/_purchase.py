"""How many labels to buy next."""

from __future__ import annotations

from dataclasses import dataclass

from sklearn_ftr.allocation._required_labels import RequiredLabels


@dataclass(frozen=True)
class Purchase:
    """How many labels to buy next, and what for.

    Attributes
    ----------
    n_more : int
        Labels to buy.
    n_finetune, n_rectify : int
        How many of them fine-tune and how many rectify. Under cross-fitting both are `n_more`: each does both.
    required : RequiredLabels
        The goal behind it.
    """

    n_more: int
    n_finetune: int
    n_rectify: int
    required: RequiredLabels

    @classmethod
    def towards(cls, required: RequiredLabels, n_labeled: int, n_trained: int) -> Purchase:
        """What is missing of a goal to those who have so many labels, of which some have trained."""
        more = max(required.n_labeled - n_labeled, 0)
        if required.option.n_folds:
            return cls(more, more, more, required)
        finetune = min(max(required.option.n_finetune - n_trained, 0), more)
        return cls(more, finetune, more - finetune, required)
