"""What `python -m sklearn_ftr` can be told, checked before anything is read."""

from __future__ import annotations

import argparse
import codecs
import textwrap
from collections.abc import Callable, Sequence

from sklearn_ftr.demo._cells import MISSING_MARKS
from sklearn_ftr.demo._user_file import Request

_LARGEST_SEED = 2**32 - 1
_MOST_DRAWS = 1_000_000
_FEWEST_LABELS = 10
_DEFAULT_LABELS, _DEFAULT_DRAWS = 500, 400
_DELIMITER_NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|", "space": " "}
_DECIMAL_NAMES = {"point": ".", "dot": ".", "comma": ","}
_FOR_FILES = ("text", "features", "categories", "delimiter", "decimal", "encoding", "missing")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options that go together; otherwise the program ends with status 2 and one line that says why."""
    parser = _parser()
    options = parser.parse_args(arguments)
    options.parser = parser
    if options.data is None:
        _check_demo(options)
    else:
        _check_file(options)
    return options


def request(options: argparse.Namespace) -> Request:
    """What is asked of the user's file."""
    return Request(
        path=options.data,
        label=options.label,
        text=options.text,
        features=options.features or (),
        categories=options.categories or (),
        delimiter=options.delimiter,
        decimal=options.decimal,
        encoding=options.encoding,
        missing=options.missing or (),
    )


def _check_demo(options: argparse.Namespace) -> None:
    given = [name for name in ("label", *_FOR_FILES) if getattr(options, name) is not None]
    if given:
        options.parser.error(f"--label, --text and --features need --data FILE; --{given[0]} came without")
    options.labels = _DEFAULT_LABELS if options.labels is None else options.labels
    options.draws = _DEFAULT_DRAWS if options.draws is None else options.draws


def _check_file(options: argparse.Namespace) -> None:
    sources = [name for name in (options.text, *(options.features or ()), *(options.categories or ()))]
    if not (options.label and options.label.strip()) or not any(name and name.strip(", ") for name in sources):
        options.parser.error(
            "--data needs --label COLUMN and --text COLUMN or --features COLUMN,COLUMN"
        )
    if options.text and options.categories:
        options.parser.error("argument --categories: not allowed with argument --text")
    if options.labels is not None or options.draws is not None:
        options.parser.error("--labels and --draws belong to the demo; with --data all labels are used")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_ftr",
        description="One number from few labels and many predictions. Without --data: on real ratings.",
        epilog=_missing_marks(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_file_options(parser.add_argument_group("your own data"))
    _add_reading_options(parser.add_argument_group("how to read it, where the file does not show it"))
    demo = parser.add_argument_group("the demo")
    labels = _whole_number(_FEWEST_LABELS, None)
    draws = _whole_number(2, _MOST_DRAWS)
    demo.add_argument("--labels", type=labels, help=f"labels to keep (default {_DEFAULT_LABELS})")
    demo.add_argument("--draws", type=draws, help=f"repeated draws (default {_DEFAULT_DRAWS})")
    seed = _whole_number(0, _LARGEST_SEED)
    parser.add_argument("--seed", type=seed, default=0, help="of the labels kept and the splits")
    return parser
