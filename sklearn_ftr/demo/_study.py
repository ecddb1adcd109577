"""What the demo does: several methods on one set of labels, and the same again on many draws."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.parallel import Parallel, delayed

from sklearn_ftr.estimators import RectifiedMeanEstimator
from sklearn_ftr.rectification import Estimate

Array = NDArray[np.float64]
LABELS_ONLY, PREDICTIONS_ONLY, CROSS_FITTING = "labels only", "predictions only", "cross-fitting"


@dataclass(frozen=True)
class Answer:
    """One method's estimate, how often it lets each label count, and in words what its predictions were worth."""

    method: str
    estimate: Estimate
    efficiency: float
    verdict: str = ""


def methods(seed: int, network: bool) -> dict[str, RectifiedMeanEstimator]:
    """The rectified estimators that the demo compares, by the name it prints."""
    ridge = RidgeCV(alphas=np.logspace(-3, 3, 13))
    chosen = {
        "split 20 %": RectifiedMeanEstimator(ridge, recycle=False, random_state=seed),
        "split 20 %, recycled": RectifiedMeanEstimator(ridge, random_state=seed),
        CROSS_FITTING: RectifiedMeanEstimator(ridge, cv=5, random_state=seed),
    }
    if network:
        from sklearn_ftr.finetuning import VarianceRegressor

        net = make_pipeline(StandardScaler(), VarianceRegressor())
        chosen["cross-fitting, network"] = RectifiedMeanEstimator(net, cv=5, random_state=seed)
    return chosen


def compare(X: Array, y: Array, seed: int = 0, network: bool = False) -> list[Answer]:
    """Every method's answer for one partly labeled y."""
    results = {name: model.fit(X, y).result_ for name, model in methods(seed, network).items()}
    split = results["split 20 %"]
    answers = [Answer(LABELS_ONLY, split.labels_only, 1.0)]
    if split.predictions_only is not None:
        answers.append(Answer(PREDICTIONS_ONLY, split.predictions_only, np.nan))
    return answers + [
        Answer(name, result, result.efficiency, result.verdict()) for name, result in results.items()
    ]


def hide_labels(truth: Array, n_labeled: int, seed: int) -> Array:
    """The same ratings with all but a random `n_labeled` of them unknown."""
    y = np.full_like(truth, np.nan)
    kept = np.random.default_rng(seed).permutation(len(truth))[:n_labeled]
    y[kept] = truth[kept]
    return y


@dataclass(frozen=True)
class Calibration:
    """What happened over repeated draws of the labels."""

    method: str
    coverage: float
    coverage_error: float  # Monte Carlo standard error
    efficiency: float  # variance of the labels-only errors over this method's
    efficiency_error: float


def calibrate(
    X: Array,
    truth: Array,
    n_labeled: int,
    n_draws: int,
    progress: Callable[[Iterable[list[Answer]], int], Iterable[list[Answer]]],
) -> list[Calibration]:
    """Coverage and true efficiency of each method over `n_draws` draws, seeds 1 to n_draws."""
    draws = Parallel(n_jobs=2, return_as="generator")(
        delayed(compare)(X, hide_labels(truth, n_labeled, seed), seed) for seed in range(1, n_draws + 1)
    )
    answers = list(progress(draws, n_draws))
    errors = np.array([[a.estimate.estimate - truth.mean() for a in draw] for draw in answers])
    held = np.array([[holds(a.estimate, truth.mean()) for a in draw] for draw in answers])
    names = [answer.method for answer in answers[0]]
    return [
        Calibration(name, *_share(held[:, i]), *_variance_ratio(errors[:, 0], errors[:, i]))
        for i, name in enumerate(names)
    ]


def holds(estimate: Estimate, truth: float) -> bool:
    """Whether the 95 % interval holds the true mean."""
    low, high = estimate.confidence_interval(0.95)
    return bool(low <= truth <= high)


def _share(hits: NDArray[np.bool_]) -> tuple[float, float]:
    share = hits.mean()
    return float(share), float(np.sqrt(share * (1 - share) / len(hits)))


def _variance_ratio(errors: Array, others: Array) -> tuple[float, float]:
    """mean(errors^2) / mean(others^2) and its jackknife standard error."""
    squares, other_squares = errors**2, others**2
    left_out = (squares.sum() - squares) / (other_squares.sum() - other_squares)
    spread = np.sqrt((len(left_out) - 1) * np.var(left_out))
    return float(squares.sum() / other_squares.sum()), float(spread)
