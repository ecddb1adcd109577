"""What a fit is given, read once for a rectified estimator and for the allocator that it serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import indexable

from sklearn_ftr.estimators._dask_rows import gathered
from sklearn_ftr.estimators._labels import (
    PartialLabels,
    check_finetune_rows,
    check_partial_labels,
    of_labeled_rows,
)
from sklearn_ftr.estimators._learned import columns_learned
from sklearn_ftr.estimators._more_rows import more_rows
from sklearn_ftr.estimators._sampling import with_sampling
from sklearn_ftr.rectification._dask_collections import is_dask


@dataclass(frozen=True, eq=False)
class RowsOfFit:
    """Rows and labels in memory, and what is known of them.

    Parameters
    ----------
    X, y, pool, sampling
        Those in memory, the others as they are read, and columns of a sampling design in this order.
    labels : PartialLabels
        With how rows were drawn, and the pool.
    always : ndarray of int
        Rows that train in any case.
    columns : dict
        Fitted attributes that are about the columns of X.
    """

    X: Any
    y: Any
    pool: Any
    sampling: Mapping[str, ArrayLike | None]
    labels: PartialLabels
    always: NDArray[np.intp]
    columns: dict[str, Any]

    @classmethod
    def read(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        pool: Any,
        checkpoint: str | Path | None,
        finetune_rows: ArrayLike | None,
        sampling: Mapping[str, ArrayLike | None],
        for_splitter: bool = False,
    ) -> RowsOfFit:
        """For a rectified estimator, `sampling` in the words of its `fit`; a splitter of the user's gets any groups."""
        if is_dask(X) or is_dask(y):
            given = {**sampling, "finetune_rows": finetune_rows}
            X, y, pool, sampling = gathered(X, y, pool, given)
            finetune_rows = of_labeled_rows(sampling.pop("finetune_rows", None), len(y))
        columns = columns_learned(estimator, X)
        (X,) = indexable(X)
        labels = check_partial_labels(X, y, type(estimator).__name__)
        labels = replace(labels, more=more_rows(pool, X, checkpoint))
        labels = with_sampling(labels, for_splitter, **sampling)
        always = check_finetune_rows(finetune_rows, labels)
        return cls(X, y, labels.more, sampling, labels, always, columns)
