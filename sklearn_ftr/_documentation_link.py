"""Where the documentation is, for the links in the HTML displays of estimators."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

import sklearn_ftr

# Below the address of the documentation: of a site, or of a folder in a repository, where all names are on one page.
_PAGE, _PAGE_IN_REPOSITORY = "/reference/{estimator_name}.html", "/api.md"


@cache
def documentation() -> str:
    """Address of the documentation, which the package's metadata has; empty if they have none."""
    try:
        urls = metadata("sklearn-ftr").get_all("Project-URL") or []
    except PackageNotFoundError:  # a checkout that nobody has installed
        return ""
    found = (url.partition(", ") for url in urls)
    return next((url for label, _, url in found if label == "Documentation"), "")


class LinksDocumentation:
    """Mixin of scikit-learn's estimators: a link to our documentation instead of scikit-learn's, for public classes only.

    A subclass of a user has no page with us, and no link.
    """

    @property
    def _doc_link_module(self) -> str:
        return "sklearn_ftr" if documentation() and is_public(type(self)) else ""

    @property
    def _doc_link_template(self) -> str:
        is_folder = "/tree/" in documentation()
        return documentation() + (_PAGE_IN_REPOSITORY if is_folder else _PAGE)


def is_public(cls: type[Any]) -> bool:
    """Whether it is one of the package's public names."""
    name = cls.__name__
    return name in sklearn_ftr.__all__ and getattr(sklearn_ftr, name) is cls
