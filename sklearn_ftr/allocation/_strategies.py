"""The ways to use labels: each is one object that knows all there is to know of it.

A way says when there is a choice of it, how many labels train, what variance it would leave, what work it is, what it costs, how an
estimator is told to take it, and how people are. Another way is another class, in its place in `SIMPLE_FIRST`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.allocation._costs import Costs
from sklearn_ftr.allocation._optimal_split import searched_split
from sklearn_ftr.allocation._premises import Premises
from sklearn_ftr.rectification._inference import welch_satterthwaite
from sklearn_ftr.rectification._recycling import meier_factor


@dataclass(frozen=True)
class Stated:
    """A variance as a result will state it, and its degrees of freedom."""

    variance: float
    degrees: float


@dataclass(frozen=True)
class Strategy(ABC):
    """One way to use n labels beside a pool of m rows, when s labels train each model."""

    n_folds: int = 0  # of cross-fitting
    name: ClassVar[str]
    trains: ClassVar[bool] = False
    predicts: ClassVar[bool] = True

    @classmethod
    @abstractmethod
    def ways(cls, known: Premises, n: float, m: float) -> Iterator[Strategy]:
        """What n labels and m rows allow: none, one, or one for each number of folds."""

    @abstractmethod
    def sentence(self, s: int, n: int) -> str:
        """What to do, in words."""

    def residual(self, known: Premises, s: int) -> float:
        """Variance of labels less predictions of a model that s labels have trained."""
        return float(known.law.predict(float(s)))

    @property
    def label(self) -> str:
        """What tables and sentences call it."""
        return self.name

    @property
    def n_trainings(self) -> int:
        """How often a model is trained."""
        return int(self.trains)

    @property
    def pool_passes(self) -> int:
        """How often the pool is predicted."""
        return max(self.n_trainings, 1) if self.predicts else 0

    def n_finetune(self, known: Premises, n: int, m: float) -> int:
        """Labels that train each model, for the smallest variance."""
        return 0

    def cheaper_to_train(self, known: Premises, best: int) -> list[int]:
        """Numbers of labels up to the best that may be worth training on where training has a price."""
        return []

    def n_rectify(self, s: int, n: int) -> int:
        """Labels that rectify."""
        return n

    def variance(self, known: Premises, s: int, n: int, m: float) -> float:
        """Predicted, of the estimate."""
        r = self.n_rectify(s, n)
        return known.rectified(self.residual(known, s), r, m, n - r)

    def stated(self, known: Premises, s: int, n: int, m: float) -> Stated:
        """What an interval will be made of: Welch and Satterthwaite's degrees of freedom of both terms."""
        r = self.n_rectify(s, n)
        terms = known.terms(self.residual(known, s), r, m, n - r)
        degrees = self.residual_degrees(known, r), known.drawing.pool_degrees(r, m)
        return Stated(sum(terms), float(welch_satterthwaite(*map(_arrays, (terms, degrees)))))

    def residual_degrees(self, known: Premises, r: int) -> float:
        """Degrees of freedom of the residual variance of r labels; a tuned lambda takes one."""
        return max(known.drawing.degrees_of_freedom(r) - known.tuned, 1.0)

    def correlation(self, known: Premises, s: int) -> float:
        """Predicted, of labels with predictions."""
        return known.correlation(self.residual(known, s))

    def cost(self, s: int, n: int, m: float, costs: Costs) -> float:
        """Of labels, trainings and predictions of the pool."""
        # Nothing times an endless pool is nothing.
        priced = costs.inference and self.pool_passes
        inference = costs.inference * self.pool_passes * m if priced else 0.0
        return float(costs.label * n + costs.training * s * self.n_trainings + inference)

    def parameters(self, s: int) -> dict[str, Any]:
        """Those of a rectified estimator that make it go this way."""
        return {"split_ratio": s, "cv": None}


class LabelsOnly(Strategy):
    """The mean of all labels: what a model that predicts nothing leaves."""

    name = "labels only"
    predicts = False

    @classmethod
    def ways(cls, known: Premises, n: float, m: float) -> Iterator[Strategy]:
        """Always."""
        yield cls()

    def residual(self, known: Premises, s: int) -> float:
        """All of V(Y)."""
        return known.total_variance

    def variance(self, known: Premises, s: int, n: int, m: float) -> float:
        """Without a pool, too."""
        return known.alone(n, m)

    def stated(self, known: Premises, s: int, n: int, m: float) -> Stated:
        """Of the mean of all labels."""
        return Stated(known.alone(n, m), known.drawing.degrees_of_freedom(n))

    def correlation(self, known: Premises, s: int) -> float:
        """None, also where labels do not vary."""
        return 0.0

    def sentence(self, s: int, n: int) -> str:
        """What to do, in words."""
        return f"use {n} labels alone"


class ZeroShot(Strategy):
    """A model as it is, rectified by all labels."""

    name = "zero-shot"

    @classmethod
    def ways(cls, known: Premises, n: float, m: float) -> Iterator[Strategy]:
        """For models that predict before they are trained."""
        if known.can_predict(m) and known.zero_shot_variance is not None:
            yield cls()

    def residual(self, known: Premises, s: int) -> float:
        """Of the model as it is."""
        assert known.zero_shot_variance is not None
        return float(known.zero_shot_variance)

    def sentence(self, s: int, n: int) -> str:
        """What to do, in words."""
        return "rectify the model as it is with all labels"


class Split(Strategy):
    """Some labels train, the others rectify: the paper's."""

    name = "split"
    trains = True

    @classmethod
    def ways(cls, known: Premises, n: float, m: float) -> Iterator[Strategy]:
        """Two labels at least for either stage; one cluster to train and enough to rectify."""
        drawing = known.drawing
        enough = max(4, known.fewest_for_a_model + drawing.fewest_to_rectify(n))
        if known.can_predict(m) and known.trainable and n >= enough and not drawing.no_split:
            yield cls()

    def n_finetune(self, known: Premises, n: int, m: float) -> int:
        """The optimal split."""
        if known.drawing.is_simple:
            return known.best_split(n, m)
        low, high = known.fewest_to_train(n), n - known.drawing.fewest_to_rectify(n)
        return searched_split(lambda s: self.variance(known, s, n, m), low, max(low, high))

    def cheaper_to_train(self, known: Premises, best: int) -> list[int]:
        """From the fewest on, evenly in logarithms."""
        sizes = np.geomspace(known.fewest_to_train(), max(best, 2), 25)
        return np.unique(sizes.astype(int)).tolist()

    def n_rectify(self, s: int, n: int) -> int:
        """Those that have not trained."""
        return n - s

    def variance(self, known: Premises, s: int, n: int, m: float) -> float:
        """With the labels that have trained, where they are recycled."""
        return known.recycled(super().variance(known, s, n, m), s)

    def stated(self, known: Premises, s: int, n: int, m: float) -> Stated:
        """With what it costs that the weight of recycled labels is estimated (Meier 1953)."""
        plain = super().stated(known, s, n, m)
        combined = known.recycled(plain.variance, s)
        weight = 1 - combined / plain.variance if plain.variance > 0 else 0.0
        degrees = plain.degrees, known.drawing.degrees_of_freedom(n)
        excess = meier_factor(weight, *degrees)
        return Stated(combined * excess, 1 / ((1 - weight) ** 2 / degrees[0] + weight**2 / degrees[1]))

    def sentence(self, s: int, n: int) -> str:
        """What to do, in words."""
        return f"fine-tune on {s} labels, rectify with {n - s}"


class CrossFitting(Strategy):
    """Each of K folds is rectified with the model that the others have trained: v((1 - 1/K) n) / n + V(f) / m."""

    name = "cross-fitting"
    trains = True

    @classmethod
    def ways(cls, known: Premises, n: float, m: float) -> Iterator[Strategy]:
        """Two labels, or clusters, at least for each fold, and enough to train without any."""
        pieces = n // known.drawing.labels_per_piece
        if known.can_predict(m) and known.trainable and pieces >= 4:
            for folds in known.folds:
                if folds <= pieces // 2 and n - n // folds >= known.smallest_training:
                    yield cls(int(folds))

    @property
    def label(self) -> str:
        """With its number of folds."""
        return f"{self.name}, K = {self.n_folds}"

    @property
    def n_trainings(self) -> int:
        """Of a model for each fold."""
        return self.n_folds

    def n_finetune(self, known: Premises, n: int, m: float) -> int:
        """All but one fold."""
        return n - n // self.n_folds

    def residual_degrees(self, known: Premises, r: int) -> float:
        """Those of several models."""
        return known.drawing.cross_fitting_degrees(r, self.n_folds)

    def sentence(self, s: int, n: int) -> str:
        """What to do, in words."""
        return f"cross-fit with {self.n_folds} folds"

    def parameters(self, s: int) -> dict[str, Any]:
        """The number of folds."""
        return {"cv": self.n_folds}


def _arrays(numbers: Iterable[float]) -> list[NDArray[np.float64]]:
    return [np.asarray(number, dtype=float) for number in numbers]


# What there is to explain, least first: the order of plans, and of ways that tie in everything else.
SIMPLE_FIRST: tuple[type[Strategy], ...] = (LabelsOnly, ZeroShot, Split, CrossFitting)
_BY_NAME = {strategy.name: strategy for strategy in SIMPLE_FIRST}


def strategy_named(name: str, n_folds: int = 0) -> Strategy:
    """The strategy that an option names."""
    if name not in _BY_NAME:
        raise ValueError(f"strategy is {name!r}; expected one of {tuple(_BY_NAME)}.")
    return _BY_NAME[name](n_folds)


def available_strategies(known: Premises, n: float, m: float) -> Iterator[Strategy]:
    """All that n labels and m rows allow, the simplest first."""
    for strategy in SIMPLE_FIRST:
        yield from strategy.ways(known, n, m)


def simplicity(strategy: Strategy) -> int:
    """Its place among all, the simplest first."""
    return SIMPLE_FIRST.index(type(strategy))
