"""The page for coding assistants is short, names what there is, and quotes errors that are raised."""

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold

import sklearn_ftr as ftr

# Every case is for everybody.
pytestmark = pytest.mark.grid(1)

PAGE = (Path(__file__).parents[1] / "docs" / "agents.md").read_text("utf-8")
X = np.random.default_rng(0).normal(size=(200, 2))
Y = X[:, 0] + np.random.default_rng(1).normal(size=200)
F = X[:, 0]
PARTIAL = np.where(np.arange(200) < 100, Y, np.nan)
HALF = slice(100)


def no_number_reaches():
    ftr.rectify_mean(Y[HALF], F[HALF], F[100:]).required_labels(1e-4)


MISTAKES = {
    "y has no label": lambda: ftr.RectifiedMeanEstimator().fit(X, np.full(200, np.nan)),
    "expected the same shape: one prediction for each label": lambda: ftr.rectify_mean(Y[HALF], F, F),
    "y has 100 NaN and 0 infinite values": lambda: ftr.rectify_mean(PARTIAL, F, F),
    "Label more rows or change split_ratio": lambda: ftr.RectifiedMeanEstimator().fit(X[:3], Y[:3]),
    "cv=GroupKFold splits by groups, and fit got none": lambda: ftr.RectifiedMeanEstimator(
        cv=GroupKFold()
    ).fit(X, PARTIAL),
    "a learning curve needs at least 8": lambda: ftr.FineTuneRectifyAllocator().fit(
        X[90:110], np.where(np.arange(20) < 5, Y[90:110], np.nan)
    ),
    "No allowed option reaches": lambda: (
        ftr.FineTuneRectifyAllocator(random_state=0).fit(X, PARTIAL).required_labels(half_width=1e-4)
    ),
    "No number of labels reaches": no_number_reaches,
}


def quoted_errors():
    table = PAGE.partition("## Errors")[2]
    return re.findall(r"^\| `([^`]+)` \|", table, re.M)


@pytest.mark.parametrize("words", quoted_errors())
def test_quoted_errors_are_raised(words):
    if words.startswith("This was pickled"):  # tests/test_pickles.py
        return
    with pytest.raises(ValueError, match=re.escape(words)):
        MISTAKES[words]()


def test_errors_are_quoted():
    assert set(MISTAKES) < set(quoted_errors())


def names_in(text):
    """Whatever is written as code and looks like a name of ours."""
    code = "\n".join(re.findall(r"`([^`\n]+)`", text))
    return set(
        re.findall(
            r"\b(rectify_\w+|m_estimate|(?:Rectified|FineTune|Scaling|Text|Variance|Labeled|Prediction|Sampling)\w+)",
            code,
        )
    )


@pytest.mark.parametrize("text", [PAGE, ftr.__doc__], ids=["page", "docstring"])
def test_names_are_public(text):
    names = names_in(text)
    assert {
        "rectify_mean",
        "RectifiedMeanEstimator",
        "FineTuneRectifyAllocator",
        "SamplingDesign",
    } <= names
    assert names <= set(ftr.__all__)


def test_every_estimator_and_function_for_an_estimand_is_in_the_table():
    estimands = {
        name for name in ftr.__all__ if re.match(r"rectify_|Rectified(?!Result)|m_estimate", name)
    }
    assert estimands - {"rectify_glm"} <= names_in(PAGE)


def test_five_patterns_of_code_on_one_page():
    patterns = re.split(
        r"^\*\*\d\. ", PAGE.partition("## Five patterns")[2].partition("\n## ")[0], flags=re.M
    )[1:]
    assert len(patterns) == 5
    assert all(">>> " in pattern for pattern in patterns)
    assert len(PAGE.splitlines()) < 150


def test_the_docstring_is_a_page():
    assert 30 < len(ftr.__doc__.splitlines()) < 80
