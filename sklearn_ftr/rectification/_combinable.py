"""Contrasts, joint tests and differences: what can be asked of k numbers whose joint covariance is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._contrast_weights import ContrastWeights, positions_of, read_contrast
from sklearn_ftr.rectification._estimate_by_method import EstimateByMethod
from sklearn_ftr.rectification._printed import index_of_result
from sklearn_ftr.rectification._wald import WaldTest, wald_test

if TYPE_CHECKING:
    from sklearn_ftr.rectification._contrast import ContrastResult
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
        return self._summed(replace(told, rows=told.rows @ self._weights), self._sources)

    def select(self, *names: Any) -> ContrastResult:
        """Some of the numbers, by name or position: one number, or several.

        Parameters
        ----------
        *names : str or int
            Each by itself, `select("a", "b")`. Whole numbers that are no names are positions, from the end if they are negative.

        Returns
        -------
        ContrastResult
            In the order of `names`. The difference of two selections from one result knows how they are correlated.

        Raises
        ------
        ValueError
            No names, or such as are not known or are those of several numbers; quantiles.
        """
        picked = positions_of(names, self._called)
        rows, called = self._weights[picked], tuple(self._called[at] for at in picked)
        return self._summed(ContrastWeights(rows, called, len(picked) == 1), self._sources)

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
        paired by row. Anything else is an error that says what to do, and so are methods of intervals or confidence levels that differ.
        """
        if not isinstance(other, Combinable):
            return NotImplemented
        ours, theirs = self._sources, other._sources
        sizes = np.size(self.estimate), np.size(other.estimate)
        if sizes[0] != sizes[1] and min(sizes) > 1:
            raise ValueError(
                f"A difference of {sizes[0]} and {sizes[1]} numbers; expected as many, or one. Pick some by select(...)."
            )
        _check_same_settings(self, other)
        added = [one for one in theirs if not any(one is known for known in ours)]
        sources = (*ours, *added)
        rows = self._weights_in(sources) - other._weights_in(sources)
        titles = np.broadcast_arrays(self._titles, other._titles)
        names = tuple(f"{a} - {b}" for a, b in zip(*titles, strict=True))
        is_single = np.ndim(self.estimate) == 0 and np.ndim(other.estimate) == 0
        return self._summed(ContrastWeights(rows, names, is_single), sources)

    def _summed(self, of: ContrastWeights, sources: tuple[RectifiedResult, ...]) -> ContrastResult:
        """Sums of the numbers of `sources`, with the interval and confidence level of this one."""
        raise NotImplementedError

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


def _check_same_settings(left: Combinable, right: Combinable) -> None:
    """Refuse a difference whose interval or confidence level would be one's and not the other's."""
    levels = left.confidence_level, right.confidence_level
    _check_same(_intervals(left), _intervals(right), "interval")
    _check_same(*levels, "confidence_level")


def _intervals(one: Combinable) -> str:
    """The method that a difference asks for: that of shares is what it has by itself where it is one of shares, and there is none elsewhere."""
    return "auto" if one.interval == "share" else one.interval


def _check_same(left: Any, right: Any, name: str) -> None:
    if left != right:
        raise ValueError(
            f"A difference of results with {name} {left!r} and {right!r}; expected the same of both. Say which: "
            f"result.with_{name}({left!r})."
        )
