"""What pages are made of before Sphinx reads them: one for each name in the tables of api.md, files beside docs/, links to both."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import sklearn_ftr

ROOT_FILES = {"changelog": "CHANGELOG.md", "contributing": "CONTRIBUTING.md"}
BESIDE = re.compile(r"\[([^\[\]]+)\]\(([A-Z_]+\.\w+)\)")
NAMED = re.compile(r"\[`([\w.]+)`\]\(api\.md\)")
EXAMPLE = re.compile(r"\]\(gallery/(plot_\w+)\.py\)")
PATH = re.compile(r"docs/(\w+)\.md")
PUBLIC = re.compile(rf"(?<![`:])`({'|'.join(sklearn_ftr.__all__)})`(?!`)")
SHAPE = re.compile(r"shape \([^()`]*\)")
LISTED = re.compile(r"^\| `([\w.]+)` \|", re.M)
PAGE = """{name}
{line}

.. currentmodule:: {module}

.. auto{kind}:: {name}

{members}

.. minigallery:: {module}.{name}
   :add-heading: Used in
   :heading-level: -
"""


def listed_names(page):
    """The names in the tables of the page, in its order; those of other modules than the package with the module's name."""
    return LISTED.findall(page)


def public_object(name):
    """Module and object of a name as it stands in the page."""
    module, _, last = f"sklearn_ftr.{name}".rpartition(".")
    return module, getattr(import_module(module), last)


def is_documented_here(cls, member):
    """Whether a member of a class is a method or property of this package, with words of its own."""
    owner = next(base for base in cls.__mro__ if member in vars(base))
    value = vars(owner)[member]
    method = inspect.isfunction(value) or isinstance(value, property | classmethod | staticmethod)
    return owner.__module__.startswith("sklearn_ftr") and method and bool(inspect.getdoc(value))


def documented_members(cls):
    return [name for name in dir(cls) if not name.startswith("_") and is_documented_here(cls, name)]


def directive_of(cls, member):
    return "autoproperty" if isinstance(getattr(cls, member), property) else "automethod"


def members_of(value):
    """Directives for its members, to stand inside of its own."""
    members = documented_members(value) if inspect.isclass(value) else []
    return "\n".join(f"   .. {directive_of(value, member)}:: {member}" for member in members)


def kind_of(value):
    if not inspect.isclass(value):
        return "function"
    return "exception" if issubclass(value, BaseException) else "class"


def reference_page(name):
    """Its text, in reStructuredText."""
    module, value = public_object(name)
    last = name.rpartition(".")[2]
    return PAGE.format(
        name=last, line="=" * len(last), module=module, kind=kind_of(value), members=members_of(value)
    )


def write_if_new(path, text):
    """Files that stay as they are keep their time, so that Sphinx does not read them again."""
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def write_pages(app):
    folder = Path(app.srcdir) / "reference"
    folder.mkdir(exist_ok=True)
    names = listed_names((Path(app.srcdir) / "api.md").read_text("utf-8"))
    for path in folder.glob("*.rst"):
        if path.stem not in names:
            path.unlink()
    for name in names:
        write_if_new(folder / f"{name}.rst", reference_page(name))


def with_links(page):
    """The page, its names linked to their pages and these in a table of contents."""
    contents = "\n".join(f"reference/{name}" for name in listed_names(page))
    linked = LISTED.sub(r"| [`\1`](reference/\1.rst) |", page)
    return f"{linked}\n\n```{{toctree}}\n:hidden:\n\n{contents}\n```\n"


def root_file(name):
    """A file beside docs/, its links as from inside of it."""
    text = (Path(__file__).parents[2] / name).read_text("utf-8").replace("](docs/", "](")
    return BESIDE.sub(r"\1 (`\2`)", text.replace("](CHANGELOG.md)", "](changelog.md)"))


def link_to_pages(app, docname, source):
    """Links that lead to api.md and to an example's script elsewhere lead to the page that is made of it here."""
    if docname in ROOT_FILES:
        app.env.note_dependency(str(Path(__file__).parents[2] / ROOT_FILES[docname]))
        source[0] = root_file(ROOT_FILES[docname])
    source[0] = NAMED.sub(r"[`\1`](reference/\1.rst)", source[0])
    source[0] = EXAMPLE.sub(r"](auto_gallery/\1.rst)", source[0])
    source[0] = source[0].replace("](gallery/GALLERY_HEADER.rst)", "](auto_gallery/index.rst)")
    if docname == "api":
        source[0] = with_links(source[0])


def linked(line):
    """A line of a docstring, with links to the pages of names and of the guide; names in shapes that end in an underscore are none."""
    line = SHAPE.sub(lambda found: found.group().replace("_", r"\_"), line)
    line = PUBLIC.sub(r":py:obj:`~sklearn_ftr.\1`", line)
    return PATH.sub(r":doc:`/\1`", line)


def link_docstring(app, what, name, value, options, lines):
    lines[:] = [linked(line) for line in lines]


def setup(app):
    app.connect("builder-inited", write_pages, priority=100)  # before the gallery looks for names
    app.connect("source-read", link_to_pages)
    app.connect("autodoc-process-docstring", link_docstring, priority=900)  # after numpydoc
    return {"parallel_read_safe": True}
