"""The residual variance as a function of the fine-tuning size, from trials.

Clusters stay whole, and each part has its share of every stratum: `_trials` sees to that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr._printed_table import PrintedTable
from sklearn_ftr._short_repr import told
from sklearn_ftr._shows_table import ShowsTable, table_of_columns
from sklearn_ftr._tables import import_pandas
from sklearn_ftr._versioned import Versioned
from sklearn_ftr.allocation._drawing import Drawing
from sklearn_ftr.allocation._training_luck import Luck, luck_of_trainings
from sklearn_ftr.estimators._answer import Columns, Rows
from sklearn_ftr.estimators._bootstrap import BootstrapWeights
from sklearn_ftr.estimators._drawn_labels import DrawnLabels, DrawnPart
from sklearn_ftr.estimators._label_sets import LabelSet
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._last_only import LastOnly
from sklearn_ftr.estimators._residual_variance import (
    CurveDeviations,
    deviations_of,
    residual_variances,
    total_variances,
)
from sklearn_ftr.estimators._trials import Trial
from sklearn_ftr.rectification._checks import Array


@dataclass(frozen=True, repr=False)
class LearningCurve(ShowsTable, Versioned):
    """Residual variance after training on each size, as `FineTuneRectifyAllocator` has measured it.

    Attributes
    ----------
    sizes : ndarray of int, shape (j,)
        Numbers of labels that trained; 0 is the model before training.
    variances : ndarray of shape (j,)
        Residual variances; the mean over several outputs.
    resampled : ndarray of shape (n_bootstrap, j)
        The same for bootstrap samples of the test rows.
    total_variance : float
        V(Y), the mean over outputs.
    resampled_total : ndarray of shape (n_bootstrap,)
    cost : float
        Rows trained on, in units of one training on all labels.
    trainings : ndarray of int, shape (j,)
        How many each of `variances` is the mean of.
    luck : Luck
        How far a training may be off by the luck of its rows and seeds, which no bootstrap of test rows knows of.
    drawing : Drawing
        How rows were drawn, as far as plans need to know it.
    pool_share : float
        How much a row of the pool tells, beside a label.
    smallest_training : int
        Fewer labels have been found to be too few for the model; 2 if none have.
    """

    sizes: NDArray[np.intp]
    variances: Array
    resampled: Array
    total_variance: float
    resampled_total: Array
    cost: float
    trainings: NDArray[np.intp]
    luck: Luck = field(default_factory=Luck)
    drawing: Drawing = field(default_factory=Drawing)
    pool_share: float = 1.0
    smallest_training: int = 2

    @property
    def standard_errors(self) -> Array:
        """Bootstrap standard errors of `variances`, as far as the test rows cause them; above 0."""
        errors = self.resampled.std(axis=0)
        return np.maximum(errors, 1e-9 * max(self.total_variance, 1e-300))

    def __repr__(self) -> str:
        sizes, variances = self.sizes, self.variances
        return told(
            self,
            f"{variances[0]:.4g} after {sizes[0]:,} labels to {variances[-1]:.4g} after {sizes[-1]:,}, "
            f"V(Y) {self.total_variance:.4g}",
        )

    def _table(self) -> PrintedTable:
        columns = {
            "labels": self.sizes,
            "trainings": self.trainings,
            "residual variance": self.variances,
            "std. error": self.standard_errors,
            "of V(Y)": self.variances / self.total_variance
            if self.total_variance
            else np.zeros(len(self.sizes)),
        }
        return table_of_columns(f"Learning curve, V(Y) {self.total_variance:.4g}", columns)

    def to_frame(self) -> Any:
        """A row for each size, as a pandas DataFrame (extra `frames`): `size`, `variance`, `standard_error` and `trainings`."""
        pd = import_pandas("LearningCurve.to_frame()")
        return pd.DataFrame(
            {
                "size": self.sizes,
                "variance": self.variances,
                "standard_error": self.standard_errors,
                "trainings": self.trainings,
            }
        )


@dataclass(frozen=True, eq=False)
class Tested:
    """A trial, its residual variance in each version, and its predictions if something else is made of them."""

    trial: Trial
    residual: Array
    f: Array | None

    @property
    def size(self) -> int:
        """Labels that trained."""
        return self.trial.size

    @property
    def is_half(self) -> bool:
        """Whether one half, or nothing, has trained, and all others test."""
        return self.trial.beside is None


@dataclass(frozen=True, eq=False)
class TestRows:
    """Rows that test, how they were drawn, which labels, or pieces of a design, they are, and what their labels contribute."""

    rows: Rows
    drawn: DrawnPart | None
    pieces: Rows
    labels: CurveDeviations


@dataclass(frozen=True, eq=False)
class TrialTests:
    """What trials are tested by: labels, and versions of the labeled rows, or clusters, the first of which weighs all alike."""

    labels: PartialLabels
    of_values: Columns
    weights: BootstrapWeights
    power_tuning: bool
    fits_rows: bool
    drawn: DrawnLabels | None

    def of(self, trial: Trial, f: Array, keep: bool = False) -> Tested:
        """What predictions f of its rows say of a trial; they are kept if others are beside it, too."""
        residual = self._residual(self._rows(trial.testing), f)
        return Tested(trial, residual, f if keep or trial.is_kept else None)

    def tells_the_draw(self, trial: Trial, tested: Sequence[Tested]) -> bool:
        """Whether predictions say how rows were drawn, after those that have been tested: two of the largest halves do, whose rows are all labels."""
        sizes = [one.size for one in tested if one.is_half]
        needed = self.drawn is not None and trial.beside is None
        return needed and trial.size >= max(sizes, default=0) and sizes.count(trial.size) < 2

    def curve(self, tested: list[Tested], cost: float) -> LearningCurve:
        """Means over the trials of each size."""
        of_size = np.array([one.size for one in tested])
        sizes = np.unique(of_size).astype(np.intp)
        curves = np.array([self._of_all_rows(one, tested) for one in tested])
        of_sizes = [curves[of_size == size] for size in sizes]
        table = np.array([some.mean(axis=0) for some in of_sizes]).T
        halves = [one for one in tested if one.is_half]
        largest = [one for one in halves if one.size == max(half.size for half in halves)]
        every = LabelSet.of(self.labels.labeled, slice(None))
        tests = [one.trial.testing for one in largest] if self.fits_rows else [every]
        total = np.mean([self._total(some) for some in tests], axis=0)
        drawing, share = self._drawing(largest)
        return LearningCurve(
            sizes,
            table[0],
            table[1:],
            float(total[0]),
            total[1:],
            cost,
            np.array([len(some) for some in of_sizes]),
            luck_of_trainings(
                [some for some, s in zip(of_sizes, sizes, strict=True) if 4 * s >= sizes[-1]]
            ),
            drawing,
            share,
        )

    def _drawing(self, largest: list[Tested]) -> tuple[Drawing, float]:
        """What plans know of how rows were drawn, from predictions of all labels by models that have not seen them."""
        if self.drawn is None:
            return Drawing(), 1.0
        rows, centred = [], []
        for one in largest[: 2 if largest[0].size else 1]:
            test = one.trial.test
            # Labels stand in for predictions of a half that came after larger ones, which a later training has ruled out.
            columns = self.of_values(test, self.labels.y[test] if one.f is None else one.f)
            rows.append(test)
            centred.append(columns - self.drawn.mean(test, columns))
        return self.drawn.beside_pool(np.concatenate(rows), np.concatenate(centred))

    def _of_all_rows(self, one: Tested, tested: list[Tested]) -> Array:
        """Residual variance of a trial; one that some rows have tested, as if all had.

        Some of the labels may be an easy one. How easy it was for the model of a half is known, and taken off as far as both agree over the bootstrap: the
        usual control variate, in logarithms.
        """
        beside = next((other for other in tested if other.trial is one.trial.beside), None)
        if beside is None:  # half of the labels, or these are too few for the model
            return one.residual
        here = self._of_these_rows(beside, one.trial.testing)
        alike = [other for other in tested if other.is_half and other.size == beside.size]
        everywhere = np.mean([other.residual for other in alike], axis=0)
        if min(one.residual.min(), here.min(), everywhere.min()) <= 0:
            return one.residual
        agreement = _agreement(np.log(one.residual[1:]), np.log(here[1:]))
        return one.residual * (everywhere / here) ** agreement

    def _of_these_rows(self, one: Tested, testing: LabelSet) -> Array:
        """Residual variance of a trial by some of its rows."""
        if testing is one.trial.testing:
            return one.residual
        assert one.f is not None
        return self._residual(self._rows(testing), one.f[testing.mask[one.trial.testing.mask]])

    def _residual(self, test: TestRows, f: Array) -> Array:
        """Residual variance of predictions of some rows, in each version."""
        return residual_variances(
            test.labels,
            deviations_of(self.of_values, test.rows, f, test.drawn),
            self.weights,
            test.pieces,
            self.power_tuning,
            self.fits_rows or self.drawn is not None,
        )

    def _total(self, some: LabelSet) -> Array:
        """Variance of what some labels contribute, in each version."""
        test = self._made_of(some)
        return total_variances(test.labels, self.weights, test.pieces)

    def _rows(self, some: LabelSet) -> TestRows:
        """Trials of one half follow each other, so that its labels need to be asked once."""
        rows: TestRows = self._last_rows(self._made_of, some)
        return rows

    @cached_property
    def _last_rows(self) -> LastOnly:
        return LastOnly()

    def _made_of(self, some: LabelSet) -> TestRows:
        rows, drawn = some.rows, None if self.drawn is None else self.drawn.only(some)
        pieces = some.positions if drawn is None else drawn.pieces.numbers
        labels = deviations_of(self.of_values, rows, self.labels.y[rows], drawn)
        return TestRows(rows, drawn, pieces, labels)


def _agreement(one: Array, other: Array) -> float:
    """Slope of a regression of one on the other, between 0 and 1."""
    centred = other - other.mean()
    square = float(centred @ centred)
    return float(np.clip(centred @ one / square, 0, 1)) if square > 0 else 0.0
