"""Every way to use some labels, as a table with a best row."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_ftr._printed_table import PrintedTable
from sklearn_ftr._short_repr import told
from sklearn_ftr._shows_table import ForPapers
from sklearn_ftr._tables import import_pandas
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.allocation._best_option import Option, best_option, strategy_of
from sklearn_ftr.allocation._split_curve import Foreseen, SplitCurve

if TYPE_CHECKING:
    from sklearn_ftr.displays import PlanDisplay

_HEADER = ("", "fine-tune", "std. error", "95 % of the law", "efficiency", "trainings", "cost")


@dataclass(frozen=True, repr=False)
class Plan(ForPapers, Versioned):
    """Every option for a number of labels; prints as a table.

    Attributes
    ----------
    n_labeled : int
    n_unlabeled : float
    options : tuple of Option
        In the order labels only, zero-shot, split, cross-fitting.
    n_clusters : int or None
        Clusters that so many labels are in; None without clusters.
    notes : tuple of str
        What is known of the law, and how it went; printed below the table.
    foreseen : object or None
        What `curve` is made from.
    """

    n_labeled: int
    n_unlabeled: float
    options: tuple[Option, ...]
    n_clusters: int | None = None
    notes: tuple[str, ...] = ()
    foreseen: Foreseen | None = field(default=None, repr=False, compare=False)

    def with_note(self, note: str) -> Plan:
        """The same with one note more; an empty one is none."""
        return replace(self, notes=(*self.notes, note)) if note else self

    @property
    def labels_per_piece(self) -> float:
        """How many labels are one independent piece: those of a cluster, on average."""
        return 1.0 if self.n_clusters is None else self.n_labeled / self.n_clusters

    def best(self, max_trainings: float = np.inf, strategies: tuple[str, ...] | None = None) -> Option:
        """The option that `FineTuneRectifyAllocator` takes: the smallest predicted standard error.

        Parameters
        ----------
        max_trainings : float, default=inf
            Options with more trainings are left out; `max_fits` of the allocator.
        strategies : tuple of str, default=None
            Strategies that are allowed; None is all, the allocator's "auto".

        Returns
        -------
        Option
            Of options that differ by rounding (1e-9 of the variance, 1e-12 of that of labels alone) the one with fewer
            trainings; then with fewer passes over the pool; then the first of labels only, zero-shot, split and
            cross-fitting; then the cheaper one. Where labels only are allowed, an option with r > 2 rectification labels, or clusters of labels,
            has to have a correlation above 1 / sqrt(r - 2).

        Raises
        ------
        ValueError
            No option is left.
        """
        allowed = [
            option
            for option in self.options
            if option.n_trainings <= max_trainings
            and (strategies is None or option.strategy in strategies)
        ]
        if not allowed:
            raise ValueError(f"No option with {strategies} and at most {max_trainings} trainings.")
        return best_option(allowed, self.n_labeled, self.labels_per_piece)

    def curve(self, n_points: int = 200) -> SplitCurve:
        """The predicted standard error for every split ratio.

        Parameters
        ----------
        n_points : int, default=200
            About so many ratios, and the best; fewer where there are fewer whole numbers of labels.

        Returns
        -------
        SplitCurve
            With `n_finetune`, `split_ratio`, `standard_error`, `low`, `high`, `labels_only` and `to_frame`.

        Raises
        ------
        ValueError
            A plan that was put together by hand, and not by a law or an allocator; fewer than 2 points.

        Examples
        --------
        >>> from sklearn_ftr import ScalingLaw
        >>> law = ScalingLaw(a=0.287, alpha=0.297, b=0.042)
        >>> curve = law.plan(1000, total_variance=0.1216, recycle=False, power_tuning=False).curve()
        >>> int(curve.n_finetune[curve.standard_error.argmin()])
        152
        >>> near = curve.split_ratio[curve.near_best(0.01)]  # ratios that cost at most 1 %
        >>> round(float(near.min()), 2), round(float(near.max()), 2)
        (0.1, 0.21)
        """
        if self.foreseen is None:
            raise ValueError(
                "This plan does not know what it was made from; expected one from plan() of a law or an allocator, or plan_."
            )
        return self.foreseen.split_curve(self.n_labeled, self.n_unlabeled, n_points)

    def plot(self, ax: Any = None, *, within: float = 0.05) -> PlanDisplay:
        """Standard error against split ratio, beside labels only and cross-fitting (extra `plot`).

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.
        within : float, default=0.05
            Split ratios whose standard error is at most so much above the best split's are shaded.

        Returns
        -------
        PlanDisplay
            Drawn; `PlanDisplay.from_plan` has more settings.
        """
        from sklearn_ftr.displays import PlanDisplay

        return PlanDisplay.from_plan(self).plot(ax, within=within)

    def to_frame(self) -> Any:
        """The options as a pandas DataFrame (extra `frames`)."""
        pd = import_pandas("Plan.to_frame()")
        return pd.DataFrame([asdict(option) for option in self.options])

    def __repr__(self) -> str:
        return told(self, f"{self._labels}, {len(self.options)} options")

    @property
    def _labels(self) -> str:
        pool = f"{self.n_unlabeled:,.0f}" if np.isfinite(self.n_unlabeled) else "any number of"
        clusters = "" if self.n_clusters is None else f" (in {self.n_clusters:,} clusters)"
        return f"{self.n_labeled:,} labeled{clusters} and {pool} unlabeled rows"

    def _table(self) -> PrintedTable:
        rows = [_cells(option) for option in self.options]
        return PrintedTable(f"Plan for {self._labels}", _HEADER, rows, self.notes)


def _cells(option: Option) -> tuple[str, ...]:
    return (
        strategy_of(option).label,
        f"{option.n_finetune:,}",
        f"{option.standard_error:.4g}",
        f"[{option.low:.4g}, {option.high:.4g}]",
        f"{option.efficiency:.2f}",
        f"{option.n_trainings}",
        f"{option.cost:.4g}",
    )
