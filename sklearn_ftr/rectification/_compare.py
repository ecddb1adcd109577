"""Results side by side, as regression tables of papers have them: a column for each result, a row for each number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn_ftr._arguments import (
    ArgumentTypeError,
    check_choice,
    check_confidence_level,
    check_truth_value,
    shown,
)
from sklearn_ftr.rectification._comparison import BENEATH, Column, Comparison
from sklearn_ftr.rectification._estimate_in_tables import EstimateInTables

_EXPECTED = "results of rectify_* functions, contrasts, or fitted estimators with a result_"


def compare(
    results: Sequence[Any] | Mapping[str, Any],
    *,
    beneath: str = "standard error",
    confidence_level: float | None = None,
    labels_only: bool = False,
) -> Comparison:
    """Results side by side: a column for each of them, a row for each number, under its name.

    Parameters
    ----------
    results : list or dict of RectifiedResult, ContrastResult or fitted estimators
        The keys of a dict are the heads of the columns; those of a list are (1), (2) and so on. Of estimators it is their `result_`.
    beneath : {"standard error", "interval"}, default="standard error"
        What stands beneath each estimate.
    confidence_level : float, default=None
        Of intervals; None means the results' own, which then have to be the same.
    labels_only : bool, default=False
        Whether each result has another column beside it: what labels alone say.

    Returns
    -------
    Comparison
        Prints as a table; `to_latex`, `to_markdown`, `to_frame`.

    Raises
    ------
    ValueError
        No results; different confidence levels, or numbers that cannot be told by their names.
    TypeError
        Anything that is no result.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import compare, rectify_mean
    >>> rng = np.random.default_rng(0)
    >>> human = rng.normal(3.0, 1.0, size=200)
    >>> kind = human + rng.normal(0.5, 0.5, size=200)
    >>> strict = human + rng.normal(-1.0, 1.0, size=200)
    >>> by_kind = rectify_mean(human, kind, rng.normal(3.5, 1.1, size=5_000))
    >>> by_strict = rectify_mean(human, strict, rng.normal(2.0, 1.4, size=5_000))
    >>> print(compare({"kind judge": by_kind, "strict judge": by_strict}))
    ------------------------------------
                kind judge  strict judge
    ------------------------------------
    mean             3.035         3.017
                  (0.0352)      (0.0488)
    ------------------------------------
    labels             200           200
    pool             5,000         5,000
    lambda            0.76          0.46
    efficiency        3.74          1.95
    ------------------------------------
    In parentheses: standard errors.
    """
    check_choice(beneath, "beneath", BENEATH)
    named = _named(results)
    found = {name: _result_of(value, name) for name, value in named.items()}
    level = _level_of(found, confidence_level)
    _check_names(found)
    check_truth_value(labels_only, "labels_only")
    columns = []
    for name, result in found.items():
        columns.append(Column.of(result, name, level))
        if labels_only:
            alone = f"{name}, labels only"
            if alone in found:
                raise ValueError(
                    f"results has the key {shown(alone)}, which is what labels_only=True calls a column of its own; expected another key."
                )
            columns.append(Column.of_labels(result, alone, level))
    return Comparison(tuple(columns), level, beneath)


def _named(results: Any) -> Mapping[str, Any]:
    if isinstance(results, Mapping):
        named = {str(name): value for name, value in results.items()}
    elif isinstance(results, list | tuple):
        named = {f"({i})": value for i, value in enumerate(results, 1)}
    else:
        raise ArgumentTypeError(
            f"results is {shown(results)}, of type {type(results).__name__}; expected a list or a dict of {_EXPECTED}."
        )
    if len(named) < len(results):
        raise ValueError(
            f"Keys of results print alike: {shown(list(results))}; expected different ones."
        )
    if not named:
        raise ValueError(f"results is empty; expected a list or a dict of {_EXPECTED}.")
    return named


def _result_of(value: Any, name: str) -> EstimateInTables:
    result = getattr(value, "result_", value)
    if isinstance(result, EstimateInTables):
        return result
    raise ArgumentTypeError(
        f"{name} is {shown(value)}, of type {type(value).__name__}; expected {_EXPECTED}."
    )


def _level_of(results: Mapping[str, EstimateInTables], confidence_level: float | None) -> float:
    if confidence_level is not None:
        return check_confidence_level(confidence_level)
    levels = {name: result.confidence_level for name, result in results.items()}
    if len(set(levels.values())) == 1:
        return next(iter(levels.values()))
    told = ", ".join(f"{name} {level:g}" for name, level in levels.items())
    raise ValueError(
        f"The results have different confidence levels: {told}; expected one. Pass confidence_level=."
    )


def _check_names(results: Mapping[str, EstimateInTables]) -> None:
    """Rows are told by names: of several numbers without names, all results need as many of them."""
    for name, result in results.items():
        twice = {one for one in result.names if result.names.count(one) > 1}
        if twice:
            raise ValueError(
                f"{name} has several numbers with the name {shown(min(twice))}; expected a name of its own for each."
            )
    several = {name: _n_unnamed(result) for name, result in results.items()}
    if any(several.values()) and len(set(several.values())) > 1:
        told = ", ".join(f"{name} {n or 'none'}" for name, n in several.items())
        raise ValueError(
            f"Several numbers without names stand beside others: {told}; expected as many in every result, or names: those of the columns of a data frame of labels."
        )


def _n_unnamed(result: EstimateInTables) -> int:
    """How many numbers have no names; a single one has that of its estimand."""
    k = result.covariance.shape[0]
    return k if k > 1 and not result.names else 0
