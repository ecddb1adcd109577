"""Figures of `real_ratings_report.py`, from its summary."""

import matplotlib.pyplot as plt
import numpy as np

INK, PLAIN, RECYCLED, FOLDS, CHOSEN = "#333333", "#c1666b", "#2e6f95", "#3a8f5c", "#e09f3e"
STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.edgecolor": INK,
    "legend.frameon": False,
    "svg.hashsalt": "sklearn_ftr",
    "svg.fonttype": "none",
}
LEVEL = 95


def draw_figures(summary, folder, n, judge_n, ways, judge_ways):
    """Whatever the summary has numbers for; `ways` are the rows of the tables: method, variant, loss, split ratio."""
    plt.switch_backend("agg")
    folder.mkdir(parents=True, exist_ok=True)
    ridge, judge = (summary[summary["model"] == model] for model in ("ridge", "judge"))
    figures = {}
    with plt.rc_context(STYLE):
        if len(ridge):
            figures["efficiency_by_split"] = efficiency_by_split(ridge[ridge["n"] == n])
            figures["coverage_by_method"] = coverage_by_method(ridge, ways)
        if len(judge):
            figures["judges"] = judges(judge[judge["n"] == judge_n], judge_ways)
        for name, figure in figures.items():
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None}, bbox_inches="tight")
            plt.close(figure)


def efficiency_by_split(part):
    """A panel for each set: efficiency against s / n, beside K = 5 and what the allocator chose.

    Lines are what the estimators report; dots with one Monte Carlo error are measured from squared errors.
    """
    names = list(part["set"].unique())
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(3 * columns, 2.5 * rows), squeeze=False, sharex=True, sharey=True
    )
    for ax in axes.flat[len(names) :]:
        ax.axis("off")
    for ax, name in zip(axes.flat, names, strict=False):
        _split_panel(ax, part[part["set"] == name], name)
    axes.flat[0].set(xlim=(0, 0.85), ylim=(0, None))
    for ax in axes[-1]:
        ax.set_xlabel("share of labels that fine-tune, s / n")
    for ax in axes[:, 0]:
        ax.set_ylabel("efficiency")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    figure.tight_layout()
    return figure


def _split_panel(ax, part, name):
    for variant, color in (("plain", PLAIN), ("recycled", RECYCLED)):
        line = part[
            (part["method"] == "split") & (part["variant"] == variant) & (part["loss"] == "variance")
        ]
        x = line["split_ratio"].astype(float)
        ax.plot(x, line["reported_efficiency"], color=color, label=f"one split, {variant}")
        ax.errorbar(x, line["efficiency"], line["efficiency_error"], color=color, fmt="o", ms=3, lw=0.8)
    folds = part[(part["method"] == "cross-fitting") & (part["variant"] == "K = 5")].iloc[0]
    ax.axhline(folds["reported_efficiency"], color=FOLDS, ls="--", label="cross-fitting, K = 5")
    for variant, marker in (("split, plain", "v"), ("split, recycled", "*")):
        chosen = part[(part["method"] == "allocator") & (part["variant"] == variant)].iloc[0]
        ax.plot(
            chosen["n_finetune"] / chosen["n"],
            chosen["reported_efficiency"],
            color=CHOSEN,
            marker=marker,
            ms=9 if marker == "*" else 6,
            ls="",
            mec=INK,
            mew=0.5,
            label=f"allocator, {variant.split(', ')[1]}",
            zorder=3,
        )
    ax.axhline(1, color=INK, lw=0.8, ls=":", label="labels only")
    ax.set_title(name)


def coverage_by_method(part, ways):
    """A row for each method, a dot for each set and number of labels; on the right enlarged."""
    ways = {label: way for label, way in ways.items() if len(_of(part, way))}
    figure, axes = plt.subplots(
        1,
        2,
        figsize=(9, 0.28 * len(ways) + 1.2),
        sharey=True,
        gridspec_kw={"width_ratios": [1, 1.6]},
    )
    sizes = sorted(part["n"].unique())
    colors = plt.get_cmap("viridis")(np.linspace(0.1, 0.8, len(sizes)))
    for shift, n, color in zip(np.linspace(-0.2, 0.2, len(sizes)), sizes, colors, strict=True):
        cells = [_of(part[part["n"] == n], way)["coverage"] for way in ways.values()]
        places = np.repeat(np.arange(len(ways)), [len(values) for values in cells]) + shift
        for ax in axes:
            ax.plot(
                100 * np.concatenate(cells), places, "o", color=color, ms=3, alpha=0.8, label=f"n = {n}"
            )
    for ax, (low, high) in zip(axes, ((0, 100), (90, 100)), strict=True):
        ax.axvline(LEVEL, color=INK, lw=0.8)
        ax.set_xlim(low, high)
        ax.set_xlabel(f"coverage, % (nominal {LEVEL}){', enlarged' if low else ''}")
    error = 100 * np.sqrt(0.95 * 0.05 / part["draws"].median())
    axes[1].axvspan(LEVEL - 2 * error, LEVEL + 2 * error, color=INK, alpha=0.08, lw=0)
    axes[1].set_title("shaded: two Monte Carlo errors of one dot", fontsize=8, loc="right")
    axes[0].set_yticks(range(len(ways)), list(ways))
    axes[0].invert_yaxis()
    axes[0].legend(loc="lower left", handletextpad=0.1)
    figure.tight_layout()
    return figure


def judges(part, ways):
    """Efficiency for each judge, by how the judge is used."""
    names = list(part["set"].unique())
    shown = {
        label: way
        for label, way in ways.items()
        if label not in ("labels only", "plug in (judge's mean)")
    }
    shown = {label: way for label, way in shown.items() if len(_of(part, way))}
    figure, ax = plt.subplots(figsize=(8, 0.42 * len(names) + 1.4))
    colors = plt.get_cmap("tab10")(range(len(shown)))
    offsets = np.linspace(-0.27, 0.27, len(shown))
    for offset, color, (label, way) in zip(offsets, colors, shown.items(), strict=True):
        cells = _of(part, way).set_index("set")
        places = [names.index(name) + offset for name in cells.index]
        ax.plot(cells["reported_efficiency"], places, "o", color=color, ms=4, label=label)
    ax.axvline(1, color=INK, lw=0.8, ls=":")
    ax.set_yticks(range(len(names)), names)
    ax.set_xscale("log")
    ticks = [0.5, 0.7, 1, 1.5, 2, 3, 4, 5]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.invert_yaxis()
    ax.grid(axis="y", lw=0.3)
    ax.set_xlabel(f"efficiency (labels only = 1), n = {part['n'].iloc[0]}")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.tight_layout()
    return figure


def _of(part, way):
    method, variant, loss, ratio = way
    return part[
        (part["method"] == method)
        & (part["variant"] == variant)
        & (part["loss"] == loss)
        & (part["split_ratio"].astype(str) == str(ratio))
    ]
