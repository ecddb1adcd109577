"""What `python -m sklearn_ftr` can be told, checked before anything is read."""

from __future__ import annotations

import argparse
import codecs
import textwrap
from collections.abc import Sequence

from sklearn_ftr.demo._cells import MISSING_MARKS
from sklearn_ftr.demo._labels import FEWEST_LABELS
from sklearn_ftr.demo._user_file import Request

_LARGEST_SEED = 2**32 - 1
_MOST_DRAWS = 1_000_000
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
        options.parser.error(
            f"--{given[0]} needs --data FILE; without a file --label, --text and --features need --data"
        )
    options.labels = _DEFAULT_LABELS if options.labels is None else options.labels
    options.draws = _DEFAULT_DRAWS if options.draws is None else options.draws
    if options.labels < FEWEST_LABELS or not 2 <= options.draws <= _MOST_DRAWS:
        options.parser.error(
            f"--labels must be between {FEWEST_LABELS} and the number of ratings, --draws at least 2 and at most "
            f"{_MOST_DRAWS:,}; they are {options.labels:,} and {options.draws:,}"
        )


def _check_file(options: argparse.Namespace) -> None:
    if not options.data:
        options.parser.error("argument --data: expected the name of a file")
    sources = [options.text or "", *(options.features or ()), *(options.categories or ())]
    if not (options.label or "").strip() or not any(name.strip(", ") for name in sources):
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
        usage="%(prog)s [--data FILE --label COLUMN (--text COLUMN | --features COLUMN,...)] [options]",
        description="One number from few labels and many predictions. Without --data: on real ratings.",
        epilog=_missing_marks(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_columns(parser.add_argument_group("your own data"))
    _add_ways_to_read(parser.add_argument_group("how to read it, where the file does not show it"))
    demo = parser.add_argument_group("the demo")
    demo.add_argument(
        "--labels", type=_whole_number, help=f"labels to keep (default {_DEFAULT_LABELS})"
    )
    demo.add_argument("--draws", type=_whole_number, help=f"repeated draws (default {_DEFAULT_DRAWS})")
    parser.add_argument("--seed", type=_seed, default=0, help="of the labels kept and the splits")
    return parser


def _add_columns(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--data", metavar="FILE", help="delimited text (CSV, TSV) with a header row")
    group.add_argument(
        "--label",
        metavar="COLUMN",
        help="numbers, or yes and no; cells are blank where nobody has labeled",
    )
    source = group.add_mutually_exclusive_group()
    source.add_argument("--text", metavar="COLUMN", help="predict from this column of text")
    source.add_argument(
        "--features",
        metavar="COLUMN[,COLUMN]",
        action="extend",
        nargs="+",
        help="predict from these columns; may be given again. A name with a comma is given alone or in double quotes",
    )
    group.add_argument(
        "--categories",
        metavar="COLUMN[,COLUMN]",
        action="extend",
        nargs="+",
        help="predict from these columns as categories, even if they look like numbers",
    )


def _add_ways_to_read(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--delimiter", type=_delimiter, help="one character, or comma, semicolon, tab, pipe, space"
    )
    group.add_argument("--decimal", type=_decimal, help="decimal sign: . or , (or point, comma)")
    group.add_argument(
        "--encoding", type=_encoding, help="such as utf-8, utf-16, windows-1252, latin-1"
    )
    group.add_argument(
        "--missing",
        metavar="MARK",
        action="append",
        help="also missing, such as 'refused' or -999; may be given again",
    )


def _missing_marks() -> str:
    marks = ", ".join(f'"{mark}"' for mark in sorted(MISSING_MARKS - {""}))
    return textwrap.fill(
        "Missing in labels and features, in capitals or not, with blanks around or not: empty cells, "
        f"{marks}. In a column of texts only empty cells are missing.",
        width=100,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _whole_number(written: str) -> int:
    try:
        return int(written)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{written!r} is not a whole number") from None


def _seed(written: str) -> int:
    seed = _whole_number(written)
    if not 0 <= seed <= _LARGEST_SEED:
        raise argparse.ArgumentTypeError(
            f"{written} is out of range; a seed is a whole number from 0 to {_LARGEST_SEED:,}"
        )
    return seed


def _delimiter(written: str) -> str:
    sign = _DELIMITER_NAMES.get(written.lower(), written)
    if len(sign) != 1 or sign.isalnum() or sign in '"\r\n\0\\':
        raise argparse.ArgumentTypeError(
            f"{written!r} cannot separate columns; expected one character, such as , ; or |, or one of "
            f"{', '.join(name for name in _DELIMITER_NAMES if name.isalpha())}"
        )
    return sign


def _decimal(written: str) -> str:
    sign = _DECIMAL_NAMES.get(written.lower(), written)
    if sign not in (".", ","):
        raise argparse.ArgumentTypeError(f"{written!r} is no decimal sign; expected . or ,")
    return sign


def _encoding(written: str) -> str:
    try:
        codecs.lookup(written)
        # Codecs such as hex turn bytes into bytes; only decoding tells.
        b"text".decode(written)
    except UnicodeError:
        return written
    except (LookupError, ValueError):
        raise argparse.ArgumentTypeError(
            f"{written!r} is no encoding of text that Python knows; examples: utf-8, utf-16, windows-1252, latin-1"
        ) from None
    return written
