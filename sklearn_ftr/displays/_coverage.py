"""Coverage in simulations: how often intervals have held the truth, with what chance makes of so many draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._arguments import check_confidence_level
from sklearn_ftr._tables import as_floats
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.displays._axes import artist_settings, axes_of, legend_above
from sklearn_ftr.displays._scales import NORMAL_95, finite, number, scale_axis
from sklearn_ftr.displays._styles import REFERENCE, style_of_series

Array = NDArray[np.float64]
_WIDTH = 0.5  # of all methods of one n, which are 1 apart
_MOST_LABELS = 9


class CoverageDisplay(Versioned):
    """Coverage against the number of labels, methods side by side, with 95 % Monte Carlo intervals and the nominal level.

    Made by `from_counts` or by `from_covered`. Numbers of labels are evenly spaced, whatever they are.

    Parameters
    ----------
    n : sequence of length j
        Numbers of labels, or whatever else tells settings apart.
    coverage : dict of str to ndarray of shape (j,)
        Share of draws whose interval holds the truth, by method; NaN is not drawn.
    low, high : dict of str to ndarray of shape (j,)
        95 % intervals of it, by the binomial distribution.
    nominal : float, default=0.95
        What intervals promise.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Of the last `plot`.
    coverage_ : dict of str to ErrorbarContainer
    nominal_ : Line2D
    legend_ : Legend

    See Also
    --------
    ForestDisplay : Intervals themselves.

    Notes
    -----
    Monte Carlo intervals are Wilson's [1]_.

    References
    ----------
    .. [1] Wilson (1927), Probable inference, the law of succession, and statistical inference, Journal of the American Statistical Association 22.

    Examples
    --------
    >>> from sklearn_ftr import CoverageDisplay
    >>> display = CoverageDisplay.from_counts(
    ...     {"t": [461, 472, 478], "bootstrap-t": [470, 474, 477]}, n=[20, 50, 100], n_draws=500
    ... )
    >>> display.coverage["t"]
    array([0.922, 0.944, 0.956])
    >>> display.low["t"].round(3)
    array([0.895, 0.92 , 0.934])
    >>> display.plot().ax_.get_xlabel()
    'labels'
    """

    def __init__(
        self,
        *,
        n: Sequence[Any],
        coverage: Mapping[str, Array],
        low: Mapping[str, Array],
        high: Mapping[str, Array],
        nominal: float = 0.95,
    ) -> None:
        self.n = n
        self.coverage = coverage
        self.low = low
        self.high = high
        self.nominal = nominal

    @classmethod
    def from_counts(
        cls,
        counts: Mapping[str, ArrayLike],
        *,
        n: Sequence[Any],
        n_draws: ArrayLike,
        nominal: float = 0.95,
    ) -> Self:
        """How many draws of each setting had the truth in their interval.

        Parameters
        ----------
        counts : mapping of str to array-like of shape (j,)
            By method; NaN where a method was not tried.
        n : sequence of length j
            Numbers of labels, or whatever else tells settings apart.
        n_draws : int or array-like of shape (j,)
            Draws of each setting.
        nominal : float, default=0.95
            Confidence level of the intervals.

        Returns
        -------
        CoverageDisplay
            To be drawn by `plot`.

        Raises
        ------
        ValueError
            No method; counts that are negative, more than there are draws, or not as many as `n`.
        """
        check_confidence_level(nominal)
        draws = np.broadcast_to(as_floats(n_draws, "n_draws"), (len(n),)).astype(float)
        if not len(counts) or not len(n) or not (draws > 0).all():
            raise ValueError(
                f"counts has {len(counts)} methods, n {len(n)} entries and n_draws is {n_draws!r}; expected at least one of each."
            )
        known = {str(name): _checked(one, draws, str(name)) for name, one in counts.items()}
        ends = {name: _wilson(one, draws) for name, one in known.items()}
        return cls(
            n=list(n),
            coverage={name: one / draws for name, one in known.items()},
            low={name: low for name, (low, _) in ends.items()},
            high={name: high for name, (_, high) in ends.items()},
            nominal=nominal,
        )

    @classmethod
    def from_covered(
        cls, covered: Mapping[str, ArrayLike], *, n: Sequence[Any], nominal: float = 0.95
    ) -> Self:
        """Whether the interval of each draw held the truth.

        Parameters
        ----------
        covered : mapping of str to array-like of bool, shape (j, n_draws)
            By method, a row for each setting.
        n : sequence of length j
        nominal : float, default=0.95

        Returns
        -------
        CoverageDisplay
            To be drawn by `plot`.

        Raises
        ------
        ValueError
            No method; arrays of other shapes.
        """
        tables = {str(name): _truth_values(one, str(name)) for name, one in covered.items()}
        shapes = {one.shape for one in tables.values()}
        if len(shapes) != 1 or len(shape := shapes.pop()) != 2:
            raise ValueError(
                f"covered has arrays of the shapes {sorted(one.shape for one in tables.values())}; "
                "expected one shape (settings, draws)."
            )
        counts = {name: one.sum(axis=1) for name, one in tables.items()}
        return cls.from_counts(counts, n=n, n_draws=shape[1], nominal=nominal)

    def plot(
        self,
        ax: Any = None,
        *,
        coverage_kwargs: Mapping[str, Any] | None = None,
        nominal_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.
        coverage_kwargs : dict, default=None
            For `Axes.errorbar` of all methods.
        nominal_kwargs : dict, default=None
            For `Axes.axhline`.

        Returns
        -------
        CoverageDisplay
            Itself.

        Raises
        ------
        ImportError
            Without matplotlib (extra `plot`).
        """
        ax = axes_of(ax, "CoverageDisplay.plot()")
        settings = artist_settings({**REFERENCE.line, "linewidth": 1.0, "zorder": 1}, nominal_kwargs)
        self.nominal_ = ax.axhline(100 * self.nominal, **settings)
        places = _places(len(self.n), len(self.coverage))
        self.coverage_ = {
            name: self._draw(ax, name, place, style_of_series(i).points_with_errors, coverage_kwargs)
            for i, (name, place) in enumerate(zip(self.coverage, places, strict=True))
        }
        self._scale(ax)
        self.legend_ = legend_above(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw(
        self,
        ax: Any,
        name: str,
        place: Array,
        style: dict[str, Any],
        given: Mapping[str, Any] | None,
    ) -> Any:
        settings = artist_settings({**style, "label": name}, given)
        rows = 100 * np.array([self.coverage[name], self.low[name], self.high[name]], dtype=float)
        center, low, high = rows[:, np.isfinite(rows[0])]
        ends = np.maximum([center - low, high - center], 0.0)
        return ax.errorbar(place[np.isfinite(rows[0])], center, yerr=ends, **settings)

    def _scale(self, ax: Any) -> None:
        seen = 100 * finite(self.nominal, *self.low.values(), *self.high.values())
        scale_axis(ax, "y", seen.min(), seen.max(), logarithmic=False)
        shown = range(0, len(self.n), -(-len(self.n) // _MOST_LABELS))
        ax.set_xticks(shown, [_name(self.n[i]) for i in shown])
        ax.set_xlim(-0.6, len(self.n) - 0.4)
        ax.set(xlabel="labels", ylabel="coverage in %")


def _truth_values(covered: ArrayLike, name: str) -> NDArray[np.bool_]:
    values = np.asarray(covered)
    if not ((values == 0) | (values == 1)).all():
        raise ValueError(
            f"covered[{name!r}] has values other than True and False; expected whether each draw's interval held the truth. "
            "Leave out draws without an interval."
        )
    return values.astype(bool)


def _checked(counts: ArrayLike, draws: Array, name: str) -> Array:
    found = as_floats(counts, f"counts[{name!r}]").astype(float)
    wrong = (found < 0) | (found > draws) if found.shape == draws.shape else np.array(True)
    if wrong.any():
        raise ValueError(
            f"counts[{name!r}] has shape {found.shape}; expected {len(draws)} numbers from 0 to n_draws, one for each of n."
        )
    return found


def _wilson(counts: Array, draws: Array) -> tuple[Array, Array]:
    """95 % interval of shares (j,) by Wilson (1927)."""
    square = NORMAL_95**2
    share = counts / draws
    middle = (share + square / (2 * draws)) / (1 + square / draws)
    spread = np.sqrt(square * (share * (1 - share) / draws + square / (4 * draws**2)))
    half = spread / (1 + square / draws)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def _places(j: int, n_methods: int) -> Array:
    """Horizontal positions (n_methods, j), around 0, 1, ..."""
    step = _WIDTH / max(n_methods - 1, 1) if n_methods > 1 else 0.0
    offsets = min(step, 0.2) * (np.arange(n_methods) - (n_methods - 1) / 2)
    return np.arange(j) + offsets[:, None]


def _name(setting: Any) -> str:
    return setting if isinstance(setting, str) else number(float(setting))
