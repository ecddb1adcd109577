"""What users hand over beside data: numbers, counts, truth values, seeds. Each is read or refused in plain words.

numpy only, so that every folder may use it. `_tables` reads data.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np

# Types that are told at once come first.
_NUMBERS = (float, int, Real, Decimal)
_TRUTH_VALUES = (bool, np.bool_)
_NO_NUMBERS = (bool, np.timedelta64)


class ArgumentTypeError(TypeError, ValueError):
    """An argument of a type that is not taken; a ValueError, too, as scikit-learn's errors about parameters are."""


def shown(value: Any, longest: int = 80) -> str:
    """A value in one line of a message."""
    text = " ".join(repr(value).split())
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def is_number(value: Any) -> bool:
    """Whether it is a real number: of Python, numpy, a Decimal or a Fraction; durations and truth values are none."""
    return isinstance(value, _NUMBERS) and not isinstance(value, _NO_NUMBERS)


def is_truth_value(value: Any) -> bool:
    """Whether it is True or False, of Python or numpy."""
    return isinstance(value, _TRUTH_VALUES)


def is_missing(value: Any) -> bool:
    """None, NaN, and what pandas and pyarrow have for them."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return bool(isinstance(value, float | np.floating | Decimal | np.datetime64) and value != value)


def check_number(
    value: Any, name: str, expected: str, accepts: Callable[[float], bool] = math.isfinite
) -> float:
    """A single number that `accepts` says yes to; `expected` completes the message."""
    number = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    if not is_number(number):
        raise ArgumentTypeError(
            f"{name} is {shown(value)}, of type {type(value).__name__}; expected {expected}."
        )
    if math.isnan(number) or not accepts(float(number)):
        raise ValueError(f"{name} is {value!r}; expected {expected}.")
    return float(number)


def check_confidence_level(confidence_level: Any) -> float:
    """A number strictly between 0 and 1."""
    return check_number(
        confidence_level,
        "confidence_level",
        "a number between 0 and 1, such as 0.95 for 95 %",
        lambda level: 0 < level < 1,
    )


def check_count(value: Any, name: str, at_least: int) -> int:
    """A whole number: of labels, draws, folds."""
    expected = f"a whole number, {at_least} at least"
    if not (isinstance(value, Integral) and is_number(value)):
        raise ArgumentTypeError(
            f"{name} is {shown(value)}, of type {type(value).__name__}; expected {expected}."
        )
    if int(value) < at_least:
        raise ValueError(f"{name} is {value!r}; expected at least {at_least}.")
    return int(value)


def check_truth_value(value: Any, name: str) -> bool:
    """True or False, of Python or numpy, or 1 or 0."""
    if is_truth_value(value) or (isinstance(value, Integral) and int(value) in (0, 1)):
        return bool(value)
    raise ArgumentTypeError(
        f"{name} is {shown(value)}, of type {type(value).__name__}; expected True or False."
    )


def check_choice(value: Any, name: str, choices: tuple[str, ...]) -> str:
    """One of some words."""
    if not isinstance(value, str) or value not in choices:
        raise ArgumentTypeError(f"{name} is {shown(value)}; expected one of {choices}.")
    return value


def random_generator(seed: Any, name: str = "random_state") -> np.random.Generator:
    """The generator that a seed names; None draws a seed, and generators of numpy serve themselves."""
    if isinstance(seed, np.random.RandomState):
        return np.random.default_rng(seed.randint(np.iinfo(np.int32).max))
    if seed is None or isinstance(seed, np.random.Generator | np.random.SeedSequence):
        return np.random.default_rng(seed)
    if isinstance(seed, Integral) and is_number(seed) and int(seed) >= 0:
        return np.random.default_rng(int(seed))
    raise ArgumentTypeError(
        f"{name} is {shown(seed)}, of type {type(seed).__name__}; expected None, a whole number that is not negative, or a "
        "random generator of numpy."
    )
