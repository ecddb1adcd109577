"""Which columns blocks of a pool's rows have: those that are asked for, as many as labeled rows have, in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sklearn_ftr._arguments import ArgumentTypeError, shown
from sklearn_ftr._tables import check_column_order, column_names


@dataclass(frozen=True)
class ExpectedColumns:
    """What labeled rows have, in the argument called `name`: `n` columns, and their names where those are known."""

    name: str
    n: int
    names: list[Any] | None = None

    @classmethod
    def of(cls, table: Any, name: str, n: int) -> ExpectedColumns:
        """Those of a table."""
        return cls(name, n, column_names(table))

    def check(self, block: Any, n: int, name: str) -> None:
        """That a block has as many, in the same order."""
        if n != self.n:
            raise ValueError(
                f"{name} has {n} columns and {self.name} has {self.n}; expected the same number of columns. "
                "PoolSource(..., columns=...) chooses some."
            )
        check_column_order(SimpleNamespace(columns=self.names), block, self.name, name)


def chosen_columns(block: Any, columns: str | Sequence[str]) -> Any:
    """The columns of a table, in that order; a vector of a single one."""
    names = [columns] if isinstance(columns, str) else list(columns)
    check_columns(names, _names_of(block))
    if hasattr(block, "column_names"):
        block = block.select(names)
        return block.column(0) if isinstance(columns, str) else block
    return block[columns if isinstance(columns, str) else names]


def check_columns(columns: Sequence[Any] | None, known: list[Any]) -> None:
    """That columns are there."""
    missing = [name for name in columns or () if name not in known]
    if missing:
        told = ", ".join(map(shown, known[:20]))
        raise ValueError(
            f"The pool has no column {shown(missing[0])}; expected names in columns= that it has: {told}."
        )


def _names_of(block: Any) -> list[Any]:
    names = column_names(block)
    if names is None:
        raise ArgumentTypeError(
            f"Blocks of the pool are of type {type(block).__name__}, whose columns have no names; expected tables, or leave columns= out."
        )
    return names
