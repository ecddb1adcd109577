"""Callbacks of scikit-learn (1.9 and later): what `fit` of an estimator tells them, as its own meta-estimators do.

A stage (folds, trials, a pass over a pool) is a task of the fit; its parts are tasks of the stage, and what an inner estimator says of itself comes
below the part that trains it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from sklearn_ftr._progress import watched
from sklearn_ftr._sklearn_private import callback_management


@dataclass(eq=False)
class Fitting:
    """A fit that is going on.

    Attributes
    ----------
    hooks : FitHooks or None
        Callbacks, if there are any.
    learned : dict, or callable that returns one
        Fitted attributes, which callbacks are told of before the estimator has them.
    """

    hooks: FitHooks | None = None
    learned: Any = field(default_factory=dict)


@contextmanager
def fit_watched(
    estimator: Any, X: Any, y: Any, inner: Any = None, n_tasks: int | None = None
) -> Iterator[Fitting]:
    """Around a fit: shows how far it is, and calls the callbacks that `estimator`, or the `inner` one that it trains, has.

    Parameters
    ----------
    estimator : estimator
        With `verbose`.
    X, y : as in `fit`
    inner : estimator, default=None
    n_tasks : int, default=None
        Of which the fit consists; None if that is not known.
    """
    if not _has_callbacks(estimator, inner):
        with watched(estimator):
            yield Fitting()
        return
    with callback_management(estimator):
        context = estimator._init_callback_context(max_subtasks=n_tasks)
        context.call_on_fit_task_begin(estimator=estimator, X=X, y=y)
        fitting = Fitting(FitHooks(estimator, context))
        with watched(estimator, fitting.hooks):
            yield fitting
        told = {"X": X, "y": y, "reconstruction_attributes": fitting.learned}
        context.call_on_fit_task_end(estimator=estimator, **told)


def _has_callbacks(estimator: Any, inner: Any) -> bool:
    """Whether anybody is to be told; others set a parent's context."""
    own = "_skl_callbacks" in vars(estimator) or "_parent_callback_ctx" in vars(estimator)
    of_inner = "_skl_callbacks" in getattr(inner, "__dict__", {})
    return hasattr(estimator, "_init_callback_context") and (own or of_inner)


@dataclass(frozen=True, eq=False)
class FitHooks:
    """The tasks of a fit."""

    estimator: Any
    context: Any

    def stage(self, what: str, n_parts: int | None, part: str | None) -> StageHooks:
        """A task with parts, as many as there are or None; those that have a name may be done in any order."""
        context = self.context.subcontext(
            task_name=what, max_subtasks=n_parts, sequential_subtasks=part is None
        )
        context.call_on_fit_task_begin(estimator=self.estimator)
        return StageHooks(self.estimator, context, part)

    def part(self, what: str) -> Part:
        """A task that is one estimator's."""
        return Part(self.estimator, self.context.subcontext(task_name=what))


@dataclass(frozen=True, eq=False)
class StageHooks:
    """A task with parts."""

    estimator: Any
    context: Any
    name: str | None

    def part(self, number: int) -> Part:
        """One of them."""
        return Part(self.estimator, self.context.subcontext(self.name or "", task_id=number))

    def tick(self, told: int, done: int) -> int:
        """So many parts are done, after those that have been told; nothing where parts tell it themselves."""
        for _ in range(done - told if self.name is None else 0):
            part = Part(self.estimator, self.context.subcontext("part"))
            part.begin()
            part.end()
        return done

    def end(self) -> None:
        """All are done."""
        self.context.call_on_fit_task_end(estimator=self.estimator)


@dataclass(frozen=True, eq=False)
class Part:
    """A part, wherever it is done."""

    estimator: Any
    context: Any

    def begin(self) -> None:
        """It begins."""
        self.context.call_on_fit_task_begin(estimator=self.estimator)

    def end(self, fitted: Callable[[], dict[str, Any]] | None = None, **rows: Any) -> bool:
        """It is done; whether a callback wants no more of its kind. `fitted` gives attributes that make a fitted estimator of the one in training, X and y are what callbacks score it on."""
        told = {} if fitted is None else {"reconstruction_attributes": fitted, **rows}
        return bool(self.context.call_on_fit_task_end(estimator=self.estimator, **told))

    @contextmanager
    def around(self, model: Any) -> Iterator[None]:
        """Around the training of a model, which is given the callbacks if it can have any."""
        given = hasattr(model, "set_callbacks")
        with self.context.propagate_callback_context(model) if given else nullcontext():
            self.begin()
            yield
        self.end()


def around(part: Part | None, model: Any) -> Any:
    """Around the training of a model, as part of a task if anybody is told of it."""
    return nullcontext() if part is None else part.around(model)
