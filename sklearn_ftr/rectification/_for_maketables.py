"""How maketables (`ETable([result, ...])`) reads a result: the names that its plug-in format asks for, without importing it."""

from __future__ import annotations

from typing import Any, ClassVar

from sklearn_ftr._tables import import_pandas
from sklearn_ftr.rectification._estimate_by_method import EstimateByMethod
from sklearn_ftr.rectification._inference import like, t_statistic
from sklearn_ftr.rectification._printed import index_of_result, shown_span


class ForMaketables(EstimateByMethod):
    """Base of results that maketables shows beside those of other packages."""

    n_labeled: int
    n_unlabeled: int
    efficiency: Any

    __maketables_default_stat_keys__: ClassVar[list[str]] = ["N", "n_unlabeled", "lambda", "efficiency"]
    __maketables_stat_labels__: ClassVar[dict[str, str]] = {
        "N": "Labels",
        "n_unlabeled": "Unlabeled rows",
        "n_finetune": "Labels that fine-tune",
        "n_rectify": "Labels that rectify",
        "lambda": "Lambda",
        "efficiency": "Efficiency",
        "se_type": "Intervals",
    }

    @property
    def __maketables_coef_table__(self) -> Any:
        """A row for each number: b, se, t, p and ends of intervals at 95 % and at 90 %.

        Tests are of 0, by the result's own method of intervals.
        """
        pandas = import_pandas("maketables")
        ends = {
            f"ci{level}{side}": end
            for level in (95, 90)
            for side, end in zip("lu", self.confidence_interval(level / 100), strict=True)
        }
        numbers = {
            "b": self.estimate,
            "se": self.standard_error,
            "t": like(t_statistic(self, 0.0), self.estimate),
            "p": self.p_value(0.0),
            **ends,
        }
        index = pandas.Index([str(name) for name in index_of_result(self)], name="Coefficient")
        return pandas.DataFrame(numbers, index=index)

    @property
    def __maketables_depvar__(self) -> str:
        """The estimand."""
        return self.estimand

    @property
    def __maketables_vcov_info__(self) -> dict[str, str]:
        """The method of intervals, in words."""
        return {"vcov_type": self.interval_method}

    def __maketables_stat__(self, key: str) -> Any:
        """A count, or how large lambda or the efficiency is, of several numbers from the smallest to the largest; None of what it does not know."""
        if key in ("lambda", "efficiency"):
            return shown_span(getattr(self, {"lambda": "lambda_"}.get(key, key), None))
        counts = {"N": "n_labeled", "n_unlabeled": None, "n_finetune": None, "n_rectify": None}
        return getattr(self, counts[key] or key, None) if key in counts else None
