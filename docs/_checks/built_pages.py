"""Whether all links of the built site lead somewhere, and nothing is loaded from elsewhere: `python docs/_checks/built_pages.py FOLDER`."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}
FOLLOWED = {("a", "href"), *LOADED}


class Page(HTMLParser):
    """The targets in a page and what it refers to."""

    def __init__(self, path):
        super().__init__()
        self.targets, self.references = set(), []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("id", "name") and value:
                self.targets.add(value)
            if (tag, name) in FOLLOWED and value:
                self.references.append((tag, value))


def is_elsewhere(address):
    return bool(urlsplit(address).scheme or address.startswith("//"))


def destination(folder, path, address):
    """File and target to which an address in a page leads."""
    file, target = urldefrag(unquote(address))
    file = urlsplit(file).path
    base = folder if file.startswith("/") else path.parent
    found = (base / file.lstrip("/")).resolve() if file else path.resolve()
    return found / "index.html" if found.is_dir() else found, target


def faults_of_page(folder, path, pages):
    for tag, address in pages[path].references:
        if is_elsewhere(address):
            if tag != "a":
                yield f"loads {address}"
            continue
        file, target = destination(folder, path, address)
        if not file.exists():
            yield f"no file for {address}"
        elif target and file in pages and target not in pages[file].targets:
            yield f"no target for {address}"


def faults(folder):
    """What is wrong in all pages, each with the page's name."""
    folder = Path(folder).resolve()
    pages = {path: Page(path) for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts}
    if not pages:
        yield f"{folder}: no page"
    for path in pages:
        yield from (
            f"{path.relative_to(folder)}: {fault}" for fault in faults_of_page(folder, path, pages)
        )


if __name__ == "__main__":
    found = list(faults(sys.argv[1]))
    print("\n".join(found) or "All links lead somewhere.")
    sys.exit(bool(found))
