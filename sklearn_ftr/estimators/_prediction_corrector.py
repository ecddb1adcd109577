"""Predictions that are there already, from a judge model or an API, and a correction learned on top of them."""

from __future__ import annotations

from contextlib import nullcontext
from copy import copy
from dataclasses import dataclass
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from sklearn_ftr._documentation_link import LinksDocumentation
from sklearn_ftr._sklearn_private import StrOptions, fit_context, num_samples, safe_indexing
from sklearn_ftr._tables import column_names
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.estimators._default_predictor import or_default
from sklearn_ftr.estimators._inner_model import (
    CanPredictOnceFitted,
    clone_with_final_estimators,
    mean_prediction,
    predicts_untrained,
    without_needless_axis,
)
from sklearn_ftr.estimators._learned import columns_learned, replace_learned
from sklearn_ftr.estimators._own_rows import own_rows
from sklearn_ftr.rectification._checks import Array, check_finite

FEATURES = ("all", "remaining", "predictions")


@dataclass(frozen=True)
class _Given:
    """Where X has predictions and what is learned from beside them, as a fit was told: later changes of parameters wait for the next."""

    column: Any
    features: str
    n_outputs: int
    single_output: bool

    @classmethod
    def of(cls, corrector: PredictionCorrector, y: Any) -> _Given:
        """As a corrector's parameters say, for y of this shape."""
        single = np.ndim(y) < 2
        n_outputs = 1 if single else np.shape(y)[1]
        return cls(copy(corrector.column), corrector.features, n_outputs, single)

    def predictions(self, X: Any) -> Array:
        """The given predictions (n, n_outputs) as finite numbers, repeated if one column serves all outputs."""
        name = f"The column of predictions ({self.column!r})"
        given = safe_indexing(X, self._positions(X), axis=1)
        given = given.toarray() if hasattr(given, "toarray") else given
        given = check_finite(check_array(given, dtype=np.float64, ensure_all_finite=False), name)
        if given.shape[1] not in (1, self.n_outputs):
            raise ValueError(
                f"column={self.column!r} names {given.shape[1]} columns of predictions and y has {self.n_outputs} "
                "outputs; expected one column, or one for each output."
            )
        return np.broadcast_to(given, (len(given), self.n_outputs))

    def learned_from(self, X: Any) -> Any:
        """The columns that the correction may look at."""
        positions = self._positions(X)
        if self.features == "predictions":
            return safe_indexing(X, positions, axis=1)
        if self.features == "all":
            return X
        others = [column for column in range(X.shape[1]) if column not in positions]
        if not others:
            raise ValueError(
                'features="remaining", but X has no column beside the predictions; use "all" or "predictions".'
            )
        return safe_indexing(X, others, axis=1)

    def _positions(self, X: Any) -> list[int]:
        """Where the given predictions are."""
        wanted = self.column if isinstance(self.column, list) else [self.column]
        names, n_columns = column_names(X) or [], X.shape[1]
        if any(isinstance(column, bool) for column in wanted):
            raise ValueError(f"column is {self.column!r}; expected positions or names, not a mask.")
        unknown = [
            column
            for column in wanted
            if (
                column not in names if isinstance(column, str) else not -n_columns <= column < n_columns
            )
        ]
        if unknown:
            raise ValueError(
                f"X has no column {unknown[0]!r}; it has {n_columns}{f': {names}' if names else ''}. Set column= to the "
                "name or position of the given predictions."
            )
        return [names.index(c) if isinstance(c, str) else c % n_columns for c in wanted]


class PredictionCorrector(Versioned, LinksDocumentation, RegressorMixin, BaseEstimator):
    """Regressor that starts from a column of given predictions and learns to correct them.

    For the scores of a judge model, answers bought from an API, or any other predictions that are there for
    every row. Before training it predicts the column itself.

    Parameters
    ----------
    estimator : scikit-learn regressor, default=None
        Learns the correction, from nothing: no model with predictions of y of its own. Trained on y minus the
        given predictions, so that its errors are those of the corrected prediction. `VarianceRegressor` minimises
        their variance by a network; None is ridge regression on standardized features, which does so in closed form
        and leaves the predictions as they are where the labels say nothing else. It takes tables as
        `RectifiedMeanEstimator` does.
    column : int, str or list of int or str, default=0
        Which column of X holds the predictions: an int is a position, a str a name. For k outputs a list of k; one column
        serves them all.
    features : {"all", "remaining", "predictions"}, default="all"
        What the correction is learned from: all columns, those beside the predictions (texts, for
        `TextVarianceRegressor`), or the predictions alone, which with the default estimator is an affine
        recalibration.

    Attributes
    ----------
    correction_ : estimator or None
        The trained `estimator`; None after `initialize`.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only when X had feature names.

    Raises
    ------
    ValueError
        From `fit`: a column that X does not have, given predictions that are missing or infinite, another number
        of columns than of outputs, nothing left to learn from.

    Notes
    -----
    With g the given prediction and z the features, f(x) = g + h(z), h trained on y - g: then
    V(y - f) = V((y - g) - h), the fine-tuning objective of Wang, Ye and Zhao (2025), arXiv 2511.19486, with a
    model that starts at g. Inside a rectified estimator `split_ratio=0` rectifies the column as it is.

    Examples
    --------
    A judge that gives too much and squeezes its scores together, with 200 human scores for 3,000 answers:

    >>> import numpy as np
    >>> from sklearn_ftr import PredictionCorrector, RectifiedMeanEstimator
    >>> rng = np.random.default_rng(0)
    >>> human = rng.normal(3.0, 1.0, size=3_000)
    >>> judge = 2.5 + 0.5 * human + rng.normal(scale=0.3, size=3_000)
    >>> y = np.where(np.arange(3_000) < 200, human, np.nan)
    >>> model = RectifiedMeanEstimator(PredictionCorrector(), cv=5, random_state=0).fit(judge[:, None], y)
    >>> low, high = model.confidence_interval()
    >>> bool(low < 3 < high), bool(model.efficiency_ > 2)
    (True, True)
    """

    correction_: Any
    _given_: _Given
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [CanPredictOnceFitted(), None],
        "column": [Integral, str, list],
        "features": [StrOptions(set(FEATURES))],
    }

    def __init__(
        self, estimator: Any = None, *, column: int | str | list[Any] = 0, features: str = "all"
    ) -> None:
        self.estimator = estimator
        self.column = column
        self.features = features

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: ArrayLike, **fit_params: Any) -> Self:
        """Learn the correction.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n, n_features)
            The given predictions and, beside them, features.
        y : array-like of shape (n,) or (n, k)
        **fit_params
            Handed to the `fit` of `estimator`, such as `sample_weight`.

        Returns
        -------
        self
        """
        rows = _as_table(X)
        columns = columns_learned(self, rows, y)
        targets = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        check_consistent_length(rows, targets)
        given = _Given.of(self, targets)
        correction = self._learn(rows, targets, given, fit_params)
        replace_learned(self, columns | {"_given_": given, "correction_": correction})
        return self

    def _learn(self, X: Any, targets: Array, given: _Given, fit_params: dict[str, Any]) -> Any:
        """A trained model of what the given predictions leave."""
        model = self._new_estimator(given.n_outputs)
        if self.estimator is None:  # a pipeline: its last step learns
            fit_params = {f"{model.steps[-1][0]}__{name}": value for name, value in fit_params.items()}
        residuals = targets - given.predictions(X).reshape(targets.shape)
        features = own_rows(given.learned_from(X), np.arange(num_samples(X)))
        # The default is a pipeline, whose steps metadata routing would ask one by one.
        with config_context(enable_metadata_routing=False) if self.estimator is None else nullcontext():
            fitted = model.fit(features, without_needless_axis(residuals), **fit_params)
        return model if fitted is None else fitted

    @fit_context(prefer_skip_nested_validation=False)
    def initialize(self, X: Any, y: Any = None) -> Self:
        """Learn nothing: the given predictions are the predictions.

        Parameters
        ----------
        X : as in `fit`
        y : array-like of shape (n,) or (n, k), default=None
            Only its number of columns is looked at.

        Returns
        -------
        self
        """
        rows = _as_table(X)
        columns, given = columns_learned(self, rows), _Given.of(self, y)
        given.predictions(rows)
        replace_learned(self, columns | {"_given_": given, "correction_": None})
        return self

    def predict(self, X: Any) -> Array:
        """The given predictions, corrected.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n,) or (n, k)
        """
        check_is_fitted(self, "correction_")
        X = _as_table(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        given = self._given_
        predictions = given.predictions(X).copy()
        if self.correction_ is not None:
            rows = np.arange(num_samples(X))
            features = given.learned_from(X)
            predictions += mean_prediction(self.correction_, features, rows, given.n_outputs)
        return predictions[:, 0] if given.single_output else predictions

    def is_pretrained(self, n_outputs: int = 1) -> bool:
        """Yes: the given predictions are there before any label."""
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(or_default(self.estimator))
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.target_tags.multi_output = inner.target_tags.multi_output
        tags.non_deterministic = inner.non_deterministic
        return tags

    def _new_estimator(self, n_outputs: int) -> Any:
        """An untrained model of the correction; one that predicts y already would correct twice."""
        model = clone_with_final_estimators(or_default(self.estimator))
        if predicts_untrained(model, n_outputs):
            raise ValueError(
                f"estimator={type(model).__name__} comes with predictions of y from before training; expected one that "
                "learns a correction from nothing. Use a model without weights or head of its own for y."
            )
        return model


def _as_table(X: Any) -> Any:
    """X as it came if it is a data frame, else as a matrix; its values are the inner estimator's business."""
    if hasattr(X, "columns"):
        return X
    return check_array(X, accept_sparse="csr", dtype=None, ensure_all_finite=False)
