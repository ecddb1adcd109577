"""How far long work is: whoever does it counts it here; one bar, or scikit-learn's callbacks, tell it.

By default nobody watches, and then nothing is counted. What worker processes do is counted when it comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sklearn_ftr._progress_display import Display, open_display

T = TypeVar("T")
# What callbacks of scikit-learn are told of a pass: how many of so many equal parts are done.
_TICKS = 100
# Fewer blocks of rows in memory are not worth a word.
_SOME_BLOCKS = 4
# Rounding is not to keep the last of ten tenths back.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Watch:
    """Who watches the estimator that is at work: a display, hooks of callbacks, or nobody.

    Parameters
    ----------
    display : Display or None
        Opened by the outermost estimator whose `verbose` is above 0.
    hooks : FitHooks or None
        Callbacks of this estimator (`sklearn_ftr._callbacks`).
    """

    display: Display | None = None
    hooks: Any = None


_NOBODY = Watch()
# Of a thread: others do not disturb the bar of this one.
_watch: ContextVar[Watch] = ContextVar("watch", default=_NOBODY)


@contextmanager
def watched(estimator: Any, hooks: Any = None) -> Iterator[None]:
    """Show how far the work of an estimator is, if its `verbose` is above 0 or an estimator around it is watched."""
    around = _watch.get().display
    own = open_display(type(estimator).__name__) if around is None and estimator.verbose > 0 else None
    token = _watch.set(Watch(around or own, hooks))
    complete = False
    try:
        yield
        complete = True
    finally:
        _watch.reset(token)
        if own is not None:
            own.close(complete)


def is_watched() -> bool:
    """Whether anybody is told of what is counted."""
    watch = _watch.get()
    return watch.display is not None or watch.hooks is not None


def note(message: str) -> None:
    """A line beside the bar, where there is one."""
    display = _watch.get().display
    if display is not None:
        display.note(message)


@dataclass(eq=False)
class Task:
    """Work that is counted.

    Parameters
    ----------
    what : str
    total : int or None
        Of units; None if that is not known.
    unit : str
        Their name, in the plural.
    display : Display or None
    hooks : StageHooks or None
    weight : int
        Units that are at work now, which tasks within this one are.
    """

    what: str
    total: int | None
    unit: str
    display: Display | None = None
    hooks: Any = None
    weight: int = 0
    done: int = 0
    worked: int = 0
    within: float = 0.0
    remark: str = ""
    parent: Task | None = field(default=None)
    told: int = 0

    def __post_init__(self) -> None:
        if self.display is not None:
            self.parent = self.display.opened(self)

    @property
    def fraction(self) -> float:
        """What is done of it, between 0 and 1; 0 if its total is not known."""
        return 0.0 if not self.total else (self.done + self.within * self.weight) / self.total

    @property
    def far(self) -> str:
        """How many units are done."""
        far = f"{self.done:,} {self.unit} so far"
        if self.total is not None:
            far = f"{self.done:,} of {self.total:,} {self.unit}" if self.total > 1 else ""
        return ", ".join(filter(None, [far, self.remark]))

    @property
    def work_left(self) -> float:
        """The work to come, in units of what was done here; what another run has done took no time."""
        here = self.worked + self.within * self.weight
        return (1 - self.fraction) * (self.total or 0) / here if here else 0.0

    def advance(self, n: int = 1, remark: str = "") -> None:
        """So many more units are done."""
        self.reach(self.done + n, n, remark)

    def reach(self, end: int, n: int, remark: str = "") -> None:
        """All up to `end` are done, the last n of them since the last call."""
        self.done, self.worked, self.within, self.remark = end, self.worked + n, 0.0, remark
        if n:
            self._tell()

    def _tell(self) -> None:
        if self.display is not None:
            self.display.moved(self)
        if self.hooks is not None and self.total:
            self.told = self.hooks.tick(self.told, int(_TICKS * self.fraction + _ROUNDING))

    def heard(self, fraction: float) -> None:
        """A task within this one has done so much of what is at work now; of several the first counts."""
        self.within = max(self.within, fraction)

    def through(self, blocks: Iterable[T], size: Callable[[T], int]) -> Iterator[T]:
        """The same blocks, each of which is done when the next one is asked for."""
        with self:
            for block in blocks:
                yield block
                self.advance(size(block))

    def results(self, made: Iterable[T], weights: Sequence[int]) -> Iterator[T]:
        """Results of parts of these weights, each of which is made when it is asked for."""
        parts = iter(made)
        with self:
            for self.weight in weights:
                yield next(parts)
                self.advance(self.weight)
            # joblib kills its processes, which the next fit could use, if results are not asked for to the end.
            next(parts, None)

    def part(self, number: int) -> Any:
        """What callbacks know one of its parts by; a part can be sent to another process."""
        return None if self.hooks is None else self.hooks.part(number)

    def close(self) -> None:
        """It is over, whether or not all of it was done."""
        if self.display is not None:
            self.display.closed(self)
        if self.hooks is not None:
            self.hooks.end()

    def __enter__(self) -> Task:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


def counted(
    what: str,
    total: int | None,
    unit: str = "rows",
    *,
    n_parts: int | None = None,
    part: str = "training",
    weight: int = 0,
    is_long: bool = True,
    is_task: bool = True,
) -> Task:
    """Work that begins now.

    Parameters
    ----------
    what : str
        What is done.
    total : int or None
        How many units there are; None if that is not known.
    unit : str, default="rows"
    n_parts : int, default=None
        Parts that callbacks are told of one by one (`Task.part`), by whoever does them; None tells them of hundredths.
    part : str, default="training"
        What such a part is.
    weight : int, default=0
        Units that the first task within this one is.
    is_long : bool, default=True
        What is short is not told.
    is_task : bool, default=True
        Whether it is a task of the fit that callbacks are told of, or a detail for the display only.
    """
    watch = _watch.get() if is_long else _NOBODY
    if watch is _NOBODY:
        return Task(what, total, unit)
    n_told = _TICKS if n_parts is None and total is not None else n_parts
    hooks = None
    if watch.hooks is not None and is_task:
        hooks = watch.hooks.stage(what, n_told, None if n_parts is None else part)
    return Task(what, total, unit, watch.display, hooks, weight)


def counted_blocks(what: str, n_rows: int, size: int) -> Task:
    """Rows in memory, in blocks of a size, if there are many."""
    return counted(what, n_rows, is_long=n_rows > _SOME_BLOCKS * size)
