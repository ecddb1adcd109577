"""What each draw of `paper.py` says of a method, in percent: labels saved and coverage."""

import numpy as np
import pandas as pd
from scipy.stats import norm

CASE = ["method", "loss", "size", "of"]


def cases(rows):
    """Rows of each method on one set, by draw, with their percents."""
    luck = of_labels_alone(rows)
    for case, part in rows.groupby(CASE):
        part = part.drop_duplicates("draw").set_index("draw")
        yield case, part.join(percents(part, luck))


def percents(part, luck):
    """Labels saved, the same by the standard error and with an endless pool, coverage."""
    method, of, n, total = (part[name].iloc[0] for name in ("method", "of", "n", "total"))
    # The mean of the rows is off that of their law, whatever is done.
    beyond = total / part["rows"]
    error = adjusted((part["estimate"] - part["mean"]) ** 2, luck) + beyond
    stated = part["standard_error"] ** 2 + (beyond if of == "rows" else 0)
    # Fine-tuning alone states none, and an endless pool is no rows at hand.
    stated *= np.nan if method == "fine-tune only" else 1
    endless = part["endless"] * (1 if of == "law" else np.nan)
    variances = {"saved": error, "reported": stated, "endless pool": endless / n}
    saved = {name: 100 * (1 - n * variance / total) for name, variance in variances.items()}
    return pd.DataFrame(saved | {"coverage": 100 * covered(part, of, beyond)})


def of_labels_alone(rows):
    """What luck of each draw did to the squared error of labels alone, whose mean is known."""
    alone = rows[(rows["method"] == "labels only") & (rows["of"] == "law")]
    alone = alone.drop_duplicates("draw").set_index("draw")
    known = alone["total"] * (1 / alone["n"] - 1 / alone["rows"])
    return (alone["estimate"] - alone["mean"]) ** 2 - known


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
    sure = norm.cdf(high / np.sqrt(beyond)) - norm.cdf(low / np.sqrt(beyond))
    return pd.Series(sure, part.index)


def shown(values):
    """Mean with its Monte Carlo error."""
    if not np.isfinite(values).all():
        return ""
    if len(values) < 2:
        return f"{values.mean():.1f}"
    return f"{values.mean():.1f} +- {values.std(ddof=1) / np.sqrt(len(values)):.1f}"


def counted(hits):
    """Share of intervals that hold the truth, its error that of one half of a miss more, so that all hits are not certainty."""
    n = len(hits)
    share = (hits.sum() / 100 + 0.5) / (n + 1)
    return f"{hits.mean():.1f} +- {100 * np.sqrt(share * (1 - share) / n):.1f}"


def coverage(part):
    """Counted of the rows at hand, else a mean of probabilities."""
    return (counted if part["of"].iloc[0] == "rows" else shown)(part["coverage"])
