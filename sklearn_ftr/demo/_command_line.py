"""Arguments, progress and printing of `python -m sklearn_ftr`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.datasets import fetch_vader_tweets, load_vader_lexicon
from sklearn_ftr.demo._features import text_features
from sklearn_ftr.demo._study import (
    LABELS_ONLY,
    PREDICTIONS_ONLY,
    Answer,
    calibrate,
    compare,
    hide_labels,
    holds,
)
from sklearn_ftr.demo._user_file import UserFileError, read_user_file
from sklearn_ftr.estimators import RectifiedMeanEstimator

T = TypeVar("T")
_RULE = "-" * 78


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo, or answer for the user's file; returns the exit status."""
    options = _parser().parse_args(arguments)
    if not options.data and (options.label or options.text or options.features):
        options.parser.error("--label, --text and --features need --data FILE.csv")
    try:
        if options.data:
            _answer_for_file(options)
        else:
            _demo(options)
    except (UserFileError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_ftr",
        description="One number from few labels and many predictions. Without --data: on real ratings.",
    )
    own = parser.add_argument_group("your own data")
    own.add_argument("--data", metavar="FILE.csv", help="UTF-8 CSV file with a header row")
    own.add_argument("--label", metavar="COLUMN", help="numbers; blank cells mark unlabeled rows")
    source = own.add_mutually_exclusive_group()
    source.add_argument("--text", metavar="COLUMN", help="predict from this column of text")
    source.add_argument("--features", metavar="COLUMN[,COLUMN]", help="predict from these columns")
    demo = parser.add_argument_group("the demo")
    demo.add_argument("--labels", type=int, default=500, help="labels to keep (default 500)")
    demo.add_argument("--draws", type=int, default=400, help="repeated draws (default 400)")
    parser.add_argument("--seed", type=int, default=0, help="of the labels kept and the splits")
    parser.set_defaults(parser=parser)
    return parser


def _answer_for_file(options: argparse.Namespace) -> None:
    if not options.label or not (options.text or options.features):
        options.parser.error(
            "--data needs --label COLUMN and --text COLUMN or --features COLUMN,COLUMN"
        )
    names = [name.strip() for name in (options.features or "").split(",")]
    X, y = read_user_file(options.data, options.label, options.text, names)
    n = int(np.isfinite(y).sum())
    if n < 10:
        raise UserFileError(
            f"Column {options.label!r} has {n} labels; with fewer than 10 nothing can be trained and checked."
        )
    print(f"{options.data}: {len(y):,} rows, {n:,} with a label in {options.label!r}")
    if n == len(y):
        print("Every row has a label, so there is nothing to predict: this is the labels-only answer.")
    _print_answers(compare(X, y, options.seed), truth=None)
    best = RectifiedMeanEstimator(cv=5, random_state=options.seed).fit(X, y)
    print(best.result_.verdict())


def _demo(options: argparse.Namespace) -> None:
    name, texts, truth = _ratings()
    if not 10 <= options.labels < len(truth) or options.draws < 2:
        options.parser.error(f"--labels must be between 10 and {len(truth) - 1:,}, --draws at least 2")
    print(f"{len(truth):,} {name}")
    print(f"We keep {options.labels:,} labels, hide the others, and ask for the mean of all.")
    X = text_features(texts)
    print(f"True mean: {truth.mean():.3f}\n")
    y = hide_labels(truth, options.labels, options.seed)
    _print_answers(compare(X, y, options.seed, network=True), truth.mean())
    print(f"\nThe same with {options.draws} other draws of {options.labels:,} labels:")
    rows = calibrate(X, truth, options.labels, options.draws, _progress)
    print(f"{'':24}{'interval holds truth':>24}{'efficiency':>22}")
    for row in rows:
        coverage = f"{100 * row.coverage:.1f} % +- {100 * row.coverage_error:.1f}"
        efficiency = f"{row.efficiency:.2f} +- {row.efficiency_error:.2f}"
        print(f"{row.method:24}{coverage:>24}{'' if row.method == LABELS_ONLY else efficiency:>22}")
    print(
        "\nEfficiency: the squared error of labels only over this method's; 1.5 means that each label\n"
        "counts 1.5 times. +- is one Monte Carlo standard error. Intervals are for the population that the\n"
        "texts come from; for the mean of just these they are a little too wide, so 95 % or more is right."
    )


def _ratings() -> tuple[str, NDArray[np.str_], NDArray[np.float64]]:
    """The tweets, or the lexicon where nothing can be fetched."""
    print("Fetching human ratings (once, by pip) ...", file=sys.stderr)
    try:
        texts, truth = fetch_vader_tweets(return_X_y=True)
        return (
            "tweets, each rated from -4 to 4 by 20 people or more (Hutto and Gilbert, 2014).",
            texts,
            truth,
        )
    except OSError as error:
        print(f"{error}\nUsing the lexicon that is installed instead.", file=sys.stderr)
    texts, truth = load_vader_lexicon(return_X_y=True)
    return "words, each rated from -4 to 4 by 10 people (Hutto and Gilbert, 2014).", texts, truth


def _print_answers(answers: list[Answer], truth: float | None) -> None:
    last = "" if truth is None else "holds truth"
    print(f"{'':24}{'estimate':>10}{'95 % interval':>20}{'efficiency':>12}{last:>12}")
    print(_RULE)
    for answer in answers:
        low, high = answer.estimate.confidence_interval(0.95)
        efficiency = "" if np.isnan(answer.efficiency) else f"{answer.efficiency:.2f}"
        verdict = "" if truth is None else ("yes" if holds(answer.estimate, truth) else "NO")
        interval = f"[{low:.3f}, {high:.3f}]"
        print(
            f"{answer.method:24}{answer.estimate.estimate:>10.3f}{interval:>20}{efficiency:>12}{verdict:>12}"
        )
    print(_RULE)
    if any(answer.method == PREDICTIONS_ONLY for answer in answers):
        print("The interval of predictions only does not know how biased the predictions are.")


def _progress(draws: Iterable[T], total: int) -> Iterator[T]:
    """A counter on the terminal, ten lines elsewhere."""
    terminal = sys.stderr.isatty()
    for done, draw in enumerate(draws, 1):
        if terminal or done % max(1, total // 10) == 0:
            print(
                f"draw {done} of {total}", end="\r" if terminal else "\n", file=sys.stderr, flush=True
            )
        yield draw
    if terminal:
        print(" " * 40, end="\r", file=sys.stderr)
