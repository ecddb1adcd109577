"""Tables of `paper.py`: labels saved and coverage with Monte Carlo errors, the law, and what the paper prints."""

import numpy as np
import pandas as pd
from scipy.stats import norm

from sklearn_ftr import ScalingLaw, fit_scaling_law

KEYS = ["set", "model", "predictor", "n"]
CASE = ["method", "loss", "size", "of"]
PUBLISHED = (0.287, 0.297, 0.042)


def report(frame):
    """Lines of a Markdown report."""
    frame = frame.fillna({"loss": "", "size": 0})
    for keys, rows in frame.groupby(KEYS, dropna=False):
        yield "\n### " + ", ".join(str(key) for key in keys) + "\n"
        yield markdown(pd.DataFrame(savings(rows)))
        yield "\n" + law(rows)


def savings(rows):
    """One line for each method: labels saved, error, coverage."""
    n, total = rows["n"].iloc[0], rows["total"].iloc[0]
    luck = of_labels_alone(rows)
    for (method, loss, labels, of), part in rows.groupby(CASE):
        part = part.drop_duplicates("draw").set_index("draw")
        # The mean of the rows is off that of their law, whatever is done.
        beyond = total / part["rows"]
        error = adjusted((part["estimate"] - part["mean"]) ** 2, luck) + beyond
        folds, endless = method == "cross-fitting", part["endless"] * (1 if of == "law" else np.nan)
        yield {
            "method": method,
            "loss": loss,
            "of the": of,
            "labels that train, or folds": f"K = {labels:.0f}" if folds else training(part, labels),
            "RMSE": f"{np.sqrt(error.mean()):.4g}",
            "labels saved": shown(100 * (1 - n * error / total)),
            "reported": shown(100 * (1 - n * reported(part, method, of, beyond) / total)),
            "endless pool": shown(100 * (1 - endless / total)),
            "coverage": shown(100 * covered(part, of, beyond)),
            "draws": len(part),
        }


def of_labels_alone(rows):
    """What luck of each draw did to the squared error of labels alone, whose mean is known."""
    alone = rows[(rows["method"] == "labels only") & (rows["of"] == "law")]
    alone = alone.drop_duplicates("draw").set_index("draw")
    known = alone["total"] * (1 / alone["n"] - 1 / alone["rows"])
    return (alone["estimate"] - alone["mean"]) ** 2 - known


def training(part, labels):
    """How many labels trained; the allocator's choice, its mean."""
    return f"{labels:.0f}" if part["chosen"].isna().all() else f"{part['chosen'].mean():.0f}"


def reported(part, method, of, beyond):
    """Variance by the method's own standard error, about the mean of the law; fine-tuning alone has none."""
    variance = part["standard_error"] ** 2 + (beyond if of == "rows" else 0)
    return variance * (np.nan if method == "fine-tune only" else 1)


def adjusted(square, luck):
    """Squared errors less what luck of the same draws did to labels alone."""
    square, luck = square.align(luck, join="inner")
    if len(square) < 20:
        return square
    slope = np.cov(square, luck)[0, 1] / np.var(luck, ddof=1)
    return square - slope * luck


def covered(part, of, beyond):
    """Whether each interval holds the mean of the rows; how surely that of the law, which is normal about the former."""
    low, high = part["low"] - part["mean"], part["high"] - part["mean"]
    if of == "rows":
        return ((low <= 0) & (high >= 0)).astype(float)
    return pd.Series(norm.cdf(high / np.sqrt(beyond)) - norm.cdf(low / np.sqrt(beyond)))


def shown(values):
    """Mean with its Monte Carlo error."""
    if not np.isfinite(values).all():
        return ""
    if len(values) < 2:
        return f"{values.mean():.1f}"
    return f"{values.mean():.1f} +- {values.std(ddof=1) / np.sqrt(len(values)):.1f}"


def law(rows):
    """v(s) over V(Y), the fitted law beside the published one, and the best splits by both and of the grid."""
    trained = rows[(rows["method"] == "fine-tune only") & (rows["loss"] == "variance")]
    curve = trained.groupby("size")["variance"].mean()
    total, n = rows["total"].iloc[0], int(rows["n"].iloc[0])
    ratios = ", ".join(f"{size:.0f}: {value / total:.3f}" for size, value in curve.items())
    if len(curve) < 3:
        return f"v(s)/V(Y): {ratios}"
    inner = curve[curve.index < n]
    grid = (inner / (n - inner.index)).idxmin()
    laws = [["here", fit_scaling_law(curve.index.to_numpy(), curve.to_numpy()).law]]
    if rows["set"].iloc[0] == "EmoBank V":
        laws.append(["published", ScalingLaw(*PUBLISHED)])
    table = markdown(pd.DataFrame(described(*each, n, total) for each in laws))
    published = (
        "" if rows["set"].iloc[0] != "wine points" else "\n\nPublished: labels saved 45 to 66 %."
    )
    return f"v(s)/V(Y): {ratios}\n\n{table}\n\nBest split of the grid: {grid:.0f}.{published}"


def described(name, fitted, n, total):
    """A law and what it promises for an endless pool."""
    best = fitted.optimal_split(n)
    promised = {"one split": fitted.predict(best) * n / (n - best), "K = 5": fitted.predict(0.8 * n)}
    numbers = {"a": fitted.a, "alpha": fitted.alpha, "b": fitted.b}
    return (
        {"law": name}
        | {key: f"{value:.3g}" for key, value in numbers.items()}
        | {
            "v(100)/V(Y)": f"{fitted.predict(100) / total:.3f}",
            "v(n)/V(Y)": f"{fitted.predict(n) / total:.3f}",
        }
        | {"best split": best}
        | {f"saved, {key}": f"{100 * (1 - value / total):.0f}" for key, value in promised.items()}
    )


def markdown(frame):
    lines = [list(frame.columns), ["---"] * frame.shape[1], *frame.astype(str).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
