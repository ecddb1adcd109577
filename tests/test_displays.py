"""What all displays have in common, and that the tests of pictures can fail."""

import pickle
import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib import pyplot as plt
from rendering import (
    CELLS,
    assert_legends_cover_no_lines,
    assert_texts_are_apart,
    rendered,
    share_that_differs,
    small,
)

import sklearn_ftr
from sklearn_ftr.displays import _axes, _styles


def two_lines(n_lines=2):
    figure, ax = plt.subplots(layout="constrained")
    for number in range(n_lines):
        style = _styles.style_of_series(number)
        ax.plot([0, 1], [number, 1 - number], **style.line, label=f"series {number}")
    ax.set(xlabel="across", ylabel="up")
    return figure, ax


def test_a_missing_line_is_seen():
    one, two = (small(rendered(two_lines(count)[0])) for count in (1, 2))
    assert share_that_differs(two, two) == 0
    assert share_that_differs(one, two) > 2 * CELLS


def test_other_dashes_are_seen():
    figure, ax = two_lines()
    dashed = small(rendered(figure))
    ax.lines[0].set_linestyle((0, (1, 5)))
    assert share_that_differs(small(rendered(figure)), dashed) > CELLS


def test_a_shift_by_a_few_pixels_is_not_seen():
    picture = rendered(two_lines()[0])
    assert share_that_differs(small(np.roll(picture, 2, axis=(0, 1))), small(picture)) <= CELLS


def test_texts_that_overlap_are_seen():
    figure, ax = two_lines()
    assert_texts_are_apart(figure)
    for place in (0.4, 0.42):
        ax.text(place, 0.5, "the same place")
    with pytest.raises(AssertionError, match="'the same place' overlaps"):
        assert_texts_are_apart(figure)


def test_texts_that_are_cut_off_are_seen():
    figure, ax = two_lines()
    ax.text(0.95, 0.5, "beyond the edge of the figure").set_in_layout(False)
    with pytest.raises(AssertionError, match="is cut off"):
        assert_texts_are_apart(figure)


def test_legends_over_lines_are_seen():
    figure, ax = two_lines()
    _axes.legend_above(ax)
    assert_legends_cover_no_lines(figure)
    ax.legend(loc="center")
    with pytest.raises(AssertionError, match="covers a line"):
        assert_legends_cover_no_lines(figure)


def test_a_picture_without_anything_to_name_has_no_legend():
    assert _axes.legend_above(plt.subplots()[1]) is None


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    for name in ("matplotlib", "matplotlib.pyplot"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"plot\(\) needs matplotlib.*sklearn-ftr\[plot\]"):
        _axes.axes_of(None, "plot()")


def test_something_else_than_axes_is_refused():
    with pytest.raises(TypeError, match="ax is a Figure; expected the axes"):
        _axes.axes_of(plt.figure(), "plot()")


def test_axes_are_taken_or_made():
    ax = plt.subplots()[1]
    assert _axes.axes_of(ax, "plot()") is ax
    assert _axes.axes_of(None, "plot()") is not ax


def test_what_a_user_wants_of_artists_goes_first_under_any_name():
    settings = _axes.artist_settings({"color": "black", "linewidth": 1}, {"c": "red"})
    assert settings == {"color": "red", "linewidth": 1}
    assert _axes.artist_settings({"color": "black"}, None, "Patch") == {"color": "black"}


def test_styles_differ_by_more_than_colour():
    looks = [(style.marker, str(style.linestyle)) for style in _styles.SERIES]
    assert len(set(looks)) == len(looks) == len({style.color for style in _styles.SERIES})
    answers = _styles.RECTIFIED, _styles.LABELS_ONLY, _styles.PREDICTIONS_ONLY
    assert len({style.marker for style in answers}) == len({style.color for style in answers}) == 3


def test_styles_differ_in_grey():
    """By the lightness that a printer shows: of the three answers of a result."""
    answers = _styles.RECTIFIED, _styles.LABELS_ONLY, _styles.PREDICTIONS_ONLY
    greys = sorted(_grey(style.color) for style in answers)
    assert min(np.diff(greys)) > 0.15


def _grey(color):
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


def test_displays_are_kept_before_and_after_they_are_drawn():
    display = sklearn_ftr.CalibrationDisplay.from_predictions(np.arange(20.0), np.arange(20.0) ** 2)
    for one in (display, display.plot()):
        again = pickle.loads(pickle.dumps(one))
        np.testing.assert_array_equal(again.label, display.label)
    assert again.plot().ax_ is not display.ax_
