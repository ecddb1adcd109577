"""How well the allocator picks and promises: models that differ in their learning curves, on real and made sets.

    python benchmarks/regret.py --data FOLDER --cache FOLDER [--minutes 180] [--draws 100] [--jobs 2]
                                [--models ridge kNN ...] [--sets tweets late ...] [--n 100 300 1000]
    python benchmarks/regret.py --report --cache FOLDER

Models (`_regret_models.py`): ridge, alpha = 1; 5 nearest neighbors; scikit-learn's MLP, 100 epochs at a rate of 0.01; VarianceRegressor, 20 epochs on
sentence vectors and 60 elsewhere; 50 trees, a third of the columns, at least 3 rows in a leaf; histogram gradient boosting, 50 trees, at least 5 rows in a leaf; LoRA
and full fine-tuning of MiniLM, whose measured curves a made model follows, with 5 % and 10 % of luck in each training. Ridge sees sentence
vectors as they are, the others their first 50 principal components (of all rows, without labels).

Sets (`_regret_sets.py`): five real ones; Friedman's first, noise 1; "late", y = 3 + sin(x0) + x1 x2 + .3 noise, six normal columns; "noise", ten columns that say nothing.

A draw (seed i) takes n rows as labels and 5,000 others as the pool, which repeat where the set has fewer: plans count them, and nothing depends
on what is predicted for them. `FineTuneRectifyAllocator` is fitted three times, with its defaults but for `strategy`: "split", plain and recycled, and "auto".

Truth (`_regret_truth.py`): v(s) / V(Y) on 26 sizes from 2 to 950, means of trainings on draws of their own tested on 2,500 other rows, smoothed within
their Monte Carlo errors. The package's formulas with this curve in place of the law give the variance of every way to use the labels. Regret: that of what was
picked over the smallest, minus one: over all splits, or, for "auto", over labels only, the best split and 2 and 5 folds. Promised over true
efficiency is that of the option that was picked; its range (95 % of the law) holds if the true standard error is inside.

Every training of a true curve and every draw that is finished is a line in the cache, so that a run goes on where an earlier one was stopped;
draws advance evenly over all cells. The report needs nothing but the cache. Another version of the package needs another cache.
"""

import argparse
import json
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _regret_cells import WAYS
from _regret_models import LUCK, MODELS, STORED, StoredCurve
from _regret_report import report
from _regret_sets import MADE, REAL, Population, population
from _regret_truth import POOL, measure
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from sklearn_ftr import FineTuneRectifyAllocator, MissedForecastWarning, RectifiedMeanEstimator

SETS = (*REAL, *(name for name in MADE if name != "stored"))
SIZES = (100, 300, 1000)
N_FOLDS = 5


class Task(NamedTuple):
    """A draw of n labels, or, where n is 0, a repetition of the true curve."""

    model: str
    set: str
    n: int
    seed: int


class Case(NamedTuple):
    """What a task is about."""

    model: Any
    population: Population


def case(folder: Path | None, model: str, name: str) -> Case:
    if model in LUCK:
        return Case(StoredCurve(f"{model}, {name}", LUCK[model]), population(None, "stored", False))
    spec = MODELS[model]
    return Case(spec.make(name), population(folder, name, spec.reduced))


def cells(models: Iterable[str], names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Models with sets: a stored curve has those that it was measured on."""
    return (
        (model, name)
        for model in models
        for name in names
        if model not in LUCK or f"{model}, {name}" in STORED
    )


def tasks(options: argparse.Namespace) -> list[Task]:
    """All that is asked for; draw by draw, with so many repetitions of true curves that both end together."""
    asked = list(cells(options.models, options.sets))
    draws = [
        (seed / options.draws, Task(*cell, n, seed))
        for seed in range(options.draws)
        for cell in asked
        for n in options.n
    ]
    curves = [
        (repetition / repetitions, Task(model, name, 0, repetition))
        for model, name in asked
        if model in MODELS
        for repetitions in [options.repetitions or MODELS[model].repetitions]
        for repetition in range(repetitions)
    ]
    return [task for _, task in sorted(draws + curves, key=lambda one: one[0])]


def do(folder: Path | None, task: Task) -> dict[str, Any]:
    """A line of the cache."""
    found = case(folder, task.model, task.set)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        if task.n:
            return task._asdict() | draw(*found, task.n, task.seed)
        return task._asdict() | {"shares": measure(*found, task.seed)}


def draw(model: BaseEstimator, source: Population, n: int, seed: int) -> dict[str, Any]:
    """What the allocator picks and promises, by each way."""
    X, y = source.draw(np.random.default_rng([seed, n]), n, POOL)
    y[n:] = np.nan
    answers = {"pool": POOL}
    for way, (strategy, recycle) in WAYS.items():
        allocator = FineTuneRectifyAllocator(
            RectifiedMeanEstimator(model, recycle=recycle), strategy=strategy, random_state=seed
        )
        answers[way] = fitted(allocator, X, y, source.sd)
    return answers


def fitted(
    allocator: FineTuneRectifyAllocator, X: np.ndarray, y: np.ndarray, sd: float
) -> dict[str, Any]:
    """The option that was taken, and that of 5 folds, in units of the standard deviation of labels; the error of a fit that fails."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", MissedForecastWarning)
        try:
            allocator.fit(X, y)
        except ValueError as error:
            return {"error": str(error)}
    of_folds = next(option for option in allocator.plan_.options if option.n_folds == N_FOLDS)
    return {
        "picked": promise(allocator.best_option_, sd),
        "folds": promise(of_folds, sd),
        "reached": allocator.standard_error_ / sd,
        "warned": any(one.category is MissedForecastWarning for one in caught),
    }


def promise(option: Any, sd: float) -> dict[str, Any]:
    """What the report needs of an option."""
    names = ("strategy", "n_finetune", "n_folds", "efficiency")
    errors = {name: getattr(option, name) / sd for name in ("standard_error", "low", "high")}
    return {name: getattr(option, name) for name in names} | errors


def lines(cache: Path) -> list[dict[str, Any]]:
    """What the cache holds; a last line that an interrupted run left behind is cut off."""
    path = cache / "regret.jsonl"
    if not path.exists():
        return []
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole)
    return [json.loads(line) for line in whole.splitlines()]


def run(options: argparse.Namespace) -> None:
    """Append what is missing until the time is over."""
    options.cache.mkdir(parents=True, exist_ok=True)
    done = {Task(*(line[name] for name in Task._fields)) for line in lines(options.cache)}
    todo = [task for task in tasks(options) if task not in done]
    print(f"{len(todo)} tasks to do", flush=True)
    end = time.monotonic() + 60 * options.minutes
    waiting = (delayed(do)(options.data, task) for task in todo if time.monotonic() < end)
    parallel = Parallel(options.jobs, return_as="generator_unordered", pre_dispatch="2 * n_jobs")
    with (options.cache / "regret.jsonl").open("a") as file:
        for line in parallel(waiting):
            file.write(json.dumps(line) + "\n")
            file.flush()


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="folder of the real sets (see _rating_sets.py)")
    parser.add_argument("--models", nargs="+", choices=[*LUCK, *MODELS], default=[*LUCK, *MODELS])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--n", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--repetitions", type=int, help="of true curves; default: by the model")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=np.inf)
    parser.add_argument("--report", action="store_true", help="only print what the cache holds")
    options = parser.parse_args(arguments)
    needs_data = set(options.sets) & set(REAL) and set(options.models) & set(MODELS)
    if not options.report and options.data is None and needs_data:
        parser.error("real sets need --data; made ones are " + ", ".join(MADE))
    return options


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    if not options.report:
        run(options)
    asked = set(cells(options.models, options.sets))
    of_report = [one for one in lines(options.cache) if (one["model"], one["set"]) in asked]
    print(report(of_report))


if __name__ == "__main__":
    main()
