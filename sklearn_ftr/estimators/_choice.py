"""Which option of a plan is taken, and the sentence that says why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_ftr.allocation._law_fit import FittedLaw
from sklearn_ftr.allocation._plan import (
    CROSS_FITTING,
    LABELS_ONLY,
    SPLIT,
    ZERO_SHOT,
    Option,
    Outlook,
    Plan,
)

STRATEGIES = {
    "auto": (LABELS_ONLY, ZERO_SHOT, SPLIT, CROSS_FITTING),
    "split": (SPLIT,),
    "cross-fitting": (CROSS_FITTING,),
}


@dataclass(frozen=True)
class Choice:
    """The option taken, and why."""

    option: Option
    verdict: str


def is_allowed(option_strategy: str, folds: int, strategy: str, max_fits: int) -> bool:
    """Whether a user's `strategy` and `max_fits` admit an option."""
    return option_strategy in STRATEGIES[strategy] and folds <= max_fits


def choose(
    plan: Plan, outlook: Outlook, strategy: str, max_fits: int, fitted: FittedLaw | None
) -> Choice:
    """The smallest predicted standard error among what is allowed, unless the stop rule says labels only."""
    if len(plan.options) == 1:
        return Choice(
            plan.options[0], "No unlabeled rows, or no variance in y: labels alone are all there is."
        )
    # A model that cannot be trained leaves no split and no folds to insist on.
    allowed = [
        option
        for option in plan.options
        if not outlook.trainable or is_allowed(option.strategy, option.n_folds, strategy, max_fits)
    ]
    if not allowed:
        raise ValueError(
            f"strategy={strategy!r} with folds={outlook.folds} and max_fits={max_fits} leaves no option for "
            f"{plan.n_labeled} labels; allow more."
        )
    best = min(allowed, key=lambda option: (option.standard_error, option.n_trainings))
    if best.strategy == LABELS_ONLY:
        return Choice(best, "Labels alone are as good: no other way promises a smaller standard error.")
    correlation, needed = _correlation(best, outlook), _needed_correlation(best, plan.n_labeled)
    helps = correlation > needed
    if not helps and strategy == "auto":
        return Choice(
            plan.options[0],
            f"Labels alone are as good: predictions would correlate with labels by {correlation:.2f}, and it takes "
            f"{needed:.2f} to help.",
        )
    return Choice(best, _verdict(best, plan, helps, fitted))


def _correlation(option: Option, outlook: Outlook) -> float:
    """Predicted correlation of labels and predictions under an option."""
    untrained = option.strategy == ZERO_SHOT
    residual = outlook.zero_shot_variance if untrained else outlook.law.predict(option.n_finetune)
    return float(np.sqrt(max(1 - float(residual or 0.0) / outlook.total_variance, 0.0)))


def _needed_correlation(option: Option, n: int) -> float:
    """The stop rule of arXiv 2505.20178 for r rectification labels: 1 / sqrt(r - 2)."""
    r = n - option.n_finetune if option.strategy == SPLIT else n
    return 1 / np.sqrt(r - 2) if r > 2 else np.inf


def _verdict(best: Option, plan: Plan, helps: bool, fitted: FittedLaw | None) -> str:
    ways = {
        ZERO_SHOT: "rectify the model as it is with all labels",
        SPLIT: f"fine-tune on {best.n_finetune} labels, rectify with {plan.n_labeled - best.n_finetune}",
        CROSS_FITTING: f"cross-fit with {best.n_folds} folds",
    }
    text = (
        f"Best of what is allowed: {ways[best.strategy]}; predicted standard error {best.standard_error:.4g}, a "
        f"label counts {best.efficiency:.2f} times."
    )
    if not helps:
        text += " Predictions correlate too little with labels to help: labels alone would be as good."
    elif fitted is not None and fitted.verdict != "falling":
        text += f" More training does not pay: the residual variance is {fitted.verdict}."
    return text
