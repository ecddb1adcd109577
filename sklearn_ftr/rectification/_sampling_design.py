"""How rows were drawn: weights, clusters, strata, and the probability with which a row was labeled.

Lohr (2021), "Sampling: Design and Analysis"; Lumley (2010), "Complex Surveys", whose words are used.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ftr._arguments import ArgumentTypeError, check_choice, is_missing, shown
from sklearn_ftr._short_repr import short_repr
from sklearn_ftr._shows_table import ShowsFields
from sklearn_ftr._tables import as_floats, check_same_rows, refuse_masked, row_index
from sklearn_ftr._versioned import Versioned

_LONELY = ("refuse", "center")


@short_repr
@dataclass(frozen=True, eq=False)
class SamplingDesign(ShowsFields, Versioned):
    """How the rows of a sample were drawn; by default all with the same probability and by themselves.

    Parameters
    ----------
    weights : array-like of shape (n_rows,), default=None
        How many members of the population each row stands for, 0 or more. Their scale does not matter; rows with 0 are as if they were
        not there.
    clusters : array-like of shape (n_rows,), default=None
        Which rows were drawn, or judged, together: households, conversations, raters. Any labels that can be hashed; the same label
        among labeled and unlabeled rows is the same cluster, so both need labels of one kind. None: every row by itself.
    strata : array-like of shape (n_rows,), default=None
        Parts of the population from which rows (or clusters) were drawn separately, so that their shares of the sample are no accident. Labels
        as for clusters, each cluster inside of one stratum.
    labeling_probability : array-like of shape (n_rows,), default=None
        Probability with which a row of the sample was chosen to be labeled, above 0 and at most 1; of unlabeled rows it
        is not needed. None: all alike or, with strata, the share of labeled rows in each stratum (of those with a weight).
    lonely : {"refuse", "center"}, default="refuse"
        What to do with a stratum in which a single cluster has labels, so that it shows no variance: refuse it, or take its
        distance from the mean of all strata (as R's `survey.lonely.psu = "adjust"`).

    Raises
    ------
    ValueError
        Arrays of different lengths or pandas indexes, missing labels; weights that are negative, not finite or all 0;
        probabilities outside (0, 1].

    Examples
    --------
    >>> from sklearn_ftr import SamplingDesign
    >>> design = SamplingDesign(weights=[1.0, 1.0, 3.5], clusters=["house 1", "house 1", "house 2"])
    >>> len(design)
    3
    """

    weights: Any = None
    clusters: Any = None
    strata: Any = None
    labeling_probability: Any = None
    lonely: str = "refuse"
    index: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        """Read and check everything once."""
        check_choice(self.lonely, "lonely", _LONELY)
        self._read(
            {name: (name, value) for name in _COLUMNS if (value := getattr(self, name)) is not None}
        )

    @classmethod
    def called(cls, columns: Mapping[str, tuple[str, Any]]) -> SamplingDesign:
        """The design of columns that errors call by other names: {"weights": ("sample_weight", values)}."""
        design = cls()
        design._read(columns)
        return design

    def only(self, rows: NDArray[np.intp] | range) -> SamplingDesign:
        """The design of some of the rows; of a range of them nothing is copied."""
        part = slice(rows.start, rows.stop) if isinstance(rows, range) else rows
        known = {name: getattr(self, name) for name in _COLUMNS}
        return self.with_columns(
            **{name: value[part] for name, value in known.items() if value is not None}
        )

    def with_columns(self, **columns: NDArray[Any] | None) -> SamplingDesign:
        """The same design with other columns, which are known to be right."""
        other = object.__new__(SamplingDesign)
        for name, value in (vars(self) | columns | {"index": None}).items():
            object.__setattr__(other, name, value)
        return other

    def _read(self, columns: Mapping[str, tuple[str, Any]]) -> None:
        check_same_rows(**dict(columns.values()))
        read = {column: _COLUMNS[column](values, name) for column, (name, values) in columns.items()}
        lengths = {columns[column][0]: len(values) for column, values in read.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise ValueError(
                f"The sampling design has columns of different lengths: {told}; expected one entry for each row."
            )
        indexes = [row_index(values) for _, values in columns.values()]
        for column, values in read.items():
            object.__setattr__(self, column, values)
        object.__setattr__(self, "index", next((one for one in indexes if one is not None), None))

    def __len__(self) -> int:
        """Number of rows; 0 if nothing is said about any."""
        return next(
            (len(values) for name in _COLUMNS if (values := getattr(self, name)) is not None), 0
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said about any row."""
        return all(getattr(self, name) is None for name in _COLUMNS)


def check_design(design: Any, name: str, n: int, data: Mapping[str, Any]) -> SamplingDesign:
    """A sampling design of n rows, or an empty one for None; `data` are the rows as they came, by name."""
    if design is None:
        return SamplingDesign()
    if not isinstance(design, SamplingDesign):
        raise ArgumentTypeError(
            f"{name} is {shown(design)}; expected a SamplingDesign, such as SamplingDesign(clusters=...)."
        )
    if not design.is_empty and len(design) != n:
        raise ValueError(
            f"{name} has {len(design)} rows and {next(iter(data))} has {n}; expected one entry for each row."
        )
    for rows_name, rows in data.items():
        _check_index_of(design, name, row_index(rows), rows_name)
    return design


def _check_index_of(design: SamplingDesign, name: str, index: Any, rows_name: str) -> None:
    """As `check_same_index`; a design has no `to_numpy`."""
    if index is None or design.index is None or index.equals(design.index):
        return
    raise ValueError(
        f"{rows_name} and {name} have different indexes, so it is not clear which rows belong together; make the design of the same rows of the data frame, "
        'or of arrays, such as SamplingDesign(clusters=frame["house"].to_numpy()), if the order is right.'
    )


def read_weights(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Numbers (n,) that are not negative."""
    weights = _read_numbers(values, name)
    if (weights < 0).any():
        raise ValueError(
            f"{name} has {int((weights < 0).sum())} negative values; expected how many members of the population each row stands for."
        )
    return weights


def _read_weights(values: ArrayLike, name: str) -> NDArray[np.float64]:
    weights = read_weights(values, name)
    if len(weights) and not weights.any():
        raise ValueError(f"{name} are all zero ({len(weights)} rows); expected some above 0.")
    return weights


def _read_probabilities(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """NaN where it is not known, which only unlabeled rows may have."""
    given = _read_vector(values, name)
    outside = ~((given > 0) & (given <= 1)) & ~np.isnan(given)
    if outside.any():
        raise ValueError(
            f"{name} has {int(outside.sum())} values outside (0, 1], such as {given[outside][0]:g}; expected the probability with which each "
            "row was chosen to be labeled."
        )
    return given


def _read_numbers(values: ArrayLike, name: str) -> NDArray[np.float64]:
    numbers = _read_vector(values, name)
    if not np.isfinite(numbers).all():
        raise ValueError(
            f"{name} has {int((~np.isfinite(numbers)).sum())} NaN or infinite values; expected finite numbers."
        )
    return numbers


def _read_vector(values: ArrayLike, name: str) -> NDArray[np.float64]:
    vector = as_floats(values, name, truth_values=False).astype(np.float64, copy=False)
    return _one_dimensional(vector, name, "number")


def read_labels(values: Any, name: str) -> NDArray[Any]:
    """Labels of any hashable kind, in an array of numbers, texts or objects."""
    refuse_masked(values, name)
    labels = np.asarray(values) if hasattr(values, "__array__") else _as_objects(values, name)
    labels = _one_dimensional(labels, name, "label")
    if labels.dtype.kind != "O":
        missing = int(np.sum(labels != labels))
    else:
        distinct = _distinct(labels, name)  # of which there are few
        nothing = any(map(_is_missing_label, distinct))
        missing = sum(map(_is_missing_label, labels)) if nothing else 0
    if missing:
        raise ValueError(f"{name} has {missing} missing values; expected a label for each row.")
    return labels


def _is_missing_label(label: Any) -> bool:
    """A pair of which half is missing is no label either: NaN is not the same as NaN."""
    return any(map(_is_missing_label, label)) if isinstance(label, tuple) else is_missing(label)


def _distinct(labels: NDArray[Any], name: str) -> set[Any]:
    try:
        return set(labels.tolist())
    except TypeError:
        raise ArgumentTypeError(
            f"{name} has labels that cannot be hashed, such as {shown(next(filter(_cannot_be_hashed, labels)))}; expected texts, numbers, dates or "
            "tuples, one for each row."
        ) from None


def _cannot_be_hashed(label: Any) -> bool:
    try:
        hash(label)
    except TypeError:
        return True
    return False


def _as_objects(values: Any, name: str) -> NDArray[Any]:
    """Tuples and labels of several kinds stay what they are."""
    if isinstance(values, str | bytes | Mapping | Set) or not np.iterable(values):
        raise ArgumentTypeError(
            f"{name} is {shown(values)}; expected a label for each row, in their order."
        )
    told = list(values)
    if len(set(map(type, told))) == 1 and isinstance(told[0], str | int | float):
        labels = np.array(told)
        if labels.dtype.kind != "f" or isinstance(told[0], float):
            return labels  # and not huge whole numbers, some of which are the same as floats
    return np.fromiter(told, dtype=object, count=len(told))


def _one_dimensional(values: NDArray[Any], name: str, what: str) -> NDArray[Any]:
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(
            f"{name} has shape {values.shape}; expected (n_rows,): one {what} for each row."
        )
    return values


_COLUMNS = {
    "weights": _read_weights,
    "clusters": read_labels,
    "strata": read_labels,
    "labeling_probability": _read_probabilities,
}
