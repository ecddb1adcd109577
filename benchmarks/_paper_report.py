"""Tables of `paper.py`: labels saved and coverage with Monte Carlo errors, the law, and what the paper prints."""

import numpy as np
import pandas as pd
from scipy.stats import norm

from sklearn_ftr import fit_scaling_law

KEYS = ["set", "model", "predictor", "n"]
CASE = ["method", "loss", "size"]
PUBLISHED = "Published: EmoBank valence v(s) = 0.287 s^-0.297 + 0.042; wine, labels saved 45 to 66 %."


def report(frame):
    """Lines of a Markdown report."""
    frame = frame.fillna({"loss": "", "size": 0})
    for keys, rows in frame.groupby(KEYS, dropna=False):
        yield "\n### " + ", ".join(str(key) for key in keys) + "\n"
        yield markdown(pd.DataFrame(savings(rows)))
        yield "\n" + law(rows)
    yield "\n" + PUBLISHED


def savings(rows):
    """One line for each method: labels saved, error, coverage."""
    n, total, size, mean = (rows[name].iloc[0] for name in ("n", "total", "rows", "mean"))
    alone = (
        rows[rows["method"] == "labels only"].drop_duplicates("draw").set_index("draw")["estimate"]
        - mean
    )
    for (method, loss, labels), part in rows.groupby(CASE):
        part = part.drop_duplicates("draw").set_index("draw")
        error = adjusted(part["estimate"] - mean, alone, total * (1 / n - 1 / size)) + total / size
        hit = covered(part, mean, total / size)
        # What is trained in folds or not at all rectifies with all labels.
        used = 1 - labels / n if method.startswith("both") else 1
        folds = method == "cross-fitting"
        saved = 100 * (1 - n * error / total)
        yield {
            "method": method,
            "loss": loss,
            "labels that train, or folds": f"K = {labels:.0f}" if folds else f"{labels:.0f}",
            "RMSE": f"{np.sqrt(error.mean()):.4g}",
            "labels saved": shown(saved),
            "reported": shown(100 * (1 - n * part["standard_error"] ** 2 / total), method),
            "endless pool": shown(100 * (1 - part["variance"] / total / used), method, used),
            "coverage": shown(100 * hit),
            "draws": len(part),
        }


def adjusted(errors, alone, known):
    """Squared errors less what luck of the same draws did to labels alone, whose mean square is known."""
    square, luck = (errors**2).align(alone**2 - known, join="inner")
    if len(square) < 20:
        return square
    slope = np.cov(square, luck)[0, 1] / np.var(luck, ddof=1)
    return square - slope * luck


def covered(part, mean, spread):
    """How surely each interval holds the mean of the law, which is normal about the mean of the rows."""
    scale = np.sqrt(spread)
    return pd.Series(norm.cdf((part["high"] - mean) / scale) - norm.cdf((part["low"] - mean) / scale))


def shown(values, method="", used=1.0):
    """Mean with its Monte Carlo error."""
    if method == "fine-tune only" or used == 0 or not np.isfinite(values).all():
        return ""
    if len(values) < 2:
        return f"{values.mean():.1f}"
    return f"{values.mean():.1f} +- {values.std(ddof=1) / np.sqrt(len(values)):.1f}"


def law(rows):
    """v(s) over V(Y), the fitted law, its best split beside the best of the grid."""
    trained = rows[(rows["method"] == "fine-tune only") & (rows["loss"] == "variance")]
    curve = trained.groupby("size")["variance"].mean()
    total, n = rows["total"].iloc[0], rows["n"].iloc[0]
    ratios = ", ".join(f"{size:.0f}: {value / total:.3f}" for size, value in curve.items())
    if len(curve) < 3:
        return f"v(s)/V(Y): {ratios}"
    fitted = fit_scaling_law(curve.index.to_numpy(), curve.to_numpy()).law
    inner = curve[curve.index < n]
    grid = (inner / (n - inner.index)).idxmin()
    best = fitted.optimal_split(int(n))
    known = f"a = {fitted.a:.3g}, alpha = {fitted.alpha:.3g}, b = {fitted.b:.3g}"
    return f"v(s)/V(Y): {ratios}\n\nLaw: {known}; best split {best}, best of the grid {grid:.0f}."


def markdown(frame):
    lines = [list(frame.columns), ["---"] * frame.shape[1], *frame.astype(str).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
