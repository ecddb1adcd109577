"""Which option of a plan is taken, the sentence that says why, and the estimator's parameters that make it so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyRegressor
from sklearn.frozen import FrozenEstimator

from sklearn_ftr._arguments import check_count
from sklearn_ftr.allocation._best_option import (
    Option,
    best_option,
    can_help,
    needed_correlation,
    smallest_variance,
    strategy_of,
)
from sklearn_ftr.allocation._forecast import Outlook
from sklearn_ftr.allocation._law_fit import FittedLaw
from sklearn_ftr.allocation._plan import Plan
from sklearn_ftr.allocation._strategies import SIMPLE_FIRST, Split
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._outcome import Outcome

# What a user may insist on: anything, or one way to train.
STRATEGIES = {
    "auto": tuple(one.name for one in SIMPLE_FIRST),
    **{one.name: (one.name,) for one in SIMPLE_FIRST if one.trains},
}


@dataclass(frozen=True)
class Choice:
    """The option taken, and why."""

    option: Option
    verdict: str

    @property
    def beside_judges(self) -> Choice:
        """The same for an estimator with judges, of which plans do not know."""
        return replace(self, verdict=f"{self.verdict} Plans are of the model without its judges.")


def is_allowed(option_strategy: str, folds: int, strategy: str, max_fits: int) -> bool:
    """Whether a user's `strategy` and `max_fits` admit an option."""
    return option_strategy in STRATEGIES[strategy] and folds <= max_fits


def choose(
    plan: Plan, outlook: Outlook, strategy: str, max_fits: int, fitted: FittedLaw | None
) -> Choice:
    """What `Plan.best` says of the options that are allowed, and why."""
    if len(plan.options) == 1:
        return Choice(
            plan.options[0], "No unlabeled rows, or no variance in y: labels alone are all there is."
        )
    allowed = _allowed(plan, outlook, strategy, max_fits)
    best = best_option(allowed, plan.n_labeled, plan.labels_per_piece)
    if strategy_of(best).predicts:
        return Choice(best, _why_predictions(best, plan, fitted))
    return Choice(best, _why_labels_only(smallest_variance(allowed), plan))


def _allowed(plan: Plan, outlook: Outlook, strategy: str, max_fits: int) -> list[Option]:
    # A model that cannot be trained leaves no split and no folds to insist on.
    strategy = strategy if outlook.trainable else "auto"
    allowed = [
        option
        for option in plan.options
        if is_allowed(option.strategy, option.n_folds, strategy, max_fits)
    ]
    if not allowed:
        drawing = outlook.drawing
        if strategy == Split.name and drawing.no_split:
            raise ValueError(
                f"strategy={strategy!r}, but labels cannot be split: {drawing.no_split}. Use 'cross-fitting' or 'auto'."
            )
        if strategy == Split.name:
            n, strata = plan.n_labeled, " of all strata" * (drawing.n_strata > 1)
            raise ValueError(
                f"strategy={strategy!r} leaves no option for {n} labels, of which at least {outlook.fewest_to_train()} train and "
                f"{drawing.fewest_to_rectify(n)}{strata} rectify. Label more rows, or use 'cross-fitting' or 'auto'."
            )
        raise ValueError(
            f"strategy={strategy!r} with folds={outlook.folds} and max_fits={max_fits} leaves no option for "
            f"{plan.n_labeled} labels; allow more."
        )
    return allowed


def _why_labels_only(promising: Option, plan: Plan) -> str:
    if not strategy_of(promising).predicts:
        return "Labels alone are as good: no other way promises a smaller standard error."
    needed = needed_correlation(promising, plan.n_labeled, plan.labels_per_piece)
    return (
        f"Labels alone are as good: predictions would correlate with labels by {promising.correlation:.2f}, and it takes "
        f"{needed:.2f} to help."
    )


def _why_predictions(best: Option, plan: Plan, fitted: FittedLaw | None) -> str:
    todo = strategy_of(best).sentence(best.n_finetune, plan.n_labeled)
    text = (
        f"Best of what is allowed: {todo}; predicted standard error {best.standard_error:.4g}, a "
        f"label counts {best.efficiency:.2f} times."
    )
    if not can_help(best, plan.n_labeled, plan.labels_per_piece):
        text += " Predictions correlate too little with labels to help: labels alone would be as good."
    elif fitted is not None and not fitted.verdict.startswith("falling"):
        text += f" More training does not pay: the residual variance is {fitted.verdict}."
    elif fitted is not None and fitted.misfit:
        text += f" The residual variance falls, {fitted.misfit}."
    return text


def parameters_of(
    option: Option, n: int, m: int, outputs: tuple[int, ...], may_split: bool = True
) -> dict[str, Any]:
    """Parameters of the rectified estimator that make it the chosen option."""
    if not m and not may_split:
        return {"cv": 2}
    if not m:  # labels only in any case; trained all the same, for predict and score
        return {"split_ratio": max(2, n // 5), "cv": None}
    strategy = strategy_of(option)
    model = {} if strategy.predicts else {"estimator": _model_of_zeros(outputs)}
    return model | strategy.parameters(option.n_finetune)


def _model_of_zeros(outputs: tuple[int, ...]) -> FrozenEstimator:
    """A model that predicts 0 for everything: rectified by all labels, it leaves their mean."""
    return FrozenEstimator(DummyRegressor().fit([[0]], np.zeros((1, *outputs))))


def sizes_of(labels: PartialLabels) -> tuple[int, int, tuple[int, ...]]:
    """Numbers of labels and of rows in the pool, and the shape of a row's label."""
    return len(labels.labeled), labels.n_unlabeled, labels.y.shape[1:]


def what_was_chosen(
    plan: Plan,
    choice: Choice,
    best: Any,
    labels: PartialLabels,
    always: NDArray[np.intp],
    outcome: Outcome | None,
) -> dict[str, Any]:
    """Fitted attributes: the plan, the choice, and what is repeated of the estimator that was refitted by it."""
    if outcome is not None:
        outcome.warn(stacklevel=6)  # of whoever called fit, which scikit-learn wraps
    splits = [option.n_finetune for option in plan.options if option.strategy == Split.name]
    return {
        "plan_": plan if outcome is None else plan.with_note(outcome.sentence),
        "best_split_ratio_": splits[0] / plan.n_labeled if splits else 0.0,
        "best_option_": choice.option,
        "verdict_": choice.verdict if outcome is None else f"{choice.verdict} {outcome.sentence}",
        "best_estimator_": best,
        "n_labeled_": len(labels.labeled),
        "n_unlabeled_": labels.n_unlabeled,
        "finetune_rows_": best.finetune_rows_ | np.isin(np.arange(len(labels.y)), always),
        "out_of_sample_": best.out_of_sample_,
        "standard_error_": best.standard_error_,
        "efficiency_": best.efficiency_,
        "result_": best.result_,
        **best._answer_.attributes,
    }


def check_folds(folds: Any) -> tuple[int, ...]:
    """Each number of folds once, as Python's integers."""
    if not all(isinstance(k, Integral) and not isinstance(k, bool) and int(k) >= 2 for k in folds):
        raise ValueError(
            f"folds is {folds!r}; expected whole numbers from 2 on, such as (2, 5, 10), or () for no cross-fitting."
        )
    return tuple(dict.fromkeys(map(int, folds)))


def pool_beside(n_labeled: int, n_unlabeled: float | None, rows: int) -> float:
    """Rows of the pool beside so many labels; those of the fit that get no label if a user does not say."""
    check_count(n_labeled, "n_labeled", 0)
    if n_unlabeled is None and n_labeled > rows:
        raise ValueError(
            f"n_labeled is {n_labeled}, but there are {rows} rows in all; give n_unlabeled for a larger pool."
        )
    return rows - n_labeled if n_unlabeled is None else n_unlabeled
