"""Models of `regret.py`, cheap ones first, and with how many trainings their true curves are measured."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from _regret_sets import REAL
from scipy.interpolate import PchipInterpolator
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor

# v(s) / V(Y) of MiniLM, one seed (docs/benchmarks.md); that nothing has been learned from 4 texts is assumed.
STORED = {
    "LoRA, EmoBank V": {4: 0.99, 100: 0.768, 300: 0.677, 1000: 0.600, 2000: 0.545},
    "LoRA, wine points": {4: 0.99, 100: 0.664, 300: 0.513, 1000: 0.417},
    "full, EmoBank V": {4: 0.99, 100: 0.796, 300: 0.633, 1000: 0.573, 2000: 0.548},
    "full, wine points": {4: 0.99, 100: 0.598, 300: 0.476, 1000: 0.412},
}
LUCK = {"LoRA": 0.05, "full": 0.1}


@dataclass(frozen=True)
class Model:
    """A predictor, or what makes one for a set; `repetitions` of each size for its true curve."""

    make: Callable[[str], Any]
    repetitions: int
    reduced: bool = True  # trained on principal components of sentence vectors, not on these


def network(name: str) -> Any:
    from sklearn_ftr import VarianceRegressor

    return VarianceRegressor(weight_decay=1.0, max_epochs=20 if name in REAL else 60)


MODELS = {
    "ridge": Model(lambda name: Ridge(), 400, reduced=False),
    "kNN": Model(lambda name: KNeighborsRegressor(), 400),
    "MLP": Model(lambda name: MLPRegressor(learning_rate_init=0.01, max_iter=100), 60),
    "network": Model(network, 60),
    "forest": Model(lambda name: RandomForestRegressor(50, max_features=1 / 3, min_samples_leaf=3), 60),
    "boosting": Model(lambda name: HistGradientBoostingRegressor(max_iter=50, min_samples_leaf=5), 60),
}


def stored_curve(name: str, s: Any) -> Any:
    """v(s) / V(Y): monotone cubic in logarithms through what was measured."""
    sizes, shares = zip(*STORED[name].items(), strict=True)
    inside = np.clip(s, sizes[0], sizes[-1])
    return np.exp(PchipInterpolator(np.log(sizes), np.log(shares))(np.log(inside)))


class StoredCurve(RegressorMixin, BaseEstimator):
    """A model of the set "stored" with this residual variance, and with the luck of each training.

    Half of its own noise is column 1, and so shared by all trainings.
    """

    def __init__(self, curve: str, luck: float) -> None:
        self.curve = curve
        self.luck = luck

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        self.seed_ = int(abs(y.sum() * 1e6)) % 2**31
        luck = np.random.RandomState(self.seed_).standard_normal()
        left = min(stored_curve(self.curve, len(y)) * np.exp(self.luck * luck), 0.99)
        self.noise_ = max(0.81 / (1 - left) - 0.9, 0) ** 0.5
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        own = np.random.RandomState(self.seed_ + 1).standard_normal(len(X))
        return X[:, 0] + self.noise_ * (X[:, 1] + own) / 2**0.5
