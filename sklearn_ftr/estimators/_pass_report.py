"""How far a pass over a pool is: a sentence for each tenth of it, with the time that is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic

from sklearn_ftr.rectification._pool import PoolBlock

# Fewer blocks of rows in memory are not worth a word.
_SOME_BLOCKS = 4
# Of rows that nobody has counted, each time there are twice as many, or so many more.
_MANY_ROWS = 10_000_000
_UNITS = {"d": 86_400, "h": 3_600, "min": 60}


class PassReport:
    """Says how far a pass is.

    Parameters
    ----------
    report : callable
        Is told each sentence.
    total : int or None
        How many rows, or partitions, there are; None if that is not known.
    unit : {"rows", "partitions"}, default="rows"
    of : str, default="pool"
        What is read.
    """

    def __init__(
        self,
        report: Callable[[str], None],
        total: int | None,
        unit: str = "rows",
        of: str = "pool",
    ) -> None:
        self.report, self.total, self.unit, self.of = report, total, unit, of
        self.began, self.done = monotonic(), 0
        self.next = self._after(0)

    def seen(self, end: int, n: int) -> None:
        """All up to `end` are done, the last n of them since the last call."""
        self.done += n
        if n and end >= self.next:
            self.report(f"{self.of}: {self._how_far(end)}")
            self.next = self._after(end)

    def through(self, blocks: Iterator[PoolBlock]) -> Iterator[PoolBlock]:
        """The same blocks, each of which is done when the next one is asked for."""
        for block in blocks:
            yield block
            self.seen(block.start + len(block), len(block))

    def _after(self, end: int) -> int:
        """Where the next sentence is due."""
        if self.total is None:
            return end + min(max(end, 1), _MANY_ROWS)
        tenths = 10 * end // max(self.total, 1)
        return -(-(tenths + 1) * self.total // 10)

    def _how_far(self, end: int) -> str:
        if self.total is None:
            return f"{end:,} {self.unit} so far"
        far = f"{end:,} of {self.total:,} {self.unit}"
        if end >= self.total:
            return far
        left = (self.total - end) * (monotonic() - self.began) / self.done
        return f"{far}, about {_in_words(left)} left"


def pass_over(report: Callable[[str], None] | None, n_rows: int, size: int) -> PassReport:
    """Rows in memory, in blocks of a size."""
    tells = report is not None and n_rows > _SOME_BLOCKS * size
    return PassReport(report if report is not None and tells else say_nothing, n_rows)


def say_nothing(message: str) -> None:
    """Where nobody listens."""


def _in_words(seconds: float) -> str:
    for unit, size in _UNITS.items():
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 1):.0f} s"
