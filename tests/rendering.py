"""Displays as arrays, and what is asserted of every picture: it looks as stored, nothing overlaps, nothing is cut off.

Stored pictures are small and grey, so that other versions of matplotlib pass; `python tests/data/displays/store_pictures.py` makes them anew.
"""

import os
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.text import Text
from PIL import Image

STORED = Path(__file__).parent / "data" / "displays"
STORE = "SKLEARN_FTR_STORE_PICTURES"
# A cell of a small picture differs if its grey does by more than that, from every neighbour's; so many of 1,000 may.
GREY, CELLS = 0.1, 3.0
WIDTH = 120  # cells


def rendered(figure):
    """Grey values (height, width) between 0 and 1 of a figure at 100 dots per inch."""
    figure.set_dpi(100)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].mean(axis=2) / 255


def small(picture):
    """Averaged over cells, 120 of them side by side."""
    height, width = picture.shape
    image = Image.fromarray(np.uint8(255 * picture))
    return np.asarray(image.resize((WIDTH, round(WIDTH * height / width)), Image.Resampling.BOX)) / 255


def share_that_differs(one, other):
    """Of 1,000 cells, how many have no cell like them where the other picture has them, or beside that."""
    if one.shape != other.shape:
        return 1000.0
    return 1000 * max(np.mean(_unlike(*pair)) for pair in ((one, other), (other, one)))


def _unlike(picture, other):
    """Cells that none of the nine neighbours in the other picture is like."""
    height, width = picture.shape
    padded = np.pad(other, 1, mode="edge")
    shifts = [padded[i : i + height, j : j + width] for i in range(3) for j in range(3)]
    return np.abs(np.array(shifts) - picture).min(axis=0) > GREY


def assert_looks_as_stored(figure, name):
    """Loosely; or store it, if that is what this run is for."""
    picture, path = small(rendered(figure)), STORED / f"{name}.png"
    if os.environ.get(STORE):
        Image.fromarray(np.uint8(np.round(255 * picture))).save(path, optimize=True)
    stored = np.asarray(Image.open(path).convert("L")) / 255
    differs = share_that_differs(picture, stored)
    assert differs <= CELLS, f"{differs:.1f} of 1,000 cells are unlike {path.name}"


@contextmanager
def _recorded(kind):
    """Artists of one kind that are drawn meanwhile."""
    drawn, draw = [], kind.draw

    def record(artist, *arguments, **settings):
        drawn.append(artist)
        return draw(artist, *arguments, **settings)

    with patch.object(kind, "draw", record):
        yield drawn


def drawn_texts(figure):
    """Each text that is seen, with its box in pixels."""
    rendered(figure)  # places everything
    with _recorded(Text) as texts:
        rendered(figure)
    seen = {id(text): text for text in texts if text.get_visible() and text.get_text().strip()}
    return [(text.get_text(), text.get_window_extent()) for text in seen.values()]


def assert_texts_are_apart(figure):
    """No two texts overlap, and none is cut off at the figure's edge."""
    texts, edge = drawn_texts(figure), figure.bbox
    assert texts
    for text, box in texts:
        beyond = [edge.x0 - box.x0, box.x1 - edge.x1, edge.y0 - box.y0, box.y1 - edge.y1]
        assert max(beyond) <= 1, f"{text!r} is cut off"
    for (one, of_one), (other, of_other) in combinations(texts, 2):
        width = min(of_one.x1, of_other.x1) - max(of_one.x0, of_other.x0)
        height = min(of_one.y1, of_other.y1) - max(of_one.y0, of_other.y0)
        assert min(width, height) <= 1, f"{one!r} overlaps {other!r}"


def assert_legends_cover_no_lines(figure):
    """Neither lines nor marks nor error bars."""
    rendered(figure)
    for ax in figure.axes:
        if ax.get_legend() is None:
            continue
        box = ax.get_legend().get_window_extent()
        of_bars = [one for one in ax.collections if isinstance(one, LineCollection)]
        for artist in [*ax.lines, *of_bars]:
            if artist.get_clip_on() and not box.overlaps(ax.bbox):
                continue  # what would be below the legend is not drawn
            paths = artist.get_paths() if artist in of_bars else [artist.get_path()]
            for path in paths:
                placed = path.transformed(artist.get_transform())
                assert not placed.intersects_bbox(box, filled=False), "the legend covers a line"
                assert not any(box.contains(*point) for point in placed.vertices), "and a mark"


def assert_good_picture(display, name=None):
    """All of it, of a display that has been plotted; without a name none is stored."""
    figure = display.figure_
    assert display.ax_.figure is figure
    assert_texts_are_apart(figure)
    assert_legends_cover_no_lines(figure)
    if name is not None:
        assert_looks_as_stored(figure, name)
