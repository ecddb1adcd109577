"""The diagrams of the pages, as SVG that needs no script: `python docs/_site/pictures.py` writes docs/figures again.

The curves of the idea are those of a made law, for 1,000 labels, 50,000 rows without one, and a split that is recycled.
"""

from html import escape
from pathlib import Path

BLUE, ORANGE, GREEN, INK, GREY, PALE = "#0072b2", "#d55e00", "#009e73", "#222222", "#8a8a8a", "#f3f5f7"
A, ALPHA, B, TOTAL, N, M = 1.2, 0.4, 0.25, 1.0, 1_000, 50_000
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left} 0 {width} {height}" role="img" aria-label="{label}"'
    ' font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="15" fill="{ink}">\n'
    '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L10 5L0 10z" fill="{grey}"/></marker></defs>\n'
    '<rect x="{left}" width="{width}" height="{height}" rx="10" fill="#ffffff"/>\n'
)


def picture(label, drawn, *, left=0, width=920, height):
    head = HEAD.format(left=left, width=width, height=height, label=label, ink=INK, grey=GREY)
    return f"{head}{drawn}</svg>\n"


def text(x, y, line, *, anchor="middle", colour=INK, size=15, weight="normal"):
    style = f'text-anchor="{anchor}" fill="{colour}" font-size="{size}" font-weight="{weight}"'
    return f'<text x="{x}" y="{y}" {style}>{escape(line)}</text>\n'


def lines_in(x, y, lines, size):
    """Lines around a height; the first one bold where there are several."""
    top = y - (len(lines) - 1) * (size + 4) / 2 + size / 3
    return "".join(
        text(
            x,
            round(top + i * (size + 4), 1),
            line,
            size=size,
            weight="600" if i == 0 < len(lines) - 1 else "normal",
        )
        for i, line in enumerate(lines)
    )


def box(x, y, width, height, *lines, stroke=GREY, fill=PALE, size=15):
    """A box around its centre (x, y) with lines of text."""
    frame = f'x="{x - width / 2}" y="{y - height / 2}" width="{width}" height="{height}" rx="7"'
    return f'<rect {frame} fill="{fill}" stroke="{stroke}" stroke-width="1.6"/>\n{lines_in(x, y, lines, size)}'


def arrow(*points):
    path = "M" + "L".join(f"{x} {y}" for x, y in points)
    return f'<path d="{path}" fill="none" stroke="{GREY}" stroke-width="1.8" marker-end="url(#tip)"/>\n'


def curve(points, colour, dash=""):
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="3" stroke-dasharray="{dash}"/>\n'
    )


def standard_error(s):
    """Of a recycled split that trains on s labels, relative to labels alone."""
    residual = min(A * s**-ALPHA + B, TOTAL)
    plain = residual / (N - s) + (TOTAL - residual) / M
    return (1 / (1 / plain + s / TOTAL) / (TOTAL / N)) ** 0.5


def best_size():
    return min(range(2, N - 1), key=standard_error)


def flow():
    """Left: which labels go where."""
    return "".join(
        [
            text(30, 45, "n labels", anchor="start", weight="600"),
            box(85, 80, 110, 40, "s", stroke=BLUE, fill="#dcebf7"),
            box(265, 80, 250, 40, "n - s", stroke=ORANGE, fill="#fbe5d6"),
            text(97, 403, "m rows without a label", anchor="start", weight="600"),
            box(210, 435, 360, 40, "their predictions f(x)"),
            arrow((85, 101), (85, 156)),
            box(115, 187, 175, 60, "fine-tune f", "loss: variance of y - f", stroke=BLUE, size=14),
            arrow((300, 101), (300, 156)),
            box(300, 187, 165, 60, "rectify", "mean of y - f", stroke=ORANGE, size=14),
            arrow((203, 187), (215, 187)),
            arrow((85, 218), (85, 413)),
            box(
                300, 315, 178, 60, "estimate, interval", "mean of f + correction", stroke=GREEN, size=14
            ),
            arrow((300, 218), (300, 283)),
            arrow((320, 414), (320, 347)),
        ]
    )


def place(s, relative):
    """Where a point of the chart stands: 0 to N labels, .4 to 1.1 times the standard error of labels alone."""
    return 500 + 370 * s / N, 380 - (relative - 0.4) * 300 / 0.7


def chart():
    """Right: why there is a best s."""
    sizes = [2, 4, 7, 12, *range(20, N, 10), N - 1]
    errors = [place(s, standard_error(s)) for s in sizes]
    residuals = [place(s, 0.4 + 0.55 * (A * s**-ALPHA + B)) for s in sizes if s > 4]
    best = best_size()
    x, y = place(best, standard_error(best))
    top = place(0, 1)[1]
    return "".join(
        [
            text(685, 45, "How many labels should train?", weight="600"),
            f'<path d="M500 70V380H880" fill="none" stroke="{GREY}" stroke-width="1.6"/>\n',
            curve([place(2, 1), place(N, 1)], GREY, "6 5"),
            text(
                870,
                round(top) - 10,
                "standard error of labels only",
                anchor="end",
                colour="#666666",
                size=14,
            ),
            curve(residuals, BLUE),
            text(
                870,
                round(residuals[-1][1]) - 12,
                "variance of f's errors",
                anchor="end",
                colour=BLUE,
                size=14,
            ),
            curve(errors, ORANGE),
            text(700, 190, "standard error", anchor="end", colour=ORANGE, size=14),
            text(700, 208, "of the estimate", anchor="end", colour=ORANGE, size=14),
            f'<path d="M{x:.1f} {y:.1f}V380" stroke="{ORANGE}" stroke-width="1.6" stroke-dasharray="3 4"/>\n',
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7" fill="{ORANGE}"/>\n',
            text(round(x), 402, f"best: s = {best}", colour=ORANGE, size=14, weight="600"),
            text(870, 402, "n = 1,000", anchor="end", size=14),
            text(685, 432, "More labels make f better,", size=14),
            text(685, 451, "and leave fewer to correct it.", size=14),
        ]
    )


def two_jobs():
    label = "Some of n labels fine-tune a predictor f, the others correct its mean over m rows without a label"
    return picture(label, flow(), width=420, height=475)


def best_split():
    label = "The more labels train, the smaller is the variance of f's errors; the standard error is smallest in between"
    return picture(label, chart(), left=470, width=430, height=475)


STEPS = [
    (("X, y with NaN",), ""),
    (("PartialLabels", "labeled and unlabeled rows"), "_labels.check_partial_labels"),
    (("BoundEstimand", "the question, bound to these rows"), "_bind of the estimator"),
    (
        ("OutOfSample", "each model's predictions of labels it has not seen, and of the pool"),
        "_fine_tuning: split, folds, zero-shot",
    ),
    (("Sample", "y, f, the pool's f, how rows were drawn, folds"), "_sampling.sample_of_stages"),
    (("influence values of rows",), "_mean, _linearize, _quantile"),
    (("Deviations", "of independent pieces: rows or clusters"), "Sampling.deviations"),
    (
        ("RectifiedResult", "lambda, variance, degrees of freedom"),
        "_rectify.rectify, _rectified_result",
    ),
    (("fitted attributes", "result_, mean_, ..."), "_learned.replace_learned, once"),
]
SIDES = [
    (1, "sample_weight, groups, strata", "_sampling.with_sampling"),
    (2, "covariates, group, q", ""),
    (3, "the user's model; judges, columns of X", "_inner_model; OutOfSample.beside"),
]


def height(number):
    """Of a step's box."""
    return 24 + 20 * len(STEPS[number][0])


def step(number, lines, by):
    y = 35 + 92 * number
    frame = box(600, y, 500, height(number), *lines, size=14)
    if not number:
        return frame
    before, after = y - 92 + height(number - 1) / 2, y - height(number) / 2
    note = text(614, round((before + after) / 2) + 4, by, anchor="start", colour="#555555", size=13)
    return frame + arrow((600, before), (600, after)) + note


def side(number, name, by):
    y = 35 + 92 * number
    note = text(165, y + 40, by, colour="#555555", size=13)
    return box(165, y, 292, 40, name, size=14) + note + arrow((312, y), (349, y))


def architecture():
    label = "From y with NaN to result_: each object, and the module that makes it from the one before"
    steps = "".join(step(number, *row) for number, row in enumerate(STEPS))
    return picture(label, steps + "".join(side(*row) for row in SIDES), height=815)


PICTURES = {"two_jobs.svg": two_jobs, "best_split.svg": best_split, "architecture.svg": architecture}

if __name__ == "__main__":
    for name, draw in PICTURES.items():
        (Path(__file__).parents[1] / "figures" / name).write_text(draw(), "utf-8")
