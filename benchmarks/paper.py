"""The paper's experiment (arXiv 2511.19486) as one command that can be stopped and goes on: splits, baselines, law, savings.

    python benchmarks/paper.py --data FOLDER --out FOLDER --vectors FOLDER [--model minilm mpnet both] [--seeds 100]
    python benchmarks/paper.py --data FOLDER --out FOLDER --model NAME_OR_FOLDER --method lora [--device cuda] [--minutes 60]
    python benchmarks/paper.py --out FOLDER

Its sets: EmoBank valence (v1) and points of wine reviews (v2); `--sets` takes amazon and tweets too. With --vectors predictors
are trained on frozen sentence vectors (`--predictor`), otherwise --model is fine-tuned by `TextVarianceRegressor`. The last form only reports.

Draw i (seed i) takes n rows as labels, all others are the pool. Labels only; fine-tune only (the mean prediction, its interval that of a
mean); both, at each split of the grid, lambda tuned and 1, under the variance loss and under MSE on raw ratings; cross-fitting
(K = 5, 10) and the allocator, which the paper does not have. Rectify only needs a model that answers untrained: encoders
have no head that could, so that there it is labels only (lambda = 0).

Not found in what could be read of the paper (abstract and excerpts), and chosen here: its split grid (--sizes), how often it draws, its pools. Each job
is written at once to OUT/paper.csv with all its rows.

Two things can be asked with a pool at hand, and each has its own interval: the mean of the law that rows come from, and that of the N rows
(`finite_population=True`); `--of` says which cross-fitting and the allocator answer. Coverage of rows counts intervals that hold their mean. That of the
law cannot be counted with one set of rows: it is how surely an interval holds a mean that is normal about that of the rows with variance V/N.

Labels saved are 1 - n E / V(Y), where E is the squared error to the mean of the law: that to the mean of the N rows, plus V(Y)/N. The share is the same of both:
that many labels fewer than labels alone need, 1 / (E / V(Y)), wherever the error is taken from. "Reported" is the same by the standard error, "endless pool"
what the same variance of errors would save were the pool endless.
"""

import argparse
import csv
import io
import sys
import time
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from _paper_methods import LAW, ROWS, Draw, allocator, folds, labels_only, split
from _paper_report import report
from _paper_sets import SETS, on_texts, on_vectors, population

HEAD = ["set", "model", "predictor", "n", "draw", "job"]
NUMBERS = [
    "estimate",
    "standard_error",
    "low",
    "high",
    "weight",
    "variance",
    "endless",
    "size",
    "chosen",
]
FIELDS = [*HEAD, "method", "loss", "of", *NUMBERS, "rows", "mean", "total", "seconds"]
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
SIZES = (50, 100, 150, 200, 300, 400, 500, 700, 1000)


def jobs(options):
    """Names of jobs with what makes their rows, for one draw."""
    named = {"labels only": lambda draw, make: labels_only(draw, make)}
    for size, loss in product(options.sizes, options.losses):
        if size <= options.n:
            named[f"split {size} {loss}"] = _with(split, size, loss)
    for count, of in product(options.folds, options.of):
        named[f"folds {count} {of}"] = _with(folds, count, "variance", of)
    for strategy, of in product(options.allocator, options.of):
        named[f"allocator {strategy} {of}"] = _with(allocator, strategy, of)
    return named


def _with(function, *more):
    return lambda draw, make: function(draw, make, *more)


def schedule(options):
    """Draw by draw, so that a run that is stopped has as many of every set and model."""
    return [
        (name, model, predictor, options.n, seed, job)
        for seed in range(options.seeds)
        for name, model, predictor in product(options.sets, options.model, options.predictor)
        for job in jobs(options)
    ]


def run(options, name, model, predictor, n, seed, job):
    """All rows of one job."""
    draw = drawn(options.data, name, options.vectors, model, n, seed)
    start = time.perf_counter()
    answers = list(jobs(options)[job](draw, lambda loss: maker(options, model, predictor, loss)))
    about = {"rows": len(draw.y), "mean": draw.y.mean(), "total": draw.y.var(ddof=1)}
    about["seconds"] = time.perf_counter() - start
    head = dict(zip(HEAD, (name, model, predictor, n, seed, job), strict=True))
    return [head | about | answer for answer in answers]


@lru_cache(maxsize=1)
def drawn(data, name, vectors, model, n, seed):
    """The population of a set in the order of a draw."""
    rows = population(data, name, vectors, model)
    order = np.random.default_rng(seed).permutation(len(rows.y))
    return Draw(seed, n, rows.X[order], rows.y[order])


def maker(options, model, predictor, loss):
    if options.vectors is not None:
        return on_vectors(predictor, loss)
    return on_texts(model, predictor, options.device, loss)


def append(path, rows):
    """The rows of one job in one write."""
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    if not path.exists():
        writer.writeheader()
    writer.writerows(rows)
    with path.open("a") as file:
        file.write(text.getvalue())


def finished(path):
    """Jobs in the table; one that a stopped run left unfinished is cut off."""
    if not path.exists():
        return set()
    text = path.read_text()
    table = pd.read_csv(io.StringIO(text[: text.rfind("\n") + 1]))
    if list(table.columns) != FIELDS:
        raise ValueError(
            f"{path} has other columns than this version writes: give another folder as --out."
        )
    if not text.endswith("\n"):
        last = (table[HEAD] == table[HEAD].iloc[-1]).all(axis=1) if len(table) else []
        table = table[~np.asarray(last, dtype=bool)]
        table.to_csv(path, index=False)
    return set(table[HEAD].itertuples(index=False, name=None))


def work(options):
    """Do what has not been done until the minutes are over."""
    path = options.out / "paper.csv"
    done, end = finished(path), time.monotonic() + 60 * options.minutes
    left = [job for job in schedule(options) if job not in done]
    print(f"{len(left)} jobs to do, {path}", file=sys.stderr, flush=True)
    for job in left:
        if time.monotonic() > end:
            break
        append(path, run(options, *job))


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="without it, only report")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--vectors", type=Path, help="folder of sentence vectors")
    parser.add_argument(
        "--model", nargs="+", help="minilm, mpnet, both with --vectors; else names or folders"
    )
    parser.add_argument(
        "--predictor", nargs="+", default=["ridge"], help="on vectors: ridge, svr, ridge+svr"
    )
    parser.add_argument("--method", nargs="+", default=["lora"], choices=["head", "lora", "full"])
    parser.add_argument("--sets", nargs="+", default=["EmoBank V", "wine points"], choices=list(SETS))
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--losses", nargs="+", default=["variance", "mse"])
    parser.add_argument("--folds", type=int, nargs="*", default=[5])
    parser.add_argument("--allocator", nargs="*", default=["split", "auto"])
    parser.add_argument(
        "--of",
        nargs="+",
        default=[LAW, ROWS],
        choices=[LAW, ROWS],
        help="what cross-fitting and the allocator answer",
    )
    parser.add_argument("--seeds", type=int, default=3, help="draws")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)
    if options.vectors is None:
        options.predictor = options.method
    options.model = options.model or ["both" if options.vectors else MINILM]
    return options


def main(arguments=None):
    options = parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.data:
        work(options)
    print("\n".join(report(pd.read_csv(options.out / "paper.csv"))))


if __name__ == "__main__":
    main()
