"""What is seen of work that is counted: one bar in a terminal or notebook, a line for each tenth in a log."""

from __future__ import annotations

import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import ref

if TYPE_CHECKING:
    from sklearn_ftr._progress import Task

# Of units that nobody has counted, each time there are twice as many, or so many more.
_MANY = 10_000_000
# Seconds between two drawings of a bar.
_EVERY = 0.1
_TENTHS, _ROUNDING = 10, 1e-9
_UNITS = {"d": 86_400, "h": 3_600, "min": 60}
_KNOWN = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
_UNKNOWN = "{desc}: {elapsed}{postfix}"
_COMPLETE = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}"


class Display(ABC):
    """Shows the outermost of the tasks that are open; those within move it a part of the way.

    Parameters
    ----------
    name : str
        Whose work it is.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.began = self.stage_began = monotonic()
        self._open: list[ref[Task]] = []

    def opened(self, task: Task) -> Task | None:
        """A task begins; the one that it is within, if there is one."""
        parent = next(reversed(list(self._tasks())), None)
        self._open.append(ref(task))
        if parent is None:
            self.stage_began = monotonic()
            self.begin(task)
        return parent

    def closed(self, task: Task) -> None:
        """It is over."""
        self._open = [ref(one) for one in self._tasks() if one is not task]

    def moved(self, task: Task) -> None:
        """More of a task is done."""
        inner, outer = task, task.parent
        while outer is not None:
            outer.heard(inner.fraction)
            inner, outer = outer, outer.parent
        self.show(inner)

    def far(self) -> str:
        """What is done of each task that is open, the outermost first."""
        return ", ".join(filter(None, (task.far for task in self._tasks())))

    def _tasks(self) -> Iterator[Task]:
        """Open tasks; nobody has to close one that is not there any more."""
        found = (one() for one in self._open)
        return (task for task in found if task is not None)

    @abstractmethod
    def begin(self, stage: Task) -> None:
        """A task begins that is within no other one."""

    @abstractmethod
    def show(self, stage: Task) -> None:
        """More of it is done."""

    @abstractmethod
    def note(self, message: str) -> None:
        """Something that is to be read."""

    def close(self, complete: bool) -> None:
        """No more is coming, since all is done or for another reason."""
        self._open.clear()


class Lines(Display):
    """For logs: a line for each tenth of a stage, with the time that is left at the pace so far."""

    def begin(self, stage: Task) -> None:
        """Nothing is done yet."""
        self.next = self._after(stage)

    def show(self, stage: Task) -> None:
        """If a tenth is done."""
        position = stage.done if stage.total is None else int(_TENTHS * stage.fraction + _ROUNDING)
        if position >= self.next:
            self.note(f"{stage.what}: {self._how_far(stage)}")
            self.next = self._after(stage)

    def note(self, message: str) -> None:
        """A line."""
        print(f"[{self.name}] {message}", file=sys.stderr, flush=True)

    def _after(self, stage: Task) -> int:
        """Where the next line is due: in tenths, or units that nobody has counted."""
        if stage.total is None:
            return stage.done + min(max(stage.done, 1), _MANY)
        return int(_TENTHS * stage.fraction + _ROUNDING) + 1

    def _how_far(self, stage: Task) -> str:
        if stage.total is None:
            return self.far()
        far = ", ".join(filter(None, [f"{100 * stage.fraction + _ROUNDING:.0f} %", self.far()]))
        if stage.fraction > 1 - _ROUNDING:
            return far
        left = stage.work_left * (monotonic() - self.stage_began)
        return f"{far}, about {in_words(left)} left"


class Bar(Display):
    """For terminals and notebooks: tqdm's, which is loaded when there is something to show."""

    bar: Any = None

    def begin(self, stage: Task) -> None:
        """The same bar, for what is done next."""
        total = None if stage.total is None else 1.0
        told = {
            "desc": f"{self.name}: {stage.what}",
            "bar_format": _UNKNOWN if total is None else _KNOWN,
            "postfix": "",
            "total": total,
        }
        if self.bar is None:
            how = {"smoothing": 0, "miniters": 0, "mininterval": _EVERY, "file": sys.stderr}
            self.bar = _bar_class()(**how, **told | {"postfix": None})
            return
        vars(self.bar).update(told)
        self.bar.reset()

    def show(self, stage: Task) -> None:
        """As often as the eye can follow."""
        if self.bar is None:
            return
        here = stage.worked + stage.within * stage.weight
        at = stage.fraction if stage.total else float(stage.done)
        self.bar.initial = at - here / (stage.total or 1)
        self.bar.set_postfix_str(self.far(), refresh=False)
        self.bar.update(at - self.bar.n)

    def note(self, message: str) -> None:
        """A line above the bar."""
        _bar_class().write(f"[{self.name}] {message}", file=sys.stderr)

    def close(self, complete: bool) -> None:
        """Give the line back, with a full bar and the time that all of it took if all is done."""
        super().close(complete)
        if self.bar is not None:
            if complete:
                self._fill()
            self.bar.close()

    def _fill(self) -> None:
        told = {"desc": self.name, "bar_format": _COMPLETE, "postfix": "", "total": 1.0, "n": 1.0}
        vars(self.bar).update(told)
        self.bar.start_t = self.bar.last_print_t - (monotonic() - self.began)
        self.bar.refresh()


def open_display(name: str) -> Display:
    """A bar if somebody looks on, else lines."""
    return Bar(name) if _in_notebook() or sys.stderr.isatty() else Lines(name)


def _in_notebook() -> bool:
    return type(sys.stderr).__module__.partition(".")[0] == "ipykernel"


def _bar_class() -> Any:
    """The one of tqdm for terminals, and for notebooks where those can show it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of notebooks without widgets, which show the bar of terminals
        tqdm = import_module("tqdm.auto" if _in_notebook() else "tqdm").tqdm
    # Nobody has to watch over a bar that is drawn each time it moves.
    return type("Bar", (tqdm,), {"monitor_interval": 0})


def in_words(seconds: float) -> str:
    """A duration, in the largest unit of which there are two."""
    for unit, size in _UNITS.items():
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 1):.0f} s"
