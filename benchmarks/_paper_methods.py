"""What `paper.py` answers to one draw of labels: each function yields rows of its table.

`variance` is that of the predictor's errors: on all rows it has not seen (fine-tuning on `size` labels), or out of fold.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from sklearn_ftr import Estimate, FineTuneRectifyAllocator, RectifiedMeanEstimator, rectify_mean

LEVEL = 0.95
Row = dict[str, Any]


@dataclass(frozen=True)
class Draw:
    """A population in random order, whose first n rows have labels; everything random is seeded by the draw."""

    seed: int
    n: int
    X: Any
    y: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        return np.where(np.arange(len(self.y)) < self.n, self.y, np.nan)


def labels_only(draw: Draw, make: Callable[[str], Any]) -> Iterator[Row]:
    """The mean of the labels."""
    yield answer("labels only", _mean(draw.y[: draw.n]))


def split(draw: Draw, make: Callable[[str], Any], size: int, loss: str) -> Iterator[Row]:
    """Fine-tune on `size` labels and rectify with the others; and fine-tuning alone: the pool's mean prediction."""
    trained = seeded(make(loss), draw.seed).fit(draw.X[:size], draw.y[:size])
    f = np.asarray(trained.predict(draw.X[size:]), dtype=float).ravel()
    y, labels = draw.y[size:], draw.n - size
    about = {"loss": loss, "size": size, "variance": np.var(y - f, ddof=1)}
    yield answer("fine-tune only", _mean(f[labels:]), **about)
    if labels > 1:
        for name, weight in (("both, tuned", None), ("both, lambda = 1", 1.0)):
            result = rectify_mean(y[:labels], f[:labels], f[labels:], lambda_=weight)
            yield answer(name, result, weight=result.lambda_, **about)


def folds(draw: Draw, make: Callable[[str], Any], size: int, loss: str) -> Iterator[Row]:
    """Cross-fitting with `size` folds."""
    estimator = RectifiedMeanEstimator(make(loss), cv=size, random_state=draw.seed)
    result = estimator.fit(draw.X, draw.labels).result_
    more = {"weight": result.lambda_, "variance": result.residual_variance}
    yield answer("cross-fitting", result, size=size, loss=loss, **more)


def allocator(draw: Draw, make: Callable[[str], Any], strategy: str) -> Iterator[Row]:
    """The allocator, its curve measured within the labels."""
    inner = RectifiedMeanEstimator(make("variance"), random_state=draw.seed)
    fitted = FineTuneRectifyAllocator(inner, strategy=strategy, random_state=draw.seed)
    result = fitted.fit(draw.X, draw.labels).result_
    yield answer(f"allocator, {strategy}", result, weight=result.lambda_)


def seeded(estimator: Any, seed: int) -> Any:
    """A clone with a seed where it takes one."""
    estimator = clone(estimator)
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=seed)
    return estimator


def answer(method: str, result: Any, **more: Any) -> Row:
    low, high = result.confidence_interval(LEVEL)
    head = {"method": method, "estimate": result.estimate, "standard_error": result.standard_error}
    numbers = head | {"low": low, "high": high} | more
    return {key: value if isinstance(value, str) else float(value) for key, value in numbers.items()}


def _mean(values: np.ndarray) -> Estimate:
    """Mean of numbers that are taken for independent data."""
    variance = values.var(ddof=1) / len(values)
    return Estimate(float(values.mean()), np.array([[variance]]), float(len(values) - 1))
