"""The variance loss beside squared errors: where it pays, where it does not, and where it hurts.

    OMP_NUM_THREADS=1 python benchmarks/losses.py --data FOLDER --out FOLDER [--seeds 8] [--settings NAME ...] [--minutes 40]

Seed r takes s rows that train and up to 3,000 others that test; the same rows, initial weights and batches serve every criterion
(other initial weights where shuffled batches stand beside others). Each fit leaves a line in OUT/losses.csv, and a second start goes on where
the first ended. The network is that of `VarianceRegressor` (64 hidden units, batches of 64, 20 epochs unless said otherwise) on
all-MiniLM-L6-v2 vectors, wines also on columns of a table.

* ordinary: standardized targets, shuffled batches;
* small batches: the same with batches of 8 or 32 of 320 rows;
* raw scales: 300 rows; "MSE" and "variance, raw" get ratings as they come, "MSE, mean subtracted" gets them without their mean;
  wines of the table cost $100 at most;
* biased starts: 100 rows, a network that has learned from the other half of the set, whose ratings were off by a constant or by one of each
  kind of document, or from another set. "variance" and "centered MSE" first subtract the mean error, "MSE" does not;
* sorted batches: a loop of one's own on 320 rows, batches always of the same rows, which are alike in something, in random order;
* drifting raters: the same in order of time, while raters become more lenient, by a trend whose SD is that of the ratings or three times
  that. Rows that test have no drift. "batch means subtracted" takes from each rating the mean of its batch, then shuffles.

Printed: residual variance v over V(Y) under the variance loss, then that of the other criteria over it: geometric mean over seeds,
paired, with its Monte Carlo standard error. Above 1 the variance loss is better: with an endless pool a ratio of 1.02 costs 2 % more
labels. Then the same of what is left with the best lambda, V(Y) (1 - correlation^2), which forgives a wrong scale.
"""

import argparse
import csv
import io
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _loss_settings import SETTINGS, VARIANCE

KEYS = ["setting", "case", "criterion", "seed"]
FIELDS = [*KEYS, "total", "variance", "tuned"]


def finished(path):
    """What has been done, without a last line that was cut off."""
    text = path.read_text("utf-8") if path.exists() else ""
    text = text[: text.rfind("\n") + 1] or ",".join(FIELDS) + "\n"
    path.write_text(text, "utf-8")
    return set(pd.read_csv(io.StringIO(text))[KEYS].itertuples(index=False, name=None))


def jobs(options):
    """Cases, criteria and seeds; the seeds in turn, so that a start that ends early has some of each case."""
    cases = [case for name in options.settings for case in SETTINGS[name](options.data)]
    for seed in range(options.seeds):
        for case in cases:
            for criterion in case.fits:
                yield case, criterion, seed


def work(options):
    """Do what has not been done until the minutes are over."""
    path, end = options.out / "losses.csv", time.monotonic() + 60 * options.minutes
    done = finished(path)
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        for case, criterion, seed in jobs(options):
            key = (case.setting, case.name, criterion, seed)
            if key in done:
                continue
            if time.monotonic() > end:
                return
            measured = case.measure(criterion, seed)
            writer.writerow(dict(zip(KEYS, key, strict=True)) | measured)
            file.flush()


def report(frame):
    """Lines of Markdown: a table for each setting and measure."""
    for setting, rows in frame.groupby("setting", sort=False):
        for measure, title in (("variance", "v"), ("tuned", "v with the best lambda")):
            yield f"\n{setting}, {title}, {rows['seed'].nunique()} seeds\n"
            yield from table(rows, measure)


def table(rows, measure):
    """One line for each case."""
    rivals = [name for name in rows["criterion"].unique() if name != VARIANCE]
    header = ["case", f"{VARIANCE}: v/V(Y)", *rivals]
    yield f"| {' | '.join(header)} |\n|{' --- |' * len(header)}"
    for name, part in rows.groupby("case", sort=False):
        wide = part.pivot_table(index="seed", columns="criterion", values=measure)
        own = (wide[VARIANCE] / part.groupby("seed")["total"].first()).mean()
        cells = [ratio(np.log(wide[rival] / wide[VARIANCE]).dropna()) for rival in rivals]
        yield f"| {name} | {own:.3f} | {' | '.join(cells)} |"


def ratio(logs):
    """Geometric mean with its error."""
    mean = np.exp(logs.mean())
    return f"{mean:.3f} +- {mean * logs.std(ddof=1) / np.sqrt(len(logs)):.3f}"


def main(arguments=None):
    """Work, then report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--minutes", type=float, default=40)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    work(options)
    frame = pd.read_csv(options.out / "losses.csv")
    print("\n".join(report(frame[frame["seed"] < options.seeds])))


if __name__ == "__main__":
    main()
