"""Axes of numbers: logarithmic where numbers span much, labelled without offsets, with limits that leave out what is endless."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

# From this ratio on a logarithmic axis has two labels at least, of 1, 2, 5, 10, ...
_MUCH = 8.0
# Decades up to which 2 and 5 are labelled, too.
_FEW_DECADES = 2.5
_ROOM = 0.05
_MILLION, _BILLION = 1e6, 1e9
# Standard errors to either side of a 95 % interval.
NORMAL_95 = 1.959963984540054


def finite(*values: ArrayLike | None) -> NDArray[np.float64]:
    """All finite numbers of some arrays, in one; None has none."""
    parts = [np.ravel(np.asarray(one, dtype=float)) for one in values if one is not None]
    together = np.concatenate([np.zeros(0), *parts])
    return together[np.isfinite(together)]


def spans_much(values: NDArray[np.float64]) -> bool:
    """Whether positive numbers are better told apart by their logarithms."""
    return len(values) > 0 and values.min() > 0 and bool(values.max() / values.min() >= _MUCH)


def scale_axis(ax: Any, name: str, low: float, high: float, logarithmic: bool) -> None:
    """Limits of an axis, with some room, and labels of its numbers.

    Parameters
    ----------
    ax : matplotlib Axes
    name : {"x", "y"}
    low, high : float
        What has to be seen; finite.
    logarithmic : bool
        Needs low > 0.
    """
    axis = getattr(ax, f"{name}axis")
    ends = _ends_of_logarithms(low, high) if logarithmic else _ends(low, high)
    if logarithmic:
        getattr(ax, f"set_{name}scale")("log")
        _label_few_numbers(axis, high / low)
    getattr(ax, f"set_{name}lim")(*ends)
    axis.set_major_formatter(partial(_label, axis))


def _ends_of_logarithms(low: float, high: float) -> tuple[float, float]:
    room = (high / low) ** _ROOM
    return low / room, high * room


def _ends(low: float, high: float) -> tuple[float, float]:
    room = _ROOM * (high - low) or 0.5 * abs(low) or 0.5
    return low - room, high + room


def _label_few_numbers(axis: Any, ratio: float) -> None:
    """At 1, 2, 5, 10, ... of few decades, at some powers of ten of many."""
    from matplotlib.ticker import LogLocator, NullFormatter

    few = np.log10(ratio) <= _FEW_DECADES
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,), numticks=12))
    axis.set_minor_formatter(NullFormatter())


def _label(axis: Any, value: float, _: int) -> str:
    """With as many digits as tell neighbours apart."""
    ticks = np.unique(axis.get_majorticklocs())
    step = np.diff(ticks).min() if len(ticks) > 1 else abs(value)
    return number(value, step)


def number(value: float, step: float = 0.0) -> str:
    """A number for a label: 20,000, 5M, 2bn, 0.15 or 1e-09; where `step` is known, with the digits that tell it from a neighbour."""
    if abs(value) < step * 1e-9:
        return "0"
    for unit, name in ((_BILLION, "bn"), (_MILLION, "M")):
        if abs(value) >= unit and value == np.floor(value / unit * 100) * unit / 100:
            return f"{value / unit:,g}{name}" if abs(value) < 1e3 * _BILLION else f"{value:g}"
    if abs(value) >= 1e3 and abs(value) < _BILLION and value == round(value):
        return f"{value:,.0f}"
    digits = np.ceil(np.log10(abs(value) / step)) + 1 if value and step else 4
    return f"{value:.{int(np.clip(digits, 3, 12))}g}"
