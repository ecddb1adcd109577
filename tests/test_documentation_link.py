"""The HTML display of an estimator leads to our documentation, if there is any, and to nobody else's."""

import pytest
from sklearn.linear_model import Ridge

import sklearn_ftr
from sklearn_ftr import RectifiedMeanEstimator, ScalingLawRegressor, _documentation_link

SITE = "https://documentation.example"


def is_estimator(name):
    """Nothing is, that needs what is not installed."""
    try:
        return hasattr(getattr(sklearn_ftr, name), "get_params")
    except ImportError:
        return False


NAMES = [name for name in sklearn_ftr.__all__ if is_estimator(name)]


class OfAUser(RectifiedMeanEstimator):
    pass


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setattr(_documentation_link, "documentation", lambda: SITE)


@pytest.mark.parametrize("name", NAMES)
def test_every_estimator_has_its_page(site, name):
    made = getattr(sklearn_ftr, name)()
    assert made._get_doc_link() == f"{SITE}/reference/{name}.html"
    assert f'href="{SITE}/reference/{name}.html"' in made._repr_html_()
    assert "scikit-learn.org/" not in made._repr_html_()


def test_there_are_some():
    assert {"RectifiedMeanEstimator", "FineTuneRectifyAllocator", "PredictionCorrector"} <= set(NAMES)


def test_in_a_repository_all_names_are_on_one_page(monkeypatch):
    monkeypatch.setattr(
        _documentation_link, "documentation", lambda: "https://a.example/tree/main/docs"
    )
    assert RectifiedMeanEstimator()._get_doc_link() == "https://a.example/tree/main/docs/api.md"


def test_what_users_derive_has_no_page(site):
    assert OfAUser()._get_doc_link() == ""
    impostor = type(
        "RectifiedMeanEstimator", (RectifiedMeanEstimator,), {"__module__": "sklearn_ftr.x"}
    )
    assert impostor()._get_doc_link() == ""


def test_without_an_address_there_is_no_link(monkeypatch):
    monkeypatch.setattr(_documentation_link, "documentation", lambda: "")
    assert ScalingLawRegressor()._get_doc_link() == ""
    assert "scikit-learn.org/" not in ScalingLawRegressor()._repr_html_()


def test_models_within_keep_theirs(site):
    html = RectifiedMeanEstimator(Ridge())._repr_html_()
    assert "sklearn.linear_model.Ridge.html" in html
    assert f"{SITE}/reference/RectifiedMeanEstimator.html" in html


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        (["Paper, https://p", "Documentation, https://d"], "https://d"),
        (["Paper, https://p"], ""),
        (None, ""),
    ],
)
def test_the_address_is_that_of_the_metadata(monkeypatch, urls, expected):
    class Metadata:
        def get_all(self, name):
            assert name == "Project-URL"
            return urls

    monkeypatch.setattr(_documentation_link, "metadata", lambda name: Metadata())
    assert _documentation_link.documentation.__wrapped__() == expected


def test_what_is_not_installed_has_no_address(monkeypatch):
    def missing(name):
        raise _documentation_link.PackageNotFoundError

    monkeypatch.setattr(_documentation_link, "metadata", missing)
    assert _documentation_link.documentation.__wrapped__() == ""
