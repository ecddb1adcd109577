"""A scikit-learn transformer: texts to the vectors of a frozen language model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_ftr._documentation_link import LinksDocumentation
from sklearn_ftr._sklearn_private import fit_context
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.finetuning._reads_texts import ReadsTexts
from sklearn_ftr.finetuning._text_network import check_fingerprint
from sklearn_ftr.finetuning._texts import TextColumns, text_columns
from sklearn_ftr.finetuning._vector_store import Vectors


class TextEmbedder(Versioned, ReadsTexts, LinksDocumentation, TransformerMixin, BaseEstimator):
    """Transformer of texts: the vectors of a frozen language model, each text read once.

    The same vectors, from the same cache, as `TextVarianceRegressor(method="head")` learns from: for use in a
    `ColumnTransformer`, beside other columns or the vectors of another model. Needs the extra `text`.

    Parameters
    ----------
    model, revision, pooling, max_length, device, dtype, embedding_cache
        As for `TextVarianceRegressor`. None is all-MiniLM-L6-v2. Of a model that was saved with a regression head
        only the vectors are used.

    Attributes
    ----------
    fingerprint_ : str
        Of the frozen weights, and of the way in which they read texts.
    n_outputs_ : int
        Numbers in the vector of one text.
    n_features_in_ : int
        Columns of texts; 1 for a sequence.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only when all columns had names.

    Raises
    ------
    ImportError
        From `fit`: the extra `text` is not installed.
    OSError
        From `fit`: the model cannot be loaded.
    ValueError
        From `fit`: X has no texts, or other values; missing texts among them, which '' may stand for. A device that this
        machine does not have. From `transform`: another model, other parameters or other columns than in `fit`.

    Warns
    -----
    EmbeddingCacheWarning
        The folder `embedding_cache` cannot be used.

    Notes
    -----
    Nothing is learned from X: `fit` loads the model and notes its fingerprint. Instances carry no weights; a pickled one
    loads the model from its source, which must not have changed.

    Examples
    --------
    >>> from sklearn.compose import make_column_transformer
    >>> from sklearn_ftr import TextEmbedder
    >>> columns = make_column_transformer((TextEmbedder(), "review"), remainder="passthrough")
    >>> columns.fit_transform(reviews_and_prices)  # doctest: +SKIP
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = ReadsTexts._parameter_constraints
    feature_names_in_: NDArray[np.object_]

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        revision: str | None = None,
        pooling: str = "auto",
        max_length: int = 256,
        device: str = "cpu",
        dtype: str = "auto",
        embedding_cache: str | Path | None = "memory",
    ) -> None:
        self.model = model
        self.revision = revision
        self.pooling = pooling
        self.max_length = max_length
        self.device = device
        self.dtype = dtype
        self.embedding_cache = embedding_cache

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Load the model and note what it is.

        Parameters
        ----------
        X : sequence of n texts, or table of shape (n, c) with c columns of them
            A list, array, Series or data frame (pandas, polars, pyarrow).
        y : ignored

        Returns
        -------
        self
        """
        self._check_extra()
        columns = text_columns(X)
        frozen = self._embedder(self._checkpoint(), self.device)
        self.n_features_in_ = columns.texts.shape[1]
        self._names = columns.names
        if "feature_names_in_" in vars(self):
            del self.feature_names_in_
        if columns.names is not None:
            self.feature_names_in_ = np.array(columns.names, dtype=object)
        self.fingerprint_, self.n_outputs_ = frozen.fingerprint, frozen.n_features
        return self

    def transform(self, X: Any) -> Vectors:
        """The vectors; those of several columns side by side.

        Parameters
        ----------
        X : as in `fit`, with the same columns

        Returns
        -------
        ndarray of shape (n, c * n_outputs_), float32
        """
        check_is_fitted(self, "fingerprint_")
        columns = text_columns(X)
        self._check_columns(columns)
        frozen = self._embedder(self._checkpoint(), self.device)
        check_fingerprint(frozen.fingerprint, self.fingerprint_, self._source(), "transformer")
        return np.hstack([frozen(column) for column in columns.texts.T])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the numbers: that of the column of texts, or "text", and a number.

        Parameters
        ----------
        input_features : str or sequence of str, default=None
            Names of the columns of texts, in place of those that `fit` has seen.

        Returns
        -------
        ndarray of shape (c * n_outputs_,)
        """
        check_is_fitted(self, "fingerprint_")
        names = self._column_names(input_features)
        numbers = range(self.n_outputs_)
        return np.array([f"{name}_{number}" for name in names for number in numbers], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _column_names(self, given: Any) -> Sequence[str]:
        if given is None:
            default = ["text"] if self.n_features_in_ == 1 else None
            numbered = [f"text{column}" for column in range(self.n_features_in_)]
            return self._names or default or numbered
        names = [given] if isinstance(given, str) else [str(name) for name in given]
        if len(names) != self.n_features_in_:
            raise ValueError(
                f"input_features has {len(names)} names; expected {self.n_features_in_}, one for each column of texts."
            )
        return names

    def _check_columns(self, columns: TextColumns) -> None:
        found, expected = columns.texts.shape[1], self.n_features_in_
        if found != expected:
            raise ValueError(f"X has {found} columns of texts; expected {expected}, as in fit.")
        if columns.names and self._names and columns.names != self._names:
            raise ValueError(
                f"X has the columns {columns.names}; expected {self._names}, as in fit and in this order."
            )
