"""How an answer is shown: tables of text, of HTML and of pandas, with a row for each number, and a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from sklearn_ftr._tables import import_pandas
from sklearn_ftr.rectification._estimate_by_method import EstimateByMethod
from sklearn_ftr.rectification._inference import Estimate, efficiency_of, like
from sklearn_ftr.rectification._printed import (
    html_table,
    index_of_result,
    rows_of_result,
    text_table,
    verdict_of,
)
from sklearn_ftr.rectification._share_sums import efficiency_of_shares

if TYPE_CHECKING:
    from sklearn_ftr.displays import ForestDisplay


class EstimateInTables(EstimateByMethod):
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
        """The answer as a short pandas DataFrame (extra `frames`), for a paper: `to_frame().to_latex(float_format="%.3g")`.

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

    def __str__(self) -> str:
        return text_table(self._title(), rows_of_result(self), self._notes())

    def _repr_html_(self) -> str:
        return html_table(self._title(), rows_of_result(self), self._notes())

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
