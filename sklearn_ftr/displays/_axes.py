"""Where displays draw: matplotlib imported or asked for, axes taken or made, what a user wants of artists put over what is drawn by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

# Of a legend above a figure of the usual width: letters in a line, and what marks and gaps of a column take of them.
_LETTERS, _OF_COLUMN = 78, 9


def import_pyplot(what: str) -> Any:
    """matplotlib.pyplot, for `what` needs it; or an error that says which extra brings it."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            f"{what} needs matplotlib, which is not installed; pip install 'sklearn-ftr[plot]' brings it."
        ) from error
    return pyplot


def axes_of(ax: Any, what: str, figsize: tuple[float, float] = (6.4, 4.8)) -> Any:
    """The axes that a user has, or those of a new figure of so many inches; an error where `ax` is something else."""
    pyplot = import_pyplot(what)
    if ax is None:
        return pyplot.subplots(figsize=figsize, layout="constrained")[1]
    if not hasattr(ax, "get_xlim"):
        raise TypeError(
            f"ax is a {type(ax).__name__}; expected the axes of a matplotlib figure, such as ax of "
            "fig, ax = plt.subplots(), or None."
        )
    return ax


def artist_settings(
    defaults: Mapping[str, Any], given: Mapping[str, Any] | None, artist: str = "Line2D"
) -> dict[str, Any]:
    """Settings of an artist: what a user gives, under any of matplotlib's names ("c", "lw"), before the defaults.

    Parameters
    ----------
    defaults : mapping
        Under their long names ("color", "linewidth").
    given : mapping or None
        Of the parameter `<artist>_kwargs` of a display's `plot`.
    artist : {"Line2D", "Patch", "Collection"}, default="Line2D"
        Whose short names are understood.
    """
    from matplotlib import cbook, collections, lines, patches

    kinds = {
        "Line2D": lines.Line2D,
        "Patch": patches.Patch,
        "Collection": collections.Collection,
    }
    wanted = cbook.normalize_kwargs(dict(given or {}), kinds[artist])
    return {**_recolored(defaults, wanted), **wanted}


def _recolored(defaults: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults of which those that have the default color have the one that is wanted; a face that is wanted is not painted over."""
    old = defaults.get("color")
    new = wanted.get("color", old)
    if "color" not in wanted and "facecolor" in wanted:
        return {name: value for name, value in defaults.items() if name != "color"}
    return {
        name: new if name.endswith("color") and value == old else value
        for name, value in defaults.items()
    }


def legend_above(ax: Any, n_columns: int = 3, side: str = "left") -> Any:
    """A legend of all artists that have a label, above the axes, where it covers nothing, from their left or right edge on; None without any."""
    handles, labels = ax.get_legend_handles_labels()
    if not handles:
        return None
    return ax.legend(
        handles,
        labels,
        loc=f"lower {side}",
        bbox_to_anchor=(0.0 if side == "left" else 1.0, 1.0),
        ncols=_columns_that_fit(labels, n_columns),
        frameon=False,
        borderaxespad=0.3,
    )


def _columns_that_fit(labels: list[str], most: int) -> int:
    """As many columns as are wanted, or fewer where labels are long; the first ones are the longest, as matplotlib has them."""
    for count in range(min(most, len(labels)), 1, -1):
        columns = np.array_split([len(label) for label in labels], count)
        if sum(lengths.max() + _OF_COLUMN for lengths in columns) <= _LETTERS:
            return count
    return 1
