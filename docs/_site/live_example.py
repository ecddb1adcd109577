"""The directive `live`: code that runs when the site is built, with what it prints, returns and draws.

A page's blocks share their names. An error is a warning of Sphinx, and so fails the build.
"""

import ast
import io
from contextlib import redirect_stdout
from pathlib import Path

import gallery_style
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOGGER = logging.getLogger(__name__)


def run(code, names):
    """What the code prints, and the value of its last line where that is an expression, else None."""
    tree, value = ast.parse(code), None
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(tree, "<live>", "exec"), names)
        if last:
            value = eval(compile(ast.Expression(last.value), "<live>", "eval"), names)
    return printed.getvalue(), value


def saved_figures(folder, stem):
    """The open figures of matplotlib as files of a folder; closes them."""
    from matplotlib import pyplot

    folder.mkdir(exist_ok=True)
    for number in pyplot.get_fignums():
        path = folder / f"{stem}-{number}.png"
        pyplot.figure(number).savefig(path, dpi=180, bbox_inches="tight")
        yield path
    pyplot.close("all")


def shown(printed, value):
    if printed:
        yield nodes.literal_block(printed, printed, language="none", classes=["live-output"])
    if hasattr(value, "_repr_html_"):
        yield nodes.raw("", f'<div class="live-output">{value._repr_html_()}</div>', format="html")
    elif isinstance(value, str | int | float):
        yield nodes.literal_block(str(value), str(value), language="none", classes=["live-output"])


class Live(SphinxDirective):
    """Code, and below it what came of it; `alt` is the text of its figure."""

    has_content = True
    option_spec = {"alt": directives.unchanged}  # noqa: RUF012 as docutils wants it

    def run(self):
        import matplotlib

        matplotlib.use("agg")
        gallery_style.reset(None, None)
        code = "\n".join(self.content)
        names = self.env.temp_data.setdefault("live_names", {})
        block = nodes.literal_block(code, code, language="python")
        try:
            printed, value = run(code, names)
        except Exception as error:
            LOGGER.warning("live example failed: %r", error, location=self.get_location())
            return [block]
        return [block, *shown(printed, value), *self.images()]

    def images(self):
        stem = f"{self.env.docname.replace('/', '-')}-{self.lineno}"
        for path in saved_figures(Path(self.env.srcdir) / "_live", stem):
            yield nodes.image(
                uri=f"/_live/{path.name}", alt=self.options.get("alt", ""), classes=["live-figure"]
            )


def setup(app):
    app.add_directive("live", Live)
    return {"parallel_read_safe": True}
