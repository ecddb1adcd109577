"""The one form in which every set of rated texts is returned: a Bunch, a pair, or either with pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from sklearn_ftr._tables import import_pandas


def rated_texts(
    texts: Sequence[str],
    ratings: Mapping[str, Sequence[float]],
    description: str | None,
    return_X_y: bool,
    as_frame: bool,
    **others: Sequence[Any],
) -> Any:
    """A Bunch of texts, ratings (one column or several) and other columns, or `(data, target)`."""
    bunch = (_framed if as_frame else _arrays)(texts, ratings, others)
    if return_X_y:
        return bunch.data, bunch.target
    bunch.update(target_names=list(ratings), DESCR=description)
    return bunch


def _arrays(texts: Any, ratings: Mapping[str, Any], others: Mapping[str, Any]) -> Bunch:
    target = np.column_stack(list(ratings.values()))
    arrays = {name: np.array(values) for name, values in others.items()}
    return Bunch(
        data=np.array(texts),
        target=target[:, 0] if len(ratings) == 1 else target,
        frame=None,
        **arrays,
    )


def _framed(texts: Any, ratings: Mapping[str, Any], others: Mapping[str, Any]) -> Bunch:
    frame = import_pandas("as_frame=True").DataFrame({"text": texts, **ratings, **others})
    target = frame[next(iter(ratings))] if len(ratings) == 1 else frame[list(ratings)]
    series = {name: frame[name] for name in others}
    return Bunch(data=frame["text"], target=target, frame=frame, **series)
