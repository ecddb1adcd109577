"""What is in the distributions, and that tests pass in the unpacked source."""

import email
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

# Every case is for everybody.
pytestmark = pytest.mark.grid(1)

pytest.importorskip("hatchling")
pytest.importorskip("hatch_fancy_pypi_readme")
ROOT = Path(__file__).parents[1]


def run(*command, folder, **variables):
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with the wheel, the source distribution and what is in it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, folder=ROOT)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def source(built):
    return next(path for path in built.iterdir() if path.is_dir())


@pytest.fixture(scope="module")
def wheel(built):
    with zipfile.ZipFile(next(built.glob("*.whl"))) as archive:
        yield archive


@pytest.fixture(scope="module")
def metadata(wheel):
    name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return email.message_from_string(wheel.read(name).decode("utf-8"))


def test_the_source_distribution_holds_all_that_is_committed(source):
    if not (ROOT / ".git").exists():
        pytest.skip("there is no checkout to compare with")
    committed = run("git", "ls-files", "-z", folder=ROOT).split("\0")[:-1]
    assert len(committed) > 100
    assert not [name for name in committed if (ROOT / name).exists() and not (source / name).exists()]


@pytest.mark.thorough
def test_tests_that_read_files_pass_in_the_source_distribution(source):
    """The quick ones."""
    files = ["tests/test_documentation.py", "tests/test_architecture.py"]
    quick = "links or commands or one_version or layers or api_page"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, "-k", quick]
    output = run(*command, folder=source, PYTHONPATH=str(source))
    assert int(re.search(r"(\d+) passed", output).group(1)) > 30


def test_the_wheel_holds_the_package_and_its_types(wheel):
    names = wheel.namelist()
    assert "sklearn_ftr/py.typed" in names
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "sklearn_ftr").rglob("*.py")}
    assert modules == {name for name in names if name.endswith(".py")}
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"sklearn_ftr"}


def test_links_of_the_description_lead_somewhere_outside_the_repository(metadata):
    targets = re.findall(r"\]\(([^)]*)", metadata.get_payload())
    assert targets
    assert all(target.startswith("https://") for target in targets)
    source = dict(line.split(", ", 1) for line in metadata.get_all("Project-URL"))["Source"]
    of_this_version = re.compile(rf"{source}/(?:blob|raw)/v{metadata['Version']}/([^#]+)")
    files = [found[1] for found in map(of_this_version.match, targets) if found]
    assert "docs/statistics.md" in files
    assert all((ROOT / name).exists() for name in files)


def test_links_and_pictures_of_the_description_are_told_apart():
    hook = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["metadata"][
        "hooks"
    ]
    text = "[a page](docs/x.md#part) ![a picture](docs/x.png) [a site](https://x.org) [here](#there)"
    for one in hook["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(one["pattern"], one["replacement"], text)
    page, picture, *others = re.findall(r"\]\(([^)]*)\)", text)
    assert page.endswith("/blob/v$HFPR_VERSION/docs/x.md#part")
    assert picture.endswith("/raw/v$HFPR_VERSION/docs/x.png")
    assert others == ["https://x.org", "#there"]


def test_nothing_else_of_the_readme_is_altered(metadata):
    lines = metadata.get_payload().splitlines()
    original = [
        line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if "](" not in line
    ]
    assert len(original) > 100
    assert [line for line in original if line not in lines] == []


def test_the_metadata_says_where_things_are_and_has_no_extras_for_developers(metadata):
    labels = {line.partition(",")[0] for line in metadata.get_all("Project-URL")}
    assert labels >= {"Homepage", "Documentation", "Source", "Changelog", "Issues", "Paper"}
    extras = set(metadata.get_all("Provides-Extra"))
    assert {"demo", "frames", "files", "tables", "text", "dask"} <= extras
    assert not extras & {"test", "lint", "benchmark", "mutants", "release"}


def test_the_first_examples_are_found():
    """`make dist` runs them where a distribution is installed alone."""
    found = run(
        sys.executable,
        "-c",
        "import install_alone; print(install_alone.first_examples())",
        folder=ROOT / ".ci",
        PYTHONDONTWRITEBYTECODE="1",
    )
    assert "RectifiedMeanEstimator(cv=5" in found
    assert "##" not in found


def test_classifiers_name_the_versions_of_python(metadata):
    lowest = re.fullmatch(r">=3\.(\d+)", metadata["Requires-Python"]).group(1)
    classifiers = metadata.get_all("Classifier")
    minors = [
        int(found.group(1))
        for found in (re.fullmatch(r".*Python :: 3\.(\d+)", name) for name in classifiers)
        if found
    ]
    assert minors == list(range(int(lowest), 14))
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert not [name for name in classifiers if name.startswith("License ::")]
