"""The methods that `real_ratings.py` compares, each as rows of its table, for one draw of labels.

A method is a function of a draw and a model that yields rows: method, variant, loss, split_ratio and what it answers.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from scipy.stats import norm
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import KFold

from sklearn_ftr import Costs, Estimate, FineTuneRectifyAllocator, RectifiedMeanEstimator, rectify_mean
from sklearn_ftr.estimators._choice import choose, parameters_of
from sklearn_ftr.estimators._labels import check_partial_labels

LEVEL = 0.95
# What a recycled or an untuned answer changes in the estimator that trained the plain one.
VARIANTS = {
    "plain": {},
    "recycled": {"recycle": True},
    "plain, lambda = 1": {"power_tuning": False},
}
# Strategy and `recycle` of the allocator.
ALLOCATORS = {
    "split, plain": ("split", False),
    "split, recycled": ("split", True),
    "auto": ("auto", True),
}
PPI_BOOTSTRAPS = 30
Row = dict[str, Any]


@dataclass(frozen=True)
class Draw:
    """A population in random order, whose first n rows have labels; everything random is seeded by the draw."""

    seed: int
    n: int
    X: Any
    y: np.ndarray
    labels: np.ndarray = field(init=False)  # NaN for the pool

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", np.where(np.arange(len(self.y)) < self.n, self.y, np.nan))

    @property
    def labeled(self) -> tuple[Any, np.ndarray]:
        return self.X[: self.n], self.y[: self.n]

    @property
    def pool(self) -> Any:
        return self.X[self.n :]


@dataclass(frozen=True)
class Model:
    """A trainable predictor and what is compared with it."""

    make: Callable[[str], Any]  # an estimator for a training loss
    losses: tuple[str, ...]
    ratios: tuple[float, ...]
    folds: tuple[int, ...]
    frozen: Any = None  # a predictor that has seen none of the labels


def labels_only(draw: Draw, model: Model) -> Iterator[Row]:
    """The mean of the labels with its t interval."""
    yield _row("labels only", _mean(draw.y[: draw.n]))


def plug_in(draw: Draw, model: Model) -> Iterator[Row]:
    """Train on all labels and report the mean prediction over the pool, as if predictions were data."""
    estimator = model.make("variance")
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=draw.seed)
    predictions = estimator.fit(*draw.labeled).predict(draw.pool)
    yield _row("plug in", _mean(predictions), n_finetune=draw.n)


def zero_shot(draw: Draw, model: Model) -> Iterator[Row]:
    """A frozen predictor from elsewhere, rectified by all labels."""
    for variant, tuned in (("tuned", True), ("lambda = 1", False)):
        rectified = RectifiedMeanEstimator(
            FrozenEstimator(model.frozen), split_ratio=0, power_tuning=tuned, random_state=draw.seed
        )
        yield _result("zero-shot", rectified.fit(draw.X, draw.labels).result_, variant=variant)


def split(draw: Draw, model: Model) -> Iterator[Row]:
    """Fine-tuning then rectification at fixed ratios: one training, answered plain, recycled and untuned."""
    for loss in model.losses:
        for ratio in model.ratios:
            for variant, result in split_results(draw, model.make(loss), ratio).items():
                yield _result("split", result, variant=variant, loss=loss, split_ratio=ratio)


def split_results(draw: Draw, estimator: Any, ratio: float) -> dict[str, Any]:
    """What RectifiedMeanEstimator answers with each of VARIANTS, from one training (see `check`)."""
    plain = RectifiedMeanEstimator(estimator, split_ratio=ratio, recycle=False, random_state=draw.seed)
    labels = check_partial_labels(draw.X, draw.labels, "benchmark")
    stage_one = plain._fine_tune(draw.X, plain._bind(draw.X, labels), np.empty(0, dtype=np.intp))
    return {
        variant: clone(plain).set_params(**change)._bind(draw.X, labels).rectify(stage_one).result
        for variant, change in VARIANTS.items()
    }


def allocator(draw: Draw, model: Model) -> Iterator[Row]:
    """The split or the way that the allocator chooses from a learning curve within the labels."""
    for variant, (best, option) in allocations(draw, model.make("variance")).items():
        choice = f"K = {option.n_folds}" if option.n_folds else option.strategy
        yield _result("allocator", best.result_, variant=variant, choice=choice)


def allocations(draw: Draw, estimator: Any) -> dict[str, tuple[Any, Any]]:
    """For each of ALLOCATORS the refitted estimator and its option, from one learning curve (see `check`)."""
    first = FineTuneRectifyAllocator(
        RectifiedMeanEstimator(estimator), strategy="split", random_state=draw.seed
    ).fit(draw.X, draw.labels)
    answers = {}
    for variant, (strategy, recycle) in ALLOCATORS.items():
        outlook = replace(first.outlook_, recycle=recycle)
        plan = outlook.plan(draw.n, len(draw.y) - draw.n, Costs())
        option = choose(plan, outlook, strategy, first.max_fits, first.law_fit_).option
        best = clone(first.best_estimator_).set_params(recycle=recycle)
        best.set_params(**parameters_of(option, draw.n, len(draw.y) - draw.n, ()))
        answers[variant] = best.fit(draw.X, draw.labels), option
    return answers


def cross_fitting(draw: Draw, model: Model) -> Iterator[Row]:
    """K folds; and what ppi-python makes of the same K models, with more than two of them."""
    for n_folds in model.folds:
        fitted, folds = _cross_fit(draw, model, n_folds)
        yield _result("cross-fitting", fitted.result_, variant=f"K = {n_folds}")
        if n_folds > 2:
            yield _ppi_cross(draw, folds, fitted.estimators_, None, f"K = {n_folds}")


def ppi_bootstrap(draw: Draw, model: Model) -> Iterator[Row]:
    """ppi-python with K = 5 and the bootstrap of its paper for the variance: 30 more trainings."""
    fitted, folds = _cross_fit(draw, model, 5)
    data = _bootstrap_data(draw, model, draw.n - draw.n // 5)
    for variant, one in (("K = 5", None), ("K = 5, bootstrap", data)):
        yield _ppi_cross(draw, folds, fitted.estimators_, one, variant)


def _cross_fit(draw: Draw, model: Model, n_folds: int, **settings: Any) -> tuple[Any, list[np.ndarray]]:
    """The fitted estimator and the labels of each fold."""
    folds = KFold(n_folds, shuffle=True, random_state=draw.seed)
    fitted = RectifiedMeanEstimator(
        model.make("variance"), cv=folds, random_state=draw.seed, **settings
    ).fit(draw.X, draw.labels)
    return fitted, [test for _, test in folds.split(np.empty(draw.n))]


def _ppi_cross(
    draw: Draw, folds: list[np.ndarray], models: list[Any], data: dict[str, Any] | None, variant: str
) -> Row:
    """Cross-prediction of ppi-python 0.2.3 on the same folds and models."""
    peer = _ppi_python()
    X, y = draw.labeled
    of_labels = np.empty(draw.n)
    for rows, predictor in zip(folds, models, strict=True):
        of_labels[rows] = predictor.predict(X[rows])
    of_pool = np.column_stack([predictor.predict(draw.pool) for predictor in models])
    estimate = np.ravel(peer.crossppi_mean_pointestimate(y, of_labels, of_pool))[0]
    ends = peer.crossppi_mean_ci(y, of_labels, of_pool, alpha=1 - LEVEL, bootstrap_data=data)
    ends = [np.ravel(end)[0] for end in ends]
    return _row("ppi-python", _of_interval(estimate, ends), ends, variant=variant)


@cache
def _ppi_python() -> Any:
    """The peer, whose import would silence all warnings."""
    with warnings.catch_warnings():
        return import_module("ppi_py")


def _bootstrap_data(draw: Draw, model: Model, size: int) -> dict[str, np.ndarray]:
    """Models trained on `size` labels drawn with replacement, each tested on the labels not drawn."""
    rng = np.random.default_rng(draw.seed)
    X, y = draw.labeled
    tested, predicted, of_pool = [], [], []
    for _ in range(PPI_BOOTSTRAPS):
        rows = rng.integers(draw.n, size=size)
        others = np.setdiff1d(np.arange(draw.n), rows)
        predictor = model.make("variance").fit(X[rows], y[rows])
        tested.append(y[others])
        predicted.append(predictor.predict(X[others]))
        of_pool.append(predictor.predict(draw.pool))
    return {
        "Y": np.concatenate(tested),
        "Yhat": np.concatenate(predicted),
        "Yhat_unlabeled": np.column_stack(of_pool),
    }


# Methods for a judge's answers: X is a data frame whose first column is the judge, then features.


def judge_plug_in(draw: Draw, model: Model) -> Iterator[Row]:
    """The judge's mean over the pool, as if the judge were people."""
    yield _row("plug in", _mean(draw.pool["judge"].to_numpy()))


def judge_rectified(draw: Draw, model: Model) -> Iterator[Row]:
    """The judge as it is, rectified by all labels."""
    arrays = draw.y[: draw.n], *(part["judge"].to_numpy() for part in (draw.labeled[0], draw.pool))
    for variant, weight in (("lambda = 1", 1.0), ("tuned", None)):
        yield _result("zero-shot", rectify_mean(*arrays, lambda_=weight), variant=variant)
    peer = _ppi_python()
    estimate = np.ravel(peer.ppi_mean_pointestimate(*arrays))[0]
    ends = [np.ravel(end)[0] for end in peer.ppi_mean_ci(*arrays, alpha=1 - LEVEL)]
    yield _row("ppi-python", _of_interval(estimate, ends), ends, variant="tuned")


def judge_corrected(draw: Draw, model: Model) -> Iterator[Row]:
    """The judge corrected by a model that is trained on some labels, without and with features."""
    from sklearn_ftr import PredictionCorrector

    inputs = {"judge only": draw.X[["judge"]]}
    if draw.X.shape[1] > 1:
        inputs["with features"] = draw.X
    for variant, X in inputs.items():
        for name, settings in (("split .2", {"split_ratio": 0.2}), ("K = 5", {"cv": 5})):
            rectified = RectifiedMeanEstimator(
                PredictionCorrector(column="judge"), random_state=draw.seed, **settings
            )
            result = rectified.fit(X, draw.labels).result_
            yield _result("corrected judge", result, variant=f"{name}, {variant}")


RATING_METHODS = {
    "labels-only": labels_only,
    "plug-in": plug_in,
    "zero-shot": zero_shot,
    "split": split,
    "allocator": allocator,
    "cross-fitting": cross_fitting,
    "ppi-bootstrap": ppi_bootstrap,
}
JUDGE_METHODS = {
    "labels-only": labels_only,
    "plug-in": judge_plug_in,
    "zero-shot": judge_rectified,
    "corrected": judge_corrected,
}


def check(draw: Draw, model: Model) -> None:
    """Assert that answers which share a training or a curve are those of estimators fitted by themselves."""
    for loss, ratio in ((model.losses[0], model.ratios[0]), (model.losses[-1], model.ratios[-1])):
        for variant, result in split_results(draw, model.make(loss), ratio).items():
            settings = {"recycle": False} | VARIANTS[variant]
            alone = RectifiedMeanEstimator(
                model.make(loss), split_ratio=ratio, random_state=draw.seed, **settings
            ).fit(draw.X, draw.labels)
            assert result.to_dict() == alone.result_.to_dict(), (loss, ratio, variant)
    if model.folds:
        _check_allocations(draw, model)
        _check_peer(draw, model)


def _check_allocations(draw: Draw, model: Model) -> None:
    for variant, (best, _) in allocations(draw, model.make("variance")).items():
        strategy, recycle = ALLOCATORS[variant]
        rectified = RectifiedMeanEstimator(model.make("variance"), recycle=recycle)
        alone = FineTuneRectifyAllocator(rectified, strategy=strategy, random_state=draw.seed)
        alone.fit(draw.X, draw.labels)
        assert best.result_.to_dict() == alone.result_.to_dict(), variant


def _check_peer(draw: Draw, model: Model) -> None:
    """At lambda = 1 both packages give the same cross-fitted estimate; ours tunes unless told not to."""
    untuned, folds = _cross_fit(draw, model, 5, power_tuning=False)
    row = _ppi_cross(draw, folds, untuned.estimators_, None, "")
    np.testing.assert_allclose(row["estimate"], untuned.mean_, rtol=1e-10)


def _mean(values: np.ndarray) -> Estimate:
    """Mean of numbers that are taken for independent data."""
    variance = values.var(ddof=1) / len(values)
    return Estimate(float(values.mean()), np.array([[variance]]), float(len(values) - 1))


def _of_interval(estimate: float, ends: Any) -> Estimate:
    """An estimate that comes with the ends of a z interval."""
    error = (ends[1] - ends[0]) / (2 * norm.isf((1 - LEVEL) / 2))
    return Estimate(float(estimate), np.array([[error**2]]), np.inf)


def _result(method: str, result: Any, **more: Any) -> Row:
    return _row(
        method,
        result,
        n_finetune=result.n_finetune,
        weight=result.lambda_,
        residual_variance=result.residual_variance,
        **more,
    )


def _row(method: str, estimate: Any, ends: Any = None, **more: Any) -> Row:
    low, high = estimate.confidence_interval(LEVEL) if ends is None else ends
    return {
        "method": method,
        "estimate": estimate.estimate,
        "standard_error": estimate.standard_error,
        "low": low,
        "high": high,
        **more,
    }
