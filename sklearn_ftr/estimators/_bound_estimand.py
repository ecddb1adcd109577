"""A question bound to the rows of a sample: what both stages, the learning curve and the allocator ask of an estimand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.estimators._answer import Answer, Columns
from sklearn_ftr.estimators._drawn_labels import DrawnLabels
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._out_of_sample import SMALLEST_PART, OutOfSample
from sklearn_ftr.rectification._checks import Array

Rows = NDArray[np.intp]
# Weights of some rows in training.
Weigh = Callable[[Rows], Array]


@dataclass(frozen=True)
class StageTwoSettings:
    """How stage 2 is to answer, in the words of an estimator's parameters.

    Parameters
    ----------
    lambda_ : float, "overall" or None
        The weight of predictions; None tunes it.
    confidence_level : float
        That a result has of itself.
    recycle : bool
        Whether the answer of labels that have trained enters the estimate.
    finite_population : bool, default=False
        Whether exactly the rows of the fit are meant.
    """

    lambda_: Any
    confidence_level: float
    recycle: bool
    finite_population: bool = False

    @classmethod
    def of(cls, estimator: Any) -> StageTwoSettings:
        """As the parameters of a rectified estimator say."""
        tuned = "overall" if estimator.power_tuning == "overall" else None
        lambda_ = tuned if estimator.power_tuning else 1.0
        return cls(lambda_, estimator.confidence_level, estimator.recycle, estimator.finite_population)


@dataclass(frozen=True, eq=False)
class BoundEstimand(ABC):
    """What is estimated, and the rows that it is estimated from.

    A rectified estimator makes one of X, labels and its parameters, before anything is trained; whatever is wrong with them is an
    error then. Nothing of it changes, and nothing of it stays on the estimator but the `Answer`.

    Parameters
    ----------
    labels : PartialLabels
        With the labels of all rows and how these were drawn.
    settings : StageTwoSettings
    average_pool : bool
        Whether each of several models predicts the whole pool, if a sampling design does not say so.
    design_weights : ndarray of shape (n_rows,), default=None
        How much rows count in training by how they were drawn.
    """

    labels: PartialLabels
    settings: StageTwoSettings
    average_pool: bool
    design_weights: Array | None = field(default=None, kw_only=True)

    # For stage 1.

    @property
    def strata(self) -> Rows | None:
        """Numbers of all rows' groups (n_rows,), if a split is to take the same share of each."""
        return None

    @property
    def influence_weights(self) -> Weigh | None:
        """What gives the weights of some rows in the loss of a model by what the question makes of them; None if all count alike."""
        return None

    @property
    def training_weights(self) -> Weigh | None:
        """The weights of some rows in the loss of a model: of the question times those of the design, of mean 1."""
        of_design, of_question = self.design_weights, self.influence_weights
        if of_design is None:
            return of_question

        def weigh(rows: Rows) -> Array:
            weights = of_design[rows] * (1.0 if of_question is None else of_question(rows))
            total = weights.sum()
            return weights * len(rows) / total if total > 0 else np.ones(len(rows))

        return weigh

    @property
    def whole_pools(self) -> bool:
        """Whether each of several models predicts the whole pool."""
        return self.average_pool or self.labels.design is not None or self.settings.finite_population

    @property
    def each_row_by_one_model(self) -> bool:
        """Whether averages of models' predictions will not do."""
        return False

    @property
    def smallest_part(self) -> int:
        """If some model's part of the pool has fewer rows, every model predicts the whole pool."""
        return SMALLEST_PART

    # Stage 2.

    @abstractmethod
    def rectify(self, stage_one: OutOfSample) -> Answer:
        """The answer, from predictions of labeled rows and of the pool."""

    # For the learning curve and the plans that are made of it.

    @cached_property
    def drawn(self) -> DrawnLabels | None:
        """How labels were drawn; None if they are all alike and by themselves."""
        return DrawnLabels.of(self.labels, self.settings.finite_population)

    def weights(self, rows: Rows) -> Array | None:
        """Of some labeled rows under a sampling design, with the sum 1."""
        return None if self.drawn is None else self.drawn.weights(rows)

    @property
    def n_parameters(self) -> int:
        """How many numbers are fitted together."""
        return 1

    @property
    def is_sum_of_parts(self) -> bool:
        """Whether labels that have trained are a simple part of what is asked of a finite population."""
        return True

    @property
    def no_split(self) -> str:
        """Why labels cannot be split between training and rectification; empty if they can."""
        if self.settings.finite_population and not self.is_sum_of_parts:
            return "coefficients and differences in a finite population are no sum of parts"
        design = self.labels.design
        pi = None if design is None else design.labeling_probability
        if pi is not None and np.isnan(pi[self.labels.pool_rows]).any():
            return "labeling_probability is NaN for unlabeled rows"
        return ""

    @property
    @abstractmethod
    def columns(self) -> Columns:
        """What labels or predictions of some rows contribute to the estimate, up to a constant: columns that it is a mean of."""

    @property
    def columns_fit_rows(self) -> bool:
        """Whether `columns` fits something to the rows that it is given."""
        return False

    @property
    def pool_share(self) -> float:
        """How much a row of the pool tells, beside one of a pool that is made up as the labels are."""
        return 1.0
