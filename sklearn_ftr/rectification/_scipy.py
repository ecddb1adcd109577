"""What is used of scipy's special functions and root finders, loaded when one of them is called: loading takes longer than numpy and all of this package."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any


@cache
def scipy_module(name: str) -> ModuleType:
    """A module of scipy, such as "linalg", which is loaded at the first call."""
    return import_module(f"scipy.{name}")


def brentq(function: Callable[[float], float], low: float, high: float, xtol: float) -> float:
    """Where a function is 0 between two numbers at which its signs differ (Brent 1973)."""
    return float(scipy_module("optimize").brentq(function, low, high, xtol=xtol))


def betainc(a: Any, b: Any, x: Any) -> Any:
    """Regularised incomplete beta function."""
    return scipy_module("special").betainc(a, b, x)


def chdtrc(degrees: Any, x: Any) -> Any:
    """Upper tail of chi-squared."""
    return scipy_module("special").chdtrc(degrees, x)


def chdtri(degrees: Any, p: Any) -> Any:
    """The value that chi-squared exceeds with probability p."""
    return scipy_module("special").chdtri(degrees, p)


def expit(x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return scipy_module("special").expit(x)


def fdtrc(first: Any, second: Any, x: Any) -> Any:
    """Upper tail of F."""
    return scipy_module("special").fdtrc(first, second, x)


def lambertw(z: Any, branch: int) -> Any:
    """The w of w exp(w) = z."""
    return scipy_module("special").lambertw(z, branch)


def logit(p: Any) -> Any:
    """log(p / (1 - p))."""
    return scipy_module("special").logit(p)


def ndtr(x: Any) -> Any:
    """Lower tail of the standard normal distribution."""
    return scipy_module("special").ndtr(x)


def ndtri(p: Any) -> Any:
    """Its quantile."""
    return scipy_module("special").ndtri(p)


def stdtr(degrees: Any, t: Any) -> Any:
    """Lower tail of Student's t."""
    return scipy_module("special").stdtr(degrees, t)


def stdtrit(degrees: Any, p: Any) -> Any:
    """Its quantile."""
    return scipy_module("special").stdtrit(degrees, p)
