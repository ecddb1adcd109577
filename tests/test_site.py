"""The site of docs/ before it is built: pages, names, examples, and the checker of what `make docs` has built."""

import ast
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

import sklearn_ftr
from sklearn_ftr import datasets

# Every case is for everybody.
pytestmark = pytest.mark.grid(1)

DOCS = Path(__file__).parents[1] / "docs"
EXAMPLES = sorted((DOCS / "gallery").glob("plot_*.py"))
# Made when the site is built.
MADE = {"auto_gallery/index"}


def module(path):
    """The names of one of the site's own modules, none of which needs Sphinx to be loaded."""
    return runpy.run_path(str(DOCS / path))


pages = module("_site/pages.py")


def contents_of(page):
    """What the tables of contents of a page list."""
    blocks = re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith(":")]


def test_each_page_stands_once_in_a_table_of_contents():
    listed = [name for page in DOCS.glob("*.md") for name in contents_of(page)]
    there = {page.stem for page in DOCS.glob("*.md")} - {"index"} | MADE
    assert sorted(listed) == sorted(there)


def test_the_reference_has_each_public_name_once():
    listed = pages["listed_names"]((DOCS / "api.md").read_text("utf-8"))
    public = {*sklearn_ftr.__all__, *(f"datasets.{name}" for name in datasets.__all__)}
    assert sorted(listed) == sorted(public)


@pytest.mark.parametrize("name", pages["listed_names"]((DOCS / "api.md").read_text("utf-8")))
def test_the_page_of_a_name_has_its_own_methods_and_no_others(name):
    if name.startswith(("Text", "Variance")):
        pytest.importorskip("torch")
    page = pages["reference_page"](name)
    _, value = pages["public_object"](name)
    members = re.findall(r"^   \.\. auto(?:method|property):: (\w+)$", page, re.M)
    assert len(re.findall(r"^\.\. auto(?:class|function|exception)::", page, re.M)) == 1
    assert all(hasattr(value, member) for member in members)
    assert not {"set_params", "get_params", "register_forward_hook"} & set(members)


def test_estimators_show_what_they_inherit_within_the_package():
    assert "automethod:: confidence_interval" in pages["reference_page"]("RectifiedQuantile")


def test_links_to_names_and_examples_become_links_to_their_pages():
    class App:
        srcdir = str(DOCS)

    source = ["[`rectify_mean`](api.md), [seen](gallery/plot_3_judge.py), [`api`](other.md)"]
    pages["link_to_pages"](App, "choose", source)
    expected = "[`rectify_mean`](reference/rectify_mean.rst), [seen](auto_gallery/plot_3_judge.rst), [`api`](other.md)"
    assert source == [expected]


def test_names_that_pages_link_to_are_public():
    names = {
        name for page in DOCS.glob("*.md") for name in pages["NAMED"].findall(page.read_text("utf-8"))
    }
    assert len(names) > 10
    assert names <= set(pages["listed_names"]((DOCS / "api.md").read_text("utf-8")))


def test_the_gallery_is_as_large_as_it_should_be():
    assert 4 <= len(EXAMPLES) <= 10


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_draw_and_fetch_nothing(path):
    code = path.read_text("utf-8")
    first = ast.get_docstring(ast.parse(code)).splitlines()
    assert set(first[1]) == {"="}
    assert len(first[1]) >= len(first[0])
    assert "plt.show()" in code
    assert "fetch_" not in code
    imported = {name.split(".")[0] for name in re.findall(r"^(?:import|from) ([\w.]+)", code, re.M)}
    assert imported <= {"matplotlib", "numpy", "sklearn", "sklearn_ftr", *sys.stdlib_module_names}


@pytest.mark.parametrize("name", ["two_jobs.svg", "best_split.svg", "architecture.svg"])
def test_diagrams_are_those_that_their_script_draws(name):
    """But for the last digit of coordinates."""
    number = re.compile(r"-?\d+\.\d+|-?\d+")
    drawn = module("_site/pictures.py")["PICTURES"][name]()
    stored = (DOCS / "figures" / name).read_text("utf-8")
    assert number.sub("#", drawn) == number.sub("#", stored)
    np.testing.assert_allclose(
        np.array(number.findall(drawn), dtype=float),
        np.array(number.findall(stored), dtype=float),
        atol=0.2,
    )


def test_no_page_needs_a_script_to_be_drawn():
    assert not [page.name for page in DOCS.glob("*.md") if "```mermaid" in page.read_text("utf-8")]


def test_the_checker_accepts_links_that_lead_somewhere(tmp_path):
    (tmp_path / "a.html").write_text('<a href="b.html#there">b</a><a href="#own"></a><p id="own">')
    (tmp_path / "b.html").write_text(
        '<p id="there"><a href="https://example.org">far</a><img src="c.png">'
    )
    (tmp_path / "c.png").write_bytes(b"")
    assert list(module("_checks/built_pages.py")["faults"](tmp_path)) == []


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ('<a href="none.html">', "no file for none.html"),
        ('<a href="page.html#none">', "no target for page.html#none"),
        ('<img src="none.png">', "no file for none.png"),
        ('<script src="https://cdn.example.org/a.js"></script>', "loads https://cdn.example.org/a.js"),
        ('<link rel="stylesheet" href="//example.org/a.css">', "loads //example.org/a.css"),
    ],
)
def test_the_checker_tells_what_is_wrong(tmp_path, page, fault):
    (tmp_path / "page.html").write_text(page)
    assert list(module("_checks/built_pages.py")["faults"](tmp_path)) == [f"page.html: {fault}"]


def test_the_checker_refuses_a_folder_without_pages(tmp_path):
    assert len(list(module("_checks/built_pages.py")["faults"](tmp_path))) == 1


def test_live_examples_run_and_show_their_last_value(monkeypatch):
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(DOCS / "_site")
    run = module("_site/live_example.py")["run"]
    names = {}
    assert run("a = 2\nprint('seen')\na + 1", names) == ("seen\n", 3)
    assert run("b = a * 2", names) == ("", None)
    assert names["b"] == 4
