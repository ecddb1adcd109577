"""Weighted sums of the numbers of a result, or of results of the same rows, with an answer of their own.

Covariances are quadratic in the weights; degrees of freedom are Satterthwaite's (1946), of the independent parts of each sum's own variance: labeled
rows, pool, labels that have trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr._arguments import check_count, random_generator
from sklearn_ftr._tables import import_pandas
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._contrast_weights import ContrastWeights, read_contrast
from sklearn_ftr.rectification._error_terms import ErrorTerms
from sklearn_ftr.rectification._estimate_by_method import EstimateByMethod
from sklearn_ftr.rectification._inference import Alternative, Estimate, like
from sklearn_ftr.rectification._intervals import Inference
from sklearn_ftr.rectification._printed import (
    html_table,
    index_of_result,
    json_of,
    numbers_of,
    rows_of_result,
    text_table,
)
from sklearn_ftr.rectification._share_sums import sums_of_shares
from sklearn_ftr.rectification._stacked import joint_error_terms, joint_influence, stacked
from sklearn_ftr.rectification._sums import degrees_of_sums, sums, sums_of_one_sample
from sklearn_ftr.rectification._wald import WaldTest, wald_test

if TYPE_CHECKING:
    from sklearn_ftr.rectification._result import RectifiedResult


@dataclass(frozen=True, eq=False)
class Combinable(EstimateByMethod):
    """An estimate of k numbers of which contrasts, joint tests and differences can be asked."""

    def contrast(self, C: Any, names: Any = None) -> ContrastResult:
        """Weighted sums of the estimated numbers, with standard errors, intervals and p-values of their own.

        Parameters
        ----------
        C : mapping, data frame or array-like of shape (k,) or (q, k)
            Weights of the k numbers, by name, `{"treated": 1, "control": -1}`, or in their order. Names that are missing weigh 0; numbers
            without names are called "0", "1" and so on. Several contrasts are the rows of an array or of a frame whose columns are names, or a mapping of mappings.
        names : sequence of str, default=None
            Of the contrasts. None takes the keys of a mapping of mappings or the index of a frame, or writes the sum out.

        Returns
        -------
        ContrastResult
            One number for weights of shape (k,) or a single mapping, else q of them.

        Raises
        ------
        ValueError
            Names that are not known, weights of another shape, not finite or all 0; quantiles, whose joint covariance is not estimated.

        Examples
        --------
        Three systems, of which each is compared with the first:

        >>> import numpy as np
        >>> from sklearn_ftr import rectify_mean
        >>> rng = np.random.default_rng(0)
        >>> human = rng.normal(3.0, 1.0, size=(2_100, 1)) + rng.normal([0.0, 0.0, 0.3], 0.4, size=(2_100, 3))
        >>> judge = human + rng.normal(0.4, 0.3, size=(2_100, 3))
        >>> result = rectify_mean(human[:100], judge[:100], judge[100:])
        >>> better = result.contrast([[-1, 1, 0], [-1, 0, 1]], names=["second", "third"])
        >>> better.estimate.round(2), better.p_value(adjust="max-t").round(2)
        (array([0.06, 0.33]), array([0.27, 0.  ]))
        """
        told = read_contrast(C, names, self._called)
        rows = told.rows @ self._weights
        return ContrastResult._of(self._sources, ContrastWeights(rows, told.names, told.is_single))

    def select(self, *names: Any) -> ContrastResult:
        """Some of the numbers, by name or position: one number, or several.

        Parameters
        ----------
        *names : str or int

        Returns
        -------
        ContrastResult
            The difference of two selections from one result knows how they are correlated.
        """
        if len(names) == 1:
            return self.contrast({names[0]: 1.0}, [str(names[0])])
        return self.contrast({name: {name: 1.0} for name in names})

    def wald_test(self, C: Any = None, null: ArrayLike = 0.0) -> WaldTest:
        """F test that all numbers, or contrasts, equal `null` at once.

        Parameters
        ----------
        C : as in `contrast`, default=None
            None tests the numbers themselves.
        null : float or array-like of shape (q,), default=0.0

        Returns
        -------
        WaldTest
            Statistic, p-value and both degrees of freedom.

        Raises
        ------
        ValueError
            Too few degrees of freedom for so many numbers; `null` or C of another shape; quantiles.

        Notes
        -----
        Hotelling (1931), "The generalization of Student's ratio": (d - q + 1) / (d q) times the squared distance in units of the covariance is F with q and d - q + 1 degrees
        of freedom. q is the rank of the covariance and d the smallest of the degrees of freedom. Of one number it is the t test. A null that
        contradicts a combination without variance has p = 0.
        """
        tested = self.contrast(np.eye(len(self._called)) if C is None else C)
        return wald_test(tested, tested.weights, null)

    def __sub__(self, other: object) -> ContrastResult:
        """Difference of two results of the same rows, number by number, or of many and one.

        Numbers of one result (`select`, `contrast`) have their joint covariance. Two calls of functions with the same rows in the same order are
        paired by row. Anything else is an error that says what to do.
        """
        if not isinstance(other, Combinable):
            return NotImplemented
        sizes = np.size(self.estimate), np.size(other.estimate)
        if sizes[0] != sizes[1] and min(sizes) > 1:
            raise ValueError(
                f"A difference of {sizes[0]} and {sizes[1]} numbers; expected as many, or one. Pick some by select(...)."
            )
        added = [one for one in other._sources if not any(one is known for known in self._sources)]
        sources = (*self._sources, *added)
        rows = self._weights_in(sources) - other._weights_in(sources)
        titles = np.broadcast_arrays(self._titles, other._titles)
        names = tuple(f"{a} - {b}" for a, b in zip(*titles, strict=True))
        is_single = np.ndim(self.estimate) == 0 and np.ndim(other.estimate) == 0
        return ContrastResult._of(sources, ContrastWeights(rows, names, is_single))

    @property
    def _sources(self) -> tuple[RectifiedResult, ...]:
        """The results whose numbers these are sums of."""
        raise NotImplementedError

    @property
    def _weights(self) -> Array:
        """Of all numbers of the sources in these ones."""
        return np.eye(np.size(self.estimate))

    @property
    def _called(self) -> tuple[str, ...]:
        """What each number is called in contrasts."""
        names: tuple[str, ...] = getattr(self, "names", ())
        return names or tuple(map(str, range(np.size(self.estimate))))

    @property
    def _titles(self) -> list[str]:
        return list(map(str, index_of_result(self)))

    def _weights_in(self, sources: tuple[RectifiedResult, ...]) -> Array:
        """Weights of the numbers of more sources, or of the same in another order."""
        ends = np.cumsum([np.size(one.estimate) for one in self._sources])
        own = np.split(self._weights, ends[:-1], axis=1)
        blocks = []
        for source in sources:
            found = [block for one, block in zip(self._sources, own, strict=True) if one is source]
            zeros = np.zeros((len(self._weights), np.size(source.estimate)))
            blocks.append(found[0] if found else zeros)
        return np.hstack(blocks)


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ContrastResult(Combinable):
    """Weighted sums of the numbers of a result, beside what labels alone and predictions alone say of them.

    Attributes
    ----------
    estimate : float or ndarray of shape (q,)
    covariance : ndarray of shape (q, q)
    degrees_of_freedom : float or ndarray of shape (q,)
        Satterthwaite's, of each sum's own variance.
    standard_error : float or ndarray of shape (q,)
    weights : ndarray of shape (q, k)
        Of the k numbers of all `sources`.
    names : tuple of str
        Of the q sums.
    sources : tuple of RectifiedResult
        The result; of a difference of two results both.
    labels_only : Estimate
        The same sums of the answer of labels alone.
    predictions_only : Estimate or None
        And of predictions alone. None without a pool, and for the difference of two results.
    confidence_level : float
        Default level of `confidence_interval`.
    estimand : str
        What the sums are of.
    interval : str
        The method of intervals and p-values, that of the result; "auto" if it is the one for shares and some of the sources are none.
    shares, labels_shares : Inference or None
        Of sums of shares, as in `RectifiedResult`.
    """

    weights: Array
    names: tuple[str, ...]
    sources: tuple[RectifiedResult, ...]
    labels_only: Estimate
    predictions_only: Estimate | None
    confidence_level: float
    estimand: str
    interval: str
    shares: Inference | None
    labels_shares: Inference | None

    @classmethod
    def _of(cls, sources: tuple[RectifiedResult, ...], of: ContrastWeights) -> Self:
        numbers = stacked(sources)
        template = 0.0 if of.is_single else of.rows[:, 0]
        degrees = degrees_of_sums(of.rows, numbers.terms)
        predictions, first = numbers.predictions_only, sources[0]
        shares, alone = (
            sums_of_shares(known, of.rows, answer.covariance, numbers.n_pieces, template)
            for known, answer in (
                ([one.shares for one in sources], numbers.answer),
                ([one.labels_shares for one in sources], numbers.labels_only),
            )
        )
        is_lost = first.interval == "share" and shares is None
        return cls(
            **vars(sums(numbers.answer, of.rows, degrees, template)),
            weights=of.rows,
            names=of.names,
            sources=sources,
            labels_only=sums_of_one_sample(numbers.labels_only, of.rows, template),
            predictions_only=None
            if predictions is None
            else sums_of_one_sample(predictions, of.rows, template),
            confidence_level=first.confidence_level,
            estimand=f"contrast of {first.estimand}",
            interval="auto" if is_lost else first.interval,
            shares=shares,
            labels_shares=alone,
        )

    def p_value(
        self,
        null: ArrayLike = 0.0,
        alternative: Alternative = "two-sided",
        *,
        adjust: str | None = None,
        method: str | None = None,
    ) -> Any:
        """P-value of the test that the sum equals `null`; see `RectifiedResult.p_value`."""
        return super().p_value(null, alternative, adjust=adjust, method=method)

    @property
    def _error_terms(self) -> ErrorTerms | None:
        terms = joint_error_terms(self.sources)
        return None if terms is None else terms.sums(self.weights)

    def bootstrap(self, n_draws: int = 2000, random_state: Any = None) -> Array:
        """Draws (n_draws,) or (n_draws, q) of the sampling distribution; see `RectifiedResult.bootstrap`."""
        n_draws, rng = check_count(n_draws, "n_draws", 1), random_generator(random_state)
        if len(self.sources) == 1:
            draws = self.sources[0]._draws(n_draws, rng).reshape(n_draws, -1) @ self.weights.T
        else:
            errors = joint_influence(self.sources).draws(n_draws, rng) @ self.weights.T
            draws = np.atleast_1d(self.estimate) + errors
        return draws[:, 0] if np.ndim(self.estimate) == 0 else draws

    def to_dict(self) -> dict[str, Any]:
        """All numbers under flat names; Python's floats for one sum, arrays (q,) for several."""
        low, high = self.confidence_interval()
        nothing = like(np.full(np.shape(self.estimate), np.nan), self.estimate)
        predictions = self.predictions_only
        return {
            **self._numbers(low, high, self.p_value()),
            "confidence_level": self.confidence_level,
            "degrees_of_freedom": self.degrees_of_freedom,
            "n_labeled": self.sources[0].n_labeled,
            "n_unlabeled": self.sources[0].n_unlabeled,
            "predictions_only": predictions.estimate if predictions else nothing,
            "predictions_only_standard_error": predictions.standard_error if predictions else nothing,
        }

    def to_json(self, indent: int | None = None) -> str:
        """`to_dict`, names, weights and covariance as JSON; see `RectifiedResult.to_json`."""
        told = {"estimand": self.estimand, "names": self.names, "weights": self.weights}
        told |= {**self.to_dict(), "interval_method": self.interval_method}
        return json_of({**told, "covariance": self.covariance}, indent)

    def to_frame(self) -> Any:
        """A short pandas DataFrame (extra `frames`) with a row for each sum: estimate, standard error, interval and efficiency."""
        return self.summary()[["estimate", "standard_error", "low", "high", "efficiency"]]

    def summary(
        self,
        confidence_level: float | None = None,
        null: ArrayLike = 0.0,
        *,
        simultaneous: bool = False,
        adjust: str | None = None,
    ) -> Any:
        """A pandas DataFrame with a row for each sum (extra `frames`); parameters as in `RectifiedResult.summary`."""
        pandas = import_pandas("summary()")
        low, high = self.confidence_interval(confidence_level, simultaneous=simultaneous)
        numbers = self._numbers(low, high, self.p_value(null, adjust=adjust))
        return pandas.DataFrame(numbers, index=list(self.names))

    def _numbers(self, low: Any, high: Any, p_value: Any) -> dict[str, Any]:
        return {
            "estimate": self.estimate,
            "standard_error": self.standard_error,
            "p_value": p_value,
            "low": low,
            "high": high,
            "efficiency": self.efficiency,
            "labels_only": self.labels_only.estimate,
            "labels_only_standard_error": self.labels_only.standard_error,
        }

    def __str__(self) -> str:
        return text_table(self._title(), rows_of_result(self), self._notes())

    def __repr__(self) -> str:
        low, high = map(numbers_of, self.confidence_interval())
        level = f"{100 * self.confidence_level:g} %"
        return f"<ContrastResult: {numbers_of(self.estimate)}, {level} interval [{low}, {high}]>"

    def _repr_html_(self) -> str:
        return html_table(self._title(), rows_of_result(self), self._notes())

    def _title(self) -> str:
        source = self.sources[0]
        which = f" {self.names[0]}" if len(self.names) == 1 else "s"
        return f"Contrast{which} of rectified {source.estimand}: {source.n_labeled:,} labeled rows, {source.n_unlabeled:,} unlabeled"

    def _notes(self) -> list[str]:
        numbers = (
            f"degrees of freedom {numbers_of(self.degrees_of_freedom)}, p-value {numbers_of(self.p_value())}, "
            f"efficiency {numbers_of(self.efficiency)}"
        )
        certain = not self.by_shares and bool(np.any(np.diag(self.covariance) == 0))
        zero_width = "Some sum shows no variance, so that its interval has zero width"
        return [numbers, f"Intervals: {self.interval_method}", *[zero_width] * certain]

    @property
    def _sources(self) -> tuple[RectifiedResult, ...]:
        return self.sources

    @property
    def _weights(self) -> Array:
        return self.weights
