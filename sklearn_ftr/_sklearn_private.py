"""Every private helper of scikit-learn that the package uses, so that a move breaks one file."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from numbers import Integral
from typing import Any, TypeVar

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import HasMethods, Interval, Options, RealNotInt, StrOptions
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _num_samples as num_samples

try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback._callback_support import callback_management_context
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Before scikit-learn 1.9 there are no callbacks."""


# A parameter that is True or False; 1 and 0 are what they come back as from tables of settings.
BOOLEAN = ["boolean", Options(Integral, {0, 1})]

__all__ = [
    "BOOLEAN",
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "RealNotInt",
    "StrOptions",
    "callback_management",
    "check_sample_weight",
    "fit_context",
    "num_samples",
    "safe_indexing",
]

Method = TypeVar("Method", bound=Callable[..., Any])


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Method], Method]:
    """scikit-learn's decorator of `fit`, which has no types, without hiding the method's own from type checkers."""
    return _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)


def safe_indexing(X: Any, indices: Any, *, axis: int = 0) -> Any:
    """Rows or columns of X by position; of pyarrow's, too, which scikit-learn knows in its newest versions only.

    To find out that X is an array takes scikit-learn longer than to cut it.
    """
    if type(X) is np.ndarray and axis == 0:
        return X[indices]
    if not type(X).__module__.startswith("pyarrow"):
        return _safe_indexing(X, indices, axis=axis)
    if axis == 1:
        return X.select(list(indices))
    if isinstance(indices, slice):
        start, stop, _ = indices.indices(len(X))
        return X.slice(start, stop - start)
    return X.take(indices)


def callback_management(estimator: Any) -> AbstractContextManager[None]:
    """Tears callbacks of an estimator down, however its fit ends."""
    return callback_management_context(estimator)
