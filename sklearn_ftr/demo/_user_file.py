"""The user's own file: features of every row, labels where they have them, and in words how each column was read."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.demo._cells import MISSING_MARKS, MISSING_TEXTS, UserFileError, cleaned
from sklearn_ftr.demo._columns import (
    Categories,
    Column,
    Feature,
    LeftOut,
    Numbers,
    read_categories,
    read_feature,
)
from sklearn_ftr.demo._delimited_file import DelimitedFile, clean_name, read_delimited_file
from sklearn_ftr.demo._features import encode, text_features
from sklearn_ftr.demo._labels import read_labels, refuse_constant
from sklearn_ftr.demo._numbers import Evidence, is_ambiguous

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Request:
    """Which columns of which file, and what the user says about how to read it.

    Attributes
    ----------
    path, label : str
    text : str or None
        Column of texts; None for a table.
    features, categories : sequence of str
        Names of columns, or several in one string, separated by commas.
    delimiter, decimal, encoding : str or None
        None means that the file shows it.
    missing : sequence of str
        Marks of missing cells besides the usual ones.
    """

    path: str
    label: str
    text: str | None = None
    features: Sequence[str] = ()
    categories: Sequence[str] = ()
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    missing: Sequence[str] = ()

    @property
    def names(self) -> list[str]:
        """All that may be the name of a column: a list may be one name with commas."""
        lists = [*self.features, *self.categories]
        single = [name for several in lists for name in _split_names(several)]
        return [self.label, *([self.text] if self.text else []), *lists, *single]

    @property
    def marks(self) -> frozenset[str]:
        """What counts as missing in labels and features."""
        return MISSING_MARKS | {cleaned(mark).lower() for mark in self.missing}

    @property
    def text_marks(self) -> frozenset[str]:
        """What counts as missing in a column of texts."""
        return MISSING_TEXTS | (self.marks - MISSING_MARKS)


@dataclass(frozen=True)
class UserData:
    """Features (n_rows, d), labels (n_rows,) with NaN where unlabeled, and lines that say how they were read."""

    X: Array
    y: Array
    report: list[str]


def read_user_file(request: Request) -> UserData:
    """Read the columns that are asked for; `UserFileError` says what is wrong with them."""
    file = read_delimited_file(request.path, request.names, request.delimiter, request.encoding)
    label = clean_name(request.label)
    features, categories = (_resolved(file, lists) for lists in (request.features, request.categories))
    sources = [clean_name(request.text)] if request.text else [*features, *categories]
    file.require([label, *dict.fromkeys(sources)])
    if label in sources:
        raise UserFileError(f"{label!r} is the label; it cannot be predicted from itself.")
    labels = read_labels(file.column(label, request.marks), request.decimal, partial(_file_sign, file))
    if request.text:
        X, lines = _from_texts(file.column(sources[0], request.text_marks), request.path)
    else:
        X, lines = _from_table(file, request, features, categories)
    refuse_constant(labels.values, label)
    title = f"{request.path}: {len(labels.values):,} rows, {np.isfinite(labels.values).sum():,} with a label in {label!r}"
    return UserData(X, labels.values, [f"{title} ({file.described()})", labels.description, *lines])


def _split_names(several: str) -> list[str]:
    """Names separated by commas; those that hold one stand in quotes."""
    try:
        names = next(csv.reader([several], skipinitialspace=True, strict=True), [])
    except csv.Error:
        return [several]
    return [name for name in names if cleaned(name)]


def _resolved(file: DelimitedFile, lists: Sequence[str]) -> list[str]:
    """Names of columns, each once."""
    names = [
        clean_name(name)
        for several in lists
        for name in ([several] if clean_name(several) in file.header else _split_names(several))
    ]
    return list(dict.fromkeys(names))


def _from_texts(column: Column, path: str) -> tuple[Array, list[str]]:
    texts = column.known
    if len(set(texts)) < 2:
        raise UserFileError(
            f"Column {column.name!r} of {path} has the same text in every row, which predicts nothing."
        )
    try:
        return text_features(texts), [column.described("text")]
    except ValueError as error:
        raise UserFileError(
            f"Column {column.name!r} of {path} gives no text features: {error}"
        ) from error


def _from_table(
    file: DelimitedFile, request: Request, features: Sequence[str], categories: Sequence[str]
) -> tuple[Array, list[str]]:
    sign = partial(_file_sign, file)
    read: list[Feature] = []
    for name in dict.fromkeys([*features, *categories]):
        column = file.column(name, request.marks)
        read.append(
            read_categories(column)
            if name in categories
            else read_feature(column, request.decimal, sign)
        )
    if all(isinstance(feature, LeftOut) for feature in read):
        lines = "; ".join(feature.description for feature in read)
        raise UserFileError(f"There is nothing to predict from. {lines}.")
    blocks = [encode(_standardized(feature)) for feature in read if not isinstance(feature, LeftOut)]
    return np.hstack(blocks), [feature.description for feature in read]


def _standardized(feature: Numbers | Categories) -> Numbers | Categories:
    """Numbers in units of their standard deviation, so that the predictor's penalty does not depend on their unit."""
    if isinstance(feature, Categories):
        return feature
    centered = feature.values - np.nanmean(feature.values)
    return Numbers(centered / (np.nanstd(centered) or 1.0), feature.description)


def _file_sign(file: DelimitedFile, column: Column) -> str | None:
    """The decimal sign that the columns of a file agree on, for one that may be read with either."""
    columns = (file.column(name) for name in file.names)
    signs = {Evidence.of(other.numbers.values()).clear for other in columns if other.mostly_numbers}
    signs.discard(None)
    if signs:
        return signs.pop() if len(signs) == 1 else None
    # Where commas separate columns, programs wrote the file, and 1.234 means what it means to them.
    unclear = [number for number in column.numbers.values() if is_ambiguous(number)]
    pointed = all(abs(number.point or 0) < abs(number.comma or 0) for number in unclear)
    return "." if file.delimiter == "," and pointed else None
