"""The difference between the means of two groups of a sample's rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ftr.estimators._answer import Answer, Columns, variances_of_design
from sklearn_ftr.estimators._bound_estimand import BoundEstimand, Rows
from sklearn_ftr.estimators._covariates import fit_part, read_groups
from sklearn_ftr.estimators._labels import PartialLabels
from sklearn_ftr.estimators._out_of_sample import OutOfSample, fold_shares
from sklearn_ftr.estimators._predicted_pool import PredictedPool
from sklearn_ftr.estimators._sampling import check_no_known_part, sample_of_stages
from sklearn_ftr.estimators._streamed_pool import ChainedPool
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._difference import difference_of
from sklearn_ftr.rectification._difference_under_design import (
    GroupsOfRows,
    difference_under_design,
    group_means,
)
from sklearn_ftr.rectification._generalized_linear import GeneralizedLinear
from sklearn_ftr.rectification._group_moments import GroupMoments, numbers_of_indicators
from sklearn_ftr.rectification._groups import Numbers, check_groups, numbers_of_groups
from sklearn_ftr.rectification._mean import mean_of
from sklearn_ftr.rectification._pool import Pool, PoolBlock
from sklearn_ftr.rectification._pool_moments import PoolMoments
from sklearn_ftr.rectification._pool_rows import PoolRows
from sklearn_ftr.rectification._result import RectifiedResult


@dataclass(frozen=True, eq=False)
class TwoGroups:
    """The two groups, and what reads them.

    Parameters
    ----------
    reader : int, str, callable or transformer
        Reads each row's group from any X.
    names : ndarray of shape (2,)
        The groups in the order of the difference.
    """

    reader: Any
    names: NDArray[Any]

    @classmethod
    def of(cls, part: Any, X: Any, labels: PartialLabels) -> tuple[TwoGroups, Numbers]:
        """The groups that a part of X names, and the number, 0 or 1, of each row's."""
        reader = fit_part(part, X)
        groups = read_groups(reader, X)
        labeled, unlabeled = labels.labeled, labels.unlabeled[:]
        counts = len(labeled), len(unlabeled)
        names, *codes = check_groups(groups[labeled], groups[unlabeled], *counts)
        of_rows = np.empty(len(groups.values), dtype=np.int8)
        of_rows[labeled], of_rows[unlabeled] = codes
        return cls(reader, names), of_rows

    def indicators(self, X: Any) -> Design:
        """Of both groups, for the rows of another X."""
        return Design(np.eye(2)[self.numbers_in(X)], False)

    def numbers_in(self, X: Any) -> Numbers:
        """The number of the group of each row of another X."""
        groups = read_groups(self.reader, X).values
        numbers = numbers_of_groups(groups, self.names)
        strangers = groups[numbers < 0]
        if len(strangers):
            raise ValueError(
                f"X has rows of group {strangers[0]}; expected {self.names[0]} and {self.names[1]} only."
            )
        return numbers


@dataclass(frozen=True, eq=False)
class BoundDifference(BoundEstimand):
    """Mean of the second group minus mean of the first.

    Parameters
    ----------
    groups : TwoGroups
    of_rows : ndarray of int, shape (n_rows,)
        Each row's group, 0 or 1.
    """

    groups: TwoGroups
    of_rows: Numbers

    @property
    def strata(self) -> Rows:
        """Both groups train in the same share."""
        return self.of_rows

    @property
    def columns(self) -> Columns:
        """Deviations from the group's mean over the group's share, with a minus in the first group."""
        group, labeled = self.of_rows, self.labels.labeled
        counts = np.bincount(group[labeled], self.weights(labeled))
        signs = np.array([-1.0, 1.0]) * counts.sum() / np.where(counts > 0, counts, 1)

        def columns(rows: Rows, values: Array) -> Array:
            of_rows, flat, weights = group[rows], values.reshape(len(values)), self.weights(rows)
            present = np.bincount(of_rows, weights, minlength=2)
            weighted = flat if weights is None else weights * flat
            means = np.bincount(of_rows, weighted, 2) / np.where(present > 0, present, 1)
            return (signs[of_rows] * (flat - means[of_rows]))[:, None]

        return columns

    @property
    def columns_fit_rows(self) -> bool:
        """Yes: the groups' means."""
        return True

    @property
    def n_parameters(self) -> int:
        """Both groups' means."""
        return 2

    @property
    def is_sum_of_parts(self) -> bool:
        """No: groups have other shares of the rest."""
        return False

    @property
    def pool_share(self) -> float:
        """From the variance of a difference of the pool's group means, if both groups vary alike."""
        labeled, unlabeled = self.labels.labeled, self.labels.unlabeled[:]
        if self.labels.more is not None or not len(unlabeled):
            return 1.0
        of_labels, of_pool = (
            np.bincount(self.of_rows[rows], minlength=2) for rows in (labeled, unlabeled)
        )
        as_labels = len(unlabeled) * of_labels / of_labels.sum()
        return float(np.sum(1 / as_labels) / np.sum(1 / np.maximum(of_pool, 1)))

    def rectify(self, stage_one: OutOfSample) -> DifferenceAnswer:
        """Each group's mean is rectified by its own labels over its own pool; of a sampling design, both at once."""
        settings = self.settings
        check_no_known_part(settings.finite_population, stage_one)
        if self.labels.design is None and not settings.finite_population:
            of_pool = self._of_groups(stage_one)
            parts = {
                str(name): self._mean_of_group(
                    stage_one.within(self.of_rows == i, with_pool=known is None), str(name), known
                )
                for i, (name, known) in enumerate(zip(self.groups.names, of_pool, strict=True))
            }
            result = difference_of(parts, settings.confidence_level)
        else:
            result = self._of_draw(stage_one)
        return DifferenceAnswer(result, stage_one.fitted_models, self.groups)

    def _of_groups(self, stage_one: OutOfSample) -> tuple[PoolMoments | None, ...]:
        """What a pass over the pool tells of each group; nothing where each model has predicted a part of it."""
        if len(stage_one.parts) > 1:
            return None, None
        pool = stage_one.pool(
            fold_shares(stage_one.folds),
            slice(None),
            lambda rows: Design(np.eye(2)[self.of_rows[rows]], False),
            covariates_of=self.groups.indicators,
            read_once=True,
        )
        return pool.summarized(GroupMoments(numbers_of_indicators)).of_groups

    def _mean_of_group(
        self, stage_one: OutOfSample, name: str, known: PoolMoments | None
    ) -> RectifiedResult:
        rows = stage_one.rectify_rows
        if len(rows) < 2:
            raise ValueError(
                f"Group {name} has {len(rows)} labels that rectify (n_samples={len(self.labels.labeled)}); expected at least 2. "
                "Label more of its rows, lower split_ratio, or use cv."
            )
        sample = sample_of_stages(self.labels, stage_one, self.settings.recycle, known=known)
        return mean_of(sample, self.settings.lambda_, self.settings.confidence_level)

    def _of_draw(self, stage_one: OutOfSample) -> RectifiedResult:
        settings, of_rows = self.settings, self.of_rows
        rectify, trained = stage_one.rectify_rows, stage_one.finetune_rows
        names = str(self.groups.names[0]), str(self.groups.names[1])
        estimand = group_means(names, of_rows[np.concatenate([rectify, trained])])
        sample = sample_of_stages(
            self.labels,
            stage_one,
            settings.recycle,
            settings.finite_population,
            lambda rows: estimand.seen(np.eye(2)[of_rows[rows]]),
            keep_design=True,
            covariates_of=partial(_seen, estimand, self.groups),
        )
        of_more = self._of_more(stage_one)
        of_x = of_rows[_rows_of_x(sample.pool)]
        of_pool = [of_x, of_more[: len(sample.pool) - len(of_x)]]
        groups = GroupsOfRows(
            rectify=of_rows[rectify],
            trained=of_rows[trained],
            pool=np.concatenate(of_pool),
            unlabeled=np.concatenate([of_rows[self.labels.unlabeled[:]], of_more]),
        )
        return difference_under_design(
            estimand, sample, groups, settings.lambda_, settings.confidence_level
        )

    def _of_more(self, stage_one: OutOfSample) -> Numbers:
        """Each row's group beside X, read in a pass of its own."""
        if stage_one.more is None:
            return self.of_rows[:0]
        blocks = stage_one.more.made(partial(_only_groups, self.groups), None)
        numbers = [block.f[:, 0].astype(np.int8) for block in blocks]
        return np.concatenate([self.of_rows[:0], *numbers])


def _seen(estimand: GeneralizedLinear, groups: TwoGroups, X: Any) -> Design:
    return estimand.seen(groups.indicators(X).rows)


def _only_groups(groups: TwoGroups, start: int, X: Any, drawn: PoolRows | None) -> PoolBlock:
    """Numbers of groups in the place of predictions."""
    return PoolBlock(start, groups.numbers_in(X).astype(np.float16)[:, None], np.ones(1))


def _rows_of_x(pool: Pool) -> Rows:
    """Those of the pool, before any that are beside X."""
    first = pool.first if isinstance(pool, ChainedPool) else pool
    return first.part.rows[:] if isinstance(first, PredictedPool) else np.empty(0, dtype=np.intp)


@dataclass(frozen=True, eq=False)
class DifferenceAnswer(Answer):
    """The difference of two groups; `result.parts` are their means."""

    groups: TwoGroups

    @property
    def attributes(self) -> dict[str, Any]:
        """The difference, both means and the groups."""
        means = np.array([part.estimate for part in self._means])
        return {
            "difference_": self.result.estimate,
            "group_means_": means,
            "groups_": self.groups.names,
        }

    def predict(self, X: Any) -> Array:
        """Predictions that average to each group's mean over its pool."""
        group = self.groups.numbers_in(X)
        weights = np.array([np.atleast_1d(part.lambda_) for part in self._means])
        rectifiers = np.array([part.rectifier for part in self._means])
        predictions = self.models.average_prediction(X)
        return np.sum(weights[group] * predictions, axis=1) + rectifiers[group]

    def variances(self, X: Any, labels: PartialLabels) -> tuple[Array, Array]:
        """The sums over both groups."""
        rows, y = labels.labeled, labels.of_labeled_rows
        group, predictions = self.groups.numbers_in(X)[rows], self.models.predict(X, rows)
        totals = []
        for i, name in enumerate(self.result.parts):
            chosen = group == i
            if chosen.sum() < 2:
                raise ValueError(
                    f"score got {chosen.sum()} labeled rows of group {name}; expected at least 2 of each group."
                )
            of_group = [f[chosen] for f in predictions]
            totals.append(self._variances_of_mean(self.result.parts[name], y[chosen], of_group))
        labels_only, variance = np.sum(totals, axis=0)
        return labels_only, variance

    @property
    def _means(self) -> list[RectifiedResult]:
        return list(self.result.parts.values())

    def _variances_of_mean(
        self, part: RectifiedResult, y: Array, predictions: list[Array]
    ) -> tuple[Array, Array]:
        """Of one group, from its labels and each model's predictions of their rows."""
        weights = np.atleast_1d(part.lambda_)
        residuals = [np.var(y - f @ weights, ddof=1) for f in predictions]
        of_labels = np.var(y, ddof=1, keepdims=True)
        residual_variance = np.array([self.models.shares @ residuals])
        return variances_of_design(part, part.pool_covariance[0], of_labels, residual_variance)
