"""Tables and figures of `real_ratings.py`: bias, error, width, coverage and efficiency of every method.

    python benchmarks/real_ratings_report.py --out FOLDER [--n 1000] [--figures docs/figures]

reads FOLDER/*.csv and writes FOLDER/summary.csv (all numbers), FOLDER/summary.md (tables) and the figures.

The target is the mean mu of the population that the N rows of a set come from, while a draw takes n of these N rows
without replacement, with the others as the pool. An estimate that is unbiased for the rows' own mean mu_N has an error
theta - mu_N that is uncorrelated with mu_N - mu, whose variance is V(Y) / N. Therefore, with no further simulation,

    squared error   = mean of (theta - mu_N)^2 over draws + V(Y) / N
    coverage        = mean of Phi((high - mu_N) / d) - Phi((low - mu_N) / d) over draws,  d^2 = V(Y) / N

(the second takes mu_N - mu as normal: the exact average over endless noise draws). For labels only the first is
V(Y) / n exactly. `plug in` is biased, so that for it both are approximations; its bias dwarfs them.

    efficiency      V(Y) / n over the squared error: how often a label counts
    label savings   1 - 1 / efficiency: the share of the labels that labels only needs for the same error, not bought
    reported        the efficiency that an estimator itself reports, labels-only over own variance: mean over draws

Monte Carlo standard errors: over draws for bias, width, coverage and reported efficiency; delta method for efficiency, label
savings and root mean squared error. The mean of (theta - mu_N)^2 is adjusted by regression on the same draws' labels-only squared error, whose mean is known
(V(Y) / n - V(Y) / N), which takes out the luck that all methods share.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

FEWEST_DRAWS = 20  # below, no regression adjustment
CELL = ["set", "model", "n", "method", "variant", "loss", "split_ratio"]
DRAW = ["set", "model", "n", "draw"]
# Row of a table: method, variant, loss, split ratio.
MAIN = {
    "labels only": ("labels only", "", "", ""),
    "plug in": ("plug in", "", "", ""),
    "zero-shot, lambda = 1": ("zero-shot", "lambda = 1", "", ""),
    "zero-shot, tuned": ("zero-shot", "tuned", "", ""),
    "split .2, plain, lambda = 1": ("split", "plain, lambda = 1", "variance", 0.2),
    "split .2, plain": ("split", "plain", "variance", 0.2),
    "split .2, recycled": ("split", "recycled", "variance", 0.2),
    "allocator, split, plain": ("allocator", "split, plain", "", ""),
    "allocator, split, recycled": ("allocator", "split, recycled", "", ""),
    "allocator, auto": ("allocator", "auto", "", ""),
    "K = 2": ("cross-fitting", "K = 2", "", ""),
    "K = 5": ("cross-fitting", "K = 5", "", ""),
    "K = 10": ("cross-fitting", "K = 10", "", ""),
    "ppi-python, K = 5": ("ppi-python", "K = 5", "", ""),
    "ppi-python, K = 10": ("ppi-python", "K = 10", "", ""),
}
JUDGE = {
    "labels only": ("labels only", "", "", ""),
    "plug in (judge's mean)": ("plug in", "", "", ""),
    "rectified, lambda = 1": ("zero-shot", "lambda = 1", "", ""),
    "rectified, tuned": ("zero-shot", "tuned", "", ""),
    "ppi-python, tuned": ("ppi-python", "tuned", "", ""),
    "corrected, split .2": ("corrected judge", "split .2, judge only", "", ""),
    "corrected, K = 5": ("corrected judge", "K = 5, judge only", "", ""),
    "corrected with features, split .2": ("corrected judge", "split .2, with features", "", ""),
    "corrected with features, K = 5": ("corrected judge", "K = 5, with features", "", ""),
}
LOSSES = ("variance", "MSE centred", "MSE raw")


def read(folder):
    """All draws with the mean, size and variance of their set, and the labels-only answer beside each."""
    paths = [
        path for path in sorted(folder.glob("*.csv")) if path.name not in ("sets.csv", "summary.csv")
    ]
    table = pd.concat([pd.read_csv(path, keep_default_na=False) for path in paths], ignore_index=True)
    whole = table.groupby(DRAW)["set"].transform("size") == table["block_rows"]
    sets = pd.read_csv(folder / "sets.csv", index_col="set")
    table = table[whole].join(sets, on="set")
    table["set"] = pd.Categorical(table["set"], list(sets.index))
    alone = table[table["method"] == "labels only"].set_index(DRAW)[["estimate", "standard_error"]]
    return table.join(alone.rename(columns="labels_only_{}".format), on=DRAW)


def summarize(table):
    """One row for each method in each cell."""
    table = table.sort_values(DRAW, kind="stable")
    cells = table.groupby(CELL, sort=False, observed=True)
    return pd.DataFrame([dict(zip(CELL, key, strict=True)) | cell(part) for key, part in cells])


def cell(part):
    """The numbers of one method; `part` has a row for each draw."""
    total, size, n = part["variance"].iloc[0], part["rows"].iloc[0], part["n"].iloc[0]
    error = (part["estimate"] - part["mean"]).to_numpy()
    of_labels = (part["labels_only_estimate"] - part["mean"]).to_numpy() ** 2
    squared, squared_error = adjusted_mean(error**2, of_labels, total / n - total / size)
    squared += total / size
    efficiency = total / n / squared
    noise = np.sqrt(total / size)
    held = norm.cdf((part["high"] - part["mean"]) / noise) - norm.cdf(
        (part["low"] - part["mean"]) / noise
    )
    reported = (part["labels_only_standard_error"] / part["standard_error"]) ** 2
    numbers = {"draws": len(part)}
    for name, values in (
        ("bias", error),
        ("width", (part["high"] - part["low"]).to_numpy()),
        ("coverage", held),
        ("reported_efficiency", reported.to_numpy()),
    ):
        numbers[name], numbers[f"{name}_error"] = values.mean(), standard_error(values)
    return numbers | {
        "rmse": np.sqrt(squared),
        "rmse_error": squared_error / (2 * np.sqrt(squared)),
        "efficiency": efficiency,
        "efficiency_error": efficiency * squared_error / squared,
        "label_savings": 1 - 1 / efficiency,
        "label_savings_error": squared_error / (total / n),
        "n_finetune": number(part["n_finetune"]),
        "weight": number(part["weight"]),
        "residual_variance_ratio": number(part["residual_variance"]) / total,
        "choices": choices(part["choice"]),
    }


def adjusted_mean(values, control, known):
    """Mean of values, corrected by their regression on a control whose true mean is known; standard error."""
    spread = control.var()
    slope = np.cov(values, control, ddof=0)[0, 1] / spread if len(values) >= FEWEST_DRAWS else 0.0
    left = values - slope * (control - known)
    return left.mean(), standard_error(left)


def standard_error(values):
    return values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan


def number(column):
    return pd.to_numeric(column, errors="coerce").mean()


def choices(column):
    """What the allocator chose in how many of the draws."""
    shares = column[column != ""].value_counts(normalize=True)
    return ", ".join(f"{choice} {100 * share:.0f} %" for choice, share in shares.items())


def pick(summary, name, n, way):
    """The row of a set and a way, or None."""
    method, variant, loss, ratio = way
    found = summary[
        (summary["set"] == name)
        & (summary["n"] == n)
        & (summary["method"] == method)
        & (summary["variant"] == variant)
        & (summary["loss"] == loss)
        & (summary["split_ratio"].astype(str) == str(ratio))
    ]
    return found.iloc[0] if len(found) else None


def table_lines(summary, ways, n, show):
    """A table with a row for each way and a column for each set."""
    names = list(summary.loc[summary["n"] == n, "set"].unique())
    if not names:
        return []
    lines = ["| method | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    for label, way in ways.items():
        cells = [pick(summary, name, n, way) for name in names]
        if any(one is not None for one in cells):
            shown = " | ".join("" if one is None else show(one) for one in cells)
            lines.append(f"| {label} | {shown} |")
    return [*lines, ""]


def plus_minus(name, scale=1.0, digits=2, sign=""):
    def show(row):
        value = round(scale * row[name], digits) + 0.0  # never -0
        return f"{value:{sign}.{digits}f} +- {scale * row[f'{name}_error']:.{digits}f}"

    return show


MEASURES = {
    "Efficiency: how often a label counts, from squared errors": plus_minus("efficiency"),
    "Efficiency as the estimator itself reports it": plus_minus("reported_efficiency"),
    "Labels saved, percent": plus_minus("label_savings", 100, 0),
    "Coverage of the 95 % interval, percent": plus_minus("coverage", 100, 1),
    "Bias, in units of y": plus_minus("bias", 1, 4, "+"),
    "Root mean squared error": plus_minus("rmse", 1, 4),
    "Mean width of the interval": plus_minus("width", 1, 4),
}


def loss_ways(ratio, variant):
    return {f"{loss}, {variant}, s/n = {ratio}": ("split", variant, loss, ratio) for loss in LOSSES}


def residual(row):
    return f"{row['residual_variance_ratio']:.3f}"


def loss_lines(summary, n):
    """The comparison of losses: residual variance after training, and efficiency."""
    lines = []
    ratios = sorted({float(ratio) for ratio in summary["split_ratio"] if ratio != ""})
    for title, variant, show in (
        ("V(y - f) / V(Y) after training on s labels", "plain, lambda = 1", residual),
        ("Efficiency reported, lambda = 1", "plain, lambda = 1", plus_minus("reported_efficiency")),
        ("Efficiency reported, tuned lambda", "plain", plus_minus("reported_efficiency")),
    ):
        ways = {}
        for ratio in ratios:
            ways |= loss_ways(ratio, variant)
        rows = table_lines(summary, ways, n, show)
        lines += [f"### {title}, n = {n}", "", *rows] if rows else []
    return lines


def together_lines(part, ways):
    """All sets and sizes in one table: what holds on average, and in the worst cell."""
    lines = ["### All sets and numbers of labels together", ""]
    lines += ["| method | coverage, percent | lowest | highest | measured over reported efficiency |"]
    lines += ["| --- | --- | --- | --- | --- |"]
    cells = [(name, n) for name in part["set"].unique() for n in part["n"].unique()]
    for label, way in ways.items():
        rows = [row for row in (pick(part, *one, way) for one in cells) if row is not None]
        if rows:
            held = [100 * row["coverage"] for row in rows]
            ratio = np.mean([row["efficiency"] / row["reported_efficiency"] for row in rows])
            lines.append(
                f"| {label} | {np.mean(held):.1f} | {min(held):.1f} | {max(held):.1f} | {ratio:.2f} |"
            )
    return [*lines, ""]


def chosen_lines(part, n):
    """What the allocator chose."""
    ways = {label: way for label, way in MAIN.items() if way[0] == "allocator"}
    rows = table_lines(part, ways, n, lambda row: f"{row['choices']}, mean s = {row['n_finetune']:.0f}")
    return [f"### What the allocator chose, n = {n}", "", *rows] if len(rows) > 3 else []


def markdown(summary):
    """All tables."""
    lines = ["# Real ratings", ""]
    for model, part in summary.groupby("model", sort=False):
        ways = JUDGE if model == "judge" else MAIN
        draws = part["draws"]
        lines += [f"## Model: {model}, {draws.min()} to {draws.max()} draws", ""]
        for n in sorted(part["n"].unique()):
            for title, show in MEASURES.items():
                rows = table_lines(part, ways, n, show)
                lines += [f"### {title}, n = {n}", "", *rows] if rows else []
            if model != "judge":
                lines += chosen_lines(part, n) + loss_lines(part, n)
        lines += together_lines(part, ways)
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--n", type=int, default=1000, help="labels in the figures")
    parser.add_argument("--judge-n", type=int, default=200, help="labels in the figure of judges")
    parser.add_argument("--figures", type=Path, help="folder for the figures")
    options = parser.parse_args()
    summary = summarize(read(options.out))
    summary.to_csv(options.out / "summary.csv", index=False, float_format="%.6g")
    (options.out / "summary.md").write_text(markdown(summary))
    if options.figures:
        from _rating_figures import draw_figures

        draw_figures(summary, options.figures, options.n, options.judge_n, MAIN, JUDGE)


if __name__ == "__main__":
    main()
