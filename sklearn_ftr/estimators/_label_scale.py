"""How regressions see labels and predictions: in units of their family, inside of what it can have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from sklearn_ftr.estimators._labels import PartialLabels, one_column
from sklearn_ftr.estimators._out_of_sample import OutOfSample
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._families import Family
from sklearn_ftr.rectification._moments import as_table


@dataclass(frozen=True, eq=False)
class LabelScale:
    """Labels of any value, in their own units.

    Parameters
    ----------
    limits : tuple of two float
        To which predictions are clipped; they are then those of another predictor, as good as any.
    """

    limits: tuple[float, float]

    @classmethod
    def of(cls, y: Array, family: Family) -> Self:
        """That of the labels (n,) of a fit, if the family can have them."""
        return cls(family.limits(y))

    @property
    def attributes(self) -> dict[str, Any]:
        """Fitted attributes that say what the labels of the fit were."""
        return {}

    def read(self, labels: PartialLabels) -> PartialLabels:
        """Labels of other rows, checked against those of the fit."""
        return one_column(labels)

    def coded(self, values: Array) -> Array:
        """Labels or predictions in units of the family."""
        return values

    def clipped(self, values: Array) -> Array:
        """Labels or predictions (n, j) in these units, inside the limits."""
        return np.clip(as_table(self.coded(values)), *self.limits)

    def check_predictions(self, stage_one: OutOfSample) -> None:
        """Predictions that mean what labels mean."""


class CountScale(LabelScale):
    """Counts or rates, in their own units."""

    @classmethod
    def of(cls, y: Array, family: Family) -> Self:
        """That of the labels (n,) of a fit."""
        if y.min() < 0:
            raise ValueError(f"y goes down to {y.min():g}; expected counts or rates, 0 at least.")
        if not y.any():
            raise ValueError(
                f"All {len(y)} labels are 0; expected some above, because a rate of 0 has no logarithm."
            )
        return cls(family.limits(y))


@dataclass(frozen=True, eq=False)
class ClassScale(LabelScale):
    """Two classes, or shares from 0 to 1: the larger class is 1."""

    classes: Array

    @classmethod
    def of(cls, y: Array, family: Family) -> Self:
        """That of the labels (n,) of a fit."""
        classes = _classes_of(y)
        return cls(family.limits(_between(classes, y)), classes)

    @property
    def attributes(self) -> dict[str, Any]:
        """The classes."""
        return {"classes_": self.classes}

    def read(self, labels: PartialLabels) -> PartialLabels:
        """Labels of other rows, of the classes of the fit."""
        labels = one_column(labels)
        values, (low, high) = labels.of_labeled_rows, self.classes
        known = np.isin(values, self.classes)
        if (low, high) == (0, 1):  # or shares
            known = (values >= 0) & (values <= 1)
        if not known.all():
            raise ValueError(f"y has {values[~known][0]:g}; expected {low:g} and {high:g}, as in fit.")
        return labels

    def coded(self, values: Array) -> Array:
        """0 and 1, or what lies between."""
        return _between(self.classes, values)

    def check_predictions(self, stage_one: OutOfSample) -> None:
        """Those of a model from elsewhere may be coded otherwise than the labels."""
        (low, high), f = self.classes, stage_one.predictions
        outside = np.mean((f < low) | (f > high))
        if outside > 0.5 and not stage_one.n_finetune:
            raise ValueError(
                f"{outside:.0%} of the predictions lie outside {low:g} to {high:g}, the classes of y; expected their mean: "
                f"{low:g} + {high - low:g} times the probability of class {high:g}. Recode predictions, or labels as 0 and 1."
            )


SCALES: dict[str, type[LabelScale]] = {
    "gaussian": LabelScale,
    "binomial": ClassScale,
    "poisson": CountScale,
}


def _classes_of(y: Array) -> Array:
    """The two values of labels; 0 and 1 if they are shares."""
    values = np.unique(y)
    shares = values[0] >= 0 and values[-1] <= 1
    if len(values) == 1 and (not shares or values[0] in (0, 1)):
        raise ValueError(f"y has one class, {values[0]:g} (n_samples={len(y)}); expected two.")
    if len(values) > 2 and not shares:
        raise ValueError(
            f"y has {len(values)} values from {values[0]:g} to {values[-1]:g}: Only binary classification is supported "
            "here; expected two classes, or shares from 0 to 1."
        )
    return np.array([0.0, 1.0]) if shares else values


def _between(classes: Array, values: Array) -> Array:
    low, high = classes
    return (values - low) / (high - low)
