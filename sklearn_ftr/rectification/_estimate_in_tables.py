"""How an answer is shown: tables of text, of HTML and of pandas, with a row for each number, and a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from sklearn_ftr._arguments import check_truth_value
from sklearn_ftr._printed_table import PrintedTable
from sklearn_ftr._shows_table import ForPapers
from sklearn_ftr._tables import import_pandas
from sklearn_ftr.rectification._estimate_by_method import EstimateByMethod
from sklearn_ftr.rectification._for_maketables import ForMaketables
from sklearn_ftr.rectification._inference import Estimate, efficiency_of, like
from sklearn_ftr.rectification._printed import (
    few_of,
    index_of_result,
    rows_for_papers,
    rows_of_result,
    verdict_of,
)
from sklearn_ftr.rectification._share_sums import efficiency_of_shares

if TYPE_CHECKING:
    from sklearn_ftr.displays import ForestDisplay


class EstimateInTables(ForMaketables, ForPapers, EstimateByMethod):
    """Base of results: a title, the numbers, and notes below them."""

    n_labeled: int
    n_unlabeled: int
    is_complete: bool
    predictions_only: Estimate | None

    @property
    def efficiency(self) -> Any:
        """Variance of labels only over this variance: how often each label counts.

        Of shares, unless `interval` names another method, it is the number of labels alone that would know as much, over those that there are: few labels show
        few errors of a judge, or none, and an efficiency may not promise what the interval does not.
        """
        if not self.by_shares:
            return efficiency_of(self, self.labels_only)
        return like(efficiency_of_shares(self.shares, self.labels_shares), self.estimate)

    @property
    def effective_sample_size(self) -> Any:
        """How many labels alone would know as much."""
        return self.n_labeled * self.efficiency

    @property
    def zero_width(self) -> bool:
        """Whether some output shows no variance at all, so that its interval has zero width; that of a share has not."""
        if self.is_complete or self.covariance.diagonal().all():
            return False
        return self._chosen(None).method != "share"

    def verdict(self) -> str:
        """One sentence on what the predictions were worth."""
        return verdict_of(self)

    def to_frame(self) -> Any:
        """The answer as a short pandas DataFrame (extra `frames`); `to_latex` and `to_markdown` are for papers.

        Returns
        -------
        DataFrame
            A row for each number, under its name or, if it is the only one, the estimand's; columns "estimate", "standard error",
            "low", "high", "efficiency". All else is in `to_dict` and `summary`.
        """
        pandas = import_pandas("to_frame()")
        low, high = self.confidence_interval()
        numbers = {
            "estimate": self.estimate,
            "standard error": self.standard_error,
            "low": low,
            "high": high,
            "efficiency": self.efficiency,
        }
        return pandas.DataFrame(numbers, index=index_of_result(self))

    def summary(
        self,
        confidence_level: float | None = None,
        null: ArrayLike = 0.0,
        *,
        simultaneous: bool = False,
        adjust: str | None = None,
    ) -> Any:
        """What a table of coefficients shows, as a pandas DataFrame with one row for each number (extra `frames`).

        Parameters
        ----------
        confidence_level : float, default=None
            Of the intervals; None means the result's own `confidence_level`.
        null : float or array-like of shape (k,), default=0.0
            Values that the two-sided p-values are about.
        simultaneous : bool, default=False
            Whether all k intervals hold at once; see `confidence_interval`.
        adjust : {"max-t", "holm", "bh", "by"}, default=None
            How p-values are adjusted for k tests; see `Estimate.p_value`.

        Returns
        -------
        DataFrame
            Columns "estimate", "standard_error", "p_value" (of the test against `null`), "low", "high", of results "lambda" ("lambda 1" and so on of several
            judges), "efficiency", "labels_only" and "labels_only_standard_error"; `names` are the index, or the estimand where there is one number.
        """
        pandas = import_pandas("summary()")
        low, high = self.confidence_interval(confidence_level, simultaneous=simultaneous)
        numbers = {
            "estimate": self.estimate,
            "standard_error": self.standard_error,
            "p_value": self.p_value(null, adjust=adjust),
            "low": low,
            "high": high,
            **self._lambda_of_judges(),
            "efficiency": self.efficiency,
            "labels_only": self.labels_only.estimate,
            "labels_only_standard_error": self.labels_only.standard_error,
            **self._of_design(),
        }
        return pandas.DataFrame(numbers, index=index_of_result(self))

    def plot(
        self,
        ax: Any = None,
        *,
        confidence_level: float | None = None,
        simultaneous: bool = False,
        reference: float | None = None,
    ) -> ForestDisplay:
        """Labels only, predictions only and rectified, side by side with their intervals (extra `plot`).

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.
        confidence_level : float, default=None
            Of the intervals; None means the result's own `confidence_level`.
        simultaneous : bool, default=False
            Whether all k intervals hold at once; see `confidence_interval`.
        reference : float, default=None
            Where a line is drawn: no effect, the truth, a threshold.

        Returns
        -------
        ForestDisplay
            Drawn; `ForestDisplay.from_result` has more settings, and takes several results.
        """
        from sklearn_ftr.displays import ForestDisplay

        display = ForestDisplay.from_result(
            self, confidence_level=confidence_level, simultaneous=simultaneous
        )
        return display.plot(ax, reference=reference)

    def _in_short(self) -> str:
        low, high = map(few_of, self.confidence_interval())
        level = f"{100 * self.confidence_level:g} %"
        return f"{few_of(self.estimate)}, {level} interval [{low}, {high}]"

    def _table(self) -> PrintedTable:
        header, *rows = rows_of_result(self)
        return PrintedTable(self._title(), header, rows, self._notes())

    def _paper_table(self, comparisons: bool) -> PrintedTable:
        if check_truth_value(comparisons, "comparisons"):
            return self._table()
        header, *rows = rows_for_papers(self)
        return PrintedTable(self._title(), header, rows, self._notes())

    def to_latex(
        self, caption: str | None = None, label: str | None = None, *, comparisons: bool = False
    ) -> str:
        r"""The answer as a table for a paper, with the rules of the package booktabs.

        Parameters
        ----------
        caption : str, default=None
            LaTeX, commands included. With it, or with a label, the `tabular` is in a `table`.
        label : str, default=None
            For ``\ref``.
        comparisons : bool, default=False
            Whether labels only and predictions only have their rows, as in the printed table. Else each number has one row, with its efficiency.

        Returns
        -------
        str
            Estimates with as many decimals as show two digits of their standard errors; special characters in names are escaped.
        """
        return self._paper_table(comparisons).latex(caption, label)

    def to_markdown(self, *, comparisons: bool = False) -> str:
        """The answer as a table in Markdown, as GitHub renders it; see `to_latex`."""
        return self._paper_table(comparisons).markdown()

    def _title(self) -> str:
        raise NotImplementedError

    def _notes(self) -> list[str]:
        raise NotImplementedError

    def _lambda_of_judges(self) -> dict[str, Any]:
        """Columns of lambda, if there is one."""
        return {}

    def _of_design(self) -> dict[str, Any]:
        """Columns about the sampling design, if there is one."""
        return {}
