"""The missing-label convention: NaN in y marks an unlabeled row. Everything about it is here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import column_or_1d

from sklearn_ftr._arguments import is_missing, is_truth_value
from sklearn_ftr._sklearn_private import num_samples
from sklearn_ftr._tables import (
    check_same_index,
    check_same_rows,
    column_names,
    refuse_masked,
    row_index,
)
from sklearn_ftr.estimators._dask_rows import DaskRows
from sklearn_ftr.estimators._more_rows import MoreRows
from sklearn_ftr.estimators._row_numbers import RowNumbers
from sklearn_ftr.rectification._checks import Array, as_real_array, check_finite
from sklearn_ftr.rectification._sampling_design import SamplingDesign


@dataclass(frozen=True)
class PartialLabels:
    """Labels with NaN where there are none, and which rows are which."""

    y: Array  # (n_rows,) or (n_rows, k), as the user gave it
    labeled: NDArray[np.intp]
    unlabeled: RowNumbers
    names: tuple[str, ...] = ()  # of the k outputs, if y came as a table
    index: Any = None  # labels of the rows, if y or X came from pandas
    design: SamplingDesign | None = (
        None  # how all rows were drawn, if not all alike and by themselves; `more` last
    )
    more: MoreRows | DaskRows | None = None  # unlabeled rows beside these

    @property
    def n_outputs(self) -> int:
        """Number k of outputs; 1 for labels of shape (n_rows,)."""
        return 1 if self.y.ndim == 1 else self.y.shape[1]

    @property
    def n_unlabeled(self) -> int:
        """How many unlabeled rows there are in all."""
        return len(self.unlabeled) + (0 if self.more is None else len(self.more))

    @property
    def n_rows(self) -> int:
        """How many rows there are in all."""
        return len(self.y) + (0 if self.more is None else len(self.more))

    @property
    def behind_x(self) -> range:
        """Numbers of unlabeled rows beside X, after its last one."""
        return range(len(self.y), self.n_rows)

    @property
    def pool_rows(self) -> NDArray[np.intp]:
        """Numbers of all unlabeled rows: those of X, and those beside it."""
        return np.concatenate([self.unlabeled[:], np.asarray(self.behind_x, dtype=np.intp)])

    @property
    def were_chosen(self) -> bool:
        """Whether rows were labeled with probabilities, or within strata, so that unlabeled rows alone are no random sample."""
        design = self.design
        return design is not None and (
            design.strata is not None or design.labeling_probability is not None
        )

    @property
    def of_labeled_rows(self) -> Array:
        """Labels (n,) or (n, k) of the labeled rows, in their order."""
        return self.y[self.labeled]


def check_partial_labels(X: Any, y: ArrayLike | None, owner: str) -> PartialLabels:
    """Labels of the rows of X, or an error that says what came and what was expected."""
    if y is None:
        raise ValueError(f"{owner} requires y to be passed, but the target y is None.")
    refuse_masked(X, "X")
    check_same_rows(X=X, y=y)
    labels = as_real_array(y, "y").astype(np.float64, copy=False)
    n_rows = num_samples(X)
    if len(labels) != n_rows:
        raise ValueError(f"X has {n_rows} rows and y has {len(labels)}; expected the same number.")
    missing = np.isnan(labels)
    check_finite(labels[~missing], "y (NaN, for unlabeled rows, aside)")
    unlabeled = missing if labels.ndim == 1 else missing.all(axis=1)
    if labels.ndim == 2 and (partial := missing.any(axis=1) & ~unlabeled).any():
        raise ValueError(
            f"y has {partial.sum()} rows with some outputs labeled and others NaN; expected all or none."
        )
    if unlabeled.all():
        raise ValueError(
            f"y has no label: all of its {n_rows} rows are NaN (n_samples=0 labeled). NaN marks "
            "unlabeled rows; at least some rows need a label."
        )
    index = row_index(X) if row_index(y) is None else row_index(y)
    rows = np.flatnonzero(~unlabeled), RowNumbers(np.asarray(unlabeled))
    return PartialLabels(labels, *rows, tuple(map(str, column_names(y) or ())), index)


def one_column(labels: PartialLabels) -> PartialLabels:
    """Labels of one output, of shape (n_rows,)."""
    return replace(labels, y=column_or_1d(labels.y, warn=True))


def check_finetune_rows(finetune_rows: ArrayLike | None, labels: PartialLabels) -> NDArray[np.intp]:
    """Indices of the rows that a user wants to train in any case."""
    if finetune_rows is None:
        return np.empty(0, dtype=np.intp)
    check_same_index(labels, finetune_rows, "the data", "finetune_rows")
    mask = _mask(finetune_rows, len(labels.y))
    unlabeled = np.count_nonzero(labels.unlabeled.chosen & mask)
    if unlabeled:
        raise ValueError(
            f"finetune_rows marks {unlabeled} rows without a label; expected labeled rows only."
        )
    return np.flatnonzero(mask)


def _mask(finetune_rows: ArrayLike, n_rows: int) -> NDArray[np.bool_]:
    """One True or False for each row, from any library; no positions of rows, and so no 1 and 0, and no missing values."""
    refuse_masked(finetune_rows, "finetune_rows")
    mask = np.asarray(finetune_rows)
    expected = f"expected one True or False for each of the {n_rows} rows"
    missing = sum(map(is_missing, mask.flat)) if mask.dtype.kind == "O" else 0
    if missing:
        raise ValueError(f"finetune_rows has {missing} missing values; {expected}.")
    truth = mask.dtype.kind == "b" or (mask.dtype.kind == "O" and all(map(is_truth_value, mask.flat)))
    if mask.shape != (n_rows,) or not truth:
        raise ValueError(f"finetune_rows has shape {mask.shape} and dtype {mask.dtype}; {expected}.")
    return mask.astype(bool)
