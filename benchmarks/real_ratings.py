"""Fine-tuning then rectification on real ratings: draws of labels, every method's answer to each, in a resumable table.

    python benchmarks/real_ratings.py --data FOLDER --out FOLDER --model ridge [--reps 200] [--jobs 2]
    python benchmarks/real_ratings_report.py --out FOLDER

--data holds the sets (see `_rating_sets.py`). A set is a finite population of N rated rows. Draw i (seed i) takes n of
them at random as labels; all others are the pool. Methods:

    labels only     mean and t interval of the n labels
    plug in         train on all n labels and report the mean prediction over the pool. Its interval is the t interval
                    of that mean, as if predictions were data: it knows nothing of the predictor's bias and of how the
                    training labels fell, and so holds the truth much too rarely
    zero-shot       a predictor trained on another set's ratings, rectified by all n labels
    split           RectifiedMeanEstimator at fixed ratios s / n, for three losses: plain (the paper, with a tuned
                    lambda), recycled, and plain with lambda = 1 (the paper to the letter); one training for all three
    allocator       FineTuneRectifyAllocator, its curve measured within the n labels
    cross-fitting   K = 2, 5 and 10
    ppi-python      crossppi_mean_ci on the same fold models as K = 5 and 10. The bootstrap of its paper, 30 more
                    trainings, raises its standard error by 1 to 3 % here: --methods labels-only ppi-bootstrap

Models: `ridge`, closed form on frozen sentence vectors (`_ridge_losses.py`); `mlp`, a VarianceRegressor on the vectors;
`text-head`, `text-lora`, `text-full`, a TextVarianceRegressor on the texts; `judge`, nothing trained but corrections of
a language model's answers that come with the set (then `zero-shot` rectifies them, and `ppi-python` is ppi_mean_ci with
a tuned lambda on the same arrays).

Each (set, n, draw) is one block of rows in OUT/<model>.csv. A rerun skips finished blocks, so that --reps can grow and
a run can be stopped at any time; delete the file to change methods. OUT/sets.csv holds the size, mean and variance of each set.
--check verifies on one draw of each set that answers which share a training equal those of estimators fitted alone.
"""

import argparse
import csv
import io
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
from _rating_methods import check
from _rating_models import (
    DEFAULT_SIZES,
    METHODS,
    SIZES,
    draw_labels,
    functions,
    make_model,
    population,
    set_names,
)
from joblib import Parallel, delayed, parallel_config
from threadpoolctl import threadpool_limits

COLUMNS = [
    *("set", "model", "n", "draw", "method", "variant", "loss", "split_ratio", "choice"),
    *("estimate", "standard_error", "low", "high", "n_finetune", "weight", "residual_variance"),
    "block_rows",
]
KEY = ["set", "n", "draw"]
SMALLEST_POOL = 100


def block(options, name, n, seed):
    """All rows of one draw."""
    with warnings.catch_warnings(), threadpool_limits(1):
        one_torch_thread()
        X, y = population(options.data, options.model, name)
        draw = draw_labels(X, y, n, seed, options.pool)
        model = make_model(options.data, options.model, name, options.max_epochs, options.device)
        methods = functions(options.model)
        rows = [row for method in options.methods for row in methods[method](draw, model)]
    head = {"set": name, "model": options.model, "n": n, "draw": seed, "block_rows": len(rows)}
    return [head | row for row in rows]


def one_torch_thread():
    """Where torch has been imported: threads that wait for each other are slower than one."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def finished(path):
    """Blocks that are complete in the table; a block that an interrupted run left behind is cut off."""
    if not path.exists():
        return set()
    text = path.read_text()
    table = pd.read_csv(io.StringIO(text[: text.rfind("\n") + 1]), keep_default_na=False)
    if not len(table):
        return set()
    whole = table.groupby(KEY)["set"].transform("size") == table["block_rows"]
    if not whole.all() or not text.endswith("\n"):
        table[whole].to_csv(path, index=False)
    return set(table.loc[whole, KEY].itertuples(index=False, name=None))


def append(path, rows):
    """One block at the end of the table, in one write."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    if not path.exists():
        writer.writeheader()
    writer.writerows({key: shown(value) for key, value in row.items()} for row in rows)
    with path.open("a") as file:
        file.write(text.getvalue())


def shown(value):
    return f"{value:.9g}" if isinstance(value, float) else value


def describe(options):
    """Size, mean and variance of the sets, for the report."""
    rows = {}
    path = options.out / "sets.csv"
    if path.exists():
        rows = pd.read_csv(path, index_col="set").to_dict("index")
    for name in options.sets:
        y = population(options.data, options.model, name)[1]
        rows[name] = {"rows": len(y), "mean": float(y.mean()), "variance": float(y.var(ddof=1))}
    pd.DataFrame.from_dict(rows, orient="index").rename_axis("set").to_csv(path, float_format="%.12g")
    return {name: rows[name]["rows"] for name in options.sets}


def unfinished(options, sizes, path):
    """What is left to do; draw by draw, so that an interrupted run has as many draws of every set."""
    done = finished(path)
    large = {(name, n) for name in options.sets for n in options.n if sizes[name] - n < SMALLEST_POOL}
    for name, n in sorted(large):
        print(f"left out: {name} has too few rows for n = {n}", file=sys.stderr)
    return [
        (name, n, seed)
        for seed in range(options.reps)
        for name in options.sets
        for n in options.n
        if (name, n) not in large and (name, n, seed) not in done
    ]


def run(options):
    """Append the missing blocks, with progress on stderr."""
    path = options.out / f"{options.model}.csv"
    tasks = unfinished(options, describe(options), path)
    print(f"{len(tasks)} draws to do, {path}", file=sys.stderr, flush=True)
    start = time.perf_counter()
    with parallel_config(backend="loky", inner_max_num_threads=1):
        blocks = Parallel(n_jobs=options.jobs, return_as="generator_unordered")(
            delayed(block)(options, *task) for task in tasks
        )
        for count, rows in enumerate(blocks, start=1):
            append(path, rows)
            if count % options.report_every == 0 or count == len(tasks):
                spent = time.perf_counter() - start
                left = spent / count * (len(tasks) - count)
                print(
                    f"{count} of {len(tasks)} draws, {spent:.0f} s, about {left:.0f} s left",
                    file=sys.stderr,
                    flush=True,
                )


def check_sharing(options):
    for name in options.sets:
        X, y = population(options.data, options.model, name)
        model = make_model(options.data, options.model, name, options.max_epochs, options.device)
        check(draw_labels(X, y, options.n[0], 0, options.pool), model)
        print(f"{name}: shared trainings give the same answers", file=sys.stderr)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", choices=list(METHODS), default="ridge")
    parser.add_argument("--sets", nargs="+", help="default: all that the model has")
    parser.add_argument("--methods", nargs="+", help="default: those that suit the model")
    parser.add_argument("--n", type=int, nargs="+")
    parser.add_argument("--reps", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--pool", type=int, help="largest pool, for models that predict slowly")
    parser.add_argument(
        "--max-epochs", type=int, help="for networks; default: 20 for mlp, else the estimator's own"
    )
    parser.add_argument("--device", help="for text models")
    parser.add_argument("--report-every", type=int, default=20)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    options.sets = options.sets or list(set_names(options.model))
    options.methods = options.methods or list(METHODS[options.model])
    options.n = options.n or list(SIZES.get(options.model, DEFAULT_SIZES))
    for given, known in (
        (options.sets, set_names(options.model)),
        (options.methods, functions(options.model)),
    ):
        if unknown := set(given) - set(known):
            parser.error(f"{options.model} has no {sorted(unknown)}; it has {list(known)}")
    return options


def main():
    options = parse()
    options.out.mkdir(parents=True, exist_ok=True)
    (check_sharing if options.check else run)(options)


if __name__ == "__main__":
    main()
