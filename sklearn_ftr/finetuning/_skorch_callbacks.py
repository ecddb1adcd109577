"""Callbacks of skorch that users bring along, and what they need of a loop that is not skorch's."""

from __future__ import annotations

import dis
from collections.abc import Iterable
from math import inf
from types import TracebackType
from typing import Any

from sklearn.base import clone
from skorch.callbacks import Callback

_RAISE = dis.opmap["RAISE_VARARGS"]


def ready(callbacks: Iterable[Any] | None) -> list[tuple[str, Callback]]:
    """Copies of callbacks, or pairs of names and callbacks, with names, for one fit."""
    given = [one if isinstance(one, tuple) else (_name_of(one), one) for one in callbacks or []]
    for name, callback in given:
        _check(name, callback)
    names = _apart([name for name, _ in given])
    return [
        (name, clone(callback() if isinstance(callback, type) else callback).initialize())
        for name, (_, callback) in zip(names, given, strict=True)
    ]


def _check(name: Any, callback: Any) -> None:
    is_class = isinstance(callback, type) and issubclass(callback, Callback)
    if not isinstance(name, str) or not (is_class or isinstance(callback, Callback)):
        raise TypeError(
            f"callbacks holds {callback!r}, named {name!r}; expected callbacks of skorch (instances or classes of skorch.callbacks.Callback), or pairs (name, "
            "callback)."
        )


def _name_of(callback: Any) -> str:
    return callback.__name__ if isinstance(callback, type) else type(callback).__name__


def _apart(names: list[str]) -> list[str]:
    """Equal ones with numbers, as skorch has them."""
    return [
        f"{name}_{names[:k].count(name) + 1}" if names.count(name) > 1 else name
        for k, name in enumerate(names)
    ]


def listens(callbacks: Iterable[tuple[str, Callback]], *methods: str) -> bool:
    """Whether any callback has something to do then."""
    return any(
        getattr(type(callback), name) is not getattr(Callback, name)
        for _, callback in callbacks
        for name in methods
    )


def was_raised_by_a_callback(error: KeyboardInterrupt) -> bool:
    """Whether a callback has raised it to end the training, as skorch's do: Ctrl-C comes from outside, at any instruction."""
    last: TracebackType | None = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None:
        return False
    code = last.tb_frame.f_code
    return code.co_name.startswith("on_") and code.co_code[last.tb_lasti] == _RAISE


class BestLosses(Callback):
    """Records whether losses are the smallest so far, which `Checkpoint` asks, and a batch, which it looks for."""

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        self.best = {"train_loss": inf, "valid_loss": inf}

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        row = net.history[-1]
        if not row["batches"]:
            net.history.new_batch()
        for name in self.best.keys() & row.keys():
            is_best = row[name] < self.best[name]
            self.best[name] = min(row[name], self.best[name])
            net.history.record(f"{name}_best", is_best)
