"""What objects look like in a console: at most 200 characters, whatever they hold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np

from sklearn_ftr._arguments import shown

LONGEST = 200
_LONGEST_TEXT, _FEW = 40, 6
_NUMBERS = (int, float, np.number)
_Class = TypeVar("_Class", bound=type)


def short_repr(cls: _Class) -> _Class:
    """A dataclass whose repr tells its fields: numbers with all digits or, where that would be too long, with four."""
    shown_class: Any = cls
    shown_class.__repr__ = _repr_of_fields
    return cls


def told(of: object, text: str) -> str:
    """A repr that says what an object is about."""
    return _cut(f"<{type(of).__name__}: {text}>", ">")


def brief(value: Any) -> str:
    """A value in a few characters: four digits of a number, how many values there are of others."""
    if value is None or isinstance(value, bool | np.bool_):
        return str(value)
    if isinstance(value, _NUMBERS):
        return str(value) if isinstance(value, int | np.integer) else f"{value:.4g}"
    if isinstance(value, str):
        return shown(value, _LONGEST_TEXT)
    if isinstance(value, np.ndarray) and value.ndim != 1:
        return f"<{' x '.join(map(str, value.shape))} values>" if value.ndim else brief(value[()])
    if isinstance(value, Collection):
        return _brief_values(value)
    return f"<{type(value).__name__}>"


def some_of(values: Collection[Any], form: str) -> str:
    """The first numbers, and how many more there are."""
    few = list(values) if len(values) <= _FEW else list(values)[: _FEW // 3]
    left = [f"... ({len(values):,} in all)"] if len(values) > _FEW else []
    return ", ".join([*(format(one, form) for one in few), *left])


def _brief_values(values: Collection[Any]) -> str:
    if len(values) > _FEW or isinstance(values, Mapping):
        return f"<{len(values)} value{'s' * (len(values) != 1)}>"
    return f"[{', '.join(map(brief, values))}]"


def _exact(value: Any) -> str:
    """A number with all digits."""
    if isinstance(value, _NUMBERS) and not isinstance(value, bool):
        return repr(value.item() if isinstance(value, np.number) else value)
    is_ours = is_dataclass(value) and not isinstance(value, type)
    return repr(value) if is_ours else brief(value)


def _repr_of_fields(self: Any) -> str:
    text = _of_fields(self, _exact)
    return text if len(text) <= LONGEST else _cut(_of_fields(self, brief), ")")


def _of_fields(self: Any, say: Callable[[Any], str]) -> str:
    values = {one.name: getattr(self, one.name) for one in fields(self) if one.repr}
    inside = ", ".join(f"{name}={say(value)}" for name, value in values.items())
    return f"{type(self).__name__}({inside})"


def _cut(text: str, end: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3 - len(end)]}...{end}"
