"""Formulas as MathML, which browsers set themselves: no script, no fonts and no network."""

from docutils import nodes
from docutils.utils.math import latex2mathml


def mathml(source, display):
    root = latex2mathml.math(display="block") if display else latex2mathml.math()
    latex2mathml.parse_latex_math(root, source)
    return root.toxml()


def visit_inline(translator, node):
    translator.body.append(mathml(node.astext(), display=False))
    raise nodes.SkipNode


def visit_display(translator, node):
    translator.body.append(f'<div class="math">{mathml(node.astext(), display=True)}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True}
