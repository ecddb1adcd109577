"""What a fit leaves on an estimator: all of it at once in the last line of `fit`, or nothing.

An error, or a Ctrl-C, in the middle of a fit then leaves the answers of an earlier one as they were.
"""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

# Where an estimator remembers which of its attributes come from a fit.
_NAMES = "_fitted_names"


def seen_features(X: Any) -> dict[str, Any]:
    """`n_features_in_` and `feature_names_in_`, as far as X has them."""
    bystander = BaseEstimator()
    validate_data(bystander, X, skip_check_array=True)
    return dict(vars(bystander))


def keep_fit(estimator: BaseEstimator, fitted: dict[str, Any]) -> None:
    """Put the attributes of a fit in the place of those of an earlier one, in a single assignment."""
    earlier = vars(estimator).get(_NAMES, ())
    own = {name: value for name, value in vars(estimator).items() if name not in earlier}
    estimator.__dict__ = {**own, **fitted, _NAMES: tuple(fitted)}
