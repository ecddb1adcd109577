"""Populations of `regret.py`: rows with labels to draw from, real and made."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
from _rating_sets import load_vectors
from sklearn.datasets import make_friedman1
from sklearn.decomposition import PCA

REAL = ("EmoBank V", "EmoBank A", "tweets", "wine points", "amazon")
N_COMPONENTS = 50
Rows = tuple[np.ndarray, np.ndarray]


class Population(Protocol):
    """Draws n rows and m others, with their labels, in this order; `sd` is that of labels."""

    sd: float

    def draw(self, rng: np.random.Generator, n: int, m: int) -> Rows:
        """X and y of n + m rows."""


@dataclass(frozen=True)
class RealSet:
    """Rated texts; where there are fewer than n + m, the m others repeat."""

    X: np.ndarray
    y: np.ndarray

    @property
    def sd(self) -> float:
        """Of all ratings."""
        return float(self.y.std())

    def draw(self, rng: np.random.Generator, n: int, m: int) -> Rows:
        """At random, none of the m among the n."""
        order = rng.permutation(len(self.y))
        rows = np.concatenate([order[:n], np.resize(order[n:], m)])
        return self.X[rows], self.y[rows]


@dataclass(frozen=True)
class MadeSet:
    """Rows made as they are drawn; the standard deviation is that of 400,000."""

    make: Callable[[np.random.Generator, int], Rows]
    sd: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sd", float(self.make(np.random.default_rng(0), 400_000)[1].std()))

    def draw(self, rng: np.random.Generator, n: int, m: int) -> Rows:
        """All are new."""
        return self.make(rng, n + m)


def friedman(rng: np.random.Generator, n: int) -> Rows:
    return make_friedman1(n, noise=1.0, random_state=int(rng.integers(2**31)))


def late(rng: np.random.Generator, n: int) -> Rows:
    """What networks learn nothing of from 50 labels, and nearly all from 300."""
    X = rng.standard_normal((n, 6))
    return X, 3 + np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.3 * rng.standard_normal(n)


def noise(rng: np.random.Generator, n: int) -> Rows:
    return rng.standard_normal((n, 10)), rng.standard_normal(n)


def signal_and_noise(rng: np.random.Generator, n: int) -> Rows:
    """A signal that is 90 % of V(Y) = 1, and a column of noise: what `StoredCurve` sees."""
    X = rng.standard_normal((n, 2)) * [0.9**0.5, 1.0]
    return X, X[:, 0] + 0.1**0.5 * rng.standard_normal(n)


MADE = {"Friedman": friedman, "late": late, "noise": noise, "stored": signal_and_noise}


@cache
def population(folder: Path | None, name: str, reduced: bool) -> Population:
    """A set by its name; sentence vectors `reduced` to their first principal components, if asked for."""
    if name in MADE:
        return MadeSet(MADE[name])
    assert folder is not None
    rated = load_vectors(folder, name)
    return RealSet(_components(rated.X) if reduced else rated.X, rated.y)


def _components(X: np.ndarray) -> np.ndarray:
    """Of all rows, whatever their labels; in units of their mean standard deviation."""
    found = PCA(N_COMPONENTS, random_state=0).fit_transform(X)
    return found / np.sqrt(np.mean(found**2))
