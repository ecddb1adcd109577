"""What is pickled says which version of the package wrote it, and other versions refuse what they cannot read."""

from __future__ import annotations

import inspect
import pickle
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from sklearn_ftr import __version__

# Series (0.1 is 0.1.0, 0.1.1, ...) whose pickles this version opens; `tests/data/pickles` has some of each.
OPENED = ("0.1",)


class WrittenBy(str):
    """The version that wrote a pickle. It stands before all else, and is checked before any other name is looked for."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return checked, (str(self),)


class Versioned:
    """Base of what users keep: results, plans, laws and estimators, in pickles and copies."""

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        reduced: Any = super().__reduce_ex__(protocol)
        make, arguments, *state = reduced
        return restored, (THIS, make, *arguments), *state


def checked(version: str) -> WrittenBy:
    """The version.

    Raises
    ------
    pickle.UnpicklingError
        One whose pickles this version does not open.
    """
    if ".".join(version.split(".")[:2]) not in OPENED:
        raise pickle.UnpicklingError(
            f"This was pickled by sklearn_ftr {version}; this is sklearn_ftr {__version__}, which opens pickles of "
            f"{', '.join(f'{series}.*' for series in OPENED)}. Open it where sklearn_ftr {version} is installed, or compute it again."
        )
    return WrittenBy(version)


def restored(written: WrittenBy, make: Any, *arguments: Any) -> Any:
    """An object before its state is set: what the state of an older version lacks has its default."""
    made = make(*arguments)
    vars(made).update(_defaults(type(made)))
    return made


def _defaults(kind: type) -> dict[str, Any]:
    """Of fields of a dataclass, of parameters of an estimator."""
    if is_dataclass(kind):
        return {one.name: _default(one) for one in fields(kind) if one.init and _has_default(one)}
    if not hasattr(kind, "get_params"):
        return {}
    parameters = inspect.signature(kind).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not one.empty}


def _has_default(one: Field[Any]) -> bool:
    return one.default is not MISSING or one.default_factory is not MISSING


def _default(one: Field[Any]) -> Any:
    return one.default if one.default_factory is MISSING else one.default_factory()


THIS = WrittenBy(__version__)
