"""Predictions of unlabeled rows that come in blocks: every model sees a block, and then it is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from sklearn_ftr._sklearn_private import num_samples
from sklearn_ftr.estimators._dask_rows import DaskRows
from sklearn_ftr.estimators._folds import model_of_rows
from sklearn_ftr.estimators._inner_model import mean_prediction
from sklearn_ftr.estimators._judges import Judges
from sklearn_ftr.estimators._more_rows import MoreRows
from sklearn_ftr.estimators._predicted_pool import finished
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._pool import Pool, PoolBlock, S, side_by_side
from sklearn_ftr.rectification._pool_rows import PoolRows

Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Predicting:
    """From rows to predictions, and to what else stage 2 reads of them; it holds none of the rows, so that it can be sent to them.

    Parameters
    ----------
    models : sequence of K estimators
    n_outputs : int
    shares : ndarray of shape (K,)
        Weights of the models; with `apart`, with which probability each predicts a row.
    judges : Judges, default=None
        Columns that are predictions, beside the models'.
    functions : sequence of callable
        Applied to predictions, one after the other.
    covariates_of : callable, default=None
        Gives the covariates of some rows.
    apart : int, default=None
        A seed, if each row is predicted by one of the models only.
    before : int
        Rows of the pool that are before the first one.
    own : ndarray of int of shape (n_pieces,), default=None
        With `apart`: of each cluster the model that has not seen its labels, which predicts its rows, or -1.
    """

    models: Sequence[BaseEstimator]
    n_outputs: int
    shares: Array
    judges: Judges | None = None
    functions: Sequence[Callable[[Array], Array]] = field(default=())
    covariates_of: Callable[[Any], Design] | None = None
    apart: int | None = None
    before: int = 0
    own: Rows | None = None

    @property
    def n_columns(self) -> int:
        """Of each model's predictions, with judges beside them."""
        judges = self.judges
        return self.n_outputs + (len(judges.means) + len(judges.indicators) if judges else 0)

    def __call__(self, start: int, X: Any, drawn: PoolRows | None = None) -> PoolBlock:
        """What stage 2 reads of rows, the first of which has the number `start`, and that were drawn as told."""
        covariates = self.covariates_of(X) if self.covariates_of else None
        shares = self.shares if self.apart is None else np.ones(1)
        f = self._predicted(start, X, drawn)
        return PoolBlock(self.before + start, f, shares, covariates, drawn)

    def _predicted(self, start: int, X: Any, drawn: PoolRows | None) -> Array:
        try:
            return self.predictions(start, X, drawn)
        except Exception as error:
            last = start + num_samples(X) - 1
            error.add_note(
                f"In rows {start:,} to {last:,} of the pool that is read in blocks, the first of which is row 0."
            )
            raise

    def predictions(self, start: int, X: Any, drawn: PoolRows | None = None) -> Array:
        """Of all rows (n, K j), those of the first model first."""
        rows, judged = range(num_samples(X)), None
        if self.judges is not None:
            judged = self.judges.read_pool(X)
        of_models: Iterable[Array]
        if self.apart is None:
            of_models = (self._by(model, X, rows) for model in self.models)
        else:
            numbers = model_of_rows(self.apart, self.shares, self.before + start, len(rows))
            if self.own is not None and drawn is not None:
                own = self.own[drawn.pieces]
                numbers = np.where(own < 0, numbers, own)
            of_models = [self._each_by_one(X, numbers)]
        made = (finished(f, judged, self.functions) for f in of_models)
        return side_by_side(made, len(self.models) if self.apart is None else 1, np.float64)

    def _by(self, model: BaseEstimator, X: Any, rows: Rows | range) -> Array:
        return mean_prediction(model, X, rows, self.n_outputs, narrow=True)

    def _each_by_one(self, X: Any, numbers: Rows) -> Array:
        f = np.empty((len(numbers), self.n_outputs))
        for number, model in enumerate(self.models):
            rows = np.flatnonzero(numbers == number)
            f[rows] = self._by(model, X, rows)
        return f


class StreamedPool(Pool):
    """Rows that are predicted as they come."""

    def __init__(self, rows: MoreRows | DaskRows, predicting: Predicting) -> None:
        self.rows, self.predicting = rows, predicting
        self.n_columns, self.shares = predicting.n_columns, predicting.shares
        self.n_models = len(predicting.models) if predicting.apart is None else 1

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_known(self) -> int | None:
        """Not of every source."""
        return len(self.rows) if self.rows.is_known else None

    def blocks(self) -> Iterator[PoolBlock]:
        """As they come."""
        return self.rows.made(self.predicting, self.drawn)

    def summarized(self, summary: S) -> S:
        """Where the rows are."""
        return self.rows.summarized(self.predicting, summary, self.drawn)

    def some_rows(self, n: int) -> list[PoolBlock]:
        """See `Pool`; the others are not predicted."""
        return [self._block(start, rows) for start, rows in self.rows.some_rows(n)]

    def _block(self, start: int, rows: Any) -> PoolBlock:
        return self.predicting(start, rows, self.drawn_between(start, start + num_samples(rows)))


class ChainedPool(Pool):
    """The rows of one pool and then those of a streamed one, by the same models."""

    def __init__(self, first: Pool, second: StreamedPool) -> None:
        self.first = first
        predicting = replace(second.predicting, before=len(first))
        self.second = StreamedPool(second.rows, predicting).drawn_as(second.drawn)
        self.n_columns, self.n_models, self.shares = first.n_columns, first.n_models, first.shares

    def drawn_as(self, rows: PoolRows | None) -> ChainedPool:
        """Each of them its own."""
        if rows is None:
            return self
        n = len(self.first)
        first, second = rows.between(0, n), rows.between(n, len(rows))
        return ChainedPool(self.first.drawn_as(first), self.second.drawn_as(second))

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    @property
    def n_known(self) -> int | None:
        """Of both."""
        n = self.second.n_known
        return None if n is None else len(self.first) + n

    def blocks(self) -> Iterator[PoolBlock]:
        """Those of the first one first."""
        yield from self.first.blocks()
        yield from self.second.blocks()

    def summarized(self, summary: S) -> S:
        """Likewise."""
        return self.second.summarized(self.first.summarized(summary))

    def some_rows(self, n: int) -> list[PoolBlock]:
        """Of either in proportion to its rows."""
        of_first = min(round(n * len(self.first) / max(len(self), 1)), len(self.first))
        return [*self.first.some_rows(of_first), *self.second.some_rows(n - of_first)]
