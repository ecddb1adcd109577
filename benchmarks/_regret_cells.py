"""What the draws of `regret.py` say, cell by cell, beside the truth."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from _regret_models import LUCK
from _regret_truth import KnownCurve, MeasuredCurve, Truth

Lines = list[dict[str, Any]]
Curves = dict[tuple[str, str], MeasuredCurve | KnownCurve]
FOLDS = (2, 5)  # of cross-fitting that max_fits = 5 allows
FEWEST_REPETITIONS = 5
# What is fitted to each draw: the allocator's strategy, and whether labels that have trained are recycled.
WAYS = {"plain": ("split", False), "recycled": ("split", True), "auto": ("auto", True)}
# Promises that are looked at: of which fit, and of which of its options.
PROMISES = {
    "plain": ("plain", "picked"),
    "recycled": ("recycled", "picked"),
    "K = 5": ("auto", "folds"),
}


@dataclass(frozen=True)
class Cell:
    """All draws of n labels of a set, for one model, beside the truth."""

    model: str
    name: str
    n: int
    draws: Lines
    curve: MeasuredCurve | KnownCurve

    @cached_property
    def truth(self) -> Truth:
        """By the true curve."""
        return Truth(self.curve, self.n, self.draws[0]["pool"])

    @cached_property
    def best_splits(self) -> dict[str, dict[str, Any]]:
        """In hindsight, of both ways to split."""
        return {way: self.truth.best_split(way == "recycled") for way in ("plain", "recycled")}

    @cached_property
    def regrets(self) -> dict[str, np.ndarray]:
        """Of each way: the variance of what was picked over the smallest, minus one."""
        least = {
            way: self.truth.variance(best, way == "recycled") for way, best in self.best_splits.items()
        }
        least["auto"] = min([least["recycled"], *self.truth.without_split(FOLDS)])
        return {way: self._true_variances(way) / least[way] - 1 for way in WAYS}

    @cached_property
    def promised(self) -> dict[str, np.ndarray]:
        """Over true efficiency."""
        return {
            name: np.array([one["efficiency"] for one in self._options(*which)])
            * (self._true_variances(*which) * self.n)
            for name, which in PROMISES.items()
        }

    @cached_property
    def held(self) -> dict[str, np.ndarray]:
        """Whether the stated range holds the true standard error."""
        return {name: self._inside(*which) for name, which in PROMISES.items()}

    @property
    def reached(self) -> np.ndarray:
        """Standard errors that "auto" has reported, over true ones of what it picked: whether the truth is that of the estimator."""
        reached = [line["auto"]["reached"] for line in self.draws if "reached" in line["auto"]]
        return np.array(reached) / self._true_variances("auto") ** 0.5

    @property
    def failures(self) -> list[str]:
        """Errors of fits."""
        return [line[way]["error"] for line in self.draws for way in WAYS if "error" in line[way]]

    @property
    def warned(self) -> float:
        """Share of fits with "auto" that warned of a missed forecast."""
        return float(np.mean([line["auto"].get("warned", False) for line in self.draws]))

    def _options(self, way: str, which: str = "picked") -> Lines:
        return [line[way][which] for line in self.draws if which in line[way]]

    def _true_variances(self, way: str, which: str = "picked") -> np.ndarray:
        recycle = WAYS[way][1]
        return np.array([self.truth.variance(one, recycle) for one in self._options(way, which)])

    def _inside(self, way: str, which: str) -> np.ndarray:
        options = self._options(way, which)
        true = self._true_variances(way, which) ** 0.5
        return np.array(
            [one["low"] <= sd <= one["high"] for one, sd in zip(options, true, strict=True)]
        )


def curves_of(lines: Lines) -> Curves:
    """True curves that have been measured, and those of stored ones."""
    shares = defaultdict(list)
    for line in lines:
        if line["n"] == 0:
            shares[line["model"], line["set"]].append(line["shares"])
    measured = {
        key: MeasuredCurve(np.array(table))
        for key, table in shares.items()
        if len(table) >= FEWEST_REPETITIONS
    }
    known = {(line["model"], line["set"]) for line in lines if line["model"] in LUCK}
    return measured | {key: KnownCurve(*key) for key in known}


def cells_of(lines: Lines, curves: Curves) -> Iterator[Cell]:
    """In the order of models, sets and numbers of labels."""
    draws = defaultdict(list)
    for line in lines:
        if line["n"] > 0 and (line["model"], line["set"]) in curves:
            draws[line["model"], line["set"], line["n"]].append(line)
    for model, name, n in sorted(draws):
        yield Cell(model, name, n, draws[model, name, n], curves[model, name])
