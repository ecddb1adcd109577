"""Looking many times: intervals and p-values that hold at all looks together, however many there are and whenever one stops.

Standard errors away from the truth, estimates from growing numbers of labels are a Brownian motion B(t) / sqrt(t) in the limit
(Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, "Time-uniform central limit theory and asymptotic confidence sequences", Annals of Statistics 52,
arXiv 2103.06476). From the first look at time t_0 on (Robbins 1970, "Statistical methods related to the law of the iterated logarithm", Annals of
Mathematical Statistics 41)

    P(B(t)^2 / t > a + log(t / t_0) for some t >= t_0) = P(chi^2_3 > a).

So a look at t is the ordinary interval at a higher level, whatever its kind: the one that is left by chi^2_1 > a + log(t / t_0).
"""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ftr._arguments import check_choice, check_confidence_level, check_count
from sklearn_ftr.rectification._estimate_by_method import EstimateByMethod
from sklearn_ftr.rectification._inference import Alternative, ConfidenceInterval, like
from sklearn_ftr.rectification._scipy import chdtrc, chdtri

# Labels from which on looks are counted: with fewer the limit is far where labels are skewed (docs/statistics.md).
FIRST_LOOK = 50


class EstimateInRounds(EstimateByMethod):
    """An estimate that is made anew, and looked at, whenever further labels have arrived."""

    n_labeled: int

    def confidence_sequence(
        self,
        confidence_level: float | None = None,
        alternative: Alternative = "two-sided",
        *,
        n_first: int = FIRST_LOOK,
        method: str | None = None,
    ) -> ConfidenceInterval:
        """Interval of this look, such that with the given confidence those of all looks hold the truth together.

        For labels that arrive in rounds: look after each of them and stop when you like. About 1.5 times as wide as
        `confidence_interval` at the first look, 1.6 times with ten times as many labels.

        Parameters
        ----------
        confidence_level : float, default=None
            Between 0 and 1; None means the result's own `confidence_level`.
        alternative : {"two-sided", "less", "greater"}, default="two-sided"
            As in scipy: "less" has no lower end, "greater" has no upper end.
        n_first : int, default=50
            Looks with at least so many labels count, and no others may be looked at; the same number at all looks. The interval is narrowest if it
            is the number of labels at the first look. With fewer than 50 skewed labels the sequence misses more often than it says.
        method : {"auto", "t", "skewed", "share", "bootstrap-t"}, default=None
            Of the ordinary interval, as in `confidence_interval`.

        Returns
        -------
        ConfidenceInterval
            `(low, high)`. The highest low end of all looks so far and the lowest high end are a valid interval as well.

        Raises
        ------
        ValueError
            More than `n_labeled` for `n_first`, or not a whole number; a level that is not between 0 and 1; another `alternative`.

        Notes
        -----
        The ordinary interval, of whatever kind it is, at the level P(chi^2_1 < a + log(n_labeled / n_first)), with P(chi^2_3 > a) one minus the
        confidence level [1]_ [2]_. It is valid in the limit of many labels, as the ordinary one is; measured in docs/statistics.md. With one-sided
        alternatives the chance to miss is that of a two-sided sequence at twice one minus the level, halved.

        References
        ----------
        .. [1] Robbins (1970), Statistical methods related to the law of the iterated logarithm, Annals of Mathematical Statistics 41.
        .. [2] Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Time-uniform central limit theory and asymptotic confidence
           sequences, Annals of Statistics 52, arXiv 2103.06476.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_ftr import rectify_mean
        >>> rng = np.random.default_rng(0)
        >>> human = rng.normal(3.0, 1.0, size=2_400)
        >>> judge = human + rng.normal(0.4, 0.5, size=2_400)
        >>> for n in (100, 200, 400):  # looks at 100 labels first, then at 200 and at 400
        ...     result = rectify_mean(human[:n], judge[:n], judge[400:])
        ...     low, high = result.confidence_sequence(n_first=100)
        ...     print(f"{low:.2f} to {high:.2f}")
        2.92 to 3.19
        2.92 to 3.13
        2.92 to 3.09
        """
        level = self.confidence_level if confidence_level is None else confidence_level
        growth = growth_since(n_first, self.n_labeled)
        of_look = level_of_look(level, growth, alternative)
        return self.confidence_interval(of_look, alternative, method=method)

    def always_valid_p_value(
        self,
        null: ArrayLike,
        alternative: Alternative = "two-sided",
        *,
        n_first: int = FIRST_LOOK,
        method: str | None = None,
    ) -> Any:
        """P-value of this look, such that one at or below alpha at any of all looks has at most the probability alpha if `null` is true.

        Parameters
        ----------
        null : float or array-like of shape (k,)
            Value under the null hypothesis.
        alternative : {"two-sided", "less", "greater"}, default="two-sided"
            "greater" means that the estimated number is greater than `null`.
        n_first : int, default=50
            As in `confidence_sequence`, of which this is the inversion.
        method : str, default=None
            Of the ordinary p-value, as in `confidence_interval`.

        Returns
        -------
        float or ndarray of shape (k,)
            The smallest of all looks so far is valid as well.

        Raises
        ------
        ValueError
            As for `confidence_sequence` and `p_value`.

        References
        ----------
        .. [1] Johari, Koomen, Pekelis and Walsh (2022), Always valid inference: continuous monitoring of A/B tests, Operations Research 70.
        """
        growth = growth_since(n_first, self.n_labeled)
        return always_valid(self.p_value(null, alternative, method=method), growth, alternative)


def growth_since(n_first: int, n_labeled: int) -> float:
    """How many times the labels of the first look there are now."""
    first = check_count(n_first, "n_first", 1)
    if first > n_labeled:
        raise ValueError(
            f"n_first is {first}, but there are {n_labeled} labels; expected the number of labels at the first look, "
            f"{n_labeled} at most and the same at all looks."
        )
    return n_labeled / first


def level_of_look(confidence_level: float, growth: float, alternative: Alternative) -> float:
    """Level of the ordinary interval at a look with `growth` times the labels of the first one."""
    sides = _share_of_sides(alternative)
    missed = min((1 - check_confidence_level(confidence_level)) * sides, 1.0)
    return float(1 - chdtrc(1, chdtri(3, missed) + np.log(growth)) / sides)


def always_valid(p: ArrayLike, growth: float, alternative: Alternative) -> Any:
    """The chance that a sequence ever sees what has the ordinary p-value `p` at this look."""
    sides = _share_of_sides(alternative)
    beyond = chdtri(1, np.minimum(np.asarray(p) * sides, 1.0)) - np.log(growth)
    return like(np.where(beyond > 0, chdtrc(3, np.maximum(beyond, 0.0)) / sides, 1.0), p)


def _share_of_sides(alternative: Alternative) -> int:
    """What one-sided chances are multiplied with to be those of both sides."""
    return 1 if check_choice(alternative, "alternative", get_args(Alternative)) == "two-sided" else 2
