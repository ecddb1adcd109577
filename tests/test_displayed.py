"""What objects look like in consoles and notebooks."""

from dataclasses import fields, is_dataclass
from xml.etree import ElementTree

import numpy as np
import pytest
from zoo import NAMES, ODD, allocator, objects

import sklearn_ftr
from sklearn_ftr import (
    RectifiedLinearRegression,
    RectifiedMeanEstimator,
    RectifiedQuantile,
    ScalingLawRegressor,
)

LONGEST = 200


def held_by(value, seen):
    """All objects of this package that can be reached by fields, items and public attributes."""
    if id(value) in seen:
        return
    seen[id(value)] = value
    if isinstance(value, (list, tuple)):
        held = list(value)[:10]
    elif isinstance(value, dict):
        held = list(value.values())
    elif is_dataclass(value):
        held = [getattr(value, one.name) for one in fields(value)]
    else:
        held = []
    for one in held:
        held_by(one, seen)


def of_this_package(value):
    return type(value).__module__.startswith("sklearn_ftr")


def test_all_are_named():
    assert list(objects()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_reprs_are_short(name):
    seen = {}
    held_by(objects()[name], seen)
    long = [value for value in seen.values() if of_this_package(value) and len(repr(value)) > LONGEST]
    assert not [(type(value).__name__, repr(value)[:300]) for value in long]


def fitted():
    X, y = np.random.default_rng(0).normal(size=(2, 200, 3))
    y = np.where(np.arange(200) < 60, y[:, 0], np.nan)
    yield allocator()
    yield RectifiedMeanEstimator(cv=5).fit(X, y)
    yield RectifiedQuantile().fit(X, y)
    yield RectifiedLinearRegression(covariates=[0, 1]).fit(X, y)
    yield ScalingLawRegressor().fit([[10], [20], [40], [80]], [4.0, 3.0, 2.5, 2.3])


def test_attributes_of_estimators_have_short_reprs_and_tables():
    for model in fitted():
        shown = {
            name: value
            for name, value in vars(model).items()
            if name.endswith("_") and name[0] != "_" and of_this_package(value)
        }
        values = {name: value for name, value in shown.items() if not hasattr(value, "get_params")}
        assert values
        assert not [name for name, value in values.items() if len(repr(value)) > LONGEST]
        assert all(hasattr(value, "_repr_html_") for value in values.values())


def test_short_reprs_show_what_there_is():
    assert repr(objects()["costs"]).startswith("Costs(label=0.3333333333333333, ")
    assert "low=0." in repr(objects()["option"])
    assert "weights=<700 values>" in repr(objects()["design"])
    assert "covariance=<40 x 40 values>" in repr(objects()["labels_only"])
    assert "2,560 labels" not in repr(objects()["laws"])
    assert repr(objects()["many"]).count("... (40 in all)") == 4
    assert repr(objects()["law"]) == repr(eval(repr(objects()["law"]), vars(sklearn_ftr)))


# In notebooks


SHOWN = [name for name in NAMES if name != "interval"]


def html_of(name):
    return objects()[name]._repr_html_()


@pytest.mark.parametrize("name", SHOWN)
def test_html_is_well_formed_and_brings_no_tags_of_its_own(name):
    tree = ElementTree.fromstring(html_of(name))
    tags = {node.tag for node in tree.iter()}
    assert (
        {"div", "table"}
        <= tags
        <= {"div", "table", "strong", "thead", "tbody", "tr", "th", "td", "p", "br"}
    )
    assert len({len(row) for row in tree.iter("tr")}) == 1


@pytest.mark.parametrize("name", SHOWN)
def test_html_has_no_colors_that_a_dark_notebook_would_hide(name):
    attributes = {
        pair for node in ElementTree.fromstring(html_of(name)).iter() for pair in node.items()
    }
    assert attributes <= {("style", "text-align: right;")}


def test_names_are_shown_as_they_are():
    cells = [cell.text.strip() for cell in ElementTree.fromstring(html_of("many")).iter("td")]
    assert f"rectified [{ODD[0]}]".replace("\n", " ") in cells


@pytest.mark.parametrize("name", SHOWN)
def test_is_printed_in_lines_of_text(name):
    text = str(objects()[name])
    assert text
    assert "\t" not in text
    assert text.count("\n") < 130


def test_every_public_class_is_among_these():
    """But estimators, whose looks are scikit-learn's, pictures, warnings and what trains or splits."""
    others = {"LabeledKFold", "VarianceLoss"}
    shown = {type(value).__name__ for value in objects().values()}
    for name in (name for name in sklearn_ftr.__all__ if not name.endswith("Display")):
        value = getattr(sklearn_ftr, name)
        if (
            isinstance(value, type)
            and not hasattr(value, "get_params")
            and not issubclass(value, Warning)
            and not name.endswith("Display")
            and value.__name__ != "NeedsTorch"  # what needs torch, where that is not installed
        ):
            assert name in shown | others, name
            assert hasattr(value, "_repr_html_") or name in {*others, "ConfidenceInterval"}, name


def test_sentences():
    assert str(objects()["law"]) == "v(s) = 0.3333 (s + 0.09091)^-0.1429 + 0.6667"
    assert str(objects()["purchase"]).startswith("Buy ")
    assert "both fine-tune and rectify" in str(objects()["purchase"])
    assert "Learning curve, V(Y)" in str(objects()["curve"])
    assert "R^2" in str(objects()["fit_of_power"])
