"""Displays as arrays, and what is asserted of every picture: it looks as stored, nothing overlaps, nothing is cut off.

Stored pictures are small, grey and without texts, which other versions of matplotlib draw otherwise; `python tests/data/displays/store_pictures.py` makes them anew.
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
from PIL import Image, ImageFilter

STORED = Path(__file__).parent / "data" / "displays"
STORE = "SKLEARN_FTR_STORE_PICTURES"
# Cells of a small picture side by side; over so many of them pictures are blurred before they are compared, so that a line may be drawn two pixels beside its place.
WIDTH, BLUR = 120, 1.3
# Greys of cells that are blurred may differ by so much, but those of so many of 1,000 cells. Measured: 1.3 between matplotlib 3.8 and 3.11, 27 without a thin line.
GREY, CELLS = 0.03, 5.0


def rendered(figure):
    """Grey values (height, width) between 0 and 1 of a figure at 100 dots per inch."""
    figure.set_dpi(100)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].mean(axis=2) / 255


def without_texts(figure):
    """The same without texts, but with the room that they take."""
    with patch.object(Text, "draw", lambda text, renderer: None):
        return rendered(figure)


def small(picture):
    """Averaged over cells, in greys from 0 to 255."""
    height, width = picture.shape
    image = Image.fromarray(np.uint8(np.round(255 * picture)))
    return image.resize((WIDTH, round(WIDTH * height / width)), Image.Resampling.BILINEAR)


def share_that_differs(one, other):
    """Of 1,000 cells of two small pictures, how many differ once these are blurred."""
    if one.size != other.size:
        return 1000.0
    one, other = (
        np.asarray(image.filter(ImageFilter.GaussianBlur(BLUR))) / 255 for image in (one, other)
    )
    return float(1000 * np.mean(np.abs(one - other) > GREY))


def assert_looks_as_stored(figure, name):
    """Loosely; or store it, if that is what this run is for."""
    picture, path = small(without_texts(figure)), STORED / f"{name}.png"
    if os.environ.get(STORE):
        picture.save(path, optimize=True)
    differs = share_that_differs(picture, Image.open(path).convert("L"))
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
