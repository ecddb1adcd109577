"""How things look, the same in every display: colours that the colour-blind tell apart, and marks and lines that differ in grey, too.

The colours are those of Okabe and Ito (2008), "Color universal design".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Style:
    """One colour, mark and kind of line.

    Parameters
    ----------
    color : str
    marker : str
    linestyle : str or tuple
    filled : bool, default=True
        Whether marks are filled.
    """

    color: str
    marker: str
    linestyle: Any
    filled: bool = True

    @property
    def points(self) -> dict[str, Any]:
        """Settings of marks without lines."""
        face = self.color if self.filled else "white"
        return {
            "color": self.color,
            "marker": self.marker,
            "markerfacecolor": face,
            "markersize": 6.0,
            "linestyle": "none",
            "zorder": 3,
        }

    @property
    def star(self) -> dict[str, Any]:
        """Settings of the one mark that stands out."""
        return {**self.points, "markersize": 14.0, "zorder": 4}

    @property
    def line(self) -> dict[str, Any]:
        """Settings of a line without marks."""
        return {"color": self.color, "linestyle": self.linestyle, "linewidth": 1.6}

    @property
    def points_with_errors(self) -> dict[str, Any]:
        """Settings of `errorbar`: marks with intervals."""
        return {**self.points, "ecolor": self.color, "elinewidth": 1.6, "capsize": 3.0}

    @property
    def band(self) -> dict[str, Any]:
        """Settings of `fill_between`: what lies behind a line."""
        return {"color": self.color, "alpha": 0.18, "linewidth": 0.0}


# The three answers of a result, in all displays.
RECTIFIED = Style("#0072B2", "D", "solid")
LABELS_ONLY = Style("#000000", "o", "dashed", filled=False)
PREDICTIONS_ONLY = Style("#E69F00", "s", "dotted")
# What is measured, the curve through it, what is chosen, what would be perfect.
MEASURED = Style("#000000", "o", "none")
CURVE = Style("#0072B2", "D", "solid")
CHOSEN = Style("#D55E00", "*", "dashdot")
REFERENCE = Style("#666666", "", "dashed")
# Rows in the background: densities and scatter.
ROWS = Style("#999999", ".", "none")
# Several of one kind, side by side.
SERIES = (
    Style("#0072B2", "D", "solid"),
    Style("#E69F00", "s", "dashed"),
    Style("#009E73", "^", "dashdot"),
    Style("#CC79A7", "v", "dotted"),
    Style("#D55E00", "o", (0, (5, 1, 1, 1, 1, 1))),
    Style("#56B4E9", "P", (0, (8, 2))),
)


def style_of_series(number: int) -> Style:
    """The look of one of several, from 0; those after the last begin again."""
    return SERIES[number % len(SERIES)]
