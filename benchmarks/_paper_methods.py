"""What `paper.py` answers to one draw of labels: each function yields rows of its table.

Answers are "of" the law that rows come from, with the interval that a larger population asks for, or of the rows at hand
(`finite_population=True`), where only the choice of labels is random. An answer of rows says which: their `mean` and number (`rows`). What a split by
hand is of are the rows that have not trained.

`variance` is that of the predictor's errors: on all rows it has not seen (fine-tuning on `size` labels), or out of fold. `endless`, of the law, is
n times the variance of the estimate were the pool endless and lambda 1.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from sklearn_ftr import Estimate, FineTuneRectifyAllocator, RectifiedMeanEstimator, rectify_mean

LEVEL = 0.95
LAW, ROWS = "law", "rows"
Row = dict[str, Any]
Make = Callable[[str], Any]


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

    def target(self, of: str, start: int = 0) -> Row:
        """What an answer is of: the law, or the rows from `start` on."""
        y = self.y[start:]
        return {"of": of} | ({"mean": y.mean(), "rows": len(y)} if of == ROWS else {})


def labels_only(draw: Draw, make: Make) -> Iterator[Row]:
    """The mean of the labels."""
    for of, seen in ((LAW, 0.0), (ROWS, draw.n / len(draw.y))):
        yield answer("labels only", _mean(draw.y[: draw.n], seen), **draw.target(of))


def split(draw: Draw, make: Make, size: int, loss: str) -> Iterator[Row]:
    """Fine-tune on `size` labels and rectify with the others; and fine-tuning alone: the pool's mean prediction."""
    trained = seeded(make(loss), draw.seed).fit(draw.X[:size], draw.y[:size])
    f = np.asarray(trained.predict(draw.X[size:]), dtype=float).ravel()
    y, labels = draw.y[size:], draw.n - size
    about = {"loss": loss, "size": size, "variance": np.var(y - f, ddof=1)}
    yield answer("fine-tune only", _mean(f[labels:]), of=LAW, **about)
    if labels > 1:
        yield from _both(draw, f, about | {"endless": about["variance"] * draw.n / labels})


def _both(draw: Draw, f: np.ndarray, about: Row) -> Iterator[Row]:
    """Rectified means of the rows that have not trained, whose predictions are f."""
    size = len(draw.y) - len(f)
    labels = draw.n - size
    for of in (LAW, ROWS):
        for name, weight in (("both, tuned", None), ("both, lambda = 1", 1.0)):
            result = rectify_mean(
                draw.y[size : draw.n],
                f[:labels],
                f[labels:],
                lambda_=weight,
                finite_population=of == ROWS,
            )
            yield answer(name, result, weight=result.lambda_, **about, **draw.target(of, size))


def folds(draw: Draw, make: Make, size: int, loss: str, of: str) -> Iterator[Row]:
    """Cross-fitting with `size` folds."""
    estimator = RectifiedMeanEstimator(
        make(loss), cv=size, finite_population=of == ROWS, random_state=draw.seed
    )
    result = estimator.fit(draw.X, draw.labels).result_
    yield answer("cross-fitting", result, size=size, loss=loss, **draw.target(of), **known(result))


def allocator(draw: Draw, make: Make, strategy: str, of: str) -> Iterator[Row]:
    """The allocator, its curve measured within the labels; `chosen` is how many of them trained (a model, in cross-fitting)."""
    inner = RectifiedMeanEstimator(make("variance"), random_state=draw.seed)
    fitted = FineTuneRectifyAllocator(
        inner, strategy=strategy, finite_population=of == ROWS, random_state=draw.seed
    ).fit(draw.X, draw.labels)
    more = known(fitted.result_) | {"chosen": fitted.result_.n_finetune}
    yield answer(f"allocator, {strategy}", fitted.result_, **draw.target(of), **more)


def known(result: Any) -> Row:
    """Of an estimator's result, whose labels that have trained are recycled."""
    n, rectify = result.n_labeled, result.n_rectify
    total = result.labels_only.standard_error**2 * n
    total /= 1 - n / (n + result.n_unlabeled) if result.is_finite else 1
    precision = rectify / result.residual_variance + (n - rectify) / total
    return {
        "weight": result.lambda_,
        "variance": result.residual_variance,
        "endless": n / precision,
    }


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


def _mean(values: np.ndarray, seen: float = 0.0) -> Estimate:
    """Mean of numbers that are taken for independent data, or for so large a share of all."""
    variance = values.var(ddof=1) / len(values) * (1 - seen)
    return Estimate(float(values.mean()), np.array([[variance]]), float(len(values) - 1))
