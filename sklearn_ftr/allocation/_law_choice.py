"""Which form of law a curve has: forms are weighted by how well they predict the largest sizes from the smaller ones.

The weight of a form is exp(-score / 2), up to a factor, with the score

    (z^2 of the two largest sizes, each predicted from smaller ones  +  z^2 of all sizes around the fit  +  2 p) / 2

of p parameters: the mean of what prediction and the fit, by Akaike's criterion, have against it. Forms that cannot be told apart are averaged: that is
never far from the right one, and a single one that is wrong is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.allocation._forms import INTERPOLATION, OTHERS, POWER, SHIFTED
from sklearn_ftr.allocation._law import Array, Law
from sklearn_ftr.allocation._other_laws import AveragedLaw

# Relative, of a mean of two or three trainings: the luck of their rows and seeds, which no bootstrap of test rows knows of. A single training of VarianceRegressor
# on 50 to 300 labels has .09 to .16 (24 trainings each), ridge regressions .02.
TRAINING_LUCK = 0.05
_HELD_OUT = 2
_FEWEST = 3  # sizes that a form is fitted to
_SMALLEST_WEIGHT = 0.02
_ROUNDING = 1e-9
# A form that is not the paper's has e times to be the better one: ridge regressions have power laws, and far from what was measured forms part.
_OTHER_FORM = 2.0


class AnyForm(Protocol):
    """What is fitted."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def at_zero(self) -> bool:
        """Whether it has a value before training."""

    def n_parameters(self, s: Array) -> int:
        """How many there are."""

    def fit(self, s: Array, curves: Array, errors: Array) -> list[Law]:
        """The law of each curve, of sizes whose errors are finite."""


FORMS: tuple[AnyForm, ...] = (POWER, *OTHERS, INTERPOLATION)


@dataclass(frozen=True)
class Chosen:
    """Forms with their weights, the largest first, and their laws."""

    forms: tuple[AnyForm, ...]
    weights: tuple[float, ...]
    laws: tuple[Law, ...]
    n_parameters: int
    scatter: float

    @property
    def law(self) -> Law:
        """The one, or the mean of several."""
        return self.laws[0] if len(self.laws) == 1 else AveragedLaw(self.laws, self.weights)

    @property
    def named(self) -> dict[str, float]:
        """Weights by names of forms."""
        return {form.name: weight for form, weight in zip(self.forms, self.weights, strict=True)}

    def versions(self, s: Array, curves: Array, errors: Array) -> list[Law]:
        """A law for each curve, of the forms in proportion to their weights, so that the choice is part of what is uncertain."""
        # Multiples of the golden ratio: each stretch of curves has its share of every form, without a random number.
        turns = (0.5 + np.arange(len(curves)) * (np.sqrt(5) - 1) / 2) % 1
        form_of = np.searchsorted(np.cumsum(self.weights)[:-1], turns, side="right")
        versions: list[Any] = [None] * len(curves)
        for k, form in enumerate(self.forms):
            rows = np.flatnonzero(form_of == k)
            if len(rows):
                for row, law in zip(rows, form.fit(s, curves[rows], errors), strict=True):
                    versions[row] = law
        return versions


def choose_law(s: Array, v: Array, errors: Array, known: bool) -> Chosen:
    """Forms for a curve; errors that are not known, but proportional, are as large as the scatter around the closest form."""
    forms = [form for form in FORMS if _competes(form, s)]
    spread = np.hypot(errors, TRAINING_LUCK * v) if known else errors
    parts = (np.where(part, spread, np.inf) for part in _smaller_sizes(s))
    table = np.array([errors, *parts])
    found = [form.fit(s, np.broadcast_to(v, table.shape), table) for form in forms]
    laws = [of_parts[0] for of_parts in found]
    scatter = min(_scatter(*pair, s, v, errors) for pair in zip(forms, laws, strict=True))
    sigma = spread if known else errors * max(scatter, _ROUNDING)
    scores = np.array([_score(*pair, s, v, sigma) for pair in zip(forms, found, strict=True)])
    weights = np.exp(-(scores - scores.min()) / 2)
    weights[weights < _SMALLEST_WEIGHT * weights.sum()] = 0
    order = [k for k in np.argsort(-weights, kind="stable") if weights[k]]
    kept = weights[order] / weights[order].sum()
    return Chosen(
        tuple(forms[k] for k in order),
        tuple(kept.tolist()),
        tuple(laws[k] for k in order),
        forms[order[0]].n_parameters(s),
        scatter,
    )


def _competes(form: AnyForm, s: Array) -> bool:
    """Power laws and interpolation always; others where a size is left to contradict them. All have a value at every size."""
    if not s.all() and not form.at_zero:
        return False
    always = (POWER, INTERPOLATION) if s.all() else (SHIFTED,)
    return form in always or form.n_parameters(s) < len(np.unique(s))


def _scatter(form: AnyForm, law: Law, s: Array, v: Array, errors: Array) -> float:
    """Of a curve around a law; infinite where no size is left to tell."""
    degrees = len(s) - form.n_parameters(s)
    if degrees < 1 and form is not POWER:
        return np.inf
    return float(np.sqrt(np.sum(((v - law.predict(s)) / errors) ** 2) / max(degrees, 1)))


def _score(form: AnyForm, laws: list[Law], s: Array, v: Array, sigma: Array) -> float:
    """Of the laws of the whole curve and of smaller sizes."""
    misfit = np.sum(((v - laws[0].predict(s)) / sigma) ** 2)
    prior = 0.0 if form is (POWER if s.all() else SHIFTED) else _OTHER_FORM
    missed = _missed(laws[1:], s, v, sigma)
    return float(missed + misfit + 2 * form.n_parameters(s)) / 2 + prior


def _smaller_sizes(s: Array) -> list[NDArray[np.bool_]]:
    """Those below the largest, and those below the next, where they are enough for a fit."""
    parts = [s < largest for largest in np.unique(s)[::-1][:_HELD_OUT]]
    return [part for part in parts if len(np.unique(s[part])) >= _FEWEST]


def _missed(laws: list[Law], s: Array, v: Array, sigma: Array) -> float:
    """Twice the mean of z^2 of the largest size from all smaller ones, and of the next from those that are smaller still."""
    squares = [
        np.mean(((v - law.predict(s)) / sigma)[s == largest] ** 2)
        for law, largest in zip(laws, np.unique(s)[::-1], strict=False)
    ]
    return 2 * float(np.mean(squares)) if squares else 0.0


def names_of(weights: dict[str, float]) -> str:
    """Forms in words, with their shares where there are several."""
    if len(weights) == 1:
        return next(iter(weights))
    return ", ".join(f"{name} {100 * weight:.0f} %" for name, weight in weights.items())
