"""`python -m sklearn_ftr`: the demo on real ratings, or the answer for a file of the user's own."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.datasets import fetch_vader_tweets, load_vader_lexicon
from sklearn_ftr.demo._arguments import parse, request
from sklearn_ftr.demo._features import text_features
from sklearn_ftr.demo._printing import print_answers, print_calibration
from sklearn_ftr.demo._study import CROSS_FITTING, Answer, calibrate, compare, hide_labels
from sklearn_ftr.demo._user_file import read_user_file

T = TypeVar("T")
_USAGE_ERROR, _INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo, or answer for the user's file; returns the exit status."""
    options = parse(arguments)
    _print_what_cannot_be_encoded()
    try:
        if options.data is None:
            _demo(options)
        else:
            _answer_for_file(options)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, it must last to the end of the process
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return _INTERRUPTED
    except (ValueError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return _USAGE_ERROR
    return 0


def _print_what_cannot_be_encoded() -> None:
    """Names of columns may hold letters that the terminal lacks: they are printed as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _answer_for_file(options: argparse.Namespace) -> None:
    data = read_user_file(request(options))
    print("\n  ".join(data.report))
    if not np.isnan(data.y).any():
        print("Every row has a label, so there is nothing to predict: this is the labels-only answer.")
    print(flush=True)
    with _warnings_in_one_line():
        answers = compare(data.X, data.y, options.seed)
    print_answers(answers, truth=None)
    print(_verdict(answers))


def _verdict(answers: Sequence[Answer]) -> str:
    """Of the very fit whose numbers stand in the table."""
    best = next(answer for answer in answers if answer.method == CROSS_FITTING)
    return f"{CROSS_FITTING.capitalize()} with ridge regression: {best.verdict}"


@contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Each warning once, in words and without the line of code that gave it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        print(f"warning: {' '.join(message.split())}", file=sys.stderr)


def _demo(options: argparse.Namespace) -> None:
    name, texts, truth = _ratings()
    if not options.labels < len(truth):
        options.parser.error(f"--labels must be between 10 and {len(truth) - 1:,}")
    print(f"{len(truth):,} {name}")
    print(f"We keep {options.labels:,} labels, hide the others, and ask for the mean of all.")
    X = text_features(texts)
    print(f"True mean: {truth.mean():.3f}\n")
    y = hide_labels(truth, options.labels, options.seed)
    print_answers(compare(X, y, options.seed, network=True), truth.mean())
    print(f"\nThe same with {options.draws} other draws of {options.labels:,} labels:")
    print_calibration(calibrate(X, truth, options.labels, options.draws, _progress))


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
